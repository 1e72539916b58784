//! Capsicum: descriptors with limited rights, and capability mode (`sys/capsicum.h`, `sys/caprights.h`, capsicum(4), rights(4)).
//!
//! The host has nothing of the kind: a call that a descriptor's rights or the mode forbid is refused here, before it is made. What
//! each call needs is in `needed`; it applies to the arguments that the call's row types as descriptors.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::{self, sys::procctl};
use crate::os::{
    ArgType, Call,
    Run::Handler,
    Support::{Full, Partial},
    *,
};

const SCOPE: &str = "limits end at exec, and do not go along with SCM_RIGHTS; poll and select do not ask for CAP_EVENT";

crate::syscalls! {
    cap_enter() -> NUM, Partial("ends at exec; paths stay below their descriptor by their text, symbolic links are followed; all sysctls answer"), Handler(|c| { tables(c, |t| t.mode = true); Ok(0) });
    cap_getmode(modep: ADDR) -> NUM, Full, Handler(mode);
    cap_rights_limit(fd: INT, rightsp: ADDR) -> NUM, Partial(SCOPE), Handler(limit_rights);
    __cap_rights_get(version: INT, fd: INT, rightsp: ADDR) -> NUM, Full, Handler(rights_of);
    cap_ioctls_limit(fd: INT, cmds: ADDR, ncmds: SIZE) -> NUM, Partial(SCOPE), Handler(limit_ioctls);
    cap_ioctls_get(fd: INT, cmds: ADDR, maxcmds: SIZE) -> NUM, Full, Handler(ioctls_of);
    cap_fcntls_limit(fd: INT, fcntlrights: HEX) -> NUM, Partial(SCOPE), Handler(limit_fcntls);
    cap_fcntls_get(fd: INT, fcntlrightsp: ADDR) -> NUM, Full, Handler(fcntls_of);
}

/// Rights: two words, each with its index above bit 56 in the guest's form, without here.
type Rights = [u64; 2];

#[allow(missing_docs)] // The header's names.
mod right {
    use super::Rights;

    const fn zero(bits: u64) -> Rights {
        [bits, 0]
    }

    const fn one(bits: u64) -> Rights {
        [0, bits]
    }

    pub const fn both(a: Rights, b: Rights) -> Rights {
        [a[0] | b[0], a[1] | b[1]]
    }

    pub const NONE: Rights = [0, 0];
    pub const READ: Rights = zero(0x1);
    pub const WRITE: Rights = zero(0x2);
    pub const SEEK_TELL: Rights = zero(0x4);
    pub const SEEK: Rights = zero(0xc);
    pub const PREAD: Rights = both(SEEK, READ);
    pub const PWRITE: Rights = both(SEEK, WRITE);
    pub const MMAP: Rights = zero(0x10);
    pub const MMAP_X: Rights = zero(0x10 | 0xc | 0x20);
    pub const CREATE: Rights = zero(0x40);
    pub const FEXECVE: Rights = zero(0x80);
    pub const FSYNC: Rights = zero(0x100);
    pub const FTRUNCATE: Rights = zero(0x200);
    pub const LOOKUP: Rights = zero(0x400);
    pub const FCHDIR: Rights = zero(0x800);
    pub const FCHFLAGS: Rights = zero(0x1000);
    pub const FCHMOD: Rights = zero(0x2000);
    pub const FCHOWN: Rights = zero(0x4000);
    pub const FCNTL: Rights = zero(0x8000);
    pub const FLOCK: Rights = zero(0x1_0000);
    pub const FPATHCONF: Rights = zero(0x2_0000);
    pub const FSTAT: Rights = zero(0x8_0000);
    pub const FSTATFS: Rights = zero(0x10_0000);
    pub const FUTIMES: Rights = zero(0x20_0000);
    pub const LINKAT_TARGET: Rights = zero(0x400 | 0x40_0000);
    pub const MKDIRAT: Rights = zero(0x400 | 0x80_0000);
    pub const MKFIFOAT: Rights = zero(0x400 | 0x100_0000);
    pub const MKNODAT: Rights = zero(0x400 | 0x200_0000);
    pub const RENAMEAT_SOURCE: Rights = zero(0x400 | 0x400_0000);
    pub const SYMLINKAT: Rights = zero(0x400 | 0x800_0000);
    pub const UNLINKAT: Rights = zero(0x400 | 0x1000_0000);
    pub const ACCEPT: Rights = zero(0x2000_0000);
    pub const BIND: Rights = zero(0x4000_0000);
    pub const CONNECT: Rights = zero(0x8000_0000);
    pub const GETPEERNAME: Rights = zero(0x1_0000_0000);
    pub const GETSOCKNAME: Rights = zero(0x2_0000_0000);
    pub const GETSOCKOPT: Rights = zero(0x4_0000_0000);
    pub const LISTEN: Rights = zero(0x8_0000_0000);
    pub const SETSOCKOPT: Rights = zero(0x20_0000_0000);
    pub const SHUTDOWN: Rights = zero(0x40_0000_0000);
    pub const BINDAT: Rights = zero(0x400 | 0x80_0000_0000);
    pub const CONNECTAT: Rights = zero(0x400 | 0x100_0000_0000);
    pub const LINKAT_SOURCE: Rights = zero(0x400 | 0x200_0000_0000);
    pub const RENAMEAT_TARGET: Rights = zero(0x400 | 0x400_0000_0000);
    pub const SEM_GETVALUE: Rights = one(0x4);
    pub const SEM_POST: Rights = one(0x8);
    pub const SEM_WAIT: Rights = one(0x10);
    pub const KQUEUE_EVENT: Rights = one(0x40);
    pub const IOCTL: Rights = one(0x80);
    pub const PDGETPID: Rights = one(0x200);
    pub const PDKILL: Rights = one(0x800);
    pub const EXTATTR_DELETE: Rights = one(0x1000);
    pub const EXTATTR_GET: Rights = one(0x2000);
    pub const EXTATTR_LIST: Rights = one(0x4000);
    pub const EXTATTR_SET: Rights = one(0x8000);
    pub const ACL_CHECK: Rights = one(0x1_0000);
    pub const ACL_DELETE: Rights = one(0x2_0000);
    pub const ACL_GET: Rights = one(0x4_0000);
    pub const ACL_SET: Rights = one(0x8_0000);
    pub const KQUEUE_CHANGE: Rights = one(0x10_0000);

