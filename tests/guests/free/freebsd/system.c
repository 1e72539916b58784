/* FreeBSD's own: the first stack, sysctl, errors, mappings, directories, kqueue, umtx, threads, signals, processes. */
#include "check.h"


struct kevent { unsigned long ident; short filter; unsigned short flags; u32 fflags; s64 data; unsigned long udata; u64 ext[4]; };
enum { READ = -1, WRITE = -2, VNODE = -4, PROC = -5, TIMER = -7, USER = -11 };
enum { ADD = 1, DELETE = 2, ENABLE = 4, DISABLE = 8, ONESHOT = 0x10, CLEAR = 0x20, RECEIPT = 0x40, DISPATCH = 0x80,
	ERROR = 0x4000, EV_EOF = 0x8000 };
#define NOTE_TRIGGER 0x01000000u
#define NOTE_FFCOPY 0xc0000000u
#define NOTE_EXIT 0x80000000u


static int kq;

static int change(unsigned long ident, int filter, int flags, u32 fflags, s64 data)
{
	struct kevent e = {ident, filter, flags, fflags, data, ident ^ 0x5555, {0}};
	return SYS(kevent, kq, &e, 1, 0, 0, 0);
}

/* The next event within some milliseconds; the number of events. */
static int next(struct kevent *e, int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	return SYS(kevent, kq, 0, 0, e, 1, &t);
}

static void show(const char *what, int ms)
{
	struct kevent e;
	int n = next(&e, ms);
	if (n != 1)
		print("%s: %d\n", what, n);
	else
		print("%s: filter %d flags %x fflags %x data %ld\n", what, e.filter, e.flags, e.fflags, (long)e.data);
}

static void stack(int argc, char **argv, char **envp)
{
	unsigned long *aux = (unsigned long *)envp;
	while (*aux)
		aux++;
	aux++;
	unsigned long have[40] = {0};
	for (; aux[0]; aux += 2)
		if (aux[0] < 40)
			have[aux[0]] = aux[1];
	CHECK(have[6] == 4096 && have[18] >= 1302001 && have[28] == (unsigned long)argc && have[29] == (unsigned long)argv);
	CHECK(have[31] == (unsigned long)envp && have[17] == 64 && have[16] != 0 && have[15] != 0);
	struct { char **argv; int nargv; char **envp; int nenv; } *strings = (void *)have[32];
	CHECK(strings->argv == argv && strings->nargv == argc && strings->envp == envp && strings->nenv == (int)have[30]);
	CHECK(start_ps_strings == 0 || start_ps_strings == strings);
	print("stack: %d arguments, osreldate %lu\n", argc, have[18]);
}

static long by_name(const char *name, void *old, unsigned long *len)
{
	return SYS(__sysctlbyname, name, strlen(name), old, len, 0, 0);
}

static void sysctls(void)
{
	char text[64];
	unsigned long len = sizeof text;
	CHECK(by_name("hw.machine", text, &len) == 0);
#ifdef __mips__
	CHECK(strcmp(text, "mips") == 0 && len == 5);
#else
	CHECK(strcmp(text, "arm64") == 0 && len == 6);
#endif
	len = 3;
	print("too small: %ld", by_name("hw.machine", text, &len));
	print(", %lu bytes\n", len);
	len = 0;
	u8 trap[8] = {9, 9};
	len = sizeof trap;
	CHECK(by_name("kern.trap_enotcap", trap, &len) == 0 && len == 1 && trap[0] == 0 && trap[1] == 9);
	CHECK(by_name("kern.ostype", 0, &len) == 0);
	print("size of kern.ostype: %lu\n", len);
	int size;
	len = sizeof size;
	CHECK(by_name("hw.pagesize", &size, &len) == 0 && size == 4096);
	print("unknown: %ld\n", by_name("kern.no_such_node", text, &len));
}

