//! Guest registers: in pins, in the state, and what is known of the values in them.

use super::alloc::CONST_MARK;
use super::{Emitter, Result};
use crate::ir::{Block, NONE, Op, OpCode, Slot, Ty, Val};
use crate::jit::analysis::{NO_HOME, SPILLED, fills_pin};
use crate::jit::regs::{HostReg, NO_HOST, XMM, slot as state_slot};

impl Emitter {
    /// The cached value of the guest register that starts at `slot`, with its size.
    fn cached_at(&self, slot: Slot) -> Option<(Val, u8)> {
        let entry = self.cached[slot as usize / 4];
        (slot.is_multiple_of(4) && entry.0 != NONE).then_some(entry)
    }

    /// Makes `v` the value cached for the guest register at `slot`; another one that is kept only there gets a register.
    fn set_cached(&mut self, b: &Block, slot: Slot, v: Val, size: u8) -> Result {
        if slot.is_multiple_of(4) {
            let i = slot / 4;
            let old = self.cached[i as usize].0;
            if old != NONE && old != v && self.values[old as usize].home == slot {
                if self.values[old as usize].reg == NO_HOST
                    && self.values[old as usize].last_use as usize >= self.at
                {
                    self.reg(b, old, b.ops[old as usize].ty.is_vector())?;
                }
                self.values[old as usize].home = NO_HOME;
            }
            self.cached[i as usize] = (v, size);
            self.cached_list.push(i);
        }
        Ok(())
    }

    /// Forgets values cached for guest registers that overlap `size` bytes at `slot`. Those that are only there and still needed
    /// are loaded first.
    fn forget(&mut self, b: &Block, slot: Slot, size: usize) -> Result {
        let (start, end) = (slot as usize, slot as usize + size);
        for i in (start / 4).saturating_sub(3)..=(end - 1) / 4 {
            let (v, len) = self.cached[i];
            if v == NONE || i * 4 >= end || i * 4 + len as usize <= start {
                continue;
            }
            self.cached[i].0 = NONE;
            if self.values[v as usize].home as usize == i * 4 {
                if self.values[v as usize].reg == NO_HOST
                    && self.values[v as usize].last_use as usize >= self.at
                {
                    self.reg(b, v, b.ops[v as usize].ty.is_vector())?;
                }
                self.values[v as usize].home = NO_HOME;
            }
        }
        Ok(())
    }

    pub(super) fn get_reg(&mut self, b: &Block, op: &Op) -> Result {
        let v = self.at as Val;
        let size = op.ty.size();
        let pin = self.conv.pin(op.aux);
        if pin != NO_HOST
            && (pin >= XMM) == op.ty.is_vector()
            && size <= 1 << self.conv.size_of(pin)
        {
            let owner = self.owner[pin as usize];
            if owner != NONE && b.ops[owner as usize].ty.is_vector() == op.ty.is_vector() {
                self.alias(v, owner);
            } else {
                self.bind(v, pin);
                // A pin of 4 bytes is kept zero-extended.
                self.values[self.at].zero = u8::from(pin < XMM && self.conv.int_size == 2);
                self.values[self.at].wide = size < 1 << self.conv.size_of(pin);
            }
            return Ok(());
        }
        let first = self.conv.at(op.aux as usize);
        let last = self.conv.at(op.aux as usize + size - 1);
        if first != NO_HOST || last != NO_HOST {
            return self.get_part(b, op, first, last);
        }
        match self.cached_at(op.aux) {
            Some((root, len))
                if len as usize >= size
                    && b.ops[root as usize].ty.is_vector() == op.ty.is_vector()
                    && (self.values[root as usize].reg != NO_HOST
                        || self.root_size(b, root) >= size) =>
            {
                self.alias(v, root);
            }
            _ => {
                // Loaded when first used.
                self.values[self.at].root = v;
                self.values[self.at].home = op.aux;
                self.set_cached(b, op.aux, v, size as u8)?;
                if !op.aux.is_multiple_of(4) {
                    self.reg(b, v, op.ty.is_vector())?;
                    self.values[self.at].home = NO_HOME;
                }
            }
        }
        Ok(())
    }

