//! `_umtx_op`: FreeBSD's user-space synchronisation, over the host's futexes (`sys/umtx.h`, `sys/kern/kern_umtx.c`).
//!
//! The kernel changes the words itself: they are changed here atomically, in the guest's byte order, and a thread sleeps on
//! the word whose change wakes it. FreeBSD's kernel knows how many threads wait; the host tells only how many it woke. So a
//! "there are waiters" mark is taken away *before* waking, set again if somebody was woken, and checked by a waiter after it
//! has read the value that it sleeps on: it can be there needlessly, but is never missing.

mod decode;
mod mutex;
mod rwlock;
mod shared;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use crate::abi::{Endian, Errno, GuestStruct, Kind, Long, OsAbi, Show, SysResult, read_int};
use crate::host::nr::*;
use crate::mem::AddressSpace;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{self, flags as f};
use crate::os::{ArgType, Call, Run::Handler, Support::Partial, *};
use crate::process::{ERESTARTSYS, Thread};
use mutex::{Lock, RobustLists, lock, unlock};

crate::syscalls! {
    _umtx_op(obj: ArgType::By(|a, _| decode::object(a[1])), op: one_of(&f::UMTX_OP), val: ArgType::By(|a, _| decode::value(a[1])), uaddr1: ArgType::By(|a, _| decode::first(a[1])), uaddr2: ArgType::By(timeout_type)) -> NUM, Partial("threads have one priority; UMTX_OP_SHM of private memory"), Handler(operate);
}

/// The type of a timeout: the call that waits says how long the structure is (`umtx_copyin_umtx_time`), but CV_WAIT has the mutex
/// in that place.
fn timeout_type(args: &[u64], a: OsAbi) -> ArgType {
    const WAITING: [u64; 9] = [
        WAIT,
        MUTEX_LOCK,
        WAIT_UINT,
        RW_RDLOCK,
        RW_WRLOCK,
        WAIT_UINT_PRIVATE,
        MUTEX_WAIT,
        SEM_WAIT,
        SEM2_WAIT,
    ];
    match (args[1], args[3]) {
        (CV_WAIT, _) => input::<Timespec>(),
        (op, size) if WAITING.contains(&op) => match size as usize > Timespec::DESC.size(a) {
            true => input::<UmtxTime>(),
            false => input::<Timespec>(),
        },
        _ => ADDR,
    }
}

const LOCK: u64 = 0;
const UNLOCK: u64 = 1;
const WAIT: u64 = 2;
const WAKE: u64 = 3;
const MUTEX_TRYLOCK: u64 = 4;
const MUTEX_LOCK: u64 = 5;
const MUTEX_UNLOCK: u64 = 6;
const SET_CEILING: u64 = 7;
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
const SHM: u64 = 25;
const ROBUST_LISTS: u64 = 26;
const GET_MIN_TIMEOUT: u64 = 27;
const SET_MIN_TIMEOUT: u64 = 28;

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
                let at = call.read_int(obj.wrapping_add(n.wrapping_mul(word)), Kind::Ulong)?;
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
        MUTEX_WAKE => mutex::wake_free(call, obj),
        MUTEX_WAKE2 => mutex::wake_after_unlock(call, obj),
        SET_CEILING => mutex::set_ceiling(call, obj, val, call.arg(3)),
        CV_WAIT => wait_condition(call, obj),
        CV_SIGNAL => signal_condition(call, obj, 1),
        CV_BROADCAST => signal_condition(call, obj, ALL),
        RW_RDLOCK => {
            let deadline = deadline(call)?;
            rwlock::read_lock(call, obj, val, deadline)
        }
        RW_WRLOCK => {
            let deadline = deadline(call)?;
            rwlock::write_lock(call, obj, deadline)
        }
        RW_UNLOCK => rwlock::unlock_rw(call, obj),
        SEM_WAIT => wait_old_semaphore(call, obj),
        SEM_WAKE => {
            wake(call, obj.wrapping_add(4), 1);
            Ok(0)
        }
        SEM2_WAIT => wait_semaphore(call, obj),
        SEM2_WAKE => wake_semaphore(call, obj),
        SHM => shared::operate(call, val, call.arg(3)),
        ROBUST_LISTS => mutex::set_robust_lists(call, val, call.arg(3)),
        GET_MIN_TIMEOUT => {
            let least = state(call.thread, |s| s.min_timeout);
            call.write_int(call.arg(3), Kind::Long, least as u64)?;
            Ok(0)
        }
        SET_MIN_TIMEOUT => {
            let least = Kind::Long.extend(call.abi, val) as i64;
            if least < 0 {
                return Err(Errno::EINVAL);
            }
            state(call.thread, |s| s.min_timeout = least);
            Ok(0)
        }
        // Those of before FreeBSD 11.
        LOCK | UNLOCK => Err(Errno::EOPNOTSUPP),
        _ => {
            call.unimplemented(&format!("operation {op:#x}"));
            Err(Errno::EINVAL)
        }
    }
}

