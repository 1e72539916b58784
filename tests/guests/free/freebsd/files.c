/* Files by every call that there is for them: status, directories, times, file systems, descriptors, processes by descriptor. */
#include "check.h"

struct timeval { s64 sec; long usec; };
struct stat {
	u64 dev, ino, nlink; u16 mode, pad0; u32 uid, gid, pad1; u64 rdev; struct timespec atim, mtim, ctim, birthtim;
	s64 size, blocks; s32 blksize; u32 flags; u64 gen, spare[10];
};
struct stat11 {
	u32 dev, ino; u16 mode, nlink; u32 uid, gid, rdev; struct timespec atim, mtim, ctim; s64 size, blocks; s32 blksize;
	u32 flags, gen; s32 lspare; struct timespec birthtim;
};
struct nstat {
	u32 dev, ino, mode, nlink, uid, gid, rdev; struct timespec atim, mtim, ctim; s64 size, blocks; s32 blksize;
	u32 flags, gen; struct timespec birthtim;
};
struct statfs {
	u32 version, type; u64 flags, bsize, iosize, blocks, bfree; s64 bavail; u64 files; s64 ffree; u64 counts[4], spare[10];
	u32 namemax, owner, fsid[2]; char charspare[80], type_name[16], from[1024], on[1024];
};
struct statfs11 {
	u32 version, type; u64 flags, bsize, iosize, blocks, bfree; s64 bavail; u64 files; s64 ffree; u64 counts[4], spare[10];
	u32 namemax, owner, fsid[2]; char charspare[80], type_name[16], from[88], on[88];
};

enum { O_RDWR = 2, O_NOFOLLOW = 0x100, O_CREAT = 0x200, O_EXCL = 0x800, O_DIRECTORY = 0x20000, O_EXEC = 0x40000, O_CLOEXEC = 0x100000,
	O_PATH = 0x400000, O_BENEATH = 0x800000, O_EMPTY_PATH = 0x2000000 };
enum { AT_FDCWD = -100, NOFOLLOW = 0x200, FOLLOW = 0x400, EMPTY_PATH = 0x4000 };

static int create(const char *name, const char *text)
{
	int fd = SYS(open, name, O_RDWR | O_CREAT, 0644);
	CHECK(fd > 2 && SYS(write, fd, text, strlen(text)) == (long)strlen(text));
	return fd;
}

