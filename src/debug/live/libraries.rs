//! The list of libraries, as the guest's dynamic linker keeps it (`struct r_debug` of `link.h`).

use super::Live;
use crate::abi::Abi;
use crate::mem::AddressSpace;
use emu_stub::{Error, Libraries, Library, Result};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

// Keys of the auxiliary vector.
const AT_PHDR: u64 = 3;
const AT_PHNUM: u64 = 5;

const PT_PHDR: u32 = 6;
const PT_DYNAMIC: u32 = 2;

// Tags of the dynamic section. MIPS keeps the section read-only, so its slot is elsewhere.
const DT_NULL: u64 = 0;
const DT_DEBUG: u64 = 21;
const DT_MIPS_RLD_MAP: u64 = 0x7000_0016;
const DT_MIPS_RLD_MAP_REL: u64 = 0x7000_0035;

/// Entries of a list that are followed: a broken guest may have made it a ring.
const MAX_ENTRIES: usize = 4096;

const STATIC: Error = Error::Unsupported("the program is static: it has no list of libraries");

/// Reads the guest's words.
struct Reader<'a> {
    mem: &'a AddressSpace,
    abi: Abi,
}

impl Reader<'_> {
    fn word(&self, addr: u64) -> Result<u64> {
        self.mem
            .load_word(addr, self.abi)
            .map_err(|_| Error::Fault(addr))
    }

    fn u32(&self, addr: u64) -> Result<u32> {
        self.mem
            .load(addr, self.abi.endian)
            .map_err(|_| Error::Fault(addr))
    }

    fn size(&self) -> u64 {
        self.abi.word.into()
    }
}

/// The value of a key in the auxiliary vector.
fn auxv(live: &Live, key: u64) -> Option<u64> {
    let abi = live.process.isa.abi();
    let word = usize::from(abi.word);
    let value = |bytes: &[u8]| {
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        match abi.endian {
            crate::abi::Endian::Big => bytes.iter().fold(0, fold),
            crate::abi::Endian::Little => bytes.iter().rev().fold(0, fold),
        }
    };
    let entries = live.program.auxv.chunks_exact(2 * word);
    entries
        .map(|e| (value(&e[..word]), value(&e[word..])))
        .find(|(k, _)| *k == key)
        .map(|(_, v)| v)
}

/// Address of the word that holds the address of `r_debug`.
pub(super) fn info_slot(live: &mut Live) -> Result<u64> {
    let abi = live.process.isa.abi();
    let reader = Reader {
        mem: &live.process.mem,
        abi,
    };
    let (Some(headers), Some(count)) = (auxv(live, AT_PHDR), auxv(live, AT_PHNUM)) else {
        return Err(STATIC);
    };
    // Elf32_Phdr: type, offset, vaddr at 8; 32 bytes. Elf64_Phdr: vaddr at 16; 56 bytes.
    let (entry, vaddr) = if abi.is_32bit() { (32, 8) } else { (56, 16) };
    let mut bias = live.program.bias;
    let mut dynamic = None;
    for i in 0..count.min(MAX_ENTRIES as u64) {
        let at = headers.wrapping_add(i * entry);
        match reader.u32(at)? {
            PT_PHDR => bias = headers.wrapping_sub(reader.word(at + vaddr)?),
            PT_DYNAMIC => dynamic = Some(reader.word(at + vaddr)?),
            _ => {}
        }
    }
    let base = dynamic.ok_or(STATIC)?.wrapping_add(bias);
    let (word, mut slot) = (reader.size(), None);
    for i in 0..MAX_ENTRIES as u64 {
        let at = base.wrapping_add(i * 2 * word);
        let value = at.wrapping_add(word);
        match reader.word(at)? {
            DT_NULL => break,
            // On MIPS the entry is there, but nobody fills it.
            DT_DEBUG => slot = slot.or(Some(value)),
            DT_MIPS_RLD_MAP => slot = Some(reader.word(value)?),
            DT_MIPS_RLD_MAP_REL => slot = Some(at.wrapping_add(reader.word(value)?)),
            _ => {}
        }
    }
    let slot = slot.ok_or(STATIC)?;
    Ok(if abi.is_32bit() {
        slot & 0xffff_ffff
    } else {
        slot
    })
}

/// The libraries; none before the dynamic linker has made its list, nor of a static program.
pub(super) fn list(live: &mut Live) -> Result<Libraries> {
    live.stopped()?;
    let slot = match info_slot(live) {
        Ok(slot) => slot,
        Err(Error::Unsupported(_)) => return Ok(Libraries::default()),
        Err(e) => return Err(e),
    };
    let reader = Reader {
        mem: &live.process.mem,
        abi: live.process.isa.abi(),
    };
    let word = reader.size();
    let mut all = Libraries::default();
    let r_debug = reader.word(slot)?;
    if r_debug == 0 {
        return Ok(all);
    }
    // struct r_debug: version, then the first link_map. struct link_map: l_addr, l_name, l_ld, l_next, l_prev.
    let mut at = reader.word(r_debug.wrapping_add(word))?;
    let prefix = live.process.config.prefix.as_deref();
    for _ in 0..MAX_ENTRIES {
        if at == 0 {
            break;
        }
        let field = |n: u64| reader.word(at.wrapping_add(n * word));
        if all.main_link_map.is_none() {
            // The first is the program itself, with an empty name.
            all.main_link_map = Some(at);
        } else {
            let name = live
                .process
                .mem
                .read_cstr(field(1)?, 4096)
                .ok()
                .flatten()
                .unwrap_or_default();
            // What has no file (the vDSO) has a name that is no path.
            let host_path = name
                .starts_with(b"/")
                .then(|| crate::loader::under_prefix(prefix, Path::new(OsStr::from_bytes(&name))));
            all.libraries.push(Library {
                name: String::from_utf8_lossy(&name).into_owned(),
                host_path,
                link_map: at,
                load_bias: field(0)?,
                dynamic: field(2)?,
            });
        }
        at = field(3)?;
    }
    Ok(all)
}
