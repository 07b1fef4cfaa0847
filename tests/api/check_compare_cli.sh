#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_compare_cli.sh WEFT RESULTS
#
# Goal: `weft compare` prints what it printed when that was looked at, whatever the locale, and its exit codes are those
# of the manual. RESULTS has the files and what they compare to; WEFT_GOLDEN=write keeps what comes out instead.
set -eu
weft=$(realpath "$1")
. "$(dirname "$0")/cli.sh"
cd "$2"
unset COLUMNS
out=$dir/out

# compare CODE TEXT ARGUMENT...: the exit code, and what the output has in it.
compare() {
	code=$1 text=$2
	shift 2
	expect_text "$code" "$text" "$weft" compare "$@"
}

# same FILE ARGUMENT...: the output to the letter.
same() {
	kept=$1
	shift
	"$weft" compare "$@" >"$out" || [ $? -eq 1 ]
	[ "${WEFT_GOLDEN-}" != write ] || cp "$out" "$kept"
	diff -u "$kept" "$out" || fail "compare $* does not print $kept"
	case $* in *--json*) return ;; esac
	longest=$(LC_ALL=C.UTF-8 wc -L <"$out")
	[ "$longest" -le 100 ] || fail "$kept is $longest columns wide"
}

for locale in C.UTF-8 de_DE.UTF-8; do
	export LC_ALL=$locale
	same three.txt old.json new.json eliza.json --fail-on-regression 5%
done
export LC_ALL=C
same three-ascii.txt old.json new.json eliza.json --fail-on-regression 5%
same two.json --json --names before,after old.json new.json

export LC_ALL=C.UTF-8
for columns in 80 100 140; do
	COLUMNS=$columns "$weft" compare old.json new.json eliza.json >"$out"
	[ "$(wc -L <"$out")" -le $columns ] || fail "in $columns columns it is $(wc -L <"$out") wide"
done
export COLUMNS=80
compare 0 'no room here for rate' old.json new.json eliza.json
unset COLUMNS
export LC_ALL=C

compare 0 'fastest in: weft#1 8, weft#2 1' old.json new.json
compare 1 'regression: burst-1000: weft#2 costs 1.20 x' old.json new.json --fail-on-regression 5%
compare 1 'failed, weft#1 did not' old.json new.json --fail-on-regression 50
compare 0 '0 regressions' --filter 'burst-1*' old.json new.json --fail-on-regression 25%
compare 0 '0 regressions' --filter burst-1000 --reference weft#2 old.json new.json --fail-on-regression 5%
compare 2 'no other file is of weft' old.json eliza.json --fail-on-regression 5%
compare 2 none.json old.json none.json
compare 2 'three.txt: ' old.json three.txt
compare 2 'no file has that name' old.json new.json --reference elsa
compare 2 'in common' old.json new.json --filter 'x*'
compare 2 'expected 2 to 16' old.json
compare 2 ''
compare 2 fast old.json new.json --fast
compare 2 names old.json new.json --names
compare 2 'percents from 0 to 1000' old.json new.json --fail-on-regression five
compare 2 'percents from 0 to 1000' old.json new.json --fail-on-regression -5%
compare 2 'percents from 0 to 1000' old.json new.json --fail-on-regression 5%%
compare 2 '--merge beside it' --force old.json new.json
compare 2 'goes with --force' --merge --json old.json new.json
compare 2 'expected 2 to 16' old.json old.json old.json old.json old.json old.json old.json old.json old.json \
	old.json old.json old.json old.json old.json old.json old.json old.json
compare 0 usage: --help

"$weft" compare --merge old.json new.json >"$out.2" 2>"$out" || fail 'merge'
grep -qF 'with-actions failed there' "$out" || fail 'merge is silent about what failed'
compare 0 'weft#2' old.json "$out.2"
compare 2 eliza --merge old.json eliza.json
if "$weft" compare old.json new.json >/dev/full 2>"$out"; then fail 'a full disk went unnoticed'; fi
echo 'compare: all as the manual says'
