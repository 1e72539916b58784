//! Special descriptors: event counters, watches of files, pseudo-terminals, the comparison of descriptors.

use crate::abi::{Errno, Kind, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::{
    Call,
    Run::{Handler, Pass},
    Support::{Full, Partial},
    *,
};

crate::syscalls! {
    __specialfd(r#type: one_of(&f::SPECIALFD), req: ADDR, len: SIZE) -> FDNUM, Full, Handler(special);
    inotify_add_watch_at(fd: FD, dfd: DIRFD, path: PATH, mask: HEX) -> NUM, Full, Handler(watch);
    inotify_rm_watch(fd: FD, wd: INT) -> NUM, Full, Pass(SYS_inotify_rm_watch);
    posix_openpt(flags: flags(&f::OPEN)) -> FDNUM, Full, Handler(open_terminal);
    kcmp(pid1: INT, pid2: INT, r#type: one_of(&f::KCMP), idx1: BITS, idx2: BITS) -> NUM, Partial("KCMP_FILE of processes that the host may compare"), Handler(compare);
}

fn special(call: &mut Call<'_>) -> SysResult {
    // sys/specialfd.h, sys/eventfd.h
    const SPECIALFD_EVENTFD: i32 = 1;
    const SPECIALFD_INOTIFY: i32 = 2;
    const EFD_SEMAPHORE: u64 = 1;
    const EFD_NONBLOCK: u64 = 4;
    const EFD_CLOEXEC: u64 = 0x10_0000;
    let (at, len) = (call.arg(1), call.arg(2));
    let convert = |flags: u64| f::OPEN.to_host(call.abi.dialect, flags & !EFD_SEMAPHORE);
    match (call.int(0), len) {
        (SPECIALFD_EVENTFD, 8) => {
            let (value, flags) = (
                call.read_int(at, Kind::U32)?,
                call.read_int(at.wrapping_add(4), Kind::U32)?,
            );
            if flags & !(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC) != 0 {
                return Err(Errno::EINVAL);
            }
            let host = convert(flags) | flags & EFD_SEMAPHORE;
            call.host(SYS_eventfd2, [value, host, 0, 0, 0, 0])
        }
        (SPECIALFD_INOTIFY, 4) => {
            let flags = call.read_int(at, Kind::U32)?;
            if flags & !(EFD_NONBLOCK | EFD_CLOEXEC) != 0 {
                return Err(Errno::EINVAL);
            }
            call.host(SYS_inotify_init1, [convert(flags), 0, 0, 0, 0, 0])
        }
        _ => Err(Errno::EINVAL),
    }
}

/// FreeBSD's events and masks are the host's (`sys/inotify.h` takes them over).
fn watch(call: &mut Call<'_>) -> SysResult {
    const AT_FDCWD: i32 = -100;
    let mut path = call.path(2)?;
    if call.int(1) != AT_FDCWD && !path.as_bytes().starts_with(b"/") {
        let dir = format!("/proc/self/fd/{}/", call.int(1));
        path = cstring([dir.as_bytes(), path.as_bytes()].concat())?;
    }
    let args = [call.arg(0), path.as_ptr() as u64, call.arg(3), 0, 0, 0];
    call.host(SYS_inotify_add_watch, args)
}

/// The master side, ready for its slave to be opened: FreeBSD has no `unlockpt` to wait for.
fn open_terminal(call: &mut Call<'_>) -> SysResult {
    const AT_FDCWD: u64 = -100i64 as u64;
    const TIOCSPTLCK: u64 = 0x4004_5431;
    /// O_RDWR | O_NOCTTY | O_CLOEXEC of the guest
    const KNOWN: u64 = 2 | 0x8000 | 0x10_0000;
    if call.arg(0) & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let args = [
        AT_FDCWD,
        c"/dev/ptmx".as_ptr() as u64,
        call.host_flags(0),
        0,
        0,
        0,
    ];
    let fd = call.host(SYS_openat, args)?;
    let unlocked = 0u32;
    let args = [fd, TIOCSPTLCK, (&raw const unlocked) as u64, 0, 0, 0];
    call.host(SYS_ioctl, args)?;
    Ok(fd)
}

fn compare(call: &mut Call<'_>) -> SysResult {
    // sys/unistd.h; the host's are 0, 2, 4, 1 (linux/kcmp.h)
    let host = match call.int(2) {
        100 | 101 => 0,
        102 => 2,
        103 => 4,
        104 => 1,
        _ => return Err(Errno::EINVAL),
    };
    let args = [call.arg(0), call.arg(1), host, call.arg(3), call.arg(4), 0];
    call.host(SYS_kcmp, args)
}
