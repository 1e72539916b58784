//! Core files of guests that die, without any tool: what `emu` writes is read with goblin.

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
