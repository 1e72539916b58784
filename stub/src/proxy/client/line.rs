//! The connection to an inferior in another process: requests and answers.

use crate::file::FileError;
use crate::proxy::calls::Call;
use crate::proxy::{Message, Wire, receive, send};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connection, with what came in while an answer was waited for.
pub(super) struct Line {
    pub(super) wire: Box<dyn Wire>,
    news: Mutex<VecDeque<Message>>,
    /// Held from a request to its answer.
    asking: Mutex<()>,
}

impl Line {
    pub(super) fn new(wire: Box<dyn Wire>) -> Arc<Line> {
        Arc::new(Line {
            wire,
            news: Mutex::default(),
            asking: Mutex::default(),
        })
    }

    pub(super) fn news(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reply(&self, call: &Call) -> io::Result<Vec<u8>> {
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        send(&*self.wire, call)?;
        loop {
            match receive(&*self.wire)? {
                Message::Reply(bytes) => return Ok(bytes),
                other => self.news().push_back(other),
            }
        }
    }

    /// Asks for what is always answered; `None` if nobody is there.
    pub(super) fn ask<T: DeserializeOwned>(&self, call: &Call) -> Option<T> {
        // A process that does not answer is dealt with when its stop is waited for.
        let reply = self.reply(call).ok()?;
        postcard::from_bytes(&reply).ok()
    }

    pub(super) fn ask_file<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> std::result::Result<T, FileError> {
        self.ask(call).unwrap_or(Err(FileError::Io))
    }
}
