//! Loads and stores, `ll`/`sc`, and the hints and barriers of memory (volume II-A, tables 3.14 to 3.18).
//!
//! Misaligned `lw` and the like are plain accesses: Linux fixes them up for user programs unless told otherwise
//! (arch/mips/kernel/unaligned.c). Only `ll` and `sc` must be aligned.

use super::decode::{Insn, Row, row};
use super::translate::{Done, Outcome, Translator};
use crate::ir::{Access, Cmp, NONE, OpCode, Ty, Val};

pub const ROWS: &[Row] = &[
    row("LB", "100000 base:5 rt:5 offset:16", lb),
    row("LH", "100001 base:5 rt:5 offset:16", lh),
    row("LWL", "100010 base:5 rt:5 offset:16", lwl),
    row("LW", "100011 base:5 rt:5 offset:16", lw),
    row("LBU", "100100 base:5 rt:5 offset:16", lbu),
    row("LHU", "100101 base:5 rt:5 offset:16", lhu),
    row("LWR", "100110 base:5 rt:5 offset:16", lwr),
    row("SB", "101000 base:5 rt:5 offset:16", sb),
    row("SH", "101001 base:5 rt:5 offset:16", sh),
    row("SWL", "101010 base:5 rt:5 offset:16", swl),
    row("SW", "101011 base:5 rt:5 offset:16", sw),
    row("SWR", "101110 base:5 rt:5 offset:16", swr),
    row("LL", "110000 base:5 rt:5 offset:16", ll),
    row("SC", "111000 base:5 rt:5 offset:16", sc),
    row("PREF", "110011 base:5 hint:5 offset:16", nop),
    row("PREFX", "010011 base:5 index:5 hint:5 00000 001111", nop),
    row("SYNC", "000000 00000 00000 00000 stype:5 001111", sync),
    row("SYNCI", "000001 base:5 11111 offset:16", synci),
];

/// Bytes that one `synci` covers, as `rdhwr $1` reports them.
pub const SYNCI_STEP: u32 = 32;

fn load(t: &mut Translator<'_, '_>, i: Insn, size: u8, signed: bool) -> Outcome {
    let base = t.r(i.base());
    let mem = t.mem(size, signed);
    let value = t.b.load(Ty::I32, mem, base, NONE, i.imm());
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn store(t: &mut Translator<'_, '_>, i: Insn, size: u8) -> Outcome {
    let (base, value) = (t.r(i.base()), t.r(i.rt()));
    let mem = t.mem(size, false);
    t.b.store(mem, base, NONE, i.imm(), value);
    Ok(Done::Next)
}

fn lb(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    load(t, i, 0, true)
}

fn lh(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    load(t, i, 1, true)
}

fn lw(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    load(t, i, 2, false)
}

fn lbu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    load(t, i, 0, false)
}

fn lhu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    load(t, i, 1, false)
}

fn sb(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    store(t, i, 0)
}

fn sh(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    store(t, i, 1)
}

fn sw(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    store(t, i, 2)
}

/// Address of the access, and how far it is into its word counted from the end that LWL and SWL work towards: the bytes from
/// the address to that end of the word are the register's upper bytes.
fn address_and_distance(t: &mut Translator<'_, '_>, i: Insn) -> (Val, Val) {
    let base = t.r(i.base());
    let addr = t.b.add_imm(base, i.imm());
    let offset = t.b.binary_imm(OpCode::And, addr, 3);
    (addr, offset)
}

/// Number of bits by which a word is shifted left for LWL (`left`) or right for LWR.
fn shift_amount(t: &mut Translator<'_, '_>, offset: Val, left: bool) -> Val {
    let bits = t.b.binary_imm(OpCode::Shl, offset, 3);
    if left == t.big {
        bits
    } else {
        t.b.binary_imm(OpCode::Xor, bits, 24)
    }
}

