#!/bin/bash
# Looks at core files with what users have: gdb-multiarch, lldb and eu-readelf, at the file itself and, with the debuggers,
# through `emu --core -g`. One line a check on standard output: "ok NAME", "FAILED NAME" (followed by why) or "SKIPPED NAME".
# lldb reads no core of MIPS: it has no register context for it and ends with a fault of its own (seen with 19 and 22).
# EMU names the emulator; a tool that is missing is a failure where CI is set, and is skipped elsewhere.
set -uo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
emu=$(realpath "${EMU:-$target/release/emu}")
lldb=$(compgen -c lldb- | grep -xE 'lldb-[0-9]+' | sort -t- -k2 -n | tail -n 1)
lldb=${lldb:-lldb}
work=$(mktemp -d "$target/cores.XXXXXX")
child=
finish() {
	[ -z "$child" ] || kill "$child" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
failed=0

# NAME TOOL: whether the tool is there.
have() {
	command -v "$2" >/dev/null && return 0
	if [ -n "${CI:-}" ]; then
		echo "FAILED $1: no $2; tests/install.sh installs it"
		failed=1
	else
		echo "SKIPPED $1: no $2; tests/install.sh installs it"
	fi
	return 1
}

# NAME PATTERNS...: every pattern, in order, each on a line of $work/log after the one before.
check() {
	local name=$1 line=0 pattern found
	shift
	for pattern in "$@"; do
		found=$(tail -n +$((line + 1)) "$work/log" | grep -n -m1 -E -e "$pattern" | cut -d: -f1)
		if [ -z "$found" ]; then
			echo "FAILED $name"
			echo "  not found after line $line: $pattern"
			sed 's/^/  | /' "$work/log" | tail -n 40
			failed=1
			return
		fi
		line=$((line + found))
	done
	echo "ok $name"
}

# GUEST SOCKET: serves the core of that guest until a debugger ends its session.
serve() {
	timeout 120 "$emu" --core "$work/core.$1" -g "$2" >"$work/err" 2>&1 </dev/null &
	child=$!
	for _ in $(seq 200); do
		[ -S "$2" ] && return
		sleep 0.05
	done
}

gdb_commands=(-ex 'info threads' -ex 'thread apply all backtrace' -ex 'thread 1' -ex 'x/i $pc'
	-ex 'print $_siginfo.si_signo' -ex 'print $_siginfo._sifields._sigfault.si_addr' -ex 'info proc mappings'
	-ex 'info auxv' -ex 'up' -ex 'print factor')

gdb() { # GUEST ARGUMENTS...: writes $work/log
	local guest=$1
	shift
	timeout 120 gdb-multiarch -nx -batch -ex 'set width 0' -ex 'set confirm off' -ex 'set pagination off' \
		-ex "file examples/bin/$guest/crash" "$@" >"$work/log" 2>&1
}

for guest in aarch64 mips; do
	"$emu" --core-file "$work/core.$guest" "examples/bin/$guest/crash" >/dev/null 2>&1
	[ "$guest" = aarch64 ] && insn='ldr.*w0, \[x0\]' fp='print $d0' value='f = 2.5'
	[ "$guest" = mips ] && insn='lw.*v0,0\(v0\)' fp='info registers f0' value='dbl: 2.5'
	# Threads that wait are told of after the one that was hit, or before.
	frames=('pause' 'wait_for_ever \(name=' 'Thread 1 ' '#0 .*sum \(list=0x0, count=3\) at examples/crash.c:2[0-9]'
		'#1 .*average \(list=0x[0-9a-f]+, count=3, scale=1.25\)' '#2 .*main' "$insn" '= 11$' '= .*0x0$'
		'examples/bin/.*/crash' 'AT_ENTRY' '#1 .*average' '= 2.5$' "$value")
	if have "gdb-core-$guest" gdb-multiarch; then
		gdb "$guest" -ex "core-file $work/core.$guest" "${gdb_commands[@]}" -ex "$fp"
		check "gdb-core-$guest" 'terminated with signal SIGSEGV' 'sum \(list=0x0' "${frames[@]}"
	fi
	if have "gdb-served-core-$guest" gdb-multiarch; then
		serve "$guest" "$work/s"
		gdb "$guest" -ex "target remote $work/s" "${gdb_commands[@]}" -ex "$fp" -ex 'stepi' -ex 'kill'
		check "gdb-served-core-$guest" 'sum \(list=0x0' "${frames[@]}" 'a core file cannot run' 'SIGSEGV'
		wait "$child" 2>/dev/null
		child=
	fi
	if have "eu-readelf-core-$guest" eu-readelf; then
		eu-readelf -n "$work/core.$guest" >"$work/log" 2>&1
		check "eu-readelf-core-$guest" 'CORE .*PRSTATUS' 'PRPSINFO' 'SIGINFO' 'si_signo: 11' 'AUXV' 'ENTRY: 0x' \
			'FILE' 'bin/.*/crash' 'FPREGSET' 'LINUX' 'CORE .*PRSTATUS' 'CORE .*PRSTATUS'
	fi
done

lldb_frames=('stop reason = .*SIGSEGV' 'thread #2' 'frame #0: .*sum\(list=0x0+, count=3\) at crash.c'
	'frame #1: .*average\(list=0x[0-9a-f]+, count=3, scale=1.25\)' 'frame #2: .*main' 'wait_for_ever'
	'v0 = \{0x00 0x00 0x00 0x00 0x00 0x00 0x04 0x40' 'total = 3')
lldb_commands=(-o 'thread list' -o 'bt all' -o 'register read v0' -o 'frame variable')
if have lldb-core-aarch64 "$lldb"; then
	timeout 120 "$lldb" --no-lldbinit --batch -o "target create examples/bin/aarch64/crash -c $work/core.aarch64" \
		"${lldb_commands[@]}" >"$work/log" 2>&1
	check lldb-core-aarch64 "${lldb_frames[@]}"
fi
if have lldb-served-core-aarch64 "$lldb"; then
	serve aarch64 "$work/s2"
	timeout 120 "$lldb" --no-lldbinit --batch -o "target create examples/bin/aarch64/crash" \
		-o "process connect unix-connect://$(realpath "$work/s2")" "${lldb_commands[@]}" -o 'process kill' >"$work/log" 2>&1
	check lldb-served-core-aarch64 "${lldb_frames[@]}"
	kill "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	child=
fi

# FreeBSD's: Debian's gdb knows none of its cores; one that is built with --enable-targets=all does.
crew=tests/guests/bin/freebsd-aarch64/crew
freebsd_frames=('stop reason = signal SIGSEGV' "thread #2: .*name = 'worker'" 'frame #0: .*first\(list=0x0+, count=3\) at crew.c'
	'frame #1: .*guest_main' 'frame #3: .*_start' 'frame #1: .*work\(')
if have lldb-core-freebsd-aarch64 "$lldb"; then
	"$emu" --core-file "$work/core.freebsd-aarch64" "$crew" null >/dev/null 2>&1
	timeout 120 "$lldb" --no-lldbinit --batch -o "target create $crew -c $work/core.freebsd-aarch64" \
		-o 'thread list' -o 'bt all' -o 'register read x0 v0 fpcr' >"$work/log" 2>&1
	check lldb-core-freebsd-aarch64 "${freebsd_frames[@]}" 'x0 = 0x0+$' 'v0 = \{0x' 'fpcr = '
fi
if have lldb-served-core-freebsd-aarch64 "$lldb"; then
	serve freebsd-aarch64 "$work/s3"
	timeout 120 "$lldb" --no-lldbinit --batch -o "target create $crew" \
		-o "process connect unix-connect://$(realpath "$work/s3")" -o 'thread list' -o 'bt all' -o 'process kill' >"$work/log" 2>&1
	check lldb-served-core-freebsd-aarch64 "${freebsd_frames[@]}"
	kill "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	child=
fi
if have eu-readelf-core-freebsd-aarch64 eu-readelf; then
	eu-readelf -n "$work/core.freebsd-aarch64" >"$work/log" 2>&1
	check eu-readelf-core-freebsd-aarch64 'FreeBSD .* 120 ' 'FreeBSD .* 320 ' 'FreeBSD .* 528 ' 'FreeBSD .* 24 ' 'FreeBSD .* 164 '
fi
exit $failed
