//! `--core`: looking at a core file.

use super::{Failure, Options, debugger};
use crate::coredump::{Core, CoreInferior};
use emu_stub::{Ended, Server};
use std::path::{Path, PathBuf};

/// Opens the core file at `path` for a debugger (`-g`) or the user.
///
/// # Errors
/// What is wrong with it, or with the address of `-g`.
pub(super) fn open(path: &Path, options: &Options) -> Result<(), Failure> {
    let failure = |text: String| Failure { text, status: 1 };
    if options.program.len() > 1 {
        return Err(Failure::usage(
            "--core takes one program after the core file, without arguments",
        ));
    }
    let core = Core::open(path).map_err(|e| failure(format!("{}: {e}", path.display())))?;
    let exe = options.program.first().map(PathBuf::from);
    let mut inferior = CoreInferior::new(core, exe, options.prefix.clone());
    for warning in inferior.warnings() {
        eprintln!("emu: {}: {warning}", path.display());
    }
    match &options.gdb {
        Some(endpoint) => serve(&mut inferior, endpoint),
        None => prompt(&mut inferior, options),
    }
}

/// The prompt, with a report on top. It asks for commands unless it was given some.
fn prompt(inferior: &mut CoreInferior, options: &Options) -> Result<(), Failure> {
    let mut options = options.clone();
    options.interactive |= options.scripts.is_empty();
    let report = emu_repl::report::crash(inferior);
    match super::prompt::over(inferior, &options, &report)? {
        0 => Ok(()),
        status => std::process::exit(status),
    }
}

/// Serves debuggers, one after the other, until one ends its session in so many words.
fn serve(inferior: &mut CoreInferior, endpoint: &str) -> Result<(), Failure> {
    let (listener, socket, _) = debugger::listen(endpoint)?;
    let result = loop {
        let stream = match listener.accept() {
            Ok(stream) => stream,
            Err(e) => {
                break Err(Failure {
                    text: format!("-g {endpoint}: {e}"),
                    status: 1,
                });
            }
        };
        match Server::default().serve(inferior, stream) {
            Ended::Disconnected => {}
            Ended::Killed | Ended::Exited | Ended::Detached => break Ok(()),
        }
    };
    if let Some(socket) = socket {
        // Best effort: whoever removed it first has done our work.
        let _ = std::fs::remove_file(socket);
    }
    result
}
