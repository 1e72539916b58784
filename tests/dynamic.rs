//! Dynamically linked programs of FreeBSD: `-L` finds the interpreter and the files that it opens, what the kernel hands over is
//! what a dynamic linker relies on, and debuggers learn of the libraries. The linker is one of our own
//! (`tests/guests/dynamic/rtld.c`), which checks just that.

mod client;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with the linker and the library, for `-L`; and the program. `name` tells the folders apart.
fn root(isa: &str, name: &str) -> (PathBuf, PathBuf) {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/guests/dynamic/bin")
        .join(isa);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dynamic-{isa}-{name}"));
    let _ = std::fs::remove_dir_all(&root);
    for (folder, file) in [("libexec", "ld-elf.so.1"), ("lib", "libthing.so.1")] {
        std::fs::create_dir_all(root.join(folder)).expect("a folder under target/tmp");
        std::fs::copy(programs.join(file), root.join(folder).join(file)).expect("copy");
    }
    (root, programs.join("program"))
}

fn start(isa: &str, engine: &str) {
    let (root, program) = root(isa, engine);
    let output = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["--engine", engine, "-L"])
        .arg(&root)
        .arg(program)
        .arg("argument")
        .output()
        .expect("emu");
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        printed, "ld-elf.so.1: all is as it should be\nprogram: entered\n",
        "{isa}, {engine}: {said}"
    );
    assert_eq!(output.status.code(), Some(5), "{isa}, {engine}: {said}");
}

#[test]
fn aarch64() {
    start("aarch64", "jit");
    start("aarch64", "interp");
}

#[test]
fn mips() {
    start("mips", "jit");
    start("mips", "interp");
}

#[test]
fn mipsel() {
    start("mipsel", "jit");
    start("mipsel", "interp");
}

/// The prompt over the program, with these lines on its input.
fn prompt(isa: &str, name: &str, input: &str) -> Output {
    let (root, program) = root(isa, name);
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .arg("-i")
        .arg("-L")
        .arg(&root)
        .arg(program)
        .arg("argument")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("emu");
    let mut lines = child.stdin.take().expect("its input");
    lines.write_all(input.as_bytes()).expect("it reads");
    drop(lines);
    child.wait_with_output().expect("it ends")
}

/// FreeBSD's `struct link_map` has a word more on MIPS.
#[test]
fn the_prompt_lists_the_libraries() {
    for isa in ["aarch64", "mips", "mipsel"] {
        let input = "catch syscall utrace\nrun\ninfo sharedlibrary\n";
        let output = prompt(isa, "list", input);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            printed.lines().any(|l| l.ends_with("/lib/libthing.so.1")),
            "{isa}: {printed}"
        );
    }
}

#[test]
fn a_breakpoint_waits_for_its_library() {
    let input = "break thing_works\nrun\nbt 1\ninfo breakpoints\ncontinue\nrun\n";
    let output = prompt("aarch64", "pending", input);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        printed.contains("Breakpoint 1 (thing_works) pending."),
        "{printed}"
    );
    let stops = printed.matches("Breakpoint 1, ").count();
    assert_eq!(stops, 2, "one in each run: {printed}");
    assert!(
        printed.contains("thing_works () from /lib/libthing.so.1"),
        "{printed}"
    );
    assert!(printed.contains("exited with code 05"), "{printed}");
}

#[test]
fn whether_a_breakpoint_waits_is_set() {
    let input = "set breakpoint pending off\nbreak nothing\nset breakpoint pending auto\nbreak *0\nbreak nothing\ninfo breakpoints\n";
    let output = prompt("aarch64", "setting", input);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed.matches("pending.").count(), 1, "{printed}");
    assert!(printed.contains("<PENDING>"), "{printed}");
    // A static program loads nothing, ever.
    let program = client::program("freebsd-aarch64", "crew");
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .arg("-i")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("emu");
    let mut lines = child.stdin.take().expect("its input");
    lines.write_all(b"break nothing\n").expect("it reads");
    drop(lines);
    let output = child.wait_with_output().expect("it ends");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!printed.contains("pending"), "{printed}");
}

/// What a gdb sees that does not know FreeBSD: it asks for the plain list, and is told when that changes.
#[test]
fn a_debugger_is_told_of_libraries() {
    let (root, program) = root("aarch64", "packets");
    let root = root.to_str().expect("a path");
    let guest = client::Guest::start("libraries", &["-L", root], &program, &["argument"]);
    let mut gdb = guest.connect();
    let empty = "l<library-list>\n</library-list>\n";
    assert_eq!(gdb.ask("qXfer:libraries:read::0,1000"), empty);
    let stop = gdb.ask("vCont;c");
    assert!(stop.contains("library:;"), "{stop}");
    let list = gdb.ask("qXfer:libraries:read::0,1000");
    let address = list
        .split_once("<library name=\"/lib/libthing.so.1\"><segment address=\"0x")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(address, _)| address.to_owned());
    let address = address.unwrap_or_else(|| panic!("{list}"));
    assert_eq!(gdb.ask(&format!("m{address},4")), "7f454c46");
    // The breakpoint there is nobody's: a step passes it, and leads on.
    let place = stopped_at(&mut gdb);
    let stop = gdb.ask("vCont;s");
    assert!(
        stop.starts_with("T05") && !stop.contains("library"),
        "{stop}"
    );
    assert_ne!(stopped_at(&mut gdb), place);
    assert_eq!(gdb.ask("vCont;c"), "W05");

    // One of the debugger's own in the same place is told as well. The linker comes there twice, and first with a list at work.
    let guest = client::Guest::start("libraries-2", &["-L", root], &program, &["argument"]);
    let mut gdb = guest.connect();
    assert_eq!(gdb.ask("qXfer:libraries:read::0,1000"), empty);
    assert_eq!(gdb.ask(&format!("Z0,{place:x},4")), "OK");
    for wanted in ["", "library:;", ""] {
        let stop = gdb.ask("vCont;c");
        assert_eq!(stopped_at(&mut gdb), place, "{stop}");
        assert!(stop.contains(wanted), "{stop}");
        if wanted.is_empty() {
            assert!(!stop.contains("library"), "{stop}");
            assert_eq!(gdb.ask(&format!("z0,{place:x},4")), "OK");
            assert!(gdb.ask("vCont;s").starts_with("T05"));
            assert_ne!(stopped_at(&mut gdb), place);
            assert_eq!(gdb.ask(&format!("Z0,{place:x},4")), "OK");
        }
    }
    assert_eq!(gdb.ask("vCont;c"), "W05");
}

/// The PC of the thread that has stopped.
fn stopped_at(gdb: &mut client::Client) -> u64 {
    const PC: &str = "p20";
    let hex = gdb.ask(PC);
    u64::from_str_radix(&hex, 16).expect("hex").swap_bytes()
}
