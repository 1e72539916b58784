/* What the kernel offers beyond files, processes and signals: IPC, queues, records of descriptors, control messages, ioctls. */
#include "suite.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

/* Ends the test as not possible on this machine: a container may forbid it. */
static void skip(const char *what)
{
	fprintf(stderr, "SKIPPED: %s: %s\n", what, strerrorname_np(errno));
	_exit(77);
}

static void reap(pid_t child)
{
	int status;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

void sysv(int argc, char **argv)
{
	(void)argc, (void)argv;
	int id = shmget(IPC_PRIVATE, 10000, 0600);
	if (id < 0)
		skip("shmget");
	int *memory = shmat(id, 0, 0);
	CHECK(memory != (void *)-1 && (uintptr_t)memory % SHMLBA == 0);
	memory[2499] = 7;
	struct shmid_ds segment;
	CHECK(shmctl(id, IPC_STAT, &segment) == 0);
	printf("segment of %d, attached %d, mode %o, mine %d\n", (int)segment.shm_segsz, (int)segment.shm_nattch,
	       segment.shm_perm.mode & 0777, segment.shm_cpid == getpid() && segment.shm_perm.uid == getuid());
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		memory[0] = memory[2499] + 1;
		_exit(shmdt(memory) != 0);
	}
	reap(child);
	printf("child wrote %d\n", memory[0]);
	const int *again = shmat(id, 0, SHM_RDONLY);
	CHECK(again != (void *)-1 && again != memory && again[0] == 8);
	memory[1] = 9;
	printf("second attachment sees %d\n", again[1]);
	CHECK(shmdt(again) == 0);
	printf("detached twice: %s\n", WHY(shmdt(again)));
	segment.shm_perm.mode = 0640;
	CHECK(shmctl(id, IPC_SET, &segment) == 0 && shmctl(id, IPC_STAT, &segment) == 0);
	printf("mode %o\n", segment.shm_perm.mode & 0777);
	CHECK(shmctl(id, IPC_RMID, 0) == 0 && memory[1] == 9 && shmdt(memory) == 0);
	printf("gone: %s\n", WHY(shmat(id, 0, 0)));

	union semun {
		int val;
		struct semid_ds *buf;
		unsigned short *array;
	} arg;
	int set = semget(IPC_PRIVATE, 3, 0600);
	CHECK(set >= 0);
	unsigned short values[3] = {1, 2, 300};
	arg.array = values;
	CHECK(semctl(set, 0, SETALL, arg) == 0);
	arg.val = 5;
	CHECK(semctl(set, 1, SETVAL, arg) == 0);
	memset(values, 0, sizeof values);
	arg.array = values;
	CHECK(semctl(set, 0, GETALL, arg) == 0);
	printf("semaphores %d %d %d, one is %d\n", values[0], values[1], values[2], semctl(set, 2, GETVAL));
	struct semid_ds semaphores;
	arg.buf = &semaphores;
	CHECK(semctl(set, 0, IPC_STAT, arg) == 0);
	printf("set of %d\n", (int)semaphores.sem_nsems);
	struct sembuf down[2] = {{0, -1, 0}, {1, -5, SEM_UNDO}};
	CHECK(semop(set, down, 2) == 0);
	printf("nothing left: %s\n", WHY(semop(set, &(struct sembuf){0, -1, IPC_NOWAIT}, 1)));
	struct timespec moment = {0, 1000000};
	printf("in time: %s\n", WHY(semtimedop(set, &(struct sembuf){0, -1, 0}, 1, &moment)));
	child = fork();
	if (child == 0)
		_exit(semop(set, &(struct sembuf){0, 3, 0}, 1) != 0);
	CHECK(semop(set, &(struct sembuf){0, -3, 0}, 1) == 0);
	reap(child);
	CHECK(semctl(set, 0, GETPID) == getpid() && semctl(set, 0, IPC_RMID) == 0);

	int queue = msgget(IPC_PRIVATE, 0600);
	CHECK(queue >= 0);
	struct {
		long type;
		char text[16];
	} message = {5, "five"};
	CHECK(msgsnd(queue, &message, 5, 0) == 0);
	message.type = 0x12345678, strcpy(message.text, "many bits");
	CHECK(msgsnd(queue, &message, 10, 0) == 0);
	struct msqid_ds state;
	CHECK(msgctl(queue, IPC_STAT, &state) == 0);
	printf("%d messages\n", (int)state.msg_qnum);
	CHECK(state.msg_lspid == getpid() && state.msg_stime > 1000000000);
	memset(&message, 0, sizeof message);
	printf("%d bytes of the second\n", (int)msgrcv(queue, &message, sizeof message.text, 0x12345678, 0));
	printf("%lx %s\n", message.type, message.text);
	printf("too long: %s\n", WHY(msgrcv(queue, &message, 2, 0, 0)));
	memset(&message, 0, sizeof message);
	printf("cut to %d", (int)msgrcv(queue, &message, 2, -9, MSG_NOERROR));
	printf(" %ld %s\n", message.type, message.text);
	printf("empty: %s\n", WHY(msgrcv(queue, &message, 2, 0, IPC_NOWAIT)));
	CHECK(msgctl(queue, IPC_RMID, 0) == 0);
}

