//! What core files of every operating system have in common: register sets as rows, and what is known of a thread.
//!
//! A [`RegisterSet`] says where the registers of the ISA's table go in a note. The same rows write a core and read one.

use crate::abi::{Endian, Kind, OsAbi, read_int, write_int};
use crate::ir::CpuState;
use crate::isa::{RegClass, Register, RegisterTable};
use crate::process::SigSet;

/// A register set that has a note of its own (the kernel's `user_regset`).
#[derive(Debug)]
pub struct RegisterSet {
    /// Owner of the note.
    pub owner: &'static str,
    /// Its type.
    pub note: u32,
    /// Its size in bytes.
    pub size: usize,
    /// What is in it.
    pub fields: &'static [SetField],
}

/// Part of a register set.
#[derive(Debug)]
pub struct SetField {
    /// Offset in bytes.
    pub at: usize,
    /// What is there.
    pub holds: Holds,
}

/// What a part of a register set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Registers that follow each other in the register table and, every `stride` bytes, in the set. One that is smaller than
    /// its place is extended with zeroes, of one that is larger the low part is there. A floating-point register that is smaller
    /// than the stride of eight bytes or more is a part of its neighbour and has no place of its own.
    Registers {
        /// Name of the first.
        first: &'static str,
        /// How many.
        count: usize,
        /// Bytes from one to the next.
        stride: usize,
    },
    /// `int`: number of the system call that the thread is in, or -1.
    CallNumber,
    /// `int`: MIPS's FP mode, as `prctl(PR_GET_FP_MODE)` has it.
    FpMode,
}

/// Registers at an offset of a register set.
pub const fn registers(at: usize, first: &'static str, count: usize, stride: usize) -> SetField {
    SetField {
        at,
        holds: Holds::Registers {
            first,
            count,
            stride,
        },
    }
}

/// Writes an integer of up to 16 bytes in the guest's order.
pub fn put(endian: Endian, out: &mut [u8], value: u128) {
    let n = out.len();
    out.copy_from_slice(&value.to_le_bytes()[..n]);
    if endian == Endian::Big {
        out.reverse();
    }
}

/// Reads one.
pub fn get(endian: Endian, bytes: &[u8]) -> u128 {
    let mut le = [0; 16];
    le[..bytes.len()].copy_from_slice(bytes);
    if endian == Endian::Big {
        le[..bytes.len()].reverse();
    }
    u128::from_le_bytes(le)
}

/// Puts a register's value from a core into the state: as many bits as it has.
pub fn set(register: &Register, cpu: &mut CpuState, value: u128) {
    let bits = 8 * register.size();
    let mask = match bits {
        0..128 => (1 << bits) - 1,
        _ => u128::MAX,
    };
    register.write(cpu, value & mask);
}

impl SetField {
    /// The registers of the field: offset and size of each one's place in the set, and the register.
    pub fn places<'t>(
        &self,
        table: &'t RegisterTable,
    ) -> impl Iterator<Item = (usize, usize, &'t Register)> + use<'t> {
        let (first, count, stride) = match self.holds {
            Holds::Registers {
                first,
                count,
                stride,
            } => (first, count, stride),
            _ => ("", 0, 0),
        };
        let all = table.registers;
        let from = all.iter().position(|r| r.name == first).unwrap_or(0);
        let at = self.at;
        all[from..]
            .iter()
            .take(count)
            .enumerate()
            .filter(move |(_, r)| stride < 8 || r.size() >= stride || r.class != RegClass::Float)
            .map(move |(i, r)| (at + i * stride, stride, r))
    }
}

impl RegisterSet {
    /// The content of the note. `cpu` is up to date ([`crate::isa::Isa::sync_registers`]); `other` gives what is no register.
    pub fn write(
        &self,
        a: OsAbi,
        table: &RegisterTable,
        cpu: &CpuState,
        other: impl Fn(Holds) -> u64,
    ) -> Vec<u8> {
        let mut out = vec![0; self.size];
        for field in self.fields {
            match field.holds {
                Holds::Registers { .. } => {
                    for (at, size, r) in field.places(table) {
                        put(a.abi.endian, &mut out[at..at + size], r.read(cpu));
                    }
                }
                holds => write_int(a, Kind::I32, &mut out[field.at..], other(holds)),
            }
        }
        out
    }

    /// Reads the note into `cpu`: as much as there is. `other` is given what is no register.
    pub fn read(
        &self,
        a: OsAbi,
        table: &RegisterTable,
        bytes: &[u8],
        cpu: &mut CpuState,
        mut other: impl FnMut(Holds, i64, &mut CpuState),
    ) {
        for field in self.fields {
            match field.holds {
                Holds::Registers { .. } => {
                    for (at, size, r) in field.places(table) {
                        if let Some(value) = bytes.get(at..at + size) {
                            set(r, cpu, get(a.abi.endian, value));
                        }
                    }
                }
                holds => {
                    if let Some(value) = bytes.get(field.at..field.at + 4) {
                        other(holds, read_int(a, Kind::I32, value) as i64, cpu);
                    }
                }
            }
        }
    }

    /// Whether it has a place for a register.
    pub fn has(&self, table: &RegisterTable, name: &str) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|f| f.places(table).any(|(_, _, r)| r.name == name))
    }
}

/// What is known of a thread besides its registers. Numbers are the host's.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadFacts {
    /// Its id.
    pub tid: i32,
    /// Signal that ends the process; 0 for none.
    pub signal: u8,
    /// Pending and blocked signals.
    pub pending: SigSet,
    /// Blocked signals.
    pub blocked: SigSet,
    /// Parent, process group, session.
    pub ids: [i32; 3],
    /// User and system time, and those of the children, in clock ticks of 10 ms.
    pub times: [i64; 4],
    /// The system call that it is in.
    pub call: Option<u64>,
}

/// A file mapping, as a core file lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMapping {
    /// First guest address.
    pub start: u64,
    /// First guest address after it.
    pub end: u64,
    /// Offset of `start` in the file, in bytes.
    pub offset: u64,
    /// Its path.
    pub path: Vec<u8>,
}
