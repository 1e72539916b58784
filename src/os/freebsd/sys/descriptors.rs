//! What becomes of descriptors: calls that copy or close them, for those who keep something about a descriptor that the host does
//! not know.

use super::net::quiet;
use super::{aio, capsicum, kqueue, procdesc};
use crate::os::{Call, MAX_ARGS};

/// Descriptors from `first` to `last` are about to be closed.
pub(super) fn closing(call: &Call<'_>, first: i32, last: i32) {
    // The child of a vfork has descriptors of its own.
    if !call.thread.is_vfork_child() {
        aio::closing(call, first, last);
        kqueue::closed_range(call, first, last);
    }
}

/// A call with these arguments of the guest's has been made and returned this.
pub(in crate::os::freebsd) fn after(call: &mut Call<'_>, given: &[u64; MAX_ARGS], result: u64) {
    let (old, new) = (given[0] as i32, result as i32);
    match call.row.name {
        "dup" => copied(call, old, new),
        "dup2" if old != given[1] as i32 => copied(call, old, given[1] as i32),
        // F_DUPFD, F_DUP2FD and theirs with close-on-exec.
        "fcntl" if matches!(given[1], 0 | 10 | 17 | 18) && old != new => copied(call, old, new),
        // What is opened from a descriptor is limited as it is.
        "openat" if !call.found.is_empty() => capsicum::copied(call, old, new),
        "accept" | "accept4" => {
            capsicum::copied(call, old, new);
            quiet::copied(call, old, new);
        }
        "close" => closed(call, old, old),
        "freebsd12_closefrom" => closed(call, old, i32::MAX),
        "close_range" if given[2] == 0 => {
            let last = given[1].min(i32::MAX as u64);
            closed(call, old, last as i32);
        }
        _ => {}
    }
}

fn copied(call: &mut Call<'_>, old: i32, new: i32) {
    // What `new` was is closed.
    closed(call, new, new);
    capsicum::copied(call, old, new);
    procdesc::copied(call, old, new);
    quiet::copied(call, old, new);
}

fn closed(call: &mut Call<'_>, first: i32, last: i32) {
    capsicum::closed(call, first, last);
    procdesc::closed(call, first, last);
    quiet::closed(call, first, last);
}
