#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_store_cli.sh WEFT
#
# Goal: `weft store` does what its manual says, and its exit codes are those.
# Method: lines of JSON into a store and out again; the same lines after a compaction and in a copy; damage, a folder
# that is none, lines that are wrong.
set -eu
weft=$(realpath "$1")
. "$(dirname "$0")/cli.sh"
cd "$dir"

room=00000000-0000-7000-8000-000000000001
ann=00000000-0000-7000-8000-000000000002
cat >in <<END
{"kind":"world","id":"00000000-0000-7000-8000-000000000009","name":"earth"}
{"kind":"entity","id":"$ann","name":"ann","is_agent":false}
{"kind":"relationship","source":"$ann","target":"$ann","tags":"self","strength":-0.5,"created_ms":1,"updated_ms":2}
{"kind":"task","id":"00000000-0000-7000-8000-000000000006","type":"goal","room":"$room","status":"done","due_ms":3,"created_ms":1,"updated_ms":1,"name":"rest"}
{"kind":"room","id":"$room","world":"00000000-0000-7000-8000-000000000009","type":"dm","name":"a \"room\"","source":"test"}
{"kind":"join","room":"$room","entity":"$ann"}
{"kind":"follow","room":"$room","entity":"$ann","state":"muted"}
{"kind":"memory","id":"00000000-0000-7000-8000-000000000003","type":"message","room":"$room","entity":"$ann","created_ms":5,"text":"héllo\n"}
{"kind":"embedding","id":"00000000-0000-7000-8000-000000000003","vector":[0.6000000238418579,0.800000011920929]}
{"kind":"memory","id":"00000000-0000-7000-8000-000000000004","type":"message","room":"$room","created_ms":6,"text":"x","attachments":[{"id":"00000000-0000-7000-8000-000000000005","url":"http://x/","content_type":"image/png"}]}
{"kind":"memory","id":"00000000-0000-7000-8000-000000000007","type":"summary","room":"$room","created_ms":6,"text":"in short"}
END

expect 0 "$weft" store import --file in one
grep -q "11 changes made" out || fail "no summary"
expect 0 "$weft" store check one
grep -q "11 changes" out && grep -q "closed" out || fail "check: $(cat out)"
expect 0 "$weft" store export one
cmp -s in out || { diff in out || true; fail "what came out is not what went in"; }
expect 0 "$weft" store dump --file dumped one
grep -c '"file":"log-0000000001","offset":4096,"batch":1,"kind"' dumped >/dev/null || fail "dump: $(head -1 dumped)"
[ "$(wc -l <dumped)" = 11 ] || fail "dump has $(wc -l <dumped) lines"

expect 0 "$weft" store compact one
[ -f one/snapshot-0000000002 ] && [ ! -f one/log-0000000001 ] || fail "compact left $(ls one)"
expect 0 "$weft" store export one
cmp -s in out || fail "it changed by compacting"
"$weft" store export one | "$weft" store import --quiet two || fail "through a pipe"
expect 0 "$weft" store export two
cmp -s in out || fail "the copy differs"

# a memory that is there is replaced, one that is deleted goes
cat >more <<END
{"kind":"delete","id":"00000000-0000-7000-8000-000000000003"}

{"kind":"delete_relationship","source":"$ann","target":"$ann"}
{"kind":"delete_task","id":"00000000-0000-7000-8000-000000000006"}
END
expect 0 "$weft" store import --quiet --file more two
[ ! -s out ] || fail "not quiet"
expect 0 "$weft" store export two
grep -q "000000000003\|relationship\|task" out && fail "it is still there"

# what is wrong with a line
for line in 'no json' '[]' '{"kind":"star"}' '{"kind":"world"}' '{"kind":"world","id":"7"}' '{"kind":"join","room":"'$room'"}' \
	'{"kind":"memory","room":"'$room'","type":"dream"}' '{"kind":"task","id":"'$ann'","status":"lost"}' \
	'{"kind":"relationship","source":"'$ann'"}' '{"kind":"relationship","source":"'$ann'","target":"'$ann'","strength":"much"}' \
	'{"kind":"embedding","id":"'$ann'","vector":["x"]}' \
	'{"kind":"memory","room":"'$room'","attachments":[{}]}' '{"kind":"embedding","id":"'$ann'","vector":[1,2,3]}'; do
	printf '%s\n' '{"kind":"world","id":"00000000-0000-7000-8000-000000000009"}' "$line" >bad
	expect 1 "$weft" store import --file bad two
	grep -q "bad:2: " said || fail "for $line it says: $(cat said)"
done

# output that cannot be written is named
expect 1 "$weft" store export --file none/out two
has said 'none/out: No such file'
if [ -w /dev/full ]; then
	for args in "store check two" "store dump two" "--help" "completion bash"; do
		# shellcheck disable=SC2086
		"$weft" $args >/dev/full 2>said && fail "$args: a full disk is a success"
		has said 'cannot write the output'
	done
fi

# the store
expect 1 "$weft" store check none
expect 1 "$weft" store export none
[ ! -e none ] || fail "export made a folder"
mkdir other && echo hi >other/letter
expect 1 "$weft" store import --file in other
expect 1 "$weft" store compact other
printf 'X' | dd of=one/snapshot-0000000002 bs=1 seek=4200 conv=notrunc 2>/dev/null
for command in check dump export compact; do
	expect 3 "$weft" store $command one
	grep -q "snapshot-0000000002: offset" said || fail "$command says: $(cat said)"
done

# the command line
for args in "" "check" "check one two" "check --file" "check --file in one" "compact --file in one" "shine one" "check --loud one"; do
	# shellcheck disable=SC2086
	expect 2 "$weft" store $args
done
expect 0 "$weft" store --help
grep -q "usage: weft store" out || fail "no help"
echo ok
