//! Guest processes and threads, signals, and the one gate for everything that is not determined by the guest's own code.
//!
//! A guest thread is a host thread ([`Thread`]), a guest process is this host process ([`Process`]); ids are the host's. Two
//! traits point upward: [`Os`] knows the guest's system calls and signal frames, an [`Observer`] is told what happens and may
//! hold a thread.
//!
//! # The gate
//!
//! A guest's run is determined by its start state and by what passes here: the [`Outcome`] of each [`Syscall`] (with the
//! memory that handlers write through [`crate::mem`]), the [`SigInfo`] of each signal together with the point of delivery, the
//! order of threads, and [`Process::random`]. A recorder has to look nowhere else.
//!
//! # Signals
//!
//! The host's kernel does the queueing. The guest's signal mask is the host thread's mask, the guest's ignored signals are
//! ignored by the host, and every other signal that could end or interrupt the guest has one host handler. The handler keeps the
//! `siginfo` in the thread's slot, asks the engine to leave ([`crate::ir::pending::SIGNAL`]) and blocks every signal until the
//! run loop has built the guest's frame; so one slot for each thread is enough. Signals keep the host's numbers inside the
//! emulator ([`Signal`]); all 64 are the guest's, the emulator needs none for itself. Signals that the host cannot send (65 and
//! up) are queued by the emulator ([`Process::send_beyond`]).
//!
//! SIGSEGV and SIGBUS are never blocked on the host, as a blocked synchronous fault would end the emulator; the guest's mask is
//! applied when they are taken.
//!
//! A blocking system call ([`Thread::blocking_syscall`]) that a signal interrupts, or that a signal forestalls, fails with
//! [`ERESTARTSYS`] where the kernel would restart it; the run loop then restarts it or turns it into EINTR as SA_RESTART asks.
//!
//! # Stopping all threads
//!
//! [`Process::stop_all`] sets [`crate::ir::pending::STOP`] for every other thread and waits until each is parked or inside a
//! blocking system call; a thread that comes out of a system call parks before it touches anything. Used for fork, for
//! exclusive sections and for the debugger.
//!
//! # Lock order
//!
//! A lock may be taken while those to its left are held, never the other way:
//!
//! ```text
//! stop (world) ── threads ── a thread's loan of its CpuState ── actions ── code cache ── mem layout ── mem code pages
//! ```
//!
//! The list of what is watched (in `mem`) and the conditions of breakpoints (in `debug`) come last and are held for a look only.
//!
//! None is held while guest code runs or in a blocking system call. Signal handlers take no lock.

mod beyond;
mod code;
mod observer;
mod os;
mod recent;
mod run;
mod share;
mod signal;
mod thread;
mod world;

pub use code::CodeState;
pub use observer::{End, Observer, Unimplemented};
pub use os::{Machine, Os, Outcome, Syscall};
pub use recent::{CallState, RECENT_CALLS, Recent, Ring};
pub use signal::{Action, DefaultAction, SigFields, SigInfo, SigSet, sa};
pub use thread::{AltStack, Controller, Forked, Thread, ThreadHandle};

pub use crate::abi::{Errno, Signal, SysResult};

use crate::cpu::Engine;
use crate::host;
use crate::host::signal::Inherited;
use crate::isa::Isa;
use crate::mem::AddressSpace;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A system call that was interrupted before it did anything and is to be made again, unless a handler without SA_RESTART
/// runs first. The kernel's own number for this (`linux/errno.h`); it never reaches the guest.
pub const ERESTARTSYS: Errno = Errno(512);

/// A system call that a debugger broke off by changing the thread's registers while it blocked: its result is dropped, and the
/// registers are as the debugger set them. Like [`ERESTARTSYS`] it never reaches the guest (the kernel's ERESTARTNOINTR).
pub const DISCARDED: Errno = Errno(513);

/// What the user asked for that lasts the whole run.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Prefix under which absolute paths of the guest are looked for first (`-L`).
    pub prefix: Option<PathBuf>,
    /// What `uname` gives as the kernel's release (`-r`).
    pub uname_release: Option<String>,
    /// Size in bytes of the main stack (`-s`); the host's soft limit if `None`.
    pub stack_size: Option<u64>,
    /// Seed of everything random (`-seed`); random if `None`.
    pub seed: Option<u64>,
    /// Every thread executes one instruction at a time.
    pub single_step: bool,
    /// Options to hand on to an emulator that `execve` of another guest program starts.
    pub exec_options: Vec<String>,
    /// What an emulator runs that was started with these arguments, if that can be told: for what guests see of each other.
    pub command_of: Option<fn(Vec<OsString>) -> Option<Command>>,
}

