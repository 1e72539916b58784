//! What a debugger sees, packet by packet.

mod client;
mod mock;

use client::{Client, bodies, frame};
use emu_stub::*;
use mock::{CODE, DATA, Mock, PID, insn};

fn toy() -> Mock {
    Mock::with_code(&[
        insn::NOP,
        insn::ADD_X0_1,
        insn::STR_X0_X1,
        insn::NOP,
        insn::SVC,
        insn::LOOP,
    ])
}

fn hex(text: &str) -> String {
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> String {
    let byte = |i| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
    String::from_utf8((0..text.len()).step_by(2).map(byte).collect()).unwrap()
}

#[test]
fn acknowledgements_until_they_are_switched_off() {
    let mut mock = toy();
    let mut c = Client::new(&mut mock);
    assert_eq!(c.raw_bytes(b"$qC#b4"), b"+$QC64#fe");
    assert_eq!(c.raw_bytes(b"-"), b"+$QC64#fe");
    assert_eq!(c.raw_bytes(b"$qC#00"), b"-");
    assert_eq!(c.raw_bytes(b"+"), b"");
    assert_eq!(c.raw_bytes(&frame(b"QStartNoAckMode")), b"+$OK#9a");
    assert_eq!(c.raw_bytes(b"$qC#b4"), b"$QC64#fe");
    // Nobody would send it again: taken as it is.
    assert_eq!(c.raw_bytes(b"$qC#00"), b"$QC64#fe");
}

#[test]
fn negotiation_offers_what_the_inferior_can_do() {
    let mut mock = toy();
    let reply = Client::new(&mut mock).ask("qSupported:multiprocess+;qRelocInsn+");
    for feature in [
        "PacketSize=40000",
        "vContSupported+",
        "multiprocess+",
        "QStartNoAckMode+",
        "swbreak+",
        "hwbreak+",
        "QCatchSyscalls+",
        "QPassSignals+",
        "ConditionalBreakpoints+",
        "fork-events+",
        "exec-events+",
        "qXfer:features:read+",
        "qXfer:auxv:read+",
        "qXfer:exec-file:read+",
        "qXfer:libraries-svr4:read+",
        "qXfer:siginfo:read+",
        "qXfer:threads:read+",
        "binary-upload+",
    ] {
        assert!(
            reply.split(';').any(|f| f == feature),
            "{feature} in {reply}"
        );
    }
    assert_eq!(reply.matches("PacketSize").count(), 1);
    mock.capabilities = Capabilities::default();
    let reply = Client::new(&mut mock).ask("qSupported:multiprocess+");
    for absent in [
        "QCatchSyscalls",
        "fork-events",
        "auxv",
        "siginfo",
        "swbreak",
        "binary-upload",
    ] {
        assert!(!reply.contains(absent), "{absent} in {reply}");
    }
}

#[test]
fn registers_one_by_one_and_together() {
    let mut mock = toy();
    mock.set(PID + 1, 0, 0x1122);
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("P3=8877665544332211"), "OK");
    assert_eq!(c.ask("p3"), "8877665544332211");
    assert_eq!(c.ask("p20"), "0000400000000000");
    assert_eq!(c.ask("Hgp64.65"), "OK");
    assert_eq!(c.ask("p0"), "2211000000000000");
    let all = c.ask("g");
    assert!(all.starts_with("2211000000000000"));
    assert_eq!(all.len(), 2 * (33 * 8 + 4 + 32 * 16 + 8 + 8));
    assert_eq!(
        c.ask(&format!("G{}", all.replacen("2211", "4433", 1))),
        "OK"
    );
    assert_eq!(c.mock().get(PID + 1, 0), 0x3344);
    // Not a register, not its size, no digits, not all of them.
    for bad in [
        "p1000",
        "P3=1122",
        "P3=xx77665544332211",
        "P3",
        "G00",
        "Gxx",
        "pxx",
        "p",
    ] {
        assert!(c.ask(bad).starts_with('E'), "{bad}");
    }
    c.mock().unavailable.insert(33);
    assert_eq!(c.ask("p21"), "xxxxxxxx");
    assert!(c.ask("g").contains("xxxxxxxx"));
}

#[test]
fn registers_are_in_the_target_order() {
    let mut mock = Mock::new(mock::mips_be());
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("p25"), "00400000");
    assert_eq!(c.ask("P1f=12345678"), "OK");
    assert_eq!(c.mock().get(PID, 31), 0x12345678);
    assert!(c.ask("?").contains("25:00400000;"));
    // The address of `s ADDR` goes to the PC in that order too.
    c.ask("s500000");
    assert_eq!(c.mock().pc(PID), 0x500004);
}

