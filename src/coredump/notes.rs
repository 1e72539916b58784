//! The emulator's own notes in a core file, owner `EMU`. Other tools pass them over.
//!
//! | type | name | content |
//! |---|---|---|
//! | 0x454d5501 | `NT_EMU_INFO` | text, lines `key=value`: `version` of the emulator, `exe` (the program's file on the host), `time` (seconds since 1970) |
//! | 0x454d5502 | `NT_EMU_CALLS` | the last system calls of every thread, oldest first, see below |
//! | 0x454d5503 | `NT_EMU_ERROR` | text: the bug of the emulator that ended the guest; only in a core that such a bug left |
//! | 0x454d5504 | `NT_EMU_MAPS` | text: `/proc/PID/maps` as the guest sees it |
//! | 0x454d5505 | `NT_EMU_THREADS` | text, lines `TID NAME` |
//! | 0x454d5506 | `NT_EMU_SIGNALS` | text, lines `NUMBER HANDLER FLAGS MASK`, for signals whose action is not the default one: the guest's number, the handler's address in hexadecimal or `ignored`, flags in `sigaction`'s words or `-`, the signals blocked meanwhile (guest's numbers with commas between them) or `-` |
//!
//! A system call is a [`CallRecord`] in the byte order of the core, then the call in words, then what came of it in words, each
//! with a NUL at its end: `write(1, "hello\n", 6)`, `6`.

use super::elf::Note;
use crate::abi::{Endian, GuestStruct, OsAbi};
use crate::process::{CallState, Outcome, Recent};
use emu_stub::{Handler, SignalAction};

/// Owner of the notes.
pub const OWNER: &str = "EMU";
/// "EMU\0": BFD, and with it gdb, goes by the type alone where it does not know the owner.
const TYPE: u32 = 0x454d_5500;
/// Facts.
pub const INFO: u32 = TYPE | 1;
/// System calls.
pub const CALLS: u32 = TYPE | 2;
/// A bug of the emulator.
pub const ERROR: u32 = TYPE | 3;
/// Mappings.
pub const MAPS: u32 = TYPE | 4;
/// Names of threads.
pub const THREADS: u32 = TYPE | 5;
/// Actions of signals.
pub const SIGNALS: u32 = TYPE | 6;

crate::guest_struct! {
    /// A system call in NT_EMU_CALLS. `state` is 0 for one that has not returned, 1 for one that returned `value`, 2 for one that
    /// failed with the *host's* error number `value`, 3 for one whose result is in the registers (a return from a signal
    /// handler, an exit). `number` and `args` are as the guest's registers had them, `pc` is the call instruction's address.
    pub struct CallRecord("emu_call") {
        sequence: u64, tid: u32, state: u32, number: u64, pc: u64, args: [u64; 8], value: u64,
    }
}

/// A system call with its words.
#[derive(Clone, Debug, PartialEq)]
pub struct CallNote {
    /// Numbers.
    pub record: CallRecord,
    /// The call.
    pub call: String,
    /// What came of it.
    pub result: String,
}

/// The conventions of the records: those of a core's byte order, whatever its class.
fn abi(endian: Endian) -> OsAbi {
    super::elf::abi(true, endian == Endian::Big)
}

impl CallNote {
    /// From a thread's ring and the words for it.
    pub fn new(recent: &Recent, (call, result): (String, String)) -> CallNote {
        let (state, value) = match recent.state {
            CallState::Begun => (0, 0),
            CallState::Done(Outcome::Return(value) | Outcome::ReturnPair(value, _)) => (1, value),
            CallState::Done(Outcome::Fail(e)) => (2, e.0 as u64),
            CallState::Done(_) => (3, 0),
        };
        let record = CallRecord {
            sequence: recent.sequence,
            tid: recent.tid as u32,
            state,
            number: recent.call.number,
            pc: recent.call.pc,
            args: recent.call.args,
            value,
        };
        CallNote {
            record,
            call,
            result,
        }
    }
}

