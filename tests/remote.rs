//! The remote server over a live guest: packets that no debugger would send, while it is stopped, while it runs and after its end,
//! and over a core.
//! None ends the server, none makes it miss an answer, and what the guest computes stays as it is unless a valid write asked for
//! it. Seeded. `EMU_FUZZ_PACKETS` sets how many (default 60,000: an eighth of it goes to each ISA in each state), `EMU_FUZZ_SEED` another stream.

#[path = "../stub/tests/corpus/mod.rs"]
mod corpus;
mod debugger;

use corpus::{Source, from_env, may_change};
use debugger::{Debugger, Guest};
use std::time::{Duration, Instant};

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

/// How many packets are sent before it is seen whether the server still answers.
const BATCH: usize = 32;

/// What a packet may do here. Those that would write to files of this machine, or end the session or the guest in an orderly way,
/// are left out always.
#[derive(Clone, Copy, PartialEq)]
enum Harm {
    /// Change the guest, also end it.
    Any,
    /// Nothing more: the guest has ended.
    Over,
    /// Only look, and set what a debugger leaves behind (breakpoints, signals to pass).
    None,
}

impl Harm {
    fn allows(self, body: &[u8]) -> bool {
        let begins = |names: &[&[u8]]| names.iter().any(|name| body.starts_with(name));
        // A signal may end the guest, which is no news.
        let ends =
            matches!(body, [b'k' | b'D' | b'C' | b'S' | b'R', ..]) || begins(&[b"vKill", b"vRun"]);
        let writes_files = begins(&[b"vFile:unlink", b"vFile:pwrite"])
            || begins(&[b"vFile:open"]) && !body.ends_with(b",0,0")
            || begins(&[b"qRcmd"]) && body != b"qRcmd,68656c70";
        !ends && !writes_files && (self != Harm::None || !may_change(body))
    }
}

/// Packets about the addresses and threads of the guest that a debugger is connected to.
fn seeds(debugger: &mut Debugger) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut add = |text: String| seeds.push(text.into_bytes());
    let stop = debugger.get("?");
    let pc = stop[3..].split([':', ';']).nth(1).unwrap().to_owned();
    for thread in debugger.threads() {
        add(format!("vCont;s:{thread}"));
        add(format!("vCont;c:{thread}"));
        add(format!("vCont;r{pc},ffffffff:{thread};c"));
        add(format!("Hg{thread}"));
        add(format!("Hc{thread}"));
        add(format!("g;thread:{thread};"));
        add(format!("P1=0102030405060708;thread:{thread};"));
        add(format!("qThreadStopInfo{thread}"));
        add(format!("qXfer:siginfo:read:{thread}:0,80"));
    }
    add("Z0,400200,4".into());
    add("Z0,400200,4;X3,220127".into());
    add("Z2,410000,ffffffff".into());
    add("Z3,7fff0000,1000".into());
    add("qMemoryRegionInfo:400100".into());
    add("qCRC:400000,100".into());
    add("qXfer:auxv:read::0,ffffffff".into());
    add("vFile:open:2f70726f632f73656c662f6d617073,0,0".into());
    seeds
}

/// Sends packets and waits for the answer to a last one. Returns the stop replies in between; `None` if the session is over.
fn send_batch(
    debugger: &mut Debugger,
    source: &mut Source,
    harm: Harm,
    last: &[u8],
) -> Option<Vec<String>> {
    let mut bodies = Vec::new();
    while bodies.len() < BATCH {
        let body = source.packet();
        if harm.allows(&body) {
            bodies.push(body);
        }
    }
    let _tell = TellOnFailure(&bodies);
    let sent = bodies.iter().all(|body| debugger.send(body));
    let mut stops = Vec::new();
    if sent && debugger.send(last) && debugger.send(b"qEcho:alive") {
        loop {
            match debugger.receive() {
                Some(reply) if reply == "qEcho:alive" => return Some(stops),
                Some(reply) if reply.starts_with(['W', 'X']) && harm != Harm::Over => return None,
                Some(reply) if reply.starts_with('T') => stops.push(reply),
                Some(_) => {}
                None => break,
            }
        }
    }
    // The guest came to its end by what the packets made of it, and emu with it.
    assert!(harm == Harm::Any, "the session ended");
    None
}

