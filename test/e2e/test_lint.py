# SPDX-License-Identifier: Apache-2.0
"""`cleave vm lint` on real definitions: what cleave wrote is clean, what a person broke is named."""
import json
import os

import pytest

from harness import with_libvirt
from machine import hostdev

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]

L40S = "0000:26:00.0"


@pytest.fixture
def host(machine):
    host = machine("l40s-x2")
    host.define("v1", "v2")
    return host.start()


def lint(host, name):
    """Rules broken, worst first."""
    answer = host.api.get(f"/v1/vms/{name}/lint")
    assert answer["vm"] == name
    assert answer["errors"] + answer["warnings"] + answer["notes"] == len(answer["findings"])
    return [it["rule"] for it in answer["findings"]]


def edit(host, name, *changes):
    xml = host.virsh("dumpxml", "--inactive", name).stdout
    for old, new in changes:
        assert old in xml
        xml = xml.replace(old, new)
    host.virsh("define", "/dev/stdin", input=xml)


@pytest.mark.parametrize("claim", [{"mode": "passthrough", "gpu": L40S}, {"type": "L40S-8Q"}],
                         ids=["whole", "vgpu"])
def test_what_cleave_wrote_is_clean(host, claim):
    assert lint(host, "v1") == []
    host.create("a", vm="v1", **claim)
    assert lint(host, "v1") == []
    host.virsh("start", "v1")
    assert lint(host, "v1") == []
    host.virsh("destroy", "v1")
    host.delete("a")
    assert lint(host, "v1") == []


def test_what_cleave_wrote_for_mediated_devices_is_clean(machine):
    host = machine("a100-40gb-mdev")
    host.define("v1", devices="<graphics type='vnc' port='-1'/>")
    host.start()
    host.create("a", type="A100-8C", vm="v1")
    host.create("b", type="A100-8C", vm="v1")
    assert lint(host, "v1") == []


def test_a_managed_vgpu_is_an_error_and_libvirt_agrees(host):
    host.create("a", type="L40S-8Q", vm="v1")
    edit(host, "v1", ("managed='no'", "managed='yes'"))
    assert lint(host, "v1") == ["managed-vgpu"]
    assert host.virsh("start", "v1", check=False).returncode != 0
    line = host.api.get("/v1/vms/v1/lint")["findings"][0]["line"]
    xml = host.virsh("dumpxml", "--inactive", "v1").stdout.splitlines()
    assert "managed='yes'" in xml[line - 1]  # the line that virsh shows


def test_devices_put_in_by_hand_are_named(host):
    claim = host.create("a", type="L40S-8Q", vm="v1")
    device = claim["assigned"]["device"]
    other = device[:-1] + str(int(device[-1]) + 1)
    host.attach("v2", hostdev(device))
    assert sorted(lint(host, "v2")) == ["claim-of-another-vm", "device-shared"]
    assert lint(host, "v1") == ["device-shared"]
    host.attach("v2", hostdev(other))
    found = lint(host, "v2")
    assert "vgpu-missing" in found and "device-by-hand" not in found  # which says to claim one, too


def test_a_claim_that_is_not_in_the_definition_is_missed(host):
    host.create("a", type="L40S-8Q", vm="v1")
    host.virsh("undefine", "v1")
    host.define("v1")
    assert lint(host, "v1") == ["claim-missing"]
    assert host.cleave.run("vm", "start", "v1").returncode == 0
    assert lint(host, "v1") == []
    host.virsh("destroy", "v1")


def test_the_exit_status_is_of_the_question_but_for_strict(host):
    host.create("a", type="L40S-8Q", vm="v1")
    edit(host, "v1", ("managed='no'", "managed='yes'"))
    done = host.cleave.run("vm", "lint", "v1", "v2")
    assert done.returncode == 0 and done.stderr == ""
    assert "[managed-vgpu]" in done.stdout
    assert "VM v1: 1 error, 0 warnings, 0 notes\n" in done.stdout
    assert done.stdout.endswith("VM v2: 0 errors, 0 warnings, 0 notes\n")
    assert json.loads(host.cleave.run("vm", "lint", "v1", "-o", "json").stdout)["errors"] == 1
    strict = host.cleave.run("vm", "lint", "--strict", "v1")
    assert strict.returncode == 9 and 'of VM "v1" breaks 1 rule' in strict.stderr
    assert host.cleave.run("vm", "lint", "--strict", "v2").returncode == 0
    assert host.cleave.run("vm", "lint", "nosuch").returncode == 3


def by_hand(address=None, mdev=None, managed="no"):
    return hostdev(address, mdev).replace("managed='no'", f"managed='{managed}'")


OTHER = "0000:a6:00.0"
GONE = "c2177883-f1bb-47f0-914d-32a22e3a8899"


@pytest.mark.parametrize("device, rule, words", [
    (by_hand(mdev=GONE), "device-absent", f"{GONE}, a mediated device that does not exist"),
    (by_hand("0000:26:00.5"), "vgpu-missing", "0000:26:00.5, a virtual function of GPU "),
    (by_hand("0000:99:00.0"), "device-absent", "no PCI device of this host has"),
    (by_hand("0000:99:00.0", managed="yes"), "device-absent", "no PCI device of this host has"),
    (by_hand("0001:26:00.0", managed="yes"), "device-absent", "no PCI device of this host has"),
    (by_hand(OTHER), "unmanaged-gpu", "without managed='yes'"),
], ids=["mdev", "no vGPU", "absent", "absent, managed", "wrong domain", "unmanaged"])
def test_what_a_dry_run_says_of_a_device_by_hand_libvirt_says_too(host, device, rule, words):
    host.create("a", type="L40S-8Q", vm="v1")  # enables virtual functions
    host.attach("v2", device)
    assert rule in lint(host, "v2")
    for options in (("--dry-run",), ()):
        done = host.cleave.run("vm", "start", "v2", *options)
        assert done.returncode == 4, done.stderr  # conflict
        assert words in done.stderr and 'VM "v2"' in done.stderr and "virsh edit v2" in done.stderr
    assert host.virsh("start", "v2", check=False).returncode != 0
    assert host.cleave.run("vm", "start", "v1").returncode == 0
