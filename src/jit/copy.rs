//! Code that copies: loads and stores of neighbouring registers as one access of 16 bytes, and loops that keep such registers in
//! host registers from round to round.
//!
//! A library's memcpy moves most of its bytes with load-pair and store-pair instructions of registers that are not pinned. Half by
//! half, each pair would take four host accesses: two of the guest's memory and two of the state.

use super::regs::{Convention, VECTOR_PINS, VECTOR_SCRATCH};
use crate::ir::{Block, Effect, MemArg, NONE, Op, OpCode, REGS_SIZE, Slot, Ty, Val};

/// Bytes of one register of a pair.
const HALF: usize = 8;
/// Parts of the state that are followed one by one.
const UNITS: usize = REGS_SIZE / HALF;

/// What is known of a part of the state. Going up it says how it is read next, going down who wrote it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    /// Going up: not at all. Going down: code before the block.
    Elsewhere,
    /// Going up: as half of a pair. Going down: the load of a pair at this op.
    Pair(Val),
    /// On its own.
    Alone,
}

/// Working memory, kept between blocks.
pub struct Copies {
    uses: Vec<u8>,
    pairs: Vec<Val>,
    halves: Box<[Half; UNITS]>,
}

impl Default for Copies {
    fn default() -> Copies {
        Copies {
            uses: Vec::new(),
            pairs: Vec::new(),
            halves: Box::new([Half::Elsewhere; UNITS]),
        }
    }
}

/// A load or store of 8 bytes in the host's order, without index.
fn plain(op: &Op, code: OpCode) -> bool {
    const ARG: MemArg = MemArg {
        size: 3,
        signed: false,
        big: false,
        scale: 0,
    };
    op.code == code && op.ty == Ty::I64 && op.b == NONE && op.aux == ARG.pack()
}

/// The slot of the first register if a load pair begins at op `i`: two loads, then two registers written.
fn load_pair([l0, l1, s0, s1]: &[Op; 4], i: usize) -> Option<Slot> {
    let written =
        |s: &Op, v: usize| s.code == OpCode::SetReg && s.ty == Ty::I64 && s.a as usize == v;
    (plain(l0, OpCode::Load)
        && plain(l1, OpCode::Load)
        && l0.a == l1.a
        && l0.imm.wrapping_add(HALF as i64) == l1.imm
        && written(s0, i)
        && written(s1, i + 1)
        && s0.aux as usize + HALF == s1.aux as usize)
        .then_some(s0.aux)
}

/// The slot of the first register if a store pair begins at op `i`: a register read and stored, then another.
fn store_pair([g0, s0, g1, s1]: &[Op; 4], i: usize) -> Option<Slot> {
    let read = |g: &Op| g.code == OpCode::GetReg && g.ty == Ty::I64;
    (read(g0)
        && plain(s0, OpCode::Store)
        && s0.c as usize == i
        && read(g1)
        && plain(s1, OpCode::Store)
        && s1.c as usize == i + 2
        && s0.a == s1.a
        && s0.imm.wrapping_add(HALF as i64) == s1.imm
        && g0.aux as usize + HALF == g1.aux as usize)
        .then_some(g0.aux)
}

