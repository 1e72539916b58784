//! Where values are: registers, guest registers, constants, spill slots.

use super::{Emitter, Result, TooComplex};
use crate::ir::{Block, NONE, Op, OpCode, Ty, Val};
use crate::jit::analysis::{NO_HOME, SPILLED, Value};
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
    pub(super) fn root(&self, v: Val) -> Val {
        self.values[v as usize].root
    }

    pub(super) fn lock(&mut self, r: HostReg) {
        self.locked |= 1 << r;
    }

    pub(super) fn unlock(&mut self, r: HostReg) {
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
    pub(super) fn lives_on(&self, root: Val) -> bool {
        self.values[root as usize].last_use as usize > self.at
    }

    /// Ends the lives of operands that this op uses last; their registers can be used for the result. Their content stays until
    /// something is written there.
    #[inline]
    pub(super) fn kill(&mut self, op: &Op) {
        for v in [op.a, op.b, op.c] {
            if v != NONE {
                self.kill_value(v);
            }
        }
    }

    #[inline(always)]
    pub(super) fn kill_value(&mut self, v: Val) {
        let root = self.root(v);
        if !self.lives_on(root) {
            self.kill_root(root);
        }
    }

    fn kill_root(&mut self, root: Val) {
        let Value { reg, home, .. } = self.values[root as usize];
        if reg != NO_HOST {
            self.unlock(reg);
            // A copy of a guest register stays until the register is wanted for something else.
            if home & SPILLED == 0 && self.cached[home as usize / 4].0 == root {
                return;
            }
        }
        self.release(root);
    }

    /// A free scratch register of the file that `vector` says; locked.
    pub(super) fn alloc(&mut self, vector: bool) -> Result<HostReg> {
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
    pub(super) fn root_size(&self, b: &Block, root: Val) -> usize {
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
    pub(super) fn load_root(&mut self, b: &Block, root: Val, r: HostReg) {
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
    #[inline(always)]
    pub(super) fn reg(&mut self, b: &Block, v: Val, vector: bool) -> Result<HostReg> {
        let root = self.root(v);
        let r = self.values[root as usize].reg;
        if r == NO_HOST {
            return self.bring(b, root, vector);
        }
        self.lock(r);
        Ok(r)
    }

    /// Loads a value that is in no register into one; locked.
    fn bring(&mut self, b: &Block, root: Val, vector: bool) -> Result<HostReg> {
        let r = self.alloc(vector)?;
        self.load_root(b, root, r);
        self.bind(root, r);
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
}

/// In [`crate::jit::analysis::Value::zero`] of a root: it is a constant, made anew instead of spilled.
pub(super) const CONST_MARK: u8 = 0x80;
