//! The host, x86-64 Linux: the only place that calls libc or uses host instructions directly from Rust.

pub mod channel;
pub mod child;
pub mod clock;
pub mod code;
pub mod fault;
pub mod fd;
mod handover;
pub mod map;
pub mod net;
pub mod netlink;
pub mod nr;
pub mod routes;
mod say;
pub mod signal;
pub mod sockets;
pub mod sse;
mod start;
mod syscall;

pub use handover::{Borrower, Owner, handover};
pub use say::{is_gone, say, without_sigpipe};
pub use start::prepare;
use syscall::last_errno;
pub use syscall::{
    Forked, Ids, core_limit, dumpable, fork, ids, in_copy, monotonic_ns, parent, pid, random,
    set_thread_name, stack_limit, syscall, tid, vfork,
};

/// Size in bytes of a page, of the host and of every guest.
pub const PAGE_SIZE: u64 = 4096;
