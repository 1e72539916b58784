//! Functions that the compiler has put into others: where, and from which line they are called.

use super::index::{follow, name_at, ranges, type_of, walk};
use super::{Bytes, Function, Module};
use gimli::{
    AttributeValue, DW_AT_abstract_origin, DW_AT_call_file, DW_AT_call_line,
    DebuggingInformationEntry, UnitOffset, constants as dw,
};
use std::ops::ControlFlow;

/// How deep they may be in each other.
const MAX_DEPTH: usize = 256;

/// A function at one of the places where it was inlined; addresses are the file's.
#[derive(Clone, Debug)]
pub struct Inlined {
    /// The function; its first address is where it begins here.
    pub function: Function,
    /// Position of its module in [`super::Symbols::modules`].
    pub module: usize,
    /// Its code.
    pub ranges: Vec<(u64, u64)>,
    /// Full path of the file that calls it, the path as the compiler was given it, and the line; 0 if that is not told.
    pub call: (String, String, u32),
}

impl Inlined {
    /// Whether it has code at this address of the file.
    pub fn covers(&self, addr: u64) -> bool {
        self.ranges.iter().any(|(s, e)| (*s..*e).contains(&addr))
    }
}

/// Where it begins: its lowest code. (What compilers say of it, `DW_AT_entry_pc`, is at times outside of its code.)
fn entry(ranges: &[(u64, u64)]) -> Option<u64> {
    ranges.iter().map(|r| r.0).min()
}

/// First address of an entry that is an inlined function, and the entry that it is a copy of.
pub(super) fn instance(
    module: &Module,
    number: usize,
    die: &DebuggingInformationEntry<Bytes>,
) -> Option<(u64, (usize, UnitOffset))> {
    let unit = &module.units[number];
    let ranges = real_ranges(module, unit, die);
    let origin = die.attr_value(DW_AT_abstract_origin)?;
    Some((entry(&ranges)?, follow(module, number, &origin)?))
}

fn real_ranges(
    module: &Module,
    unit: &gimli::Unit<Bytes>,
    die: &DebuggingInformationEntry<Bytes>,
) -> Vec<(u64, u64)> {
    let mut all = ranges(module, unit, die);
    all.retain(|(begin, end)| *begin != 0 && begin < end);
    all
}

/// The functions that were inlined into `function` around an address of the file, outermost first.
pub(super) fn chain(module: &Module, function: &Function, pc: u64) -> Vec<Inlined> {
    let mut found: Vec<Inlined> = Vec::new();
    let unit = &module.units[function.unit];
    walk(module, function, |die| {
        let inlined = die.tag() == dw::DW_TAG_inlined_subroutine;
        if !inlined && die.tag() != dw::DW_TAG_lexical_block {
            return ControlFlow::Continue(false);
        }
        let ranges = real_ranges(module, unit, die);
        let here = ranges.iter().any(|(s, e)| (*s..*e).contains(&pc));
        // A block without code of its own may hold some.
        if !here && (inlined || !ranges.is_empty()) {
            return ControlFlow::Continue(false);
        }
        if inlined && found.len() < MAX_DEPTH {
            let number = |name| match die.attr_value(name) {
                Some(AttributeValue::FileIndex(n)) => Some(n),
                other => other.and_then(|v| v.udata_value()),
            };
            let file = number(DW_AT_call_file).unwrap_or(0);
            let (full, name) = super::lines::file_of(module, unit, file);
            let low = entry(&ranges).unwrap_or(pc);
            found.push(Inlined {
                function: Function {
                    name: name_at(module, function.unit, die).unwrap_or_else(|| "??".into()),
                    low,
                    high: ranges.iter().map(|r| r.1).max().unwrap_or(low),
                    unit: function.unit,
                    offset: die.offset().0,
                    returns: type_of(module, function.unit, die),
                    external: false,
                    frame_base: function.frame_base.clone(),
                    entry: false,
                },
                module: module.number,
                ranges,
                call: (full, name, number(DW_AT_call_line).unwrap_or(0) as u32),
            });
        }
        ControlFlow::Continue(true)
    });
    found
}