/// A guest program and its arguments, of which the first is its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where the program is, as it was given to the emulator.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// The program as it was loaded. Addresses are the guest's.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// First instruction: the dynamic linker's, if there is one.
    pub start: u64,
    /// The program's own entry point.
    pub entry: u64,
    /// Added to the addresses in the program's file.
    pub bias: u64,
    /// The same for the dynamic linker; 0 without one.
    pub linker_base: u64,
    /// The stack pointer at the start.
    pub stack_pointer: u64,
    /// Start and end of the argument strings.
    pub args: (u64, u64),
    /// Start and end of the environment strings.
    pub env: (u64, u64),
    /// The auxiliary vector in the guest's layout, with its AT_NULL.
    pub auxv: Vec<u8>,
    /// `e_flags` of the program's file.
    pub elf_flags: u32,
}

/// Host stack in bytes of a thread that runs no guest code.
const HELPER_STACK: usize = 256 << 10;

/// A guest process.
pub struct Process {
    /// The guest's instruction set.
    pub isa: &'static dyn Isa,
    /// Its memory.
    pub mem: Arc<AddressSpace>,
    /// Its operating system.
    pub os: Box<dyn Os>,
    /// What the user asked for.
    pub config: Config,
    /// The program, as an absolute host path: what `/proc/self/exe` refers to.
    pub exe: PathBuf,
    /// Breakpoints and the validity of translations, as engines ask for them.
    pub code: Arc<CodeState>,
    engines: Engines,
    image: OnceLock<Image>,
    observers: Vec<Arc<dyn Observer>>,
    actions: Mutex<signal::ActionTables>,
    beyond: beyond::Beyond,
    world: world::World,
    /// State of the seeded source, if there is a seed.
    random: Mutex<Option<u64>>,
    /// Some thread is ending the process.
    ending: AtomicBool,
}

/// Makes the engine of each new thread.
pub struct Engines(Box<CreateEngine>);

type CreateEngine = dyn Fn(&Process) -> Box<dyn Engine> + Send + Sync;

impl Engines {
    /// Engines from this function, called in the thread that the engine is for.
    pub fn new(create: impl Fn(&Process) -> Box<dyn Engine> + Send + Sync + 'static) -> Engines {
        Engines(Box::new(create))
    }

    fn create(&self, process: &Process) -> Box<dyn Engine> {
        (self.0)(process)
    }
}

