//! What the debugging information defines: functions, variables, types.

use super::types::DieRef;
use super::{Bytes, Module, TyRef, inline};
use gimli::{
    AttributeValue, DW_AT_abstract_origin, DW_AT_byte_size, DW_AT_const_value, DW_AT_declaration,
    DW_AT_external, DW_AT_frame_base, DW_AT_high_pc, DW_AT_location, DW_AT_low_pc, DW_AT_name,
    DW_AT_producer, DW_AT_ranges, DW_AT_specification, DW_AT_type, DebuggingInformationEntry,
    Reader, UnitOffset, constants as dw,
};
use std::collections::HashMap;
use std::ops::ControlFlow;

type Die = DebuggingInformationEntry<Bytes>;

/// Entries at most, over all units.
const MAX_ENTRIES: usize = 50_000_000;
/// Address ranges of one entry at most.
const MAX_RANGES: usize = 256;
/// Locals of one function at most.
const MAX_LOCALS: usize = 10_000;

/// A function, or one of several pieces of it.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// First address, the file's.
    pub low: u64,
    /// First address after it.
    pub high: u64,
    /// Its unit.
    pub unit: usize,
    /// Its entry in the unit.
    pub offset: usize,
    /// What it returns; `None` for void.
    pub returns: Option<TyRef>,
    /// Visible to other units.
    pub external: bool,
    /// Where its frame is.
    pub frame_base: Option<AttributeValue<Bytes>>,
    /// The piece has the entry point.
    pub entry: bool,
}

/// A variable or an argument.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Option<TyRef>,
    /// Where it is; `None` if it has been optimised out.
    pub location: Option<AttributeValue<Bytes>>,
    /// Its value, if it is a constant.
    pub constant: Option<AttributeValue<Bytes>>,
    /// Its unit.
    pub unit: usize,
    /// An argument of the function.
    pub argument: bool,
}

/// The names of a module.
#[derive(Default)]
pub struct Index {
    /// By first address.
    functions: Vec<Function>,
    by_name: HashMap<String, usize>,
    /// Variables outside of functions: unit and entry.
    pub globals: HashMap<String, Vec<(usize, usize)>>,
    /// Types by name; `struct point` for a tag.
    pub types: HashMap<String, (usize, usize)>,
    /// Where copies of inlined functions begin, by name.
    pub inlined: HashMap<String, Vec<u64>>,
    /// Enumerators: value, unit and entry of the enumeration.
    pub enumerators: HashMap<String, (i64, usize, usize)>,
}

impl Index {
    pub(super) fn build(module: &Module) -> Index {
        let mut index = Index::default();
        let mut budget = MAX_ENTRIES;
        for number in 0..module.units.len() {
            index.add_unit(module, number, &mut budget);
        }
        index.functions.sort_by_key(|f| (f.low, f.high));
        for (i, f) in index.functions.iter().enumerate().filter(|(_, f)| f.entry) {
            let slot = index.by_name.entry(f.name.clone()).or_insert(i);
            if f.external && !index.functions[*slot].external {
                *slot = i;
            }
        }
        index
    }

