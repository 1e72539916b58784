//! The meaning of every op that computes a value or the flags: the interpreter runs on it and the JIT calls it for ops that it
//! has no code for.

use super::block::FpRules;
use super::fp::{Arith, Format, FpEnv};
use super::op::{Cmp, Cond, FCond, FpRound, Op, OpCode, Ty};
use super::state::CpuState;
use super::vector;

/// Executes `op` on operand values. An integer is zero-extended to 128 bits, so is the result. Reads and writes of `cpu` are
/// limited to the flags, the FP environment, and what helpers do. Returns `None` for ops that need more than values: registers,
/// constants, memory, control flow, calls.
pub fn exec(
    cpu: &mut CpuState,
    rules: FpRules,
    op: &Op,
    a: u128,
    b: u128,
    c: u128,
) -> Option<u128> {
    use OpCode::*;
    let value = match op.code {
        Adc | Sbc | CondValue | CondSelect | GetNzcv | AddF | SubF | AdcF | SbcF | AndF
        | SetNzcv | CondCompare => {
            return Some(exec_flags(cpu, op, a as u64, b as u64, a, b));
        }
        code if is_integer(code) => exec_int(op, a as u64, b as u64).into(),
        Compare => {
            // The operands' type is not in the op: 32-bit operands come zero-extended, so signed comparisons need the width.
            let wide = op.aux2 == Ty::I64 as u16;
            compare(Cmp::from_u16(op.aux), a as u64, b as u64, wide).into()
        }
        Select => {
            if c != 0 {
                a
            } else {
                b
            }
        }
        FNeg | FAbs => {
            let sign = 1u128 << ((8 << op.aux) - 1);
            let lane = a & (sign | (sign - 1));
            if op.code == FNeg {
                lane ^ sign
            } else {
                lane & !sign
            }
        }
        FAdd | FSub | FMul | FDiv | FSqrt | FMin | FMax | FMinNum | FMaxNum | FMulAdd | FCvt
        | FToInt | IntToF | FRoundInt | FCmpNzcv | FCmpF | FCompare | VFAdd | VFSub | VFMul
        | VFDiv | VFSqrt | VFMulAdd | VFMin | VFMax | VFCmpEq | VFCmpGe | VFCmpGt | VIntToF
        | VUIntToF | VFMinNum | VFMaxNum | VFToInt | VFRoundInt | VFWiden | VFNarrow => {
            let mut env = FpEnv {
                rules,
                round: cpu.fp_round,
                flags: 0,
            };
            let value = exec_fp(&mut env, op, a, b, c);
            cpu.fp_flags |= env.flags;
            if op.code == FCmpF {
                cpu.set_nzcv(value as u32);
            }
            value
        }
        GetFpFlags => cpu.fp_flags.into(),
        SetFpFlags => {
            cpu.fp_flags = a as u32;
            0
        }
        SetFpRound => {
            cpu.fp_round = a as u8 & 3;
            0
        }
        _ => return vector::exec(op, a, b, c),
    };
    Some(value)
}

/// Whether `a cmp b` holds for operands of 32 (`wide` false) or 64 bits.
pub fn compare(cmp: Cmp, a: u64, b: u64, wide: bool) -> bool {
    let (sa, sb) = if wide {
        (a as i64, b as i64)
    } else {
        (i64::from(a as i32), i64::from(b as i32))
    };
    match cmp {
        Cmp::Eq => a == b,
        Cmp::Ne => a != b,
        Cmp::LtU => a < b,
        Cmp::LeU => a <= b,
        Cmp::GtU => a > b,
        Cmp::GeU => a >= b,
        Cmp::LtS => sa < sb,
        Cmp::LeS => sa <= sb,
        Cmp::GtS => sa > sb,
        Cmp::GeS => sa >= sb,
    }
}

fn sign_extend(x: u64, bits: u32) -> u64 {
    ((x << (64 - bits)) as i64 >> (64 - bits)) as u64
}

/// Whether the op computes an integer from one or two integers and nothing else.
#[inline]
pub(super) fn is_integer(code: OpCode) -> bool {
    code as u8 >= OpCode::Add as u8
        && code as u8 <= OpCode::Crc32 as u8
        && !matches!(
            code,
            OpCode::Adc | OpCode::Sbc | OpCode::Compare | OpCode::Select
        )
}

