//! The backward pass over a block: what is used later, where results should go, which flags matter.

use super::regs::{Convention, HostReg, NO_HOST, XMM};
use crate::ir::{Block, Effect, Helper, MemArg, NONE, Op, OpCode, Ty, Val};

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
    let ops = &block.ops;
    values.clear();
    values.resize(ops.len(), Value::NEW);
    let mut flags = true;
    let mut barriers = 0;
    let mut wishes = [Wish {
        value: NONE,
        barriers: 0,
    }; 32];
    for i in (0..ops.len()).rev() {
        let op = &ops[i];
        let mut used_at = i as u16;
        let used = values[i].last_use != 0;
        if flags {
            values[i].bits |= FLAGS_AFTER;
        }
        match op.code.effect() {
            Effect::Pure | Effect::ReadsFlags if !used => {
                values[i].bits |= DEAD;
                continue;
            }
            Effect::GetReg => {
                if !used {
                    values[i].bits |= DEAD;
                    continue;
                }
                // It may see parts of several pins.
                let last = op.aux as usize + op.ty.size() - 1;
                for at in (op.aux as usize..last).step_by(4).chain([last]) {
                    let pin = conv.at(at);
                    if pin != NO_HOST {
                        wishes[pin as usize].value = NONE;
                    }
                }
            }
            Effect::Pure => {
                // A comparison right before the op that tests it needs no value of its own.
                if op.code == OpCode::Compare
                    && values[i].last_use as usize == i + 1
                    && ops[i + 1].code == OpCode::Select
                    && ops[i + 1].c as usize == i
                    && ops[i + 1].a as usize != i
                    && ops[i + 1].b as usize != i
                {
                    values[i].bits |= FUSED;
                    used_at = i as u16 + 1;
                }
            }
            Effect::ReadsFlags => flags = true,
            Effect::WritesFlags => {
                // A floating-point comparison raises exceptions besides.
                if !flags && !used && op.code != OpCode::FCmpF {
                    values[i].bits |= DEAD;
                    continue;
                }
                flags = false;
            }
            Effect::ReadsWritesFlags => {
                if !flags && !used {
                    values[i].bits |= DEAD;
                    continue;
                }
                flags = true;
            }
            Effect::SetReg => {
                let pin = conv.pin(op.aux);
                if pin != NO_HOST && fills_pin(op, conv, pin) {
                    wishes[pin as usize] = Wish {
                        value: op.a,
                        barriers,
                    };
                    values[op.a as usize].hint = pin;
                } else {
                    // Goes through the state, which moves pins in and out.
                    barriers += 1;
                }
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
            Effect::Fp | Effect::Mark => {}
        }
        // Is the pin that the value wants still free between here and the SetReg?
        let hint = values[i].hint;
        if hint != NO_HOST {
            let wish = wishes[hint as usize];
            let barriers_here = match op.code.effect() {
                Effect::Memory | Effect::State => barriers - 1,
                _ => barriers,
            };
            if wish.value as usize == i && wish.barriers == barriers_here {
                // A conversion that is no instruction passes the wish on to its operand.
                if matches!(op.code, OpCode::Zext32 | OpCode::Trunc) {
                    wishes[hint as usize].value = op.a;
                    values[op.a as usize].hint = hint;
                } else {
                    wishes[hint as usize].value = NONE;
                }
            } else {
                values[i].hint = NO_HOST;
            }
        }
        for v in op.operands() {
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
        SetReg if op.ty == Ty::V64 => 8,
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
