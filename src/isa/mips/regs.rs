//! The registers of MIPS32 with FPU, in gdb's order.
//!
//! An FP register is a 64-bit slot in both modes. With Status.FR = 1 these are the 32 registers. With FR = 0 (the o32 default)
//! an even register's slot holds the 64-bit pair, and an odd single is the upper half of the even slot below it: what the
//! kernel's `fpregs` array has in core files, too. Debuggers are shown just that ([`TABLE_FR0`]): 64-bit even registers, as
//! GCC's DWARF has a double in one register of 8 bytes, and 32-bit odd ones, which gdb reads as the upper half of a double that a
//! function returns.

use crate::ir::Slot;
use crate::isa::{Pins, RegClass, RegRole, Register, RegisterTable};

/// General register `n`. The slot of register 0 is never read.
pub const fn gpr(n: u32) -> Slot {
    4 * n as Slot
}

/// The numbers of the general registers that o32 gives a part in calls (MIPS processor supplement to the System V ABI, chapter 3).
pub mod o32 {
    /// First result, and number of a system call.
    pub const V0: u32 = 2;
    /// Second result.
    pub const V1: u32 = 3;
    /// First argument.
    pub const A0: u32 = 4;
    /// Second argument.
    pub const A1: u32 = 5;
    /// Third argument.
    pub const A2: u32 = 6;
    /// Fourth argument; after a system call, whether it failed.
    pub const A3: u32 = 7;
    /// Address of the function that is called, for position-independent code.
    pub const T9: u32 = 25;
    /// Stack pointer.
    pub const SP: u32 = 29;
    /// Return address.
    pub const RA: u32 = 31;
}

/// Multiply and divide unit.
pub const LO: Slot = 128;
/// Multiply and divide unit.
pub const HI: Slot = 132;
/// CP0 Status, as debuggers see it.
pub const STATUS: Slot = 136;
/// CP0 BadVAddr of the last exception.
pub const BADVADDR: Slot = 140;
/// CP0 Cause of the last exception.
pub const CAUSE: Slot = 144;
/// UserLocal, the thread pointer that `rdhwr $29` reads.
pub const ULR: Slot = 148;
/// FP control and status. Its condition codes, flags and rounding mode are stale while the CPU runs: see `fcsr.rs`.
pub const FCSR: Slot = 152;
/// FP implementation.
pub const FIR: Slot = 156;
/// gdb's and the kernel's mark of an interrupted system call; not a register of the CPU.
pub const RESTART: Slot = 160;

/// FP condition code `n` (0 to 7): a word that is 0 or 1.
pub const fn fcc(n: u32) -> Slot {
    192 + 4 * n as Slot
}

/// The 64-bit slot of FP register `n`.
pub const fn fpr(n: u32) -> Slot {
    256 + 8 * n as Slot
}

const CPU: &str = "org.gnu.gdb.mips.cpu";
const CP0: &str = "org.gnu.gdb.mips.cp0";
const FPU: &str = "org.gnu.gdb.mips.fpu";
const LINUX: &str = "org.gnu.gdb.mips.linux";

/// Number of registers in the table.
const COUNT: usize = 74;
/// gdb's number of `f0`.
const F0: usize = 38;

const NAMES: [[&str; 2]; 32] = [
    ["r0", "zero"],
    ["r1", "at"],
    ["r2", "v0"],
    ["r3", "v1"],
    ["r4", "a0"],
    ["r5", "a1"],
    ["r6", "a2"],
    ["r7", "a3"],
    ["r8", "t0"],
    ["r9", "t1"],
    ["r10", "t2"],
    ["r11", "t3"],
    ["r12", "t4"],
    ["r13", "t5"],
    ["r14", "t6"],
    ["r15", "t7"],
    ["r16", "s0"],
    ["r17", "s1"],
    ["r18", "s2"],
    ["r19", "s3"],
    ["r20", "s4"],
    ["r21", "s5"],
    ["r22", "s6"],
    ["r23", "s7"],
    ["r24", "t8"],
    ["r25", "t9"],
    ["r26", "k0"],
    ["r27", "k1"],
    ["r28", "gp"],
    ["r29", "sp"],
    ["r30", "s8"],
    ["r31", "ra"],
];

const FP_NAMES: [&str; 32] = [
    "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "f13", "f14",
    "f15", "f16", "f17", "f18", "f19", "f20", "f21", "f22", "f23", "f24", "f25", "f26", "f27",
    "f28", "f29", "f30", "f31",
];

