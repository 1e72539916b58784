//! An [`Inferior`](crate::Inferior) in another process: the front end has a [`Proxy`], the process of the program serves it with
//! [`serve`]. So the front end outlives the program, can start it anew, and is not in its memory or among its descriptors.
//!
//! Both sides are the same executable, which is why the form of what crosses (postcard, in frames that begin with their length)
//! carries no version. The table in `calls` says what can be asked; the inferior's process speaks by itself only to say that it is
//! there ([`Message::Hello`]) and that it has stopped.

mod calls;
mod client;
mod server;

pub use client::{Launch, Link, Proxy, Refused};
pub use server::serve;

use crate::inferior::{Capabilities, State, Stop, TargetDescription};
use crate::register::FlagField;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

/// What the inferior's side sends.
#[derive(Debug, Serialize, Deserialize)]
enum Message {
    /// The first message.
    Hello(Box<Hello>),
    /// The answer to a call, in the form of its result.
    Reply(Vec<u8>),
    /// It has stopped.
    Stopped(Stop),
}

/// What does not change while the program runs, and the state that it is found in.
#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    capabilities: Capabilities,
    target: TargetDescription,
    state: State,
    /// gdb's numbers of the guest's signals, from 1.
    signals: Vec<u8>,
}

/// The guest's signals that have a number in gdb's numbering.
const SIGNALS: std::ops::RangeInclusive<i32> = 1..=127;

/// Bytes of a frame at most: more than any answer has.
const MAX_FRAME: usize = 256 << 20;

fn damaged(e: postcard::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, e)
}

fn send<T: Serialize>(mut to: impl Write, value: &T) -> io::Result<()> {
    let mut frame = vec![0; 4];
    frame = postcard::to_extend(value, frame).map_err(damaged)?;
    let len = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&len.to_le_bytes());
    to.write_all(&frame)
}

fn receive<T: DeserializeOwned>(mut from: impl Read) -> io::Result<T> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len) as usize;
    if len > MAX_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; len];
    from.read_exact(&mut frame)?;
    postcard::from_bytes(&frame).map_err(damaged)
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
