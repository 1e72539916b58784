//! Which host register holds what.
//!
//! At every block boundary, and wherever generated code can fault:
//!
//! * R15 points [`STATE_BIAS`] bytes into the [`CpuState`], RSP to the frame that the entry stub made, `gs` to guest address 0;
//! * the registers of [`INT_PINS`] and XMM0 to XMM11 hold the guest registers of the ISA's [`Pins`], in order (a pin of 4 bytes
//!   is zero-extended); every other guest register is in the state;
//! * MXCSR has the guest's rounding mode and the exceptions raised since the last merge into `fp_flags`;
//! * RAX, RCX, RDX, RBX and XMM12 to XMM15 are free.
//!
//! Inside a block that is a loop which copies ([`super::copy`]), some of XMM12 to XMM15 hold more guest registers of 16 bytes. Such a
//! block loads them at its entries and stores them on every way out, a fault's included.

use super::x64::gpr::*;
use super::x64::{Mem, Reg};
use crate::ir::{CpuState, REGS_SIZE, Slot};
use crate::isa::Pins;
use std::mem::offset_of;

/// Host register as the allocator numbers them: 0 to 15 general, 16 to 31 XMM.
pub type HostReg = u8;

/// No host register.
pub const NO_HOST: HostReg = 0xff;

/// First number of an XMM register.
pub const XMM: HostReg = 16;

/// R15 points this far into the state, so that 256 bytes of registers are in reach of an 8-bit displacement.
pub const STATE_BIAS: i32 = 128;

/// General registers for pinned guest registers, the ones without REX prefix first.
pub const INT_PINS: [Reg; 10] = [RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14];

/// General registers for values. RAX comes last: saving the flags needs it.
pub const SCRATCH: [Reg; 4] = [RCX, RDX, RBX, RAX];

/// XMM registers for pinned guest registers: 0 to this.
pub const VECTOR_PINS: usize = 12;

/// XMM registers for values.
pub const VECTOR_SCRATCH: [Reg; 4] = [12, 13, 14, 15];

/// Bit set of the host registers for values: [`SCRATCH`] and [`VECTOR_SCRATCH`].
const VALUES: u32 = 0xf | 0xf << (XMM + 12);

/// A field of the state.
pub const fn state(offset: usize) -> Mem {
    Mem::base(R15, offset as i32 - STATE_BIAS)
}

/// A guest register in the state.
pub const fn slot(s: Slot) -> Mem {
    state(offset_of!(CpuState, regs) + s as usize)
}

/// The frame that the entry stub makes below the saved registers of the host.
pub mod frame {
    use super::*;

    /// MXCSR is stored here on its way in and out.
    pub const MXCSR: Mem = Mem::base(RSP, 0);
    /// R14 while its register is borrowed; see [`super::super::fault`].
    pub const R14_SAVE_OFFSET: i32 = 8;
    /// Address of the descriptor of an out-of-line operation.
    pub const DESCRIPTOR_OFFSET: i32 = 16;
    /// First spill slot.
    const SPILLS: i32 = 32;
    /// Number of spill slots of 16 bytes.
    pub const SPILL_COUNT: u32 = 64;
    /// Where stubs save general registers.
    pub const GPR_SAVE: i32 = SPILLS + 16 * SPILL_COUNT as i32;
    /// Where stubs save XMM registers.
    pub const XMM_SAVE: i32 = GPR_SAVE + 8 * 16;
    /// Size: 8 more than a multiple of 16, because the entry stub pushes 6 registers on top of its return address.
    pub const SIZE: i32 = XMM_SAVE + 16 * 16 + 8;

    /// Spill slot `n`.
    pub const fn spill(n: u16) -> Mem {
        Mem::base(RSP, SPILLS + 16 * n as i32)
    }
}

/// The pinned registers of an ISA.
#[derive(Clone, Debug)]
pub struct Convention {
    /// Guest register in each of [`INT_PINS`] that is used.
    pub int: Vec<Slot>,
    /// Log2 of their size: 2 or 3.
    pub int_size: u8,
    /// Guest register in each of XMM0, XMM1 ...
    pub vector: Vec<Slot>,
    /// Log2 of their size: 3 or 4.
    pub vector_size: u8,
    /// Slots of registers that calls do not preserve, the last excluded.
    pub temporaries: (Slot, Slot),
    /// Bit set of the host registers for values.
    scratch: u32,
    /// For each byte of [`CpuState::regs`] the host register that holds it, and the one that it is the first byte of.
    covers: Box<[(HostReg, HostReg); REGS_SIZE]>,
}

