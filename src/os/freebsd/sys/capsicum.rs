//! Capsicum: descriptors with limited rights, and capability mode (`sys/capsicum.h`, `sys/caprights.h`, capsicum(4), rights(4)).
//!
//! The host has nothing of the kind: a call that a descriptor's rights or the mode forbid is refused here, before it is made. What
//! each call needs is in `right`; it applies to the arguments that the call's row types as descriptors. Which calls there are in
//! capability mode is in `enabled`, lookups that stay below a directory are in `beneath`.
//!
//! Rights belong to a descriptor, not to what it opens, so they are kept by number in the process that has it. Where descriptors
//! go, they go along: to the child of a fork with its memory, to the program that `execve` starts as text, and to who receives them
//! over a socket as a hidden descriptor behind those of the message (`net::rights`).

mod beneath;
mod enabled;
mod right;

use std::collections::HashMap;
use std::fmt::Write;

use super::descriptors;
use super::own::Own;
use super::pipe::wait::is_set;
use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::fd::OwnFd;
use crate::host::nr::*;
use crate::os::freebsd::decode::process as decode;
use crate::os::freebsd::{self, flags as f, ioctl, sys::procctl};
use crate::os::{
    ArgType, Call, Dir,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
use crate::process::ThreadHandle;
use right::Rights;

pub(super) use beneath::look_up;

const SCOPE: &str = "programs of the host's or of Linux that get the descriptor are not limited";

crate::syscalls! {
    cap_enter() -> NUM, Full, Handler(|c| { enter(c); Ok(0) });
    cap_getmode(modep: ints(Dir::Out, 1)) -> NUM, Full, Handler(mode);
    cap_rights_limit(fd: INT, rightsp: ArgType::Decoded(Dir::In, decode::rights)) -> NUM, Partial(SCOPE), Handler(limit_rights);
    __cap_rights_get(version: INT, fd: INT, rightsp: ArgType::Decoded(Dir::Out, decode::rights)) -> NUM, Full, Handler(rights_of);
    cap_ioctls_limit(fd: INT, cmds: ArgType::By(|_, a| ioctl::requests(Dir::In, a)), ncmds: SIZE) -> NUM, Partial(SCOPE), Handler(limit_ioctls);
    cap_ioctls_get(fd: INT, cmds: ArgType::By(|_, a| ioctl::requests(Dir::Out, a)), maxcmds: SIZE) -> NUM, Full, Handler(ioctls_of);
    cap_fcntls_limit(fd: INT, fcntlrights: flags(&f::CAP_FCNTL)) -> NUM, Partial(SCOPE), Handler(limit_fcntls);
    cap_fcntls_get(fd: INT, fcntlrightsp: ints_of(Dir::Out, Kind::U32, Show::Flags(&f::CAP_FCNTL), 1)) -> NUM, Full, Handler(fcntls_of);
}

/// Bits of `cap_fcntls_limit`: `1 << F_GETFL` and its like, up to F_SETOWN.
const FCNTLS: u32 = 0x78;
/// CAP_IOCTLS_ALL as `cap_ioctls_get` returns it: SSIZE_MAX.
const IOCTLS_MAX: u64 = 256;

/// What a descriptor may be used for.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    rights: Rights,
    /// The requests that `ioctl` may make; any if `None`.
    ioctls: Option<Vec<u64>>,
    fcntls: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            rights: right::ALL,
            ioctls: None,
            fcntls: FCNTLS,
        }
    }
}

fn contains(have: Rights, want: Rights) -> bool {
    want[0] & !have[0] == 0 && want[1] & !have[1] == 0
}

impl Limits {
    /// As text: the words of the rights, the commands of `fcntl`, and the requests of `ioctl` if they are limited; in hexadecimal.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!(
            "{:x}.{:x}.{:x}",
            self.rights[0], self.rights[1], self.fcntls
        );
        if let Some(list) = &self.ioctls {
            let list: Vec<String> = list.iter().map(|r| format!("{r:x}")).collect();
            let _ = write!(text, ".{}", list.join(","));
        }
        text
    }

    /// What [`Limits::to_text`] has written; `None` for anything else.
    pub(super) fn from_text(text: &str) -> Option<Limits> {
        let number = |s: &str| u64::from_str_radix(s, 16).ok();
        let mut parts = text.split('.');
        Some(Limits {
            rights: [number(parts.next()?)?, number(parts.next()?)?],
            fcntls: number(parts.next()?)? as u32,
            ioctls: match parts.next() {
                None => None,
                Some("") => Some(Vec::new()),
                Some(list) => Some(list.split(',').map(number).collect::<Option<_>>()?),
            },
        })
    }
}

