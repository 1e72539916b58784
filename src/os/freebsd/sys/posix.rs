//! POSIX IPC and timers: shared memory by name, message queues, `ktimer_*`.

use std::ffi::CString;

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{
    Call, Dir,
    Run::{Handler, Pass},
    Support::{Full, Partial},
    *,
};

/// SIGEV_KEVENT, too, is EINVAL, as in the kernel.
const FEW_SIGNALS: &str = "signals from 96 on are EINVAL";

crate::syscalls! {
    shm_open2(path: ANONYMOUS_OR_PATH, flags: flags(&f::OPEN), mode: MODE, shmflags: flags(&f::SHM_OPEN), name: STR) -> FDNUM, Partial("SHM_LARGEPAGE is EOPNOTSUPP, as without large pages; SHM_GROW_ON_WRITE always"), Handler(|c| { let how = c.arg(3); open_shared(c, how) });
    freebsd12_shm_open(path: ANONYMOUS_OR_PATH, flags: flags(&f::OPEN), mode: MODE) -> FDNUM, Full, Handler(|c| open_shared(c, 0));
    shm_unlink(path: STR) -> NUM, Full, Handler(unlink_shared);
    shm_rename(path_from: STR, path_to: STR, flags: flags(&f::SHM_RENAME)) -> NUM, Full, Handler(rename_shared);
    kmq_open(path: STR, flags: flags(&f::OPEN), mode: MODE, attr: input::<MqAttr>()) -> FDNUM, Full, Handler(open_queue);
    kmq_unlink(path: STR) -> NUM, Full, Handler(unlink_queue);
    kmq_setattr(mqd: FD, attr: input::<MqAttr>(), oattr: output::<MqAttr>()) -> NUM, Full, Pass(SYS_mq_getsetattr);
    kmq_timedreceive(mqd: FD, msg_ptr: buf_out(2), msg_len: SIZE, msg_prio: ints_of(Dir::Out, Kind::U32, Show::Dec, 1), abs_timeout: input::<Timespec>()) -> NUM, Full, Run::Wait(SYS_mq_timedreceive);
    kmq_timedsend(mqd: FD, msg_ptr: buf_in(2), msg_len: SIZE, msg_prio: UINT, abs_timeout: input::<Timespec>()) -> NUM, Full, Run::Wait(SYS_mq_timedsend);
    kmq_notify(mqd: FD, sigev: input::<Sigevent>()) -> NUM, Partial(FEW_SIGNALS), Handler(|c| with_event(c, 1, SYS_mq_notify));
    ktimer_create(clock_id: one_of(&f::CLOCK), evp: input::<Sigevent>(), timerid: ints(Dir::Out, 1)) -> NUM, Partial(FEW_SIGNALS), Handler(|c| with_event(c, 1, SYS_timer_create));
    ktimer_delete(timerid: INT) -> NUM, Full, Pass(SYS_timer_delete);
    ktimer_settime(timerid: INT, flags: flags(&f::TIMER), value: input::<Itimerspec>(), ovalue: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timer_settime);
    ktimer_gettime(timerid: INT, value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timer_gettime);
    ktimer_getoverrun(timerid: INT) -> NUM, Full, Pass(SYS_timer_getoverrun);
}

/// A path, or SHM_ANON.
const ANONYMOUS_OR_PATH: ArgType = ArgType::By(|a, _| match a[0] {
    SHM_ANON => ArgType::Named(|_| "SHM_ANON".to_owned()),
    _ => STR,
});

/// SHM_ANON: a path that is none.
const SHM_ANON: u64 = 1;
const AT_FDCWD: u64 = -100i64 as u64;

/// Where the host keeps objects of this name; the guest's is a path that begins with a slash.
pub(super) fn object_path(call: &Call<'_>, n: usize, prefix: &str) -> SysResult<CString> {
    const MAXPATHLEN: usize = 1024;
    let name = call.read_str(call.arg(n))?;
    if name.as_bytes().len() >= MAXPATHLEN {
        return Err(Errno::ENAMETOOLONG);
    }
    let Some(name) = name.as_bytes().strip_prefix(b"/") else {
        return Err(Errno::EINVAL);
    };
    let mut path = format!("/dev/shm/{prefix}").into_bytes();
    for &byte in name {
        // The names of such objects are not looked up in directories.
        match byte {
            b'/' => path.extend(b"%2f"),
            byte => path.push(byte),
        }
    }
    cstring(path)
}

