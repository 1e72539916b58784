//! Floating-point arithmetic on lanes.

use super::helpers::VecHelper;
use super::lanes::Shape;
use super::{is_scalar, u};
use crate::ir::{OpCode, Ty, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("FADD (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 1 Rm:5 11010 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FAdd, OpCode::VFAdd)),
    row("FSUB (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 1 Rm:5 11010 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FSub, OpCode::VFSub)),
    row("FMUL (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 1 Rm:5 11011 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMul, OpCode::VFMul)),
    row("FDIV (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 1 Rm:5 11111 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FDiv, OpCode::VFDiv)),
    row("FMAX (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 1 Rm:5 11110 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMax, OpCode::VFMax)),
    row("FMIN (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 1 Rm:5 11110 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMin, OpCode::VFMin)),
    row("FADDP (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 1 Rm:5 11010 1 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FAdd, OpCode::VFAdd)),
    row("FADDP (SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 11000 01101 10 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FAdd, OpCode::VFAdd)),
    row("FMAXP (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 1 Rm:5 11110 1 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMax, OpCode::VFMax)),
    row("FMAXP (SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 11000 01111 10 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMax, OpCode::VFMax)),
    row("FMINP (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 1 Rm:5 11110 1 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMin, OpCode::VFMin)),
    row("FMINP (SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 11000 01111 10 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMin, OpCode::VFMin)),
    row("FMAXNM (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 1 Rm:5 11000 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMaxNum, OpCode::VFMaxNum)),
    row("FMAXNMP (vector)", Feature::AdvSimd, "0 Q 1 01110 0 sz 1 Rm:5 11000 1 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMaxNum, OpCode::VFMaxNum)),
    row("FMAXNMP (SIMD scalar)", Feature::AdvSimd, "01 1 11110 0 sz 11000 01100 10 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMaxNum, OpCode::VFMaxNum)),
    row("FMAXNMV", Feature::AdvSimd, "0 Q 1 01110 0 sz 11000 01100 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::FMaxNum)),
    row("FMAXV", Feature::AdvSimd, "0 Q 1 01110 0 sz 11000 01111 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::FMax)),
    row("FMINNM (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 1 Rm:5 11000 1 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMinNum, OpCode::VFMinNum)),
    row("FMINNMP (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 1 Rm:5 11000 1 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMinNum, OpCode::VFMinNum)),
    row("FMINNMP (SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 11000 01100 10 Rn:5 Rd:5", |t, i| pairwise(t, i, OpCode::FMinNum, OpCode::VFMinNum)),
    row("FMINNMV", Feature::AdvSimd, "0 Q 1 01110 1 sz 11000 01100 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::FMinNum)),
    row("FMINV", Feature::AdvSimd, "0 Q 1 01110 1 sz 11000 01111 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::FMin)),
    row("FABD (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 1 Rm:5 11010 1 Rn:5 Rd:5", abs_difference),
    row("FABD (SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 1 Rm:5 11010 1 Rn:5 Rd:5", abs_difference),
    row("FMLA (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 1 Rm:5 11001 1 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, false)),
    row("FMLA (by element)", Feature::AdvSimd, "0 Q 0 01111 1 sz L Rm:5 0001 H 0 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, false)),
    row("FMLA (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 1 sz L Rm:5 0001 H 0 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, false)),
    row("FMLS (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 1 Rm:5 11001 1 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, true)),
    row("FMLS (by element)", Feature::AdvSimd, "0 Q 0 01111 1 sz L Rm:5 0101 H 0 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, true)),
    row("FMLS (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 1 sz L Rm:5 0101 H 0 Rn:5 Rd:5", |t, i| mul_accumulate(t, i, true)),
    row("FMUL (by element)", Feature::AdvSimd, "0 Q 0 01111 1 sz L Rm:5 1001 H 0 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMul, OpCode::VFMul)),
    row("FMUL (SIMD scalar, by element)", Feature::AdvSimd, "01 0 11111 1 sz L Rm:5 1001 H 0 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMul, OpCode::VFMul)),
    row("FRECPS (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 1 Rm:5 11111 1 Rn:5 Rd:5", |t, i| step(t, i, 0)),
    row("FRECPS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 0 sz 1 Rm:5 11111 1 Rn:5 Rd:5", |t, i| step(t, i, 0)),
    row("FRSQRTS (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 1 Rm:5 11111 1 Rn:5 Rd:5", |t, i| step(t, i, 1)),
    row("FRSQRTS (SIMD scalar)", Feature::AdvSimd, "01 0 11110 1 sz 1 Rm:5 11111 1 Rn:5 Rd:5", |t, i| step(t, i, 1)),
    row("FMULX (vector)", Feature::AdvSimd, "0 Q 0 01110 0 sz 1 Rm:5 11011 1 Rn:5 Rd:5", |t, i| step(t, i, 2)),
    row("FMULX (SIMD scalar)", Feature::AdvSimd, "01 0 11110 0 sz 1 Rm:5 11011 1 Rn:5 Rd:5", |t, i| step(t, i, 2)),
    row("FMULX (by element)", Feature::AdvSimd, "0 Q 1 01111 1 sz L Rm:5 1001 H 0 Rn:5 Rd:5", |t, i| step(t, i, 2)),
    row("FMULX (SIMD scalar, by element)", Feature::AdvSimd, "01 1 11111 1 sz L Rm:5 1001 H 0 Rn:5 Rd:5", |t, i| step(t, i, 2)),
    row("FRECPE (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 11101 10 Rn:5 Rd:5", |t, i| estimate(t, i, 0)),
    row("FRECPE (SIMD scalar)", Feature::AdvSimd, "01 0 11110 1 sz 10000 11101 10 Rn:5 Rd:5", |t, i| estimate(t, i, 0)),
    row("FRSQRTE (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 11101 10 Rn:5 Rd:5", |t, i| estimate(t, i, 1)),
    row("FRSQRTE (SIMD scalar)", Feature::AdvSimd, "01 1 11110 1 sz 10000 11101 10 Rn:5 Rd:5", |t, i| estimate(t, i, 1)),
    row("FRECPX", Feature::AdvSimd, "01 0 11110 1 sz 10000 11111 10 Rn:5 Rd:5", |t, i| estimate(t, i, 2)),
    row("URECPE", Feature::AdvSimd, "0 Q 0 01110 10 10000 11100 10 Rn:5 Rd:5", unsigned_estimate),
    row("URSQRTE", Feature::AdvSimd, "0 Q 1 01110 10 10000 11100 10 Rn:5 Rd:5", unsigned_estimate),
    row("FABS (vector)", Feature::AdvSimd, "0 Q 0 01110 1 sz 10000 01111 10 Rn:5 Rd:5", sign),
    row("FNEG (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 01111 10 Rn:5 Rd:5", sign),
    row("FSQRT (vector)", Feature::AdvSimd, "0 Q 1 01110 1 sz 10000 11111 10 Rn:5 Rd:5", sqrt),
];

impl Translator<'_, '_> {
    /// A floating-point source whose lanes outside of `s` repeat those inside: they go through the op as well, and must not
    /// raise exceptions of their own.
    pub(super) fn fp_source(&mut self, s: Shape, v: Val) -> Val {
        match s.bytes {
            16 => v,
            bytes => self.dup_lane(bytes.trailing_zeros() as u16, 0, v),
        }
    }

    /// Sign bits cleared.
    pub(super) fn fp_abs(&mut self, lane: u16, v: Val) -> Val {
        let mask = self.splat(lane, u64::MAX >> 1 >> (64 - (8 << lane)));
        self.vec2(OpCode::VAnd, 0, v, mask)
    }

    /// `scalar` on lane 0 or `vector` on all lanes of `n` and `m`, as the encoding says.
    fn fp_op(&mut self, i: Insn, s: Shape, scalar: OpCode, vector: OpCode, n: Val, m: Val) -> Val {
        if is_scalar(i) {
            return self.b.fp(scalar, Ty::V128, s.lane, &[n, m]);
        }
        let (n, m) = (self.fp_source(s, n), self.fp_source(s, m));
        self.vec2(vector, s.lane, n, m)
    }
}

/// FADD, FSUB, FMUL, FDIV, FMAX, FMIN, FMAXNM, FMINNM.
fn binary(t: &mut Translator<'_, '_>, i: Insn, scalar: OpCode, vector: OpCode) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let (n, m) = (t.n(i), t.m_or_element(i, s.lane)?);
    let value = t.fp_op(i, s, scalar, vector, n, m);
    t.write(i, s, value)
}

fn abs_difference(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let (n, m) = (t.n(i), t.m(i));
    let difference = t.fp_op(i, s, OpCode::FSub, OpCode::VFSub, n, m);
    let value = t.fp_abs(s.lane, difference);
    t.write(i, s, value)
}

/// FMLA, FMLS.
fn mul_accumulate(t: &mut Translator<'_, '_>, i: Insn, subtract: bool) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let (n, m, d) = (t.n(i), t.m_or_element(i, s.lane)?, t.d(i));
    let negate = u16::from(subtract);
    let value = if is_scalar(i) {
        t.b.op(OpCode::FMulAdd, Ty::V128, &[n, m, d], s.lane, negate)
    } else {
        let (n, m, d) = (t.fp_source(s, n), t.fp_source(s, m), t.fp_source(s, d));
        t.b.op(OpCode::VFMulAdd, Ty::V128, &[n, m, d], s.lane, negate)
    };
    t.write(i, s, value)
}

/// FRECPS (0), FRSQRTS (1), FMULX (2).
fn step(t: &mut Translator<'_, '_>, i: Insn, which: u16) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let (n, m) = (t.n(i), t.m_or_element(i, s.lane)?);
    let value = t.call_vec(VecHelper::FpStep, s, which, &[n, m]);
    t.write(i, s, value)
}

/// FRECPE (0), FRSQRTE (1), FRECPX (2).
fn estimate(t: &mut Translator<'_, '_>, i: Insn, which: u16) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let n = t.n(i);
    let value = t.call_vec(VecHelper::FpEstimate, s, which, &[n]);
    t.write(i, s, value)
}

/// URECPE, URSQRTE.
fn unsigned_estimate(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.shape(i, 2)?;
    let n = t.n(i);
    let value = t.call_vec(VecHelper::UnsignedEstimate, s, u(i).into(), &[n]);
    t.write(i, s, value)
}

/// FABS, FNEG: bits only, NaNs included.
fn sign(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let n = t.n(i);
    let value = if u(i) {
        let mask = t.splat(s.lane, 1 << ((8 << s.lane) - 1));
        t.vec2(OpCode::VXor, 0, n, mask)
    } else {
        t.fp_abs(s.lane, n)
    };
    t.write(i, s, value)
}

fn sqrt(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let n = t.n(i);
    let n = t.fp_source(s, n);
    let value = t.vec1(OpCode::VFSqrt, s.lane, n);
    t.write(i, s, value)
}

/// The even and odd lanes of Vm:Vn, or of Vn alone in the scalar form.
fn pairs(t: &mut Translator<'_, '_>, i: Insn, s: Shape) -> (Val, Val) {
    let n = t.n(i);
    if is_scalar(i) {
        let odd = t.extract(n, n, 1 << s.lane);
        return (n, odd);
    }
    let m = t.m(i);
    let (a, b) = t.pair_sources(s, n, m);
    (
        t.vec2(OpCode::VUnzipEven, s.lane, a, b),
        t.vec2(OpCode::VUnzipOdd, s.lane, a, b),
    )
}

/// FADDP, FMAXP, FMINP, FMAXNMP, FMINNMP.
fn pairwise(t: &mut Translator<'_, '_>, i: Insn, scalar: OpCode, vector: OpCode) -> Option<Flow> {
    let s = t.fp_shape(i)?;
    let (even, odd) = pairs(t, i, s);
    let value = t.fp_op(i, s, scalar, vector, even, odd);
    t.write(i, s, value)
}

/// FMAXV, FMINV, FMAXNMV, FMINNMV: of each half, then of both, which matters when there are several NaNs.
fn across(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    if !i.q() || i.bit(22) {
        return None;
    }
    let n = t.n(i);
    let lanes = [0, 4, 8, 12].map(|from| t.extract(n, n, from));
    let low = t.b.fp(code, Ty::V128, 2, &lanes[..2]);
    let high = t.b.fp(code, Ty::V128, 2, &lanes[2..]);
    let value = t.b.fp(code, Ty::V128, 2, &[low, high]);
    t.set_v(i.rd(), value);
    t.next()
}
