/* System V and POSIX IPC, timers, extended attributes, what the kernel says of itself, scheduling. */
#include "check.h"

enum { CREAT = 01000, EXCL = 02000, NOWAIT = 04000, RMID = 0, SET = 1, STAT = 2 };
struct ipc_perm { u32 cuid, cgid, uid, gid; u16 mode, seq; long key; };
struct shmid_ds { struct ipc_perm perm; size_t size; int lpid, cpid; u32 attached; s64 atime, dtime, ctime; };
struct semid_ds { struct ipc_perm perm; void *base; u16 count; s64 otime, ctime; };
struct msqid_ds { struct ipc_perm perm; void *first, *last; unsigned long bytes, number, most; int lspid, lrpid; s64 stime, rtime, ctime; };

static void shared_memory(void)
{
	struct shmid_ds ds;
	long id = SYS(shmget, 0, 8192, CREAT | 0600);
	CHECK(id >= 0);
	char *at = (char *)SYS(shmat, id, 0, 0), *again = (char *)SYS(shmat, id, 0, 010000);
	CHECK((long)at > 0 && (long)again > 0 && at != again);
	at[5000] = 42;
	SAME(again[5000], 42);
	/* In the place of what is there: SHM_REMAP, which is the other two flags. */
	long room = mmap(0, 8192, 3, 0x1002, -1, 0);
	CHECK(SYS(shmat, id, room, 0) < 0 && SYS(shmat, id, room, 030000) == room);
	SAME(((char *)room)[5000], 42);
	SAME(SYS(shmdt, room), 0);
	SAME(SYS(shmctl, id, STAT, &ds), 0);
	CHECK(ds.size == 8192 && ds.attached == 2 && ds.cpid == SYS(getpid) && (ds.perm.mode & 0777) == 0600);
	CHECK(ds.perm.uid == (u32)SYS(getuid) && ds.ctime > 1500000000 && ds.atime > 1500000000);
	ds.perm.mode = 0640;
	SAME(SYS(shmctl, id, SET, &ds), 0);
	SAME(SYS(shmctl, id, STAT, &ds), 0);
	SAME(ds.perm.mode & 0777, 0640);
	SAME(SYS(shmctl, id, STAT, 0), -EFAULT);
	SAME(SYS(shmctl, id, 99, &ds), -EINVAL);
	SAME(SYS(shmctl, id, RMID, 0), 0);
	SAME(SYS(shmdt, at), 0);
	/* What only Linux's programs may ask. */
	for (int command = 11; command <= 14; command++)
		SAME(SYS(shmctl, id, command, &again), -EINVAL);
	SAME(SYS(shmdt, again), 0);
	SAME(SYS(shmdt, again), -EINVAL);
	SAME(SYS(shmat, id, 0, 0), -EINVAL);
}

static void semaphores(void)
{
	enum { GETPID = 4, GETVAL = 5, GETALL = 6, SETVAL = 8, SETALL = 9 };
	struct sembuf { u16 number; short op, flags; };
	union semun { int value; void *pointer; } arg;
	struct semid_ds ds;
	long id = SYS(semget, 0, 3, CREAT | 0600);
	CHECK(id >= 0);
	u16 values[3] = {1, 2, 3}, got[3] = {0};
	arg.pointer = values;
	SAME(SYS(__semctl, id, 0, SETALL, &arg), 0);
	arg.value = 7;
	SAME(SYS(__semctl, id, 1, SETVAL, &arg), 0);
	SAME(SYS(__semctl, id, 1, GETVAL, 0), 7);
	SAME(SYS(__semctl, id, 1, GETPID, 0), SYS(getpid));
	arg.pointer = got;
	SAME(SYS(__semctl, id, 0, GETALL, &arg), 0);
	CHECK(got[0] == 1 && got[1] == 7 && got[2] == 3);
	arg.pointer = &ds;
	SAME(SYS(__semctl, id, 0, STAT, &arg), 0);
	CHECK(ds.count == 3 && ds.ctime > 1500000000 && (ds.perm.mode & 0777) == 0600);
	struct sembuf take = {0, -1, 0}, more = {0, -1, NOWAIT}, both[2] = {{1, -7, 0}, {2, 1, 0}};
	SAME(SYS(semop, id, &take, 1), 0);
	SAME(SYS(semop, id, &more, 1), -EAGAIN);
	SAME(SYS(semop, id, both, 2), 0);
	SAME(SYS(__semctl, id, 2, GETVAL, 0), 4);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		struct sembuf give = {0, 1, 0};
		quit(SYS(semop, id, &give, 1) == 0 ? 0 : 1);
	}
	SAME(SYS(semop, id, &take, 1), 0);
	int status;
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
	/* By its place in the kernel's table, as ipcs asks. */
	memset(&ds, 0, sizeof ds);
	long place = 0;
	while (place < 32768 && SYS(__semctl, place, 0, 10, &arg) != id)
		place++;
	CHECK(place < 32768 && ds.count == 3);
	SAME(SYS(__semctl, id, 0, 11, &arg), -EINVAL);
	SAME(SYS(__semctl, id, 0, 77, 0), -EINVAL);
	SAME(SYS(__semctl, id, 0, RMID, 0), 0);
	SAME(SYS(semop, id, &more, 1), -EINVAL);
}

