//! PROT_MAX: the protection that may ever be asked for of a range (`mmap(2)`, `mprotect(2)`). Kept for ranges for which it is not all.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every right.
pub(super) const ALL: u8 = 7;

/// Ranges of addresses that do not overlap, with what is allowed at most.
#[derive(Default)]
pub struct Maximums(Mutex<Vec<(Range<u64>, u8)>>);

impl Maximums {
    fn lock(&self) -> MutexGuard<'_, Vec<(Range<u64>, u8)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is allowed in a range from now on, whatever was before: something has been mapped there, or nothing is any more.
    pub(super) fn set(&self, range: Range<u64>, most: u8) {
        let mut all = self.lock();
        if all.is_empty() && most == ALL {
            return;
        }
        let mut rest = Vec::new();
        for (old, allowed) in all.drain(..) {
            let parts = [
                old.start..old.end.min(range.start),
                old.start.max(range.end)..old.end,
            ];
            rest.extend(
                parts
                    .into_iter()
                    .filter(|r| r.start < r.end)
                    .map(|r| (r, allowed)),
            );
        }
        if most != ALL {
            rest.push((range, most));
        }
        *all = rest;
    }

    /// Whether all of these rights are allowed in all of a range.
    pub(super) fn allow(&self, range: &Range<u64>, rights: u8) -> bool {
        let all = self.lock();
        let mut touched = all
            .iter()
            .filter(|(r, _)| r.start < range.end && range.start < r.end);
        touched.all(|(_, most)| rights & !most == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_and_replaced() {
        let all = Maximums::default();
        assert!(all.allow(&(0..100), ALL));
        all.set(10..50, 1);
        assert!(all.allow(&(10..50), 1) && !all.allow(&(49..60), 2));
        assert!(all.allow(&(50..60), ALL));
        // The middle is mapped anew, a part in it with another maximum.
        all.set(20..40, ALL);
        all.set(25..30, 5);
        assert!(!all.allow(&(10..20), 2) && !all.allow(&(40..50), 2));
        assert!(all.allow(&(20..25), ALL) && all.allow(&(25..30), 4) && !all.allow(&(20..40), 2));
    }
}
