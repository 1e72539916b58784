//! ELF header and program headers, checked so that what follows can rely on them.

use super::Error;
use goblin::container::{Container, Ctx};
use goblin::elf::header::{self, ET_DYN, ET_EXEC};
use goblin::elf::program_header::{PT_INTERP, PT_LOAD, PT_NOTE, ProgramHeader};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of program headers at most: Linux refuses more than 64 KiB.
const MAX_PHDR_BYTES: u64 = 65536;
/// Longest path in PT_INTERP (PATH_MAX).
const MAX_INTERP: u64 = 4096;
/// Longest PT_NOTE that is looked at; the notes that matter are short.
const MAX_NOTES: u64 = 65536;
/// Processor-specific segment with a MIPS program's floating-point ABI (MIPS o32 FPXX ABI extension).
const PT_MIPS_ABIFLAGS: u32 = 0x7000_0003;

/// A loadable segment. All sums of its fields are free of overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Link-time address.
    pub vaddr: u64,
    /// Bytes in memory.
    pub memsz: u64,
    /// Offset in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub filesz: u64,
    /// PF_R 4, PF_W 2, PF_X 1.
    pub flags: u32,
}

impl Segment {
    /// First address after it.
    pub fn end(&self) -> u64 {
        self.vaddr + self.memsz
    }
}

/// What the headers of an ELF program say.
#[derive(Clone, Debug)]
pub struct Header {
    /// `e_machine`
    pub machine: u16,
    /// 64-bit class.
    pub is_64: bool,
    /// Big-endian.
    pub big: bool,
    /// `EI_OSABI`
    pub os_abi: u8,
    /// `e_flags`
    pub flags: u32,
    /// ET_DYN: placed where there is room.
    pub position_independent: bool,
    /// Entry point, as linked.
    pub entry: u64,
    /// Loadable segments by ascending address.
    pub segments: Vec<Segment>,
    /// Address of the program headers in memory as linked, if a segment holds them.
    pub phdr: Option<u64>,
    /// Size of a program header.
    pub phent: u16,
    /// Number of program headers.
    pub phnum: u16,
    /// PT_INTERP.
    pub interpreter: Option<Vec<u8>>,
    /// Floating-point ABI of a MIPS program (`Val_GNU_MIPS_ABI_FP_*`), from PT_MIPS_ABIFLAGS.
    pub mips_fp_abi: Option<u8>,
    /// A FreeBSD ABI note (type 1) with the OS release.
    pub freebsd_release: Option<u32>,
}

impl Header {
    /// Reads and checks the headers.
    ///
    /// # Errors
    /// [`Error::NotElf`] without the magic number, else what is wrong.
    pub fn read(file: &File, path: &Path) -> Result<Header, Error> {
        let bad = |why: String| Error::Malformed(path.to_path_buf(), why);
        let io = |e| Error::Io(path.to_path_buf(), e);
        let size = file.metadata().map_err(io)?.len();
        let mut ident = [0u8; 64];
        let got = read_up_to(file, &mut ident, 0).map_err(io)?;
        if got < 4 || ident[..4] != *header::ELFMAG {
            return Err(Error::NotElf(path.to_path_buf()));
        }
        let h = goblin::elf::Elf::parse_header(&ident[..got]).map_err(|_| {
            bad(format!(
                "the file is only {size} bytes long or its header is invalid"
            ))
        })?;
        let is_64 = match ident[header::EI_CLASS] {
            header::ELFCLASS32 => false,
            header::ELFCLASS64 => true,
            c => return Err(bad(format!("unknown class {c}"))),
        };
        let big = match ident[header::EI_DATA] {
            header::ELFDATA2LSB => false,
            header::ELFDATA2MSB => true,
            d => return Err(bad(format!("unknown data encoding {d}"))),
        };
        if !matches!(h.e_type, ET_EXEC | ET_DYN) {
            let what = match h.e_type {
                header::ET_REL => "an object file that was not linked",
                header::ET_CORE => "a core file; open it with --core",
                _ => "of an unknown type",
            };
            return Err(Error::Unsupported(
                path.to_path_buf(),
                format!("the file is {what}"),
            ));
        }
        let (container, phentsize) = if is_64 {
            (Container::Big, 56)
        } else {
            (Container::Little, 32)
        };
        let ctx = Ctx::new(
            container,
            if big {
                goblin::container::Endian::Big
            } else {
                goblin::container::Endian::Little
            },
        );
        if h.e_phnum == 0 {
            return Err(bad("it has no program headers".into()));
        }
        if h.e_phentsize != phentsize {
            return Err(bad(format!(
                "program headers of {} bytes, {phentsize} expected",
                h.e_phentsize
            )));
        }
        let table_size = u64::from(h.e_phnum) * u64::from(phentsize);
        if table_size > MAX_PHDR_BYTES {
            return Err(bad(format!("{} program headers are too many", h.e_phnum)));
        }
        if h.e_phoff
            .checked_add(table_size)
            .is_none_or(|end| end > size)
        {
            return Err(bad(
                "the program headers lie beyond the end of the file; it is cut short".into(),
            ));
        }
        let mut table = vec![0; table_size as usize];
        file.read_exact_at(&mut table, h.e_phoff).map_err(io)?;
        let phdrs = ProgramHeader::parse(&table, 0, h.e_phnum.into(), ctx)
            .map_err(|e| bad(format!("program headers: {e}")))?;

        let mut out = Header {
            machine: h.e_machine,
            is_64,
            big,
            os_abi: ident[header::EI_OSABI],
            flags: h.e_flags,
            position_independent: h.e_type == ET_DYN,
            entry: h.e_entry,
            segments: Vec::new(),
            phdr: None,
            phent: phentsize,
            phnum: h.e_phnum,
            interpreter: None,
            mips_fp_abi: None,
            freebsd_release: None,
        };
        for (i, p) in phdrs.iter().enumerate() {
            if p.p_type == PT_LOAD {
                if let Some(segment) = check_segment(p, size, is_64)
                    .map_err(|why| bad(format!("segment {i}: {why}")))?
                {
                    out.segments.push(segment);
                }
                continue;
            }
            let limit = match p.p_type {
                PT_INTERP => MAX_INTERP,
                PT_NOTE => MAX_NOTES,
                PT_MIPS_ABIFLAGS => 24,
                _ => continue,
            };
            let mut data = vec![0; p.p_filesz.min(limit) as usize];
            let inside = p
                .p_offset
                .checked_add(p.p_filesz)
                .is_some_and(|end| end <= size);
            if !inside || file.read_exact_at(&mut data, p.p_offset).is_err() {
                return Err(bad(format!(
                    "program header {i} lies beyond the end of the file; it is cut short"
                )));
            }
            match p.p_type {
                PT_INTERP => {
                    if p.p_filesz > MAX_INTERP
                        || data.pop() != Some(0)
                        || data.is_empty()
                        || data.contains(&0)
                    {
                        return Err(bad("the interpreter's path is invalid".into()));
                    }
                    out.interpreter = Some(data);
                }
                PT_NOTE => out.freebsd_release = out.freebsd_release.or(freebsd_note(&data, big)),
                // Elf_Internal_ABIFlags_v0: version u16, isa_level, isa_rev, gpr_size, cpr1_size, cpr2_size, fp_abi, ...
                _ => out.mips_fp_abi = data.get(7).copied(),
            }
        }
        out.check_order().map_err(bad)?;
        out.phdr = out
            .segments
            .iter()
            .find(|s| s.offset <= h.e_phoff && h.e_phoff + table_size <= s.offset + s.filesz)
            .map(|s| h.e_phoff - s.offset + s.vaddr);
        Ok(out)
    }

