//! What is asked of the inferior in another process.

use super::file::FarFile;
use super::*;
use crate::facts::{Instruction, OpenFile, RecentCall, SignalAction, Unimplemented};
use crate::file::{FileStat, GuestFile, OpenFlags};
use crate::poll::is_ready;
use crate::proxy::SIGNALS;
use std::os::fd::BorrowedFd;
use std::path::Path;

impl Inferior for Proxy {
    fn target(&self) -> Arc<TargetDescription> {
        self.target.clone()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            restart: self.launch.is_some(),
            ..self.capabilities
        }
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
