//! Integer operations between neighbouring lanes and across a whole vector.

use super::lanes::Shape;
use super::{is_scalar, size, u};
use crate::ir::{OpCode, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("ADDP (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10111 1 Rn:5 Rd:5", add),
    row("ADDP (SIMD scalar)", Feature::AdvSimd, "01 0 11110 11 11000 11011 10 Rn:5 Rd:5", add_scalar),
    row("SMAXP", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10100 1 Rn:5 Rd:5", |t, i| min_max(t, i, true)),
    row("UMAXP", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 10100 1 Rn:5 Rd:5", |t, i| min_max(t, i, true)),
    row("SMINP", Feature::AdvSimd, "0 Q 0 01110 size:2 1 Rm:5 10101 1 Rn:5 Rd:5", |t, i| min_max(t, i, false)),
    row("UMINP", Feature::AdvSimd, "0 Q 1 01110 size:2 1 Rm:5 10101 1 Rn:5 Rd:5", |t, i| min_max(t, i, false)),
    row("SADDLP", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00010 10 Rn:5 Rd:5", |t, i| add_long(t, i, false)),
    row("UADDLP", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 00010 10 Rn:5 Rd:5", |t, i| add_long(t, i, false)),
    row("SADALP", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00110 10 Rn:5 Rd:5", |t, i| add_long(t, i, true)),
    row("UADALP", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 00110 10 Rn:5 Rd:5", |t, i| add_long(t, i, true)),
    row("ADDV", Feature::AdvSimd, "0 Q 0 01110 size:2 11000 11011 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::VAdd)),
    row("SMAXV", Feature::AdvSimd, "0 Q 0 01110 size:2 11000 01010 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::VMaxS)),
    row("SMINV", Feature::AdvSimd, "0 Q 0 01110 size:2 11000 11010 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::VMinS)),
    row("UMAXV", Feature::AdvSimd, "0 Q 1 01110 size:2 11000 01010 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::VMaxU)),
    row("UMINV", Feature::AdvSimd, "0 Q 1 01110 size:2 11000 11010 10 Rn:5 Rd:5", |t, i| across(t, i, OpCode::VMinU)),
    row("SADDLV", Feature::AdvSimd, "0 Q 0 01110 size:2 11000 00011 10 Rn:5 Rd:5", across_long),
    row("UADDLV", Feature::AdvSimd, "0 Q 1 01110 size:2 11000 00011 10 Rn:5 Rd:5", across_long),
];

impl Translator<'_, '_> {
    /// The sources of a pairwise op, which takes the lanes of the first, then of the second: 64-bit vectors are joined first.
    pub(super) fn pair_sources(&mut self, s: Shape, n: Val, m: Val) -> (Val, Val) {
        if s.bytes == 16 {
            return (n, m);
        }
        let joined = self.vec2(OpCode::VZipLo, 3, n, m);
        (joined, joined)
    }
}

fn add(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 3)?;
    let (n, m) = (t.n(i), t.m(i));
    let (a, b) = t.pair_sources(s, n, m);
    let value = t.vec2(OpCode::VPairAdd, s.lane, a, b);
    t.write(i, s, value)
}

/// ADDP (scalar)
fn add_scalar(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.shape(i, 3)?;
    let n = t.n(i);
    let high = t.high_half(n);
    let value = t.vec2(OpCode::VAdd, 3, n, high);
    t.write(i, s, value)
}

/// SMAXP, SMINP and unsigned.
fn min_max(t: &mut Translator<'_, '_>, i: Insn, max: bool) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (n, m) = (t.n(i), t.m(i));
    let (a, b) = t.pair_sources(s, n, m);
    let value = match (u(i), max) {
        (true, true) => t.vec2(OpCode::VPairMaxU, s.lane, a, b),
        (true, false) => t.vec2(OpCode::VPairMinU, s.lane, a, b),
        (false, _) => {
            let even = t.vec2(OpCode::VUnzipEven, s.lane, a, b);
            let odd = t.vec2(OpCode::VUnzipOdd, s.lane, a, b);
            let code = if max { OpCode::VMaxS } else { OpCode::VMinS };
            t.vec2(code, s.lane, even, odd)
        }
    };
    t.write(i, s, value)
}

/// SADDLP, SADALP (`accumulate`) and unsigned: the lanes of a pair at twice the width, in place.
fn add_long(t: &mut Translator<'_, '_>, i: Insn, accumulate: bool) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let (wide, width) = (s.lane + 1, s.bits());
    let n = t.n(i);
    let (even, odd) = if u(i) {
        let mask = t.splat(wide, (1 << width) - 1);
        (
            t.vec2(OpCode::VAnd, 0, n, mask),
            t.shift_imm(OpCode::VShrUI, wide, n, width),
        )
    } else {
        let low = t.shift_imm(OpCode::VShlI, wide, n, width);
        (
            t.shift_imm(OpCode::VShrSI, wide, low, width),
            t.shift_imm(OpCode::VShrSI, wide, n, width),
        )
    };
    let mut value = t.vec2(OpCode::VAdd, wide, even, odd);
    if accumulate {
        let d = t.d(i);
        value = t.vec2(OpCode::VAdd, wide, d, value);
    }
    t.write(i, s, value)
}

/// The lane size of an instruction across lanes: needs at least four of them.
fn across_lane(i: Insn) -> Option<u16> {
    debug_assert!(!is_scalar(i));
    (size(i) < 2 || size(i) == 2 && i.q()).then_some(size(i))
}

/// Folds the upper half onto the lower until one lane of size `lane` of `bytes` bytes is left.
fn fold(t: &mut Translator<'_, '_>, code: OpCode, lane: u16, bytes: u16, mut v: Val) -> Val {
    let mut half = bytes / 2;
    while half >= 1 << lane {
        let upper = t.extract(v, v, half);
        v = t.vec2(code, lane, v, upper);
        half /= 2;
    }
    v
}

/// ADDV, SMAXV, SMINV and unsigned.
fn across(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let lane = across_lane(i)?;
    let n = t.n(i);
    let value = if code == OpCode::VAdd && lane == 0 {
        sum_bytes(t, i, n)
    } else {
        fold(t, code, lane, if i.q() { 16 } else { 8 }, n)
    };
    write_lane(t, i, lane, value)
}

/// The sum of all bytes, in lane 0 of 64 bits.
fn sum_bytes(t: &mut Translator<'_, '_>, i: Insn, n: Val) -> Val {
    let sums = t.vec1(OpCode::VSumBytes, 0, n);
    if i.q() {
        fold(t, OpCode::VAdd, 3, 16, sums)
    } else {
        sums
    }
}

/// SADDLV, UADDLV.
fn across_long(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let lane = across_lane(i)?;
    let n = t.n(i);
    let value = if lane == 0 && u(i) {
        sum_bytes(t, i, n)
    } else {
        let mut wide = t.widen(i, lane, n);
        if i.q() {
            let high = t.high_half(n);
            let high = t.widen(i, lane, high);
            wide = t.vec2(OpCode::VAdd, lane + 1, wide, high);
        }
        fold(t, OpCode::VAdd, lane + 1, 16, wide)
    };
    write_lane(t, i, lane + 1, value)
}

/// Vd := lane 0 of `value`.
fn write_lane(t: &mut Translator<'_, '_>, i: Insn, lane: u16, value: Val) -> Option<Flow> {
    let s = Shape {
        lane,
        bytes: 1 << lane,
    };
    t.write(i, s, value)
}
