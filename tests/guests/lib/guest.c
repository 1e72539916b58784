#include "guest.h"

static char buffer[4096];
static size_t used;

void flush(void)
{
	size_t done = 0;
	while (done < used) {
		long n = SYS(write, 1, buffer + done, used - done);
		if (n <= 0)
			break;
		done += n;
	}
	used = 0;
}

static void put(char c)
{
	if (used == sizeof buffer)
		flush();
	buffer[used++] = c;
}

/* Divides in place and returns the remainder, by 16-bit digits: 32-bit ISAs have no 64-bit division of their own. */
static unsigned divide(u64 *value, unsigned divisor)
{
	u64 quotient = 0;
	u32 rest = 0;
	for (int shift = 48; shift >= 0; shift -= 16) {
		rest = rest << 16 | (u16)(*value >> shift);
		quotient |= (u64)(rest / divisor) << shift;
		rest %= divisor;
	}
	*value = quotient;
	return rest;
}

static void put_number(u64 value, unsigned base, int negative, int width, char fill)
{
	char digits[24];
	int n = 0;
	do
		digits[n++] = "0123456789abcdef"[divide(&value, base)];
	while (value != 0);
	if (negative && fill == '0')
		put('-');
	if (negative && fill != '0')
		digits[n++] = '-';
	for (int i = n + (negative && fill == '0'); i < width; i++)
		put(fill);
	while (n > 0)
		put(digits[--n]);
}

void print(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		int width = 0, longs = 0;
		char fill = ' ';
		if (*++format == '0')
			fill = '0', format++;
		while (*format >= '0' && *format <= '9')
			width = width * 10 + *format++ - '0';
		while (*format == 'l')
			longs++, format++;
		switch (*format) {
		case 'd': {
			s64 v = longs == 2 ? va_arg(args, long long) : longs ? va_arg(args, long) : va_arg(args, int);
			put_number(v < 0 ? -(u64)v : (u64)v, 10, v < 0, width, fill);
			break;
		}
		case 'u':
		case 'x': {
			u64 v = longs == 2 ? va_arg(args, unsigned long long)
				: longs ? va_arg(args, unsigned long) : va_arg(args, unsigned);
			put_number(v, *format == 'u' ? 10 : 16, 0, width, fill);
			break;
		}
		case 'p':
			put_number((uintptr_t)va_arg(args, void *), 16, 0, sizeof(void *) * 2, '0');
			break;
		case 'c':
			put(va_arg(args, int));
			break;
		case 's': {
			const char *s = va_arg(args, const char *);
			int n = 0;
			for (; s[n]; n++)
				put(s[n]);
			for (; n < width; n++)
				put(' ');
			break;
		}
		default:
			put(*format);
		}
	}
	va_end(args);
}

void quit(int status)
{
	flush();
	for (;;)
		SYS(exit_group, status);
}

/* The compiler may call these four itself; the volatile-free loops are kept from turning into calls of themselves. */
#define NO_IDIOM __attribute__((optimize("no-tree-loop-distribute-patterns")))

NO_IDIOM void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}

NO_IDIOM void *memset(void *to, int byte, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;
	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

NO_IDIOM size_t strlen(const char *s)
{
	size_t n = 0;
	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

long parse(const char *decimal)
{
	long value = 0;
	while (*decimal >= '0' && *decimal <= '9')
		value = value * 10 + *decimal++ - '0';
	return value;
}

int raise(int signal)
{
	long self = SYS(getpid);
	return SYS(kill, self, signal);
}

void guest_start(long *stack)
{
	int argc = stack[0];
	char **argv = (char **)(stack + 1);
	quit(guest_main(argc, argv, argv + argc + 1));
}
