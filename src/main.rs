//! The command line of `emu`.
//!
//! Without the start-up of Rust's runtime, which looks up the bounds of the main thread's stack in `/proc/self/maps`: most of a
//! tenth of a millisecond, for a message about stack overflows that the emulator's own fault handler replaces.

#![cfg_attr(not(test), no_main)]

/// The C runtime's entry; arguments come by way of `std::env`.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    emu::host::prepare();
    let args = std::env::args_os().skip(1).collect();
    std::process::exit(emu::cli::main(args));
}
