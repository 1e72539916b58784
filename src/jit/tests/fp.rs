//! Floating point on operands at the borders, in every rounding mode and by every rule, against the interpreter.

use super::*;
use crate::ir::{BlockKey, Op, OpCode, Ty};
use fastrand::Rng;

/// Doubles at the borders: of denormal numbers, of integers of 32 and 64 bits, of rounding, infinities and NaNs.
const DOUBLES: [u64; 40] = [
    0x0000_0000_0000_0000, // 0
    0x0000_0000_0000_0001, // smallest denormal
    0x000f_ffff_ffff_ffff, // largest denormal
    0x0010_0000_0000_0000, // smallest normal
    0x0010_0000_0000_0001,
    0x0020_0000_0000_0000,
    0x2000_0000_0000_0000, // about the root of the smallest normal
    0x1ff0_0000_0000_0001,
    0x3690_0000_0000_0000, // smallest denormal single
    0x3810_0000_0000_0000, // smallest normal single
    0x380f_ffff_e000_0000, // rounds to it
    0x380f_ffff_ffff_ffff,
    0x3fe0_0000_0000_0000, // 0.5
    0x3fdf_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000, // 1
    0x3ff0_0000_0000_0001,
    0x3fef_ffff_ffff_ffff,
    0x3ff8_0000_0000_0000, // 1.5
    0x4004_0000_0000_0000, // 2.5
    0x4009_21fb_5444_2d18, // pi
    0x41df_ffff_ff80_0000, // 2^31 - 1.5
    0x41df_ffff_ffc0_0000, // 2^31 - 1
    0x41df_ffff_ffe0_0000, // 2^31 - 0.5
    0x41e0_0000_0000_0000, // 2^31
    0x41e0_0000_0010_0000, // 2^31 + 0.5
    0x41e0_0000_0020_0000, // 2^31 + 1
    0x41ef_ffff_fff0_0000, // 2^32 - 0.5
    0x41f0_0000_0000_0000, // 2^32
    0x4330_0000_0000_0001, // 2^52 + 1
    0x4320_0000_0000_0001, // 2^51 + 0.5
    0x43df_ffff_ffff_ffff, // just below 2^63
    0x43e0_0000_0000_0000, // 2^63
    0x43f0_0000_0000_0000, // 2^64
    0x47ef_ffff_f000_0000, // rounds to infinity as a single
    0x7fef_ffff_ffff_ffff, // largest
    0x7ff0_0000_0000_0000, // infinity
    0x7ff8_0000_0000_0000, // quiet NaN
    0x7ffc_0000_1234_5678,
    0x7ff0_0000_0000_0001, // signalling NaN (quiet by MIPS's legacy rule)
    0x7ff7_ffff_ffff_ffff,
];

/// The same for singles.
const SINGLES: [u32; 32] = [
    0x0000_0000,
    0x0000_0001,
    0x007f_ffff,
    0x0080_0000,
    0x0080_0001,
    0x0100_0000,
    0x2000_0000,
    0x1f80_0001,
    0x3eff_ffff,
    0x3f00_0000,
    0x3f7f_ffff,
    0x3f80_0000,
    0x3f80_0001,
    0x3fc0_0000,
    0x4020_0000,
    0x4049_0fdb,
    0x4b00_0000,
    0x4b00_0001,
    0x4aff_ffff,
    0x4eff_ffff,
    0x4f00_0000,
    0x4f00_0001,
    0x4f7f_ffff,
    0x4f80_0000,
    0x5eff_ffff,
    0x5f00_0000,
    0x7f7f_ffff,
    0x7f80_0000,
    0x7fc0_0000,
    0x7fe0_1234,
    0x7f80_0001,
    0x7fbf_ffff,
];

fn special(rng: &mut Rng, lane: u16) -> u128 {
    if lane == 3 {
        let x = DOUBLES[rng.usize(..DOUBLES.len())] | u64::from(rng.bool()) << 63;
        return x.into();
    }
    (SINGLES[rng.usize(..SINGLES.len())] | u32::from(rng.bool()) << 31).into()
}

