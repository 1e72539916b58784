//! Golden traces: what `--strace` prints for small guests, line by line. `EMU_RECORD=1` writes what is printed instead of
//! comparing; read the difference before it is committed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Replaces what differs from run to run: ids of processes and users, and addresses that the address space chose.
fn normalise(trace: &str, pid: u32) -> String {
    let field = "si_uid=";
    // Whether there is a core file, and the number in its name, are the machine's affair.
    let core = |line: &&str| !line.starts_with("emu: SIG");
    let trace: String = trace
        .lines()
        .filter(core)
        .map(|l| l.to_owned() + "\n")
        .collect();
    let text = trace.replace(&pid.to_string(), "PID");
    let parts: Vec<&str> = text.split(field).collect();
    let (first, rest) = parts.split_first().expect("split gives one part at least");
    let mut text = rest.iter().fold((*first).to_owned(), |all, part| {
        all + field + "UID" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    });
    // On a slow machine an interval timer fires more than once before it is stopped.
    let alarm = "--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL, si_pid=0, si_uid=UID} ---\nrt_sigreturn() = ?\n";
    while text.contains(&alarm.repeat(2)) {
        text = text.replace(&alarm.repeat(2), alarm);
    }
    text
}

fn check(program: &Path, arguments: &[&str], name: &str, guest: &str) {
    let child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["--engine=interp", "--strace"])
        .arg(program)
        .args(arguments)
        // Where a core file may be left.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env_clear()
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("emu starts");
    let pid = child.id();
    let output = child.wait_with_output().expect("emu ends");
    let trace = normalise(&String::from_utf8_lossy(&output.stderr), pid);
    let expected = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/strace/expected")
        .join(format!("{name}.{guest}"));
    if std::env::var_os("EMU_RECORD").is_some() {
        std::fs::write(&expected, &trace).expect("the folder is there");
        return;
    }
    let wanted = std::fs::read_to_string(&expected).expect("the trace was recorded");
    for (n, (got, want)) in trace.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(got, want, "{name}.{guest}, line {}", n + 1);
    }
    assert_eq!(
        trace.lines().count(),
        wanted.lines().count(),
        "{name}.{guest}"
    );
}

const GUESTS: [&str; 3] = ["aarch64", "mips", "mipsel"];

/// A program of `tests/guests`.
fn guest_program(guest: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/guests/bin").join(guest).join(name)
}

#[test]
fn hello() {
    for guest in GUESTS {
        check(&guest_program(guest, "hello"), &[], "hello", guest);
    }
}

#[test]
fn signals() {
    for guest in GUESTS {
        check(&guest_program(guest, "signals"), &[], "signals", guest);
    }
}

#[test]
fn a_death_by_signal() {
    for guest in GUESTS {
        check(&guest_program(guest, "die"), &["load"], "die", guest);
    }
}

#[test]
fn what_is_missing_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for guest in GUESTS {
        let program = root.join(format!("tests/strace/bin/unknown.{guest}"));
        check(&program, &[], "unknown", guest);
    }
}
