//! `--multi`: a debugger that starts the program anew (gdb's `target extended-remote` and `run`). As for the prompt, the program is
//! in a process of its own, which this one talks to, so that each run begins in a process that is as the first one was.

use super::launcher::end_as;
use super::{Failure, Options, debugger};
use crate::debug::relay::wait_either;
use crate::host;
use crate::process::Signal;
use emu_stub::{Ended, Inferior, Listener, Proxy, Server, State, StopReason, signal};
use std::ffi::OsString;
use std::os::fd::AsFd;

/// Serves debuggers, one after the other, until the program has ended and no debugger is there to start it anew. `args` are those
/// that `options` were read from.
///
/// # Errors
/// What is wrong with the options or the address. What is wrong with the program its own process says.
pub(super) fn run(options: &Options, args: &[OsString]) -> Result<(), Failure> {
    let Some(endpoint) = &options.gdb else {
        return Err(Failure::usage(
            "--multi needs -g: it lets the debugger there start the program anew",
        ));
    };
    options.need_program()?;
    let failure = |what: &str, e: std::io::Error| Failure {
        text: format!("--multi: {what}: {e}"),
        status: 1,
    };
    if !debugger::parse(endpoint)?.1 {
        return Err(Failure::usage(
            "--multi and suspend=n exclude each other: a debugger is waited for",
        ));
    }
    let mut inferior = super::launcher::start("--multi", options, args, false)?;
    let (listener, socket, _) = debugger::listen(endpoint)?;
    let served = serve(&mut inferior, &listener);
    if let Some(socket) = socket {
        // Best effort: whoever removed it first has done our work.
        let _ = std::fs::remove_file(socket);
    }
    served.map_err(|e| failure("no debugger can come", e))?;
    let reason = match inferior.state() {
        State::Stopped(stop) => Some(stop.reason),
        State::Running => None,
    };
    match reason {
        Some(StopReason::Exited(status)) => {
            drop(inferior);
            std::process::exit(status.into());
        }
        Some(StopReason::Terminated(number)) => {
            let name = signal::name(inferior.gdb_signal(number)).unwrap_or("KILL");
            drop(inferior);
            let like = |s: &Signal| s.name().strip_prefix("SIG") == Some(name);
            let own = (1..=64).map(Signal).find(like);
            host::signal::die(own.unwrap_or(Signal::SIGKILL));
        }
        // The debugger has let it go.
        _ => {
            let status = inferior.wait();
            end_as(status.map_err(|e| failure("the program cannot be waited for", e))?)
        }
    }
}

/// Serves until there is nothing left to debug.
fn serve(inferior: &mut Proxy, listener: &Listener) -> std::io::Result<()> {
    let server = Server::new(&[emu_repl::COMMANDS], || {
        Box::new(emu_repl::Session::for_monitor())
    });
    loop {
        // The program may be ended from outside while it waits for a debugger.
        while let Some(fd) = inferior.stop_fd()
            && !wait_either(listener.as_fd(), fd)
        {
            inferior.take_stop();
            if inferior.processes().is_empty() {
                return Ok(());
            }
        }
        let stream = listener.accept()?;
        // What the user's keys send is the program's, which stops for it; while no debugger is there it is for both.
        let keys = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP];
        let unheeded = host::signal::pay_no_heed(&keys);
        let end = server.serve(inferior, stream);
        unheeded.heed();
        match end {
            Ended::Detached | Ended::Killed | Ended::Exited => return Ok(()),
            // It has ended, or runs alone.
            Ended::Disconnected if inferior.processes().is_empty() => return Ok(()),
            Ended::Disconnected => {}
        }
    }
}
