//! Which threads there are, and stopping them all.

use super::thread::{Controller, ThreadHandle};
use crate::ir::pending;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What a thread is doing, as far as stopping it goes. Kept in [`ThreadHandle::state`].
pub(super) mod state {
    /// Runs guest code or handles something for it.
    pub const RUNNING: u32 = 0;
    /// In a blocking system call, or on its way out of one without having touched anything yet.
    pub const BLOCKED: u32 = 1;
    /// Waits to be let go.
    pub const PARKED: u32 = 2;
}

/// Threads of a process.
#[derive(Default)]
pub(super) struct World {
    threads: Mutex<Threads>,
    /// A thread's state changed, or a thread came or went.
    changed: Event,
    /// Threads may go on.
    resumed: Event,
}

/// A condition variable that costs nothing to notify when nobody waits: the standard one makes a system call all the same. Used
/// with the lock held, on both sides.
#[derive(Default)]
struct Event {
    happened: Condvar,
    waiting: AtomicU32,
}

impl Event {
    fn wait<'t>(&self, threads: MutexGuard<'t, Threads>) -> MutexGuard<'t, Threads> {
        self.waiting.fetch_add(1, SeqCst);
        let threads = self
            .happened
            .wait(threads)
            .unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, SeqCst);
        threads
    }

    fn notify(&self) {
        if self.waiting.load(SeqCst) != 0 {
            self.happened.notify_all();
        }
    }
}

/// In [`ThreadHandle::held`], beside the [`Controller`]s: its process has left the memory.
const LEFT: u8 = 0x80;

#[derive(Default)]
pub(super) struct Threads {
    all: Vec<Arc<ThreadHandle>>,
    /// The others are to stop; this thread (0: none of the guest's) is not.
    stopping: Option<i32>,
}

