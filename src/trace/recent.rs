//! System calls that were made some time ago, decoded from what memory holds now.

use super::render::Render;
use crate::mem::AddressSpace;
use crate::os::Dir;
use crate::os::linux::isa::LinuxIsa;
use crate::os::linux::row_of;
use crate::process::{CallState, Outcome, Recent};

/// A call and what came of it ("" if it has not returned), as the trace shows them. What an argument points to may have changed
/// since.
pub fn describe(mem: &AddressSpace, isa: &LinuxIsa, recent: &Recent) -> (String, String) {
    let call = &recent.call;
    let Some(row) = row_of(isa, call.number) else {
        let args: Vec<String> = call.args[..6].iter().map(|a| format!("{a:#x}")).collect();
        let result = match recent.state {
            CallState::Begun => "",
            CallState::Done(_) => "-1 ENOSYS (Function not implemented)",
        };
        let text = format!("syscall_{:#x}({})", call.number, args.join(", "));
        return (text, result.to_owned());
    };
    let args = row.arguments(isa.abi, &call.args);
    let render = Render::new(mem, isa.abi, row, args);
    let returned = match recent.state {
        CallState::Done(Outcome::Return(value)) => Some(value),
        _ => None,
    };
    let shown: Vec<String> = (0..row.args.len())
        .map(|i| match (render.direction(i), returned) {
            (Some(Dir::Out), None) => render.address(i),
            _ => render.argument(i, returned),
        })
        .filter(|text| !text.is_empty())
        .collect();
    let result = match &recent.state {
        CallState::Begun => String::new(),
        CallState::Done(outcome) => super::result(&render, row, outcome),
    };
    (format!("{}({})", row.name, shown.join(", ")), result)
}
