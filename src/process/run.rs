//! The run loop: from an engine's exit to system calls, signals and stops.

use super::signal::{Action, DefaultAction, SigInfo, sa};
use super::{
    DISCARDED, ERESTARTSYS, End, Errno, Outcome, SigFields, SigSet, Signal, Syscall, Thread,
    Unimplemented,
};
use crate::cpu::Exit;
use crate::host;
use crate::ir::{MemFault, Trap, WatchHit, pending};
use crate::isa::Disassembler;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering::SeqCst;

impl Thread {
    /// Runs guest code until the thread ends. Returns for threads other than the main one, which ends the process instead.
    pub fn run(&mut self) {
        let process = self.process.clone();
        for observer in process.observers() {
            observer.thread_start(self);
        }
        self.run_on();
    }

    /// The run loop.
    pub(super) fn run_on(&mut self) {
        let process = self.process.clone();
        self.restore_host_mask();
        self.park_if_asked();
        loop {
            // A step with a signal, or one that a signal comes to, ends at the handler's first instruction, as on Linux.
            if std::mem::take(&mut self.entered_handler) && self.handle.is_stepping() {
                self.at_handler = true;
                self.tell_trap(Exit::Stepped);
                self.at_handler = false;
                continue;
            }
            let exit = if self.handle.is_stepping() || process.config.single_step {
                // An engine's step does not poll: the instruction is executed whatever waits, so this does.
                if self.cpu.pending.load(SeqCst) & (pending::SIGNAL | pending::STOP) != 0 {
                    self.poll(None);
                    continue;
                }
                self.engine.step(&mut self.cpu)
            } else {
                self.engine.run(&mut self.cpu)
            };
            match exit {
                Exit::Syscall(immediate) => {
                    let stopped = match self.make_syscall(immediate) {
                        ControlFlow::Continue(stopped) => stopped,
                        ControlFlow::Break(status) => {
                            self.end(status);
                            return;
                        }
                    };
                    // If it has stopped behind the call, what it was told then is a step of its own.
                    if !stopped && !self.entered_handler && self.handle.is_stepping() {
                        self.tell_trap(Exit::Stepped);
                    }
                }
                Exit::Pending => self.poll(None),
                Exit::Stepped => {
                    self.tell_trap(exit);
                }
                Exit::Watchpoint(_) => {
                    if !self.tell_trap(exit) {
                        self.cpu.pass_watchpoint = Some(self.cpu.pc);
                    }
                }
                Exit::Trap(..) | Exit::Fault(_) => {
                    let exit = self.with_guest_code(exit);
                    if !self.tell_trap(exit) {
                        self.raise_exception(exit);
                    }
                }
            }
        }
    }

    /// A fault with the code that the guest's kernel would give. Generated code reports the host's, for which unmapped guest
    /// memory is a reservation without access.
    fn with_guest_code(&self, exit: Exit) -> Exit {
        match exit {
            Exit::Fault(fault) => Exit::Fault(MemFault {
                code: self
                    .process
                    .mem
                    .fault_code(fault.addr, fault.code, fault.bus),
                ..fault
            }),
            _ => exit,
        }
    }

    /// Offers an exit to the observers; returns whether it was one's own.
    fn tell_trap(&mut self, exit: Exit) -> bool {
        let process = self.process.clone();
        let taken = process.observers().iter().any(|o| o.trap(self, exit));
        if taken {
            self.deliver_injected();
        }
        taken
    }

    /// Parks if a stop or a hold asks for it.
    fn park_if_asked(&mut self) {
        if self.cpu.pending.load(SeqCst) & pending::STOP != 0 {
            self.park();
            self.deliver_injected();
        }
    }

    /// Delivers signals that a debugger gave the thread along when it let it go.
    fn deliver_injected(&mut self) {
        let process = self.process.clone();
        for observer in process.observers() {
            if let Some(info) = observer.resumed(self) {
                self.act_on(info, &mut None);
                self.restore_host_mask();
            }
        }
    }

    /// Brings the host's signal mask in line with the guest's, unless a taken signal still waits: that keeps all blocked.
    fn restore_host_mask(&mut self) {
        self.open_beyond(self.mask);
        if self.slot.is_empty() {
            host::signal::set_mask(self.mask.host_mask());
        }
    }

    /// Likewise while the guest holds signals off: those that wait here do so until it lets them through.
    fn restore_host_mask_held(&mut self) {
        if self.slot.is_empty() {
            host::signal::set_mask(self.mask.host_mask());
        }
    }

