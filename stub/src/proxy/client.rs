//! The side of the front end.

use super::calls::{Call, Registers};
use super::{Hello, Message, SIGNALS, Wire, receive, send};
use crate::facts::{Instruction, OpenFile, RecentCall, SignalAction, Unimplemented};
use crate::file::{FileError, FileStat, GuestFile, OpenFlags};
use crate::inferior::*;
use crate::poll::is_ready;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// The connection, with what came in while an answer was waited for.
struct Line {
    wire: Box<dyn Wire>,
    news: Mutex<VecDeque<Message>>,
    /// Held from a request to its answer.
    asking: Mutex<()>,
}

impl Line {
    fn new(wire: Box<dyn Wire>) -> Arc<Line> {
        Arc::new(Line {
            wire,
            news: Mutex::default(),
            asking: Mutex::default(),
        })
    }

    fn news(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, call: &Call) -> io::Result<Vec<u8>> {
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        send(&*self.wire, call)?;
        loop {
            match receive(&*self.wire)? {
                Message::Reply(bytes) => return Ok(bytes),
                other => self.news().push_back(other),
            }
        }
    }

    /// Asks for what is always answered; `None` if nobody is there.
    fn ask<T: DeserializeOwned>(&self, call: &Call) -> Option<T> {
        // A process that does not answer is dealt with when its stop is waited for.
        let reply = self.reply(call).ok()?;
        postcard::from_bytes(&reply).ok()
    }

    fn ask_file<T: DeserializeOwned>(&self, call: &Call) -> std::result::Result<T, FileError> {
        self.ask(call).unwrap_or(Err(FileError::Io))
    }
}

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

impl Inferior for Proxy {
    fn target(&self) -> Arc<TargetDescription> {
        self.target.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn gdb_signal(&self, signal: i32) -> u8 {
        let known = usize::try_from(signal - 1).ok();
        let number = known.and_then(|at| self.signals.get(at));
        *number.unwrap_or(&crate::signal::GDB_SIGUNKNOWN)
    }

    fn guest_signal(&self, gdb: u8) -> Option<i32> {
        SIGNALS
            .zip(&self.signals)
            .find(|(_, g)| **g == gdb && gdb != crate::signal::GDB_SIGUNKNOWN)
            .map(|(n, _)| n)
    }

    fn processes(&mut self) -> Vec<Pid> {
        self.ask(Call::processes {}).unwrap_or_default()
    }

    fn select_process(&mut self, pid: Pid) -> Result<()> {
        self.change(Call::select_process { pid })
    }

    fn process_info(&mut self) -> Result<ProcessInfo> {
        self.request(Call::process_info {})
    }

    fn threads(&mut self) -> Vec<Tid> {
        if let Some(known) = &self.known.threads {
            return known.clone();
        }
        let threads: Vec<Tid> = self.ask(Call::threads {}).unwrap_or_default();
        self.known.threads = Some(threads.clone());
        threads
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        self.request(Call::thread_info { tid })
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        if !self.known.registers.contains_key(&tid) {
            let all = self.ask(Call::registers { tid }).ok_or(ENDED)?;
            self.known.registers.insert(tid, all);
        }
        let all = self.known.registers.get(&tid).map(Vec::as_slice);
        match all.and_then(|all| all.get(register)) {
            Some(Ok(value)) if value.len() == buf.len() => {
                buf.copy_from_slice(value);
                Ok(())
            }
            Some(Err(e)) => Err(e.clone()),
            _ => Err(Error::NoRegister(register)),
        }
    }

    fn write_register(&mut self, tid: Tid, register: usize, value: &[u8]) -> Result<()> {
        let value = value.to_vec();
        self.change(Call::write_register {
            tid,
            register,
            value,
        })
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        let (number, at) = (addr / PAGE, (addr % PAGE) as usize);
        if at + buf.len() <= PAGE as usize
            && let Some(page) = self.page(number)
        {
            buf.copy_from_slice(&page[at..at + buf.len()]);
            return Ok(buf.len());
        }
        let len = buf.len();
        let bytes: Vec<u8> = self.request(Call::read_memory { addr, len })?;
        let n = bytes.len().min(len);
        buf[..n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn write_memory(&mut self, addr: u64, data: &[u8]) -> Result<()> {
        let data = data.to_vec();
        self.change(Call::write_memory { addr, data })
    }

    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        self.request(Call::memory_regions {})
    }

    fn allocate_memory(&mut self, size: u64, permissions: Permissions) -> Result<u64> {
        self.change(Call::allocate_memory { size, permissions })
    }

    fn deallocate_memory(&mut self, addr: u64) -> Result<()> {
        self.change(Call::deallocate_memory { addr })
    }

    fn insert_breakpoint(&mut self, breakpoint: Breakpoint) -> Result<()> {
        self.request(Call::insert_breakpoint { breakpoint })
    }

    fn remove_breakpoint(&mut self, addr: u64, hardware: bool) -> Result<()> {
        self.request(Call::remove_breakpoint { addr, hardware })
    }

    fn insert_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.request(Call::insert_watchpoint { kind, addr, len })
    }

    fn remove_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.request(Call::remove_watchpoint { kind, addr, len })
    }

