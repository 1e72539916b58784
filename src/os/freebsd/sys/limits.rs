//! Limits of resources.
//!
//! Most are the host's. Those of memory would hit the emulator, not only its guest: they are kept here; the one of the address space
//! is held to by `mmap`, that of data by `break`, and that of swap space by nothing, as in a kernel that does not limit what it
//! commits (`vm.overcommit`). Those that the host does not have limit nothing, but are told as they were set.

use super::own::Own;
use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::structs::Rlimit;
use crate::os::freebsd::{flags as f, of, procinfo};
use crate::os::{
    Call, Dir,
    Run::Handler,
    Support::{Full, Partial},
    *,
};

crate::syscalls! {
    getdtablesize() -> NUM, Full, Handler(descriptor_limit);
    getrlimitusage(which: one_of(&f::RLIMIT), flags: HEX, res: ints_of(Dir::Out, Kind::U64, Show::Dec, 1)) -> NUM, Partial("of the process: RLIMIT_NOFILE and RLIMIT_AS"), Handler(limit_usage);
    getrlimit(which: one_of(&f::RLIMIT), rlp: output::<Rlimit>()) -> NUM, Full, Handler(get_limit);
    setrlimit(which: one_of(&f::RLIMIT), rlp: input::<Rlimit>()) -> NUM, Partial("not enforced: SBSIZE, NPTS, KQUEUES, UMTXP"), Handler(set_limit);
}

// sys/resource.h
const RLIMIT_DATA: u64 = 2;
const RLIMIT_NOFILE: u64 = 8;
const RLIMIT_AS: u64 = 10;
const LAST: u64 = 14;

/// The limits that the emulator holds itself: those of memory, and SBSIZE, NPTS, SWAP, KQUEUES and UMTXP.
const OWN: [u64; 7] = [RLIMIT_DATA, RLIMIT_AS, 9, 11, 12, 13, 14];

/// RLIM_INFINITY of FreeBSD: the largest positive number; the host's has all bits set.
const INFINITY: i64 = i64::MAX;

/// Current and maximal value of a limit.
type Pair = [i64; 2];

/// The limits that a process holds itself, in the order of [`OWN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held([Pair; OWN.len()]);

impl Default for Held {
    fn default() -> Held {
        Held([[INFINITY; 2]; OWN.len()])
    }
}

/// The limits that a process holds itself.
#[derive(Default)]
pub struct Limits(pub(super) Own<Held>);

impl Limits {
    fn get(&self, vforked: bool) -> Held {
        match self.0.is_used() {
            true => self.0.with(vforked, |held| *held),
            false => Held::default(),
        }
    }

    fn set(&self, vforked: bool, new: Held) {
        self.0.with(vforked, |held| *held = new);
    }

    /// For the program that is executed next; empty if nothing is limited.
    pub fn to_text(&self, vforked: bool) -> String {
        let all = self.get(vforked);
        if all == Held::default() {
            return String::new();
        }
        let numbers: Vec<String> = all.0.iter().flatten().map(i64::to_string).collect();
        numbers.join(",")
    }

    /// Takes over what [`Limits::to_text`] of the program before has told.
    pub fn inherit(&self, text: &str) {
        let mut all = Held::default();
        for (limit, number) in all.0.iter_mut().flatten().zip(text.split(',')) {
            *limit = number.parse().unwrap_or(INFINITY);
        }
        self.set(false, all);
    }
}

/// The limits that the calling process holds itself.
fn held(call: &Call<'_>) -> Held {
    let vforked = call.thread.is_vfork_child();
    of(call.thread).map_or(Held::default(), |os| os.limits.get(vforked))
}

/// How much address space the guest has mapped, in bytes.
fn mapped(call: &Call<'_>) -> u64 {
    let regions = call.mem().regions();
    regions.iter().map(crate::mem::Region::len).sum()
}

/// Whether `len` more bytes may be mapped.
pub(super) fn allow_mapping(call: &Call<'_>, len: u64) -> SysResult<()> {
    let most = held(call).0[1][0] as u64;
    match most == INFINITY as u64 || mapped(call).saturating_add(len) <= most {
        true => Ok(()),
        false => Err(Errno::ENOMEM),
    }
}

/// Whether the heap may become as long as that.
pub(super) fn allow_heap(call: &Call<'_>, len: u64) -> SysResult<()> {
    match len <= held(call).0[0][0] as u64 {
        true => Ok(()),
        false => Err(Errno::ENOMEM),
    }
}

