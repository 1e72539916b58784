//! The `vFile` packets that gdbstub has not: gdb's newer `stat`, and lldb's own.

use crate::file::FileError;
use crate::hex;
use crate::hostio::stat_bytes;
use crate::session::{Answer, Outcome, Session, malformed};

fn path(s: &Session<'_>, args: &[u8]) -> Result<Vec<u8>, crate::Error> {
    let path = hex::decode(args).ok_or_else(malformed)?;
    Ok(s.guest.real_path(&path))
}

fn refuse(s: &mut Session<'_>, e: FileError) -> Outcome {
    s.out.text("F-1,");
    s.out.number(e as u64);
    Ok(Answer::Body)
}

/// `vFile:stat:path` (gdb 16): follows links.
pub(crate) fn stat(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    describe(s, args, true)
}

/// `vFile:lstat:path` (gdb 16): does not.
pub(crate) fn lstat(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    describe(s, args, false)
}

fn describe(s: &mut Session<'_>, args: &[u8], follow: bool) -> Outcome {
    let path = path(s, args)?;
    match s.guest.inferior.stat_file(&path, follow) {
        Ok(stat) => {
            let bytes = stat_bytes(&stat);
            s.out.text("F");
            s.out.number(bytes.len() as u64);
            s.out.text(";");
            s.out.binary(&bytes);
            Ok(Answer::Body)
        }
        Err(e) => refuse(s, e),
    }
}

/// `vFile:exists:path`.
pub(crate) fn exists(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let path = path(s, args)?;
    let found = s.guest.inferior.stat_file(&path, true).is_ok();
    s.out.text(if found { "F,1" } else { "F,0" });
    Ok(Answer::Body)
}

/// `vFile:size:path`.
pub(crate) fn size(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    number(s, args, |stat| stat.size)
}

/// `vFile:mode:path`: the access rights.
pub(crate) fn mode(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    number(s, args, |stat| u64::from(stat.mode & 0o7777))
}

fn number(s: &mut Session<'_>, args: &[u8], part: impl Fn(&crate::FileStat) -> u64) -> Outcome {
    let path = path(s, args)?;
    match s.guest.inferior.stat_file(&path, true) {
        Ok(stat) => {
            s.out.text("F");
            s.out.number(part(&stat));
            Ok(Answer::Body)
        }
        Err(e) => refuse(s, e),
    }
}
