//! What becomes of descriptors: the calls that copy or close them tell those who keep something about a descriptor that the host does
//! not know.

use super::own::PerProcess;
use super::{aio, kqueue, pipe, procdesc};
use crate::abi::SysResult;
use crate::host::fd;
use crate::host::nr::{SYS_close, SYS_fcntl};
use crate::os::freebsd::{FreeBsd, of};
use crate::os::{Call, pass};
use crate::process::Thread;

/// Whether a descriptor of the process is open.
pub(super) fn is_open(fd: i32) -> bool {
    const F_GETFD: u64 = 1;
    crate::host::syscall(SYS_fcntl, [fd as u64, F_GETFD, 0, 0, 0, 0]).is_ok()
}

/// Descriptors from `first` to `last` are about to be closed.
pub(super) fn closing(call: &Call<'_>, first: i32, last: i32) {
    pipe::closing(call, first, last);
    // The child of a vfork has descriptors of its own.
    if !call.thread.handle.has_own_files() {
        aio::closing(call, first, last);
        kqueue::closed_range(call, first, last);
    }
}

/// Closes the descriptor that argument 0 names.
pub(super) fn close(call: &mut Call<'_>) -> SysResult {
    let fd = call.int(0);
    closing(call, fd, fd);
    let result = pass(call, SYS_close, false)?;
    closed(call, fd, fd);
    Ok(result)
}

/// Closes descriptors from `first` to `last`; `flags` are those of close_range(2), with which they may stay open until exec.
pub(super) fn close_range(call: &mut Call<'_>, first: u64, last: u64, flags: u64) -> SysResult {
    let number = |fd: u64| fd.min(i32::MAX as u64) as i32;
    if flags != 0 {
        return fd::close_range(first, last, flags);
    }
    closing(call, number(first), number(last));
    let result = fd::close_range(first, last, 0)?;
    closed(call, number(first), number(last));
    Ok(result)
}

/// What is kept for a process of its descriptors.
pub(super) fn kept_of_descriptors(os: &FreeBsd) -> [&dyn PerProcess; 4] {
    let (limits, pipes) = (&os.capabilities.limits, &os.pipes.ends);
    [limits, &os.sockets.0, &os.routes.ends, pipes]
}

/// A process that shares the memory begins with none of the descriptors of the one that made it.
pub(super) fn begin_without(thread: &Thread) {
    // A range without descriptors is no error, and there is no other.
    let _ = fd::close_range(0, u32::MAX.into(), 0);
    if let Some(os) = of(thread) {
        let own = thread.handle.has_own_files();
        kept_of_descriptors(os)
            .into_iter()
            .for_each(|kept| kept.clear(own));
    }
}

/// `new` is another descriptor of what `old` is; what it was is closed.
pub(super) fn copied(call: &mut Call<'_>, old: i32, new: i32) {
    kqueue::duplicated(call, old, new);
    closed(call, new, new);
    procdesc::copied(call, old, new);
    pipe::copied(call, old, new);
    if let Some(os) = of(call.thread) {
        os.capabilities.limits.copied(call, old, new);
        os.sockets.0.copied(call, old, new);
        os.routes.ends.copied(call, old, new);
    }
}

/// `new` is a connection that has been accepted from the listening socket `old`.
pub(super) fn accepted(call: &Call<'_>, old: i32, new: i32) {
    if let Some(os) = of(call.thread) {
        os.capabilities.limits.copied(call, old, new);
        os.sockets.0.copied(call, old, new);
    }
}

/// Descriptors from `first` to `last` have been closed.
pub(super) fn closed(call: &mut Call<'_>, first: i32, last: i32) {
    procdesc::closed(call, first, last);
    if let Some(os) = of(call.thread) {
        os.capabilities.limits.closed(call, first, last);
        os.sockets.0.closed(call, first, last);
        os.routes.ends.closed(call, first, last);
    }
}
