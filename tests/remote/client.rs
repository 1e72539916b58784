//! The least that a debugger does over the remote protocol, for tests without one.

// Each test uses a part of it.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use emu_stub::framing::checksum;

/// A guest that waits for a debugger at a unix socket.
pub struct Guest {
    pub emu: Child,
    socket: PathBuf,
}

impl Guest {
    /// Starts a guest program with these options of the emulator; `name` tells its socket from those of other tests.
    pub fn start(isa: &str, program: &str, name: &str, options: &[&str]) -> Guest {
        Guest::start_as(name, |command| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let program = root.join("tests/guests/bin").join(isa).join(program);
            command.args(options).arg(program)
        })
    }

    /// Starts what `complete` makes of the emulator's command line.
    pub fn start_as(name: &str, complete: impl FnOnce(&mut Command) -> &mut Command) -> Guest {
        let socket = std::env::temp_dir().join(format!("emu-{}-{name}", std::process::id()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_emu"));
        command.arg("-g").arg(&socket).stdin(Stdio::null());
        let emu = complete(&mut command)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Guest { emu, socket }
    }

    pub fn connect(&self) -> Debugger {
        let deadline = Instant::now() + Duration::from_secs(30);
        let stream = loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => break stream,
                Err(e) => assert!(Instant::now() < deadline, "no server: {e}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut debugger = Debugger {
            stream,
            buf: Vec::new(),
        };
        assert_eq!(debugger.ask(b"QStartNoAckMode"), Some("OK".into()));
        debugger
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.emu.kill();
        let _ = self.emu.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// A connection to the server.
pub struct Debugger {
    pub stream: UnixStream,
    buf: Vec<u8>,
}

impl Debugger {
    /// Sends a packet; says whether the connection is still there.
    pub fn send(&mut self, body: &[u8]) -> bool {
        let sum = format!("#{:02x}", checksum(body));
        let packet = [b"$", body, sum.as_bytes()].concat();
        self.stream.write_all(&packet).is_ok()
    }

    /// The next packet's body; `None` if the server has closed the connection. A server that says nothing fails the test.
    pub fn receive(&mut self) -> Option<String> {
        let mut chunk = [0; 65536];
        loop {
            let end = self.buf.iter().position(|b| *b == b'#');
            if let Some(end) = end.filter(|end| self.buf.len() >= end + 3) {
                let start = self.buf.iter().position(|b| *b == b'$').unwrap() + 1;
                let body = String::from_utf8_lossy(&self.buf[start..end]).into_owned();
                self.buf.drain(..end + 3);
                return Some(body);
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(n) => self.buf.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(e) => panic!("the server does not answer: {e}"),
            }
        }
    }

    /// Sends a packet and returns the next one that comes.
    pub fn ask(&mut self, body: &[u8]) -> Option<String> {
        self.send(body);
        self.receive()
    }
}
