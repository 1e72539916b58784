//! A debugger's session: state, dispatch of packets, replies. The handlers are in `gdb/` and `lldb/`.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

use crate::core::{Core, Guest};
use crate::framing::{Deframer, Input, Writer};
use crate::inferior::{CatchSyscalls, Error, Inferior, Pid, ResumePlan, State, StopReason, Tid};
use crate::monitor::Monitor;
use crate::packets::{self, Handler, Packet};
use crate::thread_id::{Id, ThreadId};

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The debugger detached; the inferior runs on by itself.
    Detached,
    /// The debugger killed the inferior.
    Killed,
    /// The inferior exited, and the debugger has been told.
    Exited,
    /// The connection broke or was closed. The inferior is as the debugger left it, stopped or running.
    Disconnected,
}

/// Added to process ids that lldb is shown: past the largest id that Linux has (2^22), so that lldb never finds such a process
/// on this host. It would take `/proc/PID/exe` for the executable and load the emulator (llvm-project issue 87463).
pub(crate) const SHOWN_PID_OFFSET: u64 = 1 << 26;

/// What the debugger said of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Client {
    /// It is gdb (`qSupported` names a feature that only gdb has).
    pub gdb: bool,
    /// It is lldb (it asked for the thread suffix).
    pub lldb: bool,
    pub no_ack: bool,
    pub multiprocess: bool,
    pub swbreak: bool,
    pub hwbreak: bool,
    pub fork_events: bool,
    pub vfork_events: bool,
    pub exec_events: bool,
    /// gdb 15 and later: `E.text`.
    pub error_texts: bool,
    /// lldb: `Enn;text in hex`.
    pub error_strings: bool,
    pub threads_in_stop: bool,
    /// `!`: the session outlives the process.
    pub extended: bool,
}

/// A session on its way to another process or program that serves it from then on. What belongs to the one that served it (open
/// files, saved registers, the state of `monitor` commands) stays behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedSession {
    client: Client,
    pid: Pid,
    thread: Tid,
    pid_offset: u64,
    thread_events: bool,
    attached: bool,
    running: bool,
    plan: Option<ResumePlan>,
    sent: Vec<u8>,
    unread: Vec<u8>,
}

/// What a handler has done. What it wrote is the reply's body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The reply has been written.
    Body,
    /// `OK`.
    Ok,
    /// No reply now: a stop reply follows.
    Later,
    /// No reply at all.
    Nothing,
    /// No reply at all, and the session ends.
    Silent(Ended),
    /// What was written is the reply, and the session ends.
    Last(Ended),
}

pub(crate) type Outcome = Result<Answer, Error>;

/// The error for a packet that does not follow its format.
pub(crate) fn malformed() -> Error {
    Error::Invalid("malformed packet".into())
}

/// The number in an `E` reply: those of Linux, which debuggers print as they are.
pub(crate) fn error_number(e: &Error) -> u8 {
    match e {
        Error::NoThread(_) | Error::NoProcess(_) => 3,
        Error::Failed(_) => 5,
        Error::Fault(_) => 14,
        Error::WrongState(_) => 16,
        Error::NoRegister(_) | Error::Invalid(_) => 22,
        Error::Unavailable => 61,
        Error::Unsupported(_) => 95,
    }
}

/// One debugger's session over an inferior. Bytes go in, replies come out; [`crate::Server`] moves them over a socket.
pub struct Session<'i> {
    pub(crate) guest: Guest<'i>,
    core: Core<'i>,
    deframer: Deframer,
    pub(crate) out: Writer,
    /// The latest replies, for `-`.
    sent: Vec<u8>,
    pub(crate) client: Client,
    /// A resume has been answered with silence, and the stop reply is owed.
    running: bool,
    /// The last plan, to go on after an event that the debugger has not asked for.
    pub(crate) plan: Option<ResumePlan>,
    /// Process that requests are about.
    pub(crate) pid: Pid,
    /// Thread of `Hc`, for the old resume packets.
    pub(crate) resume_thread: Id,
    /// Register values by the id of `QSaveRegisterState`.
    pub(crate) saved_registers: HashMap<u64, Vec<Option<Vec<u8>>>>,
    pub(crate) thread_events: bool,
    /// The inferior ran by itself when the debugger came.
    pub(crate) attached: bool,
    /// Name of the object that [`Guest::document`] is.
    pub(crate) document: &'static str,
}

