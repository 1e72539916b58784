//! System V IPC: shared memory, semaphores, message queues.

use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    Dir,
    Run::{Pass, Wait},
    Support::{Full, Missing},
    *,
};

crate::syscalls! {
    shmget(key: HEX, size: SIZE, shmflg: flags(&f::IPC_CREATE)) -> NUM, Full, Pass(SYS_shmget);
    shmat(shmid: INT, shmaddr: BITS, shmflg: HEX) -> HEXNUM, Missing, Run::Missing;
    shmdt(shmaddr: BITS) -> NUM, Missing, Run::Missing;
    shmctl(shmid: INT, cmd: flags(&f::IPC_CMD), buf: ADDR) -> NUM, Missing, Run::Missing;
    semget(key: HEX, nsems: INT, semflg: flags(&f::IPC_CREATE)) -> NUM, Full, Pass(SYS_semget);
    semctl(semid: INT, semnum: INT, cmd: flags(&f::IPC_CMD), arg: BITS) -> NUM, Missing, Run::Missing;
    semop(semid: INT, sops: array::<Sembuf>(Dir::In, 2), nsops: SIZE) -> NUM, Full, Wait(SYS_semop);
    semtimedop(semid: INT, sops: array::<Sembuf>(Dir::In, 2), nsops: SIZE, timeout: input::<Timespec>()) -> NUM, Full, Wait(SYS_semtimedop);
    semtimedop_time64(semid: INT, sops: array::<Sembuf>(Dir::In, 2), nsops: SIZE, timeout: input::<Timespec64>()) -> NUM, Full, Wait(SYS_semtimedop);
    msgget(key: HEX, msgflg: flags(&f::IPC_CREATE)) -> NUM, Full, Pass(SYS_msgget);
    msgctl(msqid: INT, cmd: flags(&f::IPC_CMD), buf: ADDR) -> NUM, Missing, Run::Missing;
    msgsnd(msqid: INT, msgp: ADDR, msgsz: SIZE, msgflg: flags(&f::IPC_CREATE)) -> NUM, Missing, Run::Missing;
    msgrcv(msqid: INT, msgp: ADDR, msgsz: SIZE, msgtyp: LONG, msgflg: flags(&f::IPC_CREATE)) -> NUM, Missing, Run::Missing;
    ipc(call: UINT, first: INT, second: BITS, third: BITS, ptr: ADDR, fifth: LONG) -> NUM, Missing, Run::Missing;
}
