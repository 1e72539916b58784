//! Memory: mappings, protection, the heap.

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::mem::{Backing, Mapping, PAGE_SIZE, Place, Prot, page_up};
use crate::os::linux::flags as f;
use crate::os::{
    Call, Dir,
    Run::{Handler, Pass},
    Support::{Full, Missing, Partial, Stub},
    *,
};

crate::syscalls! {
    mmap(addr: BITS, length: SIZE, prot: flags(&f::PROT), flags: flags(&f::MAP), fd: FD, offset: BITS) -> HEXNUM, Full, Handler(|c| map_memory(c, 1));
    mmap2(addr: BITS, length: SIZE, prot: flags(&f::PROT), flags: flags(&f::MAP), fd: FD, pgoffset: BITS) -> HEXNUM, Full, Handler(|c| map_memory(c, PAGE_SIZE));
    munmap(addr: BITS, length: SIZE) -> NUM, Full, Handler(|c| c.mem().unmap(c.arg(0), c.arg(1)).map(|()| 0));
    mprotect(addr: BITS, length: SIZE, prot: flags(&f::PROT)) -> NUM, Full, Handler(protect_memory);
    pkey_mprotect(addr: BITS, length: SIZE, prot: flags(&f::PROT), pkey: INT) -> NUM, Partial("only key -1"), Handler(protect_memory_by_key);
    pkey_alloc(flags: HEX, access_rights: HEX) -> NUM, Stub("ENOSPC, as on a CPU without protection keys"), Handler(|_| Err(Errno::ENOSPC));
    pkey_free(pkey: INT) -> NUM, Stub("EINVAL, as no key can be had"), Handler(|_| Err(Errno::EINVAL));
    mremap(old_address: BITS, old_size: SIZE, new_size: SIZE, flags: flags(&f::MREMAP), new_address: ArgType::By(|a, _| if a[3] & MREMAP_FIXED != 0 { BITS } else { ArgType::Absent })) -> HEXNUM, Partial("MREMAP_DONTUNMAP"), Handler(remap_memory);
    brk(addr: BITS) -> HEXNUM, Full, Handler(|c| Ok(c.mem().brk(c.arg(0))));
    madvise(addr: BITS, length: SIZE, advice: one_of(&f::MADVICE)) -> NUM, Full, Handler(advise);
    process_madvise(pidfd: FD, vec: ADDR, vlen: SIZE, advice: one_of(&f::MADVICE), flags: HEX) -> NUM, Missing, Run::Missing;
    msync(addr: BITS, length: SIZE, flags: flags(&f::MSYNC)) -> NUM, Full, Handler(|c| on_range(c, SYS_msync, true));
    mlock(addr: BITS, length: SIZE) -> NUM, Full, Handler(|c| on_range(c, SYS_mlock, false));
    mlock2(addr: BITS, length: SIZE, flags: HEX) -> NUM, Full, Handler(|c| on_range(c, SYS_mlock2, false));
    munlock(addr: BITS, length: SIZE) -> NUM, Full, Handler(|c| on_range(c, SYS_munlock, false));
    mlockall(flags: flags(&f::MCL)) -> NUM, Stub("success: locking all would lock the emulator's reservation too"), Handler(|_| Ok(0));
    munlockall() -> NUM, Stub("success, as mlockall locks nothing"), Handler(|_| Ok(0));
    mincore(addr: BITS, length: SIZE, vec: ADDR) -> NUM, Full, Handler(residency);
    mseal(addr: BITS, length: SIZE, flags: HEX) -> NUM, Missing, Run::Missing;
    remap_file_pages(addr: BITS, size: SIZE, prot: flags(&f::PROT), pgoff: SIZE, flags: flags(&f::MAP)) -> NUM, Missing, Run::Missing;
    mbind(addr: BITS, length: SIZE, mode: flags(&f::MEMPOLICY), nodemask: ADDR, maxnode: ULONG, flags: HEX) -> NUM, Full, Handler(bind_memory);
    get_mempolicy(mode: ints_of(Dir::Out, Kind::I32, Show::Flags(&f::MEMPOLICY), 1), nodemask: ADDR, maxnode: ULONG, addr: BITS, flags: BITS) -> NUM, Full, Handler(tell_policy);
    set_mempolicy(mode: flags(&f::MEMPOLICY), nodemask: ADDR, maxnode: ULONG) -> NUM, Full, Handler(set_policy);
    set_mempolicy_home_node(start: BITS, len: SIZE, home_node: ULONG, flags: BITS) -> NUM, Missing, Run::Missing;
    migrate_pages(pid: INT, maxnode: ULONG, old_nodes: ADDR, new_nodes: ADDR) -> NUM, Full, Handler(migrate);
    move_pages(pid: INT, count: SIZE, pages: ADDR, nodes: ADDR, status: ADDR, flags: HEX) -> NUM, Missing, Run::Missing;
    memfd_secret(flags: flags(&f::OPEN)) -> FDNUM, Full, Pass(SYS_memfd_secret);
    userfaultfd(flags: HEX) -> FDNUM, Missing, Run::Missing;
    map_shadow_stack(addr: BITS, size: SIZE, flags: HEX) -> HEXNUM, Stub("EOPNOTSUPP, as on a CPU without shadow stacks"), Handler(|_| Err(Errno::EOPNOTSUPP));
    process_mrelease(pidfd: FD, flags: HEX) -> NUM, Full, Pass(SYS_process_mrelease);
}

