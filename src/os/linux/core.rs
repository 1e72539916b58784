//! The notes of a Linux core file, in the guest's layout. Sources: `linux/elf.h` (types), `linux/elfcore.h` (structures),
//! `fs/binfmt_elf.c` for the order and for what is in them, `arch/*/kernel/ptrace.c` for the register sets (as facts).
//!
//! The general registers go where the register table says ([`crate::isa::Register::gregset`]); every other set is a
//! [`RegisterSet`] of [`LinuxIsa`]. The same rows write a core and read one.

use super::isa::LinuxIsa;
use crate::abi::{GuestStruct, Kind, OsAbi, Show, read_int, write_int};
use crate::abi::{Ulong, convert};
use crate::ir::CpuState;
use crate::isa::RegisterTable;
use crate::os::core::{self, FileMapping, Holds, RegisterSet, ThreadFacts, get, put};
use crate::os::linux::structs::Timeval;
use crate::os::sigset_to_guest;
use crate::process::SigSet;

/// Owner of the notes that every Unix has.
pub const CORE: &str = "CORE";
/// Owner of Linux's own.
pub const LINUX: &str = "LINUX";

/// Types of notes (`linux/elf.h`).
#[allow(missing_docs, reason = "the names of the header")]
pub mod nt {
    pub const PRSTATUS: u32 = 1;
    pub const PRFPREG: u32 = 2;
    pub const PRPSINFO: u32 = 3;
    pub const AUXV: u32 = 6;
    pub const SIGINFO: u32 = 0x5349_4749;
    pub const FILE: u32 = 0x4649_4c45;
    pub const ARM_TLS: u32 = 0x401;
    pub const ARM_SYSTEM_CALL: u32 = 0x404;
    pub const MIPS_FP_MODE: u32 = 0x801;
}

crate::guest_struct! {
    /// `struct elf_prstatus` up to its registers.
    pub struct Prstatus("elf_prstatus") {
        si_signo: i32 as Show::Signal,
        si_code: i32,
        si_errno: i32,
        pr_cursig: i16 as Show::Signal,
        pr_sigpend: Ulong,
        pr_sighold: Ulong,
        pr_pid: i32,
        pr_ppid: i32,
        pr_pgrp: i32,
        pr_sid: i32,
        pr_utime: Timeval,
        pr_stime: Timeval,
        pr_cutime: Timeval,
        pr_cstime: Timeval,
    }

    /// `struct elf_prpsinfo`
    pub struct Prpsinfo("elf_prpsinfo") {
        pr_state: i8,
        pr_sname: u8,
        pr_zomb: i8,
        pr_nice: i8,
        pr_flag: Ulong,
        pr_uid: u32,
        pr_gid: u32,
        pr_pid: i32,
        pr_ppid: i32,
        pr_pgrp: i32,
        pr_sid: i32,
        pr_fname: [u8; 16],
        pr_psargs: [u8; 80],
    }
}

impl LinuxIsa {
    /// Offset of the general registers in `struct elf_prstatus`.
    fn gregset_at(&self) -> usize {
        Prstatus::DESC.size(self.abi)
    }

    /// Size in bytes of one general register in a core.
    fn greg_size(&self) -> usize {
        self.abi.abi.word.into()
    }

    /// Size in bytes of `struct elf_prstatus`.
    pub fn prstatus_size(&self) -> usize {
        let end = self.gregset_at() + self.gregset * self.greg_size() + 4;
        end.next_multiple_of(self.greg_size())
    }

    /// A thread's NT_PRSTATUS. `cpu` is up to date ([`crate::isa::Isa::sync_registers`]).
    pub fn prstatus(&self, table: &RegisterTable, facts: &ThreadFacts, cpu: &CpuState) -> Vec<u8> {
        let mask = |set: SigSet| {
            let bytes = sigset_to_guest(self.abi, set);
            Ulong(read_int(self.abi, Kind::Ulong, &bytes))
        };
        let time = |ticks: i64| Timeval {
            tv_sec: crate::abi::Long(ticks / 100),
            tv_usec: crate::abi::Long(ticks % 100 * 10_000),
        };
        let head = Prstatus {
            si_signo: facts.signal.into(),
            pr_cursig: facts.signal.into(),
            pr_sigpend: mask(facts.pending),
            pr_sighold: mask(facts.blocked),
            pr_pid: facts.tid,
            pr_ppid: facts.ids[0],
            pr_pgrp: facts.ids[1],
            pr_sid: facts.ids[2],
            pr_utime: time(facts.times[0]),
            pr_stime: time(facts.times[1]),
            pr_cutime: time(facts.times[2]),
            pr_cstime: time(facts.times[3]),
            ..Prstatus::default()
        };
        let mut out = vec![0; self.prstatus_size()];
        let at = self.gregset_at();
        // Not a structure that is checked: it cannot overflow.
        if let Ok(bytes) = head.write(self.abi) {
            out[..at].copy_from_slice(&bytes);
        }
        let word = self.greg_size();
        for r in table.registers {
            if let Some(n) = r.gregset {
                let at = at + usize::from(n) * word;
                put(self.abi.abi.endian, &mut out[at..at + word], r.read(cpu));
            }
        }
        let at = at + self.gregset * word;
        // pr_fpvalid
        write_int(self.abi, Kind::I32, &mut out[at..], 1);
        out
    }

