//! The options: parsing; one table of them, which `--help`, the manual page and completions read.

mod table;
mod values;

pub use table::{OPTIONS, Opt, Support};

use super::Failure;
use crate::coredump::Pattern;
use crate::trace::Stamp;
use emu_repl::Script;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
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
    /// `--multi`
    pub multi: bool,
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

impl Options {
    /// The program that is to be run.
    ///
    /// # Errors
    /// None is named.
    pub(super) fn need_program(&self) -> Result<&OsString, Failure> {
        let none = || Failure::usage("needs a program to run; 'emu --help' shows the usage");
        self.program.first().ok_or_else(none)
    }

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
}
