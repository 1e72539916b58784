//! What becomes of a guest's core where something is in its way, and what the guest's parent is told of it.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GUESTS: [&str; 3] = ["aarch64", "mips", "mipsel"];

/// An empty folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dying-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder under target/tmp");
    folder
}

/// `emu` in `folder` with the soft limits given.
fn emu(folder: &Path, limits: &'static [(libc::__rlimit_resource_t, u64)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emu"));
    command
        .current_dir(folder)
        .env_remove("EMU_CORE_FILE")
        .stdin(Stdio::null());
    // SAFETY: system calls with valid arguments.
    unsafe {
        command.pre_exec(move || {
            for &(resource, soft) in limits {
                let mut now = libc::rlimit {
                    rlim_cur: 0,
                    rlim_max: 0,
                };
                libc::getrlimit(resource, &mut now);
                now.rlim_cur = soft.min(now.rlim_max);
                if libc::setrlimit(resource, &now) != 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    command
}

fn die(isa: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/guests/bin").join(isa).join("die")
}

fn run(command: &mut Command) -> (Output, String, String) {
    let output = command.output().expect("emu");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("folder");
    entries
        .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_parent_sees_that_its_child_has_left_a_core() {
    for isa in GUESTS {
        for how in ["fork", "exec"] {
            let folder = folder(&format!("parent-{isa}-{how}"));
            let child = |core: &str, limit, rest: &[&str]| {
                let mut command = emu(&folder, limit);
                // For the program that is executed as well.
                command.env("EMU_CORE_FILE", core);
                let (_, out, err) = run(command.arg(die(isa)).arg(how).args(rest));
                let told: Vec<_> = out.lines().filter(|l| l.contains("wait")).collect();
                (told.join("; "), err)
            };
            let (told, err) = child("core", &[], &["load"]);
            assert!(err.contains("core file core"), "{err}");
            assert_eq!(
                told, "wait4 1: signal 11, core 1; waitid: code 3, status 11",
                "{isa} {how}"
            );
            assert!(folder.join("core").exists());
            // None could be written, none is wanted, none is made.
            let none = "wait4 1: signal 11, core 0; waitid: code 2, status 11";
            assert_eq!(child("nowhere/core", &[], &["load"]).0, none);
            assert_eq!(child("core", &[], &["undumpable"]).0, none);
            assert_eq!(
                child("core", &[], &["signal", "15"]).0,
                "wait4 1: signal 15, core 0; waitid: code 2, status 15"
            );
            assert_eq!(
                child("core", &[], &["exit", "3"]).0,
                "wait4 1: signal 0, core 0; waitid: code 1, status 3"
            );
        }
    }
}

#[test]
fn a_program_that_does_not_want_a_core_leaves_none() {
    for isa in GUESTS {
        let folder = folder(&format!("undumpable-{isa}"));
        let mut command = emu(&folder, &[]);
        let command = command.args(["--core-file", "core"]).arg(die(isa));
        let (output, _, err) = run(command.arg("undumpable"));
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
        assert!(
            err.contains("the program does not want it (PR_SET_DUMPABLE)"),
            "{err}"
        );
        assert_eq!(names(&folder), [""; 0]);
    }
}

#[test]
fn a_core_for_which_there_is_no_room_is_not_left_half_written() {
    let folder = folder("room");
    let mut command = emu(&folder, &[(libc::RLIMIT_FSIZE, 16384)]);
    let command = command.args(["--core-file", "core"]).arg(die("mips"));
    let (output, _, err) = run(command.arg("load"));
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
    assert!(
        err.contains("no core file core: File too large; it needs up to "),
        "{err}"
    );
    assert!(err.contains("--core-file=FOLDER/core.%p"), "{err}");
    assert_eq!(names(&folder), [""; 0]);
    // A disk that is full.
    let full = folder.join("full");
    fs::create_dir(&full).expect("folder");
    let disk = Disk::mount(&full);
    if disk.is_none() {
        // For root only. The error is another one, and what is done about it the same.
        println!("SKIPPED a full disk: mounting one needs root");
        return;
    }
    let mut command = emu(&folder, &[]);
    let command = command.args(["--core-file", "full/core"]).arg(die("mips"));
    let (output, _, err) = run(command.arg("load"));
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
    assert!(
        err.contains("no core file full/core: No space left on device; it needs"),
        "{err}"
    );
    assert_eq!(names(&full), [""; 0]);
}

/// A file system of 16 KiB.
struct Disk(std::ffi::CString);

impl Disk {
    fn mount(at: &Path) -> Option<Disk> {
        use std::os::unix::ffi::OsStrExt;
        let at = std::ffi::CString::new(at.as_os_str().as_bytes()).expect("no NUL");
        let (kind, options) = (c"tmpfs".as_ptr(), c"size=16k".as_ptr());
        // SAFETY: strings that outlive the call.
        let done = unsafe { libc::mount(kind, at.as_ptr(), kind, 0, options.cast()) };
        (done == 0).then_some(Disk(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // SAFETY: a string that outlives the call.
        unsafe { libc::umount2(self.0.as_ptr(), libc::MNT_DETACH) };
    }
}

#[test]
fn a_bug_of_the_emulator_leaves_a_core_that_says_so() {
    // A bug of its own, as the emulator sees it: a fault that is in no code of the guest's. The kernel's word for a fault and its
    // address make it one, whoever sends it; a tracer can.
    let folder = folder("bug");
    for isa in GUESTS {
        let core = format!("core.{isa}");
        let mut command = emu(&folder, &[]);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let waits = root.join("tests/guests/bin").join(isa).join("waits");
        command.args(["--core-file", &core]).arg(waits).arg("read");
        let (input, _keep) = std::os::unix::net::UnixStream::pair().expect("pair");
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(input)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("emu");
        let mut line = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut out, &mut line).expect("a line");
        assert!(line.starts_with("ready "), "{line}");
        break_emulator(child.id() as i32);
        let output = child.wait_with_output().expect("emu");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            err.contains("emu: internal error: host SIGSEGV at 0x"),
            "{err}"
        );
        assert!(
            err.contains(&format!("the guest: core file {core} (")),
            "{err}"
        );
        assert!(output.status.signal().is_some(), "{:?}", output.status);
        let mut report = emu(&folder, &[]);
        let (output, out, err) = run(report.args(["--core", &core, "--eval", "info threads"]));
        assert!(output.status.success(), "{err}");
        assert!(
            out.contains("a bug of the emulator, not of the program"),
            "{isa}: {out}"
        );
        assert!(
            out.lines().filter(|l| l.contains("Thread ")).count() >= 3,
            "{out}"
        );
    }
}

/// Sends the main thread of the emulator, which waits in a system call, to code that faults.
fn break_emulator(pid: i32) {
    // SAFETY: ptrace of a child of ours, which is stopped whenever its registers are touched; buffers of the right size.
    unsafe {
        let none = std::ptr::null_mut::<libc::c_void>();
        assert_eq!(libc::ptrace(libc::PTRACE_ATTACH, pid, none, none), 0);
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &mut status, libc::__WALL), pid);
        let mut regs: libc::user_regs_struct = std::mem::zeroed();
        assert_eq!(libc::ptrace(libc::PTRACE_GETREGS, pid, none, &mut regs), 0);
        // The stack is no code.
        regs.rip = regs.rsp;
        regs.orig_rax = u64::MAX;
        assert_eq!(libc::ptrace(libc::PTRACE_SETREGS, pid, none, &mut regs), 0);
        assert_eq!(libc::ptrace(libc::PTRACE_DETACH, pid, none, none), 0);
    }
}

#[test]
fn the_prompt_writes_a_core_of_a_program_that_goes_on() {
    for isa in ["aarch64", "mips"] {
        let folder = folder(&format!("command-{isa}"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tour = root.join("examples/bin").join(isa).join("tour");
        let mut command = emu(&folder, &[]);
        for eval in ["break square", "run", "core left", "core nowhere/left"] {
            command.args(["--eval", eval]);
        }
        let (output, out, err) = run(command.arg(&tour));
        assert!(out.contains("Saved corefile left ("), "{out}");
        // The script ends with its first error.
        assert_eq!(output.status.code(), Some(1));
        assert!(
            err.contains("nowhere/left: No such file or directory"),
            "{err}"
        );
        assert_eq!(names(&folder), ["left"]);
        let mut command = emu(&folder, &[]);
        let command = command.args([
            "--core",
            "left",
            "--eval",
            "backtrace",
            "--eval",
            "print number",
        ]);
        let (output, out, err) = run(command.arg(&tour));
        assert!(output.status.success(), "{err}");
        assert!(
            out.contains("#0  square (number=7) at examples/tour.c:24"),
            "{out}"
        );
        assert!(out.contains("$1 = 7"), "{out}");
        // It goes on, to its own end.
        let mut command = emu(&folder, &[]);
        for eval in ["break square", "run", "core", "delete", "continue"] {
            command.args(["--eval", eval]);
        }
        let (_, out, err) = run(command.arg(&tour));
        assert!(out.contains("threads add up to 25"), "{out}{err}");
    }
}

/// A FreeBSD parent learns of a core as a Linux one does, by each of its ways to wait.
#[test]
fn parents_on_freebsd_are_told_of_cores() {
    for isa in ["aarch64", "mips", "mipsel"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = root.join(format!("tests/guests/bin/freebsd-{isa}/processes"));
        for (option, told) in [
            ("--core-file=core.%p", "left a core\n"),
            ("-d=strace", "no core\n"),
        ] {
            let folder = folder(&format!("freebsd-{isa}"));
            let mut command = emu(&folder, &[(libc::RLIMIT_CORE, 0)]);
            let (output, out, err) = run(command.arg(option).arg(&program).arg("deaths"));
            assert_eq!(output.status.code(), Some(0), "{isa}: {err}");
            assert_eq!(out, told.repeat(2), "{isa}");
            let cores = names(&folder).len();
            assert_eq!(cores, if told.starts_with("left") { 2 } else { 0 }, "{isa}");
        }
    }
}
