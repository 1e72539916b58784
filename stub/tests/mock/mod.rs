//! A scripted inferior: two threads of a toy AArch64 (or of a MIPS that only knows `nop`), a little memory, a fake file system.
//! It runs inside `resume`, so that tests need no threads; only a jump to itself keeps it "running" until it is interrupted.
#![allow(dead_code)] // each test binary uses a part of it

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::Arc;

use emu_stub::*;

pub const CODE: u64 = 0x40_0000;
pub const DATA: u64 = 0x50_0000;
pub const STACK: u64 = 0x7fff_0000;
pub const PAGE: u64 = 0x1_0000;
pub const PID: Pid = 100;

/// Instructions that the toy AArch64 knows.
pub mod insn {
    pub const NOP: u32 = 0xd503_201f;
    /// `b .`
    pub const LOOP: u32 = 0x1400_0000;
    /// `svc #0`: exit(x0) if x8 is 93, else a call that does nothing.
    pub const SVC: u32 = 0xd400_0001;
    /// `str x0, [x1]`
    pub const STR_X0_X1: u32 = 0xf900_0020;
    /// `add x0, x0, #1`
    pub const ADD_X0_1: u32 = 0x9100_0400;
    /// `udf #0`: SIGILL.
    pub const UDF: u32 = 0;
}

fn reg(
    name: &'static str,
    bits: u16,
    feature: &'static str,
    kind: RegisterType,
    role: Option<RegisterRole>,
    dwarf: Option<u16>,
) -> RegisterInfo {
    RegisterInfo {
        name,
        alt_name: "",
        bits,
        feature,
        kind,
        role,
        dwarf,
        eh_frame: dwarf,
        group: "",
    }
}

const X_NAMES: [&str; 31] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "x30",
];
const V_NAMES: [&str; 32] = [
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
    "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
    "v28", "v29", "v30", "v31",
];

pub const SP: usize = 31;
pub const PC: usize = 32;

pub fn aarch64() -> TargetDescription {
    const CORE: &str = "org.gnu.gdb.aarch64.core";
    const FPU: &str = "org.gnu.gdb.aarch64.fpu";
    const FLAGS: &[FlagField] = &[flag("V", 28), flag("C", 29), flag("Z", 30), flag("N", 31)];
    let mut registers = Vec::new();
    for (n, name) in X_NAMES.into_iter().enumerate() {
        let role = match n {
            0..=7 => Some(RegisterRole::Arg(n as u8 + 1)),
            29 => Some(RegisterRole::Fp),
            30 => Some(RegisterRole::Ra),
            _ => None,
        };
        registers.push(reg(name, 64, CORE, RegisterType::Int, role, Some(n as u16)));
    }
    registers.push(reg(
        "sp",
        64,
        CORE,
        RegisterType::DataPtr,
        Some(RegisterRole::Sp),
        Some(31),
    ));
    registers.push(reg(
        "pc",
        64,
        CORE,
        RegisterType::CodePtr,
        Some(RegisterRole::Pc),
        Some(32),
    ));
    registers.push(reg(
        "cpsr",
        32,
        CORE,
        RegisterType::Flags(FLAGS),
        Some(RegisterRole::Flags),
        None,
    ));
    for (n, name) in V_NAMES.into_iter().enumerate() {
        registers.push(reg(
            name,
            128,
            FPU,
            RegisterType::Vector,
            None,
            Some(64 + n as u16),
        ));
    }
    registers.push(reg("fpsr", 32, FPU, RegisterType::Int, None, None));
    registers.push(reg("fpcr", 32, FPU, RegisterType::Int, None, None));
    registers.push(reg(
        "tpidr",
        64,
        "org.gnu.gdb.aarch64.tls",
        RegisterType::DataPtr,
        Some(RegisterRole::Tp),
        None,
    ));
    TargetDescription {
        gdb_arch: "aarch64".into(),
        gdb_osabi: "GNU/Linux".into(),
        triple: "aarch64-unknown-linux-gnu".into(),
        endian: Endian::Little,
        pointer_size: 8,
        page_size: 4096,
        elf_abi: String::new(),
        breakpoint_size: 4,
        registers,
    }
}

