//! Guarded access to guest memory.
//!
//! The loads and stores are assembly routines whose program counters are known. When one faults, the host's handler puts a
//! description of the fault in `rax` and `rdx` and resumes at the routine's way out (see [`crate::host::fault`]); so an
//! access needs no lock and no look at the region list, and cannot be fooled by a mapping that another thread removes.

use super::{AddressSpace, MemFault, PAGE_SIZE, page_down};
use crate::abi::{Abi, Endian};
use crate::host::fault::{self, Fixup, GuardedResult};
use crate::ir::{Access, Memory};
use crate::isa::{CodeSource, FetchFault};
use std::arch::global_asm;
use std::sync::{Arc, Mutex, PoisonError};

// Each routine returns the value in rax and 0 in rdx; the fault handler sets both when it resumes at a way out.
global_asm!(
    ".pushsection .text.emu_guarded,\"ax\",@progbits",
    ".globl emu_guarded_begin, emu_guarded_end, emu_guarded_out",
    ".globl emu_load1, emu_load2, emu_load4, emu_load8",
    ".globl emu_store1, emu_store2, emu_store4, emu_store8",
    ".globl emu_copy, emu_copy16, emu_touch",
    ".globl emu_cas1, emu_cas2, emu_cas4, emu_cas8",
    ".globl emu_cas16, emu_cas16_end, emu_cas16_out",
    "emu_guarded_begin:",
    "emu_load1: xor edx, edx",
    "movzx eax, byte ptr [rdi]",
    "ret",
    "emu_load2: xor edx, edx",
    "movzx eax, word ptr [rdi]",
    "ret",
    "emu_load4: xor edx, edx",
    "mov eax, dword ptr [rdi]",
    "ret",
    "emu_load8: xor edx, edx",
    "mov rax, qword ptr [rdi]",
    "ret",
    "emu_store1: xor edx, edx",
    "mov byte ptr [rdi], sil",
    "ret",
    "emu_store2: xor edx, edx",
    "mov word ptr [rdi], si",
    "ret",
    "emu_store4: xor edx, edx",
    "mov dword ptr [rdi], esi",
    "ret",
    "emu_store8: xor edx, edx",
    "mov qword ptr [rdi], rsi",
    "ret",
    // (to, from, length)
    "emu_copy: mov rcx, rdx",
    "rep movsb",
    "xor edx, edx",
    "ret",
    // (to, from): one 16-byte access, so that an aligned one is not torn on hosts with AVX.
    "emu_copy16: xor edx, edx",
    "movups xmm0, [rsi]",
    "movups [rdi], xmm0",
    "ret",
    // Checks that a byte can be written, without changing it.
    "emu_touch: xor edx, edx",
    "lock or byte ptr [rdi], 0",
    "ret",
    // (address, expected, new)
    "emu_cas1: mov rax, rsi",
    "mov rcx, rdx",
    "xor edx, edx",
    "lock cmpxchg byte ptr [rdi], cl",
    "ret",
    "emu_cas2: mov rax, rsi",
    "mov rcx, rdx",
    "xor edx, edx",
    "lock cmpxchg word ptr [rdi], cx",
    "ret",
    "emu_cas4: mov rax, rsi",
    "mov rcx, rdx",
    "xor edx, edx",
    "lock cmpxchg dword ptr [rdi], ecx",
    "ret",
    "emu_cas8: mov rax, rsi",
    "mov rcx, rdx",
    "xor edx, edx",
    "lock cmpxchg qword ptr [rdi], rcx",
    "ret",
    "emu_guarded_end:",
    "emu_guarded_out: ret",
    // (address, &mut expected, &new); `expected` becomes what was there.
    "emu_cas16: mov r9, rbx",
    "mov r10, rdx",
    "mov rax, [rsi]",
    "mov rdx, [rsi + 8]",
    "mov rbx, [r10]",
    "mov rcx, [r10 + 8]",
    "lock cmpxchg16b [rdi]",
    "mov [rsi], rax",
    "mov [rsi + 8], rdx",
    "mov rbx, r9",
    "xor edx, edx",
    "ret",
    "emu_cas16_end:",
    "emu_cas16_out: mov rbx, r9",
    "ret",
    ".popsection",
);