static void errors(void)
{
	print("close -1: %ld\n", SYS(close, -1));
	print("open: %ld\n", SYS(open, "/nonexistent", 0));
	int fds[2];
	CHECK(SYS(pipe2, fds, 4) == 0);
	char byte;
	print("read of an empty pipe: %ld\n", SYS(read, fds[0], &byte, 1));
	print("O_NONBLOCK: %lx\n", SYS(fcntl, fds[0], 3, 0) & 4);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
}

static void mappings(void)
{
	enum { FIXED = 0x10, ANON = 0x1000, GUARD = 0x2000, EXCL = 0x4000, PRIVATE = 2 };
	long at = mmap(0, 0x10000, 3, PRIVATE | ANON, -1, 0);
	CHECK(at > 0);
	print("taken: %ld\n", mmap((void *)at, 0x1000, 3, PRIVATE | ANON | FIXED | EXCL, -1, 0));
	CHECK(mmap((void *)at, 0x1000, 0, GUARD | FIXED, -1, 0) == at);
	print("into a guard page: %ld\n", SYS(getrandom, at, 8, 0));
	CHECK(SYS(getrandom, at + 0x1000, 8, 0) == 8);
	long aligned = mmap(0, 0x1000, 3, PRIVATE | ANON | 21 << 24, -1, 0);
	CHECK(aligned > 0 && aligned % (1 << 21) == 0);
	CHECK(SYS(munmap, at, 0x10000) == 0);
	print("bad flags: %ld\n", mmap(0, 0x1000, 3, PRIVATE | ANON | 1, -1, 0));
}

static void directories(void)
{
	CHECK(SYS(mkdir, "d", 0755) == 0);
	long fd = SYS(open, "d/file", 0x201 | 0x100000, 0644);
	CHECK(fd > 2 && SYS(write, fd, "hello", 5) == 5);
	union { u16 half[112]; s64 wide[28]; } st;
	CHECK(SYS(fstat, fd, &st) == 0 && st.half[12] == 0100644 && st.wide[14] == 5);
	SYS(close, fd);
	fd = SYS(open, "d", 0x20000);
	char entries[4096] __attribute__((aligned(8)));
	s64 base;
	long n = SYS(getdirentries, fd, entries, sizeof entries, &base);
	CHECK(n > 0);
	int found = 0;
	for (char *e = entries; e < entries + n; e += *(u16 *)(e + 16)) {
		CHECK(*(u16 *)(e + 20) == strlen(e + 24));
		if (strcmp(e + 24, "file") == 0)
			found = e[18];
	}
	print("d/file has type %d\n", found);
	SYS(close, fd);
	print("unlink of a directory: %ld\n", SYS(unlink, "d"));
	SYS(unlink, "d/file");
	CHECK(SYS(rmdir, "d") == 0);
}

static void events(void)
{
	int fds[2];
	kq = SYS(kqueue);
	CHECK(kq > 2 && SYS(pipe2, fds, 0) == 0);
	show("nothing", 0);
	CHECK(change(fds[0], READ, ADD | CLEAR, 0, 0) == 0);
	SYS(write, fds[1], "abc", 3);
	show("read", 5000);
	show("read, cleared", 10);
	CHECK(change(fds[0], READ, ADD | DISPATCH, 0, 0) == 0);
	show("dispatched", 5000);
	show("disabled now", 10);
	CHECK(change(fds[0], READ, ENABLE, 0, 0) == 0);
	SYS(close, fds[1]);
	show("end of file", 5000);
	CHECK(change(fds[0], READ, DELETE, 0, 0) == 0);
	print("deleted twice: %d\n", change(fds[0], READ, DELETE, 0, 0));
	SYS(close, fds[0]);
	CHECK(change(1, USER, ADD | CLEAR, 0, 0) == 0);
	CHECK(change(1, USER, 0, NOTE_TRIGGER | NOTE_FFCOPY | 0x42, 7) == 0);
	show("user", 5000);
	show("user, cleared", 10);
	CHECK(change(2, TIMER, ADD | ONESHOT, 0, 5) == 0);
	show("timer", 5000);
	print("timer is gone: %d\n", change(2, TIMER, DELETE, 0, 0));
	struct kevent receipt = {99, READ, ADD | RECEIPT, 0, 0, 0, {0}}, out;
	CHECK(SYS(kevent, kq, &receipt, 1, &out, 1, 0) == 1);
	print("receipt: flags %x data %ld\n", out.flags, (long)out.data);
	print("without room: %d\n", change(99, READ, ADD, 0, 0));
	int file = SYS(open, "watched", 0x202 | 0x400, 0644);
	CHECK(change(file, VNODE, ADD | CLEAR, 7, 0) == 0);
	SYS(write, file, "x", 1);
	show("written and extended", 5000);
	SYS(unlink, "watched");
	show("deleted", 5000);
	SYS(close, file);
	flush();
	int child = SYS(fork);
	if (child == 0)
		quit(5);
	CHECK(change(child, PROC, ADD, NOTE_EXIT, 0) == 0);
	struct kevent e;
	CHECK(next(&e, 5000) == 1 && e.ident == (unsigned long)child && e.fflags == NOTE_EXIT);
	print("process: data %lx\n", (long)e.data);
	int status = 0;
	CHECK(wait6(0, child, &status, 16, 0, 0) == child);
	print("status %x\n", status);
	SYS(close, kq);
	print("closed: %d\n", change(1, USER, ADD, 0, 0));
}