/// The capabilities of a process.
#[derive(Default)]
pub struct Capabilities {
    /// Capability mode.
    pub(super) mode: Own<bool>,
    /// Descriptors that are limited.
    pub(super) limits: Own<HashMap<i32, Limits>>,
}

impl Capabilities {
    /// What a program that this process executes has to know, as text: `m` for capability mode, and the descriptors with their
    /// limits. Descriptors that exec closes may be among them.
    pub(in crate::os::freebsd) fn to_text(&self, thread: &ThreadHandle) -> String {
        let mut items = Vec::new();
        if self.mode(thread.is_vfork_child()) {
            items.push("m".to_owned());
        }
        if self.limits.is_used() {
            self.limits.with(thread.has_own_files(), |limits| {
                let limits = limits.iter();
                items.extend(limits.map(|(fd, limits)| format!("{fd}={}", limits.to_text())));
            });
        }
        items.join(";")
    }

    /// Takes over what the program before this one has left.
    pub(in crate::os::freebsd) fn inherit(&self, text: &str) {
        if text.split(';').any(|item| item == "m") {
            self.mode.with(false, |mode| *mode = true);
        }
        self.limits.with(false, |all| {
            let entries = text.split(';').filter_map(|item| {
                let (fd, limits) = item.split_once('=')?;
                Some((fd.parse::<i32>().ok()?, Limits::from_text(limits)?))
            });
            all.extend(entries.filter(|(fd, _)| descriptors::is_open(*fd)));
        });
    }

    pub(in crate::os::freebsd) fn mode(&self, vforked: bool) -> bool {
        self.mode.is_used() && self.mode.with(vforked, |mode| *mode)
    }
}

/// The calling process's descriptors that are limited.
fn limited<R>(call: &Call<'_>, action: impl FnOnce(&mut HashMap<i32, Limits>) -> R) -> R {
    let own = call.thread.handle.has_own_files();
    match freebsd::of(call.thread) {
        Some(os) => os.capabilities.limits.with(own, action),
        None => action(&mut HashMap::new()),
    }
}

fn enter(call: &Call<'_>) {
    if let Some(os) = freebsd::of(call.thread) {
        let vforked = call.thread.is_vfork_child();
        os.capabilities.mode.with(vforked, |mode| *mode = true);
    }
}

pub(super) fn in_use(call: &Call<'_>) -> bool {
    freebsd::of(call.thread)
        .is_some_and(|os| os.capabilities.limits.is_used() || os.capabilities.mode.is_used())
}

/// Whether the process is in capability mode.
pub(in crate::os::freebsd) fn in_mode(call: &Call<'_>) -> bool {
    let vforked = || call.thread.is_vfork_child();
    freebsd::of(call.thread).is_some_and(|os| os.capabilities.mode(vforked()))
}

/// The limits of a descriptor, if it has any.
pub(super) fn limits(call: &Call<'_>, fd: i32) -> Option<Limits> {
    let all = &freebsd::of(call.thread)?.capabilities.limits;
    all.if_used(call, |all| all.get(&fd).cloned())?
}

/// Gives a descriptor, which has just come over a socket, its limits.
pub(super) fn set_limits(call: &Call<'_>, fd: i32, limits: Limits) {
    limited(call, |all| all.insert(fd, limits));
}

/// Whether a descriptor may be waited for.
pub(super) fn lacks_event(call: &Call<'_>, fd: i32) -> bool {
    limits(call, fd).is_some_and(|l| !contains(l.rights, right::EVENT))
}

/// `new` was opened below the directory `old`: it has the same limits.
pub(super) fn inherited(call: &Call<'_>, old: i32, new: i32) {
    if let Some(os) = freebsd::of(call.thread) {
        os.capabilities.limits.copied(call, old, new);
    }
}

