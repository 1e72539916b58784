//! The rest: sysctl, random numbers, devices, modules.

use crate::abi::{Errno, Kind, SysResult};
use crate::os::freebsd::flags as f;
use crate::os::freebsd::sysctl::{self, shown as values};
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::Handler,
    Support::{Full, Partial, Stub},
    *,
};

/// The room for the old value, then its length.
const OLD_LENGTH: ArgType = ints_of(Dir::InOut, Kind::Ulong, crate::abi::Show::Dec, 1);

crate::syscalls! {
    __sysctl(name: ArgType::Ints(Dir::In, Kind::I32, crate::abi::Show::Mib, Len::Arg(1)), namelen: UINT, old: ArgType::Decoded(Dir::Out, values::old), oldlenp: OLD_LENGTH, new: ArgType::Decoded(Dir::In, values::new), newlen: SIZE) -> NUM, Partial("see --list sysctls"), Handler(sysctl::by_number);
    __sysctlbyname(name: buf_in(1), namelen: SIZE, old: ArgType::Decoded(Dir::Out, values::old_by_name), oldlenp: OLD_LENGTH, new: ArgType::Decoded(Dir::In, values::new_by_name), newlen: SIZE) -> NUM, Partial("see --list sysctls"), Handler(sysctl::by_name);
    syscall(number: INT) -> NUM, Full, Handler(indirect);
    __syscall(number: OFFSET) -> WIDENUM, Full, Handler(indirect);
    getrandom(buf: buf_out(1), buflen: SIZE, flags: flags(&f::GRND)) -> NUM, Full, Handler(random);
    utrace(addr: buf_in(1), len: SIZE) -> NUM, Stub("success, as without ktrace"), Handler(|_| Ok(0));
}

/// Calls whose number is an argument are taken for what they name as they are read (`isa`): one that comes here names another one of
/// its kind, for which the kernel has no more than the answer to a call that is not there.
fn indirect(call: &mut Call<'_>) -> SysResult {
    super::absent::raise_sigsys(call)
}

fn random(call: &mut Call<'_>) -> SysResult {
    const GRND_ALL: u64 = 7;
    if call.arg(2) & !GRND_ALL != 0 {
        return Err(Errno::EINVAL);
    }
    let mut left = call.arg(1);
    let mut at = call.arg(0);
    while left > 0 {
        let mut bytes = vec![0; left.min(65536) as usize];
        call.thread.random(&mut bytes);
        call.write_bytes(at, &bytes)?;
        at += bytes.len() as u64;
        left -= bytes.len() as u64;
    }
    Ok(call.arg(1))
}
