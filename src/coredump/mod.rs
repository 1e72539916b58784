//! Core files of guests, in the target's own format: what gdb, lldb and elfutils on the target's side would read.
//!
//! [`CoreDump`] is told when a guest dies, stops its threads and writes the file: an ELF header of the guest's class, byte order
//! and machine; the kernel's notes ([`crate::os::linux::core`]) and a few of the emulator's own ([`notes`]); memory as
//! `/proc/self/coredump_filter` says, with holes where nobody wrote.

pub mod capture;
mod dump;
pub mod elf;
mod inferior;
mod memory;
pub mod notes;
mod pattern;
mod read;
mod write;

pub use dump::{CoreDump, Settings, write_live};
pub use inferior::CoreInferior;
pub use pattern::Pattern;
pub use read::{Core, CoreThread, Error, Load};
pub use write::Written;
