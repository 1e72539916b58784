//! Where logs and traces go: standard error, or the file of `-D`.

use super::{Failure, Options};
use crate::host;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// A sink that threads share. Each piece of text is written at once, so that pieces are whole and in order with the guest's own
/// output.
#[derive(Clone)]
pub(super) struct Log(Arc<Mutex<Option<File>>>);

impl Log {
    /// The sink that the options ask for.
    ///
    /// # Errors
    /// The file of `-D` cannot be made.
    pub(super) fn open(options: &Options) -> Result<Log, Failure> {
        let file = match &options.log_file {
            None => None,
            Some(path) => {
                let file = host::fd::raised(|| {
                    // Appended to, as the emulator starts anew for each program that the guest executes.
                    File::options().append(true).create(true).open(path)
                });
                Some(file.map_err(|e| Failure {
                    text: format!("-D {}: {e}", path.display()),
                    status: 1,
                })?)
            }
        };
        Ok(Log(Arc::new(Mutex::new(file))))
    }

    /// Writes `text`.
    pub(super) fn write(&self, text: &str) {
        // A full disk or a closed terminal must not end the guest.
        let _ = self.try_write(text.as_bytes());
    }

    fn try_write(&self, text: &[u8]) -> std::io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        host::without_sigpipe(|| match &mut *file {
            Some(file) => file.write_all(text),
            None => std::io::stderr().write_all(text),
        })
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.try_write(text)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
