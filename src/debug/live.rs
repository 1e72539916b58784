//! The live guest as an [`Inferior`]: the debugger's side.

use super::control::{Control, Run};
use super::{describe, files};
use crate::host;
use crate::ir::CpuState;
use crate::isa::Register;
use crate::loader::Loaded;
use crate::mem::{Kind, Mapping, Place, Prot};
use crate::process::{Process, Signal, ThreadHandle};
use emu_stub::{
    Breakpoint, Capabilities, Error, FileError, FileStat, GuestFile, Inferior, MemoryRegion,
    OpenFlags, Permissions, Pid, ProcessInfo, Result, Resume, ResumePlan, SectionOffsets, State,
    Stop, StopReason, TargetDescription, ThreadInfo, Tid, signal,
};
use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// `tgkill(2)` on x86-64.
const SYS_TGKILL: i64 = 234;

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
    target: Arc<TargetDescription>,
    registers: Vec<&'static Register>,
    /// Breakpoints, and whether the debugger called them hardware breakpoints.
    breakpoints: BTreeMap<(u64, bool), ()>,
    /// Memory that was mapped for the debugger: address and size.
    allocated: HashMap<u64, u64>,
    /// [`Process::stop_all`] is in force for the debugger. A second one would wait for the first to end.
    halted: bool,
}

impl Live {
    /// The debugger's view of `process`, whose observers include `control`. To be used in a thread that is none of the guest's.
    pub fn new(process: Arc<Process>, control: Arc<Control>, program: Program, mode: u32) -> Live {
        let table = process.isa.registers_in_mode(mode);
        Live {
            target: Arc::new(describe::describe(process.isa, table, process.os.name())),
            registers: describe::visible(table).collect(),
            process,
            control,
            program,
            breakpoints: BTreeMap::new(),
            allocated: HashMap::new(),
            halted: false,
        }
    }

    /// Takes the guest over for a debugger that has connected: on return it is stopped, before its first instruction if it
    /// has not begun.
    pub fn attach(&mut self) {
        self.control.wait_started();
        if self.control.is_attached() {
            // The first debugger finds the main thread parked by itself; a later one finds what the one before left.
            if matches!(self.control.lock().run, Run::Stopped(_)) && !self.halted && !self.ended() {
                self.process.stop_all();
                self.halted = true;
            }
            return;
        }
        self.control.set_attached(true);
        self.process.stop_all();
        self.halted = true;
        let tid = self.process.threads().first().map_or(0, |t| t.tid);
        self.control.lock().run = Run::Stopped(Stop {
            pid: host::pid() as Pid,
            tid: tid as Tid,
            reason: StopReason::Interrupted,
        });
    }

    /// Whether the guest has ended and the debugger has been told.
    fn ended(&self) -> bool {
        match &self.control.lock().run {
            Run::Stopped(stop) => stop.is_exit(),
            _ => false,
        }
    }

    fn stopped(&self) -> Result<()> {
        match &self.control.lock().run {
            Run::Stopped(stop) if stop.is_exit() => Err(Error::WrongState("the program has ended")),
            Run::Stopped(_) => Ok(()),
            _ => Err(Error::WrongState("the program is running")),
        }
    }

    fn thread(&self, tid: Tid) -> Result<Arc<ThreadHandle>> {
        self.stopped()?;
        self.process
            .threads()
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

    /// The host signal that the guest calls `number`.
    fn host_signal(&self, number: i32) -> Option<Signal> {
        (1..=64)
            .map(Signal)
            .find(|s| self.process.os.signal_number(*s) as i32 == number)
    }

    /// Lets threads go as `plan` says. Only while stopped.
    fn go(&mut self, plan: ResumePlan) {
        let mut state = self.control.lock();
        for thread in self.process.threads() {
            let tid = thread.tid as Tid;
            let action = plan.action(tid);
            let stepping = matches!(action, Some(Resume::Step { .. } | Resume::StepRange { .. }));
            thread.stepping.store(stepping, SeqCst);
            if let Some(Resume::Continue { signal: Some(n) } | Resume::Step { signal: Some(n) }) =
                action
                && !state.at_signal.contains_key(&tid)
                && let Some(signal) = self.host_signal(n)
            {
                // Not one that the thread stopped for: it comes through the kernel as any other, but stops no more.
                state.injected.push((tid, n));
                let target = [
                    host::pid() as u64,
                    thread.tid as u64,
                    u64::from(signal.0),
                    0,
                    0,
                    0,
                ];
                if host::syscall(SYS_TGKILL, target).is_err() {
                    state.injected.pop();
                }
            }
            self.process.hold(&thread, action.is_none());
        }
        state.plan = plan;
        state.run = Run::Running;
        drop(state);
        self.halted = false;
        self.process.resume_all();
    }

    fn remove_all_breakpoints(&mut self) {
        for (addr, _) in std::mem::take(&mut self.breakpoints).into_keys() {
            self.process.code.remove_breakpoint(addr);
        }
    }
}

impl Inferior for Live {
    fn target(&self) -> Arc<TargetDescription> {
        self.target.clone()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resume: true,
            breakpoints: true,
            pass_signals: true,
            auxv: true,
            exec_file: true,
            ..Capabilities::default()
        }
    }

