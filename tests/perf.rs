//! What `perf` is told of generated code: the map of `--perfmap` and the file of `--jitdump`.

use goblin::elf::Elf;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A block as either file lists it.
#[derive(Debug, PartialEq, Eq)]
struct Listed {
    addr: u64,
    len: u64,
    name: String,
}

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("emu-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn guest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bin/aarch64/tour")
}

/// Runs the guest in `folder`; its process number and what it printed.
fn run(folder: &Path, options: &[&str]) -> (u32, Output) {
    let child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(options)
        .arg(guest())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("emu starts");
    let pid = child.id();
    (pid, child.wait_with_output().expect("emu ends"))
}

/// The lines of a perf map: address and length in hexadecimal, the rest is the name.
fn parse_map(text: &str) -> Vec<Listed> {
    let number = |word: Option<&str>| u64::from_str_radix(word.expect("three words"), 16);
    text.lines()
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            Listed {
                addr: number(words.next()).expect("an address"),
                len: number(words.next()).expect("a length"),
                name: words.next().expect("a name").to_string(),
            }
        })
        .collect()
}

/// Takes numbers from the front of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(n);
        self.0 = rest;
        first
    }

    fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.bytes(4).try_into().expect("four bytes"))
    }

    fn u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.bytes(8).try_into().expect("eight bytes"))
    }
}

/// The records of a jitdump file (Linux tools/perf/Documentation/jitdump-specification.txt) of process `pid`.
fn parse_dump(bytes: &[u8], pid: u32) -> Vec<Listed> {
    let mut r = Reader(bytes);
    assert_eq!(r.u32(), 0x4a69_5444, "the magic number");
    assert_eq!(r.u32(), 1, "the version");
    assert_eq!(r.u32(), 40, "the size of the header");
    assert_eq!(r.u32(), 62, "EM_X86_64");
    r.u32();
    assert_eq!(r.u32(), pid);
    let mut time = r.u64();
    assert_eq!(r.u64(), 0, "flags");
    let mut list = Vec::new();
    while !r.0.is_empty() {
        let start = r.0.len();
        assert_eq!(r.u32(), 0, "JIT_CODE_LOAD");
        let size = r.u32() as usize;
        let now = r.u64();
        assert!(now >= time, "time goes on");
        time = now;
        assert_eq!(r.u32(), pid);
        // The thread; it may have ended long ago.
        assert_ne!(r.u32(), 0);
        let addr = r.u64();
        assert_eq!(r.u64(), addr, "the code is where it runs");
        let len = r.u64();
        assert_eq!(r.u64(), list.len() as u64, "each has its own index");
        let end = r.0.iter().position(|b| *b == 0).expect("a name");
        let name = String::from_utf8(r.bytes(end).to_vec()).expect("text");
        r.bytes(1);
        let code = r.bytes(len as usize);
        assert!(code.iter().any(|b| *b != 0), "code of {name}");
        assert_eq!(start - r.0.len(), size, "the size of the record of {name}");
        list.push(Listed { addr, len, name });
    }
    list
}

#[test]
fn both_files_list_every_block() {
    let folder = Folder::new("perf");
    let (pid, output) = run(&folder.0, &["--perfmap", "--jitdump", "--stats"]);
    let map_path = PathBuf::from(format!("/tmp/perf-{pid}.map"));
    let map = std::fs::read_to_string(&map_path);
    let _ = std::fs::remove_file(&map_path);
    assert_eq!(output.status.code(), Some(10), "{output:?}");
    let map = parse_map(&map.expect("a perf map"));
    let dump = std::fs::read(folder.0.join(format!("jit-{pid}.dump"))).expect("a jitdump file");
    let dump = parse_dump(&dump, pid);
    // Threads write to one file after the other, each under its own lock.
    let sorted = |mut list: Vec<Listed>| {
        list.sort_by_key(|block| block.addr);
        list
    };
    let (map, dump) = (sorted(map), sorted(dump));
    assert_eq!(map, dump);
    for pair in map.windows(2) {
        assert!(pair[0].addr + pair[0].len <= pair[1].addr, "{pair:?}");
    }
    let program = std::fs::read(guest()).expect("the guest");
    let entry = Elf::parse(&program).expect("an ELF file").entry;
    let first = format!("guest_{entry:x}");
    assert!(map.iter().any(|block| block.name == first), "{first}");
    // "jit: 1234 blocks, ..."
    let text = String::from_utf8_lossy(&output.stderr);
    let blocks = text
        .split_once("jit: ")
        .and_then(|(_, rest)| rest.split_once(" blocks"))
        .and_then(|(number, _)| number.parse::<usize>().ok());
    assert_eq!(blocks, Some(map.len()), "{text}");
}

#[test]
fn the_interpreter_has_no_code_to_list() {
    let folder = Folder::new("perf-interp");
    let (pid, output) = run(&folder.0, &["--engine", "interp", "--perfmap", "--jitdump"]);
    assert!(!Path::new(&format!("/tmp/perf-{pid}.map")).exists());
    assert!(!folder.0.join(format!("jit-{pid}.dump")).exists());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("-perfmap"), "{text}");
    assert_eq!(output.status.code(), Some(2));
}
