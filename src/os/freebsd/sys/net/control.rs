//! Control messages (`sys/socket.h`, `netinet/in.h`, `netinet6/in6.h`): the guest's as the host's, and back.

use super::kept::{self, Fact};
use super::rights::{self, Item};
use super::*;
use crate::abi::{Long, ints};
use crate::host::{clock, monotonic_ns};
use crate::os::freebsd::{procinfo, route};

/// What a control message holds that both systems have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    /// An `int`.
    Int,
    /// A byte, which is an `int` on the host.
    Byte,
    /// A byte on both.
    SameByte,
    /// The address that a packet was sent to, or is to be sent from: `struct in_addr`, on the host in a `struct in_pktinfo`, which
    /// tells the interface, too.
    Packet4,
    /// `struct in6_pktinfo`: an address and the number of an interface.
    Packet6,
    /// A socket address.
    Address,
}

/// Level and type of a control message.
type Name = (u32, u32);

/// Control messages of the guest, those of the host, and what they hold.
const CONTROLS: &[(Name, Name, Data)] = &[
    ((0, 65), (0, 2), Data::Byte),       // IP_RECVTTL
    ((0, 68), (0, 1), Data::SameByte),   // IP_RECVTOS
    (TO_ADDRESS, (0, 8), Data::Packet4), // IP_RECVDSTADDR
    ((0, 27), (0, 20), Data::Address),   // IP_ORIGDSTADDR
    ((41, 46), (41, 50), Data::Packet6), // IPV6_PKTINFO
    ((41, 47), (41, 52), Data::Int),     // IPV6_HOPLIMIT
    ((41, 61), (41, 67), Data::Int),     // IPV6_TCLASS
    ((41, 72), (41, 74), Data::Address), // IPV6_ORIGDSTADDR
];

const TO_ADDRESS: Name = (0, 7);
const INTERFACE: Name = (0, 20);

/// `SOL_SOCKET`
const SOCKET: u32 = 0xffff;
const SCM_RIGHTS: u32 = 1;
const SCM_TIMESTAMP: u32 = 2;
const SCM_CREDS: u32 = 3;
const SCM_BINTIME: u32 = 4;
const SCM_REALTIME: u32 = 5;
const SCM_MONOTONIC: u32 = 6;
const SCM_CREDS2: u32 = 8;

/// The host's names of those that it makes itself.
const HOST_CREDENTIALS: Name = (1, 2);
const HOST_TIMESTAMP: Name = (1, 29);
const HOST_TIMESTAMPNS: Name = (1, 35);

/// Most groups in credentials (`CMGROUP_MAX`).
const GROUPS_MAX: usize = 16;

/// Header of the host's control messages with its padding: length, level, type.
const HOST_HEAD: usize = 16;

/// Length of the guest's header with its padding: length, level and type of 32 bits.
const HEAD: usize = 16;
/// What messages are aligned to (`_ALIGN`): 8 everywhere but on Arm.
const ALIGN: usize = 8;

/// A control message for the guest, whose head is not yet written.
pub(super) struct Control {
    name: Name,
    data: Vec<u8>,
    /// The descriptors in it.
    descriptors: Vec<i32>,
}

impl Control {
    fn new(kind: u32, data: Vec<u8>) -> Control {
        Control {
            name: (SOCKET, kind),
            data,
            descriptors: Vec::new(),
        }
    }

    fn space(&self) -> usize {
        HEAD + self.data.len().next_multiple_of(ALIGN)
    }
}

fn words(a: OsAbi, values: &[u32]) -> Vec<u8> {
    ints(a, Kind::U32, values.iter().map(|&v| v.into()))
}

/// The guest's data as the host's; `None` if it is too short.
fn data_to_host(a: OsAbi, data: Data, bytes: &[u8]) -> Option<Vec<u8>> {
    let int = |at: usize| Some(read_int(a, Kind::I32, bytes.get(at..at + 4)?) as i32);
    Some(match data {
        Data::Int => int(0)?.to_le_bytes().to_vec(),
        Data::Byte => vec![*bytes.first()?, 0, 0, 0],
        Data::SameByte => vec![*bytes.first()?],
        Data::Packet4 => {
            // struct in_pktinfo: interface, the address to send from, one that only arrives.
            let mut out = vec![0; 12];
            out[4..8].copy_from_slice(bytes.get(..4)?);
            out
        }
        Data::Packet6 => {
            let mut out = bytes.get(..16)?.to_vec();
            out.extend(int(16)?.to_le_bytes());
            out
        }
        Data::Address => {
            let mut out = bytes.to_vec();
            convert_sockaddr(a, &mut out, true);
            out
        }
    })
}

