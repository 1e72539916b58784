//! `-g`: serving a debugger beside the running guest.

mod service;
mod socket;

use super::Failure;
use super::engine::Statistics;
use super::run::Tracers;
use crate::debug::relay::{self, Channel, Relayed, Session, Wishes};
use crate::debug::{Control, Family, Inheritance, Live, Program, Served};
use crate::host;
use crate::process::{End, Observer, Process, Signal, Thread};
use emu_stub::{
    Conversation, Ended, Endpoint, Inferior, Listener, Resume, ResumePlan, SavedSession, Server,
    Stream,
};
use service::Service;
use socket::SocketFile;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

/// A debugger's way in, bound but not served yet.
pub(super) struct Door {
    control: Arc<Control>,
    /// A unix socket's file, which is removed at the end.
    socket: Option<Arc<SocketFile>>,
    way: Way,
}

/// How the guest comes to a debugger.
enum Way {
    /// One connects.
    Listen(Listener),
    /// This program goes on with a session that the one before it had.
    Session(Session, Vec<OwnedFd>),
    /// Another process serves the session, at the other end.
    Relay(Relay),
}

/// A session that another process serves.
struct Relay {
    channel: Channel,
    wishes: Wishes,
    /// Channels of relatives, which are served along.
    others: Vec<Channel>,
    /// It is a prompt's, with which the guest ends.
    prompt: bool,
    /// The guest has come of an `execve`, rather than been started for it.
    executed: bool,
}

/// What `-g` was given: the address, and whether the guest waits for a debugger.
///
/// # Errors
/// It is neither.
pub(super) fn parse(text: &str) -> Result<(Endpoint, bool), Failure> {
    let (address, suspend) = match text.split_once(",suspend=") {
        None => (text, true),
        Some((address, "y")) => (address, true),
        Some((address, "n")) => (address, false),
        Some((_, other)) => {
            return Err(Failure::usage(format!(
                "-g takes suspend=y or suspend=n, not '{other}'"
            )));
        }
    };
    let endpoint =
        Endpoint::parse(address).map_err(|why| Failure::usage(format!("-g {address}: {why}")))?;
    Ok((endpoint, suspend))
}

/// Binds what `-g` was given: the listener, the unix socket's file if it is one, and whether the guest waits.
///
/// # Errors
/// A wrong address, or one in use.
pub(super) fn listen(text: &str) -> Result<(Listener, Option<PathBuf>, bool), Failure> {
    let (endpoint, suspend) = parse(text)?;
    let listener = Listener::bind(&endpoint).map_err(|e| {
        let hint = if e.kind() == std::io::ErrorKind::AddrInUse {
            "another program listens there; choose another one, or 0 for a free port"
        } else {
            "give PORT, HOST:PORT or the path of a socket to create"
        };
        let why = e.to_string();
        let why = why.split(" (os error").next().unwrap_or_default();
        Failure {
            text: format!("-g {endpoint}: {why}; {hint}"),
            status: 1,
        }
    })?;
    let socket = match &endpoint {
        Endpoint::Unix(path) => Some(path.clone()),
        Endpoint::Tcp(address) => {
            if address.ends_with(":0")
                && let Ok(real) = listener.endpoint()
            {
                eprintln!("emu: listening on {real}");
            }
            None
        }
    };
    Ok((listener, socket, suspend))
}

impl Door {
    /// Binds the address, before anything of the guest exists.
    ///
    /// # Errors
    /// A wrong address, or one in use.
    pub(super) fn open(text: &str) -> Result<Door, Failure> {
        let (listener, socket, suspend) = listen(text)?;
        let listener = match host::fd::duplicate(listener.as_fd()) {
            Ok(high) => {
                listener.leave();
                Listener::adopt(high, socket.clone())
            }
            Err(_) => listener,
        };
        Ok(Door {
            control: new_control(suspend, false)?,
            socket: socket.map(|path| Arc::new(SocketFile::new(path))),
            way: Way::Listen(listener),
        })
    }

    /// The way that the emulator leaves in descriptor `fd` that has executed this one for another program of its guest.
    ///
    /// # Errors
    /// It is no such descriptor.
    pub(super) fn inherit(fd: i32) -> Result<Door, Failure> {
        let failure = |e: std::io::Error| Failure {
            text: format!(
                "--debug-session {fd}: {e}; the option is emu's own, for programs that it executes"
            ),
            status: 1,
        };
        let adopt = |fd| host::fd::adopt(fd).map_err(failure);
        Ok(match Inheritance::read(fd).map_err(failure)? {
            Inheritance::Relay {
                channel,
                wishes,
                others,
                prompt,
            } => {
                let channel = Channel::new(adopt(channel)?);
                let others = others.into_iter().map(adopt);
                let others = others.map(|fd| fd.map(Channel::new));
                Door::relayed(Relay {
                    channel,
                    wishes,
                    others: others.collect::<Result<_, _>>()?,
                    prompt,
                    executed: true,
                })?
            }
            Inheritance::Session {
                session,
                descriptors,
            } => {
                let descriptors = descriptors.into_iter().map(adopt);
                Door {
                    control: new_control(session.debugged, false)?,
                    socket: session
                        .path
                        .clone()
                        .map(|path| Arc::new(SocketFile::new(path))),
                    way: Way::Session(*session, descriptors.collect::<Result<_, _>>()?),
                }
            }
        })
    }

