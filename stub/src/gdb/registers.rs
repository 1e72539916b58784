//! `g`, `G`, `p`, `P`: gdbstub's, behind lldb's thread suffix.

use crate::hex;
use crate::inferior::{Error, Tid};
use crate::session::{Answer, Outcome, Session, malformed};

impl Session<'_> {
    /// Takes lldb's `;thread:ID;` from the end and makes that thread the one that the packet is about.
    pub(crate) fn take_suffix<'a>(&mut self, args: &'a [u8]) -> Result<(&'a [u8], Tid), Error> {
        const MARK: &[u8] = b";thread:";
        let found = args.windows(MARK.len()).rposition(|w| w == MARK);
        let Some(at) = found else {
            return Ok((args, self.guest.thread));
        };
        let id = &args[at + MARK.len()..];
        let tid = self.parse_thread(id.strip_suffix(b";").unwrap_or(id))?;
        Ok((&args[..at], tid))
    }

    /// Hands a register packet to gdbstub, for the thread of its suffix.
    fn register_packet(&mut self, name: u8, args: &[u8]) -> Outcome {
        let (args, tid) = self.take_suffix(args)?;
        let selected = std::mem::replace(&mut self.guest.thread, tid);
        let outcome = self.ask_core(&[&[name], args].concat());
        self.guest.thread = selected;
        outcome
    }
}

/// gdbstub takes `x` for a digit; a value that is written must be one.
fn check_digits(value: &[u8]) -> Result<(), Error> {
    let ok = value.len().is_multiple_of(2) && value.iter().all(u8::is_ascii_hexdigit);
    ok.then_some(()).ok_or_else(malformed)
}

/// `g`: all registers.
pub(crate) fn read_all(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    s.register_packet(b'g', args)
}

/// `G XX...`: sets all registers.
pub(crate) fn write_all(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (value, _) = s.take_suffix(args)?;
    check_digits(value)?;
    s.register_packet(b'G', args)
}

/// `p n`: one register.
pub(crate) fn read(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (number, _) = s.take_suffix(args)?;
    let number = hex::number(number).ok_or_else(malformed)?;
    match s.register_packet(b'p', args) {
        Err(Error::Unavailable) => {
            let register = s.guest.target.registers.get(number as usize);
            let size = register.map_or(0, |r| r.size());
            s.out.text("xx".repeat(size));
            Ok(Answer::Body)
        }
        outcome => outcome,
    }
}

/// `P n=value`: sets one register.
pub(crate) fn write(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (assignment, _) = s.take_suffix(args)?;
    let (number, value) = hex::split(assignment, b'=').ok_or_else(malformed)?;
    hex::number(number).ok_or_else(malformed)?;
    check_digits(value)?;
    s.register_packet(b'P', args)
}
