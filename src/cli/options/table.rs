//! Every option: names, argument, variable, help, and what it sets.

use super::values::{absolute, assignments, number, size, text};
use super::{EngineKind, Options};
use crate::coredump::Pattern;
use crate::trace::STAMPS;
use emu_repl::Script;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Whether an option of QEMU's does something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It works.
    Yes,
    /// It works, but is nothing for users.
    Internal,
    /// Accepted, without effect, for this reason.
    Ignored(&'static str),
    /// Refused, for this reason.
    No(&'static str),
}

/// One option.
pub struct Opt {
    /// Names without dashes; `-x` and `--x` mean the same.
    pub names: &'static [&'static str],
    /// Name of the argument, "" for none. In brackets: only with `=`.
    pub arg: &'static str,
    /// Environment variable without its prefix, or "": `EMU_` is looked at first, then `QEMU_`.
    pub env: &'static str,
    /// Description, one line.
    pub help: &'static str,
    /// Whether it does something.
    pub support: Support,
    pub(super) apply: fn(&mut Options, &OsStr) -> Result<(), String>,
}

const fn opt(
    names: &'static [&'static str],
    arg: &'static str,
    env: &'static str,
    help: &'static str,
    apply: fn(&mut Options, &OsStr) -> Result<(), String>,
) -> Opt {
    Opt {
        names,
        arg,
        env,
        help,
        support: Support::Yes,
        apply,
    }
}

const fn not_here(
    names: &'static [&'static str],
    arg: &'static str,
    env: &'static str,
    support: Support,
) -> Opt {
    Opt {
        names,
        arg,
        env,
        help: "",
        support,
        apply: |_, _| Ok(()),
    }
}

/// For an emulator that another one executes.
const fn internal(
    names: &'static [&'static str],
    arg: &'static str,
    apply: fn(&mut Options, &OsStr) -> Result<(), String>,
) -> Opt {
    Opt {
        names,
        arg,
        env: "",
        help: "",
        support: Support::Internal,
        apply,
    }
}

