# SPDX-License-Identifier: Apache-2.0
"""`cleave-sim run`: the machine it makes, what survives, and that nothing is left behind."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

from harness import wait_for

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build"))
SIM = BUILD / "sim/cleave-sim"
CTL = "/run/cleave-sim/bin/cleave-sim ctl"
L40S, L40S_VF = "0000:81:00.0", "0000:81:00.4"
TYPE_8Q = 1152

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)")


@pytest.fixture(autouse=True)
def datadir(monkeypatch):
    monkeypatch.setenv("CLEAVE_DATADIR", str(ROOT / "data"))


def run(script, host="demo", options=(), status=0):
    """Runs a shell script on a simulated host; returns what it printed."""
    done = subprocess.run([SIM, "run", "--host", host, *options, "--", "sh", "-c", script],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def start(*command):
    return subprocess.Popen([SIM, "run", "--host", "demo", "--", *command],
                            stdout=subprocess.PIPE, text=True)


NAMESPACE = "readlink /proc/self/ns/pid"


def processes(namespace):
    """Pids of what lives in a run's PID namespace: other runs of this machine are not meant."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "ns/pid") == namespace:
                found.append(int(path.name))
        except OSError:
            pass
    return found


def wait_until_gone(namespace):
    assert namespace not in ("", os.readlink("/proc/self/ns/pid"))
    wait_for(lambda: not processes(namespace), problem="processes of the run live on")


def test_only_the_simulated_pci_devices_are_there():
    devices = run("ls /sys/bus/pci/devices").split()
    assert devices == ["0000:41:00.0", "0000:61:00.0", "0000:81:00.0", "0000:a1:00.0"]


def test_the_rest_of_sys_is_the_machines_own():
    for path in ("/sys/class/net", "/sys/devices/system/cpu", "/sys/bus", "/sys/fs"):
        real = set(os.listdir(path))
        inside = set(run(f"ls {path}").split())
        assert real - {"pci", "mdev"} <= inside, path


def test_links_between_the_trees_lead_somewhere():
    script = f"""cd /sys/bus/pci/devices/{L40S} && cat vendor && readlink -f . driver iommu_group
        test -d driver/module && ls iommu_group/devices"""
    lines = run(script).split()
    assert lines[0] == "0x10de"
    assert lines[1].startswith("/sys/devices/pci")
    assert lines[2] == "/sys/bus/pci/drivers/nvidia"
    assert lines[3].startswith("/sys/kernel/iommu_groups/")
    assert lines[4] == L40S


def test_nvml_is_found_without_any_environment():
    script = """python3 -c 'import ctypes
nvml = ctypes.CDLL("libnvidia-ml.so.1")
count = ctypes.c_uint()
assert nvml.nvmlInit_v2() == 0 and nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0
print(count.value)'"""
    assert run(script).strip() == "4"
    assert run(script, host="h100-80gb-x8").strip() == "8"


def test_the_kernel_release_is_the_host_files():
    assert run("cat /proc/sys/kernel/osrelease; hostname").split() == ["6.8.0-60-generic",
                                                                      "gpu-host"]


def test_a_device_node_follows_the_driver():
    script = f"""ls /dev | grep -c '^nvidia[0-9]'
        echo {L40S} > /sys/bus/pci/drivers/nvidia/unbind
        ls /dev | grep -c '^nvidia[0-9]'
        echo vfio-pci > /sys/bus/pci/devices/{L40S}/driver_override
        echo {L40S} > /sys/bus/pci/drivers_probe
        ls /dev/vfio | grep -c '^[0-9]'"""
    assert run(script).split() == ["4", "3", "1"]


def test_vgpus_are_made_through_the_kernels_files():
    script = f"""/usr/lib/nvidia/sriov-manage -e {L40S} >/dev/null
        cd /sys/bus/pci/devices/{L40S_VF}/nvidia
        grep -c NVIDIA creatable_vgpu_types
        echo {TYPE_8Q} > current_vgpu_type && cat current_vgpu_type
        echo {TYPE_8Q} > current_vgpu_type || echo refused"""
    out = run(script).split()
    assert int(out[0]) > 20 and out[1:] == [str(TYPE_8Q), "refused"]


