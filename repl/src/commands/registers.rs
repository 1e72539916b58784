//! `info registers`, with those marked that have changed since the last stop.

use crate::expr::{Format, float_text};
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{RegisterInfo, RegisterType, Result, Tid};
use serde_json::{Map, json};

impl Cx<'_> {
    /// Keeps a thread's registers, to compare with at the next stop.
    pub fn snapshot_registers(&mut self, tid: Tid) {
        let target = self.target();
        let values = (0..target.registers.len())
            .map(|n| self.register_bytes(tid, n).unwrap_or_default())
            .collect();
        self.s.registers_now.insert(tid, values);
    }

    /// Whether a register has changed since the stop before.
    pub fn register_changed(&mut self, tid: Tid, number: usize, bytes: &[u8]) -> bool {
        match self
            .s
            .registers_before
            .get(&tid)
            .and_then(|r| r.get(number))
        {
            Some(before) => before != bytes,
            None => false,
        }
    }

    /// A register's value in hexadecimal, and in words where that says more.
    pub fn register_text(&mut self, info: &RegisterInfo, bytes: &[u8]) -> (String, String) {
        let target = self.target();
        let raw = target.read_integer(bytes);
        match info.kind {
            RegisterType::Vector => {
                let digits: String = match target.endian {
                    emu_stub::Endian::Little => {
                        bytes.iter().rev().map(|b| format!("{b:02x}")).collect()
                    }
                    emu_stub::Endian::Big => bytes.iter().map(|b| format!("{b:02x}")).collect(),
                };
                let lanes: Vec<String> = bytes
                    .chunks_exact(4)
                    .map(|c| float_text(f32::from_bits(target.read_integer(c) as u32).into(), 6))
                    .collect();
                (
                    format!("0x{digits}"),
                    format!("f32 {{{}}}", lanes.join(", ")),
                )
            }
            RegisterType::Float => {
                let n = match bytes.len() {
                    4 => f32::from_bits(raw as u32).into(),
                    _ => f64::from_bits(raw),
                };
                (
                    format!("{raw:#x}"),
                    float_text(n, if bytes.len() == 4 { 9 } else { 17 }),
                )
            }
            RegisterType::CodePtr => {
                let label = self.symbols().label(raw);
                (
                    format!("{raw:#x}"),
                    if label.is_empty() {
                        format!("{raw:#x}")
                    } else {
                        label
                    },
                )
            }
            RegisterType::DataPtr => {
                let label = self.symbols().label(raw);
                (
                    format!("{raw:#x}"),
                    if label.is_empty() {
                        format!("{raw:#x}")
                    } else {
                        label
                    },
                )
            }
            RegisterType::Flags(fields) => {
                let set: Vec<&str> = fields
                    .iter()
                    .rev()
                    .filter(|f| raw >> f.first_bit & 1 == 1)
                    .map(|f| f.name)
                    .collect();
                (
                    format!("{raw:#x}"),
                    format!("[ {} ]", set.join(" ")).replace("[  ]", "[ ]"),
                )
            }
            RegisterType::Int => {
                let bits = 8 * bytes.len().min(8) as u32;
                let signed = if bits == 64 || bits == 0 {
                    raw as i64
                } else {
                    ((raw << (64 - bits)) as i64) >> (64 - bits)
                };
                (format!("{raw:#x}"), signed.to_string())
            }
        }
    }
}

fn show(cx: &mut Cx<'_>, wanted: impl Fn(&RegisterInfo) -> bool) -> Result<()> {
    let target = cx.target();
    let tid = cx.tid()?;
    let depth = cx.s.frame;
    let mut answer = Map::new();
    for (number, info) in target.registers.iter().enumerate() {
        if !wanted(info) {
            continue;
        }
        let value = cx.register_value(number, depth);
        let name = if info.alt_name.is_empty() {
            info.name
        } else {
            info.alt_name
        };
        match value {
            Ok(value) => {
                let (hex, words) = cx.register_text(info, &value.bytes);
                let changed = depth == 0 && cx.register_changed(tid, number, &value.bytes);
                let mark = if changed { "*" } else { " " };
                say!(cx, "{mark}{name:<14} {hex:<18} {words}");
                answer.insert(
                    info.name.into(),
                    json!({ "hex": hex, "text": words, "changed": changed }),
                );
            }
            Err(_) => {
                say!(cx, " {name:<14} <not saved>");
                answer.insert(info.name.into(), json!(null));
            }
        }
    }
    cx.s.answer = Some(json!({ "thread": tid, "frame": depth, "registers": answer }));
    Ok(())
}

fn general(info: &RegisterInfo) -> bool {
    !matches!(info.kind, RegisterType::Vector | RegisterType::Float)
        && !matches!(info.group, "float" | "vector" | "system")
}

pub fn info(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    if args.is_empty() {
        return show(cx, general);
    }
    let target = cx.target();
    for word in args.split_whitespace() {
        let name = word.trim_start_matches('$');
        if matches!(name, "all" | "float" | "vector" | "general" | "system") {
            match name {
                "all" => show(cx, |_| true)?,
                "general" => show(cx, general)?,
                "float" => show(cx, |i| matches!(i.kind, RegisterType::Float))?,
                "vector" => show(cx, |i| matches!(i.kind, RegisterType::Vector))?,
                _ => show(cx, |i| i.group == "system")?,
            }
            continue;
        }
        let number = match name {
            "pc" | "sp" | "fp" => {
                let role = match name {
                    "pc" => emu_stub::RegisterRole::Pc,
                    "sp" => emu_stub::RegisterRole::Sp,
                    _ => emu_stub::RegisterRole::Fp,
                };
                target.register_in_role(role)
            }
            _ => target.register_by_name(name),
        };
        match number {
            Some(number) => {
                let wanted = target.registers[number].name;
                show(cx, |i| i.name == wanted)?;
            }
            None => {
                // A part of a vector register.
                let Ok(value) = cx.eval(&format!("${name}")) else {
                    return fail(format!("Invalid register `{name}'"));
                };
                if matches!(value.ty.kind, crate::dwarf::Kind::Void) {
                    return fail(format!("Invalid register `{name}'"));
                }
                let text = cx.show(&value, Format::Natural, true)?;
                say!(cx, " {name:<14} {text}");
            }
        }
    }
    Ok(())
}

pub fn info_all(cx: &mut Cx<'_>) -> Result<()> {
    show(cx, |_| true)
}

pub fn info_float(cx: &mut Cx<'_>) -> Result<()> {
    show(cx, |i| {
        matches!(i.kind, RegisterType::Float) || (matches!(i.kind, RegisterType::Vector))
    })
}
