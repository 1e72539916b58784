//! Which guest a program is for.

use super::{Error, Header};
use goblin::elf::header::{ELFOSABI_FREEBSD, EM_AARCH64, EM_MIPS, machine_to_str};
use std::path::Path;

/// Operating system that a program was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OsKind {
    /// Linux.
    Linux,
    /// FreeBSD.
    FreeBsd,
}

/// The guest that a program needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the instruction set ([`crate::isa::Isa::name`]).
    pub isa: &'static str,
    /// Operating system.
    pub os: OsKind,
    /// MIPS o32 with 64-bit floating-point registers (Status.FR = 1).
    pub mips_fr1: bool,
}

/// `e_flags` of MIPS (MIPS psABI supplement and its later extensions).
mod mips_flags {
    /// n32.
    pub const ABI2: u32 = 0x20;
    /// Bits of the ABI: 0 or O32.
    pub const ABI: u32 = 0xf000;
    pub const ABI_O32: u32 = 0x1000;
    /// NaNs as IEEE 754-2008 has them.
    pub const NAN2008: u32 = 0x400;
    pub const ARCH: u32 = 0xf000_0000;
    pub const ARCH_32R6: u32 = 0x9000_0000;
    pub const ARCH_64R6: u32 = 0xa000_0000;
    pub const MICROMIPS: u32 = 0x0200_0000;
    /// `Val_GNU_MIPS_ABI_FP_64` and `_64A`.
    pub const FP_ABI_FR1: [u8; 2] = [6, 7];
}

impl Target {
    /// The guest for a program.
    ///
    /// # Errors
    /// [`Error::Unsupported`] that names what the program is.
    pub fn of(header: &Header, path: &Path) -> Result<Target, Error> {
        let no = |what: String| Err(Error::Unsupported(path.to_path_buf(), what));
        let bits = if header.is_64 { 64 } else { 32 };
        let order = if header.big { "big" } else { "little" };
        let isa = match (header.machine, header.is_64, header.big) {
            (EM_AARCH64, true, false) => "aarch64",
            (EM_MIPS, false, big) => {
                if let Some(what) = unsupported_mips(header.flags) {
                    return no(what.into());
                }
                if big { "mips" } else { "mipsel" }
            }
            (machine, ..) => {
                return no(format!(
                    "{bits}-bit {order}-endian {}",
                    machine_to_str(machine).trim_start_matches("EM_")
                ));
            }
        };
        let os = if header.os_abi == ELFOSABI_FREEBSD || header.freebsd_release.is_some() {
            OsKind::FreeBsd
        } else {
            OsKind::Linux
        };
        let mips_fr1 = header
            .mips_fp_abi
            .is_some_and(|abi| mips_flags::FP_ABI_FR1.contains(&abi));
        Ok(Target { isa, os, mips_fr1 })
    }
}

fn unsupported_mips(flags: u32) -> Option<&'static str> {
    use mips_flags::*;
    match flags {
        f if f & ABI2 != 0 => Some("MIPS with the n32 ABI"),
        f if f & ABI != 0 && f & ABI != ABI_O32 => Some("MIPS with an ABI other than o32"),
        f if matches!(f & ARCH, ARCH_32R6 | ARCH_64R6) => Some("MIPS release 6"),
        f if f & MICROMIPS != 0 => Some("microMIPS"),
        f if f & NAN2008 != 0 => Some("MIPS with IEEE 754-2008 NaN encoding"),
        _ => None,
    }
}
