//! Calls that are traced with their arguments but not carried out. Types are those of `syscalls.master` of FreeBSD 13.2.

use crate::os::{Support::Missing, *};

crate::syscalls! {
    ptrace(req: INT, pid: INT, addr: ADDR, data: INT) -> NUM, Missing, Run::Missing;
    thr_create(ctx: ADDR, id: ADDR, flags: INT) -> NUM, Missing, Run::Missing;
}
