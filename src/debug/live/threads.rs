//! The process and its threads.

use super::Live;
use emu_stub::{Error, ProcessInfo, Result, ThreadInfo, Tid};

pub(super) fn process_info() -> Result<ProcessInfo> {
    use std::os::unix::fs::MetadataExt;
    // The owner of /proc/live is the effective user and group.
    let (uid, gid) = std::fs::metadata("/proc/live")
        .map(|m| (m.uid(), m.gid()))
        .unwrap_or_default();
    Ok(ProcessInfo {
        parent: std::os::unix::process::parent_id(),
        uid,
        gid,
        euid: uid,
        egid: gid,
    })
}

pub(super) fn list(live: &mut Live) -> Vec<Tid> {
    if live.ended() {
        return Vec::new();
    }
    live.process
        .threads()
        .iter()
        .map(|t| t.tid as Tid)
        .collect()
}

pub(super) fn info(live: &mut Live, tid: Tid) -> Result<ThreadInfo> {
    let thread = live
        .process
        .threads()
        .into_iter()
        .find(|t| t.tid == tid as i32)
        .ok_or(Error::NoThread(tid))?;
    let name = std::fs::read_to_string(format!("/proc/live/task/{tid}/comm")).unwrap_or_default();
    let state = if thread.is_blocked() {
        "in a system call"
    } else {
        ""
    };
    Ok(ThreadInfo {
        name: name.trim_end().into(),
        state: state.into(),
    })
}
