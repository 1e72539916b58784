//! From guest code to a block: follows fall-through and direct jumps until a limit or a terminal.

use super::{CodeSource, Flow, Isa};
use crate::ir::{Block, BlockKey, Builder, Effect, OpCode, PAST_BREAKPOINT, Trap, WatchSet};
use std::sync::Arc;

/// Bounds of a block.
pub struct Limits<'a> {
    /// Guest instructions at most (1 for an exact step).
    pub max_insns: u32,
    /// Addresses where the debugger has a breakpoint: a block ends before one, and a block that starts at one is just the trap.
    pub is_breakpoint: &'a dyn Fn(u64) -> bool,
    /// What accesses are to be checked for; the key has its number.
    pub watch: Option<&'a Arc<WatchSet>>,
}

/// Ops at most in one block: leaves room for the ops of one more guest instruction before a [`crate::ir::Val`] overflows.
const MAX_OPS: usize = 8192;

/// Side exits at most in one block. Beyond them little of a block is executed as often as its start, and much of it is translated
/// once more where the exits of other blocks lead: without this limit two fifths of all instructions of a short program are
/// translated twice. (With it a start takes a tenth less time, and loops are as fast.)
const MAX_EXITS: u32 = 4;

/// Translates the code at `key.pc` into `block`, which is cleared first.
pub fn translate_block(
    isa: &dyn Isa,
    code: &mut dyn CodeSource,
    key: BlockKey,
    limits: &Limits<'_>,
    block: &mut Block,
) {
    block.clear(key);
    block.addr32 = isa.abi().is_32bit();
    block.fp = isa.fp_rules(key.mode);
    block.watch = limits.watch.cloned();
    let past_breakpoint = key.instrumentation & PAST_BREAKPOINT != 0;
    let mut pc = key.pc;
    let mut start = pc;
    let mut exits = 0;
    loop {
        let first = block.ops.is_empty();
        let b = &mut Builder::new(block);
        let full =
            b.block.insns >= limits.max_insns || exits >= MAX_EXITS || b.block.ops.len() > MAX_OPS;
        if !first && full {
            b.jump(pc);
            break;
        }
        if !(first && past_breakpoint) && (limits.is_breakpoint)(pc) {
            if first {
                b.insn_start(pc, 0, false);
                b.raise(Trap::DebugBreakpoint, 0, pc);
            } else {
                b.jump(pc);
            }
            break;
        }
        let (mark, insns) = (b.block.ops.len(), b.block.insns);
        match isa.translate(b, code, pc) {
            Err(_) => {
                b.block.ops.truncate(mark);
                b.block.insns = insns;
                if first {
                    b.insn_start(pc, 0, false);
                    b.raise(Trap::FetchFault, 0, pc);
                } else {
                    b.jump(pc);
                }
                break;
            }
            Ok(Flow::Next(next)) => {
                pc = next;
                let last = block.ops.last().map(|op| op.code.effect());
                exits += u32::from(last == Some(Effect::SideExit));
            }
            Ok(Flow::Goto(target)) => {
                let end = insn_end(block, mark, pc);
                add_range(block, start, end);
                // Only forward: a jump back is a loop, and its head is a block of its own with a poll.
                if target > pc && block.insns < limits.max_insns {
                    pc = target;
                    start = target;
                } else {
                    Builder::new(block).jump(target);
                    return;
                }
            }
            Ok(Flow::End) => {
                pc = insn_end(block, mark, pc);
                break;
            }
        }
    }
    add_range(block, start, pc.max(start.saturating_add(1)));
}

/// First address after the instruction at `pc` and its delay slot, whose ops begin at `mark`.
fn insn_end(block: &Block, mark: usize, pc: u64) -> u64 {
    block.ops[mark..]
        .iter()
        .filter(|op| op.code == OpCode::InsnStart)
        .fold(pc, |end, op| end.saturating_add(op.aux.into()))
}

fn add_range(block: &mut Block, start: u64, end: u64) {
    if end > start {
        block.ranges.push((start, (end - start) as u32));
    }
}
