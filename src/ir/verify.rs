//! Checks that a block obeys the conventions of the IR. Run on every block in tests and debug builds.

use super::block::Block;
use super::op::{Effect, Op, OpCode, Ty};
use super::state::REGS_SIZE;

/// The first rule that `block` breaks, as text with the op's index.
pub fn verify(block: &Block) -> Result<(), String> {
    let fail = |i: usize, op: &Op, why: &str| {
        Err(format!(
            "op {i} ({}) of block {:#x}: {why}\n{block}",
            op.code.name(),
            block.key.pc
        ))
    };
    let Some((last, body)) = block.ops.split_last() else {
        return Err("the block is empty".into());
    };
    if last.code.effect() != Effect::Terminal {
        return fail(block.ops.len() - 1, last, "the last op is not a terminal");
    }
    if body.first().is_none_or(|op| op.code != OpCode::InsnStart) {
        return fail(0, last, "the first op is not InsnStart");
    }
    // Whether a guest register has been written since the last InsnStart: then nothing may fault any more.
    let mut written = false;
    for (i, op) in block.ops.iter().enumerate() {
        for v in op.operands() {
            let Some(operand) = block.ops[..i].get(v as usize) else {
                return fail(i, op, "an operand is not an earlier op");
            };
            if operand.ty == Ty::None {
                return fail(i, op, "an operand has no value");
            }
        }
        match op.code {
            // Also in a delay slot: a branch that has written its link register can be restarted, writing the same again.
            OpCode::InsnStart => written = false,
            OpCode::GetReg | OpCode::SetReg if op.aux as usize + op.ty.size() > REGS_SIZE => {
                return fail(i, op, "slot out of range");
            }
            OpCode::SetReg => written = true,
            OpCode::Load
            | OpCode::CheckAlign
            | OpCode::TrapIfCmp
            | OpCode::CheckWatch
            | OpCode::AtomicRmw
            | OpCode::AtomicCas
            | OpCode::LoadExcl
                if written =>
            {
                return fail(i, op, "may fault after a register was written");
            }
            OpCode::VConst if op.imm as usize >= block.vconsts.len() => {
                return fail(i, op, "constant out of range");
            }
            _ => {}
        }
        if i + 1 < block.ops.len() && op.code.effect() == Effect::Terminal {
            return fail(i, op, "a terminal inside the block");
        }
    }
    Ok(())
}
