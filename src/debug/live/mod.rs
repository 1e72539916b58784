//! The live guest as an [`Inferior`]: the debugger's side. The methods are in the modules, by theme.

mod breakpoints;
mod core;
mod events;
mod files;
mod libraries;
mod memory;
mod registers;
mod run;
mod terminal;
mod threads;

pub use run::Happening;

use super::control::{Control, Run};
use super::{describe, facts};
use crate::host;
use crate::ir::{CpuState, WatchRange};
use crate::isa::Register;
use crate::loader::Loaded;
use crate::process::{Process, Signal, ThreadHandle};
use crate::trace::name_in;
use crate::trace::{Filter, Missing, Trace};
use emu_stub::{
    AgentExpr, Breakpoint, Capabilities, CatchSyscalls, Error, FileError, FileStat, GuestFile,
    Inferior, Instruction, Libraries, MemoryRegion, OpenFile, OpenFlags, Permissions, Pid,
    ProcessInfo, RecentCall, Result, ResumePlan, SectionOffsets, SignalAction, State, Stop,
    StopReason, TargetDescription, ThreadInfo, Tid, Unimplemented, WatchKind, signal,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// What a debugger wants to know of how the program was loaded.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The auxiliary vector in the guest's layout.
    pub auxv: Vec<u8>,
    /// How far the program was moved from its link-time addresses.
    pub bias: u64,
}

impl From<&Loaded> for Program {
    fn from(loaded: &Loaded) -> Program {
        Program {
            auxv: loaded.auxv.clone(),
            bias: loaded.program.bias,
        }
    }
}

/// A guest that runs in this process.
pub struct Live {
    process: Arc<Process>,
    control: Arc<Control>,
    program: Program,
    mode: u32,
    target: Arc<TargetDescription>,
    registers: Vec<&'static Register>,
    /// Breakpoints, by address and whether the debugger called them hardware breakpoints, with their conditions.
    breakpoints: BTreeMap<(u64, bool), Vec<AgentExpr>>,
    watchpoints: BTreeSet<WatchRange>,
    /// Memory that was mapped for the debugger: address and size.
    allocated: HashMap<u64, u64>,
    /// [`Process::stop_all`] is in force for the debugger. A second one would wait for the first to end.
    halted: bool,
    pid: Pid,
    /// The process that requests without a thread are about: this one, or the child of a vfork.
    selected: Pid,
    /// Counters of the translator, in lines.
    statistics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// What is not implemented, and the trace that may be switched on.
    missing: Option<Arc<Missing>>,
    trace: Option<Arc<Trace>>,
    /// The terminal that the guest has instead of its own.
    terminal: Option<terminal::Lent>,
}

impl Live {
    /// The debugger's view of `process`, whose observers include `control`. To be used in a thread that is none of the
    /// guest's, or is parked.
    pub fn new(process: Arc<Process>, control: Arc<Control>, program: Program, mode: u32) -> Live {
        let table = process.isa.registers_in_mode(mode);
        control
            .conditions
            .set_registers(describe::visible(table).collect());
        Live {
            target: Arc::new(describe::describe(process.isa, table, process.os.name())),
            registers: describe::visible(table).collect(),
            process,
            control,
            program,
            mode,
            breakpoints: BTreeMap::new(),
            watchpoints: BTreeSet::new(),
            allocated: HashMap::new(),
            halted: false,
            pid: host::pid() as Pid,
            selected: host::pid() as Pid,
            statistics: None,
            missing: None,
            trace: None,
            terminal: None,
        }
    }

    /// Where [`Inferior::unimplemented`] comes from, and what [`Inferior::set_trace`] switches.
    pub fn set_tracing(&mut self, missing: Arc<Missing>, trace: Option<Arc<Trace>>) {
        self.missing = Some(missing);
        self.trace = trace;
    }

    /// Where [`Inferior::statistics`] come from.
    pub fn set_statistics(&mut self, tell: Arc<dyn Fn() -> String + Send + Sync>) {
        self.statistics = Some(tell);
    }

    /// Whether the guest has ended and the debugger has been told.
    fn ended(&self) -> bool {
        match &self.control.lock().run {
            Run::Stopped(stop) => stop.is_exit() && stop.pid == self.pid,
            _ => false,
        }
    }

    /// Whether the guest has ended or been killed.
    pub fn has_ended(&self) -> bool {
        self.ended()
    }

    /// Whether the debugger has killed it.
    pub fn was_killed(&self) -> bool {
        matches!(&self.control.lock().run, Run::Stopped(stop) if matches!(stop.reason, StopReason::Terminated(_)))
            && !self.process.is_ending()
    }

