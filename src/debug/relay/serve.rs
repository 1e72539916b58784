//! The side of the process that has the guest.

use super::calls::{Files, Request, answer};
use super::{Channel, Hello, Message, Session};
use crate::debug::{Happening, Live};
use emu_stub::Inferior;
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// How the service ended.
#[derive(Debug)]
pub enum Relayed {
    /// The debugger has let the guest go, or the serving process is gone without a word: nobody debugs any more.
    Released,
    /// The debugger has killed the guest.
    Killed,
    /// The guest has ended, and the serving process has been told.
    Exited,
    /// The session is served here from now on, with these descriptors.
    Adopted(Box<Session>, Vec<OwnedFd>),
}

/// Serves the guest to the process at the other end of `channel`, which has it stopped or takes its first event.
pub fn serve(live: &mut Live, mut channel: Channel) -> Relayed {
    match exchange(live, &mut channel) {
        Ok(relayed) => relayed,
        Err(_) => {
            // Fails where the guest has ended meanwhile.
            let _ = live.detach(None);
            Relayed::Released
        }
    }
}

fn exchange(live: &mut Live, channel: &mut Channel) -> io::Result<Relayed> {
    channel.send(&Message::Hello(hello(live)), &[])?;
    let mut files = Files::default();
    loop {
        let (asked, stopped) = wait(channel, live)?;
        if stopped {
            match live.take_happening() {
                Some(Happening::Stopped(stop)) => {
                    let over = stop.is_exit() && stop.pid == live.pid();
                    channel.send(&Message::Stop(stop), &[])?;
                    if over {
                        return Ok(Relayed::Exited);
                    }
                }
                Some(Happening::Child(theirs)) => {
                    channel.send(&Message::Child, &[theirs.as_fd()])?;
                }
                // What comes of it serves this very channel.
                Some(Happening::Exec) => live.pass_on_relay(channel),
                None => {}
            }
        }
        if asked {
            let request = channel.receive()?;
            let kills = matches!(request, Request::kill {});
            let leaves = matches!(request, Request::detach { .. });
            if let Request::adopt(session) = request {
                let mut descriptors = Vec::new();
                while let Some(descriptor) = channel.take_descriptor() {
                    descriptors.push(descriptor);
                }
                channel.send(&Message::Reply(Vec::new()), &[])?;
                return Ok(Relayed::Adopted(session, descriptors));
            }
            if let Request::introduce {} = request {
                channel.send(&Message::Hello(hello(live)), &[])?;
                continue;
            }
            let reply = answer(live, &mut files, request).unwrap_or_default();
            channel.send(&Message::Reply(reply), &[])?;
            if kills && live.has_ended() {
                return Ok(Relayed::Killed);
            }
            if leaves && !live.is_debugged() {
                return Ok(Relayed::Released);
            }
        }
    }
}

/// Waits for a request and for the guest: which of both came.
fn wait(channel: &Channel, live: &Live) -> io::Result<(bool, bool)> {
    let mut fds = vec![PollFd::new(channel, PollFlags::IN)];
    let stop_fd = live.stop_fd();
    if let Some(fd) = &stop_fd {
        fds.push(PollFd::new(fd, PollFlags::IN));
    }
    rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
    let ready = |n: usize| fds.get(n).is_some_and(|fd| !fd.revents().is_empty());
    Ok((ready(0), ready(1)))
}

fn hello(live: &Live) -> Hello {
    let (isa, mode, os) = live.machine();
    Hello {
        pid: live.pid(),
        isa: isa.to_owned(),
        mode,
        os: os.to_owned(),
        signals: (1..=127).map(|n| live.gdb_signal(n)).collect(),
        state: live.state(),
    }
}
