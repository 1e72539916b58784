//! The code that all blocks share: entry, exit, calls out; and the constants that they read.

use super::emit::{MXCSR, exit_code};
use super::regs::{Convention, STATE_BIAS, XMM, frame, slot, state};
use super::x64::gpr::*;
use super::x64::{Alu, Asm, Mem, Reg, Shift};
use crate::ir::CpuState;
use std::collections::HashMap;
use std::mem::offset_of;

/// Host addresses in the code buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stubs {
    /// `extern "sysv64" fn(&mut CpuState, block: u64) -> u64`: enters a block; returns an exit code.
    pub enter: u64,
    /// Leaves; called with the PC and the exit code as data after the call.
    pub exit: u64,
    /// Leaves; the PC is in the state, the exit code in RAX.
    pub exit_at_pc: u64,
    /// Leaves after a fault that [`super::fault`] has noted in the state.
    pub exit_fault: u64,
    /// Runs the descriptor in the frame; keeps every register but the flags.
    pub call: u64,
    /// The same for a function that reads and writes guest registers: the pins go to the state and come back.
    pub call_with_state: u64,
    /// Three packed flag words: see `FlagConstants`.
    pub flag_constants: u64,
}

/// 16-byte constants that blocks read, at one place in the code buffer.
#[derive(Default)]
pub struct ConstPool {
    base: u64,
    capacity: usize,
    map: HashMap<u128, u64>,
    /// Constants added since the cache last copied them to the buffer: address, value.
    pub(super) added: Vec<(u64, u128)>,
}

impl ConstPool {
    /// A pool at host address `base` for `capacity` constants.
    pub fn new(base: u64, capacity: usize) -> ConstPool {
        ConstPool {
            base,
            capacity,
            ..ConstPool::default()
        }
    }

    /// Host address of a constant; `None` when the pool is full.
    pub fn get(&mut self, value: u128) -> Option<u64> {
        let n = self.map.len();
        if let Some(addr) = self.map.get(&value) {
            return Some(*addr);
        }
        if n >= self.capacity {
            return None;
        }
        let addr = self.base + 16 * n as u64;
        self.map.insert(value, addr);
        self.added.push((addr, value));
        Some(addr)
    }
}

/// Registers that a System V function may destroy, of those that generated code uses.
const CALLER_SAVED: [Reg; 9] = [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11];

const CALLEE_SAVED: [Reg; 6] = [RBX, RBP, R12, R13, R14, R15];

/// Writes the stubs for blocks with these pins; `asm` has been started at their address.
pub fn emit(asm: &mut Asm, conv: &Convention) -> Stubs {
    let mut stubs = Stubs::default();
    let base = asm.here() - asm.pos() as u64;
    let relative = |addr: u64| Mem::relative(addr.wrapping_sub(base) as i32);

    asm.align_data(16);
    stubs.flag_constants = asm.here();
    // Packed NZCV after a floating-point comparison: equal (Z, C), less (N), unordered (C, V).
    for word in [0x4000u32, 0x8100, 0x0001, 0] {
        asm.bytes(&word.to_le_bytes());
    }
    let mxcsr_table = asm.here();
    for word in MXCSR {
        asm.bytes(&word.to_le_bytes());
    }

    asm.align_data(16);
    stubs.enter = asm.here();
    for r in CALLEE_SAVED {
        asm.push(r);
    }
    asm.grow_stack(frame::SIZE);
    asm.lea(true, R15, Mem::base(RDI, STATE_BIAS));
    // The block's address, out of the way of the pins.
    asm.mov(true, RAX, RSI);
    asm.load(false, 0, false, RCX, state(offset_of!(CpuState, fp_round)));
    asm.lea(true, RDX, relative(mxcsr_table));
    asm.ldmxcsr(Mem::indexed(RDX, RCX, 2, 0));
    load_pins(asm, conv);
    asm.jmp_rm(RAX);

    asm.align_data(16);
    stubs.exit = asm.here();
    asm.pop(RCX);
    asm.mov(true, RAX, Mem::base(RCX, 0));
    asm.store(3, state(offset_of!(CpuState, pc)), RAX);
    asm.mov(true, RAX, Mem::base(RCX, 8));
    stubs.exit_at_pc = asm.here();
    store_pins(asm, conv);
    // Exceptions raised since the last merge: MXCSR's flag bits without the denormal one.
    asm.stmxcsr(frame::MXCSR);
    asm.mov(false, RCX, frame::MXCSR);
    asm.mov(false, RDX, RCX);
    asm.alu_imm(Alu::And, false, RDX, 1);
    asm.shift_imm(Shift::Shr, false, RCX, 1);
    asm.alu_imm(Alu::And, false, RCX, 0x1e);
    asm.alu(Alu::Or, false, RCX, RDX);
    asm.alu_store(Alu::Or, 2, state(offset_of!(CpuState, fp_flags)), RCX);
    asm.ldmxcsr(relative(mxcsr_table));
    asm.grow_stack(-frame::SIZE);
    for r in CALLEE_SAVED.into_iter().rev() {
        asm.pop(r);
    }
    asm.ret();

    asm.align_data(16);
    stubs.exit_fault = asm.here();
    asm.mov_imm(RAX, exit_code::FAULT);
    asm.jmp_to(stubs.exit_at_pc);

    asm.align_data(16);
    stubs.call = asm.here();
    call_stub(asm, conv, false, relative(mxcsr_table));
    asm.align_data(16);
    stubs.call_with_state = asm.here();
    call_stub(asm, conv, true, relative(mxcsr_table));
    stubs
}

