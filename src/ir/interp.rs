//! The interpreter: executes a block op by op. It is the reference that the JIT is compared with, and the exact stepper.

use super::block::Block;
use super::exec::{compare, exec, exec_int, is_integer};
use super::memory::{MemFault, Memory};
use super::op::{AtomicOp, Cmp, Cond, MemArg, NONE, Op, OpCode, Ty};
use super::state::{CpuState, Helper, HelperFn, Trap};
use super::watch::{Access, WatchHit, WatchSet, part};

/// How a block was left. [`CpuState::pc`] is set: the next instruction, or for a trap or fault the one that raised it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockExit {
    /// Go on at the PC.
    Goto,
    /// System call with this immediate.
    Syscall(u16),
    /// Exception with its code.
    Trap(Trap, u16),
    /// Failed data access.
    Fault(MemFault),
    /// Discard translations of this guest range, then go on at the PC.
    InvalidateCode {
        /// First address.
        addr: u64,
        /// Length in bytes.
        len: u64,
    },
    /// Go on at the PC after a change of the mode.
    Leave,
    /// The instruction is about to make a watched access.
    Watchpoint(WatchHit),
}

/// Executes blocks; keeps the values' storage between them.
#[derive(Default)]
pub struct Interpreter {
    values: Vec<u128>,
}

impl Interpreter {
    /// Executes `block` from its start. `helpers` is the ISA's table.
    pub fn run(
        &mut self,
        cpu: &mut CpuState,
        block: &Block,
        mem: &mut dyn Memory,
        helpers: &[Helper],
    ) -> BlockExit {
        // Values are written before they are read, so what an earlier block left needs no clearing.
        if self.values.len() < block.ops.len() {
            self.values.resize(block.ops.len(), 0);
        }
        let mut frame = Frame {
            values: &mut self.values,
            block,
            mem,
            helpers,
        };
        for (i, op) in block.ops.iter().enumerate() {
            // The ops that most of a program consists of, without the detour that the others' results take.
            let value = match op.code {
                OpCode::InsnStart => {
                    cpu.pc = op.imm as u64;
                    continue;
                }
                OpCode::Const if op.ty == Ty::I32 => (op.imm as u32).into(),
                OpCode::Const => (op.imm as u64).into(),
                OpCode::GetReg => cpu.read(op.aux, op.ty.size()),
                OpCode::SetReg => {
                    cpu.write(op.aux, op.ty.size(), frame.values[op.a as usize]);
                    continue;
                }
                code if is_integer(code) => {
                    exec_int(op, frame.value(op.a) as u64, frame.value(op.b) as u64).into()
                }
                _ => match frame.step(cpu, op) {
                    Ok(value) => value,
                    Err(exit) => return exit,
                },
            };
            frame.values[i] = value;
        }
        // Every block ends with a terminal op (`verify` holds front ends to it).
        BlockExit::Trap(Trap::IllegalInstruction, 0)
    }
}

struct Frame<'a> {
    values: &'a mut Vec<u128>,
    block: &'a Block,
    mem: &'a mut dyn Memory,
    helpers: &'a [Helper],
}

fn fault<T>(result: Result<T, MemFault>) -> Result<T, BlockExit> {
    result.map_err(BlockExit::Fault)
}

/// Converts between a scalar and its bytes in memory, in either direction.
fn swap(x: u128, size: usize, big: bool) -> u128 {
    if big && size < 16 {
        x.swap_bytes() >> (128 - 8 * size)
    } else {
        x
    }
}

