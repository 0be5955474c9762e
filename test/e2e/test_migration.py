# SPDX-License-Identifier: Apache-2.0
"""`cleave vm migrate`: a real VM with its vGPU moves between two simulated hosts, there and back, and
with every fault: it runs on exactly one of them, and the other has nothing of it."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from lifecycle import events, garbage, hook_options
from machine import START_LIBVIRT
from twin import Twin

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    pytest.mark.skipif(shutil.which("libvirtd") is None, reason="needs libvirtd"),
]

VFIO, MDEV = "l40s-x2", "a100-40gb-mdev"
TYPE = {"type": "L40S-8Q"}
CLAIMS = {
    "vendor-vfio": (VFIO, TYPE),
    "mdev": (MDEV, {"type": "A100-8C"}),
    "mig-backed": (MDEV, {"type": "A100-2-10C"}),
    "on-demand": (VFIO, {**TYPE, "hold": "on-demand"}),
}
OVER = ("done", "cancelled", "failed")
DIRTY_MIB, SLOW_MIB = 64, 4  # such a VM never arrives


class Pair(Twin):
    """Two hosts with a cleaved and its hook each."""

    def __init__(self, directory, host, openapi, other=None):
        super().__init__(directory, host, openapi, other=other, options=hook_options)

    def start(self, *options):
        for machine in self.machines:
            machine.start(*options)

    def boot_claimed(self, image, name, machine, dirty_mib=0, **claim):
        """A VM with a claim of its own, started by cleave."""
        machine.define_guest(image, name, arguments=f"cleave.fb=7 cleave.dirty={dirty_mib}")
        if claim:
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

    def begin(self, name, source, *options):
        """Without waiting; returns its id."""
        done = self.migrate(name, source, "--no-wait", "-o", "json", *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["migration"]["id"]

    def migration(self, source, ident):
        status, body, _ = source.api.call("GET", f"/v1/migrations/{ident}")
        assert status in (200, 202), body
        return body["migration"]

    def wait_state(self, source, ident, *states, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                found = self.migration(source, ident)
                if found["state"] in states:
                    return found
                assert found["state"] not in OVER, found
                assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def wait_end(self, source, ident, state, timeout=90):
        found = self.wait_state(source, ident, *OVER, timeout=timeout)
        assert found["state"] == state, found["problem"]
        return found

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
        for one in self.machines:
            assert garbage(one)[0] == []


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


# ---- there and back ----

@pytest.mark.parametrize("kind", CLAIMS)
def test_a_vm_moves_there_and_back_with_its_vgpu(pairs, image, kind):
    host, claim = CLAIMS[kind]
    pair = pairs(host)
    pair.boot_claimed(image, "vm1", pair.alpha, **claim)
    before = {key: value for key, value in pair.alpha.api.get("/v1/claims/vm1").items()
              if key in ("name", "tenant", "mode", "type", "hold", "guest")}
    for source in pair.alpha, pair.beta:
        done = pair.migrate("vm1", source, "--bandwidth", "500")
        assert done.returncode == 0, done.stdout + done.stderr
        target = pair.other(source)
        pair.is_at("vm1", target)
        pair.goes_on("vm1")
        assert before.items() <= target.api.get("/v1/claims/vm1").items()
        print(done.stdout)
    assert len({tick[2] for tick in pair.ticks("vm1")}) == 1
    # It can be stopped and started where it is now.
    assert pair.alpha.cleave.run("vm", "stop", "--now", "vm1").returncode == 0
    assert pair.alpha.cleave.run("vm", "start", "vm1").returncode == 0
    assert pair.where("vm1") == [pair.alpha]


def test_a_vm_without_claims_moves_too(pairs, image):
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha) if False else None
    pair.alpha.define_guest(image, "vm1")
    assert pair.alpha.cleave.run("vm", "start", "vm1").returncode == 0
    done = pair.migrate("vm1", pair.alpha)
    assert done.returncode == 0, done.stderr
    assert pair.where("vm1") == [pair.beta] and pair.alpha.names() == []