/// One integer op on zero-extended operands.
#[inline]
pub(super) fn exec_int(op: &Op, a: u64, b: u64) -> u64 {
    use OpCode::*;
    let width = if op.ty == Ty::I64 { 64 } else { 32 };
    let mask = u64::MAX >> (64 - width);
    let (sa, sb) = (sign_extend(a, width) as i64, sign_extend(b, width) as i64);
    let amount = (b as u32) & (width - 1);
    let field = |bits: u16| {
        if bits >= 64 {
            u64::MAX
        } else {
            (1u64 << bits) - 1
        }
    };
    let value = match op.code {
        Add => a.wrapping_add(b),
        Sub => a.wrapping_sub(b),
        Mul => a.wrapping_mul(b),
        MulHiU => ((u128::from(a) * u128::from(b)) >> width) as u64,
        MulHiS => ((i128::from(sa) * i128::from(sb)) >> width) as u64,
        DivU => a.checked_div(b).unwrap_or(0),
        DivS if b == 0 => 0,
        DivS => sa.wrapping_div(sb) as u64,
        RemU => a.checked_rem(b).unwrap_or(a),
        RemS if b == 0 => a,
        RemS => sa.wrapping_rem(sb) as u64,
        And => a & b,
        AndNot => a & !b,
        Or => a | b,
        Xor => a ^ b,
        Not => !a,
        Neg => a.wrapping_neg(),
        Shl => a << amount,
        ShrU => a >> amount,
        ShrS => (sa >> amount) as u64,
        Rotr if width == 64 => a.rotate_right(amount),
        Rotr => (a as u32).rotate_right(amount).into(),
        Clz => u64::from(a.leading_zeros() - (64 - width)),
        Ctz => a.trailing_zeros().min(width).into(),
        Rbit => a.reverse_bits() >> (64 - width),
        Bswap => a.swap_bytes() >> (64 - width),
        Bswap16 => (a & 0x00ff_00ff_00ff_00ff) << 8 | a >> 8 & 0x00ff_00ff_00ff_00ff,
        Bswap32 => a.swap_bytes().rotate_left(32),
        ExtractU => a >> op.aux & field(op.aux2),
        ExtractS => sign_extend(a >> op.aux & field(op.aux2), op.aux2.into()),
        Insert => a & !(field(op.aux2) << op.aux) | (b & field(op.aux2)) << op.aux,
        Concat => (((u128::from(a) << width) | u128::from(b)) >> op.aux) as u64,
        Sext8 => a as i8 as u64,
        Sext16 => a as i16 as u64,
        Sext32 => a as i32 as u64,
        Zext8 => a & 0xff,
        Zext16 => a & 0xffff,
        Zext32 | Trunc => a & 0xffff_ffff,
        Crc32 => {
            // Bit-reversed polynomials of CRC-32 (ISO 3309) and CRC-32C (Castagnoli).
            let poly = if op.aux2 == 1 {
                0x82f6_3b78u32
            } else {
                0xedb8_8320
            };
            (0..1u32 << op.aux).fold(a as u32, |crc, i| {
                let byte = (b >> (8 * i)) as u8;
                (0..8).fold(crc ^ u32::from(byte), |c, _| {
                    if c & 1 != 0 { c >> 1 ^ poly } else { c >> 1 }
                })
            })
        }
        .into(),
        _ => 0,
    };
    value & mask
}

/// `a + b + carry` of `width` bits and its NZCV.
fn add_with_carry(a: u64, b: u64, carry: bool, width: u32) -> (u64, u32) {
    let mask = u64::MAX >> (64 - width);
    let wide = u128::from(a & mask) + u128::from(b & mask) + u128::from(carry);
    let sum = wide as u64 & mask;
    let sign = |x: u64| x >> (width - 1) & 1;
    let overflow = sign(a) == sign(b) && sign(a) != sign(sum);
    (
        sum,
        (sign(sum) as u32) << 31
            | u32::from(sum == 0) << 30
            | u32::from(wide >> width != 0) << 29
            | u32::from(overflow) << 28,
    )
}

