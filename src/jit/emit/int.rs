//! Integer ops.

use super::alloc::Src;
use super::flags::{Test, cmp_cc, register_of};
use super::{Emitter, Result};
use crate::ir::{Block, Cmp, NONE, Op, OpCode, Ty, Val};
use crate::jit::analysis::{FLAGS_AFTER, FUSED};
use crate::jit::regs::NO_HOST;
use crate::jit::x64::gpr::{RAX, RCX, RDX};
use crate::jit::x64::{Alu, Cc, Mem, Reg, Rm, Shift, Unary};

impl Emitter {
    pub(super) fn int_op(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        let w = op.ty == Ty::I64;
        match op.code {
            Add => return self.add(b, op),
            Sub => return self.sub(b, op),
            And => return self.and(b, op),
            Or => self.commutative(b, op, Alu::Or)?,
            Xor => self.commutative(b, op, Alu::Xor)?,
            AndNot => {
                if let Some(x) = self.constant(b, op.b)
                    && let Ok(imm) = i32::try_from(!x)
                {
                    let d = self.def_from(b, op, op.a, op.ty, NO_HOST)?;
                    self.asm.alu_imm(Alu::And, w, d, imm);
                } else {
                    let y = self.gpr(b, op.b)?;
                    let x = self.rm(b, op.a, op.ty)?;
                    self.kill(op);
                    let d = self.def_gpr()?;
                    self.asm.andn(w, d, y, x);
                }
            }
            Not => {
                let d = self.def_from(b, op, op.a, op.ty, NO_HOST)?;
                self.asm.unary(Unary::Not, w, d);
            }
            Neg => {
                let d = self.def_from(b, op, op.a, op.ty, NO_HOST)?;
                self.asm.unary(Unary::Neg, w, d);
            }
            Mul => self.mul(b, op)?,
            MulHiU | MulHiS => self.mul_high(b, op)?,
            DivU | DivS | RemU | RemS => self.divide(b, op)?,
            Shl | ShrU | ShrS => self.shift(b, op)?,
            Rotr => self.rotate(b, op)?,
            Clz | Ctz => {
                let a = self.rm(b, op.a, op.ty)?;
                self.kill(op);
                let d = self.def_gpr()?;
                if op.code == Clz {
                    self.asm.lzcnt(w, d, a);
                } else {
                    self.asm.tzcnt(w, d, a);
                }
                self.set_zero(1);
                return Ok(());
            }
            Rbit => self.reverse_bits(b, op)?,
            Bswap => {
                let d = self.def_from(b, op, op.a, op.ty, NO_HOST)?;
                self.asm.bswap(w, d);
            }
            Bswap32 => {
                let d = self.def_from(b, op, op.a, op.ty, NO_HOST)?;
                self.asm.bswap(true, d);
                self.asm.rorx(true, d, d, 32);
            }
            Bswap16 => self.swap_halfwords(b, op)?,
            ExtractU | ExtractS => return self.extract(b, op),
            Insert => self.insert(b, op)?,
            Concat => self.concat(b, op)?,
            Sext8 | Sext16 | Zext8 | Zext16 => {
                let a = self.gpr(b, op.a)?;
                self.kill(op);
                let d = self.def_gpr()?;
                let size = u8::from(matches!(op.code, Sext16 | Zext16));
                let signed = matches!(op.code, Sext8 | Sext16);
                self.asm.load(w, size, signed, d, a);
                self.set_zero(u8::from(!signed || !w));
                return Ok(());
            }
            Sext32 => {
                let a = self.rm(b, op.a, Ty::I32)?;
                self.kill(op);
                let d = self.def_gpr()?;
                self.asm.load(true, 2, true, d, a);
            }
            Zext32 => {
                let root = self.values[op.a as usize].root;
                if self.zero_of(op.a) & 1 != 0 && self.reg_of(op.a) != NO_HOST {
                    self.alias(self.at as Val, root);
                    return Ok(());
                }
                let a = self.rm(b, op.a, Ty::I32)?;
                self.kill(op);
                let d = self.def_gpr()?;
                self.asm.mov(false, d, a);
                self.set_zero(1);
            }
            Trunc => {
                // A value still in a guest register's slot is read as 64 bits through this alias, like its other uses.
                let root = self.values[op.a as usize].root;
                self.alias(self.at as Val, root);
            }
            Crc32 => self.crc32(b, op)?,
            Compare => {
                let ty = if op.aux2 == Ty::I64 as u16 {
                    Ty::I64
                } else {
                    Ty::I32
                };
                self.emit_cmp_values(b, op.a, op.b, ty)?;
                self.kill(op);
                self.host_flags_gone();
                let d = self.def_gpr()?;
                self.asm.setcc(cmp_cc(Cmp::from_u16(op.aux)), d);
                self.asm.load(false, 0, false, d, d);
                self.set_zero(1);
                return Ok(());
            }
            _ => return self.select(b, op),
        }
        if op.ty == Ty::I32 {
            self.set_zero(1);
        }
        Ok(())
    }

