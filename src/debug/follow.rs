//! Following the guest over forks and execs: the side of the guest's threads.
//!
//! A fork that the debugger wants to hear of leaves the child stopped, with a thread that serves it to the process that has the
//! session ([`super::relay`]). A vfork's child shares this process's memory, [`Control`] and all, so it is stopped, looked at and
//! resumed like a thread of this process, until it executes a program of its own. An execve replaces the emulator along with its
//! guest: what the new one needs to go on with the session is in a memory file ([`Inheritance`]) whose descriptor it is given.

use super::control::{Control, Run};
use super::relay::{Channel, Session, Wishes};
use crate::host;
use crate::host::fd::Identity;
use crate::process::{Controller, Process, Thread};
use emu_stub::{CatchSyscalls, Pid, Stop, StopReason, Tid};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;

/// What an emulator that `execve` starts inherits from the one before it. Descriptors are numbers: they stay open.
#[derive(Debug, Serialize, Deserialize)]
pub enum Inheritance {
    /// Its guest is served to another process.
    Relay {
        /// The channel to that process.
        channel: RawFd,
        /// What the debugger wants to be told of.
        wishes: Wishes,
        /// The channels of the other processes that are served along with it.
        others: Vec<RawFd>,
        /// It is a prompt, with which the guest ends.
        prompt: bool,
    },
    /// It serves the session.
    Session {
        /// The session.
        session: Box<Session>,
        /// The descriptors that go along, in the order of [`Session`].
        descriptors: Vec<RawFd>,
    },
}

impl Inheritance {
    fn descriptors(&self) -> Vec<RawFd> {
        match self {
            Inheritance::Relay {
                channel, others, ..
            } => [&[*channel], &others[..]].concat(),
            Inheritance::Session { descriptors, .. } => descriptors.clone(),
        }
    }

    /// Reads what the emulator before this one has left in descriptor `fd`.
    ///
    /// # Errors
    /// It is no such file.
    pub fn read(fd: RawFd) -> io::Result<Inheritance> {
        use std::io::Read;
        let mut file = std::fs::File::from(host::fd::adopt(fd)?);
        host::fd::forget(file.as_raw_fd());
        file.rewind()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        postcard::from_bytes(&bytes).map_err(io::Error::other)
    }

    fn write(&self) -> io::Result<OwnedFd> {
        let bytes = postcard::to_stdvec(self).map_err(io::Error::other)?;
        let mut file = host::fd::memory_file(c"emu-session")?;
        file.write_all(&bytes)?;
        Ok(file.into())
    }
}

/// How far an `execve` of a debugged guest has come.
#[derive(Debug, Default)]
pub(super) enum ExecStage {
    #[default]
    None,
    /// The thread waits for what the new emulator is to inherit.
    Wanted(Pid, Tid),
    /// It is here.
    Ready(Inheritance),
    /// The call has failed after all.
    Failed,
}

/// The child of a vfork that the debugger has.
#[derive(Debug)]
pub(super) struct VforkChild {
    pub(super) pid: Pid,
    /// For the time after it has executed a program: this process's end, and the child's, under whose number the child has it
    /// open as well.
    channel: Option<(Channel, Channel)>,
}

/// What the thread that forks has prepared; also in the child, whose only thread is a copy of it.
struct ForkPlan {
    parent: Pid,
    /// The debugger wants the child: the parent's end of a channel between both, and the child's.
    channel: Option<(Channel, Channel)>,
    /// Descriptors of the session, which are the parent's alone.
    close: Vec<Identity>,
    pass: Vec<i32>,
}

thread_local! {
    static PLAN: RefCell<Option<ForkPlan>> = const { RefCell::new(None) };
}

impl Control {
    /// Whether forks are reported.
    fn reports_forks(&self, thread: &Thread) -> bool {
        self.watches(thread) && self.catches.has_forks()
    }

    /// What the debugger wants to be told of.
    pub fn wishes(&self) -> Wishes {
        let (syscalls, threads, forks) = self.catches.get();
        Wishes {
            syscalls,
            pass: self.lock().pass.iter().copied().collect(),
            threads,
            forks,
        }
    }

    /// Sets what the debugger wants to be told of.
    pub fn set_wishes(&self, wishes: &Wishes) {
        let none = CatchSyscalls::None;
        self.catches
            .set_syscalls(wishes.syscalls.clone().unwrap_or(none));
        self.catches.set_threads(wishes.threads);
        self.catches.set_forks(wishes.forks);
        self.lock().pass = wishes.pass.iter().copied().collect();
    }

    /// Makes descriptors the session's own: children of forks close theirs, and an emulator that is executed without a debugger
    /// does not get them.
    pub fn set_descriptors(&self, descriptors: &[BorrowedFd<'_>]) {
        *self
            .descriptors
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = descriptors
            .iter()
            .filter_map(|fd| Identity::of(*fd))
            .collect();
    }

    /// Makes one more descriptor the session's own, or no longer.
    pub fn set_descriptor(&self, fd: BorrowedFd<'_>, own: bool) {
        let Some(fd) = Identity::of(fd) else { return };
        let mut all = self
            .descriptors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|d| *d != fd);
        if own {
            all.push(fd);
        }
    }

