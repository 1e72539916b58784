//! The list of libraries, as the guest's dynamic linker keeps it (`struct r_debug` of `link.h`).

use crate::abi::{Abi, Dialect, OsAbi};
use crate::isa::Isa;
use crate::loader::Header;
use crate::mem::{AddressSpace, page_down};
use emu_stub::{Error, Libraries, Library, Result};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

// Keys of the auxiliary vector.
const AT_PHDR: u64 = 3;
const AT_PHNUM: u64 = 5;

const PT_PHDR: u32 = 6;
const PT_DYNAMIC: u32 = 2;
const PT_TLS: u32 = 7;

// Tags of the dynamic section. MIPS keeps the section read-only, so its slot is elsewhere.
const DT_NULL: u64 = 0;
const DT_DEBUG: u64 = 21;
const DT_MIPS_RLD_MAP: u64 = 0x7000_0016;
const DT_MIPS_RLD_MAP_REL: u64 = 0x7000_0035;

/// Entries of a list that are followed: a broken guest may have made it a ring.
const MAX_ENTRIES: usize = 4096;

const STATIC: Error = Error::Unsupported("the program is static: it has no list of libraries");

/// `r_state` of a list that is not being changed (RT_CONSISTENT).
const CONSISTENT: u64 = 0;

/// How a system's `struct link_map` begins. The rest is the same everywhere: `l_name`, `l_ld`, `l_next`.
#[derive(Clone, Copy, Debug)]
struct LinkMap {
    /// Index of the word with `l_name`.
    name: u64,
    /// The first word is the address of the first segment rather than the load bias (FreeBSD's `sys/link_elf.h`; there the load bias
    /// stands elsewhere or nowhere, as the release has it).
    based: bool,
}

impl LinkMap {
    fn of(abi: OsAbi, isa: &dyn Isa) -> LinkMap {
        let based = abi.dialect == Dialect::FreeBsd;
        // FreeBSD has a word more before the name on MIPS.
        let extra = based && isa.name().starts_with("mips");
        LinkMap {
            name: if extra { 2 } else { 1 },
            based,
        }
    }
}

/// What the dynamic linker calls when it has changed its list (`r_brk`), by its names in the linkers of FreeBSD, and of glibc and musl.
pub const NOTIFIERS: [&str; 2] = ["r_debug_state", "_dl_debug_state"];

/// What the list is found by, of a live guest or of what is left of one.
pub struct Source<'a> {
    /// Reads guest memory: all of the buffer, or it fails.
    pub read: &'a mut dyn FnMut(u64, &mut [u8]) -> bool,
    /// The guest's conventions.
    pub abi: OsAbi,
    /// Its instruction set.
    pub isa: &'a dyn Isa,
    /// The auxiliary vector in the guest's layout.
    pub auxv: &'a [u8],
    /// How far the program was moved, if its headers do not tell.
    pub bias: u64,
    /// The guest's root folder on the host (`-L`).
    pub prefix: Option<&'a Path>,
}

