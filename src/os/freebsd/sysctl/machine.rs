//! What the machine's parts do: swap areas, disks, interrupts, terminals, the kernel's memory and its log, from the host's `/proc`
//! (proc(5)) and `syslog(2)`.
//!
//! Source: `vm/vm_param.h`, `sys/devicestat.h`, `sys/tty.h`, `vm/uma.h`, `sys/malloc.h`.

use super::bytes_of;
use crate::abi::{Errno, GuestStruct, Kind, Show, SysResult, Ulong, write_int};
use crate::host::nr::SYS_syslog;
use crate::host::syscall;
use crate::mem::PAGE_SIZE;
use crate::os::freebsd::procinfo;
use crate::os::{Call, ProcStat, numbers_in, proc_text};
use std::os::unix::fs::MetadataExt;

crate::guest_struct! {
    /// `struct xswdev`
    pub struct Xswdev("xswdev") { xsw_version: u32 as Show::Detail, xsw_dev: u64 as Show::Hex, _xsw_flags: i32, xsw_nblks: i32, xsw_used: i32 }

    /// `struct devstat`; a `struct bintime` is seconds and 2^-64 of them.
    pub struct Devstat("devstat") {
        _sequence0: u32, allocated: i32 as Show::Detail, start_count: u32 as Show::Detail, end_count: u32 as Show::Detail, _busy_from: [u64; 2], _dev_links: Ulong,
        device_number: u32 as Show::Detail, device_name: [u8; 16] as Show::Chars, unit_number: i32, bytes: [u64; 4], operations: [u64; 4], duration: [u64; 8] as Show::Detail,
        busy_time: [u64; 2] as Show::Detail, _creation_time: [u64; 2], block_size: u32, _tag_types: [u64; 3], _flags: u32, device_type: u32 as Show::Hex,
        priority: u32 as Show::Detail, id: Ulong as Show::Detail, _sequence1: u32,
    }

    /// `struct xtty`; what is not known of the host's queues is 0.
    pub struct Xtty("xtty") {
        xt_size: Ulong as Show::Detail, _xt_insize: Ulong, _xt_incc: Ulong, _xt_inlc: Ulong, _xt_inlow: Ulong, _xt_outsize: Ulong,
        _xt_outcc: Ulong, _xt_outlow: Ulong, _xt_column: u32, xt_pgid: i32, xt_sid: i32, xt_flags: u32 as Show::Hex, xt_dev: u32 as Show::Hex,
    }

    /// `struct uma_stream_header` and `struct malloc_type_stream_header`
    pub struct StreamHeader("uma_stream_header") { version: u32, maxcpus: u32, count: u32, _pad: u32 }

    /// `struct uma_type_header`
    pub struct UmaTypeHeader("uma_type_header") {
        uth_name: [u8; 32] as Show::Chars, uth_align: u32 as Show::Detail, uth_size: u32, uth_rsize: u32 as Show::Detail, _uth_maxpages: u32, _uth_limit: u32, uth_pages: u32,
        uth_keg_free: u32, _uth_zone_free: u32, _uth_bucketsize: u32, _uth_zone_flags: u32, uth_allocs: u64, _uth_frees: u64,
        _uth_fails: u64, _uth_sleeps: u64, _uth_reserved1: [u64; 2],
    }
}

/// Pages in front of a swap area that are not for swapping: the host's header.
pub(super) const SWAP_HEADER: i64 = 1;

/// `vm.swap_info`: the area with this number. Each line of `/proc/swaps` has a file, its type, size and use in kB, a priority.
pub(super) fn swap_area(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    const VERSION: u32 = 2;
    const NODEV: u64 = u64::MAX;
    const KB_IN_PAGE: i64 = PAGE_SIZE as i64 / 1024;
    let [n] = *rest else {
        return Err(Errno::EINVAL);
    };
    let text = proc_text("/proc/swaps");
    let line = usize::try_from(n)
        .ok()
        .and_then(|n| text.lines().nth(n + 1));
    let words: Vec<&str> = line.ok_or(Errno::ENOENT)?.split_whitespace().collect();
    let pages = |n: usize| {
        let kb: i64 = words.get(n).and_then(|w| w.parse().ok()).unwrap_or(0);
        kb / KB_IN_PAGE
    };
    // A file has no device.
    let device = std::fs::metadata(words.first().unwrap_or(&"")).ok();
    let device = device.map(|m| m.rdev()).filter(|&dev| dev != 0);
    let area = Xswdev {
        xsw_version: VERSION,
        xsw_dev: device.unwrap_or(NODEV),
        xsw_nblks: (pages(2) + SWAP_HEADER) as i32,
        xsw_used: pages(3) as i32,
        ..Xswdev::default()
    };
    Ok(bytes_of(call, &area))
}

