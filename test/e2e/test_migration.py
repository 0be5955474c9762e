# SPDX-License-Identifier: Apache-2.0
"""`cleave vm migrate`: a real VM with its vGPU moves between two simulated hosts, there and back, and
with every fault: it runs on exactly one of them, and the other has nothing of it."""
import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from harness import BUILD, LONG, tcp_port, with_libvirt
from lifecycle import events
from machine import START_LIBVIRT, Machine
from pair import OVER, Pair

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]


VFIO, MDEV = "l40s-x2", "a100-40gb-mdev"
TYPE = {"type": "L40S-8Q"}
CLAIMS = {
    "vendor-vfio": (VFIO, TYPE),
    "mdev": (MDEV, {"type": "A100-8C"}),
    "mig-backed": (MDEV, {"type": "A100-2-10C"}),
    "on-demand": (VFIO, {**TYPE, "hold": "on-demand"}),
}
OWN_NAME = socket.gethostname()  # leads to this host, as on any Debian
DIRTY_MIB, SLOW_MIB = 64, 4  # such a VM never arrives


@pytest.fixture
def pairs(directory, openapi):
    made = []

    def make(host, *options, start=True, **more):
        made.append(Pair(directory, host, openapi, **more))
        if start:
            made[-1].start(*options)
        return made[-1]

    yield make
    for one in made:
        one.end()


# ---- there and back ----

def estimate(pair, *options):
    done = pair.migrate("vm1", pair.alpha, "--dry-run", "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["migration"]["estimate"]


def test_the_estimate_knows_how_fast_the_guest_changes_its_memory(pairs, image):
    """It changes 8 MiB/s, or less where the machine is busy: a link with 64 gets ahead of that, one with
    1 never does. Each measurement may be of a second in which the guest hardly ran."""
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha, dirty_mib=8, type="L40S-8Q")

    def up_to_speed(mib):
        found = estimate(pair, "--bandwidth", str(mib))
        return found if (found["dirtyBytesPerSecond"] or 0) >= 2 << 20 else None

    fast, slow = (pair.wait_for("a guest that is up to speed", functools.partial(up_to_speed, mib),
                                timeout=60) for mib in (64, 1))
    assert fast["dirtyBytesPerSecond"] <= 16 << 20
    assert fast["known"] and fast["converges"] and fast["totalMs"] > 0
    assert not slow["converges"] and not slow["known"]
    assert slow["totalMs"] is None and slow["downtimeMs"] is None


@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=pytest.mark.quick("migration", "vm") if kind == "vendor-vfio" else ())
    for kind in CLAIMS
])
def test_a_vm_moves_there_and_back_with_its_vgpu(pairs, image, kind):
    host, claim = CLAIMS[kind]
    pair = pairs(host)
    pair.boot_claimed(image, "vm1", pair.alpha, **claim)
    before = {key: value for key, value in pair.alpha.api.get("/v1/claims/vm1").items()
              if key in ("name", "tenant", "mode", "type", "hold", "guest")}
    for source in pair.alpha, pair.beta:
        done = pair.migrate("vm1", source, "--bandwidth", "500")
        assert done.returncode == 0, done.stdout + done.stderr
        target = pair.other(source)
        pair.is_at("vm1", target)
        pair.goes_on("vm1")
        assert before.items() <= target.api.get("/v1/claims/vm1").items()
        print(done.stdout)
    assert len({tick[2] for tick in pair.ticks("vm1")}) == 1
    # It can be stopped and started where it is now.
    assert pair.alpha.cleave.run("vm", "stop", "--now", "vm1").returncode == 0
    assert pair.alpha.cleave.run("vm", "start", "vm1").returncode == 0
    assert pair.where("vm1") == [pair.alpha]


@LONG
def test_a_vm_without_claims_moves_too(pairs, image):
    pair = pairs(VFIO)
    pair.alpha.define_guest(image, "vm1")
    assert pair.alpha.cleave.run("vm", "start", "vm1").returncode == 0
    done = pair.migrate("vm1", pair.alpha)
    assert done.returncode == 0, done.stderr
    assert pair.where("vm1") == [pair.beta] and pair.alpha.names() == []