    /// Those that 13.2 knows, and those that 15 does.
    pub const ALL: Rights = [0x7ff_ffff_ffff, 0x1f_ffff];
    pub const KNOWN: Rights = [0xfff_ffff_ffff, 0x7f_ffff];
}

/// Bits of `cap_fcntls_limit`: `1 << F_GETFL` and its like, up to F_SETOWN.
const FCNTLS: u32 = 0x78;
/// CAP_IOCTLS_ALL as `cap_ioctls_get` returns it: SSIZE_MAX.
const IOCTLS_MAX: u64 = 256;

/// What a descriptor may be used for.
#[derive(Clone, Debug)]
struct Limits {
    rights: Rights,
    /// The requests that `ioctl` may make; any if `None`.
    ioctls: Option<Vec<u64>>,
    fcntls: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            rights: right::ALL,
            ioctls: None,
            fcntls: FCNTLS,
        }
    }
}

fn contains(have: Rights, want: Rights) -> bool {
    want[0] & !have[0] == 0 && want[1] & !have[1] == 0
}

#[derive(Default)]
struct Tables {
    /// Capability mode.
    mode: bool,
    /// Descriptors that are limited.
    limits: HashMap<i32, Limits>,
}

/// The capabilities of a process.
#[derive(Default)]
pub struct Capabilities {
    /// Whether there is anything to look at.
    used: AtomicBool,
    tables: Mutex<Tables>,
}

fn tables<R>(call: &Call<'_>, action: impl FnOnce(&mut Tables) -> R) -> R {
    match freebsd::of(call.thread) {
        Some(os) => {
            let capabilities = &os.capabilities;
            capabilities.used.store(true, SeqCst);
            let mut tables = capabilities
                .tables
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            action(&mut tables)
        }
        None => action(&mut Tables::default()),
    }
}

fn in_use(call: &Call<'_>) -> bool {
    freebsd::of(call.thread).is_some_and(|os| os.capabilities.used.load(SeqCst))
}

/// `new` is another descriptor of what `old` is, or was made from it: it has the same limits.
pub(super) fn copied(call: &Call<'_>, old: i32, new: i32) {
    if in_use(call) {
        tables(call, |t| match t.limits.get(&old).cloned() {
            Some(limits) => t.limits.insert(new, limits),
            None => t.limits.remove(&new),
        });
    }
}