    /// Whether the debugger has it, or the child of its vfork.
    pub fn is_debugged(&self) -> bool {
        self.control.is_attached() || self.vfork_child().is_some()
    }

    /// The same, and it has not ended.
    pub fn is_debugged_now(&self) -> bool {
        self.is_debugged() && !self.ended()
    }

    /// What the debugger wants to be told of.
    pub fn wishes(&self) -> super::relay::Wishes {
        self.control.wishes()
    }

    /// Says whether other processes are served by way of this one.
    pub fn set_relatives(&self, relatives: bool) {
        self.control.set_relatives(relatives);
    }

    /// Makes a descriptor the session's own, which children of forks close; or no longer.
    pub fn set_descriptor(&self, fd: BorrowedFd<'_>, own: bool) {
        self.control.set_descriptor(fd, own);
    }

    /// The guest's process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The names of instruction set and system, and the mode of the first.
    pub fn machine(&self) -> (&'static str, u32, &'static str) {
        (self.process.isa.name(), self.mode, self.process.os.name())
    }

    /// The child of a vfork that the debugger has.
    fn vfork_child(&self) -> Option<Arc<ThreadHandle>> {
        let child = self.control.vfork_child.load(SeqCst);
        if child == 0 {
            return None;
        }
        let children = self.process.vfork_children();
        children.into_iter().find(|t| t.tid == child)
    }

    /// The process's threads, and that of the child of a vfork.
    fn handles(&self) -> Vec<Arc<ThreadHandle>> {
        let mut all = self.process.threads();
        all.extend(self.vfork_child());
        all
    }

    fn stopped(&self) -> Result<()> {
        match &self.control.lock().run {
            Run::Stopped(stop) if stop.is_exit() && stop.pid == self.pid => {
                Err(Error::WrongState("the program has ended"))
            }
            Run::Stopped(_) => Ok(()),
            _ => Err(Error::WrongState("the program is running")),
        }
    }

    fn thread(&self, tid: Tid) -> Result<Arc<ThreadHandle>> {
        self.stopped()?;
        self.handles()
            .into_iter()
            .find(|t| t.tid == tid as i32)
            .ok_or(Error::NoThread(tid))
    }

    fn with_cpu<R>(&self, tid: Tid, f: impl FnOnce(&mut CpuState) -> R) -> Result<R> {
        self.thread(tid)?
            .cpu
            .borrow(f)
            .ok_or(Error::WrongState("the thread is running"))
    }

    fn dialect(&self) -> crate::abi::Dialect {
        crate::os::CallTable::of(&self.process).abi.dialect
    }

    /// The host signal that the guest calls `number`.
    fn host_signal(&self, number: i32) -> Option<Signal> {
        (1..=64)
            .map(Signal)
            .find(|s| self.process.os.signal_number(*s) as i32 == number)
    }
}

impl Inferior for Live {
    /// On return the guest is stopped, before its first instruction if it has not begun.
    fn attach(&mut self) {
        self.control.wait_started();
        if self.control.is_attached() {
            // The first debugger finds the main thread parked by itself; a later one finds what the one before left.
            if matches!(self.control.lock().run, Run::Stopped(_)) && !self.halted && !self.ended() {
                self.process.stop_all();
                self.halted = true;
            }
            return;
        }
        // What the debugger before was told does not count.
        self.control.lock().end_told = false;
        self.control.set_attached(true);
        self.process.stop_all();
        self.halted = true;
        let tid = self.process.threads().first().map_or(0, |t| t.tid);
        let stop = Stop {
            pid: self.pid,
            tid: tid as Tid,
            reason: StopReason::Interrupted,
        };
        let mut state = self.control.lock();
        self.control.set_stopped(&self.process, &mut state, stop);
    }

