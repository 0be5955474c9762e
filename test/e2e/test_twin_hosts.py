# SPDX-License-Identifier: Apache-2.0
"""A VM with a vGPU moves between two simulated hosts, by libvirt alone."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from harness import BUILD, LONG, with_libvirt
from machine import START_LIBVIRT
from twin import Twin

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]

TYPES = {"l40s-x2": "L40S-8Q", "a100-40gb-mdev": "A100-8C"}
VFIO = "l40s-x2"
DIRTY_MIB = 64  # per second; moved at SLOW_MIB, such a VM never arrives
SLOW_MIB = 4


@pytest.fixture(scope="module")
def pairs(openapi):
    """One pair per kind of host, for all tests."""
    made = {}

    def get(host):
        if host not in made:
            directory = pathlib.Path(tempfile.mkdtemp(prefix="cleave-"))
            made[host] = (directory, Twin(directory, host, openapi))
        return made[host][1]

    yield get
    for directory, twin in made.values():
        twin.end()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def twins(pairs):
    return lambda host: pairs(host).clear()


def uuids(twin, name):
    """Of the GPUs it has reported, in order."""
    return [line.split(" uuid=")[1].split()[0] for line in twin.said(name, " uuid=")]


@pytest.mark.parametrize("how", [[], ["--p2p"]], ids=["direct", "peer-to-peer"])
@pytest.mark.parametrize("host", TYPES)
def test_a_vm_moves_there_and_back_and_keeps_its_framebuffer(twins, image, host, how):
    twin = twins(host)
    a, b = twin.alpha, twin.beta
    here = twin.make_vgpu(a, TYPES[host], function=1)
    there = twin.make_vgpu(b, TYPES[host], function=3)
    twin.boot(image, "vm1", a, here)
    for source, device in (a, there), (b, here):
        target = twin.other(source)
        twin.move("vm1", source, device, *how)
        assert twin.where("vm1") == [target] and source.names() == []
        twin.wait_for("let go", lambda: twin.holders(source) == {})
        assert len(twin.holders(target)) == 1
        twin.goes_on("vm1")
    assert len({tick[2] for tick in twin.ticks("vm1")}) == 1
    first, second, third = twin.wait_for(
        "it names each of its GPUs", lambda: (named := uuids(twin, "vm1")) and len(named) == 3 and named)
    assert first == third != second


@pytest.fixture
def on_the_way(twins, image):
    """A VM that writes faster than it is sent: its move lasts until something ends it."""
    twin = twins(VFIO)
    a, b = twin.alpha, twin.beta
    here = twin.make_vgpu(a, TYPES[VFIO])
    there = twin.make_vgpu(b, TYPES[VFIO], function=2)
    twin.boot(image, "vm1", a, here, dirty_mib=DIRTY_MIB)
    a.virsh("migrate-setspeed", "vm1", str(SLOW_MIB))
    words = twin.move_words("vm1", a, there)
    twin.moving = subprocess.Popen(a.command("virsh", "-q", *words), env=a.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    twin.wait_for("memory is sent", lambda: "Memory processed" in
                  a.virsh("domjobinfo", "vm1", check=False).stdout)
    assert len(twin.holders(b)) == 1
    yield twin
    twin.moving.kill()
    twin.moving.wait()


def stayed(twin):
    """The move failed; the VM runs where it was, and the target has nothing of it."""
    _, said = twin.moving.communicate(timeout=30)
    assert twin.moving.returncode != 0
    twin.wait_for("it is at the source alone", lambda: twin.where("vm1") == [twin.alpha])
    assert twin.beta.names() == []
    twin.wait_for("the target let go", lambda: twin.holders(twin.beta) == {})
    assert len(twin.holders(twin.alpha)) == 1
    twin.goes_on("vm1")
    return said


def emulators(machine):
    return [int(pid) for pid in machine.run(
        "pgrep", "-f", "^/usr/bin/qemu-system-x86_64 -name", check=False).stdout.split()]


def test_a_move_that_is_cancelled_leaves_the_vm_where_it_was(on_the_way):
    on_the_way.alpha.virsh("domjobabort", "vm1")
    assert "canceled" in stayed(on_the_way)


def test_a_move_whose_target_emulator_dies_leaves_the_vm_where_it_was(on_the_way):
    on_the_way.beta.run("kill", "-KILL", *emulators(on_the_way.beta))
    stayed(on_the_way)


def test_a_move_whose_target_refuses_the_device_never_begins(twins, image):
    twin = twins(VFIO)
    a, b = twin.alpha, twin.beta
    twin.boot(image, "vm1", a, twin.make_vgpu(a, TYPES[VFIO]))
    there = twin.make_vgpu(b, TYPES[VFIO])
    b.ctl("fault", "add", "at=open", "errno=EIO")
    done = twin.move("vm1", a, there, check=False)
    assert done.returncode != 0 and "can't assign" in done.stderr
    assert twin.where("vm1") == [a] and b.names() == []
    assert twin.holders(b) == {} and len(twin.holders(a)) == 1
    twin.goes_on("vm1")
    b.ctl("fault", "clear")
    twin.move("vm1", a, there)
    assert twin.where("vm1") == [b]
    twin.goes_on("vm1")


def test_a_vm_that_is_moved_while_it_writes_arrives_whole(twins, image):
    twin = twins(VFIO)
    a, b = twin.alpha, twin.beta
    here, there = twin.make_vgpu(a, TYPES[VFIO]), twin.make_vgpu(b, TYPES[VFIO])
    twin.boot(image, "vm1", a, here, dirty_mib=DIRTY_MIB)
    twin.move("vm1", a, there)
    assert twin.where("vm1") == [b]
    twin.goes_on("vm1", ticks=3)


@LONG
@pytest.mark.parametrize("kind", ["passed-through", "with-a-debugger"])
def test_what_can_t_move_is_refused_by_the_emulator_and_runs_on(twins, image, kind):
    twin = twins(VFIO)
    a, b = twin.alpha, twin.beta
    if kind == "passed-through":
        here, there = twin.pass_through(a), twin.pass_through(b)
    else:
        here, there = twin.make_vgpu(a, TYPES[VFIO]), twin.make_vgpu(b, TYPES[VFIO])
        a.sh("echo enable_debugging=1 >$(ls -d /sys/bus/pci/devices/*/virtfn0)/nvidia/vgpu_params")
    twin.boot(image, "vm1", a, here)
    done = twin.move("vm1", a, there, check=False)
    assert done.returncode != 0 and "disabled" in done.stderr
    assert twin.where("vm1") == [a] and b.names() == []
    twin.wait_for("the target let go", lambda: twin.holders(b) == {})
    twin.goes_on("vm1")


def kill_libvirtd(machine):
    machine.sh("kill -KILL $(cat /run/cleave-sim/libvirt/libvirtd.pid)")


@LONG
def test_a_move_outlives_the_target_s_libvirtd_until_it_is_cancelled(on_the_way):
    twin = on_the_way
    kill_libvirtd(twin.beta)
    n = len(twin.ticks("vm1"))
    twin.wait_for("the guest counts", lambda: len(twin.ticks("vm1")) > n + 1)
    assert twin.moving.poll() is None and len(twin.holders(twin.beta)) == 1
    twin.alpha.virsh("domjobabort", "vm1")
    twin.beta.run(START_LIBVIRT)
    stayed(twin)


@LONG
def test_a_move_that_no_one_at_the_target_can_finish_is_taken_back(on_the_way):
    twin = on_the_way
    kill_libvirtd(twin.beta)
    twin.alpha.virsh("migrate-setspeed", "vm1", "1000")
    twin.moving.wait(timeout=60)
    assert len(twin.holders(twin.beta)) == 1, "a paused copy that only its libvirtd can end"
    twin.beta.run(START_LIBVIRT)
    stayed(twin)


@LONG
def test_a_source_whose_libvirtd_restarts_in_the_middle_keeps_its_vm(on_the_way):
    twin = on_the_way
    kill_libvirtd(twin.alpha)
    twin.alpha.run(START_LIBVIRT)
    stayed(twin)


@LONG
def test_a_vm_restored_from_a_file_may_have_another_device(twins, image):
    twin = twins(VFIO)
    a = twin.alpha
    here, there = twin.make_vgpu(a, TYPES[VFIO]), twin.make_vgpu(a, TYPES[VFIO], function=1)
    twin.boot(image, "vm1", a, here)
    xml = twin.definition_for(a, "vm1", there, "--migratable")
    a.virsh("save", "vm1", twin.share / "vm1.save")
    assert twin.holders(a) == {}
    a.virsh("restore", twin.share / "vm1.save", "--xml", xml)
    assert len(twin.holders(a)) == 1
    twin.goes_on("vm1")
    twin.wait_for("it names both", lambda: len(set(uuids(twin, "vm1"))) == 2)


def test_two_hosts_of_one_name_don_t_share_a_folder(twins):
    twin = twins(VFIO)
    done = subprocess.run([BUILD / "sim/cleave-sim", "run", "--host", VFIO, "--name", "alpha", "--libvirt",
                           "--share", twin.share, "--", "true"], capture_output=True, text=True,
                          env=twin.alpha.env)
    assert done.returncode == 6 and "another simulated host" in done.stderr
    twin.alpha.virsh("list")
