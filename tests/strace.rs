//! Golden traces: what `--strace` prints for small guests, line by line. `EMU_RECORD=1` writes what is printed instead of
//! comparing; read the difference before it is committed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The trace with `pid`, where it stands as a number of its own, replaced.
fn whole_numbers(trace: &str, pid: u32) -> String {
    let pid = regex_lite::Regex::new(&format!(r"\b{pid}\b")).expect("a pattern");
    pid.replace_all(trace, "PID").into_owned()
}

/// Replaces what differs from run to run: ids of processes and users, and addresses that the address space chose.
fn normalise(trace: &str, pid: u32) -> String {
    let field = "si_uid=";
    // Whether there is a core file, and the number in its name, are the machine's affair.
    let core = |line: &&str| !line.starts_with("emu: SIG");
    let trace: String = trace
        .lines()
        .filter(core)
        .map(|l| l.to_owned() + "\n")
        .collect();
    let text = whole_numbers(&trace, pid);
    let parts: Vec<&str> = text.split(field).collect();
    let (first, rest) = parts.split_first().expect("split gives one part at least");
    let mut text = rest.iter().fold((*first).to_owned(), |all, part| {
        all + field + "UID" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    });
    // On a slow machine an interval timer fires more than once before it is stopped.
    let alarm = "--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL, si_pid=0, si_uid=UID} ---\nrt_sigreturn() = ?\n";
    while text.contains(&alarm.repeat(2)) {
        text = text.replace(&alarm.repeat(2), alarm);
    }
    text
}

fn check(program: &Path, arguments: &[&str], name: &str, guest: &str) {
    let child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["--engine=interp", "--strace"])
        .arg(program)
        .args(arguments)
        // Where a core file may be left.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env_clear()
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("emu starts");
    let pid = child.id();
    let output = child.wait_with_output().expect("emu ends");
    let trace = normalise(&String::from_utf8_lossy(&output.stderr), pid);
    let expected = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/strace/expected")
        .join(format!("{name}.{guest}"));
    if std::env::var_os("EMU_RECORD").is_some() {
        std::fs::write(&expected, &trace).expect("the folder is there");
        return;
    }
    let wanted = std::fs::read_to_string(&expected).expect("the trace was recorded");
    for (n, (got, want)) in trace.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(got, want, "{name}.{guest}, line {}", n + 1);
    }
    assert_eq!(
        trace.lines().count(),
        wanted.lines().count(),
        "{name}.{guest}"
    );
}

const GUESTS: [&str; 3] = ["aarch64", "mips", "mipsel"];

/// A program of `tests/guests`.
fn guest_program(guest: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/guests/bin").join(guest).join(name)
}

#[test]
fn hello() {
    for guest in GUESTS {
        check(&guest_program(guest, "hello"), &[], "hello", guest);
    }
}

#[test]
fn signals() {
    for guest in GUESTS {
        check(&guest_program(guest, "signals"), &[], "signals", guest);
    }
}

#[test]
fn a_death_by_signal() {
    for guest in GUESTS {
        check(&guest_program(guest, "die"), &["load"], "die", guest);
    }
}

#[test]
fn what_is_missing_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for guest in GUESTS {
        let program = root.join(format!("tests/strace/bin/unknown.{guest}"));
        check(&program, &[], "unknown", guest);
    }
}

/// What a run with these options writes to standard error, without what the machine decides.
fn trace(options: &[&str], program: &Path, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    trace_in(folder, options, program, arguments)
}

