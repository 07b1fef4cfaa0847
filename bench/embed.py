#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/embed.py INPUT OUTPUT NAME: a file as a C array, so that the command needs no data files."""
import sys

data = open(sys.argv[1], 'rb').read()
with open(sys.argv[2], 'w') as out:
    out.write('#include <stddef.h>\nextern const char %s[];\nextern const size_t %s_len;\n' % (sys.argv[3], sys.argv[3]))
    out.write('const char %s[] = {\n' % sys.argv[3])
    for i in range(0, len(data), 16):
        out.write('\t' + ', '.join('%d' % (b - 256 if b > 127 else b) for b in data[i:i + 16]) + ',\n')
    out.write('\t0\n};\nconst size_t %s_len = %d;\n' % (sys.argv[3], len(data)))
