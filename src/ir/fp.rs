//! Exact IEEE 754 semantics of the IR's floating-point ops on one lane: NaN rules, rounding, exceptions, flushing.
//!
//! This is the reference: the interpreter calls it for every op, the JIT on its cold paths. Arithmetic on numbers is the
//! host's SSE unit (exact by IEEE 754); what differs between architectures, NaNs, tininess and conversions, is done here.
//! Sources: Arm ARM, shared pseudocode (FPProcessNaNs, FPRound, FPToFixed, FixedToFP); MIPS Architecture volume I-A, chapter 5.

use super::block::{FpRules, NanRule};
use super::op::{FCond, FpRound};
use super::state::fp_flag::{DIV_BY_ZERO, INEXACT, INPUT_DENORMAL, INVALID, OVERFLOW, UNDERFLOW};
use crate::host::sse;

/// An interchange format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Width of the fraction field.
    pub frac: u32,
    /// Width of the exponent field.
    pub exp: u32,
}

/// binary16
pub const HALF: Format = Format { frac: 10, exp: 5 };
/// binary32
pub const SINGLE: Format = Format { frac: 23, exp: 8 };
/// binary64
pub const DOUBLE: Format = Format { frac: 52, exp: 11 };

impl Format {
    /// The format of lanes of `1 << lane` bytes.
    pub fn of_lane(lane: u16) -> Format {
        match lane {
            1 => HALF,
            2 => SINGLE,
            _ => DOUBLE,
        }
    }

    /// The sign bit alone.
    pub const fn sign_bit(self) -> u64 {
        1 << (self.frac + self.exp)
    }

    const fn frac_mask(self) -> u64 {
        (1 << self.frac) - 1
    }

    const fn max_exp(self) -> u64 {
        (1 << self.exp) - 1
    }

    const fn bias(self) -> i32 {
        (1 << (self.exp - 1)) - 1
    }

    /// Infinity with that sign.
    pub const fn infinity(self, negative: bool) -> u64 {
        (self.max_exp() << self.frac) | if negative { self.sign_bit() } else { 0 }
    }

    const fn largest(self, negative: bool) -> u64 {
        self.infinity(negative) - 1
    }

    /// `x` without its sign bit.
    pub const fn magnitude(self, x: u64) -> u64 {
        x & (self.sign_bit() - 1)
    }

    const fn negative(self, x: u64) -> bool {
        x & self.sign_bit() != 0
    }

    /// Whether `x` is any NaN.
    pub const fn is_nan(self, x: u64) -> bool {
        self.magnitude(x) > self.infinity(false)
    }

    /// Whether `x` is a signalling NaN under `rule`.
    pub const fn is_signaling(self, x: u64, rule: NanRule) -> bool {
        let quiet_bit = x >> (self.frac - 1) & 1 != 0;
        self.is_nan(x) && quiet_bit == matches!(rule, NanRule::MipsLegacy)
    }

    const fn is_denormal(self, x: u64) -> bool {
        let m = self.magnitude(x);
        m != 0 && m <= self.frac_mask()
    }

    /// The default NaN of `rule`.
    pub const fn default_nan(self, rule: NanRule) -> u64 {
        match rule {
            NanRule::Arm | NanRule::Default => self.infinity(false) | 1 << (self.frac - 1),
            NanRule::MipsLegacy => self.infinity(false) | ((1 << (self.frac - 1)) - 1),
        }
    }
}

/// The environment of an operation; exceptions accumulate in `flags`.
#[derive(Clone, Copy, Debug)]
pub struct FpEnv {
    /// NaN and flushing rules.
    pub rules: FpRules,
    /// Rounding mode: 0 nearest even, 1 up, 2 down, 3 zero.
    pub round: u8,
    /// Raised exceptions ([`super::fp_flag`]).
    pub flags: u32,
}

/// Arithmetic operations on two or three operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Sqrt,
}