impl Frame<'_> {
    fn value(&self, v: u16) -> u128 {
        if v == NONE {
            0
        } else {
            self.values[v as usize]
        }
    }

    /// Where a terminal goes on: the address in `v`, or `imm` when that is absent.
    fn destination(&self, op: &Op, v: u16) -> u64 {
        if v == NONE {
            op.imm as u64
        } else {
            self.value(v) as u64
        }
    }

    fn address(&self, op: &Op) -> u64 {
        let m = MemArg::unpack(op.aux);
        let addr = (self.value(op.a) as u64)
            .wrapping_add((self.value(op.b) as u64) << m.scale)
            .wrapping_add(op.imm as u64);
        self.wrap(addr)
    }

    fn wrap(&self, addr: u64) -> u64 {
        if self.block.addr32 {
            addr & 0xffff_ffff
        } else {
            addr
        }
    }

    /// Loads as `m` says and extends to `ty`.
    fn load(&mut self, addr: u64, m: MemArg, ty: Ty) -> Result<u128, BlockExit> {
        let size = 1usize << m.size;
        let mut bytes = [0; 16];
        fault(self.mem.read(addr, &mut bytes[..size]))?;
        Ok(extend(swap(u128::from_le_bytes(bytes), size, m.big), m, ty))
    }

    fn step(&mut self, cpu: &mut CpuState, op: &Op) -> Result<u128, BlockExit> {
        use OpCode::*;
        let (a, b, c) = (self.value(op.a), self.value(op.b), self.value(op.c));
        Ok(match op.code {
            VConst => self.block.vconsts[op.imm as usize],
            Load => self.load(self.address(op), MemArg::unpack(op.aux), op.ty)?,
            Store => {
                let m = MemArg::unpack(op.aux);
                let size = 1usize << m.size;
                let bytes = swap(c & mask(size), size, m.big).to_le_bytes();
                let addr = self.address(op);
                fault(self.mem.write(addr, &bytes[..size]))?;
                0
            }
            Fence => {
                self.mem.fence();
                0
            }
            CheckAlign => {
                let addr = self.wrap((a as u64).wrapping_add(op.imm as u64));
                if addr & ((1 << op.aux) - 1) != 0 {
                    cpu.exit_arg = addr;
                    return Err(BlockExit::Trap(Trap::Alignment, op.aux2));
                }
                0
            }
            CheckWatch => {
                let len = 1 << MemArg::unpack(op.aux).size;
                let (addr, len) = part(op.aux2, self.address(op), len);
                let watch = self.block.watch.as_ref();
                let find = |w: &WatchSet| w.find(addr, len, Access::from_bits(op.aux2));
                if let Some(hit) = watch.and_then(|w| find(w)) {
                    return Err(BlockExit::Watchpoint(hit));
                }
                0
            }
            AtomicRmw | AtomicCas => self.atomic(op, a as u64, b, c)?,
            LoadExcl => {
                let m = MemArg::unpack(op.aux);
                let addr = self.wrap(a as u64);
                let plain = MemArg { signed: false, ..m };
                let value = self.load(addr, plain, if m.size == 4 { Ty::V128 } else { Ty::I64 })?;
                cpu.excl_addr = addr;
                cpu.excl_val = value;
                extend(value, m, op.ty)
            }
            StoreExcl => {
                let m = MemArg::unpack(op.aux);
                let size = 1usize << m.size;
                let addr = self.wrap(a as u64);
                let armed = cpu.excl_addr == addr;
                cpu.excl_addr = u64::MAX;
                if !armed {
                    return Ok(1);
                }
                let expected = swap(cpu.excl_val & mask(size), size, m.big);
                let new = swap(b & mask(size), size, m.big);
                u128::from(fault(self.mem.compare_exchange(addr, size, expected, new))? != expected)
            }
            ClearExcl => {
                cpu.excl_addr = u64::MAX;
                0
            }
            Call | CallPure => match self.helpers[op.aux as usize].func {
                HelperFn::Int(f) => {
                    let value = f(cpu, a as u64, b as u64, c as u64, op.imm as u64);
                    if op.ty == Ty::I32 {
                        u128::from(value as u32)
                    } else {
                        value.into()
                    }
                }
                HelperFn::Vec(_) => 0,
            },
            CallVec | CallVecPure => match self.helpers[op.aux as usize].func {
                HelperFn::Vec(f) => {
                    cpu.vargs[..3].copy_from_slice(&[a, b, c]);
                    f(cpu, op.imm as u64);
                    cpu.vargs[0]
                }
                HelperFn::Int(_) => 0,
            },
            ExitIfCond if Cond::from_bits(op.aux.into()).holds(cpu.nzcv()) => {
                return Err(goto(cpu, op.imm as u64));
            }
            ExitIfCmp if compare(Cmp::from_u16(op.aux), a as u64, b as u64, op.ty == Ty::I64) => {
                return Err(goto(cpu, op.imm as u64));
            }
            ExitIfBit if (a >> op.aux & 1) as u16 == op.aux2 => {
                return Err(goto(cpu, op.imm as u64));
            }
            TrapIfCmp
                if compare(
                    Cmp::from_u16(op.imm as u16),
                    a as u64,
                    b as u64,
                    op.ty == Ty::I64,
                ) =>
            {
                return Err(trap(op));
            }
            ExitIfCond | ExitIfCmp | ExitIfBit | TrapIfCmp => 0,
            Jump => return Err(goto(cpu, op.imm as u64)),
            JumpReg => return Err(goto(cpu, a as u64)),
            Syscall => {
                cpu.pc = self.destination(op, op.a);
                return Err(BlockExit::Syscall(op.aux));
            }
            Raise => {
                cpu.pc = op.imm as u64;
                return Err(trap(op));
            }
            InvalidateCode => {
                cpu.pc = self.destination(op, op.c);
                return Err(BlockExit::InvalidateCode {
                    addr: a as u64,
                    len: b as u64,
                });
            }
            Leave => {
                cpu.pc = self.destination(op, op.a);
                return Err(BlockExit::Leave);
            }
            _ => match exec(cpu, self.block.fp, op, a, b, c) {
                Some(value) => value,
                // `every_op_that_computes_has_semantics` keeps this from happening.
                None => return Err(BlockExit::Trap(Trap::IllegalInstruction, 0)),
            },
        })
    }

    fn atomic(&mut self, op: &Op, addr: u64, b: u128, c: u128) -> Result<u128, BlockExit> {
        let m = MemArg::unpack(op.aux);
        let addr = self.wrap(addr);
        let size = 1usize << m.size;
        if op.code == OpCode::AtomicCas {
            let old = fault(self.mem.compare_exchange(
                addr,
                size,
                swap(b & mask(size), size, m.big),
                swap(c & mask(size), size, m.big),
            ))?;
            return Ok(extend(swap(old, size, m.big), m, op.ty));
        }
        let kind = AtomicOp::from_u16(op.aux2);
        let mut bytes = [0; 16];
        fault(
            self.mem
                .read(addr, &mut bytes[..size])
                .map_err(|f| MemFault { write: true, ..f }),
        )?;
        let mut raw = u128::from_le_bytes(bytes);
        loop {
            let old = swap(raw, size, m.big);
            let new = apply(kind, old as u64, b as u64, size);
            let seen = fault(self.mem.compare_exchange(
                addr,
                size,
                raw,
                swap(u128::from(new) & mask(size), size, m.big),
            ))?;
            if seen == raw {
                return Ok(extend(old, m, op.ty));
            }
            raw = seen;
        }
    }
}

