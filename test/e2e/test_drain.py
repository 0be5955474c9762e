# SPDX-License-Identifier: Apache-2.0
"""`cleave host drain`: a host with VMs of several kinds is emptied to a second simulated host."""
import contextlib
import json
import os
import time

import pytest

from harness import LONG, with_libvirt
from twin import Twin

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]

OVER = ("done", "incomplete", "cancelled")


class Pair(Twin):
    def target(self, machine):
        """What --to takes."""
        return f"{self.uri(machine)},unix:{machine.socket},{self.carrier()}"

    def furnish(self, passthrough=True):
        """v1, v2 with a vGPU each, n1 without a GPU, p1 with a whole one, o1 that is off."""
        source = self.alpha
        first, second = sorted(source.gpus())
        names = ["v1", "v2", "n1"] + (["p1"] if passthrough else [])
        source.define(*names, "o1")
        for name in ("v1", "v2", "o1"):
            source.create(name, type="L40S-8Q", gpu=first, vm=name)
        if passthrough:
            source.create("p1", mode="passthrough", gpu=second, vm="p1")
        done = source.cleave.run("vm", "start", *names)
        assert done.returncode == 0, done.stderr
        return names

    def drain(self, *options, check=True):
        done = self.alpha.cleave.run("host", "drain", "--to", self.target(self.beta), *options)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def state(self):
        return self.alpha.api.get("/v1/drain")["drain"]

    def vms(self):
        return {vm["vm"]: vm for vm in self.state()["vms"]}

    def settle(self, seconds=90):
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                if self.state()["state"] in OVER:
                    return self.state()
            assert time.monotonic() < deadline, self.state()
            time.sleep(0.2)


def on(machine):
    return sorted(machine.virsh("list", "--name").stdout.split())


@pytest.fixture
def pair(directory, openapi):
    made = Pair(directory, "l40s-x2", openapi)
    for machine in made.machines:
        machine.start()
    yield made
    made.end()


def events(machine, kind):
    return [e for e in machine.api.get("/v1/events?limit=1000")["events"] if e["kind"] == kind]


def test_a_dry_run_shows_what_becomes_of_each_vm_and_changes_nothing(pair):
    pair.furnish()
    done = pair.drain("--dry-run", check=False)
    assert done.returncode == 4 and "would still run here" in done.stderr, done.stderr
    assert "--stop" in done.stderr
    print(done.stdout)
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "migrates" in rows["v1"] and "migrates" in rows["v2"] and "migrates" in rows["n1"]
    assert "can't move" in rows["p1"] and "pass" in done.stdout
    assert "must stop" in pair.drain("--dry-run", "--stop").stdout
    assert on(pair.alpha) == ["n1", "p1", "v1", "v2"] and on(pair.beta) == []
    assert all(g["cordoned"] is None for g in pair.alpha.api.get("/v1/gpus")["gpus"])
    assert pair.alpha.api.call("GET", "/v1/drain")[0] == 404


@LONG
def test_a_host_is_emptied_and_what_can_t_move_is_stopped_on_request(pair):
    names = pair.furnish()
    done = pair.drain(check=False)
    assert done.returncode == 4 and "VMs still run here" in done.stderr, done.stderr
    assert on(pair.alpha) == ["p1"] and on(pair.beta) == ["n1", "v1", "v2"]
    assert pair.vms()["p1"]["step"] == "left" and "pass" in pair.vms()["p1"]["why"]
    assert all(g["cordoned"] for g in pair.alpha.api.get("/v1/gpus")["gpus"])
    pair.drain("--stop", "--no-wait")
    while pair.vms()["p1"]["step"] != "stopping":
        assert pair.state()["state"] not in OVER, pair.state()
        time.sleep(0.1)
    # No guest runs in p1 to be asked: a drain kills none, who wants that says so.
    assert on(pair.alpha) == ["p1"]
    done = pair.alpha.cleave.run("vm", "stop", "p1", "--now")
    assert done.returncode == 0, done.stderr
    assert pair.settle()["state"] == "done" and on(pair.alpha) == []
    assert pair.vms()["p1"]["step"] == "gone"
    assert sorted(c["name"] for c in pair.beta.api.get("/v1/claims")["claims"]) == ["v1", "v2"]
    assert sorted(c["name"] for c in pair.alpha.api.get("/v1/claims")["claims"]) == ["o1", "p1"]
    assert pair.beta.problems() == []
    assert [e["kind"] for e in events(pair.alpha, "host-drained")]
    # Nothing new here until the maintenance is over.
    done = pair.alpha.cleave.run("claim", "create", "new", "--type", "L40S-8Q")
    assert done.returncode == 5 and "drained" in done.stderr
    assert pair.alpha.cleave.run("host", "undrain").returncode == 0
    assert pair.alpha.cleave.run("host", "drain", "--status").returncode == 3
    pair.alpha.create("new", type="L40S-8Q")
    assert len(names) == 4


