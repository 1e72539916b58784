//! Waiting for the debugger and for the inferior at once.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Which of two descriptors can be read (or has failed, which a read will tell).
pub(crate) struct Ready {
    pub first: bool,
    pub second: bool,
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
