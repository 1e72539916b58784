//! Integer vectors, moves between vectors and integers, cryptography.

pub use crate::jit::x64::v;

use super::{Emitter, Result};
use crate::ir::{Block, Op, OpCode, Ty};
use crate::jit::regs::XMM;
use crate::jit::x64::{Reg, Rm, VexOp};

/// Whether an op of the vector range is run by its reference semantics, which costs the host flags.
pub fn is_out_of_line(op: &Op) -> bool {
    use OpCode::*;
    let s = op.aux;
    let inline = match op.code {
        VMul => s == 1 || s == 2,
        VMinS | VMinU | VMaxS | VMaxU | VPairMaxU | VPairMinU => s < 3,
        VMulWideU | VMulWideS | VNarrow | VWidenU | VWidenS => s < 3,
        VAddSatS | VAddSatU | VSubSatS | VSubSatU | VAvgU => s < 2,
        VFromInt | VToInt | VToIntS | VInsertInt | VInsertLane | VDupInt | VDupLane | VAdd
        | VSub | VNeg | VAbs | VCmpEq | VCmpGtS | VCmpGtU | VCmpGeS | VCmpGeU | VShlI | VShrUI
        | VShrSI | VPairAdd | VZipLo | VZipHi | VUnzipEven | VUnzipOdd | VTransposeEven
        | VTransposeOdd | VReverse => s < 4,
        VZext | VAnd | VAndNot | VOr | VOrNot | VXor | VNot | VSelect | VExtract | VTable
        | VPopCount | VPmull64 | VSumBytes | AesEnc | AesDec | AesMix | AesUnmix => true,
        VShlVarU => s == 2 || s == 3,
        VShlVarS => s == 2,
        Sha1Rounds | Sha1Schedule | Sha256Rounds | Sha256ScheduleStart | Sha256ScheduleEnd => {
            crate::host::code::has_sha()
        }
        _ => false,
    };
    !inline
}

/// Byte shuffle mask: result byte `i` is source byte `f(i)`, or zero for 128 and above.
fn shuffle(f: impl Fn(usize) -> usize) -> u128 {
    u128::from_le_bytes(std::array::from_fn(|i| f(i).min(0x80) as u8))
}

/// The same value in every lane of 1 << `lane` bytes.
fn splat(lane: u16, value: u64) -> u128 {
    let bits = 8u32 << lane;
    (0..128 / bits).fold(0, |v, i| {
        v | (u128::from(value) & (u128::MAX >> (128 - bits))) << (i * bits)
    })
}

