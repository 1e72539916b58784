//! What the guest's threads and the debugger's thread share, and the guest's side of it.

use crate::cpu::{CodeControl, Exit};
use crate::ir::Trap;
use crate::process::{End, Observer, SigFields, SigInfo, Signal, Thread};
use emu_stub::{Notifier, Pid, Resume, ResumePlan, Stop, StopReason, Tid};
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a guest that has ended waits for the debugger to be told, at most.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the guest is doing, from the debugger's view.
#[derive(Clone, Debug)]
pub(super) enum Run {
    /// Not begun: the main thread has not come to its first instruction.
    Starting,
    /// Running.
    Running,
    /// A thread has parked for this reason; the others may still run. Waits to be taken.
    Event(Stop),
    /// All are halted by an interrupt; waits to be taken.
    Interrupted(Stop),
    /// All are halted, and the debugger knows.
    Stopped(Stop),
}

pub(super) struct State {
    pub run: Run,
    /// What each thread was told when it was last resumed.
    pub plan: ResumePlan,
    /// Signals that are delivered without a stop (guest's numbers).
    pub pass: HashSet<i32>,
    /// Signals that the debugger sent: (thread, guest's number). They are delivered without another stop.
    pub injected: Vec<(Tid, i32)>,
    /// Threads that are parked with a signal about to be delivered.
    pub at_signal: HashMap<Tid, SigInfo>,
    /// The debugger has been told of the guest's end.
    pub end_told: bool,
}

/// Connects the guest's threads with the debugger's.
pub struct Control {
    /// Somebody debugs. Events pass by otherwise. Without a lock, as the child of a fork clears it.
    attached: AtomicBool,
    state: Mutex<State>,
    /// `run` or `end_told` changed.
    changed: Condvar,
    pub(super) notifier: Notifier,
}

impl Control {
    /// For a guest that is about to start. `suspended`: it waits for the debugger before its first instruction.
    ///
    /// # Errors
    /// No more file descriptors.
    pub fn new(suspended: bool) -> io::Result<Control> {
        Ok(Control {
            attached: AtomicBool::new(suspended),
            state: Mutex::new(State {
                run: if suspended {
                    Run::Starting
                } else {
                    Run::Running
                },
                plan: ResumePlan {
                    threads: Vec::new(),
                    others: Some(Resume::Continue { signal: None }),
                },
                pass: HashSet::new(),
                injected: Vec::new(),
                at_signal: HashMap::new(),
                end_told: false,
            }),
            changed: Condvar::new(),
            notifier: Notifier::new()?,
        })
    }

    /// Whether somebody debugs.
    pub fn is_attached(&self) -> bool {
        self.attached.load(SeqCst)
    }

    /// Whether somebody debugs that thread. The child of a vfork is in this memory, but is not the debugged process.
    fn watches(&self, thread: &Thread) -> bool {
        self.is_attached() && !thread.is_vfork_child()
    }

