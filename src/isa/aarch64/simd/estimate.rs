//! Reciprocal and reciprocal square root: estimates and Newton-Raphson steps, exactly as the Arm ARM's shared pseudocode
//! defines them (RecipEstimate, RecipSqrtEstimate, FPRecipEstimate, FPRSqrtEstimate, FPRecpX, FPRecipStepFused,
//! FPRSqrtStepFused). Guests see every bit of an estimate, so tables of the host's instructions don't do.

use crate::ir::fp::{DOUBLE, Format, FpEnv, SINGLE};
use crate::ir::{FpRound, fp_flag};

/// The 9-bit estimate of 1/`a` for a 9-bit `a` in [256, 512).
fn recip(a: u64) -> u64 {
    let b = (1 << 19) / (a * 2 + 1);
    b.div_ceil(2)
}

/// The 9-bit estimate of 1/sqrt(`a`) for a 9-bit `a` in [128, 512).
fn recip_sqrt(a: u64) -> u64 {
    let a = if a < 256 {
        a * 2 + 1
    } else {
        ((a >> 1 << 1) + 1) * 2
    };
    // The largest b with a * b^2 < 2^28.
    let mut b: u64 = 512;
    while a * (b + 1) * (b + 1) < 1 << 28 {
        b += 1;
    }
    b.div_ceil(2)
}

/// URECPE on one word.
pub fn unsigned_recip(x: u64) -> u64 {
    if x >> 31 == 0 {
        0xffff_ffff
    } else {
        recip(x >> 23) << 23
    }
}

/// URSQRTE on one word.
pub fn unsigned_recip_sqrt(x: u64) -> u64 {
    if x >> 30 == 0 {
        0xffff_ffff
    } else {
        recip_sqrt(x >> 23) << 23
    }
}

/// Sign, exponent field, and the fraction field at the top of 52 bits.
fn split(f: Format, x: u64) -> (u64, i64, u64) {
    let exp = (f.magnitude(x) >> f.frac) as i64;
    let frac = (x & ((1 << f.frac) - 1)) << (DOUBLE.frac - f.frac);
    (x & f.sign_bit(), exp, frac)
}

/// The inverse of [`split`]; bits of the fraction that `f` has no room for are dropped.
fn join(f: Format, sign: u64, exp: i64, frac: u64) -> u64 {
    sign | (exp as u64) << f.frac | (frac & ((1 << 52) - 1)) >> (DOUBLE.frac - f.frac)
}

/// FRECPE
pub fn fp_recip(env: &mut FpEnv, f: Format, x: u64) -> u64 {
    let x = env.flush_input(f, x);
    if let Some(nan) = env.process_nans(f, &[x]) {
        return nan;
    }
    let (sign, mut exp, mut frac) = split(f, x);
    let negative = sign != 0;
    if f.magnitude(x) == f.infinity(false) {
        return sign;
    }
    if f.magnitude(x) == 0 {
        env.flags |= fp_flag::DIV_BY_ZERO;
        return f.infinity(negative);
    }
    // Below 2^-128 (single), 2^-1024 (double): the reciprocal overflows.
    if exp == 0 && frac < 1 << 50 {
        env.flags |= fp_flag::OVERFLOW | fp_flag::INEXACT;
        let to_infinity = match FpRound::from_u8(env.round) {
            FpRound::Up => !negative,
            FpRound::Down => negative,
            FpRound::Zero => false,
            _ => true,
        };
        return f.infinity(negative) - u64::from(!to_infinity);
    }
    let bias = (1i64 << (f.exp - 1)) - 1;
    if env.rules.flush_to_zero && exp >= 2 * bias - 1 {
        env.flags |= fp_flag::UNDERFLOW;
        return sign;
    }
    if exp == 0 {
        if frac >> 51 == 0 {
            exp = -1;
            frac <<= 2;
        } else {
            frac <<= 1;
        }
        frac &= (1 << 52) - 1;
    }
    let scaled = 1 << 8 | frac >> 44;
    let mut frac = (recip(scaled) & 0xff) << 44;
    let mut exp = 2 * bias - 1 - exp;
    // A denormal result: the leading one becomes explicit.
    match exp {
        0 => frac = 1 << 51 | frac >> 1,
        -1 => {
            frac = 1 << 50 | frac >> 2;
            exp = 0;
        }
        _ => {}
    }
    join(f, sign, exp, frac)
}