static void status(void)
{
	struct stat st;
	struct stat11 st11;
	struct nstat nst;
	int fd = create("file", "hello");
	CHECK(SYS(symlink, "file", "link") == 0);
	CHECK(SYS(fstatat, AT_FDCWD, "link", &st, 0) == 0 && st.mode == 0100644 && st.size == 5 && st.nlink == 1);
	CHECK(st.birthtim.sec > 1600000000 && st.mtim.sec >= st.birthtim.sec && st.flags == 0);
	CHECK(SYS(freebsd11_stat, "link", &st11) == 0 && st11.mode == 0100644 && st11.size == 5 && st11.ino == (u32)st.ino);
	CHECK(st11.birthtim.sec == st.birthtim.sec && st11.mtim.nsec == st.mtim.nsec && st11.blocks == st.blocks);
	CHECK(SYS(freebsd11_lstat, "link", &st11) == 0 && st11.mode == 0120777);
	CHECK(SYS(freebsd11_fstat, fd, &st11) == 0 && st11.size == 5 && st11.nlink == 1);
	CHECK(SYS(freebsd11_fstatat, AT_FDCWD, "link", &st11, NOFOLLOW) == 0 && st11.mode == 0120777);
	CHECK(SYS(freebsd11_nstat, "file", &nst) == 0 && nst.mode == 0100644 && nst.size == 5);
	CHECK(SYS(freebsd11_nlstat, "link", &nst) == 0 && nst.mode == 0120777);
	CHECK(SYS(freebsd11_nfstat, fd, &nst) == 0 && nst.birthtim.nsec == st.birthtim.nsec);
	print("unknown flags: %ld\n", SYS(fstatat, AT_FDCWD, "link", &st, 1));
	print("a bad address: %ld\n", SYS(fstat, fd, 8));
	CHECK(SYS(fstatat, AT_FDCWD, "/dev/null", &st, 0) == 0);
	print("/dev/null is %llx\n", st.rdev);
	/* link follows a symbolic link, unlike the host's. */
	CHECK(SYS(link, "link", "hard") == 0 && SYS(freebsd11_lstat, "hard", &st11) == 0);
	print("hard link: %x, %d links\n", st11.mode, st11.nlink);
	SYS(unlink, "hard");
	print("not followed: %ld\n", SYS(open, "link", O_NOFOLLOW));
	print("directory to be created: %ld\n", SYS(open, "new", O_CREAT | O_DIRECTORY, 0755));
	int dir = SYS(open, ".", O_DIRECTORY);
	int again = SYS(openat, fd, "", O_EMPTY_PATH);
	CHECK(again > 2 && SYS(fstat, again, &st) == 0 && st.size == 5);
	print("beneath: %ld", SYS(openat, dir, "../x", O_BENEATH));
	CHECK(SYS(mkdir, "below", 0755) == 0);
	int below = SYS(openat, dir, "below", O_DIRECTORY | O_BENEATH);
	print(" %s\n", below > 2 ? "fine" : "failed");
	SYS(rmdir, "below");
	SYS(close, below);
	SYS(close, again);
	SYS(close, dir);
	SYS(close, fd);
	/* Flags, where the host's file system has them: UF_NODUMP; one that it does not have. */
	long kept = SYS(chflags, "link", 1);
	CHECK(kept == 0 || kept == -EOPNOTSUPP);
	CHECK(SYS(fstatat, AT_FDCWD, "file", &st, 0) == 0 && st.flags == (kept == 0));
	CHECK(SYS(freebsd11_stat, "file", &st11) == 0 && st11.flags == st.flags);
	CHECK(SYS(freebsd11_nstat, "file", &nst) == 0 && nst.flags == st.flags);
	fd = SYS(open, "file", 0);
	CHECK(SYS(fchflags, fd, 0) == 0 && SYS(fstat, fd, &st) == 0 && st.flags == 0);
	SYS(close, fd);
	print("flags: %ld %ld %ld\n", SYS(chflags, "file", 0), SYS(chflags, "file", 0x800), SYS(lchflags, "link", 1));
	/* A descriptor for execution alone. */
	fd = SYS(open, "/bin/sh", O_EXEC);
	CHECK(SYS(fstat, fd, &st) == 0);
	SYS(close, fd);
	fd = create("program", "x");
	CHECK(SYS(fchmod, fd, 0755) == 0);
	SYS(close, fd);
	fd = SYS(open, "program", O_EXEC);
	CHECK(fd > 2 && SYS(fchmod, fd, 0711) == 0 && SYS(fchown, fd, -1, -1) == 0 && SYS(fstat, fd, &st) == 0 && (st.mode & 0777) == 0711);
	SYS(close, fd);
	SAME(SYS(fchmod, fd, 0711), -9);
	SYS(unlink, "program");
	print("pathconf: %ld %ld\n", SYS(pathconf, "file", 4), SYS(pathconf, "missing", 4));
	char path[1024];
	CHECK(SYS(__getcwd, path, sizeof path) == 0);
	size_t cwd = strlen(path);
	CHECK(SYS(__realpathat, AT_FDCWD, "./link", path, sizeof path, 0) == 0);
	print("real path:%s\n", path + cwd);
	print("too short: %ld, missing: %ld\n", SYS(__realpathat, AT_FDCWD, "link", path, 2, 0),
		SYS(__realpathat, AT_FDCWD, "missing", path, sizeof path, 0));
	/* The root has no name; nothing is longer than its result; what is no device cannot be revoked. */
	SAME(SYS(unlink, "/"), -21);
	SAME(SYS(mkdir, "//", 0755), -21);
	fd = SYS(open, "file", O_RDWR);
	SAME(SYS(write, fd, path, ~0ul), -22);
	SYS(close, fd);
	SAME(SYS(revoke, (char *)-1), -EFAULT);
	SAME(SYS(revoke, "file"), -22);
	CHECK(SYS(unlink, "link") == 0 && SYS(unlink, "file") == 0);
	/* A slash behind a symbolic link: it is followed. */
	CHECK(SYS(symlink, "there", "link") == 0);
	print("made through a link: %ld", SYS(mkdir, "link/", 0755));
	print(", again %ld", SYS(mkdir, "link/", 0755));
	print(", moved %ld", SYS(rename, "link/", "elsewhere"));
	print(", back %ld", SYS(rename, "elsewhere", "link//"));
	print(", unlinked %ld", SYS(unlink, "link/"));
	print(", removed %ld", SYS(rmdir, "link/"));
	print(", missing %ld\n", SYS(rmdir, "there"));
	CHECK(SYS(unlink, "link") == 0);
}

