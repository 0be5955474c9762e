# SPDX-License-Identifier: Apache-2.0
"""What an older cleaved left is taken over: its store, the devices that it made, VMs that run with them."""
import json
import os

import pytest

from harness import BUILD, ROOT, wait_for, with_libvirt
from lifecycle import emulator, events, garbage, hook_options, wait_restored
from machine import Machine
from older import BROKEN, OLDER, RUNNING, STORES, VMS, Older, documents, dump, load, read_domains, write_domains
from pair import Pair

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]
LEFT = [STORES / name for name in ("schema-2", "schema-4")]
WRITTEN = LEFT[-1]  # by CLEAVE_GOLDEN=write
each_store = pytest.mark.parametrize("store", LEFT, ids=lambda store: store.name)
USUAL = ("--observe-period", "1")


def become(machine, build, root):
    """cleaved, cleave and libvirt's hook are of that tree from its next start on."""
    machine.become(build, root)
    hook_options(machine.directory, build=build, root=root)


def looked_again(machine):
    """cleaved has seen host and VMs, twice."""
    for _ in range(2):
        seen = machine.api.get("/v1/health")["observedAt"]
        wait_for(lambda: machine.api.get("/v1/health")["observedAt"] != seen)


def untouched(machine):
    """What a takeover may not change: processes, devices."""
    return ({vm: emulator(machine, vm) for vm in RUNNING}, machine.gpus(),
            {vm: machine.stored_devices(vm) for vm in VMS})


def check_taken_over(machine, path, before):
    """Today's cleaved runs on that store, and nothing was touched. before: untouched(), then."""
    left = documents(path)
    left["claim"]["lost"].pop("problem")
    looked_again(machine)
    assert untouched(machine) == before
    claims = {c["name"]: c for c in machine.api.get("/v1/claims")["claims"]}
    assert BROKEN in claims["lost"].pop("problem")  # as it is shown, not as it is stored
    for name, old in left["claim"].items():
        assert claims[name] == {**claims[name], **old}, name
    assert claims.keys() == left["claim"].keys()
    assert {p["id"]: p["state"] for p in machine.api.get("/v1/plans")["plans"]} == \
        {name: plan["state"] for name, plan in left["plan"].items()}
    assert garbage(machine)[0] == []
    assert machine.api.get(f"/v1/gpus/{BROKEN}")["quarantine"]["kind"] == left["gpu"][
        "GPU-aaaaaaaa-0000-0000-0000-0000000000e1"]["quarantine"]["kind"]
    new = machine.api.get(f"/v1/events?after={left['event'][-1][0]}")["events"]
    assert [e for e in new if e["kind"] not in ("cleaved-started",)] == []


def define_vms(machine, store):
    for text in read_domains(store / "running.xml").values():
        machine.virsh("define", "/dev/stdin", input=text)


def same_driver(path):
    """What to replace so that NVIDIA's driver counts as not loaded again since then."""
    load = documents(path)["host"]["boot"]["driverLoad"]
    return {f'"driverLoad":{load}': '"driverLoad":0'}


def same_devices(path):
    """What to replace so that the devices of that boot count as those that cleave made."""
    return {f'"birth":{made["birth"]},': "" for made in documents(path).get("made", {}).values() if made.get("birth")}


def check_works(machine):
    """What was taken over is cleaved's own."""
    machine.virsh("destroy", "w2")
    wait_for(lambda: machine.api.get("/v1/claims/drawn")["state"] == "pending")
    for name in ("w2", "w3", "w6"):
        done = machine.cleave.run("vm", "start", name)
        assert done.returncode == 0, done.stderr
    machine.virsh("destroy", "w4")
    for claim in ("whole", "bare", "mixed1"):
        machine.delete(claim)
    assert garbage(machine)[0] == []


@each_store
def test_a_store_and_a_running_host_of_an_older_cleaved_are_taken_over(directory, openapi, store):
    """First on a host that was rebooted, where it brings all devices back, then on one where VMs run."""
    machine = Machine(directory, store / "host.yaml", openapi, options=hook_options(directory))
    try:
        load(store / "running.sql", machine.state_dir)
        machine.start(*USUAL)
        wait_restored(machine)
        define_vms(machine, store)
        done = machine.cleave.run("vm", "start", *RUNNING)
        assert done.returncode == 0, done.stderr
        machine.ctl("set", BROKEN, "lost", "1")
        machine.stop()
        boot = documents(store / "running.sql")["host"]["boot"]["bootId"]
        now = machine.sh("cat /proc/sys/kernel/random/boot_id").strip()
        load(store / "running.sql", machine.state_dir,
             {boot: now, **same_driver(store / "running.sql"), **same_devices(store / "running.sql")})
        before = untouched(machine)
        machine.start(*USUAL)
        check_taken_over(machine, store / "running.sql", before)
        check_works(machine)
    finally:
        machine.end()


@each_store
def test_what_an_older_cleaved_was_about_when_it_was_killed_is_ended(machine, directory, store):
    """Its host was rebooted since, and its peer does not answer: a person says where the VM is."""
    left = documents(store / "interrupted.sql")
    one = machine(store / "host.yaml", options=hook_options(directory))
    load(store / "interrupted.sql", one.state_dir)
    define_vms(one, store)
    one.start(*USUAL)
    wait_for(lambda: [gpu["problem"] for gpu in one.api.get("/v1/host/restore")["gpus"] if gpu["state"] != "restored"
                      and "is leaving with it" in (gpu["problem"] or "")])
    (ident,) = [key[4:] for key, record in left["migration"].items() if record["state"] == "preparing"]
    done = one.cleave.run("migration", "resolve", ident, "--source")
    assert done.returncode == 0, done.stderr
    wait_restored(one)
    assert one.settle()
    plans = {plan["id"]: plan["state"] for plan in one.api.get("/v1/plans")["plans"]}
    assert plans == {**plans, **{name: plan["state"] for name, plan in left["plan"].items()
                                 if plan["state"] != "running"}}
    assert all(m["finishedAt"] for m in one.api.get("/v1/migrations")["migrations"])
    assert one.api.get("/v1/drain")["drain"]["state"] == "incomplete"
    claims = {c["name"]: c["state"] for c in one.api.get("/v1/claims")["claims"]}
    assert claims == {**{name: claim["state"] for name, claim in left["claim"].items()},
                      "late": "bound", "drawn": "pending"}
    assert garbage(one)[0] == []


@pytest.mark.skipif(OLDER is None, reason="needs a build of an older tree (CLEAVE_OLDER_BUILD)")
def test_from_an_older_program_to_todays(directory, openapi):
    """CLEAVE_GOLDEN=write keeps what it left as the newest of test/stores."""
    write = os.environ.get("CLEAVE_GOLDEN") == "write"
    pair = Pair(directory, WRITTEN / "host.yaml", openapi)
    one = pair.alpha
    try:
        for machine in pair.machines:
            become(machine, OLDER, OLDER.parent)
            machine.start(*USUAL)
        older = Older(pair, one)
        older.furnish()
        for machine in pair.machines:
            machine.stop()
        path = WRITTEN / "running.sql" if write else directory / "running.sql"
        dump(one.state_dir, path)
        if write:
            write_domains(one, WRITTEN / "running.xml")
            for machine in pair.machines:
                machine.start(*USUAL)
            older.interrupt()
            dump(one.state_dir, WRITTEN / "interrupted.sql")
            return
        before = untouched(one)
        become(one, BUILD, ROOT)
        one.start(*USUAL)
        check_taken_over(one, path, before)
        check_works(one)
    finally:
        pair.end()