/// Every lane a number at the border.
fn vector(rng: &mut Rng, lane: u16) -> u128 {
    let bits = 8 << lane;
    (0..128 / bits).fold(0, |v, i| v | special(rng, lane) << (bits * i))
}

const INPUTS: [u16; 3] = [272, 480, 288];
const INTEGER: u16 = 160;
const RESULT: u16 = 304;

/// Runs a block of that one op on many operands.
fn check(m: &mut Machine, rng: &mut Rng, op: Op, operands: usize, lane: u16, mode: u32) {
    let mut block = Block::default();
    let pc = 0x1000;
    block.clear(BlockKey {
        pc,
        mode,
        instrumentation: 0,
    });
    block.fp = rules(mode);
    block.ranges.push((pc, 4));
    let mut b = Builder::new(&mut block);
    b.insn_start(pc, 4, false);
    let mut inputs: Vec<_> = INPUTS.iter().map(|s| b.get(Ty::V128, *s)).collect();
    if matches!(op.code, OpCode::IntToF) {
        let ty = if op.aux2 & 1 != 0 { Ty::I64 } else { Ty::I32 };
        inputs[0] = b.get(ty, INTEGER);
    }
    let at = |n: usize| {
        if n < operands {
            inputs[n]
        } else {
            crate::ir::NONE
        }
    };
    let v = b.push(Op {
        a: at(0),
        b: at(1),
        c: at(2),
        ..op
    });
    b.set(op.ty, RESULT, v);
    b.leave(0);
    crate::ir::verify(&block).expect("a valid block");
    let entry = m.add(&block);
    let mut memory = Vec::new();
    for _ in 0..120 {
        let values = INPUTS.map(|_| vector(rng, lane));
        let integer = DOUBLES[rng.usize(..DOUBLES.len())] >> (rng.u8(..3) * 21);
        let (round, flags) = (rng.u8(..4), if rng.bool() { 0 } else { rng.u32(..32) });
        let [mut want, mut got] = [(); 2].map(|()| {
            let mut cpu = CpuState::new();
            for (slot, value) in INPUTS.into_iter().zip(values) {
                cpu.write(slot, 16, value);
            }
            cpu.write64(INTEGER, integer);
            cpu.fp_round = round;
            cpu.fp_flags = flags;
            cpu.mode = mode;
            cpu
        });
        interpret(&mut want, &block, &mut memory);
        m.enter(&mut got, entry);
        let context = || {
            format!(
                "{} {op:?} of {values:x?} and {integer:x}, round {round}, flags {flags:x}, {:?}",
                op.code.name(),
                block.fp
            )
        };
        assert_eq!(got.read(RESULT, 16), want.read(RESULT, 16), "{}", context());
        assert_eq!(got.fp_flags, want.fp_flags, "exceptions of {}", context());
    }
    m.cache.invalidate_range(pc, pc + 4);
}

fn check_everywhere(
    code: OpCode,
    ty: Ty,
    operands: usize,
    aux2: &[u16],
    imm: &[i64],
    lanes: &[u16],
) {
    let mut m = Machine::new(&WIDE);
    let mut rng = Rng::with_seed(code as u64);
    for mode in 0..7 {
        for &lane in lanes {
            for &aux2 in aux2 {
                for &imm in imm {
                    let op = Op {
                        aux: lane,
                        aux2,
                        imm,
                        ..Op::new(code, ty)
                    };
                    // What a narrowing op reads is wider than what it writes.
                    let read = lane + u16::from(code == OpCode::VFNarrow);
                    check(&mut m, &mut rng, op, operands, read, mode);
                }
            }
        }
    }
}

#[test]
fn arithmetic_at_the_borders() {
    use OpCode::*;
    for code in [
        FAdd, FSub, FMul, FDiv, FMin, FMax, FMinNum, FMaxNum, VFAdd, VFSub, VFMul, VFDiv, VFMin,
        VFMax, VFMinNum, VFMaxNum,
    ] {
        check_everywhere(code, Ty::V128, 2, &[0], &[0], &[2, 3]);
    }
    for code in [FSqrt, VFSqrt] {
        check_everywhere(code, Ty::V128, 1, &[0], &[0], &[2, 3]);
    }
    for code in [FMulAdd, VFMulAdd] {
        check_everywhere(code, Ty::V128, 3, &[0, 1, 2, 3], &[0], &[2, 3]);
    }
}

