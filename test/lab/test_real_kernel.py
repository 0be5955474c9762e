# SPDX-License-Identifier: Apache-2.0
"""cleave on Debian's kernel and real (emulated) PCI devices behind an IOMMU."""
import os

from devices import AUDIO, BUILD, GOLDEN, GPU, NVME, SHARED


def group(vm, bdf):
    return vm.run(f"ls /sys/bus/pci/devices/{bdf}/iommu_group/devices").split()


def test_the_machine_is_what_the_tests_think(vm):
    assert group(vm, GPU) == [GPU]
    assert group(vm, SHARED) == [SHARED, AUDIO]
    assert vm.run(f"cat /sys/bus/pci/devices/{NVME}/sriov_totalvfs") == "4\n"


def test_the_kernel_answers_as_it_did(vm):
    """What test_simulated_kernel.py holds the simulator to; CLEAVE_GOLDEN=write writes it anew."""
    text = vm.run(f"{BUILD}/test/lab/lab-probe {GPU} bochs-drm {SHARED} snd_hda_intel {NVME}")
    if os.environ.get("CLEAVE_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
