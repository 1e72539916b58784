//! Decoding: rows of bit patterns, and a decision tree that finds the row of an instruction word.

use super::translate::Translator;
use super::translate::{Done, Refusal};

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

/// A node of the decision tree.
#[derive(Clone, Copy)]
enum Node {
    /// The children are `nodes[first..]`, chosen by the bits of the word from `lsb` under `mask`.
    Split { lsb: u8, mask: u8, first: u16 },
    /// The candidates are `lists[first..][..len]`.
    Leaf { first: u16, len: u16 },
}

/// Finds rows.
pub struct Decoder {
    rows: Vec<&'static Row>,
    nodes: Vec<Node>,
    lists: Vec<u16>,
}

/// Fields by which the opcode tables of the manual (volume II-A, appendix A) are laid out: opcode, rs or fmt, rt, function.
const FIELDS: [(u8, u8); 4] = [(26, 6), (21, 5), (16, 5), (0, 6)];

/// Rows that are tried in turn rather than told apart by another field.
const LEAF_ROWS: usize = 4;

impl Decoder {
    /// The decision tree over `tables`.
    pub fn new(tables: &[&'static [Row]]) -> Decoder {
        let rows: Vec<&'static Row> = tables.iter().flat_map(|t| t.iter()).collect();
        let all: Vec<u16> = (0..rows.len() as u16).collect();
        let mut d = Decoder {
            rows,
            nodes: vec![Node::Leaf { first: 0, len: 0 }],
            lists: Vec::new(),
        };
        d.grow(0, &all);
        d
    }

    /// Makes node `at` decide between `rows`: by the field that leaves the fewest rows together, while one helps.
    fn grow(&mut self, at: usize, rows: &[u16]) {
        // A few rows are as fast to try in turn, and splitting further would make most of the start-up time.
        let best = if rows.len() <= LEAF_ROWS {
            None
        } else {
            FIELDS
                .iter()
                .min_by_key(|&&(lsb, width)| self.largest_part(rows, lsb, width))
                .map(|&(lsb, width)| (lsb, self.distribute(rows, lsb, width)))
        };
        match best {
            Some((lsb, parts)) if parts.iter().all(|part| part.len() < rows.len()) => {
                let first = self.nodes.len();
                self.nodes[at] = Node::Split {
                    lsb,
                    mask: (parts.len() - 1) as u8,
                    first: first as u16,
                };
                self.nodes
                    .resize(first + parts.len(), Node::Leaf { first: 0, len: 0 });
                for (i, part) in parts.iter().enumerate() {
                    self.grow(first + i, part);
                }
            }
            _ => {
                self.nodes[at] = Node::Leaf {
                    first: self.lists.len() as u16,
                    len: rows.len() as u16,
                };
                self.lists.extend_from_slice(rows);
            }
        }
    }

    /// Length of the longest list that [`Decoder::distribute`] makes.
    fn largest_part(&self, rows: &[u16], lsb: u8, width: u8) -> usize {
        let field = (1 << width) - 1;
        let (mut anywhere, mut counts) = (0, [0; 64]);
        for row in rows.iter().map(|n| self.rows[*n as usize]) {
            match row.mask >> lsb & field {
                mask if mask == field => counts[(row.value >> lsb & field) as usize] += 1,
                0 => anywhere += 1,
                mask => {
                    for (bits, count) in counts.iter_mut().enumerate().take(1 << width) {
                        *count += usize::from((row.value >> lsb ^ bits as u32) & mask == 0);
                    }
                }
            }
        }
        anywhere + counts.into_iter().max().unwrap_or(0)
    }

    /// Sorts rows by the values that bits `[lsb, lsb + width)` of their words can have.
    fn distribute(&self, rows: &[u16], lsb: u8, width: u8) -> Vec<Vec<u16>> {
        (0..1u32 << width)
            .map(|bits| {
                rows.iter()
                    .copied()
                    .filter(|n| {
                        let row = self.rows[*n as usize];
                        (row.value ^ bits << lsb) & row.mask & ((1 << width) - 1) << lsb == 0
                    })
                    .collect()
            })
            .collect()
    }

    /// The row of `word`.
    #[inline]
    pub fn find(&self, word: u32) -> Option<&'static Row> {
        let mut node = self.nodes[0];
        while let Node::Split { lsb, mask, first } = node {
            node = self.nodes[first as usize + (word >> lsb & u32::from(mask)) as usize];
        }
        let Node::Leaf { first, len } = node else {
            return None;
        };
        self.lists[first as usize..][..len as usize]
            .iter()
            .map(|&n| self.rows[n as usize])
            .find(|row| row.matches(word))
    }

    /// All rows.
    pub fn rows(&self) -> &[&'static Row] {
        &self.rows
    }
}
