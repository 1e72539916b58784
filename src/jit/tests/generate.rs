//! Random blocks.

use super::*;
use crate::ir::{
    Access, AtomicOp, BlockKey, Cmp, Cond, FCond, MemArg, NONE, OpCode, Ty, Val, WatchRange,
    WatchSet,
};
use fastrand::Rng;

struct Generator<'a> {
    rng: &'a mut Rng,
    b: Builder<'a>,
    ints: [Vec<Val>; 2],
    /// Full vectors, and those of which only the low half is defined.
    vectors: [Vec<Val>; 2],
    wide: bool,
    /// Targets of exits.
    next_pc: u64,
}

/// Numbers that find bugs.
pub(super) fn nasty64(rng: &mut Rng) -> u64 {
    const LIST: [u64; 24] = [
        0,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_0000_0000,
        u64::MAX,
        0x3ff0_0000_0000_0000,
        0x7ff0_0000_0000_0000,
        0xfff8_0000_0000_0001,
        0x7ff0_0000_0000_0001,
        0x000f_ffff_ffff_ffff,
        0x43e0_0000_0000_0000,
        0x7f80_0001_7fc0_0000,
        0x3f80_0000_ff80_0000,
    ];
    match rng.u8(..6) {
        0..=2 => LIST[rng.usize(..LIST.len())],
        3 => (rng.f64() * 2000.0 - 1000.0).to_bits(),
        4 => {
            let f = |rng: &mut Rng| u64::from((rng.f32() * 20.0 - 10.0).to_bits());
            f(rng) << 32 | f(rng)
        }
        _ => rng.u64(..),
    }
}

pub(super) fn nasty128(rng: &mut Rng) -> u128 {
    u128::from(nasty64(rng)) << 64 | u128::from(nasty64(rng))
}

