/* FreeBSD's numbers and structures, as far as the programs of free/freebsd need them: sys/syscall.h and its like of 13.2. */
#ifndef FREEBSD_H
#define FREEBSD_H

#include <stddef.h>
#include <stdint.h>

#define __NR_exit_group 1
#define __NR_fork 2
#define __NR_read 3
#define __NR_write 4
#define __NR_open 5
#define __NR_close 6
#define __NR_wait4 7
#define __NR_link 9
#define __NR_unlink 10
#define __NR_chdir 12
#define __NR_freebsd11_mknod 14
#define __NR_chmod 15
#define __NR_obreak 17
#define __NR_getpid 20
#define __NR_setuid 23
#define __NR_getuid 24
#define __NR_geteuid 25
#define __NR_ptrace 26
#define __NR_recvmsg 27
#define __NR_sendmsg 28
#define __NR_accept 30
#define __NR_getsockname 32
#define __NR_chflags 34
#define __NR_fchflags 35
#define __NR_kill 37
#define __NR_getppid 39
#define __NR_dup 41
#define __NR_getegid 43
#define __NR_getlogin 49
#define __NR_sigaltstack 53
#define __NR_ioctl 54
#define __NR_revoke 56
#define __NR_symlink 57
#define __NR_readlink 58
#define __NR_execve 59
#define __NR_chroot 61
#define __NR_vfork 66
#define __NR_munmap 73
#define __NR_mprotect 74
#define __NR_mincore 78
#define __NR_getgroups_before_15 79
#define __NR_setgroups_before_15 80
#define __NR_getpgrp 81
#define __NR_setpgid 82
#define __NR_setitimer 83
#define __NR_getdtablesize 89
#define __NR_dup2 90
#define __NR_fcntl 92
#define __NR_select 93
#define __NR_socket 97
#define __NR_connect 98
#define __NR_bind 104
#define __NR_setsockopt 105
#define __NR_listen 106
#define __NR_getrusage 117
#define __NR_getsockopt 118
#define __NR_readv 120
#define __NR_writev 121
#define __NR_fchown 123
#define __NR_fchmod 124
#define __NR_setreuid 126
#define __NR_rename 128
#define __NR_mkfifo 132
#define __NR_sendto 133
#define __NR_shutdown 134
#define __NR_socketpair 135
#define __NR_mkdir 136
#define __NR_rmdir 137
#define __NR_utimes 138
#define __NR_setsid 147
#define __NR_sysarch 165
#define __NR_rtprio 166
#define __NR_setgid 181
#define __NR_seteuid 183
#define __NR_freebsd11_stat 188
#define __NR_freebsd11_fstat 189
#define __NR_freebsd11_lstat 190
#define __NR_pathconf 191
#define __NR_getrlimit 194
#define __NR_setrlimit 195
#define __NR_freebsd11_getdirentries 196
#define __NR___sysctl 202
#define __NR_mlock 203
#define __NR_futimes 206
#define __NR_poll 209
#define __NR_semget 221
#define __NR_semop 222
#define __NR_msgget 225
#define __NR_msgsnd 226
#define __NR_msgrcv 227
#define __NR_shmat 228
#define __NR_shmdt 230
#define __NR_shmget 231
#define __NR_clock_gettime 232
#define __NR_clock_settime 233
#define __NR_ktimer_create 235
#define __NR_ktimer_delete 236
#define __NR_ktimer_settime 237
#define __NR_ktimer_gettime 238
#define __NR_ktimer_getoverrun 239
#define __NR_nanosleep 240
#define __NR_minherit 250
#define __NR_rfork 251
#define __NR_issetugid 253
#define __NR_aio_read 255
#define __NR_aio_write 256
#define __NR_lio_listio 257
#define __NR_freebsd11_getdents 272
#define __NR_lchmod 274
#define __NR_lutimes 276
#define __NR_freebsd11_nstat 278
#define __NR_freebsd11_nfstat 279
#define __NR_freebsd11_nlstat 280
#define __NR_modnext 300
#define __NR_modstat 301
#define __NR_modfind 303
#define __NR_kldfind 306
#define __NR_kldnext 307
#define __NR_kldstat 308
#define __NR_getsid 310
#define __NR_setresuid 311
#define __NR_setresgid 312
#define __NR_aio_return 314
#define __NR_aio_suspend 315
#define __NR_aio_cancel 316
#define __NR_aio_error 317
#define __NR_freebsd6_aio_read 318
#define __NR_freebsd6_aio_write 319
#define __NR_freebsd6_lio_listio 320
#define __NR___getcwd 326
#define __NR_sched_yield 331
#define __NR_utrace 335
#define __NR_sigprocmask 340
#define __NR_sigsuspend 341
#define __NR_sigpending 343
#define __NR_sigtimedwait 345
#define __NR_sigwaitinfo 346
#define __NR___acl_get_file 347
#define __NR___acl_get_fd 349
#define __NR_extattr_set_file 356
#define __NR_extattr_get_file 357
#define __NR_extattr_delete_file 358
#define __NR_aio_waitcomplete 359
#define __NR_getresuid 360
#define __NR_getresgid 361
#define __NR_kqueue 362
#define __NR_extattr_set_fd 371
#define __NR_extattr_get_fd 372
#define __NR_extattr_delete_fd 373
#define __NR_kenv 390
#define __NR_lchflags 391
#define __NR_freebsd11_statfs 396
#define __NR_ksem_close 400
#define __NR_ksem_post 401
#define __NR_ksem_wait 402
#define __NR_ksem_trywait 403
#define __NR_ksem_init 404
#define __NR_ksem_open 405
#define __NR_ksem_unlink 406
#define __NR_ksem_getvalue 407
#define __NR_ksem_destroy 408
#define __NR_sigaction 416
#define __NR_sigreturn 417
#define __NR_getcontext 421
#define __NR_setcontext 422
#define __NR_sigwait 429
#define __NR_thr_create 430
#define __NR_thr_exit 431
#define __NR_thr_self 432
#define __NR_thr_kill 433
#define __NR_extattr_list_fd 437
#define __NR_extattr_list_file 438
#define __NR_ksem_timedwait 441
#define __NR_thr_suspend 442
#define __NR_thr_wake 443
#define __NR__umtx_op 454
#define __NR_thr_new 455
#define __NR_sigqueue 456
#define __NR_kmq_open 457
#define __NR_kmq_setattr 458
#define __NR_kmq_timedreceive 459
#define __NR_kmq_timedsend 460
#define __NR_kmq_notify 461
#define __NR_kmq_unlink 462
#define __NR_thr_set_name 464
#define __NR_aio_fsync 465
#define __NR_rtprio_thread 466
#define __NR_pread 475
#define __NR_mmap 477
#define __NR_lseek 478
#define __NR_truncate 479
#define __NR_ftruncate 480
#define __NR_thr_kill2 481
#define __NR_shm_unlink 483
#define __NR_cpuset 484
#define __NR_faccessat 489
#define __NR_fchmodat 490
#define __NR_fexecve 492
#define __NR_freebsd11_fstatat 493
#define __NR_futimesat 494
#define __NR_linkat 495
#define __NR_mkdirat 496
#define __NR_openat 499
#define __NR_readlinkat 500
#define __NR_renameat 501
#define __NR_symlinkat 502
#define __NR_unlinkat 503
#define __NR_posix_openpt 504
#define __NR_jail_get 506
#define __NR_freebsd12_closefrom 509
#define __NR___semctl 510
#define __NR_msgctl 511
#define __NR_shmctl 512
#define __NR___cap_rights_get 515
#define __NR_cap_enter 516
#define __NR_cap_getmode 517
#define __NR_pdfork 518
#define __NR_pdkill 519
#define __NR_pdgetpid 520
#define __NR_pselect 522
#define __NR_wait6 532
#define __NR_cap_rights_limit 533
#define __NR_cap_ioctls_limit 534
#define __NR_cap_ioctls_get 535
#define __NR_cap_fcntls_limit 536
#define __NR_cap_fcntls_get 537
#define __NR_bindat 538
#define __NR_connectat 539
#define __NR_pipe2 542
#define __NR_aio_mlock 543
#define __NR_fstat 551
#define __NR_fstatat 552
#define __NR_getdirentries 554
#define __NR_statfs 555
#define __NR_fstatfs 556
#define __NR_getfsstat 557
#define __NR_kevent 560
#define __NR_getrandom 563
#define __NR_funlinkat 568
#define __NR_copy_file_range 569
#define __NR___sysctlbyname 570
#define __NR_shm_open2 571
#define __NR_shm_rename 572
#define __NR_sigfastblock 573
#define __NR___realpathat 574
#define __NR_close_range 575
#define __NR___specialfd 577
#define __NR_aio_writev 578
#define __NR_aio_readv 579
#define __NR_fspacectl 580
#define __NR_sched_getcpu 581
#define __NR_membarrier 584
#define __NR_timerfd_create 585
#define __NR_timerfd_settime 587
#define __NR_kcmp 588

