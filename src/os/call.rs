//! A system call on its way: arguments, and guest memory in the guest's layout.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Dir, MAX_ARGS, Syscall};
use crate::abi::{Dialect, Errno, GuestStruct, Kind, OsAbi, Show, SysResult, read_int, write_int};
use crate::host;
use crate::ir::Access;
use crate::mem::AddressSpace;
use crate::process::{self, Outcome, Thread, Unimplemented};

/// Longest path, its NUL included (`limits.h`).
const PATH_MAX: usize = 4096;

/// Longest array that a call copies in or out, in bytes. The kernel has limits of this order for each such call.
pub const MAX_COPY: u64 = 64 << 20;

/// A system call that is being made.
pub struct Call<'a> {
    /// The thread that makes it.
    pub thread: &'a mut Thread,
    /// Its row.
    pub row: &'static Syscall,
    /// Its arguments, as the row's types say.
    pub args: [u64; MAX_ARGS],
    /// The guest's ABI.
    pub abi: OsAbi,
    /// As the guest made it.
    pub raw: &'a process::Syscall,
    /// What came of it, where a number or an error doesn't say it.
    pub outcome: Option<Outcome>,
    /// The host's names that are looked up in place of those that the guest gave, by argument: a lookup that has been made already,
    /// as far as the directory of the file ([`Call::name`]).
    pub found: Vec<(usize, CString)>,
}

