//! Of files and what else is asked for by name: directory entries, times, the parameters of `jail_set` and `nmount`.

use super::named;
use crate::abi::{GuestStruct, Kind};
use crate::os::freebsd::{flags as f, structs::*};
use crate::os::{ArgType, Dir, Len, View};

/// Entries of a directory that are shown, as of any array.
const MOST: usize = 32;

/// Entries of the layout of FreeBSD 12 and later, as many bytes as the call returned.
pub fn entries(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    let head = |at| {
        let size = v.int(at + 16, Kind::U16)?;
        let (kind, name) = (v.int(at + 18, Kind::U8)?, v.int(at + 20, Kind::U16)?);
        Some((v.int(at, Kind::U64)?, size, kind, at + 24, name))
    };
    list(v, at, returned?, head)
}

/// Of FreeBSD 11.
pub fn entries11(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    let head = |at| {
        let size = v.int(at + 4, Kind::U16)?;
        let (kind, name) = (v.int(at + 6, Kind::U8)?, v.int(at + 7, Kind::U8)?);
        Some((v.int(at, Kind::U32)?, size, kind, at + 8, name))
    };
    list(v, at, returned?, head)
}

/// Inode, size of the entry, type, place and length of the name.
type Head = (u64, u64, u64, u64, u64);

fn list(v: &dyn View, at: u64, len: u64, head: impl Fn(u64) -> Option<Head>) -> Option<String> {
    let (mut parts, mut done) = (Vec::new(), 0);
    while done < len {
        if parts.len() == MOST {
            parts.push("...".to_owned());
            break;
        }
        let (inode, size, kind, name, length) = head(at + done)?;
        let kind = named(v, &f::DIRENT, kind);
        let name = v.buffer(name, length)?;
        parts.push(format!(
            "{{d_fileno={inode}, d_type={kind}, d_name={name}}}"
        ));
        if size == 0 {
            return None;
        }
        done += size;
    }
    Some(format!("[{}]", parts.join(", ")))
}

/// `struct statfs[]` of `getfsstat`, as many as it returned.
pub fn file_systems<T: GuestStruct>(
    v: &dyn View,
    at: u64,
    returned: Option<u64>,
) -> Option<String> {
    let count = Len::Const(u32::try_from(returned?).ok()?);
    v.shown(ArgType::Structs(Dir::Out, T::DESC, count), at, None)
}

/// `struct kld_file_stat`: its version, which is its size, and after the call what is known of the file.
pub fn module(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    const MAXPATHLEN: u64 = 1024;
    let version = v.int(at, Kind::I32)?;
    if returned.is_none() {
        return Some(format!("{{version={version}}}"));
    }
    let name = text(v, at + 4, None)?;
    let (refs, id) = (
        v.int(at + 4 + MAXPATHLEN, Kind::I32)?,
        v.int(at + 8 + MAXPATHLEN, Kind::I32)?,
    );
    Some(format!(
        "{{version={version}, name={name}, refs={refs}, id={id}, ...}}"
    ))
}

/// `struct uuid[]`, as many as argument 1 says, as uuid(3) writes them.
pub fn ids(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    const SIZE: u64 = 16;
    returned?;
    let count = v.arg(1);
    let mut parts = Vec::new();
    for n in 0..count.min(MOST as u64) {
        let at = at + n * SIZE;
        let rest = v.bytes(at + 8, 8)?;
        let hex: String = rest[2..].iter().map(|b| format!("{b:02x}")).collect();
        parts.push(format!(
            "{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{hex}",
            v.int(at, Kind::U32)?,
            v.int(at + 4, Kind::U16)?,
            v.int(at + 6, Kind::U16)?,
            rest[0],
            rest[1]
        ));
    }
    if count > MOST as u64 {
        parts.push("...".to_owned());
    }
    Some(format!("[{}]", parts.join(", ")))
}

