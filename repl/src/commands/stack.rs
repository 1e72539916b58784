//! Frames and what is in them.

use crate::dwarf::{At, Kind, Variable};
use crate::expr::Format;
use crate::say;
use crate::session::{Cx, fail};
use crate::stack::Frame;
use emu_stub::Result;
use serde_json::{Value as Json, json};

impl Cx<'_> {
    /// `number=7, name=0x... "x"`: the arguments of a frame's function, structures as `...`.
    fn arguments_text(&mut self, frame: &Frame, depth: usize) -> String {
        let Ok(variables) = self.frame_variables(frame) else {
            return String::new();
        };
        let args: Vec<At<Variable>> = variables.into_iter().filter(|v| v.item.argument).collect();
        let parts: Vec<String> = args
            .iter()
            .map(|a| format!("{}={}", a.item.name, self.scalar_text(a, frame, depth)))
            .collect();
        parts.join(", ")
    }

    fn scalar_text(&mut self, at: &At<Variable>, frame: &Frame, depth: usize) -> String {
        match self.variable_value(at, Some((frame, depth))) {
            Ok(value) => {
                let kind = &self.symbols().strip(&value.ty).kind;
                if matches!(kind, Kind::Struct(..) | Kind::Array(..)) {
                    return "...".into();
                }
                self.show(&value, Format::Natural, false)
                    .unwrap_or_else(|e| format!("<error: {e}>"))
            }
            Err(e) => format!("<error: {e}>"),
        }
    }

    /// A frame in one line, `#1  0x... in main (argc=1) at file.c:3`. `number` adds the beginning, `always_pc` the address also
    /// where a line begins.
    pub fn frame_text(&mut self, frame: &Frame, depth: usize, number: bool, place: bool) -> String {
        let symbols = self.symbols();
        let line = self.frame_line(frame);
        let mut text = String::new();
        if number {
            text = format!("#{depth:<3}");
        }
        if self.calling_frame(frame).is_some() {
            return text + "<function called from the prompt>";
        }
        // At the beginning of a line the address says nothing more.
        let at_start = frame.call.is_some()
            || frame.interrupted
                && line
                    .as_ref()
                    .is_some_and(|l| l.start == frame.pc && l.is_stmt);
        if !at_start {
            text += &format!("{} in ", self.addr_text(frame.pc));
        }
        let name = match self.frame_function(frame) {
            Some(at) => at.item.name,
            None => match symbols.symbol_at(frame.lookup_pc()) {
                Some((name, _)) => name,
                None => "??".into(),
            },
        };
        let args = self.arguments_text(frame, depth);
        text += &format!("{name} ({args})");
        match &line {
            Some(l) if place => text += &format!(" at {}:{}", l.name, l.line),
            None if place && self.frame_function(frame).is_none() => {
                // In a library: which one.
                if let Some(at) = symbols.module_at(frame.pc)
                    && at.index > 0
                {
                    text += &format!(" from {}", at.module.name);
                }
            }
            _ => {}
        }
        text
    }

    /// A frame for programs.
    pub fn frame_json(&mut self, frame: &Frame, depth: usize, args: bool) -> Json {
        let symbols = self.symbols();
        let line = self.frame_line(frame);
        let function = self.frame_function(frame).map(|at| at.item.name);
        let name = function.or_else(|| symbols.symbol_at(frame.lookup_pc()).map(|(n, _)| n));
        let mut json = json!({ "level": depth, "pc": frame.pc, "function": name });
        if let Some(l) = line {
            json["file"] = json!(l.name);
            json["fullname"] = json!(l.file);
            json["line"] = json!(l.line);
        }
        if args && let Ok(variables) = self.frame_variables(frame) {
            let mut map = serde_json::Map::new();
            for v in variables.iter().filter(|v| v.item.argument) {
                let value = match self.variable_value(v, Some((frame, depth))) {
                    Ok(value) => self.json(&value),
                    Err(_) => Json::Null,
                };
                map.insert(v.item.name.clone(), value);
            }
            json["args"] = Json::Object(map);
        }
        json
    }

    /// Where the selected thread is: the frame's line if `frame_line`, and the source line.
    pub fn show_place(&mut self, frame_line: bool) {
        for warning in std::mem::take(&mut self.s.warnings) {
            say!(self, "warning: {warning}");
        }
        let depth = self.s.frame;
        let Ok(Some(frame)) = self.frame_at(depth) else {
            return;
        };
        let line = self.frame_line(&frame);
        if frame_line || line.is_none() {
            let text = self.frame_text(&frame, depth, false, true);
            say!(self, "{text}");
        }
        if let Some(l) = line {
            let middle = l.start != frame.pc && frame.interrupted && !frame_line;
            let head = if middle {
                format!("{}\t", self.addr_text(frame.pc))
            } else {
                String::new()
            };
            match self
                .source(&l.file)
                .and_then(|s| s.get(l.line as usize - 1).cloned())
            {
                Some(text) => {
                    say!(self, "{head}{}\t{text}", l.line);
                }
                None => {
                    say!(self, "{head}{}\tin {}", l.line, l.name);
                }
            }
        }
    }
}

