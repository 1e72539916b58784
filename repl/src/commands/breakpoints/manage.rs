//! Changing, listing and deleting points.

use super::{Disposition, Kind, Point};
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::Result;
use serde_json::json;

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
    let (word, rest) = args.split_once(' ').unwrap_or((args, ""));
    let (words, disposition) = match word {
        "once" if on => (rest, Some(Disposition::Disable)),
        "delete" if on => (rest, Some(Disposition::Delete)),
        // "disable breakpoints 2", as gdb's users may type it.
        "breakpoints" => (rest, None),
        "display" => return super::super::display::enable(&mut cx.with_args(rest), on),
        _ => (args, None),
    };
    let list = numbers(cx, words)?;
    for p in &mut cx.s.breakpoints.points {
        if list.is_empty() || list.contains(&p.number) {
            p.enabled = on;
            p.disposition = disposition.unwrap_or(p.disposition);
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
    list(cx, "No breakpoints or watchpoints.", |_| true)
}

/// `info watchpoints`
pub fn info_watchpoints(cx: &mut Cx<'_>) -> Result<()> {
    list(cx, "No watchpoints.", |p| {
        matches!(p.kind, Kind::Watch { .. })
    })
}

fn list(cx: &mut Cx<'_>, none: &str, wanted: fn(&Point) -> bool) -> Result<()> {
    let mut points = cx.s.breakpoints.points.clone();
    points.retain(wanted);
    let mut answer = Vec::new();
    if points.is_empty() {
        say!(cx, "{none}");
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
        let disposition = match p.disposition {
            Disposition::Keep => "keep",
            Disposition::Disable => "dis",
            Disposition::Delete => "del",
        };
        let enabled = if p.enabled { "y" } else { "n" };
        let addr = match &p.kind {
            Kind::Code { addrs, .. } if addrs.len() == 1 => cx.addr_text(addrs[0]),
            Kind::Code { addrs, .. } if addrs.is_empty() => "<PENDING>".into(),
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
                let number = format!("{}.{}", p.number, i + 1);
                let (addr, place) = (cx.addr_text(*a), cx.place_text(*a).unwrap_or_default());
                say!(cx, "{number:<27} {enabled:<3} {addr} {place}");
            }
        }
        answer.push(cx.point_json(p));
    }
    cx.s.answer = Some(json!({ "breakpoints": answer }));
    Ok(())
}
