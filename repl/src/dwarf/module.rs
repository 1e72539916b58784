//! One ELF file with its symbols and debugging information.

use super::{Bytes, Cfi, DieRef, Function, Image, Index, Lines, Ty, Variable, index, types};
use gimli::{RunTimeEndian, UnitOffset};
use goblin::elf::{Elf, program_header, section_header, sym};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A symbol of the ELF symbol table, at the address that the file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Address in the file.
    pub addr: u64,
    /// Size in bytes; 0 if it is not told.
    pub size: u64,
    /// Its name.
    pub name: String,
    /// A function, not data.
    pub code: bool,
    /// Others can see it; preferred among several at an address.
    pub global: bool,
}

/// One loaded ELF file.
pub struct Module {
    /// Its path as the guest knows it.
    pub name: String,
    /// Where it is on the host.
    pub path: PathBuf,
    /// Added to the file's addresses.
    pub bias: u64,
    /// Addresses in the file that are mapped.
    segments: Vec<(u64, u64)>,
    mask: u64,
    symbols: Vec<Symbol>,
    by_name: HashMap<String, usize>,
    pub(super) dwarf: gimli::Dwarf<Bytes>,
    pub(super) units: Vec<gimli::Unit<Bytes>>,
    index: OnceLock<Index>,
    /// Of each unit, whether it says where variables are in the prologues of functions too.
    precise: Vec<OnceLock<bool>>,
    lines: OnceLock<Lines>,
    cfi: OnceLock<Cfi>,
    eh_frame: (u64, Bytes),
    debug_frame: Bytes,
    text: u64,
    address_size: u8,
    pub(super) little: bool,
    types: Mutex<HashMap<(usize, usize), Ty>>,
    /// Of the thread-local variables' first values: address in the file and alignment.
    pub tls: Option<(u64, u64)>,
    /// Offsets of thread-local variables by name. GCC for AArch64 does not tell them in the debugging information.
    thread_locals: HashMap<String, u64>,
    /// What is worth a warning: sections that are not read.
    pub warning: Option<String>,
    /// Position in the list of modules, which references to types carry.
    pub(super) number: usize,
}

impl Module {
    /// From the contents of an ELF file, and of the one with its debugging information if that is another one.
    ///
    /// # Errors
    /// It is none; the text says why.
    pub fn parse(
        name: String,
        path: PathBuf,
        bias: u64,
        number: usize,
        data: &[u8],
        debug: Option<&[u8]>,
    ) -> Result<Module, String> {
        let image = Image::parse(data)?;
        let debug = debug.map(Image::parse).transpose()?;
        let elf = &image.elf;
        let endian = if elf.little_endian {
            RunTimeEndian::Little
        } else {
            RunTimeEndian::Big
        };
        let mut warning = None;
        let shown = path.display();
        for image in debug.iter().chain([&image]) {
            if let Some(other) = image.alternative() {
                warning = Some(format!(
                    "{shown}: its debugging information refers to {other} (dwz), which is not read: names and types are missing"
                ));
            }
        }
        let mut section = |wanted: &str| -> (u64, Bytes) {
            let mut found = image.section(wanted);
            // What is only in the file with the debugging information; the rest is empty there.
            if matches!(found, Ok(None))
                && wanted.starts_with(".debug_")
                && let Some(debug) = &debug
            {
                found = debug.section(wanted);
            }
            let (addr, bytes) = match found {
                Ok(found) => found.unwrap_or_default(),
                Err(why) => {
                    warning = Some(format!("{shown}: {why}"));
                    Default::default()
                }
            };
            (addr, Bytes::new(Arc::from(&*bytes), endian))
        };
        let eh_frame = section(".eh_frame");
        let debug_frame = section(".debug_frame").1;
        let text = section(".text").0;
        let dwarf = gimli::Dwarf::load(|id| Ok::<_, gimli::Error>(section(id.name()).1))
            .map_err(|e| e.to_string())?;
        let mut dwarf = dwarf;
        // Units may share one table of abbreviations: it is read once, however many refer to it.
        dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
        let segments = elf
            .program_headers
            .iter()
            .filter(|p| p.p_type == program_header::PT_LOAD)
            .map(|p| (p.p_vaddr, p.p_vaddr.saturating_add(p.p_memsz)))
            .collect();
        // A file without a table of symbols may have left it to the other.
        let table = match &debug {
            Some(debug) if elf.syms.is_empty() => &debug.elf,
            _ => elf,
        };
        let symbols = symbols(table);
        let mut by_name = HashMap::new();
        for (i, s) in symbols.iter().enumerate() {
            let slot = by_name.entry(s.name.clone()).or_insert(i);
            if s.global && !symbols[*slot].global {
                *slot = i;
            }
        }
        let units = units(&dwarf);
        Ok(Module {
            name,
            path,
            bias,
            segments,
            mask: if elf.is_64 { u64::MAX } else { 0xffff_ffff },
            symbols,
            by_name,
            dwarf,
            precise: units.iter().map(|_| OnceLock::new()).collect(),
            units,
            index: OnceLock::new(),
            lines: OnceLock::new(),
            cfi: OnceLock::new(),
            eh_frame,
            debug_frame,
            text,
            address_size: if elf.is_64 { 8 } else { 4 },
            little: elf.little_endian,
            types: Mutex::default(),
            thread_locals: thread_locals(table),
            tls: elf
                .program_headers
                .iter()
                .find(|p| p.p_type == program_header::PT_TLS)
                .map(|p| (p.p_vaddr, p.p_align.max(1))),
            warning,
            number,
        })
    }

