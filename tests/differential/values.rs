//! Nasty operands.

use fastrand::Rng;

/// An integer of `bits` bits near an edge, or any.
pub fn integer(bits: u32, rng: &mut Rng) -> u64 {
    let mask = u64::MAX >> (64 - bits);
    let value = match rng.u32(..10) {
        0 => 0,
        1 => rng.u64(..16),
        2 => rng.u64(..16).wrapping_neg(),
        3 => 1 << rng.u32(..bits),
        4 => (1u64 << rng.u32(..bits)).wrapping_sub(1),
        5 => (1u64 << (bits - 1))
            .wrapping_add(rng.u64(..5))
            .wrapping_sub(2),
        6 => u64::MAX << rng.u32(..bits),
        _ => rng.u64(..) >> if rng.bool() { 0 } else { rng.u32(..64) },
    };
    value & mask
}

/// A floating-point number of that many exponent and fraction bits: special values, halves, limits of integers, or any.
pub fn float(exp: u32, frac: u32, rng: &mut Rng) -> u64 {
    let max = (1u64 << exp) - 1;
    let bias = max >> 1;
    let sign = rng.u64(..2) << (exp + frac);
    let any_frac = rng.u64(..) & ((1 << frac) - 1);
    let top = 1u64 << (frac - 1);
    let (e, f) = match rng.u32(..16) {
        0 => (0, 0),
        1 => (max, 0),
        2 => (max, any_frac | top),      // quiet NaN
        3 => (max, any_frac & !top | 1), // signalling NaN
        4 => (0, any_frac),
        5 => (0, 1 << rng.u32(..frac)),
        6 => (1, if rng.bool() { 0 } else { any_frac }),
        7 => (
            max - 1,
            if rng.bool() {
                (1 << frac) - 1
            } else {
                any_frac
            },
        ),
        8 => (bias, if rng.bool() { 0 } else { any_frac }),
        // Small integers and halves.
        9 => (bias + rng.u64(..4), rng.u64(..8) << (frac - 3)),
        // Around 2^31, 2^32, 2^63, 2^64.
        10 => {
            let e = bias + [30, 31, 32, 62, 63, 64][rng.usize(..6)];
            (
                e.min(max - 1),
                if rng.bool() {
                    0
                } else {
                    (1 << frac) - 1 - rng.u64(..4)
                },
            )
        }
        11 => (bias - rng.u64(..3), any_frac),
        12 => ((bias + rng.u64(..70)).min(max - 1), any_frac),
        13 => (bias.saturating_sub(rng.u64(..160)).max(1), any_frac),
        _ => (rng.u64(..max), any_frac),
    };
    sign | e << frac | f
}

/// A 128-bit vector with lanes of one kind.
pub fn vector(rng: &mut Rng) -> u128 {
    let kind = rng.u32(..8);
    let bits = match kind {
        0 | 5 => 16,
        1 | 6 => 32,
        2 | 3 | 7 => 64,
        _ => 8,
    };
    (0..128 / bits).fold(0, |all, n| {
        let lane = match kind {
            0 => float(5, 10, rng),
            1 => float(8, 23, rng),
            2 | 3 => float(11, 52, rng),
            _ => integer(bits, rng),
        };
        all | u128::from(lane) << (n * bits)
    })
}
