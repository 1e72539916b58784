/* What a process has set for itself, and the program that it executes and its children have too: the user that logged in, the kernel's
 * environment, controls. */
#include "check.h"

#define __NR_setlogin 50
#define __NR_getloginclass 523
#define __NR_setloginclass 524

enum { NOBODY = 65534, KENV_GET = 0, KENV_SET = 1 };

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

/* The program that has been executed. */
static int after(void)
{
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
	SAME(SYS(kenv, KENV_SET, "a|name:", "its=value", 10), 0);
	flush();
	char *args[] = {argv[0], "after", 0}, *none[] = {0};
	SYS(execve, argv[0], args, none);
	print("not executed\n");
	return 1;
}
