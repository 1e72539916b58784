//! Writes of the emulator's own, which are nothing to the guest.

use std::io::{Error, ErrorKind, Write};

use super::signal::{block, set_mask};
use super::syscall;

/// Runs `write` so that it raises no SIGPIPE: the signal for a reader that has gone would be the guest's, whose handler or death
/// it would be. The error (`EPIPE`) is all that is left of it.
pub fn without_sigpipe<R>(write: impl FnOnce() -> R) -> R {
    const SIGPIPE: u64 = 1 << (libc::SIGPIPE - 1);
    let mut waiting = 0u64;
    let at = &raw mut waiting as u64;
    // Cannot fail: the arguments are right.
    let _ = syscall(libc::SYS_rt_sigpending, [at, 8, 0, 0, 0, 0]);
    let before = block(SIGPIPE);
    let result = write();
    if waiting & SIGPIPE == 0 {
        // The kernel sends it to the thread that writes; without one this finds nothing.
        let (wanted, now) = (SIGPIPE, [0u64; 2]);
        let args = [&raw const wanted as u64, 0, now.as_ptr() as u64, 8, 0, 0];
        let _ = syscall(libc::SYS_rt_sigtimedwait, args);
    }
    set_mask(before);
    result
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 is FreeBSD's SIGTHR, and both are the guest's.
    #[test]
    fn the_mask_is_put_back_with_the_c_library_s_signals() {
        const THEIRS: u64 = 3 << 31;
        let before = block(THEIRS);
        without_sigpipe(|| ());
        assert_eq!(set_mask(before) & THEIRS, THEIRS);
    }
}
