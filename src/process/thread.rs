//! A guest thread: a host thread that runs guest code.

use super::recent::Ring;
use super::world::{World, state};
use super::{End, Process, SigInfo, SigSet, Signal, SysResult};
use crate::abi::Errno;
use crate::cpu::Engine;
use crate::host::signal::Slot;
use crate::host::{self, Borrower, Owner, handover};
use crate::ir::{CpuState, pending};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, mpsc};

/// Host stack of a guest thread in bytes: reserved, and touched only as far as handlers of system calls go down.
pub(super) const HOST_STACK: usize = 1 << 20;

/// Alternate signal stack (`stack_t`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AltStack {
    /// Lowest guest address.
    pub sp: u64,
    /// Length in bytes; 0 when there is none.
    pub size: u64,
    /// SS_AUTODISARM; SS_DISABLE follows from `size`, SS_ONSTACK from the stack pointer.
    pub flags: u32,
}

impl AltStack {
    /// Whether a thread with this stack pointer is on it.
    pub fn contains(&self, sp: u64) -> bool {
        self.size != 0 && sp.wrapping_sub(self.sp).wrapping_sub(1) < self.size
    }

    /// Where the frame of a handler goes: below the stack pointer, or at the end of this stack.
    pub fn frame_top(&self, action: &super::Action, sp: u64) -> u64 {
        if action.flags & super::sa::ONSTACK != 0 && self.size != 0 && !self.contains(sp) {
            self.sp + self.size
        } else {
            sp
        }
    }
}

/// Who may hold threads, and have them step: each has a say of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// The debugger that the user has attached.
    Debugger = 1,
    /// Another guest process, that traces this one.
    Tracer = 2,
}

/// What other threads may know of a thread.
pub struct ThreadHandle {
    /// Its id, the host's and the guest's.
    pub tid: i32,
    /// Its registers, while it is parked or in a blocking system call.
    pub cpu: Borrower<CpuState>,
    /// Who wants it to execute one instruction at a time ([`Controller`]s as bits).
    stepping: AtomicU8,
    /// The result of the system call that it is in is to be dropped.
    discard: AtomicBool,
    pub(super) state: AtomicU32,
    /// Who holds it ([`Controller`]s as bits).
    pub(super) held: AtomicU8,
    /// It is another process, that shares the memory; and whether it shares the descriptors, too.
    pub(super) sharer: Option<bool>,
    /// The signals beyond the host's that it takes now: bit n is signal 65 + n.
    pub(super) open_beyond: AtomicU64,
    /// Its last system calls.
    pub(super) recent: Ring,
}

impl ThreadHandle {
    /// The calling host thread's.
    pub(super) fn new(cpu: Borrower<CpuState>, sharer: Option<bool>) -> Arc<ThreadHandle> {
        Arc::new(ThreadHandle {
            tid: host::tid(),
            cpu,
            stepping: AtomicU8::new(0),
            discard: AtomicBool::new(false),
            state: AtomicU32::new(state::RUNNING),
            held: AtomicU8::new(0),
            sharer,
            open_beyond: AtomicU64::new(0),
            recent: Ring::default(),
        })
    }

    /// Has it execute one instruction at a time, telling [`super::Observer::trap`] after each; or no longer.
    pub fn set_stepping(&self, by: Controller, stepping: bool) {
        match stepping {
            true => self.stepping.fetch_or(by as u8, SeqCst),
            false => self.stepping.fetch_and(!(by as u8), SeqCst),
        };
    }

    /// Whether it steps for that one.
    pub fn steps_for(&self, by: Controller) -> bool {
        self.stepping.load(SeqCst) & by as u8 != 0
    }

    /// Whether it steps.
    pub fn is_stepping(&self) -> bool {
        self.stepping.load(SeqCst) != 0
    }

    /// Whether somebody keeps it parked.
    pub(super) fn is_held(&self) -> bool {
        self.held.load(SeqCst) != 0
    }

