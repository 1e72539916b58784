//! What the translations of all rows share: register access, addresses, flow.

use super::regs;
use crate::ir::{Builder, OpCode, Ty, Val};
use crate::isa::Flow;

/// Writes the ops of one instruction.
pub struct Translator<'a, 'b> {
    /// Where ops go.
    pub b: &'a mut Builder<'b>,
    /// Address of the instruction.
    pub pc: u64,
}

impl Translator<'_, '_> {
    /// Goes on with the next instruction.
    pub fn next(&self) -> Option<Flow> {
        Some(Flow::Next(self.next_pc()))
    }

    /// Address of the next instruction.
    pub fn next_pc(&self) -> u64 {
        self.pc.wrapping_add(4)
    }

    /// FPCR bits that are part of the block key: see [`super::mode`].
    pub fn mode(&self) -> u32 {
        self.b.block.key.mode
    }

    /// Integer type of a 64-bit (`sf`) or 32-bit variant.
    pub fn int(sf: bool) -> Ty {
        if sf { Ty::I64 } else { Ty::I32 }
    }

    /// Xn or Wn; register 31 is zero.
    pub fn r(&mut self, sf: bool, n: u32) -> Val {
        let ty = Self::int(sf);
        if n == 31 {
            self.b.iconst(ty, 0)
        } else {
            self.b.get(ty, regs::x(n))
        }
    }

    /// The constant that the instruction before, in this block, put into Xn (n < 31): MOVZ and MOVK build constants step by step.
    pub fn constant_just_set(&self, n: u32) -> Option<i64> {
        let [.., set, start] = &self.b.block.ops[..] else {
            return None;
        };
        let is_set =
            set.code == OpCode::SetReg && set.ty == Ty::I64 && n != 31 && set.aux == regs::x(n);
        (is_set && start.code == OpCode::InsnStart)
            .then(|| self.b.block.constant(set.a))
            .flatten()
    }

    /// Xn; register 31 is zero.
    pub fn x(&mut self, n: u32) -> Val {
        self.r(true, n)
    }

    /// Wn; register 31 is zero.
    pub fn w(&mut self, n: u32) -> Val {
        self.r(false, n)
    }

    /// Xn or Wn; register 31 is the stack pointer.
    pub fn r_or_sp(&mut self, sf: bool, n: u32) -> Val {
        let slot = if n == 31 { regs::SP } else { regs::x(n) };
        self.b.get(Self::int(sf), slot)
    }

    /// Xn; register 31 is the stack pointer.
    pub fn x_or_sp(&mut self, n: u32) -> Val {
        self.r_or_sp(true, n)
    }

    /// Xn or Wn := `value`, as its type says: a W register is written with zeros above. Register 31 discards.
    pub fn set_r(&mut self, n: u32, value: Val) {
        if n != 31 {
            self.set_slot(regs::x(n), value);
        }
    }

    /// Xn or Wn := `value`, likewise; register 31 is the stack pointer.
    pub fn set_r_or_sp(&mut self, n: u32, value: Val) {
        self.set_slot(if n == 31 { regs::SP } else { regs::x(n) }, value);
    }

    fn set_slot(&mut self, slot: crate::ir::Slot, value: Val) {
        let value = match self.b.ty(value) {
            Ty::I32 => self.b.zext32(value),
            _ => value,
        };
        self.b.set(Ty::I64, slot, value);
    }

    /// All 128 bits of Vn. Scalar ops look at lane 0 only.
    pub fn v(&mut self, n: u32) -> Val {
        self.b.get(Ty::V128, regs::v(n))
    }

    /// All 128 bits of Vn := `value`, a `V128`.
    pub fn set_v(&mut self, n: u32, value: Val) {
        self.b.set(Ty::V128, regs::v(n), value);
    }

    /// Vn := `value`, whose upper half is cleared unless `q` (a 64-bit vector result).
    pub fn set_v_q(&mut self, q: bool, n: u32, value: Val) {
        let value = if q { value } else { self.zext_v(3, value) };
        self.set_v(n, value);
    }

    /// `value` with the bits above its low `1 << lane` bytes cleared.
    pub fn zext_v(&mut self, lane: u16, value: Val) -> Val {
        self.b.vec(OpCode::VZext, lane, &[value])
    }
}
