//! The terminal that the prompt shares with the program: each finds it as it left it.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::os::fd::OwnedFd;

/// A terminal and its two settings.
pub struct Terminal {
    fd: OwnedFd,
    own: Termios,
    guest: Termios,
    with_guest: bool,
}

impl Terminal {
    /// The terminal at this descriptor, with the settings that it has; `None` if it is none.
    pub fn new(fd: OwnedFd) -> Option<Terminal> {
        let own = tcgetattr(&fd).ok()?;
        Some(Terminal {
            guest: own.clone(),
            own,
            fd,
            with_guest: false,
        })
    }

    /// The settings that the program has or will find.
    pub fn guest_settings(&self) -> Termios {
        self.guest.clone()
    }

    /// The next program finds the terminal as the first one did.
    pub fn forget_guest(&mut self) {
        self.guest = self.own.clone();
    }

    /// The program goes on.
    pub fn give_to_guest(&mut self) {
        if !self.with_guest {
            self.with_guest = true;
            // A terminal that is gone has no settings.
            let _ = tcsetattr(&self.fd, OptionalActions::Drain, &self.guest);
        }
    }

    /// The program has stopped.
    pub fn take_back(&mut self) {
        if self.with_guest {
            self.with_guest = false;
            if let Ok(now) = tcgetattr(&self.fd) {
                self.guest = now;
            }
            let _ = tcsetattr(&self.fd, OptionalActions::Drain, &self.own);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.with_guest {
            let _ = tcsetattr(&self.fd, OptionalActions::Drain, &self.own);
        }
    }
}
