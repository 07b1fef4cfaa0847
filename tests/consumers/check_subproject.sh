#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_subproject.sh SOURCE_ROOT
#
# Goal: weft works as a meson subproject of somebody who knows nothing about it.
# Method: a project in a fresh folder with weft under subprojects/; build, run.
set -eu
source=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir "$tmp/subprojects"
ln -s "$source" "$tmp/subprojects/weft"
cp "$source/tests/consumers/subproject/meson.build" "$source/examples/hello.c" "$tmp/"
meson setup -Dbuildtype=debug -Doptimization=0 -Dweft:werror=false "$tmp/build" "$tmp" >"$tmp/log" 2>&1 ||
	{ cat "$tmp/log" >&2; exit 1; }
ninja -C "$tmp/build" >"$tmp/log" 2>&1 || { tail -40 "$tmp/log" >&2; exit 1; }
"$tmp/build/hello"
