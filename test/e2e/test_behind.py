# SPDX-License-Identifier: Apache-2.0
"""What others do behind cleave's back: virsh, a reboot, a lost GPU, a restart of libvirtd."""
import re
import subprocess

import pytest

from harness import BUILD, wait_for
from lifecycle import wait_restored
from machine import hostdev

RTX, A100, L40S_1, L40S_2 = "0000:41:00.0", "0000:61:00.0", "0000:81:00.0", "0000:a1:00.0"
VF = "0000:81:00.4"


@pytest.fixture
def host(machine):
    host = machine("demo")
    host.define("v1", "v2", "v3")
    return host.start()


def kinds(host, subject):
    return [event["kind"] for event in host.api.get("/v1/events")["events"]
            if event["subject"] == subject]


def post(host, target, status, body=None):
    got, answer, _ = host.api.call("POST", target, body)
    assert got == status, answer
    return answer


def test_a_vm_that_was_defined_again_gets_its_device_when_it_starts(host):
    claim = host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.virsh("undefine", "v1")
    host.define("v1")
    assert host.stored_devices("v1") == []
    vm = post(host, "/v1/vms/v1/start", 200)["vm"]
    assert [device["address"] for device in vm["devices"]] == [claim["assigned"]["device"]]
    host.virsh("destroy", "v1")
    assert host.problems() == []


