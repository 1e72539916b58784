//! Decoding: rows of bit patterns, and a two-level index that finds the row of an instruction word.

use std::sync::OnceLock;

use super::TABLES;
use super::translate::Translator;
use crate::isa::Flow;
use crate::isa::index::{self, Index, Key};

/// A feature of the architecture that a row belongs to; what the guest is told of comes from [`super::features`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Arm's names, without "FEAT_".
pub enum Feature {
    Base,
    Fp,
    AdvSimd,
    Crc32,
    Lse,
    Lrcpc,
    Aes,
    Pmull,
    Sha1,
    Sha256,
}

impl Feature {
    /// Arm's name of the feature.
    pub fn name(self) -> &'static str {
        match self {
            Feature::Base => "Armv8.0-A",
            Feature::Fp => "FEAT_FP",
            Feature::AdvSimd => "FEAT_AdvSIMD",
            Feature::Crc32 => "FEAT_CRC32",
            Feature::Lse => "FEAT_LSE",
            Feature::Lrcpc => "FEAT_LRCPC",
            Feature::Aes => "FEAT_AES",
            Feature::Pmull => "FEAT_PMULL",
            Feature::Sha1 => "FEAT_SHA1",
            Feature::Sha256 => "FEAT_SHA256",
        }
    }
}

/// An instruction word. The accessors have the names that the manual gives the fields, which sit at the same place in every
/// encoding that has them (a test holds the patterns of all rows to that).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn(pub u32);

#[allow(missing_docs)]
impl Insn {
    /// Bits `[lsb, lsb + width)`.
    #[inline]
    pub fn bits(self, lsb: u32, width: u32) -> u32 {
        self.0 >> lsb & ((1 << width) - 1)
    }

    /// Bits `[lsb, lsb + width)`, sign-extended.
    #[inline]
    pub fn signed(self, lsb: u32, width: u32) -> i64 {
        i64::from((self.0 << (32 - lsb - width)) as i32 >> (32 - width))
    }

    /// One bit.
    #[inline]
    pub fn bit(self, n: u32) -> bool {
        self.0 >> n & 1 != 0
    }

    pub fn rd(self) -> u32 {
        self.bits(0, 5)
    }

    pub fn rt(self) -> u32 {
        self.bits(0, 5)
    }

    pub fn rn(self) -> u32 {
        self.bits(5, 5)
    }

    pub fn rm(self) -> u32 {
        self.bits(16, 5)
    }

    pub fn rs(self) -> u32 {
        self.bits(16, 5)
    }

    pub fn ra(self) -> u32 {
        self.bits(10, 5)
    }

    pub fn rt2(self) -> u32 {
        self.bits(10, 5)
    }

    /// 64-bit variant of an integer instruction.
    pub fn sf(self) -> bool {
        self.bit(31)
    }

    /// 128-bit variant of a vector instruction.
    pub fn q(self) -> bool {
        self.bit(30)
    }
}

/// Translates one instruction, or returns `None` when the encoding is unallocated (reserved field values): whatever was
/// written is then dropped and the guest gets an illegal instruction.
pub type TranslateFn = fn(&mut Translator<'_, '_>, Insn) -> Option<Flow>;

/// One documented encoding.
#[derive(Clone, Copy)]
pub struct Row {
    /// The manual's name of the instruction, with the variant in parentheses.
    pub name: &'static str,
    /// What it belongs to.
    pub feature: Feature,
    /// The encoding, bit 31 first: runs of `0` and `1`, and fields `name`, `name:width` or `name:width!=bits`.
    pub pattern: &'static str,
    /// Bits that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// Excluded values: the row does not match when `word & except_mask == except_value`, unless the mask is 0.
    pub except_mask: u32,
    /// See `except_mask`.
    pub except_value: u32,
    /// Its semantics.
    pub translate: TranslateFn,
}

impl Row {
    /// Whether the word is this row's.
    #[inline]
    pub fn matches(&self, word: u32) -> bool {
        word & self.mask == self.value
            && (self.except_mask == 0 || word & self.except_mask != self.except_value)
    }
}

/// Builds a row; a malformed pattern fails the build when the row is a constant, as all are.
pub const fn row(
    name: &'static str,
    feature: Feature,
    pattern: &'static str,
    translate: TranslateFn,
) -> Row {
    let p = pattern.as_bytes();
    let mut r = Row {
        name,
        feature,
        pattern,
        mask: 0,
        value: 0,
        except_mask: 0,
        except_value: 0,
        translate,
    };
    let mut at = 32; // The next token ends below this bit.
    let mut i = 0;
    while i < p.len() {
        if p[i] == b' ' {
            i += 1;
        } else if p[i] == b'0' || p[i] == b'1' {
            at -= 1;
            r.mask |= 1 << at;
            r.value |= ((p[i] - b'0') as u32) << at;
            i += 1;
        } else {
            while i < p.len() && p[i] != b' ' && p[i] != b':' {
                i += 1;
            }
            let mut width = 1;
            if i < p.len() && p[i] == b':' {
                i += 1;
                width = 0;
                while i < p.len() && p[i].is_ascii_digit() {
                    width = width * 10 + (p[i] - b'0') as u32;
                    i += 1;
                }
            }
            at -= width;
            if i < p.len() && p[i] == b'!' {
                assert!(p[i + 1] == b'=');
                i += 2;
                let mut n = width;
                while i < p.len() && p[i] != b' ' {
                    n -= 1;
                    r.except_mask |= 1 << (at + n);
                    r.except_value |= ((p[i] - b'0') as u32) << (at + n);
                    i += 1;
                }
                assert!(n == 0, "the excluded value has not the field's width");
            }
        }
    }
    assert!(at == 0, "the pattern has not 32 bits");
    r
}

