//! Breakpoints, watchpoints and catchpoints.

mod manage;
mod set;

pub use manage::{
    clear, commands, condition, delete, disable, enable, ignore, info, info_watchpoints,
};
pub use set::{
    awatch, catch_exec, catch_fork, catch_signal, catch_syscall, catch_vfork, rwatch, set_break,
    set_hardware, set_temporary, watch,
};

use super::locations::Aim;
use crate::expr::Value;
use crate::say;
use crate::session::Cx;
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
        /// What was named by that.
        aim: Aim,
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

impl Kind {
    /// Whether it waits for a library that has its place.
    fn is_pending(&self) -> bool {
        matches!(self, Kind::Code { addrs, spec, .. } if addrs.is_empty() && is_named(spec))
    }
}

/// What becomes of a breakpoint at a place that is not found (`set breakpoint pending`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pending {
    /// It waits for a library that has the place, if the program is one that loads libraries.
    #[default]
    Auto,
    /// It waits.
    On,
    /// It is an error.
    Off,
}

/// What becomes of a point that is hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// It stays.
    #[default]
    Keep,
    /// It is disabled.
    Disable,
    /// It is deleted.
    Delete,
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
    /// What becomes of it with its next hit.
    pub disposition: Disposition,
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

/// All of them.
#[derive(Default)]
pub struct Breakpoints {
    /// The points by number.
    pub points: Vec<Point>,
    last: usize,
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

    pub(super) fn add(&mut self, kind: Kind, disposition: Disposition) -> usize {
        self.last += 1;
        self.points.push(Point {
            number: self.last,
            kind,
            enabled: true,
            disposition,
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
        let calls = self.s.dummies.iter().map(|d| d.addr);
        let mut wanted: BTreeSet<(u64, bool)> = extra
            .iter()
            .copied()
            .chain(calls)
            .map(|a| (a, false))
            .collect();
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

    /// Whether a place that is not found may be in a library that is still to be loaded.
    pub(super) fn may_come(&mut self, spec: &str) -> bool {
        let wanted = match self.s.pending {
            Pending::On => true,
            Pending::Off => false,
            // Of a static program nothing comes: there it is a mistake in the name.
            Pending::Auto => self.inf.library_info_slot().is_ok(),
        };
        wanted && is_named(spec)
    }

    /// Has the loading of libraries reported, if a breakpoint waits for it.
    ///
    /// # Errors
    /// The program is gone.
    pub fn ask_for_libraries(&mut self) -> Result<()> {
        let pending = |p: &Point| p.enabled && p.kind.is_pending();
        if !self.s.asked_for_libraries && self.s.breakpoints.points.iter().any(pending) {
            self.s.asked_for_libraries = true;
            self.inf.report_libraries(true)?;
        }
        Ok(())
    }

    /// Looks for the places of pending breakpoints again: libraries have been loaded.
    pub fn resolve_pending(&mut self) {
        let mut points = std::mem::take(&mut self.s.breakpoints.points);
        for point in points.iter_mut().filter(|p| p.kind.is_pending()) {
            if let Kind::Code {
                addrs, spec, aim, ..
            } = &mut point.kind
                && let Ok(place) = self.locate(spec)
            {
                *addrs = place.addrs;
                *aim = place.aim;
            }
        }
        self.s.breakpoints.points = points;
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

    /// Does with a point that was hit what is to become of it.
    pub fn spend(&mut self, number: usize) {
        self.s
            .breakpoints
            .points
            .retain(|p| !(p.number == number && p.disposition == Disposition::Delete));
        if let Some(p) = self.s.breakpoints.get(number)
            && p.disposition == Disposition::Disable
        {
            p.enabled = false;
            p.disposition = Disposition::Keep;
        }
    }

    pub(super) fn need_breakpoints(&self) -> Result<()> {
        if self.inf.capabilities().breakpoints {
            return Ok(());
        }
        Err(Error::Unsupported("nothing runs here that could stop"))
    }

    /// The point's description, as it is announced.
    pub(super) fn announce(&mut self, number: usize) {
        let Some(point) = self.s.breakpoints.get(number).cloned() else {
            return;
        };
        match &point.kind {
            Kind::Code {
                addrs,
                hardware,
                spec,
                aim,
            } => {
                let what = match (point.disposition, hardware) {
                    (Disposition::Delete, _) => "Temporary breakpoint",
                    (_, true) => "Hardware assisted breakpoint",
                    _ => "Breakpoint",
                };
                let place = match addrs.as_slice() {
                    [] => format!("({spec}) pending."),
                    [addr] => match self.aimed_line(*addr, aim) {
                        Some((name, line)) => format!("at {addr:#x}: file {name}, line {line}."),
                        None => format!("at {addr:#x}"),
                    },
                    [first, ..] => format!("at {first:#x}: {spec}. ({} locations)", addrs.len()),
                };
                say!(self, "{what} {number} {place}");
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

    pub(super) fn point_json(&mut self, p: &Point) -> serde_json::Value {
        let (kind, what) = self.describe(p);
        let addrs = match &p.kind {
            Kind::Code { addrs, .. } => addrs.clone(),
            Kind::Watch { addr, .. } => vec![*addr],
            _ => Vec::new(),
        };
        json!({
            "number": p.number, "type": kind, "what": what, "addresses": addrs, "enabled": p.enabled,
            "temporary": p.disposition == Disposition::Delete, "condition": p.condition, "hits": p.hits, "ignore": p.ignore,
        })
    }

    pub(super) fn describe(&mut self, p: &Point) -> (&'static str, String) {
        match &p.kind {
            Kind::Code {
                addrs,
                spec,
                hardware,
                ..
            } => {
                let what = match addrs.as_slice() {
                    [addr] => self.place_text(*addr).unwrap_or_else(|| spec.clone()),
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

impl Cx<'_> {
    /// File and line of a place that was named so: where inlined functions begin, those of the call of the one that is not meant.
    fn aimed_line(&mut self, addr: u64, aim: &Aim) -> Option<(String, u32)> {
        let symbols = self.symbols();
        let mut inner = symbols.inlined_at(addr);
        let beginning = symbols.inlined_beginning_at(addr);
        inner.reverse();
        inner.truncate(beginning);
        if let Aim::Function(name) = aim {
            let meant = inner.iter().position(|i| i.function.name == *name);
            inner.truncate(meant.unwrap_or(beginning));
            if let Some(called) = inner.pop() {
                return Some((called.call.1, called.call.2));
            }
        }
        symbols.line_at(addr).map(|l| (l.name, l.line))
    }

    /// `in name at file:line`, or as much of it as is known.
    pub(super) fn place_text(&mut self, addr: u64) -> Option<String> {
        let symbols = self.symbols();
        let inner = symbols.inlined_at(addr).pop().map(|i| i.function.name);
        let name = inner.or_else(|| symbols.symbol_at(addr).map(|(name, _)| name))?;
        Some(match symbols.line_at(addr) {
            Some(l) => format!("in {name} at {}:{}", l.name, l.line),
            None => symbols.label(addr),
        })
    }
}

/// Whether a place is named by a function or a file, rather than by an address or by where the program is.
pub(super) fn is_named(spec: &str) -> bool {
    !spec.is_empty() && !spec.starts_with(['*', '+', '-']) && spec.parse::<u32>().is_err()
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
