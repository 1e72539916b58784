//! Integer instructions.

use super::{Asm, Cc, Mem, NO_REG, NO_TAIL, Reg, Rm, Short, Tail, gpr, imm8, imm32};

/// The eight arithmetic operations that share one encoding (Intel SDM volume 2, opcodes 00 to 3F and group 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Alu {
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
    Cmp,
}

/// Shifts and rotates (group 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Shift {
    Rol = 0,
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// Group 3: one operand, or RDX:RAX as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Unary {
    Not = 2,
    Neg = 3,
    Imul = 5,
    Div = 6,
    Idiv = 7,
}

/// Widths of a scalar in memory: log2 of the bytes.
type Size = u8;

impl Asm {
    /// `mov dst, src`
    pub fn mov(&mut self, w: bool, dst: Reg, src: impl Into<Rm>) {
        self.legacy(0, 0, 0x8b, w, dst, src.into(), false, NO_TAIL);
    }

    /// `mov [dst], src` of `1 << size` bytes.
    pub fn store(&mut self, size: Size, dst: Mem, src: Reg) {
        let pp = if size == 1 { 0x66 } else { 0 };
        let op = 0x88 | u8::from(size != 0);
        self.legacy(pp, 0, op, size == 3, src, dst.into(), size == 0, NO_TAIL);
    }

    /// `mov [dst], imm` of `1 << size` bytes; 8 bytes are sign-extended from 32 bits.
    pub fn store_imm(&mut self, size: Size, dst: Mem, imm: i32) {
        let len = [1, 2, 4, 4][size as usize & 3];
        let tail = Tail { value: imm, len };
        let pp = if size == 1 { 0x66 } else { 0 };
        let op = 0xc6 | u8::from(size != 0);
        self.legacy(pp, 0, op, size == 3, 0, dst.into(), false, tail);
    }

    /// The shortest move of a 64-bit constant; leaves the flags alone.
    pub fn mov_imm(&mut self, dst: Reg, imm: u64) {
        let mut i = self.room();
        if let Ok(x) = u32::try_from(imm) {
            i.put_if(dst >= 8, 0x41);
            i.put(0xb8 | dst & 7);
            i.put32(x as i32);
        } else if let Ok(x) = i32::try_from(imm as i64) {
            i.put(0x48 | dst >> 3);
            i.put(0xc7);
            i.put_registers(0, dst);
            i.put32(x);
        } else {
            i.put(0x48 | dst >> 3);
            i.put(0xb8 | dst & 7);
            i.put32(imm as i32);
            i.put32((imm >> 32) as i32);
        }
        let len = i.len;
        self.pos += len;
    }

    /// Load of `1 << size` bytes, zero- or sign-extended to 32 (`w` false) or 64 bits.
    pub fn load(&mut self, w: bool, size: Size, signed: bool, dst: Reg, src: impl Into<Rm>) {
        let (map, op, w) = match (size, signed) {
            (0 | 1, false) => (1, 0xb6 | size, false),
            (0 | 1, true) => (1, 0xbe | size, w),
            (2, true) if w => (0, 0x63, true),
            _ => (0, 0x8b, size == 3),
        };
        self.legacy(0, map, op, w, dst, src.into(), size == 0, NO_TAIL);
    }

    /// `movbe dst, [src]`: 2, 4 or 8 bytes; 2 bytes leave the rest of `dst`.
    pub fn movbe_load(&mut self, size: Size, dst: Reg, src: Mem) {
        let pp = if size == 1 { 0x66 } else { 0 };
        self.legacy(pp, 2, 0xf0, size == 3, dst, src.into(), false, NO_TAIL);
    }

    /// `movbe [dst], src`: 2, 4 or 8 bytes.
    pub fn movbe_store(&mut self, size: Size, dst: Mem, src: Reg) {
        let pp = if size == 1 { 0x66 } else { 0 };
        self.legacy(pp, 2, 0xf1, size == 3, src, dst.into(), false, NO_TAIL);
    }