impl Convention {
    /// Pins as many of `pins` as there are host registers.
    pub fn new(pins: &Pins) -> Convention {
        let int = &pins.int[..pins.int.len().min(INT_PINS.len())];
        let vector = &pins.vector[..pins.vector.len().min(VECTOR_PINS)];
        let mut covers = Box::new([(NO_HOST, NO_HOST); REGS_SIZE]);
        let mut cover = |s: Slot, size: u8, r: HostReg| {
            covers[s as usize..][..size as usize].fill((r, NO_HOST));
            covers[s as usize].1 = r;
        };
        for (s, r) in int.iter().zip(INT_PINS) {
            cover(*s, pins.int_size, r);
        }
        for (s, r) in vector.iter().zip(XMM..) {
            cover(*s, pins.vector_size, r);
        }
        Convention {
            int: int.to_vec(),
            int_size: pins.int_size.trailing_zeros() as u8,
            vector: vector.to_vec(),
            vector_size: pins.vector_size.trailing_zeros() as u8,
            temporaries: pins.temporaries,
            scratch: VALUES,
            covers,
        }
    }

    /// The host register that holds byte `offset` of the guest registers, or [`NO_HOST`].
    #[inline]
    pub fn at(&self, offset: usize) -> HostReg {
        self.covers[offset].0
    }

    /// The pin that begins exactly at `slot`, or [`NO_HOST`].
    #[inline]
    pub fn pin(&self, slot: Slot) -> HostReg {
        self.covers[slot as usize].1
    }

    /// The guest register in pin `r`.
    #[inline]
    pub fn slot_of(&self, r: HostReg) -> Slot {
        if r >= XMM {
            self.vector[(r - XMM) as usize]
        } else {
            self.int[PIN_INDEX[r as usize] as usize]
        }
    }

    /// Whether byte `offset` of the guest registers is in a host register.
    #[inline]
    pub fn is_pinned(&self, offset: usize) -> bool {
        self.at(offset) != NO_HOST
    }

    /// Whether `r` is one of the registers for values.
    #[inline]
    pub fn is_scratch(&self, r: HostReg) -> bool {
        self.scratch >> (r & 31) & 1 != 0
    }

    /// Pins the 16 bytes at each of `slots`, none of which is pinned, to a vector register for values: for one block, which loads
    /// them at its start and stores them where it leaves.
    pub fn pin_for_block(&mut self, slots: &[Slot]) {
        debug_assert!(self.vector.len() == VECTOR_PINS && self.vector_size == 4);
        for s in slots {
            let r = XMM + self.vector.len() as HostReg;
            self.covers[*s as usize..][..16].fill((r, NO_HOST));
            self.covers[*s as usize].1 = r;
            self.scratch &= !(1 << r);
            self.vector.push(*s);
        }
    }

    /// The registers that [`Convention::pin_for_block`] took.
    pub fn block_pins(&self) -> impl Iterator<Item = (Reg, Slot)> {
        (VECTOR_PINS as Reg..).zip(self.vector.iter().skip(VECTOR_PINS).copied())
    }

    /// Undoes [`Convention::pin_for_block`].
    pub fn unpin_for_block(&mut self) {
        for s in self.vector.drain(self.vector.len().min(VECTOR_PINS)..) {
            self.covers[s as usize..][..16].fill((NO_HOST, NO_HOST));
        }
        self.scratch = VALUES;
    }

    /// Every pin with its guest register.
    pub fn pins(&self) -> impl Iterator<Item = (HostReg, Slot)> {
        let int = INT_PINS.into_iter().zip(self.int.iter().copied());
        int.chain((XMM..).zip(self.vector.iter().copied()))
    }

    /// Log2 of the size of pin `r`.
    #[inline(always)]
    pub fn size_of(&self, r: HostReg) -> u8 {
        if r >= XMM {
            self.vector_size
        } else {
            self.int_size
        }
    }
}

/// Position in [`INT_PINS`] of each general register.
const PIN_INDEX: [u8; 16] = {
    let mut table = [0xff; 16];
    let mut i = 0;
    while i < INT_PINS.len() {
        table[INT_PINS[i] as usize] = i as u8;
        i += 1;
    }
    table
};