/// When a wait ends, on the host's clock.
#[derive(Clone, Copy)]
struct Deadline {
    /// On CLOCK_REALTIME, rather than CLOCK_MONOTONIC.
    realtime: bool,
    /// The caller said when, rather than how long.
    absolute: bool,
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
    let deadline = absolute(&time)?;
    Ok(Some(not_before(call, deadline)))
}

/// A deadline, put off until the least time that the process asks for has passed.
fn not_before(call: &Call<'_>, deadline: Deadline) -> Deadline {
    match state(call.thread, |s| s.min_timeout) {
        0 => deadline,
        // The clock may be set meanwhile: what is left of it now is what counts.
        least => deadline.max(deadline.now().saturating_add(least)),
    }
}

impl Deadline {
    /// In so many nanoseconds.
    fn after(ns: i64) -> Deadline {
        let at = (crate::host::monotonic_ns() as i64).saturating_add(ns);
        Deadline {
            realtime: false,
            absolute: false,
            sec: at / 1_000_000_000,
            nsec: at % 1_000_000_000,
        }
    }

    /// What its clock says, in nanoseconds.
    fn now(&self) -> i64 {
        match self.realtime {
            true => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |d| d.as_nanos() as i64),
            false => crate::host::monotonic_ns() as i64,
        }
    }

    /// How far off it is, in nanoseconds.
    fn left(&self) -> i64 {
        let at = self
            .sec
            .saturating_mul(1_000_000_000)
            .saturating_add(self.nsec);
        at.saturating_sub(self.now())
    }

    /// The later one of this and `other`, in nanoseconds on the same clock.
    fn max(self, other: i64) -> Deadline {
        let (sec, nsec) = (other / 1_000_000_000, other % 1_000_000_000);
        let (sec, nsec) = (self.sec, self.nsec).max((sec, nsec));
        Deadline { sec, nsec, ..self }
    }
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
        absolute: time.flags & ABSTIME != 0,
        sec,
        nsec,
    })
}

/// A word as the host sees it in the guest's memory, or back.
fn swap(a: OsAbi, v: u32) -> u32 {
    match a.abi.endian {
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
        swap(call.abi, value).into(),
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
    wake_in(call.thread, at, count, who)
}

fn wake_in(thread: &mut Thread, at: u64, count: u64, who: u32) -> u64 {
    let Ok(host) = thread.process.mem.host_range(at, 4, false) else {
        return 0;
    };
    let args = [host, FUTEX_WAKE_BITSET, count, 0, 0, who.into()];
    thread.syscall(SYS_futex, args).unwrap_or(0)
}

fn load(call: &Call<'_>, at: u64) -> SysResult<u32> {
    Ok(call.mem().load::<u32>(at, call.abi.abi.endian)?)
}

/// Changes the word at `at` from `old` to `new`; whether it was `old`.
fn exchange(call: &Call<'_>, at: u64, old: u32, new: u32) -> SysResult<bool> {
    exchange_in(call.mem(), call.abi, at, old, new)
}

fn exchange_in(mem: &AddressSpace, a: OsAbi, at: u64, old: u32, new: u32) -> SysResult<bool> {
    let (old, new) = (u128::from(swap(a, old)), u128::from(swap(a, new)));
    Ok(mem.compare_exchange(at, 4, old, new)? == old)
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
                load(call, cond.wrapping_add(COND_CLOCK))?
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
        let sequence = load(call, cond.wrapping_add(COND_SEQUENCE))?;
        // A signal between the two has taken the mark away, and counted before this thread read.
        if load(call, cond)? != 0 {
            break sequence;
        }
    };
    unlock(call, mutex)?;
    match sleep(
        call,
        cond.wrapping_add(COND_SEQUENCE),
        sequence,
        EVERYBODY,
        until,
    ) {
        Ok(()) => Ok(0),
        // The mutex is free already: the call cannot be made again. Waits may end without a reason.
        Err(ERESTARTSYS) => Err(Errno::EINTR),
        Err(e) => Err(e),
    }
}