#[test]
fn memory_up_to_a_hole() {
    let mut mock = toy();
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("M500000,4:01020304"), "OK");
    assert_eq!(c.ask("m500000,4"), "01020304");
    assert_eq!(c.ask("m50fffe,10"), "0000");
    assert_eq!(c.ask("m0,10"), "E0e");
    assert_eq!(c.ask("mffffffffffffffff,2"), "E0e");
    assert_eq!(c.ask("m500000,0"), "");
    // As much as a reply can hold, and no more.
    assert_eq!(c.ask("m500000,ffffffffffffffff").len(), 2 * 0x10000);
    assert_eq!(c.ask_bytes(b"X500000,3:}\x03}]\x03"), b"OK");
    assert_eq!(c.ask("m500000,4"), "237d0304");
    assert_eq!(c.ask_bytes(b"x500000,3"), b"b#}\x03");
    assert_eq!(c.ask("X500000,0:"), "OK");
    // The length has to be right, and every digit one.
    for bad in [
        "M500000,4:010203",
        "M500000,1:xx",
        "X500000,2:a",
        "M500000",
        "m500000",
        "m,",
        "Mg,1:00",
    ] {
        assert_eq!(c.ask(bad), "E16", "{bad}");
    }
    // Nothing is written where not all of it can be.
    assert_eq!(c.ask("M50fffe,4:01020304"), "E0e");
    assert_eq!(c.ask("m50fffe,2"), "0000");
}

#[test]
fn search_and_checksum() {
    let mut mock = toy();
    let at = 0x8ffd;
    mock.memory[1].1[at..at + 9].copy_from_slice(b"123456789");
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("qSearch:memory:500000;10000;12345"), "1,508ffd");
    assert_eq!(c.ask("qSearch:memory:508ffe;1002;12345"), "0");
    assert_eq!(c.ask("qSearch:memory:500000;10001;none"), "E0e");
    assert_eq!(c.ask("qSearch:memory:500000;10;"), "E16");
    // CRC-32/MPEG-2 has these parameters; its check value for "123456789" is 0376e6e7.
    assert_eq!(c.ask("qCRC:508ffd,9"), "C376e6e7");
    assert_eq!(c.ask("qCRC:500000,ffffffffffffffff"), "E16");
}

#[test]
fn a_match_across_chunks_is_found() {
    let mut mock = toy();
    let big = vec![0; 0x30000];
    mock.memory
        .push((0x1000_0000, big, Permissions::default(), ""));
    let at = 0x20000 - 2;
    mock.memory[3].1[at..at + 4].copy_from_slice(b"abcd");
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("qSearch:memory:10000000;30000;abcd"), "1,1001fffe");
}

#[test]
fn steps_breakpoints_and_the_end() {
    let mut mock = toy();
    mock.set(PID, 1, DATA + 0x10);
    let mut c = Client::gdb(&mut mock);
    let stop = c.ask("?");
    assert!(stop.starts_with("T05"), "{stop}");
    assert!(stop.contains("thread:p64.64;"), "{stop}");
    assert!(stop.contains("20:0000400000000000;"), "{stop}");
    assert_eq!(c.ask("vCont?"), "vCont;c;C;s;S;r");
    assert!(
        c.ask("vCont;s:p64.64;c:p64.-1")
            .contains("20:0400400000000000;")
    );
    assert_eq!(c.ask("Z0,40000c,4"), "OK");
    assert!(c.ask("vCont;c").contains("swbreak:;"));
    assert_eq!(c.mock().pc(PID), CODE + 12);
    assert_eq!(c.ask("z0,40000c,4"), "OK");
    assert!(c.mock().breakpoints.is_empty());
    assert_eq!(c.ask("Z1,400010,4"), "OK");
    assert!(c.ask("vCont;c:p64.-1").contains("hwbreak:;"));
    c.mock().set(PID, 8, 93);
    c.mock().set(PID, 0, 42);
    assert_eq!(c.ask("vCont;c"), "W2a;process:64");
    assert_eq!(c.ended, Some(Ended::Exited));
}