static void message_queues(void)
{
	struct { long type; char text[16]; } m = {5, "hello"}, got = {0};
	struct msqid_ds ds;
	long id = SYS(msgget, 0, CREAT | 0600);
	CHECK(id >= 0);
	SAME(SYS(msgsnd, id, &m, 6, 0), 0);
	m.type = 6;
	m.text[0] = 'j';
	SAME(SYS(msgsnd, id, &m, 6, 0), 0);
	SAME(SYS(msgctl, id, STAT, &ds), 0);
	CHECK(ds.number == 2 && ds.bytes == 12 && ds.lspid == SYS(getpid) && ds.stime > 1500000000 && ds.rtime == 0);
	SAME(SYS(msgrcv, id, &got, sizeof got.text, 6, 0), 6);
	CHECK(got.type == 6 && strcmp(got.text, "jello") == 0);
	SAME(SYS(msgrcv, id, &got, 2, 0, 0), -7);
	SAME(SYS(msgrcv, id, &got, 2, 0, 010000), 2);
	CHECK(got.type == 5);
	SAME(SYS(msgrcv, id, &got, 2, 0, NOWAIT), -ENOMSG);
	SAME(SYS(msgctl, id, RMID, 0), 0);
}

static char name[] = "/emu-test-0000000", other[] = "/emu-test-0000000x";

static void names(void)
{
	long pid = SYS(getpid);
	for (int i = 0; i < 7; i++, pid /= 10)
		name[16 - i] = other[16 - i] = '0' + pid % 10;
}

static void posix_shared_memory(void)
{
	enum { RDWR = 2, O_CREAT = 0x200, O_EXCL = 0x800 };
	long fd = SYS(shm_open2, name, RDWR | O_CREAT | O_EXCL, 0600, 0, 0);
	CHECK(fd > 2);
	SAME(SYS(shm_open2, name, RDWR | O_CREAT | O_EXCL, 0600, 0, 0), -EEXIST);
	SAME(ftruncate(fd, 4096), 0);
	char *at = (char *)mmap(0, 4096, 3, 1, fd, 0);
	CHECK((long)at > 0);
	at[9] = 77;
	SAME(SYS(shm_rename, name, other, 1), 0);
	SAME(SYS(shm_open2, name, RDWR, 0, 0, 0), -ENOENT);
	long second = SYS(shm_open2, other, RDWR, 0, 0, 0);
	char byte = 0;
	SAME(pread(second, &byte, 1, 9), 1);
	SAME(byte, 77);
	SAME(SYS(fcntl, second, 1, 0), 1);
	SAME(SYS(shm_unlink, other), 0);
	SAME(SYS(shm_unlink, other), -ENOENT);
	SAME(SYS(shm_open2, "no-slash", RDWR, 0, 0, 0), -EINVAL);
	SAME(SYS(shm_open2, name, RDWR | O_CREAT, 0600, 4, 0), -EOPNOTSUPP);
	long anonymous = SYS(shm_open2, 1, RDWR, 0600, 0, 0);
	CHECK(anonymous > 2);
	SYS(close, anonymous);
	SYS(close, second);
	SYS(close, fd);
	SYS(munmap, at, 4096);
}

