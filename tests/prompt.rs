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

/// Runs `emu -i` on the guest program `inspected` with these lines on its input.
fn inspect(isa: &str, program: &str, options: &[&str], input: &str) -> Output {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests");
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(options)
        .arg("-i")
        .arg(Path::new("bin").join(isa).join(program))
        .current_dir(guests)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
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
        // Of several threads that run there whichever comes first.
        let line = &line.replace("Thread 3 \"", "Thread 2 \"");
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

/// What a session printed is what `tests/prompt/NAME.ISA` has.
fn assert_recorded(isa: &str, name: &str, stdout: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/prompt/{name}.{isa}"));
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    let got = stable(isa, stdout);
    assert!(
        got == want,
        "{} differs; the session was:\n{got}",
        path.display()
    );
}

/// The whole session, line for line.
fn golden(isa: &str) {
    let out = run(isa, &["-i"], SESSION);
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    assert_eq!(out.status.code(), Some(0));
    assert_recorded(isa, "session", &out.stdout);
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

const INLINED: &str = "\
break triple
info breakpoints
run
backtrace
up
info locals
up
info frame
frame 0
info frame
finish
delete
tbreak work
run
step
step
step
backtrace 3
finish
next
next
tbreak inspected.c:19
run
backtrace 2
";

/// Frames of inlined functions, in optimised code.
fn inlined(isa: &str) {
    let out = inspect(isa, "inspected", &[], INLINED);
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    assert_recorded(isa, "inlined", &out.stdout);
}

#[test]
fn inlined_functions_have_frames_on_aarch64() {
    inlined("aarch64");
}

#[test]
fn inlined_functions_have_frames_on_mips() {
    inlined("mips");
}

/// What `print` says of each of these expressions, at the first call of `square`.
fn printed(isa: &str, expressions: &[&str]) -> Vec<String> {
    let lines: String = expressions.iter().map(|e| format!("print {e}\n")).collect();
    let out = inspect(
        isa,
        "inspected",
        &[],
        &format!("break square\nrun\n{lines}"),
    );
    let text = String::from_utf8_lossy(&out.stdout);
    let values = text.lines().filter(|l| l.starts_with('$'));
    values
        .map(|l| l.split_once(" = ").map_or("", |v| v.1).to_owned())
        .collect()
}

#[test]
fn functions_are_called_with_every_kind_of_argument() {
    let cases = [
        ("square(12)", "144"),
        ("add_long(-1, -2, 0x100000000)", "4294967293"),
        ("scale(2.5, 4)", "10"),
        ("halve(3)", "1.5"),
        ("mean(1, 2.0, 3)", "2"),
        ("many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", "385"),
        ("doubles(1, 2, 3, 4, 5, 6, 7, 8, 9)", "285"),
        ("length(\"twelve chars\")", "12"),
        ("swapped(pair)", "{x = 4, y = 3}"),
        ("widened(pair)", "{a = 3, b = 4, c = 7}"),
        ("narrowed(wide)", "321"),
        ("doubled(floats)", "{x = 1, y = 3, z = 5}"),
        ("mixed_up(mixed, 3)", "{n = 10, d = 3.75}"),
        ("first(small)", "196"),
        ("swapped(swapped(pair)).x + square(square(2))", "19"),
        ("count()", "void"),
        // The frame is as it was.
        ("n", "1"),
        ("$sp == $sp && sink == sink", "1"),
    ];
    for isa in ["aarch64", "mips"] {
        let expressions: Vec<&str> = cases.iter().map(|c| c.0).collect();
        let values: Vec<&str> = cases.iter().map(|c| c.1).collect();
        assert_eq!(printed(isa, &expressions), values, "{isa}");
    }
}

#[test]
fn calls_that_do_not_return_are_told() {
    let input = "break square\nrun\nset $before = $sp\nprint fails(0)\nbacktrace 3\nset unwindonsignal on\n\
        print square(3)\nprint fails(0)\nfinish\nup 2\nprint n\ndelete\ntbreak length\nprint length(\"abc\")\nfinish\n\
        print $sp < $before\nset var $x = 0\nprint ends(3)\nrun\n";
    for isa in ["aarch64", "mips"] {
        let out = inspect(isa, "inspected", &[], input);
        let text = String::from_utf8_lossy(&out.stdout);
        let errors = String::from_utf8_lossy(&out.stderr);
        for part in [
            "Program received signal SIGSEGV",
            "#0  fails (where=0x0)",
            "#1  <function called from the prompt>",
            "#2  square (n=1)",
            "Breakpoint 1, square (n=3)",
            "Value returned is $1 = 9",
            "$2 = 1",
            "Value returned is $3 = 3",
            "exited with code 03",
            "fields 5 -3 300",
        ] {
            assert!(
                text.contains(part),
                "{isa}: no '{part}' in {text}\n{errors}"
            );
        }
        for part in [
            "remains in the frame where the signal was received",
            "stopped while in a function called from the prompt",
            "has restored the context to what it was before the call",
            "exited while in a function called from the prompt",
        ] {
            assert!(
                errors.contains(part),
                "{isa}: no '{part}' in {errors}\n{text}"
            );
        }
    }
}

#[test]
fn each_thread_has_its_own_variables() {
    let input = "print own_number\nbreak both_are_there\nrun\nprint own_number\nprint own_pair\n\
        thread apply all print own_number\nset var own_pair.y = 77\nprint own_pair\nthread 1\nprint own_pair\n";
    for isa in ["aarch64", "mips"] {
        let out = inspect(isa, "inspected", &[], input);
        let text = String::from_utf8_lossy(&out.stdout);
        let values: Vec<&str> = text.lines().filter(|l| l.starts_with('$')).collect();
        assert_eq!(
            values,
            [
                "$1 = 2",
                "$2 = {x = 30, y = 40}",
                "$3 = 2",
                "$4 = 1",
                "$5 = {x = 30, y = 77}",
                "$6 = {x = 10, y = 20}"
            ],
            "{isa}: {text}"
        );
        assert!(
            text.contains("Thread 2 \"inspected\" hit Breakpoint 1"),
            "{text}"
        );
    }
}

#[test]
fn bit_fields_are_assigned() {
    let input = "print fields\nset var fields.low = 2\nset var fields.negative = -16\nset var fields.middle = 511\n\
        set var fields.long_one = 0xfedcba9876\nprint fields\nset var fields.low = 9\nprint fields.low\nprint fields.byte\n";
    for isa in ["aarch64", "mips"] {
        let out = inspect(isa, "inspected", &[], input);
        assert_eq!(
            String::from_utf8_lossy(&out.stdout),
            "$1 = {low = 5, negative = -3, middle = 300, byte = 119 'w', long_one = 78187493530}\n\
             $2 = {low = 2, negative = -16, middle = 511, byte = 119 'w', long_one = 1094624909430}\n\
             warning: Value does not fit in 3 bits.\n$3 = 1\n$4 = 119 'w'\n",
            "{isa}"
        );
    }
}

#[test]
fn debugging_information_is_compressed_or_elsewhere() {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/bin");
    let root = std::env::temp_dir().join(format!("emu-debug-{}", std::process::id()));
    for isa in ["aarch64", "mips"] {
        let told = |program: &str, options: &[&str]| {
            let out = inspect(
                isa,
                program,
                options,
                "break triple\nrun\nbacktrace 3\nprint fields\n",
            );
            String::from_utf8_lossy(&out.stdout).replace(program, "inspected")
        };
        let plain = told("inspected", &[]);
        assert!(
            plain.contains("#2  work (k=1) at debug/inspected.c"),
            "{plain}"
        );
        // inspected-stripped has a link to inspected.debug, which is beside it.
        for program in ["inspected-zlib", "inspected-zstd", "inspected-stripped"] {
            assert_eq!(told(program, &[]), plain, "{isa} {program}");
        }
        // By the identity of the build, below the prefix; without it, nothing is known.
        let file = std::fs::read(guests.join(isa).join("inspected-stripped")).unwrap();
        let elf = goblin::elf::Elf::parse(&file).unwrap();
        let mut notes = elf
            .iter_note_sections(&file, Some(".note.gnu.build-id"))
            .unwrap();
        let id = notes.next().unwrap().unwrap().desc;
        let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
        let folder = root.join("usr/lib/debug/.build-id").join(&hex[..2]);
        std::fs::create_dir_all(&folder).unwrap();
        let program = root.join("alone");
        std::fs::write(&program, &file).unwrap();
        std::fs::set_permissions(
            &program,
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let alone = program.to_str().unwrap();
        let prefix = format!("-L={}", root.display());
        let nothing = told(alone, &[&prefix]);
        assert!(!nothing.contains("inspected.c"), "{nothing}");
        std::fs::copy(
            guests.join(isa).join("inspected.debug"),
            folder.join(format!("{}.debug", &hex[2..])),
        )
        .unwrap();
        assert_eq!(told(alone, &[&prefix]), plain, "{isa}");
    }
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn the_programs_descriptors_are_its_own() {
    for isa in ["aarch64", "mips"] {
        let out = inspect(
            isa,
            "inspected",
            &[],
            "info files\nbreak square\nrun\nrun\ninfo files\n",
        );
        let text = String::from_utf8_lossy(&out.stdout);
        // What this test inherited may be there, but nothing that the emulator has opened.
        assert!(
            text.contains("O_RDONLY") && !text.contains("O_CLOEXEC"),
            "{text}"
        );
    }
}

#[test]
fn programs_that_it_executes_are_debugged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (isa, other) in [("aarch64", "mips"), ("mips", "aarch64")] {
        let tour = root.join("examples/bin").join(other).join("tour");
        let input = format!(
            "break square\nset args {}\nrun\ncatch exec\ncontinue\ncontinue\nbreak factorial\n\
             continue\nrun\ninfo breakpoints\nset args /nonexistent\nrun\ncontinue\n",
            tour.display()
        );
        let out = inspect(isa, "inspected", &[], &input);
        let text = String::from_utf8_lossy(&out.stdout);
        let mut rest = &text[..];
        for part in [
            "Breakpoint 1, square (n=2)",
            "is executing new program",
            "Catchpoint 2 (exec'd ",
            "Breakpoint 1, square (number=7)",
            "Breakpoint 3, factorial (n=5)",
            // The first program again, which has no factorial.
            "Error in re-setting breakpoint 3",
            "Breakpoint 1, square (n=2)",
            "<PENDING>",
            // An execve that fails is none.
            "Breakpoint 1, square (n=2)",
            "exited with code 01",
        ] {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => panic!("{isa}: no '{part}' after the others in {text}"),
            }
        }
    }
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
fn functions_are_left_at_once() {
    for isa in ["aarch64", "mips"] {
        let input = "break factorial if n == 3\nrun\nreturn 77\ncontinue\n";
        let out = run(isa, &["-i"], input);
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(
            text.contains("#0  0x") && text.contains("in factorial (n=4)"),
            "{text}"
        );
        // 77 * 4 * 5
        assert!(text.contains("factorial of 5 is 1540"), "{text}");
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

/// Forks, vforks and programs: the prompt stays with the one that it is told to.
#[test]
fn forks_and_programs_are_followed() {
    const CAUGHT: &str = "catch fork\ncatch vfork\ncatch exec\nrun\ncontinue\ncontinue\nbreak in_child\ncontinue\nprint n\ncontinue\n";
    const CHILD: &str = "set follow-fork-mode child\nbreak in_child\nrun\nprint n\ncontinue\nrun\n";
    const VFORK: &str = "break in_parent\nrun\ndelete\nset follow-fork-mode child\nbreak in_child\ncontinue\nprint n\ncontinue\n";
    for isa in ["aarch64", "mips"] {
        for (script, expected) in [
            (
                CAUGHT,
                &[
                    "Catchpoint 1 (forked process ",
                    "[Detaching after fork from child process ",
                    "Catchpoint 2 (vforked process ",
                    "[Detaching after vfork from child process ",
                    "is executing new program: ",
                    "Catchpoint 3 (exec'd ",
                    "Breakpoint 4, in_child (n=21)",
                    "$1 = 21",
                    "exited with code 052]",
                ][..],
            ),
            (
                CHILD,
                &[
                    "[Attaching after process ",
                    "[Detaching after fork from parent process ",
                    "Breakpoint 1, in_child (n=5)",
                    "$1 = 5",
                    "exited with code 03]",
                    "[Attaching after process ",
                ][..],
            ),
            (
                VFORK,
                &[
                    "Breakpoint 1, in_parent (n=768)",
                    "[Detaching after vfork from parent process ",
                    "is executing new program: ",
                    "Breakpoint 2, in_child (n=21)",
                    "$1 = 21",
                    "exited with code 052]",
                ][..],
            ),
        ] {
            let output = inspect(isa, "relatives", &[], script);
            let text = String::from_utf8_lossy(&output.stdout);
            let mut rest = &*text;
            for part in expected {
                let Some(at) = rest.find(part) else {
                    panic!("{isa}: no {part:?} in its place in:\n{text}");
                };
                rest = &rest[at + part.len()..];
            }
        }
    }
}
