/* What umtx says: protocols, robust mutexes, timeouts, read-write locks, semaphores, wake queues, shared pages. */
#include "check.h"
#include "umtx.h"

static char stacks[4][16384] __attribute__((aligned(16)));
static long tids[4], ended[4];

static void start(int which, void (*work)(long), long argument)
{
	ended[which] = 0;
	unsigned long p[13] = {(unsigned long)work, argument, (unsigned long)stacks[which], sizeof stacks[which], 0, 0, 0,
		(unsigned long)&tids[which]};
	SAME(SYS(thr_new, p, sizeof p), 0);
}

static void join(int which)
{
	while (__atomic_load_n(&ended[which], __ATOMIC_SEQ_CST) == 0)
		umtx(&ended[which], UMTX_WAIT, 0, 0, 0);
}

static long me;
static struct timespec soon = {0, 20000000};

static void pause_until(u32 *word, u32 bit)
{
	while ((look(word) & bit) == 0)
		SYS(sched_yield);
}

static void protocols(void)
{
	struct umutex plain = {0}, inherit = {.flags = PRIO_INHERIT}, protect = {.owner = CONTESTED, .flags = PRIO_PROTECT};
	SAME(umtx(&plain, MUTEX_LOCK, 0, 0, 0), 0);
	SAME(plain.owner, me);
	SAME(umtx(&plain, MUTEX_TRYLOCK, 0, 0, 0), -EBUSY);
	SAME(umtx(&plain, MUTEX_LOCK, 0, (void *)sizeof soon, &soon), -ETIMEDOUT);
	SAME(umtx(&plain, MUTEX_UNLOCK, 0, 0, 0), 0);
	SAME(umtx(&plain, MUTEX_UNLOCK, 0, 0, 0), -EPERM);
	SAME(umtx(&inherit, MUTEX_LOCK, 0, 0, 0), 0);
	SAME(umtx(&inherit, MUTEX_LOCK, 0, 0, 0), -EDEADLK);
	SAME(umtx(&inherit, MUTEX_UNLOCK, 0, 0, 0), 0);
	/* With a ceiling the word is never 0, so that user space does not take it by itself. */
	SAME(umtx(&protect, MUTEX_LOCK, 0, 0, 0), 0);
	CHECK(protect.owner == ((u32)me | CONTESTED));
	SAME(umtx(&protect, MUTEX_UNLOCK, 0, 0, 0), 0);
	CHECK(protect.owner == CONTESTED);
	u32 old = 99;
	SAME(umtx(&protect, SET_CEILING, 7, &old, 0), 0);
	SAME(old, 0);
	SAME(protect.ceilings[0], 7);
	SAME(umtx(&protect, SET_CEILING, 32, 0, 0), -EINVAL);
	SAME(umtx(&plain, SET_CEILING, 1, 0, 0), -EINVAL);
	protect.ceilings[0] = 40;
	SAME(umtx(&protect, MUTEX_LOCK, 0, 0, 0), -EINVAL);
	struct umutex both = {.flags = PRIO_INHERIT | PRIO_PROTECT};
	SAME(umtx(&both, MUTEX_LOCK, 0, 0, 0), -EINVAL);
	SAME(umtx((void *)16, MUTEX_LOCK, 0, 0, 0), -EFAULT);
	SAME(umtx(&plain, 77, 0, 0, 0), -EINVAL);
	SAME(umtx(&plain, 0, 0, 0, 0), -EOPNOTSUPP);
}

static struct umutex robust[3];
static struct { unsigned long shared, private, in_action; } params;
static unsigned long heads[2], in_action;

static void owner(long how)
{
	params.shared = (unsigned long)&heads[0];
	params.private = (unsigned long)&heads[1];
	params.in_action = (unsigned long)&in_action;
	CHECK(umtx(0, ROBUST_LISTS, sizeof params, &params, 0) == 0);
	for (int i = 0; i < 3; i++) {
		robust[i] = (struct umutex){.flags = ROBUST};
		CHECK(umtx(&robust[i], MUTEX_LOCK, 0, 0, 0) == 0);
	}
	/* Two are listed, the third is just being taken. */
	robust[0].link = (unsigned long)&robust[1];
	heads[1] = (unsigned long)&robust[0];
	heads[0] = 0;
	in_action = (unsigned long)&robust[2];
	if (how) {
		__atomic_store_n(&tids[3], 1, __ATOMIC_SEQ_CST);
		pause_until(&robust[0].owner, CONTESTED);
	}
	SYS(thr_exit, &ended[0]);
}

