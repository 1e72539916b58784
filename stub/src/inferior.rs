//! [`Inferior`]: what a debugger may ask of a live process, of a core file or of a recording.
//!
//! Conventions, for all methods:
//!
//! - Byte strings (registers, memory, auxv, siginfo) are in the target's byte order and layout.
//! - Signal numbers are the *guest's*; [`Inferior::gdb_signal`] and [`Inferior::guest_signal`] map them to gdb's numbering.
//! - Process and thread ids are the guest's view (`getpid`, `gettid`); 0 is never an id.
//! - What an inferior cannot do returns [`Error::Unsupported`] with a reason for the user (a core: "a core file does not run").
//!   Most methods default to that.
//! - All calls come from one thread. Between [`Inferior::resume`] and the stop only those marked *also while running* are made.
//!
//! # Stops
//!
//! All-stop: [`Inferior::resume`] returns at once. When something stops the guest, the inferior first brings *every* thread to a
//! halt, then queues one [`Stop`] and makes [`Inferior::stop_fd`] readable. A front end polls that descriptor together with its
//! own input, and fetches the stop with [`Inferior::take_stop`]. [`crate::Notifier`] is such a descriptor.

use serde::{Deserialize, Serialize};
use std::any::Any;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::AgentExpr;
use crate::facts::{Instruction, OpenFile, RecentCall, SignalAction, Unimplemented};
use crate::file::{FileError, FileStat, GuestFile, OpenFlags};
use crate::proxy::{Text, interned};
use crate::register::{RegisterInfo, RegisterRole};

/// Process id as the guest sees it.
pub type Pid = u32;

/// Thread id as the guest sees it: unique over all processes of an inferior.
pub type Tid = u32;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Error {
    /// This inferior cannot do it at all; the text says why and, where there is one, what to do instead.
    Unsupported(#[serde(deserialize_with = "interned")] Text),
    /// No such thread, or it has exited.
    NoThread(Tid),
    /// No such process.
    NoProcess(Pid),
    /// No such register in the table.
    NoRegister(usize),
    /// Nothing at this guest address, or it cannot be accessed so.
    Fault(u64),
    /// The value cannot be had at present (a register that a core does not hold).
    Unavailable,
    /// The request is at odds with the inferior's state (resume while running, memory after exit).
    WrongState(#[serde(deserialize_with = "interned")] Text),
    /// The request makes no sense; the text says why.
    Invalid(String),
    /// The operation failed; the text is for the user.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unsupported(why) => write!(f, "not supported: {why}"),
            Error::NoThread(tid) => write!(f, "no thread {tid}"),
            Error::NoProcess(pid) => write!(f, "no process {pid}"),
            Error::NoRegister(n) => write!(f, "no register number {n}"),
            Error::Fault(addr) => write!(f, "cannot access memory at {addr:#x}"),
            Error::Unavailable => f.write_str("value not available"),
            Error::WrongState(why) => f.write_str(why),
            Error::Invalid(why) | Error::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

/// Result of a request to an inferior.
pub type Result<T> = std::result::Result<T, Error>;

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
    /// [`Inferior::resume`] works.
    pub resume: bool,
    /// [`Inferior::resume_backward`] works.
    pub reverse: bool,
    /// Breakpoints can be set; both kinds are one to most inferiors.
    pub breakpoints: bool,
    /// Breakpoint conditions in agent bytecode are evaluated.
    pub conditions: bool,
    /// Watchpoints can be set.
    pub watchpoints: bool,
    /// [`Inferior::catch_syscalls`] works.
    pub catch_syscalls: bool,
    /// [`StopReason::Fork`], [`StopReason::VFork`] and [`StopReason::VForkDone`] are reported.
    pub fork_events: bool,
    /// [`StopReason::Exec`] is reported.
    pub exec_events: bool,
    /// [`Inferior::report_thread_events`] works.
    pub thread_events: bool,
    /// [`Inferior::pass_signals`] works.
    pub pass_signals: bool,
    /// [`Inferior::read_siginfo`] works.
    pub siginfo: bool,
    /// [`Inferior::auxv`] works.
    pub auxv: bool,
    /// [`Inferior::libraries`] works.
    pub libraries: bool,
    /// [`Inferior::exec_file`] works.
    pub exec_file: bool,
}

/// Description of one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadInfo {
    /// Its name (`comm`); "" if it has none.
    pub name: String,
    /// What it is doing, in words for `info threads` ("in futex", "stopped"); "" for nothing to say.
    pub state: String,
}

/// Description of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Id of the parent; 0 if unknown.
    pub parent: Pid,
    /// Real user id.
    pub uid: u32,
    /// Real group id.
    pub gid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Effective group id.
    pub egid: u32,
}

