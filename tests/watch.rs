//! Watchpoints, conditions and memory over the remote protocol, on `tests/guests/debug/watched.c`.

mod client;

use client::{Client, Guest, program};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const ISAS: [&str; 3] = ["aarch64", "mips", "mipsel"];
const ENGINES: [&str; 2] = ["jit", "interp"];

/// What the guest's symbols say.
fn symbols(isa: &str) -> BTreeMap<String, u64> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("tests/guests/bin").join(isa).join("watched");
    let bytes = std::fs::read(file).unwrap();
    let elf = goblin::elf::Elf::parse(&bytes).unwrap();
    elf.syms
        .iter()
        .filter_map(|s| Some((elf.strtab.get_at(s.st_name)?.to_string(), s.st_value)))
        .collect()
}

/// A debugger at the guest.
struct Session {
    guest: Guest,
    debugger: Client,
    isa: &'static str,
    symbols: BTreeMap<String, u64>,
}

/// A stop as the server told it.
#[derive(Debug)]
struct Stopped {
    text: String,
    pc: u64,
    tid: String,
    /// `watch`, `rwatch` or `awatch` and the address.
    watch: Option<(String, u64)>,
}

impl Session {
    fn start(isa: &'static str, engine: &str, name: &str) -> Session {
        let name = format!("watch-{name}-{isa}-{engine}");
        let guest = Guest::start(&name, &["--engine", engine], &program(isa, "watched"), &[]);
        Session::over(guest, isa)
    }

    fn over(guest: Guest, isa: &'static str) -> Session {
        let mut debugger = guest.connect();
        debugger.ask("qSupported:swbreak+;hwbreak+");
        Session {
            guest,
            debugger,
            isa,
            symbols: symbols(isa),
        }
    }

    fn addr(&self, symbol: &str) -> u64 {
        self.symbols[symbol]
    }

    fn ask(&mut self, body: &str) -> String {
        self.debugger.ask(body)
    }

    fn ok(&mut self, body: &str) {
        assert_eq!(self.ask(body), "OK", "{body}");
    }

    fn read(&mut self, addr: u64, len: usize) -> Vec<u8> {
        let hex = self.ask(&format!("m{addr:x},{len:x}"));
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    fn big(&self) -> bool {
        self.isa == "mips"
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        if self.big() {
            bytes.iter().fold(0, fold)
        } else {
            bytes.iter().rev().fold(0, fold)
        }
    }

    fn run(&mut self, how: &str) -> Stopped {
        let text = self.ask(how);
        self.stop(text)
    }

    /// What a stop reply says.
    fn stop(&self, text: String) -> Stopped {
        let field = |key: &str| {
            let fields = text.get(3..).unwrap_or("");
            fields
                .split(';')
                .find_map(|f| f.strip_prefix(key)?.strip_prefix(':'))
                .map(String::from)
        };
        let pc = field(if self.isa == "aarch64" { "20" } else { "25" });
        let pc = pc.map_or(0, |hex| {
            let bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            self.number(&bytes)
        });
        let watch = ["watch", "rwatch", "awatch"].into_iter().find_map(|key| {
            let addr = field(key)?;
            Some((key.to_string(), u64::from_str_radix(&addr, 16).unwrap()))
        });
        Stopped {
            pc,
            tid: field("thread").unwrap_or_default(),
            watch,
            text,
        }
    }

    /// Runs to a function.
    fn run_to(&mut self, function: &str) {
        let addr = self.addr(function);
        self.ok(&format!("Z0,{addr:x},4"));
        let stop = self.run("vCont;c");
        assert_eq!(stop.pc, addr, "{function}: {stop:?}");
        self.ok(&format!("z0,{addr:x},4"));
    }

    /// Runs on until the process has ended; returns what it printed.
    fn finish(mut self) -> String {
        let end = self.run("vCont;c");
        assert_eq!(end.text, "W00");
        // The server waits for the debugger to go, for a while.
        drop(self.debugger);
        let mut output = String::new();
        let mut pipe = self.guest.emu.stdout.take().unwrap();
        pipe.read_to_string(&mut output).unwrap();
        output
    }
}

/// What the guest prints when nobody looks.
fn expected_output(isa: &str) -> &'static str {
    match isa {
        "aarch64" => "area 18fc7e16ef381b5a\nmessage a message  parts oa\ntotal 30\n",
        "mips" => "area 78e270f9ad998231\nmessage a message  parts oa\ntotal 30\n",
        _ => "area 06e58976a0e71657\nmessage a message  parts oa\ntotal 30\n",
    }
}

