/* Started by the dynamic linker of rtld.c. */
#include "../lib/check.h"

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	CHECK(argc == 2 && strcmp(argv[1], "argument") == 0);
	/* Where it goes below the prefix is told by a name that leads there again. */
	char path[1024];
	SAME(SYS(chdir, "/libexec"), 0);
	SAME(SYS(__getcwd, path, sizeof path), 0);
	SAME(strcmp(path, "/libexec"), 0);
	SAME(SYS(__getcwd, path, 8), -ERANGE);
	SAME(SYS(chdir, ".."), 0);
	SAME(SYS(__getcwd, path, sizeof path), 0);
	SAME(strcmp(path, "/"), 0);
	print("program: entered\n");
	return 5;
}