void queues(int argc, char **argv)
{
	(void)argc, (void)argv;
	char name[40];
	sprintf(name, "/emu-suite-%d", (int)getpid());
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 32};
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attributes);
	if (queue == (mqd_t)-1)
		skip("mq_open");
	CHECK(mq_unlink(name) == 0);
	CHECK(mq_send(queue, "low", 4, 1) == 0 && mq_send(queue, "high", 5, 9) == 0);
	CHECK(mq_getattr(queue, &attributes) == 0);
	printf("%ld of %ld messages of up to %ld, nonblocking %d\n", attributes.mq_curmsgs, attributes.mq_maxmsg, attributes.mq_msgsize,
	       !!(attributes.mq_flags & O_NONBLOCK));
	char text[32];
	unsigned priority;
	for (int i = 0; i < 2; i++) {
		int n = mq_receive(queue, text, sizeof text, &priority);
		printf("%d %s %u\n", n, text, priority);
	}
	printf("empty: %s\n", WHY(mq_receive(queue, text, sizeof text, 0)));
	attributes.mq_flags = 0;
	CHECK(mq_setattr(queue, &attributes, 0) == 0);
	struct timespec past = {1, 0};
	printf("in time: %s\n", WHY(mq_timedreceive(queue, text, sizeof text, 0, &past)));
	mq_close(queue);
}

