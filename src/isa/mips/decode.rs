//! Decoding: rows of bit patterns, and an index that finds the row of an instruction word.

use super::TABLES;
use super::translate::Translator;
use super::translate::{Done, Refusal};
use crate::isa::index::{self, Index, Key};

/// An instruction word. The accessors have the manual's names of the fields, which sit at the same place in every encoding
/// that has them (a test holds the patterns of all rows to that).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn(pub u32);

#[allow(missing_docs)]
impl Insn {
    /// Bits `[lsb, lsb + width)`.
    #[inline]
    pub fn bits(self, lsb: u32, width: u32) -> u32 {
        self.0 >> lsb & ((1 << width) - 1)
    }

    pub fn rs(self) -> u32 {
        self.bits(21, 5)
    }

    pub fn base(self) -> u32 {
        self.bits(21, 5)
    }

    pub fn rt(self) -> u32 {
        self.bits(16, 5)
    }

    pub fn index(self) -> u32 {
        self.bits(16, 5)
    }

    pub fn rd(self) -> u32 {
        self.bits(11, 5)
    }

    pub fn sa(self) -> u32 {
        self.bits(6, 5)
    }

    /// FP format field.
    pub fn fmt(self) -> u32 {
        self.bits(21, 5)
    }

    pub fn fr(self) -> u32 {
        self.bits(21, 5)
    }

    pub fn ft(self) -> u32 {
        self.bits(16, 5)
    }

    pub fn fs(self) -> u32 {
        self.bits(11, 5)
    }

    pub fn fd(self) -> u32 {
        self.bits(6, 5)
    }

    /// 16-bit immediate, sign-extended.
    pub fn imm(self) -> i64 {
        i64::from(self.0 as i16)
    }

    /// 16-bit immediate, zero-extended.
    pub fn uimm(self) -> u32 {
        self.bits(0, 16)
    }
}

/// Translates one instruction.
pub type TranslateFn = fn(&mut Translator<'_, '_>, Insn) -> Result<Done, Refusal>;

/// One documented encoding.
#[derive(Clone, Copy)]
pub struct Row {
    /// The manual's name of the instruction.
    pub name: &'static str,
    /// The encoding, bit 31 first: runs of `0` and `1`, and fields `name` (one bit) or `name:width`.
    pub pattern: &'static str,
    /// Bits that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// Its semantics.
    pub translate: TranslateFn,
}

impl Row {
    /// Whether the word is this row's.
    #[inline]
    pub fn matches(&self, word: u32) -> bool {
        word & self.mask == self.value
    }

    /// A word of this row: `random` in the fields.
    pub fn encode(&self, random: u32) -> u32 {
        self.value | random & !self.mask
    }

    /// Its fields: name, lowest bit, width.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, u32, u32)> {
        let mut at = 32;
        self.pattern.split_whitespace().filter_map(move |token| {
            if token.starts_with(['0', '1']) {
                at -= token.len() as u32;
                return None;
            }
            let (name, width) = token.split_once(':').unwrap_or((token, "1"));
            let width = width.parse().unwrap_or(1);
            at -= width;
            Some((name, at, width))
        })
    }
}

/// Builds a row; a malformed pattern fails the build, as rows are constants.
pub const fn row(name: &'static str, pattern: &'static str, translate: TranslateFn) -> Row {
    let p = pattern.as_bytes();
    let (mut mask, mut value) = (0, 0);
    let mut at = 32; // The next token ends below this bit.
    let mut i = 0;
    while i < p.len() {
        if p[i] == b' ' {
            i += 1;
        } else if p[i] == b'0' || p[i] == b'1' {
            at -= 1;
            mask |= 1 << at;
            value |= ((p[i] - b'0') as u32) << at;
            i += 1;
        } else {
            let mut width = 1;
            while i < p.len() && p[i] != b' ' {
                if p[i] == b':' {
                    width = 0;
                } else if p[i].is_ascii_digit() && (width == 0 || p[i - 1].is_ascii_digit()) {
                    width = width * 10 + (p[i] - b'0') as u32;
                }
                i += 1;
            }
            at -= width;
        }
    }
    assert!(at == 0, "the pattern has not 32 bits");
    Row {
        name,
        pattern,
        mask,
        value,
        translate,
    }
}

/// Finds rows: by opcode and function, then in turn.
pub struct Decoder;

/// Fields by which the opcode tables of the manual (volume II-A, appendix A) are laid out: opcode and function.
const KEY: Key = Key {
    high: (26, 6),
    low: (0, 6),
};

const ROW_COUNT: usize = {
    let (mut count, mut table) = (0, 0);
    while table < TABLES.len() {
        count += TABLES[table].len();
        table += 1;
    }
    count
};

static ROWS: [&Row; ROW_COUNT] = {
    let mut rows = [&TABLES[0][0]; ROW_COUNT];
    let (mut count, mut table) = (0, 0);
    while table < TABLES.len() {
        let mut n = 0;
        while n < TABLES[table].len() {
            rows[count] = &TABLES[table][n];
            count += 1;
            n += 1;
        }
        table += 1;
    }
    rows
};

const PATTERNS: [(u32, u32); ROW_COUNT] = {
    let mut patterns = [(0, 0); ROW_COUNT];
    let mut n = 0;
    while n < ROW_COUNT {
        patterns[n] = (ROWS[n].mask, ROWS[n].value);
        n += 1;
    }
    patterns
};

static INDEX: Index<{ KEY.count() }, { index::entries(&PATTERNS, KEY) }> =
    Index::new(&PATTERNS, KEY);

impl Decoder {
    /// The row of `word`.
    #[inline]
    pub fn find(&self, word: u32) -> Option<&'static Row> {
        INDEX
            .rows(KEY.of(word))
            .iter()
            .map(|&n| ROWS[usize::from(n)])
            .find(|row| row.matches(word))
    }

    /// All rows.
    pub fn rows(&self) -> &'static [&'static Row] {
        &ROWS
    }
}