#[test]
fn watchpoints_and_ranges() {
    let mut mock = toy();
    mock.set(PID, 1, DATA + 0x10);
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("Z2,500014,4"), "OK");
    assert!(c.ask("vCont;c").contains(";watch:500014;"));
    assert_eq!(c.mock().pc(PID), CODE + 8);
    assert!(
        c.ask("vCont;r400004,400010:p64.64;c:p64.-1")
            .starts_with("T05")
    );
    assert_eq!(c.mock().pc(PID), CODE + 16);
    assert_eq!(c.ask("z2,500014,4"), "OK");
    assert!(c.mock().watchpoints.is_empty());
    assert_eq!(c.ask("Z4,500014,0"), "E16");
    assert_eq!(c.ask("Z3,fffffffffffffff8,10"), "E16");
    // An empty range is a step.
    c.mock().set(PID, 8, 1);
    c.ask("vCont;r0,0:p64.64");
    assert_eq!(
        c.mock().plans.last().unwrap().threads,
        [(PID, Resume::Step { signal: None })]
    );
}

#[test]
fn every_form_of_vcont() {
    let go = |signal| Resume::Continue { signal };
    let step = |signal| Resume::Step { signal };
    let plan = |threads: &[_], others| ResumePlan {
        threads: threads.to_vec(),
        others,
        process: None,
    };
    let other = PID + 1;
    for (packet, expected) in [
        ("vCont;c", plan(&[], Some(go(None)))),
        ("vCont;s", plan(&[], Some(step(None)))),
        ("vCont;C1e", plan(&[], Some(go(Some(10))))),
        ("vCont;C00", plan(&[], Some(go(None)))),
        ("vCont;c:p64.65", plan(&[(other, go(None))], None)),
        ("vCont;c:-1", plan(&[], Some(go(None)))),
        ("vCont;s:64;c", plan(&[(PID, step(None))], Some(go(None)))),
        (
            "vCont;S1e:64;c:p64.-1",
            ResumePlan {
                process: Some(PID),
                ..plan(&[(PID, step(Some(10)))], Some(go(None)))
            },
        ),
        // The leftmost action that matches counts.
        (
            "vCont;c:65;s:65;s",
            plan(&[(other, go(None))], Some(step(None))),
        ),
        ("vCont;c;s:65", plan(&[], Some(go(None)))),
        // 0 is any thread: the selected one.
        ("vCont;s:0", plan(&[(PID, step(None))], None)),
        // Told to stay.
        ("vCont;t:65;c", plan(&[(PID, go(None))], None)),
        (
            "vCont;r400000,400004:64",
            plan(
                &[(
                    PID,
                    Resume::StepRange {
                        start: CODE,
                        end: CODE + 4,
                    },
                )],
                None,
            ),
        ),
    ] {
        let mut mock = toy();
        mock.script.push(Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::Step,
        });
        let mut c = Client::gdb(&mut mock);
        assert!(c.ask(packet).starts_with('T'), "{packet}");
        assert_eq!(c.mock().plans, [expected], "{packet}");
    }
    let mut mock = toy();
    let mut c = Client::gdb(&mut mock);
    for bad in [
        "vCont;",
        "vCont",
        "vCont;t",
        "vCont;x",
        "vCont;c:zz",
        "vCont;c:p64.99",
        "vCont;c:p65.64",
        "vCont;C",
        "vCont;C100",
        "vCont;Cff",
        "vCont;r4,0:64",
        "vCont;r4:64",
        "vCont;cc",
        "vCont;s:77",
        "Hg-2",
        "Hcp64",
        "Hgffffffffff",
        "s:",
        "c,",
        "Cxx",
        "vKill",
        "vKill;",
        "D;99",
        "vAttach;1",
    ] {
        let reply = c.ask(bad);
        assert!(
            reply.starts_with('E') || bad.starts_with("Hcp64"),
            "{bad}: {reply}"
        );
    }
    assert!(c.mock().plans.is_empty());
    // What ends gdbstub's session by itself.
    for hazard in ["g;thread:7;", "Hg-1", "T0", "vCont;c:1"] {
        c.ask(hazard);
    }
    assert!(c.raw(b"-").is_empty());
    assert_eq!(c.ask("qC"), "QCp64.64");
}

#[test]
fn old_resume_packets_follow_hc() {
    let mut mock = toy();
    let mut c = Client::gdb(&mut mock);
    c.ask("Hcp64.65");
    c.ask("s");
    assert_eq!(
        c.mock().plans.pop().unwrap(),
        ResumePlan {
            threads: vec![(PID + 1, Resume::Step { signal: None })],
            ..ResumePlan::default()
        }
    );
    c.ask("Hc-1");
    c.ask("S1e");
    let plan = c.mock().plans.pop().unwrap();
    assert_eq!(plan.threads, [(PID + 1, Resume::Step { signal: Some(10) })]);
    assert_eq!(plan.others, Some(Resume::Continue { signal: None }));
}

