//! Vectors as rows of lanes, for the helpers that no IR op states. Lane values are exact integers (`i128`), so that sums,
//! products and shifts of 64-bit lanes need no care; only the end result is cut to the lane.

/// What part of a vector an instruction works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Log2 of the lane's size in bytes: 0 to 3.
    pub lane: u16,
    /// Bytes of the result that are computed: 16, 8, or one lane for the scalar forms. The bytes above become zero.
    pub bytes: u16,
}

impl Shape {
    /// All lanes of a whole register.
    pub const fn full(lane: u16) -> Shape {
        Shape { lane, bytes: 16 }
    }

    /// The shape and `arg` as a helper's immediate.
    pub fn pack(self, arg: u16) -> i64 {
        i64::from(self.lane) | i64::from(self.bytes) << 8 | i64::from(arg) << 16
    }

    /// From a helper's immediate.
    pub fn unpack(imm: u64) -> (Shape, u16) {
        let shape = Shape {
            lane: (imm & 3) as u16,
            bytes: (imm >> 8 & 31) as u16,
        };
        (shape, (imm >> 16) as u16)
    }

    /// Lane width in bits.
    pub const fn bits(self) -> u32 {
        8 << self.lane
    }

    /// Number of lanes.
    pub const fn count(self) -> usize {
        (self.bytes >> self.lane) as usize
    }

    /// Lane `i` of `v` as an unsigned number.
    pub fn unsigned(self, v: u128, i: usize) -> i128 {
        (v >> (i as u32 * self.bits()) & self.mask()) as i128
    }

    /// Lane `i` of `v` as a signed number.
    pub fn signed(self, v: u128, i: usize) -> i128 {
        sign_extend(self.unsigned(v, i), self.bits())
    }

    /// Lane `i` of `v` as a number of that signedness.
    pub fn get(self, signed: bool, v: u128, i: usize) -> i128 {
        if signed {
            self.signed(v, i)
        } else {
            self.unsigned(v, i)
        }
    }

    /// Lane `i` of `v` as bits.
    pub fn bits_of(self, v: u128, i: usize) -> u64 {
        self.unsigned(v, i) as u64
    }

    /// The vector whose lane `i` is the low bits of `f(i)`; bytes outside of the shape are zero.
    pub fn build(self, mut f: impl FnMut(usize) -> i128) -> u128 {
        (0..self.count()).fold(0, |v, i| {
            v | (f(i) as u128 & self.mask()) << (i as u32 * self.bits())
        })
    }

    /// As [`Shape::build`], of bit patterns.
    pub fn build_bits(self, mut f: impl FnMut(usize) -> u64) -> u128 {
        self.build(|i| i128::from(f(i)))
    }

    /// The vector with every lane (of all 16 bytes) equal to the low bits of `x`.
    pub fn splat(self, x: i128) -> u128 {
        Shape::full(self.lane).build(|_| x)
    }

    const fn mask(self) -> u128 {
        (1 << self.bits()) - 1
    }
}

/// The low `bits` bits of `x` as a signed number.
pub fn sign_extend(x: i128, bits: u32) -> i128 {
    x << (128 - bits) >> (128 - bits)
}

/// `x` brought into the range of a `bits`-bit integer; `qc` is set if that changed it.
pub fn saturate(x: i128, bits: u32, signed: bool, qc: &mut bool) -> i128 {
    let (min, max) = if signed {
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        (0, (1 << bits) - 1)
    };
    let y = x.clamp(min, max);
    *qc |= x != y;
    y
}

/// `x` shifted left by `by`, or right for a negative `by`; `round` adds half of the last bit first. `x` is a value of at most
/// 64 bits, so that amounts beyond 64 give what 64 gives, or saturate all the same.
pub fn shift(x: i128, by: i32, round: bool) -> i128 {
    if by >= 0 {
        // Out of range of every lane, with low bits zero.
        return if by > 63 && x != 0 {
            if x > 0 {
                i128::MAX >> 64 << 64
            } else {
                i128::MIN
            }
        } else {
            x << by.min(63)
        };
    }
    let by = -by;
    if by > 65 {
        return if round || x >= 0 { 0 } else { -1 };
    }
    let half = if round { 1 << (by - 1) } else { 0 };
    (x + half) >> by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_round_trip() {
        let v = 0x80ff_0001_7f00_1234_5678_9abc_def0_0102;
        for lane in 0..4 {
            let s = Shape::full(lane);
            assert_eq!(s.build(|i| s.signed(v, i)), v);
            assert_eq!(s.build(|i| s.unsigned(v, i)), v);
            assert_eq!(Shape::unpack(s.pack(0x1234) as u64), (s, 0x1234));
        }
        let half = Shape { lane: 1, bytes: 8 };
        assert_eq!(half.signed(v, 1), -0x2110);
        assert_eq!(half.build(|i| half.signed(v, i)), v & u64::MAX as u128);
    }

    #[test]
    fn shifts_beyond_the_width() {
        let mut qc = false;
        assert_eq!(shift(-1, -128, false), -1);
        assert_eq!(shift(-1, -128, true), 0);
        assert_eq!(shift(1 << 63, -64, true), 1);
        assert_eq!(shift(u64::MAX as i128, -65, true), 0);
        assert_eq!(shift(1, 127, false) as u64, 0);
        assert_eq!(
            saturate(shift(1, 127, false), 64, true, &mut qc),
            i64::MAX as i128
        );
        assert!(qc);
    }
}
