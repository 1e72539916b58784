//! The table of options: parsing, `--help`, the manual page and completions read it.

use super::Failure;
use crate::coredump::Pattern;
use crate::trace::{STAMPS, Stamp};
use emu_repl::Script;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Which engine runs the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// The reference interpreter.
    Interp,
    /// The JIT.
    #[default]
    Jit,
}

impl EngineKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            EngineKind::Interp => "interp",
            EngineKind::Jit => "jit",
        }
    }
}

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--help`
    pub help: bool,
    /// `--version`
    pub version: bool,
    /// `--list WHAT`
    pub list: Option<String>,
    /// `--os OS`
    pub list_os: Option<String>,
    /// `-g ENDPOINT`
    pub gdb: Option<String>,
    /// `--core FILE`
    pub core: Option<PathBuf>,
    /// `--core-file PATTERN`
    pub core_file: Option<Pattern>,
    /// `-L DIR`
    pub prefix: Option<PathBuf>,
    /// `-E NAME=VALUE`, in order.
    pub set_env: Vec<OsString>,
    /// `-U NAME`
    pub unset_env: Vec<OsString>,
    /// `-0 NAME`
    pub argv0: Option<OsString>,
    /// `-s SIZE`, bytes.
    pub stack_size: Option<u64>,
    /// `-r RELEASE`
    pub uname_release: Option<String>,
    /// `-strace`, with its filter ("" for all).
    pub strace: Option<String>,
    /// `--strace-time`
    pub strace_time: Stamp,
    /// `--strace-durations`
    pub strace_durations: bool,
    /// `--strace-summary`
    pub strace_summary: bool,
    /// `--strace-output FILE`, with `%p` for the process's id.
    pub strace_output: Option<PathBuf>,
    /// What an emulator hands on to one that it executes: where the state of the trace is.
    pub strace_family: Option<String>,
    /// What the program before this one in the process leaves to it ([`crate::process::Os::inherited_state`]).
    pub inherited: Option<String>,
    /// What an emulator hands on to one that it executes: the descriptor with the debugger's session.
    pub debug_session: Option<i32>,
    /// `--report FILE`; `-` for standard error.
    pub report: Option<PathBuf>,
    /// `--report-merge`: the program and its arguments are the files.
    pub report_merge: bool,
    /// `-d ITEMS`
    pub log: Vec<String>,
    /// `-D FILE`
    pub log_file: Option<PathBuf>,
    /// `-B ADDRESS`
    pub guest_base: Option<u64>,
    /// `-R SIZE`, bytes.
    pub reserved: Option<u64>,
    /// `-one-insn-per-tb`
    pub one_insn: bool,
    /// `-perfmap`
    pub perfmap: bool,
    /// `-jitdump`
    pub jitdump: bool,
    /// `-seed N`
    pub seed: Option<u64>,
    /// `--engine NAME`
    pub engine: EngineKind,
    /// `--stats`
    pub stats: bool,
    /// `-i`
    pub interactive: bool,
    /// `-x FILE` and `--eval COMMAND`, in order.
    pub scripts: Vec<Script>,
    /// `--json`
    pub json: bool,
    /// `--tui`
    pub tui: bool,
    /// For the process of a program whose prompt is in another one: the connection to it.
    pub prompt_fd: Option<i32>,
    /// The program and its arguments.
    pub program: Vec<OsString>,
}

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
    apply: fn(&mut Options, &OsStr) -> Result<(), String>,
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

/// A path that stays right when the guest changes its directory.
fn absolute(path: &OsStr) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|e| format!("{}: {e}", path.display()))
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

fn text(v: &OsStr) -> Result<String, String> {
    v.to_str()
        .map(String::from)
        .ok_or_else(|| "takes text in UTF-8 only".into())
}

/// A number as C writes it.
fn number(v: &OsStr) -> Result<u64, String> {
    let s = v.to_str().unwrap_or("");
    let parsed = match s.strip_prefix("0x").or_else(|| s.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => s.parse(),
    };
    parsed.map_err(|_| format!("takes a number, not '{}'", v.display()))
}

/// A number of bytes with an optional unit.
fn size(v: &OsStr) -> Result<u64, String> {
    let s = v.to_str().unwrap_or("");
    let (digits, shift) = match s.as_bytes().last() {
        Some(b'k' | b'K') => (&s[..s.len() - 1], 10),
        Some(b'm' | b'M') => (&s[..s.len() - 1], 20),
        Some(b'g' | b'G') => (&s[..s.len() - 1], 30),
        _ => (s, 0),
    };
    number(OsStr::new(digits))
        .ok()
        .and_then(|n| n.checked_mul(1 << shift))
        .filter(|&n| n > 0)
        .ok_or_else(|| {
            format!(
                "takes a size such as 65536, 64k or 8M, not '{}'",
                v.display()
            )
        })
}

/// Splits `A=1,B=2`. A comma separates only what starts with a name and `=`, so that values may have commas.
fn assignments(v: &OsStr) -> Result<Vec<OsString>, String> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for piece in v.as_bytes().split(|&b| b == b',') {
        let name_end = piece.iter().position(|&b| b == b'=');
        let is_name =
            |n: &[u8]| !n.is_empty() && n.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
        match (name_end, all.last_mut()) {
            (Some(end), _) if is_name(&piece[..end]) => all.push(piece.to_vec()),
            (Some(end), None) if end > 0 => all.push(piece.to_vec()),
            (_, Some(last)) => {
                last.push(b',');
                last.extend(piece);
            }
            _ => return Err(format!("takes NAME=VALUE, not '{}'", v.display())),
        }
    }
    Ok(all.into_iter().map(OsString::from_vec).collect())
}

impl Options {
    /// Parses arguments, after the environment, which they override.
    ///
    /// # Errors
    /// An option that is unknown, lacks its argument, or cannot be honoured.
    pub fn parse(
        args: Vec<OsString>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Options, Failure> {
        let mut options = Options::default();
        for opt in OPTIONS.iter().filter(|o| !o.env.is_empty()) {
            let found = ["EMU_", "QEMU_"].into_iter().find_map(|prefix| {
                let name = format!("{prefix}{}", opt.env);
                env(&name).map(|value| (name, value))
            });
            // An empty variable is as good as none: scripts clear them so.
            if let Some((name, value)) = found.filter(|(_, v)| !v.is_empty()) {
                // For an option without an argument, being set is what counts; "1" is no filter.
                let optional = opt.arg.starts_with('[');
                let value = if optional && value == "1" {
                    OsString::new()
                } else {
                    value
                };
                options
                    .apply(opt, &value)
                    .map_err(|why| Failure::usage(format!("{name}: {why}")))?;
            }
        }
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                break;
            }
            let Some(body) = arg.as_bytes().strip_prefix(b"-").filter(|b| !b.is_empty()) else {
                options.program.push(arg);
                break;
            };
            let body = body.strip_prefix(b"-").unwrap_or(body);
            let (name, value) = match body.iter().position(|&b| b == b'=') {
                Some(at) => (&body[..at], Some(&body[at + 1..])),
                None => (body, None),
            };
            let shown = arg.display().to_string();
            let shown = shown.split('=').next().unwrap_or_default();
            let opt = OPTIONS
                .iter()
                .find(|o| o.names.iter().any(|n| n.as_bytes() == name))
                .ok_or_else(|| {
                    Failure::usage(format!("unknown option {shown}; 'emu --help' lists them"))
                })?;
            let value = match (value, opt.arg) {
                (Some(_), "") => {
                    return Err(Failure::usage(format!("{shown} takes no argument")));
                }
                (Some(v), _) => OsStr::from_bytes(v).to_os_string(),
                (None, "") => OsString::new(),
                (None, a) if a.starts_with('[') => OsString::new(),
                (None, a) => args
                    .next()
                    .ok_or_else(|| Failure::usage(format!("{shown} needs its argument {a}")))?,
            };
            options
                .apply(opt, &value)
                .map_err(|why| Failure::usage(format!("{shown} {why}")))?;
        }
        options.program.extend(args);
        Ok(options)
    }

    /// Whether `-d` was given this item.
    pub fn logs(&self, item: &str) -> bool {
        self.log.iter().any(|i| i == item)
    }

    fn apply(&mut self, opt: &Opt, value: &OsStr) -> Result<(), String> {
        match opt.support {
            Support::No(why) => Err(format!("is not supported: {why}")),
            Support::Yes | Support::Internal | Support::Ignored(_) => (opt.apply)(self, value),
        }
    }
}

/// The text of `--version`.
pub fn version() -> String {
    format!("emu {}\n", env!("CARGO_PKG_VERSION"))
}

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "Usage: emu [OPTIONS] PROGRAM [ARGUMENTS]\n\n\
         Runs a foreign Linux program. Options may be written with one dash or two.\n\n",
    );
    for opt in OPTIONS.iter().filter(|o| o.support == Support::Yes) {
        let mut left = String::from("  ");
        for (i, name) in opt.names.iter().enumerate() {
            let dashes = if name.len() == 1 { "-" } else { "--" };
            left += &format!("{}{dashes}{name}", if i > 0 { ", " } else { "" });
        }
        match opt.arg.strip_prefix('[') {
            Some(arg) => left += &format!("[={}", arg),
            None if opt.arg.is_empty() => {}
            None => left += &format!(" {}", opt.arg),
        }
        text += &format!("{left:<24} {}", opt.help);
        if !opt.env.is_empty() {
            text += &format!(" [EMU_{0}, QEMU_{0}]", opt.env);
        }
        text.push('\n');
    }
    text += "\nThe environment variables in brackets do the same; EMU_ wins over QEMU_, options over both.\n\
             Exit status: the guest's; 2 for a wrong command line, 126 and 127 for a program that cannot be run or found.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str], env: &[(&str, &str)]) -> Result<Options, Failure> {
        Options::parse(args.iter().map(OsString::from).collect(), |name| {
            env.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| OsString::from(v))
        })
    }

    #[test]
    fn names_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for name in OPTIONS.iter().flat_map(|o| o.names) {
            assert!(seen.insert(name), "{name} appears twice");
        }
    }

    #[test]
    fn one_dash_or_two_and_both_ways_to_give_an_argument() {
        for args in [
            ["-L", "/sys", "-strace", "prog"].as_slice(),
            &["--L=/sys", "--strace", "prog"],
            &["-L=/sys", "--strace", "--", "prog"],
        ] {
            let o = parse(args, &[]).expect("a good line");
            assert_eq!(o.prefix, Some("/sys".into()));
            assert_eq!(o.strace.as_deref(), Some(""));
            assert_eq!(o.program, ["prog"]);
        }
    }

    #[test]
    fn what_follows_the_program_is_its_own() {
        let o = parse(&["prog", "-strace", "--help"], &[]).expect("a good line");
        assert_eq!(o.program.len(), 3);
        assert!(!o.help && o.strace.is_none());
    }

    #[test]
    fn arguments_win_over_emu_over_qemu() {
        let env = [("QEMU_UNAME", "1"), ("EMU_UNAME", "2")];
        assert_eq!(
            parse(&[], &env[..1])
                .expect("good")
                .uname_release
                .as_deref(),
            Some("1")
        );
        assert_eq!(
            parse(&[], &env).expect("good").uname_release.as_deref(),
            Some("2")
        );
        let o = parse(&["-r", "3"], &env).expect("good");
        assert_eq!(o.uname_release.as_deref(), Some("3"));
        let o = parse(&[], &[("QEMU_STRACE", "1")]).expect("good");
        assert_eq!(o.strace.as_deref(), Some(""));
    }

    #[test]
    fn assignments_keep_commas_in_values() {
        let o = parse(&["-E", "A=1,B=x,y,C="], &[]).expect("good");
        assert_eq!(o.set_env, ["A=1", "B=x,y", "C="]);
        assert!(parse(&["-E", "A"], &[]).is_err());
    }

    #[test]
    fn mistakes_are_named_and_have_status_2() {
        for (args, part) in [
            (["--frobnicate", ""], "unknown option --frobnicate"),
            (["-s", "many"], "takes a size"),
            (["-cpu", "cortex-a53"], "knows no model"),
            (["-plugin", "x.so"], "not supported"),
            (["--stats=3", ""], "takes no argument"),
        ] {
            let e = parse(&args, &[]).expect_err("a mistake");
            assert!(e.text.contains(part), "{}", e.text);
            assert!(!e.text.contains('\n'));
            assert_eq!(e.status, 2);
        }
        assert!(
            parse(&["-L"], &[])
                .expect_err("cut")
                .text
                .contains("needs its argument")
        );
    }

    #[test]
    fn sizes_have_units() {
        for (s, n) in [
            ("65536", 65536),
            ("64k", 65536),
            ("8M", 8 << 20),
            ("0x1000", 4096),
        ] {
            assert_eq!(size(OsStr::new(s)), Ok(n));
        }
        assert!(size(OsStr::new("99999999999999999G")).is_err());
        assert!(size(OsStr::new("0")).is_err());
    }
}