#[test]
fn ctrl_c_stops_a_running_guest() {
    let mut mock = Mock::with_code(&[insn::LOOP]);
    let mut c = Client::gdb(&mut mock);
    assert!(c.raw(&frame(b"vCont;c")).is_empty());
    assert!(c.session.is_running());
    // Meanwhile only what makes sense is answered, and nothing is lost.
    assert_eq!(c.ask("m400000,4"), "E10");
    assert_eq!(c.ask("vCont;c"), "E10");
    let replies = c.raw(b"\x03");
    assert!(replies[0].starts_with(b"T02"), "{replies:?}");
    assert!(!c.session.is_running());
    // One that crosses with the stop is not an error, and not remembered.
    assert!(c.raw(b"\x03").is_empty());
    assert!(c.raw(&frame(b"c")).is_empty());
    assert!(c.session.is_running());
}

/// Stops for SIGUSR1, SIGBUS and the first real-time signal after the C library's.
fn signalled() -> Mock {
    let mut mock = toy();
    mock.script = [10, 7, 34]
        .map(|n| Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::Signal(n),
        })
        .to_vec();
    mock
}

#[test]
fn signals_are_mapped_both_ways() {
    let mut mock = signalled();
    let mut c = Client::gdb(&mut mock);
    assert!(c.ask("c").starts_with("T1e"));
    assert!(c.ask("C1e").starts_with("T0a"));
    assert_eq!(
        c.mock().plans.last().unwrap().threads,
        [(PID, Resume::Continue { signal: Some(10) })]
    );
    assert!(c.ask("c").starts_with("T2e"));
    assert_eq!(c.ask("QPassSignals:e;1e;14;ff"), "OK");
    assert_eq!(c.mock().passed, [14, 10, 20]);
    assert_eq!(c.ask("QPassSignals:"), "OK");
    assert!(c.mock().passed.is_empty());
    assert_eq!(c.ask("vCont;Cb"), "X0b;process:64");
    assert_eq!(c.ended, Some(Ended::Exited));
}

#[test]
fn lldb_has_signals_by_the_systems_numbers() {
    // lldb takes a server that knows QThreadSuffixSupported for its own, whose numbers are the system's.
    let mut mock = signalled();
    let mut c = Client::lldb(&mut mock);
    assert!(c.ask("c").starts_with("T0a"));
    assert!(c.ask("C0a").starts_with("T07"));
    assert_eq!(
        c.mock().plans.last().unwrap().threads,
        [(PID, Resume::Continue { signal: Some(10) })]
    );
    assert!(c.ask("c").starts_with("T22"));
    assert_eq!(c.ask("QPassSignals:e;a;11;ff"), "OK");
    assert_eq!(c.mock().passed, [14, 10, 20]);
    assert_eq!(c.ask("vCont;Cb"), "X0b");
}

#[test]
fn system_calls_are_caught() {
    let mut mock = toy();
    mock.set(PID, 1, DATA);
    mock.set(PID, 8, 0x40);
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("QCatchSyscalls:1;3f;40"), "OK");
    assert_eq!(c.mock().catch, CatchSyscalls::Only(vec![0x3f, 0x40]));
    assert!(c.ask("c").contains("syscall_entry:40;"));
    c.mock().script.push(Stop {
        pid: PID,
        tid: PID,
        reason: StopReason::SyscallReturn(0x40),
    });
    assert!(c.ask("c").contains("syscall_return:40;"));
    assert_eq!(c.ask("QCatchSyscalls:1"), "OK");
    assert_eq!(c.mock().catch, CatchSyscalls::All);
    assert_eq!(c.ask("QCatchSyscalls:0"), "OK");
    assert_eq!(c.mock().catch, CatchSyscalls::None);
    assert_eq!(c.ask("QCatchSyscalls:2"), "E16");
}

#[test]
fn forks_are_followed_or_let_go() {
    let fork = Stop {
        pid: PID,
        tid: PID,
        reason: StopReason::Fork { pid: 200, tid: 200 },
    };
    let mut mock = toy();
    mock.script.push(fork.clone());
    let mut c = Client::gdb(&mut mock);
    assert!(c.ask("c").contains("fork:pc8.c8;"));
    assert_eq!(c.ask("qfThreadInfo"), "mp64.64,p64.65,pc8.c8");
    assert_eq!(c.ask("Hgpc8.c8"), "OK");
    assert_eq!(c.mock().selected, 200);
    assert_eq!(c.ask("D;c8"), "OK");
    assert_eq!(c.mock().detached, [200]);
    assert_eq!(c.ended, None);
    assert_eq!(c.ask("qfThreadInfo"), "mp64.64,p64.65");

    // A debugger that has not said that it can follow never hears of it.
    let mut mock = Mock::with_code(&[insn::LOOP]);
    mock.script.push(fork);
    let mut c = Client::new(&mut mock);
    assert!(c.raw(&frame(b"C1e")).is_empty());
    assert!(c.session.is_running());
    assert_eq!(c.mock().detached, [200]);
    // The signal was delivered once.
    assert_eq!(
        c.mock().plans[1].threads,
        [(PID, Resume::Continue { signal: None })]
    );
}

