/*
 * What a freestanding guest program needs and nothing more: start-up, system calls and text output.
 * Programs built on it are a few KB, so that one can be checked in for each ISA and read as disassembly in one sitting.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#ifdef GUEST_FREEBSD
#include "freebsd.h"
#else
#include <asm/unistd.h>
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

/* The program's own entry; its result is the exit status. */
int guest_main(int argc, char **argv, char **envp);

/* A raw system call: the result, or -errno, on every ISA. Defined in start-ISA.S. */
long sys(long nr, long a, long b, long c, long d, long e, long f);
#define SYS(name, ...) SYS_PADDED(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYS_PADDED(nr, a, b, c, d, e, f, ...) \
	sys(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Buffered output to descriptor 1: %d %u %x %c %s %p with l, ll, a width and a leading 0. */
void print(const char *format, ...);
/* Writes the buffer out. Called at exit, and needed before fork and before a death by signal. */
void flush(void);
void quit(int status) __attribute__((noreturn));

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int raise(int signal);
long parse(const char *decimal);

/* xorshift64*: the same stream on every ISA. */
static inline u64 next_random(u64 *state)
{
	u64 x = *state;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* Folds a value into a running checksum (FNV-1a by 32-bit halves). */
static inline u64 mix(u64 sum, u64 value)
{
	sum = (sum ^ (u32)value) * 0x100000001b3ull;
	return (sum ^ (value >> 32)) * 0x100000001b3ull;
}
#define MIX_START 0xcbf29ce484222325ull

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Keeps the compiler from knowing a value. */
#define HIDE(x) __asm__ volatile("" : "+r"(x))

#endif
