//! Following forks, vforks and programs over the remote protocol: who is debugged, who serves, and what becomes of the others.

mod debugger;

use debugger::{Debugger, Guest};
use std::time::{Duration, Instant};

/// Programs of Linux and of FreeBSD.
const EVERY: [&str; 5] = [
    "aarch64",
    "mips",
    "freebsd-aarch64",
    "freebsd-mips",
    "freebsd-mipsel",
];

/// A debugger that wants to hear of everything.
fn connect(guest: &Guest) -> Debugger {
    let mut debugger = guest.connect();
    let features = "multiprocess+;fork-events+;vfork-events+;exec-events+;swbreak+;error-message+";
    let ours = debugger.get(&format!("qSupported:{features}"));
    for feature in [
        "fork-events+",
        "vfork-events+",
        "vforkdone-events+",
        "exec-events+",
    ] {
        assert!(ours.split(';').any(|f| f == feature), "{ours}");
    }
    debugger
}

/// The process and the thread in a field of a stop reply such as `fork:p12.12;`.
fn ids<'s>(stop: &'s str, key: &str) -> (&'s str, &'s str) {
    let field = stop
        .split(';')
        .find_map(|f| f.strip_prefix(key)?.strip_prefix(":p"));
    let field = field.unwrap_or_else(|| panic!("no {key} in {stop}"));
    field.split_once('.').expect("process and thread")
}

/// The address of a function of the guest program.
fn function(isa: &str, name: &str) -> u64 {
    let path = format!("tests/guests/bin/{isa}/relatives");
    let bytes = std::fs::read(path).expect("checked in");
    let elf = goblin::elf::Elf::parse(&bytes).expect("an ELF file");
    let symbol = elf
        .syms
        .iter()
        .find(|s| elf.strtab.get_at(s.st_name) == Some(name));
    symbol.expect("a symbol").st_value
}

