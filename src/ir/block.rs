//! A translated unit: an extended basic block of IR.

use super::op::{Op, Val};
use super::watch::WatchSet;
use std::sync::Arc;

/// What identifies a translation: blocks of the same address but other modes or instrumentation live side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct BlockKey {
    /// Guest address of the first instruction.
    pub pc: u64,
    /// ISA mode bits ([`super::CpuState::mode`]).
    pub mode: u32,
    /// Instrumentation: 0 for plain code, else the [`WatchSet::id`] that its accesses are checked for, and [`PAST_BREAKPOINT`].
    pub instrumentation: u32,
}

/// Bit of [`BlockKey::instrumentation`]: a breakpoint at the first instruction has been dealt with and does not end the block.
pub const PAST_BREAKPOINT: u32 = 1 << 31;

impl BlockKey {
    /// The key of a block at `pc` that this one leads to.
    pub fn successor(self, pc: u64) -> BlockKey {
        BlockKey {
            pc,
            instrumentation: self.instrumentation & !PAST_BREAKPOINT,
            ..self
        }
    }
}

/// How an operation chooses its result when an operand is a NaN, and what its default NaN is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NanRule {
    /// Arm, FPCR.DN = 0: first signalling operand quieted, else first quiet operand; the default NaN is positive with only the quiet bit.
    #[default]
    Arm,
    /// Arm with FPCR.DN = 1 and RISC-V: any NaN result is the default NaN.
    Default,
    /// MIPS before IEEE 754-2008: the quiet bit is inverted; the default NaN is 0x7fbfffff or 0x7ff7ffff_ffffffff.
    MipsLegacy,
}

/// Floating-point rules that hold in a whole block; a front end derives them from the mode bits of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FpRules {
    /// NaN propagation.
    pub nan: NanRule,
    /// Denormal operands and results are taken as zero (Arm FPCR.FZ, MIPS FCSR.FS).
    pub flush_to_zero: bool,
}

/// IR of one extended basic block. Reused between translations: [`Block::clear`] keeps the allocations.
#[derive(Debug, Default)]
pub struct Block {
    /// What it translates.
    pub key: BlockKey,
    /// Operations; a value's name is its index here.
    pub ops: Vec<Op>,
    /// 128-bit constants that `VConst` ops name by index.
    pub vconsts: Vec<u128>,
    /// Guest code it covers: (address, length in bytes), one for each contiguous run.
    pub ranges: Vec<(u64, u32)>,
    /// Number of guest instructions translated.
    pub insns: u32,
    /// Guest addresses are 32 bits wide and wrap.
    pub addr32: bool,
    /// Floating-point rules.
    pub fp: FpRules,
    /// What its accesses are checked for.
    pub watch: Option<Arc<WatchSet>>,
}

impl Block {
    /// Empties the block for another translation.
    pub fn clear(&mut self, key: BlockKey) {
        self.key = key;
        self.ops.clear();
        self.vconsts.clear();
        self.ranges.clear();
        self.insns = 0;
    }

    /// The constant that `v` is, if it is one.
    pub fn constant(&self, v: Val) -> Option<i64> {
        let op = &self.ops[v as usize];
        (op.code == super::OpCode::Const).then_some(op.imm)
    }
}
