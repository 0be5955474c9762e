# SPDX-License-Identifier: Apache-2.0
"""What share of a GPU, or of a GPU instance, each VM is entitled to, next to what it uses: by policy,
by the VMs that run, and by the types that may be there; the policy of GPU instances is set when they
are made, and again after a boot."""
import json
import os

import pytest

from harness import wait_for, with_libvirt
from lifecycle import wait_restored

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]

RTX, L40S = "0000:41:00.0", "0000:81:00.0"
SLICED = {"mode": "time-sliced-mig-backed", "type": "DC-1-8C", "gpu": RTX}
FIXED, EQUAL = {"policy": "fixed-share"}, {"policy": "equal-share"}


@pytest.fixture
def host(machine):
    host = machine("demo")
    host.define("vm1", "vm2")
    return host.start("--observe-period", "1")


def schedule(host, gpu, policy, dry=False):
    status, body, _ = host.api.call("PUT", f"/v1/gpus/{gpu}/scheduler" + "?dryRun=true" * dry, policy)
    if status in (200, 202) and not dry:
        plan = host.api.wait_plan(body)
        assert plan["state"] == "done", plan
    return status, body


def share(host, claim):
    found = host.api.get(f"/v1/claims/{claim}")["share"]
    return None if found is None else found["text"]


def two(host, **claim):
    for n in (1, 2):
        host.create(f"c{n}", vm=f"vm{n}", **claim)


def start(host, vm):
    assert host.cleave.run("vm", "start", vm).returncode == 0


def test_equal_shares_follow_the_vms_that_run(host):
    assert schedule(host, L40S, EQUAL)[0] == 202
    two(host, type="L40S-8Q", gpu=L40S)
    start(host, "vm1")
    wait_for(lambda: share(host, "c1") == "all of the GPU")
    assert share(host, "c2") == "1/2 of the GPU"  # once it runs
    start(host, "vm2")
    wait_for(lambda: share(host, "c1") == share(host, "c2") == "1/2 of the GPU")
    wait_for(lambda: host.api.get("/v1/claims/c1")["usedPercent"] is not None)
    devices = {vm["name"]: vm["devices"] for vm in host.api.get("/v1/vms")["vms"]}
    assert devices["vm2"][0]["share"]["parts"] == 2
    assert 0 <= devices["vm1"][0]["usedPercent"] <= 100
    for words in (("gpu", "show", L40S), ("claim", "show", "c1"), ("vm", "show", "vm1"),
                  ("vm", "list", "-o", "wide")):
        shown = host.cleave.run(*words, env={"COLUMNS": "250"}).stdout
        assert "1/2 of the GPU" in shown and " %" in shown, shown


def test_a_fixed_share_is_that_of_the_type_and_best_effort_guarantees_none(host):
    two(host, type="L40S-12Q", gpu=L40S)
    assert share(host, "c1") == "none guaranteed"
    assert host.api.get("/v1/claims/c1")["usedPercent"] is None  # its VM is off
    for name in ("c1", "c2"):
        host.delete(name)
    assert schedule(host, L40S, FIXED)[0] == 202
    two(host, type="L40S-12Q", gpu=L40S)
    assert share(host, "c1") == "1/4 of the GPU"
    host.delete("c2")
    host.create("c3", mode="passthrough", gpu="0000:a1:00.0")
    assert share(host, "c3") == "all of the GPU"


def test_an_instance_gets_its_policy_when_it_is_made_and_after_a_boot(host):
    host.create("own", type="DC-4-96C", gpu="0000:41:00.0")
    assert share(host, "own") in ("all of its instance", "none guaranteed")
    host.delete("own")
    assert schedule(host, RTX, FIXED)[0] in (200, 202)
    two(host, **SLICED)
    assert share(host, "c1") == "1/3 of its instance"
    instance, = host.api.get(f"/v1/gpus/{RTX}")["gpuInstances"]
    assert instance["scheduler"]["policy"] == "fixed-share"
    start(host, "vm1")
    status, body = schedule(host, RTX, EQUAL)
    assert status == 409 and "GPU instance 1g.24gb" in body["detail"], body
    assert "VM \"vm1\" runs" in body["detail"], body
    host.virsh("destroy", "vm1")
    status, body = schedule(host, RTX, EQUAL, dry=True)
    assert status == 200 and "share GPU instance 1g.24gb" in json.dumps(body), body
    assert schedule(host, RTX, EQUAL)[0] == 202  # of an instance that is there
    instance, = host.api.get(f"/v1/gpus/{RTX}")["gpuInstances"]
    assert instance["scheduler"]["policy"] == "equal-share"
    assert share(host, "c1").endswith("of its instance")
    assert schedule(host, RTX, FIXED)[0] == 202
    host.reboot(options=("--observe-period", "1"))
    wait_restored(host)
    instance, = host.api.get(f"/v1/gpus/{RTX}")["gpuInstances"]
    assert instance["scheduler"]["policy"] == "fixed-share"
    assert host.problems() == []


