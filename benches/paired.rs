//! `cargo bench --bench paired`: `emu` against qemu-user, and both against the host, in one run.
//!
//! Rounds are interleaved (emu, qemu, native, emu, ...), so that a machine whose speed drifts treats all alike. Figures are
//! medians of user and system time of the child, from `getrusage`. qemu-user is the newest that Debian's archive offers,
//! unpacked by `tests/packages.sh`; without a network it is the installed one. Words after `--` pick rows by name.

mod common;

use common::{Qemu, guest_program, manifest_folder, median, time};
use goblin::elf::Elf;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A kernel of `benches/guests/kernels.c`, with the ratio to qemu-user that must be reached on each guest, where one is set.
struct Kernel {
    name: &'static str,
    /// The kernel's own repetitions.
    times: &'static str,
    /// Runs of the whole program in one measurement.
    runs: u32,
    goals: [Option<f64>; 2],
}

const GUESTS: [&str; 2] = ["aarch64", "mips"];

const KERNELS: [Kernel; 7] = [
    Kernel {
        name: "hello",
        times: "1",
        runs: 20,
        goals: [Some(3.0), Some(3.0)],
    },
    Kernel {
        name: "mix",
        times: "3000",
        runs: 1,
        goals: [Some(1.5), Some(1.3)],
    },
    Kernel {
        name: "fib",
        times: "20",
        runs: 1,
        goals: [Some(3.0), Some(2.5)],
    },
    Kernel {
        name: "qsort",
        times: "8",
        runs: 1,
        goals: [Some(3.0), Some(2.5)],
    },
    Kernel {
        name: "matmul",
        times: "60",
        runs: 1,
        goals: [Some(4.0), None],
    },
    Kernel {
        name: "strlen",
        times: "60000",
        runs: 1,
        goals: [Some(4.0), None],
    },
    Kernel {
        name: "memcpy",
        times: "3000000",
        runs: 1,
        goals: [Some(4.0), None],
    },
];

const ROUNDS: usize = 5;

fn main() {
    // Cargo adds --bench; what else stands there picks rows.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let want = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    let qemu = Qemu::find();
    let native = build_native();
    println!("emu    {}", env!("CARGO_BIN_EXE_emu"));
    println!("qemu   {}", qemu.version);
    println!(
        "native {}",
        native
            .as_ref()
            .map_or("not measured: no host compiler (cc)".into(), |path| path
                .display()
                .to_string())
    );
    println!();
    println!(
        "CPU time of one run in ms, median of {ROUNDS} interleaved rounds; ratios above 1 mean that emu is faster"
    );
    println!(
        "{:<8} {:<8} {:>10} {:>10} {:>10} {:>10} {:>10}  goal",
        "guest", "kernel", "emu", "qemu", "native", "qemu/emu", "emu/native"
    );
    let mut missed = 0;
    for (number, guest) in GUESTS.into_iter().enumerate() {
        for kernel in KERNELS.iter().filter(|kernel| want(kernel.name)) {
            missed += u32::from(!measure(
                kernel,
                guest,
                kernel.goals[number],
                &qemu,
                native.as_deref(),
            ));
        }
    }
    for guest in GUESTS {
        if want("translation") {
            missed += u32::from(!report_translation(guest));
        }
    }
    for guest in GUESTS {
        if want("debugger") {
            missed += u32::from(!measure_debugger(guest, &qemu));
        }
    }
    println!("\n{missed} rows missed their goal or could not be measured");
}

/// Builds the kernels for the host, or returns `None` where there is no compiler.
fn build_native() -> Option<PathBuf> {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels-native");
    let source = manifest_folder().join("benches/guests/kernels.c");
    // Static, as the guests are: hello is compared too.
    let built = Command::new("cc")
        .args(["-O2", "-static", "-std=gnu11"])
        .arg(source)
        .arg("-o")
        .arg(&output)
        .status()
        .ok()?;
    built.success().then_some(output)
}

