//! Data processing with registers (the manual's C4.1, "Data Processing -- Register").

use super::decode::Feature::{Base, Crc32};
use super::decode::{Insn, Row, row};
use super::translate::Translator;
use crate::ir::{Cond, OpCode, Ty, Val};
use crate::isa::Flow;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("AND (shifted register)", Base, "sf 00 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| logical(t, i, OpCode::And)),
    row("BIC (shifted register)", Base, "sf 00 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| logical(t, i, OpCode::AndNot)),
    row("ORR (shifted register)", Base, "sf 01 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", orr),
    row("ORN (shifted register)", Base, "sf 01 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", orn),
    row("EOR (shifted register)", Base, "sf 10 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| logical(t, i, OpCode::Xor)),
    row("EON (shifted register)", Base, "sf 10 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", eon),
    row("ANDS (shifted register)", Base, "sf 11 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| ands(t, i, false)),
    row("BICS (shifted register)", Base, "sf 11 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| ands(t, i, true)),

    row("ADD (shifted register)", Base, "sf 0 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| add_sub_shifted(t, i, OpCode::Add)),
    row("ADDS (shifted register)", Base, "sf 0 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| add_sub_shifted(t, i, OpCode::AddF)),
    row("SUB (shifted register)", Base, "sf 1 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| add_sub_shifted(t, i, OpCode::Sub)),
    row("SUBS (shifted register)", Base, "sf 1 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5", |t, i| add_sub_shifted(t, i, OpCode::SubF)),
    row("ADD (extended register)", Base, "sf 0 0 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5", |t, i| add_sub_extended(t, i, OpCode::Add)),
    row("ADDS (extended register)", Base, "sf 0 1 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5", |t, i| add_sub_extended(t, i, OpCode::AddF)),
    row("SUB (extended register)", Base, "sf 1 0 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5", |t, i| add_sub_extended(t, i, OpCode::Sub)),
    row("SUBS (extended register)", Base, "sf 1 1 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5", |t, i| add_sub_extended(t, i, OpCode::SubF)),
    row("ADC", Base, "sf 0 0 11010000 Rm:5 000000 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::Adc)),
    row("ADCS", Base, "sf 0 1 11010000 Rm:5 000000 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::AdcF)),
    row("SBC", Base, "sf 1 0 11010000 Rm:5 000000 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::Sbc)),
    row("SBCS", Base, "sf 1 1 11010000 Rm:5 000000 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::SbcF)),

    row("CCMN (register)", Base, "sf 0 1 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4", |t, i| conditional_compare(t, i, false)),
    row("CCMN (immediate)", Base, "sf 0 1 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4", |t, i| conditional_compare(t, i, true)),
    row("CCMP (register)", Base, "sf 1 1 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4", |t, i| conditional_compare(t, i, false)),
    row("CCMP (immediate)", Base, "sf 1 1 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4", |t, i| conditional_compare(t, i, true)),
    row("CSEL", Base, "sf 0 0 11010100 Rm:5 cond:4 00 Rn:5 Rd:5", |t, i| conditional_select(t, i, |_, b| b)),
    row("CSINC", Base, "sf 0 0 11010100 Rm:5 cond:4 01 Rn:5 Rd:5", csinc),
    row("CSINV", Base, "sf 1 0 11010100 Rm:5 cond:4 00 Rn:5 Rd:5", |t, i| conditional_select(t, i, not)),
    row("CSNEG", Base, "sf 1 0 11010100 Rm:5 cond:4 01 Rn:5 Rd:5", |t, i| conditional_select(t, i, |t, b| t.b.unary(OpCode::Neg, b))),

    row("MADD", Base, "sf 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5", |t, i| multiply_add(t, i, OpCode::Add)),
    row("MSUB", Base, "sf 00 11011 000 Rm:5 1 Ra:5 Rn:5 Rd:5", |t, i| multiply_add(t, i, OpCode::Sub)),
    row("SMADDL", Base, "1 00 11011 001 Rm:5 0 Ra:5 Rn:5 Rd:5", |t, i| multiply_add_long(t, i, OpCode::Add, true)),
    row("SMSUBL", Base, "1 00 11011 001 Rm:5 1 Ra:5 Rn:5 Rd:5", |t, i| multiply_add_long(t, i, OpCode::Sub, true)),
    row("SMULH", Base, "1 00 11011 010 Rm:5 0 Ra:5 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::MulHiS)),
    row("UMADDL", Base, "1 00 11011 101 Rm:5 0 Ra:5 Rn:5 Rd:5", |t, i| multiply_add_long(t, i, OpCode::Add, false)),
    row("UMSUBL", Base, "1 00 11011 101 Rm:5 1 Ra:5 Rn:5 Rd:5", |t, i| multiply_add_long(t, i, OpCode::Sub, false)),
    row("UMULH", Base, "1 00 11011 110 Rm:5 0 Ra:5 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::MulHiU)),

    row("UDIV", Base, "sf 0 0 11010110 Rm:5 000010 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::DivU)),
    row("SDIV", Base, "sf 0 0 11010110 Rm:5 000011 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::DivS)),
    row("LSLV", Base, "sf 0 0 11010110 Rm:5 001000 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::Shl)),
    row("LSRV", Base, "sf 0 0 11010110 Rm:5 001001 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::ShrU)),
    row("ASRV", Base, "sf 0 0 11010110 Rm:5 001010 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::ShrS)),
    row("RORV", Base, "sf 0 0 11010110 Rm:5 001011 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::Rotr)),
    row("CRC32B, CRC32H, CRC32W, CRC32X", Crc32, "sf 0 0 11010110 Rm:5 0100 sz:2 Rn:5 Rd:5", |t, i| crc32(t, i, false)),
    row("CRC32CB, CRC32CH, CRC32CW, CRC32CX", Crc32, "sf 0 0 11010110 Rm:5 0101 sz:2 Rn:5 Rd:5", |t, i| crc32(t, i, true)),

    row("RBIT", Base, "sf 1 0 11010110 00000 000000 Rn:5 Rd:5", |t, i| unary(t, i, OpCode::Rbit)),
    row("REV16", Base, "sf 1 0 11010110 00000 000001 Rn:5 Rd:5", |t, i| unary(t, i, OpCode::Bswap16)),
    row("REV (32-bit)", Base, "0 1 0 11010110 00000 000010 Rn:5 Rd:5", |t, i| unary(t, i, OpCode::Bswap)),
    row("REV32", Base, "1 1 0 11010110 00000 000010 Rn:5 Rd:5", |t, i| unary(t, i, OpCode::Bswap32)),
    row("REV (64-bit)", Base, "1 1 0 11010110 00000 000011 Rn:5 Rd:5", |t, i| unary(t, i, OpCode::Bswap)),
    row("CLZ", Base, "sf 1 0 11010110 00000 000100 Rn:5 Rd:5", |t, i| unary(t, i, OpCode::Clz)),
    row("CLS", Base, "sf 1 0 11010110 00000 000101 Rn:5 Rd:5", cls),
];

/// Rm shifted by imm6. `None`: the amount is beyond the register.
fn shifted(t: &mut Translator, i: Insn) -> Option<Val> {
    let amount = i.bits(10, 6);
    if !i.sf() && amount >= 32 {
        return None;
    }
    let code = [OpCode::Shl, OpCode::ShrU, OpCode::ShrS, OpCode::Rotr][i.bits(22, 2) as usize];
    let m = t.r(i.sf(), i.rm());
    Some(t.b.binary_imm(code, m, amount.into()))
}

fn logical(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let b = shifted(t, i)?;
    let a = t.r(i.sf(), i.rn());
    let value = t.b.binary(code, a, b);
    t.set_r(i.rd(), value);
    t.next()
}

fn not(t: &mut Translator, a: Val) -> Val {
    t.b.unary(OpCode::Not, a)
}

fn orr(t: &mut Translator, i: Insn) -> Option<Flow> {
    if i.rn() != 31 {
        return logical(t, i, OpCode::Or);
    }
    // MOV (register)
    let value = shifted(t, i)?;
    t.set_r(i.rd(), value);
    t.next()
}

fn orn(t: &mut Translator, i: Insn) -> Option<Flow> {
    let b = shifted(t, i)?;
    let b = not(t, b);
    let value = if i.rn() == 31 {
        b // MVN
    } else {
        let a = t.r(i.sf(), i.rn());
        t.b.binary(OpCode::Or, a, b)
    };
    t.set_r(i.rd(), value);
    t.next()
}

fn eon(t: &mut Translator, i: Insn) -> Option<Flow> {
    let b = shifted(t, i)?;
    let a = t.r(i.sf(), i.rn());
    let value = t.b.binary(OpCode::Xor, a, b);
    let value = not(t, value);
    t.set_r(i.rd(), value);
    t.next()
}

fn ands(t: &mut Translator, i: Insn, invert: bool) -> Option<Flow> {
    let mut b = shifted(t, i)?;
    if invert {
        b = not(t, b);
    }
    let a = t.r(i.sf(), i.rn());
    let value = flags_op(t, OpCode::AndF, a, b);
    t.set_r(i.rd(), value);
    t.next()
}

/// An op that writes flags or reads the carry: never folded.
fn flags_op(t: &mut Translator, code: OpCode, a: Val, b: Val) -> Val {
    let ty = t.b.ty(a);
    t.b.op(code, ty, &[a, b], 0, 0)
}

fn add_sub(t: &mut Translator, code: OpCode, a: Val, b: Val) -> Val {
    match code {
        OpCode::Sub if t.b.block.constant(a) == Some(0) => t.b.unary(OpCode::Neg, b),
        OpCode::Add | OpCode::Sub => t.b.binary(code, a, b),
        _ => flags_op(t, code, a, b),
    }
}

fn add_sub_shifted(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    if i.bits(22, 2) == 3 {
        return None;
    }
    let b = shifted(t, i)?;
    let a = t.r(i.sf(), i.rn());
    let value = add_sub(t, code, a, b);
    t.set_r(i.rd(), value);
    t.next()
}

/// Register `n` extended as `option` says (the manual's ExtendReg without the shift).
pub(super) fn extend(t: &mut Translator, sf: bool, n: u32, option: u32) -> Val {
    let signed = option & 4 != 0;
    match option & 3 {
        0 | 1 => {
            let a = t.r(sf, n);
            let code = match (option & 3, signed) {
                (0, false) => OpCode::Zext8,
                (0, true) => OpCode::Sext8,
                (_, false) => OpCode::Zext16,
                (_, true) => OpCode::Sext16,
            };
            t.b.unary(code, a)
        }
        2 if sf => {
            let a = t.w(n);
            if signed { t.b.sext32(a) } else { t.b.zext32(a) }
        }
        _ => t.r(sf, n),
    }
}

fn add_sub_extended(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let amount = i.bits(10, 3);
    if amount > 4 {
        return None;
    }
    let b = extend(t, i.sf(), i.rm(), i.bits(13, 3));
    let b = t.b.binary_imm(OpCode::Shl, b, amount.into());
    let a = t.r_or_sp(i.sf(), i.rn());
    let value = add_sub(t, code, a, b);
    // The forms that set flags have no stack pointer as destination.
    if matches!(code, OpCode::Add | OpCode::Sub) {
        t.set_r_or_sp(i.rd(), value);
    } else {
        t.set_r(i.rd(), value);
    }
    t.next()
}

fn binary(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let a = t.r(i.sf(), i.rn());
    let b = t.r(i.sf(), i.rm());
    let value = flags_op(t, code, a, b);
    t.set_r(i.rd(), value);
    t.next()
}

fn unary(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let a = t.r(i.sf(), i.rn());
    let value = t.b.unary(code, a);
    t.set_r(i.rd(), value);
    t.next()
}

fn cond(i: Insn) -> Cond {
    Cond::from_bits(i.bits(12, 4))
}

fn conditional_compare(t: &mut Translator, i: Insn, immediate: bool) -> Option<Flow> {
    let ty = Translator::int(i.sf());
    let a = t.r(i.sf(), i.rn());
    let b = if immediate {
        t.b.iconst(ty, i.rm().into())
    } else {
        t.r(i.sf(), i.rm())
    };
    let subtract = i.bit(30);
    let otherwise = i.bits(0, 4) as u16 | u16::from(!subtract) << 4;
    t.b.op(OpCode::CondCompare, ty, &[a, b], cond(i) as u16, otherwise);
    t.next()
}

/// cond ? Rn : otherwise(Rm)
fn conditional_select(
    t: &mut Translator,
    i: Insn,
    otherwise: fn(&mut Translator<'_, '_>, Val) -> Val,
) -> Option<Flow> {
    let a = t.r(i.sf(), i.rn());
    let value = if matches!(cond(i), Cond::Al | Cond::Nv) {
        a
    } else {
        let b = t.r(i.sf(), i.rm());
        let b = otherwise(t, b);
        t.b.cond_select(cond(i), a, b)
    };
    t.set_r(i.rd(), value);
    t.next()
}

fn csinc(t: &mut Translator, i: Insn) -> Option<Flow> {
    if i.rn() == 31 && i.rm() == 31 && !matches!(cond(i), Cond::Al | Cond::Nv) {
        // CSET
        let ty = Translator::int(i.sf());
        let value =
            t.b.op(OpCode::CondValue, ty, &[], cond(i).invert() as u16, 0);
        t.set_r(i.rd(), value);
        return t.next();
    }
    conditional_select(t, i, |t, b| t.b.add_imm(b, 1))
}

fn multiply_add(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let n = t.r(i.sf(), i.rn());
    let m = t.r(i.sf(), i.rm());
    accumulate(t, i, code, n, m)
}

fn multiply_add_long(t: &mut Translator, i: Insn, code: OpCode, signed: bool) -> Option<Flow> {
    let option = if signed { 6 } else { 2 };
    let n = extend(t, true, i.rn(), option);
    let m = extend(t, true, i.rm(), option);
    accumulate(t, i, code, n, m)
}

/// Rd := Ra code n * m
fn accumulate(t: &mut Translator, i: Insn, code: OpCode, n: Val, m: Val) -> Option<Flow> {
    let product = t.b.binary(OpCode::Mul, n, m);
    let value = match (i.ra(), code) {
        (31, OpCode::Add) => product,
        (31, _) => t.b.unary(OpCode::Neg, product),
        (a, _) => {
            let a = t.r(i.sf(), a);
            t.b.binary(code, a, product)
        }
    };
    t.set_r(i.rd(), value);
    t.next()
}

fn crc32(t: &mut Translator, i: Insn, castagnoli: bool) -> Option<Flow> {
    let size = i.bits(10, 2);
    if i.sf() != (size == 3) {
        return None;
    }
    let accumulator = t.w(i.rn());
    let data = t.r(i.sf(), i.rm());
    let value = t.b.op(
        OpCode::Crc32,
        Ty::I32,
        &[accumulator, data],
        size as u16,
        castagnoli.into(),
    );
    t.set_r(i.rd(), value);
    t.next()
}

/// Leading sign bits after the first: the leading zeros of x ^ (x >> 1), less one.
fn cls(t: &mut Translator, i: Insn) -> Option<Flow> {
    let a = t.r(i.sf(), i.rn());
    let half = t.b.binary_imm(OpCode::ShrS, a, 1);
    let changes = t.b.binary(OpCode::Xor, a, half);
    let zeros = t.b.unary(OpCode::Clz, changes);
    let value = t.b.add_imm(zeros, -1);
    t.set_r(i.rd(), value);
    t.next()
}