impl Call<'_> {
    /// Guest memory.
    pub fn mem(&self) -> &AddressSpace {
        &self.thread.process.mem
    }

    /// Guest memory, for use beside the thread.
    pub fn shared_mem(&self) -> Arc<AddressSpace> {
        self.thread.process.mem.clone()
    }

    /// Argument `n`.
    pub fn arg(&self, n: usize) -> u64 {
        self.args[n]
    }

    /// Argument `n`, an `int`.
    pub fn int(&self, n: usize) -> i32 {
        self.args[n] as i32
    }

    /// Argument `n`, flags or a constant of the row's table, in the host's numbering.
    pub fn host_flags(&self, n: usize) -> u64 {
        match self.row.args[n].ty {
            super::ArgType::Value(_, show) => show.convert(self.args[n], self.abi, OsAbi::HOST),
            _ => self.args[n],
        }
    }

    /// The bytes at `addr`.
    pub fn read_bytes(&self, addr: u64, len: u64) -> SysResult<Vec<u8>> {
        if len > MAX_COPY {
            return Err(Errno::ENOMEM);
        }
        let mut bytes = vec![0; len as usize];
        self.mem().read(addr, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes bytes at `addr`.
    pub fn write_bytes(&self, addr: u64, bytes: &[u8]) -> SysResult<()> {
        Ok(self.mem().write(addr, bytes)?)
    }

    /// The integer of that C type at `addr`.
    pub fn read_int(&self, addr: u64, kind: Kind) -> SysResult {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..kind.size(self.abi)];
        self.mem().read(addr, bytes)?;
        Ok(read_int(self.abi, kind, bytes))
    }

    /// Writes an integer of that C type at `addr`.
    pub fn write_int(&self, addr: u64, kind: Kind, value: u64) -> SysResult<()> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..kind.size(self.abi)];
        write_int(self.abi, kind, bytes, value);
        self.write_bytes(addr, bytes)
    }

    /// The structure at `addr`.
    pub fn read_struct<T: GuestStruct>(&self, addr: u64) -> SysResult<T> {
        Ok(T::read(
            self.abi,
            &self.read_bytes(addr, T::DESC.size(self.abi) as u64)?,
        )?)
    }

    /// The structure at `addr`, unless that is null.
    pub fn read_optional<T: GuestStruct>(&self, addr: u64) -> SysResult<Option<T>> {
        match addr {
            0 => Ok(None),
            addr => self.read_struct(addr).map(Some),
        }
    }

    /// Writes a structure at `addr`.
    pub fn write_struct<T: GuestStruct>(&self, addr: u64, value: &T) -> SysResult<()> {
        self.write_bytes(addr, &value.write(self.abi)?)
    }

    /// The string at `addr`.
    ///
    /// # Errors
    /// ENAMETOOLONG if it is longer than a path can be.
    pub fn read_str(&self, addr: u64) -> SysResult<CString> {
        let bytes = self
            .mem()
            .read_cstr(addr, PATH_MAX)?
            .ok_or(Errno::ENAMETOOLONG)?;
        // What is read ends before the first NUL.
        CString::new(bytes).map_err(|_| Errno::EINVAL)
    }

    /// Argument `n`, a path that is looked up.
    pub fn path(&self, n: usize) -> SysResult<CString> {
        match self.found(n) {
            Some(path) => Ok(path),
            None => Ok(self.resolve(self.given_path(n)?)),
        }
    }

    /// Argument `n`, a path as it is to be looked up from its directory.
    pub fn name(&self, n: usize) -> SysResult<CString> {
        match self.found(n) {
            Some(name) => Ok(name),
            None => self.given_path(n),
        }
    }

    /// The path that the guest gives. The host's procfs is Linux's: FreeBSD has nothing there unless its own is mounted, and
    /// programs take what they find for that (Go's profiler does).
    fn given_path(&self, n: usize) -> SysResult<CString> {
        let path = self.read_str(self.args[n])?;
        let linux = self.abi.dialect == Dialect::FreeBsd && path.as_bytes().starts_with(b"/proc/");
        Ok(if linux {
            c"/proc/self/not-mounted".to_owned()
        } else {
            path
        })
    }

    fn found(&self, n: usize) -> Option<CString> {
        let found = self.found.iter().find(|(at, _)| *at == n);
        found.map(|(_, name)| name.clone())
    }

    /// The host path by which a guest's path is looked up: below the prefix if it exists there, and the guest's own program for
    /// `/proc/self/exe`, which on the host is the emulator.
    pub fn resolve(&self, path: CString) -> CString {
        if !path.as_bytes().starts_with(b"/") {
            return path;
        }
        if is_own_proc_file(path.as_bytes(), b"exe") {
            return CString::new(self.thread.process.exe.as_os_str().as_bytes()).unwrap_or(path);
        }
        let Some(prefix) = &self.thread.process.config.prefix else {
            return path;
        };
        let mut below = prefix.as_os_str().as_bytes().to_vec();
        below.extend_from_slice(path.as_bytes());
        let found = PathBuf::from(std::ffi::OsStr::from_bytes(&below));
        match found.symlink_metadata() {
            Ok(_) => CString::new(below).unwrap_or(path),
            Err(_) => path,
        }
    }

    /// What the guest calls a file of the host: one below the prefix by its name there, which [`Call::resolve`] finds again.
    pub fn shown(&self, path: PathBuf) -> PathBuf {
        let prefix = self.thread.process.config.prefix.as_ref();
        let prefix = prefix.and_then(|p| p.canonicalize().ok());
        match prefix.as_ref().and_then(|p| path.strip_prefix(p).ok()) {
            Some(below) => Path::new("/").join(below),
            None => path,
        }
    }

    /// Host address of `len` bytes at `addr`, for the host's kernel; null stays null.
    pub fn host_range(&self, addr: u64, len: u64, write: bool) -> SysResult {
        Ok(self.mem().host_range_or_null(addr, len, write)?)
    }

    /// As [`Call::host_range`], for memory that the host's kernel reads or writes as `dir` says: debuggers may watch it.
    /// `counted`: the result says how many bytes of all that is so lent were used.
    pub fn lend(&self, addr: u64, len: u64, dir: Dir, counted: bool) -> SysResult {
        let host = self.host_range(addr, len, dir.writes())?;
        if host != 0 {
            let access = match (dir.reads(), dir.writes()) {
                (true, true) => Access::READ_WRITE,
                (_, true) => Access::WRITE,
                _ => Access::READ,
            };
            self.mem().lend_to_kernel(addr, len, access, counted);
        }
        Ok(host)
    }

    /// Whether an argument is a descriptor of the emulator's own, which for the guest is not open.
    pub fn names_own_descriptor(&self) -> bool {
        let args = self.row.args.iter().zip(&self.args);
        args.into_iter().any(|(arg, &value)| {
            matches!(arg.ty, super::ArgType::Value(_, Show::Fd | Show::DirFd))
                && host::fd::is_own(value as i32)
        })
    }

    /// Makes a host system call that doesn't wait. Addresses in `args` are the host's.
    pub fn host(&mut self, number: i64, args: [u64; 6]) -> SysResult {
        self.thread.syscall(number, args)
    }

    /// Makes a host system call that may wait.
    pub fn host_wait(&mut self, number: i64, args: [u64; 6]) -> SysResult {
        self.thread.blocking_syscall(number, args)
    }

    /// Tells the user that the guest asked for `what` of this call, which is not implemented.
    pub fn unimplemented(&self, what: &str) {
        self.report_unimplemented(Unimplemented {
            what: what.to_owned(),
            ..Unimplemented::default()
        });
    }

    /// Likewise, with what is known of its size and input.
    pub fn report_unimplemented(&self, what: Unimplemented) {
        self.thread.report_unimplemented(&Unimplemented {
            kind: if what.kind.is_empty() {
                self.row.name
            } else {
                what.kind
            },
            pc: self.raw.pc,
            ..what
        });
    }

    /// The first bytes at `addr`, as many as are there, for [`Unimplemented::input`].
    pub fn peek(&self, addr: u64, len: u64) -> Vec<u8> {
        let mut bytes = vec![0; len.min(32) as usize];
        match self.mem().read(addr, &mut bytes) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }
}

