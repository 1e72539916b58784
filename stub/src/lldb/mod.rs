//! Handlers of the packets in lldb's `docs/resources/lldbgdbremote.md`.

pub(crate) mod info;
pub(crate) mod memory;
pub(crate) mod threads;
