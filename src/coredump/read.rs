//! Reading a core file: of `emu`, of a Linux kernel, of another emulator. Nothing in it is trusted.

use super::elf::{self, ET_CORE, Ehdr, Note, PN_XNUM, PT_LOAD, PT_NOTE, Phdr, Shdr, read_notes};
use super::notes::{self, CallNote};
use crate::abi::{GuestStruct, OsAbi, Signal};
use crate::ir::CpuState;
use crate::isa::{Isa, RegisterTable};
use crate::mem::Prot;
use crate::os::linux::core::{
    CORE, FileMapping, LINUX, Prpsinfo, Prstatus, nt, places, read_file_note,
};
use crate::os::linux::isa::LinuxIsa;
use crate::os::linux::isa_named;
use goblin::elf::header::{EM_AARCH64, EM_MIPS, machine_to_str};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Longest notes that are read, in bytes: those of some 60,000 threads.
const MAX_NOTES: u64 = 64 << 20;
/// Most program headers that are read.
const MAX_SEGMENTS: u64 = 1 << 22;

/// Why a file cannot be opened as a core.
#[derive(Debug)]
pub enum Error {
    /// It cannot be read.
    Io(io::Error),
    /// It is something else; the text says what.
    NotACore(&'static str),
    /// A core of something that `emu` has no guest for; the text says what.
    Unsupported(String),
    /// It breaks the format's rules; the text says how.
    Damaged(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(e) => {
                let text = e.to_string();
                f.write_str(text.split(" (os error").next().unwrap_or(&text))
            }
            Error::NotACore(what) => write!(f, "not a core file, but {what}"),
            Error::Unsupported(what) => write!(
                f,
                "core file of {what}, which is not supported; 'emu --list guests' prints what is"
            ),
            Error::Damaged(why) => write!(f, "damaged core file: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Error {
        Error::Io(e)
    }
}

/// A range of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// First guest address.
    pub start: u64,
    /// First guest address after it.
    pub end: u64,
    /// The guest's access.
    pub prot: Prot,
    /// Where its content begins in the file.
    pub offset: u64,
    /// How many bytes of content there are.
    pub saved: u64,
}

/// A thread.
pub struct CoreThread {
    /// Its id.
    pub tid: u32,
    /// Its registers, as far as `known` says.
    pub cpu: Box<CpuState>,
    /// The registers' table.
    pub table: &'static RegisterTable,
    /// For each register of the table, whether the core has it.
    pub known: Vec<bool>,
    /// Its name; "" if that is not known.
    pub name: String,
    /// The system call that it is in.
    pub call: Option<u64>,
    /// What NT_PRSTATUS says besides.
    pub status: Prstatus,
}

/// A core file.
pub struct Core {
    /// Its path.
    pub path: PathBuf,
    file: File,
    len: u64,
    tids: HashSet<u32>,
    /// The machine.
    pub isa: &'static dyn Isa,
    /// Linux on it.
    pub linux: &'static LinuxIsa,
    /// Memory, by address.
    pub loads: Vec<Load>,
    /// Threads, the one that was hit first.
    pub threads: Vec<CoreThread>,
    /// NT_PRPSINFO.
    pub process: Option<Prpsinfo>,
    /// `siginfo_t` of the signal, in the guest's layout.
    pub siginfo: Option<Vec<u8>>,
    /// The auxiliary vector in the guest's layout.
    pub auxv: Vec<u8>,
    /// Mapped files, by address.
    pub files: Vec<FileMapping>,
    /// `/proc/PID/maps` of the guest.
    pub maps: Option<String>,
    /// The last system calls.
    pub calls: Vec<CallNote>,
    /// The bug of the emulator that left it.
    pub error: Option<String>,
    /// The program's file, as the emulator knew it.
    pub exe: Option<PathBuf>,
    /// What is wrong with it, but leaves something to look at.
    pub warnings: Vec<String>,
}

/// The guest that a core is of.
fn machine(
    header: &goblin::elf::Header,
    is_64: bool,
    big: bool,
) -> Result<&'static dyn Isa, Error> {
    const EF_MIPS_ABI2: u32 = 0x20;
    const ELFOSABI_FREEBSD: u8 = 9;
    let bits = if is_64 { 64 } else { 32 };
    let order = if big { "big" } else { "little" };
    let name = machine_to_str(header.e_machine);
    let name = match name.trim_start_matches("EM_") {
        "UNKNOWN_EM" | "" => format!("machine {}", header.e_machine),
        name => name.to_owned(),
    };
    let whole = format!("a {bits}-bit {order}-endian {name} program");
    if header.e_ident[7] == ELFOSABI_FREEBSD {
        return Err(Error::Unsupported(format!("{whole} of FreeBSD")));
    }
    match (header.e_machine, is_64, big) {
        (EM_AARCH64, true, false) => Ok(&crate::isa::aarch64::AArch64),
        (EM_MIPS, false, _) if header.e_flags & EF_MIPS_ABI2 != 0 => {
            Err(Error::Unsupported("a MIPS program with the n32 ABI".into()))
        }
        (EM_MIPS, false, true) => Ok(&crate::isa::mips::MIPS),
        (EM_MIPS, false, false) => Ok(&crate::isa::mips::MIPSEL),
        _ => Err(Error::Unsupported(whole)),
    }
}

