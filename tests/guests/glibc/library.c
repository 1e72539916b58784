/* What a C library does mostly by itself: formatted output, files, memory, mathematics, jumps, sorting, time. */
/* 64-bit offsets: a 32-bit readdir cannot hold the cookies of a 64-bit host's file systems. */
#define _FILE_OFFSET_BITS 64
#include "suite.h"
#include <complex.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fenv.h>
#include <float.h>
#include <ftw.h>
#include <glob.h>
#include <math.h>
#include <regex.h>
#include <search.h>
#include <setjmp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <wchar.h>

void stdio_(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("%d %i %u %o %x %X %c %s %%\n", -42, 42, 42u, 42, 48879, 48879, 'z', "string");
	printf("[%8d] [%-8d] [%08d] [%+d] [% d] [%.3s] [%*d] [%-*s]\n", 42, 42, 42, 42, 42, "abcdef", 6, 7, 6, "ab");
	printf("%lld %llx %hhd %hd %zu %jd %p\n", -9000000000000000000ll, 0xfedcba9876543210ull, (char)300, (short)70000, (size_t)7, (intmax_t)-1, (void *)0);
	printf("%f %e %g %a %.0f %.10f %G %10.3f|%-10.2e|\n", 3.14159, 1e100, 1e-5, 1.0, 2.5, 1.0 / 3, 1e20, 2.71828, 123456.0);
	printf("%f %f %f %g %g\n", INFINITY, -INFINITY, NAN, 0.1, DBL_MAX);
	printf("%Lf %Lg\n", 1.5L, 1e30L);
	int d, n;
	float f;
	double g;
	char word[16];
	n = sscanf("17 2.5 -1e3 hello", "%d %f %lf %15s", &d, &f, &g, word);
	printf("sscanf %d: %d %g %g %s\n", n, d, f, g, word);
	printf("strtol %ld %ld %lu, strtod %g %a\n", strtol("-0x7f", 0, 16), strtol("777", 0, 8), strtoul("4294967295", 0, 10), strtod("1e-310", 0), strtod("0x1.8p3", 0));

	FILE *file = fopen("text", "w+");
	CHECK(file);
	for (int i = 0; i < 2000; i++)
		fprintf(file, "line %d\n", i);
	CHECK(ftell(file) == 2000 * 6 + 10 + 90 * 2 + 900 * 3 + 1000 * 4 - 0);
	rewind(file);
	char line[64];
	int count = 0;
	long sum = 0;
	while (fgets(line, sizeof line, file))
		count++, sum += atoi(line + 5);
	printf("%d lines, sum %ld, end %d\n", count, sum, feof(file) != 0);
	CHECK(fseek(file, 60, SEEK_SET) == 0);
	CHECK(fgets(line, sizeof line, file));
	printf("at 60: %s", line);
	CHECK(fseek(file, -5, SEEK_END) == 0);
	printf("%c", fgetc(file));
	ungetc('#', file);
	printf("%c", fgetc(file));
	printf("%c\n", fgetc(file));
	fclose(file);

	char *text = 0;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	fprintf(memory, "in memory %d", 5);
	fclose(memory);
	printf("%s (%zu)\n", text, size);
	free(text);
	setvbuf(stdout, 0, _IONBF, 0);
	printf("unbuffered\n");
	printf("%ls %lc\n", L"wide", L'w');
	perror("stderr is not compared");
	puts("end");
}

