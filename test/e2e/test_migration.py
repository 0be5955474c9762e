# SPDX-License-Identifier: Apache-2.0
"""`cleave vm migrate`: a real VM with its vGPU moves between two simulated hosts, there and back, and
with every fault: it runs on exactly one of them, and the other has nothing of it."""
import os
import shutil

import pytest

from twin import Twin

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    pytest.mark.skipif(shutil.which("libvirtd") is None, reason="needs libvirtd"),
]

VFIO, MDEV = "l40s-x2", "a100-40gb-mdev"
CLAIMS = {
    "vendor-vfio": (VFIO, {"type": "L40S-8Q"}),
    "mdev": (MDEV, {"type": "A100-8C"}),
    "mig-backed": (MDEV, {"type": "A100-2-10C"}),
}


class Pair(Twin):
    """Two hosts with a cleaved each."""

    def start(self, *options):
        for machine in self.machines:
            machine.start(*options)

    def boot_claimed(self, image, name, machine, dirty_mib=0, **claim):
        """A VM with a claim of its own, started by cleave."""
        machine.define_guest(image, name, arguments=f"cleave.fb=7 cleave.dirty={dirty_mib}")
        machine.create(name, vm=name, **claim)
        done = machine.cleave.run("vm", "start", name)
        assert done.returncode == 0, done.stderr
        self.wait_for(f"{name} reads its framebuffer", lambda: self.ticks(name))

    def words(self, name, source, *options):
        target = self.other(source)
        return ["vm", "migrate", name, self.uri(target), "--peer", f"unix:{target.socket}",
                "--migrate-uri", self.carrier(), *options]

    def migrate(self, name, source, *options):
        return source.cleave.run(*self.words(name, source, *options))

    def is_at(self, name, machine):
        """The VM runs there alone, with its claim; the other host has nothing of it."""
        other = self.other(machine)
        assert self.where(name) == [machine]
        assert other.names() == []
        assert [c["vm"] for c in machine.api.get("/v1/claims")["claims"]] == [name]
        assert other.api.get("/v1/claims")["claims"] == []
        self.wait_for("the other let go", lambda: self.holders(other) == {})
        assert machine.problems() == [] and other.problems() == []
        assert len(self.holders(machine)) == 1


@pytest.fixture
def pairs(directory, openapi):
    made = []

    def make(host, *options, **more):
        made.append(Pair(directory, host, openapi, **more))
        made[-1].start(*options)
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.mark.parametrize("kind", CLAIMS)
def test_a_vm_moves_there_and_back_with_its_vgpu(pairs, image, kind):
    host, claim = CLAIMS[kind]
    pair = pairs(host)
    pair.boot_claimed(image, "vm1", pair.alpha, **claim)
    for source in pair.alpha, pair.beta:
        done = pair.migrate("vm1", source)
        assert done.returncode == 0, done.stdout + done.stderr
        pair.is_at("vm1", pair.other(source))
        pair.goes_on("vm1")
        print(done.stdout)
    assert len({tick[2] for tick in pair.ticks("vm1")}) == 1
