//! Mapping calls and guarded access, on real reservations.

use super::{
    AddressSpace, Backing, Config, Invalidate, Kind, Mapping, MemFault, PAGE_SIZE, Place, Prot,
};
use crate::abi::{Endian, Errno, Signal};
use crate::host::signal::{Disposition, set_action};
use std::sync::{Arc, Mutex};

fn space(addr32: bool) -> AddressSpace {
    for signal in [Signal::SIGSEGV, Signal::SIGBUS] {
        set_action(signal, Disposition::Handle).expect("the host has both");
    }
    AddressSpace::new(Config {
        addr32,
        task_size: if addr32 { 0x7fff_8000 } else { 0 },
        top_byte_ignored: !addr32,
        ..Config::default()
    })
    .expect("room for a reservation")
}

fn map(space: &AddressSpace, place: Place, len: u64, prot: Prot) -> Result<u64, Errno> {
    space.map(&Mapping::anonymous(place, len, prot))
}

fn fault(addr: u64, write: bool, code: i32) -> MemFault {
    MemFault {
        addr,
        write,
        code,
        bus: false,
    }
}

#[test]
fn access_respects_mappings_and_protection() {
    for addr32 in [false, true] {
        let s = space(addr32);
        let a = map(&s, Place::Fixed(0x10000), 2 * PAGE_SIZE, Prot::RW).expect("free");
        s.store(a + 8, Endian::Big, 0x0102_0304u32).expect("mapped");
        assert_eq!(s.load::<u32>(a + 8, Endian::Little), Ok(0x0403_0201));
        s.protect(a + PAGE_SIZE, PAGE_SIZE, Prot::READ)
            .expect("mapped");
        let second = a + PAGE_SIZE;
        assert_eq!(s.write(second, &[1]), Err(fault(second, true, 2)));
        let end = a + 2 * PAGE_SIZE;
        assert_eq!(s.load::<u8>(end, Endian::Little), Err(fault(end, false, 1)));
        // A store across the edge of what is writable leaves nothing behind.
        assert_eq!(s.write(second - 4, &[9; 8]), Err(fault(second, true, 2)));
        assert_eq!(s.load::<u32>(second - 4, Endian::Little), Ok(0));
        // Long copies report where they stopped.
        let mut buf = [0; 64];
        assert_eq!(s.read(end - 8, &mut buf), Err(fault(end, false, 1)));
    }
}

#[test]
fn addresses_outside_of_the_space_fault() {
    let s = space(false);
    for addr in [1 << 46, (1 << 55) + 3] {
        assert_eq!(
            s.load::<u64>(addr, Endian::Little),
            Err(fault(addr, false, 1))
        );
    }
    // The top byte is no part of the address.
    let a = map(&s, Place::Hint(0), PAGE_SIZE, Prot::RW).expect("free");
    s.store(a | 0x5a << 56, Endian::Little, 7u8)
        .expect("mapped");
    assert_eq!(s.load::<u8>(a, Endian::Little), Ok(7));
    let s = space(true);
    assert!(s.load::<u64>(0xffff_fffc, Endian::Little).is_err());
    assert_eq!(
        map(&s, Place::Fixed(0x8000_0000), PAGE_SIZE, Prot::RW),
        Err(Errno::ENOMEM)
    );
}

#[test]
fn placing() {
    let s = space(true);
    let hint = map(&s, Place::Hint(0x5000_0000), PAGE_SIZE, Prot::RW);
    assert_eq!(hint, Ok(0x5000_0000));
    let other = map(&s, Place::Hint(0x5000_0000), PAGE_SIZE, Prot::RW).expect("elsewhere");
    assert_eq!(other, 0x7fff_8000 - PAGE_SIZE);
    assert_eq!(
        map(&s, Place::FixedNoReplace(0x5000_0000), PAGE_SIZE, Prot::RW),
        Err(Errno::EEXIST)
    );
    assert_eq!(map(&s, Place::Hint(0), 0, Prot::RW), Err(Errno::EINVAL));
    assert_eq!(map(&s, Place::Fixed(1), 1, Prot::RW), Err(Errno::EINVAL));
    assert_eq!(
        map(&s, Place::Hint(0), u64::MAX, Prot::RW),
        Err(Errno::ENOMEM)
    );
    assert_eq!(s.unmap(other, 0), Err(Errno::EINVAL));
    s.unmap(other, PAGE_SIZE).expect("mapped");
    assert!(!s.is_mapped(other, 1));
    assert_eq!(s.protect(other, PAGE_SIZE, Prot::RW), Err(Errno::ENOMEM));
}

#[test]
fn the_heap_grows_and_shrinks() {
    let s = space(true);
    s.set_heap_start(0x20_0000);
    assert_eq!(s.brk(0), 0x20_0000);
    assert_eq!(s.brk(0x20_1801), 0x20_1801);
    s.write(0x20_1fff, &[1]).expect("whole pages");
    assert_eq!(s.brk(0x20_0800), 0x20_0800);
    assert!(s.write(0x20_1000, &[1]).is_err());
    assert_eq!(s.brk(0x20_2000), 0x20_2000);
    assert_eq!(
        s.load::<u8>(0x20_1fff, Endian::Little),
        Ok(0),
        "zeroed again"
    );
    map(&s, Place::Fixed(0x20_4000), PAGE_SIZE, Prot::RW).expect("free");
    assert_eq!(s.brk(0x20_5000), 0x20_2000, "something is in the way");
    assert_eq!(s.regions()[0].kind, Kind::Heap);
}

