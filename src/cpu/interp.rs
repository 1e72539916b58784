//! The interpreting engine: translates to IR, caches blocks, executes them op by op.

use super::{CodeControl, Engine, Exit, passes_watchpoint, past_breakpoint};
use crate::ir::{Block, BlockExit, BlockKey, CpuState, Interpreter, Memory, WatchSet};
use crate::isa::{CodeSource, Isa, Limits, translate_block};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Guest instructions at most in one block.
const MAX_INSNS: u32 = 64;

/// Interprets the guest code of one thread. `M` is that thread's view of guest memory.
pub struct InterpEngine<M> {
    isa: &'static dyn Isa,
    mem: M,
    control: Arc<dyn CodeControl>,
    blocks: HashMap<BlockKey, Rc<Block>>,
    /// [`CodeControl::generation`] when `blocks` was last emptied.
    generation: u64,
    interpreter: Interpreter,
    scratch: Block,
    watch: Option<Arc<WatchSet>>,
}

impl<M: Memory + CodeSource> InterpEngine<M> {
    /// An engine for one thread over its memory; `control` tells of breakpoints and invalidated code.
    pub fn new(isa: &'static dyn Isa, mem: M, control: Arc<dyn CodeControl>) -> Self {
        let generation = control.generation();
        InterpEngine {
            isa,
            mem,
            control,
            blocks: HashMap::new(),
            generation,
            interpreter: Interpreter::default(),
            scratch: Block::default(),
            watch: None,
        }
    }

    /// Takes over what is watched now.
    fn sync_watch(&mut self) {
        if self.control.watch_id() != self.watch.as_ref().map_or(0, |w| w.id) {
            self.watch = self.control.watched();
        }
    }

    /// The block that starts at the state's PC.
    fn block(&mut self, cpu: &CpuState) -> Rc<Block> {
        // Read before translating: code that is invalidated meanwhile is then translated once more.
        let generation = self.control.generation();
        if generation != self.generation {
            self.blocks.clear();
            self.generation = generation;
        }
        let key = BlockKey {
            pc: cpu.pc,
            mode: cpu.mode,
            instrumentation: self.watch.as_ref().map_or(0, |w| w.id) | past_breakpoint(cpu),
        };
        if let Some(block) = self.blocks.get(&key) {
            return block.clone();
        }
        let control = &*self.control;
        let mut block = Block::default();
        let limits = Limits {
            max_insns: MAX_INSNS,
            is_breakpoint: &|pc| control.is_breakpoint(pc),
            watch: self.watch.as_ref(),
        };
        translate_block(self.isa, &mut self.mem, key, &limits, &mut block);
        debug_assert_eq!(crate::ir::verify(&block), Ok(()));
        control.note_translated(&block.ranges);
        let block = Rc::new(block);
        self.blocks.insert(key, block.clone());
        block
    }

    /// Executes one block; `None` when the guest just goes on.
    fn execute(&mut self, cpu: &mut CpuState, block: &Block) -> Option<Exit> {
        cpu.pass_breakpoint = None;
        match self
            .interpreter
            .run(cpu, block, &mut self.mem, self.isa.helpers())
        {
            BlockExit::Goto | BlockExit::Leave => None,
            BlockExit::Syscall(number) => Some(Exit::Syscall(number)),
            BlockExit::Trap(trap, code) => Some(Exit::Trap(trap, code)),
            BlockExit::Fault(fault) => Some(Exit::Fault(fault)),
            BlockExit::Watchpoint(hit) => Some(Exit::Watchpoint(hit)),
            BlockExit::InvalidateCode { addr, len } => {
                self.control.invalidate(addr, len);
                None
            }
        }
    }
}

impl<M: Memory + CodeSource> Engine for InterpEngine<M> {
    fn run(&mut self, cpu: &mut CpuState) -> Exit {
        if passes_watchpoint(cpu) {
            match self.step(cpu) {
                Exit::Stepped => {}
                exit => return exit,
            }
        }
        self.sync_watch();
        loop {
            if cpu.pending.load(Ordering::Acquire) != 0 {
                return Exit::Pending;
            }
            let block = self.block(cpu);
            if let Some(exit) = self.execute(cpu, &block) {
                return exit;
            }
        }
    }

    fn step(&mut self, cpu: &mut CpuState) -> Exit {
        // No breakpoint stops a step: the debugger steps off the one it stands on.
        self.sync_watch();
        let watch = match passes_watchpoint(cpu) {
            true => None,
            false => self.watch.as_ref(),
        };
        cpu.pass_watchpoint = None;
        let limits = Limits {
            max_insns: 1,
            is_breakpoint: &|_| false,
            watch,
        };
        let key = BlockKey {
            pc: cpu.pc,
            mode: cpu.mode,
            instrumentation: watch.map_or(0, |w| w.id),
        };
        let mut block = std::mem::take(&mut self.scratch);
        translate_block(self.isa, &mut self.mem, key, &limits, &mut block);
        let exit = self.execute(cpu, &block).unwrap_or(Exit::Stepped);
        self.scratch = block;
        exit
    }
}