/// Whether there is something to [`check`]: for most programs there never is.
#[inline]
pub(in crate::os::freebsd) fn concerns(call: &Call<'_>) -> bool {
    in_use(call) || asks_for_beneath(call).is_some()
}

/// Whether a call may be made. Lookups that are to stay below a directory are made as far as the file's own directory, which
/// takes the place of the one that the guest named in the call's arguments. What is returned holds these directories.
///
/// # Errors
/// ENOTCAPABLE where a descriptor lacks a right or a path leads out, ECAPMODE for what is not there in capability mode.
pub(in crate::os::freebsd) fn check(call: &mut Call<'_>) -> SysResult<Vec<OwnFd>> {
    let asked = asks_for_beneath(call);
    let result = allowed(call).and_then(|()| confine(call, asked));
    if let Err(Errno::ENOTCAPABLE | Errno::ECAPMODE) = result
        && procctl::traps_violations()
    {
        const SIGTRAP: u64 = 5;
        let (pid, tid) = (crate::host::pid() as u64, call.thread.tid() as u64);
        let _ = call.host(SYS_tgkill, [pid, tid, SIGTRAP, 0, 0, 0]);
    }
    result
}

const AT_FDCWD: i32 = -100;

fn is_absolute(call: &Call<'_>, path: usize) -> SysResult<bool> {
    Ok(call.name(path)?.as_bytes().starts_with(b"/"))
}

/// Whether argument `n` is a path.
fn is_path(call: &Call<'_>, n: usize) -> bool {
    let ty = call.row.args.get(n).map(|arg| arg.ty);
    matches!(ty, Some(ArgType::Path | ArgType::PathNew)) && call.arg(n) != 0
}

fn allowed(call: &Call<'_>) -> SysResult<()> {
    if !in_use(call) {
        return Ok(());
    }
    let mode = in_mode(call);
    if mode && !enabled::is_enabled(call) {
        return Err(Errno::ECAPMODE);
    }
    let mut nth = 0;
    for (n, arg) in call.row.args.iter().enumerate() {
        let ArgType::Value(_, show @ (Show::Fd | Show::DirFd)) = arg.ty else {
            continue;
        };
        let fd = call.int(n);
        let wanted = right::needed(call, nth);
        nth += 1;
        if matches!(show, Show::DirFd) {
            if mode && fd == AT_FDCWD {
                return Err(Errno::ECAPMODE);
            }
            // A path from the root has nothing to do with the descriptor.
            if is_path(call, n + 1) && !mode && is_absolute(call, n + 1)? {
                continue;
            }
        }
        let Some(limits) = limits(call, fd) else {
            continue;
        };
        if !contains(limits.rights, wanted) {
            return Err(Errno::ENOTCAPABLE);
        }
        let listed = match call.row.name {
            "ioctl" => {
                let request = call.arg(1) & 0xffff_ffff;
                let list = limits.ioctls.as_ref();
                list.is_none_or(|list| list.contains(&request))
            }
            "fcntl" => {
                let bit = 1u32.checked_shl(call.arg(1) as u32).unwrap_or(0) & FCNTLS;
                bit & !limits.fcntls == 0
            }
            _ => true,
        };
        if !listed {
            return Err(Errno::ENOTCAPABLE);
        }
    }
    selectable(call)
}

/// `select` fails for a set with a descriptor that may not be waited for.
fn selectable(call: &Call<'_>) -> SysResult<()> {
    if !matches!(call.row.name, "select" | "pselect") {
        return Ok(());
    }
    let lacking: Vec<i32> = limited(call, |all| {
        let lacking = all.iter();
        let lacking = lacking.filter(|(_, l)| !contains(l.rights, right::EVENT));
        lacking.map(|(fd, _)| *fd).collect()
    });
    for set in (1..4).map(|n| call.arg(n)) {
        for &fd in lacking.iter().filter(|&&fd| fd < call.int(0)) {
            if is_set(call, set, fd)? {
                return Err(Errno::ENOTCAPABLE);
            }
        }
    }
    Ok(())
}

