//! `emu --list packets` against what the server does: each packet that is said to be supported gets an answer from a live guest, and
//! each that is not gets none.

mod debugger;

use debugger::Guest;
use emu_stub::features::{Place, TERMS};
use emu_stub::packets::{PACKETS, Packet, Support};
use std::process::Command;

/// A request for each packet that is supported, and how the answer begins. `{pc}` and `{sp}` are the guest's.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("!", "!", "OK"),
    ("?", "?", "T05"),
    ("c", "c", "W00"),
    ("C", "C09", "X09"),
    ("D", "D", "OK"),
    ("g", "g", "0"),
    ("G", "G{g}", "OK"),
    ("H", "Hg0", "OK"),
    ("k", "k", ""),
    ("m", "m{pc},4", "hex"),
    ("M", "M{sp},1:00", "OK"),
    ("p", "p1", "hex"),
    ("P", "P1={p1}", "OK"),
    ("s", "s", "T05"),
    ("S", "S00", "T05"),
    ("T", "T{tid}", "OK"),
    ("vAttach", "vAttach;{pid}", "T05"),
    ("vCont", "vCont;s", "T05"),
    ("vCont?", "vCont?", "vCont;c"),
    ("vCtrlC", "vCtrlC", "OK"),
    ("vFile:open", "vFile:open:2f,0,0", "F"),
    ("vFile:close", "vFile:close:9", "F-1"),
    ("vFile:pread", "vFile:pread:9,1,0", "F-1"),
    ("vFile:pwrite", "vFile:pwrite:9,0,x", "F-1"),
    ("vFile:fstat", "vFile:fstat:9", "F-1"),
    ("vFile:stat", "vFile:stat:2f", "F"),
    ("vFile:lstat", "vFile:lstat:2f", "F"),
    ("vFile:unlink", "vFile:unlink:2f6e6f77686572652f78", "F-1"),
    (
        "vFile:readlink",
        "vFile:readlink:2f70726f632f73656c662f657865",
        "F",
    ),
    ("vFile:setfs", "vFile:setfs:0", "F0"),
    ("vFile:exists", "vFile:exists:2f", "F,1"),
    ("vFile:mode", "vFile:mode:2f", "F"),
    ("vFile:size", "vFile:size:2f", "F"),
    ("vKill", "vKill;{pid}", "OK"),
    ("x", "x{pc},4", ""),
    ("X", "X{sp},1:a", "OK"),
    ("z", "z0,{pc},4", "OK"),
    ("Z", "Z0,{pc},4", "OK"),
    ("qC", "qC", "QC"),
    ("QCatchSyscalls", "QCatchSyscalls:1", "OK"),
    ("qCRC", "qCRC:{pc},4", "C"),
    ("qfThreadInfo", "qfThreadInfo", "m"),
    ("qsThreadInfo", "qsThreadInfo", "l"),
    ("QPassSignals", "QPassSignals:e", "OK"),
    // Hello has none.
    ("qGetTLSAddr", "qGetTLSAddr:{tid},0,0", "E"),
    ("qRcmd", "qRcmd,68656c70", "O"),
    ("qOffsets", "qOffsets", "Text"),
    ("qSearch:memory", "qSearch:memory:{pc};4;zzzzzz", "0"),
    ("QStartNoAckMode", "QStartNoAckMode", "OK"),
    ("qSupported", "qSupported:multiprocess+", "PacketSize"),
    ("qSymbol", "qSymbol::", "OK"),
    ("QThreadEvents", "QThreadEvents:1", "OK"),
    ("qThreadExtraInfo", "qThreadExtraInfo,{tid}", "hex"),
    ("qAttached", "qAttached", "0"),
    // Without --multi.
    ("R", "R00", "E"),
    ("vRun", "vRun;", "E"),
    ("qXfer:auxv:read", "qXfer:auxv:read::0,8", "m"),
    ("qXfer:exec-file:read", "qXfer:exec-file:read::0,8", "m"),
    (
        "qXfer:features:read",
        "qXfer:features:read:target.xml:0,8",
        "m",
    ),
    ("qXfer:libraries:read", "qXfer:libraries:read::0,8", "m"),
    (
        "qXfer:libraries-svr4:read",
        "qXfer:libraries-svr4:read::0,8",
        "m",
    ),
    ("qXfer:siginfo:read", "qXfer:siginfo:read::0,8", "m"),
    ("qXfer:siginfo:write", "qXfer:siginfo:write::0:", "E"),
    ("qXfer:threads:read", "qXfer:threads:read::0,8", "m"),
    ("jThreadsInfo", "jThreadsInfo", "["),
    ("QEnableErrorStrings", "QEnableErrorStrings", "OK"),
    ("QListThreadsInStopReply", "QListThreadsInStopReply", "OK"),
    ("QSaveRegisterState", "QSaveRegisterState", "1"),
    ("QRestoreRegisterState", "QRestoreRegisterState:1", "E"),
    ("QThreadSuffixSupported", "QThreadSuffixSupported", "OK"),
    ("qEcho", "qEcho:x", "qEcho:x"),
    ("qFileLoadAddress", "qFileLoadAddress:2f6e6f7768657265", "E"),
    ("qGDBServerVersion", "qGDBServerVersion", "name:emu"),
    ("qHostInfo", "qHostInfo", "triple:"),
    ("qMemoryRegionInfo", "qMemoryRegionInfo:{pc}", "start:"),
    ("qProcessInfo", "qProcessInfo", "pid:"),
    ("qRegisterInfo", "qRegisterInfo0", "name:"),
    ("qShlibInfoAddr", "qShlibInfoAddr", ""),
    ("qThreadStopInfo", "qThreadStopInfo{tid}", "T05"),
    ("qWatchpointSupportInfo", "qWatchpointSupportInfo:", "num:"),
    ("_M", "_M1000,rw", "hex"),
    ("_m", "_m1", "E"),
];

