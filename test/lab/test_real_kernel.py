# SPDX-License-Identifier: Apache-2.0
"""cleave on Debian's kernel and real (emulated) PCI devices behind an IOMMU."""
import contextlib
import json
import os

import pytest

from devices import AUDIO, BUILD, GOLDEN, GPU, NVME, ROOT, SHARED
from vm import Kernel

HOME = "bochs-drm"
BUS = "/sys/bus/pci"


def device(bdf, file):
    return f"{BUS}/devices/{bdf}/{file}"


def link(vm, bdf, file):
    """Last part of a link's target, None when there is no link."""
    status, text = vm.run(f"readlink {device(bdf, file)}", check=False)
    return os.path.basename(text.strip()) if status == 0 else None


def vfio_groups(vm):
    return {name for name in vm.run("ls /dev/vfio").split() if name.isdigit()}


def rebind(vm, bdf, driver, override):
    vm.run(f"echo '{override}' >{device(bdf, 'driver_override')}; "
           f"echo {bdf} >{device(bdf, 'driver')}/unbind; echo {bdf} >{BUS}/drivers_probe")
    assert link(vm, bdf, "driver") == driver


COPY = BUILD / "libvirt"
# The VM's /usr is its own. Debian's libvirt wants to know the user that its package makes.
USE_COPY = f"""
        libraries={COPY}/usr/lib/x86_64-linux-gnu:{COPY}/lib/x86_64-linux-gnu
        for program in sbin/libvirtd bin/virsh; do
            printf '#!/bin/sh\\nLD_LIBRARY_PATH=%s LIBVIRT_DRIVER_DIR=%s exec %s "$@"\\n' $libraries \\
                ${{libraries%%:*}}/libvirt/connection-driver {COPY}/usr/$program >/usr/$program
            chmod +x /usr/$program
        done
        grep -q ^libvirt-qemu: /etc/passwd ||
            echo libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin >>/etc/passwd
        for name in kvm libvirt-qemu; do
            grep -q "^$name:" /etc/group || echo $name:x:64055: >>/etc/group
        done"""

DOMAIN = """<domain type='qemu'><name>v1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>"""


class Cleave:
    """The command line in the VM, and the daemon behind it."""

    def __init__(self, vm):
        self.vm = vm
        self.env = f"export CLEAVE_DATADIR={ROOT}/data; "
        self.start()

    def start(self):
        self.vm.run(f"{self.env} {BUILD}/src/daemon/cleaved --passthrough-vendors 1234 "
                    ">>/run/cleaved.log 2>&1 & echo $! >/run/cleaved.pid; "
                    "while ! test -S /run/cleave/cleaved.sock; do sleep 0.05; done")

    def run(self, words, status=0):
        """What it printed; where that failed, what it said on stderr, too (else that it waits, maybe)."""
        got, text = self.vm.run(f"{self.env} {BUILD}/src/cli/cleave {words} 2>/run/said || "
                                "{ status=$?; cat /run/said; exit $status; }", check=False)
        assert got == status, text
        return text

    def gpus(self):
        return {gpu["address"]: gpu for gpu in json.loads(self.run("gpu list -o json"))["gpus"]}

    def end(self):
        self.vm.run("pid=$(cat /run/cleaved.pid); kill $pid; "
                    "while kill -0 $pid 2>/dev/null; do sleep 0.05; done; "
                    "rm -f /run/cleave/cleaved.sock")
        assert "stopping" in self.vm.run("tail -n 1 /run/cleaved.log")


RELOAD = """import ctypes, os, sys
syscall = ctypes.CDLL(None).syscall  # finit_module is 313, delete_module 176 (x86-64)
for _ in range(3):
    assert syscall(313, os.open(sys.argv[1], os.O_RDONLY), b"", 0) == 0
    print(os.stat("/sys/module/dummy/initstate").st_ino, os.stat("/sys/module/dummy/initstate").st_ino)
    assert syscall(176, b"dummy", 0) == 0
"""


def test_a_module_that_is_loaded_again_has_other_inode_numbers(vm):
    """By which cleave sees that NVIDIA's driver was loaded again; here a module that needs no device."""
    (_, module), = Kernel(BUILD / "lab/kernel").modules(["dummy"])
    file = BUILD / "lab/dummy.ko"
    file.write_bytes(module)
    (BUILD / "lab/reload.py").write_text(RELOAD)
    lives = [line.split() for line in
             vm.run(f"/usr/bin/python3 {BUILD}/lab/reload.py {file}").splitlines()]
    assert all(one == again for one, again in lives)
    assert len({one for one, _ in lives}) == 3


@pytest.fixture(scope="module")
def cleave(vm):
    daemon = Cleave(vm)
    yield daemon
    daemon.end()


