//! Letting the guest run, and halting it.

use super::Live;
use crate::debug::control::Run;
use crate::debug::follow::Inheritance;
use crate::debug::relay::{Channel, Session};
use crate::host;
use crate::process::{Controller, Signal};
use emu_stub::{Pid, Result, Resume, ResumePlan, Stop, StopReason, Tid};
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// `tgkill(2)` on x86-64.
const SYS_TGKILL: i64 = 234;

/// `kill(2)` on x86-64.
const SYS_KILL: i64 = 62;

/// What a guest has to tell besides its stops.
#[derive(Debug)]
pub enum Happening {
    /// It has stopped.
    Stopped(Stop),
    /// There is another process to debug, at the other end of this channel.
    Child(Channel),
    /// It is about to execute another program: whoever serves it is to pack up what the next emulator inherits.
    Exec,
}

impl Live {
    /// What has happened, without waiting. Makes [`emu_stub::Inferior::take_stop`] for those who follow children and execs.
    pub fn take_happening(&mut self) -> Option<Happening> {
        let control = self.control.clone();
        control.notifier().clear();
        let child = control.lock().children.pop_front();
        if let Some(channel) = child {
            // The stop itself is still to be taken.
            control.notifier().set();
            return Some(Happening::Child(channel));
        }
        match control.execing() {
            Some(pid) if pid == self.pid => return Some(Happening::Exec),
            Some(_) => {
                let (channel, inheritance) = control.vfork_inheritance()?;
                control.pass_on(&self.process, inheritance);
                return Some(Happening::Child(channel));
            }
            None => {}
        }
        take_stop(self).map(Happening::Stopped)
    }

    /// Whether the child of a vfork that was to come back as [`Happening::Child`] has failed to execute its program, and is
    /// what it was.
    pub fn child_has_stayed(&self) -> bool {
        self.control.vfork_exec_failed()
    }

    /// Lets the guest execute its program; who runs that serves it at this end of the channel, with the other processes. `prompt`
    /// says that it ends with who is at the other end.
    pub fn pass_on_relay(&self, channel: &Channel, others: Vec<RawFd>, prompt: bool) {
        let inheritance = Inheritance::Relay {
            channel: channel.as_fd().as_raw_fd(),
            wishes: self.control.wishes(),
            others,
            prompt,
        };
        self.control.pass_on(&self.process, inheritance);
        self.control.await_failed_exec();
    }

    /// Lets the guest execute its program; who runs that serves the session. Returns if that fails, with the guest stopped.
    pub fn pass_on_session(&self, session: Session, descriptors: Vec<RawFd>) {
        let session = Box::new(session);
        let inheritance = Inheritance::Session {
            session,
            descriptors,
        };
        self.control.pass_on(&self.process, inheritance);
        self.control.await_failed_exec();
    }

    /// The guest, which has not come to its first instruction, is what `execve` has made of a debugged process: stops it there
    /// with that reason.
    pub fn begin_after_exec(&mut self) {
        self.control.wait_started();
        let path = self.process.exe.clone();
        let mut state = self.control.lock();
        if let Run::Stopped(stop) = &state.run {
            let reason = StopReason::Exec(path);
            state.run = Run::Event(Stop {
                reason,
                ..stop.clone()
            });
        }
        drop(state);
        self.control.notifier().set();
    }

    /// The guest is the child of a fork: it has its parent's breakpoints, as they are in memory elsewhere.
    pub fn inherit_breakpoints(&mut self) {
        for addr in self.process.code.breakpoints() {
            let conditions = self.control.conditions.get(addr);
            self.breakpoints.insert((addr, false), conditions);
        }
    }
}