void descriptors(int argc, char **argv)
{
	(void)argc, (void)argv;
	uint64_t count;
	int event = eventfd(3, EFD_NONBLOCK | EFD_SEMAPHORE);
	CHECK(write(event, &(uint64_t){5}, 8) == 8 && read(event, &count, 8) == 8);
	printf("semaphore %d\n", (int)count);
	close(event);
	event = eventfd(0, EFD_NONBLOCK);
	printf("empty: %s\n", WHY(read(event, &count, 8)));
	CHECK(write(event, &(uint64_t){0x100000002}, 8) == 8 && read(event, &count, 8) == 8);
	printf("count %llx\n", (unsigned long long)count);

	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec soon = {.it_value = {0, 1000000}};
	CHECK(timerfd_settime(timer, 0, &soon, 0) == 0 && read(timer, &count, 8) == 8);
	printf("expired %d\n", (int)count);

	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGUSR2), sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, 0) == 0);
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	CHECK(kill(getpid(), SIGUSR2) == 0);
	struct signalfd_siginfo info;
	CHECK(read(signals, &info, sizeof info) == sizeof info);
	printf("signal %s from me %d code %d\n", sigabbrev_np(info.ssi_signo), info.ssi_pid == (unsigned)getpid(), info.ssi_code);

	int notify = inotify_init1(IN_NONBLOCK);
	CHECK(mkdir("watched", 0700) == 0);
	int watch = inotify_add_watch(notify, "watched", IN_CREATE | IN_DELETE);
	CHECK(watch > 0);
	int file = open("watched/a-name", O_RDWR | O_CREAT, 0600);
	CHECK(file >= 0 && unlink("watched/a-name") == 0);
	char events[512] __attribute__((aligned(8)));
	int n = read(notify, events, sizeof events);
	for (int at = 0; at < n;) {
		struct inotify_event *e = (void *)(events + at);
		printf("watch %d mask %x name %s\n", e->wd == watch, e->mask, e->name);
		at += sizeof *e + e->len;
	}

	int ends[2], other[2];
	CHECK(pipe(ends) == 0 && pipe(other) == 0);
	struct iovec piece = {"spliced text", 12};
	CHECK(vmsplice(ends[1], &piece, 1, 0) == 12);
	CHECK(tee(ends[0], other[1], 7, 0) == 7);
	loff_t offset = 100;
	CHECK(splice(ends[0], 0, file, &offset, 12, SPLICE_F_MOVE) == 12 && offset == 112);
	char text[40] = "";
	CHECK(read(other[0], text, sizeof text) == 7);
	printf("tee %.7s\n", text);
	int copy = memfd_create("copy", MFD_ALLOW_SEALING);
	loff_t from = 100, to = 3;
	CHECK(copy >= 0);
	if (copy_file_range(file, &from, copy, &to, 12, 0) != 12) {
		/* Between file systems of some kernels it does not work. */
		CHECK(errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP);
		CHECK(pwrite(copy, "spliced text", 12, 3) == 12);
	}
	struct iovec parts[2] = {{text, 3}, {text + 3, 9}};
	CHECK(preadv2(copy, parts, 2, 3, 0) == 12);
	printf("copied %.12s\n", text);
	CHECK(pwritev2(copy, &(struct iovec){"end", 3}, 1, 0x10, RWF_DSYNC) == 3);
	CHECK(fcntl(copy, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0);
	printf("sealed: %s, seals %x\n", WHY(ftruncate(copy, 0)), fcntl(copy, F_GET_SEALS));
	struct statx status;
	CHECK(statx(copy, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) == 0);
	printf("size %llu mode %o links %u\n", (unsigned long long)status.stx_size, status.stx_mode & S_IFMT, status.stx_nlink);

	struct open_how how = {.flags = O_PATH, .resolve = RESOLVE_BENEATH};
	printf("beneath: %s\n", WHY(syscall(SYS_openat2, AT_FDCWD, "..", &how, sizeof how)));
	how = (struct open_how){.flags = O_RDWR | O_CREAT | O_NONBLOCK, .mode = 0600};
	int opened = syscall(SYS_openat2, AT_FDCWD, "watched/how", &how, sizeof how);
	CHECK(opened >= 0 && fcntl(opened, F_GETFL) & O_NONBLOCK);
	int high = dup2(opened, 50);
	CHECK(high == 50 && close_range(50, 60, 0) == 0);
	printf("closed: %s\n", WHY(fcntl(50, F_GETFD)));
	CHECK(close_range(opened, opened, CLOSE_RANGE_CLOEXEC) == 0 && fcntl(opened, F_GETFD) == FD_CLOEXEC);

	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	int handle = pidfd_open(child, 0);
	CHECK(handle >= 0 && pidfd_send_signal(handle, SIGTERM, 0, 0) == 0);
	siginfo_t end = {0};
	CHECK(waitid(P_PIDFD, handle, &end, WEXITED) == 0);
	printf("ended by %s, code %d\n", sigabbrev_np(end.si_status), end.si_code == CLD_KILLED);
	printf("gone: %s\n", WHY(pidfd_send_signal(handle, 0, 0, 0)));

	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10};
	CHECK(fcntl(file, F_OFD_SETLK, &lock) == 0);
	int second = open("watched/how", O_RDWR);
	CHECK(second >= 0);
	struct file_handle *name = calloc(1, sizeof *name + 128);
	int mount;
	printf("room for a handle: %s\n", WHY(name_to_handle_at(AT_FDCWD, "/proc/self/no-such-file", name, &mount, 0)));
}

