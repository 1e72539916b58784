//! What goes along with descriptors that are sent over a socket: their capsicum(4) limits, and the lifelines of processes.
//!
//! Behind the guest's descriptors in the message one more is sent, a file of memory that says it, with the lifelines before it. The
//! emulator that receives them takes these away again. So what is known of a descriptor goes just where the descriptor goes, whoever
//! receives it whenever; nothing is left over when it is not received, and two descriptors of one file may differ, as on FreeBSD.
//! A program of the host's that is sent such a descriptor sees the others, too.

use super::*;
use crate::host::fd::OwnFd;
use crate::os::freebsd::sys::procdesc::{self, ProcessDescriptor};

/// Level and type of SCM_RIGHTS on the host.
const RIGHTS: (u32, u32) = (1, 1);
/// Header of the host's control messages: length, level, type.
const HEAD: usize = 16;
/// Name of the file that says what is known. No guest can give a file of memory this name.
const NAME: &std::ffi::CStr = c"emu-descriptors";

/// The host's SCM_RIGHTS messages: where each begins and the descriptors in it.
fn messages(control: &[u8]) -> Vec<(usize, Vec<i32>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + HEAD <= control.len() {
        let get = |at: usize, kind| read_int(OsAbi::HOST, kind, &control[at..]);
        let length = get(at, Kind::U64) as usize;
        if length < HEAD || at + length > control.len() {
            break;
        }
        let name = (
            get(at + 8, Kind::U32) as u32,
            get(at + 12, Kind::U32) as u32,
        );
        if name == RIGHTS {
            let ints = control[at + HEAD..at + length].chunks_exact(4);
            let fds = ints.map(|i| read_int(OsAbi::HOST, Kind::I32, i) as i32);
            found.push((at, fds.collect()));
        }
        at += length.next_multiple_of(8);
    }
    found
}

/// Replaces the descriptors of the message at `at`.
fn replace(control: &mut Vec<u8>, at: usize, fds: &[i32]) {
    let old = read_int(OsAbi::HOST, Kind::U64, &control[at..]) as usize;
    let end = (at + old.next_multiple_of(8)).min(control.len());
    let mut new = control[at..at + HEAD].to_vec();
    new[..8].copy_from_slice(&((HEAD + 4 * fds.len()) as u64).to_le_bytes());
    new.extend(fds.iter().flat_map(|fd| fd.to_le_bytes()));
    new.resize(new.len().next_multiple_of(8), 0);
    control.splice(at..end, new);
}

/// Adds what is known of the descriptors in a message that is about to be sent. What is returned has to stay until then.
///
/// # Errors
/// EOPNOTSUPP for a descriptor that cannot be sent; the host's for the file.
pub(super) fn attach(call: &Call<'_>, control: &mut Vec<u8>) -> SysResult<Vec<OwnFd>> {
    const MFD_CLOEXEC: u64 = 1;
    let messages = messages(control);
    let Some((last, in_last)) = messages.last() else {
        return Ok(Vec::new());
    };
    let fds: Vec<i32> = messages.iter().flat_map(|(_, fds)| fds).copied().collect();
    if fds
        .iter()
        .any(|&fd| crate::os::freebsd::sys::kqueue::is_kqueue(call, fd))
    {
        return Err(Errno::EOPNOTSUPP);
    }
    // A line for each that something is known of: its place, what it is, and that.
    let (mut text, mut lives) = (String::new(), Vec::new());
    let mut held = Vec::new();
    for (n, &fd) in fds.iter().enumerate() {
        if let Some(limits) = capsicum::limits(call, fd) {
            text += &format!("{n} limits {}\n", limits.to_text());
        }
        if let Some(process) = procdesc::known(call, fd) {
            let life = process.life.as_ref().map_or(-1, |life| {
                lives.push(life.number());
                lives.len() as i32 - 1
            });
            text += &format!("{n} process {} {life}\n", process.pid);
        }
    }
    if text.is_empty() {
        return Ok(held);
    }
    let file = OwnFd::open(
        SYS_memfd_create,
        [NAME.as_ptr() as u64, MFD_CLOEXEC, 0, 0, 0, 0],
    )?;
    let (at, length) = (text.as_ptr() as u64, text.len() as u64);
    crate::host::syscall(SYS_write, [file.number() as u64, at, length, 0, 0, 0])?;
    let mut all = in_last.clone();
    all.extend(lives);
    all.push(file.number());
    replace(control, *last, &all);
    held.push(file);
    Ok(held)
}

