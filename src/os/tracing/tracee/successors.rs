//! What becomes of tracing when the process forks or executes a program.

use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use super::{Connections, Link, Meeting, SIGTRAP, State, Tracee, event};
use crate::host;
use crate::host::fd::OwnFd;
use crate::process::Thread;
use emu_stub::proxy::Wire;

impl Tracee {
    /// Whether a child of a vfork is to be a process with memory of its own, as the tracer wants to trace it before it executes a
    /// program. Its parent waits for it all the same, once the tracer has been told of both.
    pub fn lends_memory(&self, thread: &Thread) -> bool {
        self.traces(thread) && self.wants() & event::FORK != 0
    }

    /// Such a child has been created: it ends or executes a program when `end` can be read.
    pub fn lent_memory(&self, thread: &Thread, end: OwnFd) {
        self.with_lwp(thread.tid(), |lwp| {
            lwp.events |= event::VFORK;
            lwp.borrowed = Some(Arc::new(end));
        });
    }

    /// This process is such a child.
    pub fn borrows_memory(&self, end: OwnFd) {
        self.lock().borrower = Some(end);
    }

    /// The thread is about to end: told before those that wait for its end.
    pub fn exits(&self, thread: &mut Thread) {
        if !self.traces(thread) || self.wants() & event::THREAD == 0 {
            return;
        }
        let (tid, lwp) = (thread.tid(), self.lwp(thread.tid()));
        if !lwp.exited {
            let call = if lwp.in_call { event::CALL } else { 0 };
            self.stop(thread, SIGTRAP, event::EXITED | call, None);
            self.with_lwp(tid, |lwp| lwp.exited = true);
        }
    }

    /// The thread is about to execute a program, which ends the others.
    pub fn executes(&self, thread: &mut Thread) {
        if !self.traces(thread) {
            return;
        }
        if matches!(self.lock().link, Link::Waiting(_)) {
            // The program goes on with the connections, which the agent is still waiting for.
            thread.park_after(|| {
                let waits =
                    |state: &mut State| matches!(state.link, Link::Waiting(_)) && self.is_traced();
                let state = self.lock();
                drop(self.changed.wait_while(state, waits));
            });
        }
        if self.wants() & event::THREAD == 0 {
            return;
        }
        for other in thread.process.clone().threads() {
            if other.tid != thread.tid() {
                self.stop_as(thread, other.tid, SIGTRAP, event::EXITED, None);
                self.with_lwp(other.tid, |lwp| lwp.exited = true);
            }
        }
    }

    /// Forks by calling `fork` with the state locked, which the agent may be using.
    pub fn around_fork(&self, fork: &mut dyn FnMut() -> bool) -> bool {
        let _state = self.lock();
        fork()
    }

    /// What the program that the thread executes is to know, as text; its descriptors are left open.
    pub fn to_text(&self, thread: &Thread, native: bool) -> String {
        let state = self.lock();
        if thread.is_vfork_child() {
            return match state.vforked.get(&thread.tid()) {
                Some((fd, path)) if !native => {
                    host::fd::set_inherited(*fd, true);
                    format!("w{fd};{};{}", state.wants | event::EXEC, path.display())
                }
                _ => String::new(),
            };
        }
        if !self.is_traced() || native {
            return String::new();
        }
        let fds = match &state.link {
            Link::Open(link) => [link.requests.fd(), link.notices.fd()].map(|fd| fd.as_raw_fd()),
            _ => return String::new(),
        };
        fds.iter().for_each(|fd| host::fd::set_inherited(*fd, true));
        format!("o{};{};{};{}", fds[0], fds[1], state.wants, state.tracer)
    }

    /// Takes over what the program before this one has left.
    pub fn inherit(&self, text: &str) {
        let mut state = self.lock();
        let number = |t: Option<&str>| t.and_then(|t| t.parse::<i32>().ok());
        let adopt = |fd: Option<i32>| fd.and_then(|fd| host::fd::adopt(fd).ok());
        if let Some(text) = text.strip_prefix('o') {
            let mut parts = text.split(';');
            let (requests, notices) = (number(parts.next()), number(parts.next()));
            let (wants, tracer) = (number(parts.next()), number(parts.next()));
            let (Some(requests), Some(notices)) = (adopt(requests), adopt(notices)) else {
                return;
            };
            state.link = Link::Open(Arc::new(Connections::over(requests, notices)));
            state.wants = wants.unwrap_or(0) as u32;
            state.tracer = tracer.unwrap_or(0);
        } else if let Some(text) = text.strip_prefix('w') {
            let mut parts = text.splitn(3, ';');
            let (fd, wants) = (number(parts.next()), number(parts.next()));
            let Some(listener) = adopt(fd) else { return };
            let path = PathBuf::from(parts.next().unwrap_or_default());
            state.link = Link::Waiting(Some(Meeting::inherited(listener, path)));
            state.wants = wants.unwrap_or(0) as u32;
            state.tracer = host::parent();
        } else {
            return;
        }
        self.traced.store(true, SeqCst);
    }
}
