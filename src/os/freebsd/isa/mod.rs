//! What differs between the instruction sets that FreeBSD runs on: fixed registers, frames, machine names.

mod aarch64;

pub use aarch64::AARCH64;

use crate::abi::{Errno, OsAbi};
use crate::ir::{CpuState, MemFault};
use crate::process::{self, Action, Machine, SigInfo, Thread};

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
    /// Registers at the program's first instruction: stack pointer as it was built, entry point.
    pub start: fn(&mut CpuState, u64, u64),
    /// Reads the call that the thread is at.
    pub read_syscall: fn(&mut Thread) -> process::Syscall,
    /// Writes a result, with the second return value, or an error number of the guest's.
    pub set_result: fn(&mut CpuState, Result<(u64, u64), u32>),
    /// Reads the stack pointer.
    pub sp: fn(&CpuState) -> u64,
    /// Registers of a thread that `thr_new` starts: function, argument, end of its stack, thread pointer.
    pub enter_thread: fn(&mut CpuState, u64, u64, u64, u64),
    /// Code that a handler returns to: calls `sigreturn`.
    pub sigcode: &'static [u32],
    /// Builds a signal frame and enters the handler; the last argument is where the code is.
    pub push_frame: fn(&mut Thread, &SigInfo, &Action, u64) -> Result<(), MemFault>,
    /// Takes registers and mask from the `ucontext_t` at an address.
    pub set_context: fn(&mut Thread, u64) -> Result<(), Errno>,
    /// The thread's `ucontext_t`; with the flag, as it is after a system call that returned 0.
    pub context: fn(&mut Thread, bool) -> Vec<u8>,
}

/// Every instruction set that is supported.
pub static ALL: &[&FreeBsdIsa] = &[&AARCH64];
