# SPDX-License-Identifier: Apache-2.0
"""What cleave writes into a VM's definition, and what libvirt does with it."""
import json
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest

from harness import BUILD, with_libvirt
from machine import hostdev
from twin import Twin

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]

L40S = "0000:26:00.0"


def definition(host, name, live=False):
    words = [] if live else ["--inactive"]
    return ElementTree.fromstring(host.virsh("dumpxml", *words, name).stdout)


def aliases(tree):
    return [it.find("alias").get("name") for it in tree.iterfind("devices/hostdev")]


def driver_of(host, address):
    return host.sh(f"basename $(readlink /sys/bus/pci/devices/{address}/driver)").strip()


@pytest.fixture
def l40s(machine):
    host = machine("l40s-x2")
    host.define("v1", "v2")
    return host.start()


@pytest.mark.quick("gpu", "vm")
def test_a_whole_gpu_is_managed_named_and_has_a_window(l40s):
    before = l40s.virsh("dumpxml", "--inactive", "v1").stdout
    l40s.create("big.one_1", mode="passthrough", gpu=L40S, vm="v1")
    tree = definition(l40s, "v1")
    device = tree.find("devices/hostdev")
    assert (device.get("type"), device.get("managed")) == ("pci", "yes")
    assert aliases(tree) == ["ua-cleave-big_done__1"]
    window = tree.find("devices/controller[@model='pcie-root']/pcihole64")
    mmio = l40s.api.get("/v1/gpus")["gpus"][0]["mmioBytes"]
    assert int(window.text) * 1024 >= 2 * mmio > 64 << 30
    vm = l40s.api.get("/v1/vms")["vms"][0]
    assert [(it["claim"], it["managed"]) for it in vm["devices"]] == [("big.one_1", True)]
    l40s.delete("big.one_1")
    # libvirt adds a root port for the device, and leaves it there; nothing of cleave's stays.
    after = l40s.virsh("dumpxml", "--inactive", "v1").stdout
    assert "cleave" not in after and "hostdev" not in after and "pcihole64" not in after
    assert "cleave" not in before


def test_a_vm_that_was_defined_again_gets_the_window_with_its_gpu(l40s):
    l40s.create("a", mode="passthrough", gpu=L40S, vm="v1")
    l40s.virsh("undefine", "v1")
    l40s.define("v1")
    assert l40s.cleave.run("vm", "start", "v1").returncode == 0
    tree = definition(l40s, "v1")
    assert aliases(tree) == ["ua-cleave-a"]
    assert tree.find("devices/controller/pcihole64") is not None
    l40s.virsh("destroy", "v1")
    l40s.delete("a")
    assert "cleave" not in l40s.virsh("dumpxml", "--inactive", "v1").stdout


def test_libvirt_leaves_a_gpu_that_cleave_bound_as_it_is(l40s):
    l40s.create("a", mode="passthrough", gpu=L40S, vm="v1")
    assert driver_of(l40s, L40S) == "vfio-pci"
    for _ in range(2):
        l40s.virsh("start", "v1")
        assert driver_of(l40s, L40S) == "vfio-pci"
        l40s.virsh("destroy", "v1")
        assert driver_of(l40s, L40S) == "vfio-pci"
    assert l40s.problems() == []


def test_libvirt_binds_a_gpu_that_no_one_bound_and_gives_it_back(l40s):
    """As after a reboot, when someone is quicker than cleave."""
    l40s.create("a", mode="passthrough", gpu=L40S, vm="v1")
    path = f"/sys/bus/pci/devices/{L40S}"
    l40s.sh(f"echo >{path}/driver_override; echo {L40S} >{path}/driver/unbind\n"
            f"echo {L40S} >/sys/bus/pci/drivers/nvidia/bind")
    assert driver_of(l40s, L40S) == "nvidia"
    l40s.virsh("start", "v1")
    assert driver_of(l40s, L40S) == "vfio-pci"
    l40s.virsh("destroy", "v1")
    assert driver_of(l40s, L40S) == "nvidia"
    l40s.delete("a")
    assert l40s.problems() == []


