//! The prompt itself: where lines come from and where answers go.

use crate::commands::misc::execute;
use crate::commands::table::COMMANDS;
use crate::editor::{Line, LineEditor};
use crate::session::{Cx, Session};
use crate::terminal::Terminal;
use emu_stub::{Inferior, RegisterRole, State, StopReason};
use serde_json::json;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// Descriptors of the prompt's own: the program may do with 0, 1 and 2 what it likes.
pub struct Console {
    /// Where lines come from without a terminal.
    pub input: OwnedFd,
    /// Where answers go.
    pub output: OwnedFd,
    /// Where errors go.
    pub error: OwnedFd,
}

/// Commands that are given before any are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// A file of them.
    File(PathBuf),
    /// One.
    Line(String),
}

/// How a prompt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this status; the program, if it is still there, is to be ended.
    Quit(i32),
    /// The program was let go, and runs by itself.
    Detached,
}

/// A prompt at a terminal, a pipe or a script.
pub struct Prompt {
    session: Session,
    output: File,
    error: File,
    /// Lines without a terminal.
    lines: Option<BufReader<File>>,
    editor: Option<LineEditor>,
    /// Answers are lines of JSON.
    json: bool,
    scripts: VecDeque<Script>,
    /// Ask for lines once the scripts are done.
    ask: bool,
    failed: bool,
}

/// The status of a session in which something went wrong.
const FAILED: i32 = 1;

impl Prompt {
    /// A prompt over these descriptors. `ask`: lines are read after the scripts. Opens what it needs at once, so that the program
    /// does not find descriptors taken that it expects to get.
    pub fn new(console: Console, scripts: Vec<Script>, ask: bool, json: bool) -> Prompt {
        let input = File::from(console.input);
        let output = File::from(console.output);
        let interactive = ask && !json && input.is_terminal() && output.is_terminal();
        let mut session = Session::new();
        session.interactive = interactive;
        let editor = if interactive { LineEditor::new() } else { None };
        // The terminal is shared also by who reads from a script.
        if let Ok(copy) = output.try_clone()
            && output.is_terminal()
        {
            session.terminal = Terminal::new(copy.into());
        }
        Prompt {
            session,
            output,
            error: File::from(console.error),
            lines: (ask && editor.is_none()).then(|| BufReader::new(input)),
            editor,
            json,
            scripts: scripts.into(),
            ask,
            failed: false,
        }
    }

    /// Says something before the first command: a greeting, a crash report.
    pub fn say(&mut self, text: &str) {
        if !self.json {
            let _ = self.output.write_all(text.as_bytes());
        }
    }

    /// Runs commands until there are no more, `quit` or `detach`.
    pub fn run(&mut self, inferior: &mut (dyn Inferior + 'static)) -> Ending {
        if !self.json && self.editor.is_some() {
            self.greet(inferior);
        }
        while let Some(script) = self.scripts.pop_front() {
            if let Some(ending) = self.script(inferior, script) {
                return ending;
            }
        }
        if !self.ask {
            return self.end();
        }
        let mut last = String::new();
        loop {
            let line = match self.next_line(inferior) {
                Some(line) => line,
                None => return self.end(),
            };
            let typing = self.session.breakpoints.typing.is_some();
            // An empty line at a terminal repeats; x and list go on by themselves.
            let line = if line.trim().is_empty() && self.editor.is_some() && !typing {
                last.clone()
            } else {
                line
            };
            self.line(inferior, &line);
            if !typing && !line.trim().is_empty() {
                last = repeatable(&line);
            }
            if let Some(ending) = self.ending() {
                return ending;
            }
        }
    }

    fn end(&self) -> Ending {
        Ending::Quit(if self.failed { FAILED } else { 0 })
    }

    fn ending(&self) -> Option<Ending> {
        if self.session.detached {
            return Some(Ending::Detached);
        }
        let status = self.session.quit?;
        Some(Ending::Quit(if status == 0 && self.failed {
            FAILED
        } else {
            status
        }))
    }

    fn script(
        &mut self,
        inferior: &mut (dyn Inferior + 'static),
        script: Script,
    ) -> Option<Ending> {
        let (name, text) = match script {
            Script::Line(line) => (String::from("--eval"), line),
            Script::File(path) => match std::fs::read_to_string(&path) {
                Ok(text) => (path.display().to_string(), text),
                Err(e) => {
                    let why = e.to_string();
                    let why = why
                        .split(" (os error")
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    self.complain(&format!("emu: -x {}: {why}", path.display()));
                    return Some(Ending::Quit(FAILED));
                }
            },
        };
        for (n, line) in text.lines().enumerate() {
            if !self.line(inferior, line) {
                self.complain(&format!("emu: {name}:{}: ended by the error", n + 1));
                return Some(Ending::Quit(FAILED));
            }
            if let Some(ending) = self.ending() {
                return Some(ending);
            }
        }
        // `commands` without an end.
        self.session.breakpoints.typing = None;
        None
    }

    fn complain(&mut self, text: &str) {
        let _ = writeln!(self.error, "{text}");
    }

    fn next_line(&mut self, inferior: &mut (dyn Inferior + 'static)) -> Option<String> {
        let typing = self.session.breakpoints.typing.is_some();
        if let Some(editor) = &mut self.editor {
            let mut out = String::new();
            let mut cx = Cx {
                inf: inferior,
                s: &mut self.session,
                out: &mut out,
                args: "",
            };
            let symbols = cx.symbols();
            let registers = cx
                .target()
                .registers
                .iter()
                .map(|r| r.name.to_owned())
                .collect();
            let prompt = if typing { ">" } else { "(emu) " };
            return match editor.read(prompt, symbols, registers) {
                Line::Text(line) => Some(line),
                Line::Cancelled => Some(String::from("#")),
                Line::End => {
                    let _ = writeln!(self.output, "quit");
                    None
                }
            };
        }
        let mut line = Vec::new();
        match self.lines.as_mut()?.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).into_owned()),
        }
    }

