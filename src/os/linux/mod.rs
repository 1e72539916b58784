//! Linux as the guest's kernel.

pub mod core;
pub mod flags;
pub mod isa;
pub mod nr;
pub mod procfs;
pub mod siginfo;
pub mod structs;
pub mod sys;

use std::sync::OnceLock;

use super::{ArgType, Call, Run, Syscall, pass};
use crate::abi::{Dialect, Errno, Show, Signal, SysResult};
use crate::cpu::Exit;
use crate::host::nr::SYS_futex;
use crate::ir::{MemFault, Trap};
use crate::mem::{Backing, Kind, Mapping, PAGE_SIZE, Place, Prot};
use crate::process::{
    self, Action, Machine, Os, Outcome, SigFields, SigInfo, Thread, Unimplemented,
};
use isa::LinuxIsa;

/// Linux on one instruction set.
pub struct Linux {
    isa: &'static LinuxIsa,
    /// Guest address of the signal trampolines.
    trampolines: OnceLock<u64>,
}

impl Linux {
    /// Linux for the instruction set of that name ([`crate::isa::Isa::name`]), if there is one.
    pub fn new(isa: &str) -> Option<Linux> {
        let isa = isa::ALL.iter().find(|i| i.name == isa)?;
        Some(Linux {
            isa,
            trampolines: OnceLock::new(),
        })
    }

    /// The row of a call's number.
    pub fn row(&self, number: u64) -> Option<&'static Syscall> {
        row_of(self.isa, number)
    }
}

/// The row of a call's number on an instruction set.
pub fn row_of(isa: &LinuxIsa, number: u64) -> Option<&'static Syscall> {
    let index = number.checked_sub(isa.first_number)?;
    *isa.numbers.get(usize::try_from(index).ok()?)?
}

/// What is particular to the instruction set of a thread. Only threads of a Linux process come here.
pub fn isa_of(thread: &Thread) -> &'static LinuxIsa {
    isa_named(thread.process.isa.name())
}

/// Linux's view of the instruction set of that name; AArch64's if there is none, which [`Linux::new`] has ruled out.
pub fn isa_named(name: &str) -> &'static LinuxIsa {
    isa::ALL
        .iter()
        .find(|i| i.name == name)
        .unwrap_or(&&isa::AARCH64)
}

