//! Values and memory: print, x, set.

use crate::dwarf::{self, Kind};
use crate::expr::{Format, Location, Value, quoted};
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Error, Result};
use serde_json::{Value as Json, json};

/// Units that `x` shows at once at most.
const MAX_COUNT: usize = 1 << 20;

/// What `x` keeps from one use to the next.
#[derive(Clone, Debug)]
pub struct Examine {
    format: char,
    unit: u64,
    next: Option<u64>,
}

impl Default for Examine {
    fn default() -> Examine {
        Examine {
            format: 'x',
            unit: 4,
            next: None,
        }
    }
}

/// Splits `/FMT REST`.
fn slash(args: &str) -> (&str, &str) {
    match args.strip_prefix('/') {
        Some(rest) => rest
            .split_once(char::is_whitespace)
            .map_or((rest, ""), |(f, r)| (f, r.trim())),
        None => ("", args),
    }
}

fn print_format(text: &str) -> Result<Format> {
    let mut format = Format::Natural;
    for c in text.chars() {
        match c {
            'x' | 'd' | 'u' | 'o' | 't' | 'z' | 'c' | 'a' | 'f' | 's' => format = Format::Letter(c),
            'r' => {}
            'i' => return fail("Format letter \"i\" is meaningless in \"print\" command."),
            _ if c.is_ascii_digit() => {
                return fail("Item count other than 1 is meaningless in \"print\" command.");
            }
            c => return fail(format!("Undefined output format \"{c}\".")),
        }
    }
    Ok(format)
}

pub fn print(cx: &mut Cx<'_>) -> Result<()> {
    print_value(cx, true)
}

/// `call`: like `print`, but nothing is said of nothing.
pub fn call(cx: &mut Cx<'_>) -> Result<()> {
    if cx.args.is_empty() {
        return fail("Argument required (an expression).");
    }
    print_value(cx, false)
}

fn print_value(cx: &mut Cx<'_>, void_too: bool) -> Result<()> {
    let (format, expr) = slash(cx.args);
    let format = print_format(format)?;
    let value = if expr.is_empty() {
        cx.eval("$")?
    } else {
        cx.eval(expr)?
    };
    if !void_too && matches!(cx.symbols().strip(&value.ty).kind, Kind::Void) {
        cx.s.answer = Some(json!({ "value": Json::Null, "type": "void" }));
        return Ok(());
    }
    let text = cx.show(&value, format, true)?;
    let data = cx.json(&value);
    let ty = cx.symbols().type_name(&value.ty);
    let mut answer = json!({ "value": data, "text": text, "type": ty });
    if let Location::Memory(addr) = value.location {
        answer["address"] = json!(addr);
    }
    cx.s.values.push(value);
    let number = cx.s.values.len();
    answer["number"] = json!(number);
    say!(cx, "${number} = {text}");
    cx.s.answer = Some(answer);
    Ok(())
}

/// `output`: as print, without number and end of line.
pub fn output(cx: &mut Cx<'_>) -> Result<()> {
    let (format, expr) = slash(cx.args);
    let format = print_format(format)?;
    let value = cx.eval(expr)?;
    let text = cx.show(&value, format, true)?;
    let _ = cx.out.write_str(&text);
    Ok(())
}

pub fn set_var(cx: &mut Cx<'_>) -> Result<()> {
    if cx.args.is_empty() {
        return fail("Argument required (expression to compute).");
    }
    cx.eval(cx.args).map(drop)
}

pub fn what_is(cx: &mut Cx<'_>) -> Result<()> {
    let ty = match cx.type_of_text(cx.args) {
        Ok(ty) => ty,
        Err(_) => cx.eval(cx.args)?.ty,
    };
    let name = cx.symbols().type_name(&ty);
    say!(cx, "type = {name}");
    cx.s.answer = Some(json!({ "type": name }));
    Ok(())
}

