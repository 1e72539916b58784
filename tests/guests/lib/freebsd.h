/* FreeBSD's numbers and structures, as far as the programs of free/freebsd need them: sys/syscall.h and its like of 13.2. */
#ifndef FREEBSD_H
#define FREEBSD_H

#define __NR_exit_group 1
#define __NR_fork 2
#define __NR_read 3
#define __NR_write 4
#define __NR_open 5
#define __NR_close 6
#define __NR_unlink 10
#define __NR_getpid 20
#define __NR_kill 37
#define __NR_sigaltstack 53
#define __NR_munmap 73
#define __NR_mprotect 74
#define __NR_fcntl 92
#define __NR_socketpair 135
#define __NR_mkdir 136
#define __NR_rmdir 137
#define __NR_sigprocmask 340
#define __NR_sigtimedwait 345
#define __NR_kqueue 362
#define __NR_sigaction 416
#define __NR_getcontext 421
#define __NR_setcontext 422
#define __NR_thr_exit 431
#define __NR_thr_self 432
#define __NR_thr_kill 433
#define __NR__umtx_op 454
#define __NR_thr_new 455
#define __NR_mmap 477
#define __NR_lseek 478
#define __NR_wait6 532
#define __NR_pipe2 542
#define __NR_fstat 551
#define __NR_getdirentries 554
#define __NR_kevent 560
#define __NR_getrandom 563
#define __NR___sysctlbyname 570
#define __NR_shm_open2 571

#endif
