//! The list of what is mapped where.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::BitOr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Access that the guest has to a page. The bits are those of PROT_READ, PROT_WRITE and PROT_EXEC, the same on every Linux.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Prot(pub u8);

impl Prot {
    /// No access.
    pub const NONE: Prot = Prot(0);
    /// Readable.
    pub const READ: Prot = Prot(1);
    /// Writable.
    pub const WRITE: Prot = Prot(2);
    /// Executable.
    pub const EXEC: Prot = Prot(4);
    /// Readable and writable.
    pub const RW: Prot = Prot(3);

    /// Whether every right in `other` is given.
    pub const fn contains(self, other: Prot) -> bool {
        self.0 & other.0 == other.0
    }

    /// The host's protection bits. Guest code is data for the host, so it becomes readable and never executable; x86-64 cannot
    /// give write without read.
    pub(super) fn host(self) -> i32 {
        let mut prot = libc_prot::NONE;
        if self.0 & (Self::READ.0 | Self::EXEC.0) != 0 {
            prot |= libc_prot::READ;
        }
        if self.contains(Prot::WRITE) {
            prot |= libc_prot::READ | libc_prot::WRITE;
        }
        prot
    }
}

/// Values of `asm-generic/mman-common.h`, which x86-64 uses unchanged.
mod libc_prot {
    pub const NONE: i32 = 0;
    pub const READ: i32 = 1;
    pub const WRITE: i32 = 2;
}

impl BitOr for Prot {
    type Output = Prot;

    fn bitor(self, other: Prot) -> Prot {
        Prot(self.0 | other.0)
    }
}

/// The file behind a mapping, as `/proc/self/maps` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path as the host's kernel knows it.
    pub path: PathBuf,
    /// Device number (`st_dev`).
    pub dev: u64,
    /// Inode number.
    pub inode: u64,
}

/// What a region is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Memory without a file.
    Anonymous,
    /// The heap that `brk` moves.
    Heap,
    /// The main thread's stack.
    Stack,
    /// Memory with another name in brackets, for example `[vdso]` without the brackets.
    Special(&'static str),
    /// A file.
    File(Arc<File>),
}

/// A run of pages that were mapped alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// First guest address.
    pub start: u64,
    /// First guest address after it.
    pub end: u64,
    /// The guest's access.
    pub prot: Prot,
    /// Writes go to the file or to other processes (MAP_SHARED).
    pub shared: bool,
    /// What is mapped.
    pub kind: Kind,
    /// Offset of `start` in the file, in bytes; 0 without a file.
    pub offset: u64,
}

impl Region {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Whether it is empty; regions in the list never are.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Its name as `/proc/PID/maps` has it: a path, `[heap]`, `[stack]` or nothing.
    pub fn name(&self) -> Cow<'_, OsStr> {
        match &self.kind {
            Kind::Anonymous => OsStr::new("").into(),
            Kind::Heap => OsStr::new("[heap]").into(),
            Kind::Stack => OsStr::new("[stack]").into(),
            Kind::Special(name) => OsString::from(format!("[{name}]")).into(),
            Kind::File(f) => f.path.as_os_str().into(),
        }
    }

    /// Its line in `/proc/PID/maps` (proc(5)), with the line's end.
    pub fn maps_line(&self) -> Vec<u8> {
        let right = |p: Prot, c: char| if self.prot.contains(p) { c } else { '-' };
        let (dev, inode) = match &self.kind {
            Kind::File(f) => (f.dev, f.inode),
            _ => (0, 0),
        };
        // Device numbers as glibc's gnu_dev_major and gnu_dev_minor split them.
        let (major, minor) = (dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xf_ff00));
        let fields = format!(
            "{:08x}-{:08x} {}{}{}{} {:08x} {major:02x}:{minor:02x} {inode}",
            self.start,
            self.end,
            right(Prot::READ, 'r'),
            right(Prot::WRITE, 'w'),
            right(Prot::EXEC, 'x'),
            if self.shared { 's' } else { 'p' },
            self.offset,
        );
        let name = self.name();
        let mut line = match name.is_empty() {
            true => fields.into_bytes(),
            // Names stand in one column, after at least one blank.
            false => format!("{fields:<72} ").into_bytes(),
        };
        line.extend_from_slice(name.as_bytes());
        line.push(b'\n');
        line
    }

    /// The part of it in `start..end`, which must lie inside.
    fn part(&self, start: u64, end: u64) -> Region {
        Region {
            start,
            end,
            offset: match self.kind {
                Kind::File(_) => self.offset + (start - self.start),
                _ => 0,
            },
            ..self.clone()
        }
    }

    /// Whether `next` starts where it ends and continues it.
    fn continues_as(&self, next: &Region) -> bool {
        self.end == next.start
            && self.prot == next.prot
            && self.shared == next.shared
            && self.kind == next.kind
            && match self.kind {
                Kind::File(_) => self.offset + self.len() == next.offset,
                // Two shared anonymous mappings are two objects.
                _ => !self.shared,
            }
    }
}

/// Regions by start address, never overlapping.
#[derive(Default)]
pub(super) struct Regions(BTreeMap<u64, Region>);