#[test]
fn exec_and_internal_errors() {
    let mut mock = toy();
    mock.script = vec![
        Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::Exec("/bin/ls".into()),
        },
        Stop {
            pid: PID,
            tid: PID,
            reason: StopReason::InternalError("no such op".into()),
        },
    ];
    let mut c = Client::gdb(&mut mock);
    assert!(c.ask("c").contains(&format!("exec:{};", hex("/bin/ls"))));
    let replies = c.raw(&frame(b"c"));
    let told = unhex(std::str::from_utf8(&replies[0][1..]).unwrap());
    assert_eq!(told, "emu: internal error: no such op\n");
    assert!(replies[1].starts_with(b"T06"));
}

#[test]
fn documents_in_parts() {
    let mut mock = toy();
    let mut c = Client::gdb(&mut mock);
    let mut xml = String::new();
    loop {
        let part = c.ask(&format!(
            "qXfer:features:read:target.xml:{:x},100",
            xml.len()
        ));
        xml += &part[1..];
        if part.starts_with('l') {
            break;
        }
    }
    assert!(xml.contains("<architecture>aarch64</architecture>"));
    assert!(xml.contains("<osabi>GNU/Linux</osabi>"));
    assert!(xml.contains("<feature name=\"org.gnu.gdb.aarch64.fpu\">"));
    assert!(xml.contains("<reg name=\"pc\" bitsize=\"64\" regnum=\"32\" type=\"code_ptr\""));
    assert_eq!(c.ask("qXfer:features:read:other.xml:0,100"), "E16");
    let auxv = c.ask_bytes(b"qXfer:auxv:read::0,1000");
    assert_eq!(auxv.len(), 1 + 32);
    assert_eq!(c.ask("qXfer:exec-file:read:64:0,100"), "m/bin/toy");
    assert_eq!(c.ask("qXfer:exec-file:read:64:8,100"), "l");
    assert_eq!(c.ask("qXfer:exec-file:read:99:0,100"), "E03");
    let threads = c.ask("qXfer:threads:read::0,1000");
    assert!(
        threads.contains("<thread id=\"p64.65\" name=\"toy&lt;101&gt;\">stopped</thread>"),
        "{threads}"
    );
    let libraries = c.ask("qXfer:libraries-svr4:read:start=1;prev=2:0,1000");
    assert!(libraries.contains("name=\"/lib/libtoy.so\""), "{libraries}");
    assert!(libraries.contains("main-lm=\"0x500100\""), "{libraries}");
    assert!(!c.mock().libraries_reported);
    let libraries = c.ask("qXfer:libraries:read::0,1000");
    assert!(
        libraries.contains("<library name=\"/lib/libtoy.so\"><segment address=\"0x101000\"/>"),
        "{libraries}"
    );
    assert!(c.mock().libraries_reported);
    assert_eq!(c.ask("qXfer:siginfo:write::4:abc"), "3");
    assert_eq!(&c.mock().siginfo[3..8], b"\0abc\0");
    assert_eq!(c.ask_bytes(b"qXfer:siginfo:read::4,3"), b"mabc");
    // A member is read again after it has been changed, without the whole in between.
    assert_eq!(c.ask("qXfer:siginfo:write::5:xy"), "2");
    assert_eq!(c.ask_bytes(b"qXfer:siginfo:read::4,3"), b"maxy");
    assert_eq!(c.ask_bytes(b"qXfer:siginfo:read::0,1000").len(), 129);
    assert_eq!(c.ask("qXfer:siginfo:write::7e:abc"), "E16");
    assert_eq!(c.ask("qXfer:siginfo:write::ffffffffffffffff:abc"), "E16");
    for bad in [
        "qXfer:auxv:read:",
        "qXfer:auxv:read::0",
        "qXfer:auxv:read::x,1",
        "qXfer:features:read",
    ] {
        assert_eq!(c.ask(bad), "E16", "{bad}");
    }
    assert_eq!(c.ask("qXfer:unknown:read::0,10"), "");
    assert_eq!(
        c.ask_bytes(b"qXfer:auxv:read::ffffffffffffffff,ffffffffffffffff"),
        b"l"
    );
}