    /// Breaks off the blocking system call that it is in, if it is in one: it comes to nothing, and the thread goes on with its
    /// registers as they are. Call with all threads stopped.
    pub fn discard_syscall(&self) {
        if self.is_blocked() {
            self.discard.store(true, SeqCst);
            host::signal::kick(self.tid);
        }
    }

    /// Whether it is another process, which shares the memory: the child of a vfork, or of [`Thread::share_memory`].
    pub fn is_vfork_child(&self) -> bool {
        self.sharer.is_some()
    }

    /// Whether it is in a blocking system call.
    pub fn is_blocked(&self) -> bool {
        self.state.load(SeqCst) == state::BLOCKED
    }
}

/// A guest thread, owned by the host thread that runs it.
pub struct Thread {
    /// What it belongs to.
    pub process: Arc<Process>,
    /// Its registers.
    pub cpu: Owner<CpuState>,
    /// What executes its code.
    pub engine: Box<dyn Engine>,
    /// What others see of it.
    pub handle: Arc<ThreadHandle>,
    /// Alternate signal stack.
    pub altstack: AltStack,
    /// Guest address to clear and wake when the thread ends (`set_tid_address`); 0 for none.
    pub clear_child_tid: u64,
    /// Guest address and length of the robust futex list's head (`set_robust_list`); 0 for none.
    pub robust_list: (u64, u64),
    /// Guest address of the word by which the guest holds all signals off (FreeBSD's `sigfastblock`); 0 for none.
    pub hold_word: u64,
    pub(super) mask: SigSet,
    /// Signals that were taken while the guest blocked them.
    pub(super) deferred: Vec<SigInfo>,
    pub(super) slot: &'static Slot,
    /// A signal's frame has been set up since the run loop last looked.
    pub(super) entered_handler: bool,
    /// It is told of a step that has ended at a handler's first instruction.
    pub(super) at_handler: bool,
    /// Address of the system call instruction that is being carried out.
    pub(super) call_pc: u64,
    /// How often it was parked.
    pub(super) stops: u64,
    /// Whether this is the host's main thread, which must not return before the process ends.
    is_main: bool,
}

pub use host::Forked;

impl Thread {
    /// Makes the calling host thread a guest thread with these registers. Signals stay blocked until its mask is set.
    fn adopt(process: Arc<Process>, cpu: CpuState, is_main: bool) -> Thread {
        let mut thread = Thread::carry(process, cpu);
        thread.is_main = is_main;
        thread.process.world.add(thread.handle.clone());
        thread
    }

    /// As [`Thread::adopt`], for a host thread that is none of the guest's.
    pub(super) fn carry(process: Arc<Process>, cpu: CpuState) -> Thread {
        host::signal::block_all();
        let (cpu, borrower) = handover(cpu);
        // One for each thread and never freed: the handler may look at it until the very end of the host thread.
        let slot: &'static Slot = Box::leak(Box::new(Slot::new(borrower.clone())));
        slot.install();
        let handle = ThreadHandle::new(borrower, None);
        let engine = process.engines.create(&process);
        let mut thread = Thread {
            process,
            cpu,
            engine,
            handle,
            altstack: AltStack::default(),
            clear_child_tid: 0,
            robust_list: (0, 0),
            hold_word: 0,
            mask: SigSet::EMPTY,
            deferred: Vec::new(),
            slot,
            entered_handler: false,
            at_handler: false,
            call_pc: 0,
            stops: 0,
            is_main: false,
        };
        thread.cpu.guest_base = thread.process.mem.base();
        thread
    }

    /// Makes the calling host thread the main thread of a process that is about to start, and sets the process's signals up. It
    /// inherits the host thread's signal mask.
    pub fn main(process: Arc<Process>) -> Thread {
        let mut cpu = *CpuState::new();
        process.isa.reset(&mut cpu);
        let inherited = host::signal::block_all();
        process.install_signals();
        let mut thread = Thread::adopt(process, cpu, true);
        thread.mask = SigSet::from_host(inherited).blockable();
        thread
    }

    /// Its id.
    pub fn tid(&self) -> i32 {
        self.handle.tid
    }

