# SPDX-License-Identifier: Apache-2.0
"""Boards whose PCI addresses are others after a reboot, and VMs that start with the host."""
import pytest

from harness import wait_for
from lifecycle import claim, events, hook_options, store_autostart
from machine import Machine, START_LIBVIRT

UUIDS = {"a": "GPU-aaaaaaaa-0000-0000-0000-000000000001", "b": "GPU-bbbbbbbb-0000-0000-0000-000000000002",
         "c": "GPU-cccccccc-0000-0000-0000-000000000003"}
KINDS = {"a": {"mode": "passthrough"}, "b": {"type": "L40S-8Q"}, "c": {"mode": "passthrough"}}

# Board by board: the bus before, the bus after (None: the board was taken out).
MOVES = {
    "swapped": {"a": ("26", "a6"), "b": ("a6", "26")},
    "shifted": {"a": ("26", "27"), "b": ("a6", "a7")},
    "shifted-chain": {"a": ("26", "27"), "b": ("27", "28"), "c": ("28", "29")},
    "shifted-down": {"c": ("26", "25"), "b": ("27", "26"), "a": ("28", "27")},
    "rotated": {"a": ("26", "27"), "b": ("27", "28"), "c": ("28", "26")},
    "first-out": {"a": ("26", None), "b": ("27", "26"), "c": ("28", "27")},
    "last-out": {"b": ("26", "27"), "a": ("27", "28"), "c": ("28", None)},
}


def slots(directory, name, buses):
    """A host file: the same boards, in the slots of these buses."""
    path = directory / f"{name}.yaml"
    boards = "".join(f"  - {{board: l40s, bdf: '0000:{bus}:00.0', numa_node: 0, uuid: {UUIDS[board]}}}\n"
                     for board, bus in sorted(buses.items(), key=lambda one: one[1]))
    path.write_text(f"name: slots\ndriver: 580.105.08\nkernel: 6.8.0-60-generic\ngpus:\n{boards}")
    return path


def running(machine):
    return sorted(machine.virsh("list", "--name").stdout.split())


@pytest.mark.parametrize("moves", MOVES)
def test_definitions_follow_and_vms_start(directory, openapi, moves):
    before = {board: was for board, (was, _) in MOVES[moves].items()}
    after = {board: now for board, (_, now) in MOVES[moves].items() if now}
    one = Machine(directory, slots(directory, "before", before), openapi, options=hook_options(directory))
    one.start("--observe-period", "1")
    vms = {board: f"p{board}" for board in before}
    one.define(*vms.values())
    for board, vm in vms.items():
        one.create(vm, gpu=f"0000:{before[board]}:00.0", vm=vm, **KINDS[board])
    xml = {vm: one.virsh("dumpxml", "--inactive", vm).stdout for vm in vms.values()}
    one.end()
    two = Machine(directory, slots(directory, "after", after), openapi, options=hook_options(directory))
    try:
        store_autostart(two, xml)
        two.start("--observe-period", "1")
        there = sorted(vms[board] for board in after)
        restored = two.cleave.run("host", "restore")
        assert restored.returncode == (0 if len(after) == len(before) else 8), restored.stdout + restored.stderr
        done = [it["message"] for it in events(two, "plan-done") if it["message"].startswith("host restore")]
        assert done and "its steps are done, but" not in str(done)  # of boards that are all found
        two.run(START_LIBVIRT)
        wait_for(lambda: running(two) == there)
        for board, bus in after.items():
            assert claim(two, vms[board])["assigned"]["gpu"] == f"0000:{bus}:00.0"
        refused = [it["message"] for it in events(two, "vm-refused") if it["subject"].removeprefix("vm/") in there]
        assert "belongs to" not in str(refused)
        out = sorted(set(vms.values()) - set(there))
        left = two.cleave.run("host", "restore", "--dry-run")  # and of those that it leaves as they are
        named = {one["vm"] for one in two.api.get("/v1/host/restore")["definitions"]}
        assert named == set(out)
        assert all(f"Unchanged: VM {vm}: its definition names" in left.stdout for vm in out), left.stdout
        for vm in out:  # it starts with no other board that has the address of its own
            done = two.cleave.run("vm", "start", vm)
            assert done.returncode == 11 and "is not on this host" in done.stderr, done.stderr
            assert two.virsh("start", vm, check=False).returncode != 0
            assert "is not on" in claim(two, vm)["problem"]
        for vm in there:
            two.virsh("destroy", vm)
        for vm in out:  # nor when it is not in use
            assert two.virsh("start", vm, check=False).returncode != 0
            two.delete(vm)
        for vm in there:  # and its claim takes nothing along
            two.virsh("start", vm)
        assert running(two) == there and two.problems() == []
    finally:
        two.end()


# How a claim comes to be on a board that NVIDIA's driver does not have, and whether it knows which one.
WAYS = {"by-mode": True, "without-the-driver": False}


@pytest.mark.parametrize("way", WAYS)
def test_no_board_is_taken_for_another_that_was_on_vfio_pci(directory, openapi, way):
    before, after = {"a": "26", "b": "a6"}, {"a": "a6", "b": "26"}
    one = Machine(directory, slots(directory, "before", before), openapi, options=hook_options(directory))
    if way == "without-the-driver":
        one.ctl("driver-unload")
    one.start("--observe-period", "1")
    one.define("pa", "pb")
    if way == "by-mode":
        assert one.cleave.run("gpu", "mode", "0000:a6:00.0", "passthrough").returncode == 0
    one.create("pb", gpu="0000:a6:00.0", vm="pb", mode="passthrough")
    if way == "without-the-driver":
        one.ctl("driver-load")
        wait_for(lambda: any(gpu["uuid"] == UUIDS["a"] for gpu in one.api.get("/v1/gpus")["gpus"]))
    one.create("pa", gpu="0000:26:00.0", vm="pa", mode="passthrough")
    assert claim(one, "pb")["assigned"]["gpuUuid"] == (UUIDS["b"] if WAYS[way] else None)
    xml = {vm: one.virsh("dumpxml", "--inactive", vm).stdout for vm in ("pa", "pb")}
    one.end()
    two = Machine(directory, slots(directory, "after", after), openapi, options=hook_options(directory))
    try:
        store_autostart(two, xml)
        two.start("--observe-period", "1")
        two.run(START_LIBVIRT)
        wait_for(lambda: "pa" in running(two))
        runs = [two.cleave.run("host", "restore", *dry) for dry in (["--dry-run"], [])]
        assert [done.returncode for done in runs] == [0 if WAYS[way] else 8] * 2, runs
        assert claim(two, "pa")["assigned"]["gpu"] == "0000:a6:00.0"
        if WAYS[way]:
            wait_for(lambda: running(two) == ["pa", "pb"])
            assert claim(two, "pb")["assigned"]["gpu"] == "0000:26:00.0" and two.problems() == []
            return
        assert all("pb" in done.stderr and '"pa"' in done.stderr and "a6:00.0" in done.stderr for done in runs)
        starts = [two.cleave.run("vm", "start", "pb", *dry) for dry in (["--dry-run"], [])]
        assert [done.returncode for done in starts] == [11, 11] and starts[0].stderr == starts[1].stderr
        two.virsh("destroy", "pa")
        assert two.virsh("start", "pb", check=False).returncode != 0
        two.delete("pb")  # which gives back nothing of the other's
        two.virsh("start", "pa")
        assert running(two) == ["pa"] and two.problems() == []
    finally:
        two.end()
