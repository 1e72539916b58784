//! One thread's engine over the code cache.

use super::cache::{CodeCache, Found, ThreadSlot};
use super::copy::Copies;
use super::emit::{ENGINE_ADDR, ENGINE_LEN, Emitter, TooComplex, exit_code};
use crate::cpu::{CodeControl, Engine, Exit, InterpEngine, passes_watchpoint, past_breakpoint};
use crate::host::code::set_gs_base;
use crate::ir::{
    Block, BlockKey, CpuState, JUMP_CACHE_ENTRIES, JumpEntry, Memory, Trap, WatchSet, pending,
};
use crate::isa::{CodeSource, FetchFault, Limits, translate_block};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Guest instructions at most in one block; fewer are tried when one gets too complex.
const MAX_INSNS: [u32; 3] = [64, 8, 1];

/// Empties a jump cache. An empty entry has an address that is never looked up there: a guest may jump to any, also to -1.
pub(super) fn clear_jumps(jumps: &mut [JumpEntry]) {
    jumps.fill(JumpEntry {
        pc: u64::MAX,
        host: 0,
    });
    jumps[JUMP_CACHE_ENTRIES - 1].pc = 0;
}

/// A new jump cache.
pub(super) fn new_jumps() -> Box<[JumpEntry]> {
    let mut jumps = vec![JumpEntry::default(); JUMP_CACHE_ENTRIES].into_boxed_slice();
    clear_jumps(&mut jumps);
    jumps
}

/// Runs the guest code of one thread. `M` is that thread's view of guest memory.
pub struct JitEngine<M> {
    cache: Arc<CodeCache>,
    code: M,
    stepper: InterpEngine<M>,
    control: Arc<dyn CodeControl>,
    slot: Arc<ThreadSlot>,
    jumps: Box<[JumpEntry]>,
    /// The cache's epoch when `jumps` was last emptied.
    epoch: u64,
    /// The mode that `jumps` is for.
    mode: u32,
    /// What is watched, in `jumps` too.
    watch: Option<Arc<WatchSet>>,
    emitter: Emitter,
    block: Block,
    copies: Copies,
    marked: MarkedPages,
}

/// Bytes of a page of the guest.
const PAGE: u64 = 4096;

/// Pages that have been marked as holding translated code, by their number's low bits, and the generation that it was true for:
/// a mark is taken back only together with a new generation.
struct MarkedPages {
    pages: [u64; 16],
    generation: u64,
}

impl MarkedPages {
    const NONE: MarkedPages = MarkedPages {
        pages: [u64::MAX; 16],
        generation: 0,
    };

    /// Starts a translation in that generation.
    fn start(&mut self, generation: u64) {
        if self.generation != generation {
            *self = MarkedPages {
                generation,
                ..MarkedPages::NONE
            };
        }
    }

    /// Marks the page of `addr`, unless that is known to be done.
    fn mark(&mut self, addr: u64, control: &dyn CodeControl) {
        let page = addr / PAGE;
        let known = &mut self.pages[page as usize % 16];
        if *known != page {
            control.note_translated(&[(addr, 1)]);
            *known = page;
        }
    }
}

/// Bytes of code that are read at once.
const AHEAD: usize = 64;

/// Guest code as one translation reads it: some of it at once, from pages that are marked before they are read, so that the
/// generation tells of every change in between.
struct Reader<'a, M> {
    code: &'a mut M,
    control: &'a dyn CodeControl,
    marked: &'a mut MarkedPages,
    /// Guest address of `bytes`, a multiple of their number; an odd one while there are none.
    at: u64,
    bytes: [u8; AHEAD],
}

impl<M: CodeSource> Reader<'_, M> {
    /// `N` bytes at `pc`, if they can be read together with those around them.
    #[inline]
    fn near<const N: usize>(&mut self, pc: u64) -> Option<[u8; N]> {
        let at = pc & !(AHEAD as u64 - 1);
        if at != self.at {
            self.marked.mark(at, self.control);
            self.at = 1;
            self.code.fetch_ahead(at, &mut self.bytes).ok()?;
            self.at = at;
        }
        self.bytes[(pc - at) as usize..].first_chunk().copied()
    }

    /// Marks the pages of `len` bytes at `pc`.
    fn mark(&mut self, pc: u64, len: u64) {
        self.marked.mark(pc, self.control);
        self.marked.mark(pc.saturating_add(len - 1), self.control);
    }
}

