//! Where values are: registers, guest registers, constants, spill slots.

use super::{Emitter, Result, TooComplex, operands};
use crate::ir::{Block, NONE, Op, OpCode, Slot, Ty, Val};
use crate::jit::analysis::{NO_HOME, SPILLED, Value, fills_pin};
use crate::jit::regs::{HostReg, NO_HOST, SCRATCH, VECTOR_SCRATCH, XMM, frame, slot as state_slot};
use crate::jit::x64::{Mem, Reg, Rm};

/// An integer source operand.
#[derive(Clone, Copy)]
pub enum Src {
    /// Register or memory.
    Rm(Rm),
    /// Constant that an instruction can hold.
    Imm(i32),
}

impl Emitter {
    fn root(&self, v: Val) -> Val {
        self.values[v as usize].root
    }

    pub(super) fn lock(&mut self, r: HostReg) {
        self.locked |= 1 << r;
    }

    fn unlock(&mut self, r: HostReg) {
        self.locked &= !(1 << r);
    }

    fn is_locked(&self, r: HostReg) -> bool {
        self.locked >> r & 1 != 0
    }

    /// The constant that `v` is, as the type says (an `I32` sign-extended).
    pub(super) fn constant(&self, b: &Block, v: Val) -> Option<i64> {
        b.constant(v)
    }

    /// Makes `v` another name of `root`.
    pub(super) fn alias(&mut self, v: Val, root: Val) {
        let last = self.values[v as usize].last_use;
        self.values[v as usize].root = root;
        let r = &mut self.values[root as usize];
        r.last_use = r.last_use.max(last);
    }

    /// Says that `v` is now in `reg` and nowhere else.
    pub(super) fn bind(&mut self, v: Val, reg: HostReg) {
        let old = self.owner[reg as usize];
        if old != NONE && old != v {
            self.values[old as usize].reg = NO_HOST;
        }
        self.owner[reg as usize] = v;
        let value = &mut self.values[v as usize];
        value.reg = reg;
        value.root = v;
    }

    /// Forgets where a dead value was.
    pub(super) fn release(&mut self, root: Val) {
        let value = &mut self.values[root as usize];
        let (reg, home) = (value.reg, value.home);
        if reg != NO_HOST && self.conv.is_scratch(reg) {
            value.reg = NO_HOST;
            self.owner[reg as usize] = NONE;
        }
        if home != NO_HOME && home & SPILLED != 0 {
            value.home = NO_HOME;
            self.spills &= !(1 << (home & !SPILLED));
        }
    }

    /// Whether the value with that root is needed after the current op.
    fn lives_on(&self, root: Val) -> bool {
        self.values[root as usize].last_use as usize > self.at
    }

    /// Ends the lives of operands that this op uses last; their registers can be used for the result. Their content stays until
    /// something is written there.
    pub(super) fn kill(&mut self, op: &Op) {
        for v in operands(op) {
            if v != NONE {
                self.kill_value(v);
            }
        }
    }

    pub(super) fn kill_value(&mut self, v: Val) {
        let root = self.root(v);
        if !self.lives_on(root) {
            let reg = self.values[root as usize].reg;
            if reg != NO_HOST {
                self.unlock(reg);
            }
            // A copy of a guest register stays until the register is wanted for something else.
            let home = self.values[root as usize].home;
            let cached =
                home & SPILLED == 0 && self.cached[home as usize / 4].0 == root && reg != NO_HOST;
            if !cached {
                self.release(root);
            }
        }
    }

