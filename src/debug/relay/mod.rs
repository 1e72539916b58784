//! One process of a debugging session that another process serves: the child of a fork, and what `execve` makes of it.
//!
//! A guest process is a host process, and so each has an emulator of its own. One of them talks to the debugger; in each of the
//! others a thread serves ([`serve`]) the requests that the first one makes of it by way of [`Remote`], whose
//! [`emu_stub::Proxy`] is an [`emu_stub::Inferior`] like the first one's own guest. The prompt, which has no guest of its own, is
//! served in the same way. When the debugger goes on with one of the others alone, the session moves
//! there ([`Session`]), with the connection: descriptors go along with messages ([`Channel`]).

mod remote;
mod serve;

pub use crate::host::channel::Channel;
pub use remote::{Event, Remote};
pub use serve::{Guest, Relayed, serve};

use emu_stub::proxy::Wire;
use emu_stub::{CatchSyscalls, Pid, SavedSession};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// What one process tells the other besides what the inferior has to say.
#[derive(Debug, Serialize, Deserialize)]
enum Note {
    /// There is another process to debug, and its channel comes along.
    Child,
}

/// Waits until something can be read, at most that long.
pub fn wait(fd: std::os::fd::BorrowedFd<'_>, patience: std::time::Duration) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let patience = Timespec::try_from(patience).ok();
    // A failure is as good as a time that is up: the caller looks again.
    let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], patience.as_ref());
}

/// Waits until one of both can be read; whether it is the first.
pub fn wait_either(
    first: std::os::fd::BorrowedFd<'_>,
    second: std::os::fd::BorrowedFd<'_>,
) -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut fds = [&first, &second].map(|fd| PollFd::new(fd, PollFlags::IN));
    // As above.
    let _ = rustix::io::retry_on_intr(|| poll(&mut fds, None));
    !fds[0].revents().is_empty()
}

/// What the debugger wants to be told of: lasts over forks and execs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// As [`emu_stub::Inferior::catch_syscalls`] was told.
    pub syscalls: Option<CatchSyscalls>,
    /// As [`emu_stub::Inferior::pass_signals`] was told.
    pub pass: Vec<i32>,
    /// As [`emu_stub::Inferior::report_thread_events`] was told.
    pub threads: bool,
    /// As [`emu_stub::Inferior::report_forks`] was told.
    pub forks: bool,
}

/// A session on its way to the process that goes on with it. Descriptors are apart: those of the connection and of the listener,
/// if there are such, and the channels of the other processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Session {
    /// The debugger's session, if one is connected.
    pub saved: Option<SavedSession>,
    /// The connection or the listener is a unix socket's; else TCP.
    pub unix: bool,
    /// The path of a unix socket to listen on, which is to be removed at the end.
    pub path: Option<PathBuf>,
    /// There is a listener.
    pub listens: bool,
    /// A debugger has the guest, whether or not one is connected.
    pub debugged: bool,
    /// It is a prompt's: instead of a connection and a listener there is the channel to the prompt.
    pub prompt: bool,
    /// What the debugger wants to be told of.
    pub wishes: Wishes,
    /// The other processes of the session.
    pub others: Vec<Pid>,
}

/// One that a front end's [`emu_stub::Proxy`] and the emulator share.
struct Shared(Arc<Channel>);

impl Wire for Shared {
    fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.0.send(frame)
    }

    fn receive(&self) -> io::Result<Vec<u8>> {
        self.0.receive()
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.0.fd()
    }
}
