//! Where arguments and results of functions are: AAPCS64 (Procedure Call Standard for the Arm 64-bit Architecture, 6.8 and 6.9) and
//! o32 (System V ABI, MIPS Processor Supplement, chapter 3).

use super::value::Value;
use crate::dwarf::{Kind, Symbols, Ty};
use emu_stub::{Endian, Error, Result, TargetDescription};

/// A calling convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abi {
    /// Of AArch64.
    Aapcs64,
    /// Of 32-bit MIPS.
    O32,
}

/// A call before it is made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Registers by number, with their whole values.
    pub registers: Vec<(usize, Vec<u8>)>,
    /// What is in memory from the stack pointer up.
    pub stack: Vec<u8>,
}

/// Where a result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// There is none.
    Nothing,
    /// In these registers, by number: so many bytes of each one's value, from its low end.
    Registers(Vec<(usize, usize)>),
    /// In memory that the caller has named.
    Memory,
}

/// Alignment of a type in bytes.
fn alignment(symbols: &Symbols, ty: &Ty, depth: usize) -> u64 {
    let ty = symbols.strip(ty);
    match &ty.kind {
        _ if depth > 16 => 1,
        Kind::Struct(_, members) => {
            let of =
                |m: &crate::dwarf::Member| alignment(symbols, &symbols.resolve(&m.ty), depth + 1);
            members.iter().map(of).max().unwrap_or(1)
        }
        Kind::Array(element, _) if ty.name != "vector" => {
            alignment(symbols, &symbols.resolve(element), depth + 1)
        }
        _ => symbols.size_of(&ty).clamp(1, 16).next_power_of_two(),
    }
}

/// Size of the members and how many, if the type is a homogeneous aggregate of floating-point numbers or short vectors (AAPCS64
/// 5.9.5): one to four of the same.
fn homogeneous(symbols: &Symbols, ty: &Ty) -> Option<(u64, u64)> {
    fn count(symbols: &Symbols, ty: &Ty, size: &mut Option<u64>, depth: usize) -> Option<u64> {
        let ty = symbols.strip(ty);
        let n = match &ty.kind {
            _ if depth > 16 => return None,
            Kind::Struct(word, members) => {
                let mut all = 0u64;
                for m in members {
                    if m.bits.is_some() {
                        return None;
                    }
                    let n = count(symbols, &symbols.resolve(&m.ty), size, depth + 1)?;
                    all = if *word == "union" {
                        all.max(n)
                    } else {
                        all + n
                    };
                }
                all
            }
            Kind::Array(element, n) if ty.name != "vector" => {
                let one = count(symbols, &symbols.resolve(element), size, depth + 1)?;
                one.checked_mul((*n)?)?
            }
            Kind::Float | Kind::Array(..) => {
                let own = symbols.size_of(&ty);
                if *size.get_or_insert(own) != own {
                    return None;
                }
                1
            }
            _ => return None,
        };
        (n <= 4).then_some(n)
    }
    let plain = symbols.strip(ty);
    if !matches!(&plain.kind, Kind::Struct(..)) {
        return None;
    }
    let mut size = None;
    let n = count(symbols, ty, &mut size, 0)?;
    let size = size?;
    // Padding would make it something else.
    (n > 0 && size * n == symbols.size_of(ty)).then_some((size, n))
}

/// What a type is to the conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Integer,
    Float,
    Aggregate,
}

fn class(symbols: &Symbols, ty: &Ty) -> Class {
    let ty = symbols.strip(ty);
    match &ty.kind {
        Kind::Float => Class::Float,
        Kind::Array(..) if ty.name == "vector" => Class::Float,
        Kind::Struct(..) | Kind::Array(..) => Class::Aggregate,
        _ => Class::Integer,
    }
}

impl Abi {
    /// The convention of a machine.
    ///
    /// # Errors
    /// It is not known.
    pub fn of(target: &TargetDescription) -> Result<Abi> {
        if target.gdb_arch == "aarch64" {
            Ok(Abi::Aapcs64)
        } else if target.gdb_arch.starts_with("mips") && target.pointer_size == 4 {
            Ok(Abi::O32)
        } else {
            Err(Error::Unsupported(
                "how functions are called on this machine is not known here",
            ))
        }
    }

