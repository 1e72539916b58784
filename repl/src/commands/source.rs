//! Source and disassembly.

use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Instruction, Result};
use serde_json::json;

/// Lines that `list` shows.
/// Lines that `list` shows, unless it is set otherwise.
pub const PAGE: u32 = 10;
/// Bytes that `disassemble` shows at most.
const MAX_CODE: u64 = 1 << 20;

impl Cx<'_> {
    /// An instruction with the target of a branch by name.
    pub fn code_text(&mut self, i: &Instruction) -> String {
        let text = i.text.replacen(' ', "\t", 1);
        // The last operand, if it is the address of a symbol in code.
        let last = text.rsplit([' ', '\t', ',']).next().unwrap_or("");
        let addr = last
            .trim_start_matches('#')
            .strip_prefix("0x")
            .and_then(|h| u64::from_str_radix(h, 16).ok());
        match addr {
            Some(addr) if addr >= 0x1000 => {
                let label = self.symbols().label(addr);
                if label.is_empty() {
                    text
                } else {
                    format!("{text} {label}")
                }
            }
            _ => text,
        }
    }

    /// Prints lines `from..to` of a file, if it can be read.
    fn print_lines(&mut self, file: &str, from: u32, to: u32) -> Result<u32> {
        let Some(source) = self.source(file) else {
            return fail(format!("{file}: No such file or directory."));
        };
        let last = (source.len() as u32).min(to.saturating_sub(1));
        if from > last {
            return fail(format!(
                "Line number {from} out of range; \"{file}\" has {} lines.",
                source.len()
            ));
        }
        for n in from..=last {
            say!(self, "{n}\t{}", source[n as usize - 1]);
        }
        let lines: Vec<&String> = source[from as usize - 1..last as usize].iter().collect();
        self.s.answer = Some(json!({ "file": file, "first": from, "lines": lines }));
        Ok(last + 1)
    }
}

pub fn list(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    let page = cx.s.list_size.unwrap_or(PAGE);
    let symbols = cx.symbols();
    // FIRST,LAST
    if let Some((first, last)) = args.split_once(',') {
        let first = cx.locate_line(first)?;
        let to = match last.trim() {
            "" => first.1 + page,
            last => cx.locate_line(last)?.1 + 1,
        };
        let next = cx.print_lines(&first.0, first.1, to)?;
        cx.s.listing = Some((first.0, next));
        return Ok(());
    }
    let (file, from) = match (args, cx.s.listing.clone()) {
        ("", Some(listing)) => listing,
        ("-", Some((file, next))) => {
            let from = next.saturating_sub(2 * page).max(1);
            (file, from)
        }
        ("" | "-", None) => {
            let line = if cx.alive() {
                let frame = cx.selected_frame()?;
                cx.frame_line(&frame)
            } else {
                None
            };
            let main = || {
                let f = symbols.function("main")?;
                symbols.line_at(f.module.to_memory(f.item.low))
            };
            let Some(line) = line.or_else(main) else {
                return fail("No symbol table is loaded.");
            };
            (line.file, line.line.saturating_sub(page / 2).max(1))
        }
        (place, _) => {
            let (file, line) = cx.locate_line(place)?;
            (file, line.saturating_sub(page / 2).max(1))
        }
    };
    let next = cx.print_lines(&file, from, from + page)?;
    cx.s.listing = Some((file, next));
    Ok(())
}

impl Cx<'_> {
    /// File and line of a place for `list`: a line need not have code.
    fn locate_line(&mut self, text: &str) -> Result<(String, u32)> {
        let text = text.trim();
        let symbols = self.symbols();
        let (file, number) = text.rsplit_once(':').unwrap_or(("", text));
        if let Ok(line) = number.parse::<u32>() {
            let file = if file.is_empty() {
                match self.s.listing.clone() {
                    Some((file, _)) => Some(file),
                    None => {
                        let frame = if self.alive() {
                            Some(self.selected_frame()?)
                        } else {
                            None
                        };
                        frame.and_then(|f| self.frame_line(&f)).map(|l| l.file)
                    }
                }
                .or_else(|| {
                    let f = symbols.function("main")?;
                    Some(symbols.line_at(f.module.to_memory(f.item.low))?.file)
                })
            } else {
                symbols.source_file(file)
            };
            return match file {
                Some(file) => Ok((file, line.max(1))),
                None => fail(format!("No source file named {text}.")),
            };
        }
        // A function begins at its opening line, not at its body.
        let addr = match symbols.function(text) {
            Some(f) => f.module.to_memory(f.item.low),
            None => self.locate(text)?.addrs.first().copied().unwrap_or(0),
        };
        match symbols.line_at(addr) {
            Some(l) => Ok((l.file, l.line)),
            None => fail(format!("No line number is known for {text}.")),
        }
    }
}

