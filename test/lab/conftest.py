# SPDX-License-Identifier: Apache-2.0
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from devices import BUILD, DEVICES, MODULES, ROOT
from vm import Kernel, Vm

@pytest.fixture(scope="session")
def vm():
    """One VM for all tests: each leaves its devices as it found them."""
    fetch = subprocess.run([ROOT / "tools/fetch-kernel", BUILD / "lab/kernel"],
                           capture_output=True, text=True)
    if fetch.returncode != 0:
        pytest.skip(f"no kernel: {fetch.stderr.strip()}")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cleave-lab-"))
    machine = Vm(directory, Kernel(BUILD / "lab/kernel"), BUILD / "test/lab/lab-agent", MODULES,
                 DEVICES)
    print(f"\nthe VM is up after {machine.boot_s:.1f} s")
    yield machine
    machine.end()
    shutil.rmtree(directory, ignore_errors=True)