    fn add(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let (mut x, mut y) = (op.a, op.b);
        if self.constant(b, x).is_some() {
            (x, y) = (y, x);
        }
        let keep_flags = self.values[self.at].is(FLAGS_AFTER) && !self.flags.saved;
        match self.src(b, y, op.ty)? {
            Src::Imm(imm) => {
                let a = self.gpr(b, x)?;
                self.kill(op);
                let d = self.def_gpr()?;
                if d == a && !keep_flags {
                    self.asm.alu_imm(Alu::Add, w, d, imm);
                    self.host_flags_gone();
                } else {
                    self.asm.lea(w, d, Mem::base(a, imm));
                }
            }
            Src::Rm(Rm::M(m)) if !keep_flags => {
                self.lock_operand(x);
                let d = self.def_from(b, op, x, op.ty, NO_HOST)?;
                self.asm.alu(Alu::Add, w, d, m);
                self.host_flags_gone();
            }
            _ => {
                let c = self.gpr(b, y)?;
                let a = self.gpr(b, x)?;
                self.kill(op);
                let d = self.def_gpr()?;
                if !keep_flags && (d == a || d == c) {
                    self.asm.alu(Alu::Add, w, d, if d == a { c } else { a });
                    self.host_flags_gone();
                } else {
                    self.asm.lea(w, d, Mem::indexed(a, c, 0, 0));
                }
            }
        }
        self.set_zero(u8::from(!w));
        Ok(())
    }

    fn sub(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        match self.src(b, op.b, op.ty)? {
            Src::Imm(imm) if imm != i32::MIN => {
                let a = self.gpr(b, op.a)?;
                self.kill(op);
                let d = self.def_gpr()?;
                if d == a {
                    self.asm.alu_imm(Alu::Sub, w, d, imm);
                } else {
                    self.asm.lea(w, d, Mem::base(a, -imm));
                }
            }
            src => {
                self.lock_operand(op.a);
                let d = self.def_from(b, op, op.a, op.ty, register_of(&src))?;
                self.alu_src(Alu::Sub, w, d, src);
            }
        }
        self.host_flags_gone();
        self.set_zero(u8::from(!w));
        Ok(())
    }

    fn and(&mut self, b: &Block, op: &Op) -> Result {
        let (mut x, mut mask) = (op.a, self.constant(b, op.b));
        if mask.is_none() {
            (x, mask) = (op.b, self.constant(b, op.a));
        }
        // A mask of one or two bytes is a move; a mask without sign in 64 bits clears the upper half.
        if let Some(mask @ (0xff | 0xffff)) = mask {
            let a = self.gpr(b, x)?;
            self.kill(op);
            let d = self.def_gpr()?;
            self.asm.load(false, u8::from(mask == 0xffff), false, d, a);
            self.set_zero(1);
            return Ok(());
        }
        self.commutative(b, op, Alu::And)?;
        let masked = mask.is_some_and(|m| m as u64 >> 32 == 0);
        self.set_zero(u8::from(op.ty == Ty::I32 || masked));
        Ok(())
    }

    fn commutative(&mut self, b: &Block, op: &Op, alu: Alu) -> Result {
        let w = op.ty == Ty::I64;
        let (mut x, mut y) = (op.a, op.b);
        if self.constant(b, x).is_some() {
            (x, y) = (y, x);
        }
        // Start from the operand that is already where the result goes.
        let hint = self.values[self.at].hint;
        if hint != NO_HOST && self.is_in(y, hint) {
            (x, y) = (y, x);
        }
        let src = self.src(b, y, op.ty)?;
        self.lock_operand(x);
        let d = self.def_from(b, op, x, op.ty, register_of(&src))?;
        self.alu_src(alu, w, d, src);
        self.host_flags_gone();
        Ok(())
    }

