//! The registers of AArch64 and where they are in the CPU state.
//!
//! Sources: gdb's documentation "AArch64 Features" (names, order), "DWARF for the Arm 64-bit Architecture" (numbers), Linux
//! `struct user_pt_regs` (general register set: x0 to x30, sp, pc, pstate).

use crate::ir::Slot;
use crate::isa::{Pins, RegClass, RegRole, Register, RegisterTable};

/// Slot of general register `n`, 0 to 30.
pub const fn x(n: u32) -> Slot {
    assert!(n < 31);
    n as Slot * 8
}

/// Slot of the stack pointer.
pub const SP: Slot = 31 * 8;

/// Slot of vector register `n`, 0 to 31.
pub const fn v(n: u32) -> Slot {
    assert!(n < 32);
    256 + n as Slot * 16
}

/// 128 bits of which any one set means FPSR.QC: saturating instructions OR in where they saturated.
pub const QC: Slot = 768;
/// Floating-point control register, 32 bits. Write it with the derived state only (see `sysregs`).
pub const FPCR: Slot = 784;
/// Floating-point status register, 32 bits: current only after `sync_registers`.
pub const FPSR: Slot = 788;
/// The thread pointer TPIDR_EL0.
pub const TPIDR: Slot = 792;
/// TPIDRRO_EL0, which Linux leaves zero for native processes.
pub const TPIDRRO: Slot = 800;

const CORE: &str = "org.gnu.gdb.aarch64.core";
const FPU: &str = "org.gnu.gdb.aarch64.fpu";
const TLS: &str = "org.gnu.gdb.aarch64.tls";

const fn register(name: &'static str, bits: u16, slot: Slot, class: RegClass) -> Register {
    Register {
        name,
        alt_name: "",
        bits,
        slot,
        class,
        role: None,
        feature: CORE,
        gdb_type: "int",
        dwarf: None,
        gregset: None,
    }
}

const X_NAMES: [&str; 31] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "x30",
];

const V_NAMES: [&str; 32] = [
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
    "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
    "v28", "v29", "v30", "v31",
];

const COUNT: usize = 31 + 3 + 32 + 2 + 1;

/// In gdb's order: x0 to x30, sp, pc, cpsr, v0 to v31, fpsr, fpcr, tpidr.
static REGISTERS: [Register; COUNT] = {
    let mut table = [register("", 64, 0, RegClass::Int); COUNT];
    let mut n = 0;
    while n < 31 {
        table[n] = Register {
            alt_name: match n {
                29 => "fp",
                30 => "lr",
                _ => "",
            },
            role: match n {
                0..8 => Some(RegRole::Arg(n as u8 + 1)),
                29 => Some(RegRole::Fp),
                30 => Some(RegRole::Ra),
                _ => None,
            },
            gdb_type: match n {
                29 => "data_ptr",
                30 => "code_ptr",
                _ => "int",
            },
            dwarf: Some(n as u16),
            gregset: Some(n as u16),
            ..register(X_NAMES[n], 64, x(n as u32), RegClass::Int)
        };
        n += 1;
    }
    table[31] = Register {
        role: Some(RegRole::Sp),
        gdb_type: "data_ptr",
        dwarf: Some(31),
        gregset: Some(31),
        ..register("sp", 64, SP, RegClass::Int)
    };
    table[32] = Register {
        role: Some(RegRole::Pc),
        gdb_type: "code_ptr",
        dwarf: Some(32),
        gregset: Some(32),
        ..register("pc", 64, 0, RegClass::Pc)
    };
    table[33] = Register {
        role: Some(RegRole::Flags),
        gdb_type: "cpsr_flags",
        gregset: Some(33),
        ..register("cpsr", 32, 0, RegClass::Flags)
    };
    let mut n = 0;
    while n < 32 {
        table[34 + n] = Register {
            feature: FPU,
            gdb_type: "aarch64v",
            dwarf: Some(64 + n as u16),
            ..register(V_NAMES[n], 128, v(n as u32), RegClass::Vector)
        };
        n += 1;
    }
    table[66] = Register {
        feature: FPU,
        ..register("fpsr", 32, FPSR, RegClass::Control)
    };
    table[67] = Register {
        feature: FPU,
        ..register("fpcr", 32, FPCR, RegClass::Control)
    };
    table[68] = Register {
        role: Some(RegRole::Tp),
        feature: TLS,
        gdb_type: "data_ptr",
        dwarf: Some(36),
        ..register("tpidr", 64, TPIDR, RegClass::Control)
    };
    table
};

/// The register table.
pub static TABLE: RegisterTable = RegisterTable {
    gdb_arch: "aarch64",
    registers: &REGISTERS,
    pins: Pins {
        // By the number of uses in the text of glibc; x3 and x4 before, because of leaf loops.
        int: &[
            x(0),
            x(1),
            x(2),
            x(3),
            SP,
            x(19),
            x(30),
            x(20),
            x(4),
            x(21),
            x(29),
            x(22),
            x(5),
            x(8),
        ],
        int_size: 8,
        vector: &[
            v(0),
            v(1),
            v(2),
            v(3),
            v(4),
            v(5),
            v(6),
            v(7),
            v(16),
            v(17),
            v(18),
            v(19),
        ],
        vector_size: 16,
        temporaries: (x(5), x(18)),
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_do_not_overlap_and_vectors_are_aligned() {
        let mut used = vec![None; crate::ir::REGS_SIZE];
        for r in &REGISTERS {
            if matches!(r.class, RegClass::Pc | RegClass::Flags) {
                continue;
            }
            assert_eq!(usize::from(r.slot) % r.size(), 0, "{}", r.name);
            for byte in &mut used[usize::from(r.slot)..][..r.size()] {
                assert_eq!(byte.replace(r.name), None, "{}", r.name);
            }
        }
        for byte in &mut used[usize::from(QC)..][..16] {
            assert_eq!(byte.replace("qc"), None);
        }
        for byte in &mut used[usize::from(TPIDRRO)..][..8] {
            assert_eq!(byte.replace("tpidrro"), None);
        }
    }

    #[test]
    fn numbers_are_those_that_debuggers_expect() {
        let number = |name| REGISTERS.iter().position(|r| r.name == name).unwrap();
        assert_eq!((number("sp"), number("pc"), number("cpsr")), (31, 32, 33));
        assert_eq!(
            (number("v0"), number("fpsr"), number("tpidr")),
            (34, 66, 68)
        );
        assert_eq!(TABLE.by_name("lr").unwrap().name, "x30");
        assert_eq!(TABLE.by_name("v31").unwrap().dwarf, Some(95));
    }
}
