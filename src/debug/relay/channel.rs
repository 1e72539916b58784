//! Messages with descriptors between two processes, over a unix socket.

use crate::host;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, send, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Descriptors that one message carries at most (`SCM_MAX_FD` of Linux is 253).
const MAX_DESCRIPTORS: usize = 64;

/// Longest message in bytes: what a debugger reads or writes at a time stays far below.
const MAX_MESSAGE: usize = 64 << 20;

/// One end of a connection to another process of the emulator. Its descriptor is out of the guest's way.
///
/// A message is its length and the number of its descriptors, as little-endian numbers of 32 bits, and its body; one byte follows
/// with the descriptors, if there are any. They are received apart, so that they never have a number that the guest could get.
#[derive(Debug)]
pub struct Channel {
    socket: UnixStream,
    descriptors: VecDeque<OwnedFd>,
}

impl Channel {
    /// Two ends.
    ///
    /// # Errors
    /// No more descriptors.
    pub fn pair() -> io::Result<(Channel, Channel)> {
        let (a, b) = UnixStream::pair()?;
        Ok((
            Channel::new(host::fd::raise(a.into())),
            Channel::new(host::fd::raise(b.into())),
        ))
    }

    /// The end of a connection that `socket` is: a descriptor of the emulator's own.
    pub fn new(socket: OwnedFd) -> Channel {
        Channel {
            socket: socket.into(),
            descriptors: VecDeque::new(),
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The other process is gone.
    pub(super) fn send(
        &self,
        message: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let body = postcard::to_stdvec(message).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(8 + body.len());
        for n in [body.len(), descriptors.len()] {
            bytes.extend_from_slice(&(n as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&body);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // Without SIGPIPE, which would be the guest's.
            let sent = rustix::io::retry_on_intr(|| send(&self.socket, rest, SendFlags::NOSIGNAL))?;
            rest = &rest[sent..];
        }
        if descriptors.is_empty() {
            return Ok(());
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(descriptors));
        let byte = [IoSlice::new(&[0])];
        rustix::io::retry_on_intr(|| {
            sendmsg(&self.socket, &byte, &mut control, SendFlags::NOSIGNAL)
        })?;
        Ok(())
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// The other process is gone, or what came is no message.
    pub(super) fn receive<M: DeserializeOwned>(&mut self) -> io::Result<M> {
        let mut numbers = [[0; 4]; 2];
        self.socket.read_exact(numbers.as_flattened_mut())?;
        let [length, descriptors] = numbers.map(|n| u32::from_le_bytes(n) as usize);
        if length > MAX_MESSAGE || descriptors > MAX_DESCRIPTORS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; length];
        self.socket.read_exact(&mut body)?;
        if descriptors != 0 {
            host::fd::above_the_guests(|| self.receive_descriptors())?;
        }
        postcard::from_bytes(&body).map_err(io::Error::other)
    }

    fn receive_descriptors(&mut self) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let receive = || {
            let part = &mut [IoSliceMut::new(&mut byte)];
            recvmsg(&self.socket, part, &mut control, RecvFlags::CMSG_CLOEXEC)
        };
        if rustix::io::retry_on_intr(receive)?.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        Ok(())
    }

    /// Whether something can be read, or the other process is found to be gone, within this time.
    pub fn has_come(&self, patience: Duration) -> bool {
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        let patience = Timespec::try_from(patience).ok();
        matches!(poll(&mut fds, patience.as_ref()), Ok(1..))
    }

    /// Takes a descriptor that came along with a message.
    pub(super) fn take_descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptors.pop_front()
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        host::fd::forget(self.socket.as_raw_fd());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn messages_keep_their_bounds_and_descriptors() {
        let (a, mut b) = Channel::pair().expect("a pair");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let long = vec![7u8; 100_000];
        let sender = std::thread::spawn(move || {
            a.send(&("first", 1u32), &[writer.as_fd()]).expect("sent");
            a.send(&long, &[]).expect("sent");
        });
        assert_eq!(
            b.receive::<(String, u32)>().expect("a message"),
            ("first".into(), 1)
        );
        let mut given = std::fs::File::from(b.take_descriptor().expect("a descriptor"));
        assert_eq!(b.receive::<Vec<u8>>().expect("a message").len(), 100_000);
        sender.join().expect("sent");
        given.write_all(b"x").expect("written");
        drop(given);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text, "x");
        let gone = b.receive::<u8>().expect_err("nobody is there");
        assert_eq!(gone.kind(), io::ErrorKind::UnexpectedEof);
    }
}
