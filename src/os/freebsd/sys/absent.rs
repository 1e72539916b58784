//! Calls that the kernels of AArch64 and of MIPS do not carry out, and what they answer (`kern/init_sysent.c`, `conf/GENERIC`).
//!
//! A call for programs of early releases is there in a kernel with the option for them, and these kernels go back to FreeBSD 11
//! only: there have been no earlier programs for these machines. What is not in the kernel, a module's calls included, raises SIGSYS
//! as any number without a call does; what an option leaves empty does not.

use crate::abi::{Errno, SysResult};
use crate::host::nr::SYS_tgkill;
use crate::os::freebsd::decode::files::parameters;
use crate::os::freebsd::flags as f;
use crate::os::{Call, Run::Handler, Support::Stub, *};
use crate::process::{Signal, Unimplemented};

const NO_43: &str = "ENOSYS and SIGSYS: no COMPAT_43 in kernels of these machines";
const NO_4: &str = "ENOSYS and SIGSYS: no COMPAT_FREEBSD4 in kernels of these machines";
const NO_6: &str = "ENOSYS and SIGSYS: no COMPAT_FREEBSD6 in kernels of these machines";
const NO_7: &str = "ENOSYS and SIGSYS: no COMPAT_FREEBSD7 in kernels of these machines";
const NO_10: &str = "ENOSYS and SIGSYS: no COMPAT_FREEBSD10 in kernels of these machines";
const NO_MODULE: &str = "ENOSYS and SIGSYS, as without the module";
const NO_AUDIT: &str = "ENOSYS, as without option AUDIT";
const NO_MAC: &str = "ENOSYS, as without option MAC";
const NO_RCTL: &str = "ENOSYS, as long as kern.racct.enable is 0";
const NO_FFCLOCK: &str = "ENOSYS, as without option FFCLOCK";
const NO_KTRACE: &str = "ENOSYS, as without option KTRACE: --strace traces";
const PRIVILEGED: &str = "EPERM, as for all but the superuser";

