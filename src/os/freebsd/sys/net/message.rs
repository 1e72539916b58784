//! Messages with addresses and control messages: `sendmsg`, `recvmsg`.

use super::*;
use crate::abi::write_int;

/// What of the control messages is there.
pub(super) const LIMITS: &str = "control messages: SCM_RIGHTS, SCM_TIMESTAMP, received SCM_CREDS, those of IP and IPv6 that both systems have";

/// Most bytes of control messages.
const CONTROL_MAX: u64 = 65536;

/// A message in the host's layout, with what it points to.
struct Message {
    name: Vec<u8>,
    iov: Vec<u8>,
    control: Vec<u8>,
    header: [u64; 7],
}

impl Message {
    fn new(name: Vec<u8>, iov: Vec<u8>, control: Vec<u8>) -> Message {
        // struct msghdr: name, its length, iov, count, control, its length, flags. The vectors' bytes stay where they are.
        let at = |v: &Vec<u8>| if v.is_empty() { 0 } else { v.as_ptr() as u64 };
        let header = [
            at(&name),
            name.len() as u64,
            at(&iov),
            iov.len() as u64 / 16,
            at(&control),
            control.len() as u64,
            0,
        ];
        Message {
            name,
            iov,
            control,
            header,
        }
    }

    fn address(&mut self) -> u64 {
        let _ = &self.iov;
        self.header.as_mut_ptr() as u64
    }
}

/// What a control message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    /// `int`s: descriptors, or a number.
    Ints,
    /// `struct timeval`
    Time,
    /// A byte, which is an `int` on the host.
    Byte,
    /// A byte on both.
    SameByte,
    /// The address that a packet was sent to, or is to be sent from: `struct in_addr`, on the host in a `struct in_pktinfo`.
    Address,
    /// `struct in6_pktinfo`: an address and the number of an interface.
    Packet6,
    /// `struct sockcred`, on the host `struct ucred`.
    Credentials,
}

/// Level and type of a control message.
type Name = (u32, u32);

/// Control messages of the guest, those of the host, and what they hold (`sys/socket.h`, `netinet/in.h`, `netinet6/in6.h`).
const CONTROLS: &[(Name, Name, Data)] = &[
    ((0xffff, 1), (1, 1), Data::Ints),        // SCM_RIGHTS
    ((0xffff, 2), (1, 29), Data::Time),       // SCM_TIMESTAMP
    ((0xffff, 3), (1, 2), Data::Credentials), // SCM_CREDS
    ((0, 65), (0, 2), Data::Byte),            // IP_RECVTTL
    ((0, 68), (0, 1), Data::SameByte),        // IP_RECVTOS
    ((0, 7), (0, 8), Data::Address),          // IP_RECVDSTADDR
    ((41, 46), (41, 50), Data::Packet6),      // IPV6_PKTINFO
    ((41, 47), (41, 52), Data::Ints),         // IPV6_HOPLIMIT
    ((41, 61), (41, 67), Data::Ints),         // IPV6_TCLASS
];

/// Header of the host's control messages with its padding: length, level, type.
const HOST_HEAD: usize = 16;

/// Length of the guest's header with its padding: length, level and type of 32 bits.
const HEAD: usize = 16;
/// What messages are aligned to (`_ALIGN`): 8 everywhere but on Arm.
const ALIGN: usize = 8;

/// The integers of a kind in `bytes`, from one ABI to the other.
fn convert_ints(from: OsAbi, to: OsAbi, kind: Kind, bytes: &[u8]) -> Vec<u8> {
    let (size, other) = (kind.size(from), kind.size(to));
    let mut out = Vec::new();
    for int in bytes.chunks_exact(size) {
        let at = out.len();
        out.resize(at + other, 0);
        write_int(to, kind, &mut out[at..], read_int(from, kind, int));
    }
    out
}

