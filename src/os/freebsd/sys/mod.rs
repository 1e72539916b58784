//! The system calls, by family: rows and the handlers that some of them need.

pub mod absent;
pub mod acl;
pub mod aio;
pub mod board;
pub mod capsicum;
pub mod credentials;
pub mod descriptors;
pub mod dir;
pub mod extattr;
pub mod fastblock;
pub mod file;
pub mod handles;
pub mod kernel;
pub mod kqueue;
pub mod ksem;
pub mod limits;
pub mod login;
pub mod mem;
pub mod misc;
pub mod modules;
pub mod mounts;
pub mod net;
pub mod own;
pub mod pipe;
pub mod posix;
pub mod procctl;
pub mod procdesc;
pub mod process;
pub mod ptrace;
pub mod sched;
pub mod signal;
pub mod special;
pub mod stat;
pub mod sysv;
pub mod thread;
pub mod time;
pub mod umtx;
pub mod wait;

use crate::os::Syscall;

/// Every row by its name, for the number table.
pub mod rows {
    pub use super::{
        absent::rows::*, acl::rows::*, aio::rows::*, capsicum::rows::*, credentials::rows::*,
        dir::rows::*, extattr::rows::*, fastblock::rows::*, file::rows::*, handles::rows::*,
        kernel::rows::*, kqueue::rows::*, ksem::rows::*, limits::rows::*, login::rows::*,
        mem::rows::*, misc::rows::*, modules::rows::*, mounts::rows::*, net::rows::*,
        posix::rows::*, procctl::rows::*, procdesc::rows::*, process::rows::*, ptrace::rows::*,
        sched::rows::*, signal::rows::*, special::rows::*, stat::rows::*, sysv::rows::*,
        thread::rows::*, time::rows::*, umtx::rows::*, wait::rows::*,
    };
}

/// The rows of all families.
pub fn all_rows() -> impl Iterator<Item = &'static Syscall> {
    [
        absent::ROWS,
        acl::ROWS,
        aio::ROWS,
        capsicum::ROWS,
        credentials::ROWS,
        dir::ROWS,
        extattr::ROWS,
        fastblock::ROWS,
        file::ROWS,
        handles::ROWS,
        kernel::ROWS,
        kqueue::ROWS,
        ksem::ROWS,
        limits::ROWS,
        login::ROWS,
        mem::ROWS,
        misc::ROWS,
        modules::ROWS,
        mounts::ROWS,
        net::ROWS,
        posix::ROWS,
        procctl::ROWS,
        procdesc::ROWS,
        process::ROWS,
        ptrace::ROWS,
        sched::ROWS,
        signal::ROWS,
        special::ROWS,
        stat::ROWS,
        sysv::ROWS,
        thread::ROWS,
        time::ROWS,
        umtx::ROWS,
        wait::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
