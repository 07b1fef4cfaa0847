#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_header.sh STD LANG INCLUDE_DIR HEADER... -- COMPILER...
# Compiles each <weft/HEADER.h> alone, strictly; fails when one does not, and when
# the folder holds a header that the list does not name.
set -u
std=$1 lang=$2 inc=$3
shift 3
headers=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	headers="$headers $1"
	shift
done
shift
failed=0
for path in "$inc"/weft/*.h; do
	name=$(basename "$path" .h)
	case " $headers " in
	*" $name "*) ;;
	*) echo "$path is not in the list of public headers" >&2; failed=1 ;;
	esac
done
for h in $headers; do
	if ! printf '#include <weft/%s.h>\n' "$h" |
		"$@" -x "$lang" -std="$std" -I"$inc" -Wall -Wextra -Werror -pedantic-errors -fsyntax-only -; then
		echo "weft/$h.h does not stand alone as $std" >&2
		failed=1
	fi
done
exit $failed
