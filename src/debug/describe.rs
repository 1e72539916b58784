//! The machine as debuggers know it, from the ISA's register table.

use crate::abi::Endian;
use crate::isa::{Isa, RegClass, RegRole, Register, RegisterTable};
use emu_stub::{FlagField, RegisterInfo, RegisterRole, RegisterType, TargetDescription};

/// NZCV in Arm's CPSR and PSTATE.
const NZCV: &[FlagField] = &[
    FlagField {
        name: "V",
        first_bit: 28,
        last_bit: 28,
    },
    FlagField {
        name: "C",
        first_bit: 29,
        last_bit: 29,
    },
    FlagField {
        name: "Z",
        first_bit: 30,
        last_bit: 30,
    },
    FlagField {
        name: "N",
        first_bit: 31,
        last_bit: 31,
    },
];

/// Describes the machine; `table` is the ISA's table for the mode that the guest runs in.
pub fn describe(isa: &dyn Isa, table: &'static RegisterTable, os: &str) -> TargetDescription {
    let abi = isa.abi();
    let (osabi, system) = match os {
        "freebsd" => ("FreeBSD", "freebsd"),
        _ => ("GNU/Linux", "linux-gnu"),
    };
    TargetDescription {
        gdb_arch: table.gdb_arch.into(),
        gdb_osabi: osabi.into(),
        // With the host's vendor: lldb leaves its platform "qemu-user" when it connects to a process whose vendor differs, and
        // then cannot run the program again.
        triple: format!("{}-pc-{system}", isa.name()),
        endian: match abi.endian {
            Endian::Little => emu_stub::Endian::Little,
            Endian::Big => emu_stub::Endian::Big,
        },
        pointer_size: abi.word,
        page_size: crate::mem::PAGE_SIZE as u32,
        elf_abi: if isa.name().starts_with("mips") {
            "o32".into()
        } else {
            String::new()
        },
        breakpoint_size: 4,
        registers: visible(table).map(register_info).collect(),
    }
}

/// The registers that debuggers are told of, in the order of their numbers.
pub fn visible(table: &'static RegisterTable) -> impl Iterator<Item = &'static Register> {
    table.registers.iter().filter(|r| !r.feature.is_empty())
}

fn register_info(r: &Register) -> RegisterInfo {
    RegisterInfo {
        name: r.name,
        alt_name: r.alt_name,
        bits: r.bits,
        feature: r.feature,
        kind: match (r.gdb_type, r.class) {
            ("code_ptr", _) => RegisterType::CodePtr,
            ("data_ptr", _) => RegisterType::DataPtr,
            (_, RegClass::Float) => RegisterType::Float,
            (_, RegClass::Vector) => RegisterType::Vector,
            (_, RegClass::Flags) => RegisterType::Flags(NZCV),
            (_, RegClass::Pc) => RegisterType::CodePtr,
            _ => RegisterType::Int,
        },
        role: r.role.map(|role| match role {
            RegRole::Pc => RegisterRole::Pc,
            RegRole::Sp => RegisterRole::Sp,
            RegRole::Fp => RegisterRole::Fp,
            RegRole::Ra => RegisterRole::Ra,
            RegRole::Flags => RegisterRole::Flags,
            RegRole::Arg(n) => RegisterRole::Arg(n),
            RegRole::Tp => RegisterRole::Tp,
        }),
        dwarf: r.dwarf,
        eh_frame: r.dwarf,
        group: match r.class {
            RegClass::Float => "float",
            RegClass::Vector => "vector",
            RegClass::Control => "system",
            _ => "general",
        },
    }
}
