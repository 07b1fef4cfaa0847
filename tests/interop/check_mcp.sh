#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_mcp.sh PROBE FOLDER: servers and scenarios of the Model Context Protocol's own people, from npm.
#
# They are installed into FOLDER (of the build) once. Where node or npm or the registry is missing, it is
# skipped and says why.
set -eu
probe=$(realpath "$1")
folder=$2
self=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
wanted='@modelcontextprotocol/server-everything@2026.8.31 @modelcontextprotocol/server-memory@2026.8.31
	@modelcontextprotocol/server-filesystem@2026.8.31 @modelcontextprotocol/conformance@0.1.16 node@22.23.3'

skip()
{
	echo "skipped: $1"
	exit 77
}

fail()
{
	echo "FAILED: $1"
	exit 1
}

command -v node > /dev/null || skip 'there is no node'
command -v npm > /dev/null || skip 'there is no npm'
mkdir -p "$folder"
cd "$folder"
if [ ! -e installed ]; then
	# shellcheck disable=SC2086
	timeout 240 npm install --no-audit --no-fund --prefix . $wanted > npm.log 2>&1 || skip "npm could not install: $(tail -n 1 npm.log)"
	touch installed
fi
servers=$folder/node_modules/@modelcontextprotocol
conformance=$servers/conformance/dist/index.js
[ -x node_modules/node/bin/node ] && PATH=$folder/node_modules/node/bin:$PATH

# expect WHAT FILE TEXT...: each text stands in the file.
expect()
{
	what=$1
	file=$2
	shift 2
	for text in "$@"; do
		grep -qF -- "$text" "$file" || { cat "$file"; fail "$what: not there: $text"; }
	done
	echo "ok: $what"
}

everything()
{
	"$probe" info tools call echo '{"message":"hi there"}' call get-sum '{"a":1,"b":2}' call get-sum '{"a":"x","b":2}' \
		call trigger-elicitation-request '{}' call trigger-sampling-request '{"prompt":"p","maxTokens":10}' \
		call trigger-long-running-operation '{"duration":1,"steps":4}' progress questions call get-tiny-image '{}' \
		call get-structured-content '{"location":"New York"}' call get-resource-reference '{"resourceType":"Text","resourceId":1}' \
		request prompts/list '{}' request prompts/get '{"name":"simple-prompt"}' request resources/templates/list '{}' \
		request resources/read '{"uri":"demo://resource/dynamic/text/1"}' request ping '{}' \
		request completion/complete '{"ref":{"type":"ref/prompt","name":"completable-prompt"},"argument":{"name":"department","value":"E"}}' \
		request no/such/method '{}' -- "$@" > everything.out 2> everything.err || { cat everything.err; fail "everything: $1"; }
	expect "everything: $1" everything.out 'server mcp-servers/everything' 'tool echo' 'tool trigger-sampling-request' \
		'ok Echo: hi there' 'ok The sum of 1 and 2 is 3.' "failed Error: invalid arguments for tool 'get-sum': at /a" \
		'It was a dark and stormy night.' 'a sample' 'Long running operation completed' 'progress 4' 'questions 2' \
		'[image: image/png, ' 'ok {"temperature":33' '[resource demo://resource/dynamic/text/1]' '{"prompts":[{"name":"simple-prompt"' \
		'This is a simple prompt without arguments.' '{"resourceTemplates":[' '"contents":[{"uri":"demo://resource/dynamic/text/1"' \
		'ok {}' '"values":["Engineering"]' 'EREMOTEIO '
}

# A port of the kernel's choice, held until the end: it is bound, so it is given to nobody else, and not listened at, so a server that says
# SO_REUSEADDR, as node does, may have it, and again when it was restarted.
hold_port()
{
	rm -f port
	python3 -c 'import signal, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
signal.pause()' > port &
	holder=$!
	while [ ! -s port ]; do # meson ends a test that waits for ever
		kill -0 $holder || fail 'no port can be had'
		sleep 0.05
	done
	port=$(cat port)
}

# start_server PORT: 0 when it listens.
start_server()
{
	: > server.log # now: the shell of the next line may do so later, and a word of the last server would count
	PORT=$1 node "$servers/server-everything/dist/index.js" streamableHttp > server.log 2>&1 &
	echo $! > server.pid
	waited=0
	while [ $waited -lt 600 ]; do
		grep -q 'listening on port' server.log && return 0
		kill -0 "$(cat server.pid)" 2> /dev/null || break
		sleep 0.1
		waited=$((waited + 1))
	done
	echo "the server on port '$1' did not start: $(kill -0 "$(cat server.pid)" 2>&1 && echo 'it runs, and does not listen')"
	cat server.log
	kill "$(cat server.pid)" 2> /dev/null || true
	return 1
}

stop_server()
{
	kill "$(cat server.pid)" "$holder" 2> /dev/null || true
}