    /// Whether the step that [`super::Observer::trap`] is told of was the entry of a signal handler.
    pub fn is_at_handler(&self) -> bool {
        self.at_handler
    }

    /// The signals it blocks.
    pub fn signal_mask(&self) -> SigSet {
        self.mask
    }

    /// Makes a host system call that does not block. Addresses in `args` come from [`crate::mem::AddressSpace::host_range`] or
    /// are the handler's own.
    pub fn syscall(&mut self, number: i64, args: [u64; 6]) -> SysResult {
        host::syscall(number, args)
    }

    /// Makes a host system call that may block. Signals that arrive before or while it blocks interrupt it; see
    /// [`super::ERESTARTSYS`]. While it lasts the thread counts as stopped. Addresses as for [`Thread::syscall`].
    pub fn blocking_syscall(&mut self, number: i64, args: [u64; 6]) -> SysResult {
        let slot = self.slot;
        self.block_in(|| host::signal::interruptible(slot, number, args))
    }

    /// Waits for something else than the host's kernel, as in [`Thread::blocking_syscall`]; no signal interrupts it.
    ///
    /// # Errors
    /// Those of `wait`, and [`super::DISCARDED`].
    pub fn block_while(&mut self, wait: impl FnOnce() -> SysResult) -> SysResult {
        self.block_in(wait)
    }

    /// Makes a blocking host call. To a debugger the thread is at the call instruction meanwhile: what it restores there after a
    /// call of its own makes the system call again.
    fn block_in(&mut self, call: impl FnOnce() -> SysResult) -> SysResult {
        let after = std::mem::replace(&mut self.cpu.pc, self.call_pc);
        let (handle, world) = (&*self.handle, &self.process.world);
        let result = self.cpu.lend(|| {
            world.block(handle);
            let result = call();
            world.unblock(handle);
            result
        });
        if handle.discard.swap(false, SeqCst) {
            return Err(super::DISCARDED);
        }
        self.cpu.pc = after;
        result
    }

    /// Does work that waits, before the process ends. The thread counts as stopped meanwhile, and no stop keeps it afterwards.
    pub fn linger(&mut self, work: impl FnOnce()) {
        let (handle, world) = (&*self.handle, &self.process.world);
        self.cpu.lend(|| {
            world.block(handle);
            work();
            handle.state.store(state::RUNNING, SeqCst);
        });
    }

    /// Waits while a stop of all threads, or a hold on this one, lasts. Others may look at its registers meanwhile.
    pub fn park(&mut self) {
        self.stops += 1;
        let (handle, world) = (&*self.handle, &self.process.world);
        self.cpu.lend(|| world.wait(handle));
    }

    /// As [`Thread::park`], with `work` done first. The thread counts as parked already, and its registers are lent.
    pub fn park_after(&mut self, work: impl FnOnce()) {
        self.stops += 1;
        let (handle, world) = (&*self.handle, &self.process.world);
        self.cpu.lend(|| {
            world.begin_wait(handle);
            work();
            world.wait(handle);
        });
    }

    /// Runs `action` with every other thread stopped.
    pub fn exclusively<R>(&mut self, action: impl FnOnce(&mut Thread) -> R) -> R {
        let tid = self.tid();
        let (handle, world) = (&*self.handle, &self.process.world);
        self.cpu.lend(|| {
            // Somebody else may be stopping all threads: let him, then take the turn.
            world.block(handle);
            world.stop(tid);
            handle.state.store(state::RUNNING, SeqCst);
        });
        let result = action(self);
        self.process.world.resume();
        result
    }

    /// Sets the signals that the thread blocks, on the host too. A signal that becomes deliverable is taken at the next poll.
    pub fn set_signal_mask(&mut self, mask: SigSet) {
        self.mask = mask.blockable();
        // A taken signal keeps the others blocked until it is delivered, which sets the mask.
        if self.slot.is_empty() {
            host::signal::set_mask(self.mask.host_mask());
        }
        if self.deferred.iter().any(|i| !self.mask.contains(i.signal)) {
            self.cpu.pending.fetch_or(pending::SIGNAL, SeqCst);
        }
        self.open_beyond(self.mask);
    }

