# SPDX-License-Identifier: Apache-2.0
"""A machine that boots Debian with systemd from a disk of its own, in QEMU."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build")).resolve()
sys.path.insert(0, str(HERE.parent / "lab"))

from vm import Kernel, Vm, initramfs

# What stands on the machine next to Debian and cleave, and where.
FILES = {
    "cleaved.yaml": "etc/cleave/cleaved.yaml",
    "agent.service": "etc/systemd/system/agent.service",
    "nvidia-vgpud.service": "etc/systemd/system/nvidia-vgpud.service",
    "bochs.conf": "etc/modprobe.d/bochs.conf",
    "libvirt-guests": "etc/default/libvirt-guests",
    "patient.conf": "etc/systemd/system.conf.d/patient.conf",
}
ENABLED = ["agent.service", "nvidia-vgpud.service"]
MASKED = ["serial-getty@ttyS0.service"]  # its device may be late, and no person logs in
MODULES = ["virtio_blk", "crc32c_generic", "ext4"]  # what the disk needs
DISK_GIB = 4
BOOT_S = 900  # nothing depends on how fast it is; this ends what hangs
CONSOLE_S = 15

GPU, SECOND = "0000:01:00.0", "0000:02:00.0"
# Two display devices, each alone in its IOMMU group.
FIRST_GPU = ("-device pcie-root-port,id=port1,chassis=1,slot=1 "
             "-device bochs-display,bus=port1,id=gpu1").split()
NO_FIRST_GPU = "-device pcie-root-port,id=port1,chassis=1,slot=1".split()
SECOND_GPU = ("-device pcie-root-port,id=port2,chassis=2,slot=2 "
              "-device bochs-display,bus=port2,id=gpu2").split()


def call(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more)


def make_tree(tree, root):
    """Debian's files and, over them, what `meson install` and this test put there."""
    shutil.rmtree(tree, ignore_errors=True)
    call("cp", "-al", root, tree)
    call("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", tree)
    shutil.copy(BUILD / "test/boot/boot-agent", tree / "usr/local/sbin/boot-agent")
    for name, to in FILES.items():
        (tree / to).parent.mkdir(parents=True, exist_ok=True)
        (tree / to).unlink(missing_ok=True)  # it is the root's own file, too
        shutil.copy(HERE / "files" / name, tree / to)
    for name, text in (("hostname", "boothost\n"), ("fstab", ""), ("machine-id", "")):
        (tree / "etc" / name).unlink(missing_ok=True)
        (tree / "etc" / name).write_text(text)
    (tree / "var/log/journal").mkdir(exist_ok=True)  # kept over boots


def make_disk(path, root):
    path.parent.mkdir(parents=True, exist_ok=True)
    tree = path.parent / "tree"
    try:
        make_tree(tree, root)
        call("systemctl", f"--root={tree}", "enable", *ENABLED)
        call("systemctl", f"--root={tree}", "mask", *MASKED)
        path.unlink(missing_ok=True)
        call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,root_owner=0:0", "-d", tree, path,
             f"{DISK_GIB}G")
    finally:
        shutil.rmtree(tree)


def on_top_of(path, base, kind):
    """A disk that begins as another one, which stays as it is."""
    call("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", kind, path)


def usable_accelerator(directory, kernel):
    """KVM, where it runs a kernel: that /dev/kvm opens is not enough in some containers."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    console = directory / "kvm.console"
    with subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel",
             "kvm", "-cpu", "max", "-m", "512", "-machine", "q35", "-kernel", kernel.image,
             "-append", "console=ttyS0", "-serial", f"file:{console}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as probe:
        end = time.monotonic() + CONSOLE_S
        while time.monotonic() < end and probe.poll() is None:
            if console.exists() and "Linux version" in console.read_text(errors="replace"):
                probe.kill()
                return "kvm"
            time.sleep(0.2)
        probe.kill()
    return "tcg"


class Monitor:
    """QEMU's own voice (QMP): here only what happened."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.tell("qmp_capabilities")

    def tell(self, command):
        self.socket.sendall(json.dumps({"execute": command}).encode() + b"\n")

    def wait(self, event, timeout=BOOT_S):
        self.socket.settimeout(timeout)
        for line in self.lines:
            if json.loads(line).get("event") == event:
                return
        raise RuntimeError(f"QEMU ended, and no {event}")