/// Descriptors from `first` to `last` are closed, or are new ones.
pub(super) fn closed(call: &Call<'_>, first: i32, last: i32) {
    if in_use(call) {
        tables(call, |t| {
            t.limits.retain(|fd, _| !(first..=last).contains(fd));
        });
    }
}

/// Whether a call may be made.
///
/// # Errors
/// ENOTCAPABLE where a descriptor lacks a right, ECAPMODE for what is not there in capability mode.
pub(in crate::os::freebsd) fn check(call: &mut Call<'_>) -> SysResult<()> {
    if !in_use(call) {
        return Ok(());
    }
    let result = tables(call, |t| allowed(call, t));
    if let Err(Errno::ENOTCAPABLE | Errno::ECAPMODE) = result
        && procctl::traps_violations(call)
    {
        const SIGTRAP: u64 = 5;
        let (pid, tid) = (crate::host::pid() as u64, call.thread.tid() as u64);
        let _ = call.host(SYS_tgkill, [pid, tid, SIGTRAP, 0, 0, 0]);
    }
    result
}

fn allowed(call: &Call<'_>, t: &Tables) -> SysResult<()> {
    if t.mode && !is_there_in_capability_mode(call) {
        return Err(Errno::ECAPMODE);
    }
    const AT_FDCWD: i32 = -100;
    let mut nth = 0;
    for (n, arg) in call.row.args.iter().enumerate() {
        let ArgType::Value(_, show @ (Show::Fd | Show::DirFd)) = arg.ty else {
            continue;
        };
        let fd = call.int(n);
        let wanted = needed(call, nth);
        nth += 1;
        let at = matches!(show, Show::DirFd);
        if at && t.mode && fd == AT_FDCWD {
            return Err(Errno::ECAPMODE);
        }
        let limits = t.limits.get(&fd);
        if let Some(limits) = limits {
            if !contains(limits.rights, wanted) {
                return Err(Errno::ENOTCAPABLE);
            }
            match call.row.name {
                "ioctl" => {
                    let request = call.arg(1) & 0xffff_ffff;
                    let listed = |list: &Vec<u64>| list.contains(&request);
                    if !limits.ioctls.as_ref().is_none_or(listed) {
                        return Err(Errno::ENOTCAPABLE);
                    }
                }
                "fcntl" => {
                    let bit = 1u32.checked_shl(call.arg(1) as u32).unwrap_or(0) & FCNTLS;
                    if bit & !limits.fcntls != 0 {
                        return Err(Errno::ENOTCAPABLE);
                    }
                }
                _ => {}
            }
        }
        // Lookups from a limited descriptor stay below it.
        let path = call.row.args.get(n + 1).map(|arg| arg.ty);
        if at
            && (t.mode || limits.is_some())
            && matches!(path, Some(ArgType::Path | ArgType::PathNew))
            && leaves(call.read_str(call.arg(n + 1))?.as_bytes())
        {
            return Err(Errno::ENOTCAPABLE);
        }
    }
    Ok(())
}

/// Whether a path leads out of the directory that it is looked up from.
fn leaves(path: &[u8]) -> bool {
    let mut depth = 0i32;
    path.starts_with(b"/")
        || path.split(|&b| b == b'/').any(|part| {
            depth += match part {
                b"" | b"." => 0,
                b".." => -1,
                _ => 1,
            };
            depth < 0
        })
}

