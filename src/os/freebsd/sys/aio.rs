//! Asynchronous input and output (`aio(4)`, `kern/vfs_aio.c`).
//!
//! Threads of the emulator make the host's calls (`work`); what the guest is told, and when, is decided here and in
//! `request`. The guest's `struct aiocb` is written when a request is made and when its result is asked for, as the
//! kernel does it, not when it is done.
//!
//! Lock order: the requests' lock before a kqueue's and before those of the process.

mod notice;
mod request;
mod work;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use crate::abi::{Errno, GuestStruct, Kind, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::sys::kqueue;
use crate::os::freebsd::{self, flags as f};
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
use notice::{Notice, Wish};
pub(in crate::os::freebsd) use request::MOST;
use request::{List, Operation, Request, Shared, Stage};

const LATE_SIGNAL: &str = "a signal that is pending stays when its request is released";

crate::syscalls! {
    aio_read(aiocbp: input::<Aiocb>()) -> NUM, Full, Handler(|c| { let at = c.arg(0); queue_one(c, at, Some(opcode::READ), &NEW) });
    aio_write(aiocbp: input::<Aiocb>()) -> NUM, Full, Handler(|c| { let at = c.arg(0); queue_one(c, at, Some(opcode::WRITE), &NEW) });
    aio_readv(aiocbp: input::<Aiocb>()) -> NUM, Full, Handler(|c| { let at = c.arg(0); queue_one(c, at, Some(opcode::READV), &NEW) });
    aio_writev(aiocbp: input::<Aiocb>()) -> NUM, Full, Handler(|c| { let at = c.arg(0); queue_one(c, at, Some(opcode::WRITEV), &NEW) });
    aio_fsync(op: flags(&f::OPEN), aiocbp: input::<Aiocb>()) -> NUM, Full, Handler(queue_sync);
    aio_mlock(aiocbp: input::<Aiocb>()) -> NUM, Full, Handler(|c| { let at = c.arg(0); queue_one(c, at, Some(opcode::MLOCK), &NEW) });
    aio_return(aiocbp: ADDR) -> NUM, Partial(LATE_SIGNAL), Handler(give_result);
    aio_error(aiocbp: ADDR) -> NUM, Full, Handler(give_error);
    aio_suspend(aiocbp: POINTERS, nent: INT, timeout: input::<Timespec>()) -> NUM, Full, Handler(suspend);
    aio_cancel(fd: FD, aiocbp: ADDR) -> NUM, Full, Handler(cancel);
    aio_waitcomplete(aiocbp: ADDR, timeout: input::<Timespec>()) -> NUM, Partial(LATE_SIGNAL), Handler(wait_for_any);
    lio_listio(mode: one_of(&f::LIO_MODE), acb_list: POINTERS_1, nent: INT, sig: input::<Sigevent>()) -> NUM, Full, Handler(|c| queue_list(c, &NEW));
    freebsd6_aio_read(aiocbp: ADDR) -> NUM, Full, Handler(|c| { let at = c.arg(0); queue_one(c, at, Some(opcode::READ), &OLD) });
    freebsd6_aio_write(aiocbp: ADDR) -> NUM, Full, Handler(|c| { let at = c.arg(0); queue_one(c, at, Some(opcode::WRITE), &OLD) });
    freebsd6_lio_listio(mode: one_of(&f::LIO_MODE), acb_list: POINTERS_1, nent: INT, sig: ADDR) -> NUM, Full, Handler(|c| queue_list(c, &OLD));
}

const POINTERS: ArgType = ArgType::Ints(Dir::In, Kind::Ulong, crate::abi::Show::Addr, Len::Arg(1));
const POINTERS_1: ArgType =
    ArgType::Ints(Dir::In, Kind::Ulong, crate::abi::Show::Addr, Len::Arg(2));

/// `aio_lio_opcode` (`sys/aio.h` of 13).
mod opcode {
    pub const NOP: i32 = 0;
    pub const WRITE: i32 = 1;
    pub const READ: i32 = 2;
    pub const WRITEV: i32 = 5;
    pub const READV: i32 = 6;
    pub const SYNC: i32 = 8;
    pub const DSYNC: i32 = 0x18;
    pub const MLOCK: i32 = 0x20;
}

/// Where an edition of `struct aiocb` has its `sigevent`, and how that is read.
struct Edition {
    size: fn(&Call<'_>) -> usize,
    event: &'static str,
    read: fn(&Call<'_>, u64) -> SysResult<Wish>,
}

static NEW: Edition = Edition {
    size: |call| Aiocb::DESC.size(call.abi),
    event: "aio_sigevent",
    read: Wish::read,
};

/// FreeBSD 6: a smaller `sigevent` in the place of spare words.
static OLD: Edition = Edition {
    size: |call| offset(call, "aio_sigevent") as usize,
    event: "_spare",
    read: Wish::read_old,
};

fn offset(call: &Call<'_>, field: &str) -> u64 {
    Aiocb::DESC.offset(call.abi, field).unwrap_or(0) as u64
}

/// The requests of a process.
#[derive(Default)]
pub struct Requests(Arc<Shared>);

impl Requests {
    /// Runs a fork while nobody else touches the requests; the child has none of them.
    pub fn around_fork(&self, fork: &mut dyn FnMut() -> bool) {
        let mut state = self.0.lock();
        if fork() {
            state.forked();
        }
    }
}

fn requests(call: &Call<'_>) -> SysResult<Arc<Shared>> {
    let os = freebsd::of(call.thread).ok_or(Errno::ENOSYS)?;
    Ok(os.requests.0.clone())
}

/// Descriptors are about to be closed.
pub(super) fn closing(call: &Call<'_>, first: i32, last: i32) {
    if let Ok(shared) = requests(call) {
        request::closing(&shared, &(first..=last));
    }
}

/// The process is about to end or to execute a program.
pub(super) fn halt(call: &Call<'_>) {
    if !call.thread.is_vfork_child()
        && let Ok(shared) = requests(call)
    {
        request::halt(&shared);
    }
}

/// It does not after all.
pub(super) fn go_on(call: &Call<'_>) {
    if !call.thread.is_vfork_child()
        && let Ok(shared) = requests(call)
    {
        let mut state = shared.lock();
        state.halted = false;
        work::kick(&shared, &mut state, &call.thread.process);
    }
}

/// The process's numbers of requests: all that are not released, and those for files that are under way.
pub(in crate::os::freebsd) fn counts(call: &Call<'_>) -> (usize, usize) {
    requests(call).map_or((0, 0), |shared| {
        let state = shared.lock();
        (state.requests.len(), state.workers)
    })
}

/// `_aiocb_private`: the guest's words are changed as far as they can be.
fn store(call: &Call<'_>, at: u64, field: &str, value: i64) {
    let _ = call.write_int(
        at.wrapping_add(offset(call, field)),
        Kind::Long,
        value as u64,
    );
}

fn store_error(call: &Call<'_>, at: u64, error: Errno) {
    store(call, at, "_error", error.to_guest(call.abi.dialect).into());
}

/// What a descriptor is to asynchronous requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A regular file or a directory.
    File,
    Socket,
    /// Other things with a name, whose requests may take for ever: they are not allowed (`vfs.aio.enable_unsafe`).
    Device,
    /// Pipes and other things without.
    Other,
}

fn class(call: &mut Call<'_>, fd: u64) -> SysResult<Class> {
    use std::os::unix::fs::FileTypeExt;
    const F_GETFD: u64 = 1;
    call.host(SYS_fcntl, [fd, F_GETFD, 0, 0, 0, 0])?;
    let link = format!("/proc/self/fd/{fd}");
    let name = std::fs::read_link(&link).map_err(|_| Errno::EBADF)?;
    let kind = std::fs::metadata(&link)
        .map_err(|_| Errno::EBADF)?
        .file_type();
    Ok(match () {
        () if kind.is_file() || kind.is_dir() => Class::File,
        () if kind.is_socket() => Class::Socket,
        () if kind.is_fifo() && name.to_string_lossy().starts_with("pipe:") => Class::Other,
        () if kind.is_fifo() || kind.is_char_device() || kind.is_block_device() => Class::Device,
        () => Class::Other,
    })
}

/// Checks that a descriptor is open for an operation.
fn check_access(call: &mut Call<'_>, fd: u64, operation: Operation) -> SysResult<()> {
    const F_GETFL: u64 = 3;
    const O_ACCMODE: u64 = 3;
    const O_PATH: u64 = 0x20_0000;
    let flags = call.host(SYS_fcntl, [fd, F_GETFL, 0, 0, 0, 0])?;
    let wrong = match operation {
        Operation::Read => flags & O_ACCMODE == 1,
        Operation::Write => flags & O_ACCMODE == 0,
        _ => false,
    };
    match wrong || flags & O_PATH != 0 {
        true => Err(Errno::EBADF),
        false => Ok(()),
    }
}

/// Bytes that one request moves at most (SSIZE_MAX).
fn most_bytes(call: &Call<'_>) -> u64 {
    match call.abi.abi.is_32bit() {
        true => i32::MAX as u64,
        false => i64::MAX as u64,
    }
}

/// The guest memory of a request: addresses and lengths.
fn ranges(call: &Call<'_>, cb: &Aiocb, vectored: bool) -> SysResult<Vec<(u64, u64)>> {
    const IOV_MAX: u64 = 1024;
    let (at, count) = (cb.aio_buf.0, cb.aio_nbytes.0);
    if !vectored {
        return Ok(vec![(at, count)]);
    }
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let word = u64::from(call.abi.abi.word);
    let most = most_bytes(call);
    let mut out = Vec::new();
    let mut total = 0u64;
    for n in 0..count {
        let entry = at.wrapping_add(n * 2 * word);
        let base = call.read_int(entry, Kind::Ulong)?;
        let len = call.read_int(entry.wrapping_add(word), Kind::Ulong)?;
        total = total.saturating_add(len);
        if total > most {
            return Err(Errno::EINVAL);
        }
        out.push((base, len));
    }
    Ok(out)
}

/// A request as the guest makes it.
struct Order<'a> {
    /// Address of its `aiocb`.
    at: u64,
    /// The call's; what the structure says if `None`.
    opcode: Option<i32>,
    edition: &'a Edition,
    /// The list that it is of.
    list: Option<u64>,
}

/// Queues a request.
fn queue(call: &mut Call<'_>, shared: &Arc<Shared>, order: &Order<'_>) -> SysResult<()> {
    let at = order.at;
    if call.thread.is_vfork_child() {
        call.unimplemented("in the child of a vfork");
        return Err(Errno::EAGAIN);
    }
    store(call, at, "_status", -1);
    store(call, at, "_error", 0);
    store(call, at, "_kernelinfo", -1);
    let result = queue_checked(call, shared, order);
    if let Err(e) = result {
        store_error(call, at, e);
    }
    result
}

fn queue_checked(call: &mut Call<'_>, shared: &Arc<Shared>, order: &Order<'_>) -> SysResult<()> {
    let &Order {
        at,
        opcode,
        edition,
        list,
    } = order;
    let id = {
        let mut state = shared.lock();
        state.used = true;
        if state.requests.len() >= MOST {
            return Err(Errno::EAGAIN);
        }
        state.last += 1;
        state.last
    };
    let mut bytes = call.read_bytes(at, (edition.size)(call) as u64)?;
    bytes.resize(Aiocb::DESC.size(call.abi), 0);
    let cb = Aiocb::read(call.abi, &bytes)?;
    if cb.aio_nbytes.0 > most_bytes(call) {
        return Err(Errno::EINVAL);
    }
    let wish = (edition.read)(call, at.wrapping_add(offset(call, edition.event)))?;
    wish.check()?;
    let opcode = opcode.unwrap_or(cb.aio_lio_opcode);
    let (operation, vectored) = match opcode {
        opcode::READ => (Some(Operation::Read), false),
        opcode::READV => (Some(Operation::Read), true),
        opcode::WRITE => (Some(Operation::Write), false),
        opcode::WRITEV => (Some(Operation::Write), true),
        opcode::SYNC => (Some(Operation::Sync(false)), false),
        opcode::DSYNC => (Some(Operation::Sync(true)), false),
        opcode::MLOCK => (Some(Operation::Lock), false),
        opcode::NOP => (None, false),
        _ => return Err(Errno::EINVAL),
    };
    let fd = cb.aio_fildes as u32 as u64;
    let mut class_of = Class::Other;
    if operation != Some(Operation::Lock) {
        if crate::host::fd::is_own(fd as i32) {
            return Err(Errno::EBADF);
        }
        class_of = class(call, fd)?;
        if let Some(operation) = operation {
            check_access(call, fd, operation)?;
        }
    }
    let transfers = matches!(operation, Some(Operation::Read | Operation::Write));
    let syncs = matches!(operation, Some(Operation::Sync(_)));
    if syncs && matches!(class_of, Class::Socket | Class::Other)
        || transfers && cb.aio_offset < 0 && class_of != Class::Device
    {
        return Err(Errno::EINVAL);
    }
    store(call, at, "_kernelinfo", id as i64);
    let Some(operation) = operation else {
        return Ok(());
    };
    if (transfers || syncs) && matches!(class_of, Class::Device | Class::Other) {
        return Err(Errno::EOPNOTSUPP);
    }
    let ranges = match operation {
        Operation::Sync(_) => Vec::new(),
        _ => ranges(call, &cb, vectored)?,
    };
    let mut vectors = Vec::new();
    for &(base, len) in &ranges {
        let (base, len) = match operation {
            // The kernel locks whole pages.
            Operation::Lock => {
                let start = crate::mem::page_down(base);
                (start, len.saturating_add(base - start))
            }
            _ => (base, len),
        };
        let host = match len {
            0 => 0,
            _ => call.host_range(base, len, operation == Operation::Read)?,
        };
        vectors.push([host, len]);
    }
    let notice = wish.prepare(call, at, kqueue::EVFILT_AIO)?;
    store_error(call, at, Errno::EINPROGRESS);
    let mut state = shared.lock();
    let after = state
        .requests
        .iter()
        .filter(|r| r.stage != Stage::Done && syncs && r.fd == fd as i32 && r.kept.is_none())
        .filter(|r| matches!(r.operation, Operation::Read | Operation::Write))
        .map(|r| r.id)
        .collect();
    if let Some(list) = list.and_then(|l| state.lists.get_mut(&l)) {
        list.count += 1;
    }
    state.requests.push(Request {
        id,
        at,
        operation,
        fd: fd as i32,
        kept: None,
        is_socket: transfers && class_of == Class::Socket,
        offset: cb.aio_offset,
        vectors,
        ranges,
        after,
        notice,
        list,
        stage: Stage::Queued,
        moved: 0,
        result: Ok(0),
    });
    work::kick(shared, &mut state, &call.thread.process);
    // Without a thread for it nobody would ever come to it.
    if state.workers == 0 && state.startable().is_some()
        || !state.watched && !state.to_watch().is_empty()
    {
        state.withdraw(id);
        return Err(Errno::EAGAIN);
    }
    Ok(())
}

fn queue_one(call: &mut Call<'_>, at: u64, opcode: Option<i32>, edition: &Edition) -> SysResult {
    let shared = requests(call)?;
    let order = Order {
        at,
        opcode,
        edition,
        list: None,
    };
    queue(call, &shared, &order)?;
    Ok(0)
}

fn queue_sync(call: &mut Call<'_>) -> SysResult {
    const O_SYNC: u64 = 0x80;
    const O_DSYNC: u64 = 0x0100_0000;
    let opcode = match call.arg(0) {
        O_SYNC => opcode::SYNC,
        O_DSYNC => opcode::DSYNC,
        _ => return Err(Errno::EINVAL),
    };
    let at = call.arg(1);
    queue_one(call, at, Some(opcode), &NEW)
}

fn queue_list(call: &mut Call<'_>, edition: &Edition) -> SysResult {
    const LIO_NOWAIT: i32 = 0;
    const LIO_WAIT: i32 = 1;
    let (mode, at, count) = (call.int(0), call.arg(1), call.int(2));
    if !matches!(mode, LIO_NOWAIT | LIO_WAIT) || !(0..=MOST as i32).contains(&count) {
        return Err(Errno::EINVAL);
    }
    let wish = match call.arg(3) {
        sig if sig != 0 && mode == LIO_NOWAIT => Some((edition.read)(call, sig)?),
        _ => None,
    };
    let blocks = pointers(call, at, count)?;
    let shared = requests(call)?;
    let notice = match wish {
        None => Notice::None,
        Some(wish) => {
            wish.check()?;
            wish.prepare(call, at, kqueue::EVFILT_LIO)?
        }
    };
    let id = {
        let mut state = shared.lock();
        state.used = true;
        state.last += 1;
        let id = state.last;
        state.lists.insert(id, List::new(notice));
        id
    };
    let (mut again, mut failed) = (false, false);
    for block in blocks.into_iter().filter(|&b| b != 0) {
        let order = Order {
            at: block,
            opcode: None,
            edition,
            list: Some(id),
        };
        match queue(call, &shared, &order) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => again = true,
            Err(_) => failed = true,
        }
    }
    let result = if mode == LIO_WAIT {
        wait_until(call, &shared, None, |state| {
            let list = state.lists.get(&id)?;
            (list.count - 1 == list.done).then_some(0)
        })
        .map_err(interrupted)
    } else {
        Ok(0)
    };
    let mut state = shared.lock();
    if let Some(list) = state.lists.get_mut(&id) {
        list.count -= 1;
        // The kernel takes the notice of an empty list back before anybody has seen it.
        if mode == LIO_NOWAIT && list.count > 0 {
            list.settle(&call.thread.process);
        }
    }
    state.release_list(Some(id));
    drop(state);
    match (failed, again) {
        (true, _) => Err(Errno::EIO),
        (_, true) => Err(Errno::EAGAIN),
        _ => result,
    }
}

