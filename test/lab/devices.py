# SPDX-License-Identifier: Apache-2.0
"""What the lab's VM has, and where things are."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build")).resolve()
GOLDEN = ROOT / "test/lab/kernel.golden"

MODULES = ["9pnet_virtio", "9p", "overlay", "vfio_pci", "vfio_iommu_type1", "bochs",
           "snd_hda_intel", "nvme"]
# A display device alone in its IOMMU group, one that shares it with its audio function (a root port
# isolates slots, not the functions in one: no ACS), and an NVMe controller with SR-IOV.
DEVICES = """
-device pcie-root-port,id=port1,chassis=1,slot=1 -device bochs-display,bus=port1
-device pcie-root-port,id=port2,chassis=2,slot=2
-device bochs-display,bus=port2,addr=0.0,multifunction=on
-device ich9-intel-hda,bus=port2,addr=0.1
-device pcie-root-port,id=port3,chassis=3,slot=3 -device nvme-subsys,id=subsystem
-device nvme,bus=port3,serial=lab,subsys=subsystem,sriov_max_vfs=4,max_ioqpairs=14,msix_qsize=15,sriov_vq_flexible=8,sriov_vi_flexible=8
""".split()
GPU, SHARED, AUDIO, NVME = "0000:01:00.0", "0000:02:00.0", "0000:02:00.1", "0000:03:00.0"