fn start() -> (Guest, debugger::Debugger) {
    let guest = Guest::start("aarch64", &["hello"], "packets");
    let debugger = guest.connect();
    (guest, debugger)
}

/// What the server says to a packet of a guest of its own; `None` if it ends the session without a word.
fn answer(request: &str) -> Option<String> {
    let (_guest, mut debugger) = start();
    let stop = debugger.get("?");
    let thread = debugger::field(&stop, "thread").unwrap().to_owned();
    let pc = debugger::pc("aarch64", &stop).1;
    let sp = u64::from_str_radix(&debugger.get("p1f"), 16).unwrap();
    let values = [
        ("{pc}", format!("{pc:x}")),
        ("{sp}", format!("{:x}", sp.swap_bytes() - 64)),
        ("{tid}", thread.clone()),
        ("{pid}", thread),
        ("{p1}", debugger.get("p1")),
        ("{g}", debugger.get("g")),
    ];
    let request = values.iter().fold(request.to_owned(), |r, (name, value)| {
        r.replace(name, value)
    });
    debugger.ask(request.as_bytes())
}

fn check_supported(packet: &Packet) {
    let name = packet.name;
    let (_, request, expected) = REQUESTS
        .iter()
        .find(|(n, ..)| *n == name)
        .unwrap_or_else(|| panic!("{name} is said to be supported: no request for it here"));
    let reply = answer(request);
    match (name, &reply) {
        ("k", None) => return,
        // Hello is static: it has no dynamic section to tell of.
        ("qShlibInfoAddr", Some(reply)) if reply.is_empty() => return,
        _ => {}
    }
    let reply = reply.unwrap_or_else(|| panic!("{request} ended the session"));
    let good = match *expected {
        "hex" => {
            reply.len() > 1
                && !reply.starts_with('E')
                && reply.bytes().all(|b| b.is_ascii_hexdigit())
        }
        // An error of a request that is understood has a text, or a number.
        "E" => reply.len() > 1 && reply.starts_with('E'),
        prefix => !reply.is_empty() && reply.starts_with(prefix),
    };
    assert!(good, "{request}: {reply:?}, expected {expected:?}");
}

#[test]
fn the_table_says_what_the_server_does() {
    for (name, ..) in REQUESTS {
        let row = PACKETS.iter().find(|p| p.name == *name);
        let support = row.unwrap_or_else(|| panic!("{name} is no row")).support;
        assert_ne!(support, Support::No, "{name}");
    }
    for packet in PACKETS.iter().filter(|p| p.support != Support::No) {
        check_supported(packet);
    }
    let (_guest, mut debugger) = start();
    for packet in PACKETS.iter().filter(|p| p.support == Support::No) {
        let reply = debugger.get(packet.name);
        // A command is refused with an error, since an empty reply would make a debugger try other ways.
        assert!(
            reply.is_empty() || reply.starts_with('E'),
            "{}: {reply}",
            packet.name
        );
    }
    assert!(debugger.get("?").starts_with("T05"));
}

#[test]
fn the_list_names_each_packet() {
    let output = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["--list", "packets"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().skip(1);
    for packet in PACKETS {
        let line = lines.next().expect(packet.name);
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(packet.name));
        assert!(matches!(words.next(), Some("gdb" | "lldb")), "{line}");
        let support = words.next().unwrap();
        assert_eq!(support == "no", packet.support == Support::No, "{line}");
        assert!(support == "yes" || words.next().is_some(), "{line}");
    }
    for term in TERMS {
        let mut lines = text.lines();
        assert!(
            lines.any(|l| l.split_whitespace().next() == Some(term.name)),
            "{}",
            term.name
        );
    }
}

#[test]
fn features_are_offered_as_the_table_says() {
    let guest = Guest::start("aarch64", &["hello"], "features");
    // gdb names a feature that only gdb has.
    let mut offered: Vec<String> = Vec::new();
    for features in [
        "qSupported:multiprocess+;qRelocInsn+",
        "qSupported:multiprocess+",
    ] {
        let reply = guest.connect().get(features);
        let names = reply
            .split(';')
            .map(|f| f.split('=').next().unwrap().trim_end_matches('+'));
        offered.extend(names.map(str::to_owned));
    }
    for term in TERMS.iter().filter(|t| t.place == Place::Feature) {
        let is_offered = offered.iter().any(|f| f == term.name);
        // Of a live guest some are not; then the note says where they are.
        let expected =
            term.support != Support::No && (is_offered || !term.note.starts_with("where"));
        assert_eq!(is_offered, expected, "{}", term.name);
    }
    for name in &offered {
        assert!(
            TERMS
                .iter()
                .any(|t| t.place == Place::Feature && t.name == name),
            "{name}"
        );
    }
}