def test_the_target_is_reached_by_ssh_and_by_http(pairs, image, directory):
    """`ssh` here is a script that runs what it is given, as sshd on the target would."""
    tools = directory / "tools"
    tools.mkdir()
    ssh = tools / "ssh"
    ssh.write_text("#!/bin/sh\n"
                   f"echo \"$@\" >>{tools}/said\n"
                   "[ \"$1\" = -G ] && echo hostname 192.0.2.7 && exit 0\n"
                   "while [ \"$1\" != -- ]; do shift; done; shift 2\n"
                   f"[ \"$1 $2\" = 'cleave dial' ] && exec {BUILD}/src/cli/cleave dial --socket "
                   f"{directory}/beta/s\nexit 127\n")
    ssh.chmod(0o755)
    pair = pairs(VFIO, start=False)
    pair.alpha.env["PATH"] = f"{tools}:{os.environ['PATH']}"
    pair.alpha.start("--listen", "127.0.0.1:0")
    port = tcp_port(pair.alpha.log)
    pair.beta.start()
    pair.boot_claimed(image, "vm1", pair.alpha, **TYPE)
    for source, peer in ((pair.alpha, "ssh:root@beta:2222"),
                         (pair.beta, f"http://127.0.0.1:{port}")):
        done = source.cleave.run("vm", "migrate", "vm1", pair.uri(pair.other(source)), "--peer", peer,
                                 "--migrate-uri", pair.carrier())
        assert done.returncode == 0, done.stdout + done.stderr
        pair.is_at("vm1", pair.other(source))
    assert "-p 2222 -- root@beta cleave dial" in (tools / "said").read_text()
    ssh.write_text("#!/bin/sh\n[ \"$1\" = -G ] && echo hostname 192.0.2.7 && exit 0\n"
                   "echo 'Permission denied (publickey).' >&2\nexit 255\n")
    done = pair.alpha.cleave.run("vm", "migrate", "vm1", "qemu+ssh://beta/system", "--dry-run")
    assert done.returncode == 11, done.stderr
    assert "Permission denied (publickey)" in done.stderr and "ssh:beta" in done.stderr
    ssh.write_text("#!/bin/sh\n[ \"$1\" = -G ] && echo hostname $3\nexit 0\n")
    for uri in (f"qemu+ssh://{OWN_NAME}/system", f"qemu+tls://{OWN_NAME}/system"):
        done = pair.alpha.cleave.run("vm", "migrate", "vm1", uri, "--peer", f"unix:{pair.beta.socket}",
                                     "--dry-run")
        assert done.returncode == 10 and f"\"{OWN_NAME}\" leads to" in done.stderr, done.stderr
    pair.goes_on("vm1")


@pytest.mark.parametrize("words, said", [
    (["vm1", "beta"], "no URI of libvirt"),
    (["vm1", "qemu+tcp://beta/system"], "give its address"),
    (["vm1", "qemu+ext://beta/system?command=/bin/x", "--peer", "ssh:beta"], "no URI of libvirt"),
    (["vm1", "qemu+ssh://beta/system?command=/bin/x"], "after ? only"),
    (["vm1", "qemu+ssh://beta/system?netcat=/bin/x"], "after ? only"),
    (["vm1", "qemu+ssh://beta/system", "--migrate-uri", "exec:/bin/x"], "must begin with tcp"),
    (["vm1", "qemu+ssh://beta/system", "--peer", "beta"], "no address of a cleaved"),
    (["vm1", "qemu+ssh://-oProxyCommand=x/system"], "its host must be a name"),
    (["vm1", "qemu+ssh://beta/system", "--bandwidth", "0"], "--bandwidth"),
    (["nosuch", "qemu+ssh://beta/system"], "there is no VM"),
])
def test_bad_words_are_refused(simulated_vm, words, said):
    done = simulated_vm.cleave.run("vm", "migrate", *words, "--dry-run")
    assert done.returncode in (2, 3) and said in done.stderr, done.stderr


