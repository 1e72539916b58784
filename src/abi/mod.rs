//! The data conventions of a guest or of the host, as values: byte order, word size, alignment.
//!
//! Nothing above this module branches on an ISA to find out how a structure is laid out; the host is just another [`Abi`].

mod dialect;
mod errno;
mod flags;
mod layout;
mod signal;

pub use dialect::{Dialect, OsAbi};
pub use errno::{Errno, SysResult};
pub use flags::{Flag, FlagField, FlagTable};
pub use layout::{
    Field, FlagChoice, GuestStruct, GuestValue, Kind, Layout, Long, Overflow, Show, StructDesc,
    U64Align4, Ulong, convert, ints, is_32bit, read_int, write_int,
};
pub use signal::Signal;

/// Byte order of data in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// Data conventions that decide how C structures and system call arguments are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Abi {
    /// Byte order of integers in memory.
    pub endian: Endian,
    /// Size in bytes of `long`, `size_t` and pointers: 4 or 8.
    pub word: u8,
    /// Alignment in bytes of `long long` and `double` inside structures (4 on i386, else 8).
    pub align64: u8,
    /// Whether a 64-bit system call argument of a 32-bit guest starts at an even register.
    pub even_pairs: bool,
}

impl Abi {
    /// The host's own conventions: x86-64 psABI.
    pub const HOST: Abi = Abi {
        endian: Endian::Little,
        word: 8,
        align64: 8,
        even_pairs: false,
    };

    /// 32-bit MIPS (o32): MIPS processor supplement to the System V ABI, chapter 3.
    pub const fn o32(endian: Endian) -> Abi {
        Abi {
            endian,
            word: 4,
            align64: 8,
            even_pairs: true,
        }
    }

    /// Whether addresses are 32 bits wide.
    pub const fn is_32bit(&self) -> bool {
        self.word == 4
    }
}

/// A name that a macro was given, as the kernel has it: `type` is a word of Rust, and stands there as `r#type`.
pub const fn plain_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}
