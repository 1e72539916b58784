//! Hostile and ordinary files.

use super::*;
use crate::abi::Abi;
use crate::abi::Endian;
use crate::mem::{AddressSpace, Config};
use crate::process::Machine;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

/// A file in the temporary folder that is removed at the end.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str, data: &[u8]) -> Temp {
        let path = std::env::temp_dir().join(format!("emu-loader-{}-{name}", std::process::id()));
        let mut f = std::fs::File::create(&path).unwrap();
        f.write_all(data).unwrap();
        f.set_permissions(std::fs::Permissions::from_mode(0o755))
            .unwrap();
        Temp(path)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A static AArch64 program: one page of code, and data with some .bss behind it.
fn aarch64() -> Vec<u8> {
    let mut elf = Vec::new();
    elf.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |v: u16| v.to_le_bytes();
    elf.extend([half(2), half(183)].concat());
    elf.extend(1u32.to_le_bytes());
    elf.extend(0x40_0078u64.to_le_bytes()); // entry
    elf.extend(64u64.to_le_bytes()); // phoff
    elf.extend(0u64.to_le_bytes());
    elf.extend(0u32.to_le_bytes());
    elf.extend([64, 56, 2, 64, 0, 0].map(half).concat());
    for (flags, offset, vaddr, filesz, memsz) in [
        (5u32, 0u64, 0x40_0000u64, 0x200u64, 0x200u64),
        (6, 0x200, 0x41_0200, 0x100, 0x3000),
    ] {
        elf.extend(1u32.to_le_bytes());
        elf.extend(flags.to_le_bytes());
        for v in [offset, vaddr, vaddr, filesz, memsz, 0x1_0000] {
            elf.extend(v.to_le_bytes());
        }
    }
    elf.resize(0x300, 0xaa);
    elf
}

fn open(file: &Temp) -> Result<Program, Error> {
    Program::open(
        &file.0,
        Arguments {
            argv: vec![b"prog".to_vec(), b"one".to_vec()],
            envp: vec![b"A=b".to_vec()],
            ..Arguments::default()
        },
        None,
    )
}

#[test]
fn an_interpreter_and_the_stack_keep_clear_of_each_other() {
    let mut linker = aarch64();
    linker[16] = 3; // ET_DYN
    let linker = Temp::new("linker", &linker);
    let mut elf = aarch64();
    let name = [linker.0.to_str().unwrap().as_bytes(), b"\0"].concat();
    // The second header becomes PT_INTERP: type, offset, file size, memory size.
    elf[120] = 3;
    elf[128..136].copy_from_slice(&0x300u64.to_le_bytes());
    elf[152..160].copy_from_slice(&(name.len() as u64).to_le_bytes());
    elf[160..168].copy_from_slice(&(name.len() as u64).to_le_bytes());
    elf.extend(name);
    let file = Temp::new("interpreted", &elf);
    let mem = AddressSpace::new(Config {
        size: Some(1 << 36),
        ..Config::default()
    })
    .unwrap();
    let abi = Abi {
        endian: Endian::Little,
        word: 8,
        align64: 8,
        even_pairs: false,
    };
    let stack_size = 1 << 20;
    let machine = Machine::default();
    let program = open(&file).unwrap();
    let loaded = program
        .load(&mem, abi, &machine, stack_size, Default::default())
        .unwrap();
    let bias = loaded.interpreter.expect("named in the file").bias;
    let code = mem.load::<u32>(bias + 0x40_0000, abi.endian).unwrap();
    assert_eq!(code, u32::from_le_bytes(*b"\x7fELF"));
    let stack = loaded.stack_top - stack_size..loaded.stack_top;
    assert!(!stack.contains(&(bias + 0x40_0000)) && stack.contains(&loaded.sp));
}

