# Threads, and a `next` over a loop, in tests/guests/debug/session.c. What must be seen stands in threads.gdb.expect.
echo ## names\n
handle SIGUSR1 SIGSEGV nostop noprint pass
break all_run
continue
info threads
echo ## each thread's own registers and frames\n
thread apply all -q printf "sp of thread %d is 0x%lx\n", $_thread, (unsigned long)$sp
thread apply all -s -q frame apply all -s -q print number
thread apply 3 backtrace -3
thread apply all -q print mine
thread apply 2 -q print &mine == 0
echo ## a breakpoint in a thread\n
set var hold = 1
delete
break tick thread 3
continue
info breakpoints
print worker->name
continue
print worker->name
echo ## one thread is stepped and the others stay\n
delete
set scheduler-locking on
set var $other = workers[0].ticks
set var $own = workers[1].ticks
next
next
next
next
stepi
printf "own steps %d, the other's %d\n", workers[1].ticks - $own, workers[0].ticks - $other
echo ## another thread in its turn\n
thread 2
tbreak tick
continue
print worker->name
printf "thread 3 went on by %d\n", workers[1].ticks - $own
echo ## all threads run\n
set scheduler-locking off
thread 3
set var $other = workers[0].ticks
tbreak tick thread 3
continue
next
next
next
set var $turns = 0
while workers[0].ticks == $other && $turns < 1000
next
set var $turns = $turns + 1
end
printf "the other one steps too: %d\n", workers[0].ticks != $other
echo ## next over a loop\n
set var hold = 0
delete
tbreak add_up
continue
next
next_over_loop
next
finish
echo ## to the end\n
continue