static void times(void)
{
	struct stat st;
	struct timeval tv[2] = {{1000000000, 5}, {1100000000, 7}};
	int fd = create("file", "");
	CHECK(SYS(symlink, "file", "link") == 0);
	CHECK(SYS(utimes, "link", tv) == 0 && SYS(fstat, fd, &st) == 0);
	CHECK(st.atim.sec == 1000000000 && st.atim.nsec == 5000 && st.mtim.sec == 1100000000 && st.mtim.nsec == 7000);
	tv[1].sec = 1200000000;
	CHECK(SYS(lutimes, "link", tv) == 0 && SYS(fstat, fd, &st) == 0 && st.mtim.sec == 1100000000);
	CHECK(SYS(fstatat, AT_FDCWD, "link", &st, NOFOLLOW) == 0 && st.mtim.sec == 1200000000);
	CHECK(SYS(futimes, fd, tv) == 0 && SYS(fstat, fd, &st) == 0 && st.mtim.sec == 1200000000);
	tv[1].sec = 1300000000;
	CHECK(SYS(futimesat, AT_FDCWD, "file", tv) == 0 && SYS(fstat, fd, &st) == 0 && st.mtim.sec == 1300000000);
	tv[1].usec = 1000000;
	print("too many microseconds: %ld\n", SYS(utimes, "file", tv));
	CHECK(SYS(utimes, "file", 0) == 0 && SYS(fstat, fd, &st) == 0 && st.mtim.sec > 1600000000);
	SYS(close, fd);
	SYS(unlink, "link");
	SYS(unlink, "file");
}

static void directories(void)
{
	char entries[4096];
	long base = -1; s64 wide;
	CHECK(SYS(mkdir, "d", 0755) == 0);
	SYS(close, create("d/one", ""));
	CHECK(SYS(mkfifo, "d/fifo", 0600) == 0);
	int dir = SYS(open, "d", O_DIRECTORY);
	long n = SYS(freebsd11_getdirentries, dir, entries, sizeof entries, &base);
	int seen = 0;
	for (char *e = entries; e < entries + n; e += *(u16 *)(e + 4)) {
		CHECK((u8)e[7] == strlen(e + 8) && *(u16 *)(e + 4) % 4 == 0);
		if (strcmp(e + 8, "one") == 0 && e[6] == 8)
			seen |= 1;
		if (strcmp(e + 8, "fifo") == 0 && e[6] == 1)
			seen |= 2;
		seen += e[8] == '.' ? 4 : 0;
	}
	print("entries of 11: %d, base %ld\n", seen, base);
	print("at the end: %ld\n", SYS(freebsd11_getdents, dir, entries, sizeof entries));
	CHECK(lseek(dir, 0, 0) == 0);
	/* In pieces. */
	int pieces = 0;
	while ((n = SYS(getdirentries, dir, entries, 512, &wide)) > 0)
		pieces++;
	print("in %d piece\n", pieces);
	print("no room: %ld\n", SYS(getdirentries, dir, entries, 10, &wide));
	int file = SYS(open, "d/one", O_RDWR);
	print("of a file: %ld\n", SYS(getdirentries, file, entries, sizeof entries, &wide));
	SYS(close, file);
	SYS(close, dir);
	SYS(unlink, "d/one");
	SYS(unlink, "d/fifo");
	SYS(rmdir, "d");
}

static struct statfs mounts[64];

static void file_systems(void)
{
	static struct statfs fs;
	static struct statfs11 old;
	CHECK(SYS(statfs, "/proc", &fs) == 0);
	print("%s on %s, version %x\n", fs.type_name, fs.on, fs.version);
	CHECK(SYS(freebsd11_statfs, "/proc", &old) == 0);
	print("%s on %s, version %x\n", old.type_name, old.on, old.version);
	int fd = create("file", "");
	CHECK(SYS(fstatfs, fd, &fs) == 0 && fs.blocks > 0 && fs.bsize > 0 && fs.namemax == 255 && (fs.flags & 0x1000));
	SYS(close, fd);
	SYS(unlink, "file");
	long n = SYS(getfsstat, 0, 0, 2);
	CHECK(n > 0 && SYS(getfsstat, mounts, sizeof mounts[0], 2) == 1);
	print("bad mode: %ld, missing: %ld\n", SYS(getfsstat, 0, 0, 9), SYS(statfs, "/missing", &fs));
}

