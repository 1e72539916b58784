//! `-i`, `-x`, `--eval`: the prompt. It runs in a process of its own, and the program in another one that serves it, so that a
//! program can be started anew in a process that is as the first one was. A core file is looked at in the prompt's own process.

use super::engine::Statistics;
use super::run::Tracers;
use super::{Failure, Options};
use crate::debug::{Control, Live, Program};
use crate::host;
use crate::process::{Observer, Process, Signal, Thread};
use emu_repl::{Console, Ending, Prompt, Script};
use emu_stub::{Ended, Inferior, Launch, Link, Proxy, Refused, StartArguments};
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

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
    let count = options.program.len();
    if count == 0 {
        return Err(Failure::usage(
            "needs a program to run; 'emu --help' shows the usage",
        ));
    }
    if options.gdb.is_some() {
        return Err(Failure::usage(
            "-g and -i exclude each other; 'monitor help' in gdb lists the prompt's commands",
        ));
    }
    super::run::report_internal_errors();
    let failure = |e: std::io::Error| Failure {
        text: format!("-i: a process for the program cannot be started: {e}"),
        status: 1,
    };
    let launcher = Launcher {
        emulator: std::env::current_exe().map_err(failure)?,
        options: args[..args.len() - count].to_vec(),
        program: options.program.clone(),
        // Commands and the program's input cannot come from the same pipe.
        no_input: (options.interactive || options.tui) && !is_terminal(),
    };
    // What the user's keys send is the program's, which stops for it.
    host::signal::pay_no_heed(&[Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP]);
    let mut prompt = make(options)?;
    let mut inferior = match Proxy::start(Box::new(launcher)) {
        Ok(inferior) => inferior,
        Err(Refused::Launch(e)) => return Err(failure(e)),
        Err(Refused::Ended(status)) => end_as(status),
    };
    match prompt.run(&mut inferior) {
        Ending::Quit(status) => {
            drop((prompt, inferior));
            std::process::exit(status);
        }
        Ending::Detached => {
            drop(prompt);
            end_as(inferior.wait().map_err(failure)?)
        }
    }
}

/// Ends as the program has.
fn end_as(status: ExitStatus) -> ! {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => host::signal::die(Signal(signal as u8)),
        (code, None) => std::process::exit(code.unwrap_or(1)),
    }
}

/// Starts processes for the program, with the options that this one has.
struct Launcher {
    emulator: PathBuf,
    options: Vec<OsString>,
    /// The program and its arguments.
    program: Vec<OsString>,
    no_input: bool,
}

impl Launch for Launcher {
    fn launch(
        &mut self,
        program: Option<PathBuf>,
        arguments: &StartArguments,
    ) -> std::io::Result<Link> {
        let (stream, theirs) = UnixStream::pair()?;
        host::fd::set_inherited(theirs.as_raw_fd(), true);
        let mut words = vec![self.emulator.clone().into_os_string()];
        words.push(format!("--prompt-fd={}", theirs.as_raw_fd()).into());
        words.extend(self.options.iter().cloned());
        words.push(match program {
            Some(program) => program.into_os_string(),
            None => self.program[0].clone(),
        });
        let mut command = match arguments {
            StartArguments::Shell(text) => {
                let mut shell = Command::new("/bin/sh");
                shell.arg("-c").arg(format!("exec \"$@\" {text}")).arg("sh");
                shell
            }
            _ => Command::new(words.remove(0)),
        };
        command.args(words);
        match arguments {
            StartArguments::Same => command.args(&self.program[1..]),
            StartArguments::Words(list) => {
                command.args(list.iter().map(|w| std::ffi::OsStr::from_bytes(w)))
            }
            StartArguments::Shell(_) => &mut command,
        };
        if self.no_input {
            command.stdin(Stdio::null());
        }
        let child = command.spawn()?;
        Ok(Link { child, stream })
    }

    fn arguments(&self) -> Vec<Vec<u8>> {
        let arguments = self.program[1..].iter().cloned();
        arguments.map(OsString::into_vec).collect()
    }
}

/// The way to a prompt in another process, for the process of the program.
pub(super) struct Beside {
    control: Arc<Control>,
    stream: UnixStream,
}

impl Beside {
    /// Before anything of the guest exists. `fd` is the connection, by the number that the prompt's process gave it.
    ///
    /// # Errors
    /// No more descriptors, or there is no connection.
    pub(super) fn open(fd: i32) -> Result<Beside, Failure> {
        let failure = |e: std::io::Error| Failure {
            text: format!("--prompt-fd={fd}: {e}"),
            status: 1,
        };
        let control = host::fd::above_the_guests(|| Control::new(true)).map_err(failure)?;
        Ok(Beside {
            control: Arc::new(control.with_patience()),
            stream: host::fd::adopt(fd).map_err(failure)?.into(),
        })
    }

    /// Those who are to be told of the guest's events.
    pub(super) fn observers(&self) -> Vec<Arc<dyn Observer>> {
        let connection = Connection(self.stream.as_raw_fd());
        vec![self.control.clone(), Arc::new(connection)]
    }

    /// Serves the prompt from a thread of its own. Call with all signals blocked, which that thread inherits.
    ///
    /// # Errors
    /// No more threads.
    pub(super) fn serve(
        self,
        process: Arc<Process>,
        program: Program,
        mode: u32,
        tracers: &Tracers,
        statistics: Option<Statistics>,
    ) -> Result<(), Failure> {
        let (missing, trace) = (tracers.missing.clone(), tracers.trace.clone());
        let thread = std::thread::Builder::new().name("prompt".into());
        let serving = thread.spawn(move || {
            let mut live = Live::new(process, self.control.clone(), program, mode);
            live.set_tracing(missing, trace);
            if let Some(tell) = statistics {
                live.set_statistics(tell);
            }
            live.attach();
            match emu_stub::proxy::serve(&mut live, &self.stream) {
                Ended::Detached => host::fd::forget(self.stream.as_raw_fd()),
                // The guest ends with its prompt.
                Ended::Killed | Ended::Exited | Ended::Disconnected => {
                    host::signal::die(Signal::SIGKILL)
                }
            }
        });
        serving.map(drop).map_err(|e| Failure {
            text: format!("-i: no thread to serve the prompt: {e}"),
            status: 1,
        })
    }
}

/// The connection, which the children of the guest do not keep: its end tells the prompt of the end of the process.
struct Connection(i32);

impl Observer for Connection {
    fn forked(&self, _: &mut Thread) {
        host::fd::close(self.0);
    }
}

fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdin().is_terminal()
}
