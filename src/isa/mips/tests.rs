//! The decode tables, and instructions on the interpreter.

mod decode;
mod execute;

use super::*;
use crate::ir::{Block, BlockKey};
use crate::isa::testing::FlatMemory;
use crate::isa::{Limits, translate_block};

const BASE: u64 = 0x1000;

/// A block of the one instruction `word` (with a `nop` in its delay slot).
fn translate(word: u32, mode: u32) -> Block {
    let mut code = FlatMemory::new(BASE, [word.to_be_bytes(), [0; 4]].concat());
    let limits = Limits {
        max_insns: 1,
        is_breakpoint: &|_| false,
        watch: None,
    };
    let mut block = Block::default();
    let key = BlockKey {
        pc: BASE,
        mode,
        instrumentation: 0,
    };
    translate_block(&MIPS, &mut code, key, &limits, &mut block);
    block
}
