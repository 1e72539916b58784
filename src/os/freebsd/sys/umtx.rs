//! `_umtx_op`: FreeBSD's user-space synchronisation, over the host's futexes (`sys/umtx.h`, `sys/kern/kern_umtx.c`).
//!
//! The kernel changes the words itself: they are changed here atomically, in the guest's byte order, and a thread sleeps on
//! the word whose change wakes it. FreeBSD's kernel knows how many threads wait; the host tells only how many it woke. So a
//! "there are waiters" mark is taken away *before* waking, set again if somebody was woken, and checked by a waiter after it
//! has read the value that it sleeps on: it can be there needlessly, but is never missing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use crate::abi::{Endian, Errno, GuestStruct, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{ArgType, Call, Run::Handler, Support::Partial, *};
use crate::process::{ERESTARTSYS, Thread};

crate::syscalls! {
    _umtx_op(obj: ADDR, op: one_of(&f::UMTX_OP), val: ArgType::By(|a, _| if a[1] == NWAKE_PRIVATE { ULONG } else { BITS }), uaddr1: ArgType::By(|a, _| if a[1] == NWAKE_PRIVATE { ADDR } else { BITS }), uaddr2: ADDR) -> NUM, Partial("priorities and priority ceilings, SHM, robust lists at the end of a thread"), Handler(operate);
}

const WAIT: u64 = 2;
const WAKE: u64 = 3;
const MUTEX_TRYLOCK: u64 = 4;
const MUTEX_LOCK: u64 = 5;
const MUTEX_UNLOCK: u64 = 6;
const CV_WAIT: u64 = 8;
const CV_SIGNAL: u64 = 9;
const CV_BROADCAST: u64 = 10;
const WAIT_UINT: u64 = 11;
const RW_RDLOCK: u64 = 12;
const RW_WRLOCK: u64 = 13;
const RW_UNLOCK: u64 = 14;
const WAIT_UINT_PRIVATE: u64 = 15;
const WAKE_PRIVATE: u64 = 16;
const MUTEX_WAIT: u64 = 17;
const MUTEX_WAKE: u64 = 18;
const SEM_WAIT: u64 = 19;
const SEM_WAKE: u64 = 20;
const NWAKE_PRIVATE: u64 = 21;
const MUTEX_WAKE2: u64 = 22;
const SEM2_WAIT: u64 = 23;
const SEM2_WAKE: u64 = 24;
const ROBUST_LISTS: u64 = 26;

/// As many as there are.
const ALL: u64 = i32::MAX as u64;

fn operate(call: &mut Call<'_>) -> SysResult {
    let (obj, op, val) = (call.arg(0), call.arg(1), call.arg(2));
    match op {
        WAIT => wait_long(call, obj, val),
        WAIT_UINT | WAIT_UINT_PRIVATE => wait_word(call, obj, val as u32),
        WAKE | WAKE_PRIVATE => {
            wake(call, obj, (val as u32).min(i32::MAX as u32).into());
            Ok(0)
        }
        NWAKE_PRIVATE => {
            let word = u64::from(call.abi.abi.word);
            for n in 0..val {
                let at = call.read_int(obj + n * word, Kind::Ulong)?;
                wake(call, at, ALL);
            }
            Ok(0)
        }
        MUTEX_TRYLOCK => lock(call, obj, Lock::Try, None),
        MUTEX_LOCK => {
            let deadline = deadline(call)?;
            lock(call, obj, Lock::Take, deadline)
        }
        MUTEX_WAIT => {
            let deadline = deadline(call)?;
            lock(call, obj, Lock::Await, deadline)
        }
        MUTEX_UNLOCK => unlock(call, obj),
        MUTEX_WAKE => wake_mutex(call, obj),
        MUTEX_WAKE2 => wake_mutex2(call, obj),
        CV_WAIT => wait_condition(call, obj),
        CV_SIGNAL => signal_condition(call, obj, 1),
        CV_BROADCAST => signal_condition(call, obj, ALL),
        RW_RDLOCK => {
            let deadline = deadline(call)?;
            read_lock(call, obj, val, deadline)
        }
        RW_WRLOCK => {
            let deadline = deadline(call)?;
            write_lock(call, obj, deadline)
        }
        RW_UNLOCK => unlock_rw(call, obj),
        SEM_WAIT => wait_old_semaphore(call, obj),
        SEM_WAKE => {
            wake(call, obj + 4, 1);
            Ok(0)
        }
        SEM2_WAIT => wait_semaphore(call, obj),
        SEM2_WAKE => wake_semaphore(call, obj),
        ROBUST_LISTS => {
            call.unimplemented("_umtx_op UMTX_OP_ROBUST_LISTS: the owner's death is not told");
            Ok(0)
        }
        _ => {
            let name = f::UMTX_OP.fields[0].values.iter().find(|v| v.host == op);
            call.unimplemented(&format!(
                "_umtx_op {} ({op})",
                name.map_or("operation", |v| v.name)
            ));
            Err(Errno::EOPNOTSUPP)
        }
    }
}

