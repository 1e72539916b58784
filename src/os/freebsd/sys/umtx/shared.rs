//! UMTX_OP_SHM: a page of shared memory that goes with an address in shared memory, where libthr keeps what does not fit into a
//! process-shared `pthread_mutex_t`.
//!
//! The host's kernel names the object behind the address (device and inode, also of anonymous shared memory), so that
//! every process that maps it finds the same page: a file in `/dev/shm`, which is there until it is destroyed.

use super::*;
use crate::mem::PAGE_SIZE;

const CREAT: u64 = 1;
const LOOKUP: u64 = 2;
const DESTROY: u64 = 4;
const ALIVE: u64 = 8;

pub(super) fn operate(call: &mut Call<'_>, how: u64, at: u64) -> SysResult {
    if how & !0xf != 0 || how.count_ones() != 1 {
        return Err(Errno::EINVAL);
    }
    let host = call.host_range(at, 1, false)?;
    if !call.mem().is_mapped(at, 1) {
        return Err(Errno::EFAULT);
    }
    if how == ALIVE {
        return Ok(0);
    }
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|_| Errno::ENOMEM)?;
    let Some(object) = maps.lines().find_map(|line| object_at(line, host)) else {
        call.unimplemented("UMTX_OP_SHM of private memory");
        return Err(Errno::EINVAL);
    };
    let path = cstring(format!(
        "/dev/shm/emu-umtx.{}.{object}",
        crate::host::ids().euid
    ))?;
    let path = path.as_ptr() as u64;
    // The host's fcntl.h.
    const AT_FDCWD: u64 = -100i64 as u64;
    const O_RDWR: u64 = 2;
    const O_CREAT: u64 = 0x40;
    const O_CLOEXEC: u64 = 0x8_0000;
    let flags = O_RDWR | O_CLOEXEC;
    match how {
        CREAT => {
            let fd = call.host(SYS_openat, [AT_FDCWD, path, flags | O_CREAT, 0o600, 0, 0])?;
            call.host(SYS_ftruncate, [fd, PAGE_SIZE, 0, 0, 0, 0])?;
            Ok(fd)
        }
        LOOKUP => match call.host(SYS_openat, [AT_FDCWD, path, flags, 0, 0, 0]) {
            // ESRCH: no such page is registered.
            Err(Errno::ENOENT) => Err(Errno::ESRCH),
            other => other,
        },
        DESTROY => match call.host(SYS_unlinkat, [AT_FDCWD, path, 0, 0, 0, 0]) {
            Err(Errno::ENOENT) => Err(Errno::ESRCH),
            other => other,
        },
        _ => Err(Errno::EINVAL),
    }
}

/// Names the shared object and the offset behind a host address, if this line of `maps` is about it.
fn object_at(line: &str, host: u64) -> Option<String> {
    let mut fields = line.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    let shared = fields.next()?.ends_with('s');
    let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
    let (device, inode) = (fields.next()?, fields.next()?);
    if !(start..end).contains(&host) || !shared {
        return None;
    }
    let offset = offset + (host - start);
    Some(format!("{}.{inode}.{offset:x}", device.replace(':', "-")))
}

#[cfg(test)]
mod tests {
    use super::object_at;

    #[test]
    fn the_kernels_list_names_shared_objects() {
        let line = "7f00-8f00 rw-s 00001000 00:01 1234                       /dev/zero (deleted)";
        assert_eq!(object_at(line, 0x7f10), Some("00-01.1234.1010".into()));
        assert_eq!(object_at(line, 0x8f00), None);
        let private = line.replace("rw-s", "rw-p");
        assert_eq!(object_at(&private, 0x7f10), None);
    }
}
