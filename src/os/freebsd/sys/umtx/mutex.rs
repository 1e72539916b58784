//! Mutexes (`struct umutex`): plain, with priority inheritance or protection, robust.
//!
//! The word holds the owner's id and the mark that somebody waits. On FreeBSD the mark is exact; here a thread that has slept
//! puts it back whatever it finds, as others may sleep still: so it can be there needlessly, but is never missing.
//!
//! A process that ends by itself gives up the robust mutexes of its threads. One that a signal kills has no time for that: who wants such
//! a mutex looks whether its owner is still there.
//!
//! All guest threads have the host's normal priority, so inheritance has nothing to do, and no thread's priority is above a ceiling.

use super::*;

// struct umutex: m_owner, m_flags, m_ceilings[2], m_rb_lnk
const FLAGS: u64 = 4;
const CEILINGS: u64 = 8;
const ROBUST_LINK: u64 = 16;

const CONTESTED: u32 = 0x8000_0000;
const RB_OWNERDEAD: u32 = CONTESTED | 0x10;
const RB_NOTRECOV: u32 = CONTESTED | 0x11;

// m_flags
const PROCESS_SHARED: u32 = 1;
const PRIO_INHERIT: u32 = 4;
const PRIO_PROTECT: u32 = 8;
const ROBUST: u32 = 0x10;
const NONCONSISTENT: u32 = 0x20;

/// RTP_PRIO_MAX (`sys/rtprio.h`)
const HIGHEST_CEILING: u32 = 31;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Take it if it is free.
    Try,
    /// Take it.
    Take,
    /// Wait until it may be free.
    Await,
}

/// Looks at the protocol of a mutex; whether it is one with a ceiling, whose word is never 0.
fn has_ceiling(call: &Call<'_>, mutex: u64, flags: u32) -> SysResult<bool> {
    match flags & (PRIO_INHERIT | PRIO_PROTECT) {
        0 | PRIO_INHERIT => Ok(false),
        PRIO_PROTECT if load(call, mutex.wrapping_add(CEILINGS))? <= HIGHEST_CEILING => Ok(true),
        _ => Err(Errno::EINVAL),
    }
}

pub(super) fn lock(
    call: &mut Call<'_>,
    mutex: u64,
    how: Lock,
    until: Option<Deadline>,
) -> SysResult {
    let me = call.thread.tid() as u32;
    let flags = load(call, mutex.wrapping_add(FLAGS))?;
    let ceiling = has_ceiling(call, mutex, flags)?;
    // What is to be kept of the word when it is taken.
    let mut mark = if ceiling { CONTESTED } else { 0 };
    loop {
        let owner = load(call, mutex)?;
        match owner {
            0 | CONTESTED | RB_OWNERDEAD | RB_NOTRECOV if how == Lock::Await => {
                if mark != 0 && owner == 0 && !exchange(call, mutex, 0, CONTESTED)? {
                    continue;
                }
                return Ok(0);
            }
            0 | CONTESTED => {
                if exchange(call, mutex, owner, me | owner | mark)? {
                    return Ok(0);
                }
            }
            RB_OWNERDEAD => {
                if exchange(call, mutex, owner, me | CONTESTED)? {
                    return Err(Errno::EOWNERDEAD);
                }
            }
            RB_NOTRECOV => return Err(Errno::ENOTRECOVERABLE),
            _ if owner & !CONTESTED == me && flags & PRIO_INHERIT != 0 => {
                return Err(Errno::EDEADLK);
            }
            _ if is_orphaned(flags, owner) => {
                if exchange(call, mutex, owner, RB_OWNERDEAD)? {
                    wake(call, mutex, ALL);
                }
            }
            _ if how == Lock::Try => return Err(Errno::EBUSY),
            _ => {
                if owner & CONTESTED != 0 || exchange(call, mutex, owner, owner | CONTESTED)? {
                    // Others may sleep too, and the one that woke this thread may have taken the mark away.
                    mark = CONTESTED;
                    await_release(call, mutex, flags, owner | CONTESTED, until)?;
                    if how == Lock::Await {
                        modify(call, mutex, |o| o | CONTESTED)?;
                        return Ok(0);
                    }
                }
            }
        }
    }
}