/// When a wait ends, on the host's clock.
#[derive(Clone, Copy)]
struct Deadline {
    realtime: bool,
    sec: i64,
    nsec: i64,
}

/// The timeout of a call: its size in the fourth argument, the thing itself in the fifth.
fn deadline(call: &Call<'_>) -> SysResult<Option<Deadline>> {
    let (size, at) = (call.arg(3), call.arg(4));
    if at == 0 {
        return Ok(None);
    }
    let full = UmtxTime::DESC.size(call.abi) as u64;
    let time = if size < full {
        UmtxTime {
            timeout: call.read_struct(at)?,
            ..UmtxTime::default()
        }
    } else {
        call.read_struct(at)?
    };
    absolute(&time).map(Some)
}

/// UMTX_ABSTIME
const ABSTIME: u32 = 1;

fn absolute(time: &UmtxTime) -> SysResult<Deadline> {
    let (mut sec, mut nsec) = (time.timeout.tv_sec.0, time.timeout.tv_nsec.0);
    if sec < 0 || !(0..1_000_000_000).contains(&nsec) {
        return Err(Errno::EINVAL);
    }
    // The conversion of the structure has given the host's clock.
    let realtime = matches!(time.clockid, 0 | 5);
    if time.flags & ABSTIME == 0 {
        let now = crate::host::monotonic_ns() as i64;
        nsec += now % 1_000_000_000;
        sec = sec.saturating_add(now / 1_000_000_000 + nsec / 1_000_000_000);
        nsec %= 1_000_000_000;
    }
    Ok(Deadline {
        realtime: realtime && time.flags & ABSTIME != 0,
        sec,
        nsec,
    })
}

fn swap(call: &Call<'_>, v: u32) -> u32 {
    match call.abi.abi.endian {
        Endian::Little => v,
        Endian::Big => v.swap_bytes(),
    }
}

const FUTEX_WAKE_BITSET: u64 = 10;
const FUTEX_WAIT_BITSET: u64 = 9;
const FUTEX_CLOCK_REALTIME: u64 = 0x100;
const EVERYBODY: u32 = u32::MAX;

/// Sleeps while the word at `at` is `value`. Woken, it returns; so it does if the word has another value already.
fn sleep(
    call: &mut Call<'_>,
    at: u64,
    value: u32,
    who: u32,
    until: Option<Deadline>,
) -> SysResult<()> {
    let host = call.mem().host_range(at, 4, false)?;
    let time = until.map(|d| [d.sec, d.nsec]);
    let clock = if until.is_some_and(|d| d.realtime) {
        FUTEX_CLOCK_REALTIME
    } else {
        0
    };
    let args = [
        host,
        FUTEX_WAIT_BITSET | clock,
        swap(call, value).into(),
        time.as_ref().map_or(0, |t| t.as_ptr() as u64),
        0,
        who.into(),
    ];
    match call.host_wait(SYS_futex, args) {
        Ok(_) | Err(Errno::EAGAIN) => Ok(()),
        // A wait with a timeout is not restarted: the time would begin anew.
        Err(ERESTARTSYS) if until.is_some() => Err(Errno::EINTR),
        Err(e) => Err(e),
    }
}

/// Wakes threads that sleep on the word at `at`; returns how many it were.
pub(super) fn wake(call: &mut Call<'_>, at: u64, count: u64) -> u64 {
    wake_some(call, at, count, EVERYBODY)
}

fn wake_some(call: &mut Call<'_>, at: u64, count: u64, who: u32) -> u64 {
    let Ok(host) = call.mem().host_range(at, 4, false) else {
        return 0;
    };
    call.host(
        SYS_futex,
        [host, FUTEX_WAKE_BITSET, count, 0, 0, who.into()],
    )
    .unwrap_or(0)
}

fn load(call: &Call<'_>, at: u64) -> SysResult<u32> {
    Ok(call.mem().load::<u32>(at, call.abi.abi.endian)?)
}

/// Changes the word at `at` from `old` to `new`; whether it was `old`.
fn exchange(call: &Call<'_>, at: u64, old: u32, new: u32) -> SysResult<bool> {
    let old = u128::from(swap(call, old));
    let new = u128::from(swap(call, new));
    Ok(call.mem().compare_exchange(at, 4, old, new)? == old)
}

