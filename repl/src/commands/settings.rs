//! `set` and `show`: one table of what can be set.

use super::breakpoints::Pending;
use super::forks::{Follow, set_detach, set_follow};
use super::run::Locking;
use super::start::set_arguments;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::Result;
use serde_json::json;

/// A setting.
struct Setting {
    name: &'static str,
    /// What it says, for `show` without a name.
    about: &'static str,
    set: fn(&mut Cx<'_>, &str) -> Result<()>,
    show: fn(&mut Cx<'_>) -> Result<String>,
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: "args",
        about: "the program's arguments, as the shell takes them; they count with the next run",
        set: set_arguments,
        show: |cx| cx.start_arguments(),
    },
    Setting {
        name: "scheduler-locking",
        about: "whether other threads run along: off, on or step",
        set: |cx, value| {
            cx.s.locking = chosen(value, LOCKING)?;
            Ok(())
        },
        show: |cx| Ok(named(cx.s.locking, LOCKING)),
    },
    Setting {
        name: "follow-fork-mode",
        about: "which process is debugged after a fork: parent or child",
        set: |cx, value| {
            let follow = chosen(value, FOLLOW)?;
            set_follow(cx, follow)
        },
        show: |cx| Ok(named(cx.s.follow, FOLLOW)),
    },
    Setting {
        name: "detach-on-fork",
        about: "whether the other process runs on by itself after a fork: on",
        set: |cx, value| {
            let detach = chosen(value, SWITCH)?;
            set_detach(cx, detach)
        },
        show: |_| Ok("on".into()),
    },
    Setting {
        name: "breakpoint pending",
        about: "whether a breakpoint at a place that is not found waits for a library that has it: auto (if libraries may come), on or off",
        set: |cx, value| {
            cx.s.pending = chosen(value, PENDING)?;
            Ok(())
        },
        show: |cx| Ok(named(cx.s.pending, PENDING)),
    },
    Setting {
        name: "listsize",
        about: "how many lines list shows",
        set: |cx, value| match value.parse() {
            Ok(n @ 1..=10_000) => {
                cx.s.list_size = Some(n);
                Ok(())
            }
            _ => fail(format!("takes a number of lines, not \"{value}\"")),
        },
        show: |cx| Ok(cx.s.list_size.unwrap_or(super::source::PAGE).to_string()),
    },
    Setting {
        name: "unwindonsignal",
        about: "whether a function called from the prompt is given up when a signal comes in it: off or on",
        set: |cx, value| {
            cx.s.unwind_on_signal = chosen(value, SWITCH)?;
            Ok(())
        },
        show: |cx| Ok(named(cx.s.unwind_on_signal, SWITCH)),
    },
];

const SWITCH: &[(&str, bool)] = &[("off", false), ("on", true), ("0", false), ("1", true)];

const FOLLOW: &[(&str, Follow)] = &[("parent", Follow::Parent), ("child", Follow::Child)];

const LOCKING: &[(&str, Locking)] = &[
    ("off", Locking::Off),
    ("on", Locking::On),
    ("step", Locking::Step),
    ("replay", Locking::Off),
];

const PENDING: &[(&str, Pending)] = &[
    ("auto", Pending::Auto),
    ("on", Pending::On),
    ("off", Pending::Off),
];

/// What gdb's scripts set and what has no meaning here.
const NOT_HERE: &[&str] = &[
    "pagination",
    "confirm",
    "height",
    "width",
    "print pretty",
    "verbose",
    "style enabled",
];

/// The value of that name.
fn chosen<T: Copy>(value: &str, values: &[(&str, T)]) -> Result<T> {
    match values.iter().find(|(name, _)| *name == value) {
        Some((_, value)) => Ok(*value),
        None => {
            let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
            fail(format!("takes {}, not \"{value}\"", names.join(", ")))
        }
    }
}

fn named<T: PartialEq>(value: T, values: &[(&str, T)]) -> String {
    let found = values.iter().find(|(_, v)| *v == value);
    found.map_or("?", |(name, _)| name).to_owned()
}

/// The setting that the text begins with, and the rest.
fn find(text: &str) -> Option<(&'static Setting, &str)> {
    SETTINGS.iter().find_map(|s| {
        let rest = text.strip_prefix(s.name)?;
        let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
        ends.then(|| (s, rest.trim()))
    })
}

/// `set`: a setting, or an expression that assigns.
pub fn set(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    // A variable of the program may have a setting's name.
    let assigns = args
        .split_once('=')
        .is_some_and(|(left, _)| find(left.trim()).is_some_and(|(_, rest)| rest.is_empty()));
    if let Some((setting, value)) = find(args).filter(|_| !assigns) {
        return (setting.set)(cx, value).or_else(|e| fail(format!("{}: {e}", setting.name)));
    }
    if NOT_HERE.iter().any(|n| args.starts_with(n)) && !args.contains('=') {
        return Ok(());
    }
    super::data::set_var(cx)
}

/// `show`: a setting, or all.
pub fn show(cx: &mut Cx<'_>) -> Result<()> {
    let mut answer = serde_json::Map::new();
    if cx.args.is_empty() {
        for s in SETTINGS {
            let value = (s.show)(cx).unwrap_or_else(|e| format!("<{e}>"));
            say!(cx, "{}: \"{value}\" ({})", s.name, s.about);
            answer.insert(s.name.into(), json!(value));
        }
    } else {
        let Some((setting, _)) = find(cx.args) else {
            let names: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
            return fail(format!(
                "There is no setting \"{}\"; there are {}.",
                cx.args,
                names.join(", ")
            ));
        };
        let value = (setting.show)(cx)?;
        if setting.name == "args" {
            say!(
                cx,
                "Argument list to give program being debugged when it is started is \"{value}\"."
            );
        } else {
            say!(cx, "{} is \"{value}\".", setting.name);
        }
        answer.insert(setting.name.into(), json!(value));
    }
    cx.s.answer = Some(json!({ "settings": answer }));
    Ok(())
}
