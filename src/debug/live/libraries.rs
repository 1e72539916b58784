//! The dynamic linker's list, and being told of its changes.

use super::Live;
use crate::debug::control::LinkerEvent;
use crate::debug::libraries::{NOTIFIERS, Source};
use crate::loader::{Symbols, aux, aux_value};
use crate::mem::Kind;
use emu_stub::Result;

/// Looks at the list.
pub(super) fn look<R>(live: &Live, look: impl FnOnce(&mut Source<'_>) -> R) -> R {
    let process = &live.process;
    look(&mut Source {
        read: &mut |addr, buf: &mut [u8]| process.mem.read(addr, buf).is_ok(),
        abi: crate::os::CallTable::of(process).abi,
        isa: process.isa,
        auxv: &live.program.auxv,
        bias: live.program.bias,
        prefix: process.config.prefix.as_deref(),
    })
}

/// Has the guest stop, or no longer, where its dynamic linker calls what is there for debuggers.
pub(super) fn report(live: &mut Live, on: bool) -> Result<()> {
    live.stopped()?;
    if !on {
        forget(live);
    } else if live.control.linker_event().is_none()
        && let Some(pc) = notifier(live)
    {
        let slot = look(live, |source| source.info_slot())?;
        live.process.code.set_breakpoint(pc);
        live.control
            .set_linker_event(Some(LinkerEvent { pc, slot }));
    }
    Ok(())
}

/// Takes the breakpoint out.
pub(super) fn forget(live: &Live) {
    if let Some(event) = live.control.linker_event() {
        live.process.code.remove_breakpoint(event.pc);
        live.control.set_linker_event(None);
    }
}

/// What the dynamic linker calls. Before it has said so itself, its symbols tell.
fn notifier(live: &Live) -> Option<u64> {
    look(live, |source| source.notifier()).or_else(|| {
        let abi = live.process.isa.abi();
        let base = aux_value(abi, &live.program.auxv, aux::BASE).filter(|base| *base != 0)?;
        let regions = live.process.mem.regions();
        let path = regions.iter().find(|r| r.start == base).map(|r| &r.kind);
        let Some(Kind::File(file)) = path else {
            return None;
        };
        let symbols = Symbols::read(&file.path, base);
        let found = NOTIFIERS.iter().find_map(|name| symbols.by_name(name));
        found.map(|s| s.addr)
    })
}
