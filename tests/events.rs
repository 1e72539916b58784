//! What a debugger catches over the remote protocol: system calls, signals with their information, threads.

mod client;

use client::{Guest, program};

const ENGINES: [&str; 2] = ["jit", "interp"];

/// ISA, number of `write`, number of `exit_group`, register of the first argument and of the result, whether it is big-endian.
const MACHINES: [(&str, u32, u32, usize, usize, bool); 3] = [
    ("aarch64", 64, 94, 0, 0, false),
    ("mips", 4004, 4246, 4, 2, true),
    ("mipsel", 4004, 4246, 4, 2, false),
];

fn number(hex: &str, big: bool) -> u64 {
    let mut bytes = client::unhex(hex);
    if !big {
        bytes.reverse();
    }
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

#[test]
fn system_calls_are_caught_at_entry_and_return() {
    for (isa, write, exit_group, arg0, result, big) in MACHINES {
        for engine in ENGINES {
            let options = ["--engine", engine];
            let name = format!("catch-{isa}-{engine}");
            let mut guest = Guest::start(&name, &options, &program(isa, "hello"), &[]);
            let mut gdb = guest.connect().like_gdb();
            gdb.tell(&format!("QCatchSyscalls:1;{write:x};{exit_group:x}"));
            let entry = gdb.resume("vCont;c");
            assert_eq!(
                entry.field("syscall_entry"),
                Some(&*format!("{write:x}")),
                "{entry:?}"
            );
            let fd = gdb.ask(&format!("p{arg0:x}"));
            assert_eq!(number(&fd, big), 1, "{isa} {engine}");
            // A debugger reads siginfo at any stop; SIGTRAP is 5 everywhere.
            let siginfo = gdb.object("siginfo", "");
            assert_eq!(siginfo.len(), 128);
            assert_eq!(number(&client::hex(&siginfo[..4]), big), 5);
            let back = gdb.resume("vCont;c");
            assert_eq!(
                back.field("syscall_return"),
                Some(&*format!("{write:x}")),
                "{back:?}"
            );
            let written = gdb.ask(&format!("p{result:x}"));
            assert_eq!(number(&written, big), 13, "{isa} {engine}");
            let exit = gdb.resume("vCont;c");
            assert_eq!(
                exit.field("syscall_entry"),
                Some(&*format!("{exit_group:x}"))
            );
            gdb.tell("QCatchSyscalls:0");
            let end = gdb.resume("vCont;c");
            assert_eq!((end.kind, end.number), ('W', 0));
            assert_eq!(guest.end().1, "hello, world\n");
        }
    }
}

#[test]
fn a_caught_call_is_made_as_the_debugger_changed_it() {
    for (isa, write, _, arg0, result, big) in MACHINES {
        let name = format!("change-{isa}");
        let mut guest = Guest::start(&name, &[], &program(isa, "hello"), &[]);
        let mut gdb = guest.connect().like_gdb();
        gdb.tell(&format!("QCatchSyscalls:1;{write:x}"));
        gdb.resume("vCont;c");
        let size = gdb.ask(&format!("p{arg0:x}")).len() / 2;
        let mut value = 9999u64.to_le_bytes()[..size].to_vec();
        if big {
            value.reverse();
        }
        gdb.tell(&format!("P{arg0:x}={}", client::hex(&value)));
        gdb.resume("vCont;c");
        let failed = number(&gdb.ask(&format!("p{result:x}")), big);
        // EBADF: negative on AArch64, a positive number next to a flag in a3 on MIPS.
        let expected = if isa == "aarch64" {
            9u64.wrapping_neg()
        } else {
            9
        };
        assert_eq!(failed, expected, "{isa}");
        gdb.tell("QCatchSyscalls:0");
        gdb.resume("vCont;c");
        assert_eq!(guest.end().1, "", "nothing was written by {isa}");
    }
}

#[test]
fn the_information_of_a_signal_is_read_and_written() {
    for (isa, .., big) in MACHINES {
        let mut guest = Guest::start(
            &format!("siginfo-{isa}"),
            &[],
            &program(isa, "die"),
            &["load"],
        );
        let mut gdb = guest.connect().like_gdb();
        let stop = gdb.resume("vCont;c");
        assert_eq!((stop.kind, stop.number), ('T', 11), "{stop:?}");
        let mut info = gdb.object("siginfo", "");
        let at = |n: usize| number(&client::hex(&info[n..n + 4]), big);
        // SIGSEGV, SEGV_MAPERR; si_errno and si_code have changed places on MIPS.
        let code = if isa == "aarch64" { 8 } else { 4 };
        assert_eq!((at(0), at(code)), (11, 1), "{isa}");
        let addr = if isa == "aarch64" { 16 } else { 12 };
        info[addr] ^= 1;
        let text: String = info.iter().map(|&b| char::from(b)).collect();
        let escaped = text
            .replace('}', "}]")
            .replace('#', "}\x03")
            .replace('$', "}\x04");
        gdb.tell_binary(&format!("qXfer:siginfo:write::0:{escaped}"), "80");
        assert_eq!(gdb.object("siginfo", ""), info);
        let end = gdb.resume("vCont;C0b");
        assert_eq!((end.kind, end.number), ('X', 11));
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&guest.end().0),
            Some(11)
        );
    }
}