/// Shows the packets that were sent when the test fails.
struct TellOnFailure<'a>(&'a [Vec<u8>]);

impl Drop for TellOnFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for body in self.0 {
                eprintln!("{:?}", String::from_utf8_lossy(body));
            }
        }
    }
}

/// Packets while the guest is stopped, which change nothing: it does its work when they are over.
fn pester_stopped(isa: &str, count: usize, seed: u64) {
    let mut source = Source::new(seed);
    let mut guest = Guest::start(isa, &["waits", "count"], &format!("stopped-{isa}"));
    let mut sent = 0;
    while sent < count {
        let mut debugger = guest.connect();
        source.seeds = seeds(&mut debugger);
        for _ in 0..100 {
            let stops = send_batch(&mut debugger, &mut source, Harm::None, b"qC");
            assert!(stops.is_some());
            sent += BATCH;
        }
    }
    // What was left behind goes with the debugger.
    let mut debugger = guest.connect();
    assert_eq!(debugger.get("vCont;c"), "W00");
    assert!(guest.line().starts_with("ready "));
    assert_eq!(guest.line(), "counted to 100000");
    assert!(guest.end().success());
}

/// Packets while a process and the child that it has forked are stopped: both do their work when they are over.
fn pester_forked(isa: &str, count: usize, seed: u64) {
    let mut source = Source::new(seed);
    let mut guest = Guest::start(isa, &["relatives"], &format!("forked-{isa}"));
    let mut debugger = guest.connect();
    debugger.get("qSupported:multiprocess+;fork-events+;vfork-events+;exec-events+");
    assert!(debugger.get("vCont;c").contains(";fork:p"));
    source.seeds = seeds(&mut debugger);
    let mut sent = 0;
    while sent < count {
        let stops = send_batch(&mut debugger, &mut source, Harm::None, b"qC");
        assert!(stops.is_some());
        sent += BATCH;
    }
    // By the numbers that lldb is shown, if a packet has made it one.
    let processes = debugger.threads();
    assert_eq!(processes.len(), 2);
    for process in &processes {
        let pid = process[1..].split('.').next().unwrap();
        assert_eq!(debugger.get(&format!("D;{pid}")), "OK");
    }
    for line in [
        "child 10",
        "parent 300",
        "child 42",
        "parent 2a00",
        "child 42",
    ] {
        assert_eq!(guest.line(), line);
    }
    assert_eq!(guest.end().code(), Some(42));
}

/// Packets while three threads run.
fn pester_running(isa: &str, count: usize, seed: u64) {
    let mut source = Source::new(seed);
    let mut guest = Guest::start(isa, &["waits", "read"], &format!("running-{isa}"));
    let mut sent = 0;
    while sent < count {
        let mut debugger = guest.connect();
        source.seeds = seeds(&mut debugger);
        debugger.go();
        for _ in 0..100 {
            // One of them may have been an interrupt; then it goes on.
            let stops = send_batch(&mut debugger, &mut source, Harm::None, b"vCont;c");
            assert!(stops.is_some());
            sent += BATCH;
        }
        // What was set while it was stopped in between may stop it here.
        debugger.interrupt();
        while debugger.get("?").starts_with('E') {}
    }
    let mut debugger = guest.connect();
    debugger.go();
    use std::io::Write;
    guest.stdin.take().unwrap().write_all(b"x").unwrap();
    let mut lines = String::new();
    loop {
        let line = guest.line();
        if line.is_empty() {
            break;
        }
        lines += &line;
    }
    assert!(
        lines.starts_with("ready ") && lines.contains("read 1 after "),
        "{lines}"
    );
    assert!(guest.end().success());
}

