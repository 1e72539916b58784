# The prompt's commands from gdb, in tests/guests/debug/session.c. What must be seen stands in monitor.gdb.expect.
tbreak take_signals
continue
echo ## help\n
monitor help
monitor help x
echo ## where it is\n
monitor info threads
monitor backtrace
monitor info registers pc
monitor x/2i $pc
monitor list compare
monitor info locals
echo ## what it has\n
monitor print numbers[7]
monitor print workers[1]
monitor info mappings
monitor info auxv
monitor info files
monitor info sharedlibrary
monitor info signals SIGSEGV
echo ## what only an emulator knows\n
monitor calls 3
monitor stats
monitor unimplemented
monitor trace on rt_sigaction
echo ## what it refuses\n
monitor continue
monitor nonsense
echo ## to the end\n
handle SIGUSR1 SIGSEGV nostop noprint pass
continue
