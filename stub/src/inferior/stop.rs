//! Where the guest stops, and why.

use super::{Pid, Tid};
use crate::agent::AgentExpr;
use crate::proxy::{Text, interned};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which accesses a watchpoint reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WatchKind {
    /// Writes (`watch`).
    Write,
    /// Reads (`rwatch`).
    Read,
    /// Both (`awatch`).
    Access,
}

/// A breakpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakpoint {
    /// Address of the instruction.
    pub addr: u64,
    /// Whether the debugger asked for a hardware breakpoint. An inferior may treat both alike, but reports the kind that was asked.
    pub hardware: bool,
    /// gdb's "kind": the length in bytes on most architectures, an encoding hint on Arm and microMIPS.
    pub kind: u32,
    /// The stop is reported if one of them is not zero or has an error, or if there are none. Only given to inferiors with
    /// [`Capabilities::conditions`](super::Capabilities::conditions).
    pub conditions: Vec<AgentExpr>,
}

/// Which system calls stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatchSyscalls {
    /// None.
    None,
    /// All.
    All,
    /// Those numbers (the guest's).
    Only(Vec<u32>),
}

/// Why the guest stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// The debugger asked by [`Inferior::interrupt`](super::Inferior::interrupt).
    Interrupted,
    /// A step or range step is done. Also the state of a process before its first instruction.
    Step,
    /// A breakpoint of [`Inferior::insert_breakpoint`](super::Inferior::insert_breakpoint); the PC is the breakpoint's address.
    Breakpoint {
        /// Whether it was asked for as a hardware breakpoint.
        hardware: bool,
    },
    /// A watchpoint; before or after the access as [`TargetDescription::watch_after`](super::TargetDescription::watch_after) says.
    /// An access that a system call makes is reported after the call in any case: only then is it known what was written. Debuggers
    /// that expect the stop before the access step one instruction then too, and compare the values they know.
    /// Where it is before, a resume from here
    /// does the access without reporting it again.
    Watchpoint {
        /// The kind that was asked for.
        kind: WatchKind,
        /// First watched address that was accessed.
        addr: u64,
    },
    /// A signal is about to be delivered to the thread; it is dropped unless the resume passes one.
    Signal(i32),
    /// At the entry of a system call that is caught; the PC is after the instruction, nothing has been done.
    SyscallEntry(u32),
    /// At the return of a system call that is caught.
    SyscallReturn(u32),
    /// The process forked; the child is stopped and part of this inferior until it is detached.
    Fork {
        /// The child process.
        pid: Pid,
        /// Its only thread.
        tid: Tid,
    },
    /// Likewise for a `vfork`.
    VFork {
        /// The child process.
        pid: Pid,
        /// Its only thread.
        tid: Tid,
    },
    /// The child of a `vfork` has called exec or exited.
    VForkDone,
    /// The process has executed another program; the PC is at its entry.
    Exec(PathBuf),
    /// The list of libraries changed (only with [`Inferior::report_libraries`](super::Inferior::report_libraries)).
    LibrariesChanged,
    /// The thread is new (only with [`Inferior::report_thread_events`](super::Inferior::report_thread_events)).
    ThreadCreated,
    /// The thread has exited with this status (only with [`Inferior::report_thread_events`](super::Inferior::report_thread_events)).
    ThreadExited(i32),
    /// The recording has nothing before (`true`) or after (`false`) this point.
    EndOfRecording {
        /// Which end.
        beginning: bool,
    },
    /// A fault inside the emulator, not of the guest; the text says what. The state can be looked at.
    InternalError(String),
    /// The process has exited with this status (0 to 255). Nothing is left to look at.
    Exited(u8),
    /// The process was ended by this guest signal. Nothing is left to look at.
    Terminated(i32),
    /// The process can no longer be seen, for this reason. Nothing is left to look at.
    Lost(#[serde(deserialize_with = "interned")] Text),
}

/// A stop of the whole inferior.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Process that the event belongs to.
    pub pid: Pid,
    /// Thread that the event belongs to; meaningless after an exit.
    pub tid: Tid,
    /// Why.
    pub reason: StopReason,
}

impl Stop {
    /// Whether the process is gone.
    pub fn is_exit(&self) -> bool {
        matches!(
            self.reason,
            StopReason::Exited(_) | StopReason::Terminated(_) | StopReason::Lost(_)
        )
    }
}

/// What the inferior is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Resumed, and [`Inferior::take_stop`](super::Inferior::take_stop) has not returned a stop yet.
    Running,
    /// Every thread is halted, for this reason (the latest one, repeatable for debuggers that connect later); or it is gone.
    Stopped(Stop),
}