/// The host's data as the guest's.
fn data_to_guest(a: OsAbi, data: Data, bytes: &[u8]) -> Option<Vec<u8>> {
    let int = |at: usize| Some(read_int(OsAbi::HOST, Kind::U32, bytes.get(at..at + 4)?));
    Some(match data {
        Data::Int => ints(a, Kind::I32, [int(0)?]),
        Data::Byte | Data::SameByte => vec![*bytes.first()?],
        Data::Packet4 => bytes.get(8..12)?.to_vec(),
        Data::Packet6 => {
            let mut out = bytes.get(..16)?.to_vec();
            out.extend(ints(a, Kind::U32, [int(16)?]));
            out
        }
        Data::Address => {
            let mut out = bytes.to_vec();
            convert_sockaddr(a, &mut out, false);
            out
        }
    })
}

/// What the guest sends, in its layout: what the host sends as well, as the host has it, and what is FreeBSD's alone.
///
/// # Errors
/// EINVAL for messages that are malformed, or not there.
pub(super) fn to_host(call: &Call<'_>, bytes: &[u8]) -> SysResult<(Vec<u8>, Vec<Item>)> {
    let get = |at: usize| read_int(call.abi, Kind::U32, &bytes[at..]) as u32;
    let (mut out, mut items) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at + 12 <= bytes.len() {
        let (length, name) = (get(at) as usize, (get(at + 4), get(at + 8)));
        if length < HEAD || at + length > bytes.len() {
            return Err(Errno::EINVAL);
        }
        let data = &bytes[at + HEAD..at + length];
        at += length.next_multiple_of(ALIGN);
        match name {
            (SOCKET, SCM_RIGHTS) => {
                let fds = data.chunks_exact(4);
                let fds: Vec<i32> = fds
                    .map(|fd| read_int(call.abi, Kind::I32, fd) as i32)
                    .collect();
                // One without descriptors does not arrive.
                if !fds.is_empty() {
                    items.push(Item::Descriptors(fds));
                }
            }
            // The kernel fills in who sends, and when, whatever the message says.
            (SOCKET, SCM_CREDS) => items.push(Item::Credentials(own_credentials())),
            (SOCKET, kind @ (SCM_TIMESTAMP | SCM_BINTIME | SCM_REALTIME)) => {
                let now = clock::now();
                items.push(Item::Time(kind, [now.as_secs(), now.subsec_nanos().into()]));
            }
            (SOCKET, kind @ SCM_MONOTONIC) => {
                let now = monotonic_ns();
                items.push(Item::Time(kind, [now / 1_000_000_000, now % 1_000_000_000]));
            }
            _ => {
                let found = CONTROLS.iter().find(|(own, ..)| *own == name);
                let converted =
                    found.and_then(|(_, host, d)| Some((*host, data_to_host(call.abi, *d, data)?)));
                let Some((name, data)) = converted else {
                    call.unimplemented(&format!(
                        "control message of level {:#x}, type {}",
                        name.0, name.1
                    ));
                    return Err(Errno::EINVAL);
                };
                add_to_host(&mut out, name, &data);
            }
        }
    }
    Ok((out, items))
}

/// Adds a message of the host's.
pub(super) fn add_to_host(out: &mut Vec<u8>, name: Name, data: &[u8]) {
    out.extend(((HOST_HEAD + data.len()) as u64).to_le_bytes());
    out.extend(name.0.to_le_bytes());
    out.extend(name.1.to_le_bytes());
    out.extend(data);
    out.resize(out.len().next_multiple_of(8), 0);
}

/// The host's messages: their names and data.
fn host_messages(control: &[u8]) -> Vec<(Name, &[u8])> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + HOST_HEAD <= control.len() {
        let get = |at: usize, kind| read_int(OsAbi::HOST, kind, &control[at..]);
        let length = get(at, Kind::U64) as usize;
        if length < HOST_HEAD || length > control.len() - at {
            break;
        }
        let name = (
            get(at + 8, Kind::U32) as u32,
            get(at + 12, Kind::U32) as u32,
        );
        found.push((name, &control[at + HOST_HEAD..at + length]));
        at += length.next_multiple_of(8);
    }
    found
}