    /// Where the result of that type is.
    pub fn returned(self, target: &TargetDescription, symbols: &Symbols, ty: &Ty) -> Returned {
        let size = symbols.size_of(ty) as usize;
        if size == 0 || matches!(symbols.strip(ty).kind, Kind::Void) {
            return Returned::Nothing;
        }
        let class = class(symbols, ty);
        let run = |prefix: &str, first: usize, size: usize, each: usize| -> Vec<(usize, usize)> {
            let names = (0..size.div_ceil(each)).map(|i| format!("{prefix}{}", first + i));
            let found = names.filter_map(|n| target.register_by_name(&n));
            let sizes = (0..).map(|i: usize| size.saturating_sub(i * each).min(each));
            found.zip(sizes).collect()
        };
        match (self, class) {
            (Abi::Aapcs64, Class::Float) => Returned::Registers(run("v", 0, size, size)),
            (Abi::Aapcs64, _) => match homogeneous(symbols, ty) {
                Some((each, n)) => {
                    Returned::Registers(run("v", 0, (each * n) as usize, each as usize))
                }
                None if size <= 16 => Returned::Registers(run("x", 0, size, 8)),
                None => Returned::Memory,
            },
            (Abi::O32, Class::Aggregate) => Returned::Memory,
            (Abi::O32, Class::Integer) => Returned::Registers(run("r", 2, size, 4)),
            (Abi::O32, Class::Float) => {
                let wide = target
                    .register_by_name("f0")
                    .is_some_and(|n| target.registers[n].size() == 8);
                // Two halves in a pair of registers are in the order of the registers, whatever that of memory is.
                let mut parts = run("f", 0, size, if wide { 8 } else { 4 });
                if target.endian == Endian::Big {
                    parts.reverse();
                }
                Returned::Registers(parts)
            }
        }
    }

    /// Sets up a call. `values` have the types of the parameters; `result` is where a result in memory goes; `copies` are where
    /// arguments are that are passed by address, in the order of the arguments that [`Abi::by_address`] says so of.
    ///
    /// # Errors
    /// A register that is needed does not exist, or an argument has a type that is not passed.
    pub fn set(
        self,
        target: &TargetDescription,
        symbols: &Symbols,
        values: &[Value],
        result: Option<u64>,
        copies: &[u64],
    ) -> Result<Setting> {
        let mut call = Call {
            target,
            setting: Setting::default(),
        };
        match self {
            Abi::Aapcs64 => call.aapcs64(symbols, values, result, copies)?,
            Abi::O32 => call.o32(symbols, values, result)?,
        }
        Ok(call.setting)
    }

    /// Whether an argument of that type is passed as the address of a copy.
    pub fn by_address(self, symbols: &Symbols, ty: &Ty) -> bool {
        self == Abi::Aapcs64
            && class(symbols, ty) == Class::Aggregate
            && symbols.size_of(ty) > 16
            && homogeneous(symbols, ty).is_none()
    }

    /// The registers that a function finds its own address and where to return to in.
    pub fn linkage(self) -> (Option<&'static str>, &'static str) {
        match self {
            Abi::Aapcs64 => (None, "x30"),
            // Position-independent code counts from t9.
            Abi::O32 => (Some("r25"), "r31"),
        }
    }
}

struct Call<'a> {
    target: &'a TargetDescription,
    setting: Setting,
}

