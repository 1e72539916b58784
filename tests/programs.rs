//! Runs the guest programs of `tests/guests` under `emu`, with each engine, and compares what they print and how they end.
//!
//! `tests/guests/cases` lists the runs. `EMU_CASE=NAME` picks one of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What "all" in the list stands for.
const GUESTS: [&str; 3] = ["aarch64", "mips", "mipsel"];

/// What "freebsd" stands for.
const FREEBSD: [&str; 3] = ["freebsd-aarch64", "freebsd-mips", "freebsd-mipsel"];

/// Longest time one run may take: the interpreter in an unoptimised build on a busy machine needs most of it.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Exit status of a guest that finds its test impossible here.
const SKIPPED: i32 = 77;

/// One line of `tests/guests/cases`.
struct Case {
    name: String,
    guests: Vec<String>,
    ending: Ending,
    program: String,
    arguments: Vec<String>,
}

/// How a guest must end.
#[derive(Debug, PartialEq)]
enum Ending {
    Exit(i32),
    /// By a signal, which `emu` hands on: the host's number.
    Signal(i32),
    /// Neither within [`TIME_LIMIT`].
    Timeout,
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Exit(code),
            (None, signal) => Ending::Signal(signal.unwrap_or(0)),
        }
    }
}

/// The x86-64 numbers of the signals that `cases` names.
fn host_signal(name: &str) -> i32 {
    match name {
        "SIGHUP" => 1,
        "SIGILL" => 4,
        "SIGTRAP" => 5,
        "SIGABRT" => 6,
        "SIGBUS" => 7,
        "SIGFPE" => 8,
        "SIGKILL" => 9,
        "SIGUSR1" => 10,
        "SIGSEGV" => 11,
        "SIGPIPE" => 13,
        "SIGTERM" => 15,
        "SIGSYS" => 31,
        _ => panic!("tests/guests/cases names the unknown signal {name}"),
    }
}

fn guests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests")
}

fn read_cases() -> Vec<Case> {
    let text = fs::read_to_string(guests_folder().join("cases")).expect("tests/guests/cases");
    let rows = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, guests, ending, command, ..] = columns[..] else {
            panic!("tests/guests/cases: fewer than four columns: {line}");
        };
        let guests = match guests {
            "all" => GUESTS.iter().map(|guest| guest.to_string()).collect(),
            "freebsd" => FREEBSD.iter().map(|guest| guest.to_string()).collect(),
            some => some.split_whitespace().map(String::from).collect(),
        };
        let ending = match ending.parse() {
            Ok(code) => Ending::Exit(code),
            Err(_) => Ending::Signal(host_signal(ending)),
        };
        let mut words = command.split_whitespace().map(String::from);
        let program = words
            .next()
            .unwrap_or_else(|| panic!("tests/guests/cases: no program: {line}"));
        Case {
            name: name.into(),
            guests,
            ending,
            program,
            arguments: words.collect(),
        }
    })
    .collect()
}

/// Where the text is that a case must print: one file for all guests, or one for each.
fn expected_file(case: &Case, guest: &str) -> PathBuf {
    let folder = guests_folder().join("expected");
    let common = folder.join(&case.name);
    if common.exists() {
        common
    } else {
        folder.join(format!("{}.{guest}", case.name))
    }
}

