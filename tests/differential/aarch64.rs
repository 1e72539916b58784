//! AArch64 under the differential test.

use super::guest::{AddressUse, Field, Guest};
use super::values;
use emu::isa::Isa;
use emu::isa::aarch64::decode::Insn;
use emu::isa::aarch64::{AArch64, rows};
use fastrand::Rng;

pub struct Aarch64Guest;

const SP: usize = 31;
const CPSR: usize = 33;
const V0: usize = 34;
const FPSR: usize = 66;
const FPCR: usize = 67;

/// Offsets in the state block: x0 to x30, sp, v0 to v31, flags, FPCR, FPSR.
const SP_OFFSET: u32 = 248;
const V_OFFSET: u32 = 256;
const NZCV_OFFSET: u32 = 768;
const FPCR_OFFSET: u32 = 772;
const FPSR_OFFSET: u32 = 776;

const MSR: u32 = 0xd51b_0000;
const MRS: u32 = 0xd53b_0000;
const NZCV_NAME: u32 = 0x4200;
const FPCR_NAME: u32 = 0x4400;
const FPSR_NAME: u32 = 0x4420;
const TPIDR_NAME: u32 = 0xd040;

/// MOVZ, MOVK: Xd := a 32-bit constant.
fn mov(d: u32, value: u64) -> [u32; 2] {
    [
        0xd280_0000 | ((value & 0xffff) as u32) << 5 | d,
        0xf2a0_0000 | ((value >> 16) as u32) << 5 | d,
    ]
}

/// LDP, STP (offset) of X or Q registers t, t + 1; base x30.
fn pair(load: bool, vector: bool, t: u32, offset: u32) -> u32 {
    let (top, scale) = if vector {
        (0xad00_0000, 16)
    } else {
        (0xa900_0000, 8)
    };
    top | u32::from(load) << 22 | (offset / scale) << 15 | (t + 1) << 10 | 30 << 5 | t
}

/// LDR, STR (unsigned offset) of 8 or 4 bytes; base x30.
fn single(load: bool, wide: bool, t: u32, offset: u32) -> u32 {
    let (top, scale) = if wide {
        (0xf900_0000, 8)
    } else {
        (0xb900_0000, 4)
    };
    top | u32::from(load) << 22 | (offset / scale) << 10 | 30 << 5 | t
}

const ADD_X16_1: u32 = 0x9100_0610;
const ADD_X0_SP: u32 = 0x9100_03e0;
const MOV_SP_X0: u32 = 0x9100_001f;

