#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_plan_cli.sh WEFT
#
# Goal: `weft plan` does what its manual says with points from a file and with a simulated cluster, and its exit codes are those.
# Method: a file of a few points, written here; nothing is measured, so nothing depends on the machine.
set -eu
weft=$(realpath "$1")
. "$(dirname "$0")/cli.sh"
cd "$dir"

point() { # KIND WORKERS CPU_US [MORE]
	echo "{\"kind\":\"$1\",\"workers\":$2,\"cpu_us\":$3,\"done_per_s\":$((1000000 * $2 / $3)),\"busy\":1${4:-}},"
}

open=',"offered_per_s":%s,"added_ms":{"p50":%s,"p90":2,"p99":%s,"p999":6}'
cat >points.json <<EOF
{"schema_version":1,"kind":"weft plan","asked":{"model_ms":200,"tool_ms":5,"tools":2,"history":1000,"model_inline":false},
"measured":{"cores":2,"memory_gb":8,"wait_scale":1,"points":[
$(point closed 1 200) $(point closed 2 204) $(point closed 1 202) $(point closed 2 206) $(point closed 1 198) $(point closed 2 208)
$(point open 1 200 "$(printf "$open" 1000 1 3)") $(point open 1 200 "$(printf "$open" 4000 2 5)")
{"kind":"memory","workers":1,"bytes_per_agent":16384,"bytes_per_message":400,"base_mb":10}]}}
EOF

# 10,000/s of 4,854/s a core: 2.1 cores, and two machines of 2 cores at 70%
expect 0 "$weft" plan --from points.json --rate 10000 --slo p99=50ms --vm two:2,16,50 --vm big:16,64 --save saved.json --html page.html
has out "2 machines of 2 cores, 16 GB"
has out "\$100.00 a month"
has out " agents/s (95%: "
has out "16 cores are 8.0 times the 2 that were measured"
has out "coherency is not"
has page.html "</html>"
expect 0 "$weft" plan --from saved.json --rate 10000 --vm two:2,16,50 --json
has out '"count": 2'
expect 1 "$weft" plan --from points.json --rate 10000 --vm big:16,64
has out "no answer"
expect 0 "$weft" plan --from points.json --rate 10000 --vm big:16,64 --force
has out "16 cores are 8.0 times"
expect 0 "$weft" plan --from points.json --rate 1
has out "0.0002 busy"
expect 1 "$weft" plan --from points.json --rate 10000 --slo p99=1ms --vm two:2,4
has out "without any load"

# a host on which something else ran
sed 's/"busy":1/"busy":0.2/g' points.json >busy.json
expect 1 "$weft" plan --from busy.json --rate 10000 --vm two:2,16
has out "no answer"
has out "got 20% of their cores"
expect 0 "$weft" plan --from busy.json --rate 10000 --vm two:2,16 --force
has out "refused without --force"
expect 1 "$weft" plan --from points.json --rate 10000 --slo p99=1ms --vm two:2,4 --force

# files and options that are wrong
echo '{"kind":"weft plan","schema_version":1,"measured":{}}' >bad.json
expect 2 "$weft" plan --from bad.json --rate 1
has said "bad.json: asked: model_ms"
expect 2 "$weft" plan --from missing.json --rate 1
has said "missing.json"
expect 2 "$weft" plan --simulate --from missing.json --rate 1
has said "missing.json"
expect 2 "$weft" plan
has said "--rate is missing"
expect 2 "$weft" plan --rate 1 --vm two:2
has said "--vm: 'two:2'"
expect 2 "$weft" plan --rate 1 --from points.json --check
expect 2 "$weft" plan --rate 1 --simulate --html page.html
expect 2 "$weft" plan --rate 1 --from points.json --machines 3
has said "want --simulate"
expect 2 "$weft" plan --rate 1 --from points.json --balance least

# a cluster: the same seed, the same bytes; another, others
simulate() {
	expect 0 "$weft" plan --simulate --rate 20000 --machines 5 --cores 2 --service-us 400 --agents 20000 --json "$@"
}
simulate
cp out first
simulate
cmp -s out first || fail "one seed gave two answers"
simulate --seed 2
! cmp -s out first || fail "two seeds gave one answer"
simulate --fail 2@0.5 --balance least
has out '"done": 20000'
! grep -qF '"begun_anew": 0' out || fail "nobody was on the machines that failed"
expect 0 "$weft" plan --simulate --rate 5000 --cores 1 --service-us 400 --agents 1000
has out "over capacity"
has out "wants 2.00 times the cores"
expect 0 "$weft" plan --simulate --rate 2000 --cores 1 --service-us 400 --agents 1000
! grep -q "over capacity" out || fail "80% are over capacity"
expect 0 "$weft" plan --simulate --from points.json --rate 5000 --machines 2 --cores 4 --agents 10000
has out "GB on the fullest machine"
