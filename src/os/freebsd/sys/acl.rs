//! Access control lists of POSIX.1e (`sys/acl.h`): the host keeps them as extended attributes of its own layout
//! (`linux/posix_acl_xattr.h`). Tags, permissions and the id that means none have the same numbers there.

use std::ffi::CStr;

use super::dir::{is_directory, mode_of};
use super::extattr::{Target, on};
use crate::abi::{Errno, Kind, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::decode::files as decode;
use crate::os::freebsd::flags as f;
use crate::os::{ArgType, Call, Run::Handler, Support::Full, *};

const TYPE: ArgType = one_of(&f::ACL_TYPE);
const GIVEN: ArgType = ArgType::Decoded(Dir::In, decode::access_list);
const TOLD: ArgType = ArgType::Decoded(Dir::Out, decode::access_list);

crate::syscalls! {
    __acl_get_file(path: PATH, r#type: TYPE, aclp: TOLD) -> NUM, Full, Handler(|c| get(c, File::Path));
    __acl_get_link(path: PATH, r#type: TYPE, aclp: TOLD) -> NUM, Full, Handler(|c| get(c, File::Link));
    __acl_get_fd(filedes: FD, r#type: TYPE, aclp: TOLD) -> NUM, Full, Handler(|c| get(c, File::Open));
    __acl_set_file(path: PATH, r#type: TYPE, aclp: GIVEN) -> NUM, Full, Handler(|c| set(c, File::Path));
    __acl_set_link(path: PATH, r#type: TYPE, aclp: GIVEN) -> NUM, Full, Handler(|c| set(c, File::Link));
    __acl_set_fd(filedes: FD, r#type: TYPE, aclp: GIVEN) -> NUM, Full, Handler(|c| set(c, File::Open));
    __acl_delete_file(path: PATH, r#type: TYPE) -> NUM, Full, Handler(|c| delete(c, File::Path));
    __acl_delete_link(path: PATH, r#type: TYPE) -> NUM, Full, Handler(|c| delete(c, File::Link));
    __acl_delete_fd(filedes: FD, r#type: TYPE) -> NUM, Full, Handler(|c| delete(c, File::Open));
    __acl_aclcheck_file(path: PATH, r#type: TYPE, aclp: GIVEN) -> NUM, Full, Handler(|c| check(c, File::Path));
    __acl_aclcheck_link(path: PATH, r#type: TYPE, aclp: GIVEN) -> NUM, Full, Handler(|c| check(c, File::Link));
    __acl_aclcheck_fd(filedes: FD, r#type: TYPE, aclp: GIVEN) -> NUM, Full, Handler(|c| check(c, File::Open));
}

/// How argument 0 names a file.
#[derive(Clone, Copy)]
enum File {
    Path,
    Link,
    Open,
}

impl File {
    fn get(self) -> Target {
        match self {
            File::Path => Target::Path(SYS_getxattr),
            File::Link => Target::Path(SYS_lgetxattr),
            File::Open => Target::Descriptor(SYS_fgetxattr),
        }
    }

    fn set(self) -> Target {
        match self {
            File::Path => Target::Path(SYS_setxattr),
            File::Link => Target::Path(SYS_lsetxattr),
            File::Open => Target::Descriptor(SYS_fsetxattr),
        }
    }

    fn remove(self) -> Target {
        match self {
            File::Path => Target::Path(SYS_removexattr),
            File::Link => Target::Path(SYS_lremovexattr),
            File::Open => Target::Descriptor(SYS_fremovexattr),
        }
    }

    /// Asks something of its status.
    fn ask<R>(
        self,
        call: &mut Call<'_>,
        question: fn(&mut Call<'_>, u64, &CStr, u64) -> SysResult<R>,
    ) -> SysResult<R> {
        const AT_FDCWD: u64 = -100i64 as u64;
        const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
        const AT_EMPTY_PATH: u64 = 0x1000;
        let (dir, flags) = match self {
            File::Open => return question(call, call.arg(0), c"", AT_EMPTY_PATH),
            File::Path => (AT_FDCWD, 0),
            File::Link => (AT_FDCWD, AT_SYMLINK_NOFOLLOW),
        };
        let path = call.path(0)?;
        question(call, dir, &path, flags)
    }
}

/// Which of a file's lists is meant.
#[derive(Clone, Copy, PartialEq)]
enum List {
    Access,
    Default,
}

impl List {
    /// The host's attribute.
    fn attribute(self) -> &'static CStr {
        match self {
            List::Access => c"system.posix_acl_access",
            List::Default => c"system.posix_acl_default",
        }
    }
}

/// Tags of entries.
const USER_OBJ: u32 = 1;
const USER: u32 = 2;
const GROUP_OBJ: u32 = 4;
const GROUP: u32 = 8;
const MASK: u32 = 0x10;
const OTHER: u32 = 0x20;
/// The id of an entry that is nobody's by number.
const UNDEFINED_ID: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    tag: u32,
    id: u32,
    permissions: u32,
}

/// The layout of a list in the guest's memory.
struct Layout {
    /// Where the count is, and where the entries begin.
    count: u64,
    head: u64,
    entry: u64,
    permissions: Kind,
    most: u64,
}

/// `struct acl`, which begins with the most entries that it has room for.
const ACL: Layout = Layout {
    count: 4,
    head: 24,
    entry: 16,
    permissions: Kind::U32,
    most: 254,
};

/// `struct oldacl`, which goes with types of their own.
const OLD: Layout = Layout {
    count: 0,
    head: 4,
    entry: 12,
    permissions: Kind::U16,
    most: 32,
};

/// List and layout that argument 1 asks for. A file system without lists knows of no type.
fn asked(call: &mut Call<'_>, file: File) -> SysResult<(List, &'static Layout)> {
    const ACL_TYPE_ACCESS_OLD: i32 = 0;
    const ACL_TYPE_DEFAULT_OLD: i32 = 1;
    const ACL_TYPE_ACCESS: i32 = 2;
    const ACL_TYPE_DEFAULT: i32 = 3;
    has_lists(call, file.get())?;
    Ok(match call.int(1) {
        ACL_TYPE_ACCESS_OLD => (List::Access, &OLD),
        ACL_TYPE_DEFAULT_OLD => (List::Default, &OLD),
        ACL_TYPE_ACCESS => (List::Access, &ACL),
        ACL_TYPE_DEFAULT => (List::Default, &ACL),
        _ => return Err(Errno::EINVAL),
    })
}

/// Succeeds where the host keeps lists for the file of argument 0.
fn has_lists(call: &mut Call<'_>, get: Target) -> SysResult<()> {
    match on(call, get, [name_at(List::Access), 0, 0, 0]) {
        Ok(_) | Err(Errno::ENODATA) => Ok(()),
        Err(e) => Err(e),
    }
}

/// `_PC_ACL_EXTENDED` of argument 0, a path that is followed, one that is not, or a descriptor.
pub(super) fn are_kept(call: &mut Call<'_>, get: Target) -> bool {
    has_lists(call, get).is_ok()
}

/// `_PC_ACL_PATH_MAX` likewise: without lists there are owner, group and the others.
pub(super) fn most_entries(call: &mut Call<'_>, get: Target) -> u64 {
    match are_kept(call, get) {
        true => ACL.most,
        false => 3,
    }
}

fn name_at(list: List) -> u64 {
    list.attribute().as_ptr() as u64
}

fn get(call: &mut Call<'_>, file: File) -> SysResult {
    let (list, layout) = asked(call, file)?;
    let mut value = [0u8; 4 + 8 * ACL.most as usize];
    let args = [
        name_at(list),
        value.as_mut_ptr() as u64,
        value.len() as u64,
        0,
    ];
    let entries = match (on(call, file.get(), args), list) {
        (Ok(n), _) => from_host(&value[..n as usize]),
        (Err(Errno::ENODATA), List::Access) => {
            let mode = u32::from(file.ask(call, mode_of)?);
            [(USER_OBJ, 6), (GROUP_OBJ, 3), (OTHER, 0)]
                .map(|(tag, shift)| Entry {
                    tag,
                    id: UNDEFINED_ID,
                    permissions: mode >> shift & 7,
                })
                .to_vec()
        }
        (Err(Errno::ENODATA), List::Default) => Vec::new(),
        // More entries than the guest has room for.
        (Err(Errno::ERANGE), _) => return Err(Errno::EINVAL),
        (Err(e), _) => return Err(e),
    };
    give(call, layout, &entries)
}

/// Writes a list to the guest, all of its structure.
fn give(call: &mut Call<'_>, layout: &Layout, entries: &[Entry]) -> SysResult {
    let at = call.arg(2);
    if entries.len() as u64 > layout.most {
        return Err(Errno::EINVAL);
    }
    expect_room(call, layout, at)?;
    let mut bytes = vec![0; (layout.head + layout.most * layout.entry) as usize];
    let mut put = |at: u64, kind: Kind, value: u64| {
        crate::abi::write_int(call.abi, kind, &mut bytes[at as usize..], value);
    };
    if layout.count != 0 {
        put(0, Kind::U32, layout.most);
    }
    put(layout.count, Kind::U32, entries.len() as u64);
    for (n, entry) in entries.iter().enumerate() {
        let at = layout.head + n as u64 * layout.entry;
        put(at, Kind::U32, entry.tag.into());
        put(at + 4, Kind::U32, entry.id.into());
        put(at + 8, layout.permissions, entry.permissions.into());
    }
    call.write_bytes(at, &bytes)?;
    Ok(0)
}

/// The newer structure says how much room it has, of which there is one size.
fn expect_room(call: &Call<'_>, layout: &Layout, at: u64) -> SysResult<()> {
    match layout.count {
        0 => Ok(()),
        _ if call.read_int(at, Kind::U32)? == layout.most => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// The list that the guest gives, in the host's order, checked.
fn given(call: &mut Call<'_>, layout: &Layout) -> SysResult<Vec<Entry>> {
    let at = call.arg(2);
    let bytes = call.read_bytes(at, layout.head + layout.most * layout.entry)?;
    expect_room(call, layout, at)?;
    let int = |at: u64, kind| crate::abi::read_int(call.abi, kind, &bytes[at as usize..]);
    let count = int(layout.count, Kind::U32);
    // UFS keeps no more than the older structure holds.
    if count > OLD.most {
        return Err(Errno::EINVAL);
    }
    let entry = |n: u64| {
        let at = layout.head + n * layout.entry;
        Entry {
            tag: int(at, Kind::U32) as u32,
            id: int(at + 4, Kind::U32) as u32,
            permissions: int(at + 8, layout.permissions) as u32,
        }
    };
    ordered((0..count).map(entry).collect()).ok_or(Errno::EINVAL)
}

/// A whole list in the host's order: each class once, and a mask if anybody is named. `None`: it is not whole.
fn ordered(mut entries: Vec<Entry>) -> Option<Vec<Entry>> {
    for entry in &mut entries {
        match entry.tag {
            USER_OBJ | GROUP_OBJ | MASK | OTHER => entry.id = UNDEFINED_ID,
            USER | GROUP if entry.id != UNDEFINED_ID => {}
            _ => return None,
        }
        if entry.permissions > 7 {
            return None;
        }
    }
    let count = |tag| entries.iter().filter(|e| e.tag == tag).count();
    let named = count(USER) + count(GROUP) != 0;
    let whole = [USER_OBJ, GROUP_OBJ, OTHER].map(count) == [1; 3]
        && (usize::from(named)..=1).contains(&count(MASK));
    entries.sort_unstable();
    whole.then_some(entries)
}

fn set(call: &mut Call<'_>, file: File) -> SysResult {
    let (list, entries) = given_for(call, file)?;
    let value = to_host(&entries);
    let args = [name_at(list), value.as_ptr() as u64, value.len() as u64, 0];
    on(call, file.set(), args)
}

/// A list that is whole, and one that the file can have.
fn given_for(call: &mut Call<'_>, file: File) -> SysResult<(List, Vec<Entry>)> {
    let (list, layout) = asked(call, file)?;
    let entries = given(call, layout)?;
    if list == List::Default && !file.ask(call, is_directory)? {
        return Err(Errno::EINVAL);
    }
    Ok((list, entries))
}

fn check(call: &mut Call<'_>, file: File) -> SysResult {
    given_for(call, file)?;
    Ok(0)
}

/// Only a folder's default list can be removed, which need not be there.
fn delete(call: &mut Call<'_>, file: File) -> SysResult {
    match asked(call, file)?.0 {
        List::Access => return Err(Errno::EINVAL),
        List::Default if !file.ask(call, is_directory)? => return Err(Errno::ENOTDIR),
        List::Default => {}
    }
    match on(call, file.remove(), [name_at(List::Default), 0, 0, 0]) {
        Err(Errno::ENODATA) => Ok(0),
        other => other,
    }
}

// The host's layout: a version, then entries of tag, permissions and id.
const VERSION: u32 = 2;

fn from_host(value: &[u8]) -> Vec<Entry> {
    let entries = value.get(4..).unwrap_or_default().chunks_exact(8);
    let half = |e: &[u8], at: usize| u32::from(u16::from_le_bytes([e[at], e[at + 1]]));
    entries
        .map(|e| Entry {
            tag: half(e, 0),
            permissions: half(e, 2),
            id: half(e, 4) | half(e, 6) << 16,
        })
        .collect()
}

fn to_host(entries: &[Entry]) -> Vec<u8> {
    let mut value = VERSION.to_le_bytes().to_vec();
    for entry in entries {
        value.extend((entry.tag as u16).to_le_bytes());
        value.extend((entry.permissions as u16).to_le_bytes());
        value.extend(entry.id.to_le_bytes());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(tag: u32, id: u32, permissions: u32) -> Entry {
        Entry {
            tag,
            id,
            permissions,
        }
    }

    #[test]
    fn whole_lists_are_put_in_order() {
        let minimal = vec![
            entry(OTHER, 7, 4),
            entry(GROUP_OBJ, 0, 5),
            entry(USER_OBJ, 0, 6),
        ];
        let ordered_now = ordered(minimal.clone()).expect("whole");
        assert_eq!(ordered_now[0], entry(USER_OBJ, UNDEFINED_ID, 6));
        assert_eq!(from_host(&to_host(&ordered_now)), ordered_now);
        let with = |more: &[Entry]| ordered([&minimal[..], more].concat());
        // Who is named needs a mask.
        assert_eq!(with(&[entry(USER, 1, 7)]), None);
        assert_eq!(
            with(&[entry(USER, UNDEFINED_ID, 7), entry(MASK, 0, 7)]),
            None
        );
        assert_eq!(with(&[entry(MASK, 0, 7), entry(MASK, 0, 7)]), None);
        assert_eq!(with(&[entry(USER, 1, 8), entry(MASK, 0, 7)]), None);
        assert_eq!(with(&[entry(OTHER, 1, 7)]), None);
        let tags = with(&[entry(MASK, 0, 7), entry(GROUP, 1, 1), entry(USER, 1, 7)]);
        let tags: Vec<u32> = tags.expect("whole").iter().map(|e| e.tag).collect();
        assert_eq!(tags, [USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER]);
    }
}
