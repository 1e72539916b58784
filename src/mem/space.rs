//! The reservation and the calls that map into it.

use super::code::CodeTracker;
use super::region::Regions;
use super::watch::Watch;
use super::{File, Kind, MemFault, PAGE_SIZE, Prot, Region, access, page_down, page_up};
use crate::abi::Errno;
use crate::host::map;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where 64-bit guests live in the host's address space: well below the emulator itself, at a round number, so that guest
/// addresses are easy to recognise in host addresses.
const BASE_64: u64 = 1 << 44;
/// Sizes to try for a 64-bit guest, largest first; RLIMIT_AS may refuse the larger ones.
const SIZES_64: [u64; 5] = [1 << 45, 1 << 42, 1 << 40, 1 << 38, 1 << 36];
/// What a 32-bit guest can address.
const SIZE_32: u64 = 1 << 32;
/// Reserved after the last address, so that an access that starts below the end cannot leave the reservation.
const GUARD: u64 = 64 * 1024;
/// Lowest address that is given to a mapping without a fixed address, as `vm.mmap_min_addr` has it by default.
const MIN_ADDR: u64 = 0x10000;
/// Kept free below the main stack (the kernel's `stack_guard_gap`).
const STACK_GAP: u64 = 256 * PAGE_SIZE;

/// What kind of address space a guest has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// Addresses are 32 bits wide.
    pub addr32: bool,
    /// First address that user space cannot map (the kernel's TASK_SIZE); 0 for all of the reservation.
    pub task_size: u64,
    /// The top byte of an address is ignored (AArch64 TBI).
    pub top_byte_ignored: bool,
    /// Host address of guest address 0; chosen if `None`.
    pub base: Option<u64>,
    /// Bytes to reserve; as large as possible if `None`.
    pub size: Option<u64>,
}

/// Where a mapping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere, but here if it is free; 0 for no wish.
    Hint(u64),
    /// Exactly here, replacing what is there (MAP_FIXED).
    Fixed(u64),
    /// Exactly here, or EEXIST (MAP_FIXED_NOREPLACE).
    FixedNoReplace(u64),
}

/// What a mapping shows.
#[derive(Clone, Debug)]
pub enum Backing {
    /// Zeroes.
    Anonymous(Kind),
    /// A file, by host descriptor.
    File {
        /// Open descriptor; not needed after the call.
        fd: i32,
        /// Offset in bytes, a multiple of the page size.
        offset: u64,
        /// Name for the region list.
        file: Arc<File>,
    },
    /// A System V shared memory segment, whole; the mapping's length must be its size.
    Segment {
        /// The segment's id.
        id: i32,
        /// Name for the region list.
        file: Arc<File>,
    },
}

/// A request for a mapping.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Where.
    pub place: Place,
    /// Length in bytes; rounded up to pages.
    pub len: u64,
    /// The guest's access.
    pub prot: Prot,
    /// MAP_SHARED rather than MAP_PRIVATE.
    pub shared: bool,
    /// What.
    pub backing: Backing,
    /// Further flags of the host's `mmap` (MAP_NORESERVE, MAP_POPULATE, MAP_LOCKED, MAP_HUGETLB, MAP_SYNC), or `shmat`.
    pub host_flags: i32,
}

impl Mapping {
    /// Private anonymous memory.
    pub fn anonymous(place: Place, len: u64, prot: Prot) -> Mapping {
        Mapping {
            place,
            len,
            prot,
            shared: false,
            backing: Backing::Anonymous(Kind::Anonymous),
            host_flags: 0,
        }
    }
}

#[derive(Default)]
struct Layout {
    regions: Regions,
    /// Start of the heap and its present end, not rounded.
    brk: (u64, u64),
}

/// A guest's memory. Shared by all threads of a process.
pub struct AddressSpace {
    pub(super) base: u64,
    /// Bytes of guest addresses in the reservation.
    pub(super) size: u64,
    /// First address that cannot be mapped.
    limit: u64,
    /// Bits of an address that count.
    pub(super) addr_mask: u64,
    layout: Mutex<Layout>,
    /// Grows with every change of the layout.
    generation: AtomicU64,
    pub(super) code: CodeTracker,
    pub(super) watch: Watch,
}

