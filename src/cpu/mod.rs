//! Running a guest CPU: the engines and why they return.

mod interp;

pub use interp::InterpEngine;

use crate::ir::{CpuState, MemFault, Trap};

/// Why an engine gave control back. The guest's state is exact: [`CpuState::pc`] is the instruction that the exit is about,
/// or for [`Exit::Syscall`] the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// A system call instruction with this immediate.
    Syscall(u16),
    /// An exception of the guest's CPU, with its code.
    Trap(Trap, u16),
    /// A data access failed.
    Fault(MemFault),
    /// [`CpuState::pending`] was seen.
    Pending,
    /// The number of instructions asked for has been executed.
    Stepped,
}

/// What executes guest code: interpreter or JIT. One for each guest thread; shared parts (code cache) are behind it.
pub trait Engine {
    /// Runs from `cpu.pc` until an exit.
    fn run(&mut self, cpu: &mut CpuState) -> Exit;

    /// Executes exactly one instruction (with its delay slot).
    fn step(&mut self, cpu: &mut CpuState) -> Exit;

    /// The state that it ran with is gone, perhaps in the middle of [`Engine::run`]: a child of a vfork was killed.
    fn abandon(&mut self) {}
}

/// What engines ask of the owner of guest code: breakpoints, and invalidation across threads.
pub trait CodeControl: Send + Sync {
    /// Whether the debugger has a breakpoint at `pc`.
    fn is_breakpoint(&self, pc: u64) -> bool;

    /// Grows whenever translations may have become stale: code was changed or remapped, a breakpoint was set or removed.
    fn generation(&self) -> u64;

    /// Translations of `len` bytes from `addr` are stale.
    fn invalidate(&self, addr: u64, len: u64);

    /// Code of these guest ranges (address, length in bytes) has been translated and must be watched for changes.
    fn note_translated(&self, ranges: &[(u64, u32)]);
}
