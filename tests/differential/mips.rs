//! MIPS32 under the driver that writes vectors. Long streams, with exceptions and delay slots, are in `differential_mips.rs`.

use super::guest::{AddressUse, Field, Guest};
use super::values;
use crate::vectors::mips_fr1::MipsFr1;
use emu::abi::Endian;
use emu::isa::Isa;
use emu::isa::mips::decode::{Insn, Row};
use emu::isa::mips::{MIPS, MIPSEL, rows};
use fastrand::Rng;

/// MIPS in one byte order, and with FR = 0, as programs start, or FR = 1.
pub struct MipsGuest {
    pub isa: &'static dyn Isa,
    pub fr: bool,
}

pub static BIG: MipsGuest = MipsGuest {
    isa: &MIPS,
    fr: false,
};
pub static LITTLE: MipsGuest = MipsGuest {
    isa: &MIPSEL,
    fr: false,
};
pub static BIG_FR1: MipsGuest = MipsGuest {
    isa: &MipsFr1,
    fr: true,
};

/// Indexes into the register table.
const LO: usize = 33;
const HI: usize = 34;
const F0: usize = 38;
const FCSR: usize = 70;

/// The base of the code that saves registers: instructions leave it alone.
const K1: u32 = 27;

/// Offsets in the state block: r0 to r31, HI, LO, FCSR, then from here f0 to f31.
const HI_OFFSET: u32 = 128;
const LO_OFFSET: u32 = 132;
const FCSR_OFFSET: u32 = 136;
const F_OFFSET: u32 = 144;

fn i_type(op: u32, rs: u32, rt: u32, imm: u32) -> u32 {
    op << 26 | rs << 21 | rt << 16 | imm & 0xffff
}

/// LUI, ORI: rt := a constant.
fn li(rt: u32, value: u64) -> [u32; 2] {
    let value = value as u32;
    [
        i_type(0x0f, 0, rt, value >> 16),
        i_type(0x0d, rt, rt, value),
    ]
}

fn lw(rt: u32, offset: u32, base: u32) -> u32 {
    i_type(0x23, base, rt, offset)
}

fn sw(rt: u32, offset: u32, base: u32) -> u32 {
    i_type(0x2b, base, rt, offset)
}

const LDC1: u32 = 0x35;
const SDC1: u32 = 0x3d;
const MTHI_R1: u32 = 1 << 21 | 0x11;
const MTLO_R1: u32 = 1 << 21 | 0x13;
const MFHI_R1: u32 = 1 << 11 | 0x10;
const MFLO_R1: u32 = 1 << 11 | 0x12;
const CTC1_R1_FCSR: u32 = 0x44c1_f800;
const CFC1_R1_FCSR: u32 = 0x4441_f800;
const AND_R1_R2: u32 = 1 << 21 | 2 << 16 | 1 << 11 | 0x24;
const ADDIU_R1_1: u32 = 0x2421_0001;
const ADDIU_R2_1: u32 = 0x2442_0001;
const SYSCALL: u32 = 0xc;

impl MipsGuest {
    /// The 64-bit FP registers.
    fn f(&self) -> impl Iterator<Item = u32> + use<> {
        (0..32).step_by(if self.fr { 1 } else { 2 })
    }
}

fn row_of(word: u32) -> Option<&'static Row> {
    rows().iter().copied().find(|r| r.matches(word))
}

fn has(row: &Row, field: &str) -> bool {
    row.fields().any(|(name, ..)| name == field)
}

const HINTS: &[&str] = &["PREF", "PREFX", "SYNCI"];