unsafe extern "sysv64" {
    static emu_guarded_begin: u8;
    static emu_guarded_end: u8;
    static emu_guarded_out: u8;
    static emu_cas16_end: u8;
    static emu_cas16_out: u8;
    fn emu_load1(addr: u64) -> GuardedResult;
    fn emu_load2(addr: u64) -> GuardedResult;
    fn emu_load4(addr: u64) -> GuardedResult;
    fn emu_load8(addr: u64) -> GuardedResult;
    fn emu_store1(addr: u64, value: u64) -> GuardedResult;
    fn emu_store2(addr: u64, value: u64) -> GuardedResult;
    fn emu_store4(addr: u64, value: u64) -> GuardedResult;
    fn emu_store8(addr: u64, value: u64) -> GuardedResult;
    fn emu_copy(to: u64, from: u64, len: u64) -> GuardedResult;
    fn emu_copy16(to: u64, from: u64) -> GuardedResult;
    fn emu_touch(addr: u64) -> GuardedResult;
    fn emu_cas1(addr: u64, expected: u64, new: u64) -> GuardedResult;
    fn emu_cas2(addr: u64, expected: u64, new: u64) -> GuardedResult;
    fn emu_cas4(addr: u64, expected: u64, new: u64) -> GuardedResult;
    fn emu_cas8(addr: u64, expected: u64, new: u64) -> GuardedResult;
    fn emu_cas16(addr: u64, expected: *mut u128, new: *const u128) -> GuardedResult;
}

/// Registers the routines' ways out with the host's fault handler.
pub(super) fn register_fixups() {
    let at = |p: &'static u8| p as *const u8 as u64;
    // SAFETY: the symbols are labels of the assembly above; only their addresses are taken.
    let fixups = unsafe {
        [
            Fixup {
                start: at(&emu_guarded_begin),
                end: at(&emu_guarded_end),
                out: at(&emu_guarded_out),
            },
            Fixup {
                start: emu_cas16 as *const () as u64,
                end: at(&emu_cas16_end),
                out: at(&emu_cas16_out),
            },
        ]
    };
    fault::set_fixups(fixups);
}

/// An integer in guest memory.
pub trait Scalar: Copy {
    /// Its bytes.
    type Bytes: AsRef<[u8]> + AsMut<[u8]> + Default;

    /// From bytes in that order.
    fn from_bytes(bytes: Self::Bytes, endian: Endian) -> Self;

    /// To bytes in that order.
    fn to_bytes(self, endian: Endian) -> Self::Bytes;
}

macro_rules! scalars {
    ($($ty:ty)*) => {$(
        impl Scalar for $ty {
            type Bytes = [u8; size_of::<$ty>()];

            fn from_bytes(bytes: Self::Bytes, endian: Endian) -> Self {
                match endian {
                    Endian::Little => <$ty>::from_le_bytes(bytes),
                    Endian::Big => <$ty>::from_be_bytes(bytes),
                }
            }

            fn to_bytes(self, endian: Endian) -> Self::Bytes {
                match endian {
                    Endian::Little => self.to_le_bytes(),
                    Endian::Big => self.to_be_bytes(),
                }
            }
        }
    )*};
}

scalars! { u8 u16 u32 u64 i8 i16 i32 i64 }

impl AddressSpace {
    /// Host address of `addr`, if `len` bytes from there lie in the space (mapped or not).
    #[inline]
    fn host(&self, addr: u64, len: u64, write: bool) -> Result<u64, MemFault> {
        let addr = addr & self.addr_mask;
        match addr.checked_add(len) {
            Some(end) if end <= self.size => Ok(self.base + addr),
            _ => Err(MemFault {
                addr,
                write,
                code: fault::SEGV_MAPERR,
                bus: false,
            }),
        }
    }