impl FpEnv {
    /// A NaN operand decides the result: the NaN that `rules` pick from `operands` (in the ISA's order of precedence), or `None`.
    pub fn process_nans(&mut self, f: Format, operands: &[u64]) -> Option<u64> {
        let rule = self.rules.nan;
        if !operands.iter().any(|x| f.is_nan(*x)) {
            return None;
        }
        let signaling = operands.iter().copied().find(|x| f.is_signaling(*x, rule));
        if signaling.is_some() {
            self.flags |= INVALID;
        }
        Some(match rule {
            NanRule::Arm => match signaling {
                Some(x) => x | 1 << (f.frac - 1),
                None => operands.iter().copied().find(|x| f.is_nan(*x)).unwrap_or(0),
            },
            NanRule::Default => f.default_nan(rule),
            // A signalling NaN can't be quieted by setting a bit, so a new NaN is made (volume I-A, 5.3.1).
            NanRule::MipsLegacy if signaling.is_some() => f.default_nan(rule),
            NanRule::MipsLegacy => operands.iter().copied().find(|x| f.is_nan(*x)).unwrap_or(0),
        })
    }

    /// Arm's FZ and MIPS's FS: a denormal operand counts as zero and says so. Half precision is exempt.
    pub fn flush_input(&mut self, f: Format, x: u64) -> u64 {
        if self.rules.flush_to_zero && f != HALF && f.is_denormal(x) {
            self.flags |= INPUT_DENORMAL;
            return x & f.sign_bit();
        }
        x
    }

    /// Finishes an SSE operation on numbers: default NaN, tininess before rounding, flushing.
    fn finish(&mut self, f: Format, run: impl Fn(u8) -> sse::Result) -> u64 {
        let (x, mut flags) = run(self.round);
        if f.is_nan(x) {
            self.flags |= flags;
            return f.default_nan(self.rules.nan);
        }
        let smallest_normal = 1 << f.frac;
        // Arm detects tininess before rounding, SSE after: they differ only for results that rounded up to the smallest normal.
        let tiny = f.magnitude(x) < smallest_normal
            && (f.magnitude(x) != 0 || flags & UNDERFLOW != 0)
            || self.rules.nan != NanRule::MipsLegacy
                && f.magnitude(x) == smallest_normal
                && flags & INEXACT != 0
                && f.magnitude(run(3).0) < smallest_normal;
        if tiny && self.rules.flush_to_zero {
            self.flags |= UNDERFLOW
                | if self.rules.nan == NanRule::MipsLegacy {
                    INEXACT
                } else {
                    0
                };
            return x & f.sign_bit();
        }
        if tiny && flags & INEXACT != 0 {
            flags |= UNDERFLOW;
        }
        self.flags |= flags;
        x
    }

    /// Two-operand arithmetic and square root (which ignores `b`).
    pub fn arith(&mut self, op: Arith, f: Format, a: u64, b: u64) -> u64 {
        let (a, b) = (
            self.flush_input(f, a),
            if op == Arith::Sqrt {
                0
            } else {
                self.flush_input(f, b)
            },
        );
        let operands = [a, b];
        if let Some(nan) = self.process_nans(
            f,
            if op == Arith::Sqrt {
                &operands[..1]
            } else {
                &operands
            },
        ) {
            return nan;
        }
        let double = f == DOUBLE;
        self.finish(f, |round| match op {
            Arith::Add => sse::add(double, a, b, 0, round),
            Arith::Sub => sse::sub(double, a, b, 0, round),
            Arith::Mul => sse::mul(double, a, b, 0, round),
            Arith::Div => sse::div(double, a, b, 0, round),
            Arith::Sqrt => sse::sqrt(double, a, 0, 0, round),
        })
    }

    /// Fused `a * b + c`. `negate` bit 0 flips the sign of `a`, bit 1 that of `c`, before anything else.
    pub fn mul_add(&mut self, f: Format, a: u64, b: u64, c: u64, negate: u16) -> u64 {
        let flip = |x: u64, bit: u16| {
            if negate >> bit & 1 != 0 {
                x ^ f.sign_bit()
            } else {
                x
            }
        };
        let (a, c) = (flip(a, 0), flip(c, 1));
        let (a, b, c) = (
            self.flush_input(f, a),
            self.flush_input(f, b),
            self.flush_input(f, c),
        );
        let infinite = |x| f.magnitude(x) == f.infinity(false);
        let zero = |x| f.magnitude(x) == 0;
        let invalid_product = infinite(a) && zero(b) || zero(a) && infinite(b);
        // Arm: the addend comes first among NaNs; infinity times zero with a quiet addend is invalid and gives the default NaN.
        if let Some(nan) = self.process_nans(f, &[c, a, b]) {
            if invalid_product && f.is_nan(c) && !f.is_signaling(c, self.rules.nan) {
                self.flags |= INVALID;
                return f.default_nan(self.rules.nan);
            }
            return nan;
        }
        self.finish(f, |round| sse::mul_add(f == DOUBLE, a, b, c, round))
    }

