//! What the host says of a guest's descriptor.

use super::super::pipe;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::abi::{Errno, SysResult};
use crate::host::nr::*;
use crate::host::{fd::OwnFd, syscall};

// sys/epoll.h and poll.h, which have the same values.
pub(super) const IN: u32 = 1;
pub(super) const OUT: u32 = 4;
pub(super) const ERR: u32 = 8;
pub(super) const HUP: u32 = 0x10;
pub(super) const RDHUP: u32 = 0x2000;

/// What a descriptor is to the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A regular file or a directory: always ready, up to its end.
    File,
    Socket,
    /// A pipe, a terminal, another kqueue.
    Stream,
    /// A device that cannot be waited for.
    Device,
}

fn link(fd: i32) -> String {
    format!("/proc/self/fd/{fd}")
}

pub(super) fn class(fd: i32) -> SysResult<Class> {
    let meta = std::fs::metadata(link(fd)).map_err(|_| Errno::EBADF)?;
    let kind = meta.file_type();
    Ok(if kind.is_file() || kind.is_dir() {
        Class::File
    } else if kind.is_socket() {
        Class::Socket
    } else if kind.is_char_device() && !is_waitable(fd) {
        Class::Device
    } else {
        Class::Stream
    })
}

/// Whether it is the end of a named pipe that is not for what is asked: reading or writing.
pub(super) fn is_other_end(fd: i32, reading: bool) -> bool {
    const F_GETFL: u64 = 3;
    const O_ACCMODE: u64 = 3;
    const O_RDONLY: u64 = 0;
    const O_WRONLY: u64 = 1;
    let Ok(flags) = syscall(SYS_fcntl, [fd as u64, F_GETFL, 0, 0, 0, 0]) else {
        return false;
    };
    let other = if reading { O_WRONLY } else { O_RDONLY };
    let named = || std::fs::read_link(link(fd)).is_ok_and(|to| to.is_absolute());
    let fifo = || std::fs::metadata(link(fd)).is_ok_and(|m| m.file_type().is_fifo());
    flags & O_ACCMODE == other && named() && fifo()
}

/// Whether the host's epoll takes it.
fn is_waitable(fd: i32) -> bool {
    const TTY: u64 = 0x5401; // TCGETS
    let mut termios = [0u8; 64];
    syscall(
        SYS_ioctl,
        [fd as u64, TTY, termios.as_mut_ptr() as u64, 0, 0, 0],
    )
    .is_ok()
        || OwnFd::open(SYS_epoll_create1, [0x80000, 0, 0, 0, 0, 0])
            .is_ok_and(|epoll| super::queue::control(epoll.number(), 1, fd, IN, 0).is_ok())
}

/// Which of `events` hold now.
pub(super) fn poll(fd: i32, events: u32) -> u32 {
    const NVAL: u32 = 0x20;
    let found = pipe::wait::look(fd, events);
    if found & NVAL != 0 { 0 } else { found }
}

/// A pipe's buffer, or a socket's low estimate.
const PIPE_ROOM: i64 = 65536;

fn ioctl_int(fd: i32, request: u64) -> Option<i64> {
    let mut value = 0i32;
    let args = [fd as u64, request, (&raw mut value) as u64, 0, 0, 0];
    syscall(SYS_ioctl, args).ok()?;
    Some(value.into())
}

/// Bytes that can be read; for a listening socket, connections that wait.
pub(super) fn readable(fd: i32) -> i64 {
    const FIONREAD: u64 = 0x541b;
    match ioctl_int(fd, FIONREAD) {
        Some(bytes) => bytes,
        None => connections(fd).max(1),
    }
}

/// `tcpi_unacked` of `struct tcp_info` is the number of connections that a listening socket has for `accept`.
fn connections(fd: i32) -> i64 {
    const LEVEL_TCP: u64 = 6;
    const TCP_INFO: u64 = 11;
    let mut info = [0u8; 104];
    let mut len = info.len() as u32;
    let args = [
        fd as u64,
        LEVEL_TCP,
        TCP_INFO,
        info.as_mut_ptr() as u64,
        (&raw mut len) as u64,
        0,
    ];
    match syscall(SYS_getsockopt, args) {
        Ok(_) if len >= 28 => {
            i64::from(u32::from_le_bytes([info[24], info[25], info[26], info[27]]))
        }
        _ => 0,
    }
}

