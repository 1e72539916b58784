//! From IR to host code: one pass over the ops after the backward pass of [`super::analysis`].
//!
//! Values are in scratch registers or in pins, and are dropped or spilled when registers run out. A value that is a guest
//! register or a constant is loaded when first used. Several ops produce no code: their value is an alias of another.

mod alloc;
mod call;
mod crypto;
mod exit;
mod flags;
mod flush;
mod fp;
mod guest;
mod int;
mod mem;
mod vec;
mod watch;

pub use call::{Descriptors, MXCSR, call_out};
pub use exit::{ENGINE_ADDR, ENGINE_LEN, Exit, code as exit_code};

use super::analysis::{self, DEAD, FLAGS_AFTER, FUSED, Value};
use super::fault::SideTable;
use super::regs::{Convention, NO_HOST};
use super::stubs::{ConstPool, Stubs};
use super::x64::Asm;
use crate::ir::{Block, Effect, Helper, NONE, Op, OpCode, REGS_SIZE, Slot, Val};
pub use flags::packed_flags;
use flags::{Flags, Form};

/// The block needs more spill slots than there are: it must be cut into smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooComplex;

type Result<T = ()> = std::result::Result<T, TooComplex>;

/// Scratch registers for one block; kept between blocks.
pub struct Emitter {
    pub(super) asm: Asm,
    conv: Convention,
    helpers: &'static [Helper],
    values: Vec<Value>,
    /// For each host register the value in it, or [`NONE`]. A pin's owner equals the whole guest register.
    owner: [Val; 32],
    /// Host registers that the current op uses.
    locked: u32,
    /// For each 4 bytes of guest registers a value that equals the register starting there, and its size.
    cached: Box<[(Val, u8); REGS_SIZE / 4]>,
    /// Entries of `cached` in use.
    cached_list: Vec<u16>,
    /// Bit set of spill slots in use.
    spills: u64,
    flags: Flags,
    /// Index of the op being emitted.
    at: usize,
    /// Guest address of the current instruction.
    pc: u64,
    addr32: bool,
    exits: Vec<Exit>,
    traps: Vec<exit::ColdExit>,
    colds: Vec<call::Cold>,
    watch_checks: Vec<watch::WatchCheck>,
    /// The cache's constants, lent for the time of [`Emitter::emit`].
    pool: ConstPool,
    stubs: Stubs,
    /// Field of the jump to the code that leaves when the poll at the entry finds something.
    poll: usize,
    /// Where a loop with registers of its own goes on, or 0 ([`Convention::pin_for_block`]).
    round: usize,
    /// Fields of the jumps back there, and how EFLAGS holds the guest's flags at them.
    back: Vec<(usize, flags::Form)>,
    descriptors: Descriptors,
    side: SideTable,
}

/// What [`Emitter::emit`] leaves besides the code.
pub struct Emitted {
    /// Offset of the entry that does not poll.
    pub fast_entry: u32,
    /// Bytes up to the end of the code and its constants.
    pub code_len: u32,
    /// Whether the guest's flags must be in the state on entry.
    pub flags_at_entry: bool,
}

impl Emitter {
    /// For blocks of an ISA with these pins and helper functions.
    pub fn new(conv: Convention, helpers: &'static [Helper]) -> Emitter {
        Emitter {
            asm: Asm::default(),
            conv,
            helpers,
            values: Vec::new(),
            owner: [NONE; 32],
            locked: 0,
            cached: Box::new([(NONE, 0); REGS_SIZE / 4]),
            cached_list: Vec::new(),
            spills: 0,
            flags: Flags::STATE,
            at: 0,
            pc: 0,
            addr32: false,
            exits: Vec::new(),
            traps: Vec::new(),
            colds: Vec::new(),
            watch_checks: Vec::new(),
            pool: ConstPool::default(),
            stubs: Stubs::default(),
            poll: 0,
            round: 0,
            back: Vec::new(),
            descriptors: Vec::new(),
            side: SideTable::default(),
        }
    }

