//! Which memory goes into a core file: the kernel's default selection (core(5), `fs/coredump.c`: `vma_dump_size`, as facts).

use crate::mem::{AddressSpace, Kind, PAGE_SIZE, Prot, Region};
use std::fs;
use std::io::Read;

/// A range of guest memory as a core file lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First guest address.
    pub start: u64,
    /// First guest address after it.
    pub end: u64,
    /// The guest's access.
    pub prot: Prot,
    /// How many bytes from the start are in the file; the rest is in the mapped file, or is left out.
    pub saved: u64,
    /// Whether pages that nobody touched are zeroes, so that they can be holes.
    pub anonymous: bool,
}

/// Bits of `/proc/PID/coredump_filter` (core(5)).
mod filter {
    pub const ANON_PRIVATE: u32 = 1;
    pub const ANON_SHARED: u32 = 2;
    pub const FILE_PRIVATE: u32 = 4;
    pub const FILE_SHARED: u32 = 8;
    pub const ELF_HEADERS: u32 = 16;
    /// Anonymous memory, ELF headers, private huge pages.
    pub const DEFAULT: u32 = 0x33;
}

/// What the host's kernel knows of a range of guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HostRange {
    start: u64,
    end: u64,
    /// It has pages that were written.
    written: bool,
    /// MADV_DONTDUMP.
    dont_dump: bool,
}

/// The host's view of the guest's memory, by guest addresses. Empty where there is no `/proc`.
fn host_ranges(mem: &AddressSpace) -> Vec<HostRange> {
    // Bytes, as names of mapped files need not be text.
    let text = fs::read("/proc/self/smaps").unwrap_or_default();
    parse_smaps(&text, mem.base(), mem.limit())
}

fn parse_smaps(text: &[u8], base: u64, limit: u64) -> Vec<HostRange> {
    let mut ranges: Vec<HostRange> = Vec::new();
    // Whether the lines that follow are about guest memory.
    let mut inside = false;
    for line in text.split(|&b| b == b'\n') {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        if let Some((start, end)) = first.split_once('-')
            && let (Ok(start), Ok(end)) =
                (u64::from_str_radix(start, 16), u64::from_str_radix(end, 16))
        {
            inside = start >= base && end <= base + limit;
            if inside {
                ranges.push(HostRange {
                    start: start - base,
                    end: end - base,
                    written: false,
                    dont_dump: false,
                });
            }
            continue;
        }
        let Some(range) = ranges.last_mut().filter(|_| inside) else {
            continue;
        };
        match first {
            "Anonymous:" | "Swap:" => range.written |= words.next().is_some_and(|n| n != "0"),
            "VmFlags:" => range.dont_dump = words.any(|f| f == "dd"),
            _ => {}
        }
    }
    ranges
}

/// The guest's choice; the host keeps it for us, over fork and exec.
fn coredump_filter() -> u32 {
    fs::read_to_string("/proc/self/coredump_filter")
        .ok()
        .and_then(|text| u32::from_str_radix(text.trim(), 16).ok())
        .unwrap_or(filter::DEFAULT)
}

/// What of the guest's memory goes into a core file, by address.
pub fn extents(mem: &AddressSpace) -> Vec<Extent> {
    let (host, filter) = (host_ranges(mem), coredump_filter());
    let mut all: Vec<Extent> = Vec::new();
    for region in mem.regions() {
        // What the host says may change inside of a region.
        let mut at = region.start;
        let mut parts = Vec::new();
        let first = host.partition_point(|r| r.end <= region.start);
        for r in host[first..].iter().take_while(|r| r.start < region.end) {
            if r.start > at {
                parts.push((at, r.start, None));
            }
            let (start, end) = (r.start.max(at), r.end.min(region.end));
            parts.push((start, end, Some(*r)));
            at = end;
        }
        if at < region.end {
            parts.push((at, region.end, None));
        }
        let from = all.len();
        for (start, end, host) in parts {
            let saved = match wanted(&region, host, filter) {
                Amount::All => end - start,
                Amount::Nothing => 0,
                Amount::ElfHeader if start == region.start && is_elf(mem, start) => PAGE_SIZE,
                Amount::ElfHeader => 0,
            };
            let anonymous = !matches!(region.kind, Kind::File(_));
            match all[from..].last_mut() {
                // The host splits what is one to the guest: joined again where it makes no difference.
                Some(last) if last.saved == last.end - last.start && saved == end - start => {
                    last.end = end;
                    last.saved = end - last.start;
                }
                Some(last) if last.saved < last.end - last.start && saved == 0 => last.end = end,
                _ => all.push(Extent {
                    start,
                    end,
                    prot: region.prot,
                    saved,
                    anonymous,
                }),
            }
        }
    }
    all
}

enum Amount {
    All,
    Nothing,
    /// The first page, if an ELF header is in it: it has the build id.
    ElfHeader,
}

