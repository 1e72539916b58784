//! Evaluation.

use super::parse::{Expr, TypeName, parse, parse_type};
use super::value::{Location, Value};
use crate::dwarf::{self, Kind, Ty};
use crate::session::{Cx, fail};
use emu_stub::Result;

impl Cx<'_> {
    /// Parses an expression with the program's types in mind.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(&mut self, text: &str) -> Result<Expr> {
        let symbols = self.symbols();
        parse(text, &|name| symbols.type_named(name).is_some())
    }

    /// The value of an expression.
    ///
    /// # Errors
    /// It makes no sense, or what it names cannot be read.
    pub fn eval(&mut self, text: &str) -> Result<Value> {
        let expr = self.parse(text)?;
        self.value(&expr)
    }

    /// An expression as an address or number.
    ///
    /// # Errors
    /// As [`Cx::eval`], or it is no number.
    pub fn eval_int(&mut self, text: &str) -> Result<i64> {
        let value = self.eval(text)?;
        self.int(&value)
    }

    /// A value as an integer.
    ///
    /// # Errors
    /// It is no number.
    pub fn int(&mut self, value: &Value) -> Result<i64> {
        let symbols = self.symbols();
        value.integer(&self.target(), &symbols)
    }

    /// Whether a value counts as true.
    ///
    /// # Errors
    /// It is no number.
    pub fn truth(&mut self, value: &Value) -> Result<bool> {
        if matches!(self.symbols().strip(&value.ty).kind, Kind::Float) {
            return Ok(value.number(&self.target()) != Some(0.0));
        }
        Ok(self.int(value)? != 0)
    }

    /// The type of that name, if the text is one.
    ///
    /// # Errors
    /// It is none.
    pub fn type_of_text(&mut self, text: &str) -> Result<Ty> {
        let symbols = self.symbols();
        let name = parse_type(text, &|name| symbols.type_named(name).is_some())?;
        self.named_type(&name)
    }

    fn named_type(&mut self, name: &TypeName) -> Result<Ty> {
        let pointer = u64::from(self.target().pointer_size);
        let mut ty = self.base_type(&name.base)?;
        for _ in 0..name.pointers.min(16) {
            ty = dwarf::pointer(ty, pointer);
        }
        for n in name.dimensions.iter().rev() {
            ty = dwarf::array(ty, *n);
        }
        Ok(ty)
    }

    fn base_type(&mut self, name: &str) -> Result<Ty> {
        let long = u64::from(self.target().pointer_size);
        if let Some(ty) = self.symbols().type_named(name) {
            return Ok(ty);
        }
        let words: Vec<&str> = name.split(' ').collect();
        if words
            .iter()
            .any(|w| matches!(*w, "struct" | "union" | "enum"))
        {
            return fail(format!("No {name} is known to the program."));
        }
        let has = |w: &str| words.contains(&w);
        let unsigned = has("unsigned");
        let sign = if unsigned { "unsigned " } else { "" };
        let longs = words.iter().filter(|w| **w == "long").count();
        Ok(if has("void") {
            dwarf::void()
        } else if has("_Bool") || has("bool") {
            dwarf::made("_Bool", 1, Kind::Bool)
        } else if has("float") {
            dwarf::made("float", 4, Kind::Float)
        } else if has("double") {
            dwarf::made("double", 8, Kind::Float)
        } else if has("char") {
            // A plain char is unsigned on Arm, signed on MIPS.
            let signed =
                has("signed") || (!unsigned && !self.target().gdb_arch.starts_with("aarch64"));
            dwarf::made(
                if has("signed") {
                    "signed char"
                } else if unsigned {
                    "unsigned char"
                } else {
                    "char"
                },
                1,
                Kind::Char(signed),
            )
        } else if has("short") {
            dwarf::int(&format!("{sign}short"), 2, !unsigned)
        } else if longs == 2 {
            dwarf::int(&format!("{sign}long long"), 8, !unsigned)
        } else if longs == 1 {
            dwarf::int(&format!("{sign}long"), long, !unsigned)
        } else if has("int") || has("signed") || unsigned {
            dwarf::int(&format!("{sign}int"), 4, !unsigned)
        } else {
            return fail(format!("No type \"{name}\" is known."));
        })
    }

    /// The value of a parsed expression.
    ///
    /// # Errors
    /// As [`Cx::eval`].
    pub fn value(&mut self, expr: &Expr) -> Result<Value> {
        let target = self.target();
        match expr {
            Expr::Int(n, based, suffix) => {
                let unsigned = suffix.contains('u');
                let wide = suffix.contains('l');
                let long = u64::from(target.pointer_size);
                // C11, 6.4.4.1: the first type that can hold it; unsigned ones only where the base is not ten.
                let ty = if !wide && !unsigned && *n <= i32::MAX as u64 {
                    dwarf::int("int", 4, true)
                } else if !wide && (unsigned || *based) && *n <= u32::MAX.into() {
                    dwarf::int("unsigned int", 4, false)
                } else if !unsigned && *n <= i64::MAX as u64 {
                    let size = if *n <= i32::MAX as u64 { long } else { 8 };
                    dwarf::int(if size == long { "long" } else { "long long" }, size, true)
                } else {
                    dwarf::int(
                        if long == 8 {
                            "unsigned long"
                        } else {
                            "unsigned long long"
                        },
                        8,
                        false,
                    )
                };
                Ok(Value::of_type(&target, ty, *n))
            }
            Expr::Float(f) => Ok(Value::float(&target, *f)),
            Expr::Char(c) => Ok(Value::new(
                dwarf::made("char", 1, Kind::Char(true)),
                vec![*c],
                Location::None,
            )),
            Expr::Str(s) => {
                let mut bytes = s.clone();
                bytes.push(0);
                let ty = dwarf::array(dwarf::made("char", 1, Kind::Char(true)), bytes.len() as u64);
                Ok(Value::new(ty, bytes, Location::None))
            }
            Expr::Name(name) => self.named(name),
            Expr::Dollar(name) => self.dollar(name),
            Expr::Unary(op, inner) => self.unary(op, inner),
            Expr::Binary(op, left, right) => self.binary(op, left, right),
            Expr::Choice(condition, yes, no) => {
                let condition = self.value(condition)?;
                let chosen = if self.truth(&condition)? { yes } else { no };
                self.value(chosen)
            }
            Expr::Assign(left, op, right) => self.assign(left, *op, right),
            Expr::Cast(name, inner) => {
                let ty = self.named_type(name)?;
                // Of a function that nothing else is known of, it says what it returns.
                if let Expr::Call(callee, args) = &**inner
                    && let Kind::Function(..) = &self.value(callee)?.ty.kind
                    && !self.value(callee)?.ty.name.is_empty()
                {
                    return self.call(callee, args, Some(ty));
                }
                let value = self.value(inner)?;
                self.convert(&value, ty)
            }
            Expr::AtAddress(name, inner) => {
                let ty = self.named_type(name)?;
                let addr = self.value(inner)?;
                let addr = self.int(&addr)?;
                self.value_at(ty, addr as u64)
            }
            Expr::Index(base, index) => {
                let base = self.value(base)?;
                let index = self.value(index)?;
                let index = self.int(&index)?;
                self.element(&base, index)
            }
            Expr::Member(base, name, arrow) => {
                let mut base = self.value(base)?;
                // gdb takes either operator for both.
                let pointer = matches!(self.symbols().strip(&base.ty).kind, Kind::Pointer(_));
                if *arrow || pointer {
                    if !pointer {
                        return fail("the left side of -> is no pointer");
                    }
                    base = self.dereference(&base)?;
                }
                self.member(&base, name)
            }
            Expr::SizeOfType(name) => {
                let ty = self.named_type(name)?;
                let size = self.symbols().size_of(&ty);
                Ok(self.size_value(size))
            }
            Expr::Call(callee, args) => self.call(callee, args, None),
        }
    }

    pub(super) fn size_value(&mut self, size: u64) -> Value {
        let target = self.target();
        let long = u64::from(target.pointer_size);
        let name = if long == 8 {
            "unsigned long"
        } else {
            "unsigned int"
        };
        Value::of_type(&target, dwarf::int(name, long, false), size)
    }

    fn named(&mut self, name: &str) -> Result<Value> {
        let symbols = self.symbols();
        if self.alive()
            && let Ok(frame) = self.selected_frame()
            && self.frame_function(&frame).is_some()
        {
            let depth = self.s.frame;
            let locals = self.frame_variables(&frame)?;
            // The innermost block's counts.
            if let Some(at) = locals.into_iter().rev().find(|v| v.item.name == name) {
                return self.variable_value(&at, Some((&frame, depth)));
            }
        }
        if let Some(at) = symbols.global(name) {
            return self.variable_value(&at, None);
        }
        if let Some(at) = symbols.function(name) {
            let returns = at
                .item
                .returns
                .clone()
                .unwrap_or(Value::known(&dwarf::void()));
            let args = at.module.locals(&at.item, at.module.to_memory(at.item.low));
            let args = args
                .into_iter()
                .filter(|v| v.argument)
                .filter_map(|v| v.ty)
                .collect();
            let ty = dwarf::made("", 1, Kind::Function(returns, args));
            let addr = at.module.to_memory(at.item.low);
            return Ok(Value::new(ty, Vec::new(), Location::Memory(addr)));
        }
        if let Some((value, ty)) = symbols.enumerator(name) {
            return Ok(Value::of_type(&self.target(), ty, value as u64));
        }
        if let Some((addr, size, code)) = symbols.symbol(name) {
            if code {
                let ty = dwarf::made(
                    "<text variable, no debug info>",
                    1,
                    Kind::Function(Value::known(&dwarf::int("int", 4, true)), Vec::new()),
                );
                return Ok(Value::new(ty, Vec::new(), Location::Memory(addr)));
            }
            let size = if matches!(size, 1 | 2 | 4 | 8) {
                size
            } else {
                4
            };
            return self.value_at(
                dwarf::int("<data variable, no debug info>", size, true),
                addr,
            );
        }
        fail(format!("No symbol \"{name}\" in current context."))
    }

    fn dollar(&mut self, name: &str) -> Result<Value> {
        let history = self.s.values.len();
        let nth = |n: usize| n.checked_sub(1);
        // $ is the last value, $$ the one before, $$3 the third before the last.
        let index = if name.is_empty() {
            Some(nth(history))
        } else if name == "$" {
            Some(history.checked_sub(2))
        } else if let Some(n) = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()) {
            Some(history.checked_sub(1 + n))
        } else {
            name.parse::<usize>().ok().map(nth)
        };
        if let Some(index) = index {
            return match index.and_then(|i| self.s.values.get(i)) {
                Some(value) => Ok(value.clone()),
                None if name.is_empty() || name == "$" => {
                    Ok(Value::new(dwarf::void(), Vec::new(), Location::None))
                }
                None => fail(format!("History has not yet reached ${name}.")),
            };
        }
        let target = self.target();
        let role = match name {
            "pc" => target.register_in_role(emu_stub::RegisterRole::Pc),
            "sp" => target.register_in_role(emu_stub::RegisterRole::Sp),
            "fp" => target.register_in_role(emu_stub::RegisterRole::Fp),
            _ => None,
        };
        if let Some(number) = role.or_else(|| target.register_by_name(name)) {
            let depth = self.s.frame;
            return self.register_value(number, depth);
        }
        if let Some((number, size)) = part_of_vector(&target, name) {
            let whole = self.register_value(number, 0)?;
            let kind = match size {
                _ if name.starts_with('w') => dwarf::int("int", 4, true),
                4 => dwarf::made("float", 4, Kind::Float),
                8 => dwarf::made("double", 8, Kind::Float),
                _ => dwarf::int("unsigned int", size, false),
            };
            let mut part = whole.part(kind, 0, size);
            part.location = whole.location;
            return Ok(part);
        }
        if let Some(value) = self.s.variables.get(name) {
            return Ok(value.clone());
        }
        if name == "_exitcode"
            && let Some(code) = self.s.exit_code
        {
            return Ok(Value::int(&target, code));
        }
        Ok(Value {
            location: Location::Variable(name.to_owned()),
            ..Value::new(dwarf::void(), Vec::new(), Location::None)
        })
    }

    /// What a pointer points to.
    ///
    /// # Errors
    /// It is none, or the memory cannot be read.
    pub fn dereference(&mut self, value: &Value) -> Result<Value> {
        let symbols = self.symbols();
        let ty = symbols.strip(&value.ty);
        let addr = self.int(value)? as u64;
        match &ty.kind {
            Kind::Pointer(target) => {
                let inner = symbols.resolve(target);
                if matches!(symbols.strip(&inner).kind, Kind::Void) {
                    return fail("Attempt to take contents of a non-pointer value.");
                }
                self.value_at(inner, addr)
            }
            Kind::Array(element, _) => self.value_at(symbols.resolve(element), addr),
            Kind::Function(..) => Ok(value.clone()),
            // gdb reads a long at a plain number.
            Kind::Int(_) => {
                let size = u64::from(self.target().pointer_size);
                self.value_at(dwarf::int("long", size, true), addr)
            }
            _ => fail("Attempt to take contents of a non-pointer value."),
        }
    }

    fn element(&mut self, base: &Value, index: i64) -> Result<Value> {
        let symbols = self.symbols();
        let Some(element) = base.target_type(&symbols) else {
            return fail("cannot subscript something that is no array or pointer");
        };
        let size = symbols.size_of(&element);
        let offset = (index as u64).wrapping_mul(size);
        let array = matches!(symbols.strip(&base.ty).kind, Kind::Array(..));
        if array && index >= 0 && offset.saturating_add(size) <= base.bytes.len() as u64 {
            return Ok(base.part(element, offset, size));
        }
        let start = self.int(base)? as u64;
        self.value_at(element, start.wrapping_add(offset))
    }

    /// A member of a structure, also of an anonymous one inside.
    ///
    /// # Errors
    /// It has none of that name.
    pub fn member(&mut self, base: &Value, name: &str) -> Result<Value> {
        base.present()?;
        match self.find_member(base, name, 0) {
            Some(value) => Ok(value),
            None => fail(format!("There is no member named {name}.")),
        }
    }

    fn find_member(&mut self, base: &Value, name: &str, depth: usize) -> Option<Value> {
        let symbols = self.symbols();
        let ty = symbols.strip(&base.ty);
        let Kind::Struct(_, members) = &ty.kind else {
            return None;
        };
        if depth > 16 {
            return None;
        }
        for m in members {
            if m.name == name || m.name.is_empty() {
                let inner = crate::expr::Value::member_of(&symbols, base, m);
                if m.name == name {
                    return Some(inner);
                }
                if let Some(found) = self.find_member(&inner, name, depth + 1) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The value as another type.
    ///
    /// # Errors
    /// There is no such conversion.
    pub fn convert(&mut self, value: &Value, ty: Ty) -> Result<Value> {
        value.present()?;
        let symbols = self.symbols();
        let target = self.target();
        let plain = symbols.strip(&ty);
        let from_float = matches!(symbols.strip(&value.ty).kind, Kind::Float);
        match &plain.kind {
            Kind::Float => {
                let number = if from_float {
                    value.number(&target).unwrap_or(f64::NAN)
                } else {
                    self.int(value)? as f64
                };
                let bytes = match plain.size {
                    4 => target.integer((number as f32).to_bits().into(), 4),
                    8 => target.integer(number.to_bits(), 8),
                    n => {
                        return fail(format!(
                            "floating-point numbers of {n} bytes cannot be made"
                        ));
                    }
                };
                Ok(Value::new(ty, bytes, Location::None))
            }
            Kind::Struct(..) | Kind::Array(..) => {
                if let Location::Memory(addr) = value.location {
                    return self.value_at(ty, addr);
                }
                if symbols.size_of(&ty) == value.bytes.len() as u64 {
                    return Ok(Value {
                        ty,
                        ..value.clone()
                    });
                }
                fail("Invalid cast.")
            }
            Kind::Bool => {
                let truth = self.truth(value)?;
                Ok(Value::of_type(&target, plain, truth.into()).with_type(ty))
            }
            Kind::Void => Ok(Value::new(ty, Vec::new(), Location::None)),
            _ => {
                let n = self.int(value)?;
                let size = plain.size.clamp(1, 8) as usize;
                Ok(Value::new(
                    ty,
                    target.integer(n as u64, size),
                    Location::None,
                ))
            }
        }
    }
}

impl Value {
    /// The same with another type of the same size.
    #[must_use]
    pub fn with_type(self, ty: Ty) -> Value {
        Value { ty, ..self }
    }

    /// A member's value.
    pub fn member_of(symbols: &dwarf::Symbols, base: &Value, m: &dwarf::Member) -> Value {
        let ty = symbols.resolve(&m.ty);
        let size = symbols.size_of(&ty);
        match m.bits {
            None => base.part(ty, m.offset, size),
            Some((first, count)) => {
                let start = first / 8;
                let bytes = (first % 8).saturating_add(count.min(64)).div_ceil(8);
                Value {
                    bits: Some((first % 8, count)),
                    ..base.part(ty, start, bytes)
                }
            }
        }
    }
}

/// The part of an AArch64 vector register that `name` means: register number, size in bytes.
fn part_of_vector(target: &emu_stub::TargetDescription, name: &str) -> Option<(usize, u64)> {
    if target.gdb_arch != "aarch64" {
        return None;
    }
    let (letter, number) = name.split_at_checked(1)?;
    let size = match letter {
        "d" => 8,
        "s" => 4,
        "h" => 2,
        "b" => 1,
        "w" => {
            // The low half of x<n>.
            return Some((target.register_by_name(&format!("x{number}"))?, 4))
                .filter(|_| number.parse::<u8>().is_ok());
        }
        _ => return None,
    };
    number.parse::<u8>().ok()?;
    Some((target.register_by_name(&format!("v{number}"))?, size))
}