/// NT_EMU_CALLS.
pub fn calls(endian: Endian, calls: &[CallNote]) -> Note {
    let mut data = Vec::new();
    for c in calls {
        data.extend(c.record.write(abi(endian)).unwrap_or_default());
        for text in [&c.call, &c.result] {
            data.extend(text.bytes().filter(|&b| b != 0));
            data.push(0);
        }
    }
    Note::new(OWNER, CALLS, data)
}

/// Reads NT_EMU_CALLS: every whole call.
pub fn read_calls(endian: Endian, mut data: &[u8]) -> Vec<CallNote> {
    let a = abi(endian);
    let size = CallRecord::DESC.size(a);
    let mut calls = Vec::new();
    while let Some((record, rest)) = data.split_at_checked(size) {
        let mut parts = rest.splitn(3, |&b| b == 0);
        let (Some(call), Some(result), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            break;
        };
        let Ok(record) = CallRecord::read(a, record) else {
            break;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        calls.push(CallNote {
            record,
            call: text(call),
            result: text(result),
        });
        data = rest;
    }
    calls
}

/// NT_EMU_SIGNALS.
pub fn signals(actions: &[SignalAction]) -> Note {
    let mut out = String::new();
    for action in actions {
        let handler = match action.handler {
            Handler::Default => continue,
            Handler::Ignore => "ignored".to_owned(),
            Handler::Function(at) => format!("{at:#x}"),
        };
        let or_none = |text: String| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text
            }
        };
        let mask: Vec<String> = action.mask.iter().map(i32::to_string).collect();
        let (flags, mask) = (or_none(action.flags.clone()), or_none(mask.join(",")));
        out += &format!("{} {handler} {flags} {mask}\n", action.signal);
    }
    text(SIGNALS, out)
}

/// Reads NT_EMU_SIGNALS: what every whole line says. Names are not in it.
pub fn read_signals(text: &str) -> Vec<SignalAction> {
    let line = |line: &str| {
        let mut words = line.split(' ');
        let mut next = || words.next();
        let signal = next()?.parse().ok()?;
        let handler = match next()? {
            "ignored" => Handler::Ignore,
            at => Handler::Function(u64::from_str_radix(at.strip_prefix("0x")?, 16).ok()?),
        };
        let flags = next()?;
        let flags = if flags == "-" { "" } else { flags };
        let mask = next()?.split(',').filter_map(|n| n.parse().ok());
        Some(SignalAction {
            signal,
            name: String::new(),
            handler,
            flags: flags.to_owned(),
            mask: mask.collect(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// A note of text.
pub fn text(kind: u32, text: impl Into<Vec<u8>>) -> Note {
    Note::new(OWNER, kind, text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_of_signals_survive_the_round_trip() {
        let action = |signal, handler, flags: &str, mask: &[i32]| SignalAction {
            signal,
            name: String::new(),
            handler,
            flags: flags.to_owned(),
            mask: mask.to_vec(),
        };
        let ignored = action(13, Handler::Ignore, "", &[]);
        let function = Handler::Function(0x400a10);
        let handled = action(11, function, "SA_SIGINFO|SA_ONSTACK", &[1, 126]);
        let all = [
            ignored.clone(),
            action(1, Handler::Default, "", &[]),
            handled.clone(),
        ];
        let text = String::from_utf8(signals(&all).data).expect("text");
        assert_eq!(read_signals(&text), [ignored, handled]);
        // What another program has put there.
        assert!(read_signals("x y\n1 0xzz - -\n2\n\n").is_empty());
    }

    #[test]
    fn calls_survive_the_round_trip() {
        let call = |n: u64| CallNote {
            record: CallRecord {
                sequence: n,
                tid: 7,
                state: 1,
                number: 64,
                pc: 0x40_0000,
                args: [n; 8],
                value: 3,
            },
            call: format!("write(1, {n})"),
            result: String::new(),
        };
        let all = vec![call(1), call(2)];
        for endian in [Endian::Little, Endian::Big] {
            let note = calls(endian, &all);
            assert_eq!(read_calls(endian, &note.data), all);
            let cut = &note.data[..note.data.len() - 1];
            assert_eq!(read_calls(endian, cut), all[..1]);
        }
    }
}
