# SPDX-License-Identifier: Apache-2.0
"""Of a console that is still being written, only what has ended is read."""
import pathlib
import tempfile
import unittest

import console

LINE = 'cleave-guest: vm=one gpu="NVIDIA L40S-8Q" – kind=vgpu\r\n'.encode()
WHOLE = 'cleave-guest: vm=one gpu="NVIDIA L40S-8Q" – kind=vgpu'


class ConsoleTest(unittest.TestCase):
    def test_a_line_is_there_as_a_whole_or_not_at_all(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "console")
            self.assertEqual(console.lines(path), [])
            for cut in range(2 * len(LINE) + 1):
                path.write_bytes((LINE * 2)[:cut])
                self.assertEqual(console.lines(path), [WHOLE] * (cut // len(LINE)), cut)

    def test_what_is_no_line_end_for_a_console_is_none(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "console")
            path.write_bytes(b"a\x0bb\x1cc\n\xff\n")
            self.assertEqual(console.lines(path), ["a\x0bb\x1cc", "\N{REPLACEMENT CHARACTER}"])


unittest.main()