fn load_part(t: &mut Translator<'_, '_>, i: Insn, left: bool) -> Outcome {
    let (addr, offset) = address_and_distance(t, i);
    t.b.check_watch_part(Access::READ, addr, left == t.big);
    let aligned = t.b.binary_imm(OpCode::And, addr, !3);
    let mem = t.mem(2, false);
    let word = t.b.load_checked(Ty::I32, mem, aligned, NONE, 0);
    let amount = shift_amount(t, offset, left);
    let code = if left { OpCode::Shl } else { OpCode::ShrU };
    let all = t.b.const32(u32::MAX);
    let new = t.b.binary(code, word, amount);
    let mask = t.b.binary(code, all, amount);
    let old = t.r(i.rt());
    let kept = t.b.binary(OpCode::AndNot, old, mask);
    let value = t.b.binary(OpCode::Or, kept, new);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn lwl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    load_part(t, i, true)
}

fn lwr(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    load_part(t, i, false)
}

/// Stores the register's upper (`left`) or lower bytes from the address to the end of its word. Only these bytes are written,
/// as another thread may own the others: byte by byte, the steps that would leave the word repeating the last byte in it.
fn store_part(t: &mut Translator<'_, '_>, i: Insn, left: bool) -> Outcome {
    let (addr, offset) = address_and_distance(t, i);
    let value = t.r(i.rt());
    // Whether addresses grow from the first byte stored to the last.
    let up = left == t.big;
    t.b.check_watch_part(Access::WRITE, addr, up);
    let last = if up {
        t.b.binary_imm(OpCode::Xor, offset, 3)
    } else {
        offset
    };
    let mem = t.mem(0, false);
    for n in 0..4 {
        let step = t.b.const32(n);
        let step = if n == 0 {
            step
        } else {
            let beyond = t.b.compare(Cmp::LtU, last, step);
            t.b.select(beyond, last, step)
        };
        let bits = t.b.binary_imm(OpCode::Shl, step, 3);
        let amount = if left {
            let top = t.b.const32(24);
            t.b.binary(OpCode::Sub, top, bits)
        } else {
            bits
        };
        let byte = t.b.binary(OpCode::ShrU, value, amount);
        let code = if up { OpCode::Add } else { OpCode::Sub };
        let at = t.b.binary(code, addr, step);
        t.b.store_checked(mem, at, NONE, 0, byte);
    }
    Ok(Done::Next)
}

fn swl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    store_part(t, i, true)
}

fn swr(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    store_part(t, i, false)
}

fn ll(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let base = t.r(i.base());
    let addr = t.b.add_imm(base, i.imm());
    t.b.check_align(addr, 0, 2, false);
    let mem = t.mem(2, false).pack();
    let value = t.b.op(OpCode::LoadExcl, Ty::I32, &[addr], mem, 0);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

/// rt := 1 for success, 0 for failure.
fn sc(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let (base, new) = (t.r(i.base()), t.r(i.rt()));
    let addr = t.b.add_imm(base, i.imm());
    t.b.check_align(addr, 0, 2, true);
    let mem = t.mem(2, false).pack();
    let failed = t.b.op(OpCode::StoreExcl, Ty::I32, &[addr, new], mem, 0);
    let value = t.b.binary_imm(OpCode::Xor, failed, 1);
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn nop(_: &mut Translator<'_, '_>, _: Insn) -> Outcome {
    Ok(Done::Next)
}

/// Every stype is carried out as the full barrier (stype 0), which includes the lighter ones.
fn sync(t: &mut Translator<'_, '_>, _: Insn) -> Outcome {
    t.b.op(OpCode::Fence, Ty::None, &[], 0, 0);
    Ok(Done::Next)
}

fn synci(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let base = t.r(i.base());
    let addr = t.b.add_imm(base, i.imm());
    let addr =
        t.b.binary_imm(OpCode::And, addr, !i64::from(SYNCI_STEP - 1));
    let len = t.b.const32(SYNCI_STEP);
    Ok(Done::Invalidate { addr, len })
}
