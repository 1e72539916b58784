//! Reading a core file: of `emu`, of the operating system's kernel, of another emulator. Nothing in it is trusted.

mod freebsd;
mod linux;

use super::elf::{self, ET_CORE, Ehdr, Note, PN_XNUM, PT_LOAD, PT_NOTE, Phdr, Shdr, read_notes};
use super::notes::{self, CallNote};
use crate::abi::{GuestStruct, OsAbi, Signal};
use crate::ir::CpuState;
use crate::isa::{Isa, RegClass, RegisterTable};
use crate::loader::{aux, aux_value, freebsd_aux};
use crate::mem::Prot;
use crate::os::System;
use crate::os::core::{FileMapping, RegisterSet};
use emu_stub::SignalAction;
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
    /// The signal that it was hit by, as the host numbers it.
    pub signal: Option<Signal>,
    /// `siginfo_t` of the signal, in the guest's layout.
    pub siginfo: Option<Vec<u8>>,
}

impl CoreThread {
    /// Notes that a register set has come, with the registers that are part of those in it.
    fn mark_known(&mut self, set: &RegisterSet) {
        for field in set.fields {
            for (_, _, r) in field.places(self.table) {
                let (from, to) = (r.slot, usize::from(r.slot) + r.size());
                for (known, other) in self.known.iter_mut().zip(self.table.registers) {
                    let inside = other.slot >= from && usize::from(other.slot) + other.size() <= to;
                    let own_slot = !matches!(other.class, RegClass::Pc | RegClass::Flags);
                    *known |= inside && own_slot;
                }
            }
        }
    }
}

/// What a core file says of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreProcess {
    /// Its id.
    pub pid: u32,
    /// Its parent's; 0 if that is not known.
    pub parent: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its name.
    pub name: Vec<u8>,
    /// The beginning of its arguments, with spaces between them.
    pub args: Vec<u8>,
}

