//! Putting a guest together and running it.

use super::debugger::Door;
use super::log::Log;
use super::{Failure, Options, engine};
use crate::coredump::{CoreDump, Settings};
use crate::host;
use crate::isa::{Isa, aarch64, mips};
use crate::loader::{self, Arguments, Loaded, OsKind, Program};
use crate::mem::AddressSpace;
use crate::os::freebsd::FreeBsd;
use crate::os::linux::Linux;
use crate::process::{Command, Config, Image, Observer, Os, Process, Signal, Thread};
use crate::trace::{Filter, Missing, Output, Records, STAMPS, Sink, Tell, Trace};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

impl From<loader::Error> for Failure {
    fn from(error: loader::Error) -> Failure {
        Failure {
            text: error.to_string(),
            status: error.exit_status().into(),
        }
    }
}

/// Runs the guest; comes back only with what kept it from starting.
pub fn run(options: Options) -> Result<(), Failure> {
    let path = PathBuf::from(options.need_program()?);
    check_log_items(&options.log)?;
    report_internal_errors();
    let program = Program::open(&path, arguments(&options), options.prefix.as_deref())?;
    let isa = isa_of(program.target.isa);
    let os = personality(&program, isa, options.inherited.as_deref())?;
    let machine = os.machine();
    let mem = AddressSpace::new(crate::mem::Config {
        addr32: isa.abi().is_32bit(),
        task_size: machine.task_size,
        top_byte_ignored: machine.top_byte_ignored,
        base: options.guest_base,
        size: options.reserved,
    })
    .map_err(|e| Failure {
        text: format!("cannot reserve the guest's address space: {e}; see 'ulimit -v', -B and -R"),
        status: 126,
    })?;
    let door = match (options.debug_session, options.prompt_fd) {
        (Some(fd), _) => Some(Door::inherit(fd)?),
        (None, Some(fd)) => Some(Door::to_prompt(fd)?),
        (None, None) => options.gdb.as_deref().map(Door::open).transpose()?,
    };
    let log = Log::open(&options)?;
    let mem = Arc::new(mem);
    let (engines, mut observers, statistics) = engine::engines(&options, isa, &mem, &log)?;
    let debugged = door.is_some();
    let tracers = Tracers::new(&options, &log, &program.path, debugged)?;
    observers.extend(tracers.observers());
    let core_dump = Arc::new(core_dump(&options, &log));
    observers.push(core_dump.clone());
    observers.extend(door.iter().flat_map(Door::observers));
    let process = Process::new(
        isa,
        mem,
        os,
        engines,
        config(&options, &tracers),
        program.path.clone(),
        observers,
    );
    // Set once: there is one guest.
    let _ = LAST_WORDS.set((core_dump, process.clone()));
    let mut thread = Thread::main(process.clone());
    let loaded = start(&program, &process, &mut thread)?;
    // Its file is loaded: the descriptor belongs to the guest from now on, whose first one has to be 3.
    drop(program);
    if let Some(door) = door {
        let mode = thread.cpu.mode;
        let program = (&loaded).into();
        door.serve(process.clone(), program, mode, &tracers, statistics)?;
    }
    thread.run();
    Ok(())
}

/// Who leaves the guest's core when the emulator finds a bug of its own.
static LAST_WORDS: OnceLock<(Arc<CoreDump>, Arc<Process>)> = OnceLock::new();

fn leave_core(what: &str) {
    if let Some((core_dump, process)) = LAST_WORDS.get() {
        core_dump.leave_after_bug(process, what);
    }
}

/// Has bugs of the emulator reported as such, with what is known of the guest. A thread that panics must not just go missing.
pub(super) fn report_internal_errors() {
    const PLEASE: &str = "please report it with the program and the command line";
    host::signal::set_crash(|fault| {
        emu_repl::restore_terminal();
        let guest = fault.guest_pc.map_or_else(
            || "no guest thread".into(),
            |pc| format!("guest PC {pc:#x}"),
        );
        let what = format!(
            "host {:?} at {:#x}, address {:#x}, {guest}",
            fault.signal,
            fault.pc(),
            fault.addr
        );
        eprintln!("emu: internal error: {what}; {PLEASE}");
        leave_core(&what);
    });
    std::panic::set_hook(Box::new(|panic| {
        emu_repl::restore_terminal();
        eprintln!("emu: internal error: {panic}; {PLEASE}");
        leave_core(&panic.to_string());
        host::signal::die(Signal::SIGABRT);
    }));
}

