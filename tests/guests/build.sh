#!/bin/bash
# Rebuilds every guest program of tests/, examples/ and benches/ from source into the places where the ELF files are
# checked in. Needs the cross compilers that tests/install.sh installs. With names as arguments: only those programs.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
wanted=" $* "

# Debug information must name no directory of the machine it was built on.
common=(-O2 -Wall -Wextra -std=gnu11 "-ffile-prefix-map=$root=." -Wl,--build-id=none)
freestanding=(-nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pic -no-pie -Ilib
	-Wl,-z,noseparate-code -Wl,-e,_start)

compiler() { # ISA: sets cc
	case $1 in
	aarch64) cc=(aarch64-linux-gnu-gcc) ;;
	freebsd-aarch64) cc=(clang -target aarch64-unknown-freebsd13 -fuse-ld=lld) ;;
	freebsd-mips) cc=(clang -target mips-unknown-freebsd13 -march=mips32r2 -mhard-float -mno-abicalls -G0 -fuse-ld=lld) ;;
	freebsd-mipsel) cc=(clang -target mipsel-unknown-freebsd13 -march=mips32r2 -mhard-float -mno-abicalls -G0 -fuse-ld=lld) ;;
	mips) cc=(mips-linux-gnu-gcc -march=mips32r2) ;;
	mipsel) cc=(mipsel-linux-gnu-gcc -march=mips32r2) ;;
	esac
}

want() { [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]]; }

build() { # ISA OUTPUT FLAGS-AND-SOURCES...: a static program; with linking=-pie before it a dynamic one
	compiler "$1"
	local out=$2
	shift 2
	mkdir -p "$(dirname "$out")"
	echo "${out#"$root/"}"
	"${cc[@]}" "${linking:--static}" "${common[@]}" "$@" -o "$out"
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

# FreeBSD's programs are freestanding: its headers and libraries are not needed.
for isa in aarch64 mips mipsel; do
	for source in free/freebsd/*.c; do
		name=$(basename "$source" .c)
		want "$name" || continue
		build "freebsd-$isa" "bin/freebsd-$isa/$name" -s "${freestanding[@]}" -DGUEST_FREEBSD -Wno-unknown-attributes -Wno-unused-command-line-argument \
			"lib/start-freebsd-${isa/mipsel/mips}.S" lib/guest.c "$source"
	done
	# With its labels and debug information, for the tests of debuggers.
	for name in crew relatives; do
		want $name || continue
		level=-Og
		[ $name = crew ] || level=-O0
		(cd "$root/tests/guests" && build "freebsd-$isa" "bin/freebsd-$isa/$name" $level -g -gdwarf-4 "${freestanding[@]}" -DGUEST_FREEBSD \
			-fno-omit-frame-pointer -Wno-unknown-attributes -Wno-unused-command-line-argument \
			"lib/start-freebsd-${isa/mipsel/mips}.S" lib/guest.c debug/$name.c)
	done
	# A dynamic linker of our own and its program. On AArch64 they are where there is room; MIPS would need relocations for that.
	if want dynamic; then
		flags=(-s "${freestanding[@]}" -DGUEST_FREEBSD -Wno-unknown-attributes -Wno-unused-command-line-argument)
		start="lib/start-freebsd-${isa/mipsel/mips}.S"
		linker=(-Wl,--image-base=0x5000000)
		# With a dynamic section, which debuggers go by.
		program=(-Wl,--export-dynamic)
		if [ "$isa" = aarch64 ]; then
			linker=(-fpie -Wl,-pie -Wl,--no-dynamic-linker)
			program=(-fpie -Wl,-pie)
		fi
		# Debuggers find what the linker calls for them by its symbol.
		build "freebsd-$isa" "dynamic/bin/$isa/ld-elf.so.1" "${flags[@]:1}" "${linker[@]}" "$start" lib/guest.c dynamic/rtld.c
		# Far apart, so that there is room between the segments.
		linking=-shared build "freebsd-$isa" "dynamic/bin/$isa/libthing.so.1" "${flags[@]}" -Wl,-e,thing_works -Wl,-z,max-page-size=65536 \
			dynamic/thing.c
		build "freebsd-$isa" "dynamic/bin/$isa/program" "${flags[@]}" "${program[@]}" -Wl,--dynamic-linker=/libexec/ld-elf.so.1 \
			"$start" lib/guest.c dynamic/program.c
	fi
done

# What the benchmark of FreeBSD's calls runs, and its twin for Linux.
if want calls; then
	for isa in aarch64 freebsd-aarch64; do
		define=()
		[ "$isa" = aarch64 ] || define=(-DGUEST_FREEBSD -Wno-unknown-attributes -Wno-unused-command-line-argument)
		build "$isa" "$root/benches/guests/bin/$isa/calls" -s "${freestanding[@]}" "${define[@]}" -mno-outline-atomics \
			"lib/start-$isa.S" lib/guest.c "$root/benches/guests/calls.c"
	done
fi

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
	# Dynamically linked, unoptimised: what the debuggers' sessions see of libraries.
	if want session && [ "$isa" != mipsel ]; then
		fp=()
		[ "$isa" = aarch64 ] || fp=(-mfp32)
		(cd "$root" && linking=-pie build "$isa" "$root/tests/guests/bin/$isa/session" -fPIE -O0 -g "${fp[@]}" -pthread \
			tests/guests/debug/session.c)
	fi
	# Likewise of following relatives.
	if want relatives && [ "$isa" != mipsel ]; then
		abi=(-mno-outline-atomics)
		[ "$isa" = aarch64 ] || abi=(-mno-abicalls -G0 -mfp32)
		(cd "$root/tests/guests" && build "$isa" "bin/$isa/relatives" -O0 -g "${freestanding[@]}" "${abi[@]}" \
			"lib/start-$isa.S" lib/guest.c debug/relatives.c)
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
	if want cores && [ "$isa" != mipsel ]; then
		abi=()
		[ "$isa" = aarch64 ] || abi=(-mno-abicalls -G0)
		build "$isa" "$root/benches/guests/bin/$isa/cores" -s "${freestanding[@]}" "${abi[@]}" \
			"lib/start-$isa.S" lib/guest.c "$root/benches/guests/cores.c"
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