impl Generator<'_> {
    fn pick<T: Copy>(rng: &mut Rng, list: &[T]) -> T {
        list[rng.usize(..list.len())]
    }

    fn int(&mut self, ty: Ty) -> Val {
        let list = &self.ints[usize::from(ty == Ty::I64)];
        // Recent values mostly: lives are short in real blocks.
        let n = list.len();
        let at = if n > 4 && self.rng.u8(..4) != 0 {
            n - 1 - self.rng.usize(..4)
        } else {
            self.rng.usize(..n)
        };
        list[at]
    }

    fn vector(&mut self) -> Val {
        Self::pick(self.rng, &self.vectors[0])
    }

    /// A vector of which the low half is read.
    fn low_vector(&mut self) -> Val {
        let n = usize::from(!self.vectors[1].is_empty() && self.rng.u8(..4) == 0);
        Self::pick(self.rng, &self.vectors[n])
    }

    fn int_ty(&mut self) -> Ty {
        if self.rng.bool() { Ty::I32 } else { Ty::I64 }
    }

    fn define(&mut self, v: Val) {
        match self.b.ty(v) {
            Ty::I32 => self.ints[0].push(v),
            Ty::I64 => self.ints[1].push(v),
            Ty::V128 => self.vectors[0].push(v),
            Ty::V64 => self.vectors[1].push(v),
            Ty::None => {}
        }
    }

    /// A guest register slot for `ty`: pinned, unpinned, or part of one.
    fn slot(&mut self, ty: Ty) -> u16 {
        let step = if self.rng.u8(..6) == 0 {
            4
        } else if self.wide {
            if ty.is_vector() { 16 } else { 8 }
        } else if ty.is_vector() {
            8
        } else {
            4
        };
        if ty.is_vector() || self.rng.u8(..12) == 0 {
            256 + step * self.rng.u16(..256 / step)
        } else {
            step * self.rng.u16(..192 / step)
        }
    }

    fn get(&mut self) {
        let ty = Self::pick(self.rng, &[Ty::I32, Ty::I64, Ty::V64, Ty::V128]);
        let slot = self.slot(ty);
        let v = self.b.get(ty, slot);
        self.define(v);
    }

    fn set(&mut self) {
        match self.rng.u8(..6) {
            0 | 1 => {
                let ty = self.int_ty();
                let (v, s) = (self.int(ty), self.slot(ty));
                self.b.set(ty, s, v);
            }
            2 | 3 => {
                let (v, s) = (self.vector(), self.slot(Ty::V128));
                self.b.set(Ty::V128, s, v);
            }
            4 => {
                let (v, s) = (self.low_vector(), self.slot(Ty::V64));
                self.b.set(Ty::V64, s, v);
            }
            // The usual pattern of 32-bit results in 64-bit registers.
            _ => {
                let v = self.int(Ty::I32);
                let z = self.b.zext32(v);
                let s = self.slot(Ty::I64);
                self.b.set(Ty::I64, s, z);
            }
        }
    }

    fn constant(&mut self) {
        let ty = Self::pick(self.rng, &[Ty::I32, Ty::I64, Ty::V128]);
        let v = if ty == Ty::V128 {
            let x = Self::pick(self.rng, &[0, u128::MAX, 1, 0x0123_4567 << 64]);
            self.b.vconst(x)
        } else {
            let x = nasty64(self.rng) as i64;
            self.b.iconst(ty, x)
        };
        self.define(v);
    }

    /// Base, index, scale and displacement of an address inside the memory; aligned if asked for.
    fn address(&mut self, aligned: bool) -> (Val, Val, u8, i64) {
        let ty = if self.wide { Ty::I64 } else { Ty::I32 };
        let mask = if aligned { 0x7f0 } else { 0x7ff };
        let x = self.int(ty);
        let low = self.b.binary_imm(OpCode::And, x, mask);
        if aligned {
            return (self.b.add_imm(low, MEMORY as i64), NONE, 0, 0);
        }
        let disp = MEMORY as i64 + self.rng.i64(0..64);
        match self.rng.u8(..4) {
            0 => {
                let base = self.b.add_imm(low, disp);
                (base, NONE, 0, self.rng.i64(-8..8) + 8)
            }
            1 => {
                let y = self.int(ty);
                let index = self.b.binary_imm(OpCode::And, y, 0x1ff);
                (low, index, self.rng.u8(..4), disp)
            }
            2 => {
                let base = self.b.iconst(ty, disp);
                (base, low, 0, 16)
            }
            _ => (low, NONE, 0, disp),
        }
    }

    fn mem_arg(&mut self, max: u8) -> MemArg {
        let size = self.rng.u8(..=max);
        MemArg {
            size,
            signed: self.rng.bool(),
            big: size < 4 && self.rng.u8(..3) == 0,
            scale: 0,
        }
    }

    fn lane_fp(&mut self) -> u16 {
        2 + u16::from(self.rng.bool())
    }

    /// One op; gives up silently where a random choice does not fit.
    fn op(&mut self, code: OpCode) {
        use OpCode::*;
        let ty = self.int_ty();
        let bits: u16 = if ty == Ty::I64 { 64 } else { 32 };
        let n = self.b.block.ops.len();
        match code {
            Add | Sub | Mul | MulHiU | MulHiS | DivU | DivS | RemU | RemS | And | AndNot | Or
            | Xor | Shl | ShrU | ShrS | Rotr | Adc | Sbc | AddF | SubF | AdcF | SbcF | AndF => {
                let (x, y) = (self.int(ty), self.int(ty));
                let (x, y) = match self.rng.u8(..4) {
                    0 => (x, self.b.iconst(ty, nasty64(self.rng) as i64)),
                    1 => (self.b.iconst(ty, nasty64(self.rng) as i64), y),
                    _ => (x, y),
                };
                self.b.op(code, ty, &[x, y], 0, 0);
            }
            Not | Neg | Clz | Ctz | Rbit | Bswap | Bswap16 | Sext8 | Sext16 | Zext8 | Zext16 => {
                let x = self.int(ty);
                self.b.op(code, ty, &[x], 0, 0);
            }
            Bswap32 => {
                let x = self.int(Ty::I64);
                self.b.op(code, Ty::I64, &[x], 0, 0);
            }
            ExtractU | ExtractS | Insert => {
                let width = self.rng.u16(1..=bits);
                let lsb = self.rng.u16(..=bits - width);
                let (x, y) = (self.int(ty), self.int(ty));
                let operands = [x, y];
                let count = if code == Insert { 2 } else { 1 };
                self.b.op(code, ty, &operands[..count], lsb, width);
            }
            Concat => {
                let (x, y) = (self.int(ty), self.int(ty));
                let lsb = self.rng.u16(..bits);
                self.b.op(code, ty, &[x, y], lsb, 0);
            }
            Sext32 | Zext32 => {
                let x = self.int(Ty::I32);
                self.b.op(code, Ty::I64, &[x], 0, 0);
            }
            Trunc => {
                let x = self.int(Ty::I64);
                self.b.op(code, Ty::I32, &[x], 0, 0);
            }
            Compare => {
                let (x, y) = (self.int(ty), self.int(ty));
                let cmp = Cmp::from_u16(self.rng.u16(..10));
                let c = self.b.compare(cmp, x, y);
                if self.rng.bool() {
                    self.define(c);
                    let (x, y) = (self.int(ty), self.int(ty));
                    self.b.select(c, x, y);
                    let v = (self.b.block.ops.len() - 1) as Val;
                    self.define(v);
                    return;
                }
            }
            Select => {
                let c = self.int(Ty::I32);
                if self.rng.bool() {
                    let (x, y) = (self.int(ty), self.int(ty));
                    self.b.select(c, x, y);
                } else {
                    let (x, y) = (self.vector(), self.vector());
                    self.b.select(c, x, y);
                }
            }
            Crc32 => {
                let size = self.rng.u16(..4);
                let x = self.int(Ty::I32);
                let y = self.int(if size == 3 { Ty::I64 } else { Ty::I32 });
                let castagnoli = self.rng.u16(..2);
                self.b.op(code, Ty::I32, &[x, y], size, castagnoli);
            }
            SetNzcv => {
                let x = self.int(Ty::I32);
                self.b.op(code, Ty::None, &[x], 0, 0);
            }
            GetNzcv => {
                self.b.op(code, Ty::I32, &[], 0, 0);
            }
            CondValue => {
                self.b.op(code, Ty::I32, &[], self.rng.u16(..16), 0);
            }
            CondSelect => {
                let cond = Cond::from_bits(self.rng.u32(..16));
                if self.rng.u8(..4) == 0 {
                    let (x, y) = (self.vector(), self.vector());
                    self.b.cond_select(cond, x, y);
                } else {
                    let (x, y) = (self.int(ty), self.int(ty));
                    self.b.cond_select(cond, x, y);
                }
            }
            CondCompare => {
                let (x, y) = (self.int(ty), self.int(ty));
                let (cond, flags) = (self.rng.u16(..16), self.rng.u16(..32));
                self.b.op(code, ty, &[x, y], cond, flags);
                return;
            }
            FCmpF => {
                let (x, y) = (self.low_vector(), self.low_vector());
                let (lane, signaling) = (self.lane_fp(), self.rng.u16(..2));
                self.b.op(code, Ty::None, &[x, y], lane, signaling);
            }
            Load => {
                let (base, index, scale, disp) = self.address(false);
                let m = self.mem_arg(4);
                let ty = match m.size {
                    4 => Ty::V128,
                    3 => Self::pick(self.rng, &[Ty::I64, Ty::V128, Ty::V64]),
                    _ => Self::pick(self.rng, &[Ty::I32, Ty::I64, Ty::V128]),
                };
                let signed = m.signed && !ty.is_vector();
                self.b
                    .load(ty, MemArg { scale, signed, ..m }, base, index, disp);
            }
            Store => {
                let (base, index, scale, disp) = self.address(false);
                let m = self.mem_arg(4);
                let value = match m.size {
                    4 => self.vector(),
                    _ if self.rng.bool() => self.low_vector(),
                    3 => self.int(Ty::I64),
                    _ => self.int(ty),
                };
                self.b.store(
                    MemArg {
                        scale,
                        signed: false,
                        ..m
                    },
                    base,
                    index,
                    disp,
                    value,
                );
            }
            Fence | ClearExcl => {
                self.b.op(code, Ty::None, &[], 0, 0);
            }
            CheckAlign => {
                let x = self.int(if self.wide { Ty::I64 } else { Ty::I32 });
                let size = self.rng.u8(..5);
                let disp = self.rng.i64(-20..20);
                // Mostly aligned.
                let x = if self.rng.u8(..8) != 0 {
                    let x = self.b.binary_imm(AndNot, x, 31);
                    self.b.add_imm(x, -disp)
                } else {
                    x
                };
                let store = self.rng.bool();
                self.b.check_align(x, disp, size, store);
            }
            AtomicRmw => {
                let (addr, ..) = self.address(true);
                let m = self.mem_arg(3);
                let ty = if m.size == 3 { Ty::I64 } else { ty };
                let kind = AtomicOp::from_u16(self.rng.u16(..10));
                let x = self.int(ty);
                self.b.atomic_rmw(ty, kind, m, addr, x);
            }
            AtomicCas => {
                let (addr, ..) = self.address(true);
                let m = self.mem_arg(4);
                let (ty, m) = match m.size {
                    4 => (Ty::V128, MemArg { signed: false, ..m }),
                    3 => (Ty::I64, m),
                    _ => (ty, m),
                };
                let (old, new) = if m.size == 4 {
                    (self.vector(), self.vector())
                } else {
                    (self.int(ty), self.int(ty))
                };
                // Half of the time what is there, so that it succeeds.
                let old = if self.rng.bool() {
                    self.b
                        .load(ty, MemArg { signed: false, ..m }, addr, NONE, 0)
                } else {
                    old
                };
                self.b.op(code, ty, &[addr, old, new], m.pack(), 0);
            }
            LoadExcl => {
                let (addr, ..) = self.address(true);
                let m = self.mem_arg(4);
                let ty = match m.size {
                    4 => Ty::V128,
                    3 => Ty::I64,
                    _ => ty,
                };
                let m = MemArg {
                    signed: m.signed && m.size < 4,
                    ..m
                };
                let v = self.b.op(code, ty, &[addr], m.pack(), 0);
                self.define(v);
                if self.rng.bool() {
                    let value = if m.size == 4 {
                        self.vector()
                    } else {
                        self.int(ty)
                    };
                    self.b.op(StoreExcl, Ty::I32, &[addr, value], m.pack(), 0);
                } else {
                    return;
                }
            }
            StoreExcl => {
                let (addr, ..) = self.address(true);
                let m = self.mem_arg(4);
                let value = match m.size {
                    4 => self.vector(),
                    3 => self.int(Ty::I64),
                    _ => self.int(ty),
                };
                self.b.op(code, Ty::I32, &[addr, value], m.pack(), 0);
            }
            Call | CallPure => {
                let (x, y) = (self.int(ty), self.int(Ty::I64));
                let imm = self.rng.i64(..);
                let ty = Self::pick(self.rng, &[Ty::I32, Ty::I64]);
                self.b
                    .call(ty, u16::from(code == Call), code == CallPure, &[x, y], imm);
            }
            CallVec | CallVecPure => {
                let (x, y, z) = (self.vector(), self.vector(), self.vector());
                let imm = self.rng.i64(..);
                self.b.call_vec(2, code == CallVecPure, &[x, y, z], imm);
            }
            FAdd | FSub | FMul | FDiv | FMin | FMax | FMinNum | FMaxNum => {
                let (x, y) = (self.low_vector(), self.low_vector());
                let lane = self.lane_fp();
                self.b.fp(code, Ty::V128, lane, &[x, y]);
            }
            FSqrt | FNeg | FAbs => {
                let x = self.low_vector();
                let lane = self.lane_fp();
                self.b.fp(code, Ty::V128, lane, &[x]);
            }
            FMulAdd => {
                let (x, y, z) = (self.low_vector(), self.low_vector(), self.low_vector());
                let (lane, negate) = (self.lane_fp(), self.rng.u16(..4));
                self.b.op(code, Ty::V128, &[x, y, z], lane, negate);
            }
            FCvt => {
                let x = self.low_vector();
                let (from, to) =
                    Self::pick(self.rng, &[(2, 3), (3, 2), (1, 2), (1, 3), (2, 1), (3, 1)]);
                self.b.op(code, Ty::V128, &[x], from, to);
            }
            FToInt => {
                let x = self.low_vector();
                let how = self.rng.u16(..6) | self.rng.u16(..2) << 4;
                let lane = self.lane_fp();
                let v = self.b.op(code, ty, &[x], lane, how);
                if self.rng.u8(..4) == 0 {
                    self.b.block.ops[v as usize].imm = self.rng.i64(1..32);
                }
            }
            IntToF => {
                let x = self.int(ty);
                let how = u16::from(ty == Ty::I64) | self.rng.u16(..2) << 4;
                let lane = self.lane_fp();
                let v = self.b.op(code, Ty::V128, &[x], lane, how);
                if self.rng.u8(..4) == 0 {
                    self.b.block.ops[v as usize].imm = self.rng.i64(1..32);
                }
            }
            FRoundInt => {
                let x = self.low_vector();
                let how = self.rng.u16(..6) | self.rng.u16(..2) << 4;
                let lane = self.lane_fp();
                self.b.op(code, Ty::V128, &[x], lane, how);
            }
            FCmpNzcv => {
                let (x, y) = (self.low_vector(), self.low_vector());
                let (lane, signaling) = (self.lane_fp(), self.rng.u16(..2));
                self.b.op(code, Ty::I32, &[x, y], lane, signaling);
            }
            FCompare => {
                let (x, y) = (self.low_vector(), self.low_vector());
                let (lane, signaling) = (self.lane_fp(), self.rng.bool());
                let cond = FCond::from_u16(self.rng.u16(..7));
                self.b.fcompare(cond, signaling, lane, x, y);
            }
            GetFpFlags => {
                self.b.op(code, Ty::I32, &[], 0, 0);
            }
            SetFpFlags => {
                let x = self.int(Ty::I32);
                let x = self.b.binary_imm(And, x, 31);
                self.b.op(code, Ty::None, &[x], 0, 0);
            }
            SetFpRound => {
                let x = self.int(Ty::I32);
                let x = self.b.binary_imm(And, x, 3);
                self.b.op(code, Ty::None, &[x], 0, 0);
            }
            VFromInt => {
                let x = self.int(ty);
                self.b.op(code, Ty::V128, &[x], 0, 0);
            }
            VToInt | VToIntS => {
                let lane = self.rng.u16(..4);
                let index = self.rng.u16(..16 >> lane);
                let x = self.vector();
                let ty = if lane == 3 { Ty::I64 } else { ty };
                self.b.op(code, ty, &[x], lane, index);
            }
            VInsertInt => {
                let lane = self.rng.u16(..4);
                let index = self.rng.u16(..16 >> lane);
                let (x, y) = (
                    self.vector(),
                    self.int(if lane == 3 { Ty::I64 } else { ty }),
                );
                self.b.op(code, Ty::V128, &[x, y], lane, index);
            }
            VInsertLane => {
                let lane = self.rng.u16(..4);
                let n = 16 >> lane;
                let index = self.rng.u16(..n) | self.rng.u16(..n) << 4;
                let (x, y) = (self.vector(), self.vector());
                self.b.op(code, Ty::V128, &[x, y], lane, index);
            }
            VDupInt => {
                let lane = self.rng.u16(..4);
                let x = self.int(if lane == 3 { Ty::I64 } else { ty });
                self.b.op(code, Ty::V128, &[x], lane, 0);
            }
            VDupLane => {
                let lane = self.rng.u16(..4);
                let x = self.vector();
                let index = self.rng.u16(..16 >> lane);
                self.b.op(code, Ty::V128, &[x], lane, index);
            }
            VZext => {
                let lane = self.rng.u16(..4);
                let x = if lane == 3 {
                    self.low_vector()
                } else {
                    self.vector()
                };
                self.b.op(code, Ty::V128, &[x], lane, 0);
            }
            VReverse => {
                let group = self.rng.u16(1..4);
                let lane = self.rng.u16(..group);
                let x = self.vector();
                self.b.op(code, Ty::V128, &[x], lane, group);
            }
            VSelect | VFMulAdd | Sha1Rounds | Sha256Rounds | Sha256ScheduleEnd => {
                let (x, y, z) = (self.vector(), self.vector(), self.vector());
                let (lane, extra) = match code {
                    VFMulAdd => (self.lane_fp(), self.rng.u16(..4)),
                    Sha1Rounds => (0, self.rng.u16(..3)),
                    Sha256Rounds => (0, self.rng.u16(..2)),
                    _ => (0, 0),
                };
                self.b.op(code, Ty::V128, &[x, y, z], lane, extra);
            }
            VFToInt | VFRoundInt => {
                let x = self.vector();
                let how = self.rng.u16(..6) | self.rng.u16(..2) << 4;
                let lane = self.lane_fp();
                self.b.op(code, Ty::V128, &[x], lane, how);
            }
            ExitIfCond => {
                let cond = Cond::from_bits(self.rng.u32(..14));
                let target = self.target();
                self.b.exit_if_cond(cond, target);
            }
            ExitIfCmp => {
                let cmp = Cmp::from_u16(self.rng.u16(..10));
                let (x, y) = (self.int(ty), self.int(ty));
                let y = if self.rng.bool() {
                    self.b.iconst(ty, nasty64(self.rng) as i64)
                } else {
                    y
                };
                let target = self.target();
                self.b.exit_if_cmp(cmp, x, y, target);
            }
            ExitIfBit => {
                let x = self.int(ty);
                let (bit, set) = (self.rng.u16(..bits), self.rng.bool());
                let target = self.target();
                self.b.exit_if_bit(x, bit, set, target);
            }
            TrapIfCmp => {
                let (x, y) = (self.int(ty), self.int(ty));
                let cmp = Cmp::from_u16(self.rng.u16(..10));
                let code = self.rng.u16(..);
                self.b.trap_if_cmp(Trap::TrapInstruction, code, cmp, x, y);
            }
            VConst => {
                let x = nasty128(self.rng);
                self.b.vconst(x);
            }
            code if code.name().starts_with('V')
                || code.name().starts_with("Aes")
                || code.name().starts_with("Sha") =>
            {
                let (x, y) = (self.vector(), self.vector());
                let fp = code.effect() == crate::ir::Effect::Fp;
                let lane = match code {
                    VFWiden | VFNarrow => self.rng.u16(1..3),
                    _ if fp => self.lane_fp(),
                    VMul | VMulWideU | VMulWideS | VWidenU | VWidenS | VNarrow | VMinS | VMinU
                    | VMaxS | VMaxU | VPairMaxU | VPairMinU => self.rng.u16(..3),
                    VMulDoubleHi => self.rng.u16(1..3),
                    VPopCount | VTable | VExtract | VSumBytes | VPmull64 => 0,
                    VAvgU => self.rng.u16(..3),
                    _ => self.rng.u16(..4),
                };
                let extra = match code {
                    VExtract => self.rng.u16(..16),
                    VShlI | VShrUI | VShrSI => self.rng.u16(..(8 << lane) + 1),
                    VMulDoubleHi => self.rng.u16(..2),
                    _ => 0,
                };
                let unary = matches!(
                    code,
                    VNot | VNeg
                        | VAbs
                        | VShlI
                        | VShrUI
                        | VShrSI
                        | VPopCount
                        | VWidenU
                        | VWidenS
                        | VNarrow
                        | VFSqrt
                        | VIntToF
                        | VUIntToF
                        | VFWiden
                        | VFNarrow
                        | VSumBytes
                        | AesEnc
                        | AesDec
                        | AesMix
                        | AesUnmix
                );
                let operands = [x, y];
                let count = if unary { 1 } else { 2 };
                self.b.op(code, Ty::V128, &operands[..count], lane, extra);
            }
            _ => {}
        }
        // Stores and exits have a type, but no value.
        let valueless = code == Store || code.effect() == crate::ir::Effect::SideExit;
        if self.b.block.ops.len() > n && !valueless {
            let v = (self.b.block.ops.len() - 1) as Val;
            self.define(v);
        }
    }

    fn target(&mut self) -> u64 {
        self.next_pc += 0x100;
        self.next_pc
    }

    fn terminal(&mut self) {
        let ty = if self.wide { Ty::I64 } else { Ty::I32 };
        match self.rng.u8(..8) {
            0 | 1 => {
                let t = self.target();
                self.b.jump(t);
            }
            2 | 3 => {
                let x = self.int(ty);
                self.b.jump_reg(x);
            }
            4 => self.b.syscall(self.rng.u16(..), 0x4444),
            5 => self.b.raise(Trap::Breakpoint, self.rng.u16(..), 0x5550),
            6 => {
                let (x, y) = (self.int(ty), self.int(ty));
                self.b.invalidate_code(x, y, 0x6660, NONE);
            }
            _ => self.b.leave(0x7770),
        }
    }
}

