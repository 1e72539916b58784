//! Real debuggers against the mock. They are not everywhere: `cargo test -p emu-stub --test debuggers -- --ignored` runs these
//! where gdb-multiarch and lldb (`EMU_TEST_LLDB`, default `lldb-19`) are installed.

mod mock;

use std::process::Command;

use emu_stub::*;
use mock::{DATA, Mock, PID, insn};

/// Serves a mock to one debugger; returns what it printed, how the session ended, and the mock.
fn debug(
    make: impl FnOnce() -> Mock + Send + 'static,
    debugger: impl FnOnce(u16) -> Command,
) -> (String, Ended) {
    let listener = Listener::bind(&Endpoint::Tcp("127.0.0.1:0".into())).unwrap();
    let Endpoint::Tcp(addr) = listener.endpoint().unwrap() else {
        unreachable!()
    };
    let port = addr.rsplit(':').next().unwrap().parse().unwrap();
    let server = std::thread::spawn(move || {
        let mut mock = make();
        Server::default().serve(&mut mock, listener.accept().unwrap())
    });
    let output = debugger(port).output().expect("the debugger is installed");
    let text = [output.stdout, output.stderr].concat();
    (
        String::from_utf8_lossy(&text).into_owned(),
        server.join().unwrap(),
    )
}

fn gdb(port: u16, commands: &[&str]) -> Command {
    let mut c = Command::new("gdb-multiarch");
    c.args(["-q", "-nx", "-batch", "-ex"]);
    c.arg(format!("target remote 127.0.0.1:{port}"));
    for command in commands {
        c.args(["-ex", command]);
    }
    c
}

fn lldb(port: u16, commands: &[&str]) -> Command {
    let program = std::env::var("EMU_TEST_LLDB").unwrap_or("lldb-19".into());
    let mut c = Command::new(program);
    c.args(["--no-lldbinit", "--batch", "-o"]);
    c.arg(format!("gdb-remote 127.0.0.1:{port}"));
    for command in commands {
        c.args(["-o", command]);
    }
    c
}

fn check(text: &str, expected: &[&str]) {
    let mut rest = text;
    for line in expected {
        let Some(at) = rest.find(line) else {
            panic!("{line:?} is missing, or out of order, in:\n{text}");
        };
        rest = &rest[at + line.len()..];
    }
}

fn toy() -> Mock {
    let mut mock = Mock::with_code(&[
        insn::NOP,
        insn::ADD_X0_1,
        insn::STR_X0_X1,
        insn::NOP,
        insn::ADD_X0_1,
        insn::SVC,
    ]);
    mock.set(PID, 1, DATA + 0x10);
    mock.set(PID, 8, 93);
    mock
}

#[test]
#[ignore = "needs gdb-multiarch"]
fn gdb_over_aarch64() {
    let (text, ended) = debug(toy, |port| {
        gdb(
            port,
            &[
                "info threads",
                "stepi",
                "p $pc",
                "p $v1.d.u[0] = 3",
                "p $v1.b.u[0]",
                "p $cpsr = 0x60000000",
                "p $cpsr",
                "watch *(long *)0x500010",
                "c",
                "b *0x400014 if $x0 == 2",
                "c",
                "find 0x400000,+64,(char)0x1f",
                "info auxv",
                "info proc mappings",
                "info sharedlibrary",
                "monitor help",
                "c",
            ],
        )
    });
    check(
        &text,
        &[
            "Thread 100.100 \"toy<100>\" (stopped)",
            "Thread 100.101 \"toy<101>\" (stopped)",
            "= (void (*)()) 0x400004",
            "= 3",
            "= 3",
            "= [ C Z ]",
            "Hardware watchpoint",
            "Old value = 0",
            "New value = 1",
            "hit Breakpoint",
            "2 patterns found",
            "AT_ENTRY",
            "r-xp   /bin/toy",
            "/lib/libtoy.so",
            "exited with code 02",
            // On standard error, which comes after.
            "what a command does",
        ],
    );
    assert_eq!(ended, Ended::Exited);
}

#[test]
#[ignore = "needs gdb-multiarch"]
fn gdb_over_big_endian_mips() {
    let (text, ended) = debug(
        || Mock::new(mock::mips_be()),
        |port| {
            let mut c = Command::new("gdb-multiarch");
            // Without an executable nobody else tells gdb the byte order.
            c.args(["-q", "-nx", "-batch", "-ex", "set endian big", "-ex"]);
            c.arg(format!("target remote 127.0.0.1:{port}"));
            for command in [
                "p/x $pc",
                "p/x $ra = 0x12345678",
                "p $f4 = 1.5",
                "p $f4",
                "x/i $pc",
                "stepi",
                "set var *(int *)0x500000 = 0x01020304",
                "x/4xb 0x500000",
                "p/x $ra",
                "detach",
            ] {
                c.args(["-ex", command]);
            }
            c
        },
    );
    check(
        &text,
        &[
            "= 0x400000",
            "= 0x12345678",
            "= 1.5",
            "= 1.5",
            "nop",
            "0x00400004",
            "0x01\t0x02\t0x03\t0x04",
            "= 0x12345678",
            "detached",
        ],
    );
    assert_eq!(ended, Ended::Detached);
}

#[test]
#[ignore = "needs lldb"]
fn lldb_over_aarch64() {
    let (text, ended) = debug(toy, |port| {
        lldb(
            port,
            &[
                "thread list",
                "register read pc v0",
                "thread step-inst",
                "watchpoint set expression -w write -s 8 -- 0x500010",
                "breakpoint set -a 0x400010",
                "continue",
                "continue",
                "memory region 0x400000",
                "register write x3 77",
                "expression -- int $i = 5; $i + 3",
                "expr (int)$x3 + 1",
                "continue",
            ],
        )
    });
    check(
        &text,
        &[
            "thread #2: tid = 101",
            "pc = 0x0000000000400000",
            "stop reason = instruction step into",
            "stop reason = watchpoint 1",
            "stop reason = breakpoint 1.1",
            "[0x0000000000400000-0x0000000000410000) r-x /root/bin/toy",
            "(int) $1 = 8",
            "(int) $2 = 78",
            "exited with status = 2",
        ],
    );
    assert_eq!(ended, Ended::Exited);
}

#[test]
#[ignore = "needs lldb"]
fn lldb_over_big_endian_mips() {
    let (text, ended) = debug(
        || Mock::new(mock::mips_be()),
        |port| {
            lldb(
                port,
                &[
                    "register read pc",
                    "thread step-inst",
                    "memory write -s 4 0x500000 0x01020304",
                    "memory read -s 1 -f x -c 4 0x500000",
                    "process detach",
                ],
            )
        },
    );
    check(
        &text,
        &[
            "pc = 0x00400000",
            "stop reason = instruction step into",
            "0x01 0x02 0x03 0x04",
            "detached",
        ],
    );
    assert_eq!(ended, Ended::Detached);
}
