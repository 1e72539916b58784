//! What generated code needs of the host: executable memory, the base of `gs`, CPU features.

use crate::abi::Errno;
use std::arch::asm;
use std::cell::Cell;
use std::sync::OnceLock;

/// Maps `len` bytes that can be written and executed, private to the process: a forked child gets its own copy, which a memory
/// file mapped twice would not give. Pages are taken when touched. Returns the host address.
pub fn map_code(len: usize) -> Result<u64, Errno> {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let p = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if p == libc::MAP_FAILED {
        Err(super::last_errno())
    } else {
        Ok(p as u64)
    }
}

/// Gives pages of a code mapping their memory at once, which costs a tenth of one fault for each. Only a hint: kernels before
/// 5.14 don't know it.
pub fn populate(addr: u64, len: usize) {
    // SAFETY: changes no content; a range that is not mapped fails.
    unsafe { libc::madvise(addr as *mut _, len, libc::MADV_POPULATE_WRITE) };
}

/// Unmaps what [`map_code`] gave.
///
/// # Safety
/// Nothing executes or points there any more.
pub unsafe fn unmap_code(addr: u64, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { libc::munmap(addr as *mut _, len) };
}

/// HWCAP2_FSGSBASE: the kernel lets user mode use `wrgsbase` (`asm/hwcap2.h`).
const HWCAP2_FSGSBASE: u64 = 2;
/// ARCH_SET_GS (`asm/prctl.h`).
const ARCH_SET_GS: u64 = 0x1001;

thread_local! {
    /// What this thread last set; a new thread inherits its creator's base, so that nothing is assumed at first.
    static GS_BASE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Sets the base address of `gs` in the calling thread. Neither Rust nor libc uses `gs` on x86-64.
pub fn set_gs_base(base: u64) -> Result<(), Errno> {
    if GS_BASE.get() == Some(base) {
        return Ok(());
    }
    static FSGSBASE: OnceLock<bool> = OnceLock::new();
    let instruction = *FSGSBASE.get_or_init(|| {
        // SAFETY: reads the auxiliary vector.
        unsafe { libc::getauxval(libc::AT_HWCAP2) & HWCAP2_FSGSBASE != 0 }
    });
    if instruction {
        // SAFETY: the kernel has enabled the instruction; `gs` is not used by anything else.
        unsafe { asm!("wrgsbase {}", in(reg) base, options(nostack, preserves_flags)) };
    } else {
        super::syscall(libc::SYS_arch_prctl, [ARCH_SET_GS, base, 0, 0, 0, 0])?;
    }
    GS_BASE.set(Some(base));
    Ok(())
}

/// Whether the CPU has instructions for SHA-1 and SHA-256, which generated code uses where they are.
pub fn has_sha() -> bool {
    std::arch::is_x86_feature_detected!("sha")
}

/// The CPU features that generated code uses and this machine lacks.
pub fn missing_features() -> Vec<&'static str> {
    let mut missing = Vec::new();
    macro_rules! need {
        ($($name:tt)*) => { $(if !std::arch::is_x86_feature_detected!($name) { missing.push($name); })* };
    }
    need!("sse4.2" "avx" "avx2" "bmi1" "bmi2" "fma" "lzcnt" "movbe" "popcnt" "cmpxchg16b" "aes" "pclmulqdq");
    missing
}