fn pointers(call: &Call<'_>, at: u64, count: i32) -> SysResult<Vec<u64>> {
    let word = u64::from(call.abi.abi.word);
    (0..count as u64)
        .map(|n| call.read_int(at.wrapping_add(n * word), Kind::Ulong))
        .collect()
}

/// A wait that is not made again after a signal.
fn interrupted(e: Errno) -> Errno {
    match e {
        crate::process::ERESTARTSYS => Errno::EINTR,
        e => e,
    }
}

/// Waits until `look` finds something, at most until a monotonic time in ns.
fn wait_until<T>(
    call: &mut Call<'_>,
    shared: &Arc<Shared>,
    deadline: Option<u64>,
    mut look: impl FnMut(&mut request::State) -> Option<T>,
) -> SysResult<T> {
    const WAIT_BITSET_PRIVATE: u64 = 9 | 0x80;
    const ANY: u64 = 0xffff_ffff;
    loop {
        let seen = shared.finished.load(SeqCst);
        let found = look(&mut shared.lock());
        if let Some(found) = found {
            return Ok(found);
        }
        let time = deadline.map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000]);
        let args = [
            shared.finished.as_ptr() as u64,
            WAIT_BITSET_PRIVATE,
            seen.into(),
            time.as_ref().map_or(0, |t| t.as_ptr() as u64),
            0,
            ANY,
        ];
        match call.host_wait(SYS_futex, args) {
            Ok(_) | Err(Errno::EAGAIN) => {}
            Err(Errno::ETIMEDOUT) => return Err(Errno::EAGAIN),
            Err(crate::process::ERESTARTSYS | Errno::EINTR) if call.thread.pass_over_ignored() => {}
            Err(e) => return Err(e),
        }
    }
}

