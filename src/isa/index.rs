//! Which rows of a decode table a word can be, by some of its bits. Made when the emulator is built: making it at the start takes
//! as long as a short guest runs.

/// Two fields of a word, as (lowest bit, width), that together are the key of a bucket.
#[derive(Clone, Copy)]
pub struct Key {
    /// Upper part.
    pub high: (u32, u32),
    /// Lower part.
    pub low: (u32, u32),
}

impl Key {
    /// The key of a word.
    #[inline(always)]
    pub const fn of(self, word: u32) -> usize {
        let high = word >> self.high.0 & ((1 << self.high.1) - 1);
        let low = word >> self.low.0 & ((1 << self.low.1) - 1);
        (high << self.low.1 | low) as usize
    }

    /// Number of different keys.
    pub const fn count(self) -> usize {
        1 << (self.high.1 + self.low.1)
    }

    /// Bits of the key that are free in words with fixed bits `mask`.
    const fn free(self, mask: u32) -> usize {
        self.of(!mask)
    }
}

/// Rows to try: `rows[start..][..len]`.
#[derive(Clone, Copy)]
struct Bucket {
    start: u16,
    len: u16,
}

/// Numbers of rows by key.
pub struct Index<const KEYS: usize, const ENTRIES: usize> {
    buckets: [Bucket; KEYS],
    rows: [u16; ENTRIES],
}

/// How many entries the index over `patterns` (fixed bits, their values) has.
pub const fn entries(patterns: &[(u32, u32)], key: Key) -> usize {
    let (mut count, mut n) = (0, 0);
    while n < patterns.len() {
        count += 1 << key.free(patterns[n].0).count_ones();
        n += 1;
    }
    count
}

impl<const KEYS: usize, const ENTRIES: usize> Index<KEYS, ENTRIES> {
    /// The index over `patterns`, with `ENTRIES` from [`entries`] and `KEYS` from [`Key::count`].
    #[allow(long_running_const_eval)]
    pub const fn new(patterns: &[(u32, u32)], key: Key) -> Self {
        let mut index = Index {
            buckets: [Bucket { start: 0, len: 0 }; KEYS],
            rows: [0; ENTRIES],
        };
        // Twice: count, then fill.
        let mut fill = false;
        loop {
            let mut n = 0;
            while n < patterns.len() {
                let (mask, value) = patterns[n];
                let free = key.free(mask);
                // Every subset of the free bits, in the order of subtraction.
                let mut subset = free;
                loop {
                    let bucket = &mut index.buckets[key.of(value & mask) | subset];
                    if fill {
                        index.rows[(bucket.start + bucket.len) as usize] = n as u16;
                    }
                    bucket.len += 1;
                    if subset == 0 {
                        break;
                    }
                    subset = (subset - 1) & free;
                }
                n += 1;
            }
            if fill {
                return index;
            }
            let (mut start, mut n) = (0, 0);
            while n < KEYS {
                index.buckets[n].start = start;
                start += index.buckets[n].len;
                index.buckets[n].len = 0;
                n += 1;
            }
            fill = true;
        }
    }

    /// Numbers of the rows of that key, in order.
    #[inline(always)]
    pub fn rows(&self, key: usize) -> &[u16] {
        let bucket = self.buckets[key];
        &self.rows[bucket.start.into()..][..bucket.len.into()]
    }

    /// How many rows there are of that key.
    pub const fn count(&self, key: usize) -> usize {
        self.buckets[key].len as usize
    }
}