/// FRSQRTE
pub fn fp_recip_sqrt(env: &mut FpEnv, f: Format, x: u64) -> u64 {
    let x = env.flush_input(f, x);
    if let Some(nan) = env.process_nans(f, &[x]) {
        return nan;
    }
    let (sign, mut exp, mut frac) = split(f, x);
    if f.magnitude(x) == 0 {
        env.flags |= fp_flag::DIV_BY_ZERO;
        return f.infinity(sign != 0);
    }
    if sign != 0 {
        env.flags |= fp_flag::INVALID;
        return f.default_nan(env.rules.nan);
    }
    if x == f.infinity(false) {
        return 0;
    }
    if exp == 0 {
        while frac >> 51 == 0 {
            frac <<= 1;
            exp -= 1;
        }
        frac = frac << 1 & ((1 << 52) - 1);
    }
    let scaled = if exp & 1 == 0 {
        1 << 8 | frac >> 44
    } else {
        1 << 7 | frac >> 45
    };
    let bias = (1i64 << (f.exp - 1)) - 1;
    join(
        f,
        0,
        (3 * bias - 1 - exp) / 2,
        (recip_sqrt(scaled) & 0xff) << 44,
    )
}

/// FRECPX: the exponent inverted, for scaling before a division.
pub fn fp_recip_exponent(env: &mut FpEnv, f: Format, x: u64) -> u64 {
    let flushed = env.flush_input(f, x);
    if let Some(nan) = env.process_nans(f, &[flushed]) {
        return nan;
    }
    let (sign, exp, _) = split(f, x);
    let max = (1i64 << f.exp) - 1;
    join(f, sign, if exp == 0 { max - 1 } else { max ^ exp }, 0)
}

fn is_infinity_times_zero(f: Format, a: u64, b: u64) -> bool {
    let infinite = |x| f.magnitude(x) == f.infinity(false);
    let zero = |x| f.magnitude(x) == 0;
    infinite(a) && zero(b) || zero(a) && infinite(b)
}

/// FRECPS: 2 - `a` * `b`, fused; 2 for infinity times zero.
pub fn recip_step(env: &mut FpEnv, f: Format, a: u64, b: u64) -> u64 {
    let two = if f == SINGLE {
        0x4000_0000
    } else {
        2f64.to_bits()
    };
    let (a, b) = (env.flush_input(f, a ^ f.sign_bit()), env.flush_input(f, b));
    if is_infinity_times_zero(f, a, b) {
        return two;
    }
    env.mul_add(f, a, b, two, 0)
}

/// FRSQRTS: (3 - `a` * `b`) / 2, fused; 1.5 for infinity times zero.
pub fn recip_sqrt_step(env: &mut FpEnv, f: Format, a: u64, b: u64) -> u64 {
    let one_and_half = if f == SINGLE {
        0x3fc0_0000
    } else {
        1.5f64.to_bits()
    };
    let (a, b) = (env.flush_input(f, a ^ f.sign_bit()), env.flush_input(f, b));
    if is_infinity_times_zero(f, a, b) {
        return one_and_half;
    }
    // Halving one factor is exact when its exponent field is above 1, and then 1.5 - (a/2) * b is the same number; the larger
    // factor is the one to halve. If neither can be, the product is too small to matter beyond its sign and being inexact.
    let exp = |x| f.magnitude(x) >> f.frac;
    let max = (1 << f.exp) - 1;
    let halve = |x: u64| {
        if exp(x) > 1 && exp(x) < max {
            x - (1 << f.frac)
        } else {
            x
        }
    };
    let (a, b) = if exp(a) >= exp(b) {
        (halve(a), b)
    } else {
        (a, halve(b))
    };
    env.mul_add(f, a, b, one_and_half, 0)
}

/// FMULX: as a multiplication, but infinity times zero is 2 with the product's sign.
pub fn mul_extended(env: &mut FpEnv, f: Format, a: u64, b: u64) -> u64 {
    let (a, b) = (env.flush_input(f, a), env.flush_input(f, b));
    if is_infinity_times_zero(f, a, b) {
        let two = if f == SINGLE {
            0x4000_0000
        } else {
            2f64.to_bits()
        };
        return two | (a ^ b) & f.sign_bit();
    }
    env.arith(crate::ir::fp::Arith::Mul, f, a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_within_the_bound() {
        // The architecture promises an error below 1/256 of the true value.
        for a in 256..512 {
            let exact = (1u64 << 17) as f64 / (a as f64 + 0.5);
            assert!((recip(a) as f64 - exact).abs() < 1.5, "{a}");
        }
        for a in 128..512u64 {
            let exact = 256.0 / ((a as f64 + 0.5) / 512.0).sqrt();
            assert!((recip_sqrt(a) as f64 - exact).abs() < 1.5, "{a}");
        }
    }

    #[test]
    fn known_words() {
        assert_eq!(unsigned_recip(0x8000_0000), 0xff80_0000);
        assert_eq!(unsigned_recip(0x7fff_ffff), 0xffff_ffff);
        assert_eq!(unsigned_recip(0xffff_ffff), 0x8000_0000);
        assert_eq!(unsigned_recip_sqrt(0x4000_0000), 0xff80_0000);
    }
}