/// Changes the word at `at` by `change`; returns what it was.
fn modify(call: &Call<'_>, at: u64, change: impl Fn(u32) -> u32) -> SysResult<u32> {
    loop {
        let old = load(call, at)?;
        if exchange(call, at, old, change(old))? {
            return Ok(old);
        }
    }
}

fn wait_word(call: &mut Call<'_>, at: u64, value: u32) -> SysResult {
    let deadline = deadline(call)?;
    if load(call, at)? == value {
        sleep(call, at, value, EVERYBODY, deadline)?;
    }
    Ok(0)
}

/// A `long`, of which the host's futex can compare 32 bits: a change of the others alone comes with a wake.
fn wait_long(call: &mut Call<'_>, at: u64, value: u64) -> SysResult {
    let deadline = deadline(call)?;
    if call.read_int(at, Kind::Ulong)? == Kind::Ulong.extend(call.abi, value) {
        // Wakers use the address of the whole.
        let big64 = call.abi.abi.endian == Endian::Big && !call.abi.abi.is_32bit();
        let compared = if big64 { value >> 32 } else { value };
        sleep(call, at, compared as u32, EVERYBODY, deadline)?;
    }
    Ok(0)
}

// struct umutex: m_owner, m_flags
const CONTESTED: u32 = 0x8000_0000;
const RB_OWNERDEAD: u32 = CONTESTED | 0x10;
const RB_NOTRECOV: u32 = CONTESTED | 0x11;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// Take it if it is free.
    Try,
    /// Take it.
    Take,
    /// Wait until it may be free.
    Await,
}

fn lock(call: &mut Call<'_>, mutex: u64, how: Lock, until: Option<Deadline>) -> SysResult {
    let me = call.thread.tid() as u32;
    loop {
        let owner = load(call, mutex)?;
        match owner {
            0 | CONTESTED | RB_OWNERDEAD if how == Lock::Await => return Ok(0),
            0 | CONTESTED => {
                if exchange(call, mutex, owner, me | owner)? {
                    return Ok(0);
                }
            }
            RB_OWNERDEAD => {
                if exchange(call, mutex, owner, me | CONTESTED)? {
                    return Err(Errno::EOWNERDEAD);
                }
            }
            RB_NOTRECOV => return Err(Errno::ENOTRECOVERABLE),
            _ if how == Lock::Try => return Err(Errno::EBUSY),
            _ => {
                if owner & CONTESTED != 0 || exchange(call, mutex, owner, owner | CONTESTED)? {
                    sleep(call, mutex, owner | CONTESTED, EVERYBODY, until)?;
                    if how == Lock::Await {
                        return Ok(0);
                    }
                }
            }
        }
    }
}

fn unlock(call: &mut Call<'_>, mutex: u64) -> SysResult {
    let me = call.thread.tid() as u32;
    loop {
        let owner = load(call, mutex)?;
        if owner & !CONTESTED != me {
            return Err(Errno::EPERM);
        }
        if exchange(call, mutex, owner, owner & CONTESTED)? {
            if owner & CONTESTED != 0 {
                settle_free(call, mutex)?;
            }
            return Ok(0);
        }
    }
}

/// Wakes a waiter of a free mutex; without one the mark goes.
fn settle_free(call: &mut Call<'_>, mutex: u64) -> SysResult<()> {
    if wake(call, mutex, 1) == 0 {
        // A thread that has seen the mark and is about to sleep finds another value, and looks again.
        exchange(call, mutex, CONTESTED, 0)?;
    }
    Ok(())
}

fn wake_mutex(call: &mut Call<'_>, mutex: u64) -> SysResult {
    if load(call, mutex)? & !CONTESTED == 0 {
        settle_free(call, mutex)?;
    }
    Ok(0)
}

/// The unlocker has cleared the word in user space, maybe with the mark: somebody may have taken it since, without the mark.
fn wake_mutex2(call: &mut Call<'_>, mutex: u64) -> SysResult {
    let owner = modify(call, mutex, |o| if o == 0 { o } else { o | CONTESTED })?;
    if owner & !CONTESTED == 0 || owner == RB_OWNERDEAD || owner == RB_NOTRECOV {
        wake(call, mutex, 1);
    }
    Ok(0)
}

// struct ucond: c_has_waiters, c_flags, c_clockid, c_spare. The spare word counts signals: waiters sleep on it.
const COND_CLOCK: u64 = 8;
const COND_SEQUENCE: u64 = 12;

