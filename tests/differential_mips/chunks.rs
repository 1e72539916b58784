//! The chunks of a stream: random instructions, and sequences that make sense only together.

use super::program::{GP, INDEX, SP, Stream, asm};
use emu::ir::{Block, BlockKey, OpCode, Trap};
use emu::isa::mips::decode::Row;
use emu::isa::mips::{MIPSEL, mode, rows};
use emu::isa::{CodeSource, FetchFault, Limits, translate_block};
use fastrand::Rng;

impl Stream {
    /// Instructions of one chunk: straight, or with branches forward.
    pub fn emit_chunk(&mut self, rng: &mut Rng) {
        let branchy = rng.u8(..3) == 0;
        for _ in 0..8 {
            if branchy {
                // An earlier branch may go up to two instructions past its slot, but not into one of the sequences below.
                self.text.extend([asm::NOP; 2]);
            }
            match rng.u8(..20) {
                0..6 if branchy => self.emit_branch(rng),
                6 => self.emit_ll_sc(rng),
                7 => self.emit_ctc1(rng),
                8 => self.text.push(unassigned(rng)),
                // In QEMU they leave Cause alone.
                9 if !self.config.fp_traps => self.emit_sign_operation(rng),
                _ => {
                    let word = self.random(rng);
                    self.text.push(word);
                    if !branchy && is_fp_operation(word, self.config.fr) && rng.bool() {
                        self.text
                            .push(asm::cfc1(free(rng), [26, 31][rng.usize(..2)]));
                    }
                }
            }
        }
        // Branches may go this far.
        self.text.extend([asm::NOP; 2]);
    }

    /// A write of an FP control register; bits that it does not have are zero. Enabling an exception that is in Cause traps, so FENR is
    /// left alone in streams for exceptions: the operation may be in another block.
    pub fn emit_ctc1(&mut self, rng: &mut Rng) {
        let r = free(rng);
        let fcsr = self.fcsr(rng);
        let (register, value) = match rng.u8(..4) {
            0 => (25, rng.u32(..256)),
            1 => (26, fcsr & 0x7c),
            2 if !self.config.fp_traps => (28, fcsr & 0xf83),
            _ => (31, fcsr),
        };
        self.text.extend(asm::li(r, value));
        self.text.push(asm::ctc1(r, register));
    }

    /// ABS or NEG of a number.
    pub fn emit_sign_operation(&mut self, rng: &mut Rng) {
        let (double, negate) = (rng.bool(), rng.bool());
        let bits = loop {
            let bits = fp_bits(rng);
            let is_nan = if double {
                f64::from_bits(bits).is_nan()
            } else {
                f32::from_bits(bits as u32).is_nan()
            };
            if !is_nan {
                break bits;
            }
        };
        let even = if self.config.fr { 31 } else { 30 };
        let (r, fs, fd) = (free(rng), rng.u32(..32) & even, rng.u32(..32) & even);
        self.text.extend(asm::li(r, bits as u32));
        self.text.push(row_named("MTC1").value | r << 16 | fs << 11);
        if double {
            self.text.extend(asm::li(r, (bits >> 32) as u32));
            self.text
                .push(row_named("MTHC1").value | r << 16 | fs << 11);
        }
        let name = match (double, negate) {
            (false, false) => "ABS.S",
            (false, true) => "NEG.S",
            (true, false) => "ABS.D",
            (true, true) => "NEG.D",
        };
        self.text.push(row_named(name).value | fs << 11 | fd << 6);
    }

    pub fn emit_ll_sc(&mut self, rng: &mut Rng) {
        let offset = rng.u32(..) & 0xfffc;
        self.text.push(asm::i(0x30, SP, free(rng), offset));
        let other = if rng.u8(..4) == 0 { 4 } else { 0 };
        let offset = offset.wrapping_add(other);
        self.text.push(asm::i(0x38, SP, free(rng), offset));
    }

