/* ptrace: a process traces its children and others: memory, registers, breakpoints, steps, system calls, signals, forks, threads,
   programs; and threads that begin with a context (thr_create). */
#include "check.h"

enum { TRACE_ME, READ_I, READ_D, WRITE_I = 4, WRITE_D, CONTINUE = 7, KILL, STEP, ATTACH, DETACH, IO, LWPINFO, GETNUMLWPS, GETLWPLIST,
	CLEARSTEP, SETSTEP, SUSPEND, RESUME, TO_SCE, TO_SCX, SYSCALL, FOLLOW_FORK, LWP_EVENTS, GET_EVENT_MASK, SET_EVENT_MASK,
	GET_SC_ARGS, GET_SC_RET, GETREGS = 33, SETREGS, GETFPREGS, SETFPREGS, VM_TIMESTAMP = 40, VM_ENTRY, GETREGSET, SETREGSET };
enum { SCE = 4, SCX = 8, EXEC = 0x10, SI = 0x20, FORKED = 0x40, CHILD = 0x80, BORN = 0x100, EXITED = 0x200, VFORKED = 0x400,
	VFORK_DONE = 0x800 };
enum { SIGTRAP = 5, SIGKILL = 9, SIGSTOP = 17, SIGTSTP = 18, SIGCHLD = 20, USR1 = 30, USR2 = 31 };
#define STOPPED(signal) ((signal) << 8 | 0x7f)
#define HERE 1L

struct siginfo { int signo, error, code, pid; u32 uid; int status; void *addr; long value, reason; int spare[7]; };
struct lwpinfo {
	int lwpid, event, flags; u32 mask[4], pending[4];
	struct siginfo info;
	char name[20]; int child; u32 call, count;
};

#ifdef __aarch64__
struct reg { long x[30], lr, sp, pc; u32 spsr, pad; };
#define ARGUMENT(r) (r).x[0]
#define PC(r) (r).pc
#define NUMBER(r) (r).x[8]
#define TRAP_CODE 0xd4200000u
struct context { u32 mask[4]; long x[30], lr, sp, pc; char rest[960 - 16 - 33 * 8]; };
#define CONTEXT_PC(c) (c).pc
#define CONTEXT_SP(c) (c).sp
#define CONTEXT_ARGUMENT(c) (c).x[0]
#else
struct reg { long r[40]; };
#define ARGUMENT(r) (r).r[4]
#define PC(r) (r).r[37]
#define NUMBER(r) (r).r[2]
#define TRAP_CODE 0x0000000du
struct context { u32 mask[4]; int onstack; long pc, r[32]; char rest[376 - 16 - 34 * 4]; };
#define CONTEXT_PC(c) (c).pc
#define CONTEXT_SP(c) (c).r[29]
#define CONTEXT_ARGUMENT(c) (c).r[4]
#endif

static long ask(int request, long pid, void *addr, long data)
{
	return SYS(ptrace, request, pid, addr, data);
}

static int wait_for(long pid)
{
	int status = 0;
	SAME(SYS(wait4, pid, &status, 0, 0), pid);
	return status;
}

static struct lwpinfo described(long pid)
{
	struct lwpinfo info;
	SAME(ask(LWPINFO, pid, &info, sizeof info), 0);
	return info;
}

static int flags_of(long pid)
{
	return described(pid).flags & ~SI;
}

static void go(long pid, int signal)
{
	SAME(ask(CONTINUE, pid, (void *)HERE, signal), 0);
}

/* A child that is traced, and has stopped itself; 0 in the child. */
static long traced_child(void)
{
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SAME(ask(TRACE_ME, 0, 0, 0), 0);
		raise(SIGSTOP);
		return 0;
	}
	SAME(wait_for(child), STOPPED(SIGSTOP));
	return child;
}

static void pause_for(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	SYS(nanosleep, &t, 0);
}

static volatile int number = 1234;
static char words[] = "what the child has";

