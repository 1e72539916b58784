//! The state that IR blocks read and write: one [`CpuState`] for each guest thread.

use std::sync::atomic::AtomicU32;

/// A guest register as the IR names it: byte offset into [`CpuState::regs`], given by the ISA's register table.
pub type Slot = u16;

/// Bytes for guest registers in a [`CpuState`].
pub const REGS_SIZE: usize = 2048;

/// Entries of the jump cache: a power of two. Index: `(pc >> 2) & (JUMP_CACHE_ENTRIES - 1)`.
pub const JUMP_CACHE_ENTRIES: usize = 4096;

/// One entry of a thread's jump cache: where the translation of `pc` begins in host memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct JumpEntry {
    /// Guest address; `u64::MAX` when the entry is empty.
    pub pc: u64,
    /// Host address of the translated block.
    pub host: u64,
}

/// Bits of [`CpuState::fp_flags`]: IEEE 754 exceptions that have been raised.
pub mod fp_flag {
    /// Invalid operation.
    pub const INVALID: u32 = 1;
    /// Division of a finite number by zero.
    pub const DIV_BY_ZERO: u32 = 2;
    /// Overflow.
    pub const OVERFLOW: u32 = 4;
    /// Underflow.
    pub const UNDERFLOW: u32 = 8;
    /// Inexact result.
    pub const INEXACT: u32 = 16;
    /// A denormal operand was taken as zero (only with [`super::super::FpRules::flush_to_zero`]).
    pub const INPUT_DENORMAL: u32 = 32;
}

/// Bits of [`CpuState::pending`]: reasons to leave generated code at the next poll.
pub mod pending {
    /// A guest signal waits for this thread.
    pub const SIGNAL: u32 = 1;
    /// All threads are asked to stop (debugger, exclusive section, exit of the group).
    pub const STOP: u32 = 2;
    /// Blocks were invalidated: the jump cache must be emptied before going on.
    pub const FLUSH: u32 = 4;
}

/// Why a block left with an exception of the guest's CPU; the process layer turns it into a signal or a debugger stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Trap {
    /// An encoding that the ISA does not define or that `emu` does not implement.
    IllegalInstruction = 1,
    /// A breakpoint instruction of the guest (`brk`, `break`); the code says which.
    Breakpoint,
    /// A breakpoint that the debugger set at this PC.
    DebugBreakpoint,
    /// Integer overflow trap (MIPS `add`, `addi`, `sub`).
    IntegerOverflow,
    /// Integer division by zero trap (MIPS `teq` with code 7, `break 7`).
    IntegerDivideByZero,
    /// A conditional trap instruction (MIPS `teq` ...); the code says which.
    TrapInstruction,
    /// Instruction fetch from a page without execute permission, or unmapped.
    FetchFault,
    /// Misaligned access where the ISA demands alignment; the address is in [`CpuState::exit_arg`].
    Alignment,
    /// An enabled floating-point exception.
    FloatingPoint,
}

impl Trap {
    /// The trap with that number, as stored in an op.
    pub fn from_u16(n: u16) -> Option<Trap> {
        use Trap::*;
        [
            IllegalInstruction,
            Breakpoint,
            DebugBreakpoint,
            IntegerOverflow,
            IntegerDivideByZero,
            TrapInstruction,
            FetchFault,
            Alignment,
            FloatingPoint,
        ]
        .into_iter()
        .find(|t| *t as u16 == n)
    }
}

/// A function that an ISA front end calls for semantics that no op states.
#[derive(Clone, Copy, Debug)]
pub enum HelperFn {
    /// Integer arguments and result; unused arguments are 0. The last argument is the op's immediate.
    Int(extern "sysv64" fn(&mut CpuState, u64, u64, u64, u64) -> u64),
    /// Vector arguments are in [`CpuState::vargs`]`[0..3]`, the result goes to `vargs[0]`. The integer is the op's immediate.
    Vec(extern "sysv64" fn(&mut CpuState, u64)),
}

/// One row of an ISA's table of helper functions. Helpers never touch guest memory and never block.
#[derive(Clone, Copy, Debug)]
pub struct Helper {
    /// Name for dumps.
    pub name: &'static str,
    /// What to call.
    pub func: HelperFn,
    /// Whether it reads or writes [`CpuState::regs`], [`CpuState::flags`], or FP flags: the engine then writes cached guest
    /// registers back before the call and forgets them after it.
    pub touches_state: bool,
}

