//! Mapping a program's segments.

use super::{Error, Header, Segment};
use crate::mem::{
    AddressSpace, Backing, File as MappedFile, Kind, Mapping, PAGE_SIZE, Place, Prot, page_down,
    page_up,
};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// Maps the segments of `header` and returns the load bias: what is to be added to link-time addresses. A
/// position-independent file goes to `hint` if there is room, or else anywhere.
pub(super) fn place(
    mem: &AddressSpace,
    file: &File,
    path: &Path,
    header: &Header,
    hint: u64,
) -> Result<u64, Error> {
    let (start, end) = header.extent();
    let start = page_down(start);
    let failed = |what: &str, e: crate::abi::Errno| {
        Error::Memory(path.to_path_buf(), format!("{what}: {e}"))
    };
    let Some(end) = page_up(end).filter(|end| *end <= mem.limit()) else {
        return Err(Error::Malformed(
            path.to_path_buf(),
            format!("its segments end at {end:#x}, beyond the guest's address space"),
        ));
    };
    // All of it is reserved first, so that the gaps between segments belong to nobody else and what is in the way shows.
    let place = if header.position_independent {
        Place::Hint(hint)
    } else {
        Place::FixedNoReplace(start)
    };
    let base = mem
        .map(&Mapping::anonymous(place, end - start, Prot::NONE))
        .map_err(|e| {
            failed(
                &format!("no room for its segments at {start:#x}..{end:#x}"),
                e,
            )
        })?;
    let bias = base.wrapping_sub(start);
    mem.unmap(base, end - start)
        .map_err(|e| failed("cannot free the reservation", e))?;

    let meta = file
        .metadata()
        .map_err(|e| Error::Io(path.to_path_buf(), e))?;
    let named = Arc::new(MappedFile {
        path: path.to_path_buf(),
        dev: meta.dev(),
        inode: meta.ino(),
    });
    for segment in &header.segments {
        map_segment(mem, file, &named, segment, bias).map_err(|(what, e)| {
            failed(&format!("{what} of the segment at {:#x}", segment.vaddr), e)
        })?;
    }
    Ok(bias)
}

fn map_segment(
    mem: &AddressSpace,
    file: &File,
    named: &Arc<MappedFile>,
    s: &Segment,
    bias: u64,
) -> Result<(), (&'static str, crate::abi::Errno)> {
    let bit = |pf: u32, prot: Prot| if s.flags & pf != 0 { prot } else { Prot::NONE };
    let prot = bit(4, Prot::READ) | bit(2, Prot::WRITE) | bit(1, Prot::EXEC);
    let vaddr = s.vaddr.wrapping_add(bias);
    let start = page_down(vaddr);
    let file_end = vaddr + s.filesz;
    let file_pages_end = page_up(file_end).unwrap_or(file_end);
    if s.filesz > 0 {
        let mapping = Mapping {
            place: Place::Fixed(start),
            len: file_pages_end - start,
            prot,
            shared: false,
            backing: Backing::File {
                fd: file.as_raw_fd(),
                offset: s.offset - (vaddr - start),
                file: named.clone(),
            },
            host_flags: 0,
        };
        mem.map(&mapping).map_err(|e| ("cannot map the file", e))?;
        // The rest of the last page is .bss; a read-only segment keeps what the file has there, as with Linux.
        if s.memsz > s.filesz && prot.contains(Prot::WRITE) && file_pages_end > file_end {
            let zeroes = [0; PAGE_SIZE as usize];
            mem.write_forced(file_end, &zeroes[..(file_pages_end - file_end) as usize])
                .map_err(|_| ("cannot clear the end", crate::abi::Errno::EFAULT))?;
        }
    }
    let bss_start = if s.filesz > 0 { file_pages_end } else { start };
    let bss_end = page_up(vaddr + s.memsz).unwrap_or(bss_start);
    if bss_end > bss_start {
        let mut bss = Mapping::anonymous(Place::Fixed(bss_start), bss_end - bss_start, prot);
        bss.backing = Backing::Anonymous(Kind::Anonymous);
        mem.map(&bss).map_err(|e| ("cannot map the .bss", e))?;
    }
    Ok(())
}
