//! From a host fault in generated code to the guest instruction that made it.
//!
//! Pinned registers are in host registers and everything else is in the state wherever generated code can fault, so that only
//! the PC, the flags and the direction of the access have to be looked up: each block carries a delta-coded side table. All of
//! it is read in a signal handler: no locks, no allocation; the tables lie in the code buffer, which is never unmapped.

use super::emit::packed_flags;
use super::regs::{STATE_BIAS, frame};
use super::x64::gpr::{R14, R15, RSP};
use crate::abi::Signal;
use crate::host::signal::HostContext;
use crate::ir::CpuState;

/// The side table of one block while it is being written: entries of two LEB128 numbers.
#[derive(Default)]
pub struct SideTable {
    bytes: Vec<u8>,
    start_pc: u64,
    offset: u32,
    pc: u64,
    leave_by: u32,
}

/// What one entry says of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Guest address of the instruction.
    pub pc: u64,
    /// How EFLAGS holds the guest's flags: a `Form` as a number.
    pub form: u8,
    /// Whether it stores.
    pub store: bool,
    /// Whether R14 is borrowed, with its guest value in the frame.
    pub r14_saved: bool,
}

impl SideTable {
    pub(super) fn start(&mut self, pc: u64) {
        self.bytes.clear();
        self.offset = 0;
        self.pc = pc;
        self.start_pc = pc;
        self.leave_by = 0;
    }

    /// Says that after a fault the code at `offset` of the block brings more registers to the state, before it leaves.
    pub(super) fn leave_by(&mut self, offset: u32) {
        self.leave_by = offset;
    }

    /// What [`SideTable::leave_by`] was told, or 0.
    pub fn left_by(&self) -> u32 {
        self.leave_by
    }

    /// Guest address of the block.
    pub(super) fn start_pc(&self) -> u64 {
        self.start_pc
    }

    /// Adds the access whose instruction ends at `end`. Entries come in the order of the code.
    pub(super) fn add(&mut self, end: u32, access: Access) {
        let distance = end - self.offset;
        let delta = access.pc.wrapping_sub(self.pc) as i64;
        let zigzag = (delta << 1 ^ delta >> 63) as u64;
        let flags = access.form | u8::from(access.store) << 2 | u8::from(access.r14_saved) << 3;
        if distance < 0x80 && zigzag < 1 << 10 {
            // The usual lengths, both at once.
            let x = (zigzag as u16) << 4 | u16::from(flags);
            self.bytes
                .extend_from_slice(&[distance as u8, x as u8 | 0x80, (x >> 7) as u8]);
        } else {
            self.number(distance.into());
            self.number(u128::from(zigzag) << 4 | u128::from(flags));
        }
        self.offset = end;
        self.pc = access.pc;
    }

    fn number(&mut self, mut x: u128) {
        while x >= 0x80 {
            self.bytes.push(x as u8 | 0x80);
            x >>= 7;
        }
        self.bytes.push(x as u8);
    }

    /// The coded table.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads one number; `None` at the end of the table.
fn number(table: &mut &[u8]) -> Option<u128> {
    let mut x = 0;
    for shift in (0..).step_by(7).take(12) {
        let (first, rest) = table.split_first()?;
        *table = rest;
        x |= u128::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(x);
        }
    }
    None
}

/// The access that contains host offset `at` of a block that starts at guest address `pc`.
pub fn find(mut table: &[u8], pc: u64, at: u32) -> Option<Access> {
    let (mut end, mut pc) = (0u32, pc);
    loop {
        end = end.checked_add(number(&mut table)? as u32)?;
        let x = number(&mut table)?;
        let zigzag = (x >> 4) as u64;
        pc = pc.wrapping_add((zigzag >> 1) ^ (zigzag & 1).wrapping_neg());
        if at < end {
            return Some(Access {
                pc,
                form: x as u8 & 3,
                store: x & 4 != 0,
                r14_saved: x & 8 != 0,
            });
        }
    }
}

/// `si_code` of a general protection fault: the kernel does not know the address (`asm-generic/siginfo.h`).
const SI_KERNEL: i32 = 0x80;
/// Nothing is mapped at the address.
const SEGV_MAPERR: i32 = 1;

/// Indices into [`CpuState::engine`] where a fault waits for the engine.
pub(super) mod saved {
    /// First guest address that could not be accessed.
    pub const ADDR: usize = 0;
    /// `si_code`, bus << 32, write << 33.
    pub const KIND: usize = 1;
}

/// Brings the guest's state to the start of the instruction of `access` and lets the context go on at `exit`, a stub that
/// stores the pinned registers. `code` is the host code from the faulting instruction on.
///
/// # Safety
/// The context is that of generated code at an access: R15 points into the thread's state, which nobody else uses, and RSP to
/// the frame.
pub(super) unsafe fn leave(context: &mut HostContext<'_>, access: Access, code: &[u8], exit: u64) {
    let gpr: [u64; 16] = std::array::from_fn(|r| context.reg(r));
    let bus = context.signal == Signal::SIGBUS;
    let cpu = gpr[R15 as usize].wrapping_sub(STATE_BIAS as u64) as *mut CpuState;
    // SAFETY: the caller vouches for R15.
    let cpu = unsafe { &mut *cpu };
    let (addr, code) = if context.code == SI_KERNEL && !bus {
        // The guest may not tell a hole from an address beyond its space.
        (operand_address(code, &gpr).unwrap_or(0), SEGV_MAPERR)
    } else {
        (context.addr.wrapping_sub(cpu.guest_base), context.code)
    };
    if access.r14_saved {
        let at = gpr[RSP as usize].wrapping_add(frame::R14_SAVE_OFFSET as u64);
        // SAFETY: the caller vouches for RSP.
        context.set_reg(R14 as usize, unsafe { *(at as *const u64) });
    }
    if let Some(flags) = packed_flags(access.form, context.flags()) {
        cpu.flags = flags;
    }
    cpu.pc = access.pc;
    cpu.exit_arg = addr;
    cpu.engine[saved::ADDR] = addr;
    cpu.engine[saved::KIND] =
        u64::from(code as u32) | u64::from(bus) << 32 | u64::from(access.store) << 33;
    context.set_pc(exit);
}

