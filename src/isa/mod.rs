//! Guest instruction sets: register tables, decoding, translation to IR. One folder for each.
//!
//! A front end implements [`Isa`]. It decodes with a table (rows: the manual's name, bit pattern, named fields) and states
//! each instruction's semantics once, against [`Builder`].

pub mod aarch64;
pub mod mips;

mod disasm;
mod index;
mod regs;
#[cfg(test)]
pub mod testing;
mod translate;

pub use disasm::{Disassembler, Line};
pub use regs::{Pins, RegClass, RegRole, Register, RegisterTable};
pub use translate::{Limits, translate_block};

use crate::abi::Abi;
use crate::ir::{Builder, CpuState, FpRules, Helper};

/// The instruction set of that name, if there is one.
pub fn by_name(name: &str) -> Option<&'static dyn Isa> {
    let all: [&'static dyn Isa; 3] = [&aarch64::AArch64, &mips::MIPS, &mips::MIPSEL];
    all.into_iter().find(|isa| isa.name() == name)
}

/// Where the translation of an instruction leaves the flow of control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// On with the instruction at this address (the next one; side exits may have been written).
    Next(u64),
    /// An unconditional direct jump to this address; the block may follow it or end with a `Jump`.
    Goto(u64),
    /// A terminal op has been written.
    End,
}

/// The instruction fetch failed: the page is not mapped or not executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchFault;

/// Guest code as the translator reads it.
pub trait CodeSource {
    /// Reads 4 bytes at `pc`, which must be executable; in memory order, little-endian in the result.
    fn fetch32(&mut self, pc: u64) -> Result<u32, FetchFault>;

    /// Reads 2 bytes at `pc`, likewise.
    fn fetch16(&mut self, pc: u64) -> Result<u16, FetchFault>;

    /// Reads ahead: `buf` from `pc`, all on one page, in memory order. May be refused where single words can be read.
    fn fetch_ahead(&mut self, _pc: u64, _buf: &mut [u8]) -> Result<(), FetchFault> {
        Err(FetchFault)
    }
}

/// A guest instruction set. Implementations are stateless: one static for each variant (`mips` big- and little-endian are two).
pub trait Isa: Sync {
    /// Name as `uname -m` and command lines have it (`aarch64`, `mips`, `mipsel`).
    fn name(&self) -> &'static str;

    /// Data conventions of its Linux and FreeBSD ABI.
    fn abi(&self) -> Abi;

    /// Its registers.
    fn registers(&self) -> &'static RegisterTable;

    /// Its registers as a debugger sees them under mode bits `mode`, where that differs (MIPS: Status.FR).
    fn registers_in_mode(&self, _mode: u32) -> &'static RegisterTable {
        self.registers()
    }

    /// Functions that its ops call by index.
    fn helpers(&self) -> &'static [Helper];

    /// Floating-point rules under mode bits `mode`.
    fn fp_rules(&self, mode: u32) -> FpRules;

    /// Brings a fresh state to its architectural reset values as user mode sees them.
    fn reset(&self, cpu: &mut CpuState);

    /// Called after registers were changed from outside (debugger, signal return): recomputes what is derived from them
    /// (`mode`, `fp_round`, `fp_flags`).
    fn sync_derived(&self, cpu: &mut CpuState);

    /// Brings registers that hold accumulated state (FPSR, FCSR) up to date from `fp_flags`, before they are looked at from outside.
    fn sync_registers(&self, cpu: &mut CpuState);

    /// Translates the instruction at `pc` (with its delay slot, if it has one). Writes `InsnStart` first. An encoding that is not
    /// implemented becomes `Raise(IllegalInstruction)`.
    fn translate(
        &self,
        b: &mut Builder<'_>,
        code: &mut dyn CodeSource,
        pc: u64,
    ) -> Result<Flow, FetchFault>;

    /// Capstone's text of the instruction at `pc` is made by the disassembler from this: the instruction's length in bytes.
    fn insn_len(&self, code: &mut dyn CodeSource, pc: u64) -> Result<u32, FetchFault>;
}
