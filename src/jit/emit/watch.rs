//! Checks of accesses against watched memory.
//!
//! In line: a comparison with each of the few intervals that the set gives as bounds, which are constants of the code. An access
//! inside of one is looked up in the set out of line; if it meets a range the block is left with the state at the start of the
//! instruction, as for a fault, and the engine has the interpreter execute it.

use super::call::{Descriptor, varg};
use super::exit::code;
use super::{Emitter, Result};
use crate::ir::{Access, Block, MemArg, Op};
use crate::jit::x64::{Alu, Cc, Mem, Reg};

/// The out-of-line part of a check, emitted after the block.
pub struct WatchCheck {
    /// Fields of the jumps to it.
    fields: Vec<usize>,
    /// Where it goes back to.
    resume: usize,
    /// Holds the address less `bias`.
    addr: Reg,
    bias: u64,
    len: u64,
    access: Access,
    pc: u64,
}

impl Emitter {
    pub(super) fn check_watch(&mut self, b: &Block, op: &Op) -> Result {
        let Some(watch) = &b.watch else {
            return Ok(());
        };
        let m = MemArg::unpack(op.aux);
        let access = Access::from_bits(op.aux2);
        let wide = !self.addr32;
        let mem = self.guest_mem(b, op.a, op.b, m.scale, op.imm)?;
        let mem = Mem {
            gs: false,
            addr32: false,
            ..mem
        };
        let addr = self.alloc_gpr()?;
        let mut fields = Vec::new();
        let mut bias = 0;
        // An access begins at most its size less one before a range that it meets. Differences wrap.
        let start = |first: u64| first.wrapping_sub((1 << m.size) - 1);
        match watch.bounds(access) {
            [(first, last)] if self.biased(mem, start(*first)).is_some() => {
                bias = start(*first);
                let biased = self.biased(mem, bias).unwrap_or(mem);
                self.asm.lea(wide, addr, biased);
                fields.push(self.jump_within(addr, last.wrapping_sub(bias)));
            }
            // Too far for a displacement, so always `wide`.
            [(first, last)] if let Some(constant) = self.pooled(start(*first).into()) => {
                bias = start(*first);
                self.asm.lea(wide, addr, mem);
                self.asm.alu(Alu::Sub, true, addr, constant);
                fields.push(self.jump_within(addr, last.wrapping_sub(bias)));
            }
            bounds => {
                self.asm.lea(wide, addr, mem);
                // The operands' registers may hold the difference.
                self.locked = 1 << addr;
                let t = self.alloc_gpr()?;
                for (first, last) in bounds {
                    let start = start(*first);
                    match self.biased(Mem::base(addr, 0), start) {
                        Some(m) => self.asm.lea(wide, t, m),
                        None => {
                            self.asm.mov_imm(t, start.wrapping_neg());
                            self.asm.lea(true, t, Mem::indexed(t, addr, 0, 0));
                        }
                    }
                    fields.push(self.jump_within(t, last.wrapping_sub(start)));
                }
            }
        }
        self.watch_checks.push(WatchCheck {
            fields,
            resume: self.asm.pos(),
            addr,
            bias,
            len: 1 << m.size,
            access,
            pc: self.pc,
        });
        self.kill(op);
        Ok(())
    }

    /// The address operand less `bias`, if the displacement has room for it.
    fn biased(&self, mem: Mem, bias: u64) -> Option<Mem> {
        let disp = i64::from(mem.disp).wrapping_sub(bias as i64);
        let disp = if self.addr32 {
            disp as i32
        } else {
            i32::try_from(disp).ok()?
        };
        Some(Mem { disp, ..mem })
    }

    /// Jumps out of line if the address in `r` is at most `last`.
    fn jump_within(&mut self, r: Reg, last: u64) -> usize {
        if self.addr32
            && let Ok(last) = u32::try_from(last)
        {
            self.asm.alu_imm(Alu::Cmp, false, r, last as i32);
        } else if let Ok(last) = i32::try_from(last) {
            self.asm.alu_imm(Alu::Cmp, true, r, last);
        } else {
            // More than 2 GiB are watched: each access is looked up.
            self.asm.alu(Alu::Cmp, true, r, r);
        }
        self.asm.jcc32(Cc::Be)
    }

    /// Emits what the block's checks jump to.
    pub(super) fn watch_lookups(&mut self, b: &Block) {
        let Some(watch) = &b.watch else {
            return;
        };
        for check in std::mem::take(&mut self.watch_checks) {
            for field in check.fields {
                self.asm.bind32(field);
            }
            self.asm.store(3, varg(0), check.addr);
            self.put_descriptor(Descriptor::Watch {
                set: watch.clone(),
                bias: check.bias,
                len: check.len,
                access: check.access,
                rules: b.fp,
            });
            self.asm.call_to(self.stubs.call);
            self.asm.alu_imm(Alu::Cmp, false, varg(0), 0);
            let hit = self.asm.jcc8(Cc::Ne);
            let back = self.asm.here() - self.asm.pos() as u64 + check.resume as u64;
            self.asm.jmp_to(back);
            self.asm.bind(hit);
            // The guest's flags are in the state: what comes before the check has saved them.
            self.leave(check.pc, code::WATCH);
        }
    }
}