/// A watchpoint as the packets have it: type (2 write, 3 read, 4 both), offset from the area, length.
type Watch = (u8, u64, u64);

/// An access of the guest by its label: address, whether it reads and writes, offset, length.
#[derive(Debug)]
struct Labelled {
    name: String,
    pc: u64,
    reads: bool,
    writes: bool,
    offset: u64,
    len: u64,
}

/// The accesses in the order in which the guest makes them.
fn labels(symbols: &BTreeMap<String, u64>) -> Vec<Labelled> {
    let mut list: Vec<Labelled> = symbols
        .iter()
        .filter_map(|(name, pc)| {
            let mut parts = name.splitn(4, '_');
            let kind = parts.next().filter(|k| matches!(*k, "r" | "w" | "b"))?;
            let offset = parts.next()?.parse().ok()?;
            let len = parts.next()?.parse().ok()?;
            parts.next()?;
            Some(Labelled {
                name: name.clone(),
                pc: *pc,
                reads: kind != "w",
                writes: kind != "r",
                offset,
                len,
            })
        })
        .collect();
    list.sort_by_key(|l| l.pc);
    assert!(list.len() > 25, "{list:?}");
    list
}

/// The offset of the first byte that an access and the watchpoints have in common.
fn first_watched(label: &Labelled, watches: &[Watch]) -> Option<u64> {
    let meets = |(kind, offset, len): &&Watch| {
        let kind = match kind {
            2 => label.writes,
            3 => label.reads,
            _ => true,
        };
        kind && *offset < label.offset + label.len && label.offset < *offset + *len
    };
    let watched = watches.iter().filter(meets);
    watched.map(|(_, o, _)| (*o).max(label.offset)).min()
}

/// Each access that meets the watchpoints stops once, at its instruction and before it is done; no other does.
fn accesses_stop(isa: &'static str, engine: &str, watches: &[Watch], name: &str) {
    let mut s = Session::start(isa, engine, name);
    s.run_to("make_accesses");
    let area = s.addr("area");
    for (kind, offset, len) in watches {
        s.ok(&format!("Z{kind},{:x},{len:x}", area + offset));
    }
    let done = s.addr("accesses_done");
    s.ok(&format!("Z0,{done:x},4"));
    let all = labels(&s.symbols);
    let wanted: Vec<(&Labelled, u64)> = all
        .iter()
        .filter_map(|l| Some((l, first_watched(l, watches)?)))
        .collect();
    let mut content: Vec<u8> = (0..64).collect();
    let mut before: Option<&Labelled> = None;
    let mut changes = 0;
    for (label, offset) in wanted {
        let stop = s.run("vCont;c");
        let why = format!("{isa} {engine} {watches:?} {}: {stop:x?}", label.name);
        assert_eq!(stop.pc, label.pc, "{why}");
        let (key, addr) = stop.watch.clone().expect(&why);
        assert_eq!(addr, area + offset, "{why}");
        if let [(kind, ..)] = watches {
            assert_eq!(key, ["watch", "rwatch", "awatch"][*kind as usize - 2]);
        }
        if watches == [(2, 0, 64)] {
            // Nothing but the write before this one has been done.
            let now = s.read(area, 64);
            for (i, (was, is)) in content.iter().zip(&now).enumerate() {
                let may =
                    before.is_some_and(|l| (l.offset..l.offset + l.len).contains(&(i as u64)));
                assert!(was == is || may, "{why} byte {i}");
            }
            changes += usize::from(content != now);
            content = now;
            before = Some(label);
        }
    }
    assert!(watches != [(2, 0, 64)] || changes > 5, "{changes}");
    let end = s.run("vCont;c");
    assert_eq!(
        (end.pc, &end.watch),
        (done, &None),
        "{isa} {engine} {watches:?} {end:?}"
    );
    for (kind, offset, len) in watches {
        s.ok(&format!("z{kind},{:x},{len:x}", area + offset));
    }
    s.ok(&format!("z0,{done:x},4"));
    assert_eq!(s.finish(), expected_output(isa));
}

fn each_access(engine: &str) {
    let every_third: Vec<Watch> = (0..64).step_by(3).map(|o| (4, o, 1)).collect();
    let mixed = [(2, 60, 4), (3, 5, 1), (2, 5, 1), (4, 24, 2)];
    let sets: [&[Watch]; 9] = [
        &[(2, 0, 64)],
        &[(3, 0, 64)],
        &[(4, 0, 64)],
        &[(2, 20, 1)],
        &[(3, 7, 1)],
        &[(3, 4, 1)],
        &[(4, 23, 3)],
        &every_third,
        &mixed,
    ];
    for isa in ISAS {
        for (n, watches) in sets.into_iter().enumerate() {
            accesses_stop(isa, engine, watches, &format!("access{n}"));
        }
    }
}

