//! Memory: mappings and protection.

mod inherited;
mod maximum;
mod ranges;
mod wired;

pub use inherited::Inherited;
pub(super) use inherited::forked;
pub use maximum::Maximums;
pub use wired::Wired;
pub(super) use wired::forget as forget_wired;

use super::procctl;
use crate::abi::{Errno, SysResult};
use crate::host::nr::*;
use crate::mem::{Backing, Kind, Mapping, PAGE_SIZE, Place, Prot, page_up};
use crate::os::freebsd::decode::memory::{self, map_flags, protection};
use crate::os::freebsd::flags as f;
use crate::os::{
    Call,
    Run::{Handler, Pass},
    Support::{Full, Partial, Stub},
    *,
};

crate::syscalls! {
    mmap(addr: BITS, len: SIZE, prot: ArgType::Named(|a| protection(a[2])), flags: ArgType::Named(|a| map_flags(a[3])), fd: FD, pos: OFFSET) -> HEXNUM, Full, Handler(map_memory);
    munmap(addr: BITS, len: SIZE) -> NUM, Full, Handler(unmap_memory);
    mprotect(addr: BITS, len: SIZE, prot: ArgType::Named(|a| protection(a[2]))) -> NUM, Full, Handler(protect_memory);
    madvise(addr: BITS, len: SIZE, behav: one_of(&f::MADVICE)) -> NUM, Full, Handler(advise);
    msync(addr: BITS, len: SIZE, flags: flags(&f::MSYNC)) -> NUM, Full, Handler(sync_memory);
    mlock(addr: BITS, len: SIZE) -> NUM, Full, Handler(wired::lock);
    munlock(addr: BITS, len: SIZE) -> NUM, Full, Handler(|c| on_range(c, SYS_munlock, 0));
    mlockall(how: flags(&f::MCL)) -> NUM, Full, Handler(wired::lock_all);
    munlockall() -> NUM, Full, Handler(wired::unlock_all);
    mincore(addr: BITS, len: SIZE, vec: ArgType::Decoded(Dir::Out, memory::residency)) -> NUM, Partial("MINCORE_INCORE is told together with MINCORE_REFERENCED"), Handler(residency);
    obreak(nsize: ADDR) -> HEXNUM, Full, Handler(move_break);
    sstk(incr: INT) -> NUM, Stub("EOPNOTSUPP, as in the kernel"), Handler(|_| Err(Errno::EOPNOTSUPP));
    freebsd11_vadvise(anom: INT) -> NUM, Stub("EINVAL, as in the kernel"), Handler(|_| Err(Errno::EINVAL));
    membarrier(cmd: one_of(&f::MEMBARRIER), flags: HEX, cpu_id: INT) -> NUM, Full, Pass(SYS_membarrier);
    minherit(addr: BITS, len: SIZE, inherit: one_of(&f::INHERIT)) -> NUM, Partial("INHERIT_SHARE of private memory is EINVAL"), Handler(inherited::inherit);
    sbrk(incr: INT) -> NUM, Stub("EOPNOTSUPP, as in the kernel"), Handler(|_| Err(Errno::EOPNOTSUPP));
}

// sys/mman.h
const MAP_SHARED: u64 = 1;
const MAP_PRIVATE: u64 = 2;
const MAP_FIXED: u64 = 0x10;
const MAP_STACK: u64 = 0x400;
const MAP_ANON: u64 = 0x1000;
const MAP_GUARD: u64 = 0x2000;
const MAP_EXCL: u64 = 0x4000;
const MAP_PREFAULT_READ: u64 = 0x4_0000;
const MAP_32BIT: u64 = 0x8_0000;
const MAP_ALIGNMENT_SHIFT: u32 = 24;
/// MAP_ALIGNED_SUPER: a hint.
const ALIGNED_SUPER: u64 = 1;
/// The host's MAP_POPULATE.
const HOST_POPULATE: i32 = 0x8000;