enum { THREADS = 4, ROUNDS = 5000 };
enum { WAIT = 2, LOCK = 5, UNLOCK = 6, CV_WAIT = 8, BROADCAST = 10, RDLOCK = 12, WRLOCK = 13, RW_UNLOCK = 14, WAKE_PRIVATE = 16,
	WAIT_PRIVATE = 15, SEM_WAIT = 23, SEM_WAKE = 24 };

static struct { u32 owner, flags; u32 ceilings[2]; unsigned long link; u32 spare[2]; } mutex;
static struct { u32 waiters, flags, clock, spare; } condition;
static struct { u32 state, flags, readers, writers; u32 spare[4]; } rwlock;
static struct { u32 count, flags; } semaphore;
static long counter, written, started, ended[THREADS];
static u32 go;
static char stacks[THREADS][16384] __attribute__((aligned(16)));

static long umtx(void *obj, int op, unsigned long val, void *a, void *b)
{
	return SYS(_umtx_op, obj, op, val, a, b);
}

static void work(long which)
{
	CHECK(umtx(&mutex, LOCK, 0, 0, 0) == 0);
	started++;
	while (!go) {
		/* It gives the mutex up; libthr takes it again. */
		umtx(&condition, CV_WAIT, 0, &mutex, 0);
		CHECK(umtx(&mutex, LOCK, 0, 0, 0) == 0);
	}
	CHECK(umtx(&mutex, UNLOCK, 0, 0, 0) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(umtx(&mutex, LOCK, 0, 0, 0) == 0);
		counter++;
		CHECK(umtx(&mutex, UNLOCK, 0, 0, 0) == 0);
		if (i % 8 == which) {
			CHECK(umtx(&rwlock, WRLOCK, 0, 0, 0) == 0);
			written++;
		} else {
			CHECK(umtx(&rwlock, RDLOCK, 0, 0, 0) == 0);
		}
		CHECK(umtx(&rwlock, RW_UNLOCK, 0, 0, 0) == 0);
	}
	__atomic_add_fetch(&semaphore.count, 1, __ATOMIC_SEQ_CST);
	umtx(&semaphore, SEM_WAKE, 0, 0, 0);
	SYS(thr_exit, &ended[which]);
}