static void contents(void)
{
	char text[16] = {0};
	s64 in = 1, out = 2;
	int from = create("from", "abcdef"), to = create("to", "12345678");
	CHECK(SYS(copy_file_range, from, &in, to, &out, 3, 0) == 3 && in == 4 && out == 5);
	CHECK(pread(to, text, 8, 0) == 8);
	print("copied: %s\n", text);
	print("cloned: %ld\n", SYS(copy_file_range, from, &in, to, &out, 3, 0x800000));
	struct { s64 offset, len; } range = {0, 4}, rest = {9, 9};
	CHECK(SYS(fspacectl, to, 1, &range, 0, &rest) == 0);
	CHECK(pread(to, text, 8, 0) == 8);
	print("freed: %d %d %s, rest %ld %ld\n", text[0], text[3], text + 4, (long)rest.offset, (long)rest.len);
	range.len = 0;
	print("nothing to free: %ld\n", SYS(fspacectl, to, 1, &range, 0, &rest));
	struct { s64 start, len; s32 pid; short type, whence; s32 sysid; } lock = {2, 3, 0, 3, 0, 0};
	CHECK(SYS(fcntl, to, 12, &lock) == 0);
	flush();
	int child = SYS(fork), status;
	if (child == 0) {
		lock.type = 1;
		CHECK(SYS(fcntl, to, 11, &lock) == 0);
		quit(lock.type == 3 && lock.start == 2 && lock.len == 3 ? 0 : 1);
	}
	CHECK(SYS(wait4, child, &status, 0, 0) == child);
	print("lock is seen: %x\n", status);
	SYS(close, from);
	SYS(close, to);
	SYS(unlink, "from");
	SYS(unlink, "to");
}

static void descriptors(void)
{
	/* SPECIALFD_EVENTFD with EFD_NONBLOCK, and a semaphore. */
	struct { u32 value, flags; } event = {3, 4};
	u64 count;
	int fd = SYS(__specialfd, 1, &event, sizeof event);
	CHECK(fd > 2 && SYS(read, fd, &count, 8) == 8);
	print("counted %llu, then %ld\n", count, SYS(read, fd, &count, 8));
	SYS(close, fd);
	event.flags = 5;
	fd = SYS(__specialfd, 1, &event, sizeof event);
	CHECK(fd > 2 && SYS(read, fd, &count, 8) == 8);
	print("one at a time: %llu\n", count);
	SYS(close, fd);
	event.flags = 8;
	print("bad flags: %ld, bad type: %ld\n", SYS(__specialfd, 1, &event, 8), SYS(__specialfd, 9, &event, 8));
	/* A pseudo-terminal. */
	int master = SYS(posix_openpt, O_RDWR | 0x8000);
	CHECK(master > 2);
	/* It is asked for the name of the other side. */
	char pty[64] = "/dev/";
	struct { int len; char *buf; } dgname = {sizeof pty - 5, pty + 5};
	CHECK(SYS(ioctl, master, sizeof(long) == 8 ? 0x80106678 : 0x80086678, &dgname) == 0 && memcmp(pty, "/dev/pts/", 9) == 0);
	int slave = SYS(open, pty, O_RDWR | 0x8000);
	CHECK(slave > 2 && SYS(write, slave, "x", 1) == 1 && SYS(read, master, pty, 1) == 1 && pty[0] == 'x');
	SYS(close, slave);
	SYS(close, master);
	struct { struct timespec interval, value; } timer = {{0, 0}, {0, 1000000}};
	fd = SYS(timerfd_create, 4, 0);
	CHECK(fd > 2 && SYS(timerfd_settime, fd, 0, &timer, 0) == 0 && SYS(read, fd, &count, 8) == 8);
	print("expired %llu\n", count);
	SYS(close, fd);
	fd = SYS(open, "/dev/null", O_RDWR);
	int copy = SYS(dup, fd);
	long me = SYS(getpid);
	CHECK(SYS(kcmp, me, me, 100, fd, copy) == 0 && SYS(kcmp, me, me, 100, fd, 0) != 0);
	/* What is opened again is another file, but the same object; two queues are not. */
	int null = SYS(open, "/dev/null", 0), again = SYS(open, "/dev/null", 0), queue = SYS(kqueue), other = SYS(kqueue);
	CHECK(SYS(kcmp, me, me, 100, null, again) != 0 && SYS(kcmp, me, me, 101, null, again) == 0);
	CHECK(SYS(kcmp, me, me, 101, null, queue) != 0 && SYS(kcmp, me, me, 101, queue, other) != 0);
	CHECK(SYS(kcmp, me, me, 101, null, 99) == -EBADF);
	for (int each = 0; each < 4; each++)
		SYS(close, ((int[]){null, again, queue, other})[each]);
	/* close_range, and closefrom by another name. */
	CHECK(SYS(close_range, copy, copy, 4) == 0 && SYS(fcntl, copy, 1, 0) == 1);
	CHECK(SYS(close_range, fd, copy, 0) == 0);
	print("closed: %ld\n", SYS(fcntl, fd, 1, 0));
	CHECK(SYS(getdtablesize) > 20);
	u32 groups[64];
	long n = SYS(getgroups_before_15, 64, groups);
	CHECK(n >= 1 && groups[0] == (u32)SYS(getegid) && SYS(getgroups_before_15, 0, 0) == n);
	/* pselect: readable, and a signal that is let through only meanwhile. */
	int fds[2];
	CHECK(SYS(pipe2, fds, 0) == 0 && SYS(write, fds[1], "x", 1) == 1);
	unsigned long set[32] = {1ul << fds[0]}; u32 none[4] = {0};
	struct timespec t = {5, 0};
	CHECK(SYS(pselect, fds[0] + 1, set, 0, 0, &t, none) == 1 && set[0] == 1ul << fds[0]);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
}

