/*
 * What the prompt is tested on: inlined functions, functions to call with every kind of argument, bit fields, thread-local
 * variables; and it executes what its arguments say. Optimised, with debug information.
 */
#include "guest.h"
#include "watched.h"

#define KEPT __attribute__((noipa))
#define INLINED static inline __attribute__((always_inline))

static volatile int sink;

/* ---- inlined ---- */

INLINED int triple(int n)
{
	int three = n * 3;
	sink += three;
	return three;
}

INLINED int outer(int n)
{
	sink++;
	int t = triple(n + 1);
	sink += t;
	return t;
}

KEPT int work(int k)
{
	int a = outer(k);
	sink += a;
	int b = triple(a);
	sink += b;
	return a + b;
}

/* ---- called ---- */

struct pair { int x, y; };
struct wide { s64 a, b, c; };
struct floats { float x, y, z; };
struct mixed { int n; double d; };
struct small { char c[3]; };

KEPT int square(int n) { return n * n; }
KEPT s64 add_long(s64 a, int b, s64 c) { return a + b + c; }
KEPT double scale(double by, int n) { return by * n; }
KEPT float halve(float f) { return f / 2; }
KEPT double mean(double a, float b, double c) { return (a + b + c) / 3; }
KEPT int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, s64 j) { return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + (int)j * 10; }
KEPT double doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i) { return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i; }
KEPT int length(const char *text) { return strlen(text); }
KEPT struct pair swapped(struct pair p) { return (struct pair){ p.y, p.x }; }
KEPT struct wide widened(struct pair p) { return (struct wide){ p.x, p.y, p.x + p.y }; }
KEPT s64 narrowed(struct wide w) { return w.a + w.b * 10 + w.c * 100; }
KEPT struct floats doubled(struct floats f) { return (struct floats){ f.x * 2, f.y * 2, f.z * 2 }; }
KEPT struct mixed mixed_up(struct mixed m, int n) { return (struct mixed){ m.n + n, m.d * n }; }
KEPT int first(struct small s) { return s.c[0] + s.c[2]; }
KEPT void count(void) { sink++; }
KEPT int fails(int *where) { return *where + 1; }
KEPT int ends(int status) { SYS(exit_group, status); return status; }

struct pair pair = { 3, 4 };
struct wide wide = { 1, 2, 3 };
struct floats floats = { 0.5, 1.5, 2.5 };
struct mixed mixed = { 7, 1.25 };
struct small small = { { 'a', 'b', 'c' } };

/* ---- bit fields ---- */

struct fields {
	unsigned low : 3;
	int negative : 5;
	unsigned middle : 9;
	unsigned char byte;
	u64 long_one : 40;
} fields = { 5, -3, 300, 0x77, 0x123456789aULL };

/* ---- thread-local ---- */

__thread int own_number;
__thread struct pair own_pair;

static u8 blocks[2][256] __attribute__((aligned(16)));
static u8 stack[16384] __attribute__((aligned(16)));
static int running = 1;

/* Variant I of TLS: where variables are from what the thread pointer holds. */
static void set_thread_pointer(u8 *block)
{
#ifdef __aarch64__
	__asm__ volatile("msr tpidr_el0, %0" ::"r"(block));
#else
	SYS(set_thread_area, (unsigned long)block + 0x7000);
#endif
}

KEPT void both_are_there(void)
{
	__asm__ volatile("");
}

static void other(int number)
{
	set_thread_pointer(blocks[1]);
	own_number = number;
	own_pair = (struct pair){ 30, 40 };
	both_are_there();
}

int guest_main(int argc, char **argv, char **envp)
{
	set_thread_pointer(blocks[0]);
	own_number = 1;
	own_pair = (struct pair){ 10, 20 };
	print("work %d\n", work(argc));
	print("square %d %s\n", square(argc), "text");
	start_thread(other, stack + sizeof stack, 2, &running);
	int state;
	while ((state = __atomic_load_n(&running, __ATOMIC_SEQ_CST)) != 0)
		SYS(futex, &running, 0, state, 0);
	print("fields %u %d %u\n", fields.low, fields.negative, fields.middle);
	if (argc > 1) { /* goes on as another program */
		flush();
		SYS(execve, argv[1], argv + 1, envp);
	}
	return own_number;
}