impl Regions {
    /// The region that holds `addr`.
    pub fn at(&self, addr: u64) -> Option<&Region> {
        let (_, r) = self.0.range(..=addr).next_back()?;
        (addr < r.end).then_some(r)
    }

    /// The first region that ends after `addr`.
    pub fn at_or_after(&self, addr: u64) -> Option<&Region> {
        self.at(addr)
            .or_else(|| self.0.range(addr..).next().map(|(_, r)| r))
    }

    /// The last region that starts below `addr`.
    pub fn below(&self, addr: u64) -> Option<&Region> {
        self.0.range(..addr).next_back().map(|(_, r)| r)
    }

    /// Every region, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.0.values()
    }

    /// Regions that touch `start..end`.
    pub fn overlapping(&self, start: u64, end: u64) -> impl Iterator<Item = &Region> {
        let first = self.at(start).map_or(start, |r| r.start);
        self.0.range(first..end.max(first)).map(|(_, r)| r)
    }

    /// Whether nothing is mapped in `start..end`.
    pub fn is_free(&self, start: u64, end: u64) -> bool {
        self.overlapping(start, end).next().is_none()
    }

    /// Whether all of `start..end` is mapped.
    pub fn covers(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        for r in self.overlapping(start, end) {
            if r.start > at {
                return false;
            }
            at = r.end;
        }
        at >= end
    }

    /// Takes `start..end` out of the list, splitting regions at its ends; returns what was there, cut to it.
    pub fn remove(&mut self, start: u64, end: u64) -> Vec<Region> {
        let keys: Vec<u64> = self.overlapping(start, end).map(|r| r.start).collect();
        let mut removed = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(r) = self.0.remove(&key) else {
                continue;
            };
            if r.start < start {
                self.0.insert(r.start, r.part(r.start, start));
            }
            if r.end > end {
                self.0.insert(end, r.part(end, r.end));
            }
            removed.push(r.part(r.start.max(start), r.end.min(end)));
        }
        removed
    }

    /// Puts a region in, replacing what was there and joining it with its neighbours where it continues them.
    pub fn insert(&mut self, mut region: Region) {
        if region.is_empty() {
            return;
        }
        self.remove(region.start, region.end);
        if let Some(prev) = self.below(region.start)
            && prev.continues_as(&region)
        {
            let key = prev.start;
            region = Region {
                end: region.end,
                ..prev.clone()
            };
            self.0.remove(&key);
        }
        if let Some(next) = self.0.get(&region.end)
            && region.continues_as(next)
        {
            let next_start = region.end;
            region.end = next.end;
            self.0.remove(&next_start);
        }
        self.0.insert(region.start, region);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: u64, end: u64, prot: Prot) -> Region {
        Region {
            start,
            end,
            prot,
            shared: false,
            kind: Kind::Anonymous,
            offset: 0,
        }
    }

    fn shape(r: &Regions) -> Vec<(u64, u64, u8)> {
        r.iter().map(|r| (r.start, r.end, r.prot.0)).collect()
    }

    #[test]
    fn splits_and_joins() {
        let mut r = Regions::default();
        r.insert(region(0x1000, 0x5000, Prot::RW));
        r.insert(region(0x2000, 0x3000, Prot::READ));
        assert_eq!(
            shape(&r),
            [
                (0x1000, 0x2000, 3),
                (0x2000, 0x3000, 1),
                (0x3000, 0x5000, 3)
            ]
        );
        r.insert(region(0x2000, 0x3000, Prot::RW));
        assert_eq!(shape(&r), [(0x1000, 0x5000, 3)]);
        let gone = r.remove(0x1000, 0x2000);
        assert_eq!(gone.len(), 1);
        assert_eq!(shape(&r), [(0x2000, 0x5000, 3)]);
        assert!(r.covers(0x2000, 0x5000) && !r.covers(0x1fff, 0x3000));
        assert!(r.is_free(0, 0x2000) && !r.is_free(0x4fff, 0x6000));
    }

    #[test]
    fn file_offsets_follow_a_split() {
        let file = Arc::new(File {
            path: "/f".into(),
            dev: 1,
            inode: 2,
        });
        let mut r = Regions::default();
        r.insert(Region {
            kind: Kind::File(file),
            offset: 0x10000,
            ..region(0x1000, 0x5000, Prot::READ)
        });
        r.remove(0x2000, 0x3000);
        let offsets: Vec<u64> = r.iter().map(|r| r.offset).collect();
        assert_eq!(offsets, [0x10000, 0x12000]);
    }

    #[test]
    fn maps_lines_are_those_of_proc() {
        let mut region = Region {
            start: 0x40_0000,
            end: 0x40_1000,
            prot: Prot(5),
            shared: false,
            kind: Kind::Stack,
            offset: 0,
        };
        let line = |r: &Region| String::from_utf8(r.maps_line()).unwrap();
        let named = line(&region);
        assert!(named.starts_with("00400000-00401000 r-xp 00000000 00:00 0 "));
        assert_eq!(named.find("[stack]\n"), Some(73));
        region.kind = Kind::Anonymous;
        assert_eq!(line(&region), "00400000-00401000 r-xp 00000000 00:00 0\n");
    }
}
