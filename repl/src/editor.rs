//! The line editor: history, completion of commands and symbols.

use crate::commands::table::COMMANDS;
use crate::dwarf::Symbols;
use rustyline::completion::{Completer, Pair};
use rustyline::config::{Behavior, CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};
use std::path::PathBuf;
use std::sync::Arc;

/// Lines of history that are kept.
const HISTORY: usize = 10_000;
/// Symbols that are offered at once.
const MANY: usize = 200;

/// What a line editor gives.
pub enum Line {
    /// A line.
    Text(String),
    /// Ctrl-C: what was typed is forgotten.
    Cancelled,
    /// Ctrl-D, or the terminal is gone.
    End,
}

/// A line editor at a terminal.
pub struct LineEditor {
    editor: Editor<Names, FileHistory>,
    history: Option<PathBuf>,
}

/// What can be completed.
#[derive(Default)]
struct Names {
    symbols: Arc<Symbols>,
    registers: Vec<String>,
}

/// `$XDG_STATE_HOME/emu/history`, or `~/.local/state/emu/history`.
fn history_file() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("emu/history"))
}

impl LineEditor {
    /// An editor with the history of the sessions before; `None` where there is no terminal that it can work with.
    pub fn new() -> Option<LineEditor> {
        let config = Config::builder()
            .behavior(Behavior::PreferTerm)
            .completion_type(CompletionType::List)
            .max_history_size(HISTORY)
            .ok()?
            .history_ignore_space(true)
            .build();
        let kept = FileHistory::with_config(&config);
        let mut editor = Editor::with_history(config, kept).ok()?;
        editor.set_helper(Some(Names::default()));
        let history = history_file();
        if let Some(path) = &history {
            // The first session has none.
            let _ = editor.load_history(path);
        }
        Some(LineEditor { editor, history })
    }

    /// Asks for a line. Names that are completed are those of `symbols` and `registers`.
    pub fn read(&mut self, prompt: &str, symbols: Arc<Symbols>, registers: Vec<String>) -> Line {
        if let Some(names) = self.editor.helper_mut() {
            names.symbols = symbols;
            names.registers = registers;
        }
        match self.editor.readline(prompt) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    let _ = self.editor.add_history_entry(&line);
                    self.save();
                }
                Line::Text(line)
            }
            Err(ReadlineError::Interrupted) => Line::Cancelled,
            Err(_) => Line::End,
        }
    }

    /// Appends what is new to the history's file. Each line at once: the program may take the prompt down with it.
    fn save(&mut self) {
        let Some(path) = &self.history else { return };
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        // A history that cannot be kept is no reason to stop.
        let _ = self.editor.append_history(path);
    }
}

/// What may stand at the end of `line` (up to the cursor): where the word begins, and the words.
pub fn complete(line: &str, symbols: &Symbols, registers: &[String]) -> (usize, Vec<String>) {
    let trimmed = line.trim_start();
    let lead = line.len() - trimmed.len();
    // Words of commands that begin so.
    let mut names: Vec<String> = Vec::new();
    for c in COMMANDS {
        if let Some(rest) = c.name.strip_prefix(trimmed)
            && (!rest.is_empty() || trimmed.is_empty())
        {
            // Up to the end of the word that is being typed.
            let typed = trimmed.rfind(' ').map_or(0, |i| i + 1);
            let word = c.name[typed..].split(' ').next().unwrap_or("");
            names.push(word.to_owned());
        }
    }
    let first = !trimmed.contains(' ');
    if first || !names.is_empty() {
        names.sort();
        names.dedup();
        let start = lead + trimmed.rfind(' ').map_or(0, |i| i + 1);
        return (start, names);
    }
    // A symbol or register in an argument.
    let start = line
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .map_or(0, |i| {
            i + line[i..].chars().next().map_or(1, char::len_utf8)
        });
    let word = &line[start..];
    if let Some(prefix) = word.strip_prefix('$') {
        let found = registers.iter().filter(|r| r.starts_with(prefix));
        return (start, found.map(|r| format!("${r}")).collect());
    }
    // All symbols of a program are no help.
    if word.is_empty() {
        return (start, Vec::new());
    }
    (start, symbols.names(word, MANY))
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, words) = complete(
            line.get(..pos).unwrap_or(line),
            &self.symbols,
            &self.registers,
        );
        let pairs = words.into_iter().map(|w| Pair {
            display: w.clone(),
            replacement: w,
        });
        Ok((start, pairs.collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_registers_are_completed() {
        let symbols = Symbols::default();
        let registers = vec!["x0".to_owned(), "x1".to_owned(), "sp".to_owned()];
        let names = |line: &str| complete(line, &symbols, &registers);
        assert_eq!(names("disas"), (0, vec!["disassemble".to_owned()]));
        assert_eq!(names("info regi"), (5, vec!["registers".to_owned()]));
        assert!(names("info ").1.contains(&"threads".to_owned()));
        assert_eq!(
            names("print $x"),
            (6, vec!["$x0".to_owned(), "$x1".to_owned()])
        );
        assert_eq!(names("print 1+$s"), (8, vec!["$sp".to_owned()]));
        assert_eq!(names("print é").1, Vec::<String>::new());
    }
}