    fn gdb_signal(&self, number: i32) -> u8 {
        let Some(host) = self.host_signal(number) else {
            return signal::realtime(number).unwrap_or(signal::GDB_SIGUNKNOWN);
        };
        match signal::by_name(host.name().strip_prefix("SIG").unwrap_or("")) {
            Some(n) => n,
            None => signal::realtime(number).unwrap_or(signal::GDB_SIGUNKNOWN),
        }
    }

    fn guest_signal(&self, gdb: u8) -> Option<i32> {
        (1..=127).find(|n| self.gdb_signal(*n) == gdb && gdb != signal::GDB_SIGUNKNOWN)
    }

    fn processes(&mut self) -> Vec<Pid> {
        if self.ended() {
            Vec::new()
        } else {
            vec![host::pid() as Pid]
        }
    }

    fn process_info(&mut self) -> Result<ProcessInfo> {
        use std::os::unix::fs::MetadataExt;
        // The owner of /proc/self is the effective user and group.
        let (uid, gid) = std::fs::metadata("/proc/self")
            .map(|m| (m.uid(), m.gid()))
            .unwrap_or_default();
        Ok(ProcessInfo {
            parent: std::os::unix::process::parent_id(),
            uid,
            gid,
            euid: uid,
            egid: gid,
        })
    }

    fn threads(&mut self) -> Vec<Tid> {
        if self.ended() {
            return Vec::new();
        }
        self.process
            .threads()
            .iter()
            .map(|t| t.tid as Tid)
            .collect()
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        let thread = self
            .process
            .threads()
            .into_iter()
            .find(|t| t.tid == tid as i32)
            .ok_or(Error::NoThread(tid))?;
        let name =
            std::fs::read_to_string(format!("/proc/self/task/{tid}/comm")).unwrap_or_default();
        let state = if thread.is_blocked() {
            "in a system call"
        } else {
            ""
        };
        Ok(ThreadInfo {
            name: name.trim_end().into(),
            state: state.into(),
        })
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        let r = *self
            .registers
            .get(register)
            .ok_or(Error::NoRegister(register))?;
        let isa = self.process.isa;
        let value = self.with_cpu(tid, |cpu| {
            isa.sync_registers(cpu);
            r.read(cpu)
        })?;
        buf.copy_from_slice(&value.to_le_bytes()[..r.size()]);
        if self.target.endian == emu_stub::Endian::Big {
            buf.reverse();
        }
        Ok(())
    }

    fn write_register(&mut self, tid: Tid, register: usize, value: &[u8]) -> Result<()> {
        let r = *self
            .registers
            .get(register)
            .ok_or(Error::NoRegister(register))?;
        // A call that the thread waits in is made again once its registers are back, since it shows itself before the call.
        self.thread(tid)?.discard_syscall();
        let mut bytes = [0; 16];
        bytes[..r.size()].copy_from_slice(value);
        if self.target.endian == emu_stub::Endian::Big {
            bytes[..r.size()].reverse();
        }
        let isa = self.process.isa;
        self.with_cpu(tid, |cpu| {
            isa.sync_registers(cpu);
            r.write(cpu, u128::from_le_bytes(bytes));
            isa.sync_derived(cpu);
        })
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        self.stopped()?;
        let mem = &self.process.mem;
        if mem.read(addr, buf).is_ok() {
            return Ok(buf.len());
        }
        // A hole, or pages that the guest itself may not read: page by page.
        let mut done = 0;
        while done < buf.len() {
            let at = addr.wrapping_add(done as u64);
            let step = ((crate::mem::PAGE_SIZE - at % crate::mem::PAGE_SIZE) as usize)
                .min(buf.len() - done);
            if mem.read_forced(at, &mut buf[done..done + step]).is_err() {
                break;
            }
            done += step;
        }
        if done == 0 && !buf.is_empty() {
            Err(Error::Fault(addr))
        } else {
            Ok(done)
        }
    }

