//! Stopping a guest at any time, letting it go on as if nothing had happened, and debuggers that come and go.

mod debugger;

use debugger::{Debugger, Guest, field, hex, pc};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

const BOTH: [&str; 2] = ["aarch64", "mips"];

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// The numbers that the guest prints behind "ready".
fn ready(guest: &mut Guest) -> Vec<u64> {
    let line = guest.line();
    let numbers = line.strip_prefix("ready ").expect(&line);
    numbers
        .split(' ')
        .map(|n| u64::from_str_radix(n, 16).unwrap())
        .collect()
}

/// Stops the guest and looks at all of its threads: none may run on. One of them counts.
fn halt_and_look(debugger: &mut Debugger, isa: &str, counter: u64, threads: usize) -> u32 {
    debugger.halt();
    look(debugger, isa, counter, threads)
}

fn look(debugger: &mut Debugger, isa: &str, counter: u64, threads: usize) -> u32 {
    let ids = debugger.threads();
    assert_eq!(ids.len(), threads, "{ids:?}");
    for id in ids {
        assert_eq!(debugger.get(&format!("Hg{id}")), "OK");
        let registers = debugger.get("g");
        assert!(registers.len() > 200, "thread {id}: {registers}");
    }
    let before = debugger.word(isa, counter);
    pause(30);
    assert_eq!(debugger.word(isa, counter), before, "a thread runs on");
    before
}

/// Interrupts a guest that waits in a system call, three times over half of the call's three seconds. Returns whether the call ended
/// before it would have if it had begun anew at the last resume, which a machine that is busy enough can spoil.
fn interrupt_call(isa: &str, call: &str) -> bool {
    let mut guest = Guest::start(isa, &["waits", call], &format!("{isa}-{call}"));
    let mut debugger = guest.connect();
    debugger.go();
    let counter = ready(&mut guest)[0];
    // The thread that connects, or the child.
    let threads = if call == "accept" { 4 } else { 3 };
    let mut counted = 0;
    let mut resumed = Instant::now();
    for _ in 0..3 {
        pause(400);
        debugger.interrupt();
        let stop = debugger.receive().unwrap();
        if stop == "W00" {
            return false;
        }
        assert!(stop.starts_with("T02"), "{stop}");
        let now = look(&mut debugger, isa, counter, threads);
        assert!(now != counted, "the counting thread did not go on");
        counted = now;
        debugger.go();
        resumed = Instant::now();
    }
    if call == "read" {
        assert!(debugger.is_silent(Duration::from_millis(100)));
        guest.stdin.take().unwrap().write_all(b"x").unwrap();
    }
    let line = guest.line();
    let in_time = resumed.elapsed() < Duration::from_secs(3);
    let result = match (call, isa) {
        ("read", _) => "1",
        ("futex", "mips") => "-145",
        ("futex", _) => "-110",
        ("wait", _) => "1792",
        _ => "0",
    };
    assert!(
        line.starts_with(&format!("{call} {result} after ")),
        "{line}"
    );
    assert_eq!(debugger.receive(), Some("W00".into()));
    assert!(guest.end().success());
    in_time
}

fn interrupt_calls(isa: &'static str) {
    let calls = [
        "read",
        "nanosleep",
        "futex",
        "poll",
        "epoll",
        "accept",
        "wait",
    ];
    let tests = calls.map(|call| {
        std::thread::spawn(move || {
            let in_time = (0..3).any(|_| interrupt_call(isa, call));
            assert!(in_time, "{call} began anew");
        })
    });
    for test in tests {
        test.join().unwrap();
    }
}

#[test]
fn interrupted_calls_go_on_as_if_nothing_had_happened_on_aarch64() {
    interrupt_calls("aarch64");
}

#[test]
fn interrupted_calls_go_on_as_if_nothing_had_happened_on_mips() {
    interrupt_calls("mips");
}

