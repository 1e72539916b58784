//! What programs ask the kernel about itself: its environment, files and modules, jails; unique ids; `abort2`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::own::{hex, unhex};
use crate::abi::{Errno, Kind, OsAbi, SysResult, write_int};
use crate::host::nr::*;
use crate::os::freebsd::decode::files::{self, parameters};
use crate::os::freebsd::decode::process;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::{Jail, KldSymLookup};
use crate::os::{
    Call,
    Run::Handler,
    Support::{Full, Partial, Stub},
    *,
};
use crate::process::{Action, Signal};

const NO_JAIL: &str = "EINVAL: there is no jail";

crate::syscalls! {
    kenv(what: one_of(&f::KENV), name: STR, value: ArgType::By(|a, _| process::environment(a[0])), len: INT) -> NUM, Partial("what is set is known to the process and what descends from it only"), Handler(environment);
    kldfind(file: STR) -> NUM, Full, Handler(find_file);
    kldnext(fileid: INT) -> NUM, Full, Handler(next_file);
    kldstat(fileid: INT, stat: ArgType::Decoded(Dir::InOut, files::module)) -> NUM, Full, Handler(describe_file);
    kldload(file: PATH) -> NUM, Stub("EPERM, as for all but the superuser"), Handler(|_| Err(Errno::EPERM));
    kldunload(fileid: INT) -> NUM, Stub("EPERM, as for all but the superuser"), Handler(|_| Err(Errno::EPERM));
    kldunloadf(fileid: INT, flags: one_of(&f::KLD_UNLOAD)) -> NUM, Stub("EPERM, as for all but the superuser"), Handler(|_| Err(Errno::EPERM));
    kldsym(fileid: INT, cmd: one_of(&f::KLDSYM), data: input::<KldSymLookup>()) -> NUM, Stub("ENOENT: no symbol is known"), Handler(|_| Err(Errno::ENOENT));
    jail_get(iovp: ArgType::Decoded(Dir::In, parameters), iovcnt: UINT, flags: flags(&f::JAIL)) -> NUM, Stub("ENOENT: there is no jail below the host"), Handler(find_jail);
    jail_attach(jid: INT) -> NUM, Stub(NO_JAIL), Handler(|_| Err(Errno::EINVAL));
    jail_remove(jid: INT) -> NUM, Stub(NO_JAIL), Handler(|_| Err(Errno::EINVAL));
    jail(jail: input::<Jail>()) -> NUM, Stub("EPERM, as for all but the superuser; EINVAL for an unknown version"), Handler(make_jail);
    jail_attach_jd(fd: FD) -> NUM, Stub("EINVAL: no descriptor is a jail's"), Handler(no_jail_descriptor);
    jail_remove_jd(fd: FD) -> NUM, Stub("EINVAL: no descriptor is a jail's"), Handler(no_jail_descriptor);
    exterrctl(op: UINT, flags: HEX, ptr: ADDR) -> NUM, Stub("success: no call has more to say than its error number"), Handler(more_about_errors);
    profil(samples: ADDR, size: SIZE, offset: SIZE, scale: UINT) -> NUM, Partial("accepted, but no samples are taken"), Handler(profile);
    uuidgen(store: ArgType::Decoded(Dir::Out, files::ids), count: INT) -> NUM, Full, Handler(unique_ids);
    abort2(why: STR, nargs: INT, args: ADDR) -> NUM, Full, Handler(abort);
}

