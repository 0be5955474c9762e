# SPDX-License-Identifier: Apache-2.0
"""Advice on this host: what it says yes to can be had in these words, what it says no to can't."""
import pytest

NEEDS = [
    {"memory": "8G", "graphics": True, "licences": ["vWS"]},
    {"memory": "18G", "isolation": "hardware", "predictable": True},
    {"memory": "10G", "consumer": "host", "licences": "none"},
    {"memory": "300G"},
]


@pytest.fixture
def demo(machine):
    one = machine("demo")
    one.start()
    return one


def words(entry):
    claim = {"name": "asked", "mode": entry["mode"], "gpu": entry["gpu"]}
    if entry["type"]:
        claim["type"] = entry["type"]
    elif entry["profile"]:
        claim["profile"] = entry["profile"]
    return claim


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need["memory"])
def test_the_planner_keeps_what_advice_says(demo, need):
    demo.create("web1", type="L40S-8Q")
    status, answer, _ = demo.api.call("POST", "/v1/advice", need)
    assert status == 200, answer
    entries = answer["advice"]
    assert {entry["mode"] for entry in entries} == {"passthrough", "time-sliced", "mig-backed",
                                                    "time-sliced-mig-backed", "gpu-instance"}
    ranks = [entry["rank"] for entry in entries if entry["rank"]]
    assert ranks == list(range(1, len(ranks) + 1))
    for entry in entries:
        if entry["verdict"] == "no":
            assert entry["reasons"] and all(reason["source"] for reason in entry["reasons"]), entry
            continue
        claim = words(entry) | {"moveIdle": True}
        status, plan, _ = demo.api.call("POST", "/v1/claims?dryRun=true", claim)
        assert status == 200, (entry, plan)
    slices = [entry for entry in entries if entry["verdict"] != "no" and entry["mode"].endswith("mig-backed")]
    assert not slices or any("MIG slice in a VM is a vGPU" in note for note in answer["notes"])


@pytest.mark.parametrize("need", NEEDS[:3], ids=lambda need: need["memory"])
def test_a_claim_with_the_need_gets_what_comes_first(demo, need):
    first = demo.api.call("POST", "/v1/advice", need)[1]["advice"][0]
    status, plan, _ = demo.api.call("POST", "/v1/claims?dryRun=true", {"name": "asked", "need": need})
    assert status == 200, plan
    claim = plan["claims"][0]
    assert (claim["mode"], claim["assigned"]["gpu"]) == (first["mode"], first["gpu"])
    assert claim["type"] == first["type"]


def serving(demo, need):
    entries = demo.api.call("POST", "/v1/advice", need)[1]["advice"]
    return {(one["model"], one["mode"]) for one in entries if one["verdict"] != "no"}, entries


def test_so_many_gpus_are_there(demo):
    """The host has two L40S and one of each other board."""
    found, entries = serving(demo, {"memory": "40G", "gpus": 2})
    assert found and {model for model, mode in found} == {"l40s"}
    assert any(one["reasons"][0]["rule"] == "too-few-gpus" for one in entries if one["verdict"] == "no")
    assert serving(demo, {"memory": "40G", "gpus": 3})[0] == set()


def test_so_many_vms_have_room(demo):
    demo.create("web1", type="L40S-8Q", gpu="0000:81:00.0")
    entries = serving(demo, {"memory": "8G", "count": 6, "graphics": True})[1]
    shared = {one["gpu"]: one for one in entries if (one["model"], one["mode"]) == ("l40s", "time-sliced")}
    assert shared["0000:a1:00.0"]["verdict"] == "yes"
    assert shared["0000:81:00.0"]["verdict"] == "no"
    assert "room for 5 such VMs" in shared["0000:81:00.0"]["reasons"][0]["text"]


def test_a_need_that_contradicts_is_refused(demo):
    status, problem, _ = demo.api.call("POST", "/v1/advice", {"consumer": "host", "guest": "windows"})
    assert status == 400 and "contradicts" in problem["detail"]


def test_what_serves_is_warned_of_as_its_plan_is(machine):
    old = machine("t4-mdev")
    old.start()
    need = {"memory": "8G", "liveMigration": True}
    first = old.api.call("POST", "/v1/advice", need)[1]["advice"][0]
    rules = [warning["rule"] for warning in first["warnings"]]
    assert "migratable-needs-vgpu-17" in rules and all(warning["source"] for warning in first["warnings"])
    plan = old.api.call("POST", "/v1/claims?dryRun=true", {"name": "asked", "need": need})[1]["plan"]
    for rule in rules:
        assert any(f"(rule {rule})" in warning["text"] for warning in plan["warnings"]), plan["warnings"]
