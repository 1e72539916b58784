//! Starting a program in a process of its own, for a front end that outlives it.

use super::Options;
use crate::host;
use crate::process::Signal;
use emu_stub::{Launch, Link, StartArguments};
use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// Ends as the program has.
pub(super) fn end_as(status: ExitStatus) -> ! {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => host::signal::die(Signal(signal as u8)),
        (code, None) => std::process::exit(code.unwrap_or(1)),
    }
}

/// Starts processes for the program, with the options that this one has.
pub(super) struct Launcher {
    emulator: PathBuf,
    options: Vec<OsString>,
    /// The program and its arguments.
    program: Vec<OsString>,
    no_input: bool,
}

impl Launcher {
    /// `args` are those that `options` were read from, and name a program. `no_input`: the program gets nothing to read.
    ///
    /// # Errors
    /// The emulator's own file cannot be found.
    pub(super) fn new(
        options: &Options,
        args: &[OsString],
        no_input: bool,
    ) -> std::io::Result<Launcher> {
        Ok(Launcher {
            emulator: std::env::current_exe()?,
            options: args[..args.len() - options.program.len()].to_vec(),
            program: options.program.clone(),
            no_input,
        })
    }
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