/// How one thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resume {
    /// Run until something stops it.
    Continue {
        /// Guest signal to deliver first.
        signal: Option<i32>,
    },
    /// Execute one instruction. With a signal: enter the handler, stop at its first instruction.
    Step {
        /// Guest signal to deliver first.
        signal: Option<i32>,
    },
    /// Step while the PC stays in `start..end`; stop as after a step when it leaves, and for any other reason to stop.
    StepRange {
        /// First address.
        start: u64,
        /// First address after the range.
        end: u64,
    },
}

/// What to resume. A thread that is not named in `threads` does what `others` says, if it is of the process that those are of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePlan {
    /// Threads by id, each at most once. Never names a thread that [`Inferior::threads`] does not list.
    pub threads: Vec<(Tid, Resume)>,
    /// All others, and threads created while running: `None` leaves them halted (scheduler locking).
    pub others: Option<Resume>,
    /// The process that `others` is for; threads of other processes stay halted. `None` is for all processes.
    pub process: Option<Pid>,
}

impl ResumePlan {
    /// Every thread of every process does the same.
    pub fn all(resume: Resume) -> ResumePlan {
        ResumePlan {
            threads: Vec::new(),
            others: Some(resume),
            process: None,
        }
    }

    /// What the plan says of the thread `tid` of process `pid`.
    pub fn action(&self, pid: Pid, tid: Tid) -> Option<Resume> {
        let named = self.threads.iter().find(|(t, _)| *t == tid);
        match named {
            Some((_, resume)) => Some(*resume),
            None => self.others_in(pid),
        }
    }

    /// What the plan says of the threads of process `pid` that are not named, and of those that it creates.
    pub fn others_in(&self, pid: Pid) -> Option<Resume> {
        self.others
            .filter(|_| self.process.is_none_or(|only| only == pid))
    }
}

impl Resume {
    /// The signal to deliver first.
    pub fn signal(self) -> Option<i32> {
        match self {
            Resume::Continue { signal } | Resume::Step { signal } => signal,
            Resume::StepRange { .. } => None,
        }
    }

    /// The same without a signal.
    pub fn without_signal(self) -> Resume {
        match self {
            Resume::Continue { .. } => Resume::Continue { signal: None },
            Resume::Step { .. } => Resume::Step { signal: None },
            range => range,
        }
    }
}

impl ResumePlan {
    /// Takes the signals out, for a second use of the plan.
    pub fn forget_signals(&mut self) {
        for (_, resume) in &mut self.threads {
            *resume = resume.without_signal();
        }
        self.others = self.others.map(Resume::without_signal);
    }
}

/// Reverse execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backward {
    /// Undo one instruction of this thread.
    Step(Tid),
    /// Run back to the latest breakpoint or watchpoint hit, or to the beginning.
    Continue,
}

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

/// Why the guest stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// The debugger asked by [`Inferior::interrupt`].
    Interrupted,
    /// A step or range step is done. Also the state of a process before its first instruction.
    Step,
    /// A breakpoint of [`Inferior::insert_breakpoint`]; the PC is the breakpoint's address.
    Breakpoint {
        /// Whether it was asked for as a hardware breakpoint.
        hardware: bool,
    },
    /// A watchpoint; before or after the access as [`TargetDescription::watch_after`] says. An access that a system call makes is
    /// reported after the call in any case: only then is it known what was written. Debuggers that expect the stop before the
    /// access step one instruction then too, and compare the values they know.
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
    /// The list of libraries changed (only with [`Inferior::report_libraries`]).
    LibrariesChanged,
    /// The thread is new (only with [`Inferior::report_thread_events`]).
    ThreadCreated,
    /// The thread has exited with this status (only with [`Inferior::report_thread_events`]).
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
    /// Resumed, and [`Inferior::take_stop`] has not returned a stop yet.
    Running,
    /// Every thread is halted, for this reason (the latest one, repeatable for debuggers that connect later); or it is gone.
    Stopped(Stop),
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
    /// [`Capabilities::conditions`].
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

