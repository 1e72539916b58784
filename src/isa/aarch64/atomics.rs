//! Exclusive, acquire, release and atomic accesses (the manual's "Load/store exclusive", "ordered", "Atomic memory operations").
//!
//! They must be aligned (FEAT_LSE2 is not implemented), else the guest gets SIGBUS. The exclusive monitor remembers address
//! and value; a store-exclusive succeeds when memory still holds the value. Ordinary accesses are acquire and release already
//! (see `ldst`); a store-release is followed by a barrier because a later load-acquire must not pass it. Atomic and exclusive
//! stores are sequentially consistent.

use super::decode::Feature::{Base, Lrcpc, Lse};
use super::decode::{Insn, Row, row};
use super::translate::Translator;
use crate::ir::{AtomicOp, MemArg, NONE, OpCode, Ty, Val};
use crate::isa::Flow;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // o0 is release for stores, acquire for loads.
    row("STXR, STLXR", Base, "size:2 001000 000 Rs:5 o0 Rt2:5 Rn:5 Rt:5", stxr),
    row("LDXR, LDAXR", Base, "size:2 001000 010 Rs:5 o0 Rt2:5 Rn:5 Rt:5", ldxr),
    row("STXP, STLXP", Base, "1 sz 001000 001 Rs:5 o0 Rt2:5 Rn:5 Rt:5", stxp),
    row("LDXP, LDAXP", Base, "1 sz 001000 011 Rs:5 o0 Rt2:5 Rn:5 Rt:5", ldxp),
    row("STLR", Base, "size:2 001000 100 Rs:5 1 Rt2:5 Rn:5 Rt:5", stlr),
    row("LDAR", Base, "size:2 001000 110 Rs:5 1 Rt2:5 Rn:5 Rt:5", load_acquire),
    row("LDAPR", Lrcpc, "size:2 111 0 00 101 11111 1 100 00 Rn:5 Rt:5", load_acquire),

    row("CAS, CASA, CASAL, CASL", Lse, "size:2 001000 1 L 1 Rs:5 o0 11111 Rn:5 Rt:5", cas),
    row("CASP, CASPA, CASPAL, CASPL", Lse, "0 sz 001000 0 L 1 Rs:5 o0 11111 Rn:5 Rt:5", casp),
    row("LDADD", Lse, "size:2 111 0 00 A R 1 Rs:5 0 000 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::Add)),
    row("LDCLR", Lse, "size:2 111 0 00 A R 1 Rs:5 0 001 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::AndNot)),
    row("LDEOR", Lse, "size:2 111 0 00 A R 1 Rs:5 0 010 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::Xor)),
    row("LDSET", Lse, "size:2 111 0 00 A R 1 Rs:5 0 011 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::Or)),
    row("LDSMAX", Lse, "size:2 111 0 00 A R 1 Rs:5 0 100 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::MaxS)),
    row("LDSMIN", Lse, "size:2 111 0 00 A R 1 Rs:5 0 101 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::MinS)),
    row("LDUMAX", Lse, "size:2 111 0 00 A R 1 Rs:5 0 110 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::MaxU)),
    row("LDUMIN", Lse, "size:2 111 0 00 A R 1 Rs:5 0 111 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::MinU)),
    row("SWP", Lse, "size:2 111 0 00 A R 1 Rs:5 1 000 00 Rn:5 Rt:5", |t, i| rmw(t, i, AtomicOp::Swap)),
];

fn mem(size: u32) -> MemArg {
    MemArg {
        size: size as u8,
        ..MemArg::default()
    }
}

/// The base address, checked to be a multiple of `1 << size`.
fn aligned(t: &mut Translator, i: Insn, size: u32, store: bool) -> Val {
    let addr = t.x_or_sp(i.rn());
    if size > 0 {
        t.b.check_align(addr, 0, size as u8, store);
    }
    addr
}

fn ldxr(t: &mut Translator, i: Insn) -> Option<Flow> {
    let size = i.bits(30, 2);
    let addr = aligned(t, i, size, false);
    let value =
        t.b.op(OpCode::LoadExcl, Ty::I64, &[addr], mem(size).pack(), 0);
    t.set_r(i.rt(), value);
    t.next()
}

fn stxr(t: &mut Translator, i: Insn) -> Option<Flow> {
    let size = i.bits(30, 2);
    let addr = aligned(t, i, size, true);
    let value = t.x(i.rt());
    store_exclusive(t, i, size, addr, value)
}

fn store_exclusive(t: &mut Translator, i: Insn, size: u32, addr: Val, value: Val) -> Option<Flow> {
    let failed = t.b.op(
        OpCode::StoreExcl,
        Ty::I32,
        &[addr, value],
        mem(size).pack(),
        0,
    );
    t.set_r(i.rs(), failed);
    t.next()
}

/// Splits a pair of 1 << `size` bytes each into registers.
fn split(t: &mut Translator, size: u32, pair: Val) -> [Val; 2] {
    if size == 3 {
        [0, 1].map(|lane| t.b.op(OpCode::VToInt, Ty::I64, &[pair], 3, lane))
    } else {
        let low = t.b.trunc(pair);
        let high = t.b.binary_imm(OpCode::ShrU, pair, 32);
        [low, high]
    }
}

/// The pair of Xn or Wn registers `low` and `high` as one value.
fn join(t: &mut Translator, size: u32, low: u32, high: u32) -> Val {
    let (low, high) = (t.x(low), t.x(high));
    if size == 3 {
        let low = t.b.op(OpCode::VFromInt, Ty::V128, &[low], 0, 0);
        t.b.op(OpCode::VInsertInt, Ty::V128, &[low, high], 3, 1)
    } else {
        t.b.op(OpCode::Insert, Ty::I64, &[low, high], 32, 32)
    }
}

/// Type of a pair of 1 << `size` bytes each.
fn pair_type(size: u32) -> Ty {
    if size == 3 { Ty::V128 } else { Ty::I64 }
}

fn ldxp(t: &mut Translator, i: Insn) -> Option<Flow> {
    let size = 2 + i.bits(30, 1);
    let addr = aligned(t, i, size + 1, false);
    let pair = t.b.op(
        OpCode::LoadExcl,
        pair_type(size),
        &[addr],
        mem(size + 1).pack(),
        0,
    );
    let values = split(t, size, pair);
    t.set_r(i.rt(), values[0]);
    t.set_r(i.rt2(), values[1]);
    t.next()
}

fn stxp(t: &mut Translator, i: Insn) -> Option<Flow> {
    let size = 2 + i.bits(30, 1);
    let addr = aligned(t, i, size + 1, true);
    let pair = join(t, size, i.rt(), i.rt2());
    store_exclusive(t, i, size + 1, addr, pair)
}

fn stlr(t: &mut Translator, i: Insn) -> Option<Flow> {
    let size = i.bits(30, 2);
    let addr = aligned(t, i, size, true);
    let value = t.x(i.rt());
    t.b.store(mem(size), addr, NONE, 0, value);
    t.b.op(OpCode::Fence, Ty::None, &[], 0, 0);
    t.next()
}

fn load_acquire(t: &mut Translator, i: Insn) -> Option<Flow> {
    let size = i.bits(30, 2);
    let addr = aligned(t, i, size, false);
    let value = t.b.load(Ty::I64, mem(size), addr, NONE, 0);
    t.set_r(i.rt(), value);
    t.next()
}

fn cas(t: &mut Translator, i: Insn) -> Option<Flow> {
    let size = i.bits(30, 2);
    let addr = aligned(t, i, size, true);
    let (expected, new) = (t.x(i.rs()), t.x(i.rt()));
    let old = t.b.op(
        OpCode::AtomicCas,
        Ty::I64,
        &[addr, expected, new],
        mem(size).pack(),
        0,
    );
    t.set_r(i.rs(), old);
    t.next()
}

fn casp(t: &mut Translator, i: Insn) -> Option<Flow> {
    if i.rs() & 1 != 0 || i.rt() & 1 != 0 {
        return None;
    }
    let size = 2 + i.bits(30, 1);
    let addr = aligned(t, i, size + 1, true);
    let expected = join(t, size, i.rs(), i.rs() + 1);
    let new = join(t, size, i.rt(), i.rt() + 1);
    let old = t.b.op(
        OpCode::AtomicCas,
        pair_type(size),
        &[addr, expected, new],
        mem(size + 1).pack(),
        0,
    );
    let values = split(t, size, old);
    t.set_r(i.rs(), values[0]);
    t.set_r(i.rs() + 1, values[1]);
    t.next()
}

fn rmw(t: &mut Translator, i: Insn, op: AtomicOp) -> Option<Flow> {
    let size = i.bits(30, 2);
    let addr = aligned(t, i, size, true);
    let operand = t.x(i.rs());
    let old = t.b.atomic_rmw(Ty::I64, op, mem(size), addr, operand);
    t.set_r(i.rt(), old);
    t.next()
}
