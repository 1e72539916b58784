//! `kern.ipc`: System V objects of all processes as `ipcs` reads them, from the host's `/proc/sysvipc` (proc(5)).
//!
//! Source: `sys/shm.h`, `sys/sem.h`, `sys/msg.h`, `sys/ipc.h`. An identifier is the place in the table with a sequence number
//! above it (`IXSEQ_TO_IPCID`), 16 bits each; the host cuts the same number elsewhere, which its users need not know. So the
//! tables have all places that 16 bits can name, whatever the host's limits.

use super::bytes_of;
use crate::abi::{GuestStruct, GuestValue, SysResult, Ulong};
use crate::os::freebsd::structs::{IpcPerm, MsqidDs, SemidDs, ShmidDs};
use crate::os::{Call, proc_text};

crate::guest_struct! {
    /// `struct shmid_kernel`
    pub struct ShmidKernel("shmid_kernel") { u: ShmidDs, _object: Ulong, _label: Ulong, _cred: Ulong }

    /// `struct semid_kernel`
    pub struct SemidKernel("semid_kernel") { u: SemidDs, _label: Ulong, _cred: Ulong }

    /// `struct msqid_kernel`
    pub struct MsqidKernel("msqid_kernel") { u: MsqidDs, _label: Ulong, _cred: Ulong }
}

/// Places in a table.
pub(super) const PLACES: i64 = 1 << 16;

/// Objects of a kind: a line each, and the names of their fields in the first.
struct Objects(String);

impl Objects {
    fn read(kind: &str) -> Objects {
        Objects(proc_text(&format!("/proc/sysvipc/{kind}")))
    }

    fn each(&self) -> impl Iterator<Item = Object<'_>> {
        let mut lines = self.0.lines();
        let names = lines.next().unwrap_or_default();
        lines.map(move |line| Object { names, line })
    }
}

struct Object<'a> {
    names: &'a str,
    line: &'a str,
}

impl Object<'_> {
    fn text(&self, name: &str) -> &str {
        let mut fields = self
            .names
            .split_whitespace()
            .zip(self.line.split_whitespace());
        fields
            .find_map(|(n, text)| (n == name).then_some(text))
            .unwrap_or("0")
    }

    /// A number, which the host has in 64 bits at most.
    fn number(&self, name: &str) -> i64 {
        let text = self.text(name);
        text.parse()
            .unwrap_or_else(|_| text.parse::<u64>().unwrap_or(0) as i64)
    }

    fn mode(&self) -> u32 {
        u32::from_str_radix(self.text("perms"), 8).unwrap_or(0)
    }

    fn permissions(&self, id: i64, mode: u32) -> IpcPerm {
        IpcPerm {
            key: self.number("key") as i32,
            uid: self.number("uid") as u32,
            gid: self.number("gid") as u32,
            cuid: self.number("cuid") as u32,
            cgid: self.number("cgid") as u32,
            mode,
            seq: (id >> 16) as u16,
            ..IpcPerm::default()
        }
    }
}

/// A table of records in the places that their identifiers name.
fn table<T: GuestStruct + GuestValue>(
    call: &Call<'_>,
    records: impl Iterator<Item = (i64, T)>,
) -> SysResult<Vec<u8>> {
    let size = T::DESC.size(call.abi);
    let mut out = vec![0; PLACES as usize * size];
    for (id, record) in records {
        let at = (id as usize & (PLACES as usize - 1)) * size;
        out[at..at + size].copy_from_slice(&bytes_of(call, &record));
    }
    Ok(out)
}

/// `kern.ipc.shmsegs`
pub(super) fn shared_memory(call: &Call<'_>) -> SysResult<Vec<u8>> {
    const ALLOCATED: u32 = 0x800;
    const REMOVED: u32 = 0x400;
    const HOST_REMOVED: u32 = 0o1000;
    let objects = Objects::read("shm");
    let records = objects.each().map(|o| {
        let id = o.number("shmid");
        let host = o.mode();
        let removed = if host & HOST_REMOVED != 0 { REMOVED } else { 0 };
        let u = ShmidDs {
            shm_perm: o.permissions(id, host & 0o777 | ALLOCATED | removed),
            shm_segsz: Ulong(o.number("size") as u64),
            shm_lpid: o.number("lpid") as i32,
            shm_cpid: o.number("cpid") as i32,
            shm_nattch: Ulong(o.number("nattch") as u64),
            shm_atime: o.number("atime"),
            shm_dtime: o.number("dtime"),
            shm_ctime: o.number("ctime"),
            ..ShmidDs::default()
        };
        (
            id,
            ShmidKernel {
                u,
                ..ShmidKernel::default()
            },
        )
    });
    table(call, records)
}

/// `kern.ipc.sema`
pub(super) fn semaphores(call: &Call<'_>) -> SysResult<Vec<u8>> {
    const SEM_ALLOC: u32 = 0o1000;
    let objects = Objects::read("sem");
    let records = objects.each().map(|o| {
        let id = o.number("semid");
        let u = SemidDs {
            sem_perm: o.permissions(id, o.mode() & 0o777 | SEM_ALLOC),
            sem_nsems: Ulong(o.number("nsems") as u64),
            sem_otime: o.number("otime"),
            sem_ctime: o.number("ctime"),
            ..SemidDs::default()
        };
        (
            id,
            SemidKernel {
                u,
                ..SemidKernel::default()
            },
        )
    });
    table(call, records)
}

/// `kern.ipc.msqids`: one with room for bytes is in use. The host does not show how much room there is; it is its limit at first.
pub(super) fn queues(call: &Call<'_>) -> SysResult<Vec<u8>> {
    let room = proc_text("/proc/sys/kernel/msgmnb");
    let room = room.trim().parse().unwrap_or(16384);
    let objects = Objects::read("msg");
    let records = objects.each().map(|o| {
        let id = o.number("msqid");
        let u = MsqidDs {
            msg_perm: o.permissions(id, o.mode() & 0o777),
            msg_cbytes: Ulong(o.number("cbytes") as u64),
            msg_qnum: Ulong(o.number("qnum") as u64),
            msg_qbytes: Ulong(room),
            msg_lspid: o.number("lspid") as i32,
            msg_lrpid: o.number("lrpid") as i32,
            msg_stime: o.number("stime"),
            msg_rtime: o.number("rtime"),
            msg_ctime: o.number("ctime"),
            ..MsqidDs::default()
        };
        (
            id,
            MsqidKernel {
                u,
                ..MsqidKernel::default()
            },
        )
    });
    table(call, records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let objects = Objects(
            "       key      shmid perms  size\n  -9486333      98313   673  18446744073709551615\n".to_owned(),
        );
        let all: Vec<_> = objects.each().collect();
        assert_eq!(all.len(), 1);
        let (id, o) = (all[0].number("shmid"), &all[0]);
        assert_eq!((id, o.number("size"), o.number("uid")), (98313, -1, 0));
        let p = o.permissions(id, o.mode());
        assert_eq!((p.key, p.mode, p.seq), (-9486333, 0o673, 1));
        assert_eq!(98313, i64::from(p.seq) << 16 | id & (PLACES - 1));
    }
}
