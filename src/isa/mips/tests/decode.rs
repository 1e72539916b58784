//! The rows: against each other, against the IR's rules, against Capstone.

use super::*;
use crate::ir::verify;
use capstone::prelude::*;
use std::collections::{BTreeMap, HashMap};

#[test]
fn no_two_rows_match_one_word() {
    let rows = rows();
    for (n, a) in rows.iter().enumerate() {
        for b in &rows[n + 1..] {
            assert_ne!(
                (a.value ^ b.value) & a.mask & b.mask,
                0,
                "{} and {}",
                a.name,
                b.name
            );
        }
    }
}

#[test]
fn a_field_has_one_place() {
    let mut places = HashMap::new();
    for row in rows() {
        for (name, lsb, width) in row.fields() {
            // C.cond's cc is elsewhere than that of the branches and moves; `code` and `hint` have no accessor.
            let key = match name {
                "code" | "hint" => continue,
                "cc" => (name, row.name.starts_with("C.cond")),
                _ => (name, false),
            };
            assert_eq!(
                *places.entry(key).or_insert((lsb, width)),
                (lsb, width),
                "{name} of {}",
                row.name
            );
        }
    }
}

#[test]
fn the_tree_finds_every_row() {
    let mut rng = fastrand::Rng::with_seed(1);
    for row in rows() {
        for _ in 0..50 {
            let word = row.encode(rng.u32(..));
            let found = DECODER.find(word).map(|r| r.name);
            assert_eq!(found, Some(row.name), "{word:#010x}");
        }
    }
    // And no row where none matches.
    for _ in 0..200_000 {
        let word = rng.u32(..);
        let found = DECODER.find(word).map(|r| r.name);
        let linear = rows().iter().find(|r| r.matches(word)).map(|r| r.name);
        assert_eq!(found, linear, "{word:#010x}");
    }
}
#[test]
fn every_row_translates_to_valid_blocks() {
    let mut rng = fastrand::Rng::with_seed(3);
    for row in rows() {
        for n in 0..200 {
            let word = row.encode(rng.u32(..));
            if let Err(why) = verify(&translate(word, n & 7)) {
                panic!("{} {word:08x}: {why}", row.name);
            }
        }
    }
}

/// Encodings that Capstone takes for instructions and that are not implemented: the extension and where it is.
#[rustfmt::skip]
const NOT_IMPLEMENTED: &[Row] = &[
    unimplemented("MSA", "011110 any:26"),
    unimplemented("MSA (BZ.V, BNZ.V)", "010001 01 any 11 any:21"),
    unimplemented("MSA (BZ, BNZ)", "010001 11 any:24"),
    unimplemented("MSA (LSA, DLSA)", "000000 any:15 000 sa:2 0 any 0101"),
    unimplemented("DSP (indexed loads)", "011111 any:20 001010"),
    unimplemented("DSP (INSV)", "011111 any:20 001100"),
    unimplemented("DSP (arithmetic)", "011111 any:20 01 any:4"),
    unimplemented("DSP (APPEND, BALIGN)", "011111 any:20 11000 any"),
    unimplemented("DSP (accumulators)", "011111 any:20 111000"),
    unimplemented("DSP (BPOSGE32)", "000001 00000 11100 any:16"),
    unimplemented("DSP (MFHI, MFLO of accumulators 1 to 3)", "000000 000 ac:2 00000 rd:5 00000 0100 any 0"),
    unimplemented("MIPS II (coprocessor 0 branches)", "010000 01000 any:21"),
    unimplemented("MIPS II (coprocessor 3 branches)", "010011 01000 any:21"),
    unimplemented("MIPS64", "010001 00 any 01 any:21"),
    unimplemented("MIPS16e (JALX)", "011101 any:26"),
    unimplemented("SYNC with reserved fields", "000000 any:20 001111"),
];

/// Rows with encodings that Capstone does not know: FP condition codes but the first, jump hints, `prefx`, coprocessor 2, most
/// registers of `rdhwr`, and some of release 2.
const UNKNOWN_TO_CAPSTONE: &[&str] = &[
    "C.cond.S", "C.cond.D", "JR", "JALR", "PREFX", "COP2", "RDHWR", "RDPGPR", "WRPGPR", "WAIT",
    "RECIP.S", "RECIP.D", "RSQRT.S", "RSQRT.D",
];

