/* Processes: fork, wait, pipes, exec, and what a parent learns of its children. */
#include "suite.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/prctl.h>

static void show_status(const char *what, int status)
{
	if (WIFEXITED(status))
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s: signal %s\n", what, sigabbrev_np(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		printf("%s: stopped by %s\n", what, sigabbrev_np(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		printf("%s: continued\n", what);
	fflush(stdout);
}

void fork_(int argc, char **argv)
{
	(void)argc, (void)argv;
	static int private_value = 1;
	int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	fflush(stdout);
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		private_value = 2;
		*shared = 3;
		CHECK(getppid() == parent && getpid() != parent);
		_exit(17);
	}
	int status;
	CHECK(waitpid(child, &status, 0) == child);
	show_status("child", status);
	printf("private %d shared %d\n", private_value, *shared);
	fflush(stdout);
	for (int i = 0; i < 5; i++)
		if (fork() == 0) {
			__sync_fetch_and_add(shared, 10);
			exit(i);
		}
	int sum = 0;
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	printf("five children: exits add up to %d, shared %d\n", sum, *shared);
	fflush(stdout);
	/* A child of a child, and a long-lived one that is still there after its parent forked again. */
	child = fork();
	if (child == 0) {
		pid_t inner = fork();
		if (inner == 0)
			_exit(4);
		CHECK(waitpid(inner, &status, 0) == inner);
		_exit(WEXITSTATUS(status) + 1);
	}
	CHECK(waitpid(child, &status, 0) == child);
	show_status("grandchild", status);
	fflush(stdout);
	child = vfork();
	if (child == 0)
		_exit(9);
	CHECK(waitpid(child, &status, 0) == child);
	show_status("vfork", status);
	printf("no more: %s\n", WHY(wait(&status)));
}

void pipes(int argc, char **argv)
{
	(void)argc, (void)argv;
	int ends[2];
	CHECK(pipe(ends) == 0);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		for (int i = 0; i < 20000; i++) {
			char line[32];
			int n = snprintf(line, sizeof line, "%d\n", i);
			CHECK(write(ends[1], line, n) == n);
		}
		_exit(0);
	}
	close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	char line[64];
	int count = 0;
	while (fgets(line, sizeof line, in))
		CHECK(atoi(line) == count++);
	int status;
	CHECK(waitpid(child, &status, 0) == child);
	printf("%d lines through a pipe\n", count);
	fclose(in);
	CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	char byte;
	printf("empty: %s\n", WHY(read(ends[0], &byte, 1)));
	long room = 0;
	char block[4096] = {0};
	for (ssize_t n; (n = write(ends[1], block, sizeof block)) > 0;)
		room += n;
	printf("full after some: %d %s\n", room >= 4096, strerrorname_np(errno));
	printf("capacity %d\n", fcntl(ends[0], F_GETPIPE_SZ) >= 4096);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	printf("no reader: %s\n", WHY(write(ends[1], "x", 1)));
	signal(SIGPIPE, SIG_DFL);
	fflush(stdout);
	if (fork() == 0) {
		write(ends[1], "x", 1);
		_exit(0);
	}
	wait(&status);
	show_status("no reader, default action", status);
	int from[2], to[2];
	CHECK(pipe(from) == 0 && pipe(to) == 0);
	fflush(stdout);
	if (fork() == 0) {
		dup2(to[0], 0), dup2(from[1], 1);
		close(to[1]), close(from[0]), close(to[0]), close(from[1]);
		int c;
		while ((c = getchar()) != EOF)
			putchar(c ^ ('a' <= c && c <= 'z' ? 32 : 0));
		fflush(stdout);
		_exit(0);
	}
	close(to[0]), close(from[1]);
	CHECK(write(to[1], "shout this", 10) == 10);
	close(to[1]);
	ssize_t n = read(from[0], line, sizeof line);
	printf("%.*s\n", (int)n, line);
	wait(0);
}

