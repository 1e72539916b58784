//! Advanced SIMD and cryptography (the manual, chapter C4, "Data Processing -- Scalar Floating-Point and Advanced SIMD" and
//! "Advanced SIMD load/store").
//!
//! Vector and scalar forms of an instruction share a translation: [`Translator::shape`] says how much of the register counts,
//! [`Translator::write`] clears the rest. By-element forms share it too: [`Translator::m_or_element`].

mod arith;
mod compare;
mod convert;
mod copy;
mod crypto;
mod estimate;
mod fp;
mod helpers;
mod lanes;
mod ldst;
mod logic;
mod pairwise;
mod permute;
mod qc;
mod saturate;
mod shift;

pub(super) use helpers::HELPERS;

use self::helpers::VecHelper;
use self::lanes::Shape;
use super::decode::{Insn, Row};
use super::helpers::SIMD_BASE;
use super::translate::Translator;
use crate::ir::{OpCode, Val};
use crate::isa::Flow;

const TOPICS: &[&[Row]] = &[
    arith::ROWS,
    compare::ROWS,
    convert::ROWS,
    copy::ROWS,
    crypto::ROWS,
    fp::ROWS,
    ldst::ROWS,
    logic::ROWS,
    pairwise::ROWS,
    permute::ROWS,
    saturate::ROWS,
    shift::ROWS,
];

const COUNT: usize = {
    let (mut count, mut n) = (0, 0);
    while n < TOPICS.len() {
        count += TOPICS[n].len();
        n += 1;
    }
    count
};

static ALL: [Row; COUNT] = {
    let mut all = [TOPICS[0][0]; COUNT];
    let (mut at, mut n) = (0, 0);
    while n < TOPICS.len() {
        let mut k = 0;
        while k < TOPICS[n].len() {
            all[at] = TOPICS[n][k];
            at += 1;
            k += 1;
        }
        n += 1;
    }
    all
};

/// The rows.
pub(super) static ROWS: &[Row] = &ALL;

/// The field `size` of integer instructions: log2 of the lane size in bytes.
fn size(i: Insn) -> u16 {
    i.bits(22, 2) as u16
}

/// The lane size that `sz` of floating-point instructions names.
fn fp_lane(i: Insn) -> u16 {
    2 + i.bits(22, 1) as u16
}

/// The bit `U`, which distinguishes unsigned from signed in most classes.
fn u(i: Insn) -> bool {
    i.bit(29)
}

/// Whether this is the scalar form of an instruction: it differs from the vector form in this bit.
fn is_scalar(i: Insn) -> bool {
    i.bit(28)
}

impl Translator<'_, '_> {
    /// What an instruction on lanes of size `lane` works on; `None` for the reserved vector of one 64-bit lane.
    fn shape(&self, i: Insn, lane: u16) -> Option<Shape> {
        let bytes = match () {
            () if is_scalar(i) => 1 << lane,
            () if i.q() => 16,
            () if lane == 3 => return None,
            () => 8,
        };
        Some(Shape { lane, bytes })
    }

    /// The shape that `size` gives, for an instruction whose lanes are at most of size `max`.
    fn int_shape(&self, i: Insn, max: u16) -> Option<Shape> {
        let lane = size(i);
        if lane > max {
            return None;
        }
        self.shape(i, lane)
    }

    /// The shape that `sz` gives.
    fn fp_shape(&self, i: Insn) -> Option<Shape> {
        self.shape(i, fp_lane(i))
    }

    /// Vd := `value`, cleared above `s`.
    fn write(&mut self, i: Insn, s: Shape, value: Val) -> Option<Flow> {
        let value = self.clear_above(s, value);
        self.set_v(i.rd(), value);
        self.next()
    }

    /// `value` cleared above `s`.
    fn clear_above(&mut self, s: Shape, value: Val) -> Val {
        match s.bytes {
            16 => value,
            bytes => self.zext_v(bytes.trailing_zeros() as u16, value),
        }
    }

