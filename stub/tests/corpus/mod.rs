//! Packets that no debugger would send: valid ones, mutated, and plain noise. Seeded.
#![allow(dead_code)] // each test binary uses a part of it

use emu_stub::packets::PACKETS;

/// Valid packets, as the seeds of mutations; and the hazards that have ended other servers' sessions.
pub const CORPUS: &[&[u8]] = &[
    b"qSupported:multiprocess+;swbreak+;xmlRegisters=i386",
    b"?",
    b"!",
    b"g",
    b"g;thread:p64.64;",
    b"g;thread:7;",
    b"p20",
    b"p20;thread:65;",
    b"P0=0011223344556677",
    b"P21=00112233",
    b"Hg-1",
    b"Hgp64.65",
    b"Hc0",
    b"Hcp64.-1",
    b"T64",
    b"T0",
    b"m400000,10",
    b"m40fff0,100",
    b"m500000,ffffffffffffffff",
    b"mffffffffffffffff,ffffffffffffffff",
    b"x400000,40",
    b"M500000,4:01020304",
    b"X500000,4:ab}\x03d",
    b"Z0,400004,4",
    b"Z0,400004,4;X3,220127X1,27",
    b"Z1,400008,4",
    b"Z2,500010,8",
    b"Z4,500010,8",
    b"z0,400004,4",
    b"z2,500010,8",
    b"vCont?",
    b"vCont;c",
    b"vCont;s:64;c",
    b"vCont;s",
    b"vCont;t:p64.-1",
    b"vCont;r400000,400010:64",
    b"vCont;C0b:64;c:-1",
    b"c",
    b"s400000",
    b"C05",
    b"S05;400000",
    b"bc",
    b"bs",
    b"vCtrlC",
    b"vAttach;64",
    b"vAttachWait;61",
    b"vRun;2f62696e2f6c73;61",
    b"vKill",
    b"vKill;99",
    b"D;99",
    b"R00",
    b"qC",
    b"qCRC:400000,1000",
    b"qSearch:memory:400000;10000;abc",
    b"qfThreadInfo",
    b"qsThreadInfo",
    b"qThreadExtraInfo,64",
    b"qAttached:64",
    b"qOffsets",
    b"qSymbol::",
    b"qRcmd,68656c70",
    b"qXfer:features:read:target.xml:0,ffff",
    b"qXfer:auxv:read::0,1000",
    b"qXfer:exec-file:read:64:0,1000",
    b"qXfer:libraries-svr4:read:start=1:0,1000",
    b"qXfer:threads:read::0,1000",
    b"qXfer:siginfo:read::0,80",
    b"qXfer:siginfo:write::0:abcd",
    b"QCatchSyscalls:1;40;41",
    b"QPassSignals:e;10;14;17",
    b"QThreadEvents:1",
    b"QNonStop:1",
    b"QStartNoAckMode",
    b"qGetTLSAddr:64,10,500000",
    b"vFile:setfs:0",
    b"vFile:open:2f6574632f6d6f7464,0,0",
    b"vFile:pread:0,1000,0",
    b"vFile:pwrite:0,0,abc",
    b"vFile:fstat:0",
    b"vFile:stat:2f6574632f6d6f7464",
    b"vFile:close:0",
    b"vFile:readlink:2f70726f63",
    b"vFile:unlink:2f70726f63",
    b"QThreadSuffixSupported",
    b"QListThreadsInStopReply",
    b"QEnableErrorStrings",
    b"qHostInfo",
    b"qProcessInfo",
    b"qRegisterInfo1f",
    b"qMemoryRegionInfo:400000",
    b"qMemoryRegionInfo:ffffffffffffffff",
    b"jThreadsInfo",
    b"qThreadStopInfo64",
    b"QSaveRegisterState;thread:64;",
    b"QRestoreRegisterState:1;thread:64;",
    b"_M1000,rwx",
    b"_m80000000",
    b"qShlibInfoAddr",
    b"qFileLoadAddress:2f62696e2f746f79",
    b"qWatchpointSupportInfo:",
];

