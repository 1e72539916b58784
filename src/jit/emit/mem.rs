//! Guest memory: plain host accesses relative to `gs`.

use super::{Emitter, Result};
use crate::ir::{AtomicOp, Block, CpuState, MemArg, NONE, Op, OpCode, Trap, Ty, Val};
use crate::jit::fault::Access;
use crate::jit::regs::{NO_HOST, frame, state};
use crate::jit::x64::gpr::*;
use crate::jit::x64::{Alu, Cc, Mem, NO_REG, Reg, Shift};
use std::mem::offset_of;

const EXCL_ADDR: Mem = state(offset_of!(CpuState, excl_addr));
const EXCL_VAL: Mem = state(offset_of!(CpuState, excl_val));

impl Emitter {
    /// Notes that the instruction just emitted accesses guest memory.
    fn note_access(&mut self, store: bool) {
        self.note_access_with(store, false);
    }

    fn note_access_with(&mut self, store: bool, r14_saved: bool) {
        let access = Access {
            pc: self.pc,
            form: self.flags.unsaved() as u8,
            store,
            r14_saved,
        };
        self.side.add(self.asm.pos() as u32, access);
    }

    /// The host operand for guest address `base + (index << scale) + disp`. Flags stay.
    pub(super) fn guest_mem(
        &mut self,
        b: &Block,
        base: Val,
        index: Val,
        scale: u8,
        disp: i64,
    ) -> Result<Mem> {
        let mut disp = disp;
        let (mut base, mut index) = (base, index);
        // Constant parts fold into the displacement.
        if index != NONE
            && let Some(x) = self.constant(b, index)
        {
            disp = disp.wrapping_add(self.unsigned(b, index, x) << scale);
            index = NONE;
        }
        if let Some(x) = self.constant(b, base) {
            disp = disp.wrapping_add(self.unsigned(b, base, x));
            base = NONE;
        }
        if self.addr32 {
            disp = disp as i32 as i64;
        }
        let mut m = Mem {
            gs: true,
            addr32: self.addr32,
            scale,
            ..Mem::base(NO_REG, 0)
        };
        if index != NONE {
            m.index = self.gpr(b, index)?;
        }
        if base != NONE {
            m.base = self.gpr(b, base)?;
        }
        match i32::try_from(disp) {
            Ok(disp) => m.disp = disp,
            Err(_) => {
                let t = self.alloc_gpr()?;
                self.asm.mov_imm(t, disp as u64);
                if m.base == NO_REG {
                    m.base = t;
                } else if m.index == NO_REG {
                    m.index = t;
                    m.scale = 0;
                } else {
                    self.asm.lea(true, t, Mem::indexed(t, m.index, m.scale, 0));
                    m.index = t;
                    m.scale = 0;
                }
            }
        }
        Ok(m)
    }

    /// The constant of value `v` as an address: an `I32` is zero-extended.
    fn unsigned(&self, b: &Block, v: Val, x: i64) -> i64 {
        if b.ops[v as usize].ty == Ty::I32 {
            i64::from(x as u32)
        } else {
            x
        }
    }

    pub(super) fn mem_op(&mut self, b: &Block, op: &Op) -> Result {
        match op.code {
            OpCode::Load => self.load(b, op),
            OpCode::Store => self.store(b, op),
            OpCode::Fence => {
                // A locked operation is a full barrier, and faster than `mfence`.
                self.asm.lock_or(frame::MXCSR, 0);
                Ok(())
            }
            OpCode::CheckAlign => self.check_align(b, op),
            OpCode::AtomicRmw => self.atomic_rmw(b, op),
            OpCode::AtomicCas => self.atomic_cas(b, op),
            OpCode::LoadExcl => self.load_exclusive(b, op),
            OpCode::StoreExcl => self.store_exclusive(b, op),
            _ => {
                self.asm.store_imm(3, EXCL_ADDR, -1);
                Ok(())
            }
        }
    }

    /// Loads a scalar into `d` and extends it.
    fn load_scalar(&mut self, m: MemArg, wide: bool, d: Reg, mem: Mem) {
        if m.big && m.size > 0 {
            self.asm.movbe_load(m.size, d, mem);
            self.note_access(false);
            match (m.size, m.signed) {
                (1, _) => self.asm.load(wide, 1, m.signed, d, d),
                (2, true) if wide => self.asm.load(true, 2, true, d, d),
                _ => {}
            }
        } else {
            self.asm.load(wide, m.size, m.signed, d, mem);
            self.note_access(false);
        }
    }

