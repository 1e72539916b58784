//! The serving process's side.

use super::calls::{Request, gone};
use super::{Channel, Hello, Message, Session};
use crate::debug::describe;
use crate::isa;
use emu_stub::{
    Breakpoint, Capabilities, CatchSyscalls, Error, FileError, FileStat, GuestFile, Inferior,
    Instruction, Libraries, MemoryRegion, OpenFile, OpenFlags, Permissions, Pid, ProcessInfo,
    RecentCall, Result, ResumePlan, SectionOffsets, SignalAction, State, Stop, StopReason,
    TargetDescription, ThreadInfo, Tid, Unimplemented, WatchKind, signal,
};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// SIGKILL, which has this number on every guest.
const SIGKILL: i32 = 9;

/// A guest in another process of the emulator.
pub struct Remote {
    pid: Pid,
    line: Arc<Mutex<Line>>,
    target: Arc<TargetDescription>,
    /// gdb's numbers of the guest's signals, from 1 on.
    signals: Vec<u8>,
    capabilities: Capabilities,
    state: State,
    /// A duplicate of the channel's descriptor: to be polled without the lock.
    socket: std::os::fd::OwnedFd,
}

/// The channel, with what came in while a reply was waited for.
struct Line {
    channel: Channel,
    news: VecDeque<News>,
}

enum News {
    Hello(Hello),
    Stop(Stop),
    Child(Channel),
}

/// What the other process has to say.
#[derive(Debug)]
pub enum Event {
    /// The guest has stopped.
    Stopped(Stop),
    /// There is another process to debug.
    Child(Remote),
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remote({})", self.pid)
    }
}

impl Line {
    fn note(&mut self, message: Message) -> Option<Vec<u8>> {
        match message {
            Message::Reply(reply) => return Some(reply),
            Message::Hello(hello) => self.news.push_back(News::Hello(hello)),
            Message::Stop(stop) => self.news.push_back(News::Stop(stop)),
            Message::Child => {
                if let Some(socket) = self.channel.take_descriptor() {
                    self.news.push_back(News::Child(Channel::new(socket)));
                }
            }
        }
        None
    }