#[test]
fn threads_can_be_stepped_one_by_one() {
    for isa in BOTH {
        let mut guest = Guest::start(isa, &["waits", "read"], &format!("one-{isa}"));
        let mut debugger = guest.connect();
        debugger.go();
        let counter = ready(&mut guest)[0];
        pause(50);
        halt_and_look(&mut debugger, isa, counter, 3);
        let ids = debugger.threads();
        // Only the thread that counts is at different instructions; the others wait.
        let counting = &ids[1];
        let mut places = Vec::new();
        for _ in 0..20 {
            let stop = debugger.get(&format!("vCont;s:{counting}"));
            assert_eq!(field(&stop, "thread"), Some(counting.as_str()), "{stop}");
            places.push(pc(isa, &stop).1);
        }
        places.sort_unstable();
        places.dedup();
        assert!((3..8).contains(&places.len()), "{places:x?}");
        // The others go along, or stay, as the packet says.
        let before = debugger.word(isa, counter);
        assert!(debugger.send(format!("vCont;c:{}", ids[2]).as_bytes()));
        pause(50);
        debugger.halt();
        assert_eq!(debugger.word(isa, counter), before, "{isa}: it was to stay");
        for _ in 0..200 {
            let stop = debugger.get(&format!("vCont;s:{counting};c"));
            assert_eq!(field(&stop, "thread"), Some(counting.as_str()), "{stop}");
        }
        // A step of a thread that waits is over when its call is.
        let waiting = &ids[0];
        let at = debugger.get(&format!("Hg{waiting}")) + &debugger.get("g");
        assert!(debugger.send(format!("vCont;s:{waiting}").as_bytes()));
        assert!(debugger.is_silent(Duration::from_millis(50)));
        let input = guest.stdin.as_mut().unwrap();
        input.write_all(b"x").unwrap();
        let stop = debugger.receive().unwrap();
        assert!(stop.starts_with("T05"), "{stop}");
        assert_eq!(field(&stop, "thread"), Some(waiting.as_str()), "{stop}");
        let (number, after) = pc(isa, &stop);
        assert!(
            at.contains(&hex(isa, after - 4)),
            "{isa}: {number} {after:x}"
        );
        debugger.go();
        assert_eq!(debugger.receive(), Some("W00".into()));
    }
}

/// lldb lets threads go one by one, by name, when it passes a signal on: that holds back none that is born later, for which the
/// program may wait.
#[test]
fn threads_that_are_born_after_all_were_let_go_by_name_run() {
    let mut guest = Guest::start("freebsd-aarch64", &["crew"], "by-name");
    let mut debugger = guest.connect();
    let ids = debugger.threads();
    assert_eq!(ids.len(), 1);
    let stop = debugger.get(&format!("vCont;c:{}", ids[0]));
    assert_eq!(stop, "W00");
    assert_eq!(guest.line(), "total 10");
}

#[test]
fn a_breakpoint_in_a_loop_stops_a_thread_while_others_run() {
    for isa in BOTH {
        let mut guest = Guest::start(isa, &["waits", "read"], &format!("break-{isa}"));
        let mut debugger = guest.connect();
        debugger.go();
        let counter = ready(&mut guest)[0];
        pause(50);
        halt_and_look(&mut debugger, isa, counter, 3);
        let counting = debugger.threads()[1].clone();
        let stop = debugger.get(&format!("vCont;s:{counting}"));
        let place = pc(isa, &stop).1;
        assert_eq!(debugger.get(&format!("Z0,{place:x},4")), "OK");
        for _ in 0..300 {
            let stop = debugger.get(&format!("vCont;s:{counting};c"));
            assert!(pc(isa, &stop).1 != place);
            let stop = debugger.get("vCont;c");
            assert_eq!(pc(isa, &stop).1, place);
            assert_eq!(field(&stop, "thread"), Some(counting.as_str()));
        }
        // All of it in acknowledged packets as well.
        drop(debugger);
        let mut debugger = guest.connect_silently();
        for _ in 0..50 {
            let stop = debugger.get(&format!("vCont;s:{counting};c"));
            assert_eq!(field(&stop, "thread"), Some(counting.as_str()));
        }
    }
}