/// A 32-bit register without a role. DWARF and gregset numbers below 0 mean that it has none.
const fn word(
    name: &'static str,
    slot: Slot,
    class: RegClass,
    feature: &'static str,
    dwarf: i16,
    gregset: i16,
) -> Register {
    Register {
        name,
        alt_name: "",
        bits: 32,
        slot,
        class,
        role: None,
        feature,
        gdb_type: "int",
        dwarf: if dwarf < 0 { None } else { Some(dwarf as u16) },
        gregset: if gregset < 0 {
            None
        } else {
            Some(gregset as u16)
        },
    }
}

// DWARF numbers: MIPS psABI and gdb's mips-tdep (0-31, 32-63 FP, 64 hi, 65 lo). Gregset: Linux asm/elf.h, EF_R0 = 6 ... EF_CP0_CAUSE = 43.
const fn build(fr: bool) -> [Register; COUNT] {
    let mut t = [word("", 0, RegClass::Int, "", -1, -1); COUNT];
    let mut n = 0;
    while n < 32 {
        t[n] = word(
            NAMES[n][0],
            gpr(n as u32),
            RegClass::Int,
            CPU,
            n as i16,
            6 + n as i16,
        );
        t[n].alt_name = NAMES[n][1];
        t[n].role = match n {
            4..=7 => Some(RegRole::Arg(n as u8 - 3)),
            29 => Some(RegRole::Sp),
            30 => Some(RegRole::Fp),
            31 => Some(RegRole::Ra),
            _ => None,
        };
        t[n].gdb_type = match n {
            29 => "data_ptr",
            31 => "code_ptr",
            _ => "int",
        };
        let (bits, slot, gdb_type) = if fr || n & 1 == 0 {
            (64, fpr(n as u32), "ieee_double")
        } else {
            (32, fpr(n as u32 - 1) + 4, "ieee_single")
        };
        t[F0 + n] = Register {
            bits,
            gdb_type,
            ..word(FP_NAMES[n], slot, RegClass::Float, FPU, 32 + n as i16, -1)
        };
        n += 1;
    }
    t[32] = word("status", STATUS, RegClass::Control, CP0, -1, 42);
    t[33] = word("lo", LO, RegClass::Int, CPU, 65, 38);
    t[34] = word("hi", HI, RegClass::Int, CPU, 64, 39);
    t[35] = word("badvaddr", BADVADDR, RegClass::Control, CP0, -1, 41);
    t[36] = word("cause", CAUSE, RegClass::Control, CP0, -1, 43);
    t[37] = Register {
        role: Some(RegRole::Pc),
        gdb_type: "code_ptr",
        ..word("pc", 0, RegClass::Pc, CPU, -1, 40)
    };
    t[70] = word("fcsr", FCSR, RegClass::Control, FPU, -1, -1);
    t[71] = word("fir", FIR, RegClass::Control, FPU, -1, -1);
    t[72] = word("restart", RESTART, RegClass::Control, LINUX, -1, -1);
    t[73] = Register {
        role: Some(RegRole::Tp),
        gdb_type: "data_ptr",
        ..word("ulr", ULR, RegClass::Control, "", -1, -1)
    };
    t
}

static REGISTERS_FR1: [Register; COUNT] = build(true);
static REGISTERS_FR0: [Register; COUNT] = build(false);

/// Hottest first: results, arguments, the stack pointer and link, the call register of position-independent code, temporaries.
const PINS: Pins = Pins {
    int: &[
        gpr(2),
        gpr(29),
        gpr(4),
        gpr(3),
        gpr(5),
        gpr(31),
        gpr(16),
        gpr(6),
        gpr(25),
        gpr(17),
        gpr(7),
        gpr(18),
        gpr(28),
    ],
    int_size: 4,
    vector: &[
        fpr(0),
        fpr(2),
        fpr(4),
        fpr(12),
        fpr(14),
        fpr(6),
        fpr(8),
        fpr(20),
        fpr(22),
        fpr(10),
        fpr(16),
        fpr(18),
    ],
    vector_size: 8,
    temporaries: (0, 0),
};

/// The registers with FR = 1: 32 FP registers of 64 bits.
pub static TABLE_FR1: RegisterTable = RegisterTable {
    gdb_arch: "mips:isa32r2",
    registers: &REGISTERS_FR1,
    pins: PINS,
};

/// The registers with FR = 0: even FP registers are 64-bit pairs, odd ones their upper halves.
pub static TABLE_FR0: RegisterTable = RegisterTable {
    gdb_arch: "mips:isa32r2",
    registers: &REGISTERS_FR0,
    pins: PINS,
};