    /// The host address of `len` bytes at guest address `addr`, for a system call that reads or writes them (`write`) itself:
    /// the kernel answers EFAULT where nothing is mapped. Fails only outside the address space.
    pub fn host_range(&self, addr: u64, len: u64, write: bool) -> Result<u64, MemFault> {
        self.host(addr, len, write)
    }

    /// As [`AddressSpace::host_range`], but a null pointer stays null: for optional arguments.
    pub fn host_range_or_null(&self, addr: u64, len: u64, write: bool) -> Result<u64, MemFault> {
        if addr == 0 {
            Ok(0)
        } else {
            self.host(addr, len, write)
        }
    }

    #[inline]
    fn check(&self, result: GuardedResult, write: bool) -> Result<u64, MemFault> {
        if result.fault == 0 {
            Ok(result.value)
        } else {
            Err(self.describe_fault(result, write))
        }
    }

    #[cold]
    fn describe_fault(&self, result: GuardedResult, write: bool) -> MemFault {
        let addr = result.value.wrapping_sub(self.base);
        let (code, bus) = result.code();
        MemFault {
            addr,
            write,
            code: self.fault_code(addr, code, bus),
            bus,
        }
    }

    /// The `si_code` that the guest sees: to the host everything unmapped is a reservation without access.
    pub fn fault_code(&self, addr: u64, host_code: i32, bus: bool) -> i32 {
        if bus {
            host_code
        } else if self.region_at(addr).is_some() {
            fault::SEGV_ACCERR
        } else {
            fault::SEGV_MAPERR
        }
    }

    /// Copies guest memory at `addr` to `buf`. On a fault the content of `buf` is unspecified.
    #[inline]
    pub fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault> {
        self.note_access(addr, buf.len() as u64, Access::READ);
        self.read_unnoted(addr, buf)
    }

