//! System V IPC: shared memory, semaphores, message queues.

use std::path::PathBuf;
use std::sync::Arc;

use crate::abi::{Dialect, Errno, GuestStruct, Kind, OsAbi, Show, SysResult};
use crate::host::nr::*;
use crate::mem::{Backing, File, Mapping, Place, Prot};
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    Call, Dir,
    Run::{Handler, Pass, Wait},
    Support::Full,
    *,
};

const IPC_KEY: ArgType = HEX;
const MSG_FLAGS: ArgType = flags(&f::IPC_CREATE);

crate::syscalls! {
    shmget(key: IPC_KEY, size: SIZE, shmflg: flags(&f::IPC_CREATE)) -> NUM, Full, Pass(SYS_shmget);
    shmat(shmid: INT, shmaddr: BITS, shmflg: flags(&f::SHM)) -> HEXNUM, Full, Handler(attach);
    shmdt(shmaddr: BITS) -> NUM, Full, Handler(detach);
    shmctl(shmid: INT, cmd: flags(&f::SHM_CMD), buf: ArgType::By(|a, _| segment_data(a[1]))) -> NUM, Full, Handler(|c| control(c, SYS_shmctl, 1));
    semget(key: IPC_KEY, nsems: INT, semflg: flags(&f::IPC_CREATE)) -> NUM, Full, Pass(SYS_semget);
    semctl(semid: INT, semnum: INT, cmd: flags(&f::SEM_CMD), arg: ArgType::By(|a, _| semaphore_data(a[2]))) -> NUM, Full, Handler(control_semaphores);
    semop(semid: INT, sops: array::<Sembuf>(Dir::In, 2), nsops: SIZE) -> NUM, Full, Wait(SYS_semop);
    semtimedop(semid: INT, sops: array::<Sembuf>(Dir::In, 2), nsops: SIZE, timeout: input::<Timespec>()) -> NUM, Full, Wait(SYS_semtimedop);
    semtimedop_time64(semid: INT, sops: array::<Sembuf>(Dir::In, 2), nsops: SIZE, timeout: input::<Timespec64>()) -> NUM, Full, Wait(SYS_semtimedop);
    msgget(key: IPC_KEY, msgflg: flags(&f::IPC_CREATE)) -> NUM, Full, Pass(SYS_msgget);
    msgctl(msqid: INT, cmd: flags(&f::MSG_CMD), buf: ArgType::By(|a, _| queue_data(a[1]))) -> NUM, Full, Handler(|c| control(c, SYS_msgctl, 1));
    msgsnd(msqid: INT, msgp: ADDR, msgsz: SIZE, msgflg: MSG_FLAGS) -> NUM, Full, Handler(send);
    msgrcv(msqid: INT, msgp: ADDR, msgsz: SIZE, msgtyp: LONG, msgflg: flags(&f::MSG_RECEIVE)) -> NUM, Full, Handler(receive);
    ipc(call: ArgType::Value(Kind::U32, Show::Flags(&f::IPC_CALL)), first: INT, second: BITS, third: BITS, ptr: ADDR, fifth: LONG) -> NUM, Full, Handler(call_by_number);
}

const IPC_RMID: u64 = 0;
const IPC_SET: u64 = 1;
const IPC_STAT: u64 = 2;
const IPC_INFO: u64 = 3;
const SHM_LOCK: u64 = 11;
const SHM_UNLOCK: u64 = 12;
const SHM_STAT: u64 = 13;
const SHM_INFO: u64 = 14;
const SHM_STAT_ANY: u64 = 15;
const MSG_STAT: u64 = 11;
const MSG_INFO: u64 = 12;
const MSG_STAT_ANY: u64 = 13;
const GETALL: u64 = 13;
const SETVAL: u64 = 16;
const SETALL: u64 = 17;
const SEM_STAT: u64 = 18;
const SEM_INFO: u64 = 19;
const SEM_STAT_ANY: u64 = 20;

/// A command without IPC_64, which asks for the structures that all others get anyway.
fn command(cmd: u64) -> u64 {
    cmd & !0x100
}

/// What `shmctl` works on.
fn segment_data(cmd: u64) -> ArgType {
    match command(cmd) {
        IPC_STAT | SHM_STAT | SHM_STAT_ANY => output::<ShmidDs>(),
        IPC_SET => input::<ShmidDs>(),
        IPC_INFO => output::<Shminfo>(),
        SHM_INFO => output::<ShmInfo>(),
        IPC_RMID | SHM_LOCK | SHM_UNLOCK => BITS,
        _ => ADDR,
    }
}

/// What `msgctl` works on.
fn queue_data(cmd: u64) -> ArgType {
    match command(cmd) {
        IPC_STAT | MSG_STAT | MSG_STAT_ANY => output::<MsqidDs>(),
        IPC_SET => input::<MsqidDs>(),
        IPC_INFO | MSG_INFO => output::<Msginfo>(),
        IPC_RMID => BITS,
        _ => ADDR,
    }
}

