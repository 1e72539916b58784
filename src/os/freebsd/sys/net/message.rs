//! Messages with addresses and control messages: `sendmsg`, `recvmsg`.

use super::*;

/// What of it is missing.
pub(super) const LIMITS: &str =
    "control messages of IPv6's extension headers and of SCTP; on a stream, none without data";

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

    /// Whether it has no bytes of its own.
    fn is_empty(&self) -> bool {
        let lengths = self.iov.chunks_exact(16).map(|v| &v[8..]);
        lengths.into_iter().all(|len| len == [0; 8])
    }
}

pub(super) fn send(call: &mut Call<'_>) -> SysResult {
    super::routing::refuse_parts(call)?;
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
    let (mut control, mut held) = (Vec::new(), Vec::new());
    if m.msg_control.0 != 0 {
        let bytes = call.read_bytes(m.msg_control.0, m.msg_controllen.0)?;
        let items;
        (control, items) = control::to_host(call, &bytes)?;
        held = rights::attach(call, &items, &mut control)?;
    }
    let mut message = Message::new(name, iov, control);
    if !message.control.is_empty() && message.is_empty() && is_local(call, 0) && is_stream(call, 0)
    {
        // The host sends nothing where there is nothing to send.
        call.unimplemented("control messages without data over a stream");
    }
    let quiet = match kept::is_silent(call, call.int(0)) {
        true => kept::NOSIGNAL,
        false => 0,
    };
    let flags = call.host_flags(2) | quiet;
    let args = [call.arg(0), message.address(), flags, 0, 0, 0];
    let sent = call.host_wait(SYS_sendmsg, args);
    drop(held);
    super::broken(call, call.arg(2), sent)
}

pub(super) fn receive(call: &mut Call<'_>) -> SysResult {
    const HOST_MSG_CTRUNC: u64 = 8;
    /// SCM_MAX_FD of the host: whatever it sends with descriptors must not be cut off, as that may limit them.
    const MOST_DESCRIPTORS: usize = 253;
    /// As long as any header of the host's.
    const HEAD: usize = 16;
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
    let (wanted, room) = (m.msg_control.0 != 0, m.msg_controllen.0 as usize);
    // The host's headers are longer on 32-bit guests, and its credentials than those of old.
    let control = match wanted {
        true => vec![0; room * 2 + 128 + HEAD + 4 * MOST_DESCRIPTORS + 8],
        false => Vec::new(),
    };
    let mut message = Message::new(name, iov, control);
    let wishes = call.host_flags(2);
    let args = [call.arg(0), message.address(), wishes, 0, 0, 0];
    let n = call.host_wait(SYS_recvmsg, args)?;
    let [_, name_len, _, _, _, control_len, mut flags] = message.header;
    if m.msg_name.0 != 0 {
        let mut name = message.name[..(name_len as usize).min(NAME_MAX as usize)].to_vec();
        convert_sockaddr(call.abi, &mut name, false);
        name.truncate(m.msg_namelen as usize);
        call.write_bytes(m.msg_name.0, &name)?;
        m.msg_namelen = name.len() as u32;
    }
    // Only whole messages are handed over, of which the last one is padded as well; who does not ask for any loses nothing.
    flags &= !HOST_MSG_CTRUNC;
    let mut written = Vec::new();
    if wanted {
        message.control.truncate(control_len as usize);
        let controls = control::to_guest(call, &message.control);
        let cut;
        (written, cut) = control::write(call, &controls, room);
        if cut {
            flags |= HOST_MSG_CTRUNC;
        }
        if let Err(e) = call.write_bytes(m.msg_control.0, &written) {
            // Descriptors that the guest does not learn of would be open for good.
            control::dispose(call, &controls);
            return Err(e);
        }
    }
    // What was asked for is told again.
    m.msg_flags = (flags | wishes) as u32 as i32;
    m.msg_controllen = crate::abi::Ulong(written.len() as u64);
    call.write_struct(at, &m)?;
    Ok(n)
}
