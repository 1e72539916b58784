//! AES, SHA-1, SHA-256 and CRC-32 with the host's instructions. The vectors of SHA have their words in the order of memory for
//! Arm and partly in the opposite one for x86.

use super::fp::all_scratch;
use super::vec::v;
use super::{Emitter, Result};
use crate::ir::{Block, Op, OpCode, Ty};
use crate::jit::regs::{XMM, frame};
use crate::jit::x64::gpr::RSP;
use crate::jit::x64::{Alu, Mem, Reg, Sha, Shift};

/// `pshufd` control that turns four words around.
const TURNED: u8 = 0x1b;

/// XMM0 waits here while an instruction that wants it has it.
const XMM0_SAVE: Mem = Mem::base(RSP, frame::XMM_SAVE);

/// The polynomial of CRC-32 (IEEE 802.3), bit-reversed and without its x^32.
const CRC32: u64 = 0xedb8_8320;

/// The quotient of x^96 by the polynomial, without its x^64, bit-reversed: x^63 is in bit 0.
const fn crc32_quotient() -> u64 {
    let divisor = 1 << 32 | (CRC32 as u32).reverse_bits() as u128;
    let (mut rest, mut quotient) = (1u128 << 96, 0u128);
    let mut bit = 64;
    loop {
        if rest >> (bit + 32) & 1 != 0 {
            rest ^= divisor << bit;
            quotient |= 1 << bit;
        }
        if bit == 0 {
            return (quotient as u64).reverse_bits();
        }
        bit -= 1;
    }
}

impl Emitter {
    pub(super) fn aes(&mut self, b: &Block, op: &Op) -> Result {
        let x = self.xmm(b, op.a)?;
        if op.code == OpCode::AesUnmix {
            self.kill(op);
            let d = self.def_xmm()?;
            self.asm.v2(v::AESIMC, d, x);
            return Ok(());
        }
        // A round with a key of zero is the transformation without key addition.
        let z = self.alloc_xmm()?;
        self.asm.v3(v::PXOR, z, z, z);
        self.kill(op);
        let d = self.def_xmm()?;
        match op.code {
            OpCode::AesEnc => self.asm.v3(v::AESENCLAST, d, x, z),
            OpCode::AesDec => self.asm.v3(v::AESDECLAST, d, x, z),
            _ => {
                // A decryption round undoes what the encryption round does before it mixes.
                self.asm.v3(v::AESDECLAST, d, x, z);
                self.asm.v3(v::AESENC, d, d, z);
            }
        }
        self.free_temp(z + XMM);
        Ok(())
    }

