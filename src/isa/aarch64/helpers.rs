//! The table of functions that ops call by index: the scalar ones first, then those of Advanced SIMD.

use super::{ahp, simd, sysregs};
use crate::ir::Helper;

/// Index of the first helper of Advanced SIMD.
pub const SIMD_BASE: u16 = SCALAR.len() as u16;

/// Index of [`sysregs::DERIVE_MODE`].
pub const DERIVE_MODE: u16 = 0;
/// Index of [`sysregs::READ_COUNTER`].
pub const READ_COUNTER: u16 = 1;

/// Index of [`ahp::CONVERT`].
pub const CONVERT_AHP: u16 = 2;

const SCALAR: &[Helper] = &[sysregs::DERIVE_MODE, sysregs::READ_COUNTER, ahp::CONVERT];

/// Every helper.
pub static HELPERS: [Helper; SCALAR.len() + simd::HELPERS.len()] = {
    let mut all = [SCALAR[0]; SCALAR.len() + simd::HELPERS.len()];
    let mut n = 0;
    while n < all.len() {
        all[n] = if n < SCALAR.len() {
            SCALAR[n]
        } else {
            simd::HELPERS[n - SCALAR.len()]
        };
        n += 1;
    }
    all
};
