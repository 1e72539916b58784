//! The serving process's side.

use super::Shared;
use super::{Channel, Note, Session};
use emu_stub::{Inferior, Pid, Proxy, Stop};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// A guest in another process of the emulator: an inferior, and what else the two processes have to say to each other.
pub struct Remote {
    proxy: Proxy,
    channel: Arc<Channel>,
}

/// What the other process has to say.
pub enum Event {
    /// The guest has stopped.
    Stopped(Stop),
    /// There is another process to debug.
    Child(Box<Remote>),
}

impl Remote {
    /// The guest at the other end of `channel`, which introduces itself first.
    ///
    /// # Errors
    /// The other process is gone.
    pub fn meet(channel: Channel) -> io::Result<Remote> {
        let channel = Arc::new(channel);
        Ok(Remote {
            proxy: Proxy::over(Box::new(Shared(channel.clone())))?,
            channel,
        })
    }

    /// The same at the end of a channel that another process had before.
    ///
    /// # Errors
    /// The other process is gone.
    pub fn take_over(channel: Channel) -> io::Result<Remote> {
        let channel = Arc::new(channel);
        Ok(Remote {
            proxy: Proxy::taken_over(Box::new(Shared(channel.clone())))?,
            channel,
        })
    }

    /// The process that it began with.
    pub fn pid(&self) -> Pid {
        self.proxy.pid()
    }

    /// The guest.
    pub fn inferior(&mut self) -> &mut dyn Inferior {
        &mut self.proxy
    }

    /// The guest, to look at.
    pub fn inferior_ref(&self) -> &dyn Inferior {
        &self.proxy
    }

    /// What is polled for its news.
    pub fn socket(&self) -> BorrowedFd<'_> {
        (*self.channel).as_fd()
    }

    /// The next thing that the other process has to say, without waiting.
    pub fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(note) = self.proxy.take_note() {
                if let Ok(Note::Child) = postcard::from_bytes(&note)
                    && let Some(socket) = self.channel.take_descriptor()
                    && let Ok(child) = Remote::meet(Channel::new(socket))
                {
                    return Some(Event::Child(Box::new(child)));
                }
                continue;
            }
            if !self.has_news(Duration::ZERO) {
                return None;
            }
            if let Some(stop) = self.proxy.take_stop() {
                return Some(Event::Stopped(stop));
            }
        }
    }

    /// Whether there is news that came in with an answer, and so is not polled for.
    pub fn has_unpolled_news(&self) -> bool {
        self.proxy.has_news()
    }

    /// Whether there is news within this time.
    pub fn has_news(&self, patience: Duration) -> bool {
        self.proxy.has_news() || self.proxy.stop_fd().is_some() && self.channel.has_come(patience)
    }

    /// Has the other process serve the session from now on, with these descriptors.
    ///
    /// # Errors
    /// It is gone.
    pub fn hand_over(&self, session: Session, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let note = postcard::to_stdvec(&session).map_err(io::Error::other)?;
        self.channel.attach(descriptors)?;
        self.proxy.send_note(note)
    }
}
