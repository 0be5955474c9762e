# SPDX-License-Identifier: Apache-2.0
"""GPUs that fail under VMs: what is quarantined, who is named, what goes on untouched."""
import pytest

from harness import wait_for

RTX, A100, L40S_1, L40S_2 = "0000:41:00.0", "0000:61:00.0", "0000:81:00.0", "0000:a1:00.0"


@pytest.fixture
def host(machine):
    host = machine("demo")
    host.define("v1", "v2", "v3", "v4", "v5")
    return host.start("--observe-period", "1")


def events(host, kind):
    return [e for e in host.api.get("/v1/events?limit=1000")["events"] if e["kind"] == kind]


def gpu(host, bdf):
    return host.api.get(f"/v1/gpus/{bdf}")


def start(host, *names):
    done = host.cleave.run("vm", "start", *names)
    assert done.returncode == 0, done.stderr


def running(host):
    return sorted(host.virsh("list", "--name").stdout.split())


def fault(host, *words):
    host.ctl("fault", "add", *words)


def counted(host, call):
    """How often a call was made since: a fault that never strikes counts."""
    id_ = host.ctl("fault", "add", f"at={call}", "delay_ms=1", "after=1000000")["id"]
    return lambda: next(f["seen"] for f in host.ctl("fault", "list")["faults"] if f["id"] == id_)


def start_watched(host, *names):
    """VMs on a GPU that none has used: back once cleaved has registered for its reports and waits."""
    registered = counted(host, "nvmlDeviceRegisterEvents")
    start(host, *names)
    wait_for(registered)
    wait_for(counted(host, "nvmlEventSetWait_v2"))


def test_a_gpu_is_lost_under_three_vms_and_the_others_go_on(host):
    for n in (1, 2, 3):
        host.create(f"a{n}", type="L40S-8Q", gpu=L40S_1, vm=f"v{n}")
    host.create("b", type="L40S-8Q", gpu=L40S_2, vm="v4")
    host.create("c", type="DC-1-8C", gpu=RTX, vm="v5")
    start_watched(host, "v4", "v5")
    start_watched(host, "v1", "v2", "v3")
    before = host.gpus()
    fault(host, f"device={L40S_1}", "lost=true")
    event = wait_for(lambda: events(host, "gpu-quarantined"))[0]
    assert event["subject"] == f"gpu/{L40S_1}"
    for name in ("v1", "v2", "v3", "a1", "a2", "a3", f"cleave gpu recover {L40S_1}"):
        assert name in event["message"], event
    assert "v4" not in event["message"]
    assert gpu(host, L40S_1)["quarantine"]["kind"] in ("xid", "lost")
    # Nothing else was touched.
    assert running(host) == ["v1", "v2", "v3", "v4", "v5"]
    assert {b: g for b, g in host.gpus().items() if b != L40S_1} == \
        {b: g for b, g in before.items() if b != L40S_1}
    assert [c["state"] for c in host.api.get("/v1/claims")["claims"]] == ["bound"] * 5
    assert gpu(host, L40S_2)["quarantine"] is None
    # Nothing new goes there, and it says why.
    done = host.cleave.run("claim", "create", "new", "--type", "L40S-8Q", "--gpu", L40S_1)
    assert done.returncode == 5 and "is quarantined" in done.stderr
    assert f"cleave gpu recover {L40S_1}" in done.stderr
    host.create("new", type="L40S-8Q")
    assert host.api.get("/v1/claims/new")["assigned"]["gpu"] == L40S_2
    # Its VMs don't start again, and say why.
    host.virsh("destroy", "v1")
    done = host.cleave.run("vm", "start", "v1")
    assert done.returncode == 11 and "is quarantined" in done.stderr, done.stderr
    shown = host.cleave.run("gpu", "show", L40S_1).stdout
    assert "Quarantined:" in shown and "claim a2 of VM v2" in shown
    # All of it outlives the daemon.
    host.kill()
    host.start("--observe-period", "1")
    assert gpu(host, L40S_1)["quarantine"] is not None
    assert len(events(host, "gpu-quarantined")) == 1


@pytest.mark.parametrize("xid,condemned,says", [
    (31, False, "GPU memory page fault"), (94, False, "contained memory error"),
    (95, True, "uncontained memory error"), (119, True, "GSP RPC timeout"),
    (79, True, "GPU has fallen off the bus")])
