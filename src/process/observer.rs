//! Who is told what happens to a guest.

use super::{Outcome, SigInfo, Syscall, Thread};
use crate::cpu::Exit;
use crate::ir::WatchHit;

/// Is told of events, in the thread that they happen to. Each method does nothing unless it is overridden. Methods that are
/// given the thread mutably may hold it ([`Thread::park`]) and change its registers, as a debugger does.
pub trait Observer: Send + Sync {
    /// A thread is about to execute its first instruction.
    fn thread_start(&self, _thread: &mut Thread) {}

    /// A thread ends with this status.
    fn thread_exit(&self, _thread: &mut Thread, _status: i32) {}

    /// The process ends: with this status, or by this signal.
    fn process_exit(&self, _thread: &mut Thread, _end: End) {}

    /// Everybody has been told that the process ends, and nothing is left but to go.
    fn process_gone(&self, _thread: &mut Thread, _end: End) {}

    /// A system call is about to be made.
    fn syscall_enter(&self, _thread: &mut Thread, _call: &Syscall) {}

    /// A system call came to this; the registers are not written yet.
    fn syscall_exit(&self, _thread: &mut Thread, _call: &Syscall, _outcome: &Outcome) {}

    /// A system call came to this, and the registers show it. Not told of one that a signal interrupts, nor of
    /// exits.
    fn syscall_done(&self, _thread: &mut Thread, _call: &Syscall) {}

    /// The guest asked for something that the emulator does not do. Inside of a system call
    /// [`Observer::syscall_exit`] follows with what the guest got instead.
    fn unimplemented(&self, _thread: &Thread, _what: &Unimplemented) {}

    /// A signal is about to be delivered. Returns it, another one, or `None` to drop it.
    fn signal(&self, _thread: &mut Thread, info: SigInfo) -> Option<SigInfo> {
        Some(info)
    }

    /// The engine left for a reason of a debugger's (a breakpoint of its own, a step). Returns whether it was this
    /// observer's; the registers are then as it left them.
    fn trap(&self, _thread: &mut Thread, _exit: Exit) -> bool {
        false
    }

    /// A system call of the thread has accessed watched memory; its result is in the registers. Returns whether the thread was
    /// stopped for it.
    fn accessed(&self, _thread: &mut Thread, _hit: WatchHit) -> bool {
        false
    }

    /// The thread goes on after it was parked. Returns a signal to deliver to it, past [`Observer::signal`].
    fn resumed(&self, _thread: &mut Thread) -> Option<SigInfo> {
        None
    }

    /// `execve` is about to replace the process, by the host's program at `path` or by an emulator that runs that guest program.
    fn exec(&self, _thread: &mut Thread, _path: &std::path::Path) {}

    /// As [`Observer::exec`], for a guest program: returns options for the emulator that runs it.
    fn exec_options(&self, _thread: &mut Thread) -> Vec<String> {
        Vec::new()
    }

    /// The `execve` that was told of failed: the process goes on as it is.
    fn exec_failed(&self, _thread: &mut Thread) {}

    /// The process is about to fork, with its other threads stopped, or to vfork.
    fn fork_begins(&self, _thread: &mut Thread) {}

    /// The process forked; told in the parent, with the child's id.
    fn fork(&self, _thread: &mut Thread, _child: i32) {}

    /// This is the child of a fork; it has one thread.
    fn forked(&self, _thread: &mut Thread) {}

    /// This is the child of a vfork, before its first instruction; `parent` is the thread that waits for it. Both share the
    /// memory, and so this observer.
    fn vforked(&self, _thread: &mut Thread, _parent: i32) {}

    /// The child of a vfork has ended or has executed a program; told in the parent.
    fn vfork_done(&self, _thread: &mut Thread, _child: i32) {}
}

/// Something that a guest asked for and that the emulator does not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unimplemented {
    /// What it is a case of: `syscall`, `ioctl`, `setsockopt` or another call's name, `instruction`.
    pub kind: &'static str,
    /// Which one, decoded as far as its number tells; the same text each time.
    pub what: String,
    /// Bytes that it hands in or wants, if that is known.
    pub size: Option<u64>,
    /// The first of the bytes that it handed in.
    pub input: Vec<u8>,
    /// Address of the guest's instruction that asked.
    pub pc: u64,
}

impl std::fmt::Display for Unimplemented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.what)
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By `exit_group`, or the last thread's `exit`.
    Exit(i32),
    /// By a signal.
    Signal(SigInfo),
}