fn trace_in(folder: &Path, options: &[&str], program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(options)
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .output()
        .expect("emu");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn strace_program(name: &str, guest: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(format!("tests/strace/bin/{name}.{guest}"))
}

/// Names of the calls in a trace of one thread.
fn names(trace: &str) -> Vec<&str> {
    trace
        .lines()
        .take_while(|l| !l.starts_with("emu: "))
        .filter(|l| !l.starts_with(['+', '-']))
        .map(|l| l.split('(').next().unwrap_or_default())
        .collect()
}

#[test]
fn filters_choose_calls() {
    let program = strace_program("unknown", "mips");
    let of = |filter: &str| trace(&[&format!("--strace={filter}")], &program, &[]);
    let shown = |filter: &str, wanted: &[&str]| {
        let text = of(filter);
        assert_eq!(names(&text), wanted, "{filter}");
    };
    shown("write,close_range", &["close_range", "write"]);
    shown("%network", &["socket", "setsockopt"]);
    shown("%file", &["openat"]);
    shown("%desc,!%network,!ioctl", &["fcntl", "openat", "write"]);
    shown("%process", &["exit_group"]);
    shown("/^(sock|prc)", &["socket", "prctl"]);
    shown(
        ":failed",
        &[
            "io_uring_setup",
            "syscall_0x1b6c",
            "ioctl",
            "setsockopt",
            "prctl",
            "fcntl",
            "futex",
            "openat",
        ],
    );
    shown(
        ":successful",
        &["close_range", "socket", "write", "exit_group"],
    );
    shown("%network,:failed", &["setsockopt"]);
    let missing = of(":unimplemented");
    assert_eq!(
        names(&missing),
        [
            "io_uring_setup",
            "syscall_0x1b6c",
            "ioctl",
            "setsockopt",
            "prctl",
            "fcntl",
            "futex",
        ]
    );
    // Only they, and the list at the end.
    assert!(!missing.contains("+++"), "{missing}");
    let first = missing.lines().next().unwrap_or_default();
    assert!(
        first.ends_with("/* emu: not implemented: syscall io_uring_setup */) = -1 ENOSYS (Function not implemented)"),
        "{first}"
    );

    for (filter, wanted) in [
        (
            "frobnicate",
            "--strace: there is no system call 'frobnicate'",
        ),
        (
            "!%soup",
            "--strace: there is no class '%soup'; there are %file,",
        ),
        (
            ":lucky",
            "--strace: there is no outcome ':lucky'; there are :failed,",
        ),
        ("/(", "--strace: '(' is no regular expression"),
    ] {
        let text = of(filter);
        assert!(text.contains(wanted), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
}

#[test]
fn times_and_durations() {
    let program = guest_program("aarch64", "hello");
    for (kind, pattern) in [
        ("time", r"^\d\d:\d\d:\d\d write\("),
        ("us", r"^\d\d:\d\d:\d\d\.\d{6} write\("),
        ("unix", r"^\d{10}\.\d{6} write\("),
        ("rel", r"^ +0\.000000 write\("),
    ] {
        let option = format!("--strace-time={kind}");
        let text = trace(
            &[&option, "--strace=write", "--strace-durations"],
            &program,
            &[],
        );
        let pattern = regex_lite::Regex::new(pattern).expect("a pattern");
        assert!(pattern.is_match(&text), "{text}");
        let duration = regex_lite::Regex::new(r" = \d+ <\d+\.\d{6}>\n").expect("a pattern");
        assert!(duration.is_match(&text), "{text}");
    }
    let text = trace(&["--strace-time=noon", "--strace"], &program, &[]);
    assert!(
        text.contains("takes time, us, unix or rel, not 'noon'"),
        "{text}"
    );
}

#[test]
fn a_summary_counts() {
    let text = trace(
        &["--strace-summary"],
        &strace_program("unknown", "mipsel"),
        &[],
    );
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0].join(" "),
        "% time seconds usecs/call calls errors syscall"
    );
    let row = |name: &str| {
        rows.iter()
            .find(|r| r.last() == Some(&name))
            .unwrap_or_else(|| panic!("no row {name}: {text}"))
    };
    assert_eq!(row("prctl")[3..], ["1", "1", "prctl"]);
    assert_eq!(row("close_range")[3..], ["1", "close_range"]);
    assert_eq!(row("total")[2..], ["12", "8", "total"]);
    // The calls themselves are not printed.
    assert!(!text.contains("close_range("), "{text}");
}

/// Checks that every line of a trace of several processes is whole, and joins what was cut; returns the calls of each process.
fn join_lines(text: &str) -> std::collections::BTreeMap<u32, Vec<String>> {
    let mut open = std::collections::BTreeMap::<u32, String>::new();
    let mut calls = std::collections::BTreeMap::<u32, Vec<String>>::new();
    for line in text.lines() {
        let is_row = |l: &str| l.contains(", at ") && l.starts_with(' ');
        if line.starts_with("emu: not implemented for ")
            || is_row(line)
            || line.contains("count  bytes")
        {
            continue;
        }
        // The first lines are those of a single process, which has no prefix.
        let (pid, rest) = match line.strip_prefix("[pid ") {
            Some(rest) => {
                let (pid, rest) = rest.split_once("] ").expect("a prefix");
                (pid.parse().expect("a number"), rest)
            }
            None => (0, line),
        };
        let (rest, cut) = match rest.strip_suffix(" <unfinished ...>") {
            Some(start) => (start, true),
            None => (rest, false),
        };
        let whole = match rest.strip_prefix("<... ") {
            Some(rest) => {
                let (name, end) = rest.split_once(" resumed> ").expect("a name");
                let start = open
                    .remove(&pid)
                    .or_else(|| open.remove(&0))
                    .expect("was unfinished");
                assert!(start.starts_with(&format!("{name}(")), "{start}{end}");
                start + end
            }
            None => rest.to_owned(),
        };
        if cut {
            assert!(open.insert(pid, whole).is_none(), "{line}");
            continue;
        }
        let call =
            regex_lite::Regex::new(r"^[a-z0-9_]+\(.*\) = .*$|^\+\+\+ exited with \d+ \+\+\+$")
                .expect("a pattern");
        assert!(call.is_match(&whole), "torn: {line}");
        calls.entry(pid).or_default().push(whole);
    }
    assert!(open.is_empty(), "{open:?}");
    calls
}

#[test]
fn lines_of_processes_and_executed_programs_are_whole() {
    for guest in GUESTS {
        for times in 0..3 {
            let text = trace(&["--strace"], &strace_program("family", guest), &["12"]);
            let calls = join_lines(&text);
            let all: Vec<&String> = calls.values().flatten().collect();
            let count = |start: &str| all.iter().filter(|c| c.starts_with(start)).count();
            assert_eq!(count("clone("), 12, "{guest} {times}: {text}");
            assert_eq!(count("wait4("), 12, "{text}");
            assert_eq!(
                count("execve(\"/proc/self/exe\", [\"family\", \"leaf\"], []) = 0"),
                6,
                "{text}"
            );
            assert_eq!(count("prctl("), 36, "{text}");
            assert_eq!(count("ioctl("), 24, "{text}");
            assert_eq!(count("+++ exited with 0"), 13, "{text}");
        }
    }
}

#[test]
fn lines_of_threads_are_whole() {
    let program = guest_program("aarch64", "suite");
    let text = trace(&["--strace=!%time"], &program, &["conditions"]);
    let calls = join_lines(&text);
    let threads = calls
        .values()
        .filter(|c| c.iter().any(|c| c.starts_with("futex(")))
        .count();
    assert!(threads > 2, "{text}");
}

#[test]
fn each_process_may_have_a_file() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strace-each");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder under target/tmp");
    let output = format!("--strace-output={}/t.%p", folder.display());
    let text = trace(&[&output], &strace_program("family", "mips"), &["4"]);
    assert_eq!(text, "");
    let mut leaves = 0;
    for file in std::fs::read_dir(&folder).expect("the folder") {
        let file = file.expect("a file").path();
        let text = std::fs::read_to_string(&file).expect("readable");
        assert!(
            !text.contains("[pid") && !text.contains("unfinished"),
            "{text}"
        );
        assert!(text.contains("\n+++ exited with 0 +++\n"), "{text}");
        leaves += usize::from(text.matches("prctl(").count() == 3);
    }
    assert_eq!(leaves, 4);
}