/// Milliseconds as `struct bintime`.
fn bintime(ms: u64) -> [u64; 2] {
    let fraction = u128::from(ms % 1000) * (1 << 64) / 1000;
    [ms / 1000, fraction as u64]
}

/// A disk and what it has done, of a line of `/proc/diskstats`: name; reads, of which merged, sectors, time; writes likewise;
/// requests under way, time with any; discards likewise.
struct Disk {
    name: String,
    counts: Vec<u64>,
}

/// Disks with something on them; parts of disks are not listed.
fn disks() -> Vec<Disk> {
    let text = proc_text("/proc/diskstats");
    let disks = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(2);
        let name = words.next()?.to_owned();
        let size = std::fs::read_to_string(format!("/sys/block/{name}/size")).ok()?;
        let counts = words.map(|w| w.parse().unwrap_or(0)).collect();
        (size.trim() != "0").then_some(Disk { name, counts })
    });
    disks.collect()
}

pub(super) fn disk_count() -> i64 {
    disks().len() as i64
}

/// A name and the number of a unit: the digits at its end. One without is the first of its kind.
fn unit(name: &str) -> (&str, i32) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem, name[stem.len()..].parse().unwrap_or(0))
}

/// `kern.devstat.all`: the generation of the list, and each device.
pub(super) fn devices(call: &Call<'_>) -> Vec<u8> {
    const SECTOR: u64 = 512;
    const PRIORITY_DISK: u32 = 0x110;
    const TYPE_IF_OTHER: u32 = 0x30;
    let mut out = vec![0; Kind::Long.size(call.abi)];
    write_int(call.abi, Kind::Long, &mut out, DISK_GENERATION as u64);
    for (n, disk) in disks().into_iter().enumerate() {
        let count = |n: usize| disk.counts.get(n).copied().unwrap_or(0);
        let (name, unit) = unit(&disk.name);
        let [reads, writes, frees] = [bintime(count(3)), bintime(count(7)), bintime(count(14))];
        // Nothing, then what was read, written and freed.
        let mut duration = [0; 8];
        duration[2..4].copy_from_slice(&reads);
        duration[4..6].copy_from_slice(&writes);
        duration[6..].copy_from_slice(&frees);
        let operations = [0, count(0), count(4), count(11)];
        let done = operations.iter().sum::<u64>() as u32;
        let entry = Devstat {
            allocated: 1,
            start_count: done.wrapping_add(count(8) as u32),
            end_count: done,
            device_number: n as u32,
            device_name: procinfo::name(name.as_bytes()),
            unit_number: unit,
            bytes: [0, count(2) * SECTOR, count(6) * SECTOR, count(13) * SECTOR],
            operations,
            duration,
            busy_time: bintime(count(9)),
            block_size: SECTOR as u32,
            device_type: TYPE_IF_OTHER,
            priority: PRIORITY_DISK,
            id: Ulong(n as u64 + 1),
            ..Devstat::default()
        };
        out.extend(bytes_of(call, &entry));
    }
    out
}

/// The generation of the list of devices: the host does not say when one comes or goes.
pub(super) const DISK_GENERATION: i64 = 1;

/// Interrupts that the host counts, with their names and how often each came, on all CPUs.
fn interrupts() -> Vec<(String, u64)> {
    let text = proc_text("/proc/interrupts");
    let mut lines = text.lines();
    let cpus = lines.next().map_or(0, |l| l.split_whitespace().count());
    let parsed = lines.filter_map(|line| {
        let (number, rest) = line.trim_start().split_once(':')?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let counts = words.iter().take(cpus).map_while(|w| w.parse::<u64>().ok());
        let counts: Vec<u64> = counts.collect();
        let name = match number.parse::<u32>() {
            // The device is named last.
            Ok(n) => format!("irq{n}: {}", words.last().unwrap_or(&"")),
            Err(_) => format!("{number}: {}", words[counts.len()..].join(" ")),
        };
        Some((name, counts.iter().sum()))
    });
    parsed.collect()
}

/// `hw.intrnames`
pub(super) fn interrupt_names() -> Vec<u8> {
    let names = interrupts()
        .into_iter()
        .flat_map(|(name, _)| (name + "\0").into_bytes());
    names.collect()
}

/// `hw.intrcnt`, in the order of the names.
pub(super) fn interrupt_counts() -> Vec<i64> {
    interrupts().into_iter().map(|(_, n)| n as i64).collect()
}

