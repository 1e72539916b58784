//! Which calls a trace shows.

use regex_lite::Regex;

use crate::abi::Show;
use crate::os::freebsd::sys as bsd;
use crate::os::linux::sys;
use crate::os::{ArgType, Syscall};

/// Which calls are shown: the user's list of names, `%classes`, `/patterns` and `:outcomes`.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What is shown; nothing for all calls.
    wanted: Vec<Item>,
    /// What is not shown.
    unwanted: Vec<Item>,
    /// What has to come of a call; nothing for anything.
    outcomes: Vec<OutcomeItem>,
}

/// Calls.
#[derive(Clone, Debug)]
enum Item {
    /// By its name.
    Name(String),
    /// A class, after `%`.
    Class(fn(&Syscall) -> bool),
    /// By names that the pattern is found in, after `/`.
    Pattern(Regex),
    /// Every one.
    All,
}

/// What comes of a call, after `:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutcomeItem {
    Failed,
    Successful,
    Unimplemented,
}

/// What is known of a call when it is over.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// It returned an error.
    pub failed: bool,
    /// Something of it is not implemented.
    pub unimplemented: bool,
}

/// The classes, each with its description for error messages and the manual.
pub const CLASSES: &[&str] = &[
    "file", "desc", "memory", "network", "process", "creds", "signal", "ipc", "time", "thread",
];

/// Calls about the lives of processes.
const PROCESS: &[&str] = &[
    "clone",
    "clone3",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "fork",
    "kill",
    "pidfd_open",
    "pidfd_send_signal",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "setns",
    "tgkill",
    "tkill",
    "unshare",
    "wait4",
    "waitid",
    "waitpid",
];

/// Calls about what a process may do.
fn credentials(row: &Syscall) -> bool {
    let name = row.name.trim_start_matches("set").trim_start_matches("get");
    matches!(
        name,
        "uid" | "euid" | "gid" | "egid" | "reuid" | "regid" | "resuid" | "resgid" | "fsuid"
    ) || matches!(
        row.name,
        "setfsgid" | "getgroups" | "setgroups" | "capget" | "capset" | "prctl"
    )
}

fn listed(rows: &[&Syscall], row: &Syscall) -> bool {
    rows.iter().any(|r| std::ptr::eq(*r, row))
}

impl Item {
    fn parse(text: &str) -> Option<Item> {
        if let Some(pattern) = text.strip_prefix('/') {
            return Regex::new(pattern).ok().map(Item::Pattern);
        }
        let Some(class) = text.strip_prefix('%') else {
            if text == "all" {
                return Some(Item::All);
            }
            let known = sys::all_rows()
                .chain(bsd::all_rows())
                .any(|r| r.name == text);
            return known.then(|| Item::Name(text.to_owned()));
        };
        Some(Item::Class(match class {
            "file" => |r| {
                r.args
                    .iter()
                    .any(|a| matches!(a.ty, ArgType::Path | ArgType::PathNew))
            },
            "desc" => |r| {
                r.args
                    .iter()
                    .any(|a| matches!(a.ty, ArgType::Value(_, Show::Fd | Show::DirFd)))
            },
            "memory" => |r| listed(sys::mem::ROWS, r) || listed(bsd::mem::ROWS, r),
            "network" | "net" => |r| listed(sys::net::ROWS, r) || listed(bsd::net::ROWS, r),
            "process" => |r| PROCESS.contains(&r.name),
            "creds" => credentials,
            "signal" => |r| listed(sys::signal::ROWS, r) || listed(bsd::signal::ROWS, r),
            "ipc" => |r| listed(sys::ipc::ROWS, r),
            "time" => |r| listed(sys::time::ROWS, r) || listed(bsd::time::ROWS, r),
            "thread" => |r| listed(sys::thread::ROWS, r) || listed(bsd::thread::ROWS, r),
            _ => return None,
        }))
    }

    fn matches(&self, row: &Syscall) -> bool {
        match self {
            Item::Name(name) => row.name == name,
            Item::Class(holds) => holds(row),
            Item::Pattern(pattern) => pattern.is_match(row.name),
            Item::All => true,
        }
    }
}

impl Filter {
    /// From the user's list: names, classes (`%file`), patterns (`/regular expression`), each with `!` for what is not to be
    /// shown; `:failed`, `:successful` and `:unimplemented`. Empty for all calls.
    ///
    /// # Errors
    /// What is wrong with which item, and what there is.
    pub fn parse(list: &str) -> Result<Filter, String> {
        let mut filter = Filter::default();
        for text in list.split(',').filter(|t| !t.is_empty()) {
            if let Some(outcome) = text.strip_prefix(':') {
                filter.outcomes.push(match outcome {
                    "failed" => OutcomeItem::Failed,
                    "successful" => OutcomeItem::Successful,
                    "unimplemented" => OutcomeItem::Unimplemented,
                    _ => {
                        return Err(format!(
                            "there is no outcome '{text}'; there are :failed, :successful and :unimplemented"
                        ));
                    }
                });
                continue;
            }
            let (name, items) = match text.strip_prefix('!') {
                Some(name) => (name, &mut filter.unwanted),
                None => (text, &mut filter.wanted),
            };
            items.push(
                Item::parse(name).ok_or_else(|| match name.as_bytes().first() {
                    Some(b'%') => format!(
                        "there is no class '{name}'; there are %{}",
                        CLASSES.join(", %")
                    ),
                    Some(b'/') => format!("'{}' is no regular expression", &name[1..]),
                    _ => format!("there is no system call '{text}'; see 'emu --list syscalls'"),
                })?,
            );
        }
        Ok(filter)
    }

    /// Whether a call may be shown, as far as its number tells; `None` is one that has no row.
    pub fn shows(&self, row: Option<&Syscall>) -> bool {
        let Some(row) = row else {
            return self.wanted.is_empty() || self.wanted.iter().any(|i| matches!(i, Item::All));
        };
        let any = |items: &[Item]| items.iter().any(|i| i.matches(row));
        (self.wanted.is_empty() || any(&self.wanted)) && !any(&self.unwanted)
    }

    /// Whether only the call's end tells if it is shown.
    pub fn needs_end(&self) -> bool {
        !self.outcomes.is_empty()
    }

    /// Whether a call that came to this is shown.
    pub fn shows_end(&self, end: Ended) -> bool {
        self.outcomes.is_empty()
            || self.outcomes.iter().any(|o| match o {
                OutcomeItem::Failed => end.failed,
                OutcomeItem::Successful => !end.failed,
                OutcomeItem::Unimplemented => end.unimplemented,
            })
    }

    /// Whether signals and ends are shown: not to somebody who looks for what is missing.
    pub fn shows_events(&self) -> bool {
        self.outcomes.is_empty()
            || self
                .outcomes
                .iter()
                .any(|o| *o != OutcomeItem::Unimplemented)
    }
}
