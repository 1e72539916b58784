//! Moves of FP registers: between themselves, to and from general registers and memory (volume II-A, tables 3.19, 3.22, 3.24).

use super::decode::{Insn, Row, row};
use super::fpu::Format;
use super::regs;
use super::translate::{Done, Outcome, Refusal, Translator};
use crate::ir::{NONE, OpCode, Ty, Val};

pub const ROWS: &[Row] = &[
    row("MFC1", "010001 00000 rt:5 fs:5 00000000000", mfc1),
    row("MFHC1", "010001 00011 rt:5 fs:5 00000000000", mfhc1),
    row("MTC1", "010001 00100 rt:5 fs:5 00000000000", mtc1),
    row("MTHC1", "010001 00111 rt:5 fs:5 00000000000", mthc1),
    row("MOV.S", "010001 10000 00000 fs:5 fd:5 000110", mov),
    row("MOV.D", "010001 10001 00000 fs:5 fd:5 000110", mov),
    row("MOVF.S", "010001 10000 cc:3 0 0 fs:5 fd:5 010001", movf_fmt),
    row("MOVF.D", "010001 10001 cc:3 0 0 fs:5 fd:5 010001", movf_fmt),
    row("MOVT.S", "010001 10000 cc:3 0 1 fs:5 fd:5 010001", movt_fmt),
    row("MOVT.D", "010001 10001 cc:3 0 1 fs:5 fd:5 010001", movt_fmt),
    row("MOVZ.S", "010001 10000 rt:5 fs:5 fd:5 010010", movz_fmt),
    row("MOVZ.D", "010001 10001 rt:5 fs:5 fd:5 010010", movz_fmt),
    row("MOVN.S", "010001 10000 rt:5 fs:5 fd:5 010011", movn_fmt),
    row("MOVN.D", "010001 10001 rt:5 fs:5 fd:5 010011", movn_fmt),
    row("MOVF", "000000 rs:5 cc:3 0 0 rd:5 00000 000001", movf),
    row("MOVT", "000000 rs:5 cc:3 0 1 rd:5 00000 000001", movt),
    row("LWC1", "110001 base:5 ft:5 offset:16", lwc1),
    row("LDC1", "110101 base:5 ft:5 offset:16", ldc1),
    row("SWC1", "111001 base:5 ft:5 offset:16", swc1),
    row("SDC1", "111101 base:5 ft:5 offset:16", sdc1),
    row("LWXC1", "010011 base:5 index:5 00000 fd:5 000000", lwxc1),
    row("LDXC1", "010011 base:5 index:5 00000 fd:5 000001", ldxc1),
    row("LUXC1", "010011 base:5 index:5 00000 fd:5 000101", luxc1),
    row("SWXC1", "010011 base:5 index:5 fs:5 00000 001000", swxc1),
    row("SDXC1", "010011 base:5 index:5 fs:5 00000 001001", sdxc1),
    row("SUXC1", "010011 base:5 index:5 fs:5 00000 001101", suxc1),
];

fn mfc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = t.f(Format::W, i.fs())?;
    let value = t.f_bits(Format::W, value);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn mtc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = t.r(i.rt());
    let value = t.b.op(OpCode::VFromInt, Ty::V64, &[value], 0, 0);
    t.set_f(Format::W, i.fs(), value)?;
    Ok(Done::Next)
}

/// Bits 63:32 of the register, or of the pair that an even register stands for.
fn mfhc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = t.f(Format::D, i.fs())?;
    let value = t.b.op(OpCode::VToInt, Ty::I32, &[value], 2, 1);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn mthc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let old = t.f(Format::D, i.fs())?;
    let high = t.r(i.rt());
    let value = t.b.op(OpCode::VInsertInt, Ty::V64, &[old, high], 2, 1);
    t.set_f(Format::D, i.fs(), value)?;
    Ok(Done::Next)
}

fn fmt_of(i: Insn) -> Format {
    if i.fmt() == 16 { Format::S } else { Format::D }
}

fn mov(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = t.f(fmt_of(i), i.fs())?;
    t.set_f(fmt_of(i), i.fd(), value)?;
    Ok(Done::Next)
}

