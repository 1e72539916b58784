//! Breakpoints, and which translations are valid: the process's side of [`CodeControl`].

use crate::cpu::CodeControl;
use crate::ir::WatchSet;
use crate::mem::{AddressSpace, Invalidate};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Shared by the engines of a process, and told by [`AddressSpace`] when code changes.
pub struct CodeState {
    mem: Arc<AddressSpace>,
    /// Shared with the hook in `mem`, which must not keep the space alive.
    changes: Arc<Changes>,
    /// Addresses with breakpoints, and how many were set at each.
    breakpoints: RwLock<BTreeMap<u64, u32>>,
    any_breakpoint: AtomicBool,
}

#[derive(Default)]
struct Changes {
    generation: AtomicU64,
    /// A code cache that wants to know ranges, rather than look at the generation.
    cache: OnceLock<Box<dyn Invalidate>>,
}

impl Invalidate for Arc<Changes> {
    fn invalidate(&self, start: u64, end: u64) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        if let Some(cache) = self.cache.get() {
            cache.invalidate(start, end);
        }
    }
}

impl CodeState {
    /// For that memory.
    pub fn new(mem: Arc<AddressSpace>) -> CodeState {
        let changes = Arc::new(Changes::default());
        mem.set_code_cache(Box::new(changes.clone()));
        CodeState {
            mem,
            changes,
            breakpoints: RwLock::default(),
            any_breakpoint: AtomicBool::new(false),
        }
    }

    /// Sets the code cache that is shared by all threads, if the engine has one; a second call is ignored.
    pub fn set_cache(&self, cache: Box<dyn Invalidate>) {
        let _ = self.changes.cache.set(cache);
    }

    /// Sets a breakpoint at `pc`; each one set is to be removed once. Guest memory stays as it is: the translation ends there.
    /// Call with all threads stopped.
    pub fn set_breakpoint(&self, pc: u64) {
        let mut all = self
            .breakpoints
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *all.entry(pc).or_insert(0) += 1;
        self.any_breakpoint.store(true, Ordering::SeqCst);
        drop(all);
        self.changes.invalidate(pc, pc.saturating_add(1));
    }

    /// Removes a breakpoint that was set at `pc`; returns whether there was one. Call with all threads stopped.
    pub fn remove_breakpoint(&self, pc: u64) -> bool {
        let mut all = self
            .breakpoints
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(count) = all.get_mut(&pc) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            all.remove(&pc);
        }
        self.any_breakpoint.store(!all.is_empty(), Ordering::SeqCst);
        drop(all);
        self.changes.invalidate(pc, pc.saturating_add(1));
        true
    }

    /// How many breakpoints are set at `pc`.
    pub fn breakpoints_at(&self, pc: u64) -> usize {
        let all = self
            .breakpoints
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        all.get(&pc).map_or(0, |count| *count as usize)
    }

    /// The addresses that have breakpoints.
    pub fn breakpoints(&self) -> Vec<u64> {
        let all = self
            .breakpoints
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        all.keys().copied().collect()
    }

    /// Removes every breakpoint: in the child of a fork, which has no debugger.
    pub fn clear_breakpoints(&self) {
        let mut all = self
            .breakpoints
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let gone = std::mem::take(&mut *all);
        self.any_breakpoint.store(false, Ordering::SeqCst);
        drop(all);
        for pc in gone.into_keys() {
            self.changes.invalidate(pc, pc.saturating_add(1));
        }
    }
}

impl CodeControl for CodeState {
    fn is_breakpoint(&self, pc: u64) -> bool {
        self.any_breakpoint.load(Ordering::SeqCst)
            && self
                .breakpoints
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains_key(&pc)
    }

    fn watched(&self) -> Option<Arc<WatchSet>> {
        self.mem.watched()
    }

    fn watch_id(&self) -> u32 {
        self.mem.watch_id()
    }

    fn generation(&self) -> u64 {
        self.changes.generation.load(Ordering::SeqCst)
    }

    fn invalidate(&self, addr: u64, len: u64) {
        self.mem.invalidate_code(addr, addr.saturating_add(len));
    }

    fn note_translated(&self, ranges: &[(u64, u32)]) {
        for &(addr, len) in ranges {
            self.mem.mark_code(addr, addr.saturating_add(len.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::Config;

    #[test]
    fn a_breakpoint_can_be_at_the_last_address() {
        let mem = AddressSpace::new(Config {
            size: Some(1 << 36),
            ..Config::default()
        })
        .unwrap();
        let code = CodeState::new(Arc::new(mem));
        code.set_breakpoint(u64::MAX);
        assert!(code.is_breakpoint(u64::MAX));
        assert!(code.remove_breakpoint(u64::MAX));
        assert!(!code.is_breakpoint(u64::MAX));
    }
}