fn is_alive(pid: &str) -> bool {
    let pid = u32::from_str_radix(pid, 16).expect("a process id");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Waits until a process is gone, or is one that nobody has waited for.
fn await_end(pid: &str) {
    let deadline = Instant::now() + debugger::PATIENCE;
    while is_alive(pid) {
        assert!(Instant::now() < deadline, "process {pid} does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn at(isa: &str, stop: &str) -> u64 {
    debugger::pc(isa, stop).1
}

#[test]
fn the_debugger_stays_with_the_parent_and_its_next_program() {
    for isa in EVERY {
        let mut guest = Guest::start(isa, &["relatives"], &format!("parent-{isa}"));
        let mut debugger = connect(&guest);
        let forked = debugger.get("vCont;c");
        assert!(forked.starts_with("T05"), "{forked}");
        let (parent, thread) = ids(&forked, "thread");
        let (child, _) = ids(&forked, "fork");
        assert_ne!(parent, child);
        // Both are there, stopped, with memory of their own.
        let threads = debugger.threads();
        assert_eq!(threads.len(), 2, "{threads:?}");
        assert_eq!(debugger.get(&format!("Hgp{child}.{child}")), "OK");
        assert_eq!(
            debugger.get(&format!("T p{child}.{child}").replace(' ', "")),
            "OK"
        );
        assert!(
            debugger
                .get("qXfer:exec-file:read::0,fff")
                .ends_with("/relatives")
        );
        assert_eq!(debugger.get(&format!("D;{child}")), "OK");
        // The child prints; the parent, let go with it, comes to its vfork.
        let vforked = debugger.get(&format!("vCont;c:p{parent}.-1"));
        assert_eq!(guest.line(), "child 10");
        assert_eq!(guest.line(), "parent 300");
        let (child, _) = ids(&vforked, "vfork");
        assert_eq!(debugger.get(&format!("D;{child}")), "OK");
        let done = debugger.get(&format!("vCont;c:p{parent}.-1"));
        assert!(done.contains("vforkdone:"), "{done}");
        let executed = debugger.get("vCont;c");
        assert_eq!(guest.line(), "child 42");
        assert_eq!(guest.line(), "parent 2a00");
        let path = executed.split("exec:").nth(1).expect("an exec").split(';');
        let path = path.into_iter().next().expect("a path").as_bytes();
        let path: Vec<u8> = path
            .chunks(2)
            .map(|h| u8::from_str_radix(std::str::from_utf8(h).expect("hex"), 16).expect("hex"))
            .collect();
        assert!(path.ends_with(b"/relatives"), "{executed}");
        assert_eq!(ids(&executed, "thread"), (parent, thread));
        // Breakpoints are those of the new program.
        let in_child = function(isa, "in_child");
        assert_eq!(debugger.get(&format!("Z0,{in_child:x},4")), "OK");
        let stop = debugger.get("vCont;c");
        assert!(stop.contains("swbreak:"), "{stop}");
        assert_eq!(at(isa, &stop), in_child);
        assert_eq!(debugger.get(&format!("z0,{in_child:x},4")), "OK");
        assert_eq!(debugger.get("vCont;c"), format!("W2a;process:{parent}"));
        assert_eq!(guest.end().code(), Some(42));
    }
}

#[test]
fn the_session_moves_to_the_child_and_the_parent_runs_alone() {
    for isa in EVERY {
        let mut guest = Guest::start(isa, &["relatives"], &format!("child-{isa}"));
        let mut debugger = connect(&guest);
        let in_child = function(isa, "in_child");
        assert_eq!(debugger.get(&format!("Z0,{in_child:x},4")), "OK");
        let forked = debugger.get("vCont;c");
        let (parent, _) = ids(&forked, "thread");
        let (child, thread) = ids(&forked, "fork");
        assert_eq!(debugger.get(&format!("D;{parent}")), "OK");
        // At once: the request is already the child's to serve. It has the breakpoints that its memory would have elsewhere.
        let stop = debugger.get(&format!("vCont;c:p{child}.-1"));
        assert_eq!(ids(&stop, "thread"), (child, thread));
        assert_eq!(at(isa, &stop), in_child);
        assert_eq!(debugger.threads(), [format!("p{child}.{thread}")]);
        assert!(debugger.get("qXfer:auxv:read::0,100").len() > 64);
        // The parent waits for the child, and the debugger has nothing to do with that.
        assert!(is_alive(parent));
        assert!(debugger.get(&format!("D;{parent}")).starts_with('E'));
        assert_eq!(debugger.get(&format!("z0,{in_child:x},4")), "OK");
        assert_eq!(debugger.get("vCont;c"), format!("W03;process:{child}"));
        assert_eq!(guest.line(), "child 10");
        assert_eq!(guest.end().code(), Some(42));
    }
}

#[test]
fn a_program_that_the_child_of_a_vfork_executes_is_debugged() {
    for isa in EVERY {
        let mut guest = Guest::start(isa, &["relatives"], &format!("vfork-{isa}"));
        let mut debugger = connect(&guest);
        let forked = debugger.get("vCont;c");
        let (parent, _) = ids(&forked, "thread");
        let (child, _) = ids(&forked, "fork");
        assert_eq!(debugger.get(&format!("D;{child}")), "OK");
        let vforked = debugger.get(&format!("vCont;c:p{parent}.-1"));
        let (child, thread) = ids(&vforked, "vfork");
        // The child shares the memory, and is looked at like any other process.
        assert_eq!(debugger.get(&format!("Hgp{child}.{thread}")), "OK");
        assert!(!debugger.get("g").starts_with('E'));
        assert!(debugger.get("vCont;s:p1.1").starts_with('E'));
        let executed = debugger.get(&format!("vCont;c:p{child}.-1"));
        assert!(executed.contains("exec:"), "{executed}");
        assert_eq!(ids(&executed, "thread").0, child);
        assert_eq!(debugger.get(&format!("D;{parent}")), "OK");
        let in_child = function(isa, "in_child");
        assert_eq!(debugger.get(&format!("Z0,{in_child:x},4")), "OK");
        let stop = debugger.get(&format!("vCont;c:p{child}.-1"));
        assert_eq!(at(isa, &stop), in_child);
        assert_eq!(debugger.get(&format!("z0,{in_child:x},4")), "OK");
        assert_eq!(debugger.get("vCont;c"), format!("W2a;process:{child}"));
        await_end(parent);
        assert_eq!(guest.end().code(), Some(42));
    }
}

#[test]
fn both_stop_for_the_event_of_one_and_each_ends_by_itself() {
    for isa in EVERY {
        let mut guest = Guest::start(isa, &["relatives"], &format!("both-{isa}"));
        let mut debugger = connect(&guest);
        let forked = debugger.get("vCont;c");
        let (parent, _) = ids(&forked, "thread");
        let (child, _) = ids(&forked, "fork");
        let in_child = function(isa, "in_child");
        let in_parent = function(isa, "in_parent");
        for (pid, addr) in [(parent, in_parent), (child, in_child)] {
            assert_eq!(debugger.get(&format!("Hgp{pid}.{pid}")), "OK");
            assert_eq!(debugger.get(&format!("Z0,{addr:x},4")), "OK");
        }
        let stop = debugger.get("vCont;c");
        assert_eq!((ids(&stop, "thread").0, at(isa, &stop)), (child, in_child));
        // The parent waits in its call; an instruction of the child leaves it there.
        let stop = debugger.get(&format!("vCont;s:p{child}.{child}"));
        assert_eq!(
            (ids(&stop, "thread").0, at(isa, &stop)),
            (child, in_child + 4)
        );
        // The child ends, and the parent, whose wait that ends, stops at its breakpoint: one is told after the other.
        let mut seen = [debugger.get("vCont;c"), debugger.get("vCont;c")];
        seen.sort();
        assert!(seen[0].starts_with("T05"), "{seen:?}");
        assert_eq!(
            (ids(&seen[0], "thread").0, at(isa, &seen[0])),
            (parent, in_parent)
        );
        assert_eq!(seen[1], format!("W03;process:{child}"));
        assert_eq!(debugger.threads(), [format!("p{parent}.{parent}")]);
        assert_eq!(debugger.get(&format!("z0,{in_parent:x},4")), "OK");
        // Killing one does not end the other.
        let vforked = debugger.get("vCont;c");
        let (second, _) = ids(&vforked, "vfork");
        assert_eq!(debugger.get(&format!("vKill;{second}")), "OK");
        await_end(second);
        assert!(is_alive(parent));
        assert_eq!(debugger.get(&format!("vKill;{parent}")), "OK");
        assert_eq!(debugger.receive(), None);
        assert!(!guest.end().success());
    }
}

#[test]
fn an_undebugged_guest_can_be_debugged_after_its_execve() {
    for isa in EVERY {
        let mut guest =
            Guest::start_with(isa, &["relatives"], &format!("late-{isa}"), ",suspend=n");
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
        assert!(!guest.socket.exists(), "the socket's file is left");
    }
}

/// Whoever ends first: each end is told, whenever it came, and the session goes on until the last.
#[test]
fn every_end_of_a_family_is_told() {
    for isa in EVERY {
        for round in 0..5 {
            let name = format!("all-{round}-{isa}");
            let mut guest = Guest::start(isa, &["relatives", "all"], &name);
            let mut debugger = connect(&guest);
            let forked = debugger.get("vCont;c");
            let (parent, _) = ids(&forked, "thread");
            let (first, _) = ids(&forked, "fork");
            let forked = debugger.get("vCont;c");
            let mut told = Vec::new();
            let forked = match forked.strip_prefix("W05;process:") {
                // The first child was quicker.
                Some(pid) => {
                    assert_eq!(pid, first);
                    told.push(forked);
                    debugger.get("vCont;c")
                }
                None => forked,
            };
            let (second, _) = ids(&forked, "fork");
            let left = 3 - told.len();
            for n in 0..left {
                let end = debugger.get("vCont;c");
                told.push(end);
                if n + 1 == left {
                    break;
                }
                // Those of whom nothing was told are there, and can be asked about.
                let threads = debugger.threads();
                assert_eq!(threads.len(), left - n - 1, "{threads:?} {told:?}");
                for thread in threads {
                    assert_eq!(debugger.get(&format!("Hg{thread}")), "OK");
                    assert!(!debugger.get("g").is_empty());
                    assert_eq!(debugger.get(&format!("T{thread}")), "OK");
                }
            }
            told.sort();
            let expected = [("04", parent), ("05", first), ("06", second)];
            assert_eq!(
                told,
                expected.map(|(status, pid)| format!("W{status};process:{pid}"))
            );
            assert_eq!(debugger.receive(), None);
            assert_eq!(guest.end().code(), Some(4));
        }
    }
}

/// A process whose end is still to be told can be killed or let go instead.
#[test]
fn a_process_that_has_ended_can_be_killed_or_let_go() {
    for how in ["vKill", "D"] {
        let mut guest = Guest::start("aarch64", &["relatives", "all"], &format!("gone-{how}"));
        let mut debugger = connect(&guest);
        while !debugger.get("vCont;c").starts_with('W') {}
        for thread in debugger.threads() {
            let (pid, _) = thread[1..].split_once('.').expect("a process");
            // One that has not ended by then goes in the same way.
            assert_eq!(debugger.get(&format!("{how};{pid}")), "OK");
        }
        assert_eq!(debugger.receive(), None);
        guest.end();
    }
}

/// Three processes, each the child of the one before.
fn family(isa: &str, name: &str) -> (Guest, Debugger, [String; 3]) {
    let guest = Guest::start(isa, &["relatives", "line"], &format!("{name}-{isa}"));
    let mut debugger = connect(&guest);
    let forked = debugger.get("vCont;c");
    let (parent, child) = (ids(&forked, "thread").0, ids(&forked, "fork").0);
    let again = debugger.get("vCont;c");
    assert_eq!(ids(&again, "thread").0, child);
    let grandchild = ids(&again, "fork").0;
    let pids = [parent, child, grandchild].map(str::to_owned);
    (guest, debugger, pids)
}

#[test]
fn three_generations_are_debugged_at_once() {
    for isa in EVERY {
        let (mut guest, mut debugger, pids) = family(isa, "line");
        let mut threads = debugger.threads();
        threads.sort();
        let mut expected = pids.clone().map(|pid| format!("p{pid}.{pid}"));
        expected.sort();
        assert_eq!(threads, expected);
        let in_child = function(isa, "in_child");
        for pid in &pids {
            assert_eq!(debugger.get(&format!("Hgp{pid}.{pid}")), "OK");
            assert_eq!(debugger.get(&format!("Z0,{in_child:x},4")), "OK");
        }
        // From the last to the first, each comes to the breakpoint and ends.
        for (pid, status) in pids.iter().rev().zip([3, 2, 1]) {
            let stop = debugger.get("vCont;c");
            assert_eq!((ids(&stop, "thread").0, at(isa, &stop)), (&**pid, in_child));
            assert_eq!(debugger.get(&format!("z0,{in_child:x},4")), "OK");
            let ended = debugger.get(&format!("vCont;c:p{pid}.-1"));
            assert_eq!(ended, format!("W{status:02x};process:{pid}"));
            assert_eq!(guest.line(), format!("child {}", status * 2));
        }
        assert_eq!(debugger.receive(), None);
        assert_eq!(guest.end().code(), Some(1));
    }
}

#[test]
fn the_session_moves_on_to_a_grandchild() {
    for isa in EVERY {
        let guest = Guest::start(isa, &["relatives", "line"], &format!("down-{isa}"));
        let mut debugger = connect(&guest);
        let mut forked = debugger.get("vCont;c");
        let mut last = String::new();
        for _ in 0..2 {
            let (parent, child) = (ids(&forked, "thread").0, ids(&forked, "fork").0);
            assert_eq!(debugger.get(&format!("D;{parent}")), "OK");
            last = child.to_owned();
            assert_eq!(debugger.threads(), [format!("p{last}.{last}")]);
            let in_child = function(isa, "in_child");
            assert_eq!(debugger.get(&format!("Hgp{last}.{last}")), "OK");
            assert_eq!(debugger.get(&format!("Z0,{in_child:x},4")), "OK");
            forked = debugger.get(&format!("vCont;c:p{last}.-1"));
        }
        // The last one forks no more: it comes to the function.
        assert_eq!(ids(&forked, "thread").0, last);
        assert_eq!(at(isa, &forked), function(isa, "in_child"));
        let kill = debugger.get(&format!("vKill;{last}"));
        assert_eq!(kill, "OK");
        await_end(&last);
        let mut guest = guest;
        // The others, who were let go, have waited for it.
        assert_eq!(guest.line(), "child 4");
        assert_eq!(guest.line(), "child 2");
        assert_eq!(guest.end().code(), Some(1));
    }
}
