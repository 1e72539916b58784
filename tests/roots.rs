//! Guests in a root that they changed to, in which the host's `/proc` is not mounted.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs `edges root` of each ISA in a folder with one file; in a user namespace, where anybody may change the root.
#[test]
fn files_are_mapped_in_a_root_without_proc() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("roots");
    fs::create_dir_all(&folder).expect("a folder under target/tmp");
    let mapped = folder.join("mapped");
    for isa in ["freebsd-aarch64", "freebsd-mips", "freebsd-mipsel"] {
        fs::write(&mapped, "there").expect("a file to map");
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/bin");
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", env!("CARGO_BIN_EXE_emu")])
            .arg(guests.join(isa).join("edges"))
            .arg("root")
            .current_dir(&folder)
            .output()
            .expect("unshare of util-linux");
        let (out, err) = (&output.stdout, &output.stderr);
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(out),
            String::from_utf8_lossy(err)
        );
        assert_eq!(said, "fine\n", "{isa}");
        assert_eq!(fs::read(&mapped).expect("the file"), b"There", "{isa}");
    }
}