fn open_shared(call: &mut Call<'_>, how: u64) -> SysResult {
    const SHM_LARGEPAGE: u64 = 4;
    const KNOWN: u64 = 7;
    const MFD_CLOEXEC: u64 = 1;
    const MFD_ALLOW_SEALING: u64 = 2;
    // The host's fcntl.h.
    const O_ACCMODE: u64 = 3;
    const O_KEPT: u64 = O_ACCMODE | 0x40 | 0x80 | 0x200;
    const O_NOFOLLOW: u64 = 0x2_0000;
    const O_CLOEXEC: u64 = 0x8_0000;
    if how & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if how & SHM_LARGEPAGE != 0 {
        call.unimplemented("SHM_LARGEPAGE");
        return Err(Errno::EOPNOTSUPP);
    }
    // The guest's fcntl.h: O_ACCMODE, O_CREAT, O_TRUNC, O_EXCL, O_CLOEXEC.
    const ALLOWED: u64 = 3 | 0x200 | 0x400 | 0x800 | 0x10_0000;
    const RDONLY: u64 = 0;
    const RDWR: u64 = 2;
    let access = call.arg(1) & O_ACCMODE;
    if call.arg(1) & !ALLOWED & 0xffff_ffff != 0 || !matches!(access, RDONLY | RDWR) {
        return Err(Errno::EINVAL);
    }
    // Descriptors of shared memory are closed by exec.
    if call.arg(0) == SHM_ANON {
        // Nothing could ever be in it.
        if access == RDONLY {
            return Err(Errno::EINVAL);
        }
        let name = c"shm";
        let flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
        return call.host(SYS_memfd_create, [name.as_ptr() as u64, flags, 0, 0, 0, 0]);
    }
    let path = object_path(call, 0, "")?;
    let flags = call.host_flags(1) & O_KEPT | O_NOFOLLOW | O_CLOEXEC;
    let args = [AT_FDCWD, path.as_ptr() as u64, flags, call.arg(2), 0, 0];
    call.host(SYS_openat, args)
}

fn unlink_shared(call: &mut Call<'_>) -> SysResult {
    let path = object_path(call, 0, "")?;
    call.host(SYS_unlinkat, [AT_FDCWD, path.as_ptr() as u64, 0, 0, 0, 0])
}

fn rename_shared(call: &mut Call<'_>) -> SysResult {
    let (from, to) = (object_path(call, 0, "")?, object_path(call, 1, "")?);
    let flags = call.arg(2);
    if flags > 2 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (from.as_ptr() as u64, to.as_ptr() as u64);
    call.host(SYS_renameat2, [AT_FDCWD, from, AT_FDCWD, to, flags, 0])
}

/// The host's name of a message queue, which has no slash.
fn queue_name(call: &Call<'_>) -> SysResult<CString> {
    let name = call.read_str(call.arg(0))?;
    match name.as_bytes().strip_prefix(b"/") {
        Some(name) if !name.is_empty() && !name.contains(&b'/') => cstring(name),
        _ => Err(Errno::EINVAL),
    }
}

fn open_queue(call: &mut Call<'_>) -> SysResult {
    let name = queue_name(call)?;
    pass_with(call, SYS_mq_open, false, &[(0, name.as_ptr() as u64)])
}

fn unlink_queue(call: &mut Call<'_>) -> SysResult {
    let name = queue_name(call)?;
    call.host(SYS_mq_unlink, [name.as_ptr() as u64, 0, 0, 0, 0, 0])
}

/// A call whose argument `n` says how to tell of something; timers have ids of the host's.
fn with_event(call: &mut Call<'_>, n: usize, number: i64) -> SysResult {
    // SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD_ID: the kernel takes no others here (kern_time.c, uipc_mqueue.c).
    const WAYS: [u64; 3] = [0, 1, 4];
    if call.arg(n) != 0 {
        let event: Sigevent = call.read_struct(call.arg(n))?;
        let at = call.arg(n);
        if !WAYS.contains(&call.read_int(at, Kind::U32)?) {
            return Err(Errno::EINVAL);
        }
        if event.sigev_signo > 64 {
            call.unimplemented("a signal beyond those of the host");
            return Err(Errno::EINVAL);
        }
    }
    pass_with(call, number, false, &[])
}
