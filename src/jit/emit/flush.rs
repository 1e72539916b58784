//! Arithmetic in blocks where denormal numbers are taken as zero (Arm FPCR.FZ, MIPS FCSR.FS), as programs built with
//! `-ffast-math` want it.
//!
//! x86's own modes for that raise other exceptions. So the operation is done with denormal numbers, and the cold path, which
//! knows the rules, takes over if an operand is one or if the result may be too small. For results that are not exact the host
//! has raised Inexact by then: MXCSR is saved before, and the cold path begins with the saved one.

use super::fp::all_scratch;
use super::vec::v;
use super::{Emitter, Result};
use crate::ir::{Block, NONE, Op, OpCode};
use crate::jit::regs::{XMM, frame};
use crate::jit::x64::{Cc, Mem, Reg};

/// Predicate of `cmpps`: not greater than, or unordered; quiet.
const NOT_GREATER: u8 = 0x1a;
/// Unordered; quiet.
const UNORDERED: u8 = 3;

/// In every lane: all bits but the sign, those of the exponent, the smallest normal number.
struct Constants {
    magnitude: Mem,
    exponent: Mem,
    smallest: Mem,
    ones: Mem,
    zero: Mem,
}

impl Emitter {
    fn flush_constants(&mut self, lane: u16) -> Option<Constants> {
        let both = |x: u64| u128::from(x) << 64 | u128::from(x);
        let (magnitude, exponent, smallest) = if lane == 3 {
            (u64::MAX >> 1, 0x7ff << 52, 1 << 52)
        } else {
            let twice = |x: u64| x << 32 | x;
            (twice(0x7fff_ffff), twice(0x7f80_0000), twice(0x0080_0000))
        };
        Some(Constants {
            magnitude: self.pooled(both(magnitude))?,
            exponent: self.pooled(both(exponent))?,
            smallest: self.pooled(both(smallest))?,
            ones: self.pooled(u128::MAX)?,
            zero: self.pooled(0)?,
        })
    }

    /// Jumps to the cold path if a lane of `x` is a denormal number (or the smallest normal one); `t` is destroyed. Less one, those
    /// and only those have no bit of the exponent set.
    fn if_denormal(&mut self, lane: u16, x: Reg, t: Reg, c: &Constants) -> usize {
        self.denormal_lanes(lane, x, t, c);
        self.asm.v2(v::PTEST, t, t);
        self.asm.jcc32(Cc::Ne)
    }

    /// `t` := all ones in the lanes of `x` that [`Emitter::if_denormal`] is about.
    fn denormal_lanes(&mut self, lane: u16, x: Reg, t: Reg, c: &Constants) {
        let s = lane as usize;
        self.asm.v3(v::PAND, t, x, c.magnitude);
        self.asm.v3(v::PADD[s], t, t, c.ones);
        self.asm.v3(v::PAND, t, t, c.exponent);
        self.asm.v3(v::PCMPEQ[s], t, t, c.zero);
    }

    /// An op of floating point in a block that flushes.
    pub(super) fn flushing_op(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        let opcode = match op.code {
            FAdd | VFAdd => 0x58,
            FSub | VFSub => 0x5c,
            FMul | VFMul => 0x59,
            FDiv | VFDiv => 0x5e,
            FSqrt | VFSqrt => 0x51,
            FMulAdd | VFMulAdd => 0,
            _ => return self.soft(b, op),
        };
        let scalar = matches!(op.code, FAdd | FSub | FMul | FDiv | FSqrt | FMulAdd);
        // A sum of numbers that are not denormal is exact where it is; a root never is one.
        let exact = matches!(opcode, 0x58 | 0x5c | 0x51);
        let lane = op.aux;
        let x = self.xmm(b, op.a)?;
        let y = if op.b == NONE { x } else { self.xmm(b, op.b)? };
        let z = if op.c == NONE { y } else { self.xmm(b, op.c)? };
        let (Some(c), false) = (self.flush_constants(lane), all_scratch(x, y, z)) else {
            return self.soft(b, op);
        };
        // All registers before the first jump: what is spilled for them is spilled on both ways.
        let (d, temporary) = if scalar {
            self.result_register()?
        } else {
            (self.def_xmm_early()?, false)
        };
        let t = self.alloc_xmm()?;
        if !exact {
            self.asm.stmxcsr(frame::MXCSR);
        }
        self.denormal_lanes(lane, x, d, &c);
        for other in [y, z].into_iter().take(if y == z { 1 } else { 2 }) {
            if other != x {
                self.denormal_lanes(lane, other, t, &c);
                self.asm.v3(v::POR, d, d, t);
            }
        }
        self.asm.v2(v::PTEST, d, d);
        let mut fields = vec![self.asm.jcc32(Cc::Ne)];
        if opcode == 0 {
            self.asm.vmov(d, z);
            self.asm.v3(v::fma231(op.aux2, lane, scalar), d, x, y);
        } else if op.b == NONE && !scalar {
            self.asm.v2(v::fp(opcode, lane, false), d, x);
        } else {
            self.asm.v3(v::fp(opcode, lane, scalar), d, x, y);
        }
        match (exact, scalar) {
            (true, _) => {
                fields.push(self.if_denormal(lane, d, t, &c));
                if scalar {
                    self.asm.v2(v::comis(lane, false), d, d);
                    fields.push(self.asm.jcc32(Cc::P));
                } else {
                    self.asm.v3i(v::cmp(lane), t, d, d, UNORDERED);
                    self.asm.v2(v::PTEST, t, t);
                    fields.push(self.asm.jcc32(Cc::Ne));
                }
            }
            // Zero as well: what was too small may have become it.
            (false, true) => {
                self.asm.v3(v::PAND, t, d, c.magnitude);
                self.asm.v2(v::comis(lane, false), t, c.smallest);
                fields.push(self.asm.jcc32(Cc::Be));
            }
            (false, false) => {
                self.asm.v3(v::PAND, t, d, c.magnitude);
                self.asm.v3i(v::cmp(lane), t, t, c.smallest, NOT_GREATER);
                self.asm.v2(v::PTEST, t, t);
                fields.push(self.asm.jcc32(Cc::Ne));
            }
        }
        self.free_temp(t + XMM);
        if scalar {
            let upper = self.zero_of(if opcode == 0 { op.c } else { op.a });
            self.finish_scalar(b, op, lane, (d, temporary), upper, &fields)?;
        } else {
            let operands = self.operand_registers(b, op);
            self.cold(&fields, operands, d + XMM);
            self.kill(op);
        }
        if !exact && let Some(cold) = self.colds.last_mut() {
            cold.saved_mxcsr = true;
        }
        Ok(())
    }
}