/// Packets after the guest's end, for as long as it waits for a debugger that stays.
fn pester_exited(isa: &str, count: usize, seed: u64) {
    let mut source = Source::new(seed);
    let start = Instant::now();
    let mut sent = 0;
    // A guest that has ended waits for the debugger for a few seconds only.
    while sent < count {
        let mut guest = Guest::start(isa, &["hello"], &format!("exited-{isa}"));
        let mut debugger = guest.connect();
        source.seeds = seeds(&mut debugger);
        assert_eq!(debugger.get("!"), "OK");
        assert_eq!(debugger.get("vCont;c"), "W00");
        let ended = Instant::now();
        while ended.elapsed() < Duration::from_secs(2) && sent < count {
            let stops = send_batch(&mut debugger, &mut source, Harm::Over, b"qC");
            assert!(stops.is_some());
            sent += BATCH;
        }
        assert_eq!(debugger.get("qEcho:x"), "qEcho:x");
        drop(debugger);
        assert!(guest.end().success());
    }
    assert!(start.elapsed() < Duration::from_secs(60) + Duration::from_micros(500 * count as u64));
}

/// Packets to a core: whatever they ask for, it stays as it is, and is served on.
fn pester_core(isa: &str, count: usize, seed: u64) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let core = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pestered-{isa}"));
    let crash = root.join("examples/bin").join(isa).join("crash");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_emu"))
        .arg("--core-file")
        .arg(&core)
        .arg(crash)
        .output()
        .unwrap();
    assert!(core.exists(), "{}", String::from_utf8_lossy(&run.stderr));
    let whole = std::fs::read(&core).unwrap();
    let guest = Guest::of_core(&core, &format!("core-{isa}"));
    let mut source = Source::new(seed);
    let mut before = None;
    let mut sent = 0;
    while sent < count {
        let mut debugger = guest.connect();
        source.seeds = seeds(&mut debugger);
        let state = state(&mut debugger);
        assert_eq!(before.get_or_insert(state.clone()), &state);
        for _ in 0..100 {
            // All that a debugger might order is refused, the end of the session apart.
            let Some(_) = send_batch(&mut debugger, &mut source, Harm::Over, b"qC") else {
                panic!("the session ended");
            };
            sent += BATCH;
        }
    }
    assert_eq!(before, Some(state(&mut guest.connect())));
    assert_eq!(std::fs::read(&core).unwrap(), whole);
}

/// The registers of each thread, and some memory.
fn state(debugger: &mut Debugger) -> Vec<String> {
    let stop = debugger.get("?");
    let mut state = vec![stop.clone()];
    for thread in debugger.threads() {
        assert_eq!(debugger.get(&format!("Hg{thread}")), "OK");
        state.push(debugger.get("g"));
    }
    state.push(debugger.get("m400000,1000"));
    state
}

/// Packets that may do anything to the guest: it may die, the server may not.
fn pester_wildly(isa: &str, count: usize, seed: u64) {
    let mut source = Source::new(seed);
    let mut sent = 0;
    while sent < count {
        let guest = Guest::start(isa, &["waits", "futex"], &format!("wild-{isa}"));
        let mut debugger = guest.connect();
        source.seeds = seeds(&mut debugger);
        for _ in 0..20 {
            let Some(_) = send_batch(&mut debugger, &mut source, Harm::Any, b"vCtrlC") else {
                break;
            };
            sent += BATCH;
        }
        sent += BATCH;
    }
}

fn share() -> usize {
    from_env("EMU_FUZZ_PACKETS", 60_000) as usize / 8
}

fn seed(n: u64) -> u64 {
    from_env("EMU_FUZZ_SEED", 1) << 8 | n
}

#[test]
fn hostile_packets_while_stopped() {
    pester_stopped("aarch64", share(), seed(11));
    pester_stopped("mips", share(), seed(12));
}

#[test]
fn hostile_packets_while_two_processes_are_stopped() {
    pester_forked("aarch64", share(), seed(21));
    pester_forked("mips", share(), seed(22));
}

#[test]
fn hostile_packets_while_running() {
    pester_running("aarch64", share(), seed(13));
    pester_running("mips", share(), seed(14));
}

#[test]
fn hostile_packets_after_the_end() {
    pester_exited("aarch64", share(), seed(15));
    pester_exited("mips", share(), seed(16));
}

#[test]
fn hostile_packets_over_a_core() {
    pester_core("aarch64", share(), seed(19));
    pester_core("mips", share(), seed(20));
}

#[test]
fn hostile_packets_that_change_the_guest() {
    pester_wildly("aarch64", share(), seed(17));
    pester_wildly("mips", share(), seed(18));
}