fn wait_condition(call: &mut Call<'_>, cond: u64) -> SysResult {
    const CVWAIT_ABSTIME: u64 = 2;
    const CVWAIT_CLOCKID: u64 = 4;
    let (flags, mutex) = (call.arg(2), call.arg(3));
    let until = match call.arg(4) {
        0 => None,
        at => {
            let clock = if flags & CVWAIT_CLOCKID != 0 {
                load(call, cond + COND_CLOCK)?
            } else {
                0
            };
            let clock =
                Show::Flags(&f::CLOCK).convert(clock.into(), call.abi, crate::abi::OsAbi::HOST);
            Some(absolute(&UmtxTime {
                timeout: call.read_struct(at)?,
                flags: if flags & CVWAIT_ABSTIME != 0 {
                    ABSTIME
                } else {
                    0
                },
                clockid: clock as u32,
            })?)
        }
    };
    let sequence = loop {
        call.write_int(cond, Kind::U32, 1)?;
        let sequence = load(call, cond + COND_SEQUENCE)?;
        // A signal between the two has taken the mark away, and counted before this thread read.
        if load(call, cond)? != 0 {
            break sequence;
        }
    };
    unlock(call, mutex)?;
    match sleep(call, cond + COND_SEQUENCE, sequence, EVERYBODY, until) {
        Ok(()) => Ok(0),
        // The mutex is free already: the call cannot be made again. Waits may end without a reason.
        Err(ERESTARTSYS) => Err(Errno::EINTR),
        Err(e) => Err(e),
    }
}

fn signal_condition(call: &mut Call<'_>, cond: u64, count: u64) -> SysResult {
    call.write_int(cond, Kind::U32, 0)?;
    modify(call, cond + COND_SEQUENCE, |n| n.wrapping_add(1))?;
    if wake(call, cond + COND_SEQUENCE, count) != 0 && count != ALL {
        // There may be more.
        call.write_int(cond, Kind::U32, 1)?;
    }
    Ok(0)
}

// struct urwlock: rw_state, rw_flags, rw_blocked_readers, rw_blocked_writers
const WRITE_OWNER: u32 = 0x8000_0000;
const WRITE_WAITERS: u32 = 0x4000_0000;
const READ_WAITERS: u32 = 0x2000_0000;
const READERS: u32 = 0x1fff_ffff;
const RW_FLAGS: u64 = 4;
const BLOCKED_READERS: u64 = 8;
const BLOCKED_WRITERS: u64 = 12;
const PREFER_READER: u32 = 2;
/// Who sleeps on the state.
const SLEEPING_READERS: u32 = 1;
const SLEEPING_WRITERS: u32 = 2;

fn read_lock(call: &mut Call<'_>, rw: u64, flags: u64, until: Option<Deadline>) -> SysResult {
    let prefer = (flags as u32 | load(call, rw + RW_FLAGS)?) & PREFER_READER != 0;
    let barred = if prefer {
        WRITE_OWNER
    } else {
        WRITE_OWNER | WRITE_WAITERS
    };
    loop {
        let state = load(call, rw)?;
        if state & barred == 0 {
            if state & READERS == READERS {
                return Err(Errno::EAGAIN);
            }
            if exchange(call, rw, state, state + 1)? {
                return Ok(0);
            }
            continue;
        }
        block(
            call,
            rw,
            state,
            READ_WAITERS,
            BLOCKED_READERS,
            SLEEPING_READERS,
            until,
        )?;
    }
}

fn write_lock(call: &mut Call<'_>, rw: u64, until: Option<Deadline>) -> SysResult {
    loop {
        let state = load(call, rw)?;
        if state & (WRITE_OWNER | READERS) == 0 {
            if exchange(call, rw, state, state | WRITE_OWNER)? {
                return Ok(0);
            }
            continue;
        }
        let slept = block(
            call,
            rw,
            state,
            WRITE_WAITERS,
            BLOCKED_WRITERS,
            SLEEPING_WRITERS,
            until,
        );
        if slept.is_err() {
            // Readers that stood back for this writer.
            wake_some(call, rw, ALL, SLEEPING_READERS);
        }
        slept?;
    }
}

/// Sleeps as one of those that wait for a lock whose state was seen.
fn block(
    call: &mut Call<'_>,
    rw: u64,
    state: u32,
    mark: u32,
    count: u64,
    who: u32,
    until: Option<Deadline>,
) -> SysResult<()> {
    if state & mark == 0 && !exchange(call, rw, state, state | mark)? {
        return Ok(());
    }
    modify(call, rw + count, |n| n.wrapping_add(1))?;
    let slept = sleep(call, rw, state | mark, who, until);
    if modify(call, rw + count, |n| n.wrapping_sub(1))? == 1 {
        modify(call, rw, |s| s & !mark)?;
        // Somebody may have counted itself in between: it finds another state than the one it would sleep on.
        if load(call, rw + count)? != 0 {
            modify(call, rw, |s| s | mark)?;
        }
    }
    slept
}

