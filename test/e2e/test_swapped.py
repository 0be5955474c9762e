# SPDX-License-Identifier: Apache-2.0
"""Boards that change places at a reboot, and VMs that start with the host."""
from lifecycle import events, hook_options, store_autostart, wait_for
from machine import Machine, START_LIBVIRT

UUIDS = ("GPU-aaaaaaaa-0000-0000-0000-000000000001", "GPU-bbbbbbbb-0000-0000-0000-000000000002")


def slots(directory, first, second):
    """A host file: the same two boards, in these slots."""
    path = directory / f"{first[5:7]}.yaml"
    boards = "".join(f"  - {{board: l40s, bdf: {slot}, numa_node: {n}, uuid: {UUIDS[n]}}}\n"
                     for n, slot in enumerate((first, second)))
    path.write_text(f"name: slots\ndriver: 580.105.08\nkernel: 6.8.0-60-generic\ngpus:\n{boards}")
    return path


def test_definitions_follow_and_vms_start(directory, openapi):
    one = Machine(directory, slots(directory, "0000:26:00.0", "0000:a6:00.0"), openapi, options=hook_options(directory))
    one.start("--observe-period", "1")
    one.define("pa", "pb")
    one.create("pa", mode="passthrough", gpu="0000:26:00.0", vm="pa")
    one.create("pb", type="L40S-8Q", gpu="0000:a6:00.0", vm="pb")
    xml = {n: one.virsh("dumpxml", "--inactive", n).stdout for n in ("pa", "pb")}
    one.end()
    two = Machine(directory, slots(directory, "0000:a6:00.0", "0000:26:00.0"), openapi, options=hook_options(directory))
    try:
        store_autostart(two, xml)
        two.start("--observe-period", "1")
        assert two.cleave.run("host", "restore").returncode == 0
        assert "once libvirt answers" in str(events(two, "host-restored"))
        two.run(START_LIBVIRT)
        wait_for(lambda: sorted(two.virsh("list", "--name").stdout.split()) == ["pa", "pb"])
        assert "belongs to" not in str(events(two, "vm-refused"))
    finally:
        two.end()