/// A limit of the calling process that the host does not know.
pub fn own(call: &Call<'_>, which: u64) -> Option<Rlimit> {
    let n = OWN.iter().position(|&o| o == which)?;
    let [rlim_cur, rlim_max] = held(call).0[n];
    Some(Rlimit { rlim_cur, rlim_max })
}

fn descriptor_limit(call: &mut Call<'_>) -> SysResult {
    let host = host_limit(call, RLIMIT_NOFILE).unwrap_or(0);
    let mut limits = [0u64; 2];
    let at = limits.as_mut_ptr() as u64;
    call.host(SYS_prlimit64, [0, host, 0, at, 0, 0])?;
    Ok(limits[0].min(i32::MAX as u64))
}

fn limit_usage(call: &mut Call<'_>) -> SysResult {
    let used = match call.arg(0) {
        RLIMIT_NOFILE => procinfo::descriptors(crate::host::pid()).len() as u64,
        RLIMIT_AS => mapped(call),
        0..=LAST => {
            call.unimplemented(&format!("usage of resource {}", call.arg(0)));
            return Err(Errno::ENXIO);
        }
        _ => return Err(Errno::EINVAL),
    };
    call.write_int(call.arg(2), Kind::I64, used)?;
    Ok(0)
}

/// The host's number of a limit, if it has it.
fn host_limit(call: &Call<'_>, which: u64) -> Option<u64> {
    let host = f::RLIMIT.to_host(call.abi.dialect, which);
    Some(host).filter(|&n| n < 100)
}

/// The limit `which` as the guest sees it.
///
/// # Errors
/// EINVAL for a limit that there is not.
fn limit_of(call: &mut Call<'_>, which: u64) -> SysResult<Pair> {
    if which > LAST {
        return Err(Errno::EINVAL);
    }
    if let Some(own) = own(call, which) {
        return Ok([own.rlim_cur, own.rlim_max]);
    }
    let mut host = [u64::MAX; 2];
    if let Some(which) = host_limit(call, which) {
        call.host(SYS_prlimit64, [0, which, 0, host.as_mut_ptr() as u64, 0, 0])?;
    }
    Ok(host.map(|v| i64::try_from(v).unwrap_or(INFINITY)))
}

fn get_limit(call: &mut Call<'_>) -> SysResult {
    let [rlim_cur, rlim_max] = limit_of(call, call.arg(0))?;
    call.write_struct(call.arg(1), &Rlimit { rlim_cur, rlim_max })?;
    Ok(0)
}

fn set_limit(call: &mut Call<'_>) -> SysResult {
    let which = call.arg(0);
    let limit: Rlimit = call.read_struct(call.arg(1))?;
    // "Historical bugs" that the kernel preserves (`kern_proc_setrlimit`).
    let mut new = [limit.rlim_cur, limit.rlim_max].map(|v| if v < 0 { INFINITY } else { v });
    let old = limit_of(call, which)?;
    if new.iter().any(|&v| v > old[1]) && crate::host::ids().euid != 0 {
        return Err(Errno::EPERM);
    }
    if which == RLIMIT_NOFILE {
        // More than the kernel could ever open is cut down to that.
        let most = std::fs::read_to_string("/proc/sys/fs/nr_open");
        let most = most.ok().and_then(|n| n.trim().parse().ok());
        new[1] = new[1].min(most.unwrap_or(INFINITY));
    }
    new[0] = new[0].min(new[1]);
    if let Some(n) = OWN.iter().position(|&o| o == which) {
        let mut all = held(call);
        all.0[n] = new;
        if let Some(os) = of(call.thread) {
            os.limits.set(call.thread.is_vfork_child(), all);
        }
        return Ok(0);
    }
    let host = new.map(|v| if v == INFINITY { u64::MAX } else { v as u64 });
    match host_limit(call, which) {
        Some(which) => call.host(SYS_prlimit64, [0, which, host.as_ptr() as u64, 0, 0, 0]),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::own::PerProcess;
    use super::*;

    #[test]
    fn limits_go_to_the_next_program() {
        let before = Limits::default();
        assert_eq!(before.to_text(false), "");
        let mut set = Held::default();
        set.0[1] = [1 << 26, INFINITY];
        set.0[6] = [5, 7];
        before.set(true, set);
        assert_eq!(before.to_text(false), "");
        let after = Limits::default();
        after.inherit(&before.to_text(true));
        assert_eq!(after.get(false), set);
        before.0.vfork_done(crate::host::pid());
        assert_eq!(before.to_text(true), "");
        after.inherit("x");
        assert_eq!(after.get(false).0[0][0], INFINITY);
    }
}
