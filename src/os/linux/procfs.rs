//! Files below `/proc` that show the emulator on the host and the guest to the guest.

use crate::abi::{Errno, SysResult};
use crate::host::nr::*;
use crate::os::Call;

/// What the guest reads in `/proc/self/FILE`, if that is a file which the host has another truth for.
pub fn content(call: &Call<'_>, file: &[u8]) -> Option<Vec<u8>> {
    match file {
        b"maps" => Some(call.mem().maps()),
        b"cmdline" => Some(memory(call, call.thread.process.image()?.args)),
        b"environ" => Some(memory(call, call.thread.process.image()?.env)),
        b"auxv" => Some(call.thread.process.image()?.auxv.clone()),
        b"stat" => stat(call),
        _ => None,
    }
}

/// What the guest reads in a file of the whole machine.
pub fn system_file(call: &Call<'_>, path: &[u8]) -> Option<Vec<u8>> {
    match path {
        b"/proc/cpuinfo" => Some((super::isa_of(call.thread).cpuinfo)(cpus()).into_bytes()),
        _ => None,
    }
}

/// Opens such content as a file.
pub fn open(call: &mut Call<'_>, text: &[u8], flags: u64) -> SysResult {
    const O_ACCMODE: u64 = 3;
    const O_CLOEXEC: u64 = 0x8_0000;
    const MFD_CLOEXEC: u64 = 1;
    if flags & O_ACCMODE != 0 {
        return Err(Errno::EACCES);
    }
    let close = if flags & O_CLOEXEC != 0 {
        MFD_CLOEXEC
    } else {
        0
    };
    let name = c"proc";
    let fd = call.host(SYS_memfd_create, [name.as_ptr() as u64, close, 0, 0, 0, 0])?;
    let args = [fd, text.as_ptr() as u64, text.len() as u64, 0, 0, 0];
    let written = call.host(SYS_write, args)?;
    debug_assert_eq!(written, text.len() as u64);
    call.host(SYS_lseek, [fd, 0, 0, 0, 0, 0])?;
    Ok(fd)
}

/// Number of CPUs that the guest is told of: those that the host's scheduler gives it.
fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn memory(call: &Call<'_>, (start, end): (u64, u64)) -> Vec<u8> {
    let mut bytes = vec![0; end.saturating_sub(start) as usize];
    // A guest that unmapped its stack reads an empty file, as it would on Linux.
    match call.mem().read(start, &mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// `/proc/self/stat` with the guest's stack: field 28 is where it starts (proc(5)).
fn stat(call: &Call<'_>) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (head, tail) = text.rsplit_once(')')?;
    let mut fields: Vec<String> = tail.split_whitespace().map(str::to_owned).collect();
    let image = call.thread.process.image()?;
    // The first field of the tail is number 3.
    *fields.get_mut(28 - 3)? = image.stack_pointer.to_string();
    Some(format!("{head}) {}\n", fields.join(" ")).into_bytes())
}
