//! Memory: `m`, `M`, `x`, `X`, search and checksum.

use crate::framing::{PACKET_SIZE, unescape};
use crate::hex;
use crate::inferior::Error;
use crate::session::{Answer, Outcome, Session, malformed};

/// Most bytes in a reply: in hex each takes two characters.
const MAX_HEX: u64 = PACKET_SIZE as u64 / 2;

/// Most bytes in a binary reply: each may need an escape.
const MAX_BINARY: u64 = PACKET_SIZE as u64 / 2 - 64;

/// Most bytes that one packet may have us look through: a few seconds' work.
const MAX_SCAN: u64 = 4 << 30;

impl Session<'_> {
    /// Reads as much as there is of `len` bytes, which are limited by the caller.
    pub(crate) fn read_memory(&mut self, addr: u64, len: u64) -> Result<Vec<u8>, Error> {
        // The last address is 2^64-1: what would lie behind it is not there.
        let len = len.min((u64::MAX - addr).saturating_add(1));
        let mut data = vec![0; len as usize];
        let n = self.guest.inferior.read_memory(addr, &mut data)?;
        data.truncate(n);
        Ok(data)
    }

    /// Feeds the memory in `addr..addr+len` to `see`, until that says true. Fails at a hole.
    fn scan(
        &mut self,
        addr: u64,
        len: u64,
        mut see: impl FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), Error> {
        const CHUNK: u64 = 1 << 16;
        if len > MAX_SCAN {
            return Err(Error::Invalid("more than 4 GiB at a time".into()));
        }
        let mut done = 0;
        while done < len {
            let at = addr.checked_add(done).ok_or(Error::Fault(0))?;
            let data = self.read_memory(at, CHUNK.min(len - done))?;
            if see(at, &data) {
                break;
            }
            done += data.len() as u64;
        }
        Ok(())
    }
}

/// `m addr,length`: fewer bytes than asked for if a hole follows.
pub(crate) fn read(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (addr, len) = hex::pair(args).ok_or_else(malformed)?;
    let data = s.read_memory(addr, len.min(MAX_HEX))?;
    s.out.hex(&data);
    Ok(Answer::Body)
}

/// `x addr,length`: in gdb's form (16 and later) behind a `b`, in lldb's as it is, where `x0,0` asks whether there is such a packet.
pub(crate) fn read_binary(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (addr, len) = hex::pair(args).ok_or_else(malformed)?;
    if s.client.gdb {
        s.out.text("b");
    } else if len == 0 {
        return Ok(Answer::Ok);
    }
    let data = s.read_memory(addr, len.min(MAX_BINARY))?;
    s.out.binary(&data);
    Ok(Answer::Body)
}

/// The address and data of `addr,length:data`, if the length is right.
fn parse_write(
    args: &[u8],
    decode: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<(u64, Vec<u8>), Error> {
    let (place, data) = hex::split(args, b':').ok_or_else(malformed)?;
    let (addr, len) = hex::pair(place).ok_or_else(malformed)?;
    let data = decode(data).ok_or_else(malformed)?;
    if data.len() as u64 != len {
        return Err(malformed());
    }
    Ok((addr, data))
}

fn write_bytes(s: &mut Session<'_>, addr: u64, data: &[u8]) -> Outcome {
    if !data.is_empty() {
        s.guest.inferior.write_memory(addr, data)?;
    }
    Ok(Answer::Ok)
}

/// `M addr,length:hex`.
pub(crate) fn write(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (addr, data) = parse_write(args, hex::decode)?;
    write_bytes(s, addr, &data)
}

/// `X addr,length:binary`; a length of 0 asks whether there is such a packet.
pub(crate) fn write_binary(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (addr, data) = parse_write(args, |data| Some(unescape(data)))?;
    write_bytes(s, addr, &data)
}

/// `qSearch:memory:addr;length;pattern`.
pub(crate) fn search(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (addr, rest) = hex::split(args, b';').ok_or_else(malformed)?;
    let (len, pattern) = hex::split(rest, b';').ok_or_else(malformed)?;
    let addr = hex::number(addr).ok_or_else(malformed)?;
    let len = hex::number(len).ok_or_else(malformed)?;
    let pattern = unescape(pattern);
    if pattern.is_empty() {
        return Err(malformed());
    }
    let mut found = None;
    // The end of each chunk is seen again with the next, for a match across the border.
    let mut window: Vec<u8> = Vec::new();
    s.scan(addr, len, |at, data| {
        let start = at - window.len() as u64;
        window.extend_from_slice(data);
        found = position(&window, &pattern).map(|i| start + i as u64);
        window.drain(..window.len().saturating_sub(pattern.len() - 1));
        found.is_some()
    })?;
    match found {
        Some(at) => {
            s.out.text("1,");
            s.out.number(at);
        }
        None => s.out.text("0"),
    }
    Ok(Answer::Body)
}

fn position(data: &[u8], pattern: &[u8]) -> Option<usize> {
    let first = pattern[0];
    let last = data.len().checked_sub(pattern.len())?;
    let mut from = 0;
    while from <= last {
        from += data[from..=last].iter().position(|b| *b == first)?;
        if data[from..].starts_with(pattern) {
            return Some(from);
        }
        from += 1;
    }
    None
}

/// `qCRC:addr,length`: the CRC-32 of gdb's `compare-sections` (polynomial 0x04c11db7, most significant bit first, start all ones).
pub(crate) fn crc(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (addr, len) = hex::pair(args).ok_or_else(malformed)?;
    let mut crc = u32::MAX;
    s.scan(addr, len, |_, data| {
        for b in data {
            crc = crc << 8 ^ CRC_TABLE[(crc >> 24) as usize ^ *b as usize];
        }
        false
    })?;
    s.out.text("C");
    s.out.number(crc.into());
    Ok(Answer::Body)
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut c = (i as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            c = if c >> 31 == 1 {
                c << 1 ^ 0x04c1_1db7
            } else {
                c << 1
            };
            bit += 1;
        }
        table[i] = c;
        i += 1;
    }
    table
};