static volatile long alarmed;

static void on_alarm(int signal)
{
	(void)signal;
	SYS(ksem_post, alarmed);
}

static void kernel_semaphores(void)
{
	long id = -1, same = -1;
	int value = -1;
	SAME(SYS(ksem_init, &id, 2), 0);
	CHECK(id > 2);
	SAME(SYS(ksem_getvalue, id, &value), 0);
	SAME(value, 2);
	SAME(SYS(ksem_wait, id), 0);
	SAME(SYS(ksem_trywait, id), 0);
	SAME(SYS(ksem_trywait, id), -EAGAIN);
	struct timespec t;
	SAME(SYS(clock_gettime, 0, &t), 0);
	SAME(SYS(ksem_timedwait, id, &t), -ETIMEDOUT);
	SAME(SYS(ksem_post, id), 0);
	SAME(SYS(ksem_timedwait, id, &t), 0);
	/* Interrupted by a signal that restarts calls it goes on, up to the same time. */
	struct { void *handler; int flags; u32 mask[4]; } act = {on_alarm, 2, {0}};
	alarmed = id;
	SAME(SYS(sigaction, 14, &act, 0), 0);
	flush();
	long me = SYS(getpid), caller = SYS(fork);
	if (caller == 0) {
		struct timespec moment = {0, 100000000};
		SYS(nanosleep, &moment, 0);
		quit(SYS(kill, me, 14) == 0 ? 0 : 1);
	}
	t.sec += 10;
	SAME(SYS(ksem_timedwait, id, &t), 0);
	wait6(0, caller, &value, 16, 0, 0);
	SAME(value, 0);
	act.handler = 0;
	SAME(SYS(sigaction, 14, &act, 0), 0);
	SAME(SYS(ksem_destroy, id), 0);
	SAME(SYS(ksem_post, id), -EINVAL);
	SAME(SYS(ksem_post, 1), -EINVAL);
	SAME(SYS(ksem_open, &id, name, 0, 0, 0), -ENOENT);
	SAME(SYS(ksem_open, &id, name, 0x200, 0600, 1), 0);
	SAME(SYS(ksem_open, &same, name, 0x200, 0600, 9), 0);
	SAME(SYS(ksem_wait, same), 0);
	SAME(SYS(ksem_trywait, id), -EAGAIN);
	flush();
	long child = SYS(fork);
	if (child == 0)
		quit(SYS(ksem_post, same) == 0 ? 0 : 1);
	SAME(SYS(ksem_wait, id), 0);
	wait6(0, child, &value, 16, 0, 0);
	SAME(value, 0);
	for (int n = 0; n < 3; n++)
		SAME(SYS(ksem_post, id), 0);
	SAME(SYS(ksem_getvalue, id, &value), 0);
	SAME(value, 3);
	/* It keeps its value while nobody has it open. */
	SAME(SYS(ksem_close, id), 0);
	SAME(SYS(ksem_close, same), 0);
	SAME(SYS(ksem_open, &id, name, 0xa00, 0600, 1), -EEXIST);
	SAME(SYS(ksem_open, &id, name, 0x400, 0600, 1), -EINVAL);
	SAME(SYS(ksem_open, &id, name, 0x200, 0600, 1), 0);
	SAME(SYS(ksem_open, &same, name, 0, 0, 0), 0);
	SAME(SYS(ksem_getvalue, id, &value), 0);
	SAME(value, 3);
	long full;
	SAME(SYS(ksem_init, &full, 0x7fffffff), 0);
	SAME(SYS(ksem_post, full), -84); /* EOVERFLOW */
	SAME(SYS(ksem_close, full), -EINVAL);
	SAME(SYS(ksem_destroy, id), -EINVAL);
	SAME(SYS(ksem_destroy, full), 0);
	SAME(SYS(ksem_unlink, name), 0);
	SAME(SYS(ksem_unlink, name), -ENOENT);
	SAME(SYS(ksem_close, id), 0);
	SAME(SYS(ksem_close, same), 0);
}

struct sigevent { int notify, signo; unsigned long value; long spare[8]; };