    fn add_unit(&mut self, module: &Module, number: usize, budget: &mut usize) {
        let unit = &module.units[number];
        let mut entries = unit.entries();
        // Depth of the function that encloses the entry.
        let mut inside: Option<isize> = None;
        let mut enumeration = None;
        // Of functions that are inlined, by their entries.
        let mut names: HashMap<(usize, usize), Option<String>> = HashMap::new();
        while let Ok(Some(die)) = entries.next_dfs() {
            *budget = budget.saturating_sub(1);
            if *budget == 0 {
                return;
            }
            let depth = die.depth();
            if inside.is_some_and(|d| depth <= d) {
                inside = None;
            }
            let offset = die.offset().0;
            match die.tag() {
                dw::DW_TAG_subprogram => {
                    if inside.is_none() {
                        inside = Some(depth);
                    }
                    self.add_function(module, number, die);
                }
                dw::DW_TAG_inlined_subroutine => {
                    if let Some((addr, (unit, origin))) = inline::instance(module, number, die) {
                        let name = names.entry((unit, origin.0)).or_insert_with(|| {
                            let die = module.units.get(unit)?.entry(origin).ok()?;
                            name_of(module, unit, &die, 0)
                        });
                        if let Some(name) = name {
                            self.inlined.entry(name.clone()).or_default().push(addr);
                        }
                    }
                }
                dw::DW_TAG_variable if inside.is_none() => {
                    let told = die.has_attr(DW_AT_location) || die.has_attr(DW_AT_const_value);
                    let own = |name: &String| {
                        told || !die.has_attr(DW_AT_declaration)
                            && module.thread_local(name).is_some()
                    };
                    if let Some(name) = name_of(module, number, die, 0).filter(own) {
                        self.globals.entry(name).or_default().push((number, offset));
                    }
                }
                dw::DW_TAG_structure_type
                | dw::DW_TAG_union_type
                | dw::DW_TAG_class_type
                | dw::DW_TAG_enumeration_type => {
                    let keyword = match die.tag() {
                        dw::DW_TAG_structure_type => "struct",
                        dw::DW_TAG_union_type => "union",
                        dw::DW_TAG_class_type => "class",
                        _ => {
                            enumeration = Some(offset);
                            "enum"
                        }
                    };
                    if !die.has_attr(DW_AT_declaration)
                        && let Some(name) = own_name(module, number, die)
                    {
                        self.types
                            .entry(format!("{keyword} {name}"))
                            .or_insert((number, offset));
                    }
                }
                dw::DW_TAG_typedef | dw::DW_TAG_base_type => {
                    if let Some(name) = own_name(module, number, die) {
                        self.types.entry(name).or_insert((number, offset));
                    }
                }
                dw::DW_TAG_enumerator => {
                    let value = die.attr(DW_AT_const_value).and_then(|a| a.sdata_value());
                    if let (Some(name), Some(value), Some(parent)) =
                        (own_name(module, number, die), value, enumeration)
                    {
                        self.enumerators
                            .entry(name)
                            .or_insert((value, number, parent));
                    }
                }
                _ => {}
            }
        }
    }

    fn add_function(&mut self, module: &Module, number: usize, die: &Die) {
        let unit = &module.units[number];
        if die.has_attr(DW_AT_declaration) {
            return;
        }
        let Some(name) = name_of(module, number, die, 0) else {
            return;
        };
        let real = |(begin, end): &(u64, u64)| *begin != 0 && begin < end;
        for (i, (low, high)) in ranges(module, unit, die)
            .into_iter()
            .filter(real)
            .enumerate()
        {
            self.functions.push(Function {
                name: name.clone(),
                low,
                high,
                unit: number,
                offset: die.offset().0,
                returns: type_of(module, number, die),
                external: die.has_attr(DW_AT_external),
                frame_base: die.attr_value(DW_AT_frame_base),
                entry: i == 0,
            });
        }
    }

    /// The function around an address of the file.
    pub fn function_at(&self, addr: u64) -> Option<&Function> {
        let end = self.functions.partition_point(|f| f.low <= addr);
        // Functions do not nest in C; of damaged ones the nearest few are looked at.
        let near = self.functions[..end].iter().rev().take(8);
        near.filter(|f| addr < f.high).max_by_key(|f| f.low)
    }

    /// The function of that name.
    pub fn function_named(&self, name: &str) -> Option<&Function> {
        self.functions.get(*self.by_name.get(name)?)
    }

    /// Names of functions and variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name
            .keys()
            .chain(self.inlined.keys())
            .chain(self.globals.keys())
            .map(String::as_str)
    }
}

