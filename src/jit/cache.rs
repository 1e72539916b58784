//! The code cache: one for all threads of a process.
//!
//! The buffer has two areas, filled in turn by a bump allocator. Code is never freed by itself: an invalidated block is unlinked
//! from the blocks that jump to it and forgotten, but its bytes stay, because a thread may be inside. When an area is full, all
//! blocks are forgotten and the other area is used, once every thread has been outside of generated code since that area was
//! given up. Threads learn of it by [`pending::FLUSH`], at their next poll.

use super::buffer::{Buffer, HEADER};
use super::dump::Dump;
use super::emit::{Descriptors, Emitter, TooComplex};
use super::regs::Convention;
use super::stats::{Counters, Stats};
use super::stubs::{self, ConstPool, Stubs};
use super::x64::Asm;
use crate::abi::Errno;
use crate::host::code::{missing_features, populate};
use crate::host::monotonic_ns;
use crate::ir::{Block, BlockKey, Slot, pending};
use crate::isa::Isa;
use crate::mem::Invalidate;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of one area.
const AREA: usize = 96 << 20;
/// Bytes before the first area: stubs and constants.
const HEAD: usize = 2 << 20;
/// Bytes for stubs at most; constants follow.
const STUBS: usize = 64 << 10;
/// Largest code of one block; an area is full when less is left.
const MAX_BLOCK: usize = 1 << 20;
/// Bytes for which memory is asked at once. An area is a multiple of it.
const POPULATE: usize = 64 << 10;
/// Guest pages are 4 KiB.
const PAGE: u64 = 4096;
/// No block, no exit.
const NIL: u32 = u32::MAX;

/// A multiplicative hash for keys that are addresses: an order of magnitude faster than the default one, and nobody chooses guest
/// addresses to make the emulator slow but the guest itself.
#[derive(Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64((*b).into());
        }
    }

    fn write_u32(&mut self, x: u32) {
        self.write_u64(x.into());
    }

    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(29) ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }
}

type AddressMap<K, V> = HashMap<K, V, BuildHasherDefault<AddressHasher>>;

/// A translated block.
struct BlockInfo {
    key: BlockKey,
    /// Host address of the entry that polls.
    entry: u64,
    /// Host address of the entry that does not.
    fast_entry: u64,
    /// The guest's flags must be in the state on entry.
    needs_flags: bool,
    alive: bool,
    /// First of the exits linked to it.
    incoming: u32,
}

/// A direct jump of a block.
struct ExitInfo {
    /// Mode and instrumentation of the block, and the jump's target.
    key: BlockKey,
    /// Host address of the jump's field, and its value while not linked.
    jump: (u64, i32),
    /// The same of the jump behind the code that saves the flags; address 0 if there is none.
    after_flags: (u64, i32),
    back: bool,
    linked: bool,
    /// Next exit linked to the same block.
    next: u32,
}

/// What the lock guards.
struct State {
    pool: ConstPool,
    area: usize,
    /// Next free host address in the area.
    pos: u64,
    /// Up to where the area's pages have their memory.
    populated: u64,
    blocks: Vec<BlockInfo>,
    map: AddressMap<BlockKey, u32>,
    exits: Vec<ExitInfo>,
    /// First entry of `page_list` for each guest page with translated code.
    pages: AddressMap<u64, u32>,
    /// Block, next entry.
    page_list: Vec<(u32, u32)>,
    /// Grows with each change of the area; part of the exits' numbers.
    generation: u64,
    /// For each area: what its code points to, and the epoch from which on no thread can be in it.
    descriptors: [Descriptors; 2],
    given_up: [u64; 2],
}

/// One thread as the cache sees it.
#[derive(Default)]
pub(super) struct ThreadSlot {
    /// While the thread runs guest code: where to ask it to leave.
    running: Mutex<Option<PendingPtr>>,
    /// The last epoch at which it was outside of generated code.
    seen: AtomicU64,
}

/// Points to [`crate::ir::CpuState::pending`] of a running thread.
#[derive(Clone, Copy)]
struct PendingPtr(*const AtomicU32);

