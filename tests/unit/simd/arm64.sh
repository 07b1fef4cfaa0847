#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# arm64.sh SOURCE_ROOT BUILD_ROOT - goal: the kernels are right on arm64 too. Method: simd/ and its tests, compiled for
# it with the stand-in for Criterion, run under qemu-user.
#
# Skipped (77) where the compiler or qemu is not there.
set -eu
source=$1 build=$2
cc=aarch64-linux-gnu-gcc
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || { echo 'arm64: no qemu-aarch64 here, left out'; exit 77; }
command -v $cc >/dev/null 2>&1 || { echo "arm64: no $cc here, left out"; exit 77; }

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# simde's headers are plain text for any machine; the rest of /usr/include is this one's.
simde=$(printf '#include <simde/check.h>\n' | cc -E -xc - | sed -n 's,^# 1 "\(.*\)/simde/check.h".*,\1,p' | head -1)
mkdir "$out/include"
ln -s "$simde/simde" "$out/include/simde"
flags="-std=gnu11 -O2 -D_GNU_SOURCE -include $build/weft-config.h -I$source -I$source/include -I$source/tests/plain -I$out/include"

cd "$out"
# shellcheck disable=SC2086
{
	$cc $flags -c "$source"/simd/[dhqst]*.c "$source/tests/plain/criterion.c" &
	$cc $flags -march=armv8.2-a+i8mm -DWEFT__SET_I8MM -c "$source/simd/set128.c" -o i8mm.o
	$cc $flags -DWEFT__SET_SSE42 -c "$source/simd/set128.c" -o none-sse42.o
	$cc $flags -DWEFT__SET_AVXVNNI -c "$source/simd/set256.c" -o none-avxvnni.o
	$cc $flags -DWEFT__SET_AVX512VNNI -c "$source/simd/set512.c" -o none-vnni.o
	$cc $flags -DWEFT__SET_AVX512BF16 -c "$source/simd/set512.c" -o none-bf16.o
	$cc $flags -c "$source/simd/match.c"
	$cc $flags -DSET=weft__match_avx2 -c "$source/simd/match.c" -o none-match-avx2.o
	$cc $flags -DSET=weft__match_avx512 -c "$source/simd/match.c" -o none-match-avx512.o
	wait $!
}
for name in derived halves kernels topk; do
	# shellcheck disable=SC2086
	$cc $flags -static "$source/tests/unit/simd/test_$name.c" ./*.o -lm -o "test-$name"
	"$qemu" "./test-$name" 2>&1 | tee "$name.log" | tail -1
	grep -q 'Failing: 0 | Crashing: 0' "$name.log" || { cat "$name.log"; exit 1; }
done
grep 'widest set' kernels.log
