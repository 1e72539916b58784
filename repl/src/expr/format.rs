//! Values as text, as gdb shows them.

use super::value::{Location, Value};
use crate::dwarf::{Kind, Symbols, Ty};
use crate::session::Cx;
use emu_stub::{Result, TargetDescription};
use serde_json::{Value as Json, json};

/// Elements of an array or characters of a string that are shown.
const LIMIT: usize = 200;
/// Equal elements that are shown as one.
const REPEATS: usize = 10;
/// Nesting of structures that is shown.
const MAX_DEPTH: usize = 20;

/// How a number is to be shown: a letter of gdb's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As its type says.
    #[default]
    Natural,
    /// One of `x d u o t z c a f s i`.
    Letter(char),
}

impl Cx<'_> {
    /// A value as text; `top` adds the type of pointers, as gdb does outside of structures.
    ///
    /// # Errors
    /// Never by the value itself: what cannot be read is said in the text.
    pub fn show(&mut self, value: &Value, format: Format, top: bool) -> Result<String> {
        self.text(value, format, top, 0)
    }

    fn text(&mut self, value: &Value, format: Format, top: bool, depth: usize) -> Result<String> {
        if value.lost {
            return Ok("<optimized out>".into());
        }
        if depth > MAX_DEPTH {
            return Ok("{...}".into());
        }
        let symbols = self.symbols();
        let ty = symbols.strip(&value.ty);
        match &ty.kind {
            Kind::Struct(_, members) => {
                let mut parts = Vec::new();
                for m in members.iter().take(LIMIT) {
                    let inner = Value::member_of(&symbols, value, m);
                    let text = self.text(&inner, format, false, depth + 1)?;
                    parts.push(if m.name.is_empty() {
                        text
                    } else {
                        format!("{} = {text}", m.name)
                    });
                }
                if members.len() > LIMIT {
                    parts.push("...".into());
                }
                Ok(format!("{{{}}}", parts.join(", ")))
            }
            Kind::Array(element, _) => {
                let element = symbols.resolve(element);
                self.array_text(value, &element, format, depth)
            }
            Kind::Function(..) => {
                let addr = match value.location {
                    Location::Memory(addr) => addr,
                    _ => 0,
                };
                let name = symbols.type_name(&value.ty);
                let label = symbols.label(addr);
                let braces = if name.starts_with('<') {
                    name.split('>')
                        .next()
                        .map(|n| format!("{{{n}>}}"))
                        .unwrap_or_default()
                } else {
                    format!("{{{name}}}")
                };
                Ok(format!("{braces} {addr:#x} {label}").trim_end().to_owned())
            }
            _ if format != Format::Natural => self.formatted(value, format),
            Kind::Void => Ok("void".into()),
            Kind::Pointer(to) => {
                let to = symbols.resolve(to);
                let addr = value.raw(&self.target());
                let inner = symbols.strip(&to);
                let function = matches!(inner.kind, Kind::Function(..));
                let label = symbols.label(addr);
                let mut text = String::new();
                let chars = matches!(inner.kind, Kind::Char(_)) && inner.size == 1;
                if top && !chars {
                    text = format!("({}) ", symbols.type_name(&value.ty));
                }
                text += &format!("{addr:#x}");
                if chars {
                    match self.read_string(addr, LIMIT) {
                        Ok((bytes, more)) => {
                            let dots = if more { "..." } else { "" };
                            text += &format!(" {}{dots}", quoted(&bytes));
                        }
                        Err(e) if addr != 0 => text += &format!(" <error: {e}>"),
                        Err(_) => {}
                    }
                } else if !label.is_empty() && (function || top || self.is_static(addr)) {
                    text += &format!(" {label}");
                }
                Ok(text)
            }
            Kind::Enum(values) => {
                let n = self.int(value)?;
                Ok(enum_text(values, n, &ty))
            }
            Kind::Bool => Ok(match value.raw(&self.target()) {
                0 => "false".into(),
                1 => "true".into(),
                n => n.to_string(),
            }),
            Kind::Char(_) if value.bytes.len() == 1 => {
                let n = self.int(value)?;
                Ok(format!("{n} {}", char_text(n as u8)))
            }
            Kind::Float => {
                let target = self.target();
                Ok(match value.number(&target) {
                    Some(n) => float_text(n, if value.bytes.len() == 4 { 9 } else { 17 }),
                    None => hex(&value.bytes),
                })
            }
            Kind::Int(signed) => {
                if value.bytes.len() > 8 {
                    return Ok(hex(&value.bytes));
                }
                let n = self.int(value)?;
                Ok(if *signed {
                    n.to_string()
                } else {
                    value.raw(&self.target()).to_string()
                })
            }
            _ => {
                let n = self.int(value)?;
                Ok(n.to_string())
            }
        }
    }

    /// Whether a label says more than that the address is somewhere in the file: data, not the inside of code by accident.
    fn is_static(&mut self, addr: u64) -> bool {
        self.symbols()
            .symbol_at(addr)
            .is_some_and(|(_, offset)| offset == 0)
    }

    fn array_text(
        &mut self,
        value: &Value,
        element: &Ty,
        format: Format,
        depth: usize,
    ) -> Result<String> {
        let symbols = self.symbols();
        let size = symbols.size_of(element);
        let count = (value.bytes.len() as u64).checked_div(size).unwrap_or(0);
        let plain = symbols.strip(element);
        if matches!(plain.kind, Kind::Char(_))
            && size == 1
            && matches!(format, Format::Natural | Format::Letter('s'))
        {
            return Ok(chars_text(&value.bytes));
        }
        let mut parts: Vec<(String, usize)> = Vec::new();
        let mut shown = 0;
        let mut i = 0;
        while i < count && shown < LIMIT {
            let part = value.part(element.clone(), i * size, size);
            let mut same = 1;
            while i + same < count
                && value.bytes[((i + same) * size) as usize..((i + same + 1) * size) as usize]
                    == part.bytes[..]
            {
                same += 1;
            }
            let text = self.text(&part, format, false, depth + 1)?;
            if same as usize >= REPEATS {
                parts.push((format!("{text} <repeats {same} times>"), 1));
                shown += REPEATS;
            } else {
                for _ in 0..same {
                    parts.push((text.clone(), 1));
                }
                shown += same as usize;
            }
            i += same;
        }
        let mut texts: Vec<String> = parts.into_iter().map(|(t, _)| t).take(LIMIT).collect();
        if i < count {
            let last = texts.pop().unwrap_or_default();
            texts.push(format!("{last}..."));
        }
        Ok(format!("{{{}}}", texts.join(", ")))
    }

    /// A number in a format of gdb's.
    ///
    /// # Errors
    /// The value is no number.
    pub fn formatted(&mut self, value: &Value, format: Format) -> Result<String> {
        let target = self.target();
        let symbols = self.symbols();
        let Format::Letter(letter) = format else {
            return self.text(value, format, true, 0);
        };
        let float = matches!(symbols.strip(&value.ty).kind, Kind::Float);
        let bits = value.width().max(8);
        let raw = match letter {
            // gdb shows the integer part of a floating-point number in every integer format.
            _ if float && letter != 'f' => value.number(&target).unwrap_or(0.0) as i64 as u64,
            _ => self.int(value)? as u64,
        };
        Ok(number_text(
            &target,
            &symbols,
            raw,
            bits,
            letter,
            float.then_some(value),
        ))
    }

    /// A value for programs.
    pub fn json(&mut self, value: &Value) -> Json {
        self.json_at(value, 0)
    }

    fn json_at(&mut self, value: &Value, depth: usize) -> Json {
        let symbols = self.symbols();
        let target = self.target();
        if value.lost {
            return Json::Null;
        }
        if depth > MAX_DEPTH {
            return json!("...");
        }
        let ty = symbols.strip(&value.ty);
        match &ty.kind {
            Kind::Struct(_, members) => {
                let mut map = serde_json::Map::new();
                for m in members.iter().take(LIMIT) {
                    let inner = Value::member_of(&symbols, value, m);
                    map.insert(m.name.clone(), self.json_at(&inner, depth + 1));
                }
                Json::Object(map)
            }
            Kind::Array(element, _) => {
                let element = symbols.resolve(element);
                let size = symbols.size_of(&element).max(1);
                if matches!(symbols.strip(&element).kind, Kind::Char(_)) && size == 1 {
                    let end = value
                        .bytes
                        .iter()
                        .position(|b| *b == 0)
                        .unwrap_or(value.bytes.len());
                    return json!(String::from_utf8_lossy(&value.bytes[..end]));
                }
                let count = (value.bytes.len() as u64 / size).min(LIMIT as u64);
                let items = (0..count)
                    .map(|i| self.json_at(&value.part(element.clone(), i * size, size), depth + 1));
                Json::Array(items.collect())
            }
            Kind::Float => value.number(&target).map_or(Json::Null, |n| json!(n)),
            Kind::Bool => json!(value.raw(&target) != 0),
            Kind::Void => Json::Null,
            _ => match self.int(value) {
                Ok(n)
                    if matches!(
                        ty.kind,
                        Kind::Pointer(_) | Kind::Function(..) | Kind::Int(false)
                    ) =>
                {
                    json!(n as u64)
                }
                Ok(n) => json!(n),
                Err(_) => Json::Null,
            },
        }
    }
}