impl<M: CodeSource> CodeSource for Reader<'_, M> {
    fn fetch32(&mut self, pc: u64) -> Result<u32, FetchFault> {
        if let Some(bytes) = self.near(pc) {
            return Ok(u32::from_le_bytes(bytes));
        }
        self.mark(pc, 4);
        self.code.fetch32(pc)
    }

    fn fetch16(&mut self, pc: u64) -> Result<u16, FetchFault> {
        if let Some(bytes) = self.near(pc) {
            return Ok(u16::from_le_bytes(bytes));
        }
        self.mark(pc, 2);
        self.code.fetch16(pc)
    }
}

impl<M: Memory + CodeSource> JitEngine<M> {
    /// An engine for one thread. `code` is where the translator reads guest code; `stepper` executes single instructions.
    pub fn new(
        cache: Arc<CodeCache>,
        code: M,
        stepper: InterpEngine<M>,
        control: Arc<dyn CodeControl>,
    ) -> Self {
        let slot = cache.register();
        let emitter = cache.emitter();
        JitEngine {
            slot,
            emitter,
            code,
            stepper,
            control,
            jumps: new_jumps(),
            epoch: cache.epoch(),
            mode: 0,
            watch: None,
            block: Block::default(),
            copies: Copies::default(),
            marked: MarkedPages::NONE,
            cache,
        }
    }

    /// The key of the block at the PC.
    fn key(&self, cpu: &CpuState) -> BlockKey {
        BlockKey {
            pc: cpu.pc,
            mode: cpu.mode,
            instrumentation: self.watch.as_ref().map_or(0, |w| w.id) | past_breakpoint(cpu),
        }
    }

    /// Takes over what is watched now.
    fn sync_watch(&mut self) {
        if self.control.watch_id() != self.watch.as_ref().map_or(0, |w| w.id) {
            self.watch = self.control.watched();
            clear_jumps(&mut self.jumps);
        }
    }

    /// Translates the block of `key` and links exit `link` to it; `None` if not even one instruction can be translated.
    fn translate(&mut self, key: BlockKey, link: Option<u64>) -> Option<u64> {
        let timer = self.cache.start_timer();
        let entry = self.translate_at(key, link);
        self.cache.count_time(timer, self.block.insns);
        entry
    }

    fn translate_at(&mut self, key: BlockKey, link: Option<u64>) -> Option<u64> {
        let mut attempt = 0;
        loop {
            let generation = self.control.generation();
            self.marked.start(generation);
            let control = &*self.control;
            let limits = Limits {
                max_insns: *MAX_INSNS.get(attempt)?,
                is_breakpoint: &|pc| control.is_breakpoint(pc),
                watch: self.watch.as_ref(),
            };
            let mut reader = Reader {
                code: &mut self.code,
                control,
                marked: &mut self.marked,
                at: 1,
                bytes: [0; AHEAD],
            };
            // Marked even if nothing is read there: an address that cannot be executed becomes a block too.
            reader.mark(key.pc, 1);
            let isa = self.cache.isa();
            translate_block(isa, &mut reader, key, &limits, &mut self.block);
            debug_assert_eq!(crate::ir::verify(&self.block), Ok(()));
            let loop_pins = self
                .copies
                .rewrite(&mut self.block, self.cache.convention());
            debug_assert_eq!(crate::ir::verify(&self.block), Ok(()));
            let valid = || self.control.generation() == generation;
            match self.cache.add(
                &self.block,
                &loop_pins,
                &mut self.emitter,
                &self.slot,
                link,
                valid,
            ) {
                Ok(Some(entry)) => return Some(entry),
                Ok(None) => {}
                Err(TooComplex) => attempt += 1,
            }
        }
    }

    /// What has to happen outside of generated code; returns whether the owner has to look at [`CpuState::pending`].
    fn at_safe_point(&mut self, cpu: &CpuState) -> bool {
        // The request is taken back before the epoch is read: one that comes after it is seen at the next poll.
        let asked = cpu.pending.fetch_and(!pending::FLUSH, Ordering::SeqCst);
        let epoch = self.cache.epoch();
        if epoch != self.epoch || cpu.mode != self.mode {
            clear_jumps(&mut self.jumps);
            self.epoch = epoch;
            self.mode = cpu.mode;
        }
        self.slot.at_safe_point(epoch);
        asked & !pending::FLUSH != 0
    }

