//! Integer arithmetic on lanes: sums, products, halving, absolute differences, widening and narrowing forms.

use super::helpers::VecHelper;
use super::lanes::Shape;
use super::{is_scalar, size, u};
use crate::ir::{OpCode, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("ADD (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10000 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VAdd, OpCode::VSub)),
    row("SUB (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 10000 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VAdd, OpCode::VSub)),
    row("ADD (SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 1 Rm:5 10000 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VAdd, OpCode::VSub)),
    row("SUB (SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 1 Rm:5 10000 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VAdd, OpCode::VSub)),
    row("SHADD", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5", halving_add),
    row("UHADD", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5", halving_add),
    row("SRHADD", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 00010 1 Rn:5 Rd:5", rounding_halving_add),
    row("URHADD", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 00010 1 Rn:5 Rd:5", rounding_halving_add),
    row("SHSUB", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 00100 1 Rn:5 Rd:5", halving_sub),
    row("UHSUB", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 00100 1 Rn:5 Rd:5", halving_sub),
    row("SMAX", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01100 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 2, OpCode::VMaxS, OpCode::VMaxU)),
    row("UMAX", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01100 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 2, OpCode::VMaxS, OpCode::VMaxU)),
    row("SMIN", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01101 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 2, OpCode::VMinS, OpCode::VMinU)),
    row("UMIN", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01101 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 2, OpCode::VMinS, OpCode::VMinU)),
    row("SABD", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01110 1 Rn:5 Rd:5", abs_difference),
    row("UABD", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01110 1 Rn:5 Rd:5", abs_difference),
    row("SABA", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 01111 1 Rn:5 Rd:5", abs_difference_accumulate),
    row("UABA", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 01111 1 Rn:5 Rd:5", abs_difference_accumulate),
    row("MLA (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10010 1 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, OpCode::VAdd)),
    row("MLS (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 10010 1 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, OpCode::VSub)),
    row("MLA (by element)", Feature::AdvSimd, "0 Q 1 01111 size:2 L Rm:5 0000 H 0 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, OpCode::VAdd)),
    row("MLS (by element)", Feature::AdvSimd, "0 Q 1 01111 size:2 L Rm:5 0100 H 0 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, OpCode::VSub)),
    row("MUL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10011 1 Rn:5 Rd:5", mul),
    row("MUL (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 1000 H 0 Rn:5 Rd:5", mul),
    row("PMUL", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 10011 1 Rn:5 Rd:5", pmul),
    row("ABS (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 01011 10 Rn:5 Rd:5", abs),
    row("NEG (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 01011 10 Rn:5 Rd:5", abs),
    row("ABS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 10000 01011 10 Rn:5 Rd:5", abs),
    row("NEG (SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 10000 01011 10 Rn:5 Rd:5", abs),
    row("SADDL", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5", |t, i| long(t, i, OpCode::VAdd)),
    row("UADDL", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5", |t, i| long(t, i, OpCode::VAdd)),
    row("SADDW", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0001 00 Rn:5 Rd:5", |t, i| wide(t, i, OpCode::VAdd)),
    row("UADDW", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0001 00 Rn:5 Rd:5", |t, i| wide(t, i, OpCode::VAdd)),
    row("SSUBL", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0010 00 Rn:5 Rd:5", |t, i| long(t, i, OpCode::VSub)),
    row("USUBL", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0010 00 Rn:5 Rd:5", |t, i| long(t, i, OpCode::VSub)),
    row("SSUBW", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0011 00 Rn:5 Rd:5", |t, i| wide(t, i, OpCode::VSub)),
    row("USUBW", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0011 00 Rn:5 Rd:5", |t, i| wide(t, i, OpCode::VSub)),
    row("ADDHN", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0100 00 Rn:5 Rd:5", |t, i| high_narrow(t, i, OpCode::VAdd)),
    row("RADDHN", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0100 00 Rn:5 Rd:5", |t, i| high_narrow(t, i, OpCode::VAdd)),
    row("SABAL", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0101 00 Rn:5 Rd:5", |t, i| abs_difference_long(t, i, true)),
    row("UABAL", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0101 00 Rn:5 Rd:5", |t, i| abs_difference_long(t, i, true)),
    row("SUBHN", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0110 00 Rn:5 Rd:5", |t, i| high_narrow(t, i, OpCode::VSub)),
    row("RSUBHN", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0110 00 Rn:5 Rd:5", |t, i| high_narrow(t, i, OpCode::VSub)),
    row("SABDL", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 0111 00 Rn:5 Rd:5", |t, i| abs_difference_long(t, i, false)),
    row("UABDL", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 0111 00 Rn:5 Rd:5", |t, i| abs_difference_long(t, i, false)),
    row("SMLAL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 1000 00 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VAdd))),
    row("UMLAL (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 1000 00 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VAdd))),
    row("SMLAL (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 0010 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VAdd))),
    row("UMLAL (by element)", Feature::AdvSimd, "0 Q 1 01111 size:2 L Rm:5 0010 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VAdd))),
    row("SMLSL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 1010 00 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VSub))),
    row("UMLSL (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 1010 00 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VSub))),
    row("SMLSL (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 0110 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VSub))),
    row("UMLSL (by element)", Feature::AdvSimd, "0 Q 1 01111 size:2 L Rm:5 0110 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, Some(OpCode::VSub))),
    row("SMULL (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 1100 00 Rn:5 Rd:5", |t, i| mul_long(t, i, None)),
    row("UMULL (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 1100 00 Rn:5 Rd:5", |t, i| mul_long(t, i, None)),
    row("SMULL (by element)", Feature::AdvSimd, "0 Q 0 01111 size:2 L Rm:5 1010 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, None)),
    row("UMULL (by element)", Feature::AdvSimd, "0 Q 1 01111 size:2 L Rm:5 1010 H 0 Rn:5 Rd:5", |t, i| mul_long(t, i, None)),
    row("PMULL (8-bit)", Feature::AdvSimd, "0 Q 0 01110 00 1 Rm:5 1110 00 Rn:5 Rd:5", pmull),
    row("PMULL (64-bit)", Feature::Pmull, "0 Q 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5", pmull),
];

impl Translator<'_, '_> {
    /// Vd := `code`(Vn, Vm) lane by lane, for lanes up to size `max`.
    pub(super) fn lanewise(&mut self, i: Insn, max: u16, code: OpCode) -> Option<Flow> {
        let s = self.int_shape(i, max)?;
        let (n, m) = (self.n(i), self.m(i));
        let value = self.vec2(code, s.lane, n, m);
        self.write(i, s, value)
    }

    /// As [`Translator::lanewise`], the op chosen by the U bit.
    pub(super) fn lanewise_su(
        &mut self,
        i: Insn,
        max: u16,
        signed: OpCode,
        unsigned: OpCode,
    ) -> Option<Flow> {
        self.lanewise(i, max, if u(i) { unsigned } else { signed })
    }

    /// |`a` - `b`| of each lane, as signed or unsigned numbers.
    fn abs_diff(&mut self, lane: u16, unsigned: bool, a: Val, b: Val) -> Val {
        let (min, max) = if unsigned {
            (OpCode::VMinU, OpCode::VMaxU)
        } else {
            (OpCode::VMinS, OpCode::VMaxS)
        };
        let max = self.vec2(max, lane, a, b);
        let min = self.vec2(min, lane, a, b);
        self.vec2(OpCode::VSub, lane, max, min)
    }

    /// The low half's lanes at twice the width, signed unless U is set.
    pub(super) fn widen(&mut self, i: Insn, lane: u16, v: Val) -> Val {
        let code = if u(i) {
            OpCode::VWidenU
        } else {
            OpCode::VWidenS
        };
        self.vec1(code, lane, v)
    }
}

fn abs(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let n = t.n(i);
    let code = if u(i) { OpCode::VNeg } else { OpCode::VAbs };
    let value = t.vec1(code, s.lane, n);
    t.write(i, s, value)
}

/// `(a + b) >> 1` without overflow is `(a & b) + ((a ^ b) >> 1)`.
fn halving_add(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m) = (t.n(i), t.m(i));
    let common = t.vec2(OpCode::VAnd, 0, n, m);
    let half = half_difference(t, i, s, n, m);
    let value = t.vec2(OpCode::VAdd, s.lane, common, half);
    t.write(i, s, value)
}

/// `(a + b + 1) >> 1` is `(a | b) - ((a ^ b) >> 1)`.
fn rounding_halving_add(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m) = (t.n(i), t.m(i));
    if u(i) && s.lane < 2 {
        let value = t.vec2(OpCode::VAvgU, s.lane, n, m);
        return t.write(i, s, value);
    }
    let either = t.vec2(OpCode::VOr, 0, n, m);
    let half = half_difference(t, i, s, n, m);
    let value = t.vec2(OpCode::VSub, s.lane, either, half);
    t.write(i, s, value)
}

/// `(a - b) >> 1` is `((a ^ b) >> 1) - (b & !a)`.
fn halving_sub(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m) = (t.n(i), t.m(i));
    let borrow = t.vec2(OpCode::VAndNot, 0, m, n);
    let half = half_difference(t, i, s, n, m);
    let value = t.vec2(OpCode::VSub, s.lane, half, borrow);
    t.write(i, s, value)
}

/// `(n ^ m) >> 1`, signed unless U is set.
fn half_difference(t: &mut Translator<'_, '_>, i: Insn, s: Shape, n: Val, m: Val) -> Val {
    let x = t.vec2(OpCode::VXor, 0, n, m);
    let code = if u(i) { OpCode::VShrUI } else { OpCode::VShrSI };
    t.shift_imm(code, s.lane, x, 1)
}

fn abs_difference(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m) = (t.n(i), t.m(i));
    let value = t.abs_diff(s.lane, u(i), n, m);
    t.write(i, s, value)
}

fn abs_difference_accumulate(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m, d) = (t.n(i), t.m(i), t.d(i));
    let difference = t.abs_diff(s.lane, u(i), n, m);
    let value = t.vec2(OpCode::VAdd, s.lane, d, difference);
    t.write(i, s, value)
}

fn mul(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m) = (t.n(i), t.m_or_element(i, s.lane)?);
    let value = t.vec2(OpCode::VMul, s.lane, n, m);
    t.write(i, s, value)
}

fn mul_accumulate(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m, d) = (t.n(i), t.m_or_element(i, s.lane)?, t.d(i));
    let product = t.vec2(OpCode::VMul, s.lane, n, m);
    let value = t.vec2(code, s.lane, d, product);
    t.write(i, s, value)
}

fn pmul(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 0)?;
    let (n, m) = (t.n(i), t.m(i));
    let value = t.call_vec(VecHelper::PolyMul, s, 0, &[n, m]);
    t.write(i, s, value)
}

fn pmull(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (n, m) = (t.n(i), t.m(i));
    let (n, m) = (t.half(i, n), t.half(i, m));
    let value = match size(i) {
        0 => t.call_vec(VecHelper::PolyMulLong, Shape::full(1), 0, &[n, m]),
        3 => t.vec2(OpCode::VPmull64, 3, n, m),
        _ => return None,
    };
    t.write(i, Shape::full(3), value)
}

/// SADDL, SSUBL and unsigned.
fn long(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let lane = narrow_lane(i)?;
    let (n, m) = (t.n(i), t.m(i));
    let (n, m) = (t.half(i, n), t.half(i, m));
    let (n, m) = (t.widen(i, lane, n), t.widen(i, lane, m));
    let value = t.vec2(code, lane + 1, n, m);
    t.write(i, Shape::full(lane + 1), value)
}

/// SADDW, SSUBW and unsigned.
fn wide(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let lane = narrow_lane(i)?;
    let (n, m) = (t.n(i), t.m(i));
    let m = t.half(i, m);
    let m = t.widen(i, lane, m);
    let value = t.vec2(code, lane + 1, n, m);
    t.write(i, Shape::full(lane + 1), value)
}

/// SABDL, SABAL and unsigned: at twice the width the difference can't overflow.
fn abs_difference_long(t: &mut Translator<'_, '_>, i: Insn, accumulate: bool) -> Option<Flow> {
    let lane = narrow_lane(i)?;
    let (n, m) = (t.n(i), t.m(i));
    let (n, m) = (t.half(i, n), t.half(i, m));
    let (n, m) = (t.widen(i, lane, n), t.widen(i, lane, m));
    let difference = t.vec2(OpCode::VSub, lane + 1, n, m);
    let mut value = t.vec1(OpCode::VAbs, lane + 1, difference);
    if accumulate {
        let d = t.d(i);
        value = t.vec2(OpCode::VAdd, lane + 1, d, value);
    }
    t.write(i, Shape::full(lane + 1), value)
}

/// SMULL, SMLAL (`VAdd`), SMLSL (`VSub`) and unsigned.
fn mul_long(t: &mut Translator<'_, '_>, i: Insn, accumulate: Option<OpCode>) -> Option<Flow> {
    let lane = narrow_lane(i)?;
    let (n, m) = (t.n(i), t.m_or_element(i, lane)?);
    let (n, m) = (t.half(i, n), t.half(i, m));
    let code = if u(i) {
        OpCode::VMulWideU
    } else {
        OpCode::VMulWideS
    };
    let mut value = t.vec2(code, lane, n, m);
    if let Some(code) = accumulate {
        let d = t.d(i);
        value = t.vec2(code, lane + 1, d, value);
    }
    t.write(i, Shape::full(lane + 1), value)
}

/// The lane size of the narrow side of a widening or narrowing instruction.
fn narrow_lane(i: Insn) -> Option<u16> {
    debug_assert!(!is_scalar(i));
    (size(i) < 3).then_some(size(i))
}

/// ADDHN, SUBHN: the high half of each wide sum; RADDHN, RSUBHN round it.
fn high_narrow(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let lane = narrow_lane(i)?;
    let width = 8 << lane;
    let (n, m) = (t.n(i), t.m(i));
    let mut sum = t.vec2(code, lane + 1, n, m);
    if u(i) {
        let half = t.splat(lane + 1, 1 << (width - 1));
        sum = t.vec2(OpCode::VAdd, lane + 1, sum, half);
    }
    let high = t.shift_imm(OpCode::VShrUI, lane + 1, sum, width);
    let value = t.vec1(OpCode::VNarrow, lane, high);
    t.write_narrow(i, lane, value)
}