// SAFETY: an atomic; valid while it is in a slot, whose lock guards its removal.
unsafe impl Send for PendingPtr {}

/// Translated code for the threads of one process.
pub struct CodeCache {
    isa: &'static dyn Isa,
    conv: Convention,
    buffer: Buffer,
    stubs: Stubs,
    state: Mutex<State>,
    /// Grows with each invalidation.
    epoch: AtomicU64,
    threads: Mutex<Vec<Arc<ThreadSlot>>>,
    counters: Counters,
    dump: Option<Box<DumpFn>>,
    /// If translations are measured: nanoseconds that a measurement of nothing shows.
    clock_ns: Option<u64>,
}

type DumpFn = dyn Fn(&Dump<'_>) + Send + Sync;

/// Why there is no cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The host's CPU lacks these features.
    Cpu(Vec<&'static str>),
    /// The host gave no memory that is both writable and executable (or another resource).
    Memory(Errno),
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unavailable::Cpu(list) => write!(
                f,
                "this CPU lacks what the JIT needs (x86-64-v3 and AES): {}; use the interpreter",
                list.join(", ")
            ),
            Unavailable::Memory(e) => write!(
                f,
                "no executable memory for the JIT (errno {}): a security policy may forbid it; use the interpreter",
                e.0
            ),
        }
    }
}

impl std::error::Error for Unavailable {}

/// Where a thread goes next, and what the translator has to do before.
pub(super) enum Found {
    /// Host address to enter.
    Entry(u64),
    /// The block is not translated.
    Missing,
}

impl CodeCache {
    /// An empty cache for guests of `isa`.
    pub fn new(isa: &'static dyn Isa) -> Result<CodeCache, Unavailable> {
        CodeCache::with_area(isa, AREA)
    }

    /// A cache with areas of `area` bytes (a multiple of 1024).
    pub(super) fn with_area(isa: &'static dyn Isa, area: usize) -> Result<CodeCache, Unavailable> {
        let missing = missing_features();
        if !missing.is_empty() {
            return Err(Unavailable::Cpu(missing));
        }
        let conv = Convention::new(&isa.registers().pins);
        let buffer = Buffer::new(HEAD + 2 * area).map_err(Unavailable::Memory)?;
        let mut asm = Asm::default();
        asm.start(buffer.base);
        let stubs = stubs::emit(&mut asm, &conv);
        assert!(asm.code().len() <= STUBS);
        buffer.write(buffer.base, asm.code());
        buffer.publish(stubs.exit_fault);
        let pool = ConstPool::new(buffer.base + STUBS as u64, (HEAD - STUBS) / 16);
        let pos = buffer.base + HEAD as u64;
        Ok(CodeCache {
            isa,
            conv,
            buffer,
            stubs,
            state: Mutex::new(State {
                pool,
                area: 0,
                pos,
                populated: pos,
                // Room for a short program, so that nothing is moved while it starts.
                blocks: Vec::with_capacity(1024),
                map: AddressMap::default(),
                exits: Vec::with_capacity(2048),
                pages: AddressMap::default(),
                page_list: Vec::with_capacity(2048),
                generation: 0,
                descriptors: [Vec::new(), Vec::new()],
                given_up: [0; 2],
            }),
            epoch: AtomicU64::new(1),
            threads: Mutex::default(),
            counters: Counters::default(),
            dump: None,
            clock_ns: None,
        })
    }

    /// Has `dump` called for each translated block (under the cache's lock, so it must not run guest code).
    pub fn set_dump(&mut self, dump: impl Fn(&Dump<'_>) + Send + Sync + 'static) {
        self.dump = Some(Box::new(dump));
    }

    /// The guest's instruction set.
    pub fn isa(&self) -> &'static dyn Isa {
        self.isa
    }

    /// What has been translated.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// Which host register holds what.
    pub(super) fn convention(&self) -> &Convention {
        &self.conv
    }

