//! The register table: the one source for CPU state, target descriptions, core notes, signal frames, prompt and traces.

use crate::ir::{CpuState, Slot};

/// What a register holds, which decides how it is shown and how the JIT keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegClass {
    /// Integer or address.
    Int,
    /// The program counter: lives in [`CpuState::pc`].
    Pc,
    /// Flags: the row's slot is unused, the value is made from [`CpuState::nzcv`] (Arm's CPSR/PSTATE).
    Flags,
    /// IEEE 754 floating point.
    Float,
    /// Vector of 128 bits.
    Vector,
    /// Control or status register.
    Control,
}

/// A role that debuggers know by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegRole {
    /// Program counter.
    Pc,
    /// Stack pointer.
    Sp,
    /// Frame pointer.
    Fp,
    /// Return address.
    Ra,
    /// Flags.
    Flags,
    /// Argument 1 to 8.
    Arg(u8),
    /// Thread pointer.
    Tp,
}

/// One register.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// The name that gdb's target description uses.
    pub name: &'static str,
    /// A second name (ABI name), or "".
    pub alt_name: &'static str,
    /// Width in bits as debuggers see it: a multiple of 8.
    pub bits: u16,
    /// Where it is in [`CpuState::regs`].
    pub slot: Slot,
    /// What it holds.
    pub class: RegClass,
    /// Debugger role.
    pub role: Option<RegRole>,
    /// gdb feature that it belongs to (`org.gnu.gdb.aarch64.core`); "" for a register that gdb is not told of.
    pub feature: &'static str,
    /// gdb's type (`int`, `data_ptr`, `code_ptr`, `ieee_double`, `aarch64v` ...).
    pub gdb_type: &'static str,
    /// DWARF number, if it has one.
    pub dwarf: Option<u16>,
    /// Index of the register in the kernel's general register set (`elf_gregset_t`), in words; `None` outside of it.
    pub gregset: Option<u16>,
}

impl Register {
    /// Size in bytes.
    pub const fn size(&self) -> usize {
        self.bits as usize / 8
    }

    /// Its value. Call [`super::Isa::sync_registers`] before, if `cpu` has run since.
    pub fn read(&self, cpu: &CpuState) -> u128 {
        match self.class {
            RegClass::Pc => cpu.pc.into(),
            RegClass::Flags => cpu.nzcv().into(),
            _ => cpu.read(self.slot, self.size()),
        }
    }

    /// Sets it. Call [`super::Isa::sync_derived`] after the last change.
    pub fn write(&self, cpu: &mut CpuState, value: u128) {
        match self.class {
            RegClass::Pc => cpu.pc = value as u64,
            RegClass::Flags => cpu.set_nzcv(value as u32),
            _ => cpu.write(self.slot, self.size(), value),
        }
    }
}

/// Guest registers that the JIT keeps in host registers across blocks, hottest first. The JIT takes as many as it has.
#[derive(Clone, Copy, Debug)]
pub struct Pins {
    /// Slots of integer registers.
    pub int: &'static [Slot],
    /// Width of those in bytes: 4 or 8.
    pub int_size: u8,
    /// Slots of vector or floating-point registers.
    pub vector: &'static [Slot],
    /// Width of those in bytes: 8 or 16.
    pub vector_size: u8,
    /// Slots, the last excluded, of integer registers of 8 bytes that calls do not preserve. Two neighbours that are stored together were probably
    /// loaded together; a function's first instructions save the others, which were probably written one by one.
    pub temporaries: (Slot, Slot),
}

/// The registers of an ISA in gdb's order (the position is gdb's register number).
#[derive(Clone, Copy, Debug)]
pub struct RegisterTable {
    /// gdb's architecture name (`aarch64`, `mips:isa32r2`).
    pub gdb_arch: &'static str,
    /// The registers.
    pub registers: &'static [Register],
    /// What the JIT keeps in host registers.
    pub pins: Pins,
}

impl RegisterTable {
    /// The register of that name or alternative name.
    pub fn by_name(&self, name: &str) -> Option<&'static Register> {
        self.registers
            .iter()
            .find(|r| r.name == name || (!r.alt_name.is_empty() && r.alt_name == name))
    }

    /// The register in that role.
    pub fn by_role(&self, role: RegRole) -> Option<&'static Register> {
        self.registers.iter().find(|r| r.role == Some(role))
    }
}