    fn mul(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let (mut x, mut y) = (op.a, op.b);
        if self.constant(b, x).is_some() {
            (x, y) = (y, x);
        }
        match self.src(b, y, op.ty)? {
            Src::Imm(imm) => {
                let a = self.rm(b, x, op.ty)?;
                self.kill(op);
                let d = self.def_gpr()?;
                self.asm.imul_imm(w, d, a, imm);
            }
            Src::Rm(rm) => {
                self.lock_operand(x);
                let d = self.def_from(b, op, x, op.ty, register_of(&Src::Rm(rm)))?;
                self.asm.imul(w, d, rm);
            }
        }
        self.host_flags_gone();
        Ok(())
    }

    fn mul_high(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        if !w {
            // 32 bits: one 64-bit product.
            let signed = op.code == OpCode::MulHiS;
            let d = self.alloc_gpr()?;
            let t = self.alloc_gpr()?;
            let (x, y) = (self.gpr(b, op.a)?, self.gpr(b, op.b)?);
            self.asm.load(true, 2, signed, d, x);
            self.asm.load(true, 2, signed, t, y);
            self.kill(op);
            self.asm.imul(true, d, t);
            self.free_temp(t);
            self.asm.shift_imm(Shift::Shr, true, d, 32);
            self.def_in(d);
            self.host_flags_gone();
            return Ok(());
        }
        if op.code == OpCode::MulHiU {
            self.take(RDX)?;
            let y = self.gpr(b, op.b)?;
            self.copy_to(b, op.a, Ty::I64, RDX);
            self.kill(op);
            let d = self.def_gpr()?;
            self.asm.mulx(true, d, d, y);
        } else {
            self.take(RAX)?;
            self.take(RDX)?;
            let y = self.gpr(b, op.b)?;
            self.copy_to(b, op.a, Ty::I64, RAX);
            self.kill(op);
            self.asm.unary(Unary::Imul, true, y);
            self.def_in(RDX);
        }
        self.host_flags_gone();
        Ok(())
    }

    fn divide(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let signed = matches!(op.code, OpCode::DivS | OpCode::RemS);
        let quotient = matches!(op.code, OpCode::DivU | OpCode::DivS);
        self.take(RAX)?;
        self.take(RDX)?;
        let y = self.gpr(b, op.b)?;
        let known = self.constant(b, op.b);
        self.copy_to(b, op.a, op.ty, RAX);
        self.kill(op);
        // Results for the divisors that x86 traps on.
        let by_zero = known.is_none_or(|k| k == 0).then(|| {
            self.asm.test(w, y, y);
            self.asm.jcc8(Cc::E)
        });
        let by_minus_one = (signed && known.is_none_or(|k| k == -1)).then(|| {
            self.asm.alu_imm(Alu::Cmp, w, y, -1);
            self.asm.jcc8(Cc::E)
        });
        if signed {
            self.asm.sign_to_rdx(w);
            self.asm.unary(Unary::Idiv, w, y);
        } else {
            self.asm.alu(Alu::Xor, false, RDX, RDX);
            self.asm.unary(Unary::Div, w, y);
        }
        if by_zero.is_some() || by_minus_one.is_some() {
            let done = self.asm.jmp8();
            let mut done_zero = None;
            if let Some(at) = by_zero {
                // Quotient 0, remainder the dividend.
                self.asm.bind(at);
                self.asm.mov(w, RDX, RAX);
                self.asm.mov_imm(RAX, 0);
                done_zero = by_minus_one.is_some().then(|| self.asm.jmp8());
            }
            if let Some(at) = by_minus_one {
                // Quotient the negated dividend (MIN stays), remainder 0.
                self.asm.bind(at);
                self.asm.unary(Unary::Neg, w, RAX);
                self.asm.mov_imm(RDX, 0);
            }
            if let Some(at) = done_zero {
                self.asm.bind(at);
            }
            self.asm.bind(done);
        }
        self.def_in(if quotient { RAX } else { RDX });
        self.host_flags_gone();
        Ok(())
    }

    fn shift(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let kind = match op.code {
            OpCode::Shl => Shift::Shl,
            OpCode::ShrU => Shift::Shr,
            _ => Shift::Sar,
        };
        let keep_flags = self.values[self.at].is(FLAGS_AFTER) && !self.flags.saved;
        if let Some(n) = self.constant(b, op.b) {
            let n = n as u8 & if w { 63 } else { 31 };
            if !keep_flags {
                let d = self.def_from(b, op, op.a, op.ty, NO_HOST)?;
                self.asm.shift_imm(kind, w, d, n);
                self.host_flags_gone();
                return Ok(());
            }
        }
        let n = self.gpr(b, op.b)?;
        let a = self.rm(b, op.a, op.ty)?;
        self.kill(op);
        let d = self.def_gpr()?;
        self.asm.shiftx(kind, w, d, a, n);
        Ok(())
    }

