//! An [`Inferior`] in another process: the front end has a [`Proxy`], the process of the program serves it with
//! [`serve`]. So the front end outlives the program, can start it anew, and is not in its memory or among its descriptors.
//!
//! Both sides are the same executable, which is why the form of what crosses (postcard, in frames that begin with their length)
//! carries no version. The table in `calls` says what can be asked; the inferior's process speaks by itself only to say that it is
//! there (`Message::Hello`), that it has stopped, and what is between the two processes and no debugger's affair
//! ([`Message::Note`]): the emulator's, whose own loop serves instead of [`serve`] then.

mod calls;
mod client;
mod server;

pub use calls::{Call, Files, answer};
pub use client::{Launch, Link, Proxy, Refused};
pub use server::serve;

use crate::inferior::{Capabilities, Inferior, Pid, State, Stop, TargetDescription};
use crate::register::FlagField;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What carries frames between the two sides.
pub trait Wire: Send + Sync {
    /// Sends a frame.
    ///
    /// # Errors
    /// The other side is gone.
    fn send(&self, frame: &[u8]) -> io::Result<()>;

    /// Waits for a frame.
    ///
    /// # Errors
    /// The other side is gone, or what came is no frame.
    fn receive(&self) -> io::Result<Vec<u8>>;

    /// What polls as readable when a frame has come.
    fn fd(&self) -> BorrowedFd<'_>;
}

/// What is sent before a frame: its length, and how many descriptors come after it, as little-endian numbers of 32 bits.
pub type Head = [u8; 8];

/// The head of a frame.
pub fn head(length: usize, descriptors: usize) -> Head {
    ((descriptors as u64) << 32 | length as u64).to_le_bytes()
}

/// Length and number of descriptors in a head.
///
/// # Errors
/// It is longer than a frame can be.
pub fn parse_head(head: Head) -> io::Result<(usize, usize)> {
    let head = u64::from_le_bytes(head);
    let (length, descriptors) = (head as u32 as usize, (head >> 32) as usize);
    if length > MAX_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((length, descriptors))
}

/// A wire that carries no descriptors.
impl Wire for UnixStream {
    fn send(&self, frame: &[u8]) -> io::Result<()> {
        let mut bytes = head(frame.len(), 0).to_vec();
        bytes.extend_from_slice(frame);
        (&mut &*self).write_all(&bytes)
    }

    fn receive(&self) -> io::Result<Vec<u8>> {
        let mut head = [0; 8];
        (&mut &*self).read_exact(&mut head)?;
        let (len, descriptors) = parse_head(head)?;
        if descriptors != 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut frame = vec![0; len];
        (&mut &*self).read_exact(&mut frame)?;
        Ok(frame)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

/// What the inferior's side sends.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// The first message; again when the process has executed another program.
    Hello(Box<Hello>),
    /// The answer to a call, in the form of its result.
    Reply(Vec<u8>),
    /// It has stopped.
    Stopped(Stop),
    /// Something that is not the inferior's: see [`Proxy::take_note`].
    Note(Vec<u8>),
}

/// What does not change while the program runs, and the state that it is found in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pid: Pid,
    capabilities: Capabilities,
    target: TargetDescription,
    state: State,
    /// gdb's numbers of the guest's signals, from 1.
    signals: Vec<u8>,
}

impl Hello {
    /// What there is to say of an inferior.
    pub fn of(inferior: &mut dyn Inferior) -> Hello {
        Hello {
            pid: inferior.processes().first().copied().unwrap_or(0),
            capabilities: inferior.capabilities(),
            target: (*inferior.target()).clone(),
            state: inferior.state(),
            signals: SIGNALS.map(|n| inferior.gdb_signal(n)).collect(),
        }
    }
}

/// The guest's signals that have a number in gdb's numbering.
const SIGNALS: std::ops::RangeInclusive<i32> = 1..=127;

/// Bytes of a frame at most: more than any answer has.
const MAX_FRAME: usize = 256 << 20;

fn damaged(e: postcard::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, e)
}

/// Sends a value as a frame.
///
/// # Errors
/// The other side is gone.
pub fn send<T: Serialize>(wire: &(impl Wire + ?Sized), value: &T) -> io::Result<()> {
    wire.send(&postcard::to_stdvec(value).map_err(damaged)?)
}

/// Waits for a frame that is such a value.
///
/// # Errors
/// The other side is gone, or what came is something else.
pub fn receive<T: DeserializeOwned>(wire: &(impl Wire + ?Sized)) -> io::Result<T> {
    postcard::from_bytes(&wire.receive()?).map_err(damaged)
}

/// A text of the emulator's own. By this name it is not taken for one that is borrowed from a frame.
pub type Text = &'static str;
/// Fields of a register, likewise.
pub type Fields = &'static [FlagField];

static TEXTS: LazyLock<Mutex<HashSet<Text>>> = LazyLock::new(Mutex::default);
static FIELDS: Mutex<Vec<Fields>> = Mutex::new(Vec::new());

/// Reads a text that is kept for good: there are as many as the emulator has in itself.
pub(crate) fn interned<'de, D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
    let text = String::deserialize(from)?;
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text.as_str()) {
        return Ok(known);
    }
    let text = Box::leak(text.into_boxed_str());
    texts.insert(text);
    Ok(text)
}

/// Likewise the fields of a register.
pub(crate) fn interned_fields<'de, D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
    let fields = Vec::<FlagField>::deserialize(from)?;
    let mut all = FIELDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = all.iter().find(|f| ***f == *fields) {
        return Ok(known);
    }
    let fields = Box::leak(fields.into_boxed_slice());
    all.push(fields);
    Ok(fields)
}
