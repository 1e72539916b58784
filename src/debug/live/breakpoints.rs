//! Breakpoints.

use super::Live;
use emu_stub::{Breakpoint, Result};

pub(super) fn remove_all(live: &mut Live) {
    for (addr, _) in std::mem::take(&mut live.breakpoints).into_keys() {
        live.process.code.remove_breakpoint(addr);
    }
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
