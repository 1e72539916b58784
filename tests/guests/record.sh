#!/bin/bash
# Runs every case (or those named) under qemu-user and compares with expected/. With --write as the first argument it
# writes what it saw, one file for all guests where they agree. What qemu gets wrong is put right by hand afterwards:
# the reason stands in the last column of `cases`, and --write leaves the files of such cases alone.
set -euo pipefail
cd "$(dirname "$0")"
write=
[ "${1:-}" = --write ] && { write=1; shift; }
wanted=" $* "
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trim() { local s=$1; s="${s#"${s%%[![:space:]]*}"}"; printf %s "${s%"${s##*[![:space:]]}"}"; }

while IFS='|' read -r name guests status command differs; do
	name=$(trim "$name") guests=$(trim "$guests") status=$(trim "$status") differs=$(trim "$differs")
	[[ -z "$name" || "$name" == \#* ]] && continue
	[[ "$wanted" == "  " || "$wanted" == *" $name "* ]] || continue
	[ "$guests" = all ] && guests="aarch64 mips mipsel"
	read -r program arguments <<<"$(trim "$command")"
	first=
	same=1
	for isa in $guests; do
		mkdir "$tmp/cwd"
		rc=0
		# The shell's own word on a death by signal goes to the same place as the emulator's.
		# shellcheck disable=SC2086 # the arguments are words
		{ (cd "$tmp/cwd" && exec env -i GUEST_ONE=1 GUEST_TWO='a b' PATH=/usr/bin:/bin TZ=UTC0 timeout -k 1 60 \
			"${QEMU:-}qemu-$isa" "$OLDPWD/bin/$isa/$program" $arguments) >"$tmp/$name.$isa" </dev/null || rc=$?; } 2>/dev/null
		rm -rf "$tmp/cwd"
		want=$status
		[[ "$status" == SIG* ]] && want=$((128 + $(kill -l "${status#SIG}")))
		[ "$rc" = "$want" ] || echo "$name $isa: status $rc, expected $want ${differs:+($differs)}"
		[ -n "$first" ] && ! cmp -s "$first" "$tmp/$name.$isa" && same=
		first=$tmp/$name.$isa
	done
	for isa in $guests; do
		have=expected/$name
		[ -e "$have" ] || have=expected/$name.$isa
		if [ -n "$write" ] && [[ -z "$differs" || ! -e "$have" ]]; then
			rm -f "expected/$name.$isa"
			if [ -n "$same" ]; then cp "$tmp/$name.$isa" "expected/$name"; else
				rm -f "expected/$name"
				cp "$tmp/$name.$isa" "expected/$name.$isa"
			fi
		elif ! diff -u "$have" "$tmp/$name.$isa" >"$tmp/diff"; then
			echo "== $name $isa ${differs:+(known: $differs)}"
			cat "$tmp/diff"
		fi
	done
done <cases
