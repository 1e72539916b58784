/*
 * A guest program that dies, for the README's walk through a core file and for tests/cores.sh: of a null pointer, deep in
 * a call, while other threads wait, with values in registers of every kind.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct node {
	int value;
	struct node *next;
};

static pthread_barrier_t ready;

static int sum(const struct node *list, int count)
{
	int total = 0;
	for (int i = 0; i < count; i++) {
		total += list->value; /* the list is shorter than its count says */
		list = list->next;
	}
	return total;
}

static double average(const struct node *list, int count, double scale)
{
	double factor = scale * 2;
	int total = sum(list, count);
	return total * factor / count;
}

static void *wait_for_ever(void *name)
{
	char text[32] = "waiting as ";
	strcat(text, name);
	pthread_barrier_wait(&ready);
	pause();
	return text[0] ? NULL : name;
}

int main(void)
{
	pthread_t threads[2];
	pthread_barrier_init(&ready, NULL, 3);
	pthread_create(&threads[0], NULL, wait_for_ever, "one");
	pthread_create(&threads[1], NULL, wait_for_ever, "two");
	pthread_barrier_wait(&ready);
	usleep(50 * 1000); /* until both wait */

	struct node second = {2, NULL}, first = {1, &second};
	puts("adding up");
	printf("%g\n", average(&first, 3, 1.25));
	return 0;
}
