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
    Signal::from_guest(dialect, number).map_or_else(|| number.to_string(), |s| name_in(dialect, s))
}

/// A signal's name as the guest's operating system has it.
pub fn name_in(dialect: crate::abi::Dialect, signal: Signal) -> String {
    use crate::abi::Dialect;
    const SIGRTMIN: u32 = 65;
    match (dialect, signal.to_guest(dialect)) {
        // Those that have another name, or none, on the host.
        (Dialect::FreeBsd, 7) => "SIGEMT".into(),
        (Dialect::FreeBsd, 29) => "SIGINFO".into(),
        (Dialect::FreeBsd, 32) => "SIGTHR".into(),
        (Dialect::FreeBsd, 33) => "SIGLIBRT".into(),
        (Dialect::FreeBsd, SIGRTMIN) => "SIGRTMIN".into(),
        (Dialect::FreeBsd, n) if n > SIGRTMIN => format!("SIGRTMIN+{}", n - SIGRTMIN),
        _ => signal.name().into_owned(),
    }
}
