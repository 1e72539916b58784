//! Another terminal for the guest, as long as a full-screen view has its own.

use super::Live;
use crate::host;
use emu_stub::{Error, Result};
use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// A terminal that the guest has for a time.
pub(super) struct Lent {
    device: u64,
    /// The descriptors that are it, and what they were.
    replaced: Vec<(i32, OwnedFd)>,
}

/// `O_NOCTTY` on x86-64.
const O_NOCTTY: i32 = 0o400;

pub(super) fn set(live: &mut Live, path: Option<&Path>) -> Result<()> {
    if let Some(lent) = live.terminal.take() {
        give_back(lent);
    }
    let Some(path) = path else { return Ok(()) };
    let failed = |e: std::io::Error| Error::Failed(format!("{}: {e}", path.display()));
    let terminal = host::fd::raised(|| {
        let mut how = File::options();
        how.read(true).write(true).custom_flags(O_NOCTTY);
        how.open(path)
    })
    .map_err(failed)?;
    let mut replaced = Vec::new();
    let standard = [
        host::fd::duplicate(std::io::stdin().as_fd()),
        host::fd::duplicate(std::io::stdout().as_fd()),
        host::fd::duplicate(std::io::stderr().as_fd()),
    ];
    for (fd, old) in (0..).zip(standard) {
        // The guest may have closed it.
        let Ok(old) = old else { continue };
        if old.is_terminal() {
            host::fd::replace(fd, terminal.as_fd()).map_err(failed)?;
            replaced.push((fd, old));
        } else {
            host::fd::forget(old.as_raw_fd());
        }
    }
    live.terminal = Some(Lent {
        device: terminal.metadata().map_err(failed)?.rdev(),
        replaced,
    });
    host::fd::forget(terminal.as_raw_fd());
    Ok(())
}

/// Gives back what the descriptors were, of those that still are the terminal: the guest may have made something else of them.
fn give_back(lent: Lent) {
    for (fd, old) in lent.replaced {
        let now = std::fs::metadata(format!("/proc/self/fd/{fd}"));
        if now.is_ok_and(|now| now.rdev() == lent.device) {
            // It was open before; nothing better can be done.
            let _ = host::fd::replace(fd, old.as_fd());
        }
        host::fd::forget(old.as_raw_fd());
    }
}