impl Guest for Aarch64Guest {
    fn isa(&self) -> &'static dyn Isa {
        &AArch64
    }

    fn oracle(&self) -> (&'static str, &'static [&'static str]) {
        // A CPU with LSE, CRC32, LRCPC, the cryptographic extensions, and 64-byte DC ZVA.
        ("qemu-aarch64", &["-cpu", "neoverse-n1"])
    }

    fn elf(&self) -> (u16, u32) {
        (183, 0)
    }

    fn layout(&self) -> Vec<Field> {
        let field = |register, offset: u32, size| Field {
            register,
            offset: offset as usize,
            size,
        };
        let x = (0..32).map(|n| field(n, n as u32 * 8, 8));
        let v = (0..32).map(|n| field(V0 + n, V_OFFSET + n as u32 * 16, 16));
        let control = [
            field(CPSR, NZCV_OFFSET, 4),
            field(FPCR, FPCR_OFFSET, 4),
            field(FPSR, FPSR_OFFSET, 4),
        ];
        x.chain(v).chain(control).collect()
    }

    fn load(&self, addr: u64) -> Vec<u32> {
        let mut code = mov(30, addr).to_vec();
        for n in (0..32).step_by(2) {
            code.push(pair(true, true, n, V_OFFSET + n * 16));
        }
        for (offset, name) in [
            (NZCV_OFFSET, NZCV_NAME),
            (FPCR_OFFSET, FPCR_NAME),
            (FPSR_OFFSET, FPSR_NAME),
        ] {
            code.extend([single(true, false, 0, offset), MSR | name]);
        }
        code.extend([single(true, true, 0, SP_OFFSET), MOV_SP_X0]);
        for n in (0..30).step_by(2) {
            code.push(pair(true, false, n, n * 8));
        }
        code.push(single(true, true, 30, 240));
        code
    }

    fn save(&self, addr: u64) -> Vec<u32> {
        let mut code = vec![MSR | TPIDR_NAME | 30];
        code.extend(mov(30, addr));
        for n in (0..30).step_by(2) {
            code.push(pair(false, false, n, n * 8));
        }
        code.extend([
            MRS | TPIDR_NAME,
            single(false, true, 0, 240),
            ADD_X0_SP,
            single(false, true, 0, SP_OFFSET),
        ]);
        for n in (0..32).step_by(2) {
            code.push(pair(false, true, n, V_OFFSET + n * 16));
        }
        for (offset, name) in [
            (NZCV_OFFSET, NZCV_NAME),
            (FPCR_OFFSET, FPCR_NAME),
            (FPSR_OFFSET, FPSR_NAME),
        ] {
            code.extend([MRS | name, single(false, false, 0, offset)]);
        }
        code
    }

    fn finish(&self, addr: u64, len: u64) -> Vec<u32> {
        const SVC: u32 = 0xd400_0001;
        let mut code = Vec::new();
        // A zero FPCR, so that what follows doesn't depend on the last case.
        code.push(MSR | FPCR_NAME | 31);
        for (register, value) in [(0, 1), (1, addr), (2, len), (8, 64)] {
            code.extend(mov(register, value));
        }
        code.push(SVC);
        code.extend(mov(0, 0));
        code.extend(mov(8, 93));
        code.push(SVC);
        code
    }

    fn nop(&self) -> u32 {
        0xd503_201f
    }

    fn rows(&self) -> Vec<&'static str> {
        rows().iter().map(|r| r.name).collect()
    }

    fn random(&self, row: usize, rng: &mut Rng) -> Option<Vec<u32>> {
        let row = rows()[row];
        let mut word = row.value | rng.u32(..) & !row.mask;
        let mut put = |lsb: u32, width: u32, value: u32| {
            word = word & !(((1 << width) - 1) << lsb) | value << lsb;
        };
        // A branch goes over the next instruction or not, and is followed by one that shows which.
        let skip = rng.u32(1..=2);
        match row.name {
            "UDF" | "SVC" | "BRK" => return None,
            // The counter, identification registers and the thread pointer, which `save` uses, differ by design.
            "MRS" => put(
                5,
                15,
                [NZCV_NAME, FPCR_NAME, FPSR_NAME][rng.usize(..3)] >> 5 | 0x5800,
            ),
            // `load` writes FPCR and FPSR for every case. FPSR with bits 31:28 set would differ: they are RES0 on a CPU without
            // AArch32, but qemu-user keeps them.
            "MSR (register)" => put(5, 15, NZCV_NAME >> 5 | 0x5800),
            // WFE and WFI may wait, YIELD gives up the processor.
            "HINT" => put(5, 7, rng.u32(32..)),
            "B" | "BL" => put(0, 26, skip),
            "B.cond" | "CBZ" | "CBNZ" => put(5, 19, skip),
            "TBZ" | "TBNZ" => put(5, 14, skip),
            // What it loads are the words that follow below.
            name if name.contains("literal") => put(5, 19, 1),
            // XZR: address 0.
            "BR" | "BLR" | "RET" => put(5, 5, rng.u32(..31)),
            name if name.starts_with("DC ") || name.starts_with("IC ") => put(0, 5, rng.u32(..31)),
            // Should-be-one fields.
            "LDXR, LDAXR" | "LDAR" | "STLR" => {
                put(16, 5, 31);
                put(10, 5, 31);
            }
            "LDXP, LDAXP" => put(16, 5, 31),
            "STXR, STLXR" => put(10, 5, 31),
            _ => {}
        }
        let i = Insn(word);
        let loads_pair = row.pattern.contains("Rt2:5") && row.name.starts_with("LD");
        let both_written = loads_pair && !row.pattern.contains("o0") || row.name == "LDXP, LDAXP";
        if both_written && i.rt() == i.rt2() {
            return None;
        }
        // CONSTRAINED UNPREDICTABLE: write-back over a register that is loaded or stored, status over data or address.
        if row.name.contains("-index") && i.rn() != 31 && (i.rn() == i.rt() || i.rn() == i.rt2()) {
            return None;
        }
        if row.name.starts_with("STX")
            && (i.rs() == i.rn() || i.rs() == i.rt() || i.rs() == i.rt2())
        {
            return None;
        }
        if row.name == "STXP, STLXP" || row.name == "STXR, STLXR" {
            // Mostly after the load that arms the monitor.
            if rng.u32(..4) > 0 && i.rt() != i.rn() && i.rt2() != i.rn() {
                let load = word & !(0x1f << 16) | 0x1f << 16 | 1 << 22;
                let pair_same = row.name == "STXP, STLXP" && i.rt() == i.rt2();
                if !pair_same {
                    return Some(vec![load, word]);
                }
            }
        }
        if row.name.contains("literal") {
            const MOVZ_XZR: u32 = 0xd280_001f;
            let data = std::iter::repeat_with(|| MOVZ_XZR | u32::from(rng.u16(..)) << 5);
            return Some(std::iter::once(word).chain(data.take(4)).collect());
        }
        let branches = [
            "B", "BL", "B.cond", "CBZ", "CBNZ", "TBZ", "TBNZ", "BR", "BLR", "RET",
        ];
        if branches.contains(&row.name) {
            return Some(vec![word, ADD_X16_1]);
        }
        Some(vec![word])
    }

    fn random_value(&self, register: usize, rng: &mut Rng) -> u128 {
        match register {
            0..=31 => {
                let bits = if rng.bool() { 64 } else { 32 };
                values::integer(bits, rng).into()
            }
            CPSR => u128::from(rng.u32(..16)) << 28,
            FPCR => {
                let round = rng.u32(..4) << 22;
                let modes = if rng.u32(..3) == 0 {
                    rng.u32(..8) << 24
                } else {
                    0
                };
                (round | modes).into()
            }
            FPSR if rng.u32(..4) == 0 => (rng.u32(..) & 0x0800_009f).into(),
            FPSR => 0,
            _ => values::vector(rng),
        }
    }

    fn address_use(&self, word: u32) -> AddressUse {
        let Some(row) = rows().iter().find(|r| r.matches(word)) else {
            return AddressUse::No;
        };
        let i = Insn(word);
        let base = i.rn() as usize;
        if matches!(row.name, "BR" | "BLR" | "RET") {
            return if base == 31 {
                AddressUse::No
            } else {
                AddressUse::Jump(base)
            };
        }
        if row.name.starts_with("DC") || row.name.starts_with("IC") {
            let base = i.rt() as usize;
            return if base == 31 {
                AddressUse::No
            } else {
                AddressUse::Memory(base)
            };
        }
        let loads_and_stores = word >> 27 & 1 == 1 && word >> 25 & 1 == 0;
        let prefetch = row.name.starts_with("PRF");
        if loads_and_stores && !prefetch && !row.name.contains("literal") {
            return AddressUse::Memory(if base == 31 { SP } else { base });
        }
        AddressUse::No
    }

    fn address_registers(&self, word: u32) -> Vec<usize> {
        let i = Insn(word);
        let name = rows()
            .iter()
            .find(|r| r.matches(word))
            .map_or("", |r| r.name);
        let all = if name.starts_with("DC ") || name.starts_with("IC ") {
            vec![i.rt()]
        } else if name.contains("register offset") {
            vec![i.rn(), i.rm()]
        } else {
            vec![i.rn()]
        };
        all.into_iter().map(|n| n as usize).collect()
    }

    fn operands(&self, word: u32) -> Vec<usize> {
        let i = Insn(word);
        let (m, n, a, d) = (
            i.rm() as usize,
            i.rn() as usize,
            i.ra() as usize,
            i.rd() as usize,
        );
        // Vector lists and register pairs go on from the first.
        let lists = [d, n, m]
            .into_iter()
            .flat_map(|r| (0..4).map(move |k| (r + k) & 31));
        let all: Vec<usize> = lists.chain([a, 16]).collect();
        let vectors = all.iter().map(|r| V0 + r).collect();
        [all, vectors, vec![CPSR, FPCR, FPSR]].concat()
    }

    fn writes(&self, word: u32) -> Vec<usize> {
        let i = Insn(word);
        let mut all = vec![i.rd(), i.rm(), (i.rs() + 1) & 31, i.rt2()];
        let row = rows().iter().find(|r| r.matches(word));
        if row.is_none_or(|row| row.name.contains("-index")) {
            all.push(i.rn());
        }
        if matches!(row.map(|row| row.name), Some("BL" | "BLR")) {
            all.push(30);
        }
        all.into_iter().map(|n| n as usize).collect()
    }

    fn explain(&self, words: &[u32], register: &str) -> Option<&'static str> {
        // The status register differs, and memory, which the one has written and the other has not.
        let status = |word: u32| format!("x{}", Insn(word).rs());
        let store = store_of_another_size(words)?;
        (register == "memory" || register == status(store))
            .then_some("store-exclusive of another size than the load-exclusive: CONSTRAINED UNPREDICTABLE (the manual's restrictions on the use of exclusives)")
    }
}