def test_mediated_devices_on_an_older_kernel():
    uuid = "11111111-2222-4333-8444-555555555555"
    script = f"""/usr/lib/nvidia/sriov-manage -e ALL >/dev/null
        cd /sys/class/mdev_bus/0000:3b:00.4/mdev_supported_types
        for t in *; do grep -q 'A100-20C$' $t/name && break; done
        echo {uuid} > $t/create; cat $t/available_instances; ls /sys/bus/mdev/devices
        echo 1 > /sys/bus/mdev/devices/{uuid}/remove; ls /sys/bus/mdev/devices"""
    assert run(script, host="a100-40gb-mdev").split() == ["0", uuid]


def test_a_captured_host_starts_as_the_same_host(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    host = tmp_path / "host.yaml"
    host.write_text("""
name: real
driver: 570.124.06
kernel: 6.12.0
gpus:
  - board: h100-sxm5-80gb
    bdf: 0000:1b:00.0
    numa_node: 1
    mig: true
    vfs: {enabled: true}
    instances: [{profile: 3g.40gb, start: 4, compute: [1, 2]}, {profile: 1g.20gb}]
  - board: l40s
    bdf: 0000:81:00.0
    reset: false
    group_members: [{bdf: '0000:80:01.0', kind: bridge}, {bdf: '0000:82:00.0', kind: audio}]
""")
    capture = "/run/cleave-sim/bin/cleave-sim capture -o"
    run(f"{capture} {first}", host=str(host))
    run(f"{capture} {second}", host=str(first))
    assert second.read_text() == first.read_text()
    assert "0000:82:00.0" in first.read_text() and "compute" in first.read_text()
    for name in ("demo", "mixed", "t4-mdev", "a100-40gb-mdev"):
        run(f"{capture} {first}", host=name)
        run(f"{capture} {second}", host=str(first))
        assert second.read_text() == first.read_text(), name


def test_a_capture_can_be_anonymous():
    out = run(f"{BUILD}/src/cli/cleave host capture --anonymous", host="board:l40s")
    assert "name: captured" in out and "uuid" not in out and "serial" not in out


def test_a_machine_without_gpus_has_nothing_to_capture():
    done = subprocess.run([SIM, "capture"], capture_output=True, text=True)
    if done.returncode == 0:
        pytest.skip("this machine has a GPU")
    assert "no NVIDIA GPU" in done.stderr


def test_boards_need_no_host_file():
    assert run("ls /sys/bus/pci/devices", host="board:l40s*2,t4").split() == [
        "0000:11:00.0", "0000:21:00.0", "0000:31:00.0"]
    script = "ls /sys/class/mdev_bus; cat /proc/sys/kernel/osrelease"
    assert run(script, host="board:t4").split() == ["0000:11:00.0", "5.15.0-113-generic"]
    assert run("cat /sys/module/nvidia/version", host="board:a40",
               options=["--driver", "535.261.03"]).strip() == "535.261.03"


def test_what_is_installed_works_alone(tmp_path, monkeypatch):
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", tmp_path],
                   check=True, capture_output=True)
    program = next(tmp_path.rglob("bin/cleave-sim"))
    monkeypatch.setenv("CLEAVE_DATADIR", str(next(tmp_path.rglob("share/cleave"))))
    listed = subprocess.run([program, "hosts"], check=True, capture_output=True, text=True)
    assert "demo" in listed.stdout
    script = """/usr/lib/nvidia/sriov-manage -e ALL >/dev/null && ls /sys/bus/pci/devices | wc -l
        python3 -c 'import ctypes; print(ctypes.CDLL("libnvidia-ml.so.1").nvmlInit_v2())'
        qemu-system-x86_64 --version | head -1"""
    done = subprocess.run([program, "run", "--host", "l40s-x2", "--", "sh", "-c", script], check=True,
                          capture_output=True, text=True)
    assert done.stdout.split()[:2] == ["66", "0"] and "QEMU" in done.stdout
    parts = {path.name for path in program.parent.parent.joinpath("lib/cleave-sim").iterdir()}
    assert {"start-libvirt", "build-image", "cleave-guest-init", "cleave-guest-pack"} <= parts


