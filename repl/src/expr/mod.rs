//! Expressions as in C, over registers, variables and memory.

mod abi;
mod call;
mod eval;
mod format;
mod operators;
mod parse;
mod value;
mod variables;

pub use call::{Arena, Dummy};
pub use format::{Format, float_text, quoted};
pub use value::{Location, Value};
