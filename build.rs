//! Links the binary at a fixed address: the tables of the disassemblers hold some 50,000 pointers, and relocating them in a
//! position-independent program costs more than all else that a short run of a guest does (1.5 ms, 480 page faults).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-no-pie");
}
