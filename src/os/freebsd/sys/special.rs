//! Special descriptors: event counters, watches of files, pseudo-terminals, the comparison of descriptors.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use crate::abi::{Errno, Kind, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::{
    Call,
    Run::{Handler, Pass},
    Support::Full,
    *,
};

crate::syscalls! {
    __specialfd(r#type: one_of(&f::SPECIALFD), req: ADDR, len: SIZE) -> FDNUM, Full, Handler(special);
    inotify_add_watch_at(fd: FD, dfd: DIRFD, path: PATH, mask: HEX) -> NUM, Full, Handler(watch);
    inotify_rm_watch(fd: FD, wd: INT) -> NUM, Full, Pass(SYS_inotify_rm_watch);
    posix_openpt(flags: flags(&f::OPEN)) -> FDNUM, Full, Handler(open_terminal);
    kcmp(pid1: INT, pid2: INT, r#type: one_of(&f::KCMP), idx1: BITS, idx2: BITS) -> NUM, Full, Handler(compare);
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

/// What two processes share, or in what order it is.
fn compare(call: &mut Call<'_>) -> SysResult {
    // sys/unistd.h
    const KCMP_FILE: i32 = 100;
    const KCMP_FILEOBJ: i32 = 101;
    const KCMP_FILES: i32 = 102;
    const KCMP_SIGHAND: i32 = 103;
    const KCMP_VM: i32 = 104;
    // linux/kcmp.h
    const HOST_FILE: u64 = 0;
    const HOST_VM: u64 = 1;
    const HOST_FILES: u64 = 2;
    const HOST_SIGHAND: u64 = 4;
    let host = match call.int(2) {
        KCMP_FILE | KCMP_FILEOBJ => HOST_FILE,
        KCMP_FILES => HOST_FILES,
        KCMP_SIGHAND => HOST_SIGHAND,
        KCMP_VM => HOST_VM,
        _ => return Err(Errno::EINVAL),
    };
    let args = [call.arg(0), call.arg(1), host, call.arg(3), call.arg(4), 0];
    let order = call.host(SYS_kcmp, args)?;
    if order == 0 || call.int(2) != KCMP_FILEOBJ {
        return Ok(order);
    }
    // Opened twice it is another file, but the same object.
    let first = object(call.int(0), call.arg(3));
    let second = object(call.int(1), call.arg(4));
    Ok(if first.is_some() && first == second {
        0
    } else {
        order
    })
}

/// Device and inode behind a descriptor of a process; `None` for what has no inode of its own.
fn object(pid: i32, fd: u64) -> Option<(u64, u64)> {
    let link = format!("/proc/{pid}/fd/{}", fd as i32);
    let target = std::fs::read_link(&link).ok()?;
    if target.as_os_str().as_bytes().starts_with(b"anon_inode:") {
        return None;
    }
    let meta = std::fs::metadata(&link).ok()?;
    Some((meta.dev(), meta.ino()))
}