/// Reads a pipe to its end on a thread of its own, so that no side can wait for the other.
fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // An error ends the reading just as the end does: what came before it is compared.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// Runs one case in an empty folder and returns its output, its diagnostics and its ending.
fn run(case: &Case, guest: &str, engine: &str) -> (Vec<u8>, Vec<u8>, Ending) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("programs-{guest}-{engine}"))
        .join(&case.name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder under target/tmp");
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["--engine", engine])
        .arg(guests_folder().join("bin").join(guest).join(&case.program))
        .args(&case.arguments)
        .current_dir(&folder)
        .env_clear()
        .envs([
            ("GUEST_ONE", "1"),
            ("GUEST_TWO", "a b"),
            ("PATH", "/usr/bin:/bin"),
            ("TZ", "UTC0"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("emu");
    let output = drain(child.stdout.take().expect("piped"));
    let diagnostics = drain(child.stderr.take().expect("piped"));
    let start = Instant::now();
    let ending = loop {
        match child.try_wait().expect("wait") {
            Some(status) => break Ending::from(status),
            None if start.elapsed() > TIME_LIMIT => {
                // The whole group: a child that the guest forked would keep the pipes open.
                let _ = Command::new("kill")
                    .args(["-KILL", "--", &format!("-{}", child.id())])
                    .status();
                let _ = child.wait();
                break Ending::Timeout;
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    (
        output.join().expect("reader"),
        diagnostics.join().expect("reader"),
        ending,
    )
}

/// The first lines that differ, with their numbers: `-` is expected, `+` was printed.
fn show_difference(expected: &str, printed: &str) -> String {
    let (mut want, mut got) = (expected.lines(), printed.lines());
    let (mut text, mut shown) = (String::new(), 0);
    for number in 1.. {
        let pair = (want.next(), got.next());
        if pair == (None, None) {
            break;
        }
        if pair.0 != pair.1 {
            shown += 1;
            if shown > 12 {
                text += "    ...\n";
                break;
            }
            for (sign, line) in [('-', pair.0), ('+', pair.1)] {
                if let Some(line) = line {
                    text += &format!("    {number}{sign} {line}\n");
                }
            }
        }
    }
    text
}

/// Runs all cases of one guest on one engine and reports every one that fails.
fn check_all(guest: &str, engine: &str) {
    let only = std::env::var("EMU_CASE").ok();
    let mut report = String::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in read_cases() {
        if !case.guests.iter().any(|g| g == guest)
            || only.as_ref().is_some_and(|name| *name != case.name)
        {
            continue;
        }
        let file = expected_file(&case, guest);
        let expected =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let (output, diagnostics, ending) = run(&case, guest, engine);
        let printed = String::from_utf8_lossy(&output);
        if printed == expected && ending == case.ending {
            passed += 1;
            continue;
        }
        // The guest found that the machine, a container perhaps, forbids what it is about to test: "SKIPPED: why".
        if ending == Ending::Exit(SKIPPED) && expected.starts_with(&*printed) {
            let why = String::from_utf8_lossy(&diagnostics);
            let why = why.trim().trim_start_matches("SKIPPED: ");
            // Past the test runner, which keeps what a test prints to itself.
            let line = format!("SKIPPED {} ({guest}, {engine}): {why}\n", case.name);
            let _ = std::io::stderr().write_all(line.as_bytes());
            skipped += 1;
            continue;
        }
        failed += 1;
        report += &format!("{} ({guest}, {engine}):\n", case.name);
        if ending != case.ending {
            report += &format!("  ended by {ending:?}, expected {:?}\n", case.ending);
        }
        if printed != expected {
            report += &format!(
                "  differs from {}:\n{}",
                file.display(),
                show_difference(&expected, &printed)
            );
        }
        for line in String::from_utf8_lossy(&diagnostics).lines().take(6) {
            report += &format!("  emu: {line}\n");
        }
    }
    assert!(passed + failed + skipped > 0, "no case for {guest}");
    assert!(
        failed == 0,
        "{guest}, {engine}: {passed} passed, {failed} failed\n{report}"
    );
}

#[test]
fn aarch64_jit() {
    check_all("aarch64", "jit");
}

#[test]
fn aarch64_interp() {
    check_all("aarch64", "interp");
}

#[test]
fn mips_jit() {
    check_all("mips", "jit");
}

#[test]
fn mips_interp() {
    check_all("mips", "interp");
}

#[test]
fn mipsel_jit() {
    check_all("mipsel", "jit");
}

#[test]
fn mipsel_interp() {
    check_all("mipsel", "interp");
}

#[test]
fn freebsd_aarch64_jit() {
    check_all("freebsd-aarch64", "jit");
}

#[test]
fn freebsd_aarch64_interp() {
    check_all("freebsd-aarch64", "interp");
}

#[test]
fn freebsd_mips_jit() {
    check_all("freebsd-mips", "jit");
}

#[test]
fn freebsd_mips_interp() {
    check_all("freebsd-mips", "interp");
}

#[test]
fn freebsd_mipsel_jit() {
    check_all("freebsd-mipsel", "jit");
}

#[test]
fn freebsd_mipsel_interp() {
    check_all("freebsd-mipsel", "interp");
}

/// A program that no case runs, or an expectation that no case reads, would be dead weight that looks like coverage.
#[test]
fn every_program_and_expectation_is_used() {
    let cases = read_cases();
    let (mut programs, mut files) = (BTreeSet::new(), BTreeSet::new());
    for case in &cases {
        for guest in &case.guests {
            programs.insert(guests_folder().join("bin").join(guest).join(&case.program));
            files.insert(expected_file(case, guest));
        }
    }
    let list = |folder: PathBuf| {
        fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").path())
    };
    let built: BTreeSet<PathBuf> = [&GUESTS[..], &FREEBSD[..]]
        .concat()
        .iter()
        .flat_map(|guest| list(guests_folder().join("bin").join(guest)))
        // Those of the tests with debuggers (tests/watch.rs and its like) are no cases.
        .filter(|program| {
            let name = program.file_name().expect("a program").to_string_lossy();
            // Some are there in several forms: compressed, stripped.
            let name = name.split(['-', '.']).next().expect("a name");
            let source = guests_folder().join("debug").join(name);
            // What comes of the program of tests/hostile.rs depends on the machine.
            !source.with_extension("c").exists() && name != "hostile"
        })
        .collect();
    assert_eq!(
        built, programs,
        "tests/guests/bin against tests/guests/cases"
    );
    let expected: BTreeSet<PathBuf> = list(guests_folder().join("expected")).collect();
    assert_eq!(
        expected, files,
        "tests/guests/expected against tests/guests/cases"
    );
}
