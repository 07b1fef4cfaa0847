#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_mock_llm.sh WEFT FOLDER: `weft mock-llm` as others see it: curl, and the SDKs of OpenAI and Anthropic from npm.
#
# They are installed into FOLDER (of the build) once. Where curl, node, npm or the registry is missing, that part is left out,
# and says why; with nothing left the test is skipped.
set -eu
weft=$(realpath "$1")
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
wanted='openai@7.57.0 @anthropic-ai/sdk@1.12.0'
ran=0

fail()
{
	echo "FAILED: $1"
	exit 1
}

left_out()
{
	echo "left out: $1"
}

mkdir -p "$folder"
cd "$folder"
rm -f mock.log
"$weft" mock-llm --workers 2 --fixture "$here/mock_llm/fixture.json" --api-key sk-mock --seed 7 > mock.log &
mock=$!
trap 'kill $mock 2> /dev/null || true' EXIT
while [ ! -s mock.log ]; do # meson ends a test that waits for ever
	kill -0 $mock 2> /dev/null || fail 'it did not start'
	sleep 0.1
done
url=$(head -n 1 mock.log)

with_curl()
{
	curl --fail --silent "${url%/v1}/health" | grep -q '"ok"' || fail 'curl: health'
	[ "$(curl --silent --head --output /dev/null --write-out '%{http_code}' "$url/models")" = 200 ] || fail 'curl: HEAD'
	# A body of 1 MiB, for which curl first asks with Expect: 100-continue.
	head -c 1048576 /dev/zero | tr '\0' x > big
	printf '{"model":"m","messages":[{"role":"user","content":"%s"}]}' "$(cat big)" > big.json
	curl --fail --silent -H 'Authorization: Bearer sk-mock' -H 'Expect: 100-continue' --data-binary @big.json "$url/chat/completions" > big.out ||
		fail 'curl: a large body'
	[ "$(wc -c < big.out)" -gt 1048576 ] || fail 'curl: a large answer'
	# Two requests of one connection.
	[ "$(curl --silent --write-out '%{num_connects}\n' --output one --output two "$url/models" "$url/models" | tail -n 1)" = 0 ] ||
		fail 'curl: the connection was not kept'
	echo 'ok: curl'
	ran=1
}

with_sdks()
{
	if [ ! -e installed ]; then
		# shellcheck disable=SC2086
		timeout 240 npm install --no-audit --no-fund --ignore-scripts --prefix . $wanted > npm.log 2>&1 || {
			left_out "the SDKs: npm could not install: $(tail -n 1 npm.log)"
			return
		}
		touch installed
	fi
	cp "$here"/mock_llm/*.mjs .
	node openai.mjs "$url" || fail 'openai SDK'
	node anthropic.mjs "${url%/v1}" || fail 'Anthropic SDK'
	ran=1
}

if command -v curl > /dev/null; then with_curl; else left_out 'curl: it is not installed'; fi
if command -v node > /dev/null && command -v npm > /dev/null; then with_sdks; else left_out 'the SDKs: no node or npm'; fi
kill $mock
wait $mock || fail "exit status $?"
trap - EXIT
grep -q ' requests on ' mock.log || fail 'no figures at the end'
tail -n 1 mock.log
[ $ran = 1 ] || { echo 'skipped: nothing to ask with'; exit 77; }
