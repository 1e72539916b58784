//! Starting the program, ending it, and letting it go.

use super::breakpoints::Kind;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Result, Resume, StartArguments};

/// `run`: lets it go from its beginning, which is a new one if it has begun, or is to have other arguments.
pub fn run(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    begin(cx)?;
    let plan = cx.plan(Resume::Continue { signal: None })?;
    cx.run_until(plan, &[])?;
    Ok(())
}

/// Has the program stand at its beginning, with the arguments that are wanted.
fn begin(cx: &mut Cx<'_>) -> Result<()> {
    if !cx.args.is_empty() {
        cx.s.arguments = Some(cx.args.to_owned());
    }
    if cx.s.started || !cx.alive() || cx.s.arguments != cx.s.started_with {
        restart(cx)?;
    }
    Ok(())
}

fn restart(cx: &mut Cx<'_>) -> Result<()> {
    let arguments = match &cx.s.arguments {
        Some(text) => StartArguments::Shell(text.clone()),
        None => StartArguments::Same,
    };
    // Which program it was and where, to know how far its breakpoints move.
    let before = cx.symbols();
    cx.inf.restart(None, &arguments)?;
    cx.s.started_with = cx.s.arguments.clone();
    cx.s.new_program();
    cx.reload_symbols();
    let now = cx.symbols();
    match (before.modules.first(), now.modules.first()) {
        (Some(old), Some(new)) if old.path == new.path => {
            cx.s.breakpoints.begin_anew(new.bias.wrapping_sub(old.bias));
        }
        // It had executed another one.
        _ => {
            cx.s.breakpoints.begin_anew(0);
            cx.reset_points();
        }
    }
    if let Some(filter) = cx.s.trace.clone() {
        cx.inf.set_trace(Some(&filter))?;
    }
    if let Some(view) = &mut cx.s.view {
        view.give_terminal(cx.inf);
    }
    Ok(())
}

/// `start`: to the beginning of main.
pub fn start(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    super::breakpoints::set_temporary(&mut cx.with_args("main"))?;
    run(cx)
}

/// `starti`: to the first instruction.
pub fn starti(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    begin(cx)?;
    cx.s.started = true;
    say!(cx, "Program stopped.");
    cx.report_arrival(true)
}

/// `kill`: ends it. It can be started anew.
pub fn kill(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    let stop = cx.stop()?;
    // They can still be asked for.
    cx.symbols();
    cx.inf.kill()?;
    cx.s.invalidate();
    cx.s.pending_signal = None;
    say!(cx, "[Inferior 1 (process {}) killed]", stop.pid);
    Ok(())
}

/// `detach`: lets the program run on alone.
pub fn detach(cx: &mut Cx<'_>) -> Result<()> {
    let stop = cx.stop()?;
    cx.need_to_run()?;
    let signal = cx.s.pending_signal.take().map(|(_, n)| n);
    if let Some(t) = &mut cx.s.terminal {
        t.give_to_guest();
    }
    cx.inf.detach(signal)?;
    cx.s.detached = true;
    say!(cx, "[Inferior 1 (process {}) detached]", stop.pid);
    Ok(())
}

impl Cx<'_> {
    /// The arguments that the program is started with, as a user writes them.
    ///
    /// # Errors
    /// They are not known.
    pub fn start_arguments(&mut self) -> Result<String> {
        if let Some(text) = &self.s.arguments {
            return Ok(text.clone());
        }
        let words = self.inf.arguments()?;
        let quoted: Vec<String> = words
            .iter()
            .map(|w| quoted(&String::from_utf8_lossy(w)))
            .collect();
        Ok(quoted.join(" "))
    }
}

/// A word as the shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=,+@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl super::breakpoints::Breakpoints {
    /// The program is started anew, `by` bytes farther up: what the inferior was told is forgotten, hits are counted from none, and
    /// what was about a frame is gone with it.
    pub fn begin_anew(&mut self, by: u64) {
        self.forget_inserted();
        self.points
            .retain(|p| !matches!(&p.kind, Kind::Watch { scope: Some(_), .. }));
        for p in &mut self.points {
            p.hits = 0;
            match &mut p.kind {
                Kind::Code { addrs, spec, .. } if !spec.starts_with('*') => {
                    for addr in addrs {
                        *addr = addr.wrapping_add(by);
                    }
                }
                Kind::Watch { addr, .. } => *addr = addr.wrapping_add(by),
                _ => {}
            }
        }
    }
}

/// `set args`
pub fn set_arguments(cx: &mut Cx<'_>, text: &str) -> Result<()> {
    if !cx.inf.capabilities().resume {
        return fail("a core file does not run, with whatever arguments");
    }
    cx.s.arguments = Some(text.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("a-b=/c.d"), "a-b=/c.d");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