    pub(super) fn prepare_fork(&self, thread: &Thread) {
        let wanted = self.reports_forks(thread);
        let descriptors = self
            .descriptors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let plan = ForkPlan {
            parent: host::pid() as Pid,
            // Out of descriptors: the child goes undebugged.
            channel: wanted.then(|| Channel::pair().ok()).flatten(),
            close: descriptors.clone(),
            pass: self.lock().pass.iter().copied().collect(),
        };
        PLAN.set(Some(plan));
    }

    /// The process has forked: tells the debugger.
    pub(super) fn report_fork(&self, thread: &mut Thread, child: i32) {
        let plan = PLAN.take();
        let Some((ours, theirs)) = plan.and_then(|p| p.channel) else {
            return;
        };
        drop(theirs);
        let child = child as Pid;
        self.lock().children.push_back(ours);
        let event = StopReason::Fork {
            pid: child,
            tid: child,
        };
        while self.watches(thread) && !self.report(thread, event.clone()) {}
    }

    /// This is the child: it stops for the debugger, or runs alone.
    pub(super) fn begin_child(&self, thread: &mut Thread) {
        let plan = PLAN.take();
        let (close, pass) = plan
            .as_ref()
            .map(|p| (p.close.clone(), p.pass.clone()))
            .unwrap_or_default();
        for fd in close {
            fd.close_inherited();
        }
        thread.handle.set_stepping(Controller::Debugger, false);
        self.relatives.store(false, SeqCst);
        // As the debug registers of hardware, which a child does not inherit.
        thread.process.mem.set_watched(Vec::new());
        let channel = plan.and_then(|p| p.channel).map(|(_, theirs)| theirs);
        let Some((channel, service)) = channel.zip(self.service.get()) else {
            self.begin_generation(Run::Running);
            self.set_attached(false);
            thread.process.code.clear_breakpoints();
            return;
        };
        self.begin_generation(Run::Stopped(Stop {
            pid: host::pid() as Pid,
            tid: thread.tid() as Tid,
            reason: StopReason::Step,
        }));
        self.lock().pass = pass.into_iter().collect();
        self.set_connected(&thread.process, true);
        thread
            .process
            .hold(&thread.handle, Controller::Debugger, true);
        let saved = host::signal::block_all();
        service(channel);
        host::signal::set_mask(saved);
        thread.park();
    }

    /// This is the child of a vfork, in the memory of its parent: it stops for the debugger.
    pub(super) fn begin_vfork_child(&self, thread: &mut Thread, parent: i32) {
        let Some(ForkPlan {
            parent: pid,
            channel: Some(channel),
            ..
        }) = PLAN.take()
        else {
            return;
        };
        let child = host::pid();
        self.lock().vfork = Some(VforkChild {
            pid: child as Pid,
            channel: Some(channel),
        });
        self.vfork_child.store(child, SeqCst);
        let stop = Stop {
            pid,
            tid: parent as Tid,
            reason: StopReason::VFork {
                pid: child as Pid,
                tid: child as Tid,
            },
        };
        while self.watches(thread) && !self.report_as(thread, stop.clone()) {}
    }

    /// The child of a vfork is gone from this memory: tells the debugger.
    pub(super) fn end_vfork(&self, thread: &mut Thread) {
        PLAN.take();
        self.release_vfork_child();
        while self.reports_forks(thread) && !self.report(thread, StopReason::VForkDone) {}
    }

    /// The child of a vfork is no longer the debugger's, or no longer in this memory.
    pub(super) fn release_vfork_child(&self) {
        self.vfork_child.store(0, SeqCst);
        self.lock().vfork = None;
        self.changed().notify_all();
    }

    /// A thread is about to execute a program: returns what the emulator that runs it is told. Waits for whoever serves the
    /// session to pack it up.
    pub(super) fn prepare_exec(&self, thread: &mut Thread) -> Vec<String> {
        let inheritance = if self.watches(thread) {
            self.await_inheritance(thread)
        } else if thread.is_vfork_child() {
            None
        } else {
            self.undisturbed.get().and_then(|pack| pack())
        };
        let Some(inheritance) = inheritance else {
            return Vec::new();
        };
        let Ok(file) = inheritance.write() else {
            // Out of memory: the program runs without the debugger.
            return Vec::new();
        };
        let mut open = inheritance.descriptors();
        open.push(file.as_raw_fd());
        for fd in &open {
            host::fd::set_inherited(*fd, true);
        }
        let option = format!("--debug-session={}", file.as_raw_fd());
        // Kept until the call has failed: in a vfork's child, whose descriptors are its own, not even then.
        self.lock().kept_open = (Some(file), open);
        vec![option]
    }

