//! The side of the process that is traced.

mod observer;
mod successors;

use std::collections::HashMap;
use std::os::fd::{IntoRawFd, RawFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::rendezvous::{Connections, Meeting};
use super::{COLLECTED, Notice, Reply, Request, event, host_signal};
use crate::abi::Signal;
use crate::host;
use crate::host::fd::OwnFd;
use crate::host::nr::{SYS_kill, SYS_tgkill};
use crate::isa::RegRole;
use crate::process::{Controller, Outcome, Process, SigInfo, Syscall, Thread};
use emu_stub::proxy::Wire;

/// What is the guest system's own.
pub struct System {
    /// Carries out a request in a process that has stopped.
    pub serve: fn(&Arc<Process>, &Tracee, &Request) -> Reply,
    /// The guest's number of SIGSTOP, which stops a process that is attached to, and a child that is born traced.
    pub stop_signal: i32,
    /// The process has ended but for its tracer, who does not know yet; or, the second time, has done so altogether.
    pub ends: fn(bool),
}

/// What the tracer knows of a thread.
#[derive(Clone, Debug, Default)]
pub struct Lwp {
    /// It has come to something that the tracer has not dealt with yet.
    pub stopped: bool,
    /// It waits for that in [`Tracee::stop`].
    parked: bool,
    /// The signal that it has stopped for; afterwards the one that the tracer lets through (the guest's numbers).
    signal: i32,
    /// What came with the signal, if it is one.
    pub info: Option<SigInfo>,
    /// What it has stopped for besides ([`event`]).
    pub events: u32,
    /// The child that it has created.
    pub child: i32,
    /// It stays where it is when the others go on.
    pub suspended: bool,
    /// The system call that it is in, or has just made.
    pub call: Option<Syscall>,
    /// Whether it is in that call.
    pub in_call: bool,
    /// What the call came to.
    pub outcome: Option<Outcome>,
    /// The tracer has written registers or memory since it began.
    pub written: bool,
    /// To be delivered when it goes on.
    due: Option<SigInfo>,
    /// The stack pointer of a handler that it has entered, after whose return it makes its step.
    step_after: Option<u64>,
    /// It has told of its end.
    pub exited: bool,
    /// The child that has this process's memory, as it thinks, is done when this can be read.
    borrowed: Option<Arc<OwnFd>>,
}

/// How the tracer is spoken to.
enum Link {
    None,
    /// It has not come yet.
    Waiting(Option<Meeting>),
    Open(Arc<Connections>),
}

/// How tracing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// The process has asked for it.
    Asked,
    /// By another process: all threads stop, for this signal.
    Attached(i32),
}

struct State {
    /// The tracer's process.
    tracer: i32,
    /// What it wants to hear of ([`event`]).
    wants: u32,
    link: Link,
    /// The thread that has stopped the process.
    event: Option<i32>,
    /// All threads are parked for that.
    halted: bool,
    /// The tracer has been told so.
    told: bool,
    lwps: HashMap<i32, Lwp>,
    /// Signals that are delivered without a stop: thread, or 0 for whichever gets it, and the guest's number.
    passing: Vec<(i32, i32)>,
    /// For the child of a fork that is being made: this end and the tracer's of its connections.
    fork: Option<(Connections, Connections)>,
    /// The call that makes it.
    forking: Option<Syscall>,
    /// The process is a child that has not told of itself.
    born: bool,
    /// The process goes on with this signal (the guest's number; 0 for none) once the tracer has its answer: it may execute a program,
    /// which ends the agent.
    resuming: Option<i32>,
    /// The tracer has taken the end.
    collected: bool,
    /// What this process, the child of a [`Tracee::lends_memory`], keeps open until it executes a program or ends.
    borrower: Option<OwnFd>,
    /// Children of vforks that have asked to be traced, with their sockets.
    vforked: HashMap<i32, (RawFd, PathBuf)>,
}

/// A process that may be traced.
pub struct Tracee {
    traced: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    system: System,
}

/// The guest's SIGTRAP, of every system.
const SIGTRAP: i32 = 5;
/// `si_code` of a step (the host's).
const TRAP_TRACE: i32 = 2;