impl Core {
    /// Opens a core file.
    ///
    /// # Errors
    /// What the file is instead, or what is wrong with it.
    pub fn open(path: &Path) -> Result<Core, Error> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(Error::NotACore(if meta.is_dir() {
                "a folder"
            } else {
                "a device or a pipe"
            }));
        }
        let len = meta.len();
        let (header, a) = read_header(&file, len)?;
        let isa = machine(
            &header,
            a.abi.word == 8,
            a.abi.endian == crate::abi::Endian::Big,
        )?;
        let mut core = Core {
            path: path.to_path_buf(),
            file,
            len,
            tids: HashSet::new(),
            isa,
            linux: isa_named(isa.name()),
            loads: Vec::new(),
            threads: Vec::new(),
            process: None,
            siginfo: None,
            auxv: Vec::new(),
            files: Vec::new(),
            maps: None,
            calls: Vec::new(),
            error: None,
            exe: None,
            warnings: Vec::new(),
        };
        let notes = core.read_segments(&header, a)?;
        core.take_notes(notes)?;
        if core.threads.is_empty() {
            return Err(Error::Damaged("it has no thread (NT_PRSTATUS)".into()));
        }
        Ok(core)
    }

    fn bytes(&self, at: u64, len: u64, what: &str) -> Result<Vec<u8>, Error> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(Error::Damaged(format!(
                "its {what} should be at {at:#x}, but the file ends at {:#x}",
                self.len
            )));
        }
        let mut bytes = vec![0; len as usize];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Reads the program headers: the memory into `loads`, the notes as the result.
    fn read_segments(
        &mut self,
        header: &goblin::elf::Header,
        a: OsAbi,
    ) -> Result<Vec<Note>, Error> {
        let size = Phdr::DESC.size(a) as u64;
        if u64::from(header.e_phentsize) != size {
            return Err(Error::Damaged(format!(
                "program headers of {} bytes, {size} expected",
                header.e_phentsize
            )));
        }
        let mut count = u64::from(header.e_phnum);
        if header.e_phnum == PN_XNUM && header.e_shoff != 0 {
            let section =
                self.bytes(header.e_shoff, Shdr::DESC.size(a) as u64, "section header")?;
            count = Shdr::read(a, &section).map_or(count, |s| s.sh_info.into());
        }
        if count == 0 || count > MAX_SEGMENTS {
            return Err(Error::Damaged(format!("it has {count} program headers")));
        }
        let table = self.bytes(header.e_phoff, count * size, "program headers")?;
        let mut notes = Vec::new();
        let (mut expected, mut overlapping) = (0, false);
        for bytes in table.chunks_exact(size as usize) {
            let Ok(p) = Phdr::read(a, bytes) else {
                continue;
            };
            let (offset, saved) = (p.p_offset.0, p.p_filesz.0);
            let Some(end_in_file) = offset.checked_add(saved) else {
                return Err(Error::Damaged(format!(
                    "a segment of {saved:#x} bytes at offset {offset:#x}"
                )));
            };
            match p.p_type {
                PT_NOTE => {
                    if saved > MAX_NOTES {
                        return Err(Error::Damaged(format!("notes of {saved} bytes")));
                    }
                    // Of a file that was cut off: what is left of them.
                    let there = saved.min(self.len.saturating_sub(offset));
                    let bytes = self.bytes(offset, there, "notes")?;
                    let (some, cut) = read_notes(a, &bytes);
                    notes.extend(some);
                    if cut || there < saved {
                        self.warnings.push("its notes are cut off".into());
                    }
                }
                PT_LOAD if p.p_memsz.0 > 0 || saved > 0 => {
                    let start = p.p_vaddr.0;
                    let len = p.p_memsz.0.max(saved);
                    let Some(end) = start.checked_add(len) else {
                        return Err(Error::Damaged(format!(
                            "memory of {len:#x} bytes at {start:#x}"
                        )));
                    };
                    expected = end_in_file.max(expected);
                    let right = |flag: u32, prot: Prot| {
                        if p.p_flags & flag != 0 {
                            prot
                        } else {
                            Prot::NONE
                        }
                    };
                    self.loads.push(Load {
                        start,
                        end,
                        prot: right(4, Prot::READ) | right(2, Prot::WRITE) | right(1, Prot::EXEC),
                        offset,
                        saved,
                    });
                }
                _ => {}
            }
        }
        if notes.is_empty() {
            return Err(Error::Damaged("it has no notes".into()));
        }
        self.loads.sort_by_key(|l| l.start);
        // The first of those that lie over each other counts.
        self.loads.dedup_by(|next, kept| {
            let over = next.start < kept.end;
            overlapping |= over;
            over
        });
        if overlapping {
            self.warnings
                .push("some of its memory is there twice; the first is shown".into());
        }
        if expected > self.len {
            self.warnings.push(format!(
                "it is cut off: {} of {expected} bytes are there; memory beyond cannot be shown",
                self.len
            ));
        }
        Ok(notes)
    }

    fn take_notes(&mut self, all: Vec<Note>) -> Result<(), Error> {
        if all.iter().any(|n| n.owner == "FreeBSD") {
            return Err(Error::Unsupported(format!(
                "a {} program of FreeBSD",
                self.isa.name()
            )));
        }
        let a = self.linux.abi;
        let mut names = String::new();
        for note in all {
            let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
            match (note.owner.as_str(), note.kind) {
                (CORE, nt::PRSTATUS) => self.take_thread(&note.data)?,
                (CORE, nt::PRPSINFO) => self.process = Prpsinfo::read(a, &note.data).ok(),
                (CORE, nt::SIGINFO) => self.siginfo = self.siginfo.take().or(Some(note.data)),
                (CORE, nt::AUXV) => self.auxv = note.data,
                (CORE, nt::FILE) => match read_file_note(a, &note.data) {
                    Some(files) => {
                        self.files = files;
                        self.files.sort_by_key(|f| f.start);
                    }
                    None => self
                        .warnings
                        .push("its list of mapped files makes no sense".into()),
                },
                (CORE | LINUX, kind) => self.take_register_set(&note.owner, kind, &note.data),
                (notes::OWNER, notes::INFO) => {
                    let exe = text(&note.data)
                        .lines()
                        .find_map(|l| l.strip_prefix("exe=").map(PathBuf::from));
                    self.exe = exe;
                }
                (notes::OWNER, notes::CALLS) => {
                    self.calls = notes::read_calls(a.abi.endian, &note.data);
                }
                (notes::OWNER, notes::ERROR) => self.error = Some(text(&note.data)),
                (notes::OWNER, notes::MAPS) => self.maps = Some(text(&note.data)),
                (notes::OWNER, notes::THREADS) => names = text(&note.data),
                _ => {}
            }
        }
        let names: HashMap<u32, &str> = names
            .lines()
            .filter_map(|l| l.split_once(' '))
            .filter_map(|(tid, name)| Some((tid.parse().ok()?, name)))
            .collect();
        for thread in &mut self.threads {
            thread.name = names.get(&thread.tid).map_or("", |n| n).to_owned();
        }
        Ok(())
    }

    fn take_thread(&mut self, data: &[u8]) -> Result<(), Error> {
        let mut cpu = CpuState::new();
        let table = self.isa.registers();
        let Some(status) = self.linux.read_prstatus(table, data, &mut cpu) else {
            return Err(Error::Damaged(format!(
                "NT_PRSTATUS has {} bytes, {} expected",
                data.len(),
                self.linux.prstatus_size()
            )));
        };
        let known = table
            .registers
            .iter()
            .map(|r| r.gregset.is_some())
            .collect();
        // Where no note says so, Status does.
        let mode = (self.linux.fp_mode_of_status)(&cpu);
        (self.linux.set_fp_mode)(&mut cpu, mode);
        let mut tid = status.pr_pid as u32;
        // Two threads of one id cannot be told apart, and 0 is none.
        while tid == 0 || !self.tids.insert(tid) {
            tid = tid.wrapping_add(1);
        }
        if tid != status.pr_pid as u32 {
            self.warnings.push(format!(
                "a thread with the id {}, which is no other's, is shown as {tid}",
                status.pr_pid
            ));
        }
        self.threads.push(CoreThread {
            tid,
            table: self.isa.registers_in_mode(cpu.mode),
            cpu,
            known,
            name: String::new(),
            call: None,
            status,
        });
        Ok(())
    }

    /// A register set belongs to the thread whose NT_PRSTATUS came last.
    fn take_register_set(&mut self, owner: &str, kind: u32, data: &[u8]) {
        let mut sets = self.linux.register_sets.iter();
        let Some(set) = sets.find(|s| s.owner == owner && s.note == kind) else {
            return;
        };
        let Some(thread) = self.threads.last_mut() else {
            return;
        };
        if data.len() < set.size {
            self.warnings.push(format!(
                "a register set (type {kind:#x}) of thread {} has {} bytes, {} expected",
                thread.tid,
                data.len(),
                set.size
            ));
            return;
        }
        let call = self
            .linux
            .read_register_set(set, thread.table, data, &mut thread.cpu);
        thread.call = thread.call.or(call);
        // The set may have changed how the registers are seen.
        thread.table = self.isa.registers_in_mode(thread.cpu.mode);
        for field in set.fields {
            for (_, r) in places(field, thread.table) {
                let (from, to) = (r.slot, usize::from(r.slot) + r.size());
                // Registers that are part of it have come with it.
                for (known, other) in thread.known.iter_mut().zip(thread.table.registers) {
                    let inside = other.slot >= from && usize::from(other.slot) + other.size() <= to;
                    let own_slot = !matches!(
                        other.class,
                        crate::isa::RegClass::Pc | crate::isa::RegClass::Flags
                    );
                    *known |= inside && own_slot;
                }
            }
        }
    }

    /// The range that holds `addr`.
    pub fn load_at(&self, addr: u64) -> Option<&Load> {
        let n = self.loads.partition_point(|l| l.end <= addr);
        self.loads.get(n).filter(|l| l.start <= addr)
    }

    /// Reads memory that is in the core: as much from `addr` on as is in one piece.
    pub fn read_saved(&self, addr: u64, buf: &mut [u8]) -> usize {
        let Some(load) = self.load_at(addr) else {
            return 0;
        };
        let from = addr - load.start;
        let there = load
            .saved
            .min(self.len.saturating_sub(load.offset))
            .saturating_sub(from);
        let n = there.min(buf.len() as u64) as usize;
        match self.file.read_exact_at(&mut buf[..n], load.offset + from) {
            Ok(()) => n,
            Err(_) => 0,
        }
    }

    /// The mapped file that is at `addr`.
    pub fn file_at(&self, addr: u64) -> Option<&FileMapping> {
        self.files.iter().find(|f| (f.start..f.end).contains(&addr))
    }

    /// The value of a key in the auxiliary vector.
    pub fn auxv_value(&self, key: u64) -> Option<u64> {
        let a = self.linux.abi;
        let word = usize::from(a.abi.word);
        let read = |b: &[u8]| crate::abi::read_int(a, crate::abi::Kind::Ulong, b);
        self.auxv
            .chunks_exact(2 * word)
            .find(|e| read(e) == key)
            .map(|e| read(&e[word..]))
    }

    /// The signal that ended the process, if one did.
    pub fn signal(&self) -> Option<Signal> {
        let number = self.threads.first()?.status.pr_cursig;
        (number > 0).then_some(Signal(number as u8))
    }

    /// Id of the process.
    pub fn pid(&self) -> u32 {
        let first = self.threads.first().map_or(1, |t| t.tid);
        match self.process {
            Some(p) if p.pr_pid > 0 => p.pr_pid as u32,
            _ => first,
        }
    }
}

