//! An inferior in another process, of which here only the connection is real: the scripted inferior serves it from a thread.

mod mock;

use emu_stub::*;
use mock::{CODE, DATA, Mock, PC, PID, insn};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

fn wait_for(inferior: &mut dyn Inferior) -> Stop {
    loop {
        if let Some(stop) = inferior.take_stop() {
            return stop;
        }
        assert!(inferior.stop_fd().is_some(), "the connection is gone");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Starts a mock in a thread for each process, which is a real one that does nothing.
struct Mocks {
    code: Vec<u32>,
    started: Sender<(StartArguments, Ended)>,
}

impl Launch for Mocks {
    fn launch(&mut self, _: Option<PathBuf>, arguments: &StartArguments) -> io::Result<Link> {
        let (stream, theirs) = UnixStream::pair()?;
        let mut mock = Mock::with_code(&self.code);
        let (started, arguments) = (self.started.clone(), arguments.clone());
        std::thread::spawn(move || {
            let ended = proxy::serve(&mut mock, &theirs);
            let _ = started.send((arguments, ended));
        });
        let child = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Link { child, stream })
    }

    fn arguments(&self) -> Vec<Vec<u8>> {
        vec![b"one".to_vec()]
    }
}

fn start(code: &[u32]) -> (Proxy, Receiver<(StartArguments, Ended)>) {
    let (started, ends) = channel();
    let launch = Mocks {
        code: code.to_vec(),
        started,
    };
    let proxy = Proxy::start(Box::new(launch)).expect("a mock");
    (proxy, ends)
}

fn pc(inferior: &mut Proxy) -> u64 {
    let mut bytes = [0; 8];
    inferior.read_register(PID, PC, &mut bytes).unwrap();
    u64::from_le_bytes(bytes)
}

fn go(inferior: &mut Proxy) -> Stop {
    let plan = ResumePlan {
        threads: Vec::new(),
        others: Some(Resume::Continue { signal: None }),
        process: None,
    };
    inferior.resume(plan).unwrap();
    assert_eq!(inferior.state(), State::Running);
    wait_for(inferior)
}

#[test]
fn what_is_asked_is_what_the_inferior_says() {
    let (mut proxy, _ends) = start(&[insn::ADD_X0_1; 16]);
    let mut mock = Mock::with_code(&[insn::ADD_X0_1; 16]);
    let (theirs, ours) = (mock.target(), proxy.target());
    assert_eq!(format!("{theirs:?}"), format!("{ours:?}"));
    // This one was started, and so can be again.
    let restart = true;
    let can = Capabilities {
        restart,
        ..mock.capabilities()
    };
    assert_eq!(can, proxy.capabilities());
    assert_eq!(mock.state(), proxy.state());
    assert_eq!(mock.threads(), proxy.threads());
    for signal in 1..70 {
        assert_eq!(mock.gdb_signal(signal), proxy.gdb_signal(signal));
    }
    for gdb in 0..=255 {
        assert_eq!(mock.guest_signal(gdb), proxy.guest_signal(gdb));
    }
    // Memory, up to a hole and in it.
    let end = CODE + mock::PAGE;
    for (addr, len) in [(CODE, 8), (end - 4, 16), (end, 1), (DATA + 4090, 12)] {
        let mut a = vec![0xee; len];
        let mut b = a.clone();
        assert_eq!(
            mock.read_memory(addr, &mut a),
            proxy.read_memory(addr, &mut b),
            "{addr:#x}"
        );
        assert_eq!(a, b);
    }
    // Errors keep their kind and text.
    let mut buf = [0; 8];
    assert_eq!(
        proxy.read_register(7777, 0, &mut buf),
        mock.read_register(7777, 0, &mut buf)
    );
    assert_eq!(proxy.statistics(), mock.statistics());
}

#[test]
fn what_is_known_of_a_stop_is_forgotten_when_it_changes() {
    let (mut proxy, _ends) = start(&[insn::ADD_X0_1; 16]);
    let mut word = [0; 4];
    proxy.read_memory(DATA, &mut word).unwrap();
    proxy.write_memory(DATA, &[1, 2, 3, 4]).unwrap();
    proxy.read_memory(DATA, &mut word).unwrap();
    assert_eq!(word, [1, 2, 3, 4]);
    assert_eq!(pc(&mut proxy), CODE);
    let breakpoint = Breakpoint {
        addr: CODE + 16,
        hardware: false,
        kind: 4,
        conditions: Vec::new(),
    };
    proxy.insert_breakpoint(breakpoint).unwrap();
    let stop = go(&mut proxy);
    assert_eq!(stop.reason, StopReason::Breakpoint { hardware: false });
    assert_eq!(proxy.state(), State::Stopped(stop));
    assert_eq!(pc(&mut proxy), CODE + 16);
    proxy
        .write_register(PID, PC, &(CODE + 4).to_le_bytes())
        .unwrap();
    assert_eq!(pc(&mut proxy), CODE + 4);
}

#[test]
fn it_is_interrupted_while_it_runs() {
    let (mut proxy, _ends) = start(&[insn::LOOP]);
    let plan = ResumePlan {
        threads: Vec::new(),
        others: Some(Resume::Continue { signal: None }),
        process: None,
    };
    proxy.resume(plan).unwrap();
    assert!(proxy.take_stop().is_none());
    proxy.interrupt().unwrap();
    assert_eq!(wait_for(&mut proxy).reason, StopReason::Interrupted);
}

#[test]
fn it_is_started_anew() {
    let (mut proxy, ends) = start(&[insn::ADD_X0_1, insn::SVC]);
    assert_eq!(proxy.arguments(), Ok(vec![b"one".to_vec()]));
    proxy.write_register(PID, 8, &93u64.to_le_bytes()).unwrap();
    assert_eq!(go(&mut proxy).reason, StopReason::Exited(1));
    let words = StartArguments::Shell("a 'b c'".into());
    proxy.restart(None, &words).unwrap();
    assert_eq!(
        ends.recv().unwrap(),
        (StartArguments::Same, Ended::Disconnected)
    );
    assert_eq!(pc(&mut proxy), CODE);
    proxy.kill().unwrap();
    assert_eq!(ends.recv().unwrap(), (words, Ended::Killed));
    assert!(matches!(proxy.state(), State::Stopped(stop) if stop.is_exit()));
    let mut buf = [0; 8];
    assert!(proxy.read_register(PID, PC, &mut buf).is_err());
    assert!(proxy.threads().is_empty());
    proxy.restart(None, &StartArguments::Same).unwrap();
    assert_eq!(pc(&mut proxy), CODE);
}

/// A process that says that it is there, and goes away.
struct Gone(&'static str);

impl Launch for Gone {
    fn launch(&mut self, _: Option<PathBuf>, _: &StartArguments) -> io::Result<Link> {
        let (stream, theirs) = UnixStream::pair()?;
        std::thread::spawn(move || {
            let mut mock = Mock::with_code(&[insn::NOP]);
            let copy = theirs.try_clone().unwrap();
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(100));
                copy.shutdown(std::net::Shutdown::Both)
            });
            proxy::serve(&mut mock, &theirs)
        });
        let child = Command::new("sh").args(["-c", self.0]).spawn()?;
        Ok(Link { child, stream })
    }

    fn arguments(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

#[test]
fn a_process_that_goes_away_is_told() {
    for (script, reason) in [
        ("exit 7", StopReason::Exited(7)),
        ("kill -KILL $$", StopReason::Terminated(9)),
        (
            "exec sleep 3",
            StopReason::Lost("it has executed another program"),
        ),
    ] {
        let mut proxy = Proxy::start(Box::new(Gone(script))).unwrap();
        assert_eq!(wait_for(&mut proxy).reason, reason);
        assert!(proxy.stop_fd().is_none());
        let nothing = ResumePlan {
            threads: Vec::new(),
            others: None,
            process: None,
        };
        assert!(proxy.resume(nothing).is_err());
    }
}

#[test]
fn a_process_that_never_begins_is_told() {
    struct Never;
    impl Launch for Never {
        fn launch(&mut self, _: Option<PathBuf>, _: &StartArguments) -> io::Result<Link> {
            let (stream, _) = UnixStream::pair()?;
            let child = Command::new("sh").args(["-c", "exit 126"]).spawn()?;
            Ok(Link { child, stream })
        }

        fn arguments(&self) -> Vec<Vec<u8>> {
            Vec::new()
        }
    }
    match Proxy::start(Box::new(Never)) {
        Err(Refused::Ended(status)) => assert_eq!(status.code(), Some(126)),
        _ => panic!("it has begun"),
    }
}