/// How often those who wait for a robust mutex of several processes look for its owner.
const LOOK: i64 = 100_000_000;

/// Whether the mutex is one that outlives its owner, who is no more.
fn is_orphaned(flags: u32, owner: u32) -> bool {
    const SHARED: u32 = ROBUST | PROCESS_SHARED;
    flags & SHARED == SHARED && !is_alive((owner & !CONTESTED) as i32)
}

/// Whether there is such a thread, of whichever process.
fn is_alive(tid: i32) -> bool {
    // To who must not send it a signal it is there.
    if crate::host::syscall(SYS_kill, [tid as u64, 0, 0, 0, 0, 0]) == Err(Errno::ESRCH) {
        return false;
    }
    // One that has ended is there until its parent has waited for it.
    let stat = ProcStat::read(&format!("/proc/{tid}/stat"));
    stat.is_none_or(|stat| !matches!(stat.state(), b'Z' | b'X'))
}

/// Sleeps while the mutex is `word`, and its owner is there.
fn await_release(
    call: &mut Call<'_>,
    mutex: u64,
    flags: u32,
    word: u32,
    until: Option<Deadline>,
) -> SysResult<()> {
    if flags & ROBUST == 0 || flags & PROCESS_SHARED == 0 {
        return sleep(call, mutex, word, EVERYBODY, until);
    }
    while !is_orphaned(flags, word) {
        let look = Deadline::after(LOOK);
        let soon = until.filter(|d| d.left() <= LOOK);
        match sleep(call, mutex, word, EVERYBODY, soon.or(Some(look))) {
            Err(Errno::ETIMEDOUT) if soon.is_none() => {}
            // The time begins anew with the call, as there is no end to it.
            Err(Errno::EINTR) if until.is_none() => return Err(ERESTARTSYS),
            other => return other,
        }
    }
    Ok(())
}

/// What the word of a mutex becomes when it is given up; `died`: by the end of its owner.
fn free_word(flags: u32, died: bool) -> u32 {
    match flags {
        _ if died => RB_OWNERDEAD,
        f if f & NONCONSISTENT != 0 => RB_NOTRECOV,
        f if f & PRIO_PROTECT != 0 => CONTESTED,
        _ => 0,
    }
}

pub(super) fn unlock(call: &mut Call<'_>, mutex: u64) -> SysResult {
    let me = call.thread.tid() as u32;
    release(call.abi, call.thread, mutex, me, false)
}

/// Gives a mutex of thread `owner` up.
fn release(a: OsAbi, thread: &mut Thread, mutex: u64, owner: u32, died: bool) -> SysResult {
    let mem = thread.process.mem.clone();
    let free = free_word(
        mem.load::<u32>(mutex.wrapping_add(FLAGS), a.abi.endian)?,
        died,
    );
    loop {
        let word = mem.load::<u32>(mutex, a.abi.endian)?;
        if word & !CONTESTED != owner {
            return Err(Errno::EPERM);
        }
        if exchange_in(&mem, a, mutex, word, free | (word & CONTESTED))? {
            // States of a robust mutex that its waiters are to see concern all of them.
            let count = if free & !CONTESTED != 0 { ALL } else { 1 };
            if word & CONTESTED != 0 && wake_in(thread, mutex, count, EVERYBODY) == 0 && free == 0 {
                exchange_in(&mem, a, mutex, CONTESTED, 0)?;
            }
            return Ok(0);
        }
    }
}

/// Wakes a waiter of a free mutex; without one the mark goes.
pub(super) fn wake_free(call: &mut Call<'_>, mutex: u64) -> SysResult {
    if load(call, mutex)? & !CONTESTED == 0 && wake(call, mutex, 1) == 0 {
        let flags = load(call, mutex.wrapping_add(FLAGS))?;
        if flags & PRIO_PROTECT == 0 {
            exchange(call, mutex, CONTESTED, 0)?;
        }
    }
    Ok(0)
}