    fn target(&self) -> Arc<TargetDescription> {
        self.target.clone()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resume: true,
            breakpoints: true,
            conditions: true,
            watchpoints: true,
            pass_signals: true,
            catch_syscalls: true,
            thread_events: true,
            siginfo: true,
            libraries: true,
            auxv: true,
            exec_file: true,
            fork_events: true,
            exec_events: true,
            ..Capabilities::default()
        }
    }

    fn gdb_signal(&self, number: i32) -> u8 {
        let Some(host) = self.host_signal(number) else {
            return signal::realtime(number).unwrap_or(signal::GDB_SIGUNKNOWN);
        };
        let name = name_in(self.dialect(), host);
        match signal::by_name(name.strip_prefix("SIG").unwrap_or("")) {
            Some(n) => n,
            None => signal::realtime(number).unwrap_or(signal::GDB_SIGUNKNOWN),
        }
    }

    fn guest_signal(&self, gdb: u8) -> Option<i32> {
        (1..=127).find(|n| self.gdb_signal(*n) == gdb && gdb != signal::GDB_SIGUNKNOWN)
    }

    fn processes(&mut self) -> Vec<Pid> {
        let own = self.control.is_attached() && !self.ended();
        let child = self.vfork_child().map(|t| t.tid as Pid);
        let mut all: Vec<Pid> = own.then_some(self.pid).into_iter().chain(child).collect();
        all.sort_by_key(|pid| *pid != self.selected);
        all
    }

    fn select_process(&mut self, pid: Pid) -> Result<()> {
        if !self.processes().contains(&pid) {
            return Err(Error::NoProcess(pid));
        }
        self.selected = pid;
        Ok(())
    }

    fn process_info(&mut self) -> Result<ProcessInfo> {
        threads::process_info()
    }

    fn threads(&mut self) -> Vec<Tid> {
        threads::list(self)
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        threads::info(self, tid)
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        registers::read(self, tid, register, buf)
    }

    fn write_register(&mut self, tid: Tid, register: usize, value: &[u8]) -> Result<()> {
        registers::write(self, tid, register, value)
    }

    fn tls_address(&mut self, tid: Tid, offset: u64, link_map: u64) -> Result<u64> {
        let main = libraries::look(self, |source| source.list())?.main_link_map;
        if link_map != 0 && main != Some(link_map) {
            let why = "thread-local variables of libraries are not found: where the C library keeps them is its own affair";
            return Err(Error::Invalid(why.into()));
        }
        let none = || Error::Invalid("the program has no thread-local variables".into());
        let image = libraries::look(self, |source| source.tls_image())?;
        let (image, align) = image.ok_or_else(none)?;
        let tp = registers::thread_pointer(self, tid)?;
        // Variant I of the ELF handling of TLS: the program's block is behind the control block of two pointers; on MIPS its middle is
        // what the thread pointer counts from.
        let block = match self.target.gdb_arch.as_str() {
            "aarch64" => {
                let begin = tp.wrapping_add(16);
                begin.wrapping_add(image.wrapping_sub(begin) % align)
            }
            _ => tp.wrapping_sub(0x7000),
        };
        Ok(block.wrapping_add(offset))
    }

    fn thread_pointer(&mut self, tid: Tid) -> Result<u64> {
        registers::thread_pointer(self, tid)
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        memory::read(self, addr, buf)
    }

    fn write_memory(&mut self, addr: u64, data: &[u8]) -> Result<()> {
        memory::write(self, addr, data)
    }

    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        memory::regions(self)
    }

    fn allocate_memory(&mut self, size: u64, p: Permissions) -> Result<u64> {
        memory::allocate(self, size, p)
    }

    fn deallocate_memory(&mut self, addr: u64) -> Result<()> {
        memory::deallocate(self, addr)
    }

    fn clear_breakpoints(&mut self) -> Result<()> {
        breakpoints::clear(self)
    }

    fn insert_breakpoint(&mut self, b: Breakpoint) -> Result<()> {
        breakpoints::insert(self, b)
    }

    fn remove_breakpoint(&mut self, addr: u64, hardware: bool) -> Result<()> {
        breakpoints::remove(self, addr, hardware)
    }

    fn insert_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        breakpoints::insert_watch(self, kind, addr, len)
    }

    fn remove_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        breakpoints::remove_watch(self, kind, addr, len)
    }

    fn state(&self) -> State {
        match &self.control.lock().run {
            Run::Stopped(stop) => State::Stopped(stop.clone()),
            _ => State::Running,
        }
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<()> {
        run::resume(self, plan)
    }

    fn interrupt(&mut self) -> Result<()> {
        run::interrupt(self)
    }

    fn stop_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.control.notifier().as_fd())
    }

    fn take_stop(&mut self) -> Option<Stop> {
        run::take_stop(self)
    }

    fn kill(&mut self) -> Result<()> {
        run::kill(self)
    }

    fn detach(&mut self, signal: Option<i32>) -> Result<()> {
        run::detach(self, signal)
    }

    fn catch_syscalls(&mut self, which: CatchSyscalls) -> Result<()> {
        self.control.catches.set_syscalls(which);
        Ok(())
    }

    fn report_thread_events(&mut self, on: bool) -> Result<()> {
        self.control.catches.set_threads(on);
        Ok(())
    }

    fn report_forks(&mut self, on: bool) -> Result<()> {
        self.control.catches.set_forks(on);
        Ok(())
    }

    fn report_libraries(&mut self, on: bool) -> Result<()> {
        libraries::report(self, on)
    }

    fn wants_session(&self) -> bool {
        self.control.execing() == Some(self.pid)
    }

    fn read_siginfo(&mut self, tid: Tid) -> Result<Vec<u8>> {
        events::read_siginfo(self, tid)
    }

    fn write_siginfo(&mut self, tid: Tid, data: &[u8]) -> Result<()> {
        events::write_siginfo(self, tid, data)
    }

    fn libraries(&mut self) -> Result<Libraries> {
        self.stopped()?;
        libraries::look(self, |source| source.list())
    }

    fn library_info_slot(&mut self) -> Result<u64> {
        libraries::look(self, |source| source.info_slot())
    }

    fn pass_signals(&mut self, signals: &[i32]) -> Result<()> {
        self.control.lock().pass = signals.iter().copied().collect();
        Ok(())
    }

    fn exec_file(&mut self) -> Result<PathBuf> {
        Ok(self.process.exe.clone())
    }

    fn file_prefix(&mut self) -> Option<PathBuf> {
        self.process.config.prefix.clone()
    }

    fn auxv(&mut self) -> Result<Vec<u8>> {
        Ok(self.program.auxv.clone())
    }

    fn section_offsets(&mut self) -> Result<SectionOffsets> {
        Ok(SectionOffsets {
            text: self.program.bias,
            data: self.program.bias,
        })
    }

    fn disassemble(&mut self, addr: u64, count: usize) -> Result<Vec<Instruction>> {
        self.stopped()?;
        let mem = &self.process.mem;
        let read = &mut |at, buf: &mut [u8]| mem.read_forced(at, buf).is_ok();
        facts::disassemble(self.process.isa, read, addr, count)
    }

    fn open_files(&mut self) -> Result<Vec<OpenFile>> {
        self.stopped()?;
        files::open_files().map_err(|e| Error::Failed(format!("/proc/self/fd: {e}")))
    }

    fn signal_actions(&mut self) -> Result<Vec<SignalAction>> {
        self.stopped()?;
        Ok(facts::signal_actions(&self.process))
    }

    fn syscall_name(&self, number: u32) -> Option<String> {
        self.process.os.syscall_name(number.into())
    }

    fn syscall_number(&self, name: &str) -> Option<u32> {
        let number = self.process.os.syscall_number(name)?;
        u32::try_from(number).ok()
    }

    fn set_trace(&mut self, filter: Option<&str>) -> Result<()> {
        let Some(trace) = &self.trace else {
            return Err(Error::Unsupported("no trace was set up for this guest"));
        };
        let filter = filter
            .map(Filter::parse)
            .transpose()
            .map_err(Error::Invalid)?;
        trace.set_filter(filter);
        Ok(())
    }

    fn set_terminal(&mut self, path: Option<&Path>) -> Result<()> {
        terminal::set(self, path)
    }

    fn unimplemented(&mut self) -> Result<Vec<Unimplemented>> {
        let Some(missing) = &self.missing else {
            return Err(Error::Unsupported("nobody collects it for this guest"));
        };
        let things = missing.things().into_iter();
        Ok(things
            .map(|(what, count, result)| Unimplemented {
                kind: what.kind.to_owned(),
                name: what.what,
                count,
                pc: what.pc,
                bytes: what.size,
                result,
            })
            .collect())
    }

    fn recent_calls(&mut self) -> Result<Vec<RecentCall>> {
        self.stopped()?;
        Ok(facts::recent_calls(&self.process))
    }

    fn write_core(&mut self, path: &Path) -> Result<u64> {
        core::write(self, path)
    }

    fn statistics(&mut self) -> Result<String> {
        match &self.statistics {
            Some(tell) => Ok(tell()),
            None => Err(Error::Unsupported(
                "the interpreter counts nothing; use --engine jit",
            )),
        }
    }

    fn open_file(
        &mut self,
        path: &[u8],
        flags: OpenFlags,
        mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        files::open(self, path, flags, mode)
    }

    fn stat_file(&mut self, path: &[u8], follow: bool) -> std::result::Result<FileStat, FileError> {
        files::stat(self, path, follow)
    }

    fn read_link(&mut self, path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        files::read_link(self, path)
    }

    fn unlink_file(&mut self, path: &[u8]) -> std::result::Result<(), FileError> {
        files::unlink(self, path)
    }
}
