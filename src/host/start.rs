//! What the process needs before anything else, and what has to be seen before that changes it.

use std::sync::atomic::{AtomicBool, Ordering};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Prepares the process: a write to a pipe that nobody reads fails instead of ending it, and the standard descriptors are open,
/// so that messages cannot go to a file of the guest's. (Rust's runtime would do the same.) Call first in `main`.
pub fn prepare() {
    // SAFETY: sets a disposition that needs no handler; the structures are plain data.
    unsafe {
        let mut ignore: libc::sigaction = std::mem::zeroed();
        ignore.sa_sigaction = libc::SIG_IGN;
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGPIPE, &ignore, &mut before) == 0 {
            SIGPIPE_IGNORED.store(before.sa_sigaction == libc::SIG_IGN, Ordering::Relaxed);
        }
    }
    for fd in 0..3 {
        // SAFETY: plain system calls with valid arguments. The lowest free descriptor is `fd`: those below are open.
        unsafe {
            if libc::fcntl(fd, libc::F_GETFD) < 0 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
}

/// Whether SIGPIPE was ignored by whoever started the emulator.
pub(super) fn sigpipe_was_ignored() -> bool {
    SIGPIPE_IGNORED.load(Ordering::Relaxed)
}
