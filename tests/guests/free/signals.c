/* Signals at the level of the kernel's interface: what a handler is given, and what it may change. */
#include "signal.h"

static volatile int count;
static siginfo_t last;
static u64 last_pc;
static volatile int depth;

static void count_it(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)signal;
	count++;
	last = *info;
	last_pc = PC(context);
}

static void report(const char *what)
{
	print("%s: count %d signo %d code %d\n", what, count, last.si_signo == SIGUSR1 ? 1 : last.si_signo == SIGUSR2 ? 2 : last.si_signo,
	      last.si_code);
	count = 0;
}

/* Skips the instruction that faulted and leaves a value where its result would have gone (x9, $t1). */
static void skip(int signal, siginfo_t *info, struct ucontext *context)
{
	count_it(signal, info, context);
	PC(context) += 4;
	REG(context, 9) = 0x1234567;
}

extern char load_at[], store_at[], illegal_at[], trap_at[];

static void faults(void)
{
	unsigned long got;
	set_handler(SIGSEGV, skip, 0);
	set_handler(SIGILL, skip, 0);
	set_handler(SIGTRAP, skip, 0);
#if defined(__aarch64__)
	__asm__ volatile("mov x8, #0x10\n mov x9, #5\n .globl load_at\nload_at: ldr x9, [x8]\n mov %0, x9" : "=r"(got) : : "x8", "x9", "memory");
#else
	__asm__ volatile(".set push\n.set noreorder\n li $t0, 0x10\n li $t1, 5\n .globl load_at\nload_at: lw $t1, 0($t0)\n move %0, $t1\n.set pop"
			 : "=r"(got) : : "$8", "$9", "memory");
#endif
	print("load: signal %d code %d address %x pc exact %d result %lx\n", last.si_signo, last.si_code, (unsigned)(long)last.si_addr,
	      last_pc == (unsigned long)load_at, got);
	/* A pair or an update of the base register must not happen in part. */
#if defined(__aarch64__)
	__asm__ volatile("mov x8, #0x20\n mov x9, #5\n .globl store_at\nstore_at: stp x9, x9, [x8, #16]!\n mov %0, x8" : "=r"(got) : : "x8", "x9", "memory");
#else
	__asm__ volatile(".set push\n.set noreorder\n li $t0, 0x20\n li $t1, 5\n .globl store_at\nstore_at: sw $t1, 16($t0)\n move %0, $t0\n.set pop"
			 : "=r"(got) : : "$8", "$9", "memory");
#endif
	print("store: signal %d code %d address %x pc exact %d base %lx\n", last.si_signo, last.si_code, (unsigned)(long)last.si_addr,
	      last_pc == (unsigned long)store_at, got);
#if defined(__aarch64__)
	__asm__ volatile(".globl illegal_at\nillegal_at: udf #1\n mov %0, x9" : "=r"(got) : : "x9", "memory");
#else
	__asm__ volatile(".set push\n.set noreorder\n .globl illegal_at\nillegal_at: .word 0x0000003f\n move %0, $t1\n.set pop" : "=r"(got) : : "$9", "memory");
#endif
	print("illegal: signal %d code %d address is pc %d pc exact %d\n", last.si_signo, last.si_code,
	      (unsigned long)last.si_addr == (unsigned long)illegal_at, last_pc == (unsigned long)illegal_at);
#if defined(__aarch64__)
	__asm__ volatile(".globl trap_at\ntrap_at: brk #3\n mov %0, x9" : "=r"(got) : : "x9", "memory");
#else
	__asm__ volatile(".set push\n.set noreorder\n .globl trap_at\ntrap_at: break\n move %0, $t1\n.set pop" : "=r"(got) : : "$9", "memory");
#endif
	print("breakpoint: signal %d pc exact %d\n", last.si_signo, last_pc == (unsigned long)trap_at);
	count = 0;
}

