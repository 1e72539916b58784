//! Leaving a block: direct jumps that the cache links, the inline jump cache, traps, system calls.

use super::flags::{Form, Test, cmp_cc, write_state_flags};
use super::{Emitter, Result};
use crate::ir::{
    Block, Cmp, Cond, CpuState, JUMP_CACHE_ENTRIES, JumpEntry, NONE, Op, OpCode, Trap, Ty,
};
use crate::jit::regs::{SCRATCH, slot, state};
use crate::jit::x64::gpr::RAX;
use crate::jit::x64::{Alu, Cc, Mem, Reg};
use std::mem::offset_of;

/// What generated code returns: a kind in the low 8 bits, an argument above.
pub mod code {
    /// Go on at the PC; the argument is the exit to link.
    pub const LINK: u64 = 0;
    /// The poll found something pending.
    pub const POLL: u64 = 1;
    /// Go on at the PC, which the jump cache did not know.
    pub const LOOKUP: u64 = 2;
    /// System call with an immediate.
    pub const SYSCALL: u64 = 3;
    /// Trap number, code << 16.
    pub const TRAP: u64 = 4;
    /// A data access failed; see [`crate::jit::fault`].
    pub const FAULT: u64 = 5;
    /// Discard translations of the range in [`ENGINE_ADDR`](super::ENGINE_ADDR) and [`ENGINE_LEN`](super::ENGINE_LEN), go on at the PC.
    pub const INVALIDATE: u64 = 6;
    /// Go on at the PC; the mode may have changed.
    pub const LEAVE: u64 = 7;
    /// The instruction at the PC is about to make a watched access.
    pub const WATCH: u64 = 8;

    /// Puts kind and argument together.
    pub const fn pack(kind: u64, argument: u64) -> u64 {
        kind | argument << 8
    }
}

/// Index into [`CpuState::engine`] of the address of a range to invalidate.
pub const ENGINE_ADDR: usize = 2;
/// Index into [`CpuState::engine`] of its length.
pub const ENGINE_LEN: usize = 3;

/// A direct jump out of a block.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// Guest address.
    pub target: u64,
    /// Whether it goes back: then the target's poll is taken.
    pub back: bool,
    /// Offset of the jump's 32-bit field. It leads to the stub.
    pub jump: u32,
    /// Offset of the field of a second jump in the stub, behind the code that saves the guest's flags, if they are only in EFLAGS:
    /// the one to link for a target that needs them.
    pub after_flags: Option<u32>,
    form: Form,
}

/// A trap raised from the middle of a block.
#[derive(Clone, Copy)]
pub struct ColdExit {
    field: usize,
    form: Form,
    pc: u64,
    code: u64,
    /// The address to report: register and displacement.
    addr: Option<(Reg, i64)>,
}

const PC: Mem = state(offset_of!(CpuState, pc));

impl Emitter {
    /// The poll that jumps back and indirect jumps run into.
    pub(super) fn poll_at_entry(&mut self) {
        let pending = state(offset_of!(CpuState, pending));
        self.asm.alu_imm(Alu::Cmp, false, pending, 0);
        self.poll = self.asm.jcc32(Cc::Ne);
    }

    /// Loads the registers that the loop keeps. The code that stores them before a fault is told lies here too, out of the way.
    pub(super) fn start_loop(&mut self) {
        for (r, s) in self.conv.block_pins() {
            self.asm.vload(r, slot(s));
        }
        let skip = self.asm.jmp8();
        self.side.leave_by(self.asm.pos() as u32);
        self.store_block_pins();
        self.asm.jmp_to(self.stubs.exit_fault);
        self.asm.bind(skip);
        self.round = self.asm.pos();
    }

    fn store_block_pins(&mut self) {
        for (r, s) in self.conv.block_pins() {
            self.asm.vstore(4, slot(s), r);
        }
    }

    /// A jump to `target` if `cc` holds, or always.
    fn link_jump(&mut self, cc: Option<Cc>, target: u64) {
        if self.round != 0 && target == self.side.start_pc() {
            let field = match cc {
                Some(cc) => self.asm.jcc32(cc),
                None => self.asm.jmp32(),
            };
            self.back.push((field, self.flags.unsaved()));
            return;
        }
        let jump = match cc {
            Some(cc) => {
                self.asm.align_field(2);
                self.asm.jcc32(cc)
            }
            None => {
                self.asm.align_field(1);
                self.asm.jmp32()
            }
        };
        self.exits.push(Exit {
            target,
            back: target <= self.pc,
            jump: jump as u32,
            after_flags: None,
            form: self.flags.unsaved(),
        });
    }

