//! How front ends write IR: one method for each kind of op, with constant folding of the cheap cases.

use super::block::Block;
use super::op::{AtomicOp, Cmp, Cond, FCond, FpRound, MemArg, NONE, Op, OpCode, Ty, Val};
use super::state::{Slot, Trap};
use super::watch::{Access, PART_DOWN, PART_UP};

/// Appends ops to a [`Block`].
pub struct Builder<'a> {
    /// The block being written.
    pub block: &'a mut Block,
}

impl<'a> Builder<'a> {
    /// Writes to `block`.
    pub fn new(block: &'a mut Block) -> Self {
        Builder { block }
    }

    /// Appends an op and names its value.
    #[inline]
    pub fn push(&mut self, op: Op) -> Val {
        let v = self.block.ops.len() as Val;
        self.block.ops.push(op);
        v
    }

    /// Type of a value.
    #[inline]
    pub fn ty(&self, v: Val) -> Ty {
        self.block.ops[v as usize].ty
    }

    /// Any op with up to three operands, a small argument and none else.
    #[inline]
    pub fn op(&mut self, code: OpCode, ty: Ty, operands: &[Val], aux: u16, aux2: u16) -> Val {
        let at = |i: usize| operands.get(i).copied().unwrap_or(NONE);
        match code {
            OpCode::LoadExcl => self.check_watch(Access::READ, aux, at(0), NONE, 0),
            OpCode::StoreExcl => self.check_watch(Access::WRITE, aux, at(0), NONE, 0),
            OpCode::AtomicRmw | OpCode::AtomicCas => {
                self.check_watch(Access::READ_WRITE, aux, at(0), NONE, 0)
            }
            _ => {}
        }
        self.push(Op {
            code,
            ty,
            aux,
            a: at(0),
            b: at(1),
            c: at(2),
            aux2,
            imm: 0,
        })
    }

    /// Checks an access to the part of an aligned 4-byte word from the byte at `addr` on (`up`), or up to it.
    pub fn check_watch_part(&mut self, access: Access, addr: Val, up: bool) {
        let word = MemArg {
            size: 2,
            ..MemArg::default()
        };
        let before = self.block.ops.len();
        // As a whole word that begins, or ends, at the address: that is where code may have to look closer.
        let disp = if up { 0 } else { -3 };
        self.check_watch(access, word.pack(), addr, NONE, disp);
        if let Some(check) = self.block.ops.get_mut(before) {
            check.aux2 |= if up { PART_UP } else { PART_DOWN };
        }
    }

    /// Checks the access that follows against what the block's translation watches.
    fn check_watch(&mut self, access: Access, mem: u16, base: Val, index: Val, disp: i64) {
        let Some(watch) = &self.block.watch else {
            return;
        };
        if watch.bounds(access).is_empty() {
            return;
        }
        self.push(Op {
            aux: mem,
            aux2: access.bits(),
            a: base,
            b: index,
            imm: disp,
            ..Op::new(OpCode::CheckWatch, Ty::None)
        });
    }

    /// Start of the guest instruction at `pc`.
    pub fn insn_start(&mut self, pc: u64, len: u16, delay_slot: bool) {
        self.push(Op {
            aux: len,
            aux2: delay_slot.into(),
            imm: pc as i64,
            ..Op::new(OpCode::InsnStart, Ty::None)
        });
        self.block.insns += 1;
    }

    /// Integer constant; of an `I32`, only the low 32 bits count (kept sign-extended in the op).
    pub fn iconst(&mut self, ty: Ty, value: i64) -> Val {
        let imm = if ty == Ty::I32 {
            value as i32 as i64
        } else {
            value
        };
        self.push(Op {
            imm,
            ..Op::new(OpCode::Const, ty)
        })
    }

    /// `I32` constant.
    pub fn const32(&mut self, value: u32) -> Val {
        self.iconst(Ty::I32, value as i32 as i64)
    }

    /// `I64` constant.
    pub fn const64(&mut self, value: u64) -> Val {
        self.iconst(Ty::I64, value as i64)
    }

    /// Vector constant.
    pub fn vconst(&mut self, value: u128) -> Val {
        let imm = self.block.vconsts.len() as i64;
        self.block.vconsts.push(value);
        self.push(Op {
            imm,
            ..Op::new(OpCode::VConst, Ty::V128)
        })
    }