impl Emitter {
    pub(super) fn vec_op(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        if is_out_of_line(op) {
            return self.soft(b, op);
        }
        let s = op.aux as usize;
        match op.code {
            VFromInt => {
                let w = b.ops[op.a as usize].ty == Ty::I64;
                let r = self.gpr(b, op.a)?;
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.vfrom_gpr(w, d, r);
                self.set_zero(if w { 1 } else { 2 });
            }
            VToInt | VToIntS => self.move_to_int(b, op)?,
            VInsertInt => {
                let r = self.gpr(b, op.b)?;
                let x = self.xmm(b, op.a)?;
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.vinsert(s as u8, d, x, r, op.aux2 as u8);
            }
            VInsertLane => self.insert_lane(b, op)?,
            VDupInt => {
                let r = self.gpr(b, op.a)?;
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.vfrom_gpr(s == 3, d, r);
                self.asm.v2(v::PBROADCAST[s], d, d);
            }
            VDupLane => {
                let x = self.xmm(b, op.a)?;
                self.kill(op);
                let d = self.def_xmm()?;
                let offset = (op.aux2 << s) as u8;
                if offset == 0 {
                    self.asm.v2(v::PBROADCAST[s], d, x);
                } else {
                    self.asm.vshift_bytes(false, d, x, offset);
                    self.asm.v2(v::PBROADCAST[s], d, d);
                }
            }
            VZext => self.zext(b, op)?,
            VAdd => self.simple(b, op, v::PADD[s])?,
            VSub => self.simple(b, op, v::PSUB[s])?,
            VMul => self.simple(b, op, if s == 1 { v::PMULLW } else { v::PMULLD })?,
            VAnd => self.simple(b, op, v::PAND)?,
            VOr => self.simple(b, op, v::POR)?,
            VXor => self.simple(b, op, v::PXOR)?,
            VAndNot => self.reversed(b, op, v::PANDN)?,
            VOrNot | VNot | VSelect | VNeg | VAbs => self.logic(b, op)?,
            VCmpEq => self.simple(b, op, v::PCMPEQ[s])?,
            VCmpGtS => self.simple(b, op, v::PCMPGT[s])?,
            VCmpGtU | VCmpGeS | VCmpGeU => self.compare_lanes(b, op)?,
            VMinS => self.simple(b, op, v::PMINS[s])?,
            VMinU => self.simple(b, op, v::PMINU[s])?,
            VMaxS => self.simple(b, op, v::PMAXS[s])?,
            VMaxU => self.simple(b, op, v::PMAXU[s])?,
            VShlI | VShrUI | VShrSI => self.shift_lanes(b, op)?,
            VAddSatS => self.simple(b, op, v::PADDS[s])?,
            VAddSatU => self.simple(b, op, v::PADDUS[s])?,
            VSubSatS => self.simple(b, op, v::PSUBS[s])?,
            VSubSatU => self.simple(b, op, v::PSUBUS[s])?,
            VAvgU => self.simple(b, op, v::PAVG[s])?,
            VSumBytes => {
                let x = self.xmm(b, op.a)?;
                let z = self.alloc_xmm()?;
                self.asm.v3(v::PXOR, z, z, z);
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v3(v::PSADBW, d, x, z);
                self.free_temp(z + XMM);
            }
            VPairAdd if s == 1 => self.simple(b, op, v::PHADDW)?,
            VPairAdd if s == 2 => self.simple(b, op, v::PHADDD)?,
            VPairAdd => self.pairwise(b, op, v::PADD[s])?,
            VPairMaxU => self.pairwise(b, op, v::PMAXU[s])?,
            VPairMinU => self.pairwise(b, op, v::PMINU[s])?,
            VZipLo => self.simple(b, op, v::PUNPCKL[s])?,
            VZipHi => self.simple(b, op, v::PUNPCKH[s])?,
            VUnzipEven | VUnzipOdd => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                let d = self.def_xmm_early()?;
                self.unzip(s, op.code == VUnzipOdd, d, x, y)?;
                self.kill(op);
            }
            VTransposeEven | VTransposeOdd => self.transpose(b, op)?,
            VExtract => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v3i(v::PALIGNR, d, y, x, op.aux2.min(16) as u8);
            }
            VTable => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                // Indices of 16 and above get their top bit set, which makes zero.
                let m = self.vec_constant(splat(0, 0x70))?;
                let d = self.def_xmm_early()?;
                self.asm.v3(v::PADDUS[0], d, y, m);
                self.asm.v3(v::PSHUFB, d, x, d);
                self.kill(op);
            }
            VReverse => {
                let group = (1usize << (op.aux2 as usize - s)) - 1;
                let mask = shuffle(|i| {
                    let (lane, byte) = (i >> s, i & ((1 << s) - 1));
                    (lane ^ group) << s | byte
                });
                self.shuffled(b, op, mask)?;
            }
            VPopCount => self.popcount(b, op)?,
            VWidenU | VWidenS => {
                let x = self.xmm(b, op.a)?;
                self.kill(op);
                let d = self.def_xmm()?;
                let table = if op.code == VWidenU {
                    v::PMOVZX
                } else {
                    v::PMOVSX
                };
                self.asm.v2(table[s], d, x);
            }
            VNarrow => {
                let mask = shuffle(|i| {
                    if i >= 8 {
                        0x80
                    } else {
                        let (lane, byte) = (i >> s, i & ((1 << s) - 1));
                        lane << (s + 1) | byte
                    }
                });
                self.shuffled(b, op, mask)?;
            }
            VMulWideU | VMulWideS => self.multiply_wide(b, op)?,
            VPmull64 => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v3i(v::PCLMULQDQ, d, x, y, 0);
            }
            AesEnc | AesDec | AesMix | AesUnmix => self.aes(b, op)?,
            Sha1Rounds | Sha1Schedule | Sha256Rounds | Sha256ScheduleStart | Sha256ScheduleEnd => {
                self.sha(b, op)?
            }
            VShlVarU | VShlVarS => self.shift_lanes_by(b, op)?,
            _ => {
                debug_assert!(false, "{} has no code", op.code.name());
                return Err(super::TooComplex);
            }
        }
        Ok(())
    }

    /// `op d, a, b`
    fn simple(&mut self, b: &Block, op: &Op, insn: VexOp) -> Result {
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        self.kill(op);
        let d = self.def_xmm()?;
        self.asm.v3(insn, d, x, y);
        Ok(())
    }

    /// `op d, b, a`
    fn reversed(&mut self, b: &Block, op: &Op, insn: VexOp) -> Result {
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        self.kill(op);
        let d = self.def_xmm()?;
        self.asm.v3(insn, d, y, x);
        Ok(())
    }

    /// A constant as an operand, from the pool or a register.
    fn vec_constant(&mut self, value: u128) -> Result<Rm> {
        if let Some(m) = self.pooled(value) {
            return Ok(Rm::M(m));
        }
        let t = self.alloc_xmm()?;
        self.load_vconst(t, value);
        Ok(Rm::R(t))
    }

    /// Value := bytes of `a` as `mask` says.
    fn shuffled(&mut self, b: &Block, op: &Op, mask: u128) -> Result {
        let x = self.xmm(b, op.a)?;
        let m = self.vec_constant(mask)?;
        self.kill(op);
        let d = self.def_xmm()?;
        self.asm.v3(v::PSHUFB, d, x, m);
        Ok(())
    }

    pub(super) fn ones(&mut self, r: Reg) {
        self.asm.v3(v::PCMPEQ[2], r, r, r);
    }

    fn move_to_int(&mut self, b: &Block, op: &Op) -> Result {
        let x = self.xmm(b, op.a)?;
        self.kill(op);
        let d = self.def_gpr()?;
        let (size, w) = (op.aux as u8, op.ty == Ty::I64);
        if op.aux2 == 0 && size >= 2 {
            self.asm.vto_gpr(size == 3, d, x);
        } else {
            self.asm.vextract(size, d, x, op.aux2 as u8);
        }
        let signed = op.code == OpCode::VToIntS;
        if signed && (size < 2 || size == 2 && w) {
            self.asm.load(w, size, true, d, d);
        }
        if size == 3 && !w {
            self.asm.mov(false, d, d);
        }
        self.set_zero(u8::from(!w || !signed && size < 3));
        Ok(())
    }

    fn insert_lane(&mut self, b: &Block, op: &Op) -> Result {
        let (to, from) = (op.aux2 & 15, op.aux2 >> 4);
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        match op.aux {
            2 => {
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm
                    .v3i(v::INSERTPS, d, x, y, (from << 6 | to << 4) as u8);
            }
            3 if to == 0 && from == 0 => {
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v3(v::MOVSD, d, x, y);
            }
            3 if to == 1 && from == 0 => {
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v3(v::PUNPCKL[3], d, x, y);
            }
            size => {
                let t = self.alloc_gpr()?;
                self.asm.vextract(size as u8, t, y, from as u8);
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.vinsert(size as u8, d, x, t, to as u8);
            }
        }
        Ok(())
    }

    fn zext(&mut self, b: &Block, op: &Op) -> Result {
        let x = self.xmm(b, op.a)?;
        let zero = self.zero_of(op.a);
        if op.aux == 3 && zero >= 1 || op.aux == 2 && zero >= 2 {
            let root = self.values[op.a as usize].root;
            self.alias(self.at as u16, root);
            return Ok(());
        }
        match op.aux {
            3 => {
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v2(v::MOVQ, d, x);
                self.set_zero(1);
            }
            2 => {
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v3i(v::INSERTPS, d, x, x, 0x0e);
                self.set_zero(2);
            }
            s => {
                let m = self.vec_constant(u128::MAX >> (128 - (8 << s)))?;
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v3(v::PAND, d, x, m);
                self.set_zero(if s < 2 { 2 } else { 0 });
            }
        }
        Ok(())
    }

    fn logic(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        let x = self.xmm(b, op.a)?;
        match op.code {
            VNot => {
                let d = self.def_xmm_early()?;
                self.ones(d);
                self.asm.v3(v::PXOR, d, d, x);
            }
            VOrNot => {
                // a | !b = !(!a & b)
                let y = self.xmm(b, op.b)?;
                let d = self.def_xmm_early()?;
                let t = self.alloc_xmm()?;
                self.asm.v3(v::PANDN, d, x, y);
                self.ones(t);
                self.asm.v3(v::PXOR, d, d, t);
                self.free_temp(t + XMM);
            }
            VSelect => {
                // c ^ (a & (b ^ c))
                let (y, z) = (self.xmm(b, op.b)?, self.xmm(b, op.c)?);
                let d = self.def_xmm_early()?;
                self.asm.v3(v::PXOR, d, y, z);
                self.asm.v3(v::PAND, d, d, x);
                self.asm.v3(v::PXOR, d, d, z);
            }
            VNeg => {
                let d = self.def_xmm_early()?;
                self.asm.v3(v::PXOR, d, d, d);
                self.asm.v3(v::PSUB[op.aux as usize], d, d, x);
            }
            _ if op.aux < 3 => {
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v2(v::PABS[op.aux as usize], d, x);
                return Ok(());
            }
            _ => {
                // The negative where the sign bit is set.
                let d = self.def_xmm_early()?;
                self.asm.v3(v::PXOR, d, d, d);
                self.asm.v3(v::PSUB[3], d, d, x);
                self.asm.vblendv(v::BLENDVPD, d, x, d, x);
            }
        }
        self.kill(op);
        Ok(())
    }

    fn compare_lanes(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        let s = op.aux as usize;
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        let d = self.def_xmm_early()?;
        match op.code {
            VCmpGeU if s < 3 => {
                self.asm.v3(v::PMAXU[s], d, x, y);
                self.asm.v3(v::PCMPEQ[s], d, d, x);
            }
            VCmpGtU if s < 3 => {
                let t = self.alloc_xmm()?;
                self.asm.v3(v::PMINU[s], d, x, y);
                self.asm.v3(v::PCMPEQ[s], d, d, x);
                self.ones(t);
                self.asm.v3(v::PXOR, d, d, t);
                self.free_temp(t + XMM);
            }
            VCmpGeS => {
                let t = self.alloc_xmm()?;
                self.asm.v3(v::PCMPGT[s], d, y, x);
                self.ones(t);
                self.asm.v3(v::PXOR, d, d, t);
                self.free_temp(t + XMM);
            }
            _ => {
                // 64-bit unsigned: signed after flipping the top bits.
                let m = self.vec_constant(splat(3, 1 << 63))?;
                let t = self.alloc_xmm()?;
                let (p, q) = if op.code == VCmpGtU { (x, y) } else { (y, x) };
                self.asm.v3(v::PXOR, d, p, m);
                self.asm.v3(v::PXOR, t, q, m);
                self.asm.v3(v::PCMPGT[3], d, d, t);
                if op.code == VCmpGeU {
                    self.ones(t);
                    self.asm.v3(v::PXOR, d, d, t);
                }
                self.free_temp(t + XMM);
            }
        }
        self.kill(op);
        Ok(())
    }

    fn shift_lanes(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        let (s, bits) = (op.aux, 8u16 << op.aux);
        let arithmetic = op.code == VShrSI;
        if op.aux2 >= bits && !arithmetic {
            self.kill(op);
            let d = self.def_xmm()?;
            self.asm.v3(v::PXOR, d, d, d);
            return Ok(());
        }
        let n = op.aux2.min(bits - 1) as u8;
        let x = self.xmm(b, op.a)?;
        let kind = match op.code {
            VShlI => 6,
            VShrUI => 2,
            _ => 4,
        };
        if s > 0 && !(arithmetic && s == 3) {
            self.kill(op);
            let d = self.def_xmm()?;
            self.asm.vshift_imm(s, kind, d, x, n);
            return Ok(());
        }
        let d = self.def_xmm_early()?;
        if !arithmetic {
            // Bytes: shift words, then clear what came from the neighbour.
            let mask = if op.code == VShlI {
                0xffu8 << n
            } else {
                0xff >> n
            };
            let m = self.vec_constant(splat(0, mask.into()))?;
            self.asm.vshift_imm(1, kind, d, x, n);
            self.asm.v3(v::PAND, d, d, m);
        } else if s == 3 {
            // ((x >> n) ^ m) - m with m the sign bit shifted along.
            let m = self.vec_constant(splat(3, (1 << 63) >> n))?;
            self.asm.vshift_imm(3, 2, d, x, n);
            self.asm.v3(v::PXOR, d, d, m);
            self.asm.v3(v::PSUB[3], d, d, m);
        } else {
            let mask = self.vec_constant(splat(0, 0xffu64 >> n))?;
            let m = self.vec_constant(splat(0, 0x80u64 >> n))?;
            self.asm.vshift_imm(1, 2, d, x, n);
            self.asm.v3(v::PAND, d, d, mask);
            self.asm.v3(v::PXOR, d, d, m);
            self.asm.v3(v::PSUB[0], d, d, m);
        }
        self.kill(op);
        Ok(())
    }

    /// Shifts each lane by the signed low byte of its lane in another vector.
    fn shift_lanes_by(&mut self, b: &Block, op: &Op) -> Result {
        let wide = op.aux == 3;
        let signed = op.code == OpCode::VShlVarS;
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        let Some(ones) = self.pooled(u128::MAX) else {
            return self.soft_keeping_flags(b, op);
        };
        let bytes = self.pooled(shuffle(|i| if i < 2 { 8 * i } else { 0x80 }));
        let (Some(bytes), false) = (bytes, signed && x >= 12 && y >= 12 && x != y) else {
            return self.soft_keeping_flags(b, op);
        };
        let d = self.def_xmm_early()?;
        let t = self.alloc_xmm()?;
        if wide {
            self.asm.v3(v::PSHUFB, t, y, bytes);
            self.asm.v2(v::PMOVSXBQ, t, t);
        } else {
            self.asm.vshift_imm(2, 6, t, y, 24);
            self.asm.vshift_imm(2, 4, t, t, 24);
        }
        // A count of the width or more gives 0 (arithmetically the sign), so a negative one does.
        if signed {
            let u = self.alloc_xmm()?;
            self.asm.v3(v::PXOR, d, t, ones);
            self.asm.v3(v::PSUB[2], d, d, ones);
            self.asm.v3(v::PSRAVD, d, x, d);
            self.asm.v3(v::PSLLV[0], u, x, t);
            self.asm.vblendv(v::BLENDVPS, d, u, d, t);
            self.free_temp(u + XMM);
        } else {
            let s = usize::from(wide);
            self.asm.v3(v::PSLLV[s], d, x, t);
            self.asm.v3(v::PXOR, t, t, ones);
            self.asm.v3(v::PSUB[2 + s], t, t, ones);
            self.asm.v3(v::PSRLV[s], t, x, t);
            self.asm.v3(v::POR, d, d, t);
        }
        self.free_temp(t + XMM);
        self.kill(op);
        Ok(())
    }

    /// `d` := even or odd lanes of `x`, then of `y`; `d` is neither.
    fn unzip(&mut self, s: usize, odd: bool, d: Reg, x: Reg, y: Reg) -> Result {
        match s {
            3 => {
                let insn = if odd { v::PUNPCKH[3] } else { v::PUNPCKL[3] };
                self.asm.v3(insn, d, x, y);
            }
            2 => self
                .asm
                .v3i(v::SHUFPS, d, x, y, if odd { 0xdd } else { 0x88 }),
            _ => {
                let mask = shuffle(|i| {
                    let (lane, byte) = ((i % 8) >> s, i & ((1 << s) - 1));
                    (2 * lane + usize::from(odd)) << s | byte
                });
                let t = self.alloc_xmm()?;
                self.load_vconst(t, mask);
                self.asm.v3(v::PSHUFB, d, x, t);
                self.asm.v3(v::PSHUFB, t, y, t);
                self.asm.v3(v::PUNPCKL[3], d, d, t);
                self.free_temp(t + XMM);
            }
        }
        Ok(())
    }

    fn pairwise(&mut self, b: &Block, op: &Op, insn: VexOp) -> Result {
        let s = op.aux as usize;
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        if x >= 12 && y >= 12 && x != y && s < 2 {
            // Two results, a mask and two operands: one register too many.
            return self.soft_keeping_flags(b, op);
        }
        let d = self.def_xmm_early()?;
        let t = self.alloc_xmm()?;
        self.unzip(s, false, d, x, y)?;
        self.unzip(s, true, t, x, y)?;
        self.asm.v3(insn, d, d, t);
        self.free_temp(t + XMM);
        self.kill(op);
        Ok(())
    }

    /// [`Emitter::soft`] for an op that was taken for one that keeps the host flags.
    pub(super) fn soft_keeping_flags(&mut self, b: &Block, op: &Op) -> Result {
        self.save_flags()?;
        self.soft(b, op)
    }

    fn transpose(&mut self, b: &Block, op: &Op) -> Result {
        let s = op.aux;
        let odd = op.code == OpCode::VTransposeOdd;
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        if s == 3 {
            self.kill(op);
            let d = self.def_xmm()?;
            let insn = if odd { v::PUNPCKH[3] } else { v::PUNPCKL[3] };
            self.asm.v3(insn, d, x, y);
            return Ok(());
        }
        let d = self.def_xmm_early()?;
        // The lanes of one operand move to their places in pairs twice as wide, then the halves are merged.
        let n = 8u8 << s;
        let (low, high) = if odd {
            self.asm.vshift_imm(s + 1, 2, d, x, n);
            (d, y)
        } else {
            self.asm.vshift_imm(s + 1, 6, d, y, n);
            (x, d)
        };
        match s {
            2 => self.asm.v3i(v::PBLENDD, d, low, high, 0x0a),
            1 => self.asm.v3i(v::PBLENDW, d, low, high, 0xaa),
            _ => {
                let m = self.vec_constant(splat(1, 0xff00))?;
                let t = self.alloc_xmm()?;
                // low ^ ((low ^ high) & mask)
                self.asm.v3(v::PXOR, t, low, high);
                self.asm.v3(v::PAND, t, t, m);
                self.asm.v3(v::PXOR, d, low, t);
                self.free_temp(t + XMM);
            }
        }
        self.kill(op);
        Ok(())
    }

    fn popcount(&mut self, b: &Block, op: &Op) -> Result {
        let x = self.xmm(b, op.a)?;
        let counts = u128::from_le_bytes(std::array::from_fn(|i| i.count_ones() as u8));
        let m = self.vec_constant(splat(0, 0x0f))?;
        let d = self.def_xmm_early()?;
        let t = self.alloc_xmm()?;
        let u = self.alloc_xmm()?;
        self.load_vconst(u, counts);
        self.asm.v3(v::PAND, d, x, m);
        self.asm.vshift_imm(1, 2, t, x, 4);
        self.asm.v3(v::PAND, t, t, m);
        self.asm.v3(v::PSHUFB, d, u, d);
        self.asm.v3(v::PSHUFB, t, u, t);
        self.asm.v3(v::PADD[0], d, d, t);
        self.free_temp(t + XMM);
        self.free_temp(u + XMM);
        self.kill(op);
        Ok(())
    }

    fn multiply_wide(&mut self, b: &Block, op: &Op) -> Result {
        let s = op.aux as usize;
        let signed = op.code == OpCode::VMulWideS;
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        let d = self.def_xmm_early()?;
        let t = self.alloc_xmm()?;
        let widen = if signed { v::PMOVSX[s] } else { v::PMOVZX[s] };
        self.asm.v2(widen, d, x);
        self.asm.v2(widen, t, y);
        let multiply = match (s, signed) {
            (0, _) => v::PMULLW,
            (1, _) => v::PMULLD,
            (_, true) => v::PMULDQ,
            (_, false) => v::PMULUDQ,
        };
        self.asm.v3(multiply, d, d, t);
        self.free_temp(t + XMM);
        self.kill(op);
        Ok(())
    }
}
