//! What a process has: threads, memory, libraries.

use super::Pid;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Description of one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadInfo {
    /// Its name (`comm`); "" if it has none.
    pub name: String,
    /// What it is doing, in words for `info threads` ("in futex", "stopped"); "" for nothing to say.
    pub state: String,
}

/// Description of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Id of the parent; 0 if unknown.
    pub parent: Pid,
    /// Real user id.
    pub uid: u32,
    /// Real group id.
    pub gid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Effective group id.
    pub egid: u32,
}

/// The arguments that a program is started with, without the program itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartArguments {
    /// Those of the first start.
    Same,
    /// These.
    Words(Vec<Vec<u8>>),
    /// These, as the shell takes them: with quotes, patterns and redirections.
    Shell(String),
}

/// Access rights of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permissions {
    /// Can be read.
    pub read: bool,
    /// Can be written.
    pub write: bool,
    /// Can be executed.
    pub exec: bool,
}

/// A mapping of the guest's address space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRegion {
    /// First address.
    pub start: u64,
    /// First address after it; `u64::MAX` at most.
    pub end: u64,
    /// Access rights.
    pub permissions: Permissions,
    /// Name as the guest's `/proc/self/maps` has it: a path, `[heap]`, `[stack]` or "".
    pub name: String,
    /// Where a mapped file is on the host (the path under the guest's root prefix).
    pub host_path: Option<PathBuf>,
}

/// A loaded library, as the guest's dynamic linker lists it (`struct link_map`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// Path as the guest knows it (`l_name`).
    pub name: String,
    /// Where the file is on the host.
    pub host_path: Option<PathBuf>,
    /// Address of the `link_map`.
    pub link_map: u64,
    /// Difference between addresses in memory and in the file (`l_addr`).
    pub load_bias: u64,
    /// Address of the dynamic section (`l_ld`).
    pub dynamic: u64,
    /// Address of the first segment.
    pub start: u64,
}

/// The libraries of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libraries {
    /// Address of the executable's `link_map`, if the dynamic linker has made one.
    pub main_link_map: Option<u64>,
    /// The libraries, without the executable.
    pub libraries: Vec<Library>,
}

/// Where the executable's parts are, relative to its link addresses (`qOffsets`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionOffsets {
    /// Of the code.
    pub text: u64,
    /// Of the data.
    pub data: u64,
}
