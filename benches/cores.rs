//! `cargo bench --bench cores`: what a core file and the ring of recent calls cost.
//!
//! A guest fills memory and dies: once with a core and once without, on `emu` and on the installed qemu-user in turns. The
//! difference in wall time is the core's. Cores go to memory (`/dev/shm`) where there is one, so that no disk is measured. The ring
//! keeps the last system calls of each thread, always: its own code is timed next to a whole call that does nothing.

use emu::process::{Outcome, Ring, Syscall};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const GUESTS: [&str; 2] = ["aarch64", "mips"];
const ROUNDS: usize = 5;
/// MiB that the guest has in use.
const SIZE: &str = "256";
/// System calls in one run.
const CALLS: u32 = 2_000_000;

fn main() {
    let folder = Folder::new();
    println!("emu    {}", env!("CARGO_BIN_EXE_emu"));
    println!("cores  of {SIZE} MiB, in {}", folder.0.display());
    for guest in GUESTS {
        report_core(guest, &folder.0);
    }
    let ring = ring_ns();
    for guest in GUESTS {
        let call = call_ns(guest);
        println!(
            "{guest:<8} ring of calls      {ring:>6.1} ns of {call:>6.1} ns for a call that does nothing: {:.1} %",
            100.0 * ring / call
        );
    }
}

/// Where the cores go; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let memory = Path::new("/dev/shm");
        let base = match memory.is_dir() {
            true => memory,
            false => Path::new(env!("CARGO_TARGET_TMPDIR")),
        };
        let folder = base.join(format!("emu-cores-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the cores");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: nothing is left to do about it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn program(guest: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("benches/guests/bin").join(guest).join("cores")
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs the guest to its death in `folder`, with so large a core at most. Seconds, and the bytes that the core takes.
fn die(
    mut emulator: Command,
    guest: &str,
    folder: &Path,
    limit: u64,
) -> Result<(f64, u64), String> {
    emulator
        .arg(program(guest))
        .args(["core", SIZE])
        .current_dir(folder)
        .env_remove("EMU_CORE_FILE")
        .stdin(Stdio::null());
    // SAFETY: one system call, with a valid argument.
    unsafe {
        emulator.pre_exec(move || {
            let both = libc::rlimit {
                rlim_cur: limit,
                rlim_max: libc::RLIM_INFINITY,
            };
            match libc::setrlimit(libc::RLIMIT_CORE, &both) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    let start = Instant::now();
    let output = emulator.output().map_err(|e| e.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
    if output.status.signal() != Some(libc::SIGABRT) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{}: {said}", output.status));
    }
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(|e| e.to_string())? {
        let entry = entry.map_err(|e| e.to_string())?;
        bytes += entry.metadata().map_err(|e| e.to_string())?.blocks() * 512;
        std::fs::remove_file(entry.path()).map_err(|e| e.to_string())?;
    }
    Ok((seconds, bytes))
}

/// MB/s of a core, from a run with one and a run without.
fn rate(make: impl Fn() -> Command, guest: &str, folder: &Path) -> Result<f64, String> {
    let (without, nothing) = die(make(), guest, folder, 0)?;
    let (with, bytes) = die(make(), guest, folder, libc::RLIM_INFINITY)?;
    match (nothing, bytes) {
        (0, 1_000_000..) => Ok(bytes as f64 / 1e6 / (with - without).max(1e-6)),
        _ => Err(format!("cores of {nothing} and {bytes} bytes")),
    }
}

fn report_core(guest: &str, folder: &Path) {
    let emu = || Command::new(env!("CARGO_BIN_EXE_emu"));
    let qemu = || Command::new(format!("qemu-{guest}"));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        match (rate(emu, guest, folder), rate(qemu, guest, folder)) {
            (Ok(a), Ok(b)) => {
                ours.push(a);
                theirs.push(b);
            }
            (Err(why), _) => return println!("{guest:<8} core MB/s NOT MEASURED: emu: {why}"),
            (_, Err(why)) => return println!("{guest:<8} core MB/s NOT MEASURED: qemu: {why}"),
        }
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    println!(
        "{guest:<8} core MB/s    emu {ours:>8.0}  qemu {theirs:>8.0}  emu/qemu {:.2}",
        ours / theirs
    );
}

/// Nanoseconds that the ring takes of each call.
fn ring_ns() -> f64 {
    let ring = Ring::default();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for n in 0..u64::from(CALLS) {
            let call = std::hint::black_box(Syscall {
                number: n,
                args: [n; 8],
                pc: n,
            });
            ring.begin(&call);
            ring.end(std::hint::black_box(&Outcome::Return(n)));
        }
        rounds.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }
    median(&mut rounds)
}

/// Nanoseconds of a whole `getppid` of the guest.
fn call_ns(guest: &str) -> f64 {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_emu"))
            .arg(program(guest))
            .args(["calls", &CALLS.to_string()])
            .status();
        assert!(
            status.is_ok_and(|s| s.success()),
            "{guest}: the guest failed"
        );
        rounds.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }
    median(&mut rounds)
}
