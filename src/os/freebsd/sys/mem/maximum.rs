//! PROT_MAX: the protection that may ever be asked for of a range (`mmap(2)`, `mprotect(2)`). Kept for ranges for which it is not all.

use std::ops::Range;

use super::ranges::Ranges;

/// Every right.
pub(super) const ALL: u8 = 7;

/// What is allowed at most, where that is not all.
#[derive(Default)]
pub struct Maximums(Ranges<u8>);

impl Maximums {
    /// Says what is allowed in a range from now on, whatever was before: something has been mapped there, or nothing is any more.
    pub(super) fn set(&self, range: Range<u64>, most: u8) {
        self.0.set(range, (most != ALL).then_some(most));
    }

    /// Whether all of these rights are allowed in all of a range.
    pub(super) fn allow(&self, range: &Range<u64>, rights: u8) -> bool {
        let limited = self.0.within(range);
        limited.iter().all(|(_, most)| rights & !most == 0)
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
