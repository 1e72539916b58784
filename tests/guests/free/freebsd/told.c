/* Asks the kernel for structures of every kind, for the trace of what it tells and of what is asked (tests/strace.rs). */
#include "check.h"

enum { KERN_PROC = 14, PROC_PID = 1, PROC_ARGS = 7, PROC_VMMAP = 32, PROC_FILEDESC = 33, PROC_AUXV = 36, PROC_RLIMIT = 37 };

static char value[1 << 22] __attribute__((aligned(8)));

static void tell(int *mib, u32 count, size_t room)
{
	size_t len = room;
	SYS(__sysctl, mib, count, value, &len, 0, 0);
}

static void tell_name(const char *name, size_t room)
{
	size_t len = room;
	SYS(__sysctlbyname, name, strlen(name), value, &len, 0, 0);
}

static void sysctls(void)
{
	int self = SYS(getpid);
	const int of_process[] = {PROC_PID, PROC_ARGS, PROC_VMMAP, PROC_FILEDESC, PROC_AUXV};
	for (size_t n = 0; n < sizeof of_process / sizeof *of_process; n++) {
		int mib[] = {1, KERN_PROC, of_process[n], self};
		tell(mib, 4, sizeof value);
	}
	int limit[] = {1, KERN_PROC, PROC_RLIMIT, self, 8};
	tell(limit, 5, sizeof value);
	/* A size, too little room, a length that says more than there is. */
	int mib[] = {1, KERN_PROC, PROC_PID, self};
	size_t len = 0;
	SYS(__sysctl, mib, 4, 0, &len, 0, 0);
	tell(mib, 4, 100);
	tell(mib, 4, (size_t)-1);
	SYS(__sysctl, mib, 4, 16, 24, 0, 0);
	/* Interfaces: their list, and its longer form. */
	int interfaces[] = {4, 17, 0, 0, 3, 0};
	tell(interfaces, 6, sizeof value);
	interfaces[4] = 5;
	tell(interfaces, 6, sizeof value);
	tell_name("kern.clockrate", 64);
	tell_name("vm.loadavg", 64);
	tell_name("vm.vmtotal", 256);
	tell_name("kern.boottime", 64);
	tell_name("net.inet.ip.stats", 1024);
	tell_name("net.inet.udp.pcblist", sizeof value);
	tell_name("net.local.stream.pcblist", sizeof value);
}

static void requests(void)
{
	int s = SYS(socket, 2, 2, 0);
	/* struct ifreq */
	char request[32] = "lo";
	SYS(ioctl, s, 0xc0206921, request);
	SYS(ioctl, s, 0xc0206911, request);
	SYS(ioctl, s, 0xc0206933, request);
	/* SIOCSIFMTU and SIOCSIFADDR, which are not carried out; what no header has. */
	*(int *)(request + 16) = 1400;
	SYS(ioctl, s, 0x80206934, request);
	const unsigned char address[] = {16, 2, 0, 0, 192, 0, 2, 7};
	memcpy(request + 16, address, sizeof address);
	SYS(ioctl, s, 0x8020690c, request);
	SYS(ioctl, s, 0x80047a63, "abcd");
	/* BIOCSBLEN, DIOCGATTR */
	u32 number = 4096;
	SYS(ioctl, s, 0xc0044266, &number);
	/* Options that no header has. */
	u32 len = sizeof number;
	SYS(setsockopt, s, 6, 0x777, &number, sizeof number);
	SYS(getsockopt, s, 0xffff, 0x1234, &number, &len);
	SYS(close, s);
}

static void calls(void)
{
	unsigned long cmds[] = {0x4004667f, 0x8004667e};
	SYS(kenv, 1, "told", "value", 6);
	SYS(kenv, 0, "told", value, 64);
	SYS(getfsstat, value, sizeof value, 2);
	SYS(pathconf, "/", 4);
	SYS(minherit, 0, 0, 3);
	SYS(rfork, 0x20000000);
	SYS(getrandom, value, 0, 1);
	SYS(cap_ioctls_limit, 0, cmds, 2);
	SYS(cap_ioctls_get, 0, cmds, 2);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	sysctls();
	requests();
	calls();
	print("all is asked\n");
	return 0;
}
