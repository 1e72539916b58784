//! Places in the program as users write them: `main`, `file.c:12`, `12`, `*0x4000`.

use crate::dwarf::SourceLine;
use crate::session::{Cx, fail};
use emu_stub::Result;

/// A place, which may be in several pieces of code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its addresses; none of a place in a library that is still to be loaded.
    pub addrs: Vec<u64>,
    /// File and line, where they are known.
    pub line: Option<(String, u32)>,
    /// What it was named by.
    pub aim: Aim,
}

/// What a place was named by: where several inlined functions begin at one address, it tells which one is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// An address.
    #[default]
    Address,
    /// A function.
    Function(String),
    /// A line.
    Line(u32),
}

impl Cx<'_> {
    /// The place that `text` means; "" is where the selected frame is.
    ///
    /// # Errors
    /// There is no such place.
    pub fn locate(&mut self, text: &str) -> Result<Place> {
        let text = text.trim();
        let symbols = self.symbols();
        let with_line = |addr: u64, line: Option<SourceLine>| Place {
            addrs: vec![addr],
            line: line.map(|l| (l.name, l.line)),
            aim: Aim::Address,
        };
        if text.is_empty() {
            let frame = self.selected_frame()?;
            return Ok(with_line(frame.pc, self.frame_line(&frame)));
        }
        if let Some(expr) = text.strip_prefix('*') {
            let addr = self.eval_int(expr)? as u64;
            let addr = self.mask(addr);
            return Ok(with_line(addr, symbols.line_at(addr)));
        }
        if let Ok(line) = text.parse::<u32>() {
            let file = self.current_file()?;
            return self.at_line(&file, line);
        }
        if let Some(offset) = text.strip_prefix(['+', '-'])
            && let Ok(n) = offset.parse::<u32>()
        {
            let frame = self.selected_frame()?;
            let Some(line) = self.frame_line(&frame) else {
                return fail("No line number is known for this place.");
            };
            let number = if text.starts_with('+') {
                line.line.saturating_add(n)
            } else {
                line.line.saturating_sub(n)
            };
            return self.at_line(&line.file, number);
        }
        if let Some((file, rest)) = text.rsplit_once(':') {
            let (file, rest) = (file.trim(), rest.trim());
            return match rest.parse::<u32>() {
                Ok(line) => self.at_line(file, line),
                Err(_) => self.at_function(rest),
            };
        }
        self.at_function(text)
    }

    /// The file that line numbers without a file are about.
    fn current_file(&mut self) -> Result<String> {
        if let Some((file, _)) = &self.s.listing {
            return Ok(file.clone());
        }
        let symbols = self.symbols();
        if self.alive() {
            let frame = self.selected_frame()?;
            if let Some(line) = self.frame_line(&frame) {
                return Ok(line.file);
            }
        }
        let main = symbols
            .function("main")
            .map(|f| f.module.to_memory(f.item.low));
        match main.and_then(|addr| symbols.line_at(addr)) {
            Some(line) => Ok(line.file),
            None => fail("No symbol table is loaded."),
        }
    }

    fn at_line(&mut self, file: &str, line: u32) -> Result<Place> {
        match self.symbols().addresses_of(file, line) {
            Some((_, line, addrs)) => {
                let name = self
                    .symbols()
                    .line_at(addrs.first().copied().unwrap_or(0))
                    .map_or_else(|| file.to_owned(), |l| l.name);
                Ok(Place {
                    addrs,
                    line: Some((name, line)),
                    aim: Aim::Line(line),
                })
            }
            None if self.symbols().source_file(file).is_some() => fail(format!(
                "Line {line} of \"{file}\" has no code, and none follows it."
            )),
            None => fail(format!("No source file named {file}.")),
        }
    }

    fn at_function(&mut self, name: &str) -> Result<Place> {
        let symbols = self.symbols();
        let mut addrs = symbols.inlined_named(name);
        if let Some(at) = symbols.function(name) {
            addrs.push(symbols.after_prologue(at.module.to_memory(at.item.low)));
        }
        if let Some(first) = addrs.last() {
            let line = symbols.line_at(*first);
            addrs.sort_unstable();
            addrs.dedup();
            return Ok(Place {
                addrs,
                line: line.map(|l| (l.name, l.line)),
                aim: Aim::Function(name.to_owned()),
            });
        }
        if let Some((addr, _, true)) = symbols.symbol(name) {
            return Ok(Place {
                addrs: vec![addr],
                line: None,
                aim: Aim::Function(name.to_owned()),
            });
        }
        if symbols.modules.is_empty() {
            return fail("No symbol table is loaded; use *ADDRESS.");
        }
        fail(format!("Function \"{name}\" not defined."))
    }

    /// An address as wide as the machine's.
    pub fn addr_text(&self, addr: u64) -> String {
        let width = usize::from(self.target().pointer_size) * 2;
        format!("0x{addr:0width$x}")
    }
}
