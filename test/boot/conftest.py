# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import (BUILD, FIRST_GPU, GPU, ROOT, SECOND_GPU, Kernel, Machine, make_disk,
                     on_top_of, usable_accelerator)

DOMAIN = """<domain type='qemu'><name>v1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>"""


def built(tool):
    done = subprocess.run([ROOT / "tools" / tool], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{tool}: {done.stderr.strip()[-300:]}")


class Lab:
    """Machines that begin as the same one, which has booted once, and whose VM has a GPU."""

    def __init__(self, directory):
        self.directory = directory
        self.kernel = Kernel(BUILD / "lab/kernel")
        self.accel = usable_accelerator(directory, self.kernel)
        print(f"\naccelerator: {self.accel}")
        self.machines = []

    def start(self, name, disk, devices, **more):
        machine = Machine(self.directory / name, self.kernel, disk, devices, self.accel, **more)
        self.machines.append(machine)
        return machine

    def again(self, machine, devices=None, **more):
        """The machine with its disk, after its power went off."""
        return self.start(machine.directory.name, machine.directory / "disk",
                          devices or FIRST_GPU + SECOND_GPU, **more)

    def prepare(self):
        """What an operator does after `meson install`."""
        make_disk(self.directory / "debian.img", BUILD / "boot/root")
        (self.directory / "first").mkdir()
        self.disk = self.directory / "first/disk"
        on_top_of(self.disk, self.directory / "debian.img", "raw")
        machine = self.start("first", self.disk, FIRST_GPU + SECOND_GPU)
        print(f"the first boot took {machine.boot_s:.0f} s")
        machine.run("systemctl enable --now cleaved cleave-restore", timeout=900)
        self.host = machine.json("host show")
        machine.run(f"cat >/root/v1.xml <<'END'\n{DOMAIN}\nEND\nvirsh -q define /root/v1.xml")
        machine.cleave(f"claim create one --mode passthrough --gpu {GPU} --vm v1")
        machine.run("virsh -q autostart v1")
        machine.run("virsh -q start v1", timeout=300)
        machine.assert_vm_has_gpu()
        assert machine.failed_units() == []
        machine.power_off()

    def machine(self, name, devices=None, **more):
        """A machine of its own, just started."""
        (self.directory / name).mkdir()
        on_top_of(self.directory / name / "disk", self.disk, "qcow2")
        return self.start(name, self.directory / name / "disk",
                          devices or FIRST_GPU + SECOND_GPU, **more)

    def end(self):
        for machine in self.machines:
            machine.power_cut()


@pytest.fixture(scope="session")
def lab():
    if os.geteuid() != 0:
        pytest.skip("needs root (debootstrap)")
    built("fetch-kernel")
    built("build-root")
    # Next to the root file system: its files are linked into the disk's tree.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=BUILD / "boot"))
    made = Lab(directory)
    try:
        made.prepare()
        yield made
    finally:
        made.end()
        if os.environ.get("CLEAVE_KEEP") is None:
            shutil.rmtree(directory, ignore_errors=True)
