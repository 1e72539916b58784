use super::*;
use crate::ir::{Block, BlockKey, OpCode, verify};
use crate::isa::testing::FlatMemory;
use crate::isa::{Limits, translate_block};
use capstone::prelude::*;
use std::collections::BTreeMap;

/// The block of one instruction at 0x1000.
fn translate(word: u32) -> Block {
    let mut code = FlatMemory::new(0x1000, word.to_le_bytes().to_vec());
    let limits = Limits {
        max_insns: 1,
        is_breakpoint: &|_| false,
        watch: None,
    };
    let mut block = Block::default();
    let key = BlockKey {
        pc: 0x1000,
        ..BlockKey::default()
    };
    translate_block(&AArch64, &mut code, key, &limits, &mut block);
    block
}

/// Whether the word is an instruction that is implemented.
fn is_implemented(word: u32) -> bool {
    let block = translate(word);
    !block
        .ops
        .iter()
        .any(|op| op.code == OpCode::Raise && op.aux == Trap::IllegalInstruction as u16)
}

#[test]
fn every_row_translates_to_valid_blocks() {
    let mut rng = fastrand::Rng::with_seed(2);
    for row in rows() {
        let mut implemented = matches!(row.name, "UDF" | "MSR (register)");
        for _ in 0..300 {
            let word = row.value | rng.u32(..) & !row.mask;
            if let Err(why) = verify(&translate(word)) {
                panic!("{} {word:08x}: {why}", row.name);
            }
            implemented |= is_implemented(word);
        }
        assert!(implemented, "{} never translates", row.name);
    }
}

/// Encodings that Capstone takes for instructions and that are not implemented: the extension and where it is. Those of
/// Advanced SIMD are left to the test next to them.
#[rustfmt::skip]
pub(super) const NOT_IMPLEMENTED: &[Row] = &[
    unimplemented("FEAT_RDM, DotProd, FCMA, I8MM, BF16 (three registers)", "0 any:2 x 1110 size:2 0 Rm:5 1 opcode:4 1 Rn:5 Rd:5"),
    unimplemented("FEAT_RDM (by element)", "0 any 1 x 1111 size:2 L Rm:5 11 S 1 H 0 Rn:5 Rd:5"),
    unimplemented("FEAT_DotProd, I8MM (by element)", "0 Q U 01111 size:2 L Rm:5 1110 H 0 Rn:5 Rd:5"),
    unimplemented("FEAT_I8MM, BF16 (by element)", "0 Q 0 01111 size:2 L Rm:5 1111 H 0 Rn:5 Rd:5"),
    unimplemented("FEAT_FCMA (by element)", "0 Q 1 01111 size:2 L Rm:5 0 rot:2 1 H 0 Rn:5 Rd:5"),
    unimplemented("FEAT_FHM (by element)", "0 Q U 01111 10 L Rm:5 any:2 00 H 0 Rn:5 Rd:5"),
    unimplemented("FEAT_FHM", "0 Q U 01110 S 01 Rm:5 11 any 011 Rn:5 Rd:5"),
    unimplemented("FEAT_FRINTTS (vector)", "0 Q U 01110 0 sz 10000 1111 any 10 Rn:5 Rd:5"),
    unimplemented("FEAT_BF16 (BFCVTN)", "0 Q 0 01110 10 10000 10110 10 Rn:5 Rd:5"),
    unimplemented("FEAT_FP16 (three registers)", "0 any U x 1110 a 10 Rm:5 00 opcode:3 1 Rn:5 Rd:5"),
    unimplemented("FEAT_FP16 (two registers)", "0 any U x 1110 a 111100 opcode:5 10 Rn:5 Rd:5"),
    unimplemented("FEAT_FP16 (pairs, across lanes)", "0 any 0 x 1110 o 0 11000 011 any:2 10 Rn:5 Rd:5"),
    unimplemented("FEAT_FP16 (by element)", "0 any U x 1111 00 L Rm:5 opcode:2 01 H 0 Rn:5 Rd:5"),
    unimplemented("FEAT_FP16 (fixed-point)", "0 any U x 11110 001 any:4 111 any:2 1 Rn:5 Rd:5"),
    unimplemented("FEAT_FP16 (FMOV)", "0 Q 0 0111100000 abc:3 111111 defgh:5 Rd:5"),
    unimplemented("FEAT_SVE", "any:3 0010 any:25"),
    unimplemented("FEAT_SME", "1 any:2 0000 any:25"),
    unimplemented("FEAT_FP16", "sf 00 1111 x 11 any:22"),
    unimplemented("FEAT_MOPS", "size:2 011 any 01 any:2 0 any:9 01 any:10"),
    unimplemented("FEAT_HBC", "01010100 imm19:19 1 cond:4"),
    unimplemented("FEAT_MTE (ADDG, SUBG)", "1 op 0 100011 any:23"),
    unimplemented("FEAT_MTE (LDG, STG ...)", "11011001 opc:2 1 any:21"),
    unimplemented("FEAT_MTE (GMI, IRG, SUBP)", "10 S 11010110 any:5 000 any:13"),
    unimplemented("FEAT_PAuth (PACGA)", "1 0 0 11010110 any:5 001100 any:10"),
    unimplemented("FEAT_PAuth (PAC*, AUT*, XPAC*)", "1 1 0 11010110 00001 any:16"),
    unimplemented("FEAT_PAuth (LDRAA, LDRAB)", "11 111 0 00 any:2 1 any:9 any 1 any:10"),
    unimplemented("FEAT_PAuth (branches)", "1101011 any:4 11111 00001 any:11"),
    unimplemented("FEAT_BF16 (BFCVT)", "00011110 01 1 000110 10000 any:10"),
    unimplemented("FEAT_FRINTTS", "00011110 0 any 1 0100 any:2 10000 any:10"),
    unimplemented("FEAT_SHA3, SHA512, SM3, SM4", "11001110 any:24"),
    unimplemented("FEAT_LRCPC2", "size:2 011001 opc:2 0 any:9 00 any:10"),
    unimplemented("FEAT_LS64", "11 111 0 00 001 any:5 1 any:3 00 any:10"),
    unimplemented("FEAT_FlagM (RMIF)", "1 0 1 11010000 any:6 00001 any:10"),
    unimplemented("FEAT_TME", "11010100 011 any:21"),
    unimplemented("HLT (halting debug is off)", "11010100 010 imm16:16 00000"),
    unimplemented("HVC, SMC (not from EL0)", "11010100 000 imm16:16 0001 any"),
    unimplemented("DCPS (not outside debug state)", "11010100 101 imm16:16 000 any:2"),
    unimplemented("System registers that EL0 has not", "1101010100 any 1 any:20"),
    unimplemented("System instructions that EL0 has not", "1101010100 any 0 any:20"),
    unimplemented("UDF", "0000000000000000 imm16:16"),
];

