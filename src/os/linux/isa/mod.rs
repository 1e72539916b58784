//! What differs between the instruction sets that Linux runs on: fixed registers, frames, numbers.

mod aarch64;
mod mips;

pub use aarch64::{AARCH64, note_abort};
pub use mips::{MIPS, MIPSEL};

use crate::abi::{Errno, OsAbi};
use crate::ir::{CpuState, MemFault};
use crate::os::Syscall;
use crate::os::core::RegisterSet;
use crate::process::{self, Action, Machine, SigInfo, Thread};

/// Linux on one instruction set.
pub struct LinuxIsa {
    /// Its name, as [`crate::isa::Isa::name`] has it.
    pub name: &'static str,
    /// What `uname` calls the machine.
    pub machine: &'static str,
    /// `e_machine` of its programs.
    pub elf_machine: u16,
    /// Data conventions and dialect.
    pub abi: OsAbi,
    /// Number of the first call.
    pub first_number: u64,
    /// The calls, from the first number on.
    pub numbers: &'static [Option<&'static Syscall>],
    /// What the auxiliary vector says.
    pub describe: fn() -> Machine,
    /// `MINSIGSTKSZ`, which `sigaltstack` demands.
    pub min_signal_stack: u64,
    /// Reads the call that the thread is at.
    pub read_syscall: fn(&mut Thread) -> process::Syscall,
    /// Writes a result: a value, or an error number of the guest's.
    pub set_result: fn(&mut CpuState, Result<u64, u32>),
    /// Writes the second value of a pair.
    pub set_second_result: fn(&mut CpuState, u64),
    /// Reads the stack pointer.
    pub sp: fn(&CpuState) -> u64,
    /// Writes the stack pointer.
    pub set_sp: fn(&mut CpuState, u64),
    /// Writes the thread pointer.
    pub set_tls: fn(&mut CpuState, u64),
    /// Code that makes the calls `rt_sigreturn` and, after it, `sigreturn`: what the kernel's vDSO has.
    pub trampolines: &'static [u32],
    /// Builds a signal frame and enters the handler; the last argument is where the trampolines are.
    pub push_frame: fn(&mut Thread, &SigInfo, &Action, u64) -> Result<(), MemFault>,
    /// Undoes it; the flag says that it is an old frame without `siginfo_t`.
    pub pop_frame: fn(&mut Thread, bool) -> Result<(), Errno>,
    /// Number of general registers in a core file (`ELF_NGREG`).
    pub gregset: usize,
    /// The other register sets of a core file, in the kernel's order.
    pub register_sets: &'static [RegisterSet],
    /// MIPS's FP mode, as `prctl(PR_GET_FP_MODE)` has it; 0 elsewhere.
    pub fp_mode: fn(&CpuState) -> u32,
    /// The same as CP0 Status tells it, in cores that do not say it otherwise.
    pub fp_mode_of_status: fn(&CpuState) -> u32,
    /// Sets it, as a core file says.
    pub set_fp_mode: fn(&mut CpuState, u32),
    /// Text of `/proc/cpuinfo` for so many CPUs.
    pub cpuinfo: fn(usize) -> String,
}

/// Every instruction set that is supported.
pub static ALL: &[&LinuxIsa] = &[&AARCH64, &MIPS, &MIPSEL];

/// SS_AUTODISARM: the alternate stack is off while a handler runs, and comes back with the frame.
fn disarm(thread: &mut Thread) {
    const SS_AUTODISARM: u32 = 0x8000_0000;
    if thread.altstack.flags & SS_AUTODISARM != 0 {
        thread.altstack = process::AltStack::default();
    }
}

/// The `stack_t` that a frame saves.
fn saved_stack(thread: &Thread, sp: u64) -> crate::os::linux::structs::Stack {
    let alt = thread.altstack;
    crate::os::linux::sys::signal::stack_struct(&alt, alt.contains(sp))
}

/// Takes the alternate stack back from a frame.
fn restore_stack(thread: &mut Thread, stack: &crate::os::linux::structs::Stack) {
    const SS_DISABLE: i32 = 2;
    thread.altstack = if stack.ss_flags & SS_DISABLE != 0 {
        process::AltStack::default()
    } else {
        process::AltStack {
            sp: stack.ss_sp.0,
            size: stack.ss_size.0,
            flags: stack.ss_flags as u32 & 0x8000_0000,
        }
    };
}