fn map_memory(call: &mut Call<'_>) -> SysResult {
    let (addr, len, how) = (call.arg(0), call.arg(1), call.arg(3));
    let (prot, most) = rights_asked(call)?;
    let (fd, pos) = (call.int(4), call.arg(5));
    let known = MAP_SHARED
        | MAP_PRIVATE
        | MAP_FIXED
        | 0x200
        | MAP_STACK
        | 0x800
        | MAP_ANON
        | MAP_GUARD
        | MAP_EXCL
        | 0x2_0000
        | MAP_PREFAULT_READ
        | MAP_32BIT
        | 0xff << MAP_ALIGNMENT_SHIFT;
    let fixed = how & MAP_FIXED != 0;
    let anonymous = how & (MAP_ANON | MAP_STACK | MAP_GUARD) != 0;
    if len == 0
        || how & !known & 0xffff_ffff != 0
        || how & MAP_EXCL != 0 && !fixed
        || anonymous && how & MAP_GUARD == 0 && (pos != 0 || fd != -1)
        || how & MAP_GUARD != 0 && (prot & 7 != 0 || fd != -1 || pos != 0)
        || how & MAP_SHARED != 0 && how & MAP_PRIVATE != 0
        || fixed && addr % PAGE_SIZE != pos % PAGE_SIZE
        // security.bsd.map_at_zero
        || fixed && addr < PAGE_SIZE
    {
        return Err(Errno::EINVAL);
    }
    refuse_writable_code(prot)?;
    super::limits::allow_mapping(call, len)?;
    wired::allow_mapping(call, len)?;
    let align = how >> MAP_ALIGNMENT_SHIFT & 0xff;
    let place = match (fixed, how & MAP_EXCL != 0) {
        (true, true) => Place::FixedNoReplace(addr),
        (true, false) => Place::Fixed(addr),
        // A hint is honoured only where there is room, and is not an error elsewhere.
        (false, _) => Place::Hint(if addr < call.mem().limit() { addr } else { 0 }),
    };
    let backing = if anonymous {
        Backing::Anonymous(if how & MAP_STACK != 0 {
            Kind::Stack
        } else {
            Kind::Anonymous
        })
    } else {
        if pos % PAGE_SIZE != 0 {
            return Err(Errno::EINVAL);
        }
        Backing::File {
            fd,
            offset: pos,
            file: std::sync::Arc::new(file_behind(call, fd)?),
        }
    };
    let mut mapping = Mapping {
        place,
        len,
        prot: if how & MAP_GUARD != 0 {
            Prot::NONE
        } else {
            Prot((prot & 7) as u8)
        },
        shared: how & MAP_SHARED != 0,
        backing,
        host_flags: if how & MAP_PREFAULT_READ != 0 {
            HOST_POPULATE
        } else {
            0
        },
    };
    if !fixed && how & MAP_32BIT != 0 {
        mapping.place = Place::FixedNoReplace(low_room(call, len)?);
    }
    if !fixed && align > ALIGNED_SUPER {
        if !(12..48).contains(&align) {
            return Err(Errno::EINVAL);
        }
        mapping.place = Place::Fixed(aligned_room(call, len, 1 << align)?);
    }
    match call.mem().map(&mapping) {
        // MAP_EXCL where something is mapped: FreeBSD's error, mmap(2).
        Err(Errno::EEXIST) => Err(Errno::EINVAL),
        Ok(at) => {
            let len = page_up(len).unwrap_or(len);
            let most = most.or_else(|| procctl::implied_maximum(prot as u8));
            limit(call, at, len, most.unwrap_or(maximum::ALL));
            inherited_as_ever(call, at, len);
            wired::mapped(call, at, len, mapping.prot);
            Ok(at)
        }
        other => other,
    }
}

/// Protection and its maximum, if one is given, of argument 2.
fn rights_asked(call: &Call<'_>) -> SysResult<(u64, Option<u8>)> {
    const PROT_MAX_SHIFT: u32 = 16;
    const RIGHTS: u64 = maximum::ALL as u64;
    let given = call.arg(2) & 0xffff_ffff;
    if given & !(RIGHTS | RIGHTS << PROT_MAX_SHIFT) != 0 {
        return Err(Errno::EINVAL);
    }
    let (prot, most) = (given & RIGHTS, given >> PROT_MAX_SHIFT);
    match most {
        0 => Ok((prot, None)),
        // ENOTSUP
        most if prot & !most != 0 => Err(Errno::EOPNOTSUPP),
        most => Ok((prot, Some(most as u8))),
    }
}

/// Memory that can be written and executed, where the process is to have none (PROC_WXMAP_CTL).
fn refuse_writable_code(prot: u64) -> SysResult<()> {
    const BOTH: u64 = 6;
    match prot & BOTH == BOTH && procctl::forbids_writable_code() {
        true => Err(Errno::EACCES),
        false => Ok(()),
    }
}

/// Says what is allowed at most of a range from now on.
fn limit(call: &Call<'_>, start: u64, len: u64, most: u8) {
    if let Some(os) = crate::os::freebsd::of(call.thread) {
        os.maximums.set(start..start.saturating_add(len), most);
    }
}

/// A child of fork gets of a range what it gets of any.
fn inherited_as_ever(call: &Call<'_>, start: u64, len: u64) {
    if let Some(os) = crate::os::freebsd::of(call.thread) {
        os.inherited.forget(start, len);
    }
}

/// Room for `len` bytes below 2 GiB.
fn low_room(call: &Call<'_>, len: u64) -> SysResult {
    const LOWEST: u64 = 0x1000_0000;
    const LIMIT: u64 = 1 << 31;
    let len = page_up(len).ok_or(Errno::ENOMEM)?;
    let mut at = LOWEST;
    while at.checked_add(len).is_some_and(|end| end <= LIMIT) {
        match call.mem().region_at_or_after(at) {
            Some(region) if region.start < at + len => at = region.end,
            _ => return Ok(at),
        }
    }
    Err(Errno::ENOMEM)
}

