//! Which numbers an operating system gives to flags, signals and errors on an architecture.

use super::Abi;

/// A family of ABI constants. Linux has a few: most architectures share `asm-generic`, some keep those of an older Unix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Linux `asm-generic` (RISC-V, LoongArch).
    Generic,
    /// Linux x86: `asm-generic` but for the layout of a few structures. The host's.
    X86,
    /// Linux Arm and AArch64: four `open` flags differ.
    Arm,
    /// Linux MIPS: the numbers of IRIX.
    Mips,
    /// FreeBSD: the same on every architecture.
    FreeBsd,
}

/// Everything that decides how a structure or a constant looks to a guest: data conventions and dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OsAbi {
    /// Byte order, word size, alignment.
    pub abi: Abi,
    /// Constants.
    pub dialect: Dialect,
}

impl OsAbi {
    /// The host: Linux on x86-64.
    pub const HOST: OsAbi = OsAbi {
        abi: Abi::HOST,
        dialect: Dialect::X86,
    };

    /// Whether this is MIPS o32.
    pub fn is_o32(&self) -> bool {
        self.dialect == Dialect::Mips && self.abi.is_32bit()
    }
}
