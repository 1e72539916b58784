/*
 * The work that benches/paired.rs times, one kernel a run: `kernels NAME TIMES`. Each prints a checksum, which must be
 * the same under every emulator and on the host. Built with glibc, so that strlen and memcpy are the library's own.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 123456789;
static uint32_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static uint32_t hello(int times)
{
	(void)times;
	printf("hello, world\n");
	return 0;
}

static __attribute__((noinline)) uint32_t fib(uint32_t n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint32_t fibonacci(int times)
{
	uint32_t sum = 0;
	for (int i = 0; i < times; i++)
		sum += fib(30);
	return sum;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static uint32_t sort(int times)
{
	static uint32_t value[100000];
	uint32_t sum = 0;
	for (int t = 0; t < times; t++) {
		for (int i = 0; i < 100000; i++)
			value[i] = next_random();
		qsort(value, 100000, sizeof *value, by_value);
		sum = sum * 31 + value[50000];
	}
	return sum;
}

#define N 96
static uint32_t matmul(int times)
{
	static double a[N][N], b[N][N], c[N][N];
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			a[i][j] = (i * 7 + j * 3) % 17, b[i][j] = (i * 5 + j * 11) % 13;
	for (int t = 0; t < times; t++) {
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				double sum = 0;
				for (int k = 0; k < N; k++)
					sum += a[i][k] * b[k][j];
				c[i][j] = sum;
			}
		a[t % N][0] = c[t % N][1] / 4096;
	}
	double sum = 0;
	for (int i = 0; i < N; i++)
		sum += c[i][i];
	return (uint32_t)(sum * 16);
}

static uint32_t lengths(int times)
{
	static char text[64][256];
	for (int i = 0; i < 64; i++)
		memset(text[i], 'x', 40 + i * 3);
	uint32_t sum = 0;
	for (int t = 0; t < times; t++)
		for (int i = 0; i < 64; i++) {
			const char *s = text[i];
			__asm__ volatile("" : "+r"(s) : : "memory");
			sum += strlen(s);
		}
	return sum;
}

static uint32_t copies(int times)
{
	static char from[8192], to[8192];
	for (int i = 0; i < 8192; i++)
		from[i] = i * 7;
	uint32_t sum = 0;
	for (int t = 0; t < times; t++) {
		/* Mostly short ones, as programs have them, and some of a page. */
		unsigned size = t % 16 == 0 ? 4096 : 16 + t * 37 % 400;
		char *target = to + t % 32;
		__asm__ volatile("" : "+r"(target), "+r"(size) : : "memory");
		memcpy(target, from + t * 3 % 64, size);
		sum += (unsigned char)to[40];
	}
	return sum;
}

/*
 * A mix of the everyday: a linked list that is searched, reversed and sorted by merging, integer matrices, a state
 * machine over text, and a bitwise CRC that ties the results together.
 */
struct node {
	struct node *next;
	int16_t key, value;
};

static uint16_t crc16(uint16_t crc, uint32_t word)
{
	for (int bit = 0; bit < 32; bit++) {
		int low = (crc ^ word) & 1;
		crc >>= 1;
		word >>= 1;
		if (low)
			crc ^= 0xa001;
	}
	return crc;
}

static struct node *merge_sort(struct node *list, int (*before)(const struct node *, const struct node *))
{
	if (!list || !list->next)
		return list;
	struct node *slow = list, *fast = list->next;
	while (fast && fast->next)
		slow = slow->next, fast = fast->next->next;
	struct node *other = merge_sort(slow->next, before);
	slow->next = 0;
	list = merge_sort(list, before);
	struct node head = {0, 0, 0}, *tail = &head;
	while (list && other) {
		struct node **from = before(other, list) ? &other : &list;
		tail = tail->next = *from;
		*from = tail->next;
	}
	tail->next = list ? list : other;
	return head.next;
}

static int by_key(const struct node *a, const struct node *b) { return a->key < b->key; }
static int by_low_byte(const struct node *a, const struct node *b) { return (a->value & 0xff) < (b->value & 0xff); }

