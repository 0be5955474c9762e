# SPDX-License-Identifier: Apache-2.0
"""What a reboot and a reload of the driver take from twelve claims of every kind, and how it comes
back: at the same places, under the same names, whatever is late, busy or broken meanwhile."""
import contextlib
import http.client
import json
import pathlib
import re
import shutil
import tempfile
import time

import pytest

from harness import LONG, wait_for
from lifecycle import wait_restored
from machine import Machine

A100, BARE, RTX = "0000:21:00.0", "0000:31:00.0", "0000:41:00.0"
EQUAL, MIXED, WHOLE = "0000:81:00.0", "0000:a1:00.0", "0000:c1:00.0"
HOST = """name: restore
driver: 580.105.08
kernel: {kernel}
gpus:
  - {{board: a100-pcie-40gb, bdf: 0000:21:00.0, vfs: {{count: 4}}}}
  - {{board: a100-pcie-40gb, bdf: 0000:31:00.0, vfs: {{count: 4}}}}
  - {{board: rtx-pro-6000-blackwell-se, bdf: 0000:41:00.0, vfs: {{count: 4}}}}
  - {{board: l40s, bdf: 0000:81:00.0, vfs: {{count: 4}}}}
  - {{board: l40s, bdf: 0000:a1:00.0, vfs: {{count: 4}}}}
  - {{board: l40s, bdf: 0000:c1:00.0, vfs: {{count: 4}}}}
"""
USUAL = ("--observe-period", "1")
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
        made = [(vf, vgpu["uuid"] if vgpu.get("iommu_group") else "", vgpu["type"], vgpu.get("placement"), starts.get(vgpu.get("gi")))
                for vf, vgpu in functions if vgpu.get("type")]
        found[bdf] = {
            "driver": gpu["driver"], "mig": gpu.get("mig_current", False), "vfs": len(gpu.get("vfs") or []),
            "instances": sorted((gi["name"], gi.get("start", 0), len(gi["cis"]))
                                for gi in gpu["gis"]),
            "vgpus": sorted(made), "mixed": gpu.get("heterogeneous", False),
            "scheduler": (gpu["scheduler_policy"], gpu.get("settings"))}
    return found


def without_uuid(lines):
    return [re.sub(r"uuid=\S+", "", line) for line in lines]


def device(machine, name):
    got = machine.api.get(f"/v1/claims/{name}")["assigned"]
    return got["mdevUuid"] or got["device"]


def write_host(directory, kernel):
    path = directory / "host.yaml"
    path.write_text(HOST.format(kernel=KERNELS[kernel]))
    return path


