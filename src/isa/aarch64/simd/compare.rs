//! Comparisons of lanes, integer and floating point: all ones or zero.

use crate::ir::OpCode;
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("CMGT (register, vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 00110 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGtS, OpCode::VCmpGtU)),
    row("CMHI (register, vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 00110 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGtS, OpCode::VCmpGtU)),
    row("CMGT (register, SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 1 Rm:5 00110 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGtS, OpCode::VCmpGtU)),
    row("CMHI (register, SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 1 Rm:5 00110 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGtS, OpCode::VCmpGtU)),
    row("CMGE (register, vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 00111 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGeS, OpCode::VCmpGeU)),
    row("CMHS (register, vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 00111 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGeS, OpCode::VCmpGeU)),
    row("CMGE (register, SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 1 Rm:5 00111 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGeS, OpCode::VCmpGeU)),
    row("CMHS (register, SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 1 Rm:5 00111 1 Rn:5 Rd:5", |t, i| t.lanewise_su(i, 3, OpCode::VCmpGeS, OpCode::VCmpGeU)),
    row("CMTST (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10001 1 Rn:5 Rd:5", test_bits),
    row("CMEQ (register, vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 10001 1 Rn:5 Rd:5", |t, i| t.lanewise(i, 3, OpCode::VCmpEq)),
    row("CMTST (SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 1 Rm:5 10001 1 Rn:5 Rd:5", test_bits),
    row("CMEQ (register, SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 1 Rm:5 10001 1 Rn:5 Rd:5", |t, i| t.lanewise(i, 3, OpCode::VCmpEq)),
    row("CMGT (zero, vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 01000 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGtS, false)),
    row("CMGE (zero, vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 01000 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGeS, false)),
    row("CMEQ (zero, vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 01001 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpEq, false)),
    row("CMLE (zero, vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 01001 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGeS, true)),
    row("CMLT (zero, vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 01010 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGtS, true)),
    row("CMGT (zero, SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 10000 01000 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGtS, false)),
    row("CMGE (zero, SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 10000 01000 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGeS, false)),
    row("CMEQ (zero, SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 10000 01001 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpEq, false)),
    row("CMLE (zero, SIMD scalar)", Feature::AdvSimd, "01 1 11110 11 10000 01001 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGeS, true)),
    row("CMLT (zero, SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 10000 01010 10 Rn:5 Rd:5", |t, i| with_zero(t, i, OpCode::VCmpGtS, true)),
    row("FCMEQ (register, vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpEq, false)),
    row("FCMGE (register, vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGe, false)),
    row("FCMGT (register, vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 1 Rm:5 11100 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGt, false)),
    row("FACGE (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 1 Rm:5 11101 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGe, true)),
    row("FACGT (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 1 Rm:5 11101 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGt, true)),
    row("FCMEQ (register, SIMD scalar)", Feature::AdvSimd, "01 0 11110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpEq, false)),
    row("FCMGE (register, SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 1 Rm:5 11100 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGe, false)),
    row("FCMGT (register, SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 1 Rm:5 11100 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGt, false)),
    row("FACGE (SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 1 Rm:5 11101 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGe, true)),
    row("FACGT (SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 1 Rm:5 11101 1 Rn:5 Rd:5", |t, i| fp(t, i, OpCode::VFCmpGt, true)),
    row("FCMGT (zero, vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 01100 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGt, false)),
    row("FCMEQ (zero, vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 01101 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpEq, false)),
    row("FCMLT (zero, vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 01110 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGt, true)),
    row("FCMGE (zero, vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 01100 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGe, false)),
    row("FCMLE (zero, vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 01101 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGe, true)),
    row("FCMGT (zero, SIMD scalar)", Feature::AdvSimd, "01 0 11110 1 sz 10000 01100 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGt, false)),
    row("FCMEQ (zero, SIMD scalar)", Feature::AdvSimd, "01 0 11110 1 sz 10000 01101 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpEq, false)),
    row("FCMLT (zero, SIMD scalar)", Feature::AdvSimd, "01 0 11110 1 sz 10000 01110 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGt, true)),
    row("FCMGE (zero, SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 10000 01100 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGe, false)),
    row("FCMLE (zero, SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 10000 01101 10 Rn:5 Rd:5", |t, i| fp_with_zero(t, i, OpCode::VFCmpGe, true)),
];

/// CMTST: whether any bit is set in both.
fn test_bits(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let (n, m) = (t.n(i), t.m(i));
    let common = t.vec2(OpCode::VAnd, 0, n, m);
    let zero = t.b.vconst(0);
    let none = t.vec2(OpCode::VCmpEq, s.lane, common, zero);
    let value = t.vec1(OpCode::VNot, 0, none);
    t.write(i, s, value)
}

/// A comparison with zero; `swap`: zero is the first operand.
fn with_zero(t: &mut Translator<'_, '_>, i: Insn, code: OpCode, swap: bool) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let n = t.n(i);
    let zero = t.b.vconst(0);
    let (a, b) = if swap { (zero, n) } else { (n, zero) };
    let value = t.vec2(code, s.lane, a, b);
    t.write(i, s, value)
}

/// FCMEQ, FCMGE, FCMGT; FACGE, FACGT with `absolute`.
fn fp(t: &mut Translator<'_, '_>, i: Insn, code: OpCode, absolute: bool) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let (n, m) = (t.n(i), t.m(i));
    let (mut n, mut m) = (t.fp_source(s, n), t.fp_source(s, m));
    if absolute {
        (n, m) = (t.fp_abs(s.lane, n), t.fp_abs(s.lane, m));
    }
    let value = t.vec2(code, s.lane, n, m);
    t.write(i, s, value)
}

/// FCMEQ, FCMGE, FCMGT, FCMLE, FCMLT with zero, the last two with `swap`.
fn fp_with_zero(t: &mut Translator<'_, '_>, i: Insn, code: OpCode, swap: bool) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let n = t.n(i);
    let n = t.fp_source(s, n);
    let zero = t.b.vconst(0);
    let (a, b) = if swap { (zero, n) } else { (n, zero) };
    let value = t.vec2(code, s.lane, a, b);
    t.write(i, s, value)
}