/// `struct acl`, or `struct oldacl` where argument 1 is a type of that.
pub fn access_list(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const LAST_OLD: u64 = 1;
    // Where the count is, the entries are, how long one is.
    let (count, head, size, permissions) = match v.arg(1) & 0xffff_ffff {
        0..=LAST_OLD => (0, 4, 12, Kind::U16),
        _ => (4, 24, 16, Kind::U32),
    };
    let count = v.int(at + count, Kind::U32)?;
    let mut parts = Vec::new();
    for n in 0..count.min(MOST as u64) {
        let at = at + head + n * size;
        let (tag, id) = (v.int(at, Kind::U32)?, v.int(at + 4, Kind::U32)? as i32);
        let bits = v.int(at + 8, permissions)?;
        let letter = |bit, letter| if bits & bit != 0 { letter } else { '-' };
        let id = if id == -1 {
            String::new()
        } else {
            id.to_string()
        };
        let may: String = [letter(4, 'r'), letter(2, 'w'), letter(1, 'x')]
            .into_iter()
            .collect();
        parts.push(format!("{}:{id}:{may}", named(v, &f::ACL_TAG, tag)));
    }
    if count > MOST as u64 {
        parts.push("...".to_owned());
    }
    Some(format!("[{}]", parts.join(", ")))
}

/// Text up to its NUL, which the call has written.
pub fn text(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    v.shown(ArgType::Str, at, None)
}

/// Two `struct timespec` of `utimensat`.
pub fn times(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const NOW: i64 = -1;
    const OMIT: i64 = -2;
    let size = Timespec::DESC.size(v.abi()) as u64;
    // The nanoseconds are a long behind the 64 bits of the seconds, on every guest.
    let one = |at| {
        Some(
            match Kind::Long.extend(v.abi(), v.int(at + 8, Kind::Long)?) as i64 {
                NOW => "UTIME_NOW".to_owned(),
                OMIT => "UTIME_OMIT".to_owned(),
                _ => v.structure_at::<Timespec>(at)?,
            },
        )
    };
    Some(format!("[{}, {}]", one(at)?, one(at + size)?))
}

/// Two `struct timeval` of `utimes`.
pub fn old_times(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    let size = Timeval::DESC.size(v.abi()) as u64;
    let (first, second) = (
        v.structure_at::<Timeval>(at)?,
        v.structure_at::<Timeval>(at + size)?,
    );
    Some(format!("[{first}, {second}]"))
}

/// `struct iovec[]` of names and values, as many as argument 1 says. A value of four bytes that is no text is an `int`.
pub fn parameters(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    let word = u64::from(v.abi().abi.word);
    let part = |n: u64| {
        let base = v.int(at + 2 * n * word, Kind::Ulong)?;
        Some((base, v.int(at + (2 * n + 1) * word, Kind::Ulong)?))
    };
    let pairs = v.arg(1) / 2;
    let mut parts = Vec::new();
    for n in 0..pairs.min(MOST as u64) {
        let ((name, name_len), (value, len)) = (part(2 * n)?, part(2 * n + 1)?);
        let name = v.bytes(name, name_len.min(256) as usize)?;
        let name: Vec<u8> = name.into_iter().take_while(|b| *b != 0).collect();
        parts.push(format!(
            "{}={}",
            String::from_utf8_lossy(&name).escape_default(),
            parameter(v, value, len)?
        ));
    }
    if pairs > MOST as u64 {
        parts.push("...".to_owned());
    }
    Some(format!("[{}]", parts.join(", ")))
}

fn parameter(v: &dyn View, at: u64, len: u64) -> Option<String> {
    if at == 0 || len == 0 {
        return Some("NULL".to_owned());
    }
    let bytes = v.bytes(at, len.min(64) as usize)?;
    let text = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let is_text = text > 0 && bytes[..text].iter().all(|b| (0x20..0x7f).contains(b));
    Some(match len {
        4 if !is_text => (v.int(at, Kind::I32)? as i32).to_string(),
        _ if is_text => v.buffer(at, text as u64)?,
        _ => v.buffer(at, len)?,
    })
}