static void posix_queues(void)
{
	long attr[8] = {0, 4, 64}, now[8];
	long fd = SYS(kmq_open, name, 0x200 | 2, 0600, attr);
	if (fd == -ENOSYS)
		return; /* a host without them */
	CHECK(fd >= 0);
	SAME(SYS(kmq_timedsend, fd, "low", 4, 1, 0), 0);
	SAME(SYS(kmq_timedsend, fd, "high", 5, 9, 0), 0);
	attr[0] = 4;
	SAME(SYS(kmq_setattr, fd, attr, now), 0);
	CHECK(now[0] == 0 && now[1] == 4 && now[2] == 64 && now[3] == 2);
	char text[64];
	u32 priority = 0;
	SAME(SYS(kmq_timedreceive, fd, text, sizeof text, &priority, 0), 5);
	CHECK(priority == 9 && strcmp(text, "high") == 0);
	SAME(SYS(kmq_timedreceive, fd, text, 8, &priority, 0), -EMSGSIZE);
	SAME(SYS(kmq_timedreceive, fd, text, sizeof text, &priority, 0), 4);
	SAME(SYS(kmq_timedreceive, fd, text, sizeof text, &priority, 0), -EAGAIN);
	SAME(SYS(kmq_unlink, name), 0);
	SYS(close, fd);
}

static void timers(void)
{
	enum { REALTIME = 0, MONOTONIC = 4, SIGNAL = 1, KEVENT = 3, RTMIN = 65 };
	struct { struct timespec interval, value; } time = {{0, 0}, {0, 5000000}}, left;
	struct sigevent event = {.notify = SIGNAL, .signo = RTMIN + 1, .value = 0x1234};
	u32 set[4] = {0, 0, 2, 0};
	int timer = -1, info[20];
	SAME(SYS(sigprocmask, 1, set, 0), 0);
	SAME(SYS(ktimer_create, MONOTONIC, &event, &timer), 0);
	SAME(SYS(ktimer_settime, timer, 0, &time, 0), 0);
	SAME(SYS(sigwaitinfo, set, info), RTMIN + 1);
	/* si_code SI_TIMER, and the value behind the address. */
	SAME(info[2], 0x10003);
	SAME(*(long *)((char *)info + 24 + sizeof(long)), 0x1234);
	SAME(*(int *)((char *)info + 24 + 2 * sizeof(long)), timer);
	time.value = (struct timespec){100, 0};
	time.interval.sec = 7;
	SAME(SYS(ktimer_settime, timer, 0, &time, 0), 0);
	SAME(SYS(ktimer_gettime, timer, &left), 0);
	CHECK(left.interval.sec == 7 && left.value.sec >= 90 && left.value.sec < 100);
	SAME(SYS(ktimer_getoverrun, timer), 0);
	SAME(SYS(ktimer_delete, timer), 0);
	SAME(SYS(ktimer_delete, timer), -EINVAL);
	SAME(SYS(ktimer_create, 99, &event, &timer), -EINVAL);
	event.notify = KEVENT;
	SAME(SYS(ktimer_create, REALTIME, &event, &timer), -EINVAL);
}

static void attributes(void)
{
	enum { USER = 1, SYSTEM = 2 };
	char value[8] = {0}, names[64];
	long fd = SYS(open, "file", 0x202, 0600);
	CHECK(fd > 2);
	long done = SYS(extattr_set_fd, fd, USER, "colour", "blue", 4);
	SAME(SYS(__acl_get_file, "no file", 2, value), -ENOENT);
	if (done != -EOPNOTSUPP) { /* the file system of the test has them */
		SAME(done, 4);
		SAME(SYS(extattr_get_file, "file", USER, "colour", 0, 0), 4);
		SAME(SYS(extattr_get_file, "file", USER, "colour", value, sizeof value), 4);
		SAME(strcmp(value, "blue"), 0);
		SAME(SYS(extattr_get_fd, fd, USER, "colour", names, 2), 2);
		SAME(SYS(extattr_set_file, "file", USER, "size", "9", 1), 1);
		SAME(SYS(extattr_list_fd, fd, USER, 0, 0), 12);
		SAME(SYS(extattr_list_file, "file", USER, names, sizeof names), 12);
		CHECK((names[0] == 6 && names[7] == 4) || (names[0] == 4 && names[5] == 6));
		SAME(SYS(extattr_delete_file, "file", USER, "size"), 0);
		SAME(SYS(extattr_get_fd, fd, USER, "size", 0, 0), -ENOATTR);
	}
	SAME(SYS(extattr_get_fd, fd, 5, "size", 0, 0), -EINVAL);
	SYS(close, fd);
	SYS(unlink, "file");
}