def test_faults_strike_and_are_cleared():
    script = f"""{CTL} fault add at=sriov-manage errno=EBUSY count=1 >/dev/null
        {CTL} fault add at=nvidia/current_vgpu_type device={L40S_VF} access=write errno=EIO
        /usr/lib/nvidia/sriov-manage -e {L40S} 2>&1 || /usr/lib/nvidia/sriov-manage -e {L40S}
        cd /sys/bus/pci/devices/{L40S_VF}/nvidia
        echo {TYPE_8Q} > current_vgpu_type 2>/dev/null || echo refused
        {CTL} fault list; {CTL} fault clear
        echo {TYPE_8Q} > current_vgpu_type && cat current_vgpu_type"""
    out = run(script)
    assert "Cannot obtain unbindLock" in out and "refused" in out
    faults = next(json.loads(line)["faults"] for line in out.splitlines() if "seen" in line)
    assert faults[-1]["struck"] == 1 and faults[-1]["errno"] == "EIO"
    assert out.split()[-1] == str(TYPE_8Q)


def test_what_hangs_ends_with_the_host():
    run(f"""{CTL} fault add at=reset hang=true >/dev/null
        echo 1 > /sys/bus/pci/devices/{L40S}/reset & {CTL} reset {L40S} &
        until {CTL} fault list | grep -q '"struck": *2'; do sleep 0.05; done; exit 0""")


def test_an_nvml_client_keeps_sriov_manage_waiting(tmp_path):
    up = tmp_path / "up"
    script = f"""python3 -c 'import ctypes, pathlib, time
nvml = ctypes.CDLL("libnvidia-ml.so.1"); nvml.nvmlInit_v2(); pathlib.Path("{up}").touch(); time.sleep(60)' &
        while ! test -e {up}; do sleep 0.05; done
        /usr/lib/nvidia/sriov-manage -e ALL 2>&1; kill $!; wait $! 2>/dev/null
        /usr/lib/nvidia/sriov-manage -e ALL"""
    out = run(script)
    assert out.count("unbindLock") == 1 and out.count("Enabling VFs") >= 4


def test_a_user_may_look_but_not_touch():
    script = f"""setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '
        cat /sys/bus/pci/devices/{L40S}/vendor
        echo 1 > /sys/bus/pci/devices/{L40S}/reset
        /usr/lib/nvidia/sriov-manage -e {L40S}
        {CTL} reboot | grep -o "errno.:13"; {CTL} status | grep -c l40s' 2>&1"""
    out = run(script)
    assert "0x10de" in out and out.count("ermission denied") >= 2 and 'errno":13' in out
    assert out.split()[-1] == "1"


def test_the_exit_status_is_the_commands():
    run("exit 7", status=7)
    run("kill -9 $$", status=137)
    done = subprocess.run([SIM, "run", "--host", "demo", "--", "/nonexistent"],
                          capture_output=True, text=True)
    assert done.returncode == 127 and "/nonexistent" in done.stderr


def test_an_unknown_host_is_refused_before_anything_starts():
    done = subprocess.run([SIM, "run", "--host", "nowhere", "--", "true"], capture_output=True,
                          text=True)
    assert done.returncode != 0 and "nowhere.yaml" in done.stderr


def test_sigterm_reaches_the_command():
    child = start("sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done")
    assert child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=10) == 3


