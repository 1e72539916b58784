//! Symbols of ELF files, for traces and the debugger.

use goblin::elf::Elf;
use goblin::elf::program_header::PT_LOAD;
use goblin::elf::sym::{STT_FUNC, STT_NOTYPE, STT_OBJECT};
use std::path::Path;

/// One symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name, not demangled.
    pub name: String,
    /// Its address in memory.
    pub addr: u64,
    /// Its size in bytes; 0 if the file does not say.
    pub size: u64,
    /// A function rather than data.
    pub function: bool,
}

/// Symbols of one module, by address.
#[derive(Clone, Debug, Default)]
pub struct Symbols(Vec<Symbol>);

impl Symbols {
    /// Reads the symbol tables of the file at `path`, moved by `bias`. A file that cannot be read, or has none, gives none.
    pub fn read(path: &Path, bias: u64) -> Symbols {
        let Ok(data) = std::fs::read(path) else {
            return Symbols::default();
        };
        Symbols::parse(&data, bias)
    }

    /// Likewise, from the file's bytes.
    pub fn parse(data: &[u8], bias: u64) -> Symbols {
        let Ok(elf) = Elf::parse(data) else {
            return Symbols::default();
        };
        let tables = [(&elf.syms, &elf.strtab), (&elf.dynsyms, &elf.dynstrtab)];
        let mut symbols = Vec::new();
        for (table, strings) in tables {
            for s in table.iter() {
                if s.st_shndx == 0
                    || s.st_value == 0
                    || !matches!(s.st_type(), STT_FUNC | STT_OBJECT | STT_NOTYPE)
                {
                    continue;
                }
                // Mapping symbols ($x, $d) mark code and data for disassemblers; they name nothing.
                let Some(name) = strings
                    .get_at(s.st_name)
                    .filter(|n| !n.is_empty() && !n.starts_with('$'))
                else {
                    continue;
                };
                symbols.push(Symbol {
                    name: name.to_string(),
                    addr: s.st_value.wrapping_add(bias),
                    size: s.st_size,
                    function: s.st_type() == STT_FUNC,
                });
            }
        }
        // Functions last among equals, so that the search from above finds them first.
        symbols.sort_by(|a, b| (a.addr, a.function, &a.name).cmp(&(b.addr, b.function, &b.name)));
        symbols.dedup();
        Symbols(symbols)
    }

    /// The symbol that covers `addr`, and the offset into it. One without a size covers all up to the next.
    pub fn at(&self, addr: u64) -> Option<(&Symbol, u64)> {
        let end = self.0.partition_point(|s| s.addr <= addr);
        let nearest = self.0[..end].last()?.addr;
        let candidates = self.0[..end].iter().rev().take_while(|s| s.addr == nearest);
        candidates
            .filter(|s| s.size == 0 || addr - s.addr < s.size)
            .map(|s| (s, addr - s.addr))
            .next()
    }

    /// The symbol that covers the byte at `offset` of a file, as `symbol+0x2c`.
    pub fn at_offset(data: &[u8], offset: u64) -> Option<String> {
        let elf = Elf::parse(data).ok()?;
        let segment = elf.program_headers.iter().find(|p| {
            p.p_type == PT_LOAD
                && offset
                    .checked_sub(p.p_offset)
                    .is_some_and(|n| n < p.p_filesz)
        })?;
        let addr = offset - segment.p_offset + segment.p_vaddr;
        let symbols = Symbols::parse(data, 0);
        let (symbol, into) = symbols.at(addr)?;
        Some(format!("{}+{into:#x}", symbol.name))
    }

    /// The symbol of that name.
    pub fn by_name(&self, name: &str) -> Option<&Symbol> {
        self.0.iter().find(|s| s.name == name)
    }

    /// All of them, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Symbol> {
        self.0.iter()
    }
}
