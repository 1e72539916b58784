//! The decoded trace of system calls and signals, from the same rows that translate them; and the report of what a guest asked
//! for in vain.

mod calls;
mod filter;
mod missing;
mod output;
mod recent;
mod render;
mod report;
mod summary;
#[cfg(test)]
mod tests;

pub use calls::Trace;
pub use filter::{CLASSES, Filter};
pub use missing::{Missing, Records, Tell};
pub use output::{Output, STAMPS, Sink, Stamp, path_for};
pub use recent::describe;
pub use render::{Memory, NoMemory};
pub use report::{Record, merge};

use crate::abi::Signal;

/// The signal's name in a wait status.
fn signal_name(dialect: crate::abi::Dialect, number: u32) -> String {
    Signal::from_guest(dialect, number)
        .map_or_else(|| number.to_string(), |s| s.name().into_owned())
}
