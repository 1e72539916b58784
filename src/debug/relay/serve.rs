//! The side of the process that has the guest.

use super::{Channel, Note, Session};
use crate::debug::{Family, Happening, Live};
use emu_stub::Inferior;
use emu_stub::proxy::{Call, Files, Hello, Message, answer, receive, send};
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// How the service ended.
#[derive(Debug)]
pub enum Relayed {
    /// The debugger has let the guest go.
    Released,
    /// The serving process is gone without a word.
    Lost,
    /// The debugger has killed the guest.
    Killed,
    /// The guest has ended, and the serving process has been told.
    Exited,
    /// A relative serves the other end from now on.
    Moved,
    /// The session is served here from now on, with these descriptors.
    Adopted(Box<Session>, Vec<OwnedFd>),
}

/// What can be served: the guest of this process, or that and its relatives.
pub trait Guest {
    /// What the requests are for.
    fn inferior(&mut self) -> &mut dyn Inferior;

    /// What has happened, without waiting.
    fn take_happening(&mut self) -> Option<Happening>;

    /// Whether the service ends with the guest. A prompt asks on: what the program did is still to be had.
    fn ends(&self) -> bool;

    /// Has a relative serve the other end of `channel` from now on, if the guest itself is gone from the session. Whether it does.
    fn pass_to_heir(&mut self, _channel: &Channel) -> bool {
        false
    }

    /// Lets the guest execute its program, whose emulator goes on at this end of `channel`. Returns if that fails.
    fn pass_on_relay(&mut self, channel: &Channel);
}

impl Guest for Live {
    fn inferior(&mut self) -> &mut dyn Inferior {
        self
    }

    fn take_happening(&mut self) -> Option<Happening> {
        Live::take_happening(self)
    }

    fn ends(&self) -> bool {
        true
    }

    fn pass_on_relay(&mut self, channel: &Channel) {
        Live::pass_on_relay(self, channel, Vec::new(), false);
    }
}

impl Guest for Family {
    fn inferior(&mut self) -> &mut dyn Inferior {
        self
    }

    fn take_happening(&mut self) -> Option<Happening> {
        match self.take_stop() {
            Some(stop) => Some(Happening::Stopped(stop)),
            None => self.executes().then_some(Happening::Exec),
        }
    }

    fn ends(&self) -> bool {
        false
    }

    fn pass_to_heir(&mut self, channel: &Channel) -> bool {
        Family::pass_to_heir(self, channel)
    }

    fn pass_on_relay(&mut self, channel: &Channel) {
        Family::pass_on_relay(self, channel);
    }
}

/// Serves the guest to the process at the other end of `channel`, which has it stopped or takes its first event.
pub fn serve(guest: &mut impl Guest, channel: &Channel) -> Relayed {
    match exchange(guest, channel) {
        Ok(relayed) => relayed,
        Err(_) => Relayed::Lost,
    }
}

fn introduce(guest: &mut impl Guest, channel: &Channel) -> io::Result<()> {
    let hello = Box::new(Hello::of(guest.inferior()));
    send(channel, &Message::Hello(hello))
}

fn exchange(guest: &mut impl Guest, channel: &Channel) -> io::Result<Relayed> {
    introduce(guest, channel)?;
    let mut files = Files::default();
    loop {
        if guest.pass_to_heir(channel) {
            return Ok(Relayed::Moved);
        }
        let (asked, stopped) = wait(channel, guest.inferior())?;
        if stopped {
            match guest.take_happening() {
                Some(Happening::Stopped(stop)) => {
                    let over = stop.is_exit() && guest.inferior().processes().is_empty();
                    send(channel, &Message::Stopped(stop))?;
                    if over && guest.ends() {
                        return Ok(Relayed::Exited);
                    }
                }
                Some(Happening::Child(theirs)) => {
                    let note = postcard::to_stdvec(&Note::Child).map_err(io::Error::other)?;
                    channel.attach(&[theirs.as_fd()])?;
                    send(channel, &Message::Note(note))?;
                }
                // What comes of it serves this very channel.
                Some(Happening::Exec) => guest.pass_on_relay(channel),
                None => {}
            }
        }
        if asked {
            let call: Call = receive(channel)?;
            let end = match &call {
                Call::kill {} => Some(Relayed::Killed),
                Call::detach { .. } => Some(Relayed::Released),
                Call::introduce {} => {
                    introduce(guest, channel)?;
                    continue;
                }
                Call::note { bytes } => {
                    let session: Session = postcard::from_bytes(bytes).map_err(io::Error::other)?;
                    let descriptors = std::iter::from_fn(|| channel.take_descriptor()).collect();
                    send(channel, &Message::Reply(Vec::new()))?;
                    return Ok(Relayed::Adopted(Box::new(session), descriptors));
                }
                _ => None,
            };
            let reply = answer(guest.inferior(), &mut files, call).map_err(io::Error::other)?;
            send(channel, &Message::Reply(reply))?;
            if let Some(end) = end
                && guest.inferior().processes().is_empty()
            {
                return Ok(end);
            }
        }
    }
}

/// Waits for a request and for the guest: which of both came.
fn wait(channel: &Channel, inferior: &dyn Inferior) -> io::Result<(bool, bool)> {
    let mut fds = vec![PollFd::new(channel, PollFlags::IN)];
    let stop_fd = inferior.stop_fd();
    if let Some(fd) = &stop_fd {
        fds.push(PollFd::new(fd, PollFlags::IN));
    }
    rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
    let ready = |n: usize| fds.get(n).is_some_and(|fd| !fd.revents().is_empty());
    Ok((ready(0), ready(1)))
}
