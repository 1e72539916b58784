//! The meaning of the integer vector ops, and of the moves between vectors and integers.

use super::op::{Op, OpCode, Ty};

/// Bits of a lane of `1 << lane` bytes.
fn lane_mask(lane: u16) -> u128 {
    (1u128 << (8 << lane)) - 1
}

/// Lane `i` of size `lane`.
fn get(v: u128, lane: u16, i: u32) -> u64 {
    (v >> (i * (8 << lane)) & lane_mask(lane)) as u64
}

fn signed(x: u64, lane: u16) -> i64 {
    let shift = 64 - (8 << lane);
    (x << shift) as i64 >> shift
}

/// A vector made lane by lane.
fn build(lane: u16, f: impl Fn(u32) -> u64) -> u128 {
    (0..16u32 >> lane).fold(0, |v, i| {
        v | (u128::from(f(i)) & lane_mask(lane)) << (i * (8 << lane))
    })
}

/// `x` shifted left by the signed low byte of `y`, or right.
fn shift_variable(x: u64, y: u64, lane: u16, arithmetic: bool) -> u64 {
    match i32::from(y as i8) {
        64.. => 0,
        by @ 0.. => x << by,
        by if arithmetic => (signed(x, lane) >> (-by).min(63)) as u64,
        by => x.checked_shr(-by as u32).unwrap_or(0),
    }
}

