//! Netlink: what the host's kernel says of its network, in messages with attributes (netlink(7), rtnetlink(7), sock_diag(7)).

use super::fd::OwnFd;
use super::{nr, syscall};
use crate::abi::{Errno, SysResult};

/// An answer.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its type (`RTM_*`, `SOCK_DIAG_BY_FAMILY`).
    pub kind: u16,
    /// What follows the header.
    pub body: Vec<u8>,
}

const HEADER: usize = 16;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One thing, or a change to it.
    One,
    /// Something that is not there yet.
    New,
    /// All that there are.
    All,
}

/// A message of type `kind` to the kernel's part `protocol` (`NETLINK_*`), and its answers.
///
/// # Errors
/// The kernel's answer; EPROTONOSUPPORT and ENOENT where it has no such part.
pub fn ask(protocol: i32, kind: u16, extent: Extent, body: &[u8]) -> SysResult<Vec<Message>> {
    let socket = open(protocol, 0)?;
    const NLM_F_DUMP: u16 = 0x300;
    const NLM_F_EXCL_CREATE: u16 = 0x600;
    let flags = NLM_F_REQUEST
        | match extent {
            Extent::One => NLM_F_ACK,
            Extent::New => NLM_F_ACK | NLM_F_EXCL_CREATE,
            Extent::All => NLM_F_DUMP,
        };
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(((HEADER + body.len()) as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    // Number of the message, and who sends it, which the kernel fills in.
    message.extend([0; 8]);
    message.extend(body);
    let fd = socket.number() as u64;
    let (at, len) = (message.as_ptr() as u64, message.len() as u64);
    syscall(nr::SYS_sendto, [fd, at, len, 0, 0, 0])?;
    let mut answers = Vec::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let read = receive(&socket, &mut buffer)?;
        if parse(&buffer[..read], &mut answers)? {
            return Ok(answers);
        }
    }
}

/// A socket of the emulator's own that hears what is told to `groups` (`RTMGRP_*`).
///
/// # Errors
/// The kernel has no such part.
pub fn open(protocol: i32, groups: u32) -> SysResult<OwnFd> {
    const AF_NETLINK: u64 = 16;
    const SOCK_RAW_CLOEXEC: u64 = 3 | 0x8_0000;
    let args = [AF_NETLINK, SOCK_RAW_CLOEXEC, protocol as u64, 0, 0, 0];
    let socket = OwnFd::open(nr::SYS_socket, args)?;
    if groups != 0 {
        // struct sockaddr_nl: family, padding, port, groups
        let mut address = [0u8; 12];
        address[0] = AF_NETLINK as u8;
        address[8..].copy_from_slice(&groups.to_ne_bytes());
        let fd = socket.number() as u64;
        syscall(nr::SYS_bind, [fd, address.as_ptr() as u64, 12, 0, 0, 0])?;
    }
    Ok(socket)
}

/// Waits for what a socket with groups is told.
///
/// # Errors
/// The socket is closed. That messages were lost is none.
pub fn hear(socket: &OwnFd) -> SysResult<Vec<Message>> {
    let mut buffer = vec![0u8; 1 << 16];
    let read = loop {
        match receive(socket, &mut buffer) {
            Err(Errno::ENOBUFS) => {}
            other => break other?,
        }
    };
    let mut messages = Vec::new();
    parse(&buffer[..read], &mut messages)?;
    Ok(messages)
}

/// Waits for messages; returns how many bytes they have.
fn receive(socket: &OwnFd, buffer: &mut [u8]) -> SysResult<usize> {
    let (fd, room) = (socket.number() as u64, buffer.len() as u64);
    loop {
        let args = [fd, buffer.as_mut_ptr() as u64, room, 0, 0, 0];
        match syscall(nr::SYS_read, args) {
            Err(Errno::EINTR) => {}
            other => return other.map(|n| n as usize),
        }
    }
}

/// Adds the messages in what was read; whether it was the last of them.
fn parse(mut bytes: &[u8], answers: &mut Vec<Message>) -> SysResult<bool> {
    while bytes.len() >= HEADER {
        let len = (word(bytes, 0) as usize).clamp(HEADER, bytes.len());
        let kind = half(bytes, 4);
        let body = &bytes[HEADER..len];
        match kind {
            // Both begin with an error number, 0 for none.
            NLMSG_ERROR | NLMSG_DONE => {
                let error = word(body, 0) as i32;
                return match error {
                    0 => Ok(true),
                    _ => Err(Errno(error.wrapping_neg())),
                };
            }
            _ => answers.push(Message {
                kind,
                body: body.to_vec(),
            }),
        }
        bytes = &bytes[len.next_multiple_of(4).min(bytes.len())..];
    }
    Ok(false)
}

/// 16 bits at an offset, in the host's order; 0 where there are none.
pub fn half(bytes: &[u8], at: usize) -> u16 {
    let found = bytes.get(at..at + 2);
    found.map_or(0, |b| u16::from_ne_bytes([b[0], b[1]]))
}

/// 32 bits at an offset, in the host's order; 0 where there are none.
pub fn word(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..at + 4);
    found.map_or(0, |b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
}

/// 64 bits at an offset, in the host's order; 0 where there are none.
pub fn long(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8) {
        Some(_) => u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32,
        None => 0,
    }
}

/// The attributes in a message, from offset `from` of its body on: numbers and contents.
pub fn attributes(body: &[u8], from: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = body.get(from..).unwrap_or_default();
    std::iter::from_fn(move || {
        // The two highest bits say how it is coded.
        const NUMBER: u16 = 0x3fff;
        let len = usize::from(half(rest, 0));
        let value = rest.get(4..len)?;
        let number = half(rest, 2) & NUMBER;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((number, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_end_where_they_are_cut_off() {
        let body = [
            9, 9, 9, 9, 5, 0, 1, 0, 7, 0, 0, 0, 4, 0, 2, 0x80, 9, 0, 3, 0, 1,
        ];
        let all: Vec<_> = attributes(&body, 4).collect();
        assert_eq!(all, [(1, &[7][..]), (2, &[][..])]);
        assert_eq!(attributes(&body, 99).count(), 0);
        assert_eq!(attributes(&[0, 0, 1, 0], 0).count(), 0);
    }

    #[test]
    fn an_error_is_the_answer() {
        // No message of rtnetlink has this type.
        const NETLINK_ROUTE: i32 = 0;
        let refused = ask(NETLINK_ROUTE, 2000, Extent::One, &[0; 12]);
        assert_eq!(refused.err(), Some(Errno::EOPNOTSUPP));
    }
}
