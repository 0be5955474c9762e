# SPDX-License-Identifier: Apache-2.0
"""cleaved is killed (SIGKILL) at each commit of a plan's journal. The next start finishes the plan
or undoes it, and claims, hardware and VM definitions agree afterwards."""
import contextlib
import http.client

import pytest

RTX, A100, L40S_1, L40S_2 = "0000:41:00.0", "0000:61:00.0", "0000:81:00.0", "0000:a1:00.0"
MANY = 400


def shared(n):
    return {f"c{i:02}": {"type": "DC-1-8C", "gpu": RTX, "vm": f"v{i:02}"} for i in range(n)}


def layout(*types):
    return {f"c{i}": {"type": kind, "gpu": A100, "vm": f"v{i:02}"} for i, kind in enumerate(types)}


# name: sites applied before, and the site whose plan is killed
PLANS = {
    "twelve claims on four instances": ([], shared(12)),
    "another layout": (
        [layout("A100-2-10C", "A100-2-10C", "A100-2-10C")],
        layout("A100-4-20C", "A100-2-10C", "A100-1-5C")),
    "from vGPUs to pass-through": (
        [{"a": {"type": "L40S-8Q", "gpu": L40S_1, "vm": "v00"}}],
        {"a": {"mode": "passthrough", "gpu": L40S_1, "vm": "v00"},
         "b": {"mode": "passthrough", "gpu": L40S_2, "vm": "v01"}}),
    "mixed sizes, and a bare instance": (
        [], {"a": {"type": "L40S-24Q", "gpu": L40S_1, "mixed": True, "vm": "v00"},
             "b": {"type": "L40S-4Q", "gpu": L40S_1, "mixed": True, "vm": "v01"},
             "c": {"mode": "gpu-instance", "profile": "3g.20gb", "gpu": A100}}),
    "vGPUs with parameters": (
        [], {"a": {"type": "L40S-48Q", "gpu": L40S_1, "params": {"unifiedMemory": True}},
             "b": {"type": "L40S-8Q", "gpu": L40S_2, "mixed": True, "params": {"console": False}},
             "c": {"type": "L40S-8Q", "gpu": L40S_2, "mixed": True}}),
    "everything released": ([{**shared(4), "w": {"mode": "passthrough", "gpu": L40S_2, "vm": "w"}}],
                            {}),
}


def prepare(host, before):
    host.define(*(f"v{i:02}" for i in range(12)), "w")
    host.start()
    for claims in before:
        assert host.apply("site", claims)["state"] == "done"
    host.stop()
    host.start()  # the births of what was made are stored with the next look
    host.api.get("/v1/gpus")
    host.stop()


def ask(host, claims):
    """Applies and may be cut off: cleaved dies while it answers. Claims that stay may move."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        host.apply("site", claims, wait=False, moveIdle=True)


def live_and_die(host, **die):
    """Starts cleaved again and again, each life killed early, until nothing is left to do."""
    for lives in range(1, MANY):
        host.start(**die, wait=False)
        if host.settle():
            host.kill()
            return lives
    raise AssertionError("no life gets any further")


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("die", [{"die_after": 1}, {"die_before": 2}],
                         ids=["at-each-commit", "before-each-commit"])
def test_killed_at_every_step_a_plan_still_ends_well(machine, name, die):
    before, claims = PLANS[name]
    host = machine("demo")
    prepare(host, before)
    host.start(**die)
    ask(host, claims)
    host.settle()
    lives = live_and_die(host, **die)
    host.start()
    plan = host.api.get("/v1/plans")["plans"][0]
    assert plan["state"] == "done", plan["problem"]
    assert lives >= len(plan["steps"]) + 1
    assert host.problems() == []
    assert {c["name"] for c in host.api.get("/v1/claims")["claims"]} == set(claims)


@pytest.mark.parametrize("die", [{"die_after": 1}, {"die_before": 2}],
                         ids=["at-each-commit", "before-each-commit"])
def test_killed_at_every_step_an_undo_still_ends_well(machine, die):
    host = machine("demo")
    prepare(host, [{"kept": {"type": "L40S-8Q", "gpu": L40S_2, "vm": "w"}}])
    before = host.gpus()
    host.start(die_after=1)
    ask(host, {"kept": {"type": "L40S-8Q", "gpu": L40S_2, "vm": "w"}, **shared(4)})
    assert not host.settle()
    host.virsh("start", "--paused", "v03")  # the last step can't be done any more
    live_and_die(host, **die)
    host.start()
    plan = host.api.get("/v1/plans")["plans"][0]
    assert plan["state"] == "undone" and "v03" in plan["problem"]
    assert host.problems() == []
    assert [(c["name"], c["state"]) for c in host.api.get("/v1/claims")["claims"]] == [
        *((name, "failed") for name in shared(4)), ("kept", "bound")]
    assert host.gpus() == before


def test_what_was_killed_once_is_finished_by_a_start_that_lives(machine):
    host = machine("demo")
    prepare(host, [])
    sites = [shared(2), {**shared(1), "p": {"mode": "passthrough", "gpu": L40S_1, "vm": "v05"}}, {}]
    commit = 0
    for turn in range(9):
        commit = commit % 9 + 1
        claims = sites[turn % len(sites)]
        host.start(**{("die_after", "die_before")[turn % 2]: commit + turn % 2})
        ask(host, claims)
        host.settle()
        if host.lives():
            host.kill()
        host.start()
        host.settle()
        assert host.api.get("/v1/plans")["plans"][0]["state"] == "done"
        assert host.problems() == []
        host.stop()