@pytest.fixture(scope="module")
def simulated_vm(image, openapi):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cleave-"))
    host = Machine(directory, VFIO, openapi)
    try:
        host.start()
        host.define_guest(image, "vm1")
        assert host.cleave.run("vm", "start", "vm1").returncode == 0
        yield host
    finally:
        host.end()
        shutil.rmtree(directory, ignore_errors=True)


def offer(**more):
    return {"id": "5c3ae3a2-6d3b-4f4e-8b86-0c6c6f0d7a11", "host": "x", "vm": "x", "facts": {},
            "claims": [], **more}


def offered(name="a", **more):
    return {"claim": {"name": name, "type": "L40S-8Q"}, "facts": {}, **more}


@pytest.mark.parametrize("body", [
    {}, offer(id="x"), offer(id=1), offer(vm=""), offer(vm=None), offer(more=1),
    offer(facts={"no-such": "x"}), offer(facts={"board": 1}), offer(facts={"board": "x" * 200}),
    offer(claims=[offered()] * 2), offer(claims=[offered(str(i)) for i in range(17)]),
    offer(claims=[{"claim": {}, "facts": {}}]), offer(claims=[offered(metadata="A" * 5000)]),
    offer(claims=[offered(metadata=1)]), offer(claims=[offered(more=1)]), offer(claims={})])
@pytest.mark.parametrize("dry", ["", "?dryRun=true"])
def test_offers_that_make_no_sense_are_refused(simulated_vm, body, dry):
    status, answer, _ = simulated_vm.api.call("POST", f"/v1/incoming{dry}", body)
    assert status == 400, answer
    assert simulated_vm.api.get("/v1/migrations")["incoming"] == []


def test_metadata_that_is_a_lie_makes_nvml_s_answer_unknown(simulated_vm):
    body = offer(claims=[offered(metadata="AAAA")])
    status, answer, _ = simulated_vm.api.call("POST", "/v1/incoming?dryRun=true", body)
    assert status == 200, answer
    results = {c["rule"]: c["result"] for c in answer["incoming"]["checks"]}
    assert results["migration-nvml-compatible"] == "unknown"


def test_what_was_not_offered_is_not_found(simulated_vm):
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/commit")):
        status, _, _ = simulated_vm.api.call(
            method, f"/v1/incoming/5c3ae3a2-6d3b-4f4e-8b86-0c6c6f0d7a11{path}")
        assert status == 404
    for words in (["show", "x"], ["cancel", "x"]):
        done = simulated_vm.cleave.run("migration", *words)
        assert done.returncode == 3 and "migration list" in done.stderr


# ---- refused before anything happens ----

def refused(pair, done, rule):
    assert done.returncode == 9 and f"[{rule}]" in done.stderr, done.stderr
    assert pair.beta.api.get("/v1/claims")["claims"] == []
    assert pair.beta.api.get("/v1/plans")["plans"] == []


