//! Moves between vectors and general registers, between lanes, and of immediates into vectors.

use super::is_scalar;
use super::lanes::Shape;
use crate::ir::{OpCode, Ty};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("DUP (element, vector)", Feature::AdvSimd, "0 Q 001110000 imm5:5 000001 Rn:5 Rd:5", dup_element),
    row("DUP (element, SIMD scalar)", Feature::AdvSimd, "01 011110000 imm5:5 000001 Rn:5 Rd:5", dup_element),
    row("DUP (general)", Feature::AdvSimd, "0 Q 001110000 imm5:5 000011 Rn:5 Rd:5", dup_general),
    row("INS (general)", Feature::AdvSimd, "01001110000 imm5:5 000111 Rn:5 Rd:5", insert_general),
    row("INS (element)", Feature::AdvSimd, "01101110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5", insert_element),
    row("SMOV", Feature::AdvSimd, "0 Q 001110000 imm5:5 001011 Rn:5 Rd:5", move_signed),
    row("UMOV", Feature::AdvSimd, "0 Q 001110000 imm5:5 001111 Rn:5 Rd:5", move_unsigned),
    row("MOVI (32-bit shifted)", Feature::AdvSimd, "0 Q 0 0111100000 abc:3 0 amount:2 0 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Move)),
    row("ORR (immediate, 32-bit)", Feature::AdvSimd, "0 Q 0 0111100000 abc:3 0 amount:2 1 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Or)),
    row("MOVI (16-bit shifted)", Feature::AdvSimd, "0 Q 0 0111100000 abc:3 10 amount 0 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Move)),
    row("ORR (immediate, 16-bit)", Feature::AdvSimd, "0 Q 0 0111100000 abc:3 10 amount 1 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Or)),
    row("MOVI (32-bit shifting ones)", Feature::AdvSimd, "0 Q 0 0111100000 abc:3 110 amount 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Move)),
    row("MOVI (8-bit)", Feature::AdvSimd, "0 Q 0 0111100000 abc:3 1110 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Move)),
    row("FMOV (immediate, single)", Feature::AdvSimd, "0 Q 0 0111100000 abc:3 1111 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Move)),
    row("MVNI (32-bit shifted)", Feature::AdvSimd, "0 Q 1 0111100000 abc:3 0 amount:2 0 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::MoveNot)),
    row("BIC (immediate, 32-bit)", Feature::AdvSimd, "0 Q 1 0111100000 abc:3 0 amount:2 1 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::AndNot)),
    row("MVNI (16-bit shifted)", Feature::AdvSimd, "0 Q 1 0111100000 abc:3 10 amount 0 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::MoveNot)),
    row("BIC (immediate, 16-bit)", Feature::AdvSimd, "0 Q 1 0111100000 abc:3 10 amount 1 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::AndNot)),
    row("MVNI (32-bit shifting ones)", Feature::AdvSimd, "0 Q 1 0111100000 abc:3 110 amount 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::MoveNot)),
    row("MOVI (64-bit)", Feature::AdvSimd, "0 Q 1 0111100000 abc:3 1110 01 defgh:5 Rd:5", |t, i| immediate(t, i, Immediate::Move)),
    row("FMOV (immediate, double)", Feature::AdvSimd, "0 Q 1 0111100000 abc:3 1111 01 defgh:5 Rd:5", immediate_double),
];

/// Lane size and index that `imm5` names: the lowest set bit gives the size.
fn element(i: Insn) -> Option<(u16, u16)> {
    let imm5 = i.bits(16, 5) as u16;
    let lane = imm5.trailing_zeros() as u16;
    (lane <= 3).then(|| (lane, imm5 >> (lane + 1)))
}

fn dup_element(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (lane, index) = element(i)?;
    let s = t.shape(i, lane)?;
    let n = t.n(i);
    let value = if is_scalar(i) && index == 0 {
        n
    } else {
        t.dup_lane(lane, index, n)
    };
    t.write(i, s, value)
}

fn dup_general(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (lane, _) = element(i)?;
    let s = t.shape(i, lane)?;
    let n = t.r(lane == 3, i.rn());
    let value = t.b.op(OpCode::VDupInt, Ty::V128, &[n], lane, 0);
    t.write(i, s, value)
}

fn insert_element(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (lane, to) = element(i)?;
    let from = i.bits(11, 4) as u16 >> lane;
    let (n, d) = (t.n(i), t.d(i));
    let value =
        t.b.op(OpCode::VInsertLane, Ty::V128, &[d, n], lane, to | from << 4);
    t.write(i, Shape::full(lane), value)
}

fn insert_general(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (lane, to) = element(i)?;
    let n = t.r(lane == 3, i.rn());
    let d = t.d(i);
    let value = t.b.op(OpCode::VInsertInt, Ty::V128, &[d, n], lane, to);
    t.write(i, Shape::full(lane), value)
}

fn move_signed(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (lane, index) = element(i)?;
    // To Wd from 8 and 16 bits, to Xd from 8, 16 and 32.
    if lane > 1 + u16::from(i.q()) {
        return None;
    }
    let n = t.n(i);
    let ty = Translator::int(i.q());
    let value = t.b.op(OpCode::VToIntS, ty, &[n], lane, index);
    t.set_r(i.rd(), value);
    t.next()
}

fn move_unsigned(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    let (lane, index) = element(i)?;
    if i.q() != (lane == 3) {
        return None;
    }
    let n = t.n(i);
    let ty = Translator::int(i.q());
    let value = t.b.op(OpCode::VToInt, ty, &[n], lane, index);
    t.set_r(i.rd(), value);
    t.next()
}

/// What an immediate does with the register.
#[derive(Clone, Copy)]
enum Immediate {
    Move,
    MoveNot,
    Or,
    AndNot,
}

/// The 64 bits that `op:cmode:abcdefgh` stands for (pseudocode AdvSIMDExpandImm), before MVNI and BIC invert them.
fn expand_immediate(op: bool, cmode: u32, imm8: u64) -> u64 {
    let twice = |x: u64| x | x << 32;
    let four_times = |x: u64| twice(x | x << 16);
    match cmode >> 1 {
        n @ 0..4 => twice(imm8 << (8 * n)),
        n @ 4..6 => four_times(imm8 << (8 * (n - 4))),
        6 if cmode & 1 == 0 => twice(imm8 << 8 | 0xff),
        6 => twice(imm8 << 16 | 0xffff),
        _ if cmode & 1 == 0 && !op => imm8 * 0x0101_0101_0101_0101,
        _ if cmode & 1 == 0 => (0..8)
            .filter(|bit| imm8 >> bit & 1 != 0)
            .fold(0, |x, bit| x | 0xff << (8 * bit)),
        _ => {
            let (sign, b, rest) = (imm8 >> 7, imm8 >> 6 & 1, imm8 & 0x3f);
            if op {
                let exp = if b == 1 { 0x0ff } else { 0x100 };
                sign << 63 | exp << 54 | rest << 48
            } else {
                let exp = if b == 1 { 0x1f } else { 0x20 };
                twice(sign << 31 | exp << 25 | rest << 19)
            }
        }
    }
}

fn immediate(t: &mut Translator<'_, '_>, i: Insn, what: Immediate) -> Option<Flow> {
    let (op, cmode) = (i.bit(29), i.bits(12, 4));
    let imm8 = i.bits(16, 3) << 5 | i.bits(5, 5);
    let imm = u128::from(expand_immediate(op, cmode, imm8.into()));
    let imm = imm | imm << 64;
    let s = Shape {
        lane: 0,
        bytes: if i.q() { 16 } else { 8 },
    };
    let kept = if i.q() { u128::MAX } else { u64::MAX.into() };
    let value = match what {
        Immediate::Move => t.b.vconst(imm & kept),
        Immediate::MoveNot => t.b.vconst(!imm & kept),
        Immediate::Or | Immediate::AndNot => {
            let d = t.d(i);
            let imm = t.b.vconst(imm);
            let code = match what {
                Immediate::Or => OpCode::VOr,
                _ => OpCode::VAndNot,
            };
            let value = t.vec2(code, 0, d, imm);
            return t.write(i, s, value);
        }
    };
    t.set_v(i.rd(), value);
    t.next()
}

/// MOVI of 64 bits and FMOV of doubles: the 64-bit form is MOVI's scalar variant and not a vector of FMOV.
fn immediate_double(t: &mut Translator<'_, '_>, i: Insn) -> Option<Flow> {
    if !i.q() {
        return None;
    }
    immediate(t, i, Immediate::Move)
}

#[cfg(test)]
mod tests {
    use super::expand_immediate;

    #[test]
    fn immediates() {
        assert_eq!(expand_immediate(false, 0b0010, 0xab), 0xab00_0000_ab00);
        assert_eq!(expand_immediate(false, 0b1010, 0xab), 0xab00_ab00_ab00_ab00);
        assert_eq!(expand_immediate(false, 0b1101, 0xab), 0x00ab_ffff_00ab_ffff);
        assert_eq!(expand_immediate(true, 0b1110, 0x81), 0xff00_0000_0000_00ff);
        assert_eq!(expand_immediate(false, 0b1111, 0x70), 0x3f80_0000_3f80_0000);
        assert_eq!(expand_immediate(true, 0b1111, 0x70), 1f64.to_bits());
        assert_eq!(expand_immediate(true, 0b1111, 0x80), (-2f64).to_bits());
    }
}