    fn load(&mut self, b: &Block, op: &Op) -> Result {
        let m = MemArg::unpack(op.aux);
        let mem = self.guest_mem(b, op.a, op.b, m.scale, op.imm)?;
        if !op.ty.is_vector() {
            self.kill(op);
            let d = self.def_gpr()?;
            self.load_scalar(m, op.ty == Ty::I64, d, mem);
            self.set_zero(u8::from(op.ty == Ty::I32 || !m.signed && m.size < 3));
            return Ok(());
        }
        if m.size >= 2 && !(m.big && m.size < 4) {
            self.kill(op);
            let d = self.def_xmm()?;
            if m.size == 4 {
                self.asm.vload(d, mem);
            } else {
                self.asm.vload_low(m.size, d, mem);
            }
            self.note_access(false);
            self.set_zero([0, 0, 2, 1, 0][m.size as usize]);
            return Ok(());
        }
        let t = self.alloc_gpr()?;
        self.load_scalar(MemArg { signed: false, ..m }, m.size == 3, t, mem);
        self.kill(op);
        let d = self.def_xmm()?;
        self.asm.vfrom_gpr(m.size == 3, d, t);
        self.set_zero(if m.size == 3 { 1 } else { 2 });
        Ok(())
    }

    fn store(&mut self, b: &Block, op: &Op) -> Result {
        let m = MemArg::unpack(op.aux);
        let mem = self.guest_mem(b, op.a, op.b, m.scale, op.imm)?;
        let swapped = m.big && (1..4).contains(&m.size);
        if op.ty.is_vector() {
            let x = self.xmm(b, op.c)?;
            if swapped {
                let t = self.alloc_gpr()?;
                self.asm.vto_gpr(m.size == 3, t, x);
                self.asm.movbe_store(m.size, mem, t);
            } else {
                self.asm.vstore(m.size, mem, x);
            }
        } else if let Some(imm) = self
            .constant(b, op.c)
            .and_then(|x| i32::try_from(x).ok())
            .filter(|_| !swapped && self.reg_of(op.c) == NO_HOST)
        {
            self.asm.store_imm(m.size, mem, imm);
        } else {
            let r = self.gpr(b, op.c)?;
            if swapped {
                self.asm.movbe_store(m.size, mem, r);
            } else {
                self.asm.store(m.size, mem, r);
            }
        }
        self.note_access(true);
        self.kill(op);
        Ok(())
    }

    fn check_align(&mut self, b: &Block, op: &Op) -> Result {
        let a = self.gpr(b, op.a)?;
        let mask = (1i32 << op.aux) - 1;
        let low = op.imm as i32 & mask;
        if low == 0 {
            self.asm.test_imm8(a, mask as u8);
        } else {
            let t = self.alloc_gpr()?;
            self.asm.lea(false, t, Mem::base(a, low));
            self.asm.test_imm8(t, mask as u8);
        }
        // The address goes to the state on the cold path only.
        self.cold_trap(Cc::Ne, Trap::Alignment, op.aux2, Some((a, op.imm)));
        self.kill(op);
        Ok(())
    }

    /// Reverses the bytes of the low 1 << `size` bytes of `r`; zero-extends.
    fn swap_bytes(&mut self, size: u8, r: Reg) {
        match size {
            0 => {}
            1 => {
                self.asm.shift_imm16(Shift::Rol, r, 8);
                self.asm.load(false, 1, false, r, r);
            }
            _ => self.asm.bswap(size == 3, r),
        }
    }

    /// Moves the old content from `r`, of which 1 << size bytes count, to the current op's value.
    fn define_old(&mut self, m: MemArg, ty: Ty, r: Reg) -> Result {
        let d = self.def_gpr()?;
        self.asm.load(ty == Ty::I64, m.size, m.signed, d, r);
        self.set_zero(u8::from(ty == Ty::I32 || !m.signed && m.size < 3));
        Ok(())
    }