fn exec_flags(cpu: &mut CpuState, op: &Op, a: u64, b: u64, wide_a: u128, wide_b: u128) -> u128 {
    use OpCode::*;
    let width = if op.ty == Ty::I64 { 64 } else { 32 };
    let nzcv = cpu.nzcv();
    let carry = nzcv >> 29 & 1 != 0;
    let (value, flags) = match op.code {
        Adc | AdcF => add_with_carry(a, b, carry, width),
        Sbc | SbcF => add_with_carry(a, !b, carry, width),
        AddF => add_with_carry(a, b, false, width),
        SubF => add_with_carry(a, !b, true, width),
        AndF => {
            let x = a & b;
            (
                x,
                ((x >> (width - 1)) as u32 & 1) << 31 | u32::from(x == 0) << 30,
            )
        }
        SetNzcv => (0, a as u32),
        GetNzcv => return nzcv.into(),
        CondValue => return Cond::from_bits(op.aux.into()).holds(nzcv).into(),
        CondSelect => {
            return if Cond::from_bits(op.aux.into()).holds(nzcv) {
                wide_a
            } else {
                wide_b
            };
        }
        CondCompare => {
            let add = op.aux2 & 16 != 0;
            let flags = if Cond::from_bits(op.aux.into()).holds(nzcv) {
                add_with_carry(a, if add { b } else { !b }, !add, width).1
            } else {
                u32::from(op.aux2 & 15) << 28
            };
            (0, flags)
        }
        _ => (0, nzcv),
    };
    if !matches!(op.code, Adc | Sbc) {
        cpu.set_nzcv(flags);
    }
    value.into()
}

