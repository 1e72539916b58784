//! Processes that share this one's memory: children of vfork, for which a thread waits, and of calls that share the memory for good.
//!
//! The host's own clone makes them, so what one writes the others see. The emulator's data are shared too: to a stop of all
//! threads such a process is a thread, with a [`ThreadHandle`] that is not listed as one of this process's
//! ([`Thread::is_vfork_child`]).

use super::thread::{HOST_STACK, copy_state};
use super::{Process, SysResult, Thread, ThreadHandle};
use crate::abi::Errno;
use crate::host::signal::Slot;
use crate::host::{self, handover};
use std::sync::mpsc;

/// `linux/sched.h`
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;

impl Thread {
    /// Creates a process that shares this one's memory, while this thread waits until it has ended or executed a program
    /// (vfork(2)); other threads go on. It has a copy of this thread's registers and mask and of the signal actions. `prepare` runs
    /// in it before its first instruction. `flags` of clone(2) are added: CLONE_FS, CLONE_FILES, an exit signal. Returns its id.
    ///
    /// One thing is not covered: a child that SIGKILL hits while it holds a lock of the emulator leaves it locked.
    ///
    /// # Errors
    /// The host's (EAGAIN, ENOMEM).
    pub fn vfork(&mut self, flags: u64, mut prepare: impl FnMut(&mut Thread)) -> SysResult<i32> {
        let (process, parent) = (self.process.clone(), self.tid());
        for observer in process.observers() {
            observer.fork_begins(self);
        }
        let child = self.lend_memory(flags, host::pid(), &mut |thread| {
            prepare(thread);
            for observer in process.observers() {
                observer.vforked(thread, parent);
            }
        })?;
        for observer in process.observers() {
            observer.fork(self, child);
        }
        for observer in process.observers() {
            observer.vfork_done(self, child);
        }
        Ok(child)
    }

    /// Creates a process that shares this one's memory for good, and goes on at once (`clone` with CLONE_VM, `rfork` with RFMEM). As
    /// for [`Thread::vfork`] otherwise; CLONE_SIGHAND may be among the flags, too. `gone` runs in this process once the new one has
    /// ended or executed a program; not if this one has ended before. No debugger follows it.
    ///
    /// A thread that is none of the guest's makes it and waits for it as for the child of a vfork: so it has the thread-local
    /// storage and the stack that the emulator needs, and nobody else uses these.
    ///
    /// # Errors
    /// The host's (EAGAIN, ENOMEM).
    pub fn share_memory(
        &mut self,
        flags: u64,
        mut prepare: impl FnMut(&mut Thread) + Send + 'static,
        gone: impl FnOnce(&Process, i32) + Send + 'static,
    ) -> SysResult<i32> {
        let (process, cpu, mask) = (self.process.clone(), copy_state(&self.cpu), self.mask);
        let (altstack, hold_word) = (self.altstack, self.hold_word);
        // The thread may be one of another process than the one whose memory this is.
        let parent = host::pid();
        let (tell, told) = mpsc::sync_channel(1);
        let saved = host::signal::block_all();
        let carrier = std::thread::Builder::new()
            .stack_size(HOST_STACK)
            .spawn(move || {
                let mut carrier = Thread::carry(process.clone(), *cpu);
                (carrier.mask, carrier.altstack) = (mask, altstack);
                carrier.hold_word = hold_word;
                let shared = carrier.lend_memory(flags, parent, &mut |thread| {
                    prepare(thread);
                    let _ = tell.send(Ok(host::pid()));
                });
                match shared {
                    Ok(child) => gone(&process, child),
                    Err(error) => drop(tell.send(Err(error))),
                }
                host::signal::release_stack();
            });
        let result = match carrier {
            Ok(_) => told.recv().unwrap_or(Err(Errno::EAGAIN)),
            Err(_) => Err(Errno::EAGAIN),
        };
        self.process.take_back(host::signal::TAKEN_BY_LIBC);
        host::signal::set_mask(saved);
        let child = result?;
        let process = self.process.clone();
        for observer in process.observers() {
            observer.fork(self, child);
        }
        Ok(child)
    }

    /// Runs a new process in this one's memory until it has ended or executed a program; `begin` runs in it first. `parent` is the
    /// process whose signal actions it has.
    fn lend_memory(
        &mut self,
        flags: u64,
        parent: i32,
        begin: &mut dyn FnMut(&mut Thread),
    ) -> SysResult<i32> {
        let process = self.process.clone();
        let (cpu, borrower) = handover(*copy_state(&self.cpu));
        // Until the child is gone nobody else uses it, so that it can be freed then.
        let slot = Box::into_raw(Box::new(Slot::new(borrower.clone())));
        let before = host::signal::block_all();
        let mut own_cpu = std::mem::replace(&mut self.cpu, cpu);
        let (own_handle, own_slot, own_mask) = (self.handle.clone(), self.slot, self.mask);
        let own_deferred = std::mem::take(&mut self.deferred);
        let (altstack, robust_list) = (self.altstack, self.robust_list);
        let (clear_child_tid, call_pc) = (self.clear_child_tid, self.call_pc);
        let hold_word = self.hold_word;
        let result = own_cpu.lend(|| {
            process.world.block(&own_handle);
            let result = host::vfork(flags, &mut || {
                let files = flags & CLONE_FILES != 0;
                let handle = ThreadHandle::new(borrower.clone(), Some(files));
                // SAFETY: lives until the child is gone.
                self.slot = unsafe { &*slot };
                self.slot.take_over();
                self.handle = handle.clone();
                match flags & CLONE_SIGHAND {
                    0 => self.process.lock_actions().split(parent),
                    _ => self.process.lock_actions().share(parent),
                }
                self.process.world.add(handle);
                self.clear_child_tid = 0;
                self.robust_list = (0, 0);
                begin(self);
                self.run_on();
            });
            own_slot.take_over();
            if let Ok(child) = result {
                process.world.remove(child);
                process.lock_actions().join(child);
            }
            process.world.unblock(&own_handle);
            result
        });
        self.engine.abandon();
        self.cpu = own_cpu;
        (self.handle, self.slot, self.mask) = (own_handle, own_slot, own_mask);
        self.deferred = own_deferred;
        (self.altstack, self.robust_list) = (altstack, robust_list);
        (self.clear_child_tid, self.call_pc) = (clear_child_tid, call_pc);
        self.hold_word = hold_word;
        // SAFETY: from `Box::into_raw`; the child is gone, and this thread's handlers use its own slot.
        drop(unsafe { Box::from_raw(slot) });
        host::signal::set_mask(before);
        result
    }

    /// Does that by which this process leaves its memory, to end or to execute a program: those who share it go on there, and wait
    /// no more for this one's threads, which stay where they are. Returns if it has come to nothing.
    pub(crate) fn leave_memory<R>(&mut self, leave: impl FnOnce(&mut Thread) -> R) -> R {
        if self.is_vfork_child() || self.process.world.vforked().is_empty() {
            return leave(self);
        }
        let left = self.exclusively(|thread| thread.process.world.leave(thread.tid()));
        let result = leave(self);
        self.process.world.come_back(left);
        result
    }
}

impl ThreadHandle {
    /// Whether it has descriptors of its own, other than those of the process whose memory this is.
    pub fn has_own_files(&self) -> bool {
        self.sharer.is_some_and(|files| !files)
    }
}
