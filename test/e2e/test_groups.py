# SPDX-License-Identifier: Apache-2.0
"""IOMMU groups: what is on a GPU's board goes to the VM with it, through real libvirt."""
import pytest

GAME = "0000:26:00.0"
AUDIO = "0000:26:00.1"
HOST = f"""name: group
driver: 580.105.08
kernel: 6.8.0-60-generic
gpus:
  - board: l40s
    bdf: {GAME}
    numa_node: 0
    group_members:
      - {{bdf: "{AUDIO}", kind: audio}}
  - {{board: l40s, bdf: "0000:a6:00.0", numa_node: 1}}
"""


def hostdev(bdf):
    at = bdf.replace(".", ":").split(":")
    return ("<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x%s' "
            "bus='0x%s' slot='0x%s' function='0x%s'/></source></hostdev>" % tuple(at))


def driver(host, bdf):
    script = f"basename $(readlink /sys/bus/pci/devices/{bdf}/driver) ''"
    return host.run("sh", "-c", script).stdout.strip()


def members(host):
    return host.api.get(f"/v1/gpus/{GAME}")["iommuGroup"]["drivers"]


@pytest.mark.quick("gpu", "plan")
def test_a_function_next_to_the_gpu_goes_and_comes_with_it(machine, directory):
    path = directory / "group.yaml"
    path.write_text(HOST)
    host = machine(path)
    host.define("game")
    host.start()
    assert members(host) == {AUDIO: "snd_hda_intel"}
    host.create("a", mode="passthrough", gpu=GAME, vm="game")
    assert members(host) == {AUDIO: "vfio-pci"}
    assert host.cleave.run("vm", "start", "game").returncode == 0
    assert host.cleave.run("vm", "stop", "--now", "game").returncode == 0
    # Someone gives the function back to the host: the VM can't start, and it is said why.
    host.run("sh", "-c", f"cd /sys/bus/pci; echo > devices/{AUDIO}/driver_override;"
             f"echo {AUDIO} > drivers/vfio-pci/unbind; echo {AUDIO} > drivers_probe")
    done = host.cleave.run("vm", "start", "game")
    assert done.returncode != 0 and AUDIO in done.stderr and "snd_hda_intel" in done.stderr
    lint = host.cleave.run("vm", "lint", "game")
    assert "iommu-group" in lint.stdout + lint.stderr
    assert host.cleave.run("host", "restore").returncode == 0
    assert members(host) == {AUDIO: "vfio-pci"}
    assert host.cleave.run("vm", "start", "game").returncode == 0
    assert host.cleave.run("vm", "stop", "--now", "game").returncode == 0
    assert host.cleave.run("claim", "delete", "a").returncode == 0
    assert members(host) == {AUDIO: "snd_hda_intel"}


def test_a_vm_has_a_gpu_and_the_function_next_to_it(machine, directory):
    path = directory / "both.yaml"
    path.write_text(HOST)
    host = machine(path)
    host.define("game")
    host.start()
    host.create("a", mode="passthrough", gpu=GAME, vm="game")
    audio = directory / "audio.xml"
    audio.write_text(hostdev(AUDIO))
    host.virsh("attach-device", "game", str(audio), "--config")
    done = host.cleave.run("vm", "start", "game")
    assert done.returncode == 0, done.stderr
    assert host.ctl("describe", AUDIO)["opener"] == host.ctl("describe", GAME)["opener"]
    assert host.cleave.run("vm", "stop", "--now", "game").returncode == 0
