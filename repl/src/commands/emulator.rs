//! What only an emulator can tell: the trace, what is not implemented, counters; and core files.

use crate::say;
use crate::session::{Cx, fail};
use emu_stub::Result;
use serde_json::json;
use std::path::PathBuf;

pub fn trace(cx: &mut Cx<'_>) -> Result<()> {
    let (what, filter) = cx
        .args
        .split_once(char::is_whitespace)
        .unwrap_or((cx.args, ""));
    match what {
        "on" => {
            cx.inf.set_trace(Some(filter.trim()))?;
            cx.s.trace = Some(filter.trim().to_owned());
            say!(
                cx,
                "System calls are traced{}.",
                if filter.is_empty() {
                    String::new()
                } else {
                    format!(": {}", filter.trim())
                }
            );
        }
        "off" => {
            cx.inf.set_trace(None)?;
            cx.s.trace = None;
            say!(cx, "System calls are not traced.");
        }
        _ => {
            return fail(
                "\"trace\" takes \"on [FILTER]\" or \"off\"; breakpoints are set with \"break\".",
            );
        }
    }
    Ok(())
}

pub fn unimplemented(cx: &mut Cx<'_>) -> Result<()> {
    let list = cx.inf.unimplemented()?;
    if list.is_empty() {
        say!(
            cx,
            "The program has asked for nothing that is not implemented."
        );
    } else {
        say!(
            cx,
            "{:<14} {:<34} {:>6} {:>7}  {:<10} Asked for at",
            "Kind",
            "What",
            "Count",
            "Bytes",
            "Got"
        );
    }
    let mut answer = Vec::new();
    for u in list {
        let label = cx.symbols().label(u.pc);
        let bytes = u.bytes.map_or(String::from("-"), |n| n.to_string());
        say!(
            cx,
            "{:<14} {:<34} {:>6} {bytes:>7}  {:<10} {:#x} {label}",
            u.kind,
            u.name,
            u.count,
            u.result,
            u.pc
        );
        answer.push(json!({ "kind": u.kind, "name": u.name, "count": u.count, "bytes": u.bytes, "result": u.result, "pc": u.pc, "symbol": label }));
    }
    cx.s.answer = Some(json!({ "unimplemented": answer }));
    Ok(())
}

pub fn calls(cx: &mut Cx<'_>) -> Result<()> {
    let mut list = cx.inf.recent_calls()?;
    if !cx.args.is_empty() {
        let n = cx.eval_int(cx.args)?.max(0) as usize;
        list.drain(..list.len().saturating_sub(n));
    }
    if list.is_empty() {
        say!(cx, "No system calls have been made.");
    }
    let mut answer = Vec::new();
    for c in list {
        let result = if c.result.is_empty() { "?" } else { &c.result };
        say!(cx, "[{}] {} = {result}", c.tid, c.call);
        answer.push(json!({ "thread": c.tid, "call": c.call, "result": c.result }));
    }
    cx.s.answer = Some(json!({ "calls": answer }));
    Ok(())
}

pub fn core(cx: &mut Cx<'_>) -> Result<()> {
    let path = match cx.args {
        "" => PathBuf::from(format!("core.{}", cx.stop()?.pid)),
        path => PathBuf::from(path),
    };
    let size = cx.inf.write_core(&path)?;
    say!(cx, "Saved corefile {} ({size} bytes)", path.display());
    cx.s.answer = Some(json!({ "path": path.to_string_lossy(), "size": size }));
    Ok(())
}

pub fn stats(cx: &mut Cx<'_>) -> Result<()> {
    let text = cx.inf.statistics()?;
    for line in text.lines() {
        say!(cx, "{line}");
    }
    cx.s.answer = Some(json!({ "text": text }));
    Ok(())
}
