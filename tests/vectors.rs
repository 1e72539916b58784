//! Runs the vectors of `tests/vectors/<isa>`, which were made with a reference emulator (see `differential.rs`), on the engines.

#[path = "vectors/mod.rs"]
mod vectors;

#[path = "differential/engines.rs"]
mod engines;

use emu::abi::Endian;
use emu::cpu::{Engine, Exit};
use emu::ir::{CpuState, Trap};
use emu::isa::aarch64::AArch64;
use emu::isa::mips::{MIPS, MIPSEL};
use emu::isa::{Isa, RegClass};
use emu::mem::AddressSpace;
use engines::{Kind, StopAt};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use vectors::mips_fr1::MipsFr1;
use vectors::{Vector, WINDOW, fill};

/// What is wrong after running the vector, if anything.
fn check(
    isa: &'static dyn Isa,
    v: &Vector,
    engine: &mut dyn Engine,
    space: &AddressSpace,
    stop: &StopAt,
) -> Result<(), String> {
    let big = isa.abi().endian == Endian::Big;
    let bytes = |w: &u32| {
        if big {
            w.to_be_bytes()
        } else {
            w.to_le_bytes()
        }
    };
    let code: Vec<u8> = v.words.iter().flat_map(bytes).collect();
    let end = v.pc + code.len() as u64;
    space.write(v.pc, &code).unwrap();
    let before: Vec<u8> = (0..WINDOW).map(fill).collect();
    if let Some(addr) = v.memory {
        space.write(addr, &before).unwrap();
    }
    stop.0.store(end, Ordering::Relaxed);

    let table = isa.registers();
    let mut cpu = CpuState::new();
    isa.reset(&mut cpu);
    for (name, value) in &v.inputs {
        table
            .by_name(name)
            .ok_or_else(|| format!("no register {name}"))?
            .write(&mut cpu, *value);
    }
    isa.sync_derived(&mut cpu);
    isa.sync_registers(&mut cpu);
    let initial: Vec<u128> = table.registers.iter().map(|r| r.read(&cpu)).collect();
    cpu.pc = v.pc;
    cpu.guest_base = space.base();
    match engine.run(&mut cpu) {
        Exit::Trap(Trap::DebugBreakpoint, _) if cpu.pc == end => {}
        other => return Err(format!("ended with {other:?} at {:#x}", cpu.pc)),
    }
    isa.sync_registers(&mut cpu);

    for (register, old) in table.registers.iter().zip(initial) {
        // A register inside of another is the other's business.
        let is_part = table.registers.iter().any(|other| {
            other.class != RegClass::Pc
                && other.name != register.name
                && other.slot <= register.slot
                && register.slot as usize + register.size() <= other.slot as usize + other.size()
        });
        if register.class == RegClass::Pc || register.class != RegClass::Flags && is_part {
            continue;
        }
        let expected = v.outputs.get(register.name).copied().unwrap_or(old);
        let is = register.read(&cpu);
        if is != expected {
            return Err(format!("{} is {is:x}, not {expected:x}", register.name));
        }
    }
    if let Some(addr) = v.memory {
        let mut expected = before;
        for (at, bytes) in &v.stored {
            expected[(at - addr) as usize..][..bytes.len()].copy_from_slice(bytes);
        }
        let mut is = vec![0; WINDOW];
        space.read(addr, &mut is).unwrap();
        if is != expected {
            return Err(format!("memory is {is:02x?}"));
        }
    }
    Ok(())
}

/// Runs every vector of the ISA on the engine; `rows` must all have some.
fn run_vectors(kind: Kind, isa: &'static dyn Isa, rows: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(isa.name());
    let mut vectors = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "txt") {
            continue;
        }
        let mut row = String::new();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            match line.strip_prefix("# ") {
                Some(name) => row = name.into(),
                None => {
                    let vector = Vector::parse(line);
                    vectors.push((
                        row.clone(),
                        vector.unwrap_or_else(|| panic!("not a vector: {line}")),
                    ));
                }
            }
        }
    }
    let seen: BTreeSet<&str> = vectors.iter().map(|(row, _)| row.as_str()).collect();
    let missing: Vec<_> = rows.iter().filter(|r| !seen.contains(**r)).collect();
    assert!(missing.is_empty(), "rows without vectors: {missing:?}");

    // No two vectors share code, so that nothing translated gets stale.
    let bounds = |range: &mut dyn Iterator<Item = (u64, usize)>| {
        let (start, end) = range.fold((u64::MAX, 0), |(start, end), (addr, len)| {
            (start.min(addr), end.max(addr + len as u64))
        });
        (start, vec![0; (end - start) as usize])
    };
    let code = bounds(&mut vectors.iter().map(|(_, v)| (v.pc, 4 * v.words.len())));
    let data = bounds(
        &mut vectors
            .iter()
            .filter_map(|(_, v)| Some((v.memory?, WINDOW))),
    );
    let space = engines::memory(isa, &[(code.0, &code.1), (data.0, &data.1)]);
    let stop = Arc::new(StopAt::default());
    let mut engine = engines::engine(kind, isa, &space, stop.clone());
    let mut failures = Vec::new();
    for (row, vector) in &vectors {
        if let Err(why) = check(isa, vector, &mut *engine, &space, &stop) {
            failures.push(format!("{row}: {vector}\n    {why}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} vectors fail on {kind:?}:\n{}",
        failures.len(),
        vectors.len(),
        failures[..failures.len().min(20)].join("\n")
    );
}

#[test]
fn aarch64() {
    // Those that leave the CPU are tested with their exits.
    let leaves = ["UDF", "SVC", "BRK"];
    let rows: Vec<_> = emu::isa::aarch64::rows()
        .iter()
        .map(|r| r.name)
        .filter(|name| !leaves.contains(name))
        .collect();
    for kind in Kind::ALL {
        run_vectors(kind, &AArch64, &rows);
    }
}

#[test]
fn mips() {
    // Exits, and what user mode may not execute.
    let leaves = [
        "SYSCALL", "BREAK", "MFC0", "MTC0", "RDPGPR", "DI", "EI", "WRPGPR", "TLBR", "TLBWI",
        "TLBWR", "TLBP", "ERET", "DERET", "WAIT", "CACHE", "SDBBP", "COP2", "LWC2", "LDC2", "SWC2",
        "SDC2",
    ];
    // Only with FR = 1.
    let fr1 = |name: &str| name.contains(".L") || matches!(name, "LUXC1" | "SUXC1");
    let (with_fr1, rows): (Vec<_>, Vec<_>) = emu::isa::mips::rows()
        .iter()
        .map(|r| r.name)
        .filter(|name| !leaves.contains(name))
        .partition(|name| fr1(name));
    for kind in Kind::ALL {
        run_vectors(kind, &MIPS, &rows);
        run_vectors(kind, &MIPSEL, &rows);
        run_vectors(kind, &MipsFr1, &with_fr1);
    }
}