impl Process {
    /// A process without a thread; [`Thread::main`] gives it one.
    pub fn new(
        isa: &'static dyn Isa,
        mem: Arc<AddressSpace>,
        os: Box<dyn Os>,
        engines: Engines,
        config: Config,
        exe: PathBuf,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Arc<Process> {
        let code = Arc::new(CodeState::new(mem.clone()));
        let observers = os.observer().into_iter().chain(observers).collect();
        Arc::new(Process {
            isa,
            mem,
            os,
            random: Mutex::new(config.seed),
            config,
            exe,
            code,
            engines,
            image: OnceLock::new(),
            observers,
            actions: Mutex::default(),
            beyond: beyond::Beyond::default(),
            world: world::World::default(),
            ending: AtomicBool::new(false),
        })
    }

    /// The program as it was loaded; `None` before that.
    pub fn image(&self) -> Option<&Image> {
        self.image.get()
    }

    /// Set once, by the loader.
    pub fn set_image(&self, image: Image) {
        let _ = self.image.set(image);
    }

    /// Its threads, the main thread first as long as it lives.
    pub fn threads(&self) -> Vec<Arc<ThreadHandle>> {
        self.world.handles()
    }

    /// Other processes that share its memory, each with its one thread.
    pub fn vfork_children(&self) -> Vec<Arc<ThreadHandle>> {
        self.world.vforked()
    }

    /// The last system calls of the threads that live, oldest first. What a thread that runs is making may be mixed up.
    pub fn recent_calls(&self) -> Vec<Recent> {
        let threads = self.threads();
        let mut calls: Vec<Recent> = threads.iter().flat_map(|t| t.recent.calls(t.tid)).collect();
        calls.sort_by_key(|c| c.sequence);
        calls
    }

    /// Whether a thread is ending the process.
    pub fn is_ending(&self) -> bool {
        self.ending.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Stops all guest threads; for callers that are none. Waits until each is parked or in a blocking system call. Ends with
    /// [`Process::resume_all`].
    pub fn stop_all(&self) {
        self.world.stop(0);
    }

    /// Lets the threads go that are not held.
    pub fn resume_all(&self) {
        self.world.resume();
    }

    /// Keeps a thread parked beyond the end of a stop, or no longer: it goes on when nobody holds it. Call while all are stopped.
    pub fn hold(&self, thread: &ThreadHandle, by: Controller, held: bool) {
        self.world.hold(thread, by, held);
    }

    /// Takes over from the host: inherited SIG_IGN stays, every signal that would end the guest gets the handler.
    fn install_signals(&self) {
        let mut tables = self.lock_actions();
        let actions = tables.mine();
        for signal in (1..=64).map(Signal) {
            let default = self.os.default_action(signal);
            // SIGKILL and SIGSTOP stay as they are.
            if actions.apply(signal, default) == Ok(Inherited::Ignored) {
                let ignore = Action {
                    handler: Action::IGNORE,
                    ..Action::default()
                };
                let _ = actions.set(signal, ignore);
                let _ = actions.apply(signal, default);
            }
        }
    }

    fn lock_actions(&self) -> MutexGuard<'_, signal::ActionTables> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who are told of events.
    pub fn observers(&self) -> &[Arc<dyn Observer>] {
        &self.observers
    }

    /// The action for a signal.
    pub fn action(&self, signal: Signal) -> Action {
        self.lock_actions().mine().get(signal)
    }

    /// Sets the host's action for a signal again, after libc has changed it.
    fn take_back(&self, signal: Signal) {
        let default = self.os.default_action(signal);
        let _ = self.lock_actions().mine().apply(signal, default);
    }

    /// Starts a thread of the emulator's own, which runs no guest code and has all signals blocked. Says whether there is one.
    pub fn spawn_helper(&self, name: &str, run: impl FnOnce() + Send + 'static) -> bool {
        let saved = host::signal::block_all();
        let spawned = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(HELPER_STACK)
            .spawn(run);
        self.take_back(host::signal::TAKEN_BY_LIBC);
        host::signal::set_mask(saved);
        spawned.is_ok()
    }

    /// Whether a signal that comes has no effect on the guest.
    pub fn is_ignored(&self, signal: Signal) -> bool {
        match self.action(signal).handler {
            Action::IGNORE => true,
            Action::DEFAULT => self.os.default_action(signal) == DefaultAction::Ignore,
            _ => false,
        }
    }

    /// Makes a signal come to [`Os::signal_arrived`] even while the guest ignores it, or no longer.
    ///
    /// # Errors
    /// EINVAL for a number that is no signal of the host's.
    pub fn watch_signal(&self, signal: Signal, watched: bool) -> SysResult<()> {
        let mut tables = self.lock_actions();
        let actions = tables.mine();
        actions.watch(signal, watched);
        actions.apply(signal, self.os.default_action(signal))?;
        Ok(())
    }

    /// Makes signals that would stop or continue the process come to [`Observer::signal`] instead; or no longer. SIGSTOP is not
    /// among them, see [`Process::send_beyond`].
    pub fn see_stops(&self, stops: bool) {
        let mut tables = self.lock_actions();
        let actions = tables.mine();
        actions.see_stops(stops);
        for signal in (1..=64).map(Signal) {
            // SIGKILL and SIGSTOP stay as they are.
            let _ = actions.apply(signal, self.os.default_action(signal));
        }
    }

    /// Sets the action for a signal, and the host's to match; returns the old one.
    ///
    /// # Errors
    /// EINVAL for SIGKILL, SIGSTOP, or a number that is no signal.
    pub fn set_action(&self, signal: Signal, action: Action) -> SysResult<Action> {
        let mut tables = self.lock_actions();
        let actions = tables.mine();
        let old = actions.set(signal, action)?;
        actions.apply(signal, self.os.default_action(signal))?;
        Ok(old)
    }

    /// Says that the guest stands still until somebody lets it go, and that a signal of `signals` ends it nevertheless: unless its
    /// action is the guest's own, which has to wait then. Without signals: it runs again.
    pub fn end_while_halted_by(&self, signals: &[Signal]) {
        let mut tables = self.lock_actions();
        let actions = tables.mine();
        let set = signals
            .iter()
            .filter(|s| actions.get(**s).handler == Action::DEFAULT)
            .fold(0, |set, s| set | 1 << (s.0 - 1));
        host::signal::end_by(set);
    }

    /// Fills `buf` with random bytes: the host's, or those of the seed that the user gave. For AT_RANDOM and `getrandom`.
    pub fn random(&self, buf: &mut [u8]) {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *random {
            Some(state) => fill_seeded(state, buf),
            None => host::random(buf),
        }
    }
}

/// Fills `buf` from a seed, with bytes that [`Process::random`] does not give again: for AT_RANDOM, which is needed before there
/// is a process.
pub fn seeded(seed: u64, buf: &mut [u8]) {
    fill_seeded(&mut !seed, buf);
}

fn fill_seeded(state: &mut u64, buf: &mut [u8]) {
    for chunk in buf.chunks_mut(8) {
        let n = chunk.len();
        chunk.copy_from_slice(&split_mix(state).to_le_bytes()[..n]);
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the seeded source.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
