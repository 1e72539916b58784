//! Breakpoints and watchpoints.

use super::Live;
use crate::ir::{Access, WatchRange};
use emu_stub::{Breakpoint, Result, WatchKind};

pub(super) fn remove_all(live: &mut Live) {
    for (addr, _) in std::mem::take(&mut live.breakpoints).into_keys() {
        live.process.code.remove_breakpoint(addr);
        live.control.conditions.set(addr, Vec::new());
    }
    live.watchpoints.clear();
    watch(live);
    super::libraries::forget(live);
}

pub(super) fn clear(live: &mut Live) -> Result<()> {
    live.stopped()?;
    remove_all(live);
    Ok(())
}

pub(super) fn insert(live: &mut Live, b: Breakpoint) -> Result<()> {
    live.stopped()?;
    let place = (b.addr, b.hardware);
    if live.breakpoints.insert(place, b.conditions).is_none() {
        live.process.code.set_breakpoint(b.addr);
    }
    set_conditions(live, b.addr);
    Ok(())
}

pub(super) fn remove(live: &mut Live, addr: u64, hardware: bool) -> Result<()> {
    live.stopped()?;
    if live.breakpoints.remove(&(addr, hardware)).is_some() {
        live.process.code.remove_breakpoint(addr);
        set_conditions(live, addr);
    }
    Ok(())
}

/// Tells the guest's threads the conditions at an address, where a software and a hardware breakpoint may be.
fn set_conditions(live: &Live, addr: u64) {
    let kinds = [(addr, false), (addr, true)];
    let here: Vec<_> = kinds
        .iter()
        .filter_map(|place| live.breakpoints.get(place))
        .collect();
    let conditions = if here.iter().any(|c| c.is_empty()) {
        Vec::new()
    } else {
        here.into_iter().flatten().cloned().collect()
    };
    live.control.conditions.set(addr, conditions);
}

pub(super) fn insert_watch(live: &mut Live, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
    live.stopped()?;
    live.watchpoints.insert(watch_range(kind, addr, len));
    watch(live);
    Ok(())
}

pub(super) fn remove_watch(live: &mut Live, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
    live.stopped()?;
    live.watchpoints.remove(&watch_range(kind, addr, len));
    watch(live);
    Ok(())
}

/// Has the guest watch what the debugger asked for.
fn watch(live: &Live) {
    let ranges = live.watchpoints.iter().copied().collect();
    live.process.mem.set_watched(ranges);
}

fn watch_range(kind: WatchKind, addr: u64, len: u64) -> WatchRange {
    WatchRange {
        first: addr,
        last: addr.saturating_add(len.max(1) - 1),
        access: match kind {
            WatchKind::Write => Access::WRITE,
            WatchKind::Read => Access::READ,
            WatchKind::Access => Access::READ_WRITE,
        },
    }
}
