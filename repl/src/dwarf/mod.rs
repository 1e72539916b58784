//! Symbols and DWARF of the guest's files. All of it is hostile input: nothing here panics, recursion and repetition are bounded,
//! and what makes no sense is left out.

mod frames;
mod index;
mod inline;
mod lines;
mod location;
mod module;
mod sections;
mod types;

pub use frames::{Cfa, Cfi, Rule, Rules};
pub use index::{Function, Index, Variable};
pub use inline::Inlined;
pub use lines::{Lines, Row};
pub use location::{Piece, Place, Requests, evaluate, locate};
pub use module::{Module, Symbol};
pub use sections::{Image, find_separate};
pub use types::{
    DieRef, EnumValue, Kind, Member, Ty, TyRef, Type, array, int, made, pointer, void,
};

use std::sync::Arc;

/// Bytes of a section, shared by all who read it.
pub type Bytes = gimli::EndianArcSlice<gimli::RunTimeEndian>;

/// A module and what belongs to it at an address.
pub struct At<T> {
    /// The module.
    pub module: Arc<Module>,
    /// Its position in [`Symbols::modules`].
    pub index: usize,
    /// What was found.
    pub item: T,
}

/// A position in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// Full path.
    pub file: String,
    /// Path as the compiler was given it.
    pub name: String,
    /// Line, from 1.
    pub line: u32,
    /// First address of the code that belongs to it here.
    pub start: u64,
    /// First address after that code.
    pub end: u64,
    /// Whether a statement begins at `start`.
    pub is_stmt: bool,
}

/// The modules of a process: the executable and its libraries.
#[derive(Default)]
pub struct Symbols {
    /// The executable first.
    pub modules: Vec<Arc<Module>>,
}

impl Symbols {
    /// The module whose mapped file covers `addr`.
    pub fn module_at(&self, addr: u64) -> Option<At<()>> {
        let (index, module) = self
            .modules
            .iter()
            .enumerate()
            .find(|(_, m)| m.covers(addr))?;
        Some(At {
            module: module.clone(),
            index,
            item: (),
        })
    }

    /// The nearest symbol at or before `addr` and the distance to it, of what the symbol covers.
    pub fn symbol_at(&self, addr: u64) -> Option<(String, u64)> {
        let at = self.module_at(addr)?;
        if let Some(f) = at.module.function_at(addr) {
            return Some((f.name.clone(), addr - at.module.to_memory(f.low)));
        }
        let symbol = at.module.symbol_at(addr)?;
        Some((symbol.name.clone(), addr - at.module.to_memory(symbol.addr)))
    }

    /// `<name+12>`, or "".
    pub fn label(&self, addr: u64) -> String {
        match self.symbol_at(addr) {
            Some((name, 0)) => format!("<{name}>"),
            Some((name, n)) => format!("<{name}+{n}>"),
            None => String::new(),
        }
    }

    /// First address of the function around `pc`, by DWARF or by the symbol table.
    pub fn function_start(&self, pc: u64) -> Option<u64> {
        let (_, offset) = self.symbol_at(pc)?;
        Some(pc - offset)
    }

    /// The ELF symbol of that name: address in memory, size in bytes, whether it is code.
    pub fn symbol(&self, name: &str) -> Option<(u64, u64, bool)> {
        self.modules.iter().find_map(|m| {
            let s = m.symbol_named(name)?;
            Some((m.to_memory(s.addr), s.size, s.code))
        })
    }

    /// The function of that name in the debugging information.
    pub fn function(&self, name: &str) -> Option<At<Function>> {
        self.modules.iter().enumerate().find_map(|(index, m)| {
            Some(At {
                module: m.clone(),
                index,
                item: m.index().function_named(name)?.clone(),
            })
        })
    }

    /// The function around `pc` in the debugging information.
    pub fn function_at(&self, pc: u64) -> Option<At<Function>> {
        let at = self.module_at(pc)?;
        let item = at.module.function_at(pc)?.clone();
        Some(At {
            module: at.module,
            index: at.index,
            item,
        })
    }

    /// The functions that were inlined around `pc`, outermost first.
    pub fn inlined_at(&self, pc: u64) -> Vec<Inlined> {
        let Some(at) = self.function_at(pc) else {
            return Vec::new();
        };
        inline::chain(&at.module, &at.item, at.module.to_file(pc))
    }

    /// How many of them begin at `pc`.
    pub fn inlined_beginning_at(&self, pc: u64) -> usize {
        let Some(at) = self.module_at(pc) else {
            return 0;
        };
        let pc_in_file = at.module.to_file(pc);
        let chain = self.inlined_at(pc);
        let inner = chain.iter().rev();
        inner.take_while(|i| i.function.low == pc_in_file).count()
    }

    /// Where copies of the inlined function of that name begin.
    pub fn inlined_named(&self, name: &str) -> Vec<u64> {
        let of = |m: &Arc<Module>| -> Vec<u64> {
            let copies = m.index().inlined.get(name).into_iter().flatten();
            copies.map(|addr| m.to_memory(*addr)).collect()
        };
        self.modules.iter().flat_map(of).collect()
    }