/// The end of a wait of this length, which is none at all if it is zero and `poll` says so.
fn deadline(time: Option<Timespec>) -> SysResult<Option<u64>> {
    let Some(time) = time else { return Ok(None) };
    let (s, ns) = (time.tv_sec.0, time.tv_nsec.0);
    if s < 0 || !(0..1_000_000_000).contains(&ns) {
        return Err(Errno::EINVAL);
    }
    let ns = (s as u64)
        .saturating_mul(1_000_000_000)
        .saturating_add(ns as u64);
    Ok(Some(crate::host::monotonic_ns().saturating_add(ns)))
}

fn suspend(call: &mut Call<'_>) -> SysResult {
    let (at, count) = (call.arg(0), call.int(1));
    if !(0..=MOST as i32).contains(&count) {
        return Err(Errno::EINVAL);
    }
    let time = call.read_optional::<Timespec>(call.arg(2))?;
    let wanted = pointers(call, at, count)?;
    let deadline = deadline(time)?;
    let shared = requests(call)?;
    if !shared.lock().used {
        return Err(Errno::EAGAIN);
    }
    wait_until(call, &shared, deadline, |state| {
        let mut open = state
            .requests
            .iter()
            .filter(|r| wanted.contains(&r.at))
            .peekable();
        // Those that are not there any more need not be waited for.
        (open.peek().is_none() || open.any(|r| r.stage == Stage::Done)).then_some(0)
    })
    .map_err(interrupted)
}