fn own_name(module: &Module, unit: usize, die: &Die) -> Option<String> {
    let value = die.attr_value(DW_AT_name)?;
    let text = module.dwarf.attr_string(&module.units[unit], value).ok()?;
    Some(text.to_string_lossy().ok()?.into_owned())
}

/// The entry that another one refers to, in whatever unit.
pub(super) fn follow(
    module: &Module,
    unit: usize,
    value: &AttributeValue<Bytes>,
) -> Option<(usize, UnitOffset)> {
    match value {
        AttributeValue::UnitRef(offset) => Some((unit, *offset)),
        AttributeValue::DebugInfoRef(offset) => {
            // Units are in the order of their offsets.
            let after = module.units.partition_point(|u| {
                u.header
                    .debug_info_offset()
                    .is_some_and(|o| o.0 <= offset.0)
            });
            let number = after.checked_sub(1)?;
            let inner = offset.to_unit_offset(&module.units[number].header)?;
            Some((number, inner))
        }
        _ => None,
    }
}

/// The name of an entry, or of the one that it is a copy of.
pub(super) fn name_at(module: &Module, unit: usize, die: &Die) -> Option<String> {
    name_of(module, unit, die, 0)
}

/// The name of an entry, or of the one that it completes.
fn name_of(module: &Module, unit: usize, die: &Die, depth: usize) -> Option<String> {
    if let Some(name) = own_name(module, unit, die) {
        return Some(name);
    }
    let (unit, other) = origin(module, unit, die, depth)?;
    name_of(module, unit, &other, depth + 1)
}

fn origin(module: &Module, unit: usize, die: &Die, depth: usize) -> Option<(usize, Die)> {
    // The chain is two long at most; one that goes in a circle ends here.
    if depth > 4 {
        return None;
    }
    let value = die
        .attr_value(DW_AT_abstract_origin)
        .or_else(|| die.attr_value(DW_AT_specification))?;
    let (unit, offset) = follow(module, unit, &value)?;
    let other = module.units[unit].entry(offset).ok()?;
    Some((unit, other))
}

/// The type that an entry names, itself or through the one that it completes.
pub(super) fn type_of(module: &Module, unit: usize, die: &Die) -> Option<TyRef> {
    type_within(module, unit, die, 0)
}

fn type_within(module: &Module, unit: usize, die: &Die, depth: usize) -> Option<TyRef> {
    if let Some(value) = die.attr_value(DW_AT_type) {
        let (unit, offset) = follow(module, unit, &value)?;
        return Some(TyRef::Die(DieRef {
            module: module.number,
            unit,
            offset: offset.0,
        }));
    }
    let (unit, other) = origin(module, unit, die, depth)?;
    type_within(module, unit, &other, depth + 1)
}

pub(super) fn variable(
    module: &Module,
    unit: usize,
    offset: UnitOffset,
    argument: bool,
) -> Option<Variable> {
    let die = module.units.get(unit)?.entry(offset).ok()?;
    read_variable(module, unit, &die, argument)
}

fn read_variable(module: &Module, unit: usize, die: &Die, argument: bool) -> Option<Variable> {
    Some(Variable {
        name: name_of(module, unit, die, 0)?,
        ty: type_of(module, unit, die),
        location: die.attr_value(DW_AT_location),
        constant: die.attr_value(DW_AT_const_value),
        unit,
        argument,
    })
}

/// Visits the entries below `function`, in order. `visit` says of each whether what it holds is visited too, or ends the walk.
pub(super) fn walk(
    module: &Module,
    function: &Function,
    mut visit: impl FnMut(&Die) -> ControlFlow<(), bool>,
) {
    let unit = &module.units[function.unit];
    let Ok(mut entries) = unit.entries_at_offset(UnitOffset(function.offset)) else {
        return;
    };
    // Depth of an entry that is not entered: what it holds is passed over.
    let mut passed: Option<isize> = None;
    let mut base = None;
    while let Ok(Some(die)) = entries.next_dfs() {
        let depth = die.depth();
        match base {
            None => {
                base = Some(depth);
                continue;
            }
            Some(base) if depth <= base => break,
            _ => {}
        }
        if passed.is_some_and(|d| depth > d) {
            continue;
        }
        match visit(die) {
            ControlFlow::Continue(enter) => passed = (!enter).then_some(depth),
            ControlFlow::Break(()) => break,
        }
    }
}

