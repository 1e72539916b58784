# gdb without a file: what it knows of tests/guests/debug/session.c it has from the server. What must be seen stands in
# libraries.gdb.expect. The driver defines `reconnect`.
handle SIGUSR1 SIGSEGV nostop noprint pass
echo ## the executable\n
info inferiors
info symbol compare
list compare
echo ## libraries, and a backtrace through one\n
break compare
continue
info sharedlibrary
backtrace
info symbol qsort
echo ## a text in the guest's memory\n
delete
print length("four")
echo ## the process\n
info proc
info proc mappings
info proc stat
info proc status
echo ## auxv\n
info auxv
echo ## leaving and coming back\n
set var hold = 1
detach
info threads
reconnect
info sharedlibrary
print hold
set var hold = 0
echo ## to the end\n
continue
