//! What goes over a socket that only FreeBSD knows: what is known of the descriptors that are sent (their capsicum(4) limits, the
//! lifelines of processes, what is kept of sockets), times and credentials, and which descriptors are one message.
//!
//! Behind the guest's descriptors in the message one more is sent, a file of memory that says it, with the lifelines before it. The
//! emulator that receives them takes these away again. So what is known of a descriptor goes just where the descriptor goes, whoever
//! receives it whenever; nothing is left over when it is not received, and two descriptors of one file may differ, as on FreeBSD.
//! A program of the host's that is sent such a descriptor sees the others, too.

use super::*;
use crate::host::fd::OwnFd;
use crate::os::freebsd::sys::procctl::is_guest;
use crate::os::freebsd::sys::procdesc::{self, ProcessDescriptor};

/// Level and type of SCM_RIGHTS on the host.
pub(super) const HOST_NAME: (u32, u32) = (1, 1);
/// Name of the file that says what is known. No guest can give a file of memory this name.
const NAME: &std::ffi::CStr = c"emu-descriptors";

/// A control message that is for the other guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// SCM_RIGHTS
    Descriptors(Vec<i32>),
    /// The type of the message (SCM_TIMESTAMP and its like), seconds and nanoseconds.
    Time(u32, [u64; 2]),
    /// SCM_CREDS: process, user, effective user, group, groups.
    Credentials(Vec<u32>),
}

impl Item {
    fn descriptors(&self) -> &[i32] {
        match self {
            Item::Descriptors(fds) => fds,
            _ => &[],
        }
    }

    /// The line that tells of it.
    fn to_text(&self) -> String {
        match self {
            Item::Descriptors(fds) => format!("rights {}\n", fds.len()),
            Item::Time(kind, [sec, nsec]) => format!("time {kind} {sec} {nsec}\n"),
            Item::Credentials(ids) => {
                let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
                format!("creds {}\n", ids.join(" "))
            }
        }
    }

    /// What the words of such a line tell; descriptors are taken from `fds`. `None` for anything else.
    fn from_words(words: &[&str], fds: &mut impl Iterator<Item = i32>) -> Option<Item> {
        let (&name, rest) = words.split_first()?;
        let numbers: Option<Vec<u64>> = rest.iter().map(|w| w.parse().ok()).collect();
        match (name, &numbers?[..]) {
            ("rights", &[count]) => Some(Item::Descriptors(fds.take(count as usize).collect())),
            ("time", &[kind, sec, nsec]) => Some(Item::Time(kind as u32, [sec, nsec])),
            ("creds", ids) => Some(Item::Credentials(ids.iter().map(|&id| id as u32).collect())),
            _ => None,
        }
    }
}

/// Whether the other end of a socket is, as far as is known, a guest: only a guest understands what is sent.
fn to_guest(call: &mut Call<'_>) -> bool {
    // The host's struct ucred begins with the process.
    let [pid, ..] = host_option::<3>(call, 0, SO_PEERCRED).unwrap_or_default();
    pid == 0 || is_guest(pid as i32)
}

/// Adds these to the host's control messages. What is returned has to stay until it is sent.
///
/// # Errors
/// EOPNOTSUPP for a descriptor that cannot be sent; the host's for the file.
pub(super) fn attach(
    call: &mut Call<'_>,
    items: &[Item],
    control: &mut Vec<u8>,
) -> SysResult<Vec<OwnFd>> {
    const MFD_CLOEXEC: u64 = 1;
    const HOST_CREDENTIALS: (u32, u32) = (1, 2);
    let mut fds: Vec<i32> = items.iter().flat_map(Item::descriptors).copied().collect();
    if fds
        .iter()
        .any(|&fd| crate::os::freebsd::sys::kqueue::is_kqueue(call, fd))
    {
        return Err(Errno::EOPNOTSUPP);
    }
    // A line for each that something is known of: its place, and that.
    let (mut facts, mut lives) = (String::new(), Vec::new());
    for (n, &fd) in fds.iter().enumerate() {
        if let Some(limits) = capsicum::limits(call, fd) {
            facts += &format!("limits {n} {}\n", limits.to_text());
        }
        if let Some(kept) = kept::all(call, fd) {
            facts += &format!("socket {n} {}\n", kept.to_text());
        }
        if let Some(process) = procdesc::known(call, fd) {
            let life = process.life.as_ref().map_or(-1, |life| {
                lives.push(life.number());
                lives.len() as i32 - 1
            });
            facts += &format!("process {n} {} {life}\n", process.pid);
        }
        // The way back would be one more descriptor to a program of the host's.
        if let Some(end) = pipe::end(call, fd).filter(|_| to_guest(call)) {
            lives.push(end.back.number());
            facts += &format!("pipe {n} {} {}\n", end.side.number(), lives.len() - 1);
        }
    }
    let mut held = Vec::new();
    let mut plain = matches!(items, [] | [Item::Descriptors(_)]) && facts.is_empty();
    if let [Item::Credentials(ids)] = items
        && !to_guest(call)
    {
        let ucred = [ids[0], ids[1], ids[3]].map(u32::to_le_bytes).concat();
        control::add_to_host(control, HOST_CREDENTIALS, &ucred);
        plain = true;
    }
    if !plain {
        let text = items.iter().map(Item::to_text).collect::<String>() + &facts;
        let file = OwnFd::open(
            SYS_memfd_create,
            [NAME.as_ptr() as u64, MFD_CLOEXEC, 0, 0, 0, 0],
        )?;
        let (at, length) = (text.as_ptr() as u64, text.len() as u64);
        host::syscall(SYS_write, [file.number() as u64, at, length, 0, 0, 0])?;
        fds.extend(lives);
        fds.push(file.number());
        held.push(file);
    }
    if !fds.is_empty() {
        let data: Vec<u8> = fds.iter().flat_map(|fd| fd.to_le_bytes()).collect();
        control::add_to_host(control, HOST_NAME, &data);
    }
    Ok(held)
}

