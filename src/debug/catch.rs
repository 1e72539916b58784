//! Catchpoints: system calls, and the comings and goings of threads.

use super::control::Control;
use crate::process::{Syscall, Thread};
use emu_stub::{CatchSyscalls, StopReason, Tid};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// What the debugger wants to be told of. Set while the guest is stopped, which makes relaxed flags enough.
#[derive(Default)]
pub(super) struct Catches {
    /// Some system call is caught: looked at in each one.
    any_syscall: AtomicBool,
    syscalls: Mutex<Option<CatchSyscalls>>,
    threads: AtomicBool,
    forks: AtomicBool,
}

impl Catches {
    pub(super) fn set_syscalls(&self, which: CatchSyscalls) {
        self.any_syscall
            .store(which != CatchSyscalls::None, Relaxed);
        *self.syscalls.lock().unwrap_or_else(PoisonError::into_inner) = Some(which);
    }

    pub(super) fn set_threads(&self, on: bool) {
        self.threads.store(on, Relaxed);
    }

    pub(super) fn set_forks(&self, on: bool) {
        self.forks.store(on, Relaxed);
    }

    pub(super) fn has_forks(&self) -> bool {
        self.forks.load(Relaxed)
    }

    /// The system calls, and whether threads and forks are told.
    pub(super) fn get(&self) -> (Option<CatchSyscalls>, bool, bool) {
        let syscalls = self.syscalls.lock().unwrap_or_else(PoisonError::into_inner);
        (
            syscalls.clone(),
            self.threads.load(Relaxed),
            self.has_forks(),
        )
    }

    fn has_syscall(&self, number: u32) -> bool {
        if !self.any_syscall.load(Relaxed) {
            return false;
        }
        let which = self.syscalls.lock().unwrap_or_else(PoisonError::into_inner);
        match &*which {
            Some(CatchSyscalls::All) => true,
            Some(CatchSyscalls::Only(numbers)) => numbers.contains(&number),
            Some(CatchSyscalls::None) | None => false,
        }
    }
}

impl Control {
    /// Stops the thread at a system call that is caught.
    pub(super) fn catch_syscall(
        &self,
        thread: &mut Thread,
        call: &Syscall,
        reason: fn(u32) -> StopReason,
    ) {
        let number = call.number as u32;
        // Again when another event was first: the debugger may not want this one any more after that.
        while self.catches.has_syscall(number)
            && self.watches(thread)
            && !self.report(thread, reason(number))
        {}
    }

    /// Stops a thread that has begun, or is about to end.
    pub(super) fn catch_thread(&self, thread: &mut Thread, reason: StopReason) {
        let ends = matches!(reason, StopReason::ThreadExited(_));
        while self.catches.threads.load(Relaxed) && self.watches(thread) {
            if ends {
                // The debugger takes it off its list and must not find it again.
                self.lock().gone.insert(thread.tid() as Tid);
            }
            if self.report(thread, reason.clone()) {
                break;
            }
        }
        if ends {
            self.lock().gone.remove(&(thread.tid() as Tid));
        }
    }
}