fn signal_condition(call: &mut Call<'_>, cond: u64, count: u64) -> SysResult {
    if count == 1 {
        modify(call, cond.wrapping_add(COND_SEQUENCE), |n| {
            n.wrapping_add(1)
        })?;
        // There may be more, so the mark stays.
        if wake(call, cond.wrapping_add(COND_SEQUENCE), 1) != 0 {
            return Ok(0);
        }
    }
    // Who has set the mark before it went, but sleeps only now, finds another count.
    call.write_int(cond, Kind::U32, 0)?;
    modify(call, cond.wrapping_add(COND_SEQUENCE), |n| {
        n.wrapping_add(1)
    })?;
    wake(call, cond.wrapping_add(COND_SEQUENCE), ALL);
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
            let slept = sleep(call, sem, SEM_WAITERS, EVERYBODY, until);
            if slept == Err(Errno::EINTR) {
                tell_rest(call, until)?;
            }
            slept?;
            return Ok(0);
        }
    }
}

/// What is left of a relative timeout, if the caller has room for it behind the timeout.
fn tell_rest(call: &mut Call<'_>, until: Option<Deadline>) -> SysResult<()> {
    let (size, at) = (call.arg(3), call.arg(4));
    let (time, rest) = (UmtxTime::DESC.size(call.abi), Timespec::DESC.size(call.abi));
    let Some(until) = until.filter(|u| !u.absolute && size >= (time + rest) as u64) else {
        return Ok(());
    };
    let end = until
        .sec
        .saturating_mul(1_000_000_000)
        .saturating_add(until.nsec);
    let left = end
        .saturating_sub(crate::host::monotonic_ns() as i64)
        .max(0);
    let left = Timespec {
        tv_sec: Long(left / 1_000_000_000),
        tv_nsec: Long(left % 1_000_000_000),
    };
    call.write_struct(at.wrapping_add(time as u64), &left)
}

fn wake_semaphore(call: &mut Call<'_>, sem: u64) -> SysResult {
    // The mark stays as long as somebody sleeps: there may be more.
    if wake(call, sem, 1) == 0 {
        modify(call, sem, |c| c & !SEM_WAITERS)?;
        // Those who have come to sleep since look again.
        wake(call, sem, ALL);
    }
    Ok(0)
}

/// struct _usem: _has_waiters, _count, _flags. The mark stays.
fn wait_old_semaphore(call: &mut Call<'_>, sem: u64) -> SysResult {
    let until = deadline(call)?;
    call.write_int(sem, Kind::U32, 1)?;
    if load(call, sem.wrapping_add(4))? == 0 {
        sleep(call, sem.wrapping_add(4), 0, EVERYBODY, until)?;
    }
    Ok(0)
}

/// What is known of the threads of a process, by their ids.
#[derive(Default)]
struct Threads {
    /// Words that threads in `thr_suspend` sleep on: 1 when it has been woken.
    suspended: HashMap<i32, Arc<AtomicU32>>,
    robust: HashMap<i32, RobustLists>,
    /// No wait ends before so many nanoseconds (UMTX_OP_SET_MIN_TIMEOUT).
    min_timeout: i64,
}

/// What `_umtx_op` and `thr_suspend` keep of a process.
#[derive(Default)]
pub struct State(Mutex<Threads>);

fn state<R>(thread: &Thread, action: impl FnOnce(&mut Threads) -> R) -> R {
    match freebsd::of(thread) {
        Some(os) => action(&mut os.umtx.0.lock().unwrap_or_else(PoisonError::into_inner)),
        None => action(&mut Threads::default()),
    }
}

/// The child of a fork has another id, and no robust lists.
pub(super) fn forked(call: &Call<'_>) {
    state(call.thread, |s| {
        s.suspended.clear();
        s.robust.clear();
    });
}

fn suspension(thread: &Thread, tid: i32) -> Arc<AtomicU32> {
    state(thread, |s| s.suspended.entry(tid).or_default().clone())
}

pub(super) fn suspend_thread(call: &mut Call<'_>) -> SysResult {
    let word = suspension(call.thread, call.thread.tid());
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
    let word = suspension(call.thread, tid);
    word.store(1, SeqCst);
    let at = word.as_ptr() as u64;
    call.host(
        SYS_futex,
        [at, FUTEX_WAKE_BITSET, 1, 0, 0, EVERYBODY.into()],
    )?;
    Ok(0)
}

/// A thread ends.
pub fn thread_exit(thread: &mut Thread, a: OsAbi) {
    let tid = thread.tid();
    mutex::release_robust(thread, a, tid);
    state(thread, |s| s.suspended.remove(&tid));
}

/// The process ends by `exit`: all threads do.
pub(super) fn process_exit(call: &mut Call<'_>) {
    let owners: Vec<i32> = state(call.thread, |s| s.robust.keys().copied().collect());
    if owners.is_empty() || call.thread.is_vfork_child() {
        return;
    }
    let a = call.abi;
    call.thread.exclusively(|thread| {
        for tid in owners {
            mutex::release_robust(thread, a, tid);
        }
    });
}