const fn flag(name: &'static str, bit: u8) -> FlagField {
    FlagField {
        name,
        first_bit: bit,
        last_bit: bit,
    }
}

pub fn mips_be() -> TargetDescription {
    const CPU: &str = "org.gnu.gdb.mips.cpu";
    const CP0: &str = "org.gnu.gdb.mips.cp0";
    const FPU: &str = "org.gnu.gdb.mips.fpu";
    const R: [&str; 32] = [
        "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26",
        "r27", "r28", "r29", "r30", "r31",
    ];
    const F: [&str; 32] = [
        "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "f13",
        "f14", "f15", "f16", "f17", "f18", "f19", "f20", "f21", "f22", "f23", "f24", "f25", "f26",
        "f27", "f28", "f29", "f30", "f31",
    ];
    let int = RegisterType::Int;
    let mut registers = Vec::new();
    for (n, name) in R.into_iter().enumerate() {
        let role = match n {
            29 => Some(RegisterRole::Sp),
            30 => Some(RegisterRole::Fp),
            31 => Some(RegisterRole::Ra),
            _ => None,
        };
        registers.push(reg(name, 32, CPU, int, role, Some(n as u16)));
    }
    registers.push(reg("status", 32, CP0, int, None, None));
    registers.push(reg("lo", 32, CPU, int, None, Some(65)));
    registers.push(reg("hi", 32, CPU, int, None, Some(64)));
    registers.push(reg("badvaddr", 32, CP0, int, None, None));
    registers.push(reg("cause", 32, CP0, int, None, None));
    registers.push(reg(
        "pc",
        32,
        CPU,
        RegisterType::CodePtr,
        Some(RegisterRole::Pc),
        None,
    ));
    for (n, name) in F.into_iter().enumerate() {
        registers.push(reg(
            name,
            32,
            FPU,
            RegisterType::Float,
            None,
            Some(32 + n as u16),
        ));
    }
    registers.push(reg("fcsr", 32, FPU, int, None, None));
    registers.push(reg("fir", 32, FPU, int, None, None));
    registers.push(reg(
        "restart",
        32,
        "org.gnu.gdb.mips.linux",
        int,
        None,
        None,
    ));
    TargetDescription {
        gdb_arch: "mips:isa32r2".into(),
        gdb_osabi: "GNU/Linux".into(),
        triple: "mips-unknown-linux-gnu".into(),
        endian: Endian::Big,
        pointer_size: 4,
        page_size: 4096,
        elf_abi: "o32".into(),
        breakpoint_size: 4,
        registers,
    }
}

