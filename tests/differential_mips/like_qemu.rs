//! MIPS as QEMU has it where the difference is known and would hide others.

use emu::ir::{Builder, CpuState, FCond, NONE, OpCode, Val};
use emu::isa::mips::{MIPS, MIPSEL, Mips};
use emu::isa::{CodeSource, FetchFault, Flow, Isa};

/// MIPS with QEMU's rule that any NaN result is the default NaN.
pub struct LikeQemu(&'static Mips);

pub static LIKE_QEMU: LikeQemu = LikeQemu(&MIPS);
pub static LIKE_QEMUEL: LikeQemu = LikeQemu(&MIPSEL);

impl Isa for LikeQemu {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn abi(&self) -> emu::abi::Abi {
        self.0.abi()
    }
    fn registers(&self) -> &'static emu::isa::RegisterTable {
        self.0.registers()
    }
    fn helpers(&self) -> &'static [emu::ir::Helper] {
        self.0.helpers()
    }
    fn fp_rules(&self, mode: u32) -> emu::ir::FpRules {
        self.0.fp_rules(mode)
    }
    fn reset(&self, cpu: &mut CpuState) {
        self.0.reset(cpu);
    }
    fn sync_derived(&self, cpu: &mut CpuState) {
        self.0.sync_derived(cpu);
    }
    fn sync_registers(&self, cpu: &mut CpuState) {
        self.0.sync_registers(cpu);
    }
    fn insn_len(&self, code: &mut dyn CodeSource, pc: u64) -> Result<u32, FetchFault> {
        self.0.insn_len(code, pc)
    }

    /// Writes the ops of `Mips`, each FP result followed by a choice between it and the default NaN.
    fn translate(
        &self,
        b: &mut Builder<'_>,
        code: &mut dyn CodeSource,
        pc: u64,
    ) -> Result<Flow, FetchFault> {
        let mark = b.block.ops.len();
        let flow = self.0.translate(b, code, pc)?;
        let ops = b.block.ops.split_off(mark);
        let mut new: Vec<Val> = (0..mark as Val).collect();
        for mut op in ops {
            for operand in [&mut op.a, &mut op.b, &mut op.c] {
                if *operand != NONE {
                    *operand = new[*operand as usize];
                }
            }
            let mut value = b.push(op);
            let lane = match op.code {
                OpCode::FAdd | OpCode::FSub | OpCode::FMul | OpCode::FDiv | OpCode::FSqrt => op.aux,
                OpCode::FCvt => op.aux2,
                _ => 0,
            };
            if lane != 0 {
                let nan = b.fcompare(FCond::Unordered, false, lane, value, value);
                let default = b.vconst(if lane == 2 {
                    0x7fbf_ffff
                } else {
                    0x7ff7_ffff_ffff_ffff
                });
                value = b.select(nan, default, value);
            }
            new.push(value);
        }
        Ok(flow)
    }
}