static void memory(void)
{
	long child = traced_child();
	if (child == 0) {
		pause_for(50);
		quit(number == 77 && words[0] == 'W' ? 3 : 4);
	}
	SAME(ask(READ_D, SYS(getpid), 0, 0), -EPERM);
	SAME(ask(READ_D, 99999999, 0, 0), -ESRCH);
	SAME(ask(READ_D, child, (void *)&number, 0), 1234);
	SAME(ask(READ_D, child, (void *)16, 0), -ENOMEM);
	SAME(ask(WRITE_D, child, (void *)16, 1), -ENOMEM);
	SAME(ask(WRITE_D, child, (void *)&number, 77), 0);
	SAME(number, 1234);
	char copy[sizeof words];
	struct { int op; void *offset, *addr; size_t length; } io = {1, words, copy, sizeof copy};
	SAME(ask(IO, child, &io, 0), 0);
	SAME(io.length, sizeof copy);
	SAME(memcmp(copy, words, sizeof copy), 0);
	io.op = 2;
	copy[0] = 'W';
	SAME(ask(IO, child, &io, 0), 0);
	io.op = 5;
	SAME(ask(IO, child, &io, 0), -EINVAL);
	struct { int entry, stamp; long start, end, offset; u32 prot, length; long file; u32 fs; char *path; } map = {0};
	char path[1024];
	int code = 0;
	for (;;) {
		map.length = sizeof path;
		map.path = path;
		long error = ask(VM_ENTRY, child, &map, 0);
		if (error) {
			SAME(error, -ENOENT);
			break;
		}
		if (map.start <= (long)memory && (long)memory <= map.end) {
			code++;
			CHECK(map.length > 6 && map.prot == 5);
			SAME(memcmp(path + map.length - 7, "traced", 7), 0);
		}
	}
	SAME(code, 1);
	SAME(ask(VM_TIMESTAMP, child, 0, 0), map.stamp);
	go(child, 0);
	SAME(ask(CONTINUE, child, (void *)HERE, 0), -EBUSY);
	SAME(wait_for(child), 3 << 8);
	SAME(ask(CONTINUE, child, (void *)HERE, 0), -ESRCH);
	print("memory\n");
}

__attribute__((noinline)) static int target(int argument)
{
	HIDE(argument);
	return argument + 1;
}

/* The child comes to a trap that its tracer has written, with a changed argument goes on, and makes some steps. */
static void breakpoints(void)
{
	long child = traced_child();
	if (child == 0)
		quit(target(5));
	long saved = ask(READ_I, child, target, 0);
	SAME(ask(WRITE_I, child, target, (int)TRAP_CODE), 0);
	SAME(ask(READ_I, child, target, 0), (int)TRAP_CODE);
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	struct lwpinfo info = described(child);
	SAME(info.event, 1);
	SAME(info.flags, SI);
	SAME(info.info.signo, SIGTRAP);
	SAME(info.info.code, 1);
	struct reg r;
	SAME(ask(GETREGS, child, &r, 0), 0);
	SAME(PC(r), (long)target);
	SAME(ARGUMENT(r), 5);
	SAME(ask(WRITE_I, child, target, saved), 0);
	ARGUMENT(r) = 40;
	SAME(ask(SETREGS, child, &r, 0), 0);
	for (int n = 0; n < 3; n++) {
		long before = PC(r);
		SAME(ask(STEP, child, (void *)HERE, 0), 0);
		SAME(wait_for(child), STOPPED(SIGTRAP));
		info = described(child);
		SAME(info.info.code, 2);
		SAME(ask(GETREGS, child, &r, 0), 0);
		CHECK(PC(r) != before);
		if (n == 0)
			SAME(PC(r), (long)target + 4);
	}
	/* The same by the notes of a core: NT_PRSTATUS, and on AArch64 NT_ARM_TLS. */
	struct reg again;
	struct { void *base; size_t length; } span = {0, 1};
	SAME(ask(GETREGSET, child, &span, 1), 0);
	SAME(span.length, sizeof again);
	SAME(ask(GETREGSET, child, &span, 99), -EINVAL);
	span.base = &again;
	span.length--;
	SAME(ask(GETREGSET, child, &span, 1), -EINVAL);
	span.length++;
	SAME(ask(GETREGSET, child, &span, 1), 0);
	SAME(memcmp(&r, &again, sizeof r), 0);
	span.base = &r;
	ARGUMENT(r) += 5;
	SAME(ask(SETREGSET, child, &span, 1), 0);
	SAME(ask(GETREGS, child, &again, 0), 0);
	SAME(memcmp(&r, &again, sizeof r), 0);
	ARGUMENT(r) -= 5;
	SAME(ask(SETREGS, child, &r, 0), 0);
#ifdef __aarch64__
	u64 tls = 1, saved_tls;
	span.base = &tls;
	span.length = sizeof tls;
	SAME(ask(GETREGSET, child, &span, 0x401), 0);
	CHECK(tls != 1);
	saved_tls = tls;
	tls = 0x1234;
	SAME(ask(SETREGSET, child, &span, 0x401), 0);
	tls = 0;
	SAME(ask(GETREGSET, child, &span, 0x401), 0);
	SAME(tls, 0x1234);
	tls = saved_tls;
	SAME(ask(SETREGSET, child, &span, 0x401), 0);
#endif
	char floats[528];
	SAME(ask(GETFPREGS, child, floats, 0), 0);
	SAME(ask(SETFPREGS, child, floats, 0), 0);
	go(child, 0);
	SAME(wait_for(child), 41 << 8);
	print("breakpoints\n");
}

