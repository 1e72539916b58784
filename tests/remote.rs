//! The remote server over a live guest: debuggers that come and go, and packets that no debugger would send.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use emu_stub::framing::checksum;

/// A guest that waits for a debugger at a unix socket.
struct Guest {
    emu: Child,
    socket: PathBuf,
}

impl Guest {
    fn start(isa: &str, program: &str, name: &str) -> Guest {
        let socket = std::env::temp_dir().join(format!("emu-{}-{name}", std::process::id()));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let emu = Command::new(env!("CARGO_BIN_EXE_emu"))
            .arg("-g")
            .arg(&socket)
            .arg(root.join("tests/guests/bin").join(isa).join(program))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Guest { emu, socket }
    }

    fn connect(&self) -> Debugger {
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

struct Debugger {
    stream: UnixStream,
    buf: Vec<u8>,
}

impl Debugger {
    fn send(&mut self, body: &[u8]) -> bool {
        let sum = format!("#{:02x}", checksum(body));
        let packet = [b"$", body, sum.as_bytes()].concat();
        self.stream.write_all(&packet).is_ok()
    }

    /// The next packet's body; `None` if the server has closed the connection. A server that says nothing fails the test.
    fn receive(&mut self) -> Option<String> {
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

    fn ask(&mut self, body: &[u8]) -> Option<String> {
        self.send(body);
        self.receive()
    }
}

#[test]
fn a_debugger_comes_after_one_that_was_lost() {
    let mut guest = Guest::start("aarch64", "hello", "lost");
    let mut first = guest.connect();
    let stop = first.ask(b"?").unwrap();
    let pc = stop.split("20:").nth(1).unwrap()[..16].to_string();
    let pc = u64::from_str_radix(&pc, 16).unwrap().swap_bytes();
    // A breakpoint that nobody would know of: right behind the first instruction.
    assert_eq!(
        first.ask(format!("Z0,{:x},4", pc + 4).as_bytes()),
        Some("OK".into())
    );
    drop(first);
    let mut second = guest.connect();
    assert!(second.ask(b"?").unwrap().starts_with("T05"));
    assert_eq!(second.ask(b"vCont;c"), Some("W00".into()));
    assert!(guest.emu.wait().unwrap().success());
}

/// Sends mutated packets until `count` have been answered; a guest that ends on the way is started again.
fn pester(isa: &str, count: usize) {
    const SEEDS: &[&[u8]] = &[
        b"g",
        b"p20",
        b"P0=0011223344556677",
        b"m400000,40",
        b"x0,ffffffffffffffff",
        b"M400000,1:00",
        b"Z0,400004,4",
        b"z0,400004,4",
        b"Z0,ffffffffffffffff,4",
        b"vCont;s",
        b"vCont;c",
        b"vCont;r0,ffffffffffffffff",
        b"s0",
        b"Hg-1",
        b"T0",
        b"qfThreadInfo",
        b"qC",
        b"qXfer:auxv:read::0,1000",
        b"qXfer:exec-file:read::0,100",
        b"qMemoryRegionInfo:400000",
        b"_M1000,rw",
        b"_Mffffffffffffffff,rwx",
        b"_m1000",
        b"qCRC:400000,100",
        b"jThreadsInfo",
        b"qSearch:memory:400000;1000;abc",
        b"QPassSignals:e;10",
        b"qThreadStopInfo1",
        b"vFile:open:2f70726f632f73656c662f6d617073,0,0",
        b"vFile:pread:0,1000,0",
        b"QSaveRegisterState",
        b"QRestoreRegisterState:1",
    ];
    let mut rng = fastrand::Rng::with_seed(1);
    let mut sent = 0;
    while sent < count {
        let guest = Guest::start(isa, "hello", &format!("pester-{isa}-{sent}"));
        let mut debugger = guest.connect();
        'session: for _ in 0..300 {
            let mut body = SEEDS[rng.usize(..SEEDS.len())].to_vec();
            for _ in 0..rng.usize(..3) {
                let at = rng.usize(..body.len());
                match rng.u8(..3) {
                    0 => body[at] = rng.u8(..),
                    1 => body.insert(at, rng.u8(..)),
                    _ => body.truncate(at + 1),
                }
            }
            body.retain(|b| !matches!(b, b'#' | b'$'));
            // A signal may end the guest, and these do end the session.
            if matches!(body[..], [b'k' | b'D' | b'C' | b'S' | b'R', ..]) {
                continue;
            }
            sent += 1;
            debugger.send(&body);
            debugger.stream.write_all(b"\x03").ok();
            debugger.send(b"qEcho:alive");
            loop {
                match debugger.receive() {
                    Some(reply) if reply == "qEcho:alive" => break,
                    // The guest has come to its end, by whatever the packets made of it.
                    Some(reply) if reply.starts_with(['W', 'X']) => break 'session,
                    Some(_) => {}
                    None => panic!("{:?} ended the session", String::from_utf8_lossy(&body)),
                }
            }
        }
    }
}

#[test]
fn hostile_packets_over_aarch64() {
    pester("aarch64", 2000);
}

#[test]
fn hostile_packets_over_mips() {
    pester("mips", 2000);
}
