#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/run.sh WEFT: what `ninja bench` does: everything, with the results kept in the build folder.
set -eu
results="$MESON_BUILD_ROOT/bench/results"
mkdir -p "$results"
WEFT_DATA=${WEFT_DATA:-"$MESON_SOURCE_ROOT/tests/data"}
export WEFT_DATA
# shellcheck disable=SC2086
exec "$1" bench --suite all --json "$results/weft.json" ${WEFT_BENCH_ARGS-}
