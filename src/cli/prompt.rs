//! `-i`, `-x`, `--eval`: the prompt beside the running guest, or over another inferior.

use super::engine::Statistics;
use super::run::Tracers;
use super::{Failure, Options};
use crate::debug::{Control, Live, Program};
use crate::host;
use crate::process::{Observer, Process};
use emu_repl::{Console, Ending, Prompt, Script};
use emu_stub::Inferior;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc;

/// Whether the options ask for a prompt.
pub(super) fn wanted(options: &Options) -> bool {
    options.interactive || options.tui || !options.scripts.is_empty()
}

/// The prompt that the options ask for, with descriptors of its own.
///
/// # Errors
/// No more descriptors.
pub(super) fn make(options: &Options) -> Result<Prompt, Failure> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| -> Result<OwnedFd, Failure> {
        let copy = fd.try_clone_to_owned().map_err(|e| Failure {
            text: format!("-i: the standard descriptors cannot be used: {e}"),
            status: 1,
        })?;
        Ok(host::fd::raise(copy))
    };
    let console = Console {
        input: own(std::io::stdin().as_fd())?,
        output: own(std::io::stdout().as_fd())?,
        error: own(std::io::stderr().as_fd())?,
    };
    // Scripts alone are run and done; -i asks for more.
    let ask = options.interactive || options.tui;
    let mut scripts = options.scripts.clone();
    if options.tui {
        scripts.push(Script::Line("tui".into()));
    }
    Ok(host::fd::above_the_guests(|| {
        Prompt::new(console, scripts, ask, options.json)
    }))
}

/// Runs a prompt over an inferior that is no live guest; returns the exit status.
///
/// # Errors
/// No more descriptors.
pub(super) fn over(
    inferior: &mut (dyn Inferior + 'static),
    options: &Options,
    greeting: &str,
) -> Result<i32, Failure> {
    let mut prompt = make(options)?;
    prompt.say(greeting);
    match prompt.run(inferior) {
        Ending::Quit(status) => Ok(status),
        Ending::Detached => Ok(0),
    }
}

/// A prompt that waits for its guest.
pub(super) struct Beside {
    control: Arc<Control>,
}

impl Beside {
    /// Before anything of the guest exists.
    ///
    /// # Errors
    /// No more descriptors.
    pub(super) fn open() -> Result<Beside, Failure> {
        let control = host::fd::above_the_guests(|| Control::new(true)).map_err(|e| Failure {
            text: format!("-i: {e}"),
            status: 1,
        })?;
        Ok(Beside {
            control: Arc::new(control.with_patience()),
        })
    }

    /// Who is to be told of the guest's events.
    pub(super) fn observer(&self) -> Arc<dyn Observer> {
        self.control.clone()
    }

    /// Runs the prompt in a thread of its own. Call with all signals blocked, which that thread inherits. Returns once the prompt
    /// has opened what it needs.
    ///
    /// # Errors
    /// No more threads or descriptors.
    pub(super) fn serve(
        self,
        process: Arc<Process>,
        program: Program,
        mode: u32,
        tracers: &Tracers,
        statistics: Option<Statistics>,
        options: &Options,
    ) -> Result<(), Failure> {
        // Commands and the guest's input cannot come from the same pipe.
        let takes_input = (options.interactive || options.tui) && !is_terminal();
        let (missing, trace) = (tracers.missing.clone(), tracers.trace.clone());
        let options = options.clone();
        let (ready, opened) = mpsc::channel();
        let thread = std::thread::Builder::new().name("prompt".into());
        let serving = thread.spawn(move || {
            let mut prompt = match make(&options) {
                Ok(prompt) => prompt,
                Err(failure) => {
                    let _ = ready.send(Some(failure));
                    return;
                }
            };
            if takes_input {
                host::fd::read_nothing(0);
            }
            let _ = ready.send(None);
            let mut live = Live::new(process, self.control.clone(), program, mode);
            live.set_tracing(missing, trace);
            if let Some(tell) = statistics {
                live.set_statistics(tell);
            }
            live.attach();
            match prompt.run(&mut live) {
                Ending::Quit(status) => {
                    drop(prompt);
                    // The guest, if it is still there, ends with its emulator.
                    std::process::exit(status);
                }
                Ending::Detached => {}
            }
        });
        serving.map(drop).map_err(|e| Failure {
            text: format!("-i: no thread for the prompt: {e}"),
            status: 1,
        })?;
        match opened.recv() {
            Ok(Some(failure)) => Err(failure),
            _ => Ok(()),
        }
    }
}

fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdin().is_terminal()
}
