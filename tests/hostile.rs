//! FreeBSD's calls with hostile arguments, made by `tests/guests/free/freebsd/hostile.c`: each has one of FreeBSD's errors, none
//! harms the emulator. The guest looks at what its children do and how they end; here is looked at what `emu` says of itself.
//!
//! A longer run, with other seeds:
//!
//!     EMU_HOSTILE_SEED=7 EMU_HOSTILE_ROUNDS=20 cargo test --test hostile -- --ignored --nocapture

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// A folder that the guest may write to as nobody too, out of reach of what else is in `target`.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder =
            std::env::temp_dir().join(format!("emu-hostile-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("permissions");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The folder's own copy of a program, which nobody can read wherever the checkout lies.
fn copied(from: &Path, folder: &Path) -> PathBuf {
    let to = folder.join(from.file_name().expect("a name"));
    fs::copy(from, &to).expect("copied");
    to
}

fn run(guest: &str, engine: &str, seed: u64, rounds: u64) {
    let folder = Folder::new(&format!("{guest}-{engine}"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("tests/guests/bin").join(guest).join("hostile");
    // A process that another test starts while the copy is written has it open for writing: it could not be executed.
    static STARTING: Mutex<()> = Mutex::new(());
    let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(copied(Path::new(env!("CARGO_BIN_EXE_emu")), &folder.0));
    // Queues, semaphores and segments of System V outlive who makes them, unless they have a namespace of their own, which only the
    // superuser may give them.
    let own_objects = || {
        // SAFETY: a system call without pointers.
        unsafe { libc::unshare(libc::CLONE_NEWIPC) };
        Ok(())
    };
    // SAFETY: that call is all that is done between fork and exec.
    unsafe { command.pre_exec(own_objects) };
    let child = command
        .args(["--engine", engine])
        .arg(copied(&program, &folder.0))
        .args([seed.to_string(), rounds.to_string()])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("emu");
    drop(starting);
    let output = child.wait_with_output().expect("emu");
    // Lines of the guest's own dying, and of what is not implemented, are as they should be.
    let said = String::from_utf8_lossy(&output.stderr);
    let bugs: Vec<&str> = said
        .lines()
        .filter(|l| l.contains("internal error") || l.contains("panicked"))
        .collect();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        bugs.is_empty(),
        "{guest} {engine} {seed}: {bugs:#?}\n{printed}"
    );
    assert!(
        output.status.success() && printed.ends_with("all is well\n"),
        "{guest} {engine} {seed}: {}\n{printed}",
        output.status
    );
}

const GUESTS: [&str; 3] = ["freebsd-aarch64", "freebsd-mips", "freebsd-mipsel"];

#[test]
fn one_round_translated() {
    for guest in GUESTS {
        run(guest, "jit", 1, 1);
    }
}

#[test]
fn one_round_interpreted() {
    for guest in &GUESTS[..2] {
        run(guest, "interp", 2, 1);
    }
}

#[test]
#[ignore = "minutes"]
fn many_rounds() {
    let number = |name: &str, other| {
        std::env::var(name).map_or(other, |text| text.parse().expect("a number"))
    };
    let seed = number("EMU_HOSTILE_SEED", 3);
    let rounds = number("EMU_HOSTILE_ROUNDS", 20);
    for (n, guest) in (0..).zip(GUESTS) {
        for (m, engine) in (0..).zip(["jit", "interp"]) {
            run(guest, engine, seed + 10 * n + m, rounds);
            println!("{guest} {engine}: {rounds} rounds from seed {seed}");
        }
    }
}