@pytest.mark.quick("drain")
def test_a_cordon_of_someone_else_outlives_the_drain(pair):
    first, second = sorted(pair.alpha.gpus())
    assert pair.alpha.cleave.run("gpu", "cordon", first, "--reason", "fan").returncode == 0
    assert pair.drain().returncode == 0
    assert pair.alpha.cleave.run("host", "undrain").returncode == 0
    gpus = {g["address"]: g["cordoned"] for g in pair.alpha.api.get("/v1/gpus")["gpus"]}
    assert gpus[first]["reason"] == "fan" and gpus[second] is None


def test_a_drain_is_cancelled_and_the_vms_that_are_left_go_on_here(pair):
    pair.furnish(passthrough=False)
    pair.drain("--no-wait")
    done = pair.alpha.cleave.run("host", "drain", "--cancel")
    assert done.returncode in (0, 4), done.stderr
    state = pair.settle()
    here, there = on(pair.alpha), on(pair.beta)
    assert sorted(here + there) == ["n1", "v1", "v2"], "each runs on exactly one host"
    if done.returncode == 0:
        assert state["state"] == "cancelled" and "v2" in here
    assert pair.alpha.problems() == [] and pair.beta.problems() == []


@pytest.mark.parametrize("point", (2, 5, 8, 11, 14))
@LONG
def test_a_drain_survives_the_end_of_cleaved(pair, point):
    pair.furnish(passthrough=False)
    pair.alpha.stop()
    pair.alpha.start(die_after=point)
    pair.drain("--no-wait", check=False)
    deadline = time.monotonic() + 60
    while pair.alpha.lives() and time.monotonic() < deadline:
        with contextlib.suppress(OSError, json.JSONDecodeError):
            if pair.alpha.api.call("GET", "/v1/drain")[0] == 200 and \
                    pair.state()["state"] in OVER:
                break
        time.sleep(0.1)
    if not pair.alpha.lives():
        pair.alpha.start()
    if pair.alpha.api.call("GET", "/v1/drain")[0] == 404:  # it died before it was written down
        pair.drain()
    assert pair.settle()["state"] == "done", [v for v in pair.state()["vms"]] + [pair.alpha.log.read_text()]
    assert on(pair.alpha) == [] and on(pair.beta) == ["n1", "v1", "v2"]
    assert pair.alpha.problems() == [] and pair.beta.problems() == []


def test_a_target_that_does_not_answer_leaves_every_vm_where_it_is(pair):
    pair.furnish(passthrough=False)
    pair.beta.stop()
    done = pair.drain(check=False)
    assert done.returncode == 4, done.stderr
    assert on(pair.alpha) == ["n1", "v1", "v2"]
    assert all(vm["step"] in ("left", "failed") for vm in pair.vms().values())
    assert pair.alpha.problems() == []


@LONG
def test_two_drains_at_once_are_one_too_many(pair):
    pair.furnish(passthrough=False)
    pair.drain("--no-wait")
    done = pair.drain(check=False)
    if pair.state()["state"] not in OVER:
        assert done.returncode == 4 and "already" in done.stderr
    pair.settle()
