//! How two emulators find each other: one listens at a socket in the other's folder and rings, the other connects.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host;
use crate::host::channel::Channel;
use crate::host::fd;

/// How often one rings until the other comes.
pub const PAUSE: Duration = Duration::from_millis(10);

/// The two connections between a tracer and a tracee.
#[derive(Debug)]
pub struct Connections {
    /// Requests of the tracer, and replies.
    pub requests: Channel,
    /// What the tracee tells.
    pub notices: Channel,
}

impl Connections {
    /// Both ends of both.
    ///
    /// # Errors
    /// No more descriptors.
    pub fn pair() -> io::Result<(Connections, Connections)> {
        let (requests, other_requests) = Channel::pair()?;
        let (notices, other_notices) = Channel::pair()?;
        let ours = Connections { requests, notices };
        let theirs = Connections {
            requests: other_requests,
            notices: other_notices,
        };
        Ok((ours, theirs))
    }

    /// Closes the sockets in the child of a fork, which has them only because its parent has.
    pub fn close_inherited(&self) {
        fd::close_inherited(self.requests.as_fd());
        fd::close_inherited(self.notices.as_fd());
    }

    /// Over connected sockets, which are the emulator's own.
    pub fn over(requests: OwnedFd, notices: OwnedFd) -> Connections {
        Connections {
            requests: Channel::new(requests),
            notices: Channel::new(notices),
        }
    }

    /// Connects to who listens at `path`, whose file goes away.
    ///
    /// # Errors
    /// Nobody does.
    pub fn open(path: &Path) -> io::Result<Connections> {
        let connect = || fd::raised(|| UnixStream::connect(path).map(OwnedFd::from));
        let (requests, notices) = (connect()?, connect()?);
        let _ = std::fs::remove_file(path);
        Ok(Connections::over(requests, notices))
    }
}

/// A socket at which another process is waited for.
#[derive(Debug)]
pub struct Meeting {
    listener: Option<UnixListener>,
    path: PathBuf,
}

impl Drop for Meeting {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            fd::forget(listener.as_raw_fd());
        }
    }
}

impl Meeting {
    /// Listens at `path`.
    ///
    /// # Errors
    /// The host's.
    pub fn at(path: PathBuf) -> io::Result<Meeting> {
        let listener = fd::raised(|| UnixListener::bind(&path))?;
        listener.set_nonblocking(true)?;
        Ok(Meeting {
            listener: Some(listener),
            path,
        })
    }

    /// Takes over a socket that the program before this one has left.
    pub fn inherited(listener: OwnedFd, path: PathBuf) -> Meeting {
        Meeting {
            listener: Some(listener.into()),
            path,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the socket away.
    pub fn leave(mut self) -> Option<OwnedFd> {
        self.listener.take().map(OwnedFd::from)
    }

    /// Rings at process `pid` until it has connected; `None` if it is gone, or does not want to, or `goes_on` says no. `wait` waits
    /// for the descriptor, or that long.
    pub fn wait_for(
        self,
        pid: i32,
        mut wait: impl FnMut(BorrowedFd<'_>, Duration),
        goes_on: impl Fn() -> bool,
    ) -> Option<Connections> {
        let listener = self.listener.as_ref()?;
        let mut accepted = Vec::new();
        while accepted.len() < 2 {
            // Looked at first: who connects removes it afterwards.
            let unwanted = accepted.is_empty() && !self.path.exists();
            match fd::raised(|| listener.accept().map(|(socket, _)| OwnedFd::from(socket))) {
                Ok(socket) => accepted.push(socket),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if unwanted || !goes_on() {
                        break;
                    }
                    let heard =
                        !accepted.is_empty() || (hears(pid) && host::signal::ring(pid).is_ok());
                    if !heard && !Path::new(&format!("/proc/{pid}")).exists() {
                        break;
                    }
                    wait(listener.as_fd(), PAUSE);
                }
                Err(_) => break,
            }
        }
        let _ = std::fs::remove_file(&self.path);
        let mut accepted = accepted.into_iter();
        let (requests, notices) = (accepted.next()?, accepted.next()?);
        Some(Connections::over(requests, notices))
    }
}

/// Whether a process has a handler for the signal that [`host::signal::ring`] sends: one that is just beginning would die of it.
fn hears(pid: i32) -> bool {
    let status = super::super::proc_text(&format!("/proc/{pid}/status"));
    super::super::status_signals(&status, "SigCgt").contains(crate::process::Signal::SIGBUS)
}