/// What `semctl` works on.
fn semaphore_data(cmd: u64) -> ArgType {
    match command(cmd) {
        IPC_STAT | SEM_STAT | SEM_STAT_ANY => output::<SemidDs>(),
        IPC_SET => input::<SemidDs>(),
        IPC_INFO | SEM_INFO => ints(Dir::Out, 10),
        SETVAL => INT,
        GETALL | SETALL => ADDR,
        _ => BITS,
    }
}

/// Makes a control call whose last argument has the type that the row says for the command, which is argument `cmd`.
fn control(call: &mut Call<'_>, number: i64, cmd: usize) -> SysResult {
    let last = cmd + 1;
    let ArgType::By(of) = call.row.args[last].ty else {
        return Err(Errno::ENOSYS);
    };
    let ty = of(&call.args, call.abi);
    if matches!(ty, ArgType::Addr) {
        return Err(Errno::EINVAL);
    }
    let mut args = [0; 6];
    args[..=last].copy_from_slice(&call.args[..=last]);
    args[cmd] = command(args[cmd]);
    if call.args[last] == 0 && !matches!(ty, ArgType::Value(..)) {
        return Err(Errno::EFAULT);
    }
    crate::os::pass_as(call, number, false, args, last, ty)
}

fn control_semaphores(call: &mut Call<'_>) -> SysResult {
    let cmd = command(call.arg(2));
    if !matches!(cmd, GETALL | SETALL) {
        return control(call, SYS_semctl, 2);
    }
    // The array is as long as the set.
    let mut stat = vec![0u8; SemidDs::DESC.size(OsAbi::HOST)];
    let (id, at) = (call.arg(0), stat.as_mut_ptr() as u64);
    call.host(SYS_semctl, [id, 0, IPC_STAT, at, 0, 0])?;
    let stat: SemidDs = crate::abi::GuestValue::from_host(&stat);
    let values = ArgType::Ints(
        if cmd == GETALL { Dir::InOut } else { Dir::In },
        Kind::U16,
        Show::Dec,
        Len::Const(stat.sem_nsems.0 as u32),
    );
    let args = [id, call.arg(1), cmd, call.arg(3), 0, 0];
    crate::os::pass_as(call, SYS_semctl, false, args, 3, values)
}

const SHM_RDONLY: u64 = 0o10000;
const SHM_RND: u64 = 0o20000;
const SHM_REMAP: u64 = 0o40000;
const SHM_EXEC: u64 = 0o100000;

/// `SHMLBA`: what addresses of segments are multiples of (`asm/shmparam.h`).
fn alignment(dialect: Dialect) -> u64 {
    match dialect {
        Dialect::Mips => 0x40000,
        _ => crate::mem::PAGE_SIZE,
    }
}

pub(in crate::os) fn attach(call: &mut Call<'_>) -> SysResult {
    let (id, addr, how) = (call.arg(0), call.arg(1), call.arg(2));
    let mut stat = vec![0u8; ShmidDs::DESC.size(OsAbi::HOST)];
    let at = stat.as_mut_ptr() as u64;
    call.host(SYS_shmctl, [id, IPC_STAT, at, 0, 0, 0])?;
    let stat: ShmidDs = crate::abi::GuestValue::from_host(&stat);
    let len = crate::mem::page_up(stat.shm_segsz.0).ok_or(Errno::ENOMEM)?;
    let align = alignment(call.abi.dialect);
    let place = match addr {
        0 => {
            // Room with its alignment, found by asking for more and giving it back.
            let room = Mapping::anonymous(Place::Hint(0), len + align, Prot::NONE);
            let found = call.mem().map(&room)?;
            call.mem().unmap(found, len + align)?;
            Place::FixedNoReplace(found.next_multiple_of(align))
        }
        _ if addr % align != 0 && how & SHM_RND == 0 => return Err(Errno::EINVAL),
        _ if how & SHM_REMAP != 0 => Place::Fixed(addr / align * align),
        _ => Place::FixedNoReplace(addr / align * align),
    };
    let mut prot = Prot::READ;
    if how & SHM_RDONLY == 0 {
        prot = prot | Prot::WRITE;
    }
    if how & SHM_EXEC != 0 {
        prot = prot | Prot::EXEC;
    }
    let mapping = Mapping {
        place,
        len,
        prot,
        shared: true,
        backing: Backing::Segment {
            id: id as i32,
            file: Arc::new(File {
                // As the kernel names it.
                path: PathBuf::from(format!("{SEGMENT}{:08x} (deleted)", stat.shm_perm.key)),
                dev: 1,
                inode: id,
            }),
        },
        host_flags: (how & SHM_RDONLY) as i32,
    };
    // Something else may have been mapped at a given address: shmat calls that EINVAL.
    call.mem().map(&mapping).map_err(|e| match e {
        Errno::EEXIST => Errno::EINVAL,
        e => e,
    })
}

