//! Integer arithmetic, logic, shifts and bit fields (volume II-A, tables 3.1 to 3.7).

use super::decode::{Insn, Row, row};
use super::translate::{Done, Outcome, Refusal, Translator};
use crate::ir::{Cmp, OpCode, Trap, Ty, Val};

pub const ROWS: &[Row] = &[
    row("ADD", "000000 rs:5 rt:5 rd:5 00000 100000", add),
    row("ADDU", "000000 rs:5 rt:5 rd:5 00000 100001", addu),
    row("SUB", "000000 rs:5 rt:5 rd:5 00000 100010", sub),
    row("SUBU", "000000 rs:5 rt:5 rd:5 00000 100011", subu),
    row("AND", "000000 rs:5 rt:5 rd:5 00000 100100", and),
    row("OR", "000000 rs:5 rt:5 rd:5 00000 100101", or),
    row("XOR", "000000 rs:5 rt:5 rd:5 00000 100110", xor),
    row("NOR", "000000 rs:5 rt:5 rd:5 00000 100111", nor),
    row("SLT", "000000 rs:5 rt:5 rd:5 00000 101010", slt),
    row("SLTU", "000000 rs:5 rt:5 rd:5 00000 101011", sltu),
    row("ADDI", "001000 rs:5 rt:5 imm:16", addi),
    row("ADDIU", "001001 rs:5 rt:5 imm:16", addiu),
    row("SLTI", "001010 rs:5 rt:5 imm:16", slti),
    row("SLTIU", "001011 rs:5 rt:5 imm:16", sltiu),
    row("ANDI", "001100 rs:5 rt:5 imm:16", andi),
    row("ORI", "001101 rs:5 rt:5 imm:16", ori),
    row("XORI", "001110 rs:5 rt:5 imm:16", xori),
    row("LUI", "001111 00000 rt:5 imm:16", lui),
    row("SLL", "000000 00000 rt:5 rd:5 sa:5 000000", sll),
    row("SRL", "000000 00000 rt:5 rd:5 sa:5 000010", srl),
    row("ROTR", "000000 00001 rt:5 rd:5 sa:5 000010", rotr),
    row("SRA", "000000 00000 rt:5 rd:5 sa:5 000011", sra),
    row("SLLV", "000000 rs:5 rt:5 rd:5 00000 000100", sllv),
    row("SRLV", "000000 rs:5 rt:5 rd:5 00000 000110", srlv),
    row("ROTRV", "000000 rs:5 rt:5 rd:5 00001 000110", rotrv),
    row("SRAV", "000000 rs:5 rt:5 rd:5 00000 000111", srav),
    row("MOVZ", "000000 rs:5 rt:5 rd:5 00000 001010", movz),
    row("MOVN", "000000 rs:5 rt:5 rd:5 00000 001011", movn),
    row("CLZ", "011100 rs:5 rt:5 rd:5 00000 100000", clz),
    row("CLO", "011100 rs:5 rt:5 rd:5 00000 100001", clo),
    row("EXT", "011111 rs:5 rt:5 msbd:5 lsb:5 000000", ext),
    row("INS", "011111 rs:5 rt:5 msb:5 lsb:5 000100", ins),
    row("WSBH", "011111 00000 rt:5 rd:5 00010 100000", wsbh),
    row("SEB", "011111 00000 rt:5 rd:5 10000 100000", seb),
    row("SEH", "011111 00000 rt:5 rd:5 11000 100000", seh),
];

/// rd := f(rs, rt)
fn three(
    t: &mut Translator<'_, '_>,
    i: Insn,
    f: impl FnOnce(&mut Translator<'_, '_>, Val, Val) -> Val,
) -> Outcome {
    if i.rd() != 0 {
        let (a, b) = (t.r(i.rs()), t.r(i.rt()));
        let value = f(t, a, b);
        t.set_r(i.rd(), value);
    }
    Ok(Done::Next)
}

/// rt := f(rs, constant)
fn immediate(
    t: &mut Translator<'_, '_>,
    i: Insn,
    constant: u32,
    f: impl FnOnce(&mut Translator<'_, '_>, Val, Val) -> Val,
) -> Outcome {
    if i.rt() != 0 {
        let a = t.r(i.rs());
        let b = t.b.const32(constant);
        let value = f(t, a, b);
        t.set_r(i.rt(), value);
    }
    Ok(Done::Next)
}

/// The sum or difference of sign-extended operands, trapping when it needs more than 32 bits.
fn trapping(t: &mut Translator<'_, '_>, code: OpCode, a: Val, b: Val) -> Val {
    let (a, b) = (t.b.sext32(a), t.b.sext32(b));
    let wide = t.b.binary(code, a, b);
    let value = t.b.trunc(wide);
    let narrow = t.b.sext32(value);
    t.b.trap_if_cmp(Trap::IntegerOverflow, 0, Cmp::Ne, wide, narrow);
    value
}