void control(int argc, char **argv)
{
	(void)argc, (void)argv;
	int pair[2], one = 1;
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	CHECK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one) == 0);
	CHECK(setsockopt(pair[1], SOL_SOCKET, SO_TIMESTAMP, &one, sizeof one) == 0);
	int ends[2];
	CHECK(pipe(ends) == 0);
	union {
		char bytes[256];
		struct cmsghdr align;
	} buffer;
	memset(&buffer, 0, sizeof buffer);
	struct iovec part = {"x", 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = buffer.bytes,
				 .msg_controllen = CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(header), ends, sizeof ends);
	header = CMSG_NXTHDR(&message, header);
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_CREDENTIALS, header->cmsg_len = CMSG_LEN(sizeof(struct ucred));
	memcpy(CMSG_DATA(header), &(struct ucred){getpid(), getuid(), getgid()}, sizeof(struct ucred));
	CHECK(sendmsg(pair[0], &message, 0) == 1);
	char text[64];
	struct iovec into = {text, sizeof text};
	struct msghdr received = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = buffer.bytes, .msg_controllen = sizeof buffer};
	memset(&buffer, 0, sizeof buffer);
	CHECK(recvmsg(pair[1], &received, MSG_CMSG_CLOEXEC) == 1);
	int seen = 0;
	for (header = CMSG_FIRSTHDR(&received); header; header = CMSG_NXTHDR(&received, header)) {
		void *data = CMSG_DATA(header);
		CHECK(header->cmsg_level == SOL_SOCKET);
		if (header->cmsg_type == SCM_RIGHTS) {
			int fds[2];
			memcpy(fds, data, sizeof fds);
			CHECK(write(fds[1], "!", 1) == 1 && read(fds[0], text, 1) == 1 && fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
			seen |= 1;
		} else if (header->cmsg_type == SCM_CREDENTIALS) {
			struct ucred who;
			memcpy(&who, data, sizeof who);
			seen |= who.pid == getpid() && who.uid == getuid() ? 2 : 0;
		} else if (header->cmsg_type == SCM_TIMESTAMP) {
			struct timeval when, now;
			memcpy(&when, data, sizeof when);
			gettimeofday(&now, 0);
			seen |= llabs((long long)now.tv_sec - when.tv_sec) < 100 ? 4 : 0;
		}
	}
	printf("rights, credentials, time: %d\n", seen);
	printf("cut: %d\n", (int)(received.msg_flags & MSG_CTRUNC));

	int udp = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, unused;
	socklen_t size = sizeof address;
	if (bind(udp, (void *)&address, sizeof address) != 0)
		skip("loopback");
	CHECK(getsockname(udp, (void *)&address, &size) == 0);
	CHECK(setsockopt(udp, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) == 0);
	CHECK(setsockopt(udp, IPPROTO_IP, IP_RECVTTL, &one, sizeof one) == 0);
	int ttl = 33;
	CHECK(setsockopt(sender, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl) == 0);
	CHECK(sendto(sender, "info", 4, 0, (void *)&address, sizeof address) == 4);
	received = (struct msghdr){.msg_iov = &into, .msg_iovlen = 1, .msg_control = buffer.bytes, .msg_controllen = sizeof buffer};
	CHECK(recvmsg(udp, &received, 0) == 4);
	for (header = CMSG_FIRSTHDR(&received); header; header = CMSG_NXTHDR(&received, header)) {
		CHECK(header->cmsg_level == IPPROTO_IP);
		if (header->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(header), sizeof info);
			char name[IF_NAMESIZE];
			printf("to %s by %s\n", inet_ntoa(info.ipi_addr), if_indextoname(info.ipi_ifindex, name));
		} else if (header->cmsg_type == IP_TTL) {
			memcpy(&ttl, CMSG_DATA(header), sizeof ttl);
			printf("ttl %d\n", ttl);
		}
	}
	/* A port that nobody has any more: the error comes with where it came from. */
	CHECK(setsockopt(sender, IPPROTO_IP, IP_RECVERR, &one, sizeof one) == 0);
	close(udp);
	CHECK(connect(sender, (void *)&address, sizeof address) == 0 && send(sender, "?", 1, 0) == 1);
	received = (struct msghdr){.msg_name = &unused, .msg_namelen = sizeof unused, .msg_iov = &into, .msg_iovlen = 1,
				   .msg_control = buffer.bytes, .msg_controllen = sizeof buffer};
	for (int i = 0; i < 1000 && recvmsg(sender, &received, MSG_ERRQUEUE) < 0; i++) {
		usleep(1000);
		received.msg_controllen = sizeof buffer;
	}
	header = CMSG_FIRSTHDR(&received);
	CHECK(header && header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR);
	struct {
		struct sock_extended_err error;
		struct sockaddr_in from;
	} failure;
	memcpy(&failure, CMSG_DATA(header), sizeof failure);
	printf("%s from origin %d at %s family %d, to port %d\n", strerrorname_np(failure.error.ee_errno), failure.error.ee_origin,
	       inet_ntoa(failure.from.sin_addr), failure.from.sin_family, unused.sin_port == address.sin_port);
}