#[test]
fn threads_are_reported_when_they_come_and_go() {
    for (isa, ..) in MACHINES {
        let mut guest = Guest::start(
            &format!("threads-{isa}"),
            &[],
            &program(isa, "suite"),
            &["tls"],
        );
        let mut gdb = guest.connect().like_gdb();
        gdb.tell("QThreadEvents:1");
        let (mut created, mut ended) = (0, 0);
        let mut stop = gdb.resume("vCont;c");
        while stop.kind != 'W' {
            if stop.field("create").is_some() {
                created += 1;
            } else {
                assert_eq!(stop.kind, 'w', "{stop:?}");
                ended += 1;
                let (_, tid) = stop.text.split_once(';').unwrap();
                assert!(!gdb.ask("qfThreadInfo").contains(tid), "{tid}");
            }
            stop = gdb.resume("vCont;c");
        }
        assert!(created > 1 && created == ended, "{created} {ended}");
        assert!(guest.end().0.success());
    }
}

#[test]
fn a_guest_neither_sees_nor_closes_what_the_emulator_has_open() {
    for (isa, ..) in MACHINES {
        let path = program(isa, "descriptors");
        let mut guest = Guest::start(&format!("descriptors-{isa}"), &[], &path, &[]);
        let mut gdb = guest.connect().like_gdb();
        // As gdb does, which reads the program's symbols through the server and keeps it open.
        let name = client::hex(path.as_os_str().as_encoded_bytes());
        let opened = gdb.ask(&format!("vFile:open:{name},0,0"));
        assert!(!opened.contains(','), "{opened}");
        let end = gdb.resume("vCont;c");
        assert_eq!((end.kind, end.number), ('W', 0), "{isa}");
        let seen = guest.end().1;
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let expected = std::fs::read_to_string(root.join("tests/guests/expected/closing"));
        assert_eq!(seen, expected.unwrap(), "{isa}");
    }
}

#[test]
fn a_debugger_reads_the_guests_files_of_the_process() {
    for (isa, ..) in MACHINES {
        let path = program(isa, "hello");
        let guest = Guest::start(&format!("proc-{isa}"), &[], &path, &["one", "two"]);
        let mut gdb = guest.connect().like_gdb();
        let pid = guest.emu.id();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let command = format!("{}\0one\0two\0", path.display());
        for name in [
            "self".to_owned(),
            pid.to_string(),
            format!("{pid}/task/{pid}"),
        ] {
            let cmdline = gdb.file(&format!("/proc/{name}/cmdline")).unwrap();
            assert_eq!(text(cmdline), command);
        }
        let maps = text(gdb.file(&format!("/proc/{pid}/maps")).unwrap());
        assert!(
            maps.contains("[stack]") && !maps.contains("/emu\n"),
            "{maps}"
        );
        let smaps = text(gdb.file("/proc/self/smaps").unwrap());
        assert!(
            smaps.contains("[stack]") && !smaps.contains("/emu\n"),
            "{smaps}"
        );
        let status = text(gdb.file("/proc/self/status").unwrap());
        // The server's thread is not the guest's.
        assert!(status.contains("\nThreads:\t1\n"), "{status}");
        let stat = text(gdb.file("/proc/self/stat").unwrap());
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        assert_eq!(fields[20 - 3], "1", "threads");
        assert!(fields[23 - 3].parse::<u64>().unwrap() < 1 << 30, "{stat}");
        // What is about the host's addresses is not there.
        assert_eq!(gdb.file("/proc/self/mem"), Err(2));
    }
}