/// The argument with O_RESOLVE_BENEATH or AT_RESOLVE_BENEATH, and that bit.
fn asks_for_beneath(call: &Call<'_>) -> Option<(usize, u64)> {
    const O_RESOLVE_BENEATH: u64 = 0x80_0000;
    const AT_RESOLVE_BENEATH: u64 = 0x2000;
    call.row.args.iter().enumerate().find_map(|(n, arg)| {
        let ArgType::Value(_, Show::Flags(table)) = arg.ty else {
            return None;
        };
        let bit = match table {
            t if std::ptr::eq(t, &raw const f::OPEN) => O_RESOLVE_BENEATH,
            t if std::ptr::eq(t, &raw const f::AT) => AT_RESOLVE_BENEATH,
            t if std::ptr::eq(t, &raw const f::FACCESSAT) => AT_RESOLVE_BENEATH,
            _ => return None,
        };
        (call.arg(n) & bit != 0).then_some((n, bit))
    })
}

/// Makes the lookups of a call that have to stay below their directory: in capability mode, from a limited descriptor, and where
/// the guest asks for it.
fn confine(call: &mut Call<'_>, asked: Option<(usize, u64)>) -> SysResult<Vec<OwnFd>> {
    let mut held = Vec::new();
    if let Some((n, bit)) = asked {
        // It is done here; the call that is made knows nothing of it.
        call.args[n] &= !bit;
    }
    let mode = in_mode(call);
    let mut nth = 0;
    for n in 0..call.row.args.len() {
        if !matches!(call.row.args[n].ty, ArgType::Value(_, Show::DirFd)) || !is_path(call, n + 1) {
            continue;
        }
        let fd = call.int(n);
        let path = call.name(n + 1)?;
        let limited = || limits(call, fd).is_some() && !path.as_bytes().starts_with(b"/");
        let strict = mode || asked.is_some() || limited();
        if strict && !path.is_empty() {
            let (dir, name) = look_up(fd, path.as_bytes(), beneath::follows(call, nth))?;
            call.args[n] = dir.number() as u64;
            call.found.push((n + 1, name));
            held.push(dir);
        }
        nth += 1;
    }
    if call.row.name == "open" && asked.is_some() {
        let (dir, name) = look_up(
            AT_FDCWD,
            call.name(0)?.as_bytes(),
            beneath::follows(call, 0),
        )?;
        let dir_path = format!("/proc/self/fd/{}/", dir.number());
        let name = cstring([dir_path.as_bytes(), name.as_bytes()].concat())?;
        call.found.push((0, name));
        held.push(dir);
    }
    Ok(held)
}

/// Whether a call that sends names an address.
fn sends_to_address(call: &Call<'_>) -> bool {
    match call.row.name {
        "sendto" => call.arg(4) != 0,
        // The first word of `struct msghdr`.
        _ => call.read_int(call.arg(1), Kind::Ulong).unwrap_or(0) != 0,
    }
}

fn mode(call: &mut Call<'_>) -> SysResult {
    let mode = in_mode(call);
    call.write_int(call.arg(0), Kind::U32, mode.into())?;
    Ok(0)
}

/// The descriptor must be open.
fn open_descriptor(call: &mut Call<'_>, n: usize) -> SysResult<i32> {
    const F_GETFD: u64 = 1;
    if crate::host::fd::is_own(call.int(n)) {
        return Err(Errno::EBADF);
    }
    call.host(SYS_fcntl, [call.arg(n), F_GETFD, 0, 0, 0, 0])?;
    Ok(call.int(n))
}

/// `cap_rights_t` is two words of 64 bits: in each the index from bit 57 on, in the first the version on top.
fn index_bit(n: usize) -> u64 {
    1 << (57 + n)
}

