//! Flags of files (`chflags`), which are attributes of some of the host's file systems (`linux/fs.h`, `linux/stat.h`).

use super::*;
use crate::host;
use crate::host::fd::OwnFd;

/// What is missing.
pub(super) const LIMITS: &str = "UF_NODUMP, UF_IMMUTABLE, UF_APPEND where the host's file system has them (SF_ are told as UF_, and the host lets only the superuser set these two); EOPNOTSUPP for others";

const UF_NODUMP: u32 = 1;
const UF_IMMUTABLE: u32 = 2;
const UF_APPEND: u32 = 4;
const SF_IMMUTABLE: u32 = 0x2_0000;
const SF_APPEND: u32 = 0x4_0000;

/// FreeBSD's flags, and the host's attribute of the same meaning: FS_NODUMP_FL and its like, and STATX_ATTR_NODUMP, which have the
/// same values. The first flag of several is the one that is told.
const ATTRIBUTES: [(u32, u32); 5] = [
    (UF_NODUMP, 0x40),
    (UF_IMMUTABLE, 0x10),
    (UF_APPEND, 0x20),
    (SF_IMMUTABLE, 0x10),
    (SF_APPEND, 0x20),
];

/// `st_flags` of a file with these attributes of statx(2).
pub(super) fn of_attributes(attributes: u64) -> u32 {
    let told = ATTRIBUTES.iter().take(3);
    let set = told.filter(|(_, host)| attributes & u64::from(*host) != 0);
    set.fold(0, |all, (flag, _)| all | flag)
}

/// The host's attributes for these flags.
///
/// # Errors
/// EOPNOTSUPP for a flag that the host does not have.
fn to_attributes(flags: u32) -> SysResult<u32> {
    let known = ATTRIBUTES.iter().fold(0, |all, (flag, _)| all | flag);
    if flags & !known != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let set = ATTRIBUTES.iter().filter(|(flag, _)| flags & flag != 0);
    Ok(set.fold(0, |all, (_, host)| all | host))
}

/// `fchflags`
pub(super) fn of_descriptor(call: &mut Call<'_>) -> SysResult {
    let path = cstring(format!("/proc/self/fd/{}", call.int(0)))?;
    let found = Statx::of(call, call.arg(0), c"", HOST_EMPTY_PATH)?;
    change(&found, AT_FDCWD, &path, 0, call.arg(1) as u32)
}

/// `chflagsat` and its like. `flags` are the guest's.
pub(super) fn of_path(call: &mut Call<'_>, dir: Option<usize>, flags: u64) -> SysResult {
    const HOST_O_NOFOLLOW: u64 = 0x2_0000;
    let at = dir.map_or(0, |n| n + 1);
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let path = call.path(at)?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let host_flags = f::AT.to_host(call.abi.dialect, flags);
    let found = Statx::of(call, dir, &path, host_flags)?;
    let follow = if flags & NOFOLLOW != 0 {
        HOST_O_NOFOLLOW
    } else {
        0
    };
    change(&found, dir, &path, follow, call.arg(at + 1) as u32)
}

/// Gives a file of which `found` is known these flags.
fn change(found: &Statx, dir: u64, path: &std::ffi::CStr, follow: u64, flags: u32) -> SysResult {
    // O_NONBLOCK, O_CLOEXEC of the host.
    const HOW: u64 = 0x800 | 0x8_0000;
    const FS_IOC_GETFLAGS: u64 = 0x8008_6601;
    const FS_IOC_SETFLAGS: u64 = 0x4008_6602;
    const ALL: u32 = 0x70;
    let owner = found.u32(20);
    if host::ids().euid != 0 && host::ids().euid != owner {
        return Err(Errno::EPERM);
    }
    let wanted = to_attributes(flags)?;
    if wanted == found.u64(8) as u32 & ALL {
        return Ok(0);
    }
    const S_IFMT: u16 = 0o17_0000;
    // Opening a device or a FIFO may do more than open it.
    if !matches!(found.u16(28) & S_IFMT, 0o10_0000 | 0o4_0000) {
        return Err(Errno::EOPNOTSUPP);
    }
    let file = OwnFd::open(
        SYS_openat,
        [dir, path.as_ptr() as u64, HOW | follow, 0, 0, 0],
    )?;
    let mut attributes = 0u32;
    let fd = file.number() as u64;
    let changed = host::syscall(
        SYS_ioctl,
        [fd, FS_IOC_GETFLAGS, (&raw mut attributes) as u64, 0, 0, 0],
    )
    .and_then(|_| {
        attributes = attributes & !ALL | wanted;
        let at = (&raw const attributes) as u64;
        host::syscall(SYS_ioctl, [fd, FS_IOC_SETFLAGS, at, 0, 0, 0])
    });
    changed.map_err(|e| match e {
        Errno::ENOTTY | Errno::EINVAL => Errno::EOPNOTSUPP,
        e => e,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_attributes() {
        assert_eq!(of_attributes(0x70), UF_NODUMP | UF_IMMUTABLE | UF_APPEND);
        assert_eq!(of_attributes(4), 0);
        assert_eq!(to_attributes(SF_IMMUTABLE | UF_NODUMP), Ok(0x50));
        assert_eq!(to_attributes(0x800), Err(Errno::EOPNOTSUPP));
    }
}
