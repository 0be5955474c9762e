# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts whose libvirt calls cleave's hook, as packaging/libvirt installs it."""
import json
import time

from harness import BUILD, ROOT
from machine import START_LIBVIRT, device


def hook_options(directory, without="refuse", build=BUILD, root=ROOT):
    """libvirt calls its hooks with an empty environment: what a test has elsewhere is said here.
    build, root: whose hook it is."""
    hook = directory / "cleave"
    config = directory / "hook.yaml"
    config.write_text(f"socket: {directory / 's'}\nwithoutCleaved: {without}\n")
    hook.write_text("#!/bin/sh\n"
                    f"echo \"$@\" >>{directory / 'hooks'}\n"
                    f"export CLEAVE={build / 'src/cli/cleave'} CLEAVE_HOOK_CONFIG={config}\n"
                    f"exec {root}/packaging/libvirt/hooks/qemu.d/cleave \"$@\"\n")
    hook.chmod(0o755)
    return ["--hook", hook]


def wait_restored(machine, timeout=60, state="done"):
    """The restoration that runs on its own, once it has ended so."""
    deadline = time.monotonic() + timeout
    while True:
        restore = machine.api.get("/v1/host/restore")
        if restore["state"] in ("done", "incomplete"):
            assert restore["state"] == state, json.dumps(restore, indent=1)
            return restore
        assert time.monotonic() < deadline, json.dumps(restore, indent=1)
        time.sleep(0.05)


def store_autostart(machine, xml):
    """Libvirt is off and has these definitions, by name, of VMs that start with the host."""
    machine.run(START_LIBVIRT, "power-off", check=False)
    for name, text in xml.items():
        (machine.directory / f"{name}.xml").write_text(text)
        machine.sh(f"mkdir -p /etc/libvirt/qemu/autostart; cd /etc/libvirt/qemu; cp {machine.directory}/{name}.xml .\n"
                   f"ln -sf /etc/libvirt/qemu/{name}.xml autostart/")


def claim(machine, name):
    return machine.api.get(f"/v1/claims/{name}")


def state(machine, name):
    status, body, _ = machine.api.call("GET", f"/v1/claims/{name}")
    return body["state"] if status == 200 else None


def named(machine, name):
    """The device that the VM's definition is to have."""
    it = claim(machine, name)
    return device(it["assigned"] or it["reserved"])


def garbage(machine):
    done = machine.cleave.run("gc", "--dry-run", "-o", "json")
    assert done.returncode == 0, done.stderr
    lists = json.loads(done.stdout)
    return lists["garbage"], lists["kept"]


def events(machine, kind):
    return [e for e in machine.api.get("/v1/events")["events"] if e["kind"] == kind]


def emulator(machine, vm):
    """Its process id, inside the host."""
    return machine.sh(f"cat /run/libvirt/qemu/{vm}.pid").strip()