    fn rotate(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        if let Some(n) = self.constant(b, op.b) {
            let a = self.rm(b, op.a, op.ty)?;
            self.kill(op);
            let d = self.def_gpr()?;
            self.asm.rorx(w, d, a, n as u8 & if w { 63 } else { 31 });
            return Ok(());
        }
        self.take(RCX)?;
        let d = self.alloc_gpr()?;
        self.copy_to(b, op.b, Ty::I32, RCX);
        self.copy_to(b, op.a, op.ty, d);
        self.kill(op);
        self.asm.shift_cl(Shift::Ror, w, d);
        self.def_in(d);
        self.host_flags_gone();
        Ok(())
    }

    /// Swaps ever larger groups of bits inside bytes, then the bytes.
    fn reverse_bits(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let d = self.alloc_gpr()?;
        let t = self.alloc_gpr()?;
        self.copy_to(b, op.a, op.ty, d);
        self.kill(op);
        let m = self.alloc_gpr()?;
        for (shift, mask) in [
            (1, 0x5555_5555_5555_5555u64),
            (2, 0x3333_3333_3333_3333),
            (4, 0x0f0f_0f0f_0f0f_0f0f),
        ] {
            let mask = if w { mask } else { mask & 0xffff_ffff };
            self.asm.mov_imm(m, mask);
            self.asm.mov(w, t, d);
            self.asm.shift_imm(Shift::Shr, w, t, shift);
            self.asm.alu(Alu::And, w, t, m);
            self.asm.alu(Alu::And, w, d, m);
            self.asm.shift_imm(Shift::Shl, w, d, shift);
            self.asm.alu(Alu::Or, w, d, t);
        }
        self.asm.bswap(w, d);
        self.free_temp(t);
        self.free_temp(m);
        self.def_in(d);
        self.host_flags_gone();
        Ok(())
    }

    fn swap_halfwords(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let d = self.alloc_gpr()?;
        self.copy_to(b, op.a, op.ty, d);
        self.kill(op);
        if w {
            let t = self.alloc_gpr()?;
            let m = self.alloc_gpr()?;
            self.asm.mov_imm(m, 0x00ff_00ff_00ff_00ff);
            self.asm.mov(true, t, d);
            self.asm.shift_imm(Shift::Shr, true, t, 8);
            self.asm.alu(Alu::And, true, t, m);
            self.asm.alu(Alu::And, true, d, m);
            self.asm.shift_imm(Shift::Shl, true, d, 8);
            self.asm.alu(Alu::Or, true, d, t);
            self.free_temp(t);
            self.free_temp(m);
        } else {
            // Bytes of both halves in reverse, then the halves.
            self.asm.bswap(false, d);
            self.asm.rorx(false, d, d, 16);
        }
        self.def_in(d);
        self.host_flags_gone();
        Ok(())
    }

    fn extract(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let bits: u32 = if w { 64 } else { 32 };
        let (lsb, width) = (u32::from(op.aux), u32::from(op.aux2));
        let signed = op.code == OpCode::ExtractS;
        if lsb == 0 && matches!(width, 8 | 16 | 32) {
            let a = self.gpr(b, op.a)?;
            self.kill(op);
            let d = self.def_gpr()?;
            let size = (width / 8).trailing_zeros() as u8;
            if width < 32 || (signed && w) {
                self.asm.load(w, size, signed, d, a);
            } else {
                self.asm.mov(false, d, a);
            }
            self.set_zero(u8::from(!signed || !w));
            return Ok(());
        }
        let d = self.def_from(b, op, op.a, op.ty, NO_HOST)?;
        let (left, right) = ((bits - lsb - width) as u8, (bits - width) as u8);
        if signed {
            if left != 0 {
                self.asm.shift_imm(Shift::Shl, w, d, left);
            }
            if right != 0 {
                self.asm.shift_imm(Shift::Sar, w, d, right);
            }
        } else if width < 32 {
            if lsb != 0 {
                self.asm.shift_imm(Shift::Shr, w, d, lsb as u8);
            }
            if lsb + width < bits {
                self.asm
                    .alu_imm(Alu::And, false, d, (1i32 << width).wrapping_sub(1));
            }
        } else {
            if left != 0 {
                self.asm.shift_imm(Shift::Shl, w, d, left);
            }
            if right != 0 {
                self.asm.shift_imm(Shift::Shr, w, d, right);
            }
        }
        self.host_flags_gone();
        self.set_zero(u8::from(!w || !signed && width <= 32));
        Ok(())
    }

