//! Floating point on SSE. Numbers follow IEEE 754 on every architecture; results that are NaNs, and conversions out of range,
//! take a cold path to the reference semantics. Exceptions accumulate in MXCSR.
//!
//! MIPS's legacy NaNs: x86 takes quiet for signalling and the other way round, so its invalid flag is wrong for them. Every op
//! that can raise it has a cold path for exactly these cases, whose call drops MXCSR's invalid flag and raises its own.

use super::flags::Form;
use super::vec::v;
use super::{Emitter, Result};
use crate::ir::{Block, FCond, FpRound, NONE, NanRule, Op, OpCode, Ty};
use crate::jit::regs::{NO_HOST, XMM};
use crate::jit::x64::{Alu, Cc, Mem, Reg, Rm};

/// Predicates of `cmpps` (Intel SDM volume 2, table 3-1): ordered quiet equal, ordered signalling less, less or equal, unordered quiet;
/// equal or unordered quiet.
mod predicate {
    pub const EQ: u8 = 0;
    pub const LT: u8 = 1;
    pub const LE: u8 = 2;
    pub const UNORDERED: u8 = 3;
    pub const EQ_UNORDERED: u8 = 8;
}

impl Emitter {
    pub(super) fn fp_op(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        let legacy = b.fp.nan == NanRule::MipsLegacy;
        // Integers are not denormal, nor is anything made of them.
        if b.fp.flush_to_zero && !matches!(op.code, FNeg | FAbs | IntToF | VIntToF) {
            return self.flushing_op(b, op);
        }
        match op.code {
            FAdd => self.arith(b, op, 0x58),
            FSub => self.arith(b, op, 0x5c),
            FMul => self.arith(b, op, 0x59),
            FDiv => self.arith(b, op, 0x5e),
            FSqrt => self.arith(b, op, 0x51),
            FMulAdd => self.mul_add(b, op),
            FMin | FMinNum | FMax | FMaxNum => self.min_max(b, op),
            FNeg | FAbs => self.sign(b, op),
            FCvt if op.aux != 1 && op.aux2 != 1 => self.convert(b, op),
            FToInt => self.convert_to_int(b, op),
            IntToF => self.convert_from_int(b, op),
            FRoundInt if (op.aux2 & 15) != FpRound::NearestAway as u16 => self.round(b, op),
            FCmpF if !legacy => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                self.asm.v2(v::comis(op.aux, op.aux2 & 1 != 0), x, y);
                self.kill(op);
                self.flags_in_host(Form::Fp);
                Ok(())
            }
            FCompare => self.compare(b, op, legacy),
            VFAdd => self.vector_arith(b, op, 0x58),
            VFSub => self.vector_arith(b, op, 0x5c),
            VFMul => self.vector_arith(b, op, 0x59),
            VFDiv => self.vector_arith(b, op, 0x5e),
            VFSqrt => self.vector_arith(b, op, 0x51),
            VFMulAdd => self.vector_mul_add(b, op),
            VFMin | VFMax | VFMinNum | VFMaxNum => self.vector_min_max(b, op),
            VFCmpEq | VFCmpGe | VFCmpGt if !legacy => {
                let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
                self.kill(op);
                let d = self.def_xmm()?;
                let cmp = v::cmp(op.aux);
                match op.code {
                    VFCmpEq => self.asm.v3i(cmp, d, x, y, predicate::EQ),
                    VFCmpGe => self.asm.v3i(cmp, d, y, x, predicate::LE),
                    _ => self.asm.v3i(cmp, d, y, x, predicate::LT),
                }
                Ok(())
            }
            VFRoundInt if (op.aux2 & 15) != FpRound::NearestAway as u16 => {
                let x = self.xmm(b, op.a)?;
                let d = self.def_xmm_early()?;
                let quiet = if op.aux2 & 16 != 0 { 0 } else { 8 };
                let mode = rounding_control(FpRound::from_u8((op.aux2 & 15) as u8)) | quiet;
                self.asm.v3i(v::round_packed(op.aux), d, 0, x, mode);
                self.finish_vector(b, op, d, op.aux)
            }
            VFWiden if op.aux == 2 => {
                let x = self.xmm(b, op.a)?;
                let d = self.def_xmm_early()?;
                self.asm.v2(v::CVTPS2PD, d, x);
                self.finish_vector(b, op, d, 3)
            }
            VFNarrow if op.aux == 2 => {
                let x = self.xmm(b, op.a)?;
                let d = self.def_xmm_early()?;
                self.asm.v2(v::CVTPD2PS, d, x);
                self.finish_vector(b, op, d, 2)
            }
            VFToInt if op.aux == 2 => self.vector_convert_to_int(b, op),
            VIntToF if op.aux == 2 && op.imm == 0 => {
                let x = self.xmm(b, op.a)?;
                self.kill(op);
                let d = self.def_xmm()?;
                self.asm.v2(v::CVTDQ2PS, d, x);
                Ok(())
            }
            _ => {
                self.soft(b, op)?;
                Ok(())
            }
        }
    }

    /// The register that an operation writes first: the value's own if that is no operand, because the cold path wants the
    /// operands.
    pub(super) fn result_register(&mut self) -> Result<(Reg, bool)> {
        let pin = self.values[self.at].hint;
        if pin != NO_HOST && self.locked >> pin & 1 != 0 {
            return Ok((self.alloc_xmm()?, true));
        }
        Ok((self.def_xmm_early()?, false))
    }

    /// The magnitude mask and the smallest normal number of a lane, in every lane.
    fn tiny_constants(&mut self, lane: u16) -> Option<(Mem, Mem)> {
        let (mask, smallest) = if lane == 3 {
            (u64::MAX >> 1, 1 << 52)
        } else {
            (0x7fff_ffff_7fff_ffff, 0x0080_0000_0080_0000)
        };
        let both = |x: u64| u128::from(x) << 64 | u128::from(x);
        Some((self.pooled(both(mask))?, self.pooled(both(smallest))?))
    }

    /// Jumps to the cold path if scalar `r` is a NaN, or a smallest normal number: SSE detects tininess after rounding, Arm before,
    /// so that a result rounded up to it underflowed for Arm only. One comparison finds both; `t` is destroyed.
    fn if_nan_or_tiny(&mut self, lane: u16, r: Reg, t: Reg, (mask, smallest): (Mem, Mem)) -> usize {
        self.asm.v3(v::PAND, t, r, mask);
        self.asm.v2(v::comis(lane, false), t, smallest);
        self.asm.jcc32(Cc::E)
    }

    /// Jumps to the cold path if scalar `r` is a NaN.
    fn if_nan(&mut self, lane: u16, r: Reg) -> usize {
        self.asm.v2(v::comis(lane, false), r, r);
        self.asm.jcc32(Cc::P)
    }

    /// Moves a scalar result from `t` to the value's register, the rest zero where that matters. `upper` is what is known to be
    /// zero of the register that `t` got its upper part from. Then the cold path ends here.
    pub(super) fn finish_scalar(
        &mut self,
        b: &Block,
        op: &Op,
        lane: u16,
        (t, temporary): (Reg, bool),
        upper: u8,
        fields: &[usize],
    ) -> Result {
        let operands = self.operand_registers(b, op);
        let want = if lane == 3 { 1 } else { 2 };
        let clear = self.values[self.at].demand > 1 << lane && upper < want;
        self.kill(op);
        // A pin that is an operand is written here, where the cold path, which reads the operands, joins. Nothing may be spilled
        // any more: the cold path would not know.
        let d = match self.hinted() {
            Some(pin) if temporary => pin - XMM,
            _ => t,
        };
        self.def_in(d + XMM);
        if clear {
            self.clear_upper(lane, d, t);
        } else {
            self.asm.vmov(d, t);
        }
        self.cold(fields, operands, d + XMM);
        self.set_zero(if clear { want } else { upper.min(want) });
        Ok(())
    }

    /// `d` := lane 0 of `t`, the rest zero.
    fn clear_upper(&mut self, lane: u16, d: Reg, t: Reg) {
        if lane == 3 {
            self.asm.v2(v::MOVQ, d, t);
        } else {
            self.asm.v3i(v::INSERTPS, d, t, t, 0x0e);
        }
    }

    /// Host registers of the operands, which are all in registers now.
    pub(super) fn operand_registers(&self, _b: &Block, op: &Op) -> [u8; 3] {
        [op.a, op.b, op.c].map(|v| if v == NONE { NO_HOST } else { self.reg_of(v) })
    }

    fn arith(&mut self, b: &Block, op: &Op, opcode: u8) -> Result {
        // Sums and roots cannot be both tiny and inexact.
        if detects_tininess(b) && matches!(op.code, OpCode::FMul | OpCode::FDiv) {
            return self.tiny_arith(b, op, opcode);
        }
        let x = self.xmm(b, op.a)?;
        let y = if op.b == NONE { x } else { self.xmm(b, op.b)? };
        let upper = self.zero_of(op.a);
        let t = self.result_register()?;
        self.asm.v3(v::fp(opcode, op.aux, true), t.0, x, y);
        let nan = self.if_nan(op.aux, t.0);
        self.finish_scalar(b, op, op.aux, t, upper, &[nan])
    }

    fn tiny_arith(&mut self, b: &Block, op: &Op, opcode: u8) -> Result {
        let Some(constants) = self.tiny_constants(op.aux) else {
            return self.soft(b, op);
        };
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        let upper = self.zero_of(op.a);
        let t = self.result_register()?;
        let u = self.alloc_xmm()?;
        self.asm.v3(v::fp(opcode, op.aux, true), t.0, x, y);
        let cold = self.if_nan_or_tiny(op.aux, t.0, u, constants);
        self.free_temp(u + XMM);
        self.finish_scalar(b, op, op.aux, t, upper, &[cold])
    }

    fn mul_add(&mut self, b: &Block, op: &Op) -> Result {
        let (x, y, z) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?, self.xmm(b, op.c)?);
        if detects_tininess(b) {
            let constants = self.tiny_constants(op.aux);
            let (Some(constants), false) = (constants, all_scratch(x, y, z)) else {
                // The result and the mask would need two registers more.
                return self.soft(b, op);
            };
            let upper = self.zero_of(op.c);
            let t = self.result_register()?;
            let u = self.alloc_xmm()?;
            self.asm.vmov(t.0, z);
            self.asm.v3(v::fma231(op.aux2, op.aux, true), t.0, x, y);
            let cold = self.if_nan_or_tiny(op.aux, t.0, u, constants);
            self.free_temp(u + XMM);
            return self.finish_scalar(b, op, op.aux, t, upper, &[cold]);
        }
        let upper = self.zero_of(op.c);
        let t = self.result_register()?;
        self.asm.vmov(t.0, z);
        self.asm.v3(v::fma231(op.aux2, op.aux, true), t.0, x, y);
        let nan = self.if_nan(op.aux, t.0);
        self.finish_scalar(b, op, op.aux, t, upper, &[nan])
    }

    fn min_max(&mut self, b: &Block, op: &Op) -> Result {
        let max = matches!(op.code, OpCode::FMax | OpCode::FMaxNum);
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        let t = self.result_register()?;
        let u = self.alloc_xmm()?;
        // Before the operation: x86's raises for quiet NaNs.
        self.asm.v2(v::comis(op.aux, false), x, y);
        let nan = self.asm.jcc32(Cc::P);
        let opcode = if max { 0x5f } else { 0x5d };
        // Of zeros the second operand is taken: both orders together see both signs.
        self.asm.v3(v::fp(opcode, op.aux, true), u, x, y);
        self.asm.v3(v::fp(opcode, op.aux, true), t.0, y, x);
        self.asm.v3(if max { v::PAND } else { v::POR }, t.0, t.0, u);
        self.free_temp(u + XMM);
        self.finish_scalar(b, op, op.aux, t, 0, &[nan])
    }

    fn sign(&mut self, b: &Block, op: &Op) -> Result {
        let x = self.xmm(b, op.a)?;
        let sign: u128 = 1 << ((8 << op.aux) - 1);
        let value = if op.code == OpCode::FNeg {
            sign
        } else {
            sign - 1
        };
        let Some(m) = self.pooled(value) else {
            return self.soft(b, op);
        };
        let upper = self.zero_of(op.a);
        let want = if op.aux == 3 { 1 } else { 2 };
        let clear =
            op.code == OpCode::FNeg && self.values[self.at].demand > 1 << op.aux && upper < want;
        self.kill(op);
        let d = self.def_xmm()?;
        if op.code == OpCode::FNeg {
            self.asm.v3(v::PXOR, d, x, m);
        } else {
            // The mask clears the rest by itself.
            self.asm.v3(v::PAND, d, x, m);
        }
        if clear {
            self.clear_upper(op.aux, d, d);
        }
        let cleared = clear || op.code == OpCode::FAbs;
        self.set_zero(if cleared { want } else { upper.min(want) });
        Ok(())
    }

    fn convert(&mut self, b: &Block, op: &Op) -> Result {
        let x = self.xmm(b, op.a)?;
        let upper = self.zero_of(op.a);
        let constants = self.tiny_constants(2);
        let (Some(constants), true) = (constants, op.aux != op.aux2) else {
            return self.soft(b, op);
        };
        let t = self.result_register()?;
        let u = self.alloc_xmm()?;
        let cvt = if op.aux == 2 {
            v::CVTSS2SD
        } else {
            v::CVTSD2SS
        };
        self.asm.v3(cvt, t.0, x, x);
        let cold = if op.aux2 == 2 {
            self.if_nan_or_tiny(2, t.0, u, constants)
        } else {
            self.if_nan(3, t.0)
        };
        self.free_temp(u + XMM);
        // From double to single bits 63:32 of the operand stay.
        let upper = if op.aux2 == 2 { 0 } else { upper };
        self.finish_scalar(b, op, op.aux2, t, upper, &[cold])
    }

    fn round(&mut self, b: &Block, op: &Op) -> Result {
        let x = self.xmm(b, op.a)?;
        let upper = self.zero_of(op.a);
        let t = self.result_register()?;
        let quiet = if op.aux2 & 16 != 0 { 0 } else { 8 };
        let mode = rounding_control(FpRound::from_u8((op.aux2 & 15) as u8)) | quiet;
        self.asm.v3i(v::round_scalar(op.aux), t.0, x, x, mode);
        let nan = self.if_nan(op.aux, t.0);
        self.finish_scalar(b, op, op.aux, t, upper, &[nan])
    }

    fn convert_to_int(&mut self, b: &Block, op: &Op) -> Result {
        let round = FpRound::from_u8((op.aux2 & 15) as u8);
        let signed = op.aux2 & 16 != 0;
        let wide = op.ty == Ty::I64;
        let direct = matches!(round, FpRound::Zero | FpRound::Dynamic);
        // Rounding in two steps would raise Inexact for what does not fit 32 bits.
        let stepwise = wide && signed && round != FpRound::NearestAway;
        let unsigned_ok = !signed && round == FpRound::Zero;
        if op.imm == 0 && signed && !wide && !direct && round != FpRound::NearestAway {
            return self.round_to_int32(b, op, round);
        }
        if op.imm != 0 || !(signed && direct || stepwise || unsigned_ok) {
            return self.soft(b, op);
        }
        let x = self.xmm(b, op.a)?;
        let operands = [x + XMM, NO_HOST, NO_HOST];
        if signed {
            let mut from = x;
            if !direct {
                from = self.alloc_xmm()?;
                let mode = rounding_control(round);
                self.asm.v3i(v::round_scalar(op.aux), from, x, x, mode);
            }
            let d = self.def_gpr_early()?;
            let truncate = round != FpRound::Dynamic;
            self.asm.v2(v::to_int(op.aux, wide, truncate), d, from);
            // The integer indefinite value is the only one from which 1 can't be subtracted.
            self.asm.alu_imm(Alu::Cmp, wide, d, 1);
            let bad = self.asm.jcc32(Cc::O);
            self.cold(&[bad], operands, d);
            self.kill(op);
            self.set_zero(u8::from(!wide));
            return Ok(());
        }
        let (low, high) = if op.aux == 3 {
            (
                (-1f64).to_bits(),
                if wide { 2f64.powi(63) } else { 2f64.powi(32) }.to_bits(),
            )
        } else {
            let high = if wide { 2f32.powi(63) } else { 2f32.powi(32) };
            ((-1f32).to_bits().into(), high.to_bits().into())
        };
        let (Some(low), Some(high)) = (self.pooled(low.into()), self.pooled(high.into())) else {
            return self.soft(b, op);
        };
        let d = self.def_gpr_early()?;
        self.asm.v2(v::comis(op.aux, false), x, low);
        let below = self.asm.jcc32(Cc::Be);
        self.asm.v2(v::comis(op.aux, false), x, high);
        let above = self.asm.jcc32(Cc::Ae);
        self.asm.v2(v::to_int(op.aux, true, true), d, x);
        self.cold(&[below, above], operands, d);
        self.kill(op);
        self.set_zero(u8::from(!wide));
        Ok(())
    }

    /// Signed, 32 bits, with a rounding that the conversion does not have. What may not fit goes to the cold path before it is
    /// rounded, because it raises Invalid and not Inexact.
    fn round_to_int32(&mut self, b: &Block, op: &Op, round: FpRound) -> Result {
        // The largest number below 2^31.
        let limit = if op.aux == 3 {
            f64::from(i32::MAX).to_bits()
        } else {
            0x4eff_ffff
        };
        let mask = u64::MAX >> if op.aux == 3 { 1 } else { 33 };
        let (Some(mask), Some(limit)) = (self.pooled(mask.into()), self.pooled(limit.into()))
        else {
            return self.soft(b, op);
        };
        let x = self.xmm(b, op.a)?;
        let operands = [x + XMM, NO_HOST, NO_HOST];
        let t = self.alloc_xmm()?;
        let d = self.def_gpr_early()?;
        self.asm.v3(v::PAND, t, x, mask);
        self.asm.v2(v::comis(op.aux, false), t, limit);
        let large = self.asm.jcc32(Cc::A);
        let mode = rounding_control(round);
        self.asm.v3i(v::round_scalar(op.aux), t, x, x, mode);
        self.asm.v2(v::to_int(op.aux, false, true), d, t);
        // A NaN is not above the limit.
        self.asm.alu_imm(Alu::Cmp, false, d, 1);
        let bad = self.asm.jcc32(Cc::O);
        self.cold(&[large, bad], operands, d);
        self.free_temp(t + XMM);
        self.kill(op);
        self.set_zero(1);
        Ok(())
    }

    /// Signed lanes of 4 bytes. Those out of range, and the least number, become 0x80000000: then the cold path decides.
    fn vector_convert_to_int(&mut self, b: &Block, op: &Op) -> Result {
        let round = FpRound::from_u8((op.aux2 & 15) as u8);
        let signed = op.aux2 & 16 != 0;
        let least = self.pooled(0x8000_0000_8000_0000_8000_0000_8000_0000);
        let (Some(least), true) = (
            least,
            signed && op.imm == 0 && round != FpRound::NearestAway,
        ) else {
            return self.soft(b, op);
        };
        let x = self.xmm(b, op.a)?;
        let operands = [x + XMM, NO_HOST, NO_HOST];
        let d = self.def_xmm_early()?;
        let t = self.alloc_xmm()?;
        match round {
            FpRound::Zero => self.asm.v2(v::CVTTPS2DQ, d, x),
            FpRound::Dynamic => self.asm.v2(v::CVTPS2DQ, d, x),
            _ => {
                // Numbers out of range have no fraction, so that the first step raises nothing for them.
                let mode = rounding_control(round);
                self.asm.v3i(v::round_packed(2), d, 0, x, mode);
                self.asm.v2(v::CVTTPS2DQ, d, d);
            }
        }
        self.asm.v3(v::PCMPEQ[2], t, d, least);
        let bad = self.if_any(t);
        self.free_temp(t + XMM);
        self.cold(&[bad], operands, d + XMM);
        self.kill(op);
        Ok(())
    }

    fn convert_from_int(&mut self, b: &Block, op: &Op) -> Result {
        // Fraction bits: a power of two, by which even the smallest integer can be multiplied exactly.
        let scale = match op.aux {
            3 => (1023 - op.imm as u64) << 52,
            _ => (127 - op.imm as u64) << 23,
        };
        let scale = match op.imm {
            0 => None,
            _ => match self.pooled(scale.into()) {
                None => return self.soft(b, op),
                found => found,
            },
        };
        let wide = op.aux2 & 1 != 0;
        let signed = op.aux2 & 16 != 0;
        let mut r = self.gpr(b, op.a)?;
        let operands = [r, NO_HOST, NO_HOST];
        let mut wide_insn = wide;
        let mut negative = None;
        // Registers first: what is spilled for them must be spilled on both ways.
        let d = self.def_xmm_early()?;
        if !signed {
            if wide {
                self.asm.test(true, r, r);
                negative = Some(self.asm.jcc32(Cc::S));
            } else {
                if self.zero_of(op.a) & 1 == 0 {
                    let t = self.alloc_gpr()?;
                    self.asm.mov(false, t, r);
                    r = t;
                }
                wide_insn = true;
            }
        }
        self.asm.v3(v::PXOR, d, d, d);
        self.asm.v3(v::from_int(op.aux, wide_insn), d, d, r);
        if let Some(scale) = scale {
            self.asm.v3(v::fp(0x59, op.aux, true), d, d, scale);
        }
        if let Some(field) = negative {
            self.cold(&[field], operands, d + XMM);
        }
        self.kill(op);
        self.set_zero(if op.aux == 3 { 1 } else { 2 });
        Ok(())
    }

    fn compare(&mut self, b: &Block, op: &Op, legacy: bool) -> Result {
        let cond = FCond::from_u16(op.aux2 & 15);
        let signaling = op.aux2 & 16 != 0;
        let (mut x, mut y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        let operands = [x + XMM, y + XMM, NO_HOST];
        // With the operands swapped "above" is "less" and false for an unordered pair.
        if matches!(cond, FCond::Lt | FCond::Le) {
            (x, y) = (y, x);
        }
        let d = self.def_gpr_early()?;
        let t = self.alloc_gpr()?;
        self.asm.v2(v::comis(op.aux, signaling), x, y);
        let nan = legacy.then(|| self.asm.jcc32(Cc::P));
        match cond {
            FCond::Unordered => self.asm.setcc(Cc::P, d),
            FCond::Eq => {
                self.asm.setcc(Cc::E, d);
                self.asm.setcc(Cc::Np, t);
                self.asm.alu(Alu::And, false, d, t);
            }
            FCond::UnorderedOrEq => self.asm.setcc(Cc::E, d),
            FCond::Lt => self.asm.setcc(Cc::A, d),
            FCond::UnorderedOrLt => self.asm.setcc(Cc::B, d),
            FCond::Le => self.asm.setcc(Cc::Ae, d),
            FCond::UnorderedOrLe => self.asm.setcc(Cc::Be, d),
        }
        self.asm.load(false, 0, false, d, d);
        if let Some(field) = nan {
            self.cold(&[field], operands, d);
        }
        self.kill(op);
        self.set_zero(1);
        Ok(())
    }

    /// Jumps to the cold path if any lane of `mask` is set.
    fn if_any(&mut self, mask: Reg) -> usize {
        self.asm.v2(v::PTEST, mask, mask);
        self.asm.jcc32(Cc::Ne)
    }

    /// Checks a vector result for NaNs, and for smallest normal numbers where that matters, and ends the op.
    fn finish_vector(&mut self, b: &Block, op: &Op, d: Reg, lane: u16) -> Result {
        let operands = self.operand_registers(b, op);
        let t = self.alloc_xmm()?;
        let tiny = detects_tininess(b)
            && matches!(
                op.code,
                OpCode::VFMul | OpCode::VFDiv | OpCode::VFMulAdd | OpCode::VFNarrow
            );
        match self.tiny_constants(lane) {
            Some((mask, smallest)) if tiny => {
                self.asm.v3(v::PAND, t, d, mask);
                self.asm
                    .v3i(v::cmp(lane), t, t, smallest, predicate::EQ_UNORDERED);
            }
            // No room for constants: every result is suspect.
            None if tiny => self.ones(t),
            _ => self.asm.v3i(v::cmp(lane), t, d, d, predicate::UNORDERED),
        }
        let nan = self.if_any(t);
        self.free_temp(t + XMM);
        self.cold(&[nan], operands, d + XMM);
        self.kill(op);
        Ok(())
    }

    fn vector_arith(&mut self, b: &Block, op: &Op, opcode: u8) -> Result {
        let x = self.xmm(b, op.a)?;
        if op.b == NONE {
            let d = self.def_xmm_early()?;
            self.asm.v2(v::fp(opcode, op.aux, false), d, x);
            return self.finish_vector(b, op, d, op.aux);
        }
        let y = self.xmm(b, op.b)?;
        let d = self.def_xmm_early()?;
        self.asm.v3(v::fp(opcode, op.aux, false), d, x, y);
        self.finish_vector(b, op, d, op.aux)
    }

    fn vector_mul_add(&mut self, b: &Block, op: &Op) -> Result {
        let (x, y, z) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?, self.xmm(b, op.c)?);
        if all_scratch(x, y, z) {
            // Result and mask would need two more.
            return self.soft(b, op);
        }
        let d = self.def_xmm_early()?;
        self.asm.vmov(d, z);
        self.asm.v3(v::fma231(op.aux2, op.aux, false), d, x, y);
        self.finish_vector(b, op, d, op.aux)
    }

    fn vector_min_max(&mut self, b: &Block, op: &Op) -> Result {
        let max = matches!(op.code, OpCode::VFMax | OpCode::VFMaxNum);
        let (x, y) = (self.xmm(b, op.a)?, self.xmm(b, op.b)?);
        let operands = self.operand_registers(b, op);
        let d = self.def_xmm_early()?;
        let u = self.alloc_xmm()?;
        self.asm.v3i(v::cmp(op.aux), u, x, y, predicate::UNORDERED);
        let nan = self.if_any(u);
        let opcode = if max { 0x5f } else { 0x5d };
        self.asm.v3(v::fp(opcode, op.aux, false), u, x, y);
        self.asm.v3(v::fp(opcode, op.aux, false), d, y, x);
        self.asm.v3(if max { v::PAND } else { v::POR }, d, d, u);
        self.free_temp(u + XMM);
        self.cold(&[nan], operands, d + XMM);
        self.kill(op);
        Ok(())
    }

    /// Loads a vector constant.
    pub(super) fn load_vconst(&mut self, r: Reg, value: u128) {
        if value == 0 {
            self.asm.v3(v::PXOR, r, r, r);
        } else if value == u128::MAX {
            self.asm.v3(v::PCMPEQ[2], r, r, r);
        } else if let Some(m) = self.pooled(value) {
            self.asm.vload(r, m);
        } else {
            // The pool is full: by way of RAX, which waits in the frame.
            let save = crate::jit::regs::frame::MXCSR;
            let rax = crate::jit::x64::gpr::RAX;
            self.asm.store(3, save, rax);
            self.asm.mov_imm(rax, value as u64);
            self.asm.vfrom_gpr(true, r, rax);
            self.asm.mov_imm(rax, (value >> 64) as u64);
            self.asm.vinsert(3, r, r, rax, 1);
            self.asm.mov(true, rax, Rm::M(save));
        }
    }
}

/// Whether the block's architecture detects tininess before rounding.
fn detects_tininess(b: &Block) -> bool {
    b.fp.nan != NanRule::MipsLegacy
}

/// Whether three operands take three scratch registers, so that two more would be one too many.
pub(super) fn all_scratch(x: Reg, y: Reg, z: Reg) -> bool {
    [x, y, z].iter().all(|r| *r >= 12) && x != y && y != z && x != z
}

/// The rounding control of `roundsd`.
fn rounding_control(round: FpRound) -> u8 {
    match round {
        FpRound::NearestEven | FpRound::NearestAway => 0,
        FpRound::Down => 1,
        FpRound::Up => 2,
        FpRound::Zero => 3,
        FpRound::Dynamic => 4,
    }
}
