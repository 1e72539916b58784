//! Which words are Advanced SIMD, held against capstone; faults and round trips of structure accesses. What instructions compute
//! is held against qemu-user by the differential test and the vectors.

use super::super::tests::NOT_IMPLEMENTED;
use super::super::{AArch64, DECODER};
use super::ROWS;
use crate::ir::{Block, BlockExit, BlockKey, Builder, CpuState, Interpreter, OpCode, verify};
use crate::isa::aarch64::decode::Row;
use crate::isa::aarch64::regs;
use crate::isa::testing::FlatMemory;
use crate::isa::{Isa, Limits, translate_block};
use capstone::arch::BuildsCapstone;
use std::collections::BTreeSet;

/// The row's name if the word translates; the block is verified.
fn decode(word: u32) -> Option<&'static str> {
    let mut code = FlatMemory::new(0x1000, word.to_le_bytes().to_vec());
    let mut block = Block::default();
    block.clear(BlockKey {
        pc: 0x1000,
        ..BlockKey::default()
    });
    let mut b = Builder::new(&mut block);
    AArch64.translate(&mut b, &mut code, 0x1000).unwrap();
    if block.ops.last().unwrap().code == OpCode::Raise {
        return None;
    }
    Builder::new(&mut block).jump(0x1004);
    verify(&block).unwrap();
    DECODER.find(word).map(|row| row.name)
}

/// Names that the assembler prefers for special cases.
fn is_alias(name: &str, mnemonic: &str) -> bool {
    matches!(
        (name, mnemonic),
        ("ORR" | "DUP" | "INS" | "UMOV", "mov")
            | ("NOT", "mvn")
            | ("SSHLL", "sxtl")
            | ("USHLL", "uxtl")
    )
}

/// A random word: one of a row's, or any in the encoding groups of Advanced SIMD.
fn random_word(rng: &mut fastrand::Rng) -> u32 {
    let word = rng.u32(..);
    match rng.u32(..6) {
        // Vector and scalar data processing.
        0 => word & 0xe1ff_ffff | 0x0e00_0000,
        1 => word & 0x21ff_ffff | 0x5e00_0000,
        // Structures, without and with post-index.
        2 => word & 0x40e0_ffff | 0x0c00_0000,
        3 => word & 0x41ff_ffff | 0x0c80_0000,
        _ => {
            let row = &ROWS[rng.usize(..ROWS.len())];
            row.value | word & !row.mask
        }
    }
}

#[test]
fn decoding_agrees_with_capstone() {
    let mut rng = fastrand::Rng::with_seed(7);
    let cs = capstone::Capstone::new()
        .arm64()
        .mode(capstone::arch::arm64::ArchMode::Arm)
        .build()
        .unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..200_000 {
        let word = random_word(&mut rng);
        let insns = cs.disasm_count(&word.to_le_bytes(), 0x1000, 1).unwrap();
        let theirs = insns.iter().next().map(|i| i.mnemonic().unwrap_or(""));
        let ours = decode(word);
        seen.extend(ours);
        let agree = match (ours, theirs) {
            (None, None) => true,
            // Later extensions, as `NOT_IMPLEMENTED` of the ISA's own tests lists them.
            (None, Some(_)) => NOT_IMPLEMENTED.iter().any(|row| row.matches(word)),
            (Some(_), None) => false,
            (Some(row), Some(mnemonic)) => {
                let name = row.split(' ').next().unwrap();
                let base = mnemonic.strip_suffix('2').unwrap_or(mnemonic);
                let is = |m: &str| name.eq_ignore_ascii_case(m);
                is(mnemonic) || is(base) || is_alias(name, base)
            }
        };
        assert!(agree, "{word:08x}: here {ours:?}, capstone {theirs:?}");
    }
    for row in ROWS {
        assert!(seen.contains(row.name), "{} was never met", row.name);
    }
}

/// Executes one instruction with `x0` = `base` on 256 bytes of memory at 0x2000.
fn run(word: u32, base: u64, cpu: &mut CpuState) -> (BlockExit, FlatMemory) {
    let mut code = FlatMemory::new(0x1000, word.to_le_bytes().to_vec());
    let mut mem = FlatMemory::new(0x2000, (0..=255).collect());
    let mut block = Block::default();
    let limits = Limits {
        max_insns: 1,
        is_breakpoint: &|_| false,
        watch: None,
    };
    let key = BlockKey {
        pc: 0x1000,
        ..BlockKey::default()
    };
    translate_block(&AArch64, &mut code, key, &limits, &mut block);
    cpu.write64(regs::x(0), base);
    let exit = Interpreter::default().run(cpu, &block, &mut mem, AArch64.helpers());
    (exit, mem)
}

/// The first word of each multiple-structure and single-lane row, with Q set, on v4 onwards and x0, post-index by the size.
fn structure_words() -> impl Iterator<Item = (&'static Row, u32)> {
    ROWS.iter()
        .filter(|row| row.pattern.ends_with("Rt:5"))
        .map(|row| {
            let rm = if row.pattern.contains("Rm:5") {
                31 << 16
            } else {
                0
            };
            (row, row.value | rm | 1 << 30 & !row.mask | 4)
        })
}

#[test]
fn faulting_structure_accesses_change_no_register() {
    for (row, word) in structure_words() {
        // Accesses of a single byte fit where longer ones cross the end.
        let base = if row.name.contains("8-bit") || row.name.contains('R') {
            0x2100
        } else {
            0x20ff
        };
        let mut cpu = CpuState::new();
        for n in 0..32 {
            cpu.write(regs::v(n), 16, u128::from(n) * 0x0101);
        }
        let before = cpu.regs;
        let (exit, _) = run(word, base, &mut cpu);
        let BlockExit::Fault(fault) = exit else {
            panic!("{}: {exit:?}", row.name);
        };
        assert_eq!(fault.write, row.name.starts_with("ST"), "{}", row.name);
        assert_eq!(cpu.pc, 0x1000);
        cpu.write64(regs::x(0), 0);
        assert_eq!(cpu.regs, before, "{}", row.name);
    }
}

#[test]
fn structures_come_back_as_they_were_stored() {
    for (row, load) in structure_words().filter(|(row, _)| row.name.starts_with("LD")) {
        if row.name.contains('R') {
            continue;
        }
        for q in [0, 1 << 30] {
            let load = load & !(1 << 30) | q;
            // The load bit.
            let store = load & !(1 << 22);
            let mut cpu = CpuState::new();
            assert_eq!(
                run(load, 0x2003, &mut cpu).0,
                BlockExit::Goto,
                "{}",
                row.name
            );
            let advance = cpu.read64(regs::x(0)) - 0x2003;
            assert_eq!(
                advance != 0,
                row.name.contains("post-index"),
                "{}",
                row.name
            );
            let (exit, mem) = run(store, 0x2083, &mut cpu);
            assert_eq!(exit, BlockExit::Goto);
            let len = mem.data[0x83..]
                .iter()
                .zip(&mem.data[3..])
                .take_while(|(a, b)| a == b)
                .count();
            let expected = match advance {
                0 => 1,
                bytes => bytes as usize,
            };
            assert!(len >= expected, "{}: {len} bytes of {expected}", row.name);
        }
    }
}