void files(int argc, char **argv)
{
	(void)argc, (void)argv;
	umask(022);
	int fd = open("data", O_RDWR | O_CREAT | O_EXCL, 0640);
	CHECK(fd >= 0);
	printf("exclusive again: %s\n", WHY(open("data", O_RDWR | O_CREAT | O_EXCL, 0640)));
	char block[1000];
	for (int i = 0; i < 1000; i++)
		block[i] = i * 7;
	CHECK(write(fd, block, 1000) == 1000);
	struct stat st;
	CHECK(fstat(fd, &st) == 0);
	printf("size %lld mode %o links %d blocks of %ld regular %d\n", (long long)st.st_size, st.st_mode & 07777, (int)st.st_nlink, (long)st.st_blksize, S_ISREG(st.st_mode));
	CHECK(st.st_uid == getuid() && st.st_gid == getgid());
	CHECK(llabs((long long)st.st_mtime - time(0)) < 10);
	CHECK(lseek(fd, 500, SEEK_SET) == 500);
	char back[1000];
	CHECK(read(fd, back, 1000) == 500);
	printf("second half %s\n", memcmp(back, block + 500, 500) ? "differs" : "same");
	CHECK(pread(fd, back, 100, 250) == 100 && !memcmp(back, block + 250, 100));
	CHECK(pwrite(fd, "hole", 4, 3000000000ll - 4 > 0 ? 100000 : 0) == 4);
	CHECK(fstat(fd, &st) == 0);
	printf("after a hole %lld\n", (long long)st.st_size);
	struct iovec parts[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && writev(fd, parts, 3) == 13);
	CHECK(pread(fd, back, 13, 0) == 13);
	printf("%.13s\n", back);
	struct iovec in[2] = {{back, 4}, {back + 100, 9}};
	CHECK(preadv(fd, in, 2, 0) == 13);
	printf("%.4s|%.9s\n", back, back + 100);
	CHECK(ftruncate(fd, 5) == 0 && fstat(fd, &st) == 0);
	printf("truncated %lld\n", (long long)st.st_size);

	/* Offsets past 32 bits, which take register pairs on 32-bit guests. */
	int big = open64("big", O_RDWR | O_CREAT, 0600);
	CHECK(pwrite64(big, "far", 3, 0x123456789all) == 3);
	CHECK(lseek64(big, 0, SEEK_END) == 0x123456789all + 3);
	struct stat64 st64;
	CHECK(fstat64(big, &st64) == 0);
	printf("large size %llx, allocated little %d\n", (long long)st64.st_size, st64.st_blocks < 1000);
	char far[4] = {0};
	CHECK(pread64(big, far, 3, 0x123456789all) == 3);
	printf("%s\n", far);
	CHECK(ftruncate64(big, 0x200000000ll) == 0 && fstat64(big, &st64) == 0);
	printf("truncated %llx\n", (long long)st64.st_size);
	CHECK(posix_fallocate64(big, 0, 8192) == 0);
	printf("advice %d\n", posix_fadvise64(big, 0, 0x100000000ll, POSIX_FADV_SEQUENTIAL));
	close(big);

	int copy = dup(fd);
	CHECK(copy > fd);
	CHECK(dup2(fd, 100) == 100 && dup3(fd, 101, O_CLOEXEC) == 101);
	printf("close on exec %d %d\n", fcntl(100, F_GETFD), fcntl(101, F_GETFD));
	CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 200) == 200);
	printf("access mode is read-write %d\n", (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	CHECK(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK) == 0);
	int flags = fcntl(fd, F_GETFL);
	printf("append %d nonblock %d sync %d\n", (flags & O_APPEND) != 0, (flags & O_NONBLOCK) != 0, (flags & O_SYNC) == O_SYNC);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
	CHECK(fcntl(fd, F_SETLK, &lock) == 0);
	lock.l_type = F_RDLCK;
	CHECK(fcntl(fd, F_GETLK, &lock) == 0);
	printf("own lock does not conflict %d\n", lock.l_type == F_UNLCK);
	CHECK(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0);

	CHECK(chmod("data", 0600) == 0 && fchmod(fd, 0444) == 0 && stat("data", &st) == 0);
	printf("mode %o\n", st.st_mode & 0777);
	struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
	CHECK(futimens(fd, times) == 0 && stat("data", &st) == 0);
	printf("times %lld.%09ld %lld.%09ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	struct timeval old[2] = {{5, 0}, {6, 500000}};
	CHECK(utimes("data", old) == 0 && stat("data", &st) == 0);
	printf("times %lld %lld.%09ld\n", (long long)st.st_atime, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	struct statx sx;
	CHECK(statx(AT_FDCWD, "data", 0, STATX_BASIC_STATS, &sx) == 0);
	printf("statx size %llu mode %o mtime %lld.%09u\n", (unsigned long long)sx.stx_size, sx.stx_mode, (long long)sx.stx_mtime.tv_sec, sx.stx_mtime.tv_nsec);

	CHECK(link("data", "hard") == 0 && stat("hard", &st) == 0);
	printf("links %d\n", (int)st.st_nlink);
	CHECK(symlink("hard", "soft") == 0 && lstat("soft", &st) == 0);
	char target[32];
	ssize_t length = readlink("soft", target, sizeof target);
	printf("symlink %d to %.*s\n", S_ISLNK(st.st_mode), (int)length, target);
	CHECK(rename("hard", "renamed") == 0);
	printf("dangling: %s\n", WHY(open("soft", O_RDONLY)));
	printf("loop: %s\n", (symlink("x1", "x2"), symlink("x2", "x1"), WHY(open("x1", O_RDONLY))));
	printf("renameat2: %s\n", WHY(renameat2(AT_FDCWD, "renamed", AT_FDCWD, "data", RENAME_NOREPLACE)));
	CHECK(unlink("renamed") == 0);
	printf("missing: %s\n", WHY(unlink("renamed")));
	printf("not a folder: %s\n", WHY(open("data/x", O_RDONLY)));
	printf("long name: %s\n", ({ char name[400]; memset(name, 'n', 399); name[399] = 0; WHY(open(name, O_RDONLY)); }));
	printf("bad descriptor: %s %s\n", WHY(read(999, back, 1)), WHY(close(999)));
	char *volatile nowhere = (char *)16;
	printf("bad pointer: %s\n", WHY(read(open("/dev/zero", O_RDONLY), nowhere, 10)));
	CHECK(access("data", R_OK) == 0);
	printf("access missing: %s\n", WHY(access("none", F_OK)));
	CHECK(mkfifo("fifo", 0600) == 0 && stat("fifo", &st) == 0);
	printf("fifo %d\n", S_ISFIFO(st.st_mode));
	struct statvfs vfs;
	CHECK(statvfs(".", &vfs) == 0 && vfs.f_bsize >= 512 && vfs.f_blocks > 0);
	CHECK(stat("/dev/null", &st) == 0);
	printf("/dev/null is device %d:%d, character %d\n", (int)(st.st_rdev >> 8 & 0xfff), (int)(st.st_rdev & 0xff), S_ISCHR(st.st_mode));
	sync();
	CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
	char name[] = "tempXXXXXX";
	int temporary = mkstemp(name);
	CHECK(temporary >= 0 && unlink(name) == 0);
	loff_t from = 0;
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && copy_file_range(fd, &from, temporary, 0, 5, 0) == 5);
	printf("copied %lld\n", (long long)lseek(temporary, 0, SEEK_END));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int walk(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	if (kind == FTW_D || kind == FTW_DP)
		printf("  %*s%s/\n", where->level, "", path + where->base);
	return 0;
}

void directories(int argc, char **argv)
{
	(void)argc, (void)argv;
	CHECK(mkdir("tree", 0755) == 0 && mkdir("tree/sub", 0700) == 0);
	printf("again: %s\n", WHY(mkdir("tree", 0755)));
	for (int i = 0; i < 300; i++) {
		char name[64];
		snprintf(name, sizeof name, "tree/a-file-with-a-rather-long-name-%03d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	DIR *dir = opendir("tree");
	CHECK(dir);
	char *names[400];
	int count = 0, folders = 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		names[count++] = strdup(entry->d_name);
		folders += entry->d_type == DT_DIR;
		CHECK(entry->d_ino != 0);
	}
	qsort(names, count, sizeof *names, by_name);
	printf("%d entries, %d folders, first %s %s %s, last %s\n", count, folders, names[0], names[1], names[2], names[count - 1]);
	rewinddir(dir);
	int again = 0;
	while (readdir(dir))
		again++;
	printf("again %d\n", again);
	struct stat st;
	CHECK(fstatat(dirfd(dir), "sub", &st, 0) == 0);
	printf("sub is a folder %d mode %o\n", S_ISDIR(st.st_mode), st.st_mode & 0777);
	closedir(dir);
	char here[4096], there[4096];
	CHECK(getcwd(here, sizeof here) && chdir("tree/sub") == 0 && getcwd(there, sizeof there));
	printf("%s\n", there + strlen(here));
	printf("short buffer: %s\n", (errno = 0, getcwd(there, 2)) ? "?" : strerrorname_np(errno));
	CHECK(chdir("../..") == 0);
	printf("not empty: %s\n", WHY(rmdir("tree")));
	char *real = realpath("tree/./sub/../sub", 0);
	CHECK(real);
	printf("real %s\n", real + strlen(here));
	glob_t found;
	CHECK(glob("tree/*-00[0-4]", 0, 0, &found) == 0);
	printf("glob %zu %s\n", found.gl_pathc, found.gl_pathv[4]);
	nftw("tree", walk, 8, FTW_PHYS);
	struct dirent **list;
	int n = scandir("tree", &list, 0, alphasort);
	printf("scandir %d\n", n);
	CHECK(chdir("/") == 0 && getcwd(here, sizeof here));
	printf("%s\n", here);
}

static uint64_t seed = 88172645463325252ull;
static uint32_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 16;
}

void malloc_(int argc, char **argv)
{
	(void)argc, (void)argv;
	enum { N = 2000 };
	static unsigned char *block[N];
	static unsigned size[N];
	for (int round = 0; round < 20000; round++) {
		int i = next_random() % N;
		for (unsigned b = 0; b < size[i]; b += 97)
			CHECK(block[i][b] == (unsigned char)(i + b));
		unsigned wanted = next_random() % (round % 100 == 0 ? 300000 : 2000);
		block[i] = realloc(block[i], wanted + 1);
		CHECK(block[i] && ((uintptr_t)block[i] & 7) == 0);
		size[i] = wanted;
		for (unsigned b = 0; b < wanted; b += 97)
			block[i][b] = i + b;
	}
	unsigned long total = 0;
	for (int i = 0; i < N; i++)
		total += size[i], free(block[i]);
	printf("total at the end %lu\n", total);
	char *zero = calloc(1000, 1000);
	for (int i = 0; i < 1000000; i++)
		CHECK(zero[i] == 0);
	free(zero);
	void *aligned;
	CHECK(posix_memalign(&aligned, 65536, 100) == 0 && ((uintptr_t)aligned & 65535) == 0);
	free(aligned);
	volatile size_t absurd = (size_t)-1 / 2;
	printf("absurd size: %s\n", (errno = 0, malloc(absurd)) ? "?" : strerrorname_np(errno));
	printf("done\n");
}

#define SHOW(expression) printf("%-28s %.14g\n", #expression, (double)(expression))
#define HEX(expression) printf("%-28s %a\n", #expression, (double)(expression))

void math(int argc, char **argv)
{
	(void)argc, (void)argv;
	volatile double x = 0.7, y = 2.3, big = 1e300, tiny = 1e-310;
	volatile float f = 0.7f, g = 2.3f;
	HEX(x + y), HEX(x - y), HEX(x * y), HEX(x / y), HEX(sqrt(y)), HEX(fma(x, y, -1.61));
	HEX(f + g), HEX(f * g), HEX(f / g), HEX(sqrtf(g)), HEX(fmaf(f, g, -1.61f));
	SHOW(sin(x)), SHOW(cos(x)), SHOW(tan(x)), SHOW(asin(x)), SHOW(acos(x)), SHOW(atan(x)), SHOW(atan2(x, -y));
	SHOW(exp(x)), SHOW(log(x)), SHOW(pow(x, y)), SHOW(exp2(x)), SHOW(log2(y)), SHOW(log10(y)), SHOW(expm1(x)), SHOW(log1p(x));
	SHOW(sinh(x)), SHOW(cosh(x)), SHOW(tanh(x)), SHOW(asinh(x)), SHOW(acosh(y)), SHOW(atanh(x));
	SHOW(cbrt(y)), SHOW(hypot(x, y)), SHOW(erf(x)), SHOW(erfc(x)), SHOW(tgamma(y)), SHOW(lgamma(y)), SHOW(j0(x)), SHOW(y1(x));
	SHOW(floor(-x)), SHOW(ceil(-x)), SHOW(trunc(-y)), SHOW(round(2.5 * x / x)), SHOW(rint(2.5 * x / x)), SHOW(nearbyint(3.5 * x / x));
	printf("lround %ld llrint %lld lrintf %ld\n", lround(-2.5 * x / x), llrint(1e15 * x), lrintf(f * 100));
	HEX(fmod(y, x)), HEX(remainder(y, x)), HEX(ldexp(x, 10)), HEX(scalbn(x, -1060)), HEX(logb(y)), HEX(nextafter(x, 2));
	int exponent, quotient;
	double part;
	HEX(frexp(y, &exponent)), HEX(modf(-y, &part)), HEX(remquo(17.5 * x, x, &quotient));
	printf("%d %g %d\n", exponent, part, quotient & 7);
	HEX(fmin(x, NAN)), HEX(fmax(NAN, y)), HEX(fdim(y, x)), HEX(copysign(x, -0.0)), HEX(big * big), HEX(tiny / 3), HEX(tiny * tiny), HEX(-tiny * tiny);
	printf("classes %d %d %d %d\n", fpclassify(tiny) == FP_SUBNORMAL, isnan(big * big - big * big), isinf(-big * big) != 0, signbit(-0.0) != 0);
	printf("compare %d %d %d %d %d\n", x < y, isless(x, NAN), x == x, NAN == NAN * x, isunordered(x, NAN));
	printf("convert %d %u %lld %llu %g %g %g\n", (int)-y, (unsigned)y, (long long)(y * 1e17), (unsigned long long)(y * 5e18), (double)(int64_t)-123456789012345678ll,
	       (double)(uint64_t)0xfffffffffffff800ull, (double)(float)0xffffff7f);
	double complex z = csqrt(-1.0 + x * I);
	printf("csqrt %.14g %.14g\n", creal(z), cimag(z));
	SHOW(sinl(x)), SHOW((long double)x * y);
	double sum = 0;
	for (int i = 1; i <= 10000; i++)
		sum += sin(i) * exp(-i / 1000.0) / i;
	SHOW(sum);
	/* nbody-like: long chains of rounded operations in which one wrong last bit would grow. */
	double a = 0.4, b = 0.3;
	for (int i = 0; i < 1000; i++) {
		double t = 3.9 * a * (1 - a) + b * 1e-3;
		b = 0.99 * b + sqrt(a) / 7;
		a = t - floor(t);
	}
	HEX(a), HEX(b);
}

static void print_flags(const char *what)
{
	int raised = fetestexcept(FE_ALL_EXCEPT);
	printf("%-24s%s%s%s%s%s\n", what, raised & FE_INVALID ? " invalid" : "", raised & FE_DIVBYZERO ? " divide" : "", raised & FE_OVERFLOW ? " overflow" : "",
	       raised & FE_UNDERFLOW ? " underflow" : "", raised & FE_INEXACT ? " inexact" : "");
	feclearexcept(FE_ALL_EXCEPT);
}

static uint64_t bits(double value)
{
	uint64_t result;
	memcpy(&result, &value, 8);
	return result;
}

#pragma GCC push_options
#pragma GCC optimize("rounding-math", "trapping-math")
void rounding(int argc, char **argv)
{
	(void)argc, (void)argv;
	static const struct { int mode; const char *name; } modes[] = {
		{FE_TONEAREST, "nearest"}, {FE_TOWARDZERO, "zero"}, {FE_UPWARD, "up"}, {FE_DOWNWARD, "down"}};
	volatile double one = 1, three = 3, ten = 10, zero = 0, huge_ = DBL_MAX, tiny = DBL_MIN, half = 2.5, m = -1;
	volatile float fone = 1, fthree = 3;
	for (int i = 0; i < 4; i++) {
		CHECK(fesetround(modes[i].mode) == 0 && fegetround() == modes[i].mode);
		double third = one / three, minus = m / three, root = sqrt(three), up = huge_ * ten, r = rint(half), n = rint(-half), sum = one + 1e-20;
		float fthird = fone / fthree, narrow = (float)(one / ten);
		long whole = lrint(half);
		fesetround(FE_TONEAREST);
		printf("%-8s %a %a %a %g %g %g %a %a %a %ld\n", modes[i].name, third, minus, root, up, r, n, sum, fthird, narrow, whole);
	}
	feclearexcept(FE_ALL_EXCEPT);
	volatile double result;
	result = one / three, print_flags("1/3");
	result = one / zero, print_flags("1/0");
	result = zero / zero, print_flags("0/0");
	result = huge_ * ten, print_flags("max*10");
	result = tiny / three, print_flags("min/3");
	result = tiny / 4, print_flags("min/4, exact");
	result = sqrt(m), print_flags("sqrt(-1)");
	result = (double)(int)1e6, print_flags("to int, exact");
	volatile int whole = (int)(half * 1e10);
	print_flags("to int, too large");
	result = half - half, print_flags("exact");
	volatile int less = (one < (double)NAN);
	print_flags("ordered with NaN");
	volatile int equal = (one == (double)NAN);
	print_flags("equal with NaN");
	(void)result, (void)whole, (void)less, (void)equal;
	/* Flags stay until they are cleared, and can be set and saved. */
	feraiseexcept(FE_INEXACT | FE_DIVBYZERO);
	fenv_t saved;
	feholdexcept(&saved);
	print_flags("held");
	feupdateenv(&saved);
	print_flags("restored");
	/* NaN: which operand's payload survives, and with which sign. */
	volatile double quiet = NAN, payload;
	uint64_t raw = 0x7ff8000000001234ull;
#ifdef __mips__
	raw = 0x7ff0000000001234ull | 1ull << 50; /* the quiet bit means the opposite here */
	raw &= ~(1ull << 51);
#endif
	memcpy((void *)&payload, &raw, 8);
	printf("nan %d %llx %llx %llx %llx %llx\n", isnan(quiet), (long long)bits(zero / zero), (long long)bits(payload + one), (long long)bits(one + payload),
	       (long long)bits(-payload), (long long)bits(payload * -one));
	printf("inf-inf %llx sqrt(-1) %llx narrow %g\n", (long long)bits(one / zero - one / zero), (long long)bits(sqrt(m)), (double)(float)huge_);
}
#pragma GCC pop_options

static jmp_buf jump;
static int depth;

static void deeper(int level, volatile double *kept)
{
	char fill[200];
	memset(fill, level, sizeof fill);
	*kept += fill[3];
	if (level == 0)
		longjmp(jump, ++depth);
	deeper(level - 1, kept);
	*kept += fill[5];
}

void setjmp_(int argc, char **argv)
{
	(void)argc, (void)argv;
	volatile double kept = 0.5;
	double callee_saved = strtod("3.25", 0);
	int value = setjmp(jump);
	printf("setjmp gave %d, kept %g\n", value, kept);
	if (value < 5)
		deeper(value * 3, &kept);
	printf("%g\n", callee_saved);
	value = setjmp(jump);
	if (!value)
		longjmp(jump, 0);
	printf("longjmp of 0 gives %d\n", value);
	sigjmp_buf with_mask;
	sigset_t set, now;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigsetjmp(with_mask, 1) == 0) {
		sigprocmask(SIG_BLOCK, &set, 0);
		siglongjmp(with_mask, 1);
	}
	sigprocmask(SIG_BLOCK, 0, &now);
	printf("mask restored %d\n", !sigismember(&now, SIGUSR1));
}

static unsigned long comparisons;
static int by_value(const void *a, const void *b)
{
	comparisons++;
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return x < y ? -1 : x > y;
}
static int with_context(const void *a, const void *b, void *context)
{
	return *(int *)context * by_value(a, b);
}
static void visit(const void *node, VISIT order, int level)
{
	static int shown;
	(void)level;
	if ((order == postorder || order == leaf) && shown++ < 5)
		printf(" %u", **(unsigned *const *)node);
}

void qsort_(int argc, char **argv)
{
	(void)argc, (void)argv;
	enum { N = 20000 };
	static unsigned value[N];
	for (int i = 0; i < N; i++)
		value[i] = next_random();
	qsort(value, N, sizeof *value, by_value);
	for (int i = 1; i < N; i++)
		CHECK(value[i - 1] <= value[i]);
	printf("%u %u %u, %lu comparisons\n", value[0], value[N / 2], value[N - 1], comparisons);
	int down = -1;
	qsort_r(value, N, sizeof *value, with_context, &down);
	for (int i = 1; i < N; i++)
		CHECK(value[i - 1] >= value[i]);
	qsort(value, N, sizeof *value, by_value);
	unsigned key = value[777];
	unsigned *found = bsearch(&key, value, N, sizeof *value, by_value);
	printf("found %d\n", found && *found == key);
	void *root = 0;
	for (int i = 0; i < 200; i++)
		tsearch(&value[(i * 37) % 200], &root, by_value);
	twalk(root, visit);
	printf("\n");
}

void time_(int argc, char **argv)
{
	(void)argc, (void)argv;
	time_t moment = 1234567890;
	struct tm parts;
	char text[100];
	gmtime_r(&moment, &parts);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %b %j %U", &parts);
	printf("%s\n", text);
	printf("back %lld\n", (long long)timegm(&parts));
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	moment = 1720000000;
	localtime_r(&moment, &parts);
	strftime(text, sizeof text, "%F %T %Z", &parts);
	printf("%s, mktime agrees %d\n", text, mktime(&parts) == moment);

	struct timespec a, b, resolution;
	static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE};
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		CHECK(clock_gettime(clocks[i], &a) == 0 && clock_gettime(clocks[i], &b) == 0);
		CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
		CHECK(a.tv_nsec >= 0 && a.tv_nsec < 1000000000);
		CHECK(clock_getres(clocks[i], &resolution) == 0 && resolution.tv_sec == 0);
	}
	printf("clocks go forward\n");
	struct timeval tv;
	CHECK(gettimeofday(&tv, 0) == 0 && llabs((long long)tv.tv_sec - time(0)) <= 1 && tv.tv_usec < 1000000);
	clock_gettime(CLOCK_MONOTONIC, &a);
	struct timespec nap = {0, 20000000};
	CHECK(nanosleep(&nap, 0) == 0);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, 0) == 0);
	usleep(5000);
	clock_gettime(CLOCK_MONOTONIC, &b);
	long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	printf("slept enough %d and not for ever %d\n", ms >= 45, ms < 20000);
	b.tv_sec -= 1;
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b, 0) == 0);
	nap.tv_nsec = 1000000000;
	printf("bad nanoseconds: %s\n", WHY(nanosleep(&nap, 0)));
	printf("bad clock: %s\n", WHY(clock_gettime(77, &a)));
	clock_t begin = clock();
	while (clock() - begin < CLOCKS_PER_SEC / 100)
		;
	printf("processor time passes\n");
}

