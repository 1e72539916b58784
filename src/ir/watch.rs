//! Watched guest memory: which accesses stop the guest.
//!
//! A [`WatchSet`] is immutable. Blocks that are translated under one carry it in [`Block::watch`](super::Block::watch) and have
//! an [`OpCode::CheckWatch`](super::OpCode::CheckWatch) before each access that could meet it, so other blocks pay nothing.

/// The kind of an access, or the kinds that a range reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access(u8);

impl Access {
    /// Reads.
    pub const READ: Access = Access(1);
    /// Writes.
    pub const WRITE: Access = Access(2);
    /// Both: what an atomic read-modify-write does.
    pub const READ_WRITE: Access = Access(3);

    /// Whether they have a kind in common.
    pub const fn meets(self, other: Access) -> bool {
        self.0 & other.0 != 0
    }

    /// As stored in an op.
    pub const fn bits(self) -> u16 {
        self.0 as u16
    }

    /// From an op.
    pub const fn from_bits(bits: u16) -> Access {
        Access(bits as u8 & 3)
    }
}

/// Bit of a check's kind: of the 4 bytes only those up to the end of the aligned word count.
pub(super) const PART_UP: u16 = 4;

/// Bit of a check's kind: of the 4 bytes only those from the start of the last one's aligned word on count.
pub(super) const PART_DOWN: u16 = 8;

/// The bytes that count of `len` at `addr`: address and number.
pub(super) fn part(kind: u16, addr: u64, len: u64) -> (u64, u64) {
    match kind & (PART_UP | PART_DOWN) {
        PART_UP => (addr, 4 - addr % 4),
        PART_DOWN => {
            let last = addr.wrapping_add(3);
            (last & !3, last % 4 + 1)
        }
        _ => (addr, len),
    }
}

/// Watched bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchRange {
    /// First address.
    pub first: u64,
    /// Last address, which is not below the first.
    pub last: u64,
    /// Which accesses stop.
    pub access: Access,
}

/// An access that meets a watched range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchHit {
    /// The range.
    pub range: WatchRange,
    /// The first watched address that is accessed.
    pub addr: u64,
}

/// Ranges that code tests for one after the other, at most; more are joined with their neighbours for that test.
const MAX_BOUNDS: usize = 4;

/// Ranges that are watched together.
#[derive(Debug)]
pub struct WatchSet {
    /// What tells translations for this set from others ([`super::BlockKey::instrumentation`]); not 0.
    pub id: u32,
    /// By first address.
    ranges: Vec<WatchRange>,
    /// For each range the largest last address up to it.
    reach: Vec<u64>,
    /// Bits of an address that count.
    mask: u64,
    read_bounds: Vec<(u64, u64)>,
    write_bounds: Vec<(u64, u64)>,
    all_bounds: Vec<(u64, u64)>,
}

impl WatchSet {
    /// Those ranges. Of an accessed address the bits in `mask` count.
    pub fn new(id: u32, mut ranges: Vec<WatchRange>, mask: u64) -> WatchSet {
        ranges.sort();
        let reach = ranges
            .iter()
            .scan(0, |reach, r| {
                *reach = r.last.max(*reach);
                Some(*reach)
            })
            .collect();
        WatchSet {
            id,
            read_bounds: bounds(&ranges, Access::READ),
            write_bounds: bounds(&ranges, Access::WRITE),
            all_bounds: bounds(&ranges, Access::READ_WRITE),
            ranges,
            reach,
            mask,
        }
    }

    /// The ranges by first address.
    pub fn ranges(&self) -> &[WatchRange] {
        &self.ranges
    }

    /// A few intervals (first address, last address), ascending and apart, outside of which no access of that kind can meet
    /// a range.
    pub fn bounds(&self, access: Access) -> &[(u64, u64)] {
        match access {
            Access::READ => &self.read_bounds,
            Access::WRITE => &self.write_bounds,
            _ => &self.all_bounds,
        }
    }

    /// What an access of `len` bytes at `addr` meets first.
    #[inline]
    pub fn find(&self, addr: u64, len: u64, access: Access) -> Option<WatchHit> {
        let first = addr & self.mask;
        let last = first.saturating_add(len.checked_sub(1)?);
        // Ranges from here on begin behind the access.
        let end = self.ranges.partition_point(|r| r.first <= last);
        let mut found: Option<WatchHit> = None;
        for (range, reach) in self.ranges[..end].iter().zip(&self.reach).rev() {
            // Nothing from here down reaches the access.
            if *reach < first {
                break;
            }
            if range.last >= first && range.access.meets(access) {
                let addr = range.first.max(first);
                // The lowest address; of several ranges there the first.
                if found.is_none_or(|f| addr <= f.addr) {
                    found = Some(WatchHit {
                        range: *range,
                        addr,
                    });
                }
            }
        }
        found
    }
}

