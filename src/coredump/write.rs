//! Writing a core file: ELF header, program headers, notes, memory with holes where nothing is.

use super::elf::{self, ET_CORE, Ehdr, Note, PN_XNUM, PT_LOAD, PT_NOTE, Phdr, Shdr};
use super::memory::{Extent, Pagemap, read_anyway};
use crate::abi::{Errno, GuestStruct, OsAbi, Ulong};
use crate::host;
use crate::mem::{AddressSpace, PAGE_SIZE, Prot};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// Pages that are looked at and written at once.
const CHUNK: u64 = 1024;

/// What kind of ELF file.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Class and byte order.
    pub is_64: bool,
    /// Big-endian.
    pub big: bool,
    /// `e_machine`
    pub machine: u16,
    /// `e_flags`, those of the program.
    pub flags: u32,
    /// `EI_OSABI`
    pub os_abi: u8,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Size of the file in bytes, holes included.
    pub size: u64,
    /// Bytes that were written, without the holes.
    pub data: u64,
    /// It ends early, because of the limit.
    pub cut: bool,
}

fn bytes_of<T: GuestStruct>(a: OsAbi, value: &T) -> Vec<u8> {
    // ELF structures are not checked: no value overflows.
    value.write(a).unwrap_or_default()
}

/// `p_flags`
fn p_flags(prot: Prot) -> u32 {
    let bit = |p: Prot, flag: u32| if prot.contains(p) { flag } else { 0 };
    bit(Prot::READ, 4) | bit(Prot::WRITE, 2) | bit(Prot::EXEC, 1)
}

/// Everything before the memory, and where the memory of each extent begins in the file.
fn head(kind: &Kind, notes: &[Note], extents: &[Extent]) -> (Vec<u8>, Vec<u64>, Option<Vec<u8>>) {
    let a = elf::abi(kind.is_64, kind.big);
    let mut note_bytes = Vec::new();
    for note in notes {
        note.write(a, &mut note_bytes);
    }
    let count = 1 + extents.len();
    let extended = count >= usize::from(PN_XNUM);
    let (ehsize, phsize) = (Ehdr::DESC.size(a), Phdr::DESC.size(a));
    let notes_at = (ehsize + count * phsize) as u64;
    let memory_at = (notes_at + note_bytes.len() as u64).next_multiple_of(PAGE_SIZE);
    let mut places = Vec::with_capacity(extents.len());
    let mut at = memory_at;
    for e in extents {
        places.push(at);
        at += e.saved;
    }
    let mut ident = [0; 16];
    ident[..4].copy_from_slice(b"\x7fELF");
    ident[4] = if kind.is_64 { 2 } else { 1 };
    ident[5] = if kind.big { 2 } else { 1 };
    ident[6] = 1;
    ident[7] = kind.os_abi;
    let mut out = bytes_of(
        a,
        &Ehdr {
            e_ident: ident,
            e_type: ET_CORE,
            e_machine: kind.machine,
            e_version: 1,
            e_phoff: Ulong(ehsize as u64),
            e_shoff: Ulong(if extended { at } else { 0 }),
            e_flags: kind.flags,
            e_ehsize: ehsize as u16,
            e_phentsize: phsize as u16,
            e_phnum: if extended { PN_XNUM } else { count as u16 },
            e_shentsize: if extended {
                Shdr::DESC.size(a) as u16
            } else {
                0
            },
            e_shnum: extended.into(),
            ..Ehdr::default()
        },
    );
    out.extend(bytes_of(
        a,
        &Phdr {
            p_type: PT_NOTE,
            p_offset: Ulong(notes_at),
            p_filesz: Ulong(note_bytes.len() as u64),
            p_align: Ulong(4),
            ..Phdr::default()
        },
    ));
    for (e, at) in extents.iter().zip(&places) {
        out.extend(bytes_of(
            a,
            &Phdr {
                p_type: PT_LOAD,
                p_flags: p_flags(e.prot),
                p_offset: Ulong(*at),
                p_vaddr: Ulong(e.start),
                p_paddr: Ulong(0),
                p_filesz: Ulong(e.saved),
                p_memsz: Ulong(e.end - e.start),
                p_align: Ulong(PAGE_SIZE),
            },
        ));
    }
    out.extend(note_bytes);
    // The number of program headers that does not fit (the kernel's fill_extnum_info).
    let section = extended.then(|| {
        bytes_of(
            a,
            &Shdr {
                sh_size: Ulong(1),
                sh_info: count as u32,
                ..Shdr::default()
            },
        )
    });
    (out, places, section)
}

