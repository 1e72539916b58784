//! Loads and stores of one register or a pair, integer and SIMD&FP (the manual's C4.1, "Loads and Stores").
//!
//! All accesses may be unaligned, as under Linux (SCTLR_EL1.A = 0); the stack pointer's alignment is not checked, although
//! Linux sets SCTLR_EL1.SA0. Ordinary accesses are in the order of x86-64 or stronger, in every engine.

use super::decode::Feature::{Base, Fp};
use super::decode::{Insn, Row, row};
use super::dp_reg::extend;
use super::translate::Translator;
use crate::ir::{MemArg, NONE, OpCode, Ty, Val};
use crate::isa::Flow;

/// What one transfer moves.
#[derive(Clone, Copy)]
pub(super) struct Transfer {
    load: bool,
    /// Log2 of the size in bytes.
    size: u8,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Zero-extended to an X register.
    Int,
    /// Sign-extended to a W register.
    Signed32,
    /// Sign-extended to an X register.
    Signed64,
    /// SIMD&FP register, the rest of which is cleared.
    Vector,
    /// Nothing is moved.
    Prefetch,
}

const fn ld(size: u8, kind: Kind) -> Transfer {
    Transfer {
        load: true,
        size,
        kind,
    }
}

const fn st(size: u8, kind: Kind) -> Transfer {
    Transfer {
        load: false,
        size,
        kind,
    }
}

impl Transfer {
    fn mem(self) -> MemArg {
        MemArg {
            size: self.size,
            signed: matches!(self.kind, Kind::Signed32 | Kind::Signed64),
            ..MemArg::default()
        }
    }

    fn ty(self) -> Ty {
        match self.kind {
            Kind::Vector => Ty::V128,
            Kind::Signed32 => Ty::I32,
            _ => Ty::I64,
        }
    }
}

