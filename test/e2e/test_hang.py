# SPDX-License-Identifier: Apache-2.0
"""Whatever hangs below it, cleaved answers, says what hangs, and ends when asked to."""
import grp
import json
import os
import pwd
import signal
import subprocess
import sys
import time

import pytest

from harness import BUILD, Api, wait_for

READS = ("health", "host", "gpus", "gpus/0", "vms", "profiles", "claims", "plans", "events", "gc",
         "host/restore", "drain", "migrations")


@pytest.fixture(autouse=True)
def what_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(Api, "waits", False)


def ask_all(machine, limit_s=8):
    """Every read within the limit; the answers by name. None where it is refused."""
    answers = {}
    for name in READS:
        began = time.monotonic()
        status, body, _ = machine.api.call("GET", f"/v1/{name}")
        assert time.monotonic() - began < limit_s, name
        answers[name] = body if status == 200 else None
    return answers


def end(machine, limit_s=10):
    began = time.monotonic()
    machine.stop()
    assert time.monotonic() - began < limit_s
    assert not machine.socket.exists()


def test_nvml_hangs(machine):
    host = machine("demo", libvirt=False)
    host.start()
    seen = ask_all(host)
    assert seen["gpus"]["late"] is None and seen["health"]["status"] == "ok"
    host.ctl("fault", "add", "at=nvmlDeviceGet*", "hang=true")
    late = ask_all(host)
    assert "NVML has not answered since" in late["gpus"]["late"]
    assert [gpu["address"] for gpu in late["gpus"]["gpus"]] == [gpu["address"] for gpu in seen["gpus"]["gpus"]]
    health = host.api.get("/v1/health")
    assert health["status"] == "degraded" and health["problems"][0]["what"] == "NVML"
    shown = host.cleave.run("gpu", "list")
    assert shown.returncode == 0 and "NVML has not answered since" in shown.stderr
    tried = host.cleave.run("claim", "create", "a", "--type", "L40S-8Q")
    assert tried.returncode != 0 and "waiting: NVML has not answered since" in tried.waited
    end(host)


def test_sysfs_hangs(machine):
    host = machine("demo", libvirt=False)
    host.start()
    ask_all(host)
    seen = host.api.get("/v1/health")
    assert seen["status"] == "ok" and seen["observedAt"] is not None
    host.ctl("fault", "add", "at=sriov_numvfs", "hang=true")
    assert "sysfs" in host.api.get("/v1/gpus")["late"]  # and from then on at once
    health = host.api.get("/v1/health")
    assert health["status"] == "degraded" and health["problems"][0]["what"] == "sysfs", health
    assert health["observedAt"] == host.api.get("/v1/gpus")["observedAt"]
    host.ctl("fault", "clear")
    wait_for(lambda: host.api.get("/v1/health")["status"] == "ok", 30)
    end(host)


def test_nvml_comes_back(machine):
    host = machine("demo", libvirt=False)
    host.start()
    ask_all(host)
    host.ctl("fault", "add", "at=nvmlDeviceGet*", "hang=true")
    assert host.api.get("/v1/gpus")["late"] is not None
    host.ctl("fault", "clear")
    wait_for(lambda: host.api.get("/v1/gpus")["late"] is None, 30)
    assert host.create("a", type="L40S-8Q")["state"] == "bound"


