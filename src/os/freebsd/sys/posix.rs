//! POSIX IPC and timers: shared memory by name, semaphores with descriptors, message queues, `ktimer_*`.

use std::ffi::CString;

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{
    ArgType, Call, Dir,
    Run::{Handler, Pass},
    Support::{Full, Partial},
    *,
};

const NO_KEVENT: &str = "SIGEV_KEVENT";

crate::syscalls! {
    shm_open2(path: ADDR, flags: flags(&f::OPEN), mode: MODE, shmflags: flags(&f::SHM_OPEN), name: ADDR) -> FDNUM, Partial("SHM_LARGEPAGE is EOPNOTSUPP, as without large pages; SHM_GROW_ON_WRITE always"), Handler(|c| { let how = c.arg(3); open_shared(c, how) });
    freebsd12_shm_open(path: ADDR, flags: flags(&f::OPEN), mode: MODE) -> FDNUM, Full, Handler(|c| open_shared(c, 0));
    shm_unlink(path: STR) -> NUM, Full, Handler(unlink_shared);
    shm_rename(path_from: STR, path_to: STR, flags: flags(&f::SHM_RENAME)) -> NUM, Full, Handler(rename_shared);
    ksem_init(idp: ADDR, value: UINT) -> NUM, Full, Handler(create_semaphore);
    ksem_open(idp: ADDR, name: STR, oflag: flags(&f::OPEN), mode: MODE, value: UINT) -> NUM, Partial("up to 65536; the value is forgotten while no process has it open"), Handler(open_semaphore);
    ksem_close(id: SEMAPHORE) -> NUM, Full, Handler(|c| { is_semaphore(c)?; c.host(SYS_close, [c.arg(0), 0, 0, 0, 0, 0]) });
    ksem_destroy(id: SEMAPHORE) -> NUM, Full, Handler(|c| { is_semaphore(c)?; c.host(SYS_close, [c.arg(0), 0, 0, 0, 0, 0]) });
    ksem_unlink(name: STR) -> NUM, Full, Handler(unlink_semaphore);
    ksem_post(id: SEMAPHORE) -> NUM, Full, Handler(post);
    ksem_wait(id: SEMAPHORE) -> NUM, Full, Handler(|c| wait(c, None));
    ksem_trywait(id: SEMAPHORE) -> NUM, Full, Handler(try_wait);
    ksem_timedwait(id: SEMAPHORE, abstime: input::<Timespec>()) -> NUM, Full, Handler(|c| { let until = c.read_optional(c.arg(1))?; wait(c, until) });
    ksem_getvalue(id: SEMAPHORE, val: ADDR) -> NUM, Full, Handler(value);
    kmq_open(path: STR, flags: flags(&f::OPEN), mode: MODE, attr: input::<MqAttr>()) -> FDNUM, Full, Handler(open_queue);
    kmq_unlink(path: STR) -> NUM, Full, Handler(unlink_queue);
    kmq_setattr(mqd: FD, attr: input::<MqAttr>(), oattr: output::<MqAttr>()) -> NUM, Full, Pass(SYS_mq_getsetattr);
    kmq_timedreceive(mqd: FD, msg_ptr: buf_out(2), msg_len: SIZE, msg_prio: ints_of(Dir::Out, Kind::U32, Show::Dec, 1), abs_timeout: input::<Timespec>()) -> NUM, Full, Run::Wait(SYS_mq_timedreceive);
    kmq_timedsend(mqd: FD, msg_ptr: buf_in(2), msg_len: SIZE, msg_prio: UINT, abs_timeout: input::<Timespec>()) -> NUM, Full, Run::Wait(SYS_mq_timedsend);
    kmq_notify(mqd: FD, sigev: input::<Sigevent>()) -> NUM, Partial(NO_KEVENT), Handler(|c| with_event(c, 1, SYS_mq_notify));
    ktimer_create(clock_id: one_of(&f::CLOCK), evp: input::<Sigevent>(), timerid: ints(Dir::Out, 1)) -> NUM, Partial(NO_KEVENT), Handler(|c| with_event(c, 1, SYS_timer_create));
    ktimer_delete(timerid: INT) -> NUM, Full, Pass(SYS_timer_delete);
    ktimer_settime(timerid: INT, flags: flags(&f::TIMER), value: input::<Itimerspec>(), ovalue: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timer_settime);
    ktimer_gettime(timerid: INT, value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timer_gettime);
    ktimer_getoverrun(timerid: INT) -> NUM, Full, Pass(SYS_timer_getoverrun);
}