/// `ptype`: the type with its members.
pub fn type_of(cx: &mut Cx<'_>) -> Result<()> {
    let ty = match cx.type_of_text(cx.args) {
        Ok(ty) => ty,
        Err(_) => cx.eval(cx.args)?.ty,
    };
    let symbols = cx.symbols();
    // Through pointers to what they point to, and back.
    let (mut inner, mut stars) = (symbols.strip(&ty), String::new());
    while let Kind::Pointer(to) = &inner.kind {
        if stars.len() > 16 {
            break;
        }
        stars.push('*');
        inner = symbols.strip(&symbols.resolve(to));
    }
    let stars = if stars.is_empty() {
        stars
    } else {
        format!(" {stars}")
    };
    match &inner.kind {
        Kind::Struct(_, members) => {
            say!(cx, "type = {} {{", inner.name);
            for m in members {
                let bits = m.bits.map_or(String::new(), |(_, n)| format!(" : {n}"));
                say!(
                    cx,
                    "    {}{bits};",
                    symbols.declare(&symbols.resolve(&m.ty), &m.name, 0)
                );
            }
            say!(cx, "}}{stars}");
        }
        Kind::Enum(values) => {
            let mut next = 0;
            let names = values.iter().map(|v| {
                let text = if v.value == next {
                    v.name.clone()
                } else {
                    format!("{} = {}", v.name, v.value)
                };
                next = v.value.wrapping_add(1);
                text
            });
            let names: Vec<String> = names.collect();
            say!(cx, "type = {} {{{}}}{stars}", inner.name, names.join(", "));
        }
        _ => {
            say!(cx, "type = {}{stars}", symbols.type_name(&inner));
        }
    }
    Ok(())
}

pub fn examine(cx: &mut Cx<'_>) -> Result<()> {
    let (spec, expr) = slash(cx.args);
    let mut count = String::new();
    let mut unit_given = None;
    for c in spec.chars() {
        match c {
            '0'..='9' => count.push(c),
            'b' => unit_given = Some(1),
            'h' => unit_given = Some(2),
            'w' => unit_given = Some(4),
            'g' => unit_given = Some(8),
            'x' | 'd' | 'u' | 'o' | 't' | 'z' | 'c' | 'a' | 'f' | 's' | 'i' => {
                cx.s.examine.format = c
            }
            c => return fail(format!("Undefined output format \"{c}\".")),
        }
    }
    let pointer = u64::from(cx.target().pointer_size);
    let format = cx.s.examine.format;
    let fresh = spec.contains(|c: char| c.is_ascii_alphabetic());
    cx.s.examine.unit = match (unit_given, format) {
        (Some(n), _) => n,
        (None, 'a') => pointer,
        (None, 'c') if fresh => 1,
        (None, _) => cx.s.examine.unit,
    };
    let unit = cx.s.examine.unit;
    let count = match count.as_str() {
        "" => 1,
        digits => digits.parse::<usize>().unwrap_or(usize::MAX),
    };
    if count > MAX_COUNT {
        return fail(format!("{count} are too many; {MAX_COUNT} at most"));
    }
    let start = if expr.is_empty() {
        match cx.s.examine.next {
            Some(addr) => addr,
            None => return fail("Argument required (starting display address)."),
        }
    } else {
        let value = cx.eval(expr)?;
        // Of a variable in memory that is no pointer its value counts, of an array or function its address.
        cx.int(&value)? as u64
    };
    let start = cx.mask(start);
    match format {
        'i' => examine_code(cx, start, count)?,
        's' => examine_strings(cx, start, count)?,
        _ => examine_numbers(cx, start, count, format, unit)?,
    }
    // $_ is the last address that was shown, $__ what is there.
    let unit = match format {
        'i' | 's' => 1,
        _ => unit,
    };
    let next = cx.s.examine.next.unwrap_or(start);
    let last = match format {
        'i' | 's' => start,
        _ => next.wrapping_sub(unit),
    };
    let ty = dwarf::int(if unit == 8 { "long" } else { "int" }, unit, true);
    let at = Value::pointer(&cx.target(), ty.clone(), last);
    cx.s.variables.insert("_".into(), at);
    if let Ok(there) = cx.value_at(ty, last) {
        cx.s.variables.insert("__".into(), there);
    }
    Ok(())
}

