# SPDX-License-Identifier: Apache-2.0
"""Claims that are not in use take other places where a site or a claim would not fit otherwise."""
import json

import pytest

A100 = "0000:3b:00.0"
FIRST = {"a": {"profile": "4g.20gb"}, "b": {"profile": "2g.10gb"}, "c": {"profile": "1g.5gb"}}
SECOND = {"b": FIRST["b"], "c": FIRST["c"], "d": {"profile": "3g.20gb"}, "e": {"profile": "1g.5gb"}}


@pytest.fixture
def host(machine):
    one = machine("a100-40gb")
    one.define("r", "z")
    return one.start()


def starts(host):
    return {claim["name"]: claim["assigned"]["start"] for claim in host.api.get("/v1/claims")["claims"]
            if claim["state"] == "bound"}


def moves(plan):
    return {move["claim"]: (move["from"]["start"], move["to"]["start"]) for move in plan["moves"]}


def write_site(directory, claims, **more):
    path = directory / "site.json"
    path.write_text(json.dumps({"site": "lab", **more, "claims": [
        {"name": name, **claim} for name, claim in claims.items()]}))
    return path


@pytest.mark.quick("plan")
def test_a_site_takes_the_place_of_another_one_that_is_not_in_use(host, tmp_path):
    assert host.apply("lab", FIRST)["state"] == "done"
    assert starts(host) == {"a": 0, "b": 4, "c": 6}
    site = write_site(tmp_path, SECOND)

    refused = host.cleave.run("apply", "-f", site)
    assert refused.returncode == 5 and "b@4" in refused.stderr and "c@6" in refused.stderr
    assert "--move-idle" in refused.stderr and 'claim "b" from 4' in refused.stderr
    assert starts(host) == {"a": 0, "b": 4, "c": 6}

    shown = host.cleave.run("apply", "-f", site, "--move-idle", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert 'move claim "b" from 4 to ' in shown.stdout and 'move claim "c" from 6 to ' in shown.stdout
    assert "release claim b" not in shown.stdout and "release claim a" in shown.stdout
    assert starts(host) == {"a": 0, "b": 4, "c": 6}

    done = host.cleave.run("apply", "-f", site, "--move-idle", "--yes")
    assert done.returncode == 0, done.stderr
    assert "claim a is released" in done.stdout and "claim b is released" not in done.stdout
    plan = host.api.get("/v1/plans")["plans"][0]
    assert plan["state"] == "done" and set(moves(plan)) == {"b", "c"}
    assert starts(host)["b"] == moves(plan)["b"][1] and starts(host)["c"] == moves(plan)["c"][1]
    for move in plan["moves"]:
        assert move["text"] in shown.stdout
    events = [e["kind"] for e in host.api.get("/v1/events")["events"] if e["subject"] == "claim/b"]
    assert events == ["claim-created", "claim-bound", "claim-moved"]
    assert host.problems() == []
    assert "nothing to do" in host.cleave.run("apply", "-f", site).stdout


def test_the_site_file_can_allow_it(host, tmp_path):
    assert host.apply("lab", FIRST)["state"] == "done"
    done = host.cleave.run("apply", "-f", write_site(tmp_path, SECOND, moveIdle=True), "-y")
    assert done.returncode == 0, done.stderr
    assert host.problems() == []


def test_a_vm_that_runs_keeps_its_place_and_one_that_is_off_finds_its_device_again(host):
    host.create("r", type="A100-1-5C", vm="r")
    host.create("y", type="A100-2-10C")
    host.create("z", type="A100-2-10C", vm="z")
    host.delete("y")
    before = {name: host.api.get(f"/v1/claims/{name}")["assigned"] for name in "rz"}
    wanted = ["claim", "create", "w", "--type", "A100-4-20C", "--move-idle"]

    host.virsh("start", "z")  # now it is in use
    refused = host.cleave.run(*wanted)
    assert refused.returncode == 5 and "--move-idle" not in refused.stderr
    host.virsh("destroy", "z")

    host.virsh("start", "r")
    done = host.cleave.run(*wanted)
    assert done.returncode == 0, done.stderr
    after = {name: host.api.get(f"/v1/claims/{name}")["assigned"] for name in "rz"}
    assert after["r"] == before["r"]
    assert after["z"]["start"] != before["z"]["start"]
    assert after["z"]["device"] == before["z"]["device"]
    assert host.stored_devices("z") == [after["z"]["device"]]
    assert host.problems() == []
    assert {vgpu["vm"] for vgpu in host.api.get(f"/v1/gpus/{A100}")["vgpus"]} >= {"r"}
    host.virsh("start", "z")
    assert host.virsh("domstate", "r").stdout.strip() == "running"


def test_a_move_that_fails_is_undone(host):
    assert host.apply("lab", FIRST)["state"] == "done"
    host.ctl("fault", "add", "at=nvmlGpuInstanceCreateComputeInstance*", "nvml=UNKNOWN", "count=1")
    body = {"name": "lab", "moveIdle": True,
            "claims": [{"name": name, **claim} for name, claim in SECOND.items()]}
    _, change, _ = host.api.call("POST", "/v1/apply", body)
    assert host.api.wait_plan(change)["state"] == "undone"
    assert starts(host) == {"a": 0, "b": 4, "c": 6}
    assert host.problems() == []


def test_a_program_on_a_bare_instance_keeps_it_in_its_place(host, tmp_path):
    assert host.apply("lab", FIRST)["state"] == "done"
    site = write_site(tmp_path, SECOND, moveIdle=True)
    host.ctl("set", A100, "busy", str(1 << 6))
    there = {gi["start"]: gi["processes"] for gi in host.api.get(f"/v1/gpus/{A100}")["gpuInstances"]}
    assert there == {0: 0, 4: 0, 6: 1}
    refused = host.cleave.run("apply", "-f", site, "--dry-run")
    assert refused.returncode == 5 and "c@6" in refused.stderr
    host.ctl("set", A100, "busy", "0")
    assert host.cleave.run("apply", "-f", site, "-y").returncode == 0
    assert host.problems() == []


def test_a_vgpu_goes_to_another_gpu_and_its_vms_definition_follows(machine):
    host = machine("l40s-x2")
    host.define("x", "new")
    host.start()
    host.create("whole", type="L40S-48Q")
    before = host.create("x", type="L40S-8Q", vm="x")["assigned"]
    host.delete("whole")
    other = next(bdf for bdf in host.gpus() if bdf != before["gpu"])
    host.create("stays", type="L40S-8Q", gpu=other)
    wanted = ["claim", "create", "new", "--type", "L40S-48Q", "--vm", "new"]
    refused = host.cleave.run(*wanted)
    text = f'move claim "x" from {before["gpu"]} to {other}'
    assert refused.returncode == 5 and text in refused.stderr
    done = host.cleave.run(*wanted, "--move-idle")
    assert done.returncode == 0, done.stderr
    after = host.api.get("/v1/claims/x")["assigned"]
    assert after["gpu"] == other and host.stored_devices("x") == [after["device"]]
    assert host.problems() == []
    host.virsh("start", "x")
    host.virsh("start", "new")
