//! Writes of the emulator's own, which are nothing to the guest.

use std::io::{Error, ErrorKind, Write};

/// Runs `write` so that it raises no SIGPIPE: the signal for a reader that has gone would be the guest's, whose handler or death
/// it would be. The error (`EPIPE`) is all that is left of it.
pub fn without_sigpipe<R>(write: impl FnOnce() -> R) -> R {
    // SAFETY: sets of ours; the calls change this thread's mask, which is put back, and look at what waits for it.
    unsafe {
        let mut pipe: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut pipe);
        libc::sigaddset(&mut pipe, libc::SIGPIPE);
        let mut before: libc::sigset_t = std::mem::zeroed();
        let mut waiting: libc::sigset_t = std::mem::zeroed();
        libc::sigpending(&mut waiting);
        let guests = libc::sigismember(&waiting, libc::SIGPIPE) == 1;
        libc::pthread_sigmask(libc::SIG_BLOCK, &pipe, &mut before);
        let result = write();
        if !guests {
            // The kernel sends it to the thread that writes; without one this finds nothing.
            let now = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            libc::sigtimedwait(&pipe, std::ptr::null_mut(), &now);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}

/// Whether an output that gave this error is gone for good.
pub fn is_gone(error: &Error) -> bool {
    matches!(
        error.kind(),
        // EPIPE; EIO is a terminal that has hung up, EBADF a descriptor that the guest closed.
        ErrorKind::BrokenPipe
    ) || matches!(error.raw_os_error(), Some(libc::EIO | libc::EBADF))
}

/// Writes a message to standard error, where there may be nobody to read it.
pub fn say(text: &str) {
    // Nobody to tell, if that fails.
    let _ = without_sigpipe(|| std::io::stderr().write_all(text.as_bytes()));
}
