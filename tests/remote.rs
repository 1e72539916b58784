//! The remote server over a live guest: debuggers that come and go, and packets that no debugger would send.

mod debugger;

use debugger::Guest;
use std::io::Write;

#[test]
fn a_debugger_comes_after_one_that_was_lost() {
    let mut guest = Guest::start("aarch64", &["hello"], "lost");
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
        let guest = Guest::start(isa, &["hello"], &format!("pester-{isa}-{sent}"));
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
