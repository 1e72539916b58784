//! Why a request fails.

use super::{Pid, Tid};
use crate::proxy::{Text, interned};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Error {
    /// This inferior cannot do it at all; the text says why and, where there is one, what to do instead.
    Unsupported(#[serde(deserialize_with = "interned")] Text),
    /// No such thread, or it has exited.
    NoThread(Tid),
    /// No such process.
    NoProcess(Pid),
    /// No such register in the table.
    NoRegister(usize),
    /// Nothing at this guest address, or it cannot be accessed so.
    Fault(u64),
    /// The value cannot be had at present (a register that a core does not hold).
    Unavailable,
    /// The request is at odds with the inferior's state (resume while running, memory after exit).
    WrongState(#[serde(deserialize_with = "interned")] Text),
    /// The request makes no sense; the text says why.
    Invalid(String),
    /// The operation failed; the text is for the user.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unsupported(why) => write!(f, "not supported: {why}"),
            Error::NoThread(tid) => write!(f, "no thread {tid}"),
            Error::NoProcess(pid) => write!(f, "no process {pid}"),
            Error::NoRegister(n) => write!(f, "no register number {n}"),
            Error::Fault(addr) => write!(f, "cannot access memory at {addr:#x}"),
            Error::Unavailable => f.write_str("value not available"),
            Error::WrongState(why) => f.write_str(why),
            Error::Invalid(why) | Error::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

/// Result of a request to an inferior.
pub type Result<T> = std::result::Result<T, Error>;
