# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a GPU, and what a reboot is, on the simulated host: seen as cleave sees it, through NVML and
the kernel's files."""
import os
import subprocess
import time

import pytest

from harness import with_libvirt
from machine import Machine, hostdev

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)")

GPU = "0000:26:00.0"
DIR = f"/sys/bus/pci/devices/{GPU}"
OK, NOT_LOADED, LOST, RESET_REQUIRED = 0, 9, 15, 16

# Prints what init, the handle, and a question about the GPU return.
ASK = """import ctypes, sys
nvml = ctypes.CDLL("libnvidia-ml.so.1")
gpu, text = ctypes.c_void_p(), ctypes.create_string_buffer(96)
codes = [nvml.nvmlInit_v2()]
codes.append(nvml.nvmlDeviceGetHandleByPciBusId_v2(b"%s", ctypes.byref(gpu)))
codes.append(nvml.nvmlDeviceGetUUID(gpu, text, 96) if codes[-1] == 0 else -1)
print(*codes)
"""
# Prints the first Xid that the GPU reports.
WAIT = """import ctypes
class Event(ctypes.Structure):
    _fields_ = [("device", ctypes.c_void_p), ("type", ctypes.c_ulonglong), ("data", ctypes.c_ulonglong),
                ("gi", ctypes.c_uint), ("ci", ctypes.c_uint)]
nvml = ctypes.CDLL("libnvidia-ml.so.1")
gpu, events, event = ctypes.c_void_p(), ctypes.c_void_p(), Event()
assert nvml.nvmlInit_v2() == 0
assert nvml.nvmlDeviceGetHandleByPciBusId_v2(b"%s", ctypes.byref(gpu)) == 0
assert nvml.nvmlEventSetCreate(ctypes.byref(events)) == 0
assert nvml.nvmlDeviceRegisterEvents(gpu, ctypes.c_ulonglong(8), events) == 0
print("waits", flush=True)
assert nvml.nvmlEventSetWait_v2(events, ctypes.byref(event), 20000) == 0
print("xid", event.data)
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory, openapi):
    """One machine for all that need no libvirt; each test starts from a reboot."""
    host = Machine(tmp_path_factory.mktemp("health"), "l40s-x2", openapi, libvirt=False)
    yield host
    host.end()


@pytest.fixture
def host(plain):
    plain.ctl("fault", "clear")
    plain.ctl("reboot")
    plain.ctl("set", GPU, "no_reset", "0")
    return plain


def ask(host):
    """Codes of init, of getting a handle, and of asking the GPU for its UUID (-1: not asked)."""
    return [int(code) for code in host.run("/usr/bin/python3", "-c", ASK % GPU).stdout.split()]


def write(host, path, text):
    """The error of writing to a file of the GPU, or ""."""
    done = host.run("bash", "-c", f"printf %s '{text}' >{os.path.join(DIR, path)}", check=False)
    return done.stderr.strip().rpartition(": ")[2]


def make_vgpu(host, function=0):
    host.sh(f"/usr/lib/nvidia/sriov-manage -e {GPU}")
    vf = f"virtfn{function}/nvidia"
    host.sh(f"cd {DIR}/{vf}; sed -n 's/ *: NVIDIA L40S-8Q$//p' creatable_vgpu_types >current_vgpu_type")
    return f"{vf}/current_vgpu_type"


def test_a_gpu_off_the_bus_reads_as_ones_and_returns_with_a_rescan(host):
    current = make_vgpu(host)
    host.ctl("set", GPU, "lost", "rescan")
    assert LOST in ask(host)
    for config in f"{DIR}/config", f"{DIR}/virtfn0/config":
        assert set(host.sh(f"od -An -v -tx1 {config}").split()) == {"ff"}
    assert host.sh(f"cat {DIR}/current_link_speed {DIR}/current_link_width").split() == ["Unknown", "63"]
    assert write(host, current, "0") == "Input/output error"
    assert write(host, "reset", "1") == "Inappropriate ioctl for device"
    assert write(host, "remove", "1") == ""
    assert host.sh(f"ls -d {DIR} 2>&1 || true").endswith("No such file or directory\n")
    host.sh("echo 1 >/sys/bus/pci/rescan")
    assert ask(host) == [OK, OK, OK]
    assert host.sh(f"cat {DIR}/sriov_numvfs").strip() == "0"


def test_a_dead_gpu_returns_with_a_reboot_only(host):
    host.ctl("fault", "add", f"device={GPU}", "lost=true")
    assert write(host, "remove", "1") == ""
    host.sh("echo 1 >/sys/bus/pci/rescan")
    assert host.sh(f"ls -d {DIR} 2>&1 || true").endswith("No such file or directory\n")
    host.ctl("reboot")
    assert ask(host) == [OK, OK, OK]


def test_a_gpu_falls_off_the_bus_in_the_middle_of_calls(host):
    host.ctl("fault", "add", "at=nvmlDeviceGetUUID", f"device={GPU}", "after=1", "lost=rescan")
    assert ask(host) == [OK, OK, OK]
    ask(host)
    assert LOST in ask(host)


@pytest.mark.parametrize("how", ["file", "tool"])
def test_a_wedged_gpu_needs_a_reset(host, how):
    current = make_vgpu(host)
    assert write(host, current, "0") == ""
    host.ctl("fault", "add", f"device={GPU}", "xid=119", "wedged=true")
    assert RESET_REQUIRED in ask(host)
    assert write(host, current, "1151") == "Input/output error"
    host.sh(f"/usr/lib/nvidia/sriov-manage -d {GPU}")
    if how == "file":
        assert write(host, "reset", "1") == ""
    else:
        host.ctl("reset", GPU)
    assert ask(host) == [OK, OK, OK]


def test_a_reset_can_fail_and_can_be_impossible(host):
    host.ctl("set", GPU, "wedged", "1")
    host.ctl("fault", "add", "at=reset", "errno=EIO", "count=1")
    assert write(host, "reset", "1") == "Input/output error"
    assert RESET_REQUIRED in ask(host)
    host.ctl("set", GPU, "no_reset", "1")
    assert host.sh(f"ls {DIR} | grep -c ^reset || true").strip() == "0"
    host.ctl("set", GPU, "no_reset", "0")
    assert write(host, "reset", "1") == ""
    assert ask(host) == [OK, OK, OK]


def test_a_stuck_function_refuses_to_let_go_and_another_hangs(host):
    stuck, hangs = make_vgpu(host), make_vgpu(host, function=1)
    addresses = host.sh(f"cd {DIR}; basename $(readlink virtfn0); basename $(readlink virtfn1)").split()
    host.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", f"device={addresses[0]}",
             "errno=EIO")
    fault = host.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write",
                     f"device={addresses[1]}", "hang=true")
    assert write(host, stuck, "0") == "Input/output error"
    assert host.sh(f"cat {DIR}/{stuck}").strip() != "0"
    writer = subprocess.Popen(host.command("sh", "-c", f"echo 0 >{DIR}/{hangs}"), env=host.env)
    deadline = time.monotonic() + 20
    while host.ctl("fault", "list")["faults"][-1]["struck"] == 0:
        assert time.monotonic() < deadline, "the write does not come"
    assert host.sh(f"cat {DIR}/{hangs}").strip() != "0", "others are not held up"
    assert writer.poll() is None
    host.ctl("fault", "clear", fault["id"])
    assert writer.wait(timeout=10) == 0
    assert host.sh(f"cat {DIR}/{hangs}").strip() == "0"


def test_the_unbind_lock_is_busy_for_a_while(host):
    lock = f"/proc/driver/nvidia/gpus/{GPU}/unbindLock"
    host.ctl("fault", "add", "at=unbindLock", "access=write", "errno=EBUSY", "for_s=2")
    host.ctl("fault", "add", "at=sriov-manage", "errno=EBUSY", "for_s=2")
    assert write(host, lock, "1") == "" and host.sh(f"cat {lock}").strip() == "0"
    assert host.run("/usr/lib/nvidia/sriov-manage", "-e", GPU, check=False).returncode != 0
    deadline = time.monotonic() + 10
    while host.run("/usr/lib/nvidia/sriov-manage", "-e", GPU, check=False).returncode != 0:
        assert time.monotonic() < deadline
    assert host.sh(f"cat {DIR}/sriov_numvfs").strip() != "0"


def test_an_xid_reaches_who_waits_for_it(host):
    waiter = subprocess.Popen(host.command("/usr/bin/python3", "-c", WAIT % GPU), env=host.env,
                              stdout=subprocess.PIPE, text=True)
    assert waiter.stdout.readline() == "waits\n"
    host.ctl("fault", "add", f"device={GPU}", "xid=79")
    assert waiter.communicate(timeout=20)[0] == "xid 79\n"


def test_a_driver_that_loads_late_is_not_there_before(host):
    host.ctl("driver-unload")
    assert ask(host)[0] == NOT_LOADED
    for path in "/sys/bus/pci/drivers/nvidia", "/sys/module/nvidia/version", "/proc/driver/nvidia/version", \
                f"{DIR}/driver", "/dev/nvidia0":
        assert host.run("test", "-e", path, check=False).returncode == 1, path
    assert host.sh(f"cat {DIR}/vendor").strip() == "0x10de"
    host.run("modprobe", "nvidia")
    assert ask(host) == [OK, OK, OK]
    for path in "/sys/bus/pci/drivers/nvidia", "/sys/module/nvidia/version", "/proc/driver/nvidia/version", \
                f"{DIR}/driver", "/dev/nvidia0":
        host.run("test", "-e", path)


@pytest.fixture
def hooked(machine, directory):
    hook = directory / "10-note"
    hook.write_text(f"#!/bin/sh\necho \"$1 $2 $3\" >>{directory}/hooked\n")
    hook.chmod(0o755)
    return machine("l40s-x2", options=["--hook", hook])


def running(host):
    return sorted(host.virsh("list", "--name").stdout.split())


@with_libvirt
def test_a_hook_is_called_and_libvirtd_restarts_under_vms(hooked, directory):
    host = hooked
    make_vgpu(host)
    vf = host.sh(f"basename $(readlink {DIR}/virtfn0)").strip()
    host.define("one", devices=hostdev(vf))
    host.virsh("start", "one")
    called = (directory / "hooked").read_text().split("\n")
    assert called[:3] == ["one prepare begin", "one start begin", "one started begin"]
    host.restart_libvirt()
    assert running(host) == ["one"]
    assert [vf for vf in host.gpus()[GPU]["vfs"] if vf.get("vgpu", {}).get("opener")]
    host.virsh("destroy", "one")
    called = (directory / "hooked").read_text().split("\n")
    assert "one reconnect begin" in called
    assert called[-3:-1] == ["one stopped end", "one release end"]


@with_libvirt
def test_a_reboot_ends_all_vms_and_starts_those_that_start_by_themselves(hooked, directory):
    host = hooked
    make_vgpu(host)
    vf = host.sh(f"basename $(readlink {DIR}/virtfn0)").strip()
    host.define("one", devices=hostdev(vf))
    host.define("two", "three")
    for name in "one", "two", "three":
        host.virsh("start", name)
    host.virsh("autostart", "two")
    emulators = host.run("pgrep", "-c", "qemu-system").stdout.strip()
    assert emulators == "3"
    host.reboot()
    assert host.names() and running(host) == ["two"]
    assert sorted(host.names()) == ["one", "three", "two"]
    assert host.gpus()[GPU]["vfs"] == []
    assert host.virsh("start", "one", check=False).returncode != 0
    (directory / "hooked").write_text("")
    host.restart_libvirt()
    assert running(host) == ["two"], "a restart of libvirtd starts nothing on its own"
