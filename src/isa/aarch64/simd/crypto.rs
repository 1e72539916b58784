//! The cryptographic extensions: AES, SHA-1, SHA-256. (PMULL is with the products in `arith`.)

use super::lanes::Shape;
use crate::ir::{OpCode, Ty};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("AESE", Feature::Aes, "01001110 0010100 00100 10 Rn:5 Rd:5", |t, i| aes_round(t, i, OpCode::AesEnc)),
    row("AESD", Feature::Aes, "01001110 0010100 00101 10 Rn:5 Rd:5", |t, i| aes_round(t, i, OpCode::AesDec)),
    row("AESMC", Feature::Aes, "01001110 0010100 00110 10 Rn:5 Rd:5", |t, i| aes_mix(t, i, OpCode::AesMix)),
    row("AESIMC", Feature::Aes, "01001110 0010100 00111 10 Rn:5 Rd:5", |t, i| aes_mix(t, i, OpCode::AesUnmix)),
    row("SHA1C", Feature::Sha1, "01011110 000 Rm:5 0 000 00 Rn:5 Rd:5", |t, i| three(t, i, OpCode::Sha1Rounds, 0)),
    row("SHA1P", Feature::Sha1, "01011110 000 Rm:5 0 001 00 Rn:5 Rd:5", |t, i| three(t, i, OpCode::Sha1Rounds, 1)),
    row("SHA1M", Feature::Sha1, "01011110 000 Rm:5 0 010 00 Rn:5 Rd:5", |t, i| three(t, i, OpCode::Sha1Rounds, 2)),
    row("SHA1SU0", Feature::Sha1, "01011110 000 Rm:5 0 011 00 Rn:5 Rd:5", sha1_schedule_start),
    row("SHA256H", Feature::Sha256, "01011110 000 Rm:5 0 100 00 Rn:5 Rd:5", |t, i| three(t, i, OpCode::Sha256Rounds, 0)),
    row("SHA256H2", Feature::Sha256, "01011110 000 Rm:5 0 101 00 Rn:5 Rd:5", sha256_rounds_second),
    row("SHA256SU1", Feature::Sha256, "01011110 000 Rm:5 0 110 00 Rn:5 Rd:5", |t, i| three(t, i, OpCode::Sha256ScheduleEnd, 0)),
    row("SHA1H", Feature::Sha1, "01011110 0010100 00000 10 Rn:5 Rd:5", sha1_rotate),
    row("SHA1SU1", Feature::Sha1, "01011110 0010100 00001 10 Rn:5 Rd:5", |t, i| two(t, i, OpCode::Sha1Schedule)),
    row("SHA256SU0", Feature::Sha256, "01011110 0010100 00010 10 Rn:5 Rd:5", |t, i| two(t, i, OpCode::Sha256ScheduleStart)),
];

/// AESE, AESD: the round key first, then the byte substitution and the shift of rows.
fn aes_round(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let (n, d) = (t.n(i), t.d(i));
    let keyed = t.vec2(OpCode::VXor, 0, d, n);
    let value = t.vec1(code, 0, keyed);
    t.write(i, Shape::full(0), value)
}

/// AESMC, AESIMC.
fn aes_mix(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let n = t.n(i);
    let value = t.vec1(code, 0, n);
    t.write(i, Shape::full(0), value)
}

/// An op on Vd, Vn and Vm.
fn three(t: &mut Translator<'_, '_>, i: Insn, code: OpCode, part: u16) -> Option<Flow> {
    let (d, n, m) = (t.d(i), t.n(i), t.m(i));
    let value = t.b.op(code, Ty::V128, &[d, n, m], 0, part);
    t.write(i, Shape::full(2), value)
}

/// An op on Vd and Vn.
fn two(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let (d, n) = (t.d(i), t.n(i));
    let value = t.vec2(code, 2, d, n);
    t.write(i, Shape::full(2), value)
}

/// SHA1H: a rotation left by 30.
fn sha1_rotate(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let n = t.n(i);
    let word = t.b.op(OpCode::VToInt, Ty::I32, &[n], 2, 0);
    let rotated = t.b.binary_imm(OpCode::Rotr, word, 2);
    let value = t.b.op(OpCode::VFromInt, Ty::V128, &[rotated], 0, 0);
    t.write(i, Shape::full(2), value)
}

/// SHA1SU0: Vd and the words that follow its first two, and Vm, by exclusive or.
fn sha1_schedule_start(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (d, n, m) = (t.d(i), t.n(i), t.m(i));
    let middle = t.extract(d, n, 8);
    let x = t.vec2(OpCode::VXor, 0, middle, d);
    let value = t.vec2(OpCode::VXor, 0, x, m);
    t.write(i, Shape::full(2), value)
}

/// SHA256H2: here Vn is the first half of the state and Vd the second.
fn sha256_rounds_second(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (d, n, m) = (t.d(i), t.n(i), t.m(i));
    let value = t.b.op(OpCode::Sha256Rounds, Ty::V128, &[n, d, m], 0, 1);
    t.write(i, Shape::full(2), value)
}
