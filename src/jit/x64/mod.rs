//! A small x86-64 assembler: one method for each instruction form that the JIT uses.
//!
//! It writes into a growing buffer whose future host address is known, so that relative operands are final when written.
//! Encodings: Intel SDM volume 2 (2.1 legacy, 2.3 VEX). Each form is tested against an independent decoder.

mod int;
#[cfg(test)]
mod tests;
mod vec;

pub use int::{Alu, Shift, Unary};
pub use vec::{Sha, VexOp, v};

/// Number of a general register (0 to 15) or of an XMM register (0 to 15), as instructions encode it.
pub type Reg = u8;

/// General registers by name.
#[allow(missing_docs)]
pub mod gpr {
    use super::Reg;
    pub const RAX: Reg = 0;
    pub const RCX: Reg = 1;
    pub const RDX: Reg = 2;
    pub const RBX: Reg = 3;
    pub const RSP: Reg = 4;
    pub const RBP: Reg = 5;
    pub const RSI: Reg = 6;
    pub const RDI: Reg = 7;
    pub const R8: Reg = 8;
    pub const R9: Reg = 9;
    pub const R10: Reg = 10;
    pub const R11: Reg = 11;
    pub const R12: Reg = 12;
    pub const R13: Reg = 13;
    pub const R14: Reg = 14;
    pub const R15: Reg = 15;
}

/// No base or index register. Bit 3 is clear, as the encodings want it then.
pub const NO_REG: Reg = 0x10;

/// Condition codes as `jcc`, `setcc` and `cmovcc` encode them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Cc {
    O,
    No,
    B,
    Ae,
    E,
    Ne,
    Be,
    A,
    S,
    Ns,
    P,
    Np,
    L,
    Ge,
    Le,
    G,
}

impl Cc {
    /// The opposite condition.
    pub fn invert(self) -> Cc {
        use Cc::*;
        [No, O, Ae, B, Ne, E, A, Be, Ns, S, Np, P, Ge, L, G, Le][self as usize]
    }
}

/// A memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// Base register or [`NO_REG`].
    pub base: Reg,
    /// Index register or [`NO_REG`]; never RSP.
    pub index: Reg,
    /// Log2 of the index's factor.
    pub scale: u8,
    /// Relative to the `gs` base.
    pub gs: bool,
    /// 32-bit address arithmetic (67h prefix).
    pub addr32: bool,
    /// `disp` is an offset from the start of the buffer's host address: encoded relative to RIP.
    pub relative: bool,
    /// Displacement in bytes.
    pub disp: i32,
}

impl Mem {
    /// `[base + disp]`
    pub const fn base(base: Reg, disp: i32) -> Mem {
        Mem {
            base,
            index: NO_REG,
            scale: 0,
            gs: false,
            addr32: false,
            relative: false,
            disp,
        }
    }

    /// `[base + (index << scale) + disp]`
    pub const fn indexed(base: Reg, index: Reg, scale: u8, disp: i32) -> Mem {
        Mem {
            index,
            scale,
            ..Mem::base(base, disp)
        }
    }

    /// `[rip + ...]`: `offset` bytes from the start of the buffer.
    pub const fn relative(offset: i32) -> Mem {
        Mem {
            relative: true,
            ..Mem::base(NO_REG, offset)
        }
    }
}

/// A register or memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// Register.
    R(Reg),
    /// Memory.
    M(Mem),
}

impl From<Reg> for Rm {
    fn from(r: Reg) -> Rm {
        Rm::R(r)
    }
}

impl From<Mem> for Rm {
    fn from(m: Mem) -> Rm {
        Rm::M(m)
    }
}

/// Room that is made for one instruction: the longest has 15 bytes, and a field of 4 bytes may be written at any of them.
const ROOM: usize = 32;

/// One instruction being written.
struct Insn<'a> {
    out: &'a mut [u8; ROOM],
    len: usize,
}

