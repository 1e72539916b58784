//! SHA-1 and SHA-256 (FIPS 180-4) in the pieces that vector instructions have: four rounds, or four words of the schedule.
//! Words are 32-bit lanes, the earliest in lane 0.

type Words = [u32; 4];

fn words(v: u128) -> Words {
    [0, 32, 64, 96].map(|shift| (v >> shift) as u32)
}

fn vector(w: Words) -> u128 {
    (0..4).fold(0, |v, i| v | u128::from(w[i]) << (32 * i))
}

/// Four rounds of SHA-1: `abcd` in, with `e` in lane 0 and the schedule plus round constant in `wk`; the new `abcd`.
/// `part`: 0 choose, 1 parity, 2 majority.
pub fn sha1_rounds(abcd: u128, e: u128, wk: u128, part: u16) -> u128 {
    let [mut a, mut b, mut c, mut d] = words(abcd);
    let mut e = e as u32;
    for w in words(wk) {
        let f = match part {
            0 => d ^ (b & (c ^ d)),
            1 => b ^ c ^ d,
            _ => (b & c) | (d & (b | c)),
        };
        let next = a
            .rotate_left(5)
            .wrapping_add(f)
            .wrapping_add(e)
            .wrapping_add(w);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    vector([a, b, c, d])
}

/// The end of four words of SHA-1's schedule: `partial` is the exclusive or of the words 16, 14 and 8 before, `last` the four
/// before; each new word takes in the word 3 before it and is rotated.
pub fn sha1_schedule(partial: u128, last: u128) -> u128 {
    let [p0, p1, p2, p3] = words(partial);
    let [_, l1, l2, l3] = words(last);
    let w0 = (p0 ^ l1).rotate_left(1);
    let w1 = (p1 ^ l2).rotate_left(1);
    let w2 = (p2 ^ l3).rotate_left(1);
    let w3 = (p3 ^ w0).rotate_left(1);
    vector([w0, w1, w2, w3])
}

/// Four rounds of SHA-256 on `abcd` and `efgh` with schedule plus constants `wk`: the new `abcd`, or `efgh` if `second`.
pub fn sha256_rounds(abcd: u128, efgh: u128, wk: u128, second: bool) -> u128 {
    let [mut a, mut b, mut c, mut d] = words(abcd);
    let [mut e, mut f, mut g, mut h] = words(efgh);
    for w in words(wk) {
        let choose = g ^ (e & (f ^ g));
        let majority = (a & b) | (c & (a | b));
        let sigma1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let sigma0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t = h.wrapping_add(sigma1).wrapping_add(choose).wrapping_add(w);
        let next_a = t.wrapping_add(sigma0).wrapping_add(majority);
        (a, b, c, d, e, f, g, h) = (next_a, a, b, c, d.wrapping_add(t), e, f, g);
    }
    vector(if second { [e, f, g, h] } else { [a, b, c, d] })
}

/// The first half of four words of SHA-256's schedule: `w0` plus sigma 0 of the words after each.
pub fn sha256_schedule_start(w0: u128, w4: u128) -> u128 {
    let [a, b, c, d] = words(w0);
    let next = [b, c, d, w4 as u32];
    let mut i = 0;
    vector([a, b, c, d].map(|w| {
        let x = next[i];
        i += 1;
        w.wrapping_add(x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3)
    }))
}

/// The second half: `partial` plus the words 7 before (in `w8` and `w12`) and sigma 1 of the words 2 before.
pub fn sha256_schedule_end(partial: u128, w8: u128, w12: u128) -> u128 {
    let p = words(partial);
    let [_, w9, w10, w11] = words(w8);
    let seven_before = [w9, w10, w11, w12 as u32];
    let mut two_before = [(w12 >> 64) as u32, (w12 >> 96) as u32, 0, 0];
    let mut out = [0; 4];
    for i in 0..4 {
        let x = two_before[i];
        let sigma1 = x.rotate_right(17) ^ x.rotate_right(19) ^ x >> 10;
        out[i] = p[i].wrapping_add(seven_before[i]).wrapping_add(sigma1);
        if i < 2 {
            two_before[i + 2] = out[i];
        }
    }
    vector(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const K256: [u32; 64] = [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2,
    ];

    /// The padded block of the message "abc".
    fn abc() -> [u128; 4] {
        [0x6162_6380_u128, 0, 0, 24 << 96]
    }

    fn add(a: u128, b: u128) -> u128 {
        let (a, b) = (words(a), words(b));
        vector([0, 1, 2, 3].map(|i: usize| a[i].wrapping_add(b[i])))
    }

    #[test]
    fn sha256_of_abc() {
        let start: [u128; 2] = [
            vector([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a]),
            vector([0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]),
        ];
        let ([mut abcd, mut efgh], mut w) = (start, abc());
        for i in 0..16 {
            let k: Words = K256[4 * i..][..4].try_into().unwrap();
            let wk = add(w[0], vector(k));
            let next = sha256_schedule_end(sha256_schedule_start(w[0], w[1]), w[2], w[3]);
            (abcd, efgh) = (
                sha256_rounds(abcd, efgh, wk, false),
                sha256_rounds(abcd, efgh, wk, true),
            );
            w = [w[1], w[2], w[3], next];
        }
        assert_eq!(
            words(add(abcd, start[0])),
            [0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223]
        );
        assert_eq!(
            words(add(efgh, start[1])),
            [0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad]
        );
    }

    #[test]
    fn sha1_of_abc() {
        let start = vector([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
        let (mut abcd, mut e, mut w) = (start, 0xc3d2e1f0u32, abc());
        for i in 0..20 {
            let (part, k) = match i / 5 {
                0 => (0, 0x5a827999u32),
                1 => (1, 0x6ed9eba1),
                2 => (2, 0x8f1bbcdc),
                _ => (1, 0xca62c1d6),
            };
            let wk = add(w[0], vector([k; 4]));
            let next_e = (abcd as u32).rotate_left(30);
            abcd = sha1_rounds(abcd, e.into(), wk, part);
            e = next_e;
            let middle = w[0] >> 64 | w[1] << 64;
            let next = sha1_schedule(w[0] ^ middle ^ w[2], w[3]);
            w = [w[1], w[2], w[3], next];
        }
        assert_eq!(
            words(add(abcd, start)),
            [0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c]
        );
        assert_eq!(e.wrapping_add(0xc3d2e1f0), 0x9cd0d89d);
    }
}
