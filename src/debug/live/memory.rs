//! The guest's memory.

use super::Live;
use crate::mem::{Kind, Mapping, PAGE_SIZE, Place, Prot};
use emu_stub::{Error, MemoryRegion, Permissions, Result};

pub(super) fn read(live: &mut Live, addr: u64, buf: &mut [u8]) -> Result<usize> {
    live.stopped()?;
    let mem = &live.process.mem;
    if mem.read(addr, buf).is_ok() {
        return Ok(buf.len());
    }
    // A hole, or pages that the guest itself may not read: page by page.
    let mut done = 0;
    while done < buf.len() {
        let at = addr.wrapping_add(done as u64);
        let step = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(buf.len() - done);
        if mem.read_forced(at, &mut buf[done..done + step]).is_err() {
            break;
        }
        done += step;
    }
    if done == 0 && !buf.is_empty() {
        Err(Error::Fault(addr))
    } else {
        Ok(done)
    }
}

pub(super) fn write(live: &mut Live, addr: u64, data: &[u8]) -> Result<()> {
    live.stopped()?;
    let mem = &live.process.mem;
    // All or nothing: a hole in the middle is found before the first byte is written.
    if !mem.is_mapped(addr, data.len() as u64) {
        return Err(Error::Fault(addr));
    }
    mem.write_forced(addr, data)
        .map_err(|f| Error::Fault(f.addr))
}

pub(super) fn regions(live: &mut Live) -> Result<Vec<MemoryRegion>> {
    let regions = live.process.mem.regions();
    Ok(regions
        .iter()
        .map(|r| MemoryRegion {
            start: r.start,
            end: r.end,
            permissions: Permissions {
                read: r.prot.contains(Prot::READ),
                write: r.prot.contains(Prot::WRITE),
                exec: r.prot.contains(Prot::EXEC),
            },
            name: r.name().to_string_lossy().into_owned(),
            host_path: match &r.kind {
                Kind::File(f) => Some(f.path.clone()),
                _ => None,
            },
        })
        .collect())
}

pub(super) fn allocate(live: &mut Live, size: u64, p: Permissions) -> Result<u64> {
    live.stopped()?;
    let bit = |on: bool, prot: Prot| if on { prot } else { Prot::NONE };
    let prot = bit(p.read, Prot::READ) | bit(p.write, Prot::WRITE) | bit(p.exec, Prot::EXEC);
    let mapping = Mapping::anonymous(Place::Hint(0), size.max(1), prot);
    let addr = live
        .process
        .mem
        .map(&mapping)
        .map_err(|e| Error::Failed(format!("no memory for {size} bytes: {e}")))?;
    live.allocated.insert(addr, size.max(1));
    Ok(addr)
}

pub(super) fn deallocate(live: &mut Live, addr: u64) -> Result<()> {
    live.stopped()?;
    let size = live.allocated.remove(&addr).ok_or(Error::Invalid(format!(
        "{addr:#x} was not allocated for the debugger"
    )))?;
    live.process
        .mem
        .unmap(addr, size)
        .map_err(|e| Error::Failed(e.to_string()))
}