impl Insn<'_> {
    #[inline(always)]
    fn put(&mut self, b: u8) {
        self.out[self.len & 15] = b;
        self.len += 1;
    }

    /// Writes a byte that counts only if `wanted`.
    #[inline(always)]
    fn put_if(&mut self, wanted: bool, b: u8) {
        self.out[self.len & 15] = b;
        self.len += usize::from(wanted);
    }

    #[inline(always)]
    fn put32(&mut self, x: i32) {
        let at = self.len & 15;
        self.out[at..at + 4].copy_from_slice(&x.to_le_bytes());
        self.len += 4;
    }

    #[inline(always)]
    fn put_tail(&mut self, tail: Tail) {
        let at = self.len & 15;
        self.out[at..at + 4].copy_from_slice(&tail.value.to_le_bytes());
        self.len += tail.len as usize;
    }

    /// Escape bytes of the opcode map, and the opcode.
    #[inline(always)]
    fn put_opcode(&mut self, map: u8, op: u8) {
        if map != 0 {
            self.put(0x0f);
            self.put_if(map >= 2, if map == 2 { 0x38 } else { 0x3a });
        }
        self.put(op);
    }

    /// ModRM with a register operand.
    #[inline(always)]
    fn put_registers(&mut self, reg: Reg, r: Reg) {
        self.put(0xc0 | (reg & 7) << 3 | r & 7);
    }

    /// ModRM, SIB and displacement. `at` is the instruction's offset in the buffer, `tail` the bytes that follow.
    #[inline(always)]
    fn put_memory(&mut self, reg: Reg, m: Mem, at: usize, tail: usize) {
        let reg = (reg & 7) << 3;
        if m.base == NO_REG {
            if m.relative {
                self.put(reg | 5);
                let end = at + self.len + 4 + tail;
                self.put32(m.disp.wrapping_sub(end as i32));
            } else {
                let index = if m.index == NO_REG { 4 } else { m.index & 7 };
                self.put(reg | 4);
                self.put(m.scale << 6 | index << 3 | 5);
                self.put32(m.disp);
            }
            return;
        }
        let base = m.base & 7;
        // RBP and R13 as base have no form without displacement.
        let (mode, len) = if m.disp == 0 && base != 5 {
            (0, 0)
        } else if i8::try_from(m.disp).is_ok() {
            (0x40, 1)
        } else {
            (0x80, 4)
        };
        if m.index == NO_REG && base != 4 {
            self.put(mode | reg | base);
        } else {
            let index = if m.index == NO_REG { 4 } else { m.index & 7 };
            self.put(mode | reg | 4);
            self.put(m.scale << 6 | index << 3 | base);
        }
        self.put32(m.disp);
        self.len -= 4 - len;
    }

    /// Prefixes of a memory operand.
    #[inline(always)]
    fn put_prefixes(&mut self, m: Mem) {
        if m.gs {
            self.put(0x65);
        }
        if m.addr32 {
            self.put(0x67);
        }
    }
}

/// The immediate after an instruction's operands: the low `len` bytes of `value`.
#[derive(Clone, Copy)]
struct Tail {
    value: i32,
    len: u8,
}

const NO_TAIL: Tail = Tail { value: 0, len: 0 };

/// An immediate of one byte.
const fn imm8(value: u8) -> Tail {
    Tail {
        value: value as i32,
        len: 1,
    }
}

/// An immediate of four bytes.
const fn imm32(value: i32) -> Tail {
    Tail { value, len: 4 }
}

/// Bits 3 of a memory operand's base (bit 0) and index (bit 1), as a REX prefix has them.
#[inline(always)]
fn high_bits(m: Mem) -> u8 {
    m.base >> 3 & 1 | (m.index >> 3 & 1) << 1
}

/// A forward jump with an 8-bit displacement, to be bound.
#[must_use]
pub struct Short(usize);

/// The assembler.
#[derive(Default)]
pub struct Asm {
    buf: Vec<u8>,
    pos: usize,
    base: u64,
}

impl Asm {
    /// Starts anew for code that will be at host address `base`.
    pub fn start(&mut self, base: u64) {
        self.pos = 0;
        self.base = base;
    }

    /// What has been written.
    pub fn code(&self) -> &[u8] {
        &self.buf[..self.pos]
    }

    /// Bytes written so far.
    #[inline]
    pub fn pos(&self) -> usize {
        self.pos
    }

