# SPDX-License-Identifier: Apache-2.0
"""What the driver says of vGPUs' licences: shown next to each vGPU, its claim and its VM; an event
where a running VM has none any more; `host show` names such VMs."""
import os

import pytest

from harness import wait_for, with_libvirt

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]

L40S = "0000:81:00.0"
UNTIL = "2030-01-01T00:00:00Z"


@pytest.fixture
def host(machine):
    host = machine("demo")
    host.define("vm1", "vm2")
    return host.start("--observe-period", "1")


def state(host, claim):
    licence = host.api.get(f"/v1/claims/{claim}")["licence"]
    return licence and licence["state"]


def events(host, kind):
    return [event for event in host.api.get("/v1/events")["events"] if event["kind"] == kind]


def test_a_licence_is_shown_and_its_loss_is_an_event(host):
    host.create("c1", vm="vm1", type="L40S-8Q", gpu=L40S)
    host.create("c2", vm="vm2", type="L40S-8Q", gpu=L40S)
    assert state(host, "c1") is None  # its VM is off
    assert host.cleave.run("vm", "start", "vm1").returncode == 0
    wait_for(lambda: state(host, "c1") == "unrestricted")
    device = host.api.get("/v1/claims/c1")["assigned"]["device"]
    assert "a licence for vGPU" not in host.cleave.run("host", "show").stdout
    host.ctl("licence", device, "licensed", UNTIL)
    wait_for(lambda: state(host, "c1") == "licensed")
    licence = host.api.get("/v1/claims/c1")["licence"]
    assert licence == {"state": "licensed", "expiry": "valid", "text": "licensed until 2030-01-01",
                       "expires": "2030-01-01T00:00:00.000000Z"}
    shown = {words: host.cleave.run(*words, "-o", "wide" if words[1] == "list" else "table",
                                    env={"COLUMNS": "200"}).stdout
             for words in (("gpu", "show", L40S), ("claim", "show", "c1"), ("vm", "show", "vm1"))}
    assert all("licensed" in text for text in shown.values()), shown
    vgpus = host.api.get(f"/v1/gpus/{L40S}")["vgpus"]
    assert sorted(str(vgpu["licence"] and vgpu["licence"]["state"]) for vgpu in vgpus) == \
        ["None", "licensed"]
    assert not events(host, "vgpu-unlicensed")
    host.ctl("licence", device, "restricted")
    wait_for(lambda: events(host, "vgpu-unlicensed"))
    event, = events(host, "vgpu-unlicensed")
    assert event["subject"] == "vm/vm1" and "lost its licence" in event["message"]
    assert "a licence for vGPU L40S-8Q of VM vm1 (restricted)" in \
        host.cleave.run("host", "show", env={"COLUMNS": "400"}).stdout
    host.ctl("licence", device, "licensed", UNTIL)
    wait_for(lambda: events(host, "vgpu-licensed"))
    assert len(events(host, "vgpu-unlicensed")) == 1
    assert host.cleave.run("vm", "stop", "--now", "vm1").returncode == 0
    wait_for(lambda: state(host, "c1") is None)
