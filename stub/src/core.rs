//! gdbstub as the protocol core: packets that it carries well are handed to it byte by byte, and its replies are collected.
//!
//! It sees one dynamic architecture whose registers come from the inferior's table. Packets with thread ids, resumption and stop
//! replies stay with us: gdbstub drops the signal of a `vCont;C05` without a thread, ends the session on `Hg-1` or `vCont;s`, has
//! one process only, and does not know lldb's thread suffix. What it takes as fatal (malformed packets) costs a fresh core here,
//! never the session: the core keeps no state that matters.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

use gdbstub::arch::{Arch, RegId, Registers};
use gdbstub::common::{Pid as CorePid, Tid as CoreTid};
use gdbstub::conn::Connection;
use gdbstub::stub::GdbStubBuilder;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::target::ext::auxv::{Auxv, AuxvOps};
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::MultiThreadBase;
use gdbstub::target::ext::base::single_register_access::{
    SingleRegisterAccess, SingleRegisterAccessOps,
};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, HwWatchpoint, HwWatchpointOps,
    SwBreakpoint, SwBreakpointOps, WatchKind as CoreWatchKind,
};
use gdbstub::target::ext::catch_syscalls::{
    CatchSyscalls as CoreCatchSyscalls, CatchSyscallsOps, SyscallNumbers,
};
use gdbstub::target::ext::exec_file::{ExecFile, ExecFileOps};
use gdbstub::target::ext::host_io::HostIoOps;
use gdbstub::target::ext::libraries::{LibrariesSvr4, LibrariesSvr4Ops};
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd, MonitorCmdOps};
use gdbstub::target::ext::section_offsets::{
    Offsets, SectionOffsets as CoreSectionOffsets, SectionOffsetsOps,
};
use gdbstub::target::ext::target_description_xml_override::{
    TargetDescriptionXmlOverride, TargetDescriptionXmlOverrideOps,
};
use gdbstub::target::{Target, TargetError, TargetResult};

use crate::framing::{PACKET_SIZE, checksum};
use crate::hostio::OpenFiles;
use crate::inferior::{
    Breakpoint, Capabilities, CatchSyscalls, Error, Inferior, TargetDescription, Tid, WatchKind,
};
use crate::monitor::Monitor;

/// What the core works on: the inferior, and what our layer prepares for the packet at hand.
pub(crate) struct Guest<'i> {
    pub inferior: &'i mut (dyn Inferior + 'static),
    pub target: Arc<TargetDescription>,
    pub capabilities: Capabilities,
    /// Thread that register packets are about, chosen by `H` or by lldb's suffix.
    pub thread: Tid,
    /// The document that a `qXfer` read is about: made when its offset is 0, so that its parts fit together.
    pub document: Vec<u8>,
    pub files: OpenFiles,
    pub monitor: Monitor,
    /// Why the last request failed, for debuggers that take texts.
    pub failure: Option<Error>,
    /// What is added to process ids that the debugger is shown.
    pub pid_offset: u64,
}

impl Guest<'_> {
    /// Notes the failure; gdbstub sees an error number.
    fn check<T>(&mut self, result: crate::inferior::Result<T>) -> TargetResult<T, Self> {
        result.map_err(|e| {
            let number = crate::session::error_number(&e);
            self.failure = Some(e);
            TargetError::Errno(number)
        })
    }

    /// Serves a part of the document.
    fn part(&self, offset: u64, length: usize, buf: &mut [u8]) -> usize {
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.document.len());
        let n = length.min(buf.len()).min(self.document.len() - from);
        buf[..n].copy_from_slice(&self.document[from..from + n]);
        n
    }
}

/// The architecture that all guests have in gdbstub's eyes.
pub(crate) enum AnyArch {}

/// A register's index in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(usize);

impl RegId for Number {
    fn from_raw_id(id: usize) -> Option<(Self, Option<NonZeroUsize>)> {
        Some((Number(id), None))
    }
}

/// The bytes of all registers, as `g` and `G` carry them; `None` where the value is not available.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllRegisters(Vec<Option<u8>>);

impl Registers for AllRegisters {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        // gdbstub asks for the PC in its single-threaded blocking loop only, which is not used.
        0
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        self.0.iter().for_each(|b| write_byte(*b));
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.0 = bytes.iter().map(|b| Some(*b)).collect();
        Ok(())
    }
}

impl Arch for AnyArch {
    type Usize = u64;
    type Registers = AllRegisters;
    type BreakpointKind = usize;
    type RegId = Number;
}