    fn n(&mut self, i: Insn) -> Val {
        self.v(i.rn())
    }

    fn d(&mut self, i: Insn) -> Val {
        self.v(i.rd())
    }

    fn m(&mut self, i: Insn) -> Val {
        self.v(i.rm())
    }

    /// The second source: Vm, or in a by-element encoding every lane the one that H, L and M choose.
    fn m_or_element(&mut self, i: Insn, lane: u16) -> Option<Val> {
        if !i.bit(24) {
            return Some(self.m(i));
        }
        let (h, l, m) = (i.bits(11, 1), i.bits(21, 1), i.bits(20, 1));
        let (index, reg) = match lane {
            1 => (h << 2 | l << 1 | m, i.bits(16, 4)),
            2 => (h << 1 | l, i.rm()),
            3 if l == 0 => (h, i.rm()),
            _ => return None,
        };
        let v = self.v(reg);
        // The scalar forms look at lane 0 only.
        if is_scalar(i) && index == 0 {
            return Some(v);
        }
        Some(self.dup_lane(lane, index as u16, v))
    }

    /// The source lanes of a widening instruction, in the low half: the high half is meant when Q is set.
    fn half(&mut self, i: Insn, v: Val) -> Val {
        if i.q() && !is_scalar(i) {
            self.high_half(v)
        } else {
            v
        }
    }

    fn high_half(&mut self, v: Val) -> Val {
        self.extract(v, v, 8)
    }

    /// Writes a narrowed result, which is in the low half of `value` with zeros above: to Vd as it is, or to the high half of Vd
    /// when Q is set. `lane` is the size of the narrow lanes.
    fn write_narrow(&mut self, i: Insn, lane: u16, value: Val) -> Option<Flow> {
        if is_scalar(i) {
            let s = Shape {
                lane,
                bytes: 1 << lane,
            };
            return self.write(i, s, value);
        }
        if !i.q() {
            return self.write(i, Shape::full(lane), value);
        }
        let d = self.d(i);
        let value = self.vec2(OpCode::VZipLo, 3, d, value);
        self.write(i, Shape::full(lane), value)
    }

    fn vec1(&mut self, code: OpCode, lane: u16, a: Val) -> Val {
        self.b.vec(code, lane, &[a])
    }

    fn vec2(&mut self, code: OpCode, lane: u16, a: Val, b: Val) -> Val {
        self.b.vec(code, lane, &[a, b])
    }

    /// Bit by bit: `mask` ? `a` : `b`
    fn bit_select(&mut self, mask: Val, a: Val, b: Val) -> Val {
        self.b.vec(OpCode::VSelect, 0, &[mask, a, b])
    }

    /// A shift of each lane by a constant (`VShlI`, `VShrUI`, `VShrSI`).
    fn shift_imm(&mut self, code: OpCode, lane: u16, a: Val, by: u32) -> Val {
        if by == 0 {
            return a;
        }
        self.b.op(code, crate::ir::Ty::V128, &[a], lane, by as u16)
    }

    fn dup_lane(&mut self, lane: u16, index: u16, a: Val) -> Val {
        self.b
            .op(OpCode::VDupLane, crate::ir::Ty::V128, &[a], lane, index)
    }

    /// Bytes `from` to `from` + 15 of `b`:`a`.
    fn extract(&mut self, a: Val, b: Val, from: u16) -> Val {
        self.b
            .op(OpCode::VExtract, crate::ir::Ty::V128, &[a, b], 0, from)
    }

    /// The constant whose every lane is `x`.
    fn splat(&mut self, lane: u16, x: u64) -> Val {
        self.b.vconst(Shape::full(lane).splat(x.into()))
    }

    fn call_vec(&mut self, helper: VecHelper, s: Shape, arg: u16, args: &[Val]) -> Val {
        let id = SIMD_BASE + helper as u16;
        self.b.call_vec(id, helper.pure(), args, s.pack(arg))
    }
}

#[cfg(test)]
mod tests;
