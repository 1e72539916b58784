//! Serves a debugger over a stream.

use std::any::Any;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use crate::command::Command;
use crate::inferior::{Inferior, State};
use crate::monitor::Monitor;
use crate::poll;
use crate::session::{Ended, Session};
use crate::transport::Stream;

/// The remote server. It keeps nothing from one session to the next.
pub struct Server {
    commands: Vec<&'static [Command]>,
    new_session: fn() -> Box<dyn Any + Send>,
}

impl Default for Server {
    fn default() -> Server {
        Server::new(&[], || Box::new(()))
    }
}

impl Server {
    /// A server whose `monitor` knows these tables of commands; `new_session` makes the state that they keep.
    pub fn new(
        commands: &[&'static [Command]],
        new_session: fn() -> Box<dyn Any + Send>,
    ) -> Server {
        Server {
            commands: commands.to_vec(),
            new_session,
        }
    }

    /// Serves one debugger until it leaves, in whatever way. A running inferior is stopped first.
    ///
    /// After [`Ended::Disconnected`] the inferior is as it was: the caller may accept the next debugger, or let it run
    /// ([`Inferior::detach`]).
    pub fn serve(&self, inferior: &mut (dyn Inferior + 'static), stream: Stream) -> Ended {
        let Ok(mut conversation) = self.begin(inferior, stream) else {
            return Ended::Disconnected;
        };
        loop {
            match conversation.serve_stopped() {
                Turn::Running => {}
                Turn::Stopped => continue,
                Turn::Ended(ended) => {
                    conversation.end(ended);
                    return ended;
                }
            }
            if let Turn::Ended(ended) = conversation.serve_running() {
                conversation.end(ended);
                return ended;
            }
        }
    }

    /// Begins to serve a debugger that has connected: the inferior is told, and stopped if it runs. For callers that know a
    /// better thread than their own for parts of the conversation; [`Server::serve`] does it all.
    ///
    /// # Errors
    /// The inferior cannot be stopped; it is given back, and the connection is closed.
    pub fn begin<'i>(
        &self,
        inferior: &'i mut (dyn Inferior + 'static),
        stream: Stream,
    ) -> Result<Conversation<'i>, &'i mut (dyn Inferior + 'static)> {
        inferior.attach();
        if halt(inferior).is_err() {
            return Err(inferior);
        }
        let monitor = Monitor::new(&self.commands, (self.new_session)());
        Ok(Conversation {
            session: Session::new(inferior, monitor),
            stream,
            buf: vec![0; 64 * 1024].into(),
        })
    }
}

/// Stops an inferior that runs, and waits for it.
fn halt(inferior: &mut dyn Inferior) -> std::io::Result<()> {
    if inferior.state() != State::Running || inferior.interrupt().is_err() {
        return Ok(());
    }
    while inferior.state() == State::Running {
        if let Some(fd) = inferior.stop_fd() {
            poll::wait(fd, fd)?;
        }
        inferior.take_stop();
    }
    Ok(())
}

/// How a part of a conversation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The debugger has let the inferior run.
    Running,
    /// The inferior has stopped.
    Stopped,
    /// The session is over.
    Ended(Ended),
}

/// One debugger's session over its connection. It can move between threads: whoever has it serves.
pub struct Conversation<'i> {
    session: Session<'i>,
    stream: Stream,
    buf: Box<[u8]>,
}

impl<'i> Conversation<'i> {
    /// Reports the stop that is waiting, if there is one, and serves for as long as the inferior is stopped. What is still to be
    /// sent on [`Turn::Running`] (an acknowledgement) goes out with what comes next.
    pub fn serve_stopped(&mut self) -> Turn {
        let mut ended = None;
        loop {
            if self.session.is_running() && ended.is_none() {
                ended = self.session.stopped();
                if self.session.is_running() && ended.is_none() {
                    return Turn::Running;
                }
            }
            if let Some(ended) = self.send(ended) {
                return Turn::Ended(ended);
            }
            ended = self.receive();
        }
    }

    /// Serves while the inferior runs: waits for its stop and for the debugger at once. Returns when it has stopped; that is
    /// still to be sent.
    pub fn serve_running(&mut self) -> Turn {
        loop {
            if let Some(ended) = self.send(None) {
                return Turn::Ended(ended);
            }
            let mut readable = true;
            let mut ended = None;
            if let Some(stop) = self.session.inferior().stop_fd() {
                match poll::wait(self.stream.as_fd(), stop) {
                    Ok(ready) => {
                        readable = ready.first;
                        if ready.second {
                            ended = self.session.stopped();
                            // The reply goes out before the next request is looked at.
                            readable = false;
                        }
                    }
                    Err(_) => return Turn::Ended(Ended::Disconnected),
                }
            }
            if readable {
                ended = self.receive();
            }
            if let Some(ended) = ended {
                return Turn::Ended(self.send(Some(ended)).unwrap_or(ended));
            }
            if !self.session.is_running() {
                return Turn::Stopped;
            }
        }
    }

    /// Sends what is pending. Returns how the session ended, if it did by now.
    fn send(&mut self, ended: Option<Ended>) -> Option<Ended> {
        if !self.session.pending().is_empty() {
            if self.stream.write_all(self.session.pending()).is_err() {
                return Some(ended.unwrap_or(Ended::Disconnected));
            }
            self.session.sent();
        }
        ended
    }

    /// Waits for bytes from the debugger, and acts on them.
    fn receive(&mut self) -> Option<Ended> {
        poll::look(self.stream.as_fd());
        match self.stream.read(&mut self.buf) {
            Ok(0) => Some(Ended::Disconnected),
            Ok(n) => self.session.receive(&self.buf[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => None,
            Err(_) => Some(Ended::Disconnected),
        }
    }

    /// Says goodbye where there is somebody left, and gives the inferior back.
    pub fn end(self, ended: Ended) -> &'i mut (dyn Inferior + 'static) {
        if ended != Ended::Disconnected {
            self.stream.finish();
        }
        self.session.into_inferior()
    }
}
