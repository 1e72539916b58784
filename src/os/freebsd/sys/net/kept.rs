//! What of a socket only FreeBSD knows, by descriptor.
//!
//! It goes where the descriptor goes: to copies of it, to connections that a listening socket accepts, to the children of forks,
//! through `execve` as text, and over sockets behind the descriptors of a message ([`super::rights`]). Two processes that share a
//! socket do not see what the other one sets afterwards.

use std::collections::HashMap;

use super::*;
use crate::os::freebsd;
use crate::os::freebsd::sys::{descriptors, own::Own};
use crate::process::Process;

/// The host's MSG_NOSIGNAL.
pub(super) const NOSIGNAL: u64 = 0x4000;

/// Something that is known of a socket; 0 where nothing has been set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::os::freebsd::sys) enum Fact {
    /// SO_NOSIGPIPE: a broken connection raises no signal, which the host knows of single calls only.
    NoSignal,
    /// SO_TIMESTAMP, which the host has in one form.
    Timestamp,
    /// SO_BINTIME
    Bintime,
    /// SO_TS_CLOCK: the form of SO_TIMESTAMP.
    Clock,
    /// LOCAL_CREDS; a socket of streams tells the first message's only.
    Credentials,
    /// LOCAL_CREDS_PERSISTENT
    LastingCredentials,
    /// IP_RECVDSTADDR, which the host tells together with the interface.
    ToAddress,
    /// IP_RECVIF
    Interface,
    /// IP_PORTRANGE, IPV6_PORTRANGE
    PortRange,
}

/// How many facts there are.
const FACTS: usize = 9;

/// All that is known of a socket: values of one decimal digit, by fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::os::freebsd::sys) struct Kept([u8; FACTS]);

impl Kept {
    /// As text: the digits.
    pub(super) fn to_text(self) -> String {
        self.0.iter().map(|v| char::from(b'0' + v % 10)).collect()
    }

    /// What [`Kept::to_text`] has written; `None` for anything else.
    pub(super) fn from_text(text: &str) -> Option<Kept> {
        let digits: Option<Vec<u8>> = text.bytes().map(|b| b.checked_sub(b'0')).collect();
        Some(Kept(digits?.try_into().ok()?))
    }
}

/// The sockets of a process that something is known of.
#[derive(Default)]
pub struct Sockets(pub(in crate::os::freebsd::sys) Own<HashMap<i32, Kept>>);

impl Sockets {
    /// What a program that this process executes has to know, as text: `FD=KEPT`. Descriptors that exec closes may be among them.
    pub(in crate::os::freebsd) fn to_text(&self, vforked: bool) -> String {
        if !self.0.is_used() {
            return String::new();
        }
        let items = self.0.with(vforked, |sockets| {
            let items = sockets
                .iter()
                .map(|(fd, kept)| format!("{fd}={}", kept.to_text()));
            items.collect::<Vec<_>>()
        });
        items.join(";")
    }

    /// Takes over what the program before this one has left.
    pub(in crate::os::freebsd) fn inherit(&self, text: &str) {
        self.0.with(false, |sockets| {
            let items = text.split(';').filter_map(|item| {
                let (fd, kept) = item.split_once('=')?;
                Some((fd.parse().ok()?, Kept::from_text(kept)?))
            });
            sockets.extend(items.filter(|(fd, _)| descriptors::is_open(*fd)));
        });
    }
}

fn of<'a>(call: &'a Call<'_>) -> Option<&'a Sockets> {
    freebsd::of(call.thread).map(|os| &os.sockets)
}

/// Looks at or changes what is known of the process's sockets, if there is anything.
fn if_used<R>(call: &Call<'_>, action: impl FnOnce(&mut HashMap<i32, Kept>) -> R) -> Option<R> {
    of(call)?.0.if_used(call, action)
}

/// All that is known of a socket.
pub(super) fn all(call: &Call<'_>, fd: i32) -> Option<Kept> {
    if_used(call, |sockets| sockets.get(&fd).copied())?
}

/// What is known of a socket.
pub(super) fn get(call: &Call<'_>, fd: i32, fact: Fact) -> u8 {
    all(call, fd).map_or(0, |kept| kept.0[fact as usize])
}

/// Gives a socket, which has just come over another, what was known of it.
pub(super) fn set_all(call: &Call<'_>, fd: i32, kept: Kept) {
    if let Some(sockets) = of(call) {
        let vforked = call.thread.handle.has_own_files();
        sockets
            .0
            .with(vforked, |sockets| match kept == Kept::default() {
                true => sockets.remove(&fd),
                false => sockets.insert(fd, kept),
            });
    }
}

pub(super) fn set(call: &Call<'_>, fd: i32, fact: Fact, value: u8) {
    let mut kept = all(call, fd).unwrap_or_default();
    if kept.0[fact as usize] != value {
        kept.0[fact as usize] = value;
        set_all(call, fd, kept);
    }
}

/// Whether a broken connection raises no signal.
pub(super) fn is_silent(call: &Call<'_>, fd: i32) -> bool {
    get(call, fd, Fact::NoSignal) != 0
}

/// Likewise, for a descriptor of the process's own.
pub(in crate::os::freebsd::sys) fn is_silent_in(process: &Process, fd: i32) -> bool {
    let sockets = freebsd::of_process(process).map(|os| &os.sockets.0);
    sockets.is_some_and(|s| {
        s.is_used()
            && s.with(false, |all| {
                all.get(&fd)
                    .is_some_and(|k| k.0[Fact::NoSignal as usize] != 0)
            })
    })
}

/// `write`, to a socket that raises no signal.
pub(in crate::os::freebsd::sys) fn write(call: &mut Call<'_>) -> Option<SysResult> {
    is_silent(call, call.int(0)).then(|| {
        let (at, len) = (call.arg(1), call.arg(2));
        let host = call.lend(at, len, Dir::In, true)?;
        call.host_wait(SYS_sendto, [call.arg(0), host, len, NOSIGNAL, 0, 0])
    })
}

/// `writev`, to any file.
pub(in crate::os::freebsd::sys) fn write_vector(call: &mut Call<'_>) -> SysResult {
    if !is_silent(call, call.int(0)) {
        return pass(call, SYS_writev, true);
    }
    let count = call.arg(2);
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let iov = host_iovecs(call, call.arg(1), count, Dir::In)?;
    // struct msghdr: no name, vectors, no control messages.
    let message = [0, 0, iov.as_ptr() as u64, count, 0, 0, 0u64];
    let at = message.as_ptr() as u64;
    call.host_wait(SYS_sendmsg, [call.arg(0), at, NOSIGNAL, 0, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_goes_through_text() {
        let mut kept = Kept::default();
        kept.0[Fact::Clock as usize] = 3;
        kept.0[Fact::PortRange as usize] = 2;
        assert_eq!(Kept::from_text(&kept.to_text()), Some(kept));
        for bad in ["", "1", "00000000-", "0000000000"] {
            assert_eq!(Kept::from_text(bad), None, "{bad}");
        }
    }
}
