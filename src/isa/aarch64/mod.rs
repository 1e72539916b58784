//! AArch64 (A64), as the Arm Architecture Reference Manual for A-profile defines it (DDI 0487; "the manual" below).

pub mod decode;
pub mod features;
pub mod regs;

mod ahp;
mod atomics;
mod branch_sys;
mod dp_imm;
mod dp_reg;
mod fp;
mod helpers;
mod ldst;
mod simd;
mod sysregs;
mod translate;

use self::decode::{Decoder, Insn, Row};
use self::translate::Translator;
use super::{CodeSource, FetchFault, Flow, Isa, RegisterTable};
use crate::abi::{Abi, Endian};
use crate::ir::{Builder, CpuState, FpRules, Helper, NanRule, Trap};

/// Bits of [`CpuState::mode`], from FPCR.
pub mod mode {
    /// FPCR.FZ: single and double precision denormals are taken as zero.
    pub const FZ: u32 = 1;
    /// FPCR.DN: every NaN result is the default NaN.
    pub const DN: u32 = 2;
    /// FPCR.AHP: half precision is Arm's alternative format.
    pub const AHP: u32 = 4;
}

/// The rows of all encodings that are implemented.
const TABLES: &[&[&[Row]]] = &[
    &[
        dp_imm::ROWS,
        dp_reg::ROWS,
        branch_sys::ROWS,
        atomics::ROWS,
        fp::ROWS,
        simd::ROWS,
    ],
    ldst::TABLES,
];

static DECODER: Decoder = Decoder::over_tables();

/// The rows of all encodings that are implemented.
pub fn rows() -> &'static [&'static Row] {
    DECODER.rows()
}

/// The instruction set AArch64, little-endian.
#[derive(Debug)]
pub struct AArch64;

impl Isa for AArch64 {
    fn name(&self) -> &'static str {
        "aarch64"
    }

    fn abi(&self) -> Abi {
        Abi {
            endian: Endian::Little,
            word: 8,
            align64: 8,
            even_pairs: false,
        }
    }

    fn registers(&self) -> &'static RegisterTable {
        &regs::TABLE
    }

    fn helpers(&self) -> &'static [Helper] {
        &helpers::HELPERS
    }

    fn fp_rules(&self, mode: u32) -> FpRules {
        FpRules {
            nan: if mode & mode::DN != 0 {
                NanRule::Default
            } else {
                NanRule::Arm
            },
            flush_to_zero: mode & mode::FZ != 0,
        }
    }

    fn reset(&self, cpu: &mut CpuState) {
        // What Linux gives a new process: flags, FPCR and FPSR are zero.
        cpu.regs.fill(0);
        cpu.set_nzcv(0);
        self.sync_derived(cpu);
    }

    fn sync_derived(&self, cpu: &mut CpuState) {
        // What changes registers from outside comes with an exception, whose return clears the exclusive monitor (ERET).
        cpu.excl_addr = u64::MAX;
        sysregs::derive_from_fpcr(cpu);
        sysregs::derive_from_fpsr(cpu);
    }

    fn sync_registers(&self, cpu: &mut CpuState) {
        sysregs::store_fpsr(cpu);
    }

    fn translate(
        &self,
        b: &mut Builder<'_>,
        code: &mut dyn CodeSource,
        pc: u64,
    ) -> Result<Flow, FetchFault> {
        if pc & 3 != 0 {
            // PC alignment fault: Linux sends SIGBUS with the PC as address.
            b.insn_start(pc, 4, false);
            let addr = b.const64(pc);
            b.check_align(addr, 0, 2, false);
            b.raise(Trap::Alignment, 0, pc);
            return Ok(Flow::End);
        }
        let word = code.fetch32(pc)?;
        b.insn_start(pc, 4, false);
        let mark = b.block.ops.len();
        let flow = DECODER
            .find(word)
            .and_then(|row| (row.translate)(&mut Translator { b, pc }, Insn(word)));
        Ok(flow.unwrap_or_else(|| {
            b.block.ops.truncate(mark);
            b.raise(Trap::IllegalInstruction, 0, pc);
            Flow::End
        }))
    }

    fn insn_len(&self, _code: &mut dyn CodeSource, _pc: u64) -> Result<u32, FetchFault> {
        Ok(4)
    }
}

#[cfg(test)]
mod exit_tests;
#[cfg(test)]
mod tests;
