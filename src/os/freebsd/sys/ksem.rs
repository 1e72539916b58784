//! POSIX semaphores as the kernel has them (`ksem_*`, `sys/ksem.h`): the id is a descriptor.
//!
//! The descriptor is of a file that begins with two numbers, the value and how many wait for it; with a name it is in the host's
//! folder of shared memory, where it keeps its value until it is unlinked. Each operation maps it, and waits by the host's futex.
//! Newer libraries do not use these: theirs are in memory of their own, over `_umtx_op`.

use std::sync::atomic::Ordering::SeqCst;

use super::posix::object_path;
use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::map::{SharedNumbers, with_shared_numbers};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{ArgType, Call, Dir, Run::Handler, Support::Full, *};

crate::syscalls! {
    ksem_init(idp: SEMAPHORE_OUT, value: UINT) -> NUM, Full, Handler(create);
    ksem_open(idp: SEMAPHORE_OUT, name: STR, oflag: flags(&f::OPEN), mode: MODE, value: UINT) -> NUM, Full, Handler(open);
    ksem_close(id: SEMAPHORE) -> NUM, Full, Handler(close);
    ksem_destroy(id: SEMAPHORE) -> NUM, Full, Handler(destroy);
    ksem_unlink(name: STR) -> NUM, Full, Handler(unlink);
    ksem_post(id: SEMAPHORE) -> NUM, Full, Handler(post);
    ksem_wait(id: SEMAPHORE) -> NUM, Full, Handler(|c| wait(c, None));
    ksem_trywait(id: SEMAPHORE) -> NUM, Full, Handler(try_wait);
    ksem_timedwait(id: SEMAPHORE, abstime: input::<Timespec>()) -> NUM, Full, Handler(|c| { let until = c.read_optional(c.arg(1))?; wait(c, until) });
    ksem_getvalue(id: SEMAPHORE, val: ints(Dir::Out, 1)) -> NUM, Full, Handler(value);
}

/// `semid_t`: a descriptor in a `long`.
const SEMAPHORE: ArgType = ArgType::Value(Kind::I32, Show::Fd);

const SEMAPHORE_OUT: ArgType = ints_of(Dir::Out, Kind::Long, Show::Fd, 1);

const AT_FDCWD: u64 = -100i64 as u64;
/// SEM_VALUE_MAX
const MOST: u64 = i32::MAX as u64;
/// Prefix of the names of files.
const PREFIX: &str = "emu-ksem.";
/// Name of the memory of one without a name.
const NAMELESS: &std::ffi::CStr = c"emu-ksem";
// The host's fcntl.h.
const O_RDWR: u64 = 2;
const O_CREAT: u64 = 0x40;
const O_EXCL: u64 = 0x80;
const O_NOFOLLOW: u64 = 0x2_0000;
const O_CLOEXEC: u64 = 0x8_0000;
const O_TMPFILE: u64 = 0x41_0000;

/// Gives a new file its value.
fn fill(call: &mut Call<'_>, fd: u64, count: u64) -> SysResult<()> {
    call.host(SYS_ftruncate, [fd, crate::host::PAGE_SIZE, 0, 0, 0, 0])?;
    with_shared_numbers(fd as i32, |[value, _]| value.store(count as i32, SeqCst))
}

/// Stores the id of a semaphore, or gives it back if that is impossible.
fn give(call: &mut Call<'_>, fd: u64, filled: SysResult<()>) -> SysResult {
    let stored = filled.and_then(|()| call.write_int(call.arg(0), Kind::Long, fd));
    if stored.is_err() {
        let _ = call.host(SYS_close, [fd, 0, 0, 0, 0, 0]);
    }
    stored.map(|()| 0)
}

fn create(call: &mut Call<'_>) -> SysResult {
    const MFD_CLOEXEC: u64 = 1;
    let count = call.arg(1);
    if count > MOST {
        return Err(Errno::EINVAL);
    }
    let name = NAMELESS.as_ptr() as u64;
    let fd = call.host(SYS_memfd_create, [name, MFD_CLOEXEC, 0, 0, 0, 0])?;
    let filled = fill(call, fd, count);
    give(call, fd, filled)
}

fn open(call: &mut Call<'_>) -> SysResult {
    let path = object_path(call, 1, PREFIX)?;
    let path = path.as_ptr() as u64;
    let (flags, count) = (call.host_flags(2), call.arg(4));
    if count > MOST || flags & !(O_CREAT | O_EXCL) != 0 {
        return Err(Errno::EINVAL);
    }
    let how = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
    let mut exclusive = flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
    loop {
        if !exclusive {
            match call.host(SYS_openat, [AT_FDCWD, path, how, 0, 0, 0]) {
                Err(Errno::ENOENT) if flags & O_CREAT != 0 => {}
                Ok(fd) => return give(call, fd, Ok(())),
                Err(e) => return Err(e),
            }
        }
        match make(call, path, count) {
            // Somebody else was faster.
            Err(Errno::EEXIST) if !exclusive => {}
            other => other.map(|()| exclusive = false)?,
        }
    }
}

