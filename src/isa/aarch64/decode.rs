//! Decoding: rows of bit patterns, and a two-level index that finds the row of an instruction word.

use std::sync::OnceLock;

use super::translate::Translator;
use crate::isa::Flow;

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
    rows: Vec<&'static Row>,
    first: Index,
    /// For a bucket of `first` with many rows: its number here, else 0.
    split: Vec<u16>,
    /// Made on first use: a program sees few of them, and waits for nothing else at its start.
    second: Vec<OnceLock<Index>>,
}

const MAX_SCAN: u32 = 3;

/// Rows by the value of some bits of the word.
struct Index {
    buckets: Vec<Bucket>,
    /// Row numbers that buckets name.
    lists: Vec<u16>,
}

/// Rows to try: `lists[start..][..len]`.
#[derive(Clone, Copy, Default)]
struct Bucket {
    start: u16,
    len: u16,
}

impl Index {
    /// Sorts the rows of those numbers by the values that bits `[lsb, lsb + width)` of their words can have.
    fn new(rows: &[&Row], numbers: &[u16], lsb: u32, width: u32) -> Index {
        let all = (1u32 << width) - 1;
        let mut buckets = vec![Bucket::default(); 1 << width];
        for_each_value(rows, numbers, lsb, all, |value, _| buckets[value].len += 1);
        let mut start = 0;
        for bucket in &mut buckets {
            bucket.start = start;
            start += std::mem::take(&mut bucket.len);
        }
        let mut lists = vec![0; start.into()];
        for_each_value(rows, numbers, lsb, all, |value, number| {
            let bucket = &mut buckets[value];
            lists[usize::from(bucket.start + bucket.len)] = number;
            bucket.len += 1;
        });
        Index { buckets, lists }
    }

    #[inline]
    fn list(&self, value: usize) -> &[u16] {
        let bucket = self.buckets[value];
        &self.lists[bucket.start.into()..][..bucket.len.into()]
    }
}

/// Calls `f` with each value that the bits `all << lsb` of a row's words can have, and the row's number.
fn for_each_value(
    rows: &[&Row],
    numbers: &[u16],
    lsb: u32,
    all: u32,
    mut f: impl FnMut(usize, u16),
) {
    for &number in numbers {
        let row = rows[usize::from(number)];
        let free = !(row.mask >> lsb) & all;
        let fixed = row.value >> lsb & all;
        // Every subset of the free bits, in the order of subtraction.
        let mut subset = free;
        loop {
            f((fixed | subset) as usize, number);
            if subset == 0 {
                break;
            }
            subset = (subset - 1) & free;
        }
    }
}

impl Decoder {
    /// The index over `tables`.
    pub fn new(tables: &[&[&'static [Row]]]) -> Decoder {
        let tables = tables.iter().flat_map(|group| group.iter());
        let rows: Vec<&'static Row> = tables.flat_map(|table| table.iter()).collect();
        let numbers: Vec<u16> = (0..rows.len() as u16).collect();
        let first = Index::new(&rows, &numbers, 21, 11);
        let mut second = vec![OnceLock::new()];
        let split = first.buckets.iter().map(|bucket| {
            if u32::from(bucket.len) <= MAX_SCAN {
                return 0;
            }
            second.push(OnceLock::new());
            second.len() as u16 - 1
        });
        let split = split.collect();
        Decoder {
            rows,
            first,
            split,
            second,
        }
    }

    /// The row of `word`.
    #[inline]
    pub fn find(&self, word: u32) -> Option<&'static Row> {
        let value = (word >> 21) as usize;
        let mut list = self.first.list(value);
        let split = self.split[value];
        if split != 0 {
            list = self.second[usize::from(split)]
                .get_or_init(|| Index::new(&self.rows, list, 10, 6))
                .list((word >> 10 & 63) as usize);
        }
        list.iter()
            .map(|&n| self.rows[usize::from(n)])
            .find(|row| row.matches(word))
    }

    /// All rows.
    pub fn rows(&self) -> &[&'static Row] {
        &self.rows
    }
}