impl Copies {
    /// Rewrites pairs in `block` where that is faster, and returns the registers of 16 bytes that its loop, if it is one, shall keep
    /// in host registers.
    pub fn rewrite(&mut self, block: &mut Block, conv: &Convention) -> Vec<Slot> {
        if block.addr32 || block.key.instrumentation != 0 {
            return Vec::new();
        }
        self.pairs.clear();
        let ops = &block.ops;
        let mut loads = false;
        for (i, op) in ops.iter().enumerate() {
            // Where the pair would begin.
            let start = match op.code {
                OpCode::Load => i,
                OpCode::Store => i.saturating_sub(1),
                _ => continue,
            };
            let Some(four) = ops[start..].first_chunk::<4>() else {
                continue;
            };
            let slot = match (four[0].code, four[1].code) {
                (OpCode::Load, OpCode::Load) => load_pair(four, start),
                // See `choose_stores`: nothing else has a chance.
                (OpCode::GetReg, OpCode::Store) => store_pair(four, start)
                    .filter(|slot| loads || is_temporary(*slot, conv.temporaries)),
                _ => continue,
            };
            // In the state, and there in one line of the host's cache.
            if let Some(slot) = slot
                && (slot as usize).is_multiple_of(HALF)
                && slot % 64 != 56
                && (0..2 * HALF)
                    .step_by(4)
                    .all(|at| !conv.is_pinned(slot as usize + at))
            {
                self.pairs.push(start as Val);
                loads |= op.code == OpCode::Load;
            }
        }
        if self.pairs.is_empty() {
            return Vec::new();
        }
        self.count_uses(ops);
        self.choose_loads(ops);
        self.choose_stores(ops, conv.temporaries);
        for &i in &self.pairs {
            merge(&mut block.ops, i as usize);
        }
        if self.pairs.is_empty() || conv.vector.len() != VECTOR_PINS || conv.vector_size != 4 {
            return Vec::new();
        }
        loop_pins(block, conv)
    }

    /// Drops pairs whose values are used for anything else.
    fn count_uses(&mut self, ops: &[Op]) {
        self.uses.clear();
        self.uses.resize(ops.len(), 0);
        for op in ops {
            for v in [op.a, op.b, op.c] {
                if let Some(uses) = self.uses.get_mut(v as usize) {
                    *uses = uses.saturating_add(1);
                }
            }
        }
        let uses = &self.uses;
        self.pairs.retain(|&i| {
            let i = i as usize;
            let second = if ops[i].code == OpCode::Load {
                i + 1
            } else {
                i + 2
            };
            uses[i] == 1 && uses[second] == 1
        });
    }

    /// Drops loads of registers that the block then reads one by one: those are better off in general registers.
    fn choose_loads(&mut self, ops: &[Op]) {
        self.halves.fill(Half::Elsewhere);
        let halves = &mut self.halves;
        let mut next = self.pairs.len();
        let mut i = ops.len();
        while i > 0 {
            i -= 1;
            // The pair that op `i` belongs to.
            while next > 0 && self.pairs[next - 1] as usize > i {
                next -= 1;
            }
            let pair = next
                .checked_sub(1)
                .filter(|n| i < self.pairs[*n] as usize + 4);
            let op = &ops[i];
            match op.code {
                OpCode::SetReg => {
                    if let Some(n) = pair
                        && ops[self.pairs[n] as usize].code == OpCode::Load
                    {
                        let start = self.pairs[n] as usize;
                        let unit = ops[start + 2].aux as usize / HALF;
                        if halves[unit] == Half::Alone || halves[unit + 1] == Half::Alone {
                            self.pairs.remove(n);
                            next = n;
                        }
                        halves[unit] = Half::Elsewhere;
                        halves[unit + 1] = Half::Elsewhere;
                        i = start;
                    } else if op.ty.size() >= HALF {
                        units(op).for_each(|u| halves[u] = Half::Elsewhere);
                    }
                }
                OpCode::GetReg => {
                    let half = match pair {
                        Some(n) => Half::Pair(self.pairs[n]),
                        None => Half::Alone,
                    };
                    units(op).for_each(|u| halves[u] = half);
                }
                _ => {}
            }
        }
    }

    /// Drops stores of registers that were not written together: the host is slow to load what two stores have just written.
    fn choose_stores(&mut self, ops: &[Op], temporaries: (Slot, Slot)) {
        self.halves.fill(Half::Elsewhere);
        let halves = &mut self.halves;
        let mut at = 0;
        self.pairs.retain(|&start| {
            let start = start as usize;
            for op in &ops[at..start] {
                if op.code == OpCode::SetReg {
                    units(op).for_each(|u| halves[u] = Half::Alone);
                }
            }
            at = start + 4;
            let load = ops[start].code == OpCode::Load;
            let slot = ops[if load { start + 2 } else { start }].aux;
            let unit = slot as usize / HALF;
            if load {
                halves[unit] = Half::Pair(start as Val);
                halves[unit + 1] = Half::Pair(start as Val);
                return true;
            }
            match halves[unit] {
                Half::Alone => false,
                Half::Pair(_) => halves[unit] == halves[unit + 1],
                Half::Elsewhere => {
                    halves[unit + 1] == Half::Elsewhere && is_temporary(slot, temporaries)
                }
            }
        });
    }
}

