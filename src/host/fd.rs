//! Descriptors of the emulator's own: kept out of the numbers that a guest can get, and out of its hands.
//!
//! They are above the soft limit on descriptors, where the kernel gives the guest none, as far as the hard limit has room: that
//! limit is raised for the moment in which one is made. A guest that names one is told that it is not open ([`is_own`]).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::abi::SysResult;

/// How many there can be.
const ROOM: i32 = 64;

/// A higher soft limit does not count: the kernel keeps a table as long as the highest descriptor, and copies it in each fork.
const HIGHEST: u64 = 16384;

static FIRST: OnceLock<i32> = OnceLock::new();

/// Which are in use: bit n is descriptor [`first`] + n.
static OWN: AtomicU64 = AtomicU64::new(0);

/// Held while the limit is raised.
static RAISING: Mutex<()> = Mutex::new(());

fn limit() -> libc::rlimit {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: room for the result; cannot fail with these arguments.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    limit
}

/// The lowest number that a descriptor of the emulator's own has: fixed at the first call, which is before the guest runs.
fn first() -> i32 {
    *FIRST.get_or_init(|| {
        let limit = limit();
        let soft = limit.rlim_cur.min(HIGHEST) as i32;
        if limit.rlim_max >= limit.rlim_cur.min(HIGHEST) + ROOM as u64 {
            soft
        } else {
            (soft - ROOM).max(3)
        }
    })
}

/// Keeps other threads out of the descriptors while this one forks: the child would inherit a lock that nobody releases, and the
/// low descriptors that [`above_the_guests`] has taken for a moment.
pub(super) fn settle() -> MutexGuard<'static, ()> {
    RAISING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `open` with the soft limit high enough for descriptors of the emulator's own.
fn with_room<R>(open: impl FnOnce() -> R) -> R {
    let _raising = settle();
    let old = limit();
    let wanted = (first() + ROOM) as u64;
    let set = |limit: libc::rlimit| {
        // SAFETY: a valid structure.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
    };
    if old.rlim_cur >= wanted || old.rlim_max < wanted {
        return open();
    }
    set(libc::rlimit {
        rlim_cur: wanted,
        ..old
    });
    let result = open();
    set(old);
    result
}

/// Whether `fd` is the emulator's: to the guest it is not there.
pub fn is_own(fd: i32) -> bool {
    let own = OWN.load(Relaxed);
    if own == 0 {
        return false;
    }
    let n = fd.wrapping_sub(first());
    (0..ROOM).contains(&n) && own >> n & 1 != 0
}

/// Those of the emulator's own, lowest first.
pub fn own() -> impl Iterator<Item = i32> {
    let own = OWN.load(Relaxed);
    (0..ROOM)
        .filter(move |n| own >> n & 1 != 0)
        .map(|n| first() + n)
}

fn note(fd: i32) {
    let n = fd - first();
    if (0..ROOM).contains(&n) {
        OWN.fetch_or(1 << n, Relaxed);
    }
}

/// Says that a descriptor of the emulator's own has been closed.
pub fn forget(fd: i32) {
    let n = fd.wrapping_sub(first());
    if (0..ROOM).contains(&n) {
        OWN.fetch_and(!(1 << n), Relaxed);
    }
}

/// Moves a descriptor out of the guest's way, and makes it the emulator's; where there is no room it stays.
pub fn raise(fd: OwnedFd) -> OwnedFd {
    let (fd, high) = with_room(|| {
        // SAFETY: duplicates a descriptor that we own.
        let high = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, first()) };
        (fd, high)
    });
    if high < 0 {
        return fd;
    }
    note(high);
    // SAFETY: fresh, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(high) }
}

