//! The side of the front end.

mod file;
mod inferior;
mod line;

use super::calls::{Call, Registers};
use super::{Hello, Message, Wire, receive, send};
use crate::file::FileError;
use crate::inferior::*;
use line::Line;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a process that has closed its end may take to be gone. One that stays longer has executed another program.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process of a program, and the connection to who serves it there.
pub struct Link {
    /// The process.
    pub child: Child,
    /// The connection, whose other end has only the process.
    pub stream: UnixStream,
}

/// Starts processes for programs.
pub trait Launch: Send {
    /// Starts a process that serves the program from before its first instruction.
    ///
    /// # Errors
    /// There is no process. One that cannot load its program says so itself, and ends.
    fn launch(&mut self, program: Option<PathBuf>, arguments: &StartArguments) -> io::Result<Link>;

    /// The arguments of [`StartArguments::Same`], without the program.
    fn arguments(&self) -> Vec<Vec<u8>>;
}

/// What is known of a stop: until something changes it, there is no need to ask again.
#[derive(Default)]
struct Known {
    registers: HashMap<Tid, Registers>,
    /// By number, of 4 KiB each.
    pages: HashMap<u64, Vec<u8>>,
    threads: Option<Vec<Tid>>,
}

const PAGE: u64 = 4096;
/// Pages that are kept at most.
const MAX_PAGES: usize = 256;

/// An inferior in another process.
pub struct Proxy {
    launch: Option<Box<dyn Launch>>,
    /// The process, if it is one of ours.
    child: Option<Child>,
    pid: Pid,
    /// `None` once the process does not answer any more.
    line: Option<Arc<Line>>,
    notes: VecDeque<Vec<u8>>,
    capabilities: Capabilities,
    target: Arc<TargetDescription>,
    state: State,
    signals: Vec<u8>,
    known: Known,
    /// Nobody waits for the process: it has been let go. Another one may be at the other end of the line by now.
    detached: bool,
}

/// What the user is told after the end.
const ENDED: Error = Error::WrongState("the program has ended");

