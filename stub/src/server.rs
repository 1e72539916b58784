//! Serves a debugger over a stream.

use std::any::Any;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use crate::command::Command;
use crate::inferior::{Inferior, State};
use crate::monitor::Monitor;
use crate::poll;
use crate::session::{Ended, SavedSession, Session};
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
            let mut turn = conversation.serve_stopped();
            if turn == Turn::Running {
                turn = conversation.serve_running();
            }
            let ended = match turn {
                Turn::Running | Turn::Stopped => continue,
                // Nobody here can take it: to the debugger the connection is lost.
                Turn::Moving => Ended::Disconnected,
                Turn::Ended(ended) => ended,
            };
            conversation.end(ended);
            return ended;
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
        Ok(Conversation::new(
            Session::new(inferior, self.monitor()),
            stream,
        ))
    }

    /// Goes on with a debugger that another process or program served before ([`Conversation::save`]).
    pub fn restore<'i>(
        &self,
        inferior: &'i mut (dyn Inferior + 'static),
        stream: Stream,
        saved: SavedSession,
    ) -> Conversation<'i> {
        Conversation::new(Session::restore(inferior, self.monitor(), saved), stream)
    }

    fn monitor(&self) -> Monitor {
        Monitor::new(&self.commands, (self.new_session)())
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
    /// The inferior wants the session to be served elsewhere ([`Inferior::wants_session`]).
    Moving,
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
    fn new(session: Session<'i>, stream: Stream) -> Conversation<'i> {
        Conversation {
            session,
            stream,
            buf: vec![0; 64 * 1024].into(),
        }
    }

    /// What another process or program needs, besides the connection, to go on with the session.
    pub fn save(&self) -> SavedSession {
        self.session.save()
    }

    /// The connection.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The inferior.
    pub fn inferior(&mut self) -> &mut (dyn Inferior + 'static) {
        self.session.inferior()
    }

    /// Lets the inferior go on as it was last told to: what it stopped for is nothing to the debugger.
    pub fn go_on(&mut self) {
        self.session.go_on();
    }

    /// Shows the debugger a text, while it waits for a stop.
    pub fn say(&mut self, text: &str) {
        if self.session.is_running() {
            self.session.console(text);
        }
    }

    /// Closes the connection here, where another process has it too, and gives the inferior back.
    pub fn leave(self) -> &'i mut (dyn Inferior + 'static) {
        self.session.into_inferior()
    }

    /// Reports the stop that is waiting, if there is one, and serves for as long as the inferior is stopped. What is still to be
    /// sent on [`Turn::Running`] (an acknowledgement) goes out with what comes next.
    pub fn serve_stopped(&mut self) -> Turn {
        let mut ended = None;
        loop {
            if self.session.is_running() && ended.is_none() {
                ended = self.session.stopped();
                if self.session.is_running() && ended.is_none() {
                    return self.moving().unwrap_or(Turn::Running);
                }
            }
            if let Some(ended) = self.send(ended) {
                return Turn::Ended(ended);
            }
            if let Some(turn) = self.moving() {
                return turn;
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
            // Another thread may have served up to here.
            if let Some(turn) = self.moving() {
                return turn;
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

    /// [`Turn::Moving`], if the inferior wants it.
    fn moving(&mut self) -> Option<Turn> {
        self.session
            .inferior()
            .wants_session()
            .then_some(Turn::Moving)
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
