# SPDX-License-Identifier: Apache-2.0
"""Parameters of vGPUs: what a claim asks for stands in the kernel's vgpu_params whenever its vGPU
does, on both of the kernel's interfaces, whatever took the vGPU, failed or died meanwhile."""
import json
import os

import pytest

from harness import wait_for, with_libvirt
from lifecycle import events, hook_options, wait_restored

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)")

GPU = "0000:81:00.0"
HOST = """name: params
driver: 580.105.08
kernel: {kernel}
gpus:
  - {{board: l40s, bdf: 0000:81:00.0, vfs: {{count: 4}}}}
"""
KERNELS = {"vendor-vfio": "6.8.0-60-generic", "mdev": "5.14.0-503.el9.x86_64"}
USUAL = ("--observe-period", "1")
WHOLE = {"type": "L40S-48Q", "params": {"unifiedMemory": True, "console": False}}
SHARED = {"type": "L40S-8Q", "params": {"frameRateLimiter": False}}
WHOLE_LINE, SHARED_LINE = "enable_uvm=1, disable_vnc=1", "frame_rate_limiter=0"


@pytest.fixture(params=["vendor-vfio", "mdev"])
def host(request, machine, directory):
    path = directory / "host.yaml"
    path.write_text(HOST.format(kernel=KERNELS[request.param]))
    return machine(path, libvirt=False).start(*USUAL)


def file_of(host, name):
    got = host.api.get(f"/v1/claims/{name}")["assigned"]
    return (f"/sys/bus/mdev/devices/{got['mdevUuid']}/nvidia/vgpu_params" if got["mdevUuid"] else
            f"/sys/bus/pci/devices/{got['device']}/nvidia/vgpu_params")


def line(host, name):
    return host.sh(f"cat {file_of(host, name)}").strip()


def test_parameters_come_back_after_a_reboot_and_a_reload_of_the_driver(host):
    host.create("a", **WHOLE)
    assert line(host, "a") == WHOLE_LINE
    host.reboot(options=USUAL)
    wait_restored(host)
    assert line(host, "a") == WHOLE_LINE
    wait_for(lambda: host.ctl("driver-reload", check=False)["ok"], 20)
    wait_for(lambda: host.api.get("/v1/claims/a")["problem"] is None
             and len(host.gpus()[GPU]["vfs"] or []) > 0 and host.problems() == [], 60)
    assert line(host, "a") == WHOLE_LINE
    assert "unified-memory on, console off" in host.cleave.run("claim", "show", "a").stdout


def test_a_vgpu_at_a_placement_has_both_in_its_file(host):
    for name in ("a", "b"):
        host.create(name, **SHARED, mixed=True)
    for name in ("a", "b"):
        placement = host.api.get(f"/v1/claims/{name}")["assigned"]["placementId"]
        assert line(host, name) == f"vgpu-placement-id={placement}, {SHARED_LINE}"


def test_what_another_program_writes_is_drift(host):
    host.create("a", **WHOLE)
    assert host.api.get("/v1/claims/a")["problem"] is None
    host.sh(f"echo enable_uvm=0 >{file_of(host, 'a')}")
    wait_for(lambda: any("parameters of vGPU" in event["message"]
                         for event in events(host, "gpu-changed")), 20)
    problem = host.api.get("/v1/claims/a")["problem"]
    assert "unified-memory is off, and the claim wants it on" in problem
    assert "console is on, and the claim wants it off" in problem
    host.sh(f"echo '{WHOLE_LINE}' >{file_of(host, 'a')}")
    wait_for(lambda: host.api.get("/v1/claims/a")["problem"] is None, 20)


def test_a_restoration_writes_them_again_and_shows_it_first(host):
    host.create("a", **WHOLE)
    host.sh(f"echo enable_uvm=0 >{file_of(host, 'a')}")
    wait_for(lambda: "host restore" in (host.api.get("/v1/claims/a")["problem"] or ""), 20)
    shown = host.cleave.run("host", "restore", "--dry-run").stdout
    assert "write the parameters of vGPU L40S-48Q" in shown
    assert line(host, "a") == "enable_uvm=0"
    assert host.cleave.run("host", "restore").returncode == 0
    assert line(host, "a") == WHOLE_LINE
    wait_for(lambda: host.api.get("/v1/claims/a")["problem"] is None, 20)
    assert "write the parameters" not in host.cleave.run("host", "restore", "--dry-run").stdout


@with_libvirt
@pytest.mark.parametrize("by", ("cleave", "virsh"))
def test_the_next_start_of_the_vm_writes_them_again(machine, directory, by):
    host = machine("demo", options=hook_options(directory))
    host.define("vm1")
    host.start(*USUAL)
    host.create("a", vm="vm1", gpu=GPU, **SHARED)
    assert host.cleave.run("vm", "start", "vm1").returncode == 0
    host.virsh("destroy", "vm1")
    host.sh(f"echo frame_rate_limiter=1 >{file_of(host, 'a')}")
    wait_for(lambda: host.api.get("/v1/claims/a")["problem"] is not None, 20)
    if by == "cleave":
        shown = host.cleave.run("vm", "start", "vm1", "--dry-run").stdout
        assert "write the parameters of vGPU L40S-8Q" in shown
        assert host.cleave.run("vm", "start", "vm1").returncode == 0
    else:
        host.virsh("start", "vm1")
    assert line(host, "a") == SHARED_LINE
    wait_for(lambda: host.api.get("/v1/claims/a")["problem"] is None, 20)
    assert host.problems() == []


