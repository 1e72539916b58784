//! Descriptors of the emulator's own: kept out of the numbers that a guest can get, and out of its hands.
//!
//! They are above the soft limit on descriptors, where the kernel gives the guest none, as far as the hard limit has room: that
//! limit is raised for the moment in which one is made. A guest that names one is told that it is not open ([`is_own`]).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::abi::SysResult;

/// How many there can be.
const ROOM: i32 = 64;

/// A higher soft limit does not count: the kernel keeps a table as long as the highest descriptor, and copies it in each fork.
const HIGHEST: u64 = 16384;

static FIRST: OnceLock<i32> = OnceLock::new();

/// Which are in use: bit n is descriptor [`first`] + n.
static OWN: AtomicU64 = AtomicU64::new(0);

/// How many descriptors have had each of these numbers.
static BIRTHS: [AtomicU32; ROOM as usize] = [const { AtomicU32::new(0) }; ROOM as usize];

/// Held while the limit is raised, and while a descriptor is on its way up.
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
/// low descriptors that [`raised`] has for a moment.
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

/// Closes the guest's descriptors from `first` to `last`; `flags` are those of close_range(2).
///
/// # Errors
/// Those of close_range(2).
pub fn close_range(mut first: u64, last: u64, flags: u64) -> SysResult {
    let close = |first, last| super::syscall(libc::SYS_close_range, [first, last, flags, 0, 0, 0]);
    if first <= last {
        for fd in own().map(|fd| fd as u64) {
            if first < fd && fd <= last {
                close(first, fd - 1)?;
            }
            if (first..=last).contains(&fd) {
                first = fd + 1;
            }
        }
        // Nothing is left behind the last of the emulator's.
        if first > last {
            return Ok(0);
        }
    }
    close(first, last)
}

fn note(fd: i32) {
    let n = fd - first();
    if (0..ROOM).contains(&n) {
        BIRTHS[n as usize].fetch_add(1, Relaxed);
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
    with_room(|| move_up(fd))
}

fn move_up(fd: OwnedFd) -> OwnedFd {
    // SAFETY: duplicates a descriptor that we own.
    let high = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, first()) };
    if high < 0 {
        return fd;
    }
    note(high);
    // SAFETY: fresh, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(high) }
}

/// Moves what `open` opens out of the guest's way, and makes it the emulator's. It has a low number only until then, which no
/// fork sees. A guest that has used its numbers up is not in the way.
///
/// # Errors
/// Those of `open`.
pub fn raised<T: From<OwnedFd> + Into<OwnedFd>>(
    open: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    with_room(|| Ok(move_up(open()?.into()).into()))
}

/// The same, for several descriptors at once.
///
/// # Errors
/// Those of `open`.
pub fn raised_all(open: impl FnOnce() -> io::Result<Vec<OwnedFd>>) -> io::Result<Vec<OwnedFd>> {
    with_room(|| Ok(open()?.into_iter().map(move_up).collect()))
}

/// Another descriptor of the same file, which is the emulator's from the start.
///
/// # Errors
/// There is no room.
pub fn duplicate(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    with_room(|| {
        // SAFETY: duplicates a descriptor that is borrowed, hence open.
        let high = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, first()) };
        if high < 0 {
            return Err(io::Error::last_os_error());
        }
        note(high);
        // SAFETY: fresh, and nobody else's.
        Ok(unsafe { OwnedFd::from_raw_fd(high) })
    })
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

/// Closes all descriptors but the emulator's own: in a process that is ending, where nobody uses them any more.
pub fn close_all_but_own() {
    let mut from = 0;
    let close = |from: i32, to: i32| {
        if from <= to {
            let args = [from as u64, to as u64, 0, 0, 0, 0];
            let _ = super::syscall(libc::SYS_close_range, args);
        }
    };
    for fd in own() {
        close(from, fd - 1);
        from = fd + 1;
    }
    close(from, i32::MAX);
}

/// Which descriptor of the emulator's own one is: no other one that has its number before or after it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    fd: i32,
    birth: u32,
}

impl Identity {
    /// That of an open descriptor. `None`: there was no room to make it the emulator's own.
    pub fn of(fd: BorrowedFd<'_>) -> Option<Identity> {
        let fd = fd.as_raw_fd();
        is_own(fd).then(|| Identity {
            fd,
            birth: BIRTHS[(fd - first()) as usize].load(Relaxed),
        })
    }

