/*
 * A guest program to meet a debugger with. The README runs it and walks through it with gdb and lldb; tests/debuggers
 * does the same. It has functions to stop in, structures to print, numbers of every kind, and threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct point {
	int x, y;
};

struct shape {
	const char *name;
	struct point corner[3];
	double area;
};

typedef float vector __attribute__((vector_size(16)));

int square(int number)
{
	int result = number * number;
	return result;
}

unsigned factorial(unsigned n)
{
	if (n <= 1)
		return 1; /* the innermost call: a good place for a backtrace */
	return n * factorial(n - 1);
}

double mean(double first, float second)
{
	double sum = first + second;
	return sum / 2;
}

vector scale(vector v, float by)
{
	vector factor = {by, by, by, by};
	return v * factor;
}

void measure(struct shape *shape)
{
	struct point a = shape->corner[0], b = shape->corner[1], c = shape->corner[2];
	int twice = a.x * (b.y - c.y) + b.x * (c.y - a.y) + c.x * (a.y - b.y);
	shape->area = abs(twice) / 2.0;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int finished;

void *work(void *argument)
{
	int number = *(int *)argument;
	int result = square(number);
	pthread_mutex_lock(&lock);
	finished += result;
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(int argc, char **argv)
{
	char greeting[32] = "hello";
	if (argc > 1)
		snprintf(greeting, sizeof greeting, "hello, %s", argv[1]);
	puts(greeting);

	int seven = 7;
	printf("square of %d is %d\n", seven, square(seven));
	printf("factorial of 5 is %u\n", factorial(5));
	printf("mean is %g\n", mean(1.5, 2.5f));

	vector v = {1, 2, 3, 4};
	v = scale(v, 0.5f);
	printf("scaled to %g %g %g %g\n", v[0], v[1], v[2], v[3]);

	struct shape triangle = {"triangle", {{0, 0}, {4, 0}, {0, 3}}, 0};
	measure(&triangle);
	printf("%s has area %g\n", triangle.name, triangle.area);

	pthread_t thread[2];
	int numbers[2] = {3, 4};
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, work, &numbers[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("threads add up to %d\n", finished);
	return 42 - finished - seven;
}