impl Target for Guest<'_> {
    type Arch = AnyArch;
    type Error = Infallible;

    fn base_ops(&mut self) -> BaseOps<'_, AnyArch, Infallible> {
        BaseOps::MultiThread(self)
    }

    fn guard_rail_implicit_sw_breakpoints(&self) -> bool {
        // An inferior that does not run (a core) has no breakpoints: gdbstub would refuse to start.
        true
    }

    fn use_rle(&self) -> bool {
        // Costs more on a local socket than it saves, and hand-written clients rarely expect it.
        false
    }

    fn use_resume_stub(&self) -> bool {
        false
    }

    fn use_lldb_register_info(&self) -> bool {
        false
    }

    fn use_fork_stop_reason(&self) -> bool {
        false
    }

    fn use_vfork_stop_reason(&self) -> bool {
        false
    }

    fn use_vforkdone_stop_reason(&self) -> bool {
        false
    }

    fn support_target_description_xml_override(
        &mut self,
    ) -> Option<TargetDescriptionXmlOverrideOps<'_, Self>> {
        Some(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }

    fn support_catch_syscalls(&mut self) -> Option<CatchSyscallsOps<'_, Self>> {
        self.capabilities.catch_syscalls.then_some(self as _)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Self>> {
        Some(self)
    }

    fn support_section_offsets(&mut self) -> Option<SectionOffsetsOps<'_, Self>> {
        Some(self)
    }

    fn support_auxv(&mut self) -> Option<AuxvOps<'_, Self>> {
        self.capabilities.auxv.then_some(self as _)
    }

    fn support_exec_file(&mut self) -> Option<ExecFileOps<'_, Self>> {
        self.capabilities.exec_file.then_some(self as _)
    }

    fn support_libraries_svr4(&mut self) -> Option<LibrariesSvr4Ops<'_, Self>> {
        self.capabilities.libraries.then_some(self as _)
    }

    fn support_host_io(&mut self) -> Option<HostIoOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadBase for Guest<'_> {
    fn read_registers(&mut self, regs: &mut AllRegisters, _: CoreTid) -> TargetResult<(), Self> {
        let target = self.target.clone();
        let mut buf = [0; crate::register::MAX_REGISTER_BITS as usize / 8];
        for (i, register) in target.registers.iter().enumerate() {
            let buf = &mut buf[..register.size()];
            match self.inferior.read_register(self.thread, i, buf) {
                Ok(()) => regs.0.extend(buf.iter().map(|b| Some(*b))),
                Err(Error::Unavailable) => regs.0.resize(regs.0.len() + buf.len(), None),
                Err(e) => return self.check(Err(e)),
            }
        }
        Ok(())
    }

    fn write_registers(&mut self, regs: &AllRegisters, _: CoreTid) -> TargetResult<(), Self> {
        let target = self.target.clone();
        let bytes: Vec<u8> = regs.0.iter().map(|b| b.unwrap_or(0)).collect();
        let size: usize = target.registers.iter().map(|r| r.size()).sum();
        if bytes.len() != size {
            let wrong = format!("{} bytes of registers, {size} expected", bytes.len());
            return self.check(Err(Error::Invalid(wrong)));
        }
        let mut rest = &bytes[..];
        for (i, register) in target.registers.iter().enumerate() {
            let (value, after) = rest.split_at(register.size());
            rest = after;
            match self.inferior.write_register(self.thread, i, value) {
                // What cannot be read cannot be meant: gdb sends it along with the rest.
                Ok(()) | Err(Error::Unavailable) => {}
                Err(e) => return self.check(Err(e)),
            }
        }
        Ok(())
    }

    fn support_single_register_access(
        &mut self,
    ) -> Option<SingleRegisterAccessOps<'_, CoreTid, Self>> {
        Some(self)
    }

    // Memory packets are answered by our layer: gdbstub has no bound on the length of an `m`, and goes on behind a hole as if
    // nothing were missing.
    fn read_addrs(&mut self, addr: u64, data: &mut [u8], _: CoreTid) -> TargetResult<usize, Self> {
        let result = self.inferior.read_memory(addr, data);
        self.check(result)
    }

    fn write_addrs(&mut self, addr: u64, data: &[u8], _: CoreTid) -> TargetResult<(), Self> {
        let result = self.inferior.write_memory(addr, data);
        self.check(result)
    }

    fn list_active_threads(
        &mut self,
        is_active: &mut dyn FnMut(CoreTid),
    ) -> Result<(), Infallible> {
        for tid in self.inferior.threads() {
            if let Some(tid) = CoreTid::new(tid as usize) {
                is_active(tid);
            }
        }
        Ok(())
    }
}

