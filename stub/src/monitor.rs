//! `monitor` commands of gdb, `process plugin packet monitor` of lldb: the table of commands that the prompt has too.

use std::any::Any;
use std::fmt::Write;

use crate::command::{Command, CommandClass, CommandContext};
use crate::inferior::Inferior;

/// Tables of commands with the state they keep.
pub struct Monitor {
    tables: Vec<&'static [Command]>,
    session: Box<dyn Any + Send>,
}

impl Monitor {
    /// Commands from these tables; `session` is what they expect as [`CommandContext::session`].
    pub fn new(tables: &[&'static [Command]], session: Box<dyn Any + Send>) -> Monitor {
        Monitor {
            tables: tables.to_vec(),
            session,
        }
    }

    fn commands(&self) -> impl Iterator<Item = &'static Command> + Clone + '_ {
        self.tables.iter().copied().flatten()
    }

    /// Runs a line; returns what to show, errors included.
    pub fn run(&mut self, inferior: &mut (dyn Inferior + 'static), line: &str) -> String {
        let line = line.trim();
        let mut out = String::new();
        if line.is_empty() || line == "help" || line.starts_with("help ") {
            self.help(line.strip_prefix("help").unwrap_or("").trim(), &mut out);
            return out;
        }
        let (command, args) = match find(self.commands(), line) {
            Found::One(command, args) => (command, args),
            Found::None => {
                return format!("Undefined command: \"{line}\". Try \"monitor help\".\n");
            }
            Found::Many(names) => {
                return format!("Ambiguous command \"{line}\": {}.\n", names.join(", "));
            }
        };
        if command.class == CommandClass::RunControl {
            return format!(
                "\"{}\" would act behind the debugger's back: use the debugger's own command.\n",
                command.name
            );
        }
        let result = (command.run)(&mut CommandContext {
            inferior,
            args,
            out: &mut out,
            session: &mut *self.session,
        });
        if let Err(e) = result {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "error: {e}");
        }
        out
    }

    fn help(&self, topic: &str, out: &mut String) {
        let listed = |c: &&Command| c.class != CommandClass::RunControl;
        if topic.is_empty() {
            for c in self.commands().filter(listed) {
                let _ = writeln!(
                    out,
                    "{:<24} {}",
                    format!("{} {}", c.name, c.usage),
                    c.summary
                );
            }
            if !self.commands().any(|c| c.name == "help") {
                let _ = writeln!(out, "{:<24} what a command does", "help [COMMAND]");
            }
            return;
        }
        match find(self.commands(), topic) {
            Found::One(c, _) => {
                let _ = writeln!(out, "{} {}\n{}", c.name, c.usage, c.summary);
                if !c.aliases.is_empty() {
                    let _ = writeln!(out, "Also: {}", c.aliases.join(", "));
                }
                if !c.help.is_empty() {
                    let _ = writeln!(out, "{}", c.help);
                }
            }
            Found::None => {
                let _ = writeln!(out, "Undefined command: \"{topic}\".");
            }
            Found::Many(names) => {
                let _ = writeln!(out, "Ambiguous command \"{topic}\": {}.", names.join(", "));
            }
        }
    }
}

/// What a line may mean.
pub enum Found<'l> {
    /// This command with these arguments.
    One(&'static Command, &'l str),
    /// No command.
    None,
    /// The beginning of several names.
    Many(Vec<&'static str>),
}

/// Finds the command that a line begins with. Each word of a name may be shortened, an alias is given in full; the command whose
/// name takes the most words wins, and among those one that is given in full.
pub fn find<'l>(
    commands: impl Iterator<Item = &'static Command> + Clone,
    line: &'l str,
) -> Found<'l> {
    let mut best: Vec<(usize, bool, &'static Command, &'l str)> = Vec::new();
    for command in commands {
        let names = std::iter::once((command.name, true))
            .chain(command.aliases.iter().map(|alias| (*alias, false)));
        let matches = names.filter_map(|(name, may_shorten)| {
            let (words, whole, rest) = matched(name, line)?;
            (whole || may_shorten).then_some((words, whole, command, rest))
        });
        best.extend(matches.max_by_key(|(words, whole, ..)| (*words, *whole)));
    }
    let most = best.iter().map(|b| b.0).max().unwrap_or(0);
    best.retain(|b| b.0 == most);
    if best.iter().any(|b| b.1) {
        best.retain(|b| b.1);
    }
    match best[..] {
        [] => Found::None,
        [(_, _, command, rest)] => Found::One(command, rest),
        _ => Found::Many(best.iter().map(|b| b.2.name).collect()),
    }
}

/// If `line` begins with the words of `name`, each perhaps shortened: how many words, whether all are whole, what follows.
fn matched<'l>(name: &str, line: &'l str) -> Option<(usize, bool, &'l str)> {
    let (mut count, mut all_whole, mut rest) = (0, true, line.trim());
    for word in name.split(' ') {
        // A slash begins the format of an argument (`x/4x`).
        let end = rest
            .char_indices()
            .position(|(i, c)| c.is_whitespace() || (c == '/' && i > 0))
            .map_or(rest.len(), |n| {
                rest.char_indices().nth(n).map_or(0, |(i, _)| i)
            });
        let given = &rest[..end];
        if given.is_empty() || !word.starts_with(given) {
            return None;
        }
        all_whole &= given == word;
        count += 1;
        rest = rest[end..].trim();
    }
    Some((count, all_whole, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn command(name: &'static str, aliases: &'static [&'static str]) -> Command {
        Command {
            name,
            aliases,
            usage: "",
            summary: "",
            help: "",
            class: CommandClass::Inspect,
            run: |_| Ok(()),
        }
    }

    static TABLE: &[Command] = &[
        command("info", &[]),
        command("info registers", &["i r"]),
        command("stats", &[]),
        command("step", &["s"]),
    ];

    fn name(line: &str) -> Option<(&'static str, &str)> {
        match find(TABLE.iter(), line) {
            Found::One(c, args) => Some((c.name, args)),
            _ => None,
        }
    }

    #[test]
    fn commands_are_found_by_name_alias_and_beginning() {
        assert_eq!(name("info registers x0"), Some(("info registers", "x0")));
        assert_eq!(name("info x"), Some(("info", "x")));
        assert_eq!(name("i r"), Some(("info registers", "")));
        assert_eq!(name("s 3"), Some(("step", "3")));
        assert_eq!(name("sta"), Some(("stats", "")));
        assert_eq!(name("st"), None);
        assert_eq!(name("nothing"), None);
        assert_eq!(name("inf reg x0"), Some(("info registers", "x0")));
        assert_eq!(name("step/x 1"), Some(("step", "/x 1")));
        assert_eq!(name("/x"), None);
    }
}