    /// Reads part of a pin, or bytes that only partly are in pins.
    fn get_part(&mut self, _b: &Block, op: &Op, first: HostReg, last: HostReg) -> Result {
        let size = op.ty.size();
        if first == last && first >= XMM {
            let x = first - XMM;
            let offset = op.aux - self.conv.slot_of(first);
            if !op.ty.is_vector() && (offset as usize).is_multiple_of(size) {
                let d = self.def_gpr()?;
                let lane = offset as usize / size;
                if lane == 0 {
                    self.asm.vto_gpr(size == 8, d, x);
                } else {
                    let log = size.trailing_zeros() as u8;
                    self.asm.vextract(log, d, x, lane as u8);
                }
                self.set_zero(u8::from(size == 4));
                return Ok(());
            }
            if op.ty == Ty::V64 && offset == 8 {
                let d = self.def_xmm()?;
                self.asm.vshift_bytes(false, d, x, 8);
                self.set_zero(1);
                return Ok(());
            }
        }
        self.store_pins(op.aux, size);
        let m = state_slot(op.aux);
        match op.ty {
            Ty::V128 => {
                let d = self.def_xmm()?;
                self.asm.vload(d, m);
            }
            Ty::V64 => {
                let d = self.def_xmm()?;
                self.asm.vload_low(3, d, m);
                self.set_zero(1);
            }
            ty => {
                let d = self.def_gpr()?;
                self.asm.mov(ty == Ty::I64, d, m);
                self.set_zero(u8::from(ty == Ty::I32));
            }
        }
        Ok(())
    }

    /// Stores the pins that overlap `size` bytes at `slot` to the state.
    fn store_pins(&mut self, slot: Slot, size: usize) {
        for (r, s) in self.overlapping(slot, size) {
            if r >= XMM {
                self.asm
                    .vstore(self.conv.vector_size, state_slot(s), r - XMM);
            } else {
                self.asm.store(self.conv.int_size, state_slot(s), r);
            }
        }
    }

    fn overlapping(&self, slot: Slot, size: usize) -> Vec<(HostReg, Slot)> {
        let mut pins: Vec<HostReg> = (slot as usize..slot as usize + size)
            .map(|i| self.conv.at(i))
            .filter(|r| *r != NO_HOST)
            .collect();
        pins.dedup();
        pins.into_iter()
            .map(|r| (r, self.conv.slot_of(r)))
            .collect()
    }

    /// Moves the value in pin `r` to another register if it is still needed, because the pin gets a new one.
    pub(super) fn vacate_pin(&mut self, r: HostReg, keep: Val) -> Result {
        let old = self.owner[r as usize];
        if old == NONE || old == keep {
            return Ok(());
        }
        self.owner[r as usize] = NONE;
        self.values[old as usize].reg = NO_HOST;
        if self.lives_on(old) {
            let s = self.alloc(r >= XMM)?;
            if r >= XMM {
                self.asm.vmov(s - XMM, r - XMM);
            } else {
                self.asm.mov(true, s, r);
            }
            self.bind(old, s);
            self.unlock(s);
        }
        Ok(())
    }

    pub(super) fn set_reg(&mut self, b: &Block, op: &Op) -> Result {
        let size = op.ty.size();
        let root = self.root(op.a);
        let pin = self.conv.pin(op.aux);
        if pin != NO_HOST && fills_pin(op, &self.conv, pin) {
            return self.set_pin(b, op, pin);
        }
        let first = self.conv.at(op.aux as usize);
        let last = self.conv.at(op.aux as usize + size - 1);
        if first != NO_HOST || last != NO_HOST {
            return self.set_part(b, op, first, last);
        }
        let m = state_slot(op.aux);
        let log = size.trailing_zeros() as u8;
        let constant = self
            .constant(b, op.a)
            .and_then(|x| i32::try_from(x).ok())
            .filter(|_| self.reg_of(op.a) == NO_HOST);
        if let Some(imm) = constant {
            self.forget(b, op.aux, size)?;
            self.asm.store_imm(log, m, imm);
            self.kill(op);
            return Ok(());
        }
        let reg = self.reg(b, op.a, op.ty.is_vector())?;
        self.forget(b, op.aux, size)?;
        if op.ty.is_vector() {
            self.asm.vstore(log, m, reg - XMM);
        } else {
            self.asm.store(log, m, reg);
        }
        // The guest register is now a copy of the value, if all of it was stored: no spill slot is needed, and a later GetReg finds it.
        if size >= self.root_size(b, root)
            && self.values[root as usize].home == NO_HOME
            && self.values[root as usize].zero & CONST_MARK == 0
            && op.aux.is_multiple_of(4)
        {
            self.values[root as usize].home = op.aux;
            self.set_cached(b, op.aux, root, size as u8)?;
        }
        self.kill(op);
        Ok(())
    }