static void raise_again(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)info, (void)context;
	int before = ++count, inner = depth;
	depth++;
	if (before < 3) {
		send_self(signal);
		print("  entry %d at depth %d: %d seen before return\n", before, inner, count);
	}
	depth--;
}

static char alternate[16384] __attribute__((aligned(16)));
static void on_stack(int signal, siginfo_t *info, struct ucontext *context)
{
	char here;
	count_it(signal, info, context);
	print("  on the alternate stack %d, interrupted one was %d\n", (size_t)(&here - alternate) < sizeof alternate,
	      (size_t)((char *)(unsigned long)SP(context) - alternate) < sizeof alternate);
	print("  uc_stack names it %d\n", (char *)context->uc_stack.ss_sp == alternate && context->uc_stack.ss_size == sizeof alternate);
}

static void landing(void)
{
	print("landed where the handler pointed the pc\n");
	quit(0);
}

static void divert(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)signal, (void)info;
	PC(context) = (unsigned long)landing;
#if defined(__mips__)
	REG(context, 25) = (unsigned long)landing;
#endif
}

/* Leaves other values in every caller-saved FP register and in the FP control register. */
static void clobber_fp(int signal, siginfo_t *info, struct ucontext *context)
{
	count_it(signal, info, context);
#if defined(__aarch64__)
	__asm__ volatile("movi v0.16b, #0x55\n movi v7.16b, #0x55\n movi v16.16b, #0x55\n movi v31.16b, #0x55\n"
			 "mov x9, #0xc00000\n msr fpcr, x9\n mov x9, #0x1f\n msr fpsr, x9\n cmp xzr, xzr" : : : "x9", "v0", "v7", "v16", "v31", "cc");
#else
	__asm__ volatile("li $t1, 0x55555555\n mtc1 $t1, $f0\n mtc1 $t1, $f12\n mtc1 $t1, $f18\n li $t1, 0x3\n ctc1 $t1, $31"
			 : : : "$9", "$f0", "$f12", "$f18");
#endif
}

