//! Mappings of host memory. Callers name host addresses; `mem` makes sure that they lie in the guest's reservation.

use super::last_errno;
use crate::abi::Errno;

/// MAP_NORESERVE, for memory that is mostly not touched.
pub const NORESERVE: i32 = libc::MAP_NORESERVE;

/// Reserves `len` bytes without access, at `addr` if that is given and free. Returns the host address.
pub fn reserve(addr: Option<u64>, len: u64) -> Result<u64, Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let fixed = if addr.is_some() {
        libc::MAP_FIXED_NOREPLACE
    } else {
        0
    };
    // SAFETY: never replaces a mapping.
    let p = unsafe {
        libc::mmap(
            addr.unwrap_or(0) as *mut _,
            len as usize,
            libc::PROT_NONE,
            flags | fixed,
            -1,
            0,
        )
    };
    if p == libc::MAP_FAILED {
        return Err(last_errno());
    }
    // A kernel before 4.17 takes NOREPLACE for a hint and may map elsewhere.
    if addr.is_some_and(|a| a != p as u64) {
        release(p as u64, len);
        return Err(Errno::EEXIST);
    }
    Ok(p as u64)
}

/// Gives a reservation back.
pub fn release(addr: u64, len: u64) {
    // SAFETY: the caller owns the range.
    unsafe { libc::munmap(addr as *mut _, len as usize) };
}

/// Turns part of a reservation back into unreachable address space.
pub fn clear(addr: u64, len: u64) -> Result<(), Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    map_fixed(addr, len, libc::PROT_NONE, flags, -1, 0)
}

/// Maps over part of a reservation, shared or private; `fd` is -1 for anonymous memory, `flags` are further host flags.
pub fn map_fixed_shared(
    addr: u64,
    len: u64,
    prot: i32,
    shared: bool,
    flags: i32,
    fd: i32,
    offset: u64,
) -> Result<(), Errno> {
    let sharing = if shared {
        libc::MAP_SHARED
    } else {
        libc::MAP_PRIVATE
    };
    let anonymous = if fd < 0 { libc::MAP_ANONYMOUS } else { 0 };
    map_fixed(addr, len, prot, flags | sharing | anonymous, fd, offset)
}

/// Attaches a System V shared memory segment over part of a reservation, which is as long. `flags` are SHM_RDONLY and SHM_EXEC.
///
/// # Errors
/// The host's (EINVAL, EIDRM, EACCES, ENOMEM).
pub fn attach_segment(id: i32, addr: u64, flags: i32) -> Result<(), Errno> {
    // SAFETY: the range lies in the reservation; SHM_REMAP replaces what is there.
    let p = unsafe { libc::shmat(id, addr as *const _, flags | libc::SHM_REMAP) };
    match p as isize {
        -1 => Err(last_errno()),
        _ => Ok(()),
    }
}

fn map_fixed(
    addr: u64,
    len: u64,
    prot: i32,
    flags: i32,
    fd: i32,
    offset: u64,
) -> Result<(), Errno> {
    // SAFETY: the caller owns the range: it lies in the reservation.
    let p = unsafe {
        libc::mmap(
            addr as *mut _,
            len as usize,
            prot,
            flags | libc::MAP_FIXED,
            fd,
            offset as libc::off_t,
        )
    };
    if p == libc::MAP_FAILED {
        return Err(last_errno());
    }
    Ok(())
}

/// Grows a mapping in place over the part of the reservation after it.
pub fn grow(addr: u64, old_len: u64, new_len: u64) -> Result<(), Errno> {
    // The kernel grows into nothing only, not over the reservation's pages. In the moment between the two calls the hole is
    // nobody's; the kernel places mappings without an address far from here, top down.
    release(addr + old_len, new_len - old_len);
    // SAFETY: without MREMAP_MAYMOVE the mapping stays; what it grows over was the reservation's.
    let p = unsafe { libc::mremap(addr as *mut _, old_len as usize, new_len as usize, 0) };
    if p == libc::MAP_FAILED {
        let error = last_errno();
        clear(addr + old_len, new_len - old_len)?;
        return Err(error);
    }
    Ok(())
}

/// Changes the access of part of a reservation.
pub fn protect(addr: u64, len: u64, prot: i32) -> Result<(), Errno> {
    // SAFETY: the caller owns the range.
    match unsafe { libc::mprotect(addr as *mut _, len as usize, prot) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// Moves a mapping over another part of the reservation; `old_len` 0 duplicates a shared mapping. The old range is left unmapped.
pub fn move_fixed(old: u64, old_len: u64, new: u64, new_len: u64) -> Result<(), Errno> {
    // SAFETY: both ranges lie in the reservation.
    let p = unsafe {
        libc::mremap(
            old as *mut _,
            old_len as usize,
            new_len as usize,
            libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED,
            new as *mut libc::c_void,
        )
    };
    if p == libc::MAP_FAILED {
        return Err(last_errno());
    }
    Ok(())
}

/// Maps a page of perf's jitdump file executable, which is how `perf record` finds the file (jitdump specification). Without the
/// mapping perf misses the file, nothing else.
pub fn mark_jit_dump(file: &std::fs::File) {
    use std::os::fd::AsRawFd;
    // SAFETY: a new mapping at an address of the kernel's choice, never accessed.
    unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            super::PAGE_SIZE as usize,
            libc::PROT_READ | libc::PROT_EXEC,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
}

/// Numbers that processes share.
pub type SharedNumbers = [std::sync::atomic::AtomicI32; 2];

/// Runs `action` on numbers at the start of a file that processes share, mapped meanwhile.
///
/// # Errors
/// The host's: EACCES, ENOMEM; EINVAL for a file that is too short.
pub fn with_shared_numbers<R>(
    fd: i32,
    action: impl FnOnce(&SharedNumbers) -> R,
) -> Result<R, Errno> {
    // SAFETY: room for the result.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    if unsafe { libc::fstat(fd, &mut stat) } < 0 {
        return Err(last_errno());
    }
    // Beyond the end of the file there would be nothing to read.
    if stat.st_size < size_of::<SharedNumbers>() as i64 {
        return Err(Errno::EINVAL);
    }
    let length = super::PAGE_SIZE as usize;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            access,
            libc::MAP_SHARED,
            fd,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return Err(last_errno());
    }
    // SAFETY: a page of ours, aligned; every value is valid for atomics. It is unmapped after the reference's last use.
    let result = action(unsafe { &*at.cast::<SharedNumbers>() });
    release(at as u64, super::PAGE_SIZE);
    Ok(result)
}

/// Maps the start of a file of memory, for as long as the process lives: forked children see the same numbers. `None` if the
/// host has no room.
pub fn share_numbers(file: &std::fs::File) -> Option<&'static SharedNumbers> {
    use std::os::fd::AsRawFd;
    file.set_len(super::PAGE_SIZE).ok()?;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            super::PAGE_SIZE as usize,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: a page of ours, aligned, never unmapped, and as long as the file; every value is valid for atomics.
    Some(unsafe { &*at.cast::<SharedNumbers>() })
}
