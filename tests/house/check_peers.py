#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_peers.py SOURCE_ROOT WORK_FOLDER

Goal: what scripts/peers prints follows from what the programs said, and one that fails spoils nothing. Method:
bench/peers/peers.py over runtimes made of small shell programs: good figures, malformed ones, exit statuses, one that
is not there; the table, the summary, the result file and the exit status are compared.
"""
import contextlib
import fnmatch
import io
import json
import os
import pathlib
import sys
import unittest
import unittest.mock

ROOT, WORK = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'bench/peers'))
import agents  # noqa: E402
import peers  # noqa: E402
import vectors  # noqa: E402


class Fake:
    """Says for each item and number of workers what the script says."""

    def __init__(self, name, script, builds=True):
        self.name, self.script, self.builds = name, script, builds

    def version(self):
        return self.name + ' 1.0'

    def build(self, work, run):
        if not self.builds:
            raise OSError(f'{self.name} is not installed')

    def command(self, item, workers, repetitions, work):
        return ['sh', '-c', self.script, self.name, item, str(workers), str(repetitions)]


def says(item, *values):
    return f'echo \'{{"item":"{item}","unit":"ns","values":[{",".join(map(str, values))}],"peak_rss_mb":1.5}}\''


class Suite:
    ITEMS = ['a', 'b', 'wide']

    def __init__(self, *fakes):
        self.fakes = list(fakes)

    def runtimes(self, _weft):
        return self.fakes

    @staticmethod
    def workers_of(item, workers):
        return [w for w in workers if item != 'wide' or w == 2]


def run(suite, *options):
    """(exit status, what was printed, the result)"""
    peers.SUITES['actors'] = suite
    path = WORK / 'peers-test.json'
    path.unlink(missing_ok=True)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = peers.main(['actors', '--weft', '/bin/true', '--work', str(WORK / 'peers-test'), '--json', str(path), *options])
    return status, out.getvalue(), json.loads(path.read_text())


OURS = Fake('weft', f'case $1 in a) {says("a", 10, 30, 20)};; b) {says("b", 8)};; *) {says("wide", 5)};; esac')


class Peers(unittest.TestCase):
    def test_table_and_result(self):
        other = Fake('go', f'case $1 in a) {says("a", 60)};; b) {says("b", 4)};; *) exit 3;; esac')
        status, text, result = run(Suite(OURS, other), '--rounds', '2')
        rows = {tuple(line.split()[:2]): line.split() for line in text.splitlines() if line[:1] in 'abw' and len(line.split()) > 4}
        self.assertEqual(status, 0)
        self.assertEqual(rows['a', '1'][3:], ['20.0*', '60.0', '3.0', 'x'])
        self.assertEqual(rows['b', '2'][3:], ['8.00', '4.00*', '0.5', 'x'])
        self.assertEqual(rows['wide', '2'][3:], ['5.00*', '-', '-'])
        self.assertNotIn(('wide', '1'), rows)
        self.assertIn('first in 2 of 4 rows, by 2 x or more in 2; not in: b on 1, b on 2', text)
        row = next(r for r in result['rows'] if (r['item'], r['workers']) == ('a', 1))
        self.assertEqual(row['runtimes']['weft'], {'median': 20, 'values': [10, 30, 20, 10, 30, 20], 'peak_rss_mb': 1.5})
        self.assertEqual((row['best'], row['ratio']), ('weft', 3))
        self.assertEqual(result['runtimes'], {'weft': 'weft 1.0', 'go': 'go 1.0'})
        self.assertIn({'item': 'wide', 'workers': 2, 'runtime': 'go', 'why': 'does not have it'}, result['failed'])

    def test_a_peer_that_fails_is_left_out(self):
        broken = Fake('caf', 'echo "segmentation fault" >&2; exit 139')
        lies = Fake('go', 'echo \'{"item":"a","unit":"ns","values":[]}\'')
        absent = Fake('erlang', '', builds=False)
        status, text, result = run(Suite(OURS, broken, lies, absent), '--quick', '--items', 'a', '--workers', '1')
        self.assertEqual(status, 0)
        self.assertIn('a on 1, caf: exit status 139: segmentation fault', text)
        self.assertIn('a on 1, go: not a figure', text)
        self.assertIn('erlang is not in the table: erlang is not installed', text)
        self.assertEqual(result['missing'], {'erlang': 'erlang is not installed'})
        self.assertEqual(list(result['rows'][0]['runtimes']), ['weft'])

    def test_interrupted(self):
        cut = Fake('go', says('a', 60))
        cut.command = self.interrupt
        status, text, result = run(Suite(OURS, cut), '--items', 'a', '--workers', '1')
        self.assertEqual(status, 130)
        self.assertIn('interrupted', text)
        self.assertEqual(list(result['rows'][0]['runtimes']), ['weft'])

    @staticmethod
    def interrupt(*_):
        raise KeyboardInterrupt

    def test_who_is_extra_is_asked_for(self):
        extra = Fake('tbb', says('a', 1))
        extra.extra = True
        for options, names in (([], ['weft']), (['--runtimes', 'weft,tbb'], ['weft', 'tbb'])):
            _, _, result = run(Suite(OURS, extra), '--quick', '--items', 'a', '--workers', '1', *options)
            self.assertEqual(list(result['runtimes']), names)

    def test_ours_that_fails_is_an_error(self):
        status, text, _ = run(Suite(Fake('weft', 'exit 1'), Fake('go', says('a', 1))), '--quick', '--items', 'a', '--workers', '1')
        self.assertEqual(status, 1)
        self.assertIn('a on 1, weft: exit status 1', text)

    def test_wrong_options(self):
        for options in (['--workers', '0'], ['--workers', 'two'], ['--rounds', '0'], ['--items', 'no*'], ['--runtimes', 'weft,perl']):
            with self.assertRaises(SystemExit) as left:
                run(Suite(OURS), *options)
            self.assertEqual(left.exception.code, 2, options)

    def test_malformed_lines(self):
        for text in ('{"item":"a"}', '{"item":"a","unit":"ns","values":["x"]}', '{"item":"a","unit":"ns","values":[-1]}', '{'):
            with self.assertRaises(peers.Failed, msg=text):
                peers.figures(text)
        self.assertEqual(peers.figures('noise\n{"item":"a","unit":"us","values":[1]}'), {'a': {'values': [1.0], 'unit': 'us', 'peak_rss_mb': None, 'recall': None}})
        self.assertEqual(peers.figures('{"item":"a","why":"too hard"}'), {'a': {'why': 'too hard'}})


def run_all(suites, *options):
    """(exit status, what was printed) of all suites"""
    out = io.StringIO()
    with unittest.mock.patch.object(peers, 'SUITES', suites), contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = peers.main(['all', '--weft', '/bin/true', '--work', str(WORK / 'peers-all'), '--quick', '--workers', '1', *options])
    return status, out.getvalue()


class All(unittest.TestCase):
    def test_one_summary_and_one_status(self):
        good, bad = Suite(OURS, Fake('go', says('a', 60))), Suite(Fake('weft', 'exit 1'), Fake('erlang', '', builds=False))
        status, text = run_all({'actors': good, 'io': bad}, '--items', 'a')
        self.assertEqual(status, 1)
        self.assertIn('\n  actors: weft is first in 1 of 1 rows', text)
        self.assertIn('\n  io: nothing was measured; without erlang; weft failed an item', text)

    def test_a_suite_without_what_was_asked_for_is_left_out(self):
        suites = {'actors': Suite(OURS, Fake('go', says('a', 60))), 'io': Suite(Fake('curl', says('a', 1)))}
        status, text = run_all(suites, '--items', 'a', '--runtimes', 'weft,go')
        self.assertEqual(status, 0)
        self.assertIn('io: left out: no such runtime: go, weft', text)
        self.assertEqual(run_all(suites, '--items', 'no*')[0], 2)

    def test_what_it_does_at_the_end_counts(self):
        def finish(ready, _work, _run):
            yield f'written for {ready[0].name}'
            raise peers.Failed('the disk is full')

        suite = Suite(OURS)
        suite.finish = finish
        status, text = run_all({'actors': suite}, '--items', 'a')
        self.assertEqual(status, 1)
        self.assertIn('written for weft', text)


class Agents(unittest.TestCase):
    def test_items_that_a_runtime_does_not_have_are_not_asked_for(self):
        peer = Fake('go', 'echo "asked" >&2; exit 9')
        peer.items = ['b']
        _, text, result = run(Suite(OURS, peer), '--quick', '--items', 'a', '--workers', '1')
        self.assertNotIn('asked', text)
        self.assertEqual(result['failed'], [])

    def test_figures_are_kept_round_by_round(self):
        node = agents.Node('plain', agents.LOOPS, None, ['loop.mjs', 'plain'])
        line = {'id': 'agent-no-tools', 'entry': {'latency': {'raw_ms': [0.001, 0.002]}, 'resources': {'memory_rss_peak_mb': 70}}}
        found = node.figures('agent-no-tools', 'noise\n' + json.dumps(line), WORK)
        self.assertEqual(found['agent-no-tools'], {'values': [1, 2], 'unit': 'us', 'peak_rss_mb': 70})
        node.figures('agent-no-tools', json.dumps(line), WORK)
        self.assertEqual(node.figures('agent-1-tool', '{"id":"agent-1-tool","why":"it answered"}', WORK), {'agent-1-tool': {'why': 'it answered'}})
        with self.assertRaises(ValueError):
            node.figures('agent-1-tool', 'nothing', WORK)
        like = {'system': {'os': 'Linux', 'runtime_version': 'weft'}, 'timestamp': 'then'}
        first, second = (agents.result_of(node, like, n)['scenarios'] for n in (0, 1))
        self.assertEqual((list(first), list(second)), (['agent-no-tools', 'agent-1-tool'], ['agent-no-tools']))
        self.assertEqual(first['agent-1-tool']['error'], 'it answered')
        self.assertEqual(agents.result_of(node, like, 0)['system'], {'os': 'Linux', 'runtime_version': 'node'})

    def test_items_are_scenarios_of_weft(self):
        known = {s['id'] for s in json.loads((ROOT / 'bench/scenarios.json').read_text())['scenarios']}
        self.assertEqual(set(agents.MESSAGES) - known, set())


class Vectors(unittest.TestCase):
    def test_recall_stands_beside_the_time(self):
        text = '{"item":"search","unit":"us","values":[%s],"recall":%s}'
        ours = Fake('weft', f"echo '{text % (10, 0.953)}'; echo '{text % (20, 0.951)}' | sed s/search/other/")
        peer = Fake('hnswlib', f"echo '{text % (30, 0.96)}'; echo '{{\"item\":\"other\",\"why\":\"recall 0.43\"}}'")
        status, text, result = run(Suite(ours, peer), '--quick', '--items', 'a', '--workers', '1')
        self.assertEqual(status, 0)
        self.assertRegex(text, r'search +1 +us +10\.0\* \(0\.953\) +30\.0 \(0\.960\) +3\.0 x')
        self.assertIn('In brackets: recall.', text)
        self.assertIn('other on 1, hnswlib: recall 0.43', text)
        self.assertEqual([r['runtimes']['weft']['recall'] for r in result['rows']], [0.953, 0.951])

    def test_sets_that_are_not_there_are_left_out(self):
        folder = WORK / 'peers-sets'
        (folder / 'sift128').mkdir(parents=True, exist_ok=True)
        (folder / 'sift128/query.gt').touch()
        with unittest.mock.patch.dict(os.environ, {'WEFT_DATA': str(folder)}):
            self.assertEqual([i for i in vectors.ITEMS if vectors.workers_of(i, [1, 2])], ['kernel', 'exact', 'sift128', 'made768'])
            self.assertIn('notes384 is left out: its set is not there', list(vectors.notes()))
        with unittest.mock.patch.dict(os.environ, {'WEFT_DATA': ''}):
            self.assertEqual(vectors.data(), (ROOT / 'tests/data').resolve())
            self.assertEqual(vectors.workers_of('notes384', [1, 2]), [1, 2])
            self.assertEqual(vectors.workers_of('mixed', [1, 2]), [2])
            self.assertEqual(vectors.workers_of('exact', [1, 2]), [1])

    def test_figures_of_weft(self):
        def entry(unit, raw_ms, **more):
            return {'unit': unit, 'latency': {'raw_ms': raw_ms}, 'resources': {'memory_rss_peak_mb': 9}, **more}

        weft = vectors.Weft('weft')
        (WORK / 'weft.json').write_text(json.dumps({'scenarios': {
            'memory-sift128-search-95': entry('us', [0.01, 0.02], recall=0.96),
            'memory-sift128-bytes': entry('bytes', [1], bytes=700),
            'memory-mixed': entry('us', [0.001 * n for n in range(100)]),
            'memory-replace': entry('us', [0.2], recall=0.99, lost=2),
            'memory-repeated': entry('us', [0.2], recall=0.75),
            'memory-sift128-search-99': entry('us', [], error='recall 0.98')}}))
        found = weft.figures('sift128', '', WORK)
        self.assertEqual(found['sift128-search-95'], {'values': [10, 20], 'unit': 'us', 'peak_rss_mb': 9, 'recall': 0.96})
        self.assertEqual(found['sift128-bytes']['values'], [700])
        self.assertEqual(found['sift128-search-99'], {'why': 'recall 0.98'})
        self.assertEqual((found['mixed-p50']['values'], found['mixed-p99']['values']), ([50], [99]))
        self.assertEqual(found['replace-lost']['values'], [2])
        self.assertEqual(found['repeated-search']['recall'], 0.75)
        self.assertEqual(found['repeated-missed']['values'], [250])
        self.assertEqual(weft.entries('sift128', 1), 'memory-sift128-*')
        for name, there in (('build', True), ('search-95', True), ('search-99', True), ('bytes', False), ('save', False), ('open', False)):
            self.assertEqual(fnmatch.fnmatch(f'memory-sift128-{name}', weft.entries('sift128', 2)), there, name)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
