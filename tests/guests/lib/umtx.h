/* The locks of FreeBSD's libthr, as its user-space half has them (lib/libthr/thread/thr_umtx.h describes the words). */
#ifndef UMTX_H
#define UMTX_H

#include "guest.h"

enum {
	UMTX_WAIT = 2, UMTX_WAKE = 3, MUTEX_TRYLOCK = 4, MUTEX_LOCK = 5, MUTEX_UNLOCK = 6, SET_CEILING = 7, CV_WAIT = 8, CV_SIGNAL = 9,
	CV_BROADCAST = 10, WAIT_UINT = 11, RW_RDLOCK = 12, RW_WRLOCK = 13, RW_UNLOCK = 14, WAIT_UINT_PRIVATE = 15, WAKE_PRIVATE = 16,
	MUTEX_WAIT = 17, MUTEX_WAKE = 18, SEM_WAIT = 19, SEM_WAKE = 20, NWAKE_PRIVATE = 21, MUTEX_WAKE2 = 22, SEM2_WAIT = 23,
	SEM2_WAKE = 24, UMTX_SHM = 25, ROBUST_LISTS = 26, GET_MIN_TIMEOUT = 27, SET_MIN_TIMEOUT = 28
};

struct umutex { u32 owner, flags, ceilings[2]; unsigned long link; u32 spare[sizeof(long) == 4 ? 3 : 2]; };
struct ucond { u32 waiters, flags, clock, spare; };
struct urwlock { u32 state, flags, readers, writers, spare[4]; };
struct usem2 { u32 count, flags; };
struct umtx_time { struct timespec timeout; u32 flags, clock; };

#define CONTESTED 0x80000000u
#define OWNER_DEAD 0x80000010u
#define NOT_RECOVERABLE 0x80000011u
enum { PROCESS_SHARED = 1, PRIO_INHERIT = 4, PRIO_PROTECT = 8, ROBUST = 0x10, NONCONSISTENT = 0x20 };

static inline long umtx(void *obj, int op, unsigned long val, void *a, void *b)
{
	return SYS(_umtx_op, obj, op, val, a, b);
}

static inline int cas(u32 *at, u32 old, u32 new)
{
	return __atomic_compare_exchange_n(at, &old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline u32 look(u32 *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static inline void mutex_lock(struct umutex *m, u32 me)
{
	if (cas(&m->owner, 0, me))
		return;
	for (;;) {
		u32 owner = look(&m->owner);
		if ((owner & ~CONTESTED) == 0) {
			if (cas(&m->owner, owner, me | owner))
				return;
		} else {
			umtx(m, MUTEX_WAIT, 0, 0, 0);
		}
	}
}

static inline void mutex_unlock(struct umutex *m)
{
	u32 owner = __atomic_exchange_n(&m->owner, 0, __ATOMIC_SEQ_CST);
	if (owner & CONTESTED)
		umtx(m, MUTEX_WAKE2, m->flags, 0, 0);
}

static inline void cond_wait(struct ucond *c, struct umutex *m, u32 me)
{
	umtx(c, CV_WAIT, 0, m, 0);
	mutex_lock(m, me);
}

static inline void cond_signal(struct ucond *c)
{
	if (look(&c->waiters))
		umtx(c, CV_SIGNAL, 0, 0, 0);
}

static inline void cond_broadcast(struct ucond *c)
{
	if (look(&c->waiters))
		umtx(c, CV_BROADCAST, 0, 0, 0);
}

static inline void sem_post(struct usem2 *s)
{
	u32 old = __atomic_fetch_add(&s->count, 1, __ATOMIC_SEQ_CST);
	if (old & CONTESTED)
		umtx(s, SEM2_WAKE, 0, 0, 0);
}

static inline void sem_wait(struct usem2 *s)
{
	for (;;) {
		u32 count = look(&s->count);
		if ((count & ~CONTESTED) != 0) {
			if (cas(&s->count, count, count - 1))
				return;
		} else {
			umtx(s, SEM2_WAIT, 0, 0, 0);
		}
	}
}

enum { RW_OWNER = 0x80000000, RW_WWAIT = 0x40000000, RW_RWAIT = 0x20000000, RW_COUNT = 0x1fffffff };

static inline void rw_read(struct urwlock *l)
{
	for (;;) {
		u32 s = look(&l->state);
		if (s & ((u32)RW_OWNER | RW_WWAIT)) {
			if (umtx(l, RW_RDLOCK, 0, 0, 0) == 0)
				return;
		} else if (cas(&l->state, s, s + 1)) {
			return;
		}
	}
}

static inline void rw_write(struct urwlock *l)
{
	for (;;) {
		u32 s = look(&l->state);
		if (s & ((u32)RW_OWNER | RW_COUNT)) {
			if (umtx(l, RW_WRLOCK, 0, 0, 0) == 0)
				return;
		} else if (cas(&l->state, s, s | (u32)RW_OWNER)) {
			return;
		}
	}
}

static inline void rw_unlock(struct urwlock *l)
{
	for (;;) {
		u32 s = look(&l->state);
		if (s & (u32)RW_OWNER) {
			if (cas(&l->state, (u32)RW_OWNER, 0))
				return;
		} else if ((s & (RW_WWAIT | RW_RWAIT)) == 0 || (s & RW_COUNT) != 1) {
			if (cas(&l->state, s, s - 1))
				return;
			continue;
		}
		if (umtx(l, RW_UNLOCK, 0, 0, 0) == 0)
			return;
	}
}

#endif
