//! Text of a block for `-d ir`: one op a line.

use super::block::Block;
use super::op::{AtomicOp, Cmp, Cond, FCond, MemArg, NONE, Op, OpCode, Ty};
use super::state::Trap;
use std::fmt;

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "block {:#x} mode {:#x} instrumentation {:#x}: {} instructions",
            self.key.pc, self.key.mode, self.key.instrumentation, self.insns
        )?;
        for (i, op) in self.ops.iter().enumerate() {
            write_op(f, self, i, op)?;
        }
        Ok(())
    }
}

fn write_op(f: &mut fmt::Formatter<'_>, block: &Block, i: usize, op: &Op) -> fmt::Result {
    use OpCode::*;
    let target = |f: &mut fmt::Formatter<'_>| write!(f, " -> {:#x}", op.imm);
    if op.code == InsnStart {
        return writeln!(
            f,
            "{:#x}:{}",
            op.imm,
            if op.aux2 != 0 {
                " (delay slot follows)"
            } else {
                ""
            }
        );
    }
    match op.ty {
        Ty::None => write!(f, "         {}", op.code.name())?,
        ty if matches!(
            op.code,
            SetReg | Store | ExitIfCmp | ExitIfBit | TrapIfCmp | JumpReg | CondCompare
        ) =>
        {
            write!(f, "         {}.{ty:?}", op.code.name())?
        }
        ty => write!(f, "  v{i:<4} = {}.{ty:?}", op.code.name())?,
    }
    for v in op.operands() {
        write!(f, " v{v}")?;
    }
    match op.code {
        Const => write!(f, " {:#x}", op.imm),
        VConst => write!(f, " {:#034x}", block.vconsts[op.imm as usize]),
        GetReg | SetReg => write!(f, " @{}", op.aux),
        Load | Store | AtomicRmw | AtomicCas | LoadExcl | StoreExcl | CheckWatch => {
            let m = MemArg::unpack(op.aux);
            write!(
                f,
                " [{}{}{}",
                8 << m.size,
                if m.signed { "s" } else { "" },
                if m.big { " big" } else { "" }
            )?;
            if op.b != NONE && matches!(op.code, Load | Store | CheckWatch) {
                write!(f, ", index << {}", m.scale)?;
            }
            if op.code == AtomicRmw {
                write!(f, ", {:?}", AtomicOp::from_u16(op.aux2))?;
            }
            write!(f, ", {:+#x}]", op.imm)
        }
        CondValue | CondSelect => write!(f, " {:?}", Cond::from_bits(op.aux.into())),
        CondCompare => write!(
            f,
            " {:?} else {:#x}",
            Cond::from_bits(op.aux.into()),
            op.aux2
        ),
        Compare => write!(f, " {:?}", Cmp::from_u16(op.aux)),
        FCompare => write!(f, " {:?} lane {}", FCond::from_u16(op.aux2 & 15), op.aux),
        ExitIfCond => {
            write!(f, " {:?}", Cond::from_bits(op.aux.into()))?;
            target(f)
        }
        ExitIfCmp => {
            write!(f, " {:?}", Cmp::from_u16(op.aux))?;
            target(f)
        }
        ExitIfBit => {
            write!(f, " bit {} = {}", op.aux, op.aux2)?;
            target(f)
        }
        TrapIfCmp => write!(
            f,
            " {:?} {:?} code {}",
            Cmp::from_u16(op.imm as u16),
            Trap::from_u16(op.aux),
            op.aux2
        ),
        Raise => {
            write!(f, " {:?} code {}", Trap::from_u16(op.aux), op.aux2)?;
            target(f)
        }
        Jump | Syscall | InvalidateCode | Leave => target(f),
        _ => {
            if op.aux != 0 || op.aux2 != 0 {
                write!(f, " {}, {}", op.aux, op.aux2)?;
            }
            if op.imm != 0 {
                write!(f, " #{:#x}", op.imm)?;
            }
            Ok(())
        }
    }?;
    writeln!(f)
}
