/* What the kernel puts on the initial stack: arguments, environment and auxiliary vector. */
#include "guest.h"
#include <linux/auxvec.h>

extern char _start[], __ehdr_start[];

static const char *base_name(const char *path)
{
	const char *name = path;
	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

static const char *yes(int condition)
{
	return condition ? "yes" : "NO";
}

int guest_main(int argc, char **argv, char **envp)
{
	print("argc %d\n", argc);
	print("argv[0] %s\n", base_name(argv[0]));
	for (int i = 1; i < argc; i++)
		print("argv[%d] %s\n", i, argv[i]);
	print("argv ends with null: %s\n", yes(argv[argc] == 0));
	/* Only the variables that the test sets: the rest is the tester's own. */
	char **e = envp;
	for (; *e; e++)
		if (e[0][0] == 'G' && e[0][1] == 'U' && e[0][2] == 'E' && e[0][3] == 'S' && e[0][4] == 'T')
			print("env %s\n", *e);

	unsigned long aux[64] = {0};
	int pairs = 0;
	for (unsigned long *a = (unsigned long *)(e + 1); a[0] != AT_NULL; a += 2, pairs++)
		if (a[0] < COUNT(aux))
			aux[a[0]] = a[1];
	print("AT_PAGESZ %lu\n", aux[AT_PAGESZ]);
	print("AT_CLKTCK %lu\n", aux[AT_CLKTCK]);
	print("AT_PHENT %lu\n", aux[AT_PHENT]);
	print("AT_PHNUM is not 0: %s\n", yes(aux[AT_PHNUM] != 0));
	print("AT_PHDR is in the image: %s\n", yes(aux[AT_PHDR] - (unsigned long)__ehdr_start < 4096));
	print("AT_ENTRY is _start: %s\n", yes(aux[AT_ENTRY] == (unsigned long)_start));
	print("AT_BASE %lu\n", aux[AT_BASE]);
	print("AT_UID is getuid: %s\n", yes((long)aux[AT_UID] == SYS(getuid)));
	print("AT_EUID is geteuid: %s\n", yes((long)aux[AT_EUID] == SYS(geteuid)));
	print("AT_GID is getgid: %s\n", yes((long)aux[AT_GID] == SYS(getgid)));
	print("AT_EGID is getegid: %s\n", yes((long)aux[AT_EGID] == SYS(getegid)));
	print("AT_SECURE %lu\n", aux[AT_SECURE]);
	print("AT_EXECFN %s\n", base_name((char *)aux[AT_EXECFN]));
	u8 *random = (u8 *)aux[AT_RANDOM], any = 0;
	for (int i = 0; i < 16; i++)
		any |= random[i];
	print("AT_RANDOM has bytes: %s\n", yes(any != 0));
	print("stack is aligned: %s\n", yes(((unsigned long)(argv - 1) & (sizeof(long) == 8 ? 15 : 7)) == 0));
	return 0;
}