/// The address, relative to `gs`, of the memory operand of the instruction at the start of `code`. Understands what the JIT
/// emits for guest accesses: legacy and VEX encodings with ModRM.
pub fn operand_address(code: &[u8], gpr: &[u64; 16]) -> Option<u64> {
    let mut at = 0;
    let mut next = || {
        let b = code.get(at).copied();
        at += 1;
        b
    };
    let (mut addr32, mut rex) = (false, 0u8);
    let mut b = next()?;
    while matches!(b, 0x65 | 0x67 | 0x66 | 0xf0 | 0xf2 | 0xf3) {
        addr32 |= b == 0x67;
        b = next()?;
    }
    match b {
        0xc5 => {
            next()?;
            next()?;
        }
        0xc4 => {
            // Inverted R, X, B in the top bits.
            rex = !next()? >> 5;
            next()?;
            next()?;
        }
        _ => {
            if b & 0xf0 == 0x40 {
                rex = b & 15;
                b = next()?;
            }
            if b == 0x0f && matches!(next()?, 0x38 | 0x3a) {
                next()?;
            }
        }
    }
    let modrm = next()?;
    let mut base = Some(modrm & 7 | (rex & 1) << 3);
    let mut address = 0u64;
    if modrm >> 6 == 3 {
        return None;
    }
    if modrm & 7 == 4 {
        let sib = next()?;
        let index = sib >> 3 & 7 | (rex & 2) << 2;
        if index != 4 {
            address = gpr[index as usize] << (sib >> 6);
        }
        base = Some(sib & 7 | (rex & 1) << 3);
        if sib & 7 == 5 && modrm >> 6 == 0 {
            base = None;
        }
    }
    let bytes = match modrm >> 6 {
        1 => 1,
        2 => 4,
        _ if base.is_none() => 4,
        _ => 0,
    };
    let mut disp = 0u32;
    for i in 0..bytes {
        disp |= u32::from(next()?) << (8 * i);
    }
    let disp = if bytes == 1 {
        i64::from(disp as i8)
    } else {
        i64::from(disp as i32)
    };
    if let Some(base) = base {
        address = address.wrapping_add(gpr[base as usize]);
    }
    address = address.wrapping_add(disp as u64);
    Some(if addr32 {
        address & 0xffff_ffff
    } else {
        address
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::x64::{Asm, Mem};

    #[test]
    fn side_table_round_trip() {
        let mut t = SideTable::default();
        t.start(0x40_0000);
        let access = |pc, form, store, r14_saved| Access {
            pc,
            form,
            store,
            r14_saved,
        };
        let list = [
            (9, access(0x40_0004, 0, false, false)),
            (300, access(0x3f_fff0, 3, true, false)),
            (301, access(0xffff_ffff_ffff_fff0, 1, true, true)),
            (20_000, access(4, 2, false, false)),
        ];
        for (end, a) in list {
            t.add(end, a);
        }
        let mut start = 0;
        for (end, a) in list {
            for at in [start, end - 1] {
                assert_eq!(find(t.bytes(), 0x40_0000, at), Some(a));
            }
            start = end;
        }
        assert_eq!(find(t.bytes(), 0x40_0000, 20_000), None);
        assert_eq!(find(&[0x80, 0x80], 0, 0), None);
    }

    #[test]
    fn operand_addresses_of_emitted_forms() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut asm = Asm::default();
        for _ in 0..20_000 {
            let gpr: [u64; 16] = std::array::from_fn(|_| rng.u64(..));
            let (base, index) = (rng.u8(..16), rng.u8(..16));
            let m = Mem {
                gs: true,
                addr32: rng.bool(),
                disp: if rng.bool() {
                    rng.i32(-128..128)
                } else {
                    rng.i32(..)
                },
                base: if rng.u8(..8) == 0 {
                    crate::jit::x64::NO_REG
                } else {
                    base
                },
                ..Mem::indexed(
                    base,
                    if index == 4 {
                        crate::jit::x64::NO_REG
                    } else {
                        index
                    },
                    rng.u8(..4),
                    0,
                )
            };
            let at = |r: u8| {
                if r == crate::jit::x64::NO_REG {
                    0
                } else {
                    gpr[r as usize]
                }
            };
            let mut want = at(m.base)
                .wrapping_add(
                    at(m.index)
                        << if m.index == crate::jit::x64::NO_REG {
                            0
                        } else {
                            m.scale
                        },
                )
                .wrapping_add(m.disp as i64 as u64);
            if m.addr32 {
                want &= 0xffff_ffff;
            }
            asm.start(0);
            match rng.u8(..8) {
                0 => asm.mov(true, 9, m),
                1 => asm.load(true, 1, true, 3, m),
                2 => asm.movbe_store(2, m, 1),
                3 => asm.vload(14, m),
                4 => asm.vstore(0, m, 3),
                5 => asm.lock_cmpxchg(1, m, 2),
                6 => asm.store(0, m, 6),
                _ => asm.lock_cmpxchg16b(m),
            }
            assert_eq!(
                operand_address(asm.code(), &gpr),
                Some(want),
                "{m:?} {:x?}",
                asm.code()
            );
        }
    }
}