impl AddressSpace {
    /// Reserves an address space.
    ///
    /// # Errors
    /// The host's error if not even the smallest size could be reserved (`ulimit -v`), or EINVAL for a size or base that is
    /// not a multiple of the page size.
    pub fn new(config: Config) -> Result<AddressSpace, Errno> {
        access::register_fixups();
        if [config.base, config.size]
            .into_iter()
            .flatten()
            .any(|v| v % PAGE_SIZE != 0)
        {
            return Err(Errno::EINVAL);
        }
        let sizes: &[u64] = match (&config.size, config.addr32) {
            (Some(size), _) => std::slice::from_ref(size),
            (None, true) => &[SIZE_32],
            (None, false) => &SIZES_64,
        };
        let mut error = Errno::ENOMEM;
        for &size in sizes {
            let wish = match (config.base, config.addr32) {
                (Some(base), _) => Some(base),
                (None, true) => None,
                (None, false) => Some(BASE_64),
            };
            let mut reserved = map::reserve(wish, size + GUARD);
            if reserved.is_err() && config.base.is_none() && wish.is_some() {
                reserved = map::reserve(None, size + GUARD);
            }
            match reserved {
                Ok(base) => {
                    let limit = match config.task_size {
                        0 => size,
                        task_size => task_size.min(size),
                    };
                    return Ok(AddressSpace {
                        base,
                        size,
                        limit,
                        addr_mask: match (config.addr32, config.top_byte_ignored) {
                            (true, _) => u64::from(u32::MAX),
                            (false, true) => u64::MAX >> 8,
                            (false, false) => u64::MAX,
                        },
                        layout: Mutex::default(),
                        generation: AtomicU64::new(1),
                        code: CodeTracker::default(),
                        watch: Watch::default(),
                    });
                }
                Err(e) => error = e,
            }
        }
        Err(error)
    }

    /// Host address of guest address 0 ([`crate::ir::CpuState::guest_base`]).
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Host addresses that the reservation takes (start, length in bytes), guard included.
    pub fn host_extent(&self) -> (u64, u64) {
        (self.base, self.size + GUARD)
    }

