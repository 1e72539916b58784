//! A debugger's side of the protocol, over a [`Session`] without a socket.
#![allow(dead_code)] // each test binary uses a part of it

use std::any::Any;

use emu_stub::framing::{checksum, unescape};
use emu_stub::monitor::Monitor;
use emu_stub::{Command, Ended, Session};

use crate::mock::Mock;

pub fn frame(body: &[u8]) -> Vec<u8> {
    let sum = format!("#{:02x}", checksum(body));
    [b"$", body, sum.as_bytes()].concat()
}

/// The bodies of the packets in what a server sent. Panics on anything else, acknowledgements apart.
pub fn bodies(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some((first, rest)) = bytes.split_first() {
        if *first != b'$' {
            assert!(matches!(first, b'+' | b'-'), "{first:#x} between packets");
            bytes = rest;
            continue;
        }
        let end = rest
            .iter()
            .position(|b| *b == b'#')
            .expect("no end of packet");
        let body = &rest[..end];
        assert!(!body.contains(&b'$'), "a packet begins inside another");
        let sum = std::str::from_utf8(&rest[end + 1..end + 3]).unwrap();
        assert_eq!(u8::from_str_radix(sum, 16), Ok(checksum(body)), "checksum");
        all.push(body.to_vec());
        bytes = &rest[end + 3..];
    }
    all
}

pub struct Client<'i> {
    pub session: Session<'i>,
    pub ended: Option<Ended>,
}

impl<'i> Client<'i> {
    pub fn new(mock: &'i mut Mock) -> Client<'i> {
        Client::with_commands(mock, &[])
    }

    pub fn with_commands(mock: &'i mut Mock, tables: &[&'static [Command]]) -> Client<'i> {
        let session = Session::new(mock, Monitor::new(tables, Box::new(())));
        Client {
            session,
            ended: None,
        }
    }

    /// A client that has said what gdb 13 says.
    pub fn gdb(mock: &'i mut Mock) -> Client<'i> {
        let mut c = Client::new(mock);
        c.ask("QStartNoAckMode");
        c.ask("qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;fork-events+;vfork-events+;exec-events+;vContSupported+;QThreadEvents+;no-resumed+;xmlRegisters=i386");
        c
    }

    /// A client that has said what lldb 19 says.
    pub fn lldb(mock: &'i mut Mock) -> Client<'i> {
        let mut c = Client::new(mock);
        for body in [
            "QStartNoAckMode",
            "qSupported:xmlRegisters=i386,arm,mips,arc;multiprocess+;fork-events+;vfork-events+",
            "QThreadSuffixSupported",
            "QListThreadsInStopReply",
            "QEnableErrorStrings",
        ] {
            c.ask(body);
        }
        c
    }

    pub fn mock(&mut self) -> &mut Mock {
        (self.session.inferior() as &mut dyn Any)
            .downcast_mut()
            .unwrap()
    }

    /// Sends bytes as they are; returns the bodies that come back, the stop replies among them if the inferior stops at once.
    pub fn raw(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut got = self.raw_bytes(bytes);
        if self.ended.is_none() && self.session.is_running() {
            got.extend(self.stop());
        }
        bodies(&got)
    }

    pub fn raw_bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        assert_eq!(self.ended, None, "the session is over");
        self.ended = self.session.receive(bytes);
        let got = self.session.pending().to_vec();
        self.session.sent();
        got
    }

    /// What the server sends when the inferior's stop is looked for.
    pub fn stop(&mut self) -> Vec<u8> {
        self.ended = self.session.stopped();
        let got = self.session.pending().to_vec();
        self.session.sent();
        got
    }

    /// Sends a packet; returns the one reply as text.
    pub fn ask(&mut self, body: &str) -> String {
        String::from_utf8(self.ask_bytes(body.as_bytes())).expect("a reply in text")
    }

    /// Sends a packet; returns the one reply without escapes.
    pub fn ask_bytes(&mut self, body: &[u8]) -> Vec<u8> {
        let replies = self.raw(&frame(body));
        assert_eq!(
            replies.len(),
            1,
            "replies to {:?}: {:?}",
            String::from_utf8_lossy(body),
            replies
                .iter()
                .map(|r| String::from_utf8_lossy(r))
                .collect::<Vec<_>>()
        );
        unescape(&replies[0])
    }
}