    /// Host address that the next byte will have.
    pub fn here(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Room for one instruction at the current position.
    #[inline(always)]
    fn room(&mut self) -> Insn<'_> {
        if self.pos + ROOM > self.buf.len() {
            self.grow(ROOM);
        }
        match self.buf[self.pos..].first_chunk_mut() {
            Some(out) => Insn { out, len: 0 },
            None => unreachable!("the buffer has just been made long enough"),
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let len = (self.buf.len() * 2).max(self.pos + more).max(16384);
        self.buf.resize(len, 0);
    }

    /// A few raw bytes.
    #[inline(always)]
    pub fn fixed<const N: usize>(&mut self, data: [u8; N]) {
        const { assert!(N <= ROOM) };
        let i = self.room();
        i.out[..N].copy_from_slice(&data);
        self.pos += N;
    }

    /// Raw bytes.
    pub fn bytes(&mut self, data: &[u8]) {
        if self.pos + data.len() > self.buf.len() {
            self.grow(data.len());
        }
        self.buf[self.pos..self.pos + data.len()].copy_from_slice(data);
        self.pos += data.len();
    }

    /// Fills with single-byte breakpoints up to a multiple of `to` (data or never-executed padding).
    pub fn align_data(&mut self, to: usize) {
        while !self.pos.is_multiple_of(to) {
            self.bytes(&[0xcc]);
        }
    }

    /// Writes `n` bytes (0 to 7) of no-operation.
    pub fn nop(&mut self, n: usize) {
        // Intel SDM volume 2, NOP: recommended multi-byte sequences.
        const NOPS: [&[u8]; 8] = [
            &[],
            &[0x90],
            &[0x66, 0x90],
            &[0x0f, 0x1f, 0x00],
            &[0x0f, 0x1f, 0x40, 0x00],
            &[0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
        ];
        self.bytes(NOPS[n]);
    }

    /// Pads so that a 32-bit field `after` bytes from here lies inside one aligned 8-byte word: then it can be patched by one
    /// store that is atomic on every x86-64 (Intel SDM volume 3A, 9.1.1; AMD volume 2, 7.3.2).
    pub fn align_field(&mut self, after: usize) {
        let at = (self.here() as usize + after) & 7;
        if at > 4 {
            self.nop(8 - at);
        }
    }

    /// Overwrites a 32-bit field.
    pub fn patch32(&mut self, at: usize, value: i32) {
        self.buf[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Lets the 32-bit relative field at `at` point to the current position.
    pub fn bind32(&mut self, at: usize) {
        let value = self.pos as i32 - (at as i32 + 4);
        self.patch32(at, value);
    }

    /// Lets a short jump end here. The jump must be at most 127 bytes away.
    pub fn bind(&mut self, jump: Short) {
        let distance = self.pos - (jump.0 + 1);
        debug_assert!(distance <= 127, "short jump over {distance} bytes");
        self.buf[jump.0] = distance as u8;
    }

    /// Legacy encoding. `pp`: mandatory prefix or 0; `map`: 0 none, 1 0F, 2 0F38, 3 0F3A; `byte` forces a REX prefix where SPL..DIL
    /// are meant; `tail`: immediate after the operand.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn legacy(
        &mut self,
        pp: u8,
        map: u8,
        op: u8,
        w: bool,
        reg: Reg,
        rm: Rm,
        byte: bool,
        tail: Tail,
    ) {
        match rm {
            Rm::R(r) => {
                let rex = u8::from(w) << 3 | reg >> 3 << 2 | r >> 3;
                let force = byte && ((4..8).contains(&reg) || (4..8).contains(&r));
                let mut i = self.room();
                if pp != 0 {
                    i.put(pp);
                }
                i.put_if(rex != 0 || force, 0x40 | rex);
                i.put_opcode(map, op);
                i.put_registers(reg, r);
                i.put_tail(tail);
                let len = i.len;
                self.pos += len;
            }
            Rm::M(m) => {
                let code = Opcode { pp, map, op };
                let force = byte && (4..8).contains(&reg);
                self.legacy_memory(code, u8::from(w) << 3 | u8::from(force) << 6, reg, m, tail);
            }
        }
    }

    /// [`Asm::legacy`] with a memory operand; `rex` has W, and bit 6 if there must be a REX prefix.
    #[inline(never)]
    fn legacy_memory(&mut self, code: Opcode, rex: u8, reg: Reg, m: Mem, tail: Tail) {
        let rex = rex | reg >> 3 << 2 | high_bits(m);
        let pos = self.pos;
        let mut i = self.room();
        i.put_prefixes(m);
        if code.pp != 0 {
            i.put(code.pp);
        }
        i.put_if(rex != 0, 0x40 | rex);
        i.put_opcode(code.map, code.op);
        i.put_memory(reg, m, pos, tail.len.into());
        i.put_tail(tail);
        let len = i.len;
        self.pos += len;
    }

    /// VEX encoding. `pp`: 0 none, 1 66, 2 F3, 3 F2; `map`: 1 0F, 2 0F38, 3 0F3A.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn vex(&mut self, pp: u8, map: u8, op: u8, w: bool, reg: Reg, vvvv: Reg, rm: Rm, tail: Tail) {
        let code = Opcode { pp, map, op };
        self.vex_out_of_line(code, w, reg, vvvv, rm, tail);
    }

    #[inline(never)]
    fn vex_out_of_line(&mut self, code: Opcode, w: bool, reg: Reg, vvvv: Reg, rm: Rm, tail: Tail) {
        let pos = self.pos;
        let mut i = self.room();
        let high = match rm {
            Rm::R(r) => r >> 3,
            Rm::M(m) => {
                i.put_prefixes(m);
                high_bits(m)
            }
        };
        let r = reg >> 3;
        let last = (!vvvv & 15) << 3 | code.pp;
        if high == 0 && code.map == 1 && !w {
            i.put(0xc5);
            i.put((r ^ 1) << 7 | last);
        } else {
            i.put(0xc4);
            i.put((r ^ 1) << 7 | (high ^ 3) << 5 | code.map);
            i.put(u8::from(w) << 7 | last);
        }
        i.put(code.op);
        match rm {
            Rm::R(r) => i.put_registers(reg, r),
            Rm::M(m) => i.put_memory(reg, m, pos, tail.len.into()),
        }
        i.put_tail(tail);
        let len = i.len;
        self.pos += len;
    }
}

/// An opcode: see [`Asm::legacy`] and [`Asm::vex`].
#[derive(Clone, Copy)]
struct Opcode {
    pp: u8,
    map: u8,
    op: u8,
}
