//! Packets on the wire: `$body#checksum`, acknowledgements and the interrupt byte (gdb manual, "Remote Protocol", overview).

/// Longest body that is accepted, in bytes. It is advertised as `PacketSize`; reads are answered with as much as it allows.
pub const PACKET_SIZE: usize = 256 * 1024;

/// What has come in.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// The body of a packet with a right checksum, still escaped.
    Packet(Vec<u8>),
    /// A packet whose checksum is wrong, or that has none; its body.
    Damaged(Vec<u8>),
    /// A packet longer than [`PACKET_SIZE`]; it has been dropped.
    TooLong,
    /// `+`.
    Ack,
    /// `-`: send again.
    Nack,
    /// Byte 3, Ctrl-C.
    Interrupt,
}

/// Splits a stream of bytes into packets. Anything between packets that means nothing is skipped.
#[derive(Debug, Default)]
pub struct Deframer {
    buf: Vec<u8>,
    /// How much of `buf` has been taken.
    taken: usize,
    /// How much of `buf` has been searched for the end of the packet that begins at `taken`.
    searched: usize,
    /// Inside a packet that is too long: skipping to its end.
    skipping: bool,
}

impl Deframer {
    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken == self.buf.len() {
            self.buf.clear();
            self.taken = 0;
            self.searched = 0;
        }
        self.buf.extend_from_slice(bytes);
    }

    /// What has come in and was not taken.
    pub fn rest(&self) -> &[u8] {
        &self.buf[self.taken..]
    }

    /// The next thing that is complete.
    pub fn take(&mut self) -> Option<Input> {
        loop {
            if self.skipping {
                return self.skip_to_end();
            }
            let byte = *self.buf.get(self.taken)?;
            match byte {
                b'$' => return self.packet(),
                b'+' => return self.single(Input::Ack),
                b'-' => return self.single(Input::Nack),
                3 => return self.single(Input::Interrupt),
                _ => self.advance(1),
            }
        }
    }

    fn single(&mut self, input: Input) -> Option<Input> {
        self.advance(1);
        Some(input)
    }

    fn advance(&mut self, n: usize) {
        self.taken += n;
        self.searched = self.taken;
    }

    /// Position of `#` or of a `$`, which cannot stand inside a body: the sender has begun anew.
    fn find_end(&mut self, from: usize) -> Option<usize> {
        let found = self.buf[from..]
            .iter()
            .position(|b| matches!(b, b'#' | b'$'))
            .map(|i| from + i);
        self.searched = found.unwrap_or(self.buf.len());
        found
    }

    fn packet(&mut self) -> Option<Input> {
        let start = self.taken + 1;
        let Some(end) = self.find_end(self.searched.max(start)) else {
            if self.buf.len() - start > PACKET_SIZE {
                self.skipping = true;
                self.taken = self.buf.len();
                return self.take();
            }
            self.compact();
            return None;
        };
        if self.buf[end] == b'$' {
            self.advance(end - self.taken);
            return self.take();
        }
        let sum = self.buf.get(end + 1..end + 3)?;
        let sent = crate::hex::byte(sum[0], sum[1]);
        let body = self.buf[start..end].to_vec();
        self.advance(end + 3 - self.taken);
        if body.len() > PACKET_SIZE {
            return Some(Input::TooLong);
        }
        Some(if sent == Some(checksum(&body)) {
            Input::Packet(body)
        } else {
            Input::Damaged(body)
        })
    }

    fn skip_to_end(&mut self) -> Option<Input> {
        let Some(end) = self.find_end(self.taken) else {
            self.taken = self.buf.len();
            return None;
        };
        if self.buf[end] == b'#' {
            // The checksum's two digits follow; they are skipped as noise between packets.
            self.advance(end + 1 - self.taken);
        } else {
            self.advance(end - self.taken);
        }
        self.skipping = false;
        Some(Input::TooLong)
    }

    /// Moves an unfinished packet to the front, so that a stream of many small packets does not grow the buffer.
    fn compact(&mut self) {
        if self.taken > PACKET_SIZE {
            self.buf.drain(..self.taken);
            self.searched -= self.taken;
            self.taken = 0;
        }
    }
}

/// Sum of the bytes modulo 256.
pub fn checksum(body: &[u8]) -> u8 {
    body.iter().fold(0, |a, b| a.wrapping_add(*b))
}

/// Undoes the escapes of binary data: `}` and the byte XOR 0x20. A `}` at the end is dropped.
pub fn unescape(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut bytes = data.iter();
    while let Some(&b) = bytes.next() {
        match b {
            b'}' => out.extend(bytes.next().map(|b| b ^ 0x20)),
            _ => out.push(b),
        }
    }
    out
}