impl SingleRegisterAccess<CoreTid> for Guest<'_> {
    fn read_register(
        &mut self,
        _: CoreTid,
        Number(n): Number,
        buf: &mut [u8],
    ) -> TargetResult<usize, Self> {
        let Some(size) = self.target.registers.get(n).map(|r| r.size()) else {
            return self.check(Err(Error::NoRegister(n)));
        };
        let result = self
            .inferior
            .read_register(self.thread, n, &mut buf[..size]);
        self.check(result.map(|()| size))
    }

    fn write_register(
        &mut self,
        _: CoreTid,
        Number(n): Number,
        value: &[u8],
    ) -> TargetResult<(), Self> {
        let result = match self.target.registers.get(n).map(|r| r.size()) {
            None => Err(Error::NoRegister(n)),
            Some(size) if size != value.len() => {
                Err(Error::Invalid(format!("register {n} has {size} bytes")))
            }
            Some(_) => self.inferior.write_register(self.thread, n, value),
        };
        self.check(result)
    }
}

impl TargetDescriptionXmlOverride for Guest<'_> {
    fn target_description_xml(
        &self,
        _annex: &[u8],
        offset: u64,
        length: usize,
        buf: &mut [u8],
    ) -> TargetResult<usize, Self> {
        Ok(self.part(offset, length, buf))
    }
}

impl Auxv for Guest<'_> {
    fn get_auxv(&self, offset: u64, length: usize, buf: &mut [u8]) -> TargetResult<usize, Self> {
        Ok(self.part(offset, length, buf))
    }
}

impl ExecFile for Guest<'_> {
    fn get_exec_file(
        &self,
        _: Option<CorePid>,
        offset: u64,
        length: usize,
        buf: &mut [u8],
    ) -> TargetResult<usize, Self> {
        Ok(self.part(offset, length, buf))
    }
}

impl LibrariesSvr4 for Guest<'_> {
    fn get_libraries_svr4(
        &self,
        offset: u64,
        length: usize,
        buf: &mut [u8],
    ) -> TargetResult<usize, Self> {
        Ok(self.part(offset, length, buf))
    }
}

impl Breakpoints for Guest<'_> {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        self.capabilities.breakpoints.then_some(self as _)
    }

    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Self>> {
        self.capabilities.breakpoints.then_some(self as _)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        self.capabilities.watchpoints.then_some(self as _)
    }
}

impl Guest<'_> {
    fn add_breakpoint(
        &mut self,
        addr: u64,
        kind: usize,
        hardware: bool,
    ) -> TargetResult<bool, Self> {
        let result = self.inferior.insert_breakpoint(Breakpoint {
            addr,
            hardware,
            kind: u32::try_from(kind).unwrap_or(u32::MAX),
            conditions: Vec::new(),
        });
        self.check(result.map(|()| true))
    }

    fn remove_breakpoint(&mut self, addr: u64, hardware: bool) -> TargetResult<bool, Self> {
        let result = self.inferior.remove_breakpoint(addr, hardware);
        self.check(result.map(|()| true))
    }
}

impl SwBreakpoint for Guest<'_> {
    fn add_sw_breakpoint(&mut self, addr: u64, kind: usize) -> TargetResult<bool, Self> {
        self.add_breakpoint(addr, kind, false)
    }

    fn remove_sw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        self.remove_breakpoint(addr, false)
    }
}

impl HwBreakpoint for Guest<'_> {
    fn add_hw_breakpoint(&mut self, addr: u64, kind: usize) -> TargetResult<bool, Self> {
        self.add_breakpoint(addr, kind, true)
    }

    fn remove_hw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        self.remove_breakpoint(addr, true)
    }
}

fn watch_kind(kind: CoreWatchKind) -> WatchKind {
    match kind {
        CoreWatchKind::Write => WatchKind::Write,
        CoreWatchKind::Read => WatchKind::Read,
        CoreWatchKind::ReadWrite => WatchKind::Access,
    }
}

impl HwWatchpoint for Guest<'_> {
    fn add_hw_watchpoint(
        &mut self,
        addr: u64,
        len: u64,
        kind: CoreWatchKind,
    ) -> TargetResult<bool, Self> {
        let result = match addr.checked_add(len) {
            Some(_) if len != 0 => self.inferior.insert_watchpoint(watch_kind(kind), addr, len),
            _ => Err(Error::Invalid(format!(
                "nothing to watch in {len} bytes at {addr:#x}"
            ))),
        };
        self.check(result.map(|()| true))
    }

    fn remove_hw_watchpoint(
        &mut self,
        addr: u64,
        len: u64,
        kind: CoreWatchKind,
    ) -> TargetResult<bool, Self> {
        let result = self.inferior.remove_watchpoint(watch_kind(kind), addr, len);
        self.check(result.map(|()| true))
    }
}