#[test]
fn each_access_stops_translated() {
    each_access("jit");
}

#[test]
fn each_access_stops_interpreted() {
    each_access("interp");
}

/// What a debugger does at a stop before the access: takes the watchpoint out, steps, puts it back.
#[test]
fn a_debugger_steps_over_the_access() {
    for isa in ISAS {
        for engine in ENGINES {
            let mut s = Session::start(isa, engine, "over");
            s.run_to("make_accesses");
            let watch = format!("2,{:x},4", s.addr("area") + 8);
            s.ok(&format!("Z{watch}"));
            let stop = s.run("vCont;c");
            assert!(stop.watch.is_some(), "{stop:?}");
            // It has been reported, so a resume does it, with the watchpoint in place as well.
            let again = s.run(&format!("vCont;s:{}", stop.tid));
            assert_ne!(again.pc, stop.pc, "{again:?}");
            assert_eq!(again.watch, None);
            let stop = s.run("vCont;c");
            assert!(stop.watch.is_some(), "{stop:?}");
            s.ok(&format!("z{watch}"));
            let step = s.run(&format!("vCont;s:{}", stop.tid));
            assert_eq!(step.watch, None, "{step:?}");
            assert_ne!(step.pc, stop.pc);
            assert_eq!(s.finish(), expected_output(isa));
        }
    }
}

/// Stops of the system calls for a watchpoint on `symbol + offset`: the addresses.
fn stops_in_calls(
    isa: &'static str,
    engine: &str,
    kind: u8,
    place: (&str, u64),
    len: u64,
) -> Vec<u64> {
    let mut s = Session::start(isa, engine, "calls");
    s.run_to("accesses_done");
    let addr = s.addr(place.0) + place.1;
    s.ok(&format!("Z{kind},{addr:x},{len:x}"));
    let done = s.addr("calls_done");
    s.ok(&format!("Z0,{done:x},4"));
    let sys = s.addr("sys");
    let mut found = Vec::new();
    loop {
        let stop = s.run("vCont;c");
        let Some((_, at)) = stop.watch else {
            assert_eq!(stop.pc, done, "{stop:?}");
            break;
        };
        // After the call: what it wrote is there.
        if (sys..sys + 100).contains(&stop.pc) {
            if (place.0, kind) == ("message", 2) {
                assert_eq!(s.read(s.addr("message"), 10), b"a message ");
            }
            found.push(at - s.addr(place.0));
        }
    }
    s.ok(&format!("z{kind},{addr:x},{len:x}"));
    s.ok(&format!("z0,{done:x},4"));
    assert_eq!(s.finish(), expected_output(isa));
    found
}

#[test]
fn system_calls_stop() {
    for isa in ISAS {
        let stops = |kind, place, len| stops_in_calls(isa, "jit", kind, place, len);
        // read() of 10 bytes
        assert_eq!(stops(2, ("message", 4), 2), [4]);
        assert_eq!(stops(2, ("message", 9), 4), [9]);
        assert_eq!(stops(4, ("message", 10), 4), [0u64; 0]);
        // write() of 4 bytes from there
        assert_eq!(stops(3, ("message", 3), 4), [3]);
        assert_eq!(stops(3, ("message", 4), 4), [0u64; 0]);
        // Both.
        assert_eq!(stops(4, ("message", 0), 1), [0, 0]);
        // readv() fills the second part.
        assert_eq!(stops(2, ("parts", 15), 1), [15]);
        // What a handler writes.
        assert_eq!(stops(2, ("times", 0), 4), [0]);
        assert_eq!(stops(3, ("times", 0), 4), [0u64; 0]);
    }
    assert_eq!(stops_in_calls("mips", "interp", 2, ("message", 4), 2), [4]);
}

