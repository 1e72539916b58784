//! Messages about routes and interfaces as traces show them.

use super::table::RtMsghdr;
use super::{RTM_IFINFO, RTM_NEWADDR, RTM_NEWMADDR};
use crate::abi::{GuestStruct, Kind, Show};
use crate::os::freebsd::flags as f;
use crate::os::{ArgType, Dir, Len, View};

/// RTM_DELADDR and RTM_DELMADDR, which have the heads of what is new.
const RTM_DELADDR: u8 = 0xd;
const RTM_DELMADDR: u8 = 0x10;
/// Types up to here are about routes.
const RTM_RESOLVE: u8 = 0xb;

/// Names of the addresses behind a head, lowest bit of `RTA_*` first.
const ADDRESSES: [&str; 8] = [
    "dst", "gateway", "netmask", "genmask", "ifp", "ifa", "author", "brd",
];

/// One message: its text and its length.
pub fn message(v: &dyn View, at: u64, left: u64) -> Option<(String, u64)> {
    let len = v.int(at, Kind::U16)?;
    (len >= 4 && len <= left).then_some(())?;
    let kind = v.int(at + 3, Kind::U8)? as u8;
    let name = v.value(Kind::U8, Show::Flags(&f::RTM), kind.into());
    let word = u64::from(v.abi().abi.word);
    let named = |table, at| Some(v.value(Kind::U32, Show::Flags(table), v.int(at, Kind::U32)?));
    let (head, text, which) = match kind {
        ..=RTM_RESOLVE => {
            let head = RtMsghdr::DESC.size(v.abi()) as u64;
            let bytes = v.bytes(at, head as usize)?;
            let which = v.int(at + 12, Kind::U32)?;
            let text = v.structure(RtMsghdr::DESC, &bytes);
            (head, text.strip_suffix('}')?.to_owned(), which)
        }
        RTM_IFINFO | RTM_NEWADDR | RTM_DELADDR | RTM_NEWMADDR | RTM_DELMADDR => {
            let which = v.int(at + 4, Kind::U32)?;
            let flags = match kind {
                RTM_IFINFO => named(&f::IFF, at + 8)?,
                _ => named(&f::RTF, at + 8)?,
            };
            let index = v.int(at + 12, Kind::U16)?;
            let short = match kind {
                RTM_IFINFO => 16 + IF_DATA,
                RTM_NEWADDR | RTM_DELADDR => 20,
                _ => 16,
            };
            // The longer form of a message says how long its head is, where the shorter one has a metric or types.
            let head = match is_long(v)? {
                true => v.int(at + 16, Kind::U16)?,
                false => short,
            };
            let addrs = v.value(Kind::U32, Show::Flags(&f::RTA), which);
            let text = format!("{{type={name}, index={index}, flags={flags}, addrs={addrs}");
            (head, text, which)
        }
        _ => return Some((format!("{{type={name}, ...}}"), len)),
    };
    let mut out = text;
    let mut done = head;
    for (n, name) in ADDRESSES.iter().enumerate() {
        if which >> n & 1 == 0 || done >= len {
            continue;
        }
        let size = v.int(at + done, Kind::U8)?;
        let shown = match size {
            0 => "{}".to_owned(),
            _ => {
                let size = Len::Const(size.min(len - done) as u32);
                v.shown(ArgType::Sockaddr(Dir::In, size), at + done, None)?
            }
        };
        out += &format!(", {name}={shown}");
        done += size.max(1).next_multiple_of(word);
    }
    Some((out + "}", len))
}

/// Size of `struct if_data`.
const IF_DATA: u64 = 152;

/// Whether the list that `sysctl` was asked for has the longer messages.
fn is_long(v: &dyn View) -> Option<bool> {
    const NET_RT_IFLISTL: u64 = 5;
    const KIND: u64 = 4;
    match v.arg(1) {
        6.. => Some(v.int(v.arg(0) + 4 * KIND, Kind::I32)? == NET_RT_IFLISTL),
        _ => Some(false),
    }
}
