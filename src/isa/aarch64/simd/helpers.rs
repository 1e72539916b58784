//! Vector helpers: the instructions that no composition of IR ops states. Each takes its vectors from
//! [`CpuState::vargs`] and a packed [`Shape`] with an argument of its own as the immediate.

use super::estimate;
use super::lanes::{Shape, saturate, shift, sign_extend};
use super::qc;
use crate::ir::fp::{DOUBLE, Format, FpEnv, SINGLE};
use crate::ir::{CpuState, FpRound, Helper, HelperFn};
use crate::isa::Isa;
use crate::isa::aarch64::{AArch64, ahp};

macro_rules! helpers {
    ($($(#[$doc:meta])* $name:ident, $state:literal, $run:path;)*) => {
        /// Index of a helper in [`HELPERS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum VecHelper { $($(#[$doc])* $name,)* }

        impl VecHelper {
            /// Whether it keeps off FPSR, FPCR and QC.
            pub fn pure(self) -> bool {
                match self { $(VecHelper::$name => !$state,)* }
            }
        }

        /// The helpers, in the order of [`VecHelper`].
        pub const HELPERS: &[Helper] = &[$(Helper {
            name: stringify!($name),
            func: HelperFn::Vec({
                extern "sysv64" fn call(cpu: &mut CpuState, imm: u64) {
                    let (shape, arg) = Shape::unpack(imm);
                    let [a, b, c, _] = cpu.vargs;
                    cpu.vargs[0] = $run(cpu, shape, arg, [a, b, c]);
                }
                call
            }),
            touches_state: $state,
        },)*];
    };
}

helpers! {
    /// SRSHL (argument 1), URSHL.
    ShiftRound, false, shift_round;
    /// SQSHL, SQRSHL, UQSHL, UQRSHL by register: argument bit 0 signed, bit 1 rounding.
    ShiftRegSat, true, shift_reg_sat;
    /// SQSHL, UQSHL, SQSHLU by an immediate: argument bit 0 signed source, bit 1 signed result, bits 15:8 amount.
    ShiftImmSat, true, shift_imm_sat;
    /// SUQADD (argument 1: the first operand and the result are signed, the second is not), USQADD (the other way round).
    AddMixedSat, true, add_mixed_sat;
    /// SQABS, SQNEG (argument 1).
    AbsSat, true, abs_sat;
    /// SQDMULL (0), SQDMLAL (1), SQDMLSL (2) of the low lanes; the third vector is the accumulator. The shape is the result's.
    MulLongSat, true, mul_long_sat;
    /// PMUL on bytes, low halves.
    PolyMul, false, poly_mul;
    /// PMULL on bytes.
    PolyMulLong, false, poly_mul_long;
    /// CLZ, CLS (argument 1).
    LeadingZeros, false, leading_zeros;
    /// RBIT
    ReverseBits, false, reverse_bits;
    /// URECPE, URSQRTE (argument 1).
    UnsignedEstimate, false, unsigned_estimate;
    /// FRECPE (0), FRSQRTE (1), FRECPX (2).
    FpEstimate, true, fp_estimate;
    /// FRECPS (0), FRSQRTS (1), FMULX (2).
    FpStep, true, fp_step;
    /// From fixed-point lanes of the same size: argument bit 0 signed, bits 15:8 fraction bits.
    FixedToFp, true, fixed_to_fp;
    /// FCVTL from Arm's alternative half precision to single, of the low half.
    WidenAlternativeHalf, true, widen_alternative_half;
    /// FCVTN from single to Arm's alternative half precision, to the low half.
    NarrowAlternativeHalf, true, narrow_alternative_half;
    /// FCVTXN to the low half; the shape is the result's.
    NarrowToOdd, true, narrow_to_odd;
}

type Args = [u128; 3];

fn shift_round(_: &mut CpuState, s: Shape, arg: u16, [n, m, _]: Args) -> u128 {
    s.build(|i| {
        let by = sign_extend(s.unsigned(m, i), 8) as i32;
        shift(s.get(arg & 1 != 0, n, i), by, true)
    })
}

fn shift_reg_sat(cpu: &mut CpuState, s: Shape, arg: u16, [n, m, _]: Args) -> u128 {
    let (signed, round) = (arg & 1 != 0, arg & 2 != 0);
    saturating(cpu, s, |i, sat| {
        let by = sign_extend(s.unsigned(m, i), 8) as i32;
        saturate(shift(s.get(signed, n, i), by, round), s.bits(), signed, sat)
    })
}

fn shift_imm_sat(cpu: &mut CpuState, s: Shape, arg: u16, [n, ..]: Args) -> u128 {
    let by = i32::from(arg >> 8);
    saturating(cpu, s, |i, sat| {
        let x = shift(s.get(arg & 1 != 0, n, i), by, false);
        saturate(x, s.bits(), arg & 2 != 0, sat)
    })
}

fn add_mixed_sat(cpu: &mut CpuState, s: Shape, arg: u16, [a, b, _]: Args) -> u128 {
    let signed = arg == 1;
    saturating(cpu, s, |i, sat| {
        let sum = s.get(signed, a, i) + s.get(!signed, b, i);
        saturate(sum, s.bits(), signed, sat)
    })
}

fn abs_sat(cpu: &mut CpuState, s: Shape, arg: u16, [n, ..]: Args) -> u128 {
    saturating(cpu, s, |i, sat| {
        let x = s.signed(n, i);
        let y = if arg == 1 { -x } else { x.abs() };
        saturate(y, s.bits(), true, sat)
    })
}

fn mul_long_sat(cpu: &mut CpuState, s: Shape, arg: u16, [n, m, acc]: Args) -> u128 {
    let half = Shape {
        lane: s.lane - 1,
        bytes: 8,
    };
    saturating(cpu, s, |i, sat| {
        let product = 2 * half.signed(n, i) * half.signed(m, i);
        // The product saturates before the sum does: each may set QC.
        let product = saturate(product, s.bits(), true, sat);
        let acc = s.signed(acc, i);
        match arg {
            0 => product,
            1 => saturate(acc + product, s.bits(), true, sat),
            _ => saturate(acc - product, s.bits(), true, sat),
        }
    })
}

/// Builds a vector and records in QC whether any lane saturated.
fn saturating(cpu: &mut CpuState, s: Shape, mut f: impl FnMut(usize, &mut bool) -> i128) -> u128 {
    let mut sat = false;
    let v = s.build(|i| f(i, &mut sat));
    if sat {
        qc::set(cpu);
    }
    v
}

fn carryless(a: u64, b: u64) -> i128 {
    (0..8).fold(0, |sum, i| {
        if b >> i & 1 != 0 {
            sum ^ (i128::from(a) << i)
        } else {
            sum
        }
    })
}

fn poly_mul(_: &mut CpuState, s: Shape, _: u16, [n, m, _]: Args) -> u128 {
    s.build(|i| carryless(s.bits_of(n, i), s.bits_of(m, i)))
}

fn poly_mul_long(_: &mut CpuState, s: Shape, _: u16, [n, m, _]: Args) -> u128 {
    let byte = Shape::full(0);
    s.build(|i| carryless(byte.bits_of(n, i), byte.bits_of(m, i)))
}

fn leading_zeros(_: &mut CpuState, s: Shape, arg: u16, [n, ..]: Args) -> u128 {
    s.build(|i| {
        let x = s.signed(n, i);
        if arg == 1 {
            // Bits after the sign bit that equal it.
            let x = if x < 0 { !x } else { x };
            i128::from(x.leading_zeros() - (128 - s.bits()) - 1)
        } else {
            i128::from(s.unsigned(n, i).leading_zeros() - (128 - s.bits()))
        }
    })
}

fn reverse_bits(_: &mut CpuState, s: Shape, _: u16, [n, ..]: Args) -> u128 {
    s.build(|i| i128::from((s.bits_of(n, i) as u8).reverse_bits()))
}

fn unsigned_estimate(_: &mut CpuState, s: Shape, arg: u16, [n, ..]: Args) -> u128 {
    s.build_bits(|i| {
        let x = s.bits_of(n, i);
        if arg == 1 {
            estimate::unsigned_recip_sqrt(x)
        } else {
            estimate::unsigned_recip(x)
        }
    })
}

/// Builds a vector lane by lane under the guest's floating-point environment, and accumulates the exceptions.
fn floating(cpu: &mut CpuState, s: Shape, mut f: impl FnMut(&mut FpEnv, usize) -> u64) -> u128 {
    let mut env = FpEnv {
        rules: AArch64.fp_rules(cpu.mode),
        round: cpu.fp_round,
        flags: 0,
    };
    let v = s.build_bits(|i| f(&mut env, i));
    cpu.fp_flags |= env.flags;
    v
}

fn fp_estimate(cpu: &mut CpuState, s: Shape, arg: u16, [n, ..]: Args) -> u128 {
    let f = Format::of_lane(s.lane);
    floating(cpu, s, |env, i| {
        let x = s.bits_of(n, i);
        match arg {
            0 => estimate::fp_recip(env, f, x),
            1 => estimate::fp_recip_sqrt(env, f, x),
            _ => estimate::fp_recip_exponent(env, f, x),
        }
    })
}

fn fp_step(cpu: &mut CpuState, s: Shape, arg: u16, [n, m, _]: Args) -> u128 {
    let f = Format::of_lane(s.lane);
    floating(cpu, s, |env, i| {
        let (a, b) = (s.bits_of(n, i), s.bits_of(m, i));
        match arg {
            0 => estimate::recip_step(env, f, a, b),
            1 => estimate::recip_sqrt_step(env, f, a, b),
            _ => estimate::mul_extended(env, f, a, b),
        }
    })
}

fn fixed_to_fp(cpu: &mut CpuState, s: Shape, arg: u16, [n, ..]: Args) -> u128 {
    let f = Format::of_lane(s.lane);
    floating(cpu, s, |env, i| {
        let fbits = u32::from(arg >> 8);
        env.from_int(
            f,
            s.bits_of(n, i),
            s.bits(),
            arg & 1 != 0,
            FpRound::Dynamic,
            fbits,
        )
    })
}

fn widen_alternative_half(cpu: &mut CpuState, s: Shape, _: u16, [n, ..]: Args) -> u128 {
    let half = Shape::full(1);
    floating(cpu, s, |env, i| {
        ahp::widen(env, SINGLE, half.bits_of(n, i) as u16)
    })
}

fn narrow_alternative_half(cpu: &mut CpuState, s: Shape, _: u16, [n, ..]: Args) -> u128 {
    let single = Shape::full(2);
    floating(cpu, s, |env, i| {
        ahp::narrow(env, SINGLE, single.bits_of(n, i)).into()
    })
}

fn narrow_to_odd(cpu: &mut CpuState, s: Shape, _: u16, [n, ..]: Args) -> u128 {
    let double = Shape::full(3);
    floating(cpu, s, |env, i| round_to_odd(env, double.bits_of(n, i)))
}

/// Double to single, inexact results made odd: rounding them again to a narrower format is then exact (FCVTXN).
fn round_to_odd(env: &mut FpEnv, x: u64) -> u64 {
    let before = std::mem::take(&mut env.flags);
    let y = env.convert(DOUBLE, SINGLE, x, FpRound::Zero);
    let inexact = env.flags & crate::ir::fp_flag::INEXACT != 0;
    env.flags |= before;
    y | u64::from(inexact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_helper_is_at_its_index() {
        assert_eq!(HELPERS[VecHelper::ShiftRound as usize].name, "ShiftRound");
        assert_eq!(HELPERS[VecHelper::NarrowToOdd as usize].name, "NarrowToOdd");
        assert_eq!(HELPERS.len(), VecHelper::NarrowToOdd as usize + 1);
        assert!(VecHelper::PolyMul.pure() && !VecHelper::AbsSat.pure());
    }

    #[test]
    fn round_to_odd_keeps_the_sticky_bit() {
        let mut env = FpEnv {
            rules: Default::default(),
            round: 0,
            flags: 0,
        };
        let just_above_one = 1f64.to_bits() + 1;
        assert_eq!(round_to_odd(&mut env, just_above_one), 0x3f80_0001);
        assert_eq!(round_to_odd(&mut env, f64::MAX.to_bits()), 0x7f7f_ffff);
    }
}