    #[inline]
    fn read_unnoted(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault> {
        let from = self.host(addr, buf.len() as u64, false)?;
        let to = buf.as_mut_ptr() as u64;
        // SAFETY: guarded routines; `from` lies in the reservation and `buf` is as long as what is copied to it.
        let result = unsafe {
            match buf.len() {
                4 => {
                    let r = emu_load4(from);
                    buf.copy_from_slice(&(r.value as u32).to_le_bytes());
                    r
                }
                8 => {
                    let r = emu_load8(from);
                    buf.copy_from_slice(&r.value.to_le_bytes());
                    r
                }
                1 => {
                    let r = emu_load1(from);
                    buf[0] = r.value as u8;
                    r
                }
                2 => {
                    let r = emu_load2(from);
                    buf.copy_from_slice(&(r.value as u16).to_le_bytes());
                    r
                }
                16 => emu_copy16(to, from),
                0 => return Ok(()),
                _ => emu_copy(to, from, buf.len() as u64),
            }
        };
        self.check(result, false).map(drop)
    }

    /// Copies `data` to guest memory at `addr`. On a fault, bytes before the faulting page have been written if `data` is
    /// longer than 16 bytes; shorter data is written whole or not at all.
    ///
    /// Translations of the memory are not discarded: the ISAs ask for explicit maintenance. See
    /// [`AddressSpace::invalidate_code`].
    #[inline]
    pub fn write(&self, addr: u64, data: &[u8]) -> Result<(), MemFault> {
        let len = data.len() as u64;
        let to = self.host(addr, len, true)?;
        self.note_access(addr, len, Access::WRITE);
        // SAFETY: guarded routines; `to` lies in the reservation.
        let result = unsafe {
            if (2..=16).contains(&len) && (to % PAGE_SIZE) + len > PAGE_SIZE {
                self.check(emu_touch(to), true)?;
                // The first byte of the second page: the address that a fault names.
                self.check(emu_touch(page_down(to + len - 1)), true)?;
            }
            match *data {
                [a, b, c, d] => emu_store4(to, u32::from_le_bytes([a, b, c, d]).into()),
                [a, b, c, d, e, f, g, h] => {
                    emu_store8(to, u64::from_le_bytes([a, b, c, d, e, f, g, h]))
                }
                [a] => emu_store1(to, a.into()),
                [a, b] => emu_store2(to, u16::from_le_bytes([a, b]).into()),
                [] => return Ok(()),
                _ if len == 16 => emu_copy16(to, data.as_ptr() as u64),
                _ => emu_copy(to, data.as_ptr() as u64, len),
            }
        };
        self.check(result, true).map(drop)
    }

    /// Writes past the guest's protection, for the debugger and the loader: a page that is mapped but not writable is made so
    /// for the moment. Only while no other guest thread runs, or before any does. Discards translations.
    pub fn write_forced(&self, addr: u64, data: &[u8]) -> Result<(), MemFault> {
        let addr = addr & self.addr_mask;
        self.host(addr, data.len() as u64, true)?;
        let mut done = 0;
        while done < data.len() {
            let at = addr + done as u64;
            let step = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(data.len() - done);
            self.with_access(at, true, || self.write(at, &data[done..done + step]))?;
            done += step;
        }
        self.invalidate_code(addr, addr + data.len() as u64);
        Ok(())
    }

    /// Reads past the guest's protection (a mapped page without read access), for debuggers and core files. Only while no other
    /// guest thread runs.
    pub fn read_forced(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault> {
        let addr = addr & self.addr_mask;
        self.host(addr, buf.len() as u64, false)?;
        let mut done = 0;
        while done < buf.len() {
            let at = addr + done as u64;
            let step = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(buf.len() - done);
            let part = &mut buf[done..done + step];
            self.with_access(at, false, || self.read(at, part))?;
            done += step;
        }
        Ok(())
    }

    /// Reads an integer.
    #[inline]
    pub fn load<T: Scalar>(&self, addr: u64, endian: Endian) -> Result<T, MemFault> {
        let mut bytes = T::Bytes::default();
        self.read(addr, bytes.as_mut())?;
        Ok(T::from_bytes(bytes, endian))
    }

    /// Writes an integer.
    #[inline]
    pub fn store<T: Scalar>(&self, addr: u64, endian: Endian, value: T) -> Result<(), MemFault> {
        self.write(addr, value.to_bytes(endian).as_ref())
    }

    /// Reads a `long` or pointer of that ABI, zero-extended.
    pub fn load_word(&self, addr: u64, abi: Abi) -> Result<u64, MemFault> {
        if abi.is_32bit() {
            self.load::<u32>(addr, abi.endian).map(u64::from)
        } else {
            self.load(addr, abi.endian)
        }
    }

    /// Writes the low bits of `value` as a `long` or pointer of that ABI.
    pub fn store_word(&self, addr: u64, abi: Abi, value: u64) -> Result<(), MemFault> {
        if abi.is_32bit() {
            self.store(addr, abi.endian, value as u32)
        } else {
            self.store(addr, abi.endian, value)
        }
    }

    /// Reads a string up to its NUL, which is not returned. `Ok(None)`: no NUL in the first `max` bytes.
    pub fn read_cstr(&self, addr: u64, max: usize) -> Result<Option<Vec<u8>>, MemFault> {
        let mut text = Vec::new();
        while text.len() < max {
            let at = addr.wrapping_add(text.len() as u64);
            // Not past the page: what follows the NUL may be unmapped.
            let step = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(max - text.len());
            let start = text.len();
            // Short first: most strings are.
            let step = step.min(if start == 0 { 256 } else { 4096 });
            text.resize(start + step, 0);
            self.read_unnoted(at, &mut text[start..])?;
            if let Some(nul) = text[start..].iter().position(|&b| b == 0) {
                text.truncate(start + nul);
                self.note_access(addr, text.len() as u64 + 1, Access::READ);
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// [`Memory::compare_exchange`], for every thread's view.
    pub fn compare_exchange(
        &self,
        addr: u64,
        size: usize,
        expected: u128,
        new: u128,
    ) -> Result<u128, MemFault> {
        let to = self.host(addr, size as u64, true)?;
        self.note_access(addr, size as u64, Access::READ_WRITE);
        if size == 16 && to % 16 != 0 {
            return self.compare_exchange_unaligned16(addr, to, expected, new);
        }
        let (e, n) = (expected as u64, new as u64);
        let mut seen = expected;
        // SAFETY: guarded routines; `to` lies in the reservation, and is aligned for cmpxchg16b.
        let result = unsafe {
            match size {
                1 => emu_cas1(to, e, n),
                2 => emu_cas2(to, e, n),
                4 => emu_cas4(to, e, n),
                8 => emu_cas8(to, e, n),
                _ => emu_cas16(to, &mut seen, &new),
            }
        };
        let value = self.check(result, true)?;
        Ok(match size {
            1 => u128::from(value as u8),
            2 => u128::from(value as u16),
            4 => u128::from(value as u32),
            8 => u128::from(value),
            _ => seen,
        })
    }

    /// The host has no unaligned 16-byte compare and swap; guests that allow one get it atomic among each other only.
    fn compare_exchange_unaligned16(
        &self,
        addr: u64,
        to: u64,
        expected: u128,
        new: u128,
    ) -> Result<u128, MemFault> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: guarded routines; `to` and the 15 bytes after it lie in the reservation.
        unsafe {
            self.check(emu_touch(to), true)?;
            self.check(emu_touch(to + 15), true)?;
        }
        let mut bytes = [0; 16];
        self.read(addr, &mut bytes)?;
        let seen = u128::from_le_bytes(bytes);
        if seen == expected {
            self.write(addr, &new.to_le_bytes())?;
        }
        Ok(seen)
    }
}

/// One thread's view of guest memory, as engines take it.
#[derive(Clone)]
pub struct View {
    space: Arc<AddressSpace>,
    /// Executable addresses found by the last fetch, and the space's map generation then.
    exec: (u64, u64, u64),
}

impl View {
    /// A view of that space.
    pub fn new(space: Arc<AddressSpace>) -> View {
        View {
            space,
            exec: (0, 0, 0),
        }
    }

    fn fetch<const N: usize>(&mut self, pc: u64) -> Result<[u8; N], FetchFault> {
        let mut bytes = [0; N];
        self.fetch_ahead(pc, &mut bytes).map(|()| bytes)
    }
}

impl CodeSource for View {
    fn fetch32(&mut self, pc: u64) -> Result<u32, FetchFault> {
        self.fetch(pc).map(u32::from_le_bytes)
    }

    fn fetch16(&mut self, pc: u64) -> Result<u16, FetchFault> {
        self.fetch(pc).map(u16::from_le_bytes)
    }

    fn fetch_ahead(&mut self, pc: u64, buf: &mut [u8]) -> Result<(), FetchFault> {
        let last = pc.checked_add(buf.len() as u64 - 1).ok_or(FetchFault)?;
        let generation = self.space.map_generation();
        for addr in [last, pc] {
            let (start, end, at) = self.exec;
            if at != generation || !(start..end).contains(&addr) {
                let (start, end) = self.space.executable_at(addr).ok_or(FetchFault)?;
                self.exec = (start, end, generation);
            }
        }
        self.space.read(pc, buf).map_err(|_| FetchFault)
    }
}

impl Memory for View {
    #[inline]
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault> {
        self.space.read(addr, buf)
    }

    #[inline]
    fn write(&mut self, addr: u64, data: &[u8]) -> Result<(), MemFault> {
        self.space.write(addr, data)
    }

    fn compare_exchange(
        &mut self,
        addr: u64,
        size: usize,
        expected: u128,
        new: u128,
    ) -> Result<u128, MemFault> {
        self.space.compare_exchange(addr, size, expected, new)
    }

    fn fence(&mut self) {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    }
}
