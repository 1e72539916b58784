//! Modules of the kernel: those of GENERIC whose services the emulator has. Programs look for them before they use these services.

use crate::abi::{Errno, Kind, SysResult};
use crate::os::freebsd::structs::ModuleStat;
use crate::os::{
    Call,
    Run::Handler,
    Support::{Full, Partial},
    *,
};

const SOME: &str = "the modules whose services are there";

crate::syscalls! {
    modfind(name: STR) -> NUM, Partial(SOME), Handler(find);
    modnext(modid: INT) -> NUM, Partial(SOME), Handler(next);
    modfnext(modid: INT) -> NUM, Partial(SOME), Handler(next);
    modstat(modid: INT, stat: inout::<ModuleStat>()) -> NUM, Full, Handler(describe);
    kldfirstmod(fileid: INT) -> NUM, Partial(SOME), Handler(first_of_file);
}

/// By their ids, which begin with 1 (`DECLARE_MODULE` in `sys/kern`).
const MODULES: [&str; 5] = ["aio", "sem", "sysvmsg", "sysvsem", "sysvshm"];

fn name_of(id: i32) -> SysResult<&'static str> {
    let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
    let name = index.and_then(|n| MODULES.get(n).copied());
    name.ok_or(Errno::ENOENT)
}

fn find(call: &mut Call<'_>) -> SysResult {
    let name = call.read_str(call.arg(0))?;
    let at = MODULES.iter().position(|m| m.as_bytes() == name.as_bytes());
    Ok(at.ok_or(Errno::ENOENT)? as u64 + 1)
}

/// 0 asks for the first one, and answers that there is no other.
fn next(call: &mut Call<'_>) -> SysResult {
    let id = call.int(0);
    if id != 0 {
        name_of(id)?;
    }
    match name_of(id + 1) {
        Ok(_) => Ok(id as u64 + 1),
        Err(_) => Ok(0),
    }
}

fn first_of_file(call: &mut Call<'_>) -> SysResult {
    match call.int(0) {
        super::kernel::KERNEL => Ok(1),
        _ => Err(Errno::ENOENT),
    }
}

/// Fills `struct module_stat` (`sys/module.h`), which tells its size by its version; the first one had no data of the module's.
fn describe(call: &mut Call<'_>) -> SysResult {
    const NAME_MAX: usize = 32;
    const FIRST_SIZE: u64 = 44;
    let name = name_of(call.int(0))?;
    let at = call.arg(1);
    let size =
        (FIRST_SIZE + u64::from(call.abi.abi.word)).next_multiple_of(call.abi.abi.word.into());
    let version = call.read_int(at, Kind::I32)?;
    if version != size && version != FIRST_SIZE {
        return Err(Errno::EINVAL);
    }
    let mut text = name.as_bytes().to_vec();
    text.resize(NAME_MAX, 0);
    call.write_bytes(at.wrapping_add(4), &text)?;
    let numbers = at.wrapping_add(4 + NAME_MAX as u64);
    call.write_int(numbers, Kind::I32, 1)?;
    call.write_int(numbers.wrapping_add(4), Kind::I32, call.arg(0))?;
    if version == size {
        let data = at.wrapping_add(size - u64::from(call.abi.abi.word));
        call.write_int(data, Kind::Long, 0)?;
    }
    Ok(0)
}
