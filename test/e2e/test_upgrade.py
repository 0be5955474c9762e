# SPDX-License-Identifier: Apache-2.0
"""An upgrade of the system after which the kernel makes vGPUs through another interface."""
from harness import wait_for
from lifecycle import events, hook_options, store_autostart
from machine import Machine, START_LIBVIRT

OLD = "driver: 550.163.02\nkernel: 5.14.0-503.el9.x86_64\n"
NEW = "driver: 580.105.08\nkernel: 6.12.0-55.el10.x86_64\n"


def host(directory, name, system):
    path = directory / f"{name}.yaml"
    path.write_text(f"name: up\n{system}gpus:\n  - {{board: a100-pcie-40gb, bdf: 0000:3b:00.0, numa_node: 0, "
                    "uuid: GPU-aaaaaaaa-0000-0000-0000-000000000001}\n")
    return path


def test_claims_and_definitions_follow_and_vms_start(directory, openapi):
    one = Machine(directory, host(directory, "before", OLD), openapi, options=hook_options(directory))
    one.start("--observe-period", "1")
    one.define("held", "drawn")
    one.create("held", type="A100-8C", vm="held")
    one.create("drawn", type="A100-8C", vm="drawn", hold="on-demand")
    xml = {n: one.virsh("dumpxml", "--inactive", n).stdout for n in ("held", "drawn")}
    assert all("mdev" in text for text in xml.values())
    one.end()
    two = Machine(directory, host(directory, "after", NEW), openapi, options=hook_options(directory))
    try:
        store_autostart(two, xml)
        two.start("--observe-period", "1")
        restored = two.cleave.run("host", "restore")
        assert restored.returncode == 0, restored.stderr
        assert two.api.get("/v1/claims/held")["assigned"]["mdevUuid"] is None
        two.run(START_LIBVIRT)
        wait_for(lambda: sorted(two.virsh("list", "--name").stdout.split()) == ["drawn", "held"])
        assert "no such GPU" not in str(events(two, "vm-refused"))
    finally:
        two.end()