pub fn backtrace(cx: &mut Cx<'_>) -> Result<()> {
    let mut full = false;
    let mut limit: Option<i64> = None;
    for word in cx.args.split_whitespace() {
        match word {
            "full" | "-full" => full = true,
            n => match n.parse() {
                Ok(n) => limit = Some(n),
                Err(_) => {
                    return fail(format!(
                        "\"backtrace\" takes a number and \"full\", not \"{n}\""
                    ));
                }
            },
        }
    }
    cx.tid()?;
    let (mut from, mut to) = (0, usize::MAX);
    match limit {
        Some(n) if n >= 0 => to = n as usize,
        // The outermost ones: all have to be found first.
        Some(n) => {
            let mut depth = 0;
            while cx.frame_at(depth)?.is_some() {
                depth += 1;
            }
            from = depth.saturating_sub(n.unsigned_abs() as usize);
        }
        None => {}
    }
    let mut answer = Vec::new();
    let mut n = from;
    while n < to
        && let Some(frame) = cx.frame_at(n)?
    {
        // Between a frame and the one that a signal interrupted.
        if n > 0
            && frame.interrupted
            && cx.real_depth(n)? != cx.real_depth(n - 1)?
            && let Some(inner) = cx.frame_at(n - 1)?
            && cx.calling_frame(&inner).is_none()
        {
            say!(cx, "    <signal handler called>");
        }
        let text = cx.frame_text(&frame, n, true, true);
        say!(cx, "{text}");
        answer.push(cx.frame_json(&frame, n, true));
        if full {
            show_variables(cx, &frame, n, false, "        ")?;
        }
        n += 1;
    }
    if n == to && n > 0 && cx.frame_at(n)?.is_some() {
        say!(cx, "(More stack frames follow...)");
    }
    cx.s.answer = Some(json!({ "frames": answer }));
    Ok(())
}

fn show_variables(
    cx: &mut Cx<'_>,
    frame: &Frame,
    depth: usize,
    argument: bool,
    indent: &str,
) -> Result<()> {
    let variables = match cx.frame_variables(frame) {
        Ok(v) => v,
        Err(e) if indent.is_empty() => return Err(e),
        Err(e) => {
            say!(cx, "{indent}{e}");
            return Ok(());
        }
    };
    let wanted: Vec<_> = variables
        .into_iter()
        .filter(|v| v.item.argument == argument)
        .collect();
    if wanted.is_empty() {
        say!(
            cx,
            "{indent}{}",
            if argument {
                "No arguments."
            } else {
                "No locals."
            }
        );
    }
    let mut answer = serde_json::Map::new();
    // gdb lists inner blocks first.
    for v in &wanted {
        match cx.variable_value(v, Some((frame, depth))) {
            Ok(value) => {
                let text = cx.show(&value, Format::Natural, false)?;
                say!(cx, "{indent}{} = {text}", v.item.name);
                let json = cx.json(&value);
                answer.insert(v.item.name.clone(), json);
            }
            Err(e) => {
                say!(cx, "{indent}{} = <error: {e}>", v.item.name);
            }
        }
    }
    if indent.is_empty() {
        cx.s.answer = Some(json!({ "variables": answer }));
    }
    Ok(())
}

