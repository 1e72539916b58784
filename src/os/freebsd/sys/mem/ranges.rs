//! What is known of parts of the address space.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ranges of addresses that do not overlap, each with a value.
pub(super) struct Ranges<T>(Mutex<Vec<(Range<u64>, T)>>);

impl<T> Default for Ranges<T> {
    fn default() -> Ranges<T> {
        Ranges(Mutex::default())
    }
}

impl<T: Copy> Ranges<T> {
    fn lock(&self) -> MutexGuard<'_, Vec<(Range<u64>, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a range a value, or none, whatever it or parts of it had.
    pub(super) fn set(&self, range: Range<u64>, value: Option<T>) {
        let mut all = self.lock();
        if all.is_empty() && value.is_none() {
            return;
        }
        let mut rest = Vec::new();
        for (old, value) in all.drain(..) {
            let parts = [
                old.start..old.end.min(range.start),
                old.start.max(range.end)..old.end,
            ];
            let parts = parts.into_iter().filter(|r| r.start < r.end);
            rest.extend(parts.map(|r| (r, value)));
        }
        rest.extend(value.map(|value| (range, value)));
        *all = rest;
    }

    /// The parts of a range that have a value.
    pub(super) fn within(&self, range: &Range<u64>) -> Vec<(Range<u64>, T)> {
        let all = self.lock();
        let parts = all.iter().map(|(r, value)| {
            let part = r.start.max(range.start)..r.end.min(range.end);
            (part, *value)
        });
        parts.filter(|(part, _)| part.start < part.end).collect()
    }
}