/// A watchpoint that is set while a thread waits in the call that will write there.
#[test]
fn a_call_that_blocks_stops_when_it_returns() {
    for isa in ["aarch64", "mips"] {
        let guest = Guest::start_with_input(
            &format!("watch-blocked-{isa}"),
            &[],
            &program(isa, "watched"),
            &["wait"],
            Stdio::piped(),
        );
        let mut s = Session::over(guest, isa);
        s.debugger.send("vCont;c");
        // Until it waits in its call.
        let sys = s.addr("sys");
        loop {
            std::thread::sleep(Duration::from_millis(20));
            s.debugger.interrupt();
            let text = s.debugger.receive();
            let stop = s.stop(text);
            assert!(stop.text.starts_with("T02"), "{stop:?}");
            let inside = (sys..sys + 100).contains(&stop.pc);
            if inside {
                break;
            }
            s.debugger.send("vCont;c");
        }
        let at = s.addr("message");
        s.ok(&format!("Z2,{:x},1", at + 5));
        s.debugger.send("vCont;c");
        let mut input = s.guest.emu.stdin.take().unwrap();
        input.write_all(b"0123456789").unwrap();
        let text = s.debugger.receive();
        let stop = s.stop(text);
        assert_eq!(stop.watch, Some(("watch".into(), at + 5)), "{stop:?}");
        assert_eq!(s.read(at, 10), b"0123456789");
        s.ok(&format!("z2,{:x},1", at + 5));
        s.finish();
    }
}

/// The kernel clears a word when a thread ends (CLONE_CHILD_CLEARTID).
#[test]
fn the_end_of_a_thread_stops() {
    for isa in ["aarch64", "mips"] {
        let mut s = Session::start(isa, "jit", "end");
        s.run_to("calls_done");
        let word = s.addr("running");
        s.ok(&format!("Z2,{word:x},4"));
        let main = s.run("vCont;c");
        assert_eq!(main.watch, Some(("watch".into(), word)), "{main:?}");
        let worker = s.run("vCont;c");
        assert_eq!(worker.watch, Some(("watch".into(), word)), "{worker:?}");
        assert_ne!(worker.tid, main.tid);
        let range = s.addr("start_thread")..s.addr("start_thread") + 200;
        assert!(range.contains(&worker.pc), "{worker:?}");
        assert_eq!(s.read(word, 4), [0; 4]);
        s.ok(&format!("z2,{word:x},4"));
        assert_eq!(s.finish(), expected_output(isa));
    }
}

#[test]
fn every_thread_stops() {
    for isa in ISAS {
        for engine in ENGINES {
            let mut s = Session::start(isa, engine, "threads");
            s.run_to("calls_done");
            let watch = format!("2,{:x},4", s.addr("total"));
            s.ok(&format!("Z{watch}"));
            let done = s.addr("workers_done");
            s.ok(&format!("Z0,{done:x},4"));
            let (mut tids, mut count) = (BTreeSet::new(), 0);
            loop {
                let stop = s.run("vCont;c");
                if stop.watch.is_none() {
                    assert_eq!(stop.pc, done, "{stop:?}");
                    break;
                }
                tids.insert(stop.tid);
                count += 1;
            }
            // A store-conditional that fails is made once more.
            assert!(count >= 12, "{isa} {engine} {count}");
            assert_eq!(tids.len(), 3, "{isa} {engine}");
            s.ok(&format!("z{watch}"));
            s.ok(&format!("z0,{done:x},4"));
            assert_eq!(s.finish(), expected_output(isa));
        }
    }
}

/// Bytecode for: register == value.
fn register_is(register: u16, value: u8) -> String {
    format!("X7,26{register:04x}22{value:02x}13 27").replace(' ', "")
}