    /// A free scratch register of the file that `vector` says; locked.
    fn alloc(&mut self, vector: bool) -> Result<HostReg> {
        let file: [HostReg; 4] = if vector {
            VECTOR_SCRATCH.map(|r| r + XMM)
        } else {
            SCRATCH
        };
        let free = |e: &Emitter, r: HostReg| {
            e.owner[r as usize] == NONE && !e.is_locked(r) && e.conv.is_scratch(r)
        };
        let r = match file.into_iter().find(|r| free(self, *r)) {
            Some(r) => r,
            None => {
                // Evict what is dead first, then what is free to drop, then what is used latest.
                let r = file
                    .into_iter()
                    .filter(|r| !self.is_locked(*r) && self.conv.is_scratch(*r))
                    .max_by_key(|r| {
                        let v = &self.values[self.owner[*r as usize] as usize];
                        let dead = (v.last_use as usize) < self.at;
                        (dead, v.home != NO_HOME, v.last_use)
                    })
                    .ok_or(TooComplex)?;
                self.evict(r)?;
                r
            }
        };
        self.lock(r);
        Ok(r)
    }

    pub(super) fn alloc_gpr(&mut self) -> Result<Reg> {
        self.alloc(false)
    }

    pub(super) fn alloc_xmm(&mut self) -> Result<Reg> {
        Ok(self.alloc(true)? - XMM)
    }

    /// Gives back a temporary register.
    pub(super) fn free_temp(&mut self, r: HostReg) {
        self.unlock(r);
    }

    /// Takes the value out of scratch register `r`, to memory if it is needed and nowhere else.
    fn evict(&mut self, r: HostReg) -> Result {
        let v = self.owner[r as usize];
        self.owner[r as usize] = NONE;
        let value = self.values[v as usize];
        self.values[v as usize].reg = NO_HOST;
        if value.home != NO_HOME || value.last_use < self.at as u16 || self.is_const(v) {
            return Ok(());
        }
        self.spill(v, r)
    }

    fn spill(&mut self, v: Val, r: HostReg) -> Result {
        let n = (!self.spills).trailing_zeros();
        if n >= frame::SPILL_COUNT {
            return Err(TooComplex);
        }
        self.spills |= 1 << n;
        self.values[v as usize].home = SPILLED | n as u16;
        let m = frame::spill(n as u16);
        if r >= XMM {
            self.asm.vstore(4, m, r - XMM);
        } else {
            self.asm.store(3, m, r);
        }
        Ok(())
    }

    /// Constants are made anew rather than spilled; `home` is never set for them.
    fn is_const(&self, v: Val) -> bool {
        self.values[v as usize].home == NO_HOME && self.const_roots_contains(v)
    }

    fn const_roots_contains(&self, v: Val) -> bool {
        self.values[v as usize].zero & CONST_MARK != 0
    }

    /// Makes scratch register `r` free for the current op, moving its value elsewhere. Flags stay.
    pub(super) fn take(&mut self, r: Reg) -> Result {
        let v = self.owner[r as usize];
        if v != NONE {
            let dead = (self.values[v as usize].last_use as usize) < self.at;
            let free = SCRATCH
                .into_iter()
                .find(|s| *s != r && self.owner[*s as usize] == NONE && !self.is_locked(*s));
            if dead {
                self.release(v);
            } else if let Some(s) = free {
                self.asm.mov(true, s, r);
                self.owner[r as usize] = NONE;
                self.bind(v, s);
                if self.is_locked(r) {
                    self.lock(s);
                }
            } else {
                self.evict(r)?;
            }
        }
        self.lock(r);
        Ok(())
    }

    /// Bytes of a root's register that count: more than its own type's when an alias looks at a whole guest register.
    fn root_size(&self, b: &Block, root: Val) -> usize {
        let ty = b.ops[root as usize].ty;
        match (self.values[root as usize].wide, ty.is_vector()) {
            (true, true) => 16,
            (true, false) => 8,
            _ => ty.size(),
        }
    }

    /// Where a value without a register is in memory.
    fn home_mem(&self, root: Val) -> Option<Mem> {
        match self.values[root as usize].home {
            NO_HOME => None,
            h if h & SPILLED != 0 => Some(frame::spill(h & !SPILLED)),
            s => Some(state_slot(s)),
        }
    }