/// What the `nth` descriptor of a call is asked for (rights(4)).
fn needed(call: &Call<'_>, nth: usize) -> Rights {
    use right::*;
    match (call.row.name, nth) {
        ("read" | "readv" | "recvfrom" | "recvmsg" | "getdirentries" | "kmq_timedreceive", _) => {
            READ
        }
        ("freebsd11_getdirentries" | "freebsd11_getdents", _) => READ,
        ("write" | "writev" | "sendmsg" | "kmq_timedsend" | "posix_fallocate", _) => WRITE,
        ("sendto", _) if call.arg(4) != 0 => both(WRITE, CONNECT),
        ("sendto", _) => WRITE,
        ("pread" | "preadv", _) => PREAD,
        ("pwrite" | "pwritev" | "fspacectl", _) => PWRITE,
        ("lseek", _) if call.arg(1) == 0 && call.arg(2) == 1 => SEEK_TELL,
        ("lseek", _) => SEEK,
        ("mmap", _) => {
            let (prot, shared) = (call.arg(2), call.arg(3) & 1 != 0);
            let mut rights = MMAP;
            if prot & 1 != 0 {
                rights = both(rights, PREAD);
            }
            if prot & 2 != 0 && shared {
                rights = both(rights, PWRITE);
            }
            if prot & 4 != 0 {
                rights = both(rights, MMAP_X);
            }
            rights
        }
        ("copy_file_range", 0) => {
            if call.arg(1) != 0 {
                PREAD
            } else {
                READ
            }
        }
        ("copy_file_range", _) => {
            if call.arg(3) != 0 {
                PWRITE
            } else {
                WRITE
            }
        }
        ("sendfile", 0) => PREAD,
        ("sendfile", _) => WRITE,
        ("ftruncate", _) => FTRUNCATE,
        ("fsync" | "fdatasync", _) => FSYNC,
        ("fchdir", _) => FCHDIR,
        ("fchflags", _) => FCHFLAGS,
        ("chflagsat", _) => both(FCHFLAGS, LOOKUP),
        ("fchmod", _) => FCHMOD,
        ("fchmodat", _) => both(FCHMOD, LOOKUP),
        ("fchown", _) => FCHOWN,
        ("fchownat", _) => both(FCHOWN, LOOKUP),
        // Locks are a right of their own, duplicates need none.
        ("fcntl", _) => match call.arg(1) {
            3..=6 => FCNTL,
            7..=9 | 11..=14 => FLOCK,
            _ => NONE,
        },
        ("flock", _) => FLOCK,
        ("fpathconf", _) => FPATHCONF,
        ("fstat" | "freebsd11_fstat" | "freebsd11_nfstat", _) => FSTAT,
        ("fstatat" | "freebsd11_fstatat" | "faccessat", _) => both(FSTAT, LOOKUP),
        ("fstatfs" | "freebsd11_fstatfs", _) => FSTATFS,
        ("futimes" | "futimens", _) => FUTIMES,
        ("futimesat" | "utimensat", _) => both(FUTIMES, LOOKUP),
        ("openat", _) => open_rights(call.arg(2)),
        ("linkat", 0) => LINKAT_SOURCE,
        ("linkat", _) => LINKAT_TARGET,
        ("renameat", 0) => RENAMEAT_SOURCE,
        ("renameat", _) => RENAMEAT_TARGET,
        ("mkdirat", _) => MKDIRAT,
        ("mkfifoat", _) => MKFIFOAT,
        ("mknodat" | "freebsd11_mknodat", _) => MKNODAT,
        ("symlinkat", _) => SYMLINKAT,
        ("unlinkat", _) | ("funlinkat", 0) => UNLINKAT,
        ("readlinkat", _) => LOOKUP,
        ("fexecve", _) => FEXECVE,
        ("accept" | "accept4", _) => ACCEPT,
        ("bind", _) => BIND,
        ("connect", _) => CONNECT,
        ("bindat", 0) => BINDAT,
        ("bindat", _) => BIND,
        ("connectat", 0) => CONNECTAT,
        ("connectat", _) => CONNECT,
        ("listen", _) => LISTEN,
        ("getpeername", _) => GETPEERNAME,
        ("getsockname", _) => GETSOCKNAME,
        ("getsockopt", _) => GETSOCKOPT,
        ("setsockopt", _) => SETSOCKOPT,
        ("shutdown", _) => SHUTDOWN,
        ("ioctl", _) => IOCTL,
        ("kevent" | "freebsd11_kevent", _) => {
            let events = if call.arg(4) != 0 { KQUEUE_EVENT } else { NONE };
            let changes = if call.arg(2) != 0 {
                KQUEUE_CHANGE
            } else {
                NONE
            };
            both(events, changes)
        }
        ("ksem_post", _) => SEM_POST,
        ("ksem_wait" | "ksem_trywait" | "ksem_timedwait", _) => SEM_WAIT,
        ("ksem_getvalue", _) => SEM_GETVALUE,
        ("pdkill", _) => PDKILL,
        ("pdgetpid", _) => PDGETPID,
        ("extattr_set_fd", _) => EXTATTR_SET,
        ("extattr_get_fd", _) => EXTATTR_GET,
        ("extattr_list_fd", _) => EXTATTR_LIST,
        ("extattr_delete_fd", _) => EXTATTR_DELETE,
        ("__acl_get_fd", _) => ACL_GET,
        ("__acl_set_fd", _) => ACL_SET,
        ("__acl_delete_fd", _) => ACL_DELETE,
        ("__acl_aclcheck_fd", _) => ACL_CHECK,
        _ => NONE,
    }
}