/// Loads the program and puts the thread at its first instruction.
fn start(program: &Program, process: &Process, thread: &mut Thread) -> Result<Loaded, Failure> {
    /// For a limit of "unlimited".
    const DEFAULT_STACK: u64 = 8 << 20;
    let stack_size = process
        .config
        .stack_size
        .or_else(host::stack_limit)
        .unwrap_or(DEFAULT_STACK);
    let ids = host::ids();
    let loaded = program.load(
        &process.mem,
        process.isa.abi(),
        &process.os.machine(),
        stack_size,
        loader::Ids {
            all: [ids.uid, ids.euid, ids.gid, ids.egid],
        },
    )?;
    process.set_image(Image {
        start: loaded.entry,
        entry: loaded.program.entry,
        bias: loaded.program.bias,
        linker_base: loaded.interpreter.as_ref().map_or(0, |i| i.bias),
        stack_pointer: loaded.sp,
        args: loaded.arg_range,
        env: loaded.env_range,
        auxv: loaded.auxv.clone(),
        elf_flags: program.header.flags,
    });
    name_thread(&program.arguments.execfn);
    process.os.start(thread, loaded.entry, loaded.sp);
    if program.target.mips_fr1 {
        mips::set_fr(&mut thread.cpu, true);
    }
    Ok(loaded)
}

/// Gives the main thread the name that the kernel gives it in execve: the last part of the path.
fn name_thread(path: &[u8]) {
    let name = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
    if let Ok(name) = std::ffi::CString::new(name) {
        host::set_thread_name(&name);
    }
}

fn arguments(options: &Options) -> Arguments {
    let mut argv: Vec<Vec<u8>> = options
        .program
        .iter()
        .map(|a| a.clone().into_vec())
        .collect();
    if let (Some(first), Some(name)) = (argv.first_mut(), &options.argv0) {
        *first = name.clone().into_vec();
    }
    let mut random = [0; 64];
    match options.seed {
        Some(seed) => crate::process::seeded(seed, &mut random),
        None => host::random(&mut random),
    }
    Arguments {
        argv,
        envp: environment(options),
        execfn: Vec::new(),
        random,
    }
}

/// The guest's environment: the host's, with `-U` and `-E` applied.
fn environment(options: &Options) -> Vec<Vec<u8>> {
    let name_of = |entry: &[u8]| entry.split(|&b| b == b'=').next().map(<[u8]>::to_vec);
    let set: Vec<&OsStr> = options.set_env.iter().map(OsString::as_os_str).collect();
    let replaced = |name: &OsStr| {
        options.unset_env.iter().any(|u| u == name)
            || set
                .iter()
                .any(|s| name_of(s.as_bytes()).is_some_and(|n| n == name.as_bytes()))
    };
    let kept = std::env::vars_os()
        .filter(|(name, _)| !replaced(name))
        .map(|(name, value)| {
            let mut entry = name.into_vec();
            entry.push(b'=');
            entry.extend(value.as_bytes());
            entry
        });
    let mut env: Vec<Vec<u8>> = kept.collect();
    for (i, entry) in set.iter().enumerate() {
        // The last of several for one name counts.
        let later = &set[i + 1..];
        let name = name_of(entry.as_bytes());
        if !later.iter().any(|l| name_of(l.as_bytes()) == name) {
            env.push(entry.as_bytes().to_vec());
        }
    }
    env
}

fn config(options: &Options, tracers: &Tracers) -> Config {
    Config {
        prefix: options.prefix.clone(),
        uname_release: options.uname_release.clone(),
        stack_size: options.stack_size,
        seed: options.seed,
        single_step: options.one_insn,
        exec_options: exec_options(options, tracers),
        command_of: Some(command_of),
    }
}