@pytest.fixture(scope="module")
def libvirt(vm):
    """libvirtd, the machine's or what tools/fetch-libvirt unpacked, with a VM that has nothing to boot.
    It asks the kernel's modules for a driver better than vfio-pci, so there must be a list of what they
    are for, if an empty one."""
    vm.run(f"""mkdir -p /run/libvirt /lib/modules/$(uname -r)
        : >/lib/modules/$(uname -r)/modules.alias
        printf '%s\\n' 'user = "+0"' 'group = "+0"' 'stdio_handler = "file"' >/etc/libvirt/qemu.conf
        {USE_COPY if COPY.exists() else ""}
        cat >/run/v1.xml <<'END'\n{DOMAIN}\nEND
        libvirtd -d
        until virsh -q define /run/v1.xml >/dev/null 2>&1; do sleep 0.1; done""")
    yield
    vm.run("kill $(cat /run/libvirtd.pid)")


@contextlib.contextmanager
def emulator(vm, bdf):
    """QEMU with the device, stopped before the first instruction; says what `info pci` shows."""
    vm.run(f"""rm -f /run/monitor; mkfifo /run/monitor
        (sleep 1000 >/run/monitor & echo $! >/run/writer)
        qemu-system-x86_64 -nodefaults -display none -accel tcg -m 64 -S -monitor stdio \\
            -device vfio-pci,host={bdf} </run/monitor >/run/said 2>&1 & echo $! >/run/qemu
        echo info pci >/run/monitor
        while ! grep -q 'PCI device 1234:1111' /run/said; do
            kill -0 $! || exit 1; sleep 0.05
        done""")
    try:
        yield vm.run("cat /run/said")
    finally:
        vm.run("kill -9 $(cat /run/qemu) $(cat /run/writer); "
               "while kill -0 $(cat /run/qemu) 2>/dev/null; do sleep 0.02; done")


def test_the_machine_is_what_the_tests_think(vm):
    def group(bdf):
        return vm.run(f"ls {device(bdf, 'iommu_group/devices')}").split()

    assert group(GPU) == [GPU]
    assert group(SHARED) == [SHARED, AUDIO]
    assert vm.run(f"cat {device(NVME, 'sriov_totalvfs')}") == "4\n"


