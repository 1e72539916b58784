//! The side of the inferior.

use super::calls::{Call, answer};
use super::{Hello, Message, SIGNALS, receive, send};
use crate::inferior::Inferior;
use crate::poll;
use crate::session::Ended;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// Serves a [`super::Proxy`] until it lets the inferior go, kills it or is gone.
pub fn serve(inferior: &mut dyn Inferior, stream: &UnixStream) -> Ended {
    converse(inferior, stream).unwrap_or(Ended::Disconnected)
}

fn converse(inferior: &mut dyn Inferior, stream: &UnixStream) -> io::Result<Ended> {
    send(
        stream,
        &Message::Hello(Box::new(Hello {
            capabilities: inferior.capabilities(),
            target: (*inferior.target()).clone(),
            state: inferior.state(),
            signals: SIGNALS.map(|n| inferior.gdb_signal(n)).collect(),
        })),
    )?;
    loop {
        let stopped = match inferior.stop_fd() {
            Some(stop) => poll::wait(stream.as_fd(), stop)?.second,
            None => false,
        };
        if stopped {
            if let Some(stop) = inferior.take_stop() {
                send(stream, &Message::Stopped(stop))?;
            }
            continue;
        }
        let call: Call = receive(stream)?;
        let end = match call {
            Call::detach { .. } => Some(Ended::Detached),
            Call::kill {} => Some(Ended::Killed),
            _ => None,
        };
        let reply =
            answer(inferior, call).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        // The first byte of a result says whether it is one.
        let done = reply.first() == Some(&0);
        send(stream, &Message::Reply(reply))?;
        if let Some(end) = end.filter(|_| done) {
            return Ok(end);
        }
    }
}
