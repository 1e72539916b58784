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

/// Makes descriptor `fd` one that reads as the end of a file.
pub fn read_nothing(fd: i32) {
    if let Ok(null) = std::fs::File::open("/dev/null") {
        // SAFETY: replaces a descriptor by number, as the caller asks; the one it is copied from is ours.
        unsafe { libc::dup2(null.as_raw_fd(), fd) };
    }
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

/// Memory as a file, which processes share that inherit it or open it through `/proc/PID/fd`. Kept out of the guest's way.
///
/// # Errors
/// No descriptor or no memory.
pub fn memory_file(name: &std::ffi::CStr) -> std::io::Result<std::fs::File> {
    // SAFETY: a string with its NUL.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: fresh, and nobody else's.
    Ok(raise(unsafe { OwnedFd::from_raw_fd(fd) }).into())
}

/// Locks a file against other processes, or unlocks it. The lock is the process's: a child does not inherit it, and the kernel
/// takes it back when the process ends. Closing any descriptor of the file loses it too.
pub fn lock_against_processes(file: &std::fs::File, locked: bool) {
    let range = libc::flock {
        l_type: if locked { libc::F_WRLCK } else { libc::F_UNLCK } as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    // SAFETY: a structure of ours, which the call only reads. A signal may interrupt the wait, as often as it likes.
    while unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLKW, &range) } < 0
        && super::last_errno() == crate::abi::Errno::EINTR
    {}
}