impl<'i> Session<'i> {
    /// A session that has just begun, over an inferior that is stopped.
    pub fn new(inferior: &'i mut (dyn Inferior + 'static), monitor: Monitor) -> Session<'i> {
        forget_last_debugger(inferior);
        let mut session = Session::over(inferior, monitor);
        session.adopt_state();
        session
    }

    fn over(inferior: &'i mut (dyn Inferior + 'static), monitor: Monitor) -> Session<'i> {
        let target = inferior.target();
        let capabilities = inferior.capabilities();
        let pid = inferior.processes().first().copied().unwrap_or(0);
        Session {
            guest: Guest {
                inferior,
                target,
                capabilities,
                thread: 0,
                document: Vec::new(),
                files: Default::default(),
                monitor,
                failure: None,
                pid_offset: 0,
            },
            core: Core::default(),
            deframer: Deframer::default(),
            out: Writer::default(),
            sent: Vec::new(),
            client: Client::default(),
            running: false,
            plan: None,
            pid,
            resume_thread: Id::Any,
            saved_registers: HashMap::new(),
            thread_events: false,
            attached: false,
            document: "",
        }
    }

    /// Goes on with a session that another process or program served before, over an inferior that has the debugged processes
    /// now.
    pub fn restore(
        inferior: &'i mut (dyn Inferior + 'static),
        monitor: Monitor,
        saved: SavedSession,
    ) -> Session<'i> {
        let mut session = Session::over(inferior, monitor);
        session.client = saved.client;
        session.pid = saved.pid;
        session.guest.thread = saved.thread;
        session.guest.pid_offset = saved.pid_offset;
        session.thread_events = saved.thread_events;
        session.attached = saved.attached;
        session.running = saved.running;
        session.plan = saved.plan;
        session.sent = saved.sent;
        session.deframer.push(&saved.unread);
        session
    }

    /// What the session is to go on with elsewhere.
    pub fn save(&self) -> SavedSession {
        SavedSession {
            client: self.client.clone(),
            pid: self.pid,
            thread: self.guest.thread,
            pid_offset: self.guest.pid_offset,
            thread_events: self.thread_events,
            attached: self.attached,
            running: self.running,
            plan: self.plan.clone(),
            sent: self.sent.clone(),
            unread: self.deframer.rest().to_vec(),
        }
    }

    /// Takes the inferior's present state as the session's. One that was interrupted for the debugger ran by itself before.
    fn adopt_state(&mut self) {
        if let State::Stopped(stop) = self.guest.inferior.state() {
            self.attached = stop.reason == StopReason::Interrupted;
            let threads = self.guest.inferior.threads();
            self.guest.thread = match threads.first() {
                Some(first) if !threads.contains(&stop.tid) => *first,
                _ => stop.tid,
            };
        }
    }

    /// Takes a program that has been started anew as the session's.
    pub(crate) fn refresh(&mut self) {
        self.guest.target = self.guest.inferior.target();
        self.pid = self
            .guest
            .inferior
            .processes()
            .first()
            .copied()
            .unwrap_or(0);
        self.saved_registers.clear();
        self.adopt_state();
    }

    /// Whether the inferior runs and the debugger waits for its stop.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// The inferior.
    pub fn inferior(&mut self) -> &mut (dyn Inferior + 'static) {
        self.guest.inferior
    }

    /// Gives the inferior back.
    pub fn into_inferior(self) -> &'i mut (dyn Inferior + 'static) {
        self.guest.inferior
    }

    /// Bytes to be sent. [`Session::sent`] forgets them.
    pub fn pending(&self) -> &[u8] {
        self.out.pending()
    }

    /// Says that [`Session::pending`] has been sent.
    pub fn sent(&mut self) {
        if !self.client.no_ack && !self.out.pending().is_empty() {
            self.sent.clear();
            self.sent.extend_from_slice(self.out.pending());
        }
        self.out.clear();
    }

    /// Takes bytes from the debugger and acts on what is complete in them. Returns how the session ended, if it did; what is
    /// pending then is still to be sent.
    pub fn receive(&mut self, bytes: &[u8]) -> Option<Ended> {
        self.deframer.push(bytes);
        while let Some(input) = self.deframer.take() {
            if let Some(end) = self.input(input) {
                return Some(end);
            }
        }
        None
    }

    fn input(&mut self, input: Input) -> Option<Ended> {
        match input {
            Input::Packet(body) => self.packet(&body),
            // Without acknowledgements nobody would send it again, so it is taken as it is.
            Input::Damaged(body) if self.client.no_ack => self.packet(&body),
            Input::Damaged(_) => {
                self.out.raw(b"-");
                None
            }
            Input::TooLong => {
                self.acknowledge();
                self.out.begin();
                self.write_error(&Error::Invalid("packet too long".into()));
                self.out.end();
                None
            }
            Input::Ack => None,
            Input::Nack => {
                if !self.client.no_ack {
                    let again = std::mem::take(&mut self.sent);
                    self.out.raw(&again);
                }
                None
            }
            Input::Interrupt => {
                // While stopped it has crossed with a stop reply, which is the answer to it.
                if self.running
                    && let Err(e) = self.guest.inferior.interrupt()
                {
                    self.console(&format!("cannot interrupt: {e}\n"));
                }
                None
            }
        }
    }

    fn acknowledge(&mut self) {
        if !self.client.no_ack {
            self.out.raw(b"+");
        }
    }

    fn packet(&mut self, body: &[u8]) -> Option<Ended> {
        self.acknowledge();
        let row = packets::find(body);
        self.out.begin();
        let outcome = match row {
            Some(row) if self.running && !row.while_running => {
                Err(Error::WrongState("the program is running"))
            }
            Some(row) => self.handle(row, body),
            None => Ok(Answer::Body),
        };
        match outcome {
            Ok(Answer::Body) => self.out.end(),
            Ok(Answer::Ok) => {
                self.out.text("OK");
                self.out.end();
            }
            Ok(Answer::Later) => {
                self.out.cancel();
                self.running = true;
            }
            Ok(Answer::Nothing) => self.out.cancel(),
            Ok(Answer::Silent(end)) => {
                self.out.cancel();
                return Some(end);
            }
            Ok(Answer::Last(end)) => {
                self.out.end();
                return Some(end);
            }
            Err(e) => {
                self.out.restart();
                // An empty reply says "no such packet": the debugger then does without. For a command that would make it look
                // for other ways (poking breakpoints into memory), so those fail with the reason.
                if !matches!(e, Error::Unsupported(_)) || row.is_none_or(Packet::is_command) {
                    self.write_error(&e);
                }
                self.out.end();
            }
        }
        None
    }

    fn handle(&mut self, row: &'static Packet, body: &[u8]) -> Outcome {
        match row.handler {
            Handler::Ours(handler) => {
                let args = &body[row.name.len()..];
                // Names of words are followed by a separator, which is no part of the arguments.
                let args = match args {
                    [b':' | b';' | b',', rest @ ..] if row.name.len() > 1 => rest,
                    _ => args,
                };
                handler(self, args)
            }
            Handler::Core => self.ask_core(body),
            Handler::Nobody => Ok(Answer::Body),
        }
    }

    /// Has gdbstub answer a packet. What it sends besides the reply (console output) goes out before it.
    pub(crate) fn ask_core(&mut self, body: &[u8]) -> Outcome {
        self.guest.failure = None;
        let framed = self
            .core
            .answer(&mut self.guest, body)
            .map_err(|_| malformed())?;
        if let Some(failure) = self.guest.failure.take() {
            return Err(failure);
        }
        let last = framed.iter().rposition(|b| *b == b'$').unwrap_or(0);
        let (before, reply) = framed.split_at(last);
        self.out.cancel();
        self.out.raw(before);
        self.out.begin();
        let body = reply.strip_prefix(b"$").unwrap_or(reply);
        self.out.text(&body[..body.len().saturating_sub(3)]);
        Ok(Answer::Body)
    }

    /// Writes an error reply in the best form that the debugger understands.
    fn write_error(&mut self, e: &Error) {
        if self.client.error_texts {
            self.out.text(format!("E.{}", printable(&e.to_string())));
        } else {
            self.out.text("E");
            self.out.hex(&[error_number(e)]);
            if self.client.error_strings {
                self.out.text(";");
                self.out.hex(e.to_string().as_bytes());
            }
        }
    }

    /// Shows a text on the debugger's console; only while the debugger waits for a stop, and outside of a reply.
    pub(crate) fn console(&mut self, text: &str) {
        self.out.begin();
        self.out.text("O");
        self.out.hex(text.as_bytes());
        self.out.end();
    }

    /// To be called when the inferior's descriptor is readable: reports its stop, if there is one.
    pub fn stopped(&mut self) -> Option<Ended> {
        let stop = self.guest.inferior.take_stop()?;
        if let Some(tid) = self.unwanted_child(&stop.reason) {
            return self.let_child_go(stop.pid, tid);
        }
        if matches!(
            stop.reason,
            StopReason::ThreadCreated | StopReason::ThreadExited(_)
        ) && !self.thread_events
        {
            return self.go_on();
        }
        if !self.running {
            // Nobody asked: the debugger learns of it with `?`.
            self.adopt_state();
            return None;
        }
        self.running = false;
        self.select(stop.pid, stop.tid);
        if let StopReason::Exec(_) = stop.reason {
            self.guest.target = self.guest.inferior.target();
        }
        if let StopReason::InternalError(text) = &stop.reason {
            self.console(&format!("emu: internal error: {text}\n"));
        }
        self.out.begin();
        self.write_stop(&stop);
        self.out.end();
        let over = stop.is_exit() && self.guest.inferior.processes().is_empty();
        (over && !self.client.extended).then_some(Ended::Exited)
    }

    /// The child of a fork that the debugger cannot follow.
    fn unwanted_child(&self, reason: &StopReason) -> Option<Pid> {
        match reason {
            StopReason::Fork { pid, .. } if !self.client.fork_events => Some(*pid),
            StopReason::VFork { pid, .. } if !self.client.vfork_events => Some(*pid),
            StopReason::VForkDone if !self.client.vfork_events => Some(0),
            StopReason::Exec(_) if !self.client.exec_events && !self.client.lldb => Some(0),
            _ => None,
        }
    }

    /// Detaches a child (0: there is none) and goes on with the parent.
    fn let_child_go(&mut self, parent: Pid, child: Pid) -> Option<Ended> {
        if child != 0 {
            let inferior = &mut *self.guest.inferior;
            let gone = inferior
                .select_process(child)
                .and_then(|()| inferior.detach(None));
            let back = inferior.select_process(parent);
            if let Err(e) = gone.and(back) {
                self.console(&format!("cannot let process {child} go: {e}\n"));
            }
        } else {
            self.guest.target = self.guest.inferior.target();
        }
        self.go_on()
    }

    /// Resumes as before, after an event that is not reported.
    pub(crate) fn go_on(&mut self) -> Option<Ended> {
        let all = ResumePlan::all(crate::Resume::Continue { signal: None });
        let mut plan = self.plan.clone().unwrap_or(all);
        let alive = self.all_threads();
        plan.threads
            .retain(|(tid, _)| alive.iter().any(|(_, t)| t == tid));
        plan.forget_signals();
        if let Err(e) = self.guest.inferior.resume(plan) {
            self.console(&format!("cannot go on: {e}\n"));
        }
        None
    }

    // ---- threads and processes ----

    /// Makes a thread the one that requests are about.
    pub(crate) fn select(&mut self, pid: Pid, tid: Tid) {
        if pid != self.pid && self.guest.inferior.select_process(pid).is_ok() {
            self.pid = pid;
        }
        self.guest.thread = tid;
    }

    /// The id under which a process is shown to the debugger.
    pub(crate) fn shown_pid(&self, pid: Pid) -> u64 {
        u64::from(pid) + self.guest.pid_offset
    }

    /// The process that the debugger means.
    pub(crate) fn process(&mut self, shown: u64) -> Result<Pid, Error> {
        let unknown = Error::NoProcess(shown as Pid);
        let pid = shown
            .checked_sub(self.guest.pid_offset)
            .and_then(|n| Pid::try_from(n).ok())
            .ok_or(unknown.clone())?;
        if self.guest.inferior.processes().contains(&pid) {
            Ok(pid)
        } else {
            Err(unknown)
        }
    }

    /// Switches to the process that an id names, if it names one.
    pub(crate) fn enter(&mut self, pid: Option<Id>) -> Result<(), Error> {
        if let Some(Id::One(shown)) = pid {
            let pid = self.process(shown)?;
            if pid != self.pid {
                self.guest.inferior.select_process(pid)?;
                self.pid = pid;
            }
        }
        Ok(())
    }

    /// The one thread that an id means; for "any" and "all" the selected one if it lives, else the first. Switches to its process.
    pub(crate) fn thread(&mut self, id: ThreadId) -> Result<Tid, Error> {
        self.enter(id.pid)?;
        let threads = self.guest.inferior.threads();
        match id.tid {
            Id::One(n) => {
                let tid = Tid::try_from(n).map_err(|_| Error::NoThread(Tid::MAX))?;
                threads
                    .contains(&tid)
                    .then_some(tid)
                    .ok_or(Error::NoThread(tid))
            }
            _ if threads.contains(&self.guest.thread) => Ok(self.guest.thread),
            _ => threads.first().copied().ok_or(Error::NoThread(0)),
        }
    }

    /// Writes a thread id.
    pub(crate) fn write_thread(&mut self, pid: Pid, tid: Tid) {
        if self.client.multiprocess {
            let pid = self.shown_pid(pid);
            self.out.text("p");
            self.out.number(pid);
            self.out.text(".");
        }
        self.out.number(tid.into());
    }
}

/// Clears what a debugger may have left that went without detaching.
fn forget_last_debugger(inferior: &mut dyn Inferior) {
    let _ = [
        // Each fails only where there can be nothing to clear.
        inferior.clear_breakpoints(),
        inferior.catch_syscalls(CatchSyscalls::None),
        inferior.pass_signals(&[]),
        inferior.report_thread_events(false),
        inferior.report_forks(false),
        inferior.report_libraries(false),
    ];
}

/// A text that can stand in a reply: the frame's own characters and controls are replaced.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '#' | '$' | '}' | '*' => '?',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '?',
        })
        .collect()
}