/// Takes a request that is done off the books: its result, and the guest's words set to it.
fn release(call: &mut Call<'_>, shared: &Arc<Shared>, id: u64) -> SysResult {
    let request = shared.lock().release(id).ok_or(Errno::EINVAL)?;
    let error = request
        .result
        .map_or_else(|e| e.to_guest(call.abi.dialect), |_| 0);
    store(call, request.at, "_error", error.into());
    let status = request.result.map_or(-1, |n| n as i64);
    store(call, request.at, "_status", status);
    if let (Operation::Read, Ok(1..)) = (request.operation, request.result) {
        // Debuggers may watch what has been read; that it has been they see now.
        for (base, len) in request.ranges {
            call.mem()
                .lend_to_kernel(base, len, crate::ir::Access::WRITE, true);
        }
    }
    request.result
}

fn give_result(call: &mut Call<'_>) -> SysResult {
    let (at, shared) = (call.arg(0), requests(call)?);
    let found = {
        let state = shared.lock();
        let mut done = state.done.iter();
        done.find(|&&id| state.requests.iter().any(|r| r.id == id && r.at == at))
            .copied()
    };
    release(call, &shared, found.ok_or(Errno::EINVAL)?)
}

/// Returns an error number rather than failing with it.
fn give_error(call: &mut Call<'_>) -> SysResult {
    let (at, shared) = (call.arg(0), requests(call)?);
    let own = |e: Errno| e.to_guest(call.abi.dialect).into();
    let state = shared.lock();
    if let Some(request) = state.requests.iter().find(|r| r.at == at) {
        return Ok(match (request.stage, request.result) {
            (Stage::Done, Ok(_)) => 0,
            (Stage::Done, Err(e)) => own(e),
            _ => own(Errno::EINPROGRESS),
        });
    }
    let used = state.used;
    drop(state);
    // One that could not be made has its error in the guest's words.
    let word = |field: &str| call.read_int(at.wrapping_add(offset(call, field)), Kind::Long);
    match word("_status") {
        Ok(u64::MAX) if used => word("_error").or(Ok(own(Errno::EINVAL))),
        _ => Ok(own(Errno::EINVAL)),
    }
}

