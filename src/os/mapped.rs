//! The file behind a descriptor that is mapped.

use crate::abi::{Errno, GuestStruct, OsAbi, SysResult};
use crate::host::nr::SYS_statx;
use crate::mem::File;
use crate::os::Call;
use crate::os::linux::structs::Statx;

/// What the region list calls the file behind a descriptor. Its path is empty where `/proc` is not mounted, as in a root that the
/// guest changed to.
///
/// # Errors
/// EBADF if there is no such descriptor.
pub fn file_behind(call: &mut Call<'_>, fd: i32) -> SysResult<File> {
    const AT_EMPTY_PATH: u64 = 0x1000;
    const STATX_INO: u64 = 0x100;
    // AT_FDCWD would be the working folder.
    if fd < 0 {
        return Err(Errno::EBADF);
    }
    let mut bytes = vec![0; Statx::DESC.size(OsAbi::HOST)];
    let args = [
        fd as u64,
        c"".as_ptr() as u64,
        AT_EMPTY_PATH,
        STATX_INO,
        bytes.as_mut_ptr() as u64,
        0,
    ];
    call.host(SYS_statx, args)?;
    let stat = Statx::read(OsAbi::HOST, &bytes)?;
    Ok(File {
        path: std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default(),
        dev: libc::makedev(stat.stx_dev_major, stat.stx_dev_minor),
        inode: stat.stx_ino,
    })
}
