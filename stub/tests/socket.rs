//! The server over real sockets: connecting, stopping, leaving, and how fast it goes.

mod mock;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use emu_stub::*;
use mock::{Mock, PID, insn};

/// A client on a byte stream, without acknowledgements after the first packet.
struct Remote<S: Read + Write> {
    stream: S,
    buf: Vec<u8>,
}

impl<S: Read + Write> Remote<S> {
    fn new(stream: S) -> Remote<S> {
        let mut r = Remote {
            stream,
            buf: Vec::new(),
        };
        assert_eq!(r.ask(b"QStartNoAckMode"), b"OK");
        r
    }

    fn send(&mut self, body: &[u8]) {
        let sum = body.iter().fold(0u8, |a, b| a.wrapping_add(*b));
        let packet = [b"$", body, format!("#{sum:02x}").as_bytes()].concat();
        self.stream.write_all(&packet).unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut chunk = vec![0; 1 << 16];
        loop {
            if let Some(end) = self.buf.iter().position(|b| *b == b'#')
                && self.buf.len() >= end + 3
            {
                let start = self.buf.iter().position(|b| *b == b'$').unwrap() + 1;
                let body = self.buf[start..end].to_vec();
                self.buf.drain(..end + 3);
                return body;
            }
            let n = self.stream.read(&mut chunk).unwrap();
            assert_ne!(n, 0, "the server has gone");
            self.buf.extend_from_slice(&chunk[..n]);
        }
    }

    fn ask(&mut self, body: &[u8]) -> Vec<u8> {
        self.send(body);
        self.receive()
    }
}

/// Runs a server for a mock on a thread of its own; returns the endpoint, and how the sessions ended with the mock.
fn serve(
    endpoint: Endpoint,
    sessions: usize,
    make: impl FnOnce() -> Mock + Send + 'static,
) -> (Endpoint, std::thread::JoinHandle<(Vec<Ended>, bool)>) {
    let listener = Listener::bind(&endpoint).unwrap();
    let endpoint = listener.endpoint().unwrap();
    let thread = std::thread::spawn(move || {
        let mut mock = make();
        let ended = (0..sessions)
            .map(|_| Server::default().serve(&mut mock, listener.accept().unwrap()))
            .collect();
        (ended, mock.state() == State::Running)
    });
    (endpoint, thread)
}

fn local() -> Endpoint {
    Endpoint::parse("127.0.0.1:0").unwrap()
}

fn connect(endpoint: &Endpoint) -> TcpStream {
    let Endpoint::Tcp(addr) = endpoint else {
        unreachable!()
    };
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

#[test]
fn debuggers_come_and_go() {
    let (at, server) = serve(local(), 4, || Mock::with_code(&[insn::LOOP]));
    // The first one breaks off in the middle of a packet, while stopped.
    let mut first = Remote::new(connect(&at));
    first.stream.write_all(b"$m4000").unwrap();
    drop(first);
    // The second one breaks off while the guest runs.
    let mut second = Remote::new(connect(&at));
    assert!(second.ask(b"?").starts_with(b"T05"));
    assert_eq!(second.ask(b"qAttached:64"), b"0");
    second.send(b"c");
    std::thread::sleep(Duration::from_millis(20));
    drop(second);
    // The third one finds it stopped, interrupts it again, and detaches.
    let mut third = Remote::new(connect(&at));
    assert!(third.ask(b"?").starts_with(b"T02"));
    assert_eq!(third.ask(b"qAttached:64"), b"1");
    third.send(b"c");
    std::thread::sleep(Duration::from_millis(20));
    third.stream.write_all(b"\x03").unwrap();
    assert!(third.receive().starts_with(b"T02"));
    assert_eq!(third.ask(b"D"), b"OK");
    drop(third);
    let mut fourth = Remote::new(connect(&at));
    assert_eq!(fourth.ask(b"vKill;64"), b"OK");
    let (ended, running) = server.join().unwrap();
    use Ended::*;
    assert_eq!(ended, [Disconnected, Disconnected, Detached, Killed]);
    assert!(!running);
}

#[test]
fn the_last_reply_arrives_with_its_acknowledgement_unread() {
    // Acknowledgements on: the client's `+` for the exit comes when the server is about to close.
    for _ in 0..20 {
        let (at, server) = serve(local(), 1, || {
            let mut mock = Mock::with_code(&[insn::SVC]);
            mock.set(PID, 8, 93);
            mock.set(PID, 0, 7);
            mock
        });
        let mut stream = connect(&at);
        stream.write_all(b"$c#63++++").unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"+$W07#be".as_slice());
        drop(stream);
        assert_eq!(server.join().unwrap().0, [Ended::Exited]);
    }
}

#[test]
fn unix_sockets() {
    let path = std::env::temp_dir().join(format!("emu-stub-{}.socket", std::process::id()));
    let (at, server) = serve(Endpoint::Unix(path.clone()), 1, || {
        Mock::with_code(&[insn::NOP])
    });
    assert_eq!(at, Endpoint::Unix(path.clone()));
    let mut remote = Remote::new(UnixStream::connect(&path).unwrap());
    assert_eq!(remote.ask(b"p20"), b"0000400000000000");
    remote.send(b"k");
    assert_eq!(server.join().unwrap().0, [Ended::Killed]);
    assert!(!path.exists());
}

/// Prints what it measures; the bounds are far below it, so that only a blunder (a system call for each byte, Nagle's delay) fails.
#[test]
fn speed_over_loopback() {
    let (at, server) = serve(local(), 1, || {
        let mut code = vec![insn::NOP; 0x3fff];
        code.push(insn::UDF);
        let mut mock = Mock::with_code(&code);
        mock.memory
            .push((0x1000_0000, vec![0x5a; 8 << 20], Permissions::default(), ""));
        mock
    });
    let mut remote = Remote::new(connect(&at));

    const STEPS: u32 = 10_000;
    let start = Instant::now();
    for _ in 0..STEPS {
        assert!(remote.ask(b"vCont;s:64").starts_with(b"T05"));
    }
    let steps = f64::from(STEPS) / start.elapsed().as_secs_f64();

    assert_eq!(remote.ask(b"Z0,400000,4"), b"OK");
    let start = Instant::now();
    for _ in 0..2000 {
        assert_eq!(remote.ask(b"P20=f8ff3f0000000000"), b"OK");
    }
    let writes = 2000.0 / start.elapsed().as_secs_f64();

    let mut rate = |packet: &str, per_byte: usize| {
        let start = Instant::now();
        let mut total = 0;
        for i in 0..64 {
            let at = 0x1000_0000 + i * 0x1f000;
            let reply = remote.ask(format!("{packet}{at:x},1f000").as_bytes());
            assert_eq!(reply.len(), 0x1f000 * per_byte);
            total += reply.len() / per_byte;
        }
        total as f64 / start.elapsed().as_secs_f64() / 1e6
    };
    let (m, x) = (rate("m", 2), rate("x", 1));
    println!("{steps:.0} steps/s, {writes:.0} register writes/s, m {m:.0} MB/s, x {x:.0} MB/s");
    assert!(steps > 500.0 && writes > 500.0 && m > 5.0 && x > 5.0);
    remote.send(b"k");
    server.join().unwrap();
}