def test_another_device_keeps_what_a_person_put_into_its_element(l40s):
    l40s.create("a", type="L40S-24Q", vm="v1", hold="on-demand")
    xml = l40s.virsh("dumpxml", "--inactive", "v1").stdout
    guest = "<address type='pci' domain='0x0000' bus='0x00' slot='0x1a' function='0x0'/>"
    rom = "<rom bar='off' file='/tmp/x.rom'/>"
    device = re.search(r"<hostdev.*?</hostdev>", xml, re.S).group()
    by_hand = re.sub(r"<address type='pci'[^>]*/>\s*</hostdev>", f"{rom}{guest}</hostdev>", device)
    assert by_hand != device
    path = l40s.directory / "by-hand.xml"
    path.write_text(xml.replace(device, by_hand))
    l40s.virsh("define", str(path))
    before = definition(l40s, "v1").find("devices/hostdev")
    named = before.find("source/address").attrib
    gpu = f"{named['domain'][2:]}:{named['bus'][2:]}:00.0"
    l40s.create("big", mode="passthrough", gpu=gpu)
    assert l40s.cleave.run("vm", "start", "v1").returncode == 0
    after = definition(l40s, "v1").find("devices/hostdev")
    assert after.find("source/address").attrib != named
    for element in (before, after):
        element.remove(element.find("source"))
    assert ElementTree.tostring(after).split() == ElementTree.tostring(before).split()
    assert after.find("rom").get("file") == "/tmp/x.rom"
    assert after.find("address").get("slot") == "0x1a"
    assert "kept" not in l40s.virsh("dumpxml", "--inactive", "v1").stdout
    l40s.virsh("destroy", "v1")


def test_a_vgpu_on_a_function_is_never_managed(l40s):
    l40s.create("a", type="L40S-8Q", vm="v1")
    tree = definition(l40s, "v1")
    assert tree.find("devices/hostdev").get("managed") == "no"
    assert tree.find("devices/controller/pcihole64") is None
    assert aliases(tree) == ["ua-cleave-a"]


def test_the_first_mediated_device_is_the_boot_display(machine):
    host = machine("a100-40gb-mdev")
    host.define("v1", devices="<graphics type='vnc' port='-1'/><video><model type='none'/></video>")
    host.define("v2")
    host.start()
    host.create("a", type="A100-8C", vm="v1")
    host.create("b", type="A100-8C", vm="v1")
    host.create("c", type="A100-8C", vm="v2")

    def displays(name):
        return [it.get("display") for it in definition(host, name).iterfind("devices/hostdev")
                if it.get("ramfb") == "on"]

    assert displays("v1") == ["on"]
    assert displays("v2") == []
    host.virsh("start", "v1")
    assert len(list(definition(host, "v1", live=True).iterfind("devices/hostdev"))) == 2
    host.virsh("destroy", "v1")
    host.delete("a")
    assert displays("v1") == ["on"]  # the other one is the first now
    host.delete("b")
    assert displays("v1") == []


def test_a_device_put_in_by_hand_is_distinguished_until_it_is_claimed(l40s):
    claim = l40s.create("a", type="L40S-8Q")
    l40s.attach("v1", hostdev(claim["assigned"]["device"]))
    assert [it["claim"] for it in l40s.api.get("/v1/vms")["vms"][0]["devices"]] == [None]


def test_graphics_passwords_survive(machine):
    host = machine("l40s-x2")
    host.define("v1", devices="<graphics type='vnc' port='-1' passwd='secret'/>")
    host.start()
    host.create("a", type="L40S-8Q", vm="v1")
    assert "passwd='secret'" in host.virsh("dumpxml", "--inactive", "--security-info", "v1").stdout


# ---- PCI domains: 0, others, and those of five digits and more (Intel VMD) ----

VMD = """name: vmd
driver: 580.105.08
kernel: 6.8.0-60-generic
gpus:
  - {board: l40s, bdf: 10000:e1:00.0, numa_node: 0}
  - {board: l40s, bdf: 0001:26:00.0, numa_node: 0}
  - {board: l40s, bdf: 12345678:01:00.0, numa_node: 0}
"""
ADDRESSES = ["0001:26:00.0", "10000:e1:00.0", "12345678:01:00.0"]


@pytest.fixture
def vmd(machine, directory):
    (directory / "vmd.yaml").write_text(VMD)
    host = machine(str(directory / "vmd.yaml"))
    host.define("v1", "v2")
    return host.start()


def opened(host):
    found = []
    for bdf, gpu in host.gpus().items():
        found += [bdf] if gpu.get("opener") else []
        found += [vf["bdf"] for vf in gpu.get("vfs") or []
                  if vf.get("vgpu") and vf["vgpu"].get("opener")]
    return found


