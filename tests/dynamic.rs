//! Dynamically linked programs of FreeBSD: `-L` finds the interpreter and the files that it opens, and what the kernel hands over is
//! what a dynamic linker relies on. The linker is one of our own (`tests/guests/dynamic/rtld.c`), which checks just that.

use std::path::Path;
use std::process::Command;

fn start(isa: &str, engine: &str) {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/guests/dynamic/bin")
        .join(isa);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dynamic-{isa}-{engine}"));
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(root.join("libexec")).expect("a folder under target/tmp");
    std::fs::create_dir_all(root.join("lib")).expect("a folder");
    let linker = "ld-elf.so.1";
    std::fs::copy(programs.join(linker), root.join("libexec").join(linker)).expect("copy");
    std::fs::write(root.join("lib/libthing.so.1"), "library").expect("write");
    let output = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["--engine", engine, "-L"])
        .arg(&root)
        .arg(programs.join("program"))
        .arg("argument")
        .output()
        .expect("emu");
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        printed, "ld-elf.so.1: all is as it should be\nprogram: entered\n",
        "{isa}, {engine}: {said}"
    );
    assert_eq!(output.status.code(), Some(5), "{isa}, {engine}: {said}");
}

#[test]
fn aarch64() {
    start("aarch64", "jit");
    start("aarch64", "interp");
}

#[test]
fn mips() {
    start("mips", "jit");
    start("mips", "interp");
}

#[test]
fn mipsel() {
    start("mipsel", "jit");
    start("mipsel", "interp");
}
