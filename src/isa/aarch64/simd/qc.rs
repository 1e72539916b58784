//! FPSR.QC, the cumulative saturation bit: kept as a vector that is non-zero when the bit is set, so that a saturating
//! instruction made of plain vector ops can OR in where its result differs from the exact one.

use super::lanes::Shape;
use crate::ir::{CpuState, OpCode, Ty, Val};
use crate::isa::aarch64::regs;
use crate::isa::aarch64::translate::Translator;

/// Sets the bit.
pub fn set(cpu: &mut CpuState) {
    cpu.write(regs::QC, 16, 1);
}

impl Translator<'_, '_> {
    /// Sets QC if `exact` and `saturated` differ inside of `s`.
    pub(super) fn accumulate_qc(&mut self, s: Shape, exact: Val, saturated: Val) {
        let difference = self.vec2(OpCode::VXor, 0, exact, saturated);
        self.accumulate_qc_bits(s, difference);
    }

    /// Sets QC if any bit is set inside of `s`.
    pub(super) fn accumulate_qc_bits(&mut self, s: Shape, bits: Val) {
        let bits = self.clear_above(s, bits);
        let qc = self.b.get(Ty::V128, regs::QC);
        let qc = self.vec2(OpCode::VOr, 0, qc, bits);
        self.b.set(Ty::V128, regs::QC, qc);
    }
}
