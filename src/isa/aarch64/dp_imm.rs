//! Data processing with an immediate (the manual's C4.1, "Data Processing -- Immediate").

use super::decode::Feature::Base;
use super::decode::{Insn, Row, row};
use super::translate::Translator;
use crate::ir::{OpCode, Ty, Val};
use crate::isa::Flow;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("ADR", Base, "0 immlo:2 10000 immhi:19 Rd:5", |t, i| adr(t, i, 0)),
    row("ADRP", Base, "1 immlo:2 10000 immhi:19 Rd:5", |t, i| adr(t, i, 12)),
    row("ADD (immediate)", Base, "sf 0 0 100010 sh imm12:12 Rn:5 Rd:5", |t, i| add_sub(t, i, OpCode::Add)),
    row("ADDS (immediate)", Base, "sf 0 1 100010 sh imm12:12 Rn:5 Rd:5", |t, i| add_sub_flags(t, i, OpCode::AddF)),
    row("SUB (immediate)", Base, "sf 1 0 100010 sh imm12:12 Rn:5 Rd:5", |t, i| add_sub(t, i, OpCode::Sub)),
    row("SUBS (immediate)", Base, "sf 1 1 100010 sh imm12:12 Rn:5 Rd:5", |t, i| add_sub_flags(t, i, OpCode::SubF)),
    row("AND (immediate)", Base, "sf 00 100100 N immr:6 imms:6 Rn:5 Rd:5", |t, i| logical(t, i, OpCode::And)),
    row("ORR (immediate)", Base, "sf 01 100100 N immr:6 imms:6 Rn:5 Rd:5", |t, i| logical(t, i, OpCode::Or)),
    row("EOR (immediate)", Base, "sf 10 100100 N immr:6 imms:6 Rn:5 Rd:5", |t, i| logical(t, i, OpCode::Xor)),
    row("ANDS (immediate)", Base, "sf 11 100100 N immr:6 imms:6 Rn:5 Rd:5", ands),
    row("MOVN", Base, "sf 00 100101 hw:2 imm16:16 Rd:5", |t, i| mov(t, i, true)),
    row("MOVZ", Base, "sf 10 100101 hw:2 imm16:16 Rd:5", |t, i| mov(t, i, false)),
    row("MOVK", Base, "sf 11 100101 hw:2 imm16:16 Rd:5", movk),
    row("SBFM", Base, "sf 00 100110 N immr:6 imms:6 Rn:5 Rd:5", |t, i| bitfield_move(t, i, true)),
    row("BFM", Base, "sf 01 100110 N immr:6 imms:6 Rn:5 Rd:5", bfm),
    row("UBFM", Base, "sf 10 100110 N immr:6 imms:6 Rn:5 Rd:5", |t, i| bitfield_move(t, i, false)),
    row("EXTR", Base, "sf 00 100111 N 0 Rm:5 imms:6 Rn:5 Rd:5", extr),
];

fn adr(t: &mut Translator, i: Insn, shift: u32) -> Option<Flow> {
    let imm = i.signed(5, 19) << 2 | i64::from(i.bits(29, 2));
    let base = t.pc >> shift << shift;
    let value = t.b.const64(base.wrapping_add((imm << shift) as u64));
    t.set_r(i.rd(), value);
    t.next()
}

/// imm12, shifted by 12 when `sh` is set.
fn imm12(i: Insn) -> i64 {
    i64::from(i.bits(10, 12)) << if i.bit(22) { 12 } else { 0 }
}

fn add_sub(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let a = t.r_or_sp(i.sf(), i.rn());
    let value = t.b.binary_imm(code, a, imm12(i));
    t.set_r_or_sp(i.rd(), value);
    t.next()
}

fn add_sub_flags(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let a = t.r_or_sp(i.sf(), i.rn());
    let imm = t.b.iconst(Translator::int(i.sf()), imm12(i));
    let value = t.b.op(code, Translator::int(i.sf()), &[a, imm], 0, 0);
    t.set_r(i.rd(), value);
    t.next()
}

/// The manual's DecodeBitMasks with `immediate` true, for 64 bits (a 32-bit mask is its low half). `None`: reserved.
pub(super) fn decode_bit_mask(n: bool, imms: u32, immr: u32) -> Option<u64> {
    let selector = u32::from(n) << 6 | (!imms & 63);
    let len = selector.checked_ilog2().filter(|&len| len >= 1)?;
    let size = 1 << len;
    let levels = size - 1;
    let (s, r) = (imms & levels, immr & levels);
    if s == levels {
        return None;
    }
    let ones = (1u64 << (s + 1)) - 1;
    let mask = if size == 64 {
        u64::MAX
    } else {
        (1 << size) - 1
    };
    let element = if r == 0 {
        ones
    } else {
        (ones >> r | ones << (size - r)) & mask
    };
    // Repeat the element over 64 bits.
    Some((0..64 / size).fold(0, |all, k| all | element << (k * size)))
}

fn logical_imm(i: Insn) -> Option<i64> {
    if !i.sf() && i.bit(22) {
        return None;
    }
    decode_bit_mask(i.bit(22), i.bits(10, 6), i.bits(16, 6)).map(|m| m as i64)
}

