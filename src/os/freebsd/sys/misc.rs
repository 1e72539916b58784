//! The rest: sysctl, random numbers, devices, modules.

use crate::abi::{Errno, Kind, SysResult};
use crate::os::freebsd::sysctl;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::Handler,
    Support::{Full, Partial, Stub},
    *,
};

crate::syscalls! {
    __sysctl(name: ArgType::Ints(Dir::In, Kind::I32, crate::abi::Show::Mib, Len::Arg(1)), namelen: UINT, old: ADDR, oldlenp: ADDR, new: ADDR, newlen: SIZE) -> NUM, Partial("see --list sysctls"), Handler(sysctl::by_number);
    __sysctlbyname(name: buf_in(1), namelen: SIZE, old: ADDR, oldlenp: ADDR, new: ADDR, newlen: SIZE) -> NUM, Partial("see --list sysctls"), Handler(sysctl::by_name);
    syscall(number: INT) -> NUM, Full, Handler(indirect);
    __syscall(number: OFFSET) -> WIDENUM, Full, Handler(indirect);
    getrandom(buf: ADDR, buflen: SIZE, flags: HEX) -> NUM, Full, Handler(random);
    utrace(addr: ADDR, len: SIZE) -> NUM, Stub("success, as without ktrace"), Handler(|_| Ok(0));
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
