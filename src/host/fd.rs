//! Descriptors of the emulator's own: kept out of the numbers that a guest can get, and out of its hands.
//!
//! They are above the soft limit on descriptors, where the kernel gives the guest none, as far as the hard limit has room: that
//! limit is raised for the moment in which one is made. A guest that names one is told that it is not open ([`is_own`]).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::abi::SysResult;

/// How many there can be where the hard limit has room for them.
const MOST: i32 = 1024;

/// How many there are where they have to come out of what the guest could have.
const LEAST: i32 = 64;

/// How many of the lowest are for what the emulator has few of, whatever the guest does ([`OwnFd::loop_pipe`]).
const RESERVED: i32 = 64;

/// A higher soft limit does not count: the kernel keeps a table as long as the highest descriptor, and copies it in each fork.
const HIGHEST: u64 = 16384;

/// The first of them, and how many there can be.
static RANGE: OnceLock<(i32, i32)> = OnceLock::new();

/// Which are in use: bit n of word m is descriptor [`first`] + 64 m + n.
static OWN: [AtomicU64; MOST as usize / 64] = [const { AtomicU64::new(0) }; MOST as usize / 64];

/// How many descriptors have had each of these numbers.
static BIRTHS: [AtomicU32; MOST as usize] = [const { AtomicU32::new(0) }; MOST as usize];

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

/// The lowest number that a descriptor of the emulator's own has, and how many have room from there on: fixed at the first call,
/// which is before the guest runs.
fn range() -> (i32, i32) {
    *RANGE.get_or_init(|| {
        let limit = limit();
        let soft = limit.rlim_cur.min(HIGHEST) as i32;
        let room = (limit.rlim_max - soft as u64).min(MOST as u64) as i32;
        if room >= LEAST {
            (soft, room)
        } else {
            ((soft - LEAST).max(3), LEAST)
        }
    })
}

/// The lowest number that a descriptor of the emulator's own has.
fn first() -> i32 {
    range().0
}

/// The place of a number among those of the emulator's own, if it is one of them.
fn place(fd: i32) -> Option<usize> {
    let (first, room) = range();
    let n = fd.wrapping_sub(first);
    (0..room).contains(&n).then_some(n as usize)
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
    let (first, room) = range();
    let wanted = (first + room) as u64;
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
    place(fd).is_some_and(|n| OWN[n / 64].load(Relaxed) >> (n % 64) & 1 != 0)
}

/// Those of the emulator's own, lowest first.
pub fn own() -> impl Iterator<Item = i32> {
    let words = OWN.iter().map(|word| word.load(Relaxed)).enumerate();
    words.filter(|(_, word)| *word != 0).flat_map(|(m, word)| {
        let set = (0..64).filter(move |n| word >> n & 1 != 0);
        set.map(move |n| first() + 64 * m as i32 + n)
    })
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
    if let Some(n) = place(fd) {
        BIRTHS[n].fetch_add(1, Relaxed);
        OWN[n / 64].fetch_or(1 << (n % 64), Relaxed);
    }
}

/// Says that a descriptor of the emulator's own has been closed.
pub fn forget(fd: i32) {
    if let Some(n) = place(fd) {
        OWN[n / 64].fetch_and(!(1 << (n % 64)), Relaxed);
    }
}

/// Moves a descriptor out of the guest's way, and makes it the emulator's; where there is no room it stays.
pub fn raise(fd: OwnedFd) -> OwnedFd {
    with_room(|| move_up(fd))
}

fn move_up(fd: OwnedFd) -> OwnedFd {
    duplicate_above(fd.as_fd(), first()).unwrap_or(fd)
}

/// Another descriptor of the same file, with the lowest number from `lowest` on. The limit is to be high enough.
fn duplicate_above(fd: BorrowedFd<'_>, lowest: i32) -> io::Result<OwnedFd> {
    // SAFETY: duplicates a descriptor that is borrowed, hence open.
    let high = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, lowest) };
    if high < 0 {
        return Err(io::Error::last_os_error());
    }
    note(high);
    // SAFETY: fresh, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(high) })
}

/// Moves a descriptor to the numbers behind the reserved ones, which there may be none of.
fn set_aside(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let (first, room) = range();
    let moved = duplicate_above(fd, first + RESERVED.min(room / 2))?;
    if place(moved.as_raw_fd()).is_none() {
        return Err(io::ErrorKind::QuotaExceeded.into());
    }
    Ok(moved)
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
    with_room(|| duplicate_above(fd, first()))
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
        let n = place(fd).filter(|_| is_own(fd))?;
        let birth = BIRTHS[n].load(Relaxed);
        Some(Identity { fd, birth })
    }

    /// Closes it in a process that has it only because its parent had it: the value that owns it there has no owner here. Does
    /// nothing if it was closed by then, whoever has its number now.
    pub fn close_inherited(self) {
        let birth = place(self.fd).map_or(0, |n| BIRTHS[n].load(Relaxed));
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

/// A pipe of the host's: the end to read from and the one to write to.
fn pipe(flags: i32) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), flags) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fresh, and nobody else's.
    let [reading, writing] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    Ok((reading, writing))
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
        let failed = |_| super::last_errno();
        let (reading, writing) = pipe(libc::O_CLOEXEC).map_err(failed)?;
        Ok((OwnFd(raise(reading)), OwnFd(raise(writing))))
    }

    /// A pipe that one descriptor is both ends of: what is written to it is read from it, and neither waits. The guest may have many.
    ///
    /// # Errors
    /// EMFILE, ENFILE; there is no room.
    pub fn loop_pipe() -> io::Result<OwnFd> {
        with_room(|| {
            let (reading, _writing) = pipe(libc::O_CLOEXEC | libc::O_NONBLOCK)?;
            let both = std::fs::File::options()
                .read(true)
                .write(true)
                .custom_flags(libc::O_NONBLOCK)
                .open(format!("/proc/self/fd/{}", reading.as_raw_fd()))?;
            Ok(OwnFd(set_aside(both.as_fd())?))
        })
    }

    /// Another descriptor for what a borrowed one is.
    ///
    /// # Errors
    /// There is no room.
    pub fn duplicate(fd: BorrowedFd<'_>) -> io::Result<OwnFd> {
        with_room(|| Ok(OwnFd(set_aside(fd)?)))
    }

    /// Takes over what an emulator before this one, or another one over a socket, has left of [`OwnFd::loop_pipe`].
    ///
    /// # Errors
    /// It is not open; there is no room.
    pub fn adopt_loop(fd: i32) -> io::Result<OwnFd> {
        // SAFETY: asks only.
        if fd < 3 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return Err(io::ErrorKind::NotFound.into());
        }
        // SAFETY: open, and left for us alone.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        with_room(|| Ok(OwnFd(set_aside(fd.as_fd())?)))
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
        self.0.as_fd()
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