/// Reads at the ends of mappings, across them, in holes and in pages without permissions: as much as there is, as ptrace gives it.
#[test]
fn memory_is_read_as_far_as_it_goes() {
    for isa in ["aarch64", "mips"] {
        let guest = Guest::start(isa, &["waits", "count"], &format!("edges-{isa}"));
        let mut debugger = guest.connect();
        debugger.get("qSupported:multiprocess+");
        let mut field = |request: String, name: &str| {
            let reply = debugger.get(&request);
            let found = reply
                .split(';')
                .find_map(|f| f.strip_prefix(name))
                .map(str::to_owned);
            found.and_then(|f| u64::from_str_radix(f.trim_start_matches(':'), 16).ok())
        };
        // Each mapping ends where the next one begins, or at a hole.
        let mut regions = Vec::new();
        let mut addr = 0u64;
        loop {
            let request = format!("qMemoryRegionInfo:{addr:x}");
            let (start, size) = (field(request.clone(), "start"), field(request, "size"));
            let (Some(start), Some(size)) = (start, size) else {
                break;
            };
            regions.push((start, size));
            let Some(next) = start.checked_add(size) else {
                break;
            };
            if next >= 1 << 47 || isa == "mips" && next >= 1 << 32 {
                break;
            }
            addr = next;
        }
        let is_mapped = |debugger: &mut debugger::Debugger, addr: u64| {
            debugger
                .get(&format!("qMemoryRegionInfo:{addr:x}"))
                .contains("permissions:")
        };
        let mut ends = 0;
        for &(start, size) in &regions {
            let end = start + size;
            if !is_mapped(&mut debugger, start) {
                // A hole: no byte of it can be read, at its beginning, at its end, at an odd address.
                for at in [start, start + 1, end - 1] {
                    assert!(
                        debugger.get(&format!("m{at:x},1")).starts_with('E'),
                        "{isa} {at:x}"
                    );
                    assert!(
                        debugger.get(&format!("m{at:x},1000")).starts_with('E'),
                        "{isa} {at:x}"
                    );
                }
                continue;
            }
            assert_eq!(
                debugger.get(&format!("m{start:x},8")).len(),
                16,
                "{isa} {start:x}"
            );
            assert_eq!(
                debugger.get(&format!("m{:x},3", end - 3)).len(),
                6,
                "{isa} {end:x}"
            );
            let beyond = debugger.get(&format!("m{:x},10", end - 5));
            if is_mapped(&mut debugger, end) {
                assert_eq!(beyond.len(), 32, "{isa} {end:x}");
            } else {
                ends += 1;
                // The five bytes that are there.
                assert_eq!(beyond.len(), 10, "{isa} {end:x}");
                let binary = debugger.get(&format!("x{:x},10", end - 5));
                assert!(binary.len() >= 5, "{isa} {end:x} {binary}");
                // Written is all or nothing.
                let refused = debugger.get(&format!("M{:x},10:{}", end - 5, "aa".repeat(16)));
                assert!(refused.starts_with('E'), "{isa} {end:x} {refused}");
                assert_eq!(debugger.get(&format!("m{:x},10", end - 5)), beyond);
            }
        }
        assert!(ends >= 2, "{regions:x?}");
        // The last addresses there are.
        for request in [
            "mffffffffffffffff,1",
            "mffffffffffffffff,10",
            "mfffffffffffffff0,ffffffffffffffff",
        ] {
            assert!(debugger.get(request).starts_with('E'), "{isa} {request}");
        }
        // Pages that the guest itself may not touch: a debugger may, as with ptrace.
        let hidden = debugger.get("_M2000,");
        assert!(!hidden.starts_with('E') && !hidden.is_empty(), "{hidden}");
        let at = u64::from_str_radix(&hidden, 16).unwrap();
        let region = debugger.get(&format!("qMemoryRegionInfo:{at:x}"));
        assert!(!region.contains("permissions:r"), "{isa} {region}");
        assert_eq!(
            debugger.get(&format!("m{:x},4", at + 0xffe)),
            "00000000",
            "{isa}"
        );
        assert_eq!(
            debugger.get(&format!("M{:x},4:01020304", at + 0xffe)),
            "OK",
            "{isa}"
        );
        assert_eq!(
            debugger.get(&format!("m{:x},4", at + 0xffe)),
            "01020304",
            "{isa}"
        );
    }
}