def test_a_dry_run_shows_every_check_and_changes_nothing(pairs, image):
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha, **TYPE)
    done = pair.migrate("vm1", pair.alpha, "--dry-run", "--bandwidth", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    for rule in ("migration-same-board", "migration-nvml-compatible", "migration-room"):
        assert re.search(rf"^ok +{rule} ", done.stdout, re.MULTILINE), done.stdout
    assert "Estimate: " in done.stdout and "nothing was changed" in done.stdout
    assert "beta: create vGPU L40S-8Q on" in done.stdout
    assert pair.beta.api.get("/v1/plans")["plans"] == []
    assert pair.alpha.api.get("/v1/migrations") == {"migrations": [], "incoming": []}
    # It rests: less than 1 MiB/s is a speed, too, and the speed of the link is not known.
    rests = pair.wait_for("a guest at rest", lambda: (e := estimate(pair))["dirtyBytesPerSecond"] == 0
                          and e)
    assert rests["linkBytesPerSecond"] is None and not rests["known"]
    strict = pair.migrate("vm1", pair.alpha, "--dry-run", "--strict")
    assert strict.returncode in (0, 9)
    pair.goes_on("vm1")


def test_pass_through_is_refused_before_the_target_is_asked(pairs, image):
    pair = pairs(VFIO)
    gpu = sorted(pair.alpha.gpus())[0]
    pair.boot_claimed(image, "vm1", pair.alpha, mode="passthrough", gpu=gpu)
    pair.beta.stop()
    done = pair.migrate("vm1", pair.alpha)
    assert done.returncode == 9 and "[migration-not-of-passthrough]" in done.stderr
    assert pair.alpha.api.get("/v1/migrations")["migrations"] == []
    assert pair.where("vm1") == [pair.alpha]
    pair.goes_on("vm1")


@LONG
def test_another_board_is_refused_and_both_are_named(pairs, image):
    pair = pairs(VFIO, other="board:l40*2")
    pair.boot_claimed(image, "vm1", pair.alpha, **TYPE)
    done = pair.migrate("vm1", pair.alpha)
    refused(pair, done, "migration-same-board")
    assert "NVIDIA L40S" in done.stderr and "NVIDIA L40 " in done.stderr
    pair.goes_on("vm1")


def test_another_mig_profile_is_refused_and_both_are_named(pairs, image):
    pair = pairs(MDEV)
    pair.boot_claimed(image, "vm1", pair.alpha, type="A100-2-10C")
    for gpu in pair.beta.gpus():
        pair.beta.create(f"x{gpu[5:7]}", mode="gpu-instance", profile="7g.40gb", gpu=gpu)
    done = pair.migrate("vm1", pair.alpha)
    assert done.returncode == 9 and "[migration-same-profile]" in done.stderr, done.stderr
    assert "2g.10gb" in done.stderr and "7g.40gb" in done.stderr
    pair.goes_on("vm1")


def test_a_debugger_is_seen_in_the_plugin_s_parameters(pairs, image):
    pair = pairs(VFIO)
    a = pair.alpha
    a.define_guest(image, "vm1", arguments="cleave.fb=7")
    got = a.create("vm1", vm="vm1", **TYPE)["assigned"]
    a.sh(f"echo enable_debugging=1 >/sys/bus/pci/devices/{got['device']}/nvidia/vgpu_params")
    assert a.cleave.run("vm", "start", "vm1").returncode == 0
    refused(pair, pair.migrate("vm1", a), "migration-without-debugging")
    assert pair.where("vm1") == [a]


@pytest.mark.parametrize("host, kind", [(VFIO, "L40S-8Q"), (MDEV, "A100-8C")])
def test_the_target_makes_the_vgpu_with_the_claim_s_parameters(pairs, image, host, kind):
    pair = pairs(host)
    params = {"frameRateLimiter": False, "console": False}
    pair.boot_claimed(image, "vm1", pair.alpha, type=kind, params=params)
    assert pair.migrate("vm1", pair.alpha).returncode == 0
    claim = pair.beta.api.get("/v1/claims")["claims"][0]
    assert claim["params"] == params
    got = claim["assigned"]
    at = f"mdev/devices/{got['mdevUuid']}" if got["mdevUuid"] else f"pci/devices/{got['device']}"
    assert pair.beta.sh(f"cat /sys/bus/{at}/nvidia/vgpu_params").strip() == \
        "frame_rate_limiter=0, disable_vnc=1"


def test_a_claim_with_a_debugger_is_not_moved(pairs, image):
    pair = pairs(VFIO)
    a = pair.alpha
    a.define_guest(image, "vm1", arguments="cleave.fb=7")
    got = a.create("vm1", vm="vm1", params={"debugger": True}, **TYPE)["assigned"]
    a.sh(f"echo ' ' >/sys/bus/pci/devices/{got['device']}/nvidia/vgpu_params")  # drifted
    assert a.cleave.run("vm", "start", "vm1").returncode == 0
    refused(pair, pair.migrate("vm1", a), "migration-without-debugging")
    assert pair.where("vm1") == [a]


# ---- while it moves ----

@pytest.fixture
def on_the_way(pairs, image):
    """A VM that writes faster than it is sent: its migration lasts until something ends it."""
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha, dirty_mib=DIRTY_MIB, **TYPE)
    pair.id = pair.begin("vm1", pair.alpha, "--bandwidth", str(SLOW_MIB))
    pair.wait_sent(pair.alpha, pair.id)
    return pair