/// What the emulator runs that has these arguments; its environment, which may name options too, is not looked at.
fn command_of(args: Vec<OsString>) -> Option<Command> {
    let options = Options::parse(args, |_| None).ok()?;
    let mut args = options.program;
    let program = args.first()?.clone();
    if let Some(name) = options.argv0 {
        args[0] = name;
    }
    Some(Command { program, args })
}

/// The options that an emulator gets which the guest's `execve` starts: all but those about the environment, the name of the
/// program and the debugger, which were for this one.
fn exec_options(options: &Options, tracers: &Tracers) -> Vec<String> {
    let path = |p: &Path| p.to_string_lossy().into_owned();
    let mut list = vec![format!("--engine={}", options.engine.name())];
    let mut give = |name: &str, value: Option<String>| {
        list.extend(value.map(|v| format!("--{name}={v}")));
    };
    give(
        "core-file",
        options
            .core_file
            .as_ref()
            .map(|p| path(Path::new(p.as_os_str()))),
    );
    give("L", options.prefix.as_deref().map(path));
    give("s", options.stack_size.map(|n| n.to_string()));
    give("r", options.uname_release.clone());
    give("D", options.log_file.as_deref().map(path));
    give("seed", options.seed.map(|n| n.to_string()));
    if !options.log.is_empty() {
        give("d", Some(options.log.join(",")));
    }
    give("strace-output", options.strace_output.as_deref().map(path));
    give("strace-family", tracers.family.clone());
    give("report", options.report.as_deref().map(path));
    if let Some((name, _)) = STAMPS.iter().find(|(_, s)| *s == options.strace_time) {
        give("strace-time", Some((*name).to_owned()));
    }
    for (on, name) in [
        (options.strace_durations, "--strace-durations"),
        (options.strace_summary, "--strace-summary"),
    ] {
        if on {
            list.push(name.to_owned());
        }
    }
    match options.strace.as_deref() {
        Some("") => list.push("--strace".to_owned()),
        Some(filter) => list.push(format!("--strace={filter}")),
        None => {}
    }
    list
}

/// The instruction set of that name.
fn isa_of(name: &str) -> &'static dyn Isa {
    match name {
        "mips" => &mips::MIPS,
        "mipsel" => &mips::MIPSEL,
        _ => &aarch64::AArch64,
    }
}

/// What `-d` knows besides translation.
const LOG_ITEMS: &[(&str, &str)] = &[("strace", "system calls, as --strace")];

fn check_log_items(items: &[String]) -> Result<(), Failure> {
    let known = || engine::DUMP_ITEMS.iter().chain(LOG_ITEMS);
    if items.iter().any(|i| i == "help") {
        let lines: Vec<String> = known().map(|(n, what)| format!("{n}: {what}")).collect();
        return Err(Failure::usage(format!("-d items: {}", lines.join("; "))));
    }
    for item in items {
        if item != "op" && !known().any(|(name, _)| name == item) {
            let names: Vec<&str> = known().map(|(name, _)| *name).collect();
            return Err(Failure::usage(format!(
                "-d has no item '{item}'; it has {}",
                names.join(", ")
            )));
        }
    }
    Ok(())
}

/// The operating system that the program was built for.
fn personality(
    program: &Program,
    isa: &'static dyn Isa,
    inherited: Option<&str>,
) -> Result<Box<dyn Os>, Failure> {
    let os: Option<Box<dyn Os>> = match program.target.os {
        OsKind::Linux if inherited.is_some_and(FreeBsd::confines) => {
            return Err(Failure {
                text: format!(
                    "{}: a program of Linux cannot be held in FreeBSD's capability mode",
                    Path::new(&program.path).display()
                ),
                status: 126,
            });
        }
        OsKind::Linux => Linux::new(isa.name()).map(|os| Box::new(os) as _),
        OsKind::FreeBsd => FreeBsd::new(isa.name(), program.header.freebsd_release).map(|os| {
            if let Some(state) = inherited {
                os.inherit(state);
            }
            Box::new(os) as _
        }),
    };
    os.ok_or_else(|| Failure {
        text: format!(
            "{}: the system calls of {} are not there for {}; see 'emu --list guests'",
            Path::new(&program.path).display(),
            match program.target.os {
                OsKind::Linux => "Linux",
                OsKind::FreeBsd => "FreeBSD",
            },
            isa.name()
        ),
        status: 126,
    })
}

