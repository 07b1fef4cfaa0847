#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_cli.sh WEFT - goal: `weft sim` does what weft-sim(1) says. Method: its options, right and wrong, and its exit status.
weft=$1
failed=0
expect() { # STATUS WHAT COMMAND...
	status=$1 what=$2
	shift 2
	"$@" >/dev/null 2>&1
	got=$?
	[ $got -eq "$status" ] && return
	echo "$what: exit status $got, not $status"
	failed=1
}
expect 0 'one seed' "$weft" sim --scenario ring --seed 1
expect 0 'some seeds' "$weft" sim --scenario ring --seeds 3 --steps 500
expect 0 'all scenarios' "$weft" sim --seeds 2 --steps 300
expect 0 'a trace' "$weft" sim --scenario ring --steps 50 --trace
expect 0 'the list' "$weft" sim --list
expect 0 'help' "$weft" sim --help
expect 2 'an unknown scenario' "$weft" sim --scenario none
expect 2 'an unknown option' "$weft" sim --speed 3
expect 2 'no number' "$weft" sim --seed many
expect 2 'no value' "$weft" sim --seed
lines=$("$weft" sim --scenario ring --steps 50 --trace | wc -l)
[ "$lines" -gt 50 ] || { echo "a trace of $lines lines"; failed=1; }
exit $failed
