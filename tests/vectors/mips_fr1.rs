//! MIPS with FR = 1 as an instruction set of its own, for vectors.

use emu::abi::Abi;
use emu::ir::{Builder, CpuState, FpRules, Helper};
use emu::isa::mips::{MIPS, mode, set_fr};
use emu::isa::{CodeSource, FetchFault, Flow, Isa, RegisterTable};

/// Big-endian MIPS that starts with FR = 1.
pub struct MipsFr1;

impl Isa for MipsFr1 {
    fn name(&self) -> &'static str {
        "mips-fr1"
    }
    fn abi(&self) -> Abi {
        MIPS.abi()
    }
    fn registers(&self) -> &'static RegisterTable {
        MIPS.registers_in_mode(mode::FR)
    }
    fn helpers(&self) -> &'static [Helper] {
        MIPS.helpers()
    }
    fn fp_rules(&self, mode: u32) -> FpRules {
        MIPS.fp_rules(mode)
    }
    fn reset(&self, cpu: &mut CpuState) {
        MIPS.reset(cpu);
        set_fr(cpu, true);
        MIPS.sync_registers(cpu);
    }
    fn sync_derived(&self, cpu: &mut CpuState) {
        MIPS.sync_derived(cpu);
    }
    fn sync_registers(&self, cpu: &mut CpuState) {
        MIPS.sync_registers(cpu);
    }
    fn translate(
        &self,
        b: &mut Builder<'_>,
        code: &mut dyn CodeSource,
        pc: u64,
    ) -> Result<Flow, FetchFault> {
        MIPS.translate(b, code, pc)
    }
    fn insn_len(&self, code: &mut dyn CodeSource, pc: u64) -> Result<u32, FetchFault> {
        MIPS.insn_len(code, pc)
    }
}
