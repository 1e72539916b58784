//! Handlers of the packets in gdb's manual (appendix "GDB Remote Serial Protocol").

pub(crate) mod breakpoints;
pub(crate) mod memory;
pub(crate) mod query;
pub(crate) mod registers;
pub(crate) mod resume;
pub(crate) mod stop;
pub(crate) mod threads;
pub(crate) mod vfile;
pub(crate) mod xfer;