static void threads(void)
{
	long tids[THREADS];
	for (long i = 0; i < THREADS; i++) {
		unsigned long p[13] = {(unsigned long)work, i, (unsigned long)stacks[i], sizeof stacks[i], 0, 0, 0, (unsigned long)&tids[i]};
		CHECK(SYS(thr_new, p, sizeof p) == 0 && tids[i] > 0);
	}
	for (long seen = 0; seen < THREADS;) {
		CHECK(umtx(&mutex, LOCK, 0, 0, 0) == 0);
		seen = started;
		if (seen == THREADS) {
			go = 1;
			umtx(&condition, BROADCAST, 0, 0, 0);
		}
		CHECK(umtx(&mutex, UNLOCK, 0, 0, 0) == 0);
	}
	for (int taken = 0; taken < THREADS;) {
		u32 count = __atomic_load_n(&semaphore.count, __ATOMIC_SEQ_CST);
		if ((count & 0x7fffffff) == 0)
			umtx(&semaphore, SEM_WAIT, 0, 0, 0);
		else if (__atomic_compare_exchange_n(&semaphore.count, &count, count - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			taken++;
	}
	for (int i = 0; i < THREADS; i++)
		while (__atomic_load_n(&ended[i], __ATOMIC_SEQ_CST) == 0)
			umtx(&ended[i], WAIT, 0, 0, 0);
	print("threads: counter %ld, written %ld\n", counter, written);
	print("unlock of another's: %ld\n", umtx(&mutex, UNLOCK, 0, 0, 0));
	struct timespec short_time = {0, 1000000};
	print("timeout: %ld\n", umtx(&go, WAIT_PRIVATE, 1, (void *)sizeof short_time, &short_time));
	print("another value: %ld\n", umtx(&go, WAIT_PRIVATE, 2, 0, 0));
}

static long send(int signal)
{
	long me = SYS(getpid);
	return SYS(kill, me, signal);
}

static volatile int handled;
static volatile long fault_address;

struct action { void *handler; int flags; u32 mask[4]; };

static void handler(int signal, int *info, char *context)
{
	handled = signal;
	if (signal == 11) {
		fault_address = *(long *)(info + 6);
		/* elr or mc_pc: behind the access. */
#ifdef __mips__
		*(u32 *)(context + 16 + 4) += 4;
#else
		*(u64 *)(context + 16 + 256) += 4;
#endif
	} else {
		CHECK(info[0] == signal && info[2] == 0x10001 + (signal == 30 ? 6 : 0));
	}
}

static void signals(void)
{
	struct action act = {handler, 0x40, {0}}, old;
	CHECK(SYS(sigaction, 30, &act, 0) == 0 && SYS(sigaction, 31, &act, 0) == 0 && SYS(sigaction, 11, &act, &old) == 0);
	CHECK(old.handler == 0);
	long me;
	CHECK(SYS(thr_self, &me) == 0 && SYS(thr_kill, me, 30) == 0);
	print("handled %d\n", handled);
	CHECK(send(31) == 0);
	print("handled %d\n", handled);
	bad_load();
	print("handled %d at %lx\n", handled, fault_address);
	/* Real-time signals begin at 65. */
	u32 set[4] = {0, 0, 1, 0};
	CHECK(SYS(sigprocmask, 1, set, 0) == 0 && SYS(thr_kill, me, 65) == 0);
	int info[20];
	struct timespec t = {5, 0};
	print("waited for: %ld\n", SYS(sigtimedwait, set, info, &t));
	print("no such signal: %ld\n", send(200));
	static u64 context[120] __attribute__((aligned(16)));
	static volatile int times;
	CHECK(SYS(getcontext, context) == 0);
	if (times++ == 0)
		SYS(setcontext, context);
	print("context entered %d times\n", times);
	flush();
	int child = SYS(fork), status;
	if (child == 0) {
		/* SIGINFO and SIGIO are ignored, SIGUSR1 is not. */
		struct action normal = {0, 0, {0}};
		SYS(sigaction, 30, &normal, 0);
		send(29);
		send(23);
		send(30);
		quit(9);
	}
	CHECK(wait6(0, child, &status, 16, 0, info) == child);
	print("child's status %x, si_status %d\n", status, info[5]);
}

int guest_main(int argc, char **argv, char **envp)
{
	stack(argc, argv, envp);
	sysctls();
	errors();
	mappings();
	directories();
	events();
	threads();
	signals();
	return 0;
}
