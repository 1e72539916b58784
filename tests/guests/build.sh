#!/bin/bash
# Rebuilds every guest program of tests/, examples/ and benches/ from source into the places where the ELF files are
# checked in. Needs the cross compilers that tests/install.sh installs. With names as arguments: only those programs.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
wanted=" $* "

# Debug information must name no directory of the machine it was built on.
common=(-O2 -Wall -Wextra -std=gnu11 -static "-ffile-prefix-map=$root=." -Wl,--build-id=none)
freestanding=(-nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pic -no-pie -Ilib
	-Wl,-z,noseparate-code -Wl,-e,_start)

compiler() { # ISA: sets cc
	case $1 in
	aarch64 | freebsd-aarch64) cc=(aarch64-linux-gnu-gcc) ;;
	mips) cc=(mips-linux-gnu-gcc -march=mips32r2) ;;
	mipsel) cc=(mipsel-linux-gnu-gcc -march=mips32r2) ;;
	esac
}

want() { [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]]; }

build() { # ISA OUTPUT FLAGS-AND-SOURCES...
	compiler "$1"
	local out=$2
	shift 2
	mkdir -p "$(dirname "$out")"
	echo "${out#"$root/"}"
	"${cc[@]}" "${common[@]}" "$@" -o "$out"
}

free_program() { # ISA NAME FLAGS...
	local isa=$1 name=$2 start=lib/start-${1/mipsel/mips}.S abi=()
	shift 2
	want "$name" || return 0
	[ "$isa" = aarch64 ] || abi=(-mno-abicalls -G0)
	local source=free/$name.c
	[ -e "$source" ] || source=free/$isa/$name.c
	[ -e "$source" ] || source=free/${isa/mipsel/mips}/$name.c
	build "$isa" "bin/$isa/$name" -s "${freestanding[@]}" "${abi[@]}" "$@" "$start" lib/guest.c "$source"
}

# FreeBSD's programs are freestanding, so that any compiler for the ISA does: the ABI note in the start-up code makes them FreeBSD's.
for source in free/freebsd/*.c; do
	name=$(basename "$source" .c)
	want "$name" || continue
	build freebsd-aarch64 "bin/freebsd-aarch64/$name" -s "${freestanding[@]}" -DGUEST_FREEBSD -mno-outline-atomics \
		lib/start-freebsd-aarch64.S lib/guest.c "$source"
done

for isa in aarch64 mips mipsel; do
	for source in free/*.c free/"${isa/mipsel/mips}"/*.c; do
		[ -e "$source" ] || continue
		name=$(basename "$source" .c)
		# Options that only one program needs stand in its first lines: "build: FLAGS".
		read -r -a flags <<<"$(sed -n '1,5s/.*build: \([^*]*\).*/\1/p' "$source")"
		free_program "$isa" "$name" "${flags[@]}"
	done
	# With its labels and debug information, which the tests of watchpoints go by.
	if want watched; then
		abi=(-mno-outline-atomics)
		# Debian's mipsel assembler puts a `sync` before `ll`, for the sake of a Loongson.
		[ "$isa" = aarch64 ] || abi=(-mno-abicalls -G0 -mfp32 -Wa,-mno-fix-loongson3-llsc)
		(cd "$root/tests/guests" && build "$isa" "bin/$isa/watched" -Og -g "${freestanding[@]}" "${abi[@]}" \
			"lib/start-${isa/mipsel/mips}.S" lib/guest.c "debug/watched-${isa/mipsel/mips}.S" debug/watched.c)
	fi
	# Likewise for the prompt's tests; then with its debug information compressed, and apart from it.
	if want inspected && [ "$isa" != mipsel ]; then
		abi=(-mno-outline-atomics)
		[ "$isa" = aarch64 ] || abi=(-mno-abicalls -G0 -mfp32)
		(
			cd "$root/tests/guests"
			build "$isa" "bin/$isa/inspected" -O2 -g "${freestanding[@]}" "${abi[@]}" -Wl,--build-id=sha1 \
				"lib/start-$isa.S" lib/guest.c "debug/watched-$isa.S" debug/inspected.c
			cd "bin/$isa"
			copy=${cc[0]%gcc}objcopy
			"$copy" --compress-debug-sections=zlib inspected inspected-zlib
			"$copy" --compress-debug-sections=zstd inspected inspected-zstd
			"$copy" --only-keep-debug inspected inspected.debug
			"$copy" --strip-debug --add-gnu-debuglink=inspected.debug inspected inspected-stripped
		)
	fi
	# Read by the benchmarks for the address of a function, so with its symbols.
	if want stops && [ "$isa" != mipsel ]; then
		abi=()
		[ "$isa" = aarch64 ] || abi=(-mno-abicalls -G0)
		build "$isa" "$root/benches/guests/bin/$isa/stops" "${freestanding[@]}" "${abi[@]}" \
			"lib/start-$isa.S" lib/guest.c "$root/benches/guests/stops.c"
	fi
	if want kernels && [ "$isa" != mipsel ]; then
		build "$isa" "$root/benches/guests/bin/$isa/kernels" -s "$root/benches/guests/kernels.c"
	fi
	# With debug information, unoptimised: what a user of a debugger has in front of them.
	for name in tour crash; do
		if want $name && [ "$isa" != mipsel ]; then
			# From the root of the project, where its users start a debugger: the paths in the debug information begin there.
			# Of the FP ABIs of MIPS gdb 13 understands the plain one, not the compiler's default "fpxx".
			fp=()
			[ "$isa" = aarch64 ] || fp=(-mfp32)
			(cd "$root" && build "$isa" "$root/examples/bin/$isa/$name" -O0 -g "${fp[@]}" "examples/$name.c" -pthread)
		fi
	done
	if want suite; then
		atomic=()
		[ "$isa" = aarch64 ] || atomic=(-latomic) # a 32-bit ISA has no 64-bit LL/SC
		build "$isa" "bin/$isa/suite" -s -Wno-infinite-recursion -Wno-unused-result glibc/*.c -pthread -lm "${atomic[@]}"
	fi
done
