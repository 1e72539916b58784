//! The command line: options, sub-modes, and putting a guest together.

mod core;
mod debugger;
mod engine;
mod launcher;
mod list;
mod log;
mod multi;
mod options;
mod prompt;
mod run;

pub use options::{EngineKind, OPTIONS, Opt, Options, Support};

use std::ffi::OsString;
use std::io::Write;

/// Exit status for a command line that makes no sense.
const USAGE: i32 = 2;

/// A message for the user, and the exit status that goes with it.
#[derive(Debug)]
pub struct Failure {
    /// One line: what failed, on what, why, what to try.
    pub text: String,
    /// Exit status.
    pub status: i32,
}

impl Failure {
    /// A mistake on the command line.
    pub fn usage(text: impl Into<String>) -> Failure {
        Failure {
            text: text.into(),
            status: USAGE,
        }
    }
}

/// Runs the command line `args` (without the program's name); returns the exit status. A guest that runs ends the process
/// itself.
pub fn main(args: Vec<OsString>) -> i32 {
    match act(args) {
        Ok(()) => 0,
        Err(failure) => {
            eprintln!("emu: {}", failure.text);
            failure.status
        }
    }
}

fn act(args: Vec<OsString>) -> Result<(), Failure> {
    let options = Options::parse(args.clone(), |name| std::env::var_os(name))?;
    if options.help {
        return print(&options::help());
    }
    if options.version {
        return print(&options::version());
    }
    if let Some(what) = &options.list {
        return print(&list::list(what, options.list_os.as_deref())?);
    }
    if options.report_merge {
        return print(&merge(&options)?);
    }
    if let Some(path) = &options.core {
        return core::open(path, &options);
    }
    if prompt::wanted(&options) {
        return prompt::run(&options, &args);
    }
    if options.multi && options.prompt_fd.is_none() {
        return multi::run(&options, &args);
    }
    run::run(options)
}

/// `--report-merge`
fn merge(options: &Options) -> Result<String, Failure> {
    let files: Result<Vec<(String, String)>, Failure> = options
        .program
        .iter()
        .map(|path| {
            let name = path.to_string_lossy().into_owned();
            let content = std::fs::read_to_string(path).map_err(|e| Failure {
                text: format!("--report-merge: {name}: {e}"),
                status: 1,
            })?;
            Ok((name, content))
        })
        .collect();
    let files = files?;
    if files.is_empty() {
        return Err(Failure::usage(
            "--report-merge needs the files that --report wrote",
        ));
    }
    crate::trace::merge(&files).map_err(|why| Failure {
        text: format!("--report-merge: {why}"),
        status: 1,
    })
}

/// Prints to standard output; a reader that has gone (`emu --help | head -1`) is no error.
fn print(text: &str) -> Result<(), Failure> {
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}