/// What the host has received, as the guest has it.
pub(super) fn to_guest(call: &mut Call<'_>, bytes: &[u8]) -> Vec<Control> {
    let word = |data: &[u8], at: usize, kind: Kind| {
        let bytes = data.get(at..at + kind.size(OsAbi::HOST));
        bytes.map_or(0, |b| read_int(OsAbi::HOST, kind, b))
    };
    let (a, fd) = (call.abi, call.int(0));
    let mut out = Vec::new();
    for (name, data) in host_messages(bytes) {
        match name {
            rights::HOST_NAME => {
                let fds = data.chunks_exact(4).map(|i| word(i, 0, Kind::I32) as i32);
                let items = rights::detach(call, fds.collect());
                // The kernel's own credentials take the place of those that were sent along.
                let told = out.iter().any(|c: &Control| c.name == (SOCKET, SCM_CREDS));
                let items = items
                    .into_iter()
                    .filter(|item| !(told && matches!(item, Item::Credentials(_))));
                out.extend(items.map(|item| sent(a, item)));
            }
            HOST_CREDENTIALS => {
                let sender = [0, 4, 8].map(|at| word(data, at, Kind::U32) as u32);
                out.extend(sender_of(call, fd, sender));
            }
            HOST_TIMESTAMP => {
                let [sec, usec] = [0, 8].map(|at| word(data, at, Kind::I64));
                out.extend(stamps(call, fd, [sec, usec * 1000]));
            }
            HOST_TIMESTAMPNS => {
                let time = [0, 8].map(|at| word(data, at, Kind::I64));
                out.extend(stamps(call, fd, time));
            }
            _ => {
                let found = CONTROLS.iter().find(|(_, host, _)| *host == name);
                let converted =
                    found.and_then(|(own, _, d)| Some((*own, data_to_guest(a, *d, data)?)));
                let Some((own, converted)) = converted else {
                    call.unimplemented(&format!(
                        "a received control message of level {}, type {}",
                        name.0, name.1
                    ));
                    continue;
                };
                let mut add = |name: Name, data: Vec<u8>| {
                    out.push(Control {
                        name,
                        data,
                        descriptors: Vec::new(),
                    });
                };
                if own != TO_ADDRESS {
                    add(own, converted);
                    continue;
                }
                let interface = kept::get(call, fd, Fact::Interface) != 0;
                // Without anything known, somebody else has asked for it.
                if !interface || kept::get(call, fd, Fact::ToAddress) != 0 {
                    add(own, converted);
                }
                if interface {
                    let index = word(data, 0, Kind::U32) as u32;
                    add(INTERFACE, route::interface_address(call, index));
                }
            }
        }
    }
    out
}

/// What another guest has sent.
fn sent(a: OsAbi, item: Item) -> Control {
    match item {
        Item::Descriptors(fds) => Control {
            data: ints(a, Kind::I32, fds.iter().map(|&fd| fd as u64)),
            descriptors: fds,
            ..Control::new(SCM_RIGHTS, Vec::new())
        },
        Item::Time(kind, time) => time_of(a, kind, time),
        Item::Credentials(ids) => {
            // struct cmsgcred: process, users, group, a short for the number of groups, groups.
            let (head, groups) = ids.split_at(ids.len().min(4));
            let mut data = words(a, head);
            data.extend(ints(a, Kind::U16, [groups.len() as u64, 0]));
            data.extend(words(a, groups));
            data.resize(4 * 4 + 4 + 4 * GROUPS_MAX, 0);
            Control::new(SCM_CREDS, data)
        }
    }
}

/// A time of seconds and nanoseconds in the form of that message.
fn time_of(a: OsAbi, kind: u32, [sec, nsec]: [u64; 2]) -> Control {
    let data = match kind {
        SCM_BINTIME => {
            let fraction = (u128::from(nsec) << 64) / 1_000_000_000;
            ints(a, Kind::U64, [sec, fraction as u64])
        }
        SCM_TIMESTAMP => {
            let time = Timeval {
                tv_sec: Long(sec as i64),
                tv_usec: Long(nsec as i64 / 1000),
            };
            time.write(a).unwrap_or_default()
        }
        _ => {
            let time = Timespec {
                tv_sec: Long(sec as i64),
                tv_nsec: Long(nsec as i64),
            };
            time.write(a).unwrap_or_default()
        }
    };
    Control::new(kind, data)
}