static uint32_t lists(void)
{
	static struct node node[200];
	struct node *list = 0;
	for (int i = 0; i < 200; i++) {
		node[i].key = i * 77 % 211;
		node[i].value = next_random() >> 7;
		node[i].next = list;
		list = &node[i];
	}
	uint32_t found = 0;
	for (int key = 0; key < 60; key++)
		for (struct node *n = list; n; n = n->next)
			if (n->key == key) {
				found += n->value;
				break;
			}
	struct node *reversed = 0;
	while (list) {
		struct node *next = list->next;
		list->next = reversed;
		reversed = list;
		list = next;
	}
	list = merge_sort(merge_sort(reversed, by_low_byte), by_key);
	for (struct node *n = list; n && n->next; n = n->next)
		found = found * 3 + (n->value ^ n->next->key);
	return found;
}

#define M 20
static uint32_t matrices(void)
{
	static int16_t a[M][M], b[M][M];
	static int32_t c[M][M];
	for (int i = 0; i < M; i++)
		for (int j = 0; j < M; j++)
			a[i][j] = next_random() & 0x3ff, b[i][j] = i * j - 50;
	uint32_t sum = 0;
	for (int i = 0; i < M; i++)
		for (int j = 0; j < M; j++) {
			int32_t cell = 0;
			for (int k = 0; k < M; k++)
				cell += a[i][k] * b[k][j];
			c[i][j] = cell >> 2;
			sum += c[i][j] > 1000 ? 10 : c[i][j];
		}
	return sum;
}

static uint32_t states(void)
{
	static const char text[] = "5012,-874,0xffe,+122.5,-1.5e7,T0.3e-1F,5.0E-1,.,hello,77,3e,9.,-.5,+-,1234567";
	enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, INVALID } state = START;
	uint32_t counts[6] = {0}, steps = 0;
	for (const char *p = text;; p++) {
		char c = *p;
		if (c == ',' || c == 0) {
			counts[state]++;
			state = START;
			if (!c)
				break;
			continue;
		}
		steps++;
		switch (state) {
		case START:
			state = c == '+' || c == '-' ? SIGN : c >= '0' && c <= '9' ? INTEGER : c == '.' ? FRACTION : INVALID;
			break;
		case SIGN:
			state = c >= '0' && c <= '9' ? INTEGER : c == '.' ? FRACTION : INVALID;
			break;
		case INTEGER:
			state = c >= '0' && c <= '9' ? INTEGER : c == '.' ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID;
			break;
		case FRACTION:
			state = c >= '0' && c <= '9' ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID;
			break;
		case EXPONENT:
			state = (c >= '0' && c <= '9') || c == '-' || c == '+' ? EXPONENT : INVALID;
			break;
		default:
			break;
		}
	}
	return counts[INTEGER] | counts[FRACTION] << 4 | counts[EXPONENT] << 8 | counts[INVALID] << 12 | steps << 16;
}

static uint32_t mix(int times)
{
	uint16_t crc = 0;
	for (int t = 0; t < times; t++) {
		crc = crc16(crc, lists());
		crc = crc16(crc, matrices());
		for (int i = 0; i < 8; i++)
			crc = crc16(crc, states() + i);
	}
	return crc;
}

static const struct {
	const char *name;
	uint32_t (*run)(int times);
} kernels[] = {{"hello", hello}, {"mix", mix}, {"fib", fibonacci}, {"qsort", sort}, {"matmul", matmul}, {"strlen", lengths}, {"memcpy", copies}};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof kernels / sizeof *kernels; i++)
		if (!strcmp(argv[1], kernels[i].name)) {
			uint32_t sum = kernels[i].run(atoi(argv[2]));
			printf("%s %08x\n", argv[1], sum);
			return 0;
		}
	fprintf(stderr, "usage: kernels hello|mix|fib|qsort|matmul|strlen|memcpy TIMES\n");
	return 2;
}