pub struct Mock {
    pub target: Arc<TargetDescription>,
    pub capabilities: Capabilities,
    /// By thread, by register.
    pub threads: BTreeMap<Tid, Vec<Vec<u8>>>,
    /// Registers that cannot be read.
    pub unavailable: BTreeSet<usize>,
    pub memory: Vec<(u64, Vec<u8>, Permissions, &'static str)>,
    pub breakpoints: BTreeMap<(u64, bool), Breakpoint>,
    pub watchpoints: BTreeSet<(u64, u64, u8)>,
    pub catch: CatchSyscalls,
    pub passed: Vec<i32>,
    pub libraries_reported: bool,
    pub children: Vec<(Pid, Tid)>,
    pub detached: Vec<Pid>,
    pub killed: bool,
    /// Every plan that came, for the tests to look at.
    pub plans: Vec<ResumePlan>,
    /// Stops that come instead of running, first in first out.
    pub script: Vec<Stop>,
    /// How many register writes came.
    pub register_writes: usize,
    /// Memory writes that came.
    pub writes: Vec<(u64, Vec<u8>)>,
    pub siginfo: Vec<u8>,
    pub selected: Pid,
    state: State,
    waiting: Option<Stop>,
    notifier: Notifier,
}

impl Mock {
    pub fn new(target: TargetDescription) -> Mock {
        let rwx = |read, write, exec| Permissions { read, write, exec };
        let blank: Vec<Vec<u8>> = target.registers.iter().map(|r| vec![0; r.size()]).collect();
        let first = Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::Step,
        };
        let mut mock = Mock {
            target: Arc::new(target),
            capabilities: Capabilities {
                resume: true,
                breakpoints: true,
                conditions: true,
                watchpoints: true,
                catch_syscalls: true,
                fork_events: true,
                exec_events: true,
                thread_events: true,
                pass_signals: true,
                siginfo: true,
                auxv: true,
                libraries: true,
                exec_file: true,
                reverse: false,
                restart: false,
            },
            threads: BTreeMap::from([(PID, blank.clone()), (PID + 1, blank)]),
            unavailable: BTreeSet::new(),
            memory: vec![
                (
                    CODE,
                    vec![0; PAGE as usize],
                    rwx(true, false, true),
                    "/bin/toy",
                ),
                (
                    DATA,
                    vec![0; PAGE as usize],
                    rwx(true, true, false),
                    "/bin/toy",
                ),
                (
                    STACK,
                    vec![0; PAGE as usize],
                    rwx(true, true, false),
                    "[stack]",
                ),
            ],
            breakpoints: BTreeMap::new(),
            watchpoints: BTreeSet::new(),
            catch: CatchSyscalls::None,
            passed: Vec::new(),
            libraries_reported: false,
            children: Vec::new(),
            detached: Vec::new(),
            killed: false,
            plans: Vec::new(),
            script: Vec::new(),
            register_writes: 0,
            writes: Vec::new(),
            siginfo: vec![0; 128],
            selected: PID,
            state: State::Stopped(first),
            waiting: None,
            notifier: Notifier::new().unwrap(),
        };
        for tid in [PID, PID + 1] {
            mock.set_role(tid, RegisterRole::Pc, CODE);
            mock.set_role(
                tid,
                RegisterRole::Sp,
                STACK + PAGE - 0x100 * u64::from(tid - PID + 1),
            );
        }
        mock
    }

    /// A toy AArch64 with this code at its start.
    pub fn with_code(code: &[u32]) -> Mock {
        let mut mock = Mock::new(aarch64());
        for (i, word) in code.iter().enumerate() {
            mock.memory[0].1[4 * i..4 * i + 4].copy_from_slice(&word.to_le_bytes());
        }
        mock
    }

    pub fn get(&self, tid: Tid, register: usize) -> u64 {
        self.target.read_integer(&self.threads[&tid][register])
    }

    pub fn set(&mut self, tid: Tid, register: usize, value: u64) {
        let size = self.target.registers[register].size();
        self.threads.get_mut(&tid).unwrap()[register] = self.target.integer(value, size);
    }

    pub fn set_role(&mut self, tid: Tid, role: RegisterRole, value: u64) {
        let n = self.target.register_in_role(role).unwrap();
        self.set(tid, n, value);
    }

    pub fn pc(&self, tid: Tid) -> u64 {
        self.get(tid, self.target.register_in_role(RegisterRole::Pc).unwrap())
    }

    /// Reports a stop, as an event from outside would.
    pub fn report(&mut self, stop: Stop) {
        if stop.is_exit() {
            self.threads.clear();
        }
        self.waiting = Some(stop);
        self.notifier.set();
    }

    fn find(&self, addr: u64) -> Option<usize> {
        self.memory
            .iter()
            .position(|(start, data, ..)| addr >= *start && addr - start < data.len() as u64)
    }

    fn word(&self, addr: u64) -> u32 {
        let mut word = [0; 4];
        for (i, b) in word.iter_mut().enumerate() {
            let at = addr.wrapping_add(i as u64);
            match self.find(at) {
                Some(r) => *b = self.memory[r].1[(at - self.memory[r].0) as usize],
                None => return insn::UDF,
            }
        }
        u32::from_le_bytes(word)
    }

