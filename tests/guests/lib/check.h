/* Checks of the programs for FreeBSD: a condition that does not hold is named, and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include "guest.h"

#define CHECK(what) \
	do { if (!(what)) { print("line %d: not so: %s\n", __LINE__, #what); quit(1); } } while (0)

/* A value that must be another. */
#define SAME(got, want) \
	do { \
		long got_ = (long)(got), want_ = (long)(want); \
		if (got_ != want_) { \
			print("line %d: %s is %ld, not %ld\n", __LINE__, #got, got_, want_); \
			quit(1); \
		} \
	} while (0)

enum {
	EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EBADF = 9, ECHILD = 10, EDEADLK = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14,
	EBUSY = 16, EEXIST = 17, EINVAL = 22, EMFILE = 24, ENOTTY = 25, EFBIG = 27, ERANGE = 34, EAGAIN = 35, EMSGSIZE = 40,
	EOPNOTSUPP = 45, ETIMEDOUT = 60, ENAMETOOLONG = 63, ENOSYS = 78, EIDRM = 82, ENOMSG = 83, ENOATTR = 87, ENOTCAPABLE = 93,
	ECAPMODE = 94, ENOTRECOVERABLE = 95, EOWNERDEAD = 96
};

#endif
