//! Branches and jumps with their delay slots, traps, `break` and `syscall` (volume II-A, tables 3.8 to 3.13).
//!
//! The condition and the target of a branch are computed before its slot, the exits are written after it. A fault in the slot
//! restarts at the branch, whose only effect before the slot, writing the link register, can be repeated.

use super::decode::{Insn, Row, row};
use super::regs;
use super::translate::{Done, Outcome, Translator};
use crate::ir::{Cmp, Trap, Ty, Val};
use crate::isa::Flow;

pub const ROWS: &[Row] = &[
    row("J", "000010 target:26", j),
    row("JAL", "000011 target:26", jal),
    row("JR", "000000 rs:5 00000 00000 hint:5 001000", jr),
    row("JALR", "000000 rs:5 00000 rd:5 hint:5 001001", jalr),
    row("BEQ", "000100 rs:5 rt:5 offset:16", beq),
    row("BNE", "000101 rs:5 rt:5 offset:16", bne),
    row("BLEZ", "000110 rs:5 00000 offset:16", blez),
    row("BGTZ", "000111 rs:5 00000 offset:16", bgtz),
    row("BEQL", "010100 rs:5 rt:5 offset:16", beql),
    row("BNEL", "010101 rs:5 rt:5 offset:16", bnel),
    row("BLEZL", "010110 rs:5 00000 offset:16", blezl),
    row("BGTZL", "010111 rs:5 00000 offset:16", bgtzl),
    row("BLTZ", "000001 rs:5 00000 offset:16", bltz),
    row("BGEZ", "000001 rs:5 00001 offset:16", bgez),
    row("BLTZL", "000001 rs:5 00010 offset:16", bltzl),
    row("BGEZL", "000001 rs:5 00011 offset:16", bgezl),
    row("BLTZAL", "000001 rs:5 10000 offset:16", bltzal),
    row("BGEZAL", "000001 rs:5 10001 offset:16", bgezal),
    row("BLTZALL", "000001 rs:5 10010 offset:16", bltzall),
    row("BGEZALL", "000001 rs:5 10011 offset:16", bgezall),
    row("BC1F", "010001 01000 cc:3 0 0 offset:16", bc1f),
    row("BC1T", "010001 01000 cc:3 0 1 offset:16", bc1t),
    row("BC1FL", "010001 01000 cc:3 1 0 offset:16", bc1fl),
    row("BC1TL", "010001 01000 cc:3 1 1 offset:16", bc1tl),
    row("SYSCALL", "000000 code:20 001100", syscall),
    row("BREAK", "000000 code:20 001101", break_),
    row("TGE", "000000 rs:5 rt:5 code:10 110000", tge),
    row("TGEU", "000000 rs:5 rt:5 code:10 110001", tgeu),
    row("TLT", "000000 rs:5 rt:5 code:10 110010", tlt),
    row("TLTU", "000000 rs:5 rt:5 code:10 110011", tltu),
    row("TEQ", "000000 rs:5 rt:5 code:10 110100", teq),
    row("TNE", "000000 rs:5 rt:5 code:10 110110", tne),
    row("TGEI", "000001 rs:5 01000 imm:16", tgei),
    row("TGEIU", "000001 rs:5 01001 imm:16", tgeiu),
    row("TLTI", "000001 rs:5 01010 imm:16", tlti),
    row("TLTIU", "000001 rs:5 01011 imm:16", tltiu),
    row("TEQI", "000001 rs:5 01100 imm:16", teqi),
    row("TNEI", "000001 rs:5 01110 imm:16", tnei),
];

/// Where a branch goes.
enum Destination {
    /// To `target` if `a cmp b`, else past the slot.
    If(Cmp, Val, Val, u64),
    /// There in any case.
    Always(u64),
    /// To the address in a register.
    Register(Val),
}

impl Translator<'_, '_> {
    fn branch_target(&self, i: Insn) -> u64 {
        self.pc_plus(4 + (i.imm() << 2))
    }

    fn jump_target(&self, i: Insn) -> u64 {
        self.pc_plus(4) & 0xf000_0000 | u64::from(i.bits(0, 26)) << 2
    }

    /// Writes the return address: the instruction after the delay slot.
    fn link(&mut self, n: u32) {
        let value = self.b.const32(self.pc_plus(8) as u32);
        self.set_r(n, value);
    }

    /// The delay slot, then the exits.
    fn branch(&mut self, destination: Destination) -> Outcome {
        let after = self.pc_plus(8);
        let done = self.delay_slot()?;
        if let Done::Next = done {
            return Ok(Done::Branch(match destination {
                Destination::If(cmp, a, b, target) => {
                    self.b.exit_if_cmp(cmp, a, b, target);
                    Flow::Next(after)
                }
                Destination::Always(target) => Flow::Goto(target),
                Destination::Register(target) => {
                    self.b.jump_reg(target);
                    Flow::End
                }
            }));
        }
        if let Done::Ended | Done::Branch(_) = done {
            return Ok(Done::Ended);
        }
        // The slot leaves the block itself: for where the branch goes.
        let target = match destination {
            Destination::If(cmp, a, b, target) => {
                let taken = self.b.compare(cmp, a, b);
                let (target, after) = (self.b.const32(target as u32), self.b.const32(after as u32));
                self.b.select(taken, target, after)
            }
            Destination::Always(target) => self.b.const32(target as u32),
            Destination::Register(target) => target,
        };
        match done {
            Done::Syscall => self.b.syscall_to(0, target),
            Done::Invalidate { addr, len } => self.b.invalidate_code(addr, len, 0, target),
            _ => self.b.leave_to(target),
        }
        Ok(Done::Ended)
    }

