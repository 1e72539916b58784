/* Access control lists of files: what is set, told again, and refused. */
#include "check.h"

#define __NR___acl_set_file 348
#define __NR___acl_set_fd 350
#define __NR___acl_delete_file 351
#define __NR___acl_delete_fd 352
#define __NR___acl_aclcheck_file 353
#define __NR___acl_get_link 425
#define __NR_lpathconf 513

/* sys/acl.h */
struct entry { u32 tag, id, permissions; u16 type, flags; };
struct acl { u32 most, count; s32 spare[4]; struct entry entry[254]; };
struct old_entry { s32 tag; u32 id; u16 permissions; };
struct old { s32 count; struct old_entry entry[32]; };
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 0x10, OTHER = 0x20 };
enum { ACCESS_OLD = 0, ACCESS = 2, DEFAULT = 3, NFS4 = 4, ENOTDIR = 20, PC_ACL_EXTENDED = 59, PC_ACL_PATH_MAX = 60 };

static struct acl list, told;

static void add(u32 tag, u32 id, u32 permissions)
{
	list.entry[list.count++] = (struct entry){tag, id, permissions, 0, 0};
}

/* An owner that reads and writes, user 1234 that reads, group 99 that does all, in no order. */
static void fill(void)
{
	memset(&list, 0, sizeof list);
	list.most = 254;
	add(OTHER, 5, 0);
	add(MASK, 5, 5);
	add(GROUP, 99, 7);
	add(USER, 1234, 4);
	add(GROUP_OBJ, 5, 4);
	add(USER_OBJ, 5, 6);
}

static u16 mode_of(const char *path)
{
	static union { u8 bytes[256]; u16 halves[128]; } stat;
	SAME(SYS(fstatat, -100, path, &stat, 0), 0);
	return stat.halves[12] & 0777;
}

static void told_is(int at, u32 tag, u32 id, u32 permissions)
{
	SAME(told.entry[at].tag, tag);
	SAME(told.entry[at].id, id);
	SAME(told.entry[at].permissions, permissions);
}

static void of_file(void)
{
	int fd = SYS(open, "file", 0x202, 0640);
	CHECK(fd > 2);
	SAME(SYS(fchmod, fd, 0640), 0);
	told.most = 0;
	/* Without room that says how much it is nothing is told. */
	SAME(SYS(__acl_get_fd, fd, ACCESS, &told), -EINVAL);
	told.most = 254;
	SAME(SYS(__acl_get_fd, fd, ACCESS, &told), 0);
	SAME(told.count, 3);
	told_is(0, USER_OBJ, -1, 6);
	told_is(1, GROUP_OBJ, -1, 4);
	told_is(2, OTHER, -1, 0);
	SAME(SYS(__acl_get_file, "file", DEFAULT, &told), 0);
	SAME(told.count, 0);
	SAME(SYS(__acl_get_file, "file", NFS4, &told), -EINVAL);
	SAME(SYS(__acl_get_file, "missing", ACCESS, &told), -ENOENT);
	SAME(SYS(__acl_get_file, "file", ACCESS, (void *)-8), -EFAULT);
	SAME(SYS(__acl_get_fd, 99, ACCESS, &told), -EBADF);
	fill();
	SAME(SYS(__acl_aclcheck_file, "file", ACCESS, &list), 0);
	SAME(SYS(__acl_set_fd, fd, ACCESS, &list), 0);
	SAME(SYS(__acl_get_file, "file", ACCESS, &told), 0);
	SAME(told.count, 6);
	told_is(0, USER_OBJ, -1, 6);
	told_is(1, USER, 1234, 4);
	told_is(2, GROUP_OBJ, -1, 4);
	told_is(3, GROUP, 99, 7);
	told_is(4, MASK, -1, 5);
	told_is(5, OTHER, -1, 0);
	/* The mask shows as the group's rights, and chmod changes it. */
	SAME(mode_of("file"), 0650);
	SAME(SYS(fchmod, fd, 0600), 0);
	SAME(SYS(__acl_get_fd, fd, ACCESS, &told), 0);
	told_is(4, MASK, -1, 0);
	SAME(SYS(__acl_get_link, "file", ACCESS, &told), 0);
	/* Layout and types of programs of FreeBSD 7. */
	struct old old;
	memset(&old, 0, sizeof old);
	SAME(SYS(__acl_get_file, "file", ACCESS_OLD, &old), 0);
	SAME(old.count, 6);
	SAME(old.entry[3].tag, GROUP);
	SAME(old.entry[3].id, 99);
	SAME(old.entry[3].permissions, 7);
	/* The list of a file cannot be removed, but a short one set. */
	SAME(SYS(__acl_delete_file, "file", ACCESS), -EINVAL);
	SAME(SYS(__acl_delete_fd, fd, DEFAULT), -ENOTDIR);
	old.count = 3;
	old.entry[0] = (struct old_entry){USER_OBJ, 0, 7};
	old.entry[1] = (struct old_entry){GROUP_OBJ, 0, 1};
	old.entry[2] = (struct old_entry){OTHER, 0, 4};
	SAME(SYS(__acl_set_file, "file", ACCESS_OLD, &old), 0);
	SAME(SYS(__acl_get_fd, fd, ACCESS, &told), 0);
	SAME(told.count, 3);
	SAME(mode_of("file"), 0714);
	SYS(close, fd);
}

