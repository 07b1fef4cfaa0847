#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/run.sh WEFT: what `ninja bench` does: everything, the result and its page in the build folder. The results of earlier
# runs, without their raw values, are in bench/results beside the source, so that a new build folder does not lose the trend.
set -eu
results="$MESON_BUILD_ROOT/bench/results"
mkdir -p "$results"
WEFT_DATA=${WEFT_DATA:-"$MESON_SOURCE_ROOT/tests/data"}
export WEFT_DATA
status=0
# shellcheck disable=SC2086
"$1" bench --suite all --budget 240 --json "$results/weft.json" ${WEFT_BENCH_ARGS-} || status=$?
[ "$status" -le 1 ] || exit "$status" # 1: an entry failed, and stands in the result
"$1" report "$results/weft.json" --history "$MESON_SOURCE_ROOT/bench/results" --keep || status=1
exit "$status"