impl Guest for MipsGuest {
    fn isa(&self) -> &'static dyn Isa {
        self.isa
    }

    fn oracle(&self) -> (&'static str, &'static [&'static str]) {
        match self.isa.abi().endian {
            Endian::Big => ("qemu-mips", &["-cpu", "24Kf"]),
            Endian::Little => ("qemu-mipsel", &["-cpu", "24Kf"]),
        }
    }

    fn elf(&self) -> (u16, u32) {
        // MIPS32 release 2, o32
        (8, 0x7000_1001)
    }

    /// PT_MIPS_ABIFLAGS with the FP ABI "double precision", which is FR = 0; QEMU takes FR = 1 without it.
    fn elf_segment(&self) -> Option<(u32, Vec<u8>)> {
        let mut flags = vec![0, 0, 32, 2, 1, 1, 0, 1];
        flags.resize(24, 0);
        (!self.fr).then_some((0x7000_0003, flags))
    }

    fn layout(&self) -> Vec<Field> {
        let field = |register, offset: u32, size: u32| Field {
            register,
            offset: offset as usize,
            size: size as usize,
        };
        let r = (1..32)
            .filter(|n| *n != K1)
            .map(|n| field(n as usize, n * 4, 4));
        let f = self
            .f()
            .map(|n| field(F0 + n as usize, F_OFFSET + n * 8, 8));
        let others = [
            field(HI, HI_OFFSET, 4),
            field(LO, LO_OFFSET, 4),
            field(FCSR, FCSR_OFFSET, 4),
        ];
        r.chain(f).chain(others).collect()
    }

    fn load(&self, addr: u64) -> Vec<u32> {
        let mut code = li(31, addr).to_vec();
        code.extend(self.f().map(|n| i_type(LDC1, 31, n, F_OFFSET + 8 * n)));
        for (offset, insn) in [
            (HI_OFFSET, MTHI_R1),
            (LO_OFFSET, MTLO_R1),
            (FCSR_OFFSET, CTC1_R1_FCSR),
        ] {
            code.extend([lw(1, offset, 31), insn]);
        }
        code.extend((1..32).map(|n| lw(n, 4 * n, 31)));
        code
    }

    fn save(&self, addr: u64) -> Vec<u32> {
        let mut code = li(K1, addr).to_vec();
        code.extend((1..32).map(|n| sw(n, 4 * n, K1)));
        // Without Cause, which belongs to the last operation only.
        code.push(CFC1_R1_FCSR);
        code.extend(li(2, !0x3_f000));
        code.extend([AND_R1_R2, sw(1, FCSR_OFFSET, K1)]);
        code.extend([MFHI_R1, sw(1, HI_OFFSET, K1)]);
        code.extend([MFLO_R1, sw(1, LO_OFFSET, K1)]);
        code.extend(self.f().map(|n| i_type(SDC1, K1, n, F_OFFSET + 8 * n)));
        code
    }

    fn finish(&self, addr: u64, len: u64) -> Vec<u32> {
        let mut code = Vec::new();
        for (register, value) in [(4, 1), (5, addr), (6, len), (2, 4004)] {
            code.extend(li(register, value));
        }
        code.push(SYSCALL);
        code.extend(li(4, 0));
        code.extend(li(2, 4001));
        code.push(SYSCALL);
        code
    }

    fn nop(&self) -> u32 {
        0
    }

    fn rows(&self) -> Vec<&'static str> {
        rows().iter().map(|r| r.name).collect()
    }

    fn random(&self, row: usize, rng: &mut Rng) -> Option<Vec<u32>> {
        let row = rows()[row];
        // The others are the same with FR = 0.
        if self.fr && vector_file(row.name) != "fpu" {
            return None;
        }
        let mut word = row.encode(rng.u32(..));
        let put = |word: u32, lsb: u32, value: u32| word & !(31 << lsb) | value << lsb;
        let i = Insn(word);
        let uses_k1 = [
            ("rs", i.rs()),
            ("base", i.base()),
            ("rt", i.rt()),
            ("index", i.index()),
            ("rd", i.rd()),
        ];
        if uses_k1.iter().any(|(field, n)| *n == K1 && has(row, field)) {
            return None;
        }
        let rt = i.rt();
        match row.name {
            // The target is absolute; SYSCALL and BREAK end a block.
            "J" | "JAL" | "SYSCALL" | "BREAK" => return None,
            "RDHWR" => word = put(word, 11, [1, 29][rng.usize(..2)]),
            "CFC1" => word = put(word, 11, [25, 26, 28, 31][rng.usize(..4)]),
            // ANDI before it: QEMU ignores values with reserved bits, and no exception is to be enabled.
            "CTC1" => {
                let (register, mask) = [(25, 0xff), (26, 0x7c), (28, 3), (31, 3)][rng.usize(..4)];
                return Some(vec![i_type(0x0c, rt, rt, mask), put(word, 11, register)]);
            }
            // Mostly after the load that arms the monitor.
            "SC" => {
                // The driver looks for the access at the base alone.
                word &= !0xffff;
                if rng.u32(..4) > 0 && rt != i.base() {
                    return Some(vec![word & !(0x3f << 26) | 0x30 << 26, word]);
                }
            }
            // Or they trap.
            "TNE" => word = put(word, 16, i.rs()),
            "TNEI" => {
                return (i.rs() != 0).then(|| vec![i_type(0x09, 0, i.rs(), i.uimm()), word]);
            }
            "JALR" if i.rd() == i.rs() => return None,
            _ => {}
        }
        if matches!(row.name, "JR" | "JALR") {
            // Of the hints, QEMU knows none and the hazard barrier.
            word &= !(0xf << 6);
            return Some(vec![word, ADDIU_R1_1]);
        }
        let is_branch = has(row, "offset") && !has(row, "base");
        if is_branch {
            // A link register that is tested is UNPREDICTABLE.
            if row.name.contains("AL") && i.rs() == 31 {
                return None;
            }
            // Over the next instruction after the slot or not; both show whether they were executed.
            word = word & !0xffff | rng.u32(1..=2);
            return Some(vec![word, ADDIU_R1_1, ADDIU_R2_1]);
        }
        Some(vec![word])
    }

    fn random_value(&self, register: usize, rng: &mut Rng) -> u128 {
        // No NaNs: QEMU makes other ones of them (see `differential_mips.rs`).
        let single = |rng: &mut Rng| loop {
            let bits = values::float(8, 23, rng) as u32;
            if !f32::from_bits(bits).is_nan() {
                return bits;
            }
        };
        match register {
            // Rounding mode and condition codes.
            FCSR => (rng.u32(..) & 0xfe80_0003).into(),
            F0..FCSR if rng.bool() => loop {
                let bits = values::float(11, 52, rng);
                // Nor in the singles that it is made of, of which the upper one has no number with FR = 1.
                let upper = if self.fr { 0 } else { bits >> 32 };
                let singles = [bits as u32, upper as u32].map(f32::from_bits);
                if !f64::from_bits(bits).is_nan() && !singles.iter().any(|x| x.is_nan()) {
                    return bits.into();
                }
            },
            F0..FCSR => u128::from(single(rng)) << 32 | u128::from(single(rng)),
            _ => values::integer(32, rng).into(),
        }
    }

    fn address_use(&self, word: u32) -> AddressUse {
        let Some(row) = row_of(word) else {
            return AddressUse::No;
        };
        let base = Insn(word).base() as usize;
        if matches!(row.name, "JR" | "JALR") {
            return AddressUse::Jump(base);
        }
        if has(row, "base") && !HINTS.contains(&row.name) {
            return AddressUse::Memory(base);
        }
        AddressUse::No
    }

    fn address_registers(&self, word: u32) -> Vec<usize> {
        let i = Insn(word);
        let mut all = vec![i.base() as usize];
        if row_of(word).is_some_and(|row| has(row, "index")) {
            all.push(i.index() as usize);
        }
        all
    }

    /// qemu-user does not fix up misaligned accesses, as Linux does.
    fn alignment(&self, word: u32) -> u64 {
        match row_of(word).map_or("", |row| row.name) {
            "LB" | "LBU" | "SB" | "SWL" | "SWR" => 1,
            "LH" | "LHU" | "SH" => 2,
            name if name.contains('D') || name.contains('U') => 8,
            _ => 4,
        }
    }

    fn operands(&self, word: u32) -> Vec<usize> {
        let i = Insn(word);
        let r = [i.rs(), i.rt(), i.rd(), 1, 2, 31];
        let f = [i.fr(), i.ft(), i.fs(), i.fd()];
        // With FR = 0 an odd register is part of the even one below.
        let f = f.into_iter().map(|n| if self.fr { n } else { n & !1 });
        let r = r.into_iter().map(|n| n as usize);
        r.chain(f.map(|n| F0 + n as usize))
            .chain([HI, LO, FCSR])
            .collect()
    }

    fn writes(&self, word: u32) -> Vec<usize> {
        let i = Insn(word);
        vec![i.rt() as usize, i.rd() as usize, 31]
    }

    fn explain(&self, _: &[u32], _: &str) -> Option<&'static str> {
        None
    }
}

/// The file of a row's vectors.
pub fn vector_file(row: &'static str) -> &'static str {
    let Some(row) = rows().iter().find(|r| r.name == row) else {
        return "other";
    };
    match row.value >> 26 {
        0x11 | 0x13 | 0x31 | 0x35 | 0x39 | 0x3d => "fpu",
        0x20.. => "ldst",
        _ if has(row, "offset") || row.name.starts_with(['J', 'T']) => "branch",
        _ => "alu",
    }
}