static void refused(void)
{
	fill();
	list.most = 32;
	SAME(SYS(__acl_set_file, "file", ACCESS, &list), -EINVAL);
	fill();
	SAME(SYS(__acl_set_file, "file", DEFAULT, &list), -EINVAL);
	list.count--;
	SAME(SYS(__acl_set_file, "file", ACCESS, &list), -EINVAL);
	fill();
	list.entry[1].tag = OTHER;
	SAME(SYS(__acl_aclcheck_file, "file", ACCESS, &list), -EINVAL);
	fill();
	list.entry[0].permissions = 8;
	SAME(SYS(__acl_set_file, "file", ACCESS, &list), -EINVAL);
	list.count = 255;
	SAME(SYS(__acl_set_file, "file", ACCESS, &list), -EINVAL);
	SAME(mode_of("file"), 0714);
}

/* What is made in a folder has its default list. */
static void of_folder(void)
{
	SAME(SYS(mkdir, "folder", 0755), 0);
	fill();
	SAME(SYS(__acl_set_file, "folder", DEFAULT, &list), 0);
	SAME(SYS(__acl_get_file, "folder", DEFAULT, &told), 0);
	SAME(told.count, 6);
	int fd = SYS(open, "folder/file", 0x202, 0666);
	CHECK(fd > 2);
	SAME(SYS(__acl_get_fd, fd, ACCESS, &told), 0);
	SAME(told.count, 6);
	told_is(1, USER, 1234, 4);
	SYS(close, fd);
	SAME(SYS(__acl_delete_file, "folder", DEFAULT), 0);
	SAME(SYS(__acl_delete_file, "folder", DEFAULT), 0);
	SAME(SYS(__acl_get_file, "folder", DEFAULT, &told), 0);
	SAME(told.count, 0);
	SAME(SYS(unlink, "folder/file"), 0);
	SAME(SYS(rmdir, "folder"), 0);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc; (void)argv; (void)envp;
	SAME(SYS(__acl_get_file, "missing", ACCESS, &told), -ENOENT);
	told.most = 254;
	if (SYS(__acl_get_file, ".", ACCESS, &told) == -EOPNOTSUPP) {
		static const char why[] = "SKIPPED: the file system of the test keeps no access control lists\n";
		SYS(write, 2, why, sizeof why - 1);
		quit(77);
	}
	of_file();
	SAME(SYS(pathconf, "file", PC_ACL_EXTENDED), 1);
	SAME(SYS(lpathconf, "file", PC_ACL_PATH_MAX), 254);
	refused();
	of_folder();
	SAME(SYS(unlink, "file"), 0);
	print("lists done\n");
	return 0;
}