impl CoreCatchSyscalls for Guest<'_> {
    fn enable_catch_syscalls(
        &mut self,
        filter: Option<SyscallNumbers<'_, u64>>,
    ) -> TargetResult<(), Self> {
        let which = match filter {
            None => CatchSyscalls::All,
            // A number past 32 bits is no system call of any guest: dropping it loses nothing.
            Some(numbers) => {
                CatchSyscalls::Only(numbers.filter_map(|n| u32::try_from(n).ok()).collect())
            }
        };
        let result = self.inferior.catch_syscalls(which);
        self.check(result)
    }

    fn disable_catch_syscalls(&mut self) -> TargetResult<(), Self> {
        let result = self.inferior.catch_syscalls(CatchSyscalls::None);
        self.check(result)
    }
}

impl MonitorCmd for Guest<'_> {
    fn handle_monitor_cmd(
        &mut self,
        command: &[u8],
        mut out: ConsoleOutput<'_>,
    ) -> Result<(), Infallible> {
        let line = String::from_utf8_lossy(command);
        let text = self.monitor.run(self.inferior, &line);
        // `O` packets must fit as hex: 4 KiB each is what any debugger takes.
        for chunk in text.as_bytes().chunks(2048) {
            out.write_raw(chunk);
            out.flush();
        }
        Ok(())
    }
}

impl CoreSectionOffsets for Guest<'_> {
    fn get_section_offsets(&mut self) -> Result<Offsets<u64>, Infallible> {
        // Our layer asks first and does not hand the packet on if the offsets are unknown.
        let offsets = self.inferior.section_offsets().ok();
        Ok(Offsets::Sections {
            text: offsets.map_or(0, |o| o.text),
            data: offsets.map_or(0, |o| o.data),
            bss: None,
        })
    }
}

/// Where gdbstub writes.
#[derive(Default)]
struct Collector(Vec<u8>);

impl Connection for Collector {
    type Error = Infallible;

    fn write(&mut self, byte: u8) -> Result<(), Infallible> {
        self.0.push(byte);
        Ok(())
    }

    fn write_all(&mut self, buf: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(buf);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// gdbstub took the packet as fatal: it is malformed.
#[derive(Debug)]
pub(crate) struct Rejected;

type Machine<'i> = GdbStubStateMachine<'static, Guest<'i>, Collector>;

/// Size of the buffer for packets that neither are nor fetch anything long.
const SHORT: usize = 4096;

/// gdbstub's state machine, twice: it searches the whole buffer behind a packet for another `#`, which takes 0.3 ms in a buffer
/// that holds the longest packets (measured: 3,400 `P` packets a second, 48,000 with the short one).
#[derive(Default)]
pub(crate) struct Core<'i> {
    /// `None` before the first packet and after a rejected one.
    short: Option<Machine<'i>>,
    long: Option<Machine<'i>>,
}

impl<'i> Core<'i> {
    /// Answers a packet: the reply is one or more whole packets.
    pub fn answer(&mut self, guest: &mut Guest<'i>, body: &[u8]) -> Result<Vec<u8>, Rejected> {
        let fetches = body.starts_with(b"qXfer:") || body.starts_with(b"vFile:");
        let (slot, size) = if fetches || body.len() > SHORT - 8 {
            // Room for the frame around the largest body.
            (&mut self.long, PACKET_SIZE + 8)
        } else {
            (&mut self.short, SHORT)
        };
        let mut machine = match slot.take() {
            Some(machine) => machine,
            None => start(guest, size)?,
        };
        let mut sum = Vec::with_capacity(2);
        crate::hex::push(&mut sum, &[checksum(body)]);
        for byte in b"$".iter().chain(body).chain(b"#").chain(&sum) {
            machine = match machine {
                GdbStubStateMachine::Idle(idle) => {
                    idle.incoming_data(guest, *byte).map_err(|_| Rejected)?
                }
                // Only packets that resume, detach or kill leave the idle state, and those are not handed over.
                _ => return Err(Rejected),
            };
        }
        let GdbStubStateMachine::Idle(idle) = &mut machine else {
            return Err(Rejected);
        };
        let reply = std::mem::take(&mut idle.borrow_conn().0);
        *slot = Some(machine);
        Ok(reply)
    }
}

/// A fresh machine that does not acknowledge: our layer does that.
fn start<'i>(guest: &mut Guest<'i>, size: usize) -> Result<Machine<'i>, Rejected> {
    let stub = GdbStubBuilder::new(Collector::default())
        .packet_buffer_size(size)
        .build()
        .map_err(|_| Rejected)?;
    let mut machine = stub.run_state_machine(guest).map_err(|_| Rejected)?;
    for byte in b"$QStartNoAckMode#b0" {
        let GdbStubStateMachine::Idle(idle) = machine else {
            return Err(Rejected);
        };
        machine = idle.incoming_data(guest, *byte).map_err(|_| Rejected)?;
    }
    if let GdbStubStateMachine::Idle(idle) = &mut machine {
        idle.borrow_conn().0.clear();
    }
    Ok(machine)
}
