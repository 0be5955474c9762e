# SPDX-License-Identifier: Apache-2.0
"""The production daemon on simulated hosts; every answer is validated against api/openapi.yaml."""
import signal
import threading

import pytest

from harness import wait_for

RTX, A100, L40S_1, L40S_2 = "0000:41:00.0", "0000:61:00.0", "0000:81:00.0", "0000:a1:00.0"


def create(host, status=202, **claim):
    """Makes a claim and waits for it; returns it, or the problem if one is expected."""
    got, body, _ = host.api.call("POST", "/v1/claims", claim)
    assert got == status, body
    if status >= 400:
        return body
    plan = host.api.wait_plan(body)
    assert plan["state"] == "done", plan["problem"]
    return host.api.get(f"/v1/claims/{claim['name']}")


def release(host, name):
    status, change, _ = host.api.call("DELETE", f"/v1/claims/{name}")
    assert status in (200, 202), change
    assert host.api.wait_plan(change)["state"] == "done"
    assert host.api.call("GET", f"/v1/claims/{name}")[0] == 404


def apply(host, name, claims):
    status, change, _ = host.api.call("POST", "/v1/apply", {"name": name, "claims": claims})
    assert status in (200, 202), change
    plan = host.api.wait_plan(change)
    assert plan["state"] == "done", plan["problem"]
    counts = {}
    for instance in plan["instances"]:
        counts.setdefault(instance["what"], []).append(instance["profile"])
    return counts


def test_every_list_answers_on_every_host(simulated, directory):
    host = simulated("mixed")
    for target in ("host", "gpus", "profiles", "claims", "plans", "operations", "events", "rules"):
        host.api.get(f"/v1/{target}")
    gpus = host.api.get("/v1/gpus")["gpus"]
    assert any(not gpu["address"].startswith("0000:") for gpu in gpus)
    for gpu in gpus:
        assert host.api.get(f"/v1/gpus/{gpu['uuid']}")["address"] == gpu["address"]
        profiles = host.api.get(f"/v1/profiles?gpu={gpu['address']}")
        assert [model["key"] for model in profiles["models"]] == [gpu["model"]]
        done = host.cleave.run("gpu", "show", gpu["address"])
        assert done.returncode == 0 and gpu["name"] in done.stdout


def test_what_takes_time_is_one_list(simulated):
    host = simulated("demo")
    create(host, name="a", type="L40S-8Q")
    plan, = host.api.get("/v1/operations?kind=plan&subject=claim/a")["operations"]
    assert plan["state"] == "done" and plan["progress"]["done"] == plan["progress"]["total"] > 0
    assert host.api.get("/v1/operations?state=active")["operations"] == []
    assert host.api.get(f"/v1/operations/{plan['id']}")["operation"] == plan
    assert host.cleave.run("host", "restore").returncode == 0
    restoration, = host.api.get("/v1/operations?kind=restoration")["operations"]
    assert restoration["state"] == "done" and restoration["subject"] == "host"

    assert host.cleave.run("operation", "list").stdout == "no operation is under way\n"
    lines = host.cleave.run("operation", "list", "--all").stdout.splitlines()
    assert [line.split()[1] for line in lines[1:3]] == ["restoration", "plan"]
    done = host.cleave.run("operation", "watch", plan["id"])
    assert done.returncode == 0 and done.stdout.endswith(": done\n")
    refused = host.cleave.run("operation", "cancel", plan["id"])
    assert refused.returncode != 0 and "is over: done" in refused.stderr
    assert host.api.call("GET", "/v1/operations?state=run")[0] == 400


@pytest.mark.quick("claim", "gpu")
def test_the_five_ways_through_one_claim(simulated):
    host = simulated("demo")
    shared = create(host, name="shared", type="DC-1-8C", gpu=RTX)
    assert shared["mode"] == "time-sliced-mig-backed"
    backed = create(host, name="backed", type="A100-2-10C")
    assert backed["mode"] == "mig-backed" and backed["assigned"]["profile"] == "2g.10gb"
    sliced = create(host, name="sliced", type="L40S-8Q", gpu=L40S_1)
    assert sliced["mode"] == "time-sliced" and sliced["assigned"]["gpu"] == L40S_1
    whole = create(host, name="whole", mode="passthrough", gpu=L40S_2)
    assert whole["assigned"]["device"] == L40S_2
    bare = create(host, name="bare", mode="gpu-instance", profile="3g.20gb", gpu=A100)
    assert bare["assigned"]["migUuid"].startswith("MIG-")

    gpu = {address: host.api.get(f"/v1/gpus/{address}") for address in (RTX, A100, L40S_1, L40S_2)}
    assert [gpu[a]["mode"] for a in (RTX, A100, L40S_1, L40S_2)] == [
        "mig", "mig", "time-sliced", "passthrough"]
    assert gpu[L40S_2]["driver"] == "vfio-pci" and gpu[L40S_2]["uuid"] is None
    assert len(gpu[A100]["gpuInstances"]) == 2
    assert gpu[RTX]["vgpus"][0]["type"].endswith("DC-1-8C")

    for name in ("shared", "backed", "sliced", "whole", "bare"):
        release(host, name)
    for address in gpu:
        now = host.api.get(f"/v1/gpus/{address}")
        assert now["vgpus"] == [] and now["driver"] == "nvidia"
    assert host.api.get("/v1/claims")["claims"] == []