/// What the names of segments in the region list begin with.
const SEGMENT: &str = "/SYSV";

pub(in crate::os) fn detach(call: &mut Call<'_>) -> SysResult {
    let addr = call.arg(0);
    let segment = |at: u64| {
        let region = call.mem().region_at(at)?;
        match &region.kind {
            crate::mem::Kind::File(f) if f.path.to_string_lossy().starts_with(SEGMENT) => {
                Some((region.clone(), f.clone()))
            }
            _ => None,
        }
    };
    let (first, file) = segment(addr)
        .filter(|(r, _)| r.start == addr && r.offset == 0)
        .ok_or(Errno::EINVAL)?;
    // Changed protections make several regions of one attachment.
    let mut end = first.end;
    while let Some((next, f)) = segment(end) {
        if next.start != end || next.offset != end - addr || !Arc::ptr_eq(&f, &file) {
            break;
        }
        end = next.end;
    }
    call.mem().unmap(addr, end - addr)?;
    Ok(0)
}

/// Longest message (`MSGMAX` can be raised up to INT_MAX; this is what the emulator copies).
const MESSAGE_MAX: u64 = 16 << 20;

pub(in crate::os) fn send(call: &mut Call<'_>) -> SysResult {
    let (addr, size) = (call.arg(1), call.arg(2));
    if size > MESSAGE_MAX {
        return Err(Errno::EINVAL);
    }
    let mtype = call.read_int(addr, Kind::Long)?;
    let mut message = mtype.to_le_bytes().to_vec();
    let text = addr + u64::from(call.abi.abi.word);
    message.extend_from_slice(&call.read_bytes(text, size)?);
    let args = [
        call.arg(0),
        message.as_ptr() as u64,
        size,
        call.arg(3),
        0,
        0,
    ];
    call.host_wait(SYS_msgsnd, args)
}

pub(in crate::os) fn receive(call: &mut Call<'_>) -> SysResult {
    let (addr, size) = (call.arg(1), call.arg(2));
    if size > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    let mut message = vec![0u8; 8 + size.min(MESSAGE_MAX) as usize];
    let args = [
        call.arg(0),
        message.as_mut_ptr() as u64,
        size.min(MESSAGE_MAX),
        call.arg(3),
        call.arg(4),
        0,
    ];
    let n = call.host_wait(SYS_msgrcv, args)?;
    let mtype = crate::abi::read_int(OsAbi::HOST, Kind::I64, &message);
    call.write_int(addr, Kind::Long, mtype)?;
    let text = addr + u64::from(call.abi.abi.word);
    call.write_bytes(text, &message[8..8 + n as usize])?;
    Ok(n)
}

/// `ipc`: all of the above behind one number, as the C libraries of MIPS use them. Version 0 of two calls, in the upper half
/// of the number, has other arguments.
fn call_by_number(call: &mut Call<'_>) -> SysResult {
    let (number, version) = (call.arg(0) & 0xffff, call.arg(0) >> 16 & 0xffff);
    let (first, second, third, ptr, fifth) = (
        call.arg(1),
        call.arg(2),
        call.arg(3),
        call.arg(4),
        call.arg(5),
    );
    let word = u64::from(call.abi.abi.word);
    let (row, raw): (&'static Syscall, [u64; 5]) = match number {
        1 => (&rows::semop, [first, ptr, second, 0, 0]),
        2 => (&rows::semget, [first, second, third, 0, 0]),
        3 => {
            // The union is behind the pointer.
            let arg = call.read_int(ptr, Kind::Ulong)?;
            (&rows::semctl, [first, second, third, arg, 0])
        }
        4 => (&rows::semtimedop, [first, ptr, second, fifth, 0]),
        11 => (&rows::msgsnd, [first, ptr, second, third, 0]),
        12 if version == 0 => {
            let msgp = call.read_int(ptr, Kind::Ulong)?;
            let msgtyp = call.read_int(ptr + word, Kind::Ulong)?;
            (&rows::msgrcv, [first, msgp, second, msgtyp, third])
        }
        12 => (&rows::msgrcv, [first, ptr, second, fifth, third]),
        13 => (&rows::msgget, [first, second, 0, 0, 0]),
        14 => (&rows::msgctl, [first, second, ptr, 0, 0]),
        21 => (&rows::shmat, [first, ptr, second, 0, 0]),
        22 => (&rows::shmdt, [ptr, 0, 0, 0, 0]),
        23 => (&rows::shmget, [first, second, third, 0, 0]),
        24 => (&rows::shmctl, [first, second, ptr, 0, 0]),
        _ => return Err(Errno::ENOSYS),
    };
    let mut all = [0; 8];
    all[..5].copy_from_slice(&raw);
    let result = crate::os::linux::run_row(call, row, &all)?;
    if number == 21 && version == 0 {
        // The address goes where the third argument points, as a number may look like an error.
        call.write_int(third, Kind::Ulong, result)?;
        return Ok(0);
    }
    Ok(result)
}