/// A random block. `focus`: an op that occurs often.
pub(super) fn generate(
    rng: &mut Rng,
    block: &mut Block,
    wide: bool,
    pc: u64,
    focus: Option<OpCode>,
) {
    let mode = if rng.u8(..4) == 0 { rng.u32(..7) } else { 0 };
    let mode = if wide { mode } else { mode & 4 | 2 };
    block.clear(BlockKey {
        pc,
        mode,
        instrumentation: 0,
    });
    block.addr32 = !wide;
    block.fp = rules(mode);
    block.watch = random_watch(rng, wide);
    let mut g = Generator {
        rng,
        b: Builder::new(block),
        ints: [Vec::new(), Vec::new()],
        vectors: [Vec::new(), Vec::new()],
        wide,
        next_pc: 0x100_0000,
    };
    g.b.insn_start(pc, 4, false);
    for ty in [Ty::I32, Ty::I64, Ty::V128, Ty::I32, Ty::I64, Ty::V128] {
        let s = g.slot(ty);
        let v = g.b.get(ty, s);
        g.define(v);
    }
    let insns = g.rng.u64(1..12);
    for n in 0..insns {
        if n > 0 {
            g.b.insn_start(pc + 4 * n, 4, false);
        }
        for _ in 0..g.rng.u8(..4) {
            match g.rng.u8(..10) {
                0..=2 => g.get(),
                3 => g.constant(),
                4..=6 if focus.is_some() => g.op(focus.unwrap_or(OpCode::Add)),
                _ => {
                    let code = OpCode::ALL[g.rng.usize(..OpCode::ALL.len())];
                    if code.effect() != crate::ir::Effect::SideExit || g.rng.u8(..4) == 0 {
                        g.op(code);
                    }
                }
            }
        }
        for _ in 0..g.rng.u8(..3) {
            g.set();
        }
    }
    g.terminal();
}

/// What some blocks are checked for: ranges in the memory, and elsewhere.
fn random_watch(rng: &mut Rng, wide: bool) -> Option<Arc<WatchSet>> {
    if rng.u8(..3) != 0 {
        return None;
    }
    let ranges = (0..rng.usize(1..9))
        .map(|_| {
            let first = match rng.u8(..4) {
                0 => nasty64(rng) & u64::from(u32::MAX),
                _ => MEMORY + rng.u64(..0x900),
            };
            let len = if rng.u8(..8) == 0 { 1 << 34 } else { 64 };
            WatchRange {
                first,
                last: first + rng.u64(..len),
                access: Access::from_bits(rng.u16(1..4)),
            }
        })
        .collect();
    let mask = if wide { u64::MAX } else { u32::MAX.into() };
    Some(Arc::new(WatchSet::new(1, ranges, mask)))
}
