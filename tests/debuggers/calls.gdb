# System calls and signals whose course the debugger changes, in tests/guests/debug/session.c. What must be seen stands in
# calls.gdb.expect, what the guest makes of it in calls.gdb.out.expect. GUEST.gdb names registers and numbers.
tbreak make_calls
continue
echo ## a call by number, and an argument changed at its entry\n
catch_write_by_number
continue
backtrace -1
set_third_argument 5
continue
delete
finish
next
print written
echo ## a call by name, and its result changed\n
catch syscall getppid
continue
continue
set_int_result 4711
info breakpoints
delete
echo ## every call\n
tbreak take_signals
continue
catch syscall
continue
delete
echo ## siginfo, read and written\n
handle SIGUSR1 stop print pass
continue
print $_siginfo.si_signo
print $_siginfo._sifields._rt.si_sigval.sival_int
set var $_siginfo._sifields._rt.si_sigval.sival_int = 77
print $_siginfo._sifields._rt.si_sigval.sival_int
echo ## a fault\n
continue
info symbol $pc
print $_siginfo.si_signo
print $_siginfo.si_code
print $_siginfo._sifields._sigfault.si_addr
set var $_siginfo._sifields._sigfault.si_addr = (void *)0x4560
echo ## to the end\n
continue
