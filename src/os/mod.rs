//! Operating systems of guests: tables of system calls and what carries them out.
//!
//! A row of a table ([`Syscall`]) types the arguments of a call. The types alone suffice to make most calls ([`pass()`]), and to
//! show every call ([`crate::trace`] reads the same rows); a handler is written where the host's call differs or the emulator
//! itself is concerned. One folder for each operating system.

mod call;
pub mod core;
mod exec;
pub mod freebsd;
mod host_process;
pub mod linux;
mod mapped;
mod pass;
mod records;
mod table;
pub mod tracing;

pub use call::{Call, is_own_proc_file, own_proc_file, proc_file_of};
pub use exec::{execute, execute_descriptor, is_script};
pub use host_process::{
    ProcStat, numbers_in, parent_of, proc_text, process_of, status_field, status_signals,
    thread_name,
};
pub use mapped::file_behind;
pub use pass::{
    convert_sockaddr, cstring, host_iovecs, pass, pass_as, pass_with, read_sigset,
    sigset_from_guest, sigset_size, sigset_to_guest, write_sigset,
};
pub use records::{read_file, write_file};
pub use table::*;