    fn set_pin(&mut self, b: &Block, op: &Op, pin: HostReg) -> Result {
        let root = self.root(op.a);
        let from = self.values[root as usize].reg;
        if from == pin {
            // Computed into it, or unchanged; a 4-byte pin is kept zero-extended.
            if pin < XMM && self.conv.int_size == 2 && self.zero_of(op.a) & 1 == 0 {
                self.vacate_pin(pin, NONE)?;
                self.asm.mov(false, pin, pin);
            }
            return Ok(());
        }
        // Moving the pin's old value must not take the register of the new one.
        if from != NO_HOST {
            self.lock(from);
        }
        self.vacate_pin(pin, NONE)?;
        let narrow = self.conv.int_size == 2;
        if pin >= XMM {
            self.vcopy_to(b, op.a, pin - XMM);
        } else if let Some(x) = self.constant(b, op.a) {
            let x = if op.ty == Ty::I32 {
                u64::from(x as u32)
            } else {
                x as u64
            };
            self.asm.mov_imm(pin, x);
            self.kill(op);
            return Ok(());
        } else {
            self.copy_to(b, op.a, op.ty, pin);
            // What is not in a register is loaded whole, of which the value may be the low half.
            if narrow && from == NO_HOST && self.root_size(b, root) > 4 {
                self.asm.mov(false, pin, pin);
            }
        }
        let moved = from != NO_HOST && self.conv.is_scratch(from);
        let is_const = self.values[root as usize].zero & CONST_MARK != 0
            || matches!(b.ops[root as usize].code, OpCode::Const | OpCode::VConst);
        let whole = pin >= XMM || !narrow || self.zero_of(op.a) & 1 != 0;
        if moved && whole && !is_const {
            // The value moves into the pin; its scratch register is free. (A spill slot or state copy stays valid.)
            self.owner[from as usize] = NONE;
            self.values[root as usize].reg = NO_HOST;
            self.bind(root, pin);
        } else {
            self.kill(op);
        }
        Ok(())
    }

    /// Writes part of a pin, or bytes that only partly are in pins.
    fn set_part(&mut self, b: &Block, op: &Op, first: HostReg, last: HostReg) -> Result {
        let size = op.ty.size();
        let log = size.trailing_zeros() as u8;
        if first == last && first >= XMM {
            let x = first - XMM;
            let offset = (op.aux - self.conv.slot_of(first)) as usize;
            if !op.ty.is_vector() && offset.is_multiple_of(size) {
                let r = self.gpr(b, op.a)?;
                self.vacate_pin(first, NONE)?;
                self.asm.vinsert(log, x, x, r, (offset / size) as u8);
                self.kill(op);
                return Ok(());
            }
            if op.ty == Ty::V64 && offset.is_multiple_of(8) {
                let r = self.xmm(b, op.a)?;
                self.vacate_pin(first, NONE)?;
                if offset == 0 {
                    self.asm.v3(super::vec::v::MOVSD, x, x, r);
                } else {
                    self.asm.v3(super::vec::v::PUNPCKL[3], x, x, r);
                }
                self.kill(op);
                return Ok(());
            }
        }
        let m = state_slot(op.aux);
        let reg = self.reg(b, op.a, op.ty.is_vector())?;
        self.forget(b, op.aux, size)?;
        self.store_pins(op.aux, size);
        if op.ty.is_vector() {
            self.asm.vstore(log, m, reg - XMM);
        } else {
            self.asm.store(log, m, reg);
        }
        for (r, s) in self.overlapping(op.aux, size) {
            self.vacate_pin(r, NONE)?;
            if r < XMM {
                self.asm.mov(self.conv.int_size == 3, r, state_slot(s));
            } else if self.conv.vector_size == 3 {
                self.asm.vload_low(3, r - XMM, state_slot(s));
            } else {
                self.asm.vload(r - XMM, state_slot(s));
            }
        }
        self.kill(op);
        Ok(())
    }

    /// Before a call that may read and write guest registers: every value that is needed later goes to a register or spill slot
    /// that the call keeps, and nothing is known of guest registers after it.
    pub(super) fn forget_guest_registers(&mut self, b: &Block) -> Result {
        for v in 0..self.at {
            let value = self.values[v];
            if value.root as usize != v || value.last_use as usize <= self.at {
                continue;
            }
            let in_pin = value.reg != NO_HOST && !self.conv.is_scratch(value.reg);
            let in_state = value.home != NO_HOME && value.home & SPILLED == 0;
            let vector = b.ops[v].ty.is_vector();
            if in_pin {
                let s = self.alloc(vector)?;
                if vector {
                    self.asm.vmov(s - XMM, value.reg - XMM);
                } else {
                    self.asm.mov(true, s, value.reg);
                }
                self.owner[value.reg as usize] = NONE;
                self.values[v].reg = NO_HOST;
                self.bind(v as Val, s);
                self.unlock(s);
            } else if value.reg == NO_HOST && in_state {
                let s = self.alloc(vector)?;
                self.load_root(b, v as Val, s);
                self.bind(v as Val, s);
                self.unlock(s);
            }
            if in_state {
                self.values[v].home = NO_HOME;
            }
        }
        for r in 0..32 {
            if !self.conv.is_scratch(r) && self.owner[r as usize] != NONE {
                self.values[self.owner[r as usize] as usize].reg = NO_HOST;
                self.owner[r as usize] = NONE;
            }
        }
        for i in self.cached_list.drain(..) {
            self.cached[i as usize].0 = NONE;
        }
        Ok(())
    }
}
