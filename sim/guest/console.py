# SPDX-License-Identifier: Apache-2.0
"""What a guest has said on its console, read while its emulator still writes the file."""
import pathlib


def lines(path):
    """Whole lines only: what has no end yet is still being written. No file: nothing was said."""
    try:
        said = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return []
    whole = said[:said.rfind(b"\n") + 1].decode(errors="replace")
    return [line.removesuffix("\r") for line in whole.split("\n")[:-1]]