    /// Position in the list of modules.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Offset of the thread-local variable of that name, by the symbol table.
    pub fn thread_local(&self, name: &str) -> Option<u64> {
        self.thread_locals.get(name).copied()
    }

    /// The address in memory of one in the file.
    pub fn to_memory(&self, addr: u64) -> u64 {
        addr.wrapping_add(self.bias) & self.mask
    }

    /// The address in the file of one in memory.
    pub fn to_file(&self, addr: u64) -> u64 {
        addr.wrapping_sub(self.bias) & self.mask
    }

    /// Whether the file covers this address in memory.
    pub fn covers(&self, addr: u64) -> bool {
        let addr = self.to_file(addr);
        self.segments.iter().any(|(s, e)| (*s..*e).contains(&addr))
    }

    /// The mapped ranges in memory.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.segments
            .iter()
            .map(|(s, e)| (self.to_memory(*s), self.to_memory(*e)))
    }

    /// Whether there is any debugging information.
    pub fn has_dwarf(&self) -> bool {
        !self.units.is_empty()
    }

    /// The symbols by address.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter()
    }

    /// The symbol that covers this address in memory.
    pub fn symbol_at(&self, addr: u64) -> Option<&Symbol> {
        let addr = self.to_file(addr);
        let end = self.symbols.partition_point(|s| s.addr <= addr);
        // Of several at the best address the global one; a symbol without a size reaches to the next.
        let best = self.symbols[..end].last()?.addr;
        let here = self.symbols[..end]
            .iter()
            .rev()
            .take_while(|s| s.addr == best);
        let symbol = here.max_by_key(|s| (s.global, s.size > 0))?;
        (symbol.size == 0 || addr - symbol.addr < symbol.size).then_some(symbol)
    }

    /// The symbol of that name.
    pub fn symbol_named(&self, name: &str) -> Option<&Symbol> {
        self.symbols.get(*self.by_name.get(name)?)
    }

    /// Functions, variables and types.
    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::build(self))
    }

    /// The line table.
    pub fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines::build(self))
    }

    /// Call frame information.
    pub fn cfi(&self) -> &Cfi {
        self.cfi.get_or_init(|| {
            Cfi::build(
                self.eh_frame.clone(),
                self.debug_frame.clone(),
                self.text,
                self.address_size,
            )
        })
    }

    /// Whether variables can be found from the first instruction of the unit's functions on: GCC's optimised code says so of each
    /// instruction.
    pub fn is_precise(&self, unit: usize) -> bool {
        let known = self.precise.get(unit);
        known.is_some_and(|known| *known.get_or_init(|| index::is_precise(self, unit)))
    }

    /// The function around this address in memory.
    pub fn function_at(&self, addr: u64) -> Option<&Function> {
        self.index().function_at(self.to_file(addr))
    }

    /// The variable at this place of the debugging information.
    pub fn variable(&self, (unit, offset): (usize, usize)) -> Option<Variable> {
        index::variable(self, unit, UnitOffset(offset), false)
    }

    /// Arguments and, inner blocks last, local variables that live at `pc` in memory.
    pub fn locals(&self, function: &Function, pc: u64) -> Vec<Variable> {
        index::locals(self, function, self.to_file(pc))
    }

    /// The types that have been read.
    pub(super) fn known_types(&self) -> std::sync::MutexGuard<'_, HashMap<(usize, usize), Ty>> {
        self.types.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn load_type(&self, die: DieRef) -> Ty {
        types::load(self, die)
    }
}

/// Units at most: each is a few bytes of hostile input.
const MAX_UNITS: usize = 200_000;

fn units(dwarf: &gimli::Dwarf<Bytes>) -> Vec<gimli::Unit<Bytes>> {
    let mut units = Vec::new();
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        if let Ok(unit) = dwarf.unit(header) {
            units.push(unit);
        }
        if units.len() == MAX_UNITS {
            break;
        }
    }
    units
}

/// Offsets of thread-local variables in the module's block.
fn thread_locals(elf: &Elf<'_>) -> HashMap<String, u64> {
    let own = |s: &sym::Sym| {
        s.st_type() == sym::STT_TLS && s.st_shndx != section_header::SHN_UNDEF as usize
    };
    let named = |s: sym::Sym| Some((elf.strtab.get_at(s.st_name)?.to_owned(), s.st_value));
    elf.syms.iter().filter(own).filter_map(named).collect()
}

fn symbols(elf: &Elf<'_>) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    let tables = [(&elf.syms, &elf.strtab), (&elf.dynsyms, &elf.dynstrtab)];
    for (table, names) in tables {
        for s in table.iter() {
            let code = matches!(s.st_type(), sym::STT_FUNC | sym::STT_GNU_IFUNC);
            let data = matches!(
                s.st_type(),
                sym::STT_OBJECT | sym::STT_NOTYPE | sym::STT_COMMON
            );
            if s.st_shndx == section_header::SHN_UNDEF as usize
                || s.st_shndx == section_header::SHN_ABS as usize
                || !(code || data)
            {
                continue;
            }
            let Some(name) = names.get_at(s.st_name).filter(|n| !n.is_empty()) else {
                continue;
            };
            // Marks of code and data ($x, $d), and the assembler's local labels, name nothing.
            if name.starts_with('$') || name.starts_with(".L") {
                continue;
            }
            symbols.push(Symbol {
                addr: s.st_value,
                size: s.st_size,
                name: name.to_owned(),
                code,
                global: s.st_bind() != sym::STB_LOCAL,
            });
        }
        if !symbols.is_empty() {
            break;
        }
    }
    symbols.sort_by(|a, b| (a.addr, &a.name).cmp(&(b.addr, &b.name)));
    symbols
}