fn add(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (a, b) = (t.r(i.rs()), t.r(i.rt()));
    let value = trapping(t, OpCode::Add, a, b);
    t.set_r(i.rd(), value);
    Ok(Done::Next)
}

fn sub(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (a, b) = (t.r(i.rs()), t.r(i.rt()));
    let value = trapping(t, OpCode::Sub, a, b);
    t.set_r(i.rd(), value);
    Ok(Done::Next)
}

fn addi(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let a = t.r(i.rs());
    let b = t.b.const32(i.imm() as u32);
    let value = trapping(t, OpCode::Add, a, b);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn addu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| t.int(OpCode::Add, a, b))
}

fn subu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| {
        if t.b.block.constant(a) == Some(0) {
            t.b.unary(OpCode::Neg, b)
        } else {
            t.int(OpCode::Sub, a, b)
        }
    })
}

fn and(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| t.int(OpCode::And, a, b))
}

fn or(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| t.int(OpCode::Or, a, b))
}

fn xor(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| t.int(OpCode::Xor, a, b))
}

fn nor(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| {
        let or = t.int(OpCode::Or, a, b);
        t.b.unary(OpCode::Not, or)
    })
}

fn slt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| t.b.compare(Cmp::LtS, a, b))
}

fn sltu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, b| {
        // `sltu rd, zero, rt` is how "not zero" is written.
        if t.b.block.constant(a) == Some(0) {
            t.b.compare(Cmp::Ne, b, a)
        } else {
            t.b.compare(Cmp::LtU, a, b)
        }
    })
}

fn addiu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    immediate(t, i, i.imm() as u32, |t, a, b| t.b.add(a, b))
}

fn slti(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    immediate(t, i, i.imm() as u32, |t, a, b| t.b.compare(Cmp::LtS, a, b))
}

fn sltiu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    immediate(t, i, i.imm() as u32, |t, a, b| t.b.compare(Cmp::LtU, a, b))
}

fn andi(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    immediate(t, i, i.uimm(), |t, a, b| t.b.binary(OpCode::And, a, b))
}

fn ori(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    immediate(t, i, i.uimm(), |t, a, b| t.b.binary(OpCode::Or, a, b))
}

fn xori(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    immediate(t, i, i.uimm(), |t, a, b| t.b.binary(OpCode::Xor, a, b))
}

fn lui(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = t.b.const32(i.uimm() << 16);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

/// rd := rt shifted by the constant sa. With rd = 0 this is NOP, SSNOP, EHB or PAUSE.
fn shift(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Outcome {
    if i.rd() != 0 {
        let a = t.r(i.rt());
        let value = t.b.binary_imm(code, a, i.sa().into());
        t.set_r(i.rd(), value);
    }
    Ok(Done::Next)
}

fn sll(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    shift(t, i, OpCode::Shl)
}

fn srl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    shift(t, i, OpCode::ShrU)
}

fn rotr(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    shift(t, i, OpCode::Rotr)
}

fn sra(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    shift(t, i, OpCode::ShrS)
}

// The shift ops take the amount modulo 32, as the instructions do.
fn sllv(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, s, a| t.b.binary(OpCode::Shl, a, s))
}

fn srlv(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, s, a| t.b.binary(OpCode::ShrU, a, s))
}

fn rotrv(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, s, a| t.b.binary(OpCode::Rotr, a, s))
}

fn srav(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, s, a| t.b.binary(OpCode::ShrS, a, s))
}

fn movz(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, c| {
        let old = t.r(i.rd());
        t.b.select(c, old, a)
    })
}

fn movn(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, c| {
        let old = t.r(i.rd());
        t.b.select(c, a, old)
    })
}

fn clz(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, _| t.b.unary(OpCode::Clz, a))
}

fn clo(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    three(t, i, |t, a, _| {
        let not = t.b.unary(OpCode::Not, a);
        t.b.unary(OpCode::Clz, not)
    })
}

fn ext(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (lsb, size) = (i.sa(), i.rd() + 1);
    if lsb + size > 32 {
        return Err(Refusal::Reserved);
    }
    let a = t.r(i.rs());
    let value = t.b.extract(false, a, lsb, size);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn ins(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (lsb, msb) = (i.sa(), i.rd());
    if lsb > msb {
        return Err(Refusal::Reserved);
    }
    let (old, new) = (t.r(i.rt()), t.r(i.rs()));
    let width = msb - lsb + 1;
    let value = if width == 32 {
        new
    } else {
        t.b.op(
            OpCode::Insert,
            Ty::I32,
            &[old, new],
            lsb as u16,
            width as u16,
        )
    };
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

/// rd := code(rt)
fn unary(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Outcome {
    let a = t.r(i.rt());
    let value = t.b.unary(code, a);
    t.set_r(i.rd(), value);
    Ok(Done::Next)
}

fn wsbh(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, OpCode::Bswap16)
}

fn seb(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, OpCode::Sext8)
}

fn seh(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, OpCode::Sext16)
}