    /// The rounds and schedules; the host has the instructions.
    pub(super) fn sha(&mut self, b: &Block, op: &Op) -> Result {
        match op.code {
            OpCode::Sha1Rounds => self.sha1_rounds(b, op),
            OpCode::Sha1Schedule => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                let (t, u) = (self.alloc_xmm()?, self.alloc_xmm()?);
                self.asm.v3i(v::PSHUFD, t, 0, x, TURNED);
                self.asm.v3i(v::PSHUFD, u, 0, y, TURNED);
                self.asm.sha(Sha::Msg2Of1, t, u);
                let d = self.define_last(op, t, u)?;
                self.asm.v3i(v::PSHUFD, d, 0, t, TURNED);
                Ok(())
            }
            OpCode::Sha256Rounds => self.sha256_rounds(b, op),
            OpCode::Sha256ScheduleStart => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                let d = self.def_xmm_early()?;
                self.asm.vmov(d, x);
                self.asm.sha(Sha::Msg1Of256, d, y);
                self.kill(op);
                Ok(())
            }
            _ => {
                let (x, y, z) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?, self.xmm(b, op.c)?);
                let d = self.def_xmm_early()?;
                // The words 7 before.
                self.asm.v3i(v::PALIGNR, d, z, y, 4);
                self.asm.v3(v::PADD[2], d, d, x);
                self.asm.sha(Sha::Msg2Of256, d, z);
                self.kill(op);
                Ok(())
            }
        }
    }

    /// A register for the value when the operands have been read, and two temporaries hold all that is needed: may be one of them.
    fn define_last(&mut self, op: &Op, t: Reg, u: Reg) -> Result<Reg> {
        self.free_temp(t + XMM);
        self.free_temp(u + XMM);
        self.kill(op);
        self.def_xmm()
    }

    fn sha1_rounds(&mut self, b: &Block, op: &Op) -> Result {
        // The host adds the round constant itself, so it is taken off.
        const ROUND: [u32; 3] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc];
        let part = op.aux2.min(2);
        let k = u128::from(ROUND[part as usize]);
        let k = k | k << 32 | k << 64 | k << 96;
        let (x, y, z) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?, self.xmm(b, op.c)?);
        let (false, Some(k)) = (all_scratch(x, y, z), self.pooled(k)) else {
            return self.soft_keeping_flags(b, op);
        };
        let (t, u) = (self.alloc_xmm()?, self.alloc_xmm()?);
        // E alone, which the host takes as part of the first word.
        self.asm.v3i(v::INSERTPS, u, y, y, 0x0e);
        self.asm.v3(v::PADD[2], u, u, z);
        self.asm.v3(v::PSUB[2], u, u, k);
        self.asm.v3i(v::PSHUFD, u, 0, u, TURNED);
        self.asm.v3i(v::PSHUFD, t, 0, x, TURNED);
        self.asm.sha1rnds4(t, u, part as u8);
        let d = self.define_last(op, t, u)?;
        self.asm.v3i(v::PSHUFD, d, 0, t, TURNED);
        Ok(())
    }

    fn sha256_rounds(&mut self, b: &Block, op: &Op) -> Result {
        let (x, y, z) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?, self.xmm(b, op.c)?);
        if all_scratch(x, y, z) {
            return self.soft_keeping_flags(b, op);
        }
        let (t, u) = (self.alloc_xmm()?, self.alloc_xmm()?);
        // F, E, B, A and H, G, D, C.
        self.asm.v3i(v::SHUFPS, t, y, x, 0x11);
        self.asm.v3i(v::SHUFPS, u, y, x, 0xbb);
        // XMM0 is a pin; the instruction takes its two words of the schedule from there.
        self.asm.vstore(4, XMM0_SAVE, 0);
        self.asm.vmov(0, z);
        self.asm.sha(Sha::Rounds2Of256, u, t);
        self.asm.v3i(v::PSHUFD, 0, 0, 0, 0x0e);
        self.asm.sha(Sha::Rounds2Of256, t, u);
        self.asm.vload(0, XMM0_SAVE);
        let d = self.define_last(op, t, u)?;
        let control = if op.aux2 == 1 { 0x11 } else { 0xbb };
        self.asm.v3i(v::SHUFPS, d, t, u, control);
        Ok(())
    }

    /// CRC-32 by Barrett's reduction: the quotient by way of the reciprocal, then the remainder, each a carry-less product.
    pub(super) fn crc32_ieee(&mut self, b: &Block, op: &Op) -> Result {
        const RECIPROCAL: u128 = (crc32_quotient() << 1 | 1) as u128;
        let Some(constants) = self.pooled(RECIPROCAL | u128::from(CRC32 << 1) << 64) else {
            return self.soft(b, op);
        };
        let bits = 8u8 << op.aux;
        let (crc, data) = (self.gpr(b, op.a)?, self.gpr(b, op.b)?);
        let x = self.alloc_xmm()?;
        let d = self.def_gpr_early()?;
        // What is divided: as a polynomial of 64 bits, its lowest power in the top bit.
        self.asm.mov(false, d, crc);
        self.asm.alu(Alu::Xor, bits == 64, d, data);
        if bits < 64 {
            self.asm.shift_imm(Shift::Shl, true, d, 64 - bits);
        }
        self.asm.vfrom_gpr(true, x, d);
        self.asm.v3i(v::PCLMULQDQ, x, x, constants, 0x00);
        self.asm.v3i(v::PCLMULQDQ, x, x, constants, 0x10);
        self.asm.vextract(3, d, x, 1);
        if bits < 32 {
            let t = self.alloc_gpr()?;
            self.asm.mov(false, t, crc);
            self.asm.shift_imm(Shift::Shr, false, t, bits);
            self.asm.alu(Alu::Xor, false, d, t);
            self.free_temp(t);
        }
        debug_assert_eq!(b.ops[op.a as usize].ty, Ty::I32);
        self.free_temp(x + XMM);
        self.kill(op);
        self.set_zero(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published constant of the reduction (Gopal and others, "Fast CRC computation using PCLMULQDQ", Intel 2009): floor of x^64
    /// by the polynomial, which is the top of the quotient here.
    #[test]
    fn quotient_begins_with_the_published_one() {
        let published = 0x1_f701_1641_u64;
        assert_eq!((crc32_quotient() << 1 | 1) & 0x1_ffff_ffff, published);
    }
}