@pytest.fixture(scope="module", params=["vendor-vfio", pytest.param("mdev", marks=LONG)])
def claimed(request, openapi):
    """A host with the twelve claims, and what it looks like. Without libvirt, as early in a boot:
    restoring must not need it."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cleave-"))
    machine = Machine(directory, write_host(directory, request.param), openapi, libvirt=False)
    try:
        machine.start(*USUAL)
        status, change, _ = machine.api.call(
            "PUT", f"/v1/gpus/{EQUAL}/scheduler", {"policy": "equal-share", "sliceNs": 3000000})
        assert status in (200, 202), change
        machine.api.wait_plan(change)
        for name, claim in CLAIMS.items():
            machine.create(name, **claim)
        assert machine.problems() == []
        yield machine, look(machine)
    finally:
        machine.end()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def claims(claimed):
    """The same host for each test, mended after one that failed or left it incomplete."""
    machine, whole = claimed
    if machine.lives() and machine.options != USUAL:
        machine.stop()
    if not machine.lives():
        machine.start(*USUAL)
    machine.ctl("fault", "clear")
    if look(machine) != whole:
        machine.reboot(options=USUAL)
        wait_restored(machine)
    assert look(machine) == whole
    return machine


def change_driver(machine, how):
    """Busy while cleaved looks at the host."""
    deadline = time.monotonic() + 20
    while not machine.ctl(how, check=False)["ok"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def restorations(machine):
    """Those that are over, but for where the latest one is shown."""
    return [{**operation, "url": None} for operation in
            machine.api.get("/v1/operations?kind=restoration&state=done")["operations"]]


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
    listed = restorations(claims)
    claims.stop()
    claims.start(*USUAL)
    assert restorations(claims) == listed and listed


@pytest.mark.quick("restore")
def test_a_driver_reload_is_undone_on_request(claims):
    before = look(claims)
    change_driver(claims, "driver-reload")
    assert look(claims) != before
    done = claims.cleave.run("host", "restore")
    assert done.returncode == 0, done.stderr
    assert look(claims) == before
    assert claims.problems() == []
    assert claims.cleave.run("host", "restore").stdout.count("there") == len(CLAIMS)


def test_a_driver_reload_that_no_one_saw_is_undone_by_the_daemon_itself(claims):
    before = look(claims)
    change_driver(claims, "driver-reload")
    claims.api.get("/v1/host")
    wait_restored(claims)
    assert look(claims) == before
    claims.stop()
    change_driver(claims, "driver-reload")
    claims.start()
    wait_restored(claims)
    assert look(claims) == before
    assert claims.problems() == []


def test_a_driver_that_went_and_came_again_is_noticed(claims):
    before = look(claims)
    change_driver(claims, "driver-unload")
    deadline = time.monotonic() + 30
    while claims.api.get("/v1/host")["nvmlProblem"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert claims.ctl("driver-load")["ok"]
    claims.api.get("/v1/host")
    wait_restored(claims)
    assert look(claims) == before


# what goes wrong at the boot → for how long at least the restoration has to go on trying
FAULTS = {
    "the unbind lock is busy for three seconds": (["at=sriov-manage", "errno=EBUSY", "for_s=3"], 3),
    "a GPU instance can't be created at first":
        (["at=nvmlDeviceCreateGpuInstance*", "nvml=INSUFFICIENT_RESOURCES", "count=2"], 0),
    "a compute instance can't be created at first":
        (["at=nvmlGpuInstanceCreateComputeInstance*", "nvml=UNKNOWN", "count=1"], 0),
    "MIG mode can't be turned on at first":
        (["at=nvmlDeviceSetMigMode", "nvml=IN_USE", "count=2"], 0),
    "mixed sizes can't be allowed at first":
        (["at=nvmlDeviceSetVgpuHeterogeneousMode", "nvml=UNKNOWN", "count=1"], 0),
    "NVML does not answer at first": (["at=nvmlInit*", "nvml=DRIVER_NOT_LOADED", "for_s=2"], 2),
    "a GPU can't be unbound at first": (["at=unbindLock", "errno=EBUSY", "for_s=2"], 2),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_busy_or_fails_once_is_tried_again(claims, fault):
    keys, at_least = FAULTS[fault]
    before = look(claims)
    claims.reboot(start=False)
    claims.ctl("fault", "add", *keys)
    began = time.monotonic()
    claims.start()
    wait_restored(claims)
    assert time.monotonic() - began >= at_least
    assert look(claims) == before
    assert claims.problems() == []


def test_a_driver_that_is_late_is_waited_for(claims):
    before = look(claims)
    claims.reboot(start=False)
    change_driver(claims, "driver-unload")
    claims.start()
    deadline = time.monotonic() + 20
    waiting = set()
    while len(waiting) < 5:  # a GPU that is being tried waits a moment later
        restore = claims.api.get("/v1/host/restore")
        assert restore["state"] in ("never", "running") and time.monotonic() < deadline, restore
        waiting |= {gpu["gpu"] for gpu in restore["gpus"] if gpu["state"] == "waiting"}
        time.sleep(0.05)
    assert claims.ctl("driver-load")["ok"]
    wait_restored(claims)
    assert look(claims) == before


def test_a_driver_that_never_comes_is_named_and_the_whole_gpu_is_back_all_the_same(claims):
    before = look(claims)
    claims.reboot(start=False)
    change_driver(claims, "driver-unload")
    claims.start("--restore-timeout", "1")
    restore = wait_restored(claims, state="incomplete")
    states = {gpu["gpu"]: gpu["state"] for gpu in restore["gpus"]}
    assert states.pop(WHOLE) == "restored" and set(states.values()) == {"incomplete"}
    done = claims.cleave.run("host", "restore", "--timeout", "0")
    assert done.returncode == 8 and "was not restored completely" in done.stderr, done.stderr
    claims.ctl("driver-load")
    assert claims.cleave.run("host", "restore").returncode == 0
    assert look(claims) == before


def outlives_its_work(machine):
    """Waits until cleaved has seen the host and has nothing left to do, or is dead; True if it lives."""
    def has_ended():
        with contextlib.suppress(OSError, http.client.HTTPException):
            health = machine.api.get("/v1/health")
            idle = health["observedAt"] and health["turn"] is None and health["waiting"] == 0
            return idle and machine.api.get("/v1/host/restore")["state"] != "running"
        return not machine.lives()

    wait_for(has_ended, 60, problem="it neither comes to rest nor dies")
    return machine.lives()


@LONG
def test_killed_at_every_commit_and_rebooted_on_the_way_it_is_completed(claims):
    before = look(claims)
    claims.stop()
    claims.reboot()
    lives = 0
    while True:
        claims.start(die_after=2, wait=False)
        if outlives_its_work(claims):
            break
        lives += 1
        if lives == 4:
            claims.reboot()
        assert lives < 200
    assert lives > 6
    claims.kill()
    claims.start(*USUAL)
    assert claims.cleave.run("host", "restore").returncode == 0
    assert look(claims) == before
    assert claims.problems() == []


def test_what_stands_in_the_way_is_named_and_left_alone(claims):
    before = look(claims)
    claims.reboot(start=False)
    claims.ctl("sriov", EQUAL, "on")
    mine = device(claims, "equal1") if claims.lives() else None
    claims.start("--restore-timeout", "0")
    got = claims.api.get("/v1/claims/equal1")["assigned"]
    vf = got["device"]
    if got["mdevUuid"]:
        other = "11111111-2222-3333-4444-555555555555"
        claims.sh(f"cd /sys/bus/pci/devices/{vf}/mdev_supported_types; "
                  f"for t in *; do if grep -qx 'NVIDIA L40S-4Q' $t/name; then "
                  f"echo {other} >$t/create; fi; done")
    else:
        claims.sh(f"cd /sys/bus/pci/devices/{vf}/nvidia; "
                  "sed -n 's/ *: NVIDIA L40S-4Q$//p' creatable_vgpu_types >current_vgpu_type")
    dry = claims.cleave.run("host", "restore", "--dry-run")
    assert dry.returncode == 8 and "would not be restored completely" in dry.stderr, dry.stderr
    done = claims.cleave.run("host", "restore", "--timeout", "20")
    assert mine is None and done.returncode == 8, done.stderr
    assert "L40S-4Q" in done.stderr and vf in done.stderr, done.stderr
    blocked = {claim["name"]: claim for gpu in claims.api.get("/v1/host/restore")["gpus"]
               for claim in gpu["claims"] if claim["state"] == "blocked"}
    assert set(blocked) == {"equal1", "equal2"}
    after = look(claims)
    assert {bdf for bdf in before if before[bdf] != after[bdf]} == {EQUAL}
    assert [vgpu[2] for vgpu in after[EQUAL]["vgpus"]][:1] == ["L40S-4Q"]
    assert claims.api.get("/v1/claims/equal1")["state"] == "bound"


def test_a_gpu_that_is_gone_keeps_its_claims_and_holds_up_no_other(claims):
    before = look(claims)
    claims.reboot(start=False)
    claims.sh(f"echo 1 >/sys/bus/pci/devices/{MIXED}/remove")
    claims.start()
    restore = wait_restored(claims, state="incomplete")
    assert {claim["name"] for claim in restore["absent"]} == {"mixed1", "mixed2"}
    assert all(gpu["state"] == "restored" for gpu in restore["gpus"])
    assert claims.api.get("/v1/claims/mixed1")["state"] == "bound"
    claims.ctl("reboot")  # with the board back in its slot
    assert claims.cleave.run("host", "restore").returncode == 0
    assert look(claims) == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_vms_start_with_their_gpus_again(directory, kernel, openapi, image):
    machine = Machine(directory, write_host(directory, kernel), openapi)
    try:
        machine.start("--observe-period", "1")
        machine.define_guest(image, "guest")
        machine.define("web")
        machine.create("g1", type="L40S-8Q", gpu=EQUAL, vm="guest")
        machine.create("w1", type="A100-2-10C", gpu=A100, vm="web")
        before = look(machine)
        said = without_uuid(machine.boot("guest", timeout=120)["guest"])
        machine.reboot()
        wait_restored(machine)
        assert look(machine) == before
        assert machine.stored_devices("guest") == [device(machine, "g1")]
        machine.console("guest").write_text("")
        assert without_uuid(machine.boot("guest", timeout=120)["guest"]) == said
        assert machine.cleave.run("vm", "start", "web").returncode == 0
        assert machine.problems() == []
    finally:
        machine.end()


def test_a_board_in_another_slot_brings_its_claims_along(directory, openapi):
    def at(first, second):
        path = directory / "host.yaml"
        path.write_text(
            "name: restore\ndriver: 580.105.08\nkernel: 6.8.0-60-generic\ngpus:\n"
            f"  - {{board: l40s, bdf: {first}, vfs: {{count: 8}}, uuid: {uuid(1)}}}\n"
            f"  - {{board: l40s, bdf: {second}, vfs: {{count: 8}}, uuid: {uuid(2)}}}\n")
        return Machine(directory, path, openapi)

    def uuid(number):
        return f"GPU-{number:08}-1111-2222-3333-444444444444"

    machine = at("0000:41:00.0", "0000:61:00.0")
    try:
        machine.start()
        machine.define("web")
        got = machine.create("w1", type="L40S-8Q", gpu="0000:41:00.0", vm="web")["assigned"]
        definition = machine.virsh("dumpxml", "--inactive", "web").stdout
    finally:
        machine.end()
    machine = at("0000:a1:00.0", "0000:61:00.0")  # of another state: as after a power cycle
    try:
        machine.virsh("define", "/dev/stdin", input=definition)
        machine.start()
        wait_restored(machine)
        assert machine.cleave.run("host", "restore").returncode == 0
        moved = machine.api.get("/v1/claims/w1")["assigned"]
        assert moved["gpu"] == "0000:a1:00.0"
        assert moved["device"] == got["device"].replace("0000:41", "0000:a1")
        assert machine.stored_devices("web") == [moved["device"]]
        assert machine.cleave.run("vm", "start", "web").returncode == 0
        assert machine.problems() == []
    finally:
        machine.end()


def test_a_claim_with_a_need_whose_board_is_gone_is_chosen_again(directory, openapi):
    boards = {"41": ("l40s", 1), "61": ("l40s", 2)}

    def write(*slots):
        path = directory / "host.yaml"
        path.write_text(
            "name: restore\ndriver: 580.105.08\nkernel: 6.8.0-60-generic\ngpus:\n" + "".join(
                f"  - {{board: {boards[slot][0]}, bdf: 0000:{slot}:00.0, vfs: {{count: 8}}, "
                f"uuid: GPU-{boards[slot][1]:08}-1111-2222-3333-444444444444}}\n" for slot in slots))
        return Machine(directory, path, openapi)

    machine = write("41", "61")
    try:
        machine.start()
        machine.define("web")
        machine.create("w1", need={"memory": "8GiB", "licences": "any"}, mode="time-sliced",
                       vm="web")
        machine.create("plain", type="L40S-8Q", gpu=machine.api.get("/v1/claims/w1")["assigned"]["gpu"])
        before = machine.api.get("/v1/claims/w1")
        definition = machine.virsh("dumpxml", "--inactive", "web").stdout
    finally:
        machine.end()
    gone = before["assigned"]["gpu"]
    left = "61" if gone.startswith("0000:41") else "41"
    machine = write(left)
    try:
        machine.virsh("define", "/dev/stdin", input=definition)
        machine.start()
        wait_for(lambda: machine.api.get("/v1/claims/w1")["assigned"]["gpu"] == f"0000:{left}:00.0")
        restore = wait_restored(machine, state="incomplete")
        after = machine.api.get("/v1/claims/w1")
        assert [claim["name"] for claim in restore["absent"]] == ["plain"]  # it has no need
        assert machine.api.get("/v1/claims/plain")["assigned"]["gpu"] == gone
        assert after["need"] == before["need"] and after["state"] == "bound"
        assert left in after["choice"]
        said = [event["message"] for event in machine.api.get("/v1/events")["events"]
                if event["kind"] == "claim-moved"]
        assert len(said) == 1 and gone in said[0] and "chosen again within its need" in said[0]
        assert machine.stored_devices("web") == [after["assigned"]["device"]]
        assert machine.cleave.run("vm", "start", "web").returncode == 0
    finally:
        machine.end()