#[test]
fn loads_segments_bss_and_stack() {
    let file = Temp::new("plain", &aarch64());
    let program = open(&file).unwrap();
    assert_eq!(
        program.target,
        Target {
            isa: "aarch64",
            os: OsKind::Linux,
            mips_fr1: false
        }
    );
    let mem = AddressSpace::new(Config {
        size: Some(1 << 36),
        ..Config::default()
    })
    .unwrap();
    let abi = Abi {
        endian: Endian::Little,
        word: 8,
        align64: 8,
        even_pairs: false,
    };
    let loaded = program
        .load(
            &mem,
            abi,
            &Machine {
                hwcap: 7,
                platform: Some("aarch64"),
                ..Machine::default()
            },
            1 << 20,
            Default::default(),
        )
        .unwrap();
    assert_eq!(loaded.entry, 0x40_0078);
    assert_eq!(mem.load::<u8>(0x41_02ff, abi.endian).unwrap(), 0xaa);
    assert_eq!(
        mem.load::<u8>(0x41_0300, abi.endian).unwrap(),
        0,
        ".bss in the file's last page"
    );
    assert_eq!(mem.load::<u64>(0x41_31f8, abi.endian).unwrap(), 0);
    assert_eq!(mem.heap().0, 0x41_4000);
    assert_eq!(loaded.sp % 16, 0);
    let word = |i: u64| mem.load::<u64>(loaded.sp + 8 * i, abi.endian).unwrap();
    assert_eq!((word(0), word(3)), (2, 0));
    assert_eq!(mem.read_cstr(word(2), 100).unwrap().unwrap(), b"one");
    assert_eq!(mem.read_cstr(word(4), 100).unwrap().unwrap(), b"A=b");
    assert_eq!((word(6), word(7)), (aux::HWCAP, 7));
    let auxv: Vec<u64> = loaded
        .auxv
        .chunks(8)
        .map(|c| u64::from_le_bytes(c.try_into().unwrap()))
        .collect();
    assert_eq!(auxv[..2], [aux::HWCAP, 7]);
    assert_eq!(auxv[auxv.len() - 2..], [0, 0]);
    assert!(auxv.chunks(2).any(|e| e == [aux::PHDR, 0x40_0040]));
}

/// What the user reads for each kind of bad file.
#[test]
fn a_segment_of_bss_may_lie_beyond_the_file() {
    let mut elf = aarch64();
    let second = 64 + 56;
    elf[second + 8..second + 16].copy_from_slice(&0x1_0200u64.to_le_bytes());
    elf[second + 32..second + 40].copy_from_slice(&0u64.to_le_bytes());
    let program = open(&Temp::new("bss", &elf)).expect("a good file");
    assert_eq!(program.header.segments[1].filesz, 0);
}

