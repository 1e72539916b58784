//! Waiting for descriptors: poll, select, epoll; event descriptors.

use crate::abi::{Errno, Kind, SysResult};
use crate::host::nr::*;
use crate::os::SIGSET_SIZE;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass, Wait},
    Support::{Full, Partial},
    *,
};
use crate::os::{pass_with, read_sigset};

const FDS: ArgType = ArgType::FdSet(Len::Arg(0));
const POLLFDS: ArgType = array::<Pollfd>(Dir::InOut, 1);
const MASK4: ArgType = ArgType::SigSet(Dir::In, Len::Arg(4));
const MASK5: ArgType = ArgType::SigSet(Dir::In, Len::Arg(5));

crate::syscalls! {
    poll(fds: POLLFDS, nfds: UINT, timeout: INT) -> NUM, Full, Wait(SYS_poll);
    ppoll(fds: POLLFDS, nfds: UINT, tmo_p: inout::<Timespec>(), sigmask: MASK4, sigsetsize: SIGSET_SIZE) -> NUM, Full, Wait(SYS_ppoll);
    ppoll_time64(fds: POLLFDS, nfds: UINT, tmo_p: inout::<Timespec64>(), sigmask: MASK4, sigsetsize: SIGSET_SIZE) -> NUM, Full, Wait(SYS_ppoll);
    _newselect(nfds: INT, readfds: FDS, writefds: FDS, exceptfds: FDS, timeout: inout::<Timeval>()) -> NUM, Full, Wait(SYS_select);
    pselect6(nfds: INT, readfds: FDS, writefds: FDS, exceptfds: FDS, timeout: inout::<Timespec>(), sigmask: ADDR) -> NUM, Full, Handler(select);
    pselect6_time64(nfds: INT, readfds: FDS, writefds: FDS, exceptfds: FDS, timeout: inout::<Timespec64>(), sigmask: ADDR) -> NUM, Full, Handler(select);
    epoll_create(size: INT) -> FDNUM, Full, Pass(SYS_epoll_create);
    epoll_create1(flags: flags(&f::EPOLL_CREATE)) -> FDNUM, Full, Pass(SYS_epoll_create1);
    epoll_ctl(epfd: FD, op: one_of(&f::EPOLL_OP), fd: FD, event: input::<EpollEvent>()) -> NUM, Full, Pass(SYS_epoll_ctl);
    epoll_wait(epfd: FD, events: array::<EpollEvent>(Dir::Out, 2), maxevents: INT, timeout: INT) -> NUM, Full, Handler(|c| wait_events(c, SYS_epoll_wait));
    epoll_pwait(epfd: FD, events: array::<EpollEvent>(Dir::Out, 2), maxevents: INT, timeout: INT, sigmask: MASK5, sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(|c| wait_events(c, SYS_epoll_pwait));
    epoll_pwait2(epfd: FD, events: array::<EpollEvent>(Dir::Out, 2), maxevents: INT, timeout: input::<Timespec64>(), sigmask: MASK5, sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(|c| wait_events(c, SYS_epoll_pwait2));
    eventfd(initval: UINT) -> FDNUM, Full, Pass(SYS_eventfd);
    eventfd2(initval: UINT, flags: flags(&f::EFD)) -> FDNUM, Full, Pass(SYS_eventfd2);
    signalfd(fd: FD, mask: ArgType::SigSet(Dir::In, Len::Arg(2)), sizemask: SIGSET_SIZE) -> FDNUM, Full, Pass(SYS_signalfd);
    signalfd4(fd: FD, mask: ArgType::SigSet(Dir::In, Len::Arg(2)), sizemask: SIGSET_SIZE, flags: flags(&f::SFD)) -> FDNUM, Full, Pass(SYS_signalfd4);
    inotify_init() -> FDNUM, Full, Pass(SYS_inotify_init);
    inotify_init1(flags: flags(&f::IN_INIT)) -> FDNUM, Full, Pass(SYS_inotify_init1);
    inotify_add_watch(fd: FD, pathname: PATH, mask: flags(&f::INOTIFY)) -> NUM, Full, Pass(SYS_inotify_add_watch);
    inotify_rm_watch(fd: FD, wd: INT) -> NUM, Full, Pass(SYS_inotify_rm_watch);
    fanotify_init(flags: HEX, event_f_flags: flags(&f::OPEN)) -> FDNUM, Partial("events are not converted for big-endian guests"), Handler(watch_all);
    fanotify_mark(fanotify_fd: FD, flags: HEX, mask: ArgType::Wide(crate::abi::Show::Hex), dirfd: DIRFD, pathname: PATH) -> NUM, Full, Pass(SYS_fanotify_mark);
}

/// `pselect6`: the mask and its size are behind one pointer.
fn select(call: &mut Call<'_>) -> SysResult {
    let mut mask = [0; 8];
    let mut host = [0u64; 2];
    let at = call.arg(5);
    let mut sixth = 0;
    if at != 0 {
        let word = u64::from(call.abi.abi.word);
        let set = call.read_int(at, Kind::Ulong)?;
        let size = call.read_int(at.wrapping_add(word), Kind::Ulong)?;
        if set != 0 {
            mask = read_sigset(call, set, size)?.host_mask().to_le_bytes();
            host = [mask.as_ptr() as u64, 8];
        }
        sixth = host.as_ptr() as u64;
    }
    let _ = (&mask, &host);
    pass_with(call, SYS_pselect6, true, &[(5, sixth)])
}

fn watch_all(call: &mut Call<'_>) -> SysResult {
    if call.abi.abi.endian == crate::abi::Endian::Big {
        call.unimplemented("events in the guest's byte order");
    }
    pass(call, SYS_fanotify_init, false)
}

/// `epoll_wait`: the guest's count may be absurd, and only as many events as are ready come back.
fn wait_events(call: &mut Call<'_>, number: i64) -> SysResult {
    if call.int(2) <= 0 {
        return Err(Errno::EINVAL);
    }
    if call.arg(1) == 0 {
        return Err(Errno::EFAULT);
    }
    call.args[2] = call.args[2].min(4096);
    pass(call, number, true)
}
