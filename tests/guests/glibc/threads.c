/* POSIX threads: creation, mutual exclusion, conditions, thread-local storage, signals to one thread. */
#include "suite.h"
#include <fenv.h>
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long guarded;
static atomic_long atomic_sum;
static atomic_ullong wide_sum;
static volatile _Atomic unsigned char byte_sum;

static void *add(void *argument)
{
	long step = (long)argument;
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		guarded += step;
		pthread_mutex_unlock(&mutex);
		atomic_fetch_add(&atomic_sum, step);
		atomic_fetch_add(&wide_sum, 0x100000001ull * step);
		atomic_fetch_xor(&byte_sum, (unsigned char)i);
	}
	return (void *)(step * 2);
}

void threads(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_t thread[8];
	long results = 0;
	for (long i = 0; i < 8; i++)
		CHECK(pthread_create(&thread[i], 0, add, (void *)(i + 1)) == 0);
	for (int i = 0; i < 8; i++) {
		void *result;
		CHECK(pthread_join(thread[i], &result) == 0);
		results += (long)result;
	}
	printf("guarded %ld atomic %ld wide %llx byte %d results %ld\n", guarded, atomic_load(&atomic_sum), (unsigned long long)atomic_load(&wide_sum), byte_sum, results);
	/* Many short ones, so that stacks and thread ids are used again. */
	for (long i = 0; i < 200; i++) {
		CHECK(pthread_create(&thread[0], 0, (void *(*)(void *))(void *)labs, (void *)-i) == 0);
		void *result;
		CHECK(pthread_join(thread[0], &result) == 0 && (long)result == i);
	}
	pthread_attr_t attributes;
	CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
	guarded = 0;
	CHECK(pthread_create(&thread[0], &attributes, add, (void *)1) == 0);
	for (long now = 0; now < 20000; usleep(1000)) {
		pthread_mutex_lock(&mutex);
		now = guarded;
		pthread_mutex_unlock(&mutex);
	}
	printf("detached one done\n");
}

static __thread int initialised = 42;
static __thread char zeroed[100];
static pthread_key_t key;
static atomic_int destroyed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int once_runs;
static void run_once(void) { once_runs++; }
static void destroy(void *value) { destroyed += (long)value; }

static void *own(void *argument)
{
	long me = (long)argument;
	CHECK(initialised == 42 && zeroed[50] == 0);
	pthread_once(&once, run_once);
	pthread_setspecific(key, argument);
	for (int i = 0; i < 1000; i++) {
		initialised = me * 1000 + i;
		zeroed[50] = me;
		errno = me;
		if (i % 100 == 0)
			sched_yield();
		CHECK(initialised == me * 1000 + i && zeroed[50] == me && errno == me);
		CHECK(pthread_getspecific(key) == argument);
	}
	/* Rounding mode is a thread's own. */
	CHECK(fegetround() == FE_UPWARD);
	fesetround(FE_DOWNWARD);
	return 0;
}

void tls(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_t thread[6];
	CHECK(pthread_key_create(&key, destroy) == 0);
	fesetround(FE_UPWARD);
	for (long i = 0; i < 6; i++)
		CHECK(pthread_create(&thread[i], 0, own, (void *)(i + 1)) == 0);
	for (int i = 0; i < 6; i++)
		CHECK(pthread_join(thread[i], 0) == 0);
	printf("main's own still %d, destructors added up to %d, once ran %d, rounding kept %d\n", initialised, destroyed, once_runs, fegetround() == FE_UPWARD);
}

static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queue[8], queued, taken_sum;