pub fn info_locals(cx: &mut Cx<'_>) -> Result<()> {
    let frame = cx.selected_frame()?;
    let depth = cx.s.frame;
    show_variables(cx, &frame, depth, false, "")
}

pub fn info_args(cx: &mut Cx<'_>) -> Result<()> {
    let frame = cx.selected_frame()?;
    let depth = cx.s.frame;
    show_variables(cx, &frame, depth, true, "")
}

fn select(cx: &mut Cx<'_>, depth: usize) -> Result<()> {
    let Some(frame) = cx.frame_at(depth)? else {
        return fail("No frame at that level.");
    };
    cx.s.frame = depth;
    cx.s.listing = None;
    let text = cx.frame_text(&frame, depth, true, true);
    say!(cx, "{text}");
    let line = cx.frame_line(&frame);
    if let Some(l) = line {
        let text = cx
            .source(&l.file)
            .and_then(|s| s.get(l.line as usize - 1).cloned());
        match text {
            Some(text) => say!(cx, "{}\t{text}", l.line),
            None => say!(cx, "{}\tin {}", l.line, l.name),
        };
    }
    cx.s.answer = Some(json!({ "frame": cx.frame_json(&frame, depth, true) }));
    Ok(())
}

pub fn frame(cx: &mut Cx<'_>) -> Result<()> {
    let depth = match cx.args {
        "" => cx.s.frame,
        text => cx.eval_int(text)?.max(0) as usize,
    };
    select(cx, depth)
}

pub fn up(cx: &mut Cx<'_>) -> Result<()> {
    let n = super::run::repeat(cx)?.min(1 << 20) as usize;
    let depth = cx.s.frame;
    let mut to = depth;
    while to < depth + n && cx.frame_at(to + 1)?.is_some() {
        to += 1;
    }
    if to == depth {
        return fail("Initial frame selected; you can't go up.");
    }
    select(cx, to)
}

pub fn down(cx: &mut Cx<'_>) -> Result<()> {
    let n = super::run::repeat(cx)?.min(1 << 20) as usize;
    let depth = cx.s.frame;
    if depth == 0 {
        return fail("Bottom (innermost) frame selected; you can't go down.");
    }
    select(cx, depth.saturating_sub(n))
}

pub fn info_frame(cx: &mut Cx<'_>) -> Result<()> {
    let frame = cx.selected_frame()?;
    let depth = cx.s.frame;
    let caller = cx.frame_at(depth + 1)?;
    let frame = cx.frame_at(depth)?.unwrap_or(frame);
    let label = cx.symbols().label(frame.pc);
    match frame.cfa {
        Some(cfa) => say!(cx, "Stack level {depth}, frame at {cfa:#x}:"),
        None => say!(cx, "Stack level {depth}:"),
    };
    let line = cx
        .frame_line(&frame)
        .map_or(String::new(), |l| format!(" ({}:{})", l.name, l.line));
    say!(cx, " pc = {:#x} {label}{line}", frame.pc);
    if frame.inlined.is_some() {
        say!(cx, " inlined into frame {}", depth + 1);
    } else if let Some(caller) = &caller {
        say!(
            cx,
            " called by frame at level {}, pc = {:#x} {}",
            depth + 1,
            caller.pc,
            cx.symbols().label(caller.pc)
        );
    }
    cx.s.answer = Some(json!({ "frame": cx.frame_json(&frame, depth, true), "cfa": frame.cfa }));
    Ok(())
}