/// Whether Capstone's mnemonic is another name of the row: an assembler's idiom, one of the rows that the row here combines, or
/// (BC3*) what the encoding of a COP1X instruction was in MIPS II.
fn is_alias(row: &Row, mnemonic: &str) -> bool {
    let aliases: &[&str] = match row.name {
        "ADDU" | "OR" => &["MOVE"],
        "BEQ" => &["B", "BEQZ"],
        "BNE" => &["BNEZ"],
        "BGEZAL" => &["BAL"],
        "NOR" => &["NOT"],
        "SUB" => &["NEG"],
        "SUBU" => &["NEGU"],
        "JR" => &["JR.HB"],
        "JALR" => &["JALR.HB"],
        "SLL" => &["NOP", "SSNOP", "EHB", "PAUSE"],
        "COP2" => &[
            "BC2F", "BC2FL", "BC2T", "BC2TL", "MFC2", "MTC2", "CFC2", "CTC2", "MFHC2", "MTHC2",
        ],
        "C.cond.S" | "C.cond.D" => {
            return mnemonic.starts_with("C.") && mnemonic.ends_with(&row.name[6..]);
        }
        _ if row.value >> 26 == 0x13 => &["BC3F", "BC3FL", "BC3T", "BC3TL"],
        _ => &[],
    };
    row.name == mnemonic || aliases.contains(&mnemonic)
}

const fn unimplemented(reason: &'static str, pattern: &'static str) -> Row {
    crate::isa::mips::decode::row(reason, pattern, |_, _| {
        Err(crate::isa::mips::translate::Refusal::Reserved)
    })
}

#[test]
fn rows_agree_with_capstone() {
    let build = |mode| {
        Capstone::new()
            .mips()
            .mode(mode)
            .endian(capstone::Endian::Big)
            .build()
            .unwrap()
    };
    // The first has the FP registers of FR = 0, the second those of FR = 1.
    let (fr0, fr1) = (
        build(arch::mips::ArchMode::Mips32),
        build(arch::mips::ArchMode::Mips64),
    );
    let mut rng = fastrand::Rng::with_seed(4);
    let mut missing: BTreeMap<String, (u32, String)> = BTreeMap::new();
    let mut surplus: BTreeMap<&str, u32> = BTreeMap::new();
    let mut agreed = std::collections::BTreeSet::new();
    let from_rows = rows()
        .iter()
        .flat_map(|row| std::iter::repeat_n(Some(row), 300));
    for row in from_rows.chain(std::iter::repeat_n(None, 300_000)) {
        let random = rng.u32(..);
        let word = row.map_or(random, |row| row.encode(random));
        let bytes = word.to_be_bytes();
        let found = DECODER.find(word);
        let mut text = fr0.disasm_count(&bytes, BASE, 1).unwrap();
        if text.is_empty() && found.is_some() {
            text = fr1.disasm_count(&bytes, BASE, 1).unwrap();
        }
        match (text.first(), found) {
            (Some(insn), None) if !NOT_IMPLEMENTED.iter().any(|r| r.matches(word)) => {
                let mnemonic = insn.mnemonic().unwrap_or("").to_string();
                let text = format!("{mnemonic} {}", insn.op_str().unwrap_or(""));
                missing.entry(mnemonic).or_insert((word, text));
            }
            (None, Some(row)) if !UNKNOWN_TO_CAPSTONE.contains(&row.name) => {
                surplus.entry(row.name).or_insert(word);
            }
            (Some(insn), Some(row)) => {
                let mnemonic = insn.mnemonic().unwrap_or("").to_uppercase();
                agreed.insert(row.name);
                if !is_alias(row, &mnemonic) {
                    missing
                        .entry(format!("{} as {mnemonic}", row.name))
                        .or_insert((word, String::new()));
                }
            }
            _ => {}
        }
    }
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "only Capstone: {missing:08x?}\nonly the rows: {surplus:08x?}"
    );
    let unchecked: Vec<_> = rows()
        .iter()
        .map(|r| r.name)
        .filter(|name| !agreed.contains(name))
        .collect();
    assert_eq!(
        unchecked,
        [
            "RECIP.S", "RECIP.D", "RSQRT.S", "RSQRT.D", "RDPGPR", "WRPGPR", "WAIT"
        ]
    );
}
