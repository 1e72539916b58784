//! A flag that can be polled: how an inferior tells a front end that it has stopped.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Mutex;

/// A flag with a descriptor that polls as readable while the flag is set. Any thread may set or clear it.
#[derive(Debug)]
pub struct Notifier {
    reader: PipeReader,
    /// The flag, held together with the pipe that mirrors it so that the two cannot disagree.
    state: Mutex<(bool, PipeWriter)>,
}

impl Notifier {
    /// A flag that is not set. Fails if the process is out of descriptors.
    pub fn new() -> io::Result<Notifier> {
        let (reader, writer) = io::pipe()?;
        Ok(Notifier::over(reader, writer))
    }

    /// A flag that is not set, over the two ends of an empty pipe.
    pub fn over(reader: PipeReader, writer: PipeWriter) -> Notifier {
        Notifier {
            reader,
            state: Mutex::new((false, writer)),
        }
    }

    /// Sets the flag.
    pub fn set(&self) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        // One byte in an empty pipe whose reader we own: cannot block, cannot fail.
        if !state.0 && state.1.write_all(&[1]).is_ok() {
            state.0 = true;
        }
    }

    /// Clears the flag; says whether it was set.
    pub fn clear(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        let was = state.0;
        if was && (&self.reader).read_exact(&mut [0]).is_ok() {
            state.0 = false;
        }
        was
    }
}

impl AsFd for Notifier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_twice_needs_one_clear() {
        let n = Notifier::new().unwrap();
        assert!(!n.clear());
        n.set();
        n.set();
        assert!(n.clear());
        assert!(!n.clear());
    }
}