    fn clear_breakpoints(&mut self) -> Result<()> {
        self.request(Call::clear_breakpoints {})
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<()> {
        self.change::<()>(Call::resume { plan })?;
        self.state = State::Running;
        Ok(())
    }

    fn resume_backward(&mut self, how: Backward) -> Result<()> {
        self.change::<()>(Call::resume_backward { how })?;
        self.state = State::Running;
        Ok(())
    }

    fn interrupt(&mut self) -> Result<()> {
        self.request(Call::interrupt {})
    }

    fn stop_fd(&self) -> Option<BorrowedFd<'_>> {
        self.line.as_ref().map(|line| line.wire.fd())
    }

    fn take_stop(&mut self) -> Option<Stop> {
        let line = self.line.clone()?;
        let next = line.news().pop_front();
        let message = match next {
            Some(message) => Ok(message),
            None if !is_ready(line.wire.fd()) => return None,
            None => receive(&*line.wire),
        };
        let stop = match message {
            Ok(Message::Stopped(stop)) => stop,
            Ok(Message::Hello(hello)) => {
                // The process has executed another program.
                self.target = Arc::new(hello.target);
                self.capabilities = hello.capabilities;
                self.signals = hello.signals;
                return None;
            }
            Ok(Message::Note(note)) => {
                self.notes.push_back(note);
                return None;
            }
            Ok(Message::Reply(_)) => return None,
            Err(_) => self.lost(),
        };
        self.known = Known::default();
        self.state = State::Stopped(stop.clone());
        Some(stop)
    }

    fn kill(&mut self) -> Result<()> {
        // It may end before it could answer.
        let killed = self.ask::<Result<()>>(Call::kill {}).unwrap_or(Ok(()));
        if self.child.is_some() {
            killed?;
        }
        self.end();
        Ok(())
    }

    fn detach(&mut self, signal: Option<i32>) -> Result<()> {
        self.known = Known::default();
        // Let go, it may have ended before it could answer.
        let detached = self.ask::<Result<()>>(Call::detach { signal });
        detached.unwrap_or(Ok(()))?;
        let left = self.processes();
        self.detached |= self.child.as_ref().is_some_and(|c| !left.contains(&c.id()));
        if left.is_empty() {
            self.detached = true;
            self.line = None;
        }
        Ok(())
    }

    fn restart(&mut self, program: Option<PathBuf>, arguments: &StartArguments) -> Result<()> {
        let Some(mut launch) = self.launch.take() else {
            return Err(Error::Unsupported(
                "the program cannot be restarted: another process started it",
            ));
        };
        self.end();
        let launched = launch.launch(program, arguments);
        self.launch = Some(launch);
        let Link { child, stream } =
            launched.map_err(|e| Error::Failed(format!("the program was not started: {e}")))?;
        (self.pid, self.child) = (child.id(), Some(child));
        self.detached = false;
        let Ok(hello) = greeted(&stream) else {
            self.lost();
            return Err(Error::WrongState("the program was not started"));
        };
        self.capabilities = hello.capabilities;
        self.target = Arc::new(hello.target);
        self.signals = hello.signals;
        self.state = hello.state;
        self.line = Some(Line::new(Box::new(stream)));
        Ok(())
    }

    fn arguments(&mut self) -> Result<Vec<Vec<u8>>> {
        match &self.launch {
            Some(launch) => Ok(launch.arguments()),
            None => Err(Error::Unsupported("another process started the program")),
        }
    }

    fn catch_syscalls(&mut self, which: CatchSyscalls) -> Result<()> {
        self.request(Call::catch_syscalls { which })
    }

    fn pass_signals(&mut self, signals: &[i32]) -> Result<()> {
        let signals = signals.to_vec();
        self.request(Call::pass_signals { signals })
    }

    fn report_thread_events(&mut self, on: bool) -> Result<()> {
        self.request(Call::report_thread_events { on })
    }

    fn report_forks(&mut self, on: bool) -> Result<()> {
        self.request(Call::report_forks { on })
    }

    fn report_libraries(&mut self, on: bool) -> Result<()> {
        self.request(Call::report_libraries { on })
    }

    fn exec_file(&mut self) -> Result<PathBuf> {
        self.request(Call::exec_file {})
    }

    fn exec_file_on_host(&mut self) -> Result<PathBuf> {
        self.request(Call::exec_file_on_host {})
    }