    /// `lea dst, [m]`
    pub fn lea(&mut self, w: bool, dst: Reg, m: Mem) {
        self.legacy(0, 0, 0x8d, w, dst, m.into(), false, NO_TAIL);
    }

    /// `op dst, src`
    pub fn alu(&mut self, op: Alu, w: bool, dst: Reg, src: impl Into<Rm>) {
        self.legacy(
            0,
            0,
            (op as u8) << 3 | 3,
            w,
            dst,
            src.into(),
            false,
            NO_TAIL,
        );
    }

    /// `op [dst], src` of `1 << size` bytes.
    pub fn alu_store(&mut self, op: Alu, size: Size, dst: Mem, src: Reg) {
        let pp = if size == 1 { 0x66 } else { 0 };
        let code = (op as u8) << 3 | u8::from(size != 0);
        self.legacy(pp, 0, code, size == 3, src, dst.into(), size == 0, NO_TAIL);
    }

    /// `op dst, imm`
    pub fn alu_imm(&mut self, op: Alu, w: bool, dst: impl Into<Rm>, imm: i32) {
        let dst = dst.into();
        if let Ok(b) = i8::try_from(imm) {
            self.legacy(0, 0, 0x83, w, op as u8, dst, false, imm8(b as u8));
        } else {
            self.legacy(0, 0, 0x81, w, op as u8, dst, false, imm32(imm));
        }
    }

    /// `test a, b`
    pub fn test(&mut self, w: bool, a: impl Into<Rm>, b: Reg) {
        self.legacy(0, 0, 0x85, w, b, a.into(), false, NO_TAIL);
    }

    /// `test a, imm`
    pub fn test_imm(&mut self, w: bool, a: impl Into<Rm>, imm: i32) {
        self.legacy(0, 0, 0xf7, w, 0, a.into(), false, imm32(imm));
    }

    /// `test byte a, imm`
    pub fn test_imm8(&mut self, a: impl Into<Rm>, imm: u8) {
        self.legacy(0, 0, 0xf6, false, 0, a.into(), true, imm8(imm));
    }

    /// `bt a, bit` on a register or a memory word.
    pub fn bt_imm(&mut self, w: bool, a: impl Into<Rm>, bit: u8) {
        self.legacy(0, 1, 0xba, w, 4, a.into(), false, imm8(bit));
    }

    /// `not`, `neg`, `imul`, `div`, `idiv`
    pub fn unary(&mut self, op: Unary, w: bool, a: impl Into<Rm>) {
        self.legacy(0, 0, 0xf7, w, op as u8, a.into(), false, NO_TAIL);
    }

    /// `imul dst, src`
    pub fn imul(&mut self, w: bool, dst: Reg, src: impl Into<Rm>) {
        self.legacy(0, 1, 0xaf, w, dst, src.into(), false, NO_TAIL);
    }

    /// `imul dst, src, imm`
    pub fn imul_imm(&mut self, w: bool, dst: Reg, src: impl Into<Rm>, imm: i32) {
        self.legacy(0, 0, 0x69, w, dst, src.into(), false, imm32(imm));
    }

    /// Sign of RAX into RDX (`cdq`, `cqo`).
    pub fn sign_to_rdx(&mut self, w: bool) {
        if w {
            self.fixed([0x48, 0x99]);
        } else {
            self.fixed([0x99]);
        }
    }

    /// Shift or rotate by a constant.
    pub fn shift_imm(&mut self, op: Shift, w: bool, a: impl Into<Rm>, n: u8) {
        self.legacy(0, 0, 0xc1, w, op as u8, a.into(), false, imm8(n));
    }

    /// Shift or rotate of 16 bits by a constant.
    pub fn shift_imm16(&mut self, op: Shift, a: impl Into<Rm>, n: u8) {
        self.legacy(0x66, 0, 0xc1, false, op as u8, a.into(), false, imm8(n));
    }