/// The file that is being written, and how much may be.
struct Out<'f> {
    file: &'f File,
    data: u64,
    limit: u64,
}

/// Why writing ended early.
enum Stop {
    /// The limit.
    Limit,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Stop {
        Stop::Io(e)
    }
}

impl Out<'_> {
    /// How many of `len` bytes the limit leaves.
    fn room(&self, len: u64) -> u64 {
        len.min(self.limit - self.data)
    }

    fn bytes(&mut self, bytes: &[u8], at: u64) -> Result<(), Stop> {
        let n = self.room(bytes.len() as u64);
        self.file.write_all_at(&bytes[..n as usize], at)?;
        self.data += n;
        if n < bytes.len() as u64 {
            return Err(Stop::Limit);
        }
        Ok(())
    }

    /// Guest memory, straight from where it is. Pages that cannot be read are left as holes, as the kernel does.
    fn memory(&mut self, mem: &AddressSpace, addr: u64, len: u64, at: u64) -> Result<(), Stop> {
        let mut done = 0;
        while done < len {
            let part = self.room(len - done);
            if part == 0 {
                return Err(Stop::Limit);
            }
            let Ok(from) = mem.host_range(addr + done, part, false) else {
                return Ok(());
            };
            let fd = self.file.as_raw_fd() as u64;
            let args = [fd, from, part, at + done, 0, 0];
            match host::syscall(host::nr::SYS_pwrite64, args) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(n) => {
                    self.data += n;
                    done += n;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EFAULT) => {
                    // Without read access for the guest, or beyond the end of a mapped file.
                    let rest = PAGE_SIZE - (addr + done) % PAGE_SIZE;
                    let mut page = vec![0; rest.min(part) as usize];
                    if read_anyway(mem, addr + done, &mut page) {
                        self.bytes(&page, at + done)?;
                    }
                    done += page.len() as u64;
                }
                Err(e) => return Err(io::Error::from_raw_os_error(e.0).into()),
            }
        }
        Ok(())
    }

    fn extent(
        &mut self,
        mem: &AddressSpace,
        pages: &mut Pagemap,
        e: &Extent,
        at: u64,
    ) -> Result<(), Stop> {
        if !e.anonymous {
            return self.memory(mem, e.start, e.saved, at);
        }
        let mut from = 0;
        while from < e.saved {
            let len = (e.saved - from).min(CHUNK * PAGE_SIZE);
            let present = pages.present(mem.base() + e.start + from, (len / PAGE_SIZE) as usize);
            let mut n = 0;
            while n < present.len() {
                let run = present[n..]
                    .iter()
                    .take_while(|p| **p == present[n])
                    .count();
                if present[n] {
                    let offset = from + n as u64 * PAGE_SIZE;
                    self.memory(mem, e.start + offset, run as u64 * PAGE_SIZE, at + offset)?;
                }
                n += run;
            }
            from += len;
        }
        Ok(())
    }
}

/// Writes a core file of at most `limit` bytes of data into an empty file. All threads of the guest are stopped.
///
/// # Errors
/// The host's, with what was written left in the file.
pub fn write(
    file: &File,
    mem: &AddressSpace,
    kind: &Kind,
    notes: &[Note],
    extents: &[Extent],
    limit: u64,
) -> io::Result<Written> {
    let (head, places, section) = head(kind, notes, extents);
    let mut out = Out {
        file,
        data: 0,
        limit,
    };
    let end = extents
        .iter()
        .zip(&places)
        .map(|(e, at)| at + e.saved)
        .max()
        .unwrap_or(head.len() as u64);
    let mut pages = Pagemap::open();
    let mut all = || -> Result<(), Stop> {
        out.bytes(&head, 0)?;
        for (e, at) in extents.iter().zip(&places) {
            out.extent(mem, &mut pages, e, *at)?;
        }
        if let Some(section) = &section {
            out.bytes(section, end)?;
        }
        Ok(())
    };
    let cut = match all() {
        Ok(()) => {
            // A hole at the end has no byte that would make the file as long.
            file.set_len(end + section.map_or(0, |s| s.len() as u64))?;
            false
        }
        Err(Stop::Limit) => true,
        Err(Stop::Io(e)) => return Err(e),
    };
    Ok(Written {
        size: file.metadata()?.len(),
        data: out.data,
        cut,
    })
}
