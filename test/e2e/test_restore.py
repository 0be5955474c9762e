# SPDX-License-Identifier: Apache-2.0
"""What a reboot and a reload of the driver take from twelve claims of every kind, and how it comes
back: at the same places, under the same names, whatever is late, busy or broken meanwhile."""
import json
import signal
import time

import pytest

from machine import Machine

A100, BARE, RTX = "0000:21:00.0", "0000:31:00.0", "0000:41:00.0"
EQUAL, MIXED, WHOLE = "0000:81:00.0", "0000:a1:00.0", "0000:c1:00.0"
HOST = """name: restore
driver: 580.105.08
kernel: {kernel}
gpus:
  - {{board: a100-pcie-40gb, bdf: 0000:21:00.0, vfs: {{count: 8}}}}
  - {{board: a100-pcie-40gb, bdf: 0000:31:00.0, vfs: {{count: 8}}}}
  - {{board: rtx-pro-6000-blackwell-se, bdf: 0000:41:00.0, vfs: {{count: 8}}}}
  - {{board: l40s, bdf: 0000:81:00.0, vfs: {{count: 8}}}}
  - {{board: l40s, bdf: 0000:a1:00.0, vfs: {{count: 8}}}}
  - {{board: l40s, bdf: 0000:c1:00.0, vfs: {{count: 8}}}}
"""
KERNELS = {"vendor-vfio": "6.8.0-60-generic", "mdev": "5.14.0-503.el9.x86_64"}
CLAIMS = {
    "mig1": {"type": "A100-2-10C", "gpu": A100},
    "mig2": {"type": "A100-1-5C", "gpu": A100},
    "bare1": {"mode": "gpu-instance", "profile": "3g.20gb", "gpu": BARE},
    "bare2": {"mode": "gpu-instance", "profile": "1g.5gb", "gpu": BARE},
    "shared1": {"mode": "time-sliced-mig-backed", "type": "DC-1-8C", "gpu": RTX},
    "shared2": {"mode": "time-sliced-mig-backed", "type": "DC-1-8C", "gpu": RTX},
    "shared3": {"mode": "time-sliced-mig-backed", "type": "DC-2-24C", "gpu": RTX},
    "equal1": {"type": "L40S-8Q", "gpu": EQUAL},
    "equal2": {"type": "L40S-8Q", "gpu": EQUAL},
    "mixed1": {"type": "L40S-24Q", "gpu": MIXED, "mixed": True},
    "mixed2": {"type": "L40S-8Q", "gpu": MIXED, "mixed": True},
    "whole": {"mode": "passthrough", "gpu": WHOLE},
}


def look(machine):
    """All that a restoration has to bring back, by GPU; numbers that the driver draws left out."""
    found = {}
    for bdf, gpu in machine.gpus().items():
        starts = {gi["id"]: gi.get("start", 0) for gi in gpu["gis"]}
        functions = [(vf["bdf"], vf.get("vgpu", {})) for vf in gpu.get("vfs") or []]
        functions += [(None, mdev) for mdev in gpu["mdevs"]]
        made = [(vf, vgpu.get("uuid"), vgpu["type"], vgpu.get("placement"), starts.get(vgpu.get("gi")))
                for vf, vgpu in functions if vgpu.get("type")]
        found[bdf] = {
            "driver": gpu["driver"], "mig": gpu.get("mig_current", False), "vfs": len(gpu.get("vfs") or []),
            "instances": sorted((gi["name"], gi.get("start", 0), len(gi["cis"]))
                                for gi in gpu["gis"]),
            "vgpus": sorted(made), "mixed": gpu.get("heterogeneous", False),
            "scheduler": (gpu["scheduler_policy"], gpu.get("settings"))}
    return found


def device(machine, name):
    got = machine.api.get(f"/v1/claims/{name}")["got"]
    return got["mdevUuid"] or got["device"]


@pytest.fixture(params=KERNELS)
def host(request, directory):
    path = directory / "host.yaml"
    path.write_text(HOST.format(kernel=KERNELS[request.param]))
    return path


@pytest.fixture
def machine(directory, host, openapi):
    """Without libvirt, as early in a boot: restoring must not need it."""
    made = Machine(directory, host, openapi, libvirt=False)
    made.start("--observe-period", "1")
    yield made
    made.end()


@pytest.fixture
def claims(machine):
    status, change, _ = machine.api.call(
        "PUT", f"/v1/gpus/{EQUAL}/scheduler", {"policy": "equal-share", "sliceNs": 3000000})
    assert status in (200, 202), change
    machine.api.wait_plan(change)
    for name, claim in CLAIMS.items():
        machine.create(name, **claim)
    assert machine.problems() == []
    return machine


def wait_restored(machine, timeout=60, state="done"):
    deadline = time.monotonic() + timeout
    while True:
        restore = machine.api.get("/v1/host/restore")
        if restore["state"] in ("done", "incomplete"):
            assert restore["state"] == state, json.dumps(restore, indent=1)
            return restore
        assert time.monotonic() < deadline, json.dumps(restore, indent=1)
        time.sleep(0.05)


def test_a_reboot_under_twelve_claims_is_undone_by_the_daemon_itself(claims):
    before = look(claims)
    claims.reboot()
    restore = wait_restored(claims)
    assert look(claims) == before
    assert claims.problems() == []
    states = {claim["name"]: claim["state"] for gpu in restore["gpus"] for claim in gpu["claims"]}
    assert states == dict.fromkeys(CLAIMS, "restored")
    again = claims.cleave.run("host", "restore", "--dry-run", "-o", "json")
    assert again.returncode == 0 and json.loads(again.stdout)["plans"] == []
