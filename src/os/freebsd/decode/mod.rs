//! Arguments as traces show them, where a type of the call table does not say it all.

pub mod files;
pub mod memory;
pub mod messages;
pub mod process;
pub mod sysv;

use crate::abi::{FlagTable, Kind, Show};
use crate::os::View;

/// A value of 32 bits in the guest's memory, by the names of a table.
fn named(v: &dyn View, table: &'static FlagTable, value: u64) -> String {
    v.value(Kind::U32, Show::Flags(table), value)
}
