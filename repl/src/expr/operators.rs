//! Operators: C's arithmetic, comparisons, and assignment.

use super::parse::Expr;
use super::value::{Location, Value};
use crate::dwarf::{self, Kind, Ty};
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::Result;

impl Cx<'_> {
    pub(super) fn unary(&mut self, op: &str, inner: &Expr) -> Result<Value> {
        let target = self.target();
        let symbols = self.symbols();
        let value = self.value(inner)?;
        if op == "sizeof" {
            let size = match symbols.size_of(&value.ty) {
                0 => value.bytes.len() as u64,
                n => n,
            };
            return Ok(self.size_value(size));
        }
        if op == "*" {
            return self.dereference(&value);
        }
        if op == "&" {
            return match value.location {
                Location::Memory(addr) if value.bits.is_none() => {
                    Ok(Value::pointer(&target, value.ty, addr))
                }
                Location::Register(..) => fail(
                    "Attempt to take address of value not located in memory: it is in a register.",
                ),
                _ => fail("Attempt to take address of value not located in memory."),
            };
        }
        if matches!(symbols.strip(&value.ty).kind, Kind::Float) && op != "!" {
            let number = value.number(&target).unwrap_or(f64::NAN);
            return match op {
                "-" => Ok(Value::float(&target, -number)),
                "+" => Ok(Value::float(&target, number)),
                _ => fail(format!("{op} needs an integer")),
            };
        }
        let result = match op {
            "!" => {
                let truth = self.truth(&value)?;
                return Ok(Value::int(&target, i64::from(!truth)));
            }
            "-" => self.int(&value)?.wrapping_neg(),
            "~" => !self.int(&value)?,
            _ => self.int(&value)?,
        };
        let ty = self.promoted(&value);
        Ok(Value::of_type(&target, ty, result as u64))
    }

    /// C's integer promotion: what is smaller than an int becomes one.
    fn promoted(&mut self, value: &Value) -> Ty {
        let ty = self.symbols().strip(&value.ty);
        match ty.kind {
            Kind::Int(_) if ty.size >= 4 => value.ty.clone(),
            Kind::Pointer(_) => value.ty.clone(),
            _ => dwarf::int("int", 4, true),
        }
    }

    pub(super) fn binary(&mut self, op: &str, left: &Expr, right: &Expr) -> Result<Value> {
        let target = self.target();
        let symbols = self.symbols();
        let a = self.value(left)?;
        match op {
            "&&" | "||" => {
                let first = self.truth(&a)?;
                if first == (op == "||") {
                    return Ok(Value::int(&target, i64::from(first)));
                }
                let b = self.value(right)?;
                let second = self.truth(&b)?;
                return Ok(Value::int(&target, i64::from(second)));
            }
            "," => return self.value(right),
            _ => {}
        }
        let b = self.value(right)?;
        a.present()?;
        b.present()?;
        if op == "@" {
            let count = self.int(&b)?;
            let Location::Memory(addr) = a.location else {
                return fail("Only values in memory can be extended with '@'.");
            };
            if !(1..=1 << 20).contains(&count) {
                return fail("Invalid number of repetitions.");
            }
            return self.value_at(dwarf::array(a.ty, count as u64), addr);
        }
        let (ka, kb) = (symbols.strip(&a.ty), symbols.strip(&b.ty));
        if matches!(ka.kind, Kind::Float) || matches!(kb.kind, Kind::Float) {
            let number = |cx: &mut Self, v: &Value, float: bool| -> Result<f64> {
                Ok(if float {
                    v.number(&target).unwrap_or(f64::NAN)
                } else {
                    cx.int(v)? as f64
                })
            };
            let x = number(self, &a, matches!(ka.kind, Kind::Float))?;
            let y = number(self, &b, matches!(kb.kind, Kind::Float))?;
            let truth = match op {
                "==" => x == y,
                "!=" => x != y,
                "<" => x < y,
                ">" => x > y,
                "<=" => x <= y,
                ">=" => x >= y,
                _ => {
                    return Ok(Value::float(
                        &target,
                        match op {
                            "+" => x + y,
                            "-" => x - y,
                            "*" => x * y,
                            "/" => x / y,
                            _ => return fail(format!("{op} needs integers")),
                        },
                    ));
                }
            };
            return Ok(Value::int(&target, i64::from(truth)));
        }
        let (x, y) = (self.int(&a)?, self.int(&b)?);
        let pointers = (a.target_type(&symbols), b.target_type(&symbols));
        if matches!(op, "+" | "-") {
            let step = |ty: &Ty| symbols.size_of(ty).max(1) as i64;
            match &pointers {
                (Some(p), Some(_)) if op == "-" => {
                    let n = x.wrapping_sub(y) / step(p);
                    return Ok(Value::of_type(
                        &target,
                        dwarf::int("long", target.pointer_size.into(), true),
                        n as u64,
                    ));
                }
                (Some(p), None) => {
                    let offset = y.wrapping_mul(step(p));
                    let addr = if op == "+" {
                        x.wrapping_add(offset)
                    } else {
                        x.wrapping_sub(offset)
                    };
                    let addr = self.mask(addr as u64);
                    return Ok(Value::pointer(&target, p.clone(), addr));
                }
                (None, Some(p)) if op == "+" => {
                    let addr = self.mask(y.wrapping_add(x.wrapping_mul(step(p))) as u64);
                    return Ok(Value::pointer(&target, p.clone(), addr));
                }
                _ => {}
            }
        }
        let ty = self.common(&a, &b);
        let unsigned = match symbols.strip(&ty).kind {
            Kind::Int(signed) => !signed,
            _ => true,
        };
        let compare = |holds: std::cmp::Ordering| -> i64 {
            use std::cmp::Ordering::*;
            i64::from(match op {
                "==" => holds == Equal,
                "!=" => holds != Equal,
                "<" => holds == Less,
                ">" => holds == Greater,
                "<=" => holds != Greater,
                _ => holds != Less,
            })
        };
        if matches!(op, "==" | "!=" | "<" | ">" | "<=" | ">=") {
            let size = symbols.size_of(&ty).clamp(1, 8);
            let cut = |v: i64| {
                if size < 8 {
                    v as u64 & ((1 << (8 * size)) - 1)
                } else {
                    v as u64
                }
            };
            let order = if unsigned {
                cut(x).cmp(&cut(y))
            } else {
                x.cmp(&y)
            };
            return Ok(Value::int(&target, compare(order)));
        }
        let zero = |n: i64| {
            if n == 0 {
                fail("Division by zero")
            } else {
                Ok(n)
            }
        };
        let result = match op {
            "+" => x.wrapping_add(y),
            "-" => x.wrapping_sub(y),
            "*" => x.wrapping_mul(y),
            "/" if unsigned => (x as u64 / zero(y)? as u64) as i64,
            "/" => x.wrapping_div(zero(y)?),
            "%" if unsigned => (x as u64 % zero(y)? as u64) as i64,
            "%" => x.wrapping_rem(zero(y)?),
            "&" => x & y,
            "|" => x | y,
            "^" => x ^ y,
            "<<" => x.checked_shl(y as u32).unwrap_or(0),
            ">>" if unsigned => (x as u64).checked_shr(y as u32).unwrap_or(0) as i64,
            ">>" => x >> y.clamp(0, 63),
            _ => return fail(format!("there is no operator {op}")),
        };
        Ok(Value::of_type(&target, ty, result as u64))
    }

    /// C's usual arithmetic conversions, for integers.
    fn common(&mut self, a: &Value, b: &Value) -> Ty {
        let symbols = self.symbols();
        let (x, y) = (self.promoted(a), self.promoted(b));
        let (px, py) = (symbols.strip(&x), symbols.strip(&y));
        let unsigned = |t: &Ty| !matches!(t.kind, Kind::Int(true));
        let pick = match px.size.cmp(&py.size) {
            std::cmp::Ordering::Less => y,
            std::cmp::Ordering::Greater => x,
            std::cmp::Ordering::Equal if unsigned(&py) => y,
            std::cmp::Ordering::Equal => x,
        };
        match &symbols.strip(&pick).kind {
            Kind::Pointer(_) => {
                dwarf::int("unsigned long", self.target().pointer_size.into(), false)
            }
            _ => pick,
        }
    }

    pub(super) fn assign(&mut self, left: &Expr, op: Option<&str>, right: &Expr) -> Result<Value> {
        let place = self.value(left)?;
        let value = match op {
            Some(op) => self.binary(op, left, right)?,
            None => self.value(right)?,
        };
        let name = match (&place.location, left) {
            (Location::Variable(name), _) => Some(name.clone()),
            (_, Expr::Dollar(name)) if self.s.variables.contains_key(name) => Some(name.clone()),
            _ => None,
        };
        if let Some(name) = name {
            let kept = Value {
                location: Location::None,
                ..value
            };
            self.s.variables.insert(name, kept.clone());
            return Ok(kept);
        }
        if let Some((_, width)) = place.bits {
            let value = self.convert(&value, place.ty.clone())?;
            let number = self.int(&value)?;
            let whole = place.with_bits(&self.target(), number as u64);
            self.store(&place, &whole)?;
            let stored = Value {
                bytes: whole,
                ..place
            };
            if self.int(&stored)? != number {
                say!(self, "warning: Value does not fit in {width} bits.");
            }
            return Ok(stored);
        }
        let symbols = self.symbols();
        let plain = symbols.strip(&place.ty);
        let converted = match plain.kind {
            Kind::Void | Kind::Function(..) => {
                return fail("Left operand of assignment is not an lvalue.");
            }
            Kind::Struct(..) | Kind::Array(..) if value.bytes.len() == place.bytes.len() => value,
            Kind::Struct(..) => return fail("the structures are of different sizes"),
            Kind::Array(..) => {
                // A vector register takes a number as well.
                let n = self.int(&value)?;
                let mut bytes = (n as i128).to_le_bytes().to_vec();
                bytes.resize(place.bytes.len(), 0);
                if self.target().endian == emu_stub::Endian::Big {
                    bytes.reverse();
                }
                Value::new(place.ty.clone(), bytes, Location::None)
            }
            _ => self.convert(&value, place.ty.clone())?,
        };
        self.store(&place, &converted.bytes)?;
        Ok(Value {
            location: place.location,
            ..converted
        }
        .with_type(place.ty))
    }
}
