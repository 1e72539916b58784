//! Random and mutated packets in every state: the server answers each, never ends by itself, and nothing changes in the guest
//! unless a valid write asked for it. Seeded; `EMU_FUZZ_PACKETS` sets how many (default 100,000), `EMU_FUZZ_SEED` another stream.

mod client;
mod corpus;
mod mock;

use client::{Client, bodies, frame};
use corpus::{Source, from_env, may_change};
use emu_stub::framing::PACKET_SIZE;
use emu_stub::*;
use mock::{Mock, PID, insn};

/// What must not change by itself.
fn fingerprint(mock: &Mock) -> (usize, usize, Vec<u8>, usize) {
    (
        mock.writes.len(),
        mock.register_writes,
        mock.siginfo.clone(),
        mock.memory.len(),
    )
}

/// Sends packets to sessions over fresh mocks that `make` gives, until there were `count`.
fn attack(count: u64, seed: u64, make: impl Fn() -> Mock) {
    let mut source = Source::new(seed);
    let mut sent = 0;
    while sent < count {
        let mut mock = make();
        let mut c = match source.rng.u8(..3) {
            0 => Client::gdb(&mut mock),
            1 => Client::lldb(&mut mock),
            _ => Client::new(&mut mock),
        };
        // A session has a bounded life, so that states far apart are seen as well.
        for _ in 0..2000 {
            let body = source.packet();
            let before = fingerprint(c.mock());
            let was_running = c.session.is_running();
            let mut got = c.raw_bytes(&frame(&body));
            sent += 1;
            let text = String::from_utf8_lossy(&body).into_owned();
            if c.ended.is_some() {
                assert!(may_change(&body), "{text:?} ended the session");
                bodies(&got);
                break;
            }
            if c.session.is_running() {
                got.extend(c.stop());
            }
            if c.ended.is_some() {
                bodies(&got);
                break;
            }
            if source.rng.u8(..16) == 0 {
                got.extend(c.raw_bytes(b"\x03"));
                got.extend(c.stop());
            }
            let replies = bodies(&got);
            // Silence is right for a resume that has not stopped, and for `R`.
            let silent = c.session.is_running() || was_running || body.starts_with(b"R");
            assert!(silent || !replies.is_empty(), "{text:?} was not answered");
            if !may_change(&body) && !was_running {
                assert_eq!(fingerprint(c.mock()), before, "{text:?} changed the guest");
            }
            assert_eq!(c.ask("qEcho:alive"), "qEcho:alive", "after {text:?}");
            if c.mock().memory.len() > 60 || c.mock().writes.len() > 10_000 {
                break;
            }
        }
    }
}

fn share(of: u64) -> u64 {
    from_env("EMU_FUZZ_PACKETS", 100_000) / of
}

fn seed(n: u64) -> u64 {
    from_env("EMU_FUZZ_SEED", 1) << 8 | n
}

#[test]
fn packets_while_stopped() {
    // Every instruction steps, nothing exits: most of the session is spent stopped.
    attack(share(3), seed(1), || Mock::with_code(&[insn::NOP; 4096]));
}

#[test]
fn packets_while_running() {
    attack(share(3), seed(2), || {
        let mut mock = Mock::with_code(&[insn::LOOP; 4096]);
        mock.script.clear();
        mock
    });
}

#[test]
fn packets_after_the_exit() {
    attack(share(3), seed(3), || {
        let mut mock = Mock::with_code(&[insn::UDF]);
        mock.report(Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::Exited(0),
        });
        mock.take_stop();
        mock
    });
}

#[test]
fn packets_to_an_inferior_that_does_not_run() {
    attack(share(10), seed(4), || {
        let mut mock = Mock::new(mock::mips_be());
        mock.capabilities = Capabilities::default();
        mock
    });
}

#[test]
fn noise_instead_of_packets() {
    let mut rng = fastrand::Rng::with_seed(seed(5));
    let mut mock = Mock::with_code(&[insn::NOP; 4096]);
    let mut c = Client::new(&mut mock);
    for _ in 0..share(20) {
        let mut noise: Vec<u8> = (0..rng.usize(..64))
            .map(|_| match rng.u8(..6) {
                0 => b'$',
                1 => b'#',
                2 => b"+-%\x03}"[rng.usize(..5)],
                _ => rng.u8(..),
            })
            .collect();
        // What might end the session in earnest is not noise.
        noise.retain(|b| !matches!(b, b'k' | b'D'));
        let end = c.session.receive(&noise);
        assert_eq!(end, None, "{noise:?}");
        c.session.stopped();
        c.session.sent();
    }
    // Ends whatever packet has been begun.
    c.session.receive(b"#00");
    c.session.sent();
    assert_eq!(c.ask("qEcho:alive"), "qEcho:alive");
    // A packet that never ends, and one that is too long.
    for _ in 0..100 {
        c.session.receive(&[b'$'; 100_000]);
        c.session.receive(&vec![b'a'; PACKET_SIZE / 10]);
    }
    c.session.receive(&vec![b'a'; PACKET_SIZE]);
    c.session.receive(b"#00");
    c.session.sent();
    assert_eq!(c.ask("qEcho:alive"), "qEcho:alive");
}
