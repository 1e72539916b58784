//! The round steps of AES (FIPS 197, sections 5.1 and 5.3) on a state held column by column, byte 0 in the low bits.

/// Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197, 4.2).
const fn gf_mul(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a = (a << 1) ^ if a & 0x80 != 0 { 0x1b } else { 0 };
        b >>= 1;
    }
    product
}

/// The S-box (FIPS 197, 5.1.1): the inverse in GF(2^8), then an affine map. Generated from powers of the generator 3.
const SBOX: [u8; 256] = {
    let mut sbox = [0x63; 256];
    let (mut p, mut q) = (1u8, 1u8);
    loop {
        p = gf_mul(p, 3);
        q = gf_mul(q, 0xf6); // 0xf6 is the inverse of 3
        sbox[p as usize] =
            q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
        if p == 1 {
            break;
        }
    }
    sbox
};

const INV_SBOX: [u8; 256] = {
    let mut inv = [0; 256];
    let mut i = 0;
    while i < 256 {
        inv[SBOX[i] as usize] = i as u8;
        i += 1;
    }
    inv
};

/// SubBytes and ShiftRows.
pub fn sub_shift(state: u128) -> u128 {
    let s = state.to_le_bytes();
    u128::from_le_bytes(std::array::from_fn(|i| {
        SBOX[s[(i + 4 * (i % 4)) % 16] as usize]
    }))
}

/// InvSubBytes and InvShiftRows.
pub fn inv_sub_shift(state: u128) -> u128 {
    let s = state.to_le_bytes();
    u128::from_le_bytes(std::array::from_fn(|i| {
        INV_SBOX[s[(i + 12 * (i % 4)) % 16] as usize]
    }))
}

fn mix(state: u128, row: [u8; 4]) -> u128 {
    let s = state.to_le_bytes();
    u128::from_le_bytes(std::array::from_fn(|i| {
        (0..4).fold(0, |x, j| {
            x ^ gf_mul(s[i / 4 * 4 + j], row[(j + 4 - i % 4) % 4])
        })
    }))
}

/// MixColumns.
pub fn mix_columns(state: u128) -> u128 {
    mix(state, [2, 3, 1, 1])
}

/// InvMixColumns.
pub fn inv_mix_columns(state: u128) -> u128 {
    mix(state, [14, 11, 13, 9])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix B: the state through round 1.
    #[test]
    fn appendix_b() {
        let state = |s: &str| {
            u128::from_be_bytes(std::array::from_fn(|i| {
                u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()
            }))
            .swap_bytes()
        };
        let start = state("193de3bea0f4e22b9ac68d2ae9f84808");
        let shifted = state("d4bf5d30e0b452aeb84111f11e2798e5");
        let mixed = state("046681e5e0cb199a48f8d37a2806264c");
        assert_eq!(sub_shift(start), shifted);
        assert_eq!(mix_columns(shifted), mixed);
        assert_eq!(inv_sub_shift(shifted), start);
        assert_eq!(inv_mix_columns(mixed), shifted);
    }
}
