#!/bin/bash
# Runs the shell scripts of tests/busybox under Debian's static busybox for arm64 and mipsel in `emu`, and compares all they
# print with the same version of busybox built for the host. Then vi, in a terminal that tmux provides, likewise.
# One line a run on standard output: "ok NAME", "FAILED NAME" (followed by the difference) or "SKIPPED NAME".
# With names as arguments (loops, vi, ...): only those. EMU names the emulator.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=$(realpath "${CARGO_TARGET_DIR:-target}")
emu=$(realpath "${EMU:-$target/release/emu}")
wanted=" $* "
failed=0
work=$(mktemp -d "$target/busybox.XXXXXX")
finish() {
	tmux -L "emu-$$" kill-server 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

fail() {
	echo "FAILED busybox-$1"
	failed=1
}

declare -A busybox
for arch in amd64 arm64 mipsel; do
	if ! folder=$(tests/packages.sh busybox-static $arch bookworm); then
		if [ -n "${CI:-}" ]; then fail "$arch: no package"; else echo "SKIPPED busybox-$arch: no package"; fi
		exit $failed
	fi
	busybox[$arch]=$folder/bin/busybox
	# tar looks for gzip along PATH, as any program would: links whose names are the applets.
	mkdir "$work/path-$arch"
	"${busybox[amd64]}" --list | while read -r applet; do ln -s "${busybox[$arch]}" "$work/path-$arch/$applet"; done
done

# An environment of its own, so that nothing of the host's is run by mistake.
clean() { # ARCH: sets the array
	clean=(env -i "PATH=$work/path-$1" TZ=UTC0 HOME=/ TERM=vt100 "BB=${busybox[$1]}")
}

run() { # ARCH ENGINE SCRIPT: output and status to $work/ARCH
	local engine=()
	[ "$1" = amd64 ] || engine=("$emu" --engine "$2")
	rm -rf "$work/cwd"
	mkdir "$work/cwd"
	clean "$1"
	(cd "$work/cwd" && exec timeout -k 1 120 "${clean[@]}" "${engine[@]}" "${busybox[$1]}" sh "$root/tests/busybox/$3.sh") \
		>"$work/$1" 2>"$work/$1.err" </dev/null
	echo "status $?" >>"$work/$1"
}

compare() { # NAME ARCH
	if diff "$work/amd64" "$work/$2" >"$work/diff"; then
		echo "ok busybox-$1"
	else
		fail "$1"
		head -n 12 "$work/diff" | sed 's/^/  /'
		grep -m 3 '^emu' "$work/$2.err" | sed 's/^/  /'
	fi
}

for script in tests/busybox/*.sh; do
	name=$(basename "$script" .sh)
	[[ "$wanted" == "  " || "$wanted" == *" $name "* ]] || continue
	run amd64 - "$name"
	for arch in arm64 mipsel; do
		for engine in ${ENGINES:-jit interp}; do
			run $arch $engine "$name"
			compare "$name-$arch-$engine" $arch
		done
	done
done

# Types into vi and takes what the screen shows before it ends, and the file.
edit() { # ARCH COMMAND...
	local arch=$1
	shift
	clean "$arch"
	seq -f 'line %g' 30 >"$work/text"
	tmux -L "emu-$$" -f /dev/null new-session -d -x 60 -y 20 "cd $work && ${clean[*]} $* vi text; sleep 1"
	await 'text' || return 1
	local keys
	for keys in 'Gofirst new line' Escape ggdd 'ihello vi ' Escape '/line 7' Enter cwchanged Escape yyp ':s/7/seven/' Enter 10G; do
		tmux -L "emu-$$" send-keys "$keys"
		sleep 0.1
	done
	sleep 0.5
	tmux -L "emu-$$" resize-window -x 50 -y 15
	sleep 0.3
	tmux -L "emu-$$" send-keys C-l
	sleep 0.3
	tmux -L "emu-$$" capture-pane -p >"$work/$arch"
	tmux -L "emu-$$" send-keys ':wq' Enter
	sleep 0.5
	tmux -L "emu-$$" kill-server
	cat "$work/text" >>"$work/$arch"
	: >"$work/$arch.err"
}
await() {
	for _ in $(seq 100); do
		tmux -L "emu-$$" capture-pane -p 2>/dev/null | grep -q "$1" && return
		sleep 0.1
	done
	return 1
}

if [[ "$wanted" == "  " || "$wanted" == *" vi "* ]]; then
	if ! command -v tmux >/dev/null; then
		if [ -n "${CI:-}" ]; then fail "vi: no tmux"; else echo "SKIPPED busybox-vi: no tmux"; fi
	else
		edit amd64 "${busybox[amd64]}"
		for arch in arm64 mipsel; do
			edit $arch "$emu" "${busybox[$arch]}"
			compare "vi-$arch" $arch
		done
	fi
fi
exit $failed