/// Executes a vector op on values; `None` if `op` is not one.
pub fn exec(op: &Op, a: u128, b: u128, c: u128) -> Option<u128> {
    use OpCode::*;
    let s = op.aux;
    // Wide forms look at two lane sizes, permutes at lane numbers; everything else is one of these two shapes.
    let map1 = |f: &dyn Fn(u64) -> u64| build(s, |i| f(get(a, s, i)));
    let map2 = |f: &dyn Fn(u64, u64) -> u64| build(s, |i| f(get(a, s, i), get(b, s, i)));
    let ones = |t: bool| if t { u64::MAX } else { 0 };
    let (min_s, max_s, max_u) = {
        let bits = 8u32 << (s & 3);
        (
            (-1i128) << (bits - 1),
            (1i128 << (bits - 1)) - 1,
            (1i128 << bits) - 1,
        )
    };
    let sat_s = |x: i128| x.clamp(min_s, max_s) as u64;
    let sat_u = |x: i128| x.clamp(0, max_u) as u64;
    let wide_s = |x: u64| i128::from(signed(x, s));
    let n = 16u32 >> (s & 7).min(4);
    let pair = |i: u32| {
        let (v, j) = if i < n / 2 { (a, i) } else { (b, i - n / 2) };
        (get(v, s, 2 * j), get(v, s, 2 * j + 1))
    };
    let bits = 8u32 << (s & 3);
    let amount = u32::from(op.aux2);
    Some(match op.code {
        VFromInt => a,
        VToInt => get(a, s, op.aux2.into()).into(),
        VToIntS => {
            let x = signed(get(a, s, op.aux2.into()), s) as u64;
            if op.ty == Ty::I32 {
                u128::from(x as u32)
            } else {
                x.into()
            }
        }
        VInsertInt => build(s, |i| {
            if i == u32::from(op.aux2) {
                b as u64
            } else {
                get(a, s, i)
            }
        }),
        VInsertLane => build(s, |i| {
            if i == u32::from(op.aux2 & 15) {
                get(b, s, u32::from(op.aux2 >> 4))
            } else {
                get(a, s, i)
            }
        }),
        VDupInt => build(s, |_| a as u64),
        VDupLane => build(s, |_| get(a, s, op.aux2.into())),
        VZext => a & lane_mask(s),
        VAdd => map2(&|x, y| x.wrapping_add(y)),
        VSub => map2(&|x, y| x.wrapping_sub(y)),
        VMul => map2(&|x, y| x.wrapping_mul(y)),
        VAnd => a & b,
        VAndNot => a & !b,
        VOr => a | b,
        VOrNot => a | !b,
        VXor => a ^ b,
        VNot => !a,
        VSelect => a & b | !a & c,
        VNeg => map1(&|x| x.wrapping_neg()),
        VAbs => map1(&|x| signed(x, s).wrapping_abs() as u64),
        VCmpEq => map2(&|x, y| ones(x == y)),
        VCmpGtS => map2(&|x, y| ones(signed(x, s) > signed(y, s))),
        VCmpGtU => map2(&|x, y| ones(x > y)),
        VCmpGeS => map2(&|x, y| ones(signed(x, s) >= signed(y, s))),
        VCmpGeU => map2(&|x, y| ones(x >= y)),
        VMinS => map2(&|x, y| signed(x, s).min(signed(y, s)) as u64),
        VMinU => map2(&|x, y| x.min(y)),
        VMaxS => map2(&|x, y| signed(x, s).max(signed(y, s)) as u64),
        VMaxU => map2(&|x, y| x.max(y)),
        VShlI => map1(&|x| if amount >= bits { 0 } else { x << amount }),
        VShrUI => map1(&|x| if amount >= bits { 0 } else { x >> amount }),
        VShrSI => map1(&|x| (signed(x, s) >> amount.min(bits - 1)) as u64),
        VAddSatS => map2(&|x, y| sat_s(wide_s(x) + wide_s(y))),
        VAddSatU => map2(&|x, y| sat_u(i128::from(x) + i128::from(y))),
        VSubSatS => map2(&|x, y| sat_s(wide_s(x) - wide_s(y))),
        VSubSatU => map2(&|x, y| sat_u(i128::from(x) - i128::from(y))),
        VAvgU => map2(&|x, y| ((u128::from(x) + u128::from(y) + 1) >> 1) as u64),
        VMulDoubleHi => {
            let half = i128::from(op.aux2) << (bits - 1);
            map2(&|x, y| sat_s((2 * wide_s(x) * wide_s(y) + half) >> bits))
        }
        VShlVarU => map2(&|x, y| shift_variable(x, y, s, false)),
        VShlVarS => map2(&|x, y| shift_variable(x, y, s, true)),
        VPairAdd => build(s, |i| pair(i).0.wrapping_add(pair(i).1)),
        VPairMaxU => build(s, |i| pair(i).0.max(pair(i).1)),
        VPairMinU => build(s, |i| pair(i).0.min(pair(i).1)),
        VZipLo => build(s, |i| get(if i & 1 == 0 { a } else { b }, s, i / 2)),
        VZipHi => build(s, |i| get(if i & 1 == 0 { a } else { b }, s, n / 2 + i / 2)),
        VUnzipEven => build(s, |i| pair(i).0),
        VUnzipOdd => build(s, |i| pair(i).1),
        VTransposeEven => build(s, |i| get(if i & 1 == 0 { a } else { b }, s, i & !1)),
        VTransposeOdd => build(s, |i| get(if i & 1 == 0 { a } else { b }, s, i | 1)),
        VExtract => match amount {
            0 => a,
            16.. => b,
            _ => a >> (8 * amount) | b << (128 - 8 * amount),
        },
        VTable => build(0, |i| match get(b, 0, i) {
            j @ 0..16 => get(a, 0, j as u32),
            _ => 0,
        }),
        VReverse => {
            let group = 1u32 << (op.aux2 - s);
            build(s, |i| get(a, s, i ^ (group - 1)))
        }
        VPopCount => build(0, |i| get(a, 0, i).count_ones().into()),
        VWidenU => build(s + 1, |i| get(a, s, i)),
        VWidenS => build(s + 1, |i| signed(get(a, s, i), s) as u64),
        VNarrow => build(s, |i| if i < n / 2 { get(a, s + 1, i) } else { 0 }),
        VMulWideU => build(s + 1, |i| get(a, s, i).wrapping_mul(get(b, s, i))),
        VMulWideS => build(s + 1, |i| {
            signed(get(a, s, i), s).wrapping_mul(signed(get(b, s, i), s)) as u64
        }),
        VPmull64 => (0..64)
            .filter(|i| b >> i & 1 != 0)
            .fold(0, |r, i| r ^ (a & u128::from(u64::MAX)) << i),
        VSumBytes => build(3, |i| (0..8).map(|j| get(a, 0, 8 * i + j)).sum()),
        Sha1Rounds => super::sha::sha1_rounds(a, b, c, op.aux2),
        Sha1Schedule => super::sha::sha1_schedule(a, b),
        Sha256Rounds => super::sha::sha256_rounds(a, b, c, op.aux2 == 1),
        Sha256ScheduleStart => super::sha::sha256_schedule_start(a, b),
        Sha256ScheduleEnd => super::sha::sha256_schedule_end(a, b, c),
        AesEnc => super::aes::sub_shift(a),
        AesDec => super::aes::inv_sub_shift(a),
        AesMix => super::aes::mix_columns(a),
        AesUnmix => super::aes::inv_mix_columns(a),
        _ => return None,
    })
}