/* linux/sched/types.h, which glibc's sched.h is at odds with. */
struct sched_attributes {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
	uint32_t sched_util_min, sched_util_max;
};

void services(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct sched_attributes attributes = {.size = sizeof attributes};
	CHECK(syscall(SYS_sched_getattr, 0, &attributes, 48, 0) == 0);
	printf("scheduling: size %u policy %u\n", attributes.size, attributes.sched_policy);
	attributes.sched_nice = 5;
	CHECK(syscall(SYS_sched_setattr, 0, &attributes, 0) == 0);
	CHECK(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0);
	printf("nice %d\n", attributes.sched_nice);
	attributes.size = 4;
	printf("too small: %s\n", WHY(syscall(SYS_sched_setattr, 0, &attributes, 0)));
	cpu_set_t cpus;
	CHECK(sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 0);
	CHECK(sched_setaffinity(0, sizeof cpus, &cpus) == 0);

	char source[8] = "far off", target[8] = "";
	struct iovec mine[2] = {{target, 3}, {target + 3, 5}}, theirs = {source, 8};
	if (process_vm_readv(getpid(), mine, 2, &theirs, 1, 0) != 8)
		skip("process_vm_readv");
	printf("read %s\n", target);
	int ends[2];
	CHECK(pipe(ends) == 0);
	pid_t child = fork();
	if (child == 0) {
		strcpy(source, "child's");
		CHECK(write(ends[1], "", 1) == 1);
		pause();
	}
	CHECK(read(ends[0], target, 1) == 1);
	printf("of a child: %d %s\n", (int)process_vm_readv(child, mine, 2, &theirs, 1, 0), target);
	theirs.iov_base = (void *)8;
	printf("nowhere: %s\n", WHY(process_vm_readv(child, mine, 2, &theirs, 1, 0)));
	kill(child, SIGKILL), waitpid(child, 0, 0);

	long page = 4096;
	char *memory = mmap(0, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory[0] = memory[3 * page] = 1;
	unsigned char resident[4];
	CHECK(madvise(memory, 4 * page, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
	CHECK(mincore(memory, 4 * page, resident) == 0);
	printf("resident %d %d\n", resident[0] & 1, resident[3] & 1);
	CHECK(madvise(memory, page, MADV_DONTNEED) == 0 && memory[0] == 0);
	CHECK(mlock2(memory, page, MLOCK_ONFAULT) == 0 && munlock(memory, page) == 0);
	char *moved = mremap(memory, 4 * page, 8 * page, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED && moved[3 * page] == 1 && moved[7 * page] == 0);

	unsigned word = 0x01020304;
	struct futex_waitv waiters[2] = {{.val = 1, .uaddr = (uintptr_t)&word, .flags = FUTEX_32},
					 {.val = 0x01020304, .uaddr = (uintptr_t)&word, .flags = FUTEX_32}};
	long result = syscall(SYS_futex_waitv, waiters, 2, 0, 0, 0);
	if (result == -1 && errno == ENOSYS)
		skip("futex_waitv");
	printf("another value: %s\n", why(result));
	struct {
		int64_t seconds, nanoseconds;
	} past = {1, 0};
	printf("in time: %s\n", WHY(syscall(SYS_futex_waitv, waiters + 1, 1, 0, &past, CLOCK_MONOTONIC)));
	struct timex clock = {.modes = 0};
	CHECK(adjtimex(&clock) >= 0 && clock.tick >= 9000 && clock.tick <= 11000 && clock.time.tv_sec > 1000000000);
	printf("clock\n");
}

void ioctls(int argc, char **argv)
{
	(void)argc, (void)argv;
	int ends[2], n = -1;
	CHECK(pipe(ends) == 0 && write(ends[1], "12345", 5) == 5);
	CHECK(ioctl(ends[0], FIONREAD, &n) == 0);
	printf("in the pipe: %d\n", n);
	CHECK(ioctl(ends[0], FIONBIO, &(int){1}) == 0 && fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	CHECK(ioctl(ends[0], FIOCLEX) == 0 && fcntl(ends[0], F_GETFD) == FD_CLOEXEC && ioctl(ends[0], FIONCLEX) == 0);
	int file = open("file", O_RDWR | O_CREAT, 0600), block = 0;
	CHECK(write(file, "x", 1) == 1 && ioctl(file, FIGETBSZ, &block) == 0 && block >= 512);
	printf("not a terminal: %s\n", WHY(ioctl(file, TIOCGWINSZ, &(struct winsize){0})));
	struct file_clone_range range = {.src_fd = -1, .src_length = 1};
	printf("clone of nothing: %s\n", WHY(ioctl(file, FICLONERANGE, &range)));
	printf("block device? %s\n", WHY(ioctl(file, BLKGETSIZE64, &(uint64_t){0})));

	int net = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_name = "lo"};
	if (ioctl(net, SIOCGIFINDEX, &request) != 0)
		skip("interface lo");
	int index = request.ifr_ifindex;
	CHECK(ioctl(net, SIOCGIFFLAGS, &request) == 0);
	printf("loopback %d\n", !!(request.ifr_flags & IFF_LOOPBACK));
	CHECK(ioctl(net, SIOCGIFHWADDR, &request) == 0);
	printf("hardware family %d\n", request.ifr_hwaddr.sa_family);
	struct ifreq named = {.ifr_ifindex = index};
	CHECK(ioctl(net, SIOCGIFNAME, &named) == 0);
	printf("name %s\n", named.ifr_name);
	struct ifreq list[40];
	struct ifconf all = {.ifc_len = 0, .ifc_buf = 0};
	CHECK(ioctl(net, SIOCGIFCONF, &all) == 0 && all.ifc_len % sizeof(struct ifreq) == 0);
	int room = all.ifc_len;
	all.ifc_len = sizeof list, all.ifc_req = list;
	CHECK(ioctl(net, SIOCGIFCONF, &all) == 0 && all.ifc_len == room);
	for (unsigned i = 0; i < all.ifc_len / sizeof *list; i++) {
		CHECK(list[i].ifr_addr.sa_family == AF_INET);
		if (!strcmp(list[i].ifr_name, "lo"))
			CHECK(((struct sockaddr_in *)&list[i].ifr_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	}

	int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (terminal < 0)
		skip("/dev/ptmx");
	int number = -1, locked = -1;
	CHECK(ioctl(terminal, TIOCGPTN, &number) == 0 && number >= 0);
	CHECK(ioctl(terminal, TIOCSPTLCK, &(int){0}) == 0 && ioctl(terminal, TIOCGPTLCK, &locked) == 0);
	struct winsize size = {.ws_row = 12, .ws_col = 345};
	CHECK(ioctl(terminal, TIOCSWINSZ, &size) == 0 && ioctl(terminal, TIOCGWINSZ, &size) == 0);
	printf("unlocked %d, %d rows of %d\n", !locked, size.ws_row, size.ws_col);
	int slave = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0 && write(terminal, "typed\n", 6) == 6);
	CHECK(poll(&(struct pollfd){.fd = slave, .events = POLLIN}, 1, -1) == 1 && ioctl(slave, FIONREAD, &n) == 0);
	printf("waiting: %d\n", n);
	CHECK(ioctl(slave, TCFLSH, 0) == 0 && ioctl(slave, FIONREAD, &n) == 0);
	printf("flushed: %d, exclusive %s\n", n, WHY(ioctl(slave, TIOCEXCL)));
}
