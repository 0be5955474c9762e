# SPDX-License-Identifier: Apache-2.0
"""A VM gets what its claims say, no matter who starts it, and leaves nothing behind, however it ends."""
import os
import sqlite3
import subprocess
import time

import pytest

from harness import wait_for
from lifecycle import claim, emulator, events, garbage, hook_options, named, state
from machine import START_LIBVIRT, hostdev

GPU = "0000:26:00.0"  # of l40s-x2
HOSTS = {"l40s-x2": "L40S-8Q", "a100-40gb-mdev": "A100-2-10C", "t4-mdev": "T4-4Q"}


def up(machine, directory, name):
    one = machine(name, options=hook_options(directory))
    one.type = HOSTS[name]
    one.define("web1", "web2", "web3")
    one.start("--vm-grace", "2", "--observe-period", "1")
    yield one
    if one.lives():
        one.settle()
        wait_for(lambda: not garbage(one)[0])
        assert events(one, "vm-started-without-hook") == []


@pytest.fixture(params=list(HOSTS))
def host(request, machine, directory):
    yield from up(machine, directory, request.param)


@pytest.fixture
def one(machine, directory):
    yield from up(machine, directory, "l40s-x2")


def on_demand(host, name, vm, **spec):
    return host.create(name, type=host.type, vm=vm, hold="on-demand", **spec)


@pytest.mark.quick("hook", "vm")
def test_virsh_starts_a_vm_with_an_on_demand_claim(host):
    made = on_demand(host, "a", "web1")
    assert made["state"] == "pending" and made["assigned"] is None
    assert host.stored_devices("web1") == [named(host, "a")]
    assert host.problems() == []
    host.virsh("start", "web1")
    assert state(host, "a") == "bound"
    assert host.problems() == []
    host.virsh("destroy", "web1")
    wait_for(lambda: state(host, "a") == "pending")
    assert host.problems() == []


@pytest.mark.parametrize("end", ["destroy", "kill"])
def test_a_vm_that_ends_gives_its_device_back(one, end):
    on_demand(one, "a", "web1")
    one.create("held", type=one.type, vm="web2")
    one.virsh("start", "web1")
    one.virsh("start", "web2")
    for vm in ("web1", "web2"):
        if end == "kill":
            one.sh(f"kill -9 {emulator(one, vm)}")
        else:
            one.virsh(end, vm)
    wait_for(lambda: state(one, "a") == "pending")
    assert state(one, "held") == "bound"
    assert one.problems() == []
    one.virsh("start", "web1")
    one.virsh("start", "web2")
    assert state(one, "a") == "bound"
    assert one.problems() == []


def test_a_vm_that_is_saved_keeps_its_device(one):
    on_demand(one, "a", "web1")
    one.virsh("start", "web1")
    one.virsh("managedsave", "web1")
    wait_for(lambda: [vm["saved"] for vm in one.api.get("/v1/vms")["vms"] if vm["name"] == "web1"]
             == [True])
    assert state(one, "a") == "bound"
    assert one.problems() == []
    one.virsh("start", "web1")
    assert state(one, "a") == "bound"
    assert one.problems() == []


def test_a_held_device_that_went_away_is_made_again_before_the_vm_starts(host):
    before = host.create("a", type=host.type, vm="web1")
    one = before["assigned"]
    path = (f"/sys/bus/mdev/devices/{one['mdevUuid']}/remove" if one["mdevUuid"]
            else f"/sys/bus/pci/devices/{one['device']}/nvidia/current_vgpu_type")
    host.sh(f"echo {1 if one['mdevUuid'] else 0} >{path}")
    host.virsh("start", "web1")
    assert named(host, "a") == (one["mdevUuid"] or one["device"])
    assert host.problems() == []


def test_cleave_draws_before_it_starts_a_vm_and_the_hook_finds_all_in_place(host):
    on_demand(host, "a", "web1")
    dry = host.cleave.json("vm", "start", "web1", "--dry-run")
    assert [s["kind"] for s in dry["plan"]["steps"]].count("vgpu-create") == 1
    assert state(host, "a") == "pending"
    done = host.cleave.run("vm", "start", "web1")
    assert done.returncode == 0, done.stderr
    assert state(host, "a") == "bound"
    assert host.problems() == []
    assert host.cleave.run("vm", "stop", "web1", "--now").returncode == 0
    wait_for(lambda: state(host, "a") == "pending")
    assert host.problems() == []