#[test]
fn a_range_step_stops_once_behind_the_range() {
    for isa in BOTH {
        let mut guest = Guest::start(isa, &["waits", "count"], &format!("range-{isa}"));
        let mut debugger = guest.connect();
        // The addresses come too late for this run.
        debugger.go();
        let [counter, function] = ready(&mut guest)[..] else {
            panic!("two numbers");
        };
        drop(guest);
        let mut guest = Guest::start(isa, &["waits", "count"], &format!("range-{isa}"));
        let mut debugger = guest.connect();
        assert_eq!(debugger.get(&format!("Z0,{function:x},4")), "OK");
        assert_eq!(pc(isa, &debugger.get("vCont;c")).1, function);
        assert_eq!(debugger.get(&format!("z0,{function:x},4")), "OK");
        let start = Instant::now();
        let range = format!("vCont;r{function:x},{:x}", function + 256);
        let stop = debugger.get(&range);
        let took = start.elapsed();
        let behind = pc(isa, &stop).1;
        assert!(stop.starts_with("T05"), "{stop}");
        assert!(!(function..function + 256).contains(&behind), "{stop}");
        assert_eq!(debugger.word(isa, counter), 100_000);
        // 600,000 instructions; a stop for each takes 20 s at best.
        assert!(took < Duration::from_secs(15), "{took:?}");
        assert_eq!(debugger.get("vCont;c"), "W00");
        assert_eq!(guest.line(), format!("ready {counter:x} {function:x}"));
        assert_eq!(guest.line(), "counted to 100000");
    }
}

#[test]
fn a_range_step_can_be_interrupted_and_stops_at_breakpoints() {
    for isa in BOTH {
        let mut guest = Guest::start(isa, &["waits", "read"], &format!("range2-{isa}"));
        let mut debugger = guest.connect();
        debugger.go();
        let counter = ready(&mut guest)[0];
        pause(50);
        halt_and_look(&mut debugger, isa, counter, 3);
        let counting = debugger.threads()[1].clone();
        let place = pc(isa, &debugger.get(&format!("vCont;s:{counting}"))).1;
        let range = format!("vCont;r{:x},{:x}:{counting};c", place - 64, place + 64);
        assert!(debugger.send(range.as_bytes()));
        assert!(debugger.is_silent(Duration::from_millis(100)));
        halt_and_look(&mut debugger, isa, counter, 3);
        assert_eq!(debugger.get(&format!("Z0,{place:x},4")), "OK");
        let mut stop = debugger.get(&range);
        // It may have stood there.
        if pc(isa, &stop).1 != place {
            stop = debugger.get(&range);
        }
        assert_eq!(pc(isa, &stop).1, place, "{stop}");
    }
}

#[test]
fn a_step_with_a_signal_stops_at_the_first_instruction_of_the_handler() {
    // gdb's number of SIGUSR1.
    const USR1: &str = "1e";
    for isa in BOTH {
        let mut guest = Guest::start(isa, &["waits", "signal"], &format!("signal-{isa}"));
        let mut debugger = guest.connect();
        debugger.go();
        let [_, handler] = ready(&mut guest)[..] else {
            panic!("two numbers");
        };
        // The debugger makes the signal up.
        debugger.halt();
        let stop = debugger.get(&format!("vCont;S{USR1}"));
        assert!(stop.starts_with("T05"), "{stop}");
        assert_eq!(pc(isa, &stop).1, handler);
        debugger.go();
        assert_eq!(debugger.receive(), Some("W00".into()));
        assert_eq!(guest.line(), "handled 1");

        // Somebody else sends it; the debugger is asked first.
        let mut guest = Guest::start(isa, &["waits", "signal"], &format!("signal2-{isa}"));
        let mut debugger = guest.connect();
        debugger.go();
        ready(&mut guest);
        pause(50);
        let kill = |guest: &Guest| {
            let pid = guest.emu.id() as i32;
            // SAFETY: sends a signal to a child that has not been waited for.
            assert_eq!(unsafe { libc::kill(pid, libc::SIGUSR1) }, 0);
        };
        kill(&guest);
        let stop = debugger.receive().unwrap();
        assert!(stop.starts_with(&format!("T{USR1}")), "{stop}");
        let at = pc(isa, &stop).1;
        // Dropped by a step without it.
        let stop = debugger.get("vCont;s");
        assert!(stop.starts_with("T05"), "{stop}");
        assert!(
            (1..64).contains(&pc(isa, &stop).1.abs_diff(at)),
            "{at:x} {stop}"
        );
        debugger.go();
        kill(&guest);
        assert!(debugger.receive().unwrap().starts_with(&format!("T{USR1}")));
        let stop = debugger.get(&format!("vCont;S{USR1}"));
        assert_eq!(pc(isa, &stop).1, handler);
        let stop = debugger.get("vCont;s");
        assert_eq!(pc(isa, &stop).1, handler + 4);
        assert_eq!(debugger.get("vCont;c"), "W00");
        assert_eq!(guest.line(), "handled 1");
    }
}