fn wait_for_any(call: &mut Call<'_>) -> SysResult {
    let at = call.arg(0);
    let time = call.read_optional::<Timespec>(call.arg(1))?;
    let shared = requests(call)?;
    let _ = call.write_int(at, Kind::Ulong, 0);
    let poll = time.is_some_and(|t| t.tv_sec.0 == 0 && t.tv_nsec.0 == 0);
    let deadline = deadline(time)?;
    shared.lock().used = true;
    // The kernel restarts a wait without an end only.
    let ends = |e| if time.is_some() { interrupted(e) } else { e };
    let (id, block) = wait_until(call, &shared, deadline, |state| {
        let Some(&id) = state.done.front() else {
            return poll.then_some((0, 0));
        };
        state.find(id).map(|r| (id, r.at))
    })
    .map_err(ends)?;
    if id == 0 {
        return Err(Errno::EAGAIN);
    }
    let _ = call.write_int(at, Kind::Ulong, block);
    release(call, &shared, id)
}

fn cancel(call: &mut Call<'_>) -> SysResult {
    const AIO_CANCELED: u64 = 1;
    const AIO_NOTCANCELED: u64 = 2;
    const AIO_ALLDONE: u64 = 3;
    let (fd, at) = (call.int(0), call.arg(1));
    class(call, fd as u32 as u64)?;
    let shared = requests(call)?;
    let process = call.thread.process.clone();
    let mut state = shared.lock();
    let concerned: Vec<(u64, Stage, u64)> = state
        .requests
        .iter()
        .filter(|r| r.stage != Stage::Done && r.fd == fd && (at == 0 || r.at == at))
        .map(|r| (r.id, r.stage, r.moved))
        .collect();
    let (mut canceled, mut running) = (0, 0);
    for (id, stage, moved) in concerned {
        match (stage, moved) {
            (Stage::Queued, 0) => {
                shared.finish(&mut state, &process, id, Err(Errno::ECANCELED));
                canceled += 1;
            }
            // What has been written is its result.
            (Stage::Queued, moved) => {
                shared.finish(&mut state, &process, id, Ok(moved));
                running += 1;
            }
            _ => running += 1,
        }
    }
    work::wake(&state);
    Ok(match (running, canceled) {
        (1.., _) => AIO_NOTCANCELED,
        (_, 1..) => AIO_CANCELED,
        _ => AIO_ALLDONE,
    })
}