/// `semid_t`: a descriptor in a `long`.
const SEMAPHORE: ArgType = ArgType::Value(Kind::I32, Show::Fd);

/// SHM_ANON: a path that is none.
const SHM_ANON: u64 = 1;
const AT_FDCWD: u64 = -100i64 as u64;

/// Where the host keeps objects of this name; the guest's is a path that begins with a slash.
fn object_path(call: &Call<'_>, n: usize, prefix: &str) -> SysResult<CString> {
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

// Semaphores: without a name an eventfd that counts, with a name a FIFO in the host's folder of shared objects, whose bytes
// are the count.

/// SEM_VALUE_MAX
const SEMAPHORE_MAX: u64 = i32::MAX as u64;
/// Prefix of the names of semaphores.
const SEMAPHORES: &str = "emu-ksem.";

fn create_semaphore(call: &mut Call<'_>) -> SysResult {
    const EFD_SEMAPHORE: u64 = 1;
    const EFD_CLOEXEC: u64 = 0x8_0000;
    const EFD_NONBLOCK: u64 = 0x800;
    let count = call.arg(1);
    if count > SEMAPHORE_MAX {
        return Err(Errno::EINVAL);
    }
    let flags = EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK;
    let fd = call.host(SYS_eventfd2, [count, flags, 0, 0, 0, 0])?;
    give(call, fd)
}

/// Stores the id of a semaphore, or gives it back if that is impossible.
fn give(call: &mut Call<'_>, fd: u64) -> SysResult {
    let stored = call.write_int(call.arg(0), Kind::Long, fd);
    if stored.is_err() {
        let _ = call.host(SYS_close, [fd, 0, 0, 0, 0, 0]);
    }
    stored.map(|()| 0)
}

fn open_semaphore(call: &mut Call<'_>) -> SysResult {
    const O_CREAT: u64 = 0x40;
    const O_EXCL: u64 = 0x80;
    // O_RDWR, so that it neither waits for the other side nor ends; O_NONBLOCK, O_CLOEXEC.
    const OPEN: u64 = 2 | 0x800 | 0x8_0000;
    const S_IFIFO: u64 = 0o10000;
    let path = object_path(call, 1, SEMAPHORES)?;
    let path = path.as_ptr() as u64;
    let (flags, count) = (call.host_flags(2), call.arg(4));
    if count > SEMAPHORE_MAX {
        return Err(Errno::EINVAL);
    }
    let mut created = false;
    if flags & O_CREAT != 0 {
        let mode = S_IFIFO | call.arg(3) & 0o777;
        match call.host(SYS_mknodat, [AT_FDCWD, path, mode, 0, 0, 0]) {
            Ok(_) => created = true,
            Err(Errno::EEXIST) if flags & O_EXCL == 0 => {}
            Err(e) => return Err(e),
        }
    }
    let fd = call.host(SYS_openat, [AT_FDCWD, path, OPEN, 0, 0, 0])?;
    if created {
        for _ in 0..count {
            add(call, fd)?;
        }
    }
    give(call, fd)
}

fn unlink_semaphore(call: &mut Call<'_>) -> SysResult {
    let path = object_path(call, 0, SEMAPHORES)?;
    call.host(SYS_unlinkat, [AT_FDCWD, path.as_ptr() as u64, 0, 0, 0, 0])
}

/// What a semaphore's descriptor is on the host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Semaphore {
    Eventfd,
    Fifo,
}

fn is_semaphore(call: &Call<'_>) -> SysResult<Semaphore> {
    let link = format!("/proc/self/fd/{}", call.int(0));
    let target = std::fs::read_link(link).map_err(|_| Errno::EINVAL)?;
    let name = target.to_string_lossy();
    match () {
        () if name.starts_with("anon_inode:[eventfd") => Ok(Semaphore::Eventfd),
        () if name.starts_with(&format!("/dev/shm/{SEMAPHORES}")) => Ok(Semaphore::Fifo),
        () => Err(Errno::EINVAL),
    }
}