fn logical(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let imm = logical_imm(i)?;
    let a = t.r(i.sf(), i.rn());
    let value = t.b.binary_imm(code, a, imm);
    t.set_r_or_sp(i.rd(), value);
    t.next()
}

fn ands(t: &mut Translator, i: Insn) -> Option<Flow> {
    let imm = logical_imm(i)?;
    let ty = Translator::int(i.sf());
    let a = t.r(i.sf(), i.rn());
    let imm = t.b.iconst(ty, imm);
    let value = t.b.op(OpCode::AndF, ty, &[a, imm], 0, 0);
    t.set_r(i.rd(), value);
    t.next()
}

/// Position of imm16. `None`: beyond the register.
fn halfword(i: Insn) -> Option<u32> {
    let hw = i.bits(21, 2);
    (i.sf() || hw < 2).then_some(hw * 16)
}

fn mov(t: &mut Translator, i: Insn, negate: bool) -> Option<Flow> {
    let imm = i64::from(i.bits(5, 16)) << halfword(i)?;
    let value =
        t.b.iconst(Translator::int(i.sf()), if negate { !imm } else { imm });
    t.set_r(i.rd(), value);
    t.next()
}

fn movk(t: &mut Translator, i: Insn) -> Option<Flow> {
    let lsb = halfword(i)?;
    let ty = Translator::int(i.sf());
    let imm = i64::from(i.bits(5, 16));
    if let Some(old) = t.constant_just_set(i.rd()) {
        let value = t.b.iconst(ty, old & !(0xffff << lsb) | imm << lsb);
        t.set_r(i.rd(), value);
        return t.next();
    }
    let a = t.r(i.sf(), i.rd());
    let imm = t.b.iconst(ty, imm);
    let value = t.b.op(OpCode::Insert, ty, &[a, imm], lsb as u16, 16);
    t.set_r(i.rd(), value);
    t.next()
}

/// Width of the register, immr and imms of a bit field instruction. `None`: reserved.
fn bitfield(i: Insn) -> Option<(u32, u32, u32)> {
    let width = if i.sf() { 64 } else { 32 };
    let (r, s) = (i.bits(16, 6), i.bits(10, 6));
    (i.bit(22) == i.sf() && r < width && s < width).then_some((width, r, s))
}

fn bitfield_move(t: &mut Translator, i: Insn, signed: bool) -> Option<Flow> {
    let (width, r, s) = bitfield(i)?;
    let a = t.r(i.sf(), i.rn());
    let value = if s >= r {
        extract(t, signed, a, r, s - r + 1, width)
    } else {
        let lsb = width - r;
        // Bits that the left shift drops need no masking: LSL.
        let field = if s + 1 == r {
            a
        } else {
            extract(t, signed, a, 0, s + 1, width)
        };
        t.b.binary_imm(OpCode::Shl, field, i64::from(lsb))
    };
    t.set_r(i.rd(), value);
    t.next()
}

/// Bits `[lsb, lsb + len)` of `a`, a register of `width` bits, by the cheapest op.
fn extract(t: &mut Translator, signed: bool, a: Val, lsb: u32, len: u32, width: u32) -> Val {
    if lsb + len == width {
        let code = if signed { OpCode::ShrS } else { OpCode::ShrU };
        return t.b.binary_imm(code, a, i64::from(lsb));
    }
    match (lsb, len, signed) {
        (0, 8, true) => t.b.unary(OpCode::Sext8, a),
        (0, 16, true) => t.b.unary(OpCode::Sext16, a),
        (0, 8, false) => t.b.unary(OpCode::Zext8, a),
        (0, 16, false) => t.b.unary(OpCode::Zext16, a),
        (0, 32, _) => {
            let low = t.b.trunc(a);
            if signed {
                t.b.sext32(low)
            } else {
                t.b.zext32(low)
            }
        }
        _ => t.b.extract(signed, a, lsb, len),
    }
}

fn bfm(t: &mut Translator, i: Insn) -> Option<Flow> {
    let (width, r, s) = bitfield(i)?;
    let a = t.r(i.sf(), i.rd());
    let source = t.r(i.sf(), i.rn());
    let (field, lsb, len) = if s >= r {
        let field = t.b.binary_imm(OpCode::ShrU, source, i64::from(r));
        (field, 0, s - r + 1)
    } else {
        (source, width - r, s + 1)
    };
    let value = if len == width {
        field
    } else {
        let ty = Translator::int(i.sf());
        t.b.op(OpCode::Insert, ty, &[a, field], lsb as u16, len as u16)
    };
    t.set_r(i.rd(), value);
    t.next()
}

fn extr(t: &mut Translator, i: Insn) -> Option<Flow> {
    let lsb = i.bits(10, 6);
    if i.bit(22) != i.sf() || !i.sf() && lsb >= 32 {
        return None;
    }
    let ty: Ty = Translator::int(i.sf());
    let high = t.r(i.sf(), i.rn());
    let value = if i.rn() == i.rm() {
        t.b.binary_imm(OpCode::Rotr, high, i64::from(lsb))
    } else {
        let low = t.r(i.sf(), i.rm());
        if lsb == 0 {
            low
        } else {
            t.b.op(OpCode::Concat, ty, &[high, low], lsb as u16, 0)
        }
    };
    t.set_r(i.rd(), value);
    t.next()
}