fn unlock_rw(call: &mut Call<'_>, rw: u64) -> SysResult {
    let old = loop {
        let state = load(call, rw)?;
        let new = match state {
            s if s & WRITE_OWNER != 0 => s & !WRITE_OWNER,
            s if s & READERS != 0 => s - 1,
            _ => return Err(Errno::EPERM),
        };
        if exchange(call, rw, state, new)? {
            break state;
        }
    };
    let free = old & WRITE_OWNER != 0 || old & READERS == 1;
    if free && old & WRITE_WAITERS != 0 {
        wake_some(call, rw, 1, SLEEPING_WRITERS);
    }
    if old & READ_WAITERS != 0 {
        wake_some(call, rw, ALL, SLEEPING_READERS);
    }
    Ok(0)
}

// struct _usem2: _count with a mark on top, _flags
const SEM_WAITERS: u32 = 0x8000_0000;

fn wait_semaphore(call: &mut Call<'_>, sem: u64) -> SysResult {
    let until = deadline(call)?;
    loop {
        let count = load(call, sem)?;
        if count & !SEM_WAITERS != 0 {
            return Ok(0);
        }
        if count & SEM_WAITERS != 0 || exchange(call, sem, count, count | SEM_WAITERS)? {
            sleep(call, sem, SEM_WAITERS, EVERYBODY, until)?;
            return Ok(0);
        }
    }
}

fn wake_semaphore(call: &mut Call<'_>, sem: u64) -> SysResult {
    modify(call, sem, |c| c & !SEM_WAITERS)?;
    if wake(call, sem, 1) != 0 {
        modify(call, sem, |c| c | SEM_WAITERS)?;
    }
    Ok(0)
}

/// struct _usem: _has_waiters, _count, _flags. The mark stays.
fn wait_old_semaphore(call: &mut Call<'_>, sem: u64) -> SysResult {
    let until = deadline(call)?;
    call.write_int(sem, Kind::U32, 1)?;
    if load(call, sem + 4)? == 0 {
        sleep(call, sem + 4, 0, EVERYBODY, until)?;
    }
    Ok(0)
}

/// Words that threads in `thr_suspend` sleep on, by thread: 1 when it has been woken.
static SUSPENDED: Mutex<Option<HashMap<i32, Arc<AtomicU32>>>> = Mutex::new(None);

fn suspension(tid: i32) -> Arc<AtomicU32> {
    let mut all = SUSPENDED.lock().unwrap_or_else(PoisonError::into_inner);
    all.get_or_insert_default().entry(tid).or_default().clone()
}

pub(super) fn suspend_thread(call: &mut Call<'_>) -> SysResult {
    let word = suspension(call.thread.tid());
    let time = call.read_optional::<Timespec>(call.arg(0))?;
    let until = time
        .map(|timeout| {
            absolute(&UmtxTime {
                timeout,
                ..UmtxTime::default()
            })
        })
        .transpose()?;
    let time = until.map(|d| [d.sec, d.nsec]);
    while word.swap(0, SeqCst) == 0 {
        let args = [
            word.as_ptr() as u64,
            FUTEX_WAIT_BITSET,
            0,
            time.as_ref().map_or(0, |t| t.as_ptr() as u64),
            0,
            EVERYBODY.into(),
        ];
        match call.host_wait(SYS_futex, args) {
            Ok(_) | Err(Errno::EAGAIN) => {}
            Err(ERESTARTSYS) => return Err(Errno::EINTR),
            Err(e) => return Err(e),
        }
    }
    Ok(0)
}

pub(super) fn wake_thread(call: &mut Call<'_>) -> SysResult {
    let tid = call.arg(0) as i32;
    if !call.thread.process.threads().iter().any(|t| t.tid == tid) {
        return Err(Errno::ESRCH);
    }
    let word = suspension(tid);
    word.store(1, SeqCst);
    let at = word.as_ptr() as u64;
    call.host(
        SYS_futex,
        [at, FUTEX_WAKE_BITSET, 1, 0, 0, EVERYBODY.into()],
    )?;
    Ok(0)
}

/// A thread ends.
pub fn thread_exit(thread: &mut Thread) {
    let mut all = SUSPENDED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(all) = all.as_mut() {
        all.remove(&thread.tid());
    }
}