/// Adds one: eight bytes of a number to an eventfd, one byte to a FIFO.
fn add(call: &mut Call<'_>, fd: u64) -> SysResult {
    let one = 1u64.to_le_bytes();
    let write = |call: &mut Call<'_>, len: u64| {
        call.host(SYS_write, [fd, one.as_ptr() as u64, len, 0, 0, 0])
    };
    // An eventfd takes no less than eight.
    let result = match write(call, 1) {
        Err(Errno::EINVAL) => write(call, 8),
        other => other,
    };
    match result {
        Ok(_) => Ok(0),
        Err(Errno::EAGAIN) => Err(Errno::EOVERFLOW),
        Err(e) => Err(e),
    }
}

fn post(call: &mut Call<'_>) -> SysResult {
    is_semaphore(call)?;
    add(call, call.arg(0))
}

fn try_wait(call: &mut Call<'_>) -> SysResult {
    let len = match is_semaphore(call)? {
        Semaphore::Eventfd => 8,
        Semaphore::Fifo => 1,
    };
    let mut byte = [0u8; 8];
    let at = byte.as_mut_ptr() as u64;
    call.host(SYS_read, [call.arg(0), at, len, 0, 0, 0])?;
    Ok(0)
}

fn wait(call: &mut Call<'_>, until: Option<Timespec>) -> SysResult {
    const POLLIN: u64 = 1;
    if until.is_some_and(|t| !(0..1_000_000_000).contains(&t.tv_nsec.0)) {
        return Err(Errno::EINVAL);
    }
    loop {
        match try_wait(call) {
            Err(Errno::EAGAIN) => {}
            other => return other,
        }
        // On CLOCK_REALTIME.
        let left = until.map(|t| {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |d| d.as_nanos() as i128);
            let end = i128::from(t.tv_sec.0) * 1_000_000_000 + i128::from(t.tv_nsec.0);
            (end - now).max(0) as u64
        });
        if left == Some(0) {
            return Err(Errno::ETIMEDOUT);
        }
        let time = left.map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000]);
        let mut pollfd = call.arg(0) & 0xffff_ffff | POLLIN << 32;
        let args = [
            (&raw mut pollfd) as u64,
            1,
            time.as_ref().map_or(0, |t| t.as_ptr() as u64),
            0,
            8,
            0,
        ];
        call.host_wait(SYS_ppoll, args).map_err(|e| match e {
            crate::process::ERESTARTSYS if until.is_some() => Errno::EINTR,
            e => e,
        })?;
    }
}

fn value(call: &mut Call<'_>) -> SysResult {
    const FIONREAD: u64 = 0x541b;
    let fd = call.arg(0);
    let count = match is_semaphore(call)? {
        Semaphore::Fifo => {
            let mut n = 0u32;
            call.host(SYS_ioctl, [fd, FIONREAD, (&raw mut n) as u64, 0, 0, 0])?;
            n.into()
        }
        Semaphore::Eventfd => {
            let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}"));
            let info = info.map_err(|_| Errno::EINVAL)?;
            let count = info.lines().find_map(|l| l.strip_prefix("eventfd-count:"));
            count
                .and_then(|n| u64::from_str_radix(n.trim(), 16).ok())
                .ok_or(Errno::EINVAL)?
        }
    };
    call.write_int(call.arg(1), Kind::I32, count)?;
    Ok(0)
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
    const SIGEV_KEVENT: i32 = 3;
    if call.arg(n) != 0 {
        let event: Sigevent = call.read_struct(call.arg(n))?;
        let at = call.arg(n);
        // The structure's conversion has no number of the host's for it.
        if call.read_int(at, Kind::I32)? as i32 == SIGEV_KEVENT {
            call.unimplemented("SIGEV_KEVENT");
            return Err(Errno::EINVAL);
        }
        if event.sigev_signo > 64 {
            call.unimplemented("a signal beyond those of the host");
            return Err(Errno::EINVAL);
        }
    }
    pass_with(call, number, false, &[])
}