def stayed(pair, state="failed"):
    """It ended; the VM runs where it was, and the target has nothing of it."""
    found = pair.wait_end(pair.alpha, pair.id, state)
    pair.wait_for("it is at the source alone", lambda: pair.where("vm1") == [pair.alpha])
    pair.wait_for("the target is clean", lambda: pair.beta.names() == [] and
                  pair.beta.api.get("/v1/claims")["claims"] == [])
    pair.is_at("vm1", pair.alpha)
    pair.goes_on("vm1")
    return found


def emulators(machine):
    return [int(pid) for pid in machine.run(
        "pgrep", "-f", "^/usr/bin/qemu-system-x86_64 -name", check=False).stdout.split()]


def kill_libvirtd(machine):
    machine.sh("kill -KILL $(cat /run/cleave-sim/libvirt/libvirtd.pid)")


@LONG
def test_what_moves_is_in_no_other_hands(on_the_way):
    pair = on_the_way
    a, b = pair.alpha, pair.beta
    for words in (["vm", "stop", "vm1"], ["vm", "stop", "--now", "vm1"], ["claim", "delete", "vm1"],
                  ["vm", "delete", "vm1"]):
        done = a.cleave.run(*words)
        assert done.returncode == 6, (words, done.stderr)
    assert pair.id in a.cleave.run("claim", "delete", "vm1").stderr
    again = pair.migrate("vm1", a)
    assert again.returncode == 6 and pair.id in again.stderr
    done = b.cleave.run("claim", "delete", "vm1")
    assert done.returncode == 6, done.stderr
    assert pair.id in a.cleave.run("migration", "list").stdout
    assert a.cleave.run("migration", "cancel", pair.id).returncode == 0
    stayed(pair, "cancelled")


def test_a_cancelled_migration_leaves_the_vm_where_it_was(on_the_way):
    assert on_the_way.alpha.cleave.run("migration", "cancel", on_the_way.id).returncode == 0
    stayed(on_the_way, "cancelled")
    assert events(on_the_way.alpha, "vm-not-migrated")


