/* Users and groups are the process's: one thread changes them, the others have them from their next call on. */
#include "check.h"

enum { SKIPPED = 77, OTHER = 65533, NOBODY = 65534, UMTX_WAIT = 2, UMTX_WAKE = 3, VFORK = (int)(1u << 31) };

static char stack[16384] __attribute__((aligned(16)));
static long tid, order, done;
static u32 ids[6], group[2];
static long refused;

static void hand(long *word, long value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	SYS(_umtx_op, word, UMTX_WAKE, 1, 0, 0);
}

static void await(long *word, long value)
{
	long seen;
	while ((seen = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != value)
		SYS(_umtx_op, word, UMTX_WAIT, seen, 0, 0);
}

/* Looks what it has, whenever it is told to. */
static void look_on(long unused)
{
	(void)unused;
	for (long n = 1;; n++) {
		await(&order, n);
		SYS(getresuid, &ids[0], &ids[1], &ids[2]);
		SYS(getresgid, &ids[3], &ids[4], &ids[5]);
		SYS(getgroups_before_15, 2, group);
		refused = SYS(setuid, 0);
		hand(&done, n);
	}
}

static void are(u32 real, u32 effective, u32 saved, u32 gid)
{
	static long turn;
	hand(&order, ++turn);
	await(&done, turn);
	SAME(ids[0], real);
	SAME(ids[1], effective);
	SAME(ids[2], saved);
	SAME(ids[4], gid);
	SAME(group[0], gid);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	if (SYS(getuid) != 0) {
		static const char why[] = "SKIPPED: only the superuser can change users\n";
		SYS(write, 2, why, sizeof why - 1);
		return SKIPPED;
	}
	int status;
	flush();
	/* A child of a vfork has ids of its own. */
	long child = SYS(rfork, VFORK);
	if (child == 0) {
		SYS(setuid, OTHER);
		quit(SYS(getuid) == OTHER ? 5 : 6);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 5 << 8);
	unsigned long p[13] = {(unsigned long)look_on, 0, (unsigned long)stack, sizeof stack, 0, 0, 0, (unsigned long)&tid};
	SAME(SYS(thr_new, p, sizeof p), 0);
	are(0, 0, 0, SYS(getegid));
	u32 groups[2] = {OTHER, NOBODY};
	SAME(SYS(setgroups_before_15, 2, groups), 0);
	are(0, 0, 0, OTHER);
	SAME(group[1], NOBODY);
	/* There and back. */
	SAME(SYS(seteuid, OTHER), 0);
	SAME(SYS(setgid, 4321), -EPERM);
	SAME(SYS(seteuid, 0), 0);
	SAME(SYS(setgid, NOBODY), 0);
	are(0, 0, 0, NOBODY);
	/* `refused` was the change to what it is. */
	SAME(refused, 0);
	SAME(SYS(setresuid, OTHER, NOBODY, 0), 0);
	SAME(SYS(issetugid), 1);
	child = SYS(fork);
	if (child == 0) {
		/* The saved id is no id to set; the others are, and then all three are that one. */
		SAME(SYS(setuid, 0), -EPERM);
		SAME(SYS(setuid, OTHER), 0);
		u32 now[3];
		SYS(getresuid, &now[0], &now[1], &now[2]);
		CHECK(now[0] == OTHER && now[1] == OTHER && now[2] == OTHER);
		quit(3);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 3 << 8);
	are(OTHER, NOBODY, 0, NOBODY);
	SAME(refused, -EPERM);
	SAME(SYS(setresuid, NOBODY, NOBODY, NOBODY), 0);
	are(NOBODY, NOBODY, NOBODY, NOBODY);
	SAME(refused, -EPERM);
	print("users are the process's\n");
	return 0;
}