/// Lets threads go as `plan` says. Only while stopped.
fn go(live: &mut Live, mut plan: ResumePlan) {
    let own_runs_free = !live.control.is_attached();
    let handles = live.handles();
    // A plan that names every thread, as lldb makes one to pass a signal, holds none back: those that are born later run, too.
    let mut tids = handles.iter().map(|t| t.tid as Tid);
    if plan.others.is_none() && tids.all(|tid| plan.action(live.pid, tid).is_some()) {
        plan.others = Some(Resume::Continue { signal: None });
        plan.process = Some(live.pid);
    }
    let mut state = live.control.lock();
    for thread in handles {
        let tid = thread.tid as Tid;
        let pid = if thread.is_vfork_child() {
            tid
        } else {
            live.pid
        };
        let mut action = plan.action(pid, tid);
        // The child of a vfork is debugged while its parent is not.
        if own_runs_free && pid == live.pid {
            action = action.or(Some(Resume::Continue { signal: None }));
        }
        let stepping = matches!(action, Some(Resume::Step { .. } | Resume::StepRange { .. }));
        thread.set_stepping(Controller::Debugger, stepping);
        if let Some(Resume::Continue { signal: Some(n) } | Resume::Step { signal: Some(n) }) =
            action
            && !state.at_signal.contains_key(&tid)
            && let Some(signal) = live.host_signal(n)
        {
            // Not one that the thread stopped for: it comes through the kernel as any other, but stops no more.
            state.injected.push((tid, n));
            let target = [
                u64::from(pid),
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
        live.process
            .hold(&thread, Controller::Debugger, action.is_none());
    }
    state.plan = plan;
    state.run = Run::Running;
    live.process.end_while_halted_by(&[]);
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
        state.run = Run::Event(killed(live.pid, sigkill));
        state.killed = true;
        live.control.notifier().set();
        return Ok(());
    }
    go(live, plan);
    Ok(())
}

fn killed(pid: Pid, sigkill: i32) -> Stop {
    Stop {
        pid,
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
            pid: live.pid,
            tid: tid as Tid,
            reason: StopReason::Interrupted,
        });
        live.control.notifier().set();
    } else {
        drop(state);
        live.process.resume_all();
    }
    Ok(())
}

pub(super) fn take_stop(live: &mut Live) -> Option<Stop> {
    live.control.notifier().clear();
    let (stop, halted) = match &live.control.lock().run {
        Run::Event(stop) => (stop.clone(), false),
        Run::Interrupted(stop) => (stop.clone(), true),
        _ => return None,
    };
    let over = stop.is_exit() && stop.pid == live.pid;
    if stop.is_exit() && !over {
        // The child of a vfork, which waits to be let go; only then can its parent be halted.
        live.control.release_vfork_child();
        live.selected = live.pid;
    }
    // Without the lock: threads on their way to parking take it. A guest that has ended has nothing left to halt.
    if !halted && !over {
        live.process.stop_all();
    }
    live.halted = !over;
    let mut state = live.control.lock();
    let mut stop = stop;
    if let StopReason::Breakpoint { hardware } = &mut stop.reason {
        let pc = live
            .handles()
            .iter()
            .find(|t| t.tid == stop.tid as i32)
            .and_then(|t| t.cpu.borrow(|cpu| cpu.pc));
        *hardware = pc.is_some_and(|pc| {
            live.breakpoints.contains_key(&(pc, true))
                && !live.breakpoints.contains_key(&(pc, false))
        });
    }
    live.control
        .set_stopped(&live.process, &mut state, stop.clone());
    Some(stop)
}

pub(super) fn kill(live: &mut Live) -> Result<()> {
    let sigkill = live.process.os.signal_number(Signal::SIGKILL) as i32;
    if let Some(child) = live.vfork_child().filter(|t| t.tid as Pid == live.selected) {
        live.control.release_vfork_child();
        live.selected = live.pid;
        let target = [child.tid as u64, u64::from(Signal::SIGKILL.0), 0, 0, 0, 0];
        // Fails if it is gone already.
        let _ = host::syscall(SYS_KILL, target);
        return Ok(());
    }
    if matches!(live.control.lock().run, Run::Running) {
        live.process.stop_all();
    }
    // The threads stay halted; whoever serves the debugger ends this process.
    live.control.lock().run = Run::Stopped(killed(live.pid, sigkill));
    Ok(())
}

pub(super) fn detach(live: &mut Live, signal: Option<i32>) -> Result<()> {
    if live.ended() {
        return Ok(());
    }
    if matches!(live.control.lock().run, Run::Running) {
        interrupt(live)?;
    }
    if let Some(child) = live.vfork_child().filter(|t| t.tid as Pid == live.selected) {
        live.control.release_vfork_child();
        live.selected = live.pid;
        child.set_stepping(Controller::Debugger, false);
        live.process.hold(&child, Controller::Debugger, false);
        return Ok(());
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
            process: Some(live.pid),
        },
    );
    match live.vfork_child() {
        None => live.control.tell_end(),
        // It stays stopped, and is all that the debugger has here.
        Some(child) => {
            let stop = Stop {
                pid: child.tid as Pid,
                tid: child.tid as Tid,
                reason: StopReason::Step,
            };
            let mut state = live.control.lock();
            live.control.set_stopped(&live.process, &mut state, stop);
            live.selected = child.tid as Pid;
        }
    }
    Ok(())
}
