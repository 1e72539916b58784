//! FP arithmetic, comparisons and conversions in the formats S, D, W and L (volume II-A, tables 3.19 to 3.23).

use super::decode::{Insn, Row, row};
use super::regs;
use super::translate::{Done, Outcome, Refusal, Translator};
use crate::ir::{FCond, FpRound, OpCode, Ty, Val};

pub const ROWS: &[Row] = &[
    row("ADD.S", "010001 10000 ft:5 fs:5 fd:5 000000", add),
    row("ADD.D", "010001 10001 ft:5 fs:5 fd:5 000000", add),
    row("SUB.S", "010001 10000 ft:5 fs:5 fd:5 000001", sub),
    row("SUB.D", "010001 10001 ft:5 fs:5 fd:5 000001", sub),
    row("MUL.S", "010001 10000 ft:5 fs:5 fd:5 000010", mul),
    row("MUL.D", "010001 10001 ft:5 fs:5 fd:5 000010", mul),
    row("DIV.S", "010001 10000 ft:5 fs:5 fd:5 000011", div),
    row("DIV.D", "010001 10001 ft:5 fs:5 fd:5 000011", div),
    row("SQRT.S", "010001 10000 00000 fs:5 fd:5 000100", sqrt),
    row("SQRT.D", "010001 10001 00000 fs:5 fd:5 000100", sqrt),
    row("ABS.S", "010001 10000 00000 fs:5 fd:5 000101", abs),
    row("ABS.D", "010001 10001 00000 fs:5 fd:5 000101", abs),
    row("NEG.S", "010001 10000 00000 fs:5 fd:5 000111", neg),
    row("NEG.D", "010001 10001 00000 fs:5 fd:5 000111", neg),
    row("RECIP.S", "010001 10000 00000 fs:5 fd:5 010101", recip),
    row("RECIP.D", "010001 10001 00000 fs:5 fd:5 010101", recip),
    row("RSQRT.S", "010001 10000 00000 fs:5 fd:5 010110", rsqrt),
    row("RSQRT.D", "010001 10001 00000 fs:5 fd:5 010110", rsqrt),
    row("MADD.S", "010011 fr:5 ft:5 fs:5 fd:5 100 000", madd),
    row("MADD.D", "010011 fr:5 ft:5 fs:5 fd:5 100 001", madd),
    row("MSUB.S", "010011 fr:5 ft:5 fs:5 fd:5 101 000", msub),
    row("MSUB.D", "010011 fr:5 ft:5 fs:5 fd:5 101 001", msub),
    row("NMADD.S", "010011 fr:5 ft:5 fs:5 fd:5 110 000", nmadd),
    row("NMADD.D", "010011 fr:5 ft:5 fs:5 fd:5 110 001", nmadd),
    row("NMSUB.S", "010011 fr:5 ft:5 fs:5 fd:5 111 000", nmsub),
    row("NMSUB.D", "010011 fr:5 ft:5 fs:5 fd:5 111 001", nmsub),
    row(
        "C.cond.S",
        "010001 10000 ft:5 fs:5 cc:3 00 11 cond:4",
        c_cond,
    ),
    row(
        "C.cond.D",
        "010001 10001 ft:5 fs:5 cc:3 00 11 cond:4",
        c_cond,
    ),
    row("ROUND.L.S", "010001 10000 00000 fs:5 fd:5 001000", round_l),
    row("ROUND.L.D", "010001 10001 00000 fs:5 fd:5 001000", round_l),
    row("TRUNC.L.S", "010001 10000 00000 fs:5 fd:5 001001", trunc_l),
    row("TRUNC.L.D", "010001 10001 00000 fs:5 fd:5 001001", trunc_l),
    row("CEIL.L.S", "010001 10000 00000 fs:5 fd:5 001010", ceil_l),
    row("CEIL.L.D", "010001 10001 00000 fs:5 fd:5 001010", ceil_l),
    row("FLOOR.L.S", "010001 10000 00000 fs:5 fd:5 001011", floor_l),
    row("FLOOR.L.D", "010001 10001 00000 fs:5 fd:5 001011", floor_l),
    row("ROUND.W.S", "010001 10000 00000 fs:5 fd:5 001100", round_w),
    row("ROUND.W.D", "010001 10001 00000 fs:5 fd:5 001100", round_w),
    row("TRUNC.W.S", "010001 10000 00000 fs:5 fd:5 001101", trunc_w),
    row("TRUNC.W.D", "010001 10001 00000 fs:5 fd:5 001101", trunc_w),
    row("CEIL.W.S", "010001 10000 00000 fs:5 fd:5 001110", ceil_w),
    row("CEIL.W.D", "010001 10001 00000 fs:5 fd:5 001110", ceil_w),
    row("FLOOR.W.S", "010001 10000 00000 fs:5 fd:5 001111", floor_w),
    row("FLOOR.W.D", "010001 10001 00000 fs:5 fd:5 001111", floor_w),
    row("CVT.S.D", "010001 10001 00000 fs:5 fd:5 100000", cvt_s),
    row("CVT.S.W", "010001 10100 00000 fs:5 fd:5 100000", cvt_s),
    row("CVT.S.L", "010001 10101 00000 fs:5 fd:5 100000", cvt_s),
    row("CVT.D.S", "010001 10000 00000 fs:5 fd:5 100001", cvt_d),
    row("CVT.D.W", "010001 10100 00000 fs:5 fd:5 100001", cvt_d),
    row("CVT.D.L", "010001 10101 00000 fs:5 fd:5 100001", cvt_d),
    row("CVT.W.S", "010001 10000 00000 fs:5 fd:5 100100", cvt_w),
    row("CVT.W.D", "010001 10001 00000 fs:5 fd:5 100100", cvt_w),
    row("CVT.L.S", "010001 10000 00000 fs:5 fd:5 100101", cvt_l),
    row("CVT.L.D", "010001 10001 00000 fs:5 fd:5 100101", cvt_l),
];

