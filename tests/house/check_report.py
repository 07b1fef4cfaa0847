#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_report.py WEFT [WORK_FOLDER]

Goal: `weft report` makes one page that needs nothing from anywhere, shows every chart, says nothing to the console and fits a
phone and a desk; what strangers wrote into a result is text on it; an earlier run is in the trend.
Method: made-up results with every part, among them names that would be markup; the page is read as text, and by a headless
Chromium at two widths, light and dark. Without a Chromium that part is skipped, and it is said.
"""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

EVIL = '<img src=x onerror=alert(1)>"\'&'
SECTIONS = ['summary', 'workers', 'load', 'stages', 'sizes', 'memory', 'published', 'peers', 'entries']
# Runs in the page: opens all there is, then says what a reader would see.
PROBE = '''<script>
document.querySelectorAll('details').forEach(function (d) { d.open = true; });
const small = Array.from(document.querySelectorAll('.chart svg')).filter(function (s) { return s.getBoundingClientRect().height < 100; });
const said = document.createElement('pre');
said.id = 'probe';
said.textContent = JSON.stringify({ wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
	charts: document.querySelectorAll('.chart svg').length, titled: document.querySelectorAll('.chart circle title, .chart path title').length, small: small.length,
	background: getComputedStyle(document.body).backgroundColor });
document.body.appendChild(said);
</script>'''


def entry(ms, **more):
    raw = [ms * (0.9 + 0.02 * (i % 10)) for i in range(30)]
    stages = {k + '_avg_ms': ms / 10 for k in ('compose_state', 'provider_execution', 'should_respond', 'model_call',
                                               'action_dispatch', 'evaluator', 'memory_create', 'memory_get',
                                               'state_serialization')}
    return {'iterations': 30, 'warmup': 3, 'group': 'group', 'description': 'What it shows.',
            'latency': {'min_ms': min(raw), 'max_ms': max(raw), 'avg_ms': ms, 'median_ms': ms, 'p95_ms': max(raw),
                        'p99_ms': max(raw), 'stddev_ms': ms / 10, 'median_ci95_ms': [ms * 0.95, ms * 1.05], 'raw_ms': raw,
                        'raw_round': [i // 10 for i in range(30)]},
            'throughput': {'messages_per_second': 1000 / ms, 'total_messages': 30, 'total_time_ms': 30 * ms},
            'pipeline': stages,
            'resources': {'memory_rss_start_mb': 5, 'memory_rss_peak_mb': 9, 'memory_rss_end_mb': 8, 'memory_delta_mb': 3},
            'outliers': 0, **more}


def loop(rate, ms):
    times = {'p50': ms / 2, 'p90': ms * 0.9, 'p99': ms, 'p999': 2 * ms, 'max': 3 * ms}
    return {'offered_per_s': rate, 'intended': 1000, 'done': 1000, 'late': 0, 'from_intended_ms': times, 'from_sent_ms': times}


def scenarios(factor):
    found = {'single-message': entry(0.01 * factor), EVIL: entry(1 * factor),
             'broken': entry(1, error='it broke: ' + EVIL), 'idle-bytes': entry(0.001, bytes=210.5, unit='bytes'),
             'seeds-one': entry(0.002, published={'metric': 'median_ms', 'low': 0.001, 'high': 0.004, 'ratio': 1.5,
                                                  'other_hardware': True, 'what': EVIL})}
    found.update({f'history-scaling-{n}': entry(0.01 + n / 1e6) for n in (100, 1000, 10000)})
    found.update({f'swept@{n}': entry(1 / n, base='swept', workers=n) for n in (1, 2, 3, 4)})
    found.update({f'open-loop-{p}': entry(0.1, open_loop=loop(p * 1000, ms), throughput={'messages_per_second': done * 1000, 'total_messages': 1000,
                                                                                           'total_time_ms': 1000 / done})
                  for p, ms, done in ((25, 0.1, 25), (50, 0.12, 50), (75, 0.2, 74), (90, 0.25, 80), (95, 4, 80))})
    return found


def result(runtime='weft', day=20, factor=1.0):
    return {'schema_version': 2, 'runtime': runtime, 'timestamp': f'2026-11-{day}T10:00:00Z',
            'system': {'os': 'Linux', 'arch': 'x86_64', 'cpus': 4, 'memory_gb': 16, 'runtime_version': EVIL,
                       'cpu_model': EVIL, 'fingerprint': '0123456789abcdef'},
            'machine_check': {'verdict': 'noisy', 'findings': [{'id': 'load', 'severity': 'warning', 'text': EVIL, 'fix': EVIL}]},
            'goals': [{'entry': 'single-message', 'metric': 'median_ms', 'value': 0.01, 'ci95': [0.009, 0.011], 'limit': 0.02,
                       'text': 'at most 20 us', 'verdict': 'reached'},
                      {'entry': 'history-scaling-10000', 'against': 'history-scaling-100', 'metric': 'median_ratio', 'value': 2,
                       'ci95': [1.9, 2.1], 'limit': 2.05, 'text': EVIL, 'verdict': 'noise'},
                      {'entry': 'idle-bytes', 'metric': 'bytes', 'value': 210.5, 'limit': 200, 'text': 'at most 200 bytes',
                       'verdict': 'missed'},
                      {'entry': EVIL, 'metric': 'per_second', 'value': 1000, 'limit': 4000, 'text': 'at least 4 k/s',
                       'verdict': 'missed'}],
            'rounds': 3, 'wall_s': 12, 'binary_size_bytes': 1000, 'scenarios': scenarios(factor)}


def weft(program, *arguments, expected=0):
    done = subprocess.run([program, 'report', *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == expected, f'{arguments}: exit {done.returncode}: {done.stderr}'
    return done.stderr


def check_text(page):
    for section in SECTIONS:
        assert f'<section id="{section}">' in page, f'no part "{section}"'
    assert '<img' not in page and EVIL not in page, 'a name of the result came out as markup'
    assert html.escape(EVIL).replace('&#x27;', '&#39;') in page, 'the name is nowhere'
    outside = re.findall(r'https?://|\bsrc="|@import|url\((?!data:)', page.replace('http://www.w3.org/2000/svg', ''))
    assert not outside, f'the page leads outside: {outside}'
    for title in ('swept', 'open-loop', 'history-scaling', 'Iterations', 'Trend'):
        assert f'<b>{title}</b>' in page, f'no chart "{title}"'
    entries = scenarios(1).values()
    timed = sum('error' not in e and 'bytes' not in e for e in entries)
    assert page.count('<b>Iterations</b>') == timed, 'an entry has no distribution'
    assert page.count('<b>Trend</b>') == timed + sum('bytes' in e for e in entries), 'an entry has no trend'
    assert 'knee: 75.0 k/s' in page, 'the knee is not at the last rate that was kept up with'
    workers = page[page.index('<b>swept</b>'):page.index('<section id="load">')]
    assert '>0.5<' not in workers and 'class="line s1"' in workers, 'half a worker on the axis, or no interval'
    assert 'providers, logarithmic' not in page and 'messages of history, logarithmic' in page, 'an axis does not say what it counts'
    assert 'p99 since due' in page and 'p99 since sent' in page, 'an entry of an open loop does not say what was late'
    assert 'href="#e-single-message"' in page[page.index('id="changes"'):page.index('id="goals"')], 'a change is not told'
    assert page.count('<details class="group">') == 1 and 'class="spark' in page, 'entries are not in groups, or have no line'
    assert 'href="#e-single-message"' in page and 'id="e-single-message"' in page


def check_goals(page):
    part = page[page.index('<h3 id="goals">'):page.index('<section id="workers">')]
    assert '1 of 4 are reached' in part, 'goals are counted otherwise'
    order = [part.index(words) for words in ('at least 4 k/s', 'at most 200 bytes', html.escape(EVIL).replace('&#x27;', '&#39;') + '</td>',
                                             'at most 20 us')]
    assert order == sorted(order), f'what is missed by most does not come first: {order}'
    for words in ('missed', 'within noise', 'reached', '210 bytes', '1 k/s', '0.25 x', '2.00 x',
                  'The median over that of history-scaling-100. 95% interval: 1.90 x to 2.10 x.'):
        assert words in part, f'the goals do not say "{words}"'
    assert page.index('<section id="summary">') < page.index('<h3 id="goals">') < page.index('</section>'), 'goals are not in the summary'


def look(browser, page, width, dark):
    run = subprocess.run([browser, '--no-sandbox', '--disable-gpu', f'--window-size={width},900', '--enable-logging=stderr', '--v=0',
                          '--proxy-server=127.0.0.1:1', f'--blink-settings=preferredColorScheme={0 if dark else 1}', '--dump-dom',
                          page.as_uri()], capture_output=True, text=True, timeout=120)
    console = [line for line in run.stderr.splitlines() if 'CONSOLE' in line]
    assert not console, f'at {width}: {console}'
    found = re.search(r'<pre id="probe">([^<]*)</pre>', run.stdout)
    assert found, f'at {width}: the page did not run to its end: {run.stdout[-300:]}'
    said = json.loads(html.unescape(found[1]))
    assert said['wide'] <= 0, f'at {width}: {said["wide"]} pixels stand out to the side'
    assert said['charts'] == page.read_text().count('<figure class="chart">') >= 20 and said['small'] == 0, f'at {width}: {said}'
    assert said['titled'] > 100, f'at {width}: points say nothing: {said}'
    bright = sum(map(int, re.findall(r'\d+', said['background'])[:3])) / 3
    assert bright < 60 if dark else bright > 200, f'at {width}: {said["background"]} is not {"dark" if dark else "light"}'


def check_browser(page, work):
    browser = shutil.which('chromium-headless-shell') or shutil.which('chromium')
    if not browser:
        print('report: no chromium here: the page was not looked at, only read')
        return
    probed = work / 'probed.html'
    probed.write_text(page.replace('</body>', PROBE + '</body>'))
    look(browser, probed, 390, False)
    look(browser, probed, 1200, True)
    print('report: looked at in', pathlib.Path(browser).name, 'at 390 and 1200')


def check_refusals(program, work):
    bad = work / 'bad.json'
    bad.write_text(json.dumps(result()).replace('"wall_s": 12', '"wall_s": "x"'))
    assert 'wall_s' in weft(program, bad, expected=2)
    assert 'nothing.json' in weft(program, work / 'nothing.json', expected=2)
    assert "'--wide'" in weft(program, '--wide', expected=2)
    assert '--history' in weft(program, bad, '--keep', expected=2)
    good = work / 'good.json'
    good.write_text(json.dumps(result()))
    assert 'no/such' in weft(program, good, '-o', work / 'no/such/page.html', expected=1)
    assert 'none: No such file' in weft(program, good, '--history', work / 'none', expected=2)


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else folder)
        work.mkdir(exist_ok=True)
        history = work / 'history'
        shutil.rmtree(history, ignore_errors=True)
        for day in (11, 12):
            (work / 'earlier.json').write_text(json.dumps(result(day=day, factor=1 + day / 100)))
            weft(program, work / 'earlier.json', '-o', work / 'earlier.html', '--history', history, '--keep')
        kept = sorted(p.name for p in history.iterdir())
        assert kept == ['2026-11-11T100000Z.json', '2026-11-12T100000Z.json'], kept
        assert 'raw_ms' not in (history / kept[0]).read_text(), 'raw values were kept'
        (history / 'torn.json').write_text('{"runtime":')
        (work / 'run.json').write_text(json.dumps(result()))
        (work / 'peer.json').write_text(json.dumps(result(runtime=EVIL, factor=30)))
        said = weft(program, work / 'run.json', work / 'peer.json', '--history', history)
        assert '1 files in' in said, f'a torn file of the history was not told: {said}'
        page = (work / 'run.html').read_text()
        assert page.count('2026-11-11T10:00:00Z') and page.count(': this run'), 'earlier runs are not in the trend'
        check_text(page)
        check_goals(page)
        check_refusals(program, work)
        check_browser(page, work)


if __name__ == '__main__':
    main()