/// Finds rows. Words are looked up by their top eleven bits; where more than a few rows share those, by bits 15:10 next.
pub struct Decoder {
    /// For a key of the first level with many rows: its number here, else 0.
    split: [u16; KEY.count()],
    /// Made on first use: a program sees few of them.
    second: [OnceLock<Second>; SPLITS],
}

const MAX_SCAN: usize = 3;

const KEY: Key = Key {
    high: (21, 11),
    low: (0, 0),
};

const ROW_COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < TABLES.len() {
        let mut table = 0;
        while table < TABLES[group].len() {
            count += TABLES[group][table].len();
            table += 1;
        }
        group += 1;
    }
    count
};

static ROWS: [&Row; ROW_COUNT] = {
    let mut rows = [&TABLES[0][0][0]; ROW_COUNT];
    let (mut count, mut group) = (0, 0);
    while group < TABLES.len() {
        let mut table = 0;
        while table < TABLES[group].len() {
            let mut n = 0;
            while n < TABLES[group][table].len() {
                rows[count] = &TABLES[group][table][n];
                count += 1;
                n += 1;
            }
            table += 1;
        }
        group += 1;
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

static FIRST: Index<{ KEY.count() }, { index::entries(&PATTERNS, KEY) }> =
    Index::new(&PATTERNS, KEY);

/// One more than the number of keys with many rows.
const SPLITS: usize = {
    let (mut count, mut key) = (1, 0);
    while key < KEY.count() {
        if FIRST.count(key) > MAX_SCAN {
            count += 1;
        }
        key += 1;
    }
    count
};

/// The rows of one key by bits 15:10 of the word.
struct Second {
    /// Ends of the lists in `rows`.
    ends: [u16; 64],
    rows: Vec<u16>,
}

impl Second {
    fn new(numbers: &[u16]) -> Second {
        // The fixed bits of each row, and the others.
        let fields = numbers.iter().map(|n| {
            let row = ROWS[usize::from(*n)];
            let free = !(row.mask >> 10) & 63;
            (*n, (row.value >> 10 & !free & 63) as usize, free as usize)
        });
        let mut ends = [0; 64];
        for (_, fixed, free) in fields.clone() {
            for_each_subset(free, |subset| ends[fixed | subset] += 1);
        }
        let mut end = 0;
        for list in &mut ends {
            // Where the list starts, for now.
            end += std::mem::replace(list, end);
        }
        let mut rows = vec![0; end.into()];
        for (n, fixed, free) in fields {
            for_each_subset(free, |subset| {
                let at = &mut ends[fixed | subset];
                rows[usize::from(*at)] = n;
                *at += 1;
            });
        }
        Second { ends, rows }
    }

    fn rows(&self, bits: usize) -> &[u16] {
        let start = if bits == 0 { 0 } else { self.ends[bits - 1] };
        &self.rows[start.into()..self.ends[bits].into()]
    }
}

/// Calls `f` with every subset of the bits `all`.
#[inline(always)]
fn for_each_subset(all: usize, mut f: impl FnMut(usize)) {
    let mut subset = all;
    loop {
        f(subset);
        if subset == 0 {
            return;
        }
        subset = (subset - 1) & all;
    }
}

impl Decoder {
    /// The decoder over all tables.
    pub(super) const fn over_tables() -> Decoder {
        let mut split = [0; KEY.count()];
        let (mut count, mut key) = (0, 0);
        while key < KEY.count() {
            if FIRST.count(key) > MAX_SCAN {
                count += 1;
                split[key] = count;
            }
            key += 1;
        }
        Decoder {
            split,
            second: [const { OnceLock::new() }; SPLITS],
        }
    }

    /// The row of `word`.
    #[inline]
    pub fn find(&self, word: u32) -> Option<&'static Row> {
        let key = KEY.of(word);
        let mut list = FIRST.rows(key);
        let split = self.split[key];
        if split != 0 {
            list = self.second[usize::from(split)]
                .get_or_init(|| Second::new(list))
                .rows((word >> 10 & 63) as usize);
        }
        list.iter()
            .map(|&n| ROWS[usize::from(n)])
            .find(|row| row.matches(word))
    }

    /// All rows.
    pub fn rows(&self) -> &'static [&'static Row] {
        &ROWS
    }
}