    /// Arm's FMIN, FMAX (`number` false) and FMINNM, FMAXNM (`number` true).
    pub fn min_max(&mut self, f: Format, mut a: u64, mut b: u64, max: bool, number: bool) -> u64 {
        if number {
            let quiet = |x| f.is_nan(x) && !f.is_signaling(x, self.rules.nan);
            let loser = f.infinity(max);
            match (quiet(a), quiet(b)) {
                (true, false) if !f.is_nan(b) => a = loser,
                (false, true) if !f.is_nan(a) => b = loser,
                _ => {}
            }
        }
        let (a, b) = (self.flush_input(f, a), self.flush_input(f, b));
        if let Some(nan) = self.process_nans(f, &[a, b]) {
            return nan;
        }
        // The order of the bits as sign and magnitude puts -0 below +0, as Arm does.
        let key = |x: u64| {
            if f.negative(x) {
                -(f.magnitude(x) as i64) - 1
            } else {
                f.magnitude(x) as i64
            }
        };
        if (key(a) >= key(b)) == max { a } else { b }
    }

    /// `None` if unordered. `signaling`: quiet NaNs raise Invalid too.
    pub fn order(
        &mut self,
        f: Format,
        a: u64,
        b: u64,
        signaling: bool,
    ) -> Option<std::cmp::Ordering> {
        let (a, b) = (self.flush_input(f, a), self.flush_input(f, b));
        if f.is_nan(a) || f.is_nan(b) {
            if signaling || f.is_signaling(a, self.rules.nan) || f.is_signaling(b, self.rules.nan) {
                self.flags |= INVALID;
            }
            return None;
        }
        let key = |x: u64| {
            if f.negative(x) {
                -(f.magnitude(x) as i64)
            } else {
                f.magnitude(x) as i64
            }
        };
        Some(key(a).cmp(&key(b)))
    }

    /// Arm's NZCV of a comparison, in bits 31:28.
    pub fn compare_nzcv(&mut self, f: Format, a: u64, b: u64, signaling: bool) -> u32 {
        use std::cmp::Ordering::*;
        (match self.order(f, a, b, signaling) {
            Some(Less) => 8,
            Some(Equal) => 6,
            Some(Greater) => 2,
            None => 3,
        }) << 28
    }

    /// A comparison as a truth value.
    pub fn compare(&mut self, f: Format, cond: FCond, a: u64, b: u64, signaling: bool) -> bool {
        use std::cmp::Ordering::*;
        let order = self.order(f, a, b, signaling);
        match cond {
            FCond::Unordered => order.is_none(),
            FCond::Eq => order == Some(Equal),
            FCond::UnorderedOrEq => matches!(order, None | Some(Equal)),
            FCond::Lt => order == Some(Less),
            FCond::UnorderedOrLt => matches!(order, None | Some(Less)),
            FCond::Le => matches!(order, Some(Less | Equal)),
            FCond::UnorderedOrLe => !matches!(order, Some(Greater)),
        }
    }

    /// A rounding mode with `Dynamic` resolved.
    fn resolve(&self, round: FpRound) -> FpRound {
        if round == FpRound::Dynamic {
            FpRound::from_u8(self.round)
        } else {
            round
        }
    }