/// The ranges for `access` with those joined that are closest, until there are few.
fn bounds(ranges: &[WatchRange], access: Access) -> Vec<(u64, u64)> {
    let mut list: Vec<(u64, u64)> = Vec::new();
    for r in ranges.iter().filter(|r| r.access.meets(access)) {
        match list.last_mut() {
            Some((_, last)) if r.first <= last.saturating_add(1) => *last = r.last.max(*last),
            _ => list.push((r.first, r.last)),
        }
    }
    while list.len() > MAX_BOUNDS {
        let gap = |i: &usize| list[*i + 1].0 - list[*i].1;
        let closest = (0..list.len() - 1).min_by_key(gap).unwrap_or(0);
        list[closest].1 = list[closest + 1].1;
        list.remove(closest + 1);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64, access: Access) -> WatchRange {
        WatchRange {
            first,
            last,
            access,
        }
    }

    #[test]
    fn an_access_meets_what_it_overlaps() {
        let set = WatchSet::new(
            1,
            vec![
                range(0x1000, 0x1003, Access::WRITE),
                range(0x0800, 0x2fff, Access::READ),
                range(0x1008, 0x1008, Access::READ_WRITE),
                range(u64::MAX - 1, u64::MAX, Access::WRITE),
            ],
            u64::MAX,
        );
        let hit = |addr, len, access| set.find(addr, len, access).map(|h| h.addr);
        assert_eq!(hit(0xfff, 1, Access::WRITE), None);
        assert_eq!(hit(0xfff, 2, Access::WRITE), Some(0x1000));
        assert_eq!(hit(0x1003, 16, Access::WRITE), Some(0x1003));
        assert_eq!(hit(0x1004, 4, Access::WRITE), None);
        assert_eq!(hit(0x1004, 8, Access::WRITE), Some(0x1008));
        assert_eq!(hit(0x7ff, 1, Access::READ), None);
        assert_eq!(hit(0x7ff, 8, Access::READ), Some(0x800));
        assert_eq!(hit(0x2fff, 1, Access::READ), Some(0x2fff));
        assert_eq!(hit(0x3000, 1, Access::READ), None);
        assert_eq!(hit(0x1000, 1, Access::READ_WRITE), Some(0x1000));
        assert_eq!(hit(u64::MAX, 8, Access::WRITE), Some(u64::MAX));
        assert_eq!(hit(0x1000, 0, Access::WRITE), None);
    }

    #[test]
    fn tags_do_not_hide_an_access() {
        let ranges = vec![range(0x1000, 0x1000, Access::WRITE)];
        let set = WatchSet::new(1, ranges, u64::MAX >> 8);
        assert!(set.find(0xab00_0000_0000_1000, 1, Access::WRITE).is_some());
    }

    /// Against the definition, with many ranges that overlap.
    #[test]
    fn found_as_by_looking_at_each() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..300 {
            let ranges: Vec<WatchRange> = (0..rng.usize(1..20))
                .map(|_| {
                    let first = rng.u64(..200);
                    let access = Access::from_bits(rng.u16(1..4));
                    range(first, first + rng.u64(..30), access)
                })
                .collect();
            let set = WatchSet::new(1, ranges.clone(), u64::MAX);
            for _ in 0..100 {
                let (addr, len) = (rng.u64(..250), rng.u64(1..17));
                for access in [Access::READ, Access::WRITE, Access::READ_WRITE] {
                    let want = ranges
                        .iter()
                        .filter(|r| r.first < addr + len && r.last >= addr)
                        .filter(|r| r.access.meets(access))
                        .map(|r| r.first.max(addr))
                        .min();
                    assert_eq!(set.find(addr, len, access).map(|h| h.addr), want);
                    let inside = |(first, last): &(u64, u64)| *first < addr + len && *last >= addr;
                    assert!(want.is_none() || set.bounds(access).iter().any(inside));
                    assert!(set.bounds(access).len() <= MAX_BOUNDS);
                }
            }
        }
    }
}
