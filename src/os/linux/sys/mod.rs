//! The system calls, by family: rows and the handlers that some of them need.

pub mod dir;
pub mod file;
pub mod ioctl;
pub mod ipc;
pub mod mem;
pub mod misc;
pub mod net;
pub mod poll;
pub mod prctl;
pub mod process;
pub mod signal;
pub mod sockopt;
pub mod thread;
pub mod time;

use crate::os::Syscall;

/// Every row by its name, for the number tables.
pub mod rows {
    pub use super::{
        dir::rows::*, file::rows::*, ipc::rows::*, mem::rows::*, misc::rows::*, net::rows::*,
        poll::rows::*, process::rows::*, signal::rows::*, thread::rows::*, time::rows::*,
    };
}

/// The rows of all families.
pub fn all_rows() -> impl Iterator<Item = &'static Syscall> {
    [
        dir::ROWS,
        file::ROWS,
        ipc::ROWS,
        mem::ROWS,
        misc::ROWS,
        net::ROWS,
        poll::ROWS,
        process::ROWS,
        signal::ROWS,
        thread::ROWS,
        time::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
