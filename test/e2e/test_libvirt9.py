# SPDX-License-Identifier: Apache-2.0
"""cleave on Debian 12's own libvirt 9.0: what works with 10 and later works there, but for functions
under a vendor's VFIO driver, which are refused before anything happens."""
import json
import os
import re
import subprocess

import pytest

from harness import BUILD, ROOT, with_libvirt
from twin import Twin

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]


def qemu_version():
    said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True).stdout
    return int(re.search(r"version (\d+)\.", said)[1])


@pytest.fixture(scope="session")
def libvirt9():
    if qemu_version() >= 9:
        pytest.skip("libvirt 9.0 gives the emulator -no-acpi, which QEMU has not from 9.0 on")
    folder = BUILD / "libvirt-9"
    done = subprocess.run([ROOT / "tools/fetch-libvirt", "9", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no libvirt 9.0: {done.stderr.strip()}")
    return folder


@pytest.fixture
def old(machine, libvirt9, monkeypatch):
    monkeypatch.setenv("CLEAVE_SIM_LIBVIRT", str(libvirt9))

    def make(host):
        made = machine(host)
        assert "9.0" in made.virsh("version", "--daemon").stdout.splitlines()[-1]
        made.define("v1", "v2", devices="<graphics type='vnc' port='-1'/>")
        return made.start()

    return make


def runs_with(host, name, device):
    host.virsh("start", name)
    holders = {}
    for bdf, gpu in host.gpus().items():
        holders[bdf] = gpu.get("opener")
        holders.update({mdev["uuid"]: mdev.get("opener") for mdev in gpu["mdevs"]})
        holders.update({vf["vgpu"]["uuid"]: vf["vgpu"].get("opener")
                        for vf in gpu.get("vfs") or [] if vf.get("vgpu")})
    assert holders[device], holders
    host.virsh("destroy", name)


def test_a_vm_starts_with_mediated_devices(old):
    host = old("a100-40gb-mdev")
    assert host.api.get("/v1/host")["libvirtVersion"].startswith("9.0.")
    first = host.create("a", type="A100-8C", vm="v1")
    host.create("b", type="A100-8C", vm="v1")
    xml = host.virsh("dumpxml", "--inactive", "v1").stdout
    assert xml.count("ramfb='on'") == xml.count("display='on'") == 1
    assert "ua-cleave-a" in xml and "ua-cleave-b" in xml
    runs_with(host, "v1", first["assigned"]["mdevUuid"])
    host.delete("a")
    host.delete("b")
    assert host.problems() == []


def test_a_vm_starts_with_a_whole_gpu(old):
    host = old("l40s-x2")
    claim = host.create("a", mode="passthrough", vm="v1")
    xml = host.virsh("dumpxml", "--inactive", "v1").stdout
    assert "managed='yes'" in xml and "<pcihole64 unit='KiB'>" in xml and "ua-cleave-a" in xml
    for _ in range(2):
        runs_with(host, "v1", claim["assigned"]["device"])
    assert host.problems() == []
    host.delete("a")
    assert "pcihole64" not in host.virsh("dumpxml", "--inactive", "v1").stdout
    assert host.problems() == []


def test_a_gpu_in_a_wide_pci_domain_reaches_its_vm(old, directory):
    (directory / "vmd.yaml").write_text("""name: vmd
driver: 580.105.08
kernel: 6.8.0-60-generic
gpus: [{board: l40s, bdf: 10000:e1:00.0}]
""")
    host = old(str(directory / "vmd.yaml"))
    host.create("a", mode="passthrough", vm="v1")
    runs_with(host, "v1", "10000:e1:00.0")
    assert host.problems() == []


def test_a_function_under_a_vendors_driver_is_refused_before_anything_happens(old):
    host = old("l40s-x2")
    before = host.gpus()
    for target in "/v1/claims", "/v1/claims?dryRun=true":
        status, answer, _ = host.api.call("POST", target, {"name": "a", "type": "L40S-8Q",
                                                           "vm": "v1"})
        assert (status, answer["reason"]) == (422, "rule-violated"), answer
        assert answer["rule"] == "vendor-vfio-needs-libvirt-10"
        assert answer["detail"].startswith("libvirt 9.0.0 can't assign a vGPU of GPU 0000:")
    assert host.gpus() == before
    assert host.stored_devices("v1") == []
    assert host.create("b", type="L40S-8Q")["state"] == "bound"  # for who assigns it otherwise


def test_a_vm_moves_between_two_of_them(directory, openapi, image, libvirt9, monkeypatch):
    monkeypatch.setenv("CLEAVE_SIM_LIBVIRT", str(libvirt9))
    twin = Twin(directory, "a100-40gb-mdev", openapi)
    try:
        here = twin.make_vgpu(twin.alpha, "A100-8C", function=1)
        there = twin.make_vgpu(twin.beta, "A100-8C", function=3)
        uuids = [re.search("uuid='([^']+)'", device)[1] for device in (here, there)]
        twin.boot(image, "vm1", twin.alpha, here)
        done = twin.alpha.run(BUILD / "test/e2e/guest_tool", "vm1", twin.uri(twin.beta),
                              twin.carrier(), *uuids, "quick")
        assert twin.where("vm1") == [twin.beta] and twin.alpha.names() == []
        assert twin.beta.stored_devices("vm1") == [uuids[1]]
        assert json.loads(done.stdout.splitlines()[-1])["downtimeMs"] > 0
        twin.goes_on("vm1")
    finally:
        twin.end()
