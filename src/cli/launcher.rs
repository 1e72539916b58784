//! Starting a program in a process of its own, for a front end that outlives it.

use super::{Failure, Options};
use crate::host;
use crate::process::Signal;
use emu_stub::{Launch, Link, Proxy, Refused, StartArguments};
use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// Starts the program, with the options that this process has: `args` are those that `options` were read from, and name a program.
/// `option` is the one that asks for it. `no_input`: the program gets nothing to read. A program that cannot be loaded has said so
/// itself; this process ends as it has.
///
/// # Errors
/// There is no process.
pub(super) fn start(
    option: &str,
    options: &Options,
    args: &[OsString],
    no_input: bool,
) -> Result<Proxy, Failure> {
    let failure = |e: std::io::Error| Failure {
        text: format!("{option}: a process for the program cannot be started: {e}"),
        status: 1,
    };
    let launcher = Launcher {
        emulator: std::env::current_exe().map_err(failure)?,
        options: args[..args.len() - options.program.len()].to_vec(),
        program: options.program.clone(),
        no_input,
    };
    match Proxy::start(Box::new(launcher)) {
        Ok(inferior) => Ok(inferior),
        Err(Refused::Launch(e)) => Err(failure(e)),
        Err(Refused::Ended(status)) => end_as(status),
    }
}

/// Ends as the program has.
pub(super) fn end_as(status: ExitStatus) -> ! {
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