/// Reserves room for `len` bytes at a multiple of `align`: maps more, and gives back what lies around it.
fn aligned_room(call: &Call<'_>, len: u64, align: u64) -> SysResult {
    let len = page_up(len).ok_or(Errno::ENOMEM)?;
    let more = len.checked_add(align).ok_or(Errno::ENOMEM)?;
    let start = call
        .mem()
        .map(&Mapping::anonymous(Place::Hint(0), more, Prot::NONE))?;
    let at = start.next_multiple_of(align);
    if at > start {
        call.mem().unmap(start, at - start)?;
    }
    if start + more > at + len {
        call.mem().unmap(at + len, start + more - at - len)?;
    }
    Ok(at)
}

/// Addresses need not be aligned: the kernel takes the pages they are in.
fn pages(call: &Call<'_>) -> SysResult<(u64, u64)> {
    let start = call.arg(0) & !(PAGE_SIZE - 1);
    let len = call
        .arg(1)
        .checked_add(call.arg(0) - start)
        .and_then(page_up)
        .ok_or(Errno::EINVAL)?;
    let end = start.checked_add(len).ok_or(Errno::EINVAL)?;
    if call.abi.abi.is_32bit() && end > u64::from(u32::MAX) {
        return Err(Errno::EINVAL);
    }
    Ok((start, len))
}

fn unmap_memory(call: &mut Call<'_>) -> SysResult {
    if call.arg(1) == 0 {
        return Err(Errno::EINVAL);
    }
    let (start, len) = pages(call)?;
    call.mem().unmap(start, len)?;
    limit(call, start, len, maximum::ALL);
    inherited_as_ever(call, start, len);
    Ok(0)
}

fn protect_memory(call: &mut Call<'_>) -> SysResult {
    let (prot, most) = rights_asked(call)?;
    let (start, len) = pages(call)?;
    if len == 0 {
        return Ok(0);
    }
    let allowed = |rights: u8| {
        let os = crate::os::freebsd::of(call.thread);
        os.is_none_or(|os| {
            os.maximums
                .allow(&(start..start.saturating_add(len)), rights)
        })
    };
    if !allowed(prot as u8 | most.unwrap_or(0)) {
        return Err(Errno::EACCES);
    }
    refuse_writable_code(prot)?;
    call.mem().protect(start, len, Prot(prot as u8))?;
    if let Some(most) = most {
        limit(call, start, len, most);
    }
    Ok(0)
}

/// `break`, which newer instruction sets do not have. An address below the heap asks where it ends.
fn move_break(call: &mut Call<'_>) -> SysResult {
    if !crate::os::freebsd::isa_of(call.thread).has_break {
        return Err(Errno::ENOSYS);
    }
    let (start, old) = call.mem().heap();
    let new = page_up(call.arg(0)).ok_or(Errno::ENOMEM)?;
    if new < start {
        return Ok(old);
    }
    if new > old {
        super::limits::allow_heap(call, new - start)?;
        super::limits::allow_mapping(call, new - old)?;
        wired::allow_mapping(call, new - old)?;
    }
    match call.mem().brk(new) {
        end if end == new => {
            wired::mapped(call, old, new.saturating_sub(old), Prot::RW);
            Ok(new)
        }
        _ => Err(Errno::ENOMEM),
    }
}

fn on_range(call: &mut Call<'_>, number: i64, third: u64) -> SysResult {
    let (start, len) = pages(call)?;
    if len == 0 {
        return Ok(0);
    }
    if !call.mem().is_mapped(start, len) {
        return Err(Errno::ENOMEM);
    }
    let host = call.mem().host_range(start, len, false)?;
    call.host_wait(number, [host, len, third, 0, 0, 0])
}

fn advise(call: &mut Call<'_>) -> SysResult {
    const HOST_MADV_FREE: u64 = 8;
    match call.arg(2) {
        advice @ 0..=3 => on_range(call, SYS_madvise, advice),
        // Unlike the host's, it keeps the contents: a hint that the pages are not needed soon.
        4 => on_range(call, SYS_madvise, 0),
        // Only private anonymous memory can be freed on the host; elsewhere it is a hint.
        5 => on_range(call, SYS_madvise, HOST_MADV_FREE).or(Ok(0)),
        6..=10 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

fn sync_memory(call: &mut Call<'_>) -> SysResult {
    let how = call.host_flags(2);
    on_range(call, SYS_msync, how)
}

fn residency(call: &mut Call<'_>) -> SysResult {
    /// MINCORE_INCORE | MINCORE_REFERENCED
    const PRESENT: u8 = 3;
    let (start, len) = pages(call)?;
    if !call.mem().is_mapped(start, len) {
        return Err(Errno::ENOMEM);
    }
    let host = call.mem().host_range(start, len, false)?;
    let mut vec = vec![0u8; (len / PAGE_SIZE) as usize];
    call.host(SYS_mincore, [host, len, vec.as_mut_ptr() as u64, 0, 0, 0])?;
    for page in &mut vec {
        *page = if *page & 1 != 0 { PRESENT } else { 0 };
    }
    call.write_bytes(call.arg(2), &vec)?;
    Ok(0)
}