def test_twelve_vgpus_on_four_instances_and_no_thirteenth(simulated):
    host = simulated("demo")
    claims = [{"name": f"c{i}", "type": "DC-1-8C", "gpu": RTX} for i in range(12)]
    assert apply(host, "pro", claims) == {"created": ["1g.24gb+gfx"] * 4}
    gpu = host.api.get(f"/v1/gpus/{RTX}")
    per_instance = [sum(v["gpuInstance"] == gi["id"] for v in gpu["vgpus"])
                    for gi in gpu["gpuInstances"]]
    assert per_instance == [3, 3, 3, 3]
    problem = create(host, 409, name="c12", type="DC-1-8C", gpu=RTX)
    assert problem["reason"] == "no-capacity"
    assert apply(host, "pro", []) is not None
    assert host.api.get("/v1/claims")["claims"] == []


@pytest.mark.quick("claim", "plan")
def test_a_site_keeps_what_can_stay(simulated):
    host = simulated("demo")

    def claims(*types):
        return [{"name": f"v{i}-{kind}", "type": kind, "gpu": A100}
                for i, kind in enumerate(types)]

    assert apply(host, "lab", claims("A100-2-10C", "A100-2-10C", "A100-2-10C")) == {
        "created": ["2g.10gb"] * 3}
    counts = apply(host, "lab", claims("A100-2-10C", "A100-1-5C"))
    assert counts["kept"] == ["2g.10gb"] or "2g.10gb" in counts["kept"]
    assert counts["created"] == ["1g.5gb"]
    same = apply(host, "lab", claims("A100-2-10C", "A100-1-5C"))
    assert "created" not in same and "destroyed" not in same


@pytest.mark.parametrize("claim, reason, rule", [
    ({"type": "L40S-9Q"}, "not-found", None),
    ({"type": "DC-1-8C", "gpu": "0000:99:00.0"}, "not-found", None),
    ({"mode": "passthrough", "gpu": L40S_1, "migratable": True}, "rule-violated",
     "passthrough-does-not-migrate"),
    ({"mode": "gpu-instance", "profile": "2g.10gb", "vm": "x"}, "rule-violated",
     "gpu-instance-is-no-device"),
    ({"type": "DC-1-8C", "gpu": RTX, "profile": "1g.24gb"}, "rule-violated",
     "vgpu-needs-gfx-instance"),
    ({"type": "A100-1-5C", "gpu": A100, "profile": "2g.10gb"}, "rule-violated",
     "vgpu-needs-its-profile"),
])
def test_what_cannot_be_is_refused_before_anything_changes(simulated, claim, reason, rule):
    host = simulated("demo")
    status, problem, _ = host.api.call("POST", "/v1/claims", {"name": "x", **claim})
    assert problem.get("reason") == reason, problem
    assert problem["rule"] == rule
    assert host.api.get("/v1/claims")["claims"] == []
    assert all(gpu["mode"] == "idle" for gpu in host.api.get("/v1/gpus")["gpus"])


def test_a_windows_guest_is_refused_on_mig_of_h100(simulated):
    host = simulated("h100-80gb-x8")
    problem = create(host, 422, name="win", type="H100XM-1-10C", guest="windows")
    assert problem["rule"] == "mig-vgpu-not-for-windows-on-h100" and problem["hint"]


