//! What the host's `/proc` says of a process or thread (proc(5)).

use crate::process::SigSet;

/// A file below `/proc`, of which as much is taken as there is; empty if the process is gone.
pub fn proc_text(path: &str) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Fields of `/proc/PID/stat` after the name, from the third.
#[derive(Clone, Debug, Default)]
pub struct ProcStat(Vec<String>);

impl ProcStat {
    /// Reads the file at a path; `None` if there is no such process.
    pub fn read(path: &str) -> Option<ProcStat> {
        ProcStat::parse(&proc_text(path))
    }

    fn parse(text: &str) -> Option<ProcStat> {
        let (_, tail) = text.rsplit_once(')')?;
        let fields: Vec<String> = tail.split_whitespace().map(str::to_owned).collect();
        (!fields.is_empty()).then_some(ProcStat(fields))
    }

    /// Field number `n` of the manual, from 4; 0 if there is none.
    pub fn number(&self, n: usize) -> i64 {
        self.0
            .get(n - 3)
            .and_then(|f| f.parse().ok())
            .unwrap_or_default()
    }

    /// The letter of its state.
    pub fn state(&self) -> u8 {
        self.0.first().map_or(b'R', |s| s.as_bytes()[0])
    }
}

/// The parent of a process; `None` if there is no such process.
pub fn parent_of(pid: i32) -> Option<i32> {
    const PPID: usize = 4;
    let stat = ProcStat::read(&format!("/proc/{pid}/stat"))?;
    Some(stat.number(PPID) as i32)
}

/// The process that a thread belongs to; `None` if there is no such thread.
pub fn process_of(tid: i32) -> Option<i32> {
    let status = proc_text(&format!("/proc/{tid}/status"));
    status_field(&status, "Tgid").parse().ok()
}

/// A set of signals in the text of `/proc/PID/status`, where `key` is its name ("SigBlk").
pub fn status_signals(status: &str, key: &str) -> SigSet {
    let field = status_field(status, key);
    SigSet::from_host(u64::from_str_radix(field, 16).unwrap_or(0))
}

/// A field in the text of `/proc/PID/status`; "" if there is none.
pub fn status_field<'s>(status: &'s str, key: &str) -> &'s str {
    let mut lines = status.lines();
    lines
        .find_map(|l| l.strip_prefix(key)?.strip_prefix(':'))
        .map_or("", str::trim)
}

/// Numbers that a folder's entries are named by, in order: the processes in `/proc`, the threads in `/proc/PID/task`.
pub fn numbers_in(folder: &str) -> Vec<i32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<i32> = entries
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .collect();
    all.sort_unstable();
    all
}

/// The name of a thread.
pub fn thread_name(pid: i32, tid: i32) -> Vec<u8> {
    let mut name = std::fs::read(format!("/proc/{pid}/task/{tid}/comm")).unwrap_or_default();
    name.truncate(name.iter().position(|&b| b == b'\n').unwrap_or(name.len()));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_and_spaces_do_not_shift_the_fields() {
        let stat = ProcStat::parse("12 (a ) b) S 7 8 9").expect("fields");
        assert_eq!((stat.state(), stat.number(4), stat.number(6)), (b'S', 7, 9));
        assert_eq!(stat.number(40), 0);
        assert!(ProcStat::parse("").is_none());
    }

    #[test]
    fn fields_of_status_are_found_by_their_whole_name() {
        let status = "SigBlkX:\t1\nSigBlk:\t0000000000000200\nThreads:\t3\n";
        assert_eq!(status_field(status, "Threads"), "3");
        let set = status_signals(status, "SigBlk");
        assert!(set.contains(crate::process::Signal::SIGUSR1));
        assert_eq!(status_field(status, "None"), "");
    }
}