/// Inside a call stub the frame is 8 bytes further up, behind the return address, and 8 more for alignment.
fn shifted(m: Mem) -> Mem {
    Mem {
        disp: m.disp + 16,
        ..m
    }
}

fn call_stub(asm: &mut Asm, conv: &Convention, with_state: bool, default_mxcsr: Mem) {
    asm.grow_stack(8);
    for r in CALLER_SAVED {
        asm.store(
            3,
            shifted(Mem::base(RSP, frame::GPR_SAVE + 8 * i32::from(r))),
            r,
        );
    }
    for x in 0..16 {
        let m = Mem::base(RSP, frame::XMM_SAVE + 16 * i32::from(x));
        asm.vstore(4, shifted(m), x);
    }
    if with_state {
        store_pins(asm, conv);
    }
    asm.stmxcsr(shifted(frame::MXCSR));
    asm.ldmxcsr(default_mxcsr);
    asm.lea(true, RDI, Mem::base(R15, -STATE_BIAS));
    asm.mov(true, RSI, shifted(Mem::base(RSP, frame::DESCRIPTOR_OFFSET)));
    asm.mov(false, RDX, shifted(frame::MXCSR));
    asm.mov_imm(RAX, super::emit::call_out as *const () as u64);
    asm.call_rm(RAX);
    asm.store(2, shifted(frame::MXCSR), RAX);
    asm.ldmxcsr(shifted(frame::MXCSR));
    for r in CALLER_SAVED {
        asm.mov(
            true,
            r,
            shifted(Mem::base(RSP, frame::GPR_SAVE + 8 * i32::from(r))),
        );
    }
    for x in 0..16 {
        let m = Mem::base(RSP, frame::XMM_SAVE + 16 * i32::from(x));
        asm.vload(x, shifted(m));
    }
    if with_state {
        load_pins(asm, conv);
    }
    asm.grow_stack(-8);
    asm.ret();
}

fn load_pins(asm: &mut Asm, conv: &Convention) {
    for (r, s) in conv.pins() {
        match (r >= XMM, conv.size_of(r)) {
            (true, 3) => asm.vload_low(3, r - XMM, slot(s)),
            (true, _) => asm.vload(r - XMM, slot(s)),
            (false, size) => asm.mov(size == 3, r, slot(s)),
        }
    }
}

fn store_pins(asm: &mut Asm, conv: &Convention) {
    for (r, s) in conv.pins() {
        if r >= XMM {
            asm.vstore(conv.vector_size, slot(s), r - XMM);
        } else {
            asm.store(conv.int_size, slot(s), r);
        }
    }
}
