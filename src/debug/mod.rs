//! Debugging a live guest: its [`emu_stub::Inferior`], over `process`.
//!
//! Two sides share a [`Control`]. The guest's threads tell it of events as a [`crate::process::Observer`]: the thread that an
//! event happens to queues it, sets the notifier and parks. The debugger's thread, which is no guest thread, works with
//! [`Live`]: it takes the event, halts the other threads, looks and changes, and resumes.
//!
//! Nothing here changes what the guest does: breakpoints end translations rather than patch memory, a thread that waits in a
//! system call stays there, and a guest without a debugger runs the same code.
//!
//! # Watchpoints
//!
//! Guest code is translated anew, with a check before each access that could meet a watched range, and lives beside the plain
//! translations ([`crate::ir::WatchSet`]). It stops *before* the access, as gdb and lldb expect of AArch64 and MIPS: they take
//! the watchpoint out, step, put it back and show the values. A plain resume does the access and goes on.
//!
//! A system call is seen by what its handler accesses and by the buffers that the host's kernel is given
//! ([`crate::mem::AddressSpace::lend_to_kernel`]), also when the watchpoint comes while the call blocks. It stops *after* the
//! call, with the PC behind it; the debugger's step then is that of the next instruction. Signal frames and the word that the
//! kernel clears when a thread ends count as well. What other processes do to shared memory is not seen.
//!
//! One access is one stop, which names the first watched byte. Of two watchpoints that one access meets gdb is told of one.

mod catch;
mod condition;
mod control;
mod describe;
mod facts;
mod family;
mod follow;
mod libraries;
mod live;
pub mod relay;

pub use control::{Control, Served};
pub use describe::{describe, visible};
pub use facts::{disassemble, signal_actions};
pub use family::Family;
pub use follow::Inheritance;
pub use libraries::Source;
pub use live::{Happening, Live, Program};