def test_a_write_to_the_kernel_hangs(machine):
    host = machine("demo", libvirt=False)
    host.start()
    host.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", "hang=true")
    status, change, _ = host.api.call("POST", "/v1/claims", {"name": "a", "type": "L40S-8Q"})
    assert status == 202, change
    wait_for(lambda: any(step["state"] == "running" and step["kind"] == "vgpu-create"
                         for step in host.api.get(f"/v1/plans/{change['plan']['id']}")["steps"]), 30)
    late = ask_all(host, limit_s=2)
    assert late["gpus"]["late"] is None  # who looks does not wait for who changes
    assert late["health"]["turn"]["plan"] == change["plan"]["id"]
    waits = subprocess.Popen([host.cleave.path, "--socket", host.socket, "gpu", "mode", "1", "idle"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert f"waiting for plan {change['plan']['id'][:8]}" in waits.stderr.readline()
    end(host)
    waits.communicate(timeout=30)
    host.ctl("fault", "clear")
    host.start()  # goes on from its journal
    assert host.api.wait_plan(change)["state"] == "done"
    assert host.api.get("/v1/claims/a")["state"] == "bound"


def test_an_interrupted_plan_goes_on_and_is_cancelled(machine):
    host = machine("demo", libvirt=False)
    host.start()
    host.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", "hang=true")
    cli = subprocess.Popen([host.cleave.path, "--socket", host.socket, "claim", "create", "a", "--type", "L40S-8Q"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: any(step["state"] == "running" and step["kind"] == "vgpu-create"
                         for plan in host.api.get("/v1/plans")["plans"] for step in plan["steps"]), 30)
    cli.send_signal(signal.SIGINT)
    _, said = cli.communicate(timeout=30)
    plan = host.api.get("/v1/plans")["plans"][0]["id"]
    assert cli.returncode == 130 and f"`cleave plan cancel {plan}`" in said, said
    would = host.cleave.run("plan", "cancel", plan, "--dry-run")
    assert "delete vGPU" in would.stdout and "disable virtual functions" in would.stdout
    assert host.cleave.run("plan", "cancel", plan).returncode == 0
    host.ctl("fault", "clear")
    wait_for(lambda: host.api.get(f"/v1/plans/{plan}")["state"] == "cancelled", 30)
    assert not host.api.get("/v1/claims")["claims"] and not host.problems()
    assert host.cleave.run("plan", "cancel", plan).returncode == 4


def libvirt_pids(machine):
    return machine.run("pgrep", "-x", "libvirtd").stdout.split()


def test_libvirt_stops_in_a_plan(machine):
    host = machine("demo")
    host.define("v2")
    host.start()
    host.api.get("/v1/vms")
    host.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", "delay_ms=1500", "count=1")
    status, change, _ = host.api.call("POST", "/v1/claims", {"name": "g1", "type": "L40S-8Q", "vm": "v2"})
    assert status == 202, change
    plan = f"/v1/plans/{change['plan']['id']}"
    pids = libvirt_pids(host)
    host.run("kill", "-STOP", *pids)
    wait_for(lambda: (host.api.get(plan)["problem"] or "").startswith("waits: libvirt has not answered"), 30)
    status, other, _ = host.api.call("POST", "/v1/claims", {"name": "g2", "type": "DC-1-8C"})
    assert status == 202, other
    assert host.api.wait_plan(other)["state"] == "done"
    assert host.api.call("DELETE", "/v1/claims/g2?dryRun=true")[0] == 200
    late = ask_all(host)
    assert late["health"]["status"] == "degraded"
    assert late["vms"]["late"] is not None and [vm["name"] for vm in late["vms"]["vms"]] == ["v2"]
    end(host)
    host.start()  # with libvirt still stopped
    assert host.api.get("/v1/claims/g1")["state"] == "binding"
    host.delete("g2")
    host.run("kill", "-CONT", *pids)
    assert host.api.wait_plan({"plan": host.api.get(plan)})["state"] == "done"
    assert host.api.get("/v1/claims/g1")["state"] == "bound"


def test_vms_start_and_stop_while_other_things_hang(machine, directory):
    """The start of one VM hangs in its hook, then the driver hangs, too."""
    held = directory / "held"
    hook = directory / "hold"
    hook.write_text("#!/bin/sh\n"
                    f"[ \"$1 $2\" = 'v1 start' ] && while [ -e {held} ]; do sleep 0.1; done\nexit 0\n")
    hook.chmod(0o755)
    host = machine("demo", options=["--hook", hook])
    host.define("v1", "v2")
    host.start()
    host.create("a", type="L40S-8Q", vm="v1")
    held.write_text("")
    start = subprocess.Popen([host.cleave.path, "--socket", host.socket, "vm", "start", "v1"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: any(vm["name"] == "v1" and vm["state"] == "running"
                         for vm in host.api.get("/v1/vms")["vms"]), 30)
    assert host.create("b", type="L40S-8Q")["state"] == "bound"
    status, problem, _ = host.api.call("DELETE", "/v1/claims/a")
    assert (status, problem["reason"]) == (409, "in-use"), problem
    status, problem, _ = host.api.call("POST", "/v1/vms/v1/start")
    assert (status, problem["reason"]) == (409, "conflict") and "being started" in problem["detail"]
    done = host.cleave.run("vm", "start", "v2")
    assert done.returncode == 0, done.stderr
    assert start.poll() is None
    host.ctl("fault", "add", "at=nvmlDeviceGet*", "hang=true")
    assert host.api.get("/v1/gpus")["late"] is not None
    began = time.monotonic()
    done = host.cleave.run("vm", "stop", "--now", "v2")
    assert done.returncode == 0 and time.monotonic() - began < 5, done.stderr
    began = time.monotonic()
    done = host.cleave.run("vm", "stop", "--now", "v1")  # the script has it locked in libvirt
    assert done.returncode == 11 and time.monotonic() - began < 20, done.stderr
    assert "is being started; nothing was done" in done.stderr and "hooks/qemu" in done.stderr
    held.unlink()
    assert start.wait(60) == 0, start.stdout.read()
    done = host.cleave.run("vm", "stop", "--now", "v1")
    assert done.returncode == 0, done.stderr
    host.ctl("fault", "clear")
    host.delete("a")


def test_the_state_directory_is_lost(machine):
    host = machine("demo", libvirt=False)
    host.start()
    host.create("a", type="L40S-8Q")
    lost = host.directory / "lost"
    host.state_dir.rename(lost)
    status, problem, _ = host.api.call("POST", "/v1/claims", {"name": "b", "type": "L40S-8Q"})
    assert status == 503 and "removed or replaced" in problem["detail"]
    host.state_dir.mkdir()
    second = host.run(BUILD / "src/daemon/cleaved", "--socket", host.directory / "s2", "--state-dir",
                      host.state_dir, check=False)
    assert second.returncode == 4 and "another cleaved uses" in second.stderr
    host.state_dir.rmdir()
    lost.rename(host.state_dir)
    host.create("b", type="L40S-8Q")
    host.stop()
    (host.state_dir / "cleave.db").rename(host.directory / "kept.db")
    host.start(wait=False)
    assert host.cleaved.wait(timeout=20) == 4
    assert "its claims would be lost" in host.log.read_text()
    (host.directory / "kept.db").rename(host.state_dir / "cleave.db")
    host.start()
    assert {claim["name"] for claim in host.api.get("/v1/claims")["claims"]} == {"a", "b"}


def hook(host, xml):
    """What libvirt runs before a VM starts."""
    config = host.directory / "hook.yaml"
    config.write_text(f"socket: {host.socket}\n")
    return subprocess.run([BUILD / "src/cli/cleave", "hook", "qemu", "v", "prepare", "begin", "-"], input=xml,
                          env={"CLEAVE_HOOK_CONFIG": str(config)}, capture_output=True, text=True, timeout=60)


def refuses_changes(host):
    """Those that came when the disk had just begun to hang wait for it; a dry run changes nothing even then."""
    try:
        asked = subprocess.run([host.cleave.path, "--socket", host.socket, "claim", "create", "c", "--type",
                                "L40S-8Q", "--dry-run"], capture_output=True, text=True, timeout=3)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 11 and "the disk of the state directory has not answered since" in asked.stderr


def test_the_disk_of_the_state_directory_hangs(machine):
    host = machine("demo", libvirt=False)
    hung = host.directory / "hung"
    host.start(wrap=("env", f"LD_PRELOAD={BUILD / 'test/e2e/hang.so'}", f"HANG={hung}"))
    host.create("a", type="L40S-8Q")
    hung.touch()
    waits = subprocess.Popen([host.cleave.path, "--socket", host.socket, "claim", "create", "b", "--type",
                              "L40S-8Q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = ""
    while "state directory does not answer" not in said:  # by who waits for the change that hangs
        said = waits.stderr.readline()
        assert said != ""
    wait_for(lambda: refuses_changes(host), 30)
    for _ in range(20):
        began = time.monotonic()
        status, health, _ = host.api.call("GET", "/v1/health")
        assert status == 200 and health["status"] == "degraded", health
        assert health["problems"][0]["what"] == "store", health
        assert refuses_changes(host)
        assert [claim["name"] for claim in host.api.get("/v1/claims")["claims"]] == ["a"]
        assert time.monotonic() - began < 15
    shown = host.cleave.run("claim", "list")
    assert shown.returncode == 0 and "L40S-8Q" in shown.stdout
    assert hook(host, "<domain type='kvm'><name>v</name></domain>").returncode == 0  # nothing of cleave
    hung.unlink()
    out, _ = waits.communicate(timeout=60)
    assert waits.returncode == 0, out
    wait_for(lambda: host.api.call("GET", "/v1/health")[0] == 200, 30)
    assert {claim["name"]: claim["state"] for claim in host.api.get("/v1/claims")["claims"]} == {
        "a": "bound", "b": "bound"}
    end(host)


def test_the_disk_hangs_at_the_start(machine):
    """It says so before the state is read, ends when it is asked to, and goes on when the disk answers."""
    host = machine("demo", libvirt=False)
    hung = host.directory / "hung"
    hung.touch()
    wrap = ("env", f"LD_PRELOAD={BUILD / 'test/e2e/hang.so'}", f"HANG={hung}")
    for ends in (True, False):
        host.start(wrap=wrap)
        status, health, _ = host.api.call("GET", "/v1/health")
        assert status == 503 and health["problems"][0]["what"] == "store", health
        assert f"opening the state in {host.state_dir}" in health["problems"][0]["text"]
        shown = host.cleave.run("claim", "list")
        assert shown.returncode == 11 and "has been opening the state" in shown.stderr
        assert "hint: " in shown.stderr
        if ends:
            began = time.monotonic()
            host.signal(signal.SIGTERM)
            assert host.cleaved.wait(timeout=20) == 0
            assert time.monotonic() - began < 6, host.log.read_text()
    hung.unlink()
    wait_for(lambda: host.api.call("GET", "/v1/health")[0] == 200, 30)
    host.create("a", type="L40S-8Q")
    end(host)


def test_the_disk_of_the_log_hangs(machine):
    host = machine("demo", libvirt=False)
    hung = host.directory / "hung"
    hung.touch()
    host.start(wrap=("env", f"LD_PRELOAD={BUILD / 'test/e2e/hang.so'}", f"HANG_LOG={hung}"))
    host.create("a", type="L40S-8Q")
    assert host.log.read_text() == ""
    hung.unlink()
    wait_for(lambda: "ready on" in host.log.read_text(), 30)
    end(host)
    assert "stopping" in host.log.read_text()


def test_it_ends_while_its_disk_hangs(machine):
    """At any moment: in the midst of a commit, and when the end itself writes to the disk."""
    host = machine("demo", libvirt=False)
    hung = host.directory / "hung"
    wrap = ("env", f"LD_PRELOAD={BUILD / 'test/e2e/hang.so'}", f"HANG={hung}")
    for commits in (True, False):
        host.start(wrap=wrap)
        name = "x" if commits else "y"
        assert host.create("kept" + name, type="L40S-8Q")["state"] == "bound"
        hung.touch()
        asks = None
        if commits:
            asks = subprocess.Popen([host.cleave.path, "--socket", host.socket, "claim", "create", name, "--type",
                                     "L40S-8Q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            assert "waiting for a change of x" in asks.stderr.readline()
        began = time.monotonic()
        host.signal(signal.SIGTERM)
        assert host.cleaved.wait(timeout=20) == 0
        assert time.monotonic() - began < 6, host.log.read_text()
        if asks is not None:
            asks.communicate(timeout=60)
            assert asks.returncode == 11
        hung.unlink()
    host.start()
    states = {claim["name"]: claim["state"] for claim in host.api.get("/v1/claims")["claims"]}
    assert states["keptx"] == states["kepty"] == "bound"
    end(host)


def ask_as(host, uid, method, target, body=None):
    """The answer that a user gets who is not root and is in the socket's group."""
    script = """
import http.client, socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
client = http.client.HTTPConnection("cleaved")
client.sock = sock
client.request(sys.argv[2], sys.argv[3], sys.argv[4] or None, {"Content-Type": "application/json"})
answer = client.getresponse()
print(answer.status, answer.read().decode())
"""
    return subprocess.Popen(["setpriv", f"--reuid={uid}", "--regid=0", "--clear-groups", sys.executable, "-c", script,
                             host.socket, method, target, json.dumps(body) if body else ""],
                            stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket to another group")
def test_a_name_service_hangs_at_the_start(machine):
    """The socket is its owner's until it is known which group it is for."""
    host = machine("demo", libvirt=False)
    hung = host.directory / "hung"
    hung.touch()
    group = next(entry for entry in grp.getgrall() if entry.gr_gid != 0)
    host.start("--socket-group", group.gr_name,
               wrap=("env", f"LD_PRELOAD={BUILD / 'test/e2e/hang.so'}", f"HANG_NAMES={hung}"))
    assert oct(host.socket.stat().st_mode & 0o777) == "0o600"
    host.create("a", type="L40S-8Q")
    hung.unlink()
    wait_for(lambda: host.socket.stat().st_gid == group.gr_gid and host.socket.stat().st_mode & 0o777 == 0o660, 30)
    end(host)


def test_a_name_service_hangs(machine):
    """Who asked is a number then; no request waits for a name more than a moment, and no other at all."""
    host = machine("demo", libvirt=False)
    hung = host.directory / "hung"
    for folder in (host.socket.parent, *host.socket.parent.parents):
        if folder.stat().st_mode & 0o077 == 0:
            folder.chmod(0o711)
    hung.touch()
    host.start(wrap=("env", f"LD_PRELOAD={BUILD / 'test/e2e/hang.so'}", f"HANG_NAMES={hung}"))
    asks = [ask_as(host, uid, "POST", "/v1/claims", {"name": f"u{uid}", "type": "L40S-4Q"}) for uid in (65534, 4242)]
    asks += [ask_as(host, 7000 + i, "GET", "/v1/claims") for i in range(3)]
    while any(one.poll() is None for one in asks):
        began = time.monotonic()
        host.api.get("/v1/health")
        assert time.monotonic() - began < 10
    assert [one.communicate()[0].split()[0] for one in asks] == ["202", "202", "200", "200", "200"]
    authors = {claim["name"]: claim["author"] for claim in host.api.get("/v1/claims")["claims"]}
    assert authors == {"u65534": "uid 65534", "u4242": "uid 4242"}
    hung.unlink()

    def name_of_later(n=iter(range(100))):
        name = f"later{next(n)}"
        ask_as(host, 65534, "POST", "/v1/claims", {"name": name, "type": "L40S-2Q"}).communicate()
        return host.api.get(f"/v1/claims/{name}")["author"]
    wait_for(lambda: name_of_later() == pwd.getpwuid(65534).pw_name, 30)
    hung.touch()
    ask_as(host, 4343, "GET", "/v1/claims").communicate()  # asked for, and hangs
    end(host)