    fn ask(&mut self, request: &Request, descriptors: &[BorrowedFd<'_>]) -> io::Result<Vec<u8>> {
        self.channel.send(request, descriptors)?;
        loop {
            let message = self.channel.receive()?;
            if let Some(reply) = self.note(message) {
                return Ok(reply);
            }
        }
    }

    fn call<R: DeserializeOwned>(&mut self, request: Request) -> io::Result<R> {
        let reply = self.ask(&request, &[])?;
        postcard::from_bytes(&reply).map_err(io::Error::other)
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The machine that a guest says it runs on; AArch64 for one of which this emulator has never heard, which it cannot be.
fn target_of(hello: &Hello) -> Arc<TargetDescription> {
    let isa = isa::by_name(&hello.isa).unwrap_or(&isa::aarch64::AArch64);
    Arc::new(describe(isa, isa.registers_in_mode(hello.mode), &hello.os))
}

impl Remote {
    /// The guest at the other end of `channel`, which introduces itself first. `capabilities` are those of every live guest.
    ///
    /// # Errors
    /// The other process is gone.
    pub fn meet(mut channel: Channel, capabilities: Capabilities) -> io::Result<Remote> {
        let Message::Hello(hello) = channel.receive()? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        Ok(Remote {
            pid: hello.pid,
            target: target_of(&hello),
            signals: hello.signals,
            capabilities,
            state: hello.state,
            socket: crate::host::fd::raise(channel.as_fd().try_clone_to_owned()?),
            line: Arc::new(Mutex::new(Line {
                channel,
                news: VecDeque::new(),
            })),
        })
    }

    /// The same at the end of a channel that another process had before: the guest is asked to introduce itself.
    ///
    /// # Errors
    /// The other process is gone.
    pub fn resume(channel: Channel, capabilities: Capabilities) -> io::Result<Remote> {
        channel.send(&Request::introduce {}, &[])?;
        Remote::meet(channel, capabilities)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What is polled for its news.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn call<R: DeserializeOwned>(&self, request: Request) -> Option<R> {
        lock(&self.line).call(request).ok()
    }

    fn ask<R: DeserializeOwned>(&self, request: Request) -> Result<R> {
        self.call(request).unwrap_or_else(|| Err(gone()))
    }

    fn ask_file<R: DeserializeOwned>(&self, request: Request) -> std::result::Result<R, FileError> {
        self.call(request).unwrap_or(Err(FileError::Io))
    }

    /// The next thing that the other process has to say, without waiting.
    pub fn event(&mut self) -> Option<Event> {
        loop {
            let news = {
                let mut line = lock(&self.line);
                if line.news.is_empty() && line.channel.has_come(Duration::ZERO) {
                    match line.channel.receive() {
                        Ok(message) => {
                            line.note(message);
                        }
                        // It was killed from outside, or lost its mind.
                        Err(_) => line.news.push_back(News::Stop(Stop {
                            pid: self.pid,
                            tid: 0,
                            reason: StopReason::Terminated(SIGKILL),
                        })),
                    }
                }
                line.news.pop_front()?
            };
            match news {
                // It has executed another program.
                News::Hello(hello) => {
                    self.target = target_of(&hello);
                    self.signals = hello.signals;
                }
                News::Stop(stop) => {
                    self.state = State::Stopped(stop.clone());
                    return Some(Event::Stopped(stop));
                }
                News::Child(channel) => {
                    if let Ok(child) = Remote::meet(channel, self.capabilities) {
                        return Some(Event::Child(child));
                    }
                }
            }
        }
    }

    /// Whether there is news within this time.
    pub fn has_news(&self, patience: Duration) -> bool {
        let line = lock(&self.line);
        !line.news.is_empty() || line.channel.has_come(patience)
    }

    /// Has the other process serve the session from now on, with these descriptors.
    ///
    /// # Errors
    /// It is gone.
    pub fn hand_over(&self, session: Session, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        lock(&self.line)
            .ask(&Request::adopt(Box::new(session)), descriptors)
            .map(drop)
    }
}

/// A file of the guest that is open in its process.
struct RemoteFile {
    line: Arc<Mutex<Line>>,
    file: u32,
}

impl RemoteFile {
    fn ask<R: DeserializeOwned>(&self, request: Request) -> std::result::Result<R, FileError> {
        let reply: io::Result<std::result::Result<R, FileError>> = lock(&self.line).call(request);
        reply.unwrap_or(Err(FileError::Io))
    }
}

impl GuestFile for RemoteFile {
    fn pread(&mut self, buf: &mut [u8], offset: u64) -> std::result::Result<usize, FileError> {
        let (file, length) = (self.file, buf.len());
        let bytes: Vec<u8> = self.ask(Request::read_file {
            file,
            length,
            offset,
        })?;
        let n = bytes.len().min(buf.len());
        buf[..n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn pwrite(&mut self, data: &[u8], offset: u64) -> std::result::Result<usize, FileError> {
        let (file, data) = (self.file, data.to_vec());
        self.ask(Request::write_file { file, data, offset })
    }

    fn stat(&mut self) -> std::result::Result<FileStat, FileError> {
        self.ask(Request::stat_open_file { file: self.file })
    }
}

impl Drop for RemoteFile {
    fn drop(&mut self) {
        // Nobody is left to be told of a failure, and the process that is gone has closed it.
        let _: io::Result<()> = lock(&self.line).call(Request::close_file { file: self.file });
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        use std::os::fd::AsRawFd;
        crate::host::fd::forget(self.socket.as_raw_fd());
    }
}

impl Inferior for Remote {
    fn target(&self) -> Arc<TargetDescription> {
        self.target.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn gdb_signal(&self, signal: i32) -> u8 {
        let at = usize::try_from(signal - 1).ok();
        let known = at.and_then(|at| self.signals.get(at));
        known.copied().unwrap_or(signal::GDB_SIGUNKNOWN)
    }

    fn guest_signal(&self, gdb: u8) -> Option<i32> {
        let at = self.signals.iter().position(|n| *n == gdb)?;
        (gdb != signal::GDB_SIGUNKNOWN).then_some(at as i32 + 1)
    }

    fn processes(&mut self) -> Vec<Pid> {
        self.call(Request::processes {}).unwrap_or_default()
    }

    fn select_process(&mut self, pid: Pid) -> Result<()> {
        self.ask(Request::select_process { pid })
    }

    fn process_info(&mut self) -> Result<ProcessInfo> {
        self.ask(Request::process_info {})
    }

    fn threads(&mut self) -> Vec<Tid> {
        self.call(Request::threads {}).unwrap_or_default()
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        self.ask(Request::thread_info { tid })
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        let size = buf.len();
        let value: Vec<u8> = self.ask(Request::read_register {
            tid,
            register,
            size,
        })?;
        if value.len() != size {
            return Err(Error::Unavailable);
        }
        buf.copy_from_slice(&value);
        Ok(())
    }

    fn write_register(&mut self, tid: Tid, register: usize, value: &[u8]) -> Result<()> {
        let value = value.to_vec();
        self.ask(Request::write_register {
            tid,
            register,
            value,
        })
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        let length = buf.len();
        let bytes: Vec<u8> = self.ask(Request::read_memory { addr, length })?;
        let n = bytes.len().min(length);
        buf[..n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn write_memory(&mut self, addr: u64, data: &[u8]) -> Result<()> {
        let data = data.to_vec();
        self.ask(Request::write_memory { addr, data })
    }

    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        self.ask(Request::memory_regions {})
    }

    fn allocate_memory(&mut self, size: u64, permissions: Permissions) -> Result<u64> {
        self.ask(Request::allocate_memory { size, permissions })
    }

    fn deallocate_memory(&mut self, addr: u64) -> Result<()> {
        self.ask(Request::deallocate_memory { addr })
    }

    fn insert_breakpoint(&mut self, breakpoint: Breakpoint) -> Result<()> {
        self.ask(Request::insert_breakpoint { breakpoint })
    }

    fn remove_breakpoint(&mut self, addr: u64, hardware: bool) -> Result<()> {
        self.ask(Request::remove_breakpoint { addr, hardware })
    }

    fn insert_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.ask(Request::insert_watchpoint { kind, addr, len })
    }

    fn remove_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.ask(Request::remove_watchpoint { kind, addr, len })
    }

    fn clear_breakpoints(&mut self) -> Result<()> {
        self.ask(Request::clear_breakpoints {})
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<()> {
        self.ask::<()>(Request::resume { plan })?;
        self.state = State::Running;
        Ok(())
    }

    fn interrupt(&mut self) -> Result<()> {
        self.ask(Request::interrupt {})
    }

    fn stop_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    fn kill(&mut self) -> Result<()> {
        // It ends before it could answer.
        let _ = self.call::<Result<()>>(Request::kill {});
        Ok(())
    }

    fn detach(&mut self, signal: Option<i32>) -> Result<()> {
        self.ask(Request::detach { signal })
    }

    fn catch_syscalls(&mut self, which: CatchSyscalls) -> Result<()> {
        self.ask(Request::catch_syscalls { which })
    }

    fn pass_signals(&mut self, signals: &[i32]) -> Result<()> {
        let signals = signals.to_vec();
        self.ask(Request::pass_signals { signals })
    }

    fn report_thread_events(&mut self, on: bool) -> Result<()> {
        self.ask(Request::report_thread_events { on })
    }

    fn report_forks(&mut self, on: bool) -> Result<()> {
        self.ask(Request::report_forks { on })
    }

    fn exec_file(&mut self) -> Result<PathBuf> {
        self.ask(Request::exec_file {})
    }

    fn exec_file_on_host(&mut self) -> Result<PathBuf> {
        self.ask(Request::exec_file_on_host {})
    }

    fn auxv(&mut self) -> Result<Vec<u8>> {
        self.ask(Request::auxv {})
    }

    fn read_siginfo(&mut self, tid: Tid) -> Result<Vec<u8>> {
        self.ask(Request::read_siginfo { tid })
    }

    fn write_siginfo(&mut self, tid: Tid, data: &[u8]) -> Result<()> {
        let data = data.to_vec();
        self.ask(Request::write_siginfo { tid, data })
    }

    fn libraries(&mut self) -> Result<Libraries> {
        self.ask(Request::libraries {})
    }

    fn library_info_slot(&mut self) -> Result<u64> {
        self.ask(Request::library_info_slot {})
    }

    fn section_offsets(&mut self) -> Result<SectionOffsets> {
        self.ask(Request::section_offsets {})
    }

    fn tls_address(&mut self, tid: Tid, offset: u64, link_map: u64) -> Result<u64> {
        self.ask(Request::tls_address {
            tid,
            offset,
            link_map,
        })
    }

    fn disassemble(&mut self, addr: u64, count: usize) -> Result<Vec<Instruction>> {
        self.ask(Request::disassemble { addr, count })
    }

    fn syscall_name(&self, number: u32) -> Option<String> {
        self.call(Request::syscall_name { number })?
    }

    fn syscall_number(&self, name: &str) -> Option<u32> {
        let name = name.to_owned();
        self.call(Request::syscall_number { name })?
    }

    fn open_files(&mut self) -> Result<Vec<OpenFile>> {
        self.ask(Request::open_files {})
    }

    fn signal_actions(&mut self) -> Result<Vec<SignalAction>> {
        self.ask(Request::signal_actions {})
    }

    fn recent_calls(&mut self) -> Result<Vec<RecentCall>> {
        self.ask(Request::recent_calls {})
    }

    fn set_trace(&mut self, filter: Option<&str>) -> Result<()> {
        let filter = filter.map(str::to_owned);
        self.ask(Request::set_trace { filter })
    }

    fn unimplemented(&mut self) -> Result<Vec<Unimplemented>> {
        self.ask(Request::unimplemented {})
    }

    fn statistics(&mut self) -> Result<String> {
        self.ask(Request::statistics {})
    }

    fn write_core(&mut self, path: &Path) -> Result<u64> {
        let path = path.to_path_buf();
        self.ask(Request::write_core { path })
    }

    fn open_file(
        &mut self,
        path: &[u8],
        flags: OpenFlags,
        mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        let path = path.to_vec();
        let file = self.ask_file(Request::open_file { path, flags, mode })?;
        Ok(Box::new(RemoteFile {
            line: self.line.clone(),
            file,
        }))
    }

    fn stat_file(&mut self, path: &[u8], follow: bool) -> std::result::Result<FileStat, FileError> {
        let path = path.to_vec();
        self.ask_file(Request::stat_file { path, follow })
    }

    fn read_link(&mut self, path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        let path = path.to_vec();
        self.ask_file(Request::read_link { path })
    }

    fn unlink_file(&mut self, path: &[u8]) -> std::result::Result<(), FileError> {
        let path = path.to_vec();
        self.ask_file(Request::unlink_file { path })
    }
}