    /// First guest address that cannot be mapped (TASK_SIZE).
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Grows with every change of the layout.
    pub fn map_generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn layout(&self) -> MutexGuard<'_, Layout> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `action` with no mapping call of another thread under way: for fork, whose child must find the lock free.
    pub fn with_layout_locked<R>(&self, action: impl FnOnce() -> R) -> R {
        let _layout = self.layout();
        let _pages = self.code.lock();
        action()
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The region that holds `addr`.
    pub fn region_at(&self, addr: u64) -> Option<Region> {
        self.layout().regions.at(addr & self.addr_mask).cloned()
    }

    /// The region that holds `addr`, or the first one above it.
    pub fn region_at_or_after(&self, addr: u64) -> Option<Region> {
        self.layout().regions.at_or_after(addr).cloned()
    }

    /// Every region, lowest first.
    pub fn regions(&self) -> Vec<Region> {
        self.layout().regions.iter().cloned().collect()
    }

    /// The text of `/proc/PID/maps`.
    pub fn maps(&self) -> Vec<u8> {
        self.layout()
            .regions
            .iter()
            .flat_map(Region::maps_line)
            .collect()
    }

    /// Whether all of `len` bytes from `addr` are mapped.
    pub fn is_mapped(&self, addr: u64, len: u64) -> bool {
        addr.checked_add(len)
            .is_some_and(|end| self.layout().regions.covers(addr, end))
    }

    /// The bounds of the executable region that holds `addr`.
    pub fn executable_at(&self, addr: u64) -> Option<(u64, u64)> {
        let layout = self.layout();
        let r = layout.regions.at(addr)?;
        r.prot.contains(Prot::EXEC).then_some((r.start, r.end))
    }

    /// Maps memory; returns its guest address.
    ///
    /// # Errors
    /// As mmap(2): EINVAL, ENOMEM, EEXIST, and what the host's mmap gives (EACCES, ENODEV, EAGAIN ...).
    pub fn map(&self, request: &Mapping) -> Result<u64, Errno> {
        if request.len == 0 {
            return Err(Errno::EINVAL);
        }
        let len = page_up(request.len)
            .filter(|&len| len <= self.limit)
            .ok_or(Errno::ENOMEM)?;
        if let Backing::File { offset, .. } = request.backing {
            if offset % PAGE_SIZE != 0 {
                return Err(Errno::EINVAL);
            }
            offset.checked_add(len).ok_or(Errno::EOVERFLOW)?;
        }
        let mut layout = self.layout();
        let start = match request.place {
            Place::Hint(hint) => self
                .find_free(&layout.regions, hint, len)
                .ok_or(Errno::ENOMEM)?,
            Place::Fixed(addr) | Place::FixedNoReplace(addr) => {
                if addr % PAGE_SIZE != 0 {
                    return Err(Errno::EINVAL);
                }
                if addr > self.limit - len {
                    return Err(Errno::ENOMEM);
                }
                if matches!(request.place, Place::FixedNoReplace(_))
                    && !layout.regions.is_free(addr, addr + len)
                {
                    return Err(Errno::EEXIST);
                }
                addr
            }
        };
        let (kind, fd, offset) = match &request.backing {
            Backing::Anonymous(kind) => (kind.clone(), -1, 0),
            Backing::File { fd, offset, file } => (Kind::File(file.clone()), *fd, *offset),
            Backing::Segment { file, .. } => (Kind::File(file.clone()), -1, 0),
        };
        let at = self.base + start;
        if let Backing::Segment { id, .. } = request.backing {
            map::attach_segment(id, at, request.host_flags)?;
        } else {
            map::map_fixed_shared(
                at,
                len,
                request.prot.host(),
                request.shared,
                request.host_flags,
                fd,
                offset,
            )?;
        }
        layout.regions.insert(Region {
            start,
            end: start + len,
            prot: request.prot,
            shared: request.shared,
            kind,
            offset,
        });
        self.changed();
        drop(layout);
        self.invalidate_code(start, start + len);
        Ok(start)
    }

    /// Unmaps `len` bytes from `addr` (munmap).
    ///
    /// # Errors
    /// EINVAL for an unaligned address, no length, or a range outside of user space.
    pub fn unmap(&self, addr: u64, len: u64) -> Result<(), Errno> {
        let end = self.page_range(addr, len)?;
        let mut layout = self.layout();
        self.unmap_locked(&mut layout, addr, end)?;
        drop(layout);
        self.invalidate_code(addr, end);
        Ok(())
    }

    fn unmap_locked(&self, layout: &mut Layout, start: u64, end: u64) -> Result<(), Errno> {
        if layout.regions.is_free(start, end) {
            return Ok(());
        }
        map::clear(self.base + start, end - start)?;
        layout.regions.remove(start, end);
        self.changed();
        Ok(())
    }

    /// End of the pages in `addr`, `len`, checked as munmap does.
    fn page_range(&self, addr: u64, len: u64) -> Result<u64, Errno> {
        if !addr.is_multiple_of(PAGE_SIZE) || len == 0 {
            return Err(Errno::EINVAL);
        }
        page_up(len)
            .and_then(|len| addr.checked_add(len))
            .filter(|&end| end <= self.limit)
            .ok_or(Errno::EINVAL)
    }

    /// Changes access (mprotect).
    ///
    /// # Errors
    /// EINVAL for an unaligned address; ENOMEM if something in the range is not mapped (what lies before it has been changed);
    /// EACCES for a shared mapping of a file that is not open for writing.
    pub fn protect(&self, addr: u64, len: u64, prot: Prot) -> Result<(), Errno> {
        if !addr.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        if len == 0 {
            return Ok(());
        }
        let end = self.page_range(addr, len).map_err(|_| Errno::ENOMEM)?;
        let mut layout = self.layout();
        let mut at = addr;
        let mut parts = layout.regions.remove(addr, end);
        let mut result = Ok(());
        for r in &mut parts {
            if r.start != at {
                result = Err(Errno::ENOMEM);
                break;
            }
            if let Err(e) = map::protect(self.base + r.start, r.len(), prot.host()) {
                result = Err(e);
                break;
            }
            r.prot = prot;
            at = r.end;
        }
        if at != end && result.is_ok() {
            result = Err(Errno::ENOMEM);
        }
        for r in parts {
            layout.regions.insert(r);
        }
        self.changed();
        drop(layout);
        self.invalidate_code(addr, at);
        result
    }

    /// Resizes or moves a mapping (mremap). `old_len` 0 duplicates a shared mapping.
    ///
    /// # Errors
    /// As mremap(2): EINVAL, EFAULT if the old range is not one mapping, ENOMEM.
    pub fn remap(
        &self,
        old: u64,
        old_len: u64,
        new_len: u64,
        may_move: bool,
        fixed: Option<u64>,
    ) -> Result<u64, Errno> {
        let new_len = page_up(new_len).filter(|&l| l != 0).ok_or(Errno::EINVAL)?;
        let old_len = page_up(old_len).ok_or(Errno::EINVAL)?;
        if !old.is_multiple_of(PAGE_SIZE) || (fixed.is_some() && !may_move) {
            return Err(Errno::EINVAL);
        }
        let old_end = old.checked_add(old_len).ok_or(Errno::EINVAL)?;
        let mut layout = self.layout();
        let region = layout.regions.at(old).cloned().ok_or(Errno::EFAULT)?;
        if old_end > region.end {
            return Err(Errno::EFAULT);
        }
        if old_len == 0 && !(region.shared && may_move) {
            return Err(Errno::EINVAL);
        }
        let grown = |start: u64| Region {
            start,
            end: start + new_len,
            offset: match region.kind {
                Kind::File(_) => region.offset + (old - region.start),
                _ => 0,
            },
            ..region.clone()
        };
        if fixed.is_none() && old_len != 0 {
            if new_len <= old_len {
                if new_len < old_len {
                    self.unmap_locked(&mut layout, old + new_len, old_end)?;
                    drop(layout);
                    self.invalidate_code(old + new_len, old_end);
                }
                return Ok(old);
            }
            let new_end = old.checked_add(new_len).ok_or(Errno::ENOMEM)?;
            if old_end == region.end
                && new_end <= self.limit
                && layout.regions.is_free(old_end, new_end)
                && map::grow(self.base + old, old_len, new_len).is_ok()
            {
                layout.regions.insert(grown(old));
                self.changed();
                return Ok(old);
            }
            if !may_move {
                return Err(Errno::ENOMEM);
            }
        }
        let new = match fixed {
            Some(new) => {
                let end = new.checked_add(new_len).filter(|&e| e <= self.limit);
                if new % PAGE_SIZE != 0 || end.is_none_or(|end| new < old_end && old < end) {
                    return Err(Errno::EINVAL);
                }
                new
            }
            None => self
                .find_free(&layout.regions, 0, new_len)
                .ok_or(Errno::ENOMEM)?,
        };
        map::move_fixed(self.base + old, old_len, self.base + new, new_len)?;
        if old_len != 0 {
            // The move left a hole in the reservation.
            map::clear(self.base + old, old_len)?;
            layout.regions.remove(old, old_end);
        }
        layout.regions.insert(grown(new));
        self.changed();
        drop(layout);
        self.invalidate_code(old, old_end);
        self.invalidate_code(new, new + new_len);
        Ok(new)
    }

    /// A free range of `len` bytes: at `hint` if possible, else as high as possible.
    fn find_free(&self, regions: &Regions, hint: u64, len: u64) -> Option<u64> {
        let hint = page_down(hint);
        if hint >= MIN_ADDR
            && hint <= self.limit.checked_sub(len)?
            && regions.is_free(hint, hint + len)
        {
            return Some(hint);
        }
        let mut end = self.limit;
        loop {
            let start = end.checked_sub(len).filter(|&s| s >= MIN_ADDR)?;
            match regions.below(end) {
                Some(r) if r.end > start => {
                    end = match r.kind {
                        Kind::Stack => r.start.checked_sub(STACK_GAP)?,
                        _ => r.start,
                    };
                }
                _ => return Some(start),
            }
        }
    }

    /// Sets where the heap starts: after the program's last segment.
    pub fn set_heap_start(&self, addr: u64) {
        self.layout().brk = (addr, addr);
    }

    /// Moves the end of the heap to `new` if that is possible; returns where it ends now (brk, which has no error).
    pub fn brk(&self, new: u64) -> u64 {
        let mut layout = self.layout();
        let (heap_start, old) = layout.brk;
        if new < heap_start || new > self.limit {
            return old;
        }
        let (Some(old_end), Some(new_end)) = (page_up(old), page_up(new)) else {
            return old;
        };
        if new_end > old_end {
            if !layout.regions.is_free(old_end, new_end) {
                return old;
            }
            let (addr, len) = (self.base + old_end, new_end - old_end);
            if map::map_fixed_shared(addr, len, Prot::RW.host(), false, 0, -1, 0).is_err() {
                return old;
            }
            layout.regions.insert(Region {
                start: old_end,
                end: new_end,
                prot: Prot::RW,
                shared: false,
                kind: Kind::Heap,
                offset: 0,
            });
            self.changed();
        } else if self.unmap_locked(&mut layout, new_end, old_end).is_err() {
            return old;
        }
        layout.brk.1 = new;
        drop(layout);
        self.invalidate_code(new_end.min(old_end), old_end);
        new
    }

    /// The heap: where it starts and ends.
    pub fn heap(&self) -> (u64, u64) {
        self.layout().brk
    }

    /// Runs `access` on the page of `addr` with at least that access, whatever the guest's is.
    pub(super) fn with_access(
        &self,
        addr: u64,
        write: bool,
        access: impl FnOnce() -> Result<(), MemFault>,
    ) -> Result<(), MemFault> {
        let need = if write { Prot::RW } else { Prot::READ };
        let page = self.base + page_down(addr);
        let lacking = self
            .region_at(addr)
            .filter(|r| r.prot.host() & need.host() != need.host());
        let Some(region) = lacking else {
            return access();
        };
        if map::protect(page, PAGE_SIZE, need.host()).is_err() {
            return access();
        }
        let result = access();
        // Fails only when the kernel is out of memory for mappings; the guest then keeps more access than it should.
        let _ = map::protect(page, PAGE_SIZE, region.prot.host());
        result
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        map::release(self.base, self.size + GUARD);
    }
}
