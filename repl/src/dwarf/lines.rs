//! The line table: addresses and source lines, both ways.

use super::{Bytes, Module, SourceLine};
use gimli::{AttributeValue, ColumnType, Reader};
use std::collections::{HashMap, HashSet};

/// Rows at most, over all units.
const MAX_ROWS: usize = 20_000_000;

/// Code from `addr` up to the next row belongs to `file`:`line`.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Address in the file.
    pub addr: u64,
    file: u32,
    /// Source line; 0 for code that belongs to none.
    pub line: u32,
    is_stmt: bool,
    prologue_end: bool,
    /// The code has ended at `addr`; the row names nothing.
    end: bool,
}

/// All rows of a module by address.
#[derive(Default)]
pub struct Lines {
    /// Full path, and the path as the compiler was given it.
    files: Vec<(String, String)>,
    rows: Vec<Row>,
}

impl Lines {
    pub(super) fn build(module: &Module) -> Lines {
        let mut lines = Lines::default();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut seen = HashSet::new();
        for unit in &module.units {
            let Some(program) = unit.line_program.clone() else {
                continue;
            };
            if !seen.insert(program.header().offset().0) {
                continue;
            }
            lines.add_unit(module, unit, program, &mut numbers);
            if lines.rows.len() >= MAX_ROWS {
                break;
            }
        }
        // An end and a beginning at one address: the beginning counts. The last row of several counts otherwise.
        lines.rows.sort_by_key(|r| (r.addr, !r.end));
        lines
    }

    fn add_unit(
        &mut self,
        module: &Module,
        unit: &gimli::Unit<Bytes>,
        program: gimli::IncompleteLineProgram<Bytes>,
        numbers: &mut HashMap<String, u32>,
    ) {
        let mut files: HashMap<u64, u32> = HashMap::new();
        let mut rows = program.rows();
        // Rows of a sequence that has not ended.
        let mut sequence: Vec<Row> = Vec::new();
        while let Ok(Some((header, row))) = rows.next_row() {
            let file = *files.entry(row.file_index()).or_insert_with(|| {
                let name = file_name(module, unit, header, row.file_index());
                let next = self.files.len() as u32;
                *numbers.entry(name.0.clone()).or_insert_with(|| {
                    self.files.push(name);
                    next
                })
            });
            let _column: ColumnType = row.column();
            sequence.push(Row {
                addr: row.address(),
                file,
                line: row
                    .line()
                    .map_or(0, |l| l.get().min(u32::MAX.into()) as u32),
                is_stmt: row.is_stmt(),
                prologue_end: row.prologue_end(),
                end: row.end_sequence(),
            });
            if row.end_sequence() {
                // Code that the linker left out is at address 0.
                let real = sequence.first().is_some_and(|r| r.addr != 0);
                if real {
                    self.rows.append(&mut sequence);
                }
                sequence.clear();
            }
            if self.rows.len() + sequence.len() >= MAX_ROWS {
                return;
            }
        }
    }

    /// Index of the row that covers `addr`.
    fn row(&self, addr: u64) -> Option<usize> {
        let i = self
            .rows
            .partition_point(|r| r.addr <= addr)
            .checked_sub(1)?;
        (!self.rows[i].end).then_some(i)
    }

    /// The line of the code at `addr`; addresses are the file's.
    pub fn at(&self, addr: u64) -> Option<SourceLine> {
        let mut first = self.row(addr)?;
        let row = self.rows[first];
        if row.line == 0 {
            return None;
        }
        let same = |r: &Row| !r.end && r.file == row.file && r.line == row.line;
        // Rows at one address: all but the last are empty.
        while first > 0
            && (same(&self.rows[first - 1])
                || self.rows[first - 1].addr == self.rows[first].addr && !self.rows[first - 1].end)
        {
            first -= 1;
        }
        while !same(&self.rows[first]) {
            first += 1;
        }
        let start = self.rows[first].addr;
        let end = self.rows[first..]
            .iter()
            .find(|r| r.addr > addr && !same(r))
            .map_or(addr + 1, |r| r.addr);
        Some(SourceLine {
            file: self.files.get(row.file as usize)?.0.clone(),
            name: self.files.get(row.file as usize)?.1.clone(),
            line: row.line,
            start,
            end,
            is_stmt: self.rows[first].is_stmt,
        })
    }

