//! The table of functions that ops call by index.

use super::{fcsr, system};
use crate::ir::Helper;

/// Index of [`system::READ_CYCLE_COUNTER`].
pub const READ_CYCLE_COUNTER: u16 = 0;
/// Index of [`fcsr::READ_CONTROL`].
pub const READ_FP_CONTROL: u16 = 1;
/// Index of [`fcsr::WRITE_CONTROL`].
pub const WRITE_FP_CONTROL: u16 = 2;
/// Index of [`fcsr::NOTE_EXCEPTIONS`].
pub const NOTE_FP_EXCEPTIONS: u16 = 3;

/// Every helper.
pub static HELPERS: [Helper; 4] = [
    system::READ_CYCLE_COUNTER,
    fcsr::READ_CONTROL,
    fcsr::WRITE_CONTROL,
    fcsr::NOTE_EXCEPTIONS,
];
