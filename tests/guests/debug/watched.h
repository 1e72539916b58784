/* What watched.c and its assembly share. */

/* Starts a thread that runs `work(argument)` on that stack; `*running` is cleared and its futex woken when the thread has ended. */
long start_thread(void (*work)(int), void *stack_top, int argument, int *running);

/* Makes each access of the table once, in memory of 64 bytes that begins at a multiple of 64. */
void make_accesses(void *area);