@LONG
def test_the_first_interrupt_cancels(pairs, image):
    pair = pairs(VFIO)
    a = pair.alpha
    pair.boot_claimed(image, "vm1", a, dirty_mib=DIRTY_MIB, **TYPE)
    words = [str(word) for word in pair.words("vm1", a, "--bandwidth", str(SLOW_MIB))]
    env = {**os.environ, "CLEAVE_SOCKET": str(a.socket)}
    cli = subprocess.Popen([a.cleave.path, *words], env=env, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    pair.wait_for("it moves", lambda: [m for m in a.api.get("/v1/migrations")["migrations"]
                                       if m["state"] == "moving"])
    cli.send_signal(signal.SIGINT)
    _, said = cli.communicate(timeout=30)
    assert cli.returncode == 4 and "stays here" in said, said
    pair.id = a.api.get("/v1/migrations")["migrations"][0]["id"]
    stayed(pair, "cancelled")


@LONG
def test_a_target_emulator_that_dies_leaves_the_vm_where_it_was(on_the_way):
    # One of them may end with another.
    on_the_way.beta.run("kill", "-KILL", *emulators(on_the_way.beta), check=False)
    stayed(on_the_way)


@LONG
def test_a_target_s_libvirtd_that_dies_leaves_the_vm_where_it_was(on_the_way):
    pair = on_the_way
    kill_libvirtd(pair.beta)
    assert pair.alpha.cleave.run("migration", "cancel", pair.id).returncode == 0
    pair.beta.run(START_LIBVIRT)
    stayed(pair, "cancelled")


def test_a_source_s_libvirtd_that_restarts_leaves_the_vm_where_it_was(on_the_way):
    """No one can tell for a while: the source's libvirt is away, and that of the target says nothing
    of a VM that is arriving, of which only its hook reported."""
    pair = on_the_way
    kill_libvirtd(pair.alpha)
    pair.alpha.run(START_LIBVIRT)
    stayed(pair)


@LONG
def test_a_source_s_cleaved_that_is_killed_while_it_moves_goes_on_afterwards(on_the_way):
    pair = on_the_way
    pair.alpha.kill()
    pair.alpha.start()
    found = pair.wait_state(pair.alpha, pair.id, "moving")
    assert not found["moved"]
    pair.alpha.virsh("migrate-setspeed", "vm1", "1000")
    pair.wait_end(pair.alpha, pair.id, "done")
    pair.is_at("vm1", pair.beta)
    pair.goes_on("vm1")


@LONG
def test_cleaved_stops_at_once_while_a_vm_moves(on_the_way):
    pair = on_the_way
    begun = time.monotonic()
    pair.alpha.stop()
    assert time.monotonic() - begun < 10
    pair.alpha.start()
    assert pair.alpha.cleave.run("migration", "cancel", pair.id).returncode == 0
    stayed(pair, "cancelled")


@LONG
def test_a_target_that_is_away_while_the_vm_arrives_takes_it_over_later(on_the_way):
    pair = on_the_way
    pair.beta.kill()
    pair.alpha.virsh("migrate-setspeed", "vm1", "1000")
    pair.wait_state(pair.alpha, pair.id, "switching")
    assert pair.where("vm1") == [pair.beta]
    assert pair.alpha.api.get("/v1/claims/vm1")["state"] == "bound", "not before the target owns it"
    pair.beta.start()
    pair.wait_end(pair.alpha, pair.id, "done")
    pair.is_at("vm1", pair.beta)
    pair.goes_on("vm1")


def test_a_target_that_is_away_before_it_prepared_refuses_nothing_and_keeps_nothing(pairs, image):
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha, **TYPE)
    pair.beta.kill()
    done = pair.migrate("vm1", pair.alpha)
    assert done.returncode == 11 and "does not answer" in done.stderr
    pair.beta.start()
    pair.is_at("vm1", pair.alpha)


def test_a_gpu_instance_that_can_t_be_made_leaves_the_vm_where_it_was(pairs, image):
    pair = pairs(MDEV)
    pair.boot_claimed(image, "vm1", pair.alpha, type="A100-2-10C")
    pair.beta.ctl("fault", "add", "at=nvmlDeviceCreateGpuInstance*", "nvml=INSUFFICIENT_RESOURCES",
                  "count=9")
    pair.id = pair.begin("vm1", pair.alpha)
    found = stayed(pair)
    assert "could not prepare" in found["problem"]["message"]
    pair.beta.ctl("fault", "clear")
    assert pair.migrate("vm1", pair.alpha).returncode == 0
    pair.is_at("vm1", pair.beta)


def test_a_device_that_can_t_be_opened_there_leaves_the_vm_where_it_was(pairs, image):
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha, **TYPE)
    pair.beta.ctl("fault", "add", "at=open", "errno=EIO")
    pair.id = pair.begin("vm1", pair.alpha)
    stayed(pair)


@LONG
def test_a_reservation_whose_source_is_gone_is_given_back(pairs, image):
    pair = pairs(VFIO, "--incoming-patience", "3")
    pair.boot_claimed(image, "vm1", pair.alpha, dirty_mib=DIRTY_MIB, **TYPE)
    ident = pair.begin("vm1", pair.alpha, "--bandwidth", str(SLOW_MIB))
    pair.wait_sent(pair.alpha, ident)
    pair.alpha.kill()
    pair.alpha.virsh("domjobabort", "vm1")
    pair.wait_for("it is given back", lambda: pair.beta.api.get("/v1/claims")["claims"] == [])
    assert events(pair.beta, "incoming-expired")
    pair.alpha.start()
    pair.id = ident
    stayed(pair)


