//! Expressions as in C, over registers, variables and memory.

mod eval;
mod format;
mod parse;
mod value;
mod variables;

pub use format::{Format, float_text, quoted};
pub use value::{Location, Value};