    /// Executes one instruction of a thread, the first one without watching. `None`: it jumps to itself.
    fn execute(&mut self, tid: Tid, first: bool) -> Option<std::result::Result<(), StopReason>> {
        let pc = self.pc(tid);
        let next = pc.wrapping_add(4);
        if self.target.gdb_arch != "aarch64" {
            self.set_role(tid, RegisterRole::Pc, next & 0xffff_ffff);
            return Some(Ok(()));
        }
        let mut result = Ok(());
        match self.word(pc) {
            insn::NOP => {}
            insn::LOOP => return None,
            insn::ADD_X0_1 => {
                let x0 = self.get(tid, 0).wrapping_add(1);
                self.set(tid, 0, x0);
            }
            insn::STR_X0_X1 => {
                let (value, addr) = (self.get(tid, 0), self.get(tid, 1));
                let hit = self
                    .watchpoints
                    .iter()
                    .find(|(at, len, kind)| addr < at + len && addr + 8 > *at && *kind != 1);
                if let Some((at, _, kind)) = hit
                    && !first
                {
                    return Some(Err(StopReason::Watchpoint {
                        kind: if *kind == 0 {
                            WatchKind::Write
                        } else {
                            WatchKind::Access
                        },
                        addr: addr.max(*at),
                    }));
                }
                if self.write_memory(addr, &value.to_le_bytes()).is_err() {
                    return Some(Err(StopReason::Signal(11)));
                }
                self.writes.pop();
            }
            insn::SVC => {
                let number = self.get(tid, 8) as u32;
                if number == 93 {
                    return Some(Err(StopReason::Exited(self.get(tid, 0) as u8)));
                }
                let caught = match &self.catch {
                    CatchSyscalls::None => false,
                    CatchSyscalls::All => true,
                    CatchSyscalls::Only(list) => list.contains(&number),
                };
                if caught {
                    result = Err(StopReason::SyscallEntry(number));
                }
            }
            _ => return Some(Err(StopReason::Signal(4))),
        }
        self.set(tid, PC, next);
        Some(result)
    }

    /// Whether a breakpoint at `pc` has no condition, or one that holds.
    fn is_hit(&mut self, pc: u64, tid: Tid) -> bool {
        let here = |b: &&Breakpoint| b.addr == pc;
        let Some(b) = self.breakpoints.values().find(here).cloned() else {
            return false;
        };
        let mut context = Context { mock: self, tid };
        let holds = |e: &AgentExpr| e.evaluate(&mut context) != Ok(0);
        b.conditions.is_empty() || b.conditions.iter().any(holds)
    }

    /// Runs the plan to its next stop; `None` if it goes round for ever.
    fn run(&mut self, plan: &ResumePlan) -> Option<Stop> {
        const PATIENCE: usize = 10_000;
        let tids: Vec<Tid> = self.threads.keys().copied().collect();
        let tid = tids
            .iter()
            .copied()
            .find(|t| {
                matches!(
                    plan.action(PID, *t),
                    Some(Resume::Step { .. } | Resume::StepRange { .. })
                )
            })
            .or_else(|| {
                tids.iter()
                    .copied()
                    .find(|t| plan.action(PID, *t).is_some())
            })?;
        let action = plan.action(PID, tid)?;
        let stop = |reason| {
            Some(Stop {
                pid: PID,
                tid,
                reason,
            })
        };
        if let Resume::Continue { signal: Some(n) } | Resume::Step { signal: Some(n) } = action
            && matches!(n, 4 | 9 | 11 | 15)
        {
            return stop(StopReason::Terminated(n));
        }
        for done in 0..PATIENCE {
            let pc = self.pc(tid);
            if done > 0
                && self.is_hit(pc, tid)
                && let Some(b) = [false, true]
                    .iter()
                    .find_map(|h| self.breakpoints.get(&(pc, *h)))
            {
                return stop(StopReason::Breakpoint {
                    hardware: b.hardware,
                });
            }
            match self.execute(tid, done == 0) {
                None if matches!(action, Resume::Continue { .. }) => return None,
                None => return stop(StopReason::Step),
                Some(Err(reason)) => return stop(reason),
                Some(Ok(())) => {}
            }
            match action {
                Resume::Continue { .. } => {}
                Resume::Step { .. } => return stop(StopReason::Step),
                Resume::StepRange { start, end } => {
                    if !(start..end).contains(&self.pc(tid)) {
                        return stop(StopReason::Step);
                    }
                }
            }
        }
        None
    }
}

