//! The last system calls of a thread, as raw numbers: kept always, decoded when somebody asks.

use super::{DISCARDED, ERESTARTSYS, Outcome, Syscall};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

/// How many calls of each thread are kept.
pub const RECENT_CALLS: usize = 32;

/// A system call that was made some time ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Grows from call to call over all threads.
    pub sequence: u64,
    /// The thread that made it.
    pub tid: i32,
    /// What became of it.
    pub state: CallState,
    /// The call.
    pub call: Syscall,
}

/// What became of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// It has not returned.
    Begun,
    /// It returned, or its result is in the registers (`Keep`, exits).
    Done(Outcome),
}

/// One entry. The owner writes while it runs, others read while it is stopped; a read at another time gives a mixture of two
/// calls at worst.
#[derive(Default)]
struct Slot {
    sequence: AtomicU64,
    number: AtomicU64,
    pc: AtomicU64,
    args: [AtomicU64; 8],
    state: AtomicU32,
    value: AtomicU64,
}

/// Values of [`Slot::state`].
mod state {
    pub const BEGUN: u32 = 0;
    pub const RETURNED: u32 = 1;
    pub const FAILED: u32 = 2;
    pub const IN_REGISTERS: u32 = 3;
}

/// The last calls of one thread: [`RECENT_CALLS`] of them.
#[derive(Default)]
pub struct Ring {
    /// Calls begun so far.
    count: AtomicUsize,
    slots: [Slot; RECENT_CALLS],
}

/// Orders the calls of different threads.
static SEQUENCE: AtomicU64 = AtomicU64::new(1);

impl Ring {
    /// A call begins. Only the owner of the ring does this.
    pub fn begin(&self, call: &Syscall) {
        let n = self.count.load(Relaxed);
        let slot = &self.slots[n % RECENT_CALLS];
        slot.sequence.store(SEQUENCE.fetch_add(1, Relaxed), Relaxed);
        slot.number.store(call.number, Relaxed);
        slot.pc.store(call.pc, Relaxed);
        for (to, from) in slot.args.iter().zip(call.args) {
            to.store(from, Relaxed);
        }
        slot.state.store(state::BEGUN, Relaxed);
        self.count.store(n + 1, Relaxed);
    }

    /// It came to this. In the child of a fork there is no beginning.
    pub fn end(&self, outcome: &Outcome) {
        let Some(n) = self.count.load(Relaxed).checked_sub(1) else {
            return;
        };
        let slot = &self.slots[n % RECENT_CALLS];
        let (state, value) = match *outcome {
            Outcome::Return(value) | Outcome::ReturnPair(value, _) => (state::RETURNED, value),
            // What is to be made again has not returned.
            Outcome::Fail(ERESTARTSYS | DISCARDED) => (state::BEGUN, 0),
            Outcome::Fail(e) => (state::FAILED, e.0 as u64),
            Outcome::Keep | Outcome::ExitThread(_) | Outcome::ExitProcess(_) => {
                (state::IN_REGISTERS, 0)
            }
        };
        slot.value.store(value, Relaxed);
        slot.state.store(state, Relaxed);
    }

    /// The calls that are kept, oldest first.
    pub fn calls(&self, tid: i32) -> impl Iterator<Item = Recent> {
        let count = self.count.load(Relaxed);
        (count.saturating_sub(RECENT_CALLS)..count).map(move |n| {
            let slot = &self.slots[n % RECENT_CALLS];
            let value = slot.value.load(Relaxed);
            let state = match slot.state.load(Relaxed) {
                state::BEGUN => CallState::Begun,
                state::RETURNED => CallState::Done(Outcome::Return(value)),
                state::FAILED => CallState::Done(Outcome::Fail(super::Errno(value as i32))),
                _ => CallState::Done(Outcome::Keep),
            };
            Recent {
                sequence: slot.sequence.load(Relaxed),
                tid,
                state,
                call: Syscall {
                    number: slot.number.load(Relaxed),
                    args: std::array::from_fn(|i| slot.args[i].load(Relaxed)),
                    pc: slot.pc.load(Relaxed),
                },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Errno;

    fn call(number: u64) -> Syscall {
        Syscall {
            number,
            args: [number; 8],
            pc: 4 * number,
        }
    }

    #[test]
    fn the_latest_calls_are_kept_in_order() {
        let ring = Ring::default();
        ring.end(&Outcome::Return(1));
        assert_eq!(
            ring.calls(7).count(),
            0,
            "the child of a fork has made no call"
        );
        for n in 0..100 {
            ring.begin(&call(n));
            ring.end(&Outcome::Return(2 * n));
        }
        ring.begin(&call(100));
        ring.end(&Outcome::Fail(Errno::ENOENT));
        ring.begin(&call(101));
        let calls: Vec<Recent> = ring.calls(7).collect();
        assert_eq!(calls.len(), RECENT_CALLS);
        assert!(calls.is_sorted_by_key(|c| c.sequence));
        let [.., a, b, c] = &calls[..] else {
            panic!("three at least");
        };
        assert_eq!(
            (a.call, a.state),
            (call(99), CallState::Done(Outcome::Return(198)))
        );
        assert_eq!(b.state, CallState::Done(Outcome::Fail(Errno::ENOENT)));
        assert_eq!((c.call, c.tid, c.state), (call(101), 7, CallState::Begun));
    }
}