    /// Makes the system call that the thread is at. Breaks with a status if the thread ends by it; otherwise says whether the
    /// thread stopped behind the call, or goes on elsewhere: a step of it is not over then.
    fn make_syscall(&mut self, immediate: u16) -> ControlFlow<i32, bool> {
        let process = self.process.clone();
        let os = &*process.os;
        let mut call = os.read_syscall(self, immediate);
        let (after, stops) = (self.cpu.pc, self.stops);
        for observer in process.observers() {
            observer.syscall_enter(self, &call);
        }
        if self.stops != stops {
            // A debugger may have changed the call, or sent the thread elsewhere.
            if self.cpu.pc != after {
                return ControlFlow::Continue(true);
            }
            let pc = call.pc;
            call = os.read_syscall(self, immediate);
            call.pc = pc;
        }
        let stops = self.stops;
        self.call_pc = call.pc;
        self.handle.recent.begin(&call);
        process.mem.begin_call();
        let outcome = os.syscall(self, &call);
        self.handle.recent.end(&outcome);
        let watched = process.mem.end_call(match outcome {
            Outcome::Return(value) | Outcome::ReturnPair(value, _) => Some(value),
            _ => None,
        });
        for observer in process.observers() {
            observer.syscall_exit(self, &call, &outcome);
        }
        match outcome {
            Outcome::Keep | Outcome::Fail(DISCARDED) => {}
            Outcome::ExitThread(status) => return ControlFlow::Break(status),
            Outcome::ExitProcess(status) => self.end_process(End::Exit(status)),
            Outcome::Fail(ERESTARTSYS) => {
                self.poll(Some(call));
                return ControlFlow::Continue(self.stops != stops);
            }
            _ => os.write_outcome(self, &call, &outcome),
        }
        if outcome != Outcome::Fail(DISCARDED) {
            for observer in process.observers() {
                observer.syscall_done(self, &call);
            }
        }
        if let Some(hit) = watched {
            self.tell_accessed(hit);
        }
        // A signal that the call let through, or sent, arrives before the next instruction, as on the kernel's way out.
        if self.cpu.pending.load(SeqCst) & pending::SIGNAL != 0 {
            self.poll(None);
        }
        ControlFlow::Continue(self.stops != stops || outcome == Outcome::Fail(DISCARDED))
    }

    /// Tells the observers that a system call of the thread has accessed watched memory; returns whether one stopped for it.
    pub(super) fn tell_accessed(&mut self, hit: WatchHit) -> bool {
        let process = self.process.clone();
        let stopped = process.observers().iter().any(|o| o.accessed(self, hit));
        if stopped {
            self.deliver_injected();
        }
        stopped
    }

    /// Does what waits for this thread. `interrupted` is a system call to restart, or to fail with EINTR if a handler without
    /// SA_RESTART runs.
    fn poll(&mut self, interrupted: Option<Syscall>) {
        let process = self.process.clone();
        if self.cpu.pending.load(SeqCst) & pending::STOP != 0 {
            if let Some(call) = &interrupted {
                // What a debugger sees, and may change, is the thread before its call.
                process.os.rewind_syscall(self, call);
            }
            self.park_if_asked();
            if interrupted.is_some() {
                // The signal, if there is one, is taken at the next poll, with the call still to be made.
                return;
            }
        }
        self.cpu.pending.fetch_and(!pending::SIGNAL, SeqCst);
        self.answer_ring();
        let mut restart = interrupted;
        if process.os.holds_signals(self) {
            self.keep_signals();
            if let Some(call) = restart {
                process.os.rewind_syscall(self, &call);
            }
            self.restore_host_mask_held();
            return;
        }
        let mut first = true;
        while let Some(info) = self.take_signal(first) {
            first = false;
            self.deliver(info, &mut restart);
        }
        if let Some(call) = restart {
            process.os.rewind_syscall(self, &call);
        }
        self.restore_host_mask();
    }

    fn answer_ring(&mut self) {
        if host::signal::take_ring() {
            self.process.clone().os.rung(self);
        }
    }

    /// Turns an exception of the guest's CPU into its signal. The kernel forces it: a guest that blocks or ignores it dies.
    fn raise_exception(&mut self, exit: Exit) {
        let process = self.process.clone();
        if exit == Exit::Trap(Trap::IllegalInstruction, 0) {
            self.report_instruction();
        }
        let info = process.os.exception(self, exit);
        let action = process.action(info.signal);
        if self.mask.contains(info.signal) || action.handler == Action::IGNORE {
            let _ = process.set_action(info.signal, Action::default());
            self.mask = self.mask.without(info.signal.into());
        }
        self.deliver(info, &mut None);
        self.restore_host_mask();
    }

