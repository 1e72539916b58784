//! What is described once: the machine, and what can be asked of the inferior.

use crate::register::{RegisterInfo, RegisterRole};
use serde::{Deserialize, Serialize};

/// Byte order of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// What kind of machine the inferior runs on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TargetDescription {
    /// gdb's architecture name (`aarch64`, `mips:isa32r2`).
    pub gdb_arch: String,
    /// gdb's OS ABI name (`GNU/Linux`, `FreeBSD`); "" leaves it to the executable.
    pub gdb_osabi: String,
    /// LLVM triple for lldb (`aarch64-unknown-linux-gnu`).
    pub triple: String,
    /// Byte order.
    pub endian: Endian,
    /// Size of an address in bytes: 4 or 8.
    pub pointer_size: u8,
    /// Size of a page in bytes.
    pub page_size: u32,
    /// lldb's `elf_abi` of a process, where the triple does not tell it (MIPS: `o32`, `n32`, `n64`); "" for none.
    pub elf_abi: String,
    /// Length in bytes of the breakpoint that a debugger asks for where the kind is not given.
    pub breakpoint_size: u8,
    /// The registers; the index is the number in all packets.
    pub registers: Vec<RegisterInfo>,
}

impl TargetDescription {
    /// The operating system, as the triple names it.
    pub fn os(&self) -> &str {
        self.triple.split('-').nth(2).unwrap_or("unknown")
    }

    /// When a watchpoint stops: after the access has been done, or (`false`) before, with the PC at the instruction. Debuggers
    /// take for granted what the hardware does, by architecture (gdb's `have_nonsteppable_watchpoint`, as `maint print
    /// architecture` shows it): where it is before, they remove the watchpoint, step, and put it back.
    pub fn watch_after(&self) -> bool {
        const BEFORE: [&str; 5] = ["aarch64", "arm", "mips", "riscv", "powerpc"];
        !BEFORE.iter().any(|arch| self.gdb_arch.starts_with(arch))
    }

    /// An integer of `size` bytes in the target's byte order; higher bytes are zero.
    pub fn integer(&self, value: u64, size: usize) -> Vec<u8> {
        let mut bytes = value.to_le_bytes().to_vec();
        bytes.resize(size, 0);
        if self.endian == Endian::Big {
            bytes.reverse();
        }
        bytes
    }

    /// The integer in `bytes`, which are in the target's byte order; of more than 8 bytes the low ones.
    pub fn read_integer(&self, bytes: &[u8]) -> u64 {
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        match self.endian {
            Endian::Big => bytes.iter().fold(0, fold),
            Endian::Little => bytes.iter().rev().fold(0, fold),
        }
    }

    /// Number of the register in that role.
    pub fn register_in_role(&self, role: RegisterRole) -> Option<usize> {
        self.registers.iter().position(|r| r.role == Some(role))
    }

    /// Number of the register of that name or alternative name.
    pub fn register_by_name(&self, name: &str) -> Option<usize> {
        self.registers
            .iter()
            .position(|r| r.name == name || (!r.alt_name.is_empty() && r.alt_name == name))
    }
}

/// What an inferior can do, as announced to a debugger when it connects. The default is nothing but looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// [`Inferior::resume`](super::Inferior::resume) works.
    pub resume: bool,
    /// [`Inferior::resume_backward`](super::Inferior::resume_backward) works.
    pub reverse: bool,
    /// Breakpoints can be set; both kinds are one to most inferiors.
    pub breakpoints: bool,
    /// Breakpoint conditions in agent bytecode are evaluated.
    pub conditions: bool,
    /// Watchpoints can be set.
    pub watchpoints: bool,
    /// [`Inferior::catch_syscalls`](super::Inferior::catch_syscalls) works.
    pub catch_syscalls: bool,
    /// [`StopReason::Fork`](super::StopReason::Fork), [`StopReason::VFork`](super::StopReason::VFork) and
    /// [`StopReason::VForkDone`](super::StopReason::VForkDone) are reported.
    pub fork_events: bool,
    /// [`StopReason::Exec`](super::StopReason::Exec) is reported.
    pub exec_events: bool,
    /// [`Inferior::report_thread_events`](super::Inferior::report_thread_events) works.
    pub thread_events: bool,
    /// [`Inferior::pass_signals`](super::Inferior::pass_signals) works.
    pub pass_signals: bool,
    /// [`Inferior::read_siginfo`](super::Inferior::read_siginfo) works.
    pub siginfo: bool,
    /// [`Inferior::auxv`](super::Inferior::auxv) works.
    pub auxv: bool,
    /// [`Inferior::libraries`](super::Inferior::libraries) works.
    pub libraries: bool,
    /// [`Inferior::exec_file`](super::Inferior::exec_file) works.
    pub exec_file: bool,
    /// [`Inferior::restart`](super::Inferior::restart) works.
    pub restart: bool,
}
