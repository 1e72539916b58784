//! Files below `/proc` that show the emulator on the host and the guest to the guest.

use crate::abi::{Errno, Signal, SysResult};
use crate::host::nr::*;
use crate::mem::Prot;
use crate::os::Call;
use crate::process::{Action, Process};

/// What the guest reads in `/proc/self/FILE`, if that is a file which the host has another truth for.
pub fn content(process: &Process, file: &[u8]) -> Option<Vec<u8>> {
    match file {
        b"maps" => Some(process.mem.maps()),
        b"smaps" => Some(sizes(process)),
        b"cmdline" => Some(memory(process, process.image()?.args)),
        b"environ" => Some(memory(process, process.image()?.env)),
        b"auxv" => Some(process.image()?.auxv.clone()),
        b"stat" => stat(process),
        b"status" => status(process),
        _ => None,
    }
}

/// Files below `/proc/self` that are about the host's addresses, and of which the guest gets nothing.
pub fn is_of_the_host(file: &[u8]) -> bool {
    matches!(
        file,
        b"mem" | b"pagemap" | b"smaps_rollup" | b"numa_maps" | b"clear_refs"
    )
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

fn memory(process: &Process, (start, end): (u64, u64)) -> Vec<u8> {
    let mut bytes = vec![0; end.saturating_sub(start) as usize];
    // A guest that unmapped its stack reads an empty file, as it would on Linux.
    match process.mem.read(start, &mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// `/proc/self/smaps` as far as it is known: the sizes. What is resident is not counted.
fn sizes(process: &Process) -> Vec<u8> {
    let mut text = Vec::new();
    for region in process.mem.regions() {
        text.extend(region.maps_line());
        let size = (region.end - region.start) / 1024;
        let lines = format!(
            "Size:           {size:8} kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"
        );
        text.extend(lines.into_bytes());
    }
    text
}

/// Bytes that are mapped: all, of the stack, of code, of data that can be written.
fn mapped(process: &Process) -> [u64; 4] {
    let mut sums = [0; 4];
    for region in process.mem.regions() {
        let size = region.end - region.start;
        sums[0] += size;
        if *region.name() == *"[stack]" {
            sums[1] += size;
        } else if region.prot.contains(Prot::EXEC) {
            sums[2] += size;
        } else if region.prot.contains(Prot::WRITE) && !region.shared {
            sums[3] += size;
        }
    }
    sums
}

/// `/proc/self/stat` with the guest's threads, memory and image (fields of proc(5)). Addresses that are not known are 0.
fn stat(process: &Process) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (head, tail) = text.rsplit_once(')')?;
    let mut fields: Vec<String> = tail.split_whitespace().map(str::to_owned).collect();
    let image = process.image()?;
    let ours = [
        (20, process.threads().len() as u64),
        (23, mapped(process)[0]),
        // Start and end of code, the stack's start, stack and instruction pointer.
        (26, 0),
        (27, 0),
        (28, image.stack_pointer),
        (29, 0),
        (30, 0),
        // Start and end of data, start of the heap, arguments, environment.
        (45, 0),
        (46, 0),
        (47, 0),
        (48, image.args.0),
        (49, image.args.1),
        (50, image.env.0),
        (51, image.env.1),
    ];
    for (number, value) in ours {
        // The first field of the tail is number 3.
        *fields.get_mut(number - 3)? = value.to_string();
    }
    Some(format!("{head}) {}\n", fields.join(" ")).into_bytes())
}

/// `/proc/self/status` with the guest's threads, memory and signal actions.
fn status(process: &Process) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let [all, stack, code, data] = mapped(process);
    // As wide as the guest's sigset_t.
    let digits = if process.isa.name().starts_with("mips") {
        32
    } else {
        16
    };
    let signals = |of: &dyn Fn(u64) -> bool| {
        let with = (1..=64)
            .map(Signal)
            .filter(|s| of(process.action(*s).handler));
        let bits = with.map(|s| 1u128 << (process.os.signal_number(s) - 1));
        format!("{:0digits$x}", bits.fold(0, |all, bit| all | bit))
    };
    let lines = text.lines().map(|line| {
        let Some((key, _)) = line.split_once(':') else {
            return line.to_owned();
        };
        let kb = |bytes: u64| format!("{key}:\t{:8} kB", bytes / 1024);
        match key {
            "VmPeak" | "VmSize" => kb(all),
            "VmData" => kb(data),
            "VmStk" => kb(stack),
            "VmExe" => kb(code),
            "VmLib" => kb(0),
            "Threads" => format!("{key}:\t{}", process.threads().len()),
            "SigIgn" => format!("{key}:\t{}", signals(&|h| h == Action::IGNORE)),
            "SigCgt" => format!("{key}:\t{}", signals(&|h| h > Action::IGNORE)),
            _ => line.to_owned(),
        }
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    text.push('\n');
    Some(text.into_bytes())
}