static void robustness(void)
{
	SAME(umtx(0, ROBUST_LISTS, 4 * sizeof(long), &params, 0), -EINVAL);
	for (int waits = 0; waits < 2; waits++) {
		tids[3] = 0;
		start(0, owner, waits);
		if (waits)
			while (!__atomic_load_n(&tids[3], __ATOMIC_SEQ_CST))
				SYS(sched_yield);
		else
			join(0);
		/* The kernel stores 1 to `ended` before it looks at the lists: wait for the word itself. */
		while (!waits && look(&robust[0].owner) != OWNER_DEAD)
			SYS(sched_yield);
		SAME(umtx(&robust[0], MUTEX_LOCK, 0, 0, 0), -EOWNERDEAD);
		CHECK(robust[0].owner == ((u32)me | CONTESTED));
		join(0);
		while (look(&robust[2].owner) != OWNER_DEAD)
			SYS(sched_yield);
		SAME(umtx(&robust[1], MUTEX_TRYLOCK, 0, 0, 0), -EOWNERDEAD);
		SAME(umtx(&robust[2], MUTEX_LOCK, 0, 0, 0), -EOWNERDEAD);
		/* Made consistent, or not. */
		SAME(umtx(&robust[0], MUTEX_UNLOCK, 0, 0, 0), 0);
		robust[1].flags |= NONCONSISTENT;
		SAME(umtx(&robust[1], MUTEX_UNLOCK, 0, 0, 0), 0);
		CHECK(robust[1].owner == NOT_RECOVERABLE);
		SAME(umtx(&robust[1], MUTEX_LOCK, 0, 0, 0), -ENOTRECOVERABLE);
		SAME(umtx(&robust[0], MUTEX_LOCK, 0, 0, 0), 0);
	}
}

/* Robust mutexes of several processes, whose owner a signal kills. */
static void orphans(void)
{
	struct umutex *shared = (struct umutex *)mmap(0, 4096, 3, 0x1001, -1, 0); /* MAP_SHARED | MAP_ANON */
	CHECK((long)shared > 0);
	for (int waits = 0; waits < 3; waits++) {
		shared[waits] = (struct umutex){.flags = ROBUST | PROCESS_SHARED};
		flush();
		long child = SYS(fork);
		if (child == 0) {
			umtx(&shared[waits], MUTEX_LOCK, 0, 0, 0);
			struct timespec long_time = {100, 0};
			SYS(nanosleep, &long_time, 0);
			quit(1);
		}
		while (look(&shared[waits].owner) == 0)
			SYS(sched_yield);
		SAME(umtx(&shared[waits], MUTEX_TRYLOCK, 0, 0, 0), -EBUSY);
		SAME(umtx(&shared[waits], MUTEX_LOCK, 0, (void *)sizeof soon, &soon), -ETIMEDOUT);
		long killer = 0;
		if (waits == 0)
			SYS(kill, child, 9);
		else if ((killer = SYS(fork)) == 0) {
			/* While its parent waits. */
			pause_until(&shared[waits].owner, CONTESTED);
			SYS(nanosleep, &soon, 0);
			SYS(kill, child, 9);
			quit(0);
		}
		int op = waits == 2 ? MUTEX_WAIT : MUTEX_LOCK;
		SAME(umtx(&shared[waits], op, 0, 0, 0), op == MUTEX_WAIT ? 0 : -EOWNERDEAD);
		while (op == MUTEX_WAIT && look(&shared[waits].owner) != OWNER_DEAD)
			SAME(umtx(&shared[waits], op, 0, 0, 0), 0);
		int status;
		CHECK(SYS(wait4, child, &status, 0, 0) == child && status == 9);
		if (killer)
			CHECK(SYS(wait4, killer, &status, 0, 0) == killer && status == 0);
	}
	SYS(munmap, shared, 4096);
}

