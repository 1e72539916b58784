//! A file that the guest has opened for the debugger, in another process.

use super::line::Line;
use crate::file::{FileError, FileStat, GuestFile};
use crate::proxy::calls::Call;
use std::sync::Arc;

/// A file that is open in the inferior's process.
pub(super) struct FarFile {
    pub(super) line: Arc<Line>,
    pub(super) file: u32,
}

impl GuestFile for FarFile {
    fn pread(&mut self, buf: &mut [u8], offset: u64) -> std::result::Result<usize, FileError> {
        let (file, len) = (self.file, buf.len());
        let bytes: Vec<u8> = self.line.ask_file(&Call::read_file { file, len, offset })?;
        let n = bytes.len().min(len);
        buf[..n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn pwrite(&mut self, data: &[u8], offset: u64) -> std::result::Result<usize, FileError> {
        let (file, data) = (self.file, data.to_vec());
        self.line.ask_file(&Call::write_file { file, data, offset })
    }

    fn stat(&mut self) -> std::result::Result<FileStat, FileError> {
        self.line
            .ask_file(&Call::stat_open_file { file: self.file })
    }
}

impl Drop for FarFile {
    fn drop(&mut self) {
        // A process that is gone has closed it.
        let _: Option<bool> = self.line.ask(&Call::close_file { file: self.file });
    }
}