impl Tracee {
    /// One that nobody traces.
    pub fn new(system: System) -> Tracee {
        Tracee {
            traced: AtomicBool::new(false),
            state: Mutex::new(State {
                tracer: 0,
                wants: 0,
                link: Link::None,
                event: None,
                halted: false,
                told: false,
                lwps: HashMap::new(),
                passing: Vec::new(),
                fork: None,
                forking: None,
                born: false,
                resuming: None,
                collected: false,
                borrower: None,
                vforked: HashMap::new(),
            }),
            changed: Condvar::new(),
            system,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody traces it.
    pub fn is_traced(&self) -> bool {
        self.traced.load(SeqCst)
    }

    /// Whether somebody traces the process of a thread; the child of a vfork is one of its own.
    pub fn traces(&self, thread: &Thread) -> bool {
        self.is_traced() && !thread.is_vfork_child()
    }

    /// Who does.
    pub fn tracer(&self) -> i32 {
        self.lock().tracer
    }

    /// What the tracer wants to hear of.
    pub fn wants(&self) -> u32 {
        self.lock().wants
    }

    /// Sets that.
    pub fn set_wants(&self, wants: u32) {
        self.lock().wants = wants;
    }

    /// The thread that a request is about: that of the request, or the one that has stopped the process.
    pub fn thread_of(&self, request: &Request) -> i32 {
        match request.tid {
            0 => self.lock().event.unwrap_or(0),
            tid => tid,
        }
    }

    /// What is known of a thread.
    pub fn lwp(&self, tid: i32) -> Lwp {
        self.lock().lwps.get(&tid).cloned().unwrap_or_default()
    }

    /// Changes that.
    pub fn with_lwp<R>(&self, tid: i32, change: impl FnOnce(&mut Lwp) -> R) -> R {
        change(self.lock().lwps.entry(tid).or_default())
    }

    /// The process asks to be traced by `tracer`, for which it waits at `meeting`.
    pub fn ask(&self, thread: &mut Thread, tracer: i32, wants: u32, meeting: Meeting) {
        if thread.is_vfork_child() {
            // Its memory is its parent's, its descriptors are its own: what is opened here is for the program that it executes.
            let path = meeting.path().to_owned();
            if let Some(listener) = meeting.leave() {
                let number = listener.into_raw_fd();
                self.lock().vforked.insert(thread.tid(), (number, path));
            }
            return;
        }
        self.lock().link = Link::Waiting(Some(meeting));
        self.begin(&thread.process.clone(), tracer, wants, Started::Asked);
    }

    /// Another process has asked for this one.
    pub fn attach(&self, process: &Arc<Process>, tracer: i32, wants: u32, link: Connections) {
        self.lock().link = Link::Open(Arc::new(link));
        let how = Started::Attached(self.system.stop_signal);
        self.begin(process, tracer, wants, how);
    }

    fn begin(&self, process: &Arc<Process>, tracer: i32, wants: u32, how: Started) {
        {
            let mut state = self.lock();
            state.tracer = tracer;
            state.wants = wants;
            state.event = None;
            state.lwps.clear();
            state.passing.clear();
        }
        self.traced.store(true, SeqCst);
        process.see_stops(true);
        self.start_agent(process, how);
    }

    fn start_agent(&self, process: &Arc<Process>, how: Started) {
        let of_process = process.clone();
        let run = move || {
            if let Some(tracee) = of(&of_process) {
                tracee.serve(&of_process, how);
            }
        };
        if !process.spawn_helper("tracee", run) {
            self.abandon(process);
        }
    }

    /// The agent: waits for the tracer and does what it asks for.
    fn serve(&self, process: &Arc<Process>, how: Started) {
        let meeting = match &mut self.lock().link {
            Link::Waiting(meeting) => meeting.take(),
            _ => None,
        };
        if let Some(meeting) = meeting {
            let tracer = self.tracer();
            let connections = meeting.wait_for(
                tracer,
                |fd, pause| {
                    let pause = Timespec::try_from(pause).ok();
                    let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], pause.as_ref());
                },
                || self.is_traced(),
            );
            match connections {
                Some(connections) => {
                    self.lock().link = Link::Open(Arc::new(connections));
                    self.changed.notify_all();
                }
                None if host::syscall(SYS_kill, [tracer as u64, 0, 0, 0, 0, 0]).is_ok() => {
                    // It is there, and does not want to.
                    return self.abandon(process);
                }
                None => return self.lose_tracer(process),
            }
        }
        let link = match &self.lock().link {
            Link::Open(link) => link.clone(),
            _ => return,
        };
        if let Started::Attached(signal) = how {
            self.halt_for(process, signal);
        } else if self.lock().event.is_some() {
            // A thread stopped before the tracer came.
            self.tell_stop();
        }
        loop {
            let Ok(frame) = link.requests.receive() else {
                return self.lose_tracer(process);
            };
            let Ok(request) = postcard::from_bytes::<Request>(&frame) else {
                return self.lose_tracer(process);
            };
            let reply = match request.code {
                COLLECTED => {
                    self.lock().collected = true;
                    self.changed.notify_all();
                    Reply::default()
                }
                _ => (self.system.serve)(process, self, &request),
            };
            let sent = postcard::to_stdvec(&reply).map(|frame| link.requests.send(&frame));
            if !matches!(sent, Ok(Ok(()))) {
                return self.lose_tracer(process);
            }
            let resuming = self.lock().resuming.take();
            if let Some(signal) = resuming {
                self.go_on(process, signal);
            }
            if !self.is_traced() {
                return;
            }
        }
    }