/// Whether the registers of the pair at `slot` are ones that calls do not preserve.
fn is_temporary(slot: Slot, temporaries: (Slot, Slot)) -> bool {
    (temporaries.0..temporaries.1.saturating_sub(HALF as Slot)).contains(&slot)
}

/// The parts of the state that a `GetReg` or `SetReg` touches.
fn units(op: &Op) -> std::ops::RangeInclusive<usize> {
    let start = op.aux as usize;
    start / HALF..=(start + op.ty.size() - 1) / HALF
}

/// Makes one access of the pair that begins at op `i`. What is left over are constants that nothing uses.
fn merge(ops: &mut [Op], i: usize) {
    const NOTHING: Op = Op::new(OpCode::Const, Ty::I64);
    let whole = MemArg {
        size: 4,
        ..MemArg::default()
    };
    let access = if ops[i].code == OpCode::Load {
        ops[i + 2].ty = Ty::V128;
        ops[i + 1] = NOTHING;
        i
    } else {
        ops[i].ty = Ty::V128;
        ops[i + 2] = NOTHING;
        i + 1
    };
    ops[i + 3] = NOTHING;
    ops[access].ty = Ty::V128;
    ops[access].aux = whole.pack();
}

/// If the block is a loop that does nothing but copy and count, ends it behind the loop and returns the unpinned registers of 16
/// bytes in it.
fn loop_pins(block: &mut Block, conv: &Convention) -> Vec<Slot> {
    let start = block.key.pc;
    let Some(end) = block.ops.iter().rposition(|op| {
        op.code.effect() == Effect::SideExit
            && op.imm as u64 == start
            && op.code != OpCode::TrapIfCmp
    }) else {
        return Vec::new();
    };
    let mut slots: Vec<Slot> = Vec::new();
    for op in &block.ops[..end] {
        use OpCode::*;
        match op.code {
            GetReg | SetReg if op.ty == Ty::V128 => {
                if conv.pin(op.aux) == super::regs::NO_HOST && !slots.contains(&op.aux) {
                    slots.push(op.aux);
                }
            }
            Load | Store if op.ty == Ty::V128 => {}
            InsnStart | Const | GetReg | SetReg | Load | Store | Add | Sub | And | Or | Xor
            | Shl | ShrU | ShrS | AddF | SubF | AndF | ExitIfCond | ExitIfCmp | ExitIfBit
                if !op.ty.is_vector() => {}
            _ => return Vec::new(),
        }
    }
    let overlaps = |op: &Op| {
        slots.iter().any(|s| {
            let (a, b) = (op.aux as usize, *s as usize);
            a < b + 16 && b < a + op.ty.size() && !(op.ty == Ty::V128 && a == b)
        })
    };
    let apart = !block.ops[..end]
        .iter()
        .any(|op| matches!(op.code, OpCode::GetReg | OpCode::SetReg) && overlaps(op));
    if slots.is_empty() || slots.len() > VECTOR_SCRATCH.len() || !apart {
        return Vec::new();
    }
    // The code behind the loop is a block of its own.
    if let Some(behind) = block.ops[end..]
        .iter()
        .find(|op| op.code == OpCode::InsnStart)
    {
        let next = behind.imm;
        block.ops.truncate(end + 1);
        block.insns = block
            .ops
            .iter()
            .filter(|op| op.code == OpCode::InsnStart)
            .count() as u32;
        block.ops.push(Op {
            imm: next,
            ..Op::new(OpCode::Jump, Ty::None)
        });
    } else if block.ops.len() != end + 2 || block.ops[end + 1].code != OpCode::Jump {
        return Vec::new();
    }
    slots
}