impl Source<'_> {
    fn number(&mut self, addr: u64, size: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..size];
        if !(self.read)(addr, bytes) {
            return Err(Error::Fault(addr));
        }
        Ok(number(self.abi.abi, bytes))
    }

    fn word(&mut self, addr: u64) -> Result<u64> {
        self.number(addr, self.abi.abi.word.into())
    }

    fn u32(&mut self, addr: u64) -> Result<u32> {
        Ok(self.number(addr, 4)? as u32)
    }

    /// The string at `addr`, as far as it goes.
    fn string(&mut self, addr: u64) -> Vec<u8> {
        const PATH_MAX: usize = 4096;
        let mut text = Vec::new();
        let mut byte = [0];
        while text.len() < PATH_MAX
            && (self.read)(addr.wrapping_add(text.len() as u64), &mut byte)
            && byte[0] != 0
        {
            text.push(byte[0]);
        }
        text
    }

    fn size(&self) -> u64 {
        self.abi.abi.word.into()
    }

    /// The value of a key in the auxiliary vector.
    fn auxv_value(&self, key: u64) -> Option<u64> {
        crate::loader::aux_value(self.abi.abi, self.auxv, key)
    }

    /// The program's own thread-local storage: address and alignment of its image, where it has any.
    ///
    /// # Errors
    /// Its headers cannot be read.
    pub fn tls_image(&mut self) -> Result<Option<(u64, u64)>> {
        let (Some(headers), Some(count)) = (self.auxv_value(AT_PHDR), self.auxv_value(AT_PHNUM))
        else {
            return Ok(None);
        };
        // Elf32_Phdr: vaddr at 8, align at 28; Elf64_Phdr: vaddr at 16, align at 48.
        let (entry, vaddr, align) = match self.abi.abi.is_32bit() {
            true => (32, 8, 28),
            false => (56, 16, 48),
        };
        for i in 0..count.min(MAX_ENTRIES as u64) {
            let at = headers.wrapping_add(i * entry);
            if self.u32(at)? == PT_TLS {
                let image = self.word(at.wrapping_add(vaddr))?;
                return Ok(Some((image, self.word(at.wrapping_add(align))?.max(1))));
            }
        }
        Ok(None)
    }

    /// Address of the word that holds the address of `r_debug`.
    ///
    /// # Errors
    /// The program is static, or its headers cannot be read.
    pub fn info_slot(&mut self) -> Result<u64> {
        let (Some(headers), Some(count)) = (self.auxv_value(AT_PHDR), self.auxv_value(AT_PHNUM))
        else {
            return Err(STATIC);
        };
        // Elf32_Phdr: type, offset, vaddr at 8; 32 bytes. Elf64_Phdr: vaddr at 16; 56 bytes.
        let (entry, vaddr) = if self.abi.abi.is_32bit() {
            (32, 8)
        } else {
            (56, 16)
        };
        let mut bias = self.bias;
        let mut dynamic = None;
        for i in 0..count.min(MAX_ENTRIES as u64) {
            let at = headers.wrapping_add(i * entry);
            match self.u32(at)? {
                PT_PHDR => bias = headers.wrapping_sub(self.word(at.wrapping_add(vaddr))?),
                PT_DYNAMIC => dynamic = Some(self.word(at.wrapping_add(vaddr))?),
                _ => {}
            }
        }
        let base = dynamic.ok_or(STATIC)?.wrapping_add(bias);
        let (word, mut slot) = (self.size(), None);
        for i in 0..MAX_ENTRIES as u64 {
            let at = base.wrapping_add(i * 2 * word);
            let value = at.wrapping_add(word);
            match self.word(at)? {
                DT_NULL => break,
                // On MIPS the entry is there, but nobody fills it.
                DT_DEBUG => slot = slot.or(Some(value)),
                DT_MIPS_RLD_MAP => slot = Some(self.word(value)?),
                DT_MIPS_RLD_MAP_REL => slot = Some(at.wrapping_add(self.word(value)?)),
                _ => {}
            }
        }
        let slot = slot.ok_or(STATIC)?;
        Ok(if self.abi.abi.is_32bit() {
            slot & 0xffff_ffff
        } else {
            slot
        })
    }

    /// What the dynamic linker calls when it has changed its list (`r_brk`), as it says itself; `None` before it does.
    pub fn notifier(&mut self) -> Option<u64> {
        let r_debug = self.r_debug()?;
        // struct r_debug: version, map, brk, state.
        let brk = r_debug.wrapping_add(2 * self.size());
        self.word(brk).ok().filter(|addr| *addr != 0)
    }

    /// Address of the list's root, once there is one.
    fn r_debug(&mut self) -> Option<u64> {
        let slot = self.info_slot().ok()?;
        self.word(slot).ok().filter(|addr| *addr != 0)
    }

    /// The libraries; none before the dynamic linker has made its list, nor of a static program.
    ///
    /// # Errors
    /// The list cannot be read.
    pub fn list(&mut self) -> Result<Libraries> {
        let slot = match self.info_slot() {
            Ok(slot) => slot,
            Err(Error::Unsupported(_)) => return Ok(Libraries::default()),
            Err(e) => return Err(e),
        };
        let (word, layout) = (self.size(), LinkMap::of(self.abi, self.isa));
        let mut all = Libraries::default();
        let r_debug = self.word(slot)?;
        if r_debug == 0 {
            return Ok(all);
        }
        // struct r_debug: version, then the first link_map.
        let mut at = self.word(r_debug.wrapping_add(word))?;
        for _ in 0..MAX_ENTRIES {
            if at == 0 {
                break;
            }
            let field = |n: u64| at.wrapping_add(n * word);
            if all.main_link_map.is_none() {
                // The first is the program itself, with an empty name.
                all.main_link_map = Some(at);
            } else {
                let name = self.word(field(layout.name))?;
                let name = self.string(name);
                // What has no file (the vDSO) has a name that is no path.
                let host_path = name.starts_with(b"/").then(|| {
                    crate::loader::under_prefix(self.prefix, Path::new(OsStr::from_bytes(&name)))
                });
                let linked = host_path.as_deref().map_or(0, linked_address);
                let first = self.word(field(0))?;
                let (load_bias, start) = match layout.based {
                    true => (first.wrapping_sub(linked), first),
                    false => (first, first.wrapping_add(linked)),
                };
                all.libraries.push(Library {
                    name: String::from_utf8_lossy(&name).into_owned(),
                    host_path,
                    link_map: at,
                    load_bias,
                    dynamic: self.word(field(layout.name + 1))?,
                    start,
                });
            }
            at = self.word(field(layout.name + 2))?;
        }
        Ok(all)
    }
}

/// The page that a library's first segment was linked for: 0 but of prelinked ones. So it is of a file that cannot be read.
fn linked_address(path: &Path) -> u64 {
    let header = File::open(path)
        .ok()
        .and_then(|file| Header::read(&file, path).ok());
    let first = header.and_then(|h| h.segments.first().map(|s| s.vaddr));
    page_down(first.unwrap_or(0))
}

/// Whether the list whose root's address stands at `slot` is whole: the dynamic linker is not at work on it.
pub fn is_consistent(mem: &AddressSpace, abi: Abi, slot: u64) -> bool {
    let size = u64::from(abi.word);
    let read = |addr, size: usize| {
        let mut bytes = [0; 8];
        mem.read(addr, &mut bytes[..size]).ok()?;
        Some(number(abi, &bytes[..size]))
    };
    // struct r_debug: version, map, brk, state.
    let state = |r_debug: u64| read(r_debug.wrapping_add(3 * size), 4);
    read(slot, size as usize).and_then(state) == Some(CONSISTENT)
}

/// An unsigned integer of the guest's.
fn number(abi: Abi, bytes: &[u8]) -> u64 {
    let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
    match abi.endian {
        crate::abi::Endian::Big => bytes.iter().fold(0, fold),
        crate::abi::Endian::Little => bytes.iter().rev().fold(0, fold),
    }
}
