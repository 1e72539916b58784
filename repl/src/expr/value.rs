//! Values with their types.

use crate::dwarf::{self, Kind, Symbols, Ty, TyRef};
use emu_stub::{Endian, Error, Result, TargetDescription};

/// Where a value came from, which is where an assignment goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nowhere.
    None,
    /// Memory at this address.
    Memory(u64),
    /// The register of this number, in the frame at this depth; the value is its low bytes.
    Register(usize, usize),
    /// A convenience variable.
    Variable(String),
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its type.
    pub ty: Ty,
    /// Its bytes in the target's order.
    pub bytes: Vec<u8>,
    /// Where it came from.
    pub location: Location,
    /// Of a bit field: first bit in its bytes, in the order of the target's memory; number of bits.
    pub bits: Option<(u64, u64)>,
    /// The compiler kept no place for it.
    pub lost: bool,
}

impl Value {
    /// A value of that type.
    pub fn new(ty: Ty, bytes: Vec<u8>, location: Location) -> Value {
        Value {
            ty,
            bytes,
            location,
            bits: None,
            lost: false,
        }
    }

    /// A value that the compiler kept no place for.
    pub fn lost(ty: Ty) -> Value {
        Value {
            lost: true,
            ..Value::new(ty, Vec::new(), Location::None)
        }
    }

    /// An integer of the language.
    pub fn int(target: &TargetDescription, value: i64) -> Value {
        let (name, size) = match i32::try_from(value) {
            Ok(_) => ("int", 4),
            Err(_) => ("long long", 8),
        };
        let ty = dwarf::int(name, size, true);
        Value::new(
            ty,
            target.integer(value as u64, size as usize),
            Location::None,
        )
    }

    /// An integer of that type.
    pub fn of_type(target: &TargetDescription, ty: Ty, value: u64) -> Value {
        let size = (ty.size as usize).clamp(1, 8);
        Value::new(ty, target.integer(value, size), Location::None)
    }

    /// A floating-point number.
    pub fn float(target: &TargetDescription, value: f64) -> Value {
        let ty = dwarf::made("double", 8, Kind::Float);
        Value::new(ty, target.integer(value.to_bits(), 8), Location::None)
    }

    /// A pointer to `ty`.
    pub fn pointer(target: &TargetDescription, ty: Ty, addr: u64) -> Value {
        let size = u64::from(target.pointer_size);
        Value::of_type(target, dwarf::pointer(ty, size), addr)
    }

    /// The bits as an unsigned number; the low 8 bytes of longer ones.
    pub fn raw(&self, target: &TargetDescription) -> u64 {
        match self.bits {
            None => target.read_integer(&self.bytes),
            Some((first, count)) => self.bit_field(target, first, count.min(64)),
        }
    }

    fn bit_field(&self, target: &TargetDescription, first: u64, count: u64) -> u64 {
        let bit = |n: u64| -> u64 {
            let Some(byte) = self.bytes.get((n / 8) as usize) else {
                return 0;
            };
            let within = match target.endian {
                Endian::Little => n % 8,
                Endian::Big => 7 - n % 8,
            };
            u64::from(byte >> within & 1)
        };
        (0..count).fold(0, |value, i| match target.endian {
            Endian::Little => value | bit(first + i) << i,
            Endian::Big => value << 1 | bit(first + i),
        })
    }

    /// The bytes that a bit field is in, with the low bits of `value` in it.
    pub fn with_bits(&self, target: &TargetDescription, value: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let Some((first, count)) = self.bits else {
            return bytes;
        };
        for i in 0..count.min(64) {
            let at = first + i;
            // Bit `at` in the order of memory is the lowest one first, or the highest.
            let (mask, bit) = match target.endian {
                Endian::Little => (1 << (at % 8), value >> i & 1),
                Endian::Big => (0x80 >> (at % 8), value >> (count.min(64) - 1 - i) & 1),
            };
            if let Some(byte) = bytes.get_mut((at / 8) as usize) {
                *byte = if bit == 1 {
                    *byte | mask
                } else {
                    *byte & !mask
                };
            }
        }
        bytes
    }

    /// Number of bits.
    pub fn width(&self) -> u64 {
        match self.bits {
            Some((_, count)) => count.min(64),
            None => (self.bytes.len() as u64 * 8).min(64),
        }
    }

