//! Rearranging lanes and bytes: ZIP, UZP, TRN, EXT, TBL, TBX.

use super::lanes::Shape;
use super::size;
use crate::ir::{OpCode, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("UZP1", Feature::AdvSimd, "0 Q 001110 size:2 0 Rm:5 0 001 10 Rn:5 Rd:5", |t, i| unzip(t, i, OpCode::VUnzipEven)),
    row("TRN1", Feature::AdvSimd, "0 Q 001110 size:2 0 Rm:5 0 010 10 Rn:5 Rd:5", |t, i| transpose(t, i, OpCode::VTransposeEven)),
    row("ZIP1", Feature::AdvSimd, "0 Q 001110 size:2 0 Rm:5 0 011 10 Rn:5 Rd:5", |t, i| zip(t, i, false)),
    row("UZP2", Feature::AdvSimd, "0 Q 001110 size:2 0 Rm:5 0 101 10 Rn:5 Rd:5", |t, i| unzip(t, i, OpCode::VUnzipOdd)),
    row("TRN2", Feature::AdvSimd, "0 Q 001110 size:2 0 Rm:5 0 110 10 Rn:5 Rd:5", |t, i| transpose(t, i, OpCode::VTransposeOdd)),
    row("ZIP2", Feature::AdvSimd, "0 Q 001110 size:2 0 Rm:5 0 111 10 Rn:5 Rd:5", |t, i| zip(t, i, true)),
    row("EXT", Feature::AdvSimd, "0 Q 101110000 Rm:5 0 imm4:4 0 Rn:5 Rd:5", extract),
    row("TBL", Feature::AdvSimd, "0 Q 001110000 Rm:5 0 len:2 000 Rn:5 Rd:5", |t, i| table(t, i, false)),
    row("TBX", Feature::AdvSimd, "0 Q 001110000 Rm:5 0 len:2 100 Rn:5 Rd:5", |t, i| table(t, i, true)),
];

fn transpose(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let s = t.shape(i, size(i))?;
    let (n, m) = (t.n(i), t.m(i));
    let value = t.vec2(code, s.lane, n, m);
    t.write(i, s, value)
}

fn unzip(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Option<Flow> {
    let s = t.shape(i, size(i))?;
    let (n, m) = (t.n(i), t.m(i));
    let (a, b) = t.pair_sources(s, n, m);
    let value = t.vec2(code, s.lane, a, b);
    t.write(i, s, value)
}

fn zip(t: &mut Translator<'_, '_>, i: Insn, high: bool) -> Option<Flow> {
    let s = t.shape(i, size(i))?;
    let (n, m) = (t.n(i), t.m(i));
    let value = if high && s.bytes == 16 {
        t.vec2(OpCode::VZipHi, s.lane, n, m)
    } else {
        // Two 64-bit vectors interleave to 128 bits, of which ZIP2 wants the upper half.
        let zipped = t.vec2(OpCode::VZipLo, s.lane, n, m);
        if high { t.high_half(zipped) } else { zipped }
    };
    t.write(i, s, value)
}

fn extract(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let s = t.shape(i, 0)?;
    let from = i.bits(11, 4) as u16;
    if from >= s.bytes {
        return None;
    }
    let (n, m) = (t.n(i), t.m(i));
    let (a, b) = t.pair_sources(s, n, m);
    let value = t.extract(a, b, from);
    t.write(i, s, value)
}

/// TBL; TBX (`extend`) keeps the bytes of Vd whose index is out of the table.
fn table(t: &mut Translator<'_, '_>, i: Insn, extend: bool) -> Option<Flow> {
    let s = t.shape(i, 0)?;
    let registers = i.bits(13, 2) + 1;
    let m = t.m(i);
    let mut value: Option<Val> = None;
    for k in 0..registers {
        let table = t.v((i.rn() + k) % 32);
        // An index below 16 * k wraps to 16 or more, one beyond the register stays there: both give zero.
        let index = if k == 0 {
            m
        } else {
            let start = t.splat(0, u64::from(16 * k));
            t.vec2(OpCode::VSub, 0, m, start)
        };
        let part = t.vec2(OpCode::VTable, 0, table, index);
        value = Some(match value {
            Some(v) => t.vec2(OpCode::VOr, 0, v, part),
            None => part,
        });
    }
    let mut value = value?;
    if extend {
        let d = t.d(i);
        let end = t.splat(0, u64::from(16 * registers));
        let outside = t.vec2(OpCode::VCmpGeU, 0, m, end);
        value = t.bit_select(outside, d, value);
    }
    t.write(i, Shape { lane: 0, ..s }, value)
}
