//! `-i`, `-x`, `--eval`: the prompt. It runs in a process of its own, and the program in another one that serves it, so that a
//! program can be started anew in a process that is as the first one was. A core file is looked at in the prompt's own process.

use super::launcher::end_as;
use super::{Failure, Options};
use crate::host;
use crate::process::Signal;
use emu_repl::{Console, Ending, Prompt, Script};
use emu_stub::Inferior;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};

/// Whether the options ask for a prompt, which this process is not to serve itself.
pub(super) fn wanted(options: &Options) -> bool {
    (options.interactive || options.tui || !options.scripts.is_empty())
        && options.prompt_fd.is_none()
}

/// The prompt that the options ask for, with descriptors of its own.
///
/// # Errors
/// No more descriptors.
fn make(options: &Options) -> Result<Prompt, Failure> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| -> Result<OwnedFd, Failure> {
        fd.try_clone_to_owned().map_err(|e| Failure {
            text: format!("-i: the standard descriptors cannot be used: {e}"),
            status: 1,
        })
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
    Ok(Prompt::new(console, scripts, ask, options.json))
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

/// Runs the prompt of a program, which it starts; comes back only with what kept it from that. `args` are those that `options`
/// were read from.
///
/// # Errors
/// What is wrong with the options. What is wrong with the program its own process says.
pub(super) fn run(options: &Options, args: &[OsString]) -> Result<(), Failure> {
    options.need_program()?;
    if options.gdb.is_some() {
        return Err(Failure::usage(
            "-g and -i exclude each other; 'monitor help' in gdb lists the prompt's commands",
        ));
    }
    super::run::report_internal_errors();
    // Commands and the program's input cannot come from the same pipe.
    let no_input = (options.interactive || options.tui) && !is_terminal();
    // What the user's keys send is the program's, which stops for it.
    let _for_good = host::signal::pay_no_heed(&[Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP]);
    let mut prompt = make(options)?;
    let mut inferior = super::launcher::start("-i", options, args, no_input)?;
    match prompt.run(&mut inferior) {
        Ending::Quit(status) => {
            drop((prompt, inferior));
            std::process::exit(status);
        }
        Ending::Detached => {
            drop(prompt);
            let status = inferior.wait().map_err(|e| Failure {
                text: format!("-i: the program cannot be waited for: {e}"),
                status: 1,
            });
            end_as(status?)
        }
    }
}

fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdin().is_terminal()
}
