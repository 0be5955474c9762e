# SPDX-License-Identifier: Apache-2.0
"""A VM with a vGPU moves between two simulated hosts, by libvirt alone."""
import os
import shutil

import pytest

from twin import Twin

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    pytest.mark.skipif(shutil.which("libvirtd") is None, reason="needs libvirtd"),
]

TYPES = {"l40s-x2": "L40S-8Q", "a100-40gb-mdev": "A100-8C"}


@pytest.fixture
def twins(directory, openapi):
    made = []

    def make(host, **options):
        made.append(Twin(directory, host, openapi, **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.mark.parametrize("how", [[], ["--p2p"]], ids=["direct", "peer-to-peer"])
@pytest.mark.parametrize("host", TYPES)
def test_a_vm_moves_there_and_back(twins, image, host, how):
    twin = twins(host)
    a, b = twin.alpha, twin.beta
    here = twin.make_vgpu(a, TYPES[host], function=1)
    there = twin.make_vgpu(b, TYPES[host], function=3)
    a.define_guest(image, "vm1")
    a.attach("vm1", here)
    a.virsh("start", "vm1")
    twin.wait_for("the guest is up", lambda: " ready gpus=1" in a.console("vm1").read_text())
    twin.move("vm1", a, there, *how)
    assert twin.where("vm1") == [b] and a.names() == []
    twin.wait_for("let go", lambda: twin.holders(a) == {})
    assert len(twin.holders(b)) == 1
    twin.move("vm1", b, here, *how)
    assert twin.where("vm1") == [a] and b.names() == []
    twin.wait_for("let go", lambda: twin.holders(b) == {})
    assert len(twin.holders(a)) == 1