/// The unlocker has cleared the word in user space, maybe with the mark: somebody may have taken it since, without the mark.
pub(super) fn wake_after_unlock(call: &mut Call<'_>, mutex: u64) -> SysResult {
    let owner = modify(call, mutex, |o| if o == 0 { o } else { o | CONTESTED })?;
    if owner & !CONTESTED == 0 || owner == RB_OWNERDEAD || owner == RB_NOTRECOV {
        wake(call, mutex, 1);
    }
    Ok(0)
}

/// Sets the ceiling of a mutex with priority protection, and tells the old one at `old_at`.
pub(super) fn set_ceiling(call: &mut Call<'_>, mutex: u64, ceiling: u64, old_at: u64) -> SysResult {
    let flags = load(call, mutex.wrapping_add(FLAGS))?;
    if flags & PRIO_PROTECT == 0 || ceiling > HIGHEST_CEILING.into() {
        return Err(Errno::EINVAL);
    }
    let me = call.thread.tid() as u32;
    // Its owner changes it as it is; others take it for that long.
    let own = load(call, mutex)? & !CONTESTED == me;
    if !own {
        lock(call, mutex, Lock::Take, None)?;
    }
    let old = load(call, mutex.wrapping_add(CEILINGS))?;
    call.write_int(mutex.wrapping_add(CEILINGS), Kind::U32, ceiling)?;
    if !own {
        unlock(call, mutex)?;
    }
    if old_at != 0 {
        call.write_int(old_at, Kind::U32, old.into())?;
    }
    Ok(0)
}

/// Guest addresses that a thread has registered (`struct umtx_robust_lists_params`): of the pointers to the first robust mutex that it
/// owns, shared and private, and of the pointer to one that is being taken or given up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RobustLists {
    lists: [u64; 2],
    in_action: u64,
}

/// UMTX_OP_ROBUST_LISTS: `size` bytes of parameters at `at`.
pub(super) fn set_robust_lists(call: &mut Call<'_>, size: u64, at: u64) -> SysResult {
    let word = u64::from(call.abi.abi.word);
    if size > 3 * word {
        return Err(Errno::EINVAL);
    }
    let mut bytes = call.read_bytes(at, size)?;
    bytes.resize(3 * word as usize, 0);
    let at = |n: usize| read_int(call.abi, Kind::Ulong, &bytes[n * word as usize..]);
    let lists = RobustLists {
        lists: [at(0), at(1)],
        in_action: at(2),
    };
    let tid = call.thread.tid();
    state(call.thread, |s| s.robust.insert(tid, lists));
    Ok(0)
}

/// Robust mutexes that are looked at (`kern.ipc.umtx_max_robust`): the guest may have made the list a ring.
const MOST_ROBUST: usize = 1000;

/// Thread `tid` ends: the robust mutexes that it owns are given up, and their next owners are told.
pub(super) fn release_robust(thread: &mut Thread, a: OsAbi, tid: i32) {
    let Some(lists) = state(thread, |s| s.robust.remove(&tid)) else {
        return;
    };
    let mem = thread.process.mem.clone();
    let pointer = |at: u64| mem.load_word(at, a.abi).unwrap_or(0);
    let mut in_action = match lists.in_action {
        0 => 0,
        at => pointer(at),
    };
    let mut handle = |mutex: u64| {
        let next = pointer(mutex.wrapping_add(ROBUST_LINK));
        let flags = mem
            .load::<u32>(mutex.wrapping_add(FLAGS), a.abi.endian)
            .unwrap_or(0);
        let good = flags & ROBUST != 0 && release(a, thread, mutex, tid as u32, true).is_ok();
        (good, next)
    };
    for list in lists.lists.into_iter().filter(|&at| at != 0) {
        let mut mutex = pointer(list);
        for _ in 0..MOST_ROBUST {
            if mutex == 0 {
                break;
            }
            let (good, next) = handle(mutex);
            // The one in action may be in the list after it has been given up.
            let excused = mutex == in_action;
            if excused {
                in_action = 0;
            }
            mutex = if good || excused { next } else { 0 };
        }
    }
    if in_action != 0 {
        handle(in_action);
    }
}