fn limit_rights(call: &mut Call<'_>) -> SysResult {
    let fd = open_descriptor(call, 0)?;
    let mut rights = [0; 2];
    for (n, right) in rights.iter_mut().enumerate() {
        let word = call.read_int(call.arg(1).wrapping_add(8 * n as u64), Kind::U64)?;
        *right = word & !index_bit(n);
        if word & index_bit(n) == 0 || *right & !right::KNOWN[n] != 0 {
            return Err(Errno::EINVAL);
        }
    }
    limited(call, |all| {
        let limits = all.entry(fd).or_default();
        let known = [
            limits.rights[0] | right::KNOWN[0] & !right::ALL[0],
            limits.rights[1] | right::KNOWN[1] & !right::ALL[1],
        ];
        if !contains(known, rights) {
            return Err(Errno::ENOTCAPABLE);
        }
        limits.rights = rights;
        if !contains(rights, right::IOCTL) {
            limits.ioctls = Some(Vec::new());
        }
        if !contains(rights, right::FCNTL) {
            limits.fcntls = 0;
        }
        Ok(0)
    })
}

/// The limits of a descriptor.
fn limits_of(call: &mut Call<'_>, n: usize) -> SysResult<Limits> {
    let fd = open_descriptor(call, n)?;
    Ok(limits(call, fd).unwrap_or_default())
}

fn rights_of(call: &mut Call<'_>) -> SysResult {
    const CAP_RIGHTS_VERSION: i32 = 0;
    if call.int(0) != CAP_RIGHTS_VERSION {
        return Err(Errno::EINVAL);
    }
    let limits = limits_of(call, 1)?;
    for (n, right) in limits.rights.into_iter().enumerate() {
        let at = call.arg(2) + 8 * n as u64;
        call.write_int(at, Kind::U64, right | index_bit(n))?;
    }
    Ok(0)
}

fn limit_ioctls(call: &mut Call<'_>) -> SysResult {
    let fd = open_descriptor(call, 0)?;
    let (at, count) = (call.arg(1), call.arg(2));
    if count > IOCTLS_MAX {
        return Err(Errno::EINVAL);
    }
    let word = u64::from(call.abi.abi.word);
    let mut list = Vec::new();
    for n in 0..count {
        list.push(call.read_int(at.wrapping_add(n * word), Kind::Ulong)?);
    }
    limited(call, |all| {
        let limits = all.entry(fd).or_default();
        if let Some(old) = &limits.ioctls
            && !list.iter().all(|request| old.contains(request))
        {
            return Err(Errno::ENOTCAPABLE);
        }
        limits.ioctls = Some(list);
        Ok(0)
    })
}

fn ioctls_of(call: &mut Call<'_>) -> SysResult {
    let Some(list) = limits_of(call, 0)?.ioctls else {
        // CAP_IOCTLS_ALL
        return Ok(if call.abi.abi.is_32bit() {
            i32::MAX as u64
        } else {
            i64::MAX as u64
        });
    };
    let (at, room) = (call.arg(1), call.arg(2));
    let word = u64::from(call.abi.abi.word);
    if at != 0 {
        for (n, request) in list.iter().enumerate().take(room as usize) {
            call.write_int(at.wrapping_add(n as u64 * word), Kind::Ulong, *request)?;
        }
    }
    Ok(list.len() as u64)
}

fn limit_fcntls(call: &mut Call<'_>) -> SysResult {
    let fd = open_descriptor(call, 0)?;
    let rights = call.arg(1) as u32;
    if rights & !FCNTLS != 0 {
        return Err(Errno::EINVAL);
    }
    limited(call, |all| {
        let limits = all.entry(fd).or_default();
        if rights & !limits.fcntls != 0 {
            return Err(Errno::ENOTCAPABLE);
        }
        limits.fcntls = rights;
        Ok(0)
    })
}

fn fcntls_of(call: &mut Call<'_>) -> SysResult {
    let limits = limits_of(call, 0)?;
    call.write_int(call.arg(1), Kind::U32, limits.fcntls.into())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_as_text() {
        for ioctls in [None, Some(vec![]), Some(vec![1, 0xffff_ffff])] {
            let limits = Limits {
                rights: [0x7ff_0000_0001, 0x40],
                ioctls,
                fcntls: 8,
            };
            let again =
                Limits::from_text(&limits.to_text()).map(|l| (l.rights, l.ioctls, l.fcntls));
            assert_eq!(again, Some((limits.rights, limits.ioctls, limits.fcntls)));
        }
        for text in ["", "1", "1.2", "1.2.x", "1.2.3.,"] {
            assert!(Limits::from_text(text).is_none(), "{text}");
        }
    }
}
