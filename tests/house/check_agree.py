#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: scripts/agree counts as agreeing what overlaps, and says by its exit status whether enough does."""
import json
import pathlib
import subprocess
import sys
import tempfile

AGREE = pathlib.Path(sys.argv[1]) / 'scripts' / 'agree'
failed = 0


def result(rows, fingerprint='0' * 16):
    return {'system': {'fingerprint': fingerprint},
            'scenarios': {key: {'rounds': rounds, 'latency': {'median_ms': median, 'median_ci95_ms': [low, high]}}
                          for key, (median, low, high, rounds) in rows.items()}}


def check(what, a, b, status, needle, *options):
    global failed
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ('a.json', 'b.json')]
        for path, content in zip(paths, (a, b)):
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding='utf-8')
        done = subprocess.run([sys.executable, AGREE, *options, *paths], capture_output=True, text=True, check=False)
    if done.returncode != status or needle not in done.stdout + done.stderr:
        failed += 1
        print(f'{what}: status {done.returncode}, not {status}, or no "{needle}" in:\n{done.stdout}{done.stderr}')


same = result({'x': (10, 9, 11, 3), 'y': (5, 4, 6, 3)})
near = result({'x': (12, 11, 13, 3), 'y': (5, 4, 6, 3), 'only here': (1, 1, 1, 3)})
far = result({'x': (20, 19, 21, 3), 'y': (5, 4, 6, 3)})
check('one file twice', same, same, 0, '100.0% of 2 rows agree')
check('ends that touch', same, near, 0, '100.0% of 2 rows agree')
check('one apart', same, far, 1, 'x                                   100.0% apart')
check('one apart, half is enough', same, far, 0, '50.0% of 2', '--share', '50')
check('of one process beside others', result({'x': (10, 9, 11, 1), 'y': (5, 4, 6, 3)}), result({'x': (20, 19, 21, 1), 'y': (5, 4, 6, 2)}), 0,
      '100.0% of 1 rows agree, 0.0% of 1 that one process')
check('of one process alone', result({'x': (10, 9, 11, 1)}), result({'x': (10, 9, 11, 3)}), 2, 'share 1 rows, none of them')
check('other machines', same, result({'x': (10, 9, 11, 3)}, 'f' * 16), 1, 'machines differ')
check('no JSON', same, '{', 2, 'agree:')
check('no result', same, '[]', 2, 'b.json: no result of the bench')
check('nothing in common', same, result({'z': (1, 1, 1, 3)}), 2, 'no row')
sys.exit(1 if failed else 0)
