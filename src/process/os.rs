//! What a process needs of the guest's operating system.

use super::{Action, End, Errno, Process, SigInfo, Signal, SysResult, Thread};
use crate::cpu::Exit;
use crate::ir::MemFault;
use crate::mem::Prot;

/// A system call, as the guest made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// The guest's number.
    pub number: u64,
    /// Argument registers and stack slots, in order, as wide as they are; how many count is the call's affair.
    pub args: [u64; 8],
    /// Address of the call instruction.
    pub pc: u64,
}

/// What came of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this value.
    Return(u64),
    /// It returned this value and a second one (`pipe` on MIPS).
    ReturnPair(u64, u64),
    /// It failed; [`super::ERESTARTSYS`] restarts it.
    Fail(Errno),
    /// The registers are as they are to be (signal return).
    Keep,
    /// The thread ends with this status (`exit`).
    ExitThread(i32),
    /// The process ends with this status (`exit_group`).
    ExitProcess(i32),
}

impl From<SysResult> for Outcome {
    fn from(result: SysResult) -> Outcome {
        match result {
            Ok(value) => Outcome::Return(value),
            Err(e) => Outcome::Fail(e),
        }
    }
}

/// What the auxiliary vector tells of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// AT_PLATFORM.
    pub platform: Option<&'static str>,
    /// AT_HWCAP: exactly what works.
    pub hwcap: u64,
    /// AT_HWCAP2.
    pub hwcap2: u64,
    /// AT_MINSIGSTKSZ, if the kernel of this architecture gives it.
    pub min_signal_stack: Option<u64>,
    /// First address that user space cannot map.
    pub task_size: u64,
    /// The top byte of an address is ignored.
    pub top_byte_ignored: bool,
    /// AT_OSRELDATE of FreeBSD (`sys/param.h`'s `__FreeBSD_version`); 0 for others.
    pub os_release_date: u32,
    /// What the stack allows; [`Prot::RW`] by default.
    pub stack_prot: Option<Prot>,
    /// Bytes of code that the kernel keeps on the stack, below FreeBSD's `ps_strings`.
    pub stack_code: u64,
}

/// An operating system personality: the guest's view of system calls and signals on one instruction set. Stateless but for
/// its tables; what a thread or process has is in [`Thread`] and [`super::Process`].
pub trait Os: std::any::Any + Send + Sync {
    /// `linux`, `freebsd`.
    fn name(&self) -> &'static str;

    /// What the machine is said to be.
    fn machine(&self) -> Machine;

    /// Puts the program's start into a fresh main thread's registers: `cpu.pc` is `entry`, the stack pointer `sp`.
    fn start(&self, thread: &mut Thread, entry: u64, sp: u64);

    /// Reads number and arguments of the call that the thread is at. `cpu.pc` is after the call instruction, `immediate` its
    /// immediate. Arguments on a stack that cannot be read are 0 (the kernel's EFAULT is the call's to give).
    fn read_syscall(&self, thread: &mut Thread, immediate: u16) -> Syscall;

    /// Makes the call. Writes no result registers: the run loop hands the outcome to [`Os::write_outcome`].
    fn syscall(&self, thread: &mut Thread, call: &Syscall) -> Outcome;

    /// Puts the outcome into the thread's registers. Not called for `Keep` and exits, nor for a restart.
    fn write_outcome(&self, thread: &mut Thread, call: &Syscall, outcome: &Outcome);

    /// Brings the registers back to before the call instruction.
    fn rewind_syscall(&self, thread: &mut Thread, call: &Syscall);

    /// Builds the frame for a handler on the guest's stack (or alternate stack) and points the thread at the handler. The mask
    /// to save is [`Thread::signal_mask`]; the run loop sets the handler's mask afterwards.
    ///
    /// # Errors
    /// The stack cannot be written: the thread gets a SIGSEGV that it cannot handle on that stack.
    fn push_frame(
        &self,
        thread: &mut Thread,
        info: &SigInfo,
        action: &Action,
    ) -> Result<(), MemFault>;

    /// The signal that an exception of the guest's CPU becomes, and what PC the guest sees (set in `cpu.pc`).
    fn exception(&self, thread: &mut Thread, exit: Exit) -> SigInfo;

    /// `siginfo_t` in the guest's layout.
    fn siginfo(&self, info: &SigInfo) -> Vec<u8>;

    /// The information in a whole `siginfo_t` of the guest; `None` if its signal is none of the guest's.
    fn parse_siginfo(&self, bytes: &[u8]) -> Option<SigInfo>;

    /// What the guest reads in `/proc/self/FILE`, where the host has another truth.
    fn proc_file(&self, _process: &Process, _file: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// The guest's number of a signal.
    fn signal_number(&self, signal: Signal) -> u32;

    /// What happens to a signal without a handler.
    fn default_action(&self, signal: Signal) -> super::DefaultAction {
        super::DefaultAction::of(signal)
    }

    /// Name of the system call of that number.
    fn syscall_name(&self, number: u64) -> Option<String>;

    /// Number of the system call of that name.
    fn syscall_number(&self, name: &str) -> Option<u64>;

    /// Whether a signal that the host has sent is one that the guest's kernel would not have sent: it is dropped.
    fn is_unheard_of(&self, _info: &SigInfo) -> bool {
        false
    }

    /// Told of each signal that comes to the process, whatever its action is; `ignored`: whether that is to do nothing.
    fn signal_arrived(&self, _signal: Signal, _ignored: bool) {}

    /// Another emulator has asked this one to look for news ([`crate::host::signal::ring`]). Called in a guest thread, between two
    /// instructions.
    fn rung(&self, _thread: &mut Thread) {}

    /// Who is to be told of what happens to the process, before all others.
    fn observer(&self) -> Option<std::sync::Arc<dyn super::Observer>> {
        None
    }

    /// Whether the guest holds all signals off at the moment; one that comes waits, and the guest is told that one does.
    fn holds_signals(&self, _thread: &Thread) -> bool {
        false
    }

    /// Forks by calling `fork`, which says whether it has returned in the child: holds what threads of the emulator's own may be
    /// using meanwhile, and tidies it up in the child.
    fn around_fork(&self, fork: &mut dyn FnMut() -> bool) {
        fork();
    }

    /// What a program that the thread's process executes is to know of the one before it, as text without NULs; empty for nothing.
    /// `native`: it is one of the host's, which would not be told.
    ///
    /// # Errors
    /// It cannot be executed without.
    fn inherited_state(&self, _thread: &mut Thread, _native: bool) -> SysResult<String> {
        Ok(String::new())
    }

    /// Called in the thread that ends the process, which other threads may still run in.
    fn process_exit(&self, _end: End) {}

    /// Called in a thread that is about to end, with its memory still there: clear-child-tid, robust futexes.
    fn thread_exit(&self, thread: &mut Thread);
}