/// `raw` in the format of that letter.
pub fn number_text(
    target: &TargetDescription,
    symbols: &Symbols,
    raw: u64,
    bits: u64,
    letter: char,
    float: Option<&Value>,
) -> String {
    let cut = if bits >= 64 {
        raw
    } else {
        raw & ((1 << bits) - 1)
    };
    let signed = if bits >= 64 {
        raw as i64
    } else {
        ((raw << (64 - bits)) as i64) >> (64 - bits)
    };
    match letter {
        'x' => format!("{cut:#x}"),
        'z' => format!("0x{cut:0width$x}", width = (bits as usize).div_ceil(4)),
        'o' if cut == 0 => "0".into(),
        'o' => format!("0{cut:o}"),
        't' => format!("{cut:b}"),
        'u' => cut.to_string(),
        'c' => format!("{} {}", signed as i8, char_text(cut as u8)),
        'a' => {
            let label = symbols.label(cut);
            format!("{cut:#x} {label}").trim_end().to_owned()
        }
        'f' => match float.and_then(|v| v.number(target)) {
            Some(n) => float_text(n, if bits == 32 { 9 } else { 17 }),
            None => match bits {
                32 => float_text(f32::from_bits(cut as u32).into(), 9),
                64 => float_text(f64::from_bits(cut), 17),
                _ => signed.to_string(),
            },
        },
        _ => signed.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().rev().map(|b| format!("{b:02x}")).collect();
    format!("0x{digits}")
}

fn enum_text(values: &[crate::dwarf::EnumValue], n: i64, ty: &Ty) -> String {
    if let Some(v) = values.iter().find(|v| v.value == n) {
        return v.name.clone();
    }
    // Names of single bits: a set of flags.
    let flags = !values.is_empty()
        && values
            .iter()
            .all(|v| v.value >= 0 && v.value.count_ones() <= 1);
    if flags && n > 0 {
        let mut rest = n;
        let mut names = Vec::new();
        for v in values
            .iter()
            .filter(|v| v.value != 0 && n & v.value == v.value)
        {
            names.push(v.name.clone());
            rest &= !v.value;
        }
        if !names.is_empty() {
            if rest != 0 {
                names.push(format!("unknown: {rest:#x}"));
            }
            return format!("({})", names.join(" | "));
        }
    }
    let _ = ty;
    n.to_string()
}

/// One character of a C literal, for quotes of that kind.
fn escape(c: u8, quote: char) -> String {
    match c {
        7 => "\\a".into(),
        8 => "\\b".into(),
        b'\t' => "\\t".into(),
        b'\n' => "\\n".into(),
        11 => "\\v".into(),
        12 => "\\f".into(),
        b'\r' => "\\r".into(),
        27 => "\\033".into(),
        b'\\' => "\\\\".into(),
        c if char::from(c) == quote => format!("\\{quote}"),
        0x20..=0x7e => char::from(c).to_string(),
        c => format!("\\{c:03o}"),
    }
}

fn char_text(c: u8) -> String {
    format!("'{}'", escape(c, '\''))
}

/// Bytes as a C string.
pub fn quoted(bytes: &[u8]) -> String {
    let inner: String = bytes.iter().map(|c| escape(*c, '"')).collect();
    format!("\"{inner}\"")
}

/// A character array: strings, and runs of the same character.
fn chars_text(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "\"\"".into();
    }
    // Zero bytes at the end are left out, if they are all that follows and there is a string before (gdb's `print null-stop off`).
    let used = bytes.iter().rposition(|b| *b != 0).map_or(0, |p| p + 1);
    let zeros = bytes.len() - used;
    let bytes_shown = if zeros == 1 || (used > 0 && zeros > 0 && zeros < REPEATS) {
        // One terminator is the string's own.
        if zeros == 1 {
            &bytes[..used]
        } else {
            &bytes[..bytes.len() - 1]
        }
    } else {
        bytes
    };
    let mut parts: Vec<String> = Vec::new();
    let mut open = String::new();
    let (mut i, mut shown) = (0, 0);
    while i < bytes_shown.len() && shown < LIMIT {
        let c = bytes_shown[i];
        let run = bytes_shown[i..].iter().take_while(|b| **b == c).count();
        if run >= REPEATS {
            if !open.is_empty() {
                parts.push(format!("\"{open}\""));
                open.clear();
            }
            // A string's terminator at the very end is not counted among the zeros.
            let run_shown = if c == 0 && i + run == bytes.len() && i > 0 {
                run - 1
            } else {
                run
            };
            parts.push(format!("{} <repeats {run_shown} times>", char_text(c)));
            shown += REPEATS;
        } else {
            for _ in 0..run {
                open += &escape(c, '"');
            }
            shown += run;
        }
        i += run;
    }
    if !open.is_empty() || parts.is_empty() {
        parts.push(format!("\"{open}\""));
    }
    let dots = if i < bytes_shown.len() { "..." } else { "" };
    parts.join(", ") + dots
}

