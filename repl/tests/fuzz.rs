//! Debugging information as hostile input: mutated sections of real programs. Nothing panics, everything ends soon.
//! `EMU_FUZZ=N` runs N rounds for each program instead of a few.

use emu_repl::dwarf::{At, Kind, Module, Requests, Symbols, Ty, locate};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A frame without contents.
struct Nothing;

impl Requests for Nothing {
    fn register(&mut self, dwarf: u16) -> Option<u64> {
        Some(u64::from(dwarf) << 12)
    }
    fn memory(&mut self, addr: u64, _: u8) -> Option<u64> {
        Some(addr ^ 0x55)
    }
    fn cfa(&mut self) -> Option<u64> {
        Some(0x7fff_0000)
    }
    fn frame_base(&mut self) -> Option<u64> {
        Some(0x7fff_0100)
    }

    fn thread_local(&mut self, _: &Module, offset: u64) -> Option<u64> {
        Some(offset)
    }
}

/// Where a section's bytes are in the file, by the section headers.
fn sections(data: &[u8]) -> Vec<(String, std::ops::Range<usize>)> {
    let elf = goblin::elf::Elf::parse(data).unwrap();
    let named = elf.section_headers.iter().filter_map(|s| {
        let name = elf.shdr_strtab.get_at(s.sh_name)?;
        let range = s.file_range()?;
        (name.starts_with(".debug")
            || name == ".eh_frame"
            || name == ".symtab"
            || name == ".strtab")
            .then(|| (name.to_owned(), range))
    });
    named
        .filter(|(_, r)| !r.is_empty() && r.end <= data.len())
        .collect()
}

/// Changes a few bytes of the sections, or a stretch of one.
fn mutate(rng: &mut fastrand::Rng, data: &mut [u8], sections: &[(String, std::ops::Range<usize>)]) {
    for _ in 0..rng.usize(1..12) {
        let (_, range) = &sections[rng.usize(..sections.len())];
        let at = rng.usize(range.clone());
        match rng.u8(..6) {
            0 => data[at] = rng.u8(..),
            1 => data[at] ^= 1 << rng.u8(..8),
            2 => data[at] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(..5)],
            3 => {
                let end = (at + rng.usize(1..32)).min(range.end);
                data[at..end].fill([0, 0xff, 0x80][rng.usize(..3)]);
            }
            4 => {
                // A piece of another place: attributes and numbers that look right.
                let len = rng.usize(1..64).min(range.end - at);
                let from = rng.usize(range.start..=range.end - len);
                data.copy_within(from..from + len, at);
            }
            _ => {
                // The first bytes are lengths, versions and offsets.
                let first = range.start + rng.usize(..range.len().min(16));
                data[first] = rng.u8(..);
            }
        }
    }
}

fn visit_type(symbols: &Symbols, ty: &Ty, depth: usize, budget: &mut usize) {
    if depth > 6 || *budget == 0 {
        return;
    }
    *budget -= 1;
    let _ = symbols.type_name(ty);
    let _ = symbols.size_of(ty);
    match &symbols.strip(ty).kind {
        Kind::Struct(_, members) => {
            for m in members.iter().take(20) {
                visit_type(symbols, &symbols.resolve(&m.ty), depth + 1, budget);
            }
        }
        Kind::Pointer(t) | Kind::Array(t, _) | Kind::Function(t, _) => {
            visit_type(symbols, &symbols.resolve(t), depth + 1, budget);
        }
        _ => {}
    }
}

/// Asks everything that the prompt asks.
fn exercise(data: &[u8]) {
    let Ok(module) = Module::parse("x".into(), PathBuf::from("x"), 0, 0, data, None) else {
        return;
    };
    let symbols = Symbols {
        modules: vec![Arc::new(module)],
    };
    let module = symbols.modules[0].clone();
    let mut addrs: Vec<u64> = module
        .ranges()
        .flat_map(|(s, e)| [s, e.wrapping_sub(4), s / 2 + e / 2])
        .collect();
    for name in ["main", "square", "measure", "work", "factorial"] {
        if let Some(f) = symbols.function(name) {
            addrs.extend([f.item.low, f.item.low + 16, f.item.high.wrapping_sub(4)]);
        }
        if let Some((addr, ..)) = symbols.symbol(name) {
            addrs.extend([addr, addr + 20]);
        }
    }
    let mut budget = 2000;
    for addr in addrs {
        let _ = (
            symbols.label(addr),
            symbols.line_at(addr),
            symbols.after_prologue(addr),
        );
        let _ = module.cfi().rules(addr);
        let Some(f) = symbols.function_at(addr) else {
            continue;
        };
        for v in f.module.locals(&f.item, addr).into_iter().take(50) {
            if let Some(ty) = &v.ty {
                visit_type(&symbols, &symbols.resolve(ty), 0, &mut budget);
            }
            if let Some(location) = &v.location {
                let _ = locate(&f.module, v.unit, location, addr, &mut Nothing);
            }
        }
        if let Some(base) = &f.item.frame_base {
            let _ = locate(&f.module, f.item.unit, base, addr, &mut Nothing);
        }
    }
    let mut types: Vec<String> = module.index().types.keys().cloned().collect();
    types.sort();
    for name in types.iter().take(100) {
        if let Some(ty) = symbols.type_named(name) {
            visit_type(&symbols, &ty, 0, &mut budget);
        }
    }
    for name in ["finished", "lock"] {
        if let Some(At { module, item, .. }) = symbols.global(name)
            && let Some(location) = &item.location
        {
            let _ = locate(&module, item.unit, location, 0, &mut Nothing);
        }
    }
    for line in [1, 24, 75, 100_000] {
        let _ = symbols.addresses_of("tour.c", line);
    }
    let _ = symbols.names("f", 20);
    let _ = symbols.enumerator("nothing");
}

/// Names the seed of a round that panics.
struct Round(u64);

impl Drop for Round {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

/// Seeds that found something.
const FOUND: &[u64] = &[546];

fn rounds() -> usize {
    let asked = std::env::var("EMU_FUZZ").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(60)
}

fn fuzz(isa: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../examples/bin/{isa}/tour"));
    let whole = std::fs::read(path).unwrap();
    // What is not mutated works: else the rounds would test nothing.
    let module = Module::parse("x".into(), PathBuf::from("x"), 0, 0, &whole, None).unwrap();
    assert!(module.has_dwarf() && module.index().function_named("square").is_some());
    let sections = sections(&whole);
    assert!(sections.iter().any(|s| s.0 == ".debug_info"));
    // The debugging information is small beside the symbols: it gets its share.
    let (debug, symbols): (Vec<_>, Vec<_>) = sections
        .into_iter()
        .partition(|s| s.0.starts_with(".debug") || s.0 == ".eh_frame");
    let limit = Duration::from_secs(60);
    for seed in (0..rounds() as u64).chain(FOUND.iter().copied()) {
        let _round = Round(seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut data = whole.clone();
        mutate(&mut rng, &mut data, &debug);
        if seed % 8 == 0 {
            mutate(&mut rng, &mut data, &symbols);
        }
        let begun = Instant::now();
        exercise(&data);
        assert!(
            begun.elapsed() < limit,
            "seed {seed} took {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn mutated_sections_of_aarch64() {
    fuzz("aarch64");
}

#[test]
fn mutated_sections_of_mips() {
    fuzz("mips");
}

#[test]
fn a_file_that_is_cut_off() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/bin/mips/tour");
    let whole = std::fs::read(path).unwrap();
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..40 {
        exercise(&whole[..rng.usize(..whole.len())]);
    }
    exercise(b"");
    exercise(b"\x7fELF");
}
