//! The side of the inferior.

use super::calls::{Call, Files, answer};
use super::{Hello, Message, Wire, receive, send};
use crate::inferior::Inferior;
use crate::poll;
use crate::session::Ended;
use std::io;

/// Serves a [`super::Proxy`] until it lets the inferior go, kills it or is gone.
pub fn serve(inferior: &mut dyn Inferior, wire: &dyn Wire) -> Ended {
    converse(inferior, wire).unwrap_or(Ended::Disconnected)
}

fn converse(inferior: &mut dyn Inferior, wire: &dyn Wire) -> io::Result<Ended> {
    send(wire, &Message::Hello(Box::new(Hello::of(inferior))))?;
    let mut files = Files::default();
    loop {
        let stopped = match inferior.stop_fd() {
            Some(stop) => poll::wait(wire.fd(), stop)?.second,
            None => false,
        };
        if stopped {
            if let Some(stop) = inferior.take_stop() {
                send(wire, &Message::Stopped(stop))?;
            }
            continue;
        }
        let call: Call = receive(wire)?;
        let end = match call {
            Call::detach { .. } => Some(Ended::Detached),
            Call::kill {} => Some(Ended::Killed),
            Call::introduce {} => {
                send(wire, &Message::Hello(Box::new(Hello::of(inferior))))?;
                continue;
            }
            _ => None,
        };
        let reply = answer(inferior, &mut files, call)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        // The first byte of a result says whether it is one.
        let done = reply.first() == Some(&0);
        send(wire, &Message::Reply(reply))?;
        if let Some(end) = end.filter(|_| done) {
            return Ok(end);
        }
    }
}
