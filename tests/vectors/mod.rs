//! The text form of test vectors: what one instruction, or a few, do to a state.
//!
//! `# NAME` names the decode row of the lines after it. A line is
//!
//!     @PC WORD... [REGISTER=VALUE...] [mem=ADDRESS] -> [REGISTER=VALUE...] [ADDRESS=BYTES...]
//!
//! with all numbers in hexadecimal and registers as in the ISA's register table. Registers that are not named are zero before.
//! With `mem`, 256 bytes from ADDRESS are accessible and hold [`fill`]. After the instructions, the named registers and bytes
//! have these values and everything else is unchanged. `edges.txt` holds cases that random values hardly reach (results checked with
//! qemu-user); the other files are generated.

pub mod mips_fr1;

use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes of accessible memory.
pub const WINDOW: usize = 256;

/// The byte at offset `n` of the accessible memory.
pub fn fill(n: usize) -> u8 {
    (n as u8).wrapping_mul(0x9d).wrapping_add(0x47) ^ (n >> 3) as u8
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// Guest address of the first instruction.
    pub pc: u64,
    /// The instructions.
    pub words: Vec<u32>,
    /// Registers that are not zero before.
    pub inputs: BTreeMap<String, u128>,
    /// Address of the accessible memory.
    pub memory: Option<u64>,
    /// Registers that change.
    pub outputs: BTreeMap<String, u128>,
    /// Runs of bytes that change, by address.
    pub stored: BTreeMap<u64, Vec<u8>>,
}

impl std::fmt::Display for Vector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "@{:x}", self.pc)?;
        for word in &self.words {
            write!(f, " {word:08x}")?;
        }
        for (name, value) in &self.inputs {
            write!(f, " {name}={value:x}")?;
        }
        if let Some(addr) = self.memory {
            write!(f, " mem={addr:x}")?;
        }
        write!(f, " ->")?;
        for (name, value) in &self.outputs {
            write!(f, " {name}={value:x}")?;
        }
        for (addr, bytes) in &self.stored {
            let text = bytes.iter().fold(String::new(), |mut all, byte| {
                let _ = write!(all, "{byte:02x}");
                all
            });
            write!(f, " {addr:x}={text}")?;
        }
        Ok(())
    }
}

impl Vector {
    /// Reads a line.
    pub fn parse(line: &str) -> Option<Vector> {
        let mut v = Vector::default();
        let (before, after) = line.split_once("->")?;
        let number = |text: &str| u128::from_str_radix(text, 16).ok();
        for token in before.split_whitespace() {
            if let Some(pc) = token.strip_prefix('@') {
                v.pc = number(pc)? as u64;
            } else if let Some(addr) = token.strip_prefix("mem=") {
                v.memory = Some(number(addr)? as u64);
            } else if let Some((name, value)) = token.split_once('=') {
                v.inputs.insert(name.into(), number(value)?);
            } else {
                v.words.push(number(token)? as u32);
            }
        }
        for token in after.split_whitespace() {
            let (name, value) = token.split_once('=')?;
            if name.starts_with(|c: char| c.is_ascii_digit()) {
                let bytes =
                    (0..value.len() / 2).map(|n| number(&value[2 * n..2 * n + 2]).map(|b| b as u8));
                v.stored
                    .insert(number(name)? as u64, bytes.collect::<Option<_>>()?);
            } else {
                v.outputs.insert(name.into(), number(value)?);
            }
        }
        Some(v)
    }
}
