//! Tables of named constants: flag words and enumerations, with the values they have in each dialect.
//!
//! One table serves the translator ([`FlagTable::to_host`], [`FlagTable::to_guest`]) and the tracer ([`FlagTable::write`]).

use std::fmt::{self, Write};

use super::Dialect;

/// One named constant.
#[derive(Debug)]
pub struct Flag {
    /// Name as in the header.
    pub name: &'static str,
    /// The host's value.
    pub host: u64,
    /// Dialects that have another value.
    pub other: &'static [(Dialect, u64)],
}

impl Flag {
    /// Its value in a dialect.
    pub fn value(&self, dialect: Dialect) -> u64 {
        self.other
            .iter()
            .find(|(d, _)| *d == dialect)
            .map_or(self.host, |(_, v)| *v)
    }
}

/// A group of bits of which exactly one of several values is present (`O_ACCMODE`).
#[derive(Debug)]
pub struct FlagField {
    /// Bits of the group, in every dialect.
    pub mask: u64,
    /// Its values.
    pub values: &'static [Flag],
}

/// The constants that a flag word or an enumeration is made of.
#[derive(Debug)]
pub struct FlagTable {
    /// What the tracer shows for unknown bits, `O_???`.
    pub prefix: &'static str,
    /// Multi-valued groups.
    pub fields: &'static [FlagField],
    /// Single flags; one that includes another's bits comes first.
    pub bits: &'static [Flag],
    /// Dialects in which some value differs from the host's.
    pub differs: &'static [Dialect],
}

impl FlagTable {
    /// Translates a guest's value. Bits that the table doesn't know stay where they are, unless the host gives that bit another
    /// meaning: then they are dropped, as the guest's kernel would ignore them.
    pub fn to_host(&self, from: Dialect, value: u64) -> u64 {
        self.translate(value, from, Dialect::X86)
    }

    /// Translates a host value for the guest.
    pub fn to_guest(&self, to: Dialect, value: u64) -> u64 {
        self.translate(value, Dialect::X86, to)
    }

    /// Translates between dialects.
    pub fn translate(&self, mut value: u64, from: Dialect, to: Dialect) -> u64 {
        if !self.differs.contains(&from) && !self.differs.contains(&to) {
            return value;
        }
        let mut out = 0;
        let mut known = 0;
        for field in self.fields {
            known |= field.mask;
            let v = value & field.mask;
            value &= !field.mask;
            out |= field
                .values
                .iter()
                .find(|f| f.value(from) == v)
                .map_or(v, |f| f.value(to));
        }
        for flag in self.bits {
            let (v, t) = (flag.value(from), flag.value(to));
            known |= t;
            if v != 0 && value & v == v {
                value &= !v;
                out |= t;
            }
        }
        out | (value & !known)
    }

    /// Writes a value of `dialect` by names: `O_WRONLY|O_CREAT|0x80000000`.
    pub fn write(&self, out: &mut dyn Write, dialect: Dialect, mut value: u64) -> fmt::Result {
        let mut sep = "";
        for field in self.fields {
            let v = value & field.mask;
            if let Some(f) = field.values.iter().find(|f| f.value(dialect) == v) {
                value &= !field.mask;
                // "O_RDONLY" is worth a word, "no mode bits" is not.
                if !f.name.is_empty() {
                    write!(out, "{sep}{}", f.name)?;
                    sep = "|";
                }
            }
        }
        for flag in self.bits {
            let v = flag.value(dialect);
            if v != 0 && value & v == v {
                value &= !v;
                write!(out, "{sep}{}", flag.name)?;
                sep = "|";
            }
        }
        if value != 0 {
            write!(out, "{sep}{value:#x}")?;
            if sep.is_empty() && !self.prefix.is_empty() {
                write!(out, " /* {}??? */", self.prefix)?;
            }
        } else if sep.is_empty() {
            out.write_char('0')?;
        }
        Ok(())
    }

    /// The value of the constant named `name` in a dialect.
    pub fn by_name(&self, name: &str, dialect: Dialect) -> Option<u64> {
        self.all()
            .find(|f| f.name == name)
            .map(|f| f.value(dialect))
    }

    /// The name of the constant with this value in an enumeration.
    pub fn name_of(&self, dialect: Dialect, value: u64) -> Option<&'static str> {
        self.all()
            .find(|f| f.value(dialect) == value)
            .map(|f| f.name)
    }

    /// Every constant.
    pub fn all(&self) -> impl Iterator<Item = &'static Flag> {
        self.fields
            .iter()
            .flat_map(|f| f.values)
            .chain(self.bits.iter())
    }
}

/// Declares [`FlagTable`]s. `enum` makes a table whose whole value is one of the constants, `flags` one of single bits that may
/// start with `[field MASK { ... }]` groups.
///
/// ```
/// emu::flags! {
///     /// Flags of `open`.
///     pub flags OPEN, "O_" [Mips Arm] {
///         [field 3 { O_RDONLY = 0, O_WRONLY = 1 }]
///         O_CREAT = 0o100 (Mips 0x100),
///     }
/// }
/// assert_eq!(OPEN.to_host(emu::abi::Dialect::Mips, 0x101), 0o101);
/// ```
#[macro_export]
macro_rules! flags {
    () => {};
    ($(#[$doc:meta])* $vis:vis enum $table:ident, $prefix:literal [$($differs:ident)*] { $($row:tt)* } $($rest:tt)*) => {
        $(#[$doc])*
        $vis static $table: $crate::abi::FlagTable = $crate::abi::FlagTable {
            prefix: $prefix,
            fields: &[$crate::abi::FlagField { mask: !0, values: $crate::flags!(@rows $($row)*) }],
            bits: &[],
            differs: &[$($crate::abi::Dialect::$differs),*],
        };
        $crate::flags!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis flags $table:ident, $prefix:literal [$($differs:ident)*] {
        $([field $mask:literal { $($value:tt)* }])* $($name:ident = $host:literal $(($($d:ident $v:literal),+))?),* $(,)?
    } $($rest:tt)*) => {
        $(#[$doc])*
        $vis static $table: $crate::abi::FlagTable = $crate::abi::FlagTable {
            prefix: $prefix,
            fields: &[$($crate::abi::FlagField { mask: $mask, values: $crate::flags!(@rows $($value)*) }),*],
            bits: $crate::flags!(@rows $($name = $host $(($($d $v),+))?),*),
            differs: &[$($crate::abi::Dialect::$differs),*],
        };
        $crate::flags!($($rest)*);
    };
    (@rows $($name:ident = $host:literal $(($($d:ident $v:literal),+))?),* $(,)?) => {
        &[$($crate::abi::Flag {
            name: stringify!($name),
            host: $host,
            other: &[$($(($crate::abi::Dialect::$d, $v)),+)?],
        }),*]
    };
}