/// The arguments that a program is started with, without the program itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartArguments {
    /// Those of the first start.
    Same,
    /// These.
    Words(Vec<Vec<u8>>),
    /// These, as the shell takes them: with quotes, patterns and redirections.
    Shell(String),
}

/// Access rights of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permissions {
    /// Can be read.
    pub read: bool,
    /// Can be written.
    pub write: bool,
    /// Can be executed.
    pub exec: bool,
}

/// A mapping of the guest's address space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRegion {
    /// First address.
    pub start: u64,
    /// First address after it; `u64::MAX` at most.
    pub end: u64,
    /// Access rights.
    pub permissions: Permissions,
    /// Name as the guest's `/proc/self/maps` has it: a path, `[heap]`, `[stack]` or "".
    pub name: String,
    /// Where a mapped file is on the host (the path under the guest's root prefix).
    pub host_path: Option<PathBuf>,
}

/// A loaded library, as the guest's dynamic linker lists it (`struct link_map`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// Path as the guest knows it (`l_name`).
    pub name: String,
    /// Where the file is on the host.
    pub host_path: Option<PathBuf>,
    /// Address of the `link_map`.
    pub link_map: u64,
    /// Difference between addresses in memory and in the file (`l_addr`).
    pub load_bias: u64,
    /// Address of the dynamic section (`l_ld`).
    pub dynamic: u64,
    /// Address of the first segment.
    pub start: u64,
}

/// The libraries of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libraries {
    /// Address of the executable's `link_map`, if the dynamic linker has made one.
    pub main_link_map: Option<u64>,
    /// The libraries, without the executable.
    pub libraries: Vec<Library>,
}

/// Where the executable's parts are, relative to its link addresses (`qOffsets`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionOffsets {
    /// Of the code.
    pub text: u64,
    /// Of the data.
    pub data: u64,
}

/// What a debugger may ask. See the [module](self) for the conventions.
///
/// `Any` lets a [`crate::Command`] of the emulator find the inferior it is made for.
pub trait Inferior: Any + Send {
    // ---- description ----

    /// The machine. Constant unless [`StopReason::Exec`] is reported. *Also while running.*
    fn target(&self) -> Arc<TargetDescription>;

    /// What it can do. Constant. *Also while running.*
    fn capabilities(&self) -> Capabilities;

    /// gdb's number (`include/gdb/signals.def`; [`crate::signal`] has them by name) of a guest signal. *Also while running.*
    fn gdb_signal(&self, signal: i32) -> u8;

    /// The guest's number of gdb's signal, if the guest has it. *Also while running.*
    fn guest_signal(&self, gdb: u8) -> Option<i32>;

    // ---- processes and threads ----

    /// The processes, the selected one first; more than one only between a fork and a detach. Empty after the exit.
    fn processes(&mut self) -> Vec<Pid>;

    /// Makes a process the one that requests without a thread apply to (memory, breakpoints, auxv ...).
    fn select_process(&mut self, pid: Pid) -> Result<()> {
        if self.processes().contains(&pid) {
            Ok(())
        } else {
            Err(Error::NoProcess(pid))
        }
    }

    /// What is known of the selected process.
    fn process_info(&mut self) -> Result<ProcessInfo> {
        Ok(ProcessInfo::default())
    }

    /// Threads of the selected process, oldest first. Empty after the exit.
    fn threads(&mut self) -> Vec<Tid>;

    /// Describes a thread.
    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo>;

    // ---- registers ----

    /// Reads a register into `buf`, which has its size. [`Error::Unavailable`] if the value is not known.
    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()>;

