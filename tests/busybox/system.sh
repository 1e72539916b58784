# What a shell user asks the system.
ps -o pid,comm > list; head -n 1 list; [ "$(wc -l < list)" -gt 1 ] && echo processes
[ "$(id -u)" = "$(awk '/^Uid/ {print $2}' /proc/self/status)" ] && echo uid
uname -s; hostname > /dev/null && echo hostname; [ "$(nproc)" -ge 1 ] && echo nproc; free | awk 'NR == 2 {print ($2 > 0)}'
test "$(pwd)" = "$(readlink /proc/self/cwd)" && echo cwd; ulimit -n > /dev/null && echo ulimit
echo $PPID | grep -q '^[0-9][0-9]*$' && echo ppid; kill -l 9; umask; umask 077; touch private; stat -c %a private
sleep 0.05; usleep 1000; date +%Y | grep -c '^20'; [ "$(date +%s)" -gt 1700000000 ] && echo clock
uptime > /dev/null && echo uptime; which sh > /dev/null; echo "tty: $(tty)"
ls /proc/self/fd | wc -l | awk '{print ($1 >= 3)}'; cat /proc/self/comm > /dev/null && echo comm; readlink /proc/self/exe | sed 's|.*/||'
env -i A=b env; mount > /dev/null 2>&1; dmesg > /dev/null 2>&1; echo done
