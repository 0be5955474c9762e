# SPDX-License-Identifier: Apache-2.0
"""cleave as an operator gets it, over real boots of Debian with systemd and libvirt."""
from machine import GPU, NO_FIRST_GPU, SECOND, SECOND_GPU

HOME = "bochs-drm"


def report(machine):
    """Times are printed, and nothing depends on them."""
    restored = machine.reached("cleave-restore", "active")
    began = machine.reached("cleave-restore", "started")
    print(f"\nrestored {restored:.1f} s after the kernel's start, {restored - began:.1f} s of them "
          f"waiting for it; libvirtd started at {machine.reached('libvirtd', 'started'):.1f} s")


def test_what_meson_installs_is_all_that_it_takes(lab):
    print(f"\nlibvirt {lab.host['libvirtVersion']}")
    assert (lab.host["gpus"], lab.host["libvirtProblem"]) == (2, None)


def test_a_reboot_brings_the_gpu_back_before_its_vm(lab):
    machine = lab.machine("reboot")
    for boot in ("after power off", "after systemctl reboot"):
        state = machine.boot_state if boot == "after power off" else machine.reboot()
        assert (state, machine.failed_units()) == ("running", []), boot
        report(machine)
        driver = machine.reached("nvidia-vgpud", "active")
        cleaved = machine.reached("cleaved", "started")
        restored = machine.reached("cleave-restore", "active")
        assert driver <= cleaved < restored <= machine.reached("libvirtd", "started"), boot
        assert restored <= machine.reached("libvirt-guests", "started"), boot
        assert f"GPU {GPU}: restored" in machine.journal("cleave-restore"), boot
        # The restoration waits for no libvirt, whose socket takes calls before libvirtd may start.
        before = machine.journal("cleaved -u cleave-restore").split("Finished cleave-restore")[0]
        assert "libvirt has not answered" not in before, boot
        machine.assert_vm_has_gpu()
        assert machine.driver(SECOND) == HOME
    # AppArmor would have said so in the kernel's log.
    assert "DENIED" not in machine.run("journalctl -q -k --no-pager")
    machine.run("virsh -q destroy v1")
    machine.cleave("claim delete one")
    assert machine.driver(GPU) == HOME


def test_a_vm_outlives_cleaved(lab):
    machine = lab.machine("cleaved")
    machine.assert_vm_has_gpu()
    emulator = machine.emulator()
    machine.run("kill -9 $(systemctl show -p MainPID --value cleaved)")
    machine.until("test $(systemctl show -p NRestarts --value cleaved) = 1 && "
                  "systemctl -q is-active cleaved")
    machine.assert_vm_has_gpu()

    machine.run("systemctl stop cleaved")
    assert machine.run("virsh -q domstate v1").strip() == "running"
    machine.run("systemctl start cleaved")
    machine.assert_vm_has_gpu()
    assert machine.emulator() == emulator

    machine.run("systemctl stop cleaved; virsh -q destroy v1")
    status, said = machine.run("virsh -q start v1", check=False)
    assert status != 0 and 'VM "v1" has devices of cleave' in said
    assert "systemctl start cleaved" in said
    machine.run("systemctl start cleaved; virsh -q start v1", timeout=300)
    machine.assert_vm_has_gpu()
    assert machine.failed_units() == []


def test_a_board_that_is_gone_holds_up_no_boot(lab):
    machine = lab.machine("gone", NO_FIRST_GPU + SECOND_GPU)
    said = machine.journal("cleave-restore")
    assert f"GPU {GPU} is not on this host" in said
    assert (machine.boot_state, machine.failed_units()) == ("degraded", ["cleave-restore.service"])
    began, over = machine.show("cleave-restore", "InactiveExitTimestampMonotonic",
                               "InactiveEnterTimestampMonotonic")
    print(f"\nit was given up after {(int(over) - int(began)) / 1e6:.1f} s")
    # No one can make it appear, so no one waits for it.
    assert "waiting" not in said
    machine.until("journalctl -q -b -u libvirtd -o cat | grep -q v1")
    status, error = machine.run("virsh -q start v1", check=False)
    assert status != 0 and "can't start with claim \"one\": its GPU" in error
    assert machine.run("virsh -q domstate v1").strip() == "shut off"

    machine.power_off()
    machine = lab.again(machine)
    assert (machine.boot_state, machine.failed_units()) == ("running", [])
    machine.assert_vm_has_gpu()


def test_what_cant_be_restored_holds_up_a_boot_no_longer_than_it_may(lab):
    machine = lab.machine("deadline")
    # vfio-pci stands in for a driver that does not come.
    machine.run("""echo 'install vfio_pci /bin/false' >/etc/modprobe.d/none.conf
        echo 'restoreTimeout: 10' >>/etc/cleave/cleaved.yaml
        mkdir -p /etc/systemd/system/cleave-restore.service.d
        printf '[Service]\\nExecStart=\\nExecStart=/usr/local/bin/cleave host restore --timeout 10\\n' \
            >/etc/systemd/system/cleave-restore.service.d/timeout.conf""")
    assert machine.reboot() == "degraded"
    assert "cleave-restore.service" in machine.failed_units()
    said = machine.journal("cleave-restore")
    assert "the kernel driver vfio-pci is not loaded" in said, said
    began, over = (int(text) / 1e6 for text in machine.show(
        "cleave-restore", "InactiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic"))
    print(f"\nit was given up after {over - began:.1f} s")
    assert machine.reached("libvirtd", "started") >= over
    machine.until("journalctl -q -b -u libvirtd -o cat | grep -q 'cleave: .*vfio-pci'")
    assert machine.run("virsh -q domstate v1").strip() == "shut off"

    machine.run("rm /etc/modprobe.d/none.conf; modprobe vfio-pci; systemctl restart cleave-restore")
    assert machine.failed_units() == []
    machine.run("virsh -q start v1", timeout=300)
    machine.assert_vm_has_gpu()


def test_a_power_cut_loses_nothing(lab):
    machine = lab.machine("cut", booted=False)
    machine.until("test $(systemctl show -p ActiveState --value cleave-restore) = activating")
    machine.power_cut()
    machine = lab.again(machine)
    assert (machine.boot_state, machine.failed_units()) == ("running", [])
    machine.assert_vm_has_gpu()

    # What was acknowledged is there.
    machine.cleave(f"claim create two --mode passthrough --gpu {SECOND}")
    machine.power_cut()
    machine = lab.again(machine)
    assert (machine.boot_state, machine.failed_units()) == ("running", [])
    machine.assert_vm_has_gpu()
    assert machine.json("claim show two")["state"] == "bound"
    assert machine.driver(SECOND) == "vfio-pci"

    # What was under way is done, or was never begun.
    machine.run("(cleave claim delete two; cleave claim create three --mode passthrough "
                f"--gpu {SECOND}) >/dev/null 2>&1 &")
    machine.until("! cleave claim show two -o json 2>/dev/null | grep -q '\"bound\"'")
    machine.power_cut()
    machine = lab.again(machine)
    assert (machine.boot_state, machine.failed_units()) == ("running", [])
    machine.assert_vm_has_gpu()
    others = [claim for claim in machine.json("claim list")["claims"] if claim["name"] != "one"]
    print(f"\nafter the cut: {[(claim['name'], claim['state']) for claim in others]}")
    assert len(others) < 2 and all(claim["state"] == "bound" for claim in others)
    assert machine.driver(SECOND) == ("vfio-pci" if others else HOME)