fn make_jail(call: &mut Call<'_>) -> SysResult {
    // JAIL_API_VERSION and the one before; 1 never was in a release.
    match call.read_int(call.arg(0), Kind::U32)? {
        0 | 2 => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

fn no_jail_descriptor(call: &mut Call<'_>) -> SysResult {
    const F_GETFD: u64 = 1;
    call.host(SYS_fcntl, [call.arg(0), F_GETFD, 0, 0, 0, 0])?;
    Err(Errno::EINVAL)
}

/// Where the kernel is to say more of an error (`sys/exterrvar.h` of 15): kept unlooked at.
fn more_about_errors(call: &mut Call<'_>) -> SysResult {
    const ENABLE: u64 = 1;
    const DISABLE: u64 = 2;
    const FORCE: u64 = 1;
    const VERSION: u64 = 0x1001_0010;
    let flags = call.arg(1);
    match call.arg(0) {
        ENABLE if flags & !FORCE == 0 => match call.read_int(call.arg(2), Kind::U32)? {
            VERSION => Ok(0),
            _ => Err(Errno::EINVAL),
        },
        DISABLE if flags == 0 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

fn profile(call: &mut Call<'_>) -> SysResult {
    const LARGEST_SCALE: u64 = 1 << 16;
    match call.arg(3) {
        0 => Ok(0),
        scale if scale > LARGEST_SCALE => Err(Errno::EINVAL),
        _ => {
            call.unimplemented("samples");
            Ok(0)
        }
    }
}

/// The kernel's environment as far as this process knows it: empty at the start.
#[derive(Default)]
pub struct Environment(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Environment {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the program that is executed next; empty if nothing is set.
    pub fn to_text(&self) -> String {
        let known = self.lock();
        let items = known
            .iter()
            .map(|(name, value)| hex(name) + "=" + &hex(value));
        items.collect::<Vec<_>>().join(";")
    }

    /// Takes over what [`Environment::to_text`] of the program before has told.
    pub fn inherit(&self, text: &str) {
        let item = |item: &str| {
            let (name, value) = item.split_once('=')?;
            Some((unhex(name)?, unhex(value)?))
        };
        *self.lock() = text.split(';').filter_map(item).collect();
    }
}

fn environment(call: &mut Call<'_>) -> SysResult {
    const GET: i32 = 0;
    const SET: i32 = 1;
    const UNSET: i32 = 2;
    const DUMPS: std::ops::RangeInclusive<i32> = 3..=5;
    /// KENV_MNAMELEN, KENV_MVALLEN
    const LONGEST: usize = 128;
    let what = call.int(0);
    let (value_at, length) = (call.arg(2), call.int(3));
    if !matches!(what, GET | SET | UNSET) && !DUMPS.contains(&what) {
        return Err(Errno::EINVAL);
    }
    let process = call.thread.process.clone();
    let Some(os) = crate::os::freebsd::of_process(&process) else {
        return Err(Errno::ENOSYS);
    };
    let mut known = os.environment.lock();
    if DUMPS.contains(&what) {
        // What the loader and the kernel's configuration have set is nothing.
        let all: Vec<u8> = match what {
            3 => known
                .iter()
                .flat_map(|(name, value)| [name, &b"="[..], value, &[0]].concat())
                .collect(),
            _ => Vec::new(),
        };
        if value_at != 0 {
            let room = usize::try_from(length).unwrap_or(0);
            call.write_bytes(value_at, &all[..all.len().min(room)])?;
        }
        return Ok(all.len() as u64);
    }
    let name = call.read_str(call.arg(1))?.into_bytes();
    if name.len() >= LONGEST {
        return Err(Errno::ENAMETOOLONG);
    }
    let privileged = crate::host::ids().euid == 0;
    match what {
        GET => {
            let value = known.get(&name).ok_or(Errno::ENOENT)?;
            let with_nul = [value, &[0][..]].concat();
            let room = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
            let given = &with_nul[..with_nul.len().min(room)];
            call.write_bytes(value_at, given)?;
            Ok(given.len() as u64)
        }
        _ if !privileged => Err(Errno::EPERM),
        UNSET => known.remove(&name).map(|_| 0).ok_or(Errno::ENOENT),
        _ if length < 1 => Err(Errno::EINVAL),
        _ => {
            let mut value = call.read_str(value_at)?.into_bytes();
            value.truncate((length as usize - 1).min(LONGEST));
            known.insert(name, value);
            Ok(0)
        }
    }
}

/// Id of the one file that is there: the kernel's.
pub(super) const KERNEL: i32 = 1;

fn find_file(call: &mut Call<'_>) -> SysResult {
    let name = call.read_str(call.arg(0))?;
    match name.to_bytes().rsplit(|&b| b == b'/').next() {
        Some(b"kernel") => Ok(KERNEL as u64),
        _ => Err(Errno::ENOENT),
    }
}

fn next_file(call: &mut Call<'_>) -> SysResult {
    match call.int(0) {
        0 => Ok(KERNEL as u64),
        KERNEL => Ok(0),
        _ => Err(Errno::ENOENT),
    }
}

/// `struct kld_file_stat`: version (its size), name[1024], refs, id, address, size, pathname[1024] since version 2.
fn describe_file(call: &mut Call<'_>) -> SysResult {
    const MAXPATHLEN: usize = 1024;
    let a = call.abi;
    let word = usize::from(a.abi.word);
    let at = call.arg(1);
    let address_at = (4 + MAXPATHLEN + 8).next_multiple_of(word);
    let size_1 = address_at + 2 * word;
    let size_2 = size_1 + MAXPATHLEN;
    let version = call.read_int(at, Kind::I32)? as usize;
    if version != size_1 && version != size_2 {
        return Err(Errno::EINVAL);
    }
    if call.int(0) != KERNEL {
        return Err(Errno::ENOENT);
    }
    let mut out = vec![0; version];
    let mut put = |at: usize, kind: Kind, value: u64| write_int(a, kind, &mut out[at..], value);
    put(0, Kind::I32, version as u64);
    put(4 + MAXPATHLEN, Kind::I32, 1);
    put(8 + MAXPATHLEN, Kind::I32, KERNEL as u64);
    let mut text = |at: usize, text: &str| {
        if let Some(to) = out.get_mut(at..at + text.len()) {
            to.copy_from_slice(text.as_bytes());
        }
    };
    text(4, "kernel");
    text(size_1, "/boot/kernel/kernel");
    call.write_bytes(at, &out)?;
    Ok(0)
}

/// Pairs of names and values. Whatever is asked for, the answer from outside of any jail is that there is none; a buffer for the
/// reason gets it.
fn find_jail(call: &mut Call<'_>) -> SysResult {
    const IOV_MAX: u64 = 1024;
    let (at, count) = (call.arg(0), call.arg(1));
    if count % 2 != 0 || count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let word = u64::from(call.abi.abi.word);
    let mut last = false;
    let mut reason = None;
    for n in (0..count).step_by(2) {
        let at = at.wrapping_add(n * 2 * word);
        let field = |i: u64| call.read_int(at.wrapping_add(i * word), Kind::Ulong);
        let (name, value, len) = (field(0)?, field(2)?, field(3)?);
        match call.read_str(name)?.as_bytes() {
            b"lastjid" => last = true,
            b"errmsg" if value != 0 && len != 0 => reason = Some((value, len)),
            _ => {}
        }
    }
    if let Some((at, len)) = reason {
        let text = if last {
            "no jail after it"
        } else {
            "no jail specified"
        };
        let mut text = text.as_bytes().to_vec();
        text.truncate(len as usize - 1);
        text.push(0);
        call.write_bytes(at, &text)?;
    }
    Err(Errno::ENOENT)
}

/// `struct uuid`: a word, two half words, eight bytes. Random ones (RFC 9562, version 4).
fn unique_ids(call: &mut Call<'_>) -> SysResult {
    const MOST: i32 = 2048;
    let (at, count) = (call.arg(0), call.int(1));
    if !(1..=MOST).contains(&count) {
        return Err(Errno::EINVAL);
    }
    for n in 0..count as u64 {
        let mut id = [0u8; 16];
        call.thread.random(&mut id);
        id[7] = id[7] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let id = uuid(call.abi, &id);
        call.write_bytes(at.wrapping_add(16 * n), &id)?;
    }
    Ok(0)
}

/// The numbers of an id, given little-endian, in the guest's order.
fn uuid(a: OsAbi, bytes: &[u8; 16]) -> [u8; 16] {
    let mut out = *bytes;
    if a.abi.endian == crate::abi::Endian::Big {
        out[..4].reverse();
        out[4..6].reverse();
        out[6..8].reverse();
    }
    out
}

/// Ends with SIGABRT, and a word of the program's; the signal cannot be caught.
fn abort(call: &mut Call<'_>) -> SysResult {
    const MOST: i32 = 16;
    // Anything wrong with the arguments makes it SIGKILL, as the program is in no state to be told.
    let bad = !(0..=MOST).contains(&call.int(1)) || call.read_str(call.arg(0)).is_err();
    let signal = if bad {
        Signal::SIGKILL
    } else {
        Signal::SIGABRT
    };
    if !bad {
        let process = call.thread.process.clone();
        process.set_action(signal, Action::default())?;
        let mask = call.thread.signal_mask().without(signal.into());
        call.thread.set_signal_mask(mask);
    }
    let (pid, tid) = (crate::host::pid() as u64, call.thread.tid() as u64);
    call.host(SYS_tgkill, [pid, tid, signal.0.into(), 0, 0, 0])
}
