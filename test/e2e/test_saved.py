# SPDX-License-Identifier: Apache-2.0
"""A VM that is saved, and its claims' devices."""
import re

import pytest

from harness import wait_for
from lifecycle import hook_options, state


@pytest.fixture
def one(machine, directory):
    host = machine("l40s-x2", options=hook_options(directory))
    host.start("--observe-period", "1")
    return host


def test_a_saved_vm_keeps_its_device_and_follows_another(one, image):
    one.define_guest(image, "p1")
    one.create("p1", type="L40S-24Q", vm="p1", hold="on-demand")
    assert one.cleave.run("vm", "start", "p1").returncode == 0
    one.virsh("managedsave", "p1")
    wait_for(lambda: one.api.get("/v1/vms")["vms"][0]["saved"])
    one.cleave.run("vm", "list")
    assert state(one, "p1") == "bound"
    refused = one.cleave.run("claim", "delete", "p1")
    assert refused.returncode == 6 and "managedsave-remove p1" in refused.stderr
    assert one.cleave.run("vm", "start", "p1").returncode == 0
    one.virsh("managedsave", "p1")
    # Its saved state names another device than its claim has: as after a board was moved.
    xml = one.virsh("managedsave-dumpxml", "p1").stdout
    source = re.search(r"<hostdev.*?<source>(.*?)</source>", xml, re.S).group(1)
    other = re.sub(r"function='0x.'", "function='0x7'", source)
    path = one.directory / "saved.xml"
    path.write_text(xml.replace(source, other))
    one.virsh("managedsave-define", "p1", str(path))
    found = one.api.get("/v1/vms/p1/lint")["findings"]
    assert [it["rule"] for it in found if it["rule"] == "saved-state"], found
    refused = one.virsh("start", "p1", check=False)
    assert "managedsave-remove p1" in refused.stderr, refused.stderr
    done = one.cleave.run("vm", "start", "p1")
    assert done.returncode == 0, done.stderr
    one.cleave.run("vm", "stop", "--now", "p1")
    wait_for(lambda: state(one, "p1") == "pending")


def test_a_refused_restore_says_what_the_file_needs(one, image):
    one.define_guest(image, "p1")
    one.create("p1", type="L40S-24Q", vm="p1")
    assert one.cleave.run("vm", "start", "p1").returncode == 0
    path = one.directory / "p1.save"
    one.virsh("save", "p1", str(path))
    one.virsh("restore", str(path))
    one.virsh("save", "p1", str(path))
    wait_for(lambda: one.api.get("/v1/vms")["vms"][0]["state"] == "shut-off")
    assert one.cleave.run("claim", "delete", "p1").returncode == 0
    refused = one.virsh("restore", str(path), check=False)
    assert refused.returncode != 0 and "save-image-edit FILE" in refused.stderr, refused.stderr
    assert "`cleave claim create p1 --vm p1" in refused.stderr and "cleave gc" not in refused.stderr
    one.create("p1", type="L40S-24Q", vm="p1")
    one.virsh("restore", str(path))