#[test]
fn conditions_choose_the_stops() {
    for isa in ISAS {
        for engine in ENGINES {
            let mut s = Session::start(isa, engine, "conditions");
            s.run_to("calls_done");
            let work = s.addr("work");
            let argument = if isa == "aarch64" { 0 } else { 4 };
            // Worker 2 of 3.
            s.ok(&format!("Z0,{work:x},4;{}", register_is(argument, 2)));
            let stop = s.run("vCont;c");
            assert!(stop.text.contains("swbreak:;"), "{stop:?}");
            assert_eq!(stop.pc, work);
            let value = s.ask(&format!("p{argument:x}"));
            let bytes: Vec<u8> = (0..value.len() / 2)
                .map(|i| u8::from_str_radix(&value[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            assert_eq!(s.number(&bytes), 2);
            // The debugger steps off the breakpoint.
            s.ok(&format!("z0,{work:x},4"));
            let step = s.run(&format!("vCont;s:{}", stop.tid));
            assert_ne!(step.pc, work);
            s.ok(&format!("Z0,{work:x},4;{}", register_is(argument, 9)));
            assert_eq!(s.finish(), expected_output(isa));
        }
    }
}

#[test]
fn of_several_conditions_one_is_enough() {
    for isa in ["aarch64", "mips"] {
        let argument = if isa == "aarch64" { 0 } else { 4 };
        let stops = |conditions: &[String]| {
            let mut s = Session::start(isa, "jit", "several");
            s.run_to("calls_done");
            let (work, done) = (s.addr("work"), s.addr("workers_done"));
            s.ok(&format!("Z0,{done:x},4"));
            let mut count = 0;
            loop {
                let all: String = conditions.iter().map(|c| format!(";{c}")).collect();
                s.ok(&format!("Z1,{work:x},4{all}"));
                let stop = s.run("vCont;c");
                if stop.pc == done {
                    return count;
                }
                assert!(stop.text.contains("hwbreak:;"), "{stop:?}");
                count += 1;
                s.ok(&format!("z1,{work:x},4"));
                s.run(&format!("vCont;s:{}", stop.tid));
            }
        };
        let is = |n| register_is(argument, n);
        assert_eq!(stops(&[]), 3);
        assert_eq!(stops(&[is(7)]), 0);
        assert_eq!(stops(&[is(7), is(3), is(1)]), 2);
        // Division by zero: whoever cannot tell stops.
        assert_eq!(stops(&[is(7), "X6,220122000527".into()]), 3);
    }
}

#[test]
fn memory_is_read_as_far_as_it_goes() {
    for isa in ["aarch64", "mips"] {
        let mut s = Session::start(isa, "jit", "memory");
        let region = |s: &mut Session, addr: u64| -> (u64, u64, bool, String) {
            let text = s.ask(&format!("qMemoryRegionInfo:{addr:x}"));
            let field = |key: &str| {
                let found = text.split(';').find_map(|f| f.strip_prefix(key));
                found.map(String::from)
            };
            let number = |key: &str| u64::from_str_radix(&field(key).unwrap(), 16).unwrap();
            let permissions = field("permissions:");
            (
                number("start:"),
                number("size:"),
                permissions.is_some(),
                permissions.unwrap_or_default(),
            )
        };
        // The last mapping before a hole.
        let (mut end, mut mapped) = (s.addr("area"), true);
        while mapped {
            let (start, size, is_mapped, _) = region(&mut s, end);
            (mapped, end) = (is_mapped, if is_mapped { start + size } else { end });
        }
        assert_eq!(s.read(end - 1, 1).len(), 1);
        assert_eq!(s.read(end - 3, 8).len(), 3, "up to the hole");
        assert_eq!(s.read(end - 4097, 100_000).len(), 4097);
        assert_eq!(s.ask(&format!("m{end:x},4")), "E0e");
        assert_eq!(s.ask(&format!("m{:x},4", u64::MAX)), "E0e");
        assert_eq!(s.ask("m0,1"), "E0e");
        // A write that does not fit changes nothing.
        let last = s.read(end - 2, 2);
        assert_eq!(s.ask(&format!("M{:x},4:01020304", end - 2)), "E0e");
        assert_eq!(s.read(end - 2, 2), last);

        // Three pages, of which the guest may not touch the middle one.
        let page = 4096;
        let at = u64::from_str_radix(&s.ask("_M3000,"), 16).unwrap();
        assert_eq!(region(&mut s, at).3, "");
        assert_eq!(s.read(at + page - 3, 6), [0; 6]);
        s.ok(&format!("M{:x},6:010203040506", at + page - 3));
        assert_eq!(s.read(at + page - 3, 6), [1, 2, 3, 4, 5, 6]);
        assert_eq!(
            region(&mut s, at).3,
            "",
            "the guest's rights are as they were"
        );
        assert_eq!(s.finish(), expected_output(isa));
    }
}

/// A debugger's write into code that has been translated, and that the guest may not write.
#[test]
fn writes_to_code_take_effect() {
    for isa in ISAS {
        for engine in ENGINES {
            let mut s = Session::start(isa, engine, "code");
            s.run_to("calls_done");
            let sys = s.addr("sys");
            let code = s.read(sys, 4);
            let trap = match isa {
                "aarch64" => "000020d4",
                "mips" => "0000000d",
                _ => "0d000000",
            };
            s.ok(&format!("M{sys:x},4:{trap}"));
            let stop = s.run("vCont;c");
            assert!(stop.text.starts_with("T05"), "{stop:?}");
            assert_eq!(stop.pc, sys);
            assert!(!stop.text.contains("swbreak"), "the guest's own: {stop:?}");
            let hex: String = code.iter().map(|b| format!("{b:02x}")).collect();
            s.ok(&format!("M{sys:x},4:{hex}"));
            assert_eq!(s.finish(), expected_output(isa));
        }
    }
}
