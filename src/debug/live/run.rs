//! Letting the guest run, and halting it.

use super::Live;
use crate::debug::control::Run;
use crate::host;
use crate::process::Signal;
use emu_stub::{Pid, Result, Resume, ResumePlan, Stop, StopReason, Tid};
use std::sync::atomic::Ordering::SeqCst;

/// `tgkill(2)` on x86-64.
const SYS_TGKILL: i64 = 234;

/// Lets threads go as `plan` says. Only while stopped.
fn go(live: &mut Live, plan: ResumePlan) {
    let mut state = live.control.lock();
    for thread in live.process.threads() {
        let tid = thread.tid as Tid;
        let action = plan.action(tid);
        let stepping = matches!(action, Some(Resume::Step { .. } | Resume::StepRange { .. }));
        thread.stepping.store(stepping, SeqCst);
        if let Some(Resume::Continue { signal: Some(n) } | Resume::Step { signal: Some(n) }) =
            action
            && !state.at_signal.contains_key(&tid)
            && let Some(signal) = live.host_signal(n)
        {
            // Not one that the thread stopped for: it comes through the kernel as any other, but stops no more.
            state.injected.push((tid, n));
            let target = [
                host::pid() as u64,
                thread.tid as u64,
                u64::from(signal.0),
                0,
                0,
                0,
            ];
            if host::syscall(SYS_TGKILL, target).is_err() {
                state.injected.pop();
            }
        }
        live.process.hold(&thread, action.is_none());
    }
    state.plan = plan;
    state.run = Run::Running;
    drop(state);
    live.halted = false;
    live.process.resume_all();
}

pub(super) fn resume(live: &mut Live, plan: ResumePlan) -> Result<()> {
    live.stopped()?;
    let sigkill = live.process.os.signal_number(Signal::SIGKILL) as i32;
    let actions = plan.threads.iter().map(|(_, action)| *action);
    if actions
        .chain(plan.others)
        .any(|action| action.signal() == Some(sigkill))
    {
        // Sent, it would take the server along before the debugger is told.
        let mut state = live.control.lock();
        state.run = Run::Event(killed(sigkill));
        state.killed = true;
        live.control.notifier.set();
        return Ok(());
    }
    go(live, plan);
    Ok(())
}

fn killed(sigkill: i32) -> Stop {
    Stop {
        pid: host::pid() as Pid,
        tid: 0,
        reason: StopReason::Terminated(sigkill),
    }
}

pub(super) fn interrupt(live: &mut Live) -> Result<()> {
    if !matches!(live.control.lock().run, Run::Running) {
        return Ok(());
    }
    live.process.stop_all();
    let tid = live.process.threads().first().map_or(0, |t| t.tid);
    let mut state = live.control.lock();
    // A thread may have had an event of its own meanwhile: that one counts, and the threads stay halted for it.
    if matches!(state.run, Run::Running) {
        state.run = Run::Interrupted(Stop {
            pid: host::pid() as Pid,
            tid: tid as Tid,
            reason: StopReason::Interrupted,
        });
        live.control.notifier.set();
    } else {
        drop(state);
        live.process.resume_all();
    }
    Ok(())
}

pub(super) fn take_stop(live: &mut Live) -> Option<Stop> {
    live.control.notifier.clear();
    let (stop, halted) = match &live.control.lock().run {
        Run::Event(stop) => (stop.clone(), false),
        Run::Interrupted(stop) => (stop.clone(), true),
        _ => return None,
    };
    // Without the lock: threads on their way to parking take it. A guest that has ended has nothing left to halt.
    if !halted && !stop.is_exit() {
        live.process.stop_all();
    }
    live.halted = !stop.is_exit();
    let mut state = live.control.lock();
    let mut stop = stop;
    if let StopReason::Breakpoint { hardware } = &mut stop.reason {
        let pc = live
            .process
            .threads()
            .iter()
            .find(|t| t.tid == stop.tid as i32)
            .and_then(|t| t.cpu.borrow(|cpu| cpu.pc));
        *hardware = pc.is_some_and(|pc| {
            live.breakpoints.contains_key(&(pc, true))
                && !live.breakpoints.contains_key(&(pc, false))
        });
    }
    state.run = Run::Stopped(stop.clone());
    Some(stop)
}

pub(super) fn kill(live: &mut Live) -> Result<()> {
    let sigkill = live.process.os.signal_number(Signal::SIGKILL) as i32;
    if matches!(live.control.lock().run, Run::Running) {
        live.process.stop_all();
    }
    // The threads stay halted; whoever serves the debugger ends this process.
    live.control.lock().run = Run::Stopped(killed(sigkill));
    Ok(())
}

pub(super) fn detach(live: &mut Live, signal: Option<i32>) -> Result<()> {
    if live.ended() {
        return Ok(());
    }
    if matches!(live.control.lock().run, Run::Running) {
        interrupt(live)?;
    }
    // An event that nobody took yet is dropped with the debugger, but its thread must be halted before it is let go.
    take_stop(live);
    if live.ended() {
        return Ok(());
    }
    super::breakpoints::remove_all(live);
    let at = match &live.control.lock().run {
        Run::Stopped(stop) => Some(stop.tid),
        _ => None,
    };
    let threads = at
        .filter(|_| signal.is_some())
        .map(|tid| (tid, Resume::Continue { signal }))
        .into_iter()
        .collect();
    live.control.lock().pass.clear();
    live.control.set_attached(false);
    go(
        live,
        ResumePlan {
            threads,
            others: Some(Resume::Continue { signal: None }),
        },
    );
    live.control.tell_end();
    Ok(())
}