/// The guest's data as the host's; `None` if it is too short, or only ever received.
fn data_to_host(a: OsAbi, data: Data, bytes: &[u8]) -> Option<Vec<u8>> {
    let host = OsAbi::HOST;
    Some(match data {
        Data::Ints => convert_ints(a, host, Kind::I32, bytes),
        Data::Time => {
            let time = Timeval::read(a, bytes.get(..Timeval::DESC.size(a))?).ok()?;
            time.write(host).ok()?
        }
        Data::Byte => vec![*bytes.first()?, 0, 0, 0],
        Data::SameByte => vec![*bytes.first()?],
        Data::Address => {
            // struct in_pktinfo: interface, the address to send from, one that only arrives.
            let mut out = vec![0; 12];
            out[4..8].copy_from_slice(bytes.get(..4)?);
            out
        }
        Data::Packet6 => {
            let mut out = bytes.get(..16)?.to_vec();
            out.extend(convert_ints(a, host, Kind::U32, bytes.get(16..20)?));
            out
        }
        Data::Credentials => return None,
    })
}

/// The host's data as the guest's.
fn data_to_guest(a: OsAbi, data: Data, bytes: &[u8]) -> Option<Vec<u8>> {
    let host = OsAbi::HOST;
    Some(match data {
        Data::Ints => convert_ints(host, a, Kind::I32, bytes),
        Data::Time => {
            let time = Timeval::read(host, bytes.get(..Timeval::DESC.size(host))?).ok()?;
            time.write(a).ok()?
        }
        Data::Byte | Data::SameByte => vec![*bytes.first()?],
        Data::Address => bytes.get(8..12)?.to_vec(),
        Data::Packet6 => {
            let mut out = bytes.get(..16)?.to_vec();
            out.extend(convert_ints(host, a, Kind::U32, bytes.get(16..20)?));
            out
        }
        Data::Credentials => {
            // struct ucred: process, user, group. struct sockcred: both users, both groups, how many more there are.
            let word = |at: usize| Some(read_int(host, Kind::U32, bytes.get(at..at + 4)?));
            let (user, group) = (word(4)?, word(8)?);
            let mut out = vec![0; 24];
            for (n, value) in [user, user, group, group, 1, group].into_iter().enumerate() {
                write_int(a, Kind::U32, &mut out[4 * n..], value);
            }
            out
        }
    })
}

