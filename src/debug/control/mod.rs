//! What the guest's threads and the server's thread share, and the guest's side of it.

mod observer;
mod turns;

use super::catch::Catches;
use super::condition::Conditions;
use super::follow::{ExecStage, Inheritance, VforkChild};
use super::relay::Channel;
use crate::cpu::{CodeControl, Exit};
use crate::host::fd::Identity;
use crate::ir::{Access, Trap, WatchHit};
use crate::process::{
    Controller, End, Observer, Process, SigFields, SigInfo, Signal, Syscall, Thread,
};
use emu_stub::{
    Conversation, Ended, Inferior, Notifier, Pid, Resume, ResumePlan, Stop, StopReason, Tid, Turn,
    WatchKind,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
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
    /// A thread is about to execute a program, and waits for the session to be packed up. The others may still run.
    Exec,
    /// All are halted by an interrupt; waits to be taken.
    Interrupted(Stop),
    /// All are halted, and the debugger knows.
    Stopped(Stop),
}

/// Who serves the debugger. The thread that stops does it itself where it can: handing each stop to another thread and waiting for
/// the resume takes as long again as the debugger's round trip (measured: 11,000 steps a second over loopback, against QEMU's
/// 17,000).
#[derive(Clone, Copy, Debug)]
enum Server {
    /// The server's own thread. Events are for it; it learns of them by the notifier.
    Own,
    /// Nobody: the guest runs, and a thread that has an event serves.
    Nobody,
    /// A guest thread that has stopped.
    Guest,
    /// Nobody: a guest thread came to the end of the session, and the server's thread is to know.
    Ended(Ended),
}

/// After this time without a stop the server's thread listens to the debugger again, who may want to interrupt. It looks every so
/// often meanwhile: being told at each resume would cost what serving in the guest's thread saves.
const QUIET: Duration = Duration::from_millis(10);

pub(super) struct State {
    pub run: Run,
    server: Server,
    /// Grows with each stop that a guest thread has served to its end.
    served: u64,
    /// The server's thread waits for a resume that it is to be told of.
    asleep: bool,
    /// What each thread was told when it was last resumed.
    pub plan: ResumePlan,
    /// Signals that are delivered without a stop (guest's numbers).
    pub pass: HashSet<i32>,
    /// Signals that the debugger sent: (thread, guest's number). They are delivered without another stop.
    pub injected: Vec<(Tid, i32)>,
    /// Threads that are parked with a signal about to be delivered.
    pub at_signal: HashMap<Tid, SigInfo>,
    /// Those of them whose signal belongs to a state that is no more: the debugger has sent the thread elsewhere.
    pub signal_void: HashSet<Tid>,
    /// The debugger has sent SIGKILL: the process is to end when it has been told.
    pub killed: bool,
    /// A debugger is connected.
    connected: bool,
    /// The debugger has been told of the guest's end.
    pub end_told: bool,
    /// Threads that the debugger has been told the end of.
    pub gone: HashSet<Tid>,
    /// Children of forks that the debugger has not been told of.
    pub(super) children: VecDeque<Channel>,
    /// The child of a vfork that the debugger has.
    pub(super) vfork: Option<VforkChild>,
    pub(super) exec: ExecStage,
    /// The `execve` that is being made is one of the debugged guest.
    pub(super) exec_debugged: bool,
    /// What stays open across an `execve` that is being made.
    pub(super) kept_open: (Option<OwnedFd>, Vec<RawFd>),
    /// The end of a channel that the child of a vfork takes along in its `execve`.
    pub(super) kept_channel: Option<Channel>,
}

impl State {
    fn new(run: Run) -> State {
        State {
            run,
            server: Server::Own,
            served: 0,
            asleep: false,
            plan: ResumePlan::all(Resume::Continue { signal: None }),
            pass: HashSet::new(),
            injected: Vec::new(),
            at_signal: HashMap::new(),
            signal_void: HashSet::new(),
            killed: false,
            connected: false,
            end_told: false,
            gone: HashSet::new(),
            children: VecDeque::new(),
            vfork: None,
            exec: ExecStage::None,
            exec_debugged: false,
            kept_open: (None, Vec::new()),
            kept_channel: None,
        }
    }
}

/// What is waited for and locked. The child of a fork begins a generation of its own: locks of the one before may be held by
/// threads that are no more.
struct Generation {
    state: Mutex<State>,
    /// `run`, `exec`, `vfork` or `end_told` changed.
    changed: Condvar,
    /// `server` or `asleep` changed.
    server_changed: Condvar,
    notifier: Notifier,
    /// The present session. Locked by whoever serves, before `state`.
    conversation: Mutex<Option<Conversation<'static>>>,
    next: OnceLock<Box<Generation>>,
}

