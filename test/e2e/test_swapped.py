# SPDX-License-Identifier: Apache-2.0
"""Boards whose PCI addresses are others after a reboot, and VMs that start with the host."""
import pytest

from lifecycle import claim, events, hook_options, store_autostart, wait_for
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
            assert claim(two, vms[board])["got"]["gpu"] == f"0000:{bus}:00.0"
        refused = [it["message"] for it in events(two, "vm-refused") if it["subject"].removeprefix("vm/") in there]
        assert "belongs to" not in str(refused)
        out = sorted(set(vms.values()) - set(there))
        left = two.cleave.run("host", "restore", "--dry-run")  # and of those that it leaves as they are
        named = {one["vm"] for one in two.api.get("/v1/host/restore")["definitions"]}
        assert named == set(out)
        assert all(f"Unchanged: VM {vm}: its definition names" in left.stdout for vm in out), left.stdout
        for vm in out:  # it starts with no other board that has the address of its own
            done = two.cleave.run("vm", "start", vm)
            assert done.returncode == 11 and "the GPU is gone" in done.stderr, done.stderr
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