#[test]
fn files_of_the_guest() {
    let mut mock = toy();
    let mut c = Client::gdb(&mut mock);
    let motd = hex("/etc/motd");
    assert_eq!(c.ask("vFile:setfs:0"), "F0");
    assert_eq!(c.ask(&format!("vFile:open:{motd},0,0")), "F00");
    assert_eq!(
        c.ask_bytes(b"vFile:pread:0,100,2"),
        b"F19;$ and a # and a } and a *"
    );
    assert_eq!(c.ask_bytes(b"vFile:pread:0,4,0"), b"F04;a $ ");
    assert_eq!(c.ask_bytes(b"vFile:pread:0,4,ffff"), b"F00;");
    let stat = c.ask_bytes(b"vFile:fstat:0");
    assert_eq!(&stat[..4], b"F40;");
    assert_eq!(stat.len(), 4 + 64);
    assert_eq!(stat[4 + 8..4 + 12], 0o100444u32.to_be_bytes());
    assert_eq!(stat[4 + 28..4 + 36], 27u64.to_be_bytes());
    assert_eq!(c.ask_bytes(format!("vFile:stat:{motd}").as_bytes()), stat);
    assert_eq!(c.ask("vFile:close:0"), "F0");
    assert_eq!(c.ask("vFile:close:0"), "F-1,09");
    assert_eq!(c.ask(&format!("vFile:open:{},0,0", hex("/none"))), "F-1,02");
    assert_eq!(c.ask(&format!("vFile:open:{motd},1,0")), "F-1,1e");
    assert_eq!(c.ask(&format!("vFile:unlink:{motd}")), "F-1,58");
    assert_eq!(
        c.ask(&format!("vFile:readlink:{}", hex("/proc/100/exe"))),
        "F08;/bin/toy"
    );
    for bad in [
        "vFile:open:",
        "vFile:open:zz,0,0",
        "vFile:pread:0",
        "vFile:pread:0,1,y",
        "vFile:nothing:1",
    ] {
        let reply = c.ask(bad);
        assert!(reply.is_empty() || reply == "E16", "{bad}: {reply}");
    }
    for n in 0..64 {
        assert_eq!(
            c.ask(&format!("vFile:open:{motd},0,0")),
            format!("F{n:02x}")
        );
    }
    assert_eq!(c.ask(&format!("vFile:open:{motd},0,0")), "F-1,18");
}

static COMMANDS: &[Command] = &[
    Command {
        name: "plans",
        aliases: &["pl"],
        usage: "[N]",
        summary: "How often the mock was resumed",
        help: "It counts.",
        class: CommandClass::Inspect,
        run: |c| {
            let n = c.inferior_as::<Mock>().unwrap().plans.len();
            writeln!(c.out, "{n} plans, {}", c.args).map_err(|e| Error::Failed(e.to_string()))
        },
    },
    Command {
        name: "continue",
        aliases: &["c"],
        usage: "",
        summary: "Runs",
        help: "",
        class: CommandClass::RunControl,
        run: |_| unreachable!(),
    },
    Command {
        name: "fail",
        aliases: &[],
        usage: "",
        summary: "Fails",
        help: "",
        class: CommandClass::Inspect,
        run: |_| Err(Error::Unsupported("it is no good")),
    },
];

#[test]
fn monitor_commands() {
    let mut mock = toy();
    let mut c = Client::with_commands(&mut mock, &[COMMANDS]);
    let mut monitor = |line: &str| {
        let replies = c.raw(&frame(format!("qRcmd,{}", hex(line)).as_bytes()));
        let (last, output) = replies.split_last().unwrap();
        assert_eq!(last, b"OK");
        let text = |o: &Vec<u8>| unhex(std::str::from_utf8(&o[1..]).unwrap());
        output.iter().map(text).collect::<String>()
    };
    assert_eq!(monitor("plans 7 "), "0 plans, 7\n");
    assert_eq!(monitor("pl"), "0 plans, \n");
    assert!(monitor("help").contains("How often the mock was resumed"));
    assert!(!monitor("help").contains("continue"));
    assert!(monitor("help plans").contains("It counts."));
    assert!(monitor("c").contains("behind the debugger's back"));
    assert!(monitor("none").contains("Undefined command"));
    assert_eq!(monitor("fail"), "error: not supported: it is no good\n");
    assert!(monitor("").contains("plans"));
    assert_eq!(c.ask("qRcmd,0"), "E16");
}