/// Runs a guest whose standard error nobody reads; returns how it ended and what it printed.
fn without_reader(options: &[&str], program: &Path) -> (std::process::ExitStatus, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(options)
        .arg(program)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env_clear()
        .stdin(std::process::Stdio::null())
        .stderr(writer)
        .output()
        .expect("emu");
    (
        output.status,
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn a_reader_that_has_gone_is_nothing_to_the_guest() {
    for guest in GUESTS {
        for options in [
            &["--strace"][..],
            &["--strace-summary"],
            &["--report=-"],
            &[],
        ] {
            let (status, printed) = without_reader(options, &strace_program("unknown", guest));
            assert!(status.success(), "{guest} {options:?}: {status}");
            assert!(printed.ends_with("bad pointer -14\n"), "{printed}");
        }
    }
}

/// Sends the prompt these lines; returns all it prints.
fn prompt(program: &Path, arguments: &[&str], lines: &str) -> String {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .arg("-i")
        .arg(program)
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env_clear()
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("emu");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(lines.as_bytes()).expect("the prompt reads");
    drop(input);
    let output = child.wait_with_output().expect("emu ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_debugger_switches_the_trace_and_asks_what_is_missing() {
    for guest in GUESTS {
        let program = strace_program("family", guest);
        // Over a guest that stands still, and one that has ended.
        for (how, calls) in [("finish", 5), ("continue", 5)] {
            let lines = format!("break leaf\ncontinue\ntrace on :failed\n{how}\nunimplemented\n");
            let text = prompt(&program, &["leaf"], &lines);
            assert_eq!(
                text.matches("= -1 E").count(),
                calls,
                "{guest} {how}: {text}"
            );
            assert!(text.contains("option 0x7777"), "{guest} {how}: {text}");
            let row =
                regex_lite::Regex::new(r"prctl +option 0x7777 +3 +- +EINVAL").expect("a pattern");
            assert!(row.is_match(&text), "{guest} {how}: {text}");
        }
        let text = prompt(&program, &["leaf"], "trace on soup\n");
        assert!(text.contains("there is no system call 'soup'"), "{text}");
    }
}

/// FreeBSD's calls with its own names: sysctls, requests, notes of events by their filter, signals.
#[test]
fn calls_of_freebsd_are_shown_by_its_names() {
    let control = guest_program("freebsd-aarch64", "control");
    let text = trace(&["--strace=__sysctl,ioctl"], &control, &["argument"]);
    for wanted in [
        "__sysctl([sysctl.next kern.ostype], 4, ",
        "__sysctl([sysctl.name2oid], 2, ",
        "__sysctl([kern.proc.pathname.2147483632], 4, ",
        "ioctl(3, TIOCPTMASTER, NULL) = 0",
        "ioctl(3, TIOCGETA, {c_iflag=ICRNL|IXON, c_oflag=OPOST|ONLCR, c_cflag=CS8|CREAD, ",
        "ioctl(3, TIOCGWINSZ, {ws_row=25, ws_col=80, ws_xpixel=1, ws_ypixel=2}) = 0",
        "ioctl(3, FIOCLEX, NULL) = 0",
        "ioctl(3, SIOCGIFFLAGS, {ifr_name=\"lo\", ",
        "_IOWR, group 'j', number 7, 24 bytes",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
    let system = guest_program("freebsd-aarch64", "system");
    let calls = "--strace=kevent,kill,thr_kill,sigprocmask,_umtx_op";
    let text = trace(&[calls], &system, &[]);
    for wanted in [
        "filter=EVFILT_USER, flags=0, fflags=NOTE_FFCOPY|NOTE_TRIGGER|0x42, data=7",
        "filter=EVFILT_VNODE, flags=EV_ADD|EV_CLEAR, fflags=NOTE_DELETE|NOTE_WRITE|NOTE_EXTEND, ",
        "filter=EVFILT_PROC, flags=EV_ONESHOT|EV_CLEAR|EV_EOF, fflags=NOTE_EXIT, data=1280, ",
        "sigprocmask(SIG_BLOCK, [RTMIN], NULL)",
        ", SIGRTMIN",
        ", SIGINFO",
        // A timeout that the call says the length of.
        ", UMTX_OP_WAIT_UINT_PRIVATE, 0x1, 0x10, {tv_sec=0, tv_nsec=1000000}",
        "si_code=SI_LWP",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
}

/// What FreeBSD's calls point to, by the meaning that the other arguments give it, in both word sizes and byte orders.
#[test]
fn arguments_of_freebsd_are_decoded() {
    let wanted: &[(&str, &str, &[&str])] = &[
        (
            "locks",
            "_umtx_op",
            &[
                ":{m_owner=UMUTEX_UNOWNED, m_flags=0, m_ceilings=[0, 0]}, UMTX_OP_MUTEX_LOCK, 0, 0, NULL) = 0",
                ", m_flags=UMUTEX_PRIO_INHERIT, m_ceilings=[0, 0]}, UMTX_OP_MUTEX_LOCK, 0, 0, NULL) = -1 EDEADLK",
                "|UMUTEX_CONTESTED, m_flags=UMUTEX_ROBUST, m_ceilings=[0, 0]} => ",
                ":{m_owner=UMUTEX_RB_OWNERDEAD, m_flags=UMUTEX_ROBUST, m_ceilings=[0, 0]}, UMTX_OP_MUTEX_LOCK, 0, 0, NULL) = -1 EOWNERDEAD",
                ", m_flags=UMUTEX_PRIO_PROTECT, m_ceilings=[7, 0]}, UMTX_OP_SET_CEILING, 32, NULL, NULL) = -1 EINVAL",
                ":{c_has_waiters=0, c_flags=0, c_clockid=CLOCK_MONOTONIC}, UMTX_OP_CV_WAIT, 0, ",
                ":{m_owner=12345, m_flags=0, m_ceilings=[0, 0]}, {tv_sec=0, tv_nsec=20000000}) = -1 EPERM",
                ":{rw_state=URWLOCK_WRITE_OWNER, rw_flags=0, rw_blocked_readers=0, rw_blocked_writers=0} => ",
                ":{_count=0, _flags=0}, UMTX_OP_SEM2_WAIT, 0, ",
                ":[0x1], UMTX_OP_WAIT_UINT, 0x2, 0, NULL) = 0",
                "flags=UMTX_ABSTIME, clockid=CLOCK_REALTIME}) = -1 ETIMEDOUT",
                ", {robust_list_offset=0x",
                "UMTX_OP_GET_MIN_TIMEOUT, 0, [50000000], NULL) = 0",
            ],
        ),
        (
            "system",
            "getcontext,sigtimedwait,__sysctlbyname",
            &[
                "__sysctlbyname(\"kern.ostype\", 11, NULL, [1] => [8], NULL, 0) = 0",
                "getcontext({uc_sigmask=[RTMIN], pc=0x",
                "sigtimedwait([RTMIN], {si_signo=SIGRTMIN, si_code=SI_LWP, si_pid=",
            ],
        ),
        (
            "traced",
            "ptrace,thr_create",
            &[
                "ptrace(PT_TRACE_ME, 0, NULL, 0",
                ", {piod_op=PIOD_READ_D, piod_offs=0x",
                "pve_prot=PROT_READ|PROT_EXEC, ",
                "pl_event=PL_EVENT_SIGNAL, pl_flags=PL_FLAG_SI, pl_sigmask=[], ",
                ", pl_siginfo={si_signo=SIGUSR1, si_code=SI_USER, ",
                "pl_flags=PL_FLAG_SCE, pl_sigmask=[], pl_siglist=[], pl_tdname=\"traced\", pl_child_pid=0, pl_syscall_code=39, ",
                "ptrace(PT_SET_EVENT_MASK, ",
                ", [PTRACE_SCX], 4",
                ", 0x1, SIGUSR1",
                "thr_create({uc_sigmask=[], pc=0x",
            ],
        ),
        (
            "sockets",
            "sendmsg,recvmsg,setsockopt,getsockopt",
            &[
                "msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[",
                "cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMP, cmsg_data={tv_sec=",
                "setsockopt(3, 0, IP_RECVDSTADDR, [1], 4) = 0",
                "getsockopt(4, IPPROTO_TCP, TCP_KEEPIDLE, [77], [4]) = 0",
            ],
        ),
        (
            "control",
            "__sysctl",
            &[
                "__sysctl([sysctl.name2oid], 2, [kern.",
                "__sysctl([sysctl.oidfmt kern.version], 4, {kind=0x80040003, fmt=\"A\"}, ",
                "__sysctl([sysctl.name kern.argmax], 4, \"kern.argmax\", ",
            ],
        ),
        (
            "ipc",
            "cpuset_getaffinity,rtprio,jail_get,ksem_init,__semctl,msgsnd,msgrcv,kldstat",
            &[
                ", 1, SETVAL, {val=7}) = 0",
                ", 0, IPC_STAT, {buf=0x",
                "} => {buf={sem_perm={",
                ", SETALL, {array=0x",
                ", {mtype=",
                ", name=\"kernel\", refs=1, id=1, ...}) = 0",
                "cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_PID, -1, ",
                "rtprio(RTP_SET, 0, {type=RTP_PRIO_NORMAL, prio=0}) = 0",
                "jail_get([lastjid=0, errmsg=",
                "ksem_init([",
            ],
        ),
        (
            "files",
            "freebsd11_getdirentries,getdirentries,utimensat,futimens,mincore",
            &[
                "d_type=DT_REG, d_name=\"one\"}",
                ", 12288, [0, 0x3, 0]) = 0",
            ],
        ),
        (
            "processes",
            "procctl",
            &[
                // The rest of a line that the child's may have come into.
                ", {rk_sig=SIGUSR1, rk_flags=0, rk_subtree=0, rk_killed=0, rk_fpid=0} => {rk_sig=SIGUSR1, ",
            ],
        ),
        (
            "capsicum",
            "cap_rights_limit",
            &["cap_rights_limit(3, {CAP_"],
        ),
    ];
    for isa in ["freebsd-aarch64", "freebsd-mips", "freebsd-mipsel"] {
        for (program, calls, lines) in wanted {
            let program = guest_program(isa, program);
            // Some leave files behind.
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("decoded-{isa}"));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).expect("a folder under target/tmp");
            let text = trace_in(&folder, &[&format!("--strace={calls}")], &program, &[]);
            for line in *lines {
                assert!(text.contains(line), "{isa}: {line} is not in {text}");
            }
        }
    }
}

/// What the kernel tells of processes, memory, files and interfaces in structures, and requests of devices, in both word sizes and
/// byte orders.
#[test]
fn structures_of_freebsd_are_shown_by_their_fields() {
    let wanted = [
        // One process, whose size is asked for; too little room; a length that is too much; a bad address.
        ", ki_stat=SRUN, ki_nice=",
        ", ki_comm=\"",
        ", [100], NULL, 0) = -1 ENOMEM (Cannot allocate memory)",
        ", 4, 0x10, 0x18, NULL, 0) = -1 EFAULT",
        ", \"one\", \"two\"], ",
        ", kve_end=0x",
        "kve_type=KVME_TYPE_VNODE, kve_start=0x",
        "kve_protection=KVME_PROT_READ|KVME_PROT_EXEC, ",
        "kf_type=KF_TYPE_VNODE, kf_fd=-5, ",
        "[AT_PHDR=0x",
        ", AT_PHENT=0x",
        ".8], 5, {rlim_cur=",
        "{type=RTM_IFINFO, index=1, flags=IFF_UP|IFF_LOOPBACK|IFF_RUNNING, addrs=RTA_IFP, ifp={sa_family=AF_LINK, sdl_index=1, sdl_name=\"lo",
        "ifa={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"127.0.0.1\")}",
        "__sysctlbyname(\"kern.clockrate\", 14, {hz=100, tick=10000, stathz=100, profhz=100}, ",
        "{ldavg=[",
        "], fscale=2048}",
        "{t_vm=",
        "__sysctlbyname(\"net.inet.ip.stats\", 17, {ips_total=",
        "[{xig_count=",
        "[{xug_count=",
        ", SIOCGIFADDR, {ifr_name=\"lo\", ",
        "{ifr_name=\"lo\", ifr_addr={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"127.0.0.1\")}}) = 0",
        "{ifr_name=\"lo\", ifr_flags=IFF_UP|IFF_LOOPBACK|IFF_RUNNING, ifr_flagshigh=0}) = 0",
        "SIOCGIFMTU, {ifr_name=\"lo\", ",
        ", SIOCSIFMTU, {ifr_name=\"lo\", ifr_value=1400} /* emu: not implemented: ioctl SIOCSIFMTU (struct ifreq), 32 bytes [6c 6f ",
        ", SIOCSIFADDR, {ifr_name=\"lo\", ifr_addr={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"192.0.2.7\")}} /* emu: ",
        ", _IOW('z', 99, 4 bytes), \"abcd\" /* emu: ",
        ", BIOCSBLEN /* emu: not implemented: ioctl BIOCSBLEN (u_int), 4 bytes",
        " */, [4096]) = -1 ENOTTY",
        "setsockopt socket option 0x777 of level 0x6, 4 bytes [",
        "getsockopt socket option 0x1234 of level 0xffff, 4 bytes",
        "kenv(KENV_SET, \"told\", \"value\", 6) = ",
        "getfsstat([{",
        "MNT_NOWAIT) = ",
        "pathconf(\"/\", _PC_NAME_MAX) = 255",
        "minherit(0, 0, INHERIT_ZERO) = ",
        "rfork(0x20000000 /* RF??? */) = -1 EINVAL",
        ", 0, GRND_NONBLOCK) = 0",
        "cap_ioctls_limit(0, [FIONREAD, FIONBIO], 2) = 0",
        "cap_ioctls_get(0, [FIONREAD, FIONBIO], 2) = 2",
    ];
    for isa in ["freebsd-aarch64", "freebsd-mips", "freebsd-mipsel"] {
        let text = trace(&["--strace"], &guest_program(isa, "told"), &["one", "two"]);
        for line in wanted {
            assert!(text.contains(line), "{isa}: {line} is not in {text}");
        }
    }
}