    /// Raises `trap` at the current instruction if `cc` holds.
    pub(super) fn cold_trap(&mut self, cc: Cc, trap: Trap, code: u16, addr: Option<(Reg, i64)>) {
        let field = self.asm.jcc32(cc);
        self.traps.push(ColdExit {
            field,
            form: self.flags.unsaved(),
            pc: self.pc,
            code: code::pack(code::TRAP, trap as u64 | u64::from(code) << 16),
            addr,
        });
    }

    /// Leaves with the PC at `pc`.
    pub(super) fn leave(&mut self, pc: u64, code: u64) {
        self.asm.call_with_data(self.stubs.exit, [pc, code]);
    }

    /// Leaves with the PC in value `next`, or at `pc` if there is none.
    fn leave_to(&mut self, b: &Block, next: u16, pc: u64, code: u64) -> Result {
        if next == NONE {
            self.leave(pc, code);
            return Ok(());
        }
        let r = self.gpr(b, next)?;
        self.store_pc(b, next, r)?;
        self.asm.mov_imm(RAX, code);
        self.asm.jmp_to(self.stubs.exit_at_pc);
        Ok(())
    }

    fn store_pc(&mut self, b: &Block, v: u16, r: Reg) -> Result {
        let mut r = r;
        if b.ops[v as usize].ty == Ty::I32 && self.zero_of(v) & 1 == 0 {
            let t = self.alloc_gpr()?;
            self.asm.mov(false, t, r);
            r = t;
        }
        self.asm.store(3, PC, r);
        Ok(())
    }

    pub(super) fn exit_op(&mut self, b: &Block, op: &Op) -> Result {
        let target = op.imm as u64;
        match op.code {
            OpCode::ExitIfCond => {
                match self.test_cond(Cond::from_bits(op.aux.into()))? {
                    Test::Always => self.link_jump(None, target),
                    Test::One(cc) => self.link_jump(Some(cc), target),
                    Test::And(p, q) => {
                        let skip = self.asm.jcc8(p.invert());
                        self.link_jump(Some(q), target);
                        self.asm.bind(skip);
                    }
                    Test::Or(p, q) => {
                        let take = self.asm.jcc8(p);
                        let skip = self.asm.jcc8(q.invert());
                        self.asm.bind(take);
                        self.link_jump(None, target);
                        self.asm.bind(skip);
                    }
                }
                Ok(())
            }
            OpCode::ExitIfCmp => {
                self.emit_cmp(b, op)?;
                self.link_jump(Some(cmp_cc(Cmp::from_u16(op.aux))), target);
                self.kill(op);
                Ok(())
            }
            OpCode::ExitIfBit => {
                let a = self.gpr(b, op.a)?;
                if op.aux < 8 {
                    self.asm.test_imm8(a, 1 << op.aux);
                    let cc = if op.aux2 == 1 { Cc::Ne } else { Cc::E };
                    self.link_jump(Some(cc), target);
                } else {
                    self.asm.bt_imm(op.aux >= 32, a, op.aux as u8);
                    let cc = if op.aux2 == 1 { Cc::B } else { Cc::Ae };
                    self.link_jump(Some(cc), target);
                }
                self.kill(op);
                Ok(())
            }
            OpCode::TrapIfCmp => {
                self.emit_cmp(b, op)?;
                let cc = cmp_cc(Cmp::from_u16(op.imm as u16));
                let trap = Trap::from_u16(op.aux).unwrap_or(Trap::IllegalInstruction);
                self.cold_trap(cc, trap, op.aux2, None);
                self.kill(op);
                Ok(())
            }
            OpCode::Jump => {
                self.link_jump(None, target);
                Ok(())
            }
            OpCode::JumpReg => self.jump_reg(b, op),
            OpCode::Syscall => {
                self.leave_to(b, op.a, target, code::pack(code::SYSCALL, op.aux.into()))
            }
            OpCode::Raise => {
                let argument = u64::from(op.aux) | u64::from(op.aux2) << 16;
                self.leave(target, code::pack(code::TRAP, argument));
                Ok(())
            }
            OpCode::InvalidateCode => {
                for (v, at) in [(op.a, ENGINE_ADDR), (op.b, ENGINE_LEN)] {
                    let r = self.gpr(b, v)?;
                    let wide = b.ops[v as usize].ty == Ty::I64;
                    let t = self.alloc_gpr()?;
                    self.asm.mov(wide, t, r);
                    self.asm
                        .store(3, state(offset_of!(CpuState, engine) + 8 * at), t);
                    self.free_temp(t);
                }
                self.leave_to(b, op.c, target, code::INVALIDATE)
            }
            _ => self.leave_to(b, op.a, target, code::LEAVE),
        }
    }