#[test]
fn lldb_is_told_what_it_asks() {
    let mut mock = toy();
    mock.set(PID + 1, 0, 0x77);
    let mut c = Client::lldb(&mut mock);
    let pid = u64::from(PID) + (1 << 26);
    assert_eq!(c.ask("qC"), format!("QCp{pid:x}.64"));
    let stop = c.ask("?");
    assert!(
        stop.contains("threads:64,65;thread-pcs:400000,400000;reason:trace;"),
        "{stop}"
    );
    let info = c.ask("qProcessInfo");
    assert!(info.starts_with(&format!("pid:{pid:x};")), "{info}");
    assert!(
        info.contains(";ostype:linux;endian:little;ptrsize:8;"),
        "{info}"
    );
    let host = c.ask("qHostInfo");
    assert!(
        host.starts_with(&format!("triple:{};", hex("aarch64-unknown-linux-gnu"))),
        "{host}"
    );
    assert!(
        host.contains("watchpoint_exceptions_received:before;"),
        "{host}"
    );
    assert_eq!(
        c.ask(&format!("p0;thread:p{pid:x}.65;")),
        "7700000000000000"
    );
    assert_eq!(c.ask("p0;thread:64;"), "0000000000000000");
    assert_eq!(
        c.ask("p0;thread:66;"),
        format!("E03;{}", hex("no thread 102"))
    );
    assert!(c.ask("g;thread:65;").starts_with("7700"));
    assert_eq!(c.ask("P0=8800000000000000;thread:65;"), "OK");
    assert_eq!(c.mock().get(PID + 1, 0), 0x88);
    assert_eq!(c.ask("QSaveRegisterState;thread:65;"), "1");
    assert_eq!(c.ask("P0=9900000000000000;thread:65;"), "OK");
    assert_eq!(c.ask("QRestoreRegisterState:1;thread:65;"), "OK");
    assert_eq!(c.mock().get(PID + 1, 0), 0x88);
    assert!(
        c.ask("QRestoreRegisterState:1;thread:65;")
            .starts_with("E16")
    );
    let x0 = c.ask("qRegisterInfo0");
    assert_eq!(
        x0,
        "name:x0;bitsize:64;offset:0;encoding:uint;format:hex;set:core;ehframe:0;dwarf:0;generic:arg1;"
    );
    assert_eq!(c.ask("qRegisterInfo45"), "E45");
    assert_eq!(
        c.ask("qMemoryRegionInfo:400010"),
        format!(
            "start:400000;size:10000;permissions:rx;name:{};",
            hex("/root/bin/toy")
        )
    );
    assert_eq!(
        c.ask("qMemoryRegionInfo:410000"),
        "start:410000;size:f0000;"
    );
    assert_eq!(
        c.ask("qMemoryRegionInfo:ffffffffffffffff"),
        "start:7fff0000+10000;size:".replace("7fff0000+10000", "80000000") + "ffffffff7fffffff;"
    );
    assert_eq!(c.ask("qMemoryRegionInfo"), "OK");
    let threads = c.ask("jThreadsInfo");
    assert!(threads.starts_with("[{\"tid\":100,\"name\":\"toy<100>\",\"reason\":\"trace\",\"signal\":5,\"registers\":{\"32\":\"0000400000000000\""), "{threads}");
    assert!(c.ask("qThreadStopInfo64").starts_with("T05"));
    assert!(c.ask("qThreadStopInfo65").starts_with("T00thread:"));
    assert_eq!(c.ask("x0,0"), "OK");
    assert_eq!(c.ask_bytes(b"x400000,4"), insn::NOP.to_le_bytes());
    assert_eq!(c.ask("_M1000,rwx"), "80000000");
    assert_eq!(c.ask("_m80000000"), "OK");
    assert_eq!(c.ask("qShlibInfoAddr"), "500008");
    assert_eq!(
        c.ask(&format!("qFileLoadAddress:{}", hex("/root/bin/toy"))),
        "400000"
    );
    assert!(
        c.ask("qXfer:libraries-svr4:read::0,1000")
            .contains("/root/lib/libtoy.so")
    );
    let maps = hex(&format!("/proc/{pid}/maps"));
    assert_eq!(c.ask(&format!("vFile:open:{maps},0,0")), "F00");
    assert_eq!(c.ask("vFile:exists:".to_string().as_str()), "F,0");
    assert!(c.ask("vCont;s:64").contains("reason:trace;"));
    assert_eq!(c.ask("k"), "X09");
    assert_eq!(c.ended, Some(Ended::Killed));
    assert!(mock.killed);
}

