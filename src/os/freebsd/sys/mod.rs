//! The system calls, by family: rows and the handlers that some of them need.

pub mod dir;
pub mod file;
pub mod kqueue;
pub mod mem;
pub mod misc;
pub mod missing;
pub mod net;
pub mod process;
pub mod signal;
pub mod thread;
pub mod time;
pub mod umtx;

use crate::os::Syscall;

/// Every row by its name, for the number table.
pub mod rows {
    pub use super::{
        dir::rows::*, file::rows::*, kqueue::rows::*, mem::rows::*, misc::rows::*,
        missing::rows::*, net::rows::*, process::rows::*, signal::rows::*, thread::rows::*,
        time::rows::*, umtx::rows::*,
    };
}

/// The rows of all families.
pub fn all_rows() -> impl Iterator<Item = &'static Syscall> {
    [
        dir::ROWS,
        file::ROWS,
        kqueue::ROWS,
        mem::ROWS,
        misc::ROWS,
        missing::ROWS,
        net::ROWS,
        process::ROWS,
        signal::ROWS,
        thread::ROWS,
        time::ROWS,
        umtx::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
