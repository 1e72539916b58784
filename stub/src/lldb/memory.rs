//! Regions of memory, and memory for expressions.

use std::os::unix::ffi::OsStrExt;

use crate::hex;
use crate::inferior::{Permissions, Tid};
use crate::session::{Answer, Outcome, Session, malformed};

/// `qMemoryRegionInfo:addr`: the region around an address, or the gap. Without an address: is there such a packet?
pub(crate) fn region_info(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let regions = s.guest.inferior.memory_regions()?;
    if args.is_empty() {
        return Ok(Answer::Ok);
    }
    let addr = hex::number(args).ok_or_else(malformed)?;
    let Some(r) = regions.iter().find(|r| (r.start..r.end).contains(&addr)) else {
        let start = regions.iter().map(|r| r.end).filter(|e| *e <= addr).max();
        let end = regions.iter().map(|r| r.start).filter(|a| *a > addr).min();
        let start = start.unwrap_or(0);
        let size = end.unwrap_or(u64::MAX) - start;
        s.out.text(format!("start:{start:x};size:{size:x};"));
        return Ok(Answer::Body);
    };
    s.out.text(format!(
        "start:{:x};size:{:x};permissions:",
        r.start,
        r.end - r.start
    ));
    for (on, letter) in [
        (r.permissions.read, "r"),
        (r.permissions.write, "w"),
        (r.permissions.exec, "x"),
    ] {
        if on {
            s.out.text(letter);
        }
    }
    s.out.text(";");
    // lldb opens what is named here: it needs the host's path.
    let name = match &r.host_path {
        Some(path) => path.as_os_str().as_bytes(),
        None => r.name.as_bytes(),
    };
    if !name.is_empty() {
        s.out.text("name:");
        s.out.hex(name);
        s.out.text(";");
    }
    Ok(Answer::Body)
}

/// `_M size,permissions`.
pub(crate) fn allocate(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (size, permissions) = hex::split(args, b',').ok_or_else(malformed)?;
    let size = hex::number(size)
        .filter(|n| *n != 0)
        .ok_or_else(malformed)?;
    let mut wanted = Permissions::default();
    for letter in permissions {
        match letter {
            b'r' => wanted.read = true,
            b'w' => wanted.write = true,
            b'x' => wanted.exec = true,
            _ => return Err(malformed()),
        }
    }
    let addr = s.guest.inferior.allocate_memory(size, wanted)?;
    s.out.number(addr);
    Ok(Answer::Body)
}

/// `_m addr`.
pub(crate) fn deallocate(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let addr = hex::number(args).ok_or_else(malformed)?;
    s.guest.inferior.deallocate_memory(addr)?;
    Ok(Answer::Ok)
}

/// Most register states that a debugger can have saved at a time.
const MAX_SAVED: usize = 1024;

/// `QSaveRegisterState`: replies with a number to restore by.
pub(crate) fn save_registers(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (_, tid) = s.take_suffix_of_command(args)?;
    if s.saved_registers.len() == MAX_SAVED {
        return Err(crate::Error::Failed(
            "too many saved register states".into(),
        ));
    }
    let target = s.guest.target.clone();
    let mut values = Vec::new();
    for (n, r) in target.registers.iter().enumerate() {
        let mut value = vec![0; r.size()];
        match s.guest.inferior.read_register(tid, n, &mut value) {
            Ok(()) => values.push(Some(value)),
            Err(crate::Error::Unavailable) => values.push(None),
            Err(e) => return Err(e),
        }
    }
    let id = (1..)
        .find(|id| !s.saved_registers.contains_key(id))
        .unwrap_or(0);
    s.saved_registers.insert(id, values);
    s.out.decimal(id);
    Ok(Answer::Body)
}

/// `QRestoreRegisterState:id`.
pub(crate) fn restore_registers(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (id, tid) = s.take_suffix_of_command(args)?;
    let id: u64 = std::str::from_utf8(id)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or_else(malformed)?;
    let values = s
        .saved_registers
        .remove(&id)
        .ok_or_else(|| crate::Error::Invalid(format!("no saved register state {id}")))?;
    for (n, value) in values.iter().enumerate() {
        if let Some(value) = value {
            s.guest.inferior.write_register(tid, n, value)?;
        }
    }
    Ok(Answer::Ok)
}

impl Session<'_> {
    /// The thread suffix where nothing may stand before it, so that its semicolon was taken for the separator.
    fn take_suffix_of_command<'a>(
        &mut self,
        args: &'a [u8],
    ) -> Result<(&'a [u8], Tid), crate::Error> {
        match args.strip_prefix(b"thread:") {
            Some(id) => {
                let tid = self.parse_thread(id.strip_suffix(b";").unwrap_or(id))?;
                Ok((b"", tid))
            }
            None => self.take_suffix(args),
        }
    }
}
