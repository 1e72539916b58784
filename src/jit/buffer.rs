//! Host memory for code, and how a fault in it finds its way back to the guest's instruction.

use super::fault::{self, SideTable};
use crate::abi::Errno;
use crate::host::code::{map_code, unmap_code};
use crate::host::signal::HostContext;
use std::arch::asm;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Host memory for code, registered for [`recover`].
pub(super) struct Buffer {
    pub(super) base: u64,
    pub(super) len: usize,
    /// One bit for each 16 bytes: a block's header begins there.
    starts: Box<[AtomicU64]>,
    /// Position in [`BUFFERS`].
    slot: usize,
}

/// A block's header in the buffer, right before its code.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    /// Guest address of the block.
    pc: u64,
    /// Offset of the side table from the header.
    side_offset: u32,
    /// Bytes of the side table.
    side_len: u32,
    /// Offset of the code through which a fault leaves from the code, or 0 for the common one.
    leave_by: u32,
    /// So that code follows at a multiple of 16.
    reserved: [u32; 3],
}

/// Bytes of a block's header.
pub(super) const HEADER: usize = size_of::<Header>();

/// Buffers as the fault handler finds them. It takes no lock: an entry is claimed and given up by its `end`.
struct Registered {
    base: AtomicU64,
    end: AtomicU64,
    starts: AtomicPtr<AtomicU64>,
    exit: AtomicU64,
}

/// More than one only in tests.
static BUFFERS: [Registered; 64] = [const {
    Registered {
        base: AtomicU64::new(0),
        end: AtomicU64::new(0),
        starts: AtomicPtr::new(std::ptr::null_mut()),
        exit: AtomicU64::new(0),
    }
}; 64];

/// Serialises claims of entries of [`BUFFERS`].
static CLAIM: Mutex<()> = Mutex::new(());

impl Buffer {
    pub(super) fn new(len: usize) -> Result<Buffer, Errno> {
        let base = map_code(len)?;
        let starts: Box<[AtomicU64]> = {
            // Zeroed pages come from the kernel when touched; writing them here would cost start-up time.
            let words = len / 16 / 64;
            let zeroed: Box<[u64]> = vec![0u64; words].into_boxed_slice();
            // SAFETY: AtomicU64 has the same representation as u64.
            unsafe { Box::from_raw(Box::into_raw(zeroed) as *mut [AtomicU64]) }
        };
        let _claim = CLAIM.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = BUFFERS
            .iter()
            .position(|b| b.base.load(Ordering::Relaxed) == 0)
        else {
            // SAFETY: nobody knows of it yet.
            unsafe { unmap_code(base, len) };
            return Err(Errno::ENOMEM);
        };
        BUFFERS[slot].base.store(base, Ordering::Relaxed);
        BUFFERS[slot]
            .starts
            .store(starts.as_ptr().cast_mut(), Ordering::Relaxed);
        Ok(Buffer {
            base,
            len,
            starts,
            slot,
        })
    }

    /// Lets [`recover`] see the buffer; `exit` is where a faulting thread goes on.
    pub(super) fn publish(&self, exit: u64) {
        BUFFERS[self.slot].exit.store(exit, Ordering::Relaxed);
        BUFFERS[self.slot]
            .end
            .store(self.base + self.len as u64, Ordering::Release);
    }