    /// The value (-1)^`negative` * `mag` * 2^`exp` in format `f`, rounded (Arm's FPRound: tininess before rounding).
    pub fn round_pack(
        &mut self,
        f: Format,
        negative: bool,
        mag: u128,
        exp: i32,
        round: FpRound,
    ) -> u64 {
        let sign = if negative { f.sign_bit() } else { 0 };
        if mag == 0 {
            return sign;
        }
        let round = self.resolve(round);
        // Exponent of the leading bit, then of the last bit that the result keeps.
        let top = exp + 127 - mag.leading_zeros() as i32;
        let min_exp = 1 - f.bias();
        let tiny = top < min_exp;
        if tiny && self.rules.flush_to_zero && f != HALF {
            self.flags |= UNDERFLOW
                | if self.rules.nan == NanRule::MipsLegacy {
                    INEXACT
                } else {
                    0
                };
            return sign;
        }
        let last = top.max(min_exp) - f.frac as i32;
        let (kept, inexact) = shift_round(mag, last - exp, negative, round);
        if inexact {
            // MIPS detects tininess after rounding: not for what the full precision rounds up to the smallest normal.
            let rounds_to_normal = self.rules.nan == NanRule::MipsLegacy
                && top == min_exp - 1
                && shift_round(mag, top - f.frac as i32 - exp, negative, round).0 == 2 << f.frac;
            let underflow = tiny && !rounds_to_normal;
            self.flags |= INEXACT | if underflow { UNDERFLOW } else { 0 };
        }
        // Rounding up may carry into the exponent: adding the fraction to the biased exponent does that by itself.
        let biased = if tiny { 0 } else { (top + f.bias() - 1) as u64 };
        let bits = (biased << f.frac) + kept as u64;
        if bits >= f.infinity(false) {
            self.flags |= OVERFLOW | INEXACT;
            let to_infinity = match round {
                FpRound::Up => !negative,
                FpRound::Down => negative,
                FpRound::Zero => false,
                _ => true,
            };
            return if to_infinity {
                f.infinity(negative)
            } else {
                f.largest(negative)
            };
        }
        sign | bits
    }

    /// A finite non-zero number's magnitude and exponent: value = mag * 2^exp.
    fn unpack(f: Format, x: u64) -> (u64, i32) {
        let field = f.magnitude(x) >> f.frac;
        let frac = x & f.frac_mask();
        if field == 0 {
            (frac, 1 - f.bias() - f.frac as i32)
        } else {
            (frac | 1 << f.frac, field as i32 - f.bias() - f.frac as i32)
        }
    }

    /// Conversion between formats.
    pub fn convert(&mut self, from: Format, to: Format, x: u64, round: FpRound) -> u64 {
        let x = self.flush_input(from, x);
        let negative = from.negative(x);
        if from.is_nan(x) {
            let rule = self.rules.nan;
            if from.is_signaling(x, rule) {
                self.flags |= INVALID;
            }
            let made_anew = rule == NanRule::Default
                || rule == NanRule::MipsLegacy && from.is_signaling(x, rule);
            if made_anew {
                return to.default_nan(rule);
            }
            let frac = x & from.frac_mask();
            let frac = if to.frac >= from.frac {
                frac << (to.frac - from.frac)
            } else {
                frac >> (from.frac - to.frac)
            };
            let sign = if negative { to.sign_bit() } else { 0 };
            return match rule {
                // A legacy quiet NaN whose payload was cut to nothing would read as infinity.
                NanRule::MipsLegacy if frac == 0 => to.default_nan(rule),
                NanRule::MipsLegacy => sign | to.infinity(false) | frac,
                _ => sign | to.infinity(false) | frac | 1 << (to.frac - 1),
            };
        }
        if from.magnitude(x) == from.infinity(false) {
            return to.infinity(negative);
        }
        let (mag, exp) = Self::unpack(from, x);
        self.round_pack(to, negative, mag.into(), exp, round)
    }

    /// To an integral value in the same format; `exact`: raise Inexact when the value changes.
    pub fn round_int(&mut self, f: Format, x: u64, round: FpRound, exact: bool) -> u64 {
        let x = self.flush_input(f, x);
        if let Some(nan) = self.process_nans(f, &[x]) {
            return nan;
        }
        if f.magnitude(x) == f.infinity(false) || f.magnitude(x) == 0 {
            return x;
        }
        let (mag, exp) = Self::unpack(f, x);
        if exp >= 0 {
            return x;
        }
        let negative = f.negative(x);
        let (int, inexact) = shift_round(mag.into(), -exp, negative, self.resolve(round));
        if inexact && exact {
            self.flags |= INEXACT;
        }
        // An integral value below 2^(frac+1) is exact.
        let saved = self.flags;
        let bits = self.round_pack(f, negative, int, 0, FpRound::NearestEven);
        self.flags = saved;
        bits
    }