pub(super) fn locals(module: &Module, function: &Function, pc: u64) -> Vec<Variable> {
    let mut found = Vec::new();
    let unit = &module.units[function.unit];
    walk(module, function, |die| {
        let enter = match die.tag() {
            dw::DW_TAG_formal_parameter | dw::DW_TAG_variable => {
                let argument = die.tag() == dw::DW_TAG_formal_parameter;
                if !die.has_attr(DW_AT_declaration) {
                    found.extend(read_variable(module, function.unit, die, argument));
                }
                false
            }
            dw::DW_TAG_lexical_block => contains(module, unit, die, pc),
            _ => false,
        };
        if found.len() >= MAX_LOCALS {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(enter)
    });
    found
}

/// Whether the unit is GCC's and has lists of locations.
pub(super) fn is_precise(module: &Module, number: usize) -> bool {
    let unit = &module.units[number];
    let mut entries = unit.entries();
    let mut gnu = false;
    while let Ok(Some(die)) = entries.next_dfs() {
        match die.tag() {
            dw::DW_TAG_compile_unit => {
                let producer = die.attr_value(DW_AT_producer);
                let text = producer.and_then(|p| module.dwarf.attr_string(unit, p).ok());
                gnu =
                    text.is_some_and(|t| t.to_string_lossy().is_ok_and(|t| t.starts_with("GNU ")));
                if !gnu {
                    return false;
                }
            }
            dw::DW_TAG_variable | dw::DW_TAG_formal_parameter => {
                if let Some(location) = die.attr_value(DW_AT_location)
                    && !matches!(location, AttributeValue::Exprloc(_))
                {
                    return gnu;
                }
            }
            _ => {}
        }
    }
    false
}

fn contains(module: &Module, unit: &gimli::Unit<Bytes>, die: &Die, pc: u64) -> bool {
    ranges(module, unit, die)
        .iter()
        .any(|(begin, end)| (*begin..*end).contains(&pc))
}

/// The code of an entry. (gimli's own `die_ranges` adds the length to the address without a check.)
pub(super) fn ranges(module: &Module, unit: &gimli::Unit<Bytes>, die: &Die) -> Vec<(u64, u64)> {
    let low = die.attr_value(DW_AT_low_pc);
    let high = die.attr_value(DW_AT_high_pc);
    if let (Some(low), Some(high)) = (low, high) {
        let Ok(Some(low)) = module.dwarf.attr_address(unit, low) else {
            return Vec::new();
        };
        // An address, or a length.
        let high = match module.dwarf.attr_address(unit, high.clone()) {
            Ok(Some(high)) => Some(high),
            _ => high.udata_value().and_then(|n| low.checked_add(n)),
        };
        return high.map(|high| (low, high)).into_iter().collect();
    }
    let Some(value) = die.attr_value(DW_AT_ranges) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Ok(Some(mut list)) = module.dwarf.attr_ranges(unit, value) {
        while let Ok(Some(range)) = list.next() {
            found.push((range.begin, range.end));
            if found.len() == MAX_RANGES {
                break;
            }
        }
    }
    found
}

/// Size in bytes that an entry states.
pub(super) fn byte_size(die: &Die) -> Option<u64> {
    die.attr(DW_AT_byte_size).and_then(|a| a.udata_value())
}

pub(super) fn entry_name(module: &Module, unit: usize, die: &Die) -> Option<String> {
    own_name(module, unit, die)
}

pub(super) fn entry_type(module: &Module, unit: usize, die: &Die) -> Option<TyRef> {
    type_of(module, unit, die)
}