static void kernel(void)
{
	char value[128];
	SAME(SYS(kenv, 0, "kernelname", value, sizeof value), -ENOENT);
	SAME(SYS(kenv, 3, 0, value, sizeof value), 0);
	/* The superuser's to set. */
	if (SYS(geteuid) != 0) {
		SAME(SYS(kenv, 1, "a", "b", 2), -EPERM);
	} else {
		SAME(SYS(kenv, 1, "a", "b", 2), 0);
		SAME(SYS(kenv, 1, "name", "value", 6), 0);
		SAME(SYS(kenv, 0, "name", value, sizeof value), 6);
		CHECK(strcmp(value, "value") == 0);
		SAME(SYS(kenv, 3, 0, value, sizeof value), 15);
		CHECK(memcmp(value, "a=b\0name=value", 15) == 0);
		SAME(SYS(kenv, 2, "a"), 0);
		SAME(SYS(kenv, 2, "a"), -ENOENT);
		SAME(SYS(kenv, 2, "name"), 0);
	}
	SAME(SYS(kenv, 9, 0, 0, 0), -EINVAL);
	SAME(SYS(modfind, "zfs"), -ENOENT);
	CHECK(SYS(modnext, 0) > 0);
	SAME(SYS(kldnext, 0), 1);
	SAME(SYS(kldnext, 1), 0);
	SAME(SYS(kldfind, "kernel"), 1);
	SAME(SYS(kldfind, "zfs.ko"), -ENOENT);
	static struct { int version; char name[1024]; int refs, id; void *address; size_t size; char path[1024]; } stat;
	stat.version = sizeof stat;
	SAME(SYS(kldstat, 1, &stat), 0);
	CHECK(strcmp(stat.name, "kernel") == 0 && stat.id == 1 && strcmp(stat.path, "/boot/kernel/kernel") == 0);
	stat.version = 3;
	SAME(SYS(kldstat, 1, &stat), -EINVAL);
	int jid = 0;
	char reason[64] = "";
	struct { void *base; size_t len; } query[] = {{"lastjid", 8}, {&jid, 4}, {"errmsg", 7}, {reason, sizeof reason}};
	SAME(SYS(jail_get, query, 4, 0), -ENOENT);
	CHECK(reason[0] != 0);
	SAME(SYS(jail_get, query, 3, 0), -EINVAL);
}

static void scheduling(void)
{
	long me;
	SYS(thr_self, &me);
	u16 rtp[2] = {0};
	SAME(SYS(rtprio_thread, 0, me, rtp), 0);
	CHECK(rtp[0] == 3 && rtp[1] == 0);
	rtp[0] = 9;
	SAME(SYS(rtprio_thread, 1, me, rtp), -EINVAL);
	rtp[0] = 3;
	SAME(SYS(rtprio, 1, 0, rtp), 0);
	unsigned long mask[32 / sizeof(long)] = {0};
	SAME(cpuset_getaffinity(3, 2, -1, sizeof mask, mask), 0);
	int cpus = 0;
	for (size_t i = 0; i < COUNT(mask); i++)
		for (unsigned long m = mask[i]; m; m &= m - 1)
			cpus++;
	CHECK(cpus > 0);
	SAME(cpuset_getaffinity(3, 2, -1, 8, mask), -ERANGE);
	int set = -1;
	SAME(cpuset_getid(2, 2, -1, &set), 0);
	SAME(set, 1);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	names();
	shared_memory();
	semaphores();
	message_queues();
	posix_shared_memory();
	kernel_semaphores();
	posix_queues();
	timers();
	attributes();
	kernel();
	scheduling();
	print("all of it is there\n");
	return 0;
}