    /// Shift or rotate by CL.
    pub fn shift_cl(&mut self, op: Shift, w: bool, a: impl Into<Rm>) {
        self.legacy(0, 0, 0xd3, w, op as u8, a.into(), false, NO_TAIL);
    }

    /// `shrd a, b, n`
    pub fn shrd(&mut self, w: bool, a: Reg, b: Reg, n: u8) {
        self.legacy(0, 1, 0xac, w, b, a.into(), false, imm8(n));
    }

    /// `shlx`, `shrx`, `sarx` (BMI2): flags stay.
    pub fn shiftx(&mut self, op: Shift, w: bool, dst: Reg, src: impl Into<Rm>, amount: Reg) {
        let pp = match op {
            Shift::Shl => 1,
            Shift::Sar => 2,
            _ => 3,
        };
        self.vex(pp, 2, 0xf7, w, dst, amount, src.into(), NO_TAIL);
    }

    /// `rorx dst, src, n` (BMI2): flags stay.
    pub fn rorx(&mut self, w: bool, dst: Reg, src: impl Into<Rm>, n: u8) {
        self.vex(3, 3, 0xf0, w, dst, 0, src.into(), imm8(n));
    }

    /// `andn dst, a, b`: `!a & b` (BMI1).
    pub fn andn(&mut self, w: bool, dst: Reg, a: Reg, b: impl Into<Rm>) {
        self.vex(0, 2, 0xf2, w, dst, a, b.into(), NO_TAIL);
    }

    /// `mulx high, low, src`: RDX times `src` (BMI2).
    pub fn mulx(&mut self, w: bool, high: Reg, low: Reg, src: impl Into<Rm>) {
        self.vex(3, 2, 0xf6, w, high, low, src.into(), NO_TAIL);
    }

    /// `pext dst, src, mask` (BMI2).
    pub fn pext(&mut self, w: bool, dst: Reg, src: Reg, mask: impl Into<Rm>) {
        self.vex(2, 2, 0xf5, w, dst, src, mask.into(), NO_TAIL);
    }

    /// `pdep dst, src, mask` (BMI2).
    pub fn pdep(&mut self, w: bool, dst: Reg, src: Reg, mask: impl Into<Rm>) {
        self.vex(3, 2, 0xf5, w, dst, src, mask.into(), NO_TAIL);
    }

    /// `lzcnt dst, src`
    pub fn lzcnt(&mut self, w: bool, dst: Reg, src: impl Into<Rm>) {
        self.legacy(0xf3, 1, 0xbd, w, dst, src.into(), false, NO_TAIL);
    }

    /// `tzcnt dst, src`
    pub fn tzcnt(&mut self, w: bool, dst: Reg, src: impl Into<Rm>) {
        self.legacy(0xf3, 1, 0xbc, w, dst, src.into(), false, NO_TAIL);
    }

    /// `bswap a`
    pub fn bswap(&mut self, w: bool, a: Reg) {
        let rex = u8::from(w) << 3 | a >> 3;
        let mut i = self.room();
        i.put_if(rex != 0, 0x40 | rex);
        i.put(0x0f);
        i.put(0xc8 | a & 7);
        let len = i.len;
        self.pos += len;
    }

    /// `crc32 dst, src` of `1 << size` bytes (Castagnoli).
    pub fn crc32c(&mut self, size: Size, dst: Reg, src: Reg) {
        match size {
            // 66 and F2 together: the operand-size prefix comes first.
            0 => self.legacy(0xf2, 2, 0xf0, false, dst, src.into(), true, NO_TAIL),
            1 => {
                self.fixed([0x66]);
                self.legacy(0xf2, 2, 0xf1, false, dst, src.into(), false, NO_TAIL);
            }
            _ => self.legacy(0xf2, 2, 0xf1, size == 3, dst, src.into(), false, NO_TAIL),
        }
    }

