/* Started by the dynamic linker of rtld.c. */
#include "../lib/check.h"

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	CHECK(argc == 2 && strcmp(argv[1], "argument") == 0);
	print("program: entered\n");
	return 5;
}