    fn atomic_rmw(&mut self, b: &Block, op: &Op) -> Result {
        let m = MemArg::unpack(op.aux);
        let kind = AtomicOp::from_u16(op.aux2);
        let swapped = m.big && m.size > 0;
        let w = m.size == 3;
        let ty = if w { Ty::I64 } else { Ty::I32 };
        if matches!(kind, AtomicOp::Add | AtomicOp::Swap) && !swapped {
            let mem = self.guest_mem(b, op.a, NONE, 0, 0)?;
            let t = self.private_copy(b, op.b, ty)?;
            if kind == AtomicOp::Add {
                self.asm.lock_xadd(m.size, mem, t);
            } else {
                self.asm.xchg(m.size, mem, t);
            }
            self.note_access(true);
            self.kill(op);
            return self.define_old(m, op.ty, t);
        }
        self.take(RAX)?;
        let mem = self.guest_mem(b, op.a, NONE, 0, 0)?;
        let v = self.private_copy(b, op.b, ty)?;
        let t = self.alloc_gpr()?;
        let signed = matches!(kind, AtomicOp::MaxS | AtomicOp::MinS);
        let ordered = signed || matches!(kind, AtomicOp::MaxU | AtomicOp::MinU);
        if ordered && m.size < 2 {
            self.asm.load(false, m.size, signed, v, v);
        }
        if kind == AtomicOp::AndNot {
            self.asm.unary(crate::jit::x64::Unary::Not, w, v);
        }
        self.asm.load(false, m.size, false, RAX, mem);
        self.note_access(true);
        let again = self.asm.pos();
        self.asm.mov(w, t, RAX);
        if swapped {
            self.swap_bytes(m.size, t);
        }
        match kind {
            AtomicOp::Add => self.asm.alu(Alu::Add, w, t, v),
            AtomicOp::And | AtomicOp::AndNot => self.asm.alu(Alu::And, w, t, v),
            AtomicOp::Or => self.asm.alu(Alu::Or, w, t, v),
            AtomicOp::Xor => self.asm.alu(Alu::Xor, w, t, v),
            AtomicOp::Swap => self.asm.mov(w, t, v),
            _ => {
                if m.size < 2 {
                    self.asm.load(false, m.size, signed, t, t);
                }
                self.asm.alu(Alu::Cmp, w, t, v);
                let cc = match kind {
                    AtomicOp::MaxS => Cc::L,
                    AtomicOp::MinS => Cc::G,
                    AtomicOp::MaxU => Cc::B,
                    _ => Cc::A,
                };
                self.asm.cmov(cc, w, t, v);
            }
        }
        if swapped {
            self.swap_bytes(m.size, t);
        }
        self.asm.lock_cmpxchg(m.size, mem, t);
        self.note_access(true);
        self.asm.jcc8_back(Cc::Ne, again);
        if swapped {
            self.swap_bytes(m.size, RAX);
        }
        self.kill(op);
        self.free_temp(v);
        self.free_temp(t);
        self.define_old(m, op.ty, RAX)
    }

    fn atomic_cas(&mut self, b: &Block, op: &Op) -> Result {
        let m = MemArg::unpack(op.aux);
        if m.size == 4 {
            return self.atomic_cas_pair(b, op);
        }
        let ty = if m.size == 3 { Ty::I64 } else { Ty::I32 };
        self.take(RAX)?;
        let mem = self.guest_mem(b, op.a, NONE, 0, 0)?;
        let new = if m.big {
            let t = self.private_copy(b, op.c, ty)?;
            self.swap_bytes(m.size, t);
            t
        } else {
            self.gpr(b, op.c)?
        };
        self.copy_to(b, op.b, ty, RAX);
        if m.big {
            self.swap_bytes(m.size, RAX);
        }
        self.asm.lock_cmpxchg(m.size, mem, new);
        self.note_access(true);
        if m.big {
            self.swap_bytes(m.size, RAX);
        }
        self.kill(op);
        self.define_old(m, op.ty, RAX)
    }

    /// Puts the guest address in a register that `cmpxchg16b` leaves alone: a pin that has it, or R14, whose guest value waits in
    /// the frame meanwhile. Returns the operand and whether R14 was borrowed.
    fn pair_address(&mut self, b: &Block, addr: Val) -> (Mem, bool) {
        let r = self.reg_of(addr);
        let borrowed = r == NO_HOST || self.conv.is_scratch(r);
        let base = if borrowed { R14 } else { r };
        if borrowed {
            self.asm
                .store(3, Mem::base(RSP, frame::R14_SAVE_OFFSET), R14);
            let ty = if self.addr32 { Ty::I32 } else { Ty::I64 };
            self.copy_to(b, addr, ty, R14);
        }
        let mem = Mem {
            gs: true,
            addr32: self.addr32,
            ..Mem::base(base, 0)
        };
        (mem, borrowed)
    }

    fn return_r14(&mut self, borrowed: bool) {
        if borrowed {
            self.asm
                .mov(true, R14, Mem::base(RSP, frame::R14_SAVE_OFFSET));
        }
    }

    fn atomic_cas_pair(&mut self, b: &Block, op: &Op) -> Result {
        let (old, new) = (self.xmm(b, op.b)?, self.xmm(b, op.c)?);
        let (mem, borrowed) = self.pair_address(b, op.a);
        for r in [RAX, RCX, RDX, RBX] {
            self.take(r)?;
        }
        self.asm.vto_gpr(true, RAX, old);
        self.asm.vextract(3, RDX, old, 1);
        self.asm.vto_gpr(true, RBX, new);
        self.asm.vextract(3, RCX, new, 1);
        self.asm.lock_cmpxchg16b(mem);
        self.note_access_with(true, borrowed);
        self.return_r14(borrowed);
        self.kill(op);
        let d = self.def_xmm()?;
        self.asm.vfrom_gpr(true, d, RAX);
        self.asm.vinsert(3, d, d, RDX, 1);
        Ok(())
    }