fn examine_code(cx: &mut Cx<'_>, start: u64, count: usize) -> Result<()> {
    let list = cx.inf.disassemble(start, count)?;
    let pc = cx.selected_frame().map(|f| f.pc).ok();
    let mut answer = Vec::new();
    for i in &list {
        let label = cx.symbols().label(i.addr);
        let mark = if pc == Some(i.addr) { "=>" } else { "  " };
        say!(
            cx,
            "{mark} {:#x}{}:\t{}",
            i.addr,
            spaced(&label),
            cx.code_text(i)
        );
        answer
            .push(json!({ "address": i.addr, "bytes": i.bytes, "text": i.text, "symbol": label }));
    }
    cx.s.examine.next = list.last().map(|i| i.addr + i.bytes.len() as u64);
    cx.s.answer = Some(json!({ "instructions": answer }));
    if list.len() < count {
        let next = cx.s.examine.next.unwrap_or(start);
        return Err(Error::Fault(next));
    }
    Ok(())
}

fn spaced(label: &str) -> String {
    if label.is_empty() {
        String::new()
    } else {
        format!(" {label}")
    }
}

fn examine_strings(cx: &mut Cx<'_>, start: u64, count: usize) -> Result<()> {
    let mut addr = start;
    let mut answer = Vec::new();
    for _ in 0..count {
        let (bytes, more) = cx.read_string(addr, 200)?;
        let label = cx.symbols().label(addr);
        say!(
            cx,
            "{addr:#x}{}:\t{}{}",
            spaced(&label),
            quoted(&bytes),
            if more { "..." } else { "" }
        );
        answer.push(json!({ "address": addr, "text": String::from_utf8_lossy(&bytes) }));
        addr += bytes.len() as u64 + u64::from(!more);
        cx.s.examine.next = Some(addr);
    }
    cx.s.answer = Some(json!({ "strings": answer }));
    Ok(())
}

fn examine_numbers(
    cx: &mut Cx<'_>,
    start: u64,
    count: usize,
    format: char,
    unit: u64,
) -> Result<()> {
    let per_line = match (format, unit) {
        ('a', 8) | ('f', 8) => 2,
        ('c', _) => 8,
        ('t', 1) => 8,
        ('t', _) => (16 / unit / 2).max(1) as usize,
        _ => match unit {
            1 => 8,
            2 => 8,
            4 => 4,
            _ => 2,
        },
    };
    let target = cx.target();
    let symbols = cx.symbols();
    let mut answer = Vec::new();
    let mut line = String::new();
    let mut failure = None;
    for n in 0..count {
        let addr = cx.mask(start.wrapping_add(n as u64 * unit));
        let raw = match cx.read_uint(addr, unit as usize) {
            Ok(raw) => raw,
            Err(e) => {
                failure = Some(e);
                break;
            }
        };
        if n % per_line == 0 {
            if !line.is_empty() {
                say!(cx, "{line}");
            }
            line = format!("{addr:#x}{}:", spaced(&symbols.label(addr)));
        }
        let ty = match unit {
            4 if format == 'f' => dwarf::made("float", 4, Kind::Float),
            8 if format == 'f' => dwarf::made("double", 8, Kind::Float),
            _ => dwarf::int("int", unit, true),
        };
        let value = Value::of_type(&target, ty, raw);
        // Memory in hexadecimal shows its width, as gdb's does.
        let letter = if format == 'x' { 'z' } else { format };
        let text = match format {
            't' => format!("{raw:0width$b}", width = 8 * unit as usize),
            _ => cx.formatted(&value, Format::Letter(letter))?,
        };
        line += "\t";
        line += &text;
        answer.push(json!(raw));
        cx.s.examine.next = Some(addr.wrapping_add(unit));
    }
    if !line.is_empty() {
        say!(cx, "{line}");
    }
    cx.s.answer = Some(json!({ "address": start, "unit": unit, "values": answer }));
    failure.map_or(Ok(()), Err)
}