/// A floating-point number with so many significant digits, as C's `%g` writes it.
pub fn float_text(n: f64, digits: usize) -> String {
    if n.is_nan() {
        let bits = n.to_bits();
        let sign = if bits >> 63 == 1 { "-" } else { "" };
        return format!("{sign}nan({:#x})", bits & 0xf_ffff_ffff_ffff);
    }
    if n.is_infinite() {
        return if n < 0.0 { "-inf".into() } else { "inf".into() };
    }
    if n == 0.0 {
        return if n.is_sign_negative() {
            "-0".into()
        } else {
            "0".into()
        };
    }
    let scientific = format!("{n:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') {
            s.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            s.to_owned()
        }
    };
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    trim(&format!(
        "{n:.*}",
        (digits as i32 - 1 - exponent).max(0) as usize
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_those_of_printf() {
        for (n, digits, text) in [
            (0.5, 9, "0.5"),
            (1e10, 9, "1e+10"),
            (0.1, 17, "0.10000000000000001"),
            (-2.0, 17, "-2"),
            (1e-7, 17, "9.9999999999999995e-08"),
            (123456.0, 17, "123456"),
            (f64::INFINITY, 17, "inf"),
        ] {
            assert_eq!(float_text(n, digits), text);
        }
    }

    #[test]
    fn character_arrays_are_gdbs() {
        let mut hello = b"hello".to_vec();
        hello.resize(32, 0);
        assert_eq!(chars_text(&hello), r#""hello", '\000' <repeats 26 times>"#);
        assert_eq!(chars_text(b"ab\n\0"), r#""ab\n""#);
        assert_eq!(chars_text(b"abc"), r#""abc""#);
        assert_eq!(chars_text(&[0; 20]), r"'\000' <repeats 20 times>");
        assert_eq!(chars_text(b"a\"b\0\0"), r#""a\"b\000""#);
    }
}
