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

OWN = ["/etc/cleave", "/var/lib/cleave", "/etc/libvirt", "/var/lib/libvirt",
       "/var/cache/libvirt", "/var/log/libvirt"]


@pytest.fixture(scope="session")
def vm():
    """One VM for all tests: each leaves its devices as it found them."""
    qemu = subprocess.run(["qemu-system-x86_64", "-device", "nvme,help"], capture_output=True,
                          text=True)
    if "sriov_max_vfs" not in qemu.stdout:
        pytest.skip("this QEMU has no device with SR-IOV: its nvme lacks sriov_max_vfs")
    fetch = subprocess.run([ROOT / "tools/fetch-kernel", BUILD / "lab/kernel"],
                           capture_output=True, text=True)
    if fetch.returncode != 0:
        pytest.skip(f"no kernel: {fetch.stderr.strip()}")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cleave-lab-"))
    machine = Vm(directory, Kernel(BUILD / "lab/kernel"), BUILD / "test/lab/lab-agent", MODULES,
                 DEVICES)
    # What the machine itself keeps there is none of the VM's business.
    for folder in OWN:
        machine.run(f"mkdir -p {folder}; mount -t tmpfs -o mode=0755 tmpfs {folder}")
    print(f"\nthe VM is up after {machine.boot_s:.1f} s")
    yield machine
    machine.end()
    shutil.rmtree(directory, ignore_errors=True)