fn read_header(file: &File, len: u64) -> Result<(goblin::elf::Header, OsAbi), Error> {
    let mut bytes = [0; 64];
    let there = len.min(64) as usize;
    file.read_exact_at(&mut bytes[..there], 0)?;
    if bytes[..4] != *b"\x7fELF" {
        return Err(Error::NotACore(if len == 0 {
            "an empty file"
        } else {
            "something without an ELF header"
        }));
    }
    let (is_64, big) = match (bytes[4], bytes[5]) {
        (class @ (1 | 2), data @ (1 | 2)) => (class == 2, data == 2),
        (class, data) => {
            return Err(Error::Damaged(format!(
                "class {class} and data encoding {data} are unknown"
            )));
        }
    };
    let a = elf::abi(is_64, big);
    if there < Ehdr::DESC.size(a) {
        return Err(Error::Damaged(format!("it is only {len} bytes long")));
    }
    let header = goblin::elf::Elf::parse_header(&bytes[..there])
        .map_err(|e| Error::Damaged(e.to_string()))?;
    match header.e_type {
        ET_CORE => Ok((header, a)),
        2 | 3 => Err(Error::NotACore(
            "a program or library; run it without --core",
        )),
        1 => Err(Error::NotACore("an object file")),
        _ => Err(Error::NotACore("an ELF file of an unknown type")),
    }
}
