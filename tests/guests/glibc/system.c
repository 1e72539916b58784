/* Mappings, waiting for descriptors, sockets, limits. */
#include "suite.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/wait.h>

static char *protected_page;
static int mended;
static void mend(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	if ((uintptr_t)info->si_addr - (uintptr_t)protected_page < 4096)
		mended += info->si_code == SEGV_ACCERR ? 1 : 100;
	mprotect(protected_page, 4096, PROT_READ | PROT_WRITE);
}

void mappings(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
	sigaction(SIGSEGV, &action, 0);
	protected_page = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(protected_page != MAP_FAILED);
	for (int i = 0; i < 100; i++) {
		CHECK(mprotect(protected_page, 4096, i % 2 ? PROT_READ : PROT_NONE) == 0);
		protected_page[i * 40]++;
	}
	printf("mended %d faults\n", mended);

	int fd = open("mapped", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && ftruncate(fd, 3 * 4096) == 0);
	char *shared = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *private_copy = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
	CHECK(shared != MAP_FAILED && private_copy != MAP_FAILED);
	strcpy(shared + 4096, "through the mapping");
	CHECK(msync(shared, 3 * 4096, MS_SYNC) == 0);
	char text[32];
	CHECK(pread(fd, text, 20, 4096) == 20);
	printf("%s; private sees %s\n", text, private_copy);
	strcpy(private_copy, "changed");
	printf("shared still %s\n", shared + 4096);
	fflush(stdout);
	if (fork() == 0) {
		strcpy(shared, "from the child");
		_exit(0);
	}
	wait(0);
	printf("%s\n", shared);
	CHECK(munmap(shared + 4096, 4096) == 0);
	CHECK(shared[0] == 'f' && shared[2 * 4096] == 0);
	char *grown = mremap(private_copy, 4096, 5 * 4096, MREMAP_MAYMOVE);
	CHECK(grown != MAP_FAILED);
	printf("moved %s\n", grown);
	char *hint = mmap((void *)0x30000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("hint taken %d\n", hint == (char *)0x30000000);
	printf("fixed, no replace: %s\n", mmap(hint, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? strerrorname_np(errno) : "?");
	printf("bad length: %s\n", mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? strerrorname_np(errno) : "?");
	printf("bad offset: %s\n", mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 100) == MAP_FAILED ? strerrorname_np(errno) : "?");
	printf("bad descriptor: %s\n", mmap(0, 4096, PROT_READ, MAP_PRIVATE, 999, 0) == MAP_FAILED ? strerrorname_np(errno) : "?");
	printf("no access: %s\n", mmap(0, 4096, PROT_WRITE, MAP_SHARED, open("mapped", O_RDONLY), 0) == MAP_FAILED ? strerrorname_np(errno) : "?");
	int memory = memfd_create("name", MFD_CLOEXEC);
	CHECK(memory >= 0 && write(memory, "memfd", 6) == 6);
	char *view = mmap(0, 4096, PROT_READ, MAP_SHARED, memory, 0);
	printf("%s\n", view);
	unsigned char resident[3];
	CHECK(mincore(shared, 4096, resident) == 0 && (resident[0] & 1));
	CHECK(mlock(shared, 4096) == 0 || errno == EPERM || errno == ENOMEM);
	FILE *maps = fopen("/proc/self/maps", "r");
	CHECK(maps);
	char line[512];
	int stack = 0, named = 0, ordered = 1;
	unsigned long long last = 0;
	while (fgets(line, sizeof line, maps)) {
		unsigned long long from, to;
		CHECK(sscanf(line, "%llx-%llx", &from, &to) == 2 && from < to);
		ordered &= from >= last;
		last = to;
		stack += (uintptr_t)line > from && (uintptr_t)line < to;
		named += strstr(line, "/mapped") != 0;
	}
	printf("/proc/self/maps: the stack once %d, the file %d, in order %d\n", stack, named > 0, ordered);
}

void polling(int argc, char **argv)
{
	(void)argc, (void)argv;
	int a[2], b[2];
	CHECK(pipe(a) == 0 && pipe(b) == 0);
	struct pollfd fds[3] = {{a[0], POLLIN, 0}, {b[0], POLLIN, 0}, {b[1], POLLOUT, 0}};
	printf("poll %d:", poll(fds, 3, 0));
	printf(" %x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents != 0);
	CHECK(write(a[1], "x", 1) == 1);
	printf("poll %d:", poll(fds, 2, 1000));
	printf(" %x\n", fds[0].revents);
	fd_set in, out;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(a[0], &in), FD_SET(b[0], &in), FD_SET(b[1], &out);
	struct timeval tv = {1, 0};
	printf("select %d:", select(64, &in, &out, 0, &tv));
	printf(" %d %d %d\n", FD_ISSET(a[0], &in) != 0, FD_ISSET(b[0], &in) != 0, FD_ISSET(b[1], &out) != 0);
	FD_ZERO(&in);
	FD_SET(b[0], &in);
	struct timespec ts = {0, 10000000};
	sigset_t none;
	sigemptyset(&none);
	printf("pselect %d, ppoll %d\n", pselect(64, &in, 0, 0, &ts, &none), ppoll(fds + 1, 1, &ts, &none));
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788ull}, got[4];
	CHECK(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, a[0], &event) == 0);
	printf("again: %s\n", WHY(epoll_ctl(ep, EPOLL_CTL_ADD, a[0], &event)));
	event.events = EPOLLIN | EPOLLET, event.data.u64 = 2;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, b[0], &event) == 0);
	int n = epoll_wait(ep, got, 4, 100);
	printf("epoll %d: %x %llx\n", n, got[0].events, (unsigned long long)got[0].data.u64);
	close(a[1]);
	char byte;
	CHECK(read(a[0], &byte, 1) == 1);
	n = epoll_pwait(ep, got, 4, 100, &none);
	printf("hang-up %d: %x\n", n, got[0].events);
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, a[0], 0) == 0);
	printf("nothing %d\n", epoll_wait(ep, got, 4, 10));
	int waiting;
	CHECK(write(b[1], "12345", 5) == 5 && ioctl(b[0], FIONREAD, &waiting) == 0);
	printf("waiting %d, not a terminal %s\n", waiting, WHY(ioctl(b[0], TIOCGWINSZ, &(struct winsize){0})));
	printf("isatty %d %s\n", isatty(b[0]), strerrorname_np(errno));
}

