//! The intermediate representation between guest front ends and engines.
//!
//! A [`Block`] is a single-entry run of [`Op`]s with side exits and one terminal. It knows no guest and no host: guest
//! registers are byte offsets ([`Slot`]) into [`CpuState::regs`], and odd semantics call a function of the guest's
//! [`Helper`] table. Every engine (interpreter, JIT) executes the same blocks, so an instruction's semantics are stated once.
//!
//! Conventions that every producer and consumer of blocks relies on:
//!
//! * A value is the result of one op and is named by that op's index. Values never cross blocks.
//! * Value types are `I32`, `I64` and vector (`V64`, `V128`). Bits of an `I32` above 31 don't exist; converting is explicit
//!   (`Zext32`, `Sext32`, `Trunc`). A `V128` is 16 bytes, lane 0 in the low bits. A `V64` is a vector whose upper half is
//!   unspecified: engines need not clear it, front ends must not look at it.
//! * [`OpCode::InsnStart`] opens each guest instruction. Until the last op of an instruction that can fault (memory access,
//!   alignment check, trap), the instruction has not written any register: so a fault leaves the guest state exact, with the
//!   PC of the `InsnStart`.
//! * The flags (`N`, `Z`, `C`, `V`) are one implicit register of the state, written by the `*F` ops and read by the ones that
//!   take a [`Cond`].
//! * IEEE 754 exception flags accumulate in [`CpuState::fp_flags`]; NaN and denormal rules are those of [`Block::fp`].

mod aes;
mod block;
mod builder;
mod exec;
pub mod fp;
mod interp;
mod memory;
mod op;
mod print;
mod sha;
mod state;
mod vector;
mod verify;
mod watch;

pub use block::{Block, BlockKey, FpRules, NanRule, PAST_BREAKPOINT};
pub use builder::Builder;
pub use exec::exec;
pub use interp::{BlockExit, Interpreter, apply};
pub use memory::{MemFault, Memory};
pub use op::{AtomicOp, Cmp, Cond, Effect, FCond, FpRound, MemArg, NONE, Op, OpCode, Ty, Val};
pub use state::{
    CpuState, Helper, HelperFn, JUMP_CACHE_ENTRIES, JumpEntry, REGS_SIZE, Slot, Trap, fp_flag,
    pending,
};
pub use verify::verify;
pub use watch::{Access, WatchHit, WatchRange, WatchSet};
