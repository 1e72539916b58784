#!/bin/bash
# Debugs examples/tour and the programs of tests/guests/debug with gdb-multiarch and lldb, as a user would, over `emu -g`, and checks what the debuggers and the
# guest print. One line a session on standard output: "ok NAME", "FAILED NAME" (followed by why) or "SKIPPED NAME".
# With names as arguments (gdb-aarch64, gdb-mips, gdb-socket, lldb-aarch64, lldb-mips, lldb-platform-aarch64, gdb-watch-mips, gdb-threads-mips ...): only those sessions.
# EMU names the emulator; a tool that is missing is a failure where CI is set, and is skipped elsewhere.
set -uo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
emu=${EMU:-$target/release/emu}
# The newest, as tests/install.sh does.
lldb=$(compgen -c lldb | grep -E '^lldb(-[0-9]+)?$' | sort -Vu | tail -n 1)
work=$(mktemp -d "$target/debuggers.XXXXXX")
child=
finish() {
	[ -z "$child" ] || kill "$child" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
wanted=" $* "
failed=0

missing() { # NAME WHAT
	if [ -n "${CI:-}" ]; then
		echo "FAILED $1: no $2; tests/install.sh installs it"
		failed=1
	else
		echo "SKIPPED $1: no $2; tests/install.sh installs it"
	fi
}

# FILE PATTERNS...: every pattern, in order, each on a line after the one before. Prints the first that is missing.
check_order() {
	local file=$1 line=0 pattern found
	shift
	while IFS= read -r pattern; do
		[[ -z "$pattern" || "$pattern" == \#\ * ]] && continue
		found=$(tail -n +$((line + 1)) "$file" | grep -n -m1 -E -e "$pattern" | cut -d: -f1)
		if [ -z "$found" ]; then
			echo "  not found after line $line: $pattern"
			return 1
		fi
		line=$((line + found))
	done < <(cat "$@")
}

# Starts emu with program $2, and its libraries below $3, waiting for a debugger at $1, with the guest's output in $work/out.
# Ready when it listens.
start() {
	"$emu" -L "$3" -g "$1" "$2" >"$work/out" 2>"$work/err" </dev/null &
	child=$!
	local hex
	hex=$(printf ':%04X 00000000:0000 0A' "$1" 2>/dev/null) || hex=
	for _ in $(seq 100); do
		if [ -S "$1" ] || { [ -n "$hex" ] && grep -qs "$hex" /proc/net/tcp; }; then return 0; fi
		kill -0 "$child" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

session() { # NAME TOOL GUEST ADDRESS [SCRIPT PROGRAM STATUS]
	local name=$1 tool=$2 guest=$3 address=$4 kind=${1%%-*} status remote=$4
	local script=${5:-tour} program=${6:-examples/bin/$3/tour} expected=${7:-10}
	local sysroot=/usr/$guest-linux-gnu dynamic=tests/guests/bin/$guest/session
	[[ "$address" == */* ]] || remote=127.0.0.1:$address
	[[ "$wanted" == "  " || "$wanted" == *" $name "* ]] || return
	if [ -z "$tool" ] || ! command -v "$tool" >/dev/null; then
		missing "$name" "$kind"
		return
	fi
	if [ "$program" = "$dynamic" ] && [ ! -e "$sysroot/lib/libc.so.6" ]; then
		missing "$name" "$sysroot/lib/libc.so.6"
		return
	fi
	if ! start "$address" "$program" "$sysroot"; then
		echo "FAILED $name: emu did not listen"
		sed 's/^/  emu: /' "$work/err" | head -n 5
		kill "$child" 2>/dev/null
		failed=1
		return
	fi
	if [ "$kind" = gdb ]; then
		# The session about libraries is that of a gdb which was given no file.
		local file=(-ex "file $program")
		[ "$script" != libraries ] || file=()
		printf 'define reconnect\ntarget remote %s\nend\n' "$remote" >"$work/reconnect"
		timeout 120 "$tool" -nx -batch -ex 'set width 0' -ex 'set confirm off' -ex 'set pagination off' \
			-x "tests/debuggers/$guest.gdb" -x "$work/reconnect" "${file[@]}" -ex "target remote $remote" \
			-x "tests/debuggers/$script.gdb" >"$work/log" 2>&1
	else
		local before=() end=()
		[[ "$script" != tour && "$script" != libraries ]] || before=(-s "tests/debuggers/$guest.lldb")
		[ "$script" != tour ] || end=(-s "tests/debuggers/$guest-end.lldb")
		timeout 120 "$tool" --no-lldbinit --batch "${before[@]}" -o "target create $program" -o "gdb-remote $remote" \
			-s "tests/debuggers/$script.lldb" "${end[@]}" >"$work/log" 2>&1
	fi
	# The guest ran to its end under the debugger, so emu must be gone soon, with the guest's status.
	for _ in $(seq 40); do
		kill -0 "$child" 2>/dev/null || break
		sleep 0.05
	done
	kill "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	status=$?
	child=
	local why="" further=tests/debuggers/$script.$kind.expect.$guest out=tests/debuggers/$script.$kind.out.expect
	why=$(
		check_order "$work/log" "tests/debuggers/$script.$kind.expect"
		[ ! -e "$further" ] || check_order "$work/log" "$further"
		[ ! -e "$out" ] || check_order "$work/out" "$out"
		[ ! -e "$out.$guest" ] || check_order "$work/out" "$out.$guest"
		[ "$status" = $expected ] || echo "  emu ended with status $status, expected $expected"
	)
	if [ -z "$why" ]; then
		echo "ok $name"
	else
		echo "FAILED $name"
		echo "$why"
		sed 's/^/  | /' "$work/log" | tail -n 25
		sed 's/^/  emu: /' "$work/err" | head -n 5
		failed=1
	fi
}

# lldb's own platform for emulators starts emu: arguments, environment, the terminal for the guest's input and output, twice in
# one session.
platform() { # GUEST ARCHITECTURE
	local name=lldb-platform-$1 why
	[[ "$wanted" == "  " || "$wanted" == *" $name "* ]] || return
	if [ -z "$lldb" ]; then
		missing "$name" lldb
		return
	fi
	timeout 120 "$lldb" --no-lldbinit --batch -o "platform select qemu-user" \
		-o "settings set platform.plugin.qemu-user.emulator-path $(realpath "$emu")" \
		-o "settings set platform.plugin.qemu-user.architecture $2" \
		-o "target create examples/bin/$1/tour" -s tests/debuggers/platform.lldb >"$work/log" 2>&1 </dev/null
	why=$(check_order "$work/log" tests/debuggers/platform.lldb.expect)
	if [ -z "$why" ]; then
		echo "ok $name"
	else
		echo "FAILED $name"
		echo "$why"
		sed 's/^/  | /' "$work/log" | tail -n 25
		failed=1
	fi
}

await() { # FILE PATTERN: until a line matches
	for _ in $(seq 400); do
		! grep -qsE -e "$2" "$1" || return 0
		sleep 0.05
	done
	return 1
}

# Ctrl-C while the guest's threads run and wait in system calls: two debuggers come one after the other to a guest that ran
# before them. The first one interrupts it and leaves; the second one sees it end by itself.
interruption() { # NAME TOOL PROGRAM ARGUMENT READY DONE EXPECTED
	local name=$1 tool=$2 kind=${1%%-*} program=$3 why status
	local log=$work/log socket=$work/socket
	[[ "$wanted" == "  " || "$wanted" == *" $name "* ]] || return
	if [ -z "$tool" ] || ! command -v "$tool" >/dev/null; then
		missing "$name" "$kind"
		return
	fi
	rm -f "$work/in" "$work/keys" "$work/out" "$log"
	mkfifo "$work/in" "$work/keys"
	exec 7<>"$work/in" 8<>"$work/keys"
	"$emu" -g "$socket,suspend=n" "$program" "$4" >"$work/out" 2>"$work/err" <"$work/in" &
	child=$!
	await "$work/out" "$5"
	if [ "$kind" = gdb ]; then
		local gdb=("$tool" -nx -batch -ex 'set width 0' -ex 'set pagination off' -ex "file $program" -ex "target remote $socket")
		"${gdb[@]}" -ex 'echo ## first\n' -ex continue -ex 'info threads' -ex detach >"$log" 2>&1 </dev/null &
		local debugger=$!
		await "$log" '^## first'
		sleep 1 # for gdb to come to its wait
		kill -INT $debugger
		await "$log" 'detached' || kill $debugger 2>/dev/null
		wait $debugger 2>/dev/null
		timeout 60 "${gdb[@]}" -ex 'echo ## second\n' -ex continue >>"$log" 2>&1 </dev/null &
		debugger=$!
		await "$log" '^## second'
		echo x >&7
		wait $debugger
	else
		# Only on a terminal lldb takes commands while the guest runs.
		local start="$tool --no-lldbinit --no-use-colors -o 'settings set auto-confirm true' -o 'target create $program'"
		start+=" -o 'process connect unix-connect://$socket'"
		TERM=dumb timeout 60 script -qec "$start" /dev/null >"$log" 2>&1 <"$work/keys" &
		local debugger=$!
		await "$log" 'stop reason'
		echo continue >&8
		await "$log" 'resuming'
		sleep 0.5
		echo 'process interrupt' >&8
		await "$log" 'resuming' && sleep 1
		printf 'thread list\nprocess detach\n' >&8
		await "$log" 'detached'
		echo quit >&8
		wait $debugger
		timeout 60 "$tool" --no-lldbinit --batch -o "target create $program" -o "process connect unix-connect://$socket" \
			-o continue >"$log.2" 2>&1 </dev/null &
		debugger=$!
		await "$log.2" 'stop reason'
		echo x >&7
		wait $debugger
		tr -d '\r' <"$log" >"$log.1"
		cat "$log.1" "$log.2" >"$log"
	fi
	exec 7>&- 8>&-
	for _ in $(seq 40); do
		kill -0 "$child" 2>/dev/null || break
		sleep 0.05
	done
	kill "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	status=$?
	child=
	why=$(
		check_order "$log" "tests/debuggers/$7.$kind.expect"
		grep -qE "$6" "$work/out" || echo "  the guest's read did not go on: $(tr '\n' ' ' <"$work/out")"
		[ "$status" = 0 ] || echo "  emu ended with status $status, expected 0"
	)
	if [ -z "$why" ]; then
		echo "ok $name"
	else
		echo "FAILED $name"
		echo "$why"
		sed 's/^/  | /' "$log" | tail -n 25
		sed 's/^/  emu: /' "$work/err" | head -n 5
		failed=1
	fi
}

port() { # A free one: the kernel lists the taken ones.
	local port
	while port=$((20000 + RANDOM % 20000)) && grep -qsi ":$(printf %04X "$port") " /proc/net/tcp; do :; done
	echo "$port"
}

for guest in aarch64 mips; do
	session "gdb-$guest" gdb-multiarch "$guest" "$(port)"
done
session gdb-socket gdb-multiarch aarch64 "$work/socket"
for guest in aarch64 mips; do
	session "lldb-$guest" "$lldb" "$guest" "$(port)"
done
platform aarch64 aarch64
platform mips mips
for guest in aarch64 mips; do
	watched=tests/guests/bin/$guest/watched
	session "gdb-watch-$guest" gdb-multiarch "$guest" "$(port)" watched "$watched" 0
	session "lldb-watch-$guest" "$lldb" "$guest" "$(port)" watched "$watched" 0
done
# Programs of FreeBSD: threads, breakpoints with conditions, watchpoints.
for guest in aarch64 mips mipsel; do
	crew=tests/guests/bin/freebsd-$guest/crew
	session "gdb-freebsd-$guest" gdb-multiarch "${guest/mipsel/mips}" "$(port)" crew "$crew" 0
	session "lldb-freebsd-$guest" "$lldb" "${guest/mipsel/mips}" "$(port)" crew "$crew" 0
done
for guest in aarch64 mips; do
	for script in threads calls libraries monitor; do
		session "gdb-$script-$guest" gdb-multiarch "$guest" "$(port)" $script "tests/guests/bin/$guest/session" 0
	done
	for script in threads libraries; do
		session "lldb-$script-$guest" "$lldb" "$guest" "$(port)" $script "tests/guests/bin/$guest/session" 0
	done
done
for guest in aarch64 mips freebsd-aarch64 freebsd-mips freebsd-mipsel; do
	isa=${guest#freebsd-}
	isa=${isa/mipsel/mips}
	for script in relatives relatives-child relatives-vfork relatives-both; do
		# It asks for `info proc`, which gdb has for Linux alone.
		[[ "$script $guest" != "relatives freebsd"* ]] || continue
		session "gdb-$script-$guest" gdb-multiarch "$isa" "$(port)" $script "tests/guests/bin/$guest/relatives" 42
	done
	for script in relatives relatives-child relatives-vfork; do
		session "lldb-$script-$guest" "$lldb" "$isa" "$(port)" $script "tests/guests/bin/$guest/relatives" 42
	done
done
for guest in aarch64 mips; do
	interruption "gdb-interrupt-$guest" gdb-multiarch "tests/guests/bin/$guest/waits" read '^ready' '^read 1 after' interruption
	interruption "lldb-interrupt-$guest" "$lldb" "tests/guests/bin/$guest/waits" read '^ready' '^read 1 after' interruption
done
for guest in aarch64 mips; do
	crew=tests/guests/bin/freebsd-$guest/crew
	interruption "gdb-interrupt-freebsd-$guest" gdb-multiarch "$crew" wait '^total 10' '^read 1' crew-interruption
	interruption "lldb-interrupt-freebsd-$guest" "$lldb" "$crew" wait '^total 10' '^read 1' crew-interruption
done
exit $failed
