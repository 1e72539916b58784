//! Telling the code cache when guest code changes.

use super::{AddressSpace, PAGE_SIZE};
use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A cache of translations. It registers with [`AddressSpace::set_code_cache`] and marks the pages that it translates from.
pub trait Invalidate: Send + Sync {
    /// Guest code in `start..end` changed or lost its mapping: discard translations of it, in every thread, before the
    /// changed memory is used. Called without locks of `mem`.
    fn invalidate(&self, start: u64, end: u64);
}

/// Which pages have translations, and whom to tell.
#[derive(Default)]
pub(super) struct CodeTracker {
    cache: OnceLock<Box<dyn Invalidate>>,
    /// Numbers of pages with translations.
    pages: Mutex<BTreeSet<u64>>,
}

impl AddressSpace {
    /// Sets the one cache that is told of changes of code; a second call is ignored.
    pub fn set_code_cache(&self, cache: Box<dyn Invalidate>) {
        let _ = self.code.cache.set(cache);
    }

    /// Notes that `start..end` has been translated. Call before reading the code, so that a change in between is seen.
    pub fn mark_code(&self, start: u64, end: u64) {
        // By number: the last page has no address behind it.
        if start < end {
            let pages = start / PAGE_SIZE..=(end - 1) / PAGE_SIZE;
            self.code.lock().extend(pages);
        }
    }

    /// Tells the code cache that `start..end` changed, if anything there has been translated: cache maintenance by the guest,
    /// writes of a debugger. Mapping calls do it by themselves.
    pub fn invalidate_code(&self, start: u64, end: u64) {
        let Some(cache) = self.code.cache.get() else {
            return;
        };
        let (first, last) = (start / PAGE_SIZE, end.saturating_sub(1) / PAGE_SIZE);
        if last < first {
            return;
        }
        let hit = {
            let mut pages = self.code.lock();
            let hit = pages.range(first..=last).next().is_some();
            // A page that is only partly invalidated keeps its mark: other translations of it live on.
            let whole_first = start.div_ceil(PAGE_SIZE);
            let whole_end = end / PAGE_SIZE;
            if hit && whole_first < whole_end {
                let gone: Vec<u64> = pages.range(whole_first..whole_end).copied().collect();
                for page in gone {
                    pages.remove(&page);
                }
            }
            hit
        };
        if hit {
            cache.invalidate(start, end);
        }
    }
}

impl CodeTracker {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