@LONG
def test_a_vm_whose_source_is_gone_is_taken_over(pairs, image):
    pair = pairs(VFIO, "--incoming-patience", "3")
    pair.boot_claimed(image, "vm1", pair.alpha, dirty_mib=DIRTY_MIB, **TYPE)
    ident = pair.begin("vm1", pair.alpha, "--bandwidth", str(SLOW_MIB))
    pair.wait_sent(pair.alpha, ident)
    pair.alpha.kill()
    pair.alpha.virsh("migrate-setspeed", "vm1", "1000")
    pair.wait_for("it is taken over", lambda: pair.beta.api.get("/v1/claims")["claims"][0]["vm"])
    pair.alpha.start()
    pair.wait_end(pair.alpha, ident, "done")
    pair.is_at("vm1", pair.beta)
    pair.goes_on("vm1")


@LONG
def test_two_vms_that_leave_at_once_go_one_after_the_other(pairs, image):
    pair = pairs(VFIO)
    a, b = pair.alpha, pair.beta
    for name in "vm1", "vm2":
        a.define_guest(image, name, arguments="cleave.fb=7")
        a.create(name, vm=name, **TYPE)
        assert a.cleave.run("vm", "start", name).returncode == 0
    pair.wait_for("both read", lambda: pair.ticks("vm1") and pair.ticks("vm2"))
    ids = [pair.begin(name, a) for name in ("vm1", "vm2")]
    for ident in ids:
        pair.wait_end(a, ident, "done")
    assert sorted(b.names()) == ["vm1", "vm2"] and a.names() == []
    assert a.problems() == [] and b.problems() == []
    done = [pair.begin(name, b) for name in ("vm2", "vm1")]
    assert b.cleave.run("migration", "cancel", done[1]).returncode == 0, "while it waits its turn"
    pair.wait_end(b, done[0], "done")
    pair.wait_end(b, done[1], "cancelled")
    assert b.names() == ["vm1"] and a.names() == ["vm2"]
    pair.goes_on("vm1")
    pair.goes_on("vm2")


# ---- a target that is lost for good ----

PATIENCE = "--incoming-patience", "1"


def lose_target(pairs, image):
    """The VM arrived, and no one answers there any more."""
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha, dirty_mib=16, **TYPE)
    pair.id = pair.begin("vm1", pair.alpha, "--bandwidth", str(SLOW_MIB))
    pair.wait_sent(pair.alpha, pair.id)
    early = word(pair, "--target")
    assert early.returncode == 4 and "libvirt is moving the VM" in early.stderr, early.stderr
    pair.beta.kill()
    pair.alpha.virsh("migrate-setspeed", "vm1", "1000")
    pair.wait_state(pair.alpha, pair.id, "switching")
    return pair


def word(pair, *options):
    return pair.alpha.cleave.run("migration", "resolve", pair.id, *options)


def test_a_target_that_never_answers_again_is_resolved_by_a_person(pairs, image):
    pair = lose_target(pairs, image)
    a = pair.alpha
    assert word(pair).returncode == 2 and word(pair, "--target", "--source").returncode == 2
    for way in "--target", "--source":
        shown = word(pair, way, "--dry-run")
        assert shown.returncode == 0, shown.stderr
        for text in ("source: off", "beta: cleaved", "last answered at 20", "said that the VM arrived",
                     "nothing was changed"):
            assert text in shown.stdout, shown.stdout
    assert "two VMs on one disk destroy its contents" in shown.stdout and 'keep claim "vm1"' in shown.stdout
    found = pair.migration(a, pair.id)
    assert found["state"] == "switching" and found["resolution"] is None
    done = word(pair, "--target")
    assert done.returncode == 0 and 'forget claim "vm1"' in done.stdout, done.stdout + done.stderr
    found = pair.wait_end(a, pair.id, "done")
    assert found["resolution"] == "target" and found["resolvedBy"]
    assert a.names() == [] and a.api.get("/v1/claims")["claims"] == []
    assert events(a, "migration-resolved")
    assert word(pair, "--target").returncode == 4, "it is over"
    # The target was not lost after all: cleaved there takes over what runs there.
    pair.beta.start(*PATIENCE)
    pair.wait_for("it is taken over", lambda: pair.beta.api.get("/v1/claims")["claims"][0]["vm"])
    pair.is_at("vm1", pair.beta)
    pair.goes_on("vm1")