    /// Runs one line and shows what came of it; whether it went well.
    fn line(&mut self, inferior: &mut (dyn Inferior + 'static), line: &str) -> bool {
        let mut out = Output {
            text: String::new(),
            file: (!self.json).then_some(&mut self.output),
        };
        self.session.answer = None;
        let result = execute(
            &mut Cx {
                inf: inferior,
                s: &mut self.session,
                out: &mut out,
                args: "",
            },
            line,
        );
        let text = out.text;
        let good = result.is_ok();
        if self.json {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                return good;
            }
            let mut answer = json!({ "command": line, "ok": good, "text": text });
            if let Some(data) = self.session.answer.take() {
                answer["data"] = data;
            }
            if let Err(e) = &result {
                answer["error"] = json!(e.to_string());
            }
            let _ = writeln!(self.output, "{answer}");
        } else if let Err(e) = &result {
            // At a terminal and in the same place as the answers, so that they stay in order.
            let to = if self.editor.is_some() {
                &mut self.output
            } else {
                &mut self.error
            };
            let _ = writeln!(to, "{e}");
        }
        self.failed |= !good && self.editor.is_none();
        if std::mem::take(&mut self.session.full_screen)
            && let Err(e) = crate::tui::run(&mut self.session, inferior, &self.output)
        {
            let _ = writeln!(self.output, "{e}");
        }
        good
    }

    fn greet(&mut self, inferior: &mut (dyn Inferior + 'static)) {
        let mut text = String::from("Type \"help\" for help.\n");
        if let State::Stopped(stop) = inferior.state()
            && stop.reason == StopReason::Step
        {
            let mut cx = Cx {
                inf: inferior,
                s: &mut self.session,
                out: &mut text,
                args: "",
            };
            let pc = cx.role(stop.tid, RegisterRole::Pc);
            cx.symbols();
            if pc.is_ok() {
                cx.show_place(true);
            }
        }
        self.say(&text);
    }
}

/// What an empty line after this one does: commands that list go on rather than begin anew.
fn repeatable(line: &str) -> String {
    let line = line.trim();
    let word = line.split([' ', '/']).next().unwrap_or("");
    match word {
        "x" => {
            let format = line.split(' ').next().unwrap_or("x");
            format.to_owned()
        }
        "l" | "li" | "lis" | "list" => "list".to_owned(),
        _ => {
            // What is dangerous to do twice is not repeated.
            let command = emu_stub::monitor::find(COMMANDS.iter(), line);
            match command {
                emu_stub::monitor::Found::One(c, _)
                    if matches!(
                        c.name,
                        "run"
                            | "start"
                            | "kill"
                            | "quit"
                            | "detach"
                            | "delete"
                            | "core"
                            | "jump"
                            | "signal"
                            | "commands"
                    ) =>
                {
                    String::new()
                }
                _ => line.to_owned(),
            }
        }
    }
}

/// Shows text as it comes, whole lines at a time, and keeps it.
struct Output<'f> {
    text: String,
    file: Option<&'f mut File>,
}

impl std::fmt::Write for Output<'_> {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        match &mut self.file {
            // A reader that has gone is no error: the commands still do what they do.
            Some(file) => {
                let _ = file.write_all(s.as_bytes());
            }
            None => self.text.push_str(s),
        }
        Ok(())
    }
}