#[test]
fn remap_grows_moves_and_shrinks() {
    let s = space(false);
    let a = map(&s, Place::Fixed(0x100_0000), PAGE_SIZE, Prot::RW).expect("free");
    s.write(a, b"moved").expect("mapped");
    assert_eq!(s.remap(a, PAGE_SIZE, 3 * PAGE_SIZE, false, None), Ok(a));
    s.write(a + 2 * PAGE_SIZE, &[1]).expect("grown");
    map(&s, Place::Fixed(a + 3 * PAGE_SIZE), PAGE_SIZE, Prot::READ).expect("free");
    let stuck = s.remap(a, 3 * PAGE_SIZE, 4 * PAGE_SIZE, false, None);
    assert_eq!(stuck, Err(Errno::ENOMEM));
    let b = s
        .remap(a, 3 * PAGE_SIZE, 4 * PAGE_SIZE, true, None)
        .expect("moves");
    assert_ne!(a, b);
    let mut text = [0; 5];
    s.read(b, &mut text).expect("mapped");
    assert_eq!(&text, b"moved");
    assert_eq!(s.read(a, &mut text), Err(fault(a, false, 1)));
    assert_eq!(s.remap(b, 4 * PAGE_SIZE, PAGE_SIZE, false, None), Ok(b));
    assert!(!s.is_mapped(b + PAGE_SIZE, 1));
    let c = s.remap(b, PAGE_SIZE, PAGE_SIZE, true, Some(0x300_0000));
    assert_eq!(c, Ok(0x300_0000));
    assert_eq!(
        s.remap(1 << 30, PAGE_SIZE, PAGE_SIZE, true, None),
        Err(Errno::EFAULT)
    );
}

#[test]
fn compare_exchange_of_all_sizes() {
    let s = space(false);
    let a = map(&s, Place::Hint(0), PAGE_SIZE, Prot::RW).expect("free");
    for (size, at) in [(1, 3), (2, 6), (4, 12), (8, 16), (16, 32), (16, 56)] {
        let (old, new) = (0, u128::MAX >> (128 - 8 * size));
        assert_eq!(s.compare_exchange(a + at, size, old, new), Ok(old));
        assert_eq!(s.compare_exchange(a + at, size, old, 5), Ok(new));
        assert_eq!(s.compare_exchange(a + at, size, new, 0), Ok(new));
    }
    s.protect(a, PAGE_SIZE, Prot::READ).expect("mapped");
    for size in [1, 2, 4, 8, 16] {
        let denied = s.compare_exchange(a, size, 0, 1);
        assert_eq!(denied, Err(fault(a, true, 2)));
    }
}

#[test]
fn strings_end_at_a_nul_even_before_unmapped_memory() {
    let s = space(false);
    let a = map(&s, Place::Fixed(0x10000), PAGE_SIZE, Prot::RW).expect("free");
    s.write(a + PAGE_SIZE - 4, b"abc\0").expect("mapped");
    assert_eq!(
        s.read_cstr(a + PAGE_SIZE - 4, 100),
        Ok(Some(b"abc".to_vec()))
    );
    s.write(a + PAGE_SIZE - 1, b"d").expect("mapped");
    assert!(s.read_cstr(a + PAGE_SIZE - 4, 100).is_err());
    assert_eq!(s.read_cstr(a + PAGE_SIZE - 4, 4), Ok(None));
}

#[test]
fn forced_access_and_code_changes_are_told() {
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<(u64, u64)>>>);
    impl Invalidate for Told {
        fn invalidate(&self, start: u64, end: u64) {
            self.0.lock().expect("one thread").push((start, end));
        }
    }
    let s = space(false);
    let told = Told::default();
    s.set_code_cache(Box::new(told.clone()));
    let a = map(
        &s,
        Place::Fixed(0x10000),
        2 * PAGE_SIZE,
        Prot::READ | Prot::EXEC,
    )
    .expect("free");
    s.write_forced(a + PAGE_SIZE - 1, &[1, 2]).expect("mapped");
    assert_eq!(s.load::<u16>(a + PAGE_SIZE - 1, Endian::Little), Ok(0x0201));
    assert!(s.write(a, &[1]).is_err(), "still read-only");
    assert!(told.0.lock().expect("one thread").is_empty(), "no code yet");
    s.mark_code(a, a + 8);
    s.invalidate_code(a + 4, a + 8);
    s.protect(a, 2 * PAGE_SIZE, Prot::RW).expect("mapped");
    s.protect(a, PAGE_SIZE, Prot::READ).expect("mapped");
    let all = told.0.lock().expect("one thread").clone();
    assert_eq!(all, [(a + 4, a + 8), (a, a + 2 * PAGE_SIZE)]);
}

#[test]
fn a_file_is_shown_with_its_offset() {
    use std::os::fd::AsRawFd;
    let path = std::env::current_exe().expect("a test has a file");
    let file = std::fs::File::open(&path).expect("readable");
    let s = space(false);
    let named = Arc::new(super::File {
        path,
        dev: 1,
        inode: 2,
    });
    let a = s
        .map(&Mapping {
            backing: Backing::File {
                fd: file.as_raw_fd(),
                offset: 0,
                file: named,
            },
            ..Mapping::anonymous(Place::Hint(0), 2 * PAGE_SIZE, Prot::READ)
        })
        .expect("mapped");
    assert_eq!(s.load::<u32>(a, Endian::Big), Ok(0x7f45_4c46));
    s.unmap(a, PAGE_SIZE).expect("mapped");
    assert_eq!(s.region_at(a + PAGE_SIZE).expect("left").offset, PAGE_SIZE);
}
