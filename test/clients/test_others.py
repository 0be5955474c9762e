# SPDX-License-Identifier: Apache-2.0
"""nvtop, pynvml, mdevctl, driverctl, lspci and libvirt's node devices."""
import re
import shutil

import pytest

L40S = "0000:81:00.0"
VF = "0000:3b:00.4"
MDEV = "11111111-2222-3333-4444-555555555555"


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def test_nvtop_draws_the_boards(host, fetched):
    nvtop = fetched("nvtop")
    demo = host("demo")
    done = demo.run("nvtop", program=["timeout", "-s", "INT", "2", "script", "-qefc",
                                          f"stty cols 200 rows 60; {nvtop} -d 5", "/dev/null"], status=124)
    assert "L40S" in done.out and "A100" in done.out


PYNVML = """
import pynvml as n
n.nvmlInit()
devices = [n.nvmlDeviceGetHandleByIndex(i) for i in range(n.nvmlDeviceGetCount())]
for d in devices:
    print(n.nvmlDeviceGetName(d), n.nvmlDeviceGetMemoryInfo(d).total >> 20,
          n.nvmlDeviceGetPciInfo(d).busId, n.nvmlDeviceGetPowerUsage(d) > 0,
          n.nvmlDeviceGetTemperature(d, 0) > 20, n.nvmlDeviceGetUtilizationRates(d).gpu)
a100 = devices[1]
n.nvmlDeviceSetMigMode(a100, 1)
gi = n.nvmlDeviceCreateGpuInstance(a100, 14)
info = n.nvmlGpuInstanceGetInfo(gi)
print(info.placement.start, info.placement.size)
ci = n.nvmlGpuInstanceCreateComputeInstance(gi, 1)
mig = n.nvmlDeviceGetMigDeviceHandleByIndex(a100, 0)
print(n.nvmlDeviceGetName(mig), n.nvmlDeviceGetUUID(mig)[:4])
print(len(n.nvmlDeviceGetSupportedVgpus(devices[2])), n.nvmlVgpuTypeGetName(n.nvmlDeviceGetSupportedVgpus(devices[2])[0]))
try:
    n.nvmlDeviceSetMigMode(devices[2], 1)
except n.NVMLError_NotSupported:
    print("not supported")
n.nvmlShutdown()
"""


@pytest.mark.parametrize("client", ["pynvml 11.525", "pynvml 12.550"])
def test_pynvml_sees_and_changes(host, fetched, client):
    demo = host("demo")
    out = demo.run(client, "MIG and vGPU calls", program=["/usr/bin/python3", "-c", PYNVML],
                   env={"PYTHONPATH": str(fetched(client))}).out.splitlines()
    assert out[2].startswith("NVIDIA L40S 46068 00000000:81:00.0 True True 0")
    assert re.fullmatch(r"\d 2", out[4])
    assert out[5].startswith("NVIDIA A100-PCIE-40GB MIG 2g.10gb MIG-")
    assert re.fullmatch(r"\d\d NVIDIA L40S-1B", out[6]) and out[7] == "not supported"


def test_mdevctl_keeps_a_device(host):
    need("mdevctl")
    a100 = host("a100-40gb-mdev")
    a100.sh("/usr/lib/nvidia/sriov-manage -e ALL")
    types = a100.run("mdevctl", "types").out
    assert "GRID A100-4C" in types and "Device API: vfio-pci" in types
    known = re.findall(r"(nvidia-\d+)\n +Available instances: (\d+)\n.*\n +Name: (.+)", types)
    type_id = next(kind for kind, free, name in known if name == "GRID A100-4C" and free == "1")
    a100.run("mdevctl", "define", "-u", MDEV, "-p", VF, "-t", type_id)
    assert type_id in a100.run("mdevctl", "list", "-d").out
    a100.run("mdevctl", "start", "-u", MDEV)
    assert MDEV in a100.run("mdevctl", "list").out
    assert a100.sh("ls /sys/bus/mdev/devices") == MDEV
    a100.run("mdevctl", "stop", "-u", MDEV)
    assert MDEV not in a100.run("mdevctl", "list").out
    a100.run("mdevctl", "undefine", "-u", MDEV)


def test_driverctl_moves_a_board_to_vfio_and_back(host, fetched):
    driverctl = ["bash", fetched("driverctl")]
    demo = host("demo")
    assert f"{L40S} nvidia" in demo.run("driverctl", "list-devices", program=driverctl).out
    demo.run("driverctl", "--nosave", "set-override", L40S, "vfio-pci", program=driverctl)
    assert f"{L40S} vfio-pci" in demo.run("driverctl", "list-overrides", program=driverctl).out
    assert demo.sh(f"readlink /sys/bus/pci/devices/{L40S}/driver").endswith("/vfio-pci")
    demo.run("driverctl", "--nosave", "unset-override", L40S, program=driverctl)
    assert demo.sh(f"readlink /sys/bus/pci/devices/{L40S}/driver").endswith("/nvidia")


def test_lspci_names_drivers(host):
    need("lspci")
    out = host("demo").run("lspci", "-k").out
    assert out.count("Kernel driver in use: nvidia") == 4
    assert "AD102GL [L40S]" in out


def test_libvirt_knows_the_node_devices(host, tmp_path):
    keep = ["--state", str(tmp_path / "state")]
    before = host("a100-40gb-mdev", *keep)
    before.sh("/usr/lib/nvidia/sriov-manage -e ALL")
    before.close()
    a100 = host("a100-40gb-mdev", *keep, "--libvirt")
    listed = a100.run("virsh", "nodedev-list", "--cap", "mdev_types").out.split()
    assert "pci_0000_3b_00_4" in listed
    xml = a100.run("virsh", "nodedev-dumpxml", "pci_0000_3b_00_4").out
    assert "<capability type='mdev_types'>" in xml and "<name>GRID A100-4C</name>" in xml
    assert "<address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>" in xml
