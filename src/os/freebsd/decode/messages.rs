//! Of sockets: messages with their control messages.

use super::named;
use crate::abi::{GuestStruct, Kind, Show, read_int};
use crate::os::freebsd::{flags as f, structs::*};
use crate::os::{ArgType, Dir, Len, View};

/// `struct msghdr` that is sent.
pub fn sent(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    message(v, at, Dir::In, None)
}

/// `struct msghdr` that has been filled.
pub fn received(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    message(v, at, Dir::Out, returned)
}

fn message(v: &dyn View, at: u64, dir: Dir, returned: Option<u64>) -> Option<String> {
    let bytes = v.bytes(at, Msghdr::DESC.size(v.abi()))?;
    // In the guest's numbers, as they are shown by its names.
    let field = |name: &str| {
        let (at, field) = Msghdr::DESC
            .offsets(v.abi())
            .find(|(_, f)| f.name == name)?;
        Some(read_int(v.abi(), field.kind, &bytes[at..]))
    };
    let const_len = |n: u64| Len::Const(n.min(u32::MAX.into()) as u32);
    let address = |value: u64| v.value(Kind::Ulong, Show::Addr, value);
    let (name, namelen) = (field("msg_name")?, field("msg_namelen")?);
    let shown_name = match (name, namelen) {
        (0, _) | (_, 0) => "NULL".to_owned(),
        _ => v
            .shown(ArgType::Sockaddr(Dir::In, const_len(namelen)), name, None)
            .unwrap_or_else(|| address(name)),
    };
    let (iov, count) = (field("msg_iov")?, field("msg_iovlen")?);
    let shown_iov = v
        .shown(ArgType::Iovec(dir, const_len(count)), iov, returned)
        .unwrap_or_else(|| address(iov));
    let (control, length) = (field("msg_control")?, field("msg_controllen")?);
    let shown_control = match (control, length) {
        (0, _) | (_, 0) => "NULL".to_owned(),
        _ => controls(v, control, length).unwrap_or_else(|| address(control)),
    };
    Some(format!(
        "{{msg_name={shown_name}, msg_namelen={namelen}, msg_iov={shown_iov}, msg_iovlen={count}, msg_control={shown_control}, msg_controllen={length}, msg_flags={}}}",
        named(v, &f::MSG, field("msg_flags")?)
    ))
}

/// Control messages: heads of three words, padded to eight bytes as what follows them.
fn controls(v: &dyn View, at: u64, length: u64) -> Option<String> {
    const HEAD: u64 = 12;
    const DATA: u64 = 16;
    let mut parts = Vec::new();
    let mut done = 0;
    while done + HEAD <= length {
        let at = at + done;
        let size = v.int(at, Kind::U32)?;
        let (level, kind) = (v.int(at + 4, Kind::U32)?, v.int(at + 8, Kind::U32)?);
        if size < HEAD || done + size > length {
            break;
        }
        let data = size.saturating_sub(DATA);
        let (shown_kind, shown_data) = if level == SOL_SOCKET {
            (
                named(v, &f::SCM, kind),
                socket_data(v, kind, at + DATA, data)?,
            )
        } else {
            (kind.to_string(), v.buffer(at + DATA, data)?)
        };
        parts.push(format!(
            "{{cmsg_len={size}, cmsg_level={}, cmsg_type={shown_kind}, cmsg_data={shown_data}}}",
            named(v, &f::SOL, level)
        ));
        done += size.next_multiple_of(8);
    }
    Some(format!("[{}]", parts.join(", ")))
}

const SOL_SOCKET: u64 = 0xffff;

fn socket_data(v: &dyn View, kind: u64, at: u64, len: u64) -> Option<String> {
    const RIGHTS: u64 = 1;
    const TIMESTAMP: u64 = 2;
    const CREDS: u64 = 3;
    const BINTIME: u64 = 4;
    const REALTIME: u64 = 5;
    const MONOTONIC: u64 = 6;
    const CREDS2: u64 = 8;
    /// Size of `struct cmsgcred`; a `struct sockcred`, of the same type, is never as long.
    const CMSGCRED: u64 = 84;
    let fits = |size: usize| len >= size as u64;
    // Words by their names.
    let words = |names: &[&str]| {
        let shown: Option<Vec<String>> = names
            .iter()
            .zip(0..)
            .map(|(name, n)| Some(format!("{name}={}", v.int(at + 4 * n, Kind::U32)?)))
            .collect();
        Some(format!("{{{}, ...}}", shown?.join(", ")))
    };
    match kind {
        RIGHTS => {
            let descriptors =
                ArgType::Ints(Dir::In, Kind::I32, Show::Fd, Len::Const(len as u32 / 4));
            v.shown(descriptors, at, None)
        }
        TIMESTAMP if fits(Timeval::DESC.size(v.abi())) => v.structure_at::<Timeval>(at),
        REALTIME | MONOTONIC if fits(Timespec::DESC.size(v.abi())) => {
            v.structure_at::<Timespec>(at)
        }
        BINTIME if fits(16) => Some(format!(
            "{{sec={}, frac={:#x}}}",
            v.int(at, Kind::I64)?,
            v.int(at + 8, Kind::U64)?
        )),
        CREDS if fits(CMSGCRED as usize) => {
            words(&["cmcred_pid", "cmcred_uid", "cmcred_euid", "cmcred_gid"])
        }
        CREDS if fits(24) => words(&["sc_uid", "sc_euid", "sc_gid", "sc_egid", "sc_ngroups"]),
        CREDS2 if fits(28) => words(&[
            "sc_version",
            "sc_pid",
            "sc_uid",
            "sc_euid",
            "sc_gid",
            "sc_egid",
            "sc_ngroups",
        ]),
        _ => v.buffer(at, len),
    }
}