everything_over_http()
{
	hold_port
	trap stop_server EXIT
	start_server "$port" || fail 'the server over HTTP did not start'
	everything "http://127.0.0.1:$port/mcp"
	grep -q 'Received session termination request' server.log || { cat server.log; fail 'the session was not ended by DELETE'; }
	echo 'ok: the session was ended'
	"$probe" call echo '{"message":"before"}' run "sh $self $probe $folder restart $port" call echo '{"message":"after"}' \
		-- "http://127.0.0.1:$port/mcp" > restart.out 2> restart.err || { cat restart.err; fail 'a restarted server'; }
	expect 'a restarted server, which has forgotten the session' restart.out 'ok Echo: before' 'run 0' 'ok Echo: after'
	stop_server
	trap - EXIT
}

# scenario NAME STEP...
scenario()
{
	name=$1
	shift
	rm -rf results
	if ! timeout 170 node "$conformance" client --timeout 160000 --command "$probe $* --" --scenario "$name" > scenario.log 2>&1; then
		cat scenario.log
		fail "conformance: $name"
	fi
	if grep -q 'WARNING' scenario.log; then
		grep -A 2 'Warning' scenario.log
	fi
	echo "ok: conformance $name"
}

# The scenario names a pause of half a second and fails who is 0.2 s late. That measures the machine: here one may be a minute late.
# Who takes a pause of his own is found by being early, so the pause that is named is longer than any that is taken without one.
patient()
{
	sed -e 's/this\.retryValue=500,/this.retryValue=3000,/' -e 's/this\.LATE_TOLERANCE=200,/this.LATE_TOLERANCE=60000,/' \
		-e 's/this\.VERY_LATE_MULTIPLIER=2}/this.VERY_LATE_MULTIPLIER=20}/' "$servers/conformance/dist/index.js" > patient.mjs
	[ "$(grep -o -e 'this\.retryValue=3000,' -e 'this\.LATE_TOLERANCE=60000,' -e 'this\.VERY_LATE_MULTIPLIER=20}' patient.mjs | wc -l)" = 3 ] ||
		fail 'the scenario of pauses is not the one that was known'
	conformance=patient.mjs
	scenario "$@"
	conformance=$servers/conformance/dist/index.js
}

# All of auth/*, several at a time. One is known to fail: it trades tokens of a company's own identity provider.
authorization()
{
	command -v curl > /dev/null || { echo 'skipped: the scenarios of authorization need curl'; return 0; }
	export MCP_PROBE_OPEN='curl -s -o /dev/null -w %{redirect_url}'
	printf 'client:\n  - auth/cross-app-access-complete-flow\n' > known.yml
	for name in auth backcompat extensions draft; do
		timeout 170 node "$conformance" client --timeout 160000 --command "$probe tools call test-tool '{}' --" --suite "$name" \
			--expected-failures known.yml > suite.log 2>&1 || { cat suite.log; fail "conformance: authorization, $name"; }
		echo "ok: conformance authorization, $name: $(grep '^Total:' suite.log)"
	done
}

# Called by the probe, from above.
if [ "${3-}" = restart ]; then
	pid=$(cat server.pid)
	kill -9 "$pid"
	while [ -n "$(ls "/proc/$pid/fd" 2> /dev/null)" ]; do # its connections end when it has gone, a moment later
		sleep 0.05
	done
	start_server "$4"
	exit
fi

everything node "$servers/server-everything/dist/index.js" stdio

mkdir -p files
echo 'a line of text' > files/a.txt
"$probe" info call read_text_file "{\"path\":\"$folder/files/a.txt\"}" call read_text_file '{"path":"/etc/passwd"}' \
	-- node "$servers/server-filesystem/dist/index.js" "$folder/files" > files.out 2> files.err || { cat files.err; fail filesystem; }
expect filesystem files.out 'server secure-filesystem-server' 'failed Error: tool' 'Access denied'

rm -f memory.jsonl
"$probe" info call create_entities '{"entities":[{"name":"Ann","entityType":"person","observations":["likes tea"]}]}' \
	call search_nodes '{"query":"tea"}' -- env "MEMORY_FILE_PATH=$folder/memory.jsonl" node "$servers/server-memory/dist/index.js" > memory.out 2> memory.err || { cat memory.err; fail memory; }
expect memory memory.out 'server memory-server' '"name": "Ann"' '"relations": []'

everything_over_http

case $(node --version) in
v22*|v23*|v24*)
	scenario initialize
	scenario tools_call call add_numbers "'{\"a\":5,\"b\":3}'"
	scenario elicitation-sep1034-client-defaults call test_client_elicitation_defaults "'{}'"
	patient sse-retry call test_reconnection "'{}'"
	authorization
	;;
*)
	echo 'skipped: the conformance scenarios need node 22'
	;;
esac