crate::syscalls! {
    ocreat(path: PATH, mode: INT) -> NUM, Stub(NO_43), Handler(absent);
    olseek(fd: FD, offset: LONG, whence: INT) -> NUM, Stub(NO_43), Handler(absent);
    ostat(path: PATH, ub: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    olstat(path: PATH, ub: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    osigaction(signum: INT, nsa: ADDR, osa: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    osigprocmask(how: INT, mask: BITS) -> NUM, Stub(NO_43), Handler(absent);
    osigpending() -> NUM, Stub(NO_43), Handler(absent);
    ofstat(fd: DIRFD, sb: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    ogetkerninfo(op: INT, where: ADDR, size: ADDR, arg: INT) -> NUM, Stub(NO_43), Handler(absent);
    ogetpagesize() -> NUM, Stub(NO_43), Handler(absent);
    ommap(addr: ADDR, len: INT, prot: INT, flags: INT, fd: FD, pos: LONG) -> HEXNUM, Stub(NO_43), Handler(absent);
    owait() -> NUM, Stub(NO_43), Handler(absent);
    ogethostname(hostname: ADDR, len: UINT) -> NUM, Stub(NO_43), Handler(absent);
    osethostname(hostname: ADDR, len: UINT) -> NUM, Stub(NO_43), Handler(absent);
    oaccept(s: FD, name: ADDR, anamelen: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    osend(s: FD, buf: ADDR, len: INT, flags: INT) -> NUM, Stub(NO_43), Handler(absent);
    orecv(s: FD, buf: ADDR, len: INT, flags: INT) -> NUM, Stub(NO_43), Handler(absent);
    osigreturn(sigcntxp: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    osigvec(signum: INT, nsv: ADDR, osv: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    osigblock(mask: INT) -> NUM, Stub(NO_43), Handler(absent);
    osigsetmask(mask: INT) -> NUM, Stub(NO_43), Handler(absent);
    osigsuspend(mask: BITS) -> NUM, Stub(NO_43), Handler(absent);
    osigstack(nss: ADDR, oss: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    orecvmsg(s: FD, msg: ADDR, flags: INT) -> NUM, Stub(NO_43), Handler(absent);
    osendmsg(s: FD, msg: ADDR, flags: INT) -> NUM, Stub(NO_43), Handler(absent);
    orecvfrom(s: FD, buf: ADDR, len: SIZE, flags: INT, from: ADDR, fromlenaddr: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    otruncate(path: PATH, length: LONG) -> NUM, Stub(NO_43), Handler(absent);
    oftruncate(fd: FD, length: LONG) -> NUM, Stub(NO_43), Handler(absent);
    ogetpeername(fdes: FD, asa: ADDR, alen: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    ogethostid() -> NUM, Stub(NO_43), Handler(absent);
    osethostid(hostid: LONG) -> NUM, Stub(NO_43), Handler(absent);
    ogetrlimit(which: UINT, rlp: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    osetrlimit(which: UINT, rlp: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    okillpg(pgid: INT, signum: INT) -> NUM, Stub(NO_43), Handler(absent);
    oquota() -> NUM, Stub(NO_43), Handler(absent);
    ogetsockname(fdec: INT, asa: ADDR, alen: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    ogetdirentries(fd: FD, buf: ADDR, count: UINT, basep: ADDR) -> NUM, Stub(NO_43), Handler(absent);
    freebsd4_getfsstat(buf: ADDR, bufsize: LONG, mode: INT) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_statfs(path: PATH, buf: ADDR) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_fstatfs(fd: FD, buf: ADDR) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_getdomainname(domainname: ADDR, len: INT) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_setdomainname(domainname: ADDR, len: INT) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_uname(name: ADDR) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_fhstatfs(u_fhp: ADDR, buf: ADDR) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_sendfile(fd: FD, s: FD, offset: OFFSET, nbytes: SIZE, hdtr: ADDR, sbytes: ADDR, flags: INT) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_sigaction(sig: INT, act: ADDR, oact: ADDR) -> NUM, Stub(NO_4), Handler(absent);
    freebsd4_sigreturn(sigcntxp: ADDR) -> NUM, Stub(NO_4), Handler(absent);
    freebsd6_mmap(addr: ADDR, len: SIZE, prot: INT, flags: INT, fd: FD, pad: INT, pos: OFFSET) -> HEXNUM, Stub(NO_6), Handler(absent);
    freebsd7___semctl(semid: INT, semnum: INT, cmd: INT, arg: ADDR) -> NUM, Stub(NO_7), Handler(absent);
    freebsd7_msgctl(msqid: INT, cmd: INT, buf: ADDR) -> NUM, Stub(NO_7), Handler(absent);
    freebsd7_shmctl(shmid: INT, cmd: INT, buf: ADDR) -> NUM, Stub(NO_7), Handler(absent);
    semsys(which: INT, a2: INT, a3: INT, a4: INT, a5: INT) -> NUM, Stub(NO_7), Handler(absent);
    msgsys(which: INT, a2: INT, a3: INT, a4: INT, a5: INT, a6: INT) -> NUM, Stub(NO_7), Handler(absent);
    shmsys(which: INT, a2: INT, a3: INT, a4: INT) -> NUM, Stub(NO_7), Handler(absent);
    freebsd10__umtx_lock(umtx: ADDR) -> NUM, Stub(NO_10), Handler(absent);
    freebsd10__umtx_unlock(umtx: ADDR) -> NUM, Stub(NO_10), Handler(absent);
    nnpfs_syscall(operation: INT, a_pathP: ADDR, a_opcode: INT, a_paramsP: ADDR, a_followSymlinks: INT) -> NUM, Stub(NO_MODULE), Handler(absent);
    afs3_syscall(syscall: LONG, parm1: LONG, parm2: LONG, parm3: LONG, parm4: LONG, parm5: LONG, parm6: LONG) -> NUM, Stub(NO_MODULE), Handler(absent);
    gssd_syscall(path: PATH) -> NUM, Stub(NO_MODULE), Handler(absent);
    rpctls_syscall(op: INT, path: PATH) -> NUM, Stub(NO_MODULE), Handler(absent);
    sctp_peeloff(sd: INT, name: UINT) -> NUM, Stub(NO_MODULE), Handler(absent);
    sctp_generic_sendmsg(sd: INT, msg: ADDR, mlen: INT, to: ADDR, tolen: UINT, sinfo: ADDR, flags: INT) -> NUM, Stub(NO_MODULE), Handler(absent);
    sctp_generic_sendmsg_iov(sd: INT, iov: ADDR, iovlen: INT, to: ADDR, tolen: UINT, sinfo: ADDR, flags: INT) -> NUM, Stub(NO_MODULE), Handler(absent);
    sctp_generic_recvmsg(sd: INT, iov: ADDR, iovlen: INT, from: ADDR, fromlenaddr: ADDR, sinfo: ADDR, msg_flags: ADDR) -> NUM, Stub(NO_MODULE), Handler(absent);
    __mac_get_proc(mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_set_proc(mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_get_fd(fd: FD, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_get_file(path_p: PATH, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_set_fd(fd: FD, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_set_file(path_p: PATH, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    mac_syscall(policy: ADDR, call: INT, arg: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_get_pid(pid: INT, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_get_link(path_p: PATH, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_set_link(path_p: PATH, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    __mac_execve(fname: STR, argv: ADDR, envv: ADDR, mac_p: ADDR) -> NUM, Stub(NO_MAC), Handler(|_| Err(Errno::ENOSYS));
    rctl_get_racct(inbufp: ADDR, inbuflen: SIZE, outbufp: ADDR, outbuflen: SIZE) -> NUM, Stub(NO_RCTL), Handler(|_| Err(Errno::ENOSYS));
    rctl_get_rules(inbufp: ADDR, inbuflen: SIZE, outbufp: ADDR, outbuflen: SIZE) -> NUM, Stub(NO_RCTL), Handler(|_| Err(Errno::ENOSYS));
    rctl_get_limits(inbufp: ADDR, inbuflen: SIZE, outbufp: ADDR, outbuflen: SIZE) -> NUM, Stub(NO_RCTL), Handler(|_| Err(Errno::ENOSYS));
    rctl_add_rule(inbufp: ADDR, inbuflen: SIZE, outbufp: ADDR, outbuflen: SIZE) -> NUM, Stub(NO_RCTL), Handler(|_| Err(Errno::ENOSYS));
    rctl_remove_rule(inbufp: ADDR, inbuflen: SIZE, outbufp: ADDR, outbuflen: SIZE) -> NUM, Stub(NO_RCTL), Handler(|_| Err(Errno::ENOSYS));
    ffclock_getcounter(ffcount: ADDR) -> NUM, Stub(NO_FFCLOCK), Handler(|_| Err(Errno::ENOSYS));
    ffclock_setestimate(cest: ADDR) -> NUM, Stub(NO_FFCLOCK), Handler(|_| Err(Errno::ENOSYS));
    ffclock_getestimate(cest: ADDR) -> NUM, Stub(NO_FFCLOCK), Handler(|_| Err(Errno::ENOSYS));
    ktrace(fname: STR, ops: INT, facs: INT, pid: INT) -> NUM, Stub(NO_KTRACE), Handler(no_trace);
    audit(record: ADDR, length: UINT) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    auditon(cmd: INT, data: ADDR, length: UINT) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    getauid(auid: ADDR) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    setauid(auid: ADDR) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    getaudit(auditinfo: ADDR) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    setaudit(auditinfo: ADDR) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    getaudit_addr(auditinfo_addr: ADDR, length: UINT) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    setaudit_addr(auditinfo_addr: ADDR, length: UINT) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    auditctl(path: PATH) -> NUM, Stub(NO_AUDIT), Handler(|_| Err(Errno::ENOSYS));
    nlm_syscall(debug_level: INT, grace_period: INT, addr_count: INT, addrs: ADDR) -> NUM, Stub(PRIVILEGED), Handler(|_| Err(Errno::EPERM));
    nfssvc(flag: INT, argp: ADDR) -> NUM, Stub(PRIVILEGED), Handler(|_| Err(Errno::EPERM));
    jail_set(iovp: ArgType::Decoded(Dir::In, parameters), iovcnt: UINT, flags: flags(&f::JAIL)) -> NUM, Stub(PRIVILEGED), Handler(|_| Err(Errno::EPERM));
    setcred(flags: HEX, wcred: ADDR, size: SIZE) -> NUM, Stub(PRIVILEGED), Handler(|_| Err(Errno::EPERM));
}

/// The answer of a kernel that has no such call, and word of it for the user: such a program is not what it seems.
fn absent(call: &mut Call<'_>) -> SysResult {
    call.report_unimplemented(Unimplemented {
        kind: "syscall",
        what: call.row.name.to_owned(),
        ..Unimplemented::default()
    });
    raise_sigsys(call)
}

/// ENOSYS and the signal.
pub(super) fn raise_sigsys(call: &mut Call<'_>) -> SysResult {
    let (pid, tid) = (crate::host::pid() as u64, call.thread.tid() as u64);
    let sigsys = u64::from(Signal::SIGSYS.0);
    call.host(SYS_tgkill, [pid, tid, sigsys, 0, 0, 0])?;
    Err(Errno::ENOSYS)
}

fn no_trace(call: &mut Call<'_>) -> SysResult {
    call.unimplemented("a trace of the kernel's");
    Err(Errno::ENOSYS)
}
