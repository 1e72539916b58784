//! Users and groups of the process.
//!
//! To the host they are each thread's own. FreeBSD's are the process's: a thread takes a change of another one over when it next
//! enters the kernel (`sys/kern/subr_syscall.c`, cred_update_thread), see `Credentials::follow`.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::{nr::*, syscall};
use crate::os::freebsd;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass},
    Support::Full,
    *,
};
use crate::process::Thread;

crate::syscalls! {
    getuid() -> NUM, Full, Pass(SYS_getuid);
    geteuid() -> NUM, Full, Pass(SYS_geteuid);
    getgid() -> NUM, Full, Pass(SYS_getgid);
    getegid() -> NUM, Full, Pass(SYS_getegid);
    setuid(uid: INT) -> NUM, Full, Handler(|c| change(c, |c| set_all_three(c, Ids::now().users, SYS_setresuid)));
    setgid(gid: INT) -> NUM, Full, Handler(|c| change(c, |c| set_all_three(c, Ids::now().groups, SYS_setresgid)));
    seteuid(euid: INT) -> NUM, Full, Handler(|c| change(c, |c| c.host(SYS_setresuid, [KEEP, c.arg(0), KEEP, 0, 0, 0])));
    setegid(egid: INT) -> NUM, Full, Handler(|c| change(c, |c| c.host(SYS_setresgid, [KEEP, c.arg(0), KEEP, 0, 0, 0])));
    setreuid(ruid: INT, euid: INT) -> NUM, Full, Handler(|c| change(c, |c| pass_with(c, SYS_setreuid, false, &[])));
    setregid(rgid: INT, egid: INT) -> NUM, Full, Handler(|c| change(c, |c| pass_with(c, SYS_setregid, false, &[])));
    getresuid(ruid: ints(Dir::Out, 1), euid: ints(Dir::Out, 1), suid: ints(Dir::Out, 1)) -> NUM, Full, Pass(SYS_getresuid);
    getresgid(rgid: ints(Dir::Out, 1), egid: ints(Dir::Out, 1), sgid: ints(Dir::Out, 1)) -> NUM, Full, Pass(SYS_getresgid);
    setresuid(ruid: INT, euid: INT, suid: INT) -> NUM, Full, Handler(|c| change(c, |c| pass_with(c, SYS_setresuid, false, &[])));
    setresgid(rgid: INT, egid: INT, sgid: INT) -> NUM, Full, Handler(|c| change(c, |c| pass_with(c, SYS_setresgid, false, &[])));
    getgroups(gidsetsize: INT, gidset: ArgType::Ints(Dir::Out, Kind::U32, Show::Dec, Len::Arg(0))) -> NUM, Full, Pass(SYS_getgroups);
    setgroups(gidsetsize: INT, gidset: ArgType::Ints(Dir::In, Kind::U32, Show::Dec, Len::Arg(0))) -> NUM, Full, Handler(|c| change(c, |c| pass_with(c, SYS_setgroups, false, &[])));
    freebsd14_getgroups(gidsetsize: INT, gidset: ArgType::Ints(Dir::Out, Kind::U32, Show::Dec, Len::Arg(0))) -> NUM, Full, Handler(all_groups);
    freebsd14_setgroups(gidsetsize: INT, gidset: ArgType::Ints(Dir::In, Kind::U32, Show::Dec, Len::Arg(0))) -> NUM, Full, Handler(|c| change(c, set_all_groups));
    issetugid() -> NUM, Full, Handler(|c| Ok(is_tainted(c).into()));
}

/// An id that is not to be changed.
const KEEP: u64 = u64::MAX;

/// The effective group and NGROUPS_MAX others (`sys/syslimits.h`).
const MOST_GROUPS: usize = 1024;

/// Users and groups of a thread.
#[derive(Clone, PartialEq, Eq)]
struct Ids {
    /// Real, effective, saved.
    users: [u32; 3],
    /// Real, effective, saved.
    groups: [u32; 3],
    others: Vec<u32>,
}

impl Ids {
    /// Those of the calling thread.
    fn now() -> Ids {
        // These calls fail for wrong addresses only.
        let three = |number| {
            let mut ids = [0u32; 3];
            let [a, b, c] = ids.each_mut().map(|id| &raw mut *id as u64);
            let _ = syscall(number, [a, b, c, 0, 0, 0]);
            ids
        };
        let mut others = vec![0u32; 65536];
        let args = [others.len() as u64, others.as_mut_ptr() as u64, 0, 0, 0, 0];
        others.truncate(syscall(SYS_getgroups, args).unwrap_or(0) as usize);
        Ids {
            users: three(SYS_getresuid),
            groups: three(SYS_getresgid),
            others,
        }
    }

    /// Gives them to the calling thread, which has had some that could be changed to these.
    fn take_over(&self) {
        let set = |number, ids: [u64; 3]| {
            // Refused if the thread has them already and may change nothing: it has been overtaken by a later change.
            let _ = syscall(number, [ids[0], ids[1], ids[2], 0, 0, 0]);
        };
        // Only the superuser changes groups at will; he may be one of the ids that are given up at the end.
        set(SYS_setresuid, [KEEP, 0, KEEP]);
        set(
            SYS_setgroups,
            [self.others.len() as u64, self.others.as_ptr() as u64, 0],
        );
        set(SYS_setresgid, self.groups.map(u64::from));
        set(SYS_setresuid, self.users.map(u64::from));
    }
}