impl Generation {
    fn new(run: Run) -> io::Result<Generation> {
        Ok(Generation {
            state: Mutex::new(State::new(run)),
            changed: Condvar::new(),
            server_changed: Condvar::new(),
            notifier: new_notifier()?,
            conversation: Mutex::new(None),
            next: OnceLock::new(),
        })
    }
}

/// A flag whose descriptors are the emulator's own.
pub(super) fn new_notifier() -> io::Result<Notifier> {
    let pipe = || io::pipe().map(|(reader, writer)| vec![reader.into(), writer.into()]);
    let mut ends = crate::host::fd::raised_all(pipe)?.into_iter();
    match (ends.next(), ends.next()) {
        (Some(reader), Some(writer)) => Ok(Notifier::over(reader.into(), writer.into())),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Serves the guest to the process at the other end of the channel, from a thread of its own.
type Service = dyn Fn(Channel) + Send + Sync;

/// What an emulator that runs another program of a guest that nobody debugs is to inherit.
type Pack = dyn Fn() -> Option<Inheritance> + Send + Sync;

/// How [`Control::serve`] came to its end.
pub enum Served {
    /// The session is over; the inferior is given back.
    Ended(Ended, &'static mut (dyn Inferior + 'static)),
    /// The session is to be served by another process or program.
    Moving(Box<Conversation<'static>>),
}

/// Where the guest's dynamic linker says that its list has changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkerEvent {
    /// The function that it calls for debuggers. A breakpoint of the process's own is there.
    pub pc: u64,
    /// Address of the word with the address of the list's root.
    pub slot: u64,
}

/// Connects the guest's threads with the debugger's.
pub struct Control {
    /// Somebody debugs. Events pass by otherwise. Without a lock, as the child of a fork clears it.
    attached: AtomicBool,
    generation: Generation,
    /// The child of a vfork that the debugger has, or 0.
    pub(super) vfork_child: AtomicI32,
    /// Other processes are served by way of this one.
    pub(super) relatives: AtomicBool,
    /// The descriptors of the session.
    pub(super) descriptors: Mutex<Vec<Identity>>,
    pub(super) service: OnceLock<Box<Service>>,
    pub(super) undisturbed: OnceLock<Box<Pack>>,
    pub(super) conditions: Conditions,
    pub(super) catches: Catches,
    linker_event: Mutex<Option<LinkerEvent>>,
    /// How long a guest that has ended waits for the debugger to be told, at most.
    patience: Duration,
}

impl Control {
    /// For a guest that is about to start. `suspended`: it waits for the debugger before its first instruction.
    ///
    /// # Errors
    /// No more file descriptors.
    pub fn new(suspended: bool) -> io::Result<Control> {
        Ok(Control {
            attached: AtomicBool::new(suspended),
            generation: Generation::new(if suspended {
                Run::Starting
            } else {
                Run::Running
            })?,
            vfork_child: AtomicI32::new(0),
            relatives: AtomicBool::new(false),
            descriptors: Mutex::default(),
            service: OnceLock::new(),
            undisturbed: OnceLock::new(),
            catches: Catches::default(),
            conditions: Conditions::default(),
            linker_event: Mutex::default(),
            patience: LAST_WORDS,
        })
    }

    /// Says who serves the children of forks that the debugger wants.
    pub fn set_service(&self, service: Box<Service>) {
        let _ = self.service.set(service);
    }

    /// Says what an emulator inherits that runs another program of a guest that nobody debugs.
    pub fn set_undisturbed(&self, pack: Box<Pack>) {
        let _ = self.undisturbed.set(pack);
    }

    fn generation(&self) -> &Generation {
        let mut generation = &self.generation;
        while let Some(next) = generation.next.get() {
            generation = next;
        }
        generation
    }

    /// This is the child of a fork: begins anew, with nothing locked. Nothing else runs here yet.
    pub(super) fn begin_generation(&self, run: Run) {
        // Out of descriptors: the child runs undebugged with the locks of its parent, which it then has no use for.
        match Generation::new(run) {
            Ok(next) => {
                let _ = self.generation().next.set(Box::new(next));
            }
            Err(_) => self.set_attached(false),
        }
    }

    /// Where changes of the list of libraries are told.
    pub(super) fn linker_event(&self) -> Option<LinkerEvent> {
        *self
            .linker_event
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_linker_event(&self, event: Option<LinkerEvent>) {
        *self
            .linker_event
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = event;
    }

    /// What wakes those who wait for a change of the state.
    pub(super) fn changed(&self) -> &Condvar {
        &self.generation().changed
    }

    fn server_changed(&self) -> &Condvar {
        &self.generation().server_changed
    }

    /// Is set when there is something for [`super::Live`] to take.
    pub(super) fn notifier(&self) -> &Notifier {
        &self.generation().notifier
    }

    /// The guest's end waits for the debugger however long it takes: it is a user in this very process.
    #[must_use]
    pub fn with_patience(self) -> Control {
        self.lock().connected = true;
        Control {
            patience: Duration::MAX,
            ..self
        }
    }

    /// Whether somebody debugs.
    pub fn is_attached(&self) -> bool {
        self.attached.load(SeqCst)
    }

    /// Whether somebody debugs that thread. The child of a vfork is in this memory, but is another process.
    pub(super) fn watches(&self, thread: &Thread) -> bool {
        if thread.is_vfork_child() {
            self.vfork_child.load(SeqCst) == thread.tid()
        } else {
            self.is_attached()
        }
    }

    pub(super) fn set_attached(&self, attached: bool) {
        self.attached.store(attached, SeqCst);
    }

    /// Says whether a debugger is connected, who may have found the guest halted or leave it so.
    pub fn set_connected(&self, process: &Process, connected: bool) {
        let mut state = self.lock();
        state.connected = connected;
        if let Run::Stopped(stop) = &state.run {
            let stop = stop.clone();
            self.set_stopped(process, &mut state, stop);
        }
    }

    /// Says that the guest is halted until the debugger lets it go. A SIGTERM must end it then too: nobody else would. So must Ctrl-C
    /// while it waits for a debugger.
    pub(super) fn set_stopped(&self, process: &Process, state: &mut State, stop: Stop) {
        state.run = Run::Stopped(stop);
        let signals = [
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
        ];
        let count = if state.connected { 2 } else { signals.len() };
        process.end_while_halted_by(&signals[..count]);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.generation()
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the main thread has come to its first instruction.
    pub(super) fn wait_started(&self) {
        let mut state = self.lock();
        while matches!(state.run, Run::Starting) {
            state = self
                .changed()
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets a guest go that has ended and waits for the debugger to be told so.
    pub fn tell_end(&self) {
        self.lock().end_told = true;
        self.changed().notify_all();
    }

    /// Parks `thread` until the debugger resumes it. The event is queued if there is no other; otherwise it is for the caller
    /// to come again. Returns whether it was queued.
    pub(super) fn report(&self, thread: &mut Thread, reason: StopReason) -> bool {
        let stop = Stop {
            pid: crate::host::pid() as Pid,
            tid: thread.tid() as Tid,
            reason,
        };
        self.report_as(thread, stop)
    }

    /// As [`Control::report`], for an event that is another thread's.
    pub(super) fn report_as(&self, thread: &mut Thread, stop: Stop) -> bool {
        let mut state = self.lock();
        // Before the debugger can see the event: it is the one who ends the hold.
        thread
            .process
            .hold(&thread.handle, Controller::Debugger, true);
        let queued = matches!(state.run, Run::Running);
        let mut serves = false;
        if queued {
            state.run = Run::Event(stop);
            // The child of a vfork is another process, which the emulator's own affairs are nothing to.
            serves = matches!(state.server, Server::Nobody) && !thread.is_vfork_child();
            if serves {
                state.server = Server::Guest;
            } else {
                self.wake_server(&mut state);
            }
        }
        drop(state);
        if serves {
            thread.park_after(|| self.serve_stop());
        } else {
            thread.park();
        }
        queued
    }

    /// Tells the server's own thread that there is something to take.
    pub(super) fn wake_server(&self, state: &mut State) {
        self.notifier().set();
        if matches!(state.server, Server::Nobody) {
            state.server = Server::Own;
            self.server_changed().notify_all();
        }
    }

    /// Waits until the debugger has been told of the guest's end, or is gone, or is slow.
    fn await_told(&self, watched: &dyn Fn() -> bool) {
        let mut state = self.lock();
        loop {
            let told = self
                .changed()
                .wait_timeout_while(state, self.patience, |s| !s.end_told && watched());
            let (after, timeout) = told.unwrap_or_else(PoisonError::into_inner);
            state = after;
            // Those who are served by way of this process may be looked at for longer.
            let serves = state.connected && self.relatives.load(SeqCst);
            if !timeout.timed_out() || !serves {
                return;
            }
        }
    }

    /// What the debugger wants of a thread.
    fn action(&self, tid: i32) -> Option<Resume> {
        let pid = crate::host::pid() as Pid;
        self.lock().plan.action(pid, tid as Tid)
    }
}