/// When a packet has arrived, in the forms that the socket asks for (`ip_savecontrol`).
fn stamps(call: &Call<'_>, fd: i32, time: [u64; 2]) -> Vec<Control> {
    // SO_TS_CLOCK
    const FORMS: [u32; 4] = [SCM_TIMESTAMP, SCM_BINTIME, SCM_REALTIME, SCM_MONOTONIC];
    let [bintime, stamp, clock] =
        [Fact::Bintime, Fact::Timestamp, Fact::Clock].map(|fact| kept::get(call, fd, fact));
    let form = FORMS[usize::from(clock) % FORMS.len()];
    let mut forms = Vec::new();
    if bintime != 0 {
        forms.push(SCM_BINTIME);
    }
    // Without anything known, somebody else has asked for it.
    if (stamp != 0 || bintime == 0) && !forms.contains(&form) {
        forms.push(form);
    }
    let uptime = || {
        let since = clock::now().saturating_sub(std::time::Duration::new(time[0], time[1] as u32));
        let at = monotonic_ns().saturating_sub(since.as_nanos() as u64);
        [at / 1_000_000_000, at % 1_000_000_000]
    };
    let time = |form: u32| {
        if form == SCM_MONOTONIC {
            uptime()
        } else {
            time
        }
    };
    let forms = forms.into_iter();
    forms
        .map(|form| time_of(call.abi, form, time(form)))
        .collect()
}

/// Process, user, effective user, group, and the groups, the effective one first, of this process.
fn own_credentials() -> Vec<u32> {
    let (ids, pid) = (host::ids(), host::pid());
    let mut all = vec![pid as u32, ids.uid, ids.euid, ids.gid];
    all.extend(procinfo::groups(pid).into_iter().take(GROUPS_MAX));
    all
}

/// Who has sent a message, as the kernel tells: process, user, group. What the host does not say is asked of the process.
fn sender_of(call: &mut Call<'_>, fd: i32, [pid, uid, gid]: [u32; 3]) -> Option<Control> {
    let a = call.abi;
    let mut ids = [uid, uid, gid, gid];
    let mut groups = vec![gid];
    if let Some(known) = procinfo::ids(pid as i32).filter(|i| i[0] == uid && i[2] == gid) {
        ids = known;
        groups = procinfo::groups(pid as i32);
        groups.truncate(GROUPS_MAX);
    }
    let count = groups.len() as u32;
    if kept::get(call, fd, Fact::LastingCredentials) != 0 {
        // struct sockcred2: version, process, and as struct sockcred.
        let head = [&[0, pid][..], &ids, &[count], &groups].concat();
        return Some(Control::new(SCM_CREDS2, words(a, &head)));
    }
    option::told_credentials(call, fd);
    // struct sockcred: users, groups, how many more there are, and these.
    let head = [&ids[..], &[count], &groups].concat();
    Some(Control::new(SCM_CREDS, words(a, &head)))
}

/// Writes as many whole messages as fit into `room` bytes; the rest is let go. The bytes, and whether there was a rest.
pub(super) fn write(call: &mut Call<'_>, controls: &[Control], room: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    for (n, control) in controls.iter().enumerate() {
        let start = out.len();
        let end = start + control.space();
        if end > room {
            dispose(call, &controls[n..]);
            return (out, true);
        }
        let length = HEAD + control.data.len();
        out.extend(words(
            call.abi,
            &[length as u32, control.name.0, control.name.1, 0],
        ));
        out.extend(&control.data);
        out.resize(end, 0);
    }
    (out, false)
}

/// Closes the descriptors in messages that the guest does not get.
pub(super) fn dispose(call: &mut Call<'_>, controls: &[Control]) {
    for &fd in controls.iter().flat_map(|c| &c.descriptors) {
        rights::dispose(call, fd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa::AARCH64;

    #[test]
    fn the_host_s_messages_are_taken_apart() {
        let mut control = Vec::new();
        add_to_host(&mut control, (1, 29), &[9; 16]);
        add_to_host(&mut control, (1, 1), &[5, 0, 0, 0]);
        let found = host_messages(&control);
        assert_eq!(
            found,
            [((1, 29), &[9; 16][..]), ((1, 1), &[5, 0, 0, 0][..])]
        );
        assert_eq!(host_messages(&control[..40]).len(), 1);
    }

    #[test]
    fn times_have_the_form_of_their_message() {
        let time = [7, 500_000_000];
        let data = |kind| time_of(AARCH64.abi, kind, time).data;
        let pair = |n: u64| [7u64.to_le_bytes(), n.to_le_bytes()].concat();
        assert_eq!(data(SCM_TIMESTAMP), pair(500_000));
        assert_eq!(data(SCM_BINTIME), pair(1 << 63));
        assert_eq!(data(SCM_REALTIME), pair(500_000_000));
    }

    #[test]
    fn credentials_are_as_long_as_the_header_says() {
        let control = sent(AARCH64.abi, Item::Credentials(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(control.data.len(), 84);
        assert_eq!(control.data[16], 2);
        assert_eq!(control.space(), 104);
    }
}