thread_local! {
    /// How many of the changes this thread has.
    static FOLLOWED: Cell<u32> = const { Cell::new(0) };
}

/// What threads have to know of each other's changes.
#[derive(Default)]
pub struct Credentials {
    changes: AtomicU32,
    /// After the last change.
    last: Mutex<Option<Ids>>,
    /// The ids are not those that the program was started with (`P_SUGID`).
    tainted: AtomicBool,
}

impl Credentials {
    fn lock(&self) -> MutexGuard<'_, Option<Ids>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the changes of other threads over.
    pub(in crate::os::freebsd) fn follow(&self, thread: &Thread) {
        let changes = self.changes.load(SeqCst);
        // The child of a vfork is another process, whose memory only is its parent's.
        if changes == 0 || changes == FOLLOWED.get() || thread.is_vfork_child() {
            return;
        }
        let last = self.lock();
        if let Some(ids) = &*last {
            ids.take_over();
        }
        FOLLOWED.set(self.changes.load(SeqCst));
    }
}

/// EPERM for all but the superuser.
pub(super) fn superuser_only() -> SysResult<()> {
    match crate::host::ids().euid {
        0 => Ok(()),
        _ => Err(Errno::EPERM),
    }
}

/// Makes a call that changes ids. One at a time, so that the last one that threads follow is the last that was made.
fn change(call: &mut Call<'_>, set: fn(&mut Call<'_>) -> SysResult) -> SysResult {
    if call.thread.is_vfork_child() {
        return set(call);
    }
    let process = call.thread.process.clone();
    let Some(os) = freebsd::of_process(&process) else {
        return set(call);
    };
    let credentials = &os.credentials;
    let mut last = credentials.lock();
    let before = Ids::now();
    let result = set(call);
    let after = Ids::now();
    if after != before {
        // `setgroups` alone does not count (`kern_prot.c`: setsugid).
        let named = |ids: &Ids| (ids.users, ids.groups);
        if named(&after) != named(&before) {
            credentials.tainted.store(true, SeqCst);
        }
        *last = Some(after);
        FOLLOWED.set(credentials.changes.fetch_add(1, SeqCst).wrapping_add(1));
    }
    result
}

/// `setuid` and `setgid`: who may set the id at all sets the real, the effective and the saved one (`kern_prot.c`: without
/// `_POSIX_SAVED_IDS`, with the clause of POSIX's appendix B.4.2.2). The host leaves two of them to the superuser.
fn set_all_three(call: &mut Call<'_>, [real, effective, _]: [u32; 3], number: i64) -> SysResult {
    let id = call.int(0) as u32;
    let privileged = call.host(SYS_geteuid, [0; 6])? == 0;
    if id != real && id != effective && !privileged {
        return Err(Errno::EPERM);
    }
    let id = id.into();
    call.host(number, [id, id, id, 0, 0, 0])
}

/// Whether the process has ids that the program was not started with, or was started with those of its file.
fn is_tainted(call: &Call<'_>) -> bool {
    let ids = crate::host::ids();
    let changed = freebsd::of(call.thread).is_some_and(|os| os.credentials.tainted.load(SeqCst));
    changed || ids.uid != ids.euid || ids.gid != ids.egid
}

/// Until FreeBSD 15 the effective group comes first among the others.
fn all_groups(call: &mut Call<'_>) -> SysResult {
    let mut groups = [0u32; MOST_GROUPS + 1];
    groups[0] = call.host(SYS_getegid, [0; 6])? as u32;
    let rest = groups[1..].as_mut_ptr() as u64;
    let count = call.host(SYS_getgroups, [MOST_GROUPS as u64, rest, 0, 0, 0, 0])? + 1;
    let room = call.int(0);
    if room == 0 {
        return Ok(count);
    }
    // The kernel takes the size for unsigned.
    if u64::from(room as u32) < count {
        return Err(Errno::EINVAL);
    }
    for (n, group) in groups[..count as usize].iter().enumerate() {
        call.write_int(
            call.arg(1).wrapping_add(4 * n as u64),
            Kind::U32,
            (*group).into(),
        )?;
    }
    Ok(count)
}

fn set_all_groups(call: &mut Call<'_>) -> SysResult {
    let count = call.int(0);
    if !(0..=MOST_GROUPS as i32).contains(&count) {
        return Err(Errno::EINVAL);
    }
    let mut groups = Vec::new();
    for n in 0..count as u64 {
        groups.push(call.read_int(call.arg(1).wrapping_add(4 * n), Kind::U32)? as u32);
    }
    let rest = groups.get(1..).unwrap_or_default();
    call.host(
        SYS_setgroups,
        [rest.len() as u64, rest.as_ptr() as u64, 0, 0, 0, 0],
    )?;
    match groups.first() {
        Some(&effective) => call.host(
            SYS_setresgid,
            [u64::MAX, effective.into(), u64::MAX, 0, 0, 0],
        ),
        None => Ok(0),
    }
}