static void *produce(void *argument)
{
	for (int i = 1; i <= 3000; i++) {
		pthread_mutex_lock(&mutex);
		while (queued == 8)
			pthread_cond_wait(&not_full, &mutex);
		queue[queued++] = i;
		pthread_cond_signal(&not_empty);
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static void *consume(void *argument)
{
	for (int i = 0; i < 3000; i++) {
		pthread_mutex_lock(&mutex);
		while (queued == 0)
			pthread_cond_wait(&not_empty, &mutex);
		taken_sum += queue[--queued];
		pthread_cond_signal(&not_full);
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static pthread_barrier_t barrier;
static atomic_int arrived, serial;
static void *meet(void *argument)
{
	for (int round = 1; round <= 20; round++) {
		arrived++;
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			serial++;
		CHECK(arrived >= round * 4);
		pthread_barrier_wait(&barrier);
	}
	return argument;
}

void conditions(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_t thread[6];
	for (int i = 0; i < 6; i++)
		CHECK(pthread_create(&thread[i], 0, i % 2 ? produce : consume, 0) == 0);
	for (int i = 0; i < 6; i++)
		pthread_join(thread[i], 0);
	printf("taken %d, left %d\n", taken_sum, queued);
	CHECK(pthread_barrier_init(&barrier, 0, 4) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&thread[i], 0, meet, 0) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], 0);
	printf("arrived %d, serial %d\n", arrived, serial);
	struct timespec when;
	clock_gettime(CLOCK_REALTIME, &when);
	when.tv_nsec += 30000000;
	when.tv_sec += when.tv_nsec / 1000000000, when.tv_nsec %= 1000000000;
	pthread_mutex_lock(&mutex);
	printf("timed wait: %s\n", strerrorname_np(pthread_cond_timedwait(&not_empty, &mutex, &when)));
	pthread_mutex_unlock(&mutex);
}

static atomic_int handled_by, handler_runs;
static __thread int me;
static atomic_int stop;
static void tell(int signal)
{
	(void)signal;
	handled_by = me;
	handler_runs++;
}
static void *spin(void *argument)
{
	me = (long)argument;
	unsigned long turns = 0;
	while (!stop)
		turns++;
	return 0;
}

void thread_signals(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_t thread[3];
	signal(SIGUSR1, tell);
	me = 100;
	for (long i = 0; i < 3; i++)
		CHECK(pthread_create(&thread[i], 0, spin, (void *)(i + 1)) == 0);
	usleep(20000);
	printf("handled by");
	for (int i = 0; i < 3; i++) {
		int before = handler_runs;
		CHECK(pthread_kill(thread[i], SIGUSR1) == 0);
		while (handler_runs == before)
			sched_yield();
		printf(" %d", handled_by);
	}
	raise(SIGUSR1);
	printf(" %d\n", handled_by);
	/* A signal for the process goes to a thread that does not block it. */
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, 0);
	int before = handler_runs;
	kill(getpid(), SIGUSR1);
	while (handler_runs == before)
		sched_yield();
	printf("not by main %d\n", handled_by != 100);
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], 0);
	printf("done\n");
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long pair_a, pair_b;
static sem_t semaphore;
static pthread_spinlock_t spinlock;

static void *read_or_write(void *argument)
{
	for (int i = 0; i < 3000; i++) {
		if ((long)argument % 3 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			pair_a++;
			if (i % 64 == 0)
				sched_yield();
			pair_b++;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			CHECK(pair_a == pair_b);
		}
		pthread_rwlock_unlock(&rwlock);
		pthread_spin_lock(&spinlock);
		guarded++;
		pthread_spin_unlock(&spinlock);
	}
	sem_post(&semaphore);
	return 0;
}

static void *relock(void *argument)
{
	return (void *)(long)pthread_mutex_trylock(argument);
}

void locks(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_t thread[6];
	guarded = 0;
	CHECK(sem_init(&semaphore, 0, 0) == 0 && pthread_spin_init(&spinlock, 0) == 0);
	for (long i = 0; i < 6; i++)
		CHECK(pthread_create(&thread[i], 0, read_or_write, (void *)i) == 0);
	for (int i = 0; i < 6; i++)
		CHECK(sem_wait(&semaphore) == 0);
	for (int i = 0; i < 6; i++)
		pthread_join(thread[i], 0);
	printf("written %ld %ld, counted %ld\n", pair_a, pair_b, guarded);
	printf("semaphore: %s\n", WHY(sem_trywait(&semaphore)));
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	static const int kinds[] = {PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
	for (int i = 0; i < 2; i++) {
		pthread_mutex_t m;
		pthread_mutexattr_settype(&attributes, kinds[i]);
		pthread_mutex_init(&m, &attributes);
		pthread_mutex_lock(&m);
		int again = pthread_mutex_lock(&m);
		void *other;
		pthread_create(&thread[0], 0, relock, &m);
		pthread_join(thread[0], &other);
		printf("locked again %s, by another %s\n", again ? strerrorname_np(again) : "success", strerrorname_np((long)other));
	}
}

/* A thread that ends with a lock held: the kernel walks its robust list and wakes who waits. */
void robust_(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_t thread[1];
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	static pthread_mutex_t robust;
	CHECK(pthread_mutex_init(&robust, &attributes) == 0);
	CHECK(pthread_create(&thread[0], 0, (void *(*)(void *))(void *)pthread_mutex_lock, &robust) == 0);
	pthread_join(thread[0], 0);
	printf("owner died: %s\n", strerrorname_np(pthread_mutex_lock(&robust)));
}

static atomic_int cleaned;
static void clean(void *argument) { cleaned += (long)argument; }
static void *wait_long(void *argument)
{
	pthread_cleanup_push(clean, argument);
	for (;;)
		sleep(100);
	pthread_cleanup_pop(0);
	return 0;
}

void cancel(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_t thread;
	void *result;
	CHECK(pthread_create(&thread, 0, wait_long, (void *)5) == 0);
	usleep(20000);
	CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
	printf("cancelled %d, cleaned up %d\n", result == PTHREAD_CANCELED, cleaned);
	pthread_t left;
	CHECK(pthread_create(&left, 0, wait_long, (void *)1) == 0);
	printf("exit with a thread still there\n");
}