void strings(int argc, char **argv)
{
	(void)argc, (void)argv;
	/* Every length and alignment against a byte loop: the C library's own are vector code. */
	static char a[600], b[600];
	unsigned sum = 0;
	for (int from = 0; from < 20; from++)
		for (int length = 0; length < 140; length++) {
			for (int i = 0; i < 600; i++)
				a[i] = 'A' + (i * 7 + from) % 50, b[i] = '.';
			a[from + length] = 0;
			CHECK(strlen(a + from) == (size_t)length);
			memcpy(b + 64 + (length & 15), a + from, length + 1);
			CHECK(strcmp(b + 64 + (length & 15), a + from) == 0);
			CHECK(b[63 + (length & 15)] == '.' && b[65 + (length & 15) + length] == '.');
			CHECK(memchr(a + from, 0, 300) == a + from + length);
			CHECK(strchr(a + from, 0) == a + from + length && strrchr(a + from, 1) == 0);
			memmove(a + from + 3, a + from, length);
			CHECK(memcmp(a + from + 3, b + 64 + (length & 15), length) == 0);
			memset(b + 30, length, length);
			for (int i = 0; i < length; i++)
				CHECK(b[30 + i] == (char)length);
			for (int i = 0; i < 200; i++)
				sum = sum * 31 + (unsigned char)a[i] + (unsigned char)b[i];
		}
	printf("sum %u\n", sum);
	printf("%d %d %d\n", strcmp("abc", "abd") < 0, strncmp("abcdef", "abcxyz", 3), strcasecmp("HeLLo", "hEllO"));
	printf("%s %s %zu %zu\n", strstr("needle in haystack", "in"), strpbrk("hello", "xyzl"), strspn("aabbcc", "ab"), strcspn("aabbcc", "c"));
	char list[] = "one,two;three";
	for (char *save, *word = strtok_r(list, ",;", &save); word; word = strtok_r(0, ",;", &save))
		printf("[%s]", word);
	printf("\n%s %s\n", strerror(ENOENT), strsignal(SIGSEGV));
	regex_t expression;
	regmatch_t match[3];
	CHECK(regcomp(&expression, "([a-z]+)=([0-9]+)", REG_EXTENDED) == 0);
	CHECK(regexec(&expression, "  width=640;", 3, match, 0) == 0);
	printf("regex %d %d %d\n", (int)match[0].rm_so, (int)match[1].rm_eo, (int)match[2].rm_so);
	printf("%d %d %c\n", isalpha('x') != 0, isdigit('x') != 0, toupper('q'));
	wchar_t wide[20];
	printf("%zu ", mbstowcs(wide, "wide text", 20));
	printf("%zu\n", wcslen(wide));
}

