//! System calls that were made some time ago, decoded from what memory holds now.

use super::calls::{name_of, raw_arguments, result, value_of};
use super::render::{Memory, Render};
use crate::os::{CallTable, Dir};
use crate::process::{CallState, Recent};

/// A call and what came of it ("" if it has not returned), as the trace shows them. What an argument points to may have changed
/// since; with [`super::NoMemory`] it is shown by its address.
pub fn describe(mem: &dyn Memory, table: CallTable, recent: &Recent) -> (String, String) {
    let call = &recent.call;
    let row = table.row(call.number);
    let name = name_of(row, call.number);
    let Some(row) = row else {
        let result = match recent.state {
            CallState::Begun => "",
            CallState::Done(_) => "-1 ENOSYS (Function not implemented)",
        };
        return (
            format!("{name}({})", raw_arguments(call)),
            result.to_owned(),
        );
    };
    let render = Render::new(mem, table.abi, row, row.arguments(table.abi, &call.args));
    let outcome = match &recent.state {
        CallState::Begun => None,
        CallState::Done(outcome) => Some(outcome),
    };
    let returned = outcome.and_then(value_of);
    let shown: Vec<String> = (0..row.args.len())
        .map(|i| match (render.direction(i), returned) {
            (Some(Dir::Out), None) => render.address(i),
            _ => render.argument(i, returned),
        })
        .filter(|text| !text.is_empty())
        .collect();
    let result = outcome.map_or_else(String::new, |o| result(&render, row, o));
    (format!("{name}({})", shown.join(", ")), result)
}
