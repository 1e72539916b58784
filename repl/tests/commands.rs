//! The commands over a scripted inferior.

#[path = "../../stub/tests/mock/mod.rs"]
mod mock;

use emu_repl::{COMMANDS, Session, execute};
use emu_stub::{Inferior, RegisterRole, Stop, StopReason};
use mock::{CODE, DATA, Mock, PID, insn};

/// A prompt over a mock.
struct Shell {
    mock: Mock,
    session: Session,
}

impl Shell {
    fn new(mock: Mock) -> Shell {
        Shell {
            mock,
            session: Session::new(),
        }
    }

    /// What a line answers; an error's text after "error: ".
    fn run(&mut self, line: &str) -> String {
        let mut out = String::new();
        if let Err(e) = execute(&mut self.mock, &mut self.session, line, &mut out) {
            out += &format!("error: {e}");
        }
        out.trim_end().to_owned()
    }

    fn pc(&self) -> u64 {
        self.mock.pc(PID)
    }
}

fn shell(code: &[u32]) -> Shell {
    Shell::new(Mock::with_code(code))
}

#[test]
fn every_command_has_a_unique_name_and_help() {
    let mut names = std::collections::HashSet::new();
    let mut shell = shell(&[insn::NOP]);
    for c in COMMANDS {
        assert!(names.insert(c.name), "{} stands twice", c.name);
        for alias in c.aliases {
            assert!(names.insert(alias), "{alias} stands twice");
        }
        assert!(
            !c.summary.is_empty() && !c.summary.ends_with('.'),
            "{}",
            c.name
        );
        let help = shell.run(&format!("help {}", c.name));
        assert!(help.contains(c.summary), "help {}: {help}", c.name);
    }
    assert!(shell.run("help").contains("backtrace"));
    assert!(shell.run("help info").contains("info registers"));
}

#[test]
fn abbreviations_are_those_of_gdb() {
    let mut shell = shell(&[insn::NOP; 64]);
    for (short, part) in [
        ("i r pc", "0x400000"),
        ("inf reg pc", "0x400000"),
        ("p 1", "= 1"),
        ("i b", "No breakpoints"),
        ("info breakp", "No breakpoints"),
        ("i th", "Thread 100"),
    ] {
        let answer = shell.run(short);
        assert!(answer.contains(part), "{short}: {answer}");
    }
    assert!(shell.run("zzz").contains("Undefined command: \"zzz\""));
    assert!(shell.run("st").contains("Ambiguous command"));
    assert!(shell.run("info zzz").contains("Undefined info command"));
}

#[test]
fn instructions_are_stepped_and_breakpoints_stop() {
    let mut shell = shell(&[insn::ADD_X0_1; 32]);
    assert!(shell.run("si").contains("0x0000000000400004"));
    shell.run("stepi 3");
    assert_eq!(shell.pc(), CODE + 16);
    assert_eq!(shell.run("break *0x400020"), "Breakpoint 1 at 0x400020");
    assert!(shell.run("c").contains("hit Breakpoint 1, "));
    assert_eq!(shell.pc(), CODE + 0x20);
    // The breakpoint that it stands at is passed.
    shell.run("tbreak *0x400030");
    shell.run("continue");
    assert_eq!(shell.pc(), CODE + 0x30);
    let info = shell.run("info breakpoints");
    assert!(
        info.contains("0x0000000000400020") && info.contains("already hit 1 time"),
        "{info}"
    );
    assert!(!info.contains("0x0000000000400030"), "{info}");
    assert!(shell.run("delete 7").contains("No breakpoint number 7."));
    shell.run("delete");
    assert_eq!(
        shell.run("info breakpoints"),
        "No breakpoints or watchpoints."
    );
}

#[test]
fn conditions_ignore_counts_and_commands() {
    // x0 counts up from 0, in a loop of its own: each instruction adds one.
    let mut shell = shell(&[insn::ADD_X0_1; 64]);
    for (at, condition) in [(0x400010, "$x0 == 100"), (0x400020, "$x0 == 8")] {
        shell.run(&format!("break *{at:#x} if {condition}"));
    }
    shell.run("c");
    assert_eq!(shell.pc(), CODE + 0x20);
    shell.run("break *0x400030");
    shell.run("ignore 3 1");
    shell.run("break *0x400040");
    shell.run("commands 4");
    shell.run("silent");
    shell.run("print $x0");
    shell.run("end");
    assert_eq!(shell.run("c"), "$1 = 16");
    assert_eq!(shell.pc(), CODE + 0x40);
    // A condition with a mistake is refused at once, one that cannot be evaluated stops.
    assert!(shell.run("break *0x400050 if $x0 ==").contains("error"));
    shell.run("break *0x400050 if nothing == 1");
    let answer = shell.run("c");
    assert!(
        answer.contains("Error in testing condition") && answer.contains("Breakpoint"),
        "{answer}"
    );
}

