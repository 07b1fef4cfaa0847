#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_seeds.sh WEFT FILE - goal: seeds that found a bug once find none now. FILE: scenario, seed, steps, and what it was.
# A seed finds its bug again only as long as the code makes the same choices: the tests beside this file are
# what keeps a bug away; the seeds cost nothing.
failed=0
while read -r scenario seed steps what; do
	case $scenario in '' | '#'*) continue ;; esac
	if ! "$1" sim --scenario "$scenario" --seed "$seed" --steps "$steps" >/dev/null; then
		echo "$scenario, seed $seed: $what"
		failed=1
	fi
done <"$2"
exit $failed
