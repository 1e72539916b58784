//! Text of guest instructions, by capstone.

use super::Isa;
use crate::abi::Endian;
use capstone::arch::{arm64, mips};
use capstone::prelude::*;
use std::fmt;

/// Turns guest code into text. Not for use across threads: capstone's handle is a single-threaded one.
pub struct Disassembler {
    capstone: Capstone,
}

/// One instruction as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Guest address.
    pub addr: u64,
    /// Its bytes in memory order.
    pub bytes: Vec<u8>,
    /// Mnemonic, or `.byte` for what is no instruction.
    pub mnemonic: String,
    /// Operands.
    pub operands: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex: String = self.bytes.iter().map(|b| format!("{b:02x}")).collect();
        write!(
            f,
            "{:#x}:  {hex:<8}  {} {}",
            self.addr, self.mnemonic, self.operands
        )
    }
}

impl Disassembler {
    /// A disassembler for that guest; `None` if capstone has none for it.
    pub fn new(isa: &dyn Isa) -> Option<Disassembler> {
        let cs = Capstone::new();
        let endian = match isa.abi().endian {
            Endian::Little => capstone::Endian::Little,
            Endian::Big => capstone::Endian::Big,
        };
        let mut capstone = match isa.name() {
            "aarch64" => cs.arm64().mode(arm64::ArchMode::Arm).build(),
            "mips" | "mipsel" => cs
                .mips()
                .mode(mips::ArchMode::Mips32)
                .endian(endian)
                .build(),
            _ => return None,
        }
        .ok()?;
        // Data between functions must not end the text.
        capstone.set_skipdata(true).ok()?;
        Some(Disassembler { capstone })
    }

    /// The instructions in `code`, whose first byte is at guest address `addr`; at most `count` of them.
    pub fn lines(&self, code: &[u8], addr: u64, count: usize) -> Vec<Line> {
        let Ok(insns) = self.capstone.disasm_count(code, addr, count) else {
            return Vec::new();
        };
        insns
            .iter()
            .map(|i| Line {
                addr: i.address(),
                bytes: i.bytes().to_vec(),
                mnemonic: i.mnemonic().unwrap_or(".byte").to_string(),
                operands: i.op_str().unwrap_or("").to_string(),
            })
            .collect()
    }
}
