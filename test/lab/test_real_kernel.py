# SPDX-License-Identifier: Apache-2.0
"""cleave on Debian's kernel and real (emulated) PCI devices behind an IOMMU."""
from devices import AUDIO, GPU, NVME, SHARED


def group(vm, bdf):
    return vm.run(f"ls /sys/bus/pci/devices/{bdf}/iommu_group/devices").split()


def test_the_machine_is_what_the_tests_think(vm):
    assert group(vm, GPU) == [GPU]
    assert group(vm, SHARED) == [SHARED, AUDIO]
    assert vm.run(f"cat /sys/bus/pci/devices/{NVME}/sriov_totalvfs") == "4\n"