    fn insert(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        let bits = if w { 64 } else { 32 };
        let (lsb, width) = (op.aux as u32, u32::from(op.aux2));
        let d = self.alloc_gpr()?;
        let t = self.alloc_gpr()?;
        let a = self.gpr(b, op.a)?;
        let field = (u64::MAX >> (64 - width)) << lsb;
        // d := the field in place.
        self.copy_to(b, op.b, op.ty, d);
        if lsb + width < bits {
            let mask = u64::MAX >> (64 - width);
            if let Ok(imm) = i32::try_from(mask as i64) {
                self.asm.alu_imm(Alu::And, w, d, imm);
            } else {
                self.asm.mov_imm(t, mask);
                self.asm.alu(Alu::And, w, d, t);
            }
        }
        if lsb != 0 {
            self.asm.shift_imm(Shift::Shl, w, d, lsb as u8);
        }
        let keep = !field;
        if w {
            if let Ok(imm) = i32::try_from(keep as i64) {
                self.asm.mov(true, t, a);
                self.asm.alu_imm(Alu::And, true, t, imm);
            } else {
                self.asm.mov_imm(t, keep);
                self.asm.alu(Alu::And, true, t, a);
            }
        } else {
            self.asm.mov(false, t, a);
            self.asm.alu_imm(Alu::And, false, t, keep as i32);
        }
        self.asm.alu(Alu::Or, w, d, t);
        self.kill(op);
        self.free_temp(t);
        self.def_in(d);
        self.host_flags_gone();
        Ok(())
    }

    fn concat(&mut self, b: &Block, op: &Op) -> Result {
        let w = op.ty == Ty::I64;
        // Low half from b, filled from the top by a.
        let a = self.gpr(b, op.a)?;
        self.lock_operand(op.b);
        let d = self.def_from(b, op, op.b, op.ty, a)?;
        if op.aux != 0 {
            self.asm.shrd(w, d, a, op.aux as u8);
        }
        self.host_flags_gone();
        Ok(())
    }

    fn crc32(&mut self, b: &Block, op: &Op) -> Result {
        if op.aux2 != 1 {
            return self.crc32_ieee(b, op);
        }
        let y = self.gpr(b, op.b)?;
        self.lock_operand(op.a);
        let d = self.def_from(b, op, op.a, Ty::I32, y)?;
        self.asm.crc32c(op.aux as u8, d, y);
        self.set_zero(1);
        Ok(())
    }

    fn select(&mut self, b: &Block, op: &Op) -> Result {
        let compare = b.ops[op.c as usize];
        let fused = self.values[op.c as usize].is(FUSED);
        let cc = if fused {
            let ty = if compare.aux2 == Ty::I64 as u16 {
                Ty::I64
            } else {
                Ty::I32
            };
            self.emit_cmp_values(b, compare.a, compare.b, ty)?;
            cmp_cc(Cmp::from_u16(compare.aux))
        } else {
            let c = self.gpr(b, op.c)?;
            self.asm.test(false, c, c);
            Cc::Ne
        };
        self.host_flags_gone();
        // The condition is in the flags: its operands' registers are free, unless the selection reads them too.
        self.locked = 0;
        let ended = if fused {
            [compare.a, compare.b]
        } else {
            [op.c, NONE]
        };
        for v in ended {
            if v != NONE && !self.same_root(v, op.a) && !self.same_root(v, op.b) {
                self.kill_value(v);
            }
        }
        let rest = Op { c: NONE, ..*op };
        self.select_by(b, &rest, Test::One(cc))
    }

    fn same_root(&self, x: Val, y: Val) -> bool {
        self.values[x as usize].root == self.values[y as usize].root
    }

    /// Register of a value as a private copy that the op may change.
    pub(super) fn private_copy(&mut self, b: &Block, v: Val, ty: Ty) -> Result<Reg> {
        let t = self.alloc_gpr()?;
        self.copy_to(b, v, ty, t);
        Ok(t)
    }
}