    /// A branch or jump a few instructions forward, with a slot that is no branch and does not trap.
    pub fn emit_branch(&mut self, rng: &mut Rng) {
        const BRANCHES: &[&str] = &[
            "J", "JAL", "JR", "JALR", "BEQ", "BNE", "BLEZ", "BGTZ", "BEQL", "BNEL", "BLEZL",
            "BGTZL", "BLTZ", "BGEZ", "BLTZL", "BGEZL", "BLTZAL", "BGEZAL", "BLTZALL", "BGEZALL",
            "BC1F", "BC1T", "BC1FL", "BC1TL",
        ];
        let row = row_named(BRANCHES[rng.usize(..BRANCHES.len())]);
        let distance = rng.u32(1..4);
        let word = match row.name {
            "J" | "JAL" => row.value | (self.here() + 4 + 4 * distance) >> 2 & 0x3ff_ffff,
            "JR" | "JALR" => {
                let r = free(rng);
                let target = self.here() + 12 + 4 * distance;
                self.text.extend(asm::li(r, target));
                let link = if row.name == "JR" {
                    0
                } else {
                    other_than(rng, r)
                };
                row.value | r << 21 | link << 11
            }
            // A link register that is tested is UNPREDICTABLE.
            _ => loop {
                let word = row.encode(rng.u32(..)) & !0xffff | distance;
                if word >> 21 & 31 != 31 || !row.name.contains("AL") {
                    break word;
                }
            },
        };
        self.text.push(word);
        let slot = loop {
            let slot = self.random(rng);
            // FP exceptions and traps in a slot would restart the branch for ever.
            let traps = matches!(name_of(slot), "ADD" | "ADDI" | "SUB" | "BREAK" | "CTC1")
                || name_of(slot).starts_with('T') && !name_of(slot).starts_with("TRUNC")
                || is_reserved(slot, self.config.fr)
                || self.config.fp_traps && matches!(slot >> 26, 0x11 | 0x13);
            if !traps {
                break slot;
            }
        };
        self.text.push(slot);
    }

    /// A random encoding of a random row, with operands that keep the harness alive.
    pub fn random(&self, rng: &mut Rng) -> u32 {
        let all = rows();
        loop {
            let row = all[rng.usize(..all.len())];
            if let Some(word) = self.operands(row, rng) {
                return word;
            }
        }
    }

    pub fn operands(&self, row: &Row, rng: &mut Rng) -> Option<u32> {
        const BRANCH: &[&str] = &["J", "JAL", "JR", "JALR", "SYSCALL", "LL", "SC"];
        let name = row.name;
        if BRANCH.contains(&name) || name.starts_with('B') && name != "BREAK" {
            return None;
        }
        let mut word = row.encode(rng.u32(..));
        let put = |word: u32, lsb: u32, value: u32| word & !(31 << lsb) | value << lsb;
        let has = |field: &str| row.fields().any(|(n, _, _)| n == field);
        if has("base") {
            word = put(word, 21, if rng.bool() { SP } else { GP });
        }
        if has("index") {
            word = put(word, 16, if rng.bool() { INDEX } else { 0 });
        }
        // Every general register of the row may be written.
        for (field, lsb) in [("rt", 16), ("rd", 11)] {
            if has(field) && name != "RDHWR" {
                word = put(word, lsb, if rng.u8(..16) == 0 { 0 } else { free(rng) });
            }
        }
        if has("rs") {
            word = put(word, 21, if rng.u8(..16) == 0 { 0 } else { free(rng) });
        }
        match name {
            "RDHWR" => {
                // CPUNum, CC and CCRes depend on the machine.
                let register = rng.u32(4..32);
                let register = if rng.bool() {
                    [1, 29][rng.usize(..2)]
                } else {
                    register
                };
                word = put(put(word, 16, free(rng)), 11, register);
            }
            "CFC1" => {
                // The ones without Cause, which is read right after an operation only.
                word = put(word, 11, [25, 28][rng.usize(..2)]);
            }
            "CTC1" => return None,
            // qemu-user does not fix up misaligned accesses, as Linux does.
            "LH" | "LHU" | "SH" => word &= !1,
            "LW" | "SW" | "LWC1" | "SWC1" => word &= !3,
            "LDC1" | "SDC1" => word &= !7,
            // qemu-user 7.2 makes SIGTRAP of the codes 6 and 7, too.
            "TGE" | "TGEU" | "TLT" | "TLTU" | "TEQ" | "TNE" | "BREAK" => word |= 8 << 6,
            // qemu-user aborts.
            "SDBBP" => return None,
            // NaNs differ: see `emit_sign_operation`.
            "ABS.S" | "ABS.D" | "NEG.S" | "NEG.D" => return None,
            _ => {}
        }
        // With FR = 0 an odd register of 64 bits is UNPREDICTABLE: reserved here, and for some instructions also in QEMU.
        const UNCHECKED: &[&str] = &[
            "LDC1", "SDC1", "LDXC1", "SDXC1", "MOVZ.D", "MOVN.D", "MOVF.D", "MOVT.D", "MFHC1",
            "MTHC1",
        ];
        if !self.config.fr && name != "CFC1" && (UNCHECKED.contains(&name) || rng.bool()) {
            for (field, lsb, _) in row.fields() {
                if ["fr", "ft", "fs", "fd"].contains(&field) {
                    word &= !(1 << lsb);
                }
            }
        }
        Some(word)
    }
}

