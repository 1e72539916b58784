//! Arm's alternative half-precision format (FPCR.AHP = 1): no infinities and NaNs, exponent 31 is that of numbers.

use super::AArch64;
use crate::ir::fp::{DOUBLE, Format, FpEnv, HALF, SINGLE};
use crate::ir::{CpuState, FpRound, Helper, HelperFn, fp_flag};
use crate::isa::Isa;

/// Converts lane 0 of the argument between the alternative half format and single or double precision. The immediate has the
/// log2 size of the source in bits 7:0 and that of the result in bits 15:8; one of them is 1.
pub const CONVERT: Helper = Helper {
    name: "convert_ahp",
    func: HelperFn::Vec(convert),
    touches_state: true,
};

extern "sysv64" fn convert(cpu: &mut CpuState, imm: u64) {
    let mut env = FpEnv {
        rules: AArch64.fp_rules(cpu.mode),
        round: cpu.fp_round,
        flags: 0,
    };
    let format = |lane: u64| if lane == 3 { DOUBLE } else { SINGLE };
    let x = cpu.vargs[0];
    let (from, to) = (imm & 0xff, imm >> 8 & 0xff);
    let value = if from == 1 {
        widen(&mut env, format(to), x as u16)
    } else {
        let mask = u64::MAX >> (64 - (8 << from));
        narrow(&mut env, format(from), x as u64 & mask).into()
    };
    cpu.fp_flags |= env.flags;
    cpu.vargs[0] = value.into();
}

/// To single or double precision.
pub(super) fn widen(env: &mut FpEnv, to: Format, half: u16) -> u64 {
    if half & 0x7c00 != 0x7c00 {
        return env.convert(HALF, to, half.into(), FpRound::Dynamic);
    }
    let mag = u128::from(half & 0x3ff | 0x400);
    env.round_pack(to, half >> 15 != 0, mag, 31 - 15 - 10, FpRound::Dynamic)
}

/// From single or double precision: the manual's FPConvert to half precision with `alt_hp`: a NaN becomes zero, what is too large the largest number; both are
/// Invalid rather than Overflow.
pub(super) fn narrow(env: &mut FpEnv, from: Format, x: u64) -> u16 {
    // As half precision, but with room for large exponents: only the exponent's bias differs.
    const WIDE: Format = Format { frac: 10, exp: 8 };
    const WIDE_BIAS: u64 = 127;
    let sign = (x >> (from.frac + from.exp)) as u16 & 1;
    let sign = sign << 15;
    if from.is_nan(x) {
        env.flags |= fp_flag::INVALID;
        return sign;
    }
    let mut wide = *env;
    let rounded = wide.convert(from, WIDE, x, FpRound::Dynamic);
    let magnitude = rounded & 0x3_ffff;
    let exponent = magnitude >> 10;
    if exponent >= WIDE_BIAS + 17 {
        env.flags |= fp_flag::INVALID;
        sign | 0x7fff
    } else if exponent >= WIDE_BIAS + 15 {
        env.flags = wide.flags;
        sign | ((exponent - WIDE_BIAS + 15) << 10) as u16 | (magnitude & 0x3ff) as u16
    } else {
        env.convert(from, HALF, x, FpRound::Dynamic) as u16
    }
}