    pub(super) fn emitter(&self) -> Emitter {
        Emitter::new(self.conv.clone(), self.isa.helpers())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<Arc<ThreadSlot>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn register(&self) -> Arc<ThreadSlot> {
        let slot = Arc::new(ThreadSlot::default());
        self.threads().push(slot.clone());
        slot
    }

    pub(super) fn unregister(&self, slot: &Arc<ThreadSlot>) {
        self.threads().retain(|s| !Arc::ptr_eq(s, slot));
    }

    /// The current epoch; see [`ThreadSlot::seen`].
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Host address of the stub that enters blocks.
    pub(super) fn enter_stub(&self) -> u64 {
        self.stubs.enter
    }

    /// The block for `key`.
    pub(super) fn lookup(&self, key: BlockKey) -> Found {
        let state = self.lock();
        match state.map.get(&key) {
            Some(n) => Found::Entry(state.blocks[*n as usize].entry),
            None => Found::Missing,
        }
    }

    /// The block that exit `id` leads to; links the exit to it.
    pub(super) fn follow(&self, id: u64, key: BlockKey) -> Found {
        let mut state = self.lock();
        let Some(&n) = state.map.get(&key) else {
            return Found::Missing;
        };
        self.link(&mut state, id, n);
        Found::Entry(state.blocks[n as usize].entry)
    }

    /// Links exit `id` to a block, if it still leads there: it may be one of a generation that is gone, or belong to a block
    /// translated for another mode.
    fn link(&self, state: &mut State, id: u64, block: u32) {
        if id >> 32 != state.generation & 0xff_ffff {
            return;
        }
        let exit = id as u32;
        let target = &mut state.blocks[block as usize];
        let Some(e) = state.exits.get_mut(exit as usize) else {
            return;
        };
        if e.key != target.key || e.linked {
            return;
        }
        let to = if e.back {
            target.entry
        } else {
            target.fast_entry
        };
        // A jump back meets the poll, so its flags must be in the state as well.
        let with_flags = e.after_flags.0 != 0 && (e.back || target.needs_flags);
        let (field, _) = if with_flags { e.after_flags } else { e.jump };
        e.linked = true;
        e.next = target.incoming;
        target.incoming = exit;
        self.buffer.patch(field, to.wrapping_sub(field + 4) as i32);
    }

    /// Emits a block and adds it, unless `still_valid` says under the lock that its code has changed since it was read, or the
    /// block has meanwhile been added by another thread. Links exit `link` to it. Returns its entry.
    pub(super) fn add(
        &self,
        block: &Block,
        loop_pins: &[Slot],
        emitter: &mut Emitter,
        me: &ThreadSlot,
        link: Option<u64>,
        still_valid: impl Fn() -> bool,
    ) -> Result<Option<u64>, TooComplex> {
        let mut guard = self.lock();
        if !still_valid() {
            return Ok(None);
        }
        if let Some(n) = guard.map.get(&block.key) {
            return Ok(Some(guard.blocks[*n as usize].entry));
        }
        if header_before_line(guard.pos) + MAX_BLOCK as u64 > self.area_end(guard.area) {
            guard = self.change_area(guard, me);
            if !still_valid() {
                return Ok(None);
            }
        }
        let state = &mut *guard;
        let header = header_before_line(state.pos);
        if header + POPULATE as u64 / 4 > state.populated {
            populate(state.populated, POPULATE);
            state.populated += POPULATE as u64;
        }
        let base = header + HEADER as u64;
        let first_exit = (state.generation & 0xff_ffff) << 32 | state.exits.len() as u64;
        let emitted = emitter.emit(
            block,
            loop_pins,
            &self.stubs,
            &mut state.pool,
            first_exit,
            base,
        )?;
        if HEADER + emitted.code_len as usize + emitter.side_table().bytes().len() > MAX_BLOCK {
            return Err(TooComplex);
        }
        for (at, value) in state.pool.added.drain(..) {
            self.buffer.write(at, &value.to_le_bytes());
        }
        let len =
            self.buffer
                .write_block(header, block.key.pc, emitter.code(), emitter.side_table());
        state.pos = header + len as u64;
        let area = state.area;
        state.descriptors[area].append(&mut emitter.take_descriptors());

        let n = state.blocks.len() as u32;
        state.blocks.push(BlockInfo {
            key: block.key,
            entry: base,
            fast_entry: base + u64::from(emitted.fast_entry),
            needs_flags: emitted.flags_at_entry,
            alive: true,
            incoming: NIL,
        });
        state.map.insert(block.key, n);
        let code = emitter.code();
        let field = |offset: u32| {
            let at = offset as usize;
            let bytes = [code[at], code[at + 1], code[at + 2], code[at + 3]];
            (base + u64::from(offset), i32::from_le_bytes(bytes))
        };
        for e in emitter.exits() {
            state.exits.push(ExitInfo {
                key: block.key.successor(e.target),
                jump: field(e.jump),
                after_flags: e.after_flags.map_or((0, 0), field),
                back: e.back,
                linked: false,
                next: NIL,
            });
        }
        for &(start, len) in &block.ranges {
            let last = start.wrapping_add(u64::from(len.max(1)) - 1) / PAGE;
            for page in start / PAGE..=last {
                let head = state.pages.entry(page).or_insert(NIL);
                state.page_list.push((n, *head));
                *head = state.page_list.len() as u32 - 1;
            }
        }
        if let Some(id) = link {
            self.link(state, id, n);
        }
        self.counters
            .add_block(block.insns, emitted.code_len, len as u32);
        if let Some(dump) = &self.dump {
            dump(&Dump {
                block,
                code,
                addr: base,
            });
        }
        Ok(Some(base))
    }

    fn area_start(&self, area: usize) -> u64 {
        let size = (self.buffer.len - HEAD) / 2;
        self.buffer.base + (HEAD + area * size) as u64
    }

    fn area_end(&self, area: usize) -> u64 {
        self.area_start(area) + ((self.buffer.len - HEAD) / 2) as u64
    }

    /// Forgets every block and goes on in the other area, after waiting for threads that may still be in it.
    fn change_area<'a>(
        &'a self,
        mut guard: MutexGuard<'a, State>,
        me: &ThreadSlot,
    ) -> MutexGuard<'a, State> {
        loop {
            let next = guard.area ^ 1;
            let needed = guard.given_up[next];
            let busy = self.threads().iter().any(|t| {
                !std::ptr::eq(&raw const **t, me)
                    && t.seen.load(Ordering::SeqCst) < needed
                    && t.running
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .is_some()
            });
            if !busy {
                break;
            }
            // They have been asked to leave, and do so at their next poll. The lock is open meanwhile: a thread may need it first.
            drop(guard);
            std::thread::sleep(Duration::from_micros(50));
            guard = self.lock();
            if guard.pos + MAX_BLOCK as u64 <= self.area_end(guard.area) {
                return guard;
            }
        }
        let state = &mut *guard;
        let old = state.area;
        let next = old ^ 1;
        state.generation += 1;
        state.blocks.clear();
        state.exits.clear();
        state.map.clear();
        state.pages.clear();
        state.page_list.clear();
        state.area = next;
        state.pos = self.area_start(next);
        state.populated = state.pos;
        self.buffer
            .clear_starts(self.area_start(next), self.area_end(next));
        state.descriptors[next].clear();
        state.given_up[old] = self.flush_threads();
        self.counters.add_flush();
        guard
    }

    /// Starts a new epoch and asks every running thread to empty its jump cache.
    fn flush_threads(&self) -> u64 {
        let epoch = self.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        for t in self.threads().iter() {
            let running = t.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(p) = *running {
                // SAFETY: valid while it is in the slot; the slot is locked.
                unsafe { &*p.0 }.fetch_or(pending::FLUSH, Ordering::SeqCst);
            }
        }
        epoch
    }

    /// Forgets translations of guest code in `start..end`, in every thread: other threads may finish what they are executing, up to
    /// their next jump back or indirect jump.
    pub fn invalidate_range(&self, start: u64, end: u64) {
        if end <= start {
            return;
        }
        let mut guard = self.lock();
        let state = &mut *guard;
        let (first, last) = (start / PAGE, (end - 1) / PAGE);
        let pages: Vec<u64> = if last - first < 4096 {
            (first..=last)
                .filter(|p| state.pages.contains_key(p))
                .collect()
        } else {
            let all = state.pages.keys().copied();
            all.filter(|p| (first..=last).contains(p)).collect()
        };
        if pages.is_empty() {
            return;
        }
        // Whole pages: code that changes is rarely alone, and a list by page needs no comparison of ranges.
        for page in pages {
            let mut at = state.pages.remove(&page).unwrap_or(NIL);
            while at != NIL {
                let (block, next) = state.page_list[at as usize];
                self.forget(state, block);
                at = next;
            }
        }
        self.flush_threads();
    }

    /// Unlinks a block from the ones that jump to it and makes it unreachable. Its own links stay: a thread may be inside.
    fn forget(&self, state: &mut State, n: u32) {
        let block = &mut state.blocks[n as usize];
        if !std::mem::replace(&mut block.alive, false) {
            return;
        }
        state.map.remove(&block.key);
        let mut at = std::mem::replace(&mut block.incoming, NIL);
        while at != NIL {
            let e = &mut state.exits[at as usize];
            self.buffer.patch(e.jump.0, e.jump.1);
            if e.after_flags.0 != 0 {
                self.buffer.patch(e.after_flags.0, e.after_flags.1);
            }
            e.linked = false;
            at = std::mem::replace(&mut e.next, NIL);
        }
    }

    /// Has translations timed. A thread's CPU clock would be the right one, but reading it is a system call, which takes as long
    /// as three guest instructions and leaves the host's caches and predictors worse than it finds them. So this reads the
    /// monotonic clock, and leaves out what took so long that the thread cannot have been running all the time.
    pub fn measure_time(&mut self) {
        // What a measurement of nothing shows is not the translation's.
        let nothing = || {
            let start = monotonic_ns();
            monotonic_ns() - start
        };
        self.clock_ns = (0..32).map(|_| nothing()).min();
    }

    /// Starts a measurement, if they are wanted.
    pub(super) fn start_timer(&self) -> Option<u64> {
        self.clock_ns.map(|_| monotonic_ns())
    }

    /// The time since `start` was spent on the translation of a block of `insns` instructions.
    pub(super) fn count_time(&self, start: Option<u64>, insns: u32) {
        /// Some ten times what the longest block takes, and a tenth of what a thread waits that has to.
        const INTERRUPTED_NS: u64 = 200_000;
        if let (Some(start), Some(clock)) = (start, self.clock_ns) {
            let ns = (monotonic_ns() - start).saturating_sub(clock);
            if ns < INTERRUPTED_NS {
                self.counters.add_time(ns, insns);
            }
        }
    }
}

impl ThreadSlot {
    /// The thread is about to run guest code.
    pub(super) fn enter(&self, pending: &AtomicU32) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(PendingPtr(std::ptr::from_ref(pending)));
    }

    /// The thread is outside of generated code, at `epoch`.
    pub(super) fn at_safe_point(&self, epoch: u64) {
        self.seen.store(epoch, Ordering::SeqCst);
    }

    /// The thread runs no guest code any more.
    pub(super) fn leave(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Invalidate for Arc<CodeCache> {
    fn invalidate(&self, start: u64, end: u64) {
        self.invalidate_range(start, end);
    }
}

/// The first place for a header from `pos` on after which code begins at half a cache line. Where blocks lay in their lines was left
/// to chance, and the same call-heavy program took up to twice the time with another environment: hosts fetch and predict by lines.
/// Whole lines make that up to a third better still, but cost short programs 5 % in cold code.
fn header_before_line(pos: u64) -> u64 {
    const HALF_LINE: u64 = 32;
    (pos + HEADER as u64).next_multiple_of(HALF_LINE) - HEADER as u64
}