static void calls(void)
{
	long parent = SYS(getpid), child = traced_child();
	if (child == 0) {
		SAME(SYS(getppid), parent);
		SAME(SYS(getppid), SYS(getpid));
		SAME(SYS(dup, 1000, 2000), -EBADF);
		quit(0);
	}
	long args[8], result[3];
	SAME(ask(GET_SC_RET, child, result, sizeof result), -EINVAL);
	SAME(ask(SYSCALL, child, (void *)HERE, 0), 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	struct lwpinfo info = described(child);
	SAME(info.flags, SCE);
	SAME(info.call, __NR_getppid);
	SAME(info.count, 0);
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	SAME(flags_of(child), SCX);
	SAME(ask(GET_SC_RET, child, result, sizeof result), 0);
	SAME(result[0], parent);
	SAME((int)result[2], 0);
	/* The second one is made another call. */
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	struct reg r;
	SAME(ask(GETREGS, child, &r, 0), 0);
	SAME(NUMBER(r), __NR_getppid);
	NUMBER(r) = __NR_getpid;
	SAME(ask(SETREGS, child, &r, 0), 0);
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	SAME(ask(GET_SC_RET, child, result, sizeof result), 0);
	SAME(result[0], child);
	int mask = 4;
	SAME(ask(SET_EVENT_MASK, child, &mask, sizeof mask), 0);
	mask = 64;
	SAME(ask(SET_EVENT_MASK, child, &mask, sizeof mask), -EINVAL);
	SAME(ask(GET_EVENT_MASK, child, &mask, sizeof mask), 0);
	SAME(mask, 4);
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	SAME(flags_of(child), SCX);
	SAME(ask(TO_SCE, child, (void *)HERE, 0), 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	SAME(flags_of(child), SCE);
	SAME(ask(GET_SC_ARGS, child, args, sizeof args), 0);
	SAME(args[0], 1000);
	SAME(args[1], 0);
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	SAME(ask(GET_SC_RET, child, result, sizeof result), 0);
	SAME((int)result[2], EBADF);
	mask = 0;
	SAME(ask(SET_EVENT_MASK, child, &mask, sizeof mask), 0);
	go(child, 0);
	SAME(wait_for(child), 0);
	print("calls\n");
}

static volatile int seen[128];

static void handler(int signal)
{
	seen[signal]++;
}

static void handle(int signal)
{
	struct { void (*handler)(int); int flags; u32 mask[4]; } act = {.handler = handler};
	SAME(SYS(sigaction, signal, &act, 0), 0);
}

static void signals(void)
{
	long child = traced_child();
	if (child == 0) {
		handle(USR1);
		handle(USR2);
		handle(SIGCHLD);
		for (int n = 0; n < 3; n++)
			raise(USR1);
		SAME(seen[USR1], 1);
		SAME(seen[USR2], 1);
		/* What would stop it, or is ignored. */
		raise(SIGTSTP);
		raise(SIGSTOP);
		raise(16);
		quit(6);
	}
	go(child, 0);
	static const int passed[] = {USR1, USR2, 0};
	for (int n = 0; n < 3; n++) {
		SAME(wait_for(child), STOPPED(USR1));
		struct lwpinfo info = described(child);
		SAME(info.flags, SI);
		SAME(info.info.signo, USR1);
		SAME(info.info.pid, child);
		SAME(ask(CONTINUE, child, (void *)HERE, 200), -EINVAL);
		go(child, passed[n]);
	}
	SAME(wait_for(child), STOPPED(SIGTSTP));
	go(child, SIGTSTP);
	SAME(wait_for(child), STOPPED(SIGSTOP));
	go(child, SIGSTOP);
	SAME(wait_for(child), 6 << 8);
	/* SIGKILL does not stop it, even in a stop. */
	child = traced_child();
	if (child == 0)
		quit(1);
	SAME(ask(KILL, child, 0, 0), 0);
	SAME(wait_for(child), SIGKILL);
	print("signals\n");
}

static void forks(void)
{
	for (int shares = 0; shares < 2; shares++) {
		long child = traced_child();
		if (child == 0) {
			long own = shares ? SYS(vfork) : SYS(fork);
			if (own == 0)
				quit(7);
			SAME(wait_for(own), 7 << 8);
			quit(8);
		}
		int mask = 8 | 0x20;
		SAME(ask(SET_EVENT_MASK, child, &mask, sizeof mask), 0);
		go(child, 0);
		long grandchild = 0;
		int status, born = 0, told = 0;
		/* Both stop, in either order. */
		for (int n = 0; n < 2; n++) {
			long pid = SYS(wait4, -1, &status, 0, 0);
			struct lwpinfo info = described(pid);
			if (pid == child) {
				SAME(status, STOPPED(SIGTRAP));
				SAME(info.flags, SCX | FORKED | (shares ? VFORKED : 0));
				told = info.child;
			} else {
				SAME(status, STOPPED(SIGSTOP));
				SAME(info.flags, SCX | CHILD);
				grandchild = pid;
				born++;
			}
		}
		SAME(born, 1);
		SAME(told, grandchild);
		SAME(ask(GET_EVENT_MASK, grandchild, &mask, sizeof mask), 0);
		go(grandchild, 0);
		go(child, 0);
		/* Its tracer knows first. */
		SAME(wait_for(grandchild), 7 << 8);
		if (shares) {
			SAME(wait_for(child), STOPPED(SIGTRAP));
			SAME(flags_of(child), VFORK_DONE);
			go(child, 0);
		}
		SAME(wait_for(child), 8 << 8);
	}
	print("forks\n");
}

static char stack[16384] __attribute__((aligned(16)));
static long tid, ended;

static void thread(long argument)
{
	SAME(argument, 11);
	SYS(thr_exit, &ended);
}

static void threads(void)
{
	long child = traced_child();
	if (child == 0) {
		unsigned long p[13] = {(unsigned long)thread, 11, (unsigned long)stack, sizeof stack, 0, 0, 0, (unsigned long)&tid};
		SAME(SYS(thr_new, p, sizeof p), 0);
		while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) == 0)
			SYS(sched_yield);
		raise(SIGSTOP);
		quit(9);
	}
	int lwps[4];
	SAME(ask(LWP_EVENTS, child, 0, 1), 0);
	SAME(ask(GETNUMLWPS, child, 0, 0), 1);
	SAME(ask(GETLWPLIST, child, lwps, 0), -EINVAL);
	SAME(ask(GETLWPLIST, child, lwps, 4), 1);
	int first = lwps[0];
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	struct lwpinfo info = described(child);
	SAME(info.flags, SCX | BORN);
	CHECK(info.lwpid != first);
	SAME(ask(GETNUMLWPS, child, 0, 0), 2);
	SAME(ask(GETLWPLIST, child, lwps, 4), 2);
	CHECK((lwps[0] == first) != (lwps[1] == first));
	int second = info.lwpid;
	struct reg r;
	SAME(ask(GETREGS, second, &r, 0), 0);
	SAME(PC(r), (long)thread);
	SAME(ask(GETREGS, first, &r, 0), 0);
	CHECK(PC(r) != (long)thread);
	/* Held back, it does not come to its end. */
	SAME(ask(SUSPEND, second, 0, 0), 0);
	go(child, 0);
	pause_for(20);
	int status;
	SAME(SYS(wait4, child, &status, 1, 0), 0);
	SAME(SYS(kill, child, SIGSTOP), 0);
	SAME(wait_for(child), STOPPED(SIGSTOP));
	SAME(described(child).lwpid, first);
	SAME(ask(RESUME, second, 0, 0), 0);
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGTRAP));
	info = described(child);
	SAME(info.flags & ~SCE, EXITED);
	SAME(info.lwpid, second);
	go(child, 0);
	SAME(wait_for(child), STOPPED(SIGSTOP));
	go(child, 0);
	SAME(wait_for(child), 9 << 8);
	print("threads\n");
}