def test_what_the_command_left_running_ends_with_it():
    namespace = run(f"{NAMESPACE}; setsid sleep 600 & exit 0").strip()
    wait_until_gone(namespace)


def test_nothing_survives_a_killed_runner():
    child = start("sh", "-c", f"setsid sleep 600 & {NAMESPACE}; sleep 600")
    namespace = child.stdout.readline().strip()
    assert len(processes(namespace)) >= 3
    mounts = pathlib.Path("/proc/mounts").read_text()
    child.kill()
    child.wait()
    wait_until_gone(namespace)
    assert "cleave-sim" not in mounts
    assert not pathlib.Path("/run/cleave-sim").exists()


def test_a_killed_host_process_ends_the_run():
    child = start("sh", "-c", f"{NAMESPACE}; sleep 600")
    namespace = child.stdout.readline().strip()
    hosts = [pid for pid in processes(namespace)
             if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "cleave-sim-host"]
    assert hosts
    for pid in hosts:
        os.kill(pid, signal.SIGKILL)
    assert child.wait(timeout=20) == 125
    wait_until_gone(namespace)


def test_two_hosts_run_side_by_side():
    child = start("sh", "-c", "echo up; read line; ls /sys/bus/pci/devices | wc -l")
    try:
        assert child.stdout.readline() == "up\n"
        assert len(run("ls /sys/bus/pci/devices", host="h100-80gb-x8").split()) == 8
    finally:
        child.kill()
        child.wait()


def test_the_hardware_state_is_kept_and_a_reboot_forgets(tmp_path):
    keep = ["--state", str(tmp_path / "state")]
    current = f"/sys/bus/pci/devices/{L40S_VF}/nvidia/current_vgpu_type"
    run(f"/usr/lib/nvidia/sriov-manage -e {L40S}; echo {TYPE_8Q} > {current}", options=keep)
    assert run(f"cat {current}", options=keep).strip() == str(TYPE_8Q)
    out = run(f"{CTL} reboot; ls /sys/bus/pci/devices/{L40S_VF} 2>&1 || true", options=keep)
    assert "No such file" in out
    assert "No such file" in run(f"cat {current} 2>&1 || true", options=keep)


def test_a_damaged_state_file_is_said(tmp_path):
    keep = ["--state", str(tmp_path)]
    run(f"/usr/lib/nvidia/sriov-manage -e {L40S}", options=keep)
    state = tmp_path / "state.json"
    state.write_text(state.read_text()[:100])
    done = subprocess.run([SIM, "run", "--host", "demo", *keep, "--", "true"], capture_output=True,
                          text=True)
    assert done.returncode == 0 and "state.json.last" in done.stderr
    (tmp_path / "state.json.last").write_text("{")
    state.write_text("{")
    done = subprocess.run([SIM, "run", "--host", "demo", *keep, "--", "true"], capture_output=True,
                          text=True)
    assert done.returncode != 0 and "remove" in done.stderr


def test_a_held_device_is_busy_until_its_holder_dies():
    script = f"""/usr/lib/nvidia/sriov-manage -e {L40S} >/dev/null
        echo {TYPE_8Q} > /sys/bus/pci/devices/{L40S_VF}/nvidia/current_vgpu_type
        sleep 60 & {CTL} open {L40S_VF} $! >/dev/null
        {CTL} driver-reload; kill $!; wait
        until {CTL} driver-reload | grep '"ok": *true'; do sleep 0.05; done"""
    first, second = run(script).splitlines()
    assert json.loads(first)["errno"] == 16
    assert json.loads(second)["ok"] is True


def test_libvirt_answers_inside_and_is_gone_after():
    """The machine's, or the one that tools/fetch-libvirt unpacked: as in all tests that start VMs."""
    namespace, *version = run(f"{NAMESPACE}; virsh -q -c qemu:///system version",
                              options=["--libvirt"]).splitlines()
    assert "QEMU" in version[-1]
    wait_until_gone(namespace)
