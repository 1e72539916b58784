//! System calls of the host, past libc: results are not folded into `errno`, and numbers libc keeps to itself work.

use crate::abi::Errno;
use std::arch::asm;

/// Makes host system call `number`. Pointers in `args` are host addresses; an address that the guest gave has come through
/// [`crate::mem::AddressSpace::host_range`], so that the kernel touches guest memory only (or answers EFAULT).
pub fn syscall(number: i64, args: [u64; 6]) -> Result<u64, Errno> {
    let result: i64;
    // SAFETY: the call follows the kernel's convention; what it does to memory is bounded by the caller's contract above.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    decode(result)
}

/// Splits what the kernel left in `rax`: values from -4095 are negated error numbers.
pub(super) fn decode(result: i64) -> Result<u64, Errno> {
    if (-4095..0).contains(&result) {
        Err(Errno(-result as i32))
    } else {
        Ok(result as u64)
    }
}

/// Host (and guest) id of the calling thread.
pub fn tid() -> i32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::gettid() }
}

/// Host (and guest) id of this process.
pub fn pid() -> i32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::getpid() }
}

/// The calling thread's `errno`, after a libc function failed.
pub(super) fn last_errno() -> Errno {
    Errno(
        std::io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EIO),
    )
}

/// Fills `buf` from the kernel's random source.
pub fn random(buf: &mut [u8]) {
    for chunk in buf.chunks_mut(256) {
        // SAFETY: the buffer is as long as the kernel is told. Up to 256 bytes are never cut short once the source is ready.
        unsafe { libc::getrandom(chunk.as_mut_ptr().cast(), chunk.len(), 0) };
    }
}

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    /// The parent; the child has this id.
    Parent(i32),
    /// The child.
    Child,
}

/// Forks, through libc so that its own locks are in order in the child.
///
/// # Errors
/// EAGAIN, ENOMEM.
pub fn fork() -> Result<Forked, Errno> {
    // SAFETY: the caller has stopped the other guest threads and holds the locks that the child needs.
    match unsafe { libc::fork() } {
        -1 => Err(last_errno()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}

/// Tells a parent when its child has ended or replaced itself: a pipe that closes then.
pub struct ExecWatch {
    read: i32,
    write: i32,
}

impl ExecWatch {
    /// Before the fork.
    ///
    /// # Errors
    /// EMFILE, ENFILE.
    pub fn new() -> Result<ExecWatch, Errno> {
        let mut ends = [-1; 2];
        // SAFETY: room for two descriptors.
        match unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } {
            0 => Ok(ExecWatch {
                read: ends[0],
                write: ends[1],
            }),
            _ => Err(last_errno()),
        }
    }

    /// In the child: keeps the writing end until it ends, out of the way of descriptors that the guest expects to get.
    pub fn keep(self) {
        // SAFETY: descriptors of ours.
        unsafe {
            libc::close(self.read);
            if libc::fcntl(self.write, libc::F_DUPFD_CLOEXEC, 900) >= 0 {
                libc::close(self.write);
            }
        }
    }

    /// In the parent: waits.
    pub fn wait(self) {
        self.cancel_write();
        let mut byte = 0u8;
        // SAFETY: room for one byte; the descriptor is ours.
        unsafe {
            while libc::read(self.read, (&raw mut byte).cast(), 1) < 0
                && last_errno() == Errno::EINTR
            {}
            libc::close(self.read);
        }
    }

    /// After a fork that failed.
    pub fn cancel(self) {
        self.cancel_write();
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(self.read) };
    }

    fn cancel_write(&self) {
        // SAFETY: the descriptor is ours and not used again.
        unsafe { libc::close(self.write) };
    }
}

/// User and group ids of the process.
#[allow(missing_docs)] // The auxiliary vector's names.
pub struct Ids {
    pub uid: u32,
    pub euid: u32,
    pub gid: u32,
    pub egid: u32,
}

/// User and group ids of the process.
pub fn ids() -> Ids {
    // SAFETY: no arguments, cannot fail.
    unsafe {
        Ids {
            uid: libc::getuid(),
            euid: libc::geteuid(),
            gid: libc::getgid(),
            egid: libc::getegid(),
        }
    }
}

/// The soft limit of the stack's size in bytes; `None` if it is unlimited.
pub fn stack_limit() -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: room for the result.
    let got = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) } == 0;
    (got && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// CLOCK_MONOTONIC in nanoseconds: the clock that perf's files are stamped with.
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: room for the result; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Names the calling thread (`comm`); the kernel keeps 15 bytes.
pub fn set_thread_name(name: &std::ffi::CStr) {
    // SAFETY: a string with its NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}
