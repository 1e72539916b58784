//! System V IPC: shared memory, semaphores, message queues (`sys/{ipc,shm,sem,msg}.h`).

use crate::abi::{Errno, GuestStruct, GuestValue, Kind, OsAbi, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::decode::sysv as decode;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::linux::sys::ipc::{attach, detach, receive, send};
use crate::os::{
    Call, Dir, Len,
    Run::{Handler, Pass, Wait},
    Support::Full,
    *,
};

/// `key_t` is a `long`, of which the host has 32 bits.
const KEY: ArgType = ArgType::Value(Kind::I32, Show::Hex);
const CREATE: ArgType = flags(&f::IPC_CREATE);

crate::syscalls! {
    shmget(key: KEY, size: SIZE, shmflg: CREATE) -> NUM, Full, Pass(SYS_shmget);
    shmat(shmid: INT, shmaddr: BITS, shmflg: flags(&f::SHM_ATTACH)) -> HEXNUM, Full, Handler(attach_segment);
    shmdt(shmaddr: BITS) -> NUM, Full, Handler(detach);
    shmctl(shmid: INT, cmd: one_of(&f::IPC_COMMAND), buf: ArgType::By(|a, _| data::<ShmidDs>(a[1]))) -> NUM, Full, Handler(|c| control::<ShmidDs>(c, SYS_shmctl));
    semget(key: KEY, nsems: INT, semflg: CREATE) -> NUM, Full, Pass(SYS_semget);
    semop(semid: INT, sops: array::<Sembuf>(Dir::In, 2), nsops: SIZE) -> NUM, Full, Wait(SYS_semop);
    __semctl(semid: INT, semnum: INT, cmd: one_of(&f::SEM_COMMAND), arg: ArgType::Decoded(Dir::InOut, decode::semaphores)) -> NUM, Full, Handler(control_semaphores);
    msgget(key: KEY, msgflg: CREATE) -> NUM, Full, Pass(SYS_msgget);
    msgsnd(msqid: INT, msgp: ArgType::Decoded(Dir::In, decode::sent), msgsz: SIZE, msgflg: CREATE) -> NUM, Full, Handler(send);
    msgrcv(msqid: INT, msgp: ArgType::Decoded(Dir::Out, decode::received), msgsz: SIZE, msgtyp: LONG, msgflg: CREATE) -> NUM, Full, Handler(receive);
    msgctl(msqid: INT, cmd: one_of(&f::IPC_COMMAND), buf: ArgType::By(|a, _| data::<MsqidDs>(a[1]))) -> NUM, Full, Handler(|c| control::<MsqidDs>(c, SYS_msgctl));
}

const IPC_RMID: u64 = 0;
const IPC_SET: u64 = 1;
const IPC_STAT: u64 = 2;

/// Of the flags two are the host's. FreeBSD's third, SHM_REMAP, is both at once, and the kernel takes either for it where there is
/// an address (`kern_shmat_locked`).
fn attach_segment(call: &mut Call<'_>) -> SysResult {
    // sys/shm.h: SHM_RDONLY | SHM_RND
    const SHM_REMAP: u64 = 0o30000;
    const HOST_SHM_REMAP: u64 = 0o40000;
    let how = call.arg(2) & SHM_REMAP;
    call.args[2] = match how {
        0 => 0,
        how => how | HOST_SHM_REMAP,
    };
    attach(call)
}

/// What a control command works on.
fn data<T: GuestStruct>(command: u64) -> ArgType {
    match command {
        IPC_SET => input::<T>(),
        IPC_STAT => output::<T>(),
        _ => BITS,
    }
}

/// `shmctl` and `msgctl`, whose commands have the host's numbers. Those for statistics are there for Linux's programs only, and
/// segments cannot be locked.
fn control<T: GuestStruct>(call: &mut Call<'_>, number: i64) -> SysResult {
    let command = call.arg(1);
    match command {
        IPC_RMID | IPC_SET | IPC_STAT => {}
        _ => return Err(Errno::EINVAL),
    }
    if matches!(command, IPC_SET | IPC_STAT) && call.arg(2) == 0 {
        return Err(Errno::EFAULT);
    }
    let args = [call.arg(0), command, 0, 0, 0, 0];
    crate::os::pass_as(call, number, false, args, 2, data::<T>(command))
}

/// The last argument points to `union semun`: a value, or a pointer.
fn control_semaphores(call: &mut Call<'_>) -> SysResult {
    const GETVAL: u64 = 12;
    const GETPID: u64 = 11;
    const GETNCNT: u64 = 14;
    const GETZCNT: u64 = 15;
    const GETALL: u64 = 13;
    const SETVAL: u64 = 16;
    const SETALL: u64 = 17;
    const SEM_STAT: u64 = 18;
    let (id, at) = (call.arg(0), call.arg(3));
    let command = call.host_flags(2);
    let args = [id, call.arg(1), command, 0, 0, 0];
    let pointer = |call: &Call<'_>| call.read_int(at, Kind::Ulong);
    let (value, ty) = match command {
        IPC_RMID | GETVAL | GETPID | GETNCNT | GETZCNT => (0, BITS),
        SETVAL => (call.read_int(at, Kind::I32)?, BITS),
        IPC_SET => (pointer(call)?, input::<SemidDs>()),
        IPC_STAT | SEM_STAT => (pointer(call)?, output::<SemidDs>()),
        GETALL | SETALL => {
            // The array is as long as the set.
            let mut stat = vec![0u8; SemidDs::DESC.size(OsAbi::HOST)];
            let address = stat.as_mut_ptr() as u64;
            call.host(SYS_semctl, [id, 0, IPC_STAT, address, 0, 0])?;
            let stat: SemidDs = GuestValue::from_host(&stat);
            let dir = if command == GETALL {
                Dir::InOut
            } else {
                Dir::In
            };
            let count = Len::Const(stat.sem_nsems.0 as u32);
            (
                pointer(call)?,
                ArgType::Ints(dir, Kind::U16, Show::Dec, count),
            )
        }
        _ => return Err(Errno::EINVAL),
    };
    if value == 0 && !matches!(ty, ArgType::Value(..)) {
        return Err(Errno::EFAULT);
    }
    call.args[3] = value;
    crate::os::pass_as(call, SYS_semctl, false, args, 3, ty)
}
