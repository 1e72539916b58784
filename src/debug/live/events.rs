//! What comes along with a stop.

use super::Live;
use crate::debug::control::Run;
use crate::process::{SigFields, SigInfo, Signal};
use emu_stub::{Error, Result, StopReason, Tid};

// si_code of SIGTRAP (asm-generic/siginfo.h), and what ptrace gives for a system call.
const TRAP_BRKPT: i32 = 1;
const TRAP_TRACE: i32 = 2;
const TRAP_HWBKPT: i32 = 4;
const TRAP_SYSCALL: i32 = 5;

/// The `siginfo_t` of the signal that a thread is about to get; of a stop for another reason what the kernel gives a native
/// debugger with its SIGTRAP.
pub(super) fn read_siginfo(live: &mut Live, tid: Tid) -> Result<Vec<u8>> {
    live.thread(tid)?;
    let (info, run) = {
        let state = live.control.lock();
        (state.at_signal.get(&tid).copied(), state.run.clone())
    };
    let info = match (info, run) {
        (Some(info), _) => info,
        (None, Run::Stopped(stop)) if stop.tid == tid => {
            let pc = live.with_cpu(tid, |cpu| cpu.pc)?;
            let (code, addr) = match stop.reason {
                StopReason::Breakpoint { hardware: false } => (TRAP_BRKPT, pc),
                StopReason::Breakpoint { hardware: true } => (TRAP_HWBKPT, pc),
                StopReason::Watchpoint { addr, .. } => (TRAP_HWBKPT, addr),
                StopReason::SyscallEntry(_) | StopReason::SyscallReturn(_) => (TRAP_SYSCALL, 0),
                StopReason::Step => (TRAP_TRACE, pc),
                _ => return Err(Error::Unavailable),
            };
            SigInfo {
                signal: Signal::SIGTRAP,
                errno: 0,
                code,
                fields: SigFields::Fault { addr },
            }
        }
        _ => return Err(Error::Unavailable),
    };
    Ok(live.process.os.siginfo(&info))
}

/// Changes what the thread gets with its signal, if the debugger lets it have that.
pub(super) fn write_siginfo(live: &mut Live, tid: Tid, data: &[u8]) -> Result<()> {
    live.thread(tid)?;
    let mut state = live.control.lock();
    let held = state
        .at_signal
        .get_mut(&tid)
        .ok_or(Error::WrongState("the thread has not stopped for a signal"))?;
    let info = live
        .process
        .os
        .parse_siginfo(data)
        .ok_or_else(|| Error::Invalid("not a siginfo of a signal that the guest has".into()))?;
    if info.signal != held.signal {
        return Err(Error::Invalid(
            "the signal's number cannot be changed here: use the debugger's command signal".into(),
        ));
    }
    *held = info;
    Ok(())
}
