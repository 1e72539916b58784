//! Which guest memory a debugger watches, and accesses to it by system calls.
//!
//! Guest code is checked by its translation (see [`WatchSet`]). What the emulator and the host's kernel do for a system call is
//! noted here, for the thread that makes the call: handlers' accesses by themselves, buffers that are handed to the host by
//! [`AddressSpace::lend_to_kernel`].

use super::AddressSpace;
use crate::ir::{Access, WatchHit, WatchRange, WatchSet};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Sets whose numbers are remembered, so that their translations are found again when a debugger takes its watchpoints out at a
/// stop and puts them back.
const REMEMBERED: usize = 256;

#[derive(Default)]
pub(super) struct Watch {
    /// Number of the present set; 0 for none.
    id: AtomicU32,
    sets: Mutex<Sets>,
}

#[derive(Default)]
struct Sets {
    current: Option<Arc<WatchSet>>,
    known: HashMap<Vec<WatchRange>, Arc<WatchSet>>,
    last_id: u32,
}

/// Guest memory that the host's kernel was given.
#[derive(Clone, Copy)]
struct Lent {
    addr: u64,
    len: u64,
    access: Access,
    counted: bool,
}

#[derive(Default)]
struct Record {
    hit: Option<WatchHit>,
    lent: Vec<Lent>,
}

thread_local! {
    /// Whether this thread is making a guest's system call.
    static RECORDING: Cell<bool> = const { Cell::new(false) };
    static RECORD: RefCell<Record> = const { RefCell::new(Record { hit: None, lent: Vec::new() }) };
}

impl AddressSpace {
    /// Watches these ranges instead of those before. Call with all threads of the guest stopped: engines look at it when they
    /// begin to run.
    pub fn set_watched(&self, mut ranges: Vec<WatchRange>) {
        for r in &mut ranges {
            let len = r.last - r.first;
            r.first &= self.addr_mask;
            r.last = r.first.saturating_add(len).min(self.addr_mask);
        }
        ranges.sort();
        ranges.dedup();
        let mut sets = self
            .watch
            .sets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let set = if ranges.is_empty() {
            None
        } else if let Some(set) = sets.known.get(&ranges) {
            Some(set.clone())
        } else {
            if sets.known.len() >= REMEMBERED {
                sets.known.clear();
            }
            // The top bit is another instrumentation's. Nobody lives to see it wrap.
            sets.last_id = (sets.last_id + 1) & (u32::MAX >> 1);
            let set = Arc::new(WatchSet::new(sets.last_id, ranges.clone(), self.addr_mask));
            sets.known.insert(ranges, set.clone());
            Some(set)
        };
        let id = set.as_ref().map_or(0, |s| s.id);
        sets.current = set;
        self.watch.id.store(id, Ordering::SeqCst);
    }

    /// What is watched.
    pub fn watched(&self) -> Option<Arc<WatchSet>> {
        if self.watch_id() == 0 {
            return None;
        }
        let sets = self
            .watch
            .sets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sets.current.clone()
    }

    /// Number of what is watched ([`WatchSet::id`]); 0 for nothing.
    #[inline]
    pub fn watch_id(&self) -> u32 {
        self.watch.id.load(Ordering::Relaxed)
    }

    /// From here on accesses of the calling thread are made for a system call of the guest, until [`AddressSpace::end_call`].
    pub fn begin_call(&self) {
        RECORDING.set(true);
    }

    /// Ends what [`AddressSpace::begin_call`] began; returns the first watched access that the call made. `result` is what the
    /// call returned if it succeeded.
    pub fn end_call(&self, result: Option<u64>) -> Option<WatchHit> {
        RECORDING.set(false);
        let watched = self.watched();
        RECORD.with_borrow_mut(|record| {
            let mut hit = record.hit.take();
            if let (None, Some(watched), Some(result)) = (hit, watched, result) {
                let mut left = result;
                hit = record
                    .lent
                    .iter()
                    .filter_map(|l| {
                        let mut len = l.len;
                        if l.counted {
                            len = len.min(left);
                            left -= len;
                        }
                        watched.find(l.addr, len, l.access)
                    })
                    .min_by_key(|h| h.addr);
            }
            record.lent.clear();
            hit
        })
    }

    /// Notes that the host's kernel is handed `len` bytes at `addr` for a system call of the guest. `counted`: the call's
    /// result says how many bytes of all that were so handed it has used, from the first one on.
    pub fn lend_to_kernel(&self, addr: u64, len: u64, access: Access, counted: bool) {
        // Whatever is watched now: a watchpoint may come while the call blocks.
        if RECORDING.get() && len != 0 {
            let lent = Lent {
                addr,
                len,
                access,
                counted,
            };
            RECORD.with_borrow_mut(|record| record.lent.push(lent));
        }
    }

    /// Notes an access by the emulator.
    #[inline]
    pub(super) fn note_access(&self, addr: u64, len: u64, access: Access) {
        if self.watch_id() != 0 {
            self.note_watched_access(addr, len, access);
        }
    }

    #[cold]
    fn note_watched_access(&self, addr: u64, len: u64, access: Access) {
        if RECORDING.get()
            && let Some(hit) = self.watched().and_then(|w| w.find(addr, len, access))
        {
            RECORD.with_borrow_mut(|record| record.hit = record.hit.or(Some(hit)));
        }
    }
}