/// A format of operands and results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Single precision.
    S,
    /// Double precision.
    D,
    /// 32-bit integer.
    W,
    /// 64-bit integer.
    L,
}

impl Format {
    /// Format of the field `fmt` of a COP1 instruction, for the four that rows have.
    fn of_fmt(i: Insn) -> Format {
        match i.fmt() {
            16 => Format::S,
            17 => Format::D,
            20 => Format::W,
            _ => Format::L,
        }
    }

    /// Format of a multiply-add (COP1X), in the low bit.
    fn of_cop1x(i: Insn) -> Format {
        if i.bits(0, 1) == 0 {
            Format::S
        } else {
            Format::D
        }
    }

    /// Log2 of the size in bytes.
    pub fn lane(self) -> u16 {
        match self {
            Format::S | Format::W => 2,
            Format::D | Format::L => 3,
        }
    }
}

impl Translator<'_, '_> {
    /// FP register `n` in format `f`, in lane 0. Which registers there are depends on FR: with FR = 0 an odd one is the upper half of
    /// the even slot below it and cannot hold 64 bits, and there is no format L.
    pub fn f(&mut self, f: Format, n: u32) -> Result<Val, Refusal> {
        if self.fr() || n & 1 == 0 {
            if f == Format::L && !self.fr() {
                return Err(Refusal::Reserved);
            }
            return Ok(self.b.get(Ty::V64, regs::fpr(n)));
        }
        if f.lane() == 3 {
            return Err(Refusal::Reserved);
        }
        let pair = self.b.get(Ty::V64, regs::fpr(n - 1));
        Ok(self.b.op(OpCode::VDupLane, Ty::V64, &[pair], 2, 1))
    }

    /// FP register `n` := lane 0 of `value` in format `f`; see [`Translator::f`]. 32 bits leave the other half of the slot alone.
    pub fn set_f(&mut self, f: Format, n: u32, value: Val) -> Result<(), Refusal> {
        let odd_half = !self.fr() && n & 1 == 1;
        if f.lane() == 3 {
            if odd_half || f == Format::L && !self.fr() {
                return Err(Refusal::Reserved);
            }
            self.b.set(Ty::V64, regs::fpr(n), value);
            return Ok(());
        }
        let slot = regs::fpr(n - u32::from(odd_half));
        let old = self.b.get(Ty::V64, slot);
        let merged = self.b.op(
            OpCode::VInsertLane,
            Ty::V64,
            &[old, value],
            2,
            odd_half.into(),
        );
        self.b.set(Ty::V64, slot, merged);
        Ok(())
    }

