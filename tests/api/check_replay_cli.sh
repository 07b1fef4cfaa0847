#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_replay_cli.sh WEFT RECORDING APPROVALS APPROVALS-VERSION-1
#
# Goal: `weft replay` does what its manual says, and its exit codes are those.
# Method: a recording that is kept, as it is, changed, cut off, of another version.
set -eu
weft=$(realpath "$1")
recording=$(realpath "$2")
approvals=$(realpath "$3")
older=$(realpath "$4")
. "$(dirname "$0")/cli.sh"
cd "$dir"

expect_text 0 'replayed 3 runs, 15 exchanges: identical' "$weft" replay "$recording"
expect_text 0 '' "$weft" replay --quiet "$recording"
[ ! -s out ] || fail '--quiet says something'
expect_text 2 "no FILE" "$weft" replay
expect_text 2 "unknown option '--unheard'" "$weft" replay --unheard "$recording"
expect_text 0 usage: "$weft" replay --help
expect_text 3 none.jsonl "$weft" replay none.jsonl

sed '5s/Let me see/Let us see/' "$recording" >changed.jsonl
expect_text 1 'changed.jsonl:10: step 4: messages/0/content: recorded "Let me see.", now "Let us see."' "$weft" replay changed.jsonl
grep -q '3 runs, .*: 1 run differs' out || fail 'it did not count the runs'

# what a recording says moves no cursor: ESC [2J, U+009B, U+202E
sed '5s/Let me see/\\u001b[2J\\u009b2J\\u202eLet us see/' "$recording" >odd.jsonl
expect_text 1 'recorded "' "$weft" replay odd.jsonl
grep -qF 'Let us see' out || fail 'it did not show the text'
! LC_ALL=C grep -q "$(printf '\033')\\|$(printf '\302\233')\\|$(printf '\342\200\256')" out || fail 'a recording commands the terminal'
sed '2s/"name":"Ada"/"name":"Ada\\u001b[2J"/; 3s/"agent":1/"agent":"\\u001b[2J"/' "$recording" >odd.jsonl
"$weft" replay odd.jsonl >out 2>&1 || true
! LC_ALL=C grep -q "$(printf '\033')" out || fail 'an unreadable recording commands the terminal'

echo '{"name":"Ada","system":"Be curt.","bio":"Ada."}' >ada.json
expect_text 1 'messages/0/content: recorded "You test.", now "Be curt."' "$weft" replay --agent ada.json "$recording"
echo '{"name":"Bob","system":"Be curt.","bio":"Bob."}' >bob.json
expect_text 3 "no agent of the recording is named 'Bob'" "$weft" replay --agent bob.json "$recording"
expect_text 3 ada.jsn "$weft" replay --agent ada.jsn "$recording"

head -n 20 "$recording" >part.jsonl
expect_text 3 'part.jsonl:20: the recording was not closed' "$weft" replay part.jsonl
has out '--partial takes the runs that are whole'
head -n 2 "$recording" >none-whole.jsonl
expect_text 3 'none-whole.jsonl: no whole run is in it: nothing was compared' "$weft" replay --partial none-whole.jsonl
expect_text 0 'replayed 1 run, 5 exchanges: identical' "$weft" replay --partial part.jsonl
grep -q '1 run left out' out || fail 'it did not count what was left out'
head -c 3000 "$recording" >cut.jsonl
expect_text 3 'the file is cut off in the middle of a line' "$weft" replay cut.jsonl
sed '1s/"version":1/"version":9/' "$recording" >newer.jsonl
expect_text 3 'a recording of version 9; this weft reads versions 1 to 2' "$weft" replay newer.jsonl

# runs that ask: shown, and replayed without anybody being asked
expect_text 0 'replayed 4 runs, 4 exchanges: identical' "$weft" replay "$approvals"
expect_text 0 "3  permit  look {}: allow by rule 'default'" "$weft" replay --look "$approvals"
for text in "permit  act {\"what\":\"paint\"}: ask by rule 'act': it changes things" \
	"permit  shred {}: deny by rule 'shred'" 'for approval of act {"what":"paint"}' \
	'act: approved by anna at 2026-11-21 13:58:49Z: less of it, with {"what":"chalk"}' \
	'tool    act {"what":"chalk"} -> acted' 'EAGAIN: 1 approval is open'; do
	grep -qF "$text" out || { cat out; fail "--look did not show: $text"; }
done
echo '{"otherwise":"allow","rules":[{"tool":"look","permit":"deny"},{"tool":"act","permit":"ask","why":"it changes things"}]}' >rules.json
expect_text 1 "approvals.jsonl:7: step 3: of tool 'look': recorded allow by rule 'default', now deny by rule 'look'" \
	"$weft" replay --permissions rules.json "$approvals"
echo '{"otherwise":"perhaps"}' >rules.json
expect_text 3 'rules.json: "otherwise" is "allow", "ask" or "deny", not "perhaps"' "$weft" replay --permissions rules.json "$approvals"
echo '{"otherwise":"allow","rules":[{"tool":"look","permit":"denied"}]}' >rules.json
expect_text 3 'rules.json: permissions: rule 1:' "$weft" replay --permissions rules.json "$approvals"

# version 1 knew nothing of them: it is read, and what it cannot repeat is left out
expect_text 0 'run 3 of clerk, line 11: not whole in the file' "$weft" replay --look "$older"
expect_text 0 'end     WEFT_EAPPROVAL' "$weft" replay --look "$older"
echo 'replay: as the manual says'
