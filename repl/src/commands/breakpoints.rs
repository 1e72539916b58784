//! Breakpoints, watchpoints, catchpoints and displays.

use crate::expr::{Location, Value};
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Breakpoint, CatchSyscalls, Error, Result, Tid, WatchKind};
use serde_json::json;
use std::collections::BTreeSet;

/// An event that can be caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A fork.
    Fork,
    /// A vfork.
    VFork,
    /// An exec.
    Exec,
}

/// What a point stops at.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Code at these addresses; and how the user named it.
    Code {
        /// The addresses.
        addrs: Vec<u64>,
        /// As the user wrote it.
        spec: String,
        /// A hardware breakpoint was asked for.
        hardware: bool,
    },
    /// Memory.
    Watch {
        /// Which accesses.
        kind: WatchKind,
        /// The expression.
        expr: String,
        /// What it was when the guest was resumed.
        old: Value,
        /// First address.
        addr: u64,
        /// Length in bytes.
        len: u64,
        /// Address of the frame that the expression is about; it ends with the frame.
        scope: Option<u64>,
    },
    /// System calls of these numbers; `None` for all.
    Syscall(Option<Vec<u32>>),
    /// Signals of these numbers; `None` for all that are usually reported.
    Signal(Option<Vec<i32>>),
    /// Another event.
    Event(Event),
}

/// A breakpoint, watchpoint or catchpoint.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its number.
    pub number: usize,
    /// What it stops at.
    pub kind: Kind,
    /// Whether it does.
    pub enabled: bool,
    /// It goes with its first hit.
    pub temporary: bool,
    /// It stops only if this is true.
    pub condition: Option<String>,
    /// It stops only for this thread.
    pub thread: Option<Tid>,
    /// How many hits are still passed over.
    pub ignore: u64,
    /// How often it was hit.
    pub hits: u64,
    /// Run at each hit.
    pub commands: Vec<String>,
}

/// An expression that is shown at each stop.
#[derive(Clone, Debug)]
pub struct Display {
    /// Its number.
    pub number: usize,
    /// The expression.
    pub expr: String,
    /// What follows the slash, without it; "" for `print`'s way.
    pub format: String,
    /// Whether it is shown.
    pub enabled: bool,
}

/// All of them.
#[derive(Default)]
pub struct Breakpoints {
    /// The points by number.
    pub points: Vec<Point>,
    /// The displays by number.
    pub displays: Vec<Display>,
    last: usize,
    last_display: usize,
    /// What the inferior has been told.
    inserted: BTreeSet<(u64, bool)>,
    watched: Vec<(WatchKind, u64, u64)>,
    catching: bool,
    /// The points whose `commands` are being typed.
    pub typing: Option<Vec<usize>>,
}

impl Breakpoints {
    /// Forgets what the inferior was told: another program runs.
    pub fn forget_inserted(&mut self) {
        self.inserted.clear();
        self.watched.clear();
        self.catching = false;
    }

    fn add(&mut self, kind: Kind, temporary: bool) -> usize {
        self.last += 1;
        self.points.push(Point {
            number: self.last,
            kind,
            enabled: true,
            temporary,
            condition: None,
            thread: None,
            ignore: 0,
            hits: 0,
            commands: Vec::new(),
        });
        self.last
    }

    /// The point of that number.
    pub fn get(&mut self, number: usize) -> Option<&mut Point> {
        self.points.iter_mut().find(|p| p.number == number)
    }

    /// Whether the inferior has been told of a breakpoint at `addr`.
    pub fn is_inserted(&self, addr: u64) -> bool {
        self.inserted.contains(&(addr, false)) || self.inserted.contains(&(addr, true))
    }
}

