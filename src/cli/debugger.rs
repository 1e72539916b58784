//! `-g`: serving a debugger beside the running guest.

use super::Failure;
use super::run::Tracers;
use crate::debug::{Control, Live, Program};
use crate::host;
use crate::process::{End, Observer, Process, Signal, Thread};
use emu_stub::{Ended, Endpoint, Inferior, Listener, Server, Stream};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

/// A debugger's way in, bound but not served yet.
pub(super) struct Door {
    listener: Listener,
    control: Arc<Control>,
    /// A unix socket's file, which is removed at the end.
    socket: Option<PathBuf>,
}

/// What `-g` was given.
fn parse(text: &str) -> Result<(Endpoint, bool), Failure> {
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
        host::fd::above_the_guests(|| {
            let (listener, socket, suspend) = listen(text)?;
            let control = Control::new(suspend).map_err(|e| Failure {
                text: format!("-g {text}: {e}"),
                status: 1,
            })?;
            Ok(Door {
                listener,
                control: Arc::new(control),
                socket,
            })
        })
    }

    /// Those who are to be told of the guest's events.
    pub(super) fn observers(&self) -> Vec<Arc<dyn Observer>> {
        let mut all: Vec<Arc<dyn Observer>> = vec![self.control.clone()];
        if let Some(path) = &self.socket {
            all.push(Arc::new(SocketFile(path.clone(), host::pid())));
        }
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
    ) -> Result<(), Failure> {
        let (missing, trace) = (tracers.missing.clone(), tracers.trace.clone());
        let thread = std::thread::Builder::new().name("debugger".into());
        let serving = thread.spawn(move || {
            // For as long as the process lives, as the thread: whoever serves has it in turn.
            let mut live = Live::new(process, self.control.clone(), program, mode);
            live.set_tracing(missing, trace);
            let live = Box::leak(Box::new(live));
            let mut inferior: &'static mut (dyn Inferior + 'static) = live;
            // `monitor` has the prompt's commands.
            let server = Server::new(&[emu_repl::COMMANDS], || {
                Box::new(emu_repl::Session::for_monitor())
            });
            loop {
                let Ok(stream) = self.listener.accept() else {
                    // Only out of descriptors or memory: let the guest be.
                    self.control.tell_end();
                    return;
                };
                let stream = raised(stream);
                let fd = stream.as_fd().as_raw_fd();
                let conversation = match server.begin(inferior, stream) {
                    Ok(conversation) => conversation,
                    Err(back) => {
                        inferior = back;
                        host::fd::forget(fd);
                        continue;
                    }
                };
                let Some((ended, back)) = self.control.serve(conversation) else {
                    return;
                };
                inferior = back;
                host::fd::forget(fd);
                match ended {
                    Ended::Killed => {
                        self.remove_socket();
                        host::signal::die(Signal::SIGKILL);
                    }
                    Ended::Exited => self.control.tell_end(),
                    // The guest stays as the debugger left it, until the next one comes.
                    Ended::Detached | Ended::Disconnected => {}
                }
            }
        });
        serving.map(drop).map_err(|e| Failure {
            text: format!("-g: no thread for the debugger: {e}"),
            status: 1,
        })
    }

    fn remove_socket(&self) {
        if let Some(path) = &self.socket {
            // Best effort: whoever removed it first has done our work.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Moves a connection's descriptor out of the guest's way.
fn raised(stream: Stream) -> Stream {
    match stream {
        Stream::Tcp(s) => Stream::Tcp(TcpStream::from(host::fd::raise(OwnedFd::from(s)))),
        Stream::Unix(s) => Stream::Unix(UnixStream::from(host::fd::raise(OwnedFd::from(s)))),
    }
}

/// Removes a unix socket's file when the process that made it ends.
struct SocketFile(PathBuf, i32);

impl Observer for SocketFile {
    fn process_exit(&self, _: &mut Thread, _: End) {
        if host::pid() == self.1 {
            // Best effort, as above.
            let _ = std::fs::remove_file(&self.0);
        }
    }
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