/// What descriptors of the host's that have been received are. What is known of them is let those know who keep it.
pub(super) fn detach(call: &Call<'_>, mut fds: Vec<i32>) -> Vec<Item> {
    let Some(&last) = fds.last() else {
        return Vec::new();
    };
    let path = format!("/proc/self/fd/{last}");
    let link = std::fs::read_link(&path).unwrap_or_default();
    if link.as_os_str() != format!("/memfd:{} (deleted)", NAME.to_string_lossy()).as_str() {
        return vec![Item::Descriptors(fds)];
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = host::syscall(SYS_close, [last as u64, 0, 0, 0, 0, 0]);
    fds.pop();
    let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split(' ').collect()).collect();
    let number = |text: &str| text.parse::<i32>().unwrap_or(-1);
    let hidden = lines
        .iter()
        .filter_map(|words| {
            words
                .get(3)
                .filter(|_| matches!(words[0], "process" | "pipe"))
        })
        .map(|life| number(life) + 1)
        .max()
        .unwrap_or(0);
    let lives = fds.split_off(fds.len().saturating_sub(hidden as usize));
    // Of lifelines there are few, of ways back of pipes there may be many.
    let is_back = |n: usize| {
        let mut of = lines.iter().filter(|words| words[0] == "pipe");
        of.any(|words| words.get(3).is_some_and(|place| number(place) == n as i32))
    };
    let lives = lives.into_iter().enumerate();
    let lives = lives.map(|(n, fd)| match is_back(n) {
        true => OwnFd::adopt_loop(fd).ok(),
        false => OwnFd::adopt(fd).ok(),
    });
    let mut lives: Vec<Option<OwnFd>> = lives.collect();
    let known = |place: &str| fds.get(usize::try_from(number(place)).ok()?).copied();
    let mut rest = fds.iter().copied();
    let mut items = Vec::new();
    for words in &lines {
        match words[..] {
            ["limits", place, limits] => {
                if let (Some(fd), Some(limits)) =
                    (known(place), capsicum::Limits::from_text(limits))
                {
                    capsicum::set_limits(call, fd, limits);
                }
            }
            ["socket", place, kept] => {
                if let (Some(fd), Some(kept)) = (known(place), kept::Kept::from_text(kept)) {
                    kept::set_all(call, fd, kept);
                }
            }
            ["process", place, pid, life] => {
                let life = usize::try_from(number(life)).ok();
                let life = life.and_then(|n| lives.get_mut(n)?.take());
                let process = ProcessDescriptor {
                    pid: number(pid),
                    life: life.map(std::sync::Arc::new),
                };
                if let Some(fd) = known(place) {
                    procdesc::received(call, fd, process);
                }
            }
            ["pipe", place, side, back] => {
                let back = usize::try_from(number(back)).ok();
                let back = back.and_then(|n| lives.get_mut(n)?.take());
                let side = pipe::Side::from_number(number(side));
                if let (Some(fd), Some(side), Some(back)) = (known(place), side, back) {
                    let back = std::sync::Arc::new(back);
                    pipe::set(call, fd, pipe::End { side, back });
                }
            }
            _ => items.extend(Item::from_words(words, &mut rest)),
        }
    }
    items
}

/// Closes a descriptor that the guest does not get.
pub(super) fn dispose(call: &mut Call<'_>, fd: i32) {
    pipe::closing(call, fd, fd);
    let _ = call.host(SYS_close, [fd as u64, 0, 0, 0, 0, 0]);
    descriptors::closed(call, fd, fd);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_through_text_in_their_order() {
        let items = [
            Item::Descriptors(vec![5]),
            Item::Time(4, [7, 8]),
            Item::Descriptors(vec![6, 7]),
            Item::Credentials(vec![1, 2, 3]),
        ];
        let text: String = items.iter().map(Item::to_text).collect();
        let mut fds = [5, 6, 7].into_iter();
        let words = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let read: Vec<Item> = words
            .filter_map(|w| Item::from_words(&w, &mut fds))
            .collect();
        assert_eq!(read, items);
        for bad in ["", "rights", "rights x", "time 1 2", "limits 0 1"] {
            let words: Vec<&str> = bad.split(' ').collect();
            assert_eq!(Item::from_words(&words, &mut fds), None, "{bad}");
        }
    }
}
