//! Debugging a live guest: its [`emu_stub::Inferior`], over `process`.
//!
//! Two sides share a [`Control`]. The guest's threads tell it of events as a [`crate::process::Observer`]: the thread that an
//! event happens to queues it, sets the notifier and parks. The debugger's thread, which is no guest thread, works with
//! [`Live`]: it takes the event, halts the other threads, looks and changes, and resumes.
//!
//! Nothing here changes what the guest does: breakpoints end translations rather than patch memory, a thread that waits in a
//! system call stays there, and a guest without a debugger runs the same code.

mod catch;
mod condition;
mod control;
mod describe;
mod facts;
mod libraries;
mod live;

pub use control::Control;
pub use describe::{describe, visible};
pub use facts::disassemble;
pub use libraries::Source;
pub use live::{Live, Program};
