//! `cargo bench --bench freebsd`: programs of FreeBSD under `emu` against the same programs for Linux.
//!
//! Calls that a runtime lives on, by a guest program that is built for both systems; and esbuild's own executables from its npm
//! packages on a real project, for FreeBSD and for Linux under `emu`, and for Linux under the newest qemu-user. Rounds are
//! interleaved; figures are medians of user and system time. Without npm and a registry esbuild is not measured. Words after `--`
//! pick rows by name.

mod common;

use common::{Qemu, guest_program, median, time};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kernel of `benches/guests/calls.c`, and how often it is repeated.
const CALLS: [(&str, &str); 5] = [
    ("null", "2000000"),
    ("edge", "200000"),
    ("level", "200000"),
    ("wake", "2000000"),
    ("turns", "50000"),
];

/// A call may take this much longer than its counterpart.
const CALL_GOAL: f64 = 1.5;

/// esbuild for FreeBSD may take this much longer than for Linux.
const ESBUILD_GOAL: f64 = 1.1;

const ESBUILD: &str = "0.28.2";

/// Packages with many modules, which the project imports.
const PACKAGES: [&str; 5] = [
    "three@0.180.0",
    "react@19.1.0",
    "react-dom@19.1.0",
    "lodash-es@4.17.21",
    "d3@7.9.0",
];

const ENTRY: &str = "import * as three from 'three';\nimport React from 'react';\nimport {createRoot} from 'react-dom/client';\n\
    import * as lodash from 'lodash-es';\nimport * as d3 from 'd3';\nconsole.log(three, React, createRoot, lodash, d3);\n";

const ROUNDS: usize = 5;

fn main() {
    // Cargo adds --bench; what else stands there picks rows.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let want = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    println!("emu    {}", env!("CARGO_BIN_EXE_emu"));
    println!("CPU time of one run in ms, median of {ROUNDS} interleaved rounds");
    println!(
        "{:<8} {:>10} {:>10} {:>14}  goal",
        "call", "freebsd", "linux", "freebsd/linux"
    );
    let mut missed = 0;
    for (kernel, times) in CALLS.iter().filter(|(name, _)| want(name)) {
        missed += u32::from(!measure_call(kernel, times));
    }
    if want("esbuild") {
        missed += u32::from(!measure_esbuild());
    }
    println!("\n{missed} rows missed their goal or could not be measured");
}

fn emu(program: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emu"));
    command.arg(program);
    command
}

fn judge(goal: f64, ratio: f64) -> String {
    if ratio <= goal {
        format!("{goal} met")
    } else {
        format!("{goal} MISSED")
    }
}

/// Measures one call on both systems and prints it; false if its goal is missed or it could not be measured.
fn measure_call(kernel: &str, times: &str) -> bool {
    let mut figures = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let mut printed = Vec::new();
        for (guest, figures) in ["freebsd-aarch64", "aarch64"].iter().zip(&mut figures) {
            match time(emu(&guest_program(guest, "calls")).args([kernel, times]), 1) {
                Ok((ms, text)) => {
                    figures.push(ms);
                    printed.push(text);
                }
                Err(why) => {
                    println!("{kernel:<8} NOT MEASURED: {guest}: {why}");
                    return false;
                }
            }
        }
        if printed[0] != printed[1] {
            println!("{kernel:<8} NOT MEASURED: the two print different results");
            return false;
        }
    }
    let [freebsd, linux] = figures.map(|mut f| median(&mut f));
    let ratio = freebsd / linux;
    println!(
        "{kernel:<8} {freebsd:>10.1} {linux:>10.1} {ratio:>14.2}  {}",
        judge(CALL_GOAL, ratio)
    );
    ratio <= CALL_GOAL
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("npm")
        .current_dir(folder)
        .args(arguments)
        .output()
        .map_err(|error| format!("npm: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "npm {}: {}",
        arguments[0],
        text.lines().next().unwrap_or("no message")
    ))
}

/// The project, with the packages it imports.
fn project() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("esbuild-project");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    std::fs::write(folder.join("entry.js"), ENTRY).map_err(|error| error.to_string())?;
    if !folder.join("node_modules/d3").exists() {
        std::fs::write(folder.join("package.json"), "{\"private\": true}\n")
            .map_err(|error| error.to_string())?;
        let options = ["install", "--no-audit", "--no-fund", "--ignore-scripts"];
        npm(&folder, &[&options[..], &PACKAGES[..]].concat())?;
    }
    Ok(folder)
}

/// esbuild's executable for a system.
fn esbuild(system: &str) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("esbuild-{system}"));
    let program = folder.join("package/bin/esbuild");
    if !program.exists() {
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        npm(&folder, &["pack", &format!("@esbuild/{system}@{ESBUILD}")])?;
        let unpacked = Command::new("tar")
            .current_dir(&folder)
            .args(["xzf", &format!("esbuild-{system}-{ESBUILD}.tgz")])
            .status();
        if !unpacked.is_ok_and(|status| status.success()) {
            return Err(format!("the package of {system} cannot be unpacked"));
        }
    }
    Ok(program)
}

/// Bundles the project by each and prints a line; false if a goal is missed or it could not be measured.
fn measure_esbuild() -> bool {
    let found = project().and_then(|p| Ok((p, esbuild("freebsd-arm64")?, esbuild("linux-arm64")?)));
    let (project, freebsd, linux) = match found {
        Ok(found) => found,
        Err(why) => {
            println!("esbuild  NOT MEASURED: {why}");
            return false;
        }
    };
    let qemu = Qemu::find();
    let mut under_qemu = Command::new(qemu.program("aarch64"));
    under_qemu.arg(&linux);
    let mut commands = [emu(&freebsd), emu(&linux), under_qemu];
    for command in &mut commands {
        let options = ["entry.js", "--bundle", "--minify", "--log-level=error"];
        command.args(options).current_dir(&project);
    }
    let mut figures = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let mut bundles = Vec::new();
        for (command, figures) in commands.iter_mut().zip(&mut figures) {
            match time(command, 1) {
                Ok((ms, bundle)) => {
                    figures.push(ms);
                    bundles.push(bundle);
                }
                Err(why) => {
                    println!("esbuild  NOT MEASURED: {why}");
                    return false;
                }
            }
        }
        if bundles.iter().any(|b| *b != bundles[0] || b.is_empty()) {
            println!("esbuild  NOT MEASURED: the bundles differ");
            return false;
        }
    }
    let [freebsd, linux, reference] = figures.map(|mut f| median(&mut f));
    let ratio = freebsd / linux;
    println!();
    println!(
        "{:<8} {:>10} {:>10} {:>10} {:>14} {:>14}  goals  ({})",
        "", "freebsd", "linux", "qemu", "freebsd/linux", "freebsd/qemu", qemu.version
    );
    println!(
        "{:<8} {freebsd:>10.0} {linux:>10.0} {reference:>10.0} {ratio:>14.2} {:>14.2}  {}, {}",
        "esbuild",
        freebsd / reference,
        judge(ESBUILD_GOAL, ratio),
        judge(1.0, freebsd / reference)
    );
    ratio <= ESBUILD_GOAL && freebsd <= reference
}
