#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_replay.sh WEFT - goal: a seed replays exactly. Method: each scenario twice with the same seed, in processes
# of their own: the same steps and the same hash; with another seed, another hash.
weft=$1
failed=0
for scenario in $("$weft" sim --list | cut -d' ' -f1); do
	for seed in 3 14 15; do
		one=$("$weft" sim --scenario "$scenario" --seed $seed 2>/dev/null) || failed=1
		two=$("$weft" sim --scenario "$scenario" --seed $seed 2>/dev/null) || failed=1
		if [ "$one" != "$two" ]; then
			printf '%s: not the same twice:\n%s\n%s\n' "$scenario" "$one" "$two"
			failed=1
		fi
	done
	other=$("$weft" sim --scenario "$scenario" --seed 16 2>/dev/null)
	if [ "${one#*hash}" = "${other#*hash}" ]; then
		printf '%s: two seeds, one hash:\n%s\n%s\n' "$scenario" "$one" "$other"
		failed=1
	fi
done
exit $failed