def test_of_two_vms_that_race_for_the_last_gpu_one_wins_and_the_other_learns_why(one):
    for name, vm in (("a", "web1"), ("b", "web2")):
        one.create(name, mode="passthrough", gpu=GPU, vm=vm, hold="on-demand")
    runs = [subprocess.Popen(one.command("virsh", "-q", "-c", "qemu:///system", "start", vm),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for vm in ("web1", "web2")]
    results = [(run.communicate(timeout=60)[1], run.returncode) for run in runs]
    assert sorted(code != 0 for _, code in results) == [False, True]
    said = next(text for text, code in results if code != 0)
    assert "can't start" in said and GPU in said
    assert sorted(state(one, name) for name in "ab") == ["bound", "pending"]
    assert one.problems() == []


def test_cleave_vm_start_chooses_another_gpu_where_virsh_must_refuse(one):
    for name, vm in (("a", "web1"), ("b", "web2"), ("c", "web3")):
        one.create(name, mode="passthrough", vm=vm, hold="on-demand")
    taken = next(n for n in "ab" if named(one, n) == named(one, "c"))
    one.virsh("start", {"a": "web1", "b": "web2"}[taken])
    refused = one.virsh("start", "web3", check=False)
    assert refused.returncode != 0
    assert "cleave vm start web3" in refused.stderr
    done = one.cleave.run("vm", "start", "web3")
    assert done.returncode == 0, done.stderr
    assert named(one, "c") != named(one, taken)
    assert one.problems() == []


@pytest.mark.parametrize("wish", [{"mode": "passthrough", "gpu": GPU},
                                  {"type": "L40S-48Q", "gpu": GPU}])
def test_two_vms_swap_one_board_by_virsh(one, wish):
    """One off, the other on, at once: what the first had is still being given back."""
    for vm in ("web1", "web2"):
        one.create(vm, vm=vm, hold="on-demand", **wish)
    one.virsh("start", "web1")
    for i in range(100 if "CLEAVE_LONG" in os.environ else 6):
        off, on = ("web1", "web2") if i % 2 == 0 else ("web2", "web1")
        one.virsh("destroy", off)
        one.virsh("start", on)
        assert state(one, on) == "bound"
    one.virsh("destroy", on)
    wait_for(lambda: state(one, on) == "pending")
    assert one.problems() == []


def test_a_renamed_vm_keeps_its_claims(one):
    on_demand(one, "a", "web1")
    one.create("h", type=one.type, vm="web1")
    one.virsh("domrename", "web1", "shop")
    wait_for(lambda: claim(one, "a")["vm"] == "shop" and claim(one, "h")["vm"] == "shop")
    assert len(events(one, "claim-renamed")) == 2
    assert [e["subject"] for e in events(one, "vm-renamed")] == ["vm/shop"]
    assert events(one, "vm-lost") == []
    one.virsh("start", "shop")
    assert state(one, "a") == "bound"
    assert one.problems() == []


def test_claims_of_a_vm_that_is_gone_go_after_a_while_and_gc_says_when(one):
    on_demand(one, "a", "web1")
    one.create("h", type=one.type, vm="web1")
    one.stop()
    one.start("--vm-grace", "60", "--observe-period", "1")
    one.virsh("undefine", "web1")
    found = wait_for(lambda: garbage(one)[0])
    assert sorted(it["name"] for it in found) == ["a", "h"]
    assert all(0 < it["dueInSeconds"] <= 60 and "web1" in it["text"] for it in found)
    assert state(one, "h") == "bound"
    one.stop()
    one.start("--vm-grace", "1", "--observe-period", "1")
    wait_for(lambda: not one.api.get("/v1/claims")["claims"])
    assert one.problems() == []
    assert len(events(one, "claim-orphaned")) >= 2


def test_what_virsh_does_is_followed_without_a_question(one):
    """No observation by the clock comes in time: libvirt's events begin them."""
    one.create("h", type=one.type, vm="web1")
    one.stop()
    one.start("--vm-grace", "3600", "--observe-period", "3600")
    one.api.get("/v1/vms/web1")
    xml = one.virsh("dumpxml", "--inactive", "web1").stdout
    one.virsh("undefine", "web1")
    wait_for(lambda: events(one, "claim-orphaned"))
    claim = one.api.get("/v1/claims")["claims"][0]
    assert "is gone" in claim["problem"] and claim["releaseAt"]
    one.virsh("define", "/dev/stdin", input=xml)
    wait_for(lambda: one.api.get("/v1/claims/h")["problem"] is None)


def test_a_vm_that_is_defined_again_in_time_keeps_its_claims(one):
    one.create("h", type=one.type, vm="web1")
    xml = one.virsh("dumpxml", "--inactive", "web1").stdout
    one.stop()
    one.start("--vm-grace", "30", "--observe-period", "1")
    one.api.get("/v1/vms/web1")  # cleaved has seen it
    one.virsh("undefine", "web1")
    wait_for(lambda: events(one, "claim-orphaned"))
    without = "".join(line for line in xml.splitlines(True) if "<uuid>" not in line)
    one.virsh("define", "/dev/stdin", input=without)
    wait_for(lambda: not garbage(one)[0])
    one.virsh("start", "web1")
    assert state(one, "h") == "bound"
    assert one.problems() == []


def test_vms_that_are_undefined_between_two_looks_release_theirs(one):
    """Libvirt's event is the evidence, also where no VM is left."""
    one.stop()
    one.start("--vm-grace", "1", "--observe-period", "3600")
    for name in ("web1", "web2", "web3"):
        one.create(name[-1] + "h", type=one.type, vm=name)
    one.virsh("domrename", "web3", "web4")
    one.virsh("domrename", "web4", "web3")
    one.virsh("start", "web2")
    one.virsh("undefine", "web1")
    one.virsh("undefine", "web2")  # it runs on, and keeps what it has
    one.virsh("undefine", "web3")
    wait_for(lambda: [it["name"] for it in one.api.get("/v1/claims")["claims"]] == ["2h"]
             if one.api.get("/v1/vms") else False)
    assert state(one, "2h") == "bound" and events(one, "claim-vm-missing") == []
    one.virsh("destroy", "web2")
    wait_for(lambda: one.api.get("/v1/claims")["claims"] == [] if one.api.get("/v1/vms") else False)
    assert events(one, "claim-vm-missing") == [] and one.problems() == []


@pytest.mark.parametrize("missing", ["web1.xml", "*.xml"])
def test_a_libvirt_that_comes_up_without_definitions_releases_nothing(one, missing):
    """Its disk is not mounted yet, or another libvirt answers."""
    one.create("h", type=one.type, vm="web1")
    on_demand(one, "d", "web1")
    one.create("p", type=one.type, vm="web2")
    one.run(START_LIBVIRT, "stop")
    one.sh(f"mkdir /run/away && mv /etc/libvirt/qemu/{missing} /run/away/")
    one.run(START_LIBVIRT)
    wait_for(lambda: len(events(one, "claim-vm-missing")) >= 2)
    before = len(one.api.get("/v1/events")["events"])
    # One that is seen to be undefined later is released after its time: theirs is over by then.
    one.define("seen")
    one.create("s", type=one.type, vm="seen")
    one.virsh("undefine", "seen")
    wait_for(lambda: "s" not in {it["name"] for it in one.api.get("/v1/claims")["claims"]})
    one.stop()
    one.start("--vm-grace", "1", "--observe-period", "1")
    wait_for(lambda: one.api.get("/v1/host")["heldClaims"])
    assert "Kept: claim h" in one.cleave.run("host", "show").stdout
    assert "is missing" in claim(one, "h")["problem"]
    found, kept = garbage(one)
    assert found == [] and {"h", "d"} <= {it["name"] for it in kept}
    assert one.cleave.run("gc").returncode == 0
    assert {it["name"] for it in one.api.get("/v1/claims")["claims"]} == {"h", "d", "p"}
    assert len(one.api.get("/v1/events")["events"]) > before
    one.run(START_LIBVIRT, "stop")
    one.sh("mv /run/away/*.xml /etc/libvirt/qemu/")
    one.run(START_LIBVIRT)
    wait_for(lambda: not one.api.get("/v1/host")["heldClaims"])
    one.virsh("start", "web1")
    assert (state(one, "h"), state(one, "d"), state(one, "p")) == ("bound", "bound", "bound")
    assert one.problems() == []


def test_a_claim_that_was_released_comes_back_with_its_vm(one):
    before = one.create("h", type=one.type, vm="web1")
    xml = one.virsh("dumpxml", "--inactive", "web1").stdout
    one.virsh("undefine", "web1")
    wait_for(lambda: not one.api.get("/v1/claims")["claims"])
    assert "h" in one.cleave.run("claim", "list", "--released").stdout
    one.virsh("define", "/dev/stdin", input=xml)
    refused = one.virsh("start", "web1", check=False)
    assert refused.returncode != 0 and "cleave claim restore h" in refused.stderr
    done = one.cleave.run("claim", "restore", "h")
    assert done.returncode == 0, done.stderr
    assert claim(one, "h")["assigned"]["device"] == before["assigned"]["device"]
    one.virsh("start", "web1")
    assert one.problems() == []


@pytest.mark.quick("claim", "vm")
def test_gc_clears_them_at_once(one):
    one.stop()
    one.start("--vm-grace", "600", "--observe-period", "1")
    one.create("h", type=one.type, vm="web1")
    one.virsh("undefine", "web1")
    wait_for(lambda: garbage(one)[0])
    done = one.cleave.run("gc")
    assert done.returncode == 0, done.stderr
    assert 'claim "h"' in done.stdout
    assert one.api.get("/v1/claims")["claims"] == []
    assert one.problems() == []
    assert one.cleave.run("gc").stdout == "nothing to collect\n"


def test_without_cleaved_only_vms_with_its_devices_wait(one, directory):
    on_demand(one, "a", "web1")
    one.stop()
    refused = one.virsh("start", "web1", check=False)
    assert refused.returncode != 0
    assert 'VM "web1" has devices of cleave' in refused.stderr
    assert "withoutCleaved: allow" in refused.stderr
    one.virsh("start", "web2")
    one.virsh("destroy", "web2")
    one.start("--observe-period", "1")
    one.virsh("start", "web1")
    one.stop()
    one.virsh("destroy", "web1")
    assert one.start("--observe-period", "1")
    wait_for(lambda: state(one, "a") == "pending")
    assert one.problems() == []


def test_the_switch_lets_vms_start_without_cleaved(one, directory):
    one.create("h", type=one.type, vm="web1")
    one.stop()
    config = directory / "hook.yaml"
    config.write_text(config.read_text().replace("refuse", "allow"))
    one.virsh("start", "web1")
    one.start("--observe-period", "1")
    assert state(one, "h") == "bound"
    assert one.problems() == []


def test_the_hook_may_be_called_twice(one):
    on_demand(one, "a", "web1")
    xml = one.virsh("dumpxml", "--inactive", "web1").stdout
    hook = f"{one.directory}/cleave"
    for _ in range(2):
        one.run(hook, "web1", "prepare", "begin", "-", input=xml)
        assert state(one, "a") == "bound"
    for _ in range(2):
        one.run(hook, "web1", "release", "end", "shutdown", input=xml)
    wait_for(lambda: state(one, "a") == "pending")
    assert one.problems() == []


@pytest.mark.parametrize("padding", ["x" * (520 * 1024), '"' * (520 * 1024), '"' * (511 * 1024),
                                     "x" * (3 * 1024 * 1024), "<unclosed>", "\x01"],
                         ids=["long", "escaped", "body", "longer", "malformed", "no-text"])
def test_what_cleaved_can_t_read_starts_only_without_devices(one, padding):
    one.create("held", type=one.type, vm="web1")
    hook = f"{one.directory}/cleave"
    own = one.virsh("dumpxml", "--inactive", "web1").stdout
    device = own[own.index("<hostdev"):own.index("</hostdev>") + len("</hostdev>")]
    device = "\n".join(line for line in device.splitlines() if "ua-cleave-" not in line)
    plain = one.virsh("dumpxml", "--inactive", "web2").stdout
    plain = plain.replace("<devices>", f"<metadata><a xmlns='urn:a'>{padding}</a></metadata><devices>")
    stolen = plain.replace("<devices>", f"<devices>{device}")
    assert "hostdev" not in plain
    one.run(hook, "web2", "prepare", "begin", "-", input=plain)
    refused = one.run(hook, "web2", "prepare", "begin", "-", input=stolen, check=False)
    assert refused.returncode != 0 and refused.stderr.startswith("cleave: ")


def test_a_device_behind_many_others_is_seen(one):
    one.create("held", type=one.type, vm="web1")
    own = one.virsh("dumpxml", "--inactive", "web1").stdout
    device = own[own.index("<hostdev"):own.index("</hostdev>") + len("</hostdev>")]
    other = ("<hostdev mode='subsystem' type='pci'><source><address domain='0x%x' bus='0x01' "
             "slot='0x00' function='0x0'/></source></hostdev>")
    many = "".join(other % (0x1000 + n) for n in range(100))
    plain = one.virsh("dumpxml", "--inactive", "web2").stdout
    stolen = plain.replace("<devices>", f"<devices>{many}{device}")
    refused = one.run(f"{one.directory}/cleave", "web2", "prepare", "begin", "-", input=stolen,
                      check=False)
    assert refused.returncode != 0 and "claim \"held\" of VM \"web1\"" in refused.stderr


def test_libvirtd_restarts_while_a_vm_runs(one):
    on_demand(one, "a", "web1")
    one.virsh("start", "web1")
    one.restart_libvirt()
    assert one.virsh("domstate", "web1").stdout.strip() == "running"
    one.api.get("/v1/vms")
    assert state(one, "a") == "bound"
    one.virsh("destroy", "web1")
    wait_for(lambda: state(one, "a") == "pending")
    assert one.problems() == []


def test_a_vm_that_dies_while_libvirtd_is_down_gives_its_device_back(one):
    on_demand(one, "a", "web1")
    one.virsh("start", "web1")
    pid = emulator(one, "web1")
    one.run(START_LIBVIRT, "stop")
    one.sh(f"kill -9 {pid}")
    one.run(START_LIBVIRT)
    wait_for(lambda: state(one, "a") == "pending")
    assert one.problems() == []


def test_cleaved_is_killed_while_a_vm_waits_for_its_device(one):
    on_demand(one, "a", "web1")
    one.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", "delay_ms=1500")
    run = subprocess.Popen(one.command("virsh", "-q", "-c", "qemu:///system", "start", "web1"),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: state(one, "a") == "binding")
    one.kill()
    said = run.communicate(timeout=60)[1]
    assert run.returncode != 0 and 'VM "web1" has devices of cleave' in said
    one.ctl("fault", "clear")
    one.start("--observe-period", "1")
    wait_for(lambda: state(one, "a") == "pending")
    assert one.problems() == []
    one.virsh("start", "web1")
    assert one.problems() == []


def test_nothing_waits_for_a_hook_for_long_and_no_hook_for_them(one):
    """While one VM's device takes its time, others start, and changes come to their turn."""
    on_demand(one, "a", "web1")
    one.create("b", type=one.type, vm="web2")
    one.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", "delay_ms=1500", "count=1")
    first = subprocess.Popen(one.command("virsh", "-q", "-c", "qemu:///system", "start", "web1"))
    wait_for(lambda: state(one, "a") == "binding")
    second = subprocess.Popen(one.command("virsh", "-q", "-c", "qemu:///system", "start", "web2"))
    one.create("c", type=one.type, vm="web3")
    assert first.wait(timeout=30) == 0 and second.wait(timeout=30) == 0
    assert one.problems() == []


def test_a_device_of_another_vms_claim_is_refused(one):
    got = one.create("a", type=one.type, vm="web1")["assigned"]
    one.attach("web2", hostdev(got["device"]))
    refused = one.virsh("start", "web2", check=False)
    assert refused.returncode != 0
    assert f'{got["device"]} belongs to claim "a" of VM "web1"' in refused.stderr
    one.virsh("start", "web1")
    one.virsh("detach-device", "web2", "/dev/stdin", "--config", input=hostdev(got["device"]))
    one.virsh("start", "web2")
    assert one.problems() == []


ARGUMENTS = """<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<qemu:arg value='-device'/><qemu:arg value='{}'/></qemu:commandline></domain>"""


@pytest.mark.parametrize("form", ["vfio-pci,host={}", "vfio-pci,id=x,sysfsdev=/sys/bus/pci/devices/{}"])
def test_a_device_that_goes_past_libvirt_is_refused_if_another_vms_claim_has_it(one, form):
    device = one.create("a", type=one.type, vm="web1")["assigned"]["device"]
    xml = one.virsh("dumpxml", "--inactive", "web2").stdout
    one.virsh("define", "/dev/stdin",
              input=xml.replace("</domain>", ARGUMENTS.format(form.format(device))))
    refused = one.virsh("start", "web2", check=False)
    assert refused.returncode != 0
    assert f'{device} belongs to claim "a" of VM "web1"' in refused.stderr
    dry = one.cleave.run("vm", "start", "web2", "--dry-run")
    assert dry.returncode == 6 and device in dry.stderr and 'claim "a"' in dry.stderr, dry.stderr
    one.virsh("start", "web1")
    one.virsh("define", "/dev/stdin", input=xml)
    one.virsh("start", "web2")
    assert one.problems() == []


def test_a_vm_whose_definition_lost_the_device_does_not_start_without_it(one):
    got = one.create("a", type=one.type, vm="web1")["assigned"]
    one.virsh("detach-device", "web1", "/dev/stdin", "--config", input=hostdev(got["device"]))
    refused = one.virsh("start", "web1", check=False)
    assert refused.returncode != 0
    assert "lacks" in refused.stderr and "cleave vm start web1" in refused.stderr
    assert one.cleave.run("vm", "start", "web1").returncode == 0
    assert one.problems() == []


def test_a_running_vms_claim_is_not_changed_by_a_site(one):
    one.apply("s", {"a": {"type": "L40S-8Q", "vm": "web1"}})
    one.virsh("start", "web1")
    status, body, _ = one.api.call("POST", "/v1/apply", {
        "name": "s", "claims": [{"name": "a", "type": "L40S-12Q", "vm": "web1"}]})
    assert (status, body["reason"]) == (409, "in-use"), body
    assert "web1" in body["detail"]
    assert one.problems() == []


def test_gc_knows_what_cleave_made(one, directory):
    """A claim that is lost from the store leaves a vGPU and a hostdev behind; another tool's stay."""
    lost = one.create("lost", type=one.type, vm="web1")["assigned"]
    other = "0000:26:01.7" if lost["device"] != "0000:26:01.7" else "0000:26:01.6"
    type_id = lost["typeId"]
    one.sh(f"echo {type_id} >/sys/bus/pci/devices/{other}/nvidia/current_vgpu_type")
    one.stop()
    with sqlite3.connect(directory / "state/cleave.db") as store:
        store.execute("DELETE FROM records WHERE kind = 'claim'")
    one.start("--observe-period", "1")
    found, kept = garbage(one)
    assert sorted(it["kind"] for it in found) == ["hostdev", "vgpu"]
    assert [(it["name"], it["reason"]) for it in kept] == [(other, "another tool made it")]
    refused = one.virsh("start", "web1", check=False)
    assert refused.returncode != 0 and "cleave gc" in refused.stderr
    done = one.cleave.run("gc")
    assert done.returncode == 0, done.stderr
    assert garbage(one)[0] == []
    assert one.stored_devices("web1") == []
    one.virsh("start", "web1")
    one.sh(f"echo 0 >/sys/bus/pci/devices/{other}/nvidia/current_vgpu_type")


def test_vms_that_start_by_themselves_get_their_devices(one):
    on_demand(one, "a", "web1")
    one.create("h", type=one.type, vm="web2")
    for vm in ("web1", "web2"):
        one.virsh("autostart", vm)
    one.reboot(options=("--vm-grace", "2", "--observe-period", "1"))
    wait_for(lambda: one.virsh("domstate", "web1").stdout.strip() == "running" and
             one.virsh("domstate", "web2").stdout.strip() == "running", timeout=60)
    assert (state(one, "a"), state(one, "h")) == ("bound", "bound")
    assert one.problems() == []


def test_a_device_that_is_in_use_stays_whatever_a_hook_says(host):
    """Someone calls the hook by hand, or twice, or in the wrong order."""
    on_demand(host, "a", "web1")
    host.virsh("start", "web1")
    xml = host.virsh("dumpxml", "web1").stdout
    host.run(host.directory / "cleave", "web1", "release", "end", "shutdown", input=xml)
    wait_for(lambda: host.api.get("/v1/plans")["plans"][0]["state"] in ("undone", "done", "stuck"))
    assert host.virsh("domstate", "web1").stdout.strip() == "running"
    wait_for(lambda: state(host, "a") == "bound")
    assert host.settle() and not [p for p in host.problems() if "stuck" in p or "vGPU" in p]


def test_a_hook_gives_way_when_libvirt_lets_no_one_define(one):
    """While someone asks about the VM whose hook runs, libvirt defines no other; and the hook waits
    for a plan that is doing so."""
    on_demand(one, "a", "web1")
    one.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", "delay_ms=1500", "count=1")
    status, change, _ = one.api.call("POST", "/v1/claims", {
        "name": "b", "type": one.type, "vm": "web2"})
    assert status == 202
    began = time.monotonic()
    first = subprocess.Popen(one.command("virsh", "-q", "-c", "qemu:///system", "start", "web1"),
                             stderr=subprocess.PIPE, text=True)
    nosy = [subprocess.Popen(one.command("virsh", "-q", "-c", "qemu:///system", "domstate", "web1"),
                             stdout=subprocess.DEVNULL) for _ in range(2)]
    said = first.communicate(timeout=60)[1]
    assert time.monotonic() - began < 30
    assert first.returncode == 0 or "try again" in said
    assert [one_asking.wait(timeout=30) for one_asking in nosy] == [0, 0]
    assert one.api.wait_plan(change)["state"] == "done"
    if first.returncode != 0:
        one.virsh("start", "web1")
    assert one.problems() == []


# ---- is there a hook? ----

def hook(host):
    return host.api.get("/v1/host")["hook"]


def test_a_host_whose_hook_is_called_says_so(one):
    assert hook(one) == {"state": "unknown", "vm": None, "at": None}
    assert "unknown: no VM has started" in one.cleave.run("host", "show").stdout
    on_demand(one, "a", "web1")
    one.virsh("start", "web1")
    one.virsh("destroy", "web1")
    one.virsh("start", "web1")
    found = hook(one)
    assert (found["state"], found["vm"]) == ("called", "web1") and found["at"]
    shown = one.cleave.run("host", "show").stdout
    assert "called for VM web1" in shown and "Missing" not in shown
    assert events(one, "vm-started-without-hook") == []


def test_a_host_without_a_hook_says_so_as_soon_as_a_vm_starts(machine):
    one = machine("l40s-x2")
    one.define("web1", "web2", "web3")
    one.start("--observe-period", "1")
    one.create("held", type="L40S-8Q", vm="web1")
    assert hook(one)["state"] == "unknown"
    one.virsh("start", "web2")
    found = hook(one)
    assert (found["state"], found["vm"]) == ("missed", "web2") and found["at"]
    shown = one.cleave.run("host", "show").stdout
    assert "Missing: VM web2 started without a call of libvirt's hook" in shown, shown
    one.virsh("start", "web1")
    one.virsh("start", "web3")
    wait_for(lambda: hook(one)["vm"] == "web3")
    assert [e["subject"] for e in events(one, "vm-started-without-hook")] == ["vm/web2", "vm/web1"], \
        "the first, and those with claims"
