#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libvirt's hook adds to a VM start. Run inside `cleave-sim run --libvirt`; prints, never judges.

The anchor of each figure is the same start of the same run without the hook.
"""
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from daemon import BUILD, ROOT, running

HOOKS = pathlib.Path("/etc/libvirt/hooks/qemu.d")
RUNS = 9
DOMAIN = """<domain type='qemu'><name>{}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>"""


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True,
                          **options).stdout


def virsh(*words, **options):
    return run("virsh", "-q", "-c", "qemu:///system", *words, **options)


def start_ms(vm):
    times = []
    for _ in range(RUNS):
        began = time.monotonic()
        virsh("start", vm)
        times.append((time.monotonic() - began) * 1000)
        virsh("destroy", vm)
        time.sleep(0.3)  # what is given back is back
    return statistics.median(times)


def wall_ms(*command, **options):
    times = []
    for _ in range(RUNS):
        began = time.monotonic()
        run(*command, **options)
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)


def main(directory):
    socket = directory / "s"
    config = directory / "hook.yaml"
    config.write_text(f"socket: {socket}\n")
    with running(directory, "--log-level", "error", log=None):
        cleave = [BUILD / "src/cli/cleave", "--socket", socket]
        for vm in ("plain", "held", "demand"):
            virsh("define", "/dev/stdin", input=DOMAIN.format(vm))
        run(*cleave, "claim", "create", "held", "--vm", "held", "--type", "L40S-8Q")
        without = {vm: start_ms(vm) for vm in ("plain", "held")}
        HOOKS.mkdir(parents=True, exist_ok=True)
        hook = HOOKS / "cleave"
        hook.write_text(f"#!/bin/sh\nexport CLEAVE={BUILD / 'src/cli/cleave'} "
                        f"CLEAVE_HOOK_CONFIG={config}\n"
                        f"exec {ROOT / 'packaging/libvirt/hooks/qemu.d/cleave'} \"$@\"\n")
        hook.chmod(0o755)
        run(BUILD / "sim/guest/start-libvirt", "restart")
        run(*cleave, "claim", "create", "demand", "--vm", "demand", "--type", "L40S-8Q", "--on-demand")
        for vm, what in (("plain", "without a claim"), ("held", "with a held vGPU")):
            now = start_ms(vm)
            print(f"virsh start, VM {what}: {without[vm]:.0f} ms without the hook, {now:.0f} ms with it: "
                  f"{now - without[vm]:+.0f} ms, x{now / without[vm]:.2f}")
        now = start_ms("demand")
        print(f"virsh start, VM with an on-demand vGPU, which is drawn: {now:.0f} ms, "
              f"x{now / without['held']:.2f} of the held one's without the hook")
        xml = virsh("dumpxml", "--inactive", "held")
        env = {**os.environ, "CLEAVE_HOOK_CONFIG": str(config)}
        nothing = wall_ms("/bin/true")
        for words in (("held", "prepare", "begin", "-"), ("held", "started", "begin", "-")):
            alone = wall_ms(hook, *words, input=xml, env=env)
            print(f"the hook script alone, {words[1]}: {alone:.1f} ms; /bin/true: {nothing:.1f} ms")


with tempfile.TemporaryDirectory() as folder:
    main(pathlib.Path(folder))