    /// The value as an integer, extended by its type's sign; floats are cut.
    ///
    /// # Errors
    /// It is no number.
    pub fn integer(&self, target: &TargetDescription, symbols: &Symbols) -> Result<i64> {
        self.present()?;
        let ty = symbols.strip(&self.ty);
        match &ty.kind {
            Kind::Float => Ok(self.number(target).unwrap_or(0.0) as i64),
            Kind::Int(signed) | Kind::Char(signed) => {
                let raw = self.raw(target);
                let width = self.width();
                if *signed && width > 0 && width < 64 {
                    let shift = 64 - width;
                    return Ok(((raw << shift) as i64) >> shift);
                }
                Ok(raw as i64)
            }
            Kind::Enum(values) => {
                let raw = self.raw(target);
                let width = self.width();
                // Enumerations are signed if one of their values is.
                if values.iter().any(|v| v.value < 0) && width > 0 && width < 64 {
                    let shift = 64 - width;
                    return Ok(((raw << shift) as i64) >> shift);
                }
                Ok(raw as i64)
            }
            Kind::Bool | Kind::Pointer(_) => Ok(self.raw(target) as i64),
            Kind::Array(..) | Kind::Function(..) => match self.location {
                Location::Memory(addr) => Ok(addr as i64),
                _ => Err(Error::Failed("the array is not in memory".into())),
            },
            Kind::Struct(..) => Err(Error::Failed("a structure is no number".into())),
            _ => Err(Error::Failed("a value of type void is no number".into())),
        }
    }

    /// A floating-point value.
    pub fn number(&self, target: &TargetDescription) -> Option<f64> {
        match self.bytes.len() {
            2 => Some(half(target.read_integer(&self.bytes) as u16)),
            4 => Some(f32::from_bits(target.read_integer(&self.bytes) as u32).into()),
            8 => Some(f64::from_bits(target.read_integer(&self.bytes))),
            16 => {
                let (high, low) = match target.endian {
                    Endian::Little => (8..16, 0..8),
                    Endian::Big => (0..8, 8..16),
                };
                let high = target.read_integer(&self.bytes[high]);
                let low = target.read_integer(&self.bytes[low]);
                Some(quad(high, low))
            }
            _ => None,
        }
    }

    /// Itself, unless the compiler kept no place for it.
    ///
    /// # Errors
    /// It did not.
    pub fn present(&self) -> Result<()> {
        if self.lost {
            return Err(Error::Failed("value has been optimized out".into()));
        }
        Ok(())
    }

    /// What it points to, or the array's element.
    pub fn target_type(&self, symbols: &Symbols) -> Option<Ty> {
        match &symbols.strip(&self.ty).kind {
            Kind::Pointer(t) | Kind::Array(t, _) => Some(symbols.resolve(t)),
            _ => None,
        }
    }

    /// The bytes at `offset` of a structure or array as a value of their own.
    pub fn part(&self, ty: Ty, offset: u64, size: u64) -> Value {
        let start = (offset as usize).min(self.bytes.len());
        let end = start.saturating_add(size as usize).min(self.bytes.len());
        let location = match &self.location {
            Location::Memory(addr) => Location::Memory(addr.wrapping_add(offset)),
            Location::Register(n, frame) if offset == 0 => Location::Register(*n, *frame),
            _ => Location::None,
        };
        Value {
            lost: self.lost || (end - start < size as usize),
            ..Value::new(ty, self.bytes[start..end].to_vec(), location)
        }
    }

    /// The type of what a reference means, for callers that have it at hand.
    pub fn known(ty: &Ty) -> TyRef {
        TyRef::Known(ty.clone())
    }
}

/// IEEE 754 half precision.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1.0 + fraction / 1024.0) * 2f64.powi(e - 15),
    }
}

/// IEEE 754 quadruple precision, as near as a double comes.
fn quad(high: u64, low: u64) -> f64 {
    let sign = if high >> 63 == 1 { -1.0 } else { 1.0 };
    let exponent = (high >> 48 & 0x7fff) as i32;
    let fraction = (high & 0xffff_ffff_ffff) as f64 * 2f64.powi(-48) + low as f64 * 2f64.powi(-112);
    sign * match exponent {
        0 => fraction * 2f64.powi(-16382),
        0x7fff if fraction == 0.0 => f64::INFINITY,
        0x7fff => f64::NAN,
        e => (1.0 + fraction) * 2f64.powi((e - 16383).clamp(-1100, 1100)),
    }
}