/// `kern.ttys`: terminals that processes have.
pub(super) fn terminals(call: &Call<'_>) -> SysResult<Vec<u8>> {
    const OPENED_IN: u32 = 8;
    let mut found: Vec<(i64, i32, i32)> = Vec::new();
    for pid in numbers_in("/proc") {
        // Session, terminal, its foreground group.
        let stat = ProcStat::read(&format!("/proc/{pid}/stat"));
        let Some((sid, device, group)) = stat.map(|s| (s.number(6), s.number(7), s.number(8)))
        else {
            continue;
        };
        if device != 0 && found.iter().all(|f| f.0 != device) {
            found.push((device, sid as i32, group as i32));
        }
    }
    found.sort_unstable();
    let mut out = Vec::new();
    for (device, sid, group) in found {
        let entry = Xtty {
            xt_size: Ulong(Xtty::DESC.size(call.abi) as u64),
            xt_pgid: group,
            xt_sid: sid,
            xt_flags: OPENED_IN,
            xt_dev: device as u32,
            ..Xtty::default()
        };
        out.extend(bytes_of(call, &entry));
    }
    Ok(out)
}

/// Caches of the host's kernel, which are what zones of UMA are in FreeBSD's.
struct Cache {
    name: String,
    /// Used and existing objects, their size in bytes, pages of all.
    numbers: [u32; 4],
}

/// Lines of `/proc/slabinfo`: name, used and existing objects, size, objects and pages in a slab; after the second colon used and
/// existing slabs. Only the superuser may read it.
fn caches() -> Vec<Cache> {
    let text = proc_text("/proc/slabinfo");
    let caches = text.lines().skip(2).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |n: usize| words.get(n).and_then(|w| w.parse::<u32>().ok());
        let pages = number(5)?.saturating_mul(number(14)?);
        Some(Cache {
            name: words[0].to_owned(),
            numbers: [number(1)?, number(2)?, number(3)?, pages],
        })
    });
    caches.collect()
}

pub(super) fn zone_count() -> i64 {
    caches().len() as i64
}

/// `vm.zone_stats`. The host counts objects, not how often one was taken.
pub(super) fn zones(call: &Call<'_>) -> SysResult<Vec<u8>> {
    let all = caches();
    let mut out = stream(call, all.len());
    for cache in all {
        let [used, existing, size, pages] = cache.numbers;
        let entry = UmaTypeHeader {
            uth_name: procinfo::name(cache.name.as_bytes()),
            uth_align: 7,
            uth_size: size,
            uth_rsize: size,
            uth_pages: pages,
            uth_keg_free: existing.saturating_sub(used),
            uth_allocs: used.into(),
            ..UmaTypeHeader::default()
        };
        out.extend(bytes_of(call, &entry));
    }
    Ok(out)
}

/// The head of a stream of that many types, without numbers of each CPU.
fn stream(call: &Call<'_>, count: usize) -> Vec<u8> {
    let head = StreamHeader {
        version: 1,
        count: count as u32,
        ..StreamHeader::default()
    };
    bytes_of(call, &head)
}

/// `kern.malloc_stats`: the host's kernel does not tell allocations by type.
pub(super) fn no_malloc_types(call: &Call<'_>) -> SysResult<Vec<u8>> {
    Ok(stream(call, 0))
}

/// `kern.msgbuf`: the host's log, if it may be read.
pub(super) fn message_buffer(_: &Call<'_>) -> SysResult<Vec<u8>> {
    // syslog(2): SYSLOG_ACTION_READ_ALL and _SIZE_BUFFER
    const READ_ALL: u64 = 3;
    const SIZE_BUFFER: u64 = 10;
    let size = syscall(SYS_syslog, [SIZE_BUFFER, 0, 0, 0, 0, 0])?;
    let mut text = vec![0; size as usize];
    let at = text.as_mut_ptr() as u64;
    let read = syscall(SYS_syslog, [READ_ALL, at, size, 0, 0, 0])?;
    text.truncate(read as usize);
    text.push(0);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa::{AARCH64, MIPS};

    #[test]
    fn layouts_are_those_of_the_headers() {
        // sizeof of FreeBSD 12.1 for arm64 and mips.
        for (a, devstat, tty) in [(AARCH64.abi, 288, 88), (MIPS.abi, 280, 52)] {
            assert_eq!(Devstat::DESC.size(a), devstat);
            assert_eq!(Xtty::DESC.size(a), tty);
            assert_eq!(Xswdev::DESC.size(a), 32);
            assert_eq!(UmaTypeHeader::DESC.size(a), 120);
        }
    }

    #[test]
    fn times_and_units_are_taken_apart() {
        assert_eq!(bintime(2500), [2, 1 << 63]);
        assert_eq!(unit("nvme0n12"), ("nvme0n", 12));
        assert_eq!(unit("vda"), ("vda", 0));
    }
}