    fn await_inheritance(&self, thread: &mut Thread) -> Option<Inheritance> {
        loop {
            {
                let mut state = self.lock();
                if !self.watches(thread) {
                    return None;
                }
                // Before the server can see the event: it is the one who ends the hold.
                thread
                    .process
                    .hold(&thread.handle, Controller::Debugger, true);
                if matches!(state.run, Run::Running) {
                    state.run = Run::Exec;
                    state.exec = ExecStage::Wanted(host::pid() as Pid, thread.tid() as Tid);
                    state.exec_debugged = true;
                    self.wake_server(&mut state);
                    break;
                }
            }
            // Another event was first.
            thread.park();
        }
        thread.park();
        let mut state = self.lock();
        match std::mem::take(&mut state.exec) {
            ExecStage::Ready(inheritance) => Some(inheritance),
            _ => None,
        }
    }

    /// Says whether other processes are served by way of this one.
    pub(super) fn set_relatives(&self, relatives: bool) {
        self.relatives.store(relatives, SeqCst);
        if !relatives {
            // With the lock, so that who is about to wait sees it.
            drop(self.lock());
            self.changed().notify_all();
        }
    }

    /// A guest that has ended waits until those who are served by way of its process have ended, or have another one for it.
    pub(super) fn await_heir(&self) {
        let state = self.lock();
        let waited = self
            .changed()
            .wait_while(state, |_| self.relatives.load(SeqCst));
        drop(waited);
    }

    /// The process that is about to execute a program, if there is one.
    pub fn execing(&self) -> Option<Pid> {
        match self.lock().exec {
            ExecStage::Wanted(pid, _) => Some(pid),
            _ => None,
        }
    }

    /// Lets the thread go on that is about to execute a program. If that is another process, this one runs as before.
    pub(super) fn pass_on(&self, process: &Process, inheritance: Inheritance) {
        let mut state = self.lock();
        let ExecStage::Wanted(pid, execing) =
            std::mem::replace(&mut state.exec, ExecStage::Ready(inheritance))
        else {
            return;
        };
        let own = host::pid() as Pid;
        let others_run = pid != own;
        if others_run {
            state.run = Run::Running;
        }
        for thread in process.threads().iter().chain(&process.vfork_children()) {
            let tid = thread.tid as Tid;
            if tid == execing {
                process.hold(thread, Controller::Debugger, false);
            } else if others_run && state.plan.action(own, tid).is_some() {
                // It may have come with an event of its own meanwhile: it comes again.
                process.hold(thread, Controller::Debugger, false);
            }
        }
    }

    /// What the child of a vfork inherits that is about to execute a program, and the channel to what comes of it.
    pub(super) fn vfork_inheritance(&self) -> Option<(Channel, Inheritance)> {
        let mut state = self.lock();
        let child = state.vfork.as_mut()?;
        let (ours, theirs) = child.channel.take()?;
        let channel = theirs.as_fd().as_raw_fd();
        self.vfork_child.store(0, SeqCst);
        // Stays open here until the child is gone from this memory: the two may share their descriptors.
        state.kept_channel = Some(theirs);
        drop(state);
        let wishes = self.wishes();
        let inheritance = Inheritance::Relay {
            channel,
            wishes,
            others: Vec::new(),
            prompt: false,
        };
        Some((ours, inheritance))
    }

    /// The `execve` has failed: everything is as it was.
    pub(super) fn exec_has_failed(&self, thread: &mut Thread) {
        let mut state = self.lock();
        let (file, open) = std::mem::take(&mut state.kept_open);
        for fd in open {
            host::fd::set_inherited(fd, false);
        }
        if let Some(file) = file {
            host::fd::forget(file.as_raw_fd());
        }
        if !std::mem::take(&mut state.exec_debugged) {
            return;
        }
        state.exec = ExecStage::Failed;
        if !thread.is_vfork_child() {
            // The server does with the guest what the debugger said last.
            state.run = Run::Stopped(Stop {
                pid: host::pid() as Pid,
                tid: thread.tid() as Tid,
                reason: StopReason::Interrupted,
            });
            thread
                .process
                .hold(&thread.handle, Controller::Debugger, true);
        }
        drop(state);
        self.changed().notify_all();
        if !thread.is_vfork_child() {
            thread.park();
        }
    }

    /// Waits for the call that `pass_on` let go; it comes back only if it fails.
    pub fn await_failed_exec(&self) {
        let state = self.lock();
        let failed = self
            .changed()
            .wait_while(state, |s| !matches!(s.exec, ExecStage::Failed));
        let mut state = failed.unwrap_or_else(PoisonError::into_inner);
        state.exec = ExecStage::None;
    }

    /// Whether the exec of a vfork's child has failed: it is what it was then, and the debugger's. Told once.
    pub(super) fn vfork_exec_failed(&self) -> bool {
        let mut state = self.lock();
        if !matches!(state.exec, ExecStage::Failed) {
            return false;
        }
        state.exec = ExecStage::None;
        let child = state.vfork.as_ref().map_or(0, |v| v.pid as i32);
        self.vfork_child.store(child, SeqCst);
        true
    }
}