/// The first store-exclusive whose size is not that of the load-exclusive before it.
fn store_of_another_size(words: &[u32]) -> Option<u32> {
    let mut armed = None;
    for &word in words {
        let pair = word >> 21 & 1;
        // "Load/store exclusive"; with size 0 or 1 a pair is compared and swapped.
        if word & 0x3f80_0000 != 0x0800_0000 || pair == 1 && word >> 31 == 0 {
            continue;
        }
        let size = (word >> 30) + pair;
        let load = word >> 22 & 1 == 1;
        match (load, armed.take()) {
            (true, _) => armed = Some(size),
            (false, Some(loaded)) if loaded != size => return Some(word),
            _ => {}
        }
    }
    None
}

#[test]
fn exclusives_of_different_sizes_are_found() {
    // ldxp w7, w21, [x23]; stur; stxr w21, w3, [x30]
    assert_eq!(
        store_of_another_size(&[0x887f_56e7, 0xb81e_51a7, 0x8815_7cc3]),
        Some(0x8815_7cc3)
    );
    // ldxr w0, [x1]; stxr w2, w0, [x1]; and with casp between ldxr x0 and stxr x0.
    assert_eq!(store_of_another_size(&[0x885f_7c20, 0x8802_7c20]), None);
    assert_eq!(
        store_of_another_size(&[0xc85f_7c20, 0x0820_7c82, 0xc802_7c20]),
        None
    );
}

/// The file of a row's vectors.
pub fn vector_file(row: &'static str) -> &'static str {
    let pattern = rows().iter().find(|r| r.name == row).map_or(0, |r| r.value);
    match pattern >> 25 & 15 {
        0b1000 | 0b1001 => "dp_imm",
        0b1010 | 0b1011 => "branch_sys",
        0b0101 | 0b1101 => "dp_reg",
        0b0100 | 0b0110 | 0b1100 | 0b1110 if pattern >> 26 & 1 == 0 => "ldst",
        0b0110 => "ldst_simd",
        0b1110 => "ldst_fp",
        0b1111 if pattern >> 28 & 0b1101 == 1 => "fp",
        _ => "simd",
    }
}
