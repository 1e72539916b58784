//! Shifts by immediates and by registers.

use super::helpers::VecHelper;
use super::lanes::Shape;
use super::{is_scalar, u};
use crate::ir::{OpCode, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("SSHL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01000 1 Rn:5 Rd:5", |t, i| by_register(t, i, false)),
    row("USHL (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01000 1 Rn:5 Rd:5", |t, i| by_register(t, i, false)),
    row("SSHL (SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 1 Rm:5 01000 1 Rn:5 Rd:5", |t, i| by_register(t, i, false)),
    row("USHL (SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 1 Rm:5 01000 1 Rn:5 Rd:5", |t, i| by_register(t, i, false)),
    row("SRSHL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01010 1 Rn:5 Rd:5", |t, i| by_register(t, i, true)),
    row("URSHL (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01010 1 Rn:5 Rd:5", |t, i| by_register(t, i, true)),
    row("SRSHL (SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 1 Rm:5 01010 1 Rn:5 Rd:5", |t, i| by_register(t, i, true)),
    row("URSHL (SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 1 Rm:5 01010 1 Rn:5 Rd:5", |t, i| by_register(t, i, true)),
    row("SSHR (vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 00000 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, false)),
    row("USHR (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 00000 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, false)),
    row("SSHR (SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 00000 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, false)),
    row("USHR (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 00000 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, false)),
    row("SSRA (vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 00010 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, true)),
    row("USRA (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 00010 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, true)),
    row("SSRA (SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 00010 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, true)),
    row("USRA (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 00010 1 Rn:5 Rd:5", |t, i| shift_right(t, i, false, true)),
    row("SRSHR (vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 00100 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, false)),
    row("URSHR (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 00100 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, false)),
    row("SRSHR (SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 00100 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, false)),
    row("URSHR (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 00100 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, false)),
    row("SRSRA (vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 00110 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, true)),
    row("URSRA (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 00110 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, true)),
    row("SRSRA (SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 00110 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, true)),
    row("URSRA (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 00110 1 Rn:5 Rd:5", |t, i| shift_right(t, i, true, true)),
    row("SHL (vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 01010 1 Rn:5 Rd:5", shift_left),
    row("SLI (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 01010 1 Rn:5 Rd:5", shift_left_insert),
    row("SRI (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 01000 1 Rn:5 Rd:5", shift_right_insert),
    row("SQSHLU (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 01100 1 Rn:5 Rd:5", |t, i| shift_left_saturating(t, i, true, false)),
    row("SQSHL (immediate, vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 01110 1 Rn:5 Rd:5", |t, i| shift_left_saturating(t, i, true, true)),
    row("UQSHL (immediate, vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 01110 1 Rn:5 Rd:5", |t, i| shift_left_saturating(t, i, false, false)),
    row("SQSHRN (vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 10010 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, true, true)),
    row("SQRSHRN (vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 10011 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, true, true)),
    row("SQSHRUN (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 10000 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, true, false)),
    row("SQRSHRUN (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 10001 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, true, false)),
    row("UQSHRN (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 10010 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, false, false)),
    row("UQRSHRN (vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 10011 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, false, false)),
    row("SHL (SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 01010 1 Rn:5 Rd:5", shift_left),
    row("SLI (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 01010 1 Rn:5 Rd:5", shift_left_insert),
    row("SRI (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 01000 1 Rn:5 Rd:5", shift_right_insert),
    row("SQSHLU (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 01100 1 Rn:5 Rd:5", |t, i| shift_left_saturating(t, i, true, false)),
    row("SQSHL (immediate, SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 01110 1 Rn:5 Rd:5", |t, i| shift_left_saturating(t, i, true, true)),
    row("UQSHL (immediate, SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 01110 1 Rn:5 Rd:5", |t, i| shift_left_saturating(t, i, false, false)),
    row("SQSHRN (SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 10010 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, true, true)),
    row("SQRSHRN (SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 10011 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, true, true)),
    row("SQSHRUN (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 10000 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, true, false)),
    row("SQRSHRUN (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 10001 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, true, false)),
    row("UQSHRN (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 10010 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, false, false, false)),
    row("UQRSHRN (SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 10011 1 Rn:5 Rd:5", |t, i| narrow_saturating(t, i, true, false, false)),
    row("SHRN", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 10000 1 Rn:5 Rd:5", |t, i| narrow(t, i, false)),
    row("RSHRN", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 10001 1 Rn:5 Rd:5", |t, i| narrow(t, i, true)),
    row("SSHLL", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 10100 1 Rn:5 Rd:5", widen),
    row("USHLL", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 10100 1 Rn:5 Rd:5", widen),
    row("SHLL", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 10011 10 Rn:5 Rd:5", widen_by_width),
];

/// The lane size that `immh` names: its highest set bit.
pub(super) fn immediate_lane(i: Insn) -> u16 {
    i.bits(19, 4).ilog2() as u16
}

/// The shape and amount of a right shift by an immediate: 1 to the lane's width.
fn right(t: &Translator<'_, '_>, i: Insn) -> Option<(Shape, u32)> {
    let s = same_width(t, i)?;
    Some((s, 2 * s.bits() - i.bits(16, 7)))
}

/// The shape and amount of a left shift by an immediate: 0 to the lane's width less 1.
fn left(t: &Translator<'_, '_>, i: Insn) -> Option<(Shape, u32)> {
    let s = same_width(t, i)?;
    Some((s, i.bits(16, 7) - s.bits()))
}

fn same_width(t: &Translator<'_, '_>, i: Insn) -> Option<Shape> {
    t.shape(i, immediate_lane(i))
}

/// As [`same_width`], for the instructions whose scalar form has 64-bit lanes only.
fn only_double(i: Insn) -> Option<()> {
    (!is_scalar(i) || immediate_lane(i) == 3).then_some(())
}

impl Translator<'_, '_> {
    /// Each lane shifted right by `by` (up to its width), signed or not, rounded or not.
    fn shift_right(&mut self, lane: u16, unsigned: bool, round: bool, v: Val, by: u32) -> Val {
        let code = if unsigned {
            OpCode::VShrUI
        } else {
            OpCode::VShrSI
        };
        let shifted = self.shift_imm(code, lane, v, by);
        if !round {
            return shifted;
        }
        // Adding the last bit shifted out can't overflow, as adding half before the shift could.
        let last = self.shift_imm(OpCode::VShrUI, lane, v, by - 1);
        let one = self.splat(lane, 1);
        let last = self.vec2(OpCode::VAnd, 0, last, one);
        self.vec2(OpCode::VAdd, lane, shifted, last)
    }
}

/// SSHR, SRSHR, SSRA, SRSRA and unsigned.
fn shift_right(t: &mut Translator<'_, '_>, i: Insn, round: bool, accumulate: bool) -> Option<Flow> {
    only_double(i)?;
    let (s, by) = right(t, i)?;
    let n = t.n(i);
    let mut value = t.shift_right(s.lane, u(i), round, n, by);
    if accumulate {
        let d = t.d(i);
        value = t.vec2(OpCode::VAdd, s.lane, d, value);
    }
    t.write(i, s, value)
}

fn shift_left(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    only_double(i)?;
    let (s, by) = left(t, i)?;
    let n = t.n(i);
    let value = t.shift_imm(OpCode::VShlI, s.lane, n, by);
    t.write(i, s, value)
}

/// SLI: the low bits of Vd stay.
fn shift_left_insert(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    only_double(i)?;
    let (s, by) = left(t, i)?;
    let (n, d) = (t.n(i), t.d(i));
    let shifted = t.shift_imm(OpCode::VShlI, s.lane, n, by);
    let mask = t.splat(s.lane, u64::MAX << by);
    let value = t.bit_select(mask, shifted, d);
    t.write(i, s, value)
}

/// SRI: the high bits of Vd stay.
fn shift_right_insert(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    only_double(i)?;
    let (s, by) = right(t, i)?;
    let (n, d) = (t.n(i), t.d(i));
    let shifted = t.shift_imm(OpCode::VShrUI, s.lane, n, by);
    let ones = u64::MAX >> (64 - s.bits());
    let mask = t.splat(s.lane, ones.checked_shr(by).unwrap_or(0));
    let value = t.bit_select(mask, shifted, d);
    t.write(i, s, value)
}

/// SQSHL, UQSHL, SQSHLU by an immediate.
fn shift_left_saturating(
    t: &mut Translator<'_, '_>,
    i: Insn,
    from_signed: bool,
    to_signed: bool,
) -> Option<Flow> {
    let (s, by) = left(t, i)?;
    let n = t.n(i);
    let arg = u16::from(from_signed) | u16::from(to_signed) << 1 | (by as u16) << 8;
    let value = t.call_vec(VecHelper::ShiftImmSat, s, arg, &[n]);
    t.write(i, s, value)
}

/// The narrow lane size and the amount of a narrowing right shift.
fn right_narrow(i: Insn) -> Option<(u16, u32)> {
    let lane = immediate_lane(i);
    (lane < 3).then(|| (lane, (16 << lane) - i.bits(16, 7)))
}

/// SHRN, RSHRN.
fn narrow(t: &mut Translator<'_, '_>, i: Insn, round: bool) -> Option<Flow> {
    let (lane, by) = right_narrow(i)?;
    let n = t.n(i);
    let shifted = t.shift_right(lane + 1, true, round, n, by);
    let value = t.vec1(OpCode::VNarrow, lane, shifted);
    t.write_narrow(i, lane, value)
}

/// SQSHRN, UQSHRN, SQSHRUN and rounding.
fn narrow_saturating(
    t: &mut Translator<'_, '_>,
    i: Insn,
    round: bool,
    from_signed: bool,
    to_signed: bool,
) -> Option<Flow> {
    let (lane, by) = right_narrow(i)?;
    let n = t.n(i);
    let shifted = t.shift_right(lane + 1, !from_signed, round, n, by);
    t.narrow_saturated(i, lane, from_signed, to_signed, shifted)
}

/// SSHLL, USHLL.
fn widen(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let lane = immediate_lane(i);
    if lane == 3 {
        return None;
    }
    let by = i.bits(16, 7) - (8 << lane);
    let n = t.n(i);
    let n = t.half(i, n);
    let wide = t.widen(i, lane, n);
    let value = t.shift_imm(OpCode::VShlI, lane + 1, wide, by);
    t.write(i, Shape::full(lane + 1), value)
}

/// SHLL: by the lane's width.
fn widen_by_width(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let lane = super::size(i);
    if lane == 3 {
        return None;
    }
    let n = t.n(i);
    let n = t.half(i, n);
    let wide = t.vec1(OpCode::VWidenU, lane, n);
    let value = t.shift_imm(OpCode::VShlI, lane + 1, wide, 8 << lane);
    t.write(i, Shape::full(lane + 1), value)
}

/// SSHL, SRSHL and unsigned, by register: negative amounts shift right.
fn by_register(t: &mut Translator<'_, '_>, i: Insn, round: bool) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let (n, m) = (t.n(i), t.m(i));
    let value = match (round, u(i)) {
        (false, false) => t.vec2(OpCode::VShlVarS, s.lane, n, m),
        (false, true) => t.vec2(OpCode::VShlVarU, s.lane, n, m),
        (true, unsigned) => t.call_vec(VecHelper::ShiftRound, s, (!unsigned).into(), &[n, m]),
    };
    t.write(i, s, value)
}