static void timeouts(void)
{
	u32 word = 1;
	SAME(umtx(&word, WAIT_UINT, 2, 0, 0), 0);
	SAME(umtx(&word, WAIT_UINT, 1, (void *)sizeof soon, &soon), -ETIMEDOUT);
	struct umtx_time t = {.timeout = soon, .clock = 4};
	SAME(umtx(&word, WAIT_UINT_PRIVATE, 1, (void *)sizeof t, &t), -ETIMEDOUT);
	/* Absolute, on either clock. */
	for (int clock = 0; clock <= 4; clock += 4) {
		SAME(SYS(clock_gettime, clock, &t.timeout), 0);
		t.timeout.nsec += soon.nsec;
		if (t.timeout.nsec >= 1000000000)
			t.timeout.sec++, t.timeout.nsec -= 1000000000;
		t.flags = 1;
		t.clock = clock;
		SAME(umtx(&word, WAIT_UINT, 1, (void *)sizeof t, &t), -ETIMEDOUT);
	}
	struct timespec bad = {0, 1000000000};
	SAME(umtx(&word, WAIT_UINT, 1, (void *)sizeof bad, &bad), -EINVAL);
	/* No wait is shorter than this. */
	long least = 0;
	SAME(umtx(0, SET_MIN_TIMEOUT, 50000000, 0, 0), 0);
	SAME(umtx(0, GET_MIN_TIMEOUT, 0, &least, 0), 0);
	SAME(least, 50000000);
	struct timespec before, after, none = {0, 1};
	SYS(clock_gettime, 4, &before);
	SAME(umtx(&word, WAIT_UINT, 1, (void *)sizeof none, &none), -ETIMEDOUT);
	SYS(clock_gettime, 4, &after);
	CHECK((after.sec - before.sec) * 1000000000 + after.nsec - before.nsec >= 50000000);
	SAME(umtx(0, SET_MIN_TIMEOUT, 0, 0, 0), 0);
	SAME(umtx(0, SET_MIN_TIMEOUT, -1ul, 0, 0), -EINVAL);
	struct umutex held = {.owner = 12345};
	struct ucond condition = {.clock = 4};
	SAME(umtx(&condition, CV_WAIT, 0, &held, &soon), -EPERM);
	held.owner = me;
	SAME(umtx(&condition, CV_WAIT, 0, &held, &soon), -ETIMEDOUT);
	SAME(held.owner, 0);
	struct urwlock rw = {0};
	SAME(umtx(&rw, RW_WRLOCK, 0, 0, 0), 0);
	SAME(umtx(&rw, RW_RDLOCK, 0, (void *)sizeof soon, &soon), -ETIMEDOUT);
	SAME(umtx(&rw, RW_WRLOCK, 0, (void *)sizeof soon, &soon), -ETIMEDOUT);
	CHECK(rw.state == 0x80000000 && rw.readers == 0 && rw.writers == 0);
	SAME(umtx(&rw, RW_UNLOCK, 0, 0, 0), 0);
	SAME(umtx(&rw, RW_UNLOCK, 0, 0, 0), -EPERM);
	struct usem2 sem = {0};
	SAME(umtx(&sem, SEM2_WAIT, 0, (void *)sizeof soon, &soon), -ETIMEDOUT);
	sem.count = 1;
	SAME(umtx(&sem, SEM2_WAIT, 0, 0, 0), 0);
}

static volatile int interrupted;

static void handler(int signal)
{
	interrupted = signal;
}

static volatile int seen;

/* Until it is seen: the other one may not have been in its call at first. */
static void interrupt(long to)
{
	while (!seen) {
		SYS(nanosleep, &soon, 0);
		if (!seen)
			SYS(thr_kill, to, 31);
	}
	SYS(thr_exit, &ended[1]);
}