/// Every option, in the order of the help.
pub static OPTIONS: &[Opt] = &[
    opt(
        &["h", "help"],
        "",
        "",
        "print this help and exit",
        |o, _| {
            o.help = true;
            Ok(())
        },
    ),
    opt(
        &["version"],
        "",
        "VERSION",
        "print the version and exit",
        |o, _| {
            o.version = true;
            Ok(())
        },
    ),
    opt(
        &["list"],
        "WHAT",
        "",
        "print what is covered and exit: guests, insns, syscalls, ioctls, sysctls, packets",
        |o, v| {
            o.list = Some(text(v)?);
            Ok(())
        },
    ),
    opt(
        &["os"],
        "OS",
        "",
        "operating system that --list tells of: linux or freebsd",
        |o, v| {
            o.list_os = Some(text(v)?);
            Ok(())
        },
    ),
    opt(
        &["g"],
        "ENDPOINT",
        "GDB",
        "wait for gdb or lldb on PORT, HOST:PORT or a unix socket PATH; ',suspend=n' runs on and lets it attach later",
        |o, v| {
            o.gdb = Some(text(v)?);
            Ok(())
        },
    ),
    opt(
        &["multi"],
        "",
        "",
        "with -g: the debugger may start the program anew (gdb: target extended-remote, run)",
        |o, _| {
            o.multi = true;
            Ok(())
        },
    ),
    opt(
        &["core"],
        "FILE",
        "",
        "look at a core file instead of running a program, which may be named after it; with -g through a debugger",
        |o, v| {
            o.core = Some(PathBuf::from(v));
            Ok(())
        },
    ),
    opt(
        &["core-file"],
        "PATTERN",
        "CORE_FILE",
        "how core files are named: the letters of core(5), core.%p if not given; makes the limit of 'ulimit -c' not count",
        |o, v| {
            o.core_file = Some(Pattern::parse(v)?);
            Ok(())
        },
    ),
    opt(
        &["i"],
        "",
        "",
        "debug the program at the prompt; commands come from the terminal or a pipe",
        |o, _| {
            o.interactive = true;
            Ok(())
        },
    ),
    opt(
        &["x"],
        "FILE",
        "",
        "run the prompt's commands in FILE, then end (or, with -i, ask for more)",
        |o, v| {
            o.scripts.push(Script::File(PathBuf::from(v)));
            Ok(())
        },
    ),
    opt(
        &["eval"],
        "COMMAND",
        "",
        "run one of the prompt's commands, likewise",
        |o, v| {
            o.scripts.push(Script::Line(text(v)?));
            Ok(())
        },
    ),
    opt(
        &["json"],
        "",
        "",
        "the prompt answers each command with a line of JSON",
        |o, _| {
            o.json = true;
            Ok(())
        },
    ),
    opt(
        &["tui"],
        "",
        "",
        "debug the program in the full-screen view",
        |o, _| {
            o.tui = true;
            Ok(())
        },
    ),
    opt(
        &["L"],
        "DIR",
        "LD_PREFIX",
        "look up the guest's absolute paths under DIR first",
        |o, v| {
            o.prefix = Some(PathBuf::from(v));
            Ok(())
        },
    ),
    opt(
        &["E"],
        "NAME=VALUE",
        "SET_ENV",
        "set a variable of the guest; several with commas",
        |o, v| {
            o.set_env.extend(assignments(v)?);
            Ok(())
        },
    ),
    opt(
        &["U"],
        "NAME",
        "UNSET_ENV",
        "remove a variable of the guest; several with commas",
        |o, v| {
            let names = v.as_bytes().split(|&b| b == b',');
            for name in names.filter(|n| !n.is_empty()) {
                if name.contains(&b'=') {
                    return Err("takes names, not assignments; use -E to set".into());
                }
                o.unset_env.push(OsStr::from_bytes(name).to_os_string());
            }
            Ok(())
        },
    ),
    opt(&["0"], "NAME", "ARGV0", "the guest's argv[0]", |o, v| {
        o.argv0 = Some(v.to_os_string());
        Ok(())
    }),
    opt(
        &["s"],
        "SIZE",
        "STACK_SIZE",
        "size of the main stack in bytes, or with k, M, G",
        |o, v| {
            o.stack_size = Some(size(v)?);
            Ok(())
        },
    ),
    opt(
        &["r"],
        "RELEASE",
        "UNAME",
        "kernel release that uname tells the guest",
        |o, v| {
            o.uname_release = Some(text(v)?);
            Ok(())
        },
    ),
    opt(
        &["cpu"],
        "MODEL",
        "CPU",
        "CPU model: there is one for each guest, called max (or any)",
        |_, v| match v.to_str() {
            Some("max" | "any") => Ok(()),
            _ => Err(format!(
                "knows no model '{}'; there is one for each guest, max, and 'emu --list guests' describes it",
                v.display()
            )),
        },
    ),
    opt(
        &["strace"],
        "[FILTER]",
        "STRACE",
        "print system calls; FILTER takes names, %classes, /patterns, !not-these, :failed, :successful, :unimplemented",
        |o, v| {
            o.strace = Some(text(v)?);
            Ok(())
        },
    ),
    opt(
        &["strace-time"],
        "KIND",
        "STRACE_TIME",
        "begin lines with the time: time, us (with microseconds), unix (since 1970) or rel (since the line before)",
        |o, v| {
            let stamp = STAMPS.iter().find(|(name, _)| v == *name);
            o.strace_time = stamp
                .ok_or_else(|| format!("takes time, us, unix or rel, not '{}'", v.display()))?
                .1;
            Ok(())
        },
    ),
    opt(
        &["strace-durations"],
        "",
        "STRACE_DURATIONS",
        "end lines with the seconds that the call took",
        |o, _| {
            o.strace_durations = true;
            Ok(())
        },
    ),
    opt(
        &["strace-summary"],
        "",
        "STRACE_SUMMARY",
        "count calls, errors and time of each process; without --strace print only the table",
        |o, _| {
            o.strace_summary = true;
            Ok(())
        },
    ),
    opt(
        &["strace-output"],
        "FILE",
        "STRACE_OUTPUT",
        "write the trace to FILE; with %p in its name, to one file for each process",
        |o, v| {
            o.strace_output = Some(absolute(v)?);
            Ok(())
        },
    ),
    internal(&["strace-family"], "PATH", |o, v| {
        o.strace_family = Some(text(v)?);
        Ok(())
    }),
    internal(&["inherited"], "STATE", |o, v| {
        o.inherited = Some(text(v)?);
        Ok(())
    }),
    internal(&["debug-session"], "FD", |o, v| {
        let fd = text(v)?.parse();
        o.debug_session = Some(fd.map_err(|_| "takes a descriptor's number".to_owned())?);
        Ok(())
    }),
    internal(&["prompt-fd"], "N", |o, v| {
        o.prompt_fd = Some(number(v)? as i32);
        Ok(())
    }),
    opt(
        &["report"],
        "FILE",
        "REPORT",
        "append what is not implemented to FILE as lines of JSON; list it on standard error with -",
        |o, v| {
            o.report = Some(match v.to_str() {
                Some("-") => PathBuf::from(v),
                _ => absolute(v)?,
            });
            Ok(())
        },
    ),
    opt(
        &["report-merge"],
        "",
        "",
        "sum up the files that --report wrote, which stand in PROGRAM's place, and exit",
        |o, _| {
            o.report_merge = true;
            Ok(())
        },
    ),
    opt(
        &["d"],
        "ITEMS",
        "LOG",
        "log these items: see -d help",
        |o, v| {
            o.log.extend(
                text(v)?
                    .split(',')
                    .filter(|i| !i.is_empty())
                    .map(String::from),
            );
            Ok(())
        },
    ),
    opt(
        &["D"],
        "FILE",
        "LOG_FILENAME",
        "write logs and traces to FILE instead of standard error",
        |o, v| {
            o.log_file = Some(absolute(v)?);
            Ok(())
        },
    ),
    opt(
        &["engine"],
        "NAME",
        "ENGINE",
        "what executes the guest: interp or jit",
        |o, v| {
            o.engine = match v.to_str() {
                Some("interp") => EngineKind::Interp,
                Some("jit") => EngineKind::Jit,
                _ => {
                    return Err(format!(
                        "knows no engine '{}'; use interp or jit",
                        v.display()
                    ));
                }
            };
            Ok(())
        },
    ),
    opt(
        &["stats"],
        "",
        "STATS",
        "print counters and times of the translator to standard error at the end",
        |o, _| {
            o.stats = true;
            Ok(())
        },
    ),
    opt(
        &["one-insn-per-tb"],
        "",
        "ONE_INSN_PER_TB",
        "execute each guest instruction on its own",
        |o, _| {
            o.one_insn = true;
            Ok(())
        },
    ),
    opt(
        &["seed"],
        "N",
        "RAND_SEED",
        "seed of all random numbers that the guest gets",
        |o, v| {
            o.seed = Some(number(v)?);
            Ok(())
        },
    ),
    opt(
        &["B"],
        "ADDRESS",
        "GUEST_BASE",
        "host address of guest address 0",
        |o, v| {
            o.guest_base = Some(number(v)?);
            Ok(())
        },
    ),
    opt(
        &["R"],
        "SIZE",
        "RESERVED_VA",
        "size of the guest's address space in bytes, or with k, M, G",
        |o, v| {
            o.reserved = Some(size(v)?);
            Ok(())
        },
    ),
    opt(
        &["perfmap"],
        "",
        "PERFMAP",
        "write /tmp/perf-PID.map for perf (JIT only)",
        |o, _| {
            o.perfmap = true;
            Ok(())
        },
    ),
    opt(
        &["jitdump"],
        "",
        "JITDUMP",
        "write jit-PID.dump for perf (JIT only)",
        |o, _| {
            o.jitdump = true;
            Ok(())
        },
    ),
    opt(
        &["p"],
        "SIZE",
        "",
        "page size: 4096 only",
        |_, v| match number(v)? {
            4096 => Ok(()),
            _ => Err("has pages of 4096 bytes only".into()),
        },
    ),
    not_here(
        &["tb-size"],
        "N",
        "TB_SIZE",
        Support::Ignored("the code cache grows as needed"),
    ),
    not_here(
        &["dfilter"],
        "RANGES",
        "DFILTER",
        Support::No("logs cannot be limited to addresses yet; use the debugger (-g)"),
    ),
    not_here(
        &["plugin"],
        "FILE",
        "PLUGIN",
        Support::No("there are no plugins; -g and --strace observe the guest"),
    ),
    not_here(
        &["trace"],
        "SPEC",
        "TRACE",
        Support::No("there are no internal trace points; --strace and -d observe the guest"),
    ),
    not_here(
        &["t"],
        "MAP",
        "RTSIG_MAP",
        Support::No("all real-time signals are the guest's, there is nothing to map"),
    ),
    not_here(
        &["xtensa-abi-call0"],
        "",
        "XTENSA_ABI_CALL0",
        Support::No("there is no Xtensa guest"),
    ),
];