/// Room for writing.
pub(super) fn writable(fd: i32) -> i64 {
    const SIOCOUTQ: u64 = 0x5411;
    (PIPE_ROOM - ioctl_int(fd, SIOCOUTQ).unwrap_or(0)).max(1)
}

/// Bytes that a pipe of the host's has for reading, or room for; `None` if that is nothing to be told.
pub(super) fn pipe_level(fd: i32, reading: bool) -> Option<i64> {
    /// `PIPE_BUF` of FreeBSD (`sys/syslimits.h`): where there is less room, a write may wait.
    const PIPE_BUF: i64 = 512;
    let bytes = pipe::waiting(fd) as i64;
    match reading {
        true => Some(bytes).filter(|&bytes| bytes > 0),
        // The host has whole pages, which need not be full.
        false => (poll(fd, OUT) & OUT != 0).then(|| (PIPE_ROOM - bytes).max(PIPE_BUF)),
    }
}

/// Bytes from the position of a file to its end.
pub(super) fn file_left(fd: i32) -> i64 {
    const SEEK_CUR: u64 = 1;
    let at = syscall(SYS_lseek, [fd as u64, 0, SEEK_CUR, 0, 0, 0]).unwrap_or(0);
    let size = std::fs::metadata(link(fd)).map_or(0, |m| m.len());
    size as i64 - at as i64
}

/// Size and number of links of a file.
pub(super) fn size_and_links(fd: i32) -> (u64, u64) {
    std::fs::metadata(link(fd)).map_or((0, 0), |m| (m.len(), m.nlink()))
}

/// Watches the file behind a descriptor; returns the number of the watch.
pub(super) fn watch_file(inotify: &OwnFd, fd: i32) -> SysResult<i32> {
    const ALL_EVENTS: u64 = 0xfff;
    let path = crate::os::cstring(link(fd))?;
    let args = [
        inotify.number() as u64,
        path.as_ptr() as u64,
        ALL_EVENTS,
        0,
        0,
        0,
    ];
    syscall(SYS_inotify_add_watch, args)
        .map(|wd| wd as i32)
        .map_err(|_| Errno::EBADF)
}

/// All that inotify has seen: watches and events, in their order.
pub(super) fn file_events(inotify: &OwnFd) -> Vec<(i32, u32)> {
    let mut seen = Vec::new();
    let mut bytes = [0u8; 4096];
    let args = [
        inotify.number() as u64,
        bytes.as_mut_ptr() as u64,
        4096,
        0,
        0,
        0,
    ];
    while let Ok(n @ 1..) = syscall(SYS_read, args) {
        let mut at = 0;
        // struct inotify_event: wd, mask, cookie, len, name
        while let Some(head) = bytes[..n as usize].get(at..at + 16) {
            let word =
                |i: usize| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]);
            seen.push((word(0) as i32, word(4)));
            at += 16 + word(12) as usize;
        }
    }
    seen
}

/// Adds to an eventfd, or takes all from it.
pub(super) fn add_one(event: &OwnFd) {
    let one = 1u64.to_le_bytes();
    let args = [event.number() as u64, one.as_ptr() as u64, 8, 0, 0, 0];
    let _ = syscall(SYS_write, args);
}

/// Takes what an eventfd or timerfd has counted.
pub(super) fn drain(counter: &OwnFd) {
    let mut count = [0u8; 8];
    let args = [
        counter.number() as u64,
        count.as_mut_ptr() as u64,
        8,
        0,
        0,
        0,
    ];
    let _ = syscall(SYS_read, args);
}

/// Signals that are pending for the calling thread, as the host's mask.
pub(super) fn pending_signals() -> u64 {
    let mut bits = [0u8; 8];
    let args = [bits.as_mut_ptr() as u64, 8, 0, 0, 0, 0];
    match syscall(SYS_rt_sigpending, args) {
        Ok(_) => u64::from_le_bytes(bits),
        Err(_) => 0,
    }
}

