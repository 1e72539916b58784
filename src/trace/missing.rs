//! What a guest asked for and did not get: told once for each thing, whether there is a trace or not.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::process::{Observer, Thread};

/// Names each thing that is not implemented on standard error, the first time it is asked for.
#[derive(Default)]
pub struct Missing {
    told: Mutex<HashSet<String>>,
}

impl Observer for Missing {
    fn unimplemented(&self, thread: &Thread, what: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(what.to_owned()) {
            eprintln!(
                "emu: not implemented: {what} (asked for at {:#x})",
                thread.cpu.pc.wrapping_sub(4)
            );
        }
    }
}