    /// Brings a value that is in no register into `r`. Flags stay.
    fn load_root(&mut self, b: &Block, root: Val, r: HostReg) {
        let op = &b.ops[root as usize];
        let Value { home, wide, .. } = self.values[root as usize];
        match op.code {
            OpCode::Const => {
                let x = if op.ty == Ty::I32 {
                    u64::from(op.imm as u32)
                } else {
                    op.imm as u64
                };
                self.asm.mov_imm(r, x);
                self.values[root as usize].zero = u8::from(x >> 32 == 0) | CONST_MARK;
            }
            OpCode::VConst => {
                self.load_vconst(r - XMM, b.vconsts[op.imm as usize]);
                self.values[root as usize].zero = CONST_MARK;
            }
            _ => {
                let Some(m) = self.home_mem(root) else {
                    debug_assert!(false, "value {root} of block {:#x} is lost", b.key.pc);
                    return;
                };
                match op.ty {
                    Ty::V128 => self.asm.vload(r - XMM, m),
                    // A spilled V64 keeps what it had above.
                    Ty::V64 if home & SPILLED != 0 || wide => self.asm.vload(r - XMM, m),
                    Ty::V64 => {
                        self.asm.vload_low(3, r - XMM, m);
                        self.values[root as usize].zero = 1;
                    }
                    _ if home & SPILLED != 0 || wide => self.asm.mov(true, r, m),
                    ty => {
                        self.asm.mov(ty == Ty::I64, r, m);
                        self.values[root as usize].zero = u8::from(ty == Ty::I32);
                    }
                }
            }
        }
    }

    /// The register of `v`, loading it if need be; locked.
    fn reg(&mut self, b: &Block, v: Val, vector: bool) -> Result<HostReg> {
        let root = self.root(v);
        let mut r = self.values[root as usize].reg;
        if r == NO_HOST {
            r = self.alloc(vector)?;
            self.load_root(b, root, r);
            self.bind(root, r);
        }
        self.lock(r);
        Ok(r)
    }

    /// The general register of integer `v`.
    pub(super) fn gpr(&mut self, b: &Block, v: Val) -> Result<Reg> {
        self.reg(b, v, false)
    }

    /// The XMM register of vector `v`.
    pub(super) fn xmm(&mut self, b: &Block, v: Val) -> Result<Reg> {
        Ok(self.reg(b, v, true)? - XMM)
    }

    /// `v` as an instruction's register-or-memory operand of type `ty`: memory only if it would be loaded for this use alone.
    pub(super) fn rm(&mut self, b: &Block, v: Val, ty: Ty) -> Result<Rm> {
        let root = self.root(v);
        let value = self.values[root as usize];
        if value.reg == NO_HOST
            && b.ops[root as usize].code != OpCode::Const
            // A spill slot ends with its value, and may be written before this operand is read.
            && value.home & SPILLED == 0
            && !self.lives_on(root)
            && self.root_size(b, root) >= ty.size()
            && let Some(m) = self.home_mem(root)
        {
            return Ok(Rm::M(m));
        }
        Ok(Rm::R(self.gpr(b, v)?))
    }

    /// `v` as register, memory or 32-bit constant.
    pub(super) fn src(&mut self, b: &Block, v: Val, ty: Ty) -> Result<Src> {
        if let Some(x) = self.constant(b, v)
            && let Ok(imm) = i32::try_from(x)
        {
            return Ok(Src::Imm(imm));
        }
        Ok(Src::Rm(self.rm(b, v, ty)?))
    }

    /// Copies integer `v` into `r`, which nothing else owns. Flags stay.
    pub(super) fn copy_to(&mut self, b: &Block, v: Val, ty: Ty, r: Reg) {
        let root = self.root(v);
        let from = self.values[root as usize].reg;
        if from != NO_HOST {
            if from != r {
                self.asm.mov(ty == Ty::I64, r, from);
            }
        } else {
            let zero = self.values[root as usize].zero;
            self.load_root(b, root, r);
            self.values[root as usize].zero = zero;
        }
    }