/// Numbers at which arithmetic goes wrong.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "7f",
    "80",
    "ff",
    "ffff",
    "7fffffff",
    "80000000",
    "ffffffff",
    "100000000",
    "7fffffffffffffff",
    "8000000000000000",
    "fffffffffffffffe",
    "ffffffffffffffff",
    "10000000000000000",
    "xx",
    "",
];

/// Packets that may change the guest, or end the session, when they are well formed.
pub fn may_change(body: &[u8]) -> bool {
    matches!(
        body,
        [
            b'M' | b'X' | b'P' | b'G' | b'c' | b'C' | b's' | b'S' | b'D' | b'k',
            ..
        ]
    ) || [
        &b"vCont"[..],
        b"vKill",
        b"QRestoreRegisterState",
        b"_M",
        b"_m",
        b"qXfer:siginfo:write",
    ]
    .iter()
    .any(|name| body.starts_with(name))
}

/// A stream of packets.
pub struct Source {
    pub rng: fastrand::Rng,
    /// Further seeds, for the guest at hand.
    pub seeds: Vec<Vec<u8>>,
}

impl Source {
    pub fn new(seed: u64) -> Source {
        Source {
            rng: fastrand::Rng::with_seed(seed),
            seeds: Vec::new(),
        }
    }

    /// A body without `#` and `$`.
    pub fn packet(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        let mut body = match rng.u8(..10) {
            0 => (0..rng.usize(..40)).map(|_| rng.u8(..)).collect(),
            1 => {
                let row = &PACKETS[rng.usize(..PACKETS.len())];
                let tail: Vec<u8> = (0..rng.usize(..12)).map(|_| rng.u8(32..127)).collect();
                [row.name.as_bytes(), &tail].concat()
            }
            2..5 if !self.seeds.is_empty() => self.seeds[rng.usize(..self.seeds.len())].clone(),
            _ => CORPUS[rng.usize(..CORPUS.len())].to_vec(),
        };
        for _ in 0..rng.usize(..4) {
            self.mutate(&mut body);
        }
        // Inside a body these end or begin a packet: framing has a test of its own below.
        body.retain(|b| !matches!(b, b'#' | b'$'));
        // Rare enough to leave the session some life; ends are tested one by one elsewhere.
        if matches!(body[..], [b'k'] | [b'D']) && self.rng.u8(..) != 0 {
            body = b"qC".to_vec();
        }
        body
    }

    fn mutate(&mut self, body: &mut Vec<u8>) {
        let rng = &mut self.rng;
        let at = rng.usize(..=body.len());
        match rng.u8(..8) {
            0 if at < body.len() => body[at] ^= 1 << rng.u8(..8),
            1 if at < body.len() => body[at] = rng.u8(..),
            2 => body.insert(at, rng.u8(..)),
            3 if at < body.len() => {
                body.remove(at);
            }
            4 => body.truncate(at),
            5 => {
                let n = body.len() - at;
                let again = body[at..at + rng.usize(..=n.min(16))].to_vec();
                body.splice(at..at, again);
            }
            6 => {
                // Another number in the place of one.
                let is_digit = |b: &u8| b.is_ascii_hexdigit();
                if let Some(start) = body[at..].iter().position(is_digit).map(|i| at + i) {
                    let len = body[start..].iter().take_while(|b| is_digit(b)).count();
                    let number = NUMBERS[rng.usize(..NUMBERS.len())];
                    body.splice(start..start + len, number.bytes());
                }
            }
            _ => {
                let separators = b",;:.-=pt";
                body.insert(at, separators[rng.usize(..separators.len())]);
            }
        }
    }
}

/// A number that the environment may set.
pub fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |v| v.parse().expect(name))
}