impl Cx<'_> {
    /// Tells the inferior of the points that are enabled, and of `extra` addresses for the time of a command.
    ///
    /// # Errors
    /// It cannot stop there.
    pub fn insert_points(&mut self, extra: &[u64]) -> Result<()> {
        let mut wanted: BTreeSet<(u64, bool)> = extra.iter().map(|a| (*a, false)).collect();
        let mut watched = Vec::new();
        let mut syscalls: Option<Option<Vec<u32>>> = None;
        for p in self.s.breakpoints.points.iter().filter(|p| p.enabled) {
            match &p.kind {
                Kind::Code {
                    addrs, hardware, ..
                } => wanted.extend(addrs.iter().map(|a| (*a, *hardware))),
                Kind::Watch {
                    kind, addr, len, ..
                } => watched.push((*kind, *addr, *len)),
                Kind::Syscall(which) => {
                    syscalls = Some(match (syscalls.take(), which) {
                        (None, which) => which.clone(),
                        (Some(Some(mut a)), Some(b)) => {
                            a.extend(b);
                            Some(a)
                        }
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        let inserted = std::mem::take(&mut self.s.breakpoints.inserted);
        for (addr, hardware) in inserted.difference(&wanted) {
            self.inf.remove_breakpoint(*addr, *hardware)?;
        }
        let kind = u32::from(self.target().breakpoint_size);
        for (addr, hardware) in wanted.difference(&inserted) {
            self.inf.insert_breakpoint(Breakpoint {
                addr: *addr,
                hardware: *hardware,
                kind,
                conditions: Vec::new(),
            })?;
        }
        self.s.breakpoints.inserted = wanted;
        let before = std::mem::take(&mut self.s.breakpoints.watched);
        for (kind, addr, len) in before.iter().filter(|w| !watched.contains(w)) {
            self.inf.remove_watchpoint(*kind, *addr, *len)?;
        }
        for (kind, addr, len) in watched.iter().filter(|w| !before.contains(w)) {
            self.inf.insert_watchpoint(*kind, *addr, *len)?;
        }
        self.s.breakpoints.watched = watched;
        if syscalls.is_some() || self.s.breakpoints.catching {
            self.s.breakpoints.catching = syscalls.is_some();
            self.inf.catch_syscalls(match syscalls {
                None => CatchSyscalls::None,
                Some(None) => CatchSyscalls::All,
                Some(Some(list)) => CatchSyscalls::Only(list),
            })?;
        }
        Ok(())
    }

    /// Whether a hit of a point counts: thread, condition, ignore count.
    pub fn hit(&mut self, number: usize, tid: Tid) -> bool {
        let Some(point) = self.s.breakpoints.get(number).cloned() else {
            return false;
        };
        if point.thread.is_some_and(|t| t != tid) {
            return false;
        }
        if let Some(condition) = &point.condition {
            let value = self.eval(condition).and_then(|v| self.truth(&v));
            match value {
                Ok(false) => return false,
                Ok(true) => {}
                // A condition that cannot be evaluated stops, so that its mistake is seen.
                Err(e) => {
                    say!(
                        self,
                        "Error in testing condition for breakpoint {number}:\n{e}"
                    );
                }
            }
        }
        let Some(point) = self.s.breakpoints.get(number) else {
            return false;
        };
        point.hits += 1;
        if point.ignore > 0 {
            point.ignore -= 1;
            return false;
        }
        true
    }

    /// Takes a temporary point away after its hit.
    pub fn spend(&mut self, number: usize) {
        self.s
            .breakpoints
            .points
            .retain(|p| !(p.number == number && p.temporary));
    }

    fn need_breakpoints(&self) -> Result<()> {
        if self.inf.capabilities().breakpoints {
            return Ok(());
        }
        Err(Error::Unsupported("nothing runs here that could stop"))
    }

    /// The point's description, as it is announced.
    fn announce(&mut self, number: usize) {
        let Some(point) = self.s.breakpoints.get(number).cloned() else {
            return;
        };
        match &point.kind {
            Kind::Code {
                addrs, hardware, ..
            } => {
                let what = match (point.temporary, hardware) {
                    (true, _) => "Temporary breakpoint",
                    (_, true) => "Hardware assisted breakpoint",
                    _ => "Breakpoint",
                };
                let first = addrs.first().copied().unwrap_or(0);
                let line = self.symbols().line_at(first);
                let place = line.map_or(String::new(), |l| {
                    format!(": file {}, line {}.", l.name, l.line)
                });
                let more = if addrs.len() > 1 {
                    format!(" ({} locations)", addrs.len())
                } else {
                    String::new()
                };
                say!(self, "{what} {number} at {first:#x}{place}{more}");
            }
            Kind::Watch { kind, expr, .. } => {
                say!(self, "{} {number}: {expr}", watch_name(*kind));
            }
            Kind::Syscall(which) => {
                let list = match which {
                    None => String::from("any syscall"),
                    Some(list) => {
                        let names = list
                            .iter()
                            .map(|n| self.syscall_text(*n))
                            .collect::<Vec<_>>();
                        format!("syscall {}", names.join(" "))
                    }
                };
                say!(self, "Catchpoint {number} ({list})");
            }
            Kind::Signal(which) => {
                let list = which.as_ref().map_or("standard signals".into(), |l| {
                    l.iter()
                        .map(|n| self.signal_name(*n))
                        .collect::<Vec<_>>()
                        .join(" ")
                });
                say!(self, "Catchpoint {number} ({list})");
            }
            Kind::Event(event) => {
                say!(self, "Catchpoint {number} ({})", event_name(*event));
            }
        }
        let answer = self.point_json(&point);
        self.s.answer = Some(answer);
    }

    /// `'openat' [56]`.
    pub fn syscall_text(&self, number: u32) -> String {
        match self.inf.syscall_name(number) {
            Some(name) => format!("'{name}' [{number}]"),
            None => number.to_string(),
        }
    }

    fn point_json(&mut self, p: &Point) -> serde_json::Value {
        let (kind, what) = self.describe(p);
        let addrs = match &p.kind {
            Kind::Code { addrs, .. } => addrs.clone(),
            Kind::Watch { addr, .. } => vec![*addr],
            _ => Vec::new(),
        };
        json!({
            "number": p.number, "type": kind, "what": what, "addresses": addrs, "enabled": p.enabled,
            "temporary": p.temporary, "condition": p.condition, "hits": p.hits, "ignore": p.ignore,
        })
    }

    fn describe(&mut self, p: &Point) -> (&'static str, String) {
        match &p.kind {
            Kind::Code {
                addrs,
                spec,
                hardware,
            } => {
                let first = addrs.first().copied().unwrap_or(0);
                let symbols = self.symbols();
                let what = match (symbols.line_at(first), symbols.symbol_at(first)) {
                    (Some(l), Some((name, _))) => format!("in {name} at {}:{}", l.name, l.line),
                    (_, Some(_)) => symbols.label(first),
                    _ => spec.clone(),
                };
                (
                    if *hardware {
                        "hw breakpoint"
                    } else {
                        "breakpoint"
                    },
                    what,
                )
            }
            Kind::Watch { kind, expr, .. } => (
                match kind {
                    WatchKind::Write => "hw watchpoint",
                    WatchKind::Read => "read watchpoint",
                    WatchKind::Access => "acc watchpoint",
                },
                expr.clone(),
            ),
            Kind::Syscall(None) => ("catchpoint", "syscall <any>".into()),
            Kind::Syscall(Some(list)) => {
                let names: Vec<String> = list.iter().map(|n| self.syscall_text(*n)).collect();
                ("catchpoint", format!("syscall {}", names.join(", ")))
            }
            Kind::Signal(None) => ("catchpoint", "<standard signals>".into()),
            Kind::Signal(Some(list)) => {
                let names: Vec<String> = list.iter().map(|n| self.signal_name(*n)).collect();
                ("catchpoint", names.join(" "))
            }
            Kind::Event(e) => ("catchpoint", event_name(*e).into()),
        }
    }
}

fn event_name(e: Event) -> &'static str {
    match e {
        Event::Fork => "fork",
        Event::VFork => "vfork",
        Event::Exec => "exec",
    }
}

/// gdb's words for a watchpoint.
pub fn watch_name(kind: WatchKind) -> &'static str {
    match kind {
        WatchKind::Write => "Hardware watchpoint",
        WatchKind::Read => "Hardware read watchpoint",
        WatchKind::Access => "Hardware access (read/write) watchpoint",
    }
}

/// Splits `LOCATION [thread N] [if CONDITION]`.
fn split_condition(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (place, condition) = match text.strip_prefix("if ") {
        Some(condition) => ("", Some(condition)),
        None => match text.split_once(" if ") {
            Some((place, condition)) => (place, Some(condition)),
            None => match text.split_once(" if(") {
                Some((place, _)) => (place, Some(&text[place.len() + 3..])),
                None => (text, None),
            },
        },
    };
    let (place, thread) = match place.rsplit_once("thread ") {
        Some((place, thread)) if place.is_empty() || place.ends_with(' ') => {
            (place, Some(thread.trim()))
        }
        _ => (place, None),
    };
    (place.trim(), thread, condition.map(str::trim))
}

fn set(cx: &mut Cx<'_>, temporary: bool, hardware: bool) -> Result<()> {
    cx.need_breakpoints()?;
    let (spec, thread, condition) = split_condition(cx.args);
    let place = cx.locate(spec)?;
    if let Some(condition) = condition {
        cx.parse(condition)?;
    }
    let thread = match thread {
        Some(n) => Some(cx.thread_numbered(n)?),
        None => None,
    };
    let number = cx.s.breakpoints.add(
        Kind::Code {
            addrs: place.addrs,
            spec: spec.to_owned(),
            hardware,
        },
        temporary,
    );
    if let Some(point) = cx.s.breakpoints.get(number) {
        point.condition = condition.map(str::to_owned);
        point.thread = thread;
    }
    cx.announce(number);
    Ok(())
}

pub fn set_break(cx: &mut Cx<'_>) -> Result<()> {
    set(cx, false, false)
}

pub fn set_temporary(cx: &mut Cx<'_>) -> Result<()> {
    set(cx, true, false)
}

pub fn set_hardware(cx: &mut Cx<'_>) -> Result<()> {
    set(cx, false, true)
}

fn set_watch(cx: &mut Cx<'_>, kind: WatchKind) -> Result<()> {
    if !cx.inf.capabilities().watchpoints {
        return Err(Error::Unsupported("this inferior has no watchpoints"));
    }
    let (text, _, condition) = split_condition(cx.args);
    let text = text
        .strip_prefix("-location ")
        .or(text.strip_prefix("-l "))
        .unwrap_or(text);
    let value = cx.eval(text)?;
    let Location::Memory(addr) = value.location else {
        return fail("Cannot watch a value that is not in memory.");
    };
    let len = value.bytes.len() as u64;
    if len == 0 {
        return fail("Cannot watch a value without a size.");
    }
    if let Some(condition) = condition {
        cx.parse(condition)?;
    }
    // A local variable is watched as long as its frame lives.
    let global = cx
        .symbols()
        .global(text.split(['.', '[', '-']).next().unwrap_or(text))
        .is_some();
    let frame = cx.selected_frame()?;
    let local = !global
        && cx
            .frame_variables(&frame)
            .is_ok_and(|v| v.iter().any(|v| mentions(text, &v.item.name)));
    let number = cx.s.breakpoints.add(
        Kind::Watch {
            kind,
            expr: text.to_owned(),
            old: value,
            addr,
            len,
            scope: if local { frame.cfa } else { None },
        },
        false,
    );
    if let Some(point) = cx.s.breakpoints.get(number) {
        point.condition = condition.map(str::to_owned);
    }
    cx.announce(number);
    Ok(())
}

/// Whether an expression has this name as a word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|w| w == name)
}

pub fn watch(cx: &mut Cx<'_>) -> Result<()> {
    set_watch(cx, WatchKind::Write)
}

pub fn rwatch(cx: &mut Cx<'_>) -> Result<()> {
    set_watch(cx, WatchKind::Read)
}

pub fn awatch(cx: &mut Cx<'_>) -> Result<()> {
    set_watch(cx, WatchKind::Access)
}

pub fn catch_syscall(cx: &mut Cx<'_>) -> Result<()> {
    if !cx.inf.capabilities().catch_syscalls {
        return Err(Error::Unsupported(
            "this inferior cannot catch system calls",
        ));
    }
    let mut list = Vec::new();
    for word in cx.args.split_whitespace() {
        match word
            .parse::<u32>()
            .ok()
            .or_else(|| cx.inf.syscall_number(word))
        {
            Some(n) => list.push(n),
            None => return fail(format!("Unknown syscall name '{word}'.")),
        }
    }
    let which = if list.is_empty() { None } else { Some(list) };
    let number = cx.s.breakpoints.add(Kind::Syscall(which), false);
    cx.announce(number);
    Ok(())
}

pub fn catch_signal(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_breakpoints()?;
    let mut list = Vec::new();
    for word in cx.args.split_whitespace().filter(|w| *w != "all") {
        list.push(cx.signal_number(word)?);
    }
    let which = if list.is_empty() { None } else { Some(list) };
    let number = cx.s.breakpoints.add(Kind::Signal(which), false);
    cx.announce(number);
    Ok(())
}

fn catch_event(cx: &mut Cx<'_>, event: Event) -> Result<()> {
    let capabilities = cx.inf.capabilities();
    let can = match event {
        Event::Exec => capabilities.exec_events,
        _ => capabilities.fork_events,
    };
    if !can {
        return Err(Error::Unsupported(
            "this inferior does not report that event",
        ));
    }
    let number = cx.s.breakpoints.add(Kind::Event(event), false);
    cx.announce(number);
    Ok(())
}

pub fn catch_fork(cx: &mut Cx<'_>) -> Result<()> {
    catch_event(cx, Event::Fork)
}

pub fn catch_vfork(cx: &mut Cx<'_>) -> Result<()> {
    catch_event(cx, Event::VFork)
}

pub fn catch_exec(cx: &mut Cx<'_>) -> Result<()> {
    catch_event(cx, Event::Exec)
}

/// Numbers of points: `1 3-5`; none for all.
fn numbers(cx: &mut Cx<'_>, text: &str) -> Result<Vec<usize>> {
    let mut all = Vec::new();
    for word in text.split_whitespace() {
        let (a, b) = word.split_once('-').unwrap_or((word, word));
        match (a.parse::<usize>(), b.parse::<usize>()) {
            (Ok(a), Ok(b)) if a <= b && b - a < 10_000 => all.extend(a..=b),
            _ => return fail(format!("Bad breakpoint number '{word}'")),
        }
    }
    for n in &all {
        if cx.s.breakpoints.get(*n).is_none() {
            return fail(format!("No breakpoint number {n}."));
        }
    }
    Ok(all)
}

pub fn delete(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    if args.is_empty() {
        cx.s.breakpoints.points.clear();
        return Ok(());
    }
    let list = numbers(cx, args)?;
    cx.s.breakpoints
        .points
        .retain(|p| !list.contains(&p.number));
    Ok(())
}

pub fn clear(cx: &mut Cx<'_>) -> Result<()> {
    let place = cx.locate(cx.args)?;
    let before = cx.s.breakpoints.points.len();
    let mut gone = Vec::new();
    cx.s.breakpoints.points.retain(|p| {
        let here = matches!(&p.kind, Kind::Code { addrs, .. } if addrs.iter().any(|a| place.addrs.contains(a)));
        if here {
            gone.push(p.number.to_string());
        }
        !here
    });
    if cx.s.breakpoints.points.len() == before {
        return fail(format!(
            "No breakpoint at {}.",
            if cx.args.is_empty() {
                "this line"
            } else {
                cx.args
            }
        ));
    }
    say!(cx, "Deleted breakpoint {}", gone.join(" "));
    Ok(())
}

fn enable_all(cx: &mut Cx<'_>, on: bool) -> Result<()> {
    let args = cx.args;
    let (words, once) = match args.strip_prefix("once ") {
        Some(rest) if on => (rest, true),
        _ => (args, false),
    };
    let list = numbers(cx, words)?;
    for p in &mut cx.s.breakpoints.points {
        if list.is_empty() || list.contains(&p.number) {
            p.enabled = on;
            p.temporary |= once;
        }
    }
    Ok(())
}

pub fn enable(cx: &mut Cx<'_>) -> Result<()> {
    enable_all(cx, true)
}

pub fn disable(cx: &mut Cx<'_>) -> Result<()> {
    enable_all(cx, false)
}

pub fn condition(cx: &mut Cx<'_>) -> Result<()> {
    let (number, expr) = cx
        .args
        .split_once(char::is_whitespace)
        .unwrap_or((cx.args, ""));
    let expr = expr.trim();
    let list = numbers(cx, number)?;
    if !expr.is_empty() {
        cx.parse(expr)?;
    }
    let [n] = list.as_slice() else {
        return fail("Argument required (breakpoint number).");
    };
    let n = *n;
    if let Some(p) = cx.s.breakpoints.get(n) {
        p.condition = if expr.is_empty() {
            None
        } else {
            Some(expr.to_owned())
        };
    }
    if expr.is_empty() {
        say!(cx, "Breakpoint {n} now unconditional.");
    }
    Ok(())
}

pub fn ignore(cx: &mut Cx<'_>) -> Result<()> {
    let (number, count) = cx
        .args
        .split_once(char::is_whitespace)
        .unwrap_or((cx.args, ""));
    let list = numbers(cx, number)?;
    let [n] = list.as_slice() else {
        return fail("Argument required (a breakpoint number).");
    };
    let count = cx.eval_int(count)?.max(0) as u64;
    let n = *n;
    if let Some(p) = cx.s.breakpoints.get(n) {
        p.ignore = count;
    }
    match count {
        0 => say!(cx, "Will stop next time breakpoint {n} is reached."),
        1 => say!(cx, "Will ignore next crossing of breakpoint {n}."),
        _ => say!(cx, "Will ignore next {count} crossings of breakpoint {n}."),
    };
    Ok(())
}

/// `commands`: the lines that follow, up to `end`, belong to the points.
pub fn commands(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    let mut list = numbers(cx, args)?;
    if list.is_empty() {
        match cx.s.breakpoints.points.last() {
            Some(p) => list.push(p.number),
            None => return fail("No breakpoints specified."),
        }
    }
    for n in &list {
        if let Some(p) = cx.s.breakpoints.get(*n) {
            p.commands.clear();
        }
    }
    cx.s.breakpoints.typing = Some(list);
    Ok(())
}

pub fn info(cx: &mut Cx<'_>) -> Result<()> {
    let points = cx.s.breakpoints.points.clone();
    let mut answer = Vec::new();
    if points.is_empty() {
        say!(cx, "No breakpoints or watchpoints.");
    } else {
        let width = usize::from(cx.target().pointer_size) * 2 + 2;
        say!(
            cx,
            "{:<7} {:<14} {:<4} {:<3} {:<width$} What",
            "Num",
            "Type",
            "Disp",
            "Enb",
            "Address"
        );
    }
    for p in &points {
        let (kind, what) = cx.describe(p);
        let width = usize::from(cx.target().pointer_size) * 2 + 2;
        let disposition = if p.temporary { "del" } else { "keep" };
        let enabled = if p.enabled { "y" } else { "n" };
        let addr = match &p.kind {
            Kind::Code { addrs, .. } if addrs.len() == 1 => cx.addr_text(addrs[0]),
            Kind::Code { .. } => "<MULTIPLE>".into(),
            _ => String::new(),
        };
        say!(
            cx,
            "{:<7} {kind:<14} {disposition:<4} {enabled:<3} {addr:<width$} {what}",
            p.number
        );
        if let Some(c) = &p.condition {
            say!(cx, "\tstop only if {c}");
        }
        if let Some(t) = p.thread {
            say!(cx, "\tstop only in thread {t}");
        }
        if p.hits > 0 {
            let kind = if matches!(p.kind, Kind::Code { .. } | Kind::Watch { .. }) {
                "breakpoint"
            } else {
                "catchpoint"
            };
            say!(
                cx,
                "\t{kind} already hit {} time{}",
                p.hits,
                if p.hits == 1 { "" } else { "s" }
            );
        }
        if p.ignore > 0 {
            say!(cx, "\tignore next {} hits", p.ignore);
        }
        for line in &p.commands {
            say!(cx, "        {line}");
        }
        if let Kind::Code { addrs, .. } = &p.kind
            && addrs.len() > 1
        {
            for (i, a) in addrs.iter().enumerate() {
                let (addr, label) = (cx.addr_text(*a), cx.symbols().label(*a));
                say!(cx, "{}.{:<29} {enabled:<3} {addr} {label}", p.number, i + 1);
            }
        }
        answer.push(cx.point_json(p));
    }
    cx.s.answer = Some(json!({ "breakpoints": answer }));
    Ok(())
}

pub fn display(cx: &mut Cx<'_>) -> Result<()> {
    if cx.args.is_empty() {
        return show_displays(cx);
    }
    let (format, expr) = match cx.args.strip_prefix('/') {
        Some(rest) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        None => ("", cx.args),
    };
    let expr = expr.trim();
    cx.parse(expr)?;
    cx.s.breakpoints.last_display += 1;
    let number = cx.s.breakpoints.last_display;
    let display = Display {
        number,
        expr: expr.to_owned(),
        format: format.to_owned(),
        enabled: true,
    };
    cx.s.breakpoints.displays.push(display.clone());
    if cx.alive() {
        show_display(cx, &display);
    }
    Ok(())
}

fn show_display(cx: &mut Cx<'_>, d: &Display) {
    let memory = d.format.contains(['i', 's']) || d.format.contains(|c: char| c.is_ascii_digit());
    let slash = if d.format.is_empty() {
        String::new()
    } else {
        format!("/{}", d.format)
    };
    if memory {
        say!(cx, "{}: x{slash} {}", d.number, d.expr);
        let args = format!("{slash} {}", d.expr);
        let mut text = String::new();
        let kept = cx.s.examine.clone();
        let result = super::data::examine(&mut cx.with(&args, &mut text));
        cx.s.examine = kept;
        let _ = cx.out.write_str(&text);
        if let Err(e) = result {
            say!(cx, "{e}");
        }
        return;
    }
    let format = d
        .format
        .chars()
        .next()
        .map_or(crate::expr::Format::Natural, crate::expr::Format::Letter);
    let text = cx.eval(&d.expr).and_then(|v| cx.show(&v, format, true));
    match text {
        Ok(text) => say!(
            cx,
            "{}: {slash}{}{} = {text}",
            d.number,
            if slash.is_empty() { "" } else { " " },
            d.expr
        ),
        Err(e) => say!(cx, "{}: {slash} {} = <error: {e}>", d.number, d.expr),
    };
}

/// Shows what is to be shown at each stop.
pub fn show_displays(cx: &mut Cx<'_>) -> Result<()> {
    let displays = cx.s.breakpoints.displays.clone();
    for d in displays.iter().filter(|d| d.enabled) {
        show_display(cx, d);
    }
    Ok(())
}

pub fn undisplay(cx: &mut Cx<'_>) -> Result<()> {
    let mut list = Vec::new();
    for word in cx.args.split_whitespace() {
        match word.parse::<usize>() {
            Ok(n) if cx.s.breakpoints.displays.iter().any(|d| d.number == n) => list.push(n),
            _ => return fail(format!("No display number {word}.")),
        }
    }
    cx.s.breakpoints
        .displays
        .retain(|d| !list.is_empty() && !list.contains(&d.number));
    Ok(())
}

pub fn info_display(cx: &mut Cx<'_>) -> Result<()> {
    if cx.s.breakpoints.displays.is_empty() {
        say!(cx, "There are no auto-display expressions now.");
        return Ok(());
    }
    say!(
        cx,
        "Auto-display expressions now in effect:\nNum Enb Expression"
    );
    for d in cx.s.breakpoints.displays.clone() {
        let slash = if d.format.is_empty() {
            String::new()
        } else {
            format!("/{} ", d.format)
        };
        say!(
            cx,
            "{:<3} {:<3} {slash}{}",
            d.number,
            if d.enabled { "y" } else { "n" },
            d.expr
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_conditions_are_told_apart() {
        assert_eq!(split_condition("main"), ("main", None, None));
        assert_eq!(
            split_condition("f.c:3 if x == 2"),
            ("f.c:3", None, Some("x == 2"))
        );
        assert_eq!(
            split_condition("f thread 2 if x"),
            ("f", Some("2"), Some("x"))
        );
        assert_eq!(split_condition("if x"), ("", None, Some("x")));
        assert_eq!(split_condition("f if(x)"), ("f", None, Some("(x)")));
        assert_eq!(split_condition("thread_main"), ("thread_main", None, None));
    }
}