const MAP_SHARED: u64 = 1;
const MAP_TYPE: u64 = 0xf;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
const MAP_GROWSDOWN: u64 = 0x100;
/// Flags of the host's kernel that `mem` takes: MAP_LOCKED, MAP_NORESERVE, MAP_POPULATE, MAP_NONBLOCK, MAP_HUGETLB with the
/// size in the high bits, MAP_SYNC.
const MAP_HOST: u64 = 0x2000 | 0x4000 | 0x8000 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0xfc00_0000;

fn map_memory(call: &mut Call<'_>, unit: u64) -> SysResult {
    let (addr, len, prot) = (call.arg(0), call.arg(1), call.arg(2));
    let map_flags = call.host_flags(3);
    let offset = call.arg(5).checked_mul(unit).ok_or(Errno::EOVERFLOW)?;
    let shared = match map_flags & MAP_TYPE {
        MAP_SHARED | 3 => true,
        2 => false,
        _ => return Err(Errno::EINVAL),
    };
    if len == 0 || offset % PAGE_SIZE != 0 {
        return Err(Errno::EINVAL);
    }
    if map_flags & MAP_GROWSDOWN != 0 {
        call.unimplemented("MAP_GROWSDOWN, the mapping does not grow");
    }
    let place = if map_flags & MAP_FIXED_NOREPLACE != 0 {
        Place::FixedNoReplace(addr)
    } else if map_flags & MAP_FIXED != 0 {
        Place::Fixed(addr)
    } else {
        Place::Hint(addr)
    };
    let backing = if map_flags & MAP_ANONYMOUS != 0 {
        Backing::Anonymous(crate::mem::Kind::Anonymous)
    } else {
        let fd = call.int(4);
        Backing::File {
            fd,
            offset,
            file: std::sync::Arc::new(file_behind(call, fd)?),
        }
    };
    call.mem().map(&Mapping {
        place,
        len,
        prot: Prot((prot & 7) as u8),
        shared,
        backing,
        host_flags: (map_flags & MAP_HOST) as i32,
    })
}