    fn file_prefix(&mut self) -> Option<PathBuf> {
        self.ask(Call::file_prefix {}).flatten()
    }

    fn auxv(&mut self) -> Result<Vec<u8>> {
        self.request(Call::auxv {})
    }

    fn read_siginfo(&mut self, tid: Tid) -> Result<Vec<u8>> {
        self.request(Call::read_siginfo { tid })
    }

    fn write_siginfo(&mut self, tid: Tid, data: &[u8]) -> Result<()> {
        let data = data.to_vec();
        self.request(Call::write_siginfo { tid, data })
    }

    fn libraries(&mut self) -> Result<Libraries> {
        self.request(Call::libraries {})
    }

    fn library_info_slot(&mut self) -> Result<u64> {
        self.request(Call::library_info_slot {})
    }

    fn section_offsets(&mut self) -> Result<SectionOffsets> {
        self.request(Call::section_offsets {})
    }

    fn tls_address(&mut self, tid: Tid, offset: u64, link_map: u64) -> Result<u64> {
        self.request(Call::tls_address {
            tid,
            offset,
            link_map,
        })
    }

    fn thread_pointer(&mut self, tid: Tid) -> Result<u64> {
        self.request(Call::thread_pointer { tid })
    }

    fn disassemble(&mut self, addr: u64, count: usize) -> Result<Vec<Instruction>> {
        self.request(Call::disassemble { addr, count })
    }

    fn syscall_name(&self, number: u32) -> Option<String> {
        self.ask(Call::syscall_name { number }).flatten()
    }

    fn syscall_number(&self, name: &str) -> Option<u32> {
        let name = name.to_owned();
        self.ask(Call::syscall_number { name }).flatten()
    }

    fn open_files(&mut self) -> Result<Vec<OpenFile>> {
        self.request(Call::open_files {})
    }

    fn signal_actions(&mut self) -> Result<Vec<SignalAction>> {
        self.request(Call::signal_actions {})
    }

    fn recent_calls(&mut self) -> Result<Vec<RecentCall>> {
        self.request(Call::recent_calls {})
    }

    fn set_trace(&mut self, filter: Option<&str>) -> Result<()> {
        let filter = filter.map(str::to_owned);
        self.request(Call::set_trace { filter })
    }

    fn set_terminal(&mut self, path: Option<&Path>) -> Result<()> {
        let path = path.map(Path::to_path_buf);
        self.request(Call::set_terminal { path })
    }

    fn unimplemented(&mut self) -> Result<Vec<Unimplemented>> {
        self.request(Call::unimplemented {})
    }

    fn statistics(&mut self) -> Result<String> {
        self.request(Call::statistics {})
    }

    fn write_core(&mut self, path: &Path) -> Result<u64> {
        // The program may be in another folder.
        let path = std::path::absolute(path).map_err(|e| Error::Failed(e.to_string()))?;
        self.request(Call::write_core { path })
    }
    fn open_file(
        &mut self,
        path: &[u8],
        flags: OpenFlags,
        mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        let path = path.to_vec();
        let file = self.ask_file(Call::open_file { path, flags, mode })?;
        let line = self.line.clone().ok_or(FileError::Io)?;
        Ok(Box::new(FarFile { line, file }))
    }

    fn stat_file(&mut self, path: &[u8], follow: bool) -> std::result::Result<FileStat, FileError> {
        let path = path.to_vec();
        self.ask_file(Call::stat_file { path, follow })
    }

    fn read_link(&mut self, path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        let path = path.to_vec();
        self.ask_file(Call::read_link { path })
    }

    fn unlink_file(&mut self, path: &[u8]) -> std::result::Result<(), FileError> {
        let path = path.to_vec();
        self.ask_file(Call::unlink_file { path })
    }
}

/// A file that is open in the inferior's process.
struct FarFile {
    line: Arc<Line>,
    file: u32,
}

impl GuestFile for FarFile {
    fn pread(&mut self, buf: &mut [u8], offset: u64) -> std::result::Result<usize, FileError> {
        let (file, len) = (self.file, buf.len());
        let bytes: Vec<u8> = self.line.ask_file(&Call::read_file { file, len, offset })?;
        let n = bytes.len().min(len);
        buf[..n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn pwrite(&mut self, data: &[u8], offset: u64) -> std::result::Result<usize, FileError> {
        let (file, data) = (self.file, data.to_vec());
        self.line.ask_file(&Call::write_file { file, data, offset })
    }

    fn stat(&mut self) -> std::result::Result<FileStat, FileError> {
        self.line
            .ask_file(&Call::stat_open_file { file: self.file })
    }
}

impl Drop for FarFile {
    fn drop(&mut self) {
        // A process that is gone has closed it.
        let _: Option<bool> = self.line.ask(&Call::close_file { file: self.file });
    }
}