    /// Reads NT_PRSTATUS: the head, with the general registers put into `cpu`. `None` if it is not as long as it has to be.
    pub fn read_prstatus(
        &self,
        table: &RegisterTable,
        bytes: &[u8],
        cpu: &mut CpuState,
    ) -> Option<Prstatus> {
        if bytes.len() < self.prstatus_size() {
            return None;
        }
        let (word, at) = (self.greg_size(), self.gregset_at());
        for r in table.registers {
            if let Some(n) = r.gregset {
                let at = at + usize::from(n) * word;
                // Narrower ones (PSTATE) have a word of their own.
                core::set(r, cpu, get(self.abi.abi.endian, &bytes[at..at + word]));
            }
        }
        Prstatus::read(self.abi, &bytes[..at]).ok()
    }

    /// The content of a register set's note.
    pub fn register_set(
        &self,
        set: &RegisterSet,
        table: &RegisterTable,
        facts: &ThreadFacts,
        cpu: &CpuState,
    ) -> Vec<u8> {
        set.write(self.abi, table, cpu, |holds| match holds {
            Holds::FpMode => (self.fp_mode)(cpu).into(),
            _ => facts.call.unwrap_or(u64::MAX),
        })
    }

    /// Reads a register set's note into `cpu`: as much as there is. Returns the system call that the thread is in, if the note
    /// says so.
    pub fn read_register_set(
        &self,
        set: &RegisterSet,
        table: &RegisterTable,
        bytes: &[u8],
        cpu: &mut CpuState,
    ) -> Option<u64> {
        let mut call = None;
        set.read(
            self.abi,
            table,
            bytes,
            cpu,
            |holds, value, cpu| match holds {
                Holds::FpMode => (self.set_fp_mode)(cpu, value as u32),
                _ => call = u64::try_from(value).ok(),
            },
        );
        call
    }
}

/// NT_PRPSINFO. `state` is the letter of `/proc/PID/stat`.
pub fn prpsinfo(a: OsAbi, info: &Prpsinfo) -> Vec<u8> {
    let mut host = vec![0; Prpsinfo::DESC.size(OsAbi::HOST)];
    crate::abi::GuestValue::to_host(info, &mut host);
    let mut out = vec![0; Prpsinfo::DESC.size(a)];
    // No field of it is checked.
    let _ = convert(Prpsinfo::DESC, OsAbi::HOST, &host, a, &mut out);
    out
}

/// NT_FILE: count, page size, a triple for each, then the names.
pub fn file_note(a: OsAbi, page: u64, files: &[FileMapping]) -> Vec<u8> {
    let word = usize::from(a.abi.word);
    let mut out = vec![0; word * (2 + 3 * files.len())];
    let mut words = out.chunks_mut(word);
    let mut put = |value: u64| {
        if let Some(place) = words.next() {
            write_int(a, Kind::Ulong, place, value);
        }
    };
    put(files.len() as u64);
    put(page);
    for f in files {
        put(f.start);
        put(f.end);
        put(f.offset / page);
    }
    for f in files {
        out.extend_from_slice(&f.path);
        out.push(0);
    }
    out
}

