//! The backward pass over a block: what is used later, where results should go, which flags matter.

use super::regs::{Convention, HostReg, NO_HOST, XMM};
use crate::ir::{Block, Effect, Helper, MemArg, NONE, Op, OpCode, Val};

/// No place in memory.
pub const NO_HOME: u16 = u16::MAX;

/// Set in a home that is a spill slot of the frame (else it is a guest register's slot).
pub const SPILLED: u16 = 0x8000;

/// Nothing needs the op: it is not emitted.
pub const DEAD: u8 = 1;
/// The guest's flags are needed after the op.
pub const FLAGS_AFTER: u8 = 2;
/// A comparison that the next op emits together with itself.
pub const FUSED: u8 = 4;

/// What is known of one value, by its op. The first half is filled by the backward pass, the second while emitting.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// Index of the last op that uses it; 0 for none.
    pub last_use: u16,
    /// The pin that it should be computed into, because a `SetReg` moves it there with nothing in between; or [`NO_HOST`].
    pub hint: HostReg,
    /// [`DEAD`], [`FLAGS_AFTER`], [`FUSED`].
    pub bits: u8,
    /// Of a vector: bytes from the low end that are looked at, 4, 8 or 16.
    pub demand: u8,
    /// Of an integer: bits 63:32 of its register are zero (1). Of a vector: bits above 63 are zero (1), above 31 too (2).
    pub zero: u8,
    /// More of its register counts than its type says: it is part of a guest register, the whole of which aliases look at.
    pub wide: bool,
    /// Host register that holds it, or [`NO_HOST`].
    pub reg: HostReg,
    /// Where else it is: a guest register's slot, a spill slot ([`SPILLED`]), or [`NO_HOME`].
    pub home: u16,
    /// The value that has its bits: itself, or one that it is an alias of.
    pub root: Val,
}

impl Value {
    const NEW: Value = Value {
        last_use: 0,
        hint: NO_HOST,
        bits: 0,
        demand: 4,
        zero: 0,
        wide: false,
        reg: NO_HOST,
        home: NO_HOME,
        root: NONE,
    };

    /// Whether the op is to be skipped.
    #[inline]
    pub fn is(&self, bit: u8) -> bool {
        self.bits & bit != 0
    }
}

/// A `SetReg` of a pin met on the way up, whose value may still be computed into the pin.
#[derive(Clone, Copy)]
struct Wish {
    value: Val,
    /// The number of barriers passed when it was met: a fault, exit or call in between must see the old register.
    barriers: u32,
}

/// Fills `values` for `block`; returns whether the flags are needed at its start.
pub fn analyse(
    block: &Block,
    conv: &Convention,
    helpers: &[Helper],
    values: &mut Vec<Value>,
) -> bool {
    let ops = &block.ops[..];
    values.clear();
    values.resize(ops.len(), Value::NEW);
    let values = &mut values[..ops.len()];
    let mut flags = true;
    let mut barriers = 0;
    let mut wishes = [Wish {
        value: NONE,
        barriers: 0,
    }; 32];
    for (i, op) in ops.iter().enumerate().rev() {
        let Value {
            last_use, mut hint, ..
        } = values[i];
        let used = last_use != 0;
        // Most ops are one of these, which have little to do with the rest.
        match op.code {
            OpCode::InsnStart => continue,
            // It is put where it is wanted by who wants it.
            OpCode::Const => {
                if !used {
                    values[i].bits = DEAD;
                }
                continue;
            }
            OpCode::GetReg => {
                if !used {
                    values[i].bits = DEAD;
                    continue;
                }
                forget_wishes(op, conv, &mut wishes);
                if hint != NO_HOST && !grant(&mut wishes, values, i, op, hint, barriers) {
                    values[i].hint = NO_HOST;
                }
                continue;
            }
            OpCode::SetReg => {
                let pin = conv.pin(op.aux);
                let value = &mut values[op.a as usize];
                if pin != NO_HOST && fills_pin(op, conv, pin) {
                    wishes[(pin & 31) as usize] = Wish {
                        value: op.a,
                        barriers,
                    };
                    value.hint = pin;
                } else {
                    // Goes through the state, which moves pins in and out.
                    barriers += 1;
                }
                if value.last_use == 0 {
                    value.last_use = i as u16;
                }
                let bytes = if op.ty.size() <= 8 { 8 } else { 16 };
                value.demand = value.demand.max(bytes);
                continue;
            }
            _ => {}
        }
        let mut bits = if flags { FLAGS_AFTER } else { 0 };
        let mut used_at = i as u16;
        // Barriers between here and the ops after this one.
        let barriers_here = barriers;
        match op.code.effect() {
            Effect::Mark | Effect::GetReg | Effect::SetReg => continue,
            Effect::Pure | Effect::ReadsFlags if !used => {
                values[i].bits = DEAD;
                continue;
            }
            Effect::Pure => {
                // A comparison right before the op that tests it needs no value of its own.
                if op.code == OpCode::Compare
                    && last_use as usize == i + 1
                    && ops[i + 1].code == OpCode::Select
                    && ops[i + 1].c as usize == i
                    && ops[i + 1].a as usize != i
                    && ops[i + 1].b as usize != i
                {
                    bits |= FUSED;
                    used_at = i as u16 + 1;
                }
            }
            Effect::ReadsFlags => flags = true,
            Effect::WritesFlags => {
                // A floating-point comparison raises exceptions besides.
                if !flags && !used && op.code != OpCode::FCmpF {
                    values[i].bits = DEAD;
                    continue;
                }
                flags = false;
            }
            Effect::ReadsWritesFlags => {
                if !flags && !used {
                    values[i].bits = DEAD;
                    continue;
                }
                flags = true;
            }
            Effect::Memory => {
                if !matches!(op.code, OpCode::Fence | OpCode::ClearExcl) {
                    flags = true;
                }
                barriers += 1;
            }
            Effect::State => {
                if matches!(op.code, OpCode::Call | OpCode::CallVec)
                    && helpers.get(op.aux as usize).is_none_or(|h| h.touches_state)
                {
                    flags = true;
                }
                barriers += 1;
            }
            Effect::SideExit | Effect::Terminal => {
                flags = true;
                barriers += 1;
            }
            Effect::Fp => {}
        }
        if hint != NO_HOST && !grant(&mut wishes, values, i, op, hint, barriers_here) {
            hint = NO_HOST;
        }
        values[i].hint = hint;
        values[i].bits = bits;
        for v in [op.a, op.b, op.c] {
            if v == NONE {
                continue;
            }
            let value = &mut values[v as usize];
            if value.last_use == 0 {
                value.last_use = used_at;
            }
            if ops[v as usize].ty.is_vector() {
                value.demand = value.demand.max(demand(op, v, conv));
            }
        }
    }
    flags
}

