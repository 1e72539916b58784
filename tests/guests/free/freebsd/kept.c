/* What a process has set for itself, and the program that it executes and its children have too: the user that logged in, the kernel's
 * environment, controls of its memory. */
#include "check.h"

#define __NR_setlogin 50
#define __NR_getloginclass 523
#define __NR_setloginclass 524

enum { NOBODY = 65534, KENV_GET = 0, KENV_SET = 1 };
enum { PROTMAX_CTL = 15, PROTMAX_STATUS, STACKGAP_CTL, STACKGAP_STATUS, WXMAP_CTL = 21, WXMAP_STATUS };
enum { READ = 1, WRITE = 2, EXEC = 4, PRIVATE = 2, ANON = 0x1000, ACTIVE = 1 << 31 };

static long set(int command, int value) { return procctl(0, 0, command, &value); }

static long told(int command)
{
	int value = -1;
	SAME(procctl(0, 0, command, &value), 0);
	return value;
}

static long map(int protection) { return mmap(0, 4096, protection, ANON | PRIVATE, -1, 0); }

static int is_mapped(long at) { return at > 0 || at < -4096; }

static void is_login(const char *name, const char *class)
{
	char value[64];
	SAME(SYS(getlogin, value, sizeof value), 0);
	SAME(strcmp(value, name), 0);
	SAME(SYS(getloginclass, value, sizeof value), 0);
	SAME(strcmp(value, class), 0);
}

/* Waits for a child that must have done well. */
static void ends_well(long child)
{
	int status;
	CHECK(child > 0);
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
}

static void login(void)
{
	static const char longer[] = "a name of more than 32 letters, too long";
	char value[64];
	SAME(SYS(getloginclass, value, sizeof value), 0);
	SAME(strcmp(value, "default"), 0);
	SAME(SYS(getloginclass, value, 3), -ENAMETOOLONG);
	SAME(SYS(setlogin, longer), -EINVAL);
	SAME(SYS(setloginclass, longer), -ENAMETOOLONG);
	SAME(SYS(setloginclass, ""), -EINVAL);
	SAME(SYS(setlogin, (char *)-1), -EFAULT);
	SAME(SYS(setlogin, "somebody"), 0);
	SAME(SYS(setloginclass, "staff"), 0);
	is_login("somebody", "staff");
	SAME(SYS(getlogin, value, 8), -ERANGE);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		is_login("somebody", "staff");
		SAME(SYS(setloginclass, "other"), 0);
		SAME(SYS(setuid, NOBODY), 0);
		SAME(SYS(setlogin, "nobody"), -EPERM);
		SAME(SYS(setloginclass, "staff"), -EPERM);
		is_login("somebody", "other");
		quit(0);
	}
	ends_well(child);
	is_login("somebody", "staff");
}

/* What mappings may be allowed. */
static void memory(void)
{
	long at = map(READ);
	SAME(SYS(mprotect, at, 4096, READ | WRITE), 0);
	SAME(told(PROTMAX_STATUS), 3);
	SAME(set(PROTMAX_CTL, 4), -EINVAL);
	SAME(set(PROTMAX_CTL, 1), 0);
	SAME(told(PROTMAX_STATUS), ACTIVE | 1);
	at = map(READ);
	SAME(SYS(mprotect, at, 4096, READ | WRITE), -EACCES);
	at = map(0);
	SAME(SYS(mprotect, at, 4096, READ | WRITE), 0);
	/* Of those to come only, and not where the program says what it may be. */
	at = map(READ | (READ | WRITE) << 16);
	SAME(SYS(mprotect, at, 4096, READ | WRITE), 0);
	/* Of the next program. */
	SAME(told(WXMAP_STATUS), 0);
	SAME(set(WXMAP_CTL, 3), -EINVAL);
	SAME(set(WXMAP_CTL, 2), 0);
	SAME(told(WXMAP_STATUS), 2);
	CHECK(is_mapped(map(READ | WRITE | EXEC)));
	SAME(told(STACKGAP_STATUS), 1 | 4);
	SAME(set(STACKGAP_CTL, 8), 0);
	SAME(told(STACKGAP_STATUS), 1 | 8);
	SAME(set(STACKGAP_CTL, 1 | 2), -EINVAL);
	SAME(set(STACKGAP_CTL, 2), 0);
	SAME(set(STACKGAP_CTL, 1), -EINVAL);
	SAME(set(STACKGAP_CTL, 16), -EINVAL);
	SAME(told(STACKGAP_STATUS), 2 | 8);
}

static void memory_after(void)
{
	SAME(told(PROTMAX_STATUS), ACTIVE | 1);
	long at = map(READ | WRITE);
	SAME(SYS(mprotect, at, 4096, READ | EXEC), -EACCES);
	SAME(set(PROTMAX_CTL, 3), 0);
	SAME(told(STACKGAP_STATUS), 2 | 8);
	SAME(told(WXMAP_STATUS), ACTIVE | 2);
	SAME(map(READ | WRITE | EXEC), -EACCES);
	at = map(READ | WRITE);
	SAME(SYS(mprotect, at, 4096, WRITE | EXEC), -EACCES);
	SAME(SYS(mprotect, at, 4096, READ | EXEC), 0);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SAME(map(READ | WRITE | EXEC), -EACCES);
		SAME(set(WXMAP_CTL, 1), 0);
		SAME(told(WXMAP_STATUS), 1 | 2);
		CHECK(is_mapped(map(READ | WRITE | EXEC)));
		quit(0);
	}
	ends_well(child);
	SAME(map(WRITE | EXEC), -EACCES);
}

/* The program that has been executed. */
static int after(void)
{
	memory_after();
	char value[64];
	is_login("somebody", "staff");
	SAME(SYS(kenv, KENV_GET, "a|name:", value, sizeof value), 10);
	SAME(strcmp(value, "its=value"), 0);
	print("what was set is kept\n");
	return 0;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1)
		return after();
	if (SYS(geteuid) != 0) {
		static const char why[] = "SKIPPED: only the superuser sets these\n";
		SYS(write, 2, why, sizeof why - 1);
		quit(77);
	}
	login();
	memory();
	SAME(SYS(kenv, KENV_SET, "a|name:", "its=value", 10), 0);
	flush();
	char *args[] = {argv[0], "after", 0}, *none[] = {0};
	SYS(execve, argv[0], args, none);
	print("not executed\n");
	return 1;
}
