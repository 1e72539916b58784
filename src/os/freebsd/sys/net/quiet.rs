//! Sockets whose broken connections raise no SIGPIPE (SO_NOSIGPIPE): the host knows this of single calls only.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;
use crate::os::freebsd;
use crate::process::Process;

/// The host's MSG_NOSIGNAL.
pub(super) const NOSIGNAL: u64 = 0x4000;

/// The descriptors of such sockets.
#[derive(Default)]
pub struct Quiet {
    sockets: Mutex<HashSet<i32>>,
    /// Whether there are any.
    some: AtomicBool,
}

impl Quiet {
    fn lock(&self) -> MutexGuard<'_, HashSet<i32>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contains(&self, fd: i32) -> bool {
        self.some.load(SeqCst) && self.lock().contains(&fd)
    }

    fn set(&self, fd: i32, quiet: bool) {
        let mut sockets = self.lock();
        if quiet {
            sockets.insert(fd);
        } else {
            sockets.remove(&fd);
        }
        self.some.store(!sockets.is_empty(), SeqCst);
    }
}

fn of<'a>(call: &'a Call<'_>) -> Option<&'a Quiet> {
    freebsd::of(call.thread).map(|os| &os.quiet)
}

/// Whether a descriptor of the process's is such a socket.
pub(in crate::os::freebsd::sys) fn is_quiet(process: &Process, fd: i32) -> bool {
    freebsd::of_process(process).is_some_and(|os| os.quiet.contains(fd))
}

pub(super) fn contains(call: &Call<'_>, fd: i32) -> bool {
    of(call).is_some_and(|q| q.contains(fd))
}

pub(super) fn set(call: &Call<'_>, fd: i32, quiet: bool) {
    if let Some(q) = of(call) {
        q.set(fd, quiet);
    }
}

/// A descriptor has been copied, or accepted from a listening socket, whose options a connection has.
pub(in crate::os::freebsd::sys) fn copied(call: &Call<'_>, old: i32, new: i32) {
    if contains(call, old) {
        set(call, new, true);
    }
}

/// Descriptors have been closed.
pub(in crate::os::freebsd::sys) fn closed(call: &Call<'_>, first: i32, last: i32) {
    let Some(q) = of(call).filter(|q| q.some.load(SeqCst)) else {
        return;
    };
    let mut sockets = q.lock();
    sockets.retain(|fd| !(first..=last).contains(fd));
    q.some.store(!sockets.is_empty(), SeqCst);
}

/// Makes a call that writes to such a socket without the signal; `None` if it does not.
pub(in crate::os::freebsd) fn write(call: &mut Call<'_>) -> Option<SysResult> {
    if !matches!(call.row.name, "write" | "writev" | "sendto") || !contains(call, call.int(0)) {
        return None;
    }
    Some(match call.row.name {
        "write" => write_bytes(call),
        "writev" => write_vector(call),
        _ => {
            let flags = call.host_flags(3) | NOSIGNAL;
            pass_with(call, SYS_sendto, true, &[(3, flags)])
        }
    })
}

fn write_bytes(call: &mut Call<'_>) -> SysResult {
    let (at, len) = (call.arg(1), call.arg(2));
    let host = call.lend(at, len, Dir::In, true)?;
    call.host_wait(SYS_sendto, [call.arg(0), host, len, NOSIGNAL, 0, 0])
}

fn write_vector(call: &mut Call<'_>) -> SysResult {
    let count = call.arg(2);
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let iov = host_iovecs(call, call.arg(1), count, Dir::In)?;
    // struct msghdr: no name, vectors, no control messages.
    let message = [0, 0, iov.as_ptr() as u64, count, 0, 0, 0u64];
    let at = message.as_ptr() as u64;
    call.host_wait(SYS_sendmsg, [call.arg(0), at, NOSIGNAL, 0, 0, 0])
}
