//! How the binary is linked: for a quick start, as most guests run for milliseconds.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // At a fixed address: the tables of the disassemblers hold some 50,000 pointers, and relocating them in a
    // position-independent program costs more than all else that a short run of a guest does (1.5 ms, 480 page faults).
    println!("cargo:rustc-link-arg-bins=-no-pie");
    if let Some(folder) = unwinder_inside() {
        println!("cargo:rustc-link-arg-bins=-L{}", folder.display());
    }
}

/// A folder where the linker finds the unwinder as a part of the program, instead of in a library that the dynamic linker has to
/// load and initialise (0.1 ms); `None` where the compiler brings no such thing.
fn unwinder_inside() -> Option<PathBuf> {
    let found = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    // The bare name if there is no such file.
    let archive = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim_end());
    if !archive.is_absolute() {
        return None;
    }
    let folder = Path::new(&std::env::var_os("OUT_DIR")?).join("unwinder");
    std::fs::create_dir_all(&folder).ok()?;
    // A linker script under the name that Rust's standard library asks for.
    let script = format!("INPUT({})\n", archive.display());
    std::fs::write(folder.join("libgcc_s.so"), script).ok()?;
    Some(folder)
}
