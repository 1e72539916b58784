//! Clocks, timers, sleeping.

use crate::abi::{Errno, GuestStruct, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::decode::files as decode;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{
    Call, Dir,
    Run::{Handler, Pass},
    Support::Full,
    *,
};

const TIMES: ArgType = ArgType::Decoded(Dir::In, decode::times);
const OLD_TIMES: ArgType = ArgType::Decoded(Dir::In, decode::old_times);

crate::syscalls! {
    clock_gettime(clock_id: one_of(&f::CLOCK), tp: output::<Timespec>()) -> NUM, Full, Handler(|c| on_clock(c, SYS_clock_gettime));
    clock_getres(clock_id: one_of(&f::CLOCK), tp: output::<Timespec>()) -> NUM, Full, Handler(|c| on_clock(c, SYS_clock_getres));
    clock_settime(clock_id: one_of(&f::CLOCK), tp: input::<Timespec>()) -> NUM, Full, Pass(SYS_clock_settime);
    gettimeofday(tp: output::<Timeval>(), tzp: output::<Timezone>()) -> NUM, Full, Handler(|c| pass_with(c, SYS_gettimeofday, false, &[(1, 0)]));
    nanosleep(rqtp: input::<Timespec>(), rmtp: output::<Timespec>()) -> NUM, Full, Handler(|c| sleep(c, 0, 0, 0, 1));
    clock_nanosleep(clock_id: one_of(&f::CLOCK), flags: flags(&f::TIMER), rqtp: input::<Timespec>(), rmtp: output::<Timespec>()) -> NUM, Full, Handler(sleep_on_clock);
    setitimer(which: one_of(&f::ITIMER), itv: input::<Itimerval>(), oitv: output::<Itimerval>()) -> NUM, Full, Pass(SYS_setitimer);
    getitimer(which: one_of(&f::ITIMER), itv: output::<Itimerval>()) -> NUM, Full, Pass(SYS_getitimer);
    utimensat(fd: DIRFD, path: PATH, times: TIMES, flag: flags(&f::AT)) -> NUM, Full, Handler(|c| set_times(c, Some(1), 2, 3));
    utimes(path: PATH, tptr: OLD_TIMES) -> NUM, Full, Handler(|c| { let path = c.path(0)?; set_old_times(c, AT_FDCWD, Some(path), 1, 0) });
    lutimes(path: PATH, tptr: OLD_TIMES) -> NUM, Full, Handler(|c| { let path = c.path(0)?; set_old_times(c, AT_FDCWD, Some(path), 1, HOST_SYMLINK_NOFOLLOW) });
    futimes(fd: FD, tptr: OLD_TIMES) -> NUM, Full, Handler(|c| set_old_times(c, c.arg(0), None, 1, 0));
    futimesat(fd: DIRFD, path: PATH, times: OLD_TIMES) -> NUM, Full, Handler(|c| { let path = c.path(1)?; set_old_times(c, c.arg(0), Some(path), 2, 0) });
    settimeofday(tv: input::<Timeval>(), tzp: input::<Timezone>()) -> NUM, Full, Handler(|c| pass_with(c, SYS_settimeofday, false, &[(1, 0)]));
    adjtime(delta: input::<Timeval>(), olddelta: output::<Timeval>()) -> NUM, Full, Handler(adjust_time);
    ntp_adjtime(tp: inout::<Timex>()) -> NUM, Full, Handler(adjust_clock);
    ntp_gettime(ntvp: output::<NtpTimeval>()) -> NUM, Full, Handler(clock_state);
    clock_getcpuclockid2(id: OFFSET, which: INT, clock_id: ints(Dir::Out, 1)) -> NUM, Full, Handler(cpu_clock);
    timerfd_create(clockid: one_of(&f::CLOCK), flags: flags(&f::OPEN)) -> FDNUM, Full, Pass(SYS_timerfd_create);
    timerfd_gettime(fd: FD, curr_value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timerfd_gettime);
    timerfd_settime(fd: FD, flags: flags(&f::TFD_TIMER), new_value: input::<Itimerspec>(), old_value: output::<Itimerspec>()) -> NUM, Full, Pass(SYS_timerfd_settime);
    futimens(fd: FD, times: TIMES) -> NUM, Full, Handler(|c| set_times(c, None, 1, 7));
}

/// The host's `struct timex` (`sys/timex.h`), of 208 bytes: the fields to `tolerance` are FreeBSD's, then come the time and a word,
/// and then the rest of FreeBSD's.
const HOST_TIMEX: usize = 208;
const HOST_TIME: usize = 72;

/// `adjtimex` with this structure; returns the state of the clock.
fn adjtimex(call: &mut Call<'_>, timex: &mut [u8; HOST_TIMEX]) -> SysResult {
    let state = call.host(SYS_adjtimex, [timex.as_mut_ptr() as u64, 0, 0, 0, 0, 0])?;
    Ok(state)
}

fn host_long(timex: &[u8; HOST_TIMEX], at: usize) -> i64 {
    crate::abi::read_int(crate::abi::OsAbi::HOST, crate::abi::Kind::I64, &timex[at..]) as i64
}

/// Only the superuser can set the clock of the host, too.
fn adjust_time(call: &mut Call<'_>) -> SysResult {
    // sys/timex.h: ADJ_OFFSET_SINGLESHOT, ADJ_OFFSET_SS_READ; the offset is in us.
    const SET: u32 = 0x8001;
    const READ: u32 = 0xa001;
    let delta = call.read_optional::<Timeval>(call.arg(0))?;
    let mut timex = [0; HOST_TIMEX];
    timex[..4].copy_from_slice(&if delta.is_some() { SET } else { READ }.to_le_bytes());
    if let Some(delta) = delta {
        let us = delta
            .tv_sec
            .0
            .wrapping_mul(1_000_000)
            .wrapping_add(delta.tv_usec.0);
        timex[8..16].copy_from_slice(&us.to_le_bytes());
    }
    adjtimex(call, &mut timex)?;
    if call.arg(1) != 0 {
        let left = host_long(&timex, 8);
        let old = Timeval {
            tv_sec: crate::abi::Long(left.div_euclid(1_000_000)),
            tv_usec: crate::abi::Long(left.rem_euclid(1_000_000)),
        };
        call.write_struct(call.arg(1), &old)?;
    }
    Ok(0)
}

fn adjust_clock(call: &mut Call<'_>) -> SysResult {
    // Modes and units of both systems are the same, but for these: the clock A or B, of which there is one.
    const CLOCKS: u32 = 0xc000;
    let mut own: Timex = call.read_struct(call.arg(0))?;
    own.modes &= !CLOCKS;
    let mut fields = own.write(crate::abi::OsAbi::HOST)?;
    let mut timex = [0; HOST_TIMEX];
    timex[..HOST_TIME].copy_from_slice(&fields[..HOST_TIME]);
    let state = adjtimex(call, &mut timex)?;
    fields[..HOST_TIME].copy_from_slice(&timex[..HOST_TIME]);
    // Behind the time (16 bytes) and the length of a tick.
    let rest = fields.len() - HOST_TIME;
    fields[HOST_TIME..].copy_from_slice(&timex[HOST_TIME + 24..HOST_TIME + 24 + rest]);
    let shown = Timex {
        modes: own.modes,
        ..Timex::read(crate::abi::OsAbi::HOST, &fields)?
    };
    call.write_struct(call.arg(0), &shown)?;
    Ok(state)
}

fn clock_state(call: &mut Call<'_>) -> SysResult {
    const STA_NANO: i64 = 0x2000;
    const TAI: usize = 160;
    let mut timex = [0; HOST_TIMEX];
    let state = adjtimex(call, &mut timex)?;
    let status = host_long(&timex, 40);
    let fraction = host_long(&timex, HOST_TIME + 8);
    let told = NtpTimeval {
        time: Timespec {
            tv_sec: crate::abi::Long(host_long(&timex, HOST_TIME)),
            tv_nsec: crate::abi::Long(if status & STA_NANO != 0 {
                fraction
            } else {
                fraction * 1000
            }),
        },
        maxerror: crate::abi::Long(host_long(&timex, 24)),
        esterror: crate::abi::Long(host_long(&timex, 32)),
        tai: crate::abi::Long((host_long(&timex, TAI) as i32).into()),
        time_state: state as i32,
    };
    call.write_struct(call.arg(0), &told)?;
    Ok(state)
}

// Ids with these bits are clocks of the CPU time of a process or of a thread (`kern/kern_time.c`), with its number below.
const CPU_CLOCK: u32 = 0x8000_0000;
const CPU_CLOCK_OF_PROCESS: u32 = 0x4000_0000;
// The host has the complement of the number, over these (`linux/posix-timers.h`).
const HOST_SCHED: i64 = 2;
const HOST_OF_THREAD: i64 = 4;

/// The host's number of a clock.
fn clock(call: &Call<'_>, n: usize) -> SysResult {
    let own = call.arg(n) as u32;
    if own & CPU_CLOCK != 0 {
        let id = !i64::from(own & !(CPU_CLOCK | CPU_CLOCK_OF_PROCESS)) << 3;
        let of_thread = if own & CPU_CLOCK_OF_PROCESS == 0 {
            HOST_OF_THREAD
        } else {
            0
        };
        return Ok((id | HOST_SCHED | of_thread) as u64);
    }
    let known = f::CLOCK.fields[0]
        .values
        .iter()
        .find(|v| v.value(crate::abi::Dialect::FreeBsd) == u64::from(own));
    known.map(|v| v.host).ok_or(Errno::EINVAL)
}

fn on_clock(call: &mut Call<'_>, number: i64) -> SysResult {
    let clock = clock(call, 0)?;
    pass_with(call, number, false, &[(0, clock)])
}

/// Sleeps on a clock; argument `at` is the time, the next one what is left of it.
fn sleep(call: &mut Call<'_>, clock: u64, flags: u64, at: usize, left: usize) -> SysResult {
    let time: Timespec = call.read_struct(call.arg(at))?;
    let mut request = [time.tv_sec.0, time.tv_nsec.0];
    // A time that has passed is no error (`kern_clock_nanosleep`).
    if time.tv_sec.0 < 0 && (0..1_000_000_000).contains(&time.tv_nsec.0) {
        return Ok(0);
    }
    loop {
        // What the host leaves as it is if it has not slept at all, and with an absolute time.
        let mut rest = request;
        let args = [
            clock,
            flags,
            request.as_ptr() as u64,
            rest.as_mut_ptr() as u64,
            0,
            0,
        ];
        match call.host_wait(SYS_clock_nanosleep, args) {
            // A signal ends a sleep whatever SA_RESTART says, unless nothing comes of it.
            Err(Errno::EINTR | crate::process::ERESTARTSYS) => {
                // The host counts the slack of its timers in.
                rest = rest.min(request);
                if call.thread.pass_over_ignored() {
                    request = rest;
                    continue;
                }
                if call.arg(left) != 0 && flags == 0 {
                    let rest = Timespec {
                        tv_sec: crate::abi::Long(rest[0]),
                        tv_nsec: crate::abi::Long(rest[1]),
                    };
                    call.write_struct(call.arg(left), &rest)?;
                }
                return Err(Errno::EINTR);
            }
            other => return other,
        }
    }
}

/// It returns the error number rather than setting errno.
fn sleep_on_clock(call: &mut Call<'_>) -> SysResult {
    let result = clock(call, 0).and_then(|id| sleep(call, id, call.arg(1), 2, 3));
    match result {
        Ok(_) => Ok(0),
        Err(e) => Ok(e.to_guest(call.abi.dialect).into()),
    }
}

/// UTIME_NOW and UTIME_OMIT of FreeBSD, and of the host.
const NOW: (i64, i64) = (-1, 0x3fff_ffff);
const OMIT: (i64, i64) = (-2, 0x3fff_fffe);

const AT_FDCWD: u64 = -100i64 as u64;
const HOST_SYMLINK_NOFOLLOW: u64 = 0x100;

/// `utimes` and its like: two `struct timeval`, or the present.
fn set_old_times(
    call: &mut Call<'_>,
    dir: u64,
    path: Option<std::ffi::CString>,
    times: usize,
    flags: u64,
) -> SysResult {
    let at = call.arg(times);
    let mut host = [0i64; 4];
    if at != 0 {
        let size = Timeval::DESC.size(call.abi) as u64;
        for n in 0..2 {
            let t: Timeval = call.read_struct(at.wrapping_add(n as u64 * size))?;
            if !(0..1_000_000).contains(&t.tv_usec.0) {
                return Err(Errno::EINVAL);
            }
            host[2 * n] = t.tv_sec.0;
            host[2 * n + 1] = t.tv_usec.0 * 1000;
        }
    }
    let args = [
        dir,
        path.as_ref().map_or(0, |p| p.as_ptr() as u64),
        if at != 0 { host.as_ptr() as u64 } else { 0 },
        flags,
        0,
        0,
    ];
    call.host(SYS_utimensat, args)
}

/// The clock of the time that a process or a thread of this process has used.
fn cpu_clock(call: &mut Call<'_>) -> SysResult {
    // sys/time.h; time.h
    const CPUCLOCK_WHICH_PID: i32 = 0;
    const CPUCLOCK_WHICH_TID: i32 = 1;
    const CLOCK_THREAD_CPUTIME_ID: u64 = 14;
    const CLOCK_PROCESS_CPUTIME_ID: u64 = 15;
    let (id, me, tid) = (
        call.arg(0),
        crate::host::pid() as u64,
        call.thread.tid() as u64,
    );
    let clock = match call.int(1) {
        CPUCLOCK_WHICH_PID if id == 0 || id == me => CLOCK_PROCESS_CPUTIME_ID,
        CPUCLOCK_WHICH_TID if id == 0 || id == tid => CLOCK_THREAD_CPUTIME_ID,
        CPUCLOCK_WHICH_PID => {
            call.host(SYS_kill, [id, 0, 0, 0, 0, 0])?;
            u64::from(CPU_CLOCK | CPU_CLOCK_OF_PROCESS | id as u32)
        }
        CPUCLOCK_WHICH_TID => {
            if !call
                .thread
                .process
                .threads()
                .iter()
                .any(|t| t.tid as u64 == id)
            {
                return Err(Errno::ESRCH);
            }
            u64::from(CPU_CLOCK | id as u32)
        }
        _ => return Err(Errno::EINVAL),
    };
    call.write_int(call.arg(2), crate::abi::Kind::I32, clock)?;
    Ok(0)
}

fn set_times(call: &mut Call<'_>, path: Option<usize>, times: usize, flag: usize) -> SysResult {
    let path = path.map(|n| call.path(n)).transpose()?;
    let flags = if flag < call.row.args.len() {
        call.host_flags(flag)
    } else {
        0
    };
    let mut host = [0i64; 4];
    let at = call.arg(times);
    if at != 0 {
        let size = Timespec::DESC.size(call.abi) as u64;
        for n in 0..2 {
            let t: Timespec = call.read_struct(at.wrapping_add(n as u64 * size))?;
            host[2 * n] = t.tv_sec.0;
            host[2 * n + 1] = match t.tv_nsec.0 {
                v if v == NOW.0 => NOW.1,
                v if v == OMIT.0 => OMIT.1,
                v => v,
            };
        }
    }
    let args = [
        call.arg(0),
        path.as_ref().map_or(0, |p| p.as_ptr() as u64),
        if at != 0 { host.as_ptr() as u64 } else { 0 },
        flags,
        0,
        0,
    ];
    call.host(SYS_utimensat, args)
}