    fn write_memory(&mut self, addr: u64, data: &[u8]) -> Result<()> {
        self.stopped()?;
        let mem = &self.process.mem;
        // All or nothing: a hole in the middle is found before the first byte is written.
        if !mem.is_mapped(addr, data.len() as u64) {
            return Err(Error::Fault(addr));
        }
        mem.write_forced(addr, data)
            .map_err(|f| Error::Fault(f.addr))
    }

    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        let regions = self.process.mem.regions();
        Ok(regions
            .iter()
            .map(|r| MemoryRegion {
                start: r.start,
                end: r.end,
                permissions: Permissions {
                    read: r.prot.contains(Prot::READ),
                    write: r.prot.contains(Prot::WRITE),
                    exec: r.prot.contains(Prot::EXEC),
                },
                name: r.name().to_string_lossy().into_owned(),
                host_path: match &r.kind {
                    Kind::File(f) => Some(f.path.clone()),
                    _ => None,
                },
            })
            .collect())
    }

    fn allocate_memory(&mut self, size: u64, p: Permissions) -> Result<u64> {
        self.stopped()?;
        let bit = |on: bool, prot: Prot| if on { prot } else { Prot::NONE };
        let prot = bit(p.read, Prot::READ) | bit(p.write, Prot::WRITE) | bit(p.exec, Prot::EXEC);
        let mapping = Mapping::anonymous(Place::Hint(0), size.max(1), prot);
        let addr = self
            .process
            .mem
            .map(&mapping)
            .map_err(|e| Error::Failed(format!("no memory for {size} bytes: {e}")))?;
        self.allocated.insert(addr, size.max(1));
        Ok(addr)
    }

    fn deallocate_memory(&mut self, addr: u64) -> Result<()> {
        self.stopped()?;
        let size = self.allocated.remove(&addr).ok_or(Error::Invalid(format!(
            "{addr:#x} was not allocated for the debugger"
        )))?;
        self.process
            .mem
            .unmap(addr, size)
            .map_err(|e| Error::Failed(e.to_string()))
    }

    fn clear_breakpoints(&mut self) -> Result<()> {
        self.stopped()?;
        self.remove_all_breakpoints();
        Ok(())
    }

    fn insert_breakpoint(&mut self, b: Breakpoint) -> Result<()> {
        self.stopped()?;
        if self.breakpoints.insert((b.addr, b.hardware), ()).is_none() {
            self.process.code.set_breakpoint(b.addr);
        }
        Ok(())
    }

    fn remove_breakpoint(&mut self, addr: u64, hardware: bool) -> Result<()> {
        self.stopped()?;
        if self.breakpoints.remove(&(addr, hardware)).is_some() {
            self.process.code.remove_breakpoint(addr);
        }
        Ok(())
    }

    fn state(&self) -> State {
        match &self.control.lock().run {
            Run::Stopped(stop) => State::Stopped(stop.clone()),
            _ => State::Running,
        }
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<()> {
        self.stopped()?;
        self.go(plan);
        Ok(())
    }

    fn interrupt(&mut self) -> Result<()> {
        if !matches!(self.control.lock().run, Run::Running) {
            return Ok(());
        }
        self.process.stop_all();
        let tid = self.process.threads().first().map_or(0, |t| t.tid);
        let mut state = self.control.lock();
        // A thread may have had an event of its own meanwhile: that one counts, and the threads stay halted for it.
        if matches!(state.run, Run::Running) {
            state.run = Run::Interrupted(Stop {
                pid: host::pid() as Pid,
                tid: tid as Tid,
                reason: StopReason::Interrupted,
            });
            self.control.notifier.set();
        } else {
            drop(state);
            self.process.resume_all();
        }
        Ok(())
    }

    fn stop_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.control.notifier.as_fd())
    }

    fn take_stop(&mut self) -> Option<Stop> {
        self.control.notifier.clear();
        let (stop, halted) = match &self.control.lock().run {
            Run::Event(stop) => (stop.clone(), false),
            Run::Interrupted(stop) => (stop.clone(), true),
            _ => return None,
        };
        // Without the lock: threads on their way to parking take it. A guest that has ended has nothing left to halt.
        if !halted && !stop.is_exit() {
            self.process.stop_all();
        }
        self.halted = !stop.is_exit();
        let mut state = self.control.lock();
        let mut stop = stop;
        if let StopReason::Breakpoint { hardware } = &mut stop.reason {
            let pc = self
                .process
                .threads()
                .iter()
                .find(|t| t.tid == stop.tid as i32)
                .and_then(|t| t.cpu.borrow(|cpu| cpu.pc));
            *hardware = pc.is_some_and(|pc| {
                self.breakpoints.contains_key(&(pc, true))
                    && !self.breakpoints.contains_key(&(pc, false))
            });
        }
        state.run = Run::Stopped(stop.clone());
        Some(stop)
    }

    fn kill(&mut self) -> Result<()> {
        let sigkill = self.process.os.signal_number(Signal::SIGKILL) as i32;
        if matches!(self.control.lock().run, Run::Running) {
            self.process.stop_all();
        }
        // The threads stay halted; whoever serves the debugger ends this process.
        let stop = Stop {
            pid: host::pid() as Pid,
            tid: 0,
            reason: StopReason::Terminated(sigkill),
        };
        self.control.lock().run = Run::Stopped(stop);
        Ok(())
    }

    fn detach(&mut self, signal: Option<i32>) -> Result<()> {
        if self.ended() {
            return Ok(());
        }
        if matches!(self.control.lock().run, Run::Running) {
            self.interrupt()?;
        }
        // An event that nobody took yet is dropped with the debugger, but its thread must be halted before it is let go.
        self.take_stop();
        if self.ended() {
            return Ok(());
        }
        self.remove_all_breakpoints();
        let at = match &self.control.lock().run {
            Run::Stopped(stop) => Some(stop.tid),
            _ => None,
        };
        let threads = at
            .filter(|_| signal.is_some())
            .map(|tid| (tid, Resume::Continue { signal }))
            .into_iter()
            .collect();
        self.control.lock().pass.clear();
        self.control.set_attached(false);
        self.go(ResumePlan {
            threads,
            others: Some(Resume::Continue { signal: None }),
        });
        self.control.tell_end();
        Ok(())
    }

    fn pass_signals(&mut self, signals: &[i32]) -> Result<()> {
        self.control.lock().pass = signals.iter().copied().collect();
        Ok(())
    }

    fn exec_file(&mut self) -> Result<PathBuf> {
        Ok(self.process.exe.clone())
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

    fn open_file(
        &mut self,
        path: &[u8],
        flags: OpenFlags,
        mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        use std::os::unix::fs::OpenOptionsExt;
        let prefix = self.process.config.prefix.as_deref();
        match files::own_proc_file(path, host::pid()) {
            Some("maps") => return Ok(Box::new(self.process.mem.maps())),
            Some("auxv") => return Ok(Box::new(self.program.auxv.clone())),
            Some("exe") => return Ok(Box::new(std::fs::File::open(&self.process.exe)?)),
            // What describes the emulator rather than the guest is not shown as the guest's.
            Some("smaps" | "mem" | "pagemap" | "smaps_rollup" | "numa_maps") => {
                return Err(FileError::NotFound);
            }
            _ => {}
        }
        let file = flags
            .options()
            .mode(mode)
            .open(files::host_path(prefix, path))?;
        Ok(Box::new(file))
    }

    fn stat_file(&mut self, path: &[u8], follow: bool) -> std::result::Result<FileStat, FileError> {
        let path = files::host_path(self.process.config.prefix.as_deref(), path);
        let meta = if follow {
            path.metadata()
        } else {
            path.symlink_metadata()
        }?;
        Ok(FileStat::from(&meta))
    }

    fn read_link(&mut self, path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        use std::os::unix::ffi::OsStringExt;
        if files::own_proc_file(path, host::pid()) == Some("exe") {
            return Ok(self.process.exe.clone().into_os_string().into_vec());
        }
        let path = files::host_path(self.process.config.prefix.as_deref(), path);
        Ok(std::fs::read_link(path)?.into_os_string().into_vec())
    }

    fn unlink_file(&mut self, path: &[u8]) -> std::result::Result<(), FileError> {
        Ok(std::fs::remove_file(files::host_path(
            self.process.config.prefix.as_deref(),
            path,
        ))?)
    }
}
