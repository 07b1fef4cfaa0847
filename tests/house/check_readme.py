#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_readme.py SOURCE_ROOT

Goal: the README's program is the one that is built, no page links to a file that is not there, and a decision's number is
its own.
"""
import collections
import pathlib
import re
import sys


def program_errors(root):
    shown = re.search(r'<!-- (\S+) -->\n```c\n(.*?)```', (root / 'README.md').read_text(), re.S)
    if not shown:
        return ['README.md: no program found']
    same = (root / shown[1]).read_text() == shown[2]
    return [] if same else [f'README.md: the program is not {shown[1]}']


def link_errors(root):
    """Relative links, and paths in backquotes that start with a folder of ours."""
    for page in [*root.glob('*.md'), *root.glob('*/**/*.md')]:
        if page.relative_to(root).parts[0].startswith(('build', '.')):
            continue
        text = page.read_text()
        for link in re.findall(r'\]\(([^)#:]+)\)', text):
            if not (page.parent / link).exists():
                yield f'{page.relative_to(root)}: link to {link}, which is not there'
        for path in re.findall(r'`((?:docs|scripts|tests|examples|include|runtime)/[\w./-]+)`', text):
            if not (root / path).exists():
                yield f'{page.relative_to(root)}: names {path}, which is not there'


def number_errors(root):
    numbers = collections.Counter(page.name[:4] for page in (root / 'docs/decisions').glob('*.md'))
    return [f'docs/decisions: {count} pages are number {n}' for n, count in numbers.items() if count > 1]


def main():
    root = pathlib.Path(sys.argv[1])
    errors = [*program_errors(root), *link_errors(root), *number_errors(root)]
    print('\n'.join(errors) or 'README and links are right')
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
