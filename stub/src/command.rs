//! Commands that a user types: one table for the prompt and for gdb's `monitor`.

use std::any::Any;
use std::fmt;

use crate::inferior::{Inferior, Result};

/// What a command does to the inferior, which decides where it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandClass {
    /// Looks, or changes how `emu` itself behaves.
    Inspect,
    /// Writes registers or memory. A debugger that has cached them will not notice.
    Change,
    /// Resumes, stops or ends the inferior: refused as a `monitor` command, since the debugger would lose track.
    RunControl,
}

/// What a command works with.
pub struct CommandContext<'a> {
    /// The inferior. [`CommandContext::inferior_as`] gives it as the type that it is.
    pub inferior: &'a mut (dyn Inferior + 'static),
    /// What follows the command's name, without the blanks around it.
    pub args: &'a str,
    /// Where the answer goes: lines that end with `\n`.
    pub out: &'a mut dyn fmt::Write,
    /// State that the front end keeps between commands (display lists, formats); made by whoever made the table.
    pub session: &'a mut dyn Any,
}

impl CommandContext<'_> {
    /// The inferior as the type that it is, for commands that are made for one kind of inferior.
    pub fn inferior_as<T: Inferior>(&mut self) -> Option<&mut T> {
        (self.inferior as &mut dyn Any).downcast_mut()
    }

    /// The session state as the type that it is.
    pub fn session_as<T: 'static>(&mut self) -> Option<&mut T> {
        self.session.downcast_mut()
    }
}

/// One row of a table of commands.
#[derive(Clone, Copy)]
pub struct Command {
    /// Its name: words separated by one blank (`info registers`).
    pub name: &'static str,
    /// Other names, as gdb's users expect them (`i r`). Any unambiguous beginning of a name works too.
    pub aliases: &'static [&'static str],
    /// Its arguments, for help (`[COUNT]`).
    pub usage: &'static str,
    /// What it does: one line.
    pub summary: &'static str,
    /// More of that; "" if the summary says all.
    pub help: &'static str,
    /// What it does to the inferior.
    pub class: CommandClass,
    /// Runs it. An error's text is shown to the user.
    pub run: fn(&mut CommandContext<'_>) -> Result<()>,
}