/// Whether a path is `/proc/self/NAME`, by this or another name of the process.
pub fn is_own_proc_file(path: &[u8], name: &[u8]) -> bool {
    own_proc_file(path) == Some(name)
}

/// What a path names below `/proc/self` (`maps` for `/proc/self/maps`), if it is there.
pub fn own_proc_file(path: &[u8]) -> Option<&[u8]> {
    proc_file_of(path, crate::host::pid())
}

/// What a path names below `/proc/PID`, `/proc/self` or `/proc/thread-self`, or in the same way below `/proc/PID/task/TID`, if it
/// is there.
pub fn proc_file_of(path: &[u8], pid: i32) -> Option<&[u8]> {
    let split = |path: &[u8]| path.iter().position(|&b| b == b'/');
    let rest = path.strip_prefix(b"/proc/")?;
    let slash = split(rest)?;
    let (process, file) = (&rest[..slash], &rest[slash + 1..]);
    let own = process == b"self"
        || process == b"thread-self"
        || std::str::from_utf8(process).ok()?.parse() == Ok(pid);
    if !own {
        return None;
    }
    match file.strip_prefix(b"task/") {
        Some(task) => split(task).map(|slash| &task[slash + 1..]),
        None => Some(file),
    }
}

impl From<crate::mem::MemFault> for Errno {
    fn from(_: crate::mem::MemFault) -> Errno {
        Errno::EFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_process_by_all_its_names() {
        let file = |path: &'static str| proc_file_of(path.as_bytes(), 12);
        for path in [
            "/proc/self/maps",
            "/proc/12/maps",
            "/proc/thread-self/maps",
            "/proc/12/task/13/maps",
            "/proc/self/task/12/maps",
        ] {
            assert_eq!(file(path), Some(&b"maps"[..]), "{path}");
        }
        assert_eq!(file("/proc/self/task"), Some(&b"task"[..]));
        for path in [
            "/proc/13/maps",
            "/proc/cpuinfo",
            "/proc/self",
            "/x/self/maps",
            "/proc/self/task/12",
        ] {
            assert_eq!(file(path), None, "{path}");
        }
    }
}