const fn unimplemented(reason: &'static str, pattern: &'static str) -> Row {
    decode::row(reason, decode::Feature::Base, pattern, |_, _| None)
}

/// Registers that the manual calls CONSTRAINED UNPREDICTABLE: Capstone rejects some of these, here they do what the
/// pseudocode says (they are among the behaviours allowed).
fn is_constrained_unpredictable(row: &Row, word: u32) -> bool {
    let i = Insn(word);
    let name = row.name;
    let writes_back = name.contains("-index");
    let (rn_is_rt, rn_is_rt2) = (i.rn() == i.rt(), i.rn() == i.rt2());
    if name.contains("P ") && name.starts_with("LD") || name.starts_with("LDPSW") {
        return i.rt() == i.rt2() || writes_back && (rn_is_rt || rn_is_rt2);
    }
    if name.starts_with("STP") {
        return writes_back && (rn_is_rt || rn_is_rt2);
    }
    // Fields that should be all ones.
    if name.starts_with("LDAR") || name.starts_with("STLR") || name.starts_with("LDXR") {
        return i.rs() != 31 || i.rt2() != 31;
    }
    if name.starts_with("LDXP") {
        return i.rs() != 31 || i.rt() == i.rt2();
    }
    // LDTR has no write-back; Capstone takes it for a form that has.
    (writes_back || name.starts_with("LDTR")) && rn_is_rt
}

#[test]
fn rows_agree_with_capstone() {
    let cs = Capstone::new()
        .arm64()
        .mode(arch::arm64::ArchMode::Arm)
        .build()
        .unwrap();
    let mut rng = fastrand::Rng::with_seed(3);
    let mut missing: BTreeMap<String, (u32, String)> = BTreeMap::new();
    let mut surplus: BTreeMap<&str, u32> = BTreeMap::new();
    let from_rows = rows()
        .iter()
        .flat_map(|row| std::iter::repeat_n(Some(row), 300));
    for row in from_rows.chain(std::iter::repeat_n(None, 300_000)) {
        let random = rng.u32(..);
        let word = row.map_or(random, |row| row.value | random & !row.mask);
        let text = cs.disasm_count(&word.to_le_bytes(), 0x1000, 1).unwrap();
        match (text.first(), is_implemented(word)) {
            (Some(insn), false) => {
                let mnemonic = insn.mnemonic().unwrap_or("").to_string();
                if !NOT_IMPLEMENTED.iter().any(|r| r.matches(word)) {
                    let text = format!("{mnemonic} {}", insn.op_str().unwrap_or(""));
                    missing.entry(mnemonic).or_insert((word, text));
                }
            }
            (None, true) => {
                let row = DECODER.find(word).unwrap();
                if !is_constrained_unpredictable(row, word) {
                    surplus.entry(row.name).or_insert(word);
                }
            }
            _ => {}
        }
    }
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "only Capstone: {missing:08x?}\nonly the rows: {surplus:08x?}"
    );
}