void environment(int argc, char **argv)
{
	extern char **environ;
	printf("argc %d argv[0] %s\n", argc, argv[0]);
	printf("GUEST_ONE %s GUEST_TWO %s\n", getenv("GUEST_ONE"), getenv("GUEST_TWO"));
	setenv("NEW", "value", 1);
	putenv("PUT=x");
	unsetenv("GUEST_ONE");
	printf("%s %s %d\n", getenv("NEW"), getenv("PUT"), getenv("GUEST_ONE") == 0);
	int count = 0;
	for (char **e = environ; *e; e++)
		count++;
	printf("%d variables\n", count);
	printf("page size %ld, clock ticks %ld, open files at least 20 %d, processors at least 1 %d\n", sysconf(_SC_PAGESIZE), sysconf(_SC_CLK_TCK),
	       sysconf(_SC_OPEN_MAX) >= 20, sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	char buffer[300];
	CHECK(gethostname(buffer, sizeof buffer) == 0 && buffer[0]);
	CHECK(confstr(_CS_PATH, buffer, sizeof buffer));
	printf("%s\n", buffer);
	unsigned char noise[16] = {0}, any = 0;
	CHECK(getentropy(noise, 16) == 0);
	for (int i = 0; i < 16; i++)
		any |= noise[i];
	printf("entropy %d\n", any != 0);
}
