//! Generated code as text, for `-d out_asm`.

use crate::ir::Block;
use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};
use std::fmt::Write;

/// A block that has just been translated.
pub struct Dump<'a> {
    /// Its IR (`Display` prints it).
    pub block: &'a Block,
    /// Its host code, followed by what leaves it.
    pub code: &'a [u8],
    /// Host address of the code.
    pub addr: u64,
}

/// x86-64 assembly of `code` at host address `addr`, one instruction a line. The words after a call of the exit stub are data and
/// read as instructions here.
pub fn disassemble(code: &[u8], addr: u64) -> String {
    let mut text = String::new();
    let mut formatter = IntelFormatter::new();
    let mut line = String::new();
    let mut decoder = Decoder::with_ip(64, code, addr, DecoderOptions::NONE);
    while decoder.can_decode() {
        let insn = decoder.decode();
        line.clear();
        formatter.format(&insn, &mut line);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:#x}: {line}", insn.ip());
    }
    text
}
