//! Where debuggers connect: TCP and unix sockets. Listening is apart from accepting, so that a port in use can be reported
//! before the guest starts.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An address as the user gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `HOST:PORT`.
    Tcp(String),
    /// Path of a unix socket.
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads `PORT` (on 127.0.0.1), `:PORT` (likewise), `HOST:PORT`, `[IPV6]:PORT`, or else the path of a unix socket.
    /// Fails with a line for the user if a port is out of range or nothing is given.
    pub fn parse(text: &str) -> Result<Endpoint, String> {
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let (host, port) = match text.rsplit_once(':') {
            _ if digits(text) => ("", text),
            Some((host, port)) if digits(port) && !host.contains('/') => (host, port),
            _ if text.is_empty() => return Err("no address to listen on".into()),
            _ => return Ok(Endpoint::Unix(text.into())),
        };
        if port.parse::<u16>().is_err() {
            return Err(format!("{port} is not a port: ports go from 0 to 65535"));
        }
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        Ok(Endpoint::Tcp(format!("{host}:{port}")))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(addr) => f.write_str(addr),
            Endpoint::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[derive(Debug)]
enum ListenerKind {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// A socket that debuggers can connect to. A unix socket's file goes away with it.
#[derive(Debug)]
pub struct Listener(ListenerKind);

impl Listener {
    /// Listens. A unix socket that nobody listens on any more is replaced; any other file is left alone.
    pub fn bind(endpoint: &Endpoint) -> io::Result<Listener> {
        Ok(Listener(match endpoint {
            Endpoint::Tcp(addr) => ListenerKind::Tcp(TcpListener::bind(addr)?),
            Endpoint::Unix(path) => {
                let listener = match UnixListener::bind(path) {
                    Err(e) if e.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
                        std::fs::remove_file(path)?;
                        UnixListener::bind(path)?
                    }
                    result => result?,
                };
                ListenerKind::Unix(listener, path.clone())
            }
        }))
    }

    /// A socket that listens already; `path` is its file if it is a unix socket.
    pub fn adopt(socket: OwnedFd, path: Option<PathBuf>) -> Listener {
        Listener(match path {
            Some(path) => ListenerKind::Unix(socket.into(), path),
            None => ListenerKind::Tcp(socket.into()),
        })
    }

    /// Stops listening here, where another process goes on with the same socket: its file stays.
    pub fn leave(mut self) {
        if let ListenerKind::Unix(_, path) = &mut self.0 {
            path.clear();
        }
    }

    /// Where it listens; the port is the real one if 0 was asked for.
    pub fn endpoint(&self) -> io::Result<Endpoint> {
        Ok(match &self.0 {
            ListenerKind::Tcp(l) => Endpoint::Tcp(l.local_addr()?.to_string()),
            ListenerKind::Unix(_, path) => Endpoint::Unix(path.clone()),
        })
    }

    /// Waits for a debugger.
    pub fn accept(&self) -> io::Result<Stream> {
        Ok(match &self.0 {
            ListenerKind::Tcp(l) => Stream::from(l.accept()?.0),
            ListenerKind::Unix(l, _) => Stream::from(l.accept()?.0),
        })
    }
}

/// A socket file without a listener behind it: an earlier run was killed.
fn is_stale(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    is_socket
        && UnixStream::connect(path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
}

/// Readable when a debugger wants to connect.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            ListenerKind::Tcp(l) => l.as_fd(),
            ListenerKind::Unix(l, _) => l.as_fd(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let ListenerKind::Unix(_, path) = &self.0
            && !path.as_os_str().is_empty()
        {
            // Best effort: whoever removed it first has done our work.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A connection to a debugger.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a unix socket.
    Unix(UnixStream),
}

impl From<TcpStream> for Stream {
    fn from(s: TcpStream) -> Stream {
        // Packets are small and each waits for its answer: with Nagle's algorithm a step would take 40 ms. A failure costs speed
        // only.
        let _ = s.set_nodelay(true);
        Stream::Tcp(s)
    }
}

impl From<UnixStream> for Stream {
    fn from(s: UnixStream) -> Stream {
        Stream::Unix(s)
    }
}

impl Stream {
    /// Says goodbye: ends our side and waits a little for the debugger to end its own. Closing at once with bytes unread (its
    /// last `+`) would reset the connection and may take the last reply along.
    pub(crate) fn finish(mut self) {
        const PATIENCE: Duration = Duration::from_millis(500);
        let ready = match &self {
            Stream::Tcp(s) => s
                .shutdown(Shutdown::Write)
                .and_then(|()| s.set_read_timeout(Some(PATIENCE))),
            Stream::Unix(s) => s
                .shutdown(Shutdown::Write)
                .and_then(|()| s.set_read_timeout(Some(PATIENCE))),
        };
        let deadline = std::time::Instant::now() + PATIENCE;
        let mut rest = [0; 4096];
        while ready.is_ok()
            && std::time::Instant::now() < deadline
            && matches!(self.read(&mut rest), Ok(1..))
        {}
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(s) => s.read(buf),
            Stream::Unix(s) => s.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(s) => s.write(buf),
            Stream::Unix(s) => s.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(s) => s.as_fd(),
            Stream::Unix(s) => s.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let tcp = |s: &str| Ok(Endpoint::Tcp(s.into()));
        assert_eq!(Endpoint::parse("4567"), tcp("127.0.0.1:4567"));
        assert_eq!(Endpoint::parse(":4567"), tcp("127.0.0.1:4567"));
        assert_eq!(Endpoint::parse("0.0.0.0:1"), tcp("0.0.0.0:1"));
        assert_eq!(Endpoint::parse("[::1]:1"), tcp("[::1]:1"));
        assert_eq!(
            Endpoint::parse("/tmp/a:1"),
            Ok(Endpoint::Unix("/tmp/a:1".into()))
        );
        assert_eq!(
            Endpoint::parse("gdb.sock"),
            Ok(Endpoint::Unix("gdb.sock".into()))
        );
        assert!(Endpoint::parse("70000").is_err());
        assert!(Endpoint::parse("").is_err());
    }

    #[test]
    fn a_port_in_use_is_an_error_and_a_stale_socket_is_not() {
        let first = Listener::bind(&Endpoint::Tcp("127.0.0.1:0".into())).unwrap();
        let again = Listener::bind(&first.endpoint().unwrap()).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);

        let dir = std::env::temp_dir().join(format!("emu-stub-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("socket");
        // Dropping std's listener leaves the file, as a killed process does.
        drop(UnixListener::bind(&path).unwrap());
        let endpoint = Endpoint::Unix(path.clone());
        let live = Listener::bind(&endpoint).unwrap();
        assert!(Listener::bind(&endpoint).is_err());
        drop(live);
        assert!(!path.exists());
        std::fs::write(&path, "precious").unwrap();
        assert!(Listener::bind(&endpoint).is_err());
        assert!(path.exists());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
