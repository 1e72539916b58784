/* The library of rtld.c. Its entry point is what the linker calls. */
int thing_calls = 1;

int thing_works(int n)
{
	return n + 22;
}