    /// The tracer has ended: so does the tracee.
    fn lose_tracer(&self, process: &Arc<Process>) {
        self.lock().collected = true;
        self.changed.notify_all();
        // One that is waited for nowhere, or ends already, is let go.
        if self.is_traced() && !process.is_ending() {
            (self.system.ends)(true);
            let args = [host::pid() as u64, Signal::SIGKILL.0.into(), 0, 0, 0, 0];
            let _ = host::syscall(SYS_kill, args);
        }
    }

    /// Halts the process for a signal that no thread has come to.
    fn halt_for(&self, process: &Arc<Process>, signal: i32) {
        self.hold_all(process);
        let Some(first) = process.threads().first().map(|t| t.tid) else {
            return;
        };
        {
            let mut state = self.lock();
            let tracer = state.tracer;
            if state.event.is_none() {
                state.event = Some(first);
                let lwp = state.lwps.entry(first).or_default();
                lwp.stopped = true;
                lwp.signal = signal;
                lwp.info = Some(SigInfo::sent_by(Signal::SIGSTOP, tracer));
            }
        }
        self.tell_stop();
    }

    /// Keeps all threads parked until the tracer lets them go.
    fn hold_all(&self, process: &Process) {
        process.stop_all();
        for thread in process.threads() {
            process.hold(&thread, Controller::Tracer, true);
        }
        process.resume_all();
        self.lock().halted = true;
    }

    fn tell_stop(&self) {
        let (link, signal) = {
            let mut state = self.lock();
            let Link::Open(link) = &state.link else {
                return;
            };
            let link = link.clone();
            let Some(tid) = state.event.filter(|_| state.halted) else {
                return;
            };
            if std::mem::replace(&mut state.told, true) {
                return;
            }
            (link, state.lwps.get(&tid).map_or(0, |l| l.signal))
        };
        tell(&link, Notice::Stopped(signal));
    }

    /// The thread has come to something that the tracer wants to hear of: stops the process, and returns the signal that the tracer
    /// lets through when it goes on (the guest's number; 0 for none).
    fn stop(&self, thread: &mut Thread, signal: i32, events: u32, info: Option<SigInfo>) -> i32 {
        self.stop_as(thread, thread.tid(), signal, events, info)
    }

    /// Likewise, for what thread `tid` has come to.
    fn stop_as(
        &self,
        thread: &mut Thread,
        tid: i32,
        signal: i32,
        events: u32,
        info: Option<SigInfo>,
    ) -> i32 {
        let process = thread.process.clone();
        // Others may come meanwhile.
        thread.set_signal_mask(thread.signal_mask());
        self.with_lwp(tid, |lwp| {
            lwp.stopped = true;
            lwp.parked = true;
            lwp.signal = signal;
            lwp.events = events;
            lwp.info = info;
        });
        loop {
            let first = {
                let mut state = self.lock();
                let waits = state.lwps.get(&tid).is_some_and(|l| l.stopped);
                if !self.is_traced() || !waits {
                    break;
                }
                let first = state.event.is_none();
                if first {
                    state.event = Some(tid);
                    state.told = false;
                }
                process.hold(&thread.handle, Controller::Tracer, true);
                first
            };
            if first {
                thread.park_after(|| {
                    self.hold_all(&process);
                    self.tell_stop();
                });
            } else {
                thread.park();
            }
        }
        self.with_lwp(tid, |lwp| {
            // The tracer has gone without a word about this one.
            let void = std::mem::take(&mut lwp.stopped) && info.is_none();
            lwp.parked = false;
            lwp.events = 0;
            lwp.child = 0;
            lwp.info = None;
            if void { 0 } else { lwp.signal }
        })
    }