    /// To a `width`-bit integer with `fbits` fraction bits, saturating (see [`super::OpCode::FToInt`]).
    pub fn to_int(
        &mut self,
        f: Format,
        x: u64,
        width: u32,
        signed: bool,
        round: FpRound,
        fbits: u32,
    ) -> u64 {
        let x = self.flush_input(f, x);
        let mask = u64::MAX >> (64 - width);
        let legacy = self.rules.nan == NanRule::MipsLegacy;
        let largest = if signed { mask >> 1 } else { mask };
        let negative = f.negative(x);
        let smallest = if signed { mask ^ (mask >> 1) } else { 0 };
        let saturated = if legacy || !negative {
            largest
        } else {
            smallest
        };
        if f.is_nan(x) {
            self.flags |= INVALID;
            return if legacy { largest } else { 0 };
        }
        if f.magnitude(x) == 0 {
            return 0;
        }
        if f.magnitude(x) == f.infinity(false) {
            self.flags |= INVALID;
            return saturated;
        }
        let (mag, exp) = Self::unpack(f, x);
        let exp = exp + fbits as i32;
        let (int, inexact) = if exp > 64 {
            (u128::MAX, false)
        } else {
            shift_round(mag.into(), -exp, negative, self.resolve(round))
        };
        let limit = if !negative {
            u128::from(largest)
        } else {
            u128::from(smallest)
        };
        if int > limit {
            self.flags |= INVALID;
            return saturated;
        }
        if inexact {
            self.flags |= INEXACT;
        }
        (if negative {
            (int as u64).wrapping_neg()
        } else {
            int as u64
        }) & mask
    }

    /// From an integer of `width` bits with `fbits` fraction bits.
    pub fn from_int(
        &mut self,
        f: Format,
        x: u64,
        width: u32,
        signed: bool,
        round: FpRound,
        fbits: u32,
    ) -> u64 {
        let x = x & (u64::MAX >> (64 - width));
        let negative = signed && x >> (width - 1) & 1 != 0;
        let mag = if negative {
            x.wrapping_neg() & (u64::MAX >> (64 - width))
        } else {
            x
        };
        if mag == 0 {
            return 0;
        }
        self.round_pack(f, negative, mag.into(), -(fbits as i32), round)
    }
}

/// `mag >> shift` (left for a negative shift) rounded to an integer, and whether anything was lost.
fn shift_round(mag: u128, shift: i32, negative: bool, round: FpRound) -> (u128, bool) {
    if shift <= 0 {
        return (mag << (-shift).min(127), false);
    }
    let (int, rest, half) = if shift > 127 {
        (0, u128::from(mag != 0), 2)
    } else {
        (mag >> shift, mag & ((1 << shift) - 1), 1 << (shift - 1))
    };
    if rest == 0 {
        return (int, false);
    }
    let up = match round {
        FpRound::NearestEven | FpRound::Dynamic => rest > half || rest == half && int & 1 == 1,
        FpRound::NearestAway => rest >= half,
        FpRound::Up => !negative,
        FpRound::Down => negative,
        FpRound::Zero => false,
    };
    (int + u128::from(up), true)
}

/// All exceptions that arithmetic can raise, for masks.
pub const ALL_FLAGS: u32 = INVALID | DIV_BY_ZERO | OVERFLOW | UNDERFLOW | INEXACT | INPUT_DENORMAL;

#[cfg(test)]
mod tests {
    use super::*;

    fn env(nan: NanRule) -> FpEnv {
        FpEnv {
            rules: FpRules {
                nan,
                flush_to_zero: false,
            },
            round: 0,
            flags: 0,
        }
    }

    #[test]
    fn nan_rules() {
        let (snan, qnan) = (0x7ff0_0000_0000_0001, 0x7ff8_0000_0000_0002);
        let mut e = env(NanRule::Arm);
        assert_eq!(
            e.arith(Arith::Add, DOUBLE, qnan, snan),
            0x7ff8_0000_0000_0001
        );
        assert_eq!(e.flags, INVALID);
        let mut e = env(NanRule::Arm);
        assert_eq!(
            e.arith(
                Arith::Sub,
                DOUBLE,
                DOUBLE.infinity(false),
                DOUBLE.infinity(false)
            ),
            0x7ff8_0000_0000_0000
        );
        let mut e = env(NanRule::MipsLegacy);
        assert_eq!(
            e.arith(Arith::Mul, SINGLE, 0x7fbf_ffff, 0x3f80_0000),
            0x7fbf_ffff
        );
        assert_eq!(e.flags, 0);
        assert_eq!(
            e.arith(Arith::Mul, SINGLE, 0x7fc0_0000, 0x3f80_0000),
            0x7fbf_ffff
        );
        assert_eq!(e.flags, INVALID);
    }