/// Takes what is known of the descriptors of a message away from it, and lets those know who keep it.
pub(super) fn detach(call: &Call<'_>, control: &mut Vec<u8>) {
    for (at, mut fds) in messages(control).into_iter().rev() {
        let Some(&last) = fds.last() else { continue };
        let link = std::fs::read_link(format!("/proc/self/fd/{last}")).unwrap_or_default();
        let name = format!("/memfd:{} (deleted)", NAME.to_string_lossy());
        if link.as_os_str() != name.as_str() {
            continue;
        }
        let text = std::fs::read_to_string(format!("/proc/self/fd/{last}")).unwrap_or_default();
        let _ = crate::host::syscall(SYS_close, [last as u64, 0, 0, 0, 0, 0]);
        fds.pop();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split(' ').collect()).collect();
        let number = |text: &str| text.parse::<i32>().unwrap_or(-1);
        let hidden = lines
            .iter()
            .filter_map(|words| words.get(3).map(|life| number(life) + 1))
            .max()
            .unwrap_or(0);
        let lives = fds.split_off(fds.len().saturating_sub(hidden as usize));
        let mut lives: Vec<Option<OwnFd>> =
            lives.into_iter().map(|fd| OwnFd::adopt(fd).ok()).collect();
        for words in &lines {
            let place = words.first().map_or(-1, |n| number(n));
            let Some(&fd) = usize::try_from(place).ok().and_then(|n| fds.get(n)) else {
                continue;
            };
            match words[1..] {
                ["limits", limits] => {
                    if let Some(limits) = capsicum::Limits::from_text(limits) {
                        capsicum::set_limits(call, fd, limits);
                    }
                }
                ["process", pid, life] => {
                    let life = usize::try_from(number(life)).ok();
                    let life = life.and_then(|n| lives.get_mut(n)?.take());
                    let process = ProcessDescriptor {
                        pid: number(pid),
                        life: life.map(std::sync::Arc::new),
                    };
                    procdesc::received(call, fd, process);
                }
                _ => {}
            }
        }
        replace(control, at, &fds);
    }
}

/// Closes the descriptors in a control message of the host's that the guest does not get.
pub(super) fn dispose(call: &mut Call<'_>, control: &[u8]) {
    for fd in messages(control).into_iter().flat_map(|(_, fds)| fds) {
        let _ = call.host(SYS_close, [fd as u64, 0, 0, 0, 0, 0]);
        capsicum::closed(call, fd, fd);
        procdesc::closed(call, fd, fd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: u32, kind: u32, data: &[u8]) -> Vec<u8> {
        let mut out = ((HEAD + data.len()) as u64).to_le_bytes().to_vec();
        out.extend(level.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(data);
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    #[test]
    fn descriptors_in_messages() {
        let time = message(1, 29, &[9; 16]);
        let mut control = [time.clone(), message(1, 1, &[5, 0, 0, 0]), time.clone()].concat();
        assert_eq!(messages(&control), [(32, vec![5])]);
        replace(&mut control, 32, &[5, 6, 7]);
        assert_eq!(messages(&control), [(32, vec![5, 6, 7])]);
        assert!(control.ends_with(&time));
        replace(&mut control, 32, &[5]);
        let expected = [time.clone(), message(1, 1, &[5, 0, 0, 0]), time].concat();
        assert_eq!(control, expected);
        assert_eq!(messages(&control[..20]), []);
    }
}
