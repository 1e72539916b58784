//! Memory that stays in the machine's: `mlock` and its like. Only the guest's is locked, not what the emulator has besides.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::{on_range, pages};
use crate::abi::{Errno, SysResult};
use crate::host::nr::*;
use crate::mem::{Kind, PAGE_SIZE, Prot, Region};
use crate::os::freebsd::of;
use crate::os::{Call, proc_text, status_field};

/// Whether what is mapped from now on is locked (MCL_FUTURE).
#[derive(Default)]
pub struct Wired(AtomicBool);

/// How many more bytes may be locked. The limit holds for the superuser too, whom the host lets lock more.
fn room(call: &mut Call<'_>) -> SysResult {
    /// The host's RLIMIT_MEMLOCK.
    const RLIMIT_MEMLOCK: u64 = 8;
    let mut limit = [u64::MAX; 2];
    let at = limit.as_mut_ptr() as u64;
    call.host(SYS_prlimit64, [0, RLIMIT_MEMLOCK, 0, at, 0, 0])?;
    if limit[0] == u64::MAX {
        return Ok(u64::MAX);
    }
    // In kB (proc(5)).
    let status = proc_text("/proc/self/status");
    let locked = status_field(&status, "VmLck");
    let locked: u64 = locked.trim_end_matches(" kB").parse().unwrap_or(0);
    Ok(limit[0].saturating_sub(locked * 1024))
}

pub(super) fn lock(call: &mut Call<'_>) -> SysResult {
    let (_, len) = pages(call)?;
    if len > room(call)? {
        return Err(Errno::ENOMEM);
    }
    on_range(call, SYS_mlock, 0)
}

/// What the guest may touch: the rest has no pages that could be locked. Of the main stack it is what has been used, as far as which
/// it has grown.
fn accessible(call: &mut Call<'_>) -> SysResult<Vec<(u64, u64)>> {
    let mut ranges = Vec::new();
    for region in call.mem().regions() {
        let start = match region.kind {
            _ if region.prot == Prot::NONE => continue,
            Kind::Stack => region.end - used_at_end(call, &region)?,
            _ => region.start,
        };
        ranges.push((start, region.end - start));
    }
    ranges.retain(|(_, len)| *len != 0);
    Ok(ranges)
}

/// How many bytes at the end of a region are in memory without a gap.
fn used_at_end(call: &mut Call<'_>, region: &Region) -> SysResult {
    let (start, len) = (region.start, region.len());
    let mut pages = vec![0u8; (len / PAGE_SIZE) as usize];
    let host = call.mem().host_range(start, len, false)?;
    call.host(SYS_mincore, [host, len, pages.as_mut_ptr() as u64, 0, 0, 0])?;
    let used = pages.iter().rev().take_while(|page| **page & 1 != 0);
    Ok(used.count() as u64 * PAGE_SIZE)
}

/// Makes one of the host's calls on a range.
fn on_range_of(call: &mut Call<'_>, number: i64, start: u64, len: u64) -> SysResult {
    let host = call.mem().host_range(start, len, false)?;
    call.host_wait(number, [host, len, 0, 0, 0, 0])
}

pub(super) fn lock_all(call: &mut Call<'_>) -> SysResult {
    // sys/mman.h
    const MCL_CURRENT: i32 = 1;
    const MCL_FUTURE: i32 = 2;
    let how = call.int(0);
    if how == 0 || how & !(MCL_CURRENT | MCL_FUTURE) != 0 {
        return Err(Errno::EINVAL);
    }
    if how & MCL_CURRENT != 0 {
        let ranges = accessible(call)?;
        if ranges.iter().map(|(_, len)| len).sum::<u64>() > room(call)? {
            return Err(Errno::ENOMEM);
        }
        for (start, len) in ranges {
            match on_range_of(call, SYS_mlock, start, len) {
                // Unmapped by another thread since, or beyond the end of its file.
                Ok(_) | Err(Errno::ENOMEM) => {}
                Err(e) => return Err(e),
            }
        }
    }
    if let Some(os) = of(call.thread) {
        os.wired.0.store(how & MCL_FUTURE != 0, SeqCst);
    }
    Ok(0)
}

pub(super) fn unlock_all(call: &mut Call<'_>) -> SysResult {
    if let Some(os) = of(call.thread) {
        os.wired.0.store(false, SeqCst);
    }
    for region in call.mem().regions() {
        // One that is not there any more needs no unlocking.
        let _ = on_range_of(call, SYS_munlock, region.start, region.len());
    }
    Ok(0)
}

/// Whether what is mapped is to be locked.
fn is_wired(call: &Call<'_>) -> bool {
    of(call.thread).is_some_and(|os| os.wired.0.load(SeqCst))
}

/// Whether `len` more bytes may be mapped, which may have to be locked.
pub(super) fn allow_mapping(call: &mut Call<'_>, len: u64) -> SysResult<()> {
    match is_wired(call) && len > room(call)? {
        true => Err(Errno::ENOMEM),
        false => Ok(()),
    }
}

/// Memory has been mapped, which may have to be locked: pages that cannot be are left as they are, as in the kernel.
pub(super) fn mapped(call: &mut Call<'_>, start: u64, len: u64, prot: Prot) {
    if prot != Prot::NONE && is_wired(call) {
        let _ = on_range_of(call, SYS_mlock, start, len);
    }
}

/// In the child of a fork: it has locked nothing.
pub(in crate::os::freebsd::sys) fn forget(call: &Call<'_>) {
    if let Some(os) = of(call.thread) {
        os.wired.0.store(false, SeqCst);
    }
}
