//! The register table that an inferior hands to its front ends: what `g`, `p`, target.xml, lldb's register info and the
//! prompt are made of.

use crate::proxy::{Fields, Text, interned, interned_fields};
use serde::{Deserialize, Serialize};

/// A role that debuggers know by name (lldb's "generic" registers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterRole {
    /// Program counter.
    Pc,
    /// Stack pointer.
    Sp,
    /// Frame pointer.
    Fp,
    /// Return address (link register).
    Ra,
    /// Flags (program status).
    Flags,
    /// Integer argument, counted from 1.
    Arg(u8),
    /// Thread pointer.
    Tp,
}

/// One named bit field of a [`RegisterType::Flags`] register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagField {
    /// Name as the architecture manual has it.
    #[serde(deserialize_with = "interned")]
    pub name: Text,
    /// Lowest bit, 0 is the least significant one.
    pub first_bit: u8,
    /// Highest bit, inclusive.
    pub last_bit: u8,
}

/// What a register holds: decides how debuggers show it. The width is in [`RegisterInfo::bits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegisterType {
    /// Unsigned integer.
    Int,
    /// Address of code.
    CodePtr,
    /// Address of data.
    DataPtr,
    /// IEEE 754 number of the register's width: 32 bits single, 64 bits double.
    Float,
    /// Vector of the register's width, shown as lanes of 8 to 128 bits, integer and floating point.
    Vector,
    /// Integer with named bits; bits without a field are not shown.
    Flags(#[serde(deserialize_with = "interned_fields")] Fields),
}

/// One register. Its index in [`crate::TargetDescription::registers`] is its number in all packets.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RegisterInfo {
    /// Name in the target description (gdb demands fixed names inside its standard features).
    #[serde(deserialize_with = "interned")]
    pub name: Text,
    /// A second name, such as the ABI's (`a0` for `r4`); "" for none.
    #[serde(deserialize_with = "interned")]
    pub alt_name: Text,
    /// Width in bits: a multiple of 8, at most [`MAX_REGISTER_BITS`].
    pub bits: u16,
    /// gdb feature that it belongs to (`org.gnu.gdb.aarch64.core`). Features stand in target.xml in the order of their first
    /// register.
    #[serde(deserialize_with = "interned")]
    pub feature: Text,
    /// What it holds.
    pub kind: RegisterType,
    /// Role, if it has one.
    pub role: Option<RegisterRole>,
    /// DWARF register number of `.debug_frame` and of locations.
    pub dwarf: Option<u16>,
    /// Register number in `.eh_frame`; equals [`RegisterInfo::dwarf`] on all but a few ABIs.
    pub eh_frame: Option<u16>,
    /// gdb's register group (`general`, `float`, `vector`, `system`); "" leaves the choice to gdb.
    #[serde(deserialize_with = "interned")]
    pub group: Text,
}

/// Widest register that the stub carries.
pub const MAX_REGISTER_BITS: u16 = 2048;

impl RegisterInfo {
    /// Size in bytes.
    pub const fn size(&self) -> usize {
        self.bits as usize / 8
    }
}