    /// Starts another thread of the process with a copy of this thread's registers and signal mask. `prepare` sets the
    /// registers that differ (stack, thread pointer, result). `begin` runs in the new thread before its first instruction and
    /// before this call returns: it knows the new id ([`Thread::tid`]). Returns the new id.
    ///
    /// # Errors
    /// EAGAIN when the host gives no more threads.
    pub fn spawn(
        &mut self,
        prepare: impl FnOnce(&mut CpuState),
        begin: impl FnOnce(&mut Thread) + Send + 'static,
    ) -> SysResult<i32> {
        if self.is_vfork_child() {
            self.report_unimplemented(&super::Unimplemented {
                kind: "clone",
                what: "a thread in the child of a vfork".to_owned(),
                pc: self.call_pc,
                ..super::Unimplemented::default()
            });
            return Err(Errno::EAGAIN);
        }
        let mut cpu = copy_state(&self.cpu);
        prepare(&mut cpu);
        let (process, mask) = (self.process.clone(), self.mask);
        let (tell, told) = mpsc::sync_channel(1);
        let saved = host::signal::block_all();
        let spawned = std::thread::Builder::new()
            .stack_size(HOST_STACK)
            .spawn(move || {
                let mut thread = Thread::adopt(process, *cpu, false);
                thread.mask = mask;
                begin(&mut thread);
                // The parent is waiting; it can only be gone with the whole process.
                let _ = tell.send(thread.tid());
                thread.run();
            });
        let result = match spawned {
            Ok(_) => told.recv().map_err(|_| Errno::EAGAIN),
            Err(_) => Err(Errno::EAGAIN),
        };
        self.process.take_back(host::signal::TAKEN_BY_LIBC);
        host::signal::set_mask(saved);
        result
    }

    /// Forks the process: the child has a copy of this thread only. Other threads are stopped meanwhile.
    ///
    /// # Errors
    /// The host's (EAGAIN, ENOMEM).
    pub fn fork(&mut self) -> SysResult<Forked> {
        let parent = host::pid();
        let process = self.process.clone();
        let forked = self.exclusively(|thread| {
            for observer in process.observers() {
                observer.fork_begins(thread);
            }
            // Locks that a thread outside of the guest's (a debugger's) may hold are held here, so that the child finds them
            // free.
            let mut forked = Err(Errno::EAGAIN);
            process.os.around_fork(&mut || {
                let mut threads = process.world.lock();
                let mut actions = process.lock_actions();
                forked = process.mem.with_layout_locked(host::fork);
                if forked == Ok(Forked::Child) {
                    let me = ThreadHandle::new(thread.handle.cpu.clone(), None);
                    let open = thread.handle.open_beyond.load(SeqCst);
                    me.open_beyond.store(open, SeqCst);
                    thread.handle = me.clone();
                    World::forked(&mut threads, me);
                    actions.forked(parent);
                    process.beyond.clear();
                    // The process whose memory this shared may be ending, or have ended.
                    process.ending.store(false, SeqCst);
                    thread.cpu.pending.fetch_and(!pending::STOP, SeqCst);
                    // The kernel's clone gives none of these to a child without CLONE_VM.
                    thread.clear_child_tid = 0;
                    thread.robust_list = (0, 0);
                }
                forked == Ok(Forked::Child)
            });
            forked
        })?;
        for observer in process.observers() {
            match forked {
                Forked::Parent(child) => observer.fork(self, child),
                Forked::Child => observer.forked(self),
            }
        }
        Ok(forked)
    }

    /// Whether it is another process, in the memory of this one: the child of a vfork, or of [`Thread::share_memory`].
    pub fn is_vfork_child(&self) -> bool {
        self.handle.is_vfork_child()
    }

    /// Tells the observers, and so the user, that the guest asked for something that is not implemented.
    pub fn report_unimplemented(&self, what: &super::Unimplemented) {
        for observer in self.process.observers() {
            observer.unimplemented(self, what);
        }
    }

