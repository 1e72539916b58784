//! Conversions between integers, fixed point and the floating-point formats, and rounding to integral values.

use super::helpers::VecHelper;
use super::lanes::Shape;
use super::shift::immediate_lane;
use super::{fp_lane, is_scalar, u};
use crate::ir::{FpRound, OpCode, Ty, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::mode;
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("FCVTNS (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestEven)),
    row("FCVTNU (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestEven)),
    row("FCVTMS (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Down)),
    row("FCVTMU (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Down)),
    row("FCVTAS (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 11100 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestAway)),
    row("FCVTAU (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 10000 11100 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestAway)),
    row("FCVTPS (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Up)),
    row("FCVTPU (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Up)),
    row("FCVTZS (integer, vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero)),
    row("FCVTZU (integer, vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero)),
    row("SCVTF (integer, vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 11101 10 Rn:5 Rd:5", from_int),
    row("UCVTF (integer, vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 10000 11101 10 Rn:5 Rd:5", from_int),
    row("FCVTNS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 0 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestEven)),
    row("FCVTNU (SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestEven)),
    row("FCVTMS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 0 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Down)),
    row("FCVTMU (SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Down)),
    row("FCVTAS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 0 sz 10000 11100 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestAway)),
    row("FCVTAU (SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 10000 11100 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestAway)),
    row("FCVTPS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 1 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Up)),
    row("FCVTPU (SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 10000 11010 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Up)),
    row("FCVTZS (integer, SIMD scalar)", Feature::AdvSimd, "01 0 11110 1 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero)),
    row("FCVTZU (integer, SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 10000 11011 10 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero)),
    row("SCVTF (integer, SIMD scalar)", Feature::AdvSimd, "01 0 11110 0 sz 10000 11101 10 Rn:5 Rd:5", from_int),
    row("UCVTF (integer, SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 10000 11101 10 Rn:5 Rd:5", from_int),
    row("SCVTF (fixed-point, vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 11100 1 Rn:5 Rd:5", from_fixed),
    row("FCVTZS (fixed-point, vector)", Feature::AdvSimd, "0 Q 0 011110 immh:4!=0000 immb:3 11111 1 Rn:5 Rd:5", to_fixed),
    row("UCVTF (fixed-point, vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 11100 1 Rn:5 Rd:5", from_fixed),
    row("FCVTZU (fixed-point, vector)", Feature::AdvSimd, "0 Q 1 011110 immh:4!=0000 immb:3 11111 1 Rn:5 Rd:5", to_fixed),
    row("SCVTF (fixed-point, SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 11100 1 Rn:5 Rd:5", from_fixed),
    row("FCVTZS (fixed-point, SIMD scalar)", Feature::AdvSimd, "01 0 111110 immh:4!=0000 immb:3 11111 1 Rn:5 Rd:5", to_fixed),
    row("UCVTF (fixed-point, SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 11100 1 Rn:5 Rd:5", from_fixed),
    row("FCVTZU (fixed-point, SIMD scalar)", Feature::AdvSimd, "01 1 111110 immh:4!=0000 immb:3 11111 1 Rn:5 Rd:5", to_fixed),
    row("FRINTN (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 11000 10 Rn:5 Rd:5", |t, i| round_int(t, i, FpRound::NearestEven, false)),
    row("FRINTM (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 11001 10 Rn:5 Rd:5", |t, i| round_int(t, i, FpRound::Down, false)),
    row("FRINTP (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 11000 10 Rn:5 Rd:5", |t, i| round_int(t, i, FpRound::Up, false)),
    row("FRINTZ (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 11001 10 Rn:5 Rd:5", |t, i| round_int(t, i, FpRound::Zero, false)),
    row("FRINTA (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 10000 11000 10 Rn:5 Rd:5", |t, i| round_int(t, i, FpRound::NearestAway, false)),
    row("FRINTX (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 10000 11001 10 Rn:5 Rd:5", |t, i| round_int(t, i, FpRound::Dynamic, true)),
    row("FRINTI (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 11001 10 Rn:5 Rd:5", |t, i| round_int(t, i, FpRound::Dynamic, false)),
    row("FCVTL", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 10111 10 Rn:5 Rd:5", widen),
    row("FCVTN", Feature::AdvSimd, "0 Q 0 01110 0 sz 10000 10110 10 Rn:5 Rd:5", narrow),
    row("FCVTXN (vector)", Feature::AdvSimd, "0 Q 1 01110 01 10000 10110 10 Rn:5 Rd:5", narrow_to_odd),
    row("FCVTXN (SIMD scalar)", Feature::AdvSimd, "01 1 11110 01 10000 10110 10 Rn:5 Rd:5", narrow_to_odd),
];

/// FCVTNS, FCVTMS, FCVTAS, FCVTPS, FCVTZS and unsigned.
fn to_int(t: &mut Translator<'_, '_>, i: Insn, round: FpRound) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let n = t.n(i);
    let value = convert_to_int(t, i, s, n, round, 0);
    t.write(i, s, value)
}

/// FCVTZS, FCVTZU to fixed point.
fn to_fixed(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (s, fbits) = fixed_shape(t, i)?;
    let n = t.n(i);
    let value = convert_to_int(t, i, s, n, FpRound::Zero, fbits);
    t.write(i, s, value)
}

fn convert_to_int(
    t: &mut Translator<'_, '_>,
    i: Insn,
    s: Shape,
    n: Val,
    round: FpRound,
    fbits: u16,
) -> Val {
    let signed = !u(i);
    if is_scalar(i) {
        let int = t.b.f_to_int(scalar_int(s), s.lane, round, signed, n);
        t.b.block.ops[usize::from(int)].imm = fbits.into();
        return t.vec1(OpCode::VFromInt, 0, int);
    }
    let n = t.fp_source(s, n);
    let aux2 = round as u16 | u16::from(signed) << 4;
    let v = t.b.op(OpCode::VFToInt, Ty::V128, &[n], s.lane, aux2);
    t.b.block.ops[usize::from(v)].imm = fbits.into();
    v
}

/// SCVTF, UCVTF.
fn from_int(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    convert_from_int(t, i, s, 0)
}

/// SCVTF, UCVTF from fixed point.
fn from_fixed(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (s, fbits) = fixed_shape(t, i)?;
    convert_from_int(t, i, s, fbits)
}

fn convert_from_int(t: &mut Translator<'_, '_>, i: Insn, s: Shape, fbits: u16) -> Option<Flow> {
    let n = t.n(i);
    let signed = u16::from(!u(i));
    let value = if is_scalar(i) {
        let int = t.b.op(OpCode::VToInt, scalar_int(s), &[n], s.lane, 0);
        let aux2 = signed << 4 | u16::from(s.lane == 3);
        let v = t.b.op(OpCode::IntToF, Ty::V128, &[int], s.lane, aux2);
        t.b.block.ops[usize::from(v)].imm = fbits.into();
        v
    } else if fbits == 0 {
        let n = t.fp_source(s, n);
        let code = if u(i) {
            OpCode::VUIntToF
        } else {
            OpCode::VIntToF
        };
        t.vec1(code, s.lane, n)
    } else {
        t.call_vec(VecHelper::FixedToFp, s, signed | fbits << 8, &[n])
    };
    t.write(i, s, value)
}

fn scalar_int(s: Shape) -> Ty {
    if s.lane == 3 { Ty::I64 } else { Ty::I32 }
}

/// The shape and number of fraction bits of a fixed-point conversion.
fn fixed_shape(t: &Translator<'_, '_>, i: Insn) -> Option<(Shape, u16)> {
    let lane = immediate_lane(i);
    // 16-bit lanes are FEAT_FP16.
    if lane < 2 {
        return None;
    }
    let fbits = (16 << lane) - i.bits(16, 7) as u16;
    Some((t.shape(i, lane)?, fbits))
}

/// FRINTN, FRINTM, FRINTP, FRINTZ, FRINTA, FRINTI, and FRINTX, which is `exact`.
fn round_int(t: &mut Translator<'_, '_>, i: Insn, round: FpRound, exact: bool) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let n = t.n(i);
    let n = t.fp_source(s, n);
    let aux2 = round as u16 | u16::from(exact) << 4;
    let value = t.b.op(OpCode::VFRoundInt, Ty::V128, &[n], s.lane, aux2);
    t.write(i, s, value)
}

/// FCVTL: half to single, single to double.
fn widen(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let n = t.n(i);
    let n = t.half(i, n);
    let s = Shape::full(fp_lane(i));
    let value = if is_alternative_half(t, s.lane - 1) {
        t.call_vec(VecHelper::WidenAlternativeHalf, s, 0, &[n])
    } else {
        t.vec1(OpCode::VFWiden, s.lane - 1, n)
    };
    t.write(i, s, value)
}

/// FCVTN: single to half, double to single.
fn narrow(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let n = t.n(i);
    let lane = fp_lane(i) - 1;
    let value = if is_alternative_half(t, lane) {
        let s = Shape { lane, bytes: 8 };
        t.call_vec(VecHelper::NarrowAlternativeHalf, s, 0, &[n])
    } else {
        t.vec1(OpCode::VFNarrow, lane, n)
    };
    t.write_narrow(i, lane, value)
}

/// Whether a conversion's narrow lanes are in Arm's alternative half-precision format.
fn is_alternative_half(t: &Translator<'_, '_>, lane: u16) -> bool {
    lane == 1 && t.mode() & mode::AHP != 0
}

/// FCVTXN: double to single, rounded to odd.
fn narrow_to_odd(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let n = t.n(i);
    let bytes = if is_scalar(i) { 4 } else { 8 };
    let s = Shape { lane: 2, bytes };
    let value = t.call_vec(VecHelper::NarrowToOdd, s, 0, &[n]);
    t.write_narrow(i, 2, value)
}