    #[test]
    fn conversions_match_the_host() {
        let mut rng = 0x1234_5678_9abc_def0u64;
        for _ in 0..20_000 {
            rng = rng
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let x = f64::from_bits(rng.rotate_left((rng >> 58) as u32));
            let mut e = env(NanRule::Arm);
            if !x.is_nan() {
                assert_eq!(
                    e.convert(DOUBLE, SINGLE, x.to_bits(), FpRound::Dynamic),
                    u64::from((x as f32).to_bits()),
                    "{x:e}"
                );
                assert_eq!(
                    e.to_int(DOUBLE, x.to_bits(), 64, true, FpRound::Zero, 0),
                    x as i64 as u64,
                    "{x:e}"
                );
                assert_eq!(
                    e.to_int(DOUBLE, x.to_bits(), 32, false, FpRound::Zero, 0),
                    u64::from(x as u32),
                    "{x:e}"
                );
                assert_eq!(
                    f64::from_bits(e.round_int(DOUBLE, x.to_bits(), FpRound::Down, true)),
                    x.floor()
                );
                assert_eq!(
                    f64::from_bits(e.round_int(DOUBLE, x.to_bits(), FpRound::NearestAway, true)),
                    x.round()
                );
            }
            assert_eq!(
                e.from_int(DOUBLE, rng, 64, true, FpRound::Dynamic, 0),
                (rng as i64 as f64).to_bits()
            );
            assert_eq!(
                e.from_int(SINGLE, rng, 64, false, FpRound::Dynamic, 0),
                u64::from((rng as f32).to_bits())
            );
        }
        let mut e = env(NanRule::Arm);
        assert_eq!(
            e.convert(SINGLE, HALF, 1.5f32.to_bits().into(), FpRound::Dynamic),
            0x3e00
        );
        assert_eq!(e.convert(HALF, SINGLE, 1, FpRound::Dynamic), 0x3380_0000);
        assert_eq!(e.flags, 0);
        assert_eq!(
            e.convert(SINGLE, HALF, 1e6f32.to_bits().into(), FpRound::Dynamic),
            0x7c00
        );
        assert_eq!(e.flags, OVERFLOW | INEXACT);
    }

    #[test]
    fn tininess_is_detected_before_rounding_on_arm() {
        // 0x1.fffffffffffffp-1 * smallest normal rounds up to the smallest normal.
        let (a, b) = (0x3fef_ffff_ffff_ffff, 0x0010_0000_0000_0000);
        let mut e = env(NanRule::Arm);
        assert_eq!(e.arith(Arith::Mul, DOUBLE, a, b), b);
        assert_eq!(e.flags, UNDERFLOW | INEXACT);
    }

    #[test]
    fn tininess_is_detected_after_rounding_on_mips() {
        // Just below the smallest normal single, by less than half of the last place; then by more.
        let mut e = env(NanRule::MipsLegacy);
        let x = 0x380f_ffff_ffff_ffff;
        assert_eq!(e.convert(DOUBLE, SINGLE, x, FpRound::Dynamic), 0x0080_0000);
        assert_eq!(e.flags, INEXACT);
        let mut e = env(NanRule::MipsLegacy);
        let x = 0x380f_ffff_e000_0000;
        assert_eq!(e.convert(DOUBLE, SINGLE, x, FpRound::Dynamic), 0x0080_0000);
        assert_eq!(e.flags, INEXACT | UNDERFLOW);
    }

    #[test]
    fn minimum_orders_zeros_and_prefers_numbers() {
        let (nz, pz, qnan) = (1 << 63, 0, 0x7ff8_0000_0000_0000);
        let mut e = env(NanRule::Arm);
        assert_eq!(e.min_max(DOUBLE, pz, nz, false, false), nz);
        assert_eq!(e.min_max(DOUBLE, nz, pz, true, false), pz);
        assert_eq!(
            e.min_max(DOUBLE, qnan, 1f64.to_bits(), true, true),
            1f64.to_bits()
        );
        assert_eq!(e.min_max(DOUBLE, qnan, 1f64.to_bits(), true, false), qnan);
        assert_eq!(e.flags, 0);
    }
}
