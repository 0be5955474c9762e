# SPDX-License-Identifier: Apache-2.0
"""Real VMs on a simulated host, by libvirt alone: what the emulator's stand-in makes of <hostdev>."""
import os
import subprocess

import pytest

from harness import BUILD, ROOT, with_libvirt

MDEV = "c2177883-f1bb-47f0-914d-32a22e3a8804"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]

# Functions for the scripts below: $DIR holds consoles and definitions, $IMAGE what guests boot.
PRELUDE = """
set -eu
make_vm() { # NAME HOSTDEV-TYPE ADDRESS-ATTRIBUTES
    : >$DIR/$1.log
    sed -e "s#@NAME@#$1#g; s#@KERNEL@#$IMAGE/kernel#; s#@INITRAMFS@#$IMAGE/initramfs#" \
        -e "s#@CONSOLE@#$DIR/$1.log#" $ROOT/data/templates/linux-direct.xml >$DIR/$1.xml
    virsh -q define $DIR/$1.xml
    echo "<hostdev mode='subsystem' managed='no' $2><source><address $3/></source></hostdev>" \
        >$DIR/device.xml
    virsh -q attach-device $1 $DIR/device.xml --config
}
until_in() { # FILE TEXT: in a whole line; `read` fails on one that has no end yet
    for _ in $(seq 600); do
        while read -r line; do case $line in *"$2"*) return 0 ;; esac; done <$1
        sleep 0.1
    done
    cat $1; return 1
}
"""


def run(host, script, directory, image):
    env = {**os.environ, "CLEAVE_DATADIR": str(ROOT / "data"), "DIR": str(directory),
           "IMAGE": str(image), "ROOT": str(ROOT)}
    done = subprocess.run([BUILD / "sim/cleave-sim", "run", "--host", host, "--libvirt", "--", "sh",
                           "-c", PRELUDE + script], capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_vgpu_on_a_vendor_vfio_function_is_found_by_its_guest(tmp_path, image):
    out = run("demo", """
/usr/lib/nvidia/sriov-manage -e 0000:a1:00.0 >/dev/null
vf=/sys/bus/pci/devices/0000:a1:00.4/nvidia
sed -n 's/ *: NVIDIA L40S-8Q$//p' $vf/creatable_vgpu_types >$vf/current_vgpu_type
make_vm one "type='pci'" "domain='0x0000' bus='0xa1' slot='0x00' function='0x4'"
virsh -q start one
until_in $DIR/one.log ready
cat $DIR/one.log
pulse() { /run/cleave-sim/bin/cleave-sim ctl describe 0000:a1:00.4 | sed 's/.*"heartbeat":\\([0-9]*\\).*/\\1/'; }
first=$(pulse)
for _ in $(seq 100); do [ "$(pulse)" = "$first" ] || { echo "it lives"; break; }; sleep 0.1; done
""", tmp_path, image)
    assert "it lives" in out
    assert 'cleave-guest: vm=one gpu="NVIDIA L40S-8Q"' in out
    assert "framebuffer=8192MiB gi=none profile=none kind=vgpu" in out
    assert "vm=one ready gpus=1" in out


def test_an_mdev_has_one_opener_and_the_power_button_gives_it_back(tmp_path, image):
    out = run("t4-mdev", f"""
parent=$(ls -d /sys/class/mdev_bus/* | head -n 1)
type=$(grep -l 'T4-4Q$' $parent/mdev_supported_types/*/name)
echo {MDEV} >$(dirname $type)/create
make_vm one "type='mdev' model='vfio-pci'" "uuid='{MDEV}'"
make_vm two "type='mdev' model='vfio-pci'" "uuid='{MDEV}'"
virsh -q start one
until_in $DIR/one.log ready
! virsh start two
! qemu-system-x86_64 -display none -device vfio-pci,sysfsdev=/sys/bus/mdev/devices/{MDEV}
virsh -q shutdown one
until_in $DIR/one.log 'powers off'
for _ in $(seq 100); do virsh start two >/dev/null 2>&1 && break; sleep 0.1; done
until_in $DIR/two.log ready
cat $DIR/one.log $DIR/two.log
""", tmp_path, image)
    assert f'vm=one gpu="NVIDIA T4-4Q" uuid={MDEV}' in out
    assert f'vm=two gpu="NVIDIA T4-4Q" uuid={MDEV}' in out
    assert "is in use by driver QEMU, domain one" in out
    assert f"cleave-sim: can't assign {MDEV}: another process has it open" in out
