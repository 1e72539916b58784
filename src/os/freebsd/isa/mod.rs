//! What differs between the instruction sets that FreeBSD runs on: fixed registers, frames, machine names.

mod aarch64;
mod mips;

pub use aarch64::AARCH64;
pub use mips::{MIPS, MIPSEL};

use crate::abi::{OsAbi, SysResult};
use crate::ir::{CpuState, MemFault};
use crate::isa::Isa;
use crate::os::Call;
use crate::process::{self, Action, Machine, SigInfo, Signal, Thread};

/// What a call gives back, before it is put into registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// A value as wide as a register.
    Value(u64),
    /// A value of 64 bits, whatever the width of a register.
    Wide(u64),
    /// Two values.
    Pair(u64, u64),
    /// An error number of the guest's.
    Error(u32),
}

/// FreeBSD on one instruction set.
pub struct FreeBsdIsa {
    /// Its name, as [`crate::isa::Isa::name`] has it.
    pub name: &'static str,
    /// `hw.machine`
    pub machine: &'static str,
    /// `hw.machine_arch`
    pub machine_arch: &'static str,
    /// Data conventions and dialect.
    pub abi: OsAbi,
    /// What the auxiliary vector says.
    pub describe: fn() -> Machine,
    /// Registers at the program's first instruction: stack pointer as it was built, entry point, address of `ps_strings`.
    pub start: fn(&mut CpuState, u64, u64, u64),
    /// Reads the call that the thread is at.
    pub read_syscall: fn(&mut Thread) -> process::Syscall,
    /// Puts a result where the program looks for it.
    pub set_result: fn(&mut CpuState, CallResult),
    /// Whether there is `break`.
    pub has_break: bool,
    /// What the child of a fork gets.
    pub fork_result: CallResult,
    /// Reads the stack pointer.
    pub sp: fn(&CpuState) -> u64,
    /// Registers of a thread that `thr_new` starts: function, argument, end of its stack, thread pointer.
    pub enter_thread: fn(&mut CpuState, u64, u64, u64, u64),
    /// Code that a handler returns to: calls `sigreturn`. [`Machine::stack_code`] says whether it lies on the stack.
    pub sigcode: &'static [u32],
    /// MINSIGSTKSZ, which `sigaltstack` demands.
    pub min_signal_stack: u64,
    /// What a trap instruction raises.
    pub trap_signal: Signal,
    /// Builds a signal frame and enters the handler; the last argument is where the code is.
    pub push_frame: fn(&mut Thread, &SigInfo, &Action, u64) -> Result<(), MemFault>,
    /// Size in bytes of `ucontext_t`, whose signal mask comes first.
    pub context_size: usize,
    /// Takes the registers from a `ucontext_t`.
    pub load_context: fn(&dyn Isa, &mut CpuState, &[u8]),
    /// The thread's `ucontext_t`; with the flag, as it is after a system call that returned 0.
    pub context: fn(&mut Thread, bool) -> Vec<u8>,
    /// `sysarch(2)`
    pub sysarch: fn(&mut Call<'_>) -> SysResult,
}

impl FreeBsdIsa {
    /// The signal code as it lies in the guest's memory.
    pub fn sigcode_bytes(&self) -> Vec<u8> {
        let bytes = |insn: &u32| match self.abi.abi.endian {
            crate::abi::Endian::Little => insn.to_le_bytes(),
            // AArch64 has none: its instructions would be little-endian all the same.
            crate::abi::Endian::Big => insn.to_be_bytes(),
        };
        self.sigcode.iter().flat_map(bytes).collect()
    }
}

/// Every instruction set that is supported.
pub static ALL: &[&FreeBsdIsa] = &[&AARCH64, &MIPS, &MIPSEL];
