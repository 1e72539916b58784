//! Read-write locks (`struct urwlock`).

use super::*;

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

pub(super) fn read_lock(
    call: &mut Call<'_>,
    rw: u64,
    flags: u64,
    until: Option<Deadline>,
) -> SysResult {
    let prefer = (flags as u32 | load(call, rw.wrapping_add(RW_FLAGS))?) & PREFER_READER != 0;
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

pub(super) fn write_lock(call: &mut Call<'_>, rw: u64, until: Option<Deadline>) -> SysResult {
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
    modify(call, rw.wrapping_add(count), |n| n.wrapping_add(1))?;
    let slept = sleep(call, rw, state | mark, who, until);
    if modify(call, rw.wrapping_add(count), |n| n.wrapping_sub(1))? == 1 {
        modify(call, rw, |s| s & !mark)?;
        // Somebody may have counted itself in between, and sleep without the mark: an unlocker may have seen none meanwhile.
        if load(call, rw.wrapping_add(count))? != 0 {
            modify(call, rw, |s| s | mark)?;
            wake_some(call, rw, ALL, who);
        }
    }
    slept
}

pub(super) fn unlock_rw(call: &mut Call<'_>, rw: u64) -> SysResult {
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
