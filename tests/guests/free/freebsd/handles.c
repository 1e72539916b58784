/* Handles of files: what they name is opened, looked at and linked to, whatever its name is by then. */
#include "check.h"

#define __NR_lgetfh 160
#define __NR_getfh 161
#define __NR_fhopen 298
#define __NR_fhstat 553
#define __NR_fhstatfs 558
#define __NR_getfhat 564
#define __NR_fhlink 565
#define __NR_fhlinkat 566
#define __NR_fhreadlink 567

struct handle { u32 fsid[2]; u16 length, kind; u8 bytes[16]; };
enum { AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x200, O_RDWR = 2, O_CREAT = 0x200, ESTALE = 70, NOBODY = 65534 };

static struct handle file, same, link_itself;
static char stat[256], other[256], mounted[2500];

static void of_nobody(void)
{
	int status;
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SAME(SYS(setuid, NOBODY), 0);
		SAME(SYS(getfh, ".", &same), -EPERM);
		SAME(SYS(fhopen, &file, 0), -EPERM);
		SAME(SYS(fhstat, &file, stat), -EPERM);
		quit(0);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
}

static void skip(const char *why)
{
	SYS(write, 2, why, strlen(why));
	quit(77);
}

int guest_main(int argc, char **argv, char **envp)
{
	char text[16];
	(void)argc; (void)argv; (void)envp;
	SAME(sizeof file, 28);
	if (SYS(geteuid) != 0)
		skip("SKIPPED: handles are the superuser's\n");
	int fd = SYS(open, "file", O_RDWR | O_CREAT, 0600);
	SAME(SYS(write, fd, "content", 7), 7);
	SAME(SYS(symlink, "file", "link"), 0);
	long done = SYS(getfh, "file", &file);
	if (done == -EOPNOTSUPP || SYS(fhstat, &file, stat) == -EPERM)
		skip("SKIPPED: the file system of the test has no handles, or a container keeps them\n");
	SAME(done, 0);
	SAME(SYS(getfh, "link", &same), 0);
	SAME(memcmp(&file, &same, sizeof file), 0);
	SAME(SYS(lgetfh, "link", &link_itself), 0);
	CHECK(memcmp(&file, &link_itself, sizeof file) != 0);
	SAME(SYS(getfhat, AT_FDCWD, "link", &same, AT_SYMLINK_NOFOLLOW), 0);
	SAME(memcmp(&link_itself, &same, sizeof file), 0);
	SAME(SYS(getfhat, AT_FDCWD, "link", &same, 1), -EINVAL);
	SAME(SYS(getfh, "missing", &same), -ENOENT);
	SAME(SYS(getfh, "file", (void *)-8), -EFAULT);
	of_nobody();
	/* By another name it is the same file. */
	SAME(SYS(rename, "file", "moved"), 0);
	SAME(SYS(fhopen, &file, O_CREAT), -EINVAL);
	int again = SYS(fhopen, &file, O_RDWR);
	CHECK(again > fd);
	SAME(SYS(read, again, text, sizeof text), 7);
	SAME(memcmp(text, "content", 7), 0);
	SAME(SYS(fstat, fd, stat), 0);
	SAME(SYS(fhstat, &file, other), 0);
	SAME(memcmp(stat, other, 24), 0);
	SAME(SYS(fhstatfs, &file, mounted), 0);
	SAME(*(u32 *)mounted, 0x20140518);
	SAME(SYS(fhlink, &file, "second"), 0);
	SAME(SYS(fhlinkat, &file, AT_FDCWD, "second"), -EEXIST);
	SAME(SYS(unlink, "second"), 0);
	SAME(SYS(fhreadlink, &link_itself, text, sizeof text), 4);
	SAME(memcmp(text, "file", 4), 0);
	SAME(SYS(fhreadlink, &file, text, sizeof text), -EINVAL);
	/* Of no file system, and of no file any more. */
	same = file;
	same.fsid[0] ^= 0x5555;
	SAME(SYS(fhopen, &same, 0), -ESTALE);
	SYS(close, fd);
	SYS(close, again);
	SAME(SYS(unlink, "moved"), 0);
	SAME(SYS(unlink, "link"), 0);
	SAME(SYS(fhopen, &file, 0), -ESTALE);
	SAME(SYS(fhopen, (void *)-8, 0), -EFAULT);
	/* None of the descriptors that were needed is left. */
	SAME(SYS(dup, 0), fd);
	print("handles done\n");
	return 0;
}