def test_an_xid_is_reported_and_condemns_the_gpu_if_the_catalog_says_so(host, xid, condemned, says):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    start_watched(host, "v1")
    fault(host, f"device={L40S_1}", f"xid={xid}")
    event = wait_for(lambda: events(host, "gpu-xid"))[0]
    assert f"Xid {xid} ({says})" in event["message"] and "VMs: v1; claims: a" in event["message"]
    if condemned:
        wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    assert (gpu(host, L40S_1)["quarantine"] is not None) == condemned
    assert running(host) == ["v1"]


def test_a_storm_of_xids_does_not_fill_the_store(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    start_watched(host, "v1")
    for _ in range(30):
        fault(host, f"device={L40S_1}", "xid=31")
    fault(host, f"device={L40S_1}", "xid=94")  # is heard after all of them
    wait_for(lambda: any("Xid 94" in event["message"] for event in events(host, "gpu-xid")))
    assert len(events(host, "gpu-xid")) == 2


def test_the_watch_holds_up_neither_sriov_manage_nor_a_driver_reload(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    start_watched(host, "v1")
    # cleaved's own steps on another GPU: the watch makes room.
    host.create("b", type="L40S-8Q", gpu=L40S_2)
    host.create("c", mode="passthrough", gpu=A100)
    host.delete("c")
    # Someone else's tools, once no VM runs.
    host.virsh("destroy", "v1")
    for name in ("a", "b"):
        host.delete(name)
    wait_for(lambda: host.run("/usr/lib/nvidia/sriov-manage", "-d", L40S_1,
                              check=False).returncode == 0, 5)
    wait_for(lambda: host.run("/run/cleave-sim/bin/cleave-sim", "ctl", "driver-reload",
                              check=False).returncode == 0, 5)
    # The driver came back: reports come again.
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    start_watched(host, "v1")
    fault(host, f"device={L40S_1}", "xid=31")
    wait_for(lambda: events(host, "gpu-xid"))


def test_a_stuck_function_is_set_aside_and_the_gpu_goes_on(host):
    got = host.create("a", type="L40S-8Q", gpu=L40S_1)["assigned"]
    fault(host, "at=nvidia/current_vgpu_type", f"device={got['device']}", "access=write",
          "errno=EIO")
    done = host.cleave.run("claim", "delete", "a")
    assert done.returncode != 0
    event = wait_for(lambda: events(host, "vf-stuck"))[0]
    assert got["device"] in event["message"]
    shown = gpu(host, L40S_1)
    assert [vf["address"] for vf in shown["stuckVirtualFunctions"]] == [got["device"]]
    assert shown["quarantine"] is None
    other = host.create("b", type="L40S-8Q", gpu=L40S_1)["assigned"]
    assert other["device"] != got["device"]
    assert f"{got['device']} is stuck" in host.cleave.run("gpu", "show", L40S_1).stdout


@pytest.mark.quick("gpu")
def test_a_cordoned_gpu_keeps_what_it_has_and_gets_nothing_new(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1)
    dry = host.cleave.run("gpu", "cordon", L40S_1, "--dry-run")
    assert "would be cordoned" in dry.stdout and gpu(host, L40S_1)["cordoned"] is None
    done = host.cleave.run("gpu", "cordon", L40S_1, "--reason", "fan noise")
    assert done.returncode == 0, done.stderr
    assert "cordoned" in host.cleave.run("gpu", "list").stdout
    host.kill()
    host.start()
    assert gpu(host, L40S_1)["cordoned"]["reason"] == "fan noise"
    done = host.cleave.run("claim", "create", "b", "--type", "L40S-8Q", "--gpu", L40S_1)
    assert done.returncode == 5 and "cordoned it: fan noise" in done.stderr
    assert host.create("c", type="L40S-8Q")["assigned"]["gpu"] == L40S_2
    assert host.api.get("/v1/claims/a")["state"] == "bound"
    assert host.cleave.run("gpu", "uncordon", L40S_1).returncode == 0
    assert host.create("b", type="L40S-8Q", gpu=L40S_1)["assigned"]["gpu"] == L40S_1
    assert host.problems() == []


def devices(host):
    return {c["name"]: c["assigned"]["mdevUuid"] or c["assigned"]["device"]
            for c in host.api.get("/v1/claims")["claims"]}


def test_a_gpu_is_recovered_once_its_vms_are_off_and_gives_its_claims_back(host):
    for n in (1, 2):
        host.create(f"a{n}", type="L40S-8Q", gpu=L40S_1, vm=f"v{n}")
    host.create("b", type="L40S-8Q", gpu=L40S_2, vm="v4")
    start_watched(host, "v4")
    start_watched(host, "v1")
    before = devices(host)
    other = host.gpus()[L40S_2]
    fault(host, f"device={L40S_1}", "xid=119", "wedged=true")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 6 and "VMs run with it: v1" in done.stderr, done.stderr
    host.virsh("destroy", "v1")
    dry = host.cleave.run("gpu", "recover", L40S_1, "--dry-run")
    assert dry.returncode == 0 and "reset the GPU" in dry.stdout, dry.stderr
    assert f"create vGPU L40S-8Q on {before['a1']}" in dry.stdout
    assert gpu(host, L40S_1)["quarantine"] is not None
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 0, done.stderr
    assert gpu(host, L40S_1)["quarantine"] is None and events(host, "gpu-recovered")
    assert devices(host) == before
    start(host, "v1", "v2")
    assert running(host) == ["v1", "v2", "v4"]
    assert host.gpus()[L40S_2] == other
    assert host.problems() == []


def test_a_reset_that_fails_leaves_the_quarantine_and_a_later_one_ends_it(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    start_watched(host, "v1")
    fault(host, f"device={L40S_1}", "xid=119", "wedged=true")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    host.virsh("destroy", "v1")
    fault(host, "at=reset", f"device={L40S_1}", "errno=EIO")
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 8, done.stderr
    shown = gpu(host, L40S_1)
    assert shown["quarantine"]["kind"] == "reset-failed"
    assert "Xid 119" in shown["quarantine"]["reason"]
    assert "reboot the host" in events(host, "gpu-recover-failed")[0]["message"]
    assert shown["driver"] == "nvidia", "it is no worse than before"
    host.ctl("fault", "clear")
    assert host.cleave.run("gpu", "recover", L40S_1).returncode == 0
    start(host, "v1")
    assert [one for one in host.problems() if "gpu recover" not in one] == []


def test_a_gpu_that_fell_off_the_bus_is_looked_for_again(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.create("m", type="DC-1-8C", gpu=RTX, vm="v2")
    for bdf, names in ((L40S_1, ("v1",)), (RTX, ("v2",))):
        fault(host, f"device={bdf}", "lost=rescan")
        wait_for(lambda bdf=bdf: gpu(host, bdf)["quarantine"])
        dry = host.cleave.run("gpu", "recover", bdf, "--dry-run")
        assert "remove the GPU from the bus" in dry.stdout, dry.stderr
        assert "Not checked: whether the GPU comes back empty" in dry.stdout
        done = host.cleave.run("gpu", "recover", bdf)
        assert done.returncode == 0, done.stderr
        assert gpu(host, bdf)["quarantine"] is None
        start(host, *names)
    assert host.problems() == []


def test_a_passed_through_gpu_is_recovered_too(host):
    """Its guest's driver has it, so only the configuration space tells."""
    host.create("p", mode="passthrough", gpu=A100, vm="v1")
    start(host, "v1")
    fault(host, f"device={A100}", "lost=rescan")
    wait_for(lambda: gpu(host, A100)["quarantine"])
    assert "VMs: v1; claims: p" in events(host, "gpu-quarantined")[0]["message"]
    done = host.cleave.run("gpu", "recover", A100)
    assert done.returncode == 6 and "v1" in done.stderr, done.stderr
    host.virsh("destroy", "v1")
    done = host.cleave.run("gpu", "recover", A100)
    assert done.returncode == 0, done.stderr
    assert gpu(host, A100)["driver"] == "vfio-pci"
    start(host, "v1")
    assert host.problems() == []


def test_a_dead_gpu_stays_quarantined_until_the_reboot(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    fault(host, f"device={L40S_1}", "lost=true")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 8 and "did not come back" in done.stderr, done.stderr
    assert "reboot the host" in events(host, "gpu-recover-failed")[0]["message"]
    host.stop()
    host.ctl("reboot")
    host.start("--observe-period", "1")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"] is None)
    assert "rebooted" in events(host, "gpu-recovered")[0]["message"]
    wait_for(lambda: host.cleave.run("vm", "start", "v1").returncode == 0, 60)


@pytest.mark.parametrize("how", ["vgpu", "passthrough"])
def test_a_board_that_was_off_the_bus_gets_all_back_or_the_recovery_fails(host, how):
    """Nothing could be planned for it before it was there again."""
    if how == "vgpu":
        host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
        host.create("b", type="L40S-8Q", gpu=L40S_1)
    else:
        host.create("a", mode="passthrough", gpu=L40S_1, vm="v1")
    before = devices(host)
    called = [gpu(host, L40S_1)[key] for key in ("name", "model")]
    host.ctl("set", L40S_1, "lost", "1")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    assert [gpu(host, L40S_1)[key] for key in ("name", "model")] == called
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 8, done.stderr
    assert L40S_1 in host.api.get("/v1/claims/a")["problem"]
    dry = host.cleave.run("gpu", "recover", L40S_1, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    claims = "a, b" if how == "vgpu" else "a"
    assert f"which steps restore the devices of these claims: {claims}; " in dry.stdout
    host.ctl("set", L40S_1, "lost", "0")
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 0, done.stderr
    assert gpu(host, L40S_1)["quarantine"] is None
    assert devices(host) == before
    assert host.api.get("/v1/claims/a")["problem"] is None
    assert host.problems() == []
    start(host, "v1")


def test_a_recovery_that_does_not_bring_all_back_fails_and_says_so(host):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.ctl("set", L40S_1, "lost", "1")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    assert host.cleave.run("gpu", "recover", L40S_1).returncode == 8
    host.ctl("set", L40S_1, "lost", "0")
    fault(host, "at=nvidia/current_vgpu_type", "access=write", "errno=EIO")
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 8, done.stdout
    assert gpu(host, L40S_1)["quarantine"] is not None
    assert "is missing" in host.api.get("/v1/claims/a")["problem"]
    host.ctl("fault", "clear")
    assert host.cleave.run("gpu", "recover", L40S_1).returncode == 0
    assert host.api.get("/v1/claims/a")["problem"] is None
    assert host.problems() == []


def test_a_gpu_without_a_reset_is_refused_before_anything_happens(host):
    host.ctl("set", L40S_1, "no_reset", "1")
    host.ctl("set", L40S_1, "wedged", "1")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 7 and "no reset" in done.stderr and "reboot" in done.stderr


def test_a_gpu_that_is_well_is_not_reset(host):
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 4 and "not quarantined" in done.stderr


def test_a_stuck_function_is_free_again_after_a_recovery(host):
    got = host.create("a", type="L40S-8Q", gpu=L40S_1)["assigned"]
    fault(host, "at=nvidia/current_vgpu_type", f"device={got['device']}", "access=write",
          "errno=EIO")
    assert host.cleave.run("claim", "delete", "a").returncode != 0
    wait_for(lambda: gpu(host, L40S_1)["stuckVirtualFunctions"])
    host.ctl("fault", "clear")
    done = host.cleave.run("gpu", "recover", L40S_1)
    assert done.returncode == 0, done.stderr
    assert gpu(host, L40S_1)["stuckVirtualFunctions"] == []
    assert host.problems() == []


@pytest.mark.parametrize("point", range(1, 9))
def test_a_recovery_survives_the_end_of_cleaved_at_any_point(host, point):
    host.create("a", type="L40S-8Q", gpu=L40S_1, vm="v1")
    host.ctl("set", L40S_1, "wedged", "1")
    wait_for(lambda: gpu(host, L40S_1)["quarantine"])
    host.stop()
    host.start(die_after=point)
    host.cleave.run("gpu", "recover", L40S_1)
    host.settle()
    if not host.lives():
        host.start()
        assert host.settle()
    if gpu(host, L40S_1)["quarantine"] is not None:  # it died before the plan was stored
        assert host.cleave.run("gpu", "recover", L40S_1).returncode == 0
    assert gpu(host, L40S_1)["quarantine"] is None
    assert host.problems() == []