    /// Lane 0 as an integer of the format's size.
    pub fn f_bits(&mut self, f: Format, value: Val) -> Val {
        let ty = if f.lane() == 2 { Ty::I32 } else { Ty::I64 };
        self.b.op(OpCode::VToInt, ty, &[value], f.lane(), 0)
    }

    /// The constant in every lane of format `f` whose bits are `s` or `d`.
    fn f_const(&mut self, f: Format, s: u32, d: u64) -> Val {
        if f == Format::S {
            self.b.vconst(s.into())
        } else {
            self.b.vconst(d.into())
        }
    }

    fn one(&mut self, f: Format) -> Val {
        self.f_const(f, 0x3f80_0000, 0x3ff0_0000_0000_0000)
    }

    fn sign(&mut self, f: Format) -> Val {
        self.f_const(f, 1 << 31, 1 << 63)
    }
}

/// fd := compute(fs)
fn unary(
    t: &mut Translator<'_, '_>,
    i: Insn,
    compute: impl FnOnce(&mut Translator<'_, '_>, Format, Val) -> Val,
) -> Outcome {
    let f = Format::of_fmt(i);
    let a = t.f(f, i.fs())?;
    let value = t.fp_operation(f.lane(), |t| compute(t, f, a));
    t.set_f(f, i.fd(), value)?;
    Ok(Done::Next)
}

/// fd := code(fs, ft)
fn binary(t: &mut Translator<'_, '_>, i: Insn, code: OpCode) -> Outcome {
    let f = Format::of_fmt(i);
    let (a, b) = (t.f(f, i.fs())?, t.f(f, i.ft())?);
    let value = t.fp_operation(f.lane(), |t| t.b.fp(code, Ty::V64, f.lane(), &[a, b]));
    t.set_f(f, i.fd(), value)?;
    Ok(Done::Next)
}

fn add(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    binary(t, i, OpCode::FAdd)
}

fn sub(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    binary(t, i, OpCode::FSub)
}

fn mul(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    binary(t, i, OpCode::FMul)
}

fn div(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    binary(t, i, OpCode::FDiv)
}

fn sqrt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, |t, f, a| {
        t.b.fp(OpCode::FSqrt, Ty::V64, f.lane(), &[a])
    })
}

// With FCSR.ABS2008 = 0, ABS and NEG are arithmetic: they signal a signalling NaN and do not change the sign of a quiet one.
// Multiplication by +-1 is just that, and exact in every rounding mode.

fn abs(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, |t, f, a| {
        let (one, sign) = (t.one(f), t.sign(f));
        let sign = t.b.vec(OpCode::VAnd, f.lane(), &[a, sign]);
        let factor = t.b.vec(OpCode::VOr, f.lane(), &[sign, one]);
        t.b.fp(OpCode::FMul, Ty::V64, f.lane(), &[a, factor])
    })
}

fn neg(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, |t, f, a| {
        let minus_one = t.f_const(f, 0xbf80_0000, 0xbff0_0000_0000_0000);
        t.b.fp(OpCode::FMul, Ty::V64, f.lane(), &[a, minus_one])
    })
}

fn recip(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, |t, f, a| {
        let one = t.one(f);
        t.b.fp(OpCode::FDiv, Ty::V64, f.lane(), &[one, a])
    })
}

fn rsqrt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    unary(t, i, |t, f, a| {
        let root = t.b.fp(OpCode::FSqrt, Ty::V64, f.lane(), &[a]);
        let one = t.one(f);
        t.b.fp(OpCode::FDiv, Ty::V64, f.lane(), &[one, root])
    })
}