#[test]
fn a_false_condition_does_not_stop() {
    // x0 counts up; `$x0 == 3`, as gdb 13 compiles it.
    let mut mock = Mock::with_code(&[insn::ADD_X0_1; 8]);
    let mut c = Client::gdb(&mut mock);
    for at in (0x400004..0x400020).step_by(4) {
        assert_eq!(c.ask(&format!("Z0,{at:x},4;X9,260000164022031327")), "OK");
    }
    assert!(c.ask("vCont;c").contains("swbreak"));
    assert_eq!(c.mock().get(PID, 0), 3);
}

#[test]
fn conditions_reach_the_inferior() {
    let mut mock = toy();
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("Z0,400004,4;X3,220127X1,27"), "OK");
    let key = (CODE + 4, false);
    assert_eq!(
        c.mock().breakpoints[&key].conditions,
        [AgentExpr(vec![0x22, 1, 0x27]), AgentExpr(vec![0x27])]
    );
    for bad in [
        "Z0,400004,4;X9,27",
        "Z2,400004,4;X1,27",
        "Z0,400004;X1,27",
        "Z9,0,0",
        "Z0",
        "Z",
    ] {
        let reply = c.ask(bad);
        assert!(reply.is_empty() || reply.starts_with('E'), "{bad}: {reply}");
    }
}

#[test]
fn an_inferior_that_only_looks_says_so() {
    let mut mock = toy();
    mock.capabilities = Capabilities::default();
    let mut c = Client::new(&mut mock);
    c.ask("qSupported:error-message+;qRelocInsn+");
    assert_eq!(c.ask("vCont?"), "");
    // The breakpoints of a resume are taken: it is the resume that says that nothing runs, and where it stays.
    assert_eq!(c.ask("Z0,400004,4"), "OK");
    assert_eq!(c.ask("z0,400004,4"), "OK");
    let replies = c.raw(&client::frame(b"c"));
    let [said, stop] = &replies[..] else {
        panic!("{replies:?}");
    };
    let text: String = b"not supported: nothing runs here\n"
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(*said, format!("O{text}").into_bytes());
    assert!(stop.starts_with(b"T"), "{replies:?}");
    assert_eq!(
        c.ask("bc"),
        "E.not supported: no recording to run backwards in"
    );
    assert_eq!(
        c.ask("vRun;"),
        "E.not supported: the program cannot be started anew: start emu again, with --multi"
    );
    assert_eq!(c.ask("qGetTLSAddr:64,0,0"), "");
    assert_eq!(c.ask("QCatchSyscalls:1"), "");
    assert_eq!(c.ask("vMustReplyEmpty"), "");
}

#[test]
fn detach_and_kill_end_the_session() {
    for (packet, ended, reply) in [
        ("D;64", Ended::Detached, Some("OK")),
        ("D", Ended::Detached, Some("OK")),
        ("vKill;64", Ended::Killed, Some("OK")),
        ("k", Ended::Killed, None),
    ] {
        let mut mock = toy();
        let mut c = Client::gdb(&mut mock);
        let got = c.raw_bytes(&frame(packet.as_bytes()));
        let replies = bodies(&got);
        assert_eq!(
            replies.first().map(|r| r.as_slice()),
            reply.map(str::as_bytes),
            "{packet}"
        );
        assert_eq!(c.ended, Some(ended), "{packet}");
    }
}

#[test]
fn a_debugger_that_was_lost_leaves_nothing_behind() {
    let mut mock = toy();
    let mut c = Client::gdb(&mut mock);
    for packet in [
        "Z0,400004,4",
        "Z2,500000,4",
        "QCatchSyscalls:1",
        "QPassSignals:e",
    ] {
        assert_eq!(c.ask(packet), "OK", "{packet}");
    }
    drop(c);
    let mut c = Client::gdb(&mut mock);
    let mock = c.mock();
    assert!(mock.breakpoints.is_empty() && mock.watchpoints.is_empty());
    assert_eq!(mock.catch, CatchSyscalls::None);
    assert!(mock.passed.is_empty());
}

#[test]
fn an_exited_inferior_still_answers() {
    let mut mock = toy();
    mock.report(Stop {
        pid: PID,
        tid: PID,
        reason: StopReason::Exited(3),
    });
    mock.take_stop();
    let mut c = Client::gdb(&mut mock);
    assert_eq!(c.ask("?"), "W03;process:64");
    assert_eq!(c.ask("qfThreadInfo"), "l");
    assert_eq!(c.ask("qC"), "E03");
    assert_eq!(c.ask("g"), "E03");
    assert_eq!(c.ask("vCont;c"), "E10");
    assert_eq!(c.ask("vCont;c:64"), "E03");
    assert_eq!(c.ask("Hg64"), "E03");
}