    /// The source line of the code at `pc`.
    pub fn line_at(&self, pc: u64) -> Option<SourceLine> {
        let module = self.module_at(pc)?.module;
        let mut line = module.lines().at(module.to_file(pc))?;
        line.start = module.to_memory(line.start);
        line.end = module.to_memory(line.end);
        Some(line)
    }

    /// Where the body of the function at `start` begins: after the code that sets up its frame.
    pub fn after_prologue(&self, start: u64) -> u64 {
        let Some(at) = self.function_at(start) else {
            return start;
        };
        if at.module.is_precise(at.item.unit) {
            return start;
        }
        let end = at.module.to_memory(at.item.high);
        let lines = at.module.lines();
        match lines.after_prologue(at.module.to_file(start), at.module.to_file(end)) {
            Some(addr) => at.module.to_memory(addr),
            None => start,
        }
    }

    /// Addresses where the code of `file`:`line` begins, one for each piece of it; with them the line that has code, which may be
    /// a later one.
    pub fn addresses_of(&self, file: &str, line: u32) -> Option<(String, u32, Vec<u64>)> {
        for module in &self.modules {
            if let Some((name, line, mut addrs)) = module.lines().addresses(file, line) {
                // One place in each function, and in each copy of an inlined one: its first.
                let mut seen = Vec::new();
                addrs.retain(|a| {
                    let function = module.function_at(module.to_memory(*a));
                    let copies = function.map(|f| inline::chain(module, f, *a));
                    let copy = copies.and_then(|c| c.last().map(|i| i.function.offset));
                    let block = function.map(|f| (f.low, copy));
                    let fresh = block.is_none() || !seen.contains(&block);
                    seen.push(block);
                    fresh
                });
                let addrs = addrs
                    .into_iter()
                    .map(|a| {
                        let start = module.function_at(module.to_memory(a)).map(|f| f.low);
                        let a = module.to_memory(a);
                        // A breakpoint at a function's opening line is meant for its body.
                        match start {
                            Some(low) if module.to_memory(low) == a => self.after_prologue(a),
                            _ => a,
                        }
                    })
                    .collect();
                return Some((name, line, addrs));
            }
        }
        None
    }

    /// The full path of a source file by its name or the end of its path.
    pub fn source_file(&self, name: &str) -> Option<String> {
        self.modules
            .iter()
            .find_map(|m| m.lines().file_named(name).map(str::to_owned))
    }

    /// The global variable of that name.
    pub fn global(&self, name: &str) -> Option<At<Variable>> {
        self.modules.iter().enumerate().find_map(|(index, m)| {
            let die = m.index().globals.get(name)?.first()?;
            Some(At {
                module: m.clone(),
                index,
                item: m.variable(*die)?,
            })
        })
    }

    /// The type of that name: `int`, `struct point`, a typedef's.
    pub fn type_named(&self, name: &str) -> Option<Ty> {
        self.modules.iter().enumerate().find_map(|(index, m)| {
            let (unit, offset) = *m.index().types.get(name)?;
            Some(self.resolve(&TyRef::Die(DieRef {
                module: index,
                unit,
                offset,
            })))
        })
    }

    /// The enumerator of that name: its value and its type.
    pub fn enumerator(&self, name: &str) -> Option<(i64, Ty)> {
        self.modules.iter().enumerate().find_map(|(index, m)| {
            let (value, unit, offset) = *m.index().enumerators.get(name)?;
            let ty = self.resolve(&TyRef::Die(DieRef {
                module: index,
                unit,
                offset,
            }));
            Some((value, ty))
        })
    }

    /// The type that a reference means.
    pub fn resolve(&self, ty: &TyRef) -> Ty {
        match ty {
            TyRef::Known(ty) => ty.clone(),
            TyRef::Die(die) => match self.modules.get(die.module) {
                Some(module) => module.load_type(*die),
                None => types::void(),
            },
        }
    }

    /// The type behind typedefs and qualifiers.
    pub fn strip(&self, ty: &Ty) -> Ty {
        let mut ty = ty.clone();
        // A chain that is longer goes in a circle.
        for _ in 0..64 {
            match &ty.kind {
                Kind::Typedef(inner) | Kind::Qualified(_, inner) => ty = self.resolve(inner),
                _ => return ty,
            }
        }
        types::void()
    }

    /// Size in bytes.
    pub fn size_of(&self, ty: &Ty) -> u64 {
        let ty = self.strip(ty);
        match &ty.kind {
            Kind::Array(element, count) => {
                let mut size = count.unwrap_or(0);
                let mut element = self.strip(&self.resolve(element));
                for _ in 0..16 {
                    let Kind::Array(inner, n) = &element.kind else {
                        return size.saturating_mul(element.size);
                    };
                    size = size.saturating_mul(n.unwrap_or(0));
                    element = self.strip(&self.resolve(&inner.clone()));
                }
                0
            }
            _ => ty.size,
        }
    }

    /// Names of functions, variables and symbols that begin with `prefix`; at most `limit`.
    pub fn names(&self, prefix: &str, limit: usize) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for m in &self.modules {
            let known = m
                .index()
                .names()
                .chain(m.symbols().map(|s| s.name.as_str()));
            names.extend(
                known
                    .filter(|n| n.starts_with(prefix))
                    .take(limit.saturating_mul(4))
                    .map(str::to_owned),
            );
        }
        names.sort();
        names.dedup();
        names.truncate(limit);
        names
    }
}