    /// Emits `block` for host address `base`. The code is in [`Emitter::code`] after it, exits in [`Emitter::exits`]; the first
    /// of them is known to the cache as `first_exit`. If it is a loop, it keeps the registers in `loop_pins` from round to round.
    pub fn emit(
        &mut self,
        block: &Block,
        loop_pins: &[Slot],
        stubs: &Stubs,
        pool: &mut ConstPool,
        first_exit: u64,
        base: u64,
    ) -> Result<Emitted> {
        self.stubs = *stubs;
        std::mem::swap(&mut self.pool, pool);
        if !loop_pins.is_empty() {
            self.conv.pin_for_block(loop_pins);
        }
        let result = self.emit_block(block, base);
        if result.is_ok() {
            self.cold_calls(block);
            self.watch_lookups(block);
            self.exit_stubs(first_exit);
        }
        self.conv.unpin_for_block();
        std::mem::swap(&mut self.pool, pool);
        result.map(|(fast_entry, flags_at_entry)| Emitted {
            fast_entry,
            code_len: self.asm.pos() as u32,
            flags_at_entry,
        })
    }

    /// Everything but what lies out of the way; returns the offset of the entry without poll and whether it needs the flags.
    fn emit_block(&mut self, block: &Block, base: u64) -> Result<(u32, bool)> {
        let flags_at_entry = analysis::analyse(block, &self.conv, self.helpers, &mut self.values);
        self.asm.start(base);
        self.owner = [NONE; 32];
        for i in self.cached_list.drain(..) {
            self.cached[i as usize].0 = NONE;
        }
        self.spills = 0;
        self.flags = Flags::STATE;
        self.pc = block.key.pc;
        self.addr32 = block.addr32;
        self.exits.clear();
        self.traps.clear();
        self.colds.clear();
        self.watch_checks.clear();
        self.descriptors.clear();
        self.back.clear();
        self.round = 0;
        self.side.start(block.key.pc);

        self.poll_at_entry();
        let fast_entry = self.asm.pos() as u32;
        if self.conv.block_pins().next().is_some() {
            self.start_loop();
        }
        for (i, op) in block.ops.iter().enumerate() {
            let bits = self.values[i].bits;
            if bits & (DEAD | FUSED) != 0 {
                continue;
            }
            match op.code {
                OpCode::InsnStart => {
                    self.pc = op.imm as u64;
                    continue;
                }
                OpCode::Const | OpCode::VConst => {
                    self.values[i].root = i as Val;
                    continue;
                }
                _ => {}
            }
            self.at = i;
            self.locked = 0;
            // These leave the host's flags alone.
            match op.code {
                OpCode::GetReg => {
                    self.get_reg(block, op)?;
                    continue;
                }
                OpCode::SetReg => {
                    self.set_reg(block, op)?;
                    continue;
                }
                _ => {}
            }
            if self.flags.form != Form::State && clobbers_host_flags(op) {
                let seen_outside = matches!(
                    op.code.effect(),
                    Effect::Memory | Effect::State | Effect::SideExit | Effect::Terminal
                );
                if bits & FLAGS_AFTER != 0 || seen_outside {
                    self.save_flags()?;
                }
                self.host_flags_gone();
            }
            debug_assert!(
                op.operands().all(|v| {
                    let value = &self.values[v as usize];
                    value.root != NONE || value.is(FUSED)
                }),
                "an operand of op {i} was not emitted\n{block}"
            );
            self.op(block, op)?;
            self.end_of_op();
        }
        Ok((fast_entry, flags_at_entry))
    }

    /// The code of the last block.
    pub fn code(&self) -> &[u8] {
        self.asm.code()
    }

    /// The side exits and direct jumps of the last block.
    pub fn exits(&self) -> &[Exit] {
        &self.exits
    }