/// Whether pin `hint`, which the value of op `i` wants, is still free between there and the `SetReg`.
#[inline(always)]
fn grant(
    wishes: &mut [Wish; 32],
    values: &mut [Value],
    i: usize,
    op: &Op,
    hint: HostReg,
    barriers: u32,
) -> bool {
    let wish = &mut wishes[(hint & 31) as usize];
    if wish.value as usize != i || wish.barriers != barriers {
        return false;
    }
    // A conversion that is no instruction passes the wish on to its operand.
    if matches!(op.code, OpCode::Zext32 | OpCode::Trunc) {
        wish.value = op.a;
        values[op.a as usize].hint = hint;
    } else {
        wish.value = NONE;
    }
    true
}

/// A `GetReg` may see parts of several pins: what is put there later must not be there yet.
#[inline]
fn forget_wishes(op: &Op, conv: &Convention, wishes: &mut [Wish; 32]) {
    let first = op.aux as usize;
    let last = first + op.ty.size() - 1;
    let pin = conv.at(first);
    // One register, as most: pins are at multiples of 4 and have 4 bytes at least, so that there is none in the middle.
    if conv.at(last) == pin && op.ty.size() <= 8 && first.is_multiple_of(4) {
        if pin != NO_HOST {
            wishes[(pin & 31) as usize].value = NONE;
        }
        return;
    }
    for at in (first..last).step_by(4).chain([last]) {
        let pin = conv.at(at);
        if pin != NO_HOST {
            wishes[(pin & 31) as usize].value = NONE;
        }
    }
}

/// Whether a `SetReg` writes all of `pin` from a value of its kind.
pub fn fills_pin(op: &Op, conv: &Convention, pin: HostReg) -> bool {
    if pin >= XMM {
        op.ty.is_vector() && op.ty.size() == 1 << conv.vector_size
    } else {
        !op.ty.is_vector() && op.ty.size() == 1 << conv.int_size
    }
}

/// How many low bytes of vector operand `v` the op looks at.
fn demand(op: &Op, v: Val, _conv: &Convention) -> u8 {
    use OpCode::*;
    match op.code {
        FAdd | FSub | FMul | FDiv | FSqrt | FMin | FMax | FMinNum | FMaxNum | FMulAdd | FNeg
        | FAbs | FCvt | FToInt | FRoundInt | FCmpNzcv | FCmpF | FCompare | VZext => {
            if op.aux >= 3 {
                8
            } else {
                4
            }
        }
        Store if op.c == v => match MemArg::unpack(op.aux).size {
            0..=2 => 4,
            3 => 8,
            _ => 16,
        },
        VToInt | VToIntS => {
            let end = (op.aux2 + 1) << op.aux;
            if end <= 4 {
                4
            } else if end <= 8 {
                8
            } else {
                16
            }
        }
        _ => 16,
    }
}
