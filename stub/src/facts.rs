//! What an inferior can tell beyond what debuggers ask over the wire: for the prompt and for `monitor`.

use crate::inferior::Tid;
use serde::{Deserialize, Serialize};

/// An instruction of the guest as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// Its address.
    pub addr: u64,
    /// Its bytes in memory order.
    pub bytes: Vec<u8>,
    /// Mnemonic and operands, separated by one blank; `.byte ...` for what is no instruction.
    pub text: String,
}

/// A system call that has been made, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentCall {
    /// The thread that made it.
    pub tid: Tid,
    /// Name and arguments: `openat(AT_FDCWD, "/etc/passwd", O_RDONLY)`.
    pub call: String,
    /// What came of it: `3`, `-1 ENOENT (No such file or directory)`; "" for one that has not returned.
    pub result: String,
}

/// Something that the guest asked for and the emulator does not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unimplemented {
    /// What kind of thing: `system call`, `ioctl`, `socket option`, `instruction`.
    pub kind: String,
    /// Its name, or as much of it as its number tells.
    pub name: String,
    /// How often it was asked for.
    pub count: u64,
    /// Guest address of the first request.
    pub pc: u64,
    /// How many bytes the guest wanted to pass or get, where that is known.
    pub bytes: Option<u64>,
    /// What the guest got instead: `ENOSYS`, `SIGILL`.
    pub result: String,
}

/// An open file of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    /// Its descriptor.
    pub fd: i32,
    /// What it is: a path as the guest knows it, or as `/proc/self/fd` describes others (`pipe:[123]`).
    pub name: String,
    /// Where reading or writing goes on, in bytes.
    pub offset: u64,
    /// How it was opened, in `open`'s words (`O_RDWR|O_CLOEXEC`).
    pub flags: String,
}

/// What a signal does to the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalAction {
    /// The guest's number.
    pub signal: i32,
    /// Its name with `SIG`.
    pub name: String,
    /// What happens when it comes.
    pub handler: Handler,
    /// Flags in `sigaction`'s words (`SA_RESTART|SA_SIGINFO`).
    pub flags: String,
    /// The signals that are blocked while the handler runs, the guest's numbers.
    pub mask: Vec<i32>,
}

/// What happens when a signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handler {
    /// What the system does by default.
    Default,
    /// Nothing.
    Ignore,
    /// The guest's function at this address is called.
    Function(u64),
}
