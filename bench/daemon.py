# SPDX-License-Identifier: Apache-2.0
"""The cleaved that a benchmark asks."""
import contextlib
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build"))


@contextlib.contextmanager
def running(directory, *options, log=subprocess.DEVNULL):
    """cleaved at the socket `s` of that folder. It ends with the block, however that ends."""
    socket = directory / "s"
    daemon = subprocess.Popen([BUILD / "src/daemon/cleaved", "--socket", socket, "--state-dir",
                               directory / "state", *options], stdout=log, stderr=log)
    try:
        while not socket.exists():
            assert daemon.poll() is None, "cleaved does not start"
            time.sleep(0.005)
        yield daemon
    finally:
        daemon.terminate()
        daemon.wait(timeout=60)
        socket.unlink(missing_ok=True)