/// Measures one row and prints it; false if its goal is missed or it could not be measured.
fn measure(
    kernel: &Kernel,
    guest: &str,
    goal: Option<f64>,
    qemu: &Qemu,
    native: Option<&Path>,
) -> bool {
    let program = guest_program(guest, "kernels");
    let (mut emu_times, mut qemu_times, mut native_times) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let emu = time(
            Command::new(env!("CARGO_BIN_EXE_emu"))
                .arg(&program)
                .args([kernel.name, kernel.times]),
            kernel.runs,
        );
        let reference = time(
            Command::new(qemu.program(guest))
                .arg(&program)
                .args([kernel.name, kernel.times]),
            kernel.runs,
        );
        let (emu, reference) = match (emu, reference) {
            (Ok(emu), Ok(reference)) => (emu, reference),
            (Err(why), _) => return print_failure(guest, kernel.name, &format!("emu: {why}")),
            (_, Err(why)) => return print_failure(guest, kernel.name, &format!("qemu: {why}")),
        };
        if emu.1 != reference.1 {
            return print_failure(guest, kernel.name, "emu and qemu print different results");
        }
        emu_times.push(emu.0);
        qemu_times.push(reference.0);
        if let Some(native) = native {
            match time(
                Command::new(native).args([kernel.name, kernel.times]),
                kernel.runs,
            ) {
                Ok(host) if host.1 == emu.1 => native_times.push(host.0),
                Ok(_) => {
                    return print_failure(
                        guest,
                        kernel.name,
                        "emu and the host print different results",
                    );
                }
                Err(why) => return print_failure(guest, kernel.name, &format!("native: {why}")),
            }
        }
    }
    let (emu, reference) = (median(&mut emu_times), median(&mut qemu_times));
    let ratio = reference / emu;
    let mut line = format!(
        "{guest:<8} {:<8} {emu:>10.2} {reference:>10.2} ",
        kernel.name
    );
    if native_times.is_empty() {
        let _ = write!(line, "{:>10} {ratio:>10.2} {:>10}", "-", "-");
    } else {
        let host = median(&mut native_times);
        let _ = write!(line, "{host:>10.2} {ratio:>10.2} {:>10.2}", emu / host);
    }
    println!("{line}  {}", judge(goal, ratio));
    goal.is_none_or(|goal| ratio >= goal)
}

fn judge(goal: Option<f64>, ratio: f64) -> String {
    match goal {
        None => "none".into(),
        Some(goal) if ratio >= goal => format!("{goal} met"),
        Some(goal) => format!("{goal} MISSED"),
    }
}

fn print_failure(guest: &str, row: &str, why: &str) -> bool {
    println!("{guest:<8} {row:<8} NOT MEASURED: {why}");
    false
}

/// Prints what `emu --stats` says of translation speed on the static hello, where all code is new: from a missing block to its
/// code, page faults and the work of each block included, without translations during which the thread had to wait for a CPU.
/// False if it is missing or above the limit.
fn report_translation(guest: &str) -> bool {
    const LIMIT_NS: f64 = 250.0;
    let mut figures = Vec::new();
    for _ in 0..ROUNDS {
        let output = Command::new(env!("CARGO_BIN_EXE_emu"))
            .arg("--stats")
            .arg(guest_program(guest, "kernels"))
            .args(["hello", "1"])
            .output();
        let text = match output {
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => return print_failure(guest, "translation", &error.to_string()),
        };
        // "... 2.400 ms translating (289 ns an instruction) ..."
        let figure = text
            .split_once(" ns an instruction")
            .and_then(|(before, _)| before.rsplit(['(', ' ']).next())
            .and_then(|number| number.parse::<f64>().ok());
        match figure {
            Some(figure) => figures.push(figure),
            None => {
                return print_failure(
                    guest,
                    "translation",
                    "--stats prints no 'ns an instruction'",
                );
            }
        }
    }
    let figure = median(&mut figures);
    println!(
        "{guest:<8} translation {figure:.0} ns per guest instruction  limit {LIMIT_NS} {}",
        if figure <= LIMIT_NS { "met" } else { "MISSED" }
    );
    figure <= LIMIT_NS
}