    /// The inline jump cache: two loads from the thread's table, then the jump.
    fn jump_reg(&mut self, b: &Block, op: &Op) -> Result {
        if let Some(x) = self.constant(b, op.a) {
            let target = if op.ty == Ty::I32 {
                u64::from(x as u32)
            } else {
                x as u64
            };
            self.link_jump(None, target);
            return Ok(());
        }
        const {
            assert!(size_of::<JumpEntry>() == 16);
            assert!(offset_of!(JumpEntry, pc) == 0);
        }
        let mut t = self.gpr(b, op.a)?;
        if op.ty == Ty::I32 && self.zero_of(op.a) & 1 == 0 {
            let narrow = self.alloc_gpr()?;
            self.asm.mov(false, narrow, t);
            t = narrow;
        }
        // Every other value is dead: the block ends here.
        let mut free = SCRATCH.into_iter().filter(|r| *r != t);
        let (Some(x), Some(y)) = (free.next(), free.next()) else {
            return Ok(());
        };
        let mask = (JUMP_CACHE_ENTRIES as i32 - 1) << 2;
        self.asm.mov(false, x, t);
        self.asm.alu_imm(Alu::And, false, x, mask);
        self.asm
            .mov(true, y, state(offset_of!(CpuState, jump_cache)));
        self.asm.lea(true, y, Mem::indexed(y, x, 2, 0));
        self.asm.alu(Alu::Cmp, true, t, Mem::base(y, 0));
        let miss = self.asm.jcc8(Cc::Ne);
        self.asm
            .jmp_rm(Mem::base(y, offset_of!(JumpEntry, host) as i32));
        self.asm.bind(miss);
        self.asm.store(3, PC, t);
        self.asm.mov_imm(RAX, code::LOOKUP);
        self.asm.jmp_to(self.stubs.exit_at_pc);
        Ok(())
    }

    /// The code that exits lead to until they are linked, and that leaves for traps and polls.
    pub(super) fn exit_stubs(&mut self, first_exit: u64) {
        let constants = self.flag_constants();
        self.asm.bind32(self.poll);
        self.leave(self.side.start_pc(), code::POLL);
        for i in 0..self.back.len() {
            let (field, form) = self.back[i];
            self.asm.bind32(field);
            write_state_flags(&mut self.asm, form, constants);
            self.poll_at_entry();
            self.asm.jmp_back(self.round);
            self.asm.bind32(self.poll);
            self.store_block_pins();
            self.leave(self.side.start_pc(), code::POLL);
        }
        for i in 0..self.exits.len() {
            let exit = self.exits[i];
            self.asm.bind32(exit.jump as usize);
            if self.round != 0 {
                // There is work to do on every way out: only the jump behind it can be linked.
                write_state_flags(&mut self.asm, exit.form, constants);
                self.store_block_pins();
                self.asm.align_field(1);
                let field = self.asm.jmp32();
                self.asm.bind32(field);
                self.exits[i].jump = field as u32;
            } else if exit.form != Form::State {
                write_state_flags(&mut self.asm, exit.form, constants);
                self.asm.align_field(1);
                let field = self.asm.jmp32();
                self.asm.bind32(field);
                self.exits[i].after_flags = Some(field as u32);
            }
            let id = first_exit + i as u64;
            self.leave(exit.target, code::pack(code::LINK, id));
        }
        for i in 0..self.traps.len() {
            let ColdExit {
                field,
                form,
                pc,
                code,
                addr,
            } = self.traps[i];
            self.asm.bind32(field);
            if let Some((r, disp)) = addr {
                let arg = state(offset_of!(CpuState, exit_arg));
                // Alignment is checked of sums that fit the displacement; the rest of a larger one is added apart.
                self.asm.mov(!self.addr32, RAX, r);
                if let Ok(disp) = i32::try_from(disp) {
                    self.asm.lea(!self.addr32, RAX, Mem::base(RAX, disp));
                } else {
                    let t = if r == SCRATCH[0] {
                        SCRATCH[1]
                    } else {
                        SCRATCH[0]
                    };
                    self.asm.mov_imm(t, disp as u64);
                    self.asm.lea(!self.addr32, RAX, Mem::indexed(RAX, t, 0, 0));
                }
                self.asm.store(3, arg, RAX);
            }
            write_state_flags(&mut self.asm, form, constants);
            self.leave(pc, code);
        }
    }
}
