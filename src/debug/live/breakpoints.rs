//! Breakpoints and watchpoints.

use super::Live;
use crate::ir::{Access, WatchRange};
use emu_stub::{Breakpoint, Result, WatchKind};

pub(super) fn remove_all(live: &mut Live) {
    for (addr, _) in std::mem::take(&mut live.breakpoints).into_keys() {
        live.process.code.remove_breakpoint(addr);
    }
    live.watchpoints.clear();
    watch(live);
}

pub(super) fn clear(live: &mut Live) -> Result<()> {
    live.stopped()?;
    remove_all(live);
    Ok(())
}

pub(super) fn insert(live: &mut Live, b: Breakpoint) -> Result<()> {
    live.stopped()?;
    if live.breakpoints.insert((b.addr, b.hardware), ()).is_none() {
        live.process.code.set_breakpoint(b.addr);
    }
    Ok(())
}

pub(super) fn remove(live: &mut Live, addr: u64, hardware: bool) -> Result<()> {
    live.stopped()?;
    if live.breakpoints.remove(&(addr, hardware)).is_some() {
        live.process.code.remove_breakpoint(addr);
    }
    Ok(())
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