    /// Reads a guest register.
    pub fn get(&mut self, ty: Ty, slot: Slot) -> Val {
        self.push(Op {
            aux: slot,
            ..Op::new(OpCode::GetReg, ty)
        })
    }

    /// Writes a guest register; `ty` gives the width.
    pub fn set(&mut self, ty: Ty, slot: Slot, a: Val) {
        self.push(Op {
            aux: slot,
            a,
            ..Op::new(OpCode::SetReg, ty)
        });
    }

    /// A one-operand op whose value has the operand's type.
    pub fn unary(&mut self, code: OpCode, a: Val) -> Val {
        let ty = self.ty(a);
        self.push(Op {
            a,
            ..Op::new(code, ty)
        })
    }

    /// A two-operand integer op whose value has the type of `a`. Folds constants for the common arithmetic.
    pub fn binary(&mut self, code: OpCode, a: Val, b: Val) -> Val {
        let ty = self.ty(a);
        if let Some(y) = self.block.constant(b) {
            if let Some(x) = self.block.constant(a)
                && let Some(z) = fold(code, ty, x, y)
            {
                return self.iconst(ty, z);
            }
            let identity = matches!(
                code,
                OpCode::Add
                    | OpCode::Sub
                    | OpCode::Or
                    | OpCode::Xor
                    | OpCode::Shl
                    | OpCode::ShrU
                    | OpCode::ShrS
                    | OpCode::Rotr
                    | OpCode::AndNot
            );
            if y == 0 && identity {
                return a;
            }
        }
        self.push(Op {
            a,
            b,
            ..Op::new(code, ty)
        })
    }

    /// A two-operand integer op with a constant.
    pub fn binary_imm(&mut self, code: OpCode, a: Val, imm: i64) -> Val {
        let b = self.iconst(self.ty(a), imm);
        self.binary(code, a, b)
    }

    /// `a + b`
    pub fn add(&mut self, a: Val, b: Val) -> Val {
        self.binary(OpCode::Add, a, b)
    }

    /// `a - b`
    pub fn sub(&mut self, a: Val, b: Val) -> Val {
        self.binary(OpCode::Sub, a, b)
    }

    /// `a + imm`
    pub fn add_imm(&mut self, a: Val, imm: i64) -> Val {
        self.binary_imm(OpCode::Add, a, imm)
    }

    /// `I32` to `I64`, zero-extended.
    pub fn zext32(&mut self, a: Val) -> Val {
        match self.block.constant(a) {
            Some(x) => self.const64(x as u32 as u64),
            None => self.push(Op {
                a,
                ..Op::new(OpCode::Zext32, Ty::I64)
            }),
        }
    }

    /// `I32` to `I64`, sign-extended.
    pub fn sext32(&mut self, a: Val) -> Val {
        match self.block.constant(a) {
            Some(x) => self.const64(x as u64),
            None => self.push(Op {
                a,
                ..Op::new(OpCode::Sext32, Ty::I64)
            }),
        }
    }

    /// `I64` to `I32`.
    pub fn trunc(&mut self, a: Val) -> Val {
        match self.block.constant(a) {
            Some(x) => self.const32(x as u32),
            None => self.push(Op {
                a,
                ..Op::new(OpCode::Trunc, Ty::I32)
            }),
        }
    }

    /// Comparison as `I32` 0 or 1.
    pub fn compare(&mut self, cmp: Cmp, a: Val, b: Val) -> Val {
        self.op(
            OpCode::Compare,
            Ty::I32,
            &[a, b],
            cmp as u16,
            self.ty(a) as u16,
        )
    }

    /// `c != 0 ? a : b`
    pub fn select(&mut self, c: Val, a: Val, b: Val) -> Val {
        self.op(OpCode::Select, self.ty(a), &[a, b, c], 0, 0)
    }

    /// Condition on the flags: `cond ? a : b`
    pub fn cond_select(&mut self, cond: Cond, a: Val, b: Val) -> Val {
        self.op(OpCode::CondSelect, self.ty(a), &[a, b], cond as u16, 0)
    }

    /// Bits `[lsb, lsb+width)`, zero- or sign-extended.
    pub fn extract(&mut self, signed: bool, a: Val, lsb: u32, width: u32) -> Val {
        let code = if signed {
            OpCode::ExtractS
        } else {
            OpCode::ExtractU
        };
        self.op(code, self.ty(a), &[a], lsb as u16, width as u16)
    }