static void memory(void)
{
	long at = mmap(0, 0x3000, 3, 0x1002, -1, 0);
	char vec[3] = {9, 9, 9};
	CHECK(at > 0);
	*(volatile char *)(at + 0x1000) = 1;
	CHECK(SYS(mincore, at, 0x3000, vec) == 0);
	print("in core: %d %d\n", vec[0] & 1, vec[1] & 1);
	SYS(munmap, at, 0x3000);
	print("not there: %ld\n", SYS(mincore, at, 0x3000, vec));
	CHECK(SYS(membarrier, 0x10, 0, 0) == 0 && SYS(membarrier, 8, 0, 0) == 0);
}

static void programs(char **argv)
{
	char *args[] = {"program", "again", 0}, *env[] = {0};
	int fd = SYS(open, argv[0], O_EXEC), status;
	CHECK(fd > 2);
	flush();
	int child = SYS(rfork, 1u << 31);
	if (child == 0) {
		SYS(fexecve, fd, args, env);
		quit(99);
	}
	CHECK(SYS(wait4, child, &status, 0, 0) == child);
	print("by descriptor: %x\n", status);
	SYS(close, fd);
	fd = SYS(open, "/dev/null", O_RDWR);
	child = SYS(rfork, 0x1010); /* RFPROC | RFCFDG */
	if (child == 0) {
		int error = SYS(fcntl, fd, 1, 0);
		SYS(exit_group, error == -9 ? 7 : 1);
	}
	CHECK(SYS(wait4, child, &status, 0, 0) == child);
	print("without descriptors: %x\n", status);
	print("rfork of both: %ld\n", SYS(rfork, 0x1014));
}

/* What fcntl knows of a descriptor, and its locks of FreeBSD 7. */
static void controls(void)
{
	static struct { s32 size, type, fd, refs, flags; u32 pad; s64 offset; u8 rest[1360]; } info;
	struct { s64 start, len; s32 pid; short type, whence; } lock = {0, 3, 0, 3, 0};
	int fd = create("file", "hello"), status;
	CHECK(sizeof info == 1392);
	SAME(SYS(fcntl, fd, 22, &info), -EINVAL);
	info.size = sizeof info;
	SAME(SYS(fcntl, fd, 22, &info), 0);
	CHECK(info.size == 1392 && info.type == 1 && info.fd == fd && info.offset == 5);
	u32 end = 0;
	for (u32 at = 0; at < sizeof info.rest; at++)
		if (memcmp(info.rest + at, "/file", 6) == 0)
			end = at;
	CHECK(end > 0);
	info.size = sizeof info;
	SAME(SYS(fcntl, 99, 22, &info), -9);
	SAME(SYS(fcntl, fd, 8, &lock), 0);
	flush();
	int child = SYS(fork);
	if (child == 0) {
		lock.type = 3;
		SAME(SYS(fcntl, fd, 7, &lock), 0);
		CHECK(lock.type == 3 && lock.start == 0 && lock.len == 3 && lock.pid == SYS(getppid));
		SAME(SYS(fcntl, fd, 8, &lock), -EAGAIN);
		quit(0);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 0);
	SAME(SYS(fcntl, fd, 14, &lock), -EPERM);
	SYS(close, fd);
	SYS(unlink, "file");
}

int guest_main(int argc, char **argv, char **envp __attribute__((unused)))
{
	if (argc > 1) {
		print("executed as %s\n", argv[0]);
		return 5;
	}
	status();
	controls();
	times();
	directories();
	file_systems();
	contents();
	descriptors();
	memory();
	programs(argv);
	return 0;
}