@LONG
def test_a_vm_whose_target_is_lost_starts_again_where_it_came_from(pairs, image):
    pair = lose_target(pairs, image)
    a, b = pair.alpha, pair.beta
    refused = a.cleave.run("vm", "start", "vm1")
    assert refused.returncode == 6, refused.stderr
    b.virsh("destroy", "vm1")
    b.virsh("undefine", "vm1")
    done = word(pair, "--source")
    assert done.returncode == 0, done.stderr
    found = pair.wait_end(a, pair.id, "failed")
    assert found["resolution"] == "source" and "is on this host" in found["problem"]["message"]
    assert a.cleave.run("vm", "start", "vm1").returncode == 0
    b.start(*PATIENCE)
    pair.wait_for("it is given back", lambda: b.api.get("/v1/claims")["claims"] == [])
    pair.is_at("vm1", a)
    pair.wait_for("it boots again", lambda: [t[0] for t in pair.ticks("vm1")].count(1) == 2)


@LONG
def test_a_target_that_comes_back_with_a_vm_that_was_resolved_as_here_is_cleared_by_hand(pairs, image):
    """What the dry run says is to be done there, and nothing else, is enough."""
    pair = lose_target(pairs, image)
    a, b = pair.alpha, pair.beta
    assert word(pair, "--source").returncode == 0
    b.start(*PATIENCE)
    pair.wait_for("it is taken over", lambda: b.api.get("/v1/claims")["claims"][0]["vm"])
    for words in (["vm", "stop", "--now", "vm1"], ["claim", "delete", "vm1"], ["vm", "delete", "vm1"]):
        done = b.cleave.run(*words)
        assert done.returncode == 0, (words, done.stdout + done.stderr)
    assert a.cleave.run("vm", "start", "vm1").returncode == 0
    pair.is_at("vm1", a)
    pair.wait_for("it boots again", lambda: [t[0] for t in pair.ticks("vm1")].count(1) == 2)


# ---- killed at every commit ----

def settle(pair, source, ident):
    """What became of it, by the source's word."""
    return pair.wait_state(source, ident, *OVER, timeout=90)


@pytest.mark.parametrize("who, when", [
    ("source", "die_after"), pytest.param("source", "die_before", marks=LONG),
    pytest.param("target", "die_after", marks=LONG), pytest.param("target", "die_before", marks=LONG)])
@LONG
def test_killed_at_every_commit_a_migration_still_ends_well(pairs, image, who, when):
    pair = pairs(VFIO)
    pair.boot_claimed(image, "vm1", pair.alpha, **TYPE)
    source = pair.alpha
    ends = []
    for commit in range(1, 40):
        target = pair.other(source)
        victim = source if who == "source" else target
        victim.stop()
        victim.start(**{when: commit})
        with contextlib.suppress(AssertionError, json.JSONDecodeError):
            pair.begin("vm1", source)
        deadline = time.monotonic() + 60
        while victim.lives():
            ids = [m for m in source_moves(source)]
            if ids and ids[-1]["finishedAt"] is not None:
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        survived = victim.lives()
        if survived:
            victim.kill()
        victim.start()
        moves = sorted(source.api.get("/v1/migrations")["migrations"], key=lambda m: m["createdUs"])
        if moves:
            end = settle(pair, source, moves[-1]["id"])
            ends.append(end["state"] if end["problem"] is None else end["problem"]["message"])
            if end["state"] == "done":
                source = target
        pair.wait_for("both are at rest", lambda: pair.at_rest())
        pair.is_at("vm1", source)
        if survived:
            break
    assert survived and "done" in ends and commit > 3, (commit, ends)
    pair.goes_on("vm1")
    print(f"{who} killed at {commit - 1} commits ({when}): {ends}")


def source_moves(source):
    with contextlib.suppress(OSError, ValueError):
        return sorted(source.api.get("/v1/migrations")["migrations"], key=lambda m: m["createdUs"])
    return []
