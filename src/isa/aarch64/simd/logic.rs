//! Bitwise operations, and counting and reversing of bits and lanes.

use super::helpers::VecHelper;
use super::lanes::Shape;
use super::{size, u};
use crate::ir::{OpCode, Ty};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("AND (vector)", Feature::AdvSimd, "0 Q 0 01110 00 1 Rm:5 00011 1 Rn:5 Rd:5", |t, i| bitwise(t, i, OpCode::VAnd)),
    row("BIC (vector, register)", Feature::AdvSimd, "0 Q 0 01110 01 1 Rm:5 00011 1 Rn:5 Rd:5", |t, i| bitwise(t, i, OpCode::VAndNot)),
    row("ORR (vector, register)", Feature::AdvSimd, "0 Q 0 01110 10 1 Rm:5 00011 1 Rn:5 Rd:5", |t, i| bitwise(t, i, OpCode::VOr)),
    row("ORN (vector)", Feature::AdvSimd, "0 Q 0 01110 11 1 Rm:5 00011 1 Rn:5 Rd:5", |t, i| bitwise(t, i, OpCode::VOrNot)),
    row("EOR (vector)", Feature::AdvSimd, "0 Q 1 01110 00 1 Rm:5 00011 1 Rn:5 Rd:5", |t, i| bitwise(t, i, OpCode::VXor)),
    row("BSL", Feature::AdvSimd, "0 Q 1 01110 01 1 Rm:5 00011 1 Rn:5 Rd:5", select),
    row("BIT", Feature::AdvSimd, "0 Q 1 01110 10 1 Rm:5 00011 1 Rn:5 Rd:5", select),
    row("BIF", Feature::AdvSimd, "0 Q 1 01110 11 1 Rm:5 00011 1 Rn:5 Rd:5", select),
    row("NOT", Feature::AdvSimd, "0 Q 1 01110 00 10000 00101 10 Rn:5 Rd:5", not),
    row("RBIT (vector)", Feature::AdvSimd, "0 Q 1 01110 01 10000 00101 10 Rn:5 Rd:5", reverse_bits),
    row("CNT", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00101 10 Rn:5 Rd:5", count_bits),
    row("CLS (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00100 10 Rn:5 Rd:5", count_leading),
    row("CLZ (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 00100 10 Rn:5 Rd:5", count_leading),
    row("REV64", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00000 10 Rn:5 Rd:5", |t, i| reverse(t, i, 3)),
    row("REV32 (vector)", Feature::AdvSimd, "0 Q 1 01110 size:2 10000 00000 10 Rn:5 Rd:5", |t, i| reverse(t, i, 2)),
    row("REV16 (vector)", Feature::AdvSimd, "0 Q 0 01110 size:2 10000 00001 10 Rn:5 Rd:5", |t, i| reverse(t, i, 1)),
];

fn bytes(t: &Translator<'_, '_>, i: Insn) -> Option<Shape> {
    t.shape(i, 0)
}

fn bitwise(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let s = bytes(t, i)?;
    let n = t.n(i);
    // The assembler's register move is ORR with equal sources.
    let value = if code == OpCode::VOr && i.rn() == i.rm() {
        n
    } else {
        let m = t.m(i);
        t.vec2(code, 0, n, m)
    };
    t.write(i, s, value)
}

/// BSL, BIT, BIF: which of Vd, Vn, Vm is the mask, and what it chooses between.
fn select(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = bytes(t, i)?;
    let (n, m, d) = (t.n(i), t.m(i), t.d(i));
    let value = match size(i) {
        1 => t.bit_select(d, n, m),
        2 => t.bit_select(m, n, d),
        _ => t.bit_select(m, d, n),
    };
    t.write(i, s, value)
}

fn not(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = bytes(t, i)?;
    let n = t.n(i);
    let value = t.vec1(OpCode::VNot, 0, n);
    t.write(i, s, value)
}

fn reverse_bits(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = bytes(t, i)?;
    let n = t.n(i);
    let value = t.call_vec(VecHelper::ReverseBits, s, 0, &[n]);
    t.write(i, s, value)
}

fn count_bits(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 0)?;
    let n = t.n(i);
    let value = t.vec1(OpCode::VPopCount, 0, n);
    t.write(i, s, value)
}

/// CLZ; CLS counts the bits after the sign bit that equal it.
fn count_leading(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.int_shape(i, 2)?;
    let n = t.n(i);
    let value = t.call_vec(VecHelper::LeadingZeros, s, (!u(i)).into(), &[n]);
    t.write(i, s, value)
}

/// REV16, REV32, REV64: lanes reversed inside of groups of `1 << group` bytes.
fn reverse(t: &mut Translator<'_, '_>, i: Insn, group: u16) -> Option<Flow> {
    let s = t.int_shape(i, group - 1)?;
    let n = t.n(i);
    let value = t.b.op(OpCode::VReverse, Ty::V128, &[n], s.lane, group);
    t.write(i, s, value)
}