/// What opening a file needs of the directory's descriptor, by the guest's flags.
fn open_rights(flags: u64) -> Rights {
    use right::*;
    const O_ACCMODE: u64 = 3;
    let mut rights = match flags & O_ACCMODE {
        0 if flags & 0x4_0000 != 0 => FEXECVE, // O_EXEC
        0 => READ,
        1 => WRITE,
        _ => both(READ, WRITE),
    };
    for (flag, right) in [(0x200, CREATE), (0x400, FTRUNCATE), (0x80, FSYNC)] {
        if flags & flag != 0 {
            rights = both(rights, right);
        }
    }
    // Without O_APPEND or O_TRUNC a writer can seek.
    if flags & O_ACCMODE != 0 && flags & (8 | 0x400) == 0 {
        rights = both(rights, SEEK);
    }
    both(rights, LOOKUP)
}

/// Whether a call is there in capability mode (`sys/kern/capabilities.conf`): nothing that names what all processes share.
fn is_there_in_capability_mode(call: &Call<'_>) -> bool {
    let me = crate::host::pid();
    match call.row.name {
        "kill" | "sigqueue" | "thr_kill2" => call.int(0) == me,
        "shm_open2" | "freebsd12_shm_open" => call.arg(0) == 1,
        "bind"
        | "connect"
        | "wait4"
        | "wait6"
        | "chroot"
        | "ptrace"
        | "ktrace"
        | "reboot"
        | "jail"
        | "jail_get"
        | "jail_set"
        | "jail_attach"
        | "jail_remove"
        | "kenv"
        | "acct"
        | "audit"
        | "auditon"
        | "setlogin"
        | "getfsstat"
        | "freebsd11_getfsstat"
        | "nmount"
        | "clock_settime"
        | "settimeofday"
        | "adjtime"
        | "ntp_adjtime"
        | "kldnext"
        | "kldstat"
        | "kldfind"
        | "kldsym"
        | "kldfirstmod"
        | "kldunload"
        | "kldunloadf"
        | "modfind"
        | "modnext"
        | "modfnext"
        | "modstat"
        | "shmget"
        | "shmat"
        | "shmctl"
        | "shmdt"
        | "semget"
        | "semop"
        | "__semctl"
        | "msgget"
        | "msgsnd"
        | "msgrcv"
        | "msgctl"
        | "kmq_open"
        | "kmq_unlink"
        | "ksem_open"
        | "ksem_unlink"
        | "shm_unlink"
        | "shm_rename"
        | "cpuset"
        | "cpuset_setid"
        | "setpgid"
        | "procctl"
        | "swapon"
        | "swapoff"
        | "rctl_get_racct"
        | "rctl_get_rules"
        | "rctl_add_rule"
        | "uuidgen" => false,
        // A path that is not looked up from a descriptor.
        _ => {
            let mut from_descriptor = false;
            call.row.args.iter().all(|arg| match arg.ty {
                ArgType::Value(_, Show::DirFd) => {
                    from_descriptor = true;
                    true
                }
                ArgType::Path | ArgType::PathNew => from_descriptor,
                _ => true,
            })
        }
    }
}

fn mode(call: &mut Call<'_>) -> SysResult {
    let mode = in_use(call) && tables(call, |t| t.mode);
    call.write_int(call.arg(0), Kind::U32, mode.into())?;
    Ok(0)
}

/// The descriptor must be open.
fn open_descriptor(call: &mut Call<'_>, n: usize) -> SysResult<i32> {
    const F_GETFD: u64 = 1;
    if crate::host::fd::is_own(call.int(n)) {
        return Err(Errno::EBADF);
    }
    call.host(SYS_fcntl, [call.arg(n), F_GETFD, 0, 0, 0, 0])?;
    Ok(call.int(n))
}

/// `cap_rights_t` is two words of 64 bits: in each the index from bit 57 on, in the first the version on top.
fn index_bit(n: usize) -> u64 {
    1 << (57 + n)
}