typedef int64_t off_t;
struct timespec { int64_t sec; long nsec; };

/* Calls with arguments of 64 bits; the result is -errno where there is one. */
long mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
long wait6(int idtype, int64_t id, int *status, int options, void *usage, void *info);
long sendfile(int fd, int socket, off_t offset, size_t n, void *hdtr, off_t *sent, int flags);
long pread(int fd, void *buf, size_t n, off_t offset);
long pwrite(int fd, const void *buf, size_t n, off_t offset);
long ftruncate(int fd, off_t length);
off_t lseek(int fd, off_t offset, int whence);
long cpuset_getaffinity(int level, int which, int64_t id, size_t size, void *mask);
long cpuset_setaffinity(int level, int which, int64_t id, size_t size, const void *mask);
long cpuset_getid(int level, int which, int64_t id, int *set);
long procctl(int idtype, int64_t id, int command, void *data);
long clock_getcpuclockid2(int64_t id, int which, int *clock);
/* The indirect calls. */
long syscall(int number, ...);
int64_t __syscall(int64_t number, ...);

/* What a register said at the start; NULL where none does. */
extern void *start_ps_strings;

/* Both results of a call that forks. */
long fork_pair(int number, long flags, long *second);
void *thread_pointer(void);
/* Faults at 0x1230. */
int bad_load(void);

#endif
