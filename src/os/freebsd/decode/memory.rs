//! Of memory: protections and flags of `mmap` (`sys/mman.h`).

use crate::abi::{Dialect, FlagTable, Kind, Show};
use crate::os::freebsd::flags as f;
use crate::os::{ArgType, Dir, Len, View};

fn names(table: &FlagTable, value: u64) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = table.write(&mut out, Dialect::FreeBsd, value);
    out
}

/// A protection, with the most that it may ever be (`PROT_MAX`).
pub fn protection(value: u64) -> String {
    const PROT: u64 = 7;
    let (now, most) = (value & !(PROT << 16), value >> 16 & PROT);
    match most {
        0 => names(&f::PROT, now),
        most => format!(
            "{}|PROT_MAX({})",
            names(&f::PROT, now),
            names(&f::PROT, most)
        ),
    }
}

/// Flags of `mmap`, with the alignment in their highest byte.
pub fn map_flags(value: u64) -> String {
    let (flags, alignment) = (value & 0xff_ffff, value >> 24 & 0xff);
    let alignment = match alignment {
        0 => return names(&f::MAP, flags),
        1 => "MAP_ALIGNED_SUPER".to_owned(),
        n => format!("MAP_ALIGNED({n})"),
    };
    match flags {
        0 => alignment,
        _ => format!("{}|{alignment}", names(&f::MAP, flags)),
    }
}

/// The vector of `mincore`: a byte for each page of the range that arguments 0 and 1 tell.
pub fn residency(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    const PAGE: u64 = 4096;
    returned?;
    let (start, len) = (v.arg(0), v.arg(1));
    let count = (start % PAGE + len).div_ceil(PAGE);
    let pages = Len::Const(u32::try_from(count).ok()?);
    v.shown(
        ArgType::Ints(Dir::Out, Kind::U8, Show::Hex, pages),
        at,
        returned,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protections_and_alignments_have_names() {
        assert_eq!(protection(3), "PROT_READ|PROT_WRITE");
        assert_eq!(protection(0), "PROT_NONE");
        assert_eq!(
            protection(0x7_0001),
            "PROT_READ|PROT_MAX(PROT_READ|PROT_WRITE|PROT_EXEC)"
        );
        assert_eq!(map_flags(0x1002), "MAP_PRIVATE|MAP_ANON");
        assert_eq!(
            map_flags(0x1500_1002),
            "MAP_PRIVATE|MAP_ANON|MAP_ALIGNED(21)"
        );
        assert_eq!(map_flags(0x100_0002), "MAP_PRIVATE|MAP_ALIGNED_SUPER");
    }
}
