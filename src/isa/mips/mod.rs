//! MIPS32 release 2 with FPU, big- and little-endian, as the MIPS32 Architecture for Programmers defines it (MD00082, MD00086;
//! "the manual" below).
//!
//! Not implemented, and reserved instructions here: paired single (FIR.PS = 0), MIPS16e, microMIPS, the DSP and MT extensions,
//! IEEE 754-2008 NaNs (FIR.HAS2008 = 0).

pub mod decode;
pub mod regs;

mod alu;
mod branch;
mod fcsr;
mod fpmove;
mod fpu;
mod helpers;
mod ldst;
mod muldiv;
mod system;
mod translate;

use self::decode::{Decoder, Row};
use self::translate::Translator;
use super::{CodeSource, FetchFault, Flow, Isa, RegisterTable};
use crate::abi::{Abi, Endian};
use crate::ir::{Builder, CpuState, FpRules, Helper, NanRule, Trap};

/// Bits of [`CpuState::mode`].
pub mod mode {
    /// Status.FR: 32 independent 64-bit FP registers.
    pub const FR: u32 = 1;
    /// FCSR.FS: denormal results are flushed to zero.
    pub const FS: u32 = 2;
    /// Some FP exception is enabled: operations record Cause and trap.
    pub const FP_TRAPS: u32 = 4;
}

/// AT_HWCAP: none of the bits of Linux `asm/hwcap.h` (R6, MSA, CRC32 ...) belongs to release 2.
pub const HWCAP: u64 = 0;

/// Status in user mode: coprocessor 1 usable, FR as the mode says, user mode, interrupts enabled.
const STATUS_CU1: u32 = 1 << 29;
/// Status.FR.
pub const STATUS_FR: u32 = 1 << 26;
const STATUS_USER: u32 = 0x11;

const TABLES: &[&[Row]] = &[
    alu::ROWS,
    muldiv::ROWS,
    branch::ROWS,
    ldst::ROWS,
    fpu::ROWS,
    fpmove::ROWS,
    fcsr::ROWS,
    system::ROWS,
];

static DECODER: Decoder = Decoder;

/// The rows of all encodings that are implemented.
pub fn rows() -> &'static [&'static Row] {
    DECODER.rows()
}

/// Switches between the FP register modes (program start, `prctl(PR_SET_FP_MODE)`). The slots stay as they are, so an odd register's
/// value is not carried over, as on hardware.
pub fn set_fr(cpu: &mut CpuState, fr: bool) {
    cpu.mode = cpu.mode & !mode::FR | if fr { mode::FR } else { 0 };
}

/// The instruction set MIPS32 in one byte order.
#[derive(Debug)]
pub struct Mips {
    endian: Endian,
}

/// Big-endian (`mips`).
pub static MIPS: Mips = Mips {
    endian: Endian::Big,
};

/// Little-endian (`mipsel`).
pub static MIPSEL: Mips = Mips {
    endian: Endian::Little,
};

impl Isa for Mips {
    fn name(&self) -> &'static str {
        match self.endian {
            Endian::Big => "mips",
            Endian::Little => "mipsel",
        }
    }

    fn abi(&self) -> Abi {
        Abi::o32(self.endian)
    }

    fn registers(&self) -> &'static RegisterTable {
        &regs::TABLE_FR0
    }

    fn registers_in_mode(&self, mode: u32) -> &'static RegisterTable {
        if mode & mode::FR != 0 {
            &regs::TABLE_FR1
        } else {
            &regs::TABLE_FR0
        }
    }

    fn helpers(&self) -> &'static [Helper] {
        &helpers::HELPERS
    }

    fn fp_rules(&self, mode: u32) -> FpRules {
        FpRules {
            nan: NanRule::MipsLegacy,
            flush_to_zero: mode & mode::FS != 0,
        }
    }

    fn reset(&self, cpu: &mut CpuState) {
        cpu.regs.fill(0);
        cpu.mode = 0;
        cpu.write32(regs::FIR, fcsr::FIR_VALUE);
        self.sync_derived(cpu);
        self.sync_registers(cpu);
    }

    fn sync_derived(&self, cpu: &mut CpuState) {
        cpu.write32(regs::gpr(0), 0);
        fcsr::drop_pending_exceptions(cpu);
        fcsr::write(cpu, cpu.read32(regs::FCSR));
    }

    fn sync_registers(&self, cpu: &mut CpuState) {
        let fcsr = fcsr::read(cpu);
        cpu.write32(regs::FCSR, fcsr);
        let fr = if cpu.mode & mode::FR != 0 {
            STATUS_FR
        } else {
            0
        };
        cpu.write32(regs::STATUS, STATUS_CU1 | fr | STATUS_USER);
    }

    fn translate(
        &self,
        b: &mut Builder<'_>,
        code: &mut dyn CodeSource,
        pc: u64,
    ) -> Result<Flow, FetchFault> {
        if pc & 3 != 0 {
            // Address error on the fetch: there is no MIPS16e to switch to.
            b.insn_start(pc, 4, false);
            let addr = b.const32(pc as u32);
            b.check_align(addr, 0, 2, false);
            b.raise(Trap::Alignment, 0, pc);
            return Ok(Flow::End);
        }
        let mut t = Translator {
            b,
            code,
            decoder: &DECODER,
            big: self.endian == Endian::Big,
            pc,
            branch: None,
        };
        let word = t.fetch(pc)?;
        t.b.insn_start(pc, 4, false);
        t.translate(word)
    }

    fn insn_len(&self, _code: &mut dyn CodeSource, _pc: u64) -> Result<u32, FetchFault> {
        Ok(4)
    }
}

#[cfg(test)]
mod tests;