#[test]
fn the_signal_of_a_state_that_was_thrown_away_is_not_left_over() {
    for isa in BOTH {
        let mut guest = Guest::start(isa, &["hello"], &format!("void-{isa}"));
        let mut debugger = guest.connect();
        let (number, entry) = pc(isa, &debugger.get("?"));
        let set = |to: u64| format!("P{number}={}", hex(isa, to));
        // A call into the guest that goes wrong, and is given up.
        assert_eq!(debugger.get(&set(0x10)), "OK");
        let stop = debugger.get("vCont;c");
        assert!(stop.starts_with("T0b"), "{stop}");
        assert_eq!(debugger.get(&set(entry)), "OK");
        assert_eq!(debugger.get("D"), "OK");
        assert!(guest.end().success(), "{isa}");
        // One that nobody has thrown away kills.
        let mut guest = Guest::start(isa, &["hello"], &format!("void2-{isa}"));
        let mut debugger = guest.connect();
        assert_eq!(debugger.get(&set(0x10)), "OK");
        assert!(debugger.get("vCont;c").starts_with("T0b"));
        assert_eq!(debugger.get("D"), "OK");
        assert_eq!(guest.end().signal(), Some(libc::SIGSEGV), "{isa}");
    }
}

#[test]
fn a_debugger_comes_leaves_and_comes_again() {
    for isa in BOTH {
        // Runs at once, before anybody has come.
        let mut guest = Guest::start_with(
            isa,
            &["waits", "read"],
            &format!("attach-{isa}"),
            ",suspend=n",
        );
        let counter = ready(&mut guest)[0];
        pause(50);
        let mut counted = 0;
        for round in 0..3 {
            let mut debugger = guest.connect();
            let stop = debugger.get("?");
            assert!(stop.starts_with("T02"), "{stop}");
            assert_eq!(debugger.get("qAttached"), "1");
            let now = debugger.word(isa, counter);
            assert!(now != counted, "it ran while nobody was there");
            counted = now;
            // A breakpoint that is left behind must stop nobody.
            let counting = debugger.threads()[1].clone();
            let stop = debugger.get(&format!("vCont;s:{counting}"));
            let place = pc(isa, &stop).1;
            assert_eq!(debugger.get(&format!("Z0,{place:x},4")), "OK");
            if round == 1 {
                // Also while it runs.
                assert_eq!(debugger.get(&format!("z0,{place:x},4")), "OK");
                debugger.go();
                pause(30);
            }
            assert_eq!(debugger.get("D"), "OK");
            pause(30);
        }
        // The last one sees the end.
        let mut debugger = guest.connect();
        debugger.go();
        guest.stdin.take().unwrap().write_all(b"x").unwrap();
        assert!(guest.line().starts_with("read 1 after"));
        assert_eq!(debugger.receive(), Some("W00".into()));
        assert!(guest.end().success());
    }
}

#[test]
fn a_lost_connection_leaves_the_guest_as_it_was() {
    for isa in BOTH {
        let mut guest = Guest::start(isa, &["waits", "read"], &format!("lost-{isa}"));
        let mut debugger = guest.connect();
        debugger.go();
        let counter = ready(&mut guest)[0];
        // Lost while it runs: it runs on.
        drop(debugger);
        pause(50);
        let mut debugger = guest.connect();
        let before = debugger.word(isa, counter);
        assert!(before > 0);
        // Lost while it is stopped, by way of a thread that served its own stop: it stays stopped.
        let counting = debugger.threads()[1].clone();
        for _ in 0..10 {
            debugger.get(&format!("vCont;s:{counting}"));
        }
        let before = debugger.word(isa, counter);
        drop(debugger);
        pause(100);
        let mut debugger = guest.connect();
        assert_eq!(debugger.word(isa, counter), before);
        assert!(debugger.get("?").starts_with("T05"));
        debugger.go();
        pause(30);
        guest.stdin.take().unwrap().write_all(b"x").unwrap();
        assert_eq!(debugger.receive(), Some("W00".into()));
        assert!(guest.end().success());
    }
}

