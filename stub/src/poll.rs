//! Waiting for the debugger and for the inferior at once.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Which of two descriptors can be read (or has failed, which a read will tell).
pub(crate) struct Ready {
    pub first: bool,
    pub second: bool,
}

/// How long to look before going to sleep: a debugger that steps answers sooner than a sleeping thread wakes up, which on an idle
/// machine doubles the time of a step.
const LOOK: Duration = Duration::from_micros(60);

/// Whether the descriptor can be read now.
pub(crate) fn is_ready(fd: BorrowedFd<'_>) -> bool {
    let mut fd = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one `pollfd` that outlives the call, of a descriptor that is borrowed, hence open.
    unsafe { libc::poll(&raw mut fd, 1, 0) > 0 }
}

/// Looks for a while whether the descriptor can be read, without sleeping. Who reads next may have to.
pub(crate) fn look(fd: BorrowedFd<'_>) {
    let mut fd = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let until = Instant::now() + LOOK;
    // SAFETY: one `pollfd` that outlives the call, of a descriptor that is borrowed, hence open.
    while unsafe { libc::poll(&raw mut fd, 1, 0) } == 0 && Instant::now() < until {}
}

/// Blocks until one of them can be read.
pub(crate) fn wait(first: BorrowedFd<'_>, second: BorrowedFd<'_>) -> io::Result<Ready> {
    let mut fds = [first, second].map(|fd| libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    });
    loop {
        // SAFETY: `fds` is an array of two `pollfd` that outlives the call, and both descriptors are borrowed, hence open.
        let n = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, -1) };
        if n >= 0 {
            return Ok(Ready {
                first: fds[0].revents != 0,
                second: fds[1].revents != 0,
            });
        }
        let e = io::Error::last_os_error();
        if e.kind() != io::ErrorKind::Interrupted {
            return Err(e);
        }
    }
}
