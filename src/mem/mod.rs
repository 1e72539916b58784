//! The guest's address space: a reservation of host memory in which guest address 0 has a fixed place.
//!
//! Guest memory is host memory. A load of the guest is a load of the host at `base + address`; what is not mapped for the
//! guest is reserved without access, so a stray access faults there and never reaches the emulator. Everything above this
//! module touches guest memory through [`AddressSpace`] only:
//!
//! * [`AddressSpace::read`], [`AddressSpace::write`] and the typed accesses are guarded: an address that is not mapped gives
//!   a [`MemFault`], also when another thread unmaps it meanwhile.
//! * [`AddressSpace::host_range`] gives the host address for a system call that takes the guest's buffer as it is.
//! * [`AddressSpace::set_watched`] says which accesses stop for a debugger.
//! * [`AddressSpace::map`] and its kin keep the list of [`Region`]s that `/proc/self/maps`, core files and debuggers show.
//!
//! Lock: the region list has one mutex, innermost but for the code tracker's (see `process` for the whole order).

mod access;
mod code;
mod region;
mod space;
#[cfg(test)]
mod tests;
mod watch;

pub use crate::ir::MemFault;
pub use access::{Scalar, View};
pub use code::Invalidate;
pub use region::{File, Kind, Prot, Region};
pub use space::{AddressSpace, Backing, Config, Mapping, Place};

pub use crate::host::PAGE_SIZE;

/// `addr` rounded down to a page.
pub const fn page_down(addr: u64) -> u64 {
    addr & !(PAGE_SIZE - 1)
}

/// `addr` rounded up to a page, or `None` if that overflows.
pub const fn page_up(addr: u64) -> Option<u64> {
    match addr.checked_add(PAGE_SIZE - 1) {
        Some(a) => Some(page_down(a)),
        None => None,
    }
}