/// A word whose opcode, function or format belongs to no row at all.
pub fn unassigned(rng: &mut Rng) -> u32 {
    // Where the opcode's table has its second index (manual, volume II-A, appendix A).
    const TABLES: [(u32, u32); 6] = [(0, 0), (1, 16), (0x1c, 0), (0x1f, 0), (0x11, 0), (0x13, 0)];
    loop {
        let (word, mask) = if rng.u8(..4) == 0 {
            (rng.u32(..), 0xfc00_0000)
        } else {
            let (op, lsb) = TABLES[rng.usize(..TABLES.len())];
            let index = if lsb == 0 { 0x3f } else { 0x1f << lsb };
            (op << 26 | rng.u32(..) >> 6, 0xfc00_0000 | index)
        };
        // `jalx` enters MIPS16e, which the oracle's CPU has; SPECIAL 5 calls a boot monitor in QEMU,
        // which skips the opcode of MDMX, and DSP instructions (SPECIAL3) without a destination.
        let word = if word >> 26 == 0x1f {
            word | 1 << 16 | 1 << 11
        } else {
            word
        };
        let is_assigned = rows().iter().any(|r| (r.value ^ word) & r.mask & mask == 0);
        if !is_assigned && !matches!(word >> 26, 0x1d | 0x1e) && word & 0xfc00_003f != 5 {
            return word;
        }
    }
}

pub const SIGNALS: [u32; 5] = [4, 5, 8, 10, 11];

pub fn row_named(name: &str) -> &'static Row {
    rows().iter().find(|r| r.name == name).expect("a row")
}

pub fn name_of(word: u32) -> &'static str {
    rows()
        .iter()
        .find(|r| r.matches(word))
        .map_or("", |r| r.name)
}

/// Whether the word is an FP operation that sets Cause.
pub fn is_fp_operation(word: u32, fr: bool) -> bool {
    let name = name_of(word);
    matches!(word >> 26, 0x11 | 0x13)
        && [".S", ".D", ".W", ".L"]
            .iter()
            .any(|format| name.ends_with(format))
        && !name.starts_with("MOV")
        && !is_reserved(word, fr)
}

/// Whether the word raises Reserved Instruction or Coprocessor Unusable.
pub fn is_reserved(word: u32, fr: bool) -> bool {
    struct One(u32);
    impl CodeSource for One {
        fn fetch32(&mut self, _: u64) -> Result<u32, FetchFault> {
            Ok(self.0)
        }
        fn fetch16(&mut self, _: u64) -> Result<u16, FetchFault> {
            Err(FetchFault)
        }
    }
    let mut block = Block::default();
    let key = BlockKey {
        pc: 0x1000,
        mode: if fr { mode::FR } else { 0 },
        instrumentation: 0,
    };
    let limits = Limits {
        max_insns: 1,
        is_breakpoint: &|_| false,
        watch: None,
    };
    translate_block(&MIPSEL, &mut One(word), key, &limits, &mut block);
    block
        .ops
        .iter()
        .any(|op| op.code == OpCode::Raise && op.aux == Trap::IllegalInstruction as u16)
}

