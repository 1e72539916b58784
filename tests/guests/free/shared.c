/* A process that shares memory, made by clone with CLONE_VM alone: both run at once, and one handles signals by itself. */
#include "guest.h"

enum { VM = 0x100, FILES = 0x400, SIGHAND = 0x800, WALL = 0x40000000, ROUNDS = 500 };
#ifdef __mips__
enum { USR1 = 16, CHLD = 18 };
#else
enum { USR1 = 10, CHLD = 17 };
#endif

/* The child calls `body` on another stack, and ends with its result. */
long start_on(long flags, void *stack, int (*body)(void));
#ifdef __aarch64__
__asm__(".text\n.globl start_on\nstart_on:\n"
	"mov x9, x2\n mov x2, #0\n mov x3, #0\n mov x4, #0\n mov x8, #220\n svc #0\n"
	"cbnz x0, 1f\n blr x9\n mov x8, #93\n svc #0\n1: ret\n");
#else
__asm__(".text\n.globl start_on\n.set noreorder\nstart_on:\n"
	"addiu $a1, $a1, -32\n sw $a2, 24($a1)\n move $a2, $zero\n move $a3, $zero\n sw $zero, 16($sp)\n li $v0, 4120\n syscall\n"
	"bnez $a3, 1f\n nop\n bnez $v0, 2f\n nop\n lw $t9, 24($sp)\n jalr $t9\n nop\n"
	"move $a0, $v0\n li $v0, 4001\n syscall\n"
	"1: negu $v0, $v0\n2: jr $ra\n nop\n.set reorder\n");
#endif

static char stack[32768] __attribute__((aligned(16)));
static volatile int turn, count;

static void take_turns(int mine)
{
	for (int n = 0; n < ROUNDS; n++) {
		int seen;
		while ((seen = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) % 2 != mine)
			SYS(futex, &turn, 128, seen, 0, 0, 0); /* FUTEX_WAIT_PRIVATE */
		count++;
		__atomic_store_n(&turn, seen + 1, __ATOMIC_SEQ_CST);
		SYS(futex, &turn, 129, 1, 0, 0, 0); /* FUTEX_WAKE_PRIVATE */
	}
}

static int takes_turns(void)
{
	take_turns(1);
	return 3;
}

static int closes(void)
{
	return SYS(close, 50) == 0 ? 4 : 5;
}

static int status_of(long child, long options)
{
	int status = -1;
	long got = SYS(wait4, child, &status, options, 0, 0, 0);
	return got == child ? status >> 8 : (int)got;
}

static int is_open(int fd)
{
	return SYS(fcntl, fd, 1, 0, 0, 0, 0) >= 0;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	char *top = stack + sizeof stack;
	flush();
	long child = start_on(VM | CHLD, top, takes_turns);
	take_turns(0);
	int end = status_of(child, 0);
	print("turns: %d, ends with %d\n", count, end);
	SYS(dup3, 1, 50, 0, 0, 0, 0);
	flush();
	child = start_on(VM | CHLD, top, closes);
	print("its own descriptors: %d, still open: %d\n", status_of(child, 0), is_open(50));
	flush();
	child = start_on(VM | FILES | SIGHAND, top, closes);
	int missed = status_of(child, 0);
	print("shared descriptors, no signal: %d, then %d, still open: %d\n", missed, status_of(child, WALL), is_open(50));
	return 0;
}
