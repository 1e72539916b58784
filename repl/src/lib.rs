//! The interactive prompt of `emu`, over the trait `Inferior` of `emu-stub`.
//!
//! [`COMMANDS`] is the one table of commands: [`Prompt`] runs them for a user, a script or a pipe, and gdb's `monitor` runs those
//! that do not resume, with a [`Session`] of its own. The commands are in `commands/`, expressions in `expr/`, symbols and
//! debugging information in [`dwarf`], frames in `stack`.

mod commands;
pub mod dwarf;
mod editor;
mod expr;
mod prompt;
pub mod report;
mod session;
mod siginfo;
mod stack;
mod terminal;
mod tui;

pub use commands::table::COMMANDS;
pub use prompt::{Console, Ending, Prompt, Script};
pub use session::Session;
pub use tui::restore_terminal;

/// Runs one line of a prompt whose state is `session`, and writes the answer to `out`.
///
/// # Errors
/// There is no such command, or it failed; what was written before stands.
pub fn execute(
    inferior: &mut (dyn emu_stub::Inferior + 'static),
    session: &mut Session,
    line: &str,
    out: &mut dyn std::fmt::Write,
) -> emu_stub::Result<()> {
    commands::misc::execute(
        &mut session::Cx {
            inf: inferior,
            s: session,
            out,
            args: "",
        },
        line,
    )
}
