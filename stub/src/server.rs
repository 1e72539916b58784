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
    pub fn serve(&self, inferior: &mut (dyn Inferior + 'static), mut stream: Stream) -> Ended {
        if halt(inferior).is_err() {
            return Ended::Disconnected;
        }
        let monitor = Monitor::new(&self.commands, (self.new_session)());
        let mut session = Session::new(inferior, monitor);
        let ended = converse(&mut session, &mut stream);
        drop(session);
        if ended != Ended::Disconnected {
            stream.finish();
        }
        ended
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

/// Moves bytes and stops until the session ends.
fn converse(session: &mut Session<'_>, stream: &mut Stream) -> Ended {
    let mut buf = vec![0; 64 * 1024];
    let mut ended = None;
    loop {
        if !session.pending().is_empty() {
            if stream.write_all(session.pending()).is_err() {
                return ended.unwrap_or(Ended::Disconnected);
            }
            session.sent();
        }
        if let Some(ended) = ended {
            return ended;
        }
        let mut readable = true;
        if session.is_running() {
            // Steps are often over by now: that saves a system call.
            ended = session.stopped();
            if ended.is_some() || !session.pending().is_empty() {
                continue;
            }
        }
        if session.is_running()
            && let Some(stop) = session.inferior().stop_fd()
        {
            match poll::wait(stream.as_fd(), stop) {
                Ok(ready) => {
                    readable = ready.first;
                    if ready.second {
                        ended = session.stopped();
                        // A reply goes out before the next request is looked at.
                        continue;
                    }
                }
                Err(_) => return Ended::Disconnected,
            }
        }
        if readable {
            match stream.read(&mut buf) {
                Ok(0) => return Ended::Disconnected,
                Ok(n) => ended = session.receive(&buf[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Ended::Disconnected,
            }
        }
    }
}
