//! A small x86-64 assembler: one method for each instruction form that the JIT uses.
//!
//! It writes into a growing buffer whose future host address is known, so that relative operands are final when written.
//! Encodings: Intel SDM volume 2 (2.1 legacy, 2.3 VEX). Each form is tested against an independent decoder.

mod int;
#[cfg(test)]
mod tests;
mod vec;

pub use int::{Alu, Shift, Unary};
pub use vec::{VexOp, v};

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

/// No base or index register.
pub const NO_REG: Reg = 0xff;

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

/// Longest instruction, rounded up to what one copy moves.
const MAX_INSN: usize = 16;

/// One instruction being put together.
struct Insn {
    bytes: [u8; 32],
    len: usize,
}

impl Insn {
    #[inline(always)]
    fn new() -> Insn {
        Insn {
            bytes: [0; 32],
            len: 0,
        }
    }

    #[inline(always)]
    fn put(&mut self, b: u8) {
        self.bytes[self.len & 31] = b;
        self.len += 1;
    }

    #[inline(always)]
    fn put32(&mut self, x: i32) {
        for b in x.to_le_bytes() {
            self.put(b);
        }
    }
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

    #[inline(always)]
    fn put(&mut self, insn: &Insn) {
        if self.pos + MAX_INSN > self.buf.len() {
            self.grow(MAX_INSN);
        }
        self.buf[self.pos..self.pos + MAX_INSN].copy_from_slice(&insn.bytes[..MAX_INSN]);
        self.pos += insn.len;
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let len = (self.buf.len() * 2).max(self.pos + more).max(16384);
        self.buf.resize(len, 0);
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
    /// are meant; `tail`: bytes of immediate after the operand.
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
        tail: &[u8],
    ) {
        let mut i = Insn::new();
        let mut rex = (u8::from(w) << 3) | (reg >> 3 << 2);
        let mut force = byte && (4..8).contains(&reg);
        match rm {
            Rm::R(r) => {
                rex |= r >> 3;
                force |= byte && (4..8).contains(&r);
            }
            Rm::M(m) => {
                if m.gs {
                    i.put(0x65);
                }
                if m.addr32 {
                    i.put(0x67);
                }
                if m.base != NO_REG {
                    rex |= m.base >> 3;
                }
                if m.index != NO_REG {
                    rex |= m.index >> 3 << 1;
                }
            }
        }
        if pp != 0 {
            i.put(pp);
        }
        if rex != 0 || force {
            i.put(0x40 | rex);
        }
        match map {
            0 => {}
            1 => i.put(0x0f),
            2 => {
                i.put(0x0f);
                i.put(0x38);
            }
            _ => {
                i.put(0x0f);
                i.put(0x3a);
            }
        }
        i.put(op);
        self.operands(&mut i, reg, rm, tail);
    }

    /// VEX encoding. `pp`: 0 none, 1 66, 2 F3, 3 F2; `map`: 1 0F, 2 0F38, 3 0F3A; `l`: 256 bits.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn vex(&mut self, pp: u8, map: u8, op: u8, w: bool, reg: Reg, vvvv: Reg, rm: Rm, tail: &[u8]) {
        let mut i = Insn::new();
        let (mut x, mut b) = (0, 0);
        match rm {
            Rm::R(r) => b = r >> 3,
            Rm::M(m) => {
                if m.gs {
                    i.put(0x65);
                }
                if m.addr32 {
                    i.put(0x67);
                }
                if m.base != NO_REG {
                    b = m.base >> 3;
                }
                if m.index != NO_REG {
                    x = m.index >> 3;
                }
            }
        }
        let r = reg >> 3;
        let last = (!vvvv & 15) << 3 | pp;
        if x == 0 && b == 0 && map == 1 && !w {
            i.put(0xc5);
            i.put((r ^ 1) << 7 | last);
        } else {
            i.put(0xc4);
            i.put((r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | map);
            i.put(u8::from(w) << 7 | last);
        }
        i.put(op);
        self.operands(&mut i, reg, rm, tail);
    }

    /// ModRM, SIB, displacement, immediate; then the instruction is complete.
    #[inline(always)]
    fn operands(&mut self, i: &mut Insn, reg: Reg, rm: Rm, tail: &[u8]) {
        let reg = (reg & 7) << 3;
        match rm {
            Rm::R(r) => i.put(0xc0 | reg | r & 7),
            Rm::M(m) if m.relative => {
                i.put(reg | 5);
                let end = self.pos + i.len + 4 + tail.len();
                i.put32(m.disp.wrapping_sub(end as i32));
            }
            Rm::M(m) if m.base == NO_REG => {
                let index = if m.index == NO_REG { 4 } else { m.index & 7 };
                i.put(reg | 4);
                i.put(m.scale << 6 | index << 3 | 5);
                i.put32(m.disp);
            }
            Rm::M(m) => {
                // RBP and R13 as base have no form without displacement.
                let mode = if m.disp == 0 && m.base & 7 != 5 {
                    0
                } else if i8::try_from(m.disp).is_ok() {
                    0x40
                } else {
                    0x80
                };
                if m.index != NO_REG || m.base & 7 == 4 {
                    let index = if m.index == NO_REG { 4 } else { m.index & 7 };
                    i.put(mode | reg | 4);
                    i.put(m.scale << 6 | index << 3 | m.base & 7);
                } else {
                    i.put(mode | reg | m.base & 7);
                }
                match mode {
                    0x40 => i.put(m.disp as u8),
                    0x80 => i.put32(m.disp),
                    _ => {}
                }
            }
        }
        for b in tail {
            i.put(*b);
        }
        self.put(i);
    }
}
