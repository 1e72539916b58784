//! What the process comes to.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};

use super::{
    COPY, Connections, FRAME_SIZE, Link, Lwp, Notice, SIGTRAP, Started, TRAP_TRACE, Tracee, event,
    stack_pointer, tell,
};
use crate::abi::Signal;
use crate::cpu::Exit;
use crate::host;
use crate::host::nr::SYS_kill;
use crate::process::{Controller, End, Observer, Outcome, SigFields, SigInfo, Syscall, Thread};
use emu_stub::proxy::Wire;

impl Tracee {
    /// The thread begins where a call has come to its end that it did not make itself.
    fn begun_by(&self, thread: &Thread, call: &str) {
        let call = Syscall {
            number: thread.process.os.syscall_number(call).unwrap_or(0),
            args: [0; 8],
            pc: thread.cpu.pc,
        };
        self.with_lwp(thread.tid(), |lwp| {
            lwp.call = Some(call);
            lwp.outcome = Some(Outcome::Return(0));
        });
    }
}

impl Observer for Tracee {
    fn thread_start(&self, thread: &mut Thread) {
        if !self.traces(thread) {
            return;
        }
        let process = thread.process.clone();
        let main = thread.tid() == host::pid();
        if main && self.lock().lwps.is_empty() {
            // A program that was executed while the process was traced.
            process.see_stops(true);
            self.start_agent(&process, Started::Asked);
            thread.set_signal_mask(thread.signal_mask());
            if self.wants() & event::EXEC != 0 {
                self.begun_by(thread, "execve");
                self.stop_at(thread, SIGTRAP, event::RETURN | event::EXEC);
            }
            return;
        }
        let wants = self.wants();
        if wants & (event::THREAD | event::RETURN) != 0 {
            let born = if wants & event::THREAD != 0 {
                event::BORN
            } else {
                0
            };
            self.begun_by(thread, "thr_new");
            self.stop_at(thread, SIGTRAP, event::RETURN | born);
        }
    }

    fn thread_exit(&self, thread: &mut Thread, _status: i32) {
        self.exits(thread);
        self.lock().lwps.remove(&thread.tid());
    }

    fn syscall_enter(&self, thread: &mut Thread, call: &Syscall) {
        if !self.traces(thread) {
            return;
        }
        let tid = thread.tid();
        if let Some(sp) = self.lwp(tid).step_after
            && thread.process.os.syscall_name(call.number).as_deref() == Some("sigreturn")
            && call.args[0].wrapping_sub(sp.wrapping_sub(COPY)) < COPY + FRAME_SIZE
        {
            self.with_lwp(tid, |lwp| lwp.step_after = None);
            thread.handle.set_stepping(Controller::Tracer, true);
        }
        self.with_lwp(tid, |lwp| {
            lwp.call = Some(*call);
            lwp.in_call = true;
            lwp.outcome = None;
            lwp.written = false;
        });
        if self.wants() & event::CALL != 0 {
            self.stop_at(thread, SIGTRAP, event::CALL);
            if self.with_lwp(tid, |lwp| lwp.written) {
                let os = thread.process.clone();
                let again = os.os.read_syscall(thread, 0);
                self.with_lwp(tid, |lwp| lwp.call = Some(again));
            }
        }
    }

    fn syscall_exit(&self, thread: &mut Thread, _call: &Syscall, outcome: &Outcome) {
        if self.traces(thread) {
            self.with_lwp(thread.tid(), |lwp| lwp.outcome = Some(*outcome));
        }
    }

