//! The prompt over real guests: through pipes, scripts and JSON.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `emu OPTIONS examples/bin/ISA/tour` with these lines on its input.
fn run(isa: &str, options: &[&str], input: &str) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(options)
        .arg(format!("examples/bin/{isa}/tour"))
        .current_dir(root)
        .env("XDG_STATE_HOME", std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that ends early does not read it all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Text with what differs from run to run made equal: process ids, and addresses on the stack, which depend on the environment.
fn stable(isa: &str, text: &[u8]) -> String {
    let stack = match isa {
        "aarch64" => 0x1000_0000_0000..0x2000_0000_0000,
        _ => 0x7000_0000u64..0x8000_0000,
    };
    let text = String::from_utf8_lossy(text);
    let mut out = String::new();
    let mut rest = &*text;
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..]
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(rest.len() - at - 2);
        let value = u64::from_str_radix(&rest[at + 2..at + 2 + digits], 16).unwrap_or(0);
        out += &rest[..at];
        out += if stack.contains(&value) {
            "STACK"
        } else {
            &rest[at..at + 2 + digits]
        };
        rest = &rest[at + 2 + digits..];
    }
    out += rest;
    let mut result = String::new();
    for line in out.split_inclusive('\n') {
        match line.split_once("(process ") {
            Some((head, tail)) => {
                let end = tail.find(')').unwrap_or(0);
                result += &format!("{head}(process N{}", &tail[end..]);
            }
            None => result += line,
        }
    }
    result
}

const SESSION: &str = "\
break square
run
backtrace 2
info args
print number
finish
next
break measure if shape->corner[1].x == 4
delete 1
continue
print *shape
print &shape->corner[2]
ptype struct shape
next
next
info locals
print shape->corner[1].x * 2 + sizeof(struct point)
up
print triangle.name
print greeting
print v
info line
list 24,26
tbreak work
break factorial
info breakpoints
continue
kill
";

/// The whole session, line for line.
fn golden(isa: &str) {
    let out = run(isa, &["-i"], SESSION);
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    assert_eq!(out.status.code(), Some(0));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/prompt/session.{isa}"));
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    let got = stable(isa, &out.stdout);
    assert!(
        got == want,
        "{} differs; the session was:\n{got}",
        path.display()
    );
}

#[test]
fn a_session_on_aarch64() {
    golden("aarch64");
}

#[test]
fn a_session_on_big_endian_mips() {
    golden("mips");
}

#[test]
fn scripts_end_with_the_first_error() {
    let dir = std::env::temp_dir().join(format!("emu-prompt-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let script = dir.join("script");
    std::fs::write(
        &script,
        "# a comment\nbreak main\nrun\nprint nosuch\necho never\\n\n",
    )
    .unwrap();
    let out = run("aarch64", &["-x", script.to_str().unwrap()], "");
    assert_eq!(out.status.code(), Some(1));
    let (text, errors) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    assert!(text.contains("Breakpoint 1, main ("), "{text}");
    assert!(!text.contains("never"), "{text}");
    assert!(
        errors.contains("No symbol \"nosuch\"") && errors.contains("script:4"),
        "{errors}"
    );
    std::fs::remove_dir_all(&dir).unwrap();
    let out = run("aarch64", &["-x", "/nonexistent/script"], "");
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("/nonexistent/script: No such file"));
}

#[test]
fn evaluated_commands_and_the_status_of_quit() {
    let out = run(
        "mips",
        &[
            "--eval",
            "break square",
            "--eval",
            "run",
            "--eval",
            "print number * 2",
        ],
        "",
    );
    assert_eq!(out.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&out.stdout).ends_with("$1 = 14\n"));
    let out = run(
        "mips",
        &["--eval", "run", "--eval", "quit $_exitcode + 1"],
        "",
    );
    assert_eq!(out.status.code(), Some(11));
    // An error in a pipe does not end it, but its status tells.
    let out = run("mips", &["-i"], "nonsense\necho on\\n\n");
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stdout).contains("on\n"));
    assert!(String::from_utf8_lossy(&out.stderr).contains("Undefined command: \"nonsense\""));
}

