#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_install.sh SOURCE_ROOT BUILD_ROOT
#
# Goal: what `meson install` leaves behind is enough for a stranger.
# Method: install into a fresh folder; build examples/hello.c against the
# shared and the static library, with what weft.pc says and nothing else; run each.
set -eu
source=$1 build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

meson install -C "$build" --no-rebuild --quiet --destdir "$tmp/root"
pc=$(find "$tmp/root" -name weft.pc)
prefix=$tmp/root$(sed -n 's/^prefix=//p' "$pc")
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
config() { pkg-config --define-variable=prefix="$prefix" "$@" weft; }

libdir=$(config --variable=libdir)
for file in "$prefix/include/weft/weft.h" "$libdir/libweft.so" "$libdir/libweft.so.0" "$libdir/libweft.a" \
	"$prefix/include/weft/message.proto" "$prefix/share/man/man3/libweft.3"; do
	[ -e "$file" ] || { echo "not installed: ${file#"$prefix"/}" >&2; exit 1; }
done

cp "$source/examples/hello.c" "$tmp/hello.c"

# try NAME COMPILER...: build and run; the output must be a line of text.
try() {
	name=$1
	shift
	"$@" -o "$tmp/$name" || { echo "$name: does not build" >&2; exit 1; }
	out=$(LD_LIBRARY_PATH=$libdir "$tmp/$name") || { echo "$name: does not run" >&2; exit 1; }
	[ -n "$out" ] || { echo "$name: said nothing" >&2; exit 1; }
	echo "$name: $out"
}

# Where pkg-config says -lweft, the static build names the archive: both libraries lie side by side.
static=$(config --static --libs | sed 's/-lweft\b/-l:libweft.a/')
# shellcheck disable=SC2046,SC2086
{
	try shared ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$tmp/hello.c" $(config --cflags --libs)
	try static ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$tmp/hello.c" $(config --cflags) $static
}
if ldd "$tmp/static" | grep -q libweft; then
	echo 'the static program loads libweft.so' >&2
	exit 1
fi
ldd "$tmp/shared" | grep -q 'libweft\.so\.0' || { echo 'the shared program does not load libweft.so.0' >&2; exit 1; }
