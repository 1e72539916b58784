//! `Z` and `z`: gdbstub's, except for breakpoints with conditions.

use crate::agent::AgentExpr;
use crate::hex;
use crate::inferior::{Breakpoint, Error};
use crate::session::{Answer, Outcome, Session, malformed};

/// `Z type,addr,kind[;conditions][;cmds:...]`.
pub(crate) fn insert(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let c = s.guest.capabilities;
    if !c.resume {
        // Never hit, as nothing runs; the resume that it is set for says so, which an error here would forestall.
        return Ok(Answer::Ok);
    }
    if let [b'0'..=b'1', ..] = args
        && !c.breakpoints
    {
        return Err(Error::Unsupported("no breakpoints here: nothing runs"));
    }
    if let [b'2'..=b'4', ..] = args
        && !c.watchpoints
    {
        return Err(Error::Unsupported("no watchpoints here"));
    }
    match hex::split(args, b';') {
        None => s.ask_core(&[b"Z", args].concat()),
        Some((place, extras)) => insert_conditional(s, place, extras),
    }
}

/// `z type,addr,kind`.
pub(crate) fn remove(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    if !s.guest.capabilities.resume {
        return Ok(Answer::Ok);
    }
    let place = hex::split(args, b';').map_or(args, |(place, _)| place);
    s.ask_core(&[b"z", place].concat())
}

fn insert_conditional(s: &mut Session<'_>, place: &[u8], extras: &[u8]) -> Outcome {
    let (kind, place) = hex::split(place, b',').ok_or_else(malformed)?;
    let (addr, size) = hex::pair(place).ok_or_else(malformed)?;
    let hardware = match kind {
        b"0" => false,
        b"1" => true,
        _ => return Err(malformed()),
    };
    if !s.guest.capabilities.conditions {
        return Err(Error::Unsupported("conditions are left to the debugger"));
    }
    let conditions = parse_conditions(extras)?;
    s.guest.inferior.insert_breakpoint(Breakpoint {
        addr,
        hardware,
        kind: u32::try_from(size).map_err(|_| malformed())?,
        conditions,
    })?;
    Ok(Answer::Ok)
}

/// `XLEN,BYTES` one after the other.
fn parse_conditions(mut text: &[u8]) -> Result<Vec<AgentExpr>, Error> {
    let mut conditions = Vec::new();
    while !text.is_empty() {
        let Some(rest) = text.strip_prefix(b"X") else {
            return Err(Error::Unsupported("commands at a breakpoint"));
        };
        let (len, rest) = hex::split(rest, b',').ok_or_else(malformed)?;
        let digits = hex::number(len)
            .and_then(|n| usize::try_from(n).ok()?.checked_mul(2))
            .filter(|n| *n <= rest.len())
            .ok_or_else(malformed)?;
        let (code, after) = rest.split_at(digits);
        conditions.push(AgentExpr(hex::decode(code).ok_or_else(malformed)?));
        text = after.strip_prefix(b";").unwrap_or(after);
    }
    Ok(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_follow_each_other() {
        let exprs = parse_conditions(b"X3,220127X1,27").unwrap();
        assert_eq!(
            exprs,
            [AgentExpr(vec![0x22, 1, 0x27]), AgentExpr(vec![0x27])]
        );
        assert!(parse_conditions(b"X9,27").is_err());
        assert!(parse_conditions(b"X").is_err());
        assert!(parse_conditions(b"Xffffffffffffffff,27").is_err());
        assert!(parse_conditions(b"cmds:0,X1,27").is_err());
    }
}
