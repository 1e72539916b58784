//! Running a guest CPU: the engines and why they return.

mod interp;

pub use interp::InterpEngine;

use crate::ir::{CpuState, MemFault, PAST_BREAKPOINT, Trap, WatchHit, WatchSet};
use std::sync::Arc;

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
    /// The instruction is about to make a watched access. [`CpuState::pass_watchpoint`] lets it.
    Watchpoint(WatchHit),
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

    /// What is watched. Changes only while no engine runs.
    fn watched(&self) -> Option<Arc<WatchSet>> {
        None
    }

    /// Number of what is watched; 0 for nothing.
    fn watch_id(&self) -> u32 {
        0
    }

    /// Grows whenever translations may have become stale: code was changed or remapped, a breakpoint was set or removed.
    fn generation(&self) -> u64;

    /// Translations of `len` bytes from `addr` are stale.
    fn invalidate(&self, addr: u64, len: u64);

    /// Code of these guest ranges (address, length in bytes) has been translated and must be watched for changes.
    fn note_translated(&self, ranges: &[(u64, u32)]);
}

/// Whether watched accesses of the next instruction have been reported. Forgets another instruction's.
pub(crate) fn passes_watchpoint(cpu: &mut CpuState) -> bool {
    cpu.pass_watchpoint = cpu.pass_watchpoint.filter(|pc| *pc == cpu.pc);
    cpu.pass_watchpoint.is_some()
}

/// [`PAST_BREAKPOINT`] if a breakpoint at the PC is to be passed; else 0. Whoever executes the block forgets the permission.
pub(crate) fn past_breakpoint(cpu: &CpuState) -> u32 {
    match cpu.pass_breakpoint {
        Some(pc) if pc == cpu.pc => PAST_BREAKPOINT,
        _ => 0,
    }
}