void exec(int argc, char **argv)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	CHECK(length > 0);
	self[length] = 0;
	printf("/proc/self/exe ends in %s\n", strrchr(self, '/') + 1);
	if (argc > 1) {
		printf("executed: argc %d, last %s, ENV %s, descriptor 50 %s, 51 %s\n", argc, argv[argc - 1], getenv("ENV"), fcntl(50, F_GETFD) < 0 ? "closed" : "open",
		       fcntl(51, F_GETFD) < 0 ? "closed" : "open");
		struct sigaction action;
		sigaction(SIGUSR1, 0, &action);
		printf("ignored stays ignored %d\n", action.sa_handler == SIG_IGN);
		sigaction(SIGUSR2, 0, &action);
		printf("caught goes back to default %d\n", action.sa_handler == SIG_DFL);
		sigset_t now;
		sigprocmask(SIG_BLOCK, 0, &now);
		printf("mask stays %d\n", sigismember(&now, SIGHUP));
		exit(33);
	}
	CHECK(dup2(1, 50) == 50 && dup3(1, 51, O_CLOEXEC) == 51);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, (void (*)(int))(void *)exec);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, 0);
	fflush(stdout);
	int status;
	if (fork() == 0) {
		char *arguments[] = {"suite", "exec", "again", "with spaces too", 0}, *environment[] = {"ENV=set", 0};
		execve(self, arguments, environment);
		_exit(1);
	}
	wait(&status);
	show_status("execve", status);
	if (vfork() == 0) {
		execl(self, "suite", "exec", "x", (char *)0);
		_exit(1);
	}
	wait(&status);
	show_status("vfork and execl", status);
	pid_t pid;
	char *arguments[] = {"suite", "exec", "spawned", 0}, *environment[] = {"ENV=spawn", 0};
	CHECK(posix_spawn(&pid, self, 0, 0, arguments, environment) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	show_status("posix_spawn", status);
	printf("missing: %s\n", WHY(execl("/nonexistent", "x", (char *)0)));
	printf("a folder: %s\n", WHY(execl("/", "x", (char *)0)));
	FILE *script = fopen("script", "w");
	fprintf(script, "#!%s exec\n", self);
	fclose(script);
	printf("no permission: %s\n", WHY(execl("./script", "x", (char *)0)));
	chmod("script", 0755);
	fflush(stdout);
	if (fork() == 0) {
		execl("./script", "script", "last", (char *)0);
		printf("script: %s\n", strerrorname_np(errno));
		fflush(stdout);
		_exit(1);
	}
	wait(&status);
	show_status("script", status);
	FILE *junk = fopen("junk", "w");
	fprintf(junk, "neither ELF nor script\n");
	fclose(junk);
	chmod("junk", 0755);
	printf("junk: %s\n", WHY(execl("./junk", "x", (char *)0)));
}

static volatile int chld;
static siginfo_t chld_info;
static void on_child(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	chld++;
	chld_info = *info;
}

void child_status(int argc, char **argv)
{
	(void)argc, (void)argv;
	int status;
	static const int deaths[] = {SIGKILL, SIGTERM, SIGSEGV, SIGUSR1, SIGABRT, SIGBUS, SIGSYS};
	for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
		fflush(stdout);
		pid_t child = fork();
		if (child == 0) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
			raise(deaths[i]);
			_exit(1);
		}
		CHECK(waitpid(child, &status, 0) == child);
		show_status("raise", status);
	}
	struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigaction(SIGCHLD, &action, 0);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(5);
	while (!chld)
		usleep(1000);
	printf("SIGCHLD: code exited %d, status %d, pid right %d\n", chld_info.si_code == CLD_EXITED, chld_info.si_status, chld_info.si_pid == child);
	CHECK(waitpid(child, &status, WNOHANG) == child);
	chld = 0;
	fflush(stdout);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	CHECK(waitpid(child, &status, WNOHANG) == 0);
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child);
	show_status("stop", status);
	kill(child, SIGCONT);
	CHECK(waitpid(child, &status, WCONTINUED) == child);
	show_status("continue", status);
	kill(child, SIGUSR2);
	siginfo_t info = {0};
	CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
	printf("waitid: killed %d by %s\n", info.si_code == CLD_KILLED, sigabbrev_np(info.si_status));
	struct rusage usage;
	CHECK(wait4(child, &status, 0, &usage) == child);
	show_status("wait4", status);
	signal(SIGCHLD, SIG_IGN);
	fflush(stdout);
	if (fork() == 0)
		_exit(0);
	printf("ignored: %s\n", WHY(wait(&status)));
	printf("not a child: %s\n", WHY(waitpid(1, &status, 0)));
}