/// The rows of one addressing mode: size, opc and V choose the instruction. `$u` is "U" or "T" in the names that have it.
macro_rules! int_rows {
    ($rows:ident, $u:literal, $mode:literal, $class:literal, $rest:literal, $f:ident) => {
        #[rustfmt::skip]
        const $rows: &[Row] = &[
            row(concat!("ST", $u, "RB", $mode), Base, concat!("00 111 0 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(0, Kind::Int))),
            row(concat!("LD", $u, "RB", $mode), Base, concat!("00 111 0 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(0, Kind::Int))),
            row(concat!("LD", $u, "RSB (64-bit)", $mode), Base, concat!("00 111 0 ", $class, " 10 ", $rest), |t, i| $f(t, i, ld(0, Kind::Signed64))),
            row(concat!("LD", $u, "RSB (32-bit)", $mode), Base, concat!("00 111 0 ", $class, " 11 ", $rest), |t, i| $f(t, i, ld(0, Kind::Signed32))),
            row(concat!("ST", $u, "RH", $mode), Base, concat!("01 111 0 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(1, Kind::Int))),
            row(concat!("LD", $u, "RH", $mode), Base, concat!("01 111 0 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(1, Kind::Int))),
            row(concat!("LD", $u, "RSH (64-bit)", $mode), Base, concat!("01 111 0 ", $class, " 10 ", $rest), |t, i| $f(t, i, ld(1, Kind::Signed64))),
            row(concat!("LD", $u, "RSH (32-bit)", $mode), Base, concat!("01 111 0 ", $class, " 11 ", $rest), |t, i| $f(t, i, ld(1, Kind::Signed32))),
            row(concat!("ST", $u, "R (32-bit)", $mode), Base, concat!("10 111 0 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(2, Kind::Int))),
            row(concat!("LD", $u, "R (32-bit)", $mode), Base, concat!("10 111 0 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(2, Kind::Int))),
            row(concat!("LD", $u, "RSW", $mode), Base, concat!("10 111 0 ", $class, " 10 ", $rest), |t, i| $f(t, i, ld(2, Kind::Signed64))),
            row(concat!("ST", $u, "R (64-bit)", $mode), Base, concat!("11 111 0 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(3, Kind::Int))),
            row(concat!("LD", $u, "R (64-bit)", $mode), Base, concat!("11 111 0 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(3, Kind::Int))),
        ];
    };
}

macro_rules! vector_rows {
    ($rows:ident, $u:literal, $mode:literal, $class:literal, $rest:literal, $f:ident) => {
        #[rustfmt::skip]
        const $rows: &[Row] = &[
            row(concat!("ST", $u, "R (SIMD&FP, 8-bit)", $mode), Fp, concat!("00 111 1 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(0, Kind::Vector))),
            row(concat!("LD", $u, "R (SIMD&FP, 8-bit)", $mode), Fp, concat!("00 111 1 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(0, Kind::Vector))),
            row(concat!("ST", $u, "R (SIMD&FP, 16-bit)", $mode), Fp, concat!("01 111 1 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(1, Kind::Vector))),
            row(concat!("LD", $u, "R (SIMD&FP, 16-bit)", $mode), Fp, concat!("01 111 1 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(1, Kind::Vector))),
            row(concat!("ST", $u, "R (SIMD&FP, 32-bit)", $mode), Fp, concat!("10 111 1 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(2, Kind::Vector))),
            row(concat!("LD", $u, "R (SIMD&FP, 32-bit)", $mode), Fp, concat!("10 111 1 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(2, Kind::Vector))),
            row(concat!("ST", $u, "R (SIMD&FP, 64-bit)", $mode), Fp, concat!("11 111 1 ", $class, " 00 ", $rest), |t, i| $f(t, i, st(3, Kind::Vector))),
            row(concat!("LD", $u, "R (SIMD&FP, 64-bit)", $mode), Fp, concat!("11 111 1 ", $class, " 01 ", $rest), |t, i| $f(t, i, ld(3, Kind::Vector))),
            row(concat!("ST", $u, "R (SIMD&FP, 128-bit)", $mode), Fp, concat!("00 111 1 ", $class, " 10 ", $rest), |t, i| $f(t, i, st(4, Kind::Vector))),
            row(concat!("LD", $u, "R (SIMD&FP, 128-bit)", $mode), Fp, concat!("00 111 1 ", $class, " 11 ", $rest), |t, i| $f(t, i, ld(4, Kind::Vector))),
        ];
    };
}

int_rows!(
    UNSIGNED,
    "",
    " (unsigned offset)",
    "01",
    "imm12:12 Rn:5 Rt:5",
    unsigned_offset
);
vector_rows!(
    UNSIGNED_V,
    "",
    " (unsigned offset)",
    "01",
    "imm12:12 Rn:5 Rt:5",
    unsigned_offset
);
int_rows!(UNSCALED, "U", "", "00", "0 imm9:9 00 Rn:5 Rt:5", unscaled);
vector_rows!(UNSCALED_V, "U", "", "00", "0 imm9:9 00 Rn:5 Rt:5", unscaled);
int_rows!(
    POST,
    "",
    " (post-index)",
    "00",
    "0 imm9:9 01 Rn:5 Rt:5",
    post_index
);
vector_rows!(
    POST_V,
    "",
    " (post-index)",
    "00",
    "0 imm9:9 01 Rn:5 Rt:5",
    post_index
);
int_rows!(
    PRE,
    "",
    " (pre-index)",
    "00",
    "0 imm9:9 11 Rn:5 Rt:5",
    pre_index
);
vector_rows!(
    PRE_V,
    "",
    " (pre-index)",
    "00",
    "0 imm9:9 11 Rn:5 Rt:5",
    pre_index
);
int_rows!(
    REGISTER,
    "",
    " (register offset)",
    "00",
    "1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    register_offset
);
vector_rows!(
    REGISTER_V,
    "",
    " (register offset)",
    "00",
    "1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    register_offset
);

// Unprivileged accesses are ordinary ones in user mode; there are none of SIMD&FP registers.
int_rows!(
    UNPRIVILEGED,
    "T",
    "",
    "00",
    "0 imm9:9 10 Rn:5 Rt:5",
    unscaled
);

const PREFETCH: Transfer = Transfer {
    load: true,
    size: 3,
    kind: Kind::Prefetch,
};

#[rustfmt::skip]
const OTHERS: &[Row] = &[
    row("PRFM (unsigned offset)", Base, "11 111 0 01 10 imm12:12 Rn:5 Rt:5", |t, _| t.next()),
    row("PRFUM", Base, "11 111 0 00 10 0 imm9:9 00 Rn:5 Rt:5", |t, _| t.next()),
    row("PRFM (register offset)", Base, "11 111 0 00 10 1 Rm:5 option:3 S 10 Rn:5 Rt:5", |t, i| register_offset(t, i, PREFETCH)),
    row("LDR (literal, 32-bit)", Base, "00 011 0 00 imm19:19 Rt:5", |t, i| literal(t, i, ld(2, Kind::Int))),
    row("LDR (literal, 64-bit)", Base, "01 011 0 00 imm19:19 Rt:5", |t, i| literal(t, i, ld(3, Kind::Int))),
    row("LDRSW (literal)", Base, "10 011 0 00 imm19:19 Rt:5", |t, i| literal(t, i, ld(2, Kind::Signed64))),
    row("PRFM (literal)", Base, "11 011 0 00 imm19:19 Rt:5", |t, _| t.next()),
    row("LDR (literal, SIMD&FP, 32-bit)", Fp, "00 011 1 00 imm19:19 Rt:5", |t, i| literal(t, i, ld(2, Kind::Vector))),
    row("LDR (literal, SIMD&FP, 64-bit)", Fp, "01 011 1 00 imm19:19 Rt:5", |t, i| literal(t, i, ld(3, Kind::Vector))),
    row("LDR (literal, SIMD&FP, 128-bit)", Fp, "10 011 1 00 imm19:19 Rt:5", |t, i| literal(t, i, ld(4, Kind::Vector))),
];

/// The rows of one addressing mode of pairs.
macro_rules! pair_rows {
    ($rows:ident, $n:literal, $mode:literal, $index:literal, $f:ident) => {
        #[rustfmt::skip]
        const $rows: &[Row] = &[
            row(concat!("ST", $n, "P (32-bit)", $mode), Base, concat!("00 101 0 ", $index, " 0 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, st(2, Kind::Int))),
            row(concat!("LD", $n, "P (32-bit)", $mode), Base, concat!("00 101 0 ", $index, " 1 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, ld(2, Kind::Int))),
            row(concat!("ST", $n, "P (64-bit)", $mode), Base, concat!("10 101 0 ", $index, " 0 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, st(3, Kind::Int))),
            row(concat!("LD", $n, "P (64-bit)", $mode), Base, concat!("10 101 0 ", $index, " 1 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, ld(3, Kind::Int))),
            row(concat!("ST", $n, "P (SIMD&FP, 32-bit)", $mode), Fp, concat!("00 101 1 ", $index, " 0 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, st(2, Kind::Vector))),
            row(concat!("LD", $n, "P (SIMD&FP, 32-bit)", $mode), Fp, concat!("00 101 1 ", $index, " 1 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, ld(2, Kind::Vector))),
            row(concat!("ST", $n, "P (SIMD&FP, 64-bit)", $mode), Fp, concat!("01 101 1 ", $index, " 0 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, st(3, Kind::Vector))),
            row(concat!("LD", $n, "P (SIMD&FP, 64-bit)", $mode), Fp, concat!("01 101 1 ", $index, " 1 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, ld(3, Kind::Vector))),
            row(concat!("ST", $n, "P (SIMD&FP, 128-bit)", $mode), Fp, concat!("10 101 1 ", $index, " 0 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, st(4, Kind::Vector))),
            row(concat!("LD", $n, "P (SIMD&FP, 128-bit)", $mode), Fp, concat!("10 101 1 ", $index, " 1 imm7:7 Rt2:5 Rn:5 Rt:5"), |t, i| $f(t, i, ld(4, Kind::Vector))),
        ];
    };
}

pair_rows!(PAIR_NON_TEMPORAL, "N", "", "000", pair_offset);
pair_rows!(PAIR_POST, "", " (post-index)", "001", pair_post);
pair_rows!(PAIR_OFFSET, "", " (signed offset)", "010", pair_offset);
pair_rows!(PAIR_PRE, "", " (pre-index)", "011", pair_pre);

#[rustfmt::skip]
const PAIR_SIGNED: &[Row] = &[
    row("LDPSW (post-index)", Base, "01 101 0 001 1 imm7:7 Rt2:5 Rn:5 Rt:5", |t, i| pair_post(t, i, ld(2, Kind::Signed64))),
    row("LDPSW (signed offset)", Base, "01 101 0 010 1 imm7:7 Rt2:5 Rn:5 Rt:5", |t, i| pair_offset(t, i, ld(2, Kind::Signed64))),
    row("LDPSW (pre-index)", Base, "01 101 0 011 1 imm7:7 Rt2:5 Rn:5 Rt:5", |t, i| pair_pre(t, i, ld(2, Kind::Signed64))),
];

pub(super) const TABLES: &[&[Row]] = &[
    UNSIGNED,
    UNSIGNED_V,
    UNSCALED,
    UNSCALED_V,
    POST,
    POST_V,
    PRE,
    PRE_V,
    REGISTER,
    REGISTER_V,
    UNPRIVILEGED,
    OTHERS,
    PAIR_NON_TEMPORAL,
    PAIR_POST,
    PAIR_OFFSET,
    PAIR_PRE,
    PAIR_SIGNED,
];

/// Where an access goes: base + (index << scale) + disp.
#[derive(Clone, Copy)]
struct Address {
    base: Val,
    index: Val,
    scale: u8,
    disp: i64,
}

impl Address {
    fn at(base: Val, disp: i64) -> Self {
        Address {
            base,
            index: NONE,
            scale: 0,
            disp,
        }
    }
}

fn load(t: &mut Translator, x: Transfer, addr: Address) -> Val {
    let mem = MemArg {
        scale: addr.scale,
        ..x.mem()
    };
    t.b.load(x.ty(), mem, addr.base, addr.index, addr.disp)
}

fn set(t: &mut Translator, x: Transfer, rt: u32, value: Val) {
    if x.kind == Kind::Vector {
        t.set_v(rt, value);
    } else {
        t.set_r(rt, value);
    }
}

fn store(t: &mut Translator, x: Transfer, addr: Address, rt: u32) {
    let value = if x.kind == Kind::Vector {
        t.v(rt)
    } else {
        t.x(rt)
    };
    let mem = MemArg {
        scale: addr.scale,
        ..x.mem()
    };
    t.b.store(mem, addr.base, addr.index, addr.disp, value);
}

/// The access, then the new value of the base register if it has one.
fn transfer(
    t: &mut Translator,
    i: Insn,
    x: Transfer,
    addr: Address,
    writeback: Option<i64>,
) -> Option<Flow> {
    if x.load {
        let value = load(t, x, addr);
        set(t, x, i.rt(), value);
    } else {
        store(t, x, addr, i.rt());
    }
    write_back(t, i, addr.base, writeback);
    t.next()
}

fn write_back(t: &mut Translator, i: Insn, base: Val, offset: Option<i64>) {
    if let Some(offset) = offset {
        let value = t.b.add_imm(base, offset);
        t.set_r_or_sp(i.rn(), value);
    }
}

fn unsigned_offset(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    let base = t.x_or_sp(i.rn());
    let disp = i64::from(i.bits(10, 12)) << x.size;
    transfer(t, i, x, Address::at(base, disp), None)
}

fn imm9(i: Insn) -> i64 {
    i.signed(12, 9)
}

fn unscaled(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    let base = t.x_or_sp(i.rn());
    transfer(t, i, x, Address::at(base, imm9(i)), None)
}

fn post_index(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    let base = t.x_or_sp(i.rn());
    transfer(t, i, x, Address::at(base, 0), Some(imm9(i)))
}

fn pre_index(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    let base = t.x_or_sp(i.rn());
    transfer(t, i, x, Address::at(base, imm9(i)), Some(imm9(i)))
}

fn register_offset(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    let option = i.bits(13, 3);
    if option & 2 == 0 {
        return None;
    }
    if x.kind == Kind::Prefetch {
        return t.next();
    }
    let base = t.x_or_sp(i.rn());
    let mut index = extend(t, true, i.rm(), option);
    let mut scale = if i.bit(12) { x.size } else { 0 };
    if scale > 3 {
        index = t.b.binary_imm(OpCode::Shl, index, scale.into());
        scale = 0;
    }
    let addr = Address {
        base,
        index,
        scale,
        disp: 0,
    };
    transfer(t, i, x, addr, None)
}

fn literal(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    let addr = t.pc.wrapping_add((i.signed(5, 19) << 2) as u64);
    let base = t.b.const64(addr);
    transfer(t, i, x, Address::at(base, 0), None)
}

fn imm7(i: Insn, x: Transfer) -> i64 {
    i.signed(15, 7) << x.size
}

fn transfer_pair(
    t: &mut Translator,
    i: Insn,
    x: Transfer,
    disp: i64,
    writeback: Option<i64>,
) -> Option<Flow> {
    let base = t.x_or_sp(i.rn());
    let second = disp + (1 << x.size);
    if x.load {
        // Both loads before the first register: the second may fault.
        let values = [disp, second].map(|disp| load(t, x, Address::at(base, disp)));
        set(t, x, i.rt(), values[0]);
        set(t, x, i.rt2(), values[1]);
    } else {
        store(t, x, Address::at(base, disp), i.rt());
        store(t, x, Address::at(base, second), i.rt2());
    }
    write_back(t, i, base, writeback);
    t.next()
}

fn pair_offset(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    transfer_pair(t, i, x, imm7(i, x), None)
}

fn pair_post(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    transfer_pair(t, i, x, 0, Some(imm7(i, x)))
}

fn pair_pre(t: &mut Translator, i: Insn, x: Transfer) -> Option<Flow> {
    transfer_pair(t, i, x, imm7(i, x), Some(imm7(i, x)))
}