/// Takes a descriptor over that an emulator before this one left open across its `execve`, and keeps it from the guest.
///
/// # Errors
/// It is not open.
pub fn adopt(fd: i32) -> std::io::Result<OwnedFd> {
    // SAFETY: asks only.
    if fd < 3 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    // SAFETY: open, and left by the one before for us alone.
    Ok(raise(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Whether a descriptor stays open for the program that `execve` starts.
pub fn set_inherited(fd: i32, inherited: bool) {
    let flags = if inherited { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: sets a flag of a descriptor of the emulator's own.
    unsafe { libc::fcntl(fd, libc::F_SETFD, flags) };
}

/// Closes a descriptor that this process has only because its parent had it: the value that owns it there has no owner here.
pub fn close(fd: i32) {
    forget(fd);
    // SAFETY: no value of this process owns it, as the caller says.
    unsafe { libc::close(fd) };
}

/// A descriptor of the emulator's own, out of the guest's way; closed when it is dropped.
#[derive(Debug)]
pub struct OwnFd(OwnedFd);

impl OwnFd {
    /// Makes a host system call whose result is a new descriptor, which becomes the emulator's.
    ///
    /// # Errors
    /// The call's.
    pub fn open(number: i64, args: [u64; 6]) -> SysResult<OwnFd> {
        let fd = super::syscall(number, args)?;
        // SAFETY: the kernel has just made it for us.
        Ok(OwnFd(raise(unsafe { OwnedFd::from_raw_fd(fd as i32) })))
    }

    /// A pipe: the end to read from and the one to write to.
    ///
    /// # Errors
    /// EMFILE, ENFILE.
    pub fn pipe() -> SysResult<(OwnFd, OwnFd)> {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
            return Err(super::last_errno());
        }
        // SAFETY: fresh, and nobody else's.
        let own = |fd| OwnFd(raise(unsafe { OwnedFd::from_raw_fd(fd) }));
        Ok((own(ends[0]), own(ends[1])))
    }

    /// Takes a descriptor over as [`adopt`] does; one that has just come over a socket, too.
    ///
    /// # Errors
    /// It is not open.
    pub fn adopt(fd: i32) -> io::Result<OwnFd> {
        let adopted = adopt(fd)?;
        Ok(OwnFd(adopted))
    }

    /// Leaves it open for as long as the process lives, and for the programs that it executes. Returns its number.
    pub fn leave_open(self) -> i32 {
        let fd = self.number();
        set_inherited(fd, true);
        std::mem::forget(self);
        fd
    }

    /// Its number.
    pub fn number(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

impl Drop for OwnFd {
    fn drop(&mut self) {
        forget(self.number());
    }
}

/// Makes descriptor `fd` of the guest another name for `with`.
///
/// # Errors
/// The kernel's.
pub fn replace(fd: i32, with: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: replaces a descriptor by number, as the caller asks; the one it is copied from is borrowed, hence open.
    match unsafe { libc::dup2(with.as_raw_fd(), fd) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Runs `open` with the low descriptors taken, so that what it opens becomes the emulator's. For things that cannot be moved with
/// [`raise`].
pub fn above_the_guests<R>(open: impl FnOnce() -> R) -> R {
    with_room(|| {
        let mut taken = Vec::new();
        if let Ok(null) = std::fs::File::open("/dev/null") {
            // SAFETY: duplicates a descriptor that we own; the copies are ours.
            while let fd @ 0.. = unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 0) }
            {
                // SAFETY: as above.
                taken.push(unsafe { OwnedFd::from_raw_fd(fd) });
                if fd >= first() {
                    break;
                }
            }
            // The last one was at the bound, or there is none left: `open` needs room. The first one is as low as any.
            taken.pop();
            taken.push(null.into());
        }
        let before = OWN.load(Relaxed);
        let result = open();
        for n in (0..ROOM).filter(|n| before >> n & 1 == 0) {
            // SAFETY: asks only.
            if unsafe { libc::fcntl(first() + n, libc::F_GETFD) } >= 0 {
                note(first() + n);
            }
        }
        drop(taken);
        result
    })
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

#[cfg(test)]
mod tests {
    use super::super::syscall::{Forked, fork};
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// Children that are born while another thread is in [`above_the_guests`] can open descriptors, and get none of its.
    #[test]
    fn a_fork_waits_for_descriptors_to_settle() {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    above_the_guests(|| ());
                    // The lock is not a fair one.
                    std::thread::sleep(std::time::Duration::from_micros(200));
                }
            });
            let mut failed = Vec::new();
            for _ in 0..40 {
                match fork().expect("fork") {
                    Forked::Child => {
                        // SAFETY: plain system calls; the alarm ends a child that waits for ever.
                        unsafe {
                            libc::alarm(5);
                            let stray = libc::fcntl(first() - 2, libc::F_GETFD) >= 0;
                            with_room(|| ());
                            libc::_exit(stray.into());
                        }
                    }
                    Forked::Parent(pid) => {
                        let mut status = 0;
                        // SAFETY: our child, and a place for its status.
                        unsafe { libc::waitpid(pid, &mut status, 0) };
                        if status != 0 {
                            failed.push(status);
                        }
                    }
                }
                if !failed.is_empty() {
                    break;
                }
            }
            done.store(true, Relaxed);
            assert!(
                failed.is_empty(),
                "a child ended with the status {failed:?}"
            );
        });
    }
}
