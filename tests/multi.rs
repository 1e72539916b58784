//! `--multi`: a debugger starts the program anew, over one connection.

mod client;

use client::{Guest, program};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// gdb's `run`, with these words as arguments.
fn run(arguments: &[&str]) -> String {
    let hex = |word: &&str| word.bytes().map(|b| format!("{b:02x}")).collect();
    let words: Vec<String> = arguments.iter().map(hex).collect();
    let words: String = words.iter().map(|w| format!(";{w}")).collect();
    format!("vRun;{words}")
}

fn guest(name: &str) -> Guest {
    let args = program("mips", "args");
    Guest::start(name, &["--multi"], &args, &["first"])
}

#[test]
fn a_program_is_started_anew() {
    let mut guest = guest("anew");
    let mut gdb = guest.connect().like_gdb();
    assert_eq!(gdb.ask("!"), "OK");
    assert!(gdb.ask("?").starts_with("T05"));
    // One that runs already, one that has been killed, and one that has ended.
    assert!(gdb.ask(&run(&["second"])).starts_with("T05"));
    let pid = gdb.ask("qC");
    let pid = pid.strip_prefix("QCp").and_then(|p| p.split_once('.'));
    let pid = pid.expect("a process").0.to_owned();
    gdb.tell(&format!("vKill;{pid}"));
    assert!(gdb.ask(&run(&["third", "and fourth"])).starts_with("T05"));
    assert!(gdb.ask("vCont;c").starts_with('W'));
    // Without arguments, those of the command line.
    assert!(gdb.ask(&run(&[])).starts_with("T05"));
    let end = gdb.ask("vCont;c");
    assert!(end.starts_with('W'), "{end}");
    // The debugger goes: emu ends as the program has.
    drop(gdb);
    let (status, out, err) = guest.end();
    let code = end.strip_prefix('W').and_then(|e| e.split(';').next());
    let code = code.and_then(|c| i32::from_str_radix(c, 16).ok());
    assert_eq!(status.code(), code, "{out}{err}");
    assert!(!out.contains("second"), "killed before it began: {out}");
    let (third, first) = (out.find("and fourth"), out.find("first"));
    assert!(third.is_some() && third < first, "{out}");
}

/// The next debugger finds what the one before left.
#[test]
fn debuggers_come_one_after_the_other() {
    let mut guest = guest("next");
    let mut gdb = guest.connect().like_gdb();
    assert_eq!(gdb.ask("!"), "OK");
    drop(gdb);
    let mut gdb = guest.connect().like_gdb();
    assert!(gdb.ask("?").starts_with("T05"));
    assert!(gdb.ask("vCont;c").starts_with('W'));
    let (status, out, err) = guest.end();
    assert!(status.code().is_some(), "{err}");
    assert!(out.contains("first"), "{out}");
}

#[test]
fn the_program_may_be_killed_or_let_go() {
    let mut killed = guest("killed");
    let mut gdb = killed.connect();
    gdb.send("k");
    let (status, out, _) = killed.end();
    assert_eq!(status.signal(), Some(9), "{out}");

    let mut left = guest("left");
    let mut gdb = left.connect();
    gdb.tell("D");
    let (status, out, err) = left.end();
    assert!(status.code().is_some(), "{err}");
    assert!(out.contains("first"), "{out}");
}

#[test]
fn what_does_not_go_together_is_said() {
    for (options, said) in [
        (&["--multi"][..], "--multi needs -g"),
        (
            &["--multi", "-g", "/nowhere/s,suspend=n"],
            "exclude each other",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_emu"))
            .args(options)
            .arg(program("mips", "args"))
            .output()
            .expect("emu");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(err.contains(said), "{err}");
        assert!(!output.status.success());
    }
}

/// Without it a program cannot be started anew, and the debugger is told what would do.
#[test]
fn the_option_is_named_where_it_is_missing() {
    let guest = Guest::start("missing", &[], &program("mips", "args"), &[]);
    let mut gdb = guest.connect().like_gdb();
    gdb.tell("QEnableErrorStrings");
    let reply = gdb.ask("vRun;");
    assert!(reply.starts_with('E'), "{reply}");
}