/// fd := condition != 0 ? fs : fd, or the reverse.
fn move_if(t: &mut Translator<'_, '_>, i: Insn, condition: Val, set: bool) -> Outcome {
    let (old, new) = (t.f(fmt_of(i), i.fd())?, t.f(fmt_of(i), i.fs())?);
    let value = if set {
        t.b.select(condition, new, old)
    } else {
        t.b.select(condition, old, new)
    };
    t.set_f(fmt_of(i), i.fd(), value)?;
    Ok(Done::Next)
}

fn fcc(t: &mut Translator<'_, '_>, i: Insn) -> Val {
    t.b.get(Ty::I32, regs::fcc(i.bits(18, 3)))
}

fn movf_fmt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let condition = fcc(t, i);
    move_if(t, i, condition, false)
}

fn movt_fmt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let condition = fcc(t, i);
    move_if(t, i, condition, true)
}

fn movz_fmt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let condition = t.r(i.rt());
    move_if(t, i, condition, false)
}

fn movn_fmt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let condition = t.r(i.rt());
    move_if(t, i, condition, true)
}

fn movf(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (condition, old, new) = (fcc(t, i), t.r(i.rd()), t.r(i.rs()));
    let value = t.b.select(condition, old, new);
    t.set_r(i.rd(), value);
    Ok(Done::Next)
}

fn movt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (condition, old, new) = (fcc(t, i), t.r(i.rd()), t.r(i.rs()));
    let value = t.b.select(condition, new, old);
    t.set_r(i.rd(), value);
    Ok(Done::Next)
}

/// FP register `n` := memory in format `f`.
fn load(t: &mut Translator<'_, '_>, f: Format, n: u32, base: Val, disp: i64) -> Outcome {
    let mem = t.mem(f.lane() as u8, false);
    let value = t.b.load(Ty::V64, mem, base, NONE, disp);
    t.set_f(f, n, value)?;
    Ok(Done::Next)
}

/// Memory := FP register `n` in format `f`.
fn store(t: &mut Translator<'_, '_>, f: Format, n: u32, base: Val, disp: i64) -> Outcome {
    let mem = t.mem(f.lane() as u8, false);
    let value = t.f(f, n)?;
    t.b.store(mem, base, NONE, disp, value);
    Ok(Done::Next)
}

fn lwc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let base = t.r(i.base());
    load(t, Format::W, i.ft(), base, i.imm())
}

fn ldc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let base = t.r(i.base());
    load(t, Format::D, i.ft(), base, i.imm())
}

fn swc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let base = t.r(i.base());
    store(t, Format::W, i.ft(), base, i.imm())
}

fn sdc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let base = t.r(i.base());
    store(t, Format::D, i.ft(), base, i.imm())
}

fn indexed(t: &mut Translator<'_, '_>, i: Insn) -> Val {
    let (base, index) = (t.r(i.base()), t.r(i.index()));
    t.int(OpCode::Add, base, index)
}

/// The address of LUXC1 and SUXC1, whose low three bits are ignored. They need FR = 1.
fn indexed_unaligned(t: &mut Translator<'_, '_>, i: Insn) -> Result<Val, Refusal> {
    if !t.fr() {
        return Err(Refusal::Reserved);
    }
    let addr = indexed(t, i);
    Ok(t.b.binary_imm(OpCode::And, addr, !7))
}

fn lwxc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let addr = indexed(t, i);
    load(t, Format::W, i.fd(), addr, 0)
}

fn ldxc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let addr = indexed(t, i);
    load(t, Format::D, i.fd(), addr, 0)
}

fn luxc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let addr = indexed_unaligned(t, i)?;
    load(t, Format::D, i.fd(), addr, 0)
}

fn swxc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let addr = indexed(t, i);
    store(t, Format::W, i.fs(), addr, 0)
}

fn sdxc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let addr = indexed(t, i);
    store(t, Format::D, i.fs(), addr, 0)
}

fn suxc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let addr = indexed_unaligned(t, i)?;
    store(t, Format::D, i.fs(), addr, 0)
}
