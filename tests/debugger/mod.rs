//! A guest that waits for a debugger, and the debugger's side of the connection.
#![allow(dead_code)] // each test binary uses a part of it

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use emu_stub::framing::checksum;

/// How long anything may take that should not take long, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A guest with a server on a unix socket.
pub struct Guest {
    pub emu: Child,
    pub socket: PathBuf,
    pub stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Guest {
    /// Starts a program of `tests/guests` that waits for a debugger. `name` tells the sockets of a test binary apart.
    pub fn start(isa: &str, command: &[&str], name: &str) -> Guest {
        Guest::start_with(isa, command, name, "")
    }

    /// Likewise, with something behind the socket's path in `-g`.
    pub fn start_with(isa: &str, command: &[&str], name: &str, suffix: &str) -> Guest {
        let socket = std::env::temp_dir().join(format!("emu-{}-{name}", std::process::id()));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut endpoint = socket.clone().into_os_string();
        endpoint.push(suffix);
        let mut emu = Command::new(env!("CARGO_BIN_EXE_emu"));
        emu.arg("-g")
            .arg(endpoint)
            .arg(root.join("tests/guests/bin").join(isa).join(command[0]))
            .args(&command[1..]);
        Guest::spawn(emu, socket)
    }

    /// A core file that is served instead of a guest.
    pub fn of_core(core: &Path, name: &str) -> Guest {
        let socket = std::env::temp_dir().join(format!("emu-{}-{name}", std::process::id()));
        let mut emu = Command::new(env!("CARGO_BIN_EXE_emu"));
        emu.arg("-g").arg(&socket).arg("--core").arg(core);
        Guest::spawn(emu, socket)
    }

    fn spawn(mut emu: Command, socket: PathBuf) -> Guest {
        let mut emu = emu
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Guest {
            stdin: emu.stdin.take(),
            stdout: BufReader::new(emu.stdout.take().unwrap()),
            emu,
            socket,
        }
    }

    /// A debugger that has said nothing yet.
    pub fn connect_silently(&self) -> Debugger {
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => break stream,
                Err(e) => assert!(Instant::now() < deadline, "no server: {e}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Debugger {
            stream,
            buf: Vec::new(),
        }
    }

    /// A debugger without acknowledgements.
    pub fn connect(&self) -> Debugger {
        let mut debugger = self.connect_silently();
        assert_eq!(debugger.ask(b"QStartNoAckMode"), Some("OK".into()));
        debugger
    }

    /// The next line that the guest prints; "" at its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// How `emu` ended.
    pub fn end(&mut self) -> std::process::ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.emu.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the guest does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.emu.kill();
        let _ = self.emu.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

pub struct Debugger {
    pub stream: UnixStream,
    buf: Vec<u8>,
}

impl Debugger {
    pub fn send(&mut self, body: &[u8]) -> bool {
        let sum = format!("#{:02x}", checksum(body));
        let packet = [b"$", body, sum.as_bytes()].concat();
        self.stream.write_all(&packet).is_ok()
    }

    /// Ctrl-C.
    pub fn interrupt(&mut self) {
        self.stream.write_all(b"\x03").unwrap();
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

    pub fn ask(&mut self, body: &[u8]) -> Option<String> {
        self.send(body);
        self.receive()
    }

    /// As [`Debugger::ask`], where there has to be an answer.
    pub fn get(&mut self, body: &str) -> String {
        self.ask(body.as_bytes())
            .unwrap_or_else(|| panic!("{body} ended the session"))
    }

    /// Continues all threads.
    pub fn go(&mut self) {
        assert!(self.send(b"vCont;c"));
    }

    /// Interrupts the running guest; the stop reply.
    pub fn halt(&mut self) -> String {
        self.interrupt();
        let stop = self.receive().expect("a stop reply");
        assert!(stop.starts_with("T02"), "{stop}");
        stop
    }

    /// Whether nothing comes for that long.
    pub fn is_silent(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let result = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.buf.is_empty()
            && result.is_err_and(|e| {
                use std::io::ErrorKind::{TimedOut, WouldBlock};
                matches!(e.kind(), WouldBlock | TimedOut)
            })
    }

    /// The 32-bit word at an address.
    pub fn word(&mut self, isa: &str, addr: u64) -> u32 {
        let hex = self.get(&format!("m{addr:x},4"));
        let value = u32::from_str_radix(&hex, 16).expect("four bytes");
        if isa == "mips" {
            value
        } else {
            value.swap_bytes()
        }
    }

    /// Ids of the threads.
    pub fn threads(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        let mut packet = "qfThreadInfo";
        loop {
            let list = self.get(packet);
            if list == "l" {
                return ids;
            }
            ids.extend(list[1..].split(',').map(String::from));
            packet = "qsThreadInfo";
        }
    }
}

/// The PC's number and value in a stop reply: the first of the registers in it.
pub fn pc(isa: &str, stop: &str) -> (String, u64) {
    let field = stop[3..].split(';').next().unwrap();
    let (number, hex) = field.split_once(':').unwrap();
    let value = u64::from_str_radix(hex, 16).unwrap();
    let value = match isa {
        "mips" | "freebsd-mips" => value,
        "mipsel" | "freebsd-mipsel" => (value as u32).swap_bytes().into(),
        _ => value.swap_bytes(),
    };
    (number.into(), value)
}

/// A value in the field of a stop reply.
pub fn field<'s>(stop: &'s str, key: &str) -> Option<&'s str> {
    stop[3..]
        .split(';')
        .find_map(|f| f.strip_prefix(key)?.strip_prefix(':'))
}

/// A register's value as it stands in packets.
pub fn hex(isa: &str, value: u64) -> String {
    match isa {
        "mips" => format!("{:08x}", value as u32),
        "mipsel" => format!("{:08x}", (value as u32).swap_bytes()),
        _ => format!("{:016x}", value.swap_bytes()),
    }
}