/// Makes a semaphore with a name, which nobody sees before it has its value.
fn make(call: &mut Call<'_>, path: u64, count: u64) -> SysResult<()> {
    const AT_SYMLINK_FOLLOW: u64 = 0x400;
    let folder = c"/dev/shm".as_ptr() as u64;
    let how = O_TMPFILE | O_RDWR | O_CLOEXEC;
    let fd = call.host(
        SYS_openat,
        [AT_FDCWD, folder, how, call.arg(3) & 0o777, 0, 0],
    )?;
    let made = fill(call, fd, count).and_then(|()| {
        let file = cstring(format!("/proc/self/fd/{fd}"))?;
        let from = file.as_ptr() as u64;
        let args = [AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW, 0];
        call.host(SYS_linkat, args).map(|_| ())
    });
    let _ = call.host(SYS_close, [fd, 0, 0, 0, 0, 0]);
    made
}

fn unlink(call: &mut Call<'_>) -> SysResult {
    let path = object_path(call, 0, PREFIX)?;
    call.host(SYS_unlinkat, [AT_FDCWD, path.as_ptr() as u64, 0, 0, 0, 0])
}

/// A semaphore's descriptor, and whether it has a name.
struct Semaphore {
    fd: i32,
    named: bool,
}

/// The descriptor must be a semaphore's.
fn semaphore(call: &Call<'_>) -> SysResult<Semaphore> {
    let fd = call.int(0);
    let target = std::fs::read_link(format!("/proc/self/fd/{fd}")).map_err(|_| Errno::EINVAL)?;
    let target = target.to_string_lossy();
    let named = target.starts_with(&format!("/dev/shm/{PREFIX}"));
    let memory = target.strip_prefix("/memfd:");
    let nameless = memory.is_some_and(|name| name.split(' ').next() == NAMELESS.to_str().ok());
    if named || nameless {
        Ok(Semaphore { fd, named })
    } else {
        Err(Errno::EINVAL)
    }
}

/// Those with a name are closed, the others destroyed.
fn close(call: &mut Call<'_>) -> SysResult {
    if !semaphore(call)?.named {
        return Err(Errno::EINVAL);
    }
    call.host(SYS_close, [call.arg(0), 0, 0, 0, 0, 0])
}

fn destroy(call: &mut Call<'_>) -> SysResult {
    let Semaphore { fd, named } = semaphore(call)?;
    if named {
        return Err(Errno::EINVAL);
    }
    if with_shared_numbers(fd, |[_, waiting]| waiting.load(SeqCst) != 0)? {
        return Err(Errno::EBUSY);
    }
    call.host(SYS_close, [call.arg(0), 0, 0, 0, 0, 0])
}

fn post(call: &mut Call<'_>) -> SysResult {
    const FUTEX_WAKE: u64 = 1;
    with_shared_numbers(semaphore(call)?.fd, |[value, waiting]| {
        let add = |old: i32| old.checked_add(1);
        if value.fetch_update(SeqCst, SeqCst, add).is_err() {
            return Err(Errno::EOVERFLOW);
        }
        if waiting.load(SeqCst) != 0 {
            let at = std::ptr::from_ref(value) as u64;
            crate::host::syscall(SYS_futex, [at, FUTEX_WAKE, 1, 0, 0, 0])?;
        }
        Ok(0)
    })?
}

/// Takes one, if there is one.
fn take([value, _]: &SharedNumbers) -> bool {
    let less = |old: i32| (old > 0).then(|| old - 1);
    value.fetch_update(SeqCst, SeqCst, less).is_ok()
}

fn try_wait(call: &mut Call<'_>) -> SysResult {
    match with_shared_numbers(semaphore(call)?.fd, take)? {
        true => Ok(0),
        false => Err(Errno::EAGAIN),
    }
}

/// `until` is on CLOCK_REALTIME.
fn wait(call: &mut Call<'_>, until: Option<Timespec>) -> SysResult {
    /// FUTEX_WAIT_BITSET, FUTEX_CLOCK_REALTIME
    const FUTEX_WAIT_UNTIL: u64 = 9 | 256;
    const ANY: u64 = 0xffff_ffff;
    if until.is_some_and(|t| !(0..1_000_000_000).contains(&t.tv_nsec.0)) {
        return Err(Errno::EINVAL);
    }
    let fd = semaphore(call)?.fd;
    let time = until.map(|t| [t.tv_sec.0.max(0), t.tv_nsec.0]);
    let time = time.as_ref().map_or(0, |t| t.as_ptr() as u64);
    with_shared_numbers(fd, |numbers| {
        let [value, waiting] = numbers;
        let at = std::ptr::from_ref(value) as u64;
        while !take(numbers) {
            waiting.fetch_add(1, SeqCst);
            let waited = call.host_wait(SYS_futex, [at, FUTEX_WAIT_UNTIL, 0, time, 0, ANY]);
            waiting.fetch_sub(1, SeqCst);
            match waited {
                Ok(_) | Err(Errno::EAGAIN) => {}
                // The host restarts no wait with a time; this one's is a moment, not a span.
                Err(Errno::EINTR) => return Err(crate::process::ERESTARTSYS),
                Err(e) => return Err(e),
            }
        }
        Ok(0)
    })?
}

fn value(call: &mut Call<'_>) -> SysResult {
    let count = with_shared_numbers(semaphore(call)?.fd, |[value, _]| value.load(SeqCst))?;
    call.write_int(call.arg(1), Kind::I32, count as u64)?;
    Ok(0)
}