    /// Stops for what is no signal of the guest's; the one that the tracer wants is on its way afterwards.
    fn stop_at(&self, thread: &mut Thread, signal: i32, events: u32) {
        let wanted = self.stop(thread, signal, events, None);
        self.send(&thread.process.clone(), thread.tid(), Some(thread), wanted);
    }

    /// Sends a signal (the guest's number) that does not stop the tracee again.
    fn send(&self, process: &Process, tid: i32, thread: Option<&Thread>, number: i32) {
        let Some(signal) = host_signal(process, number) else {
            return;
        };
        let pid = host::pid() as u64;
        let sent = u64::from(signal.0);
        // A stop has no effect on a traced process.
        if signal == Signal::SIGSTOP && self.is_traced() {
            return;
        }
        let kill = |number, args: [u64; 3]| {
            let _ = host::syscall(number, [args[0], args[1], args[2], 0, 0, 0]);
        };
        if signal == Signal::SIGKILL || signal == Signal::SIGSTOP {
            return kill(SYS_kill, [pid, sent, 0]);
        }
        // Whoever does not block it may have it.
        let blocked = thread.is_some_and(|t| t.signal_mask().contains(signal));
        let target = if blocked { 0 } else { tid };
        self.lock().passing.push((target, number));
        match target {
            _ if signal.0 > 64 => {
                let info = SigInfo::sent_by(signal, host::pid());
                process.send_beyond((target != 0).then_some(tid), info);
            }
            0 => kill(SYS_kill, [pid, sent, 0]),
            _ => kill(SYS_tgkill, [pid, tid as u64, sent]),
        }
    }

    /// Lets the process go on when the request that is being served has been answered, with a signal (the guest's number; 0 for none)
    /// for the thread that has stopped it.
    pub fn resume(&self, signal: i32) {
        self.lock().resuming = Some(signal);
    }

    fn go_on(&self, process: &Arc<Process>, signal: i32) {
        process.stop_all();
        let reporter = {
            let mut state = self.lock();
            let reporter = state.event.take();
            (state.halted, state.told) = (false, false);
            let mut unparked = None;
            if let Some(tid) = reporter {
                let lwp = state.lwps.entry(tid).or_default();
                lwp.stopped = false;
                lwp.signal = signal;
                if !lwp.parked {
                    lwp.info = None;
                    unparked = Some(tid);
                }
            }
            for thread in process.threads() {
                let suspended = state.lwps.get(&thread.tid).is_some_and(|l| l.suspended);
                process.hold(&thread, Controller::Tracer, suspended);
            }
            unparked
        };
        if let Some(tid) = reporter {
            self.send(process, tid, None, signal);
        }
        process.resume_all();
    }

    /// Likewise, for good.
    pub fn detach(&self, process: &Arc<Process>, signal: i32) {
        self.traced.store(false, SeqCst);
        process.see_stops(false);
        for lwp in self.lock().lwps.values_mut() {
            lwp.suspended = false;
        }
        for thread in process.threads() {
            thread.set_stepping(Controller::Tracer, false);
        }
        let mut state = self.lock();
        state.link = Link::None;
        state.tracer = 0;
        state.wants = 0;
        state.resuming = Some(signal);
    }

    /// Ends tracing from this side.
    fn abandon(&self, process: &Arc<Process>) {
        self.detach(process, 0);
        if let Some(signal) = self.lock().resuming.take() {
            self.go_on(process, signal);
        }
    }
}

/// No signal frame is larger.
const FRAME_SIZE: u64 = 4096;
/// How far below its frame a handler's copy of the context may be that it returns by (libthr's); those of handlers that interrupt it
/// are further down.
const COPY: u64 = 2048;

fn stack_pointer(thread: &Thread) -> u64 {
    let table = thread.process.isa.registers_in_mode(thread.cpu.mode);
    let sp = table.registers.iter().find(|r| r.role == Some(RegRole::Sp));
    sp.map_or(0, |sp| sp.read(&thread.cpu) as u64)
}

fn tell(link: &Connections, notice: Notice) {
    if let Ok(frame) = postcard::to_stdvec(&notice) {
        // The agent finds out if nobody is there.
        let _ = link.notices.send(&frame);
    }
}

/// That of a process.
fn of(process: &Process) -> Option<&Tracee> {
    super::super::freebsd::tracee_of(process)
}
