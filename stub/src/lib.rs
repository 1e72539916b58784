//! The gdb and lldb remote server of `emu`, over the trait [`Inferior`].
//!
//! This crate knows nothing of the emulator: [`Inferior`] says what a debugger may ask of a live process, a core file or a
//! recording. A [`Listener`] waits for debuggers, [`Server::serve`] serves one of them:
//!
//! ```no_run
//! # fn f(inferior: &mut (dyn emu_stub::Inferior + 'static)) -> Result<(), Box<dyn std::error::Error>> {
//! use emu_stub::{Endpoint, Ended, Listener, Server};
//!
//! let listener = Listener::bind(&Endpoint::parse("4567")?)?;
//! while Server::default().serve(inferior, listener.accept()?) == Ended::Disconnected {}
//! # Ok(())
//! # }
//! ```
//!
//! Inside, [`framing`] cuts the stream into packets, the table in [`packets`] says who answers each, and the [`Session`] calls
//! that handler: one of ours, or gdbstub.

pub mod agent;
pub mod command;
mod core;
pub mod facts;
pub mod features;
pub mod file;
pub mod framing;
mod gdb;
mod hex;
mod hostio;
pub mod inferior;
mod lldb;
pub mod monitor;
pub mod notifier;
pub mod packets;
mod poll;
pub mod proxy;
pub mod register;
mod server;
mod session;
pub mod signal;
mod thread_id;
mod transport;
mod xml;

pub use agent::{AgentContext, AgentError, AgentExpr};
pub use command::{Command, CommandClass, CommandContext};
pub use facts::{Handler, Instruction, OpenFile, RecentCall, SignalAction, Unimplemented};
pub use file::{FileError, FileStat, GuestFile, OpenFlags};
pub use inferior::*;
pub use notifier::Notifier;
pub use proxy::{Launch, Link, Proxy, Refused};
pub use register::{FlagField, MAX_REGISTER_BITS, RegisterInfo, RegisterRole, RegisterType};
pub use server::{Conversation, Server, Turn};
pub use session::{Ended, SavedSession, Session};
pub use transport::{Endpoint, Listener, Stream};