struct Context<'m> {
    mock: &'m mut Mock,
    tid: Tid,
}

impl AgentContext for Context<'_> {
    fn register(&mut self, number: usize) -> Option<u64> {
        let bytes = self.mock.threads.get(&self.tid)?.get(number)?;
        Some(self.mock.target.read_integer(bytes))
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> bool {
        self.mock.read_memory(addr, buf) == Ok(buf.len())
    }

    fn endian(&self) -> Endian {
        self.mock.target.endian
    }
}

impl Inferior for Mock {
    fn target(&self) -> Arc<TargetDescription> {
        self.target.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn gdb_signal(&self, signal: i32) -> u8 {
        match signal {
            7 => signal::by_name("BUS").unwrap(),
            10 => signal::by_name("USR1").unwrap(),
            n @ 1..32 => n as u8,
            n => signal::realtime(n).unwrap_or(signal::GDB_SIGUNKNOWN),
        }
    }

    fn guest_signal(&self, gdb: u8) -> Option<i32> {
        (1..128).find(|n| self.gdb_signal(*n) == gdb)
    }

    fn processes(&mut self) -> Vec<Pid> {
        if self.threads.is_empty() {
            return Vec::new();
        }
        let mut all = vec![PID];
        all.extend(self.children.iter().map(|(pid, _)| *pid));
        all
    }

    fn select_process(&mut self, pid: Pid) -> Result<()> {
        if !self.processes().contains(&pid) {
            return Err(Error::NoProcess(pid));
        }
        self.selected = pid;
        Ok(())
    }

    fn threads(&mut self) -> Vec<Tid> {
        match self.children.iter().find(|(pid, _)| *pid == self.selected) {
            Some((_, tid)) => vec![*tid],
            None => self.threads.keys().copied().collect(),
        }
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        Ok(ThreadInfo {
            name: format!("toy<{tid}>"),
            state: "stopped".into(),
        })
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        if self.unavailable.contains(&register) {
            return Err(Error::Unavailable);
        }
        let registers = self.threads.get(&tid).ok_or(Error::NoThread(tid))?;
        buf.copy_from_slice(registers.get(register).ok_or(Error::NoRegister(register))?);
        Ok(())
    }

    fn write_register(&mut self, tid: Tid, register: usize, value: &[u8]) -> Result<()> {
        if self.unavailable.contains(&register) {
            return Err(Error::Unavailable);
        }
        self.register_writes += 1;
        let registers = self.threads.get_mut(&tid).ok_or(Error::NoThread(tid))?;
        let place = registers
            .get_mut(register)
            .ok_or(Error::NoRegister(register))?;
        place.copy_from_slice(value);
        Ok(())
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            let at = addr.wrapping_add(done as u64);
            let Some(r) = self.find(at) else { break };
            let (start, data, ..) = &self.memory[r];
            let from = (at - start) as usize;
            let n = (data.len() - from).min(buf.len() - done);
            buf[done..done + n].copy_from_slice(&data[from..from + n]);
            done += n;
        }
        if done == 0 && !buf.is_empty() {
            return Err(Error::Fault(addr));
        }
        Ok(done)
    }