/// One FP op; vector forms lane by lane.
fn exec_fp(env: &mut FpEnv, op: &Op, a: u128, b: u128, c: u128) -> u128 {
    use OpCode::*;
    let f = Format::of_lane(op.aux);
    let bits = 8u32 << op.aux;
    let mask = u128::from(u64::MAX >> (64 - bits.min(64)));
    let (x, y, z) = ((a & mask) as u64, (b & mask) as u64, (c & mask) as u64);
    let lanes = |lane: &mut dyn FnMut(u64, u64, u64) -> u64| {
        (0..128 / bits).fold(0u128, |r, i| {
            let at = |v: u128| (v >> (i * bits) & mask) as u64;
            r | (u128::from(lane(at(a), at(b), at(c))) & mask) << (i * bits)
        })
    };
    let all_ones = |t: bool| if t { u64::MAX } else { 0 };
    match op.code {
        FAdd => env.arith(Arith::Add, f, x, y).into(),
        FSub => env.arith(Arith::Sub, f, x, y).into(),
        FMul => env.arith(Arith::Mul, f, x, y).into(),
        FDiv => env.arith(Arith::Div, f, x, y).into(),
        FSqrt => env.arith(Arith::Sqrt, f, x, 0).into(),
        FMin => env.min_max(f, x, y, false, false).into(),
        FMax => env.min_max(f, x, y, true, false).into(),
        FMinNum => env.min_max(f, x, y, false, true).into(),
        FMaxNum => env.min_max(f, x, y, true, true).into(),
        FMulAdd => env.mul_add(f, x, y, z, op.aux2).into(),
        FCvt => env
            .convert(f, Format::of_lane(op.aux2), x, FpRound::Dynamic)
            .into(),
        FToInt => {
            let width = if op.ty == Ty::I64 { 64 } else { 32 };
            env.to_int(
                f,
                x,
                width,
                op.aux2 & 16 != 0,
                FpRound::from_u8((op.aux2 & 15) as u8),
                op.imm as u32,
            )
            .into()
        }
        IntToF => {
            let width = if op.aux2 & 1 != 0 { 64 } else { 32 };
            env.from_int(
                f,
                a as u64,
                width,
                op.aux2 & 16 != 0,
                FpRound::Dynamic,
                op.imm as u32,
            )
            .into()
        }
        FRoundInt => env
            .round_int(
                f,
                x,
                FpRound::from_u8((op.aux2 & 15) as u8),
                op.aux2 & 16 != 0,
            )
            .into(),
        FCmpNzcv | FCmpF => env.compare_nzcv(f, x, y, op.aux2 & 1 != 0).into(),
        FCompare => env
            .compare(f, FCond::from_u16(op.aux2 & 15), x, y, op.aux2 & 16 != 0)
            .into(),
        VFAdd => lanes(&mut (|x, y, _| env.arith(Arith::Add, f, x, y))),
        VFSub => lanes(&mut (|x, y, _| env.arith(Arith::Sub, f, x, y))),
        VFMul => lanes(&mut (|x, y, _| env.arith(Arith::Mul, f, x, y))),
        VFDiv => lanes(&mut (|x, y, _| env.arith(Arith::Div, f, x, y))),
        VFSqrt => lanes(&mut (|x, _, _| env.arith(Arith::Sqrt, f, x, 0))),
        VFMulAdd => lanes(&mut (|x, y, z| env.mul_add(f, x, y, z, op.aux2))),
        VFMin => lanes(&mut (|x, y, _| env.min_max(f, x, y, false, false))),
        VFMax => lanes(&mut (|x, y, _| env.min_max(f, x, y, true, false))),
        VFCmpEq => lanes(&mut (|x, y, _| all_ones(env.compare(f, FCond::Eq, x, y, false)))),
        VFCmpGe => lanes(&mut (|x, y, _| all_ones(env.compare(f, FCond::Le, y, x, true)))),
        VFCmpGt => lanes(&mut (|x, y, _| all_ones(env.compare(f, FCond::Lt, y, x, true)))),
        VIntToF | VUIntToF => lanes(
            &mut (|x, _, _| env.from_int(f, x, bits, op.code == VIntToF, FpRound::Dynamic, 0)),
        ),
        VFMinNum => lanes(&mut (|x, y, _| env.min_max(f, x, y, false, true))),
        VFMaxNum => lanes(&mut (|x, y, _| env.min_max(f, x, y, true, true))),
        VFToInt => lanes(
            &mut (|x, _, _| {
                let round = FpRound::from_u8((op.aux2 & 15) as u8);
                env.to_int(f, x, bits, op.aux2 & 16 != 0, round, op.imm as u32)
            }),
        ),
        VFRoundInt => lanes(
            &mut (|x, _, _| {
                let round = FpRound::from_u8((op.aux2 & 15) as u8);
                env.round_int(f, x, round, op.aux2 & 16 != 0)
            }),
        ),
        VFWiden => {
            let to = Format::of_lane(op.aux + 1);
            (0..64 / bits).fold(0, |r, i| {
                let x = (a >> (i * bits) & mask) as u64;
                r | u128::from(env.convert(f, to, x, FpRound::Dynamic)) << (2 * i * bits)
            })
        }
        VFNarrow => {
            let from = Format::of_lane(op.aux + 1);
            let wide = u64::MAX >> (64 - 2 * bits);
            (0..64 / bits).fold(0, |r, i| {
                let x = (a >> (2 * i * bits)) as u64 & wide;
                r | u128::from(env.convert(from, f, x, FpRound::Dynamic)) << (i * bits)
            })
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::op::Effect;
    use super::*;

    /// An op without semantics would be taken for an illegal instruction by the interpreter.
    #[test]
    fn every_op_that_computes_has_semantics() {
        let elsewhere = |code: OpCode| {
            use Effect::*;
            matches!(
                code.effect(),
                GetReg | SetReg | Memory | SideExit | Terminal | Mark
            ) || matches!(
                code,
                OpCode::Const
                    | OpCode::VConst
                    | OpCode::Call
                    | OpCode::CallPure
                    | OpCode::CallVec
                    | OpCode::CallVecPure
            )
        };
        let mut cpu = CpuState::new();
        for code in OpCode::ALL.iter().copied().filter(|c| !elsewhere(*c)) {
            // Some ops need a lane size and a larger group.
            let op = Op {
                aux: 0,
                aux2: 1,
                ..Op::new(code, Ty::I64)
            };
            let known = exec(&mut cpu, FpRules::default(), &op, 1, 2, 3).is_some();
            assert!(known, "{}", code.name());
        }
    }
}