fn protect_memory(call: &mut Call<'_>) -> SysResult {
    let prot = call.arg(2);
    if prot & !0x0300_001f != 0 {
        return Err(Errno::EINVAL);
    }
    if prot & 0x0300_0000 != 0 {
        call.unimplemented("PROT_GROWSDOWN or PROT_GROWSUP");
        return Err(Errno::EINVAL);
    }
    call.mem()
        .protect(call.arg(0), call.arg(1), Prot((prot & 7) as u8))?;
    Ok(0)
}

fn protect_memory_by_key(call: &mut Call<'_>) -> SysResult {
    if call.int(3) != -1 {
        return Err(Errno::EINVAL);
    }
    protect_memory(call)
}

const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;

fn remap_memory(call: &mut Call<'_>) -> SysResult {
    let how = call.arg(3);
    if how & !(MREMAP_MAYMOVE | MREMAP_FIXED) != 0 {
        if how & 4 != 0 {
            call.unimplemented("MREMAP_DONTUNMAP");
        }
        return Err(Errno::EINVAL);
    }
    let fixed = (how & MREMAP_FIXED != 0).then_some(call.arg(4));
    call.mem().remap(
        call.arg(0),
        call.arg(1),
        call.arg(2),
        how & MREMAP_MAYMOVE != 0,
        fixed,
    )
}

/// Checks a range as the kernel does for `madvise` and its like, and makes the call on the host's addresses.
fn on_range(call: &mut Call<'_>, number: i64, wait: bool) -> SysResult {
    let start = call.arg(0);
    let len = page_up(call.arg(1)).ok_or(Errno::EINVAL)?;
    if len == 0 {
        return Ok(0);
    }
    // Only the guest's own mappings: what lies between them is the emulator's reservation, which counts as unmapped.
    if !call.mem().is_mapped(start & !(PAGE_SIZE - 1), len) {
        return Err(Errno::ENOMEM);
    }
    let host = call.mem().host_range(start, len, false)?;
    let args = [host, call.arg(1), call.arg(2), 0, 0, 0];
    if wait {
        call.host_wait(number, args)
    } else {
        call.host(number, args)
    }
}

/// Nodes of a set at most, as in the kernel.
const NODES_MAX: u64 = crate::mem::PAGE_SIZE * 8;

/// A set of nodes, an array of the guest's `long`s, as one of the host's. `maxnode` is one more than the bits that count.
fn nodes_of(call: &Call<'_>, addr: u64, maxnode: u64) -> SysResult<Vec<u64>> {
    if maxnode > NODES_MAX {
        return Err(Errno::EINVAL);
    }
    let word = call.abi.abi.word;
    let bits = u64::from(word) * 8;
    let mut nodes = vec![0u64; maxnode.div_ceil(64) as usize + 1];
    for i in 0..maxnode.saturating_sub(1).div_ceil(bits) {
        let value = call.read_int(addr.wrapping_add(i * u64::from(word)), Kind::Ulong)?;
        let at = i * bits;
        nodes[at as usize / 64] |= value << (at % 64);
    }
    Ok(nodes)
}

/// The host's pointer to a set that may be missing.
fn pointer_to(nodes: &Option<Vec<u64>>) -> u64 {
    nodes.as_ref().map_or(0, |n| n.as_ptr() as u64)
}

/// Sets of nodes in two arguments: where, and how many.
fn optional_nodes(call: &Call<'_>, addr: usize, maxnode: usize) -> SysResult<Option<Vec<u64>>> {
    match call.arg(addr) {
        0 => Ok(None),
        at => nodes_of(call, at, call.arg(maxnode)).map(Some),
    }
}

fn bind_memory(call: &mut Call<'_>) -> SysResult {
    let nodes = optional_nodes(call, 3, 4)?;
    let (start, len) = (call.arg(0), call.arg(1));
    if start % PAGE_SIZE != 0 {
        return Err(Errno::EINVAL);
    }
    if !call
        .mem()
        .is_mapped(start, page_up(len).ok_or(Errno::EINVAL)?)
    {
        return Err(Errno::EFAULT);
    }
    let host = call.mem().host_range(start, len, false)?;
    let args = [
        host,
        len,
        call.arg(2),
        pointer_to(&nodes),
        call.arg(4),
        call.arg(5),
    ];
    call.host(SYS_mbind, args)
}