    /// A conditional branch; `likely`: the slot is executed only when it is taken.
    fn branch_if(&mut self, i: Insn, likely: bool, cmp: Cmp, a: Val, b: Val) -> Outcome {
        let target = self.branch_target(i);
        if likely {
            let after = self.pc_plus(8);
            self.b.exit_if_cmp(cmp.invert(), a, b, after);
            return self.branch(Destination::Always(target));
        }
        self.branch(Destination::If(cmp, a, b, target))
    }

    fn compare_registers(&mut self, i: Insn, likely: bool, cmp: Cmp) -> Outcome {
        // `beq zero, zero` is how an unconditional branch is written.
        if i.rs() == i.rt() && cmp == Cmp::Eq {
            let target = self.branch_target(i);
            return self.branch(Destination::Always(target));
        }
        let (a, b) = (self.r(i.rs()), self.r(i.rt()));
        self.branch_if(i, likely, cmp, a, b)
    }

    fn compare_zero(&mut self, i: Insn, likely: bool, cmp: Cmp, link: bool) -> Outcome {
        let a = self.r(i.rs());
        if link {
            self.link(31);
        }
        // `bgezal zero` is how `bal` is written.
        if i.rs() == 0 && cmp == Cmp::GeS {
            let target = self.branch_target(i);
            return self.branch(Destination::Always(target));
        }
        let zero = self.b.const32(0);
        self.branch_if(i, likely, cmp, a, zero)
    }

    fn compare_fcc(&mut self, i: Insn, likely: bool, set: bool) -> Outcome {
        let cc = self.b.get(Ty::I32, regs::fcc(i.bits(18, 3)));
        let zero = self.b.const32(0);
        let cmp = if set { Cmp::Ne } else { Cmp::Eq };
        self.branch_if(i, likely, cmp, cc, zero)
    }
}

fn j(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let target = t.jump_target(i);
    t.branch(Destination::Always(target))
}

fn jal(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let target = t.jump_target(i);
    t.link(31);
    t.branch(Destination::Always(target))
}

fn jr(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let target = t.r(i.rs());
    t.branch(Destination::Register(target))
}

fn jalr(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let target = t.r(i.rs());
    t.link(i.rd());
    t.branch(Destination::Register(target))
}

fn beq(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_registers(i, false, Cmp::Eq)
}

fn bne(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_registers(i, false, Cmp::Ne)
}

fn beql(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_registers(i, true, Cmp::Eq)
}

fn bnel(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_registers(i, true, Cmp::Ne)
}

fn blez(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, false, Cmp::LeS, false)
}

fn bgtz(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, false, Cmp::GtS, false)
}

fn blezl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, true, Cmp::LeS, false)
}

fn bgtzl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, true, Cmp::GtS, false)
}

fn bltz(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, false, Cmp::LtS, false)
}

fn bgez(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, false, Cmp::GeS, false)
}

fn bltzl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, true, Cmp::LtS, false)
}

fn bgezl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, true, Cmp::GeS, false)
}

fn bltzal(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, false, Cmp::LtS, true)
}

fn bgezal(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, false, Cmp::GeS, true)
}

fn bltzall(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, true, Cmp::LtS, true)
}

fn bgezall(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_zero(i, true, Cmp::GeS, true)
}

fn bc1f(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_fcc(i, false, false)
}

fn bc1t(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_fcc(i, false, true)
}

fn bc1fl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_fcc(i, true, false)
}

fn bc1tl(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    t.compare_fcc(i, true, true)
}

fn syscall(_: &mut Translator<'_, '_>, _: Insn) -> Outcome {
    Ok(Done::Syscall)
}

/// Old assemblers put the code of `break` in the upper ten bits of the field, so Linux exchanges the halves when the upper one is used.
fn break_(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let code = i.bits(6, 20);
    let code = if code >= 1 << 10 {
        (code & 0x3ff) << 10 | code >> 10
    } else {
        code
    };
    let trap = Translator::trap_of_code(code, Trap::Breakpoint);
    let epc = t.epc();
    t.b.raise(trap, code as u16, epc);
    Ok(Done::Ended)
}

/// A trap instruction: exception if `rs cmp b`.
fn trap_if(t: &mut Translator<'_, '_>, i: Insn, cmp: Cmp, b: Val, code: u32) -> Outcome {
    let a = t.r(i.rs());
    let trap = Translator::trap_of_code(code, Trap::TrapInstruction);
    t.b.trap_if_cmp(trap, code as u16, cmp, a, b);
    Ok(Done::Next)
}

fn trap_registers(t: &mut Translator<'_, '_>, i: Insn, cmp: Cmp) -> Outcome {
    let b = t.r(i.rt());
    trap_if(t, i, cmp, b, i.bits(6, 10))
}

fn trap_immediate(t: &mut Translator<'_, '_>, i: Insn, cmp: Cmp) -> Outcome {
    let b = t.b.const32(i.imm() as u32);
    trap_if(t, i, cmp, b, 0)
}

fn tge(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_registers(t, i, Cmp::GeS)
}

fn tgeu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_registers(t, i, Cmp::GeU)
}

fn tlt(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_registers(t, i, Cmp::LtS)
}

fn tltu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_registers(t, i, Cmp::LtU)
}

fn teq(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_registers(t, i, Cmp::Eq)
}

fn tne(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_registers(t, i, Cmp::Ne)
}

fn tgei(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_immediate(t, i, Cmp::GeS)
}

fn tgeiu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_immediate(t, i, Cmp::GeU)
}

fn tlti(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_immediate(t, i, Cmp::LtS)
}

fn tltiu(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_immediate(t, i, Cmp::LtU)
}

fn teqi(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_immediate(t, i, Cmp::Eq)
}

fn tnei(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    trap_immediate(t, i, Cmp::Ne)
}