    /// `setcc a` (low byte).
    pub fn setcc(&mut self, cc: Cc, a: Reg) {
        self.legacy(0, 1, 0x90 | cc as u8, false, 0, a.into(), true, NO_TAIL);
    }

    /// `cmovcc dst, src`
    pub fn cmov(&mut self, cc: Cc, w: bool, dst: Reg, src: impl Into<Rm>) {
        self.legacy(0, 1, 0x40 | cc as u8, w, dst, src.into(), false, NO_TAIL);
    }

    /// `lock xadd [m], r`
    pub fn lock_xadd(&mut self, size: Size, m: Mem, r: Reg) {
        self.fixed([0xf0]);
        let pp = if size == 1 { 0x66 } else { 0 };
        let op = 0xc0 | u8::from(size != 0);
        self.legacy(pp, 1, op, size == 3, r, m.into(), size == 0, NO_TAIL);
    }

    /// `xchg [m], r`
    pub fn xchg(&mut self, size: Size, m: Mem, r: Reg) {
        let pp = if size == 1 { 0x66 } else { 0 };
        let op = 0x86 | u8::from(size != 0);
        self.legacy(pp, 0, op, size == 3, r, m.into(), size == 0, NO_TAIL);
    }

    /// `lock cmpxchg [m], r`: compares with RAX.
    pub fn lock_cmpxchg(&mut self, size: Size, m: Mem, r: Reg) {
        self.fixed([0xf0]);
        let pp = if size == 1 { 0x66 } else { 0 };
        let op = 0xb0 | u8::from(size != 0);
        self.legacy(pp, 1, op, size == 3, r, m.into(), size == 0, NO_TAIL);
    }

    /// `lock cmpxchg16b [m]`: compares with RDX:RAX, stores RCX:RBX.
    pub fn lock_cmpxchg16b(&mut self, m: Mem) {
        self.fixed([0xf0]);
        self.legacy(0, 1, 0xc7, true, 1, m.into(), false, NO_TAIL);
    }

    /// `lock or dword [m], imm8`
    pub fn lock_or(&mut self, m: Mem, imm: i8) {
        self.fixed([0xf0]);
        self.legacy(0, 0, 0x83, false, 1, m.into(), false, imm8(imm as u8));
    }

    /// `add al, imm`
    pub fn add_al(&mut self, imm: u8) {
        self.fixed([0x04, imm]);
    }

    /// `lahf`: SF, ZF, AF, PF, CF into AH.
    #[cfg(test)]
    pub fn lahf(&mut self) {
        self.fixed([0x9f]);
    }

    /// `lahf`, `seto al` and `mov [m], ax`, all at once: most side exits have it. `m` has a base, neither RSP nor R12, and a
    /// displacement of 32 bits.
    pub fn store_flags(&mut self, m: Mem) {
        debug_assert!(m.index == NO_REG && m.base != NO_REG && m.base & 7 != 4);
        debug_assert!(!m.gs && !m.addr32 && i8::try_from(m.disp).is_err());
        let [d0, d1, d2, d3] = m.disp.to_le_bytes();
        let (rex, modrm) = (0x40 | m.base >> 3, 0x80 | m.base & 7);
        let (lahf, seto) = (0x9f, [0x0f, 0x90, 0xc0]);
        self.fixed([
            lahf, seto[0], seto[1], seto[2], 0x66, rex, 0x89, modrm, d0, d1, d2, d3,
        ]);
    }

    /// `call` to a host address within 2 GiB, with two words of data after it.
    pub fn call_with_data(&mut self, target: u64, data: [u64; 2]) {
        let rel = target.wrapping_sub(self.here() + 5) as i64;
        debug_assert!(i32::try_from(rel).is_ok(), "jump out of range");
        let mut i = self.room();
        i.put(0xe8);
        i.put32(rel as i32);
        i.out[5..13].copy_from_slice(&data[0].to_le_bytes());
        i.out[13..21].copy_from_slice(&data[1].to_le_bytes());
        self.pos += 21;
    }

