//! What the driver asks of an instruction set.

use emu::isa::Isa;
use fastrand::Rng;

/// Where a state block has a register.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Index into the ISA's register table.
    pub register: usize,
    /// Offset in bytes.
    pub offset: usize,
    /// Size in bytes.
    pub size: usize,
}

/// How an instruction uses registers that hold addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressUse {
    /// None does, or it needs no care.
    No,
    /// The register with this table index is the base of a memory access.
    Memory(usize),
    /// Control goes to the address in the register with this table index.
    Jump(usize),
}

/// One guest: how to make instructions, and how to make a program that runs them and keeps the states.
pub trait Guest: Sync {
    /// The instruction set.
    fn isa(&self) -> &'static dyn Isa;

    /// The reference emulator and its arguments before the program.
    fn oracle(&self) -> (&'static str, &'static [&'static str]);

    /// ELF machine number and `e_flags`.
    fn elf(&self) -> (u16, u32);

    /// Type and content of a program header that the program needs besides those of its memory.
    fn elf_segment(&self) -> Option<(u32, Vec<u8>)> {
        None
    }

    /// The registers that are compared.
    fn layout(&self) -> Vec<Field>;

    /// Code that loads every register of the layout from the state block at `addr`. Its length must not depend on `addr`.
    fn load(&self, addr: u64) -> Vec<u32>;

    /// Code that stores every register of the layout to the state block at `addr`. Its length must not depend on `addr`.
    fn save(&self, addr: u64) -> Vec<u32>;

    /// Code that writes `len` bytes at `addr` to standard output and exits.
    fn finish(&self, addr: u64, len: u64) -> Vec<u32>;

    /// An instruction without effect.
    fn nop(&self) -> u32;

    /// Names of the decode rows.
    fn rows(&self) -> Vec<&'static str>;

    /// A random encoding of a row; `None` when it is not to be run (reserved fields, privileged, waits, differs by design). Direct
    /// branches go to the instruction after the next (the next after a delay slot). Several words where one makes no sense alone.
    fn random(&self, row: usize, rng: &mut Rng) -> Option<Vec<u32>>;

    /// A value with interesting bits for the register with that table index.
    fn random_value(&self, register: usize, rng: &mut Rng) -> u128;

    /// How the instruction uses addresses.
    fn address_use(&self, word: u32) -> AddressUse;

    /// Table indexes of the integer registers that the address of a memory access may depend on (more is allowed).
    fn address_registers(&self, word: u32) -> Vec<usize>;

    /// Alignment of the lowest byte that the instruction accesses, where the reference demands it.
    fn alignment(&self, _word: u32) -> u64 {
        1
    }

    /// Table indexes of all registers that the instruction may read or write (more is allowed).
    fn operands(&self, word: u32) -> Vec<usize>;

    /// Table indexes of the integer registers that the instruction may write (more is allowed).
    fn writes(&self, word: u32) -> Vec<usize>;

    /// Why a difference in that register (or "memory") after these instructions is accepted, if it is: the reviewed list of
    /// differences.
    fn explain(&self, words: &[u32], register: &str) -> Option<&'static str>;
}