    /// Which guest instruction each access of the last block belongs to.
    pub fn side_table(&self) -> &SideTable {
        &self.side
    }

    /// Takes the descriptors that the last block's code points to. They must live as long as the code.
    pub fn take_descriptors(&mut self) -> Descriptors {
        std::mem::take(&mut self.descriptors)
    }

    #[inline(always)]
    fn op(&mut self, b: &Block, op: &Op) -> Result {
        use OpCode::*;
        match op.code {
            Add | Sub | Mul | MulHiU | MulHiS | DivU | DivS | RemU | RemS | And | AndNot | Or
            | Xor | Not | Neg | Shl | ShrU | ShrS | Rotr | Clz | Ctz | Rbit | Bswap | Bswap16
            | Bswap32 | ExtractU | ExtractS | Insert | Concat | Sext8 | Sext16 | Sext32 | Zext8
            | Zext16 | Zext32 | Trunc | Crc32 | Compare | Select => self.int_op(b, op)?,
            Adc | Sbc | AddF | SubF | AdcF | SbcF | AndF | SetNzcv | GetNzcv | CondValue
            | CondSelect | CondCompare => self.flag_op(b, op)?,
            Load | Store | Fence | CheckAlign | AtomicRmw | AtomicCas | LoadExcl | StoreExcl
            | ClearExcl => self.mem_op(b, op)?,
            CheckWatch => self.check_watch(b, op)?,
            Call | CallPure | CallVec | CallVecPure => self.helper_call(b, op)?,
            FAdd | FSub | FMul | FDiv | FSqrt | FMin | FMax | FMinNum | FMaxNum | FMulAdd
            | FNeg | FAbs | FCvt | FToInt | IntToF | FRoundInt | FCmpNzcv | FCmpF | FCompare
            | VFAdd | VFSub | VFMul | VFDiv | VFSqrt | VFMulAdd | VFMin | VFMax | VFCmpEq
            | VFCmpGe | VFCmpGt | VIntToF => self.fp_op(b, op)?,
            GetFpFlags | SetFpFlags | SetFpRound => self.soft(b, op)?,
            ExitIfCond | ExitIfCmp | ExitIfBit | TrapIfCmp | Jump | JumpReg | Syscall | Raise
            | InvalidateCode | Leave => self.exit_op(b, op)?,
            // Floating-point vector ops without code of their own run by their reference semantics, as fp_op does by default.
            code if code.effect() == Effect::Fp => self.fp_op(b, op)?,
            _ => self.vec_op(b, op)?,
        }
        Ok(())
    }

    /// Frees what only this op used.
    fn end_of_op(&mut self) {
        let i = self.at;
        let value = &self.values[i];
        // The value of an op that was kept for its effect.
        if value.last_use == 0 && value.reg != NO_HOST {
            self.release(i as Val);
        }
    }
}

/// Whether the code of `op` may destroy the host's flags, other than by making the guest's.
fn clobbers_host_flags(op: &Op) -> bool {
    use OpCode::*;
    match op.code {
        InsnStart | Const | VConst | GetReg | SetReg | Load | Store | Add | Not | Shl | ShrU
        | ShrS | Bswap | Bswap32 | Sext8 | Sext16 | Sext32 | Zext8 | Zext16 | Zext32 | Trunc
        | CondValue | CondSelect | ExitIfCond | Jump | LoadExcl | ClearExcl | Adc | Sbc
        | GetNzcv => false,
        // Made by code that deals with the flags itself: saves them first or replaces them.
        AddF | SubF | AdcF | SbcF | AndF | SetNzcv | CondCompare | FCmpF => false,
        code => {
            // Integer vector instructions have no flags; the out-of-line ones don't keep them.
            code.effect() != Effect::Pure
                || (code as u8) < VFromInt as u8
                || vec::is_out_of_line(op)
        }
    }
}