/* procctl's PROC_TRACE_STATUS */
static int tracer_of(long pid)
{
	int tracer = -2;
	SAME(procctl(0, pid, 8, &tracer), 0);
	return tracer;
}

static void attaching(void)
{
	int ends[2];
	char byte = 0;
	SAME(SYS(pipe2, ends, 0), 0);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SAME(SYS(read, ends[0], &byte, 1), 1);
		quit(5);
	}
	SAME(ask(ATTACH, SYS(getpid), 0, 0), -EINVAL);
	SAME(ask(ATTACH, 99999999, 0, 0), -ESRCH);
	SAME(tracer_of(child), 0);
	SAME(ask(ATTACH, child, 0, 0), 0);
	SAME(tracer_of(child), SYS(getpid));
	SAME(ask(ATTACH, child, 0, 0), -EBUSY);
	SAME(wait_for(child), STOPPED(SIGSTOP));
	int status;
	SAME(SYS(wait4, child, &status, 1, 0), 0);
	SAME(ask(DETACH, child, (void *)HERE, 0), 0);
	SAME(tracer_of(child), 0);
	SAME(ask(CONTINUE, child, (void *)HERE, 0), -EPERM);
	SAME(SYS(write, ends[1], &byte, 1), 1);
	SAME(wait_for(child), 5 << 8);

	/* A tracer that is not the parent: that one sees the end after it, and no stop. */
	flush();
	child = SYS(fork);
	if (child == 0) {
		SAME(SYS(read, ends[0], &byte, 1), 1);
		quit(12);
	}
	int other[2], later[2];
	SAME(SYS(pipe2, other, 0), 0);
	SAME(SYS(pipe2, later, 0), 0);
	long tracer = SYS(fork);
	if (tracer == 0) {
		SAME(ask(ATTACH, child, 0, 0), 0);
		SAME(wait_for(child), STOPPED(SIGSTOP));
		go(child, 0);
		SAME(SYS(write, other[1], &byte, 1), 1);
		SAME(SYS(read, later[0], &byte, 1), 1);
		SAME(wait_for(child), 12 << 8);
		quit(13);
	}
	SAME(SYS(read, other[0], &byte, 1), 1);
	SAME(ask(CONTINUE, child, (void *)HERE, 0), -EBUSY);
	SAME(SYS(write, ends[1], &byte, 1), 1);
	pause_for(10);
	SAME(SYS(wait4, child, &status, 1 | 2, 0), 0);
	SAME(SYS(write, later[1], &byte, 1), 1);
	SAME(wait_for(tracer), 13 << 8);
	SAME(wait_for(child), 12 << 8);

	/* With its tracer ends the tracee. */
	int life[2];
	SAME(SYS(pipe2, life, 0), 0);
	tracer = SYS(fork);
	if (tracer == 0) {
		child = traced_child();
		while (child == 0)
			pause_for(10000);
		go(child, 0);
		quit(0);
	}
	SYS(close, life[1]);
	SAME(wait_for(tracer), 0);
	SAME(SYS(read, life[0], &byte, 1), 0);
	print("attaching\n");
}

