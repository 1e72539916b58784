//! `qXfer` objects. The document is made when its beginning is asked for, and kept for the parts that follow. gdbstub cuts and
//! frames those that it knows.

use std::os::unix::ffi::OsStrExt;

use crate::framing::{PACKET_SIZE, unescape};
use crate::hex;
use crate::inferior::Error;
use crate::session::{Answer, Outcome, Session, malformed};
use crate::xml;

/// Most bytes in one part: each may need an escape.
const MAX_PART: u64 = PACKET_SIZE as u64 / 2 - 64;

/// `annex:offset,length`.
fn parse(args: &[u8]) -> Result<(&[u8], u64, u64), Error> {
    let at = args
        .iter()
        .rposition(|b| *b == b':')
        .ok_or_else(malformed)?;
    let (offset, length) = hex::pair(&args[at + 1..]).ok_or_else(malformed)?;
    Ok((&args[..at], offset, length))
}

impl Session<'_> {
    /// Makes the document if its beginning is asked for, or if another one was asked for in between.
    fn prepare(
        &mut self,
        object: &'static str,
        offset: u64,
        make: impl FnOnce(&mut Self) -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        if offset == 0 || self.document != object {
            self.document = "";
            self.guest.document = make(self)?;
            self.document = object;
        }
        Ok(())
    }
}

/// Makes the document if need be, then has gdbstub serve the part.
fn serve(
    s: &mut Session<'_>,
    object: &'static str,
    annex: &[u8],
    (offset, length): (u64, u64),
    make: impl FnOnce(&mut Session<'_>) -> Result<Vec<u8>, Error>,
) -> Outcome {
    s.prepare(object, offset, make)?;
    let length = length.min(MAX_PART);
    let body = [
        format!("qXfer:{object}:read:").as_bytes(),
        annex,
        format!(":{offset:x},{length:x}").as_bytes(),
    ]
    .concat();
    s.ask_core(&body)
}

/// `qXfer:features:read:target.xml`.
pub(crate) fn features(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (annex, offset, length) = parse(args)?;
    if annex != b"target.xml" {
        return Err(Error::Invalid("there is target.xml only".into()));
    }
    serve(s, "features", annex, (offset, length), |s| {
        Ok(xml::target(&s.guest.target).into_bytes())
    })
}

/// `qXfer:auxv:read`.
pub(crate) fn auxv(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (_, offset, length) = parse(args)?;
    serve(s, "auxv", b"", (offset, length), |s| {
        s.guest.inferior.auxv()
    })
}

/// `qXfer:exec-file:read:PID`. gdb reads the file through `vFile`, so it gets the guest's path; lldb looks on the host.
pub(crate) fn exec_file(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (annex, offset, length) = parse(args)?;
    if !annex.is_empty() {
        let shown = hex::number(annex).ok_or_else(malformed)?;
        s.process(shown)?;
    }
    serve(s, "exec-file", b"", (offset, length), |s| {
        let path = if s.client.lldb {
            s.guest.inferior.exec_file_on_host()?
        } else {
            s.guest.inferior.exec_file()?
        };
        Ok(path.as_os_str().as_bytes().to_vec())
    })
}

/// `qXfer:libraries-svr4:read`.
pub(crate) fn libraries(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    // The annex (`start=`, `prev=`) asks for a part of the list; the whole of it is a valid answer to that as well, since we do not
    // advertise augmented-libraries-svr4-read.
    let (_, offset, length) = parse(args)?;
    serve(s, "libraries-svr4", b"", (offset, length), |s| {
        let libraries = s.guest.inferior.libraries()?;
        // lldb takes `main-lm` for the address of the list's root unless it is told that (qShlibInfoAddr).
        let slot = s.guest.inferior.library_info_slot();
        let with_main = !s.client.lldb || slot.is_ok();
        let size = s.guest.target.pointer_size.into();
        let r_debug = slot.and_then(|slot| s.read_memory(slot, size));
        let r_debug = r_debug.map_or(0, |bytes| s.guest.target.read_integer(&bytes));
        Ok(xml::libraries(&libraries, r_debug, with_main, s.client.lldb).into_bytes())
    })
}

/// `qXfer:libraries:read`: what gdb asks for that knows nothing of the guest's system, as Debian's gdb-multiarch of FreeBSD. It does not
/// watch the dynamic linker either, so that changes are told from here on.
pub(crate) fn library_list(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (_, offset, length) = parse(args)?;
    serve_ours(s, "libraries", offset, length, |s| {
        s.guest.inferior.report_libraries(true)?;
        let libraries = s.guest.inferior.libraries()?;
        Ok(xml::library_list(&libraries).into_bytes())
    })
}

/// Serves a part of a document that gdbstub has no packet for.
fn serve_ours(
    s: &mut Session<'_>,
    object: &'static str,
    offset: u64,
    length: u64,
    make: impl FnOnce(&mut Session<'_>) -> Result<Vec<u8>, Error>,
) -> Outcome {
    s.prepare(object, offset, make)?;
    let document = &s.guest.document;
    let from = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(document.len());
    let n = length.min(MAX_PART).min((document.len() - from) as u64) as usize;
    let end = from + n;
    s.out.text(if end == document.len() { "l" } else { "m" });
    s.out.binary(&document[from..end]);
    Ok(Answer::Body)
}

/// `qXfer:threads:read`.
pub(crate) fn threads(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (_, offset, length) = parse(args)?;
    serve_ours(s, "threads", offset, length, |s| {
        let mut list = Vec::new();
        for (pid, tid) in s.all_threads() {
            let info = s.guest.inferior.thread_info(tid).unwrap_or_default();
            let pid = s.client.multiprocess.then(|| s.shown_pid(pid));
            list.push((pid, tid, info));
        }
        Ok(xml::threads(&list).into_bytes())
    })
}

/// `qXfer:siginfo:read`: of the selected thread.
pub(crate) fn siginfo(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (_, offset, length) = parse(args)?;
    // gdb asks for single members, by their offsets: whatever was read before may be of another stop, or have been changed.
    s.document = "";
    serve_ours(s, "siginfo", offset, length, |s| {
        let tid = s.guest.thread;
        s.guest.inferior.read_siginfo(tid)
    })
}

/// `qXfer:siginfo:write::offset:data`.
pub(crate) fn write_siginfo(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let rest = args.strip_prefix(b":").ok_or_else(malformed)?;
    let (offset, data) = hex::split(rest, b':').ok_or_else(malformed)?;
    let offset = hex::number(offset).ok_or_else(malformed)?;
    let data = unescape(data);
    let tid = s.guest.thread;
    let mut siginfo = s.guest.inferior.read_siginfo(tid)?;
    let place = usize::try_from(offset)
        .ok()
        .and_then(|from| siginfo.get_mut(from..from.checked_add(data.len())?))
        .ok_or_else(|| Error::Invalid("past the end of siginfo".into()))?;
    place.copy_from_slice(&data);
    s.guest.inferior.write_siginfo(tid, &siginfo)?;
    s.out.number(data.len() as u64);
    Ok(Answer::Body)
}
