//! The ELF structures of a core file (gABI chapters 4 and 5), declared once for both classes and byte orders.

use crate::abi::{Abi, Dialect, Endian, Kind, OsAbi, Ulong, read_int, write_int};

/// `e_type` of a core file.
pub const ET_CORE: u16 = 4;
/// Notes.
pub const PT_NOTE: u32 = 4;
/// Memory.
pub const PT_LOAD: u32 = 1;
/// `EI_OSABI` of Linux. Its kernel says 0; debuggers take both, and lldb takes only this one for some machines.
pub const ELFOSABI_LINUX: u8 = 3;
/// `EI_OSABI` of FreeBSD.
pub const ELFOSABI_FREEBSD: u8 = 9;
/// `e_phnum` when the number is in the first section header (`linux/elf.h`).
pub const PN_XNUM: u16 = 0xffff;

crate::guest_struct! {
    /// `ElfN_Ehdr`
    pub struct Ehdr("Ehdr") {
        e_ident: [u8; 16], e_type: u16, e_machine: u16, e_version: u32, e_entry: Ulong, e_phoff: Ulong, e_shoff: Ulong,
        e_flags: u32, e_ehsize: u16, e_phentsize: u16, e_phnum: u16, e_shentsize: u16, e_shnum: u16, e_shstrndx: u16,
    }

    /// `ElfN_Phdr`
    pub struct Phdr("Phdr") {
        p_type: u32, p_flags: u32, p_offset: Ulong, p_vaddr: Ulong, p_paddr: Ulong, p_filesz: Ulong, p_memsz: Ulong,
        p_align: Ulong,
    }
    layout crate::abi::is_32bit {
        p_type: u32, p_offset: Ulong, p_vaddr: Ulong, p_paddr: Ulong, p_filesz: Ulong, p_memsz: Ulong, p_flags: u32,
        p_align: Ulong,
    }

    /// `ElfN_Shdr`
    pub struct Shdr("Shdr") {
        sh_name: u32, sh_type: u32, sh_flags: Ulong, sh_addr: Ulong, sh_offset: Ulong, sh_size: Ulong, sh_link: u32,
        sh_info: u32, sh_addralign: Ulong, sh_entsize: Ulong,
    }
}

/// Data conventions of an ELF file: its structures have no dialect.
pub fn abi(is_64: bool, big: bool) -> OsAbi {
    OsAbi {
        abi: Abi {
            endian: if big { Endian::Big } else { Endian::Little },
            word: if is_64 { 8 } else { 4 },
            align64: 8,
            even_pairs: false,
        },
        dialect: Dialect::Generic,
    }
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Who defines its type.
    pub owner: String,
    /// Its type.
    pub kind: u32,
    /// Its content.
    pub data: Vec<u8>,
}

impl Note {
    /// A note.
    pub fn new(owner: &str, kind: u32, data: Vec<u8>) -> Note {
        Note {
            owner: owner.to_owned(),
            kind,
            data,
        }
    }

    /// Appends its bytes. Name and content are padded to four bytes in both classes.
    pub fn write(&self, a: OsAbi, out: &mut Vec<u8>) {
        let mut word = |value: usize| {
            let mut bytes = [0; 4];
            write_int(a, Kind::U32, &mut bytes, value as u64);
            out.extend_from_slice(&bytes);
        };
        word(self.owner.len() + 1);
        word(self.data.len());
        word(self.kind as usize);
        out.extend_from_slice(self.owner.as_bytes());
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend_from_slice(&self.data);
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

/// Reads the notes of a segment: all of them up to the first that is cut off, and whether one was.
pub fn read_notes(a: OsAbi, bytes: &[u8]) -> (Vec<Note>, bool) {
    let mut notes = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(head) = head.get(..12) else {
            return (notes, true);
        };
        let word = |n: usize| read_int(a, Kind::U32, &head[4 * n..]) as usize;
        let (name_len, len, kind) = (word(0), word(1), word(2) as u32);
        let part = |from: usize, len: usize| bytes.get(from..from.checked_add(len)?);
        let data_at = (at + 12)
            .checked_add(name_len)
            .and_then(|n| n.checked_next_multiple_of(4));
        let (Some(name), Some(data)) = (
            part(at + 12, name_len),
            data_at.and_then(|from| part(from, len)),
        ) else {
            return (notes, true);
        };
        let name = name.split(|&b| b == 0).next().unwrap_or_default();
        notes.push(Note {
            owner: String::from_utf8_lossy(name).into_owned(),
            kind,
            data: data.to_vec(),
        });
        // Both have been found to be inside of the bytes.
        at = (data_at.unwrap_or(at) + len).next_multiple_of(4);
    }
    (notes, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::GuestStruct;

    #[test]
    fn sizes_are_those_of_the_gabi() {
        for (is_64, sizes) in [(true, (64, 56, 64)), (false, (52, 32, 40))] {
            let a = abi(is_64, true);
            let all = (Ehdr::DESC.size(a), Phdr::DESC.size(a), Shdr::DESC.size(a));
            assert_eq!(all, sizes);
        }
    }

    #[test]
    fn notes_survive_the_round_trip_and_cuts() {
        let a = abi(false, true);
        let notes = vec![
            Note::new("CORE", 1, vec![1, 2, 3]),
            Note::new("LINUX", 0x401, vec![]),
            Note::new("EMU", 2, vec![9; 13]),
        ];
        let mut bytes = Vec::new();
        for note in &notes {
            note.write(a, &mut bytes);
        }
        assert_eq!(read_notes(a, &bytes), (notes.clone(), false));
        for len in 1..bytes.len() - 3 {
            let (some, _) = read_notes(a, &bytes[..len]);
            assert!(some.len() < notes.len() || len > bytes.len() - 4);
        }
        let (none, cut) = read_notes(a, &[0xff; 40]);
        assert!(none.is_empty() && cut);
    }
}
