//! Scalar floating point (the manual's C4.1, "Data Processing -- Scalar Floating-Point").

use super::decode::Feature::Fp;
use super::decode::{Insn, Row, row};
use super::translate::Translator;
use super::{helpers, mode};
use crate::ir::{Cond, FpRound, Op, OpCode, Ty, Val};
use crate::isa::Flow;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("FMOV (register)", Fp, "0 0 0 11110 ftype:2 1 000000 10000 Rn:5 Rd:5", |t, i| unary(t, i, |t, l, a| t.zext_v(l, a))),
    row("FABS (scalar)", Fp, "0 0 0 11110 ftype:2 1 000001 10000 Rn:5 Rd:5", |t, i| unary(t, i, |t, l, a| t.b.fp(OpCode::FAbs, Ty::V128, l, &[a]))),
    row("FNEG (scalar)", Fp, "0 0 0 11110 ftype:2 1 000010 10000 Rn:5 Rd:5", |t, i| unary(t, i, |t, l, a| t.b.fp(OpCode::FNeg, Ty::V128, l, &[a]))),
    row("FSQRT (scalar)", Fp, "0 0 0 11110 ftype:2 1 000011 10000 Rn:5 Rd:5", |t, i| unary(t, i, |t, l, a| t.b.fp(OpCode::FSqrt, Ty::V128, l, &[a]))),
    row("FCVT", Fp, "0 0 0 11110 ftype:2 1 0001 opc:2 10000 Rn:5 Rd:5", fcvt),
    row("FRINTN (scalar)", Fp, "0 0 0 11110 ftype:2 1 001000 10000 Rn:5 Rd:5", |t, i| round(t, i, FpRound::NearestEven, false)),
    row("FRINTP (scalar)", Fp, "0 0 0 11110 ftype:2 1 001001 10000 Rn:5 Rd:5", |t, i| round(t, i, FpRound::Up, false)),
    row("FRINTM (scalar)", Fp, "0 0 0 11110 ftype:2 1 001010 10000 Rn:5 Rd:5", |t, i| round(t, i, FpRound::Down, false)),
    row("FRINTZ (scalar)", Fp, "0 0 0 11110 ftype:2 1 001011 10000 Rn:5 Rd:5", |t, i| round(t, i, FpRound::Zero, false)),
    row("FRINTA (scalar)", Fp, "0 0 0 11110 ftype:2 1 001100 10000 Rn:5 Rd:5", |t, i| round(t, i, FpRound::NearestAway, false)),
    row("FRINTX (scalar)", Fp, "0 0 0 11110 ftype:2 1 001110 10000 Rn:5 Rd:5", |t, i| round(t, i, FpRound::Dynamic, true)),
    row("FRINTI (scalar)", Fp, "0 0 0 11110 ftype:2 1 001111 10000 Rn:5 Rd:5", |t, i| round(t, i, FpRound::Dynamic, false)),

    row("FMUL (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0000 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMul)),
    row("FDIV (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0001 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FDiv)),
    row("FADD (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0010 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FAdd)),
    row("FSUB (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0011 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FSub)),
    row("FMAX (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0100 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMax)),
    row("FMIN (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0101 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMin)),
    row("FMAXNM (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0110 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMaxNum)),
    row("FMINNM (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 0111 10 Rn:5 Rd:5", |t, i| binary(t, i, OpCode::FMinNum)),
    row("FNMUL (scalar)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 1000 10 Rn:5 Rd:5", fnmul),

    row("FMADD", Fp, "0 0 0 11111 ftype:2 0 Rm:5 0 Ra:5 Rn:5 Rd:5", |t, i| multiply_add(t, i, 0)),
    row("FMSUB", Fp, "0 0 0 11111 ftype:2 0 Rm:5 1 Ra:5 Rn:5 Rd:5", |t, i| multiply_add(t, i, NEGATE_PRODUCT)),
    row("FNMADD", Fp, "0 0 0 11111 ftype:2 1 Rm:5 0 Ra:5 Rn:5 Rd:5", |t, i| multiply_add(t, i, NEGATE_PRODUCT | NEGATE_ADDEND)),
    row("FNMSUB", Fp, "0 0 0 11111 ftype:2 1 Rm:5 1 Ra:5 Rn:5 Rd:5", |t, i| multiply_add(t, i, NEGATE_ADDEND)),

    row("FCMP", Fp, "0 0 0 11110 ftype:2 1 Rm:5 00 1000 Rn:5 0 0 000", |t, i| compare(t, i, false, false)),
    row("FCMP (zero)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 00 1000 Rn:5 0 1 000", |t, i| compare(t, i, true, false)),
    row("FCMPE", Fp, "0 0 0 11110 ftype:2 1 Rm:5 00 1000 Rn:5 1 0 000", |t, i| compare(t, i, false, true)),
    row("FCMPE (zero)", Fp, "0 0 0 11110 ftype:2 1 Rm:5 00 1000 Rn:5 1 1 000", |t, i| compare(t, i, true, true)),
    row("FCCMP", Fp, "0 0 0 11110 ftype:2 1 Rm:5 cond:4 01 Rn:5 0 nzcv:4", |t, i| conditional_compare(t, i, false)),
    row("FCCMPE", Fp, "0 0 0 11110 ftype:2 1 Rm:5 cond:4 01 Rn:5 1 nzcv:4", |t, i| conditional_compare(t, i, true)),
    row("FCSEL", Fp, "0 0 0 11110 ftype:2 1 Rm:5 cond:4 11 Rn:5 Rd:5", fcsel),
    row("FMOV (scalar, immediate)", Fp, "0 0 0 11110 ftype:2 1 imm8:8 100 00000 Rd:5", fmov_immediate),

    row("FCVTNS (scalar)", Fp, "sf 0 0 11110 ftype:2 1 00 000 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestEven, true, false)),
    row("FCVTNU (scalar)", Fp, "sf 0 0 11110 ftype:2 1 00 001 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestEven, false, false)),
    row("FCVTAS (scalar)", Fp, "sf 0 0 11110 ftype:2 1 00 100 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestAway, true, false)),
    row("FCVTAU (scalar)", Fp, "sf 0 0 11110 ftype:2 1 00 101 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::NearestAway, false, false)),
    row("FCVTPS (scalar)", Fp, "sf 0 0 11110 ftype:2 1 01 000 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Up, true, false)),
    row("FCVTPU (scalar)", Fp, "sf 0 0 11110 ftype:2 1 01 001 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Up, false, false)),
    row("FCVTMS (scalar)", Fp, "sf 0 0 11110 ftype:2 1 10 000 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Down, true, false)),
    row("FCVTMU (scalar)", Fp, "sf 0 0 11110 ftype:2 1 10 001 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Down, false, false)),
    row("FCVTZS (scalar, integer)", Fp, "sf 0 0 11110 ftype:2 1 11 000 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero, true, false)),
    row("FCVTZU (scalar, integer)", Fp, "sf 0 0 11110 ftype:2 1 11 001 000000 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero, false, false)),
    row("SCVTF (scalar, integer)", Fp, "sf 0 0 11110 ftype:2 1 00 010 000000 Rn:5 Rd:5", |t, i| from_int(t, i, true, false)),
    row("UCVTF (scalar, integer)", Fp, "sf 0 0 11110 ftype:2 1 00 011 000000 Rn:5 Rd:5", |t, i| from_int(t, i, false, false)),
    row("FCVTZS (scalar, fixed-point)", Fp, "sf 0 0 11110 ftype:2 0 11 000 scale:6 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero, true, true)),
    row("FCVTZU (scalar, fixed-point)", Fp, "sf 0 0 11110 ftype:2 0 11 001 scale:6 Rn:5 Rd:5", |t, i| to_int(t, i, FpRound::Zero, false, true)),
    row("SCVTF (scalar, fixed-point)", Fp, "sf 0 0 11110 ftype:2 0 00 010 scale:6 Rn:5 Rd:5", |t, i| from_int(t, i, true, true)),
    row("UCVTF (scalar, fixed-point)", Fp, "sf 0 0 11110 ftype:2 0 00 011 scale:6 Rn:5 Rd:5", |t, i| from_int(t, i, false, true)),

    row("FMOV (single to general)", Fp, "0 0 0 11110 00 1 00 110 000000 Rn:5 Rd:5", |t, i| fmov_to_general(t, i, 2, 0)),
    row("FMOV (general to single)", Fp, "0 0 0 11110 00 1 00 111 000000 Rn:5 Rd:5", fmov_from_general),
    row("FMOV (double to general)", Fp, "1 0 0 11110 01 1 00 110 000000 Rn:5 Rd:5", |t, i| fmov_to_general(t, i, 3, 0)),
    row("FMOV (general to double)", Fp, "1 0 0 11110 01 1 00 111 000000 Rn:5 Rd:5", fmov_from_general),
    row("FMOV (top half to general)", Fp, "1 0 0 11110 10 1 01 110 000000 Rn:5 Rd:5", |t, i| fmov_to_general(t, i, 3, 1)),
    row("FMOV (general to top half)", Fp, "1 0 0 11110 10 1 01 111 000000 Rn:5 Rd:5", fmov_to_top),
];

const NEGATE_PRODUCT: u16 = 1;
const NEGATE_ADDEND: u16 = 2;

/// Log2 bytes of the type in `ftype`: single or double. Half precision arithmetic (FEAT_FP16) is not implemented.
fn lane(i: Insn) -> Option<u16> {
    match i.bits(22, 2) {
        0 => Some(2),
        1 => Some(3),
        _ => None,
    }
}

fn unary(
    t: &mut Translator,
    i: Insn,
    f: fn(&mut Translator<'_, '_>, u16, Val) -> Val,
) -> Option<Flow> {
    let lane = lane(i)?;
    let a = t.v(i.rn());
    let value = f(t, lane, a);
    t.set_v(i.rd(), value);
    t.next()
}

fn binary(t: &mut Translator, i: Insn, code: OpCode) -> Option<Flow> {
    let lane = lane(i)?;
    let (a, b) = (t.v(i.rn()), t.v(i.rm()));
    let value = t.b.fp(code, Ty::V128, lane, &[a, b]);
    t.set_v(i.rd(), value);
    t.next()
}

fn fnmul(t: &mut Translator, i: Insn) -> Option<Flow> {
    let lane = lane(i)?;
    let (a, b) = (t.v(i.rn()), t.v(i.rm()));
    let product = t.b.fp(OpCode::FMul, Ty::V128, lane, &[a, b]);
    let value = t.b.fp(OpCode::FNeg, Ty::V128, lane, &[product]);
    t.set_v(i.rd(), value);
    t.next()
}

fn multiply_add(t: &mut Translator, i: Insn, negate: u16) -> Option<Flow> {
    let lane = lane(i)?;
    let operands = [t.v(i.rn()), t.v(i.rm()), t.v(i.ra())];
    let value = t.b.op(OpCode::FMulAdd, Ty::V128, &operands, lane, negate);
    t.set_v(i.rd(), value);
    t.next()
}

fn round(t: &mut Translator, i: Insn, round: FpRound, exact: bool) -> Option<Flow> {
    let lane = lane(i)?;
    let a = t.v(i.rn());
    let how = round as u16 | u16::from(exact) << 4;
    let value = t.b.op(OpCode::FRoundInt, Ty::V128, &[a], lane, how);
    t.set_v(i.rd(), value);
    t.next()
}

/// Between half, single and double precision.
fn fcvt(t: &mut Translator, i: Insn) -> Option<Flow> {
    let lane = |bits| match bits {
        0 => Some(2),
        1 => Some(3),
        3 => Some(1),
        _ => None,
    };
    let (from, to) = (lane(i.bits(22, 2))?, lane(i.bits(15, 2))?);
    if from == to {
        return None;
    }
    let a = t.v(i.rn());
    let value = if t.mode() & mode::AHP != 0 && (from == 1 || to == 1) {
        let imm = i64::from(from) | i64::from(to) << 8;
        t.b.call_vec(helpers::CONVERT_AHP, false, &[a], imm)
    } else {
        t.b.op(OpCode::FCvt, Ty::V128, &[a], from, to)
    };
    t.set_v(i.rd(), value);
    t.next()
}

fn compare(t: &mut Translator, i: Insn, zero: bool, signaling: bool) -> Option<Flow> {
    let lane = lane(i)?;
    let a = t.v(i.rn());
    let b = if zero { t.b.vconst(0) } else { t.v(i.rm()) };
    t.b.op(OpCode::FCmpF, Ty::None, &[a, b], lane, signaling.into());
    t.next()
}

fn cond(i: Insn) -> Cond {
    Cond::from_bits(i.bits(12, 4))
}

/// The comparison must not raise exceptions when the condition fails: it then compares zero with zero.
fn conditional_compare(t: &mut Translator, i: Insn, signaling: bool) -> Option<Flow> {
    let lane = lane(i)?;
    let (mut a, mut b) = (t.v(i.rn()), t.v(i.rm()));
    let always = matches!(cond(i), Cond::Al | Cond::Nv);
    if !always {
        let zero = t.b.vconst(0);
        a = t.b.cond_select(cond(i), a, zero);
        b = t.b.cond_select(cond(i), b, zero);
    }
    let mut flags =
        t.b.op(OpCode::FCmpNzcv, Ty::I32, &[a, b], lane, signaling.into());
    if !always {
        let otherwise = t.b.const32(i.bits(0, 4) << 28);
        flags = t.b.cond_select(cond(i), flags, otherwise);
    }
    t.b.op(OpCode::SetNzcv, Ty::None, &[flags], 0, 0);
    t.next()
}

fn fcsel(t: &mut Translator, i: Insn) -> Option<Flow> {
    let lane = lane(i)?;
    let a = t.v(i.rn());
    let value = if matches!(cond(i), Cond::Al | Cond::Nv) {
        a
    } else {
        let b = t.v(i.rm());
        t.b.cond_select(cond(i), a, b)
    };
    let value = t.zext_v(lane, value);
    t.set_v(i.rd(), value);
    t.next()
}

/// The manual's VFPExpandImm for single (`lane` 2) and double (3) precision.
pub(super) fn expand_immediate(imm8: u32, lane: u16) -> u64 {
    let imm = u64::from(imm8);
    let (exponent, fraction) = if lane == 3 { (11, 52) } else { (8, 23) };
    let sign = imm >> 7;
    let high = imm >> 6 & 1;
    // NOT(b6) : b6 repeated : b5 b4
    let repeated = if high != 0 {
        (1 << (exponent - 3)) - 1
    } else {
        0
    };
    let exp = (high ^ 1) << (exponent - 1) | repeated << 2 | imm >> 4 & 3;
    sign << (exponent + fraction) | exp << fraction | (imm & 15) << (fraction - 4)
}

fn fmov_immediate(t: &mut Translator, i: Insn) -> Option<Flow> {
    let value = expand_immediate(i.bits(13, 8), lane(i)?);
    let value = t.b.vconst(value.into());
    t.set_v(i.rd(), value);
    t.next()
}

/// Fraction bits of the fixed-point forms, 0 of the others. `None`: more than the register has.
fn fraction_bits(i: Insn, fixed: bool) -> Option<i64> {
    if !fixed {
        return Some(0);
    }
    let bits = 64 - i64::from(i.bits(10, 6));
    (i.sf() || bits <= 32).then_some(bits)
}

fn to_int(t: &mut Translator, i: Insn, round: FpRound, signed: bool, fixed: bool) -> Option<Flow> {
    let lane = lane(i)?;
    let imm = fraction_bits(i, fixed)?;
    let a = t.v(i.rn());
    let value = t.b.push(Op {
        a,
        aux: lane,
        aux2: round as u16 | u16::from(signed) << 4,
        imm,
        ..Op::new(OpCode::FToInt, Translator::int(i.sf()))
    });
    t.set_r(i.rd(), value);
    t.next()
}

fn from_int(t: &mut Translator, i: Insn, signed: bool, fixed: bool) -> Option<Flow> {
    let lane = lane(i)?;
    let imm = fraction_bits(i, fixed)?;
    let a = t.r(i.sf(), i.rn());
    let value = t.b.push(Op {
        a,
        aux: lane,
        aux2: u16::from(i.sf()) | u16::from(signed) << 4,
        imm,
        ..Op::new(OpCode::IntToF, Ty::V128)
    });
    t.set_v(i.rd(), value);
    t.next()
}

fn fmov_to_general(t: &mut Translator, i: Insn, lane: u16, index: u16) -> Option<Flow> {
    let a = t.v(i.rn());
    let value =
        t.b.op(OpCode::VToInt, Translator::int(i.sf()), &[a], lane, index);
    t.set_r(i.rd(), value);
    t.next()
}

fn fmov_from_general(t: &mut Translator, i: Insn) -> Option<Flow> {
    let a = t.r(i.sf(), i.rn());
    let value = t.b.op(OpCode::VFromInt, Ty::V128, &[a], 0, 0);
    t.set_v(i.rd(), value);
    t.next()
}

fn fmov_to_top(t: &mut Translator, i: Insn) -> Option<Flow> {
    let (a, b) = (t.v(i.rd()), t.x(i.rn()));
    let value = t.b.op(OpCode::VInsertInt, Ty::V128, &[a, b], 3, 1);
    t.set_v(i.rd(), value);
    t.next()
}