static void fp_state(void)
{
	long self = SYS(getpid);
	u32 control = 0;
	u64 kept[3] = {0};
	set_handler(SIGUSR1, clobber_fp, 0);
#if defined(__aarch64__)
	register long x0 __asm__("x0") = self;
	register long x1 __asm__("x1") = SIGUSR1;
	register long x8 __asm__("x8") = __NR_kill;
	u64 flags;
	__asm__ volatile("fmov d0, #1.5\n fmov d7, #2.5\n fmov d31, #3.5\n mov x9, #0x400000\n msr fpcr, x9\n"
			 "mov x9, #0xa0000000\n msr nzcv, x9\n svc #0\n"
			 "mrs %1, nzcv\n mrs x9, fpcr\n str w9, %2\n msr fpcr, xzr\n str d0, [%3]\n str d7, [%3, #8]\n str d31, [%3, #16]"
			 : "+r"(x0), "=&r"(flags), "=m"(control) : "r"(kept), "r"(x1), "r"(x8) : "x9", "v0", "v7", "v31", "cc", "memory");
	print("flags across a signal %llx\n", flags);
#else
	register long v0 __asm__("$2") = __NR_kill;
	register long a0 __asm__("$4") = self;
	register long a1 __asm__("$5") = SIGUSR1;
	static const double values[3] = {1.5, 2.5, 3.5};
	__asm__ volatile("ldc1 $f0, 0(%4)\n ldc1 $f12, 8(%4)\n ldc1 $f20, 16(%4)\n li $t1, 1\n ctc1 $t1, $31\n"
			 "syscall\n cfc1 $t1, $31\n sw $t1, %1\n ctc1 $zero, $31\n"
			 "sdc1 $f0, 0(%3)\n sdc1 $f12, 8(%3)\n sdc1 $f20, 16(%3)"
			 : "+r"(v0), "=m"(control) : "r"(a0), "r"(kept), "r"(values), "r"(a1)
			 : "$3", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25", "$f0", "$f12", "$f20", "memory");
#endif
	print("fp across a signal: %llx %llx %llx control %x\n", kept[0], kept[1], kept[2], control);
	report("fp");
}

/* Asynchronous delivery: rounds of work whose result is known, until the timer has struck ten times. */
static u64 work(void)
{
	u64 state = 42, sum = MIX_START;
	for (int i = 0; i < 2000; i++)
		sum = mix(sum, next_random(&state));
	return sum;
}

static void timer(void)
{
	struct { long interval_s, interval_us, value_s, value_us; } every = {0, 2000, 0, 2000}, off = {0, 0, 0, 0};
	u64 expected = work();
	int wrong = 0;
	set_handler(SIGALRM, count_it, SA_RESTART);
	SYS(setitimer, 0, &every, 0);
	while (count < 10)
		wrong += work() != expected;
	SYS(setitimer, 0, &off, 0);
	print("timer: struck %d, wrong results %d\n", count >= 10, wrong);
	count = 0;
	/* A loop with no call, no memory access but the flag: only a poll in generated code can leave it. */
	SYS(setitimer, 0, &every, 0);
	while (!count)
		;
	SYS(setitimer, 0, &off, 0);
	print("timer: left an empty loop\n");
	count = 0;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	set_handler(SIGUSR1, count_it, 0);
	send_self(SIGUSR1);
	report("kill");
	print("sender is self %d\n", last.si_pid == SYS(getpid));

	faults();

	set_handler(SIGUSR1, raise_again, 0);
	print("raised again in its handler, deferred:\n");
	send_self(SIGUSR1);
	print("  handled %d\n", count);
	count = 0;
	set_handler(SIGUSR1, raise_again, SA_NODEFER);
	print("raised again in its handler, SA_NODEFER:\n");
	send_self(SIGUSR1);
	print("  handled %d\n", count);
	count = 0;

	set_handler(SIGUSR2, count_it, SA_RESETHAND);
	send_self(SIGUSR2);
	struct sigaction now;
	memset(&now, 0, sizeof now);
	SYS(rt_sigaction, SIGUSR2, 0, &now, sizeof(sigset_t));
	print("after SA_RESETHAND: handled %d, default again %d\n", count, now.sa_handler == SIG_DFL);
	count = 0;

	set_handler(SIGUSR1, count_it, 0);
	set_handler(SIGUSR2, count_it, 0);
	sigset_t block = one_signal(SIGUSR2), old, pending;
	SYS(rt_sigprocmask, SIG_BLOCK, &block, &old, sizeof block);
	send_self(SIGUSR2);
	send_self(SIGUSR2);
	memset(&pending, 0, sizeof pending);
	SYS(rt_sigpending, &pending, sizeof pending);
	print("blocked: handled %d pending %d\n", count, has_signal(&pending, SIGUSR2));
	SYS(rt_sigprocmask, SIG_UNBLOCK, &block, 0, sizeof block);
	report("unblocked");
	SYS(rt_sigprocmask, SIG_BLOCK, &block, 0, sizeof block);
	send_self(SIGUSR2);
	long result = SYS(rt_sigsuspend, &old, sizeof old);
	print("sigsuspend is interrupted %d\n", result == -4);
	report("sigsuspend");
	SYS(rt_sigprocmask, SIG_SETMASK, &old, 0, sizeof old);

	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
	print("sigaltstack %d\n", (int)SYS(sigaltstack, &stack, 0));
	set_handler(SIGUSR1, on_stack, SA_ONSTACK);
	send_self(SIGUSR1);
	report("alternate stack");

	fp_state();
	timer();

	print("invalid signal %d, SIGKILL %d\n", (int)set_handler(200, count_it, 0), (int)set_handler(SIGKILL, count_it, 0));
	set_handler(SIGUSR1, divert, 0);
	send_self(SIGUSR1);
	print("not reached\n");
	return 1;
}
