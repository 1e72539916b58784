//! A client of the remote protocol, and a guest for it.
#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use emu_stub::framing::checksum;

/// Longest wait for anything: generous, since a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A guest that waits for a debugger at a unix socket, in an empty folder.
pub struct Guest {
    pub emu: Child,
    pub folder: PathBuf,
    socket: PathBuf,
}

/// The path of a guest program of this project.
pub fn program(isa: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/guests/bin").join(isa).join(name)
}

impl Guest {
    /// `name` tells the guests of one test program apart; `options` are for `emu`.
    pub fn start(name: &str, options: &[&str], program: &Path, arguments: &[&str]) -> Guest {
        Guest::start_with_input(name, options, program, arguments, Stdio::null())
    }

    /// Likewise, with that standard input.
    pub fn start_with_input(
        name: &str,
        options: &[&str],
        program: &Path,
        arguments: &[&str],
        input: Stdio,
    ) -> Guest {
        let name = format!("emu-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        let emu = Command::new(env!("CARGO_BIN_EXE_emu"))
            .args(options)
            .arg("-g")
            .arg(&socket)
            .arg(program)
            .args(arguments)
            .current_dir(&folder)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Guest {
            emu,
            folder,
            socket,
        }
    }

    pub fn connect(&self) -> Client {
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => break stream,
                Err(e) => assert!(Instant::now() < deadline, "no server: {e}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client {
            stream,
            buf: Vec::new(),
        };
        assert_eq!(client.ask("QStartNoAckMode"), "OK");
        client
    }

    /// Waits for the end; returns the status, what the guest wrote and what `emu` said.
    pub fn end(&mut self) -> (std::process::ExitStatus, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        let stdout = self.emu.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut out).unwrap();
        let stderr = self.emu.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut err).unwrap();
        (self.emu.wait().unwrap(), out, err)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.emu.kill();
        let _ = self.emu.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A debugger.
pub struct Client {
    stream: UnixStream,
    buf: Vec<u8>,
}

impl Client {
    /// Says what gdb says of itself.
    pub fn like_gdb(mut self) -> Client {
        let features = "qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;fork-events+;vfork-events+;exec-events+;QThreadEvents+";
        let reply = self.ask(features);
        assert!(reply.contains("multiprocess+"), "{reply}");
        self
    }

    pub fn send(&mut self, body: &str) {
        let packet = format!("${body}#{:02x}", checksum(body.as_bytes()));
        self.stream.write_all(packet.as_bytes()).unwrap();
    }

    /// Asks a running guest to stop.
    pub fn interrupt(&mut self) {
        self.stream.write_all(b"\x03").unwrap();
    }

    /// The next packet's body, its escapes undone.
    pub fn receive(&mut self) -> String {
        let mut chunk = [0; 65536];
        loop {
            let end = self.buf.iter().position(|b| *b == b'#');
            if let Some(end) = end.filter(|end| self.buf.len() >= end + 3) {
                let start = self.buf.iter().position(|b| *b == b'$').unwrap() + 1;
                let mut body = Vec::new();
                let mut bytes = self.buf[start..end].iter();
                while let Some(&b) = bytes.next() {
                    body.push(if b == b'}' {
                        bytes.next().unwrap() ^ 0x20
                    } else {
                        b
                    });
                }
                self.buf.drain(..end + 3);
                // Each byte a character: replies are binary.
                return body.into_iter().map(char::from).collect();
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => panic!("the server closed the connection"),
                Ok(n) => self.buf.extend_from_slice(&chunk[..n]),
                Err(e) => panic!("the server does not answer: {e}"),
            }
        }
    }

    pub fn ask(&mut self, body: &str) -> String {
        self.send(body);
        self.receive()
    }

    /// Sends a command that must be accepted.
    pub fn tell(&mut self, body: &str) {
        assert_eq!(self.ask(body), "OK", "{body}");
    }

    /// Sends a request of characters that are bytes, which must have that answer.
    pub fn tell_binary(&mut self, body: &str, answer: &str) {
        let bytes: Vec<u8> = body.chars().map(|c| c as u8).collect();
        let sum = format!("#{:02x}", checksum(&bytes));
        let packet = [b"$", &bytes[..], sum.as_bytes()].concat();
        self.stream.write_all(&packet).unwrap();
        assert_eq!(self.receive(), answer);
    }

    /// Resumes; the next stop.
    pub fn resume(&mut self, body: &str) -> Stop {
        self.send(body);
        self.stop()
    }

    /// The next stop, which has been asked for.
    pub fn stop(&mut self) -> Stop {
        loop {
            let reply = self.receive();
            // Console output comes in between.
            if !reply.starts_with('O') || reply == "OK" {
                return Stop::parse(&reply);
            }
        }
    }

    /// A whole `qXfer` object.
    pub fn object(&mut self, object: &str, annex: &str) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let request = format!("qXfer:{object}:read:{annex}:{:x},400", all.len());
            let reply = self.ask(&request);
            let (more, part) = reply.split_at(1);
            all.extend(part.chars().map(|c| c as u8));
            match more {
                "l" => return all,
                "m" => {}
                _ => panic!("{request}: {reply}"),
            }
        }
    }

    /// A whole file as `vFile` has it, or the error number.
    pub fn file(&mut self, path: &str) -> Result<Vec<u8>, i32> {
        let opened = self.ask(&format!("vFile:open:{},0,0", hex(path.as_bytes())));
        let fd = match opened.strip_prefix('F').unwrap().split_once(',') {
            Some((_, error)) => return Err(i32::from_str_radix(error, 16).unwrap()),
            None => opened[1..].to_owned(),
        };
        let mut all = Vec::new();
        loop {
            let reply = self.ask(&format!("vFile:pread:{fd},800,{:x}", all.len()));
            let (_, part) = reply.split_once(';').unwrap_or_else(|| panic!("{reply}"));
            if part.is_empty() {
                break;
            }
            all.extend(part.chars().map(|c| c as u8));
        }
        assert_eq!(self.ask(&format!("vFile:close:{fd}")), "F0");
        Ok(all)
    }
}

/// A stop reply.
#[derive(Debug)]
pub struct Stop {
    /// `T`, `W`, `X`, `w`, `E`.
    pub kind: char,
    /// The two digits after it.
    pub number: u8,
    pub fields: BTreeMap<String, String>,
    pub text: String,
}

impl Stop {
    fn parse(text: &str) -> Stop {
        let kind = text.chars().next().expect("not empty");
        let number = text.get(1..3).and_then(|n| u8::from_str_radix(n, 16).ok());
        let fields = text.get(3..).unwrap_or_default().split(';');
        let fields = fields.filter_map(|f| f.split_once(':'));
        Stop {
            kind,
            number: number.unwrap_or_else(|| panic!("no stop reply: {text}")),
            fields: fields.map(|(k, v)| (k.into(), v.into())).collect(),
            text: text.into(),
        }
    }

    /// A field's value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}
