//! The side of the front end.

use super::calls::{Call, Registers};
use super::{Hello, Message, SIGNALS, receive, send};
use crate::facts::{Instruction, OpenFile, RecentCall, SignalAction, Unimplemented};
use crate::inferior::*;
use crate::poll::is_ready;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
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
    launch: Box<dyn Launch>,
    child: Child,
    /// `None` once the process does not answer any more.
    stream: Option<UnixStream>,
    /// Stops that came while an answer was waited for.
    stops: RefCell<VecDeque<Stop>>,
    capabilities: Capabilities,
    target: Arc<TargetDescription>,
    state: State,
    signals: Vec<u8>,
    known: Known,
    /// Nobody waits for the process: it has been let go.
    detached: bool,
}

/// What the user is told after the end.
const ENDED: Error = Error::WrongState("the program has ended");

fn greeted(stream: &UnixStream) -> io::Result<Hello> {
    match receive(stream)? {
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
        let hello = match greeted(&stream) {
            Ok(hello) => hello,
            Err(_) => return Err(Refused::Ended(child.wait().map_err(Refused::Launch)?)),
        };
        Ok(Proxy {
            launch,
            child,
            stream: Some(stream),
            stops: RefCell::default(),
            capabilities: hello.capabilities,
            target: Arc::new(hello.target),
            state: hello.state,
            signals: hello.signals,
            known: Known::default(),
            detached: false,
        })
    }

    /// Waits for the end of a process that has been let go.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Asks for what an inferior answers without fail.
    fn ask<T: DeserializeOwned>(&self, call: Call) -> Option<T> {
        // A process that does not answer is dealt with when its stop is waited for.
        let reply = self.reply(self.stream.as_ref()?, &call).ok()?;
        postcard::from_bytes(&reply).ok()
    }

    fn reply(&self, stream: &UnixStream, call: &Call) -> io::Result<Vec<u8>> {
        send(stream, call)?;
        loop {
            match receive(stream)? {
                Message::Reply(bytes) => return Ok(bytes),
                Message::Stopped(stop) => self.stops.borrow_mut().push_back(stop),
                Message::Hello(_) => {}
            }
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
        self.stream = None;
        let begin = Instant::now();
        let reason = loop {
            match self.child.try_wait() {
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
            pid: self.child.id(),
            tid: self.child.id(),
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

    /// Ends the process, if there is one.
    fn end(&mut self) {
        self.stream = None;
        self.stops.get_mut().clear();
        let ended = matches!(&self.state, State::Stopped(stop) if stop.is_exit());
        if !ended {
            self.state = State::Stopped(Stop {
                pid: self.child.id(),
                tid: self.child.id(),
                reason: StopReason::Terminated(libc::SIGKILL),
            });
        }
        self.known = Known::default();
        if !self.detached {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
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
        self.stream.as_ref().map(|s| s.as_fd())
    }

    fn take_stop(&mut self) -> Option<Stop> {
        let stream = self.stream.as_ref()?;
        let stop = match self.stops.get_mut().pop_front() {
            Some(stop) => stop,
            None if !is_ready(stream.as_fd()) => return None,
            None => match receive(stream) {
                Ok(Message::Stopped(stop)) => stop,
                Ok(Message::Hello(hello)) => {
                    self.target = Arc::new(hello.target);
                    self.capabilities = hello.capabilities;
                    return None;
                }
                Ok(Message::Reply(_)) => return None,
                Err(_) => self.lost(),
            },
        };
        self.known = Known::default();
        self.state = State::Stopped(stop.clone());
        Some(stop)
    }

    fn kill(&mut self) -> Result<()> {
        self.request::<()>(Call::kill {})?;
        self.end();
        Ok(())
    }

    fn detach(&mut self, signal: Option<i32>) -> Result<()> {
        self.change::<()>(Call::detach { signal })?;
        self.detached = true;
        self.stream = None;
        Ok(())
    }

    fn restart(&mut self, program: Option<PathBuf>, arguments: &StartArguments) -> Result<()> {
        self.end();
        let launched = self.launch.launch(program, arguments);
        let Link { child, stream } =
            launched.map_err(|e| Error::Failed(format!("the program was not started: {e}")))?;
        self.child = child;
        self.detached = false;
        let Ok(hello) = greeted(&stream) else {
            self.lost();
            return Err(Error::WrongState("the program was not started"));
        };
        self.capabilities = hello.capabilities;
        self.target = Arc::new(hello.target);
        self.state = hello.state;
        self.stream = Some(stream);
        Ok(())
    }

    fn arguments(&mut self) -> Result<Vec<Vec<u8>>> {
        Ok(self.launch.arguments())
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
}