fn set_policy(call: &mut Call<'_>) -> SysResult {
    let nodes = optional_nodes(call, 1, 2)?;
    let args = [call.arg(0), pointer_to(&nodes), call.arg(2), 0, 0, 0];
    call.host(SYS_set_mempolicy, args)
}

fn migrate(call: &mut Call<'_>) -> SysResult {
    let old = optional_nodes(call, 2, 1)?;
    let new = optional_nodes(call, 3, 1)?;
    let args = [
        call.arg(0),
        call.arg(1),
        pointer_to(&old),
        pointer_to(&new),
        0,
        0,
    ];
    call.host(SYS_migrate_pages, args)
}

/// `MPOL_F_ADDR`
const POLICY_OF_ADDRESS: u64 = 2;

fn tell_policy(call: &mut Call<'_>) -> SysResult {
    let (mode_at, nodes_at, maxnode) = (call.arg(0), call.arg(1), call.arg(2));
    if maxnode > NODES_MAX {
        return Err(Errno::EINVAL);
    }
    let mut mode = [0u8; 8];
    let mut nodes = vec![0u64; maxnode.div_ceil(64) as usize + 1];
    let addr = match call.arg(4) & POLICY_OF_ADDRESS {
        0 => call.arg(3),
        _ => call.mem().host_range(call.arg(3), 1, false)?,
    };
    let args = [
        if mode_at == 0 {
            0
        } else {
            mode.as_mut_ptr() as u64
        },
        if nodes_at == 0 {
            0
        } else {
            nodes.as_mut_ptr() as u64
        },
        maxnode,
        addr,
        call.arg(4),
        0,
    ];
    let result = call.host(SYS_get_mempolicy, args)?;
    if mode_at != 0 {
        let mode = u32::from_le_bytes([mode[0], mode[1], mode[2], mode[3]]);
        call.write_int(mode_at, Kind::I32, mode.into())?;
    }
    if nodes_at != 0 {
        let word = u64::from(call.abi.abi.word);
        for i in 0..maxnode.div_ceil(word * 8) {
            let at = i * word * 8;
            call.write_int(
                nodes_at + i * word,
                Kind::Ulong,
                nodes[at as usize / 64] >> (at % 64),
            )?;
        }
    }
    Ok(result)
}

const MADV_DONTFORK: u64 = 10;
const MADV_DOFORK: u64 = 11;

fn advise(call: &mut Call<'_>) -> SysResult {
    let (start, len, advice) = (call.arg(0), call.arg(1), call.arg(2));
    if start % PAGE_SIZE != 0 {
        return Err(Errno::EINVAL);
    }
    // A child without these pages would have a hole in the reservation, where the host could map something of its own.
    if matches!(advice, MADV_DONTFORK | MADV_DOFORK) {
        call.unimplemented("MADV_DONTFORK, MADV_DOFORK");
        return Err(Errno::EINVAL);
    }
    let _ = len;
    on_range(call, SYS_madvise, false)
}

fn residency(call: &mut Call<'_>) -> SysResult {
    let (start, len) = (call.arg(0), call.arg(1));
    let pages = page_up(len).ok_or(Errno::ENOMEM)? / PAGE_SIZE;
    if start % PAGE_SIZE != 0 {
        return Err(Errno::EINVAL);
    }
    if !call.mem().is_mapped(start, pages * PAGE_SIZE) {
        return Err(Errno::ENOMEM);
    }
    let host = call.mem().host_range(start, len, false)?;
    let vec = call.lend(call.arg(2), pages, Dir::Out, false)?;
    call.host(SYS_mincore, [host, len, vec, 0, 0, 0])
}
