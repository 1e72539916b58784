//! Clocks, sleeping, timers.

use super::misc::{GONE, gone};
use crate::abi::{Errno, GuestStruct, GuestValue, Kind, OsAbi, Show, SysResult};
use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir,
    Run::{Handler, Pass},
    Support::Full,
    *,
};

const CLOCK_ID: ArgType = one_of(&f::CLOCK);
const TIMER_ID: ArgType = INT;

crate::syscalls! {
    clock_gettime(clockid: CLOCK_ID, tp: output::<Timespec>()) -> NUM, Full, Pass(SYS_clock_gettime);
    clock_gettime64(clockid: CLOCK_ID, tp: output::<Timespec64>()) -> NUM, Full, Pass(SYS_clock_gettime);
    clock_settime(clockid: CLOCK_ID, tp: input::<Timespec>()) -> NUM, Full, Pass(SYS_clock_settime);
    clock_settime64(clockid: CLOCK_ID, tp: input::<Timespec64>()) -> NUM, Full, Pass(SYS_clock_settime);
    clock_getres(clockid: CLOCK_ID, res: output::<Timespec>()) -> NUM, Full, Pass(SYS_clock_getres);
    clock_getres_time64(clockid: CLOCK_ID, res: output::<Timespec64>()) -> NUM, Full, Pass(SYS_clock_getres);
    clock_adjtime(clockid: CLOCK_ID, buf: inout::<Timex>()) -> NUM, Full, Pass(SYS_clock_adjtime);
    clock_adjtime64(clockid: CLOCK_ID, buf: inout::<Timex64>()) -> NUM, Full, Pass(SYS_clock_adjtime);
    adjtimex(buf: inout::<Timex>()) -> NUM, Full, Pass(SYS_adjtimex);
    nanosleep(req: input::<Timespec>(), rem: output::<Timespec>()) -> NUM, Full, Handler(|c| sleep::<Timespec>(c, None, 0));
    clock_nanosleep(clockid: CLOCK_ID, flags: flags(&f::TIMER), request: input::<Timespec>(), remain: output::<Timespec>()) -> NUM, Full, Handler(|c| sleep::<Timespec>(c, Some((0, 1)), 2));
    clock_nanosleep_time64(clockid: CLOCK_ID, flags: flags(&f::TIMER), request: input::<Timespec64>(), remain: output::<Timespec64>()) -> NUM, Full, Handler(|c| sleep::<Timespec64>(c, Some((0, 1)), 2));
    gettimeofday(tv: output::<Timeval>(), tz: output::<Timezone>()) -> NUM, Full, Pass(SYS_gettimeofday);
    settimeofday(tv: input::<Timeval>(), tz: input::<Timezone>()) -> NUM, Full, Pass(SYS_settimeofday);
    time(tloc: ints_of(Dir::Out, Kind::Long, Show::Dec, 1)) -> NUM, Full, Pass(SYS_time);
    stime(t: ints_of(Dir::In, Kind::Long, Show::Dec, 1)) -> NUM, Full, Handler(set_seconds);
    ftime() -> NUM, Support::Stub(GONE), Handler(gone);
    times(buf: output::<Tms>()) -> NUM, Full, Pass(SYS_times);
    alarm(seconds: UINT) -> NUM, Full, Pass(SYS_alarm);
    getitimer(which: one_of(&f::ITIMER), value: output::<Itimerval>()) -> NUM, Full, Pass(SYS_getitimer);
    setitimer(which: one_of(&f::ITIMER), new_value: input::<Itimerval>(), old_value: output::<Itimerval>()) -> NUM, Full, Pass(SYS_setitimer);
    timer_create(clockid: CLOCK_ID, sevp: input::<Sigevent>(), timerid: ints(Dir::Out, 1)) -> NUM, Full, Pass(SYS_timer_create);
    timer_settime(timerid: TIMER_ID, flags: flags(&f::TIMER), new_value: input::<Itimerspec>(), old_value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timer_settime);
    timer_settime64(timerid: TIMER_ID, flags: flags(&f::TIMER), new_value: input::<Itimerspec64>(), old_value: output::<Itimerspec64>()) -> NUM, Full, Pass(SYS_timer_settime);
    timer_gettime(timerid: TIMER_ID, value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timer_gettime);
    timer_gettime64(timerid: TIMER_ID, value: output::<Itimerspec64>()) -> NUM, Full, Pass(SYS_timer_gettime);
    timer_getoverrun(timerid: TIMER_ID) -> NUM, Full, Pass(SYS_timer_getoverrun);
    timer_delete(timerid: TIMER_ID) -> NUM, Full, Pass(SYS_timer_delete);
    timerfd_create(clockid: CLOCK_ID, flags: flags(&f::TFD)) -> FDNUM, Full, Pass(SYS_timerfd_create);
    timerfd(ufd: FD, clockid: CLOCK_ID, flags: HEX, utmr: ADDR) -> FDNUM, Support::Stub(GONE), Handler(gone);
    timerfd_settime(fd: FD, flags: flags(&f::TFD_SETTIME), new_value: input::<Itimerspec>(), old_value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timerfd_settime);
    timerfd_settime64(fd: FD, flags: flags(&f::TFD_SETTIME), new_value: input::<Itimerspec64>(), old_value: output::<Itimerspec64>()) -> NUM, Full, Pass(SYS_timerfd_settime);
    timerfd_gettime(fd: FD, value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timerfd_gettime);
    timerfd_gettime64(fd: FD, value: output::<Itimerspec64>()) -> NUM, Full, Pass(SYS_timerfd_gettime);
}

/// `CLOCK_MONOTONIC`, by which `nanosleep` sleeps.
const MONOTONIC: u64 = 1;

/// Sleeps; the request is argument `req`, the place for what remains the one after it.
fn sleep<T: GuestStruct + GuestValue>(
    call: &mut Call<'_>,
    clock_and_flags: Option<(usize, usize)>,
    req: usize,
) -> SysResult {
    let (clock, how) = clock_and_flags.map_or((MONOTONIC, 0), |(c, f)| (call.arg(c), call.arg(f)));
    let request: T = call.read_struct(call.arg(req))?;
    let remain = call.arg(req + 1);
    let mut time = vec![0; T::DESC.size(OsAbi::HOST)];
    request.to_host(&mut time);
    let mut left = time.clone();
    let args = [
        clock,
        how,
        time.as_ptr() as u64,
        left.as_mut_ptr() as u64,
        0,
        0,
    ];
    let result = call.host_wait(SYS_clock_nanosleep, args);
    // An absolute sleep has nothing to tell.
    if result == Err(Errno::EINTR) && remain != 0 && how & 1 == 0 {
        call.write_struct(remain, &T::from_host(&left))?;
    }
    result
}

fn set_seconds(call: &mut Call<'_>) -> SysResult {
    let seconds = call.read_int(call.arg(0), Kind::Long)?;
    let time = [seconds, 0];
    call.host(SYS_clock_settime, [0, time.as_ptr() as u64, 0, 0, 0, 0])
}