void process_ids(int argc, char **argv)
{
	(void)argc, (void)argv;
	CHECK(getpid() > 0 && getppid() > 0 && gettid() == getpid());
	// A leader outside the caller's PID namespace has no number there: the kernel then answers 0 to both.
	CHECK(getpgrp() == getpgid(0) && getpgrp() >= 0 && getsid(0) >= 0);
	fflush(stdout);
	int status;
	if (fork() == 0) {
		CHECK(setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid());
		printf("again: %s\n", WHY(setsid()));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	gid_t groups[1000];
	CHECK(getgroups(1000, groups) >= 0);
	uid_t r, e, s;
	CHECK(getresuid(&r, &e, &s) == 0 && r == getuid() && e == geteuid());
	CHECK(setuid(getuid()) == 0 && setgid(getgid()) == 0);
	struct utsname name;
	CHECK(uname(&name) == 0);
	printf("%s %s\n", name.sysname, name.machine);
	printf("kill nobody: %s\n", WHY(kill(getpid(), 0)));
	printf("priority %s\n", WHY(setpriority(PRIO_PROCESS, 0, 5)));
	printf("priority %d\n", getpriority(PRIO_PROCESS, 0));
	CHECK(prctl(PR_SET_NAME, "renamed", 0, 0, 0) == 0);
	char text[32] = {0};
	CHECK(prctl(PR_GET_NAME, text, 0, 0, 0) == 0);
	printf("name %s\n", text);
	cpu_set_t set;
	CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
	CHECK(sched_yield() == 0);
	umask(077);
	printf("umask %o\n", umask(022));
	struct rusage usage;
	CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
}

static volatile int seen;
static int from_main[2], from_child[2];

static void *answer(void *unused)
{
	char byte;
	CHECK(read(from_child[0], &byte, 1) == 1 && byte == 'q');
	seen++;
	CHECK(write(from_main[1], "a", 1) == 1);
	return unused;
}

static void on_usr1(int signal)
{
	(void)signal;
	seen += 100;
}

static int on_own_stack(void *argument)
{
	int *value = argument;
	*value += 5;
	_exit(*value);
}

/* A child that shares memory with its parent, who waits until it has ended or executed a program. */
void vfork_(int argc, char **argv)
{
	char *self = "/proc/self/exe", *empty[] = {0};
	if (argc > 1) {
		printf("spawned with %s\n", argv[1]);
		exit(7);
	}
	fflush(stdout);
	int status;
	pid_t child, parent = getpid();
	/* What the child finds out reaches the parent: posix_spawn's errors come so. */
	char *arguments[] = {"suite", "vfork", "arguments", 0};
	printf("spawn a missing file: %s\n", strerrorname_np(posix_spawn(&child, "/nowhere/x", 0, 0, arguments, empty)));
	printf("spawn a folder: %s\n", strerrorname_np(posix_spawn(&child, "/", 0, 0, arguments, empty)));
	printf("search a missing file: %s\n", strerrorname_np(posix_spawnp(&child, "no-such-program", 0, 0, arguments, empty)));
	fflush(stdout);
	CHECK(posix_spawn(&child, self, 0, 0, arguments, empty) == 0);
	CHECK(waitpid(child, &status, 0) == child);
	show_status("spawned", status);
	/* Memory is shared, descriptors, signal actions and the mask are not. */
	CHECK(pipe(from_main) == 0 && pipe(from_child) == 0);
	signal(SIGUSR1, on_usr1);
	sigset_t usr2, now;
	sigemptyset(&usr2), sigaddset(&usr2, SIGUSR2);
	child = vfork();
	if (child == 0) {
		seen = getpid() != parent && getppid() == parent && getpid() == gettid();
		close(from_main[0]);
		signal(SIGUSR1, SIG_IGN);
		sigprocmask(SIG_BLOCK, &usr2, 0);
		_exit(3);
	}
	CHECK(waitpid(child, &status, 0) == child);
	show_status("vfork", status);
	sigprocmask(0, 0, &now);
	printf("shared %d, descriptor %s, blocked %d\n", seen, fcntl(from_main[0], F_GETFD) == 0 ? "open" : "closed", sigismember(&now, SIGUSR2));
	raise(SIGUSR1);
	printf("handler ran: %d\n", seen);
	/* The other threads of the parent go on meanwhile. */
	seen = 0;
	pthread_t thread;
	CHECK(pthread_create(&thread, 0, answer, 0) == 0);
	fflush(stdout);
	child = vfork();
	if (child == 0) {
		char byte = 0;
		write(from_child[1], "q", 1);
		read(from_main[0], &byte, 1);
		_exit(byte == 'a' && seen == 1 ? 11 : 12);
	}
	CHECK(waitpid(child, &status, 0) == child);
	show_status("answered by a thread", status);
	pthread_join(thread, 0);
	/* A child that maps memory, handles a signal of its own, forks, and dies of a signal. */
	char *volatile mapped = 0;
	child = vfork();
	if (child == 0) {
		mapped = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		raise(SIGUSR1);
		pid_t inner = fork();
		if (inner == 0) {
			seen = 1000;
			raise(SIGUSR1);
			_exit(seen == 1100 ? 21 : 22);
		}
		waitpid(inner, &status, 0);
		*mapped = WEXITSTATUS(status);
		raise(SIGKILL);
	}
	CHECK(waitpid(child, &status, 0) == child);
	show_status("killed", status);
	printf("mapped by the child: %d, seen %d\n", *mapped, seen);
	fflush(stdout);
	child = vfork();
	if (child == 0) {
		int inside = vfork();
		if (inside == 0)
			_exit(1);
		waitpid(inside, &status, 0);
		*mapped = WEXITSTATUS(status) + 1;
		abort();
	}
	CHECK(waitpid(child, &status, 0) == child);
	show_status("aborted", status);
	printf("a vfork inside: %d\n", *mapped);
	/* A stack of its own. */
	fflush(stdout);
	static char stack[65536] __attribute__((aligned(16)));
	int value = 20;
	child = clone(on_own_stack, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
	CHECK(waitpid(child, &status, 0) == child);
	show_status("clone", status);
	printf("value %d\n", value);
	/* The library's users of it. */
	fflush(stdout);
	show_status("system", system("exit 5"));
	FILE *pipe_in = popen("echo from a shell", "r");
	char line[64] = "";
	fgets(line, sizeof line, pipe_in);
	printf("popen: %s", line);
	show_status("pclose", pclose(pipe_in));
	for (volatile int i = 0; i < 50; i++) {
		child = vfork();
		if (child == 0)
			_exit(i);
		CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == i);
	}
	printf("no more: %s\n", WHY(wait(&status)));
}