/// Writes memory or its absence to a file of the host: `dump FILE START END`.
pub fn dump(cx: &mut Cx<'_>) -> Result<()> {
    let mut words = cx.args.splitn(3, char::is_whitespace);
    let (Some(file), Some(start), Some(end)) = (words.next(), words.next(), words.next()) else {
        return fail("Arguments required: FILE START END.");
    };
    let (start, end) = (cx.eval_int(start)? as u64, cx.eval_int(end)? as u64);
    let len = end.checked_sub(start).filter(|n| *n <= 1 << 30);
    let Some(len) = len else {
        return fail("the end is before the start, or more than 1 GiB after it");
    };
    let data = cx.read(start, len as usize)?;
    std::fs::write(file, data).map_err(|e| Error::Failed(format!("{file}: {e}")))?;
    say!(cx, "{len} bytes written to {file}");
    Ok(())
}

/// `find START, END, VALUE...`: where bytes are in memory.
pub fn find(cx: &mut Cx<'_>) -> Result<()> {
    let (spec, rest) = slash(cx.args);
    let size = spec.chars().find_map(|c| match c {
        'b' => Some(1),
        'h' => Some(2),
        'w' => Some(4),
        'g' => Some(8),
        _ => None,
    });
    let mut parts = rest.split(',').map(str::trim);
    let (Some(start), Some(end)) = (parts.next(), parts.next()) else {
        return fail("Arguments required: START, END (or +LENGTH), VALUE...");
    };
    let start = cx.eval_int(start)? as u64;
    let end = match end.strip_prefix('+') {
        Some(len) => start.wrapping_add(cx.eval_int(len)? as u64).wrapping_sub(1),
        None => cx.eval_int(end)? as u64,
    };
    let mut pattern = Vec::new();
    for part in parts {
        let value = cx.eval(part)?;
        let bytes = match (&value.ty.kind, size) {
            // A string is looked for without its zero byte.
            (Kind::Array(..), _) => value.bytes[..value.bytes.len().saturating_sub(1)].to_vec(),
            (_, Some(n)) => {
                let raw = cx.int(&value)? as u64;
                cx.target().integer(raw, n)
            }
            _ => value.bytes,
        };
        pattern.extend(bytes);
    }
    if pattern.is_empty() {
        return fail("there is nothing to look for");
    }
    let mut found = Vec::new();
    let mut at = start;
    while at <= end && found.len() < 1000 {
        const STEP: usize = 64 * 1024;
        let want = STEP.min((end - at).saturating_add(1) as usize);
        let mut buf = vec![0; want];
        let n = match cx.inf.read_memory(at, &mut buf) {
            Ok(n) => n,
            // Over the hole.
            Err(_) => {
                at = (at | 0xfff).wrapping_add(1);
                if at == 0 {
                    break;
                }
                continue;
            }
        };
        let hits = buf[..n]
            .windows(pattern.len())
            .enumerate()
            .filter(|(_, w)| *w == pattern);
        found.extend(hits.map(|(i, _)| at + i as u64));
        if n < pattern.len() {
            at = at.saturating_add(n.max(1) as u64);
        } else {
            at = at.saturating_add((n - pattern.len() + 1) as u64);
        }
        if at == u64::MAX {
            break;
        }
    }
    for addr in &found {
        let label = cx.symbols().label(*addr);
        say!(cx, "{addr:#x}{}", spaced(&label));
    }
    match found.len() {
        0 => say!(cx, "Pattern not found."),
        1 => say!(cx, "1 pattern found."),
        n => say!(cx, "{n} patterns found."),
    };
    cx.s.answer = Some(json!({ "addresses": found }));
    Ok(())
}