    /// `sahf`
    pub fn sahf(&mut self) {
        self.fixed([0x9e]);
    }

    /// `cmc`
    pub fn cmc(&mut self) {
        self.fixed([0xf5]);
    }

    /// `push r`
    pub fn push(&mut self, r: Reg) {
        if r >= 8 {
            self.fixed([0x41]);
        }
        self.fixed([0x50 | r & 7]);
    }

    /// `pop r`
    pub fn pop(&mut self, r: Reg) {
        if r >= 8 {
            self.fixed([0x41]);
        }
        self.fixed([0x58 | r & 7]);
    }

    /// `ret`
    pub fn ret(&mut self) {
        self.fixed([0xc3]);
    }

    /// `jmp rm`
    pub fn jmp_rm(&mut self, rm: impl Into<Rm>) {
        self.legacy(0, 0, 0xff, false, 4, rm.into(), false, NO_TAIL);
    }

    /// `call rm`
    pub fn call_rm(&mut self, rm: impl Into<Rm>) {
        self.legacy(0, 0, 0xff, false, 2, rm.into(), false, NO_TAIL);
    }

    /// `jmp rel32`, to be bound; returns the position of the field.
    pub fn jmp32(&mut self) -> usize {
        self.fixed([0xe9, 0, 0, 0, 0]);
        self.pos - 4
    }

    /// `jcc rel32`, to be bound; returns the position of the field.
    pub fn jcc32(&mut self, cc: Cc) -> usize {
        self.fixed([0x0f, 0x80 | cc as u8, 0, 0, 0, 0]);
        self.pos - 4
    }

    /// `jmp` to a host address within 2 GiB.
    pub fn jmp_to(&mut self, target: u64) {
        let at = self.jmp32();
        self.aim(at, target);
    }

    /// `call` to a host address within 2 GiB.
    pub fn call_to(&mut self, target: u64) {
        self.fixed([0xe8, 0, 0, 0, 0]);
        self.aim(self.pos - 4, target);
    }

    fn aim(&mut self, at: usize, target: u64) {
        let rel = target.wrapping_sub(self.base + at as u64 + 4) as i64;
        debug_assert!(i32::try_from(rel).is_ok(), "jump out of range");
        self.patch32(at, rel as i32);
    }

    /// `jcc rel8` forward.
    pub fn jcc8(&mut self, cc: Cc) -> Short {
        self.fixed([0x70 | cc as u8, 0]);
        Short(self.pos - 1)
    }

    /// `jmp rel8` forward.
    pub fn jmp8(&mut self) -> Short {
        self.fixed([0xeb, 0]);
        Short(self.pos - 1)
    }

    /// `jcc rel8` back to an earlier position.
    pub fn jcc8_back(&mut self, cc: Cc, to: usize) {
        let rel = to as i64 - (self.pos as i64 + 2);
        debug_assert!((-128..0).contains(&rel));
        self.fixed([0x70 | cc as u8, rel as u8]);
    }

    /// `jmp rel32` back to an earlier position.
    pub fn jmp_back(&mut self, to: usize) {
        let rel = to as i32 - (self.pos as i32 + 5);
        self.bytes(&[0xe9]);
        self.bytes(&rel.to_le_bytes());
    }

    /// `stmxcsr [m]`
    pub fn stmxcsr(&mut self, m: Mem) {
        self.legacy(0, 1, 0xae, false, 3, m.into(), false, NO_TAIL);
    }

    /// `ldmxcsr [m]`
    pub fn ldmxcsr(&mut self, m: Mem) {
        self.legacy(0, 1, 0xae, false, 2, m.into(), false, NO_TAIL);
    }

    /// `sub rsp, n` or with a negative `n` `add`.
    pub fn grow_stack(&mut self, n: i32) {
        self.alu_imm(Alu::Sub, true, gpr::RSP, n);
    }
}