    /// Load of type `ty` from `base + (index << scale) + disp`; `index` may be [`NONE`].
    pub fn load(&mut self, ty: Ty, mem: MemArg, base: Val, index: Val, disp: i64) -> Val {
        self.check_watch(Access::READ, mem.pack(), base, index, disp);
        self.load_checked(ty, mem, base, index, disp)
    }

    /// A load of which [`Builder::check_watch_part`] has checked what counts.
    pub fn load_checked(&mut self, ty: Ty, mem: MemArg, base: Val, index: Val, disp: i64) -> Val {
        self.push(Op {
            aux: mem.pack(),
            a: base,
            b: index,
            imm: disp,
            ..Op::new(OpCode::Load, ty)
        })
    }

    /// Store of `value` to `base + (index << scale) + disp`; `index` may be [`NONE`].
    pub fn store(&mut self, mem: MemArg, base: Val, index: Val, disp: i64, value: Val) {
        self.check_watch(Access::WRITE, mem.pack(), base, index, disp);
        self.store_checked(mem, base, index, disp, value);
    }

    /// A store of which [`Builder::check_watch_part`] has checked what counts.
    pub fn store_checked(&mut self, mem: MemArg, base: Val, index: Val, disp: i64, value: Val) {
        let ty = self.ty(value);
        self.push(Op {
            aux: mem.pack(),
            a: base,
            b: index,
            c: value,
            imm: disp,
            ..Op::new(OpCode::Store, ty)
        });
    }

    /// Atomic read-modify-write; the value is the old content.
    pub fn atomic_rmw(
        &mut self,
        ty: Ty,
        op: AtomicOp,
        mem: MemArg,
        addr: Val,
        operand: Val,
    ) -> Val {
        self.op(
            OpCode::AtomicRmw,
            ty,
            &[addr, operand],
            mem.pack(),
            op as u16,
        )
    }

    /// Raises an alignment trap unless `addr + disp` is a multiple of `1 << size`.
    pub fn check_align(&mut self, addr: Val, disp: i64, size: u8, store: bool) {
        self.push(Op {
            a: addr,
            aux: size.into(),
            aux2: store.into(),
            imm: disp,
            ..Op::new(OpCode::CheckAlign, Ty::None)
        });
    }

    /// Calls integer helper `id`; `pure` says that the table's row has `touches_state` false.
    pub fn call(&mut self, ty: Ty, id: u16, pure: bool, args: &[Val], imm: i64) -> Val {
        let code = if pure { OpCode::CallPure } else { OpCode::Call };
        let v = self.op(code, ty, args, id, 0);
        self.block.ops[v as usize].imm = imm;
        v
    }

    /// Calls vector helper `id`; `pure` says that the table's row has `touches_state` false.
    pub fn call_vec(&mut self, id: u16, pure: bool, args: &[Val], imm: i64) -> Val {
        let code = if pure {
            OpCode::CallVecPure
        } else {
            OpCode::CallVec
        };
        let v = self.op(code, Ty::V128, args, id, 0);
        self.block.ops[v as usize].imm = imm;
        v
    }

    /// Scalar or vector floating-point op on lanes of `1 << lane` bytes.
    pub fn fp(&mut self, code: OpCode, ty: Ty, lane: u16, operands: &[Val]) -> Val {
        self.op(code, ty, operands, lane, 0)
    }

    /// Floating-point comparison as `I32` 0 or 1.
    pub fn fcompare(&mut self, cond: FCond, signaling: bool, lane: u16, a: Val, b: Val) -> Val {
        self.op(
            OpCode::FCompare,
            Ty::I32,
            &[a, b],
            lane,
            cond as u16 | u16::from(signaling) << 4,
        )
    }

    /// Floating point to integer with saturation.
    pub fn f_to_int(&mut self, ty: Ty, lane: u16, round: FpRound, signed: bool, a: Val) -> Val {
        self.op(
            OpCode::FToInt,
            ty,
            &[a],
            lane,
            round as u16 | u16::from(signed) << 4,
        )
    }

    /// Vector op on lanes of `1 << lane` bytes.
    pub fn vec(&mut self, code: OpCode, lane: u16, operands: &[Val]) -> Val {
        self.op(code, Ty::V128, operands, lane, 0)
    }