#[test]
fn watchpoints_show_old_and_new_values() {
    let mut shell = shell(&[insn::ADD_X0_1, insn::STR_X0_X1, insn::NOP, insn::NOP]);
    shell.run(&format!("set $x1 = {DATA:#x}"));
    assert_eq!(
        shell.run(&format!("watch *(long *) {DATA:#x}")),
        format!("Hardware watchpoint 1: *(long *) {DATA:#x}")
    );
    let answer = shell.run("c");
    assert!(answer.contains("Old value = 0\nNew value = 1"), "{answer}");
    // The access has been made: the thread is behind it.
    assert_eq!(shell.pc(), CODE + 8);
    assert!(shell.run("watch $x0").contains("not in memory"));
}

#[test]
fn signals_are_told_handled_and_passed() {
    let mut shell = shell(&[insn::UDF]);
    let answer = shell.run("c");
    assert!(
        answer.contains("received signal SIGILL, Illegal instruction."),
        "{answer}"
    );
    // It goes with the signal, which ends it.
    assert!(
        shell
            .run("c")
            .contains("Program terminated with signal SIGILL")
    );
    assert!(
        shell
            .run("info registers")
            .contains("the program has ended")
    );
    let mut shell = self::shell(&[insn::NOP, insn::LOOP]);
    assert!(
        shell
            .run("handle SIGUSR1 nostop noprint")
            .contains("SIGUSR1      No    No     Yes")
    );
    shell.run("si");
    assert!(shell.mock.passed.contains(&10), "{:?}", shell.mock.passed);
    assert!(shell.run("handle NONSENSE stop").contains("Unrecognized"));
}

#[test]
fn an_exit_is_told_and_remembered() {
    let mut shell = shell(&[insn::ADD_X0_1, insn::SVC]);
    shell.run("set $x8 = 93");
    let answer = shell.run("run");
    assert!(answer.contains("exited with code 01"), "{answer}");
    assert_eq!(shell.run("print $_exitcode"), "$1 = 1");
    assert!(shell.run("step").contains("the program has ended"));
}

#[test]
fn system_calls_are_caught() {
    let mut shell = shell(&[insn::NOP, insn::SVC, insn::NOP]);
    shell.run("set $x8 = 64");
    assert_eq!(shell.run("catch syscall 64"), "Catchpoint 1 (syscall 64)");
    assert!(
        shell
            .run("catch syscall nonsense")
            .contains("Unknown syscall name")
    );
    let answer = shell.run("c");
    assert!(
        answer.contains("Catchpoint 1 (call to syscall 64), "),
        "{answer}"
    );
}

#[test]
fn registers_are_marked_when_they_change() {
    let mut shell = shell(&[insn::ADD_X0_1; 8]);
    shell.run("si");
    shell.run("si");
    let info = shell.run("info registers");
    assert!(info.contains("*x0 "), "{info}");
    assert!(info.contains(" x1 "), "{info}");
    assert!(
        shell
            .run("info registers nosuch")
            .contains("Invalid register")
    );
    assert!(shell.run("i r v0").contains("f32 {0, 0, 0, 0}"));
}

#[test]
fn expressions_read_and_write() {
    let mut shell = shell(&[insn::NOP; 8]);
    for (line, answer) in [
        ("print 6 * 7", "$1 = 42"),
        ("print/x $", "$2 = 0x2a"),
        ("print/t 5", "$3 = 101"),
        ("print/c 65", "$4 = 65 'A'"),
        ("print 7 / 2.0", "$5 = 3.5"),
        ("print $1 + $2", "$6 = 84"),
        ("print 1 ? 2 : 3", "$7 = 2"),
        ("print \"hi\"", "$8 = \"hi\""),
        ("print sizeof(long)", "$9 = 8"),
        ("print (char) 97", "$10 = 97 'a'"),
        ("print -1 < 0u", "$11 = 0"),
        ("print 5 / 0", "error: Division by zero"),
        (
            "print nosuch",
            "error: No symbol \"nosuch\" in current context.",
        ),
        ("print $nosuch", "$12 = void"),
        ("set $count = 3", ""),
        ("print $count++", "error: the expression ends too early"),
        ("set $count += 2", ""),
        ("print $count", "$13 = 5"),
    ] {
        assert_eq!(shell.run(line), answer, "{line}");
    }
    shell.run(&format!("set {{int}} {DATA:#x} = 0x11223344"));
    assert_eq!(
        shell.run(&format!("x/xw {DATA:#x}")),
        format!("{DATA:#x}:\t0x11223344")
    );
    assert_eq!(
        shell.run(&format!("x/4xb {DATA:#x}")),
        format!("{DATA:#x}:\t0x44\t0x33\t0x22\t0x11")
    );
    assert_eq!(
        shell.run(&format!("print *(unsigned char *) {DATA:#x} @ 2")),
        "$14 = \"D3\""
    );
    shell.run("set $x3 = 0x55");
    assert_eq!(shell.run("print $x3"), "$15 = 85");
    assert_eq!(shell.run("print $w3"), "$16 = 85");
    assert!(shell.run("x/xw 0").contains("cannot access memory at 0x0"));
    assert!(shell.run("set 1 = 2").contains("error"));
}

