//! `cargo bench --bench watch`: what watchpoints and conditional breakpoints cost.
//!
//! - The slowdown of programs by watchpoints that are never hit: user and system time of the whole run, with and without them in
//!   turns.
//! - Hits a second: a debugger that continues from stop to stop over a unix socket.
//! - A breakpoint whose condition does not hold: CPU time of one visit, from the calls that the guest makes with
//!   and without it.

#[path = "../tests/client/mod.rs"]
mod client;

use client::{Client, Guest};
use std::path::Path;
use std::time::{Duration, Instant};

const GUESTS: [&str; 2] = ["aarch64", "mips"];

const KERNELS: [(&str, &str); 6] = [
    ("mix", "3000"),
    ("fib", "20"),
    ("qsort", "8"),
    ("matmul", "60"),
    ("strlen", "60000"),
    ("memcpy", "3000000"),
];

const ROUNDS: usize = 5;

/// Most that one visit to a breakpoint may take whose condition does not hold.
const CONDITION_LIMIT_NS: f64 = 1000.0;

fn program(guest: &str, name: &str) -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("benches/guests/bin").join(guest).join(name)
}

fn start(guest: &str, name: &str, args: &[&str]) -> (Guest, Client) {
    let guest = Guest::start("bench-watch", &[], &program(guest, name), args);
    let debugger = guest.connect();
    (guest, debugger)
}

fn ok(debugger: &mut Client, packet: &str) {
    debugger.tell(packet);
}

/// User and system time of all children that have been waited for.
fn children_cpu_time() -> f64 {
    // SAFETY: `rusage` is plain data for which zero bytes are a value, and the kernel writes only within it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Milliseconds that a kernel takes under a debugger with watchpoints of these types, `count` of each, apart from each other and
/// never hit.
fn run_kernel(guest: &str, kernel: (&str, &str), types: &[u8], count: u64) -> f64 {
    let before = children_cpu_time();
    let (mut emu, mut debugger) = start(guest, "kernels", &[kernel.0, kernel.1]);
    for kind in types {
        for _ in 0..count {
            // Memory that only the debugger knows of.
            let at = debugger.ask("_M1000,rw");
            ok(&mut debugger, &format!("Z{kind},{at},8"));
        }
    }
    let end = debugger.ask("vCont;c");
    assert!(end.starts_with('W'), "{end}");
    let _ = emu.emu.wait();
    (children_cpu_time() - before) * 1e3
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report_slowdown(guest: &str, kernel: (&str, &str)) {
    // None, one for writes, one for both, sixteen for both.
    let sets: [(&[u8], u64); 4] = [(&[], 0), (&[2], 1), (&[4], 1), (&[4], 16)];
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (times, (types, count)) in times.iter_mut().zip(sets) {
            times.push(run_kernel(guest, kernel, types, count));
        }
    }
    let [none, write, both, many] = times.map(|mut t| median(&mut t));
    println!(
        "{guest:<8} {:<8} {none:>9.1} ms   watch {:>5.2}   awatch {:>5.2}   16 awatch {:>5.2}",
        kernel.0,
        write / none,
        both / none,
        many / none
    );
}

fn address(guest: &str, symbol: &str) -> u64 {
    let bytes = std::fs::read(program(guest, "stops")).unwrap();
    let elf = goblin::elf::Elf::parse(&bytes).unwrap();
    let found = elf
        .syms
        .iter()
        .find(|s| elf.strtab.get_at(s.st_name) == Some(symbol));
    found.unwrap().st_value
}

fn report_hits(guest: &str) {
    let (_emu, mut debugger) = start(guest, "stops", &[]);
    ok(
        &mut debugger,
        &format!("Z2,{:x},4", address(guest, "calls")),
    );
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..2000 {
            let stop = debugger.ask("vCont;c");
            assert!(stop.contains("watch:"), "{stop}");
        }
        rates.push(2000.0 / start.elapsed().as_secs_f64());
    }
    println!("{guest:<8} watchpoint hits/s {:>10.0}", median(&mut rates));
}

/// CPU time in ns of one call of the guest's function, while the debugger has this breakpoint there.
fn time_of_call(guest: &str, breakpoint: Option<&str>) -> f64 {
    let (emu, mut debugger) = start(guest, "stops", &[]);
    let called = address(guest, "called");
    // Past the start.
    ok(&mut debugger, &format!("Z0,{called:x},4"));
    debugger.ask("vCont;c");
    ok(&mut debugger, &format!("z0,{called:x},4"));
    if let Some(conditions) = breakpoint {
        debugger.ask("vCont;s");
        ok(&mut debugger, &format!("Z0,{called:x},4;{conditions}"));
    }
    let count = |debugger: &mut Client| {
        let hex = debugger.ask(&format!("m{:x},4", address(guest, "calls")));
        let n = u32::from_str_radix(&hex, 16).unwrap();
        if guest == "mips" { n } else { n.swap_bytes() }
    };
    let before = (count(&mut debugger), cpu_ns(&emu));
    debugger.send("vCont;c");
    std::thread::sleep(Duration::from_millis(500));
    debugger.interrupt();
    let stop = debugger.receive();
    assert!(stop.starts_with("T02"), "{stop}");
    let calls = count(&mut debugger).wrapping_sub(before.0);
    (cpu_ns(&emu) - before.1) / f64::from(calls)
}

/// Time in ns that the guest's main thread has run.
fn cpu_ns(guest: &Guest) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/schedstat", guest.emu.id())).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Returns whether the limit is kept.
fn report_conditions(guest: &str) -> bool {
    // The first argument register, and a variable in memory, compared with a number that they never are.
    let register = if guest == "mips" { 29 } else { 31 };
    let memory = address(guest, "memory");
    let conditions = [
        ("$sp == 1", format!("X7,26{register:04x}22011327")),
        ("memory[0] == 9", format!("Xa,24{memory:08x}1722091327")),
    ];
    let mut kept = true;
    for (text, condition) in conditions {
        let mut visits: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let free = time_of_call(guest, None);
                time_of_call(guest, Some(&condition)) - free
            })
            .collect();
        let ns = median(&mut visits);
        kept &= ns <= CONDITION_LIMIT_NS;
        println!(
            "{guest:<8} condition {text:<15} false in {ns:>6.0} ns  limit {CONDITION_LIMIT_NS:.0} {}",
            if ns <= CONDITION_LIMIT_NS {
                "met"
            } else {
                "MISSED"
            }
        );
    }
    kept
}

fn main() {
    println!("emu    {}", env!("CARGO_BIN_EXE_emu"));
    println!(
        "CPU time of one run, median of {ROUNDS} interleaved rounds; factors by which watchpoints slow it down"
    );
    let mut kept = true;
    for guest in GUESTS {
        for kernel in KERNELS {
            report_slowdown(guest, kernel);
        }
        report_hits(guest);
        kept &= report_conditions(guest);
    }
    if !kept {
        std::process::exit(1);
    }
}
