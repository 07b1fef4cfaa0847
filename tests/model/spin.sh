#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# spin.sh - tests/model/park.pml by Spin: holds as it is, and loses a wake-up without D1 or D2.
#
# Skipped (77) where there is no spin.
set -u
model=$(cd "$(dirname "$0")" && pwd)/park.pml
command -v spin >/dev/null 2>&1 || { echo 'spin: not here, left out'; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# errors [-DNAME]: how many Spin finds.
errors() {
	spin -a "$@" "$model" >spin.log 2>&1 && cc -O1 -w -o pan pan.c && ./pan -a -f -N all_run >pan.log 2>&1 || return 1
	sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log
}

failed=0
# expect COUNT [-DNAME]
expect() {
	count=$1
	shift
	found=$(errors "$@")
	echo "park.pml $*: ${found:-no} errors, $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.log) states"
	[ "$found" = "$count" ] || failed=1
}
expect 0
expect 1 -DWEAK_D1
expect 1 -DWEAK_D2
exit $failed
