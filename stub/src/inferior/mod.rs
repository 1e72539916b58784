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

mod error;
mod process;
mod resume;
mod stop;
mod target;

pub use error::*;
pub use process::*;
pub use resume::*;
pub use stop::*;
pub use target::*;

use std::any::Any;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::facts::{Instruction, OpenFile, RecentCall, SignalAction, Unimplemented};
use crate::file::{FileError, FileStat, GuestFile, OpenFlags};
use crate::register::RegisterRole;

/// Process id as the guest sees it.
pub type Pid = u32;

/// Thread id as the guest sees it: unique over all processes of an inferior.
pub type Tid = u32;

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
            "the program cannot be started anew: start emu again, with --multi",
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