pub fn free(rng: &mut Rng) -> u32 {
    loop {
        let r = rng.u32(1..32);
        if !(INDEX..=SP).contains(&r) {
            return r;
        }
    }
}

pub fn other_than(rng: &mut Rng, r: u32) -> u32 {
    loop {
        let other = free(rng);
        if other != r {
            return other;
        }
    }
}

pub fn integer(rng: &mut Rng) -> u32 {
    const SPECIAL: [u32; 12] = [
        0,
        1,
        2,
        31,
        32,
        0x7f,
        0x80,
        0x8000,
        0x7fff_ffff,
        0x8000_0000,
        0x8000_0001,
        u32::MAX,
    ];
    match rng.u8(..4) {
        0 => SPECIAL[rng.usize(..SPECIAL.len())],
        1 => rng.u32(..) >> rng.u32(..32),
        _ => rng.u32(..),
    }
}

/// A double, or two singles, or an integer; special values often.
pub fn fp_bits(rng: &mut Rng) -> u64 {
    const DOUBLES: [u64; 20] = [
        0,
        0x3ff0_0000_0000_0000,
        0x3fe0_0000_0000_0000,
        0x7ff0_0000_0000_0000,
        0x7ff0_0000_0000_0001, // quiet, in the legacy encoding
        0x7ff7_ffff_ffff_ffff,
        0x7ff8_0000_0000_0000, // signalling
        0x7ff8_1234_5678_9abc,
        0x7fff_ffff_ffff_ffff,
        0x0000_0000_0000_0001,
        0x000f_ffff_ffff_ffff,
        0x0010_0000_0000_0000,
        0x7fef_ffff_ffff_ffff,
        0x41df_ffff_ffc0_0000, // 2^31 - 1
        0x41df_ffff_ffe0_0000, // 2^31 - 0.5
        0x41e0_0000_0000_0000, // 2^31
        0x43e0_0000_0000_0000, // 2^63
        0x43df_ffff_ffff_ffff,
        0x380f_ffff_ffff_ffff, // rounds to the smallest normal single
        0x36a0_0000_0000_0000, // the smallest denormal single
    ];
    const SINGLES: [u32; 16] = [
        0,
        0x3f80_0000,
        0x3f00_0000,
        0x7f80_0000,
        0x7f80_0001,
        0x7fbf_ffff,
        0x7fc0_0000,
        0x7fff_ffff,
        1,
        0x007f_ffff,
        0x0080_0000,
        0x7f7f_ffff,
        0x4eff_ffff,
        0x4f00_0000,
        0x5f00_0000,
        0x5eff_ffff,
    ];
    let single = |rng: &mut Rng| {
        let sign = rng.u32(..) & 1 << 31;
        sign ^ match rng.u8(..4) {
            0 => SINGLES[rng.usize(..SINGLES.len())],
            1 => (f32::from(rng.i16(..)) / 2.0).to_bits(),
            // Near one, so that sums and products stay in range.
            2 => (rng.u32(..) & 0x00ff_ffff) + 0x3f00_0000,
            _ => rng.u32(..),
        }
    };
    match rng.u8(..8) {
        0..3 => {
            let (low, high) = (single(rng), single(rng));
            u64::from(high) << 32 | u64::from(low)
        }
        3 => rng.u64(..) >> rng.u32(..64),
        4 => (f64::from(rng.i32(..)) / 2.0).to_bits(),
        5 => (rng.u64(..) & 0x001f_ffff_ffff_ffff) + 0x3fe0_0000_0000_0000,
        _ => (rng.u64(..) & 1 << 63) ^ DOUBLES[rng.usize(..DOUBLES.len())],
    }
}