#[test]
fn a_guest_can_be_killed_stopped_or_running() {
    for isa in BOTH {
        for running in [false, true] {
            let mut guest = Guest::start(isa, &["waits", "read"], &format!("kill-{isa}"));
            let mut debugger = guest.connect();
            for _ in 0..5 {
                debugger.get("vCont;s");
            }
            if running {
                debugger.go();
                ready(&mut guest);
            }
            debugger.send(b"k");
            assert_eq!(guest.end().signal(), Some(libc::SIGKILL), "{isa} {running}");
            assert!(!guest.socket.exists());
        }
        // By the signal, which the debugger is to learn of.
        let mut guest = Guest::start(isa, &["hello"], &format!("kill9-{isa}"));
        let mut debugger = guest.connect();
        assert_eq!(debugger.get("vCont;C09"), "X09");
        assert_eq!(guest.end().signal(), Some(libc::SIGKILL), "{isa}");
    }
}

/// Waits until the main thread has come to its stop before the first instruction.
fn until_signals_are_taken(guest: &Guest) {
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", guest.emu.id())).unwrap();
        let mask = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        let hangup = 1 << (libc::SIGHUP - 1);
        if mask("SigCgt:") & hangup != 0 && mask("SigBlk:") & hangup == 0 {
            return;
        }
        pause(5);
    }
}

#[test]
fn a_signal_that_asks_for_the_end_gets_it_while_the_guest_is_stopped() {
    let send = |guest: &Guest, signal: i32| {
        // SAFETY: sends a signal to a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(guest.emu.id() as i32, signal) }, 0);
    };
    // Who starts the tests may ignore Ctrl-C (a shell's background) or hanging up (nohup), which emu and its guest would then inherit.
    for signal in [libc::SIGINT, libc::SIGHUP, libc::SIGTERM] {
        // SAFETY: no handler.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    for isa in BOTH {
        let start = |name: &str| Guest::start(isa, &["waits", "signal"], &format!("{name}-{isa}"));
        // Before a debugger came: also Ctrl-C.
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            let mut guest = start("alone");
            until_signals_are_taken(&guest);
            send(&guest, signal);
            assert_eq!(guest.end().signal(), Some(signal), "{isa}");
        }
        // With one: Ctrl-C at the emulator's terminal is for the guest, and the debugger is asked.
        let mut guest = start("term");
        let mut debugger = guest.connect();
        debugger.get("vCont;s");
        send(&guest, libc::SIGINT);
        debugger.go();
        assert!(debugger.receive().unwrap().starts_with("T02"), "{isa}");
        // At a stop for one signal, with another one waiting.
        send(&guest, libc::SIGINT);
        send(&guest, libc::SIGTERM);
        assert_eq!(debugger.receive(), None, "{isa}");
        assert_eq!(guest.end().signal(), Some(libc::SIGTERM), "{isa}");
        // A program that runs is asked, as is its debugger.
        let mut guest = start("runs");
        let mut debugger = guest.connect();
        debugger.go();
        ready(&mut guest);
        send(&guest, libc::SIGTERM);
        let stop = debugger.receive().unwrap();
        assert!(stop.starts_with("T0f"), "{isa} {stop}");
        assert_eq!(debugger.get("vCont;C0f"), "X0f");
        assert_eq!(guest.end().signal(), Some(libc::SIGTERM), "{isa}");
    }
}

#[test]
fn a_jump_to_the_last_addresses_is_a_fault() {
    for isa in BOTH {
        for (n, to) in [-4i64 as u64, -4096i64 as u64].into_iter().enumerate() {
            let guest = Guest::start(isa, &["hello"], &format!("last-{isa}-{n}"));
            let mut debugger = guest.connect();
            let (number, _) = pc(isa, &debugger.get("?"));
            let set = format!("P{number}={}", hex(isa, to));
            assert_eq!(debugger.get(&set), "OK");
            let stop = debugger.get("vCont;c");
            // SIGSEGV; SIGBUS for the kernel's segment of MIPS.
            let right = stop.starts_with("T0b") || isa == "mips" && stop.starts_with("T0a");
            assert!(right, "{isa} {to:x}: {stop}");
        }
    }
}
