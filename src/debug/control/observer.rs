//! The guest's side: what its threads come to, and wait for.

use super::*;
use crate::debug::libraries::is_consistent;

impl Observer for Control {
    fn thread_start(&self, thread: &mut Thread) {
        if !self.watches(thread) {
            return;
        }
        let mut state = self.lock();
        if matches!(state.run, Run::Starting) {
            let pid = crate::host::pid() as Pid;
            // A process before its first instruction looks as after a step, to every debugger.
            let stop = Stop {
                pid,
                tid: thread.tid() as Tid,
                reason: StopReason::Step,
            };
            self.set_stopped(&thread.process, &mut state, stop);
            thread
                .process
                .hold(&thread.handle, Controller::Debugger, true);
            self.changed().notify_all();
            drop(state);
            // Signals are blocked until a thread runs.
            thread.set_signal_mask(thread.signal_mask());
            thread.park();
            return;
        }
        // A thread that is born while running does what the plan says of the others.
        match state.plan.others_in(crate::host::pid() as Pid) {
            Some(Resume::Step { .. } | Resume::StepRange { .. }) => {
                thread.handle.set_stepping(Controller::Debugger, true)
            }
            Some(Resume::Continue { .. }) => {}
            None => {
                thread
                    .process
                    .hold(&thread.handle, Controller::Debugger, true);
                drop(state);
                thread.park();
                return self.catch_thread(thread, StopReason::ThreadCreated);
            }
        }
        drop(state);
        self.catch_thread(thread, StopReason::ThreadCreated);
    }

    fn trap(&self, thread: &mut Thread, exit: Exit) -> bool {
        match exit {
            Exit::Stepped => {
                if !self.watches(thread) {
                    thread.handle.set_stepping(Controller::Debugger, false);
                    return true;
                }
                let pc = thread.cpu.pc;
                match self.action(thread.tid()) {
                    Some(Resume::StepRange { start, end }) if (start..end).contains(&pc) => {
                        if thread.process.code.is_breakpoint(pc) {
                            self.come_to_breakpoint(thread);
                        }
                    }
                    Some(Resume::Step { .. } | Resume::StepRange { .. }) => {
                        self.report(thread, StopReason::Step);
                    }
                    _ => thread.handle.set_stepping(Controller::Debugger, false),
                }
                true
            }
            Exit::Trap(Trap::DebugBreakpoint, _) => {
                self.come_to_breakpoint(thread);
                true
            }
            Exit::Watchpoint(hit) => {
                let pc = thread.cpu.pc;
                // Another event that was first stops this thread too: it comes here again.
                if !self.watches(thread) || self.report(thread, watch_stop(hit)) {
                    thread.cpu.pass_watchpoint = Some(pc);
                }
                true
            }
            _ => false,
        }
    }

    fn accessed(&self, thread: &mut Thread, hit: WatchHit) -> bool {
        while self.watches(thread) {
            // The access has been made and cannot be made again: it waits for its turn.
            if self.report(thread, watch_stop(hit)) {
                return true;
            }
        }
        false
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
            // Others may come meanwhile, and SIGTERM has to.
            thread.set_signal_mask(thread.signal_mask());
            let queued = self.report(thread, StopReason::Signal(number));
            let (info, void) = {
                let mut state = self.lock();
                // The debugger may have changed it.
                let info = state.at_signal.remove(&tid).unwrap_or(info);
                (info, state.signal_void.remove(&tid))
            };
            // Another event was first: the signal is still to be told.
            if !queued {
                continue;
            }
            // The debugger has gone without a word about the signal.
            if !self.watches(thread) {
                return (!void).then_some(info);
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
            // A debugger that has just let the guest go is still being told so.
            if !thread.is_vfork_child() {
                drop(self.conversation());
                self.await_heir();
            }
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
                    // This thread has to leave when the debugger has been told, or is slow: it does not serve.
                    self.wake_server(&mut state);
                    break;
                }
                thread
                    .process
                    .hold(&thread.handle, Controller::Debugger, true);
            }
            // Another event was first.
            thread.park();
        }
        let (tid, is_vfork_child) = (thread.tid(), thread.is_vfork_child());
        let watched = || match is_vfork_child {
            true => self.vfork_child.load(SeqCst) == tid,
            false => self.is_attached(),
        };
        // Whoever halts the guest at this moment waits for this thread.
        thread.linger(|| self.await_told(&watched));
    }

    fn syscall_enter(&self, thread: &mut Thread, call: &Syscall) {
        self.catch_syscall(thread, call, StopReason::SyscallEntry);
    }

    fn syscall_done(&self, thread: &mut Thread, call: &Syscall) {
        self.catch_syscall(thread, call, StopReason::SyscallReturn);
    }

    fn thread_exit(&self, thread: &mut Thread, status: i32) {
        self.catch_thread(thread, StopReason::ThreadExited(status));
    }

    fn fork_begins(&self, thread: &mut Thread) {
        self.prepare_fork(thread);
    }

    fn fork(&self, thread: &mut Thread, child: i32) {
        self.report_fork(thread, child);
    }

    fn forked(&self, thread: &mut Thread) {
        self.begin_child(thread);
    }

    fn vforked(&self, thread: &mut Thread, parent: i32) {
        self.begin_vfork_child(thread, parent);
    }

    fn vfork_done(&self, thread: &mut Thread, _child: i32) {
        self.end_vfork(thread);
    }

    fn exec_options(&self, thread: &mut Thread) -> Vec<String> {
        self.prepare_exec(thread)
    }

    fn exec_failed(&self, thread: &mut Thread) {
        self.exec_has_failed(thread);
    }
}

impl Control {
    /// Reports what is to be told of a thread that has come to a breakpoint; it passes one that is not.
    fn come_to_breakpoint(&self, thread: &mut Thread) {
        let pc = thread.cpu.pc;
        let event = self.linker_event().filter(|event| event.pc == pc);
        if let Some(event) = event {
            let process = thread.process.clone();
            let told = || is_consistent(&process.mem, process.isa.abi(), event.slot);
            // Again when another event was first: the debugger may not want this one any more after that.
            while told()
                && self.watches(thread)
                && self.linker_event().is_some()
                && !self.report(thread, StopReason::LibrariesChanged)
            {}
            // The debugger may have sent it elsewhere.
            if thread.cpu.pc != pc {
                return;
            }
        }
        let own = usize::from(event.is_some());
        let debuggers = thread.process.code.breakpoints_at(pc) > own;
        // The child of a vfork comes to the breakpoints of its parent.
        let reported = debuggers && self.watches(thread) && self.conditions.hold(thread);
        if reported && !self.report(thread, StopReason::Breakpoint { hardware: false }) {
            // Another event was first: it comes here again.
            return;
        }
        // A debugger takes its own breakpoints out to pass them.
        if !reported || event.is_some() {
            thread.cpu.pass_breakpoint = Some(pc);
        }
    }
}

/// The stop for a watched access.
fn watch_stop(hit: WatchHit) -> StopReason {
    StopReason::Watchpoint {
        kind: match hit.range.access {
            Access::READ => WatchKind::Read,
            Access::WRITE => WatchKind::Write,
            _ => WatchKind::Access,
        },
        addr: hit.addr,
    }
}
