//! The process and its threads.

use super::Live;
use crate::host;
use emu_stub::{Error, ProcessInfo, Result, ThreadInfo, Tid};

pub(super) fn process_info() -> Result<ProcessInfo> {
    let ids = host::ids();
    Ok(ProcessInfo {
        parent: std::os::unix::process::parent_id(),
        uid: ids.uid,
        gid: ids.gid,
        euid: ids.euid,
        egid: ids.egid,
    })
}

pub(super) fn list(live: &mut Live) -> Vec<Tid> {
    if live.ended() {
        return Vec::new();
    }
    if live.selected != live.pid {
        return live
            .vfork_child()
            .map(|t| t.tid as Tid)
            .into_iter()
            .collect();
    }
    let gone = live.control.lock().gone.clone();
    let threads = live.process.threads();
    let tids = threads.iter().map(|t| t.tid as Tid);
    tids.filter(|tid| !gone.contains(tid)).collect()
}

pub(super) fn info(live: &mut Live, tid: Tid) -> Result<ThreadInfo> {
    let thread = live
        .handles()
        .into_iter()
        .find(|t| t.tid == tid as i32)
        .ok_or(Error::NoThread(tid))?;
    let process = if thread.is_vfork_child() {
        tid
    } else {
        live.pid
    };
    let comm = format!("/proc/{process}/task/{tid}/comm");
    let name = std::fs::read_to_string(comm).unwrap_or_default();
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
