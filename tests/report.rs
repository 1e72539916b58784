//! The report of what is not implemented: one line by default, a list, lines of JSON that many processes append to one file, and
//! their sum.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GUESTS: [&str; 3] = ["aarch64", "mips", "mipsel"];

fn program(name: &str, guest: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(format!("tests/strace/bin/{name}.{guest}"))
}

/// An empty folder for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder under target/tmp");
    folder
}

fn emu(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emu"));
    command
        .args(arguments)
        .env_clear()
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn stderr(output: &Output) -> String {
    text(&output.stderr)
}

#[test]
fn one_line_says_that_there_is_something() {
    for guest in GUESTS {
        let output = emu(&[])
            .arg(program("unknown", guest))
            .output()
            .expect("emu");
        assert_eq!(
            stderr(&output),
            format!(
                "emu: not implemented: syscall io_uring_setup and 6 more things; --report=- lists what unknown.{guest} \
                 asked for, --strace=:unimplemented shows where\n"
            )
        );
        // Nothing is said where nothing is missing.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/bin");
        let output = emu(&["--report=-"])
            .arg(root.join(guest).join("hello"))
            .output()
            .expect("emu");
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn the_list_names_things_with_their_places() {
    for guest in GUESTS {
        let output = emu(&["--report", "-"])
            .arg(program("family", guest))
            .arg("leaf")
            .output()
            .expect("emu");
        let list = stderr(&output);
        let lines: Vec<&str> = list.lines().collect();
        assert!(lines[0].starts_with(&format!("emu: not implemented for family.{guest} (")));
        assert!(lines[2].contains("3      -  EINVAL       prctl option 0x7777, at sys+0x"));
        let request = if guest == "aarch64" {
            "0x40045b99"
        } else {
            "0x80045b99"
        };
        let wanted = format!(
            "2      4  ENOTTY       ioctl {request}: direction write, type '[', number 0x99, size 4, at sys+0x"
        );
        assert!(lines[3].contains(&wanted), "{}", lines[3]);
        assert!(lines[3].contains(" from "), "{}", lines[3]);
        assert!(lines[3].ends_with("[61 62 63 64]"), "{}", lines[3]);
    }
}

#[test]
fn an_instruction_that_is_missing_is_named() {
    for (guest, name) in [
        ("aarch64", "ptrue"),
        ("mips", "addu.qb"),
        ("mipsel", "addu.qb"),
    ] {
        for engine in ["--engine=interp", "--engine=jit"] {
            let output = emu(&[engine, "--report=-"])
                .arg(program("family", guest))
                .arg("instruction")
                .output()
                .expect("emu");
            let list = stderr(&output);
            let wanted = format!("1      -  SIGILL       instruction {name}, at guest_main+0x");
            assert!(list.contains(&wanted), "{guest} {engine}: {list}");
        }
    }
}

fn records(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the report was written");
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect()
}

#[test]
fn records_are_lines_of_json() {
    let folder = folder("report-json");
    for guest in GUESTS {
        let file = folder.join(guest);
        let output = emu(&["--report"])
            .arg(&file)
            .arg(program("unknown", guest))
            .output()
            .expect("emu");
        assert_eq!(stderr(&output), "");
        let records = records(&file);
        assert_eq!(records.len(), 7);
        let option = records
            .iter()
            .find(|r| r["kind"] == "setsockopt")
            .expect("the socket option");
        assert_eq!(option["what"], "level 99 option 7");
        assert_eq!(option["count"], 1);
        assert_eq!(option["size"], 4);
        assert_eq!(option["input"], "00000000");
        assert_eq!(option["result"], "ENOPROTOOPT");
        assert!(
            option["at"]
                .as_str()
                .is_some_and(|a| a.starts_with("sys+0x"))
        );
        let path = program("unknown", guest);
        assert_eq!(option["program"], path.to_str().expect("UTF-8"));
        assert_eq!(option["file"], path.to_str().expect("UTF-8"));
        assert!(option["pid"].is_u64() && option["pc"].is_u64() && option["offset"].is_u64());
    }
}

#[test]
fn many_processes_append_to_one_file() {
    const RUNS: u64 = 4;
    const CHILDREN: u64 = 8;
    let folder = folder("report-many");
    let file = folder.join("report");
    let runs: Vec<_> = (0..RUNS)
        .map(|i| {
            emu(&["--report"])
                .arg(&file)
                .arg(program("family", GUESTS[i as usize % 3]))
                .arg(CHILDREN.to_string())
                .spawn()
                .expect("emu")
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().expect("emu");
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stderr(&output), "");
    }
    // Half of the children execute the program anew.
    let records = records(&file);
    let of = |kind: &str| -> Vec<&Value> { records.iter().filter(|r| r["kind"] == kind).collect() };
    let (options, requests) = (of("prctl"), of("ioctl"));
    assert_eq!(options.len() as u64, RUNS * CHILDREN);
    assert_eq!(requests.len() as u64, RUNS * CHILDREN);
    assert_eq!(records.len() as u64, 2 * RUNS * CHILDREN);
    assert!(options.iter().all(|r| r["count"] == 3));
    assert!(requests.iter().all(|r| r["count"] == 2));
    let pids: std::collections::BTreeSet<u64> =
        options.iter().filter_map(|r| r["pid"].as_u64()).collect();
    assert_eq!(pids.len() as u64, RUNS * CHILDREN);

    let merged = emu(&["--report-merge"])
        .arg(&file)
        .arg(&file)
        .stdout(Stdio::piped())
        .output()
        .expect("emu");
    assert_eq!(stderr(&merged), "");
    let sum = text(&merged.stdout);
    // The file was given twice; aarch64 ran twice, the others once.
    let aarch64 = format!("{} (16 processes)", program("family", "aarch64").display());
    assert!(sum.contains(&aarch64), "{sum}");
    let total = sum.split("all programs\n").nth(1).expect("a total");
    let wanted = format!(
        "{:>8}      -  EINVAL       prctl option 0x7777",
        2 * RUNS * CHILDREN * 3
    );
    assert!(total.contains(&wanted), "{total}");
}

#[test]
fn mistakes_have_one_line() {
    let folder = folder("report-mistakes");
    let bad = folder.join("bad");
    std::fs::write(&bad, "{\"program\":\"x\"}\n").expect("written");
    for (arguments, wanted) in [
        (
            vec!["--report-merge"],
            "needs the files that --report wrote".to_owned(),
        ),
        (
            vec!["--report-merge", "/no/such/file"],
            "/no/such/file: No such file".to_owned(),
        ),
        (
            vec!["--report-merge", bad.to_str().expect("UTF-8")],
            format!("{}:1: no text", bad.display()),
        ),
        (
            vec!["--report", "/no/such/folder/x", "prog"],
            "/no/such/folder/x".to_owned(),
        ),
    ] {
        let mut command = emu(&arguments[..arguments.len().min(2)]);
        if arguments.len() > 2 {
            command.arg(program("unknown", "mips"));
        }
        let output = command.output().expect("emu");
        let line = stderr(&output);
        assert!(line.contains(&wanted), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!output.status.success());
    }
}

/// What FreeBSD's calls have numbers for: sysctls, ioctls, operations of `_umtx_op`, filters of kqueue, socket options.
#[test]
fn requests_of_freebsd_are_reported_by_their_numbers() {
    let wanted = [
        ("locks", "_umtx_op operation 0x4d", "EINVAL"),
        (
            "system",
            "__sysctlbyname kern.no_such_node to be read, room for 4 bytes",
            "ENOENT",
        ),
        ("control", "group 'j', number 7", "ENOTTY"),
        (
            "sockets",
            "setsockopt socket option 0x7777 of level 0xffff",
            "ENOPROTOOPT",
        ),
        (
            "sockets",
            "sendmsg control message of level 0xffff, type 77",
            "EINVAL",
        ),
        ("kqueue", "filter (-100)", "EINVAL"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/bin");
    for isa in ["freebsd-aarch64", "freebsd-mips"] {
        for (name, what, result) in wanted {
            let output = emu(&["--report=-"])
                .arg(root.join(isa).join(name))
                .arg("argument")
                .output()
                .expect("emu");
            let report = stderr(&output);
            let line = report.lines().find(|l| l.contains(what));
            let line = line.unwrap_or_else(|| panic!("{isa}: no {what} in {report}"));
            assert!(line.contains(result), "{line}");
        }
    }
}