    /// Fills `buf` with random bytes: the host's, or those of the seed that the user gave.
    pub fn random(&mut self, buf: &mut [u8]) {
        self.process.random(buf);
    }

    /// Ends the thread after its last instruction. Returns for threads other than the main one.
    pub(super) fn end(&mut self, status: i32) {
        let process = self.process.clone();
        if self.is_vfork_child() || process.world.handles().len() == 1 {
            self.end_process(End::Exit(status));
        }
        for observer in process.observers() {
            observer.thread_exit(self, status);
        }
        process.mem.begin_call();
        process.os.thread_exit(self);
        if let Some(hit) = process.mem.end_call(None) {
            self.tell_accessed(hit);
        }
        // Two threads may both have seen the other one alive; the one that is removed last ends the process.
        host::signal::block_all();
        if process.world.remove(self.tid()) == 0 {
            self.end_process(End::Exit(status));
        }
        self.hand_on_signals();
        host::signal::release_stack();
        if self.is_main {
            host::signal::exit_thread(status);
        }
    }

    /// Ends the process: by `exit_group`, or by a signal that nobody handled.
    pub(super) fn end_process(&mut self, end: End) -> ! {
        let process = self.process.clone();
        if !self.is_vfork_child() && process.ending.swap(true, SeqCst) {
            // Another thread is at it, and will take this one along.
            let (handle, world) = (&*self.handle, &process.world);
            self.cpu.lend(|| {
                world.block(handle);
                loop {
                    std::thread::park();
                }
            });
        }
        host::signal::block_all();
        process.os.process_exit(end);
        for observer in process.observers() {
            observer.process_exit(self, end);
        }
        for observer in process.observers() {
            observer.process_gone(self, end);
        }
        self.leave_memory(|_| match end {
            End::Exit(status) => host::signal::exit_process(status),
            End::Signal(info) => host::signal::die(info.signal),
        })
    }

    /// Keeps the signals that have come until the guest lets them through ([`super::Os::holds_signals`]).
    pub(super) fn keep_signals(&mut self) {
        while let Some(raw) = self.slot.take() {
            let info = SigInfo::from_host(&raw);
            if let Some(carried) = super::beyond::carried(&info) {
                self.process.send_beyond(None, carried);
                continue;
            }
            // Of those that are not queued one is kept.
            let queued = info.signal.0 >= 32;
            if queued || !self.deferred.iter().any(|i| i.signal == info.signal) {
                self.deferred.push(info);
            }
        }
        self.open_beyond(SigSet::FULL);
    }

    /// Takes a signal that the kernel has delivered to this thread, if there is one. Not the first of a poll: the handler of
    /// one before it may block it now.
    pub(super) fn take_signal(&mut self, first: bool) -> Option<SigInfo> {
        while let Some(raw) = self.slot.take() {
            let info = SigInfo::from_host(&raw);
            if let Some(carried) = super::beyond::carried(&info) {
                self.process.send_beyond(None, carried);
                continue;
            }
            let unblockable_on_host = matches!(info.signal, Signal::SIGSEGV | Signal::SIGBUS);
            // The first may be blocked: sigsuspend and its like let it through with a mask of their own.
            if (unblockable_on_host || !first) && self.mask.contains(info.signal) {
                self.deferred.push(info);
            } else {
                return Some(info);
            }
        }
        let ready = self
            .deferred
            .iter()
            .position(|i| !self.mask.contains(i.signal));
        match ready {
            Some(ready) => Some(self.deferred.remove(ready)),
            None => self.take_beyond(),
        }
    }
}

/// A copy of a thread's registers for another thread: without what belongs to its engine, and with the monitor open.
pub(super) fn copy_state(cpu: &CpuState) -> Box<CpuState> {
    let mut copy = CpuState::new();
    copy.regs = cpu.regs;
    copy.pc = cpu.pc;
    copy.flags = cpu.flags;
    copy.fp_round = cpu.fp_round;
    copy.fp_flags = cpu.fp_flags;
    copy.mode = cpu.mode;
    copy.guest_base = cpu.guest_base;
    copy
}