void sockets(int argc, char **argv)
{
	(void)argc, (void)argv;
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, value;
	CHECK(server >= 0 && setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
	socklen_t size = sizeof value;
	CHECK(getsockopt(server, SOL_SOCKET, SO_TYPE, &value, &size) == 0);
	printf("type is stream %d\n", value == SOCK_STREAM);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CHECK(bind(server, (void *)&address, sizeof address) == 0 && listen(server, 5) == 0);
	size = sizeof address;
	CHECK(getsockname(server, (void *)&address, &size) == 0 && address.sin_port != 0);
	printf("listening on %s\n", inet_ntoa(address.sin_addr));
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		int client = socket(AF_INET, SOCK_STREAM, 0);
		CHECK(connect(client, (void *)&address, sizeof address) == 0);
		CHECK(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
		CHECK(send(client, "hello server", 12, 0) == 12);
		char reply[100];
		ssize_t n = recv(client, reply, sizeof reply, 0);
		_exit(n == 9 && !memcmp(reply, "hi client", 9) ? 0 : 1);
	}
	struct sockaddr_in peer;
	size = sizeof peer;
	int connection = accept4(server, (void *)&peer, &size, SOCK_CLOEXEC);
	CHECK(connection >= 0 && peer.sin_family == AF_INET);
	char text[100];
	ssize_t n = recv(connection, text, sizeof text, 0);
	printf("%.*s\n", (int)n, text);
	CHECK(send(connection, "hi client", 9, MSG_NOSIGNAL) == 9);
	int status;
	CHECK(waitpid(child, &status, 0) == child);
	printf("client %d\n", WEXITSTATUS(status));
	CHECK(recv(connection, text, 1, 0) == 0);
	close(connection), close(server);
	int again = socket(AF_INET, SOCK_STREAM, 0);
	printf("refused: %s\n", WHY(connect(again, (void *)&address, sizeof address)));

	int udp = socket(AF_INET, SOCK_DGRAM, 0), udp2 = socket(AF_INET, SOCK_DGRAM, 0);
	address.sin_port = 0;
	CHECK(bind(udp, (void *)&address, sizeof address) == 0);
	size = sizeof address;
	getsockname(udp, (void *)&address, &size);
	CHECK(sendto(udp2, "datagram", 8, 0, (void *)&address, sizeof address) == 8);
	size = sizeof peer;
	n = recvfrom(udp, text, sizeof text, 0, (void *)&peer, &size);
	printf("%.*s\n", (int)n, text);
	printf("nothing more: %s\n", WHY(recv(udp, text, 1, MSG_DONTWAIT)));
	struct timeval patience = {0, 20000};
	CHECK(setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
	printf("timeout: %s\n", WHY(recv(udp, text, 1, 0)));
	struct linger linger = {1, 7};
	CHECK(setsockopt(again, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
	linger.l_linger = 0, size = sizeof linger;
	CHECK(getsockopt(again, SOL_SOCKET, SO_LINGER, &linger, &size) == 0);
	printf("linger %d %d\n", linger.l_onoff, linger.l_linger);

	int pair[2];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	/* A descriptor and three pieces in one message: control data has a layout of its own on each ISA. */
	int ends[2];
	CHECK(pipe(ends) == 0);
	struct iovec parts[3] = {{"a", 1}, {"bc", 2}, {"def", 3}};
	char control[CMSG_SPACE(sizeof(int))];
	memset(control, 0, sizeof control);
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
	CHECK(sendmsg(pair[0], &message, 0) == 6);
	struct iovec into = {text, sizeof text};
	struct msghdr received = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	memset(control, 0, sizeof control);
	n = recvmsg(pair[1], &received, 0);
	header = CMSG_FIRSTHDR(&received);
	CHECK(n == 6 && header && header->cmsg_type == SCM_RIGHTS && received.msg_controllen == CMSG_SPACE(sizeof(int)));
	int passed;
	memcpy(&passed, CMSG_DATA(header), sizeof passed);
	CHECK(write(passed, "by a passed descriptor", 22) == 22 && read(ends[0], text + 10, 22) == 22);
	printf("%.6s, %.22s\n", text, text + 10);
	CHECK(shutdown(pair[0], SHUT_WR) == 0);
	printf("end %zd\n", read(pair[1], text, 1));

	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0), caller = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	CHECK(bind(listener, (void *)&name, sizeof name) == 0 && listen(listener, 1) == 0);
	CHECK(connect(caller, (void *)&name, sizeof name) == 0);
	int called = accept(listener, 0, 0);
	struct ucred credentials;
	size = sizeof credentials;
	CHECK(getsockopt(called, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 && credentials.pid == getpid() && credentials.uid == getuid());
	printf("in use: %s\n", WHY(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof name)));
	int file = open("sent", O_RDWR | O_CREAT, 0600);
	CHECK(write(file, "sendfile text", 13) == 13);
	off_t from = 4;
	CHECK(sendfile(caller, file, &from, 9) == 9 && from == 13);
	n = read(called, text, sizeof text);
	printf("%.*s\n", (int)n, text);
}

void limits(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct rlimit limit;
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 10);
	limit.rlim_cur = 64;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	printf("open files %d\n", (int)limit.rlim_cur);
	int opened = 0;
	while (dup(0) >= 0)
		opened++;
	printf("then: %s, opened %d\n", strerrorname_np(errno), opened > 40 && opened < 64);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0);
	limit.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_CORE, &limit) == 0);
	CHECK(prlimit(0, RLIMIT_CORE, 0, &limit) == 0);
	printf("core %d\n", (int)limit.rlim_cur);
	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= 1 << 20));
	struct sysinfo info;
	CHECK(sysinfo(&info) == 0 && info.totalram > 0 && info.mem_unit > 0 && info.procs > 0);
	printf("sysinfo\n");
}