/// Reads NT_FILE; `None` if it contradicts itself.
pub fn read_file_note(a: OsAbi, bytes: &[u8]) -> Option<Vec<FileMapping>> {
    let word = usize::from(a.abi.word);
    let number = |n: usize| {
        let at = n.checked_mul(word)?;
        let bytes = bytes.get(at..at.checked_add(word)?)?;
        Some(read_int(a, Kind::Ulong, bytes))
    };
    let (count, page) = (number(0)?, number(1)?);
    let count = usize::try_from(count).ok()?;
    // Each takes three words and a NUL at least.
    if count > bytes.len() / (3 * word + 1) {
        return None;
    }
    let names = bytes.get((2 + 3 * count) * word..)?;
    let mut names = names.split(|&b| b == 0);
    (0..count)
        .map(|i| {
            Some(FileMapping {
                start: number(2 + 3 * i)?,
                end: number(3 + 3 * i)?,
                offset: number(4 + 3 * i)?.checked_mul(page)?,
                path: names.next()?.to_vec(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::isa::{AARCH64, ALL, MIPS};
    use super::*;
    use crate::isa::Isa;
    use crate::isa::aarch64::AArch64;

    fn table(name: &str, mode: u32) -> &'static RegisterTable {
        match name {
            "aarch64" => AArch64.registers(),
            "mips" => crate::isa::mips::MIPS.registers_in_mode(mode),
            _ => crate::isa::mips::MIPSEL.registers_in_mode(mode),
        }
    }

    #[test]
    fn sizes_are_those_of_the_headers() {
        // offsetof and sizeof by Debian's cross compilers: aarch64 112 and 392, o32 72 and 256; prpsinfo 136 and 128.
        assert_eq!((AARCH64.gregset_at(), AARCH64.prstatus_size()), (112, 392));
        assert_eq!((MIPS.gregset_at(), MIPS.prstatus_size()), (72, 256));
        assert_eq!(Prpsinfo::DESC.size(AARCH64.abi), 136);
        assert_eq!(Prpsinfo::DESC.size(MIPS.abi), 128);
        assert_eq!(Prpsinfo::DESC.offset(AARCH64.abi, "pr_psargs"), Some(56));
        assert_eq!(Prpsinfo::DESC.offset(MIPS.abi, "pr_psargs"), Some(48));
    }

    /// Every register that has a place in a core comes back from it, on every instruction set and in both FP modes of MIPS.
    #[test]
    fn registers_survive_the_round_trip() {
        for isa in ALL {
            for mode in [0, 1] {
                let table = table(isa.name, mode);
                let mut cpu = CpuState::new();
                for (i, byte) in cpu.regs.iter_mut().enumerate() {
                    *byte = (i * 7 + i / 256) as u8;
                }
                (cpu.pc, cpu.mode) = (0x1234_5678, mode);
                cpu.set_nzcv(0x9000_0000);
                let facts = ThreadFacts {
                    call: Some(93),
                    ..ThreadFacts::default()
                };
                let status = isa.prstatus(table, &facts, &cpu);
                let mut back = CpuState::new();
                assert!(isa.read_prstatus(table, &status, &mut back).is_some());
                let mut call = None;
                for set in isa.register_sets {
                    let note = isa.register_set(set, table, &facts, &cpu);
                    assert_eq!(note.len(), set.size);
                    call = call.or(isa.read_register_set(set, table, &note, &mut back));
                }
                let known = |r: &crate::isa::Register| {
                    r.gregset.is_some() || isa.register_sets.iter().any(|s| s.has(table, r.name))
                };
                let mut n = 0;
                for r in table.registers.iter().filter(|r| known(r)) {
                    assert_eq!(r.read(&back), r.read(&cpu), "{} {}", isa.name, r.name);
                    n += 1;
                }
                assert!(n >= 50, "{}: {n} registers", isa.name);
                if isa.name == "aarch64" {
                    assert_eq!(call, Some(93));
                } else {
                    assert_eq!(back.mode & 1, mode, "{}", isa.name);
                }
            }
        }
    }

    #[test]
    fn file_notes_survive_the_round_trip_and_lies_are_refused() {
        let files = vec![
            FileMapping {
                start: 0x40_0000,
                end: 0x40_2000,
                offset: 0,
                path: b"/bin/a b".to_vec(),
            },
            FileMapping {
                start: 0x50_0000,
                end: 0x50_1000,
                offset: 0x3000,
                path: b"/lib/c".to_vec(),
            },
        ];
        for a in [AARCH64.abi, MIPS.abi] {
            let note = file_note(a, 4096, &files);
            assert_eq!(read_file_note(a, &note), Some(files.clone()));
            let mut lie = note.clone();
            lie[..usize::from(a.abi.word)].fill(0xff);
            assert_eq!(read_file_note(a, &lie), None);
            for len in 0..note.len() - 8 {
                let _ = read_file_note(a, &note[..len]);
            }
        }
    }
}
