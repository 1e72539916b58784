//! Multiplication and division, and the registers HI and LO (volume II-A, table 3.6).

use super::decode::{Insn, Row, row};
use super::regs::{HI, LO};
use super::translate::{Done, Outcome, Translator};
use crate::ir::{OpCode, Slot, Ty, Val};

pub const ROWS: &[Row] = &[
    row("MFHI", "000000 00000 00000 rd:5 00000 010000", mfhi),
    row("MTHI", "000000 rs:5 00000 00000 00000 010001", mthi),
    row("MFLO", "000000 00000 00000 rd:5 00000 010010", mflo),
    row("MTLO", "000000 rs:5 00000 00000 00000 010011", mtlo),
    row("MULT", "000000 rs:5 rt:5 00000 00000 011000", mult),
    row("MULTU", "000000 rs:5 rt:5 00000 00000 011001", multu),
    row("DIV", "000000 rs:5 rt:5 00000 00000 011010", div),
    row("DIVU", "000000 rs:5 rt:5 00000 00000 011011", divu),
    row("MADD", "011100 rs:5 rt:5 00000 00000 000000", madd),
    row("MADDU", "011100 rs:5 rt:5 00000 00000 000001", maddu),
    row("MUL", "011100 rs:5 rt:5 rd:5 00000 000010", mul),
    row("MSUB", "011100 rs:5 rt:5 00000 00000 000100", msub),
    row("MSUBU", "011100 rs:5 rt:5 00000 00000 000101", msubu),
];

fn move_from(t: &mut Translator<'_, '_>, i: Insn, slot: Slot) -> Outcome {
    let value = t.b.get(Ty::I32, slot);
    t.set_r(i.rd(), value);
    Ok(Done::Next)
}

fn move_to(t: &mut Translator<'_, '_>, i: Insn, slot: Slot) -> Outcome {
    let value = t.r(i.rs());
    t.b.set(Ty::I32, slot, value);
    Ok(Done::Next)
}

fn mfhi(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    move_from(t, i, HI)
}

fn mflo(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    move_from(t, i, LO)
}

fn mthi(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    move_to(t, i, HI)
}

fn mtlo(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    move_to(t, i, LO)
}

/// 64-bit product of rs and rt.
fn product(t: &mut Translator<'_, '_>, i: Insn, signed: bool) -> Val {
    let (a, b) = (t.r(i.rs()), t.r(i.rt()));
    let (a, b) = if signed {
        (t.b.sext32(a), t.b.sext32(b))
    } else {
        (t.b.zext32(a), t.b.zext32(b))
    };
    t.int(OpCode::Mul, a, b)
}

/// HI:LO := `value`
fn set_hi_lo(t: &mut Translator<'_, '_>, value: Val) -> Outcome {
    let lo = t.b.trunc(value);
    t.b.set(Ty::I32, LO, lo);
    let hi = t.b.binary_imm(OpCode::ShrU, value, 32);
    let hi = t.b.trunc(hi);
    t.b.set(Ty::I32, HI, hi);
    Ok(Done::Next)
}

/// HI:LO := HI:LO + or - the product
fn accumulate(t: &mut Translator<'_, '_>, i: Insn, code: OpCode, signed: bool) -> Outcome {
    let product = product(t, i, signed);
    let (hi, lo) = (t.b.get(Ty::I32, HI), t.b.get(Ty::I32, LO));
    let (hi, lo) = (t.b.zext32(hi), t.b.zext32(lo));
    let hi = t.b.binary_imm(OpCode::Shl, hi, 32);
    let sum = t.b.binary(OpCode::Or, hi, lo);
    let sum = t.b.binary(code, sum, product);
    set_hi_lo(t, sum)
}

fn mult(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = product(t, i, true);
    set_hi_lo(t, value)
}

fn multu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = product(t, i, false);
    set_hi_lo(t, value)
}

fn madd(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    accumulate(t, i, OpCode::Add, true)
}

fn maddu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    accumulate(t, i, OpCode::Add, false)
}

fn msub(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    accumulate(t, i, OpCode::Sub, true)
}

fn msubu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    accumulate(t, i, OpCode::Sub, false)
}

/// HI and LO are UNPREDICTABLE after MUL: they stay.
fn mul(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (a, b) = (t.r(i.rs()), t.r(i.rt()));
    let value = t.int(OpCode::Mul, a, b);
    t.set_r(i.rd(), value);
    Ok(Done::Next)
}

/// LO := quotient, HI := remainder. Division by zero is UNPREDICTABLE and never traps (compilers add a `teq` of their own); here
/// as in QEMU it is division by one.
fn divide(t: &mut Translator<'_, '_>, i: Insn, quotient: OpCode, remainder: OpCode) -> Outcome {
    let (a, b, one) = (t.r(i.rs()), t.r(i.rt()), t.b.const32(1));
    let b = t.b.select(b, b, one);
    let lo = t.b.binary(quotient, a, b);
    let hi = t.b.binary(remainder, a, b);
    t.b.set(Ty::I32, LO, lo);
    t.b.set(Ty::I32, HI, hi);
    Ok(Done::Next)
}

fn div(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    divide(t, i, OpCode::DivS, OpCode::RemS)
}

fn divu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    divide(t, i, OpCode::DivU, OpCode::RemU)
}
