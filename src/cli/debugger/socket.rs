//! The file of a unix socket, which goes away with who listens.

use super::*;

/// A unix socket's file, which is removed when the process ends that has it.
pub(super) struct SocketFile {
    path: PathBuf,
    /// The process, or 0 for none.
    owner: AtomicI32,
}

impl SocketFile {
    pub(super) fn new(path: PathBuf) -> SocketFile {
        SocketFile {
            path,
            owner: AtomicI32::new(host::pid()),
        }
    }

    fn is_ours(&self) -> bool {
        self.owner.load(SeqCst) == host::pid()
    }

    /// The file, while it is this process's.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.is_ours().then(|| self.path.clone())
    }

    /// Another process has it now.
    pub(super) fn leave(&self) {
        self.owner.store(0, SeqCst);
    }

    pub(super) fn remove(&self) {
        if self.is_ours() {
            // Best effort: whoever removed it first has done our work.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Observer for SocketFile {
    fn process_exit(&self, _: &mut Thread, _: End) {
        self.remove();
    }
}