@pytest.mark.parametrize("gpu", ADDRESSES)
@pytest.mark.parametrize("mode", ["passthrough", "time-sliced"])
def test_a_gpu_in_any_pci_domain_reaches_its_vm(vmd, gpu, mode):
    assert [it["address"] for it in vmd.api.get("/v1/gpus")["gpus"]] == ADDRESSES
    shown = vmd.cleave.run("gpu", "show", gpu)
    assert shown.returncode == 0 and gpu in shown.stdout
    words = ["--mode", mode] if mode == "passthrough" else ["--type", "L40S-8Q"]
    done = vmd.cleave.run("claim", "create", "a", "--gpu", gpu, "--vm", "v1", *words)
    assert done.returncode == 0, done.stderr
    device = vmd.api.get("/v1/claims/a")["assigned"]["device"]
    assert device.rsplit(":", 2)[0] == gpu.rsplit(":", 2)[0]
    assert vmd.stored_devices("v1") == [device]
    xml = vmd.virsh("dumpxml", "--inactive", "v1").stdout
    assert ("<qemu:override>" in xml) == (not gpu.startswith("0001:"))
    vmd.virsh("start", "v1")
    assert opened(vmd) == [device]
    assert vmd.api.get("/v1/gpus/" + gpu)["address"] == gpu
    vmd.virsh("destroy", "v1")
    assert vmd.problems() == []
    vmd.delete("a")
    assert "override" not in vmd.virsh("dumpxml", "--inactive", "v1").stdout
    assert vmd.problems() == []


def test_qemu_alone_takes_no_wide_domain(vmd):
    """Why there is an override: without it the same device does not start."""
    claim = vmd.create("a", mode="passthrough", gpu="10000:e1:00.0", vm="v1")
    vmd.attach("v2", hostdev(claim["assigned"]["device"]))
    done = vmd.virsh("start", "v2", check=False)
    assert "Property 'vfio-pci.host' doesn't take value '10000:e1:00.0'" in done.stderr


# ---- migration through guest_port ----

@pytest.fixture
def twin(directory, openapi):
    made = Twin(directory, "l40s-x2", openapi)
    yield made
    made.end()


def address(device):
    at = ElementTree.fromstring(device).find("source/address")
    part = [int(at.get(key), 16) for key in ("domain", "bus", "slot", "function")]
    return "%04x:%02x:%02x.%x" % tuple(part)


def move(twin, source, here, there, *words, check=True):
    done = source.run(BUILD / "test/e2e/guest_tool", "vm1", twin.uri(twin.other(source)),
                      twin.carrier(), address(here), address(there), *words, check=check)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def pair(twin, image):
    here = twin.make_vgpu(twin.alpha, "L40S-8Q", function=1)
    there = twin.make_vgpu(twin.beta, "L40S-8Q", function=3)
    return twin, here, there, image


@pytest.mark.parametrize("how", [(), ("direct",), ("keep",), ("quick",)])
def test_the_port_moves_a_vm_and_tells_its_downtime(pair, how):
    twin, here, there, image = pair
    twin.boot(image, "vm1", twin.alpha, here)
    seen = move(twin, twin.alpha, here, there, *how)
    assert twin.where("vm1") == [twin.beta]
    assert twin.alpha.names() == (["vm1"] if "keep" in how else [])
    assert twin.beta.stored_devices("vm1") == [address(there)]
    twin.goes_on("vm1")
    end = seen[-1]
    assert end["job"] == "done"
    assert 0 < end["downtimeMs"] <= end["elapsedMs"] < 30000
    assert end["processed"] > 1 << 20
    assert end["runsHere"] is False


def test_the_port_sees_a_move_and_cancels_it(pair):
    twin, here, there, image = pair
    twin.boot(image, "vm1", twin.alpha, here, dirty_mib=64)
    seen = move(twin, twin.alpha, here, there, "slow", "cancel", check=False)
    assert any(it["what"] == "progress" and it["remaining"] > 0 for it in seen)
    # Now and then QEMU's writer finds its socket closed before it hears of the cancel.
    said = {"cancelled": "was cancelled", "failed": "Broken pipe"}
    assert said[seen[-2]["job"]] in seen[-1]["message"], seen[-2:]
    assert seen[-2]["runsHere"]
    assert twin.where("vm1") == [twin.alpha] and twin.beta.names() == []
    twin.goes_on("vm1")


def test_a_target_that_is_not_there_leaves_the_vm_running(pair):
    twin, here, there, image = pair
    twin.boot(image, "vm1", twin.alpha, here)
    twin.beta.sh("pid=$(cat /run/cleave-sim/libvirt/libvirtd.pid); kill $pid\n"
                 "while kill -0 $pid 2>/dev/null; do sleep 0.05; done")
    seen = move(twin, twin.alpha, here, there, check=False)
    assert seen[-2]["job"] == "failed" and seen[-2]["runsHere"]
    assert seen[-1]["what"] == "error" and seen[-1]["reason"] == "unavailable", seen[-1]
    assert "vm1" in twin.alpha.virsh("list", "--name").stdout.split()
    twin.goes_on("vm1")