    /// Copies bytes to host address `at`.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) {
        assert!(at >= self.base && at + bytes.len() as u64 <= self.base + self.len as u64);
        // SAFETY: inside the mapping (checked), which nothing else writes: the cache's lock is held. Threads execute other parts, or
        // the bytes are not reachable yet.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), at as *mut u8, bytes.len());
        }
    }

    /// Writes a block: its header at `at`, the code, the side table. Returns how many bytes that are.
    pub(super) fn write_block(&self, at: u64, pc: u64, code: &[u8], table: &SideTable) -> usize {
        let side = table.bytes();
        let side_offset = HEADER + code.len();
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&pc.to_le_bytes());
        header[8..12].copy_from_slice(&(side_offset as u32).to_le_bytes());
        header[12..16].copy_from_slice(&(side.len() as u32).to_le_bytes());
        header[16..20].copy_from_slice(&table.left_by().to_le_bytes());
        self.write(at, &header);
        self.write(at + HEADER as u64, code);
        self.write(at + side_offset as u64, side);
        self.mark_start(at);
        side_offset + side.len()
    }

    /// Replaces the 32-bit field at `at`, which lies inside one aligned 8-byte word, while threads may execute it.
    pub(super) fn patch(&self, at: u64, value: i32) {
        assert!(at >= self.base && at + 4 <= self.base + self.len as u64 && at & 7 <= 4);
        // SAFETY: inside the mapping. One store, atomic because it crosses no 8-byte boundary; `asm!` because Rust's atomics want
        // an aligned address.
        unsafe {
            asm!("mov dword ptr [{at}], {value:e}", at = in(reg) at, value = in(reg) value,
                options(nostack, preserves_flags));
        }
    }

    fn mark_start(&self, at: u64) {
        let n = ((at - self.base) / 16) as usize;
        self.starts[n / 64].fetch_or(1 << (n % 64), Ordering::Release);
    }

    /// Forgets the starts of blocks in a range.
    pub(super) fn clear_starts(&self, start: u64, end: u64) {
        let word = |at: u64| ((at - self.base) / 16 / 64) as usize;
        for w in &self.starts[word(start)..word(end)] {
            if w.load(Ordering::Relaxed) != 0 {
                w.store(0, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let entry = &BUFFERS[self.slot];
        entry.end.store(0, Ordering::SeqCst);
        entry.base.store(0, Ordering::SeqCst);
        // SAFETY: engines hold the cache, so no thread is in its code.
        unsafe { unmap_code(self.base, self.len) };
    }
}

/// Recovers a host fault in generated code: the guest's state becomes that of the start of the faulting instruction, and the
/// context goes on in the exit stub, so that the engine returns [`crate::cpu::Exit::Fault`]. Returns false for any other fault.
/// Async-signal-safe. To be given to [`crate::host::signal::set_recover`].
pub fn recover(context: &mut HostContext<'_>) -> bool {
    let pc = context.pc();
    let Some(buffer) = BUFFERS.iter().find(|b| {
        let end = b.end.load(Ordering::Acquire);
        pc < end && pc >= b.base.load(Ordering::Relaxed)
    }) else {
        return false;
    };
    let base = buffer.base.load(Ordering::Relaxed);
    let starts = buffer.starts.load(Ordering::Relaxed);
    // The last block that starts before the PC.
    let n = (pc - base) / 16;
    let mut word = n / 64;
    let mut mask = u64::MAX >> (63 - n % 64);
    let header = loop {
        // SAFETY: an entry with an end has a bit for every 16 bytes of the buffer; `word` is at most that of the PC.
        let bits = unsafe { &*starts.add(word as usize) }.load(Ordering::Acquire) & mask;
        if bits != 0 {
            break base + (word * 64 + 63 - u64::from(bits.leading_zeros())) * 16;
        }
        if word == 0 {
            return false;
        }
        word -= 1;
        mask = u64::MAX;
    };
    // SAFETY: the bit says that a block's header is there, written before the bit.
    let h = unsafe { *(header as *const Header) };
    let code = header + HEADER as u64;
    let end = header + u64::from(h.side_offset);
    if pc < code || pc >= end {
        return false;
    }
    // SAFETY: header, code and side table are one run of bytes in the buffer, which is never unmapped while code in it runs.
    let (table, rest) = unsafe {
        (
            std::slice::from_raw_parts(end as *const u8, h.side_len as usize),
            std::slice::from_raw_parts(pc as *const u8, (end - pc) as usize),
        )
    };
    let Some(access) = fault::find(table, h.pc, (pc - code) as u32) else {
        return false;
    };
    let exit = match h.leave_by {
        0 => buffer.exit.load(Ordering::Relaxed),
        offset => code + u64::from(offset),
    };
    // SAFETY: the PC is at an access of a block, so R15 and RSP are as `regs` says.
    unsafe {
        fault::leave(context, access, rest, exit);
    }
    true
}

/// The fault that [`recover`] noted, as the host sees it.
#[cfg(test)]
pub(super) fn noted_fault(cpu: &crate::ir::CpuState) -> crate::ir::MemFault {
    let kind = cpu.engine[fault::saved::KIND];
    crate::ir::MemFault {
        addr: cpu.engine[fault::saved::ADDR],
        write: kind >> 33 & 1 != 0,
        code: kind as i32,
        bus: kind >> 32 & 1 != 0,
    }
}