    /// Reports the instruction at the PC as not implemented, unless it is none: capstone knows the instructions that CPUs of
    /// the guest's kind may have.
    fn report_instruction(&self) {
        let pc = self.cpu.pc;
        let mut code = vec![0; 4];
        if self.process.mem.read(pc, &mut code).is_err() {
            return;
        }
        let Some(line) = Disassembler::new(self.process.isa)
            .and_then(|d| d.lines(&code, pc, 1).into_iter().next())
            // UDF is there to be undefined.
            .filter(|l| !matches!(l.mnemonic.as_str(), ".byte" | "udf"))
        else {
            return;
        };
        self.report_unimplemented(&Unimplemented {
            kind: "instruction",
            what: line.mnemonic,
            input: code,
            pc,
            ..Unimplemented::default()
        });
    }

    /// Delivers a signal: asks the observers, then does what the guest's action says. The host's mask is the caller's to set.
    fn deliver(&mut self, info: SigInfo, interrupted: &mut Option<Syscall>) {
        let process = self.process.clone();
        if process.os.is_unheard_of(&info) {
            return;
        }
        let ignored = process.is_ignored(info.signal);
        process.os.signal_arrived(info.signal, ignored);
        let mut info = info;
        for observer in process.observers() {
            match observer.signal(self, info) {
                Some(i) => info = i,
                None => return,
            }
        }
        self.act_on(info, interrupted);
    }

    /// Delivers the signals that have come and of which the guest sees nothing, as it ignores them or holds them off: a call that
    /// one of them has interrupted can go on waiting. Says whether these were all.
    pub fn pass_over_ignored(&mut self) -> bool {
        self.answer_ring();
        if self.process.clone().os.holds_signals(self) {
            self.cpu.pending.fetch_and(!pending::SIGNAL, SeqCst);
            self.keep_signals();
            self.restore_host_mask_held();
            return true;
        }
        let mut others = Vec::new();
        while let Some(info) = self.take_signal(false) {
            let unheard_of = self.process.os.is_unheard_of(&info);
            if unheard_of || self.process.is_ignored(info.signal) {
                self.deliver(info, &mut None);
            } else {
                others.push(info);
            }
        }
        if others.is_empty() {
            self.cpu.pending.fetch_and(!pending::SIGNAL, SeqCst);
            self.restore_host_mask();
            return true;
        }
        self.deferred.splice(0..0, others);
        false
    }

    /// Does with a signal what the guest's action says.
    fn act_on(&mut self, info: SigInfo, interrupted: &mut Option<Syscall>) {
        let process = self.process.clone();
        let action = process.action(info.signal);
        match action.handler {
            Action::IGNORE => {}
            Action::DEFAULT => match process.os.default_action(info.signal) {
                DefaultAction::Terminate | DefaultAction::Core => {
                    self.end_process(End::Signal(info))
                }
                // The host's default action has stopped or continued this process already, unless a debugger made it up.
                DefaultAction::Ignore | DefaultAction::Continue | DefaultAction::Stop => {}
            },
            _ => self.enter_handler(info, &action, interrupted),
        }
    }

    fn enter_handler(&mut self, info: SigInfo, action: &Action, interrupted: &mut Option<Syscall>) {
        let process = self.process.clone();
        if let Some(call) = interrupted.take() {
            if action.flags & sa::RESTART != 0 {
                process.os.rewind_syscall(self, &call);
            } else {
                let failed = Outcome::Fail(Errno::EINTR);
                process.os.write_outcome(self, &call, &failed);
            }
        }
        process.mem.begin_call();
        let pushed = process.os.push_frame(self, &info, action);
        let watched = process.mem.end_call(None);
        if pushed.is_err() {
            // No stack for the frame: SIGSEGV, and for that one nothing can be done any more (the kernel's force_sigsegv).
            let segv = Signal::SIGSEGV;
            let unable = info.signal == segv
                || self.mask.contains(segv)
                || process.action(segv).handler <= Action::IGNORE;
            let forced = SigInfo {
                signal: segv,
                errno: 0,
                // SI_KERNEL
                code: 0x80,
                fields: SigFields::Fault { addr: 0 },
            };
            if unable {
                self.end_process(End::Signal(forced));
            }
            return self.act_on(forced, &mut None);
        }
        if action.flags & sa::RESETHAND != 0 {
            let _ = process.set_action(info.signal, Action::default());
        }
        let mut mask = self.mask.union(action.mask);
        if action.flags & sa::NODEFER == 0 {
            mask = mask.union(SigSet::from(info.signal));
        }
        self.mask = mask.blockable();
        self.open_beyond(self.mask);
        self.process.isa.sync_derived(&mut self.cpu);
        self.entered_handler = !watched.is_some_and(|hit| self.tell_accessed(hit));
    }
}
