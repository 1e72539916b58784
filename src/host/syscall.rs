//! System calls of the host, past libc: results are not folded into `errno`, and numbers libc keeps to itself work.

use super::map;
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

/// The parent of this process.
pub fn parent() -> i32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::getppid() }
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
    let _settled = super::fd::settle();
    // SAFETY: the caller has stopped the other guest threads and holds the locks that the child needs.
    match unsafe { libc::fork() } {
        -1 => Err(last_errno()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}

/// Bytes of stack for the child of [`vfork`].
const VFORK_STACK: u64 = 1 << 20;

/// Runs `child` in a new process that shares this one's memory and has a copy of its descriptors, while the calling thread waits
/// until that process has ended or executed a program. Other threads go on. `child` runs on a stack of its own, with the calling
/// thread's thread-local storage, and must not return. `flags` of clone(2) are added: CLONE_FS, CLONE_FILES, an exit signal.
/// Returns the child's id. Call with signals blocked.
///
/// # Errors
/// EAGAIN, ENOMEM.
pub fn vfork(flags: u64, mut child: &mut dyn FnMut()) -> Result<i32, Errno> {
    extern "C" fn enter(child: *mut libc::c_void) -> libc::c_int {
        // SAFETY: points to the caller's reference, and the caller waits.
        unsafe { (*child.cast::<&mut dyn FnMut()>())() };
        127
    }
    let base = map::reserve(None, VFORK_STACK)?;
    // The lowest page stays without access, as a guard.
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    let result = map::protect(
        base + super::PAGE_SIZE,
        VFORK_STACK - super::PAGE_SIZE,
        writable,
    )
    .and_then(|()| {
        let flags = flags as i32 | libc::CLONE_VM | libc::CLONE_VFORK;
        let top = (base + VFORK_STACK) as *mut libc::c_void;
        // SAFETY: the stack is fresh and ours until the call returns, when the child does not use it any more; the argument
        // outlives the call for the same reason.
        match unsafe { libc::clone(enter, top, flags, (&raw mut child).cast()) } {
            -1 => Err(last_errno()),
            pid => Ok(pid),
        }
    });
    map::release(base, VFORK_STACK);
    result
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

/// The soft limit of a core file's size in bytes; `u64::MAX` if it is unlimited.
pub fn core_limit() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: room for the result. RLIM_INFINITY is all ones.
    match unsafe { libc::getrlimit(libc::RLIMIT_CORE, &mut limit) } {
        0 => limit.rlim_cur,
        _ => 0,
    }
}

/// Whether the process may leave a core file (PR_GET_DUMPABLE): 1 for yes.
pub fn dumpable() -> i32 {
    // SAFETY: no pointers.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }
}

/// Runs `work` in a copy of this process as it is at this moment, and waits for the copy's end; one that takes longer than
/// `seconds` is ended. For the last words of an emulator that has found a bug of its own, also in a signal handler: locks that
/// were held stay held in the copy, which may then never end by itself.
pub fn in_copy(seconds: u64, work: impl FnOnce()) {
    const WNOHANG: u64 = 1;
    const SIGKILL: u64 = 9;
    // Not libc's fork, which takes locks.
    let child = match syscall(libc::SYS_fork, [0; 6]) {
        Ok(0) => {
            work();
            super::signal::exit_process(0);
        }
        Ok(child) => child,
        Err(_) => return,
    };
    for _ in 0..seconds * 100 {
        if syscall(libc::SYS_wait4, [child, 0, WNOHANG, 0, 0, 0]) != Ok(0) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let _ = syscall(libc::SYS_kill, [child, SIGKILL, 0, 0, 0, 0]);
    let _ = syscall(libc::SYS_wait4, [child, 0, 0, 0, 0, 0]);
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