#[test]
fn bad_files_are_named_with_their_fault() {
    let with = |at: usize, bytes: &[u8]| {
        let mut elf = aarch64();
        elf[at..at + bytes.len()].copy_from_slice(bytes);
        elf
    };
    let mips_n32 = || {
        let mut e = aarch64()[..52].to_vec();
        e[4] = 1;
        e[5] = 2;
        e[16..20].copy_from_slice(&[0, 2, 0, 8]);
        e[28..32].copy_from_slice(&52u32.to_be_bytes());
        e[36..40].copy_from_slice(&0x20u32.to_be_bytes());
        e[42..46].copy_from_slice(&[0, 32, 0, 1]);
        e.extend(
            [1u32, 0, 0x1_0000, 0x1_0000, 52, 0x1000, 5, 0x1000]
                .map(u32::to_be_bytes)
                .concat(),
        );
        e
    };
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("empty", vec![], "neither an ELF program nor a script"),
        (
            "text",
            b"hello".to_vec(),
            "neither an ELF program nor a script",
        ),
        ("magic", b"\x7fELF".to_vec(), "damaged ELF file"),
        (
            "short",
            aarch64()[..80].to_vec(),
            "beyond the end of the file",
        ),
        ("cut", aarch64()[..0x210].to_vec(), "cut short"),
        (
            "machine",
            with(18, &[62, 0]),
            "unsupported guest: 64-bit little-endian X86_64",
        ),
        ("object", with(16, &[1, 0]), "not linked"),
        ("core", with(16, &[4, 0]), "--core"),
        (
            "phentsize",
            with(54, &[10, 0]),
            "program headers of 10 bytes",
        ),
        ("phnum", with(56, &[0xff, 0xff]), "too many"),
        (
            "overlap",
            with(64 + 56 + 16, &[0, 1, 0x40, 0, 0, 0, 0, 0]),
            "differ within a page",
        ),
        (
            "overlap2",
            with(64 + 56 + 16, &[0, 0x02, 0x3f, 0, 0, 0, 0, 0]),
            "overlap or are out of order",
        ),
        ("huge", with(64 + 56 + 40, &[0xff; 8]), "out of range"),
        (
            "memsz",
            with(64 + 56 + 40, &[1, 0, 0, 0, 0, 0, 0, 0]),
            "bytes in the file but",
        ),
        ("n32", mips_n32(), "n32"),
        (
            "script",
            b"#!/nonexistent/interpreter -x\n".to_vec(),
            "its interpreter /nonexistent/interpreter is missing",
        ),
    ];
    for (name, data, expected) in cases {
        let file = Temp::new(name, data);
        let Err(error) = open(&file) else {
            panic!("{name}: opened")
        };
        let text = error.to_string();
        assert!(text.contains(expected), "{name}: {text}");
        assert!(
            text.starts_with(file.0.to_str().unwrap()) && !text.contains('\n'),
            "{name}: {text}"
        );
        assert_eq!(error.exit_status(), 126, "{name}");
    }
    let missing = Program::open(Path::new("/nonexistent/prog"), Arguments::default(), None)
        .err()
        .unwrap();
    assert_eq!(
        (missing.exit_status(), missing.to_string().as_str()),
        (127, "/nonexistent/prog: No such file or directory")
    );
    let folder = Program::open(Path::new("/tmp"), Arguments::default(), None)
        .err()
        .unwrap();
    assert_eq!(folder.to_string(), "/tmp: is not a regular file");
}

#[test]
fn too_many_arguments() {
    let file = Temp::new("args", &aarch64());
    let program = Program::open(
        &file.0,
        Arguments {
            argv: vec![vec![b'x'; 1000]; 1000],
            ..Arguments::default()
        },
        None,
    )
    .unwrap();
    let mem = AddressSpace::new(Config {
        size: Some(1 << 36),
        ..Config::default()
    })
    .unwrap();
    let abi = Abi {
        endian: Endian::Little,
        word: 8,
        align64: 8,
        even_pairs: false,
    };
    let error = program
        .load(&mem, abi, &Machine::default(), 1 << 20, Default::default())
        .unwrap_err();
    assert!(matches!(error, Error::ArgumentsTooLong(..)), "{error}");
}

/// Seeded mutations of a good file: every outcome is a loaded program or an error, within the time of the test.
#[test]
fn mutated_headers_never_panic() {
    let mut rng = fastrand::Rng::with_seed(0x656d_7531);
    let good = aarch64();
    let abi = Abi {
        endian: Endian::Little,
        word: 8,
        align64: 8,
        even_pairs: false,
    };
    let rounds = std::env::var("EMU_FUZZ_ROUNDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3000);
    let mut loaded = 0;
    for _ in 0..rounds {
        let mut elf = good.clone();
        for _ in 0..rng.u32(1..6) {
            let at = rng.usize(4..176);
            elf[at] = if rng.bool() {
                rng.u8(..)
            } else {
                [0, 1, 0x7f, 0x80, 0xff][rng.usize(..5)]
            };
        }
        if rng.u8(..4) == 0 {
            elf.truncate(rng.usize(..elf.len()));
        }
        let file = Temp::new("fuzz", &elf);
        let Ok(program) = open(&file) else { continue };
        let mem = AddressSpace::new(Config {
            size: Some(1 << 36),
            ..Config::default()
        })
        .unwrap();
        loaded += u32::from(
            program
                .load(&mem, abi, &Machine::default(), 1 << 20, Default::default())
                .is_ok(),
        );
        let _ = Symbols::parse(&elf, 0);
    }
    assert!(loaded > 0, "no mutation loaded: the fuzz tests nothing");
}