def test_a_claim_outlives_its_vm_and_can_be_released(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.virsh("undefine", "v1")
    assert [vm["name"] for vm in host.api.get("/v1/vms")["vms"]] == ["v2", "v3"]
    assert kinds(host, "vm/v1") == ["vm-lost"]
    assert post(host, "/v1/vms/v1/start", 404)["reason"] == "not-found"
    host.delete("a")
    assert host.problems() == []


@pytest.mark.quick("claim", "vm")
def test_a_vm_stopped_by_virsh_is_noticed_and_its_claim_released(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    post(host, "/v1/vms/v1/start", 200)
    assert host.api.call("DELETE", "/v1/claims/a")[0] == 409
    host.virsh("destroy", "v1")
    host.delete("a")
    assert kinds(host, "vm/v1") == ["vm-started", "vm-killed"]
    assert host.problems() == []


def test_a_vm_that_runs_without_a_definition_is_stopped_and_gone(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    post(host, "/v1/vms/v1/start", 200)
    host.virsh("undefine", "v1")
    assert post(host, "/v1/vms/v1/stop", 200, {"force": True})["vm"]["state"] == "shut-off"
    assert [vm["name"] for vm in host.api.get("/v1/vms")["vms"]] == ["v2", "v3"]
    host.delete("a")
    assert host.problems() == []


def test_a_vm_started_by_virsh_holds_its_device(host):
    host.create("a", type="DC-1-8C", vm="v1")
    host.virsh("start", "v1")
    status, problem, _ = host.api.call("DELETE", "/v1/claims/a")
    assert status == 409 and "v1" in problem["detail"]
    status, problem, _ = host.api.call("PUT", f"/v1/gpus/{RTX}/mode", {"mode": "idle"})
    assert status == 409, problem
    assert host.problems() == []


def test_a_gpu_in_passthrough_mode_comes_back_for_a_shared_instance(host):
    # While vfio-pci has it no one says that MIG time-slicing is on.
    done = host.cleave.run("gpu", "mode", RTX, "passthrough")
    assert done.returncode == 0, done.stderr
    host.create("a", type="DC-1-8C", vm="v1")
    assert host.problems() == []


def test_a_function_that_someone_gave_to_a_vm_is_left_to_it(host):
    host.attach("v3", hostdev(VF))
    assert host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")["assigned"]["device"] != VF
    host.attach("v3", hostdev(L40S_2))
    problem = post(host, "/v1/claims", 409, {"name": "p", "mode": "passthrough", "gpu": L40S_2})
    assert problem["reason"] == "conflict" and '"v3"' in problem["detail"] and problem["hint"]
    # For the same VM it is what the claim asks for.
    host.create("p", mode="passthrough", gpu=L40S_2, vm="v3")
    assert host.stored_devices("v3") == [VF, L40S_2]


MAKE_INSTANCE = """import ctypes
nvml = ctypes.CDLL("libnvidia-ml.so.1")
gpu, gi = ctypes.c_void_p(), ctypes.c_void_p()
assert nvml.nvmlInit_v2() == 0
assert nvml.nvmlDeviceGetHandleByPciBusId_v2(b"%s", ctypes.byref(gpu)) == 0
assert nvml.nvmlDeviceCreateGpuInstance(gpu, 9, ctypes.byref(gi)) == 0
"""


def test_instances_that_someone_made_are_left_alone(host):
    host.create("a", mode="gpu-instance", profile="1g.5gb", gpu=A100)
    host.run("/usr/bin/python3", "-c", MAKE_INSTANCE % A100)
    status, problem, _ = host.api.call("PUT", f"/v1/gpus/{A100}/mode", {"mode": "passthrough"})
    assert status == 409, problem
    host.delete("a")
    left = [(gi["name"], gi["cis"]) for gi in host.gpus()[A100]["gis"]]
    assert left == [("3g.20gb", [])]
    assert post(host, "/v1/claims", 409, {"name": "w", "mode": "passthrough", "gpu": A100})


def site():
    return {"t": {"type": "L40S-8Q", "gpu": L40S_1, "vm": "v1"},
            "m": {"type": "DC-1-8C", "gpu": RTX, "vm": "v2"},
            "b": {"mode": "gpu-instance", "profile": "2g.10gb", "gpu": A100},
            "p": {"mode": "passthrough", "gpu": L40S_2, "vm": "v3"}}


@pytest.mark.parametrize("running", [True, False], ids=["while-cleaved-runs", "while-it-is-off"])
def test_after_a_reboot_a_site_is_applied_again(host, running):
    assert host.apply("lab", site())["state"] == "done"
    if not running:
        host.stop()
    host.ctl("reboot")
    if not running:
        host.start()
    host.api.get("/v1/gpus")
    assert not running or "gpu-changed" in kinds(host, f"gpu/{RTX}")
    assert host.problems() != []
    # One VM makes its own device again when it starts; the site brings the rest.
    post(host, "/v1/vms/v1/start", 200)
    assert host.apply("lab", site())["state"] == "done"
    assert host.problems() == []
    for vm in ("v2", "v3"):
        post(host, f"/v1/vms/{vm}/start", 200)
    same = host.apply("lab", site())
    assert same["state"] == "done" and same["steps"] == []


def test_after_a_driver_reload_claims_can_be_released(host):
    assert host.apply("lab", site())["state"] == "done"
    host.ctl("driver-reload")
    assert host.apply("lab", {})["state"] == "done"
    wait_restored(host)
    assert host.problems() == []


def test_a_lost_gpu_is_reported_and_stops_nothing_else(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.ctl("set", L40S_1, "lost", "1")
    lost = host.api.get(f"/v1/gpus/{L40S_1}")
    assert lost["problem"]
    assert kinds(host, f"gpu/{L40S_1}") == ["gpu-lost", "gpu-quarantined"]
    assert "quarantined" in post(host, "/v1/vms/v1/start", 503)["detail"]
    host.create("b", type="L40S-8Q", gpu=L40S_2, vm="v2")
    status, problem, _ = host.api.call("POST", "/v1/claims",
                                       {"name": "c", "type": "L40S-8Q", "gpu": L40S_1})
    assert status == 409 and "quarantine" in problem["detail"], problem
    # What can't be seen now would be left behind.
    for turn in ("seen before", "never seen by this cleaved"):
        status, problem, _ = host.api.call("DELETE", "/v1/claims/a")
        assert status == 503 and lost["problem"] in problem["detail"], turn
        host.kill()
        host.start()
        host.api.get("/v1/gpus")
    host.ctl("set", L40S_1, "lost", "0")
    host.api.get("/v1/gpus")
    assert kinds(host, f"gpu/{L40S_1}") == ["gpu-lost", "gpu-quarantined", "gpu-found"]
    assert "quarantined" in post(host, "/v1/vms/v1/start", 503)["detail"]
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 0, done.stderr
    post(host, "/v1/vms/v1/start", 200)
    assert host.problems() == []


def stop_libvirtd(host):
    host.sh("kill $(cat /run/cleave-sim/libvirt/libvirtd.pid)\n"
            "while [ -S /run/libvirt/libvirt-sock ]; do sleep 0.02; done")


def test_while_libvirt_is_away_the_rest_works_and_nothing_is_half_done(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    stop_libvirtd(host)
    assert "libvirt" in host.api.get("/v1/host")["libvirtProblem"]
    status, problem, _ = host.api.call("GET", "/v1/vms")
    assert (status, problem["reason"]) == (503, "unavailable")
    done = host.cleave.run("vm", "list")
    assert done.returncode == 11 and "does not answer" in done.stderr and done.stdout == ""
    problem = post(host, "/v1/claims", 503, {"name": "b", "type": "L40S-8Q", "vm": "v2"})
    assert "can't reach" in problem["detail"]
    status, problem, _ = host.api.call("DELETE", "/v1/claims/a")
    assert status == 503 and "can't reach" in problem["detail"]
    host.create("c", type="L40S-8Q", gpu=L40S_1)
    host.delete("c")
    events = host.api.get("/v1/events")["events"]
    assert not [event for event in events if event["kind"] == "vm-lost"]
    host.run(BUILD / "sim/guest/start-libvirt")
    assert len(host.api.get("/v1/vms")["vms"]) == 3
    host.delete("a")
    assert host.problems() == []


def test_libvirtd_may_restart_while_a_vm_runs(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    post(host, "/v1/vms/v1/start", 200)
    stop_libvirtd(host)
    host.run(BUILD / "sim/guest/start-libvirt")
    vms = {vm["name"]: vm["state"] for vm in host.api.get("/v1/vms")["vms"]}
    assert vms["v1"] == "running"
    assert host.api.call("DELETE", "/v1/claims/a")[0] == 409
    post(host, "/v1/vms/v1/stop", 200, {"force": True})
    host.delete("a")
    assert host.problems() == []


HOLD = """import ctypes, sys, time
nvml = ctypes.CDLL("libnvidia-ml.so.1")
assert nvml.nvmlInit_v2() == 0
print("held", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("wish", [{"mode": "passthrough"}, {"type": "L40S-8Q"}])
def test_who_has_a_gpu_open_is_named_and_what_to_do_is_said(host, wish):
    holder = subprocess.Popen(host.command("/usr/bin/python3", "-c", HOLD), text=True,
                              stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == "held\n"
        words = [word for key, value in wish.items() for word in (f"--{key}", value)]
        done = host.cleave.run("claim", "create", "h", "--vm", "v1", "--gpu", L40S_1, *words)
        assert done.returncode == 8, done.stderr
        assert re.search(r"python3 \(PID \d+\) has the GPU open", done.stderr), done.stderr
        assert "stop what uses it: nvidia-persistenced" in done.stderr
        assert "VM v1 starts without claim h" in done.stderr
        plan = host.api.get("/v1/plans")["plans"][0]
        shown = host.cleave.run("plan", "show", plan["id"]).stdout
        assert "stop what uses it" in shown and "python3 (PID" in shown
        assert [step["hint"] for step in plan["steps"] if "hint" in step]
        events = host.api.get("/v1/events")["events"]
        assert [e for e in events if e["kind"] == "plan-undone" and "stop what uses" in e["message"]]
    finally:
        holder.kill()
        holder.wait()
    host.virsh("start", "v1")
    host.virsh("destroy", "v1")
    host.delete("h")
    assert host.problems() == []


def test_a_gpu_that_another_program_has_open_stays_as_it_is(host):
    host.ctl("set", A100, "holder", "dcgm")
    before = host.gpus()[A100]
    change = post(host, "/v1/claims", 202, {"name": "a", "gpu": A100, "mode": "gpu-instance",
                                            "profile": "1g.5gb"})
    plan = host.api.wait_plan(change)
    assert plan["state"] == "undone" and "another client" in plan["problem"]
    host.delete("a")
    assert host.gpus()[A100] == before


@pytest.mark.parametrize("other", [{"name": "bob", "tenant": "bob"},
                                   {"name": "alice", "tenant": "bob"}])
def test_an_instance_in_which_a_program_runs_goes_to_no_other_owner(host, other):
    wish = {"mode": "gpu-instance", "profile": "3g.20gb", "gpu": A100, "start": 4}
    assert host.apply("lab", {"alice": {**wish, "tenant": "alice"}})["state"] == "done"
    before = host.api.get("/v1/claims/alice")
    start = before["assigned"]["start"]
    host.ctl("set", A100, "busy", str(1 << start))
    name = other["name"]
    site = {name: {**wish, "tenant": other["tenant"]}}
    assert host.apply("lab", site)["state"] == "undone"
    still = host.api.get("/v1/claims/alice")
    changes = {"version": 0, "observedAt": None}
    assert {**still, **changes} == {**before, **changes}
    host.ctl("set", A100, "busy", "0")
    plan = host.apply("lab", site)
    assert plan["state"] == "done" and host.api.get(f"/v1/claims/{name}")["tenant"] == "bob"
    assert [step["kind"] for step in plan["steps"]] == ["ci-destroy", "gi-destroy", "gi-create",
                                                        "ci-create"]


# ---- other tools' vGPUs ----

def write(host, path, text):
    host.run("/bin/sh", "-c", f"printf %s {text} > {path}")


def problem_of(host, name):
    host.api.get("/v1/gpus")  # has the host looked at
    return host.api.get(f"/v1/claims/{name}")["problem"] or ""


def test_a_vgpu_of_the_same_type_that_another_tool_made_is_distinguished_from_the_claim_s(host):
    claim = host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    file = f"/sys/bus/pci/devices/{claim['assigned']['device']}/nvidia/current_vgpu_type"
    write(host, file, 0)
    assert "is missing" in problem_of(host, "a")
    write(host, file, claim["assigned"]["typeId"])
    assert "which cleave did not make" in problem_of(host, "a")
    assert kinds(host, "claim/a").count("claim-conflict") == 1
    assert [it["claim"] for it in host.api.get("/v1/host")["intruders"]] == ["a"]
    assert post(host, "/v1/vms/v1/start", 409)["reason"] == "conflict"
    assert "claim-conflict" in host.cleave.run("vm", "lint", "v1").stdout
    host.delete("a")
    assert len(host.api.get(f"/v1/gpus/{L40S_1}")["vgpus"]) == 1


def test_an_mdev_with_the_claim_s_uuid_that_another_tool_made_is_reported_unseen(machine):
    host = machine("a100-40gb-mdev")
    host.define("v1")
    host.start()
    gpu = host.api.get("/v1/gpus")["gpus"][0]["address"]
    got = host.create("a", type="A100-8C", gpu=gpu, vm="v1")["assigned"]
    assert problem_of(host, "a") == ""
    parent = f"/sys/bus/pci/devices/{got['device']}"
    # Between two looks: only its birth tells.
    write(host, f"/sys/bus/mdev/devices/{got['mdevUuid']}/remove", 1)
    write(host, f"{parent}/mdev_supported_types/nvidia-{got['typeId']}/create", got["mdevUuid"])
    assert "which cleave did not make" in problem_of(host, "a")
    host.delete("a")
    assert len(host.api.get(f"/v1/gpus/{gpu}")["vgpus"]) == 1


def test_a_claim_that_shares_its_instance_against_its_will_says_so(host):
    got = host.create("a", type="DC-1-8C", mode="mig-backed", gpu=RTX, vm="v1")["assigned"]
    assert problem_of(host, "a") == ""
    other = next(vf["address"] for vf in host.api.get(f"/v1/gpus/{RTX}")["virtualFunctions"]
                 if vf["address"] != got["device"])
    write(host, f"/sys/bus/pci/devices/{other}/nvidia/current_vgpu_type", got["typeId"])
    vgpus = host.api.get(f"/v1/gpus/{RTX}")["vgpus"]
    if len({vgpu["gpuInstance"] for vgpu in vgpus}) == len(vgpus):
        pytest.skip("the type takes its whole instance")
    assert "its exclusive GPU instance" in problem_of(host, "a") and other in problem_of(host, "a")


def seen_events(host, kind):
    """What events of that kind say, by VM; of those that no one asked cleave for."""
    host.api.get("/v1/vms")  # looks at the VMs
    return [(event["subject"], event["message"]) for event in
            host.api.get("/v1/events?limit=1000")["events"]
            if event["kind"] == kind and event["author"] is None]


def test_what_others_do_to_a_vm_is_one_event_with_its_cause(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.virsh("start", "v3")  # has no GPU: no event is about it
    host.virsh("start", "v1")
    wait_for(lambda: seen_events(host, "vm-started"), problem="no event of the start")
    host.virsh("reset", "v1")
    wait_for(lambda: seen_events(host, "vm-rebooted"), problem="no event of the reset")
    host.virsh("suspend", "v1")
    host.virsh("resume", "v1")
    wait_for(lambda: len(seen_events(host, "vm-changed")) == 2, problem="no event of the pause")
    host.virsh("destroy", "v1")
    wait_for(lambda: seen_events(host, "vm-killed"), problem="no event of the end")
    post(host, "/v1/vms/v1/start", 200)
    host.sh("kill -KILL $(cat /run/libvirt/qemu/v1.pid)")
    wait_for(lambda: seen_events(host, "vm-crashed"), problem="no event of the crash")
    host.virsh("undefine", "v1")
    host.define("v1")
    wait_for(lambda: seen_events(host, "vm-defined"), problem="no event of the definition")
    host.virsh("destroy", "v3")
    seen = {kind: seen_events(host, kind) for kind in
            ("vm-started", "vm-rebooted", "vm-changed", "vm-killed", "vm-crashed", "vm-lost",
             "vm-defined", "vm-stopped")}
    assert {kind: len(events) for kind, events in seen.items()} == {
        "vm-started": 1, "vm-rebooted": 1, "vm-changed": 2, "vm-killed": 1, "vm-crashed": 1,
        "vm-lost": 1, "vm-defined": 1, "vm-stopped": 0}, seen
    assert {subject for events in seen.values() for subject, _ in events} == {"vm/v1"}
    assert "emulator ended" in seen["vm-crashed"][0][1]
    assert [e["author"] is None for e in host.api.get("/v1/events?kind=vm-started")["events"]] == [
        True, False]


def test_what_became_of_a_vm_while_cleaved_was_down_is_one_event(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    post(host, "/v1/vms/v1/start", 200)
    host.stop()
    host.virsh("destroy", "v1")
    for _ in range(2):
        host.start()
        wait_for(lambda: seen_events(host, "vm-changed"), problem="no event of the end")
        host.stop()
    host.start()
    assert seen_events(host, "vm-changed") == [
        ("vm/v1", "shut-off, was running; it happened while cleaved was not running")]


# What is done to v1, the kind of its event, and what that says. In this order: each begins where the one before ended.
HAPPENINGS = [
    ("virsh start v1", "vm-started", "another program started it"),
    ("virsh reset v1", "vm-rebooted", "its guest rebooted, or was reset"),
    ("virsh suspend v1", "vm-changed", "paused: another program asked for it"),
    ("virsh resume v1", "vm-changed", "running, was paused"),
    ("kill -TERM $(cat /run/libvirt/qemu/v1.pid)", "vm-stopped", "a signal of this host ended its emulator"),
    ("virsh start v1", "vm-started", "another program started it"),
    ("kill -KILL $(cat /run/libvirt/qemu/v1.pid)", "vm-crashed", "its emulator ended without being asked to"),
    ("virsh start v1", "vm-started", "another program started it"),
    ("virsh destroy v1", "vm-killed", "another program destroyed it"),
    ("virsh domrename v1 w1", "vm-renamed", 'was "v1"'),
    ("virsh dumpxml --inactive w1 | sed 's:<name>:<title>t</title><name>:' >/run/w1.xml && virsh define /run/w1.xml",
     "vm-defined", "another program changed its definition"),
    ("virsh undefine w1", "vm-lost", "its definition was removed"),
    ("virsh define /run/w1.xml", "vm-defined", "another program defined it"),
]


def test_libvirts_own_events_are_heard_without_a_look(machine):
    """No look but the first and those that libvirt's events bring about: the events' list asks no libvirt."""
    host = machine("demo")
    host.define("v1", "v2")
    host.start("--observe-period", "3600", "--vm-grace", "3600")
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.api.get("/v1/vms")
    seen = host.api.get("/v1/events")["last"]
    kinds_of_events = {kind for _, kind, _ in HAPPENINGS}

    def news():
        return [event for event in host.api.get(f"/v1/events?after={seen}")["events"] if event["kind"] in kinds_of_events]

    for action, kind, text in HAPPENINGS:
        host.sh(f"export LIBVIRT_DEFAULT_URI=qemu:///system; {action}")
        said = wait_for(news, problem=f"{action}: no event")[0]
        assert (said["kind"], said["author"], text in said["message"]) == (kind, None, True), (action, said)
        seen = said["seq"]
    assert news() == []
