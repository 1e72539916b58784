//! What lldb wants to know of host, process and registers.

use std::os::unix::ffi::OsStrExt;

use crate::hex;
use crate::inferior::{Endian, TargetDescription};
use crate::session::{Answer, Outcome, SHOWN_PID_OFFSET, Session, malformed};
use crate::xml;

/// `QThreadSuffixSupported`: only lldb sends it, and it does so before it is shown any process id.
pub(crate) fn thread_suffix(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.client.lldb = true;
    s.guest.pid_offset = SHOWN_PID_OFFSET;
    Ok(Answer::Ok)
}

/// `QListThreadsInStopReply`.
pub(crate) fn threads_in_stop(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.client.threads_in_stop = true;
    Ok(Answer::Ok)
}

/// `QEnableErrorStrings`.
pub(crate) fn error_strings(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.client.error_strings = true;
    Ok(Answer::Ok)
}

fn endian(t: &TargetDescription) -> &'static str {
    match t.endian {
        Endian::Little => "little",
        Endian::Big => "big",
    }
}

/// `qHostInfo`: the guest's machine is the host in lldb's eyes.
pub(crate) fn host_info(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let t = s.guest.target.clone();
    let when = if t.watch_after() { "after" } else { "before" };
    s.out.text("triple:");
    s.out.hex(t.triple.as_bytes());
    s.out.text(format!(
        ";ostype:{};endian:{};ptrsize:{};vm-page-size:{};watchpoint_exceptions_received:{when};",
        t.os(),
        endian(&t),
        t.pointer_size,
        t.page_size,
    ));
    Ok(Answer::Body)
}

/// `qProcessInfo`: numbers are in hex; the process id has to be the one in thread ids.
pub(crate) fn process_info(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let t = s.guest.target.clone();
    if s.guest.inferior.processes().is_empty() {
        return Err(crate::Error::NoProcess(s.pid));
    }
    let info = s.guest.inferior.process_info()?;
    let parent = match info.parent {
        0 => 0,
        pid => s.shown_pid(pid),
    };
    s.out.text(format!(
        "pid:{:x};parent-pid:{parent:x};real-uid:{:x};real-gid:{:x};effective-uid:{:x};effective-gid:{:x};triple:",
        s.shown_pid(s.pid),
        info.uid,
        info.gid,
        info.euid,
        info.egid,
    ));
    s.out.hex(t.triple.as_bytes());
    s.out.text(format!(
        ";ostype:{};endian:{};ptrsize:{};",
        t.os(),
        endian(&t),
        t.pointer_size
    ));
    if !t.elf_abi.is_empty() {
        s.out.text(format!("elf_abi:{};", t.elf_abi));
    }
    Ok(Answer::Body)
}

/// `qRegisterInfo n`: for an lldb without XML. `E45` ends the list.
pub(crate) fn register_info(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let n = hex::number(args).ok_or_else(malformed)?;
    let t = s.guest.target.clone();
    let Some(r) = usize::try_from(n).ok().and_then(|n| t.registers.get(n)) else {
        s.out.text("E45");
        return Ok(Answer::Body);
    };
    let offset: usize = t.registers[..n as usize].iter().map(|r| r.size()).sum();
    let mut text = format!("name:{};", r.name);
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("{key}:{value};");
        }
    };
    let number = |n: Option<u16>| n.map_or(String::new(), |n| n.to_string());
    add("alt-name", r.alt_name);
    add("bitsize", &r.bits.to_string());
    add("offset", &offset.to_string());
    add("encoding", xml::encoding(r));
    add("format", xml::format_of(r));
    add("set", set_name(r.feature));
    add("ehframe", &number(r.eh_frame));
    add("dwarf", &number(r.dwarf));
    add("generic", &r.role.map_or(String::new(), xml::generic));
    s.out.text(text);
    Ok(Answer::Body)
}

/// The group under which lldb lists a register: the last part of the feature's name.
fn set_name(feature: &str) -> &str {
    feature.rsplit('.').next().unwrap_or(feature)
}

/// `qShlibInfoAddr`.
pub(crate) fn library_info_addr(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let slot = s.guest.inferior.library_info_slot()?;
    s.out.number(slot);
    Ok(Answer::Body)
}

/// `qFileLoadAddress:path`: where a file is mapped.
pub(crate) fn file_load_address(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let path = hex::decode(args).ok_or_else(malformed)?;
    let regions = s.guest.inferior.memory_regions()?;
    let found = regions.iter().find(|r| {
        let host = r.host_path.as_ref();
        r.name.as_bytes() == path || host.is_some_and(|p| p.as_os_str().as_bytes() == path)
    });
    match found {
        Some(region) => s.out.number(region.start),
        // What lldb takes for "not loaded".
        None => s.out.text("E01"),
    }
    Ok(Answer::Body)
}

/// `qGDBServerVersion`.
pub(crate) fn version(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.out
        .text(concat!("name:emu;version:", env!("CARGO_PKG_VERSION"), ";"));
    Ok(Answer::Body)
}

/// `qWatchpointSupportInfo:`: there are as many as anybody wants.
pub(crate) fn watchpoint_support(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let n = if s.guest.capabilities.watchpoints {
        65535
    } else {
        0
    };
    s.out.text(format!("num:{n};"));
    Ok(Answer::Body)
}

/// `qEcho:text`: the whole packet comes back; lldb waits for it after an answer that took too long.
pub(crate) fn echo(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    s.out.text("qEcho:");
    s.out.text(args);
    Ok(Answer::Body)
}