fn mask(size: usize) -> u128 {
    u128::MAX >> (128 - 8 * size)
}

fn extend(x: u128, m: MemArg, ty: Ty) -> u128 {
    if !m.signed || ty.is_vector() {
        return x;
    }
    let shift = 64 - (8 << m.size);
    let value = ((x as u64) << shift) as i64 >> shift;
    if ty == Ty::I32 {
        u128::from(value as u32)
    } else {
        u128::from(value as u64)
    }
}

/// The new content of memory for a read-modify-write of `size` bytes.
pub fn apply(op: AtomicOp, old: u64, v: u64, size: usize) -> u64 {
    let shift = 64 - 8 * size as u32;
    let (uo, uv) = (old << shift, v << shift);
    let (so, sv) = (uo as i64, uv as i64);
    match op {
        AtomicOp::Add => old.wrapping_add(v),
        AtomicOp::And => old & v,
        AtomicOp::AndNot => old & !v,
        AtomicOp::Or => old | v,
        AtomicOp::Xor => old ^ v,
        AtomicOp::MaxS => {
            if so >= sv {
                old
            } else {
                v
            }
        }
        AtomicOp::MinS => {
            if so <= sv {
                old
            } else {
                v
            }
        }
        AtomicOp::MaxU => {
            if uo >= uv {
                old
            } else {
                v
            }
        }
        AtomicOp::MinU => {
            if uo <= uv {
                old
            } else {
                v
            }
        }
        AtomicOp::Swap => v,
    }
}

fn goto(cpu: &mut CpuState, pc: u64) -> BlockExit {
    cpu.pc = pc;
    BlockExit::Goto
}

/// The trap of a `Raise` or `TrapIfCmp`.
fn trap(op: &Op) -> BlockExit {
    BlockExit::Trap(
        Trap::from_u16(op.aux).unwrap_or(Trap::IllegalInstruction),
        op.aux2,
    )
}