impl World {
    pub(super) fn lock(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process's own threads.
    pub(super) fn handles(&self) -> Vec<Arc<ThreadHandle>> {
        let threads = self.lock();
        let own = threads.all.iter().filter(|t| !t.is_vfork_child());
        own.cloned().collect()
    }

    /// Other processes that share the process's memory, each with its one thread.
    pub(super) fn vforked(&self) -> Vec<Arc<ThreadHandle>> {
        let threads = self.lock();
        let children = threads.all.iter().filter(|t| t.is_vfork_child());
        children.cloned().collect()
    }

    /// Adds a thread, or the child of a vfork, which is stopped like a thread as it shares the memory. While others are being stopped it stops at its first poll.
    pub(super) fn add(&self, handle: Arc<ThreadHandle>) {
        let mut threads = self.lock();
        if threads.stopping.is_some() {
            handle.cpu.pending().fetch_or(pending::STOP, SeqCst);
        }
        threads.all.push(handle);
        self.changed.notify();
    }

    /// Removes a thread; returns how many are left.
    pub(super) fn remove(&self, tid: i32) -> usize {
        let mut threads = self.lock();
        threads.all.retain(|t| t.tid != tid);
        self.changed.notify();
        threads.all.iter().filter(|t| !t.is_vfork_child()).count()
    }

    /// After a fork, in the child: this thread is the only one, and nothing is stopped. The mutexes are in the state that the
    /// forking thread left them in; the handles of threads that are no more are leaked, as their locks may be taken.
    pub(super) fn forked(threads: &mut Threads, me: Arc<ThreadHandle>) {
        for gone in std::mem::replace(&mut threads.all, vec![me]) {
            std::mem::forget(gone);
        }
        threads.stopping = None;
    }

    /// Stops every thread but `except` (0 for a caller that is none). Waits while another stop lasts; so a guest thread calls
    /// it inside a loan of its registers, which lets it be stopped itself.
    pub(super) fn stop(&self, except: i32) {
        let mut threads = self.lock();
        while threads.stopping.is_some() {
            threads = self.resumed.wait(threads);
        }
        threads.stopping = Some(except);
        loop {
            let mut running = false;
            for t in threads.all.iter().filter(|t| t.tid != except) {
                // The flag before the state, in the opposite order of a thread that leaves a system call: one of both sees
                // the other.
                t.cpu.pending().fetch_or(pending::STOP, SeqCst);
                running |= t.state.load(SeqCst) == state::RUNNING;
            }
            if !running {
                return;
            }
            threads = self.changed.wait(threads);
        }
    }

    /// Ends what [`World::stop`] began.
    pub(super) fn resume(&self) {
        let mut threads = self.lock();
        threads.stopping = None;
        for t in &threads.all {
            if !t.is_held() {
                t.cpu.pending().fetch_and(!pending::STOP, SeqCst);
            }
        }
        self.resumed.notify();
    }

    /// Counts a thread whose registers are lent as waiting, before it does.
    pub(super) fn begin_wait(&self, me: &ThreadHandle) {
        let _threads = self.lock();
        me.state.store(state::PARKED, SeqCst);
        self.changed.notify();
    }

    /// Waits, as a thread whose registers are lent, until it may go on.
    pub(super) fn wait(&self, me: &ThreadHandle) {
        let mut threads = self.lock();
        me.state.store(state::PARKED, SeqCst);
        self.changed.notify();
        while threads.stopping.is_some_and(|except| except != me.tid) || me.is_held() {
            threads = self.resumed.wait(threads);
        }
        me.cpu.pending().fetch_and(!pending::STOP, SeqCst);
        me.state.store(state::RUNNING, SeqCst);
    }

    /// Marks the thread as being in a blocking system call.
    pub(super) fn block(&self, me: &ThreadHandle) {
        me.state.store(state::BLOCKED, SeqCst);
        if me.cpu.pending().load(SeqCst) & pending::STOP != 0 {
            let _threads = self.lock();
            self.changed.notify();
        }
    }

    /// Ends what [`World::block`] began; parks first if a stop has been asked for meanwhile.
    pub(super) fn unblock(&self, me: &ThreadHandle) {
        me.state.store(state::RUNNING, SeqCst);
        if me.cpu.pending().load(SeqCst) & pending::STOP != 0 {
            self.wait(me);
        }
    }

    /// The process leaves its memory to those who share it: no stop waits for its own threads any more. They stay parked, but for
    /// `except`, which takes the process along. Call while all are stopped; returns them.
    pub(super) fn leave(&self, except: i32) -> Vec<Arc<ThreadHandle>> {
        let mut threads = self.lock();
        let own = |t: &Arc<ThreadHandle>| !t.is_vfork_child();
        let (left, rest) = std::mem::take(&mut threads.all).into_iter().partition(own);
        threads.all = rest;
        let left: Vec<Arc<ThreadHandle>> = left;
        for thread in left.iter().filter(|t| t.tid != except) {
            thread.held.fetch_or(LEFT, SeqCst);
        }
        left
    }

    /// It does not after all.
    pub(super) fn come_back(&self, left: Vec<Arc<ThreadHandle>>) {
        let mut threads = self.lock();
        for thread in &left {
            thread.held.fetch_and(!LEFT, SeqCst);
            if threads.stopping.is_some() {
                thread.cpu.pending().fetch_or(pending::STOP, SeqCst);
            }
        }
        threads.all.extend(left);
        self.resumed.notify();
    }

    /// Sets or clears a thread's hold, which outlasts a stop. Held threads park; they are let go when a stop ends after the
    /// hold was cleared.
    pub(super) fn hold(&self, handle: &ThreadHandle, by: Controller, held: bool) {
        let _threads = self.lock();
        match held {
            true => handle.held.fetch_or(by as u8, SeqCst),
            false => handle.held.fetch_and(!(by as u8), SeqCst),
        };
        if held {
            handle.cpu.pending().fetch_or(pending::STOP, SeqCst);
        }
        self.resumed.notify();
    }
}
