#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long `cleave vm migrate` takes between two simulated hosts; prints, never judges.

The anchor is the same VM moved by libvirt alone. A simulated framebuffer is a few MiB of shared memory,
while the driver says that more is in use: the estimate, which believes the driver, is an upper bound.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/e2e"))

from harness import BUILD
from openapi import OpenApi
from pair import Pair

RUNS = 4
SLOW_MIB = 16


def seconds(ms):
    return "-" if ms is None else f"{ms / 1000:.2f} s"


def alone(pair, source):
    """By libvirt, without a device."""
    began = time.monotonic()
    source.virsh("migrate", "--live", "--p2p", "--persistent", "--undefinesource", "plain",
                 pair.uri(pair.other(source)), "--migrateuri", pair.carrier())
    return (time.monotonic() - began) * 1000


def with_cleave(pair, source, *options):
    began = time.monotonic()
    done = pair.migrate("vm1", source, "-o", "json", *options)
    wall = (time.monotonic() - began) * 1000
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["migration"]
    return wall, found["progress"], found["estimate"]


def main():
    image = BUILD / "guest"
    subprocess.run([ROOT / "sim/guest/build-image", image, BUILD], check=True, capture_output=True)
    with tempfile.TemporaryDirectory(prefix="cleave-") as name:
        pair = Pair(pathlib.Path(name), "l40s-x2", OpenApi())
        try:
            pair.start()
            pair.boot_claimed(image, "vm1", pair.alpha, type="L40S-8Q")
            pair.alpha.define_guest(image, "plain")
            pair.alpha.virsh("start", "plain")
            time.sleep(3)
            ends = [pair.alpha, pair.beta] * (RUNS // 2)
            anchor = statistics.median(alone(pair, source) for source in ends)
            runs = [with_cleave(pair, source, "--bandwidth", "1000") for source in ends]
            wall = statistics.median(run[0] for run in runs)
            print(f"libvirt alone, no device      {seconds(anchor)}  anchor")
            print(f"cleave vm migrate, L40S-8Q    {seconds(wall)}  {wall / anchor:.1f} x")
            for label, options in (("1000 MiB/s", "1000"), (f"{SLOW_MIB} MiB/s", str(SLOW_MIB))):
                source = pair.where("vm1")[0]
                _, took, estimate = with_cleave(pair, source, "--bandwidth", options)
                print(f"{label:<12} total {seconds(took['elapsedMs'])} "
                      f"(estimate {seconds(estimate['totalMs'])}), standing still "
                      f"{seconds(took['downtimeMs'])} (estimate {seconds(estimate['downtimeMs'])}), "
                      f"{(took['processedBytes'] or 0) / 2**20:.0f} MiB sent")
        finally:
            pair.end()


if __name__ == "__main__":
    main()