    fn run_watched(&mut self, cpu: &mut CpuState) -> Exit {
        self.sync_watch();
        if passes_watchpoint(cpu) {
            match self.stepper.step(cpu) {
                Exit::Stepped => {}
                exit => return exit,
            }
        }
        self.run_inside(cpu)
    }

    fn run_inside(&mut self, cpu: &mut CpuState) -> Exit {
        // The exit to link once its target is known, and whether the jump cache shall learn the target.
        let mut link = None;
        let mut learn = false;
        loop {
            if self.at_safe_point(cpu) {
                return Exit::Pending;
            }
            let key = self.key(cpu);
            let find = |link| match link {
                Some(id) => self.cache.follow(id, key),
                None => self.cache.lookup(key),
            };
            let entry = match find(link) {
                Found::Entry(entry) => entry,
                Found::Missing => match self.translate(key, link) {
                    // It may be stale again by now: then it is left at its first poll, like any other.
                    Some(entry) => entry,
                    None => {
                        link = None;
                        match self.stepper.step(cpu) {
                            Exit::Stepped => continue,
                            exit => return exit,
                        }
                    }
                },
            };
            link = None;
            cpu.pass_breakpoint = None;
            if std::mem::take(&mut learn) {
                let n = (cpu.pc >> 2) as usize & (JUMP_CACHE_ENTRIES - 1);
                self.jumps[n] = JumpEntry {
                    pc: cpu.pc,
                    host: entry,
                };
            }
            let code = self.enter(cpu, entry);
            let argument = code >> 8;
            match code & 0xff {
                exit_code::LINK => link = Some(argument),
                exit_code::LOOKUP => learn = true,
                exit_code::POLL | exit_code::LEAVE => {}
                exit_code::SYSCALL => return Exit::Syscall(argument as u16),
                exit_code::TRAP => {
                    let trap = Trap::from_u16(argument as u16).unwrap_or(Trap::IllegalInstruction);
                    return Exit::Trap(trap, (argument >> 16) as u16);
                }
                exit_code::FAULT | exit_code::WATCH => {
                    // The state is that before the instruction. The interpreter executes it again: it knows what the guest is told
                    // (the host's reservation makes every hole look protected), addresses whose top byte the guest ignores, and
                    // what it is that is watched there.
                    match self.stepper.step(cpu) {
                        Exit::Stepped => {}
                        exit => return exit,
                    }
                }
                _ => {
                    let (addr, len) = (cpu.engine[ENGINE_ADDR], cpu.engine[ENGINE_LEN]);
                    self.control.invalidate(addr, len);
                }
            }
        }
    }

    /// Enters generated code; returns its exit code.
    fn enter(&mut self, cpu: &mut CpuState, entry: u64) -> u64 {
        let stub = self.cache.enter_stub() as usize as *const ();
        // SAFETY: the stub has this signature. `entry` is a block of this cache, which `self` keeps, found since the last safe
        // point. Generated code accesses the state, the jump cache, guest memory by way of `gs`, and its own frame.
        unsafe {
            let enter: extern "sysv64" fn(*mut CpuState, u64) -> u64 = std::mem::transmute(stub);
            enter(cpu, entry)
        }
    }
}

impl<M: Memory + CodeSource> Engine for JitEngine<M> {
    fn run(&mut self, cpu: &mut CpuState) -> Exit {
        cpu.jump_cache = self.jumps.as_mut_ptr();
        // Fails only on kernels without the instruction and without the call, of which there are none for x86-64.
        let gs = set_gs_base(cpu.guest_base);
        debug_assert_eq!(gs, Ok(()));
        self.slot.enter(&cpu.pending);
        let exit = self.run_watched(cpu);
        self.slot.leave();
        exit
    }

    fn step(&mut self, cpu: &mut CpuState) -> Exit {
        self.stepper.step(cpu)
    }

    fn abandon(&mut self) {
        self.slot.leave();
    }
}

impl<M> Drop for JitEngine<M> {
    fn drop(&mut self) {
        self.cache.unregister(&self.slot);
    }
}