    /// Copies vector `v` into `r`, which nothing else owns.
    pub(super) fn vcopy_to(&mut self, b: &Block, v: Val, r: Reg) {
        let root = self.root(v);
        let from = self.values[root as usize].reg;
        if from != NO_HOST {
            self.asm.vmov(r, from - XMM);
        } else {
            let zero = self.values[root as usize].zero;
            self.load_root(b, root, r + XMM);
            self.values[root as usize].zero = zero;
        }
    }

    /// Whether `v` is in `r`.
    pub(super) fn is_in(&self, v: Val, r: HostReg) -> bool {
        v != NONE && self.values[self.root(v) as usize].reg == r
    }

    /// Register of `v`, if it has one.
    pub(super) fn reg_of(&self, v: Val) -> HostReg {
        self.values[self.root(v) as usize].reg
    }

    /// The pin that the current op should write, if nothing needs its old content any more.
    pub(super) fn hinted(&self) -> Option<HostReg> {
        let pin = self.values[self.at].hint;
        if pin == NO_HOST {
            return None;
        }
        let old = self.owner[pin as usize];
        (old == NONE || !self.lives_on(old)).then_some(pin)
    }

    /// A register for the current op's value. With `early` it is none of the locked ones: for code that writes it before it has
    /// read every operand. Otherwise call [`Emitter::kill`] first.
    fn def(&mut self, vector: bool, early: bool) -> Result<HostReg> {
        let r = match self.hinted() {
            Some(pin) if !(early && self.is_locked(pin)) => pin,
            _ => self.alloc(vector)?,
        };
        self.bind(self.at as Val, r);
        self.lock(r);
        Ok(r)
    }

    pub(super) fn def_gpr(&mut self) -> Result<Reg> {
        self.def(false, false)
    }

    pub(super) fn def_gpr_early(&mut self) -> Result<Reg> {
        self.def(false, true)
    }

    pub(super) fn def_xmm(&mut self) -> Result<Reg> {
        Ok(self.def(true, false)? - XMM)
    }

    pub(super) fn def_xmm_early(&mut self) -> Result<Reg> {
        Ok(self.def(true, true)? - XMM)
    }

    /// Binds the current op's value to a register that the op has taken.
    pub(super) fn def_in(&mut self, r: HostReg) {
        self.bind(self.at as Val, r);
    }

    /// Says how much of the current op's register is known to be zero.
    pub(super) fn set_zero(&mut self, zero: u8) {
        self.values[self.at].zero = zero;
    }

    /// What is known to be zero of `v`'s register.
    pub(super) fn zero_of(&self, v: Val) -> u8 {
        self.values[self.root(v) as usize].zero & !CONST_MARK
    }

    /// A register for the result that already holds operand `a`, for two-operand instructions; `avoid` holds another operand that
    /// is read after it.
    pub(super) fn def_from(
        &mut self,
        b: &Block,
        op: &Op,
        a: Val,
        ty: Ty,
        avoid: HostReg,
    ) -> Result<Reg> {
        let root = self.root(a);
        let reg = self.values[root as usize].reg;
        let reusable =
            reg != NO_HOST && self.conv.is_scratch(reg) && !self.lives_on(root) && reg != avoid;
        let d = match self.hinted() {
            Some(pin) if pin != avoid => pin,
            _ if reusable => reg,
            _ => {
                if reg != NO_HOST {
                    self.lock(reg);
                }
                if avoid != NO_HOST {
                    self.lock(avoid);
                }
                self.alloc(false)?
            }
        };
        if reg != d {
            self.copy_to(b, a, ty, d);
        }
        self.kill(op);
        self.bind(self.at as Val, d);
        self.lock(d);
        Ok(d)
    }

    // Guest registers

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

/// In [`crate::jit::analysis::Value::zero`] of a root: it is a constant, made anew instead of spilled.
const CONST_MARK: u8 = 0x80;
