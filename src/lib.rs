//! User-mode emulation for people who debug.
//!
//! The layers, lowest first; a lower layer never names a higher one:
//! `host`, `abi`, `ir` → `isa`, `mem` → `jit`, `cpu` → `process` → `loader` → `os` → `debug`, `trace`, `coredump` → `cli`.

pub mod abi;
pub mod cli;
pub mod coredump;
pub mod cpu;
pub mod debug;
pub mod host;
pub mod ir;
pub mod isa;
pub mod jit;
pub mod loader;
pub mod mem;
pub mod os;
pub mod process;
pub mod trace;
