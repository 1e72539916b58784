/* Signals without a C library: the kernel's own structures, and the saved registers by one name on every ISA. */
#ifndef GUEST_SIGNAL_H
#define GUEST_SIGNAL_H

#include "guest.h"
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

typedef void handler_t(int signal, siginfo_t *info, struct ucontext *context);

#if defined(__aarch64__)
#define PC(context) ((context)->uc_mcontext.pc)
#define SP(context) ((context)->uc_mcontext.sp)
#define REG(context, n) ((context)->uc_mcontext.regs[n])
#else
#define PC(context) ((context)->uc_mcontext.sc_pc)
#define SP(context) ((context)->uc_mcontext.sc_regs[29])
#define REG(context, n) ((context)->uc_mcontext.sc_regs[n])
#endif

static inline long set_handler(int signal, handler_t *handler, unsigned long flags)
{
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = (__sighandler_t)(void *)handler;
	action.sa_flags = flags | SA_SIGINFO;
	return SYS(rt_sigaction, signal, &action, 0, sizeof action.sa_mask);
}

/* A set with one signal in it. */
static inline sigset_t one_signal(int signal)
{
	sigset_t set;
	memset(&set, 0, sizeof set);
	set.sig[(signal - 1) / (8 * sizeof set.sig[0])] = 1ul << (signal - 1) % (8 * sizeof set.sig[0]);
	return set;
}

static inline int has_signal(const sigset_t *set, int signal)
{
	return set->sig[(signal - 1) / (8 * sizeof set->sig[0])] >> (signal - 1) % (8 * sizeof set->sig[0]) & 1;
}

static inline long send_self(int signal)
{
	long self = SYS(getpid);
	return SYS(kill, self, signal);
}

#endif