    /// Closes it in a process that has it only because its parent had it: the value that owns it there has no owner here. Does
    /// nothing if it was closed by then, whoever has its number now.
    pub fn close_inherited(self) {
        let birth = BIRTHS[(self.fd - first()) as usize].load(Relaxed);
        if is_own(self.fd) && birth == self.birth {
            forget(self.fd);
            // SAFETY: open, and no value of this process owns it, as the caller says.
            unsafe { libc::close(self.fd) };
        }
    }
}

/// Closes a descriptor of the emulator's own in the child of a fork, where what owns it is to be forgotten.
pub fn close_inherited(fd: BorrowedFd<'_>) {
    if let Some(identity) = Identity::of(fd) {
        identity.close_inherited();
    }
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

    /// The descriptor.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }

    /// Keeps it open in programs that this process executes.
    pub fn leave_to_programs(&self) {
        set_inherited(self.number(), true);
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
    use std::os::fd::AsFd;
    use std::sync::atomic::AtomicBool;

    fn file() -> io::Result<std::fs::File> {
        std::fs::File::open("/dev/null")
    }

    /// Children that are born while another thread raises a descriptor can open descriptors, and get none of its low ones.
    #[test]
    fn a_fork_waits_for_descriptors_to_settle() {
        let done = AtomicBool::new(false);
        let low = Mutex::new(-1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    let raised = raised(|| {
                        let file = file()?;
                        *low.lock().expect("not poisoned") = file.as_raw_fd();
                        std::thread::sleep(std::time::Duration::from_millis(2));
                        *low.lock().expect("not poisoned") = -1;
                        Ok(file)
                    });
                    forget(raised.expect("/dev/null").as_raw_fd());
                    // The lock is not a fair one.
                    std::thread::sleep(std::time::Duration::from_micros(200));
                }
            });
            let mut failed = Vec::new();
            for _ in 0..40 {
                while *low.lock().expect("not poisoned") < 0 {
                    std::thread::yield_now();
                }
                match fork().expect("fork") {
                    Forked::Child => {
                        // SAFETY: plain system calls; the alarm ends a child that waits for ever.
                        unsafe {
                            libc::alarm(5);
                            let stray = low.try_lock().is_ok_and(|fd| *fd >= 0);
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

    #[test]
    fn what_is_raised_is_the_emulators_own() {
        let one = raised(file).expect("/dev/null");
        let other = duplicate(one.as_fd()).expect("room");
        for fd in [one.as_raw_fd(), other.as_raw_fd()] {
            assert!(fd >= first() && is_own(fd), "{fd}");
        }
        forget(one.as_raw_fd());
        forget(other.as_raw_fd());
    }

    /// A number that is remembered for longer than its descriptor lives closes no other descriptor that has it by then.
    #[test]
    fn a_stale_identity_closes_nothing() {
        // In a child, whose numbers no other test takes.
        match fork().expect("fork") {
            Forked::Child => {
                let status = match stale() {
                    Ok(()) => 0,
                    Err(line) => line as i32,
                };
                // SAFETY: ends the child.
                unsafe { libc::_exit(status) };
            }
            Forked::Parent(pid) => {
                let mut status = 0;
                // SAFETY: our child, and a place for its status.
                unsafe { libc::waitpid(pid, &mut status, 0) };
                assert_eq!(libc::WEXITSTATUS(status), 0, "the check in that line");
            }
        }
    }

    fn stale() -> Result<(), u32> {
        let check = |holds: bool, line: u32| if holds { Ok(()) } else { Err(line) };
        for forgotten in [true, false] {
            let first = raised(file).map_err(|_| line!())?;
            let (number, identity) = (first.as_raw_fd(), Identity::of(first.as_fd()));
            let identity = identity.ok_or(line!())?;
            drop(first);
            if forgotten {
                forget(number);
            }
            let second = raised(file).map_err(|_| line!())?;
            check(second.as_raw_fd() == number, line!())?;
            identity.close_inherited();
            check(second.metadata().is_ok(), line!())?;
            let identity = Identity::of(second.as_fd()).ok_or(line!())?;
            identity.close_inherited();
            check(second.metadata().is_err(), line!())?;
            std::mem::forget(second);
        }
        Ok(())
    }
}