    fn load_exclusive(&mut self, b: &Block, op: &Op) -> Result {
        let m = MemArg::unpack(op.aux);
        let mem = self.guest_mem(b, op.a, NONE, 0, 0)?;
        let addr = self.zero_extended_address(b, op.a)?;
        if m.size == 4 {
            let d = self.def_xmm_early()?;
            self.asm.vload(d, mem);
            self.note_access(false);
            self.asm.vstore(4, EXCL_VAL, d);
            self.asm.store(3, EXCL_ADDR, addr);
            self.kill(op);
            return Ok(());
        }
        let t = self.alloc_gpr()?;
        self.load_scalar(MemArg { signed: false, ..m }, m.size == 3, t, mem);
        self.asm.store(3, EXCL_VAL, t);
        self.asm.store_imm(3, Mem::base(R15, EXCL_VAL.disp + 8), 0);
        self.asm.store(3, EXCL_ADDR, addr);
        self.kill(op);
        self.define_old(m, op.ty, t)
    }

    /// Register of an address with nothing above its width, as the monitor keeps it.
    fn zero_extended_address(&mut self, b: &Block, v: Val) -> Result<Reg> {
        let a = self.gpr(b, v)?;
        if !self.addr32 || self.zero_of(v) & 1 != 0 {
            return Ok(a);
        }
        let t = self.alloc_gpr()?;
        self.asm.mov(false, t, a);
        Ok(t)
    }

    fn store_exclusive(&mut self, b: &Block, op: &Op) -> Result {
        let m = MemArg::unpack(op.aux);
        if m.size == 4 {
            return self.store_exclusive_pair(b, op);
        }
        self.take(RAX)?;
        let addr = self.zero_extended_address(b, op.a)?;
        let mem = Mem {
            gs: true,
            addr32: self.addr32,
            ..Mem::base(addr, 0)
        };
        let ty = if m.size == 3 { Ty::I64 } else { Ty::I32 };
        let new = if m.big && m.size > 0 {
            let t = self.private_copy(b, op.b, ty)?;
            self.swap_bytes(m.size, t);
            t
        } else {
            self.gpr(b, op.b)?
        };
        self.asm.alu(Alu::Cmp, true, addr, EXCL_ADDR);
        self.asm.load(false, m.size, false, RAX, EXCL_VAL);
        let unarmed = self.asm.jcc8(Cc::Ne);
        if m.big {
            self.swap_bytes(m.size, RAX);
        }
        self.asm.lock_cmpxchg(m.size, mem, new);
        self.note_access(true);
        self.asm.bind(unarmed);
        // After the access: if it faults, it is executed again with the monitor as it was.
        self.asm.store_imm(3, EXCL_ADDR, -1);
        self.finish_exclusive(op)
    }

    /// Value := ZF ? 0 : 1.
    fn finish_exclusive(&mut self, op: &Op) -> Result {
        self.kill(op);
        let d = self.def_gpr()?;
        self.asm.setcc(Cc::Ne, d);
        self.asm.load(false, 0, false, d, d);
        self.set_zero(1);
        Ok(())
    }

    fn store_exclusive_pair(&mut self, b: &Block, op: &Op) -> Result {
        let new = self.xmm(b, op.b)?;
        let addr = self.gpr(b, op.a)?;
        self.asm.alu(Alu::Cmp, true, addr, EXCL_ADDR);
        // Moves that evict registers keep the flags, and are wanted on both ways.
        let (mem, borrowed) = self.pair_address(b, op.a);
        for r in [RAX, RCX, RDX, RBX] {
            self.take(r)?;
        }
        let unarmed = self.asm.jcc8(Cc::Ne);
        self.asm.mov(true, RAX, EXCL_VAL);
        self.asm.mov(true, RDX, Mem::base(R15, EXCL_VAL.disp + 8));
        self.asm.vto_gpr(true, RBX, new);
        self.asm.vextract(3, RCX, new, 1);
        self.asm.lock_cmpxchg16b(mem);
        self.note_access_with(true, borrowed);
        self.asm.bind(unarmed);
        self.asm.store_imm(3, EXCL_ADDR, -1);
        self.return_r14(borrowed);
        for r in [RAX, RCX, RDX, RBX] {
            self.free_temp(r);
        }
        self.finish_exclusive(op)
    }
}
