# SPDX-License-Identifier: Apache-2.0
"""Random actions with fixed seeds, a few dozen each; the long run is test/e2e/actions.py on its own. And:
the witnesses see what they are there to see."""
import os

import pytest

from actions import Play, read_trace, replay, run, shrink, write_trace
from play import witness
from play.world import Broken, Vm

A100, L40S = "0000:61:00.0", "0000:81:00.0"


@pytest.fixture
def play():
    """play(seed, …) is a machine on which actions are done; it ends with the test."""
    if os.geteuid() != 0:
        pytest.skip("needs root (namespaces, mounts)")
    open_ones = []

    def make(seed=1, **options):
        open_ones.append(Play(seed, **options).__enter__())
        return open_ones[-1]

    yield make
    for one in open_ones:
        one.__exit__(None, None, None)


@pytest.mark.parametrize("host, seed, count", [("demo", 1, 20), ("a100-40gb-mdev", 2, 12)])
def test_random_actions_on_vms_leave_nothing_behind(play, host, seed, count):
    one = play(seed, host=host)
    error = run(one, (one.draw() for _ in range(count)))
    print(one.report())
    assert error is None, f"seed {seed}, action {len(one.trace)}: {error}"
    assert len(one.trace) == count


@pytest.mark.parametrize("host, seed, count", [("demo", 3, 24), ("mixed", 4, 14)])
def test_random_actions_without_vms_leave_nothing_behind(play, host, seed, count):
    one = play(seed, host=host, with_vms=False)
    error = run(one, (one.draw() for _ in range(count)))
    print(one.report())
    assert error is None, f"seed {seed}, action {len(one.trace)}: {error}"


@pytest.mark.parametrize("host, seed, count", [("l40s-x2", 3, 16)])
def test_random_actions_on_two_hosts_leave_nothing_behind(play, host, seed, count):
    one = play(seed, host=host, hosts=2)
    error = run(one, (one.draw() for _ in range(count)))
    print(one.report())
    assert error is None, f"seed {seed}, action {len(one.trace)}: {error}"


def act(one, action, host=0, **args):
    one.do({"action": action, "host": host, "args": args})


def claim(one, name, **wish):
    act(one, "claim create", name=name, by="api", wish=wish)


def seen(one):
    return set(witness.check(one.side))


def test_a_vgpu_that_no_claim_holds_is_seen(play):
    one = play(with_vms=False)
    claim(one, "a", type="L40S-8Q", gpu=L40S)
    one.side.machine.sh(f"cd /sys/bus/pci/devices/{L40S}/virtfn3/nvidia\n"
                        "sed -n 's/ *: NVIDIA L40S-8Q$//p' creatable_vgpu_types >current_vgpu_type")
    assert seen(one) == {"orphans"}


def test_a_vgpu_that_someone_took_is_seen(play):
    one = play(with_vms=False)
    claim(one, "a", type="L40S-8Q", gpu=L40S)
    one.side.machine.sh(f"echo 0 >/sys/bus/pci/devices/{L40S}/virtfn0/nvidia/current_vgpu_type")
    assert seen(one) == {"wrong devices"}


def test_a_lost_claim_and_one_too_many_are_seen(play):
    one = play(with_vms=False)
    claim(one, "a", mode="gpu-instance", profile="1g.5gb", gpu=A100)
    one.side.claims["b"] = one.side.claims.pop("a")
    assert seen(one) == {"lost claims"}


def test_a_device_of_two_vms_is_seen(play):
    one = play()
    claim(one, "a", type="L40S-8Q", gpu=L40S, vm="v1")
    xml = one.side.machine.virsh("dumpxml", "v1").stdout.split("<hostdev")[1].split("</hostdev>")[0]
    one.side.machine.attach("v2", f"<hostdev{xml}</hostdev>")
    assert seen(one) == {"double assignments", "orphans"}


def test_a_vm_that_ends_on_its_own_is_seen(play):
    one = play()
    claim(one, "a", type="L40S-8Q", gpu=L40S, vm="v1")
    act(one, "vm start", vm="v1")
    one.side.machine.virsh("destroy", "v1")
    assert seen(one) == {"interrupted VMs", "unrest"}


def test_a_vm_that_loses_its_device_while_it_runs_is_seen(play):
    one = play()
    claim(one, "a", type="L40S-8Q", gpu=L40S, vm="v1")
    act(one, "vm start", vm="v1")
    holder = one.side.seen.holders["0000:81:00.4"]
    pid = one.side.machine.gpus()[L40S]["vfs"][0]["vgpu"]["opener"]
    one.side.machine.ctl("close", "0000:81:00.4", str(pid))
    assert holder and {"interrupted VMs", "wrong devices"} <= seen(one)


def test_a_vm_without_a_definition_moves_and_gets_one_with_its_new_device(play):
    one = play(host="l40s-x2", hosts=2)
    act(one, "claim create", host=1, name="d1", by="api", wish={"type": "L40S-8Q", "vm": "w1"})
    claim(one, "c1", type="L40S-8Q", vm="v1")
    act(one, "vm start", vm="v1")
    act(one, "virsh undefine", vm="v1")
    act(one, "vm migrate", vm="v1")
    assert one.trace[-1]["outcome"] == "done", one.trace[-1]
    assert one.sides[1].vms["v1"].stored
    old, new = (one.sides[n].seen.claims[name]["assigned"]["device"] for n, name in ((1, "d1"), (1, "c1")))
    assert old != new


def test_a_claim_whose_vm_cleaved_did_not_see_go_may_be_held_back(play):
    one = play()
    claim(one, "a", type="L40S-8Q", gpu=L40S, vm="v1")
    act(one, "vm start", vm="v1")
    act(one, "virsh undefine", vm="v1")
    act(one, "crash", inner={"action": "vm stop", "args": {"vm": "v1"}}, when="die_before", commit=1)
    act(one, "gc")
    assert one.side.unseen == {"v1"}
    if "a" in one.side.claims:  # held back: then it says so, and had it been there, it would have to know
        one.side.unseen.clear()
        assert seen(one) == {"orphans"}


def test_an_answer_that_is_not_legitimate_is_reported(play):
    one = play(with_vms=False)
    one.side.vms["nowhere"] = Vm("nowhere")  # so that a claim for it should do
    with pytest.raises(Broken, match="answered unavailable .*legitimate are done"):
        claim(one, "a", type="L40S-8Q", vm="nowhere")


def test_a_failure_is_written_down_replayed_and_shrunk(play, tmp_path):
    one = play(7, with_vms=False)
    rows = [one.draw() for _ in range(3)]
    rows += [{"action": "claim create", "args": {"name": "same", "by": "api",
                                                 "wish": {"type": "L40S-8Q"}}}]
    act(one, "claim create", name="same", by="api", wish={"type": "L40S-8Q"})
    one.trace += rows
    write_trace(tmp_path / "trace", one, "a made-up one")
    head, again = read_trace(tmp_path / "trace")
    assert head["seed"] == 7 and again == one.trace
    # A model that forgot the first: the second is refused, for a reason that the model lacks.
    again[-1]["args"]["wish"] = {"type": "no such type"}
    again[-1]["args"]["name"] = "other"
    error, _ = replay(head, again)
    assert isinstance(error, Broken) and "no such type" in str(error)
    shorter, _ = shrink(head, again, error, seconds=60)
    assert [row["args"]["name"] for row in shorter] == ["other"]