fn wanted(region: &Region, host: Option<HostRange>, filter: u32) -> Amount {
    let has = |bit: u32| filter & bit != 0;
    let all_if = |wanted: bool| if wanted { Amount::All } else { Amount::Nothing };
    let file = matches!(region.kind, Kind::File(_));
    let written = host.map_or(region.prot.contains(Prot::WRITE), |h| h.written);
    match region.kind {
        // The vDSO is always there: debuggers unwind through it.
        Kind::Special(_) => Amount::All,
        _ if host.is_some_and(|h| h.dont_dump) => Amount::Nothing,
        _ if region.shared && file => all_if(has(filter::FILE_SHARED)),
        _ if region.shared => all_if(has(filter::ANON_SHARED)),
        _ if !file => all_if(has(filter::ANON_PRIVATE)),
        _ if written && has(filter::ANON_PRIVATE) => Amount::All,
        _ if has(filter::FILE_PRIVATE) => Amount::All,
        _ if has(filter::ELF_HEADERS) && region.offset == 0 => Amount::ElfHeader,
        _ => Amount::Nothing,
    }
}

fn is_elf(mem: &AddressSpace, addr: u64) -> bool {
    let mut magic = [0; 4];
    mem.read(addr, &mut magic).is_ok() && magic == *b"\x7fELF"
}

/// Which pages of anonymous memory exist, from `/proc/self/pagemap` (the kernel's `admin-guide/mm/pagemap.rst`).
pub struct Pagemap(Option<fs::File>);

impl Pagemap {
    /// Of this process.
    pub fn open() -> Pagemap {
        Pagemap(fs::File::open("/proc/self/pagemap").ok())
    }

    /// For each of `count` pages from a host address: whether it has content. All of them if that is not known.
    pub fn present(&mut self, host_addr: u64, count: usize) -> Vec<bool> {
        use std::os::unix::fs::FileExt;
        const IN_MEMORY: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        let mut entries = vec![0; count * 8];
        let known = self.0.as_ref().is_some_and(|f| {
            f.read_exact_at(&mut entries, host_addr / PAGE_SIZE * 8)
                .is_ok()
        });
        if !known {
            return vec![true; count];
        }
        let entry = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
        entries
            .chunks(8)
            .map(|e| entry(e) & (IN_MEMORY | SWAPPED) != 0)
            .collect()
    }
}

/// The process's memory, whatever its access rights.
pub fn read_anyway(mem: &AddressSpace, addr: u64, buf: &mut [u8]) -> bool {
    mem.read(addr, buf).is_ok() || mem.read_forced(addr, buf).is_ok()
}

/// Up to `max` bytes of a file.
pub fn read_some(path: &str, max: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // What could be read is what there is.
        let _ = file.take(max as u64).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::{Config, Mapping, Place};

    #[test]
    fn smaps_lines_are_understood() {
        let text = b"10000000-10002000 rw-p 00000000 00:00 0\nAnonymous:  4 kB\nSwap: 0 kB\nVmFlags: rd wr dd\n\
            10002000-10003000 r--p 00000000 08:01 7    /a b\xff\nAnonymous:  0 kB\nVmFlags: rd mr\n\
            7f0000000000-7f0000001000 rw-p 00000000 00:00 0\nAnonymous: 4 kB\n";
        let ranges = parse_smaps(text, 0x1000_0000, 0x1000_0000);
        let expected = [(0, 0x2000, true, true), (0x2000, 0x3000, false, false)];
        let seen: Vec<_> = ranges
            .iter()
            .map(|r| (r.start, r.end, r.written, r.dont_dump))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn anonymous_memory_is_taken_and_advice_heeded() {
        let mem = AddressSpace::new(Config {
            size: Some(1 << 36),
            ..Config::default()
        })
        .expect("address space");
        let at = mem
            .map(&Mapping::anonymous(
                Place::Fixed(0x10_0000),
                0x4000,
                Prot::RW,
            ))
            .expect("mapping");
        mem.write(at, &[1]).expect("writable");
        let host = mem.host_range(at + 0x1000, 0x1000, false).expect("inside");
        // MADV_DONTDUMP
        crate::host::syscall(crate::host::nr::SYS_madvise, [host, 0x1000, 16, 0, 0, 0])
            .expect("madvise");
        let shape: Vec<_> = extents(&mem)
            .iter()
            .map(|e| (e.start, e.end, e.saved))
            .collect();
        let expected = [
            (0x10_0000, 0x10_1000, 0x1000),
            (0x10_1000, 0x10_2000, 0),
            (0x10_2000, 0x10_4000, 0x2000),
        ];
        assert_eq!(shape, expected);
        let pages = Pagemap::open().present(mem.base() + at, 4);
        assert_eq!(pages, [true, false, false, false]);
    }
}