pub fn disassemble(cx: &mut Cx<'_>) -> Result<()> {
    let (mut modes, mut rest) = (String::new(), cx.args);
    while let Some(after) = rest.strip_prefix('/') {
        let (mode, more) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
        modes += mode;
        rest = more.trim();
    }
    let symbols = cx.symbols();
    let pc = cx.selected_frame().map(|f| f.pc).ok();
    let (start, end, name) = match rest.split_once(',') {
        Some((first, last)) => {
            let first = cx.eval_int(first)? as u64;
            let last = last.trim();
            let end = match last.strip_prefix('+') {
                Some(len) => first.wrapping_add(cx.eval_int(len)? as u64),
                None => cx.eval_int(last)? as u64,
            };
            (first, end, None)
        }
        None => {
            let addr = match rest {
                "" => cx.selected_frame()?.pc,
                text => cx.eval_int(text)? as u64,
            };
            let addr = cx.mask(addr);
            let Some((name, offset)) = symbols.symbol_at(addr) else {
                return fail(format!(
                    "No function contains {addr:#x}; give START,END or START,+LENGTH."
                ));
            };
            let start = addr - offset;
            let dwarf = symbols
                .function_at(addr)
                .map(|f| f.module.to_memory(f.item.high));
            let size = symbols
                .symbol(&name)
                .filter(|(a, ..)| *a == start)
                .map(|(a, size, _)| a + size);
            // A symbol without a size: a screenful from the place on.
            let end = dwarf.or(size).filter(|e| *e > addr).unwrap_or(addr + 64);
            (start, end, Some(name))
        }
    };
    if end <= start || end - start > MAX_CODE {
        return fail(format!(
            "{start:#x} to {end:#x} is no range of code, or more than {MAX_CODE} bytes"
        ));
    }
    match &name {
        Some(name) => say!(cx, "Dump of assembler code for function {name}:"),
        None => say!(cx, "Dump of assembler code from {start:#x} to {end:#x}:"),
    };
    let count = (end - start).div_ceil(4) as usize;
    let mut list = cx.inf.disassemble(start, count)?;
    list.retain(|i| i.addr < end);
    let with_source = modes.contains(['m', 's']);
    let raw = modes.contains('r');
    let mut shown = None;
    let mut answer = Vec::new();
    for i in &list {
        let line = symbols.line_at(i.addr);
        if with_source
            && let Some(l) = &line
            && shown.as_ref() != Some(&(l.file.clone(), l.line))
        {
            if shown.is_some() {
                say!(cx);
            }
            match cx
                .source(&l.file)
                .and_then(|s| s.get(l.line as usize - 1).cloned())
            {
                Some(text) => say!(cx, "{}\t{text}", l.line),
                None => say!(cx, "{}\tin {}", l.line, l.name),
            };
            shown = Some((l.file.clone(), l.line));
        }
        let mark = if pc == Some(i.addr) { "=>" } else { "  " };
        let offset = match (&name, symbols.symbol_at(i.addr)) {
            (Some(_), Some((_, offset))) => format!(" <+{offset}>"),
            (None, Some((name, offset))) => format!(" <{name}+{offset}>"),
            _ => String::new(),
        };
        let bytes = if raw {
            i.bytes
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<Vec<_>>()
                .join(" ")
                + "\t"
        } else {
            String::new()
        };
        let (addr, text) = (cx.addr_text(i.addr), cx.code_text(i));
        say!(cx, "{mark} {addr}{offset}:\t{bytes}{text}");
        answer.push(json!({
            "address": i.addr, "bytes": i.bytes, "text": i.text,
            "line": line.as_ref().map(|l| l.line), "file": line.map(|l| l.name),
        }));
    }
    say!(cx, "End of assembler dump.");
    cx.s.answer = Some(json!({ "function": name, "instructions": answer }));
    Ok(())
}

pub fn info_line(cx: &mut Cx<'_>) -> Result<()> {
    let addrs = match cx.args {
        // Of a caller the line of the call, not what follows it.
        "" => vec![cx.selected_frame()?.lookup_pc()],
        place => cx.locate(place)?.addrs,
    };
    let symbols = cx.symbols();
    let mut answer = Vec::new();
    for addr in addrs {
        let label = symbols.label(addr);
        match symbols.line_at(addr) {
            Some(l) => {
                let (start, end) = (symbols.label(l.start), symbols.label(l.end));
                say!(
                    cx,
                    "Line {} of \"{}\" starts at address {:#x} {start} and ends at {:#x} {end}.",
                    l.line,
                    l.name,
                    l.start,
                    l.end
                );
                answer.push(
                    json!({ "file": l.name, "line": l.line, "start": l.start, "end": l.end }),
                );
            }
            None => {
                say!(
                    cx,
                    "No line number information available for address {addr:#x} {label}"
                );
            }
        }
    }
    cx.s.answer = Some(json!({ "lines": answer }));
    Ok(())
}

