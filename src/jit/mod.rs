//! The baseline JIT: IR blocks to x86-64 code.
//!
//! [`CodeCache`] is shared by the threads of a process and holds the code; [`JitEngine`] is one thread's engine over it.
//! `copy`, `analysis` and `emit` translate a block, `stubs` is the code that all blocks share, `regs` says which host register holds
//! what, `fault` maps host faults back, `x64` is the assembler.
//!
//! Locks, in the order in which they may be held together: the cache's state, then the list of threads, then one thread's slot.
//! None is held while generated code runs, and none is taken in a signal handler.

mod analysis;
mod buffer;
mod cache;
mod copy;
mod dump;
mod emit;
mod engine;
mod fault;
mod regs;
mod stats;
mod stubs;
#[cfg(test)]
mod tests;
mod x64;

pub use buffer::recover;
pub use cache::CodeCache;
pub use dump::{Dump, disassemble};
pub use engine::JitEngine;
pub use stats::{JitDump, PerfMap, Stats};