    /// Segments must not overlap; ascending order is the gABI's rule, which the kernel relies on as well.
    fn check_order(&self) -> Result<(), String> {
        if self.segments.is_empty() {
            return Err("it has no loadable segment".into());
        }
        for pair in self.segments.windows(2) {
            if pair[1].vaddr < pair[0].end() {
                return Err(format!(
                    "the segments at {:#x} and {:#x} overlap or are out of order",
                    pair[0].vaddr, pair[1].vaddr
                ));
            }
        }
        Ok(())
    }

    /// Link-time addresses from the first to the last segment.
    pub fn extent(&self) -> (u64, u64) {
        let start = self.segments.first().map_or(0, |s| s.vaddr);
        let end = self.segments.last().map_or(0, Segment::end);
        (start, end)
    }
}

/// Checks one PT_LOAD; `None` for an empty one.
fn check_segment(
    p: &ProgramHeader,
    file_size: u64,
    is_64: bool,
) -> Result<Option<Segment>, String> {
    if p.p_filesz > p.p_memsz {
        return Err(format!(
            "{:#x} bytes in the file but {:#x} in memory",
            p.p_filesz, p.p_memsz
        ));
    }
    if p.p_memsz == 0 {
        return Ok(None);
    }
    let limit = if is_64 { 1 << 56 } else { 1 << 32 };
    if p.p_vaddr
        .checked_add(p.p_memsz)
        .is_none_or(|end| end > limit)
    {
        return Err(format!(
            "address {:#x} with size {:#x} is out of range",
            p.p_vaddr, p.p_memsz
        ));
    }
    // A segment of .bss only says where it would be in the file, which may be past the end.
    if p.p_filesz > 0
        && p.p_offset
            .checked_add(p.p_filesz)
            .is_none_or(|end| end > file_size)
    {
        return Err(format!(
            "ends at {:#x} in a file of {file_size:#x} bytes; the file is cut short",
            p.p_offset.saturating_add(p.p_filesz)
        ));
    }
    if p.p_filesz > 0 && p.p_vaddr % crate::mem::PAGE_SIZE != p.p_offset % crate::mem::PAGE_SIZE {
        return Err(format!(
            "address {:#x} and offset {:#x} differ within a page",
            p.p_vaddr, p.p_offset
        ));
    }
    Ok(Some(Segment {
        vaddr: p.p_vaddr,
        memsz: p.p_memsz,
        offset: p.p_offset,
        filesz: p.p_filesz,
        flags: p.p_flags & 7,
    }))
}

/// The release in a note of owner "FreeBSD", type 1 (`NT_FREEBSD_ABI_TAG`).
fn freebsd_note(data: &[u8], big: bool) -> Option<u32> {
    let word = |at: usize| {
        let bytes: [u8; 4] = data.get(at..at + 4)?.try_into().ok()?;
        Some(if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    };
    let mut at = 0usize;
    while let (Some(namesz), Some(descsz), Some(kind)) = (word(at), word(at + 4), word(at + 8)) {
        let name = at + 12;
        let desc = name
            .checked_add(namesz as usize)?
            .checked_next_multiple_of(4)?;
        if kind == 1 && descsz == 4 && data.get(name..name + 8) == Some(b"FreeBSD\0") {
            return word(desc);
        }
        at = desc
            .checked_add(descsz as usize)?
            .checked_next_multiple_of(4)?;
    }
    None
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_up_to(file: &File, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64)? {
            0 => break,
            n => done += n,
        }
    }
    Ok(done)
}