/// Two rows can only both match a word if one of them excludes what the other demands.
#[test]
fn no_word_has_two_rows() {
    let excludes = |a: &Row, b: &Row| {
        a.except_mask != 0
            && a.except_mask & !b.mask == 0
            && b.value & a.except_mask == a.except_value
    };
    for (n, a) in rows().iter().enumerate() {
        for b in &rows()[n + 1..] {
            let overlap = (a.value ^ b.value) & a.mask & b.mask == 0;
            assert!(
                !overlap || excludes(a, b) || excludes(b, a),
                "{} ({}) and {} ({})",
                a.name,
                a.pattern,
                b.name,
                b.pattern
            );
        }
    }
}

#[test]
fn the_index_finds_what_a_linear_search_finds() {
    let mut rng = fastrand::Rng::with_seed(1);
    for row in rows() {
        for _ in 0..200 {
            let word = row.value | rng.u32(..) & !row.mask;
            let linear = rows().iter().find(|r| r.matches(word));
            assert_eq!(
                DECODER.find(word).map(|r| r.name),
                linear.map(|r| r.name),
                "{word:08x}"
            );
        }
    }
    for _ in 0..100_000 {
        let word = rng.u32(..);
        let linear = rows().iter().find(|r| r.matches(word));
        assert_eq!(DECODER.find(word).map(|r| r.name), linear.map(|r| r.name));
    }
}

/// The accessors of [`Insn`] take fields by position: a pattern that had one elsewhere would be read wrongly.
#[test]
fn fields_are_where_the_accessors_read_them() {
    let places = [
        ("Rd", 0),
        ("Rt", 0),
        ("Rn", 5),
        ("Rm", 16),
        ("Rs", 16),
        ("Ra", 10),
        ("Rt2", 10),
        ("sf", 31),
        ("Q", 30),
    ];
    for row in rows() {
        let mut at = 32;
        for token in row.pattern.split_whitespace() {
            let token = token.split('!').next().unwrap();
            let (name, width) = match token.split_once(':') {
                Some((name, width)) => (name, width.parse().unwrap()),
                None if token.starts_with(['0', '1']) => (token, token.len()),
                None => (token, 1),
            };
            at -= width;
            if let Some((_, lsb)) = places.iter().find(|p| p.0 == name) {
                assert_eq!(at, *lsb, "{}: {name}", row.name);
            }
        }
        assert_eq!(at, 0);
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = rows().iter().map(|r| r.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(count, names.len());
}

#[test]
fn system_registers_of_user_mode_are_readable() {
    let word = |op1: u32, crn: u32, crm: u32, op2: u32| {
        0xd538_0000 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5
    };
    for (name, mrs, writable) in [
        ("NZCV", word(3, 4, 2, 0), true),
        ("FPCR", word(3, 4, 4, 0), true),
        ("FPSR", word(3, 4, 4, 1), true),
        ("TPIDR_EL0", word(3, 13, 0, 2), true),
        ("TPIDRRO_EL0", word(3, 13, 0, 3), false),
        ("CTR_EL0", word(3, 0, 0, 1), false),
        ("DCZID_EL0", word(3, 0, 0, 7), false),
        ("CNTFRQ_EL0", word(3, 14, 0, 0), false),
        ("CNTVCT_EL0", word(3, 14, 0, 2), false),
        ("MIDR_EL1", word(0, 0, 0, 0), false),
        ("ID_AA64ISAR0_EL1", word(0, 0, 6, 0), false),
    ] {
        assert!(is_implemented(mrs), "MRS {name}");
        let msr = mrs & !(1 << 21);
        assert_eq!(is_implemented(msr), writable, "MSR {name}");
        verify(&translate(msr)).unwrap();
    }
    // SCTLR_EL1, PMCCNTR_EL0
    assert!(!is_implemented(word(0, 1, 0, 0)));
    assert!(!is_implemented(word(3, 9, 13, 0)));
}