    /// The end of the prologue of the function at `start..end`: where the compiler says so, else its second line.
    pub fn after_prologue(&self, start: u64, end: u64) -> Option<u64> {
        let from = self.rows.partition_point(|r| r.addr < start);
        let rows = self.rows[from..].iter().take_while(|r| r.addr < end);
        let rows: Vec<&Row> = rows.filter(|r| !r.end && r.line != 0).take(4096).collect();
        if let Some(marked) = rows.iter().find(|r| r.prologue_end) {
            return Some(marked.addr);
        }
        let first = rows.first()?;
        rows.iter()
            .skip(1)
            .find(|r| r.addr > first.addr && r.is_stmt)
            .map(|r| r.addr)
    }

    /// The path that ends with `name`, at a folder's name.
    pub fn file_named(&self, name: &str) -> Option<&str> {
        let paths = || self.files.iter().map(|(full, _)| full.as_str());
        let ends = |f: &&str| {
            f.strip_suffix(name)
                .is_some_and(|head| head.is_empty() || head.ends_with('/'))
        };
        paths().find(|f| *f == name).or_else(|| paths().find(ends))
    }

    /// The source files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(full, _)| full.as_str())
    }

    /// Where statements of `file`:`line` begin, or those of the first line after it that has code.
    pub fn addresses(&self, file: &str, line: u32) -> Option<(String, u32, Vec<u64>)> {
        let path = self.file_named(file)?.to_owned();
        let number = self.files.iter().position(|(f, _)| *f == path)? as u32;
        let of_file = || {
            self.rows
                .iter()
                .filter(move |r| r.file == number && !r.end && r.is_stmt && r.line != 0)
        };
        let line = of_file().map(|r| r.line).filter(|l| *l >= line).min()?;
        let mut addrs: Vec<u64> = of_file()
            .filter(|r| r.line == line)
            .map(|r| r.addr)
            .collect();
        addrs.sort_unstable();
        addrs.dedup();
        Some((path, line, addrs))
    }
}

/// The paths of a unit's file by its number, as [`Lines`] has them.
pub(super) fn file_of(module: &Module, unit: &gimli::Unit<Bytes>, index: u64) -> (String, String) {
    match &unit.line_program {
        Some(program) => file_name(module, unit, program.header(), index),
        None => ("??".into(), "??".into()),
    }
}

/// Path of a file of the line program: from the compilation folder on where it is relative; and as the compiler was given it.
fn file_name(
    module: &Module,
    unit: &gimli::Unit<Bytes>,
    header: &gimli::LineProgramHeader<Bytes>,
    index: u64,
) -> (String, String) {
    let text = |value: AttributeValue<Bytes>| {
        let text = module.dwarf.attr_string(unit, value).ok()?;
        Some(text.to_string_lossy().ok()?.into_owned())
    };
    let Some(file) = header.file(index) else {
        return ("??".into(), "??".into());
    };
    let mut path = text(file.path_name()).unwrap_or_default();
    // Folder 0 is the compilation folder.
    if !path.starts_with('/')
        && file.directory_index() != 0
        && let Some(dir) = file.directory(header).and_then(text)
    {
        path = format!("{dir}/{path}");
    }
    let name = path.clone();
    if !path.starts_with('/')
        && let Some(dir) = &unit.comp_dir
        && let Ok(dir) = dir.to_string_lossy()
    {
        path = format!("{dir}/{path}");
    }
    // The unit's own name is how its main file was given to the compiler.
    let given = unit.name.as_ref().and_then(|n| n.to_string_lossy().ok());
    let name = match given {
        Some(given) if path.ends_with(&*given) => given.into_owned(),
        _ => name,
    };
    (path.replace("/./", "/"), name)
}