def test_a_predictable_need_makes_its_shared_instance_by_fixed_share(host):
    need = {"memory": "8GiB", "predictable": True, "licences": "any"}
    claim = {"name": "a", "mode": SLICED["mode"], "gpu": RTX, "need": need}
    host.create(**claim)
    assert share(host, "a").startswith("1/") and share(host, "a").endswith(" of its instance")
    status, body = schedule(host, RTX, EQUAL)
    assert status == 409 and 'claim "a" needs fixed-share' in body["detail"], body
    host.reboot(options=("--observe-period", "1"))
    wait_restored(host)
    instance, = host.api.get(f"/v1/gpus/{RTX}")["gpuInstances"]
    assert instance["scheduler"]["policy"] == "fixed-share"


def test_a_predictable_need_sets_the_scheduler_of_an_empty_gpu_as_advice_says(host):
    need = {"memory": "8GiB", "predictable": True, "licences": "any"}
    claim = {"name": "a", "mode": "time-sliced", "gpu": L40S, "need": need}

    def advice():
        entries = host.api.call("POST", "/v1/advice", need)[1]["advice"]
        return next(e for e in entries if e["mode"] == "time-sliced" and L40S in [e["gpu"], *e["alike"]])
    assert advice()["verdict"] == "with-change"
    assert "set fixed-share scheduling on the GPU" in advice()["change"]
    status, plan, _ = host.api.call("POST", "/v1/claims?dryRun=true", claim)
    assert status == 200 and "fixed-share" in json.dumps(plan), plan
    host.ctl("fault", "add", "at=nvmlDeviceSetVgpuSchedulerState", "nvml=UNKNOWN")
    status, change, _ = host.api.call("POST", "/v1/claims", claim)
    assert host.api.wait_plan(change)["state"] == "undone"
    host.ctl("fault", "clear")
    host.delete("a")
    host.create(**claim)
    assert share(host, "a") == "1/6 of the GPU"
    assert advice()["verdict"] == "yes" and advice()["change"] in (None, "")
    status, body, _ = host.api.call("POST", "/v1/claims?dryRun=true", claim | {
        "name": "b", "need": {"memory": "8GiB", "scheduler": "equal-share"}})
    assert status == 409 and "equal-share" in body["detail"] and "fixed-share" in body["detail"], body
    host.reboot(options=("--observe-period", "1"))
    wait_restored(host)
    assert share(host, "a") == "1/6 of the GPU"


def test_a_policy_that_can_t_be_set_on_the_instance_undoes_the_plan(host):
    host.create("first", **SLICED)
    host.delete("first")  # the GPU stays in MIG mode
    assert schedule(host, RTX, EQUAL)[0] in (200, 202)
    host.ctl("fault", "add", "at=nvmlGpuInstanceSetVgpuSchedulerState", "nvml=UNKNOWN")
    status, change, _ = host.api.call("POST", "/v1/claims", {"name": "c1", **SLICED})
    assert status in (200, 202), change
    plan = host.api.wait_plan(change)
    assert plan["state"] == "undone" and "the vGPU scheduler of GPU instance" in plan["problem"]
    host.ctl("fault", "clear")
    assert host.problems() == []


def test_the_last_claim_that_asked_for_a_policy_says_that_it_stays(simulated):
    host = simulated("l40s-x2")

    def run(*args):
        done = host.cleave.run(*args)
        assert done.returncode == 0, done.stderr
        return " ".join((done.stdout + done.stderr).split())

    for name in ("s", "p"):
        run("claim", "create", name, "--memory", "8G", "--predictable", "--gpu", "0")
    run("claim", "create", "plain", "--memory", "8G", "--gpu", "0")
    said = "scheduling that claim"
    assert said not in run("claim", "delete", "p")
    assert said in run("claim", "delete", "s", "--dry-run")
    assert said in run("claim", "delete", "s")
    assert said not in run("claim", "delete", "plain")
    assert "fixed-share" in run("gpu", "show", "0")
    run("gpu", "scheduler", "0", "best-effort")
    assert "fixed-share" not in run("gpu", "show", "0")
