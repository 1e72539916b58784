//! Rights of descriptors (`sys/capsicum.h`), and which of them a call needs (rights(4)).

use crate::os::Call;

/// Rights: two words, each with its index above bit 56 in the guest's form, without here.
pub(super) type Rights = [u64; 2];

const fn zero(bits: u64) -> Rights {
    [bits, 0]
}

const fn one(bits: u64) -> Rights {
    [0, bits]
}

pub(super) const fn both(a: Rights, b: Rights) -> Rights {
    [a[0] | b[0], a[1] | b[1]]
}

pub(super) const NONE: Rights = [0, 0];
pub(super) const READ: Rights = zero(0x1);
pub(super) const WRITE: Rights = zero(0x2);
pub(super) const SEEK_TELL: Rights = zero(0x4);
pub(super) const SEEK: Rights = zero(0xc);
pub(super) const PREAD: Rights = both(SEEK, READ);
pub(super) const PWRITE: Rights = both(SEEK, WRITE);
pub(super) const MMAP: Rights = zero(0x10);
pub(super) const MMAP_X: Rights = zero(0x10 | 0xc | 0x20);
pub(super) const CREATE: Rights = zero(0x40);
pub(super) const FEXECVE: Rights = zero(0x80);
pub(super) const FSYNC: Rights = zero(0x100);
pub(super) const FTRUNCATE: Rights = zero(0x200);
pub(super) const LOOKUP: Rights = zero(0x400);
pub(super) const FCHDIR: Rights = zero(0x800);
pub(super) const FCHFLAGS: Rights = zero(0x1000);
pub(super) const FCHMOD: Rights = zero(0x2000);
pub(super) const FCHOWN: Rights = zero(0x4000);
pub(super) const FCNTL: Rights = zero(0x8000);
pub(super) const FLOCK: Rights = zero(0x1_0000);
pub(super) const FPATHCONF: Rights = zero(0x2_0000);
pub(super) const FSTAT: Rights = zero(0x8_0000);
pub(super) const FSTATFS: Rights = zero(0x10_0000);
pub(super) const FUTIMES: Rights = zero(0x20_0000);
pub(super) const LINKAT_TARGET: Rights = zero(0x400 | 0x40_0000);
pub(super) const MKDIRAT: Rights = zero(0x400 | 0x80_0000);
pub(super) const MKFIFOAT: Rights = zero(0x400 | 0x100_0000);
pub(super) const MKNODAT: Rights = zero(0x400 | 0x200_0000);
pub(super) const RENAMEAT_SOURCE: Rights = zero(0x400 | 0x400_0000);
pub(super) const SYMLINKAT: Rights = zero(0x400 | 0x800_0000);
pub(super) const UNLINKAT: Rights = zero(0x400 | 0x1000_0000);
pub(super) const ACCEPT: Rights = zero(0x2000_0000);
pub(super) const BIND: Rights = zero(0x4000_0000);
pub(super) const CONNECT: Rights = zero(0x8000_0000);
pub(super) const GETPEERNAME: Rights = zero(0x1_0000_0000);
pub(super) const GETSOCKNAME: Rights = zero(0x2_0000_0000);
pub(super) const GETSOCKOPT: Rights = zero(0x4_0000_0000);
pub(super) const LISTEN: Rights = zero(0x8_0000_0000);
pub(super) const SETSOCKOPT: Rights = zero(0x20_0000_0000);
pub(super) const SHUTDOWN: Rights = zero(0x40_0000_0000);
pub(super) const BINDAT: Rights = zero(0x400 | 0x80_0000_0000);
pub(super) const CONNECTAT: Rights = zero(0x400 | 0x100_0000_0000);
pub(super) const LINKAT_SOURCE: Rights = zero(0x400 | 0x200_0000_0000);
pub(super) const RENAMEAT_TARGET: Rights = zero(0x400 | 0x400_0000_0000);
pub(super) const SEM_GETVALUE: Rights = one(0x4);
pub(super) const SEM_POST: Rights = one(0x8);
pub(super) const SEM_WAIT: Rights = one(0x10);
pub(super) const EVENT: Rights = one(0x20);
pub(super) const KQUEUE_EVENT: Rights = one(0x40);
pub(super) const IOCTL: Rights = one(0x80);
pub(super) const PDGETPID: Rights = one(0x200);
pub(super) const PDKILL: Rights = one(0x800);
pub(super) const EXTATTR_DELETE: Rights = one(0x1000);
pub(super) const EXTATTR_GET: Rights = one(0x2000);
pub(super) const EXTATTR_LIST: Rights = one(0x4000);
pub(super) const EXTATTR_SET: Rights = one(0x8000);
pub(super) const ACL_CHECK: Rights = one(0x1_0000);
pub(super) const ACL_DELETE: Rights = one(0x2_0000);
pub(super) const ACL_GET: Rights = one(0x4_0000);
pub(super) const ACL_SET: Rights = one(0x8_0000);
pub(super) const KQUEUE_CHANGE: Rights = one(0x10_0000);

/// Those that 13.2 knows, and those that 15 does.
pub(super) const ALL: Rights = [0x7ff_ffff_ffff, 0x1f_ffff];
pub(super) const KNOWN: Rights = [0xfff_ffff_ffff, 0x7f_ffff];

/// What the `nth` descriptor of a call is asked for (rights(4)).
pub(super) fn needed(call: &Call<'_>, nth: usize) -> Rights {
    match (call.row.name, nth) {
        ("read" | "readv" | "recvfrom" | "recvmsg" | "getdirentries" | "kmq_timedreceive", _) => {
            READ
        }
        ("freebsd11_getdirentries" | "freebsd11_getdents", _) => READ,
        ("write" | "writev" | "kmq_timedsend" | "posix_fallocate", _) => WRITE,
        ("sendto" | "sendmsg", _) if super::sends_to_address(call) => both(WRITE, CONNECT),
        ("sendto" | "sendmsg", _) => WRITE,
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
        ("kmq_notify" | "kmq_setattr", _) => EVENT,
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