    fn write_memory(&mut self, addr: u64, data: &[u8]) -> Result<()> {
        let r = self.find(addr).ok_or(Error::Fault(addr))?;
        let (start, memory, ..) = &mut self.memory[r];
        let from = (addr - *start) as usize;
        memory
            .get_mut(from..from + data.len())
            .ok_or(Error::Fault(addr))?
            .copy_from_slice(data);
        self.writes.push((addr, data.to_vec()));
        Ok(())
    }

    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        let region =
            |(start, data, permissions, name): &(u64, Vec<u8>, Permissions, &str)| MemoryRegion {
                start: *start,
                end: start + data.len() as u64,
                permissions: *permissions,
                name: name.to_string(),
                host_path: name.starts_with('/').then(|| format!("/root{name}").into()),
            };
        let mut regions: Vec<_> = self.memory.iter().map(region).collect();
        regions.sort_by_key(|r| r.start);
        Ok(regions)
    }

    fn allocate_memory(&mut self, size: u64, permissions: Permissions) -> Result<u64> {
        if size > 1 << 20 || self.memory.len() > 64 {
            return Err(Error::Failed("out of memory".into()));
        }
        let ends = self
            .memory
            .iter()
            .map(|(start, data, ..)| start + data.len() as u64);
        let at = ends.max().unwrap_or(0).next_multiple_of(PAGE);
        self.memory
            .push((at, vec![0; size as usize], permissions, ""));
        Ok(at)
    }

    fn deallocate_memory(&mut self, addr: u64) -> Result<()> {
        match self
            .memory
            .iter()
            .skip(3)
            .position(|(start, ..)| *start == addr)
        {
            Some(i) => {
                self.memory.remove(i + 3);
                Ok(())
            }
            None => Err(Error::Invalid("not allocated".into())),
        }
    }

    fn insert_breakpoint(&mut self, breakpoint: Breakpoint) -> Result<()> {
        let key = (breakpoint.addr, breakpoint.hardware);
        self.breakpoints.insert(key, breakpoint);
        Ok(())
    }

    fn remove_breakpoint(&mut self, addr: u64, hardware: bool) -> Result<()> {
        self.breakpoints.remove(&(addr, hardware));
        Ok(())
    }

    fn clear_breakpoints(&mut self) -> Result<()> {
        self.breakpoints.clear();
        self.watchpoints.clear();
        Ok(())
    }

    fn insert_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.watchpoints.insert((addr, len, kind as u8));
        Ok(())
    }

    fn remove_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.watchpoints.remove(&(addr, len, kind as u8));
        Ok(())
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<()> {
        if !self.capabilities.resume {
            return Err(Error::Unsupported("nothing runs here"));
        }
        if self.threads.is_empty() {
            return Err(Error::WrongState("the process has exited"));
        }
        assert_eq!(self.waiting, None, "resumed with a stop not taken");
        assert_ne!(self.state, State::Running, "resumed while running");
        for (tid, _) in &plan.threads {
            assert!(
                self.threads.contains_key(tid) || self.children.iter().any(|c| c.1 == *tid),
                "a plan for thread {tid}, which is not there"
            );
        }
        self.state = State::Running;
        self.plans.push(plan.clone());
        if self.plans.len() > 100 {
            self.plans.remove(0);
        }
        let stop = if self.script.is_empty() {
            self.run(&plan)
        } else {
            Some(self.script.remove(0))
        };
        if let Some(stop) = stop {
            self.report(stop);
        }
        Ok(())
    }

    fn interrupt(&mut self) -> Result<()> {
        if self.state == State::Running
            && self.waiting.is_none()
            && let Some(tid) = self.threads.keys().next().copied()
        {
            self.report(Stop {
                pid: PID,
                tid,
                reason: StopReason::Interrupted,
            });
        }
        Ok(())
    }

    fn stop_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.notifier.as_fd())
    }

    fn take_stop(&mut self) -> Option<Stop> {
        let stop = self.waiting.take()?;
        self.notifier.clear();
        if let StopReason::Fork { pid, tid } | StopReason::VFork { pid, tid } = stop.reason {
            self.children.push((pid, tid));
        }
        self.state = State::Stopped(stop.clone());
        Some(stop)
    }

    fn kill(&mut self) -> Result<()> {
        if self.selected != PID {
            let gone = self.selected;
            self.children.retain(|(pid, _)| *pid != gone);
            self.selected = PID;
            return Ok(());
        }
        self.killed = true;
        self.waiting = None;
        self.notifier.clear();
        self.threads.clear();
        self.state = State::Stopped(Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::Terminated(9),
        });
        Ok(())
    }

    fn detach(&mut self, _signal: Option<i32>) -> Result<()> {
        let gone = self.selected;
        self.detached.push(gone);
        if gone == PID {
            self.breakpoints.clear();
            self.watchpoints.clear();
        } else {
            self.children.retain(|(pid, _)| *pid != gone);
            self.selected = PID;
        }
        Ok(())
    }

    fn catch_syscalls(&mut self, which: CatchSyscalls) -> Result<()> {
        self.catch = which;
        Ok(())
    }

    fn pass_signals(&mut self, signals: &[i32]) -> Result<()> {
        self.passed = signals.to_vec();
        Ok(())
    }

    fn report_forks(&mut self, _on: bool) -> Result<()> {
        Ok(())
    }

    fn report_libraries(&mut self, on: bool) -> Result<()> {
        self.libraries_reported = on;
        Ok(())
    }

    fn report_thread_events(&mut self, _on: bool) -> Result<()> {
        Ok(())
    }

    fn exec_file(&mut self) -> Result<PathBuf> {
        Ok("/bin/toy".into())
    }

    fn exec_file_on_host(&mut self) -> Result<PathBuf> {
        Ok("/root/bin/toy".into())
    }

    fn auxv(&mut self) -> Result<Vec<u8>> {
        let word = self.target.pointer_size.into();
        // AT_ENTRY, AT_NULL
        let words = [9, CODE, 0, 0];
        Ok(words
            .iter()
            .flat_map(|w| self.target.integer(*w, word))
            .collect())
    }

    fn read_siginfo(&mut self, _tid: Tid) -> Result<Vec<u8>> {
        Ok(self.siginfo.clone())
    }

    fn write_siginfo(&mut self, _tid: Tid, data: &[u8]) -> Result<()> {
        self.siginfo = data.to_vec();
        Ok(())
    }

    fn libraries(&mut self) -> Result<Libraries> {
        Ok(Libraries {
            main_link_map: Some(DATA + 0x100),
            libraries: vec![Library {
                name: "/lib/libtoy.so".into(),
                host_path: Some("/root/lib/libtoy.so".into()),
                link_map: DATA + 0x200,
                load_bias: 0x10_0000,
                dynamic: 0x10_8000,
                start: 0x10_1000,
            }],
        })
    }

    fn library_info_slot(&mut self) -> Result<u64> {
        Ok(DATA + 8)
    }

    fn section_offsets(&mut self) -> Result<SectionOffsets> {
        Ok(SectionOffsets { text: 0, data: 0 })
    }

    fn open_file(
        &mut self,
        path: &[u8],
        flags: OpenFlags,
        _mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        if flags.write() {
            return Err(FileError::ReadOnly);
        }
        match path {
            b"/proc/100/maps" => Ok(Box::new(
                b"400000-410000 r-xp 00000000 08:01 42 /bin/toy\n".to_vec(),
            )),
            b"/etc/motd" => Ok(Box::new(b"a $ and a # and a } and a *".to_vec())),
            _ => Err(FileError::NotFound),
        }
    }

    fn stat_file(
        &mut self,
        path: &[u8],
        _follow: bool,
    ) -> std::result::Result<FileStat, FileError> {
        let mut file = self.open_file(path, OpenFlags::READ_ONLY, 0)?;
        file.stat()
    }

    fn read_link(&mut self, path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        match path {
            b"/proc/100/exe" => Ok(b"/bin/toy".to_vec()),
            _ => Err(FileError::NotFound),
        }
    }
}