fn control_to_host(call: &Call<'_>, bytes: &[u8]) -> SysResult<Vec<u8>> {
    let get = |at: usize| read_int(call.abi, Kind::U32, &bytes[at..]) as u32;
    let mut out = Vec::new();
    let mut at = 0;
    while at + 12 <= bytes.len() {
        let (length, kind) = (get(at) as usize, (get(at + 4), get(at + 8)));
        if length < HEAD || at + length > bytes.len() {
            return Err(Errno::EINVAL);
        }
        let found = CONTROLS.iter().find(|(own, ..)| *own == kind);
        let data = &bytes[at + HEAD..at + length];
        let converted =
            found.and_then(|(_, host, d)| Some((*host, data_to_host(call.abi, *d, data)?)));
        let Some(((level, kind), data)) = converted else {
            call.unimplemented(&format!(
                "control message of level {:#x}, type {}",
                kind.0, kind.1
            ));
            return Err(Errno::EINVAL);
        };
        out.extend(((HOST_HEAD + data.len()) as u64).to_le_bytes());
        out.extend(level.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(data);
        out.resize(out.len().next_multiple_of(8), 0);
        at += length.next_multiple_of(ALIGN);
    }
    Ok(out)
}

/// The messages in the guest's layout that fit into as many bytes, and how many bytes of the host's these were.
fn control_to_guest(call: &Call<'_>, bytes: &[u8], room: usize) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut at = 0;
    while at + HOST_HEAD <= bytes.len() {
        let get = |at: usize, kind| read_int(OsAbi::HOST, kind, &bytes[at..]);
        let length = get(at, Kind::U64) as usize;
        if length < HOST_HEAD || at + length > bytes.len() {
            break;
        }
        let kind = (
            get(at + 8, Kind::U32) as u32,
            get(at + 12, Kind::U32) as u32,
        );
        let data = &bytes[at + HOST_HEAD..at + length];
        let found = CONTROLS.iter().find(|(_, host, _)| *host == kind);
        match found.and_then(|(own, _, d)| Some((*own, data_to_guest(call.abi, *d, data)?))) {
            Some(((level, kind), data)) => {
                let start = out.len();
                let end = start + (HEAD + data.len()).next_multiple_of(ALIGN);
                if end > room {
                    return (out, at);
                }
                out.resize(end, 0);
                let fields = [(HEAD + data.len()) as u64, level.into(), kind.into()];
                for (n, value) in fields.into_iter().enumerate() {
                    write_int(call.abi, Kind::U32, &mut out[start + 4 * n..], value);
                }
                out[start + HEAD..start + HEAD + data.len()].copy_from_slice(&data);
            }
            None => call.unimplemented(&format!(
                "a received control message of level {}, type {}",
                kind.0, kind.1
            )),
        }
        at += length.next_multiple_of(8);
    }
    (out, bytes.len())
}

pub(super) fn send(call: &mut Call<'_>) -> SysResult {
    let m: Msghdr = call.read_struct(call.arg(1))?;
    if m.msg_iovlen.0 > IOV_MAX || m.msg_namelen > NAME_MAX || m.msg_controllen.0 > CONTROL_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let mut name = Vec::new();
    if m.msg_name.0 != 0 {
        name = call.read_bytes(m.msg_name.0, m.msg_namelen.into())?;
        convert_sockaddr(call.abi, &mut name, true);
    }
    let iov = host_iovecs(call, m.msg_iov.0, m.msg_iovlen.0, Dir::In)?;
    let mut control = Vec::new();
    if m.msg_control.0 != 0 {
        let bytes = call.read_bytes(m.msg_control.0, m.msg_controllen.0)?;
        control = control_to_host(call, &bytes)?;
    }
    let held = rights::attach(call, &mut control)?;
    let mut message = Message::new(name, iov, control);
    let quiet = match quiet::contains(call, call.int(0)) {
        true => quiet::NOSIGNAL,
        false => 0,
    };
    let flags = call.host_flags(2) | quiet;
    let args = [call.arg(0), message.address(), flags, 0, 0, 0];
    let sent = call.host_wait(SYS_sendmsg, args);
    drop(held);
    super::broken(call, call.arg(2), sent)
}

pub(super) fn receive(call: &mut Call<'_>) -> SysResult {
    let at = call.arg(1);
    let mut m: Msghdr = call.read_struct(at)?;
    if m.msg_iovlen.0 > IOV_MAX || m.msg_controllen.0 > CONTROL_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let name = if m.msg_name.0 != 0 {
        vec![0; NAME_MAX as usize]
    } else {
        Vec::new()
    };
    let iov = host_iovecs(call, m.msg_iov.0, m.msg_iovlen.0, Dir::Out)?;
    /// SCM_MAX_FD of the host: whatever it sends with descriptors must not be cut off, as that may limit them.
    const MOST_DESCRIPTORS: usize = 253;
    // The host's headers are longer on 32-bit guests.
    let control = if m.msg_control.0 != 0 {
        vec![0; m.msg_controllen.0 as usize * 2 + HOST_HEAD + 4 * MOST_DESCRIPTORS + 8]
    } else {
        Vec::new()
    };
    let mut message = Message::new(name, iov, control);
    let args = [call.arg(0), message.address(), call.host_flags(2), 0, 0, 0];
    let n = call.host_wait(SYS_recvmsg, args)?;
    let [_, name_len, _, _, _, control_len, flags] = message.header;
    if m.msg_name.0 != 0 {
        let mut name = message.name[..(name_len as usize).min(NAME_MAX as usize)].to_vec();
        convert_sockaddr(call.abi, &mut name, false);
        name.truncate(m.msg_namelen as usize);
        call.write_bytes(m.msg_name.0, &name)?;
        m.msg_namelen = name_len as u32;
    }
    message.control.truncate(control_len as usize);
    rights::detach(call, &mut message.control);
    m.msg_flags = flags as u32 as i32;
    // Only whole messages are handed over, of which the last one is padded as well; what does not fit is let go.
    let (control, taken) = control_to_guest(call, &message.control, m.msg_controllen.0 as usize);
    if taken < message.control.len() && m.msg_control.0 != 0 {
        const HOST_MSG_CTRUNC: i32 = 8;
        rights::dispose(call, &message.control[taken..]);
        m.msg_flags |= HOST_MSG_CTRUNC;
    }
    if m.msg_control.0 != 0
        && let Err(e) = call.write_bytes(m.msg_control.0, &control)
    {
        // Descriptors that the guest does not learn of would be open for good.
        rights::dispose(call, &message.control[..taken]);
        return Err(e);
    }
    m.msg_controllen = crate::abi::Ulong(control.len() as u64);
    call.write_struct(at, &m)?;
    Ok(n)
}