def test_of_claims_that_race_for_one_slice_exactly_one_wins(simulated):
    host = simulated("demo")
    results = []

    def race(i):
        status, body, _ = host.api.call("POST", "/v1/claims", {
            "name": f"r{i}", "mode": "gpu-instance", "profile": "4g.20gb", "gpu": A100})
        if status == 202:
            plan = host.api.wait_plan(body)
            results.append(plan["state"])
        else:
            results.append(body["reason"])

    threads = [threading.Thread(target=race, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done"] + ["no-capacity"] * 5
    assert len(host.api.get(f"/v1/gpus/{A100}")["gpuInstances"]) == 1


@pytest.mark.quick("plan")
def test_a_dry_run_is_the_plan_that_is_applied(simulated):
    host = simulated("demo")
    body = {"name": "a", "type": "DC-1-8C", "gpu": RTX}
    status, dry, _ = host.api.call("POST", "/v1/claims?dryRun=true", body)
    assert status == 200 and dry["plan"]["state"] == "planned"
    assert host.api.get("/v1/claims")["claims"] == [] and host.api.get("/v1/plans")["plans"] == []
    _, change, _ = host.api.call("POST", "/v1/claims", body)
    plan = host.api.wait_plan(change)
    assert [step["text"] for step in plan["steps"]] == [s["text"] for s in dry["plan"]["steps"]]


@pytest.mark.quick("gpu")
def test_a_gpu_changes_its_mode_and_back(simulated):
    host = simulated("demo")
    for mode in ("passthrough", "idle", "time-sliced", "idle", "mig", "idle"):
        # 1 and 2 are their numbers, whatever driver they have.
        status, change, _ = host.api.call("PUT", f"/v1/gpus/{2 if mode != 'mig' else 1}/mode",
                                          {"mode": mode})
        assert status in (200, 202), change
        assert host.api.wait_plan(change)["state"] == "done"
        gpus = host.api.get("/v1/gpus")["gpus"]
        assert [gpu["address"] for gpu in gpus] == [RTX, A100, L40S_1, L40S_2]
        assert [gpu["index"] for gpu in gpus] == [0, 1, 2, 3]
    status, problem, _ = host.api.call("PUT", f"/v1/gpus/{L40S_1}/mode", {"mode": "mig"})
    assert status in (409, 422), problem
    assert host.api.call("GET", "/v1/gpus/4")[0] == 404


def test_events_have_no_gaps_and_name_their_author(simulated):
    host = simulated("demo")
    create(host, name="a", type="L40S-8Q")
    release(host, "a")
    events = host.api.get("/v1/events")["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["kind"] for event in events]
    assert kinds.index("claim-created") < kinds.index("claim-bound") < kinds.index("plan-done")
    assert all(event["author"] for event in events if event["subject"].startswith("claim/"))
    assert host.api.get(f"/v1/events?after={events[-2]['seq']}")["events"] == events[-1:]


@pytest.mark.quick("claim")
def test_claims_outlive_the_daemon(simulated):
    host = simulated("demo")
    before = create(host, name="a", type="L40S-8Q", gpu=L40S_1)
    host.stop()
    host.start()
    after = host.api.get("/v1/claims/a")
    assert after.pop("observedAt") > before.pop("observedAt")
    assert after == before


def test_vgpus_on_a_full_gpu_keep_their_types_name_when_the_daemon_starts_again(simulated):
    host = simulated("demo")
    create(host, name="full", type="L40S-48Q", gpu=L40S_1)
    host.stop()
    host.start()
    assert [vgpu["type"] for vgpu in host.api.get(f"/v1/gpus/{L40S_1}")["vgpus"]] == ["L40S-48Q"]
    assert "delete vGPU L40S-48Q" in host.cleave.run("claim", "delete", "full", "--dry-run").stdout


@pytest.mark.quick("claim", "plan")
def test_the_command_line_takes_a_claim_through_its_life(simulated, directory):
    host = simulated("demo")
    site = directory / "site.yaml"
    site.write_text(f"site: lab\nclaims:\n  - {{name: a, type: DC-1-8C, gpu: '{RTX}'}}\n"
                    f"  - {{name: b, type: L40S-8Q, gpu: '{L40S_1}'}}\n")
    done = host.cleave.run("apply", "-f", site)
    assert done.returncode == 0, done.stderr
    assert "claim a is bound: DC-1-8C on " + RTX in done.stdout
    assert "create GPU instance 1g.24gb+gfx" in done.stderr
    shown = host.cleave.run("gpu", "show", RTX).stdout
    assert "MIG Time-Slicing      : Supported" in shown
    assert "MIG Time-Slicing Mode : Enabled" in shown
    assert "room for 2 more" in shown
    done = host.cleave.run("claim", "create", "c", "--gpu", RTX, "--mode", "passthrough")
    assert done.returncode in (4, 5, 6), done.stderr
    site.write_text("site: lab\nclaims: []\n")
    refused = host.cleave.run("apply", "-f", site)
    assert refused.returncode == 4 and "2 claims of its site" in refused.stderr
    assert "--yes" in refused.stderr and len(host.api.get("/v1/claims")["claims"]) == 2
    assert "claim a is released" in host.cleave.run("apply", "-f", site, "--yes").stdout


# Nothing to boot from: enough to hold a device, and gone at once.
DOMAIN = """<domain type='qemu'><name>template</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>"""


@pytest.mark.quick("claim", "vm")
def test_a_vm_gets_its_device_and_keeps_it_while_it_runs(simulated):
    host = simulated("demo", libvirt=True)
    api = host.api
    status, body, _ = api.call("POST", "/v1/vms", {"name": "web1", "template": DOMAIN})
    assert status == 200 and body["vm"]["state"] == "shut-off", body
    assert api.call("POST", "/v1/vms", {"name": "web1", "template": DOMAIN})[0] == 409
    claim = create(host, name="a", type="L40S-8Q", gpu=L40S_1, vm="web1")
    status, body, _ = api.call("POST", "/v1/vms/web1/start")
    assert status == 200 and body["vm"]["state"] == "running", body
    assert [device["address"] for device in body["vm"]["devices"]] == [claim["assigned"]["device"]]
    assert [vgpu["vm"] for vgpu in api.get(f"/v1/gpus/{L40S_1}")["vgpus"]] == ["web1"]

    status, problem, _ = api.call("DELETE", "/v1/claims/a")
    assert (status, problem["reason"]) == (409, "in-use") and "web1" in problem["detail"]
    assert api.call("DELETE", "/v1/vms/web1")[0] == 409
    assert api.call("POST", "/v1/vms/web1/stop?dryRun=true", {"force": True})[0] == 200
    assert host.cleave.run("vm", "stop", "web1", "--now").stdout == "VM web1 stopped\n"
    release(host, "a")
    vms = api.get("/v1/vms")["vms"]
    assert [(vm["state"], vm["devices"]) for vm in vms] == [("shut-off", [])]
    assert api.call("DELETE", "/v1/vms/web1")[0] == 200
    assert api.get("/v1/vms")["vms"] == []


def test_signals_that_mean_nothing_to_cleaved_end_nothing(machine):
    """src/daemon/signals_test.c asks every signal; here are those that people and shells send."""
    host = machine("l40s-x2", libvirt=False).start()
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGPIPE, signal.SIGHUP):
        host.signal(number)
    assert host.api.get("/v1/health")["status"] in ("ok", "degraded") and host.lives()
    host.signal(signal.SIGXCPU)
    assert host.cleaved.wait(timeout=20) == 0
    log = host.log.read_text()
    assert "SIGHUP: " in log and "cleaved: stopping\n" in log, log


# nvidia-smi mig -cci 0,1 -gi 1: one compute slice, then two (NVML's profiles 0 and 1).
CUT = """
import ctypes
nvml = ctypes.CDLL("libnvidia-ml.so.1")
def call(name, *args):
    code = getattr(nvml, name)(*args)
    assert code == 0, (name, code)
device, count = ctypes.c_void_p(), ctypes.c_uint()
gis, ci = (ctypes.c_void_p * 8)(), ctypes.c_void_p()
call("nvmlInit_v2")
call("nvmlDeviceGetHandleByPciBusId_v2", b"0000:61:00.0", ctypes.byref(device))
call("nvmlDeviceSetMigMode", device, 1, ctypes.byref(ctypes.c_int()))
call("nvmlDeviceCreateGpuInstance", device, 9, ctypes.byref(gis))
for profile in (0, 1):
    call("nvmlGpuInstanceCreateComputeInstance", ctypes.c_void_p(gis[0]), profile, ctypes.byref(ci))
"""


def test_compute_instances_are_drawn_where_they_stand(machine):
    host = machine("demo", libvirt=False).start("--observe-period", "1")
    host.run("/usr/bin/python3", "-c", CUT)
    gi, = wait_for(lambda: host.api.get(f"/v1/gpus/{A100}")["gpuInstances"])
    assert gi["profile"] == "3g.20gb" and gi["computeInstances"] == 2
    assert sorted(one["size"] for one in gi["compute"]) == [1, 2]
    assert sum(one["size"] for one in gi["compute"]) == 3 and len({one["start"] for one in gi["compute"]}) == 2
    shown = host.cleave.run("gpu", "show", A100).stdout
    for one in gi["compute"]:
        assert f"{one['size']}c #{one['id']} at {one['start']}" in shown, shown
    assert max(map(len, shown.splitlines())) <= 80, shown