pub fn info_source(cx: &mut Cx<'_>) -> Result<()> {
    let frame = cx.selected_frame()?;
    let Some(line) = cx.frame_line(&frame) else {
        return fail("No current source file.");
    };
    let found = cx.source(&line.file);
    say!(cx, "Current source file is {}", line.name);
    say!(cx, "Located in {}", line.file);
    match &found {
        Some(text) => say!(cx, "Contains {} lines.", text.len()),
        None => say!(cx, "It cannot be read."),
    };
    cx.s.answer = Some(
        json!({ "file": line.name, "fullname": line.file, "line": line.line, "readable": found.is_some() }),
    );
    Ok(())
}

pub fn info_symbol(cx: &mut Cx<'_>) -> Result<()> {
    if cx.args.is_empty() {
        return fail("Argument required (address).");
    }
    let addr = cx.eval_int(cx.args)? as u64;
    let addr = cx.mask(addr);
    let symbols = cx.symbols();
    let Some((name, offset)) = symbols.symbol_at(addr) else {
        return fail(format!("No symbol matches {}.", cx.args));
    };
    let module = symbols
        .module_at(addr)
        .filter(|m| m.index > 0)
        .map(|m| format!(" of {}", m.module.name));
    let offset_text = if offset == 0 {
        String::new()
    } else {
        format!(" + {offset}")
    };
    say!(
        cx,
        "{name}{offset_text} in {addr:#x}{}",
        module.unwrap_or_default()
    );
    cx.s.answer = Some(json!({ "symbol": name, "offset": offset, "address": addr }));
    Ok(())
}

pub fn info_address(cx: &mut Cx<'_>) -> Result<()> {
    let name = cx.args;
    match cx.symbols().symbol(name) {
        Some((addr, size, code)) => {
            let what = if code { "a function" } else { "static storage" };
            say!(
                cx,
                "Symbol \"{name}\" is {what} at address {addr:#x}, {size} bytes."
            );
            cx.s.answer = Some(json!({ "symbol": name, "address": addr, "size": size }));
            Ok(())
        }
        None => {
            let value = cx.eval(name)?;
            match value.location {
                crate::expr::Location::Memory(addr) => {
                    say!(cx, "Symbol \"{name}\" is at address {addr:#x}.")
                }
                crate::expr::Location::Register(n, _) => say!(
                    cx,
                    "Symbol \"{name}\" is in register ${}.",
                    cx.target().registers[n].name
                ),
                _ => return fail(format!("No symbol \"{name}\" in current context.")),
            };
            Ok(())
        }
    }
}

/// Functions or variables whose name contains the argument.
fn matching(cx: &mut Cx<'_>, functions: bool) -> Result<()> {
    let wanted = cx.args;
    let symbols = cx.symbols();
    let mut found = Vec::new();
    for m in &symbols.modules {
        for s in m
            .symbols()
            .filter(|s| s.code == functions && s.name.contains(wanted))
        {
            found.push((m.to_memory(s.addr), s.name.clone()));
        }
    }
    const MANY: usize = 1000;
    let more = found.len().saturating_sub(MANY);
    for (addr, name) in found.iter().take(MANY) {
        say!(cx, "{}  {name}", cx.addr_text(*addr));
    }
    if more > 0 {
        say!(cx, "... and {more} more; give a part of the name");
    }
    let list: Vec<_> = found
        .iter()
        .take(MANY)
        .map(|(a, n)| json!({ "address": a, "name": n }))
        .collect();
    cx.s.answer = Some(json!({ "symbols": list, "more": more }));
    Ok(())
}

pub fn info_functions(cx: &mut Cx<'_>) -> Result<()> {
    matching(cx, true)
}

pub fn info_variables(cx: &mut Cx<'_>) -> Result<()> {
    matching(cx, false)
}

pub fn info_types(cx: &mut Cx<'_>) -> Result<()> {
    let wanted = cx.args;
    let symbols = cx.symbols();
    let all = symbols.modules.iter().flat_map(|m| m.index().types.keys());
    let mut names: Vec<&String> = all.filter(|n| n.contains(wanted)).collect();
    names.sort_unstable();
    names.dedup();
    for name in &names {
        say!(cx, "{name}");
    }
    cx.s.answer = Some(serde_json::json!({ "types": names }));
    Ok(())
}