    /// Leaves for `target` if the flags satisfy `cond`.
    pub fn exit_if_cond(&mut self, cond: Cond, target: u64) {
        self.push(Op {
            aux: cond as u16,
            imm: target as i64,
            ..Op::new(OpCode::ExitIfCond, Ty::None)
        });
    }

    /// Leaves for `target` if `a cmp b`.
    pub fn exit_if_cmp(&mut self, cmp: Cmp, a: Val, b: Val, target: u64) {
        let ty = self.ty(a);
        self.push(Op {
            aux: cmp as u16,
            a,
            b,
            imm: target as i64,
            ..Op::new(OpCode::ExitIfCmp, ty)
        });
    }

    /// Leaves for `target` if bit `bit` of `a` equals `set`.
    pub fn exit_if_bit(&mut self, a: Val, bit: u16, set: bool, target: u64) {
        let ty = self.ty(a);
        self.push(Op {
            aux: bit,
            aux2: set.into(),
            a,
            imm: target as i64,
            ..Op::new(OpCode::ExitIfBit, ty)
        });
    }

    /// Raises `trap` if `a cmp b`.
    pub fn trap_if_cmp(&mut self, trap: Trap, code: u16, cmp: Cmp, a: Val, b: Val) {
        let ty = self.ty(a);
        self.push(Op {
            aux: trap as u16,
            aux2: code,
            a,
            b,
            imm: cmp as i64,
            ..Op::new(OpCode::TrapIfCmp, ty)
        });
    }

    /// Ends the block: go to `target`.
    pub fn jump(&mut self, target: u64) {
        self.push(Op {
            imm: target as i64,
            ..Op::new(OpCode::Jump, Ty::None)
        });
    }

    /// Ends the block: go to the address in `a`.
    pub fn jump_reg(&mut self, a: Val) {
        let ty = self.ty(a);
        self.push(Op {
            a,
            ..Op::new(OpCode::JumpReg, ty)
        });
    }

    /// Ends the block: system call with immediate `number`, returning to `next_pc`.
    pub fn syscall(&mut self, number: u16, next_pc: u64) {
        self.push(Op {
            aux: number,
            imm: next_pc as i64,
            ..Op::new(OpCode::Syscall, Ty::None)
        });
    }

    /// Ends the block: system call with immediate `number`, returning to the address in `next`.
    pub fn syscall_to(&mut self, number: u16, next: Val) {
        self.push(Op {
            aux: number,
            a: next,
            ..Op::new(OpCode::Syscall, Ty::None)
        });
    }

    /// Ends the block: discard translations of `len` bytes from `addr`, go on at `next_pc`, or in `next` unless that is [`NONE`].
    pub fn invalidate_code(&mut self, addr: Val, len: Val, next_pc: u64, next: Val) {
        self.push(Op {
            a: addr,
            b: len,
            c: next,
            imm: next_pc as i64,
            ..Op::new(OpCode::InvalidateCode, Ty::None)
        });
    }

    /// Ends the block: raise `trap` with the PC at `pc`.
    pub fn raise(&mut self, trap: Trap, code: u16, pc: u64) {
        self.push(Op {
            aux: trap as u16,
            aux2: code,
            imm: pc as i64,
            ..Op::new(OpCode::Raise, Ty::None)
        });
    }

    /// Ends the block: leave to the run loop, go on at the address in `next`.
    pub fn leave_to(&mut self, next: Val) {
        self.push(Op {
            a: next,
            ..Op::new(OpCode::Leave, Ty::None)
        });
    }

    /// Ends the block: leave to the run loop, go on at `pc`.
    pub fn leave(&mut self, pc: u64) {
        self.push(Op {
            imm: pc as i64,
            ..Op::new(OpCode::Leave, Ty::None)
        });
    }
}

/// The result of `code` on constants, for the ops that front ends apply to constants.
fn fold(code: OpCode, ty: Ty, x: i64, y: i64) -> Option<i64> {
    Some(match code {
        OpCode::Add => x.wrapping_add(y),
        OpCode::Sub => x.wrapping_sub(y),
        OpCode::And => x & y,
        OpCode::AndNot => x & !y,
        OpCode::Or => x | y,
        OpCode::Xor => x ^ y,
        OpCode::Shl if ty == Ty::I64 => x << (y & 63),
        OpCode::Shl => i64::from((x as i32) << (y & 31)),
        _ => return None,
    })
}