    /// The way to a prompt in another process. `fd` is the connection, by the number that the prompt's process gave it.
    ///
    /// # Errors
    /// There is no connection, or no more descriptors.
    pub(super) fn to_prompt(fd: i32) -> Result<Door, Failure> {
        let channel = host::fd::adopt(fd).map_err(|e| Failure {
            text: format!("--prompt-fd={fd}: {e}"),
            status: 1,
        })?;
        Door::relayed(Relay {
            channel: Channel::new(channel),
            wishes: Wishes::default(),
            others: Vec::new(),
            prompt: true,
            executed: false,
        })
    }

    fn relayed(relay: Relay) -> Result<Door, Failure> {
        Ok(Door {
            control: new_control(true, relay.prompt)?,
            socket: None,
            way: Way::Relay(relay),
        })
    }

    /// Those who are to be told of the guest's events.
    pub(super) fn observers(&self) -> Vec<Arc<dyn Observer>> {
        let mut all: Vec<Arc<dyn Observer>> = vec![self.control.clone()];
        all.extend(self.socket.iter().map(|s| s.clone() as _));
        all
    }

    /// Serves debuggers from a thread of its own. Call with all signals blocked, which that thread inherits.
    ///
    /// # Errors
    /// No more threads.
    pub(super) fn serve(
        self,
        process: Arc<Process>,
        program: Program,
        mode: u32,
        tracers: &Tracers,
        statistics: Option<Statistics>,
    ) -> Result<(), Failure> {
        let service = Arc::new(Service {
            control: self.control.clone(),
            process,
            program,
            mode,
            tracers: tracers.clone(),
            statistics,
        });
        // A child of a fork that the debugger wants has this service too, in its own memory.
        let children = service.clone();
        self.control.set_service(Box::new(move |channel| {
            let service = children.clone();
            // Out of threads: the child stays stopped, and the debugger is told that it is gone.
            let _ = in_thread(move || {
                let mut live = service.live();
                live.inherit_breakpoints();
                service.relay(live, channel);
            });
        }));
        // Before the guest runs, which may execute another program at once: where debuggers connect is to be known by then.
        let work: Box<dyn FnOnce() + Send> = match self.way {
            Way::Listen(listener) => {
                let entrance = service.entrance(Some(listener), self.socket);
                Box::new(move || {
                    service.serve(Family::new(service.live()), entrance, None);
                })
            }
            Way::Session(session, descriptors) => {
                let debugged = session.debugged;
                let opened = service.open(session, descriptors, self.socket);
                Box::new(move || {
                    let mut live = service.live();
                    if debugged {
                        live.begin_after_exec();
                    }
                    service.adopt(live, opened);
                })
            }
            Way::Relay(relay) => Box::new(move || {
                service.control.set_wishes(&relay.wishes);
                let mut live = service.live();
                if relay.executed {
                    live.begin_after_exec();
                } else {
                    live.attach();
                }
                if relay.prompt {
                    service.serve_prompt(live, relay);
                } else {
                    service.relay(live, relay.channel);
                }
            }),
        };
        in_thread(work).map_err(|e| Failure {
            text: format!("-g: no thread for the debugger: {e}"),
            status: 1,
        })
    }
}

/// `prompt`: the guest's end waits for the user, however long it takes.
fn new_control(suspend: bool, prompt: bool) -> Result<Arc<Control>, Failure> {
    let control = Control::new(suspend).map_err(|e| Failure {
        text: format!("no descriptors for the debugger: {e}"),
        status: 1,
    })?;
    Ok(Arc::new(if prompt {
        control.with_patience()
    } else {
        control
    }))
}

fn in_thread(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("debugger".into());
    thread.spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspend_follows_the_address() {
        let tcp = |s: &str| Endpoint::Tcp(s.into());
        let parsed = |s: &str| parse(s).expect("good");
        assert_eq!(parsed("4567"), (tcp("127.0.0.1:4567"), true));
        assert_eq!(parsed("[::1]:1,suspend=n"), (tcp("[::1]:1"), false));
        let (endpoint, suspend) = parsed("/tmp/s.sock,suspend=n");
        assert_eq!(endpoint, Endpoint::Unix("/tmp/s.sock".into()));
        assert!(!suspend);
        assert_eq!(parse("1,suspend=maybe").expect_err("bad").status, 2);
        assert_eq!(parse("99999").expect_err("bad").status, 2);
    }
}