#[test]
fn a_big_endian_machine_is_read_right() {
    let mut shell = Shell::new(Mock::new(mock::mips_be()));
    shell.run(&format!("set {{int}} {DATA:#x} = 0x11223344"));
    assert_eq!(
        shell.run(&format!("x/4xb {DATA:#x}")),
        format!("{DATA:#x}:\t0x11\t0x22\t0x33\t0x44")
    );
    assert_eq!(
        shell.run(&format!("p/x *(short *) {DATA:#x}")),
        "$1 = 0x1122"
    );
    assert_eq!(shell.run("p sizeof(long)"), "$2 = 4");
    assert_eq!(shell.run("p/x -1"), "$3 = 0xffffffff");
}

#[test]
fn threads_are_numbered_and_selected() {
    let mut shell = shell(&[insn::NOP; 8]);
    let info = shell.run("info threads");
    assert!(info.contains("* 1 ") && info.contains("  2 "), "{info}");
    assert!(
        shell
            .run("thread 2")
            .contains("Switching to thread 2 (Thread 101)")
    );
    assert!(shell.run("thread 9").contains("Unknown thread 9."));
    let all = shell.run("thread apply all print $pc");
    assert_eq!(all.matches(" (Thread ").count(), 2, "{all}");
    // The selection is kept.
    assert!(shell.run("thread").contains("Current thread is 2"));
}

#[test]
fn what_an_inferior_cannot_do_is_said() {
    let mut mock = Mock::with_code(&[insn::NOP]);
    mock.capabilities = Default::default();
    let mut shell = Shell::new(mock);
    for line in [
        "continue",
        "step",
        "stepi",
        "break *0x400000",
        "watch *(int *) 0x500000",
        "catch fork",
        "run",
        "calls",
        "stats",
        "core x",
    ] {
        let answer = shell.run(line);
        assert!(
            answer.starts_with("error: not supported: "),
            "{line}: {answer}"
        );
    }
    assert!(shell.run("info registers pc").contains("0x400000"));
    assert!(shell.run("x/2xw 0x400000").contains("0xd503201f"));
}

#[test]
fn other_stops_are_reported() {
    let mut shell = shell(&[insn::NOP; 8]);
    for (reason, part) in [
        (StopReason::Interrupted, "Program stopped."),
        (
            StopReason::InternalError("it broke".into()),
            "Internal error of the emulator: it broke",
        ),
        (
            StopReason::EndOfRecording { beginning: true },
            "The beginning of the recording.",
        ),
    ] {
        shell.mock.script.push(Stop {
            pid: PID,
            tid: PID,
            reason,
        });
        let answer = shell.run("c");
        assert!(answer.contains(part), "{answer}");
    }
}

#[test]
fn points_are_disabled_or_deleted_when_they_are_hit() {
    let mut shell = shell(&[insn::ADD_X0_1; 64]);
    shell.run("break *0x400010");
    shell.run("break *0x400020");
    shell.run("enable once 1");
    shell.run("enable delete 2");
    let info = shell.run("info breakpoints");
    assert!(
        info.contains(" dis  y ") && info.contains(" del  y "),
        "{info}"
    );
    shell.run("c");
    let info = shell.run("info breakpoints");
    assert!(
        info.contains(" keep n ") && info.contains(" del  y "),
        "{info}"
    );
    shell.run("c");
    assert_eq!(shell.pc(), 0x40_0020);
    assert!(!shell.run("info breakpoints").contains("0x0000000000400020"));
    shell.run(&format!("watch *(int *) {DATA:#x}"));
    let info = shell.run("info watchpoints");
    assert!(
        info.contains("hw watchpoint") && !info.contains("0x400010"),
        "{info}"
    );
    // Away from a breakpoint a count is told to be of no use, and it goes on.
    shell.run("delete");
    shell.run("tbreak *0x400030");
    let answer = shell.run("continue 3");
    assert!(answer.contains("argument ignored"), "{answer}");
    assert_eq!(shell.pc(), 0x40_0030);
}

