//! Extended attributes and access control lists (`sys/extattr.h`, `sys/acl.h`).
//!
//! Attributes of the name space `user` are the host's `user.NAME`, those of `system`, which is the superuser's, `trusted.NAME`.

use std::ffi::CString;

use crate::abi::{Errno, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::{
    ArgType, Call,
    Run::Handler,
    Support::{Full, Stub},
    *,
};

const SPACE: ArgType = one_of(&f::EXTATTR);
const NO_ACL: &str = "EOPNOTSUPP, as on a file system without access control lists";

crate::syscalls! {
    extattr_set_fd(fd: FD, attrnamespace: SPACE, attrname: STR, data: buf_in(4), nbytes: SIZE) -> NUM, Full, Handler(|c| set(c, Target::Descriptor(SYS_fsetxattr)));
    extattr_set_file(path: PATH, attrnamespace: SPACE, attrname: STR, data: buf_in(4), nbytes: SIZE) -> NUM, Full, Handler(|c| set(c, Target::Path(SYS_setxattr)));
    extattr_set_link(path: PATH, attrnamespace: SPACE, attrname: STR, data: buf_in(4), nbytes: SIZE) -> NUM, Full, Handler(|c| set(c, Target::Path(SYS_lsetxattr)));
    extattr_get_fd(fd: FD, attrnamespace: SPACE, attrname: STR, data: buf_out(4), nbytes: SIZE) -> NUM, Full, Handler(|c| get(c, Target::Descriptor(SYS_fgetxattr)));
    extattr_get_file(path: PATH, attrnamespace: SPACE, attrname: STR, data: buf_out(4), nbytes: SIZE) -> NUM, Full, Handler(|c| get(c, Target::Path(SYS_getxattr)));
    extattr_get_link(path: PATH, attrnamespace: SPACE, attrname: STR, data: buf_out(4), nbytes: SIZE) -> NUM, Full, Handler(|c| get(c, Target::Path(SYS_lgetxattr)));
    extattr_delete_fd(fd: FD, attrnamespace: SPACE, attrname: STR) -> NUM, Full, Handler(|c| delete(c, Target::Descriptor(SYS_fremovexattr)));
    extattr_delete_file(path: PATH, attrnamespace: SPACE, attrname: STR) -> NUM, Full, Handler(|c| delete(c, Target::Path(SYS_removexattr)));
    extattr_delete_link(path: PATH, attrnamespace: SPACE, attrname: STR) -> NUM, Full, Handler(|c| delete(c, Target::Path(SYS_lremovexattr)));
    extattr_list_fd(fd: FD, attrnamespace: SPACE, data: buf_out(3), nbytes: SIZE) -> NUM, Full, Handler(|c| list(c, Target::Descriptor(SYS_flistxattr)));
    extattr_list_file(path: PATH, attrnamespace: SPACE, data: buf_out(3), nbytes: SIZE) -> NUM, Full, Handler(|c| list(c, Target::Path(SYS_listxattr)));
    extattr_list_link(path: PATH, attrnamespace: SPACE, data: buf_out(3), nbytes: SIZE) -> NUM, Full, Handler(|c| list(c, Target::Path(SYS_llistxattr)));
    extattrctl(path: PATH, cmd: INT, filename: STR, attrnamespace: INT, attrname: STR) -> NUM, Stub("EOPNOTSUPP, as on a file system other than UFS1"), Handler(no_list);
    __acl_get_file(path: PATH, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list);
    __acl_set_file(path: PATH, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list);
    __acl_get_fd(filedes: FD, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list_of_descriptor);
    __acl_set_fd(filedes: FD, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list_of_descriptor);
    __acl_get_link(path: PATH, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list);
    __acl_set_link(path: PATH, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list);
    __acl_delete_file(path: PATH, r#type: one_of(&f::ACL_TYPE)) -> NUM, Stub(NO_ACL), Handler(no_list);
    __acl_delete_fd(filedes: FD, r#type: one_of(&f::ACL_TYPE)) -> NUM, Stub(NO_ACL), Handler(no_list_of_descriptor);
    __acl_delete_link(path: PATH, r#type: one_of(&f::ACL_TYPE)) -> NUM, Stub(NO_ACL), Handler(no_list);
    __acl_aclcheck_file(path: PATH, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list);
    __acl_aclcheck_fd(filedes: FD, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list_of_descriptor);
    __acl_aclcheck_link(path: PATH, r#type: one_of(&f::ACL_TYPE), aclp: ADDR) -> NUM, Stub(NO_ACL), Handler(no_list);
}

/// How the file is named, and the host's call for that.
#[derive(Clone, Copy)]
enum Target {
    Path(i64),
    Descriptor(i64),
}

/// Makes the host's call on the file that the first argument names.
fn on(call: &mut Call<'_>, target: Target, rest: [u64; 4]) -> SysResult {
    let [a, b, c, d] = rest;
    match target {
        Target::Path(number) => {
            let path = call.path(0)?;
            call.host(number, [path.as_ptr() as u64, a, b, c, d, 0])
        }
        Target::Descriptor(number) => call.host(number, [call.arg(0), a, b, c, d, 0]),
    }
}

/// What the host's names of a name space begin with.
fn prefix(call: &Call<'_>) -> SysResult<&'static str> {
    match call.int(1) {
        1 => Ok("user."),
        2 => Ok("trusted."),
        _ => Err(Errno::EINVAL),
    }
}

/// The host's name of the attribute.
fn name(call: &Call<'_>) -> SysResult<CString> {
    const EXTATTR_MAXNAMELEN: usize = 255;
    let name = call.read_str(call.arg(2))?;
    if name.is_empty() {
        return Err(Errno::EINVAL);
    }
    if name.as_bytes().len() > EXTATTR_MAXNAMELEN {
        return Err(Errno::ENAMETOOLONG);
    }
    let mut full = prefix(call)?.as_bytes().to_vec();
    full.extend(name.as_bytes());
    cstring(full)
}

fn set(call: &mut Call<'_>, target: Target) -> SysResult {
    let name = name(call)?;
    let size = call.arg(4);
    let data = call.host_range(call.arg(3), size, false)?;
    on(call, target, [name.as_ptr() as u64, data, size, 0])?;
    Ok(size)
}

/// Without a buffer it tells the size; otherwise what fits is copied.
fn get(call: &mut Call<'_>, target: Target) -> SysResult {
    let name = name(call)?.into_bytes_with_nul();
    let name = name.as_ptr() as u64;
    let size = on(call, target, [name, 0, 0, 0])?;
    if call.arg(3) == 0 {
        return Ok(size);
    }
    let mut value = vec![0u8; size as usize];
    let size = on(call, target, [name, value.as_mut_ptr() as u64, size, 0])?;
    value.truncate(size.min(call.arg(4)) as usize);
    call.write_bytes(call.arg(3), &value)?;
    Ok(value.len() as u64)
}

fn delete(call: &mut Call<'_>, target: Target) -> SysResult {
    let name = name(call)?;
    on(call, target, [name.as_ptr() as u64, 0, 0, 0])
}

/// Names without their name space, each with its length in a byte before it.
fn list(call: &mut Call<'_>, target: Target) -> SysResult {
    let prefix = prefix(call)?.as_bytes();
    let size = on(call, target, [0; 4])?;
    let mut names = vec![0u8; size as usize];
    let size = on(call, target, [names.as_mut_ptr() as u64, size, 0, 0])?;
    names.truncate(size as usize);
    let mut out = Vec::new();
    for name in names.split(|&b| b == 0) {
        if let Some(name) = name.strip_prefix(prefix)
            && let Ok(len) = u8::try_from(name.len())
        {
            out.push(len);
            out.extend(name);
        }
    }
    if call.arg(2) == 0 {
        return Ok(out.len() as u64);
    }
    out.truncate(call.arg(3).min(out.len() as u64) as usize);
    call.write_bytes(call.arg(2), &out)?;
    Ok(out.len() as u64)
}

/// A file that is not there is told first.
fn no_list(call: &mut Call<'_>) -> SysResult {
    const AT_FDCWD: u64 = -100i64 as u64;
    const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
    let path = call.path(0)?;
    let args = [AT_FDCWD, path.as_ptr() as u64, 0, AT_SYMLINK_NOFOLLOW, 0, 0];
    call.host(SYS_faccessat2, args)?;
    Err(Errno::EOPNOTSUPP)
}

fn no_list_of_descriptor(call: &mut Call<'_>) -> SysResult {
    const F_GETFD: u64 = 1;
    call.host(SYS_fcntl, [call.arg(0), F_GETFD, 0, 0, 0, 0])?;
    Err(Errno::EOPNOTSUPP)
}