impl Call<'_> {
    /// The value of a register whose low bytes are these, in the target's order.
    fn register(&mut self, name: &str, low: &[u8]) -> Result<()> {
        let number = self
            .target
            .register_by_name(name)
            .ok_or(Error::Unsupported("a register for an argument is missing"))?;
        let size = self.target.registers[number].size();
        let mut bytes = low.to_vec();
        let fill = size.saturating_sub(bytes.len());
        match self.target.endian {
            Endian::Little => bytes.extend(vec![0; fill]),
            Endian::Big => bytes = [vec![0; fill], bytes].concat(),
        }
        bytes.truncate(size);
        self.setting.registers.push((number, bytes));
        Ok(())
    }

    /// Adds to the stack at a multiple of `align`, and fills up to a multiple of `unit`.
    fn push(&mut self, bytes: &[u8], align: usize, unit: usize) {
        let stack = &mut self.setting.stack;
        stack.resize(stack.len().next_multiple_of(align), 0);
        stack.extend(bytes);
        stack.resize(stack.len().next_multiple_of(unit), 0);
    }

    /// An integer as wide as a register, extended by its sign.
    fn widened(&self, symbols: &Symbols, value: &Value, size: usize) -> Result<Vec<u8>> {
        if value.bytes.len() >= size {
            return Ok(value.bytes.clone());
        }
        let n = value.integer(self.target, symbols)?;
        Ok(self.target.integer(n as u64, size))
    }

    fn aapcs64(
        &mut self,
        symbols: &Symbols,
        values: &[Value],
        result: Option<u64>,
        copies: &[u64],
    ) -> Result<()> {
        let (mut general, mut float) = (0, 0);
        let mut copies = copies.iter();
        if let Some(addr) = result {
            self.register("x8", &addr.to_le_bytes())?;
        }
        for value in values {
            let size = value.bytes.len();
            let align = if alignment(symbols, &value.ty, 0) >= 16 {
                16
            } else {
                8
            };
            let kind = class(symbols, &value.ty);
            let parts = match kind {
                Class::Float => Some((size, 1)),
                _ => homogeneous(symbols, &value.ty).map(|(s, n)| (s as usize, n as usize)),
            };
            if let Some((each, n)) = parts {
                if float + n > 8 {
                    float = 8;
                    self.push(&value.bytes, align, 8);
                    continue;
                }
                for part in value.bytes.chunks(each.max(1)) {
                    self.register(&format!("v{float}"), part)?;
                    float += 1;
                }
                continue;
            }
            let bytes = match kind {
                Class::Aggregate if size > 16 => {
                    let addr = copies.next().ok_or(Error::Unavailable)?;
                    addr.to_le_bytes().to_vec()
                }
                Class::Aggregate => value.bytes.clone(),
                _ => self.widened(symbols, value, 8)?,
            };
            if align == 16 && bytes.len() == 16 {
                general += general % 2;
            }
            let n = bytes.len().div_ceil(8);
            if general + n > 8 {
                general = 8;
                self.push(&bytes, align, 8);
                continue;
            }
            for part in bytes.chunks(8) {
                self.register(&format!("x{general}"), part)?;
                general += 1;
            }
        }
        Ok(())
    }

    /// The arguments are laid out as in memory; the first 16 bytes are in registers. Floating-point numbers that come first are in
    /// registers of their own, and here in the general ones too, where functions with variable arguments look.
    fn o32(&mut self, symbols: &Symbols, values: &[Value], result: Option<u64>) -> Result<()> {
        let mut floats = 0;
        if let Some(addr) = result {
            let bytes = self.target.integer(addr, 4);
            self.push(&bytes, 4, 4);
            floats = 2;
        }
        for value in values {
            let kind = class(symbols, &value.ty);
            let size = value.bytes.len();
            if kind == Class::Float && size > 8 {
                return Err(Error::Unsupported(
                    "arguments of that type are not passed from here",
                ));
            }
            let bytes = match kind {
                Class::Integer => self.widened(symbols, value, 4)?,
                _ => value.bytes.clone(),
            };
            let align = if alignment(symbols, &value.ty, 0) >= 8 {
                8
            } else {
                4
            };
            self.push(&bytes, align, 4);
            if kind == Class::Float && floats < 2 {
                let first = 12 + 2 * floats;
                let name = format!("f{first}");
                let number = self.target.register_by_name(&name);
                let wide = number.is_some_and(|n| self.target.registers[n].size() == 8);
                if size == 8 && !wide {
                    let (a, b) = bytes.split_at(4);
                    let (low, high) = match self.target.endian {
                        Endian::Little => (a, b),
                        Endian::Big => (b, a),
                    };
                    self.register(&name, low)?;
                    self.register(&format!("f{}", first + 1), high)?;
                } else {
                    self.register(&name, &bytes)?;
                }
                floats += 1;
            } else {
                floats = 2;
            }
        }
        let stack = &mut self.setting.stack;
        stack.resize(stack.len().max(16), 0);
        let words = stack[..16].to_vec();
        for (i, word) in words.chunks(4).enumerate() {
            self.register(&format!("r{}", 4 + i), word)?;
        }
        Ok(())
    }
}