#[test]
fn displays_are_of_what_is_in_scope() {
    let mut shell = shell(&[insn::NOP; 16]);
    assert!(shell.run("display nosuch").contains("No symbol \"nosuch\""));
    assert_eq!(
        shell.run("info display"),
        "There are no auto-display expressions now."
    );
    assert_eq!(shell.run("display/x $x0"), "1: /x $x0 = 0x0");
    shell.run("disable display 1");
    assert!(!shell.run("si").contains("$x0"));
    shell.run("enable display");
    assert!(shell.run("si").contains("1: /x $x0 = 0x0"));
}

#[test]
fn what_was_examined_last_has_a_name() {
    let mut shell = shell(&[insn::NOP; 16]);
    shell.run(&format!("set {{int}} {:#x} = 77", DATA + 4));
    shell.run(&format!("x/2dw {DATA:#x}"));
    assert_eq!(shell.run("print $__"), "$1 = 77");
    assert_eq!(shell.run("print/x $_"), format!("$2 = {:#x}", DATA + 4));
}

#[test]
fn printf_and_the_shell_serve_scripts() {
    let mut shell = shell(&[insn::NOP; 16]);
    for (line, answer) in [
        (
            r#"printf "%d %5u|%-5d|%05d\n", 1, 2, 3, 4"#,
            "1     2|3    |00004",
        ),
        (
            r#"printf "%x %#x %c %s %%", 255, 255, 65, "a, b""#,
            "ff 0xff A a, b %",
        ),
        (r#"printf "%lu %d", 5000000000, -1"#, "5000000000 -1"),
        (r#"printf "%.2f %g", 2, 1.5"#, "2.00 1.5"),
        (
            r#"printf "%d""#,
            "error: Bad format string, missing arguments.",
        ),
        (
            r#"printf "x", 1"#,
            "error: Wrong number of arguments for specified format-string",
        ),
        (
            r#"printf %d, 1"#,
            "error: Bad format string: it stands in double quotes.",
        ),
        ("!echo one two", "one two"),
        ("shell exit 3", ""),
        ("print $_shell_exitcode", "$1 = 3"),
        ("show listsize", "listsize is \"10\"."),
    ] {
        assert_eq!(shell.run(line), answer, "{line}");
    }
    shell.run("set listsize 3");
    assert!(shell.run("show").contains("listsize: \"3\""));
    assert!(
        shell
            .run("set listsize none")
            .starts_with("error: listsize: takes a number")
    );
    assert!(
        shell
            .run("cd /nonexistent")
            .contains("/nonexistent: No such file")
    );
}

/// A stop of the mock's process.
fn stop(reason: StopReason) -> Stop {
    Stop {
        pid: PID,
        tid: PID,
        reason,
    }
}

#[test]
fn forks_are_caught_and_followed() {
    let fork = |pid| StopReason::Fork { pid, tid: pid };
    let vfork = |pid| StopReason::VFork { pid, tid: pid };
    let mut shell = shell(&[insn::NOP; 64]);
    assert_eq!(shell.run("catch fork"), "Catchpoint 1 (fork)");
    shell.run("break *0x400040");
    shell.mock.script = vec![stop(fork(200))];
    let answer = shell.run("c");
    assert!(
        answer.contains("Catchpoint 1 (forked process 200), "),
        "{answer}"
    );
    // Both are there until it goes on.
    assert!(shell.mock.detached.is_empty());
    let answer = shell.run("c");
    assert!(
        answer.contains("[Detaching after fork from child process 200]"),
        "{answer}"
    );
    assert_eq!(shell.mock.detached, [200]);
    assert_eq!(shell.pc(), 0x40_0040);
    // One that is not caught is no stop; the mode counts when it goes on.
    assert_eq!(
        shell.run("show follow-fork-mode"),
        "follow-fork-mode is \"parent\"."
    );
    shell.run("set follow-fork-mode child");
    shell.mock.script = vec![stop(vfork(201)), stop(StopReason::Exited(0))];
    let answer = shell.run("c");
    assert!(
        answer.contains("[Attaching after process 100 vfork to child process 201]"),
        "{answer}"
    );
    assert_eq!(shell.mock.detached, [200, PID]);
    assert_eq!(shell.mock.selected, 201);
    let plan = shell.mock.plans.last().unwrap();
    assert_eq!(plan.threads[0].0, 201);
    // The breakpoint is the child's now.
    assert!(shell.mock.breakpoints.contains_key(&(0x40_0040, false)));
    assert!(
        shell
            .run("set follow-fork-mode both")
            .contains("parent, child")
    );
    assert!(
        shell
            .run("set detach-on-fork off")
            .contains("one process is debugged")
    );
}

#[test]
fn an_exec_is_caught_and_breakpoints_go_where_they_can() {
    let mut shell = shell(&[insn::NOP; 64]);
    shell.run("catch exec");
    shell.run("break *0x400040");
    shell.run("watch *(int *) 0x500000");
    shell.run("display/x $pc");
    shell.mock.script = vec![stop(StopReason::Exec("/bin/other".into()))];
    let answer = shell.run("c");
    for part in [
        "process 100 is executing new program: /bin/other",
        "Breakpoint 2 deleted: it was at an address of the old program.",
        "Watchpoint 3 deleted",
        "Catchpoint 1 (exec'd /bin/other), ",
        "1: /x $pc = ",
    ] {
        assert!(answer.contains(part), "no '{part}' in {answer}");
    }
    let info = shell.run("info breakpoints");
    assert!(
        info.contains("exec") && !info.contains("0x0000000000400040"),
        "{info}"
    );
}

#[test]
fn what_is_not_reported_cannot_be_caught() {
    let mut shell = shell(&[insn::NOP]);
    shell.mock.capabilities.fork_events = false;
    shell.mock.capabilities.exec_events = false;
    for (line, why) in [
        ("catch fork", "forks are not reported here"),
        ("catch vfork", "forks are not reported here"),
        ("catch exec", "execs are not reported here"),
        ("set follow-fork-mode child", "forks are not reported here"),
    ] {
        let answer = shell.run(line);
        assert!(
            answer.contains("not supported: ") && answer.contains(why),
            "{answer}"
        );
    }
    assert_eq!(shell.run("set follow-fork-mode parent"), "");
}

#[test]
fn a_line_of_rubbish_is_an_error_and_no_panic() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut shell = shell(&[insn::NOP; 64]);
    let words = [
        "$x0", "(", ")", "*", "&", "/", "x", "0x500000", "{int}", "[", "]", "1", "-", "@", "\"",
        "'", "$", ".", "->", "=", "if", ":", ",", "é", "\\",
    ];
    for _ in 0..5000 {
        let command = COMMANDS[rng.usize(..COMMANDS.len())];
        // Those would end the session or write files.
        if matches!(
            command.name,
            "quit"
                | "kill"
                | "detach"
                | "core"
                | "dump"
                | "source"
                | "shell"
                | "cd"
                | "tui"
                | "monitor"
                | "thread apply"
        ) {
            continue;
        }
        let mut line = command.name.to_owned();
        for _ in 0..rng.usize(..6) {
            line += [" ", ""][rng.usize(..2)];
            line += words[rng.usize(..words.len())];
        }
        // Something that would loop for ever stops at once.
        shell.mock.script.push(Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::Step,
        });
        shell.run(&line);
        shell.run("end");
        shell.mock.set_role(PID, RegisterRole::Pc, CODE);
        assert!(!shell.mock.threads().is_empty());
    }
}

#[test]
fn monitor_has_the_commands_that_do_not_resume() {
    let mut mock = Mock::with_code(&[insn::NOP; 8]);
    let mut monitor =
        emu_stub::monitor::Monitor::new(&[COMMANDS], Box::new(Session::for_monitor()));
    let help = monitor.run(&mut mock, "help");
    assert_eq!(help.matches("help [COMMAND]").count(), 1, "{help}");
    assert!(
        help.contains("info registers") && !help.contains("continue"),
        "{help}"
    );
    assert!(monitor.run(&mut mock, "info reg pc").contains("0x400000"));
    assert_eq!(monitor.run(&mut mock, "print 6 * 7"), "$1 = 42\n");
    // The program moves between the commands.
    mock.set_role(PID, RegisterRole::Pc, CODE + 4);
    assert!(monitor.run(&mut mock, "info reg pc").contains("0x400004"));
    for line in ["stepi", "break *0x400004", "thread apply all stepi"] {
        let answer = monitor.run(&mut mock, line);
        assert!(answer.contains("debugger"), "{line}: {answer}");
    }
    assert!(mock.plans.is_empty());
}