def test_the_kernel_answers_as_it_did(vm):
    """What test_simulated_kernel.py holds the simulator to; CLEAVE_GOLDEN=write writes it again."""
    text = vm.run(f"{BUILD}/test/lab/lab-probe {GPU} {HOME} {SHARED} snd_hda_intel {NVME}")
    if os.environ.get("CLEAVE_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_a_gpu_goes_to_vfio_pci_and_back(vm, cleave):
    group = link(vm, GPU, "iommu_group")
    gpu = cleave.gpus()[GPU]
    assert (gpu["mode"], gpu["driver"], gpu["name"]) == ("idle", HOME, "PCI 1234:1111")
    assert gpu["iommuGroup"] == {"number": int(group), "otherMembers": [], "drivers": {}}
    assert "Dry run" in cleave.run(f"gpu mode {GPU} passthrough --dry-run")
    assert link(vm, GPU, "driver") == HOME and vfio_groups(vm) == set()

    cleave.run(f"gpu mode {GPU} passthrough")
    assert link(vm, GPU, "driver") == "vfio-pci" and vfio_groups(vm) == {group}
    assert vm.run(f"cat {device(GPU, 'driver_override')}") == "vfio-pci\n"
    assert cleave.gpus()[GPU]["mode"] == "passthrough"

    cleave.run(f"gpu mode {GPU} idle")
    assert link(vm, GPU, "driver") == HOME and vfio_groups(vm) == set()
    assert vm.run(f"cat {device(GPU, 'driver_override')}") == "(null)\n"


def test_only_pass_through_works_on_a_gpu_of_another_vendor(vm, cleave):
    assert "PCI vendor 1234" in cleave.run(f"gpu mode {GPU} time-sliced", status=7)
    said = cleave.run(f"claim create x --mode time-sliced --gpu {GPU} --type A40-1Q", status=11)
    assert "only pass-through works" in said
    assert link(vm, GPU, "driver") == HOME


def test_a_group_that_the_host_uses_is_refused(vm, cleave):
    group = link(vm, SHARED, "iommu_group")
    said = cleave.run(f"gpu mode {SHARED} passthrough", status=4)
    assert f"IOMMU group {group} also has {AUDIO}, which the host uses with driver snd_hda_" in said
    assert link(vm, SHARED, "driver") == HOME and link(vm, AUDIO, "driver") == "snd_hda_intel"
    assert vm.run(f"cat {device(SHARED, 'driver_override')}") == "(null)\n"
    # All of the group for the VM, as the hint says.
    rebind(vm, AUDIO, "vfio-pci", "vfio-pci")
    cleave.run(f"gpu mode {SHARED} passthrough")
    assert link(vm, SHARED, "driver") == "vfio-pci"
    cleave.run(f"gpu mode {SHARED} idle")
    rebind(vm, AUDIO, "snd_hda_intel", "")
    assert link(vm, SHARED, "driver") == HOME


def test_a_gpu_that_qemu_has_open_stays_with_it(vm, cleave):
    cleave.run(f"claim create one --mode passthrough --gpu {GPU}")
    with emulator(vm, GPU) as said:
        assert "Display controller: PCI device 1234:1111" in said
        pid = vm.run("cat /run/qemu").strip()
        refusal = f"process {pid} (qemu-system-x86) has {GPU} open through VFIO"
        assert refusal in cleave.run("claim delete one", status=8)
        assert link(vm, GPU, "driver") == "vfio-pci"
        assert "Relaying device request" not in vm.run("dmesg | tail -n 3")
        for step in ("bind-nvidia", "gpu-reset", "pci-rescan"):
            status, text = vm.run(f"{BUILD}/test/lab/lab-step {step} {GPU}", check=False)
            assert status == 6 and refusal in text, step
        assert vm.run(f"cat {device(GPU, 'enable')}") == "1\n"
    cleave.run("claim delete one")
    assert link(vm, GPU, "driver") == HOME and vfio_groups(vm) == set()


def test_a_claim_gets_its_gpu_back_after_a_boot(vm, cleave):
    cleave.run(f"claim create one --mode passthrough --gpu {GPU}")
    cleave.end()
    rebind(vm, GPU, HOME, "")  # what a boot leaves
    cleave.start()
    assert link(vm, GPU, "driver") == HOME
    cleave.run("host restore")
    assert link(vm, GPU, "driver") == "vfio-pci"
    cleave.run("host restore")  # it is there
    cleave.run("claim delete one")
    assert link(vm, GPU, "driver") == HOME


def test_a_vm_of_libvirt_has_the_gpu_until_it_stops(vm, cleave, libvirt):
    group = link(vm, GPU, "iommu_group")
    cleave.run(f"claim create one --mode passthrough --gpu {GPU} --vm v1")
    assert "managed='yes'" in vm.run("virsh -q dumpxml v1")
    cleave.run("vm start v1")
    # Devices behind a bridge are listed once the guest's firmware has numbered the buses.
    vm.run("until virsh -q qemu-monitor-command v1 --hmp info pci |"
           " grep -q 'Display controller: PCI device 1234:1111'; do sleep 0.1; done")
    assert cleave.gpus()[GPU]["vm"] == "v1"
    assert 'VM "v1"' in cleave.run("claim delete one", status=6)
    # libvirt gives the VM a /dev of its own: who has the group open is found all the same.
    status, said = vm.run(f"{BUILD}/test/lab/lab-step bind-nvidia {GPU}", check=False)
    assert status == 6 and f"{GPU} open through VFIO" in said
    cleave.run("vm stop v1 --now")
    assert link(vm, GPU, "driver") == "vfio-pci" and vfio_groups(vm) == {group}
    cleave.run("claim delete one")
    assert link(vm, GPU, "driver") == HOME and vfio_groups(vm) == set()
    assert "hostdev" not in vm.run("virsh -q dumpxml v1")


def test_a_gpu_is_reset_and_found_again(vm, cleave):
    for step in ("gpu-reset", "pci-rescan"):
        vm.run(f"{BUILD}/test/lab/lab-step {step} {GPU}")
        assert link(vm, GPU, "driver") == HOME, step


def test_virtual_functions_come_and_go(vm):
    def step(kind, bdf, status=0):
        got, text = vm.run(f"{BUILD}/test/lab/lab-step {kind} {bdf}", check=False)
        assert got == status, text
        return text

    step("sriov-enable", NVME)
    functions = [link(vm, NVME, f"virtfn{i}") for i in range(4)]
    assert None not in functions
    groups = {link(vm, bdf, "iommu_group") for bdf in functions}
    assert len(groups) == 4 and link(vm, NVME, "iommu_group") not in groups
    assert all(link(vm, bdf, "physfn") == NVME for bdf in functions)
    assert f"{NVME} still has 4 virtual functions" in step("bind-vfio", NVME, status=4)

    step("bind-vfio", functions[1])
    assert link(vm, functions[1], "driver") == "vfio-pci"
    assert vfio_groups(vm) == {link(vm, functions[1], "iommu_group")}
    step("bind-nvidia", functions[1])
    step("sriov-enable", NVME)  # they are there

    step("sriov-disable", NVME)
    assert vm.run(f"cat {device(NVME, 'sriov_numvfs')}") == "0\n"
    assert link(vm, NVME, "virtfn0") is None
    assert vfio_groups(vm) == set()
    step("sriov-disable", NVME)