    /// Sets a register. A write to a register that is fixed (MIPS `r0`) is accepted and does nothing, as in hardware.
    fn write_register(&mut self, tid: Tid, register: usize, value: &[u8]) -> Result<()>;

    // ---- memory ----

    /// Reads guest memory, whatever its access rights; true bytes, never those of breakpoints. Returns how many bytes could be
    /// read before a hole: at least 1 unless `buf` is empty, else [`Error::Fault`].
    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize>;

    /// Writes guest memory, also where the guest may not. All or, with [`Error::Fault`], nothing.
    fn write_memory(&mut self, addr: u64, data: &[u8]) -> Result<()>;

    /// The mappings in ascending order.
    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        Err(Error::Unsupported("no list of mappings"))
    }

    /// Maps fresh memory in the guest for a debugger's expressions; returns its address.
    fn allocate_memory(&mut self, _size: u64, _permissions: Permissions) -> Result<u64> {
        Err(Error::Unsupported("memory cannot be allocated here"))
    }

    /// Unmaps what [`Inferior::allocate_memory`] gave.
    fn deallocate_memory(&mut self, _addr: u64) -> Result<()> {
        Err(Error::Unsupported("memory cannot be allocated here"))
    }

    // ---- breakpoints ----

    /// Sets a breakpoint; one at the same address and of the same kind is replaced. May be at any address, mapped or not.
    fn insert_breakpoint(&mut self, _breakpoint: Breakpoint) -> Result<()> {
        Err(Error::Unsupported("no breakpoints here: nothing runs"))
    }

    /// Removes a breakpoint; none there is no error (debuggers repeat themselves).
    fn remove_breakpoint(&mut self, _addr: u64, _hardware: bool) -> Result<()> {
        Err(Error::Unsupported("no breakpoints here: nothing runs"))
    }

    /// Watches `len` bytes (at least 1).
    fn insert_watchpoint(&mut self, _kind: WatchKind, _addr: u64, _len: u64) -> Result<()> {
        Err(Error::Unsupported("no watchpoints here"))
    }

    /// Ends a watch with the same arguments; none there is no error.
    fn remove_watchpoint(&mut self, _kind: WatchKind, _addr: u64, _len: u64) -> Result<()> {
        Err(Error::Unsupported("no watchpoints here"))
    }

    /// Removes all breakpoints and watchpoints: a debugger has come, and the one before may have gone without a word. Only while
    /// stopped.
    fn clear_breakpoints(&mut self) -> Result<()> {
        Err(Error::Unsupported("no breakpoints here: nothing runs"))
    }

    // ---- running ----

    /// A debugger has connected: from now on events stop the inferior. One that has not come to its first instruction is waited
    /// for. *Also while running.*
    fn attach(&mut self) {}

    /// What it is doing. *Also while running.*
    fn state(&self) -> State;

    /// Lets it run, and returns at once. Only while stopped.
    fn resume(&mut self, _plan: ResumePlan) -> Result<()> {
        Err(Error::Unsupported("nothing runs here"))
    }

    /// Runs backwards, and returns at once. Only while stopped.
    fn resume_backward(&mut self, _how: Backward) -> Result<()> {
        Err(Error::Unsupported("no recording to run backwards in"))
    }

    /// Asks all threads to halt, also those blocked in system calls; the stop comes as any other, and only one comes if another
    /// event was first. Returns at once. Does nothing while stopped. *Also while running.*
    fn interrupt(&mut self) -> Result<()> {
        Err(Error::Unsupported("nothing runs here"))
    }

    /// A descriptor that polls as readable while a stop is waiting for [`Inferior::take_stop`]. `None` if it never runs.
    /// *Also while running.*
    fn stop_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Takes the stop that is waiting, never blocks. After it [`Inferior::state`] is that stop. *Also while running.*
    fn take_stop(&mut self) -> Option<Stop> {
        None
    }

    /// Ends the selected process as `SIGKILL` does; it is gone, or its [`StopReason::Terminated`] follows. *Also while running.*
    fn kill(&mut self) -> Result<()> {
        Err(Error::Unsupported("nothing runs here"))
    }

    /// Removes the debugger's breakpoints, watchpoints and catchpoints from the selected process and lets it run on alone,
    /// delivering `signal` first.
    fn detach(&mut self, _signal: Option<i32>) -> Result<()> {
        Ok(())
    }

    /// Starts the program anew, or another one, stopped before its first instruction. The old process is ended.
    fn restart(&mut self, _program: Option<PathBuf>, _arguments: &StartArguments) -> Result<()> {
        Err(Error::Unsupported(
            "the program cannot be restarted: start emu again",
        ))
    }

    /// The arguments that the user started it with, without the program.
    fn arguments(&mut self) -> Result<Vec<Vec<u8>>> {
        Err(Error::Unsupported("the arguments are not known here"))
    }

    // ---- events ----

    /// Which system calls stop, from now on.
    fn catch_syscalls(&mut self, _which: CatchSyscalls) -> Result<()> {
        Err(Error::Unsupported("no system calls to catch here"))
    }

    /// Guest signals that are delivered without a stop, from now on; all others stop.
    fn pass_signals(&mut self, _signals: &[i32]) -> Result<()> {
        Err(Error::Unsupported("no signals to pass here"))
    }

    /// Whether [`StopReason::ThreadCreated`] and [`StopReason::ThreadExited`] are reported, from now on.
    fn report_thread_events(&mut self, _on: bool) -> Result<()> {
        Err(Error::Unsupported("no thread events here"))
    }

    /// Whether [`StopReason::Fork`], [`StopReason::VFork`] and [`StopReason::VForkDone`] are reported, from now on. Otherwise
    /// children run without the debugger.
    fn report_forks(&mut self, _on: bool) -> Result<()> {
        Err(Error::Unsupported("no forks to report here"))
    }

    /// Whether the guest stops with [`StopReason::LibrariesChanged`] when its dynamic linker has loaded or unloaded libraries. Off for
    /// a debugger that has come anew. Of a static program there is nothing to tell.
    fn report_libraries(&mut self, _on: bool) -> Result<()> {
        Ok(())
    }

    /// Whether the session is to be served by another process or program from now on: the one that serves it is about to be
    /// replaced, or is no longer debugged. Whoever serves gives up the connection then ([`crate::Turn::Moving`]). *Also while
    /// running.*
    fn wants_session(&self) -> bool {
        false
    }

    // ---- facts of the operating system ----

    /// Path of the executable, as the guest knows it.
    fn exec_file(&mut self) -> Result<PathBuf> {
        Err(Error::Unsupported("the executable is not known"))
    }

    /// Where the executable is on the host.
    fn exec_file_on_host(&mut self) -> Result<PathBuf> {
        self.exec_file()
    }

    /// The folder of the host below which the guest's files are looked for first.
    fn file_prefix(&mut self) -> Option<PathBuf> {
        None
    }

    /// The auxiliary vector.
    fn auxv(&mut self) -> Result<Vec<u8>> {
        Err(Error::Unsupported("no auxiliary vector"))
    }

    /// `siginfo_t` of the signal that the thread stopped for, in the guest's layout.
    fn read_siginfo(&mut self, _tid: Tid) -> Result<Vec<u8>> {
        Err(Error::Unsupported("no siginfo"))
    }

    /// Changes the `siginfo_t` that will be delivered; `data` is a whole one.
    fn write_siginfo(&mut self, _tid: Tid, _data: &[u8]) -> Result<()> {
        Err(Error::Unsupported("no siginfo"))
    }

    /// Loaded libraries.
    fn libraries(&mut self) -> Result<Libraries> {
        Err(Error::Unsupported("no list of libraries"))
    }

    /// Address of the *slot* in the dynamic section (`DT_DEBUG`'s `d_ptr`) that holds the address of the linker's `r_debug`.
    fn library_info_slot(&mut self) -> Result<u64> {
        Err(Error::Unsupported("no dynamic section"))
    }

    /// How far the executable was moved.
    fn section_offsets(&mut self) -> Result<SectionOffsets> {
        Err(Error::Unsupported("section offsets are not known"))
    }

    /// Address of thread-local storage at `offset` in the module whose `link_map` is given.
    fn tls_address(&mut self, _tid: Tid, _offset: u64, _link_map: u64) -> Result<u64> {
        Err(Error::Unsupported("thread-local addresses are not known"))
    }

    /// What the thread's pointer to its thread-local storage holds, which is no register of debuggers' on every machine.
    fn thread_pointer(&mut self, tid: Tid) -> Result<u64> {
        let target = self.target();
        let role = target.register_in_role(RegisterRole::Tp);
        let number = role.ok_or(Error::Unsupported("the thread pointer is not known here"))?;
        let mut bytes = vec![0; target.registers[number].size()];
        self.read_register(tid, number, &mut bytes)?;
        Ok(target.read_integer(&bytes))
    }

    // ---- what the prompt shows ----

    /// At most `count` instructions from `addr` on; fewer before a hole.
    fn disassemble(&mut self, _addr: u64, _count: usize) -> Result<Vec<Instruction>> {
        Err(Error::Unsupported(
            "there is no disassembler for this machine",
        ))
    }

    /// Name of a system call's number. *Also while running.*
    fn syscall_name(&self, _number: u32) -> Option<String> {
        None
    }

    /// Number of the system call of that name, as the guest calls it. *Also while running.*
    fn syscall_number(&self, _name: &str) -> Option<u32> {
        None
    }

    /// The open files of the selected process, by descriptor.
    fn open_files(&mut self) -> Result<Vec<OpenFile>> {
        Err(Error::Unsupported("the open files are not known here"))
    }

    /// What each signal does to the selected process, by number.
    fn signal_actions(&mut self) -> Result<Vec<SignalAction>> {
        Err(Error::Unsupported(
            "the actions of signals are not known here",
        ))
    }

    /// The latest system calls of all threads, oldest first.
    fn recent_calls(&mut self) -> Result<Vec<RecentCall>> {
        Err(Error::Unsupported("recent system calls are not kept here"))
    }

    /// Shows the system calls that pass `filter` (as `--strace` takes it; "" for all), or no longer.
    fn set_trace(&mut self, _filter: Option<&str>) -> Result<()> {
        Err(Error::Unsupported("no system calls to trace here"))
    }

    /// Gives the program another terminal, of this path on the host, for those of its standard descriptors that are one; `None`
    /// gives back what they were.
    fn set_terminal(&mut self, _path: Option<&Path>) -> Result<()> {
        Err(Error::Unsupported("no terminal can be given here"))
    }

    /// What the guest asked for and did not get, in the order of the first requests.
    fn unimplemented(&mut self) -> Result<Vec<Unimplemented>> {
        Err(Error::Unsupported(
            "what is unimplemented is not recorded here",
        ))
    }

    /// Counters of the emulator, in lines.
    fn statistics(&mut self) -> Result<String> {
        Err(Error::Unsupported("nothing is counted here"))
    }

    /// Writes a core file in the target's own format to `path` on the host; returns its size in bytes. The process goes on.
    fn write_core(&mut self, _path: &Path) -> Result<u64> {
        Err(Error::Unsupported("core files are not written here"))
    }

    // ---- files, as the guest sees them ----

    /// Opens a file; `/proc/<pid>/...` is the guest's view of it. Paths are absolute. *Also while running.*
    fn open_file(
        &mut self,
        _path: &[u8],
        _flags: OpenFlags,
        _mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        Err(FileError::Unsupported)
    }

    /// Describes a file; `follow` says whether a symbolic link at the end is followed. *Also while running.*
    fn stat_file(
        &mut self,
        _path: &[u8],
        _follow: bool,
    ) -> std::result::Result<FileStat, FileError> {
        Err(FileError::Unsupported)
    }

    /// Target of a symbolic link. *Also while running.*
    fn read_link(&mut self, _path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        Err(FileError::Unsupported)
    }

    /// Deletes a file. *Also while running.*
    fn unlink_file(&mut self, _path: &[u8]) -> std::result::Result<(), FileError> {
        Err(FileError::Unsupported)
    }
}
