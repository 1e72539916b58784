//! Messages with descriptors between two processes, over a unix socket.

use super::fd;
use emu_stub::proxy::{Wire, head, parse_head};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, send, sendmsg,
};
use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Descriptors that one message carries at most (`SCM_MAX_FD` of Linux is 253).
const MAX_DESCRIPTORS: usize = 64;

/// One end of a connection to another process of the emulator. Its descriptor is out of the guest's way.
///
/// One byte follows a frame with its descriptors, if there are any. They are received apart, and moved out of the guest's way at once.
#[derive(Debug)]
pub struct Channel {
    socket: UnixStream,
    received: Mutex<VecDeque<OwnedFd>>,
    /// For the next message.
    to_send: Mutex<Vec<OwnedFd>>,
}

impl Channel {
    /// Two ends.
    ///
    /// # Errors
    /// No more descriptors.
    pub fn pair() -> io::Result<(Channel, Channel)> {
        let pair = || UnixStream::pair().map(|(a, b)| vec![a.into(), b.into()]);
        let mut ends = fd::raised_all(pair)?.into_iter();
        match (ends.next(), ends.next()) {
            (Some(a), Some(b)) => Ok((Channel::new(a), Channel::new(b))),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The end of a connection that `socket` is: a descriptor of the emulator's own.
    pub fn new(socket: OwnedFd) -> Channel {
        Channel {
            socket: socket.into(),
            received: Mutex::default(),
            to_send: Mutex::default(),
        }
    }

    /// Has duplicates of these descriptors go along with the next message.
    ///
    /// # Errors
    /// No more descriptors.
    pub fn attach(&self, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let copies = descriptors.iter().map(|fd| fd::duplicate(*fd));
        let copies = copies.collect::<io::Result<Vec<_>>>()?;
        *lock(&self.to_send) = copies;
        Ok(())
    }

    fn send_descriptors(&self, descriptors: &[OwnedFd]) -> io::Result<()> {
        let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&borrowed));
        let byte = [IoSlice::new(&[0])];
        rustix::io::retry_on_intr(|| {
            sendmsg(&self.socket, &byte, &mut control, SendFlags::NOSIGNAL)
        })?;
        Ok(())
    }

    fn receive_descriptors(&self) -> io::Result<Vec<OwnedFd>> {
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
        let mut received = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                received.extend(descriptors);
            }
        }
        Ok(received)
    }

    /// Whether something can be read, or the other process is found to be gone, within this time.
    pub fn has_come(&self, patience: Duration) -> bool {
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        let patience = Timespec::try_from(patience).ok();
        matches!(poll(&mut fds, patience.as_ref()), Ok(1..))
    }

    /// Takes a descriptor that came along with a message.
    pub fn take_descriptor(&self) -> Option<OwnedFd> {
        lock(&self.received).pop_front()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire for Channel {
    fn send(&self, frame: &[u8]) -> io::Result<()> {
        let descriptors = std::mem::take(&mut *lock(&self.to_send));
        let mut bytes = head(frame.len(), descriptors.len()).to_vec();
        bytes.extend_from_slice(frame);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // Without SIGPIPE, which would be the guest's.
            let sent = rustix::io::retry_on_intr(|| send(&self.socket, rest, SendFlags::NOSIGNAL))?;
            rest = &rest[sent..];
        }
        if !descriptors.is_empty() {
            self.send_descriptors(&descriptors)?;
        }
        for descriptor in descriptors {
            fd::forget(descriptor.as_raw_fd());
        }
        Ok(())
    }

    fn receive(&self) -> io::Result<Vec<u8>> {
        let mut head = [0; 8];
        (&self.socket).read_exact(&mut head)?;
        let (length, descriptors) = parse_head(head)?;
        if descriptors > MAX_DESCRIPTORS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut frame = vec![0; length];
        (&self.socket).read_exact(&mut frame)?;
        if descriptors != 0 {
            let received = fd::raised_all(|| self.receive_descriptors())?;
            lock(&self.received).extend(received);
        }
        Ok(frame)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        fd::forget(self.socket.as_raw_fd());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn messages_keep_their_bounds_and_descriptors() {
        let (a, b) = Channel::pair().expect("a pair");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let sender = std::thread::spawn(move || {
            a.attach(&[writer.as_fd()]).expect("a duplicate");
            a.send(b"first").expect("sent");
            a.send(&[7; 100_000]).expect("sent");
        });
        assert_eq!(b.receive().expect("a message"), b"first");
        let mut given = std::fs::File::from(b.take_descriptor().expect("a descriptor"));
        assert_eq!(b.receive().expect("a message").len(), 100_000);
        assert!(b.take_descriptor().is_none());
        sender.join().expect("sent");
        given.write_all(b"x").expect("written");
        drop(given);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text, "x");
        let gone = b.receive().expect_err("nobody is there");
        assert_eq!(gone.kind(), io::ErrorKind::UnexpectedEof);
    }
}
