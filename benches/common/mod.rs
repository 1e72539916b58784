//! What the benchmarks that run other programs have in common.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub fn manifest_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn guest_program(guest: &str, name: &str) -> PathBuf {
    manifest_folder()
        .join("benches/guests/bin")
        .join(guest)
        .join(name)
}

/// The reference emulator.
pub struct Qemu {
    folder: Option<PathBuf>,
    pub version: String,
}

impl Qemu {
    /// The newest that Debian's archive offers, or the installed one; ends the benchmark if there is none.
    pub fn find() -> Qemu {
        let unpacked = Command::new(manifest_folder().join("tests/packages.sh"))
            .args(["qemu-user", "amd64", "sid", "trixie"])
            .output()
            .ok()
            .filter(|output| output.status.success())
            .map(|output| {
                PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).join("usr/bin")
            });
        let mut qemu = Qemu {
            folder: unpacked,
            version: String::new(),
        };
        let ask = || -> Option<String> {
            let output = Command::new(qemu.program("aarch64"))
                .arg("--version")
                .output()
                .ok()?;
            let text = String::from_utf8_lossy(&output.stdout)
                .lines()
                .next()?
                .to_string();
            Some(text)
        };
        let Some(version) = ask().or_else(|| {
            qemu.folder = None;
            let output = Command::new("qemu-aarch64")
                .arg("--version")
                .output()
                .ok()?;
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .next()
                .map(String::from)
        }) else {
            eprintln!("paired: no qemu-user to compare with; tests/install.sh installs one");
            std::process::exit(1);
        };
        qemu.version = version;
        qemu
    }

    /// The emulator of a guest's CPU.
    pub fn program(&self, guest: &str) -> PathBuf {
        let name = format!("qemu-{guest}");
        self.folder
            .as_ref()
            .map_or(PathBuf::from(&name), |folder| folder.join(&name))
    }
}

/// User and system time of all children that have been waited for.
pub fn children_cpu_time() -> Duration {
    // SAFETY: `rusage` is plain data for which zero bytes are a value, and the kernel writes only within it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let duration =
        |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// Runs a command some times; CPU milliseconds of one run and the output, or why there is none.
pub fn time(command: &mut Command, runs: u32) -> Result<(f64, Vec<u8>), String> {
    let before = children_cpu_time();
    let mut printed = Vec::new();
    for _ in 0..runs {
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "{}: {}",
                output.status,
                text.lines().next().unwrap_or("no message")
            ));
        }
        printed = output.stdout;
    }
    Ok((
        (children_cpu_time() - before).as_secs_f64() * 1e3 / f64::from(runs),
        printed,
    ))
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