/// Static roundings and the dynamic one, with `more` set too.
fn roundings(more: u16) -> Vec<u16> {
    (0..6).flat_map(|r| [r, r | more]).collect()
}

#[test]
fn conversions_at_the_borders() {
    use OpCode::*;
    for ty in [Ty::I32, Ty::I64] {
        check_everywhere(FToInt, ty, 1, &roundings(16), &[0], &[2, 3]);
        check_everywhere(FToInt, ty, 1, &[16 | 3, 3], &[1, 17], &[2, 3]);
    }
    check_everywhere(VFToInt, Ty::V128, 1, &roundings(16), &[0, 5], &[2, 3]);
    for code in [FRoundInt, VFRoundInt] {
        check_everywhere(code, Ty::V128, 1, &roundings(16), &[0], &[2, 3]);
    }
    let sources = [0, 1, 16, 17];
    check_everywhere(IntToF, Ty::V128, 1, &sources, &[0, 1, 15, 32], &[2, 3]);
    check_everywhere(VIntToF, Ty::V128, 1, &[0], &[0], &[2, 3]);
    check_everywhere(FCvt, Ty::V128, 1, &[3], &[0], &[2]);
    check_everywhere(FCvt, Ty::V128, 1, &[2], &[0], &[3]);
    check_everywhere(VFWiden, Ty::V128, 1, &[0], &[0], &[1, 2]);
    check_everywhere(VFNarrow, Ty::V128, 1, &[0], &[0], &[1, 2]);
}

#[test]
fn comparisons_at_the_borders() {
    use OpCode::*;
    let conditions: Vec<u16> = (0..7).flat_map(|c| [c, c | 16]).collect();
    check_everywhere(FCompare, Ty::I32, 2, &conditions, &[0], &[2, 3]);
    check_everywhere(FCmpNzcv, Ty::I32, 2, &[0, 1], &[0], &[2, 3]);
    for code in [VFCmpEq, VFCmpGe, VFCmpGt] {
        check_everywhere(code, Ty::V128, 2, &[0], &[0], &[2, 3]);
    }
}

/// A product that SSE rounds up to the smallest normal number has underflowed for Arm.
#[test]
fn tininess_is_detected_before_rounding() {
    let mut machine = Machine::new(&WIDE);
    for (n, (code, lane)) in [
        (OpCode::FMul, 3),
        (OpCode::FMul, 2),
        (OpCode::VFMul, 3),
        (OpCode::VFMul, 2),
    ]
    .into_iter()
    .enumerate()
    {
        let mut block = Block::default();
        block.clear(BlockKey {
            pc: 0x1000 + n as u64,
            ..BlockKey::default()
        });
        let mut b = Builder::new(&mut block);
        b.insn_start(0x1000, 4, false);
        let (x, y) = (b.get(Ty::V128, 272), b.get(Ty::V128, 288));
        let v = b.fp(code, Ty::V128, lane, &[x, y]);
        b.set(Ty::V128, 304, v);
        b.leave(0);
        let mut cpu = CpuState::new();
        // (1 + e) * smallest * (1 - e) is less than the smallest by less than half a unit.
        let (above_one, smallest) = if lane == 3 {
            (0x3ff0_0000_0000_0001u64, 1 << 52)
        } else {
            (0x3f80_0001, 1 << 23)
        };
        cpu.write64(272, above_one);
        cpu.write64(288, smallest - 1);
        let entry = machine.add(&block);
        machine.enter(&mut cpu, entry);
        assert_eq!(cpu.read64(304), smallest);
        assert_eq!(
            cpu.fp_flags,
            crate::ir::fp_flag::UNDERFLOW | crate::ir::fp_flag::INEXACT
        );
    }
}
