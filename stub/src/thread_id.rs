//! Thread ids on the wire: `TID`, `pPID.TID`, `pPID`, with -1 for all and 0 for any (gdb manual, "Packets", thread-id).

use crate::hex;

/// One half of a thread id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    All,
    Any,
    One(u64),
}

/// A thread id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadId {
    /// As sent; absent without the multiprocess extension.
    pub pid: Option<Id>,
    pub tid: Id,
}

fn id(text: &[u8]) -> Option<Id> {
    if text == b"-1" {
        return Some(Id::All);
    }
    Some(match hex::number(text)? {
        0 => Id::Any,
        n => Id::One(n),
    })
}

impl ThreadId {
    pub fn parse(text: &[u8]) -> Option<ThreadId> {
        let Some(rest) = text.strip_prefix(b"p") else {
            let tid = id(text)?;
            return Some(ThreadId { pid: None, tid });
        };
        let (pid, tid) = match hex::split(rest, b'.') {
            Some((pid, tid)) => (id(pid)?, id(tid)?),
            None => (id(rest)?, Id::All),
        };
        Some(ThreadId {
            pid: Some(pid),
            tid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let parse = |s: &str| ThreadId::parse(s.as_bytes());
        let id = |pid, tid| Some(ThreadId { pid, tid });
        assert_eq!(parse("1f"), id(None, Id::One(31)));
        assert_eq!(parse("0"), id(None, Id::Any));
        assert_eq!(parse("-1"), id(None, Id::All));
        assert_eq!(parse("p1.-1"), id(Some(Id::One(1)), Id::All));
        assert_eq!(parse("p-1.-1"), id(Some(Id::All), Id::All));
        assert_eq!(parse("p2"), id(Some(Id::One(2)), Id::All));
        assert_eq!(parse("p0.0"), id(Some(Id::Any), Id::Any));
        for bad in ["", "p", "p.", "p1.", "-2", "x", "--1", "1.2"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