fn limit_rights(call: &mut Call<'_>) -> SysResult {
    let fd = open_descriptor(call, 0)?;
    let mut rights = [0; 2];
    for (n, right) in rights.iter_mut().enumerate() {
        let word = call.read_int(call.arg(1).wrapping_add(8 * n as u64), Kind::U64)?;
        *right = word & !index_bit(n);
        if word & index_bit(n) == 0 || *right & !right::KNOWN[n] != 0 {
            return Err(Errno::EINVAL);
        }
    }
    tables(call, |t| {
        let limits = t.limits.entry(fd).or_default();
        let known = [
            limits.rights[0] | right::KNOWN[0] & !right::ALL[0],
            limits.rights[1] | right::KNOWN[1] & !right::ALL[1],
        ];
        if !contains(known, rights) {
            return Err(Errno::ENOTCAPABLE);
        }
        limits.rights = rights;
        if !contains(rights, right::IOCTL) {
            limits.ioctls = Some(Vec::new());
        }
        if !contains(rights, right::FCNTL) {
            limits.fcntls = 0;
        }
        Ok(0)
    })
}

/// The limits of a descriptor.
fn limits_of(call: &mut Call<'_>, n: usize) -> SysResult<Limits> {
    let fd = open_descriptor(call, n)?;
    if !in_use(call) {
        return Ok(Limits::default());
    }
    Ok(tables(call, |t| {
        t.limits.get(&fd).cloned().unwrap_or_default()
    }))
}

fn rights_of(call: &mut Call<'_>) -> SysResult {
    const CAP_RIGHTS_VERSION: i32 = 0;
    if call.int(0) != CAP_RIGHTS_VERSION {
        return Err(Errno::EINVAL);
    }
    let limits = limits_of(call, 1)?;
    for (n, right) in limits.rights.into_iter().enumerate() {
        let at = call.arg(2) + 8 * n as u64;
        call.write_int(at, Kind::U64, right | index_bit(n))?;
    }
    Ok(0)
}

fn limit_ioctls(call: &mut Call<'_>) -> SysResult {
    let fd = open_descriptor(call, 0)?;
    let (at, count) = (call.arg(1), call.arg(2));
    if count > IOCTLS_MAX {
        return Err(Errno::EINVAL);
    }
    let word = u64::from(call.abi.abi.word);
    let mut list = Vec::new();
    for n in 0..count {
        list.push(call.read_int(at.wrapping_add(n * word), Kind::Ulong)?);
    }
    tables(call, |t| {
        let limits = t.limits.entry(fd).or_default();
        if let Some(old) = &limits.ioctls
            && !list.iter().all(|request| old.contains(request))
        {
            return Err(Errno::ENOTCAPABLE);
        }
        limits.ioctls = Some(list);
        Ok(0)
    })
}

fn ioctls_of(call: &mut Call<'_>) -> SysResult {
    let Some(list) = limits_of(call, 0)?.ioctls else {
        // CAP_IOCTLS_ALL
        return Ok(if call.abi.abi.is_32bit() {
            i32::MAX as u64
        } else {
            i64::MAX as u64
        });
    };
    let (at, room) = (call.arg(1), call.arg(2));
    let word = u64::from(call.abi.abi.word);
    if at != 0 {
        for (n, request) in list.iter().enumerate().take(room as usize) {
            call.write_int(at.wrapping_add(n as u64 * word), Kind::Ulong, *request)?;
        }
    }
    Ok(list.len() as u64)
}

fn limit_fcntls(call: &mut Call<'_>) -> SysResult {
    let fd = open_descriptor(call, 0)?;
    let rights = call.arg(1) as u32;
    if rights & !FCNTLS != 0 {
        return Err(Errno::EINVAL);
    }
    tables(call, |t| {
        let limits = t.limits.entry(fd).or_default();
        if rights & !limits.fcntls != 0 {
            return Err(Errno::ENOTCAPABLE);
        }
        limits.fcntls = rights;
        Ok(0)
    })
}

fn fcntls_of(call: &mut Call<'_>) -> SysResult {
    let limits = limits_of(call, 0)?;
    call.write_int(call.arg(1), Kind::U32, limits.fcntls.into())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::leaves;

    #[test]
    fn paths_that_lead_out() {
        for path in ["/", "/etc", "..", "../x", "a/../..", "a/../../a"] {
            assert!(leaves(path.as_bytes()), "{path}");
        }
        for path in ["", "a", ".", "a/..", "a/../b/c/../..", "..a"] {
            assert!(!leaves(path.as_bytes()), "{path}");
        }
    }
}
