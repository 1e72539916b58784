//! Setting points: `break`, `watch`, `catch`.

use super::{Disposition, Event, Kind};
use crate::commands::locations::Place;
use crate::expr::Location;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Error, Result, WatchKind};

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

fn set(cx: &mut Cx<'_>, disposition: Disposition, hardware: bool) -> Result<()> {
    cx.need_breakpoints()?;
    let (spec, thread, condition) = split_condition(cx.args);
    let place = match cx.locate(spec) {
        Ok(place) => place,
        Err(e) if cx.may_come(spec) => {
            say!(cx, "{e}");
            Place::default()
        }
        Err(e) => return Err(e),
    };
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
            aim: place.aim,
            hardware,
        },
        disposition,
    );
    if let Some(point) = cx.s.breakpoints.get(number) {
        point.condition = condition.map(str::to_owned);
        point.thread = thread;
    }
    cx.announce(number);
    Ok(())
}

pub fn set_break(cx: &mut Cx<'_>) -> Result<()> {
    set(cx, Disposition::Keep, false)
}

pub fn set_temporary(cx: &mut Cx<'_>) -> Result<()> {
    set(cx, Disposition::Delete, false)
}

pub fn set_hardware(cx: &mut Cx<'_>) -> Result<()> {
    set(cx, Disposition::Keep, true)
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
        Disposition::Keep,
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
    let number =
        cx.s.breakpoints
            .add(Kind::Syscall(which), Disposition::Keep);
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
    let number = cx.s.breakpoints.add(Kind::Signal(which), Disposition::Keep);
    cx.announce(number);
    Ok(())
}

fn catch_event(cx: &mut Cx<'_>, event: Event) -> Result<()> {
    let capabilities = cx.inf.capabilities();
    if !capabilities.resume {
        return Err(Error::Unsupported("a core file does not run"));
    }
    match event {
        Event::Exec if !capabilities.exec_events => {
            return Err(Error::Unsupported(
                "execs are not reported here: the new program runs without the prompt",
            ));
        }
        Event::Fork | Event::VFork if !capabilities.fork_events => {
            return Err(Error::Unsupported(
                "forks are not reported here: the child runs on by itself",
            ));
        }
        _ => {}
    }
    let number = cx.s.breakpoints.add(Kind::Event(event), Disposition::Keep);
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
