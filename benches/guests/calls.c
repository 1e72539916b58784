/* Calls that a runtime lives on, by Linux's interface and by FreeBSD's: `calls KERNEL TIMES`. */
#include "guest.h"

#ifdef GUEST_FREEBSD
struct kevent { u64 ident; short filter; unsigned short flags; u32 fflags; s64 data; u64 udata; u64 ext[4]; };
enum { EVFILT_READ = -1, EV_ADD = 1, EV_CLEAR = 0x20, MAP_SHARED_ANON = 0x1001 };
enum { UMTX_OP_WAKE = 3, UMTX_OP_WAIT_UINT = 11, UMTX_OP_WAKE_PRIVATE = 16 };

static int queue;

static void open_queue(int fd, int edge)
{
	struct kevent e = {fd, EVFILT_READ, EV_ADD | (edge ? EV_CLEAR : 0), 0, 0, 0, {0}};
	queue = SYS(kqueue);
	SYS(kevent, queue, &e, 1, 0, 0, 0);
}

static int wait_event(void)
{
	struct kevent e;
	return SYS(kevent, queue, 0, 0, &e, 1, 0);
}

static void wait_while(u32 *word, u32 value) { SYS(_umtx_op, word, UMTX_OP_WAIT_UINT, value, 0, 0); }
static void wake(u32 *word) { SYS(_umtx_op, word, UMTX_OP_WAKE, 1, 0, 0); }
static void wake_private(u32 *word) { SYS(_umtx_op, word, UMTX_OP_WAKE_PRIVATE, 1, 0, 0); }
static long new_process(void) { return SYS(fork); }
static long map_shared(void) { return mmap(0, 4096, 3, MAP_SHARED_ANON, -1, 0); }
#else
struct epoll_event { u32 events; u64 data; };
enum { EPOLL_CTL_ADD = 1, EPOLLIN = 1, FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_PRIVATE = 128, SIGCHLD = 17, MAP_SHARED_ANON = 0x21 };
#define EPOLLET (1u << 31)

static int queue;

static void open_queue(int fd, int edge)
{
	struct epoll_event e = {EPOLLIN | (edge ? EPOLLET : 0), 0};
	queue = SYS(epoll_create1, 0);
	SYS(epoll_ctl, queue, EPOLL_CTL_ADD, fd, &e);
}

static int wait_event(void)
{
	struct epoll_event e;
	return SYS(epoll_pwait, queue, &e, 1, -1, 0, 8);
}

static void wait_while(u32 *word, u32 value) { SYS(futex, word, FUTEX_WAIT, value, 0); }
static void wake(u32 *word) { SYS(futex, word, FUTEX_WAKE, 1); }
static void wake_private(u32 *word) { SYS(futex, word, FUTEX_WAKE | FUTEX_PRIVATE, 1); }
static long new_process(void) { return SYS(clone, SIGCHLD); }
static long map_shared(void) { return SYS(mmap, 0, 4096, 3, MAP_SHARED_ANON, -1, 0); }
#endif

static long null_calls(long times)
{
	long sum = 0, first = SYS(getppid);
	for (long i = 0; i < times; i++)
		sum += SYS(getppid) == first;
	return sum;
}

static long events(long times, int edge)
{
	int fds[2];
	char byte = 'x';
	long sum = 0;
	SYS(pipe2, fds, 0);
	open_queue(fds[0], edge);
	for (long i = 0; i < times; i++) {
		SYS(write, fds[1], &byte, 1);
		sum += wait_event();
		sum += SYS(read, fds[0], &byte, 1);
	}
	return sum;
}

static long wakes(long times)
{
	u32 word = 0;
	for (long i = 0; i < times; i++)
		wake_private(&word);
	return times;
}

/* Two processes hand a word over to each other. */
static long turns(long times)
{
	u32 *word = (u32 *)map_shared();
	long child = new_process(), mine = child == 0;
	for (long i = 0; i < times; i++) {
		u32 seen;
		while ((long)((seen = __atomic_load_n(word, __ATOMIC_SEQ_CST)) & 1) != mine)
			wait_while(word, seen);
		__atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
		wake(word);
	}
	if (child == 0)
		quit(0);
	int status;
	SYS(wait4, child, &status, 0, 0);
	return *word;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc < 3)
		return 2;
	long times = parse(argv[2]), result = -1;
	if (strcmp(argv[1], "null") == 0)
		result = null_calls(times);
	else if (strcmp(argv[1], "edge") == 0)
		result = events(times, 1);
	else if (strcmp(argv[1], "level") == 0)
		result = events(times, 0);
	else if (strcmp(argv[1], "wake") == 0)
		result = wakes(times);
	else if (strcmp(argv[1], "turns") == 0)
		result = turns(times);
	print("%s %ld\n", argv[1], result);
	return result < 0;
}
