/*
 * umtx under contention: 32 threads at libthr's locks. With an argument: for so many seconds, with a word each minute.
 * Nothing has a timeout, so a wake-up that is lost leaves threads asleep for ever: the main thread sees that one makes no progress.
 */
#include "check.h"
#include "umtx.h"

enum { THREADS = 32, GROUP = 8, ROUNDS = 300, STALL = 60 };

static struct umutex mutex, queue_mutex, pair_mutex[THREADS / 2];
static struct ucond queue_full, queue_empty, pair_turn[THREADS / 2];
static struct urwlock rwlock;
static struct usem2 ring[GROUP];
static unsigned long counter, written, queued, produced, consumed;
static u32 turn[THREADS / 2];
static volatile int stop;
static u32 progress[THREADS], ended[THREADS];
static char stacks[THREADS][16384] __attribute__((aligned(16)));
static int endless;

static u32 self(void)
{
	long me;
	SYS(thr_self, &me);
	return me;
}

static int more(long which, int round)
{
	__atomic_add_fetch(&progress[which], 1, __ATOMIC_SEQ_CST);
	return endless ? !stop : round < ROUNDS;
}

/* A lock that all take, and readers and writers. */
static void lockers(long which, u32 me)
{
	for (int i = 0; more(which, i); i++) {
		mutex_lock(&mutex, me);
		counter++;
		if (i % 16 == which)
			SYS(sched_yield);
		mutex_unlock(&mutex);
		if ((i + which) % 4 == 0) {
			rw_write(&rwlock);
			written++;
			rw_unlock(&rwlock);
		} else {
			rw_read(&rwlock);
			if (i % 16 == which)
				SYS(sched_yield);
			rw_unlock(&rwlock);
		}
	}
}

/* Pairs that hand a turn to each other by one signal. */
static void pairs(long which, u32 me)
{
	int pair = which / 2;
	u32 mine = which % 2;
	for (int i = 0; more(which, i); i++) {
		mutex_lock(&pair_mutex[pair], me);
		while (turn[pair] != mine && !stop)
			cond_wait(&pair_turn[pair], &pair_mutex[pair], me);
		turn[pair] = !mine;
		cond_signal(&pair_turn[pair]);
		mutex_unlock(&pair_mutex[pair]);
	}
	mutex_lock(&pair_mutex[pair], me);
	cond_signal(&pair_turn[pair]);
	mutex_unlock(&pair_mutex[pair]);
}

/* A queue of four: half of them put in, half take out. */
static void queues(long which, u32 me)
{
	for (int i = 0; more(which, i); i++) {
		mutex_lock(&queue_mutex, me);
		if (which % 2) {
			while (queued == 4 && !stop)
				cond_wait(&queue_full, &queue_mutex, me);
			queued++, produced++;
			cond_signal(&queue_empty);
		} else {
			while (queued == 0 && !stop)
				cond_wait(&queue_empty, &queue_mutex, me);
			queued--, consumed++;
			cond_signal(&queue_full);
		}
		mutex_unlock(&queue_mutex);
	}
	mutex_lock(&queue_mutex, me);
	cond_broadcast(&queue_full);
	cond_broadcast(&queue_empty);
	mutex_unlock(&queue_mutex);
}

/* A ring of semaphores with two tokens in it. */
static void rings(long which, u32 me)
{
	(void)me;
	for (int i = 0; more(which, i); i++) {
		sem_wait(&ring[which % GROUP]);
		sem_post(&ring[(which + 1) % GROUP]);
	}
	sem_post(&ring[(which + 1) % GROUP]);
}

static void work(long which)
{
	static void (*const kinds[])(long, u32) = {lockers, pairs, queues, rings};
	kinds[which / GROUP](which, self());
	ended[which] = 1;
	umtx(&ended[which], UMTX_WAKE, 1000, 0, 0);
	SYS(thr_exit, 0);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	long seconds = argc > 1 ? parse(argv[1]) : 0;
	endless = seconds != 0;
	sem_post(&ring[0]);
	sem_post(&ring[4]);
	for (long i = 0; i < THREADS; i++) {
		long tid;
		unsigned long p[13] = {(unsigned long)work, i, (unsigned long)stacks[i], sizeof stacks[i], 0, 0, 0, (unsigned long)&tid};
		SAME(SYS(thr_new, p, sizeof p), 0);
	}
	u32 last[THREADS] = {0}, idle[THREADS] = {0};
	for (long second = 0; endless ? second < seconds : !stop; second++) {
		struct timespec t = {endless, endless ? 0 : 100000000};
		SYS(nanosleep, &t, 0);
		int running = 0;
		for (int i = 0; i < THREADS; i++) {
			u32 now = look(&progress[i]);
			running += !look(&ended[i]);
			idle[i] = now == last[i] && !ended[i] ? idle[i] + 1 : 0;
			last[i] = now;
			if (idle[i] > (endless ? STALL : 10 * STALL)) {
				print("thread %d makes no progress after %u rounds\n", i, now);
				quit(1);
			}
		}
		if (endless && second % 60 == 59) {
			print("%ld seconds: %lu under the mutex, %lu written, %lu through the queue, thread 31 %u rounds\n", second + 1,
				counter, written, consumed, progress[31]);
			flush();
		}
		if (!endless && !running)
			break;
	}
	stop = 1;
	if (endless) {
		/* Whoever sleeps now is woken by the one before it. */
		for (int i = 0; i < GROUP; i++)
			sem_post(&ring[i]);
		for (int i = 0; i < THREADS / 2; i++)
			umtx(&pair_turn[i], CV_BROADCAST, 0, 0, 0);
		umtx(&queue_full, CV_BROADCAST, 0, 0, 0);
		umtx(&queue_empty, CV_BROADCAST, 0, 0, 0);
	}
	for (int i = 0; i < THREADS; i++)
		while (!look(&ended[i])) {
			struct timespec t = {5, 0};
			umtx(&ended[i], WAIT_UINT, 0, (void *)sizeof t, &t);
			if (!look(&ended[i]) && look(&progress[i]) == last[i] && endless) {
				print("thread %d does not end\n", i);
				quit(1);
			}
		}
	if (!endless) {
		print("counter %lu, written %lu, produced %lu, consumed %lu\n", counter, written, produced, consumed);
		print("turns %u, tokens %u\n", turn[4], ring[0].count & ~CONTESTED);
	}
	return 0;
}