def test_what_an_earlier_vgpu_left_behind_goes(host):
    host.create("a", **WHOLE)
    host.delete("a")
    host.create("b", type="L40S-48Q")
    assert line(host, "b") == ""


@pytest.mark.parametrize("after", range(2))
def test_a_write_that_fails_leaves_no_vgpu(host, after):
    host.ctl("fault", "add", "at=nvidia/vgpu_params", "access=write", "errno=EIO",
             f"after={after}")
    status, change, _ = host.api.call("POST", "/v1/claims", {"name": "a", **WHOLE, "mixed": True})
    assert status in (200, 202), change
    plan = host.api.wait_plan(change)
    struck = host.ctl("fault", "list")
    assert plan["state"] in ("undone", "done"), (plan["problem"], struck)
    if plan["state"] == "undone":
        assert "vgpu_params" in plan["problem"]
        host.ctl("fault", "clear")
        assert host.problems() == []
        host.delete("a")
        host.create("a", **WHOLE)
    assert line(host, "a").endswith(WHOLE_LINE)


def test_a_restart_between_the_vgpu_and_its_parameters_sets_them(host):
    host.ctl("fault", "add", "at=nvidia/vgpu_params", "access=write", "hang=true")
    status, change, _ = host.api.call("POST", "/v1/claims", {"name": "a", **WHOLE})
    assert status in (200, 202), change
    wait_for(lambda: any((vf.get("vgpu") or {}).get("type") for vf in host.gpus()[GPU]["vfs"]), 30)
    host.kill()
    assert not any("enable_uvm" in json.dumps(vf) for vf in host.gpus()[GPU]["vfs"])
    host.ctl("fault", "clear")
    host.start(*USUAL)
    assert host.settle()
    wait_for(lambda: host.api.get("/v1/claims/a")["state"] == "bound", 30)
    assert line(host, "a") == WHOLE_LINE and host.problems() == []


REFUSED = {
    "of a whole GPU": ({"mode": "passthrough", "params": {"console": False}}, 400,
                       "takes no vGPU parameters"),
    "of a part of a board": ({"type": "L40S-8Q", "params": {"unifiedMemory": True}}, 422,
                             "has no unified memory"),
    "in a Windows guest": ({**WHOLE, "guest": "windows"}, 422, "Windows guest"),
    "that can't migrate": ({**WHOLE, "migratable": True}, 422, "can't live-migrate"),
    "with a debugger that can't": ({"type": "L40S-8Q", "migratable": True,
                                    "params": {"debugger": True}}, 422, "debuggers"),
    "of an unknown name": ({"type": "L40S-8Q", "params": {"enable_uvm": True}}, 400, "enable_uvm"),
    "that is no word of on and off": ({"type": "L40S-8Q", "params": {"console": "off"}}, 400,
                                      "console"),
}


def test_parameters_that_can_t_be_are_refused(machine):
    host = machine("demo", libvirt=False).start()
    for name, (claim, status, words) in REFUSED.items():
        got, body, _ = host.api.call("POST", "/v1/claims?dryRun=true", {"name": "a", **claim})
        assert got == status and words in json.dumps(body), (name, got, body)
    for words in (["--param", "uvm=on"], ["--param", "console"], ["--param", "console=1"],
                  ["--param", "console=on", "--param", "console=off"]):
        done = host.cleave.run("claim", "create", "a", "--type", "L40S-8Q", *words)
        assert done.returncode == 2 and "--param" in done.stderr, done.stderr


def test_an_on_demand_claim_s_parameters_come_with_each_new_vgpu(machine):
    host = machine("demo")
    host.define("vm1")
    host.start()
    host.create("a", vm="vm1", hold="on-demand", **SHARED)
    for _ in range(2):
        assert host.cleave.run("vm", "start", "vm1").returncode == 0
        assert line(host, "a") == SHARED_LINE
        refused = host.sh(f"echo enable_uvm=1 >{file_of(host, 'a')} || echo no", check=False)
        assert refused.strip() == "no"  # while the VM runs
        assert host.cleave.run("vm", "stop", "--now", "vm1").returncode == 0
        wait_for(lambda: host.api.get("/v1/claims/a")["state"] == "pending", 30)


def test_a_site_s_claim_that_asks_for_others_is_replaced(machine):
    host = machine("demo", libvirt=False).start()
    assert host.apply("site", {"a": SHARED})["state"] == "done"
    assert host.apply("site", {"a": SHARED})["steps"] == []
    assert host.apply("site", {"a": {**SHARED, "params": {"console": False}}})["state"] == "done"
    assert line(host, "a") == "disable_vnc=1"


def test_a_need_of_unified_memory_turns_it_on(host):
    host.create("a", need={"memory": "40GiB", "unifiedMemory": True, "licences": "any"},
                mode="time-sliced")
    assert line(host, "a") == "enable_uvm=1" and host.problems() == []