/// Bytes that a socket has not sent yet, or that the other side has not acknowledged. What is written to a local one is the
/// other's at once.
pub(super) fn unsent(fd: i32) -> i64 {
    const SIOCOUTQ: u64 = 0x5411;
    const SOL_SOCKET: u64 = 1;
    const SO_DOMAIN: u64 = 39;
    const AF_UNIX: u32 = 1;
    let (mut domain, mut len) = (0u32, 4u32);
    let (at, len_at) = ((&raw mut domain) as u64, (&raw mut len) as u64);
    let _ = syscall(
        SYS_getsockopt,
        [fd as u64, SOL_SOCKET, SO_DOMAIN, at, len_at, 0],
    );
    match domain {
        AF_UNIX => 0,
        _ => ioctl_int(fd, SIOCOUTQ).unwrap_or(0),
    }
}

/// Whether the process of a pidfd has ended.
pub(super) fn has_ended(pidfd: i32) -> bool {
    poll(pidfd, IN) != 0
}

/// Status of a process that has ended, as `wait4` gives it to the guest; `None` while it runs, or if the host does not tell any
/// more.
pub(super) fn exit_status(pidfd: i32) -> Option<i64> {
    if !has_ended(pidfd) {
        return None;
    }
    child_status(pidfd)
        .or_else(|| status_of_gone(pidfd))
        .or_else(|| status_of_zombie(pidfd))
        // Its parent may have waited for it between the two.
        .or_else(|| status_of_gone(pidfd))
}

/// A wait status of the host as the guest's.
fn to_guest(status: u32) -> i64 {
    match status & 0x7f {
        0 => i64::from(status & 0xff00),
        signal => {
            let signal = crate::abi::Signal(signal as u8);
            i64::from(signal.to_guest(crate::abi::Dialect::FreeBsd) | status & 0x80)
        }
    }
}

/// The status of a process that somebody has waited for already (PIDFD_GET_INFO of `linux/pidfd.h`, since Linux 6.15).
fn status_of_gone(pidfd: i32) -> Option<i64> {
    const PIDFD_GET_INFO: u64 = 0xc040_ff0b;
    const PIDFD_INFO_EXIT: u64 = 8;
    // mask, id of the control group, twelve words of which the last is the status
    let mut info = [0u64; 8];
    info[0] = PIDFD_INFO_EXIT;
    let at = info.as_mut_ptr() as u64;
    syscall(SYS_ioctl, [pidfd as u64, PIDFD_GET_INFO, at, 0, 0, 0]).ok()?;
    (info[0] & PIDFD_INFO_EXIT != 0).then(|| to_guest((info[7] >> 32) as u32))
}

/// The status of one that its parent has not waited for yet (`exit_code` of `/proc/PID/stat`, the last field).
fn status_of_zombie(pidfd: i32) -> Option<i64> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{pidfd}")).ok()?;
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
    stat.split_whitespace().last()?.parse().ok().map(to_guest)
}

/// The status of a child that nobody has waited for.
fn child_status(pidfd: i32) -> Option<i64> {
    const P_PIDFD: u64 = 3;
    const WEXITED_NOWAIT_NOHANG: u64 = 4 | 0x0100_0000 | 1;
    const CLD_EXITED: i32 = 1;
    const CLD_DUMPED: i32 = 3;
    let mut info = [0i32; 32];
    let args = [
        P_PIDFD,
        pidfd as u64,
        info.as_mut_ptr() as u64,
        WEXITED_NOWAIT_NOHANG,
        0,
        0,
    ];
    syscall(SYS_waitid, args).ok()?;
    // si_signo is the first word, si_code the third, si_status the seventh.
    let (signal, code, status) = (info[0], info[2], info[6]);
    if signal == 0 {
        return None;
    }
    Some(match code {
        CLD_EXITED => i64::from(status & 0xff) << 8,
        _ => {
            let signal = crate::abi::Signal(status as u8).to_guest(crate::abi::Dialect::FreeBsd);
            i64::from(signal) | if code == CLD_DUMPED { 0x80 } else { 0 }
        }
    })
}