/// Bytes up to a NUL.
fn up_to_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|&b| b == 0).next().unwrap_or_default().to_vec()
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
    /// The operating system on it.
    pub system: System,
    /// Memory, by address.
    pub loads: Vec<Load>,
    /// Threads, the one that was hit first.
    pub threads: Vec<CoreThread>,
    /// What is known of the process.
    pub process: Option<CoreProcess>,
    /// The auxiliary vector in the guest's layout.
    pub auxv: Vec<u8>,
    /// Mapped files, by address.
    pub files: Vec<FileMapping>,
    /// `/proc/PID/maps` of the guest.
    pub maps: Option<String>,
    /// The last system calls.
    pub calls: Vec<CallNote>,
    /// Actions of signals that are not the default ones, without names. Only `emu` writes them.
    pub signals: Option<Vec<SignalAction>>,
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
) -> Result<(&'static dyn Isa, System), Error> {
    const EF_MIPS_ABI2: u32 = 0x20;
    let bits = if is_64 { 64 } else { 32 };
    let order = if big { "big" } else { "little" };
    let name = machine_to_str(header.e_machine);
    let name = match name.trim_start_matches("EM_") {
        "UNKNOWN_EM" | "" => format!("machine {}", header.e_machine),
        name => name.to_owned(),
    };
    let (os, of) = match header.e_ident[7] {
        elf::ELFOSABI_FREEBSD => ("freebsd", " of FreeBSD"),
        _ => ("linux", ""),
    };
    let unsupported =
        || Error::Unsupported(format!("a {bits}-bit {order}-endian {name} program{of}"));
    let isa: &'static dyn Isa = match (header.e_machine, is_64, big) {
        (EM_AARCH64, true, false) => &crate::isa::aarch64::AArch64,
        (EM_MIPS, false, _) if header.e_flags & EF_MIPS_ABI2 != 0 => {
            return Err(Error::Unsupported("a MIPS program with the n32 ABI".into()));
        }
        (EM_MIPS, false, true) => &crate::isa::mips::MIPS,
        (EM_MIPS, false, false) => &crate::isa::mips::MIPSEL,
        _ => return Err(unsupported()),
    };
    let system = System::named(os, isa.name()).ok_or_else(unsupported)?;
    Ok((isa, system))
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
        let (isa, system) = machine(
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
            system,
            loads: Vec::new(),
            threads: Vec::new(),
            process: None,
            auxv: Vec::new(),
            files: Vec::new(),
            maps: None,
            calls: Vec::new(),
            signals: None,
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
        let endian = self.system.abi().abi.endian;
        let mut names = String::new();
        for note in all {
            let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
            if note.owner != notes::OWNER {
                match self.system {
                    System::Linux(isa) => self.take_linux_note(isa, note)?,
                    System::FreeBsd(isa) => self.take_freebsd_note(isa, note)?,
                }
                continue;
            }
            match note.kind {
                notes::INFO => {
                    let exe = text(&note.data)
                        .lines()
                        .find_map(|l| l.strip_prefix("exe=").map(PathBuf::from));
                    self.exe = exe;
                }
                notes::CALLS => self.calls = notes::read_calls(endian, &note.data),
                notes::ERROR => self.error = Some(text(&note.data)),
                notes::SIGNALS => self.signals = Some(notes::read_signals(&text(&note.data))),
                notes::MAPS => self.maps = Some(text(&note.data)),
                notes::THREADS => names = text(&note.data),
                _ => {}
            }
        }
        self.files.sort_by_key(|f| f.start);
        let names: HashMap<u32, &str> = names
            .lines()
            .filter_map(|l| l.split_once(' '))
            .filter_map(|(tid, name)| Some((tid.parse().ok()?, name)))
            .collect();
        for thread in &mut self.threads {
            if let Some(name) = names.get(&thread.tid) {
                thread.name = (*name).to_owned();
            }
        }
        Ok(())
    }

    /// Adds a thread. `tid` and `signal` are what its NT_PRSTATUS says, `cpu` has the registers that `known` says.
    fn add_thread(&mut self, cpu: Box<CpuState>, known: Vec<bool>, tid: i32, signal: i32) {
        let mut id = tid as u32;
        // Two threads of one id cannot be told apart, and 0 is none.
        while id == 0 || !self.tids.insert(id) {
            id = id.wrapping_add(1);
        }
        if id != tid as u32 {
            self.warnings.push(format!(
                "a thread with the id {tid}, which is no other's, is shown as {id}"
            ));
        }
        self.threads.push(CoreThread {
            tid: id,
            table: self.isa.registers_in_mode(cpu.mode),
            cpu,
            known,
            name: String::new(),
            call: None,
            signal: u8::try_from(signal).ok().filter(|&n| n != 0).map(Signal),
            siginfo: None,
        });
    }

    /// Finds the thread that a register set belongs to: the one whose NT_PRSTATUS came last. `None`, with a warning, if the set
    /// is not as long as it has to be.
    fn thread_of_set(&mut self, set: &RegisterSet, data: &[u8]) -> Option<&mut CoreThread> {
        let thread = self.threads.last_mut()?;
        if data.len() < set.size {
            self.warnings.push(format!(
                "a register set (type {:#x}) of thread {} has {} bytes, {} expected",
                set.note,
                thread.tid,
                data.len(),
                set.size
            ));
            return None;
        }
        Some(thread)
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
        aux_value(self.system.abi().abi, &self.auxv, key)
    }

    /// An address in the main thread's stack.
    pub fn stack_address(&self) -> Option<u64> {
        self.auxv_value(match self.system {
            System::Linux(_) => aux::EXECFN,
            System::FreeBsd(_) => freebsd_aux::PS_STRINGS,
        })
    }

    /// The signal that ended the process, if one did.
    pub fn signal(&self) -> Option<Signal> {
        self.threads.first()?.signal
    }

    /// Id of the process.
    pub fn pid(&self) -> u32 {
        let first = self.threads.first().map_or(1, |t| t.tid);
        match &self.process {
            Some(p) if p.pid > 0 => p.pid,
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
