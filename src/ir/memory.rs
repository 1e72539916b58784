//! Guest memory as the IR's interpreter accesses it; `mem` implements it.

/// A guest memory access that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemFault {
    /// The first guest address that could not be accessed.
    pub addr: u64,
    /// Whether it was a store.
    pub write: bool,
    /// The host's `si_code`: SEGV_MAPERR 1, SEGV_ACCERR 2, BUS_ADRERR 2.
    pub code: i32,
    /// SIGBUS (no memory behind the mapping) rather than SIGSEGV.
    pub bus: bool,
}

/// Guest memory. Accesses of 1, 2, 4, 8 bytes that are naturally aligned are single-copy atomic.
pub trait Memory {
    /// Reads `buf.len()` bytes at `addr`; nothing is read on a fault.
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault>;

    /// Writes `data` at `addr`; nothing is written on a fault.
    fn write(&mut self, addr: u64, data: &[u8]) -> Result<(), MemFault>;

    /// Atomically replaces the `size` (1 to 16) bytes at `addr` by `new` if they equal `expected` (host byte order integers of
    /// the bytes in memory order); returns what was there. Faults as a store.
    fn compare_exchange(
        &mut self,
        addr: u64,
        size: usize,
        expected: u128,
        new: u128,
    ) -> Result<u128, MemFault>;

    /// Full barrier.
    fn fence(&mut self);
}
