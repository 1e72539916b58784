//! What the translations of all rows share: register access, the delay slot, flow.

use super::decode::{Decoder, Insn};
use super::{mode, regs};
use crate::ir::{Builder, MemArg, NONE, OpCode, Trap, Ty, Val};
use crate::isa::{CodeSource, FetchFault, Flow};

/// How an instruction ended.
#[derive(Clone, Copy, Debug)]
pub enum Done {
    /// On with the next instruction.
    Next,
    /// A branch or jump has been written, with its delay slot.
    Branch(Flow),
    /// A terminal has been written: nothing follows.
    Ended,
    /// A system call, then the next instruction.
    Syscall,
    /// The mode has changed: the next instruction is in another block.
    Leave,
    /// Translations of `len` bytes from `addr` are stale, then the next instruction.
    Invalidate {
        /// First address.
        addr: Val,
        /// Length in bytes.
        len: Val,
    },
}

/// Why an instruction could not be translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Reserved Instruction exception: an undefined encoding or a register that the mode does not have.
    Reserved,
    /// The delay slot is not executable memory.
    Fetch(FetchFault),
}

/// What a row's function returns.
pub type Outcome = Result<Done, Refusal>;

/// Writes the ops of one instruction.
pub struct Translator<'a, 'b> {
    /// Where ops go.
    pub b: &'a mut Builder<'b>,
    /// Guest code, for delay slots.
    pub code: &'a mut dyn CodeSource,
    /// Finds the row of a delay slot.
    pub decoder: &'static Decoder,
    /// Big-endian variant.
    pub big: bool,
    /// Address of the instruction.
    pub pc: u64,
    /// Address of the branch if the instruction is in its delay slot.
    pub branch: Option<u64>,
}

impl Translator<'_, '_> {
    /// Address that an exception reports and that execution restarts from (EPC).
    pub fn epc(&self) -> u64 {
        self.branch.unwrap_or(self.pc)
    }

    /// The address `offset` bytes on, modulo 2^32.
    pub fn pc_plus(&self, offset: i64) -> u64 {
        u64::from((self.pc as u32).wrapping_add(offset as u32))
    }

    /// Mode bits of the block: see [`super::mode`].
    pub fn mode(&self) -> u32 {
        self.b.block.key.mode
    }

    /// Whether Status.FR is 1.
    pub fn fr(&self) -> bool {
        self.mode() & mode::FR != 0
    }

    /// Instruction word at `pc`.
    pub fn fetch(&mut self, pc: u64) -> Result<u32, FetchFault> {
        let word = self.code.fetch32(pc)?;
        Ok(if self.big { word.swap_bytes() } else { word })
    }

    /// Translates the word at `pc`, which is not in a delay slot. `InsnStart` has been written.
    pub fn translate(&mut self, word: u32) -> Result<Flow, FetchFault> {
        let mark = self.b.block.ops.len();
        let next = self.pc_plus(4);
        match self.dispatch(word) {
            Ok(Done::Next) => Ok(Flow::Next(next)),
            Ok(Done::Branch(flow)) => Ok(flow),
            Ok(Done::Ended) => Ok(Flow::End),
            Ok(Done::Syscall) => {
                self.b.syscall(0, next);
                Ok(Flow::End)
            }
            Ok(Done::Leave) => {
                self.b.leave(next);
                Ok(Flow::End)
            }
            Ok(Done::Invalidate { addr, len }) => {
                self.b.invalidate_code(addr, len, next, NONE);
                Ok(Flow::End)
            }
            Err(Refusal::Fetch(fault)) => Err(fault),
            Err(Refusal::Reserved) => {
                self.b.block.ops.truncate(mark);
                self.b.raise(Trap::IllegalInstruction, 0, self.pc);
                Ok(Flow::End)
            }
        }
    }

    /// Translates the delay slot of the branch at `pc`.
    pub fn delay_slot(&mut self) -> Outcome {
        // A branch in a delay slot is UNPREDICTABLE (volume II-A, 4.1.3): reserved here, never two branches at once.
        if self.branch.is_some() {
            return Err(Refusal::Reserved);
        }
        let slot = self.pc_plus(4);
        let word = self.fetch(slot).map_err(Refusal::Fetch)?;
        self.b.insn_start(self.pc, 4, true);
        let mark = self.b.block.ops.len();
        let mut t = Translator {
            b: self.b,
            code: self.code,
            decoder: self.decoder,
            big: self.big,
            pc: slot,
            branch: Some(self.pc),
        };
        match t.dispatch(word) {
            Err(Refusal::Reserved) => {
                self.b.block.ops.truncate(mark);
                self.b.raise(Trap::IllegalInstruction, 0, self.pc);
                Ok(Done::Ended)
            }
            done => done,
        }
    }

    fn dispatch(&mut self, word: u32) -> Outcome {
        match self.decoder.find(word) {
            Some(row) => (row.translate)(self, Insn(word)),
            None => Err(Refusal::Reserved),
        }
    }

    /// General register `n`.
    pub fn r(&mut self, n: u32) -> Val {
        if n == 0 {
            self.b.const32(0)
        } else {
            self.b.get(Ty::I32, regs::gpr(n))
        }
    }

    /// General register `n` := `value`.
    pub fn set_r(&mut self, n: u32, value: Val) {
        if n != 0 {
            self.b.set(Ty::I32, regs::gpr(n), value);
        }
    }

    /// An integer op of two values; a constant goes to the right where that does not matter.
    pub fn int(&mut self, code: OpCode, a: Val, b: Val) -> Val {
        use OpCode::*;
        let commutes = matches!(code, Add | And | Or | Xor | Mul);
        if commutes && self.b.block.constant(a).is_some() {
            self.b.binary(code, b, a)
        } else {
            self.b.binary(code, a, b)
        }
    }

    /// Access of `1 << size` bytes in the guest's byte order.
    pub fn mem(&self, size: u8, signed: bool) -> MemArg {
        MemArg {
            size,
            signed,
            big: self.big,
            scale: 0,
        }
    }

    /// Raises the trap that Linux makes of a `break` or trap instruction with `code` (arch/mips/kernel/traps.c, do_trap_or_bp):
    /// the codes 6 and 7 are the assembler's for overflow and division by zero.
    pub fn trap_of_code(code: u32, otherwise: Trap) -> Trap {
        match code {
            6 => Trap::IntegerOverflow,
            7 => Trap::IntegerDivideByZero,
            _ => otherwise,
        }
    }
}
