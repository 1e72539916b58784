//! From a file to a guest program that is ready to run: ELF headers, placing of segments, the interpreter, the first stack.
//!
//! [`Program::open`] reads and checks the headers and says which guest it is for; the caller makes the address space for
//! that guest; [`Program::load`] maps it and builds the stack. Symbols are read only when somebody asks ([`Symbols`]).
//! Sources: System V gABI chapters 4 and 5, Linux `fs/binfmt_elf.c` and `fs/binfmt_script.c` for behaviour.

mod error;
mod freebsd;
mod header;
mod place;
mod program;
mod script;
mod stack;
mod symbols;
mod target;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use freebsd::aux as freebsd_aux;
pub use header::{Header, Segment};
pub use program::{Ids, Loaded, Module, Program};
pub use stack::{Arguments, aux};
pub use symbols::{Symbol, Symbols};
pub use target::{OsKind, Target};

use crate::abi::{Abi, Dialect, Kind, OsAbi, read_int};
use std::path::{Path, PathBuf};

/// The value of a key in an auxiliary vector of the guest's layout.
pub fn aux_value(abi: Abi, auxv: &[u8], key: u64) -> Option<u64> {
    let a = OsAbi {
        abi,
        dialect: Dialect::Generic,
    };
    let word = usize::from(abi.word);
    let mut entries = auxv.chunks_exact(2 * word);
    let entry = entries.find(|e| read_int(a, Kind::Ulong, e) == key)?;
    Some(read_int(a, Kind::Ulong, &entry[word..]))
}

/// Where the guest's absolute path `path` is on the host: under `prefix` if it exists there, else as it is.
pub fn under_prefix(prefix: Option<&Path>, path: &Path) -> PathBuf {
    if let (Some(prefix), Ok(relative)) = (prefix, path.strip_prefix("/")) {
        let there = prefix.join(relative);
        if there.exists() {
            return there;
        }
    }
    path.to_path_buf()
}