/// Leaves core files of the guest, as the options say.
fn core_dump(options: &Options, log: &Log) -> CoreDump {
    let settings = Settings {
        pattern: options.core_file.clone().unwrap_or_default(),
        explicit: options.core_file.is_some(),
    };
    let log = log.clone();
    CoreDump::new(settings, move |text| log.write(&format!("emu: {text}\n")))
}

/// Those who tell the user what the guest does.
#[derive(Clone)]
pub(super) struct Tracers {
    /// What is not implemented.
    pub(super) missing: Arc<Missing>,
    /// The trace, if there is one or a debugger may ask for one.
    pub(super) trace: Option<Arc<Trace>>,
    /// How an emulator that is executed finds the trace's state.
    family: Option<String>,
}

impl Tracers {
    /// What the options ask for; `debugged` if a debugger may ask for more.
    fn new(
        options: &Options,
        log: &Log,
        program: &Path,
        debugged: bool,
    ) -> Result<Tracers, Failure> {
        let by_item = options.log.iter().any(|i| i == "strace")
            || options.strace_output.is_some() && !options.strace_summary;
        let by_item = by_item.then(String::new);
        let filter = options
            .strace
            .clone()
            .or(by_item)
            .map(|list| Filter::parse(&list))
            .transpose()
            .map_err(|why| Failure::usage(format!("--strace: {why}")))?;
        let shown = filter.is_some();
        let trace = if shown || options.strace_summary || debugged {
            let sink = match &options.strace_output {
                Some(path) if path.as_os_str().as_bytes().windows(2).any(|w| w == b"%p") => {
                    Sink::Each(path.clone())
                }
                Some(path) => Sink::Shared(Box::new(append("--strace-output", path)?)),
                None => Sink::Shared(Box::new(log.clone())),
            };
            let output = Output::new(sink, options.strace_time, options.strace_family.as_deref())
                .map_err(|e| Failure {
                text: format!("--strace-output: {e}"),
                status: 1,
            })?;
            let trace = Trace::new(filter, output)
                .with_durations(options.strace_durations)
                .with_summary(options.strace_summary);
            Some(Arc::new(trace))
        } else {
            None
        };
        let tell = match (options.report.as_deref(), &trace) {
            (Some(path), _) if path.as_os_str() == "-" => Tell::Summary,
            (Some(path), _) => {
                Tell::Records(Records::open(path.to_path_buf()).map_err(|e| Failure {
                    text: format!("--report {}: {e}", path.display()),
                    status: 1,
                })?)
            }
            (None, Some(trace)) if shown => Tell::Trace(trace.clone()),
            (None, _) => Tell::Line,
        };
        let family = trace.as_ref().and_then(|t| t.output().family());
        Ok(Tracers {
            missing: Arc::new(Missing::new(tell, program.to_path_buf())),
            family: family.filter(|_| shown),
            trace,
        })
    }

    fn observers(&self) -> Vec<Arc<dyn Observer>> {
        let mut all: Vec<Arc<dyn Observer>> = Vec::new();
        if let Some(trace) = &self.trace {
            all.push(trace.clone());
        }
        // After the trace, which it may write the summary to.
        all.push(self.missing.clone());
        all
    }
}

/// Opens a file of an option to append to, out of the guest's way.
fn append(option: &str, path: &Path) -> Result<std::fs::File, Failure> {
    host::fd::raised(|| {
        std::fs::File::options()
            .append(true)
            .create(true)
            .open(path)
    })
    .map_err(|e| Failure {
        text: format!("{option} {}: {e}", path.display()),
        status: 1,
    })
}
