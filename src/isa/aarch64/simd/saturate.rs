//! Saturating arithmetic and narrowing. Where IR ops can state the saturated result, QC comes from comparing it with the exact
//! one; the rest calls helpers.

use super::helpers::VecHelper;
use super::lanes::Shape;
use super::{is_scalar, size, u};
use crate::ir::{OpCode, Ty, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("SQADD (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", |t, i| add_sub(t, i, false)),
    row("UQADD (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", |t, i| add_sub(t, i, false)),
    row("SQADD (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", |t, i| add_sub(t, i, false)),
    row("UQADD (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 1 Rm:5 00001 1 Rn:5 Rd:5", |t, i| add_sub(t, i, false)),
    row("SQSUB (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", |t, i| add_sub(t, i, true)),
    row("UQSUB (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", |t, i| add_sub(t, i, true)),
    row("SQSUB (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", |t, i| add_sub(t, i, true)),
    row("UQSUB (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 1 Rm:5 00101 1 Rn:5 Rd:5", |t, i| add_sub(t, i, true)),
    row("SUQADD (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00011 10 Rn:5 Rd:5", add_mixed),
    row("USQADD (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 00011 10 Rn:5 Rd:5", add_mixed),
    row("SUQADD (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 10000 00011 10 Rn:5 Rd:5", add_mixed),
    row("USQADD (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 10000 00011 10 Rn:5 Rd:5", add_mixed),
    row("SQABS (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00111 10 Rn:5 Rd:5", abs_neg),
    row("SQNEG (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 00111 10 Rn:5 Rd:5", abs_neg),
    row("SQABS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 10000 00111 10 Rn:5 Rd:5", abs_neg),
    row("SQNEG (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 10000 00111 10 Rn:5 Rd:5", abs_neg),
    row("SQSHL (register, vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", |t, i| shift_left(t, i, false)),
    row("UQSHL (register, vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", |t, i| shift_left(t, i, false)),
    row("SQSHL (register, SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", |t, i| shift_left(t, i, false)),
    row("UQSHL (register, SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 1 Rm:5 01001 1 Rn:5 Rd:5", |t, i| shift_left(t, i, false)),
    row("SQRSHL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", |t, i| shift_left(t, i, true)),
    row("UQRSHL (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", |t, i| shift_left(t, i, true)),
    row("SQRSHL (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", |t, i| shift_left(t, i, true)),
    row("UQRSHL (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 1 Rm:5 01011 1 Rn:5 Rd:5", |t, i| shift_left(t, i, true)),
    row("SQDMULH (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", |t, i| mul_high(t, i, false)),
    row("SQDMULH (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", |t, i| mul_high(t, i, false)),
    row("SQDMULH (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 1100 H 0 Rn:5 Rd:5", |t, i| mul_high(t, i, false)),
    row("SQDMULH (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 size:2 L Rm:5 1100 H 0 Rn:5 Rd:5", |t, i| mul_high(t, i, false)),
    row("SQRDMULH (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", |t, i| mul_high(t, i, true)),
    row("SQRDMULH (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 1 Rm:5 10110 1 Rn:5 Rd:5", |t, i| mul_high(t, i, true)),
    row("SQRDMULH (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 1101 H 0 Rn:5 Rd:5", |t, i| mul_high(t, i, true)),
    row("SQRDMULH (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 size:2 L Rm:5 1101 H 0 Rn:5 Rd:5", |t, i| mul_high(t, i, true)),
    row("SQDMULL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 1101 00 Rn:5 Rd:5", |t, i| mul_long(t, i, 0)),
    row("SQDMULL (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 1101 00 Rn:5 Rd:5", |t, i| mul_long(t, i, 0)),
    row("SQDMULL (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 1011 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, 0)),
    row("SQDMULL (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 size:2 L Rm:5 1011 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, 0)),
    row("SQDMLAL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 1001 00 Rn:5 Rd:5", |t, i| mul_long(t, i, 1)),
    row("SQDMLAL (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 1001 00 Rn:5 Rd:5", |t, i| mul_long(t, i, 1)),
    row("SQDMLAL (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 0011 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, 1)),
    row("SQDMLAL (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 size:2 L Rm:5 0011 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, 1)),
    row("SQDMLSL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 1011 00 Rn:5 Rd:5", |t, i| mul_long(t, i, 2)),
    row("SQDMLSL (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 1 Rm:5 1011 00 Rn:5 Rd:5", |t, i| mul_long(t, i, 2)),
    row("SQDMLSL (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 0111 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, 2)),
    row("SQDMLSL (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 size:2 L Rm:5 0111 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, 2)),
    row("XTN", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 10010 10 Rn:5 Rd:5", narrow),
    row("SQXTUN (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 10010 10 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, false)),
    row("SQXTUN (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 10000 10010 10 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, false)),
    row("SQXTN (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 10100 10 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, true)),
    row("SQXTN (SIMD scalar)", Feature::AdvSimd, "01 0 11110 size:2 10000 10100 10 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, true)),
    row("UQXTN (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 10100 10 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, false)),
    row("UQXTN (SIMD scalar)", Feature::AdvSimd, "01 1 11110 size:2 10000 10100 10 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, false)),
];

impl Translator<'_, '_> {
    /// Lanes of size `lane` + 1 saturated to size `lane` and written as the narrow half of Vd.
    pub(super) fn narrow_saturated(
        &mut self,
        i: Insn,
        lane: u16,
        from_signed: bool,
        to_signed: bool,
        v: Val,
    ) -> Option<Flow> {
        let (wide, bits) = (lane + 1, 8u32 << lane);
        let max = (1u64 << (bits - u32::from(to_signed))) - 1;
        let max = self.splat(wide, max);
        let clamped = if from_signed {
            let min = if to_signed { -1i64 << (bits - 1) } else { 0 };
            let min = self.splat(wide, min as u64);
            let v = self.vec2(OpCode::VMaxS, wide, v, min);
            self.vec2(OpCode::VMinS, wide, v, max)
        } else {
            self.vec2(OpCode::VMinU, wide, v, max)
        };
        let source = Shape {
            lane: wide,
            bytes: if is_scalar(i) { 1 << wide } else { 16 },
        };
        self.accumulate_qc(source, v, clamped);
        let value = self.vec1(OpCode::VNarrow, lane, clamped);
        self.write_narrow(i, lane, value)
    }
}

/// SQADD, SQSUB and unsigned.
fn add_sub(t: &mut Translator<'_, '_>, i: Insn, subtract: bool) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let (n, m) = (t.n(i), t.m(i));
    let (exact, saturated) = match (subtract, u(i)) {
        (false, false) => (OpCode::VAdd, OpCode::VAddSatS),
        (false, true) => (OpCode::VAdd, OpCode::VAddSatU),
        (true, false) => (OpCode::VSub, OpCode::VSubSatS),
        (true, true) => (OpCode::VSub, OpCode::VSubSatU),
    };
    let exact = t.vec2(exact, s.lane, n, m);
    let value = t.vec2(saturated, s.lane, n, m);
    t.accumulate_qc(s, exact, value);
    t.write(i, s, value)
}

/// SUQADD: signed Vd plus unsigned Vn; USQADD the other way round.
fn add_mixed(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let (n, d) = (t.n(i), t.d(i));
    let value = t.call_vec(VecHelper::AddMixedSat, s, (!u(i)).into(), &[d, n]);
    t.write(i, s, value)
}

/// SQABS, SQNEG.
fn abs_neg(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let n = t.n(i);
    let value = t.call_vec(VecHelper::AbsSat, s, u(i).into(), &[n]);
    t.write(i, s, value)
}

/// SQDMULH, SQRDMULH.
fn mul_high(t: &mut Translator<'_, '_>, i: Insn, round: bool) -> Option<Flow> {
    if size(i) == 0 {
        return None;
    }
    let s = t.int_shape(i, 2)?;
    let (n, m) = (t.n(i), t.m_or_element(i, s.lane)?);
    let code = OpCode::VMulDoubleHi;
    let value = t.b.op(code, Ty::V128, &[n, m], s.lane, round.into());
    // Only the product of the two smallest numbers saturates.
    let min = t.splat(s.lane, 1 << (s.bits() - 1));
    let n_is_min = t.vec2(OpCode::VCmpEq, s.lane, n, min);
    let m_is_min = t.vec2(OpCode::VCmpEq, s.lane, m, min);
    let saturated = t.vec2(OpCode::VAnd, 0, n_is_min, m_is_min);
    t.accumulate_qc_bits(s, saturated);
    t.write(i, s, value)
}

/// SQDMULL (0), SQDMLAL (1), SQDMLSL (2).
fn mul_long(t: &mut Translator<'_, '_>, i: Insn, which: u16) -> Option<Flow> {
    let lane = size(i);
    if !(1..=2).contains(&lane) {
        return None;
    }
    let (n, m, d) = (t.n(i), t.m_or_element(i, lane)?, t.d(i));
    let (n, m) = (t.half(i, n), t.half(i, m));
    let wide = lane + 1;
    let s = Shape {
        lane: wide,
        bytes: if is_scalar(i) { 1 << wide } else { 16 },
    };
    let value = t.call_vec(VecHelper::MulLongSat, s, which, &[n, m, d]);
    t.write(i, s, value)
}

/// SQSHL, SQRSHL and unsigned, by register.
fn shift_left(t: &mut Translator<'_, '_>, i: Insn, round: bool) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let (n, m) = (t.n(i), t.m(i));
    let arg = u16::from(!u(i)) | u16::from(round) << 1;
    let value = t.call_vec(VecHelper::ShiftRegSat, s, arg, &[n, m]);
    t.write(i, s, value)
}

/// XTN.
fn narrow(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let lane = size(i);
    if lane == 3 {
        return None;
    }
    let n = t.n(i);
    let value = t.vec1(OpCode::VNarrow, lane, n);
    t.write_narrow(i, lane, value)
}

/// SQXTN, UQXTN, SQXTUN.
fn narrow_saturating(
    t: &mut Translator<'_, '_>,
    i: Insn,
    from_signed: bool,
    to_signed: bool,
) -> Option<Flow> {
    if size(i) == 3 {
        return None;
    }
    let n = t.n(i);
    t.narrow_saturated(i, size(i), from_signed, to_signed, n)
}