/// What `uname` calls the machine.
fn machine_name(call: &Call<'_>) -> &'static str {
    isa_of(call.thread).machine
}

/// `e_machine` of the programs that the emulator runs.
pub fn elf_machines() -> Vec<u16> {
    isa::ALL.iter().map(|i| i.elf_machine).collect()
}

/// Carries out a row with these raw arguments in place of the call's.
fn run_row(call: &mut Call<'_>, row: &'static Syscall, raw: &[u64; 8]) -> SysResult {
    let mut inner = Call {
        args: row.arguments(call.abi, raw),
        row,
        abi: call.abi,
        raw: call.raw,
        outcome: None,
        found: Vec::new(),
        thread: call.thread,
    };
    let result = run(&mut inner);
    call.outcome = inner.outcome;
    result
}

/// `syscall` of o32: the number is the first argument.
fn indirect(call: &mut Call<'_>) -> SysResult {
    let isa = isa_of(call.thread);
    let Some(row) = row_of(isa, call.arg(0)) else {
        return Err(Errno::ENOSYS);
    };
    let mut raw = [0; 8];
    raw[..7].copy_from_slice(&call.raw.args[1..]);
    run_row(call, row, &raw)
}

fn run(call: &mut Call<'_>) -> SysResult {
    if call.names_own_descriptor() {
        return Err(Errno::EBADF);
    }
    match call.row.run {
        Run::Pass(number) => pass(call, number, false),
        Run::Wait(number) => pass(call, number, true),
        Run::Handler(f) => f(call),
        Run::Missing => {
            // With the operation, where the first argument is one of an enumeration.
            let operation = match call.row.args.first().map(|a| a.ty) {
                Some(ArgType::Value(_, Show::Flags(table))) => {
                    table.name_of(call.abi.dialect, call.arg(0))
                }
                _ => None,
            };
            let operation = operation.map_or(String::new(), |o| format!(" {o}"));
            call.report_unimplemented(Unimplemented {
                kind: "syscall",
                what: format!("{}{operation}", call.row.name),
                ..Unimplemented::default()
            });
            Err(Errno::ENOSYS)
        }
    }
}

impl Os for Linux {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn machine(&self) -> Machine {
        (self.isa.describe)()
    }

    fn syscall_name(&self, number: u64) -> Option<String> {
        Some(self.row(number)?.name.to_owned())
    }

    fn syscall_number(&self, name: &str) -> Option<u64> {
        let index = self
            .isa
            .numbers
            .iter()
            .position(|row| row.is_some_and(|r| r.name == name))?;
        Some(self.isa.first_number + index as u64)
    }

    fn start(&self, thread: &mut Thread, entry: u64, sp: u64) {
        let mem = thread.process.mem.clone();
        let page = Mapping {
            backing: Backing::Anonymous(Kind::Special("vdso")),
            ..Mapping::anonymous(Place::Hint(0), PAGE_SIZE, Prot::READ | Prot::EXEC)
        };
        // Without the page a handler's return faults, which is what a guest without memory has to expect.
        if let Ok(at) = mem.map(&page) {
            let mut code = Vec::new();
            for &insn in self.isa.trampolines {
                // AArch64 instructions are little-endian always; MIPS's follow the data.
                code.extend_from_slice(&match self.isa.abi.abi.endian {
                    crate::abi::Endian::Little => insn.to_le_bytes(),
                    crate::abi::Endian::Big => insn.to_be_bytes(),
                });
            }
            let _ = mem.write_forced(at, &code);
            let _ = self.trampolines.set(at);
        }
        thread.cpu.pc = entry;
        (self.isa.set_sp)(&mut thread.cpu, sp);
    }

    fn read_syscall(&self, thread: &mut Thread, _immediate: u16) -> process::Syscall {
        (self.isa.read_syscall)(thread)
    }

    fn syscall(&self, thread: &mut Thread, raw: &process::Syscall) -> Outcome {
        let Some(row) = self.row(raw.number) else {
            thread.report_unimplemented(&Unimplemented {
                kind: "syscall",
                what: format!("number {}", raw.number),
                pc: raw.pc,
                ..Unimplemented::default()
            });
            return Outcome::Fail(Errno::ENOSYS);
        };
        let abi = self.isa.abi;
        let mut call = Call {
            args: row.arguments(abi, &raw.args),
            thread,
            row,
            abi,
            raw,
            outcome: None,
            found: Vec::new(),
        };
        let result = run(&mut call);
        match (call.outcome, result) {
            (Some(outcome), Ok(_)) => outcome,
            // A frame that can't be restored: the kernel sends SIGSEGV and the registers stay as they are.
            (_, Err(_)) if row.name.ends_with("sigreturn") => {
                let (pid, tid) = (crate::host::pid() as u64, call.thread.tid() as u64);
                let segv = u64::from(Signal::SIGSEGV.0);
                let _ = call.host(crate::host::nr::SYS_tgkill, [pid, tid, segv, 0, 0, 0]);
                Outcome::Keep
            }
            (_, result) => result.into(),
        }
    }

    fn write_outcome(&self, thread: &mut Thread, _call: &process::Syscall, outcome: &Outcome) {
        let cpu = &mut thread.cpu;
        match *outcome {
            Outcome::Return(value) => (self.isa.set_result)(cpu, Ok(value)),
            Outcome::ReturnPair(first, second) => {
                (self.isa.set_result)(cpu, Ok(first));
                (self.isa.set_second_result)(cpu, second);
            }
            Outcome::Fail(e) => (self.isa.set_result)(cpu, Err(e.to_guest(self.isa.abi.dialect))),
            Outcome::Keep | Outcome::ExitThread(_) | Outcome::ExitProcess(_) => {}
        }
    }

    fn rewind_syscall(&self, thread: &mut Thread, call: &process::Syscall) {
        thread.cpu.pc = call.pc;
    }

    fn push_frame(
        &self,
        thread: &mut Thread,
        info: &SigInfo,
        action: &Action,
    ) -> Result<(), MemFault> {
        let trampolines = self.trampolines.get().copied().unwrap_or(0);
        (self.isa.push_frame)(thread, info, action, trampolines)
    }

    fn exception(&self, thread: &mut Thread, exit: Exit) -> SigInfo {
        exception(self.isa, thread, exit)
    }

    fn proc_file(&self, process: &process::Process, file: &[u8]) -> Option<Vec<u8>> {
        procfs::content(process, file)
    }

    fn siginfo(&self, info: &SigInfo) -> Vec<u8> {
        siginfo::to_guest(self.isa.abi, info).to_vec()
    }

    fn parse_siginfo(&self, bytes: &[u8]) -> Option<SigInfo> {
        let bytes: &[u8; siginfo::SIZE] = bytes.try_into().ok()?;
        let info = siginfo::from_guest(self.isa.abi, bytes);
        (info.signal != Signal(0)).then_some(info)
    }

    fn signal_number(&self, signal: Signal) -> u32 {
        signal.to_guest(self.isa.abi.dialect)
    }

    fn thread_exit(&self, thread: &mut Thread) {
        release_robust_futexes(thread, self.isa);
        let addr = std::mem::take(&mut thread.clear_child_tid);
        if addr != 0 {
            let mem = thread.process.mem.clone();
            if mem.write(addr, &[0; 4]).is_ok() {
                wake(thread, addr, 1);
            }
        }
    }
}

/// SI_KERNEL
const SI_KERNEL: i32 = 0x80;
// si_code values of asm-generic/siginfo.h
const ILL_ILLOPC: i32 = 1;
const TRAP_BRKPT: i32 = 1;
const FPE_INTDIV: i32 = 1;
const FPE_INTOVF: i32 = 2;
const BUS_ADRALN: i32 = 1;

/// First address that only the kernel of MIPS may touch: it answers with SIGBUS rather than SIGSEGV.
const MIPS_KSEG: u64 = 0x8000_0000;

/// `break 6` and `break 7`, also in trap instructions: overflow and division by zero (`asm/break.h` of MIPS).
const BRK_OVERFLOW: u16 = 6;
const BRK_DIVZERO: u16 = 7;

fn exception(isa: &LinuxIsa, thread: &Thread, exit: Exit) -> SigInfo {
    let pc = thread.cpu.pc;
    let mips = isa.abi.dialect == Dialect::Mips;
    let fault = |signal, code, addr| SigInfo {
        signal,
        errno: 0,
        code,
        fields: SigFields::Fault { addr },
    };
    let forced = |signal| SigInfo {
        signal,
        errno: 0,
        code: SI_KERNEL,
        fields: SigFields::Kill { pid: 0, uid: 0 },
    };
    match exit {
        Exit::Fault(f) => {
            if mips && f.addr >= MIPS_KSEG {
                return forced(Signal::SIGBUS);
            }
            // What is not mapped for the guest is reserved without access on the host, whose code says so.
            let code = thread.process.mem.fault_code(f.addr, f.code, f.bus);
            isa::note_abort(&MemFault { code, ..f });
            let signal = if f.bus {
                Signal::SIGBUS
            } else {
                Signal::SIGSEGV
            };
            fault(signal, code, f.addr)
        }
        Exit::Trap(trap, code) => match trap {
            Trap::Breakpoint | Trap::TrapInstruction if mips && code == BRK_OVERFLOW => {
                fault(Signal::SIGFPE, FPE_INTOVF, pc)
            }
            Trap::Breakpoint | Trap::TrapInstruction if mips && code == BRK_DIVZERO => {
                fault(Signal::SIGFPE, FPE_INTDIV, pc)
            }
            Trap::TrapInstruction if mips => forced(Signal::SIGTRAP),
            Trap::Breakpoint | Trap::DebugBreakpoint | Trap::TrapInstruction => {
                fault(Signal::SIGTRAP, TRAP_BRKPT, pc)
            }
            Trap::IntegerOverflow => fault(Signal::SIGFPE, FPE_INTOVF, pc),
            Trap::IntegerDivideByZero => fault(Signal::SIGFPE, FPE_INTDIV, pc),
            Trap::FloatingPoint => fault(Signal::SIGFPE, code.into(), pc),
            Trap::Alignment => fault(Signal::SIGBUS, BUS_ADRALN, thread.cpu.exit_arg),
            Trap::FetchFault if mips && pc >= MIPS_KSEG => forced(Signal::SIGBUS),
            Trap::FetchFault => {
                let code = thread.process.mem.fault_code(pc, 1, false);
                fault(Signal::SIGSEGV, code, pc)
            }
            Trap::IllegalInstruction => {
                if mips {
                    forced(Signal::SIGILL)
                } else {
                    fault(Signal::SIGILL, ILL_ILLOPC, pc)
                }
            }
        },
        // The run loop asks about exceptions only.
        Exit::Syscall(_) | Exit::Pending | Exit::Stepped | Exit::Watchpoint(_) => {
            forced(Signal::SIGTRAP)
        }
    }
}

const FUTEX_WAKE: u64 = 1;
const FUTEX_WAITERS: u32 = 0x8000_0000;
const FUTEX_OWNER_DIED: u32 = 0x4000_0000;
const FUTEX_TID_MASK: u32 = 0x3fff_ffff;

/// Entries of a robust list that are looked at (`ROBUST_LIST_LIMIT`): the guest may have made it a ring.
const ROBUST_LIST_LIMIT: usize = 2048;

fn wake(thread: &mut Thread, addr: u64, n: u64) {
    if let Ok(at) = thread.process.mem.host_range(addr, 4, false) {
        let _ = thread.syscall(SYS_futex, [at, FUTEX_WAKE, n, 0, 0, 0]);
    }
}

/// Marks the robust futexes that the thread still owns, and wakes one waiter of each.
fn release_robust_futexes(thread: &mut Thread, isa: &LinuxIsa) {
    let (head, _) = std::mem::take(&mut thread.robust_list);
    if head == 0 {
        return;
    }
    let mem = thread.process.mem.clone();
    let (abi, word) = (isa.abi.abi, u64::from(isa.abi.abi.word));
    let load = |addr: u64| mem.load_word(addr, abi);
    let (Ok(mut entry), Ok(offset), Ok(pending)) =
        (load(head), load(head + word), load(head + 2 * word))
    else {
        return;
    };
    let offset = crate::abi::Kind::Long.extend(isa.abi, offset);
    let futex_of = |entry: u64| {
        let addr = (entry & !1).wrapping_add(offset);
        if abi.is_32bit() {
            addr & 0xffff_ffff
        } else {
            addr
        }
    };
    let mut owned = Vec::new();
    while entry & !1 != head && owned.len() < ROBUST_LIST_LIMIT {
        if entry != pending {
            owned.push(futex_of(entry));
        }
        match load(entry & !1) {
            Ok(next) => entry = next,
            Err(_) => break,
        }
    }
    if pending != 0 {
        owned.push(futex_of(pending));
    }
    let tid = thread.tid() as u32;
    for addr in owned {
        while let Ok(value) = mem.load::<u32>(addr, abi.endian) {
            if value & FUTEX_TID_MASK != tid {
                break;
            }
            let raw = |v: u32| match abi.endian {
                crate::abi::Endian::Little => u128::from(v),
                crate::abi::Endian::Big => u128::from(v.swap_bytes()),
            };
            let died = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
            match mem.compare_exchange(addr, 4, raw(value), raw(died)) {
                Ok(seen) if seen == raw(value) => {
                    if value & FUTEX_WAITERS != 0 {
                        wake(thread, addr, 1);
                    }
                    break;
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

#[cfg(test)]
mod tests;