/* A wait without a timeout goes on after a handler with SA_RESTART; a relative one is told what is left. */
static void interruptions(void)
{
	struct { void *handler; int flags; u32 mask[4]; } act = {handler, 0, {0}};
	SAME(SYS(sigaction, 31, &act, 0), 0);
	u32 word = 0;
	start(1, interrupt, me);
	SAME(umtx(&word, WAIT_UINT, 0, 0, 0), -EINTR);
	seen = 1;
	SAME(interrupted, 31);
	join(1);
	seen = 0;
	struct usem2 sem = {0};
	struct { struct umtx_time time; struct timespec rest; } t = {{{100, 0}, 0, 4}, {0, 0}};
	start(1, interrupt, me);
	SAME(umtx(&sem, SEM2_WAIT, 0, (void *)sizeof t, &t), -EINTR);
	seen = 1;
	CHECK(t.rest.sec >= 90 && t.rest.sec < 100);
	join(1);
}

static u32 words[3];
static struct { u32 waiters, count, flags; } old_semaphore;

static void sleeper(long which)
{
	while (look(&words[which]) == 0)
		umtx(&words[which], WAIT_UINT_PRIVATE, 0, 0, 0);
	if (which == 2) {
		while (look(&old_semaphore.count) == 0)
			umtx(&old_semaphore, SEM_WAIT, 0, 0, 0);
	}
	SYS(thr_exit, &ended[which]);
}

static void queues(void)
{
	for (int i = 0; i < 3; i++)
		start(i, sleeper, i);
	SYS(nanosleep, &soon, 0);
	u32 *all[3] = {&words[0], &words[1], &words[2]};
	for (int i = 0; i < 3; i++)
		__atomic_store_n(&words[i], 1, __ATOMIC_SEQ_CST);
	SAME(umtx(all, NWAKE_PRIVATE, 3, 0, 0), 0);
	join(0);
	join(1);
	pause_until(&old_semaphore.waiters, 1);
	__atomic_store_n(&old_semaphore.count, 1, __ATOMIC_SEQ_CST);
	umtx(&old_semaphore, SEM_WAKE, 0, 0, 0);
	join(2);
	SAME(umtx((void *)8, NWAKE_PRIVATE, 1, 0, 0), -EFAULT);
}

/* A page for an address in shared memory: the child of a fork finds it too. */
static void shared_pages(void)
{
	enum { CREAT = 1, LOOKUP = 2, DESTROY = 4, ALIVE = 8 };
	u32 *shared = (u32 *)mmap(0, 4096, 3, 0x1001, -1, 0);
	CHECK((long)shared > 0);
	SAME(umtx(0, UMTX_SHM, LOOKUP, shared + 1, 0), -ESRCH);
	long fd = umtx(0, UMTX_SHM, CREAT, shared + 1, 0);
	CHECK(fd > 2);
	struct usem2 *page = (void *)mmap(0, 4096, 3, 1, fd, 0);
	CHECK((long)page > 0);
	SYS(close, fd);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		fd = umtx(0, UMTX_SHM, LOOKUP, shared + 1, 0);
		struct usem2 *same = (void *)mmap(0, 4096, 3, 1, fd, 0);
		if (fd < 0 || (long)same <= 0)
			quit(1);
		/* Another mapping of the same page, in another process. */
		sem_post(same);
		quit(0);
	}
	sem_wait(page);
	int status;
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
	SAME(umtx(0, UMTX_SHM, ALIVE, shared, 0), 0);
	SAME(umtx(0, UMTX_SHM, DESTROY, shared + 1, 0), 0);
	SAME(umtx(0, UMTX_SHM, DESTROY, shared + 1, 0), -ESRCH);
	SAME(umtx(0, UMTX_SHM, CREAT | LOOKUP, shared, 0), -EINVAL);
}

static void suspension(long to)
{
	SYS(nanosleep, &soon, 0);
	SYS(thr_wake, to);
	SYS(thr_exit, &ended[1]);
}

static void suspensions(void)
{
	SAME(SYS(thr_suspend, &soon), -ETIMEDOUT);
	start(1, suspension, me);
	SAME(SYS(thr_suspend, 0), 0);
	join(1);
	/* A wake-up that comes first is kept. */
	SAME(SYS(thr_wake, me), 0);
	SAME(SYS(thr_suspend, 0), 0);
	SAME(SYS(thr_wake, 1), -ESRCH);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	SYS(thr_self, &me);
	protocols();
	robustness();
	orphans();
	timeouts();
	interruptions();
	queues();
	shared_pages();
	suspensions();
	print("locks are kept\n");
	return 0;
}