/// fd := fs * ft + fr or - fr, rounded twice; `negate`: the result's sign flipped.
fn multiply_add(t: &mut Translator<'_, '_>, i: Insn, code: OpCode, negate: bool) -> Outcome {
    let f = Format::of_cop1x(i);
    let (a, b, c) = (t.f(f, i.fs())?, t.f(f, i.ft())?, t.f(f, i.fr())?);
    let value = t.fp_operation(f.lane(), |t| {
        let product = t.b.fp(OpCode::FMul, Ty::V64, f.lane(), &[a, b]);
        let sum = t.b.fp(code, Ty::V64, f.lane(), &[product, c]);
        if negate {
            t.b.fp(OpCode::FNeg, Ty::V64, f.lane(), &[sum])
        } else {
            sum
        }
    });
    t.set_f(f, i.fd(), value)?;
    Ok(Done::Next)
}

fn madd(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    multiply_add(t, i, OpCode::FAdd, false)
}

fn msub(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    multiply_add(t, i, OpCode::FSub, false)
}

fn nmadd(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    multiply_add(t, i, OpCode::FAdd, true)
}

fn nmsub(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    multiply_add(t, i, OpCode::FSub, true)
}

/// The bits of cond: 3 a quiet NaN is invalid, 2 less, 1 equal, 0 unordered.
fn c_cond(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let f = Format::of_fmt(i);
    let (a, b) = (t.f(f, i.fs())?, t.f(f, i.ft())?);
    let cond = match i.bits(0, 3) {
        0 | 1 => FCond::Unordered,
        2 => FCond::Eq,
        3 => FCond::UnorderedOrEq,
        4 => FCond::Lt,
        5 => FCond::UnorderedOrLt,
        6 => FCond::Le,
        _ => FCond::UnorderedOrLe,
    };
    let signaling = i.bits(3, 1) != 0;
    let mut value = t.fp_operation(0, |t| t.b.fcompare(cond, signaling, f.lane(), a, b));
    // F and SF compare for the exception only.
    if i.bits(0, 3) == 0 {
        value = t.b.const32(0);
    }
    t.b.set(Ty::I32, regs::fcc(i.bits(8, 3)), value);
    Ok(Done::Next)
}

/// fd := fs as an integer of format `to`.
fn to_int(t: &mut Translator<'_, '_>, i: Insn, to: Format, round: FpRound) -> Outcome {
    let f = Format::of_fmt(i);
    let a = t.f(f, i.fs())?;
    let ty = if to == Format::W { Ty::I32 } else { Ty::I64 };
    let value = t.fp_operation(0, |t| t.b.f_to_int(ty, f.lane(), round, true, a));
    let value = t.b.op(OpCode::VFromInt, Ty::V64, &[value], 0, 0);
    t.set_f(to, i.fd(), value)?;
    Ok(Done::Next)
}

fn round_l(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::L, FpRound::NearestEven)
}

fn trunc_l(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::L, FpRound::Zero)
}

fn ceil_l(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::L, FpRound::Up)
}

fn floor_l(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::L, FpRound::Down)
}

fn cvt_l(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::L, FpRound::Dynamic)
}

fn round_w(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::W, FpRound::NearestEven)
}

fn trunc_w(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::W, FpRound::Zero)
}

fn ceil_w(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::W, FpRound::Up)
}

fn floor_w(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::W, FpRound::Down)
}

fn cvt_w(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    to_int(t, i, Format::W, FpRound::Dynamic)
}

/// fd := fs in the FP format `to`.
fn convert(t: &mut Translator<'_, '_>, i: Insn, to: Format) -> Outcome {
    let from = Format::of_fmt(i);
    let a = t.f(from, i.fs())?;
    let value = t.fp_operation(to.lane(), |t| match from {
        Format::S | Format::D => t.b.op(OpCode::FCvt, Ty::V64, &[a], from.lane(), to.lane()),
        Format::W | Format::L => {
            let int = t.f_bits(from, a);
            let signed_wide = 1 << 4 | u16::from(from == Format::L);
            t.b.op(OpCode::IntToF, Ty::V64, &[int], to.lane(), signed_wide)
        }
    });
    t.set_f(to, i.fd(), value)?;
    Ok(Done::Next)
}

fn cvt_s(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    convert(t, i, Format::S)
}

fn cvt_d(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    convert(t, i, Format::D)
}