/// The least that a debugger does over the remote protocol.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of the buffer has been read.
    filled: usize,
    acknowledges: bool,
    child: Child,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    /// Starts an emulator that waits for a debugger, and connects.
    fn start(emulator: &Path, program: &Path) -> Result<Client, String> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let child = Command::new(emulator)
            .args(["-g", &port.to_string()])
            .arg(program)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let start = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => {
                    stream
                        .set_nodelay(true)
                        .and(stream.set_read_timeout(Some(Duration::from_secs(10))))
                        .map_err(|error| error.to_string())?;
                    return Ok(Client {
                        stream,
                        buffer: vec![0; 1 << 18],
                        filled: 0,
                        acknowledges: true,
                        child,
                    });
                }
                Err(error) if start.elapsed() > Duration::from_secs(5) => {
                    let mut client = child;
                    let _ = client.kill();
                    let _ = client.wait();
                    return Err(error.to_string());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Reads until the buffer holds what `found` looks for behind `from`; returns its position.
    fn read_until(&mut self, from: usize, found: impl Fn(u8) -> bool) -> Result<usize, String> {
        let mut seen = from;
        loop {
            if let Some(at) = self.buffer[seen..self.filled]
                .iter()
                .position(|b| found(*b))
            {
                return Ok(seen + at);
            }
            seen = self.filled;
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let count = self
                .stream
                .read(&mut self.buffer[self.filled..])
                .map_err(|error| error.to_string())?;
            if count == 0 {
                return Err("the connection was closed".into());
            }
            self.filled += count;
        }
    }

    /// Sends a packet and returns the reply's body.
    fn ask(&mut self, packet: &str) -> Result<&[u8], String> {
        let sum = packet.bytes().fold(0u8, u8::wrapping_add);
        self.stream
            .write_all(format!("${packet}#{sum:02x}").as_bytes())
            .map_err(|error| error.to_string())?;
        self.filled = 0;
        let start = self.read_until(0, |b| b == b'$')? + 1;
        let end = self.read_until(start, |b| b == b'#')?;
        while self.filled < end + 3 {
            self.read_until(self.filled, |_| true)?;
        }
        if self.acknowledges {
            self.stream
                .write_all(b"+")
                .map_err(|error| error.to_string())?;
        }
        Ok(&self.buffer[start..end])
    }

    /// As [`Client::ask`], for replies that are texts.
    fn ask_text(&mut self, packet: &str) -> Result<String, String> {
        Ok(String::from_utf8_lossy(self.ask(packet)?).into_owned())
    }

    /// Times `count` hits of the breakpoint that the guest stands at; hits a second. Each takes a step off it and a resume, as
    /// debuggers do it: a resume alone would hit it again at once.
    fn hits(&mut self, count: u32) -> Result<f64, String> {
        let start = Instant::now();
        for _ in 0..count {
            self.rate("vCont;s", 1, is_stop)?;
            self.rate("vCont;c", 1, is_stop)?;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }

    /// Times `count` packets, each answered by a reply that `good` accepts; packets a second.
    fn rate(
        &mut self,
        packet: &str,
        count: u32,
        good: impl Fn(&[u8]) -> bool,
    ) -> Result<f64, String> {
        let start = Instant::now();
        for _ in 0..count {
            let reply = self.ask(packet)?;
            if !good(reply) {
                let reply = String::from_utf8_lossy(reply);
                return Err(format!("{packet}: answered {reply:.40}"));
            }
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }
}

fn is_stop(reply: &[u8]) -> bool {
    matches!(reply, [b'T' | b'S', ..])
}

/// Steps a second, breakpoint hits a second, MB a second read.
fn debugger_rates(emulator: &Path, guest: &str) -> Result<[f64; 3], String> {
    let program = guest_program(guest, "stops");
    let bytes = std::fs::read(&program).map_err(|error| error.to_string())?;
    let elf = Elf::parse(&bytes).map_err(|error| error.to_string())?;
    let address = |name: &str| {
        let found = elf
            .syms
            .iter()
            .find(|symbol| elf.strtab.get_at(symbol.st_name) == Some(name));
        found
            .map(|symbol| symbol.st_value)
            .ok_or(format!("{name} is not a symbol of {}", program.display()))
    };
    let (called, memory) = (address("called")?, address("memory")?);
    let counter = address("calls")?;
    let mut client = Client::start(emulator, &program)?;
    let features = client.ask_text("qSupported:swbreak+;hwbreak+;vContSupported+;multiprocess+")?;
    // As gdb and lldb do wherever it is offered.
    if features.contains("QStartNoAckMode+") {
        client.ask("QStartNoAckMode")?;
        client.acknowledges = false;
    }
    let packet_size = features
        .split(';')
        .find_map(|word| word.strip_prefix("PacketSize="))
        .and_then(|size| u32::from_str_radix(size, 16).ok());
    client.ask("vCont?")?;
    client.ask("?")?;
    if client.ask(&format!("Z0,{called:x},4"))? != b"OK" {
        return Err("Z0 was refused".into());
    }
    let mut hits = Vec::new();
    let mut steps = Vec::new();
    let mut megabytes = Vec::new();
    let seen = client.ask_text(&format!("m{counter:x},4"))?;
    client.hits(50)?;
    // A hex reply must fit into what the server announced.
    let length = (packet_size.unwrap_or(4096) / 2 - 16).min(65536);
    for _ in 0..ROUNDS {
        hits.push(client.hits(3000)?);
        megabytes.push(
            client.rate(&format!("m{memory:x},{length:x}"), 400, |reply| {
                reply.len() == length as usize * 2
            })? * f64::from(length)
                / 1e6,
        );
    }
    if client.ask_text(&format!("m{counter:x},4"))? == seen {
        return Err("the guest does not get on between two hits".into());
    }
    client.ask(&format!("z0,{called:x},4"))?;
    let thread = client.ask_text("?")?;
    let thread = thread
        .split(['T', ';'])
        .find_map(|word| word.split("thread:").nth(1))
        .map_or(String::new(), |id| format!(":{id}"));
    for _ in 0..ROUNDS {
        steps.push(client.rate(&format!("vCont;s{thread}"), 3000, is_stop)?);
    }
    Ok([
        median(&mut steps),
        median(&mut hits),
        median(&mut megabytes),
    ])
}

/// Measures a client over loopback on both emulators; false if emu is the slower one or misses 100 MB/s.
fn measure_debugger(guest: &str, qemu: &Qemu) -> bool {
    let emu = match debugger_rates(Path::new(env!("CARGO_BIN_EXE_emu")), guest) {
        Ok(rates) => rates,
        Err(why) => return print_failure(guest, "debugger", &format!("emu: {why}")),
    };
    let reference = match debugger_rates(&qemu.program(guest), guest) {
        Ok(rates) => rates,
        Err(why) => return print_failure(guest, "debugger", &format!("qemu: {why}")),
    };
    let mut met = true;
    for (row, name) in ["steps/s", "breakpoint hits/s", "memory read MB/s"]
        .into_iter()
        .enumerate()
    {
        let goal = if row == 2 { 100.0 } else { reference[row] };
        met &= emu[row] >= goal;
        println!(
            "{guest:<8} {name:<18} emu {:>10.0} qemu {:>10.0}  goal {goal:.0} {}",
            emu[row],
            reference[row],
            if emu[row] >= goal { "met" } else { "MISSED" }
        );
    }
    met
}