/// The state of one guest CPU. Generated code addresses it through one host register, so the layout is `repr(C)`.
#[repr(C, align(64))]
pub struct CpuState {
    /// Guest registers, at the offsets of the ISA's register table, in host byte order.
    pub regs: [u8; REGS_SIZE],
    /// Guest program counter. Exact whenever control is outside generated code.
    pub pc: u64,
    /// Non-zero when generated code must leave at its next poll; bits of [`pending`]. Set by other threads and by signal handlers.
    pub pending: AtomicU32,
    /// Flags N, Z, C, V in the engines' packed form: bit 15 N, bit 14 Z, bit 8 *inverted* C, bit 0 V (what `lahf; seto al`
    /// leaves in `ax` after an x86 `cmp`); the other bits are unspecified. See [`CpuState::nzcv`].
    pub flags: u16,
    /// Rounding mode as [`super::FpRound`] (0 nearest even, 1 towards +inf, 2 towards -inf, 3 towards zero).
    pub fp_round: u8,
    /// Padding.
    pub _pad0: u8,
    /// Accumulated IEEE exceptions: bits of [`fp_flag`].
    pub fp_flags: u32,
    /// ISA mode bits that are part of the block key (FR mode, flush-to-zero ...). Kept up to date by the front end's helpers.
    pub mode: u32,
    /// Why generated code left; defined by the engine.
    pub exit: u64,
    /// Argument of the exit: faulting address, trap code.
    pub exit_arg: u64,
    /// Host address of guest address 0; also in host `gs`.
    pub guest_base: u64,
    /// Address that the exclusive monitor (LL/SC) watches; `u64::MAX` when it is open.
    pub excl_addr: u64,
    /// Host address of this thread's jump cache: [`JUMP_CACHE_ENTRIES`] entries.
    pub jump_cache: *mut JumpEntry,
    /// Scratch for the engine (saved host stack pointer and the like).
    pub engine: [u64; 8],
    /// The value that a load-exclusive saw, compared again by store-exclusive.
    pub excl_val: u128,
    /// Arguments and result of vector helpers.
    pub vargs: [u128; 4],
    /// A breakpoint at this address is passed when the engine next begins to run there: its condition does not hold.
    pub pass_breakpoint: Option<u64>,
    /// The instruction at this address may make watched accesses when it is next executed: they have been reported.
    pub pass_watchpoint: Option<u64>,
}

/// Position of flag bits in [`CpuState::flags`].
const N: u16 = 1 << 15;
const Z: u16 = 1 << 14;
const NOT_C: u16 = 1 << 8;
const V: u16 = 1;

impl CpuState {
    /// A state with every guest register zero and the monitor open.
    pub fn new() -> Box<CpuState> {
        Box::new(CpuState {
            regs: [0; REGS_SIZE],
            pc: 0,
            pending: AtomicU32::new(0),
            flags: NOT_C,
            fp_round: 0,
            _pad0: 0,
            fp_flags: 0,
            mode: 0,
            exit: 0,
            exit_arg: 0,
            guest_base: 0,
            excl_addr: u64::MAX,
            jump_cache: std::ptr::null_mut(),
            engine: [0; 8],
            excl_val: 0,
            vargs: [0; 4],
            pass_breakpoint: None,
            pass_watchpoint: None,
        })
    }

    /// The flags as Arm's NZCV in bits 31:28, other bits zero.
    pub fn nzcv(&self) -> u32 {
        let f = self.flags;
        (u32::from(f & N != 0) << 31)
            | (u32::from(f & Z != 0) << 30)
            | (u32::from(f & NOT_C == 0) << 29)
            | (u32::from(f & V != 0) << 28)
    }

    /// Sets the flags from NZCV in bits 31:28.
    pub fn set_nzcv(&mut self, nzcv: u32) {
        let bit = |n: u32, mask: u16| if nzcv >> n & 1 != 0 { mask } else { 0 };
        self.flags = bit(31, N) | bit(30, Z) | (bit(29, NOT_C) ^ NOT_C) | bit(28, V);
    }

    /// Reads a register of `size` bytes (1 to 16) as an integer.
    #[inline]
    pub fn read(&self, slot: Slot, size: usize) -> u128 {
        // The sizes that engines use, as plain loads.
        match size {
            4 => return u32::from_le_bytes(self.bytes(slot)).into(),
            8 => return u64::from_le_bytes(self.bytes(slot)).into(),
            _ => {}
        }
        let mut bytes = [0; 16];
        bytes[..size].copy_from_slice(&self.regs[slot as usize..slot as usize + size]);
        u128::from_le_bytes(bytes)
    }

    /// Writes the low `size` bytes (1 to 16) of `value` to a register.
    #[inline]
    pub fn write(&mut self, slot: Slot, size: usize, value: u128) {
        let slot = slot as usize;
        match size {
            4 => return self.regs[slot..slot + 4].copy_from_slice(&(value as u32).to_le_bytes()),
            8 => return self.regs[slot..slot + 8].copy_from_slice(&(value as u64).to_le_bytes()),
            _ => {}
        }
        self.regs[slot..slot + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    #[inline]
    fn bytes<const N: usize>(&self, slot: Slot) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.regs[slot as usize..slot as usize + N]);
        bytes
    }

    /// Reads a 32-bit register.
    pub fn read32(&self, slot: Slot) -> u32 {
        self.read(slot, 4) as u32
    }

    /// Reads a 64-bit register.
    pub fn read64(&self, slot: Slot) -> u64 {
        self.read(slot, 8) as u64
    }

    /// Writes a 32-bit register.
    pub fn write32(&mut self, slot: Slot, value: u32) {
        self.write(slot, 4, value.into());
    }

    /// Writes a 64-bit register.
    pub fn write64(&mut self, slot: Slot, value: u64) {
        self.write(slot, 8, value.into());
    }
}
