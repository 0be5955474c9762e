# SPDX-License-Identifier: Apache-2.0
"""The demo's second half: a VM keeps its GPU when it moves to another host, and over a reboot."""
import json
import re
import socket
import subprocess
import time

import console

TICK = re.compile(r"tick (\d+) fb=(\S+) sum=(\w+)")
START_LIBVIRT = "sim/guest/start-libvirt"
WAIT_S = 300


def answers(path):
    """There is a server on the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def wait_for(what, found):
    deadline = time.monotonic() + WAIT_S
    while not found():
        if time.monotonic() > deadline:
            raise SystemExit(f"demo: {what} did not come about in {WAIT_S} s")
        time.sleep(0.05)


def ticks(demo, vm):
    """Each time the guest read all of its framebuffer: (number, "ok" or what was wrong, checksum)."""
    found = [TICK.search(line) for line in console.lines(demo.console(vm))]
    return [(int(it[1]), it[2], it[3]) for it in found if it]


def move(demo, vm, source, target):
    """Moves the VM from one host to the other; returns what cleave knows of the move."""
    before = len(ticks(demo, vm))
    demo.cleave("vm", "migrate", vm, target.uri, "--peer", f"unix:{target.socket}",
                "--migrate-uri", f"unix://{target.share / 'carrier.sock'}", "--bandwidth", "200",
                host=source)
    wait_for(f"a sign of life from {vm}", lambda: len(ticks(demo, vm)) > before + 1)
    return demo.get("migration", "list", host=source)["migrations"][0]


def part_f(demo, alpha, beta, gpu):
    demo.title("(f) a VM moves to another host with its vGPU, and back, while it computes")
    vm = "mover"
    wait_for("the other host's cleaved", lambda: answers(beta.socket))
    demo.make_vm(vm, arguments="cleave.fb=42")
    demo.cleave("claim", "create", vm, "--vm", vm, "--gpu", gpu, "--type", "L40S-12Q", "--migratable")
    demo.cleave("vm", "start", vm)
    wait_for(f"a sign of life from {vm}", lambda: ticks(demo, vm))
    demo.cleave("vm", "migrate", vm, beta.uri, "--peer", f"unix:{beta.socket}", "--bandwidth",
                "200", "--dry-run")
    for source, target in ((alpha, beta), (beta, alpha)):
        moved = move(demo, vm, source, target)
        there = demo.get("claim", "list", host=target)["claims"]
        here = demo.get("claim", "list", host=source)["claims"]
        owned = vm in [c["name"] for c in there] and vm not in [c["name"] for c in here]
        progress = moved["progress"]
        demo.check("f", f"it runs on {target.name}, and its claim is there",
                   moved["state"] == "done" and owned,
                   f"{progress['elapsedMs']} ms in all, guest paused for {progress['downtimeMs']} ms")
    seen = ticks(demo, vm)
    demo.check("f", "it never stopped counting, and its framebuffer is as it wrote it",
               [tick[0] for tick in seen] == list(range(1, len(seen) + 1))
               and {tick[1] for tick in seen} == {"ok"} and len({tick[2] for tick in seen}) == 1,
               f"{len(seen)} ticks, one checksum")
    demo.halt([vm])


def layout_of(demo, gpus):
    """Everything that a reboot takes and cleave has to bring back."""
    layout = {}
    for bdf in gpus:
        gpu = demo.get("gpu", "show", bdf)
        layout[bdf] = (gpu["mode"],
                       sorted((gi["profile"], gi["start"]) for gi in gpu["gpuInstances"]),
                       sorted((vgpu["type"], vgpu["device"], vgpu["placementId"])
                              for vgpu in gpu["vgpus"]))
    return layout


def hardware_vgpus():
    """How many there are; asked of the simulator, past cleave."""
    status = subprocess.run(["/run/cleave-sim/bin/cleave-sim", "ctl", "status"],
                            stdout=subprocess.PIPE, check=True, text=True).stdout
    return sum(len(gpu["mdevs"]) + sum(vf.get("vgpu") is not None for vf in gpu.get("vfs") or [])
               for gpu in json.loads(status)["host"]["gpus"])


def part_g(demo, gpus, vms):
    demo.title("(g) the host reboots; everything is put back, and VMs start with their GPUs")
    before = layout_of(demo, gpus)
    demo.kill()
    subprocess.run([demo.build / START_LIBVIRT, "power-off"], check=True)
    bare = hardware_vgpus()
    demo.start()  # which begins to restore on its own; the command below waits until it is done
    subprocess.run([demo.build / START_LIBVIRT], check=True)
    demo.cleave("host", "restore")
    demo.check("g", "the reboot took all, and all is where it was",
               bare == 0 and layout_of(demo, gpus) == before,
               f"{bare} vGPUs after the reboot, {hardware_vgpus()} now")
    print(f"$ virsh start {' '.join(vms)}")
    found = demo.boot(vms, start=lambda vm: subprocess.run(["virsh", "-q", "start", vm], check=True))
    demo.check("g", "libvirt alone starts VMs, and cleave's hook answers for their GPUs",
               len(found) == len(vms) and all("gpu=" in line for line in found.values()),
               f"{len(found)} VMs")
    demo.halt(vms)
    status, text = demo.cleave("gc", "--dry-run", check=False)
    demo.check("g", "nothing is left over", status == 0 and not demo.get("gc", "--dry-run")["garbage"])
