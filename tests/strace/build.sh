#!/bin/bash
# Rebuilds the guest programs of the trace tests, which are checked in. Needs the cross compilers of tests/guests/build.sh.
set -euo pipefail
cd "$(dirname "$0")"
lib=../guests/lib
flags=(-O2 -Wall -Wextra -std=gnu11 -static -Wl,--build-id=none -nostdlib -ffreestanding -fno-stack-protector
	-fno-asynchronous-unwind-tables -fno-pic -no-pie -I$lib -Wl,-z,noseparate-code -Wl,-e,_start -Wl,-z,max-page-size=4096)
# With symbols, which reports name.
for source in *.c; do
	name=${source%.c}
	aarch64-linux-gnu-gcc "${flags[@]}" $lib/start-aarch64.S $lib/guest.c "$source" -o "bin/$name.aarch64"
	for isa in mips mipsel; do
		$isa-linux-gnu-gcc -march=mips32r2 -mno-abicalls -G0 "${flags[@]}" $lib/start-mips.S $lib/guest.c "$source" -o "bin/$name.$isa"
	done
done