    pub(super) fn set_attached(&self, attached: bool) {
        self.attached.store(attached, SeqCst);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the main thread has come to its first instruction.
    pub(super) fn wait_started(&self) {
        let mut state = self.lock();
        while matches!(state.run, Run::Starting) {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets a guest go that has ended and waits for the debugger to be told so.
    pub fn tell_end(&self) {
        self.lock().end_told = true;
        self.changed.notify_all();
    }

    /// Parks `thread` until the debugger resumes it. The event is queued if there is no other; otherwise it is for the caller
    /// to come again. Returns whether it was queued.
    fn report(&self, thread: &mut Thread, reason: StopReason) -> bool {
        let tid = thread.tid();
        let queued = {
            let mut state = self.lock();
            // Before the debugger can see the event: it is the one who ends the hold.
            thread.process.hold(&thread.handle, true);
            match state.run {
                Run::Running => {
                    state.run = Run::Event(Stop {
                        pid: crate::host::pid() as Pid,
                        tid: tid as Tid,
                        reason,
                    });
                    self.notifier.set();
                    true
                }
                _ => false,
            }
        };
        thread.park();
        queued
    }

    /// What the debugger wants of a thread.
    fn action(&self, tid: i32) -> Option<Resume> {
        self.lock().plan.action(tid as Tid)
    }
}

impl Observer for Control {
    fn thread_start(&self, thread: &mut Thread) {
        if !self.watches(thread) {
            return;
        }
        let mut state = self.lock();
        if matches!(state.run, Run::Starting) {
            let pid = crate::host::pid() as Pid;
            // A process before its first instruction looks as after a step, to every debugger.
            state.run = Run::Stopped(Stop {
                pid,
                tid: thread.tid() as Tid,
                reason: StopReason::Step,
            });
            thread.process.hold(&thread.handle, true);
            self.changed.notify_all();
            drop(state);
            thread.park();
            return;
        }
        // A thread that is born while running does what the plan says of the others.
        match state.plan.others {
            Some(Resume::Step { .. } | Resume::StepRange { .. }) => {
                thread.handle.stepping.store(true, SeqCst)
            }
            Some(Resume::Continue { .. }) => {}
            None => {
                thread.process.hold(&thread.handle, true);
                drop(state);
                thread.park();
            }
        }
    }

    fn trap(&self, thread: &mut Thread, exit: Exit) -> bool {
        match exit {
            Exit::Stepped => {
                if !self.watches(thread) {
                    thread.handle.stepping.store(false, SeqCst);
                    return true;
                }
                let pc = thread.cpu.pc;
                match self.action(thread.tid()) {
                    Some(Resume::StepRange { start, end }) if (start..end).contains(&pc) => {
                        if thread.process.code.is_breakpoint(pc) {
                            self.report(thread, StopReason::Breakpoint { hardware: false });
                        }
                    }
                    Some(Resume::Step { .. } | Resume::StepRange { .. }) => {
                        self.report(thread, StopReason::Step);
                    }
                    _ => thread.handle.stepping.store(false, SeqCst),
                }
                true
            }
            Exit::Trap(Trap::DebugBreakpoint, _) => {
                if self.watches(thread) {
                    self.report(thread, StopReason::Breakpoint { hardware: false });
                }
                true
            }
            _ => false,
        }
    }

    fn signal(&self, thread: &mut Thread, info: SigInfo) -> Option<SigInfo> {
        let tid = thread.tid() as Tid;
        let number = thread.process.os.signal_number(info.signal) as i32;
        loop {
            if !self.watches(thread) {
                return Some(info);
            }
            {
                let mut state = self.lock();
                if let Some(i) = state.injected.iter().position(|i| *i == (tid, number)) {
                    state.injected.remove(i);
                    return Some(info);
                }
                if state.pass.contains(&number) {
                    return Some(info);
                }
                state.at_signal.insert(tid, info);
            }
            let queued = self.report(thread, StopReason::Signal(number));
            self.lock().at_signal.remove(&tid);
            // Another event was first: the signal is still to be told.
            if !queued {
                continue;
            }
            if !self.watches(thread) {
                return Some(info);
            }
            let wanted = match self.action(thread.tid()) {
                Some(Resume::Continue { signal } | Resume::Step { signal }) => signal,
                _ => None,
            }?;
            if wanted == number {
                return Some(info);
            }
            let signal = (1..=64)
                .map(Signal)
                .find(|s| thread.process.os.signal_number(*s) as i32 == wanted)?;
            // As if the debugger had sent it with kill(2).
            let fields = SigFields::Kill {
                pid: crate::host::pid(),
                uid: 0,
            };
            return Some(SigInfo {
                signal,
                errno: 0,
                code: 0,
                fields,
            });
        }
    }

    fn process_exit(&self, thread: &mut Thread, end: End) {
        if !self.watches(thread) {
            return;
        }
        let reason = match end {
            End::Exit(status) => StopReason::Exited(status as u8),
            End::Signal(info) => {
                StopReason::Terminated(thread.process.os.signal_number(info.signal) as i32)
            }
        };
        let stop = Stop {
            pid: crate::host::pid() as Pid,
            tid: thread.tid() as Tid,
            reason,
        };
        loop {
            {
                let mut state = self.lock();
                if !self.watches(thread) {
                    return;
                }
                if matches!(state.run, Run::Running) {
                    state.run = Run::Event(stop.clone());
                    self.notifier.set();
                    break;
                }
                thread.process.hold(&thread.handle, true);
            }
            // Another event was first.
            thread.park();
        }
        let state = self.lock();
        let told = self
            .changed
            .wait_timeout_while(state, LAST_WORDS, |s| !s.end_told && self.is_attached());
        drop(told);
    }

    fn forked(&self, thread: &mut Thread) {
        // The child has no debugger's thread: it runs alone. No lock is taken here, since the debugger's thread may have held
        // it at the time of the fork.
        self.set_attached(false);
        thread.handle.stepping.store(false, SeqCst);
        thread.process.code.clear_breakpoints();
    }
}