    fn syscall_done(&self, thread: &mut Thread, _call: &Syscall) {
        if !self.traces(thread) {
            return;
        }
        let (events, child) = self.with_lwp(thread.tid(), |lwp| {
            lwp.in_call = false;
            (lwp.events, lwp.child)
        });
        if std::mem::take(&mut self.lock().born) {
            let signal = self.system.stop_signal;
            self.stop_at(thread, signal, event::RETURN | event::CHILD);
        } else if child != 0 {
            self.stop_at(thread, SIGTRAP, event::RETURN | events);
        } else if events & event::VFORK_DONE != 0 {
            self.stop_at(thread, SIGTRAP, event::VFORK_DONE);
            return;
        } else if self.wants() & event::RETURN != 0 {
            self.stop_at(thread, SIGTRAP, event::RETURN);
        }
        if let Some(end) = self.with_lwp(thread.tid(), |lwp| lwp.borrowed.take()) {
            thread.park_after(|| {
                let fd = end.as_fd();
                while poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).is_err() {}
            });
            if self.traces(thread) && self.wants() & event::VFORK_DONE != 0 {
                self.stop_at(thread, SIGTRAP, event::VFORK_DONE);
            }
        }
    }

    fn signal(&self, thread: &mut Thread, info: SigInfo) -> Option<SigInfo> {
        let number = thread.process.os.signal_number(info.signal) as i32;
        let tid = thread.tid();
        if !self.traces(thread) {
            if info.signal == Signal::SIGSTOP {
                // It was on its way when the tracer let the process go.
                let args = [host::pid() as u64, info.signal.0.into(), 0, 0, 0, 0];
                let _ = host::syscall(SYS_kill, args);
                return None;
            }
            return Some(info);
        }
        // One that the guest ignores is here for others.
        if thread.process.is_ignored(info.signal) {
            return Some(info);
        }
        {
            let mut state = self.lock();
            let passes = |(t, n): &(i32, i32)| *n == number && (*t == tid || *t == 0);
            if let Some(at) = state.passing.iter().position(passes) {
                state.passing.remove(at);
                return Some(info);
            }
        }
        let in_call = self.with_lwp(tid, |lwp| lwp.in_call);
        let events = if in_call { event::CALL } else { 0 };
        let wanted = self.stop(thread, number, events, Some(info));
        if wanted == number {
            return Some(info);
        }
        self.send(&thread.process.clone(), tid, Some(thread), wanted);
        None
    }

    fn trap(&self, thread: &mut Thread, exit: Exit) -> bool {
        if exit != Exit::Stepped || !thread.handle.steps_for(Controller::Tracer) {
            return false;
        }
        thread.handle.set_stepping(Controller::Tracer, false);
        if thread.is_at_handler() {
            let sp = stack_pointer(thread);
            self.with_lwp(thread.tid(), |lwp| lwp.step_after = Some(sp));
        } else if self.traces(thread) {
            let info = SigInfo {
                signal: Signal::SIGTRAP,
                errno: 0,
                code: TRAP_TRACE,
                fields: SigFields::Fault {
                    addr: thread.cpu.pc,
                },
            };
            let wanted = self.stop(thread, SIGTRAP, 0, Some(info));
            if wanted == SIGTRAP {
                self.with_lwp(thread.tid(), |lwp| lwp.due = Some(info));
            } else {
                self.send(&thread.process.clone(), thread.tid(), Some(thread), wanted);
            }
        }
        !thread.handle.steps_for(Controller::Debugger)
    }

    fn resumed(&self, thread: &mut Thread) -> Option<SigInfo> {
        if !self.traces(thread) {
            return None;
        }
        self.with_lwp(thread.tid(), |lwp| lwp.due.take())
    }

    fn exec_failed(&self, thread: &mut Thread) {
        let state = self.lock();
        if thread.is_vfork_child() {
            if let Some((fd, _)) = state.vforked.get(&thread.tid()) {
                host::fd::set_inherited(*fd, false);
            }
        } else if let Link::Open(link) = &state.link {
            for fd in [link.requests.fd(), link.notices.fd()] {
                host::fd::set_inherited(fd.as_raw_fd(), false);
            }
        }
    }

    fn fork_begins(&self, thread: &mut Thread) {
        if self.traces(thread) && self.wants() & event::FORK != 0 {
            let pair = Connections::pair().ok();
            let mut state = self.lock();
            state.forking = state.lwps.get(&thread.tid()).and_then(|l| l.call);
            state.fork = pair;
        }
    }

    fn fork(&self, thread: &mut Thread, child: i32) {
        self.lock().vforked.remove(&child);
        if !self.traces(thread) {
            return;
        }
        let mut state = self.lock();
        let Some((ours, theirs)) = state.fork.take() else {
            return;
        };
        // The child has its end.
        drop(ours);
        let Link::Open(link) = &state.link else {
            return;
        };
        let ends = [theirs.requests.as_fd(), theirs.notices.as_fd()];
        if link.notices.attach(&ends).is_ok() {
            tell(link, Notice::Forked(child));
            let lwp = state.lwps.entry(thread.tid()).or_default();
            lwp.child = child;
            lwp.events |= event::FORK;
        }
    }

    fn forked(&self, thread: &mut Thread) {
        let mut state = self.lock();
        let traced = self.is_traced();
        // The parent's connections: the agent that uses them is not here.
        if let Link::Open(link) = std::mem::replace(&mut state.link, Link::None) {
            link.close_inherited();
            std::mem::forget(link);
        }
        state.lwps.clear();
        state.passing.clear();
        state.vforked.clear();
        state.borrower = None;
        state.event = None;
        (state.halted, state.told) = (false, false);
        if !traced {
            return;
        }
        let process = thread.process.clone();
        match state.fork.take() {
            Some((ours, _theirs)) => {
                state.link = Link::Open(Arc::new(ours));
                state.born = true;
                let lwp = Lwp {
                    call: state.forking,
                    outcome: Some(Outcome::Return(0)),
                    ..Lwp::default()
                };
                state.lwps.insert(thread.tid(), lwp);
                drop(state);
                self.start_agent(&process, Started::Asked);
            }
            None => {
                drop(state);
                self.traced.store(false, SeqCst);
                process.see_stops(false);
                thread.handle.set_stepping(Controller::Tracer, false);
            }
        }
    }

    fn vfork_done(&self, thread: &mut Thread, _child: i32) {
        if self.traces(thread) && self.wants() & event::VFORK_DONE != 0 {
            self.with_lwp(thread.tid(), |lwp| lwp.events |= event::VFORK_DONE);
        }
    }

    fn process_gone(&self, thread: &mut Thread, end: End) {
        if !self.traces(thread) {
            return;
        }
        let (tracer, link) = {
            let state = self.lock();
            let Link::Open(link) = &state.link else {
                return;
            };
            (state.tracer, link.clone())
        };
        // A parent is told by the host.
        if tracer == host::parent() {
            return;
        }
        let (code, status) = match end {
            End::Exit(status) => (1, status & 0xff),
            End::Signal(info) => (2, info.signal.0.into()),
        };
        // What the process had open is closed, as of one that has ended; the parent is told when the tracer knows.
        host::fd::close_all_but_own();
        (self.system.ends)(false);
        tell(&link, Notice::Ended { code, status });
        thread.linger(|| {
            let state = self.lock();
            let _taken = self
                .changed
                .wait_while(state, |s| !s.collected)
                .unwrap_or_else(PoisonError::into_inner);
        });
        (self.system.ends)(true);
    }
}
