# SPDX-License-Identifier: Apache-2.0
"""VMs are what libvirt calls them: names as long as it takes, with whatever it lets in."""
import subprocess
import urllib.parse
from xml.sax.saxutils import escape

import pytest

from harness import wait_for
from lifecycle import claim, events, garbage, hook_options, state
from machine import DOMAIN

# NAME_MAX less ".xml.new": QEMU's driver takes no longer one.
LONGEST = 247
ONE, TWO = ("worker-" + "x" * (LONGEST - 8) + last for last in "12")
ODD = [" two words ", "--help", "it's \"$(id)\" & <日本語>"]


def define(host, name, check=True):
    xml = DOMAIN.replace("template", escape(name)).replace("{devices}", "")
    return host.virsh("define", "/dev/stdin", input=xml, check=check)


def on_demand(host, name, vm):
    return host.create(name, type="L40S-8Q", vm=vm, hold="on-demand")


@pytest.fixture
def host(machine, directory):
    one = machine("l40s-x2", options=hook_options(directory))
    yield one.start("--vm-grace", "60", "--observe-period", "1")
    assert one.problems() == [] and garbage(one)[0] == []


def cleave(host, *words, fails=0):
    done = host.cleave.run(*words)
    assert done.returncode == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_vms_whose_long_names_differ_in_the_last_letter_are_two(host):
    assert "File name too long" in define(host, ONE + "3", check=False).stderr
    for vm in (ONE, TWO):
        define(host, vm)
    on_demand(host, "a", ONE)
    on_demand(host, "b", TWO)
    assert claim(host, "a")["vm"] == ONE
    host.virsh("start", TWO)
    assert (state(host, "a"), state(host, "b")) == ("pending", "bound")
    assert TWO in cleave(host, "gpu", "list", "-o", "json")
    said = cleave(host, "claim", "delete", "b", fails=6)
    assert f"VM \"{TWO}\" runs with its device" in said
    assert f"`cleave vm stop {TWO}`" in said
    assert cleave(host, "vm", "start", ONE) == f"VM {ONE} started\n"
    assert "0 errors" in cleave(host, "vm", "lint", ONE)
    drain = host.cleave.json("host", "drain", "--stop", "--dry-run")
    assert [vm["vm"] for vm in drain["drain"]["vms"]] == [ONE, TWO]
    moved = cleave(host, "vm", "migrate", ONE, "qemu+unix:///system?socket=/nowhere", "--peer",
                   "unix:/nowhere", "--dry-run", fails=11)
    assert "/nowhere" in moved
    cleave(host, "vm", "stop", "--now", ONE, TWO)
    wait_for(lambda: state(host, "a") == state(host, "b") == "pending")
    assert {e["subject"] for e in events(host, "vm-killed")} == {f"vm/{ONE}", f"vm/{TWO}"}
    assert f"VM {TWO} starts" in [p["reason"] for p in host.api.get("/v1/plans")["plans"]]
    host.virsh("domrename", ONE, "short")
    wait_for(lambda: claim(host, "a")["vm"] == "short")
    assert events(host, "claim-renamed")[-1]["message"].endswith(f"\"{ONE}\" \"short\"")


def test_odd_names_work_in_commands_hooks_and_hints(host):
    for i, vm in enumerate(ODD):
        define(host, vm)
        on_demand(host, f"c{i}", vm)
    host.virsh("start", "--domain", ODD[0])
    cleave(host, "vm", "start", "--", *ODD[1:])
    assert [state(host, f"c{i}") for i in range(len(ODD))] == ["bound"] * len(ODD)
    assert set(ODD) == {vm["name"] for vm in host.cleave.json("vm", "list")["vms"]}
    for i, vm in enumerate(ODD):
        path = f"/v1/vms/{urllib.parse.quote(vm, safe='')}/lint"
        assert host.api.get(path)["vm"] == vm
        hint = cleave(host, "claim", "delete", f"c{i}", fails=6).split("`")[1]
        words = subprocess.run(["sh", "-c", f"cleave() {{ for w; do echo \"$w\"; done; }}; {hint}"],
                               capture_output=True, text=True, check=True).stdout.splitlines()
        assert words == ["vm", "stop", *(["--"] if vm.startswith("-") else []), vm]
    cleave(host, "vm", "stop", "--now", "--", *ODD)
    wait_for(lambda: {state(host, f"c{i}") for i in range(len(ODD))} == {"pending"})


def test_a_vm_whose_name_has_a_tab_is_known_by_its_uuid(host):
    define(host, "a\tb")
    uuid = host.virsh("domuuid", "a\tb").stdout.strip()
    assert [vm["name"] for vm in host.cleave.json("vm", "list")["vms"]] == [uuid]
    on_demand(host, "a", uuid)
    host.virsh("start", "a\tb")
    assert state(host, "a") == "bound"
    assert "0 errors" in cleave(host, "vm", "lint", uuid)
    cleave(host, "vm", "stop", "--now", uuid)
    wait_for(lambda: state(host, "a") == "pending")
    cleave(host, "claim", "delete", "a")
    cleave(host, "vm", "delete", uuid)


def test_a_vm_whose_name_hides_something_is_known_by_its_uuid(host):
    """Two VMs whose names look the same: the one with the zero width space is not taken for the other."""
    hidden = "web\u200b1"
    for vm in ("web1", hidden):
        define(host, vm)
    uuid = host.virsh("domuuid", hidden).stdout.strip()
    assert {vm["name"] for vm in host.api.get("/v1/vms")["vms"]} == {"web1", uuid}
    assert "\u200b" not in cleave(host, "vm", "list") + cleave(host, "vm", "list", "-o", "json")
    on_demand(host, "a", uuid)
    cleave(host, "vm", "start", uuid)
    wait_for(lambda: state(host, "a") == "bound")
    assert host.virsh("domstate", "web1").stdout.strip() == "shut off"
    cleave(host, "vm", "stop", "--now", uuid)
    cleave(host, "claim", "delete", "a")
