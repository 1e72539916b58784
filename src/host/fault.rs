//! Memory faults of the host, and the way out of routines that expect them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Nothing is mapped at the address (`asm-generic/siginfo.h`).
pub const SEGV_MAPERR: i32 = 1;
/// The mapping does not permit the access.
pub const SEGV_ACCERR: i32 = 2;
/// Misaligned access.
pub const BUS_ADRALN: i32 = 1;
/// No memory behind the mapping: past the end of the file.
pub const BUS_ADRERR: i32 = 2;

/// What a guarded routine returns: `rax` and `rdx`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct GuardedResult {
    /// The value; after a fault the host address that faulted.
    pub value: u64,
    /// 0, or the fault packed by the handler.
    pub fault: u64,
}

impl GuardedResult {
    /// `si_code` and whether the signal was SIGBUS.
    pub fn code(self) -> (i32, bool) {
        (self.fault as u16 as i32, self.fault & BUS != 0)
    }
}

/// Set in every packed fault, so that it is never 0.
const FAULTED: u64 = 1 << 32;
/// The signal was SIGBUS.
const BUS: u64 = 1 << 33;

/// A routine's program counters, and where it goes on after a fault.
#[derive(Clone, Copy)]
pub struct Fixup {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Where to resume.
    pub out: u64,
}

static FIXUPS: [[AtomicU64; 3]; 2] = [const { [const { AtomicU64::new(0) }; 3] }; 2];

/// Sets the guarded routines. The same ones each time, so that a race between two callers is harmless.
pub fn set_fixups(fixups: [Fixup; 2]) {
    for (slot, f) in FIXUPS.iter().zip(fixups) {
        slot[0].store(f.start, Ordering::Relaxed);
        slot[2].store(f.out, Ordering::Relaxed);
        // The end last: an entry is empty until it is whole.
        slot[1].store(f.end, Ordering::Release);
    }
}

/// If `pc` is in a guarded routine: where to resume, and what to put in `rax` and `rdx`. Async-signal-safe.
pub(super) fn resume(pc: u64, fault_addr: u64, code: i32, bus: bool) -> Option<(u64, u64, u64)> {
    FIXUPS.iter().find_map(|f| {
        let end = f[1].load(Ordering::Acquire);
        let inside = (f[0].load(Ordering::Relaxed)..end).contains(&pc);
        inside.then(|| {
            let packed = FAULTED | if bus { BUS } else { 0 } | u64::from(code as u16);
            (f[2].load(Ordering::Relaxed), fault_addr, packed)
        })
    })
}
