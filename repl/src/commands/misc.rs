//! Commands about the prompt, and how a line becomes a command.

use super::table::COMMANDS;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::monitor::{Found, find};
use emu_stub::{Command, CommandClass, CommandContext, Error, Result};

/// How deep scripts and breakpoint commands may call each other.
const MAX_NESTING: usize = 16;

/// Runs one line.
///
/// # Errors
/// There is no such command, or it failed.
pub fn execute(cx: &mut Cx<'_>, line: &str) -> Result<()> {
    let line = line.trim();
    // A line that belongs to the commands of a breakpoint.
    if let Some(numbers) = cx.s.breakpoints.typing.clone() {
        if line == "end" {
            cx.s.breakpoints.typing = None;
        } else {
            for n in numbers {
                if let Some(p) = cx.s.breakpoints.get(n) {
                    p.commands.push(line.to_owned());
                }
            }
        }
        return Ok(());
    }
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let shell = line.strip_prefix('!').map(|rest| format!("shell {rest}"));
    let line = shell.as_deref().unwrap_or(line);
    let (command, args) = match find(COMMANDS.iter(), line) {
        Found::One(command, args) => (command, args),
        Found::None => {
            let word = line.split_whitespace().next().unwrap_or(line);
            return fail(format!("Undefined command: \"{word}\".  Try \"help\"."));
        }
        Found::Many(names) => {
            let word = line.split_whitespace().next().unwrap_or(line);
            return fail(format!(
                "Ambiguous command \"{word}\": {}.",
                names.join(", ")
            ));
        }
    };
    if cx.s.guest_of_debugger && command.class == CommandClass::RunControl {
        return fail(format!(
            "\"{}\" is left to the debugger that the program has",
            command.name
        ));
    }
    cx.s.answer = None;
    (command.run)(&mut CommandContext {
        inferior: cx.inf,
        args,
        out: cx.out,
        session: cx.s,
    })?;
    run_deferred(cx)
}

/// Runs what breakpoints left to be run.
fn run_deferred(cx: &mut Cx<'_>) -> Result<()> {
    if cx.s.nesting >= MAX_NESTING {
        return fail("commands of breakpoints are nested too deeply");
    }
    cx.s.nesting += 1;
    let mut result = Ok(());
    let answer = cx.s.answer.take();
    while let Some(line) = cx.s.deferred.pop_front() {
        result = execute(cx, &line);
        if result.is_err() || cx.s.quit.is_some() {
            cx.s.deferred.clear();
            break;
        }
    }
    cx.s.nesting -= 1;
    cx.s.answer = answer.or(cx.s.answer.take());
    result
}

pub fn help(cx: &mut Cx<'_>) -> Result<()> {
    let topic = cx.args;
    if topic.is_empty() {
        say!(
            cx,
            "Commands, by their names; any unambiguous beginning will do, and an empty line repeats.\n"
        );
        for c in COMMANDS {
            let left = format!("{} {}", c.name, c.usage);
            say!(cx, "{:<34} {}", left.trim_end(), c.summary);
        }
        say!(cx, "\n\"help COMMAND\" tells more.");
        return Ok(());
    }
    let show = |cx: &mut Cx<'_>, c: &Command| {
        say!(cx, "{}", format!("{} {}", c.name, c.usage).trim_end());
        say!(cx, "{}.", c.summary);
        if !c.help.is_empty() {
            say!(cx, "{}", c.help);
        }
        if !c.aliases.is_empty() {
            say!(cx, "Also: {}", c.aliases.join(", "));
        }
    };
    // All that begin so: "help info" lists what there is to be told.
    let family: Vec<&Command> = COMMANDS
        .iter()
        .filter(|c| {
            c.name
                .strip_prefix(topic)
                .is_some_and(|r| r.starts_with(' '))
        })
        .collect();
    match find(COMMANDS.iter(), topic) {
        Found::One(c, "") => show(cx, c),
        Found::Many(names) if family.is_empty() => {
            return fail(format!(
                "Ambiguous command \"{topic}\": {}.",
                names.join(", ")
            ));
        }
        _ if family.is_empty() => {
            return fail(format!("Undefined command: \"{topic}\".  Try \"help\"."));
        }
        _ => {}
    }
    for c in family {
        let left = format!("{} {}", c.name, c.usage);
        say!(cx, "{:<34} {}", left.trim_end(), c.summary);
    }
    Ok(())
}

pub fn quit(cx: &mut Cx<'_>) -> Result<()> {
    let status = match cx.args {
        "" => 0,
        text => cx.eval_int(text)? as i32 & 0xff,
    };
    cx.s.quit = Some(status);
    Ok(())
}

pub fn source(cx: &mut Cx<'_>) -> Result<()> {
    let path = cx.args;
    if path.is_empty() {
        return fail("Argument required (file name).");
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::Failed(format!("{path}: {e}")))?;
    if cx.s.nesting >= MAX_NESTING {
        return fail("scripts are nested too deeply");
    }
    cx.s.nesting += 1;
    let mut result = Ok(());
    for (n, line) in text.lines().enumerate() {
        result = execute(cx, line).map_err(|e| Error::Failed(format!("{path}:{}: {e}", n + 1)));
        if result.is_err() || cx.s.quit.is_some() {
            break;
        }
    }
    cx.s.nesting -= 1;
    result
}

pub fn echo(cx: &mut Cx<'_>) -> Result<()> {
    let text = cx.args.replace("\\n", "\n").replace("\\t", "\t");
    let _ = cx.out.write_str(&text);
    Ok(())
}

pub fn info(cx: &mut Cx<'_>) -> Result<()> {
    match cx.args {
        "" => help(&mut cx.with_args("info")),
        other => fail(format!(
            "Undefined info command: \"{other}\".  Try \"help info\"."
        )),
    }
}

pub fn catch(cx: &mut Cx<'_>) -> Result<()> {
    match cx.args {
        "" => help(&mut cx.with_args("catch")),
        other => fail(format!(
            "Undefined catch command: \"{other}\".  Try \"help catch\"."
        )),
    }
}

pub fn full_screen(cx: &mut Cx<'_>) -> Result<()> {
    if !cx.s.interactive {
        return fail("the full-screen view needs a terminal");
    }
    cx.s.full_screen = true;
    Ok(())
}

/// `monitor COMMAND`, as gdb's users type it.
pub fn monitor(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    execute(cx, args)
}
