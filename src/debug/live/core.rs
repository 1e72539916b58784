//! A core file of a guest that goes on (gdb's `gcore`).

use super::Live;
use crate::debug::control::Run;
use crate::process::{SigFields, SigInfo};
use emu_stub::{Error, Result, StopReason};
use std::path::Path;

/// Writes it to `path`, with the thread that stopped first; returns its size in bytes.
pub(super) fn write(live: &mut Live, path: &Path) -> Result<u64> {
    live.stopped()?;
    let (first, reason, info) = {
        let state = live.control.lock();
        let Run::Stopped(stop) = &state.run else {
            return Err(Error::WrongState("the program is running"));
        };
        let info = state.at_signal.get(&stop.tid).copied();
        (stop.tid as i32, stop.reason.clone(), info)
    };
    let signal = match reason {
        StopReason::Signal(number) => live.host_signal(number),
        _ => None,
    };
    // What it stopped for, or as if somebody had sent it.
    let info = info.or(signal.map(|signal| SigInfo {
        signal,
        errno: 0,
        code: 0,
        fields: SigFields::Kill { pid: 0, uid: 0 },
    }));
    let written = crate::coredump::write_live(&live.process, first, info, path);
    written.map(|w| w.size).map_err(|e| {
        let why = e.to_string();
        let why = why.split(" (os error").next().unwrap_or_default();
        Error::Failed(format!("{}: {why}", path.display()))
    })
}