fn greeted(wire: &dyn Wire) -> io::Result<Hello> {
    match receive(wire)? {
        Message::Hello(hello) => Ok(*hello),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

impl Proxy {
    /// Starts the first process; it is stopped before its program's first instruction.
    ///
    /// # Errors
    /// There is no process, or it has ended.
    pub fn start(mut launch: Box<dyn Launch>) -> std::result::Result<Proxy, Refused> {
        let Link { mut child, stream } = launch
            .launch(None, &StartArguments::Same)
            .map_err(Refused::Launch)?;
        let Ok(hello) = greeted(&stream) else {
            return Err(Refused::Ended(child.wait().map_err(Refused::Launch)?));
        };
        let mut proxy = Proxy::greeted(hello, Box::new(stream));
        (proxy.launch, proxy.pid, proxy.child) = (Some(launch), child.id(), Some(child));
        Ok(proxy)
    }

    /// The inferior at the other end of `wire`, which introduces itself first. It ends without this one.
    ///
    /// # Errors
    /// The other process is gone.
    pub fn over(wire: Box<dyn Wire>) -> io::Result<Proxy> {
        Ok(Proxy::greeted(greeted(&*wire)?, wire))
    }

    /// The same where another process has been served before, which asks for the introduction.
    ///
    /// # Errors
    /// The other process is gone.
    pub fn taken_over(wire: Box<dyn Wire>) -> io::Result<Proxy> {
        send(&*wire, &Call::introduce {})?;
        Proxy::over(wire)
    }

    fn greeted(hello: Hello, wire: Box<dyn Wire>) -> Proxy {
        Proxy {
            launch: None,
            child: None,
            pid: hello.pid,
            line: Some(Line::new(wire)),
            notes: VecDeque::new(),
            capabilities: hello.capabilities,
            target: Arc::new(hello.target),
            state: hello.state,
            signals: hello.signals,
            known: Known::default(),
            detached: false,
        }
    }

    /// The process that the inferior began with.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether something came in with an answer, which is not to be polled for any more.
    pub fn has_news(&self) -> bool {
        self.line
            .as_ref()
            .is_some_and(|line| !line.news().is_empty())
    }

    /// What the other process has sent that is not the inferior's. Comes in with [`Inferior::take_stop`], in the order of both.
    pub fn take_note(&mut self) -> Option<Vec<u8>> {
        self.notes.pop_front()
    }

    /// Sends the other process something that is not the inferior's, and waits until it has it.
    ///
    /// # Errors
    /// It is gone.
    pub fn send_note(&self, bytes: Vec<u8>) -> io::Result<()> {
        let Some(line) = &self.line else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        line.reply(&Call::note { bytes }).map(drop)
    }

    /// Waits for the end of a process that has been let go.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        match &mut self.child {
            Some(child) => child.wait(),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Asks for what an inferior answers without fail.
    fn ask<T: DeserializeOwned>(&self, call: Call) -> Option<T> {
        self.line.as_ref()?.ask(&call)
    }

    fn ask_file<T: DeserializeOwned>(&self, call: Call) -> std::result::Result<T, FileError> {
        match &self.line {
            Some(line) => line.ask_file(&call),
            None => Err(FileError::Io),
        }
    }

    fn request<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        self.ask::<Result<T>>(call).unwrap_or(Err(ENDED))
    }

    /// Asks for something that changes what is known.
    fn change<T: DeserializeOwned>(&mut self, call: Call) -> Result<T> {
        self.known = Known::default();
        self.request(call)
    }

    /// The process does not answer any more: what has become of it.
    fn lost(&mut self) -> Stop {
        self.line = None;
        let begin = Instant::now();
        let reason = loop {
            let Some(child) = self.child.as_mut().filter(|_| !self.detached) else {
                // Nothing else ends it without a word.
                break StopReason::Terminated(libc::SIGKILL);
            };
            match child.try_wait() {
                Ok(None) if begin.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(None) => {
                    self.detached = true;
                    break StopReason::Lost("it has executed another program");
                }
                Ok(Some(status)) => break self.reason_of(status),
                Err(_) => break StopReason::Lost("its process cannot be waited for"),
            }
        };
        let stop = Stop {
            pid: self.pid,
            tid: self.pid,
            reason,
        };
        self.state = State::Stopped(stop.clone());
        stop
    }

    fn reason_of(&self, status: ExitStatus) -> StopReason {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => StopReason::Exited(code as u8),
            // The host's number; the two that end a process from outside are the same everywhere.
            (None, Some(signal)) => StopReason::Terminated(signal),
            (None, None) => StopReason::Lost("its process cannot be waited for"),
        }
    }

    /// Ends the process, if there is one of ours.
    fn end(&mut self) {
        self.line = None;
        self.notes.clear();
        let ended = matches!(&self.state, State::Stopped(stop) if stop.is_exit());
        if !ended {
            self.state = State::Stopped(Stop {
                pid: self.pid,
                tid: self.pid,
                reason: StopReason::Terminated(libc::SIGKILL),
            });
        }
        self.known = Known::default();
        if let Some(child) = &mut self.child
            && !self.detached
        {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The page of that number, if all of it can be read.
    fn page(&mut self, number: u64) -> Option<&[u8]> {
        if !self.known.pages.contains_key(&number) {
            let addr = number * PAGE;
            let len = PAGE as usize;
            let bytes: Vec<u8> = self.request(Call::read_memory { addr, len }).ok()?;
            if bytes.len() < len {
                return None;
            }
            if self.known.pages.len() >= MAX_PAGES {
                self.known.pages.clear();
            }
            self.known.pages.insert(number, bytes);
        }
        self.known.pages.get(&number).map(Vec::as_slice)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why there is no inferior.
#[derive(Debug)]
pub enum Refused {
    /// No process could be started.
    Launch(io::Error),
    /// The process has ended before its program could begin, and has said why.
    Ended(ExitStatus),
}
