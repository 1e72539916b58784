//! Core files of guests that die, without any tool: what `emu` writes is read with goblin and with `emu`'s own reader, which
//! also has to do with damaged and foreign ones.

use emu::coredump::{Core, CoreInferior};
use emu_stub::{
    Error, Handler, Inferior, OpenFlags, RegisterRole, Resume, ResumePlan, State, StopReason,
    signal,
};
use goblin::elf::Elf;
use goblin::elf::header::{EM_AARCH64, EM_MIPS, ET_CORE};
use goblin::elf::program_header::{PT_LOAD, PT_NOTE};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GUESTS: [&str; 3] = ["aarch64", "mips", "mipsel"];

/// An empty folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cores-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder under target/tmp");
    folder
}

fn guest(isa: &str, program: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match program {
        "crash" => root.join("examples/bin").join(isa).join(program),
        _ => root.join("tests/guests/bin").join(isa).join(program),
    }
}

/// Runs `emu` in `folder` with a soft limit of `limit` bytes on core files.
fn emu(folder: &Path, limit: u64, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emu"));
    command
        .args(args)
        .current_dir(folder)
        .env_remove("EMU_CORE_FILE")
        .stdin(Stdio::null());
    // SAFETY: one system call, with valid arguments.
    unsafe {
        command.pre_exec(move || {
            let mut now = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            libc::getrlimit(libc::RLIMIT_CORE, &mut now);
            now.rlim_cur = limit.min(now.rlim_max);
            match libc::setrlimit(libc::RLIMIT_CORE, &now) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    command.output().expect("emu")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether cores can be had by limit at all: the hard limit may be 0 (some containers).
fn hard_limit() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: room for the result.
    unsafe { libc::getrlimit(libc::RLIMIT_CORE, &mut limit) };
    limit.rlim_max
}

/// Notes as (owner, type, content), by hand: goblin reads them in the host's byte order.
fn notes(elf: &Elf<'_>, bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let note = elf
        .program_headers
        .iter()
        .find(|p| p.p_type == PT_NOTE)
        .expect("notes");
    let mut rest = &bytes[note.file_range()];
    let word = |b: &[u8]| {
        let b: [u8; 4] = b.try_into().expect("four bytes");
        if elf.little_endian {
            u32::from_le_bytes(b)
        } else {
            u32::from_be_bytes(b)
        }
    };
    let mut all = Vec::new();
    while rest.len() >= 12 {
        let (name, data, kind) = (word(&rest[..4]), word(&rest[4..8]), word(&rest[8..12]));
        let data_at = 12 + (name as usize).next_multiple_of(4);
        let owner = text(&rest[12..12 + name as usize - 1]);
        all.push((owner, kind, rest[data_at..data_at + data as usize].to_vec()));
        rest = &rest[(data_at + data as usize).next_multiple_of(4)..];
    }
    all
}

const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_SIGINFO: u32 = 0x5349_4749;
const NT_FILE: u32 = 0x4649_4c45;
const NT_PRFPREG: u32 = 2;

#[test]
fn a_dying_guest_leaves_a_core_in_its_own_format() {
    for isa in GUESTS {
        let folder = folder(&format!("format-{isa}"));
        let program = guest(isa, "die");
        let args = [
            "--core-file",
            "core.%e.%s",
            program.to_str().expect("path"),
            "load",
        ];
        let run = emu(&folder, 0, &args);
        assert_eq!(run.status.signal(), Some(libc::SIGSEGV), "{isa}");
        assert!(
            text(&run.stderr).contains("SIGSEGV: core file core.die.11"),
            "{}",
            text(&run.stderr)
        );
        let bytes = fs::read(folder.join("core.die.11")).expect("a core");
        let elf = Elf::parse(&bytes).expect("an ELF file");
        let original = fs::read(&program).expect("the program");
        let original = Elf::parse(&original).expect("an ELF file");
        assert_eq!(elf.header.e_type, ET_CORE);
        let machine = if isa == "aarch64" {
            EM_AARCH64
        } else {
            EM_MIPS
        };
        assert_eq!(elf.header.e_machine, machine);
        assert_eq!(elf.header.e_flags, original.header.e_flags);
        assert_eq!(
            (elf.is_64, elf.little_endian),
            (original.is_64, original.little_endian)
        );
        let notes = notes(&elf, &bytes);
        let kinds: Vec<(&str, u32)> = notes.iter().map(|(o, k, _)| (o.as_str(), *k)).collect();
        // The kernel's order.
        let order = [
            NT_PRSTATUS,
            NT_PRPSINFO,
            NT_SIGINFO,
            NT_AUXV,
            NT_FILE,
            NT_PRFPREG,
        ];
        assert_eq!(kinds[..6], order.map(|k| ("CORE", k)), "{isa}");
        assert!(kinds.iter().any(|(owner, _)| *owner == "LINUX"), "{isa}");
        let size = if elf.is_64 { 392 } else { 256 };
        assert_eq!(notes[0].2.len(), size, "{isa}");
        let name = text(&notes[1].2);
        assert!(name.contains("die load"), "{isa}: {name:?}");
        // Memory: the stack and the heap are there, the program's text is left to its file but for its header.
        let loads: Vec<_> = elf
            .program_headers
            .iter()
            .filter(|p| p.p_type == PT_LOAD)
            .collect();
        assert!(loads.is_sorted_by_key(|p| p.p_vaddr));
        let code = loads
            .iter()
            .find(|p| p.vm_range().contains(&(original.entry as usize)));
        let code = code.expect("the text is listed");
        assert_eq!(&bytes[code.file_range()][..4], b"\x7fELF", "{isa}");
        assert!(
            loads
                .iter()
                .any(|p| p.is_write() && p.p_filesz == p.p_memsz)
        );
        assert!(!folder.join("core.die.11.part").exists());
    }
}

/// Sizes in FreeBSD's notes: of prpsinfo, then of a thread's prstatus, fpreg, thrmisc, ptrace_lwpinfo with a word in front, and
/// of the register set that only AArch64 has; what the PROCSTAT notes say of one structure.
struct FreeBsdSizes {
    first: &'static [usize],
    procstat: [u32; 9],
    /// Where pr_cursig, pl_flags and si_signo are, the latter two behind the word.
    cursig: usize,
    siginfo: usize,
}

const FREEBSD_64: FreeBsdSizes = FreeBsdSizes {
    first: &[120, 320, 528, 24, 164, 8],
    procstat: [1088, 1392, 1160, 4, 2, 240, 4, 8, 16],
    cursig: 36,
    siginfo: 48,
};

const FREEBSD_MIPS: FreeBsdSizes = FreeBsdSizes {
    first: &[112, 188, 136, 24, 144],
    procstat: [816, 1392, 1160, 4, 2, 240, 4, 4, 8],
    cursig: 20,
    siginfo: 44,
};

#[test]
fn a_dying_freebsd_guest_leaves_a_core_in_its_own_format() {
    for (isa, machine, sizes) in [
        ("freebsd-aarch64", EM_AARCH64, &FREEBSD_64),
        ("freebsd-mips", EM_MIPS, &FREEBSD_MIPS),
        ("freebsd-mipsel", EM_MIPS, &FREEBSD_MIPS),
    ] {
        let folder = folder(isa);
        let program = guest(isa, "crew");
        let program = program.to_str().expect("path");
        let run = emu(&folder, 0, &["--core-file", "core", program, "null"]);
        assert_eq!(run.status.signal(), Some(libc::SIGSEGV));
        let bytes = fs::read(folder.join("core")).expect("a core");
        let elf = Elf::parse(&bytes).expect("an ELF file");
        assert_eq!(elf.header.e_type, ET_CORE);
        assert_eq!((elf.header.e_machine, elf.header.e_ident[7]), (machine, 9));
        let original = fs::read(program).expect("the program");
        let original = Elf::parse(&original).expect("an ELF file");
        assert_eq!(elf.header.e_flags, original.header.e_flags);
        let notes = notes(&elf, &bytes);
        let of_freebsd: Vec<_> = notes.iter().filter(|(o, ..)| o == "FreeBSD").collect();
        // The kernel's order: facts of the process, the threads, what procstat shows (`sys/elf_common.h`).
        let thread = &[1, 2, 7, 17, 0x401][..sizes.first.len() - 1];
        let order = [&[3], thread, thread, &[8, 9, 10, 11, 12, 13, 14, 15, 16]].concat();
        let kinds: Vec<u32> = of_freebsd.iter().map(|(_, kind, _)| *kind).collect();
        assert_eq!(kinds, order, "{isa}");
        let int = |n: usize, at: usize| {
            let bytes = of_freebsd[n].2[at..at + 4].try_into().expect("four bytes");
            match elf.little_endian {
                true => u32::from_le_bytes(bytes),
                false => u32::from_be_bytes(bytes),
            }
        };
        let lengths = of_freebsd[..sizes.first.len()].iter().map(|n| n.2.len());
        assert_eq!(lengths.collect::<Vec<_>>(), sizes.first, "{isa}");
        let second = thread.len();
        let cursig = sizes.cursig;
        assert_eq!((int(1, cursig), int(1 + second, cursig)), (11, 11));
        // pl_flags: the first has a siginfo (PL_FLAG_SI), the second has not.
        assert_eq!((int(4, 4 + 8), int(4 + second, 4 + 8)), (0x20, 0));
        // si_signo, si_code SEGV_MAPERR.
        let siginfo = 4 + sizes.siginfo;
        assert_eq!((int(4, siginfo), int(4, siginfo + 8)), (11, 1));
        assert!(of_freebsd[3 + second].2.starts_with(b"worker\0"));
        let procstat = 1 + 2 * second;
        let said: Vec<u32> = (0..9).map(|n| int(procstat + n, 0)).collect();
        assert_eq!(said, sizes.procstat, "{isa}");
        // One kinfo_proc a thread.
        let entries = of_freebsd[procstat].2.len();
        assert_eq!(entries, 4 + 2 * sizes.procstat[0] as usize);
        assert!(int(procstat + 6, 4) >= 1_302_001);

        let core = Core::open(&folder.join("core")).expect("a core");
        let mut inferior = CoreInferior::new(core, None, None);
        assert!(inferior.warnings().is_empty(), "{:?}", inferior.warnings());
        assert_eq!(inferior.target().gdb_osabi, "FreeBSD");
        let threads = inferior.threads();
        let State::Stopped(stop) = inferior.state() else {
            panic!("a core runs");
        };
        assert_eq!(
            (stop.tid, stop.reason),
            (threads[0], StopReason::Signal(libc::SIGSEGV))
        );
        let info = inferior.thread_info(threads[1]).expect("a thread");
        assert_eq!((&info.name[..], &info.state[..]), ("worker", "in _umtx_op"));
        let size = if elf.is_64 { 80 } else { 64 };
        assert_eq!(inferior.read_siginfo(threads[0]).map(|i| i.len()), Ok(size));
        assert_eq!(inferior.read_siginfo(threads[1]), Err(Error::Unavailable));
        let process = inferior.process_info().expect("facts");
        assert_eq!(process.parent, std::process::id());
        let regions = inferior.memory_regions().expect("mappings");
        assert!(regions.iter().any(|r| r.name.ends_with("/crew")));
        assert!(regions.iter().any(|r| r.name == "[stack]"));
        let report = emu_repl::report::crash(&mut inferior);
        for part in [
            "SIGSEGV",
            "first (list=0x0, count=3)",
            "guest_main",
            "work (",
        ] {
            assert!(report.contains(part), "{part} is not in {report}");
        }
    }
}

/// Without the emulator's own notes a core of FreeBSD's kernel is as good: names, system calls, mappings.
#[test]
fn a_core_of_freebsds_kernel_is_read() {
    let folder = folder("freebsd-kernel");
    let program = guest("freebsd-aarch64", "crew");
    let program = program.to_str().expect("path");
    emu(&folder, 0, &["--core-file", "core", program, "handler"]);
    let mut bytes = fs::read(folder.join("core")).expect("a core");
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(4).position(|w| w == b"EMU\0") {
        at += found + 4;
        bytes[at - 4..at].copy_from_slice(b"NOT\0");
    }
    let path = folder.join("stripped");
    fs::write(&path, bytes).expect("written");
    let core = Core::open(&path).expect("a core");
    let mut inferior = CoreInferior::new(core, None, None);
    let threads = inferior.threads();
    let info = inferior.thread_info(threads[1]).expect("a thread");
    assert_eq!((&info.name[..], &info.state[..]), ("worker", "in _umtx_op"));
    // The program is found by the list of mappings.
    assert_eq!(inferior.exec_file().ok(), Some(PathBuf::from(program)));
    let report = emu_repl::report::crash(&mut inferior);
    // Through the signal's frame.
    for part in [
        "first (list=0x0, count=30)",
        "<signal handler called>",
        "guest_main",
    ] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
}

#[test]
fn the_limit_of_a_cores_size_is_heeded() {
    let folder = folder("limit");
    let program = guest("mips", "die");
    let program = program.to_str().expect("path");
    let run = emu(&folder, 0, &[program, "load"]);
    assert_eq!(run.status.signal(), Some(libc::SIGSEGV));
    let said = text(&run.stderr);
    assert!(
        said.contains("no core file, as the limit of its size is 0"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(fs::read_dir(&folder).expect("folder").count(), 0);
    // A death that makes no core says nothing of one.
    let run = emu(&folder, 0, &[program, "signal", "15"]);
    assert_eq!(run.status.signal(), Some(libc::SIGTERM));
    assert_eq!(text(&run.stderr), "");
    if hard_limit() < 1 << 20 {
        return;
    }
    // By default core.PID in the working folder; cut off where the limit is.
    let run = emu(&folder, 8192, &[program, "load"]);
    assert!(
        text(&run.stderr).contains("cut off at the limit"),
        "{}",
        text(&run.stderr)
    );
    let core = fs::read_dir(&folder)
        .expect("folder")
        .next()
        .expect("a core")
        .expect("entry");
    let name = core.file_name().into_string().expect("text");
    assert!(
        name.strip_prefix("core.")
            .is_some_and(|n| n.parse::<u32>().is_ok()),
        "{name}"
    );
    // Holes do not count, whole blocks do.
    let blocks = core.metadata().expect("file").blocks();
    assert!(blocks * 512 <= 8192 + 4096, "{blocks} blocks");
}

#[test]
fn what_cannot_be_written_is_said() {
    let folder = folder("full");
    let program = guest("aarch64", "die");
    let program = program.to_str().expect("path");
    for (pattern, expected) in [
        ("missing/core", "missing/core: No such file or directory"),
        (
            "/dev/null",
            "/dev/null: it exists and is not a regular file",
        ),
    ] {
        let run = emu(&folder, 0, &["--core-file", pattern, program, "load"]);
        assert_eq!(run.status.signal(), Some(libc::SIGSEGV));
        assert!(
            text(&run.stderr).contains(expected),
            "{}",
            text(&run.stderr)
        );
    }
    let run = emu(&folder, 0, &["--core-file", "|cat", program, "load"]);
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
    assert_eq!(fs::read_dir(&folder).expect("folder").count(), 0);
}

/// The core of the program that README's walk is about, made once for each guest.
fn crash_core(isa: &str, name: &str) -> PathBuf {
    let folder = folder(&format!("{name}-{isa}"));
    let program = guest(isa, "crash");
    let run = emu(
        &folder,
        0,
        &["--core-file", "core", program.to_str().expect("path")],
    );
    assert_eq!(
        run.status.signal(),
        Some(libc::SIGSEGV),
        "{}",
        text(&run.stderr)
    );
    folder.join("core")
}

#[test]
fn a_core_is_looked_at_like_the_program_that_left_it() {
    for isa in ["aarch64", "mips"] {
        let core = Core::open(&crash_core(isa, "look")).expect("a core");
        assert_eq!(core.isa.name(), isa);
        assert_eq!(core.threads.len(), 3);
        let mut inferior = CoreInferior::new(core, None, None);
        assert!(inferior.warnings().is_empty(), "{:?}", inferior.warnings());
        let threads = inferior.threads();
        let State::Stopped(stop) = inferior.state() else {
            panic!("a core runs");
        };
        assert_eq!(
            (stop.tid, stop.reason),
            (threads[0], StopReason::Signal(libc::SIGSEGV))
        );
        assert_eq!(stop.pid, threads[0]);
        // The other two wait in pause.
        for tid in &threads[1..] {
            let info = inferior.thread_info(*tid).expect("a thread");
            assert_eq!(info.name, "crash");
            if isa == "aarch64" {
                assert_eq!(info.state, "in ppoll");
            }
        }
        let calls = inferior.recent_calls().expect("calls");
        assert!(
            calls
                .iter()
                .any(|c| c.tid != threads[0] && c.result.is_empty()),
            "{calls:?}"
        );
        let clock = calls.iter().find(|c| c.call.contains("nanosleep"));
        assert_eq!(clock.expect("the sleep").result, "0");
        // The instruction at fault loads through a null pointer; its text is in the program's file, not in the core.
        let target = inferior.target();
        let pc = target.register_in_role(RegisterRole::Pc).expect("a PC");
        let mut value = vec![0; target.registers[pc].size()];
        inferior
            .read_register(threads[0], pc, &mut value)
            .expect("the PC");
        let pc = target.read_integer(&value);
        let insn = inferior.disassemble(pc, 1).expect("code");
        let expected = if isa == "aarch64" {
            "ldr w0, [x0]"
        } else {
            "lw $v0, ($v0)"
        };
        assert_eq!(insn[0].text, expected);
        let regions = inferior.memory_regions().expect("mappings");
        let code = regions
            .iter()
            .find(|r| (r.start..r.end).contains(&pc))
            .expect("mapped");
        assert!(
            code.permissions.exec && code.name.ends_with("/crash"),
            "{code:?}"
        );
        assert!(regions.iter().any(|r| r.name == "[stack]"));
        assert_eq!(inferior.read_memory(0, &mut [0]), Err(Error::Fault(0)));
        // The FP register of the second argument, 2 * 1.25, is one of them.
        let half: Vec<u8> = match isa {
            "mips" => 2.5f64.to_be_bytes().to_vec(),
            _ => 2.5f64.to_le_bytes().to_vec(),
        };
        let held = (0..target.registers.len()).any(|n| {
            let mut value = vec![0; target.registers[n].size()];
            inferior.read_register(threads[0], n, &mut value).is_ok() && value.starts_with(&half)
        });
        assert!(held, "{isa}: no register holds 2.5");
        assert_eq!(inferior.auxv().map(|a| a.is_empty()), Ok(false));
        let info = inferior.read_siginfo(threads[0]).expect("siginfo");
        assert_eq!(info.len(), 128);
        // It cannot run, nor be changed.
        let plan = ResumePlan::all(Resume::Continue { signal: None });
        let error = inferior.resume(plan).expect_err("a core runs");
        assert!(
            error.to_string().contains("a core file cannot run"),
            "{error}"
        );
        let error = inferior.write_memory(pc, &[0]).expect_err("a core changes");
        assert!(error.to_string().contains("cannot be changed"), "{error}");
    }
}

#[test]
fn a_program_that_was_rebuilt_is_noticed() {
    let path = crash_core("aarch64", "other");
    let folder = path.parent().expect("a folder");
    let mut bytes = fs::read(guest("aarch64", "crash")).expect("the program");
    // Somewhere in its ELF header's page, but not in the header.
    bytes[3000] ^= 0xff;
    let rebuilt = folder.join("rebuilt");
    fs::write(&rebuilt, bytes).expect("written");
    let core = Core::open(&path).expect("a core");
    let inferior = CoreInferior::new(core, Some(rebuilt), None);
    let warnings = inferior.warnings();
    assert!(
        warnings.len() == 1 && warnings[0].contains("is not the file"),
        "{warnings:?}"
    );
}

/// Copies of a core with bytes changed, cut off, or both.
fn mutated(good: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..rng.usize(1..8) {
        // Mostly where the structure is.
        let end = if rng.u8(..4) == 0 {
            bytes.len()
        } else {
            4096.min(bytes.len())
        };
        let at = rng.usize(..end);
        match rng.u8(..3) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(..5)],
            _ => {
                let n = rng.usize(1..9).min(bytes.len() - at);
                bytes[at..at + n].fill([0, 0xff][rng.usize(..2)]);
            }
        }
    }
    if rng.u8(..4) == 0 {
        bytes.truncate(rng.usize(..bytes.len()));
    }
    bytes
}

/// Asks everything that a debugger may ask.
fn interrogate(inferior: &mut CoreInferior) {
    let target = inferior.target();
    for tid in inferior.threads().into_iter().take(8) {
        let _ = inferior.thread_info(tid);
        let _ = inferior.read_siginfo(tid);
        for n in 0..target.registers.len() {
            let mut value = vec![0; target.registers[n].size()];
            let _ = inferior.read_register(tid, n, &mut value);
        }
    }
    let _ = (
        inferior.state(),
        inferior.processes(),
        inferior.process_info(),
    );
    let _ = (
        inferior.auxv(),
        inferior.exec_file(),
        inferior.section_offsets(),
    );
    let _ = (
        inferior.libraries(),
        Inferior::library_info_slot(inferior),
        inferior.recent_calls(),
        inferior.signal_actions(),
    );
    let regions = inferior.memory_regions().unwrap_or_default();
    for region in regions.iter().take(16) {
        let mut buf = [0; 64];
        for addr in [
            region.start,
            region.end.wrapping_sub(8),
            region.end,
            u64::MAX - 3,
        ] {
            let _ = inferior.read_memory(addr, &mut buf);
        }
        let _ = inferior.disassemble(region.start, 4);
    }
    let pid = inferior.processes()[0];
    for name in ["maps", "auxv", "cmdline", "exe", "status"] {
        let path = format!("/proc/{pid}/{name}");
        let _ = inferior.open_file(path.as_bytes(), OpenFlags::READ_ONLY, 0);
    }
    let _ = emu_repl::report::crash(inferior);
}

/// Seeded mutations of a good core: each opens or is refused, and nothing that is asked of it panics. EMU_FUZZ_ROUNDS makes it
/// longer.
#[test]
fn hostile_cores_are_refused_or_shown() {
    let rounds = std::env::var("EMU_FUZZ_ROUNDS")
        .ok()
        .and_then(|n| n.parse().ok());
    let rounds: u32 = rounds.unwrap_or(400);
    let mut rng = fastrand::Rng::with_seed(0x636f_7265);
    let (mut opened, mut refused) = (0, 0);
    for isa in GUESTS
        .into_iter()
        .chain(["freebsd-aarch64", "freebsd-mips"])
    {
        let folder = folder(&format!("fuzz-{isa}"));
        let (program, how) = match isa {
            "freebsd-aarch64" | "freebsd-mips" => (guest(isa, "crew"), "null"),
            _ => (guest(isa, "die"), "load"),
        };
        let args = ["--core-file", "core", program.to_str().expect("path"), how];
        emu(&folder, 0, &args);
        let good = fs::read(folder.join("core")).expect("a core");
        // Without the stack's megabytes: the structure is what counts.
        let good = &good[..good.len().min(64 << 10)];
        let path = folder.join("mutated");
        for _ in 0..rounds {
            fs::write(&path, mutated(good, &mut rng)).expect("written");
            match Core::open(&path) {
                Ok(core) => {
                    interrogate(&mut CoreInferior::new(core, None, None));
                    opened += 1;
                }
                Err(e) => {
                    assert!(
                        !e.to_string().is_empty() && !e.to_string().contains('\n'),
                        "{e}"
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(
        opened > 10 && refused > 10,
        "{opened} opened, {refused} refused"
    );
}

#[test]
fn a_core_knows_the_actions_of_signals() {
    for isa in ["freebsd-aarch64", "freebsd-mips"] {
        let folder = folder(&format!("signals-{isa}"));
        let program = guest(isa, "crew");
        let program = program.to_str().expect("path");
        emu(&folder, 0, &["--core-file", "core", program, "handler"]);
        let core = Core::open(&folder.join("core")).expect("a core");
        let mut core = CoreInferior::new(core, None, None);
        let actions = core.signal_actions().expect("in the core");
        let of = |number| actions.iter().find(|a| a.signal == number).expect("listed");
        // SIGUSR1 and SIGSEGV
        assert!(matches!(of(30).handler, Handler::Function(1..)), "{isa}");
        assert_eq!(of(30).flags, "SA_SIGINFO");
        assert_eq!(of(11).handler, Handler::Default);
        // By FreeBSD's names, to gdb too.
        assert_eq!(of(29).name, "SIGINFO");
        assert_eq!(core.gdb_signal(29), signal::by_name("INFO").expect("known"));
    }
}

#[test]
fn what_is_no_core_of_ours_is_named() {
    let folder = folder("foreign");
    let path = crash_core("mips", "foreign-good");
    let good = fs::read(path).expect("a core");
    let with = |at: usize, new: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let mut of_freebsd = with(18, &[0, 62]);
    of_freebsd[7] = 9;
    for (name, bytes, expected) in [
        ("empty", Vec::new(), "an empty file"),
        (
            "text",
            b"just text, and more of it".to_vec(),
            "without an ELF header",
        ),
        ("short", good[..40].to_vec(), "only 40 bytes long"),
        (
            "x86",
            with(18, &[0, 62]),
            "a 32-bit big-endian X86_64 program",
        ),
        (
            "freebsd",
            of_freebsd,
            "a 32-bit big-endian X86_64 program of FreeBSD",
        ),
        ("program", with(16, &[0, 2]), "run it without --core"),
        (
            "headers",
            with(28, &[0xff; 4]),
            "its program headers should be at 0xffffffff",
        ),
        ("n32", with(39, &[0x21]), "the n32 ABI"),
    ] {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("written");
        let run = emu(&folder, 0, &["--core", name]);
        assert_eq!(run.status.code(), Some(1), "{name}");
        let said = text(&run.stderr);
        assert!(
            said.starts_with(&format!("emu: {name}: ")) && said.contains(expected),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    // A core that was cut off is shown as far as it goes.
    fs::write(folder.join("cut"), &good[..good.len() / 2]).expect("written");
    let run = emu(&folder, 0, &["--core", "cut"]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(
        text(&run.stderr).contains("cut off"),
        "{}",
        text(&run.stderr)
    );
}