class Machine(Vm):
    """`systemd` says that the boot is over before this returns."""

    def __init__(self, directory, kernel, disk, devices, accel, booted=True):
        directory.mkdir(exist_ok=True)
        (directory / "monitor").unlink(missing_ok=True)
        # One processor: with two, QEMU's emulation has tripped over a kernel that patches itself.
        root = ["-m", "2048",
                "-qmp", f"unix:{directory}/monitor,server=on,wait=off",
                "-drive", f"file={disk},format=qcow2,if=none,id=disk,cache=writeback",
                "-device", "virtio-blk-pci,drive=disk"]
        super().__init__(directory, kernel, BUILD / "test/boot/boot-init", MODULES,
                         devices, root, accel)
        self.monitor = Monitor(directory / "monitor")
        self.boot_state = self.wait_for_boot() if booted else None

    def wait_for_boot(self):
        """Its last word: running, or degraded."""
        return self.run("systemctl is-system-running --wait", check=False, timeout=BOOT_S)[1].strip()

    def reboot(self):
        self.run("systemctl --no-block reboot")
        self.monitor.wait("RESET")
        return self.wait_for_boot()

    def power_off(self):
        self.run("systemctl --no-block poweroff")
        self.process.wait(timeout=BOOT_S)
        self.port.close()

    def power_cut(self):
        """What the machine's kernel had not written is lost."""
        self.process.kill()
        self.process.wait()
        self.port.close()

    def cleave(self, words, status=0, timeout=300):
        got, text = self.run(f"cleave {words}", check=False, timeout=timeout)
        assert got == status, f"cleave {words}: exit {got}: {text}"
        return text

    def json(self, words):
        return json.loads(self.cleave(f"{words} -o json"))

    def show(self, unit, *names):
        """What systemd says of a unit, one by one."""
        text = self.run(f"systemctl show {unit} " + " ".join(f"-p {name}" for name in names))
        found = dict(line.split("=", 1) for line in text.splitlines())
        return [found[name] for name in names]

    def reached(self, unit, state):
        """Seconds after the kernel's start at which the unit was last "active", or left "inactive"."""
        name = {"active": "ActiveEnter", "started": "InactiveExit"}[state]
        return int(self.show(unit, f"{name}TimestampMonotonic")[0]) / 1e6

    def failed_units(self):
        return [line.split()[0] for line in
                self.run("systemctl list-units --failed --plain --no-legend").splitlines()]

    def journal(self, unit):
        """Of this boot."""
        return self.run(f"journalctl -q -b -u {unit} -o cat --no-pager")

    def until(self, script, timeout=300):
        self.run(f"until {script}; do sleep 0.2; done", timeout=timeout)

    def driver(self, bdf):
        path = f"/sys/bus/pci/devices/{bdf}/driver"
        return os.path.basename(self.run(f"readlink {path} || true").strip())

    def assert_vm_has_gpu(self):
        """The emulator has the device open, and everybody says so."""
        self.until("virsh -q domstate v1 | grep -q running")
        seen = self.run("virsh -q qemu-monitor-command v1 --hmp info pci")
        assert "Display controller: PCI device 1234:1111" in seen
        assert self.driver(GPU) == "vfio-pci"
        gpus = {gpu["address"]: gpu for gpu in self.json("gpu list")["gpus"]}
        assert (gpus[GPU]["mode"], gpus[GPU]["vm"]) == ("passthrough", "v1")
        claim = self.json("claim show one")
        assert claim["state"] == "bound" and claim["vm"] == "v1", claim

    def emulator(self):
        return self.run("cat /run/libvirt/qemu/v1.pid").strip()