/// Builds packets in one buffer, so that a reply leaves in one write.
#[derive(Debug, Default)]
pub struct Writer {
    buf: Vec<u8>,
    /// Where the body of the packet under construction begins.
    body: usize,
}

impl Writer {
    /// Begins a packet.
    pub fn begin(&mut self) {
        self.buf.push(b'$');
        self.body = self.buf.len();
    }

    /// Ends it.
    pub fn end(&mut self) {
        let sum = checksum(&self.buf[self.body..]);
        self.buf.push(b'#');
        crate::hex::push(&mut self.buf, &[sum]);
        self.body = self.buf.len();
    }

    /// Drops what the packet under construction holds so far.
    pub fn restart(&mut self) {
        self.buf.truncate(self.body);
    }

    /// Drops the packet under construction.
    pub fn cancel(&mut self) {
        self.buf.truncate(self.body.saturating_sub(1));
        self.body = self.buf.len();
    }

    /// Replaces the body of the packet under construction.
    pub fn patch(&mut self, change: impl FnOnce(&[u8]) -> Vec<u8>) {
        let changed = change(&self.buf[self.body..]);
        self.buf.truncate(self.body);
        self.buf.extend(changed);
    }

    /// Bytes that are valid in a body as they are.
    pub fn text(&mut self, s: impl AsRef<[u8]>) {
        self.buf.extend_from_slice(s.as_ref());
    }

    /// A number in hex without leading zeros.
    pub fn number(&mut self, n: u64) {
        let digits = (64 - n.leading_zeros()).div_ceil(4).max(1);
        for i in (0..digits).rev() {
            self.buf
                .push(crate::hex::DIGITS[(n >> (4 * i) & 15) as usize]);
        }
    }

    /// A number in decimal.
    pub fn decimal(&mut self, n: u64) {
        self.text(n.to_string());
    }

    /// Bytes as pairs of hex digits.
    pub fn hex(&mut self, bytes: &[u8]) {
        crate::hex::push(&mut self.buf, bytes);
    }

    /// Bytes in binary, with escapes where needed.
    pub fn binary(&mut self, mut bytes: &[u8]) {
        const fn special(b: u8) -> bool {
            matches!(b, b'#' | b'$' | b'}' | b'*')
        }
        while let Some(i) = bytes.iter().position(|b| special(*b)) {
            self.buf.extend_from_slice(&bytes[..i]);
            self.buf.extend([b'}', bytes[i] ^ 0x20]);
            bytes = &bytes[i + 1..];
        }
        self.buf.extend_from_slice(bytes);
    }

    /// Bytes outside of packets: acknowledgements, packets that are framed already.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
        self.body = self.buf.len();
    }

    /// Everything built so far and not yet taken.
    pub fn pending(&self) -> &[u8] {
        &self.buf
    }

    /// Forgets what is pending.
    pub fn clear(&mut self) {
        self.buf.clear();
        self.body = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(d: &mut Deframer) -> Vec<Input> {
        std::iter::from_fn(|| d.take()).collect()
    }

    #[test]
    fn packets_come_out_however_they_are_cut() {
        let stream = b"+$g#67\x03junk$m0,4#fd-$x}#00";
        let whole = {
            let mut d = Deframer::default();
            d.push(stream);
            all(&mut d)
        };
        assert_eq!(
            whole,
            [
                Input::Ack,
                Input::Packet(b"g".to_vec()),
                Input::Interrupt,
                Input::Packet(b"m0,4".to_vec()),
                Input::Nack,
                Input::Damaged(b"x}".to_vec()),
            ]
        );
        let mut d = Deframer::default();
        let mut cut = Vec::new();
        for b in stream {
            d.push(&[*b]);
            cut.extend(all(&mut d));
        }
        assert_eq!(cut, whole);
    }

    #[test]
    fn a_dollar_begins_anew() {
        let mut d = Deframer::default();
        d.push(b"$abc$g#67");
        assert_eq!(all(&mut d), [Input::Packet(b"g".to_vec())]);
    }

    #[test]
    fn a_packet_that_is_too_long_is_dropped_whole() {
        let mut d = Deframer::default();
        d.push(b"$");
        for _ in 0..PACKET_SIZE / 1024 + 2 {
            d.push(&[b'a'; 1024]);
            assert_eq!(d.take(), None);
        }
        d.push(b"#00$g#67");
        assert_eq!(all(&mut d), [Input::TooLong, Input::Packet(b"g".to_vec())]);
    }

    #[test]
    fn binary_survives() {
        let data: Vec<u8> = (0..=255).collect();
        let mut w = Writer::default();
        w.begin();
        w.binary(&data);
        w.end();
        let mut d = Deframer::default();
        d.push(w.pending());
        let Some(Input::Packet(body)) = d.take() else {
            panic!("not one packet");
        };
        assert_eq!(unescape(&body), data);
    }
}