#[test]
fn answers_are_lines_of_json() {
    let input = "break square\nrun\nprint number\nbacktrace\ninfo registers\nnonsense\nx/2xw $sp\ninfo threads\n";
    let out = run("mips", &["-i", "--json"], input);
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8_lossy(&out.stdout);
    let answers: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(answers.len(), 8, "{text}");
    assert_eq!(answers[0]["data"]["addresses"][0], 0x4006c0);
    assert_eq!(answers[1]["data"]["stopped"], "breakpoint");
    assert_eq!(answers[1]["data"]["frame"]["args"]["number"], 7);
    assert_eq!(answers[1]["data"]["frame"]["line"], 24);
    assert_eq!(answers[2]["data"]["value"], 7);
    assert_eq!(answers[3]["data"]["frames"][1]["function"], "main");
    assert_eq!(answers[4]["data"]["registers"]["r4"]["hex"], "0x7");
    assert_eq!(answers[5]["ok"], false);
    assert!(
        answers[5]["error"]
            .as_str()
            .unwrap()
            .contains("Undefined command")
    );
    assert_eq!(answers[6]["data"]["values"].as_array().unwrap().len(), 2);
    assert_eq!(answers[7]["data"]["threads"][0]["selected"], true);
}

/// Lines of the answers that contain one of these.
fn lines_with<'t>(text: &'t str, parts: &[&str]) -> Vec<&'t str> {
    // Source lines begin with their number.
    let wanted = |l: &&str| {
        !l.starts_with(|c: char| c.is_ascii_digit()) && parts.iter().any(|p| l.contains(p))
    };
    text.lines().filter(wanted).collect()
}

#[test]
fn a_program_is_started_anew() {
    // From a breakpoint, after its end, after it was killed; with the arguments of the command line and others.
    let input = "break square\nrun\nset $kept = 5\nprint number\nrun\ninfo breakpoints\ndelete\ncontinue\nprint $_exitcode\n\
        run\nstart\nkill\nbacktrace\nshow args\nset args 'two words' more\nstart\nprint argc\nprint argv[1]\n\
        print $kept + $1\nrun > /dev/null\nstart\nprint argc\n";
    for isa in ["aarch64", "mips"] {
        let out = run(isa, &["-i"], input);
        let text = String::from_utf8_lossy(&out.stdout);
        let told = lines_with(
            &text,
            &[
                "Breakpoint 1,",
                "already hit",
                "exited",
                "killed",
                "$",
                "hello",
                "Argument",
            ],
        );
        let told = told.join("\n");
        let told = stable(isa, told.as_bytes());
        let pointer = told.split("$4 = ").nth(1).and_then(|t| t.split(' ').next());
        let told = told.replace(pointer.unwrap_or("?"), "STACK");
        assert_eq!(
            told,
            "Breakpoint 1, square (number=7) at examples/tour.c:24\n\
             $1 = 7\n\
             Breakpoint 1, square (number=7) at examples/tour.c:24\n\
             \tbreakpoint already hit 1 time\n\
             hello\n\
             [Inferior 1 (process N) exited with code 012]\n\
             $2 = 10\n\
             hello\n\
             [Inferior 1 (process N) exited with code 012]\n\
             [Inferior 1 (process N) killed]\n\
             Argument list to give program being debugged when it is started is \"\".\n\
             $3 = 3\n\
             $4 = STACK \"two words\"\n\
             $5 = 12\n\
             [Inferior 1 (process N) exited with code 012]\n\
             $6 = 1",
            "{text}"
        );
        let errors = String::from_utf8_lossy(&out.stderr);
        assert_eq!(errors, "the program has ended\n");
    }
}

#[test]
fn a_program_that_cannot_be_started_is_told_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let start = |program: &str| {
        let out = Command::new(env!("CARGO_BIN_EXE_emu"))
            .args(["-i", program])
            .current_dir(root)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (
            out.status.code(),
            String::from_utf8_lossy(&out.stderr).into_owned(),
        )
    };
    let (status, errors) = start("/nonexistent/program");
    assert_eq!(status, Some(127), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    let (status, errors) = start("Cargo.toml");
    assert_eq!(status, Some(126), "{errors}");
}

#[test]
fn a_guest_that_is_let_go_runs_on() {
    let out = run("aarch64", &["-i"], "break square\nrun\ndetach\n");
    // Its own status, and all of its output.
    assert_eq!(out.status.code(), Some(10));
    assert!(String::from_utf8_lossy(&out.stdout).contains("threads add up to 25"));
}

#[test]
fn a_wrong_combination_is_refused() {
    let out = run("aarch64", &["-i", "-g", "0"], "");
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("-g and -i exclude each other"));
}
