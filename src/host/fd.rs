//! Descriptors of the emulator's own: kept out of the numbers that a guest expects to get.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The emulator's descriptors have this number or a higher one, where the limit permits.
pub const FIRST_OWN: i32 = 900;

/// Moves a descriptor out of the guest's way; where there is no room it stays.
pub fn raise(fd: OwnedFd) -> OwnedFd {
    // SAFETY: duplicates a descriptor that we own.
    let high = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST_OWN) };
    if high < 0 {
        return fd;
    }
    // SAFETY: fresh, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(high) }
}

/// Runs `open` with the low descriptors taken, so that what it opens gets a number that no guest expects. For things that cannot
/// be moved with [`raise`]; before the guest runs.
pub fn above_the_guests<R>(open: impl FnOnce() -> R) -> R {
    let mut taken = Vec::new();
    if let Ok(null) = std::fs::File::open("/dev/null") {
        // SAFETY: duplicates a descriptor that we own; the copies are ours.
        while let fd @ 0..FIRST_OWN = unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD, 0) } {
            // SAFETY: as above.
            taken.push(unsafe { OwnedFd::from_raw_fd(fd) });
            if taken.len() >= FIRST_OWN as usize {
                break;
            }
        }
        // The last one was at the bound, or there is none left: `open` needs room.
        taken.pop();
    }
    let result = open();
    drop(taken);
    result
}