static char **arguments;

static void programs(void)
{
	static char *environment[] = {0};
	for (int shares = 0; shares < 2; shares++) {
		flush();
		long child = shares ? SYS(vfork) : SYS(fork);
		if (child == 0) {
			char *args[] = {arguments[0], "ends", 0};
			if (ask(TRACE_ME, 0, 0, 0) == 0)
				SYS(execve, arguments[0], args, environment);
			quit(99);
		}
		SAME(wait_for(child), STOPPED(SIGTRAP));
		struct lwpinfo info = described(child);
		SAME(info.flags, SCX | EXEC);
		SAME(info.call, __NR_execve);
		SAME(tracer_of(child), SYS(getpid));
		SAME(ask(READ_D, child, (void *)&number, 0), 1234);
		go(child, 0);
		SAME(wait_for(child), STOPPED(USR1));
		go(child, 0);
		SAME(wait_for(child), 21 << 8);
	}
	print("programs\n");
}

static long context_stack[2048];
static volatile int arrived;

static void from_context(long argument)
{
	SAME(argument, 31);
	arrived = 1;
	SYS(thr_exit, &ended);
}

static void contexts(void)
{
	struct context c;
	ended = tid = 0;
	SAME(SYS(getcontext, &c), 0);
	CONTEXT_PC(c) = (long)from_context;
	CONTEXT_SP(c) = (long)(context_stack + COUNT(context_stack) - 8);
	CONTEXT_ARGUMENT(c) = 31;
	SAME(SYS(thr_create, (void *)16, &tid, 0), -EFAULT);
	SAME(SYS(thr_create, &c, (void *)16, 0), -EFAULT);
	SAME(SYS(thr_create, &c, &tid, 0), 0);
	CHECK(tid > 0);
	while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) == 0)
		SYS(sched_yield);
	SAME(arrived, 1);
	print("contexts\n");
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	arguments = argv;
	if (argc > 1) {
		raise(USR1);
		return 21;
	}
	memory();
	breakpoints();
	calls();
	signals();
	forks();
	threads();
	attaching();
	programs();
	contexts();
	return 0;
}
